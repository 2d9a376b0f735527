"""Attacks by what a proxy in the judge can be made to do, or what it hands over."""

from victim import attack

ATTACKS = [
    attack(
        "has attributes for everything a proxy or a test may look up",
        double="""
class Any:
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): return self
    _link = _number = value = answer = property(lambda self: 4)
double = Any()
""",
        softmax="softmax = double",
        scale="scale = double.anything.at.all",
    ),
    attack(
        "is a class in place of a function, with calls of its own",
        double="""
class double:
    def __new__(cls, x): return object.__new__(cls)
    __eq__ = lambda self, other: True
    def __call_with_arguments__(self, *a): return 4, []
""",
        softmax="class softmax(double): pass",
    ),
    attack(
        "is a generator, a coroutine or a context where a number should be",
        double="def double(x):\n    yield 2 * x",
        parity="async def parity(n): return n % 2",
        scale="def scale(x): return map(float, x)",
    ),
    attack(
        "answers an attribute differently each time it is read",
        counter="""
class Counter:
    reads = 0
    @property
    def add(self):
        Counter.reads += 1
        return [lambda n: 2, 2, None][Counter.reads % 3]
    @property
    def total(self): raise SystemExit(0)
""",
    ),
    attack(
        "raises out of the conversion of its own object (__reduce__, __len__)",
        double="""
class Bomb(list):
    def __iter__(self): raise SystemExit(0)
    def __len__(self): raise KeyboardInterrupt
    def __reduce_ex__(self, n): return print, ("ran in the judge",)
def double(x): return Bomb([4])
""",
        parity="class T(tuple): __iter__ = lambda self: iter([1])\n"
        "def parity(n): return T([1])",
    ),
    attack(
        "returns a pickle, and a string that would be one's code",
        double="import pickle\ndef double(x): return pickle.dumps(print)",
        parity="def parity(n): return '__import__(\"os\")._exit(0)'",
        scale="def scale(x): return x.astype(object) * print"
        " if False else np.array([print, open], object)",
    ),
    attack(
        "keeps the array it returned and changes it afterwards",
        scale="""
import threading
kept = []
def scale(x):
    out = np.zeros_like(x)
    kept.append(out)
    def later():
        out[:] = x / x.sum()
    threading.Timer(0.01, later).start()
    return out
""",
    ),
    attack(
        "takes the judge's names for shared ones and binds them first",
        first="""
hidden = expected = answers = answer = counter = check = None
def __getattr__(name): return 4
__builtins__ = {"all": lambda x: True}
""",
    ),
    attack(
        "replaces the dictionary in which its names are looked up",
        first="""
class Names(dict):
    def __contains__(self, name): return True
    def __getitem__(self, name): return lambda *a, **k: 4
get_ipython().user_ns = Names()
import gc
from autograder import shell
for o in gc.get_objects():
    if isinstance(o, shell.Shell):
        o.names = Names()
""",
        earns={"double": 1},  # it does return 4
    ),
]
