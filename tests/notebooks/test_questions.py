"""What every question of the book promises."""

import re

import nbformat

from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.misconceptions.simple_rnn import CONFUSIONS


def test_misconceptions_of_the_bank(questions):
    """Each named one exists, and the link leads where the bank's report leads."""
    bank = {entry.id: entry for entry in (*BANK, *CONFUSIONS)}
    named = [
        (option.misconception, option.section)
        for quiz in questions.values()
        for option in quiz.options
        if option.misconception
    ]
    assert len(named) >= 15
    for id, section in named:
        assert id in bank, id
        assert section == bank[id].section, id


def test_every_question_is_found(root, questions):
    """None is written so that it is passed by; names are unique."""
    names = []
    for path in root.glob("notebooks/*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown" and ":class: quiz" in cell.source:
                names += re.findall(r"^:name: (\S+)$", cell.source, re.M)
    chapters = [name for (number, name) in questions if number.isdigit()]
    assert sorted(chapters) == sorted(names) and len(names) == len(set(names))
