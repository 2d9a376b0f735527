"""The same promises under plain nbgrader: generate, validate, autograde, feedback."""

import copy
import io
import os
import re
import shutil
import subprocess
import sys
from itertools import zip_longest

import course
import nbformat
import pytest
from nbgrader.validator import Validator
from submissions import entry_of, is_test, mutants, quick, reference, styles

from autograder import leaderboard
from autograder.course import open_course
from autograder.gradebook import read_endings

ASSIGNMENTS = course.assignments()
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)
STYLES, MISTAKES = 2, 3  # of each function; test_assignments tries them all
FROM_THE_BANK = """
from lstm_lib.checks.misconceptions import BANK
{function} = next(entry.function for entry in BANK if entry.id == "{id}")
"""


def from_the_bank(assignment):
    """Submissions that hold one misconception in each function: student -> answers.

    One mistake never hides another, so a few submissions try many of them.
    """
    answers, by_cell = quick(assignment), {}
    for name, (cell, _) in mutants(assignment).items():
        if entry_of(name):
            by_cell.setdefault(cell, []).append(name)
    students = {}
    some = [names[:MISTAKES] for names in by_cell.values()]
    for number, names in enumerate(zip_longest(*some), 1):
        wrong = {cell: name for cell, name in zip(by_cell, names) if name}
        sources = {
            cell: FROM_THE_BANK.format(id=name, function=function_of(cell))
            for cell, name in wrong.items()
        }
        students[f"mistakes-{number}"] = answers | sources, wrong
    return students


def some_styles(assignment):
    """Right submissions: student -> answers."""
    some = list(styles(assignment).items())[:STYLES]
    return {name.replace(" ", "-"): answers for name, answers in some}


def function_of(cell):
    return cell.removesuffix("-answer").replace("-", "_")


def filled(release, answers):
    """The released notebook with these answers."""
    notebook = copy.deepcopy(release)
    for cell, source in answers.items():
        course.find_cell(notebook, cell).source = source
    return notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("course") / "course"


@pytest.fixture(scope="module")
def nbgrader(folder):
    course.make_course(folder)
    (folder / course.SEED_FILE).write_text("7\n")  # which single tests have, too
    with course.environment(folder):
        yield course.open_course(folder)


@pytest.fixture(scope="module")
def releases(nbgrader):
    """Assignment -> the released notebook."""
    return {name: course.release_assignment(nbgrader, name) for name in ASSIGNMENTS}


@pytest.fixture(scope="module")
def rows(nbgrader, folder, releases):
    """(assignment, student) -> graded row, for every submission of this file."""
    graded = {}
    for assignment, release in releases.items():
        class_ = {"blank": {}, "reference": reference(assignment)}
        class_ |= some_styles(assignment)
        class_ |= {k: answers for k, (answers, _) in from_the_bank(assignment).items()}
        for student, answers in class_.items():
            course.hand_in(folder, assignment, student, filled(release, answers))
        for row in course.grade(nbgrader, assignment, class_):
            graded[assignment, row["student"]] = row
    return graded


def by_machine(notebook):
    """Grade id -> points, without what is graded by hand."""
    return {
        name: cell.metadata.nbgrader.points
        for name, cell in course.graded(notebook).items()
        if is_test(cell)
    }


def by_hand(notebook):
    """The cells that a person grades."""
    return set(course.graded(notebook)) - set(by_machine(notebook))


# ---- grades ----------------------------------------------------------------------


@each_assignment
def test_right_answers_get_every_point_and_blank_ones_none(assignment, rows, releases):
    full = by_machine(releases[assignment])
    for student in ["reference", *some_styles(assignment)]:
        row = rows[assignment, student]
        assert {name: row["points"][name] for name in full} == full, student
        assert row["remark"] == "all right"
    assert set(rows[assignment, "blank"]["points"].values()) == {0}


@each_assignment
def test_a_misconception_costs_its_task_and_is_named(
    assignment, rows, releases, nbgrader
):
    for student, (_, wrong) in from_the_bank(assignment).items():
        row = rows[assignment, student]
        said = course.verdicts(nbgrader, assignment, student)
        for name, full in by_machine(releases[assignment]).items():
            mistake = wrong.get(f"{name.rpartition('-')[0]}-answer")
            ids = {case["misconception"] for case in said[name]["cases"]}
            if not mistake:
                assert (row["points"][name], ids) == (full, {None}), (student, name)
                continue
            right = [
                c["name"] in entry_of(mistake).right_on for c in said[name]["cases"]
            ]
            earned = pytest.approx(full * sum(right) / len(right))
            assert row["points"][name] == earned, (student, name)
            assert ids == {None if passed else mistake for passed in right}


def test_the_export_accounts_for_everyone(rows, nbgrader):
    exported = {(r["assignment"], r["student_id"]): r for r in course.export(nbgrader)}
    for key, row in rows.items():
        assert float(exported[key]["score"]) == pytest.approx(row["total"])
    for assignment in ASSIGNMENTS:
        maximum = exported[assignment, "reference"]["max_score"]
        assert float(maximum) == course.settings(assignment)["points"]


@each_assignment
def test_what_is_written_by_hand_waits_for_a_person(
    assignment, releases, nbgrader, folder, rows
):
    """An answer left as it was is scored 0 by nbgrader itself."""
    release = releases[assignment]
    words = dict.fromkeys(by_hand(release), "Because the gates are half open.")
    answers = reference(assignment) | words
    course.hand_in(folder, assignment, "writer", filled(release, answers))
    (row,) = course.grade(nbgrader, assignment, ["writer"])
    assert row["status"] == ("grade by hand" if words else "graded")
    assert rows[assignment, "reference"]["status"] == "graded"


# ---- release and feedback --------------------------------------------------------


@each_assignment
def test_the_release_holds_no_solution_and_no_hidden_test(assignment, releases):
    source, release = course.source(assignment), releases[assignment]
    for name, text in course.answers_of(source).items():
        solution = text.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
        lines = {line.strip() for line in solution.strip().split("\n")} - {""}
        left = course.find_cell(release, name).source
        assert lines and "NotImplementedError" in left
        assert not [line for line in lines if line in left]
    code = [c.source for c in release.cells if c.cell_type == "code"]
    assert not set(course.answers_of(source).values()) & set(code)
    everything = nbformat.writes(release)
    assert "BEGIN HIDDEN" in nbformat.writes(source)
    for text in ("HIDDEN", "SOLUTION", "hidden=True", "seed", "ubric"):
        assert text not in everything


def test_a_manual_part_is_released_without_its_rubric(releases):
    cells = [
        (assignment, name)
        for assignment, release in releases.items()
        for name, cell in course.graded(release).items()
        if cell.cell_type == "markdown"
    ]
    assert cells
    for assignment, name in cells:
        source = course.find_cell(course.source(assignment), name).source
        release = course.find_cell(releases[assignment], name).source
        assert "YOUR ANSWER HERE" in release
        hidden = source.split("### BEGIN SOLUTION")[1].split("### END SOLUTION")[0]
        assert "point" in hidden  # what earns how many
        for line in filter(str.strip, hidden.split("\n")):
            assert line not in release


@each_assignment
def test_feedback_names_the_mistake_and_shows_no_hidden_test(assignment, rows, folder):
    for student in from_the_bank(assignment):
        page = folder / "feedback" / student / assignment / f"{assignment}.html"
        text = page.read_text(encoding="utf-8")
        assert "Read about it in the book" in text
        for hidden in ("BEGIN HIDDEN", "hidden=True", "seed"):
            assert hidden not in text


# ---- validate --------------------------------------------------------------------


def validate(notebook, path):
    """What `nbgrader validate` prints about a notebook."""
    nbformat.write(notebook, path)
    validator = Validator()
    validator.stream = io.StringIO()
    validator.validate_and_print(str(path))
    return validator.stream.getvalue()


@each_assignment
def test_validate_shows_failing_checks_as_failing(assignment, releases, tmp_path):
    release, path = releases[assignment], tmp_path / f"{assignment}.ipynb"
    written = {name: "In words." for name in by_hand(release)}
    right = filled(release, reference(assignment) | written)
    assert "Success! Your notebook passes all the tests." in validate(right, path)
    answers, wrong = next(iter(from_the_bank(assignment).values()))
    told = validate(filled(release, answers | written), path)
    assert f"VALIDATION FAILED ON {len(wrong)} CELL(S)" in told
    visible = [name for name in by_machine(release) if name.endswith("-check")]
    blank = len(visible) + len(written)
    assert f"FAILED ON {blank} CELL(S)" in validate(release, path)


# ---- the seed --------------------------------------------------------------------


def test_a_private_course_as_the_guide_shows_it(tmp_path, root):
    """Own folder, own seed, the course's own configuration for all the rest."""
    guide = (root / "book" / "instructors.md").read_text("utf-8")
    text = re.search(r"```python\n(import os\n.*?)```", guide, re.S)[1]
    text = text.replace("/where/you/cloned/gate-by-gate", str(root))
    (tmp_path / "nbgrader_config.py").write_text(text)
    (tmp_path / "seed.txt").write_text("1618\n")
    shutil.copytree(course.SOURCE / "ps2", tmp_path / "source" / "ps2")
    with course.environment(tmp_path):
        nbgrader = course.open_course(tmp_path)
        assert os.environ["LSTM_LIB_CHECKS_SEED"] == "1618"
        release = course.release_assignment(nbgrader, "ps2")
        right = filled(release, reference("ps2"))
        course.hand_in(tmp_path, "ps2", "someone", right)
        (row,) = course.grade(nbgrader, "ps2", ["someone"])
    assert row["total"] == course.settings("ps2")["points"]
    assert (tmp_path / "feedback" / "someone" / "ps2" / "ps2.html").exists()


def test_the_seed_is_the_instructors(tmp_path, monkeypatch, capsys):
    """From seed.txt, unless the environment has one; without either, a word."""
    monkeypatch.delenv("LSTM_LIB_CHECKS_SEED", raising=False)
    course.make_course(tmp_path / "course")
    with course.environment(tmp_path / "course"):
        course.open_course(tmp_path / "course")
        assert os.environ["LSTM_LIB_CHECKS_SEED"] == "1"
    assert "seed 1, which students can read" in capsys.readouterr().err
    (tmp_path / "course" / "seed.txt").write_text("271828\n")
    with course.environment(tmp_path / "course"):
        course.open_course(tmp_path / "course")
        assert os.environ["LSTM_LIB_CHECKS_SEED"] == "271828"
    monkeypatch.setenv("LSTM_LIB_CHECKS_SEED", "3")
    with course.environment(tmp_path / "course"):
        course.open_course(tmp_path / "course")
        assert os.environ["LSTM_LIB_CHECKS_SEED"] == "3"
    assert capsys.readouterr().err == ""


# ---- the leaderboard -------------------------------------------------------------


def test_the_leaderboard_ranks_what_was_measured(rows, folder):
    """The styles above the baselines; who handed in a baseline beside it."""
    found = leaderboard.entries(open_course(folder), "ps7")
    values = {entry.student: entry.measure.value for entry in found}
    assert set(values) >= {student for name, student in rows if name == "ps7"}
    baselines = found[0].measure.beside
    right = ["reference", *some_styles("ps7")]
    best = min(baselines.values())
    assert all(values[student] < 0.85 * best for student in right)
    assert values["blank"] is None
    in_class = {
        wrong.get("forecasts-answer"): values[student]
        for student, (_, wrong) in from_the_bank("ps7").items()
    }
    assert in_class["persistence-dressed-up-as-skill"] == baselines["naive forecast"]
    assert in_class["baseline-handed-in"] == baselines["seasonal naive forecast"]
    assert in_class["future-copied"] is None
    text = leaderboard.table("ps7", found)
    assert text.index("reference") < text.index("seasonal naive forecast")
    assert "Your forecasts change when only" in text.partition("Not ranked")[2]


# ---- the autograder --------------------------------------------------------------


@each_assignment
def test_the_autograder_gives_the_same_points(
    assignment, rows, nbgrader, folder, all_layers
):
    """It grades the same folder anew, for those who need nothing of the checks'."""
    honest = ["blank", "reference", *some_styles(assignment)]
    command = [sys.executable, "-m", "autograder", "grade", assignment]
    subprocess.run(
        [*command, "--course", folder, "--students", ",".join(honest)], check=True
    )
    with nbgrader.gradebook as gradebook:
        for student in honest:
            found = gradebook.find_submission_notebook(assignment, assignment, student)
            points = {grade.name: grade.score for grade in found.grades}
            assert points == rows[assignment, student]["points"], student
    ended = read_endings(nbgrader.gradebook.engine, assignment)
    assert {student: ended[student]["state"] for student in honest} == dict.fromkeys(
        honest, "graded"
    ) | {"blank": "unanswered"}
