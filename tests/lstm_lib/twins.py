"""Plumbing of the tests: one network in lstm_lib and its twins elsewhere.

A "problem" is everything a forward and a backward call need. "Results" are
a dict of every array that comes out: y, last_h, last_c, dx, dh0, dc0 and the
gradient of each parameter, under lstm_lib's names and shapes.
"""

import numpy as np

from lstm_lib import LSTM, RNN

LAYERS = [RNN, LSTM]
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def as_state(arrays):
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def problem(layer, T, N, seed=0):
    """Random x, state, dy and dstate for a layer, none of them zero."""
    rng = np.random.default_rng(seed)
    D, H = layer.input_size, layer.hidden_size

    def draw(*shape):
        return rng.normal(size=shape).astype(layer.dtype)

    state = as_state([draw(1, N, H) for _ in layer.states])
    dstate = as_state([draw(1, N, H) for _ in layer.states])
    return draw(T, N, D), state, draw(T, N, H), dstate


def named(layer, y, last, dx, dstate, grads):
    return {
        "y": y,
        **{f"last_{name}": part for name, part in zip(layer.states, parts(last))},
        "dx": dx,
        **{f"d{name}0": part for name, part in zip(layer.states, parts(dstate))},
        **grads,
    }


def results(layer, x, state, dy, dstate):
    y, last = layer(x, state)
    dx, dstart = layer.backward(dy, dstate)
    return named(layer, y, last, dx, dstart, layer.grads)


def torch_twin(layer):
    """PyTorch's layer with the same weights, its second bias zero."""
    import torch

    kind = {"RNN": torch.nn.RNN, "LSTM": torch.nn.LSTM}[type(layer).__name__]
    dtype = getattr(torch, layer.dtype.name)
    twin = kind(layer.input_size, layer.hidden_size, dtype=dtype)
    ours = {name: torch.tensor(array) for name, array in layer.parameters.items()}
    with torch.no_grad():
        twin.weight_ih_l0.copy_(ours["W_l0"].T)
        twin.weight_hh_l0.copy_(ours["U_l0"].T)
        twin.bias_ih_l0.copy_(ours["b_l0"])
        twin.bias_hh_l0.zero_()
    return twin


def torch_results(layer, x, state, dy, dstate):
    import torch

    twin = torch_twin(layer)
    x, *start = (torch.tensor(a, requires_grad=True) for a in (x, *parts(state)))
    y, last = twin(x, as_state(start))
    dx, *rest = torch.autograd.grad(
        [y, *parts(last)],
        [x, *start, twin.weight_ih_l0, twin.weight_hh_l0, twin.bias_ih_l0],
        [torch.tensor(d) for d in (dy, *parts(dstate))],
    )
    *dstart, dW, dU, db = (d.numpy() for d in rest)
    grads = {"W_l0": dW.T, "U_l0": dU.T, "b_l0": db}
    last = tuple(part.detach().numpy() for part in parts(last))
    return named(layer, y.detach().numpy(), last, dx.numpy(), tuple(dstart), grads)


def keras_outputs(layer, x, state):
    """Outputs and last state of Keras' layer with the same weights."""
    import keras
    import torch

    kind = {"RNN": keras.layers.SimpleRNN, "LSTM": keras.layers.LSTM}
    twin = kind[type(layer).__name__](
        layer.hidden_size,
        return_sequences=True,
        return_state=True,
        dtype=layer.dtype.name,
    )
    twin.build((None, None, layer.input_size))
    twin.set_weights([layer.parameters[f"{name}_l0"] for name in "WUb"])
    start = [torch.tensor(part[0]) for part in parts(state)]
    with torch.no_grad():
        y, *last = twin(torch.tensor(x.transpose(1, 0, 2)), initial_state=start)
    y, *last = (array.numpy() for array in (y, *last))
    return y.transpose(1, 0, 2), as_state([part[None] for part in last])


def assert_close(ours, theirs, rtol):
    """Same shape and dtype; differences within rtol of the largest entry."""
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
    atol = rtol * np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def assert_same_results(ours, theirs, rtol):
    assert ours.keys() == theirs.keys()
    for name in ours:
        try:
            assert_close(ours[name], theirs[name], rtol)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from None


def copies(results):
    return {name: array.copy() for name, array in results.items()}
