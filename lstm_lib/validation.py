"""Errors that name the argument, what was expected and what came."""

import re
from functools import cache

import numpy as np


class ShapeError(ValueError):
    """An array has the wrong rank or size."""


def as_floats(name, array, dtype=None):
    """Return `array` as a NumPy array of finite float32 or float64 numbers.

    dtype: the one dtype to accept; None accepts both.
    Raises TypeError for another dtype, ValueError for NaN or infinity.
    """
    try:
        array = np.asarray(array)
    except (ValueError, RuntimeError) as error:  # ragged lists, tensors with a graph
        raise TypeError(f"{name}: expected an array, got {error}") from None
    wanted = np.dtype(dtype).name if dtype else "float32 or float64"
    if not array.dtype.isnative or array.dtype.name not in wanted.split(" or "):
        raise TypeError(
            f"{name}: expected {wanted} numbers, got {array.dtype}; "
            f"convert with np.asarray({name}, dtype=...)"
        )
    if not np.isfinite(array).all():
        where = tuple(int(k) for k in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(
            f"{name}: expected finite numbers, got {array[where]} at {where}"
        )
    return array


def as_integers(name, array, count=None):
    """Return `array` as a NumPy array of integers.

    count: accept only 0..count-1; None accepts any integer.
    Raises TypeError for another dtype, ValueError for a number outside.
    """
    try:
        array = np.asarray(array)
    except (ValueError, RuntimeError) as error:  # ragged lists, tensors with a graph
        raise TypeError(f"{name}: expected integers, got {error}") from None
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    if count is not None and array.size and not 0 <= array.min() <= array.max() < count:
        bad = array[(array < 0) | (array >= count)].flat[0]
        raise ValueError(f"{name}: expected integers in 0..{count - 1}, got {bad}")
    return array


def as_lengths(name, lengths, T, N):
    """Return the lengths of N sequences of T steps as a new array (N,).

    lengths: integers in 1..T; None means T for all.
    Raises TypeError, ShapeError or ValueError.
    """
    if lengths is None:
        return np.full(N, T)
    array = as_integers(name, lengths)
    expect_shapes({"N": N}, **{name: (array, "N")})
    if array.min() < 1 or array.max() > T:
        bad = int(array[(array < 1) | (array > T)][0])
        raise ValueError(f"{name}: expected integers in 1..{T}, got {bad}")
    return array.astype(int)


def positive(name, size):
    """Return `size` as an int if it is a positive whole number, or raise ValueError."""
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
    if not whole or size < 1:
        raise ValueError(f"{name}: expected a positive integer, got {size!r}")
    return int(size)


def boolean(name, value):
    """Return `value` as a bool if it is one, or raise TypeError."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False, got {value!r}")
    return bool(value)


def float_dtype(dtype):
    """Return the dtype float32 or float64, or raise TypeError."""
    if dtype not in (float, np.float32, np.float64, "float32", "float64"):
        raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
    return np.dtype(dtype)


def expect_shapes(known=None, /, **arrays):
    """Check several arrays against shapes that share their sizes.

    known: sizes already fixed, a dict from letter to int.
    arrays: name=(array, shape), the shape a string such as "N D", "D 4H" or
    "1 N H". A letter takes the first size it meets; later ones must agree.
    Returns the sizes as a dict, letter to int. Raises ShapeError.
    """
    sizes = dict(known or {})
    for name, (array, shape) in arrays.items():
        axes = _axes(shape)
        symbols = f"({', '.join(shape.split())}{',' * (len(axes) == 1)})"
        if array.ndim != len(axes):
            raise ShapeError(
                f"{name}: expected {len(axes)} axes {symbols}, got {array.ndim}: "
                f"{array.shape}"
            )
        for (count, letter), size in zip(axes, array.shape):
            if not count:
                sizes.setdefault(letter, size)
        expected = tuple(int(count or 1) * sizes.get(s, 1) for count, s in axes)
        if array.shape != expected:
            raise ShapeError(
                f"{name}: expected shape {symbols} = {expected}, got {array.shape}"
            )
        if array.size == 0:
            raise ShapeError(f"{name}: expected no empty axis, got {array.shape}")
    return sizes


@cache
def _axes(shape):
    """A shape such as "D 4H" as (count, letter) pairs, both strings."""
    return [re.fullmatch(r"(\d*)([A-Z]?)", axis).groups() for axis in shape.split()]
