"""The gate explorer: a figure of one unit in which a reader moves the numbers.

    ```{gate-explorer}
    What to do with it, in a sentence or two: the caption.
    ```

What stands in the page is the static figure, the drawings as JSON and the
presets; explorer.js, loaded by this page alone, makes the rest of them. At
most one on a page. `describe.py` says where the drawings come from.
"""

import json
from pathlib import Path

from docutils import nodes
from page_assets import copy_before_writing
from sphinx.util.docutils import SphinxDirective

HERE = Path(__file__).parent
FOLDER = "gate_explorer"  # in _static; what lies beside it goes into every page
ASSETS = "arithmetic.js", "drawing.js", "explorer.js", "explorer.css"
NAMES = {"lstm": "An LSTM unit", "gru": "A GRU unit"}


def page_data():
    """What explorer.js reads: the drawings and the presets."""
    return {
        name: json.loads((HERE / f"{name}.json").read_text("utf-8"))
        for name in ("drawings", "presets")
    }


def page_html():
    """The explorer before its script runs, and where none does."""
    figures = "".join(
        f'<figure class="computed-figure">{(HERE / f"{cell}.svg").read_text("utf-8")}'
        f"<figcaption>{name} with gates half open, in one step.</figcaption></figure>"
        for cell, name in NAMES.items()
    )
    data = json.dumps(page_data(), ensure_ascii=False, separators=(",", ":"))
    data = data.replace("<", "\\u003c")  # nothing in it can end the script
    return (
        f'<div class="gate-explorer" id="gate-explorer"><div class="static">{figures}'
        "<noscript><p>With JavaScript, the numbers of this figure can be moved.</p>"
        f'</noscript></div><script type="application/json">{data}</script></div>'
    )


class GateExplorer(SphinxDirective):
    """Put the explorer here, with the content as its caption."""

    has_content = True

    def run(self):
        if self.env.temp_data.get("gate-explorer") == self.env.docname:
            raise self.error("gate-explorer: expected at most one on a page")
        self.env.temp_data["gate-explorer"] = self.env.docname
        for path in HERE.glob("*.*"):
            self.env.note_dependency(str(path))
        caption = nodes.container(classes=["gate-explorer-caption"])
        self.state.nested_parse(self.content, self.content_offset, caption)
        explorer = nodes.raw("", page_html(), format="html")
        explorer["gate_explorer"] = True
        return [explorer, *([caption] if self.content else [])]


def add_assets(app, pagename, templatename, context, doctree):
    """To the pages with an explorer, and to no other."""
    if doctree and any(n.get("gate_explorer") for n in doctree.findall(nodes.raw)):
        app.add_css_file(f"{FOLDER}/explorer.css")
        app.add_js_file(f"{FOLDER}/explorer.js", type="module")


def setup(app):
    app.add_directive("gate-explorer", GateExplorer)
    copy_before_writing(app, HERE, ASSETS, FOLDER)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
