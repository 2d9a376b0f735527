"""Chapter 6: its formulas and the numbers in its questions, computed again."""

import json
import re
from functools import partial

import numpy as np
import pytest
from answers import bank_function, numbers, right_names

from lstm_lib import LSTM, draw, initialisers, lstm_step, numerical_gradient
from lstm_lib.checks.references.gradients import lstm_backward


def sigma(z):
    """The logistic function, written out."""
    return 1 / (1 + np.exp(-z))


def slope(function, z, eps=1e-6):
    """By central differences, element by element."""
    return (function(z + eps) - function(z - eps)) / (2 * eps)


@pytest.fixture
def page(live):
    """What the live cells define; arrays of the step are x, h, c, W, U, b."""
    return live("06_lstm_gradients")


def columns(page, n):
    """One example of the page as column vectors: x, h, c, W, U, b, dh, dc."""
    x, h, c = (page[name][n] for name in "xhc")
    W, U, b = page["W"].T, page["U"].T, page["b"]
    return x, h, c, W, U, b, page["dh"][n], page["dc"][n]


def gates_of(x, h, W, U, b):
    """i, f, g, o of one example, by explicit sums."""
    H = len(h)
    z = [
        sum(W[k, d] * x[d] for d in range(len(x)))
        + sum(U[k, j] * h[j] for j in range(H))
        + b[k]
        for k in range(4 * H)
    ]
    z = np.array(z).reshape(4, H)
    return sigma(z[0]), sigma(z[1]), np.tanh(z[2]), sigma(z[3])


def test_eq_states(page):
    """Unit by unit; the page's values and the library's step."""
    h_next, c_next = lstm_step(*(page[name] for name in ("x", "h", "c", "W", "U", "b")))
    for n in range(page["N"]):
        x, h, c, W, U, b, _, _ = columns(page, n)
        i, f, g, o = gates_of(x, h, W, U, b)
        for j in range(page["H"]):
            c_t = f[j] * c[j] + i[j] * g[j]
            assert page["c_new"][n, j] == pytest.approx(c_t)
            assert page["h_new"][n, j] == pytest.approx(o[j] * np.tanh(c_t))
    np.testing.assert_allclose(page["h_new"], h_next)
    np.testing.assert_allclose(page["c_new"], c_next)


def test_eq_both_consumers(page):
    """The slope of tanh by differences; both ways of c_t to a loss."""
    by_differences = numerical_gradient(page["loss_by_cell_state"], page["c_new"])
    formula = page["dc"] + page["dh"] * page["o"] * slope(np.tanh, page["c_new"])
    np.testing.assert_allclose(page["delta"], formula, rtol=1e-6)
    np.testing.assert_allclose(page["delta"], by_differences, rtol=1e-6)


def test_eq_along_the_states(page):
    """By moving o, and by moving the old c with its gates held."""
    o, c = page["o"].copy(), page["c"].copy()
    kept, dh, dc = page["f"], page["dh"], page["dc"]

    def loss():
        c_t = kept * c + page["i"] * page["g"]
        return (dh * o * np.tanh(c_t)).sum() + (dc * c_t).sum()

    np.testing.assert_allclose(page["do"], numerical_gradient(loss, o), rtol=1e-6)
    np.testing.assert_allclose(page["dc_old"], numerical_gradient(loss, c), rtol=1e-6)


def test_eq_products_back(page):
    """By moving f, i and g, each alone."""
    f, i, g = (page[name].copy() for name in "fig")

    def loss():
        return (page["delta"] * (f * page["c"] + i * g)).sum()

    for array, name in ((f, "df"), (i, "di"), (g, "dg")):
        wanted = numerical_gradient(loss, array)
        np.testing.assert_allclose(page[name], wanted, rtol=1e-6, err_msg=name)


def test_eq_slopes_back(page):
    """The sums before the gates; slopes by differences, blocks in order."""
    z = page["x"] @ page["W"] + page["h"] @ page["U"] + page["b"]
    H = page["H"]
    functions = {"i": sigma, "f": sigma, "g": np.tanh, "o": sigma}
    for k, (name, function) in enumerate(functions.items()):
        block = slice(k * H, (k + 1) * H)
        wanted = page[f"d{name}"] * slope(function, z[:, block])
        np.testing.assert_allclose(page[f"dz_{name}"], wanted, rtol=1e-6, atol=1e-10)
        np.testing.assert_array_equal(page["dz"][:, block], page[f"dz_{name}"])


def test_eq_weights_back(page):
    """Sums over examples of outer products, index by index, as columns."""
    N, D, H = page["N"], page["D"], page["H"]
    dW, dU, db = np.zeros((4 * H, D)), np.zeros((4 * H, H)), np.zeros(4 * H)
    for n in range(N):
        for k in range(4 * H):
            dz = page["dz"][n, k]
            db[k] += dz
            for d in range(D):
                dW[k, d] += dz * page["x"][n, d]
            for j in range(H):
                dU[k, j] += dz * page["h"][n, j]
    np.testing.assert_allclose(page["dW"], dW.T)
    np.testing.assert_allclose(page["dU"], dU.T)
    np.testing.assert_allclose(page["db"], db)


def test_eq_inputs_back(page):
    """W and U turned, index by index; and what a loss says."""
    for n in range(page["N"]):
        x, h, _, W, U, *_ = columns(page, n)
        dz = page["dz"][n]
        for d in range(page["D"]):
            wanted = sum(W[k, d] * dz[k] for k in range(len(dz)))
            assert page["dx"][n, d] == pytest.approx(wanted)
        for j in range(page["H"]):
            wanted = sum(U[k, j] * dz[k] for k in range(len(dz)))
            assert page["dh_old"][n, j] == pytest.approx(wanted)
    by_h = numerical_gradient(page["loss_by_inputs"], page["h"])
    np.testing.assert_allclose(page["dh_old"], by_h, rtol=1e-5, atol=1e-9)


def test_eq_carry(page):
    """What each step of the page received, from slopes of a loss at that step."""
    xs, dy, states = page["xs"], page["dy"], page["states"]
    parameters = page["parameters"]

    def loss_from(t, h, c):
        """All that comes after t steps, from states of its own."""
        total = 0
        for x, d in zip(xs[t:], dy[t:]):
            h, c = lstm_step(x, h, c, *parameters)
            total += (d * h).sum()
        return total

    for t in (2, 1, 0):
        h, c = (state.copy() for state in states[t])
        loss = partial(loss_from, t, h, c)
        by_h = numerical_gradient(loss, h)
        by_c = numerical_gradient(loss, c)
        np.testing.assert_allclose(page[f"dh_{t}"], by_h, rtol=1e-5, atol=1e-9)
        np.testing.assert_allclose(page[f"dc_{t}"], by_c, rtol=1e-5, atol=1e-9)

    # The formula itself at t = 2, by the columns of step 3.
    W, U, b = (np.transpose(p) for p in parameters)
    for n in range(page["N"]):
        i, f, g, o = gates_of(xs[2][n], states[2][0][n], W, U, b)
        c_3 = f * states[2][1][n] + i * g
        delta = dy[2][n] * o * slope(np.tanh, c_3)
        np.testing.assert_allclose(page["dc_2"][n], delta * f, rtol=1e-6)
        by_gate = [
            delta * g * i * (1 - i),
            delta * states[2][1][n] * f * (1 - f),
            delta * i * (1 - g * g),
            dy[2][n] * np.tanh(c_3) * o * (1 - o),
        ]
        np.testing.assert_allclose(page["dh_2"][n], U.T @ np.hstack(by_gate), rtol=1e-6)


def test_eq_sum_over_time(page):
    """The sum of the steps' gradients is the gradient by shared weights."""
    layer, xs, dy = page["layer"], page["xs"], page["dy"]
    h, c = page["states"][0]

    def loss():
        y, _ = layer(xs, (h[None], c[None]))
        return (dy * y).sum()

    for key, array in layer.parameters.items():
        wanted = numerical_gradient(loss, array)
        parts = [page[f"grads_{t}"][key] for t in (1, 2, 3)]
        np.testing.assert_allclose(sum(parts), wanted, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(page["summed"][key], wanted, rtol=1e-5, atol=1e-8)


def states_and_gates(layer, inputs):
    """Lists of (h, c) after each step and (i, f, g, o) of each step, one example."""
    W, U, b = (np.transpose(p) for p in layer.parameters.values())
    h = c = np.zeros(len(U) // 4)
    states, gates = [], []
    for x in inputs[:, 0]:
        gates.append(gates_of(x, h, W, U, b))
        i, f, g, o = gates[-1]
        c = f * c + i * g
        h = o * np.tanh(c)
        states.append((h, c))
    return states, gates


def test_eq_direct_path(page):
    """The product of the gates of steps t + 1 to T; with U = 0 it is all there is."""
    inputs = np.random.default_rng(3).normal(size=(9, 1, 3))
    layer = LSTM(3, 5, forget_bias=1.0, rng=2)
    direct, _ = page["decay"](layer, inputs, 4)
    _, gates = states_and_gates(layer, inputs)
    wanted = np.ones(5)
    for _, f, _, _ in gates[5:]:
        wanted = wanted * f
    np.testing.assert_allclose(direct, wanted)
    layer.parameters["U_l0"][:] = 0
    direct, whole = page["decay"](layer, inputs, 4)
    np.testing.assert_allclose(whole, np.diag(direct), atol=1e-12)


def test_eq_one_step_jacobian(page):
    """The page's derivative over one step is the formula, and what differences say."""
    inputs = np.random.default_rng(4).normal(size=(7, 1, 3))
    layer = LSTM(3, 5, forget_bias=0.5, rng=3)
    layer.parameters["U_l0"] *= 4
    _, whole = page["decay"](layer, inputs, 1)
    states, gates = states_and_gates(layer, inputs)
    (_, c), (_, _, _, o), (i, f, g, _) = states[-2], gates[-2], gates[-1]
    Ui, Uf, Uc, _ = np.split(layer.parameters["U_l0"].T, 4)
    inner = (
        np.diag(c * f * (1 - f)) @ Uf
        + np.diag(g * i * (1 - i)) @ Ui
        + np.diag(i * (1 - g * g)) @ Uc
    )
    formula = np.diag(f) + inner @ np.diag(o * (1 - np.tanh(c) ** 2))
    np.testing.assert_allclose(whole, formula, rtol=1e-8, atol=1e-12)

    for unit in range(5):  # a push of one unit of c, which h shows
        ends = []
        for push in (-1e-6, 1e-6):
            moved = c + push * (np.arange(5) == unit)
            shown = (o * np.tanh(moved))[None], moved[None]
            ends.append(lstm_step(inputs[-1], *shown, *layer.parameters.values())[1][0])
        by_push = (ends[1] - ends[0]) / 2e-6
        np.testing.assert_allclose(whole[:, unit], by_push, rtol=1e-5, atol=1e-9)


def test_eq_chrono(page):
    """From log 1 to log (T_max - 1), spread as the logarithm of a uniform number."""
    layer = initialisers.chrono(LSTM(2, 4000, rng=0), 60, rng=5)
    i_bias, f_bias = np.split(layer.parameters["b_l0"], 4)[:2]
    pairs = {60: (i_bias, f_bias), 100: (page["i_bias"], page["f_bias"])}
    for longest, (i_bias, f_bias) in pairs.items():
        u = np.sort([np.e**bias for bias in f_bias])
        np.testing.assert_array_equal(i_bias, [-bias for bias in f_bias])
        assert 1 <= u[0] < 1.2 and longest - 1.2 < u[-1] <= longest - 1
        for share in (0.25, 0.5, 0.75):
            wanted = 1 + (longest - 2) * share
            assert u[int(len(u) * share)] == pytest.approx(wanted, abs=0.04 * longest)


def test_eq_time_of_a_bias(page):
    """What a step takes away is one part in 1 + u."""
    for u in (1.0, 7.0, 98.0):
        assert 1 / (1 - sigma(np.log(u))) == pytest.approx(1 + u)
    np.testing.assert_allclose(page["steps"], 1 + np.exp(page["f_bias"]), rtol=1e-9)


def test_eq_carousel():
    """A layer without a forget gate adds, and its direct slope is 1."""
    layer = LSTM(3, 5, gates="io", rng=4)
    W, U, b = layer.parameters.values()
    x = np.random.default_rng(5).normal(size=(1, 2, 3))
    h, c = np.random.default_rng(6).normal(size=(2, 1, 2, 5))
    i, g, _ = np.split(x[0] @ W + h[0] @ U + b, 3, axis=1)
    after = [layer(x, (h, c + push))[1][1] for push in (0.0, 0.5)]
    np.testing.assert_allclose(after[0][0], c[0] + sigma(i) * np.tanh(g))
    np.testing.assert_allclose((after[1] - after[0]) / 0.5, np.ones((1, 2, 5)))


# ---- figures and questions ---------------------------------------------------


def test_backward_cell(live, notebook):
    """Every number in the drawing is a slope of the loss, by differences."""
    cells = {cell.id: cell for cell in notebook("06_lstm_gradients").cells}
    names = dict(live("06_lstm_gradients"))
    exec(cells["lstm-gradients-21"].source, names)
    x, h, c = names["unit"]
    W, U, b = names["weights"]
    z = x @ W + h @ U + b
    inner = dict(zip("ifgo", z[0]))
    given = {"x": x.item(), "h": h.item(), "c": c.item(), **inner}

    def loss(**moved):
        v = given | moved
        if "x" in moved or "h" in moved:
            row = v["x"] * W[0] + v["h"] * U[0] + b
            v |= dict(zip("ifgo", row))
        i, f, o, g = sigma(v["i"]), sigma(v["f"]), sigma(v["o"]), np.tanh(v["g"])
        new = f * v["c"] + i * g
        return o * np.tanh(new) + 0.5 * new

    def by(name, value):
        return (loss(**{name: value + 1e-6}) - loss(**{name: value - 1e-6})) / 2e-6

    d = names["d"]
    boxes = {"i": "input", "f": "forget", "g": "candidate", "o": "output"}
    for letter, box in boxes.items():
        found = by(letter, inner[letter])
        assert d[f"to-{box}"] == pytest.approx(found, rel=1e-5)
        gate = slope(np.tanh if letter == "g" else sigma, inner[letter])
        assert d[letter] == pytest.approx(found / gate, rel=1e-5)
    assert d["c-previous"] == pytest.approx(by("c", c.item()), rel=1e-5)
    assert d["h-previous"] == pytest.approx(by("h", h.item()), rel=1e-5)
    assert d["x"] == pytest.approx(by("x", x.item()), rel=1e-5)
    assert d["kept"] == d["written"] == pytest.approx(d["c-previous"] / sigma(z[0, 1]))
    shown = {
        label["runs"][0][0]
        for wire in draw.cell(lstm_step, x, (h, c), parameters=(W, U, b)).json()[
            "wires"
        ]
        for label in wire["labels"]
        if label["style"] == "value" and wire["name"] not in d
    }
    assert shown == set()  # no forward number is left


def unit(f, i, g, o):
    """W, U, b of one unit whose gates stand there, whatever it reads."""
    b = [np.log(i / (1 - i)), np.log(f / (1 - f)), np.arctanh(g), np.log(o / (1 - o))]
    return np.zeros((1, 4)), np.zeros((1, 4)), np.array(b)


def test_cell_gradient_by_hand(questions):
    """Each wrong number is what that misconception returns."""
    found = numbers(questions["06", "cell-gradient-by-hand"])
    x, dh, dc = np.ones((1, 1)), np.array([[1.0]]), np.array([[0.5]])
    h, c = np.array([[0.3]]), np.array([[0.5]])
    inputs = dh, dc, x, h, c, *unit(0.8, 0.5, 0.6, 0.5)

    def loss(c):
        h_next, c_next = lstm_step(x, h, c, *inputs[5:])
        return dh * h_next + dc * c_next

    assert found.pop("right") == pytest.approx(slope(loss, c).item(), abs=6e-3)
    assert len(found) >= 6
    for id, value in found.items():
        dc_old = bank_function(id)(*inputs)[2]
        assert dc_old.item() == pytest.approx(value, abs=6e-3), id


def test_nobody_hears_h(live, notebook, questions):
    """With dh = 0, these wires and no others that can be chosen carry 0."""
    cells = {cell.id: cell for cell in notebook("06_lstm_gradients").cells}
    names = dict(live("06_lstm_gradients"))
    source = cells["lstm-gradients-21"].source.replace('"h-next": 1.0', '"h-next": 0.0')
    source = source.replace('flow["tanh-c"], flow["o"]', "0.0, 0.0", 1)
    source = source.replace('flow["o"] * (1 - flow["tanh-c"] ** 2)', "0.0")
    exec(source, names)
    d = names["d"]
    d["h"] = d["h-up"] = d["h-next"]  # all carry h
    d["c-to-readout"] = d["tanh-c"] * (1 - names["flow"]["tanh-c"] ** 2)
    svg = cells["lstm-gradients-22"].outputs[0]["data"]["image/svg+xml"]
    chosen = set(re.findall(r'<g data-wire="([^"]+)"[^>]*><title>', svg))
    assert len(chosen) > 15
    silent = {name for name in chosen if d[name] == 0}
    assert silent == right_names(questions["06", "nobody-hears-h"])


def test_right_at_one_step(questions):
    """Of the mistakes in the question, one is right at T = 1 and wrong at T = 3."""
    rng = np.random.default_rng(1)
    arrays = rng.normal(size=(2, 4)), rng.normal(size=(2, 4))
    weights = rng.normal(size=(3, 16)), rng.normal(size=(4, 16)), rng.normal(size=16)
    ids = {
        "slope-missing-on-input-gate",
        "incoming-dc-dropped",
        "blocks-put-together-as-ifog",
    }
    found = set()
    for id in ids:
        right = []
        for T in (1, 3):
            x, dy = rng.normal(size=(T, 2, 3)), rng.normal(size=(T, 2, 4))
            wrong = lstm_backward(
                dy, x, *arrays, *weights, step_backward=bank_function(id)
            )
            true = lstm_backward(dy, x, *arrays, *weights)
            right.append(all(np.allclose(*pair) for pair in zip(wrong, true)))
        if right == [True, False]:
            found.add(id)
    assert found == {"incoming-dc-dropped"}
    options = questions["06", "right-at-one-step"].options
    named = {option.misconception for option in options if not option.right}
    assert named == ids - found


def test_the_whole_derivative_beside_the_direct_path(page):
    """260 times at lag 50 with bias 1, hundreds with others; what bias 3 keeps."""
    inputs, times = page["sequence"], []
    for seed in range(5):
        net = LSTM(3, 16, forget_bias=1.0, rng=seed)
        direct, whole = map(np.linalg.norm, page["decay"](net, inputs, 50))
        times.append(whole / direct)
    assert times[0] == pytest.approx(260, abs=5)
    assert min(times) > 100
    net = LSTM(3, 16, forget_bias=3.0, rng=0)
    first, last = (np.linalg.norm(page["decay"](net, inputs, k)[1]) for k in (1, 50))
    assert last > 0.55 * first


def test_slopes_of_a_warm_cell():
    """About 0.2 on average with bias 3 and 2U, after 100 steps; 0.7 at first."""
    for seed in range(5):
        rng, net = np.random.default_rng(seed), LSTM(8, 64, forget_bias=3.0, rng=seed)
        net.parameters["U_l0"] *= 2
        x, state, slopes = rng.normal(size=(200, 8, 8)), None, []
        for t in range(200):
            _, state = net(x[t : t + 1], state)
            slopes.append((1 - np.tanh(state[1]) ** 2).mean())
        assert np.mean(slopes[:20]) > 0.65
        assert 0.12 < np.mean(slopes[100:]) < 0.3


def test_what_the_page_says_of_the_stored_gradients(root):
    """Factors a step between lags 20 and 100, medians of five."""
    path = root / "experiments" / "results" / "gradient_norm.json"
    stored = json.loads(path.read_text())
    lags, runs = stored["settings"]["lags"], {}
    for result in stored["results"]:
        runs.setdefault(result["network"], []).append(result["ratios"])

    def falls(name, a, b):
        median = np.median(runs[name], axis=0)
        return median[lags.index(a)] / median[lags.index(b)]

    def a_step(name):
        return falls(name, 20, 100) ** (1 / 80)

    for name in ("tanh", "GRU", "LSTM, b_f = 0"):
        assert 1.5 < a_step(name) < 1.75
    assert a_step("tanh, orthogonal") == pytest.approx(1.14, abs=0.005)
    assert a_step("LSTM, b_f = 1") == pytest.approx(1.16, abs=0.005)
    assert 1 < a_step("ReLU, identity") < 1.01
    assert a_step("LSTM, b_f = 3") < 1
    assert falls("LSTM, chrono 100", 10, 100) == pytest.approx(7, abs=0.5)
    assert lags[7] == 100  # where the figure ends


def test_what_the_page_says_of_the_stored_experiments(notebook, root):
    """The sentences about forget biases, from the results themselves."""
    path = root / "experiments" / "results" / "forget_bias.json"
    results = json.loads(path.read_text())["results"]

    def solved(lag, bias):
        return [
            r["steps"]
            for r in results
            if (r["lag"], r["bias"]) == (lag, bias) and r["steps"]
        ]

    assert len(solved(20, 0)) == 1 and len(solved(20, 1)) == 5
    assert solved(50, 1) == [] == solved(100, 1)
    assert len(solved(50, 3)) == len(solved(100, "chrono")) == 5
    assert len(solved(100, 3)) == 4
    assert min(solved(20, "chrono")) > max(solved(20, 3))
