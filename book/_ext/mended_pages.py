"""Mend what the theme and other extensions leave in a page that keeps people out.

Each mend of a page's text is one that axe-core asks for; test_in_browser.py
runs it on every page. A mend whose place is not found is a warning: the theme has
changed. mended_pages.css sets notes in the margin, and equations are numbered anew.
"""

import re
from pathlib import Path

from docutils import nodes
from page_assets import copy_before_writing
from sphinx.util import logging

CSS = Path(__file__).with_suffix(".css")

# What the theme writes -> what a screen reader can use.
IN_THE_THEME = {
    # The button's name must hold the words that stand on it, "Search Ctrl + K".
    'search-button-field search-button__button" title="Search" aria-label="Search" '
    'data-bs-placement="bottom" data-bs-toggle="tooltip"': (
        'search-button-field search-button__button" type="button"'
    ),
    # The title of the book lies in no landmark that one can jump to.
    '<div class="sidebar-primary-item">': (
        '<div class="sidebar-primary-item" role="region" aria-label="Title">'
    ),
}


def number_equations(app, doctree):
    """Number a chapter's equations by the chapter: (4.1), (4.2), ...

    As figures, which is Jupyter Book's setting, they would be counted through the
    book: a new equation would change the numbers of all chapters after it.
    """
    page = app.env.docname
    chapter = re.match(r"notebooks/0*(\d+)_", page)
    blocks = [b for b in doctree.findall(nodes.math_block) if b.get("label")]
    for count, block in enumerate(blocks, 1):
        block["number"] = f"{chapter[1]}.{count}" if chapter else count
        equations = app.env.get_domain("math").equations
        equations[block["label"]] = page, block["number"]


def mend_body(app, pagename, templatename, context, doctree):
    """Take out attributes that extensions give to what the author wrote.

    sphinx-exercise gives one id to the bodies of all exercises; HTML wants an id
    once, and links go to the exercise's own label. MyST-NB names the switch of
    hidden code otherwise than the words on it do.
    """
    for attribute in (
        ' id="exercise-content"',
        ' id="solution-content"',
        ' aria-label="Toggle hidden content"',
    ):
        context["body"] = context.get("body", "").replace(attribute, "")
    # docutils gives the items of a list of sources a role that ARIA has given up.
    context["body"] = context["body"].replace("doc-biblioentry", "listitem")


def mend_theme(app, exception):
    """Once the pages are written: the first place of each kind on every page."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        if "bd-sidebar-primary" not in text:
            continue  # index.html, which only leads on
        for theirs, ours in IN_THE_THEME.items():
            if ours not in text:
                if theirs not in text:
                    logging.getLogger(__name__).warning("%s: no %r", page, theirs)
                text = text.replace(theirs, ours, 1)
        page.write_text(text, "utf-8")


def setup(app):
    app.add_css_file(CSS.name)
    app.connect(
        "config-inited", lambda app, config: setattr(config, "math_numfig", False)
    )
    app.connect("doctree-read", number_equations)
    app.connect("html-page-context", mend_body)
    app.connect("build-finished", mend_theme)
    copy_before_writing(app, CSS.parent, [CSS.name])
    return {"parallel_read_safe": True, "parallel_write_safe": True}
