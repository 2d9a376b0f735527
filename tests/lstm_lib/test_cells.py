"""One time step: the equations, PyTorch's cells, and saturation."""

import numpy as np
import pytest
import torch
from twins import RTOL, assert_close

from lstm_lib import lstm_step, rnn_step, sigmoid

N, D, H = 2, 3, 4


def step_arguments(blocks, states, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    width = blocks * H
    shapes = [(N, D), *[(N, H)] * states, (D, width), (H, width), (width,)]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def torch_cell(kind, W, U, b):
    cell = kind(D, H, dtype=getattr(torch, W.dtype.name))
    with torch.no_grad():
        cell.weight_ih.copy_(torch.tensor(W.T))
        cell.weight_hh.copy_(torch.tensor(U.T))
        cell.bias_ih.copy_(torch.tensor(b))
        cell.bias_hh.zero_()
    return cell


def identity(z):
    return z


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sigmoid_is_exact_at_both_ends_and_does_not_overflow(dtype):
    """sigmoid(+-1e4) is 0 or 1, without a warning, in the input's dtype."""
    values = sigmoid(np.array([-1e4, 0, 1e4], dtype))
    np.testing.assert_array_equal(values, [0, 0.5, 1])
    assert values.dtype == dtype


def test_sigmoid_equals_its_definition():
    """1 / (1 + exp(-z)), for arrays of any shape and for one number."""
    z = np.linspace(-5, 5, 24).reshape(2, 3, 4)
    np.testing.assert_allclose(sigmoid(z), 1 / (1 + np.exp(-z)), rtol=1e-13)
    assert sigmoid(1.0) == pytest.approx(0.7310585786300049, rel=1e-15)


@pytest.mark.parametrize("dtype", RTOL)
def test_rnn_step_equals_torch(dtype):
    """One step's h equals torch.nn.RNNCell's, and keeps the dtype."""
    x, h, *weights = step_arguments(blocks=1, states=1, dtype=dtype)
    with torch.no_grad():
        theirs = torch_cell(torch.nn.RNNCell, *weights)(*map(torch.tensor, (x, h)))
    assert_close(rnn_step(x, h, *weights), theirs.numpy(), RTOL[dtype])


@pytest.mark.parametrize("dtype", RTOL)
def test_lstm_step_equals_torch(dtype):
    """One step's h and c equal torch.nn.LSTMCell's, and keep the dtype."""
    x, h, c, *weights = step_arguments(blocks=4, states=2, dtype=dtype)
    with torch.no_grad():
        x_, h_, c_ = map(torch.tensor, (x, h, c))
        theirs = torch_cell(torch.nn.LSTMCell, *weights)(x_, (h_, c_))
    for ours, expected in zip(lstm_step(x, h, c, *weights), theirs):
        assert_close(ours, expected.numpy(), RTOL[dtype])


def unit(i, f, o, g=0.0):
    """One LSTM unit with fixed gates: 1e4 opens one, -1e4 closes it."""
    W = np.array([[0.0, 0.0, 1.0, 0.0]])  # only the candidate sees x
    return W, np.zeros((1, 4)), np.array([i, f, g, o])


ON, OFF = 1e4, -1e4


@pytest.mark.parametrize(
    ("gates", "expected_h", "expected_c"),
    [
        (dict(i=ON, f=ON, o=ON), 10, 10),  # 7 is added to the 3 in memory
        (dict(i=OFF, f=ON, o=ON), 3, 3),  # a forget gate at 1 keeps
        (dict(i=ON, f=OFF, o=ON), 7, 7),  # a forget gate at 0 forgets
        (dict(i=ON, f=ON, o=OFF), 0, 10),  # written, not shown
        (dict(i=ON, f=ON, o=ON, g=2.0), 12, 12),  # the bias of the candidate
    ],
)
def test_a_unit_worked_by_hand(gates, expected_h, expected_c):
    """Blocks are i | f | g | o; with identities the unit is a counter."""
    x, h, c = np.array([[7.0]]), np.array([[5.0]]), np.array([[3.0]])
    h, c = lstm_step(x, h, c, *unit(**gates), activation=identity, readout=identity)
    assert (h.item(), c.item()) == (expected_h, expected_c)


@pytest.mark.parametrize("activation", [np.tanh, identity])
@pytest.mark.parametrize("readout", [np.tanh, identity])
def test_activation_acts_on_the_candidate_and_readout_on_the_cell(activation, readout):
    """Each may be the identity without the other."""
    x, h, c = np.array([[0.7]]), np.array([[0.5]]), np.array([[0.3]])
    weights = unit(i=ON, f=ON, o=ON)
    h, c = lstm_step(x, h, c, *weights, activation=activation, readout=readout)
    assert c.item() == pytest.approx(0.3 + activation(0.7), rel=1e-14)
    assert h.item() == pytest.approx(readout(0.3 + activation(0.7)), rel=1e-14)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step, blocks, states", [(rnn_step, 1, 1), (lstm_step, 4, 2)])
def test_saturated_steps_give_no_warning(step, blocks, states, dtype):
    """Inputs and states of +-1e4 leave h finite and within [-1, 1]."""
    x, *rest = step_arguments(blocks, states, dtype)
    state, weights = rest[:states], rest[states:]
    h, *_ = np.atleast_3d(step(1e4 * x, *(1e4 * s for s in state), *weights))
    assert np.abs(h).max() <= 1


@pytest.mark.parametrize("step, blocks, states", [(rnn_step, 1, 1), (lstm_step, 4, 2)])
def test_steps_leave_their_arguments_alone(step, blocks, states):
    """No argument is changed in place, and no result is one of them."""
    arguments = step_arguments(blocks, states)
    before = [array.copy() for array in arguments]
    outputs = step(*arguments)
    for array, kept in zip(arguments, before):
        np.testing.assert_array_equal(array, kept)
        assert not any(np.shares_memory(out, array) for out in outputs)
