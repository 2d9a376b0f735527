"""Mend what the theme and other extensions leave in a page that keeps people out.

Each mend is one that axe-core asks for; tests/book/test_in_browser.py runs it on
every page. A mend whose place is not found is a warning: the theme has changed.
"""

from pathlib import Path

from sphinx.util import logging

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
    app.connect("html-page-context", mend_body)
    app.connect("build-finished", mend_theme)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
