"""One case against one function, whatever that function does.

The order matters: expected values come first, from copies the student never
sees; then the student's function runs on copies of its own; then the answer
is compared, and a wrong one is looked up in the misconception bank.

Under the autograder the function is in another process, and the judge has a
proxy of it. That tells what became of the arguments, which travel as copies,
and what was raised comes with the student's own lines.
"""

import builtins
import contextlib
import io
import itertools
import logging
import random
import re
import sys
import sysconfig
import traceback
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lstm_lib.checks.comparing import Finding, compare, freeze, of_proxy, question
from lstm_lib.checks.misconceptions import BANK

LONGEST_CELL = 200  # lines

_MADE_UP = {
    r"an array of shape \([\d, ]*\)": "an array of another shape",
    r"an object of type .*, which is not": "an object, which is not",
}

# Code under these folders is not the student's.
_LIBRARIES = tuple(
    str(Path(folder).resolve())
    for folder in (
        sysconfig.get_path("stdlib"),
        sysconfig.get_path("purelib"),
        Path(np.__file__).parent,
        Path(__file__).parents[1],
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
    unnamed: str = ""  # the message if none of them fits the other cases, too
    measure: dict | None = None  # see subject.Judgement
    by_part: bool = False  # right for the student's own part, and not for ours


def run_cases(function, subject, built_on, hidden, seed):
    """Run every case of a subject. Returns a list of Outcome.

    A function that is interrupted (the stop button, or nbgrader's time limit)
    is not called again.
    """
    outcomes, stop, asked = [], "", {}
    with _contained(hidden):
        for case in subject.cases(hidden, seed):
            if stop:
                outcomes.append(Outcome(case.name, False, stop))
                continue
            try:
                if subject.judge is not None:
                    outcome = _judge_case(function, subject, case, hidden, asked)
                else:
                    outcome = _run_case(function, subject, case, built_on, hidden)
                outcomes.append(outcome)
            except KeyboardInterrupt:
                message = "Interrupted: it took too long, or it was stopped."
                outcomes.append(Outcome(case.name, False, message))
                stop = "Not run, because an earlier case was interrupted."
    return _name_misconceptions(outcomes)


def _name_misconceptions(outcomes):
    """Name the first misconception that fits every case that failed, or none."""
    failed = [set(o.misconceptions) for o in outcomes if not o.passed]
    common = set.intersection(*failed) if failed else set()
    entry = next((entry for entry in BANK if entry in common), None)
    return [_named(outcome, entry) for outcome in outcomes]


def _named(outcome, entry):
    if outcome.passed or entry is None:
        message = outcome.unnamed or outcome.message
        return replace(outcome, message=message, misconceptions=())
    return replace(
        outcome,
        message=f"{outcome.message} {entry.sentence}".strip(),
        section=entry.section,
        misconceptions=(entry,),
    )


def _run_case(function, subject, case, built_on, hidden):
    expected = _ours(subject.reference, case)
    given = _copies(case.arguments)
    if not callable(function):
        message = f"Expected a function, got {_name(function)}."
        return Outcome(case.name, False, message)
    answer, error, note = _call(function, given, hidden)
    if error is not None:
        message = _say_error(error, _lines(error, function), subject, hidden)
        return Outcome(
            case.name, False, message, misconceptions=_raisers(error, subject, case)
        )

    findings = _compare(answer, expected, subject, case)
    wrong = any(finding.fault for finding in findings)
    changed = _say_changed(subject, case, given)
    if not wrong and not changed:
        return Outcome(case.name, True, note)
    # Not before: the part would hear how the reference calls it, and could tell.
    part = _Part(built_on) if callable(built_on) else None
    own, refused = _expected_with(part, expected, subject, case)
    by_part = wrong and own is not None and _equal(answer, own, subject, case)
    if by_part:
        wrong = False
        note = f"Right, given your own {subject.part_check}, which still has a mistake."
    changed = "" if _changes(part) else changed
    if wrong:
        # With a part that does not count, a right answer may match a mistake.
        matches = () if refused else _matches(answer, subject, case, part)
        asked = question(answer) + changed
        messages = [
            (_without_values(_say_findings(findings, known, subject), hidden) + asked)
            + ("" if known else _say_part(part, refused, subject))
            for known in (matches, ())
        ]
        faulty = [finding.name for finding in findings if finding.fault]
        section = subject.section
        if len(faulty) == 1:
            section = subject.sections.get(faulty[0], section)
        message, unnamed = map(str.strip, messages)
        return Outcome(case.name, False, message, section, matches, unnamed)
    if changed:
        return Outcome(case.name, False, f"The values are right.{changed}")
    return Outcome(case.name, True, note, by_part=by_part)


# ---- many right answers ------------------------------------------------------


def _judge_case(function, subject, case, hidden, asked):
    """The Outcome of a case that the subject judges itself.

    asked: what came of the calls so far; cases with the same arguments share one.
    """
    key = id(case.arguments)
    if key not in asked:
        asked[key] = _ask(function, subject, case, hidden)
    found = asked[key]
    if isinstance(found, Outcome):
        measure = subject.judge(None, *case.data).measure
        return replace(found, name=case.name, measure=measure)
    answer, matches = found
    said = subject.judge(_arrays(answer), *case.data)
    return Outcome(
        case.name,
        said.right,
        said.text,
        None if said.right else subject.section,
        () if said.right else matches,
        measure=said.measure,
    )


def _ask(function, subject, case, hidden):
    """The frozen answer and the misconceptions that give it, or a failed Outcome.

    What is asked of every answer: a form and finite numbers, arguments left as
    they were, and the same answer for the case's twin.
    """
    if not callable(function):
        return Outcome("", False, f"Expected a function, got {_name(function)}.")
    expected, runs = _ours(subject.reference, case), []
    calls = [case.arguments, case.twin] if case.twin else [case.arguments]
    while calls:
        arguments = calls.pop(0)
        given = _copies(arguments)
        answer, error, _ = _call(function, given, hidden)
        if error is not None:
            message = _say_error(error, _lines(error, function), subject, hidden)
            return Outcome("", False, message)
        if fault := _fault_in_form(answer, expected, subject, case):
            return Outcome("", False, _without_values(fault, hidden))
        if changed := _say_changed(subject, replace(case, arguments=arguments), given):
            return Outcome("", False, changed.strip())
        runs.append(answer)
        if len(runs) == 2 and not _equal(runs[1], _arrays(runs[0]), subject, case):
            calls.append(case.arguments)  # does it say the same thing twice at all?
    matches = _matches(runs[0], subject, case, None)
    if len(runs) < 3:
        return runs[0], matches
    if not _equal(runs[2], _arrays(runs[0]), subject, case):
        message = (
            "The same arguments gave two different answers. If you draw numbers, "
            "draw them from a generator that you make inside the function, always "
            "with the same start: `np.random.default_rng(0)`."
        )
        return Outcome("", False, message)
    section = subject.sections.get("twin", subject.section)
    return Outcome("", False, subject.twins_differ, section, matches)


def _fault_in_form(answer, expected, subject, case):
    """What is wrong with an answer before anybody looks at its values, or ""."""
    findings = compare(answer, expected, subject.returns, case.rtol, subject.shapes)
    faults = [f for f in findings if f.fault not in ("", "values")]
    if not faults and not _finite(_arrays(answer)):
        return "Your answer contains NaN or infinity."
    return _say_findings(faults, (), subject) + question(answer) if faults else ""


def _without_values(message, hidden):
    """In a hidden case, a made-up shape or name could hold the inputs."""
    for made_up, instead in _MADE_UP.items() if hidden else ():
        message = re.sub(made_up, instead, message)
    return message


def _compare(answer, expected, subject, case):
    """Findings on a frozen answer, or on what it does where that counts."""
    findings = compare(answer, expected, subject.returns, case.rtol, subject.shapes)
    if subject.observe is None:
        return findings
    findings = [f if f.fault != "values" else Finding(f.name) for f in findings]
    if any(finding.fault for finding in findings):
        return findings
    seen, wanted = (
        subject.observe(_arrays_like(expected, values), *_copies(case.data))
        for values in (answer, expected)
    )
    return compare(freeze(seen), wanted, subject.observed, case.rtol)


def _arrays(values):
    """The values of an answer as arrays of floats."""
    if isinstance(values, (list, tuple)):
        return tuple(map(_arrays, values))
    return np.array(values, dtype=float)


def _arrays_like(expected, values):
    """The same where it is known what is one array: a list of lists may be one."""
    if isinstance(expected, tuple):
        return tuple(map(_arrays_like, expected, values))
    return np.array(values, dtype=float)


def _equal(answer, expected, subject, case):
    """Whether nothing at all is wrong with a frozen answer."""
    return not any(f.fault for f in _compare(answer, expected, subject, case))


# ---- expected values ---------------------------------------------------------


class _Part:
    """A student's own function as a part of the reference.

    It works on copies and gives copies away, so that a mistake in it stays
    its own. changed_arguments: whether it ever wrote into what it was given.
    moved: the number of an argument whose entries are shuffled, or None. seed:
    of the shuffle. What is shuffled looks like what is not.
    """

    def __init__(self, function, moved=None, seed=0):
        self.function, self.moved, self.seed = function, moved, seed
        self.changed_arguments = False

    def __call__(self, *arguments):
        arguments = [
            _shuffled(a, self.seed) if k == self.moved else a
            for k, a in enumerate(arguments)
        ]
        given = _copies(arguments)
        answer = _answer(self.function, given)
        self.changed_arguments |= not all(map(_same, given, arguments))
        return _arrays(freeze(answer))


def _shuffled(array, seed):
    """The same numbers in another order and a little scaled, as two have few orders."""
    rng = np.random.default_rng(seed)
    array = rng.permutation(np.ravel(array)).reshape(np.shape(array))
    return array * rng.uniform(0.5, 1.2, np.shape(array))


def _changes(part):
    return part is not None and part.changed_arguments


def _expected_with(part, expected, subject, case):
    """What is right given the student's own part, and why that does not count.

    One of the two is None or "". A part whose mistake is known always counts: it
    has cost its points. Any other must give more than one number, follow each
    argument that it is to read, and give the same answer twice; else a wrong
    use of it could be right.
    """
    if part is None:
        return None, ""
    try:
        with _contained(hidden=True):
            own = _ours(subject.reference, case, **{subject.part: part})
            if not _finite(own) or _equal(freeze(own), expected, subject, case):
                return None, ""  # no answer is right for it and not for us
            if _is_known(own, subject, case):
                return own, ""
            if _is_flat(own):
                return None, "makes every number alike"
            for number, name in enumerate(subject.part_reads):
                if not _follows(own, part.function, number, subject, case):
                    return None, f"makes no use of `{name}` that shows"
            return own, ""
    except KeyboardInterrupt:
        raise
    except BaseException:  # the student's, and already reported by its own check
        return None, ""


def _is_known(own, subject, case):
    """Whether a mistake of the bank in the part's place gives the same answer."""
    for entry in BANK:
        if entry.check == subject.part_check:
            try:
                theirs = _ours(
                    subject.reference, case, **{subject.part: entry.function}
                )
            except Exception:  # a mistake that does not fit these shapes
                continue
            if _finite(theirs) and _equal(freeze(own), theirs, subject, case):
                return True
    return False


def _is_flat(own):
    """Whether any of the arrays holds one number throughout."""
    if isinstance(own, tuple):
        return any(map(_is_flat, own))
    return np.size(own) > 1 and np.ptp(own) == 0


def _follows(own, function, number, subject, case):
    """Whether three shuffles of an argument give three other answers.

    The part is called in an order that it cannot know, so that counting its
    calls does not help it.
    """
    runs = [_Part(function), *(_Part(function, number, seed) for seed in range(3))]
    random.SystemRandom().shuffle(runs)
    answers = [(part.moved, _ours(subject.reference, case, **{subject.part: part}))
               for part in runs]  # fmt: skip
    again = next(answer for moved, answer in answers if moved is None)
    distinct = [own] + [answer for moved, answer in answers if moved is not None]
    return _equal(freeze(again), own, subject, case) and not any(
        _equal(freeze(one), other, subject, case)
        for one, other in itertools.combinations(distinct, 2)
    )


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
            if _equal(answer, wrong, subject, case):
                return True
        except KeyboardInterrupt:
            raise
        except BaseException:  # shapes that this mistake does not fit, or the part
            continue
    return False


def _raisers(error, subject, case):
    """Every misconception that raises this very error on the same input."""
    matches = []
    for entry in BANK:
        if entry.check == subject.name:
            try:
                _ours(entry.function, case)
            except ValueError as ours:
                if type(error) is ValueError and _told(error) == _text(ours):
                    matches.append(entry)
    return tuple(matches)


def _told(error):
    """The text of an error; in hidden cases a proxy's keeps it out of sight."""
    text = getattr(error, "student_text", None)
    return _text(text if type(text) is str else error)


def _ours(function, case, **keywords):
    """Call one of our own functions on copies of the arguments."""
    return function(*_copies(case.arguments), **keywords)


# ---- calling the student's code ----------------------------------------------


def _call(function, given, hidden):
    """Call the student's function: its frozen answer, its error, its warnings.

    Everything it raises is returned, except an interruption.
    """
    try:
        with _contained(hidden) as caught:
            answer = freeze(_answer(function, given))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: nothing may stop the grading
        return None, error, ""
    texts = sorted({_text(warning.message) for warning in caught})
    note = f"A warning, which costs no point: {'; '.join(texts[:3])}."
    return answer, None, note if texts and not hidden else ""


def _answer(function, given):
    """Call a function; given then holds its arguments as it left them."""
    call = of_proxy(function, "__call_with_arguments__")
    if call is None:
        return function(*given)
    answer, left = call(function, *given)
    fits = type(left) is list and len(left) == len(given)
    given[:] = left if fits else [None] * len(given)
    return answer


@contextlib.contextmanager
def _contained(hidden):
    """Keep warnings, log lines and stderr out of the cell, and what is hidden.

    nbgrader gives 0 to a test cell with any text on stderr, so a harmless
    warning would cost every point. What a function prints is shown, except in
    hidden cases, where it could show the inputs.
    """
    stdout = _capture() if hidden else contextlib.nullcontext()
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with (
            stdout,
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(record=True) as caught,
            np.errstate(all="warn", under="ignore"),
        ):
            warnings.simplefilter("always")
            yield caught
    finally:
        logging.disable(level)


def _capture():
    """Take what is printed, and in a notebook what is displayed too."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        return contextlib.redirect_stdout(io.StringIO())
    return ipython.utils.capture.capture_output(stderr=False)


def _copies(arguments):
    """Copies of arrays, and of lists of them; anything else is immutable."""
    return [_copy(argument) for argument in arguments]


def _copy(argument):
    if isinstance(argument, list):
        return _copies(argument)
    return argument.copy() if isinstance(argument, np.ndarray) else argument


def _same(given, kept):
    """Whether an argument is what it was; a student may have put anything there."""
    if isinstance(kept, list):
        fits = type(given) is list and len(given) == len(kept)
        return fits and all(map(_same, given, kept))
    if isinstance(kept, np.ndarray):
        if type(given) is not np.ndarray or given.dtype != kept.dtype:
            return False
        return given.shape == kept.shape and given.tobytes() == kept.tobytes()
    return True


# ---- what to say -------------------------------------------------------------


def _say_findings(findings, matches, subject):
    """The faults in words; values only where no misconception explains them."""
    right = [f"`{finding.name}`" for finding in findings if not finding.fault]
    if subject.observe is not None and findings[0].name in subject.returns:
        right = []  # of these only the shapes were looked at
    wrong = [finding for finding in findings if finding.fault]
    said = []
    numbers = all(f.text.startswith("is too ") for f in wrong)  # which have no shape
    if len(findings) > 1 and not numbers and all(f.fault == "values" for f in wrong):
        said.append("Shapes are right.")
    observed = subject.observe is not None and findings[0].name == subject.observed
    if matches:
        wrong = [finding for finding in wrong if finding.fault == "shape"]
    elif right:
        said.append(f"{' and '.join(right)} {'are' if right[1:] else 'is'} right.")
    for finding in wrong:
        name = f"`{finding.name}`" if len(findings) > 1 else "Your answer"
        name = subject.observed[:1].upper() + subject.observed[1:] if observed else name
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


def _say_part(part, refused, subject):
    """How the student's own part can spoil an answer, or an empty text."""
    if _changes(part):
        return (
            f" Your own {subject.part_check} writes into its arguments, and so "
            "changes earlier outputs. Mend it first."
        )
    if refused:
        return (
            f" Your own {subject.part_check} {refused}, so your answer was compared "
            "with that of a right one only. Mend it first."
        )
    return ""


def _lines(error, function):
    """Where the student's code was, from the call to the error: [(name, number, text)].

    In hidden cases a proxy tells no more than the last number.
    """
    if of_proxy(function, "__call_with_arguments__") is None:
        frames = traceback.extract_tb(error.__traceback__)
        frames = [f for f in frames if not f.filename.startswith(_LIBRARIES)]
        return [(f.name, f.lineno, f.line or "") for f in frames]
    try:
        return [(n and str(n), int(k), str(t)) for n, k, t in error.student_lines]
    except Exception:  # the error is not the student's, but about the process
        return []


def _say_error(error, lines, subject, hidden):
    """The student's exception: its type and line, and unless hidden its text."""
    if type(error) is NotImplementedError:
        names = [name for name, _, _ in lines]
        if names == [None]:  # hidden, so nobody tells which
            which = "the function, or one that it calls,"
            return f"Not answered yet: {which} raises NotImplementedError."
        if names and names[-1] != names[0]:
            name = _printable(names[-1])[:60]
            return f"Your `{name}`, which this function calls, is not answered yet."
        return "Not answered yet: the function raises NotImplementedError."
    if _name(error) == "StdinNotImplementedError":  # of IPython
        return "The function calls `input()`, which nobody can answer while grading."
    if _name(error) == "StudentGone":  # of the autograder's judge
        return "The function, or one before it, ended the Python process it ran in."
    if hidden:  # text, and the name of a type of one's own, could hold inputs
        own = type(error) is not getattr(builtins, _name(error), None)
        where = _say_number(lines[-1][1]) if lines else ""
        return f"The function raised {'an exception' if own else _name(error)}{where}."
    text = _text(error)
    line = next(filter(None, (line for _, _, line in reversed(lines))), "")
    where = f" In the line `{_printable(line)[:120]}`." if line else ""
    if type(error) is ValueError and ("matmul" in text or "not aligned" in text):
        where += subject.products
    return f"The function raised {_name(error)}: {text}.{where}"


def _say_number(number):
    """Which line of a cell; no cell is so long that a large number could be one."""
    return f" in line {number} of its cell" if 0 < number <= LONGEST_CELL else ""


def _name(value):
    """The name of its type; a student's metaclass may refuse even that."""
    try:
        return _printable(str(type(value).__name__))[:60]
    except Exception:
        return "an object"


def _text(value):
    """str(value), short; a student's class may refuse even that."""
    try:
        return _printable(str(value)[:300]).rstrip(" .")
    except KeyboardInterrupt:
        raise
    except BaseException:  # SystemExit too
        return "(no text)"


def _printable(text):
    """On one line, without what a terminal or a page would obey."""
    shown = (c if c.isprintable() else " " for c in text)
    return " ".join("".join(shown).split())
