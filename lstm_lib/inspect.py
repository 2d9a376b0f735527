"""Looking inside: what a model is made of, and what flows through it."""

import copy

import numpy as np

from lstm_lib.validation import ShapeError, as_floats

_POOLS = ("LastStep", "MeanOverTime", "WordAttention")


def summary(model):
    """Return a table of the layers, their outputs and their parameters.

    model: a layer or a model of `models`. Each count is shown with its
    arithmetic: an LSTM from D to H has 4 (D H + H H + H) parameters.
    Shapes name T steps and N examples; in an encoder-decoder, S source steps.

    >>> from lstm_lib import LSTM, Dense, Embedding, LastStep, Sequential
    >>> layers = Embedding(10000, 32), LSTM(32, 32), LastStep(), Dense(32, 1)
    >>> print(summary(Sequential(*layers)))
    layer        output      parameters
    0 Embedding  (T, N, 32)  10000·32 = 320,000
    1 LSTM       (T, N, 32)  4 · (32·32 + 32·32 + 32) = 8,320
    2 LastStep   (N, 32)     0
    3 Dense      (N, 1)      32·1 + 1 = 33
    total                    328,353
    """
    rows, steps, features = [("layer", "output", "parameters")], "T, N", "..."
    for name, layer in getattr(model, "parts", {"": model}).items():
        title = f"{name} {type(layer).__name__}".strip()
        if name in ("source", "target"):  # an encoder-decoder reads twice
            steps = "S, N" if name == "source" else "T, N"
        elif type(layer).__name__ in _POOLS:
            steps = "N"
        features = _features(layer, features)
        for level, terms, count in _terms(layer):
            sum_ = f"{terms} = {count:,}" if count else "0"
            rows.append((f"{title}{level}", f"({steps}, {features})", sum_))
    total = sum(array.size for array in model.parameters.values())
    rows.append(("total", "", f"{total:,}"))
    widths = [max(len(row[k]) for row in rows) for k in range(3)]
    lines = ["  ".join(f"{cell:{w}}" for cell, w in zip(row, widths)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def activations(model, x, state=None, lengths=None):
    """What every recurrent layer computes at every step.

    model: a recurrent layer, or a Sequential with some. x, state, lengths: as
    in its call. Dropout does not act.
    Returns a dict name -> (T, N, H): the gates and the candidate by their
    letters, the states h and c after each step, with the suffix of the
    layer's parameters and in a model its position: "f_l0", "1.f_l0_reverse".
    Steps beyond a length are NaN.
    """
    parts = getattr(model, "parts", {"": model}).values()
    if not any(hasattr(part, "states") for part in parts):
        got = type(model).__name__
        raise TypeError(f"model: expected one with a recurrent layer, got {got}")
    model = copy.deepcopy(model)
    model.training = False
    for part in getattr(model, "parts", {}).values():
        part.training = False
    model(x, state, lengths)
    found = {}
    for name, layer in getattr(model, "parts", {"": model}).items():
        if hasattr(layer, "states"):
            prefix = f"{name}." if name else ""
            found |= {prefix + key: array for key, array in layer.computed().items()}
    return found


def gradient_norms(layer, x, dy=None, dstate=None, *, state=None):
    """The size of the loss's gradient by the state at every step.

    layer: a recurrent layer in one direction. x: (T, N, D), or (N, T, D) if
    batch_first. dy: gradient of the loss by the outputs, in their shape;
    dstate: by the last state; at least one is needed. state: the initial
    state.
    Returns a dict from state name to (T + 1,): entry t is the norm, over
    layers, examples and units, of the gradient by the state after t steps,
    through all later steps; entry 0 is the initial state's. The output after
    t steps, y[t - 1], is that state's h: its own gradient is counted too.
    Raises ValueError for a bidirectional layer, whose two directions meet
    the steps in opposite order, and what the layer raises.
    """
    if not hasattr(layer, "states"):
        got = type(layer).__name__
        raise TypeError(f"layer: expected a recurrent layer, got {got}")
    if layer.bidirectional:
        raise ValueError("layer: expected bidirectional=False, got True")
    if dy is None and dstate is None:
        raise ValueError("dy, dstate: expected at least one, got None for both")
    layer = copy.deepcopy(layer)
    layer.training = False
    time = 1 if layer.batch_first else 0
    x = as_floats("x", x, layer.dtype)
    y, last = layer(x, state)
    dy = np.zeros_like(y) if dy is None else as_floats("dy", dy, layer.dtype)
    if dy.shape != y.shape:
        raise ShapeError(f"dy: expected shape {y.shape}, got {dy.shape}")
    layer.backward(dy, dstate)  # checks dstate
    T = x.shape[time]

    def at(array, t):
        return np.take(array, [t], axis=time)

    states = [state]
    for t in range(T):
        states.append(layer(at(x, t), states[-1])[1])
    if dstate is None:
        dstate = _map(np.zeros_like, last)
    norms = []
    for t in reversed(range(T)):
        # The output at step t is the top layer's h after it.
        seen = _map(np.array, dstate)
        top = seen[0] if isinstance(seen, tuple) else seen
        top[-1] += at(dy, t).squeeze(time)
        norms.append(_norms(seen))
        layer(at(x, t), states[t])
        _, dstate = layer.backward(at(dy, t), dstate)
    norms.append(_norms(dstate))
    return dict(zip(layer.states, np.array(norms[::-1]).T))


def _features(layer, before):
    """The size of a layer's output, the last axis."""
    if hasattr(layer, "states"):
        return layer.hidden_size * (1 + layer.bidirectional)
    if type(layer).__name__ == "WordAttention":
        return layer.input_size
    if hasattr(layer, "key_size"):  # attention gives a mean of its keys
        return layer.key_size
    return getattr(layer, "output_size", before)


def _terms(layer):
    """(label, arithmetic, count) of a layer, one for each of its levels."""
    sizes = {key: array.shape for key, array in layer.parameters.items()}
    if not hasattr(layer, "states"):
        terms = " + ".join("·".join(map(str, size)) for size in sizes.values())
        yield "", terms, sum(int(np.prod(size)) for size in sizes.values())
        return
    H = layer.hidden_size
    for level in range(layer.num_layers):
        own = {key: size for key, size in sizes.items() if f"_l{level}_" in f"{key}_"}
        D, K = own[f"W_l{level}"]
        each = [f"{D}·{H}", f"{H}·{H}"] + [f"{H}"] * layer.bias
        terms = f"{K // H} · ({' + '.join(each)})"
        for name in ("bn", "p"):
            if f"{name}_l{level}" in own:
                terms += " + " + "·".join(map(str, own[f"{name}_l{level}"]))
        if layer.bidirectional:
            terms = f"2 · ({terms})"
        label = f" l{level}" if layer.num_layers > 1 else ""
        yield label, terms, sum(int(np.prod(size)) for size in own.values())


def _map(function, state):
    if isinstance(state, tuple):
        return tuple(function(part) for part in state)
    return function(state)


def _norms(state):
    parts = state if isinstance(state, tuple) else (state,)
    return [np.linalg.norm(part) for part in parts]
