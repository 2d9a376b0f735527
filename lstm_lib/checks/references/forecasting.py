"""Forecasting: windows, an honest split, baselines, errors, and a forecast itself."""

import numpy as np

from lstm_lib.checks.subject import Case, Judgement, Subject
from lstm_lib.series import demand

# ---- windows ----------------------------------------------------------------


def windows(series, length, horizon):
    """A series (T,) -> inputs (K, length), and the horizon values after each."""
    starts = np.arange(len(series) - length - horizon + 1)[:, None]
    targets = starts + length + np.arange(horizon)
    return series[starts + np.arange(length)], series[targets]


def walk(rng, steps, dtype="f8"):
    """A series in which no value comes twice."""
    return (20 + rng.normal(0, 2, steps).cumsum()).astype(dtype)


def windows_cases(rng, hidden):
    """More than one window, a horizon of more than one step, all sizes different."""

    def case(name, steps, length, horizon, dtype="f8", rtol=1e-4):
        return Case(name, (walk(rng, steps, dtype), length, horizon), rtol)

    if hidden:
        return [case("a long series", 90, 12, 5), case("a far horizon", 21, 4, 9)]
    return [
        case("short windows", 11, 4, 3),
        case("a horizon longer than the window", 14, 2, 5),
        case("long windows", 23, 9, 2),
        case("float32 numbers", 16, 5, 4, "f4", 1e-3),
    ]


# ---- split_windows ----------------------------------------------------------


def split_windows(series, length, horizon, test, *, windows=windows):
    """Windows to learn from and windows to be tested on, split in time.

    No target to learn from lies in the last `test` steps; all targets of the
    test do, and their inputs may reach back.
    """
    learn = windows(series[:-test], length, horizon)
    return *learn, *windows(series[-test - length :], length, horizon)


def split_cases(rng, hidden):
    """Test periods that hold more than one window of their own."""

    def case(name, steps, length, horizon, test, dtype="f8", rtol=1e-4):
        return Case(name, (walk(rng, steps, dtype), length, horizon, test), rtol)

    if hidden:
        return [
            case("a long series", 95, 10, 4, 23),
            case("a long test period", 60, 5, 7, 26),
        ]
    return [
        case("a short series", 30, 4, 3, 9),
        case("long windows", 44, 8, 2, 13),
        case("float32 numbers", 37, 3, 5, 11, "f4", 1e-3),
    ]


# ---- standardise ------------------------------------------------------------


def standardise(train, test):
    """Each series less its mean, by its deviation, both of the training part."""
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    return (train - mean) / deviation, (test - mean) / deviation


def standardise_cases(rng, hidden):
    """Series of different levels that change between the two parts."""

    def case(name, steps, count, test, dtype="f8", rtol=1e-4):
        level, size = rng.uniform(5, 60, count), rng.uniform(1, 9, count)
        values = level + size * rng.normal(0, 1, (steps + test, count))
        values[steps:] += size * rng.uniform(1, 3, count)
        values[steps:] *= rng.uniform(1.2, 1.6)
        values = values.astype(dtype)
        return Case(name, (values[:steps], values[steps:]), rtol)

    if hidden:
        return [case("more series", 40, 9, 15), case("a long test period", 22, 5, 60)]
    return [
        case("three series", 30, 3, 8),
        case("two series", 12, 2, 5),
        case("float32 numbers", 25, 4, 7, "f4", 1e-3),
    ]


# ---- seasonal_naive ---------------------------------------------------------


def seasonal_naive(history, season, horizon):
    """The last season (T, N) over and over again, for (horizon, N)."""
    return history[np.arange(horizon) % season - season]


def seasonal_cases(rng, hidden):
    """Some horizons are longer than the season; no series begins one at its end."""

    def case(name, steps, count, season, horizon, dtype="f8", rtol=1e-4):
        history = demand(steps, count, season, rng).astype(dtype)
        return Case(name, (history, season, horizon), rtol)

    if hidden:
        return [
            case("three seasons ahead", 40, 6, 7, 23),
            case("another season", 62, 3, 12, 17),
        ]
    return [
        case("less than a season", 31, 2, 7, 5),
        case("more than a season", 23, 3, 5, 8),
        case("two seasons and a half", 18, 5, 4, 10),
        case("float32 numbers", 33, 4, 6, 9, "f4", 1e-3),
    ]


# ---- mase -------------------------------------------------------------------


def mase(forecasts, truth, history, season):
    """Mean absolute error by that of seasonal naive forecasts of the past.

    forecasts, truth: (horizon, N); history: (T, N). Each series has a scale of
    its own; the mean is over all of them.
    """
    scale = np.abs(history[season:] - history[:-season]).mean(axis=0)
    return (np.abs(forecasts - truth) / scale).mean()


def mase_cases(rng, hidden):
    """Test periods that move more than the past, forecasts with errors of any sign."""

    def case(name, steps, count, season, horizon, dtype="f8", rtol=1e-4):
        values = demand(steps + horizon, count, season, rng)
        history, truth = values[:steps], values[steps:]
        truth = truth + history.std(axis=0) * rng.normal(0, 1, truth.shape)
        errors = rng.normal(0, 1, truth.shape)
        bias = -0.4 * (-0.5) ** (np.arange(count) % 2)  # below the truth, above, below
        errors += bias - errors.mean(axis=0)
        off = rng.uniform(0.2, 3, count) * history.std(axis=0)
        forecasts = truth + off * errors
        arrays = (array.astype(dtype) for array in (forecasts, truth, history))
        return Case(name, (*arrays, season), rtol)

    if hidden:
        return [
            case("many series", 50, 11, 7, 9),
            case("a long season", 64, 3, 12, 20),
        ]
    return [
        case("a small panel", 26, 3, 4, 6),
        case("another season", 41, 5, 7, 10),
        case("one series", 33, 1, 5, 8),
        case("float32 numbers", 29, 4, 3, 7, "f4", 1e-3),
    ]


# ---- roll_out ---------------------------------------------------------------


def network(x, h, weights):
    """One step of a trained network: x (N, 1), h (N, H) -> forecasts (N, 1), h."""
    W, U, b, V, c = weights
    h = np.tanh(x @ W + h @ U + b)
    return h @ V + c, h


def roll_out(series, origin, horizon, weights):
    """Read the steps before the origin, then read what was forecast: (horizon, N)."""
    h = np.zeros((series.shape[1], len(weights[1])))
    for t in range(origin):
        y, h = network(series[t, :, None], h, weights)
    forecasts = [y]
    while len(forecasts) < horizon:
        y, h = network(y, h, weights)
        forecasts.append(y)
    return np.concatenate(forecasts, axis=1).T


def roll_out_cases(rng, hidden):
    """The series goes on after its origin, beyond the horizon."""

    def case(name, steps, N, H, origin, horizon, spread=1.0, dtype="f8", rtol=1e-4):
        series = rng.normal(0, 1, (steps, N)).cumsum(axis=0) * 0.4
        weights = [
            rng.normal(0, 1, (1, H)),
            rng.normal(0, spread * H**-0.5, (H, H)),
            rng.normal(0, 0.5, H),
            rng.normal(0, 1.5 * H**-0.5, (H, 1)),
            rng.normal(0, 0.3, 1),
        ]
        weights = [w.astype(dtype) for w in weights]
        return Case(name, (series.astype(dtype), origin, horizon, weights), rtol)

    if hidden:
        return [
            case("a longer past", 48, 5, 7, 33, 9),
            case("saturated units", 21, 3, 8, 12, 4, spread=2),
        ]
    return [
        case("a short past", 14, 3, 4, 7, 5),
        case("many units", 22, 4, 9, 12, 6),
        case("one series", 19, 1, 5, 9, 4),
        case("float32 numbers", 17, 2, 6, 8, 3, dtype="f4", rtol=1e-3),
    ]


# ---- forecasts --------------------------------------------------------------

MARGIN = 0.85  # of the seasonal naive forecast's error, which the last case asks for
BLIND, NAIVE, SEASONAL, CLEARLY = FORECAST_CASES = (
    "blind to the future",
    "beats the naive forecast",
    "beats the seasonal naive forecast",
    "beats it by 15 percent",
)


def forecasts(series, origin, horizon, season):
    """One line through time, one value for each step of the season, and what is left.

    What is left of all series follows its own three values before, with the
    same weights in each (least squares).
    """
    past, lags = series[:origin], 3

    def known(t):
        return np.column_stack([np.eye(season)[t % season], t / origin])

    t = np.arange(origin)
    fitted = np.linalg.lstsq(known(t), past, rcond=None)[0]
    rest = past - known(t) @ fitted
    scale = rest.std(axis=0)
    z = rest / scale
    before = np.stack([z[k : k + origin - lags] for k in range(lags)], axis=-1)
    weights = np.linalg.lstsq(before.reshape(-1, lags), z[lags:].ravel(), rcond=None)[0]
    ahead = list(z[-lags:])
    for _ in range(horizon):
        ahead.append(np.stack(ahead[-lags:], axis=-1) @ weights)
    later = np.arange(origin, origin + horizon)
    return known(later) @ fitted + scale * np.stack(ahead[lags:])


def judge(answer, wanted, truth, history, season):
    """A Judgement by the error, once it is known that the answer is honest."""
    baselines = [
        float(mase(seasonal_naive(history, m, len(truth)), truth, history, season))
        for m in (1, season)
    ]
    naive, seasonal = baselines
    names = "naive forecast", "seasonal naive forecast"
    beside = {name: round(e, 4) for name, e in zip(names, baselines)}
    name = "mean absolute scaled error"
    if answer is None:
        return Judgement(False, "", {"name": name, "value": None, "beside": beside})
    error = float(mase(answer, truth, history, season))
    limits = {BLIND: np.inf, NAIVE: naive, SEASONAL: seasonal}
    limit = limits.get(wanted, MARGIN * seasonal)
    right = bool(error < limit * (1 - 1e-6))
    text = (
        f"Your mean absolute scaled error is {error:.2f}; the naive forecast has "
        f"{naive:.2f} and the seasonal naive forecast {seasonal:.2f}."
    )
    if not right:
        text += f" Asked for is less than {limit:.2f}."
    measure = {"name": name, "value": round(error, 4), "beside": beside}
    return Judgement(right, text, measure)


def panel(rng, steps, count, season, horizon):
    """A past (steps, count) and what came after it, (horizon, count).

    Drawn until the season matters, and what is left too: a plain least-squares
    forecast then beats both baselines with room to spare.
    """
    while True:
        values = demand(steps + horizon, count, season, rng)
        past, truth = values[:steps], values[steps:]
        about = truth, past, season
        naive, seasonal = (
            mase(seasonal_naive(past, m, horizon), *about) for m in (1, season)
        )
        plain = mase(forecasts(past, steps, horizon, season), *about)
        if naive > 1.5 * seasonal and plain < 0.7 * seasonal:
            return past, truth


def made_up(rng, past, season):
    """What stands after the origin: a season that never came, at another level."""
    like = past[-season - 2 :]
    shift = rng.choice([-1, 1]) * rng.uniform(1, 3, past.shape[1])
    return like + past.std(axis=0) * (shift + rng.normal(0, 1, like.shape))


def forecasts_cases(rng, hidden):
    """One panel, judged four times. Its own future is in nobody's reach.

    After the origin stand values that never came, and in its twin others.
    """
    size = (84, 32, 7, 5) if hidden else (96, 30, 12, 4)
    steps, _, season, horizon = size
    past, truth = panel(rng, *size)
    one, other = (
        (np.concatenate([past, made_up(rng, past, season)]), steps, horizon, season)
        for _ in range(2)
    )
    return [
        Case(name, one, data=(name, truth, past, season), twin=other)
        for name in FORECAST_CASES
    ]


_PANEL = {"forecasts": "(horizon, N)"}
SUBJECTS = (
    Subject(
        name="windows",
        reference=windows,
        arguments=("series", "length", "horizon"),
        returns=("inputs", "targets"),
        shapes={"inputs": "(K, length)", "targets": "(K, horizon)"},
        section="term-window",
        make_cases=windows_cases,
    ),
    Subject(
        name="split_windows",
        reference=split_windows,
        arguments=("series", "length", "horizon", "test"),
        returns=("inputs", "targets", "test_inputs", "test_targets"),
        shapes={},
        section="term-leak",
        make_cases=split_cases,
        part="windows",
        part_check="windows",
        part_reads=("series",),
    ),
    Subject(
        name="standardise",
        reference=standardise,
        arguments=("train", "test"),
        returns=("train", "test"),
        shapes={"train": "(T, N)", "test": "(S, N)"},
        section="term-leak",
        make_cases=standardise_cases,
    ),
    Subject(
        name="seasonal_naive",
        reference=seasonal_naive,
        arguments=("history", "season", "horizon"),
        returns="forecasts",
        shapes=_PANEL,
        section="term-seasonal-naive-forecast",
        make_cases=seasonal_cases,
    ),
    Subject(
        name="mase",
        reference=mase,
        arguments=("forecasts", "truth", "history", "season"),
        returns="mase",
        shapes={},
        section="term-mean-absolute-scaled-error",
        make_cases=mase_cases,
    ),
    Subject(
        name="roll_out",
        reference=roll_out,
        arguments=("series", "origin", "horizon", "weights"),
        returns="forecasts",
        shapes=_PANEL,
        section="term-recursive-forecast",
        make_cases=roll_out_cases,
    ),
    Subject(
        name="forecasts",
        reference=forecasts,
        arguments=("series", "origin", "horizon", "season"),
        returns="forecasts",
        shapes=_PANEL,
        section="term-seasonal-naive-forecast",
        make_cases=forecasts_cases,
        sections={"twin": "term-leak"},
        judge=judge,
        twins_differ=(
            "Your forecasts change when only the values *after* the origin change, "
            "which nobody knows at the origin. So no error was measured. Where does "
            "`series` enter your function without a cut at `origin`?"
        ),
    ),
)
