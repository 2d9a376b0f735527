"""The promises of problem set 2, kept by real nbgrader on a class of eight."""

import copy
import csv
import importlib.util
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

import lstm_lib

EXERCISES = Path(__file__).resolve().parents[2] / "exercises"
SOURCE = EXERCISES / "source" / "ps2" / "ps2.ipynb"

spec = importlib.util.spec_from_file_location("demo_class", EXERCISES / "demo_class.py")
demo_class = importlib.util.module_from_spec(spec)
spec.loader.exec_module(demo_class)

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.filterwarnings("ignore::nbformat.validator.MissingIDFieldWarning"),
]


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
    return nbformat.read(course / "release" / "ps2" / "ps2.ipynb", 4)


@pytest.fixture(scope="module")
def source():
    return nbformat.read(SOURCE, 4)


def graded_cells(notebook):
    cells = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return [cell for cell in cells if cell.metadata.nbgrader.grade]


def sources(notebook, cell_type=""):
    cells = [cell for cell in notebook.cells if cell_type in cell.cell_type]
    return "\n".join(cell.source for cell in cells)


# ---- the source and the release ---------------------------------------------------


def test_release_contains_no_solution(source, release):
    released = sources(release, "code")  # a hint may quote a line
    for text in demo_class.answers_of(source).values():
        solution = text.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
        lines = [line.strip() for line in solution.strip().split("\n")]
        assert lines
        assert not [line for line in lines if line in released]
    assert released.count("raise NotImplementedError()") == 4


def test_release_contains_no_hidden_test(source, release):
    assert sources(source).count("BEGIN HIDDEN TESTS") == 4
    for text in ("HIDDEN", "hidden=True", "seed="):
        assert text not in sources(release)


def test_the_points_of_every_check_are_the_points_of_its_cell(source):
    cells = graded_cells(source)
    for cell in cells:
        points = re.search(r"points=(\d+)", cell.source).group(1)
        assert int(points) == cell.metadata.nbgrader.points
    assert sum(cell.metadata.nbgrader.points for cell in cells) == 20


def test_every_test_cell_imports_what_it_needs(source):
    for cell in graded_cells(source):
        assert "from lstm_lib.checks import check\n" in cell.source


def test_the_rule_on_given_arrays_is_stated_for_every_task(source):
    rule = "the arrays that a function is given must stay as they are"
    shapes = next(c.source for c in source.cells if "## Shapes" in c.source)
    assert f"In every task {rule}" in shapes


def test_no_solution_uses_the_course_s_package(source):
    for text in demo_class.answers_of(source).values():
        assert "lstm_lib" not in text


def test_the_worked_examples_are_true(source):
    text = sources(source)
    sigmoids = lstm_lib.sigmoid(np.array([-2.0, 0.0, 1.0, 2.0]))
    assert f"`{[float(f'{s:.3f}') for s in sigmoids]}`" in text
    c = np.array([[2.0]])
    x, h = np.array([[1.0]]), np.array([[0.5]])
    W, U = np.array([[1, -1, 2, 0.5]]), np.array([[0, 2.0, -2, 1]])
    b = np.array([0.0, 2, 0, -1])
    i, f, g, o = (x @ W + h @ U + b)[0]
    gates = [lstm_lib.sigmoid(i), lstm_lib.sigmoid(f), np.tanh(g), lstm_lib.sigmoid(o)]
    assert ", ".join(f"{gate:.3f}" for gate in gates).replace("0.500", "0.5") in text
    for step, x_t in enumerate((x, -x)):
        h, c = lstm_lib.lstm_step(x_t, h, c, W, U, b)
        place = ("After the first step", "after the second")[step]
        assert f"{place} `h` = {h.item():.3f} and `c` = {c.item():.3f}" in text


# ---- the class ---------------------------------------------------------------------

# sigmoid, lstm-step, lstm-forward, parameter-count, late penalty, total, remark
EXPECTED = {
    "all-correct": (3, 7, 7, 3, 0, 20, "all right"),
    "own-style": (3, 7, 7, 3, 0, 20, "all right"),
    "swapped-gates": (3, 0, 7, 3, 0, 13, "forget-and-input-swapped"),
    "missing-tanh": (3, 0, 7, 3, 0, 13, "tanh-missing-on-output"),
    "blank": (0, 0, 0, 0, 0, 0, "Not answered yet"),
    "syntax-error": (3, 7, 0, 3, 0, 13, "SyntaxError in lstm-forward-answer"),
    "deleted-test": (3, 7, 7, 3, 0, 20, "lstm-step-check was deleted, put back"),
    "day-late": (3, 7, 7, 3, 2, 18, "all right"),
}


def test_the_class_is_the_one_expected(table):
    assert set(table) == set(EXPECTED)


@pytest.mark.parametrize("student", EXPECTED)
def test_each_student_gets_exactly_the_expected_scores(student, table):
    row = table[student]
    scores = (*row["tasks"].values(), row["late"], row["total"], row["remark"])
    assert scores == EXPECTED[student]
    assert row["status"] == "graded"


def test_the_export_accounts_for_everyone(table, course):
    with open(course / "grades.csv", newline="") as file:
        exported = {row["student_id"]: row for row in csv.DictReader(file)}
    for student, row in table.items():
        assert float(exported[student]["score"]) == row["total"]
        assert float(exported[student]["max_score"]) == 20


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
    cell = demo_class.find_cell(notebook, "sigmoid-check")
    notebook.cells.insert(3, copy.deepcopy(cell))
    notebook.cells[3].id = "pasted"
    return notebook


def deleted_task(notebook):
    """An answer and both of its checks deleted."""
    for name in ("answer", "check", "hidden"):
        notebook.cells.remove(demo_class.find_cell(notebook, f"parameter-count-{name}"))
    return notebook


def stopped_kernel(notebook):
    """An answer that ends the Python process."""
    cell = demo_class.find_cell(notebook, "sigmoid-answer")
    cell.source = "import os\n\n\ndef sigmoid(z):\n    os._exit(1)"
    return notebook


def writes_to_stderr(notebook):
    """A right answer that writes where no redirection in Python reaches."""
    cell = demo_class.find_cell(notebook, "sigmoid-answer")
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
    with demo_class.environment(course):
        nbgrader = demo_class.open_course(course)
        for student, notebook in broken.items():
            demo_class.hand_in(course, student, notebook)
        rows = demo_class.grade(nbgrader, [*broken, "never-handed-in"])
        exported = {row["student_id"]: row for row in demo_class.export(nbgrader)}
    outcome = {row["student"]: (row["status"], row["total"]) for row in rows}
    assert outcome == {
        "copied-cell": ("graded", 20),
        "deleted-task": ("graded", 17),
        "stopped-kernel": ("not graded", None),
        "writes-to-stderr": ("graded", 20),
        "no-notebook": ("not graded", None),
        "never-handed-in": ("not graded", None),
    }
    reasons = {row["student"]: row["remark"] for row in rows}
    assert reasons["stopped-kernel"] == "its code stopped the Python process"
    assert reasons["no-notebook"] == "the file is not a notebook"
    assert reasons["never-handed-in"] == "no notebook was handed in"
    assert set(exported) == set(EXPECTED) | set(outcome)
    assert float(exported["all-correct"]["score"]) == 20


# ---- the configuration and the script --------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "penalty"), [(1, 1.7), (86400, 1.7), (86401, 3.4), (10**7, 17)]
)
def test_late_penalty_is_ten_percent_a_day_begun_and_at_most_all(seconds, penalty):
    loader = demo_class.PyFileConfigLoader("nbgrader_config.py", path=str(EXERCISES))
    plugin = loader.load_config().AssignLatePenalties.plugin_class()
    assert plugin.late_submission_penalty("x", 17, seconds) == pytest.approx(penalty)


def test_the_course_lies_where_its_configuration_lies():
    loader = demo_class.PyFileConfigLoader("nbgrader_config.py", path=str(EXERCISES))
    course = loader.load_config().CourseDirectory
    assert (course.course_id, course.root) == ("gate-by-gate", str(EXERCISES))


def test_the_demo_wipes_no_folder_that_it_did_not_make(tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("do not delete")
    with pytest.raises(SystemExit, match="not made by this script"):
        demo_class.main(["--course", str(tmp_path)])
    assert precious.read_text() == "do not delete"
