"""The course's own checks under split execution say what they say in one process.

The judge has a proxy of each function, and the student's cells run in the
real sandbox. One process is `submissions.run`, which runs the same cells here.
Each assignment's submissions are graded one after the other in one session.
"""

import inspect
import re
from itertools import zip_longest

import course
import pytest
from submissions import (
    blank,
    entry_of,
    is_answer,
    is_test,
    mutants,
    quick,
    reference,
    run,
    styles,
)

from autograder import sandbox
from autograder.forkserver import ForkServer
from autograder.session import Cell, Session, bound_names
from lstm_lib import cells, checks, series, validation
from lstm_lib.checks import misconceptions, references, subject
from lstm_lib.checks.report import VERDICT

ASSIGNMENTS = course.assignments()
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)
LIMITS = sandbox.Limits(seconds=300, cpu_seconds=200)
# Which submissions with mistakes in every function are graded here: each takes
# seconds, since every mistake is compared with all of the bank.
NAMED, OTHERS = slice(6, None, 20), slice(1, None, 4)


@pytest.fixture(scope="module")
def session(all_layers):
    """A function from an assignment to a Session, as the autograder makes it."""
    layers = sandbox.required_layers()
    judges = ForkServer("judge", ["numpy"], ["lstm_lib.checks"])
    students = {}

    def start(assignment, cell_seconds=100):
        if assignment not in students:
            permitted = course.settings(assignment)
            names = permitted["packages"], permitted["lstm_lib"]
            students[assignment] = ForkServer("student", *names)
        return Session(
            lambda: students[assignment].start(LIMITS, layers),
            lambda: judges.start(LIMITS, layers, {checks.SEED: "7"}),
            cell_seconds=cell_seconds,
            seconds=300,
        )

    yield start
    for server in (judges, *students.values()):
        server.close()


# ---- both ways -------------------------------------------------------------------


def notebook_of(assignment):
    """The instructor's notebook up to its last test; what follows earns nothing."""
    notebook = course.source(assignment)
    while not is_test(notebook.cells[-1]):
        notebook.cells.pop()
    return notebook


def cells_of(notebook, answers):
    """Grade id or number -> Cell, of each code cell, with a student's answers."""
    made = {}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            nbgrader = cell.metadata.get("nbgrader", {})
            grade_id = nbgrader.get("grade_id", number)
            if is_answer(cell):
                source = answers.get(grade_id, blank(cell.source))
                binds = frozenset(bound_names(cell.source))
                made[grade_id] = Cell("student", source, binds)
            elif is_test(cell):
                hidden = "### BEGIN HIDDEN TESTS" in cell.source
                made[grade_id] = Cell("test", cell.source, hidden=hidden)
            else:
                made[grade_id] = Cell("locked" if nbgrader else "student", cell.source)
    return made


def graded(session, assignment, class_, first="pass"):
    """Grade a list of answers, one after the other.

    first: a cell of the student's that runs before all others. Returns for each
    the verdicts by test cell, with the points that the notebook shows.
    """
    notebook = notebook_of(assignment)
    made = [cells_of(notebook, answers) for answers in class_]
    in_a_row = [cell for one in made for cell in one.values()]
    result = session(assignment).run([Cell("student", first), *in_a_row])
    assert result.ended is None and result.outputs[0] == []
    outputs = iter(result.outputs[1:])
    shown = [{grade_id: next(outputs) for grade_id in one} for one in made]
    return [
        {k: verdict_in(shown[k]) for k, cell in one.items() if cell.kind == "test"}
        for one, shown in zip(made, shown)
    ]


def verdict_in(outputs):
    """The verdict that a test cell displays, and its last line; None if it raised."""
    if outputs[-1]["output_type"] != "execute_result":
        return None
    points = float(outputs[-1]["data"]["text/plain"])
    return outputs[-2]["data"][VERDICT] | {"earned": points}


def in_one_process(assignment, answers, monkeypatch):
    """The same from the cells run here."""
    reports = run(notebook_of(assignment), answers, monkeypatch)
    return {
        k: report and report.verdict() | {"earned": report.earned}
        for k, report in reports.items()
    }


def comparable(verdicts):
    """Without the three things that are told in one of the two ways only.

    Here no line has a text. A warning of the student's process stays there. In a
    hidden case nothing tells which function it is that is not answered.
    """
    for name, verdict in verdicts.items():
        for case in verdict["cases"] if verdict else ():
            said = re.sub(r" In the line `.*`\.", "", case["message"])
            said = re.sub(r"^A warning, which costs no point: .*", "", said)
            if name.endswith("-hidden") and "Not answered yet" in said:
                said = "Not answered yet"
            case["message"] = said
    return verdicts


def assert_same(theirs, ours):
    """Points, cases passed, misconceptions and messages, test by test."""
    theirs, ours = comparable(theirs), comparable(ours)
    assert theirs.keys() == ours.keys()
    for name, verdict in ours.items():
        assert theirs[name] == verdict, name


# ---- what students hand in -------------------------------------------------------

# No student's process has the bank, so its source goes along, as modules.
PASTED = """
import sys, types

for name, source in {sources!r}.items():
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), vars(module))

bank = sys.modules["own.misconceptions.bank"].BANK
wrong = {{entry.id: entry.function for entry in bank}}
"""
TOPICS = (
    *("simple_rnn", "lstm", "gradients", "variants", "directions", "attention"),
    *("torch_layers", "keras_layers", "porting", "training_script", "forecasting"),
)


def pasted():
    """A cell that defines the bank's functions by the source that they have here."""
    sigmoid = f"import numpy as np\n{inspect.getsource(cells.sigmoid)}"
    sources = {"own.cells": sigmoid, "own.subject": inspect.getsource(subject)}
    for module in (validation, series):
        sources[module.__name__.replace("lstm_lib", "own")] = inspect.getsource(module)
    parts = [getattr(references, topic) for topic in TOPICS]
    parts += [misconceptions.bank, *(getattr(misconceptions, t) for t in TOPICS)]
    for part in parts:
        name = part.__name__.replace("lstm_lib.checks", "own")
        sources[name] = inspect.getsource(part)
    imports = re.compile(r"^from lstm_lib(\.checks)?", re.M)
    sources = {name: imports.sub("from own", text) for name, text in sources.items()}
    return PASTED.format(sources=sources)


def wrong_answers(assignment, named):
    """Submissions with one mistake in each function: [(for the sandbox, for here)].

    named: those of the bank, otherwise the others. As many as the function with
    the most; one mistake never hides another.
    """
    by_cell = {}
    for name, (cell, answer) in mutants(assignment).items():
        if bool(entry_of(name)) == named:
            by_cell.setdefault(cell, []).append((name, answer))
    for row in zip_longest(*by_cell.values()):
        there, here = quick(assignment), quick(assignment)
        for cell, (name, answer) in (
            (c, pair) for c, pair in zip(by_cell, row) if pair
        ):
            function = cell.removesuffix("-answer").replace("-", "_")
            there[cell] = f"{function} = wrong[{name!r}]" if named else answer.strip()
            here[cell] = answer if named else answer.strip()
        yield there, here


# ---- the same verdicts -----------------------------------------------------------


@each_assignment
def test_right_and_blank_answers(assignment, session, monkeypatch):
    """Every style earns what it earns in one process, which is all; a blank none."""
    class_ = [{}, reference(assignment), *styles(assignment).values()]
    class_ = [{k: text.strip() for k, text in answers.items()} for answers in class_]
    found = graded(session, assignment, class_)
    for answers, theirs in zip(class_, found):
        assert_same(theirs, in_one_process(assignment, answers, monkeypatch))
    earned = [sum(v["earned"] for v in one.values() if v) for one in found]
    assert earned[0] == 0 and min(earned[1:]) == max(earned) > 0


@each_assignment
def test_mistakes_with_a_name(assignment, session, monkeypatch):
    """Each costs what it costs in one process, and has the same name."""
    class_ = list(wrong_answers(assignment, named=True))[NAMED]
    found = graded(session, assignment, [there for there, _ in class_], pasted())
    for (_, here), theirs in zip(class_, found):
        assert_same(theirs, in_one_process(assignment, here, monkeypatch))
    names = {
        case["misconception"]
        for one in found
        for verdict in one.values()
        for case in verdict["cases"]
    }
    assert len(names) > len(class_)


@each_assignment
def test_mistakes_without_a_name(assignment, session, monkeypatch):
    """Among them some that change their arguments."""
    class_ = list(wrong_answers(assignment, named=False))[OTHERS]
    found = graded(session, assignment, [there for there, _ in class_])
    for (_, here), theirs in zip(class_, found):
        assert_same(theirs, in_one_process(assignment, here, monkeypatch))


# ---- one function ----------------------------------------------------------------

CHECK = "from lstm_lib.checks import check\ncheck({arguments})"


@pytest.fixture
def checked(session):
    """Check one function under split execution: its verdict."""

    def checked(source, arguments, hidden=False, **limits):
        arguments += ", hidden=True" * hidden
        answer = Cell("student", source.strip(), frozenset(bound_names(source)))
        test = Cell("test", CHECK.format(arguments=arguments), hidden=hidden)
        imports = Cell("locked", "import numpy as np")
        result = session("ps2", **limits).run([imports, answer, test])
        assert result.ended is None
        return verdict_in(result.outputs[2])

    return checked


def said(verdict):
    """The messages of the cases that failed."""
    return {case["message"] for case in verdict["cases"] if not case["passed"]}


def test_a_changed_argument_is_reported(checked):
    """Though arguments travel as copies; an argument that is only read is not."""
    source = """
def sigmoid(z):
    z *= 0.5
    return 0.5 * np.tanh(z) + 0.5
"""
    verdict = checked(source, "sigmoid, 'sigmoid'")
    assert verdict["earned"] == 0
    assert all(
        text.startswith("The values are right. The function changed its argument `z`")
        for text in said(verdict)
    )


def test_a_part_that_changes_its_arguments_is_named(checked):
    """Where the function that is built on it is judged."""
    source = """
def sigmoid(z):
    return 0.5 * np.tanh(0.5 * z) + 0.5

def lstm_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c *= sigmoid(f)
    c += sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c

def lstm_forward(x, h, c, W, U, b):
    y = [lstm_step(x_t, h, c, W, U, b)[0] for x_t in x]
    return np.stack(y), (y[-1], c)
"""
    verdict = checked(source, "lstm_forward, 'lstm_forward', built_on=lstm_step")
    assert any(
        "Your own lstm_step writes into its arguments" in t for t in said(verdict)
    )


RAISES = """
def lower(z):
    raise ValueError(f"of {z.shape} no good")

def sigmoid(z):
    return lower(z)
"""


def test_an_error_comes_with_the_line_of_the_students_own_code(checked):
    """In a hidden case with its number alone, as the text could hold the inputs."""
    visible = said(checked(RAISES, "sigmoid, 'sigmoid'"))
    line = 'raise ValueError(f"of {z.shape} no good")'
    assert all(text.endswith(f"no good. In the line `{line}`.") for text in visible)
    hidden = said(checked(RAISES, "sigmoid, 'sigmoid'", hidden=True))
    assert hidden == {"The function raised ValueError in line 2 of its cell."}


def test_the_function_that_is_not_answered_is_named(checked):
    """In a hidden case it is not, as a name could hold the inputs."""
    source = RAISES.replace("ValueError", "NotImplementedError")
    visible = said(checked(source, "sigmoid, 'sigmoid'"))
    assert visible == {"Your `lower`, which this function calls, is not answered yet."}
    hidden = said(checked(source, "sigmoid, 'sigmoid'", hidden=True))
    assert hidden == {
        "Not answered yet: the function, or one that it calls, raises "
        "NotImplementedError."
    }


def test_a_loop_keeps_what_the_cases_before_it_earned(checked):
    """As with the time limit of a kernel: the function is not called again."""
    source = """
called = []
def sigmoid(z):
    called.append(z)
    while len(called) == 2:
        pass
    return 0.5 * np.tanh(0.5 * z) + 0.5
"""
    verdict = checked(source, "sigmoid, 'sigmoid', points=4", cell_seconds=2)
    first, second, *rest = verdict["cases"]
    assert first["passed"] and verdict["earned"] == 4 / len(verdict["cases"])
    assert "Interrupted" in second["message"]
    assert {case["message"] for case in rest} == {
        "Not run, because an earlier case was interrupted."
    }


RESULT = """
from collections import namedtuple
from dataclasses import dataclass

State = namedtuple("State", "h c")

@dataclass
class Record:
    h: np.ndarray
    c: np.ndarray

def lstm_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o = (0.5 * np.tanh(0.5 * z) + 0.5 for z in (i, f, o))
    c = f * c + i * np.tanh(g)
    h = o * np.tanh(c)
    return {result}
"""


@pytest.mark.parametrize(
    "result",
    ["State(h, c)", "[h, c]", "np.stack([h, c])", "(h.tolist(), np.matrix(c))"],
)
def test_a_result_may_come_in_any_container(result, checked):
    """That earns its points in one process."""
    source = RESULT.format(result=result)
    assert checked(source, "lstm_step, 'lstm_step', points=3")["earned"] == 3


@pytest.mark.parametrize("result", ["Record(h, c)", "(h, Record(h, c))", "(lambda: h)"])
def test_a_result_that_is_no_array_is_called_so(result, checked):
    """And is no error of the function's."""
    verdict = checked(RESULT.format(result=result), "lstm_step, 'lstm_step'")
    assert verdict["earned"] == 0
    assert all("which is not an array of numbers" in text for text in said(verdict))


def test_a_number_may_be_of_any_type(checked):
    """Python's, NumPy's, or an array of no axes."""
    source = """
def lstm_parameter_count(D, H):
    count = 4 * H * (D + H + 1)
    return [count, np.float64(count), np.array(count)][H % 3]
"""
    arguments = "lstm_parameter_count, 'lstm_parameter_count', points=2"
    assert checked(source, arguments)["earned"] == 2


# ---- what a student's process has of lstm_lib ------------------------------------

REACH = """
import gc, importlib, os, sys

def reached(module):
    name, path = module, os.path.join(home, *module.split(".")[1:]) + ".py"
    try:
        importlib.import_module(name)
        return True
    except ImportError:
        pass
    for file in (path, os.path.join(path[:-3], "__init__.py")):
        try:
            open(file).close()
            return True
        except OSError:
            pass
    functions = (o for o in gc.get_objects() if type(o).__name__ == "function")
    kept = any(str(f.__module__).startswith(name) for f in functions)
    return kept or any(m.startswith(name) for m in sys.modules)

import lstm_lib
home = os.path.dirname(lstm_lib.__file__)
print([name for name in {names!r} if reached(name)])
"""


@each_assignment
def test_a_students_process_has_the_permitted_modules_alone(assignment, session, root):
    """No import, file or object leads to another; `validation` is what these need."""
    names = ["torch", "keras", "onnx"]
    for path in sorted((root / "lstm_lib").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        names.append(".".join(parts).removesuffix(".__init__"))
    names.remove("lstm_lib")
    result = session(assignment).run(
        [Cell("student", REACH.replace("{names!r}", repr(names)))]
    )
    permitted = {*course.settings(assignment)["lstm_lib"]}
    if permitted:
        permitted.add("lstm_lib.validation")
        (output,) = result.outputs[0]
        assert eval(output["text"]) == sorted(permitted)
    else:
        assert result.outputs[0][-1]["ename"] == "ModuleNotFoundError"


def test_a_generator_is_told_from_a_slip_of_the_pen(checked):
    """By the name of its type, which a hidden test leaves out."""
    source = "def sigmoid(z):\n    yield 0.5 * np.tanh(0.5 * z) + 0.5"
    visible = said(checked(source, "sigmoid, 'sigmoid'"))
    assert all("Did you write `yield` where you meant" in text for text in visible)
    assert all("of type generator" in text for text in visible)
    hidden = said(checked(source, "sigmoid, 'sigmoid'", hidden=True))
    assert all("but you returned an object, which" in text for text in hidden)


def test_a_mistake_known_by_its_error_has_its_name_in_hidden_cases_too(checked):
    """The text is compared, and not told."""
    source = "def softmax(z):\n    return np.exp(z) / np.exp(z).sum(axis=-1)"
    verdict = checked(source, "softmax, 'softmax'", hidden=True)
    names = {case["misconception"] for case in verdict["cases"] if not case["passed"]}
    assert names == {"softmax-without-keepdims"}
    assert not any("broadcast" in text for text in said(verdict))


def test_warnings_that_raise_cost_nothing(checked):
    """As in one process, where the checks turn them back to warnings."""
    source = """
import warnings

np.seterr(all="raise")
warnings.simplefilter("error")

def sigmoid(z):
    warnings.warn("careful")
    e = np.exp(-abs(z))
    return np.where(z > 0, 1, e) / (1 + e)
"""
    assert checked(source, "sigmoid, 'sigmoid', points=2")["earned"] == 2
