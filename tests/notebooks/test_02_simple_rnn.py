"""Chapter 2: its formulas and the numbers in its questions, computed again."""

import math
import re
from functools import partial

import numpy as np
import pytest
from answers import bank_function, numbers, right_names, wires

from lstm_lib import RNN, Dense, generate, log_softmax, perplexity, relu, rnn_step
from lstm_lib.losses import softmax, softmax_cross_entropy


@pytest.fixture
def chapter(live):
    """The names that the live cells of this chapter define."""
    return live("02_simple_rnn")


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def step_by_columns(x, h, W, U, b, squash=math.tanh):
    """One step on column vectors: W (H, D), U (H, H), index by index."""
    new = np.zeros(len(b))
    for k in range(len(b)):
        total = b[k]
        for d in range(len(x)):
            total += W[k, d] * x[d]
        for j in range(len(h)):
            total += U[k, j] * h[j]
        new[k] = squash(total)
    return new


def shares_one_by_one(z):
    """The softmax of one vector, with the exponentials of the standard library."""
    powers = [math.exp(score) for score in z]
    return np.array([power / sum(powers) for power in powers])


# ---- the step and the sequence -----------------------------------------------


def test_eq_rnn_step():
    """Index by index on columns, and the step of the library on rows."""
    N, D, H = 3, 4, 2
    x, h, b = drawn(N, D, seed=1), drawn(N, H, seed=2), drawn(H, seed=3)
    W, U = drawn(H, D, seed=4), drawn(H, H, seed=5)  # of columns
    rows = rnn_step(x, h, W.T.copy(), U.T.copy(), b)
    columns = [step_by_columns(x[n], h[n], W, U, b) for n in range(N)]
    assert np.allclose(rows, columns, rtol=1e-12)


def test_eq_by_hand(chapter):
    """The matrices as the page shows them, and what its code has computed."""
    W = np.array([[0.5, 0.25, -0.5], [-1, 0.5, 1]])
    U = np.array([[1, -0.5], [0.5, 2]])
    x, h, b = np.array([1, 2, -1]), np.array([0.6, -0.4]), np.array([-0.3, 0.5])
    assert np.allclose(W @ x, [1.5, -1]) and np.allclose(U @ h, [0.8, -0.5])
    assert np.allclose(step_by_columns(x, h, W, U, b, float), [2, -1])
    assert np.allclose(step_by_columns(x, h, W, U, b), [0.964, -0.762], atol=5e-4)
    assert np.allclose(chapter["W"], W.T) and np.allclose(chapter["U"], U.T)
    assert np.allclose(chapter["x"], [x]) and np.allclose(chapter["h"], [h])
    assert np.allclose(chapter["b"], b) and np.allclose(chapter["z"], [[2, -1]])


def test_eq_unrolled(chapter):
    """Three steps, one inside the other."""
    D, H = 4, 3
    x, h = drawn(3, D, seed=1), drawn(H, seed=2)
    W, U, b = drawn(H, D, seed=3), drawn(H, H, seed=4), drawn(H, seed=5)
    inner = np.tanh(W @ x[0] + U @ h + b)
    middle = np.tanh(W @ x[1] + U @ inner + b)
    outer = np.tanh(W @ x[2] + U @ middle + b)
    y, last = chapter["states"](x[:, None], h[None], W.T, U.T, b)
    assert np.allclose(last[0], outer, rtol=1e-12)
    assert np.allclose(y[:, 0], [inner, middle, outer], rtol=1e-12)


def test_eq_linear_recurrence(chapter):
    """Powers of U, and a sum over the inputs."""
    T, D, H = 6, 4, 3
    x, h = drawn(T, D, seed=1), drawn(H, seed=2)
    W, U, b = drawn(H, D, seed=3), 0.5 * drawn(H, H, seed=4), drawn(H, seed=5)
    for t in range(1, T + 1):
        state = np.linalg.matrix_power(U, t) @ h
        for s in range(1, t + 1):
            state = state + np.linalg.matrix_power(U, t - s) @ (W @ x[s - 1] + b)
        identity = chapter["identity"]
        _, last = chapter["states"](x[:t, None], h[None], W.T, U.T, b, identity)
        assert np.allclose(last[0], state, rtol=1e-12)


def test_eq_shared_count(chapter):
    """The sizes of real layers: one, and one for each step."""
    T, D, H = 7, 3, 5
    layers = [RNN(D, H, rng=t) for t in range(T)]
    sizes = [sum(p.size for p in layer.parameters.values()) for layer in layers]
    assert chapter["count"](D, H) == H * (D + H + 1) == sizes[0]
    assert chapter["count"](D, H, T) == T * H * (D + H + 1) == sum(sizes)


# ---- probabilities and what they cost -------------------------------------------


def test_eq_read_out(chapter):
    """Scores of the first two states, on columns."""
    V, a, y = chapter["V"].T, chapter["a"], chapter["y"]
    K, H = V.shape
    for row in range(2):
        z = [a[k] + sum(V[k, j] * y[row, 0, j] for j in range(H)) for k in range(K)]
        assert np.allclose(chapter["scores"][row], z, rtol=1e-12)
        said = chapter["shares"](chapter["scores"])[row]
        assert np.allclose(said, shares_one_by_one(z), rtol=1e-12)
    dense = Dense(H, K, rng=0)  # the read-out of the character model
    dense.parameters["W"][:], dense.parameters["b"][:] = V.T, a
    assert np.allclose(dense(y[:2, 0]), chapter["scores"], rtol=1e-12)


def test_eq_softmax(chapter):
    """Class by class."""
    z = drawn(4, 6)
    expected = [shares_one_by_one(row) for row in z]
    assert np.allclose(chapter["shares"](z), expected, rtol=1e-12)
    assert np.allclose(softmax(z), expected, rtol=1e-12)


def test_eq_softmax_sigmoid(chapter):
    """Two scores, of which the second is 0."""
    for z, shown in zip(chapter["line"], chapter["sigmoid"](chapter["line"])):
        first = math.exp(z) / (math.exp(z) + 1)
        assert first == pytest.approx(1 / (1 + math.exp(-z)), rel=1e-12)
        assert first == pytest.approx(shares_one_by_one([z, 0])[0], rel=1e-12)
        assert shown == pytest.approx(first, rel=1e-12)


def test_eq_softmax_shift(chapter):
    """The middle of the equation, too; and the four rows of the page."""
    z, s = drawn(5), 2.3
    powers = [math.exp(s) * math.exp(score) for score in z]
    middle = np.array(powers) / sum(powers)
    assert np.allclose(chapter["shares"](z + s), middle, rtol=1e-12)
    assert np.allclose(chapter["shares"](z), middle, rtol=1e-12)
    rows, largest = chapter["rows"], chapter["shifts"]["the row's largest"]
    expected = [shares_one_by_one([2, 1, 0])] * 3 + [[0, 0, 1]]
    assert np.allclose(chapter["shares"](rows - largest), expected, rtol=1e-12)


def test_eq_cross_entropy(chapter):
    """Target by target; on the page's rows, and by the loss that trains."""
    two, targets, picked = (chapter[name] for name in ("two", "targets", "picked"))
    terms = [math.log(shares_one_by_one(two[n])[targets[n]]) for n in range(2)]
    assert -np.log(picked).mean() == pytest.approx(-sum(terms) / 2, rel=1e-12)
    z, targets = drawn(5, 3, seed=1), [2, 0, 1, 2, 1]
    terms = [math.log(shares_one_by_one(z[n])[k]) for n, k in enumerate(targets)]
    loss, slope = softmax_cross_entropy(z, targets)
    assert loss == pytest.approx(-sum(terms) / 5, rel=1e-12)
    for n, k in enumerate(targets):  # the exercise: what was said less what was true
        truth = np.arange(3) == k
        assert np.allclose(slope[n], (shares_one_by_one(z[n]) - truth) / 5, rtol=1e-10)


def test_eq_log_softmax():
    """Without passing through the probability, and 1000 away."""
    z = drawn(4, 6, seed=2)
    for row in z:
        total = math.log(sum(math.exp(score) for score in row))
        assert np.allclose(log_softmax(row), row - total, rtol=1e-12)
        assert np.allclose(row - total, np.log(shares_one_by_one(row)), rtol=1e-10)
    assert log_softmax(np.array([1000.0, 0.0]))[1] == -1000 - math.log(1 + 0.0)


def test_eq_perplexity(chapter):
    """The product of the probabilities, to the power of -1/N."""
    p = [0.5, 0.1, 0.8, 0.03, 0.3]
    loss = -sum(math.log(each) for each in p) / 5
    product = 0.5 * 0.1 * 0.8 * 0.03 * 0.3
    assert perplexity(loss) == pytest.approx(product ** (-1 / 5), rel=1e-12)
    assert np.exp(chapter["nats"].mean()) == pytest.approx((1 / 2 / 8) ** (-1 / 2))


@pytest.mark.parametrize("tau", [0.5, 2.0])
def test_eq_temperature(tau):
    """How often each token is drawn, of 4000."""
    z = np.array([1.0, 0.0, 2.0])

    def step(tokens, state):
        return z[None], state

    made = generate(step, 0, 4000, temperature=tau, rng=0)
    often = np.bincount(made, minlength=3) / 4000
    assert np.allclose(often, shares_one_by_one(z / tau), atol=0.03)


# ---- questions ---------------------------------------------------------------


def test_numbers_in_questions(questions):
    """Computed: each wrong number is what that misconception returns."""
    found = numbers(questions["02", "one-step-of-a-unit"])
    arguments = [np.array(a) for a in ([[3.0]], [[0.5]], [[0.5]], [[-1.0]], [0.25])]
    right = rnn_step(*arguments).item()
    assert right == pytest.approx(found.pop("right"), abs=5e-4)
    assert len(found) == 6
    for id, value in found.items():
        got = bank_function(id)(*arguments).item()
        assert got == pytest.approx(value, abs=1e-3), id

    found = numbers(questions["02", "perplexity-of-two"])
    p = np.array([1 / 2, 1 / 32])
    arguments = np.log(np.stack([p, 1 - p], axis=1)), np.array([0, 0])
    loss, _ = softmax_cross_entropy(*arguments)
    assert perplexity(loss) == pytest.approx(found.pop("right"))
    assert len(found) == 5
    for id, value in found.items():
        assert bank_function(id)(*arguments) == pytest.approx(value, abs=5e-3), id


def test_without_tanh(questions):
    """The wires whose numbers change."""
    x, h = np.array([[1.0, 2, -1]]), np.array([[0.6, -0.4]])
    W = np.array([[0.5, -1], [0.25, 0.5], [-0.5, 1]])
    U, b = np.array([[1, 0.5], [-0.5, 2]]), np.array([-0.3, 0.5])
    squashed = wires(rnn_step, x, h, (W, U, b))
    linear = wires(partial(rnn_step, activation=relu), x, h, (W, U, b))
    assert np.isclose(linear["h"], 2)  # a positive sum: relu changes nothing
    changed = {
        name for name in squashed if not np.allclose(squashed[name], linear[name])
    }
    assert changed == right_names(questions["02", "without-tanh"])


def test_softmax_of_two(questions):
    """Each choice is what its reader computed."""
    z = np.array([[0, np.log(3)]])
    options = questions["02", "softmax-of-two"].options
    for option in options:
        shown = [float(n) for n in re.findall(r"[\d.]+", option.text)]
        right = shares_one_by_one(z[0])
        id = option.misconception
        got = right if option.right else bank_function(id)(z)[0]
        assert np.allclose(got, shown, atol=5e-3), option.text
    assert [option.right for option in options] == [False, True, False, False]


def test_which_shift(questions, chapter):
    """Only one of the four leaves every row finite."""
    safe = {}
    with np.errstate(all="ignore"):
        for name, shift in chapter["shifts"].items():
            safe[name] = np.isfinite(chapter["shares"](chapter["rows"] - shift)).all()
    assert [name for name, fine in safe.items() if fine] == ["the row's largest"]
    assert right_names(questions["02", "which-shift"]) == {
        "the largest score of the row"
    }


def test_order_of_perplexities(notebook, questions):
    """As measured: what the chapter prints."""
    printed = {
        cell.id: cell.outputs[0].text
        for cell in notebook("02_simple_rnn").cells
        if cell.id in ("rnn-53", "rnn-59")
    }
    measured = {
        name: float(value)
        for name, value in re.findall(r"(\S+) +(\d+\.\d+)", printed["rnn-53"])
    }
    low, high = map(float, re.findall(r"from (\S+) to (\S+)", printed["rnn-59"])[0])
    options = questions["02", "predict-perplexity"].options
    order = [option.text for option in options]
    k = order.index("simple RNN")
    for option in options:  # each number that an explanation names
        for number in re.findall(r"\d+(?:\.\d+)?(?=\.$)", option.why):
            places = len(number.partition(".")[2])
            assert round(measured[option.text], places) == float(number), option.text
    strings = re.search(r"counts (\d+),(\d)", printed["rnn-53"])
    assert f"{round(float('.'.join(strings.groups())))},000 strings" in options[0].why
    others = [measured[name] for name in order if name != "simple RNN"]
    assert others == sorted(others)
    assert measured[order[k - 1]] < low < high < measured[order[k + 1]]
