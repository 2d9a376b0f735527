"""Errors that name the argument, what was expected and what came."""

import re

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


def expect_shapes(known=None, /, **arrays):
    """Check several arrays against shapes that share their sizes.

    known: sizes already fixed, a dict from letter to int.
    arrays: name=(array, shape), the shape a string such as "N D", "D 4H" or
    "1 N H". A letter takes the first size it meets; later ones must agree.
    Returns the sizes as a dict, letter to int. Raises ShapeError.
    """
    sizes = dict(known or {})
    for name, (array, shape) in arrays.items():
        axes = [re.fullmatch(r"(\d*)([A-Z]?)", axis).groups() for axis in shape.split()]
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
