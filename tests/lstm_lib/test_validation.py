"""Errors name the argument, what was expected and what came, and do no harm."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from twins import LAYERS, assert_same_results, copies, problem, results

import lstm_lib
from lstm_lib import LSTM, RNN, ShapeError, lstm_step, rnn_step

T, N, D, H = 5, 2, 3, 4
zeros = np.zeros
both_layers = pytest.mark.parametrize("kind", LAYERS)


def with_nan(shape, where):
    array = zeros(shape)
    array[where] = np.nan
    return array


# name of the case: call, error, words of its message
CALLS = {
    "x of rank 2": (
        lambda layer: layer(zeros((T, D))),
        ShapeError,
        ["x:", "expected 3 axes (T, N, D)", "got 2: (5, 3)"],
    ),
    "x with the wrong feature size": (
        lambda layer: layer(zeros((T, N, D + 1))),
        ShapeError,
        ["x:", "expected shape (T, N, D) = (5, 2, 3)", "got (5, 2, 4)"],
    ),
    "x without a time step": (
        lambda layer: layer(zeros((0, N, D))),
        ShapeError,
        ["x:", "expected no empty axis", "got (0, 2, 3)"],
    ),
    "x of integers": (
        lambda layer: layer(zeros((T, N, D), int)),
        TypeError,
        ["x:", "expected float64", "got int64", "np.asarray(x, dtype=...)"],
    ),
    "x in another precision": (
        lambda layer: layer(zeros((T, N, D), "float32")),
        TypeError,
        ["x:", "expected float64", "got float32"],
    ),
    "x with NaN": (
        lambda layer: layer(with_nan((T, N, D), (3, 1, 2))),
        ValueError,
        ["x:", "expected finite", "got nan at (3, 1, 2)"],
    ),
    "x with infinity": (
        lambda layer: layer(zeros((T, N, D)) - np.inf),
        ValueError,
        ["x:", "expected finite", "got -inf at (0, 0, 0)"],
    ),
    "dy of one step": (
        lambda layer: layer.backward(zeros((N, H))),
        ShapeError,
        ["dy:", "expected 3 axes (T, N, H)", "got 2: (2, 4)"],
    ),
    "dy of another length": (
        lambda layer: layer.backward(zeros((T + 1, N, H))),
        ShapeError,
        ["dy:", "expected shape (T, N, H) = (5, 2, 4)", "got (6, 2, 4)"],
    ),
    "dy with NaN": (
        lambda layer: layer.backward(with_nan((T, N, H), (4, 0, 3))),
        ValueError,
        ["dy:", "expected finite", "got nan at (4, 0, 3)"],
    ),
    "dy in another precision": (
        lambda layer: layer.backward(zeros((T, N, H), "float32")),
        TypeError,
        ["dy:", "expected float64", "got float32"],
    ),
}
RNN_CALLS = {
    "h without its first axis": (
        lambda layer: layer(zeros((T, N, D)), zeros((N, H))),
        ShapeError,
        ["h:", "expected 3 axes (1, N, H)", "got 2: (2, 4)"],
    ),
    "dh of another batch": (
        lambda layer: layer.backward(zeros((T, N, H)), zeros((1, N + 1, H))),
        ShapeError,
        ["dh:", "expected shape (1, N, H) = (1, 2, 4)", "got (1, 3, 4)"],
    ),
}
LSTM_CALLS = {
    "one array as the state": (
        lambda layer: layer(zeros((T, N, D)), zeros((1, N, H))),
        ShapeError,
        ["state:", "expected a tuple (h, c)", "got an array (1, 2, 4)"],
    ),
    "h and c stacked in one array": (
        lambda layer: layer(zeros((T, N, D)), zeros((2, N, H))),
        ShapeError,
        ["state:", "expected a tuple (h, c)", "got an array (2, 2, 4)"],
    ),
    "a state of three": (
        lambda layer: layer(zeros((T, N, D)), (zeros((1, N, H)),) * 3),
        ShapeError,
        ["state:", "expected a tuple (h, c)", "got a tuple of 3"],
    ),
    "h of another batch": (
        lambda layer: layer(zeros((T, N, D)), (zeros((1, 3, H)), zeros((1, N, H)))),
        ShapeError,
        ["h:", "expected shape (1, N, H) = (1, 2, 4)", "got (1, 3, 4)"],
    ),
    "c with N and H exchanged": (
        lambda layer: layer(zeros((T, N, D)), (zeros((1, N, H)), zeros((1, H, N)))),
        ShapeError,
        ["c:", "expected shape (1, N, H) = (1, 2, 4)", "got (1, 4, 2)"],
    ),
    "one array as dstate": (
        lambda layer: layer.backward(zeros((T, N, H)), zeros((1, N, H))),
        ShapeError,
        ["dstate:", "expected a tuple (dh, dc)", "got an array (1, 2, 4)"],
    ),
    "dc with NaN": (
        lambda layer: layer.backward(
            zeros((T, N, H)), (zeros((1, N, H)), with_nan((1, N, H), (0, 1, 3)))
        ),
        ValueError,
        ["dc:", "expected finite", "got nan at (0, 1, 3)"],
    ),
}
BAD_CALLS = [
    pytest.param(kind, *case, id=f"{kind.__name__}, {name}")
    for kind, cases in [(RNN, CALLS | RNN_CALLS), (LSTM, CALLS | LSTM_CALLS)]
    for name, case in cases.items()
]


def assert_says(raised, words):
    missing = [word for word in words if word not in str(raised.value)]
    assert not missing, f"{raised.value!s} lacks {missing}"


@pytest.mark.parametrize(("kind", "call", "error", "words"), BAD_CALLS)
def test_a_bad_call_is_named_and_changes_nothing(kind, call, error, words):
    """After the error: the same parameters, grads and backward results."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    expected = copies(results(layer, x, state, dy, dstate))
    parameters, grads = copies(layer.parameters), layer.grads

    with pytest.raises(error) as raised:
        call(layer)

    assert_says(raised, words)
    assert layer.grads is grads
    assert_same_results(layer.parameters, parameters, rtol=0)
    assert_same_results(grads, {name: expected[name] for name in grads}, rtol=0)
    dx, _ = layer.backward(dy, dstate)
    np.testing.assert_array_equal(dx, expected["dx"])


@both_layers
def test_float64_into_a_float32_layer_is_an_error(kind):
    """The other direction: nothing is rounded in silence."""
    with pytest.raises(TypeError) as raised:
        kind(D, H, dtype="float32")(zeros((T, N, D)))
    assert_says(raised, ["x:", "expected float32", "got float64"])


@both_layers
def test_backward_before_forward_says_what_to_run(kind):
    """On a new layer, and on one whose only forward call failed."""
    layer = kind(D, H)
    with pytest.raises(ShapeError):
        layer(zeros((T, D)))
    with pytest.raises(RuntimeError) as raised:
        layer.backward(zeros((T, N, H)))
    assert_says(raised, [f"{kind.__name__}.backward", "forward call", "layer(x)"])
    assert layer.grads == {}


@pytest.mark.parametrize(
    ("kind", "key", "wrong", "words"),
    [
        (RNN, "W_l0", zeros((H, D)), ["(D, H) = (3, 4)", "got (4, 3)"]),
        (RNN, "U_l0", zeros((H, H + 1)), ["(H, H) = (4, 4)", "got (4, 5)"]),
        (RNN, "b_l0", zeros((1, H)), ["expected 1 axes (H,)", "got 2: (1, 4)"]),
        (LSTM, "W_l0", zeros((4 * H, D)), ["(D, 4H) = (3, 16)", "got (16, 3)"]),
        (LSTM, "U_l0", zeros((H, H)), ["(H, 4H) = (4, 16)", "got (4, 4)"]),
        (LSTM, "b_l0", zeros(H), ["(4H,) = (16,)", "got (4,)"]),
        (LSTM, "b_l0", zeros(4 * H, int), ["expected float64", "got int64"]),
        (LSTM, "b_l0", with_nan(4 * H, 7), ["expected finite", "got nan at (7,)"]),
    ],
)
def test_a_parameter_set_by_hand_is_checked(kind, key, wrong, words):
    """In forward and in backward; put right, the layer goes on."""
    layer = kind(D, H, rng=1)
    x, state, dy, dstate = problem(layer, T, N)
    expected = copies(results(layer, x, state, dy, dstate))
    kept, layer.parameters[key] = layer.parameters[key], wrong
    for call in (lambda: layer(x), lambda: layer.backward(dy, dstate)):
        with pytest.raises((ShapeError, TypeError, ValueError)) as raised:
            call()
        assert_says(raised, [f"{key}:", *words])
    layer.parameters[key] = kept
    dx, _ = layer.backward(dy, dstate)
    np.testing.assert_array_equal(dx, expected["dx"])


@both_layers
def test_a_missing_parameter_is_named(kind):
    """A deleted key does not end in an unexplained error."""
    layer = kind(D, H)
    del layer.parameters["U_l0"]
    with pytest.raises(KeyError, match="expected a key 'U_l0'"):
        layer(zeros((T, N, D)))


@pytest.mark.parametrize("bias", [np.nan, np.inf, "1", [1.0]])
def test_forget_bias_is_a_finite_number(bias):
    """Said when the layer is made, not at its first call."""
    with pytest.raises(ValueError, match="forget_bias: expected a finite number"):
        LSTM(D, H, forget_bias=bias)


def test_the_state_of_an_rnn_is_one_array():
    """A tuple, right for an LSTM, is named as the wrong form."""
    with pytest.raises(ShapeError, match=r"state: expected one array h .* tuple of 1"):
        RNN(D, H)(zeros((T, N, D)), (zeros((1, N, H)),))


def test_a_ragged_list_is_named():
    """NumPy's own error does not say which argument it is about."""
    with pytest.raises(TypeError, match="x: expected an array"):
        RNN(D, H)([[[1.0], [1.0, 2.0]]])


@both_layers
@pytest.mark.parametrize("size", [0, -1, 2.5, "4", True, None])
@pytest.mark.parametrize("name", ["input_size", "hidden_size"])
def test_sizes_are_positive_integers(kind, name, size):
    """The message names the size and shows what came."""
    sizes = {"input_size": D, "hidden_size": H, name: size}
    with pytest.raises(ValueError) as raised:
        kind(**sizes)
    assert_says(raised, [f"{name}:", "positive integer", f"got {size!r}"])


@both_layers
@pytest.mark.parametrize("dtype", ["float16", "int64", "complex128"])
def test_dtype_is_float32_or_float64(kind, dtype):
    """Nothing else is computed with."""
    with pytest.raises(TypeError) as raised:
        kind(D, H, dtype=dtype)
    assert_says(raised, ["dtype:", "float32 or float64", f"got {dtype}"])


@pytest.mark.parametrize(
    ("argument", "wrong", "words"),
    [
        ("x", zeros((N, D, 1)), ["expected 2 axes (N, D)", "got 3: (2, 3, 1)"]),
        ("x", zeros((N, D), int), ["expected float32 or float64", "got int64"]),
        ("x", with_nan((N, D), (1, 2)), ["expected finite", "got nan at (1, 2)"]),
        ("h", zeros((N + 1, H)), ["(N, H) = (2, 4)", "got (3, 4)"]),
        ("h", zeros((N, H), "float32"), ["expected float64", "got float32"]),
        ("c", zeros((N, H + 1)), ["(N, H) = (2, 4)", "got (2, 5)"]),
        ("W", zeros((H, D)), ["expected shape (D, ", "got (4, 3)"]),
        ("U", zeros((H, 7)), ["expected shape (H, ", "got (4, 7)"]),
        ("b", zeros(H + 1), ["expected shape (", "got (5,)"]),
    ],
)
def test_a_bad_argument_of_a_step_is_named(argument, wrong, words):
    """The cells check as the layers do."""
    for step, states, blocks in [(rnn_step, "h", 1), (lstm_step, "hc", 4)]:
        good = {"x": zeros((N, D)), **{name: zeros((N, H)) for name in states}}
        good |= {"W": zeros((D, blocks * H)), "U": zeros((H, blocks * H))}
        good |= {"b": zeros(blocks * H)}
        step(**good)
        if argument in good:
            with pytest.raises((ShapeError, TypeError, ValueError)) as raised:
                step(**good | {argument: wrong})
            assert_says(raised, [f"{argument}:", *words])


def test_a_shape_error_is_a_value_error():
    """So that `except ValueError` sees it."""
    assert issubclass(ShapeError, ValueError)


# The package itself


def test_importing_the_package_loads_neither_plots_nor_frameworks():
    """NumPy alone, for every public name."""
    code = (
        "import sys, lstm_lib\n"
        "from lstm_lib import *\n"
        "print([m for m in ('matplotlib', 'torch', 'keras') if m in sys.modules])"
    )
    root = Path(lstm_lib.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_an_unknown_name_is_an_attribute_error():
    """Lazy lookup behaves as a plain module does, and lists its names."""
    assert set(lstm_lib.__all__) <= set(dir(lstm_lib))
    with pytest.raises(AttributeError, match="'lstm_lib' has no attribute 'LSTN'"):
        lstm_lib.LSTN  # noqa: B018
