"""Initial weights: in place, from a seed, with the property each is named for."""

import numpy as np
import pytest

from lstm_lib import GRU, LSTM, RNN, initialisers

D, H = 30, 20
LAYERS = [RNN, LSTM, GRU]
every_layer = pytest.mark.parametrize("kind", LAYERS)


def blocks(layer, name):
    """All H-wide column blocks of one kind of parameter."""
    arrays = [a for key, a in layer.parameters.items() if key.startswith(name + "_")]
    return [b for a in arrays for b in np.split(a, a.shape[-1] // H, axis=-1)]


@every_layer
@pytest.mark.parametrize("name", ["uniform", "glorot", "orthogonal"])
def test_the_same_seed_gives_the_same_bits_in_place(kind, name):
    """The arrays stay the layer's own; the layer comes back."""
    fill = getattr(initialisers, name)
    one, two, other = (kind(D, H, 2, bidirectional=True, rng=k) for k in (1, 1, 1))
    arrays = list(one.parameters.values())
    assert fill(one, 3) is one
    fill(two, 3), fill(other, 4)
    assert all(a is b for a, b in zip(arrays, one.parameters.values()))
    for key in one.parameters:
        np.testing.assert_array_equal(one.parameters[key], two.parameters[key])
    assert (one.parameters["U_l0"] != other.parameters["U_l0"]).any() or (
        one.parameters["W_l0"] != other.parameters["W_l0"]
    ).any()


@every_layer
def test_uniform_is_what_a_new_layer_has(kind):
    """From the same seed, the same bits."""
    layer = initialisers.uniform(kind(D, H, rng=1), rng=7)
    for key, array in kind(D, H, rng=7).parameters.items():
        np.testing.assert_array_equal(layer.parameters[key], array)


@every_layer
def test_glorot_has_its_variance_and_no_bias(kind):
    """2 / (D + H) in each block of W."""
    layer = initialisers.glorot(kind(300, H, rng=1), rng=0)
    for block in blocks(layer, "W"):
        assert abs(block.var() / (2 / (300 + H)) - 1) < 0.05
    assert not any(block.any() for block in blocks(layer, "b"))


@every_layer
def test_orthogonal_blocks_keep_lengths(kind):
    """Q Q^T is the identity, scaled by gain^2, in every block."""
    layer = initialisers.orthogonal(kind(D, H, 2, rng=1), rng=0, gain=1.5)
    for block in blocks(layer, "U"):
        np.testing.assert_allclose(block @ block.T, 2.25 * np.eye(H), atol=1e-12)


def test_identity_makes_an_irnn():
    """With no input its state stays: relu(I h) = h for h >= 0."""
    layer = initialisers.identity(RNN(D, H, nonlinearity="relu", rng=1))
    start = np.abs(np.random.default_rng(0).normal(size=(1, 1, H)))
    _, last = layer(np.zeros((50, 1, D)), start)
    np.testing.assert_array_equal(last, start)


@pytest.mark.parametrize(
    ("layer", "block"),
    [(LSTM(D, H, 2), 1), (LSTM(D, H, coupled=True), 0), (GRU(D, H), 1)],
)
def test_forget_bias_opens_the_gate_that_keeps(layer, block):
    """The second of i | f | g | o, the first of f | g | o, z of r | z | n."""
    before = {key: array.copy() for key, array in layer.parameters.items()}
    initialisers.forget_bias(layer, 2.0)
    for key, array in layer.parameters.items():
        if key.startswith("b_"):
            before[key][block * H : (block + 1) * H] = 2.0
        np.testing.assert_array_equal(array, before[key])


def test_chrono_spreads_the_memories_up_to_the_longest_lag():
    """Tallec & Ollivier: b_f = log u, u in 1..T - 1, and b_i = -b_f."""
    layer = initialisers.chrono(LSTM(1, 2000), longest=100, rng=0)
    i, f, _, _ = np.split(layer.parameters["b_l0"], 4)
    np.testing.assert_array_equal(i, -f)
    spans = np.exp(f)
    assert 1 <= spans.min() < 2 and 98 < spans.max() <= 99
    assert abs(spans.mean() - 50) < 2
    gru = initialisers.chrono(GRU(1, 2000), longest=100, rng=0)
    np.testing.assert_array_equal(np.split(gru.parameters["b_l0"], 3)[1], f)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: initialisers.forget_bias(RNN(2, 3), 1.0), "gate 'f', got RNN"),
        (lambda: initialisers.forget_bias(LSTM(2, 3, bias=False), 1.0), "bias=False"),
        (
            lambda: initialisers.forget_bias(LSTM(2, 3), np.nan),
            "finite number, got nan",
        ),
        (lambda: initialisers.chrono(LSTM(2, 3), 2), "longest: expected .* above 2"),
        (lambda: initialisers.chrono(LSTM(2, 3, gates="io"), 9), "gate 'f', got LSTM"),
    ],
)
def test_what_cannot_be_filled_is_named(call, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        call()
