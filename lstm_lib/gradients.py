"""Numerical gradients: the test every hand-derived backward pass must meet."""

import copy

import numpy as np

from lstm_lib.validation import as_floats


def numerical_gradient(loss, array, eps=1e-5):
    """The gradient of a scalar by central differences, one entry at a time.

    loss: a function of no arguments that reads `array` and returns a number.
    array: float64, any shape; each entry is moved by +-eps and put back.
    Returns an array of the same shape. The error is of order eps**2 from
    the formula and 1e-16 / eps from rounding.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"array: expected an array to move, got {type(array).__name__}")
    as_floats("array", array, np.float64)
    gradient = np.empty(array.shape)
    for k in np.ndindex(array.shape):
        kept = array[k]
        try:
            array[k] = kept + eps
            above = loss()
            array[k] = kept - eps
            below = loss()
        finally:
            array[k] = kept
        gradient[k] = (above - below) / (2 * eps)
    return gradient


def gradcheck(layer, x, state=None, *, eps=1e-5, rng=0):
    """Compare a layer's backward pass with central differences.

    layer: an RNN, LSTM or GRU in float64; x: (T, N, D); state: as in the call.
    rng: seed of the random weights that turn outputs and last state into
    one number, so that every output's gradient is exercised.
    Returns a dict with the largest relative error of each gradient: x, the
    state's parts and every parameter; inf where the shape is wrong. A correct
    backward pass gives about 1e-9; a wrong formula rarely less than 1e-2.
    Raises TypeError for a float32 layer, and what the layer raises.
    """
    if layer.dtype != np.float64:
        raise TypeError(
            f"layer: expected a float64 layer, got {layer.dtype}; "
            f"differences of float32 numbers are too coarse"
        )
    layer = copy.deepcopy(layer)  # its last forward call and grads stay as they are
    x, rng = as_floats("x", x, np.float64).copy(), np.random.default_rng(rng)
    y, last = layer(x, state)
    start = [np.zeros_like(part) for part in _parts(last)]
    if state is not None:
        start = [np.array(part) for part in _parts(state)]
    state = _state(start)
    dy = rng.normal(size=y.shape)
    dlast = [rng.normal(size=part.shape) for part in _parts(last)]

    def loss():
        y, last = layer(x, state)
        return (y * dy).sum() + sum(
            (part * d).sum() for part, d in zip(_parts(last), dlast)
        )

    dx, dstate = layer.backward(dy, _state(dlast))
    ours = {"x": dx, **dict(zip(layer.states, _parts(dstate))), **layer.grads}
    arrays = {"x": x, **dict(zip(layer.states, start)), **layer.parameters}
    errors = {}
    for name, array in arrays.items():
        if ours[name].shape != array.shape:
            errors[name] = np.inf  # broadcasting would hide it
            continue
        theirs = numerical_gradient(loss, array, eps)
        largest = max(np.abs(theirs).max(), 1e-8)
        errors[name] = float(np.abs(ours[name] - theirs).max() / largest)
    return errors


def _parts(state):
    return state if isinstance(state, (tuple, list)) else (state,)


def _state(parts):
    return tuple(parts) if len(parts) > 1 else parts[0]
