"""Attacks by what a function remembers, recognises or is told from outside."""

from victim import attack

ATTACKS = [
    attack(
        "is right on the visible cases only, told by their inputs",
        earns={"double": 1, "parity": 2, "last": 1},
        double="def double(x): return {2: 4, 3: 6}.get(x, 0)",
        parity="def parity(n): return [0, 1, 0, 1][n] if n < 4 else 7",
        scale="def scale(x): return np.array([0.25, 0.75])[:len(x)]",
    ),
    attack(
        "is right on a second call only, hoping that a test asks twice",
        double="""
calls = 0
def double(x):
    global calls
    calls += 1
    return 2 * x if calls % 2 == 0 else None
""",
        earns={"double-hidden": 1, "last": 1},  # a second call, and a right answer
    ),
    attack(
        "looks for expected values in the frames above it",
        double="""
import sys
def double(x):
    frame = sys._getframe()
    while frame:
        for scope in (frame.f_locals, frame.f_globals):
            for name in ("expected", "hidden", "source"):
                if isinstance(scope.get(name), (int, float)):
                    return scope[name]
        frame = frame.f_back
""",
    ),
    attack(
        "looks for the text of tests in the memory of Python (gc, linecache)",
        double="""
import gc, linecache, re
def double(x):
    texts = [o for o in gc.get_objects() if isinstance(o, str)]
    texts += [str(linecache.cache), str(In), str(get_ipython().history_manager)]
    for text in texts:
        found = re.search(rf"double[(]{x}[)] == (\\d+)", str(text))
        if found and "rf" not in text:
            return int(found[1])
""",
    ),
    attack(
        "asks IPython's history for the test",
        double="""
def double(x):
    for text in [*In, *(c[2] for c in get_ipython().history_manager.get_tail(50))]:
        if f"double({x}) == " in text:
            return int(text.partition(" == ")[2].split()[0].rstrip(","))
""",
    ),
    attack(
        "reads the judge's memory through /proc",
        double="""
import os, re
def double(x):
    for number in [*range(1, 60), os.getppid()]:
        try:
            with open(f"/proc/{number}/mem", "rb", 0) as file:
                file.seek(id(x)); file.read(64)
            text = open(f"/proc/{number}/maps").read()
            return 2 * x if number != os.getpid() else None
        except OSError:
            pass
""",
    ),
    attack(
        "hands the hidden input on to the cell that is shown, through a global",
        double="""
seen = []
def double(x):
    seen.append(x)
    print("I saw", x)
""",
        parity="print('remembered', seen)\ndef parity(n): seen.append(n)",
        last="""
import matplotlib
print('remembered', seen)
seen
""",
    ),
    attack(
        "plots what it remembers",
        packages=("matplotlib",),
        double="seen = []\ndef double(x): seen.append(x)",
        last="""
import matplotlib.pyplot as plt
plt.title(f"remembered {seen}")
plt.plot(seen)
plt.show()
display({"text/plain": str(seen)}, raw=True)
""",
    ),
    attack(
        "raises what it remembers, in a test that is shown",
        double="""
seen = []
def double(x):
    seen.append(x)
    if x == 3:
        raise ValueError(f"remembered {seen}")
    return 2 * x
""",
        earns={"double": 1, "double-hidden": 1},
    ),
    attack(
        "returns what it remembers, in a test that shows what it got",
        double="""
seen = []
def double(x):
    seen.append(x)
    return f"remembered {seen}" if x == 3 else 2 * x
""",
        earns={"double": 1, "double-hidden": 1},
    ),
    attack(
        "raises a type that has the hidden input for a name",
        double="def double(x): raise type(f'Saw{x}', (KeyError,), {})(x)",
    ),
    attack(
        "raises in a line that has the hidden input for a number",
        double="""
def double(x):
    exec(compile("\\n" * (x - 1) + "raise KeyError", "<ipython-input-1-a>", "exec"))
""",
    ),
    attack(
        "hands the hidden input to its other run by locks on files both can open",
        double="""
import fcntl, os, struct
kept = []
def double(x):
    for path in ("/dev/null", "/dev/zero", "/dev/full"):
        try:
            kept.append(os.open(path, os.O_RDWR))
            fcntl.lockf(kept[-1], fcntl.LOCK_EX, 1, x)
        except OSError:
            pass
""",
        scale="""
import time
time.sleep(0.3)
for path in ("/dev/null", "/dev/zero", "/dev/full"):
    try:
        file = os.open(path, os.O_RDWR)
        ask = struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 40000, 10000, 0)
        print("remembered", struct.unpack("hhqqi4x", fcntl.fcntl(file, 5, ask)))
    except OSError:
        pass
""",
    ),
    attack(
        "hands the hidden input to its other run by locks on the library's files",
        double="""
import fcntl, glob, os
files = sorted(glob.glob(os.path.dirname(os.__file__) + "/*.py"))[:20]
kept = []
def double(x):
    for k, path in enumerate(files):
        if x != 2 and x >> k & 1:
            kept.append(os.open(path, os.O_RDONLY))
            try:
                fcntl.flock(kept[-1], fcntl.LOCK_EX)
            except OSError:
                pass
""",
        scale="""
import time
time.sleep(0.3)
found = 0
for k, path in enumerate(files):
    file = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        found |= 1 << k
    os.close(file)
print("remembered", found)
""",
    ),
    attack(
        "behaves in one run as it does not in the other",
        first="""
import os, random, time
display_run = os.getpid() % 2 or time.time_ns() % 2 or random.random() < 0.5
""",
        double="def double(x): return 'shown' if display_run else None",
        last="print('all is right') if display_run else 1 / 0",
    ),
    attack(
        "searches all of its memory for what a hidden test holds",
        last="""
import ctypes, gc, os
KEY = 0x5A  # the needles are stored changed, so that no search finds itself
NEEDLES = [bytes.fromhex(text) for text in (
    "313f292e283f3677352c3f28772e323f7737353528", "6e626c6b6b", "636a686b6a6e6b6d")]
TABLE = bytes(k ^ KEY for k in range(256))
libc = ctypes.CDLL(None)
listen, tell = os.pipe()
os.set_blocking(tell, False)
found, start = 0, id(gc) & ~0xFFF
for page in range(start - 2**25, start + 2**25, 4096):
    if libc.write(tell, ctypes.c_void_p(page), 4096) == 4096:
        data = os.read(listen, 4096).translate(TABLE)
        found += any(needle in data for needle in NEEDLES)
objects = [o for o in gc.get_objects() if isinstance(o, (str, bytes, int))]
print("needles found:", found)
""",
    ),
    attack(
        "looks for the instructor's seed in its environment",
        double="""
import os
def double(x): return None
print({k: v for k, v in os.environ.items() if "SEED" in k})
print(open("/proc/self/environ").read())
""",
    ),
]
