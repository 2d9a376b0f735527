"""What an entry of the bank is, and how it gets there."""

from collections.abc import Callable
from dataclasses import dataclass

BANK = []  # in the order of the pages; where several match, the first is named


@dataclass(frozen=True)
class Misconception:
    """A named wrong implementation of the function that `check` is about.

    section: the label of the book's section that explains it. sentence: what
    the student reads. source: where it is known from, or "".
    """

    id: str
    check: str
    section: str
    sentence: str
    function: Callable
    source: str = ""


def misconception(check, section, sentence, source=""):
    """Enter the decorated function into the bank; its name becomes the id."""

    def enter(function):
        name = function.__name__.replace("_", "-")
        BANK.append(Misconception(name, check, section, sentence, function, source))
        return function

    return enter


def table():
    """The bank as a Markdown table, in the order of the checks."""
    lines = ["| check | misconception | what the student reads |", "|---|---|---|"]
    for entry in BANK:
        source = f" *Source: {entry.source}.*" if entry.source else ""
        sentence = entry.sentence.replace("|", r"\|")
        lines.append(f"| `{entry.check}` | {entry.id} | {sentence}{source} |")
    return "\n".join(lines)
