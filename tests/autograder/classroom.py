"""A small course made with nbgrader, a class that hands in, and how it is graded.

    folder = make_course(tmp_path / "course")
    hand_in(folder, "ada")                              # answers that are right
    hand_in(folder, "bob", one="def double(x): ...")    # another answer in `one`
    grade(folder, "--workers", "1")                     # python -m autograder grade

Two notebooks: `one` has given code, an answer, a test with a hidden part and an
essay; `two` an answer and its test. Together they give 10 points.
"""

import atexit
import functools
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import course
import nbformat
import psutil
from nbformat import v4
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from submitted import nbgrader
from traitlets.config.loader import PyFileConfigLoader

from autograder import kernel
from autograder.gradebook import read_endings

ROOT = Path(__file__).parents[2]
ASSIGNMENT = "ps1"
DUE = "2026-03-02 18:00:00 UTC"
LATE = "2026-03-04 19:00:00 UTC"  # two days begun: two points
RIGHT = {
    "one": "def double(x):\n    return 2 * x",
    "two": "def total(x):\n    return x.sum()",
}
WRONG = {"one": "def double(x):\n    return 4", "two": "def total(x):\n    return 0"}
ESSAY = "Because $x + x = 2x$."
FINE = 8  # points of all tests; the essay's 2 are given by hand

CONFIG = """
from pathlib import Path

from nbgrader.plugins import BasePlugin

c = get_config()


class PointADay(BasePlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return total_seconds_late // 86400


c.CourseDirectory.course_id = "small"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
c.AssignLatePenalties.plugin_class = PointADay
"""
PLUGIN = "\nfrom autograder import plugin\nplugin.configure(c)\n"
SETTINGS = """
title = "Doubling"
packages = ["numpy"]
files = ["own.txt"]

[limits]
seconds = 30
cell_seconds = 10
file_mb = 1
"""

# ---- the course ----------------------------------------------------------------


def _solution(text):
    head, *rest = text.split("\n")
    rest = "\n".join(rest)
    return f"{head}\n    ### BEGIN SOLUTION\n{rest}\n    ### END SOLUTION"


def _notebook(name, *more):
    """A notebook with an answer and what else there is."""
    code = v4.new_code_cell
    answer = code(_solution(RIGHT[name]), metadata=nbgrader(name, solution=True))
    cells = [v4.new_markdown_cell(f"# Notebook {name}"), *more]
    cells.insert(2, answer)
    for number, cell in enumerate(cells):
        cell.id = f"{name}-{number}"
    return v4.new_notebook(cells=cells)


def source():
    """Name -> the instructor's notebook."""
    code, graded = v4.new_code_cell, {"grade": True, "locked": True}
    hidden = "### BEGIN HIDDEN TESTS\nassert double(3) == 6\n### END HIDDEN TESTS"
    test = f"assert double(2) == 4\n{hidden}"
    essay = nbgrader("essay", grade=True, solution=True, points=2)
    return {
        "one": _notebook(
            "one",
            code("import numpy as np", metadata=nbgrader("tools", locked=True)),
            code(test, metadata=nbgrader("test-one", points=5, **graded)),
            v4.new_markdown_cell("Why?", metadata=essay),
        ),
        "two": _notebook(
            "two",
            code(
                "import numpy as np\ndata = np.loadtxt('data.txt')",
                metadata=nbgrader("data", locked=True),
            ),
            code(
                "assert total(data) == 6",
                metadata=nbgrader("test-two", points=3, **graded),
            ),
        ),
    }


@functools.cache
def _template():
    """The course, released; made once."""
    folder = Path(tempfile.mkdtemp(prefix="small-course-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "source" / ASSIGNMENT
    path.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG + PLUGIN)
    (path / "assignment.toml").write_text(SETTINGS)
    (path / "data.txt").write_text("1 2 3\n")
    for name, notebook in source().items():
        nbformat.write(notebook, path / f"{name}.ipynb")
    with course.environment(folder):
        api = open_api(folder)
        assert api.generate_assignment(ASSIGNMENT)["success"]
        with api.gradebook as gradebook:
            gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    return folder


def make_course(folder):
    """A folder with the course, released; nobody has handed in."""
    return Path(shutil.copytree(_template(), folder))


def open_api(folder):
    """The interface of nbgrader to a course, with all that it is configured to."""
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(folder))
    api = NbGraderAPI(config=loader.load_config())
    api.log_level = "ERROR"
    return api


def submission(folder, student):
    """Where a student's submission lies."""
    return folder / "submitted" / student / ASSIGNMENT


def hand_in(
    folder, student, *, essay=ESSAY, when=None, names=("one", "two"), **answers
):
    """Write a submission; answers: name of a notebook -> its answer's source."""
    path = submission(folder, student)
    path.mkdir(parents=True, exist_ok=True)
    for name in names:
        released = folder / "release" / ASSIGNMENT / f"{name}.ipynb"
        notebook = nbformat.read(released, 4)
        for cell in notebook.cells:
            cell.source = _answer(cell, {**RIGHT, "essay": essay, **answers})
        (path / f"{name}.ipynb").write_text(nbformat.writes(notebook))
    if when:
        (path / "timestamp.txt").write_text(when)


def _answer(cell, answers):
    ours = cell.metadata.get("nbgrader", {})
    answer = answers.get(ours.get("grade_id")) if ours.get("solution") else None
    return cell.source if answer is None else answer


# ---- grading, and what came of it ------------------------------------------------


def start(folder, *options, out=subprocess.PIPE):
    """Start `python -m autograder grade` in a process group of its own."""
    command = [sys.executable, "-m", "autograder", "grade", ASSIGNMENT]
    return subprocess.Popen(
        [*command, "--course", str(folder), *options],
        cwd=ROOT,
        stdout=out,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background may ignore it, and hand that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def grade(folder, *options, status=0):
    """Run the command to its end; what it printed. It has to end with this status."""
    process = start(folder, *options)
    text, _ = process.communicate(timeout=300)
    assert process.returncode == status, text
    return text


def entered(folder):
    """All that grading leaves in the gradebook and in the folder, times left out.

    Student -> what he got: (scores by cell, who has to look, comments, penalty,
    ending, the graded notebooks and other files).
    """
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "small") as book:
        endings = read_endings(book.engine, ASSIGNMENT)
        found = {}
        for one in book.assignment_submissions(ASSIGNMENT):
            cells = {g.name: g for n in one.notebooks for g in n.grades}
            found[one.student_id] = {
                "scores": {name: g.score for name, g in cells.items()},
                "by hand": {name for name, g in cells.items() if g.needs_manual_grade},
                "comments": {
                    c.name: c.comment for n in one.notebooks for c in n.comments
                },
                "penalty": one.late_submission_penalty,
                "ending": endings.get(one.student_id),
                "files": _files(folder / "autograded" / one.student_id / ASSIGNMENT),
            }
        return found


def _files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def points(found):
    """Student -> the points of all tests, of what `entered` gives."""
    return {student: sum(one["scores"].values()) for student, one in found.items()}


def states(found):
    """Student -> how the submission ended."""
    return {student: one["ending"]["state"] for student, one in found.items()}


# ---- processes -------------------------------------------------------------------


@contextmanager
def no_orphans():
    """What is started within has to end: also what a killed process leaves.

    Orphans come to this process, where they are found.
    """
    before = _alive()
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    try:
        yield
        deadline = time.monotonic() + 60
        while (left := _alive() - before) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not left
    finally:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 0)


def _alive():
    """The processes that this one and its children started and that still run."""
    alive = set()
    for process in psutil.Process().children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE:
                alive.add(process)
        except psutil.NoSuchProcess:
            pass
    return alive


__all__ = ["entered", "grade", "hand_in", "make_course", "no_orphans", "start"]
