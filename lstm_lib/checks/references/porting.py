"""Weights carried from one framework to another: orders, transposes, biases."""

import numpy as np

from lstm_lib.cells import sigmoid
from lstm_lib.checks.references.lstm import lstm_arguments, lstm_forward
from lstm_lib.checks.references.torch_layers import packed
from lstm_lib.checks.subject import Case, Subject

# ---- reorder_gates ----------------------------------------------------------


def reorder_gates(array, old, new, axis):
    """The blocks of an axis, one a letter: from the order old to the order new."""
    blocks = dict(zip(old, np.split(array, len(old), axis)))
    return np.concatenate([blocks[name] for name in new], axis)


def reorder_cases(rng, hidden):
    """Orders of which none is its own way back; each size divides by the blocks.

    So a wrong axis gives wrong numbers and no error.
    """

    def case(name, shape, old, new, axis, dtype="f8", rtol=1e-4):
        array = rng.normal(0.3, 1, shape).astype(dtype)
        return Case(name, (array, old, new, axis), rtol)

    if hidden:
        return [
            case("other weights in columns", (12, 20), "ofig", "giof", 1),
            case("other weights in rows", (24, 4), "figo", "iofg", 0),
            case("another bias", (28,), "iofg", "figo", 0),
        ]
    return [
        case("weights in columns", (8, 12), "ifgo", "iofg", 1),
        case("weights in rows", (20, 8), "iofg", "ifgo", 0),
        case("a bias of three blocks", (15,), "rzn", "znr", 0),
        case("float32 numbers", (4, 16), "ifgo", "gofi", 1, "f4", 1e-3),
    ]


# ---- to_torch_weights -------------------------------------------------------


def to_torch_weights(W, U, b):
    """W (D, 4H), U (H, 4H), b (4H,) in PyTorch's form: rows, and two biases."""
    return W.T, U.T, b, np.zeros_like(b)


def outputs_in_torch(weights, x, h, c):
    """Outputs (T, N, H) and last c (N, H) that PyTorch computes with its arrays."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    b = np.add(bias_ih, bias_hh)
    y, (_, c) = lstm_forward(x, h, c, weight_ih.T, weight_hh.T, b)
    return y, c


def to_torch_cases(rng, hidden):
    """Sizes all different; what counts is what PyTorch computes on a sequence."""

    def case(name, T, N, D, H, spread=1.0, dtype="f8", rtol=1e-4):
        arguments = lstm_arguments(rng, (T,), N, D, H, spread, dtype)
        return Case(name, arguments[3:], rtol, arguments[:3])

    if hidden:
        return [
            case("other sizes", 7, 2, 3, 6),
            case("saturated gates", 5, 4, 7, 6, spread=5),
            case("a longer sequence", 30, 3, 2, 4),
        ]
    return [
        case("small values", 6, 2, 3, 5, spread=0.6),
        case("large values", 5, 4, 2, 3, spread=4),
        case("a batch of one example", 4, 1, 5, 3),
        case("float32 numbers", 6, 3, 5, 4, dtype="f4", rtol=1e-3),
    ]


# ---- keras_gru_weights ------------------------------------------------------


def keras_gru_weights(W, U, b, bn):
    """W (D, 3H), U (H, 3H), b (3H,), blocks r, z, n, and bn (H,) in Keras' form."""
    W, U, b = (reorder_gates(array, "rzn", "zrn", -1) for array in (W, U, b))
    inside = np.zeros_like(b)
    inside[-len(bn) :] = bn
    return W, U, np.stack([b, inside])


def outputs_in_keras(weights, x, h):
    """Outputs (T, N, H) of Keras' GRU with its arrays, the reset after the product."""
    kernel, recurrent_kernel, (first, second) = weights
    y = []
    for x_t in x:
        a = np.split(x_t @ kernel + first, 3, axis=1)
        u = np.split(h @ recurrent_kernel + second, 3, axis=1)
        z, r = sigmoid(a[0] + u[0]), sigmoid(a[1] + u[1])
        h = z * h + (1 - z) * np.tanh(a[2] + r * u[2])
        y.append(h)
    return np.stack(y)


def keras_gru_cases(rng, hidden):
    """Biases of every block and inside the reset product differ from zero."""

    def case(name, T, N, D, H, spread=1.0, dtype="f8", rtol=1e-4):
        x, h = rng.normal(0.2, 1, (T, N, D)), rng.uniform(-0.9, 0.9, (N, H))
        W = rng.normal(0, spread * D**-0.5, (D, 3 * H))
        U = rng.normal(0, spread * H**-0.5, (H, 3 * H))
        b = np.repeat([-0.5, 0.8, 0.3], H) + rng.normal(0, 0.3, 3 * H)
        bn = rng.normal(0.9, 0.3, H)
        x, h, *weights = (a.astype(dtype) for a in (x, h, W, U, b, bn))
        return Case(name, tuple(weights), rtol, (x, h))

    if hidden:
        return [
            case("other sizes", 7, 2, 3, 6),
            case("large values", 5, 4, 7, 6, spread=3),
            case("a longer sequence", 30, 3, 2, 5),
        ]
    return [
        case("small values", 6, 2, 3, 5, spread=0.6),
        case("large values", 5, 4, 2, 6, spread=3),
        case("a batch of one example", 4, 1, 5, 3),
        case("float32 numbers", 6, 3, 5, 4, dtype="f4", rtol=1e-3),
    ]


# ---- steps_that_agree -------------------------------------------------------


def steps_that_agree(y, other, tolerance):
    """The steps before the first at which two outputs (T, N, H) differ."""
    differs = (np.abs(y - other) > tolerance).any(axis=(1, 2))
    return int(differs.argmax()) if differs.any() else len(y)


def agree_cases(rng, hidden):
    """Two outputs that part, at one number first; and two that never do.

    Where they part, one number of the last example is off, by seven tolerances.
    The next step agrees again. Then all examples but the first are off, upwards,
    then one number of them downwards too, then one number of the first example
    too; then all numbers are. The last five steps agree.
    """

    def case(name, first, T, N, H, tolerance, dtype="f8"):
        y = rng.normal(0, 0.4, (T, N, H))
        off = rng.uniform(-0.3, 0.3, (T, N, H)) * tolerance
        if first < T:
            off[first, N - 1, H - 2] = 7 * tolerance
            off[first + 2 : -5, 1:] = rng.uniform(0.1, 0.4, (T - first - 7, N - 1, H))
            off[first + 3 : -5, 1, 0] = -0.2
            off[first + 4, 0, 1] = 0.3
            off[first + 5 : -5, 0] = rng.uniform(-0.4, -0.1, (T - first - 10, H))
        y, other = y.astype(dtype), (y + off).astype(dtype)
        return Case(name, (y, other, tolerance), 0)

    if hidden:
        return [
            case("another step", 7, 25, 5, 3, 1e-6),
            case("the first step", 0, 14, 4, 6, 1e-4),
            case("no step, and longer", 40, 40, 3, 5, 1e-6),
        ]
    return [
        case("the third step", 2, 17, 3, 4, 1e-6),
        case("a late step", 9, 23, 4, 5, 1e-6),
        case("no step", 8, 8, 3, 5, 1e-6),
        case("float32 numbers", 3, 19, 5, 4, 1e-4, "f4"),
    ]


# ---- from_torch_weights -----------------------------------------------------


def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    """PyTorch's four arrays in Keras' form: kernel, recurrent_kernel, bias."""
    return weight_ih.T, weight_hh.T, bias_ih + bias_hh


def from_torch_cases(rng, hidden):
    """Sizes all different; the two biases too."""

    def case(name, D, H, dtype="f8", rtol=1e-4):
        shapes = (4 * H, D), (4 * H, H), (4 * H,), (4 * H,)
        arrays = (rng.normal(0.2, H**-0.5, s).astype(dtype) for s in shapes)
        return Case(name, tuple(arrays), rtol)

    if hidden:
        return [case("more units", 5, 9), case("more features", 11, 4)]
    return [
        case("three features", 3, 5),
        case("two units", 6, 2),
        case("float32 numbers", 4, 3, "f4", 1e-3),
    ]


# ---- packed_as_keras --------------------------------------------------------


def packed_as_keras(data, batch_sizes):
    """Packed outputs (sum of lengths, H), batch_sizes (T,) -> Keras' y (N, T, H).

    With a mask, Keras repeats the last output behind the end of a sequence.
    """
    y, start = np.zeros((len(batch_sizes), batch_sizes[0], data.shape[1])), 0
    for t, running in enumerate(batch_sizes):
        y[t] = y[t - 1]
        y[t, :running] = data[start : start + running]
        start += running
    return np.swapaxes(y, 0, 1)


def packed_as_keras_cases(rng, hidden):
    """Sequences of several lengths, the longest first; sizes all different."""
    if hidden:
        return [
            Case("a larger batch", packed(rng, [11, 9, 8, 6, 4, 3], 5)),
            Case("two as long", packed(rng, [8, 8, 5, 4], 3)),
        ]
    return [
        Case("four sequences", packed(rng, [7, 5, 3, 2], 3)),
        Case("five sequences", packed(rng, [9, 8, 6, 4, 3], 2)),
        Case("float32 numbers", packed(rng, [10, 7, 4], 6, "f4"), 1e-3),
    ]


SUBJECTS = (
    Subject(
        name="reorder_gates",
        reference=reorder_gates,
        arguments=("array", "old", "new", "axis"),
        returns="the array",
        shapes={},
        section="sec-gate-orders",
        make_cases=reorder_cases,
    ),
    Subject(
        name="to_torch_weights",
        reference=to_torch_weights,
        arguments=("W", "U", "b"),
        returns=("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
        shapes={
            "weight_ih": "(4H, D)",
            "weight_hh": "(4H, H)",
            "bias_ih": "(4H,)",
            "bias_hh": "(4H,)",
        },
        section="sec-transposes-and-biases",
        make_cases=to_torch_cases,
        observe=outputs_in_torch,
        observed=("the outputs with your weights", "the last `c` with your weights"),
    ),
    Subject(
        name="keras_gru_weights",
        reference=keras_gru_weights,
        arguments=("W", "U", "b", "bn"),
        returns=("kernel", "recurrent_kernel", "bias"),
        shapes={
            "kernel": "(D, 3H)",
            "recurrent_kernel": "(H, 3H)",
            "bias": "(2, 3H)",
        },
        section="sec-gru-reset-after",
        make_cases=keras_gru_cases,
        observe=outputs_in_keras,
        observed="the output with your weights",
    ),
    Subject(
        name="steps_that_agree",
        reference=steps_that_agree,
        arguments=("y", "other", "tolerance"),
        returns="steps",
        shapes={},
        section="sec-batch-that-can-fail",
        make_cases=agree_cases,
    ),
    Subject(
        name="from_torch_weights",
        reference=from_torch_weights,
        arguments=("weight_ih", "weight_hh", "bias_ih", "bias_hh"),
        returns=("kernel", "recurrent_kernel", "bias"),
        shapes={
            "kernel": "(D, 4H)",
            "recurrent_kernel": "(H, 4H)",
            "bias": "(4H,)",
        },
        section="sec-transposes-and-biases",
        make_cases=from_torch_cases,
    ),
    Subject(
        name="packed_as_keras",
        reference=packed_as_keras,
        arguments=("data", "batch_sizes"),
        returns="y",
        shapes={"y": "(N, T, H)"},
        section="sec-packed",
        make_cases=packed_as_keras_cases,
    ),
)
