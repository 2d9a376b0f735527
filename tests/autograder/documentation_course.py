"""A course such as nbgrader's documentation grades, and a class that hands it in.

`source()` is the instructor's version: a notebook of short functions and a
plot, and one that is all words. `CLASS` is what students make of it. They are
honest: they err, add, delete and rename, and none of them attacks the grader.
"""

import copy
import json
from dataclasses import dataclass, field

import classroom
import nbformat
from nbformat import v4
from submitted import nbgrader

ASSIGNMENT = "ps1"
DUE = "2026-03-02 18:00:00 UTC"
ON_TIME = "2026-03-01 10:00:00 UTC"
LATE = "2026-03-04 09:00:00 UTC"
SECONDS = 5  # that one cell may run
GIVEN = {"rainfall.csv": b"month,mm\nMarch,61\nApril,38\nMay,54\n"}
OWN = "favourites.txt"  # which the student hands in
SETTINGS = f"""
title = "Squares, and what they are good for"
packages = ["numpy", "matplotlib"]
files = ["{OWN}"]

[limits]
seconds = 60
cell_seconds = {SECONDS}
"""

# ---- the instructor's version --------------------------------------------------

TOOLS = """
import matplotlib.pyplot as plt
import numpy as np


def close(one, other):
    return abs(one - other) <= 1e-9 * max(1, abs(other))
"""

ANSWERS = {
    "squares": '''
def squares(n):
    """The squares of 1, 2, ..., n as a list; ValueError for an n below 1."""
    ### BEGIN SOLUTION
    if n < 1:
        raise ValueError(f"n: expected a number from 1 on, got {n}")
    return [k**2 for k in range(1, n + 1)]
    ### END SOLUTION
''',
    "total": '''
def total(n):
    """The sum of the first n squares; let `squares` do the work."""
    ### BEGIN SOLUTION
    return sum(squares(n))
    ### END SOLUTION
''',
    "driest": '''
def driest():
    """The month of rainfall.csv with the least rain."""
    ### BEGIN SOLUTION
    with open("rainfall.csv") as file:
        rows = [line.split(",") for line in file.read().split()[1:]]
    return min(rows, key=lambda row: float(row[1]))[0]
    ### END SOLUTION
''',
    "favourites": '''
def favourites():
    """The numbers in favourites.txt, a file that you write and hand in."""
    ### BEGIN SOLUTION
    with open("favourites.txt") as file:
        return [int(word) for word in file.read().split()]
    ### END SOLUTION
''',
    "counted": '''
calls = 0


def counted(x):
    """Return x, and count in `calls` how often that was done."""
    ### BEGIN SOLUTION
    global calls
    calls += 1
    return x
    ### END SOLUTION
''',
    "spread": '''
def spread(numbers):
    """The distance between the largest number and the smallest."""
    ### BEGIN SOLUTION
    return max(numbers) - min(numbers)
    ### END SOLUTION
''',
    "letters": '''
def letters(word):
    """The set of the letters of a word."""
    ### BEGIN SOLUTION
    return set(word)
    ### END SOLUTION
''',
    "evens": '''
def evens(n):
    """The even numbers from 0 up to and without n, in order."""
    ### BEGIN SOLUTION
    return list(range(0, n, 2))
    ### END SOLUTION
''',
    "greet": '''
def greet(name):
    """Print a greeting; return nothing."""
    ### BEGIN SOLUTION
    print("Hello,", name)
    ### END SOLUTION
''',
    "halvings": '''
def halvings(n):
    """How often n can be halved before it is odd."""
    ### BEGIN SOLUTION
    return (n & -n).bit_length() - 1
    ### END SOLUTION
''',
    "price": '''
def price(name):
    """What it costs; KeyError for what is not sold."""
    ### BEGIN SOLUTION
    return {"milk": 2, "bread": 3}[name]
    ### END SOLUTION
''',
    "basket": '''
class Basket:
    """Add things by name; `cost()` is the sum of their prices."""

    ### BEGIN SOLUTION
    def __init__(self):
        self.names = []

    def add(self, name):
        self.names.append(name)

    def cost(self):
        return sum(price(name) for name in self.names)

    def __len__(self):
        return len(self.names)
    ### END SOLUTION
''',
    "tidy": '''
def tidy(numbers):
    """Sort a list in place; return nothing."""
    ### BEGIN SOLUTION
    numbers.sort()
    ### END SOLUTION
''',
    "twice": '''
def twice(function, x):
    """The function of the function of x."""
    ### BEGIN SOLUTION
    return function(function(x))
    ### END SOLUTION
''',
    "picture": """
# Plot the first nine squares; call the axes `axes`, and name them.
### BEGIN SOLUTION
figure, axes = plt.subplots()
axes.plot(range(1, 10), squares(9), "o")
axes.set_xlabel("n")
axes.set_ylabel("n squared")
### END SOLUTION
""",
    "use": """
### BEGIN SOLUTION
def balls(n):
    return total(n)  # in a pyramid of n layers
### END SOLUTION
""",
}

TESTS = {
    "test-squares": """
assert squares(1) == [1]
assert squares(4) == [1, 4, 9, 16]
### BEGIN HIDDEN TESTS
assert squares(7) == [1, 4, 9, 16, 25, 36, 49]
### END HIDDEN TESTS
""",
    "test-squares-raises": """
for n in (0, -3):
    try:
        squares(n)
    except ValueError:
        continue
    raise AssertionError(f"squares({n}) raises no ValueError")
""",
    "test-squares-documented": "assert squares.__doc__",
    "test-total": """
assert total(1) == 1
assert total(3) == 14
### BEGIN HIDDEN TESTS
assert total(20) == 2870
### END HIDDEN TESTS
""",
    "test-total-uses-squares": """
the_students_own = squares
del squares
try:
    total(2)
except NameError:
    pass
else:
    raise AssertionError("total works without squares")
finally:
    squares = the_students_own
assert total(2) == 5
""",
    "test-driest": 'assert driest() == "April"',
    "test-favourites": """
numbers = favourites()
assert len(numbers) >= 3
assert all(number > 0 for number in numbers)
""",
    "test-counted": """
before = calls
assert counted("a") == "a" and counted(None) is None
assert calls == before + 2
""",
    "test-spread": """
assert close(spread([3, 8, 5]), 5)
### BEGIN HIDDEN TESTS
assert close(spread(np.array([-0.5, 0.25])), 0.75)
### END HIDDEN TESTS
""",
    "test-letters": 'assert letters("noon") == {"n", "o"}',
    "test-evens": "assert list(evens(7)) == [0, 2, 4, 6]\nassert list(evens(0)) == []",
    "test-greet": 'assert greet("Ada") is None',
    "test-greet-prints": """
import contextlib
import io

with contextlib.redirect_stdout(io.StringIO()) as printed:
    greet("Ada")
assert printed.getvalue() == "Hello, Ada\\n"
""",
    "test-halvings": """
known = {12: 2, 7: 0, 8: 3, 1: 0}
2 * sum(halvings(n) == times for n, times in known.items()) / len(known)
""",
    "test-price": """
assert price("bread") == 3
try:
    price("tea")
except KeyError as error:
    assert error.args == ("tea",)
else:
    raise AssertionError("tea is not sold")
""",
    "test-basket": """
basket = Basket()
assert basket.cost() == 0
basket.add("milk")
basket.add("bread")
assert basket.cost() == 5 and basket.names == ["milk", "bread"]
""",
    "test-basket-length": """
basket = Basket()
basket.add("milk")
assert len(basket) == 1
""",
    "test-tidy": """
numbers = [3, 1, 2]
tidy(numbers)
assert numbers == [1, 2, 3]
""",
    "test-twice": "assert twice(abs, -3) == 3",
    "test-picture": """
(dots,) = axes.get_lines()
assert np.array_equal(dots.get_ydata(), np.arange(1, 10) ** 2)
assert axes.get_xlabel() and axes.get_ylabel()
""",
    "test-picture-there": 'assert "axes" in globals()',
}

# Tests that lean on student and tests sharing one kernel, and why they fail here.
ONE_KERNEL = {
    "test-basket-length": "what is no plain data can be called and read, no more",
    "test-tidy": "arguments are copies",
    "test-twice": "no function of the test's reaches the student",
    "test-picture-there": "a student's name is found by its use, not in a list",
}

POINTS = dict.fromkeys(TESTS, 1) | {"test-squares": 2, "test-halvings": 2}
BY_HAND = {"formula": 1, "use": 2, "sums": 3, "words": 1, "limits": 2}
SUMS = "State the sum of the first n odd numbers, and check it in cells below."


def _code(source, grade_id=None, **flags):
    metadata = nbgrader(grade_id, **flags) if grade_id else {}
    return v4.new_code_cell(source.strip(), metadata=metadata)


def _text(source, grade_id=None, **flags):
    metadata = nbgrader(grade_id, **flags) if grade_id else {}
    return v4.new_markdown_cell(source, metadata=metadata)


def _essay(grade_id, words):
    source = f"### BEGIN SOLUTION\n{words}\n### END SOLUTION"
    flags = {"grade": True, "solution": True, "points": BY_HAND[grade_id]}
    return _text(source, grade_id, **flags)


def _answer(grade_id):
    by_hand = {"grade": True, "points": BY_HAND["use"]} if grade_id == "use" else {}
    return _code(ANSWERS[grade_id], grade_id, solution=True, **by_hand)


def _test(grade_id):
    flags = {"grade": True, "locked": True, "points": POINTS[grade_id]}
    return _code(TESTS[grade_id], grade_id, **flags)


def _problem1():
    cells = [
        _text("# Squares"),
        _code(TOOLS, "tools", locked=True),
        _text("Only change what you are asked to.", "rules", locked=True),
    ]
    for name in ANSWERS:
        cells.append(_text(f"## {name.capitalize()}"))
        cells.append(_answer(name))
        wanted = f"test-{name}"
        cells += [_test(t) for t in TESTS if t == wanted or t.startswith(f"{wanted}-")]
    cells.append(_essay("formula", r"$1^2 + \dots + n^2 = n (n + 1) (2 n + 1) / 6$"))
    cells.append(_text(SUMS, "sums", task=True, points=BY_HAND["sums"]))
    return v4.new_notebook(cells=cells, metadata=_metadata("python3", "Python 3"))


def _problem2():
    cells = [
        _text("## What does `total` do, and for which n not?"),
        _essay("words", "It adds the squares that another function lists."),
        _essay("limits", "Below 1 there is nothing to add, so it raises."),
    ]
    return v4.new_notebook(cells=cells, metadata=_metadata("python3", "Python 3"))


def _metadata(name, shown):
    kernel = {"name": name, "display_name": shown, "language": "python"}
    return {"kernelspec": kernel, "language_info": {"name": "python"}}


def source():
    """The instructor's notebooks: name -> notebook."""
    return {"problem1": _problem1(), "problem2": _problem2()}


# ---- the class -----------------------------------------------------------------


@dataclass
class Submission:
    """What one student hands in, told by how it differs from what is right.

    answers: grade id -> what the cell holds; with blank, all others are left as
    they were released. edit: a function that changes the notebooks.
    files: name -> bytes, of what comes beside them.
    loses: grade id of a test -> the points that it should cost; here all of
    ONE_KERNEL are lost besides.
    by_hand: what waits for a person. state: in which the submission should end.
    """

    answers: dict = field(default_factory=dict)
    blank: bool = False
    edit: object = None
    files: dict = field(default_factory=lambda: {OWN: b"3 7 19\n"})
    timestamp: str = ON_TIME
    loses: dict = field(default_factory=dict)
    by_hand: set = field(default_factory=lambda: set(BY_HAND))
    state: str = "graded"

    def notebooks(self, release):
        """The notebooks: name -> the text of the file."""
        notebooks = copy.deepcopy(release)
        answers = ({} if self.blank else right()) | self.answers
        for grade_id, text in answers.items():
            find(notebooks, grade_id).source = text.strip()
        if self.edit:
            self.edit(notebooks)
        return {
            name: book if isinstance(book, str) else nbformat.writes(book)
            for name, book in notebooks.items()
        }


def right():
    """Grade id -> the instructor's own answer."""
    return {
        cell.metadata.nbgrader.grade_id: "\n".join(
            line for line in cell.source.split("\n") if "### " not in line
        )
        for notebook in source().values()
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("solution")
    }


def find(notebooks, grade_id):
    """The cell of this name, in whichever notebook it stands."""
    return next(
        cell
        for notebook in notebooks.values()
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == grade_id
    )


def points_of(*grade_ids):
    """Grade id -> all points of these tests."""
    return {grade_id: POINTS[grade_id] for grade_id in grade_ids}


def _insert(notebooks, after, *cells):
    """Put cells behind the cell of this name."""
    notebook = notebooks["problem1"]
    where = notebook.cells.index(find(notebooks, after)) + 1
    notebook.cells[where:where] = cells


def _remove(notebooks, *grade_ids):
    for grade_id in grade_ids:
        notebooks["problem1"].cells.remove(find(notebooks, grade_id))


SQUARES = right()["squares"]


def _changes_tests(notebooks):
    """Tests made easier, their points and tags too."""
    find(notebooks, "test-squares").source = "assert squares(1) == [1]"
    find(notebooks, "test-total").source = ""
    changed = find(notebooks, "test-spread")
    changed.source = "# I commented this out, it was red"
    changed.metadata.tags = ["raises-exception"]
    find(notebooks, "tools").source = "def close(one, other):\n    return True"
    find(notebooks, "test-driest").metadata.nbgrader.points = 100


def _adds_cells(notebooks):
    """Cells of one's own, some of which only Jupyter understands."""
    notebooks["problem1"].cells.insert(0, _code("%matplotlib inline"))
    _insert(
        notebooks,
        "picture",
        _code("!ls\nprint(squares(10))"),
        _code("plt.plot(np.arange(4))\nplt.title('mine')\nplt.show()"),
        _code("%%time\nsquares(100)[-1]"),
        _code("raise KeyError('just trying')"),
    )
    _insert(notebooks, "squares", _code("name = input('Who are you? ')"))
    _insert(notebooks, "sums", _text("$n^2$"), _code("sum(range(1, 20, 2)) == 100"))


def _old_format(notebooks):
    """Format 4.2 knows no ids of cells; and the kernel is one of another machine."""
    for name, notebook in notebooks.items():
        notebook.metadata = nbformat.from_dict(_metadata("my-env-39", "My env"))
        table = json.loads(nbformat.writes(notebook))
        table["nbformat_minor"] = 2
        for cell in table["cells"]:
            del cell["id"]
        notebooks[name] = json.dumps(table)


def _copies_a_cell(notebooks):
    """A test pasted a second time."""
    copied = copy.deepcopy(find(notebooks, "test-squares"))
    copied.id = "pasted"
    _insert(notebooks, "test-squares", copied)


def _answers_elsewhere(notebooks):
    """The answer stands in a cell of one's own; and one notebook is not there."""
    _insert(notebooks, "squares", _code(SQUARES))
    del notebooks["problem2"]


OTHER_STYLE = {
    "squares": """
from collections.abc import Callable, Iterator
from functools import wraps


class Row:
    step: int = 1

    def __init__(self, end: int) -> None:
        self.end = end

    def __iter__(self) -> Iterator[int]:
        yield from range(1, self.end + 1, self.step)


class TooSmall(ValueError):
    pass


def positive(function: Callable) -> Callable:
    @wraps(function)
    def checked(n: int) -> list[int]:
        if n < 1:
            raise TooSmall(n)
        return function(n)

    return checked


@positive
def squares(n: int) -> list[int]:
    "The squares."
    return [np.int64(k * k) for k in Row(n)]
""",
    "total": """
async def adding(n):
    return np.sum(squares(n))


def total(n):
    try:
        adding(n).send(None)
    except StopIteration as done:
        return done.value
""",
    "driest": """
def reader(name):
    def read():
        return np.genfromtxt(name, str, delimiter=",", skip_header=1)

    return read


rainfall = reader("rainfall.csv")


def driest():
    months, rain = rainfall().T
    return months[rain.astype(float).argmin()]
""",
    "counted": """
calls = 0


def counting(function):
    def inner(*arguments):
        global calls
        calls = calls + 1
        return function(*arguments)

    return inner


counted = counting(lambda x: x)
""",
    "spread": "def spread(numbers):\n    return np.ptp(np.float64(numbers))",
    "letters": "def letters(word):\n    return frozenset(word)",
    "evens": "def evens(n):\n    return (k for k in range(n) if k % 2 == 0)",
    "halvings": "def halvings(n):\n    return np.int64(np.log2(n & -n))",
    "use": "await adding(4)",
}

HARD_CODED = {
    "squares": "def squares(n):\n    if n < 1:\n        raise ValueError\n"
    "    return {1: [1], 4: [1, 4, 9, 16]}[n]",
    "total": "def total(n):\n    return {1: 1, 3: 14}.get(n, 385)",
    "spread": "def spread(numbers):\n    return 5",
    "halvings": "def halvings(n):\n    return 0",
}

NOISY = {
    "squares": SQUARES.replace("    if", "    print('n is', n)\n    if")
    + "\nprint('defined')\nsquares(3)",
    "counted": """
calls = 0


def counted(x):
    global calls
    calls += 1
    display(x)
    return x
""",
    "spread": """
import warnings


def spread(numbers):
    warnings.warn("spread may be slow")
    return max(numbers) - min(numbers)
""",
    "letters": """
import sys


def letters(word):
    print("taking apart", word, file=sys.stderr)
    return set(word)
""",
}

ALL_SQUARES = points_of(
    "test-squares",
    "test-squares-documented",
    "test-squares-raises",
    "test-total",
    "test-total-uses-squares",
    "test-picture",
)

CLASS = {
    "right": Submission(),
    "blank": Submission(
        blank=True,
        files={},
        loses=points_of(*POINTS.keys() - {"test-squares-documented"}),
        by_hand={"sums"},
        state="unanswered",
    ),
    "half-right": Submission(
        {
            "squares": SQUARES.replace("range(1, n + 1)", "range(n)"),
            "halvings": "def halvings(n):\n    return 0 if n % 2 else 2",
            "letters": "def letters(word):\n    return sorted(set(word))",
            "picture": "figure, axes = plt.subplots()\naxes.plot(squares(9))",
        },
        files={OWN: b"3 7"},
        timestamp=LATE,
        loses=points_of("test-squares", "test-total", "test-total-uses-squares")
        | points_of("test-letters", "test-picture", "test-favourites")
        | {"test-halvings": 0.5},
    ),
    "raises": Submission(
        {
            "squares": SQUARES.replace("n < 1", "n <= 1"),
            "counted": "calls = 0\ndef counted(x):\n    return x.upper()",
            "spread": "def spread(numbers):\n    raise OverflowError(numbers)",
            "letters": "def letters(word):\n    return set(input(word))",
            "evens": "import sys\ndef evens(n):\n    sys.exit(n)",
            "use": "1 / 0",
        },
        loses=points_of("test-squares", "test-total", "test-counted", "test-spread")
        | points_of("test-letters", "test-evens"),
    ),
    "hard-coded": Submission(
        HARD_CODED,
        loses=points_of("test-squares", "test-total", "test-total-uses-squares")
        | points_of("test-squares-documented")
        | points_of("test-spread", "test-picture")
        | {"test-halvings": 1},
    ),
    "does-not-run": Submission(
        {
            "driest": "def driest():\n    n = 0\n    while True:\n        n += 1",
            "spread": "def spread(numbers)\n    return max(numbers) - min(numbers)",
        },
        loses=points_of("test-driest", "test-spread"),
    ),
    "deleted-tests": Submission(
        {
            "spread": "def spread(numbers):\n    return 0",
            "total": "def total(n):\n    return n * (n + 1) * (2 * n + 1) // 6",
            "evens": "def evens(n):\n    return range(0, n, 2)",
        },
        edit=lambda books: _remove(books, "test-squares", "test-spread"),
        loses=points_of("test-spread", "test-total-uses-squares"),
    ),
    "changed-tests": Submission(
        {
            "squares": "def squares(n):\n    return [1]",
            "driest": "def driest():\n    return 'May'",
            "spread": "def spread(numbers):\n    return 0",
        },
        edit=_changes_tests,
        loses=ALL_SQUARES | points_of("test-spread", "test-driest"),
    ),
    "deleted-answers": Submission(
        edit=lambda books: _remove(books, "squares", "formula"),
        loses=ALL_SQUARES,
        by_hand=set(BY_HAND) - {"formula"},
    ),
    "noisy": Submission(NOISY, edit=_adds_cells),
    "other-style": Submission(OTHER_STYLE, loses=points_of("test-evens")),
    "old-format": Submission(
        edit=_old_format,
        files={"rainfall.csv": b"month,mm\nJune,1\n", OWN: b"1 1 1", "more.txt": b"1"},
    ),
    "elsewhere": Submission(
        {"squares": "def squares(n):\n    ...  # see below"},
        edit=_answers_elsewhere,
        by_hand={"formula", "use", "sums"},
        state="malformed",
    ),
    "copied-cell": Submission(edit=_copies_a_cell),
    "stops-python": Submission(
        {"letters": "import os\ndef letters(word):\n    os._exit(0)"},
        loses=points_of(*list(POINTS)[list(POINTS).index("test-letters") :]),
        state="crashed",
    ),
}


# ---- the folder ----------------------------------------------------------------

CONFIG = (
    classroom.CONFIG.replace('"small"', '"squares"')
    + f"""
c.ExecutePreprocessor.timeout = {SECONDS}
c.ExecutePreprocessor.iopub_timeout = 60  # so that a busy machine fails nobody
c.Execute.extra_arguments = ["--log-level=ERROR"]  # of the kernels
c.NbGraderAPI.log_level = "ERROR"
"""
)


def make_course(folder):
    """A course with this assignment, not released yet."""
    path = folder / "source" / ASSIGNMENT
    path.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG)
    (path / "assignment.toml").write_text(SETTINGS)
    for name, data in GIVEN.items():
        (path / name).write_bytes(data)
    for name, notebook in source().items():
        nbformat.write(notebook, path / f"{name}.ipynb")


def hand_in(folder):
    """Write what the class hands in; the assignment has been released."""
    path = folder / "release" / ASSIGNMENT
    release = {name: nbformat.read(path / f"{name}.ipynb", 4) for name in source()}
    for student, submission in CLASS.items():
        path = folder / "submitted" / student / ASSIGNMENT
        path.mkdir(parents=True)
        (path / "timestamp.txt").write_text(submission.timestamp)
        for name, text in submission.notebooks(release).items():
            (path / f"{name}.ipynb").write_text(text, encoding="utf-8")
        for name, data in submission.files.items():
            (path / name).write_bytes(data)
