"""Every layer of the sandbox is attacked alone, with the others, and left out."""

import contextlib
import ctypes
import encodings.idna  # noqa: F401, loaded before files become unreadable
import errno
import fcntl
import json
import mmap
import os
import platform
import pty
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from confinement import ORDINARY, PYTHON, become, behind, in_child, sibling

from autograder import kernel, packages, sandbox
from autograder.sandbox import Limits, Plan, required_layers, spawn

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="needs Linux"),
    pytest.mark.usefixtures("all_layers"),
]

LIBC = ctypes.CDLL(None, use_errno=True)
TIGHT = Limits(
    seconds=20,
    cpu_seconds=10,
    memory_mb=64,
    scratch_mb=8,
    files=100,
    file_mb=4,
    open_files=40,
    threads=10,
)


def call(name, *arguments):
    """A function of the C library; a negative answer becomes an OSError."""
    result = getattr(LIBC, name)(*arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


# ---- the attacks: each returns something true if it achieved what it tried ------


@dataclass
class Target:
    """What the attacks aim at: a course, and processes of the same user."""

    course: Path
    secret: Path
    theirs: Path  # another student's file, which all may write
    own: Path  # a file of the user who grades
    launcher: int
    sibling: int
    memory: int  # where the sibling has something to read
    tcp: int
    udp: int
    unix: str
    abstract: str
    segment: int
    folder: int  # the course folder, as a descriptor that is kept
    terminal: int


ATTACKS = {}


def attack(*layers, root_only=False, landlock=1):
    """Register an attack, and the layers each of which stops it alone.

    landlock: the version of Landlock that stops it.
    """

    def register(act):
        ATTACKS[act.__name__] = (act, layers, root_only, landlock)
        return act

    return register


@attack("mount-namespace", "landlock")
def read_the_course(target):
    return target.secret.read_text()


@attack("mount-namespace", "landlock")
def list_the_course(target):
    return os.listdir(target.course)


@attack("mount-namespace", "landlock", "private-uid", root_only=True)
def read_etc_shadow(target):
    return Path("/etc/shadow").read_text()


@attack("mount-namespace", "landlock")
def overwrite_another_students_file(target):
    return target.theirs.write_text("mine now")


@attack("mount-namespace", "landlock", "seccomp", landlock=3)
def truncate_another_students_file(target):
    os.truncate(target.theirs, 0)
    return True


@attack("mount-namespace", "private-uid")
def change_the_permissions_of_a_file(target):
    os.chmod(target.own, 0o666)
    return True


@attack("mount-namespace", "landlock")
def delete_a_file(target):
    target.own.unlink()
    return True


@attack("mount-namespace", "landlock")
def follow_a_link_out_of_the_folder(target):
    os.symlink(target.secret, "link")
    return Path("link").read_text()


@attack("mount-namespace", "landlock")
def pull_a_file_in_by_a_hard_link(target):
    os.link(target.own, "hard")
    return True


@attack("landlock")
def read_through_a_kept_folder(target):
    return os.open("secret", os.O_RDONLY, dir_fd=target.folder)


@attack("landlock")
def leave_through_a_kept_folder(target):
    os.fchdir(target.folder)
    return os.listdir("..")


@attack("mount-namespace", "landlock")
def read_a_relatives_proc(target):
    return Path(f"/proc/{target.launcher}/cmdline").read_text()


@attack("pid-namespace", "private-uid", "landlock", "seccomp")
def trace_a_sibling(target):
    seize = 0x4206
    return call("ptrace", seize, target.sibling, None, None) == 0


@attack("pid-namespace", "private-uid", "landlock", "seccomp")
def read_a_siblings_memory(target):
    class Piece(ctypes.Structure):
        _fields_ = [("start", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    here = ctypes.create_string_buffer(8)
    local, remote = Piece(ctypes.addressof(here), 8), Piece(target.memory, 8)
    pieces = [ctypes.byref(local), 1, ctypes.byref(remote), 1, 0]
    return call("process_vm_readv", target.sibling, *pieces) == 8


@attack("pid-namespace", "private-uid", "landlock", "seccomp", landlock=6)
def signal_a_sibling(target):
    os.kill(target.sibling, 0)
    return True


@attack("pid-namespace", "private-uid", "landlock", "seccomp", landlock=6)
def signal_the_launcher(target):
    os.kill(target.launcher, 0)
    return True


@attack("pid-namespace", "seccomp")  # for all others the kernel answers "done"
def signal_everybody(target):
    os.kill(-1, 0)
    return True


@attack("pid-namespace", "private-uid", "landlock", "seccomp", landlock=6)
def signal_through_a_descriptor(target):
    process = os.pidfd_open(target.sibling)
    signal.pidfd_send_signal(process, 0)
    return True


@attack("pid-namespace", "seccomp")  # a foreign pid fails only when the signal is due
def have_signals_sent_to_a_sibling(target):
    here, _ = os.pipe()
    fcntl.fcntl(here, fcntl.F_SETOWN, target.sibling)
    return True


@attack("pid-namespace", "private-uid", "seccomp")
def limit_a_sibling(target):
    resource.prlimit(target.sibling, resource.RLIMIT_CORE, (0, 0))
    return True


@attack("net-namespace", "seccomp", "landlock", landlock=4)
def connect_by_tcp(target):
    with socket.socket() as connection:
        connection.connect(("127.0.0.1", target.tcp))
    return True


@attack("seccomp", "landlock", landlock=4)
def serve_by_tcp(target):
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
    return True


@attack("net-namespace", "seccomp")
def send_by_udp(target):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        return sender.sendto(b"secret", ("127.0.0.1", target.udp))


@attack("mount-namespace", "seccomp")
def connect_to_a_unix_socket(target):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(target.unix)
    return True


@attack("mount-namespace", "seccomp")
def send_through_half_a_pair(target):
    here, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    return here.sendto(b"secret", f"{target.unix}-datagrams")


@attack("net-namespace", "seccomp", "landlock", landlock=6)
def connect_to_an_abstract_socket(target):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(target.abstract)
    return True


@attack("ipc-namespace", "seccomp")
def attach_a_memory_segment(target):
    LIBC.shmat.restype = ctypes.c_ssize_t
    return call("shmat", target.segment, None, 0) > 0


@attack("rlimits")
def write_a_huge_file(target):
    with open("huge", "wb") as file:
        return file.truncate(1 << 30)


@attack("mount-namespace")
def fill_the_disk(target):
    for number in range(10):
        Path(f"file{number}").write_bytes(bytes(2 << 20))
    return True


@attack("mount-namespace")
def make_many_folders(target):
    for number in range(200):
        os.mkdir(str(number))
    return True


@attack("rlimits")
def take_much_memory(target):
    return len(bytearray(512 << 20))


@attack("rlimits")
def take_much_shared_memory(target):
    return len(mmap.mmap(-1, 512 << 20))


@attack("seccomp")
def keep_memory_in_a_nameless_file(target):
    return os.memfd_create("memory")


@attack("rlimits")
def open_many_files(target):
    return [os.pipe() for _ in range(100)]


@attack("seccomp", "rlimits+private-uid")
def bomb_with_processes(target):
    for _ in range(60):
        if os.fork() == 0:
            signal.pause()
    return True


@attack("rlimits+private-uid")
def bomb_with_threads(target):
    over = threading.Event()
    for _ in range(60):
        threading.Thread(target=over.wait, daemon=True).start()
    return True


@attack("rlimits")
def ask_for_a_core_dump(target):
    return resource.getrlimit(resource.RLIMIT_CORE)[1] != 0


@attack("seccomp")
def make_new_namespaces(target):
    kernel.unshare(kernel.NEWUSER)
    return True


@attack("seccomp")
def clone_into_new_namespaces(target):
    numbers = {"x86_64": 56, "aarch64": 220}
    flags = kernel.NEWUSER | signal.SIGCHLD
    pid = call("syscall", numbers[platform.machine()], flags, None, None, None, None)
    if pid == 0:
        os._exit(0)
    return pid


@attack("seccomp", "no-privileges", "private-uid", root_only=True)
def change_the_root(target):
    os.chroot("/")
    return True


@attack("seccomp", "no-privileges", "private-uid", "landlock", root_only=True)
def mount_something(target):
    os.mkdir("here")
    kernel.mount("tmpfs", "here", "tmpfs")
    call("umount2", b"here", 0)
    return True


@attack("seccomp", "no-privileges", "private-uid", "landlock", root_only=True)
def make_a_device(target):
    os.mknod("null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    return True


@attack("mount-namespace", "landlock", "private-uid", root_only=True)
def open_the_machines_own_devices(target):
    devices = ("/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda")
    found = [path for path in devices if os.path.exists(path)]
    return os.open(found[0], os.O_RDONLY | os.O_NONBLOCK)


@attack("seccomp", "no-privileges", "private-uid", root_only=True)
def type_into_the_terminal(target):
    fcntl.ioctl(target.terminal, 0x5412, b"x")  # TIOCSTI
    return True


@attack("seccomp")
def become_readable(target):
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
    return True


@attack("seccomp")
def outlive_the_keeper(target):
    kernel.prctl(kernel.PR_SET_PDEATHSIG, 0)
    return True


@attack("seccomp")
def start_a_program(target):
    os.execv("/bin/true", ["true"])


FORBIDDEN_CALLS = """
    bpf perf_event_open userfaultfd io_uring_setup keyctl add_key personality setns
    process_madvise memfd_secret clone3 kcmp open_by_handle_at fanotify_init
    pidfd_getfd mount_setattr fsopen rt_sigqueueinfo tkill
""".split()


# ---- running them ---------------------------------------------------------------


@contextlib.contextmanager
def targets():
    """Make everything the attacks aim at, as the user who runs this."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        course = Path(folder)
        course.chmod(0o777)
        paths = [course / name for name in ("secret", "theirs", "own")]
        for path in paths:
            path.write_text("text")
            path.chmod(0o666)
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        kinds = [(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))]
        kinds.append((socket.AF_UNIX, socket.SOCK_STREAM, f"{folder}/socket"))
        kinds.append((socket.AF_UNIX, socket.SOCK_DGRAM, f"{folder}/socket-datagrams"))
        kinds.append((socket.AF_UNIX, socket.SOCK_STREAM, f"\0{folder}"))
        servers = []
        for family, kind, address in kinds:
            server = stack.enter_context(socket.socket(family, kind))
            server.bind(address)
            if kind == socket.SOCK_STREAM:
                server.listen()
            servers.append(server)
        for name in ("socket", "socket-datagrams"):
            os.chmod(course / name, 0o777)
        segment = call("shmget", 0, 4096, 0o1666)
        stack.callback(LIBC.shmctl, segment, 0, None)
        buffer = ctypes.create_string_buffer(b"8 bytes.")
        yield Target(
            course,
            *paths,
            launcher=os.getpid(),
            sibling=stack.enter_context(sibling()),
            memory=ctypes.addressof(buffer),
            tcp=tcp.getsockname()[1],
            udp=servers[0].getsockname()[1],
            unix=f"{folder}/socket",
            abstract=f"\0{folder}",
            segment=segment,
            folder=os.open(course, os.O_RDONLY),
            terminal=pty.openpty()[1],
        )


def launch(name, layers, uid):
    """Let one attack loose behind these layers. Returns (achieved, all we know)."""
    act = ATTACKS[name][0]

    def as_user():
        with targets() as target:
            keep = (target.folder, target.terminal)
            ending, outcome = behind(
                layers, lambda: bool(act(target)), limits=TIGHT, keep=keep
            )
        return ending, outcome

    ending, outcome = in_child(as_user, uid)
    assert ending["why"] != "refused", ending
    replaced = name == "start_a_program" and outcome is None and ending["code"] == 0
    return outcome is True or replaced, (ending, outcome)


def cases(with_layers):
    """List (attack, user, layers) of all that apply."""
    found = []
    for name, (_, layers, root_only, _) in ATTACKS.items():
        for user in ("root",) if root_only else ("root", "ordinary"):
            for layer in layers if with_layers else ("",):
                alone = frozenset(layer.split("+")) - {""}
                if user == "ordinary":
                    alone -= {"private-uid"}
                if alone or not with_layers:
                    label = f"{name}-{user}-{layer}".rstrip("-")
                    found.append(pytest.param(name, user, alone, id=label))
    return found


def uid_of(user):
    """The user's number, or a skip if we can't become that user."""
    if os.getuid() == 0:
        return 0 if user == "root" else ORDINARY
    if user == "root":
        pytest.skip("needs root")
    return os.getuid()


@pytest.mark.parametrize("name, user, layers", cases(with_layers=False))
def test_without_layers_the_attack_succeeds(name, user, layers):
    achieved, known = launch(name, layers, uid_of(user))
    assert achieved, known


@pytest.mark.parametrize("name, user, layers", cases(with_layers=True))
def test_one_layer_alone_stops_the_attack(name, user, layers):
    needed = ATTACKS[name][3]
    if "landlock" in layers and kernel.landlock_version() < needed:
        pytest.skip(f"this kernel's Landlock is older than version {needed}")
    achieved, known = launch(name, layers, uid_of(user))
    assert not achieved, known


@pytest.mark.parametrize("name, user, layers", cases(with_layers=False))
def test_all_layers_together_stop_the_attack(name, user, layers):
    uid = uid_of(user)
    layers = required_layers() - ({"private-uid"} if uid else set())
    achieved, known = launch(name, layers, uid)
    assert not achieved, known


@pytest.mark.parametrize("processes", [0, 4])
@pytest.mark.parametrize("name", FORBIDDEN_CALLS)
def test_seccomp_refuses_calls_no_notebook_needs(name, processes):
    number = kernel.libseccomp().seccomp_syscall_resolve_name(name.encode())
    if number < 0:
        pytest.skip(f"libseccomp here doesn't know {name}")

    def act():
        none = ctypes.c_long(0)
        LIBC.syscall(number, none, none, none, none, none, none)
        return ctypes.get_errno()

    limits = Limits(seconds=20, processes=processes)
    _, outcome = behind({"seccomp"}, act, limits=limits)
    assert outcome in (errno.EPERM, errno.ENOSYS)


@pytest.mark.parametrize("flag", [0, kernel.NEWNS, kernel.NEWPID, kernel.NEWNET])
def test_a_process_that_may_fork_gets_no_new_namespace(flag):
    numbers = {"x86_64": 56, "aarch64": 220}

    def act():
        none = ctypes.c_long(0)
        flags = ctypes.c_long(kernel.NEWUSER | flag | signal.SIGCHLD)
        number = numbers[platform.machine()]
        pid = LIBC.syscall(number, flags, none, none, none, none)
        if pid == 0:
            os._exit(0)
        return pid

    for layers, succeeds in ((), True), ({"seccomp"}, False):
        _, pid = behind(layers, act, limits=Limits(seconds=20, processes=4))
        assert (pid > 0) == succeeds


def old_entry():
    """Ask for the process id through the 32-bit entry of an x86-64 kernel."""
    code = bytes.fromhex("b814000000 cd80 c3")  # mov eax, 20; int 0x80; ret
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(code)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    return ctypes.CFUNCTYPE(ctypes.c_int)(start)()


def x32_entry():
    """Ask for the process id by a number of the x32 interface."""
    LIBC.syscall(0x40000000 | 39)
    return True


@pytest.mark.skipif(platform.machine() != "x86_64", reason="x86-64 has these entries")
@pytest.mark.parametrize("entry", [old_entry, x32_entry])
def test_other_entries_to_the_kernel_end_the_process(entry):
    _, outcome = behind((), entry)
    assert outcome > 0
    ending, outcome = behind({"seccomp"}, entry)
    assert (ending["why"], ending["code"], outcome) == ("signal", signal.SIGSYS, None)


@pytest.mark.parametrize("guard", [(), ("no-privileges",), ("mount-namespace",)])
def test_a_set_uid_program_gives_nothing(guard):
    if os.getuid() != 0:
        pytest.skip("needs root to make such a program")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = Path(folder, "id")
        shutil.copy("/usr/bin/id", program)
        program.chmod(0o4755)

        def act():
            return subprocess.run([program, "-u"], capture_output=True).stdout.decode()

        def as_user():
            options = {"programs": True, "limits": Limits(seconds=20, processes=5)}
            readable = ["/usr", "/lib", "/lib64", folder]
            return behind(guard, act, readable=readable, **options)

        _, effective = in_child(as_user, ORDINARY)
    assert effective == (f"{ORDINARY}\n" if guard else "0\n")


# ---- ends -----------------------------------------------------------------------


def layers_with_pid_namespace(*others):
    """With a pid namespace, and without one: there the keeper must find them all."""
    return pytest.mark.parametrize(
        "layers", [{"pid-namespace", *others}, {*others}], ids=["namespace", "keeper"]
    )


def daemon():
    """Leave a grandchild that ignores signals, in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)


@layers_with_pid_namespace()
def test_daemons_die_with_the_process(layers, uid):
    ending, outcome = in_child(
        lambda: behind(layers, lambda: daemon() or "left"), uid
    )  # the pipe ends with its last holder: a daemon that lived on would hang this
    assert (ending["why"], outcome) == ("exited", "left")


@layers_with_pid_namespace("wall-clock")
def test_the_wall_clock_ends_everything(layers, uid):
    def act():
        daemon()
        for _ in range(3):
            if os.fork() == 0:
                os.kill(os.getpid(), signal.SIGSTOP)
        signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
        while True:
            sum(range(10**7))

    limits = Limits(seconds=0.5)
    ending, outcome = in_child(lambda: behind(layers, act, limits=limits), uid)
    assert (ending["why"], outcome) == ("wall-clock", None)
    assert ending["seconds"] >= 0.5


def test_a_loop_inside_a_c_function_is_ended():
    def act():
        return len(str(7 ** (10**8)))  # hours

    ending, _ = behind({"wall-clock"}, act, limits=Limits(seconds=0.3))
    assert ending["why"] == "wall-clock"


def test_the_processor_limit_says_so():
    def act():
        signal.signal(signal.SIGXCPU, signal.SIG_IGN)
        while True:
            pass

    ending, _ = behind({"rlimits", "pid-namespace"}, act, limits=Limits(cpu_seconds=1))
    assert (ending["why"], ending["code"]) == ("cpu", signal.SIGKILL)


@pytest.mark.parametrize(
    "act, why, code",
    [
        (lambda: None, "exited", 0),
        (lambda: sys.exit(3), "exited", 3),
        (lambda: os._exit(4), "exited", 4),
        (lambda: ctypes.string_at(0), "signal", signal.SIGSEGV),
        # The first process of a pid namespace can't be ended by its own SIGABRT.
        (lambda: os.abort(), "signal", signal.SIGSEGV),
    ],
)
def test_the_ending_says_how(act, why, code):
    ending, _ = behind(required_layers(), act)
    assert (ending["why"], ending["code"]) == (why, code)


def test_an_exception_ends_with_code_1(capfd):
    confined = spawn(Plan(required_layers(), PYTHON, keep=(2,)), lambda: 1 / 0)
    assert vars(confined.wait()).items() >= {"why": "exited", "code": 1}.items()
    assert "ZeroDivisionError" in capfd.readouterr().err


def sleeper(layers):
    """A confined process that sleeps. Returns it and the end of a pipe it holds."""
    receive, send = os.pipe()

    def work():
        os.write(send, b"here")
        time.sleep(600)

    confined = spawn(Plan(frozenset(layers), PYTHON, keep=(send,)), work)
    os.close(send)
    assert os.read(receive, 4) == b"here"
    return confined, receive


def test_the_server_can_stop_it():
    confined, pipe = sleeper(required_layers())
    confined.stop()
    assert confined.wait().why == "stopped"
    assert os.read(pipe, 1) == b""


def test_it_becomes_readable_when_it_ends():
    confined, _ = sleeper(required_layers())
    assert select.select([confined], [], [], 0)[0] == []
    confined.stop()
    assert select.select([confined], [], [], 30)[0] == [confined]
    confined.wait()


@pytest.mark.parametrize("layers", [(), ("private-uid",), required_layers()])
def test_it_dies_with_its_keeper(layers, as_root):
    confined, pipe = sleeper(layers)
    os.kill(confined.pid, signal.SIGKILL)
    assert os.read(pipe, 1) == b""  # ends when nobody holds the other end
    assert confined.wait().why == "lost"
    assert not Path(confined._scratch).exists()


def test_it_dies_with_its_server(uid):
    receive, send = os.pipe()

    def server():
        _, pipe = sleeper(required_layers() - {"private-uid"})
        os.write(send, b"started")
        os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        become(uid) if uid else None
        spawn(Plan(frozenset(), keep=(send,)), lambda: time.sleep(600))
        server()
    os.close(send)
    os.waitpid(pid, 0)
    assert os.read(receive, 100) == b"started"
    assert os.read(receive, 1) == b""


# ---- what it inherits -----------------------------------------------------------


@pytest.mark.parametrize("layers", [(), required_layers()])
def test_no_descriptor_but_those_kept(layers, as_root, tmp_path):
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    kept, other = os.pipe()

    def act():
        def is_open(descriptor):
            try:
                return bool(os.fstat(descriptor))
            except OSError:
                return False

        same = os.fstat(0) == os.fstat(2)
        return [d for d in range(3, 200) if is_open(d)], same

    _, (found, same) = behind(layers, act, keep=(kept,))
    assert same and kept in found and not {secret, other} & set(found)
    assert len(found) == 2  # the other carries this answer


def test_no_secret_in_the_environment(monkeypatch):
    code = """
    import os, json, sys
    sys.path.insert(0, "tests/autograder")
    from confinement import behind, PYTHON
    from autograder.sandbox import required_layers

    def act():
        try:
            first = open("/proc/self/environ", "rb").read().decode()
        except PermissionError:
            first = ""
        return dict(os.environ), first, os.getcwd(), os.path.isdir(os.environ["HOME"])

    for layers in required_layers(), ():
        print(json.dumps(behind(layers, act)[1]))
    """
    monkeypatch.setenv("LSTM_LIB_CHECKS_SEED", "a-secret")
    monkeypatch.setenv("HOME", "/home/instructor")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for line in run_python(code).splitlines():
        environment, first, folder, has_home = json.loads(line)
        scratch = environment["HOME"].removesuffix("/home")
        assert "a-secret" not in line and "instructor" not in line
        assert first.strip("\0") == ""
        assert folder == f"{scratch}/work" and has_home
        assert environment["OMP_NUM_THREADS"] == "1"
        for name in ("TMPDIR", "IPYTHONDIR", "MPLCONFIGDIR"):
            assert environment[name].startswith(scratch)


def test_a_clean_environment_for_servers(monkeypatch):
    monkeypatch.setenv("LSTM_LIB_CHECKS_SEED", "a-secret")
    monkeypatch.setenv("COURSE", "this one")
    clean = sandbox.clean_environment(["COURSE"])
    assert clean["COURSE"] == "this one" and clean["PATH"] == os.environ["PATH"]
    assert "LSTM_LIB_CHECKS_SEED" not in clean


def test_a_hardened_server_is_unreadable():
    def read_memory(harden):
        server = os.fork()
        if server == 0:
            kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
            if harden:
                sandbox.harden_server()
            os.kill(os.getpid(), signal.SIGSTOP)
            os._exit(0)
        os.waitpid(server, os.WUNTRACED)
        try:
            return len(Path(f"/proc/{server}/environ").read_bytes()) >= 0
        except PermissionError:
            return False
        finally:
            os.kill(server, signal.SIGKILL)
            os.waitpid(server, 0)

    assert in_child(lambda: read_memory(False), ORDINARY)
    assert not in_child(lambda: read_memory(True), ORDINARY)


def test_folders_are_private_and_go_away():
    def act():
        Path("file").write_text("x")
        mode = stat.S_IMODE(os.stat("file").st_mode)
        return os.getcwd(), mode, os.getuid()

    for layers in ((), required_layers()):
        (_, first), (_, second) = [behind(layers, act) for _ in range(2)]
        assert first[0] != second[0] and first[1] == 0o600
        if "private-uid" in layers:
            assert first[2] != second[2] and first[2] >= sandbox.FIRST_UID
        assert not Path(first[0]).parent.exists()


def test_folders_a_thousand_deep_go_away_too():
    def act():
        folder = os.getcwd()
        for _ in range(3000):
            os.mkdir("d")
            os.chdir("d")
        return folder

    ending, folder = behind((), act)
    assert ending["why"] == "exited"
    assert not Path(folder).parent.exists()


# ---- what it may do -------------------------------------------------------------


def run_python(code, **environment):
    """Run a program of its own, as a server is. Returns what it prints."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_numpy_matplotlib_torch_and_threads_work_inside():
    code = """
    import sys
    sys.path.insert(0, "tests/autograder")
    import matplotlib
    matplotlib.use("agg")
    import matplotlib.pyplot as plt
    import numpy as np
    import torch
    from concurrent.futures import ThreadPoolExecutor
    from confinement import behind, PYTHON
    from autograder.packages import package_files
    from autograder.sandbox import Limits, required_layers
    import torch._dynamo  # optimizers load it, and what it finds installed

    torch.set_num_threads(1)
    limits = Limits(memory_mb=512)

    def act():
        import asyncio
        import numpy.polynomial.hermite_e   # read from the disk now
        x = np.random.default_rng(0).normal(size=(300, 300))
        assert np.allclose(np.linalg.inv(x) @ x, np.eye(300))
        with ThreadPoolExecutor(4) as pool:
            assert sum(pool.map(lambda a: (x @ x).shape[0], range(8))) == 2400
        plt.plot(x[0])
        plt.savefig("figure.png")
        lstm = torch.nn.LSTM(8, 16)
        step = torch.optim.Adam(lstm.parameters())
        for _ in range(3):
            lstm(torch.randn(20, 4, 8))[0].sum().backward()
            step.step()
        asyncio.run(asyncio.sleep(0))
        return "all worked"

    readable = PYTHON + tuple(package_files(["numpy", "matplotlib", "torch"]))
    print(behind(required_layers(), act, readable=readable, limits=limits))
    """
    shown = run_python(code, OPENBLAS_NUM_THREADS="2")
    assert "all worked" in shown, shown


@pytest.mark.parametrize(
    "layers", [{"mount-namespace"}, {"landlock"}, required_layers()]
)
def test_only_permitted_packages_are_readable(layers):
    permitted = PYTHON + tuple(packages.package_files(["click"]))
    folder = Path(pytest.__file__).parents[1]

    def act():
        import wave

        import click.testing

        def readable(name):
            try:
                return bool((folder / name).read_bytes())
            except OSError:
                return False

        return [readable(n) for n in ("click/core.py", "torch/__init__.py")] + [
            bool(click.testing and wave)
        ]

    _, outcome = behind(layers, act, readable=permitted)
    assert outcome == [True, False, True]


def test_nothing_of_root_is_left(as_root):
    def act():
        text = Path("/proc/self/status").read_text()
        rows = dict(line.split(":\t", 1) for line in text.splitlines())
        sets = [rows[f"Cap{name}"] for name in ("Inh", "Prm", "Eff", "Bnd", "Amb")]
        dumpable = kernel.prctl(kernel.PR_GET_DUMPABLE)
        return sets, rows["NoNewPrivs"], rows["Groups"].strip(), dumpable

    os.setgroups([4, 27])
    try:
        _, outcome = behind({"private-uid", "no-privileges"}, act)
    finally:
        os.setgroups([])
    assert outcome == [["0" * 16] * 5, "1", "", 0]


def test_what_is_readable_stays_as_it_is(as_root):
    """Not even with all of root's powers: the views are read-only."""
    target = Path(PYTHON[0])

    def act():
        os.chmod(target, 0o777)

    _, outcome = behind({"mount-namespace"}, act)
    assert outcome["text"].startswith(f"[Errno {errno.EROFS}]")


def test_the_root_cannot_be_mounted_anew():
    def act():
        read_write = 32 | kernel.MS_BIND  # MS_REMOUNT
        kernel.mount(None, "/", None, read_write)

    _, outcome = behind(required_layers(), act)
    assert outcome["error"] == "PermissionError"


@pytest.mark.parametrize("processes", [0, 3])
def test_processes_by_option(processes, uid):
    def act():
        started = 0
        with contextlib.suppress(OSError):
            while started < 50:
                if os.fork() == 0:
                    signal.pause()
                started += 1
        return started

    limits = Limits(processes=processes, threads=0)
    layers = required_layers() - ({"private-uid"} if uid else set())
    _, started = in_child(lambda: behind(layers, act, limits=limits), uid)
    assert started == processes


def test_programs_by_option():
    def act():
        done = subprocess.run(["/bin/echo", "hello"], capture_output=True, text=True)
        return done.stdout

    options = {"limits": Limits(processes=4), "programs": True}
    _, outcome = behind(required_layers(), act, **options)
    assert outcome == "hello\n"


# ---- never weaker than asked ----------------------------------------------------

SABOTAGE = {
    "pid-namespace": (kernel, "unshare"),
    "mount-namespace": (kernel, "mount"),
    "net-namespace": (kernel, "unshare"),
    "ipc-namespace": (kernel, "unshare"),
    "private-uid": (os, "setresuid"),
    "no-privileges": (kernel, "drop_capabilities"),
    "landlock": (kernel, "landlock"),
    "seccomp": (kernel, "seccomp"),
    "rlimits": (resource, "setrlimit"),
    "memory-cgroup": (sandbox, "cgroup_parent"),
    "wall-clock": (os, "pidfd_open"),
}


@pytest.mark.parametrize("layer", sandbox.LAYERS)
def test_nothing_runs_if_a_layer_fails(layer, monkeypatch, as_root):
    module, name = SABOTAGE[layer]

    def fails(*_):
        raise OSError(errno.ENOSYS, "no such thing here")

    monkeypatch.setattr(module, name, fails)
    ending, outcome = behind({layer}, lambda: "ran")
    assert ending["why"] == "refused" and outcome is None
    assert layer in ending["message"] and "no such thing" in ending["message"]


def test_nothing_runs_beside_a_thread(monkeypatch):
    monkeypatch.setattr(os, "listdir", lambda path: ["1", "2"])
    ending, outcome = behind((), lambda: "ran")
    assert ending["why"] == "refused" and "thread" in ending["message"]


def test_a_uid_the_container_lacks(monkeypatch, as_root):
    def fails(*_):
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "setresuid", fails)
    ending, _ = behind({"private-uid"}, lambda: "ran")
    assert ending["why"] == "refused"
    assert "private-uid" in ending["message"] and "container" in ending["message"]


def test_unknown_layers_are_an_error():
    with pytest.raises(ValueError, match="layers: .*sekkomp.* unknown; known: pid-"):
        Plan(frozenset({"sekkomp"}))


def test_a_cgroup_gets_its_limits(tmp_path, monkeypatch):
    """The plumbing, on plain files: few machines give a cgroup to try it with."""
    (own,) = [
        line[3:]
        for line in Path("/proc/self/cgroup").read_text().split("\n")
        if line.startswith("0::")
    ]
    folder = Path(str(tmp_path) + own)
    folder.mkdir(parents=True, exist_ok=True)
    mount = type("Mount", (), {"mountpoint": str(tmp_path), "fstype": "cgroup2"})
    monkeypatch.setattr(sandbox.psutil, "disk_partitions", lambda all: [mount])
    for controllers in ("", "cpu pids"):
        (folder / "cgroup.subtree_control").write_text(controllers)
        with pytest.raises(OSError, match="memory controller"):
            sandbox.cgroup_parent()
    (folder / "cgroup.subtree_control").write_text("cpu memory")
    cgroup = Path(sandbox._make_cgroup(Limits(memory_mb=100, processes=2)))
    assert cgroup.parent == folder
    assert (cgroup / "memory.max").read_text() == str(300 << 20)
    assert (cgroup / "memory.oom.group").read_text() == "1"
    for kills, expected in (0, False), (2, True):
        (cgroup / "memory.events").write_text(f"oom 5\noom_kill {kills}\n")
        assert sandbox._out_of_memory(cgroup) == expected


# ---- packages -------------------------------------------------------------------


def test_package_files_follow_requirements():
    names = {Path(path).name for path in packages.package_files(["matplotlib"])}
    assert {"matplotlib", "numpy", "numpy.libs", "PIL", "pyparsing"} <= names
    assert not {"torch", "IPython", "pytest", "site-packages"} & names


def test_folders_of_several_distributions_are_not_given_whole(tmp_path, monkeypatch):
    for name, file in (("one", "shared/one.py"), ("two", "shared/two.py")):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
        info = tmp_path / f"{name}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\n")
        (info / "RECORD").write_text(f"{file},,\n{info.name}/METADATA,,\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    found = {Path(p).relative_to(tmp_path) for p in packages.package_files(["one"])}
    assert found == {Path("shared/one.py"), Path("one-1.dist-info")}


def test_a_package_that_is_not_installed():
    with pytest.raises(LookupError, match="'no-such-package' is not installed"):
        packages.package_files(["no-such-package"])


def test_the_standard_library_comes_without_packages():
    assert not [p for p in PYTHON if Path(p).name in packages.PACKAGE_FOLDERS]
    assert any(Path(json.__file__).is_relative_to(path) for path in PYTHON)
    for name in packages.PACKAGE_FOLDERS:  # not inside a folder given as a whole
        assert not [path for path in PYTHON if os.path.exists(f"{path}/{name}")]
