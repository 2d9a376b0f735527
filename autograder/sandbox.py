"""A sandbox in layers for code that nobody trusts.

A server that has imported the permitted packages calls `spawn(plan, work)`. That
forks a keeper, and the keeper forks the confined process:

    server ── keeper (trusted, waits, kills) ── confined process: work()

The confined process puts on every layer of the plan before it calls `work`. If one
can't be put on, `work` is never called and the ending says why: nothing runs with
less protection than was asked for. Where the machine lacks a layer, `doctor`
names it; the caller then leaves it out of the plan by name, or doesn't grade.

Why not bubblewrap: it starts a program, so that it could wrap the server but not
one forked child, and all submissions would share one set of namespaces. The few
calls it makes to the kernel are made here instead, for each child.

The layers cover for each other. Where a kernel's Landlock is old, the file system
of the mount namespace is read-only still; where there are no namespaces, seccomp
refuses sockets and signals; a private uid guards what Landlock doesn't know of.
"""

import contextlib
import ctypes
import errno
import functools
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import psutil

from autograder import kernel, packages, system_calls

if sys.platform != "win32":
    import resource

# What each layer does for the instructor. The order is the doctor's.
LAYERS = {
    "pid-namespace": "sees no process but its own; all it started die with it",
    "mount-namespace": "has a file system of its own with the permitted files only",
    "net-namespace": "has no network, not even to this machine itself",
    "ipc-namespace": "shares no memory segments, queues or host name with others",
    "private-uid": "is a user of its own, who owns nothing and may signal nobody",
    "no-privileges": "has no capabilities, and set-uid programs give it none",
    "landlock": "may read the permitted files and write its own folder only",
    "seccomp": "may use the everyday system calls only",
    "rlimits": "gets so much memory, processor time, disk and processes, not more",
    "memory-cgroup": "is killed when it and its processes use too much memory",
    "wall-clock": "is ended, with all it started, when its time is over",
}
NAMESPACES = {
    "pid-namespace": kernel.NEWPID,
    "mount-namespace": kernel.NEWNS,
    "net-namespace": kernel.NEWNET,
    "ipc-namespace": kernel.NEWIPC | kernel.NEWUTS | kernel.NEWCGROUP,
}

FIRST_UID = 1_900_000_000  # above what systemd, containers and directories hand out
WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
DEVICES = (*WRITABLE_DEVICES, "/dev/random", "/dev/urandom")
PROGRAMS = ("/bin", "/usr/bin", "/lib64", "/usr/lib64")
# What a server's environment may hand on; all else could be a secret.
HARMLESS = (
    *("LANG", "LC_ALL", "TZ", "MPLBACKEND", "PYTHONHASHSEED"),
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"),
)


class SandboxError(Exception):
    """A layer that was asked for can't be put on. The text says which, and why."""


def required_layers():
    """The layers without which nothing is graded, for the user who runs this."""
    optional = {"memory-cgroup"}
    if os.geteuid() != 0:
        optional.add("private-uid")  # only root can become somebody else
    return frozenset(LAYERS) - optional


@dataclass(frozen=True)
class Limits:
    """What one confined process may use. Megabytes are 2**20 bytes."""

    seconds: float = 60  # by the clock on the wall
    cpu_seconds: int = 60
    memory_mb: int = 1024  # beyond what the server had already
    scratch_mb: int = 64  # all files in its folder together
    files: int = 10_000  # so many files and folders in it
    file_mb: int = 16  # one file
    open_files: int = 256
    threads: int = 32
    processes: int = 0  # besides the first; each may use memory_mb


@dataclass(frozen=True)
class Plan:
    """How to confine one process.

    readable: paths it may read, from packages.python_files and package_files.
    keep: the descriptors that stay open in it. environment: variables it sees
    besides the usual. programs: whether it may start programs.
    """

    layers: frozenset
    readable: tuple = ()
    limits: Limits = field(default_factory=Limits)
    keep: tuple = ()
    environment: dict = field(default_factory=dict)
    programs: bool = False

    def __post_init__(self):
        unknown = set(self.layers) - set(LAYERS)
        if unknown:
            expected = ", ".join(LAYERS)
            raise ValueError(f"layers: {sorted(unknown)} unknown; known: {expected}.")


@dataclass(frozen=True)
class Ending:
    """How a confined process ended.

    why: "exited" (with `code`), "signal" (number `code`), "wall-clock", "cpu",
    "memory" (the cgroup's), "stopped" (the server asked, or died), "refused" (a
    layer failed, see `message`; nothing ran) or "lost" (the keeper was killed).
    """

    why: str
    code: int = 0
    message: str = ""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_mb: float = 0.0


# ---- for the server ----------------------------------------------------------


class Confined:
    """A confined process, as its server sees it."""

    def __init__(self, pid, control, scratch):
        self.pid, self._control, self._scratch = pid, control, scratch
        self._ending = None

    def fileno(self):
        """A descriptor that becomes readable when the process has ended."""
        return self._control.fileno()

    def _said(self):
        try:
            return self._control.recv(65536)
        except ConnectionResetError:  # it ended before it read an interruption
            return b""

    def interrupt(self):
        """Send the confined process SIGINT, as Ctrl-C does."""
        with contextlib.suppress(OSError):  # it has just ended
            self._control.send(b"i")

    def stop(self):
        """End it now, with all it started."""
        self._control.shutdown(socket.SHUT_WR)

    def wait(self):
        """Wait until it and all it started have ended, and return the Ending."""
        if self._ending is None:
            text = b"".join(iter(self._said, b""))
            os.waitpid(self.pid, 0)
            self._control.close()
            self._ending = Ending(**json.loads(text)) if text else Ending("lost")
            _remove(self._scratch)  # gone already, unless the keeper was killed
        return self._ending


def spawn(plan, work):
    """Fork a process, confine it as planned, and call work() in it.

    Returns a Confined at once. What work() returns is lost: it talks through the
    descriptors the plan keeps. An exception ends the process with code 1.
    """
    _prepare(plan)
    scratch = tempfile.mkdtemp(prefix="autograder-")
    ours, theirs = socket.socketpair()
    pid = os.fork()
    if pid:
        theirs.close()
        return Confined(pid, ours, scratch)
    try:
        ending = _keep(plan, work, theirs, scratch)
        theirs.sendall(json.dumps(vars(ending)).encode())
    finally:  # whatever happens, a copy of the server must not live on
        os._exit(0)


def _prepare(plan):
    """Do once, before forks, what is the same for each: they inherit the results."""
    _resolved(plan.readable)
    if "seccomp" in plan.layers:
        with contextlib.suppress(OSError):  # the layer itself will say it
            _filter(plan, own=1)  # the first of a pid namespace is number 1


@functools.cache
def _resolved(paths):
    """(path, the same without links, whether it is a folder) of those that exist."""
    real = [(path, os.path.realpath(path)) for path in paths]
    return [(p, r, os.path.isdir(r)) for p, r in real if os.path.exists(r)]


def _filter(plan, own):
    forks = plan.limits.processes > 0
    return system_calls.program(forks, plan.programs, own)


def harden_server():
    """Keep other processes of this user from reading this one. Forks inherit it."""
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


def clean_environment(extra=()):
    """The variables a server is started with, so that no secret is in its memory.

    extra: names of further variables to hand on.
    """
    names = ("PATH", "HOME", *HARMLESS, *extra)
    return {name: os.environ[name] for name in names if name in os.environ}


# ---- the keeper --------------------------------------------------------------


def _keep(plan, work, control, scratch):
    """Start the confined process and see to its end. Returns the Ending."""
    os.setsid()  # Ctrl-C in a terminal is for the server
    _default_signals()
    _close_all_but({control.fileno(), *plan.keep})
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)  # its orphans become ours
    uid = FIRST_UID + os.getpid() if "private-uid" in plan.layers else os.getuid()
    cgroup = None
    try:
        if "memory-cgroup" in plan.layers:
            with _naming("memory-cgroup"):
                cgroup = _make_cgroup(plan.limits)
        with _naming("wall-clock"):  # what it waits with, before anything runs
            os.close(os.pidfd_open(os.getpid()))
        with _naming(", ".join(sorted(NAMESPACES.keys() & plan.layers))):
            _leave_namespaces(plan.layers)
        started = time.monotonic()
        pid, verdict = _start(plan, work, scratch, uid, cgroup, control)
        if verdict != b"confined":
            _kill(pid)
            text = verdict.decode() or "it died while the layers were put on."
            return Ending("refused", message=text)
        return _watch(plan, pid, control, started, cgroup)
    except (SandboxError, OSError) as error:
        return Ending("refused", message=str(error))
    finally:
        _kill_descendants()
        _remove(scratch)
        if cgroup:
            with contextlib.suppress(OSError):
                os.rmdir(cgroup)


@contextlib.contextmanager
def _naming(layer):
    """Say in an error which layer it is about."""
    try:
        yield
    except Exception as error:
        raise SandboxError(f"Sandbox, layer {layer}: {error}") from error


def _default_signals():
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.set_wakeup_fd(-1)


def _start(plan, work, scratch, uid, cgroup, control):
    """Fork and confine. Returns the pid and what the child says about itself."""
    listen, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            _confine(plan, scratch, uid, cgroup, tell)
            os.write(tell, b"confined")
        except BaseException as error:
            os.write(tell, f"{error}".encode())
            os._exit(1)
        os.close(tell)
        _run(work)
    for descriptor in (tell, *plan.keep):
        os.close(descriptor)
    ready = _wait_for([listen, control], plan.limits.seconds)
    verdict = os.read(listen, 65536) if listen in ready else b""
    os.close(listen)
    return pid, verdict


def _run(work):
    code = 1
    try:
        work()
        code = 0
    except SystemExit as request:
        code = request.code if isinstance(request.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(code & 255)


def _watch(plan, pid, control, started, cgroup):
    """Wait for the end, and bring it about when time is over or the server says.

    The server sends an "i" for an interruption, and closes for the end.
    """
    process = os.pidfd_open(pid)
    limit = plan.limits.seconds if "wall-clock" in plan.layers else None
    while True:
        left = None if limit is None else max(0, started + limit - time.monotonic())
        ready = _wait_for([process, control], left)
        if control.fileno() not in ready or process in ready:
            break
        if control.recv(1) != b"i":
            break
        os.kill(pid, signal.SIGINT)
    os.close(process)
    ended = process in ready
    code, used = _kill(pid)
    if not ended:
        why = "stopped" if ready else "wall-clock"
    elif code >= 0:
        why = "exited"
    else:
        why = _why_killed(-code, plan, used, cgroup)
    return Ending(
        why=why,
        code=abs(code) if ended else 0,
        seconds=time.monotonic() - started,
        cpu_seconds=used.ru_utime + used.ru_stime,
        peak_mb=used.ru_maxrss / 1024,
    )


def _why_killed(number, plan, used, cgroup):
    if number == signal.SIGKILL:
        if cgroup and _out_of_memory(cgroup):
            return "memory"
        # The limit counts whole ticks of a clock, the usage is exact: on a busy
        # machine they differ. Nobody else would have killed it.
        if used.ru_utime + used.ru_stime > 0.7 * plan.limits.cpu_seconds:
            return "cpu"
    return "signal"


def _kill(pid):
    """Kill this child if it lives. Returns its exit code (-signal) and its usage.

    If it is the first of a pid namespace, the wait lasts until the kernel has
    killed every other process there.
    """
    os.kill(pid, signal.SIGKILL)  # no harm to one that has ended: it is not reaped
    _, status, used = os.wait4(pid, 0)
    return os.waitstatus_to_exitcode(status), used


def _kill_descendants():
    """Kill what the confined process left behind where it had no pid namespace."""
    with contextlib.suppress(ChildProcessError):  # until nobody is left
        while True:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):  # somebody lives
                for process in psutil.Process().children(recursive=True):
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                os.waitpid(-1, 0)


def _remove(scratch):
    try:
        shutil.rmtree(scratch, ignore_errors=True)
    except RecursionError:  # a thousand folders in each other: rm can do that
        subprocess.run(["rm", "-rf", "--", scratch], check=False)


def _wait_for(descriptors, seconds):
    """Those of the descriptors that can be read, after so long at most (None: ever)."""
    poll = select.poll()  # select() knows the first 1024 only
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return [
        found for found, _ in poll.poll(None if seconds is None else 1000 * seconds)
    ]


# ---- memory cgroup (version 2) -----------------------------------------------


def cgroup_parent():
    """The folder in which this process may make a cgroup with a memory limit.

    Raises OSError where there is none.
    """
    with open("/proc/self/cgroup") as file:
        own = [line.strip()[3:] for line in file if line.startswith("0::")]
    mounts = psutil.disk_partitions(all=True)
    for root in [m.mountpoint for m in mounts if m.fstype == "cgroup2"]:
        for path in (root + own[0], os.path.dirname(root + own[0])):
            with contextlib.suppress(OSError):
                with open(os.path.join(path, "cgroup.subtree_control")) as file:
                    controllers = file.read().split()
                if "memory" in controllers and os.access(path, os.W_OK):
                    return path
    raise OSError(
        "no cgroup (version 2) with the memory controller is ours to divide; "
        "`systemd-run --user --scope -p Delegate=yes` gives one."
    )


def _make_cgroup(limits):
    path = os.path.join(cgroup_parent(), f"autograder-{os.getpid()}")
    os.mkdir(path)
    megabytes = limits.memory_mb * (1 + limits.processes)
    rules = {"memory.max": megabytes << 20, "memory.oom.group": 1}
    if os.path.exists(os.path.join(path, "memory.swap.max")):
        rules["memory.swap.max"] = 0
    for name, value in rules.items():
        with open(os.path.join(path, name), "w") as file:
            file.write(str(value))
    return path


def _out_of_memory(cgroup):
    with open(os.path.join(cgroup, "memory.events")) as file:
        counts = dict(line.split() for line in file)
    return int(counts["oom_kill"]) > 0


# ---- the confined process ----------------------------------------------------


def _confine(plan, scratch, uid, cgroup, tell):
    """Put on every layer of the plan, or raise SandboxError naming the one that fails.

    The order matters: paths are opened before the uid changes, capabilities last as
    long as something needs them, and seccomp, which refuses most of this, is last.
    """
    if len(os.listdir("/proc/self/task")) != 1:
        raise SandboxError("Sandbox: a thread is running, which no layer would hold.")
    for layer, put_on in (
        ("memory-cgroup", lambda: _enter_cgroup(cgroup)),
        ("always", lambda: _replace_environment(plan, scratch)),
        ("mount-namespace", lambda: _private_files(plan, scratch, uid)),
        ("always", lambda: _private_folder(plan, scratch, uid, tell)),
        ("ipc-namespace", lambda: socket.sethostname("sandbox")),
        ("rlimits", lambda: _limit(plan)),
        ("landlock", lambda: kernel.landlock(_rights(plan, scratch))),
        ("no-privileges", kernel.shrink_bounding_set),
        ("private-uid", lambda: _become(uid)),
        ("no-privileges", kernel.drop_capabilities),
        ("always", _bind_to_keeper),
        ("seccomp", lambda: kernel.seccomp(_filter(plan, os.getpid()))),
    ):
        if layer == "always" or layer in plan.layers:
            with _naming(layer):
                put_on()


def _enter_cgroup(cgroup):
    with open(os.path.join(cgroup, "cgroup.procs"), "w") as file:
        file.write("0")  # the writer


def _leave_namespaces(layers):
    """Move to new namespaces. A new pid namespace begins with the next child.

    The child leaves the mount namespace itself: the keeper needs its own files.
    """
    asked = NAMESPACES.keys() & layers
    if not asked:
        return
    flags = 0
    for layer in asked - {"mount-namespace"}:
        flags |= NAMESPACES[layer]
    uid, gid = os.getuid(), os.getgid()
    if uid == 0:
        kernel.unshare(flags)
        return
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else our /proc/self is root's
    kernel.unshare(kernel.NEWUSER | flags)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {uid} 1"),
        ("gid_map", f"{gid} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)


# -- mount namespace


def _private_files(plan, scratch, uid):
    """Build a root of read-only views of the permitted paths, and move into it."""
    os.umask(0o022)  # its folders are for a user who is not us
    kernel.unshare(kernel.NEWNS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", scratch, "tmpfs", 0, "size=1m,mode=755")
    for path, real, is_folder in _readable(plan):
        _show(path, real, is_folder, scratch)
    for path in DEVICES:
        _mount_point(scratch + path, is_folder=False)
    os.makedirs(scratch + scratch)
    os.makedirs(scratch + "/proc", exist_ok=True)
    strict = kernel.ATTR_READ_ONLY | kernel.ATTR_NO_SUID | kernel.ATTR_NO_DEVICES
    kernel.restrict_mount(scratch, strict)
    for path in DEVICES:
        kernel.mount(path, scratch + path, None, kernel.MS_BIND)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    gid = uid if "private-uid" in plan.layers else os.getgid()
    own = f"size={plan.limits.scratch_mb}m,nr_inodes={plan.limits.files},mode=700"
    own += f",uid={uid},gid={gid}"
    kernel.mount("tmpfs", scratch + scratch, "tmpfs", flags, own)
    if "pid-namespace" in plan.layers:  # else it would show everybody's processes
        flags |= kernel.MS_NOEXEC
        kernel.mount("proc", scratch + "/proc", "proc", flags, "subset=pid")
    kernel.change_root(scratch)


def _readable(plan):
    return _resolved(plan.readable) + (_resolved(PROGRAMS) if plan.programs else [])


def _show(path, real, is_folder, root):
    """Make a path visible below the new root, and the link that leads to it."""
    if not os.path.lexists(root + real):
        _mount_point(root + real, is_folder)
        kernel.mount(real, root + real, None, kernel.MS_BIND)
    if real != path and not os.path.lexists(root + path):
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(real, root + path)


def _mount_point(path, is_folder):
    os.makedirs(path if is_folder else os.path.dirname(path), exist_ok=True)
    if not is_folder:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))


# -- folder, descriptors, environment


def _private_folder(plan, scratch, uid, tell):
    """Leave nothing of the server's but what the plan keeps.

    The process gets a HOME, a folder for temporary files and one to work in.
    """
    gid = uid if "private-uid" in plan.layers else os.getgid()
    for name in ("", "home", "tmp", "work"):
        path = os.path.join(scratch, name)
        os.makedirs(path, mode=0o700, exist_ok=True)
        os.chown(path, uid, gid)
    os.chdir(os.path.join(scratch, "work"))
    os.umask(0o077)
    _close_all_but({tell, *plan.keep})
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _replace_environment(plan, scratch):
    """Keep the harmless variables, and set those that say where files go."""
    passed_on = {name: os.environ[name] for name in HARMLESS if name in os.environ}
    os.environ.clear()
    _forget_first_environment()
    home, temporary = os.path.join(scratch, "home"), os.path.join(scratch, "tmp")
    os.environ.update(
        {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "USER": "student"}
        | {"LOGNAME": "student", "HOME": home, "TMPDIR": temporary}
        | {"IPYTHONDIR": f"{home}/ipython", "MPLCONFIGDIR": f"{home}/matplotlib"}
        | passed_on
        | plan.environment
    )
    tempfile.tempdir = None  # where it was found belongs to the server


def _close_all_but(keep):
    """Close every other descriptor; 0, 1 and 2 read and write nothing instead."""
    null = os.open(os.devnull, os.O_RDWR)
    for standard in {0, 1, 2} - set(keep):
        os.dup2(null, standard)
    first = 3
    for descriptor in sorted(set(keep) - {0, 1, 2}):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, 1 << 30)


def _forget_first_environment():
    """Blank the variables the server was started with, which /proc/self shows."""
    with open("/proc/self/stat") as file:
        start, end = file.read().rsplit(")", 1)[1].split()[47:49]
    if int(start) and int(end):
        ctypes.memset(int(start), 0, int(end) - int(start))


# -- limits


def _limit(plan):
    limits = plan.limits
    with open("/proc/self/statm") as file:
        mapped = int(file.read().split()[0]) * resource.getpagesize()
    tasks = 1 + limits.processes + limits.threads
    if os.getuid() != 0:  # the keeper counts, and without namespaces all others do
        alone = NAMESPACES.keys() & plan.layers
        tasks += 1 if alone else _tasks_of(os.getuid())
    wanted = {
        # Data alone would leave out shared mappings, which Python's mmap makes.
        "AS": mapped + (limits.memory_mb << 20),
        "CPU": limits.cpu_seconds,
        "FSIZE": limits.file_mb << 20,
        "NOFILE": limits.open_files,
        "NPROC": tasks,
        **dict.fromkeys(("CORE", "MSGQUEUE", "MEMLOCK", "RTPRIO", "NICE"), 0),
    }
    for name, value in wanted.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, most = resource.getrlimit(kind)
        value = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(kind, (value, value))
    usual = 8 << 20  # unlimited stacks change where the kernel maps everything
    _, most = resource.getrlimit(resource.RLIMIT_STACK)
    most = usual if most == resource.RLIM_INFINITY else min(usual, most)
    resource.setrlimit(resource.RLIMIT_STACK, (most, most))


def _tasks_of(uid):
    users = psutil.process_iter(["uids", "num_threads"])
    return sum(p.info["num_threads"] for p in users if p.info["uids"].real == uid)


# -- Landlock, uid, keeper


def _rights(plan, scratch):
    """(path, rights) of all that may be used, for Landlock."""
    read = kernel.READ | (kernel.EXECUTE if plan.programs else 0)
    # A proc file system of its own shows it nobody else; the machine's would.
    own_proc = {"pid-namespace", "mount-namespace"} <= plan.layers
    return [
        *((real, read) for _, real, _ in _readable(plan)),
        *((path, kernel.LIST) for path in packages.listed_folders(plan.readable)),
        *((path, kernel.READ) for path in DEVICES),
        *((path, kernel.READ | kernel.WRITE_FILE) for path in WRITABLE_DEVICES),
        ("/proc" if own_proc else "/proc/self", kernel.READ),
        (scratch, kernel.WRITE | (kernel.EXECUTE if plan.programs else 0)),
    ]


def _become(uid):
    """Become a user of its own, who is in no group but its own."""
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise OSError(f"user id {uid} doesn't exist in this container.") from error


def _bind_to_keeper():
    """Die when the keeper does, and be unreadable. Changes of uid reset both."""
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
