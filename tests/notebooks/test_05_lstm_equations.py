"""Chapter 5: its formulas and the numbers in its questions, computed again."""

import math

import numpy as np
import pytest
from answers import bank_function, numbers, right_names, wires

from lstm_lib import LSTM, lstm_step

N, D, H = 2, 3, 4


def logistic(z):
    return 1 / (1 + math.exp(-z))


@pytest.fixture
def names(live):
    """What the chapter's live cells define."""
    return live("05_lstm_equations")


def run(notebook, *cells):
    """The names that these cells define, run alone."""
    names = {"np": np}
    for cell in notebook("05_lstm_equations").cells:
        if cell.id in cells:
            exec(compile(cell.source, cell.id, "exec"), names)
    return names


def pre_activation(names, block, n, j):
    """W x + U h + b of unit j for example n, with W (H, D) and U (H, H)."""
    W, U, b = names["W" + block].T, names["U" + block].T, names["b" + block]
    assert W.shape == (H, D) and U.shape == (H, H)
    x, h = names["x"][n], names["h"][n]  # one column each
    return (
        sum(W[j, d] * x[d] for d in range(D))
        + sum(U[j, k] * h[k] for k in range(H))
        + b[j]
    )


def assert_entries(array, formula):
    """Every entry of an array (N, H) is what the formula gives for n and j."""
    assert array.shape == (N, H)
    for n in range(N):
        for j in range(H):
            assert array[n, j] == pytest.approx(formula(n, j), rel=1e-10), (n, j)


def test_eq_forget_gate(names):
    """As `f` of the chapter."""
    assert_entries(names["f"], lambda n, j: logistic(pre_activation(names, "f", n, j)))


def test_eq_input_gate(names):
    """As `i` of the chapter."""
    assert_entries(names["i"], lambda n, j: logistic(pre_activation(names, "i", n, j)))


def test_eq_candidate(names):
    """As `g` of the chapter."""
    assert_entries(names["g"], lambda n, j: math.tanh(pre_activation(names, "c", n, j)))


def test_eq_cell_state(names):
    """As `c_new`, and as `lstm_step` gives it."""
    f, i, g, c = (names[name] for name in "figc")
    for array in (names["c_new"], names["c_step"]):
        assert_entries(array, lambda n, j: f[n, j] * c[n, j] + i[n, j] * g[n, j])


def test_eq_direct_slope(names):
    """By central differences of `lstm_step`, x and h held fixed."""
    x, h, c, W, U, b = (names[name] for name in ("x", "h", "c", "W", "U", "b"))
    for n in range(N):
        slope = np.zeros((H, H))  # row: unit of c_t, column: unit of c_{t-1}
        for k in range(H):
            low, high = c.copy(), c.copy()
            low[n, k] -= 1e-6
            high[n, k] += 1e-6
            _, high = names["lstm_step"](x, h, high, W, U, b)
            _, low = names["lstm_step"](x, h, low, W, U, b)
            slope[:, k] = (high - low)[n] / 2e-6
        diagonal = np.zeros((H, H))
        for k in range(H):
            diagonal[k, k] = logistic(pre_activation(names, "f", n, k))
        assert np.allclose(slope, diagonal, atol=1e-8)


def test_eq_output_gate(names):
    """As `o` of the chapter."""
    assert_entries(names["o"], lambda n, j: logistic(pre_activation(names, "o", n, j)))


def test_eq_hidden_state(names):
    """As `h_new`, and as `lstm_step` gives it: of the new cell state."""
    o, c = names["o"], names["c_new"]
    for array in (names["h_new"], names["h_step"]):
        assert_entries(array, lambda n, j: o[n, j] * math.tanh(c[n, j]))


def test_eq_stacked(names):
    """One matrix (H, H + D) on one column, as the rows of the cell."""
    rows = names["stacked"] @ names["both"]
    M = np.concatenate([names["Uf"].T, names["Wf"].T], axis=1)
    assert M.shape == (H, H + D)
    for n in range(N):
        column = [*names["h"][n], *names["x"][n]]
        for j in range(H):
            product = sum(M[j, k] * column[k] for k in range(H + D))
            apart = pre_activation(names, "f", n, j) - names["bf"][j]
            assert product == pytest.approx(apart, rel=1e-10)
            assert rows[n, j] == pytest.approx(product, rel=1e-10)


def test_eq_four_in_one(names):
    """Block by block the four pre-activations, from the arrays of the cell."""
    x, h, W, U, b = (names[name] for name in ("x", "h", "W", "U", "b"))
    assert W.shape == (D, 4 * H) and U.shape == (H, 4 * H) and b.shape == (4 * H,)
    for block, letter in enumerate("ifco"):
        for n in range(N):
            for j in range(H):
                k = block * H + j
                z = sum(x[n, d] * W[d, k] for d in range(D)) + b[k]
                z += sum(h[n, m] * U[m, k] for m in range(H))
                expected = pre_activation(names, letter, n, j)
                assert z == pytest.approx(expected, rel=1e-10), (letter, n, j)


def test_eq_elementwise(names):
    """As the cell's arrays, and the same cell as `lstm_step`."""
    z_i, z_f, z_o, z = (names[name] for name in ("z_i", "z_f", "z_o", "z"))
    c = names["c"]

    def new_c(n, j):
        return z_f[n, j] * c[n, j] + z_i[n, j] * z[n, j]

    assert_entries(names["c_t"], new_c)
    assert_entries(names["h_step"], lambda n, j: z_o[n, j] * math.tanh(new_c(n, j)))


def test_eq_parameter_count(names):
    """As `lstm_count`, and as the arrays of a layer hold."""
    for d, h in ((5, 3), (2, 7)):
        formula = 4 * (d * h + h**2 + h)
        assert names["lstm_count"](d, h) == formula
        arrays = LSTM(d, h, rng=0).parameters.values()
        assert sum(array.size for array in arrays) == formula


def test_eq_forecast(notebook):
    """As the cell's function, time step by time step."""
    read_out = run(notebook, "equations-43")["read_out"]
    rng = np.random.default_rng(5)
    y = rng.normal(size=(5, N, H))
    head = {"V": rng.normal(size=(H, 1)), "a": rng.normal(size=1)}
    V = head["V"].T  # (1, H), the equation's
    forecasts = read_out(y, head)
    assert forecasts.shape == (5, N, 1)
    for t in range(5):
        for n in range(N):
            expected = sum(V[0, k] * y[t, n, k] for k in range(H)) + head["a"][0]
            assert forecasts[t, n, 0] == pytest.approx(expected, rel=1e-10)


def test_predict_baselines(notebook, questions):
    """In the order of their errors, which the explanations name."""
    found = run(notebook, "equations-38", "equations-40", "equations-41")
    keys = {"AR(9)": "ar9", "mean": "constant"}
    options = questions["05", "predict-baselines"].options
    errors = [found[keys.get(option.text, option.text)] for option in options]
    assert len(errors) == 4 and errors == sorted(errors)
    for option, error in zip(options, errors):
        assert option.why.startswith(f"{error:.1f}:")


def test_numbers_in_questions(questions):
    """Computed: each wrong number is what that misconception returns."""
    found = numbers(questions["05", "one-step-by-hand"])
    b = np.array([100, np.log(0.75 / 0.25), np.arctanh(-0.5), 100])  # i, f, g, o
    state = np.zeros((1, 1)), np.array([[2.0]])
    inputs = np.zeros((1, 1)), *state, np.zeros((1, 4)), np.zeros((1, 4)), b
    h, _ = lstm_step(*inputs)
    assert h.item() == pytest.approx(found.pop("right"), abs=5e-4)
    assert len(found) == 6
    for id, value in found.items():
        h, _ = bank_function(id)(*inputs)
        assert h.item() == pytest.approx(value, abs=5e-4), id

    found = numbers(questions["05", "count-five-three"])
    count = sum(p.size for p in LSTM(5, 3, rng=0).parameters.values())
    assert found.pop("right") == count
    assert len(found) == 7
    for id, value in found.items():
        assert bank_function(id)(5, 3) == value, id


def test_stacked_the_other_way():
    """Other numbers in every place, and no error."""
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=(2, 3)), rng.normal(size=(2, 4))
    both = rng.normal(size=(7, 4))
    one, other = np.hstack([h, x]) @ both, np.hstack([x, h]) @ both
    assert one.shape == other.shape and not np.isclose(one, other).any()


def test_slope_on_a_wire(questions):
    """The wire that carries the slope of c_t by c_{t-1}."""
    rng = np.random.default_rng(0)
    parameters = [rng.normal(size=shape) for shape in ((1, 4), (1, 4), 4)]
    x, h, c = rng.normal(size=(3, 1, 1))
    low, high = (lstm_step(x, h, c + d, *parameters)[1] for d in (-0.5, 0.5))
    carried = wires(lstm_step, x, (h, c), parameters)
    same = {
        name for name, value in carried.items() if np.isclose(value, high - low).all()
    }
    assert same == right_names(questions["05", "slope-on-a-wire"])
