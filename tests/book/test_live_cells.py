"""Live cells without a browser: fetching Python, the kernel, and building pages."""

import hashlib
import importlib
import io
import itertools
import json
import re
import sys

import nbformat
import pytest
from live_book import (
    CDN,
    FOLDER,
    RUNTIME,
    STEP,
    chapter,
    kernel,
    notebooks_with_live_cells,
    run_cells,
    vendor,
    vendored,
)
from sphinx.application import Sphinx
from sphinx.errors import ConfigError, ExtensionError
from sphinx.util.docutils import docutils_namespace

__all__ = ["vendor", "vendored"]  # fixtures


# ---- fetching Python -----------------------------------------------------------


def test_every_vendored_file_is_the_pinned_one(vendor, vendored):
    """And no other file is there; a second run finds them and fetches nothing."""
    names = {file["name"] for file in RUNTIME["files"]}
    assert {path.name for path in vendored.iterdir()} == names
    for file in RUNTIME["files"]:
        data = (vendored / file["name"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == file["sha256"], file["name"]
    assert vendor.fetch(RUNTIME) is None


@pytest.fixture
def release(tmp_path, serve):
    """A small release on a server of its own: its folder and what is pinned of it."""
    folder = tmp_path / "release"
    folder.mkdir()
    files = []
    for name in ("a.wasm", "b.whl"):
        data = name.encode() * 1000
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        files.append({"name": name, "size": len(data), "sha256": digest})
    with serve(folder) as address:
        yield folder, {"url": address, "files": files}


def test_vendoring_fetches_once(vendor, release, tmp_path):
    """From the CDN; then the files are here."""
    folder, runtime = release
    assert vendor.fetch(runtime, tmp_path / "got") == runtime["url"]
    assert (tmp_path / "got" / "b.whl").read_bytes() == b"b.whl" * 1000
    assert vendor.fetch(runtime, tmp_path / "got") is None


@pytest.mark.parametrize("before", [False, True])
def test_a_wrong_checksum_ends_vendoring(vendor, release, tmp_path, before):
    """It says which file; nothing half-written stays, and what was there does."""
    folder, runtime = release
    target = tmp_path / "build" / "pyodide"
    if before:
        target.mkdir(parents=True)
        (target / "a.wasm").write_text("an older version")
    (folder / "b.whl").write_bytes(b"c.whl" * 1000)
    with pytest.raises(vendor.WrongFile, match="b.whl.*expected SHA-256"):
        vendor.fetch(runtime, target)
    assert [p.name for p in target.parent.iterdir()] == ["pyodide"] * before
    if before:
        assert (target / "a.wasm").read_text() == "an older version"


def test_without_the_cdn_a_package_index_is_enough(vendor, release, tmp_path, capsys):
    """The files come out of the package; a wrong one in it is found too."""
    folder, runtime = release
    runtime = runtime | {"url": "http://localhost:9/nobody/"}

    def carrier(scratch):
        assert scratch.is_dir()
        return lambda name: (folder / name).read_bytes()

    assert vendor.fetch(runtime, tmp_path / "got", carrier) == vendor.CARRIER
    assert "cannot be reached" in capsys.readouterr().out
    (folder / "a.wasm").write_bytes(b"other")
    with pytest.raises(vendor.WrongFile, match="a.wasm"):
        vendor.fetch(runtime, tmp_path / "again", carrier)


def test_a_failed_vendoring_is_one_line_and_an_exit_status(vendor, monkeypatch):
    """What `make vendor-pyodide` shows then."""
    monkeypatch.setattr(sys, "argv", ["vendor.py"])

    def fetch(runtime):
        raise vendor.WrongFile("b.whl: expected this, got that")

    monkeypatch.setattr(vendor, "fetch", fetch)
    with pytest.raises(SystemExit, match="^vendor-pyodide: b.whl: expected this"):
        vendor.main()


def test_the_editor_is_bundled_from_its_sources():
    """`make editor` was run after the last change; every version is pinned."""
    digest = hashlib.sha256()
    for name in ("index.js", "package-lock.json"):
        digest.update((FOLDER / "editor" / name).read_bytes())
    bundle = (FOLDER / "editor.js").read_text("utf-8")
    assert digest.hexdigest() in bundle[:200], "run make editor"
    package = json.loads((FOLDER / "editor" / "package.json").read_text())
    versions = package["dependencies"] | package["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", v) for v in versions.values())
    assert "resolved" not in (FOLDER / "editor" / "package-lock.json").read_text()


# ---- the kernel, in this Python ------------------------------------------------


def traceback_of(outputs):
    """The text of the error that ends a cell's outputs."""
    assert outputs[-1]["output_type"] == "error"
    return "\n".join(outputs[-1]["traceback"])


def test_a_cell_shows_what_it_prints_and_its_last_value():
    """As in Jupyter: text in order, a value as repr, nothing after a semicolon."""
    shown = run_cells(
        "import sys\nprint(1)\nprint(2, file=sys.stderr)\nprint(3, end='')\n'a' 'b'",
        "_ * 2",
        "5;",
        "None",
        "{'long': list(range(30)), 'b': 1}",
        "display(1, 'two')\ninput",
    )
    written = itertools.groupby(shown[0][:-1], key=lambda o: o["name"])
    texts = [(name, "".join(o["text"] for o in parts)) for name, parts in written]
    assert texts == [("stdout", "1\n"), ("stderr", "2\n"), ("stdout", "3")]
    assert shown[0][-1]["data"] == {"text/plain": "'ab'"}
    assert shown[1][0]["data"] == {"text/plain": "'abab'"}
    assert shown[2] == shown[3] == []
    assert shown[4][0]["data"]["text/plain"].startswith("{'long': [0,\n")
    assert [o["output_type"] for o in shown[5]] == ["display_data"] * 2 + [
        "execute_result"
    ]


def test_values_that_know_their_picture_show_it():
    """Methods of Jupyter's protocol, and what lstm_lib displays."""
    html, bundle, drawing, figure, text = run_cells(
        "class A:\n    def _repr_html_(self):\n        return '<b>a</b>'\nA()",
        "class B:\n    def _repr_mimebundle_(self, include=None, exclude=None):\n"
        "        return {'text/plain': 'b'}, {'x': 1}\nB()",
        "from lstm_lib import LSTM, draw\ndraw.cell(LSTM(1, 1)).show(name='unit')",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nprint('after')",
        "from IPython.display import HTML, clear_output\nclear_output()\nHTML('<i>')",
    )
    assert html[0]["data"]["text/html"] == "<b>a</b>"
    assert bundle[0]["data"] == {"text/plain": "b"} and bundle[0]["metadata"]
    assert "<svg" in drawing[0]["data"]["image/svg+xml"]
    assert [o["output_type"] for o in figure] == ["display_data", "stream"]
    assert figure[0]["metadata"]["image/png"]["width"] > 300
    assert [o["output_type"] for o in text] == ["clear_output", "execute_result"]


def test_a_traceback_has_the_readers_lines_only():
    """By cell and line, without the insides of libraries; causes are kept."""
    shown = run_cells(
        "def f(x):\n    import json\n    return json.loads(x)",
        "f('{')",
        "try:\n    f('{')\nexcept ValueError as why:\n    raise KeyError(1) from why",
        "if True print(1)",
        "import not_here",
        "raise SystemExit(2)",
        "def g(): g()\ng()",
        "input()",
    )
    first = traceback_of(shown[1])
    assert "Cell 2, line 1, in <module>" in first and "f('{')" in first
    assert "Cell 1, line 3, in f" in first and "return json.loads(x)" in first
    assert ".py" not in first and first.split("\n")[-1].startswith("json.decoder.")
    assert "direct cause" in traceback_of(shown[2])
    assert "Cell 4, line 1" in traceback_of(shown[3])
    assert "^" in traceback_of(shown[3])
    assert "has NumPy, Matplotlib and lstm_lib" in traceback_of(shown[4])
    assert traceback_of(shown[5]).endswith("SystemExit: 2")
    assert len(traceback_of(shown[6])) < 1000
    assert "nobody can be asked" in traceback_of(shown[7])


def test_a_flood_of_output_is_cut():
    """A page must live through a loop that prints, or displays, without end."""
    printed, displayed, value = run_cells(
        "for k in range(10**5):\n    print('0123456789', flush=True)",
        "for k in range(10**4):\n    display(k)",
        "'x' * 10**6",
    )
    text = "".join(o["text"] for o in printed)
    assert len(text) < 210_000 and len(printed) < 50 and "The rest is not shown" in text
    assert len(displayed) < 600 and "The rest is not shown" in displayed[-1]["text"]
    assert len(value[0]["data"]["text/plain"]) < 210_000


def test_an_answer_must_come_from_its_own_cell():
    """The library's own function, imported before, does not pass for one."""
    right = STEP.format(update="f * c + i * g")
    start = "import numpy as np\nfrom lstm_lib import lstm_step, sigmoid"
    shown = kernel(
        ("run", start, 1),
        ("run", "x = 1", 2, "lstm_step"),
        ("check", "lstm_step"),
        ("run", "lstm_step.__module__", 3),
        ("run", right, 2, "lstm_step"),
        ("check", "lstm_step"),
        ("run", "lstm_step.__module__", 3),
    )
    assert shown[2][0] is None and "defines no lstm_step" in shown[2][1]["text"]
    assert shown[3][1]["data"]["text/plain"] == "'lstm_lib.cells'"
    assert shown[5][0] == 1.0
    assert shown[6][1]["data"]["text/plain"] == "'__main__'"


@pytest.mark.parametrize(
    "source, needed",
    [
        ("import matplotlib.pyplot as plt", True),
        ("def f():\n    from matplotlib import pyplot", True),
        ("from lstm_lib import LSTM, plot", True),
        ("from lstm_lib.plot import show", True),
        ("import lstm_lib\nlstm_lib.plot.figure()", True),
        ("from lstm_lib import LSTM, draw, tasks, checks, datasets", False),
        ("import numpy as np\nplot = 1", False),
        ("from lstm_lib import (", False),
    ],
)
def test_matplotlib_is_loaded_when_it_is_imported(source, needed):
    """By the cell itself, or by what it imports of lstm_lib."""
    assert kernel(("needs_matplotlib", source)) == [[needed]]


# ---- the chapters' live cells, in this Python ------------------------------------

# NumPy, Matplotlib, lstm_lib, and what Pyodide brings with Matplotlib.
SET = {"numpy", "matplotlib", "mpl_toolkits", "lstm_lib", "PIL", "dateutil", "six"}
SET |= {"contourpy", "cycler", "fontTools", "kiwisolver", "packaging", "pyparsing"}
SET |= {"pytz"}
GUARD = """
import sys
allowed = set(sys.stdlib_module_names) | set({allowed!r})
class Guard:
    def find_spec(name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and not top.startswith("_"):
            raise ModuleNotFoundError("not in the closed set: " + name, name=name)
sys.meta_path.insert(0, Guard)
"""


def test_live_cells_are_a_closed_set():
    """Alone and in order they use NumPy, Matplotlib and lstm_lib, for seconds."""
    chapters = notebooks_with_live_cells()
    if not chapters:
        pytest.skip("no chapter has live cells yet")
    for path, cells in chapters.items():
        guard = ("run", GUARD.format(allowed=sorted(SET)), 0)
        steps = [("run", cell.source, k) for k, cell in enumerate(cells, 1)]
        for cell, (well, *outputs) in zip(cells, kernel(guard, *steps)[1:]):
            assert well, f"{path.name}, cell {cell.id}: {traceback_of(outputs)}"


def test_the_guard_of_the_closed_set_guards():
    """The test above would fail for a chapter that needs another package."""
    guard = ("run", GUARD.format(allowed=sorted(SET)), 0)
    shown = kernel(guard, ("run", "import nbformat", 1), ("run", "import numpy", 2))
    assert "closed set" in traceback_of(shown[1][1:]) and shown[2] == [True]


# ---- building -------------------------------------------------------------------


@pytest.fixture
def build(tmp_path, monkeypatch):
    """Builds one page plainly: what Sphinx said, the page's text, _static."""
    monkeypatch.syspath_prepend(FOLDER.parent)
    monkeypatch.delenv("LIVE_CELLS_PYTHON", raising=False)

    def build_page(name="book", *, cells=(), without=False, **config):
        folder = tmp_path / name
        folder.mkdir()
        nbformat.write(chapter(*cells), folder / "index.ipynb")
        (folder / "conf.py").write_text("")
        extensions = ["myst_nb"] if without else ["myst_nb", "live_cells"]
        config |= {"extensions": extensions, "nb_execution_mode": "off"}
        said = io.StringIO()
        with docutils_namespace():
            app = Sphinx(
                srcdir=folder,
                confdir=folder,
                outdir=folder / "out",
                doctreedir=folder / "trees",
                buildername="html",
                confoverrides=config,
                status=None,
                warning=said,
            )
            app.build()
        page = (folder / "out" / "index.html").read_text("utf-8")
        return said.getvalue(), page, folder / "out" / "_static"

    return build_page


def test_an_empty_setting_leaves_pages_as_they_were(build):
    """The same bytes as without the extension, and no asset."""
    said, page, static = build(live_cells_python="")
    _, plain, _ = build("without", without=True)
    assert not said and page == plain and "live-cells" not in page
    assert not (static / "live_cells").exists()


def test_the_default_is_the_pinned_cdn(build):
    """The page says where Python comes from, and no file of Pyodide is copied."""
    said, page, static = build()
    assert not said and "cdn.jsdelivr.net" in page and RUNTIME["version"] in CDN
    folder = static / "live_cells"
    settings = json.loads((folder / "python.json").read_text())
    urls = {file["name"]: file["url"] for file in settings["files"]}
    assert urls["pyodide.asm.wasm"] == CDN + "pyodide.asm.wasm"
    assert not (folder / "pyodide").exists()
    wheel = next(folder.glob("*.whl"))  # ours comes from the book itself
    sums = {file["name"]: file["sha256"] for file in settings["files"]}
    assert urls[wheel.name] == wheel.name
    assert sums[wheel.name] == hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_the_environment_comes_before_the_setting(build, monkeypatch):
    """For one build: make book LIVE_CELLS_PYTHON=..."""
    monkeypatch.setenv("LIVE_CELLS_PYTHON", "https://python.example/here")
    _, page, static = build(live_cells_python="")
    settings = (static / "live_cells" / "python.json").read_text()
    assert "python.example" in page and "python.example/here/pyodide.mjs" in settings


def test_another_setting_is_an_error(build):
    """It says what was expected."""
    with pytest.raises(ConfigError, match="expected an address, 'local' or ''"):
        build(live_cells_python="lokal")


def test_a_live_cell_needs_its_code(build):
    """A warning, which fails the book's build."""
    said, *_ = build(cells=[[("print(1)", "live remove-input", [])]])
    assert "a live cell without its code cannot be run" in said


def test_local_python_must_be_there(build, monkeypatch, tmp_path):
    """A book that was to have its own Python is not built without it."""
    vendor = importlib.import_module("live_cells.vendor")
    monkeypatch.setattr(vendor, "TARGET", tmp_path / "nothing")
    with pytest.raises(ExtensionError, match="run `make vendor-pyodide` first"):
        build(live_cells_python="local")
