"""What every chapter promises, beside running (which nbval checks)."""

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from lstm_lib.checks.misconceptions import BANK

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PARTS = [
    "What you will be able to do",
    "## What many pages get wrong",
    "## Summary",
    "## Self-check",
    "## Exercises",
    "## Why it matters next",
]


@pytest.fixture(params=CHAPTERS)
def name(request):
    """The name of one chapter, such as 04_gates."""
    return request.param


@pytest.fixture
def chapter(name, notebook):
    """The notebook of one chapter."""
    return notebook(name)


def code(chapter):
    return [cell for cell in chapter.cells if cell.cell_type == "code"]


def text(chapter):
    return "\n".join(c.source for c in chapter.cells if c.cell_type == "markdown")


def part(chapter, title):
    """The text of one of the parts, up to the next."""
    words = text(chapter)
    after = PARTS.index(title) + 1
    end = words.index(PARTS[after]) if after < len(PARTS) else None
    return words[words.index(title) : end]


def test_every_chapter_is_in_the_table_of_contents():
    """In order; a new chapter cannot be forgotten."""
    contents = (ROOT / "_toc.yml").read_text()
    assert re.findall(r"notebooks/(\w+)", contents) == CHAPTERS


def test_a_chapter_has_its_parts_in_order(chapter):
    """From the goals to what comes next; the summary has five lines."""
    words = text(chapter)
    places = [words.index(title) for title in PARTS]
    assert places == sorted(places)
    assert len(re.findall(r"^- ", part(chapter, "## Summary"), re.M)) == 5


def test_a_chapter_asks_at_its_end(chapter):
    """Four to six questions of several kinds, with explanations."""
    asked = part(chapter, "## Self-check")
    assert 4 <= asked.count(":class: quiz") <= 6
    assert len(set(re.findall(r"\{dropdown\} (\w+ \w+)", asked))) >= 3


def test_every_exercise_has_a_folded_answer(chapter):
    """Five at least, and two cells in the page with a check."""
    words = text(chapter)
    exercises = re.findall(r":::\{exercise\}.*\n:label: (\S+)", words)
    answers = re.findall(r":::\{solution-start\} (\S+)\n:class: dropdown", words)
    assert len(exercises) >= 5 and exercises == answers
    tags = [tag for cell in code(chapter) for tag in cell.metadata.get("tags", [])]
    assert sum(tag.startswith("exercise-") for tag in tags) >= 2


def test_every_equation_has_a_number_and_a_test(name, chapter):
    """A function `test_eq_...` of the chapter's own tests for each `(eq-...)`."""
    before = text(chapter).partition(PARTS[1])[0]
    equations = re.findall(r"\$\$(.+?)\$\$ *(?:\((eq-[\w-]+)\))?", before, re.S)
    assert len(equations) >= 4
    assert [formula for formula, label in equations if not label] == []
    tests = (ROOT / "tests" / "notebooks" / f"test_{name}.py").read_text()
    for _, label in equations:
        assert f"def test_{label.replace('-', '_')}(" in tests, label


def test_margins_quote_the_bank(chapter):
    """Word for word what a check says to that mistake; three at least."""
    notes = re.findall(r"^:::\{margin\}\n(.*?)^:::", text(chapter), re.M | re.S)
    known = {entry.sentence for entry in BANK}
    quoted = [
        re.match(r"\*\*A check says:\*\* “(.+)”", " ".join(n.split())) for n in notes
    ]
    sentences = [match[1] for match in quoted if match]
    assert len(sentences) >= 3
    assert [sentence for sentence in sentences if sentence not in known] == []


def test_it_takes_25_to_40_minutes(chapter):
    """At 180 words and 20 lines of code a minute, without the folded answers."""
    shown, folded = [], False
    for cell in chapter.cells:
        folded = folded and "{solution-end}" not in cell.source
        if not folded:
            shown.append(cell)
        folded = folded or "{solution-start}" in cell.source
    words = sum(len(c.source.split()) for c in shown if c.cell_type == "markdown")
    lines = sum(len(c.source.splitlines()) for c in shown if c.cell_type == "code")
    assert 25 <= words / 180 + lines / 20 <= 40


def test_words_are_spelled_right(chapter):
    """As far as codespell knows; outputs, with what models make up, are left out."""
    words = "\n".join(cell.source for cell in chapter.cells)
    command = [Path(sys.executable).with_name("codespell"), "-"]
    found = subprocess.run(
        command, input=words, cwd=ROOT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stdout


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
