"""Whole sequences: equal to the cells, to PyTorch and to Keras, every gradient.

Sizes differ (T=5, N=2, D=3, H=4), so that a swapped axis fails.
"""

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from twins import (
    LAYERS,
    RTOL,
    as_state,
    assert_close,
    assert_same_results,
    copies,
    keras_outputs,
    parts,
    problem,
    results,
    torch_results,
)

from lstm_lib import GRU, LSTM, RNN, gru_step, lstm_step, rnn_step

T, N, D, H = 5, 2, 3, 4
SIZES = st.integers(1, 6)
both_layers = pytest.mark.parametrize("kind", LAYERS)
both_dtypes = pytest.mark.parametrize("dtype", RTOL)


def unrolled(layer, x, state):
    """The layer's function, one call of its cell per time step."""
    step = {"RNN": rnn_step, "LSTM": lstm_step, "GRU": gru_step}[type(layer).__name__]
    weights = [layer.parameters[f"{name}_l0"] for name in "WUb"]
    options = {"bn": layer.parameters["bn_l0"]} if step is gru_step else {}
    y, state = [], [part[0] for part in parts(state)]
    for x_t in x:
        state = parts(step(x_t, *state, *weights, **options))
        y.append(state[0])
    return np.stack(y), as_state([part[None] for part in state])


# The same function as the cells, PyTorch and Keras


@both_layers
@pytest.mark.parametrize(("dtype", "rtol"), [("float32", 1e-6), ("float64", 1e-14)])
def test_layer_equals_its_cell_unrolled(kind, dtype, rtol):
    """The fused loop computes what the readable step says."""
    layer = kind(D, H, dtype=dtype, rng=1)
    x, state, *_ = problem(layer, T, N)
    (y, last), (expected_y, expected_last) = layer(x, state), unrolled(layer, x, state)
    assert_close(y, expected_y, rtol)
    for ours, expected in zip(parts(last), parts(expected_last)):
        assert_close(ours, expected, rtol)


@both_layers
@both_dtypes
@pytest.mark.parametrize("sizes", [(5, 2, 3, 4), (1, 1, 1, 1), (40, 3, 7, 16)])
def test_outputs_states_and_every_gradient_equal_torch(kind, dtype, sizes):
    """With a nonzero initial state and gradients on y and the last state."""
    T, N, D, H = sizes
    layer = kind(D, H, dtype=dtype, rng=1)
    given = problem(layer, T, N)
    ours, theirs = results(layer, *given), torch_results(layer, *given)
    assert_same_results(ours, theirs, rtol=RTOL[dtype])


@hypothesis.given(
    st.sampled_from(LAYERS), st.sampled_from(sorted(RTOL)), SIZES, SIZES, SIZES, SIZES
)
def test_every_shape_equals_torch(kind, dtype, T, N, D, H):
    """Any T, N, D, H, ones among them: every output and gradient."""
    layer = kind(D, H, dtype=dtype, rng=T)
    given = problem(layer, T, N, seed=N)
    ours, theirs = results(layer, *given), torch_results(layer, *given)
    assert_same_results(ours, theirs, rtol=RTOL[dtype])


# On its torch backend Keras 3.15 multiplies matrices in float32, float64 ones
# too (`keras.ops.matmul`), except in its LSTM.
@pytest.mark.parametrize(
    ("kind", "options", "dtype", "rtol"),
    [
        (RNN, {}, "float32", 1e-5),
        (RNN, {}, "float64", 1e-6),
        (LSTM, {}, "float32", 1e-5),
        (LSTM, {}, "float64", 1e-10),
        (GRU, {}, "float32", 1e-5),
        (GRU, {"reset_after": False}, "float32", 1e-5),
    ],
)
def test_outputs_and_states_equal_keras(kind, options, dtype, rtol):
    """SimpleRNN, LSTM, and GRU with the reset gate on either side."""
    layer = kind(D, H, dtype=dtype, rng=1, **options)
    x, state, *_ = problem(layer, T, N)
    (y, last), (their_y, their_last) = layer(x, state), keras_outputs(layer, x, state)
    assert_close(y, their_y, rtol)
    for ours, theirs in zip(parts(last), parts(their_last)):
        assert_close(ours, theirs, rtol)


# State


@both_layers
def test_no_state_and_no_dstate_mean_zeros(kind):
    """Leaving either out gives the bits of zeros."""
    layer = kind(D, H, rng=1)
    x, state, dy, _ = problem(layer, T, N)
    zeros = as_state([np.zeros((1, N, H)) for _ in parts(state)])
    explicit = results(layer, x, zeros, dy, zeros)
    assert_same_results(results(layer, x, None, dy, None), explicit, rtol=0)


@both_layers
def test_carrying_the_state_over_two_halves_equals_one_run(kind):
    """Forward through the state, backward through its gradient."""
    first, second, whole = (kind(D, H, rng=1) for _ in range(3))
    x, state, dy, dstate = problem(whole, T, N)
    expected = results(whole, x, state, dy, dstate)

    y1, middle = first(x[:2], state)
    y2, last = second(x[2:], middle)
    dx2, dmiddle = second.backward(dy[2:], dstate)
    dx1, dstart = first.backward(dy[:2], dmiddle)

    assert_close(np.concatenate([y1, y2]), expected["y"], rtol=1e-14)
    assert_close(np.concatenate([dx1, dx2]), expected["dx"], rtol=1e-14)
    for name, ours, end in zip(whole.states, parts(dstart), parts(last)):
        assert_close(ours, expected[f"d{name}0"], rtol=1e-14)
        assert_close(end, expected[f"last_{name}"], rtol=1e-14)
    for name in whole.parameters:
        summed = first.grads[name] + second.grads[name]
        assert_close(summed, expected[name], rtol=1e-14)


# Parameters


@both_layers
def test_the_same_seed_gives_the_same_bits(kind):
    """Parameters and everything computed from them; another seed differs."""
    one, two, other = kind(D, H, rng=7), kind(D, H, rng=7), kind(D, H, rng=8)
    given = problem(one, T, N)
    assert_same_results(one.parameters, two.parameters, rtol=0)
    assert_same_results(results(one, *given), results(two, *given), rtol=0)
    for name in one.parameters:
        assert (one.parameters[name] != other.parameters[name]).all()


@both_layers
def test_numpys_global_random_state_plays_no_part(kind):
    """It is neither read nor advanced, with a seed, a Generator or neither."""
    unseeded = []
    for rng in [7, np.random.default_rng(7), None, None]:
        np.random.seed(0)
        layer = kind(D, H, rng=rng)
        unseeded += [layer.parameters["U_l0"]] if rng is None else []
        assert np.random.random() == 0.5488135039273248  # the first after seed(0)
    assert (unseeded[0] != unseeded[1]).all()


@both_layers
def test_a_generator_may_be_shared(kind):
    """It starts where its seed would, and goes on: layers differ."""
    shared = np.random.default_rng(7)
    one, two = kind(D, H, rng=shared), kind(D, H, rng=shared)
    assert_same_results(one.parameters, kind(D, H, rng=7).parameters, rtol=0)
    assert (one.parameters["U_l0"] != two.parameters["U_l0"]).all()


@pytest.mark.parametrize(("kind", "blocks"), [(RNN, 1), (LSTM, 4), (GRU, 3)])
def test_parameters_have_the_promised_names_shapes_and_range(kind, blocks):
    """Uniform in +-1/sqrt(H), and filling that range."""
    parameters = kind(30, 25, rng=0).parameters
    shapes = {name: array.shape for name, array in parameters.items()}
    width = 25 * blocks
    extra = {"bn_l0": (25,)} if kind is GRU else {}
    expected = {"W_l0": (30, width), "U_l0": (25, width), "b_l0": (width,)}
    assert shapes == expected | extra
    assert 0.19 < max(np.abs(array).max() for array in parameters.values()) <= 0.2
    assert abs(parameters["W_l0"].mean()) < 0.02


def test_forget_bias_sets_its_block_and_nothing_else():
    """Block f is the second of i | f | g | o; None leaves it as drawn."""
    plain, biased = LSTM(D, H, rng=1).parameters, LSTM(D, H, rng=1, forget_bias=3)
    expected = plain["b_l0"].copy()
    expected[H : 2 * H] = 3
    np.testing.assert_array_equal(biased.parameters["b_l0"], expected)
    for name in ("W_l0", "U_l0"):
        np.testing.assert_array_equal(biased.parameters[name], plain[name])


def test_a_forget_bias_of_zero_is_not_the_same_as_none():
    """Zero is a value, and sets the block."""
    bias = LSTM(D, H, rng=1, forget_bias=0).parameters["b_l0"]
    np.testing.assert_array_equal(bias[H : 2 * H], 0)


# Arrays in, arrays out


@both_layers
@both_dtypes
def test_dtype_in_is_dtype_out(kind, dtype):
    """Outputs, states and every gradient, with and without a state."""
    layer = kind(D, H, dtype=dtype)
    x, state, dy, dstate = problem(layer, T, N)
    for start, dend in [(state, dstate), (None, None)]:
        out = results(layer, x, start, dy, dend)
        dtypes = {name: array.dtype.name for name, array in out.items()}
        assert dtypes == dict.fromkeys(out, dtype)


@both_layers
def test_a_second_run_leaves_the_first_ones_results_alone(kind):
    """Returned arrays are the caller's own, the gradients too."""
    layer = kind(D, H, rng=1)
    first = results(layer, *problem(layer, T, N, seed=1))
    grads, kept, kept_grads = layer.grads, copies(first), copies(layer.grads)
    results(layer, *problem(layer, T, N, seed=2))
    assert_same_results(first, kept, rtol=0)
    assert_same_results(grads, kept_grads, rtol=0)


@both_layers
def test_what_the_caller_changes_after_forward_does_not_reach_backward(kind):
    """x, the initial state, y and the last state may all be overwritten."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    layer(x, state)
    expected, expected_state = layer.backward(dy, dstate)
    expected_grads = copies(layer.grads)

    y, last = layer(x, state)
    for array in (x, y, *parts(state), *parts(last)):
        array[...] = 99
    dx, dstart = layer.backward(dy, dstate)
    assert_close(dx, expected, rtol=0)
    assert_same_results(layer.grads, expected_grads, rtol=0)
    for ours, before in zip(parts(dstart), parts(expected_state)):
        assert_close(ours, before, rtol=0)


@both_layers
def test_two_backward_calls_in_a_row_give_the_same(kind):
    """Backward uses up nothing, and overwrites grads, not adds to them."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    once = copies(results(layer, x, state, dy, dstate))
    dx, dstart = layer.backward(dy, dstate)
    assert_close(dx, once["dx"], rtol=0)
    for name, part in zip(layer.states, parts(dstart)):
        assert_close(part, once[f"d{name}0"], rtol=0)
    for name, gradient in layer.grads.items():
        assert_close(gradient, once[name], rtol=0)


@both_layers
def test_a_run_leaves_its_arguments_alone(kind):
    """x, state, dy, dstate and the parameters keep their bits."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    arrays = [x, dy, *parts(state), *parts(dstate), *layer.parameters.values()]
    before = [array.copy() for array in arrays]
    out = results(layer, x, state, dy, dstate)
    for array, kept in zip(arrays, before):
        np.testing.assert_array_equal(array, kept)
        assert not any(np.shares_memory(array, o) for o in out.values())


@both_layers
def test_memory_layout_does_not_matter(kind):
    """Transposed views, as a batch-first data set gives, are fine."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    expected = results(layer, x, state, dy, dstate)
    x, dy = (np.ascontiguousarray(a.transpose(1, 2, 0)) for a in (x, dy))
    x, dy = (a.transpose(2, 0, 1) for a in (x, dy))
    assert not x.flags.c_contiguous
    assert_same_results(results(layer, x, state, dy, dstate), expected, rtol=1e-14)


@pytest.mark.filterwarnings("error")
@both_layers
@both_dtypes
def test_saturated_sequences_give_no_warning(kind, dtype):
    """Inputs of +-1e4: y within 1 or the first state, every gradient finite."""
    layer = kind(D, H, dtype=dtype, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    out = results(layer, 1e4 * np.sign(x), state, dy, dstate)
    assert np.abs(out["y"]).max() <= max(1, np.abs(parts(state)[0]).max())
    assert all(np.isfinite(array).all() for array in out.values())
