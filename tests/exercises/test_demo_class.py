"""The demonstration class: real nbgrader, eight students, five accidents."""

import copy
import csv

import course as exercises
import demo_class
import pytest
from traitlets.config.loader import PyFileConfigLoader


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of the demonstration course."""
    return tmp_path_factory.mktemp("demo") / "course"


@pytest.fixture(scope="module")
def table(course):
    """The grade table of the demonstration class: student -> row."""
    rows = demo_class.main(["--course", str(course)])
    return {row["student"]: row for row in rows}


@pytest.fixture(scope="module")
def release(table, course):
    """The released notebook."""
    import nbformat

    return nbformat.read(course / "release" / "ps2" / "ps2.ipynb", 4)


# ---- the class ---------------------------------------------------------------------

TOTAL = exercises.settings("ps2")["points"]
# What each loses, by task; the share taken for being late; what the checks said.
EXPECTED = {
    "all-correct": ({}, 0, "all right"),
    "own-style": ({}, 0, "all right"),
    "swapped-gates": ({"lstm-step": 7}, 0, "forget-and-input-swapped"),
    "missing-tanh": ({"lstm-step": 7}, 0, "tanh-missing-on-output"),
    "blank": ({"everything": TOTAL}, 0, "Not answered yet"),
    "syntax-error": ({"lstm-forward": 7}, 0, "SyntaxError in lstm-forward-answer"),
    "deleted-test": ({}, 0, "lstm-step-check was deleted, put back"),
    "day-late": ({}, 0.1, "all right"),
}


def test_the_class_is_the_one_expected(table):
    assert set(table) == set(EXPECTED)


@pytest.mark.parametrize("student", EXPECTED)
def test_each_student_gets_exactly_the_expected_scores(student, table):
    row = table[student]
    lost, late, remark = EXPECTED[student]
    assert dict(demo_class.lost_by_task(row)) == lost
    assert row["late"] == pytest.approx(late * TOTAL)
    assert row["total"] == pytest.approx(TOTAL - sum(lost.values()) - late * TOTAL)
    assert (row["status"], row["remark"]) == ("graded", remark)


def test_the_export_accounts_for_everyone(table, course):
    with open(course / "grades.csv", newline="") as file:
        exported = {row["student_id"]: row for row in csv.DictReader(file)}
    for student, row in table.items():
        assert float(exported[student]["score"]) == pytest.approx(row["total"])
        assert float(exported[student]["max_score"]) == TOTAL


def test_everyone_gets_feedback_without_the_hidden_tests(table, course):
    for student in table:
        page = course / "feedback" / student / "ps2" / "ps2.html"
        text = page.read_text(encoding="utf-8")
        assert "BEGIN HIDDEN" not in text  # nor in a traceback
        assert "seed" not in text


def test_feedback_says_what_is_wrong_and_where_to_read(table, course):
    page = course / "feedback" / "swapped-gates" / "ps2" / "ps2.html"
    text = page.read_text(encoding="utf-8")
    assert "the input gate and the forget gate are exchanged" in text
    assert "04_gates.html#sec-forget-gate" in text


# ---- submissions that nbgrader gives up by itself ------------------------------------


def copied_cell(notebook):
    """A check pasted a second time, as happens by accident."""
    cell = exercises.find_cell(notebook, "sigmoid-check")
    notebook.cells.insert(3, copy.deepcopy(cell))
    notebook.cells[3].id = "pasted"
    return notebook


def deleted_task(notebook):
    """An answer and both of its checks deleted."""
    for name in ("answer", "check", "hidden"):
        notebook.cells.remove(
            exercises.find_cell(notebook, f"lstm-parameter-count-{name}")
        )
    return notebook


def stopped_kernel(notebook):
    """An answer that ends the Python process."""
    cell = exercises.find_cell(notebook, "sigmoid-answer")
    cell.source = "import os\n\n\ndef sigmoid(z):\n    os._exit(1)"
    return notebook


def writes_to_stderr(notebook):
    """A right answer that writes where no redirection in Python reaches."""
    cell = exercises.find_cell(notebook, "sigmoid-answer")
    lines = ["    print('saved', file=saved)", "    os.write(2, b'raw')"]
    start = ["import os, sys", "saved = sys.stderr", "def sigmoid(z):", *lines]
    cell.source = "\n".join([*start, "    return 0.5 * np.tanh(0.5 * z) + 0.5"])
    return notebook


def test_a_broken_submission_costs_only_itself(table, release, course):
    broken = {
        "copied-cell": copied_cell(demo_class.solved(copy.deepcopy(release))),
        "deleted-task": deleted_task(demo_class.solved(copy.deepcopy(release))),
        "stopped-kernel": stopped_kernel(demo_class.solved(copy.deepcopy(release))),
        "writes-to-stderr": writes_to_stderr(demo_class.solved(copy.deepcopy(release))),
        "no-notebook": "{not a notebook",
    }
    with exercises.environment(course):
        nbgrader = exercises.open_course(course)
        for student, notebook in broken.items():
            exercises.hand_in(course, "ps2", student, notebook)
        rows = exercises.grade(nbgrader, "ps2", [*broken, "never-handed-in"])
        exported = {row["student_id"]: row for row in exercises.export(nbgrader)}
    outcome = {row["student"]: (row["status"], row["total"]) for row in rows}
    assert outcome == {
        "copied-cell": ("graded", TOTAL),
        "deleted-task": ("graded", TOTAL - 3),
        "stopped-kernel": ("not graded", None),
        "writes-to-stderr": ("graded", TOTAL),
        "no-notebook": ("not graded", None),
        "never-handed-in": ("not graded", None),
    }
    reasons = {row["student"]: row["remark"] for row in rows}
    assert reasons["stopped-kernel"] == "its code stopped the Python process"
    assert reasons["no-notebook"] == "the file is not a notebook"
    assert reasons["never-handed-in"] == "no notebook was handed in"
    assert set(exported) == set(EXPECTED) | set(outcome)
    assert float(exported["all-correct"]["score"]) == TOTAL


# ---- the configuration and the script --------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "penalty"), [(1, 1.7), (86400, 1.7), (86401, 3.4), (10**7, 17)]
)
def test_late_penalty_is_ten_percent_a_day_begun_and_at_most_all(seconds, penalty):
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(exercises.HERE))
    plugin = loader.load_config().AssignLatePenalties.plugin_class()
    assert plugin.late_submission_penalty("x", 17, seconds) == pytest.approx(penalty)


def test_the_course_lies_where_its_configuration_lies():
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(exercises.HERE))
    course = loader.load_config().CourseDirectory
    assert (course.course_id, course.root) == ("gate-by-gate", str(exercises.HERE))


def test_the_demo_wipes_no_folder_that_it_did_not_make(tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("do not delete")
    with pytest.raises(SystemExit, match="not made by this course"):
        demo_class.main(["--course", str(tmp_path)])
    assert precious.read_text() == "do not delete"
