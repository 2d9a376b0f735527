"""One case against one function, whatever that function does.

The order matters: expected values come first, from copies the student never
sees; then the student's function runs on copies of its own; then the answer
is compared, and a wrong one is looked up in the misconception bank.
"""

import contextlib
import io
import logging
import sysconfig
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstm_lib.checks.comparing import compare, equal, freeze
from lstm_lib.checks.misconceptions import BANK

# Code under these folders is not the student's.
_LIBRARIES = tuple(
    str(Path(folder).resolve())
    for folder in (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        Path(np.__file__).parent,
        Path(__file__).parent,
    )
)


@dataclass(frozen=True)
class Outcome:
    """What one case showed. message is for the student; empty when all is well."""

    name: str
    passed: bool
    message: str = ""
    section: str | None = None
    misconceptions: tuple = ()  # all that match, in the order of the bank


def run_cases(function, subject, built_on, hidden, seed):
    """Run every case of a subject. Returns a list of Outcome.

    A function that is interrupted (the stop button, or nbgrader's time limit)
    is not called again.
    """
    outcomes, stop = [], ""
    with _contained(hidden):
        for case in subject.cases(hidden, seed):
            if stop:
                outcomes.append(Outcome(case.name, False, stop))
                continue
            try:
                outcomes.append(_run_case(function, subject, case, built_on, hidden))
            except KeyboardInterrupt:
                message = "Interrupted: it took too long, or it was stopped."
                outcomes.append(Outcome(case.name, False, message))
                stop = "Not run, because an earlier case was interrupted."
    return _name_misconceptions(outcomes)


def _name_misconceptions(outcomes):
    """Where several misconceptions fit a case, keep the one that fits most cases."""
    fits = Counter(entry.id for outcome in outcomes for entry in outcome.misconceptions)
    named = []
    for outcome in outcomes:
        if outcome.misconceptions:
            entry = max(outcome.misconceptions, key=lambda entry: fits[entry.id])
            outcome = replace(
                outcome,
                message=f"{outcome.message} {entry.sentence}".strip(),
                section=entry.section,
                misconceptions=(entry,),
            )
        named.append(outcome)
    return named


def _run_case(function, subject, case, built_on, hidden):
    expected = _ours(subject.reference, case)
    part = _Part(built_on) if callable(built_on) else None
    own = _expected_with(part, subject, case)
    given = _copies(case.arguments)
    answer, error, note = _call(function, given, hidden)
    if error:
        return Outcome(case.name, False, error)

    findings = compare(answer, expected, subject.returns, case.rtol, subject.shapes)
    wrong = any(finding.fault for finding in findings)
    if wrong and own is not None and equal(answer, own, subject.returns, case.rtol):
        wrong = False
        note = f"Right, given your own {subject.part}, which still has a mistake."
    changed = _say_changed(subject, case, given) if not _changes(part) else ""
    if wrong:
        matches = _matches(answer, subject, case, part)
        message = _say_findings(findings, matches) + changed
        return Outcome(case.name, False, message.strip(), subject.section, matches)
    if changed:
        return Outcome(case.name, False, f"The values are right.{changed}")
    return Outcome(case.name, True, note)


# ---- expected values ---------------------------------------------------------


class _Part:
    """A student's own function as a part of the reference.

    It works on copies and gives copies away, so that a mistake in it stays
    its own. changed_arguments: whether it ever wrote into what it was given.
    """

    def __init__(self, function):
        self.function = function
        self.changed_arguments = False

    def __call__(self, *arguments):
        given = _copies(arguments)
        answer = self.function(*given)
        self.changed_arguments |= not all(map(_same, given, arguments))
        if isinstance(answer, (tuple, list)):
            return tuple(np.array(array, dtype=float) for array in answer)
        return np.array(answer, dtype=float)


def _changes(part):
    return part is not None and part.changed_arguments


def _expected_with(part, subject, case):
    """What is right given the student's own part; None where that cannot be told.

    It cannot where the part raises, or gives NaN, or makes the answer
    independent of the first argument, as a part that returns zeros does.
    """
    if part is None:
        return None
    first, *rest = _copies(case.arguments)
    keyword = {subject.part: part}
    try:
        with _contained(hidden=True):
            own = subject.reference(first, *rest, **keyword)
            moved = freeze(subject.reference(first + 0.1, *rest, **keyword))
            if not equal(moved, own, subject.returns, case.rtol) and _finite(own):
                return own
    except KeyboardInterrupt:
        raise
    except BaseException:  # the student's, and already reported by its own check
        pass
    return None


def _finite(answer):
    if isinstance(answer, tuple):
        return all(map(_finite, answer))
    return np.isfinite(answer).all()


def _matches(answer, subject, case, part):
    """Every misconception that returns this answer on the same input."""
    return tuple(
        entry
        for entry in BANK
        if entry.check == subject.name
        and _is_answer_of(entry, answer, subject, case, part)
    )


def _is_answer_of(entry, answer, subject, case, part):
    variants = [{}] if part is None else [{}, {subject.part: part}]
    for keywords in variants:
        try:
            wrong = _ours(entry.function, case, **keywords)
            if equal(answer, wrong, subject.returns, case.rtol):
                return True
        except KeyboardInterrupt:
            raise
        except BaseException:  # shapes that this mistake does not fit, or the part
            continue
    return False


def _ours(function, case, **keywords):
    """Call one of our own functions on copies of the arguments."""
    return function(*_copies(case.arguments), **keywords)


# ---- calling the student's code ----------------------------------------------


def _call(function, given, hidden):
    """Call the student's function: its frozen answer, its error, its warnings.

    Everything it raises becomes a text, except an interruption.
    """
    if not callable(function):
        return None, f"Expected a function, got {_name(function)}.", ""
    try:
        with _contained(hidden) as caught:
            answer = freeze(function(*given))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: nothing may stop the grading
        return None, _say_error(error, hidden), ""
    texts = sorted({_text(warning.message) for warning in caught})
    note = f"A warning, which costs no point: {'; '.join(texts[:3])}."
    return answer, "", note if texts and not hidden else ""


@contextlib.contextmanager
def _contained(hidden):
    """Keep warnings, log lines and stderr out of the cell, and what is hidden.

    nbgrader gives 0 to a test cell with any text on stderr, so a harmless
    warning would cost every point. What a function prints is shown, except in
    hidden cases, where it could show the inputs.
    """
    stdout = contextlib.redirect_stdout(io.StringIO())
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            stdout if hidden else contextlib.nullcontext(),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as caught,
            np.errstate(all="warn", under="ignore"),
        ):
            warnings.simplefilter("always")
            yield caught
    finally:
        logging.disable(level)


def _copies(arguments):
    return [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]


def _same(given, kept):
    return np.shape(given) == np.shape(kept) and np.array_equal(given, kept)


# ---- what to say -------------------------------------------------------------


def _say_findings(findings, matches):
    """The faults in words; values only where no misconception explains them."""
    right = [f"`{finding.name}`" for finding in findings if not finding.fault]
    wrong = [finding for finding in findings if finding.fault]
    said = []
    if all(f.fault == "values" for f in wrong) and len(findings) > 1:
        said.append("Shapes are right.")
    if matches:
        wrong = [finding for finding in wrong if finding.fault == "shape"]
    elif right:
        said.append(f"{' and '.join(right)} {'are' if right[1:] else 'is'} right.")
    for finding in wrong:
        name = f"`{finding.name}`" if len(findings) > 1 else "Your answer"
        said.append(f"{name} {finding.text}.")
    return " ".join(said)


def _say_changed(subject, case, given):
    changed = [
        f"`{name}`"
        for name, now, before in zip(subject.arguments, given, case.arguments)
        if not _same(now, before)
    ]
    if not changed:
        return ""
    return (
        f" The function changed its argument {' and '.join(changed)}, so the "
        "caller's array is not what it was. `a = f * a` makes a new array; "
        "`a *= f` and `a[...] =` write into the old one."
    )


def _say_error(error, hidden):
    """The student's exception: its type, and unless hidden its text and line."""
    if isinstance(error, NotImplementedError):
        return "Not answered yet: the function raises NotImplementedError."
    if hidden:
        return f"The function raised {_name(error)}."
    line = _student_line(error.__traceback__)
    where = f" In the line `{line}`." if line else ""
    return f"The function raised {_name(error)}: {_text(error)}.{where}"


def _student_line(trace):
    """The innermost line that is the student's own, or an empty text."""
    frames = traceback.extract_tb(trace)
    lines = [f.line for f in frames if not f.filename.startswith(_LIBRARIES)]
    return next(filter(None, reversed(lines)), "")


def _name(value):
    return str(type(value).__name__)[:60]


def _text(value):
    """str(value), short; a student's class may refuse even that."""
    try:
        text = " ".join(str(value)[:300].split())
        return text.encode("utf-8", "replace").decode().rstrip(" .")
    except Exception:
        return "(no text)"
