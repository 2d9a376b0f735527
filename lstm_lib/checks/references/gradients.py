"""Backwards through the LSTM: step, sequence, clipping, decay."""

import numpy as np

from lstm_lib.checks.references.lstm import gates, lstm_arguments, lstm_step
from lstm_lib.checks.subject import Case, Subject

# ---- lstm_step_backward -----------------------------------------------------


def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    """One step backwards: dh, dc (N, H) by the new states -> dx, dh, dc, dW, dU, db."""
    i, f, g, o = gates(x, h, W, U, b)
    shown = np.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - shown**2)  # the new c is read twice: by h, and later
    by_i, by_f, by_g, by_o = dc * g, dc * c, dc * i, dh * shown
    dz = np.hstack(
        [by_i * i * (1 - i), by_f * f * (1 - f), by_g * (1 - g**2), by_o * o * (1 - o)]
    )
    return dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(axis=0)


def large_inputs(x, h, c, W, U, b):
    """The same gates from a large x and a small W.

    No one step suits differences by both: one that moves x enough for its
    rounding moves W too far. A derived gradient is as exact as before.
    """
    return x * 2.0**17, h, c, W / 2.0**17, U, b


def step_arguments(rng, N, D, H, large=False, **keywords):
    """Draw dh, dc (N, H) and the arguments of lstm_step."""
    arguments = lstm_arguments(rng, (), N, D, H, **keywords)
    dh, dc = rng.normal(0.3, 1, (N, H)), rng.normal(-0.4, 1, (N, H))
    dtype = arguments[0].dtype
    arguments = large_inputs(*arguments) if large else arguments
    return dh.astype(dtype), dc.astype(dtype), *arguments


def step_backward_cases(rng, hidden):
    """One step with N, D, H and 4H all different; all hidden ones with a large x.

    One batch of one, where the mean over the batch is right as well.
    """
    if hidden:
        kinds = [
            ("other sizes", (7, 2, 6), 1),
            ("saturated gates", (5, 9, 8), 6),
            ("two units", (4, 3, 2), 2),
            ("one feature", (6, 1, 5), 1),
            ("one example", (1, 5, 3), 1),
        ]
        return [
            Case(name, step_arguments(rng, *sizes, large=True, spread=spread))
            for name, sizes, spread in kinds
        ]
    return [
        Case("small values", step_arguments(rng, 3, 5, 4, spread=0.6)),
        Case("large values", step_arguments(rng, 4, 3, 6, spread=4)),
        Case("many examples", step_arguments(rng, 9, 4, 3)),
        Case("float32 numbers", step_arguments(rng, 3, 2, 5, dtype="f4"), 1e-3),
    ]


# ---- lstm_backward ----------------------------------------------------------


def states_of(x, h, c, W, U, b):
    """The T + 1 pairs (h, c): the given one, and the one after each step."""
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    return states


def lstm_backward(dy, x, h, c, W, U, b, *, step_backward=lstm_step_backward):
    """A whole sequence: dy (T, N, H) by every h -> dx, dh, dc, dW, dU, db."""
    states, dx, totals = states_of(x, h, c, W, U, b), [], (0, 0, 0)
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    for t in reversed(range(len(x))):
        dx_t, dh, dc, *grads = step_backward(dy[t] + dh, dc, x[t], *states[t], W, U, b)
        dx.append(dx_t)
        totals = [total + grad for total, grad in zip(totals, grads, strict=True)]
    return np.stack(dx[::-1]), dh, dc, *totals


def backward_arguments(rng, T, N, D, H, keep=0, dtype="f8", large=False, **keywords):
    """Draw dy (T, N, H) and the arguments of lstm_forward.

    keep: added to the biases of the forget gate, so that gradients last.
    """
    inputs = lstm_arguments(rng, (T,), N, D, H, **keywords)
    inputs[-1][H : 2 * H] += keep
    inputs = large_inputs(*inputs) if large else inputs
    arguments = rng.normal(0.2, 1, (T, N, H)), *inputs
    return tuple(array.astype(dtype) for array in arguments)


def lstm_backward_cases(rng, hidden):
    """Sequences of several steps; the loss reads every one of them.

    None of one step, where most mistakes of the loop are right.
    """
    if hidden:
        kinds = [
            ("a longer sequence", (40, 5, 3, 7), dict(keep=1)),
            ("saturated gates", (11, 4, 6, 5), dict(spread=4)),
            ("two steps", (2, 3, 4, 6), {}),
        ]
        return [
            Case(name, backward_arguments(rng, *sizes, large=True, **keywords))
            for name, sizes, keywords in kinds
        ]
    return [
        Case("six steps", backward_arguments(rng, 6, 3, 5, 4)),
        Case("large values", backward_arguments(rng, 7, 4, 3, 5, spread=3)),
        Case("a batch of one example", backward_arguments(rng, 9, 1, 2, 3)),
        Case("float32 numbers", backward_arguments(rng, 5, 3, 4, 6, dtype="f4"), 1e-3),
    ]


# ---- clip_by_global_norm ----------------------------------------------------


def clip_by_global_norm(gradients, limit):
    """Scale all arrays by one factor, so that their common norm is at most limit."""
    norm = np.sqrt(sum(np.sum(np.square(array)) for array in gradients))
    factor = limit / norm if norm > limit else 1.0
    return tuple(factor * array for array in gradients)


def drawn_gradients(rng, norms, dtype="f8"):
    """One array for each norm, with one, two or three axes in turn."""
    gradients = []
    for k, norm in enumerate(norms):
        array = rng.normal(0.2, 1, (3, k + 2, 4)[-1 - k % 3 :])
        array *= norm / np.linalg.norm(array)
        gradients.append(array.astype(dtype))
    return gradients


def clip_cases(rng, hidden):
    """Norms above and below the limit, but never near it.

    Where the norm is below, its square and the sum of all norms are above. One
    case in four is below: so much is right if nothing is done.
    """
    low, high = rng.uniform(0.8, 1.0), rng.uniform(1.0, 1.2)
    if hidden:
        many = 6 * low, 0.0, 2 * high, 3.0, 7 * high, 1.0
        small = 0.02, 0.03 * low, 0.01
        return [
            Case("many arrays", (drawn_gradients(rng, many), 5 * low)),
            Case("huge numbers", (drawn_gradients(rng, (2, 3e10 * low, 1e10)), 0.7)),
            Case("a small limit", (drawn_gradients(rng, (2, 3 * low, high)), 0.03)),
            Case("two arrays", (drawn_gradients(rng, (4 * low, 3)), 2.0)),
            Case("equal norms", (drawn_gradients(rng, (2, 2, 2, 2)), 1.5 * low)),
            Case("small numbers", (drawn_gradients(rng, small), 0.01)),
            Case("a limit above the norm", (drawn_gradients(rng, (2, low, 3)), 4.5)),
            Case("zeros only", (drawn_gradients(rng, (0, 0, 0)), 2.0)),
        ]
    return [
        Case("above the limit", (drawn_gradients(rng, (3 * low, 4, high)), 2.0)),
        Case("one large array", (drawn_gradients(rng, (3, 80 * low, 5)), 4.0)),
        Case("below the limit", (drawn_gradients(rng, (2, 1, 2 * low)), 3.5)),
        Case("float32 numbers", (drawn_gradients(rng, (4, 3, high), "f4"), 2.5), 1e-3),
    ]


# ---- cell_gradient_norms ----------------------------------------------------


def cell_gradient_norms(dh, x, h, c, W, U, b, *, step_backward=lstm_step_backward):
    """The norm of the gradient of sum(dh * h_T) by c_t, for t = 0 to T."""
    states, dc, norms = states_of(x, h, c, W, U, b), np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], W, U, b)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm(dc + through_h))
        _, dh, dc, *_ = step_backward(dh, dc, x[t], *states[t], W, U, b)
    norms.append(np.linalg.norm(dc))  # h_0 is given: it does not depend on c_0
    return np.array(norms[::-1])


def norms_arguments(rng, T, N, D, H, keep=2, **keywords):
    """Draw dh (N, H) and the arguments of lstm_forward."""
    dy, *arguments = backward_arguments(rng, T, N, D, H, keep, **keywords)
    return dy[-1], *arguments


def cell_gradient_norms_cases(rng, hidden):
    """Sequences through which the gradient lasts, or early entries would not count."""
    if hidden:
        return [
            Case("a longer sequence", norms_arguments(rng, 30, 5, 3, 7, keep=3)),
            Case("saturated gates", norms_arguments(rng, 9, 4, 6, 5, spread=3)),
            Case("two steps", norms_arguments(rng, 2, 3, 4, 6)),
            Case("other sizes", norms_arguments(rng, 8, 6, 2, 9)),
        ]
    return [
        Case("six steps", norms_arguments(rng, 6, 3, 5, 4)),
        Case("large values", norms_arguments(rng, 7, 4, 3, 5, spread=2)),
        Case("a batch of one example", norms_arguments(rng, 9, 1, 2, 3)),
        Case("float32 numbers", norms_arguments(rng, 5, 3, 4, 6, dtype="f4"), 1e-3),
    ]


_GRADIENTS = ("dx", "dh", "dc", "dW", "dU", "db")
_SHAPES = {
    "dx": "(N, D)",
    "dh": "(N, H)",
    "dc": "(N, H)",
    "dW": "(D, 4H)",
    "dU": "(H, 4H)",
    "db": "(4H,)",
}
_PRODUCTS = (
    " Every gradient has the shape of what it belongs to: `dx` that of `x`, `dW` that "
    "of `W`. Which of the two arrays in your product must be turned (`.T`)?"
)
# A step that drops the dc it is given (`dc =` for `dc +=`), the commonest mistake of
# all, counts as a part although it does not use dc: the bank knows it.
_PART = {
    "part": "step_backward",
    "part_check": "lstm_step_backward",
    "part_reads": ("dh", "dc", "x", "h", "c"),
}
SUBJECTS = (
    Subject(
        name="lstm_step_backward",
        reference=lstm_step_backward,
        arguments=("dh", "dc", "x", "h", "c", "W", "U", "b"),
        returns=_GRADIENTS,
        shapes=_SHAPES,
        section="sec-step-backward",
        make_cases=step_backward_cases,
        sections={"dc": "sec-two-consumers"},
        products=_PRODUCTS,
    ),
    Subject(
        name="lstm_backward",
        reference=lstm_backward,
        arguments=("dy", "x", "h", "c", "W", "U", "b"),
        returns=_GRADIENTS,
        shapes=_SHAPES | {"dx": "(T, N, D)"},
        section="sec-sequence-backward",
        make_cases=lstm_backward_cases,
        products=_PRODUCTS,
        **_PART,
    ),
    Subject(
        name="clip_by_global_norm",
        reference=clip_by_global_norm,
        arguments=("gradients", "limit"),
        returns="clipped",
        shapes={},
        section="sec-clipping",
        make_cases=clip_cases,
    ),
    Subject(
        name="cell_gradient_norms",
        reference=cell_gradient_norms,
        arguments=("dh", "x", "h", "c", "W", "U", "b"),
        returns="the answer",
        shapes={"the answer": "(T + 1,)"},
        section="sec-product-of-forget-gates",
        make_cases=cell_gradient_norms_cases,
        products=_PRODUCTS,
        **_PART,
    ),
)
