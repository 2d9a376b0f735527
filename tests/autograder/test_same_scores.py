"""Scores equal stock nbgrader's, on a course such as its documentation grades.

The same class is graded by nbgrader with its default preprocessors and by
`python -m autograder grade`. What differs stands in DIFFERENCES, nothing else.
"""

import shutil
import subprocess
import sys
from dataclasses import dataclass, field

import course
import documentation_course as documentation
import pytest
from classroom import open_api
from documentation_course import (
    ASSIGNMENT,
    BY_HAND,
    CLASS,
    ONE_KERNEL,
    POINTS,
    points_of,
)
from sqlalchemy import create_engine

from autograder.gradebook import read_endings

pytestmark = pytest.mark.usefixtures("all_layers")

# (student, cell) -> why score, comment or need of a person differ.
RESTORED = "a cell that was deleted is put back"
NO_FAILURE = "text on stderr, such as a warning, is no failure"
NOT_PLAIN = "what a generator gives is the student's; a test cannot loop over it"
COSTS_ITSELF = "nbgrader gives up the whole submission"
EVERYTHING, ANYONE = "everything", "anyone"
DIFFERENCES = {(ANYONE, test): reason for test, reason in ONE_KERNEL.items()} | {
    ("deleted-tests", "test-squares"): RESTORED,
    ("deleted-tests", "test-spread"): RESTORED,
    ("deleted-answers", "formula"): RESTORED,
    ("noisy", "test-spread"): NO_FAILURE,
    ("noisy", "test-letters"): NO_FAILURE,
    ("other-style", "test-evens"): NOT_PLAIN,
    ("copied-cell", EVERYTHING): COSTS_ITSELF,
    ("stops-python", EVERYTHING): COSTS_ITSELF,
}


@dataclass
class Entered:
    """What stands in the gradebook of one submission.

    cells: name -> (score, whether a person has to look); for an answer also its
    comment. penalty: the points taken for being late. given_up: why nbgrader
    graded nothing.
    """

    cells: dict = field(default_factory=dict)
    penalty: float = 0.0
    given_up: str = ""


def read_entered(nbgrader, student):
    """What was entered for a student."""
    entered = Entered()
    with nbgrader.gradebook as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, student)
        entered.penalty = submission.late_submission_penalty
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                entered.cells[grade.name] = grade.score, grade.needs_manual_grade
            for comment in notebook.comments:
                before = entered.cells.get(comment.name, ())
                entered.cells[comment.name] = *before, comment.auto_comment
    return entered


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The same course twice, released, with everything handed in."""
    made = tmp_path_factory.mktemp("documentation")
    documentation.make_course(made / "stock")
    with course.environment(made / "stock"):
        nbgrader = open_api(made / "stock")
        assert nbgrader.generate_assignment(ASSIGNMENT)["success"]
        with nbgrader.gradebook as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=documentation.DUE)
    documentation.hand_in(made / "stock")
    shutil.copytree(made / "stock", made / "ours")
    return made / "stock", made / "ours"


@pytest.fixture(scope="module")
def command(folders, root):
    """Our command, at work while nbgrader is."""
    with subprocess.Popen(
        [sys.executable, "-m", "autograder", "grade", ASSIGNMENT, "--workers", "1"]
        + ["--course", folders[1]],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


@pytest.fixture(scope="module")
def stock(folders, command):
    """Student -> what nbgrader entered."""
    entered = {}
    with course.environment(folders[0]):
        nbgrader = open_api(folders[0])
        for student in CLASS:
            done = nbgrader.autograde(ASSIGNMENT, student)
            entered[student] = read_entered(nbgrader, student)
            if not done["success"]:
                entered[student].given_up = done["log"] or done["error"]
    return entered


@pytest.fixture(scope="module")
def graded(folders, command):
    """The folder of the course that our command has graded."""
    told, _ = command.communicate()
    assert command.returncode == 0, told
    return folders[1]


@pytest.fixture(scope="module")
def ours(graded):
    """Student -> what our command entered."""
    with course.environment(graded):
        nbgrader = open_api(graded)
        return {student: read_entered(nbgrader, student) for student in CLASS}


def differing(theirs, mine):
    """The cells that were graded otherwise: name -> both."""
    if theirs.given_up:
        return {EVERYTHING: theirs.given_up}
    names = theirs.cells.keys() | mine.cells.keys()
    both = {name: (theirs.cells.get(name), mine.cells.get(name)) for name in names}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def test_each_cell_is_graded_as_by_nbgrader(stock, ours):
    """Score, comment and what waits for a person; or it differs as we say."""
    found = {}
    for student in CLASS:
        for cell, how in differing(stock[student], ours[student]).items():
            name = ANYONE if (ANYONE, cell) in DIFFERENCES else student
            found[name, cell] = how
    unsaid = {key: how for key, how in found.items() if key not in DIFFERENCES}
    assert not unsaid
    assert found.keys() == DIFFERENCES.keys()


@pytest.mark.parametrize("student", CLASS)
def test_each_cell_costs_what_it_should(student, ours):
    """So that the two are not wrong together."""
    cells, submission = ours[student].cells, CLASS[student]
    lost = {test: POINTS[test] - cells[test][0] for test in POINTS}
    expected = points_of(*ONE_KERNEL) | submission.loses
    assert {test: points for test, points in lost.items() if points} == expected
    waiting = {name for name, found in cells.items() if found[1:2] == (True,)}
    assert waiting == submission.by_hand
    assert cells.keys() == POINTS.keys() | documentation.ANSWERS.keys() | BY_HAND.keys()


def test_being_late_costs_the_same(stock, ours):
    """By the course's own rule: a point a day."""
    penalties = {student: entered.penalty for student, entered in ours.items()}
    assert penalties == dict.fromkeys(CLASS, 0) | {"half-right": 1}
    assert penalties == {student: entered.penalty for student, entered in stock.items()}


def test_each_submission_ends_in_its_state(graded):
    """What could not be graded to its end is told from what was."""
    engine = create_engine(f"sqlite:///{graded / 'gradebook.db'}")
    endings = read_endings(engine, ASSIGNMENT)
    states = {student: ending["state"] for student, ending in endings.items()}
    assert states == {student: CLASS[student].state for student in CLASS}
