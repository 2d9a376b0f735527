"""What runs in the judge's process: locked cells and test cells, never a student's.

A test cell reads like any other: `assert f(2) == 4`. A name is looked up in
the judge's own namespace, then in builtins, then in the student's process,
whose value arrives as a copy or as a `Proxy`. So whatever a student calls
`len`, `np` or `assert_allclose` changes nothing here.

The names that the instructor's solution cells bind are the student's: the
judge forgets a value of its own when the cell that binds it has run, and
where a test binds or deletes such a name it changes in the student's process
too, as it would in one kernel. No other name of a test reaches the student.
"""

import ast
import builtins
import contextlib
import sys

from autograder import wire
from autograder.shell import Interruptions, Stream

TEXT = 2000  # characters of what a student's exception says
LINES = 20  # of its traceback
# Python's own loops take these for their end: `all(map(f, cases))` would be true.
_ENDS = StopIteration, StopAsyncIteration


class StudentError(Exception):
    """What a student's code raised, where it is no built-in exception."""


class StudentGone(StudentError):
    """The student's process has ended, so there is nothing to ask."""


class Link:
    """Requests to the student's process, and its answers.

    ask: a function from a request's bytes to those of the answer.
    hidden: while true, what the student raised is told by type and line only.
    """

    def __init__(self, ask):
        self._ask, self._number, self.hidden = ask, 0, False

    def request(self, do, **content):
        """Return the answer; raise what the student's code raised."""
        self._number += 1
        packed = wire.pack(
            {"do": do, "number": self._number} | content, self._own_number
        )
        answer = wire.unpack(self._ask(packed), self._proxy)
        if type(answer) is not dict or answer.get("number") != self._number:
            raise wire.WireError("an answer to nothing that was asked")
        if "raised" in answer:
            raise self._raised(answer["raised"])
        return answer

    def _proxy(self, number):
        return Proxy(self, number)

    def _own_number(self, value):
        """A proxy of this link goes back as what it stands for."""
        if type(value) is Proxy and _link(value) is self:
            return _number(value)
        raise wire.NotPlain(
            f"expected plain data for the student's code, got {type(value).__name__}"
        )

    def _raised(self, told):
        """The exception that a description stands for."""
        told = told if type(told) is dict else {}
        kinds = [kind[:60] for kind in _texts(told.get("kinds"))][:20]
        known = [getattr(builtins, kind, None) for kind in kinds]
        known = [k for k in known if isinstance(k, type) and issubclass(k, Exception)]
        known = [k for k in known if not issubclass(k, _ENDS)]
        name = kinds[0] if kinds else "Exception"
        own = not known or known[0].__name__ != name
        lines = _lines(told.get("lines"))
        text = "".join(_texts([told.get("text")]))[:TEXT]
        told_text = text
        if self.hidden:  # text, or the name of a type of one's own, could hold inputs
            name = known[0].__name__ if known else "Exception"
            text, lines = "", [(None, number, "") for _, number, _ in lines[-1:]]
            own = False
        if own:
            bases = (StudentError, known[0]) if known else (StudentError,)
            kind = type(name if name.isidentifier() else "Exception", bases, {})
        else:
            kind = known[0] if known else StudentError
        error = _made(kind, text)
        error.student_lines = lines
        error.student_text = told_text  # for comparisons; no traceback shows it
        return error


def _texts(value):
    """The texts in what should be a list of texts."""
    value = value if type(value) is list else []
    return [part for part in value if type(part) is str]


def _lines(value):
    """The lines of a traceback, (function, number, text), in what should be some."""
    found = []
    for line in value[-LINES:] if type(value) is list else []:
        if type(line) is list and list(map(type, line)) == [str, int, str]:
            function, number, text = line
            found.append((function[:60], number, text[:200]))
    return found


def _made(kind, text):
    """An exception of this type; some built-in ones want more than a text."""
    try:
        return kind(text) if text else kind()
    except TypeError:
        own = {"__init__": lambda self, *_: None, "__str__": lambda self: text}
        try:
            return type(kind.__name__, (kind,), own)()
        except TypeError:  # an ExceptionGroup
            return StudentError(f"{kind.__name__}: {text}")


class Proxy:
    """Something of the student's that is no plain data: most often a function.

    It can be called and its attributes can be read. All else raises
    TypeError: comparisons, truth, length and arithmetic would ask the student.
    """

    __slots__ = ("_link", "_number")

    def __init__(self, link, number):
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_number", number)

    def __call__(self, *arguments, **keywords):
        """Call it in the student's process, with copies of the arguments."""
        return _call(self, arguments, keywords, back=False)["value"]

    def __call_with_arguments__(self, *arguments, **keywords):
        """Return the value, and the arguments as the call left them."""
        answer = _call(self, arguments, keywords, back=True)
        return answer["value"], answer["arguments"]

    def __type_name__(self):
        """Return the name of its type; "" in hidden tests, as it could hold inputs."""
        link = _link(self)
        if link.hidden:
            return ""
        return str(link.request("type_name", target=_number(self))["value"])

    def __getattr__(self, name):
        """Read an attribute; of Python's own only name and docstring."""
        if name.startswith("__") and name not in ("__name__", "__doc__"):
            raise AttributeError(name)
        request = _link(self).request
        return request("attribute", target=_number(self), name=name)["value"]

    def __setattr__(self, name, value):
        """Refuse."""
        raise TypeError(f"expected no change of the student's objects, got .{name} =")

    def __repr__(self):
        """Say what it is without asking."""
        return "<an object of the student's>"

    __hash__ = None


# `f.__doc__` is the student's, not that of the class above.
Proxy.__doc__ = property(lambda proxy: proxy.__getattr__("__doc__"), doc=Proxy.__doc__)


def _refuse(name):
    def refuse(self, *_):
        raise TypeError(f"expected plain data, got an object of the student's ({name})")

    return refuse


for _name in (
    "bool len iter next contains getitem setitem delitem int float complex index "
    "eq ne lt le gt ge add radd sub rsub mul rmul truediv rtruediv floordiv "
    "rfloordiv mod rmod pow rpow matmul rmatmul neg pos abs invert and rand or ror "
    "xor rxor lshift rlshift rshift rrshift divmod rdivmod round enter exit array "
    "bytes reduce_ex format copy deepcopy"
).split():
    setattr(Proxy, f"__{_name}__", _refuse(_name))


def _link(proxy):
    return object.__getattribute__(proxy, "_link")


def _number(proxy):
    return object.__getattribute__(proxy, "_number")


def _call(proxy, arguments, keywords, back):
    answer = _link(proxy).request(
        "call",
        target=_number(proxy),
        arguments=list(arguments),
        keywords=keywords,
        back=back,
    )
    # A hidden test may look at it (redirect_stdout), and shows it to nobody.
    if not (_link(proxy).hidden and isinstance(sys.stdout, Stream)):
        sys.stdout.write("".join(_texts([answer.get("printed")])))
    return answer


# ---- names --------------------------------------------------------------------


class _Builtins(dict):
    """Builtins, and behind them what the student's process knows."""

    def __init__(self, link):
        super().__init__(vars(builtins))
        self._link = link

    def __missing__(self, name):
        answer = self._link.request("look", name=name)
        if not answer["found"]:
            raise KeyError(name)
        return answer["value"]


class Names(dict):
    """The namespace of test cells; the names in `shared` change on both sides."""

    def __init__(self, link):
        super().__init__()
        self.link, self.shared = link, set()

    def __setitem__(self, name, value):
        super().__setitem__(name, value)
        if name in self.shared:
            try:
                self.link.request("bind", name=name, value=value)
            except wire.NotPlain:
                pass  # a function of the test's stays with the test

    def __delitem__(self, name):
        found = name in self
        if found:
            super().__delitem__(name)
        if name in self.shared:
            found = self.link.request("unbind", name=name)["found"] or found
        if not found:
            raise KeyError(name)


def bound_names(source):
    """The names that a cell of the instructor's binds at its top level."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # magics: IPython's, not Python's
        return set()
    names = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {(a.asname or a.name).partition(".")[0] for a in node.names}
        else:
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names |= {n.id for n in stored if isinstance(n.ctx, ast.Store)}
    return names


class Judge:
    """One shell for the cells of the instructor, linked to one student."""

    def __init__(self, make_shell, connection):
        self._connection = connection
        self.link = Link(self._ask)
        self.names = Names(self.link)
        self.shell = make_shell(self.names)
        self.interruptions = Interruptions()
        dict.__setitem__(self.names, "__builtins__", _Builtins(self.link))

    def serve(self):
        """Run cells until the other side closes."""
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                request = wire.unpack(wire.read_frame(self._connection))
                if request["do"] == "hand over":
                    self.hand_over(set(request["names"]))
                    answer = {}
                elif request["do"] == "write":
                    self.shell.write(request["files"])
                    answer = {}
                else:
                    answer = {"outputs": self.run(request["source"], request["hidden"])}
                wire.write_frame(self._connection, wire.pack(answer))

    def _ask(self, data):
        """Pass a request on to the student's process; the bytes of its answer."""
        with self.interruptions.ignored():  # half a message would be the last one
            wire.write_frame(self._connection, wire.pack({"ask": data}))
            answer = wire.unpack(wire.read_frame(self._connection))
        if answer.get("gone") == "interrupted":  # as the time limit of a kernel does
            raise KeyboardInterrupt("the student's code took too long")
        if "gone" in answer:
            raise StudentGone(f"the student's process ended: {answer['gone']}")
        return answer["answer"]

    def hand_over(self, names):
        """These names are the student's from here on."""
        for name in names:
            self.names.pop(name, None)
        self.names.shared |= names

    def run(self, source, hidden=False):
        """Run a locked cell or a test cell; return its outputs."""
        self.link.hidden = hidden
        try:
            with self.interruptions.heard():
                return self.shell.run(source)
        finally:
            self.link.hidden = False
