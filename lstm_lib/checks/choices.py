"""A check of choices: a dict that answers each question by one of a few names.

What a student chose is data, so no code of the student's runs here: entries
are read with the methods of `dict` and `str` themselves.
"""

import difflib
import math
import re
from dataclasses import dataclass
from numbers import Real

from lstm_lib import checks  # its SITE and show, looked up when they are needed
from lstm_lib.checks.misconceptions.simple_rnn import CONFUSIONS
from lstm_lib.checks.references.simple_rnn import PROBLEM_SHAPES, SHAPES
from lstm_lib.checks.report import Report
from lstm_lib.checks.running import Outcome

LONGEST = 60  # characters of a student's text that a message repeats


@dataclass(frozen=True)
class Choices:
    """What a check needs to know about one set of questions.

    options: the names to choose from. expected: question to option, None where
    only the instructor's hidden test knows it. confusions: every wrong choice.
    """

    options: tuple
    expected: dict
    confusions: tuple


CHOICES = {"problem_shapes": Choices(SHAPES, PROBLEM_SHAPES, CONFUSIONS)}


def check_choices(answers, name, points=1, *, expected=None):
    """Judge a student's choices, and show a report.

    answers: the student's dict from question to the name chosen.
    name: which choices, a key of `CHOICES`, such as "problem_shapes".
    points: what right choices earn; a positive number, split evenly over the
    questions that are judged.
    expected: question to right name, for the questions that a hidden test
    judges; a wrong choice is then called wrong and nothing more. None judges
    those whose answers are known here, and looks at the form of the others.
    Returns the points earned, a plain float in [0, points], as `check` does.
    Never raises for what the student chose. Raises ValueError for a name,
    points or expected that no student can be blamed for.
    """
    if name not in tuple(CHOICES):
        raise ValueError(f"name: expected one of {', '.join(CHOICES)}, got {name!r}")
    if not isinstance(points, Real) or not 0 < points < math.inf:
        raise ValueError(f"points: expected a positive number, got {points!r}")
    choices = CHOICES[name]
    hidden = expected is not None
    if not hidden:
        expected = {q: right for q, right in choices.expected.items() if right}
    elif not _fit(expected, choices):
        raise ValueError(
            f"expected: expected some of the questions {', '.join(choices.expected)}, "
            f"each with one of {', '.join(choices.options)}, got {expected!r}"
        )
    given = _entries(answers)
    outcomes = tuple(
        _judge(question, right, given, choices, hidden)
        for question, right in expected.items()
    )
    notes = () if hidden or given is None else tuple(_notes(given, choices))
    report = Report(name, float(points), outcomes, checks.SITE, notes)
    checks.show(report)
    return report.earned


def _fit(expected, choices):
    if not isinstance(expected, dict) or not expected:
        return False
    return {*expected} <= {*choices.expected} and all(
        right in choices.options for right in expected.values()
    )


def _entries(answers):
    """The entries whose key is text, as a dict of our own; None if it is no dict."""
    if not issubclass(type(answers), dict):
        return None
    return {
        str.__str__(key): value
        for key, value in dict.items(answers)
        if issubclass(type(key), str)
    }


def _judge(question, right, given, choices, hidden):
    """The Outcome of one question."""
    if given is None:
        message = "Expected a dict from application to shape, as it was given to you."
        return Outcome(question, False, message)
    if fault := _fault(question, given, choices.options):
        return Outcome(question, False, fault)
    chosen = str.__str__(given[question])
    if chosen == right:
        return Outcome(question, True)
    confusion = next(
        c for c in choices.confusions if (c.expected, c.chosen) == (right, chosen)
    )
    message = "This choice is wrong." if hidden else confusion.sentence
    return Outcome(question, False, message, confusion.section, (confusion,))


def _fault(question, given, options):
    """What is wrong with the form of an answer, or an empty text."""
    if question not in given:
        return "There is no entry with this name. Is its key still as it was given?"
    answer = given[question]
    if answer is None:
        return "Not answered yet."
    if not issubclass(type(answer), str):
        return f"Write one name, as text in quotes: {_listed(options)}."
    answer = str.__str__(answer)
    if answer in options:
        return ""
    hint = f"The names are {_listed(options)}."
    if near := _near(answer, options):
        hint = f"Did you mean {' or '.join(f'`{name}`' for name in near)}?"
    return f"`{_printable(answer)}` is none of the names. {hint}"


def _near(text, options):
    """The options that a text abbreviates or misspells; letters alone count."""
    letters = {_letters(name): name for name in options}
    text = _letters(text[:LONGEST])
    near = [key for key in letters if text and key.startswith(text)]
    near = near or difflib.get_close_matches(text, letters, 2, 0.8)
    return [letters[key] for key in near]


def _letters(text):
    return re.sub("[^a-z]", "", text.lower())


def _notes(given, choices):
    """What is to be said about answers that are not judged here."""
    later = [question for question, right in choices.expected.items() if not right]
    faults = {}
    for question in later:
        faults.setdefault(_fault(question, given, choices.options), []).append(question)
    for fault, questions in faults.items():
        fault = fault or "Answered; judged when your work is graded."
        yield f"{', '.join(questions)}: {fault}"
    unknown = [key for key in given if key not in choices.expected]
    if unknown:
        keys = ", ".join(f"`{_printable(key)}`" for key in unknown[:3])
        yield f"{keys} {'are' if unknown[1:] else 'is'} none of the applications."


def _listed(options):
    return ", ".join(f"`{name}`" for name in options)


def _printable(text):
    """A student's text in one short line that any page and any file can hold."""
    text = "".join(c if c.isprintable() and c != "`" else "?" for c in text[:LONGEST])
    return text.strip() or " "
