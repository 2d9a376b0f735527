"""Reading the answers of a quiz, to compute them again."""

from lstm_lib import draw
from lstm_lib.checks.misconceptions import BANK


def numbers(quiz):
    """Misconception or text -> value, of a question for a number."""
    return {
        "right" if option.right else option.misconception or option.text: option.value
        for option in quiz.options
        if option.value is not None
    }


def right_names(quiz):
    """The answers that are right; of a wire or node, its name."""
    return {option.text for option in quiz.options if option.right}


def bank_function(id):
    """The wrong implementation of this name."""
    return next(entry.function for entry in BANK if entry.id == id)


def wires(step, x, state, parameters):
    """Name -> value of the wires that have words, as drawn."""
    drawn = draw.cell(step, x, state, parameters=parameters).json()["wires"]
    return {w["name"]: w["value"] for w in drawn if w["title"]}
