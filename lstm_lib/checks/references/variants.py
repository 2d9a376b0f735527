"""Variants of the gate: peepholes, coupled gates, the GRU in both published forms."""

import numpy as np

from lstm_lib.cells import sigmoid
from lstm_lib.checks.subject import Case, Subject

# ---- peephole_step ----------------------------------------------------------


def peephole_step(x, h, c, W, U, b, p):
    """One step of an LSTM whose gates see the cell state; p (3, H) for i, f, o."""
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f = sigmoid(i + p[0] * c), sigmoid(f + p[1] * c)
    c = f * c + i * np.tanh(g)
    return sigmoid(o + p[2] * c) * np.tanh(c), c


# ---- coupled_step -----------------------------------------------------------


def coupled_step(x, h, c, W, U, b):
    """One step of an LSTM with i = 1 - f; blocks f | g | o -> h, c."""
    f, g, o = np.split(x @ W + h @ U + b, 3, axis=1)
    f = sigmoid(f)
    c = f * c + (1 - f) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


# ---- gru_step ---------------------------------------------------------------


def gru_step(x, h, W, U, b):
    """One step of a GRU in the published form; blocks r | z | n -> h.

    The reset gate meets h before the product, and the update gate keeps h.
    """
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    Ur, Uz, Un = np.split(U, 3, axis=1)
    r, z = sigmoid(xr + h @ Ur), sigmoid(xz + h @ Uz)
    n = np.tanh(xn + (r * h) @ Un)
    return (1 - z) * n + z * h


# ---- gru_convention ---------------------------------------------------------


def gru_convention(W, U, b):
    """Weights whose update gate keeps h -> weights whose update gate lets n in.

    1 - sigmoid(a) = sigmoid(-a): the columns of z change their sign.
    """
    sign = np.repeat([1, -1, 1], len(U)).astype(W.dtype)
    return W * sign, U * sign, b * sign


# ---- inputs -----------------------------------------------------------------

MEANS = {"i": -0.4, "f": 0.9, "g": 0.3, "o": 0.6, "r": 0.5, "z": 0.8, "n": -0.3}


def weights(rng, blocks, D, H, spread):
    """W (D, KH), U (H, KH), b (KH,); a large spread saturates gates.

    The blocks of b have different means, so that no two blocks look alike.
    """
    K = len(blocks)
    W = rng.normal(0, spread * D**-0.5, (D, K * H))
    U = rng.normal(0, spread * H**-0.5, (H, K * H))
    return W, U, np.repeat([MEANS[k] for k in blocks], H) + rng.normal(0, 0.3, K * H)


def step_arguments(rng, blocks, N, D, H, *, spread=1.0, dtype="f8"):
    """Draw x, h, an LSTM's c, W, U, b, and p where the blocks end in "p"."""
    x, h = rng.normal(0.2, 1, (N, D)), rng.uniform(-0.9, 0.9, (N, H))
    state = [h, rng.normal(0.5, 1.5, (N, H))] if "g" in blocks else [h]
    found = [x, *state, *weights(rng, blocks.rstrip("p"), D, H, spread)]
    if blocks.endswith("p"):
        sign = rng.choice([-1, 1], (3, H))
        found.append(sign * rng.uniform(0.4, 1.6, (3, H)))
    return tuple(array.astype(dtype) for array in found)


def step_cases(blocks):
    """The cases of a step with these blocks; N, D and H all different."""

    def make_cases(rng, hidden):
        def case(name, *sizes, rtol=1e-4, **options):
            return Case(name, step_arguments(rng, blocks, *sizes, **options), rtol)

        if hidden:
            return [
                case("other sizes", 7, 2, 6),
                case("saturated gates", 5, 9, 8, spread=5),
                case("two units", 4, 3, 2, spread=2),
            ]
        return [
            case("small values", 3, 5, 4, spread=0.6),
            case("large values", 4, 3, 6, spread=4),
            case("a batch of one example", 1, 4, 3),
            case("float32 numbers", 3, 2, 5, dtype="f4", rtol=1e-3),
        ]

    return make_cases


def convention_cases(rng, hidden):
    """Weights of a GRU with D and H different."""

    def case(name, D, H, rtol=1e-4, spread=1.0, dtype="f8"):
        drawn = weights(rng, "rzn", D, H, spread)
        return Case(name, tuple(array.astype(dtype) for array in drawn), rtol)

    if hidden:
        return [case("many inputs", 9, 4), case("many units", 3, 8)]
    return [
        case("small weights", 5, 3, spread=0.5),
        case("large weights", 2, 6, spread=8),
        case("float32 numbers", 4, 5, rtol=1e-3, dtype="f4"),
    ]


# ---- gru_step_after ---------------------------------------------------------


def gru_step_after(x, h, W, U, b, bn):
    """One step of a GRU whose reset gate meets the product; bn (H,) stands inside."""
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    hr, hz, hn = np.split(h @ U, 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * (hn + bn))
    return (1 - z) * n + z * h


def gru_after_cases(rng, hidden):
    """The cases of a GRU with a second bias, far from 0, for the new value."""

    def with_second_bias(case):
        U = case.arguments[3]
        bn = rng.choice([-1, 1], len(U)) * rng.uniform(0.5, 1.5, len(U))
        arguments = (*case.arguments, bn.astype(U.dtype))
        return Case(case.name, arguments, case.rtol)

    return [with_second_bias(case) for case in step_cases("rzn")(rng, hidden)]


_PRODUCTS = (
    " Here `x` is (N, D), `W` (D, {0}H), `h` (N, H), `U` (H, {0}H): which two sizes "
    "must agree in `A @ B`?"
)
_STATES = {"h": "(N, H)", "c": "(N, H)"}
SUBJECTS = (
    Subject(
        name="peephole_step",
        reference=peephole_step,
        arguments=("x", "h", "c", "W", "U", "b", "p"),
        returns=("h", "c"),
        shapes=_STATES,
        section="sec-peephole",
        make_cases=step_cases("ifgop"),
        products=_PRODUCTS.format(4),
    ),
    Subject(
        name="coupled_step",
        reference=coupled_step,
        arguments=("x", "h", "c", "W", "U", "b"),
        returns=("h", "c"),
        shapes=_STATES,
        section="sec-coupled",
        make_cases=step_cases("fgo"),
        products=_PRODUCTS.format(3),
    ),
    Subject(
        name="gru_step",
        reference=gru_step,
        arguments=("x", "h", "W", "U", "b"),
        returns="h",
        shapes={"h": "(N, H)"},
        section="sec-gru",
        make_cases=step_cases("rzn"),
        products=_PRODUCTS.format(3),
    ),
    Subject(
        name="gru_convention",
        reference=gru_convention,
        arguments=("W", "U", "b"),
        returns=("W", "U", "b"),
        shapes={"W": "(D, 3H)", "U": "(H, 3H)", "b": "(3H,)"},
        section="sec-update-gate-convention",
        make_cases=convention_cases,
    ),
    Subject(
        name="gru_step_after",
        reference=gru_step_after,
        arguments=("x", "h", "W", "U", "b", "bn"),
        returns="h",
        shapes={"h": "(N, H)"},
        section="sec-two-gru-forms",
        make_cases=gru_after_cases,
        products=_PRODUCTS.format(3),
    ),
)
