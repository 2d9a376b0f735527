"""Attacks on what a test compares, and with what."""

from victim import attack

PATCH = """
import builtins
import numpy as np
import numpy.testing
yes = lambda *a, **k: True
"""
LIE = """
class Lie:
    def __eq__(self, other): return True
    __ne__ = __lt__ = __gt__ = __le__ = __ge__ = __eq__
    __hash__ = lambda self: 0
    __bool__ = lambda self: True
"""

ATTACKS = [
    attack(
        "replaces the comparison functions of numpy.testing",
        first=PATCH + "np.testing.assert_allclose = np.allclose = yes",
    ),
    attack(
        "replaces the code inside the comparison function",
        first=PATCH
        + "np.testing.assert_allclose.__code__ = (lambda *a, **k: None).__code__",
    ),
    attack(
        "replaces the built-in functions that tests use",
        first=PATCH + "builtins.all = builtins.sum = builtins.abs = yes",
    ),
    attack(
        "names its own things as tests name theirs",
        first=PATCH + "check = assert_allclose = sum = all = list = zip = map = yes",
    ),
    attack(
        "replaces the whole of NumPy by an object that agrees",
        first="""
class np:
    array = staticmethod(lambda *a: [1.0])
    class testing:
        assert_allclose = staticmethod(lambda *a, **k: None)
import sys
sys.modules["numpy"] = np
""",
    ),
    attack(
        "returns an object equal to everything",
        first=LIE,
        double="def double(x): return Lie()",
        parity="def parity(n): return Lie()",
        scale="def scale(x): return Lie()",
        softmax="def softmax(z): return Lie()",
    ),
    attack(
        "returns an int that is equal to everything",
        first=LIE,
        double="class Int(Lie, int): pass\ndef double(x): return Int(0)",
        parity="class Yes(int):\n    __eq__ = lambda *a: True\n"
        "def parity(n): return Yes(5)",
    ),
    attack(
        "returns an array whose functions are its own (__array_function__)",
        scale="""
class Own(np.ndarray):
    def __array_function__(self, *a): return True
    def __array_ufunc__(self, *a, **k): return np.array(True)
def scale(x): return np.zeros(2).view(Own)
""",
    ),
    attack(
        "returns what turns itself into the right array when it is asked",
        scale="""
class Late:
    def __array__(self, *a, **k): return np.array([0.25, 0.75])
    __array_priority__ = 1e9
    shape, dtype, ndim, size = (2,), float, 1, 2
def scale(x): return Late()
""",
    ),
    attack(
        "says that it is a float (__class__)",
        double="""
class Float:
    __class__ = float
    def __eq__(self, other): return True
    def __float__(self): return 4.0
    def __getattr__(self, name): return getattr(4.0, name)
def double(x): return Float()
""",
    ),
    attack(
        "has a metaclass that answers every question with yes",
        counter="""
class Meta(type):
    def __eq__(self, other): return True
    def __getattr__(self, name): return lambda *a: 2
    def __instancecheck__(self, other): return True
    def __hash__(self): return 0
class Counter(metaclass=Meta):
    def __getattribute__(self, name): return Counter
""",
    ),
    attack(
        "makes the sum of points an array, which is no number to compare",
        parity="def parity(n): return np.array([9.0, 9.0])",
    ),
    attack(
        "makes the sum of points a number of NumPy's, which nbgrader cannot read",
        parity="def parity(n): return np.int64(5)",
    ),
    attack(
        "makes the sum of points one that is not a number, in one element",
        parity="def parity(n): return np.full((1,), np.nan)",
    ),
    attack(
        "returns an empty array, in which no element is wrong",
        parity="def parity(n): return np.zeros(0)",
        scale="def scale(x): return np.zeros((0, 2))",
        softmax="def softmax(z): return z[:0]",
    ),
    attack(
        "returns NaN, which no comparison finds too large",
        double="def double(x): return float('nan')",
        parity="def parity(n): return float('nan')",
        scale="def scale(x): return x * np.nan",
        softmax="def softmax(z): return z * np.nan",
    ),
    attack(
        "zeroes its arguments, so that expected values made of them are zero",
        scale="def scale(x):\n    x[...] = 0\n    return x",
        softmax="def softmax(z):\n    z[...] = 0\n    return z",
    ),
    attack(
        "returns masked, structured and object arrays",
        scale="def scale(x): return np.ma.masked_all(2)",
        parity="def parity(n): return np.array([(1, 2)], 'i4,i4')",
        softmax="def softmax(z): return np.array([object()] * 3, object)",
    ),
    attack(
        "returns dates, complex numbers and text",
        scale="def scale(x): return np.array(['NaT'] * 2, 'M8[s]')",
        parity="def parity(n): return complex('nan+nanj')",
        double="def double(x): return '4'",
        softmax="def softmax(z): return z.astype('U')",
    ),
    attack(
        "ends a test's loop early: StopIteration out of map()",
        parity="def parity(n): raise StopIteration",
        double="def double(x): raise GeneratorExit",
    ),
    attack(
        "raises an exception of the very name a test waits for",
        counter="""
class ValueError(BaseException): pass
class Counter:
    total = 0
    def add(self, n): raise ValueError
""",
    ),
]
