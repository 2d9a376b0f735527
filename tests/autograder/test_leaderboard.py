"""`python -m autograder leaderboard`: ranks what was measured, and changes nothing."""

import classroom
import nbformat
import pytest
from classroom import ASSIGNMENT
from nbformat import v4
from submitted import nbgrader

from autograder import feedback
from autograder.__main__ import main
from autograder.grading import VERDICT
from autograder.leaderboard import measure_in

BASELINES = {"naive forecast": 2.0, "seasonal naive forecast": 0.8}


@pytest.fixture
def folder(tmp_path):
    """A course in which nobody is graded."""
    return classroom.make_course(tmp_path / "course")


@pytest.fixture
def run(folder, capsys):
    """Run the command: exit status, and what it printed."""

    def run(*options, assignment=ASSIGNMENT, course=folder):
        capsys.readouterr()
        status = main(["leaderboard", assignment, "--course", str(course), *options])
        return status, "".join(capsys.readouterr())

    return run


def verdict(value, message="", **changes):
    """What a check says that measured a value, or None."""
    measure = {"name": "error", "value": value, "beside": BASELINES} | changes
    case = {"name": "one", "passed": value is not None, "message": message}
    return {"check": "f", "points": 2, "score": 1, "cases": [case], "measure": measure}


def graded(folder, student, *verdicts, test=True):
    """Write a graded notebook, with these verdicts one after the other."""
    kind = {"grade": True, "locked": True} if test else {"solution": True}
    cells = [
        v4.new_code_cell(
            outputs=[v4.new_output("display_data", {VERDICT: one})],
            metadata=nbgrader(f"cell-{k}", points=2, **kind),
        )
        for k, one in enumerate(verdicts)
    ]
    path = folder / "autograded" / student / ASSIGNMENT / "one.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(v4.new_notebook(cells=cells), path)


def contents(folder):
    """Every file of a course, and when it was written."""
    return {
        path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()
    }


def test_the_class_stands_among_the_baselines(folder, run):
    """Ties share a rank, and what is not valid stands apart, with the reason."""
    for student, value in [("ada", 0.5), ("bob", 0.9), ("eve", 0.50004), ("gil", 2.5)]:
        graded(folder, student, verdict(value))
    graded(folder, "cleo", verdict(None, "It changes with the future."))
    graded(folder, "dan")
    before = contents(folder)
    status, text = run()
    assert status == 0
    assert text.split("\n") == [
        "ps1: error, less is better",
        "4 of 6 submissions measured",
        "",
        "  1=  ada                      0.500",
        "  1=  eve                      0.500",
        "  -   seasonal naive forecast  0.800",
        "  3   bob                      0.900",
        "  -   naive forecast           2.000",
        "  4   gil                      2.500",
        "",
        "Not ranked, as there is no valid answer:",
        "  cleo  It changes with the future.",
        "  dan   no result: its code was stopped, or never ran",
        "",
    ]
    assert contents(folder) == before


def test_without_names(folder, run):
    graded(folder, "ada", verdict(0.5))
    for student in ("bob", "cleo"):
        graded(folder, student, verdict(None, "Not answered yet."))
    _, text = run("--anonymous")
    assert "1   a student                0.500" in text
    assert "  2  Not answered yet." in text
    assert not [name for name in ("ada", "bob", "cleo") if name in text]


def test_the_last_check_that_measures_counts(folder, run):
    """The hidden one, which stands behind the visible one."""
    graded(folder, "ada", verdict(0.3), verdict(0.7), {"cases": []})
    assert "1   ada                      0.700" in run()[1]


def test_what_a_student_displays_is_no_measurement(folder, run):
    graded(folder, "ada", verdict(0.01), test=False)
    graded(folder, "bob", verdict(0.5))
    _, text = run()
    assert "1 of 2 submissions measured" in text and "0.010" not in text


@pytest.mark.parametrize(
    "change",
    [
        {"value": float("nan")},
        {"value": "0.1"},
        {"value": True},
        {"beside": [1]},
        {"beside": {"a": None}},
    ],
    ids=str,
)
def test_a_measurement_that_cannot_be_is_none(change):
    assert (
        measure_in(verdict(0.5) | {"measure": verdict(0.5)["measure"] | change}) is None
    )
    assert measure_in({"cases": []}) is None and measure_in(None) is None


def test_a_reason_is_one_short_line(folder, run):
    graded(folder, "ada", verdict(None, "\x1b[31mred\n" + 80 * "a"))
    line = run()[1].split("\n")[-2]
    assert line.startswith("  ada   [31mred aaa") and line.endswith("…")


# ---- what cannot be ranked -----------------------------------------------------


def refused(run, **where):
    status, text = run(**where)
    assert status == 1
    assert text.startswith("autograder: ") and "Traceback" not in text
    return text


def test_nothing_is_graded_yet(run):
    told = refused(run)
    assert told.endswith(
        "ps1: nothing is graded yet. Run `python -m autograder grade ps1` first.\n"
    )


def test_no_such_assignment(run):
    assert "ps9: this course has no such assignment." in refused(run, assignment="ps9")


def test_no_course(run, tmp_path):
    assert "expected a course" in refused(run, course=tmp_path / "none")


def test_no_check_measures(folder, run):
    graded(folder, "ada", {"cases": []})
    assert "no graded submission holds a measurement" in refused(run)


def test_two_seeds_are_not_compared(folder, run):
    graded(folder, "ada", verdict(0.5))
    graded(folder, "bob", verdict(0.4, beside=BASELINES | {"naive forecast": 2.1}))
    assert "grade ps1 --regrade" in refused(run)


def test_a_broken_notebook_is_named(folder, run):
    graded(folder, "ada", verdict(0.5))
    path = folder / "autograded" / "ada" / ASSIGNMENT / "one.ipynb"
    path.write_text("{")
    assert str(path) in refused(run)


# ---- feedback ------------------------------------------------------------------


def test_feedback_tells_what_was_measured():
    """So that everybody finds their own line in a table without names."""
    one = verdict(0.5)
    one["cases"][0]["misconception"] = None
    assert (
        "Measured: error 0.500; naive forecast 2.000; seasonal naive forecast 0.800."
        in feedback._report(one)
    )
    one["measure"]["value"] = None
    assert "Measured" not in feedback._report(one)
