"""Does an answer equal what was expected, and if not, in what way?

The form is looked at first (how many values), then the shape, then the kind
of numbers, then the values. No message here holds an expected value.
"""

import inspect
import sys
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Finding:
    """What was found about one returned array.

    fault: "" where it is right, otherwise "form", "shape", "numbers" or
    "values". text: the fault in words.
    """

    name: str
    fault: str = ""
    text: str = ""


@dataclass(frozen=True)
class Thing:
    """Stands for an object that is not an array; only its type's name is kept.

    The name is empty where nobody tells it.
    """

    type_name: str


def freeze(answer):
    """The answer as lists of plain arrays, so that none of its code runs later.

    Calls `__array__` and the like of what the student returned, and so may
    raise anything.
    """
    for kind in (tuple, list):
        if isinstance(answer, kind) and issubclass(type(answer), kind):
            return [freeze(part) for part in kind.__iter__(answer)]  # never its own
    if of_proxy(answer, "__call_with_arguments__") is not None:
        told = of_proxy(answer, "__type_name__")
        return _frozen(told(answer) if told else "")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(answer, torch.Tensor):
        answer = answer.detach().cpu()  # as it comes out of another process
    array = np.asarray(answer)
    if array.dtype.kind == "O" and array.ndim == 0:
        return _frozen(type(array[()]).__name__)
    return array


def _frozen(type_name):
    """A Thing in an array without axes."""
    return np.array(Thing(str(type_name)[:60]), dtype=object)


def of_proxy(value, method):
    """A method of what stands for an object in another process; None for all else.

    Looked up where no code of a student's class can answer.
    """
    return inspect.getattr_static(type(value), method, None)


def compare(answer, expected, names, rtol, shapes=None):
    """Compare a frozen answer with an array or a nested tuple of arrays.

    names: nested like expected, or one name for all, which are then numbered.
    shapes: name to shape in letters, for the text.
    rtol: the allowed difference, relative to the largest expected value.
    Returns one Finding for each array, or a single one if the form is wrong.
    """
    if not isinstance(expected, tuple):
        return [_compare_array(answer, np.asarray(expected), names, rtol, shapes or {})]
    if not isinstance(names, tuple):
        names = tuple(f"{names}[{k}]" for k in range(len(expected)))
    # An array is taken apart only if it stacks the values: `y` alone is one value.
    one = isinstance(answer, np.ndarray) and answer.ndim != np.ndim(expected[0]) + 1
    if one or len(answer) != len(expected):
        names = written(names)
        text = f"should be the values `{names}`, but you returned {form(answer)}"
        return [Finding(names, "form", text)]
    parts = zip(answer, expected, names)
    return [finding for part in parts for finding in compare(*part, rtol, shapes)]


def _compare_array(answer, expected, name, rtol, shapes):
    try:
        got = np.asarray(answer)
    except (ValueError, MemoryError):  # rows of different lengths, or far too large
        return Finding(
            name,
            "form",
            "should be one array of numbers, but its parts differ in shape",
        )
    if got.shape != expected.shape or _thing(got):
        symbols = f"{shapes[name]} = " if name in shapes else ""
        wanted = f"have shape {symbols}{expected.shape}" if expected.ndim else ""
        text = f"should {wanted or 'be one number'}, but you returned {form(got)}"
        return Finding(name, "shape", text)
    if got.dtype.kind not in "fiu":
        return Finding(
            name, "numbers", f"should hold real numbers, but holds {got.dtype.name}"
        )
    if np.isfinite(expected).all() and not np.isfinite(got).all():
        return Finding(name, "values", "contains NaN or infinity")
    limit = rtol * np.max(np.abs(expected), initial=0, where=np.isfinite(expected))
    if not np.allclose(got, expected, rtol=0, atol=limit, equal_nan=True):
        return Finding(name, "values", _how_far(got, expected, limit))
    return Finding(name)


def _how_far(got, expected, limit):
    if got.ndim == 0:  # the difference of one number would give the number away
        return f"is too {'large' if got > expected else 'small'}"
    difference = np.max(np.abs(np.subtract(got, expected, dtype=float)))
    return f"differs by up to {difference:.2g}, where {limit:.1g} is allowed"


def form(answer):
    """A frozen answer's form in words, such as "an array of shape (3, 4)"."""
    if isinstance(answer, list):
        return f"a tuple or list of {len(answer)} values"
    if thing := _thing(answer):
        if thing.type_name == "NoneType":
            return "nothing (None)"
        of_type = f" of type {thing.type_name}" if thing.type_name else ""
        return f"an object{of_type}, which is not an array of numbers"
    return f"an array of shape {answer.shape}" if answer.ndim else "a single value"


def question(answer):
    """What to ask about a frozen answer that comes from a slip of the pen, or ""."""
    thing = _thing(answer)
    if thing == Thing("NoneType"):
        return " Did you mean `return`?"
    if thing == Thing("generator"):
        return " Did you write `yield` where you meant `return`?"
    return ""


def _thing(answer):
    """The Thing that a frozen answer is, or None."""
    if isinstance(answer, list) or answer.dtype.kind != "O" or answer.ndim:
        return None
    return answer[()]


def written(names):
    """Nested names as they are written: `y, (h, c)`."""
    if isinstance(names, str):
        return names
    inner = (f"({written(n)})" if isinstance(n, tuple) else n for n in names)
    return ", ".join(inner)
