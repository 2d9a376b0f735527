"""Plain data comes back as it went; nothing else passes, and nothing breaks."""

import collections
import enum
import pickle
import socket

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from autograder import wire

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda part: (
        st.lists(part)
        | st.lists(part).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.text()), part)
    ),
    max_leaves=20,
)


@given(plain)
def test_plain_values_come_back_as_they_went(value):
    """In value and type."""
    back = wire.unpack(wire.pack(value))
    assert back == value and repr(back) == repr(value)


@given(
    arrays.arrays(
        arrays.boolean_dtypes()
        | arrays.integer_dtypes(endianness="?")
        | arrays.floating_dtypes(endianness="?")
        | arrays.complex_number_dtypes()
        | arrays.unicode_string_dtypes()
        | arrays.datetime64_dtypes(),
        arrays.array_shapes(min_dims=0, min_side=0, max_side=4),
    )
)
def test_arrays_come_back_as_they_went(array):
    """With type, shape and bits; writable, and sharing nothing."""
    back = wire.unpack(wire.pack(array))
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    assert back.tobytes() == array.tobytes()
    assert back.flags.writeable and not np.shares_memory(back, array)


@pytest.mark.parametrize(
    "value",
    [np.float32(1.5), np.int8(-3), np.bool_(True), np.str_("a"), np.complex64(1j)],
    ids=repr,
)
def test_numbers_of_numpy_keep_their_type(value):
    """They are neither Python's numbers nor arrays."""
    back = wire.unpack(wire.pack(value))
    assert type(back) is type(value) and back == value


def test_views_objects_and_tensors():
    """What has other memory than it shows."""
    turned = np.arange(6.0).reshape(2, 3).T[::-1]
    assert np.array_equal(wire.unpack(wire.pack(turned)), turned)
    mixed = np.array([[1, "a"], [None, 2.5]], object)
    mixed[0, 0] = [1, 2]
    assert wire.unpack(wire.pack(mixed)).tolist() == mixed.tolist()
    for kind in (torch.float64, torch.bfloat16, torch.int8, torch.bool):
        tensor = torch.ones(2, 3, requires_grad=kind.is_floating_point).to(kind)
        back = wire.unpack(wire.pack(tensor))
        assert type(back) is torch.Tensor and not back.requires_grad
        assert back.dtype == kind and torch.equal(back, tensor)
    assert np.isnan(wire.unpack(wire.pack([float("nan"), np.nan]))).all()
    assert wire.unpack(wire.pack("\ud800")) == "\ud800"


class Lying(dict):
    """A subclass that says other things than it holds."""

    def items(self):
        raise RuntimeError("ran at the sender, at most")

    __iter__ = keys = __eq__ = __reduce_ex__ = items


def test_subclasses_come_as_their_base():
    """Nothing of a student's class arrives."""
    colour = enum.IntEnum("colour", "red")
    pair = collections.namedtuple("pair", "a b")
    values = {
        dict: collections.Counter("aab"),
        tuple: pair(1, 2),
        int: colour.red,
        np.ndarray: np.matrix([[1, 2]]),
    }
    for base, value in values.items():
        assert type(wire.unpack(wire.pack(value))) is base
    assert wire.unpack(wire.pack(Lying(a=1))) == {"a": 1}


@pytest.mark.parametrize(
    "value",
    [len, object(), Lying, iter([]), np.array([len]), (1).__add__],
    ids=lambda v: type(v).__name__,
)
def test_what_is_not_plain_is_refused_or_numbered(value):
    """Never sent as it is."""
    with pytest.raises(wire.NotPlain, match="expected plain"):
        wire.pack([value])
    kept = []

    def number(thing):
        kept.append(thing)
        return len(kept) - 1

    packed = wire.pack({"a": (value,)}, number)
    seen = wire.unpack(packed, lambda k: ("proxy", k))
    assert np.ravel(seen["a"][0], order="K")[0] in ("proxy", ("proxy", 0))
    with pytest.raises(wire.WireError, match="named where none can be"):
        wire.unpack(packed)


def nested(depth):
    """Lists in lists."""
    value = []
    for _ in range(depth):
        value = [value]
    return value


def test_sizes_and_depth_are_limited():
    """On both sides, before memory is taken."""
    with pytest.raises(wire.WireError, match="at most 64 containers"):
        wire.pack(nested(100))
    circle = []
    circle.append(circle)
    with pytest.raises(wire.WireError, match="at most 64 containers"):
        wire.pack(circle)
    with pytest.raises(wire.WireError, match="bytes"):
        wire.pack(np.zeros(wire.FRAME // 8 + 1))
    with pytest.raises(wire.WireError):
        wire.unpack(b"\x91" * 500 + b"\xc0")
    with pytest.raises(wire.WireError):
        wire.unpack(b"\x91" * 10**6 + b"\xc0")
    tuples = b"\xc0"
    for _ in range(70):
        tuples = msgpack.packb(msgpack.ExtType(0, b"\x91" + tuples))
    with pytest.raises(wire.WireError, match="at most 64 containers"):
        wire.unpack(tuples)


def array(*parts):
    """A forged message that says it is an array."""
    return msgpack.packb(msgpack.ExtType(6, msgpack.packb(list(parts))))


FORGED = {
    "terabytes": array("<f8", [10**6, 10**6], False, b"8 bytes."),
    "empty, with an endless axis": array("<f8", [0, 2**62], False, b""),
    "a negative axis": array("<f8", [-1, -1], False, b"8 bytes."),
    "an axis that is no number": array("<f8", [1.0], False, b"8 bytes."),
    "objects by dtype": array("|O", [1], False, b"8 bytes."),
    "a record": array([["a", "|O"]], [1], False, b"8 bytes."),
    "a code as dtype": array("f8,O", [1], False, b"8 bytes."),
    "void": array("|V8", [1], False, b"8 bytes."),
    "cut short": array("<f8", [1], False, b"7 bytes"),
    "33 axes": array("<f8", [1] * 33, False, b"8 bytes."),
    "characters that do not exist": array("<U1", [1], False, b"\xff\xff\xff\x7f"),
    "too few parts": array("<f8", [1]),
    "an unknown kind": msgpack.packb(msgpack.ExtType(99, b"\xc0")),
    "a timestamp": msgpack.packb(msgpack.Timestamp(1)),
    "a list as a key": b"\x81\x91\x01\x01",
    "a list in a set": msgpack.packb(msgpack.ExtType(1, b"\x91\x91\x01")),
    "a tensor of text": msgpack.packb(
        msgpack.ExtType(8, msgpack.packb(["float32", "text"]))
    ),
    "more than one message": b"\x01\x02",
    "a length that lies": b"\xdd\xff\xff\xff\xff",
    "nothing": b"",
    "a pickle": pickle.dumps([1]),
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_messages_are_errors(name):
    """Of one type, whatever is in them."""
    with pytest.raises(wire.WireError):
        wire.unpack(FORGED[name])


@settings(max_examples=500)
@given(st.binary(max_size=200))
def test_any_bytes_are_plain_data_or_an_error(data):
    """What was read can be sent again and is the same; errors are of one type."""
    try:
        value = wire.unpack(data)
    except wire.WireError:
        return
    assert repr(wire.unpack(wire.pack(value))) == repr(value)


def test_frames_over_a_socket():
    """In order, whole; an announced flood is refused before it comes."""
    one, other = socket.socketpair()
    with one, other:
        wire.write_frame(one, b"first")
        wire.write_frame(one, b"")
        assert [wire.read_frame(other), wire.read_frame(other)] == [b"first", b""]
        one.sendall(b"\xff\xff\xff\xff")
        with pytest.raises(wire.WireError, match="at most"):
            wire.read_frame(other)
        one.sendall(b"\x00\x00\x00\x05ab")
        one.close()
        with pytest.raises(EOFError):
            wire.read_frame(other)
