"""Checks that say what is wrong, not only that something is.

A test cell ends with `check(lstm_step, "lstm_step", points=3)`. It shows a
report and returns the points earned. The parts, in reading order:
`references` (what is right, and on which inputs), `misconceptions` (what is
wrong, and what it is called), `running` (one case against one function),
`comparing` (one answer with one expected) and `report` (what the student
sees). `python -m lstm_lib.checks bank` prints every misconception.
"""

import math
import os
from numbers import Integral, Real

from lstm_lib.checks.choices import check_choices
from lstm_lib.checks.comparing import of_proxy
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.report import Report, show
from lstm_lib.checks.running import run_cases

__all__ = ["SITE", "check", "check_choices"]

SEED = "LSTM_LIB_CHECKS_SEED"  # the instructor's, in the environment of the grader
SITE = "https://gate-by-gate.github.io/gate-by-gate"  # where the links lead


def check(function, name, points=1, *, built_on=None, hidden=False, seed=None):
    """Run the cases of one check on a student's function, and show a report.

    function: the student's function.
    name: which check, a key of `references.SUBJECTS`, such as "lstm_step".
    points: what a function that passes every case earns; a positive number.
    built_on: the student's own function that this one calls, for the checks
    that allow it (`lstm_step` for "lstm_forward", `sigmoid` for "lstm_step").
    A case then also passes where the answer is right for that function, so
    that one mistake costs its points once. A function that passed every case
    of its own check has no mistake to allow for.
    hidden: use the cases kept for grading; what the function prints and the
    text of its exceptions are then not shown, as they could hold the inputs.
    seed: a non-negative integer from which the inputs are drawn; None takes 0,
    for hidden cases the environment variable LSTM_LIB_CHECKS_SEED, which is
    the instructor's.
    Returns the points earned, a plain float in [0, points], which nbgrader
    reads as partial credit when it is the last line of a test cell.
    Never raises for what the function does. Raises ValueError for a name,
    points, built_on or seed that no student can be blamed for, and where
    hidden cases find no seed.
    """
    if name not in tuple(SUBJECTS):
        raise ValueError(f"name: expected one of {', '.join(SUBJECTS)}, got {name!r}")
    if not isinstance(points, Real) or not 0 < points < math.inf:
        raise ValueError(f"points: expected a positive number, got {points!r}")
    if seed is None:
        seed = _instructors_seed() if hidden else 0
    if not isinstance(seed, Integral) or seed < 0:
        raise ValueError(f"seed: expected a non-negative integer, got {seed!r}")
    subject = SUBJECTS[name]
    if built_on is not None and subject.part is None:
        raise ValueError(f"built_on: expected None for {name!r}, got {built_on!r}")
    if built_on is not None and _was_right(built_on, subject.part_check):
        built_on = None
    outcomes = run_cases(function, subject, built_on, hidden, seed)
    right = all(outcome.passed and not outcome.by_part for outcome in outcomes)
    _RIGHT[name, hidden] = function if right else None
    report = Report(name, float(points), tuple(outcomes), SITE)
    show(report)
    return report.earned


# Check and whether hidden -> the function that it last found right, or None.
_RIGHT = {}


def _was_right(function, name):
    """Whether its own checks found no mistake, the last time they ran here.

    The hidden one must be among them: what is right on visible cases alone may
    be wrong on others, and that costs its points where it is judged, once.
    Of proxies all are the one student's, who may have bound the name anew since:
    a function must not be right where it is judged, and wrong where others are.
    """
    if (name, True) not in _RIGHT:
        return False
    found = [
        _RIGHT[name, hidden] for hidden in (False, True) if (name, hidden) in _RIGHT
    ]
    proxies = [of_proxy(f, "__call_with_arguments__") for f in (function, *found)]
    return bool(found) and (all(proxies) or all(f is function for f in found))


def _instructors_seed():
    value = os.environ.get(SEED, "")
    if not value.isdecimal():
        raise ValueError(
            f"seed: expected a non-negative integer in the environment variable {SEED},"
            f" which the instructor's nbgrader_config.py sets, got {value!r}"
        )
    return int(value)
