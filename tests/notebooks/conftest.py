"""What the tests of the chapters share."""

import importlib
import re
from functools import cache

import nbformat
import pytest


@pytest.fixture(scope="session")
def notebook(root):
    """By a chapter's name, such as 04_gates: its notebook."""
    return cache(
        lambda name: nbformat.read(root / "notebooks" / f"{name}.ipynb", as_version=4)
    )


@pytest.fixture(scope="session")
def live(notebook):
    """By a chapter's name: the names that its live cells define, exercises left out."""

    @cache
    def names_of(name):
        names = {"__name__": "__main__"}
        for cell in notebook(name).cells:
            tags = cell.metadata.get("tags", [])
            if "live" in tags and not any(tag.startswith("exercise") for tag in tags):
                exec(compile(cell.source, cell.id, "exec"), names)
        return names

    return names_of


@pytest.fixture(scope="session")
def questions(root):
    """(chapter's number, name) -> quiz, of the whole book, as the pages read them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "book" / "_ext")
        reading = importlib.import_module("quizzes.reading")
    found = {}
    texts = {path: path.read_text("utf-8") for path in root.glob("book/*.md")}
    for path in root.glob("notebooks/*.ipynb"):
        cells = nbformat.read(path, as_version=4).cells
        texts[path] = "\n\n".join(c.source for c in cells if c.cell_type == "markdown")
    pattern = r"^(:{4,})\{admonition\}[^\n]*\n:class: quiz\n:name: (\S+)\n(.*?)^\1$"
    for path, text in texts.items():
        for _, name, body in re.findall(pattern, text, re.M | re.S):
            found[path.name[:2], name] = reading.read_quiz(body.splitlines())
    return found
