"""One time step of each recurrent cell, one line per equation.

These functions are for reading, and they are the reference that the fast
layers and the checks are compared with. Rows are examples: N of them, with
D input features and H hidden units.
"""

import numpy as np

from lstm_lib.validation import as_floats, expect_shapes


def sigmoid(z):
    """The logistic function 1 / (1 + exp(-z)), for any shape.

    Written with tanh, which does not overflow. Near 0 and 1 it is right to
    about 1e-16, so that sigmoid(-40) is 0.
    """
    return 0.5 * np.tanh(0.5 * np.asarray(z)) + 0.5


def relu(z):
    """The rectifier max(z, 0), for any shape."""
    return np.maximum(z, 0)


def rnn_step(x, h, W, U, b, *, activation=np.tanh):
    """One time step of a simple recurrent network.

    x: (N, D) input; h: (N, H) hidden state of the step before.
    W: (D, H), U: (H, H), b: (H,). All float32 or all float64.
    activation: np.tanh, or relu as in Le et al. (2015).
    Returns h: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Elman (1990), with tanh as in PyTorch's nn.RNN.
    """
    x, h, W, U, b = _arguments(x=x, h=h, W=W, U=U, b=b)
    expect_shapes(x=(x, "N D"), h=(h, "N H"), W=(W, "D H"), U=(U, "H H"), b=(b, "H"))
    return activation(x @ W + h @ U + b)


def lstm_step(x, h, c, W, U, b, *, activation=np.tanh, readout=np.tanh):
    """One time step of an LSTM with a forget gate.

    x: (N, D) input; h, c: (N, H) hidden and cell state of the step before.
    W: (D, 4H), U: (H, 4H), b: (4H,), column blocks i | f | g | o.
    activation acts on the candidate g, readout on the new cell state; both
    may be the identity, for a unit worked by hand.
    Returns h, c: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Hochreiter & Schmidhuber (1997); the forget gate is from Gers,
    Schmidhuber & Cummins (2000). Block order as in PyTorch's nn.LSTM.
    """
    x, h, c, W, U, b = _arguments(x=x, h=h, c=c, W=W, U=U, b=b)
    expect_shapes(
        x=(x, "N D"), h=(h, "N H"), c=(c, "N H"),
        W=(W, "D 4H"), U=(U, "H 4H"), b=(b, "4H"),
    )  # fmt: skip
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)  # gates, in (0, 1)
    g = activation(g)  # candidate
    c = f * c + i * g  # keep some, write some
    return o * readout(c), c  # show some


def peephole_step(x, h, c, W, U, b, p):
    """One time step of an LSTM whose gates see the cell state.

    As lstm_step, and p: (3, H), the peephole weights of i, f and o. A unit's
    gates see that unit's own cell state: input and forget gate the old one,
    the output gate the new one. The candidate sees none.
    Returns h, c: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Gers & Schmidhuber (2000); the same form in Greff et al. (2017).
    """
    x, h, c, W, U, b, p = _arguments(x=x, h=h, c=c, W=W, U=U, b=b, p=p)
    expect_shapes(
        x=(x, "N D"), h=(h, "N H"), c=(c, "N H"),
        W=(W, "D 4H"), U=(U, "H 4H"), b=(b, "4H"), p=(p, "3 H"),
    )  # fmt: skip
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f = sigmoid(i + p[0] * c), sigmoid(f + p[1] * c)  # see the old c
    c = f * c + i * np.tanh(g)
    o = sigmoid(o + p[2] * c)  # sees the new c
    return o * np.tanh(c), c


def coupled_step(x, h, c, W, U, b):
    """One time step of an LSTM that writes just where it forgets, i = 1 - f.

    x: (N, D); h, c: (N, H). W: (D, 3H), U: (H, 3H), b: (3H,), blocks f | g | o.
    Returns h, c: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Greff et al. (2017), variant CIFG, here without peepholes.
    """
    x, h, c, W, U, b = _arguments(x=x, h=h, c=c, W=W, U=U, b=b)
    expect_shapes(
        x=(x, "N D"), h=(h, "N H"), c=(c, "N H"),
        W=(W, "D 3H"), U=(U, "H 3H"), b=(b, "3H"),
    )  # fmt: skip
    f, g, o = np.split(x @ W + h @ U + b, 3, axis=1)
    f, o = sigmoid(f), sigmoid(o)
    c = f * c + (1 - f) * np.tanh(g)
    return o * np.tanh(c), c


def ablated_step(x, h, c, W, U, b, *, gates="ifo", activation=np.tanh, readout=np.tanh):
    """One time step of an LSTM with gates left out.

    gates: the gates there are, in the order of "ifo"; one left out is 1.
    x: (N, D); h, c: (N, H). W: (D, KH), U: (H, KH), b: (KH,) with K - 1 gates
    and the candidate, blocks i | f | g | o without the ones left out.
    activation, readout: as in lstm_step; the identity leaves one out.
    Returns h, c: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Greff et al. (2017), variants NIG, NFG, NOG, NIAF and NOAF, here
    without peepholes.
    """
    if gates not in ("ifo", "fo", "io", "if", "i", "f", "o", ""):
        raise ValueError(f"gates: expected letters of 'ifo' in order, got {gates!r}")
    x, h, c, W, U, b = _arguments(x=x, h=h, c=c, W=W, U=U, b=b)
    names = [name for name in "ifgo" if name in gates + "g"]
    width = f"{len(names)}H"
    expect_shapes(
        x=(x, "N D"), h=(h, "N H"), c=(c, "N H"),
        W=(W, f"D {width}"), U=(U, f"H {width}"), b=(b, width),
    )  # fmt: skip
    z = dict(zip(names, np.split(x @ W + h @ U + b, len(names), axis=1)))
    i, f, o = (sigmoid(z[name]) if name in z else 1.0 for name in "ifo")
    c = f * c + i * activation(z["g"])
    return o * readout(c), c


def gru_step(x, h, W, U, b, *, bn=None):
    """One time step of a gated recurrent unit.

    x: (N, D); h: (N, H). W: (D, 3H), U: (H, 3H), b: (3H,), blocks r | z | n.
    bn: None applies the reset gate r to h before the product with U, the
    published form; an array (H,) applies it after, to h U + bn, as PyTorch
    does and Keras by default.
    Returns h: (N, H) of this step. The update gate z keeps the old state.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Cho et al. (2014); the second form as in PyTorch's nn.GRU.
    """
    x, h, W, U, b = _arguments(x=x, h=h, W=W, U=U, b=b)
    sizes = expect_shapes(
        x=(x, "N D"), h=(h, "N H"), W=(W, "D 3H"), U=(U, "H 3H"), b=(b, "3H")
    )
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    Ur, Uz, Un = np.split(U, 3, axis=1)
    r, z = sigmoid(xr + h @ Ur), sigmoid(xz + h @ Uz)
    if bn is None:
        n = np.tanh(xn + (r * h) @ Un)
    else:
        expect_shapes(sizes, bn=(as_floats("bn", bn, x.dtype), "H"))
        n = np.tanh(xn + r * (h @ Un + bn))
    return (1 - z) * n + z * h


def minlstm_step(x, c, W, b):
    """One time step of the minLSTM, whose gates do not see the state.

    x: (N, D); c: (N, H), the state, which is also the output. W: (D, 3H),
    b: (3H,), blocks i | f | g. The two gates are scaled to add up to 1.
    Returns c: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Feng et al. (2024), "Were RNNs All We Needed?", arXiv 2410.01201.
    """
    x, c, W, b = _arguments(x=x, c=c, W=W, b=b)
    expect_shapes(x=(x, "N D"), c=(c, "N H"), W=(W, "D 3H"), b=(b, "3H"))
    i, f, g = np.split(x @ W + b, 3, axis=1)
    i, f = sigmoid(i), sigmoid(f)
    return (f * c + i * g) / (f + i)


def mingru_step(x, h, W, b):
    """One time step of the minGRU, whose gate does not see the state.

    x: (N, D); h: (N, H). W: (D, 2H), b: (2H,), blocks z | n. As published,
    the update gate z lets the new value in: (1 - z) keeps the old state.
    Returns h: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Feng et al. (2024), "Were RNNs All We Needed?", arXiv 2410.01201.
    """
    x, h, W, b = _arguments(x=x, h=h, W=W, b=b)
    expect_shapes(x=(x, "N D"), h=(h, "N H"), W=(W, "D 2H"), b=(b, "2H"))
    z, n = np.split(x @ W + b, 2, axis=1)
    z = sigmoid(z)
    return (1 - z) * h + z * n


def _arguments(**arrays):
    """All arguments as float arrays of one dtype: that of the first, x."""
    dtype = as_floats("x", arrays["x"]).dtype
    return [as_floats(name, array, dtype) for name, array in arrays.items()]
