"""Split execution in the real sandbox: what a student's code and a test see."""

import textwrap
import time

import pytest

from autograder import sandbox, wire
from autograder.forkserver import ForkServer
from autograder.judge import bound_names
from autograder.session import Cell, Partner, Session, outputs_in

pytestmark = pytest.mark.usefixtures("all_layers")
LIMITS = sandbox.Limits(seconds=60, cpu_seconds=60)


@pytest.fixture(scope="module")
def servers():
    """A fork server for students and one for judges."""
    pair = ForkServer("student", ["numpy"]), ForkServer("judge", ["numpy"])
    yield pair
    for server in pair:
        server.close()


@pytest.fixture
def graded(servers):
    """Run cells, given as (kind, source, names that the instructor's version binds).

    Without names they are those of the source. Returns outputs by cell, and the end.
    """
    layers = sandbox.required_layers()
    student, judge = servers

    def run(*cells, hidden=False, cell_seconds=10, **limits):
        made = []
        for kind, source, *binds in cells:
            source = textwrap.dedent(source).strip()
            if kind == "student" and not binds:
                binds = bound_names(source)
            binds = frozenset(binds)
            hides = hidden or "BEGIN HIDDEN" in source
            made.append(Cell(kind, source, binds, hides and kind == "test"))
        session = Session(
            lambda: student.start(LIMITS, layers),
            lambda: judge.start(LIMITS, layers),
            cell_seconds=cell_seconds,
            seconds=60,
        )
        result = session.run(made)
        return [Shown(outputs) for outputs in result.outputs], result.ended

    return run


class Shown:
    """The outputs of a cell, for short comparisons."""

    def __init__(self, outputs):
        self.outputs = outputs

    def __eq__(self, text):
        return self.text == text

    def __repr__(self):
        return self.text

    @property
    def text(self):
        """All it shows, as text; of an error "Type: message"."""
        parts = []
        for output in self.outputs:
            if output["output_type"] == "stream":
                parts.append(output["text"].rstrip("\n"))
            elif output["output_type"] == "error":
                parts.append(f"{output['ename']}: {output['evalue']}".rstrip(": "))
            else:
                parts.append(output["data"]["text/plain"])
        return "\n".join(parts)


def test_a_test_calls_what_the_student_defined(graded):
    """As in one kernel: values, exceptions, attributes, methods, printed results."""
    cells, ended = graded(
        ("locked", "import numpy as np"),
        (
            "student",
            """
            def squares(n):
                if n < 1:
                    raise ValueError("n must be positive")
                return [k**2 for k in range(1, n + 1)]

            class Point:
                x = 3
                def twice(self): return 2 * self.x

            point, table = Point(), np.eye(2)
            print("shown")
            """,
        ),
        ("test", "assert squares(3) == [1, 4, 9]\n0.5"),
        ("test", "print(table + 1, point.x, point.twice())"),
        ("test", "squares(0)"),
        ("test", "try:\n    squares(0)\nexcept ValueError as e:\n    print(e)"),
        ("test", "assert squares(2) == [1, 5]"),
        ("test", "nothing"),
    )
    assert ended is None
    assert cells[1:6] == [
        "shown",
        "0.5",
        "[[2. 1.]\n [1. 2.]] 3 6",
        "ValueError: n must be positive",
        "n must be positive",
    ]
    assert cells[6].text.startswith("AssertionError")
    assert cells[7] == "NameError: name 'nothing' is not defined"


def test_what_a_student_calls_len_changes_nothing(graded):
    """Names are the judge's own first, then builtins, then the student's."""
    cells, _ = graded(
        ("locked", "import numpy as np\nfrom math import isclose"),
        (
            "student",
            """
            len = print = isclose = lambda *a, **k: True
            class np:
                allclose = staticmethod(lambda *a: True)
            import builtins
            builtins.abs = lambda x: 0
            f = 3
            """,
        ),
        ("test", "len([1, 2]), isclose(f, 4), np.allclose(f, 4), abs(-2)"),
    )
    # `isclose` and `np` are bound by the solution cell: a test that uses them
    # would be handed the student's, so instructors import what they use in tests.
    assert cells[2].text.startswith("(2, True")


def test_a_name_the_instructor_left_to_the_student_is_the_students(graded):
    """Even where a locked cell bound it before; a stub must not pass by that."""
    cells, _ = graded(
        ("locked", "def f(): return 'given'"),
        ("student", "def f(): return 'own'"),
        ("test", "f()"),
    )
    assert cells[2] == "'own'"


def test_a_test_may_delete_and_rebind(graded):
    """As nbgrader's documentation does, to see that one function uses another."""
    cells, _ = graded(
        (
            "student",
            """
            def squares(n): return [k**2 for k in range(1, n + 1)]
            def total(n): return sum(squares(n))
            """,
        ),
        (
            "test",
            """
            kept = squares
            del squares
            try:
                total(1)
            except NameError as error:
                print(error)
            else:
                raise AssertionError("does not use squares")
            finally:
                squares = kept
            total(3)
            """,
        ),
        ("test", "total(2)"),
        ("student", "total(4)"),
    )
    assert cells[1:] == ["name 'squares' is not defined\n14", "5", "30"]


def test_no_other_name_of_a_test_reaches_the_student(graded):
    """Not even one that the student has defined in the hope for it."""
    cells, _ = graded(
        ("student", "expected = None\ndef f(x): return expected", "f"),
        ("test", "expected = 42\nf(1)"),
        ("test", "f(1)"),
        ("student", "print(expected, 'secret' in globals())"),
    )
    assert cells[1:] == ["", "", "None False"]


def test_arguments_are_copies(graded):
    """A change comes back only where the test asks for the arguments."""
    cells, _ = graded(
        ("locked", "import numpy as np"),
        ("student", "def f(x):\n    x[...] = 0\n    return 1"),
        ("test", "x = np.ones(2)\nf(x), x"),
        ("test", "f.__call_with_arguments__(np.ones(2))"),
    )
    assert cells[2:] == ["(1, array([1., 1.]))", "(1, [array([0., 0.])])"]


LIES = """
class Lie:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __eq__
    def __bool__(self): return True
    def __len__(self): return 3
    def __float__(self): return 1.0
    def __getattr__(self, name): return Lie()
    def __call__(self, *a, **k): return Lie()
    def __array__(self, *a, **k): return 1 / 0
    __class__ = float
def f(*arguments): return Lie()
"""


@pytest.mark.parametrize(
    "test",
    [
        "assert f(1) == 1",
        "assert f(1)",
        "assert not f(1) != 1",
        "assert len(f(1)) == 3",
        "assert float(f(1)) == 1",
        "assert abs(f(1) - 1) < 1e-9",
        "assert isinstance(f(1), float)",
        "import numpy as np\nassert np.allclose(f(1), 1)",
        "import numpy as np\nnp.testing.assert_allclose(f(1), 1)",
        "assert f(1) in [1, 2]",
        "assert f'{f(1)}' == '1'",
        "assert [k for k in f(1)]",
        "import copy\nassert copy.deepcopy(f(1)) == 1",
        "import pickle\nassert pickle.dumps(f(1))",
        "assert sorted([1, f(1)])",
        "assert {1: 2}[f(1)]",
    ],
)
def test_an_object_that_lies_passes_no_test(graded, test):
    """Operators, truth and conversions of the student's objects raise."""
    cells, _ = graded(("student", LIES), ("test", test))
    assert cells[1].outputs[-1]["output_type"] == "error"


def test_a_hidden_test_tells_type_and_nothing_more(graded):
    """Neither an exception's text, nor a type made of the inputs, nor prints."""
    cells, _ = graded(
        (
            "student",
            """
            def f(x): raise ValueError(f"secret {x}")
            def g(x): raise type(f"Secret{x}", (KeyError,), {})(x)
            def h(x): print("secret", x); return 1
            """,
        ),
        ("test", "f(417)"),
        ("test", "g(417)"),
        ("test", "h(417)"),
        hidden=True,
    )
    assert cells[1:] == ["ValueError", "KeyError", "1"]


def test_what_a_hidden_test_passed_in_is_not_shown_by_a_visible_one(graded):
    """The process whose answers are shown has never met it."""
    cells, _ = graded(
        (
            "student",
            """
            seen = []
            def f(x):
                seen.append(x)
                print("seen", seen)
                return seen
            """,
        ),
        ("test", "f(1)"),
        ("test", "### BEGIN HIDDEN TESTS\nf(417)"),
        ("test", "assert f(2) == [1, 2], f(3)"),
    )
    assert cells[1] == "seen [1]\n[1]"
    assert cells[3].text == "seen [1, 2]"


def test_what_a_function_prints_can_be_tested(graded):
    """It comes with the answer."""
    cells, _ = graded(
        ("student", "def f(x): print('got', x)"),
        (
            "test",
            """
            import contextlib, io
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                f(3)
            assert printed.getvalue() == "got 3\\n"
            """,
        ),
    )
    assert cells[1] == ""


def test_a_loop_costs_its_own_cell(graded):
    """It is interrupted, and the next cell runs."""
    cells, ended = graded(
        ("student", "def f():\n    while True: pass"),
        ("test", "f()"),
        ("test", "print('next')"),
        ("student", "print('and next')"),
        cell_seconds=1,
    )
    assert cells[1].text.startswith("KeyboardInterrupt")
    assert cells[2:] == ["next", "and next"] and ended is None


def test_a_loop_that_ignores_interruptions_ends_the_process(graded):
    """What follows is told so; the judge lives."""
    cells, ended = graded(
        (
            "student",
            """
            import signal
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            def f():
                while True: pass
            """,
        ),
        ("test", "f()"),
        ("test", "1 + 1"),
        ("test", "f"),
        cell_seconds=1,
    )
    assert ended == "timed out"
    assert cells[2] == "2" and "Error" in cells[3].text + cells[1].text + "Error"
    assert cells[3].outputs[0]["output_type"] == "error"


def test_a_process_that_ends_is_told(graded):
    """By its own exit, while a hidden test calls it; the display run is another."""
    cells, ended = graded(
        ("student", "import os\ndef f(): os._exit(0)\nprint('before')"),
        ("test", "### BEGIN HIDDEN TESTS\nf()"),
        ("student", "print('the display run lives')"),
        ("test", "f()"),
        ("student", "print('no longer')"),
    )
    assert ended == "crashed" and "crashed" in cells[1].text
    assert cells[2] == "the display run lives"
    assert cells[4] == "DeadKernelError: The process crashed."


def test_a_server_lasts_for_a_class(servers):
    """Endings that nobody waits for don't fill what it tells them through."""
    student, _ = servers
    layers = sandbox.required_layers()
    for _ in range(320):  # unread, some 280 endings were too many
        student.start(LIMITS, frozenset()).kill()
    process = student.start(LIMITS, layers)
    request = {"do": "run", "number": 0, "source": "print('here')"}
    answer = Partner(process).ask(wire.pack(request), time.monotonic() + 20)
    assert outputs_in(answer)[0]["text"] == "here\n"
    process.kill()


def test_bytes_nobody_asked_for_end_the_process(graded):
    """So no answer can lie ready before its question."""
    forge = """
    import os, socket, stat
    def forge():
        for number in range(3, 64):
            try:
                if stat.S_ISSOCK(os.fstat(number).st_mode):
                    os.write(number, bytes([0, 0, 0, 1, 192]) * 3)
            except OSError:
                pass
    forge()
    def f(): return 1
    """
    cells, ended = graded(("student", forge), ("test", "f()"))
    assert ended == "crashed" and cells[1].outputs[0]["output_type"] == "error"


def test_outputs_have_a_notebooks_form_or_are_left_out():
    """Whatever a student's process claims its outputs to be."""
    good = {"output_type": "stream", "name": "stdout", "text": "a"}
    bad = [
        good | {"name": "elsewhere"},
        good | {"text": 3},
        good | {"extra": 1},
        {"output_type": "execute_result", "data": {}, "metadata": {}},
        {"output_type": "display_data", "data": {"a": (1,)}, "metadata": {}},
        {"output_type": "display_data", "data": {1: "a"}, "metadata": {}},
        {"output_type": "error", "ename": "a", "evalue": "b", "traceback": [1]},
        {"output_type": ["stream"]},
        "text",
        None,
    ]
    assert outputs_in(wire.pack({"outputs": [*bad, good]})) == [good]
    for answer in ({"outputs": None}, {}, [1], None):
        assert outputs_in(wire.pack(answer)) == []
    assert outputs_in(b"\xff\xff") == []


def test_names_that_a_cell_binds():
    """At its top level, as the instructor wrote it."""
    source = """
    import numpy as np, os.path
    from math import pi as p
    def f():
        inside = 1
    class C: attribute = 2
    a, (b, *c) = d = 1, (2, 3)
    for k in []: last = k
    with open(0) as file: pass
    x: int = 1
    """
    found = bound_names(textwrap.dedent(source))
    assert found == set("f C a b c d k last file x np os p".split())
    assert bound_names("%matplotlib inline") == set()
