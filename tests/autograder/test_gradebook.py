"""One submission is one transaction of nbgrader's gradebook."""

import multiprocessing
import sqlite3
import threading
import time

import pytest
from nbgrader.api import Gradebook

from autograder.gradebook import SUBMISSIONS, Book, open_gradebook, read_endings
from autograder.grading import Graded, Result
from autograder.states import State


@pytest.fixture
def url(tmp_path, monkeypatch):
    """A gradebook with one assignment: a test of 3 points, an answer by hand of 2."""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with open_gradebook(url, "course") as book:
        book.add_assignment("ps1", duedate="2026-01-02 00:00:00 UTC")
        book.add_notebook("ps1", "ps1")
        book.add_grade_cell("check", "ps1", "ps1", max_score=3, cell_type="code")
        book.add_grade_cell("essay", "ps1", "ps1", max_score=2, cell_type="markdown")
        book.add_solution_cell("essay", "ps1", "ps1")
    return url


def result(score=1.5, **changes):
    """What grading a submission gives."""
    graded = Graded("", {"check": score, "essay": None})
    fields = dict(state=State.GRADED, message="", seconds=1.0)
    return Result(**fields | {"notebooks": {"ps1": graded}} | changes)


def tenth(student, score, seconds_late):
    """Take a tenth of the score."""
    return score / 10


def scores(url):
    """Student -> (score, penalty, comment, needs a grader) as nbgrader reads them."""
    with Gradebook(url, "course") as book:
        return {
            s.student_id: (
                s.score,
                s.late_submission_penalty,
                [c.comment for n in s.notebooks for c in n.comments],
                s.needs_manual_grade,
            )
            for s in book.assignment_submissions("ps1")
        }


def test_a_result_is_entered_as_nbgrader_does(url):
    """Score, penalty, comment, what is left to a person; and our own row."""
    book = Book(url, "course", tenth)
    book.commit("ps1", "ada", "2026-01-01 00:00:00 UTC", "f1", result())
    book.commit("ps1", "bob", "2026-01-03 00:00:00 UTC", "f1", result(2.0))
    assert book.endings("ps1") == dict.fromkeys(("ada", "bob"), ("f1", State.GRADED))
    book.close()
    assert scores(url) == {
        "ada": (1.5, 0.0, [None], True),
        "bob": (2.0, 0.2, [None], True),
    }


def test_again_is_the_same(url):
    """A second result replaces the first; a person's score stays."""
    book = Book(url, "course", tenth)
    book.commit("ps1", "ada", None, "f1", result())
    with open_gradebook(url, "course") as other:
        other.find_grade("essay", "ps1", "ps1", "ada").manual_score = 2
        other.db.commit()
    book.commit("ps1", "ada", None, "f2", result(3.0))
    assert book.endings("ps1") == {"ada": ("f2", State.GRADED)}
    book.close()
    assert scores(url)["ada"][0] == 5.0


def test_what_could_not_be_graded_is_told_from_a_zero(url):
    """By its state; nbgrader sees 0, and nothing to grade by hand."""
    book = Book(url, "course", tenth)
    nothing = Graded("", {"check": 0.0, "essay": 0.0}, ("essay",))
    told = {"state": State.MALFORMED, "message": "no notebook"}
    book.commit("ps1", "ada", None, "f1", result(notebooks={"ps1": nothing}, **told))
    assert book.endings("ps1") == {"ada": ("f1", State.MALFORMED)}
    book.close()
    assert scores(url) == {"ada": (0.0, 0.0, ["No response."], False)}
    with Gradebook(url, "course") as plain:
        told = {"state": "malformed", "message": "no notebook"}
        assert read_endings(plain.engine, "ps1") == {"ada": told}


def test_all_or_nothing(url):
    """An error on the way leaves no student, no submission, no row."""

    def fail(*arguments):
        raise RuntimeError("the plug-in of the course fails")

    book = Book(url, "course", fail)
    with pytest.raises(RuntimeError, match="plug-in"):
        book.commit("ps1", "ada", "2026-01-03 00:00:00 UTC", "f1", result())
    assert book.endings("ps1") == {}
    book.commit("ps1", "bob", None, "f1", result())  # the connection still works
    book.close()
    with Gradebook(url, "course") as plain:
        assert [student.id for student in plain.students] == ["bob"]


def test_a_locked_database_is_waited_for(url):
    """Another program may hold it for a while."""
    book = Book(url, "course", tenth)
    path = url.removeprefix("sqlite:///")
    other = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(7, other.rollback)  # sqlite's own patience is 5
    release.start()
    book.commit("ps1", "ada", None, "f1", result())
    book.close()
    release.join()
    assert scores(url)["ada"][0] == 1.5


def make(url, results):
    """Open a gradebook that twelve make at once."""
    time.sleep(0.01)
    try:
        book = Book(url, "course", tenth)
        book.close()
        results.put("made")
    except Exception as error:
        results.put(repr(error))


def test_twelve_may_make_it_at_once(tmp_path):
    """None of them fails."""
    url, results = f"sqlite:///{tmp_path / 'new.db'}", multiprocessing.Queue()
    racing = [
        multiprocessing.Process(target=make, args=(url, results)) for _ in "x" * 12
    ]
    for process in racing:
        process.start()
    assert [results.get(timeout=60) for _ in racing] == ["made"] * 12
    assert SUBMISSIONS.name == "autograder_submission"
