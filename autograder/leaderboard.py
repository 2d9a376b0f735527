"""`python -m autograder leaderboard`: a class in the order of what a check measured.

Such a check puts its measurement into its verdict; less is better:

    "measure": {"name": "error", "value": 0.7, "beside": {"baseline": 1.0}}

The value is None where an answer is not valid. What is beside it stands in the
table, too. The graded notebooks are read, and nothing is written anywhere.
"""

import math
import sys
from dataclasses import dataclass

import nbformat
from nbgrader.utils import is_grade, is_solution

from autograder.course import CourseError, open_course
from autograder.grading import VERDICT

DIGITS = 3  # after the point; who has the same ones is tied
REASON = 60  # characters of why an answer was not measured


@dataclass(frozen=True)
class Measure:
    """What a check measured of one submission."""

    name: str
    value: float | None
    beside: dict


@dataclass(frozen=True)
class Entry:
    """One submission. measure: None where no check measured; reason: why not."""

    student: str
    measure: Measure | None
    reason: str = ""


def main(assignment, course, anonymous):
    """Run the command. Returns its exit status."""
    try:
        print(table(assignment, entries(open_course(course), assignment), anonymous))
    except (CourseError, OSError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 1
    return 0


# ---- reading -------------------------------------------------------------------


def measure_in(verdict):
    """The Measure in a verdict, or None; of numbers that cannot be, no value."""
    try:
        found = verdict["measure"]
        beside = {str(name): _number(v) for name, v in found["beside"].items()}
        value = found["value"]
        value = None if value is None else _number(value)
        return Measure(str(found["name"]), value, beside)
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _number(value):
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    return float(value)


def entries(course, assignment):
    """An Entry for each graded submission, in the order of the students' ids.

    Raises CourseError where there is nothing to rank.
    """
    students, _, _ = course.students(assignment, step="autograded")
    if not students:
        if not course.path("source", ".", assignment).is_dir():
            raise CourseError(f"{assignment}: this course has no such assignment.")
        first = f"Run `python -m autograder grade {assignment}` first."
        raise CourseError(f"{assignment}: nothing is graded yet. {first}")
    found = [_entry(course, assignment, student) for student in students]
    if not any(entry.measure for entry in found):
        text = "no graded submission holds a measurement; does a check measure?"
        raise CourseError(f"{assignment}: {text}")
    return found


def _entry(course, assignment, student):
    """What the last check that measures said: hidden ones stand behind visible ones."""
    last = None
    for path in sorted(course.path("autograded", student, assignment).glob("*.ipynb")):
        for verdict in _verdicts(path):
            if measure := measure_in(verdict):
                last = measure, verdict
    if last is None:
        return Entry(student, None, "no result: its code was stopped, or never ran")
    measure, verdict = last
    return Entry(student, measure, "" if measure.value is not None else _why(verdict))


def _verdicts(path):
    """The verdicts of a graded notebook's tests, in their order."""
    try:
        notebook = nbformat.read(path, 4)
    except Exception as error:  # nbformat promises nothing for a broken notebook
        raise CourseError(f"{path}: {error}") from error
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_grade(cell) and not is_solution(cell):
            for output in cell.outputs:
                if VERDICT in output.get("data", {}):
                    yield output.data[VERDICT]


def _why(verdict):
    """The first thing that a check found wrong, in one short line."""
    said = [str(case.get("message")) for case in verdict.get("cases", [])]
    said = "".join(c if c.isprintable() else " " for c in next(iter(said), ""))
    return said if len(said) <= REASON else f"{said[: REASON - 1].rstrip()}…"


# ---- showing -------------------------------------------------------------------


def table(assignment, found, anonymous=False):
    """The ranking as text: who is measured, among the baselines, then who is not.

    anonymous: without names; who knows their own number finds their own line.
    Raises CourseError where the submissions were not measured on the same inputs.
    """
    measured = [e for e in found if e.measure and e.measure.value is not None]
    others = [entry for entry in found if entry not in measured]
    about = next(entry.measure for entry in found if entry.measure)
    _expect_the_same(assignment, about, [e.measure for e in found if e.measure])
    rows = [(round(v, DIGITS), True, name) for name, v in about.beside.items()]
    rows += [(round(e.measure.value, DIGITS), False, e.student) for e in measured]
    values = [value for value, baseline, _ in rows if not baseline]
    names = [name for _, baseline, name in rows if baseline or not anonymous]
    width = max(map(len, ["a student", *names]))
    many = "submission" if len(found) == 1 else "submissions"
    lines = [
        f"{assignment}: {about.name}, less is better",
        f"{len(measured)} of {len(found)} {many} measured",
        "",
    ]
    for value, baseline, name in sorted(rows):
        rank = 1 + sum(other < value for other in values)
        tied = "=" if values.count(value) > 1 else " "
        mark = "  - " if baseline else f"{rank:3}{tied}"
        name = "a student" if anonymous and not baseline else name
        lines.append(f"{mark}  {name:{width}}  {value:.{DIGITS}f}")
    if others:
        lines += ["", "Not ranked, as there is no valid answer:"]
    if anonymous:
        reasons = [entry.reason for entry in others]
        lines += [f"  {reasons.count(r)}  {r}" for r in dict.fromkeys(sorted(reasons))]
    else:
        width = max((len(entry.student) for entry in others), default=0)
        lines += [f"  {e.student:{width}}  {e.reason}" for e in others]
    return "\n".join(lines)


def _expect_the_same(assignment, about, measures):
    """Raise CourseError unless all were measured by one measure, on one input."""
    for measure in measures:
        same = (
            measure.name == about.name and measure.beside.keys() == about.beside.keys()
        )
        if not same or not all(
            math.isclose(measure.beside[name], value, rel_tol=1e-3)
            for name, value in about.beside.items()
        ):
            raise CourseError(
                f"{assignment}: the submissions were measured on different inputs, "
                "perhaps with two seeds. Run `python -m autograder grade "
                f"{assignment} --regrade` first."
            )


__all__ = ["Entry", "Measure", "entries", "main", "measure_in", "table"]
