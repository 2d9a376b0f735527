"""Hostile submissions: none gains a point, and none leaves anything behind.

Each goes through the whole grader, in the real sandbox. What is tried stands in
the folder `hostile`; the assignment it is tried on, in `victim.py`.
"""

import glob
import importlib
import os
import pkgutil
import time

import hostile
import nbformat
import psutil
import pytest
import victim

from autograder import grading, sandbox
from autograder.feedback import ReadableReports

pytestmark = pytest.mark.usefixtures("all_layers")
FAMILIES = sorted(module.name for module in pkgutil.iter_modules(hostile.__path__))
ATTACKS = [
    pytest.param(attack, id=f"{family}: {attack.tries}")
    for family in FAMILIES
    for attack in importlib.import_module(f"hostile.{family}").ATTACKS
]


@pytest.fixture(scope="module", autouse=True)
def _servers(tmp_path_factory):
    """Servers of this module alone, which make their scratch folders in one place."""
    grading.close_servers()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path_factory.mktemp("scratch")))
        patch.setattr(sandbox, "HARMLESS", (*sandbox.HARMLESS, "TMPDIR"))
        yield
        grading.close_servers()


def graded(attack):
    """The Result of a submission, by bytes in and bytes out."""
    layers = sandbox.required_layers()
    handed_in = attack.handed_in()
    job = grading.pack_job(attack.assignment(), "mallory", handed_in, layers)
    return grading.read_result(grading.grade(job))


def points(result):
    """Test -> points, of those that gave any."""
    (graded,) = result.notebooks.values()
    return {
        name.removeprefix("test-"): score
        for name, score in graded.scores.items()
        if score
    }


def test_there_are_enough():
    """The corpus has what the name promises, each attack once."""
    assert len(ATTACKS) >= 100
    assert len({case.id for case in ATTACKS}) == len(ATTACKS)


def test_the_victim_can_be_solved_and_its_stub_earns_nothing():
    """Else no attack below would show anything."""
    assert points(graded(victim.Attack("right", victim.RIGHT))) == victim.POINTS
    assert points(graded(victim.Attack("blank", victim.STUBS))) == {}
    assert points(graded(victim.Attack("wrong"))) == {}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack(attack):
    """It earns what it solves and no more, ends as it should, and leaves nothing."""
    started = time.monotonic()
    result = graded(attack)
    assert {
        name: score
        for name, score in points(result).items()
        if score > attack.earns.get(name, 0)
    } == {}
    assert points(result) == attack.earns or not attack.honest
    assert result.state in attack.ends, result.message
    assert time.monotonic() - started < 60
    notebook = nbformat.reads(result.notebooks[attack.of].text, 4)
    shown = shown_by_student(notebook)
    assert holds_no_secret(shown) and "OPENED" not in shown
    assert f"'{grading.VERDICT}':" not in shown  # the leaderboard reads these
    assert holds_no_secret(feedback(notebook, result))
    assert nothing_is_left()


@pytest.mark.parametrize("packages", [(), ("torch",)])
def test_the_next_submission_is_graded_as_ever(packages):
    """By the same fork servers, after all attacks. (Run alone, it shows nothing.)"""
    right = victim.Attack("right", victim.RIGHT, packages=packages)
    assert points(graded(right)) == victim.POINTS


def shown_by_student(notebook):
    """Every output of a student's cell, as text."""
    cells = [
        cell
        for cell in notebook.cells
        if cell.cell_type == "code"
        and not cell.metadata.get("nbgrader", {}).get("locked")
    ]
    return "".join(str(cell.outputs) for cell in cells)


def feedback(notebook, result):
    """What the student is given back, as text."""
    (graded,) = result.notebooks.values()
    for cell in notebook.cells:
        ours = cell.metadata.get("nbgrader", {})
        if ours.get("grade"):
            ours["score"] = graded.scores[ours.grade_id]
    notebook, _ = ReadableReports().preprocess(notebook, {})
    return nbformat.writes(notebook)


def holds_no_secret(text):
    """Whether no canary is in a text."""
    return not any(canary in text for canary in victim.CANARIES)


def nothing_is_left():
    """Whether all processes and folders of a submission are gone, after a moment."""
    servers = [server for pair in grading._KEPT.values() for server in pair]
    running = [psutil.Process(s._server.pid) for s in servers if s._server]
    children = [c for server in running for c in server.children(recursive=True)]
    _, alive = psutil.wait_procs(children, 10)
    return not alive and not glob.glob(os.environ["TMPDIR"] + "/autograder-*")
