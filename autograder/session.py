"""One submission: the student's cells and the instructor's, in notebook order.

Three processes take part. The *display run* executes the student's cells and
never meets a test: its outputs are what the graded notebook shows. The
*grading run* executes them again, and the judge calls what they defined; its
outputs are dropped, so what a hidden test passed in cannot come out. The
*judge* executes locked cells and test cells. This module starts them, carries
bytes between judge and grading run, and ends what takes too long.
"""

import contextlib
import select
import time
from dataclasses import dataclass, field

from autograder import wire
from autograder.judge import bound_names

GRACE = 2.0  # seconds between an interruption and the end of a process


class Gone(Exception):
    """A process of this submission has ended; the text says how."""


@dataclass(frozen=True)
class Cell:
    """A code cell as it is run.

    kind: "student" (solution and free cells), "locked" (given code, run on
    both sides) or "test" (run by the judge alone).
    binds: the names that the instructor's own version binds, of a solution.
    hidden: whether the test holds what students must not see.
    """

    kind: str
    source: str
    binds: frozenset = frozenset()
    hidden: bool = False


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
        connection.settimeout(max(GRACE, left))
        return wire.read_frame(connection)

    def _expect_alive(self):
        if self.ended:
            raise Gone(self.ended)

    def end(self, reason=None):
        """Kill the process and all it started."""
        self.ended = self.ended or reason or "ended"
        self.process.kill()


class Session:
    """The three processes of one submission.

    start_student, start_judge: functions that return a process, with its
    `connection`, `interrupt()`, `kill()` and `reason()`.
    cell_seconds: for one cell; seconds: for all of them, on either side.
    files: name -> bytes, written into the folder that each process works in.
    """

    def __init__(self, start_student, start_judge, *, cell_seconds, seconds, files=()):
        self.cell_seconds, self.left, self.files = cell_seconds, seconds, dict(files)
        self.display = Partner(start_student())
        self.grading = Partner(start_student())
        self.judge = Partner(start_judge())

    def run(self, cells):
        """Run the cells in order; always returns, and leaves no process."""
        started, result = time.monotonic(), Result()
        end = started + self.left
        try:
            self._write_files(end)
            for cell in cells:
                until = min(time.monotonic() + self.cell_seconds, end)
                result.outputs.append(self._run(cell, until))
        finally:
            partners = self.grading, self.display, self.judge
            ends = [partner.ended for partner in partners if partner.ended]
            # Where a fork server was killed all that it ran has to run again.
            result.ended = "lost" if "lost" in ends else next(iter(ends), None)
            for partner in partners:
                partner.end()
        result.seconds = time.monotonic() - started
        return result

    def _write_files(self, until):
        """Give each process the files; one that is gone is noticed later."""
        request = wire.pack({"do": "write", "number": 0, "files": self.files})
        for partner in (self.display, self.grading, self.judge) if self.files else ():
            with contextlib.suppress(Gone):
                partner.ask(request, until)

    def _run(self, cell, until):
        """The outputs of one cell."""
        if cell.kind == "test":
            return self._judged(cell, until)
        shown = self._both_runs(cell.source, until)
        if cell.kind == "locked":
            self._judged(cell, until)
        elif cell.binds:
            with contextlib.suppress(Gone):
                request = {"do": "hand over", "names": sorted(cell.binds)}
                self.judge.ask(wire.pack(request), until)
        return shown

    def _both_runs(self, source, until):
        """Run a cell in both of the student's processes; the display's outputs."""
        request = {"do": "run", "number": 0, "source": source}
        for partner, shown in ((self.grading, False), (self.display, True)):
            with contextlib.suppress(Gone):
                partner.send(wire.pack(request | {"shown": shown}))
        with contextlib.suppress(Gone):
            self.grading.read(until)
        try:
            return outputs_in(self.display.read(until))
        except Gone as gone:
            return [told(gone)]

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
                self.judge.send(wire.pack(self._asked(message["ask"], until)))
        except Gone as gone:
            return [told(gone)]

    def _asked(self, data, until):
        """The grading run's answer to the judge, or why there is none."""
        try:
            answer = {"answer": self.grading.ask(data, until)}
        except Gone as gone:
            return {"gone": "interrupted" if str(gone) == "timed out" else str(gone)}
        return answer if time.monotonic() < until else {"gone": "interrupted"}


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


def outputs_in(frame):
    """The outputs in a student's answer, those that have a notebook's form."""
    try:
        outputs = wire.unpack(frame)["outputs"]
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
    return all(type(kind) is str and _is_json(v) for kind, v in output["data"].items())


def _is_json(value):
    """Whether a value can stand in a notebook's JSON."""
    if type(value) is list:
        return all(map(_is_json, value))
    if type(value) is dict:
        return all(type(key) is str and _is_json(v) for key, v in value.items())
    return value is None or type(value) in (bool, int, float, str)


__all__ = ["Cell", "Gone", "Result", "Session", "bound_names", "outputs_in", "told"]
