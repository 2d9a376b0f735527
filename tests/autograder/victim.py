"""The assignments under attack, and the form in which an attack is written.

Most attacks are tried on a small assignment that is made here, "numbers". Some
are tried on the course's own, of which only the tasks that they answer remain.
"""

import json
from dataclasses import dataclass, field

import course
from nbformat import v4
from nbgrader.preprocessors import ClearSolutions
from submitted import nbgrader

from autograder.grading import (
    HIDDEN,
    HIDDEN_END,
    Assignment,
    released,
    without_hidden,
)
from autograder.settings import Limits, Settings, read_settings

# What only hidden tests hold: inputs, what they expect, a message, a seed.
SECRET_NUMBERS = ("48611", "97222", "7393913", "0.31830", "627181", "1254362")
SMALL_SEED = "90210417"
# As long as instructors are told to make theirs: too long to be found by trying.
LONG_SEED = "290735628914056127"
CANARIES = (*SECRET_NUMBERS, "kestrel-over-the-moor", SMALL_SEED, LONG_SEED)

RIGHT = {
    "double": "def double(x):\n    return 2 * x",
    "scale": "def scale(x):\n    return x / x.sum()",
    "counter": """
class Counter:
    def __init__(self): self.total = 0
    def add(self, n):
        if n < 0:
            raise ValueError("expected n >= 0")
        self.total += n
        return self.total
""",
    "parity": "def parity(n):\n    return n % 2",
    "softmax": """
def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)
""",
}
STUBS = {
    "double": "def double(x):\n    raise NotImplementedError",
    "scale": "def scale(x):\n    raise NotImplementedError",
    "counter": "class Counter:\n    pass",
    "parity": "def parity(n):\n    raise NotImplementedError",
    "softmax": "def softmax(z):\n    raise NotImplementedError",
}
# Attacks stand in these unless they bring an answer of their own: it runs, and no
# test that looks at what it returns is passed.
WRONG = {
    "double": "def double(x):\n    return None",
    "scale": "def scale(x):\n    return -x",
    "counter": """
class Counter:
    total = -1
    def add(self, n): return -1
""",
    "parity": "def parity(n):\n    return -1",
    "softmax": "def softmax(z):\n    return -z",
}
TESTS = {
    "double": """
assert double(2) == 4
""",
    "double-hidden": """
### BEGIN HIDDEN TESTS
assert double(48611) == 97222, "kestrel-over-the-moor"
### END HIDDEN TESTS
""",
    "scale": """
np.testing.assert_allclose(scale(np.array([1.0, 3.0])), [0.25, 0.75])
### BEGIN HIDDEN TESTS
hidden = np.array([0.31830, 0.25, 0.4317])
np.testing.assert_allclose(scale(hidden), hidden / 1.0)
### END HIDDEN TESTS
""",
    "counter": """
counter = Counter()
assert counter.add(2) == 2
### BEGIN HIDDEN TESTS
assert counter.add(7393913) == 7393915
assert counter.total == 7393915
try:
    counter.add(-1)
except ValueError:
    pass
else:
    raise AssertionError("a negative number was accepted")
### END HIDDEN TESTS
""",
    # Points by number: in nbgrader's way, and every case through an iterator.
    "parity": """
sum(parity(n) == n % 2 for n in range(4)) / 2
""",
    "parity-hidden": """
### BEGIN HIDDEN TESTS
for answer, expected in zip(map(parity, [627181, 1254362]), [1, 0]):
    assert answer == expected
### END HIDDEN TESTS
""",
    "softmax": """
from lstm_lib.checks import check

check(softmax, "softmax", points=1)
""",
    "softmax-hidden": """
from lstm_lib.checks import check

### BEGIN HIDDEN TESTS
check(softmax, "softmax", points=1, hidden=True)
### END HIDDEN TESTS
""",
    # What a test says of a student's code comes after hidden inputs were seen.
    "last": """
assert double(3) == 6, double(3)
""",
}
PARTS = ("answer", "check", "hidden")  # the cells of a task of the course's
POINTS = {name: 2.0 if name == "parity" else 1.0 for name in TESTS}


def notebook():
    """The released notebook, hidden tests included."""
    cells = [
        v4.new_code_cell(
            "import numpy as np", metadata=nbgrader("imports", locked=True)
        )
    ]
    for name, stub in STUBS.items():
        cells.append(v4.new_code_cell(stub, metadata=nbgrader(name, solution=True)))
        cells += [_test(t) for t in TESTS if t.partition("-")[0] == name]
    return v4.new_notebook(cells=[*cells, _test("last")])


def _test(name):
    points = {"grade": True, "locked": True, "points": POINTS[name]}
    return v4.new_code_cell(
        TESTS[name].strip(), metadata=nbgrader(f"test-{name}", **points)
    )


def of_the_course(name, tasks):
    """The released notebook of one of ours, hidden tests included, with these tasks."""
    made, _ = ClearSolutions().preprocess(course.source(name), {})
    ids = {f"{t.replace('_', '-')}-{part}" for t in tasks for part in PARTS}
    ids |= {"imports", "given"}
    made.cells = [cell for cell in made.cells if _id(cell) in ids]
    return made


def _id(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id")


@dataclass
class Attack:
    """One hostile submission.

    tries: what it does, in words. cells: the answers it brings by name; `first`
    and `last` are cells of its own before and after all others. earns: points
    that it earns honestly, by test. ends: the states it may end in. change: a
    function that is given the notebook's JSON, and may return other bytes.
    files: what is handed in beside it. packages: what else is permitted.
    limits: other than the usual ones. of: the assignment; where it is one of the
    course's, an answer's name is its cell's without "-answer", `_` for `-`.
    honest: whether it is no attack at all, and has to earn what it earns.
    """

    tries: str
    cells: dict = field(default_factory=dict)
    earns: dict = field(default_factory=dict)
    ends: tuple = ("graded",)
    change: object = None
    files: dict = field(default_factory=dict)
    packages: tuple = ()
    limits: dict = field(default_factory=dict)
    of: str = "numbers"
    honest: bool = False

    def notebook(self):
        """The released notebook, hidden tests included."""
        ours = self.of != "numbers"
        return of_the_course(self.of, self.cells) if ours else notebook()

    def assignment(self):
        """What the grader is told; cells of "numbers" may take two seconds."""
        if self.of == "numbers":
            limits = Limits(**{"seconds": 20, "cell_seconds": 2} | self.limits)
            settings = Settings("Numbers", ("numpy", *self.packages), limits=limits)
            seed = SMALL_SEED
        else:
            settings = read_settings(course.SOURCE / self.of / "assignment.toml")
            seed = LONG_SEED
        notebooks = {self.of: released(self.notebook())}
        environment = {"LSTM_LIB_CHECKS_SEED": seed}
        return Assignment(self.of, notebooks, settings, environment=environment)

    def handed_in(self):
        """The files of the submission, name -> bytes."""
        answers = WRONG | self.cells if self.of == "numbers" else self.cells
        table = submission(self.notebook(), answers)
        data = self.change(table) if self.change else None
        data = json.dumps(table).encode() if data is None else data
        return {f"{self.of}.ipynb": data} | self.files


def attack(tries, *, ends="graded", **more):
    """An Attack: what is no field of it is the text of a cell."""
    known = {"earns", "change", "files", "packages", "limits", "of"}
    fields = {name: more.pop(name) for name in known & more.keys()}
    return Attack(tries, more, ends=tuple(ends.split(" or ")), **fields)


def after(attacks):
    """These attacks on one of the course's, and behind them the right answers."""
    (of,) = {one.of for one in attacks}
    tasks = {task.replace("_", "-") for one in attacks for task in one.cells}
    answers = course.answers_of(course.source(of))
    right = {t.replace("-", "_"): answers[f"{t}-answer"] for t in tasks - {"last"}}
    last = Attack(f"tries nothing, after all of these on {of}", right, of=of)
    last.honest, wanted = True, course.graded(last.notebook())
    last.earns = {k: cell.metadata.nbgrader.points for k, cell in wanted.items()}
    return [*attacks, last]


def submission(notebook, answers):
    """A released notebook with these answers, as the dict that its JSON holds."""
    table = json.loads(json.dumps(notebook))
    for cell in table["cells"]:
        name = _id(cell).removesuffix("-answer").replace("-", "_")
        cell["source"] = answers.get(name, cell["source"]).strip()
        # Students have no hidden test.
        cell["source"] = without_hidden(cell["source"], HIDDEN, HIDDEN_END)
    places = {"first": 0, "last": len(table["cells"]) + 1}
    for name, place in places.items():
        if name in answers:
            text = answers[name].strip()
            own = v4.new_code_cell(text, id=f"own-{name}")
            table["cells"].insert(place, json.loads(json.dumps(own)))
    return table
