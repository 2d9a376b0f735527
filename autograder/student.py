"""What runs in a student's process: cells, and calls of what they defined.

The process is confined before it runs anything of the student's. It answers
one request at a time over one socket. Requests and answers are dicts packed
by `wire`; every answer carries the number of its request. Whatever a student
makes of this code, the other side takes its answers for claims, no more.

Requests, by their "do":
- run: source -> outputs, count, and error: the type that ended the cell;
- write: files, name -> bytes, into the folder that cells work in;
- look: name -> found and value;
- call: target, arguments, keywords, back -> value, what was printed, and where
  `back` is true the arguments as the function left them;
- attribute: target, name -> value; type_name: target -> value;
- bind: name, value; unbind: name -> found.
A target is a name, or the number of an object that was returned before. An
answer to what raised has "raised" in place of a value: type, text and lines.
"""

import contextlib
import io
import linecache
import traceback
import warnings

import numpy as np

from autograder import wire
from autograder.shell import Interruptions

TEXT = 2000  # characters of an exception's text
PRINTED = 20_000  # of what a function prints
LINES = 20  # of its traceback


class Objects:
    """What stays in this process, by number."""

    def __init__(self):
        self._kept, self._numbers = [], {}

    def number(self, value):
        """The number of an object, the same whenever it is passed."""
        key = id(value)
        if key not in self._numbers:
            self._numbers[key] = len(self._kept)
            self._kept.append(value)  # kept alive, so its id stays its own
        return self._numbers[key]

    def __getitem__(self, number):
        """The object of a number."""
        return self._kept[number]


class Student:
    """Answers requests about one shell and what its cells defined."""

    def __init__(self, shell):
        self.shell, self.objects = shell, Objects()
        self.interruptions = Interruptions()

    def serve(self, connection):
        """Answer until the other side closes."""
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                request = wire.unpack(wire.read_frame(connection), self._own)
                answer = {"number": request.get("number")} | self.answer(request)
                wire.write_frame(connection, self._packed(answer))

    def answer(self, request):
        """The answer to one request."""
        try:
            with self.interruptions.heard():
                return getattr(self, "_" + request["do"])(request)
        except BaseException as error:  # SystemExit too: a function may raise it
            return {"raised": described(error)}

    def _packed(self, answer):
        try:
            return wire.pack(answer, self.objects.number)
        except BaseException as error:  # too deep, too large, or it lies of itself
            raised = {"number": answer["number"], "raised": described(error)}
            return wire.pack(raised)

    def _own(self, number):
        return self.objects[number]

    # ---- requests --------------------------------------------------------------

    def _run(self, request):
        outputs = self.shell.run(request["source"])
        ended = [o["ename"] for o in outputs if o["output_type"] == "error"]
        error = ended[-1] if ended else None
        if not request.get("shown", True):
            outputs = []
        return {
            "outputs": outputs,
            "count": self.shell.execution_count,
            "error": error,
        }

    def _write(self, request):
        self.shell.write(request["files"])
        return {}

    def _look(self, request):
        if request["name"] not in self.shell.names:
            return {"found": False}
        return {"found": True, "value": self.shell.names[request["name"]]}

    def _target(self, request):
        target = request["target"]
        if isinstance(target, str):
            if target not in self.shell.names:
                raise NameError(f"name '{target}' is not defined", name=target)
            return self.shell.names[target]
        return self.objects[target]

    def _call(self, request):
        arguments, keywords = request["arguments"], request["keywords"]
        calm = unalarmed() if request["back"] else contextlib.nullcontext()
        with contextlib.redirect_stderr(io.StringIO()), calm:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                value = self._target(request)(*arguments, **keywords)
        answer = {"value": value, "printed": printed.getvalue()[:PRINTED]}
        return answer | ({"arguments": arguments} if request["back"] else {})

    def _type_name(self, request):
        return {"value": type(self._target(request)).__name__}

    def _attribute(self, request):
        return {"value": getattr(self._target(request), request["name"])}

    def _bind(self, request):
        self.shell.names[request["name"]] = request["value"]
        return {}

    def _unbind(self, request):
        missing = object()
        return {"found": self.shell.names.pop(request["name"], missing) is not missing}


@contextlib.contextmanager
def unalarmed():
    """Let no warning raise, whatever a cell has set: so do checks in one process."""
    with warnings.catch_warnings(), np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        yield


def described(error):
    """An exception as plain data: type, bases, text, and the student's own lines."""
    kinds = [kind.__name__ for kind in type(error).__mro__]
    text = ""
    with contextlib.suppress(BaseException):
        # A KeyError's text is its argument's repr, and it is made anew from it.
        plain = isinstance(error, KeyError) and [type(a) for a in error.args] == [str]
        text = (error.args[0] if plain else str(error))[:TEXT]
    lines = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        file = frame.f_code.co_filename
        if file.startswith("<ipython-input-") or "ipykernel_" in file:
            source = linecache.getline(file, line, frame.f_globals).strip()
            lines.append([frame.f_code.co_name, line, source[:200]])
    return {"kinds": kinds, "text": text, "lines": lines[-LINES:]}
