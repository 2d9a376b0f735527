"""Running the cells of a notebook as Jupyter does, in this process.

A kernel costs seconds to start and talks over the network; a forked child
that has IPython loaded is ready at once. `Shell.run` returns what nbclient
would have stored: streams, displays, results, tracebacks.
"""

import io
import os
import signal
import sys
import types
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import StdinNotImplementedError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

TEXT = 200_000  # characters of a cell's streams; the rest is left out
SHOWN = 200  # displays and results of a cell
LINES = 500  # of a traceback
RICH = 20 * 2**20  # characters of them all, as pictures are long
CUT = "\n[The rest of this cell's output was left out: it is too long.]\n"
_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep


class Outputs:
    """What one cell has shown so far, within limits."""

    def __init__(self):
        self.clear()

    def clear(self):
        """Forget it all; `clear_output` does."""
        self.shown, self.text, self.rich, self.full = [], 0, 0, False

    def write(self, name, text):
        """Add text to the stream of this name, which nbclient stores as one."""
        room = TEXT - self.text
        self.text += len(text)
        if room <= 0 or not text:
            return
        text = text if len(text) <= room else text[:room] + CUT
        for output in self.shown:
            if output.get("name") == name:
                output["text"] += text
                return
        self.shown.append({"output_type": "stream", "name": name, "text": text})

    def add(self, kind, data, metadata, **more):
        """Add a display or a result."""
        self.rich += sum(len(str(value)) for value in data.values())
        if len(self.shown) >= SHOWN or self.rich > RICH:
            if not self.full:
                self.full = True
                self.shown.append(
                    {"output_type": "stream", "name": "stderr", "text": CUT}
                )
            return
        output = {"output_type": kind, "data": data, "metadata": metadata or {}}
        self.shown.append(output | more)


class Stream(io.TextIOBase):
    """sys.stdout or sys.stderr of a cell."""

    encoding = "utf-8"

    def __init__(self, name, outputs, number):
        self.name, self._outputs, self._number = name, outputs, number

    def write(self, text):
        """Take text as a file does."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.write(self.name, text)
        return len(text)

    def writable(self):
        """As a file open for writing."""
        return True

    def fileno(self):
        """The number that C code writes to."""
        return self._number


def _cut(text):
    return text if len(text) <= TEXT else text[:TEXT] + CUT


class _Publisher(DisplayPublisher):
    """Takes what `display` publishes; an update replaces the display it names."""

    def publish(self, data, metadata=None, *, transient=None, update=False, **_):
        outputs, name = self.shell.outputs, (transient or {}).get("display_id")
        if update:
            for output in outputs.shown:
                if name is not None and output.get("_id") == name:
                    output["data"], output["metadata"] = data, metadata or {}
            return
        outputs.add("display_data", data, metadata, _id=name)

    def clear_output(self, wait=False):
        self.shell.outputs.clear()


class _Hook(DisplayHook):
    """Takes the value of a cell's last expression."""

    def write_output_prompt(self):
        pass

    def write_format_data(self, format_dict, md_dict=None):
        count = self.shell.execution_count
        self.shell.outputs.add(
            "execute_result", format_dict, md_dict, execution_count=count
        )


class _InteractiveShell(InteractiveShell):
    """IPython's shell without a terminal, history on disk or profile."""

    displayhook_class = Type(_Hook)
    display_pub_class = Type(_Publisher)

    def __init__(self, **keywords):
        self.outputs = Outputs()
        super().__init__(**keywords)

    def init_history(self):
        self.config.HistoryManager.enabled = False
        super().init_history()

    def _get_exc_info(self, exc_tuple=None):
        kind, error, trace = super()._get_exc_info(exc_tuple)
        return kind, error, _without_ours(trace)

    def _showtraceback(self, etype, evalue, stb):
        message = ""
        with suppress(Exception):  # a student's exception may not know its text
            message = _cut(str(evalue))
        lines = [_cut(line) for line in list(stb)[:LINES]]
        with suppress(Exception):  # where the student's code was, if the judge knows
            lines += [
                f"In {name}, line {number}: {text}"
                for name, number, text in evalue.student_lines
                if name is not None
            ]
        error = {"ename": etype.__name__, "evalue": message, "traceback": lines}
        self.outputs.shown.append({"output_type": "error", **error})

    def enable_gui(self, gui=None):
        pass

    def _tee(self, channel):
        return nullcontext()  # IPython's keeps all that is printed, without a limit

    def ask_exit(self):
        pass  # `exit()` ends no kernel while nbclient runs the cells


def _without_ours(trace):
    """A traceback without this package's frames, which tell a student nothing."""
    parts, kept = [], None
    while trace is not None:
        parts.append(trace)
        trace = trace.tb_next
    for part in reversed(parts):
        if not part.tb_frame.f_code.co_filename.startswith(_HERE):
            found = part.tb_frame, part.tb_lasti, part.tb_lineno
            kept = types.TracebackType(kept, *found)
    return kept


def _no_input(prompt=""):
    raise StdinNotImplementedError(
        "input() was called, but nobody can be asked while a notebook is graded."
    )


class Interruptions:
    """SIGINT is heard while a cell or a call runs, and at no other moment.

    It may come late, when what it was meant for is over: then it must not end
    the process, which the next cells need. handler: what cells have set.
    """

    def __init__(self):
        self.handler = signal.default_int_handler
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    @contextmanager
    def heard(self):
        """Meanwhile it does what cells have set; at first it interrupts."""
        signal.signal(signal.SIGINT, self.handler)
        try:
            yield
        finally:
            self.handler = signal.signal(signal.SIGINT, signal.SIG_IGN)

    @contextmanager
    def ignored(self):
        """Meanwhile it does nothing, inside of `heard`."""
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, handler)


class Shell:
    """One namespace, and the cells that run in it."""

    def __init__(self, names=None):
        """names: the namespace, a dict; a new one if left out."""
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        _InteractiveShell.clear_instance()
        given = {} if names is None else {"user_ns": names}
        self._shell = _InteractiveShell.instance(config=Config(), **given)
        self.names = self._shell.user_ns
        self.names["input"] = _no_input
        self.outputs = self._shell.outputs

    def run(self, source):
        """Run a cell; return its outputs as a notebook stores them."""
        self.outputs.clear()
        before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = (
            Stream(name, self.outputs, number)
            for number, name in ((1, "stdout"), (2, "stderr"))
        )
        try:
            result = self._shell.run_cell(source, store_history=True)
            self._show_pictures()
            if not result.success:
                self._say_ended(result.error_in_exec or result.error_before_exec)
        except BaseException as error:  # such as SystemExit in a display
            self._shell._showtraceback(type(error), error, [type(error).__name__])
        finally:
            sys.stdout, sys.stderr = before
        return [
            {key: value for key, value in output.items() if key != "_id"}
            for output in self.outputs.shown
        ]

    def write(self, files):
        """Put files, name -> bytes, into the folder that cells work in."""
        for name, data in files.items():
            path = Path(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def _say_ended(self, error):
        """Store the error that ended a cell where IPython only printed it."""
        if not any(o["output_type"] == "error" for o in self.outputs.shown):
            self._shell._showtraceback(type(error), error, [type(error).__name__])

    def _show_pictures(self):
        """Show the figures that are open, as the inline backend does after a cell."""
        if "matplotlib.pyplot" not in sys.modules:
            return
        from matplotlib_inline.backend_inline import flush_figures

        flush_figures()

    @property
    def execution_count(self):
        """The number of the cell that ran last."""
        return self._shell.execution_count - 1
