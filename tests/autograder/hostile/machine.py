"""Attacks on what is around: files, other students, the network, the reference."""

from victim import attack

TRY = """
import os
def attempt(*paths):
    for path in paths:
        try:
            with open(path, errors="replace") as file:
                print("OPENED", path, len(file.read(1000)))
        except (OSError, ValueError):
            pass
"""

ATTACKS = [
    attack(
        "reads sources, gradebook and other students, by path and by search",
        first=TRY
        + """
attempt("gradebook.db", "../gradebook.db", "source/numbers/numbers.ipynb",
        "../../source/numbers/numbers.ipynb", "/etc/shadow", "/etc/passwd",
        "nbgrader_config.py", "../../../.ssh/id_rsa", "/proc/1/environ")
for folder, _, files in os.walk("/"):
    if folder.startswith(("/usr", "/lib", "/sys", "/proc")):
        continue
    for name in files:
        if name.endswith((".ipynb", ".db", "nbgrader_config.py")):
            print("OPENED", folder, name)
""",
    ),
    attack(
        "reads its relatives' memory, environment, descriptors",
        first=TRY
        + """
for number in [1, 2, os.getppid(), *range(os.getpid() - 20, os.getpid())]:
    if number != os.getpid():
        attempt(*(f"/proc/{number}/{n}" for n in ("environ", "cmdline", "maps", "mem")))
attempt("/proc/kcore", "/dev/mem", "/proc/sysrq-trigger", "/sys/kernel/notes")
""",
    ),
    attack(
        "traces its parent and reads it from outside",
        first="""
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for number in (os.getppid(), 1, os.getpid()):
    for request in (16, 0, 0x4206):  # ATTACH, TRACEME, SEIZE
        if libc.ptrace(request, number, 0, 0) == 0:
            print("OPENED ptrace", number, request)
""",
    ),
    attack(
        "uses descriptors that were left open",
        first="""
import os, socket, stat
for number in range(3, 1024):
    try:
        mode = os.fstat(number).st_mode
        where = os.readlink(f"/proc/self/fd/{number}")
        if stat.S_ISREG(mode) and not where.startswith(("/usr", "/tmp")):
            print("OPENED", number, where)
        if stat.S_ISSOCK(mode):
            other = socket.socket(fileno=os.dup(number))
            other.sendmsg([b""], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, bytes(4))])
    except OSError:
        pass
""",
        ends="graded or crashed",
    ),
    attack(
        "asks the network, this machine and the fork server's sockets",
        first="""
import socket, urllib.request, os
for family, where in ((socket.AF_INET, ("1.1.1.1", 53)),
                      (socket.AF_INET, ("127.0.0.1", 22)),
                      (socket.AF_UNIX, "/run/dbus/system_bus_socket")):
    try:
        s = socket.socket(family); s.settimeout(1); s.connect(where)
        print("OPENED", where)
    except OSError:
        pass
try:
    print("OPENED", urllib.request.urlopen("http://example.org", timeout=1))
except OSError:
    pass
""",
    ),
    attack(
        "shares memory, queues and semaphores with other processes",
        first="""
import mmap, os
from multiprocessing import shared_memory
try:
    print("OPENED", shared_memory.SharedMemory("answers", create=True, size=64))
except (OSError, ImportError):
    pass
for path in ("/dev/shm/answers", "/tmp/answers", "/var/tmp/answers", "/run/answers"):
    try:
        open(path, "w").write("4")
        print("OPENED", path)
    except OSError:
        pass
""",
    ),
    attack(
        "shadows the modules that tests import, by files beside the notebook",
        files={
            "numpy.py": b"class testing: assert_allclose = print",
            "lstm_lib/checks.py": b"def check(*a, **k): return 1.0",
            "lstm_lib/__init__.py": b"",
            "sitecustomize.py": b"import os; os._exit(0)",
            ".ipython/profile_default/startup/00.py": b"1 / 0",
        },
        first="""
import os
os.makedirs("lstm_lib")
for name in ("numpy.py", "lstm_lib/__init__.py", "lstm_lib/checks.py", "conftest.py"):
    open(name, "w").write("def check(*a, **k): return 1.0\\nassert_allclose = print")
""",
    ),
    attack(
        "writes into the packages that the next submission imports",
        first="""
import numpy, os, sys
for module in list(sys.modules.values()):
    path = getattr(module, "__file__", None)
    if path:
        for name in (path, os.path.dirname(path) + "/planted.py"):
            try:
                open(name, "a").write("\\n# planted\\n")
                print("OPENED", name)
                break
            except OSError:
                pass
""",
    ),
    attack(
        "imports the reference by every name and path",
        first="""
import importlib, importlib.util, os, sys
def take(name):
    try:
        importlib.import_module(name)
        print("OPENED", name)
    except BaseException:
        pass
sys.path += ["/", os.path.dirname(os.path.dirname(np.__file__)), "..",
             os.path.dirname(os.path.dirname(sys.modules["autograder"].__file__))]
for name in ("lstm_lib", "lstm_lib.checks", "lstm_lib.checks.references", "torch",
             "keras", "onnx", "onnxruntime", "nbgrader", "sklearn", "scipy"):
    take(name)
    for folder in sys.path:
        for path in (f"{folder}/{name}/__init__.py", f"{folder}/{name}.py"):
            try:
                print("OPENED", path, len(open(path).read()))
            except OSError:
                pass
""",
        softmax="""
def softmax(z):
    from lstm_lib.checks.references import softmax
    return softmax(z)
""",
    ),
    attack(
        "takes the reference out of shared libraries and bytecode",
        first="""
import ctypes, glob, os, sys, zipimport
folder = os.path.dirname(os.path.dirname(np.__file__))
for path in ("/torch/lib/libtorch_cpu.so", "/onnx/onnx_cpp2py_export.so"):
    try:
        ctypes.CDLL(folder + path)
        print("OPENED", path)
    except OSError:
        pass
here = os.path.dirname(os.path.dirname(sys.modules["autograder"].__file__))
for path in glob.glob(here + "/lstm_lib/**/*.pyc", recursive=True):
    print("OPENED", path)
""",
    ),
    attack(
        "asks PyTorch, which is permitted here, for what is not",
        packages=("torch",),
        first="""
import torch, importlib
for name in ("lstm_lib", "keras", "onnx", "lstm_lib.checks"):
    try:
        importlib.import_module(name)
        print("OPENED", name)
    except ImportError:
        pass
torch.testing.assert_close = torch.allclose = lambda *a, **k: True
torch.Tensor.__eq__ = lambda *a: True
""",
        double="def double(x): return torch.full((1,), float('nan'))",
        scale="def scale(x): return torch.from_numpy(x) * 0",
    ),
]
