"""Processes without a sandbox, where the instructor accepts that: macOS, Windows.

`Unconfined` stands where `ForkServer` does on Linux. Student code runs as the
instructor, in a folder and with a home of its own, which confines nothing. What
stays: student and tests in processes of their own, limits of time, and that what
was started is ended. Each process begins with a new Python, which takes seconds.
"""

import contextlib
import importlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import psutil

from autograder import packages, sandbox
from autograder.forkserver import ServerError, serve

START = 120  # seconds for the imports
# What Python and its packages do not start without, there.
NEEDED = ("SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "PATHEXT", "DYLD_LIBRARY_PATH")


@dataclass
class Process:
    """A child: a socket to it, and the folder it works in."""

    program: subprocess.Popen
    connection: socket.socket
    folder: tempfile.TemporaryDirectory

    def interrupt(self):
        """What Ctrl-C does in a notebook; on Windows only the end is left."""
        if sys.platform != "win32":
            self.program.send_signal(signal.SIGINT)

    def kill(self):
        """End it, with all it started."""
        if self.program.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                parent = psutil.Process(self.program.pid)
                for process in (*parent.children(recursive=True), parent):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
        self.program.wait()
        self.connection.close()
        with contextlib.suppress(OSError):
            self.folder.cleanup()

    def reason(self):
        """In a word; no limit but that of time is set here."""
        return "crashed"


class Unconfined:
    """Starts processes of one role; see ForkServer for the parameters."""

    def __init__(self, role, packages=(), modules=(), paths=()):
        self.role, self.paths = role, tuple(paths)
        self.packages, self.modules = tuple(packages), tuple(modules)

    def start(self, limits, layers, environment=None):
        """Start a process and return it. limits and layers are not kept.

        Raises ServerError where it does not start.
        """
        folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        told = sandbox.clean_environment(NEEDED) | dict.fromkeys(
            ("HOME", "USERPROFILE", "IPYTHONDIR", "MPLCONFIGDIR", "TMPDIR", "TEMP"),
            folder.name,
        )
        told["PYTHONPATH"] = os.pathsep.join([here, *self.paths])
        with socket.create_server(("localhost", 0)) as listener:
            listener.settimeout(START)
            program = subprocess.Popen(
                [sys.executable, "-m", "autograder.unconfined"],
                stdin=subprocess.PIPE,
                cwd=folder.name,
                env=told | (environment or {}),
                start_new_session=True,
            )
            key = secrets.token_hex()
            settings = {
                "role": self.role,
                "port": listener.getsockname()[1],
                "key": key,
                "modules": [*packages.import_names(self.packages), *self.modules],
            }
            with contextlib.suppress(OSError), program.stdin as pipe:
                pipe.write(json.dumps(settings).encode())
            return Process(program, self._accept(listener, key, program), folder)

    def _accept(self, listener, key, program):
        """The connection of the child, which knows the key; of nobody else."""
        try:
            while True:
                connection, _ = listener.accept()
                connection.settimeout(START)
                if connection.recv(len(key), socket.MSG_WAITALL) == key.encode():
                    return connection
                connection.close()
        except OSError as error:
            program.kill()
            raise ServerError(f"a {self.role}'s process: {error}") from error

    def close(self):
        """There is no server to end."""


def main():
    """The child: read what to be from stdin, import, connect, serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # until a cell runs
    settings = json.loads(sys.stdin.buffer.read())
    ours = ("autograder.shell", f"autograder.{settings['role']}")
    for module in (*settings["modules"], *ours):
        with contextlib.suppress(ImportError):
            importlib.import_module(module)
    connection = socket.create_connection(("localhost", settings["port"]))
    connection.sendall(settings["key"].encode())
    serve(settings["role"], connection)


if __name__ == "__main__":
    main()
