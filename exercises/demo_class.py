"""A demonstration class: eight submissions of problem set 2, graded by nbgrader.

Run `python exercises/demo_class.py [--course DIR]`. The folder is made anew:
a course with the real source and configuration, the release that nbgrader
generates from it, eight submissions, their autograded copies and feedback,
and grades.csv. Then the grades are printed as a table.
"""

import argparse
import copy
from functools import partial
from pathlib import Path

import course
from course import find_cell

ASSIGNMENT = "ps2"
DUE = "2026-03-02 18:00:00 UTC"
ON_TIME = "2026-03-01 10:00:00 UTC"
NEXT_DAY = "2026-03-03 09:00:00 UTC"

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
    "lstm-parameter-count-answer": """
def lstm_parameter_count(input_size, hidden_size):
    shapes = [(input_size, 4 * hidden_size), (hidden_size, 4 * hidden_size)]
    return sum(rows * columns for rows, columns in shapes) + 4 * hidden_size
""",
}


solved = partial(course.solved, ASSIGNMENT)


def own_style(release):
    """Right, in another style: einsum, loops, helpers, lists."""
    solved(release)
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


# ---- the table -----------------------------------------------------------------


def print_table(rows):
    """One line for each student, with the tasks that lost points."""
    titles = ["student", "status", "late", "total", "lost", "what the check said"]
    lines = [titles]
    for row in rows:
        numbers = [
            "-" if row[k] is None else f"{row[k]:.4g}" for k in ("late", "total")
        ]
        lost = ", ".join(f"{task} {points:.4g}" for task, points in lost_by_task(row))
        lines.append([row["student"], row["status"], *numbers, lost, row["remark"]])
    widths = [max(len(line[k]) for line in lines) for k in range(len(titles))]
    for line in lines:
        print("  ".join(text.ljust(w) for text, w in zip(line, widths)).rstrip())


def lost_by_task(row):
    """Pairs of a task and the points that its visible and hidden checks took."""
    lost = {}
    for name, points in row["points"].items():
        task = name.rpartition("-")[0]
        lost[task] = lost.get(task, 0) + row["max"][name] - points
    everything = len(lost) > 1 and row["total"] == 0
    total = sum(lost.values())
    return [("everything", total)] if everything else [p for p in lost.items() if p[1]]


def main(arguments=None):
    """Make the course, grade the class, print the table and return its rows."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parents[1] / "_build" / "grade-demo"
    parser.add_argument("--course", type=Path, default=default, metavar="DIR")
    folder = parser.parse_args(arguments).course.resolve()
    course.make_course(folder)
    with course.environment(folder):
        nbgrader = course.open_course(folder)
        release = course.release_assignment(nbgrader, ASSIGNMENT, DUE)
        for student, (answer, timestamp) in CLASS.items():
            notebook = answer(copy.deepcopy(release))
            course.hand_in(folder, ASSIGNMENT, student, notebook, timestamp)
        rows = course.grade(nbgrader, ASSIGNMENT, CLASS)
        exported = {row["student_id"] for row in course.export(nbgrader)}
    print_table(rows)
    missing = set(CLASS) - exported
    if missing:
        raise SystemExit(f"Not in grades.csv: {', '.join(sorted(missing))}")
    print(f"All {len(rows)} students are accounted for; see {folder}.")
    return rows


if __name__ == "__main__":
    main()
