"""The judge of backward passes: right when right, and not fooled."""

import numpy as np
import pytest
from twins import LAYERS, as_state, copies, parts, problem

from lstm_lib import LSTM, RNN, gradcheck, numerical_gradient

T, N, D, H = 4, 2, 3, 5
RIGHT, WRONG = 1e-7, 1e-2  # relative errors, far apart


def test_numerical_gradient_of_a_known_function():
    """d/dA of sum(A**3 * B) is 3 A**2 B; the error is of order eps**2."""
    rng = np.random.default_rng(0)
    A, B = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    found = numerical_gradient(lambda: (A**3 * B).sum(), A)
    np.testing.assert_allclose(found, 3 * A**2 * B, rtol=0, atol=1e-9)


def test_numerical_gradient_restores_its_array():
    """To the last bit, after moving every entry, tiny or large."""
    array = np.logspace(-20, 3, 24).reshape(2, 3, 4)
    before, seen = array.copy(), []
    numerical_gradient(lambda: seen.append(array.copy()) or 0.0, array)
    np.testing.assert_array_equal(array, before)
    assert np.all(np.ptp(seen, axis=0) > 0)


@pytest.mark.parametrize("wrong", [np.ones(3, "float32"), np.ones(3, int)])
def test_numerical_gradient_wants_float64(wrong):
    """A step of 1e-5 is lost in float32."""
    with pytest.raises(TypeError, match=r"array: expected float64 .* got (float|int)"):
        numerical_gradient(lambda: 0.0, wrong)


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("with_state", [True, False])
def test_gradcheck_passes_on_both_layers(kind, with_state):
    """Every gradient is reported, and is right."""
    layer = kind(D, H, rng=1)
    x, state, *_ = problem(layer, T, N)
    errors = gradcheck(layer, x, state if with_state else None)
    assert errors.keys() == {"x", *layer.states, *layer.parameters}
    assert max(errors.values()) < RIGHT, errors


@pytest.mark.parametrize("kind", LAYERS)
def test_gradcheck_leaves_inputs_and_parameters_alone(kind):
    """Every parameter is put back; x and state may be read-only."""
    layer = kind(D, H, rng=1)
    x, state, *_ = problem(layer, T, N)
    for array in (x, *parts(state)):
        array.flags.writeable = False
    arrays = {"x": x, **dict(zip(layer.states, parts(state))), **layer.parameters}
    before = copies(arrays)
    gradcheck(layer, x, state)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


class NoRecurrence:
    """Backward forgets that h reaches the next step through U."""

    def _backward(self, dy, dlast, ends, w, *rest):
        w = w | {"U": np.zeros_like(w["U"])}
        return super()._backward(dy, dlast, ends, w, *rest)


class NoLastState:
    """Backward ignores the gradient that arrives through the last state."""

    def backward(self, dy, dstate=None):
        return super().backward(dy, None)


class MeanOverBatch:
    """The bias' gradient is averaged over the batch, where it is summed."""

    def backward(self, dy, dstate=None):
        out = super().backward(dy, dstate)
        self.grads["b_l0"] /= N
        return out


class StateOfNextStep:
    """The initial state's gradient is twice too large."""

    def backward(self, dy, dstate=None):
        dx, dstart = super().backward(dy, dstate)
        return dx, as_state([2 * part for part in parts(dstart)])


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize(
    ("mistake", "where"),
    [
        (NoRecurrence, {"x", "h", "c", "W_l0", "U_l0", "b_l0", "bn_l0"}),
        (NoLastState, {"x", "h", "c", "W_l0", "U_l0", "b_l0", "bn_l0"}),
        (MeanOverBatch, {"b_l0"}),
        (StateOfNextStep, {"h", "c"}),
    ],
)
def test_gradcheck_catches_a_planted_error_and_says_where(kind, mistake, where):
    """The gradients the mistake spoils are far off, and no other."""
    layer = type("Planted", (mistake, kind), {})(D, H, rng=1)
    x, state, *_ = problem(layer, T, N)
    errors = gradcheck(layer, x, state)
    assert {name for name, error in errors.items() if error > WRONG} == (
        where & errors.keys()
    )
    assert all(e < RIGHT for name, e in errors.items() if name not in where), errors


def test_gradcheck_catches_a_gate_without_its_slope():
    """The forget gate's f (1 - f) left out of the backward pass."""

    class NoSlope(LSTM):
        def _backward(self, dy, dlast, ends, w, states, cache, work):
            dz, *rest = super()._backward(dy, dlast, ends, w, states, cache, work)
            f = cache[0][:, 1]
            dz[1] /= f * (1 - f)
            return dz, *rest

    layer = NoSlope(D, H, rng=1)
    errors = gradcheck(layer, problem(layer, T, N)[0])
    assert min(errors[name] for name in ("x", "W_l0", "b_l0")) > WRONG


def test_missing_recurrence_is_seen_from_two_steps_on():
    """At T=1 every weight's gradient is right: check more than one step."""
    layer = type("Planted", (NoRecurrence, RNN), {})(D, H, rng=1)
    one, two = (problem(layer, steps, N)[:2] for steps in (1, 2))
    assert gradcheck(layer, *one)["W_l0"] < RIGHT
    assert gradcheck(layer, *two)["W_l0"] > WRONG


def test_numerical_gradient_restores_its_array_when_the_loss_fails():
    """Gradcheck moves a layer's own parameters; an error must not leave a trace."""
    array = np.arange(3.0)
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda: 1 / 0, array)
    np.testing.assert_array_equal(array, np.arange(3.0))


def test_gradcheck_accepts_a_list_as_state_like_the_layer():
    """Whatever form the call takes."""
    state = [np.ones((1, 2, 4)), np.ones((1, 2, 4))]
    errors = gradcheck(LSTM(3, 4, rng=0), np.ones((5, 2, 3)), state)
    assert max(errors.values()) < 1e-7


def test_gradcheck_asks_for_a_float64_layer():
    """It names the layer, not the input that fits the layer."""
    with pytest.raises(TypeError, match="layer: expected a float64 layer"):
        gradcheck(RNN(3, 4, dtype="float32"), np.ones((5, 2, 3), "float32"))


def test_gradcheck_sees_a_gradient_of_the_wrong_shape():
    """Broadcasting would call (1, H) equal to (H,)."""

    class Row(RNN):
        def backward(self, dy, dstate=None):
            out = super().backward(dy, dstate)
            self.grads["b_l0"] = self.grads["b_l0"][None]
            return out

    layer = Row(D, H, rng=1)
    assert gradcheck(layer, problem(layer, T, N)[0])["b_l0"] == np.inf


def test_gradcheck_leaves_the_layers_last_forward_call_alone():
    """Backward after it belongs to the forward before it."""
    layer = LSTM(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    layer(x, state)
    expected, _ = layer.backward(dy, dstate)
    gradcheck(layer, 2 * x)
    np.testing.assert_array_equal(layer.backward(dy, dstate)[0], expected)
