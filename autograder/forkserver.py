"""A process that has the permitted packages loaded, and forks confined children.

Importing PyTorch takes seconds, forking a process that has it milliseconds. A
server for students holds no test, no submission and no secret: what it has,
every student could read. Judges have a server of their own.

    server = ForkServer("student", packages=["numpy"])
    process = server.start(limits, layers)     # a Process, confined
    process.connection                         # speaks frames, see `student`

The server is started again when it has died or grown.
"""

import array
import contextlib
import importlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field

import psutil

from autograder import packages, sandbox

MESSAGE = 2**20  # bytes of one message between a server and its client
GROWTH = 200 * 2**20  # bytes by which a server may grow before it is replaced
START = 120  # seconds for the imports
MOMENT = 5.0  # seconds in which a process that has ended is reported


class ServerError(Exception):
    """A fork server that cannot be started; the text says why."""


# ---- the client -----------------------------------------------------------------


@dataclass
class Process:
    """A confined child: a socket to it, and how it ended once it has."""

    number: int
    connection: socket.socket
    server: "ForkServer"
    ending: sandbox.Ending | None = None
    killed: bool = field(default=False)

    def interrupt(self):
        """What Ctrl-C does in a notebook."""
        self.server.send({"do": "interrupt", "number": self.number})

    def kill(self):
        """End it, with all it started. Returns at once; `wait` waits."""
        if not self.killed:
            self.killed = True
            self.server.send({"do": "stop", "number": self.number})
            self.connection.close()

    def wait(self, seconds=None):
        """Wait for its end, so long at most; the Ending, or None."""
        until = None if seconds is None else time.monotonic() + seconds
        while self.ending is None:
            left = None if until is None else max(0.0, until - time.monotonic())
            if not self.server.receive(left):
                break
        return self.ending

    def reason(self):
        """In a word: "timed out", "out of memory", "crashed" or "lost".

        Raises SandboxError where a layer could not be put on.
        """
        ending = self.wait(MOMENT)  # it may have closed its socket, and live
        if ending and ending.why == "refused":
            raise sandbox.SandboxError(ending.message)
        words = {"wall-clock": "timed out", "cpu": "timed out"}
        words |= {"memory": "out of memory", "lost": "lost"}
        return words.get(ending.why, "crashed") if ending else "crashed"


class ForkServer:
    """The client's side of one server.

    role: "student" or "judge". packages: distributions to load and to permit;
    a judge may read every installed one. modules: what else to import at once.
    """

    def __init__(self, role, packages=(), modules=(), paths=()):
        self.role, self.packages, self.modules = role, tuple(packages), tuple(modules)
        self.paths = tuple(paths)
        self._number, self._processes, self._server = 0, {}, None

    def start(self, limits, layers, environment=None):
        """Start a confined child and return its Process.

        Raises ServerError where the server does not start, SandboxError where a
        layer that was asked for cannot be put on.
        """
        self._ready()
        ours, theirs = socket.socketpair()
        self._number += 1
        process = Process(self._number, ours, self)
        self._processes[self._number] = process
        request = {
            "do": "start",
            "number": self._number,
            "limits": asdict(limits),
            "layers": sorted(layers),
            "environment": environment or {},
        }
        with theirs:
            self.send(request, theirs.fileno())
        return process

    def _ready(self):
        """Start the server if there is none, or one that died or has grown."""
        while self._server is not None and self.receive(0):
            pass  # endings that nobody waited for: unread they would stop the server
        if self._server is not None and self._server.poll() is None:
            size = psutil.Process(self._server.pid).memory_info().rss
            if size < self._size + GROWTH or self._living():
                return
        self.close()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "autograder.forkserver", self.role]
            self._server = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd="/",
                env=sandbox.clean_environment() | self._python_path(),
            )
        self._control = ours
        self._control.settimeout(START)
        self.send(
            {"packages": self.packages, "modules": self.modules, "paths": self.paths}
        )
        answer = self._read()
        if "ready" not in answer:
            self.close()
            raise ServerError(f"fork server ({self.role}): {answer.get('failed')}")
        self._control.settimeout(None)
        self._size = psutil.Process(self._server.pid).memory_info().rss

    def _python_path(self):
        """So that the server finds this package, and a judge what is beside it."""
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        return {"PYTHONPATH": os.pathsep.join([here, *self.paths])}

    def _living(self):
        return [p for p in self._processes.values() if p.ending is None]

    def send(self, message, descriptor=None):
        """Send a message; a server that is gone is noticed where it is read."""
        rights = []
        if descriptor is not None:
            code = socket.SCM_RIGHTS, array.array("i", [descriptor])
            rights = [(socket.SOL_SOCKET, *code)]
        with contextlib.suppress(OSError):
            self._control.sendmsg([json.dumps(message).encode()], rights)

    def _read(self):
        try:
            data = self._control.recv(MESSAGE)
        except OSError:
            data = b""
        return json.loads(data) if data else {"failed": "it died"}

    def receive(self, seconds=None):
        """Take in one ending; False where none came in time, or the server is gone."""
        if not select.select([self._control], [], [], seconds)[0]:
            return False
        answer = self._read()
        if "failed" in answer:
            for process in self._living():
                process.ending = sandbox.Ending("lost")
            return False
        process = self._processes.pop(answer["number"])
        process.ending = sandbox.Ending(**answer["ending"])
        return True

    def close(self):
        """End the server and every child it has."""
        if self._server is not None:
            self._control.close()  # it ends its children, then itself
            try:
                self._server.wait(10)
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None
        for process in self._living():
            process.ending = sandbox.Ending("lost")
        self._processes.clear()


# ---- the server ------------------------------------------------------------------


class Server:
    """Reads requests, forks, and tells how each child ended."""

    def __init__(self, role, control):
        self.role, self.control, self.children = role, control, {}

    def prepare(self):
        """Import what children need, and find out what they may read."""
        settings = json.loads(self.control.recv(MESSAGE))
        names = packages.OURS + tuple(settings["packages"])
        if self.role == "judge":
            self.readable = tuple(
                packages.python_files()
                + packages.all_packages()
                + [os.path.realpath(path) for path in sys.path if path]
            )
        else:
            readable = packages.python_files() + packages.package_files(names)
            self.readable = (*readable, *packages.own_files())
        for module in packages.import_names(settings["packages"]):
            importlib.import_module(module)
        for module in settings["modules"]:
            importlib.import_module(module)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
            importlib.import_module("torch._dynamo")  # optimizers load it late
        for module in packages.LATE:
            importlib.import_module(module)
        for module in ("shell", self.role):
            importlib.import_module(f"autograder.{module}")
        warm_up()

    def serve(self):
        """Until the client is gone."""
        while True:
            waiting = [self.control, *self.children.values()]
            ready, _, _ = select.select(waiting, [], [])
            for number, child in list(self.children.items()):
                if child in ready:
                    del self.children[number]
                    ending = asdict(child.wait())
                    self._tell({"number": number, "ending": ending})
            if self.control in ready and not self._request():
                break
        for child in self.children.values():
            child.stop()
        for child in self.children.values():
            child.wait()

    def _tell(self, message):
        with contextlib.suppress(OSError):
            self.control.send(json.dumps(message).encode())

    def _request(self):
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, MESSAGE, 1)
        except ConnectionResetError:  # the client went without reading all
            data = b""
        if not data:
            return False
        request = json.loads(data)
        child = self.children.get(request["number"])
        if request["do"] == "start":
            self.children[request["number"]] = self._start(request, descriptors[0])
        elif child is not None:
            child.interrupt() if request["do"] == "interrupt" else child.stop()
        return True

    def _start(self, request, descriptor):
        plan = sandbox.Plan(
            layers=frozenset(request["layers"]),
            readable=self.readable,
            limits=sandbox.Limits(**request["limits"]),
            keep=(descriptor,),
            environment=request["environment"],
        )
        try:
            return sandbox.spawn(
                plan, lambda: serve(self.role, socket.socket(fileno=descriptor))
            )
        finally:
            os.close(descriptor)


def warm_up():
    """Do what each child would do for the first time: a traceback, a figure.

    It loads and caches much: a tenth of a second for the one, most of one for
    the other.
    """
    from autograder.shell import Shell

    with tempfile.TemporaryDirectory() as folder:
        os.environ["IPYTHONDIR"] = folder  # not where the instructor's own is
        shell = Shell()
        shell.run("1 / 0")
        if "matplotlib" in sys.modules:
            shell.run("import matplotlib.pyplot as plt\nplt.plot([0, 1])")
        del os.environ["IPYTHONDIR"]


def serve(role, connection):
    """What a child does: be a student's process or a judge, until it is closed."""
    from autograder.shell import Shell

    if role == "student":
        from autograder.student import Student

        Student(Shell()).serve(connection)
    else:
        from autograder.judge import Judge

        Judge(Shell, connection).serve()


def main(role, descriptor):
    """Run as a program: a role, and the number of the control socket."""
    control = socket.socket(fileno=int(descriptor))
    server = Server(role, control)
    try:
        sandbox.harden_server()
        server.prepare()
    except BaseException as error:
        control.send(
            json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode()
        )
        return
    control.send(json.dumps({"ready": os.getpid()}).encode())
    server.serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
