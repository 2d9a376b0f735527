"""Run a submission in this process: milliseconds where a kernel takes seconds."""

import ast
import contextlib
import importlib
import io
import re

import course

from lstm_lib import checks
from lstm_lib.checks.misconceptions import BANK


def run(notebook, answers, monkeypatch):
    """Run the code cells of an instructor's notebook with a student's answers.

    answers: grade id of an answer cell -> its source, or a function that takes
    the place of the answer; a cell that is not named is left blank.
    Returns grade id of each test cell -> its Report; None where it raised.
    """
    shown = []
    monkeypatch.setattr(checks, "show", shown.append)
    names, reports = {"__name__": "__main__"}, {}
    last = max(number for number, cell in enumerate(notebook.cells) if is_test(cell))
    for cell in notebook.cells[: last + 1]:  # what follows earns nothing by running
        if cell.cell_type == "code":
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id", "")
            source = cell.source
            if is_answer(cell):
                source = answers.get(grade_id, blank(source))
            if callable(source):
                names[grade_id.removesuffix("-answer").replace("-", "_")] = source
                continue
            del shown[:]
            value = execute(source, names)
            if is_test(cell):
                reports[grade_id] = shown[-1] if shown else None
                assert not shown or value == shown[-1].earned
    return reports


def blank(source):
    """An answer cell as the release shows it."""
    stub = r"\1raise NotImplementedError()\n"
    region = r"(?ms)^( *)### BEGIN SOLUTION.*?### END SOLUTION(\n|\Z)"
    return re.sub(region, stub, source)


def is_answer(cell):
    """Whether students write this cell."""
    return cell.metadata.get("nbgrader", {}).get("solution", False)


def is_test(cell):
    """Whether this cell gives points by running."""
    nbgrader = cell.metadata.get("nbgrader", {})
    return nbgrader.get("grade", False) and not nbgrader["solution"]


def execute(source, names):
    """Run a cell; the value of its last line, None where it raised."""
    tree = ast.parse(source)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, "<cell>", "exec"), names)
            return last and eval(compile(last, "<cell>", "eval"), names)
    except Exception:
        return None


def reference(assignment):
    """The instructor's own answers."""
    return course.answers_of(course.source(assignment))


def styles(assignment):
    """Other right answers: style -> answers, one for every cell."""
    return importlib.import_module(f"solutions_{assignment}").STYLES


def quick(assignment):
    """The same, but for answers that take long: those that do it in milliseconds."""
    other = getattr(importlib.import_module(f"solutions_{assignment}"), "QUICK", {})
    return reference(assignment) | other


def mutants(assignment):
    """Wrong answers: name -> (grade id, source or function). First the bank's."""
    answers = reference(assignment)
    named = {
        entry.id: (f"{entry.check.replace('_', '-')}-answer", entry.function)
        for entry in BANK
    }
    found = {name: wrong for name, wrong in named.items() if wrong[0] in answers}
    return found | importlib.import_module(f"solutions_{assignment}").MUTANTS


def entry_of(name):
    """The entry of the bank with this id, or None."""
    return next((entry for entry in BANK if entry.id == name), None)
