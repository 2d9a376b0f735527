"""The LSTM forward: the gate, the step, the sequence, the count."""

import numpy as np

from lstm_lib.cells import sigmoid as exact_sigmoid
from lstm_lib.checks.subject import Case, Subject

# ---- sigmoid ----------------------------------------------------------------


def sigmoid_cases(rng, hidden):
    """Several shapes, values far out on both sides, one float32 array."""
    if hidden:
        far, near = rng.uniform(-90, 90, 4), rng.uniform(1, 2, 3)
        wide = np.concatenate([[-900, 900], far, near])
        return [
            Case("an array with three axes", (rng.normal(0.3, 2, (2, 3, 5)),)),
            Case("very large and very small values", (wide,)),
        ]
    wide = np.array([[-800.0, -30.0, -1.5], [0.7, 40.0, 800.0]])
    return [
        Case("a vector", (rng.normal(0.3, 2, 7),)),
        Case("a matrix", (rng.normal(-0.4, 2, (3, 5)),)),
        Case("very large and very small values", (wide,)),
        Case("float32 numbers", (rng.normal(0.3, 2, (4, 3)).astype("f4"),), 1e-4),
    ]


# ---- lstm_step --------------------------------------------------------------


def gates(x, h, W, U, b, *, sigmoid=exact_sigmoid, order="ifgo"):
    """Gates i, f, o and candidate g, each (N, H), returned as i, f, g, o."""
    z = dict(zip(order, np.split(x @ W + h @ U + b, 4, axis=1)))
    return sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"])


def lstm_step(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    """One step: x (N, D), h and c (N, H), W (D, 4H), U (H, 4H), b (4H,) -> h, c."""
    i, f, g, o = gates(x, h, W, U, b, sigmoid=sigmoid)
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm_arguments(rng, lead, N, D, H, spread=1.0, dtype="f8"):
    """Draw x (*lead, N, D), h, c, W, U, b; a large spread saturates gates.

    The blocks of b have different means, so that no two blocks look alike.
    """
    x = rng.normal(0.2, 1, (*lead, N, D))
    h, c = rng.uniform(-0.9, 0.9, (N, H)), rng.normal(0.5, 1.5, (N, H))
    W = rng.normal(0, spread * D**-0.5, (D, 4 * H))
    U = rng.normal(0, spread * H**-0.5, (H, 4 * H))
    b = np.repeat([-0.4, 0.9, 0.3, 0.6], H) + rng.normal(0, 0.3, 4 * H)
    return tuple(array.astype(dtype) for array in (x, h, c, W, U, b))


def lstm_step_cases(rng, hidden):
    """One step with N, D and H all different."""
    if hidden:
        return [
            Case("other sizes", lstm_arguments(rng, (), 7, 2, 6)),
            Case("saturated gates", lstm_arguments(rng, (), 5, 9, 8, spread=8)),
            Case("two units", lstm_arguments(rng, (), 4, 3, 2, spread=2)),
        ]
    return [
        Case("small values", lstm_arguments(rng, (), 3, 5, 4, spread=0.6)),
        Case("large values", lstm_arguments(rng, (), 4, 3, 6, spread=6)),
        Case("a batch of one example", lstm_arguments(rng, (), 1, 4, 3)),
        Case("float32 numbers", lstm_arguments(rng, (), 3, 2, 5, dtype="f4"), 1e-4),
    ]


# ---- lstm_forward -----------------------------------------------------------


def lstm_forward(x, h, c, W, U, b, *, step=lstm_step):
    """A whole sequence: x (T, N, D), h and c (N, H) -> y (T, N, H), (h, c)."""
    y = []
    for x_t in x:
        h, c = step(x_t, h, c, W, U, b)
        y.append(h)
    return np.stack(y), (h, c)


def lstm_forward_cases(rng, hidden):
    """Sequences of several steps, starting from a state that is not zero."""
    if hidden:
        return [
            Case("a longer sequence", lstm_arguments(rng, (40,), 5, 3, 7)),
            Case("saturated gates", lstm_arguments(rng, (11,), 4, 6, 5, spread=8)),
            Case("two steps", lstm_arguments(rng, (2,), 3, 4, 6)),
        ]
    return [
        Case("six steps", lstm_arguments(rng, (6,), 3, 5, 4)),
        Case("large values", lstm_arguments(rng, (7,), 4, 3, 5, spread=6)),
        Case("a batch of one example", lstm_arguments(rng, (9,), 1, 2, 3)),
        Case("float32 numbers", lstm_arguments(rng, (5,), 3, 4, 6, dtype="f4"), 1e-4),
    ]


# ---- lstm_parameter_count ---------------------------------------------------


def lstm_parameter_count(input_size, hidden_size):
    """The numbers in W, U and b together, with the one bias of this course."""
    return 4 * (input_size * hidden_size + hidden_size**2 + hidden_size)


def parameter_count_cases(rng, hidden):
    """Sizes for which no two wrong formulas agree."""
    if hidden:
        sizes = [rng.permutation(np.arange(6, 300))[:2].tolist() for _ in range(3)]
    else:
        sizes = [(3, 5), (10, 4), (28, 64)]
    return [Case(f"case {n}", tuple(pair), 0) for n, pair in enumerate(sizes, 1)]


_STEP_ARGUMENTS = ("x", "h", "c", "W", "U", "b")
_PRODUCTS = (
    " Here `{}` is (N, D), `W` (D, 4H), `h` (N, H), `U` (H, 4H): which two sizes "
    "must agree in `A @ B`?"
)
SUBJECTS = (
    Subject(
        name="sigmoid",
        reference=exact_sigmoid,
        arguments=("z",),
        returns="the answer",
        shapes={},
        section="sec-soft-gates",
        make_cases=sigmoid_cases,
    ),
    Subject(
        name="lstm_step",
        reference=lstm_step,
        arguments=_STEP_ARGUMENTS,
        returns=("h", "c"),
        shapes={"h": "(N, H)", "c": "(N, H)"},
        section="sec-cell-update",
        make_cases=lstm_step_cases,
        sections={"h": "sec-output-equation"},
        products=_PRODUCTS.format("x"),
        part="sigmoid",
        part_reads=("z",),
    ),
    Subject(
        name="lstm_forward",
        reference=lstm_forward,
        arguments=_STEP_ARGUMENTS,
        returns=("y", ("h", "c")),
        shapes={"y": "(T, N, H)", "h": "(N, H)", "c": "(N, H)"},
        section="sec-memory-cell",
        make_cases=lstm_forward_cases,
        products=_PRODUCTS.format("x[t]"),
        part="step",
        part_reads=("x", "h", "c"),
    ),
    Subject(
        name="lstm_parameter_count",
        reference=lstm_parameter_count,
        arguments=("input_size", "hidden_size"),
        returns="the answer",
        shapes={},
        section="sec-parameter-count",
        make_cases=parameter_count_cases,
    ),
)
