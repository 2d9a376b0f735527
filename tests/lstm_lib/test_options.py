"""Stacked, bidirectional, masked and varied layers: the same promises as plain ones.

Sizes differ (T=5, N=3, D=2, H=4), so that a swapped axis fails.
"""

import itertools
from functools import partial

import numpy as np
import pytest
from twins import (
    RTOL,
    as_state,
    assert_close,
    assert_same_results,
    keras_outputs,
    parts,
    problem,
    results,
    torch_results,
)

from lstm_lib import (
    GRU,
    LSTM,
    RNN,
    ablated_step,
    coupled_step,
    gradcheck,
    gru_step,
    peephole_step,
    relu,
    rnn_step,
)

T, N, D, H = 5, 3, 2, 4
FAMILIES = {"RNN": (RNN, {}), "ReLU": (RNN, {"nonlinearity": "relu"})}
FAMILIES |= {"LSTM": (LSTM, {}), "GRU": (GRU, {})}
KEYS = ("num_layers", "bidirectional", "batch_first", "bias")
GRID = [
    dict(zip(KEYS, values))
    for values in itertools.product((1, 3), *[(False, True)] * 3)
]
VARIANTS = {
    "peephole": (LSTM, {"peephole": True}),
    "coupled": (LSTM, {"coupled": True}),
    "coupled, peephole": (LSTM, {"coupled": True, "peephole": True}),
    "no input gate": (LSTM, {"gates": "fo"}),
    "no forget gate": (LSTM, {"gates": "io"}),
    "no output gate": (LSTM, {"gates": "if"}),
    "no input gate, peephole": (LSTM, {"gates": "fo", "peephole": True}),
    "no output gate, peephole": (LSTM, {"gates": "if", "peephole": True}),
    "no gate": (LSTM, {"gates": ""}),
    "no activation": (LSTM, {"activation": "identity"}),
    "no readout": (LSTM, {"readout": "identity"}),
    "neither": (LSTM, {"activation": "identity", "readout": "identity"}),
    "no activation, no input gate": (LSTM, {"activation": "identity", "gates": "fo"}),
    "no readout, no output gate": (LSTM, {"readout": "identity", "gates": "if"}),
    "nothing but sums": (
        LSTM,
        {"activation": "identity", "readout": "identity", "gates": ""},
    ),
    "no activation, peephole": (LSTM, {"activation": "identity", "peephole": True}),
    "no readout, peephole": (LSTM, {"readout": "identity", "peephole": True}),
    "no activation, coupled": (LSTM, {"activation": "identity", "coupled": True}),
    "no readout, coupled": (LSTM, {"readout": "identity", "coupled": True}),
    "reset before": (GRU, {"reset_after": False}),
}
every_variant = pytest.mark.parametrize("variant", VARIANTS)


# Equal to PyTorch


@pytest.mark.parametrize("dtype", RTOL)
@pytest.mark.parametrize("lengths", [None, [5, 2, 3]], ids=["full", "lengths"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_option_equals_torch(family, lengths, dtype):
    """Outputs, last states and every gradient, over the whole grid."""
    kind, options = FAMILIES[family]
    for grid in GRID:
        layer = kind(D, H, dtype=dtype, rng=1, **options, **grid)
        given = problem(layer, T, N)
        ours = results(layer, *given, lengths)
        assert_same_results(ours, torch_results(layer, *given, lengths), RTOL[dtype])


@pytest.mark.parametrize("family", ["RNN", "LSTM", "GRU"])
def test_lengths_equal_a_keras_mask(family):
    """Where the mask is 1 the outputs agree, and so do the last states."""
    kind, options = FAMILIES[family]
    layer = kind(D, H, dtype="float32", rng=1, **options)
    x, state, *_ = problem(layer, T, N)
    lengths = np.array([5, 2, 3])
    mask = np.arange(T)[:, None] < lengths
    y, last = layer(x, state, lengths)
    their_y, their_last = keras_outputs(layer, x, state, mask)
    assert_close(y, their_y * mask[:, :, None], rtol=1e-5)
    for ours, theirs in zip(parts(last), parts(their_last)):
        assert_close(ours, theirs, rtol=1e-5)


# Equal to their cells, and their gradients to differences


def step_of(layer):
    """A layer's cell as a function of x, state and its weights."""
    w = {key.partition("_")[0]: array for key, array in layer.parameters.items()}
    weights = [w["W"], w["U"], w["b"]]
    if isinstance(layer, RNN):
        act = {"tanh": np.tanh, "relu": relu}[layer.nonlinearity]
        return lambda x, h: (rnn_step(x, h, *weights, activation=act),)
    if isinstance(layer, GRU):
        return lambda x, h: (gru_step(x, h, *weights, bn=w.get("bn")),)
    if layer.coupled:
        return lambda x, h, c: coupled_step(x, h, c, *weights)
    if layer.peephole:
        return lambda x, h, c: peephole_step(x, h, c, *weights, w["p"])
    act = {"tanh": np.tanh, "identity": lambda z: z}
    return partial(
        lambda x, h, c, **options: ablated_step(x, h, c, *weights, **options),
        gates=layer.gates,
        activation=act[layer.activation],
        readout=act[layer.readout],
    )


STEPS = {
    n: v for n, v in VARIANTS.items() if not n.endswith((", peephole", ", coupled"))
}
STEPS |= FAMILIES


@pytest.mark.parametrize("name", STEPS)
def test_a_variant_equals_its_cell_unrolled(name):
    """The fused loop computes what the readable step says."""
    kind, options = STEPS[name]
    layer = kind(D, H, rng=1, **options)
    x, start, *_ = problem(layer, T, N)
    y, last = layer(x, start)
    step, state, expected = step_of(layer), [s[0] for s in parts(start)], []
    for x_t in x:
        state = step(x_t, *state)
        expected.append(state[0])
    assert_close(y, np.stack(expected), rtol=1e-14)
    for ours, theirs in zip(parts(last), state):
        assert_close(ours[0], theirs, rtol=1e-14)


def test_a_cell_without_squashing_is_worked_by_hand():
    """Gates wide open, weights 1: c adds the inputs up, and h shows it whole."""
    x = np.array([3.0, 4.0, -2.0])[:, None, None]
    for options, c, h in [
        ({"activation": "identity", "readout": "identity"}, 5, 5),
        ({"activation": "identity"}, 5, np.tanh(5)),
        ({"readout": "identity"}, np.tanh(x).sum(), np.tanh(x).sum()),
    ]:
        layer = LSTM(1, 1, **options)
        for array in layer.parameters.values():
            array[...] = 0
        layer.parameters["b_l0"][[0, 1, 3]] = 40  # sigmoid(40) is 1
        layer.parameters["W_l0"][0, 2] = 1
        _, last = layer(x)
        np.testing.assert_allclose(np.ravel(last), [h, c], rtol=1e-15)


@every_variant
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_gradients_of_a_variant_are_right(variant, bidirectional):
    """Two layers, with a state, every parameter, against differences."""
    kind, options = VARIANTS[variant]
    layer = kind(D, H, 2, bidirectional=bidirectional, rng=1, **options)
    x, state, *_ = problem(layer, T, N)
    errors = gradcheck(layer, x, state)
    assert errors.keys() == {"x", *layer.states, *layer.parameters}
    assert max(errors.values()) < 1e-7, errors


@every_variant
def test_a_sequence_among_longer_ones_is_as_if_alone(variant):
    """Outputs, states, dx, and zeros beyond its end, in both directions."""
    kind, options = VARIANTS[variant]
    layer = kind(D, H, 2, bidirectional=True, rng=1, **options)
    x, state, dy, dstate = problem(layer, T, N)
    lengths = [2, 5, 3]
    together = results(layer, x, state, dy, dstate, lengths)
    summed = {name: np.zeros_like(a) for name, a in layer.grads.items()}
    for n, length in enumerate(lengths):

        def of(s, n=n):
            return as_state([part[:, n : n + 1] for part in parts(s)])

        one = slice(n, n + 1)
        alone = results(layer, x[:length, one], of(state), dy[:length, one], of(dstate))
        for name in ("y", "dx"):
            assert_close(together[name][:length, one], alone[name], rtol=1e-13)
            assert not together[name][length:, one].any()
        for name in layer.states:
            for key in (f"last_{name}", f"d{name}0"):
                assert_close(together[key][:, one], alone[key], rtol=1e-13)
        for name in summed:
            summed[name] += alone[name]
    for name, total in summed.items():
        assert_close(together[name], total, rtol=1e-13)


def test_what_stands_beyond_a_length_is_ignored():
    """Any finite padding gives the same bits, even where ReLU would overflow."""
    layer = RNN(D, H, 2, bidirectional=True, nonlinearity="relu", rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    padded, dpadded = x.copy(), dy.copy()
    padded[2:, 0], dpadded[2:, 0] = 1e308, -1e3
    one = results(layer, x, state, dy, dstate, [2, 5, 3])
    two = results(layer, padded, state, dpadded, dstate, [2, 5, 3])
    assert_same_results(one, two, rtol=0)


# Parameters


def test_a_gate_left_out_has_no_parameters():
    """Counts as in Greff et al. (2017): three blocks, or two peepholes."""
    shapes = {key: a.shape for key, a in LSTM(D, H, gates="io").parameters.items()}
    assert shapes == {"W_l0": (2, 12), "U_l0": (4, 12), "b_l0": (12,)}
    coupled = LSTM(D, H, coupled=True, peephole=True)
    assert coupled.parameters["W_l0"].shape == (2, 12)
    assert coupled.parameters["p_l0"].shape == (2, 4)


def test_parameters_are_named_by_layer_and_direction():
    """In PyTorch's order; the second layer reads both directions."""
    layer = LSTM(D, H, 2, bias=False, bidirectional=True)
    shapes = {key: array.shape for key, array in layer.parameters.items()}
    assert list(shapes) == [
        name + suffix
        for suffix in ("_l0", "_l0_reverse", "_l1", "_l1_reverse")
        for name in "WU"
    ]
    assert shapes["W_l0_reverse"] == (2, 16) and shapes["W_l1"] == (8, 16)


def test_forget_bias_sets_its_block_in_every_layer_and_direction():
    """Block f is the first of a coupled layer's f | g | o."""
    for options, start in (({}, H), ({"coupled": True}, 0)):
        layer = LSTM(D, H, 2, bidirectional=True, forget_bias=2.5, **options)
        for key in ("b_l0", "b_l0_reverse", "b_l1", "b_l1_reverse"):
            bias = layer.parameters[key]
            assert (bias == 2.5).sum() == H and (bias[start : start + H] == 2.5).all()


# Dropout


def test_dropout_acts_between_layers_in_training_only():
    """Its scale keeps the mean; the last layer's output is never dropped."""
    layer = RNN(D, 200, 2, dropout=0.5, rng=1)
    x, *_ = problem(layer, T, N)
    one, two = layer(x)[0], layer(x)[0]
    assert not np.array_equal(one, two) and (one != 0).all()
    layer.training = False
    calm = layer(x)[0]
    np.testing.assert_array_equal(calm, layer(x)[0])
    plain = RNN(D, 200, 2, rng=1)
    np.testing.assert_array_equal(calm, plain(x)[0])


class SameMask:
    """A generator that draws the same numbers at every call."""

    def random(self, shape):
        return np.random.default_rng(5).random(shape)


def test_the_gradient_goes_through_the_mask_of_its_forward_call():
    """With the mask held still, differences must agree."""
    layer = LSTM(D, H, 2, dropout=0.4, rng=1)
    layer._rng = SameMask()
    errors = gradcheck(layer, problem(layer, T, N)[0])
    assert max(errors.values()) < 1e-7, errors


# Errors


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: LSTM(D, H, 0), ValueError, "num_layers: expected a positive int"),
        (lambda: LSTM(D, H, bias=1), TypeError, "bias: expected True or False, got 1"),
        (
            lambda: GRU(D, H, 2, dropout=1.0),
            ValueError,
            "dropout: expected a number in",
        ),
        (
            lambda: LSTM(D, H, gates="of"),
            ValueError,
            "gates: expected letters of 'ifo'",
        ),
        (
            lambda: LSTM(D, H, activation="relu"),
            ValueError,
            "activation: expected 'tanh' or 'identity', got 'relu'",
        ),
        (
            lambda: LSTM(D, H, readout=None),
            ValueError,
            "readout: expected 'tanh' or 'identity', got None",
        ),
        (lambda: LSTM(D, H, coupled=True, gates="fo"), ValueError, "gates: .* coupled"),
        (lambda: LSTM(D, H, gates="io", forget_bias=1), ValueError, "forget_bias: .*"),
        (lambda: RNN(D, H, nonlinearity="elu"), ValueError, "nonlinearity: .* 'elu'"),
        (lambda: GRU(D, H, reset_after=None), TypeError, "reset_after: expected True"),
    ],
)
def test_a_bad_option_is_named(call, error, words):
    """With what was expected and what came."""
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    ("lengths", "error", "words"),
    [
        ([5, 2], ValueError, r"lengths: expected shape \(N,\) = \(3,\), got \(2,\)"),
        ([5, 2, 0], ValueError, r"lengths: expected integers in 1..5, got 0"),
        ([5, 6, 1], ValueError, r"lengths: expected integers in 1..5, got 6"),
        ([5.0, 2.0, 1.0], TypeError, "lengths: expected integers, got float64"),
    ],
)
def test_bad_lengths_are_named(lengths, error, words):
    """And leave what an earlier call computed alone."""
    layer = LSTM(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    expected = results(layer, x, state, dy, dstate)
    with pytest.raises(error, match=words):
        layer(x, state, lengths)
    dx, _ = layer.backward(dy, dstate)
    np.testing.assert_array_equal(dx, expected["dx"])


def test_dropout_with_one_layer_warns():
    """It would do nothing, as in PyTorch."""
    with pytest.warns(UserWarning, match="num_layers=1 it does nothing"):
        LSTM(D, H, dropout=0.5)


def test_a_state_of_the_wrong_depth_is_named():
    """The message counts layers times directions."""
    layer = GRU(D, H, 2, bidirectional=True)
    with pytest.raises(
        ValueError, match=r"h: expected shape \(4, N, H\) = \(4, 3, 4\)"
    ):
        layer(np.zeros((T, N, D)), np.zeros((2, N, H)))
