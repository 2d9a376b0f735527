"""Live cells: code cells of a chapter that readers change and run in the page.

A notebook cell tagged `live` gets an editor and the buttons Run, Reset and Stop;
one tagged `exercise-NAME` too also gets Check, which calls `lstm_lib.checks` for
NAME. Nothing is loaded before a reader uses one, and other pages get nothing.

Where Python comes from is the setting `live_cells_python`, or the environment
variable LIVE_CELLS_PYTHON: an address (the default is Pyodide's own release on
its CDN), `local` (what `make vendor-pyodide` fetched is put into the book), or
nothing (no live cells: pages are as they would be without this extension).
"""

import json
import os
import shutil
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

import lstm_lib_wheel
import nbformat
from docutils import nodes
from page_assets import copy_before_writing
from sphinx.errors import ConfigError, ExtensionError
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.fileutil import copy_asset

from . import vendor

HERE = Path(__file__).parent
FOLDER = "live_cells"  # in _static; what lies beside it goes into every page
ASSETS = "live_cells.js", "cell.js", "keep.js", "outputs.js", "python.js", "editor.js"
ASSETS += "live_cells.css", "worker.mjs", "kernel.py"
TAG, EXERCISE = "live", "exercise-"
DEFAULT = vendor.read_runtime()["url"]
MEGABYTES = 10  # of a first run, as servers send them

logger = logging.getLogger(__name__)


# ---- reading -----------------------------------------------------------------


def read_setting(app, config):
    """The environment first; then Sphinx sees what changed since the last build."""
    value = os.environ.get("LIVE_CELLS_PYTHON", config.live_cells_python)
    if value not in ("", "local") and not value.startswith(("https://", "http://")):
        raise ConfigError(
            f"live_cells_python: expected an address, 'local' or '', got {value!r}"
        )
    is_folder = value in ("", "local") or value.endswith("/")
    config.live_cells_python = value if is_folder else f"{value}/"


def live_cells(document):
    """The containers of a page's live cells."""
    return [
        node
        for node in document.findall(nodes.container)
        if node.get("nb_element") == "cell_code"
        and TAG in node["cell_metadata"].get("tags", [])
    ]


class AddLiveCells(SphinxPostTransform):
    """Put what live_cells.js reads before the first live cell of a page."""

    default_priority = 7  # before MyST-NB folds the code that a chapter hides
    formats = ("html",)

    def run(self):
        cells = live_cells(self.document) if self.config.live_cells_python else []
        if not cells:
            return
        path = Path(self.env.doc2path(self.env.docname))
        if path.suffix != ".ipynb":
            self._warn("live cells need a notebook, as it names its cells", cells[0])
            return
        notebook = nbformat.read(path, as_version=4)
        about = []
        for cell in cells:
            if not any(
                c.get("nb_element") == "cell_code_source" for c in cell.children
            ):
                self._warn("a live cell without its code cannot be run", cell)
                return
            stored = notebook.cells[cell["cell_index"]]
            about.append({"id": stored["id"], "source": stored["source"]})
            for tag in cell["cell_metadata"]["tags"]:
                if tag.startswith(EXERCISE):
                    about[-1]["exercise"] = tag.removeprefix(EXERCISE)
        data = {
            "page": self.env.docname,
            "site": self.config.html_baseurl.rstrip("/") + "/",
            "cells": about,
        }
        intro = nodes.raw("", page_html(data, self.config), format="html")
        intro["live_cells"] = True
        cells[0].parent.insert(cells[0].parent.index(cells[0]), intro)

    def _warn(self, text, node):
        logger.warning(text, location=node, type=FOLDER)


def page_html(data, config):
    """The words before the first live cell, shown by the script, and its data."""
    data = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    data = data.replace("<", "\\u003c")  # nothing in it can end the script
    setting = config.live_cells_python
    source = "" if setting == "local" else f" from {escape(urlsplit(setting).netloc)}"
    return (
        '<div class="live-cells" id="live-cells" hidden><p><strong>This code runs in '
        "your browser.</strong> <em>Run</em> a cell, or click on its code and change "
        "it first (<kbd>Shift-Enter</kbd> runs it, <kbd>Esc</kbd> leaves it). Nothing "
        "you write leaves this page. The first run loads Python, about "
        f"{MEGABYTES} MB{source}.</p>"
        '<p class="live-keep"><button type="button">Download these cells as a notebook'
        '</button> <span class="note"></span></p>'
        f'<script type="application/json">{data}</script></div>'
    )


# ---- writing -----------------------------------------------------------------


def note_page(app, doctree):
    """Remember whether a page has live cells, also when it is not read again."""
    app.env.metadata[app.env.docname][FOLDER] = bool(live_cells(doctree))


def add_assets(app, pagename, templatename, context, doctree):
    """To the pages with live cells, and to no other."""
    if doctree and any(n.get("live_cells") for n in doctree.findall(nodes.raw)):
        app.add_css_file(f"{FOLDER}/live_cells.css")
        app.add_js_file(f"{FOLDER}/live_cells.js", type="module")


def write_python(app, error):
    """What python.js fetches: python.json, the wheel, and Pyodide if it is local."""
    pages = app.env.metadata.values() if not error and app.env else ()
    wanted = app.builder.format == "html" and app.config.live_cells_python
    if not wanted or not any(page.get(FOLDER) for page in pages):
        return
    folder = Path(app.outdir) / "_static" / FOLDER
    wheel = lstm_lib_wheel.current_wheel()
    for old in folder.glob("*.whl"):
        old.unlink()
    shutil.copyfile(wheel, folder / wheel.name)
    runtime = vendor.read_runtime()
    url = app.config.live_cells_python
    if url == "local":
        if not vendor.is_there(vendor.TARGET, runtime["files"]):
            raise ExtensionError(
                "live_cells_python is 'local' and Python is not here yet: run "
                "`make vendor-pyodide` first"
            )
        url = "pyodide/"
        copy_asset(vendor.TARGET, folder / "pyodide")
    files = [file | {"url": url + file["name"]} for file in runtime["files"]]
    own = {"worker.mjs": "core", "kernel.py": "core", wheel.name: "numpy"}
    for name, part in own.items():
        data = (folder / name).read_bytes()
        file = {"name": name, "size": len(data), "sha256": vendor.digest(data)}
        files.append(file | {"part": part, "url": name})
    settings = {"info": runtime["info"], "files": files}
    (folder / "python.json").write_text(json.dumps(settings), "utf-8")


def setup(app):
    app.add_config_value("live_cells_python", DEFAULT, "env", [str])
    app.add_post_transform(AddLiveCells)
    app.connect("config-inited", read_setting)
    app.connect("doctree-read", note_page)
    copy_before_writing(
        app, HERE, ASSETS, FOLDER, when=lambda config: config.live_cells_python
    )
    app.connect("html-page-context", add_assets)
    app.connect("build-finished", write_python)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
