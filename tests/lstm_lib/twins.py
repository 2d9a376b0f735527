"""Plumbing of the tests: one network in lstm_lib and its twins elsewhere.

A "problem" is everything a forward and a backward call need. "Results" are
a dict of every array that comes out: y, last_h, last_c, dx, dh0, dc0 and the
gradient of each parameter, under lstm_lib's names and shapes.
"""

import numpy as np

from lstm_lib import GRU, LSTM, RNN

LAYERS = [RNN, LSTM, GRU]
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def as_state(arrays):
    return tuple(arrays) if len(arrays) > 1 else arrays[0]


def problem(layer, T, N, seed=0):
    """Random x, state, dy and dstate for a layer, none of them zero."""
    rng = np.random.default_rng(seed)
    D, H, directions = layer.input_size, layer.hidden_size, 1 + layer.bidirectional
    steps = (N, T) if layer.batch_first else (T, N)

    def draw(*shape):
        return rng.normal(size=shape).astype(layer.dtype)

    count = layer.num_layers * directions
    state = as_state([draw(count, N, H) for _ in layer.states])
    dstate = as_state([draw(count, N, H) for _ in layer.states])
    return draw(*steps, D), state, draw(*steps, directions * H), dstate


def named(layer, y, last, dx, dstate, grads):
    return {
        "y": y,
        **{f"last_{name}": part for name, part in zip(layer.states, parts(last))},
        "dx": dx,
        **{f"d{name}0": part for name, part in zip(layer.states, parts(dstate))},
        **grads,
    }


def results(layer, x, state, dy, dstate, lengths=None):
    y, last = layer(x, state, lengths)
    dx, dstart = layer.backward(dy, dstate)
    return named(layer, y, last, dx, dstart, layer.grads)


def torch_name(key):
    """PyTorch's name of one of our parameters: W_l0 is weight_ih_l0."""
    name, _, suffix = key.partition("_")
    names = {"W": "weight_ih", "U": "weight_hh", "b": "bias_ih", "bn": "bias_hh"}
    return f"{names[name]}_{suffix}"


def torch_twin(layer):
    """PyTorch's layer with the same weights, its second bias zero but for bn."""
    import torch

    options = ["num_layers", "bias", "batch_first", "bidirectional"]
    options += ["nonlinearity"] if isinstance(layer, RNN) else []
    twin = getattr(torch.nn, type(layer).__name__)(
        layer.input_size,
        layer.hidden_size,
        **{option: getattr(layer, option) for option in options},
        dtype=getattr(torch, layer.dtype.name),
    )
    theirs = dict(twin.named_parameters())
    with torch.no_grad():
        for name, parameter in theirs.items():
            if name.startswith("bias_hh"):
                parameter.zero_()
        for key, array in layer.parameters.items():
            target = theirs[torch_name(key)]
            if key.startswith("bn"):
                target = target[2 * layer.hidden_size :]
            target.copy_(torch.tensor(array.T))
    return twin


def torch_results(layer, x, state, dy, dstate, lengths=None):
    import torch
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

    twin = torch_twin(layer)
    x, *start = (torch.tensor(a, requires_grad=True) for a in (x, *parts(state)))
    first = layer.batch_first
    if lengths is None:
        y, last = twin(x, as_state(start))
    else:
        packed = pack_padded_sequence(x, lengths, first, enforce_sorted=False)
        y, last = twin(packed, as_state(start))
        y, _ = pad_packed_sequence(y, first, total_length=x.shape[1 if first else 0])
    theirs = dict(twin.named_parameters())
    dx, *rest = torch.autograd.grad(
        [y, *parts(last)],
        [x, *start, *theirs.values()],
        [torch.tensor(d) for d in (dy, *parts(dstate))],
    )
    dstart = tuple(d.numpy() for d in rest[: len(start)])
    found = dict(zip(theirs, (d.numpy().T for d in rest[len(start) :])))
    grads = {key: found[torch_name(key)] for key in layer.parameters}
    for key in grads:
        if key.startswith("bn"):
            grads[key] = grads[key][2 * layer.hidden_size :]
    last = tuple(part.detach().numpy() for part in parts(last))
    return named(layer, y.detach().numpy(), last, dx.numpy(), dstart, grads)


def keras_weights(layer):
    """Our weights in Keras' layout: its GRU has the blocks z | r | h."""
    W, U, b = (layer.parameters[f"{name}_l0"] for name in "WUb")
    if not isinstance(layer, GRU):
        return [W, U, b]
    r, z, n = np.split(np.arange(3 * layer.hidden_size), 3)
    W, U, b = (a[..., np.concatenate([z, r, n])] for a in (W, U, b))
    if layer.reset_after:
        second = np.zeros_like(b)
        second[n] = layer.parameters["bn_l0"]
        b = np.stack([b, second])
    return [W, U, b]


def keras_outputs(layer, x, state, mask=None):
    """Outputs and last state of Keras' layer with the same weights."""
    import keras
    import torch

    kind = {"RNN": "SimpleRNN", "LSTM": "LSTM", "GRU": "GRU"}[type(layer).__name__]
    options = {"reset_after": layer.reset_after} if kind == "GRU" else {}
    twin = getattr(keras.layers, kind)(
        layer.hidden_size,
        **options,
        return_sequences=True,
        return_state=True,
        dtype=layer.dtype.name,
    )
    twin.build((None, None, layer.input_size))
    twin.set_weights(keras_weights(layer))
    start = [torch.tensor(part[0]) for part in parts(state)]
    with torch.no_grad():
        x = torch.tensor(x.transpose(1, 0, 2))
        mask = None if mask is None else torch.tensor(mask.T)
        y, *last = twin(x, initial_state=start, mask=mask)
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
