"""Processes without a sandbox, as macOS and Windows get them. They run here too."""

import sys

import psutil
import pytest
import submitted

from autograder import doctor, grading
from autograder.forkserver import ServerError
from autograder.sandbox import LAYERS, SandboxError
from autograder.settings import Limits, Settings
from autograder.unconfined import Unconfined


@pytest.fixture
def elsewhere(monkeypatch):
    """As if this were macOS, as far as the autograder asks."""
    grading.close_servers()
    monkeypatch.setattr(sys, "platform", "darwin")
    yield
    grading.close_servers()


def assignment(**limits):
    """The assignment of `submitted`."""
    notebooks = {"ps": grading.released(submitted.released())}
    settings = Settings("A", ("numpy",), limits=Limits(**limits))
    return grading.Assignment("ps", notebooks, settings, given={"data.csv": b"1"})


def graded(table, layers=(), **limits):
    """The points of a submission by test, and its state."""
    files = submitted.as_files(table)
    job = grading.pack_job(assignment(**limits), "ada", files, layers)
    result = grading.read_result(grading.grade(job))
    return result.notebooks["ps"].scores, result.state


def test_another_system_is_refused_until_the_flag_accepts_it(elsewhere):
    """It says what is missing there, and how to grade all the same."""
    with pytest.raises(SandboxError, match="only Linux has it; this is darwin") as told:
        doctor.layers_to_ask()
    assert all(layer in str(told.value) for layer in LAYERS)
    assert "--accept-missing LAYER (or: all)" in str(told.value)
    assert doctor.layers_to_ask(["all"]) == frozenset()


def test_without_a_sandbox_the_scores_are_the_same(elsewhere):
    """A student's process and a judge, new ones for each run."""
    before = set(psutil.Process().children(recursive=True))
    table = submitted.handed_in()
    submitted.cell(table, "double")["source"] = (
        "from pathlib import Path\n"
        "def double(x):\n    return 2 * x * int(Path('data.csv').read_text())"
    )
    scores, state = graded(table)
    assert scores == {"test": 2.0, "essay": None, "zero": 1.0} and state == "graded"
    assert set(psutil.Process().children(recursive=True)) == before


def test_a_loop_is_interrupted_there_too(elsewhere):
    """And costs the points of its own test."""
    table = submitted.handed_in()
    submitted.cell(table, "double")["source"] = (
        "def double(x):\n    while x: pass\n    return 0"
    )
    scores, state = graded(table, cell_seconds=3)
    assert scores["test"] == 0 and scores["zero"] == 1


def test_a_process_that_cannot_start_is_told(monkeypatch):
    """Rather than waited for."""
    monkeypatch.setattr("autograder.unconfined.START", 0.01)
    with pytest.raises(ServerError, match="a judge's process: timed out"):
        Unconfined("judge").start(None, ())
