"""A released notebook and what students might hand in for it."""

import json

from nbformat import v4

from autograder.normalise import SourceCell, source_cells

STUB = "def double(x):\n    raise NotImplementedError"
TEST = "assert double(2) == 4\n### BEGIN HIDDEN TESTS\nassert double(3) == 6"


def nbgrader(grade_id, **flags):
    """Metadata of a cell as nbgrader 0.9 writes it."""
    meta = {"grade": False, "solution": False, "locked": False, "task": False}
    meta |= {"grade_id": grade_id, "schema_version": 3, "checksum": "0" * 32}
    return {"nbgrader": meta | flags}


def released():
    """The instructor's notebook: given code, an answer, its test, an essay."""
    cells = [
        v4.new_markdown_cell("# Doubling"),
        v4.new_code_cell("import math", metadata=nbgrader("imports", locked=True)),
        v4.new_code_cell(STUB, metadata=nbgrader("double", solution=True)),
        v4.new_code_cell(
            TEST, metadata=nbgrader("test", grade=True, locked=True, points=2)
        ),
        v4.new_markdown_cell(
            "Why?", metadata=nbgrader("essay", grade=True, solution=True, points=3)
        ),
        v4.new_code_cell(
            "assert double(0) == 0",
            metadata=nbgrader("zero", grade=True, locked=True, points=1),
        ),
    ]
    return v4.new_notebook(cells=cells)


def source() -> list[SourceCell]:
    """The cells nbgrader knows of it."""
    return source_cells(released())


def handed_in():
    """An honest submission, as the dict that its JSON holds."""
    notebook = released()
    cells = {c.metadata.get("nbgrader", {}).get("grade_id"): c for c in notebook.cells}
    cells["double"].source = "def double(x):\n    return 2 * x"
    cells["double"].outputs = [v4.new_output("stream", text="hello")]
    cells["test"].source = "assert double(2) == 4"
    cells["essay"].source = "Because $x + x = 2x$."
    notebook.cells.insert(3, v4.new_code_cell("double(5)"))
    return json.loads(json.dumps(notebook))


def cell(table, grade_id):
    """The cell of a notebook's dict with this grade id."""
    return next(
        c
        for c in table["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") == grade_id
    )


def as_files(table, name="ps.ipynb"):
    """A submission of one notebook."""
    return {name: json.dumps(table).encode()}
