"""Attacks that ask for too much: memory, disk, output, messages, the judge's time."""

from victim import attack

ATTACKS = [
    attack(
        "takes all memory",
        ends="graded or out of memory or crashed",
        double="def double(x): return np.ones(2**40)",
        first="kept = []\nwhile True: kept.append(bytearray(2**24))",
    ),
    attack(
        "fills its disk with one file and with many",
        first="""
import os
try:
    with open("big", "wb") as file:
        for _ in range(4096): file.write(bytes(2**20))
except OSError as error:
    print(error)
try:
    for k in range(10**5): open(f"file-{k}", "w").close()
except OSError as error:
    print(error)
""",
    ),
    attack(
        "makes folders in folders, and links that lead out",
        first="""
import os
for target in ("/", "/etc/passwd", "..", "/proc/self/root"):
    os.symlink(target, "to" + target.replace("/", "-"))
for _ in range(1500):
    os.mkdir("d"); os.chdir("d")
""",
    ),
    attack(
        "prints without end",
        first="while True: print('x' * 10**6)",
    ),
    attack(
        "shows more than any page holds",
        first="""
from IPython.display import display
for k in range(10**4): display({"text/html": "x" * 10**4}, raw=True)
""",
        last="raise ValueError('x' * 10**8)",
    ),
    attack(
        "writes to the descriptors below Python",
        first="""
import os, sys
os.write(1, b"x" * 10**6); os.write(2, b"y" * 10**6)
sys.__stdout__.write("z"); os.system("echo hello")
""",
    ),
    attack(
        "floods with forged outputs that go round its own limits",
        ends="graded or crashed or timed out",
        first="""
import gc
from autograder import shell, student, wire
shell.TEXT = shell.RICH = shell.SHOWN = wire.FRAME = 2**40
""",
        last="print('x' * 80_000_000)",
    ),
    attack(
        "packs millions of empty lists where outputs should be",
        first="""
import gc, struct
from autograder import student
me = next(o for o in gc.get_objects() if isinstance(o, student.Student))
me._packed = lambda answer: (
    b"\\x81\\xa7outputs\\xdd" + struct.pack(">I", 40_000_000) + b"\\x90" * 40_000_000)
""",
        last="1",
        limits={"seconds": 5},
        ends="graded or timed out",
    ),
    attack(
        "answers with messages as long as they may be",
        ends="graded or crashed",
        first="""
import gc
from autograder import student
me = next(o for o in gc.get_objects() if isinstance(o, student.Student))
me._packed = lambda answer: bytes(2**26)
""",
    ),
    attack(
        "returns values as long as they may be",
        ends="graded or crashed",
        double="def double(x): return bytes(2**26 - 100)",
        parity="def parity(n): return 'x' * (2**26 + 1)",
        scale="def scale(x): return np.ones(2**22)",
    ),
    attack(
        "returns ten million numbers for the test to go through",
        ends="graded or crashed or timed out",
        parity="def parity(n): return list(range(10**7))",
        double="def double(x): return [0.5] * 10**6",
    ),
    attack(
        "returns an integer of a million digits, and strings of strange letters",
        double="def double(x): return 10**10**6",
        parity="def parity(n): return 1 << 10**7",
        scale="def scale(x): return '\\ud800' * 10",
        softmax="def softmax(z): return {float('nan'): 1, (1, 2): '\\0\\udfff'}",
    ),
    attack(
        "returns a dictionary whose keys all have one hash",
        double="def double(x): return {k * (2**61 - 1): 0 for k in range(3000)}",
    ),
    attack(
        "returns arrays that together are broadcast to terabytes",
        scale="def scale(x): return np.ones((2**21, 1))",
        softmax="def softmax(z): return np.broadcast_to(z[..., None], z.shape + (9,))",
    ),
    attack(
        "gives every exception a text of megabytes and a traceback of thousands",
        double="def double(x): raise ValueError('x' * 10**7)",
        parity="""
def fall(k):
    if k: return fall(k - 1)
    raise ValueError('y' * 10**6)
def parity(n): return fall(900)
""",
    ),
]
