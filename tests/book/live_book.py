"""What the two modules of tests on live cells share: a small book, and the kernel."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat import v4

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "book" / "_ext" / "live_cells"
RUNTIME = json.loads((FOLDER / "runtime.json").read_text("utf-8"))
CDN = RUNTIME["url"]
STEP = """def lstm_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    c = {update}
    return o * np.tanh(c), c"""


# ---- Python for the page ---------------------------------------------------------


@pytest.fixture(scope="module")
def vendor():
    """The module that fetches Pyodide."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return importlib.import_module("vendor")


@pytest.fixture(scope="module")
def vendored(vendor):
    """The folder that `make vendor-pyodide` fills."""
    try:
        vendor.fetch(vendor.read_runtime())
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"needs Pyodide, from its CDN or a package index: {error}")
    return vendor.TARGET


# ---- the kernel, in this Python ---------------------------------------------------

DRIVER = """
import importlib, json, sys, traceback
sys.excepthook = lambda *error: traceback.print_exception(*error, file=sys.__stderr__)
sys.path.insert(0, {folder!r})
kernel = importlib.import_module("kernel")
steps, shown, real = json.load(sys.stdin), [], sys.stdout
kernel.start(lambda text: shown[-1].append(json.loads(text)))
for k, (call, *arguments) in enumerate(steps, 1):
    shown.append([])
    result = getattr(kernel, call)(*arguments)
    shown[-1].insert(0, result)
json.dump(shown, real)
"""


def kernel(*steps):
    """Call functions of kernel.py in a new Python: [result, *outputs] of each."""
    run = subprocess.run(
        [sys.executable, "-c", DRIVER.format(folder=str(FOLDER))],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def run_cells(*sources):
    """Run cells in order; the outputs of each."""
    steps = [("run", source, k) for k, source in enumerate(sources, 1)]
    return [outputs for _, *outputs in kernel(*steps)]


# ---- books -------------------------------------------------------------------------


def notebooks_with_live_cells():
    """The chapters that have some: path -> their live cells."""
    found = {}
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = nbformat.read(path, 4).cells
        live = [c for c in cells if "live" in c.metadata.get("tags", [])]
        if live:
            found[path] = live
    return found


def stream(text):
    """A stored output."""
    return v4.new_output("stream", name="stdout", text=text)


def svg(name):
    """A stored figure, as lstm_lib.plot.show stores it."""
    picture = f'<title id="{name}-title">A line.</title><path d="M0 40L100 0"/>'
    return v4.new_output(
        "display_data",
        data={
            "image/svg+xml": '<svg class="computed-figure" role="img" viewBox="0 0 100 '
            f'40" aria-labelledby="{name}-title">{picture}</svg>'
        },
    )


CELLS = [  # source, tags, outputs
    ("import numpy as np\n\nfrom lstm_lib import lstm_step, sigmoid", "live", []),
    (
        'z = np.array([-10.0, 0.0, 1.0, 10.0])\nprint("gate", sigmoid(z).round(3))',
        "live",
        [stream("gate [0.    0.5   0.731 1.   ]\n")],
    ),
    (
        "def lstm_step(x, h, c, W, U, b):\n    raise NotImplementedError()",
        "live exercise-lstm_step",
        [],
    ),
    (
        "from lstm_lib import plot\n\nfig, ax = plot.figure(height=2)\nax.plot(z)\n"
        'plot.show(fig, name="line", alt="A line that rises.")',
        "live",
        [svg("line")],
    ),
    (
        "z * 2",
        "live hide-input",
        [
            v4.new_output(
                "execute_result",
                data={"text/plain": "array([-20.,   0.,   2.,  20.])"},
                execution_count=5,
            )
        ],
    ),
    ('print("not live")', "", [stream("not live\n")]),
]


def chapter(cells=CELLS):
    """A notebook of these cells."""
    notebook = v4.new_notebook(
        metadata={
            "kernelspec": {
                "name": "python3",
                "language": "python",
                "display_name": "Python 3",
            }
        },
        cells=[v4.new_markdown_cell("# A chapter that runs\n\nText before.")],
    )
    for k, (source, tags, outputs) in enumerate(cells, 1):
        cell = v4.new_code_cell(source, id=f"cell-{k}", outputs=outputs)
        cell.metadata["tags"] = tags.split()
        notebook.cells += [v4.new_markdown_cell(f"Text {k}."), cell]
    return notebook


@pytest.fixture(scope="module")
def book(tmp_path_factory, vendored):
    """A book of two pages with the real settings and extensions, Python in it."""
    source = tmp_path_factory.mktemp("live") / "source"
    source.mkdir()
    (source / "book").symlink_to(ROOT / "book")
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    (source / "_config.yml").write_text(yaml.safe_dump(config))
    nbformat.write(chapter(), source / "chapter.ipynb")
    (source / "intro.md").write_text("# Before\n\nNothing to run here.\n")
    toc = {"format": "jb-book", "root": "intro", "chapters": [{"file": "chapter"}]}
    (source / "_toc.yml").write_text(yaml.safe_dump(toc))
    out = source.parent / "out"
    command = [Path(sys.executable).with_name("jupyter-book"), "build", source]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVE_CELLS_PYTHON", "local")
        done = subprocess.run(
            [*command, "--path-output", out, "--warningiserror", "--keep-going"],
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "_build" / "html"
