"""Chapter 4: its formulas and the numbers in its questions, computed again."""

import math
import re
from functools import partial

import numpy as np
import pytest
from answers import bank_function, numbers, right_names, wires

from lstm_lib import lstm_step, sigmoid


def logistic(z):
    return 1 / (1 + math.exp(-z))


def printed(notebook, cell):
    """The numbers on each line that a cell prints."""
    cells = notebook("04_gates").cells
    text = next(c.outputs[0].text for c in cells if c.id == cell)
    return [
        [float(n) for n in re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", line)]
        for line in text.splitlines()
    ]


@pytest.fixture
def unit():
    """W (3, 4), U (1, 4), b (4,) of one unit, columns i, f, g, o, and five inputs."""
    rng = np.random.default_rng(4)
    W, U, b = (rng.normal(size=shape) for shape in ((3, 4), (1, 4), (4,)))
    return W, U, b, rng.normal(size=(5, 3))


def pre_activation(unit, x, h, block):
    """The sum of one block of the unit, number by number."""
    W, U, b, _ = unit
    W, U, b = W.T[block], U.T[block], b[block]  # one row: the equation's W_i
    return sum(W[k] * x[k] for k in range(3)) + U[0] * h + b


def unit_by_hand(unit, squash):
    """(c, h) of the five steps by the equations; squash: the two activations."""
    c, h, trace = 0.0, 0.0, []
    for x in unit[3]:
        i, f, g, o = (pre_activation(unit, x, h, block) for block in range(4))
        c = logistic(f) * c + logistic(i) * squash(g)
        h = logistic(o) * squash(c)
        trace.append((c, h))
    return np.array(trace)


def test_eq_logistic(live):
    """As `sigmoid` gives it, also of the four gates that the chapter shows."""
    names = live("04_gates")
    for z, gate in zip(names["z"], names["gate"]):
        assert gate == pytest.approx(logistic(z), rel=1e-12)
        assert names["sigmoid"](z) == pytest.approx(logistic(z), rel=1e-12)


def test_eq_unit_by_unit(live, notebook):
    """As the cell prints it: unit k with gate k and no other."""
    names = live("04_gates")
    gate, content = names["gate"], names["content"]
    product = [gate[k] * content[k] for k in range(4)]
    assert printed(notebook, "gates-08")[2] == pytest.approx(product, abs=5e-4)


def test_eq_gate_sum(unit):
    """As the numbers that arrive at the four boxes of the drawn step."""
    W, U, b, inputs = unit
    x, h, c = inputs[0], 0.7, -0.4
    drawn = wires(
        lstm_step, x[None], (np.full((1, 1), h), np.full((1, 1), c)), unit[:3]
    )
    for block, name in enumerate(("input", "forget", "candidate", "output")):
        expected = pre_activation(unit, x, h, block)
        assert drawn[f"to-{name}"] == pytest.approx(expected, rel=1e-12), name


def test_eq_linear_unit(live, unit):
    """As `run_unit` with the identity in both places."""
    names = live("04_gates")
    trace = names["run_unit"](unit[3], *unit[:3], **names["linear"])
    assert np.allclose(trace, unit_by_hand(unit, lambda z: z), rtol=1e-12)


def test_eq_squashed_unit(live, unit):
    """As `run_unit` on its own."""
    trace = live("04_gates")["run_unit"](unit[3], *unit[:3])
    assert np.allclose(trace, unit_by_hand(unit, math.tanh), rtol=1e-12)


def test_eq_forgetting(live):
    """A unit that never writes, started at 2, with a forget bias of 0.8."""
    names = live("04_gates")
    W, U, b = np.zeros((3, 4)), np.zeros((1, 4)), np.array([-800.0, 0.8, 5.0, 0.3])
    h, c = np.zeros((1, 1)), np.full((1, 1), 2.0)
    for k in range(1, 8):
        h, c = names["lstm_step"](np.ones((1, 3)), h, c, W, U, b)
        assert c.item() == pytest.approx(logistic(0.8) ** k * 2.0, rel=1e-12)


def test_eq_half_life(notebook):
    """As printed; and after so many steps half is left."""
    for bias, f, half_life, _, left in printed(notebook, "gates-28"):
        exact = math.log(0.5) / math.log(logistic(bias))
        assert half_life == pytest.approx(exact, abs=0.05)
        assert logistic(bias) ** exact == pytest.approx(0.5, rel=1e-12)
        assert f == pytest.approx(logistic(bias), abs=5e-4)
        assert f"{left:.0e}" == f"{logistic(bias) ** 50:.0e}"


def test_eq_opened_unit(live):
    """As the chapter's cell with i = 1, f = 0, o = 1 and no second tanh."""
    names = live("04_gates")
    x, h, W, U, b = (names[name] for name in ("x", "h", "W", "U", "b"))
    D, H = 3, 4
    W, U, b = (part[..., 2 * H : 3 * H] for part in (W, U, b))  # the candidate's
    for n in range(2):
        for j in range(H):
            z = sum(W.T[j, d] * x[n, d] for d in range(D)) + b[j]
            z += sum(U.T[j, k] * h[n, k] for k in range(H))
            assert names["gated"][n, j] == pytest.approx(math.tanh(z), rel=1e-12)
            assert names["plain"][n, j] == pytest.approx(math.tanh(z), rel=1e-12)


def test_past_with_closed_gate(live, questions):
    """The first input reaches the third cell state through U, and not without."""
    names = live("04_gates")
    last, one, other = (names[n] for n in ("last_cell_state", "one", "other"))
    changed = [
        np.abs(last(one, U) - last(other, U)).max() > 0.01
        for U in (names["U"], 0 * names["U"])
    ]
    assert changed == [True, False]
    assert names["sigmoid"](names["b"][4:8]).max() < 1e-40  # the forget gates
    options = questions["04", "past-with-closed-gate"].options
    assert [option.right for option in options] == [False, True, False, False]


def test_numbers_in_questions(questions):
    """Computed: by the rule, and by the forget bias."""
    found = numbers(questions["04", "third-step-writes"])
    steps = [(3, 1, 0), (4, 1, 0), (2, 1, 0), (1, 0, 1), (3, -1, 0)]
    sequence = np.array(steps, float)
    assert found.pop("right") == 3 + 4 + 2
    assert found.pop("7") == 3 + 4
    assert len(found) == 3
    for id, value in found.items():
        assert bank_function(id)(sequence)[1][3] == value, id

    found = numbers(questions["04", "one-per-cent-left"])
    f = sigmoid(np.array(2.0))
    assert found["right"] == np.argmax(f ** np.arange(60) < 0.01)
    assert 0.01 < f ** found["36"] < 0.0105
    assert np.isclose(found["6 ± 0.6"], np.log(0.5) / np.log(f), atol=0.6)  # half-life
    assert np.isclose(found["9 ± 0.8"], 0.99 / (1 - f), atol=0.8)  # of the first value
    assert found["forget-gate-reversed"] == np.argmax((1 - f) ** np.arange(60) < 0.01)


def test_two_forget_gates(questions):
    """Each choice is what its reader computed."""
    f, c = np.array([0.5, 1.0]), np.array([4.0, -2.0])
    values = [(1 - f) * c, f * c, f @ c, f + c]
    written = [
        r",\ ".join(f"{v + 0:g}" for v in np.atleast_1d(some)) for some in values
    ]
    options = questions["04", "two-forget-gates"].options
    assert [option.text.strip("$()") for option in options] == written
    assert [option.right for option in options] == [False, True, False, False]


def test_closed_output_gate(questions):
    """The wires that carry 7, and then 0."""
    W, U, b = np.zeros((3, 4)), np.zeros((1, 4)), np.array([-10.0, 10, 0, -10])
    W[0, 2], W[1, 0], W[1, 1], W[2, 3] = 1, 100, 100, 100
    step = partial(lstm_step, activation=np.positive, readout=np.positive)
    state = np.zeros((1, 1)), np.array([[7.0]])
    x = np.array([[1.0, 0, 1]])
    shown = wires(step, x, state, (W, U, b))
    hidden = wires(step, x, state, (W, U, b - [0, 0, 0, 1000]))
    gone = {
        name
        for name, value in shown.items()
        if np.isclose(value, 7, atol=1e-3).all() and np.allclose(hidden[name], 0)
    }
    assert gone == right_names(questions["04", "closed-output-gate"])


def test_order_of_gradients(notebook, questions):
    """As measured: the ranges that the chapter prints do not meet."""
    cells = notebook("04_gates").cells
    printed = next(c.outputs[0].text for c in cells if c.id == "gates-35")
    measured = {
        name.strip(): (float(low), float(high))
        for name, low, high in re.findall(r"^(.{20}) (\S+) to (\S+) ", printed, re.M)
    }
    names = {
        "bias 0": "LSTM, bias 0",
        "bias 1": "LSTM, bias 1",
        "bias 3, and $U = 0$": "LSTM, bias 3, 0U",
        "bias 3": "LSTM, bias 3",
        "bias 1, and $U$ six times as large": "LSTM, bias 1, 6U",
    }
    quiz = questions["04", "predict-gradient"]
    ranges = [measured[names[option.text]] for option in quiz.options]
    assert len(ranges) == 5
    for (_, high), (low, _) in zip(ranges, ranges[1:]):
        assert high < low
