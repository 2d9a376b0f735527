"""One time step of each recurrent cell, one line per equation.

These functions are for reading, and they are the reference that the fast
layers and the checks are compared with. Rows are examples: N of them, with
D input features and H hidden units.
"""

import numpy as np

from lstm_lib.validation import as_floats, expect_shapes


def sigmoid(z):
    """The logistic function 1 / (1 + exp(-z)), for any shape.

    Written with tanh, which is the same function and does not overflow.
    """
    return 0.5 * np.tanh(0.5 * np.asarray(z)) + 0.5


def rnn_step(x, h, W, U, b):
    """One time step of a simple recurrent network.

    x: (N, D) input; h: (N, H) hidden state of the step before.
    W: (D, H), U: (H, H), b: (H,). All float32 or all float64.
    Returns h: (N, H) of this step.
    Raises ShapeError, TypeError or ValueError naming the argument.
    Source: Elman (1990), with tanh as in PyTorch's nn.RNN.
    """
    x, h, W, U, b = _arguments(x=x, h=h, W=W, U=U, b=b)
    expect_shapes(x=(x, "N D"), h=(h, "N H"), W=(W, "D H"), U=(U, "H H"), b=(b, "H"))
    return np.tanh(x @ W + h @ U + b)


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


def _arguments(**arrays):
    """All arguments as float arrays of one dtype: that of the first, x."""
    dtype = as_floats("x", arrays["x"]).dtype
    return [as_floats(name, array, dtype) for name, array in arrays.items()]
