"""What an entry of the bank is, and how it gets there."""

from collections.abc import Callable
from dataclasses import dataclass

BANK = []  # in the order of the pages; where several match, the first is named


@dataclass(frozen=True)
class Misconception:
    """A named wrong implementation of the function that `check` is about.

    section: the label of the book's section that explains it. sentence: what
    the student reads. source: where it is known from, or "". right_on: the
    names of the cases on which it makes no difference, as some must.
    """

    id: str
    check: str
    section: str
    sentence: str
    function: Callable
    source: str = ""
    right_on: tuple = ()


def misconception(check, section, sentence, source="", right_on=()):
    """Enter the decorated function into the bank; its name becomes the id."""

    def enter(function):
        name = function.__name__.replace("_", "-")
        about = check, section, sentence, function, source, right_on
        BANK.append(Misconception(name, *about))
        return function

    return enter
