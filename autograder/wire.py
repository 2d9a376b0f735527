"""What may pass between a student's process and the judge: plain data, as bytes.

Plain are None, booleans, numbers, text, bytes, ranges; lists, tuples, sets and
dicts of plain data; NumPy's numbers and arrays; PyTorch's tensors. They arrive as
copies of the receiver's own making: subclasses come as their base, so nothing
that a sender defines ever runs at the receiver. What is not plain can be named
by a number instead (see `pack`). Nothing here is a pickle.

A receiver trusts no sender. Sizes, depth and shapes are checked before memory
is taken for them, and what does not fit raises WireError.
"""

import math
import struct
import sys
import time

import msgpack
import numpy as np

DEPTH = 64  # containers in containers
FRAME = 64 * 2**20  # bytes of one message
AXIS = 2**31  # the longest axis of an array, which may be empty beside it

# Extension types: what msgpack has no type of its own for.
_TUPLE, _SET, _FROZENSET, _PAIRS, _INTEGER, _COMPLEX, _ARRAY, _OBJECTS = range(8)
_TENSOR, _HANDLE, _RANGE = 8, 9, 10
_KINDS = "?bBhHiIlLqQefdgFDG"  # the types of plain arrays; and text, bytes, dates:
_WIDE = "USMm"


class WireError(ValueError):
    """A message that no honest sender makes."""


class NotPlain(TypeError):
    """A value that cannot be passed as a copy."""


# ---- packing ------------------------------------------------------------------


def pack(value, handle=None):
    """Return a value as bytes.

    handle: a function from an object that is not plain to a number, by which
    the other side may name it; without it such an object raises NotPlain.
    Raises WireError where the value is deeper or larger than a message may be.
    """
    packed = msgpack.packb(
        _plain(value, handle, 0), use_bin_type=True, unicode_errors="surrogatepass"
    )
    if len(packed) > FRAME:
        raise WireError(f"expected at most {FRAME} bytes, got {len(packed)}")
    return packed


def _plain(value, handle, depth):
    """The value in msgpack's types; containers are copied by their base's methods."""
    if depth > DEPTH:
        raise WireError(f"expected at most {DEPTH} containers in each other")
    if value is None or isinstance(value, (bool, np.generic, np.ndarray)):
        return _array(value, handle, depth) if value is not None else None
    for base, convert in _CONVERTERS.items():
        if isinstance(value, base):
            return convert(value, lambda part: _plain(part, handle, depth + 1))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _tensor(value, torch)
    if handle is None:
        raise NotPlain(f"expected plain data, got {type(value).__name__}")
    return _extension(_HANDLE, handle(value))


def _extension(code, content):
    return msgpack.ExtType(code, msgpack.packb(content, unicode_errors="surrogatepass"))


def _integer(value, part):
    value = int.__int__(value)
    if -(2**63) <= value < 2**64:
        return value
    size = value.bit_length() // 8 + 1
    return msgpack.ExtType(_INTEGER, value.to_bytes(size, "big", signed=True))


def _mapping(value, part):
    items = [(part(key), part(item)) for key, item in dict.items(value)]
    if all(type(key) is str for key, _ in items):
        return dict(items)
    return _extension(_PAIRS, [list(pair) for pair in items])


_CONVERTERS = {
    int: _integer,
    float: lambda value, part: float.__float__(value),
    complex: lambda value, part: _extension(_COMPLEX, [value.real, value.imag]),
    str: lambda value, part: str.__str__(value),
    (bytes, bytearray): lambda value, part: bytes(value),
    list: lambda value, part: [part(v) for v in list.__iter__(value)],
    tuple: lambda value, part: _extension(
        _TUPLE, [part(v) for v in tuple.__iter__(value)]
    ),
    set: lambda value, part: _extension(_SET, [part(v) for v in set.__iter__(value)]),
    frozenset: lambda value, part: _extension(
        _FROZENSET, [part(v) for v in frozenset.__iter__(value)]
    ),
    dict: _mapping,
    range: lambda value, part: _extension(
        _RANGE, [part(v) for v in (value.start, value.stop, value.step)]
    ),
}


def _array(value, handle, depth):
    """A boolean, or a NumPy number or array: its type, shape and memory."""
    if isinstance(value, bool):
        return value
    array = np.asarray(value)
    scalar = isinstance(value, np.generic)
    if array.dtype.char == "O":
        parts = [_plain(v, handle, depth + 1) for v in array.ravel().tolist()]
        return _extension(_OBJECTS, [list(array.shape), parts])
    if array.dtype.char not in _KINDS + _WIDE:
        if handle is None:
            raise NotPlain(f"expected plain numbers, got dtype {array.dtype}")
        return _extension(_HANDLE, handle(value))
    memory = np.ascontiguousarray(array).tobytes()
    return _extension(_ARRAY, [array.dtype.str, list(array.shape), scalar, memory])


def _tensor(value, torch):
    value = value.detach().cpu()
    name = str(value.dtype).removeprefix("torch.")
    if name == "bfloat16":
        value = value.view(torch.int16)
    return _extension(_TENSOR, [name, _array(value.numpy(), None, 0)])


# ---- unpacking ----------------------------------------------------------------


def unpack(data, proxy=None, parts=None):
    """Return the value that some bytes stand for.

    proxy: a function from the number of an object that stays with the sender
    to what stands for it here; without it such a number raises WireError.
    parts: how many values lists and dicts may hold, counted together; one byte
    can be a list of 56, so whoever has no memory limit should name a number.
    Raises WireError for bytes that `pack` does not make.
    """
    if len(data) > FRAME:
        raise WireError(f"expected at most {FRAME} bytes, got {len(data)}")
    try:
        value = _unpack(data, proxy, 0, _limits(parts))
    except WireError:
        raise
    except Exception as error:  # msgpack's own, and whatever odd bytes lead to
        raise WireError(f"not a message: {type(error).__name__}") from None
    return value


def _limits(parts):
    """What makes msgpack stop where lists and dicts hold more than so many values."""
    if parts is None:
        return {}
    left = [parts]

    def counted(container):
        left[0] -= 1 + len(container)
        if left[0] < 0:
            raise WireError(f"expected at most {parts} values")
        return container

    return {
        "list_hook": counted,
        "object_hook": counted,
        "max_array_len": parts,
        "max_map_len": parts,
    }


def _unpack(data, proxy, depth, limits):
    if depth > DEPTH:
        raise WireError(f"expected at most {DEPTH} containers in each other")

    def extension(code, content):
        return _extended(code, content, proxy, depth + 1, limits)

    value = msgpack.unpackb(
        data,
        ext_hook=extension,
        strict_map_key=True,
        raw=False,
        unicode_errors="surrogatepass",
        **limits,
    )
    _measure(value, depth)
    return value


def _measure(value, depth):
    """Raise WireError where lists and dicts lie too deep in each other."""
    level = [value]
    while level and depth <= DEPTH:
        parts = []
        for item in level:
            if type(item) is list:
                parts += item
            elif type(item) is dict:
                parts += item.values()
            elif type(item) is msgpack.Timestamp:
                raise WireError("a kind of value that is not used here")
        level, depth = parts, depth + 1
    if level:
        raise WireError(f"expected at most {DEPTH} containers in each other")


def _extended(code, content, proxy, depth, limits):
    """The value of an extension type."""
    if code == _INTEGER:
        return int.from_bytes(content, "big", signed=True)
    inner = _unpack(content, proxy, depth, limits)
    if code == _HANDLE:
        if proxy is None or type(inner) is not int:
            raise WireError("an object was named where none can be")
        return proxy(inner)
    if code == _ARRAY:
        return _read_array(*inner)
    if code == _TENSOR:
        return _read_tensor(*inner)
    if code == _OBJECTS:
        return _read_objects(*inner)
    if code == _COMPLEX:
        return complex(*map(float, inner))
    if code == _PAIRS:
        return dict(map(tuple, inner))
    if code == _RANGE:
        start, stop, step = map(int, inner)
        return range(start, stop, step)
    makers = {_TUPLE: tuple, _SET: set, _FROZENSET: frozenset}
    if code not in makers or type(inner) is not list:
        raise WireError(f"unknown kind {code}")
    return makers[code](inner)


def _checked_shape(shape, items):
    """The shape as a tuple, of so many items."""
    sizes = tuple(shape)
    whole = all(type(size) is int and 0 <= size < AXIS for size in sizes)
    if len(sizes) > 32 or not whole or math.prod(sizes) != items:
        raise WireError(f"a shape that does not fit {items} items")
    return sizes


def _read_array(dtype, shape, scalar, memory):
    dtype = np.dtype(str(dtype))
    if dtype.char not in _KINDS + _WIDE or dtype.itemsize == 0:
        if not (dtype.char in "US" and not memory):
            raise WireError(f"an array of dtype {dtype}")
        return np.zeros(_checked_shape(shape, 0), dtype)
    items, rest = divmod(len(memory), dtype.itemsize)
    if rest:
        raise WireError("an array cut short")
    array = np.frombuffer(memory, dtype).reshape(_checked_shape(shape, items)).copy()
    if dtype.char == "?":  # a byte of 2 would be neither True nor False
        array[...] = array.view("u1") != 0
    if dtype.kind == "U" and items:
        letters = np.frombuffer(memory, dtype.byteorder.replace("|", "=") + "u4")
        if letters.max() > sys.maxunicode:
            raise WireError("text with characters that do not exist")
    return array[()] if scalar and array.ndim == 0 else array


def _read_objects(shape, parts):
    array = np.empty(len(parts), object)
    for place, part in enumerate(parts):  # at once, NumPy would look into lists
        array[place] = part
    return array.reshape(_checked_shape(shape, len(parts)))


def _read_tensor(name, array):
    torch = sys.modules.get("torch")
    if torch is None:
        raise WireError("a tensor, where PyTorch was not imported")
    if not isinstance(array, np.ndarray):
        raise WireError("a tensor without numbers")
    tensor = torch.from_numpy(array)
    if name == "bfloat16" and array.dtype == np.int16:
        tensor = tensor.view(torch.bfloat16)
    return tensor


# ---- messages -----------------------------------------------------------------

_LENGTH = struct.Struct(">I")


def write_frame(connection, data):
    """Send bytes over a connected stream socket, with their length before them."""
    connection.sendall(_LENGTH.pack(len(data)) + data)


def read_frame(connection, limit=FRAME, until=None):
    """Return the next bytes from a connected stream socket.

    until: when all of it must be there, by time.monotonic(); else each part may
    take the socket's timeout. Raises EOFError where the other side is gone,
    WireError where more than `limit` bytes are announced, TimeoutError when it
    took too long.
    """
    (size,) = _LENGTH.unpack(_read_exactly(connection, _LENGTH.size, until))
    if size > limit:
        raise WireError(f"expected at most {limit} bytes, got {size}")
    return _read_exactly(connection, size, until)


def _read_exactly(connection, size, until):
    data = bytearray()
    while len(data) < size:
        if until is not None:
            connection.settimeout(max(0.001, until - time.monotonic()))
        part = connection.recv(min(size - len(data), 2**20))
        if not part:
            raise EOFError("the other side is gone")
        data += part
    return bytes(data)
