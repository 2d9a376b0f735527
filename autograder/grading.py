"""One submission, from its bytes to graded notebooks: bytes in, bytes out.

`grade` is what a worker runs, whether it is a process of this machine or one
of a cluster. A job holds all that it needs: the files of one student, the
released notebooks with their hidden tests, and the assignment's settings. The
worker keeps a fork server for students and one for judges between jobs.
"""

import ast
import atexit
import contextlib
import re
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from html import escape

import msgpack
import nbformat
from nbformat import v4
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution

from autograder import sandbox
from autograder.forkserver import ForkServer
from autograder.normalise import SourceCell, normalise, source_cells
from autograder.sanitise import (
    sanitise_cell,
    sanitise_markdown,
    sanitise_outputs,
    sanitise_text,
)
from autograder.session import Cell, Session, bound_names
from autograder.settings import Limits, Settings
from autograder.states import State
from autograder.unconfined import Unconfined

HIDDEN = "BEGIN HIDDEN TESTS"  # nbgrader's marks
HIDDEN_END = "END HIDDEN TESTS"
VERDICT = "application/vnd.autograder.verdict+json"
ATTEMPTS = 3  # for a submission whose fork server was killed
SLACK = 30  # seconds that a process may live beyond the time of its cells


@dataclass(frozen=True)
class Released:
    """One notebook as it was released, hidden tests included.

    cells: in their order. binds: the grade id of an answer -> the names that the
    instructor's own version binds. free: the texts of the cells between them.
    """

    cells: tuple[SourceCell, ...]
    binds: dict[str, tuple[str, ...]] = field(default_factory=dict)
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class Assignment:
    """What grading needs to know of an assignment.

    notebooks: by name, without .ipynb. given: the instructor's files, by name.
    environment, paths: variables that judges see, folders they import from.
    hidden, hidden_end: the marks around what students must not see.
    """

    name: str
    notebooks: dict[str, Released]
    settings: Settings = Settings()
    given: dict[str, bytes] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    hidden: str = HIDDEN
    hidden_end: str = HIDDEN_END


@dataclass(frozen=True)
class Graded:
    """One graded notebook.

    text: its JSON. scores: grade id -> points, None where a person has to give
    them. blank: the ids of answers that still are as released.
    """

    text: str
    scores: dict[str, float | None]
    blank: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """How a submission ended. files: what was kept of it besides notebooks."""

    state: State
    message: str
    seconds: float
    notebooks: dict[str, Graded]
    files: dict[str, bytes] = field(default_factory=dict)


# ---- the released notebook -----------------------------------------------------


def released(notebook, stored=None):
    """A Released notebook, from the instructor's own.

    stored: the cells as the gradebook has them, in any order, where solutions
    are cleared and hidden tests in place. Without it `notebook` must be so itself.
    """
    cells = source_cells(notebook)
    binds = {
        cell.grade_id: tuple(sorted(bound_names(cell.text)))
        for cell in cells
        if cell.solution and cell.cell_type == "code"
    }
    if stored is not None:
        order = {cell.grade_id: number for number, cell in enumerate(cells)}
        cells = sorted(stored, key=lambda cell: order.get(cell.grade_id, len(order)))
    free = tuple(c.source for c in notebook.cells if not c.metadata.get("nbgrader"))
    return Released(tuple(cells), binds, free)


def without_hidden(text, begin, end):
    """The lines outside of hidden regions; one that never ends hides the rest.

    nbgrader's own function raises where a region is not as it should be, and so
    would stop a whole class.
    """
    kept, hidden = [], False
    for line in text.split("\n"):
        if begin in line:
            hidden = True
        elif end in line:
            hidden = False
        elif not hidden:
            kept.append(line)
    return "\n".join(kept)


# ---- bytes ---------------------------------------------------------------------


def pack_job(assignment, student, files, layers):
    """The job of grading one submission, as bytes; equal jobs are equal bytes.

    files: name -> bytes, or None, as `normalise.read_folder` gives them.
    layers: of the sandbox, as `doctor.layers_to_ask` gives them.
    """
    job = asdict(assignment) | {"files": files, "layers": sorted(layers)}
    return msgpack.packb(job | {"student": student})


def _read_job(data):
    job = msgpack.unpackb(data)
    files, layers, _ = (job.pop(key) for key in ("files", "layers", "student"))
    notebooks = {
        name: Released(
            tuple(SourceCell(**c) for c in part["cells"]), part["binds"], part["free"]
        )
        for name, part in job.pop("notebooks").items()
    }
    settings = job.pop("settings")
    settings |= {"limits": Limits(**settings["limits"])}
    for key in ("packages", "files"):
        settings[key] = tuple(settings[key])
    assignment = Assignment(notebooks=notebooks, settings=Settings(**settings), **job)
    return assignment, files, frozenset(layers)


def read_result(data):
    """The Result in what `grade` returned."""
    result = msgpack.unpackb(data)
    notebooks = {name: Graded(**part) for name, part in result["notebooks"].items()}
    state = State(result["state"])
    return Result(**result | {"state": state, "notebooks": notebooks})


# ---- grading -------------------------------------------------------------------


def grade(job):
    """Grade one submission. Takes the bytes of `pack_job`, returns those of a Result.

    Raises SandboxError or ServerError where this machine cannot confine or start
    what it should: that is no student's fault, and nothing is graded.
    """
    assignment, files, layers = _read_job(job)
    started, graded, ends, messages, kept = time.monotonic(), {}, set(), [], {}
    for name, source in assignment.notebooks.items():
        others = assignment.notebooks.keys() - {name}
        clean = normalise(
            files, source.cells, name, assignment.settings, others, free=source.free
        )
        state, message = clean.state, clean.message
        notebook = clean.notebook or v4.new_notebook()
        if clean.notebook is not None:
            ended = _execute(notebook, source, assignment, clean.files, layers)
            if ended is not None:
                state, message = State(ended), _told(ended, assignment.settings)
        graded[name] = _graded(notebook, source, state, message, clean.remarks)
        ends.add(state or State.GRADED)
        which = f"{name}: " if len(assignment.notebooks) > 1 else ""
        messages += [which + message] if message else []
        kept = clean.files
    state = next(state for state in _WORST_FIRST if state in ends)
    seconds = time.monotonic() - started
    result = Result(state, " ".join(messages), seconds, graded, assignment.given | kept)
    return msgpack.packb(asdict(result))


def failed(assignment, message):
    """The Result of a submission on which the grader itself failed."""
    graded = {
        name: _graded(v4.new_notebook(), source, State.CRASHED, message, [])
        for name, source in assignment.notebooks.items()
    }
    return Result(State.CRASHED, message, 0.0, graded, {})


_WORST_FIRST = (
    *(State.CRASHED, State.OUT_OF_MEMORY, State.TIMED_OUT, State.MALFORMED),
    *(State.GRADED, State.UNANSWERED),
)


def _told(ended, settings):
    """What a student reads about such an end."""
    limits = settings.limits
    how = {
        "timed out": "Your code was stopped: a cell may take "
        f"{limits.one_cell:g} seconds, all of them {limits.seconds:g}.",
        "out of memory": f"Your code used more than {limits.memory_mb:g} MB of memory.",
        "crashed": "Your code ended the Python process it ran in.",
    }
    return f"{how[ended]} What was earned until then counts."


def _execute(notebook, source, assignment, files, layers):
    """Run the cells of a notebook split, in place; how it ended, None if well."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for _ in range(ATTEMPTS):
        session = _session(assignment, files, layers)
        result = session.run([_cell(cell, source, assignment) for cell in cells])
        if result.ended != "lost":
            break
    else:
        raise RuntimeError("its fork server was killed again and again")
    for number, (cell, outputs) in enumerate(zip(cells, result.outputs), 1):
        cell.outputs = [nbformat.from_dict(output) for output in outputs]
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
    return result.ended


def _cell(cell, source, assignment):
    """A notebook's cell as the session runs it."""
    ours = cell.metadata.get("nbgrader", {})
    if not ours or ours["solution"]:
        return Cell(
            "student",
            cell.source,
            frozenset(source.binds.get(ours.get("grade_id"), ())),
        )
    kind = "test" if ours["grade"] else "locked"
    hidden, text = assignment.hidden in cell.source, cell.source
    released = without_hidden(text, assignment.hidden, assignment.hidden_end)
    return Cell(kind, text, hidden=hidden, released=released)


def _session(assignment, files, layers):
    """The processes for one notebook, confined, not yet asked anything."""
    students, judges = _servers(assignment)
    limits = assignment.settings.limits
    confined = sandbox.Limits(
        seconds=limits.seconds + SLACK,
        cpu_seconds=int(limits.seconds) + SLACK,
        memory_mb=limits.memory_mb,
    )
    return Session(
        lambda: students.start(confined, layers),
        lambda: judges.start(confined, layers, assignment.environment),
        cell_seconds=limits.one_cell,
        seconds=limits.seconds,
        files=assignment.given | files,
    )


# ---- fork servers --------------------------------------------------------------

_KEPT = {}  # what the servers have loaded -> (for students, for judges)


def _servers(assignment):
    """The two fork servers for an assignment; others of this worker are ended."""
    settings = assignment.settings
    permitted = tuple(name for names in settings.modules.values() for name in names)
    imports = _imports(assignment)
    within = {*settings.packages}
    students = [name for name in imports if name.partition(".")[0] in within]
    key = settings.packages, permitted, tuple(imports), tuple(assignment.paths)
    if key not in _KEPT:
        close_servers()
        server = ForkServer if sys.platform == "linux" else Unconfined
        _KEPT[key] = (
            server("student", settings.packages, (*permitted, *students)),
            server("judge", settings.packages, imports, assignment.paths),
        )
    return _KEPT[key]


def _imports(assignment):
    """The modules that the instructor's cells import, to be loaded once."""
    found = set()
    for notebook in assignment.notebooks.values():
        for cell in notebook.cells:
            if cell.fixed and cell.cell_type == "code":
                with contextlib.suppress(SyntaxError):  # magics
                    for node in ast.walk(ast.parse(cell.text)):
                        if isinstance(node, ast.Import):
                            found |= {alias.name for alias in node.names}
                        elif isinstance(node, ast.ImportFrom) and not node.level:
                            found.add(node.module)
    return sorted(found)


@atexit.register
def close_servers():
    """End the fork servers of this process."""
    for servers in _KEPT.values():
        for server in servers:
            server.close()
    _KEPT.clear()


# ---- scores and what is shown --------------------------------------------------


def _graded(notebook, source, state, message, remarks):
    """Score a notebook that was run, then make it safe to look at."""
    scores = {c.grade_id: 0.0 for c in source.cells if c.points is not None}
    blank = []
    for cell in notebook.cells:
        ours = cell.metadata.get("nbgrader", {})
        if is_grade(cell):
            scores[ours.grade_id] = _score(cell)
        elif ours.get("task"):
            scores[ours.grade_id] = None
        if is_solution(cell) and ours.get("checksum") == compute_checksum(cell):
            blank.append(ours.grade_id)
    for cell in notebook.cells:
        _make_safe(cell)
    if message or remarks:
        notebook.cells.insert(0, _note(state, message, remarks))
    text = nbformat.writes(notebook).encode("utf-8", "replace").decode()
    return Graded(text, scores, tuple(blank))


def _score(cell):
    """Points of a graded cell as nbgrader gives them, but for two of its rules.

    There a warning is a failure. And it gives all points where the last value of
    a test is below 0, not a number, `np.float64(0.5)` or an array: what becomes
    of a sum of points as soon as a student's function returns such a thing.
    """
    if cell.cell_type == "code" and not is_solution(cell):
        most = float(cell.metadata.nbgrader.points)
        for output in cell.outputs:
            if output.get("name") == "stderr":
                output.name = "stdout"
            if output.output_type == "execute_result":
                number = _number("".join(output.data.get("text/plain", "")))
                if number is not None:
                    right = 0.0 <= number <= most  # so NaN is not
                    output.data["text/plain"] = repr(number if right else 0.0)
    return determine_grade(cell)[0]


def _number(text):
    """The number that a text shows: 0 for arrays, None for other text."""
    scalar = re.fullmatch(r"np\.\w+\((.*)\)", text)
    with contextlib.suppress(ValueError):
        number = complex(scalar[1] if scalar else text)
        return 0.0 if number.imag else number.real
    return 0.0 if re.match(r"(masked_)?array\(|tensor\(", text) else None


def _make_safe(cell):
    """Clean what a student wrote; what the instructor wrote stays."""
    ours = cell.metadata.get("nbgrader", {})
    if not ours or ours["solution"]:
        sanitise_cell(cell)
    elif cell.cell_type == "code":
        clean = []
        for output in cell.outputs:
            verdict = output.get("data", {}).pop(VERDICT, None)
            clean += sanitise_outputs([output])
            if verdict is not None:
                clean[-1].data[VERDICT] = verdict
        cell.outputs = clean


_TITLES = {
    State.UNANSWERED: "Nothing was answered",
    State.MALFORMED: "This notebook could not be graded",
    State.TIMED_OUT: "Your code took too long",
    State.OUT_OF_MEMORY: "Your code took too much memory",
    State.CRASHED: "The grading was broken off",
}


def _note(state, message, remarks):
    """The first cell of a graded notebook: what became of it, and what was found."""
    title = _TITLES.get(state, "About this submission")
    text = f"<p><strong>{title}.</strong> {escape(message)}</p>"
    if state == State.MALFORMED:
        text += "<p>Nothing was run, so its points are no judgement of your work.</p>"
    items = "".join(f"<li>{escape(_in_full(remark))}</li>" for remark in remarks)
    text += f"<ul>{items}</ul>" if items else ""
    return v4.new_markdown_cell(sanitise_markdown(text), id="autograder-note")


def _in_full(remark):
    """A remark on one line, the names of a few files included."""
    return " ".join(sanitise_text(remark, limit=1000).split())


def with_limits(settings, seconds=None, memory_mb=None):
    """Settings with other limits, where they are given."""
    changes = {"seconds": seconds, "memory_mb": memory_mb}
    changes = {key: value for key, value in changes.items() if value is not None}
    return replace(settings, limits=replace(settings.limits, **changes))


__all__ = ["Assignment", "Graded", "Released", "Result", "grade", "read_result"]
