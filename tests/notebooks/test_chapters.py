"""What every chapter promises, beside running (which nbval checks)."""

import re

import nbformat
import pytest

CHAPTERS = ["04_gates", "05_lstm_equations"]


@pytest.fixture(params=CHAPTERS)
def chapter(request, root):
    """The notebook of one chapter."""
    return nbformat.read(root / "notebooks" / f"{request.param}.ipynb", as_version=4)


def code(chapter):
    return [cell for cell in chapter.cells if cell.cell_type == "code"]


def text(chapter):
    return "\n".join(c.source for c in chapter.cells if c.cell_type == "markdown")


def test_every_chapter_is_listed_here_and_in_the_table_of_contents(root):
    """A new chapter cannot be forgotten."""
    files = sorted(path.stem for path in (root / "notebooks").glob("*.ipynb"))
    listed = re.findall(r"notebooks/(\w+)", (root / "_toc.yml").read_text())
    assert files == CHAPTERS == listed


def test_a_chapter_opens_with_its_goals_and_ends_with_summary_and_answers(chapter):
    """In this order, and every exercise has a folded solution."""
    words = text(chapter)
    parts = ["What you will be able to do", "## What many pages get wrong"]
    parts += ["## Summary", "## Exercises"]
    places = [words.index(part) for part in parts]
    assert places == sorted(places)
    exercises = re.findall(r":::\{exercise\}.*\n:label: (\S+)", words)
    answers = re.findall(r":::\{solution-start\} (\S+)\n:class: dropdown", words)
    assert exercises and exercises == answers


def test_cells_were_run_once_in_order_and_left_no_error(chapter):
    """The stored outputs come from one run of a fresh kernel."""
    cells = code(chapter)
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert "error" not in kinds


def test_no_object_is_printed_by_accident(chapter):
    """Such as what the last call on an axis returned."""
    for cell in code(chapter):
        for output in cell.outputs:
            shown = output.get("data", {}).get("text/plain", "")
            assert not re.match(r"<|\[<|Text\(", shown), (cell.id, shown)


def test_cells_fit_a_screen(chapter):
    """Sixteen lines at most, 88 columns; nothing printed wider than 88."""
    for cell in code(chapter):
        lines = cell.source.splitlines()
        assert len(lines) <= 16, cell.source
        printed = "".join(o.get("text", "") for o in cell.outputs).splitlines()
        assert max(map(len, lines + printed)) <= 88, cell.id


def test_labels_are_unique_across_chapters(root):
    """Checks and other pages link to them."""
    labels = []
    for path in (root / "notebooks").glob("*.ipynb"):
        labels += re.findall(r"\((sec-[\w-]+)\)=", text(nbformat.read(path, 4)))
    assert len(labels) == len(set(labels)) > 20


def test_metadata_names_no_machine(chapter):
    """`make notebooks` gives the same file wherever it runs."""
    assert set(chapter.metadata) == {"kernelspec"}
    assert all(set(cell.metadata) <= {"tags"} for cell in chapter.cells)
