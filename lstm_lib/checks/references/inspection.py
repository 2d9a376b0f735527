"""Looking inside a trained layer: which unit follows a feature, and what it is for."""

import numpy as np

from lstm_lib.checks.references.lstm import lstm_arguments, lstm_step
from lstm_lib.checks.subject import Case, Subject

# ---- best_unit --------------------------------------------------------------


def correlations(c, feature):
    """The correlation r (H,) of every unit of c (T, N, H) with feature (T, N).

    A unit that never moves has 0.
    """
    c = c - c.mean(axis=(0, 1))
    feature = feature - feature.mean()
    shared = np.einsum("tnh,tn->h", c, feature)
    size = np.sqrt((c**2).sum(axis=(0, 1)) * (feature**2).sum())
    return np.divide(shared, size, out=np.zeros_like(shared), where=size > 0)


def best_unit(c, feature):
    """The unit (from 0) with the largest |r|, and its r with its sign."""
    r = correlations(c, feature)
    unit = np.abs(r).argmax()
    return unit, r[unit]


def states_and_feature(rng, T, N, H, sign=-1, still=False, dtype="f8"):
    """Draw c (T, N, H) and feature (T, N), one unit of which follows the feature.

    sign: of its correlation; the runner-up has the other one. Neither is unit 0
    or the last; another unit has the widest swing and a third a large mean. The
    feature has a mean far from 0, and every example a level and a size of its own.
    still: make unit 0 one that never moves.
    """
    feature = rng.normal(0, 1, (T, N)).cumsum(axis=0) + np.linspace(-3, 3, N)
    feature = feature * np.linspace(0.5, 2, N) + 2
    feature[:, 0] += np.linspace(0, 4, T)
    z = (feature - feature.mean()) / feature.std()
    c = rng.normal(0, 1, (T, N, H))
    best, second, wide, high = 1 + rng.permutation(H - 2)[:4]
    c[:, :, best] = 0.6 * sign * z + 0.15 * c[:, :, best] + 0.3
    c[:, :, second] = -sign * (0.9 * z + 0.8 * c[:, :, second])
    c[:, :, wide] = 9 * (0.3 * sign * z + c[:, :, wide])
    c[:, :, high] = 0.2 * c[:, :, high] + 6
    if still:
        c[:, :, 0] = -0.25
    return c.astype(dtype), feature.astype(dtype)


UP = "the best unit rises with the feature"


def best_unit_cases(rng, hidden):
    """The best unit falls as the feature rises, but for one case.

    More than one example, as the mean over one would be right as well.
    """

    def case(name, *sizes, rtol=1e-4, **options):
        return Case(name, states_and_feature(rng, *sizes, **options), rtol)

    if hidden:
        return [
            case("a longer sequence", 40, 5, 8),
            case("many units", 12, 4, 20),
            case("a unit that never moves", 15, 3, 9, still=True),
            case(UP, 11, 6, 7, sign=1),
        ]
    return [
        case("eight units", 14, 3, 8),
        case("more examples", 9, 7, 6),
        case("a unit that never moves", 13, 4, 7, still=True),
        case(UP, 10, 5, 9, sign=1),
        case("float32 numbers", 16, 3, 6, dtype="f4", rtol=1e-3),
    ]


# ---- lstm_without_unit ------------------------------------------------------


def lstm_without_unit(x, h, c, W, U, b, unit):
    """All hidden states y (T, N, H), where h of one unit is 0 at every time.

    The unit's 0 is what the layer shows, and what the next step reads; so is
    the 0 in the first h. Its cell state goes on as before.
    """
    heard = np.arange(h.shape[1]) != unit  # m of the equation
    y, h = [], h * heard
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        h = h * heard
        y.append(h)
    return np.stack(y)


def without_unit_cases(rng, hidden):
    """Sequences from a state that is not zero; unit is below N, D and H - 1.

    So that a unit taken for an example or an input is a mistake with an answer.
    Not in float32, as a mask of ones is float64 and `lstm_step` asks for one dtype.
    """

    def case(name, T, N, D, H, unit, spread):
        arguments = lstm_arguments(rng, (T,), N, D, H, spread=spread)
        return Case(name, (*arguments, unit))

    if hidden:
        return [
            case("a longer sequence", 30, 5, 4, 6, 2, spread=1.5),
            case("saturated gates", 8, 4, 6, 5, 1, spread=4),
            case("two steps", 2, 3, 4, 6, 1, spread=2),
        ]
    return [
        case("five steps", 5, 3, 4, 6, 2, spread=1.5),
        case("large values", 7, 4, 3, 5, 1, spread=3),
        case("three units", 6, 5, 4, 3, 1, spread=2),
        case("many steps", 12, 3, 5, 7, 2, spread=1.5),
    ]


SUBJECTS = (
    Subject(
        name="best_unit",
        reference=best_unit,
        arguments=("c", "feature"),
        returns=("unit", "r"),
        shapes={},
        section="sec-counting-cell",
        make_cases=best_unit_cases,
    ),
    Subject(
        name="lstm_without_unit",
        reference=lstm_without_unit,
        arguments=("x", "h", "c", "W", "U", "b", "unit"),
        returns="y",
        shapes={"y": "(T, N, H)"},
        section="sec-ablation",
        make_cases=without_unit_cases,
        products=(
            " Here `x[t]` is (N, D), `W` (D, 4H), `h` (N, H), `U` (H, 4H): which two "
            "sizes must agree in `A @ B`?"
        ),
    ),
)
