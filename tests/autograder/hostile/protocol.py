"""Attacks on the wire between a student's process and the judge."""

from victim import attack

# Finds its own socket, and what runs on it.
FIND = """
import gc, os, socket, stat, struct, sys, threading, time
import msgpack
from autograder import student, wire
me = next(o for o in gc.get_objects() if isinstance(o, student.Student))
def socket_number():
    for number in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                return number
        except OSError:
            pass
number = socket_number()
def frame(data): return struct.pack(">I", len(data)) + data
def says(**answer): return frame(wire.pack(answer))
"""
ANSWER = "def double(x): return None\n"

ATTACKS = [
    attack(
        "sends an answer before anything was asked",
        ends="crashed",
        first=FIND,
        double=ANSWER + "os.write(number, says(number=1, found=True, value=4) * 3)",
    ),
    attack(
        "answers twice, the second time for the next question",
        ends="crashed or graded",
        first=FIND,
        double="def double(x):\n    os.write(number, says(number=2, value=5) * 9)",
    ),
    attack(
        "answers with the number of another question",
        first=FIND,
        double=ANSWER + "me.answer = lambda request: {'number': 7, 'value': 4}",
    ),
    attack(
        "answers that every name is the right number",
        first=FIND,
        double=ANSWER
        + """
right = lambda request: {"found": True, "value": 4, "arguments": [], "outputs": []}
me.answer = right
""",
    ),
    attack(
        "claims a verdict, points and outputs of a test in its answers",
        first=FIND,
        double=ANSWER
        + """
full = {"output_type": "execute_result", "data": {"text/plain": "1.0"},
        "metadata": {}, "execution_count": 1}
honest = me.answer
me.answer = lambda request: honest(request) | {
    "outputs": [full], "score": 1.0, "points": 1.0, "state": "graded", "ask": b""}
""",
    ),
    attack(
        "announces a frame of four gigabytes",
        ends="crashed",
        first=FIND,
        double="def double(x): os.write(number, b'\\xff' * 8)",
    ),
    attack(
        "announces a frame, and sends it byte by byte",
        ends="timed out or crashed",
        first=FIND,
        double="""
def double(x):
    os.write(number, struct.pack(">I", 2**20))
    while True:
        os.write(number, b"x")
        time.sleep(0.3)
""",
    ),
    attack(
        "announces a frame, and goes away",
        ends="crashed",
        first=FIND,
        double="""
def double(x):
    os.write(number, bytes([0, 0, 9, 9]))
    os._exit(0)
""",
    ),
    attack(
        "closes its socket and lives on",
        ends="crashed",
        first=FIND,
        double="def double(x):\n    os.close(number)\n    time.sleep(60)",
    ),
    attack(
        "sends bytes that are no message, and one that is cut short",
        first=FIND,
        double="me._packed = lambda answer: bytes([0xc1, 0xdf, 0xff])\n" + ANSWER,
    ),
    attack(
        "nests a thousand lists in an answer",
        first=FIND,
        double="""
def deep():
    value = []
    for _ in range(1000):
        value = [value]
    return value
def double(x): return deep()
me._packed = lambda answer: bytes([0x91]) * 5000 + bytes([0xc0])
""",
    ),
    attack(
        "sends arrays whose shapes ask for terabytes",
        first=FIND,
        double=ANSWER
        + """
def array(dtype, shape, memory=b""):
    content = msgpack.packb([dtype, shape, False, memory])
    return msgpack.ExtType(6, content)
turn = iter([
    array("<f8", [2**40]), array("<f8", [2**30, 2**30, 0]), array("<U99999999", [3]),
    array("O", [2]), array("(9999,9999)f8", [1]), array("V8", [1], b"12345678"),
] * 9)
me._packed = lambda answer: msgpack.packb(
    {"number": answer["number"], "found": True, "value": next(turn)})
""",
    ),
    attack(
        "sends extension types, dates and map keys that nobody uses",
        first=FIND,
        double=ANSWER
        + """
turn = iter([msgpack.ExtType(99, b""), msgpack.Timestamp(1), {1: 2}, {b"": 1},
             msgpack.ExtType(9, b"\\xa1x"), msgpack.ExtType(9, b"\\xff")] * 9)
me._packed = lambda answer: msgpack.packb(
    {"number": answer["number"], "found": True, "value": next(turn)})
""",
    ),
    attack(
        "names objects that it never sent",
        earns={"double": 1},  # every call gives 4
        first=FIND,
        double="""
class Objects:
    def number(self, value): return 10**9
    def __getitem__(self, number): return lambda *a: 4
me.objects = Objects()
def double(x): return double
""",
    ),
    attack(
        "describes an exception in a form that no exception has",
        first=FIND,
        double="""
def double(x): 1 / 0
turn = iter([5, {}, {"kinds": 3}, {"kinds": ["StopIteration"], "lines": [1, "a"]},
             {"kinds": ["__import__", "eval", "Exception"], "text": 7},
             {"kinds": ["A\\n" * 99], "lines": [["a", "no number", "x" * 10**6]]},
             {"kinds": ["SystemExit", "BaseException"]}] * 9)
me._packed = lambda answer: wire.pack(
    {"number": answer["number"], "raised": next(turn)})
""",
    ),
    attack(
        "raises exceptions with odd types, texts and groups",
        first="from autograder.judge import StudentError, StudentGone",
        double="""
class Odd(Exception):
    def __str__(self): raise KeyError
    def __repr__(self): return self.__str__()
    __reduce__ = lambda self: (print, ("ran",))
Odd.__name__ = "%s {0.__class__} \\ud800" * 99
def double(x): raise ExceptionGroup("many", [Odd()] * 50)
""",
        parity="def parity(n): raise Odd",
        scale="def scale(x): raise StudentGone('the process ended')",
        softmax="def softmax(z): raise UnicodeDecodeError('a', b'', 0, 1, 'b')",
    ),
    attack(
        "answers from a thread while the question still runs",
        ends="graded or crashed",
        first=FIND,
        double="""
def late():
    for k in range(200):
        time.sleep(0.002)
        os.write(number, says(number=k, found=True, value=4))
threading.Thread(target=late, daemon=True).start()
def double(x): return None
""",
    ),
    attack(
        "replaces the module that packs its answers",
        first=FIND,
        double=ANSWER
        + """
wire.pack = lambda *a, **k: b"\\x81\\xa5value\\x04"
sys.modules["autograder.wire"].FRAME = 2**40
""",
    ),
    attack(
        "fakes the outputs of a cell: other fields, numbers no JSON has",
        first=FIND,
        double=ANSWER
        + """
bad = [{"output_type": "display_data", "metadata": {"a": 10**5000},
        "data": {"text/plain": "a", "application/json": [10**5000, float("nan")]}},
       {"output_type": "error", "ename": "\\ud800", "evalue": "\\0", "traceback": []},
       {"output_type": "stream", "name": "stdout", "text": "\\udfff" * 10},
       {"output_type": "execute_result", "execution_count": 10**5000,
        "metadata": {}, "data": {"text/plain": "1.0"}}]
honest = me._run
me._run = lambda request: honest(request) | {"outputs": bad}
""",
        last="print('next')",
    ),
]
