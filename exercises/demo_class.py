"""A demonstration class: eight submissions of problem set 2, graded by nbgrader.

Run `python exercises/demo_class.py [--course DIR]`. The folder is made anew:
a course with the real source and configuration, the release that nbgrader
generates from it, eight submissions, their autograded copies and feedback,
and grades.csv. Then the grades are printed as a table.
"""

import argparse
import copy
import csv
import os
import shutil
import sys
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import nbformat
from nbgrader.apps.api import NbGraderAPI
from nbgrader.plugins.export import CsvExportPlugin
from sqlalchemy.exc import SAWarning
from traitlets.config.loader import PyFileConfigLoader

HERE = Path(__file__).resolve().parent
ASSIGNMENT = "ps2"
TASKS = ("sigmoid", "lstm-step", "lstm-forward", "parameter-count")
VERDICT = "application/vnd.autograder.verdict+json"
DUE = "2026-03-02 18:00:00 UTC"
ON_TIME = "2026-03-01 10:00:00 UTC"
NEXT_DAY = "2026-03-03 09:00:00 UTC"
MARKER = ".made-by-demo-class"

# ---- the class ---------------------------------------------------------------

OWN_STYLE = {
    "sigmoid-answer": """
def sigmoid(z):
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))
""",
    "lstm-step-answer": """
def gate(block, x, h, W, U, b, squash):
    size = h.shape[1]
    columns = slice(block * size, (block + 1) * size)
    total = np.einsum("nd,dk->nk", x, W[:, columns])
    total = total + np.einsum("nj,jk->nk", h, U[:, columns])
    return squash(total + b[columns])

def lstm_step(x, h, c, W, U, b):
    weights = (x, h, W, U, b)
    keep, write, show = (gate(k, *weights, sigmoid) for k in (1, 0, 3))
    cell = np.array(c)
    for n in range(cell.shape[0]):
        cell[n] = keep[n] * c[n] + write[n] * gate(2, *weights, np.tanh)[n]
    return [show * np.tanh(cell), cell]
""",
    "lstm-forward-answer": """
def lstm_forward(x, h, c, W, U, b):
    y = np.zeros((x.shape[0], *h.shape))
    for t in range(len(x)):
        y[t], c = lstm_step(x[t], h if t == 0 else y[t - 1], c, W, U, b)
    return y, (y[-1], c)
""",
    "parameter-count-answer": """
def lstm_parameter_count(input_size, hidden_size):
    shapes = [(input_size, 4 * hidden_size), (hidden_size, 4 * hidden_size)]
    return sum(rows * columns for rows, columns in shapes) + 4 * hidden_size
""",
}


def solved(release):
    """The released notebook with every answer filled in from the source."""
    source = nbformat.read(HERE / "source" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)
    for name, text in answers_of(source).items():
        lines = [line for line in text.split("\n") if "### " not in line]
        find_cell(release, name).source = "\n".join(lines)
    return release


def answers_of(notebook):
    """The solution cells of a notebook: grade id -> source."""
    return {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def find_cell(notebook, grade_id):
    """The cell with this nbgrader id."""
    return next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def own_style(release):
    """Right, in another style: einsum, loops, helpers, lists."""
    for name, text in OWN_STYLE.items():
        find_cell(release, name).source = text.strip()
    return release


def changed(old, new, cell, release):
    """Solved, with one piece of one answer replaced."""
    target = find_cell(solved(release), cell)
    if old not in target.source:
        raise ValueError(f"old: expected text of the cell {cell}, got {old!r}")
    target.source = target.source.replace(old, new)
    return release


def without_cell(cell, release):
    """Solved, but with one cell deleted."""
    solved(release).cells.remove(find_cell(release, cell))
    return release


# student: (what they hand in, made from the release; when)
CLASS = {
    "all-correct": (solved, ON_TIME),
    "own-style": (own_style, ON_TIME),
    "swapped-gates": (
        partial(changed, "f * c + i * g", "i * c + f * g", "lstm-step-answer"),
        ON_TIME,
    ),
    "missing-tanh": (
        partial(changed, "o * np.tanh(c)", "o * c", "lstm-step-answer"),
        ON_TIME,
    ),
    "blank": (lambda release: release, ON_TIME),
    "syntax-error": (
        partial(changed, "for x_t in x:", "for x_t in x", "lstm-forward-answer"),
        ON_TIME,
    ),
    "deleted-test": (partial(without_cell, "lstm-step-check"), ON_TIME),
    "day-late": (solved, NEXT_DAY),
}


# ---- the course ----------------------------------------------------------------


def make_course(course):
    """An empty course folder with our source and configuration, and its nbgrader."""
    course = Path(course).resolve()
    if course.exists() and any(course.iterdir()):
        if not (course / MARKER).exists():
            raise SystemExit(f"{course} was not made by this script; name another one.")
        shutil.rmtree(course)
    course.mkdir(parents=True, exist_ok=True)
    (course / MARKER).touch()
    shutil.copy(HERE / "nbgrader_config.py", course)
    shutil.copytree(HERE / "source" / ASSIGNMENT, course / "source" / ASSIGNMENT)


def open_course(course):
    """The interface of nbgrader to a course folder, configured as the course is."""
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(course))
    config = loader.load_config()
    config.NbGraderAPI.log_level = "ERROR"  # the log is where reasons are found
    config.Execute.extra_arguments = ["--log-level=ERROR"]  # of the kernels
    return NbGraderAPI(config=config)


def release_assignment(nbgrader):
    """Generate the student version, set the due date, return the notebook."""
    result = nbgrader.generate_assignment(ASSIGNMENT)
    if not result["success"]:
        raise SystemExit(f"generate_assignment failed:\n{result.get('log')}")
    with nbgrader.gradebook as gradebook:
        gradebook.update_or_create_assignment(ASSIGNMENT, duedate=DUE)
    root = Path(nbgrader.coursedir.root)
    return nbformat.read(root / "release" / ASSIGNMENT / f"{ASSIGNMENT}.ipynb", 4)


def hand_in(course, student, notebook, timestamp=ON_TIME):
    """Write one submission. notebook: a notebook, or the text of a broken one."""
    folder = Path(course) / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True)
    text = notebook if isinstance(notebook, str) else nbformat.writes(notebook)
    (folder / f"{ASSIGNMENT}.ipynb").write_text(text, encoding="utf-8")
    (folder / "timestamp.txt").write_text(timestamp)


# ---- grading -------------------------------------------------------------------


@contextmanager
def environment(course):
    """Set what nbgrader and its kernels need, whatever shell started this script.

    nbgrader calls `alembic` when it makes the gradebook; the kernels import
    lstm_lib, and read no profile of whoever runs this. (nbgrader's own setenv
    forgets the values from before.)
    """
    before = dict(os.environ)
    paths = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, paths))
    os.environ["PATH"] = os.pathsep.join(filter(None, programs))
    os.environ["IPYTHONDIR"] = str(Path(course) / ".ipython")
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def grade(nbgrader, students):
    """Grade student by student, so that a broken submission costs only itself.

    Returns one row for each student, whatever happened.
    """
    rows = []
    for student in students:
        with nbgrader.gradebook as gradebook:  # so that the export lists them all
            gradebook.update_or_create_student(student)
        graded = nbgrader.autograde(ASSIGNMENT, student)
        if graded["success"]:
            graded = nbgrader.generate_feedback(ASSIGNMENT, student)
        rows.append(row_of(nbgrader, student, graded))
    return rows


def row_of(nbgrader, student, result):
    """One row of the table, from the gradebook and the graded notebook."""
    row = {"student": student, "status": "graded", "tasks": dict.fromkeys(TASKS)}
    row |= {"late": None, "total": None, "remark": ""}
    if not result["success"]:
        return row | {"status": "not graded", "remark": reason_of(result)}
    with nbgrader.gradebook as gradebook:
        submission = gradebook.find_submission(ASSIGNMENT, student)
        grades = {grade.name: grade for grade in submission.notebooks[0].grades}
        row["late"] = submission.late_submission_penalty
        row["total"] = submission.score - row["late"]
        unscored = [name for name, grade in grades.items() if grade.auto_score is None]
        for task in TASKS:
            parts = [grades[f"{task}-check"], grades[f"{task}-hidden"]]
            row["tasks"][task] = sum(part.score for part in parts)
    if unscored:
        row["status"] = "look at it"
        row["remark"] = f"no score for {', '.join(unscored)}"
    else:
        row["remark"] = remark_on(nbgrader, student)
    return row


def reason_of(result):
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


def remark_on(nbgrader, student):
    """What the checks said, in a few words: errors, misconceptions, restored cells."""
    root = Path(nbgrader.coursedir.root)
    path = root / "autograded" / student / ASSIGNMENT / f"{ASSIGNMENT}.ipynb"
    errors, remarks = [], []
    for cell in nbformat.read(path, 4).cells:
        grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "a cell")
        if "was missing from the submission" in cell.source:
            remarks.append(f"{grade_id} was deleted, put back")
        for output in cell.get("outputs", []):
            if output.output_type == "error":
                errors.append(f"{output.ename} in {grade_id}")
            verdict = output.get("data", {}).get(VERDICT, {"cases": []})
            remarks += [remark_on_case(case) for case in verdict["cases"]]
    remarks = filter(None, errors[:1] + remarks)  # later errors follow from the first
    return "; ".join(dict.fromkeys(remarks)) or "all right"


def remark_on_case(case):
    """The misconception, or the first words of the message, or nothing."""
    if case["passed"]:
        return ""
    return case["misconception"] or case["message"].split(":")[0].split(".")[0]


def export(nbgrader):
    """Write grades.csv with nbgrader's own exporter; return its rows."""
    path = Path(nbgrader.coursedir.root) / "grades.csv"
    with nbgrader.gradebook as gradebook:
        CsvExportPlugin(to=str(path)).export(gradebook)
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# ---- the table -----------------------------------------------------------------


def print_table(rows):
    """One line for each student."""
    titles = ["student", "status", *TASKS, "late", "total", "what the check said"]
    lines = [titles]
    for row in rows:
        numbers = [*row["tasks"].values(), row["late"], row["total"]]
        shown = ["-" if number is None else f"{number:.4g}" for number in numbers]
        lines.append([row["student"], row["status"], *shown, row["remark"]])
    widths = [max(len(line[k]) for line in lines) for k in range(len(titles))]
    for line in lines:
        print("  ".join(text.ljust(w) for text, w in zip(line, widths)).rstrip())


def main(arguments=None):
    """Make the course, grade the class, print the table and return its rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = HERE.parent / "_build" / "grade-demo"
    parser.add_argument("--course", type=Path, default=default, metavar="DIR")
    course = parser.parse_args(arguments).course.resolve()
    make_course(course)
    with environment(course), warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # inside nbgrader
        warnings.simplefilter("ignore", nbformat.validator.MissingIDFieldWarning)
        nbgrader = open_course(course)
        release = release_assignment(nbgrader)
        for student, (answer, timestamp) in CLASS.items():
            hand_in(course, student, answer(copy.deepcopy(release)), timestamp)
        rows = grade(nbgrader, CLASS)
        exported = {row["student_id"] for row in export(nbgrader)}
    print_table(rows)
    missing = set(CLASS) - exported
    if missing:
        raise SystemExit(f"Not in grades.csv: {', '.join(sorted(missing))}")
    print(f"All {len(rows)} students are accounted for; see {course}.")
    return rows


if __name__ == "__main__":
    main()
