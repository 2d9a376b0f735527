"""Looking inside: counts, activations and gradients are what they say."""

import re

import numpy as np
import pytest
from twins import LAYERS, as_state, parts, problem

from lstm_lib import GRU, LSTM, RNN, lstm_step
from lstm_lib.attention import Attention, WordAttention
from lstm_lib.cells import sigmoid
from lstm_lib.feedforward import Dense, Dropout, Embedding, LastStep, MeanOverTime
from lstm_lib.inspect import activations, gradient_norms, summary
from lstm_lib.models import EncoderDecoder, Sequential

T, N, D, H = 6, 3, 2, 4


def models():
    """Every kind of layer that a summary has a row for."""
    yield LSTM(D, H)
    yield GRU(D, H, 2, bidirectional=True)
    yield LSTM(D, H, 2, bias=False, peephole=True)
    yield LSTM(D, H, coupled=True, bidirectional=True, peephole=True)
    yield GRU(D, H, reset_after=False)
    yield Sequential(
        Embedding(9, D), RNN(D, H), Dropout(0.5), MeanOverTime(), Dense(H, 5)
    )
    yield Sequential(Embedding(9, D), LSTM(D, H), WordAttention(H, 3), Dense(H, 5))
    yield EncoderDecoder(
        Embedding(9, D),
        LSTM(D, H, bidirectional=True),
        Embedding(7, 3),
        LSTM(3, 2 * H),
        Dense(4 * H, 7),
        Attention(2 * H, 2 * H, "general"),
    )


@pytest.mark.parametrize("model", [*models()], ids=lambda m: type(m).__name__)
def test_the_arithmetic_of_a_summary_gives_the_counts(model):
    """Each sum is right, and together they are all parameters."""
    *rows, total = summary(model).splitlines()[1:]
    counts = 0
    for row in rows:
        terms = re.search(r"\)  +(.+)$", row).group(1)
        sum_, _, count = terms.partition(" = ")
        assert eval(sum_.replace("·", "*")) == int((count or "0").replace(",", "")), row
        counts += int((count or "0").replace(",", ""))
    assert counts == sum(array.size for array in model.parameters.values())
    assert total.split() == ["total", f"{counts:,}"]


def test_the_summary_of_a_classifier():
    """What the reader sees, line by line."""
    model = Sequential(Embedding(1000, 32), LSTM(32, 32), LastStep(), Dense(32, 1))
    assert summary(model).splitlines() == [
        "layer        output      parameters",
        "0 Embedding  (T, N, 32)  1000·32 = 32,000",
        "1 LSTM       (T, N, 32)  4 · (32·32 + 32·32 + 32) = 8,320",
        "2 LastStep   (N, 32)     0",
        "3 Dense      (N, 1)      32·1 + 1 = 33",
        "total                    40,353",
    ]


def test_activations_are_the_cells():
    """The gates of each step, as the equations give them one by one."""
    layer = LSTM(D, H, rng=0)
    x, state, *_ = problem(layer, T, N)
    found = activations(layer, x, state)
    assert found.keys() == {f"{name}_l0" for name in "ifgohc"}
    (h, c), w = (part[0] for part in state), layer.parameters
    for t in range(T):
        z = x[t] @ w["W_l0"] + h @ w["U_l0"] + w["b_l0"]
        i, f, g, o = np.split(z, 4, axis=1)
        h, c = lstm_step(x[t], h, c, w["W_l0"], w["U_l0"], w["b_l0"])
        step = {"i": sigmoid(i), "f": sigmoid(f), "g": np.tanh(g), "o": sigmoid(o)}
        for name, array in {**step, "h": h, "c": c}.items():
            np.testing.assert_allclose(found[f"{name}_l0"][t], array, atol=1e-14)


@pytest.mark.parametrize(
    "kind, options", [(RNN, {}), (GRU, {}), (LSTM, {"coupled": True}), (LSTM, {})]
)
def test_activations_of_two_directions_are_in_the_order_of_x(kind, options):
    """Side by side, both h are y; beyond a length NaN stands, and nowhere else."""
    layer, lengths = kind(D, H, bidirectional=True, rng=0, **options), [6, 3, 5]
    x, state, *_ = problem(layer, T, N)
    found = activations(layer, x, state, lengths)
    y, _ = layer(x, state, lengths)
    h = np.concatenate([found["h_l0"], found["h_l0_reverse"]], axis=2)
    np.testing.assert_array_equal(np.nan_to_num(h), y)
    beyond = np.arange(T)[:, None] >= lengths
    for name, array in found.items():
        assert np.array_equal(np.isnan(array).all(axis=2), beyond), name
        assert np.array_equal(np.isnan(array).any(axis=2), beyond), name


def test_activations_of_a_model_name_the_layer_and_leave_it_alone():
    """No dropout, and a backward pass that was due still works."""
    layers = Embedding(9, D, rng=0), GRU(D, H, 2, dropout=0.5, rng=0), Dropout(0.5)
    model = Sequential(*layers)
    tokens = np.arange(T * N).reshape(T, N) % 9
    y, _ = model(tokens)
    once, twice = activations(model, tokens), activations(model, tokens)
    assert once.keys() == {f"1.{name}_l{k}" for name in "rznh" for k in range(2)}
    for name in once:
        np.testing.assert_array_equal(once[name], twice[name])
    model.backward(np.ones_like(y))
    assert model.training


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", LAYERS)
def test_gradient_norms_are_those_of_the_states(kind, batch_first):
    """Entry t is the gradient by the state from which steps t.. are run."""
    layer = kind(D, H, 2, batch_first=batch_first, rng=0)
    x, state, dy, dstate = problem(layer, T, N)
    found = gradient_norms(layer, x, dy, dstate, state=state)
    axis = 1 if batch_first else 0
    for t in range(T + 1):
        here, expected = state, dstate
        if t:
            first, _ = np.split(x, [t], axis=axis)
            _, here = layer(first, state)
        if t < T:
            rest = np.split(x, [t], axis=axis)[1]
            layer(rest, here)
            _, expected = layer.backward(np.split(dy, [t], axis=axis)[1], dstate)
        expected = as_state([part.copy() for part in parts(expected)])
        if t:  # the output of the step before is this state's h
            parts(expected)[0][-1] += dy.swapaxes(0, axis)[t - 1]
        for name, part in zip(layer.states, parts(expected)):
            np.testing.assert_allclose(found[name][t], np.linalg.norm(part), rtol=1e-12)


def test_gradient_norms_of_the_last_output_alone():
    """One of dy and dstate may be left out: the last output is the last h."""
    layer = RNN(D, H, rng=0)
    x, _, dy, dstate = problem(layer, T, N)
    dy[:-1] = 0
    by_output = gradient_norms(layer, x, dy)
    by_state = gradient_norms(layer, x, dstate=dy[-1:])
    np.testing.assert_allclose(by_output["h"], by_state["h"], rtol=1e-12)


def test_wrong_questions_are_refused():
    """By the name of the argument."""
    x = np.ones((T, N, D))
    with pytest.raises(ValueError, match="bidirectional=False, got True"):
        gradient_norms(LSTM(D, H, bidirectional=True), x, np.ones((T, N, 2 * H)))
    with pytest.raises(ValueError, match="dy, dstate: expected at least one"):
        gradient_norms(LSTM(D, H), x)
    with pytest.raises(ValueError, match="dy: expected shape"):
        gradient_norms(LSTM(D, H), x, np.ones((T, N, H + 1)))
    with pytest.raises(RuntimeError, match="computed: expected a forward call"):
        LSTM(D, H).computed()


def test_summary_of_many_levels_and_of_unknown_inputs():
    """Level 1 is not level 10; what a lone Dropout passes on is not known."""
    rows = summary(Sequential(Dropout(0.1), RNN(3, 2, 11))).splitlines()
    assert rows[1].split() == ["0", "Dropout", "(T,", "N,", "...)", "0"]
    assert rows[3].endswith("1 · (2·2 + 2·2 + 2) = 10")


def test_layers_without_a_state_are_named():
    """Instead of an attribute that they lack."""
    with pytest.raises(TypeError, match="layer: expected a recurrent layer, got Dense"):
        gradient_norms(Dense(D, H), np.ones((T, N, D)), np.ones((T, N, H)))
    with pytest.raises(
        TypeError, match="expected one with a recurrent layer, got Dense"
    ):
        activations(Dense(D, H), np.ones((T, N, D)))
