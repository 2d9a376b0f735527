"""The examples in docstrings give what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import lstm_lib

MODULES = sorted(p.stem for p in Path(lstm_lib.__file__).parent.glob("[!_]*.py"))
MODULES += ["draw", "draw.layout", "draw.flow", "draw.cells"]
MODULES += ["draw.connections", "draw.shapes", "draw.unrolled"]


@pytest.mark.parametrize("name", ["lstm_lib", *(f"lstm_lib.{m}" for m in MODULES)])
def test_examples_give_what_they_say(name):
    """Every line that begins with >>>, in a fresh namespace."""
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples():
    """So that the test above cannot pass for want of them."""
    finder, names = doctest.DocTestFinder(), ["lstm_lib", "lstm_lib.evaluation"]
    for name in names:
        assert any(test.examples for test in finder.find(import_module(name))), name


@pytest.mark.parametrize("name", lstm_lib.__all__)
def test_every_public_name_is_found_where_it_is_said_to_be(name):
    """A name in __all__ that moved would fail only when somebody uses it."""
    assert getattr(lstm_lib, name) is not None
