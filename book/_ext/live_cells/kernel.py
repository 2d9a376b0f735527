"""The Python side of live cells: runs cells as Jupyter does, without IPython.

worker.mjs loads this module into Pyodide and calls `start` once, then `run` and
`check`. What a cell shows goes to the page as the outputs of the notebook format
(stream, display_data, execute_result, error), each a JSON text. It is ordinary
Python, so tests run it without a browser.
"""

import ast
import base64
import builtins
import functools
import importlib.util
import io
import json
import linecache
import os
import pprint
import re
import sys
import time
import traceback
import types
from pathlib import Path

PAUSE = 0.1  # seconds between two texts that are sent, or
ASKED = 0.02  # where a cell asks for it (flush=True)
LONGEST = 200_000  # characters of text that one run can show
MOST = 500  # displays that one run can show
CELL = "Cell "  # file names of cells begin so
NOTHING = object()


# ---- to the page -------------------------------------------------------------


class _Page:
    """Where outputs go. A loop that prints without end must not drown the page."""

    def __init__(self, send):
        self.send_text = send
        self.begin()

    def begin(self):
        """Before each run."""
        self.pending, self.sent = [], 0.0
        self.left, self.displays, self.silent = LONGEST, MOST, False

    def send(self, output_type, **content):
        self.flush()
        self.displays -= 1
        if self.displays >= 0 or output_type == "error":
            self.send_text(json.dumps({"output_type": output_type, **content}))
        else:
            self._say_once("More was displayed than a page can hold.")

    def write(self, name, text):
        if len(text) > self.left:
            text = text[: self.left]
        self.left -= len(text)
        if text:
            self.pending.append((name, text))
        self.flush(after=PAUSE)
        if self.left <= 0:
            self._say_once("More was printed than a page can hold.")

    def _say_once(self, text):
        if not self.silent:
            self.silent = True
            self.flush()
            text = f"\n… {text} The rest is not shown.\n"
            note = {"output_type": "stream", "name": "stderr", "text": text}
            self.send_text(json.dumps(note))

    def flush(self, after=0.0):
        """Send what is pending, if the last was sent so many seconds before."""
        now = time.monotonic()
        if now - self.sent < after:
            return
        streams = []
        for name, text in self.pending:
            if streams and streams[-1]["name"] == name:
                streams[-1]["text"] += text
            else:
                streams.append({"output_type": "stream", "name": name, "text": text})
        self.pending, self.sent = [], now
        for stream in streams:
            self.send_text(json.dumps(stream))


class _Stream(io.TextIOBase):
    """sys.stdout or sys.stderr."""

    encoding = "utf-8"

    def __init__(self, page, name):
        self.page, self.label = page, name

    def writable(self):
        return True

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write: expected a string, got {type(text).__name__}")
        self.page.write(self.label, text)
        return len(text)

    def flush(self):
        self.page.flush(after=ASKED)


class _Session:
    """What is alive: the page, and the module in which cells run."""

    def __init__(self, send):
        self.page = _Page(send)
        self.module = types.ModuleType("__main__")
        self.names = vars(self.module)
        self.answer = NOTHING  # what the cell of an exercise has defined


session = None


def start(send):
    """Take over standard output, and stand in for IPython.

    send: a function of one text, an output as JSON.
    """
    global session
    session = _Session(send)
    sys.modules["__main__"] = session.module
    sys.stdout = _Stream(session.page, "stdout")
    sys.stderr = _Stream(session.page, "stderr")
    os.environ["MPLBACKEND"] = "module://live_cells_figures"
    sys.modules["live_cells_figures"] = _figures_module()
    sys.modules |= _ipython_modules()
    builtins.display, builtins.input = display, _no_input


def _no_input(prompt=""):
    raise OSError("input: nobody can be asked here. Write the answer into the cell.")


# ---- running a cell ----------------------------------------------------------


def run(source, cell, exercise=None):
    """Run one cell and show what it shows. Returns whether it ended well.

    cell: its number on the page, for tracebacks. exercise: the name that this
    cell should define. One of an earlier cell (the library's own function, it
    may be) is put aside meanwhile, as it must not pass for an answer.
    """
    session.page.begin()
    name = f"{CELL}{cell}"
    linecache.cache[name] = len(source), None, source.splitlines(True), name
    before = session.names.pop(exercise, NOTHING)
    try:
        _execute(source, name)
        _show_figures()
        return True
    except BaseException as error:  # SystemExit too: the page must hear of it
        _show_error(error)
        return False
    finally:
        session.answer = session.names.get(exercise, NOTHING)
        if before is not NOTHING:
            session.names.setdefault(exercise, before)
        session.page.flush()


def _execute(source, name):
    tree = ast.parse(source, name)
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        last = ast.Expression(tree.body.pop().value)
    exec(compile(tree, name, "exec"), session.names)
    if last is not None:
        value = eval(compile(last, name, "eval"), session.names)
        if value is not None and not source.rstrip().endswith(";"):
            session.names["_"] = value
            session.page.send("execute_result", **_formatted(value))


def check(name):
    """Check what the cell just run has defined under this name.

    Returns the share of cases passed, or None if there was nothing to check.
    """
    session.page.begin()
    try:
        if session.answer is NOTHING:
            print(f"This cell defines no {name}, so there is nothing to check.")
            return None
        from lstm_lib import checks

        return checks.check(session.answer, name, points=1)
    except BaseException as error:
        _show_error(error)
        return None
    finally:
        session.page.flush()


# ---- what a value looks like ---------------------------------------------------

_METHODS = {
    "text/html": "_repr_html_",
    "image/svg+xml": "_repr_svg_",
    "image/png": "_repr_png_",
    "image/jpeg": "_repr_jpeg_",
}


def _formatted(value):
    """A value in every form it knows, and as text: a dict of data and metadata."""
    data, metadata = {"text/plain": _plain(value)}, {}
    if _is_figure(value):
        data["image/png"], metadata["image/png"] = _picture(value)
    if isinstance(value, type):  # its methods are those of its instances
        return {"data": data, "metadata": metadata}
    if hasattr(value, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_(include=None, exclude=None)
        if isinstance(bundle, tuple):
            bundle, more = bundle
            metadata |= more
        data |= bundle or {}
    for mime, method in _METHODS.items():
        if mime not in data and hasattr(value, method):
            shown = getattr(value, method)()
            shown, more = shown if isinstance(shown, tuple) else (shown, None)
            if isinstance(shown, bytes):
                shown = base64.b64encode(shown).decode()
            if shown is not None:
                data[mime] = shown
                metadata |= {mime: more} if more else {}
    return {"data": data, "metadata": metadata}


def _plain(value):
    """repr, with long lists and dicts one item a line as Jupyter has them."""
    builtin = type(value) in (dict, list, tuple, set, frozenset)
    text = pprint.pformat(value, sort_dicts=False) if builtin else repr(value)
    return text if len(text) < LONGEST else f"{text[:LONGEST]} …"


def display(*values, raw=False, **options):
    """IPython's display: raw values are MIME bundles."""
    for value in values:
        if raw:
            shown = {"data": value, "metadata": options.get("metadata") or {}}
        else:
            shown = _formatted(value)
        session.page.send("display_data", **shown)


def clear_output(wait=False):
    """IPython's: what this cell has shown goes."""
    session.page.send("clear_output", wait=bool(wait))


class _Shown:
    """HTML(text) or SVG(text)."""

    def __init__(self, data):
        self.data = data


class HTML(_Shown):
    """A piece of HTML to display."""

    def _repr_html_(self):
        return self.data


class SVG(_Shown):
    """A drawing to display."""

    def _repr_svg_(self):
        return self.data


def _ipython_modules():
    """What our packages and Matplotlib ask of IPython: display, and that it is on."""
    ipython, shows = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    for function in (display, clear_output, HTML, SVG):
        setattr(shows, function.__name__, function)
    events = types.SimpleNamespace(register=lambda *_: None, unregister=lambda *_: None)
    shell = types.SimpleNamespace(events=events, enable_gui=lambda *_: None)
    ipython.get_ipython = lambda: shell
    ipython.display, ipython.version_info = shows, (9, 0)
    ipython.__path__ = []
    return {"IPython": ipython, "IPython.display": shows}


# ---- Matplotlib --------------------------------------------------------------


def _figures_module():
    """A Matplotlib backend that draws like agg and shows in the page.

    Its names are made when Matplotlib asks for them, for it is not loaded yet.
    """
    module = types.ModuleType("live_cells_figures")

    def load(name):
        if name != "FigureCanvas":
            raise AttributeError(name)
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        module.FigureCanvas = FigureCanvasAgg
        return FigureCanvasAgg

    module.__getattr__ = load
    module.show = _show_figures
    return module


def _show_figures(*_, **__):
    """Show the figures that pyplot holds, and close them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is not None:
        for number in pyplot.get_fignums():
            display(pyplot.figure(number))
        pyplot.close("all")


def _is_figure(value):
    figure = sys.modules.get("matplotlib.figure")
    return figure is not None and isinstance(value, figure.Figure)


def _picture(figure):
    """A figure as PNG in base64, two pixels for one of the page, and its width."""
    buffer = io.BytesIO()
    dpi = 2 * figure.dpi
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight")
    data = buffer.getvalue()
    width = int.from_bytes(data[16:20], "big")  # the header's; PNG has it there
    return base64.b64encode(data).decode(), {"width": width // 2}


# ---- what a cell needs -------------------------------------------------------


def needs_matplotlib(source):
    """Whether a cell imports Matplotlib, itself or through lstm_lib."""
    try:
        todo = list(_imported(source))
    except SyntaxError:
        return False
    seen = set()
    while todo:
        name = todo.pop()
        if name.partition(".")[0] == "matplotlib":
            return True
        if name.startswith("lstm_lib.") and name not in seen:
            seen.add(name)
            todo += _imported_by(name)
    return False


@functools.cache
def _imported_by(name):
    """What a module of lstm_lib imports; nothing for a name that is no module."""
    library = Path(importlib.util.find_spec("lstm_lib").origin).parent
    path = library.joinpath(*name.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return tuple(_imported(file.read_text("utf-8")))
    return ()


def _imported(source):
    """Names of modules that a text imports, and of what it takes from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "lstm_lib":
                yield f"lstm_lib.{node.attr}"


# ---- errors ------------------------------------------------------------------


def _show_error(error):
    """A traceback with the reader's own lines, as the notebook format has it."""
    _explain(error)
    shown = traceback.TracebackException.from_exception(error)
    _keep_cells(shown, set())
    text = "".join(shown.format())
    text = re.sub(rf'^( *)File "({CELL}\d+)", line', r"\1\2, line", text, flags=re.M)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]} …"
    name = type(error).__name__
    value = text.rstrip().rpartition("\n")[2]
    session.page.send(
        "error", ename=name, evalue=value, traceback=text.rstrip().split("\n")
    )


def _keep_cells(shown, seen):
    """Drop the lines of libraries, and of this module, from a traceback."""
    if shown is None or id(shown) in seen:
        return
    seen.add(id(shown))
    shown.stack[:] = [f for f in shown.stack if f.filename.startswith(CELL)]
    for other in (shown.__cause__, shown.__context__, *(shown.exceptions or ())):
        _keep_cells(other, seen)


def _explain(error):
    """Say what a reader of this page cannot know."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        if error.name.partition(".")[0] == "matplotlib":
            error.add_note(
                "Matplotlib is loaded when the text of a cell says "
                "`import matplotlib` or `from lstm_lib import plot`."
            )
        else:
            error.add_note("This page's Python has NumPy, Matplotlib and lstm_lib.")
