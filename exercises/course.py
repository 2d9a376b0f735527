"""An nbgrader course in a folder of its own: release, hand in, grade, export.

The demonstration class, `make release` and the tests all work on such a
folder, made from the real sources and the real configuration.
"""

import csv
import os
import shutil
import sys
import tomllib
import warnings
from contextlib import contextmanager
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI
from sqlalchemy.exc import SAWarning
from traitlets import import_item
from traitlets.config.loader import PyFileConfigLoader

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "source"
VERDICT = "application/vnd.autograder.verdict+json"
MARKER = ".made-by-gate-by-gate"  # only such a folder is ever emptied
SEED_FILE = "seed.txt"  # the instructor's, which git ignores


# ---- assignments -------------------------------------------------------------


def assignments():
    """The names of the assignments, in order."""
    return sorted(path.parent.name for path in SOURCE.glob("*/assignment.toml"))


def settings(assignment):
    """What assignment.toml says: title, points, what a solution may use."""
    return tomllib.loads((SOURCE / assignment / "assignment.toml").read_text("utf-8"))


def source(assignment):
    """The instructor's notebook."""
    return nbformat.read(SOURCE / assignment / f"{assignment}.ipynb", 4)


def graded(notebook):
    """The cells that give points: grade id -> cell."""
    return {
        cell.metadata.nbgrader.grade_id: cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
    }


def answers_of(notebook):
    """The solution cells that hold code: grade id -> source."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
        and cell.cell_type == "code"
    }


def find_cell(notebook, grade_id):
    """The cell with this nbgrader id."""
    return next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def solved(assignment, release):
    """The released notebook with every answer filled in from the source."""
    for name, text in answers_of(source(assignment)).items():
        lines = [line for line in text.split("\n") if "### " not in line]
        find_cell(release, name).source = "\n".join(lines)
    return release


# ---- the folder --------------------------------------------------------------


def make_course(folder):
    """An empty course with our sources and configuration.

    Raises SystemExit rather than empty a folder that was not made here.
    """
    folder = Path(folder).resolve()
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise SystemExit(f"{folder} was not made by this course; name another one.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    shutil.copy(HERE / "nbgrader_config.py", folder)
    if (HERE / SEED_FILE).exists():
        shutil.copy(HERE / SEED_FILE, folder)
    shutil.copytree(SOURCE, folder / "source", ignore=_not_sources)


def _not_sources(folder, names):
    return [name for name in names if name.startswith((".", "__"))]


def open_course(folder):
    """The interface of nbgrader to a course folder, configured as the course is.

    But for the sandbox: here plain nbgrader grades, in any place, all alike.
    """
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(folder))
    config = loader.load_config()
    del config.Autograde["exporter_class"]
    config.NbGraderAPI.log_level = "ERROR"  # the log is where reasons are found
    config.Execute.extra_arguments = ["--log-level=ERROR"]  # of the kernels
    return NbGraderAPI(config=config)


@contextmanager
def environment(folder):
    """Set what nbgrader and its kernels need, whatever shell started this script.

    nbgrader calls `alembic` when it makes the gradebook; the kernels import
    lstm_lib, and read no profile of whoever runs this. (nbgrader's own setenv
    forgets the values from before.) Warnings from inside nbgrader are not ours.
    """
    before = dict(os.environ)
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ["PATH"] = os.pathsep.join(filter(None, programs))
    os.environ["IPYTHONDIR"] = str(Path(folder) / ".ipython")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SAWarning)
            warnings.simplefilter("ignore", nbformat.validator.MissingIDFieldWarning)
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def release_assignment(nbgrader, assignment, due=None):
    """Generate the student version, set the due date, return the notebook."""
    result = nbgrader.generate_assignment(assignment)
    if not result["success"]:
        raise SystemExit(f"generate_assignment failed:\n{result.get('log')}")
    if due:
        with nbgrader.gradebook as gradebook:
            gradebook.update_or_create_assignment(assignment, duedate=due)
    folder = Path(nbgrader.coursedir.root) / "release" / assignment
    return nbformat.read(folder / f"{assignment}.ipynb", 4)


def hand_in(folder, assignment, student, notebook, timestamp=None):
    """Write one submission. notebook: a notebook, or the text of a broken one."""
    folder = Path(folder) / "submitted" / student / assignment
    folder.mkdir(parents=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / f"{assignment}.ipynb").write_text(text, encoding="utf-8")
    if timestamp:
        (folder / "timestamp.txt").write_text(timestamp)


# ---- grading -----------------------------------------------------------------


def grade(nbgrader, assignment, students):
    """Grade student by student, so that a broken submission costs only itself.

    Returns one row for each student, whatever happened: status, points by
    graded cell, late penalty, total and a remark.
    """
    rows = []
    for student in students:
        with nbgrader.gradebook as gradebook:  # so that the export lists them all
            gradebook.update_or_create_student(student)
        result = nbgrader.autograde(assignment, student)
        if result["success"]:
            result = nbgrader.generate_feedback(assignment, student)
        if result["success"]:
            row = read_row(nbgrader, assignment, student)
            row["remark"] = row["remark"] or _remark(nbgrader, assignment, student)
        else:
            remark = _reason(result)
            row = _empty_row(student) | {"status": "not graded", "remark": remark}
        rows.append(row)
    return rows


def _empty_row(student):
    row = {"student": student, "status": "graded", "points": {}, "max": {}}
    return row | {"late": None, "total": None, "remark": "", "by_hand": []}


def read_row(nbgrader, assignment, student):
    """What the gradebook has of one graded submission."""
    row = _empty_row(student)
    with nbgrader.gradebook as gradebook:
        submission = gradebook.find_submission(assignment, student)
        grades = submission.notebooks[0].grades
        row["late"] = submission.late_submission_penalty
        row["total"] = submission.score - row["late"]
        row["points"] = {grade.name: grade.score for grade in grades}
        row["max"] = {grade.name: grade.max_score for grade in grades}
        row["by_hand"] = [g.name for g in grades if g.needs_manual_grade]
        unscored = [g.name for g in grades if g.auto_score is None]
    unscored = [name for name in unscored if name not in row["by_hand"]]
    if unscored:
        remark = f"no score for {', '.join(unscored)}"
        return row | {"status": "look at it", "remark": remark}
    if row["by_hand"]:
        row["status"] = "grade by hand"
    return row


def _reason(result):
    """The last line of an nbgrader error, which says what happened."""
    log = result.get("log", "") + result.get("error", "")
    causes = {
        "NotJSONError": "the file is not a notebook",
        "DeadKernelError": "its code stopped the Python process",
        "No notebooks were matched": "no notebook was handed in",
    }
    known = [text for name, text in causes.items() if name in log]
    lines = [line for line in log.strip().split("\n") if "Error" in line]
    return known[0] if known else (lines or ["no reason given"])[-1].strip()


def verdicts(nbgrader, assignment, student):
    """What each check of a graded notebook said: grade id -> verdict."""
    return {
        grade_id: output["data"][VERDICT]
        for grade_id, _, outputs in _graded_cells(nbgrader, assignment, student)
        for output in outputs
        if VERDICT in output.get("data", {})
    }


def graded_notebook(nbgrader, assignment, student):
    """The notebook as it was graded."""
    root = Path(nbgrader.coursedir.root)
    path = root / "autograded" / student / assignment / f"{assignment}.ipynb"
    return nbformat.read(path, 4)


def _graded_cells(nbgrader, assignment, student):
    for cell in graded_notebook(nbgrader, assignment, student).cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "a cell")
        yield grade_id, cell.source, cell.get("outputs", [])


def _remark(nbgrader, assignment, student):
    """What the checks said, in a few words: errors, misconceptions, restored cells."""
    errors, remarks = [], []
    for name, text, outputs in _graded_cells(nbgrader, assignment, student):
        if "was missing from the submission" in text:
            remarks.append(f"{name} was deleted, put back")
        for output in outputs:
            if output.output_type == "error":
                errors.append(f"{output.ename} in {name}")
            verdict = output.get("data", {}).get(VERDICT, {"cases": []})
            remarks += [_remark_on_case(case) for case in verdict["cases"]]
    remarks = filter(None, errors[:1] + remarks)  # later errors follow from the first
    return "; ".join(dict.fromkeys(remarks)) or "all right"


def _remark_on_case(case):
    """The misconception, or the first words of the message, or nothing."""
    if case["passed"]:
        return ""
    return case["misconception"] or case["message"].split(":")[0].split(".")[0]


def export(nbgrader):
    """Write grades.csv with the exporter that is configured; return its rows."""
    path = Path(nbgrader.coursedir.root) / "grades.csv"
    exporter = import_item(nbgrader.config.ExportApp.plugin_class)
    with nbgrader.gradebook as gradebook:
        exporter(to=str(path)).export(gradebook)
    with open(path, newline="") as file:
        return list(csv.DictReader(file))
