"""Put computed SVG figures into the page itself, instead of behind <img>.

A figure inside the page takes the page's fonts and its light or dark colours,
its text can be selected, and a screen reader reads its title. This applies to
the SVG that `lstm_lib.plot.show` stores in a notebook, and to no other. A page
without code shows a chapter's figure by the chapter's file and the figure's name:

    ```{computed-figure} notebooks/04_gates.ipynb gradient-by-lag
    ```
"""

from pathlib import Path

import nbformat
from docutils import nodes
from page_assets import copy_before_writing
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.docutils import SphinxDirective

CSS = Path(__file__).with_suffix(".css")
MARK = '<svg class="computed-figure"'


def figure_node(svg):
    """The SVG text as a node of the page."""
    return nodes.raw(
        "", f'<figure class="computed-figure">{svg}</figure>', format="html"
    )


class InlineComputedFigures(SphinxPostTransform):
    """Replace the image nodes of computed figures by their SVG."""

    default_priority = 8  # after MyST-NB chose the SVG, before Sphinx collects files
    formats = ("html",)

    def run(self):
        for image in list(self.document.findall(nodes.image)):
            if image["uri"].endswith(".svg"):
                svg = (Path(self.env.srcdir) / image["uri"]).read_text("utf-8")
                if MARK in svg:
                    image.replace_self(figure_node(svg))


class ComputedFigure(SphinxDirective):
    """Show a figure that a chapter computed."""

    required_arguments = 2

    def run(self):
        path, name = self.arguments
        self.env.note_dependency(path)
        notebook = nbformat.read(Path(self.env.srcdir) / path, as_version=4)
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                svg = output.get("data", {}).get("image/svg+xml", "")
                if f'id="{name}-title"' in svg:
                    return [figure_node(svg)]
        raise self.error(
            f"computed-figure: expected a figure {name!r} in {path}, got none"
        )


def setup(app):
    app.add_post_transform(InlineComputedFigures)
    app.add_directive("computed-figure", ComputedFigure)
    app.add_css_file(CSS.name)
    copy_before_writing(app, CSS.parent, [CSS.name])
    return {"parallel_read_safe": True, "parallel_write_safe": True}
