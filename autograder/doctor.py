"""Which layers of the sandbox does this machine give?

Nothing is believed from version numbers: each layer is put on a throw-away process,
alone, and that process then tries what the layer should forbid.
"""

import _thread
import ctypes
import json
import mmap
import os
import signal
import socket
import sys
import tempfile
import textwrap
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from autograder import kernel, packages
from autograder.sandbox import (
    LAYERS,
    NAMESPACES,
    Limits,
    Plan,
    SandboxError,
    required_layers,
    spawn,
)

if sys.platform != "win32":
    import resource

ACTIVE, MISSING, FAILING = "active", "missing", "failing"

# Not a layer: do the active ones let ordinary code run?
TOGETHER = "together"
DOES = {layer: f"Student code {does}." for layer, does in LAYERS.items()}
DOES[TOGETHER] = "Ordinary code runs behind all active layers at once."

EXPOSES = {
    "pid-namespace": "Student code can see other processes and leave some behind.",
    "mount-namespace": "Only Landlock and file permissions guard your files.",
    "net-namespace": "Only seccomp keeps student code from the network.",
    "ipc-namespace": "Student code can reach shared memory of other programs.",
    "private-uid": "Submissions graded at the same time can disturb each other; "
    "student code owns the files of whoever grades.",
    "no-privileges": "A set-uid program could give student code the powers of root.",
    "landlock": "Only the mount namespace and file permissions guard your files.",
    "seccomp": "Student code can use every part of the kernel, also parts that have "
    "had holes, and read the memory of other processes of its user.",
    "rlimits": "One submission can use up the memory, processors and disk.",
    "memory-cgroup": "Memory is limited for each process, not for all together.",
    "wall-clock": "A submission that never ends is never ended.",
    TOGETHER: "Ordinary code can't run behind the layers: nothing can be graded.",
}
_NAMESPACES_HELP = (
    "Namespaces need root, or a kernel that gives them to all users. Ubuntu 24.04 and "
    "later: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0. Docker: "
    "--cap-add SYS_ADMIN --security-opt apparmor=unconfined."
)
HELPS = {
    **dict.fromkeys(NAMESPACES, _NAMESPACES_HELP),
    "landlock": "Landlock needs Linux 5.13 or later, with `landlock` in the list of "
    "the boot parameter `lsm`.",
    "seccomp": "The filter is written by libseccomp: apt-get install libseccomp2.",
    TOGETHER: "The permitted packages and Python itself must be readable for all "
    "users: not in a home folder that is closed to others.",
}
SMALL = Limits(seconds=5, cpu_seconds=3, memory_mb=64, file_mb=1, open_files=40)


@dataclass(frozen=True)
class Status:
    """What a probe found. reason: the kernel's, or what the attack achieved."""

    layer: str
    state: str
    required: bool
    reason: str = ""

    @property
    def sentence(self):
        """One sentence for the instructor."""
        if self.state == ACTIVE:
            return DOES[self.layer]
        return f"{EXPOSES[self.layer]} ({self.reason})"


def available():
    """Probe every layer. Returns a list of Status: LAYERS in order, then TOGETHER."""
    if sys.platform != "linux":
        reason = f"only Linux has it; this is {sys.platform}"
        return [Status(layer, MISSING, True, reason) for layer in LAYERS]
    required = required_layers()
    with _victim() as victim:
        statuses = [_probe(layer, layer in required, victim) for layer in LAYERS]
    return [*statuses, _probe_together(_active(statuses))]


def _active(statuses):
    return frozenset(s.layer for s in statuses if s.state == ACTIVE) - {TOGETHER}


def layers_to_ask(accept_missing=()):
    """The layers a plan asks for here: all that are active.

    accept_missing: names of required layers the instructor does without, or "all".
    Raises SandboxError if another required layer is not active, ValueError for
    names that are no layer.
    """
    unknown = sorted(set(accept_missing) - {*LAYERS, "all"})
    if unknown:
        raise ValueError(f"accept_missing: {unknown}; known: {', '.join(LAYERS)}.")
    statuses = available()
    accepted = LAYERS if "all" in accept_missing else accept_missing
    refused = [s for s in lacking(statuses) if s.layer not in accepted]
    if refused:
        lines = "\n".join(f"- {s.layer}, {s.state}: {s.sentence}" for s in refused)
        raise SandboxError(
            f"This machine can't confine student code as grading requires:\n{lines}\n"
            "`python -m autograder doctor` says more. To grade all the same, name "
            "each layer you do without: --accept-missing LAYER (or: all)."
        )
    return _active(statuses)


def lacking(statuses):
    """Those of the required layers that don't protect."""
    return [s for s in statuses if s.required and s.state != ACTIVE]


# ---- the report --------------------------------------------------------------


def report(statuses, width=79):
    """The table and the verdict, as text."""
    lines = ["What confines student code on this machine:", ""]
    for status in statuses:
        mark = "" if status.required else " (not required)"
        indent = " " * 26
        text = f"  {status.layer:<16}{status.state:<8}{status.sentence}{mark}"
        lines += textwrap.wrap(text, width, subsequent_indent=indent)
    helps = {HELPS.get(status.layer): None for status in lacking(statuses)}
    for text in filter(None, helps if sys.platform == "linux" else ()):
        lines += ["", *textwrap.wrap(text, width)]
    return "\n".join([*lines, "", *textwrap.wrap(verdict(statuses), width)])


def verdict(statuses):
    """The last line of the report."""
    bad = [status.layer for status in lacking(statuses)]
    if not bad:
        return "Ready: every layer that grading requires is active."
    return (
        f"Not ready: {', '.join(bad)}. Grading refuses to start, unless you accept "
        "what is exposed: --accept-missing LAYER, once for each (or: all)."
    )


def main(as_json=False):
    """Print what this machine gives. Returns the exit status, 0 if it is enough."""
    statuses = available()
    bad = bool(lacking(statuses))
    if as_json:
        rows = [asdict(status) | {"sentence": status.sentence} for status in statuses]
        answer = {"ready": not bad, "verdict": verdict(statuses), "layers": rows}
        print(json.dumps(answer, indent=2))
    else:
        print(report(statuses))
    return int(bad)


# ---- probing -----------------------------------------------------------------


def _probe(layer, required, victim):
    """Put one layer on, attack it, and say what came of it."""
    if layer == "private-uid" and os.geteuid() != 0:
        return Status(layer, MISSING, required, "it takes root to change the user")
    try:
        limits = replace(SMALL, seconds=0.5) if layer == "wall-clock" else SMALL
        ending, achieved = attempt({layer}, lambda: ATTACKS[layer](victim), limits)
    except (OSError, SandboxError) as error:
        return Status(layer, MISSING, required, str(error))
    if ending.why == "refused":
        return Status(layer, MISSING, required, ending.message.rstrip("."))
    if layer in ENDINGS and ending.why != ENDINGS[layer]:
        achieved = achieved or f"it ended by {ending.why}, not by {ENDINGS[layer]}"
    if achieved:
        return Status(layer, FAILING, required, f"tried: it {achieved}")
    return Status(layer, ACTIVE, required)


def _probe_together(layers):
    """Run ordinary code behind all these layers at once."""
    ending, done = attempt(layers, _work_as_usual)
    if done == "worked":
        return Status(TOGETHER, ACTIVE, True)
    return Status(TOGETHER, FAILING, True, ending.message or done or str(ending))


def _work_as_usual():
    try:
        import wave  # noqa: F401, read from the disk now, by whoever it runs as

        Path("file").write_text("text")
        _threads(2)
        return "worked"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def attempt(layers, attack, limits=SMALL):
    """Run attack() behind these layers. Returns the Ending and what it achieved."""
    receive, send = os.pipe()

    def work():
        achieved = attack()
        os.write(send, (achieved or "").encode())

    readable = tuple(packages.python_files())
    plan = Plan(frozenset(layers), readable, limits, keep=(send,))
    try:
        confined = spawn(plan, work)
    finally:
        os.close(send)
    ending = confined.wait()
    with open(receive, "rb", buffering=0) as file:
        os.set_blocking(receive, False)  # a daemon that lived on would hold it open
        return ending, _drain(file)


def _drain(file):
    text = file.read()
    if text is None:
        return "left a process behind"
    return text.decode()


@dataclass(frozen=True)
class Victim:
    """What the attacks aim at."""

    process: int
    secret: Path
    port: int
    shared_memory: int


@contextmanager
def _victim():
    libc = ctypes.CDLL(None)
    create, remove = 0o1666, 0
    with (
        tempfile.TemporaryDirectory() as folder,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        secret = Path(folder, "secret")
        secret.write_text("secret")
        os.chmod(folder, 0o755)
        shared = libc.shmget(0, 4096, create)
        port = server.getsockname()[1]
        try:
            yield Victim(os.getpid(), secret, port, shared)
        finally:
            libc.shmctl(shared, remove, None)


# Each attack returns what it achieved, in words that follow "it", or nothing.


def _see_processes(victim):
    if os.getppid() != 0:
        return "saw the process that started it"


def _read_secret(victim):
    try:
        return f"read {victim.secret.read_text()!r} in a folder outside"
    except OSError:
        return None


def _connect(victim):
    try:
        with socket.socket() as connection:
            connection.settimeout(2)
            connection.connect(("127.0.0.1", victim.port))
        return "connected to a server on this machine"
    except OSError:
        return None


def _attach_memory(victim):
    attach = ctypes.CDLL(None).shmat
    attach.restype = ctypes.c_ssize_t
    if attach(victim.shared_memory, None, 0) != -1:
        return "attached a memory segment of another program"


def _signal_and_read(victim):
    try:
        os.kill(victim.process, 0)
        return "could signal the server"
    except PermissionError:
        return None


def _use_privileges(victim):
    try:
        os.chroot("/")
        return "changed the root folder"
    except OSError:
        pass
    if kernel.held_capabilities():
        return "held capabilities"
    if not kernel.prctl(kernel.PR_GET_NO_NEW_PRIVS):
        return "could gain privileges from a set-uid program"


def _touch_files(victim):
    try:
        victim.secret.with_name("new").write_text("")
        return "wrote a file in a folder outside"
    except OSError:
        return _read_secret(victim)


def _use_kernel(victim):
    acts = {
        "opened a socket": lambda: socket.socket().close(),
        "made new namespaces": lambda: kernel.unshare(kernel.NEWUSER),
        "signalled the server": lambda: os.kill(victim.process, 0),
        "made a file in memory": lambda: os.memfd_create("x"),
        "let itself be traced": lambda: kernel.trace_me(),
        "started a process": _fork,
    }
    return _first_that_works(acts)


def _first_that_works(acts):
    """What the first of these acts achieves that is not refused, or None."""
    for achieved, act in acts.items():
        try:
            act()
            return achieved
        except OSError:
            pass


def _fork():
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _exceed(victim):
    acts = {
        "took twice its memory": lambda: mmap.mmap(-1, 2 * SMALL.memory_mb << 20),
        "wrote twice its file size": lambda: Path("big").write_bytes(
            bytes(2 * SMALL.file_mb << 20)
        ),
        "opened too many files": lambda: [os.pipe() for _ in range(SMALL.open_files)],
    }
    if achieved := _first_that_works(acts):
        return achieved
    if resource.getrlimit(resource.RLIMIT_CORE)[1] or _threads(100) == 100:
        return "could dump its memory or start 100 threads"


def _threads(number):
    """Try to start so many threads. Returns how many did."""
    held = _thread.allocate_lock()  # Thread.start() waits, for ever where one dies
    held.acquire()
    for started in range(number):
        try:
            _thread.start_new_thread(held.acquire, ())
        except RuntimeError:
            return started
    return number


def _fill_memory(victim):
    bytes(1) * (2 * SMALL.memory_mb << 20)
    return "used twice its memory"


def _live_on(victim):
    """Leave a daemon that ignores signals, and never end."""
    if os.fork():
        time.sleep(60)
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork():
        os._exit(0)
    time.sleep(60)


ATTACKS = {
    "pid-namespace": _see_processes,
    "mount-namespace": _read_secret,
    "net-namespace": _connect,
    "ipc-namespace": _attach_memory,
    "private-uid": _signal_and_read,
    "no-privileges": _use_privileges,
    "landlock": _touch_files,
    "seccomp": _use_kernel,
    "rlimits": _exceed,
    "memory-cgroup": _fill_memory,
    "wall-clock": _live_on,
}
# The attacks that a layer ends, rather than letting them fail.
ENDINGS = {"memory-cgroup": "memory", "wall-clock": "wall-clock"}
