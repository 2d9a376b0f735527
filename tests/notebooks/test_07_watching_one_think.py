"""Chapter 7: its formulas, its checks and the numbers in its questions, again."""

import numpy as np
import pytest
from answers import bank_function, numbers

from lstm_lib import LSTM, Dense, OneHot, Sequential, lstm_step, predict, tasks
from lstm_lib.checks import check

CHAPTER = "07_watching_one_think"


@pytest.fixture(scope="module")
def lived(live):
    """What the chapter's live cells define."""
    return live(CHAPTER)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def by_index(x, h, c, W, U, b):
    """One LSTM step of one example, columns and indices: W (4H, D), U (4H, H)."""
    H = len(h)
    z = [
        sum(W[k, j] * x[j] for j in range(len(x)))
        + sum(U[k, j] * h[j] for j in range(H))
        + b[k]
        for k in range(4 * H)
    ]
    new_h, new_c = np.zeros(H), np.zeros(H)
    for k in range(H):
        i, f, o = (sigmoid(z[q * H + k]) for q in (0, 1, 3))
        new_c[k] = f * c[k] + i * np.tanh(z[2 * H + k])
        new_h[k] = o * np.tanh(new_c[k])
    return new_h, new_c


# ---- the equations -------------------------------------------------------------


def test_eq_counting_update(lived):
    """The unit set by hand: c goes up by 1 or down by 1, and never wears out."""
    string = "((()(" * 9 + ")" * 12
    c, _ = lived["count_by_hand"](string)
    held = 0.0
    for t, symbol in enumerate(string):
        held = held + (1 if symbol == "(" else -1)
        assert c[t] == pytest.approx(held, abs=1e-9)
    assert c.max() > 20


def test_eq_shown_count(lived):
    """What leaves the unit is tanh of the count."""
    c, h = lived["count_by_hand"]("(()((())))()")
    for count, shown in zip(c, h):
        assert shown == pytest.approx(1 - 2 / (1 + np.exp(2 * count)), abs=1e-12)


def test_eq_unit_correlation(lived):
    """The two sums over all steps and examples, one unit at a time."""
    rng = np.random.default_rng(1)
    T, N, H = 7, 3, 5
    c, d = rng.normal(2, 1, (T, N, H)), rng.normal(-1, 2, (T, N))
    c[:, :, 2] -= 0.8 * d
    pairs = [(t, n) for t in range(T) for n in range(N)]
    mean_d = sum(d[t, n] for t, n in pairs) / len(pairs)
    for k, r in enumerate(lived["correlations"](c, d)):
        mean_c = sum(c[t, n, k] for t, n in pairs) / len(pairs)
        above = sum((c[t, n, k] - mean_c) * (d[t, n] - mean_d) for t, n in pairs)
        of_c = sum((c[t, n, k] - mean_c) ** 2 for t, n in pairs)
        of_d = sum((d[t, n] - mean_d) ** 2 for t, n in pairs)
        assert r == pytest.approx(above / np.sqrt(of_c * of_d), abs=1e-12)


def test_eq_leaky_count(lived):
    """Bracket by bracket: a gate f keeps, and w is written."""
    for w, f, d in ((0.9, 0.97, 15), (-1.3, 0.8, 4), (0.5, 0.99, 1)):
        c = 0.0
        for _ in range(d):
            c = f * c + w
        assert lived["leaky_count"](w, f, d) == pytest.approx(c, rel=1e-12)
        assert c == pytest.approx(sum(w * f**k for k in range(d)), rel=1e-12)
    assert lived["leaky_count"](0.9, 0.97, 10_000) == pytest.approx(0.9 / 0.03)


def model_and_sizes(rng, D=3, H=4, K=2):
    """A Sequential like the chapter's, in float64, with larger weights."""
    model = Sequential(OneHot(D), LSTM(D, H, rng=rng), Dense(H, K, rng=rng))
    for array in model.parameters.values():
        array[...] = rng.normal(0, 1, array.shape)
    return model


def test_eq_ablated_step(lived):
    """It is m h + (1 - m) v, for the next step and for the output layer."""
    rng = np.random.default_rng(2)
    model, D, H = model_and_sizes(rng), 3, 4
    p = {key: array.copy() for key, array in model.parameters.items()}
    tokens = rng.integers(0, D, (6, 1))
    m, v = np.array([1.0, 0, 1, 0]), np.array([0.0, 0.7, 0, -0.4])
    outputs, _ = lived["without"](model, [1, 3], v[[1, 3]])(tokens)
    h, c = np.zeros(H), np.zeros(H)
    for t, token in enumerate(tokens[:, 0]):
        heard = np.array([m[k] * h[k] + (1 - m[k]) * v[k] for k in range(H)])
        x = np.eye(D)[token]
        h, c = by_index(x, heard, c, p["1.W_l0"].T, p["1.U_l0"].T, p["1.b_l0"])
        heard = np.array([m[k] * h[k] + (1 - m[k]) * v[k] for k in range(H)])
        np.testing.assert_allclose(outputs[t, 0], p["2.W"].T @ heard + p["2.b"])
    assert all((model.parameters[key] == p[key]).all() for key in p)  # a copy


def test_eq_ablated_weights(lived):
    """The changed weights and bias give U times what is heard."""
    rng = np.random.default_rng(3)
    model, H = model_and_sizes(rng), 4
    U = model.parameters["1.U_l0"].T.copy()  # columns, (4H, H)
    v = np.array([0.0, 0, -0.6, 0])
    m, h = np.array([1.0, 1, 0, 1]), rng.normal(size=H)
    changed = lived["without"](model, [2], -0.6).parameters
    given = changed["1.U_l0"].T @ h + changed["1.b_l0"] - model.parameters["1.b_l0"]
    for row in range(4 * H):
        heard = sum(U[row, k] * m[k] * h[k] for k in range(H))
        heard += sum(U[row, k] * (1 - m[k]) * v[k] for k in range(H))
        assert given[row] == pytest.approx(heard, abs=1e-12)


def test_eq_score_drop(lived):
    """The score of the model minus that of the model without one unit."""
    model, task, test = lived["model"], lived["brackets"], lived["test"]

    def score(model):
        right = predict(model, test).argmax(axis=-1) == test.targets
        return np.mean([all(right[t, n] for t in range(20)) for n in range(500)])

    drops = lived["drops"](model)
    assert task is not None and drops.shape == (8,)
    for k in (0, 5):
        without = lived["without"](model, [k])
        assert drops[k] == pytest.approx(score(model) - score(without), abs=1e-12)


def test_eq_permutation_threshold(notebook, lived):
    """The quantile of the best |r| over shifts, with loops; shuffling differs."""
    source = next(c.source for c in notebook(CHAPTER).cells if c.id == "watch-78")
    names = dict(lived)
    exec(source, names)
    rng = np.random.default_rng(4)
    T, H, draws = 1000, 3, 40
    states = rng.normal(size=(T, 1, H)).cumsum(axis=0)
    marks = rng.normal(size=(T, 1)).cumsum(axis=0)
    shifts, largest = np.random.default_rng(0), []
    for _ in range(draws):
        s = shifts.integers(200, T - 200)
        moved = np.array([marks[(t - s) % T, 0] for t in range(T)])
        r = [np.corrcoef(states[:, 0, k], moved)[0, 1] for k in range(H)]
        largest.append(max(map(abs, r)))
    largest.sort()
    place = 0.95 * (draws - 1)
    low = int(place)
    theta = largest[low] + (place - low) * (largest[low + 1] - largest[low])
    assert names["threshold"](states, marks, True) == pytest.approx(theta, rel=1e-9)
    assert names["threshold"](states, marks, False) < theta / 2  # slow on slow


# ---- what the text says of the tasks ----------------------------------------------


def test_the_live_network_has_learned(lived):
    """As printed: it solves its strings, and several cells follow the depth."""
    assert lived["solved"](lived["model"]) > 0.9
    assert (np.abs(lived["r"]) > 0.9).sum() >= 2


def test_half_of_the_reber_strings_are_short():
    """The text says: within 11 letters, the last one counted."""
    lengths = tasks.Reber().sample(4000, 5).lengths + 1
    assert np.median(lengths) <= 11


# ---- right answers to the checks --------------------------------------------------


def best_by_corrcoef(c, feature):
    with np.errstate(all="ignore"):
        flat = c.reshape(-1, c.shape[2]).T.astype(float)
        r = [np.corrcoef(unit, feature.ravel())[0, 1] for unit in flat]
    unit = int(np.nanargmax(np.abs(r)))
    return unit, float(r[unit])


def best_by_slopes(c, feature):
    d = (feature - feature.mean()) / feature.std()
    best = (0, 0.0)
    for k in range(c.shape[-1]):
        if c[..., k].std() > 0:
            z = (c[..., k] - c[..., k].mean()) / c[..., k].std()
            r = (z * d).mean()
            best = max(best, (k, r), key=lambda pair: abs(pair[1]))
    return list(best)


def best_by_matrix(c, feature):
    table = np.column_stack([feature.ravel(), c.reshape(feature.size, -1)]).T
    moves = np.ptp(table, axis=1) > 0
    cov = np.cov(table.astype(float))
    size = np.sqrt(np.diag(cov))
    r = np.zeros(len(table))
    r[moves] = cov[0, moves] / size[0] / size[moves]
    k = 1 + np.argmax(abs(r[1:]))
    return np.array([k - 1, r[k]])


def best_in_lists(c, feature):
    pairs = [(t, n) for t in range(len(c)) for n in range(c.shape[1])]
    d = np.array([feature[t, n] for t, n in pairs], float)
    d = d - sum(d) / len(d)
    found = []
    for k in range(c.shape[2]):
        v = np.array([c[t, n, k] for t, n in pairs], float)
        v = v - sum(v) / len(v)
        norm = np.linalg.norm(v) * np.linalg.norm(d)
        found.append(v @ d / norm if norm > 1e-12 else 0.0)
    k = sorted(range(len(found)), key=lambda k: -abs(found[k]))[0]
    return k, found[k]


def silent_by_weights(x, h, c, W, U, b, unit):
    U, y = U.copy(), []
    U[unit] = 0
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        y.append(h)
    y = np.array(y)
    y[:, :, unit] = 0
    return y


def silent_by_mask(x, h, c, W, U, b, unit):
    m = np.ones(h.shape[1])
    m[unit] = 0
    y = np.empty((len(x), *h.shape))
    for t in range(len(x)):
        y[t], c = lstm_step(x[t], m * (h if t == 0 else y[t - 1]), c, W, U, b)
        y[t] *= m
    return y


def silent_by_output_gate(x, h, c, W, U, b, unit):
    H = h.shape[1]
    W, U, b, h = W.copy(), U.copy(), b.copy(), h.copy()
    for array in (W, U, b):
        array[..., 3 * H + unit] = 0
    b[3 * H + unit], h[:, unit] = -80, 0
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        y.append(h.tolist())
    return y


def silent_in_place(x, h, c, W, U, b, unit):
    i, f, g, o = (slice(k * h.shape[1], (k + 1) * h.shape[1]) for k in range(4))
    h, y = np.array(h), []
    h[:, unit] = 0
    for x_t in x:
        z = x_t @ W + h @ U + b
        c = sigmoid(z[:, f]) * c + sigmoid(z[:, i]) * np.tanh(z[:, g])
        h = sigmoid(z[:, o]) * np.tanh(c)
        h[:, unit] = 0
        y.append(h)
    return np.stack(y)


RIGHT = [
    ("best_unit", best_by_corrcoef),
    ("best_unit", best_by_slopes),
    ("best_unit", best_by_matrix),
    ("best_unit", best_in_lists),
    ("lstm_without_unit", silent_by_weights),
    ("lstm_without_unit", silent_by_mask),
    ("lstm_without_unit", silent_by_output_gate),
    ("lstm_without_unit", silent_in_place),
]


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize(
    ("name", "function"), RIGHT, ids=lambda v: getattr(v, "__name__", v)
)
def test_every_right_style_keeps_all_points(name, function, hidden):
    """Four styles for each check, on several draws."""
    for seed in range(4):
        assert check(function, name, points=3, hidden=hidden, seed=seed) == 3.0


def test_the_starter_is_a_known_mistake(notebook, capsys):
    """What the first press of Check says about the version in the page."""
    cells = notebook(CHAPTER).cells
    source = next(
        c.source for c in cells if "exercise-best_unit" in c.metadata.get("tags", [])
    )
    names = {"np": np}
    exec(source, names)
    assert check(names["best_unit"], "best_unit", points=3) == 0.0
    assert "Your number is a covariance" in capsys.readouterr().out


# ---- the questions ------------------------------------------------------------------


def test_correlation_by_hand(questions):
    """Each wrong number is what that misconception returns."""
    found = numbers(questions["07", "correlation-by-hand"])
    c, d = np.array([6.0, 3, 6, 9]), np.array([1.0, 2, 1, 0])
    assert found.pop("right") == pytest.approx(np.corrcoef(c, d)[0, 1])
    assert len(found) == 4
    for id, value in found.items():
        r = bank_function(id)(c[:, None, None], d[:, None])[1]
        assert r == pytest.approx(value, abs=1e-3), id


def test_half_an_ablation():
    """What its explanations say: each half alone is another function."""
    rng = np.random.default_rng(7)
    T, N, D, H, unit = 6, 4, 5, 3, 1
    x, state = rng.normal(size=(T, N, D)), rng.normal(size=(2, N, H))
    weights = [rng.normal(size=s) for s in ((D, 4 * H), (H, 4 * H), (4 * H,))]
    whole = silent_by_mask(x, *state, *weights, unit)
    others = np.arange(H) != unit
    for id in ("silent-in-y-alone", "silent-in-the-recurrence-alone"):
        y = bank_function(id)(x, *state, *weights, unit)
        assert not np.allclose(y, whole)
        assert (y[:, :, unit] == 0).all() == (id == "silent-in-y-alone")
        same = np.allclose(y[:, :, others], whole[:, :, others])
        assert same == (id == "silent-in-the-recurrence-alone")
