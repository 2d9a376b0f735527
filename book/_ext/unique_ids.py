"""Drop the id that sphinx-exercise gives to the body of every exercise.

It is the same for all exercises and all solutions of a page; HTML wants an id
once. Links go to the exercise's own label, which stays.
"""


def drop_repeated_ids(app, pagename, templatename, context, doctree):
    """Take the ids out of the page's body."""
    for name in ("exercise-content", "solution-content"):
        context["body"] = context.get("body", "").replace(f' id="{name}"', "")


def setup(app):
    app.connect("html-page-context", drop_repeated_ids)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
