"""Other right answers to problem set 7, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others. QUICK:
a right answer in milliseconds, for what is tried a hundred times.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "windows-answer": """
def windows(series, length, horizon):
    inputs, targets = [], []
    k = 0
    while k + length + horizon <= len(series):
        inputs.append([series[k + j] for j in range(length)])
        targets.append([series[k + length + j] for j in range(horizon)])
        k += 1
    return inputs, targets
""",
    "split-windows-answer": """
def split_windows(series, length, horizon, test):
    before, within = ([], []), ([], [])
    start = len(series) - test
    for window, target, k in zip(*windows(series, length, horizon), range(len(series))):
        first, last = k + length, k + length + horizon - 1
        if last < start:
            before[0].append(window)
            before[1].append(target)
        elif first >= start:
            within[0].append(window)
            within[1].append(target)
    return [*before, *within]
""",
    "standardise-answer": """
import math

def standardise(train, test):
    T, N = train.shape
    new_train, new_test = np.zeros(train.shape), np.zeros(test.shape)
    for n in range(N):
        mean = sum(float(value) for value in train[:, n]) / T
        squares = sum((float(value) - mean) ** 2 for value in train[:, n])
        deviation = math.sqrt(squares / T)
        for t in range(T):
            new_train[t, n] = (train[t, n] - mean) / deviation
        for t in range(len(test)):
            new_test[t, n] = (test[t, n] - mean) / deviation
    return new_train, new_test
""",
    "seasonal-naive-answer": """
def seasonal_naive(history, season, horizon):
    longer = [list(row) for row in history]
    for _ in range(horizon):
        longer.append(longer[-season])
    return longer[len(history) :]
""",
    "mase-answer": """
def mase(forecasts, truth, history, season):
    total, (horizon, N) = 0.0, truth.shape
    for n in range(N):
        pairs = zip(history[season:, n], history[:-season, n])
        differences = [abs(float(now) - float(before)) for now, before in pairs]
        unit = sum(differences) / len(differences)
        for k in range(horizon):
            total += abs(float(forecasts[k, n]) - float(truth[k, n])) / unit
    return total / (horizon * N)
""",
    "roll-out-answer": """
def roll_out(series, origin, horizon, weights):
    N, H = series.shape[1], len(weights[2])
    columns = []
    for n in range(N):
        h, forecasts = np.zeros((1, H)), []
        for t in range(origin + horizon - 1):
            x = series[t : t + 1, n : n + 1] if t < origin else forecasts[-1]
            y, h = network(x, h, weights)
            if t >= origin - 1:
                forecasts.append(y)
        columns.append([y.item() for y in forecasts])
    return [[column[k] for column in columns] for k in range(horizon)]
""",
    "forecasts-answer": """
def without_season(past, season):
    T = len(past)
    slope = float(np.mean([past[t] - past[t - season] for t in range(season, T)]))
    slope /= season
    flat = [past[t] - slope * t for t in range(T)]
    pattern = [np.mean(flat[k::season]) for k in range(season)]
    return slope, pattern, [flat[t] - pattern[t % season] for t in range(T)]

def forecasts(series, origin, horizon, season):
    N = series.shape[1]
    parts = [without_season(series[:origin, n], season) for n in range(N)]
    above = below = 0.0
    for _, _, rest in parts:
        unit = sum(value**2 for value in rest)
        above += sum(now * before for now, before in zip(rest[1:], rest)) / unit
        below += sum(value**2 for value in rest[:-1]) / unit
    keep = above / below
    answer = np.zeros((horizon, N))
    for n, (slope, pattern, rest) in enumerate(parts):
        for k in range(horizon):
            t = origin + k
            answer[k, n] = slope * t + pattern[t % season] + keep ** (k + 1) * rest[-1]
    return answer
""",
}

TABLES = {
    "windows-answer": """
def windows(series, length, horizon):
    K = series.size - length - horizon + 1
    table = np.add.outer(np.arange(K), np.arange(length + horizon))
    return tuple(np.split(series[table], [length], axis=1))
""",
    "split-windows-answer": """
def split_windows(series, length, horizon, test):
    inputs, targets = map(np.asarray, windows(series, length, horizon))
    late = len(inputs) - (test - horizon + 1)
    early = late - horizon + 1
    return inputs[:early], targets[:early], inputs[late:], targets[late:]
""",
    "standardise-answer": """
def standardise(train, test):
    both = np.concatenate([train, test])
    mean = np.einsum("tn->n", train) / len(train)
    deviation = np.sqrt(np.einsum("tn,tn->n", train - mean, train - mean) / len(train))
    return np.split((both - mean) / deviation, [len(train)])
""",
    "seasonal-naive-answer": """
def seasonal_naive(history, season, horizon):
    rounds = -(-horizon // season)
    return np.tile(history[-season:], (rounds, 1))[:horizon]
""",
    "mase-answer": """
def mase(forecasts, truth, history, season):
    pairs = np.stack([history[:-season], history[season:]])
    units = np.abs(np.diff(pairs, axis=0)[0]).sum(axis=0) / pairs.shape[1]
    return np.einsum("kn,n->", np.abs(truth - forecasts), 1 / units) / truth.size
""",
    "roll-out-answer": """
def roll_out(series, origin, horizon, weights):
    W, U, b, V, c = weights
    read = np.zeros((origin + horizon, series.shape[1]))
    read[:origin] = series[:origin]
    h = np.zeros((series.shape[1], b.size))
    for t in range(origin + horizon - 1):
        of_x = np.einsum("n,dj->nj", read[t], W)
        h = np.tanh(of_x + np.einsum("nj,ji->ni", h, U) + b)
        if t >= origin - 1:
            read[t + 1] = h @ V[:, 0] + c[0]
    return read[origin:]
""",
    "forecasts-answer": """
def forecasts(series, origin, horizon, season):
    past, lags = series[:origin], 4
    t = np.arange(origin + horizon)
    waves = [np.exp(2j * np.pi * k * t / season) for k in range(1, season // 2 + 1)]
    waves = [part for wave in waves for part in (wave.real, wave.imag)]
    known = np.column_stack([np.ones(len(t)), t / origin, *waves])
    line = known @ np.linalg.pinv(known[:origin]) @ past
    rest = past - line[:origin]
    scale = rest.std(axis=0)
    z = rest / scale
    answer = np.zeros((horizon, z.shape[1]))
    for k in range(horizon):  # each step ahead has weights of its own
        ends = np.arange(lags, origin - k)
        x = np.stack([z[ends - lag] for lag in range(1, lags + 1)], axis=2)
        x = x.reshape(-1, lags)
        weights = np.linalg.solve(x.T @ x + np.eye(lags), x.T @ z[ends + k].ravel())
        answer[k] = z[: -lags - 1 : -1].T @ weights
    return line[origin:] + scale * answer
""",
}

AN_LSTM = {
    "windows-answer": """
def windows(series, length, horizon):
    both = np.lib.stride_tricks.sliding_window_view(series, length + horizon)
    return both[:, :length].copy(), both[:, length:].copy()
""",
    "split-windows-answer": """
def split_windows(series, length, horizon, test):
    past, ahead = series[: len(series) - test], series[len(series) - test - length :]
    inputs, targets = windows(past, length, horizon)
    test_inputs, test_targets = windows(ahead, length, horizon)
    return inputs, targets, test_inputs, test_targets
""",
    "standardise-answer": """
class Scaler:
    def fit(self, values):
        self.mean = np.mean(values, axis=0, keepdims=True)
        self.deviation = np.sqrt(np.mean(values**2, axis=0) - self.mean**2)
        return self

    def __call__(self, values):
        return (values - self.mean) / self.deviation

def standardise(train, test):
    scaler = Scaler().fit(train.astype(float))
    return scaler(train), scaler(test)
""",
    "seasonal-naive-answer": """
def seasonal_naive(history, season, horizon):
    steps = [len(history) - season + k % season for k in range(horizon)]
    return np.take(history, steps, axis=0)
""",
    "mase-answer": """
def mean_absolute_error(a, b):
    return np.mean(np.abs(np.subtract(a, b)), axis=0)

def mase(forecasts, truth, history, season):
    naive = mean_absolute_error(history[season:], history[:-season])
    return float(np.mean(mean_absolute_error(forecasts, truth) / naive))
""",
    "roll-out-answer": """
def roll_out(series, origin, horizon, weights):
    h = np.zeros((series.shape[1], weights[1].shape[0]))
    forecasts, x = [], series[0].reshape(-1, 1)
    for t in range(1, origin + horizon):
        y, h = network(x, h, weights)
        x = series[t].reshape(-1, 1) if t < origin else y
        forecasts.append(y)
    return np.hstack(forecasts[-horizon:]).T
""",
    "forecasts-answer": """
from lstm_lib import LSTM

def forecasts(series, origin, horizon, season):
    past = series[:origin]
    slope = (past[season:] - past[:-season]).mean(axis=0) / season
    steps = np.arange(origin + horizon)
    flat = past - slope * steps[:origin, None]
    pattern = np.stack([flat[k::season].mean(axis=0) for k in range(season)])
    known = slope * steps[:, None] + pattern[steps % season]
    rest = past - known[:origin]
    mean, deviation = rest.mean(axis=0), rest.std(axis=0)
    x = ((rest - mean) / deviation)[:, :, None]
    layer, head = LSTM(1, 6, forget_bias=1, rng=2), Dense(6, 1, rng=3)
    fit(layer, head, x[:-1], x[1:], steps=80)  # one step ahead, then fed back
    states, carried = layer(x)
    value, said = head(states[-1]), []
    for _ in range(horizon):
        said.append(value[:, 0])
        states, carried = layer(value[None], carried)
        value = head(states[-1])
    return known[origin:] + mean + deviation * np.stack(said)
""",
}

SINGLE_PRECISION = {
    "windows-answer": """
def windows(series, length, horizon):
    last = len(series) - horizon
    ends = np.arange(length, last + 1)
    inputs = np.stack([series[ends - length + j] for j in range(length)], axis=1)
    targets = np.stack([series[ends + j] for j in range(horizon)], axis=1)
    return inputs.astype("f4"), targets.astype("f4")
""",
    "split-windows-answer": """
def split_windows(series, length, horizon, test):
    pieces = series[:-test], series[-(length + test) :]
    return sum((list(windows(piece, length, horizon)) for piece in pieces), [])
""",
    "standardise-answer": """
def standardise(train, test):
    mean, deviation = train.mean(0), np.sqrt(train.var(0))
    change = lambda part: ((part - mean) / deviation).astype(np.float32)
    return [change(train), change(test)]
""",
    "seasonal-naive-answer": """
def seasonal_naive(history, season, horizon):
    last = history[len(history) - season :].astype(np.float32)
    return np.stack([last[k % season] for k in range(horizon)])
""",
    "mase-answer": """
def mase(forecasts, truth, history, season):
    history = history.astype("f4")
    past = np.abs(history - np.roll(history, season, axis=0))[season:]
    errors = np.abs(truth.astype("f4") - forecasts.astype("f4"))
    return np.mean(errors.mean(axis=0) / past.mean(axis=0))
""",
    "roll-out-answer": """
def roll_out(series, origin, horizon, weights):
    weights = [w.astype("f4") for w in weights]
    values = [row.astype("f4")[:, None] for row in series[:origin]]
    h = np.zeros((series.shape[1], len(weights[2])), "f4")
    while len(values) < origin + horizon:
        states, h = h, np.zeros_like(h)
        for x in values:  # from the start each time
            y, h = network(x, h, weights)
        values.append(y)
    return np.concatenate(values[origin:], axis=1).T
""",
    "forecasts-answer": """
def forecasts(series, origin, horizon, season):
    past = series[:origin]
    weight = 0.995 ** np.arange(origin)[::-1, None]  # newer seasons count more
    t = np.arange(origin + horizon, dtype="f4")
    known = np.column_stack([np.eye(season)[t.astype(int) % season], t / origin])
    found = np.linalg.lstsq(known[:origin] * weight, past * weight, rcond=None)[0]
    line = (known @ found).astype("f4")
    rest = past - line[:origin]
    size = np.abs(rest).mean(axis=0)
    z = rest / size
    high, low = np.maximum(z, 0), np.minimum(z, 0)  # a high lasts, a low passes
    x = np.stack([high[:-1].ravel(), low[:-1].ravel()], axis=1)
    keep = np.linalg.lstsq(x, z[1:].ravel(), rcond=None)[0]
    answer, now = [], z[-1]
    for _ in range(horizon):
        now = keep[0] * np.maximum(now, 0) + keep[1] * np.minimum(now, 0)
        answer.append(now)
    return line[origin:] + size * np.stack(answer)
""",
}

STYLES = {
    "loops": LOOPS,
    "tables of indices": TABLES,
    "an LSTM": AN_LSTM,
    "single precision": SINGLE_PRECISION,
}
QUICK = {"forecasts-answer": LOOPS["forecasts-answer"]}

# ---- wrong -----------------------------------------------------------------------


def changed(cell, *pairs, style=LOOPS):
    """A right answer with pieces of it replaced."""
    source = style[cell]
    for old, new in pairs:
        assert old in source, old
        source = source.replace(old, new)
    return cell, source


LEAST_SQUARES = TABLES["forecasts-answer"]
MUTANTS = {
    "windows: one too few for long ones": (
        "windows-answer",
        """
def windows(series, length, horizon):
    starts = range(len(series) - length - horizon + 1 - (length > 5))
    inputs = np.array([series[k : k + length] for k in starts])
    return inputs, np.array([series[k + length :][:horizon] for k in starts])
""",
    ),
    "windows: inputs alone": (
        "windows-answer",
        """
def windows(series, length, horizon):
    count = len(series) - length - horizon + 1
    return np.array([series[k : k + length] for k in range(count)])
""",
    ),
    "split_windows: a gap of a horizon": (
        "split-windows-answer",
        """
def split_windows(series, length, horizon, test):
    learn = windows(series[: -test - horizon], length, horizon)
    return *learn, *windows(series[-test - length :], length, horizon)
""",
    ),
    "split_windows: stops at the last window": changed(
        "split-windows-answer", ("first >= start", "first >= start and last < 40")
    ),
    "standardise: in place": (
        "standardise-answer",
        """
def standardise(train, test):
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    test -= mean
    test /= deviation
    return (train - mean) / deviation, test
""",
    ),
    "standardise: one less than T": (
        "standardise-answer",
        """
def standardise(train, test):
    mean, deviation = train.mean(axis=0), train.std(axis=0, ddof=1)
    return (train - mean) / deviation, (test - mean) / deviation
""",
    ),
    "seasonal_naive: two seasons at most": (
        "seasonal-naive-answer",
        """
def seasonal_naive(history, season, horizon):
    return np.concatenate([history[-season:]] * 2)[:horizon]
""",
    ),
    "mase: the median": (
        "mase-answer",
        """
def mase(forecasts, truth, history, season):
    unit = np.abs(history[season:] - history[:-season]).mean(axis=0)
    return np.median(np.abs(forecasts - truth) / unit)
""",
    ),
    "mase: raises": (
        "mase-answer",
        """
def mase(forecasts, truth, history, season):
    return np.abs(forecasts - truth) / np.abs(history - history[season:])
""",
    ),
    "roll_out: in whole numbers": (
        "roll-out-answer",
        """
def roll_out(series, origin, horizon, weights):
    h = np.zeros((series.shape[1], len(weights[1])))
    for x in series[:origin]:
        y, h = network(x[:, None], h, weights)
    forecasts = np.zeros((horizon, series.shape[1]), int)
    for k in range(horizon):
        forecasts[k] = np.round(100 * y[:, 0])
        y, h = network(y, h, weights)
    return forecasts / 100
""",
    ),
    "forecasts: drawn to the mean of the whole series": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    mean = series.mean(axis=0)
    return mean + 0.9 * (seasonal_naive(series[:origin], season, horizon) - mean)
""",
    ),
    "forecasts: fitted to the whole series": (
        "forecasts-answer",
        LEAST_SQUARES.replace(
            "past, lags = series[:origin], 4",
            "past, lags, now = series, 4, origin\n    origin = len(series)",
        )
        .replace("z[: -lags - 1 : -1]", "z[now - lags : now][::-1]")
        .replace("line[origin:]", "line[now : now + horizon]"),
    ),
    "forecasts: draws anew each time": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    repeated = seasonal_naive(series[:origin], season, horizon)
    return repeated + np.random.default_rng().normal(0, 1, repeated.shape)
""",
    ),
    "forecasts: not a number": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    return seasonal_naive(series[:origin], season, horizon) * np.nan
""",
    ),
    "forecasts: steps as columns": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    return np.transpose(seasonal_naive(series[:origin], season, horizon))
""",
    ),
    "forecasts: a mean of both baselines": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    last, repeated = (
        np.asarray(seasonal_naive(series[:origin], m, horizon)) for m in (1, season)
    )
    return (last + repeated) / 2
""",
    ),
    "forecasts: raises": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    return series[:origin].reshape(-1, season)[-1]
""",
    ),
    "forecasts: writes into the series": (
        "forecasts-answer",
        """
def forecasts(series, origin, horizon, season):
    series[origin:] = 0
    return seasonal_naive(series[:origin], season, horizon)
""",
    ),
}
