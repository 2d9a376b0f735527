"""Attacks on the process: its end, its signals, its time, its children."""

from victim import attack

ATTACKS = [
    attack(
        "leaves by sys.exit, exit() and quit()",
        first="import sys\nsys.exit(0)",
        double="def double(x): sys.exit(0)",
        parity="def parity(n): exit()",
        scale="def scale(x): raise SystemExit('0')",
        last="quit()",
    ),
    attack(
        "leaves by os._exit while a test asks it",
        ends="crashed",
        double="import os\ndef double(x): os._exit(0)",
    ),
    attack(
        "leaves before any test, with success",
        ends="crashed",
        first="import os\nos._exit(0)",
    ),
    attack(
        "kills itself, its group and its parent",  # as the first of its namespace
        ends="graded or crashed",
        double="""
import os, signal
def double(x):
    for number in (os.getppid(), -1, 0, 1):
        try:
            os.kill(number, signal.SIGKILL)
        except OSError:
            pass
    os.kill(os.getpid(), signal.SIGKILL)
""",
    ),
    attack(
        "crashes in C, and overflows its stack",
        ends="crashed",
        double="""
import ctypes, faulthandler
def double(x): ctypes.string_at(0)
""",
    ),
    attack(
        "recurses without end, with Python's limit taken away",
        ends="crashed or out of memory or timed out or graded",
        double="""
import sys
sys.setrecursionlimit(10**9)
def double(x): return double(x) + 1
""",
    ),
    attack(
        "loops when a test calls it",
        double="def double(x):\n    while True: pass",
    ),
    attack(
        "loops in an answer cell; what stands in the next ones still counts",
        double="def double(x): return 2 * x\nwhile True: pass",
        earns={"double": 1, "double-hidden": 1, "last": 1},
    ),
    attack(
        "loops and catches every interruption",
        ends="timed out",
        double="""
def double(x):
    while True:
        try:
            while True: sum([1])
        except BaseException:
            pass
""",
    ),
    attack(
        "loops in C, where nothing interrupts it",
        ends="timed out",
        double="def double(x): return sum(range(10**12))",
    ),
    attack(
        "ignores signals, and sets alarms of its own",
        ends="timed out or crashed",
        first="""
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
signal.setitimer(signal.ITIMER_VIRTUAL, 5)
""",
        double="import time\ndef double(x): time.sleep(60)",
    ),
    attack(
        "answers from its signal handler, and at its exit",
        ends="graded or timed out or crashed",
        first="""
import atexit, signal
signal.signal(signal.SIGINT, lambda *a: (_ for _ in ()).throw(StopIteration(4)))
atexit.register(print, "last words")
""",
        double="import time\ndef double(x): time.sleep(60)",
    ),
    attack(
        "forks, spawns and starts daemons",
        first="""
import os, subprocess, multiprocessing, threading
def survive():
    for start in (os.fork, lambda: os.posix_spawn("/bin/sh", ["sh"], {}),
                  lambda: subprocess.Popen(["sleep", "99"]),
                  lambda: multiprocessing.Process(target=print).start(),
                  lambda: os.setsid()):
        try:
            if start() == 0:
                while True: pass
        except (OSError, ValueError, AttributeError, RuntimeError):
            pass
for _ in range(20):
    survive()
""",
    ),
    attack(
        "starts as many threads as it can, which never end",
        ends="graded or crashed",
        first="""
import threading, time
def wait():
    while True: time.sleep(0.01)
try:
    for _ in range(10_000):
        threading.Thread(target=wait, daemon=False).start()
except RuntimeError as error:
    print(error)
""",
    ),
    attack(
        "traces and profiles what runs, its interruptions too",
        ends="graded or timed out or crashed",
        first="""
import sys, threading
def trace(frame, event, argument):
    for name in ("value", "answer", "request"):
        if name in frame.f_locals and isinstance(frame.f_locals[name], dict):
            frame.f_locals[name]["value"] = 4
    return trace
sys.settrace(trace); sys.setprofile(trace); threading.settrace(trace)
""",
    ),
    attack(
        "works a little in every cell until the time of all is over",
        ends="timed out",
        limits={"seconds": 5},
        first="import time\ndef slow(*a):\n    time.sleep(1.8)",
        double="def double(x): slow()",
        parity="def parity(n): slow()",
        scale="def scale(x): slow()",
        softmax="def softmax(z): slow()",
        last="slow()",
    ),
]
