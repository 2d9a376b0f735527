"""What a made-up class hands in: right answers, known mistakes, accidents.

Nothing here knows an assignment by name. Right answers are the source's own;
mistakes are those of the bank, written out so that they run where neither the
bank nor lstm_lib can be imported. Each student has a history, and the same
names give the same class on every machine.
"""

import ast
import builtins
import copy
import datetime
import functools
import importlib
import inspect
import random
import sys
from dataclasses import dataclass

import course
import nbformat
from course import find_cell

from lstm_lib.checks.misconceptions import BANK

DUE = datetime.datetime(2026, 3, 2, 18)  # of the first set; then one in two weeks
HOUR = datetime.timedelta(hours=1)
IN_WORDS = "Here stands, in the student's own words, what a person has to grade."

# Accidents that one or two students have in every set, and rare ones, which
# one student has in the whole course.
ACCIDENTS = ("blank", "syntax error", "deleted test")
RARE = ("endless loop", "broken file", "reads files")


@dataclass(frozen=True)
class Submission:
    """One student's work on one set, as it was made.

    kind: one of ACCIDENTS or RARE, "right", "mistakes" or "half done".
    mistakes: the bank's ids. notebook: a notebook, or the text of a broken file.
    """

    kind: str
    mistakes: tuple[str, ...]
    notebook: nbformat.NotebookNode | str
    handed_in: datetime.datetime


# ---- who hands in what -------------------------------------------------------


def students(number):
    """The ids of a class."""
    return [f"student-{n:02}" for n in range(1, number + 1)]


def due(assignment):
    """When a set is due, in UTC: the first in March, then one in two weeks."""
    return DUE + course.assignments().index(assignment) * datetime.timedelta(weeks=2)


def as_text(moment):
    """A moment as nbgrader reads it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def hand_in(assignment, release, number, names, folder):
    """Student -> Submission, of those who hand this set in.

    release: the released notebook. number: of students in the class. names: of
    all sets that are graded now. folder: the course, which somebody tries to read.
    """
    work = Work(assignment, release, folder)
    found = {}
    accidents = _accidents(assignment, number, names)
    for student in students(number):
        chance = random.Random(f"{student} {assignment}")
        skill = random.Random(student).random()
        kind = accidents.get(student)
        if kind is None and chance.random() > _share(assignment, skill):
            continue
        late = chance.random() < 0.1
        hours = chance.uniform(0.5, 60) if late else -chance.uniform(0.5, 72)
        made = work.make(kind or _kind(skill, chance), skill, chance)
        found[student] = Submission(*made, due(assignment) + hours * HOUR)
    return found


def _accidents(assignment, number, names):
    """Student -> the accident, of a few; at most a half of the class."""
    rare = [kind for k, kind in enumerate(RARE) if names[k % len(names)] == assignment]
    kinds = [*rare, *ACCIDENTS, *(ACCIDENTS if number >= 20 else ())]
    who = random.Random(f"accidents {assignment}").sample(students(number), number)
    return dict(zip(who[: max(1, number // 2)], kinds))


def _share(assignment, skill):
    """How likely a student is to hand a set in: less so as the course goes on."""
    sets = course.assignments()
    gone = sets.index(assignment) / len(sets)
    return 0.99 - 0.4 * gone * (1 - skill)


def _kind(skill, chance):
    """What becomes of an evening: the better a student, the more often right."""
    luck = chance.random()
    if luck < 0.15 + 0.55 * skill:
        return "right"
    return "mistakes" if luck < 0.9 else "half done"


# ---- one submission ----------------------------------------------------------


class Work:
    """Makes submissions for one set."""

    def __init__(self, assignment, release, folder):
        self._release, self._folder = release, folder
        self._solution = course.solved(assignment, copy.deepcopy(release))
        self._answers = list(course.answers_of(release))
        self._checks = [n for n in course.graded(release) if n.endswith("-check")]
        settings = course.settings(assignment)
        self._permitted = *settings["packages"], *settings["lstm_lib"]
        cells = {name: find_cell(self._solution, name) for name in self._answers}
        self._functions = [n for n, c in cells.items() if "def " in c.source]
        self._known = {name: self._written_out(name) for name in self._answers}

    def make(self, kind, skill, chance):
        """Kind, ids of mistakes, notebook. skill: from 0 to 1. chance: a Random."""
        made, mistakes = copy.deepcopy(self._solution), ()
        for cell in course.graded(made).values():
            if cell.metadata.nbgrader.solution and cell.cell_type == "markdown":
                cell.source = IN_WORDS
        if kind == "blank":
            made = copy.deepcopy(self._release)
        elif kind == "mistakes":
            mistakes = self._make_mistakes(made, skill, chance)
        elif kind == "half done":
            for name in self._answers[len(self._answers) // 2 :]:
                self._leave(made, name)
        elif kind == "syntax error":
            cell = find_cell(made, chance.choice(self._functions))
            cell.source = cell.source.replace("):\n", ")\n", 1)
        elif kind == "deleted test":
            made.cells.remove(find_cell(made, chance.choice(self._checks)))
        elif kind == "endless loop":
            cell = find_cell(made, self._functions[-1])  # little else waits for it
            cell.source = _never_ending(cell.source)
        elif kind == "reads files":
            for name in self._answers:
                self._leave(made, name)
            find_cell(made, self._answers[0]).source = READS.format(self._folder)
        if kind in ("right", "mistakes") and chance.random() < 0.6:
            _in_own_style(made, chance)
        if kind == "broken file":  # the upload stopped in the middle
            text = nbformat.writes(made)
            made = text[: len(text) // 2]
        return kind, mistakes, made

    def _leave(self, made, name):
        find_cell(made, name).source = find_cell(self._release, name).source

    def _make_mistakes(self, made, skill, chance):
        """Put mistakes of the bank in place of right answers; their ids."""
        number = 1 + sum(chance.random() > 0.4 + 0.5 * skill for _ in range(2))
        possible = [name for name in self._answers if self._known[name]]
        ids = []
        for name in chance.sample(possible, min(number, len(possible))):
            # What stands first in the bank is what is seen most.
            known = self._known[name]
            weights = [1 / (1 + k) ** 1.5 for k in range(len(known))]
            entry, text = chance.choices(known, weights)[0]
            find_cell(made, name).source = text
            ids.append(entry.id)
        return tuple(ids)

    def _written_out(self, name):
        """The mistakes that can stand in an answer cell: (entry, its text)."""
        check = name.removesuffix("-answer").replace("-", "_")
        entries = [entry for entry in BANK if entry.check == check]
        found = [(entry, written_out(entry, self._permitted)) for entry in entries]
        return [(entry, text) for entry, text in found if text]


READS = """\
import json

# The solutions must lie somewhere on the grader's machine.
with open("{}/source/ps1/ps1.ipynb") as file:
    answers = json.load(file)["cells"]
exec("".join("".join(cell["source"]) for cell in answers))"""


def _never_ending(source):
    """A function that never comes back: nothing changes what its loop waits for."""
    tree = ast.parse(source)
    first = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    loop = ast.parse("step = 0\nwhile step < 10:\n    done = step == 10").body
    first.body[_docstring(first) : _docstring(first)] = loop
    return ast.unparse(ast.fix_missing_locations(tree))


def _docstring(function):
    return 0 if ast.get_docstring(function) is None else 1


# ---- the same answer, in another hand ------------------------------------------


def _in_own_style(notebook, chance):
    """Own names for local variables, and cells to try things out, in place."""
    for name, source in course.answers_of(notebook).items():
        find_cell(notebook, name).source = _with_own_names(source)
    place = chance.randrange(2, len(notebook.cells))
    notes = nbformat.v4.new_markdown_cell("My notes: compare the shapes on paper.")
    tries = nbformat.v4.new_code_cell("for row in np.eye(2):\n    print(row)")
    for cell, own_id in ((tries, "my-own-try"), (notes, "my-own-notes")):
        cell.id = own_id
        notebook.cells.insert(place, cell)


def _with_own_names(source):
    """The source with its functions' local variables called otherwise."""
    tree = ast.parse(source)
    for function in tree.body:
        if isinstance(function, ast.FunctionDef):
            nodes = list(ast.walk(function))
            fixed = {node.arg for node in nodes if isinstance(node, ast.arg)}
            for node in nodes:
                if isinstance(node, ast.Global | ast.Nonlocal):
                    fixed |= set(node.names)
            names = [node for node in nodes if isinstance(node, ast.Name)]
            stored = {n.id for n in names if isinstance(n.ctx, ast.Store)} - fixed
            for node in names:
                if node.id in stored:
                    node.id = f"my_{node.id}"
    return ast.unparse(tree)


# ---- a mistake of the bank, written out ------------------------------------------


def written_out(entry, permitted):
    """The source of a mistake as it would stand in an answer cell, or None.

    permitted: the packages and modules that may be imported. What it uses of
    other modules of lstm_lib stands there with it, inside a function, since a
    name of its own could be that of another answer. None where that does not
    do, or where it is not a plain function of its module.
    """
    parts = {}
    own = entry.function.__name__
    try:
        _collect(inspect.getmodule(entry.function), own, permitted, parts)
    except (LookupError, OSError):
        return None
    *helpers, mistake = parts.values()
    kinds = ast.Import | ast.ImportFrom
    imports = list(dict.fromkeys(node for node in helpers if isinstance(node, kinds)))
    within = {*permitted, *sys.stdlib_module_names}
    if any(not within & {*_modules(node)} for node in imports):
        return None
    helpers = [node for node in helpers if node not in imports]
    if not helpers:
        mistake.name = entry.check
        body = [*imports, mistake]
    else:
        back = ast.Return(ast.Name(own, ast.Load()))
        around = ast.parse("def as_i_see_it(): pass").body[0]
        around.body = [*helpers, mistake, back]
        given = ast.parse(f"{entry.check} = as_i_see_it()").body
        body = [*imports, around, *given]
    module = ast.fix_missing_locations(ast.Module(body, []))
    return ast.unparse(module)


def _plain(node):
    """A definition without its place in the bank and its docstring."""
    if not isinstance(node, ast.FunctionDef):
        return node
    node = copy.deepcopy(node)
    called = [d.func if isinstance(d, ast.Call) else d for d in node.decorator_list]
    kept = [getattr(d, "id", "") != "misconception" for d in called]
    node.decorator_list = [d for d, keep in zip(node.decorator_list, kept) if keep]
    if ast.get_docstring(node) is not None:
        del node.body[0]
    return node


def _modules(node):
    """The module that an import reads, and the package that it is of."""
    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return name, name.partition(".")[0]


def _collect(module, name, permitted, parts):
    """Add what defines a name of a module, after what that uses: name -> node.

    Raises LookupError where two modules use a name for two things.
    """
    node = _plain(_definitions(module)[name])
    if isinstance(node, ast.ImportFrom) and node.module.startswith("lstm_lib"):
        if node.module not in permitted:
            alias = next(a for a in node.names if (a.asname or a.name) == name)
            source = importlib.import_module(node.module)
            _collect(source, alias.name, permitted, parts)
            if alias.name != name:
                parts[name] = ast.parse(f"{name} = {alias.name}").body[0]
            return
    if name in parts:
        if ast.dump(parts[name]) != ast.dump(node):
            raise LookupError(f"{name}: means two things")
        return
    if not isinstance(node, ast.Import | ast.ImportFrom):
        for used in _used(node):
            if used in _definitions(module) and used != name:
                _collect(module, used, permitted, parts)
    parts[name] = node


@functools.cache
def _definitions(module):
    """Name -> the statement of a module's top that defines it."""
    found = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(a.asname or a.name).partition(".")[0]: node for a in node.names}
        elif isinstance(node, ast.Assign):
            names = [n for target in node.targets for n in ast.walk(target)]
            found |= {n.id: node for n in names if isinstance(n, ast.Name)}
    return found


def _used(node):
    """The names that a definition reads, in order."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    loaded = [n.id for n in names if isinstance(n.ctx, ast.Load)]
    return [name for name in dict.fromkeys(loaded) if not hasattr(builtins, name)]
