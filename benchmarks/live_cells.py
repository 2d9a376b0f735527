"""How soon a page's Python is ready, and what live cells and quizzes weigh.

    python -m benchmarks live_cells

A small page with Python from the book itself (`make vendor-pyodide`), in
Chromium, on this machine: no network is in the times. Cold is a browser that has
nothing, warm one that has been here before; both from the click on Run to the
first output, NumPy and lstm_lib included. Bytes are counted as gzip makes them.
"""

import argparse
import functools
import gzip
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlsplit

import nbformat
from nbformat import v4
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
EXTENSIONS = ROOT / "book" / "_ext"
ENGINES = "live_cells", "quizzes"  # folders in _static, one for each
GOALS = {  # what the course promises
    "ready, cold (s)": 8,
    "ready, warm (s)": 5,
    "Matplotlib, first figure (s)": None,
    "a run after that (ms)": 100,
    "Pyodide and NumPy (MB)": 10,
    "our own files, first run (kB)": None,
    "before the first use (kB)": 40,
}
QUIZ = """::::{admonition} Question
:class: quiz
:name: half-open-gate

A gate of 0.5 meets a memory of −2. What is left of it?

:::{dropdown} One of these
- [ ] 0 → Only a gate of 0 lets nothing pass.
- [x] −1 → A gate multiplies.
:::
::::
"""
FIGURE = """from lstm_lib import plot
fig, ax = plot.figure()
ax.plot([1, 2])
plot.show(fig, name="a", alt="A line.")"""
# From the click on Run to the word in the cell's status line, in milliseconds.
RUN = """async (n) => {
  const bar = document.querySelectorAll(".live-bar")[n];
  const says = bar.querySelector("[role=status]");
  const start = performance.now();
  bar.querySelector("button").click();
  while (!/^(Done|It ended)/.test(says.textContent)) {
    await new Promise(requestAnimationFrame);
  }
  if (!says.textContent.startsWith("Done")) throw new Error("the cell failed");
  return performance.now() - start;
}"""


def build(folder):
    """The page as HTML. Returns the folder of the built book."""
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    page = v4.new_notebook(
        metadata={"kernelspec": kernel},
        cells=[v4.new_markdown_cell(f"# A page\n\n{QUIZ}")],
    )
    for k, source in enumerate(["import numpy as np\nnp.ones(2)", "1 + 1", FIGURE]):
        cell = v4.new_code_cell(source, id=f"cell-{k}", metadata={"tags": ["live"]})
        page.cells.append(cell)
    nbformat.write(page, folder / "index.ipynb")
    engines = [name for name in ENGINES if (EXTENSIONS / name).exists()]
    extensions = ["myst_nb", "sphinx_design", *engines, "sphinx_book_theme"]
    (folder / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(EXTENSIONS)!r})\n"
        f"extensions = {extensions!r}\nhtml_theme = 'sphinx_book_theme'\n"
        "nb_execution_mode = 'off'\nmyst_enable_extensions = ['colon_fence']\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", folder, folder / "html"]
    subprocess.run(command, check=True, env=os.environ | {"LIVE_CELLS_PYTHON": "local"})
    return folder / "html"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Visit:
    """A page in a browser, and the files it asks for."""

    def __init__(self, context, site, folder):
        self.folder, self.asked = folder, []
        self.page = context.new_page()
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(f"{site}/index.html")
        self.page.wait_for_selector(".live-bar")

    def run(self, n):
        """Click Run of cell n, and wait; milliseconds."""
        return self.page.evaluate(RUN, n)

    def weight(self, wanted):
        """Bytes, compressed, of the files asked for whose path is wanted."""
        paths = {unquote(urlsplit(url).path).lstrip("/") for url in self.asked}
        files = [self.folder / path for path in paths if wanted(path)]
        return sum(len(gzip.compress(p.read_bytes())) for p in files if p.is_file())


def measure(folder, times=3):
    """The numbers of GOALS, each the median of `times` browsers."""
    handler = functools.partial(_Quiet, directory=folder)
    cold, warm, again, figure = [], [], [], []
    with (
        http.server.ThreadingHTTPServer(("localhost", 0), handler) as server,
        sync_playwright() as playwright,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://localhost:{server.server_port}"
        for _ in range(times):
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium")
            )
            context = browser.new_context()
            visit = Visit(context, site, folder)
            before = visit.weight(lambda path: any(f"/{e}/" in path for e in ENGINES))
            cold.append(visit.run(0) / 1e3)
            python = visit.weight(lambda path: "/pyodide/" in path)
            ours = visit.weight(lambda path: any(f"/{e}/" in path for e in ENGINES))
            again += [visit.run(1) for _ in range(10)]
            visit.page.close()
            visit = Visit(context, site, folder)
            warm.append(visit.run(0) / 1e3)
            figure.append(visit.run(2) / 1e3)
            browser.close()
        server.shutdown()
    text = (folder / "index.html").read_text("utf-8")
    start = text.index('<div class="live-cells"')
    before += len(gzip.compress(text[start : text.index("</script>", start)].encode()))
    sizes = [python / 1e6, (ours - python) / 1e3, before / 1e3]
    values = [*map(median, (cold, warm, figure, again)), *sizes]
    return dict(zip(GOALS, values))


def main(arguments=None):
    """Print a row for each number."""
    argparse.ArgumentParser(
        "python -m benchmarks live_cells", description=__doc__.splitlines()[0]
    ).parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        found = measure(build(Path(scratch)))
    print(f"{'':30} measured   at most")
    for name, value in found.items():
        goal = "" if GOALS[name] is None else f"{GOALS[name]:9}"
        print(f"{name:30} {value:8.1f} {goal}")
