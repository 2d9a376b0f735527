"""One submission: the student's cells and the instructor's, in notebook order.

They are run twice, each time by two processes: a student's, for solutions and
free cells, and a judge's, for tests; locked cells run in both. The *display
run* comes first. It has of the tests what students have, never a hidden one,
and its outputs are what the graded notebook and the feedback show. The *hidden
run* executes everything, and only the outputs of hidden tests are kept: what
those passed in has nowhere to go, as the other run is over. This module starts
the processes, carries bytes between them, and ends what takes too long.
"""

import contextlib
import math
import select
import time
from dataclasses import dataclass, field, replace

from autograder import wire
from autograder.judge import bound_names

SHOWN = 40 * 2**20  # bytes of all outputs of a notebook
PARTS = 1_000_000  # values in the outputs of a cell, as lists take memory
GRACE = 2.0  # seconds between an interruption and the end of a process


class Gone(Exception):
    """A process of this submission has ended; the text says how."""


@dataclass(frozen=True)
class Cell:
    """A code cell as it is run.

    kind: "student" (solution and free cells), "locked" (given code, run on
    both sides) or "test" (run by the judge alone).
    binds: the names that the instructor's own version binds, of a solution.
    hidden: whether the test holds what students must not see; `released` is then
    the text that they have, without it.
    """

    kind: str
    source: str
    binds: frozenset = frozenset()
    hidden: bool = False
    released: str = ""

    @property
    def as_released(self):
        """What the student's notebook has in this place."""
        return self.released if self.hidden else self.source


@dataclass
class Result:
    """Outputs by cell, in notebook form, and how the submission ended.

    ended: None, or "timed out", "out of memory", "crashed" or "lost", where it
    was no fault of the submission.
    """

    outputs: list = field(default_factory=list)
    ended: str | None = None
    seconds: float = 0.0


class Partner:
    """A process that answers frames, with a deadline for each."""

    def __init__(self, process):
        self.process, self.ended = process, None

    def ask(self, data, deadline):
        """Return the answer to a frame; raise Gone where there is none."""
        self.send(data)
        return self.read(deadline)

    def send(self, data):
        """Write a frame. Bytes nobody asked for end the process."""
        self._expect_alive()
        if select.select([self.process.connection], [], [], 0)[0]:
            self.end(self.process.reason())  # it ended, or spoke unasked
            raise Gone(self.ended)
        try:
            self.process.connection.settimeout(GRACE)
            wire.write_frame(self.process.connection, data)
        except (OSError, EOFError):
            self.end(self.process.reason())
            raise Gone(self.ended) from None

    def read(self, deadline):
        """Return the next frame: after the deadline interrupt, then end."""
        self._expect_alive()
        for until, act in (
            (deadline, self.process.interrupt),
            (deadline + GRACE, lambda: self.end("timed out")),
        ):
            try:
                return self._frame(until)
            except TimeoutError:
                act()
            except (OSError, EOFError, wire.WireError):
                self.end(self.process.reason())
                break
        raise Gone(self.ended)

    def _frame(self, until):
        """The next frame; TimeoutError if it has not begun by then."""
        connection = self.process.connection
        left = max(0.0, until - time.monotonic())
        if not select.select([connection], [], [], left)[0]:
            raise TimeoutError
        return wire.read_frame(connection, until=max(until, time.monotonic()) + GRACE)

    def _expect_alive(self):
        if self.ended:
            raise Gone(self.ended)

    def end(self, reason=None):
        """Kill the process and all it started."""
        self.ended = self.ended or reason or "ended"
        self.process.kill()


class Session:
    """The two runs of one submission.

    start_student, start_judge: functions that return a process, with its
    `connection`, `interrupt()`, `kill()` and `reason()`.
    cell_seconds: for one cell; seconds: for all of them, in each of the runs.
    files: name -> bytes, written into the folder that each process works in.
    """

    def __init__(self, start_student, start_judge, *, cell_seconds, seconds, files=()):
        self._start = start_student, start_judge
        self._limits, self._files = (cell_seconds, seconds), dict(files)

    def run(self, cells):
        """Run the cells in order; always returns, and leaves no process."""
        started = time.monotonic()
        result = self._run([replace(c, source=c.as_released) for c in cells])
        if any(cell.hidden for cell in cells):
            second = self._run(cells, shown=False)
            for number, cell in enumerate(cells):
                if cell.hidden:
                    result.outputs[number] = second.outputs[number]
            # Where a fork server was killed all that it ran has to run again.
            ends = [r.ended for r in (second, result) if r.ended]
            result.ended = "lost" if "lost" in ends else next(iter(ends), None)
        result.seconds = time.monotonic() - started
        return result

    def _run(self, cells, shown=True):
        """All cells once, in processes of their own."""
        run = Run(*(start() for start in self._start), *self._limits)
        try:
            run.write(self._files)
            outputs = [run.cell(cell, shown) for cell in cells]
            ends = [partner.ended for partner in run.partners if partner.ended]
            return Result(outputs, "lost" if "lost" in ends else next(iter(ends), None))
        finally:
            for partner in run.partners:
                partner.end()


class Run:
    """A student's process and a judge's, and the time they have."""

    def __init__(self, student, judge, cell_seconds, seconds):
        self.student, self.judge = self.partners = Partner(student), Partner(judge)
        self._cell_seconds, self._end = cell_seconds, time.monotonic() + seconds
        self._room = SHOWN

    def write(self, files):
        """Give each process the files; one that is gone is noticed later."""
        request = wire.pack({"do": "write", "number": 0, "files": files})
        for partner in self.partners if files else ():
            with contextlib.suppress(Gone):
                partner.ask(request, self._end)

    def cell(self, cell, shown):
        """The outputs of one cell; a student's only where they are shown."""
        if time.monotonic() > self._end:
            self.student.end("timed out")
        until = min(time.monotonic() + self._cell_seconds, self._end)
        if cell.kind == "test":
            return self._judged(cell, until) if cell.source.strip() else []
        outputs = self._students(cell.source, shown, until)
        if cell.kind == "locked":
            self._judged(cell, until)
        elif cell.binds:
            request = {"do": "hand over", "names": sorted(cell.binds)}
            with contextlib.suppress(Gone):  # the student may have used up the time
                self.judge.ask(wire.pack(request), time.monotonic() + 2 * GRACE)
        return outputs

    def _students(self, source, shown, until):
        """Run a cell in the student's process."""
        request = {"do": "run", "number": 0, "source": source, "shown": shown}
        try:
            frame = self.student.ask(wire.pack(request), until)
        except Gone as gone:
            return [told(gone)]
        if not shown:
            return []
        self._room -= len(frame)
        return outputs_in(frame) if self._room >= 0 else [TOO_LONG]

    def _judged(self, cell, until):
        """Run a cell in the judge's process, and answer what it asks the student."""
        request = {"do": "run", "source": cell.source, "hidden": cell.hidden}
        try:
            self.judge.send(wire.pack(request))
            while True:
                # The judge has a moment more, to say what the student's time did.
                message = wire.unpack(self.judge.read(until + 2 * GRACE))
                if "ask" not in message:
                    return message["outputs"]
                self.judge.send(self._asked(message["ask"], until))
        except Gone as gone:
            return [told(gone)]

    def _asked(self, data, until):
        """The student's answer to the judge, or why there is none, as bytes."""
        try:
            answer = wire.pack({"answer": self.student.ask(data, until)})
        except Gone as gone:
            why = "interrupted" if str(gone) == "timed out" else str(gone)
            return wire.pack({"gone": why})
        except wire.WireError:  # a few bytes less than the longest message
            return wire.pack({"answer": b""})
        late = time.monotonic() >= until
        return wire.pack({"gone": "interrupted"}) if late else answer


def told(gone):
    """An error output that says how a process ended."""
    names = {"timed out": "CellTimeoutError", "out of memory": "MemoryError"}
    name = names.get(str(gone), "DeadKernelError")
    text = f"The process {gone}." if str(gone) == "crashed" else f"{gone}".capitalize()
    return {
        "output_type": "error",
        "ename": name,
        "evalue": text,
        "traceback": [f"{name}: {text}"],
    }


# ---- a student's outputs, which may be anything ---------------------------------

_FIELDS = {
    "stream": {"name": str, "text": str},
    "display_data": {"data": dict, "metadata": dict},
    "execute_result": {"data": dict, "metadata": dict, "execution_count": int},
    "error": {"ename": str, "evalue": str, "traceback": list},
}


TOO_LONG = {
    "output_type": "stream",
    "name": "stderr",
    "text": "[This cell's output was left out: the notebook's is too long.]\n",
}


def outputs_in(frame):
    """The outputs in a student's answer, those that have a notebook's form."""
    try:
        outputs = wire.unpack(frame, parts=PARTS)["outputs"]
    except (wire.WireError, KeyError, TypeError):
        return []
    return [o for o in outputs if _is_output(o)] if type(outputs) is list else []


def _is_output(output):
    """Whether it is an output, with fields of the right types and no others."""
    if type(output) is not dict or type(output.get("output_type")) is not str:
        return False
    if output["output_type"] not in _FIELDS:
        return False
    fields = _FIELDS[output["output_type"]] | {"output_type": str}
    if output.keys() != fields.keys():
        return False
    if not all(type(output[name]) is kind for name, kind in fields.items()):
        return False
    if output["output_type"] == "stream":
        return output["name"] in ("stdout", "stderr")
    if output["output_type"] == "error":
        return all(type(line) is str for line in output["traceback"])
    return _is_json(output["data"]) and _is_json(output["metadata"])


def _is_json(value):
    """Whether a value can stand in a notebook's JSON."""
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str and _is_json(v) for key, v in value.items())
    if type(value) is int:
        return value.bit_length() <= 64  # Python writes no number of 5000 digits
    if type(value) is float:
        return math.isfinite(value)
    return value is None or type(value) in (bool, str)


__all__ = ["Cell", "Gone", "Result", "Session", "bound_names", "outputs_in", "told"]
