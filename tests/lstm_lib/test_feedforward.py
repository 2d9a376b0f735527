"""Layers without memory: equal to torch, gradients by differences, statistics.

Sizes differ (T=5, N=3, D=4, M=6), so that a swapped axis fails.
"""

import numpy as np
import pytest
from slopes import assert_gradients
from twins import LAYERS, RTOL, assert_close, parts

from lstm_lib import ShapeError
from lstm_lib.feedforward import (
    Dense,
    Dropout,
    Embedding,
    LastStep,
    MeanOverTime,
    OneHot,
)

T, N, D, M, V = 5, 3, 4, 6, 7
LENGTHS = [2, 5, 1]
both_dtypes = pytest.mark.parametrize("dtype", RTOL)
with_and_without = pytest.mark.parametrize("lengths", [None, LENGTHS])
every_activation = pytest.mark.parametrize("activation", [None, "tanh", "relu"])
every_shape = pytest.mark.parametrize("shape", [(), (N,), (T, N), (1, 1), (2, T, N)])


def draw(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


# Dense


@every_activation
@every_shape
@pytest.mark.parametrize("bias", [True, False])
@both_dtypes
def test_dense_equals_torch(activation, shape, bias, dtype):
    """nn.Linear and its activation: outputs and every gradient."""
    import torch

    layer = Dense(D, M, bias, activation=activation, dtype=dtype, rng=1)
    x, dy = draw(*shape, D, dtype=dtype), draw(*shape, M, dtype=dtype, seed=1)
    twin = torch.nn.Linear(D, M, bias, dtype=getattr(torch, dtype))
    with torch.no_grad():
        twin.weight.copy_(torch.tensor(layer.parameters["W"].T))
        if bias:
            twin.bias.copy_(torch.tensor(layer.parameters["b"]))
    given = torch.tensor(x, requires_grad=True)
    theirs = twin(given)
    theirs = getattr(torch, activation)(theirs) if activation else theirs
    theirs.backward(torch.tensor(dy))

    assert_close(layer(x), theirs.detach().numpy(), RTOL[dtype])
    assert_close(layer.backward(dy), given.grad.numpy(), RTOL[dtype])
    assert_close(layer.grads["W"], twin.weight.grad.numpy().T, RTOL[dtype])
    assert list(layer.parameters) == list(layer.grads) == ["W", "b"][: 1 + bias]
    if bias:
        assert_close(layer.grads["b"], twin.bias.grad.numpy(), RTOL[dtype])


@every_activation
def test_denses_gradients_are_those_by_differences(activation):
    """By x, W and b."""
    layer = Dense(D, M, activation=activation, rng=1)
    x, dy = draw(T, N, D), draw(T, N, M, seed=1)
    layer(x)
    found = {"x": layer.backward(dy), **layer.grads}
    assert_gradients(lambda: (layer(x) * dy).sum(), {"x": x, **layer.parameters}, found)


@every_activation
def test_denses_arrays_stay_whose_they_are(activation):
    """Nothing given changes; changing x or y before backward changes nothing."""
    layer = Dense(D, M, activation=activation, rng=1)
    x, dy = draw(T, N, D), draw(T, N, M, seed=1)
    layer(x)
    dx, grads = layer.backward(dy), layer.grads
    x.flags.writeable = dy.flags.writeable = False
    given = x.copy()
    layer(given)[...] = 9
    given[...] = 9
    for _ in range(2):  # backward may be called again
        again = layer.backward(dy)
        assert_close(again, dx, 0)
        assert_close(layer.grads["W"], grads["W"], 0)
        again[...] = 9


def test_denses_initial_weights_are_those_of_nn_linear():
    """Uniform in +-1/sqrt(D), from the seed."""
    one, two = Dense(100, 50, rng=3), Dense(100, 50, rng=3)
    for key, array in one.parameters.items():
        np.testing.assert_array_equal(array, two.parameters[key])
        assert np.abs(array).max() <= 0.1 < 1.1 * np.abs(array).max()
    assert abs(one.parameters["W"].var() / (0.01 / 3) - 1) < 0.05


@every_activation
def test_dense_takes_inputs_of_1e4(activation):
    """Finite in float32, without a warning."""
    layer = Dense(D, M, activation=activation, dtype="float32", rng=1)
    x = np.full((N, D), 1e4, "float32")
    y, dx = layer(x), layer.backward(np.full((N, M), -1e4, "float32"))
    assert np.isfinite(y).all() and np.isfinite(dx).all()


def test_dense_does_not_take_an_activation_for_the_bias():
    """Dense(4, 6, "tanh") would silently be linear."""
    with pytest.raises((TypeError, ValueError), match="bias"):
        Dense(D, M, "tanh")


# Embedding and OneHot


@both_dtypes
@every_shape
@pytest.mark.parametrize("padding_idx", [None, 0, 2])
def test_embedding_equals_torch(dtype, shape, padding_idx):
    """nn.Embedding: rows and their gradient, each symbol's uses added up."""
    import torch

    layer = Embedding(V, D, padding_idx=padding_idx, dtype=dtype, rng=1)
    tokens = np.random.default_rng(0).integers(0, 4, shape)  # repeats, and gaps
    dy = draw(*shape, D, dtype=dtype)
    twin = torch.nn.Embedding(
        V, D, padding_idx, _weight=torch.tensor(layer.parameters["E"])
    )
    theirs = twin(torch.tensor(tokens))
    theirs.backward(torch.tensor(dy))
    np.testing.assert_array_equal(layer(tokens), theirs.detach().numpy())
    assert layer.backward(dy) is None
    expected = twin.weight.grad.numpy()
    assert layer.grads["E"].dtype == dtype
    np.testing.assert_allclose(layer.grads["E"], expected, rtol=RTOL[dtype], atol=1e-6)


def test_embeddings_gradient_is_the_one_by_differences():
    """A symbol used twice counts twice."""
    layer = Embedding(V, D, rng=1)
    tokens, dy = np.array([[0, 3, 3], [6, 3, 1]]), draw(2, 3, D)
    layer(tokens)
    layer.backward(dy)
    assert_gradients(lambda: (layer(tokens) * dy).sum(), layer.parameters, layer.grads)
    assert not layer.grads["E"][[2, 4, 5]].any()


def test_embeddings_rows_are_standard_normal_from_the_seed():
    """And the padding's row is zero."""
    layer = Embedding(200, 50, padding_idx=3, rng=0)
    rows = np.delete(layer.parameters["E"], 3, axis=0)
    assert not layer.parameters["E"][3].any()
    assert abs(rows.mean()) < 0.02 and abs(rows.var() - 1) < 0.05
    np.testing.assert_array_equal(
        Embedding(200, 50, padding_idx=3, rng=0).parameters["E"],
        layer.parameters["E"],
    )
    assert layer.output_size == 50


@pytest.mark.parametrize("integers", ["uint8", "int16", "int64"])
def test_any_integers_are_symbols(integers):
    """The same rows; what is returned is the caller's own."""
    tokens = np.array([[0, 6, 6]], integers)
    embedding, onehot = Embedding(V, D, rng=1), OneHot(V)
    before = embedding.parameters["E"].copy()
    embedding(6)[...] = 9  # a row alone is no view of the table
    y = embedding(tokens)
    np.testing.assert_array_equal(y, before[[[0, 6, 6]]])
    np.testing.assert_array_equal(onehot(tokens), np.eye(V)[[[0, 6, 6]]])
    y[...] = 9
    tokens[...] = 1
    embedding.backward(np.ones((1, 3, D)))
    uses = embedding.grads["E"].sum(axis=1) / D
    np.testing.assert_array_equal(uses, [1, 0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(embedding.parameters["E"], before)


@both_dtypes
@every_shape
def test_onehot_is_a_row_of_the_identity(dtype, shape):
    """Nothing to learn, no gradient."""
    tokens = np.random.default_rng(0).integers(0, V, shape)
    layer = OneHot(V, dtype=dtype)
    y = layer(tokens)
    assert y.dtype == dtype and y.shape == (*shape, V)
    np.testing.assert_array_equal(y.argmax(axis=-1), tokens)
    np.testing.assert_array_equal(y.sum(axis=-1), 1)
    np.testing.assert_array_equal(np.unique(y), [0, 1])
    assert layer.backward(y) is None and not layer.parameters and not layer.grads
    assert layer.output_size == V


def test_onehot_of_many_symbols_needs_no_square():
    """Of 100 000 symbols a square table would hold 80 GB."""
    assert OneHot(100_000)(np.array([99_999])).argmax() == 99_999


# Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("locked", [False, True])
@both_dtypes
def test_dropout_zeros_a_share_and_keeps_the_mean(p, locked, dtype):
    """Each number is 0 or x / (1 - p); the share is p within 5 deviations."""
    x = np.ones((2, 300, 100), dtype)
    y = Dropout(p, locked=locked, rng=0)(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - p)], rtol=1e-6)
    draws = y.size / (2 if locked else 1)
    assert abs((y == 0).mean() - p) < 5 * np.sqrt(p * (1 - p) / draws)


def test_dropout_draws_anew_at_each_call_and_each_step():
    """Two calls differ, steps differ, examples differ."""
    layer, x = Dropout(0.5, rng=0), np.ones((T, N, 50))
    one, two = layer(x), layer(x)
    assert (one != two).any() and (one[0] != one[1]).any()
    assert (one[:, 0] != one[:, 1]).any()


def test_locked_dropout_draws_one_mask_for_all_steps():
    """Gal & Ghahramani: one a sequence, another for each example and call."""
    layer, x = Dropout(0.5, locked=True, rng=0), np.ones((T, N, 50))
    one, two = layer(x), layer(x)
    np.testing.assert_array_equal(one, np.broadcast_to(one[0], one.shape))
    assert (one[:, 0] != one[:, 1]).any() and (one != two).any()


@pytest.mark.parametrize("locked", [False, True])
@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.4])
def test_dropouts_backward_uses_the_mask_of_the_call(locked, training, p):
    """Dy meets the same zeros and the same scale as x did."""
    layer, x, dy = Dropout(p, locked=locked, rng=0), draw(T, N, D), draw(T, N, D)
    layer.training = training
    y = layer(x)
    for _ in range(2):
        np.testing.assert_allclose(layer.backward(dy), dy * (y / x), rtol=1e-14)
    if not training or not p:
        np.testing.assert_array_equal(y, x)
        y[...] = 9
        assert not (x == 9).any()


def test_dropout_repeats_with_its_seed():
    """And leaves the state of its generator alone while not training."""
    x, one, two = np.ones((T, N, D)), Dropout(0.5, rng=4), Dropout(0.5, rng=4)
    two.training = False
    two(x)
    two.training = True
    np.testing.assert_array_equal(one(x), two(x))


# LastStep and MeanOverTime


@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("bidirectional", [False, True])
@with_and_without
def test_last_step_is_the_last_hidden_state(kind, bidirectional, lengths):
    """Of every direction, with each sequence's own length."""
    layer = kind(D, M, bidirectional=bidirectional, rng=1)
    y, state = layer(draw(T, N, D), None, lengths)
    last = LastStep(bidirectional)(y, lengths)
    np.testing.assert_array_equal(last, np.concatenate(list(parts(state)[0]), axis=1))


@pytest.mark.parametrize("layer", [LastStep(), LastStep(True), MeanOverTime()])
@with_and_without
def test_summaries_gradients_are_those_by_differences(layer, lengths):
    """None beyond a length."""
    y, dout = draw(T, N, M), draw(N, M, seed=1)
    layer(y, lengths)
    dy = layer.backward(dout)
    assert_gradients(lambda: (layer(y, lengths) * dout).sum(), {"y": y}, {"y": dy})
    if lengths is not None:
        assert not dy[np.arange(T)[:, None] >= np.array(lengths)].any()
    dy[...] = 9
    np.testing.assert_array_equal(layer.backward(dout) == 9, False)


@both_dtypes
def test_mean_over_time_is_each_sequences_own_mean(dtype):
    """What stands beyond a length does not count."""
    y = draw(T, N, M, dtype=dtype)
    y[np.arange(T)[:, None] >= np.array(LENGTHS)] = 1e4
    mean = MeanOverTime()(y, LENGTHS)
    assert mean.dtype == dtype
    for n, length in enumerate(LENGTHS):
        np.testing.assert_allclose(mean[n], y[:length, n].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(MeanOverTime()(y), y.mean(axis=0), rtol=1e-4)


@pytest.mark.parametrize("layer", [LastStep(), LastStep(True), MeanOverTime()])
@both_dtypes
def test_summaries_keep_the_dtype_and_own_their_arrays(layer, dtype):
    """One step of one example is its own summary; nothing given changes."""
    y = draw(1, 1, 2, dtype=dtype)
    y.flags.writeable = False
    out = layer(y, [1])
    np.testing.assert_array_equal(out, y[0])
    dy = layer.backward(out)
    assert out.dtype == dy.dtype == dtype
    np.testing.assert_array_equal(dy, y)
    out[...] = 9
    assert layer.uses_lengths and (y != 9).all()


# Errors


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Dense(0, 2), "input_size: expected a positive"),
        (lambda: Dense(2, 2.5), "output_size: expected a positive"),
        (lambda: Dense(2, 2, activation="gelu"), "activation: expected .* got 'gelu'"),
        (lambda: Embedding(0, 2), "num_embeddings: expected a positive"),
        (lambda: Embedding(2, 0), "embedding_dim: expected a positive"),
        (lambda: Embedding(2, 3, padding_idx=2), "padding_idx: .* 0..1, got 2"),
        (lambda: Embedding(2, 3, padding_idx=-1), "padding_idx: .* 0..1, got -1"),
        (lambda: OneHot(-1), "size: expected a positive"),
        (lambda: Dropout(1.0), r"p: expected a number in \[0, 1\), got 1.0"),
        (lambda: Dropout(-0.1), r"p: expected a number in \[0, 1\)"),
        (lambda: Dropout(np.nan), "p: expected a number .* got nan"),
        (lambda: Dropout("half"), "p: expected a number .* got 'half'"),
        (lambda: Embedding(V, D)([7]), "tokens: expected integers in 0..6, got 7"),
        (lambda: OneHot(V)([-1]), "tokens: expected integers in 0..6, got -1"),
        (lambda: Dense(2, 2)([[np.nan, 1]]), "x: expected finite numbers"),
        (lambda: LastStep()(draw(T, N, 2), [6, 1, 1]), "lengths: .* in 1..5"),
        (lambda: MeanOverTime()(draw(T, N, 2), [0, 1, 1]), "lengths: .* in 1..5"),
    ],
)
def test_bad_values_are_named(make, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        make()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Dense(2, 3)(draw(4, 3)), r"x: expected a last axis of 2, got shape"),
        (lambda: Dense(1, 3)(np.float64(1)), r"x: expected a last axis of 1"),
        (lambda: LastStep()(draw(4, 3)), "y: expected 3 axes"),
        (lambda: MeanOverTime()(draw(4, 3)), "y: expected 3 axes"),
        (lambda: LastStep(True)(draw(4, 3, 5)), "y: expected an even last axis"),
        (lambda: LastStep()(draw(4, 3, 5), [1, 2]), "lengths: expected shape"),
    ],
)
def test_bad_shapes_are_named(call, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ShapeError, match=words):
        call()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Dense(2, 3)(draw(2, dtype="float32")), "x: expected float64"),
        (lambda: Dense(2, 3, dtype=int), "dtype: expected float32 or float64"),
        (lambda: Embedding(V, D)([0.5]), "tokens: expected integers, got float64"),
        (lambda: Embedding(V, D)([True]), "tokens: expected integers, got bool"),
        (lambda: Embedding(V, D)([[1], [1, 2]]), "tokens: expected integers"),
        (lambda: OneHot(V)(["a"]), "tokens: expected integers"),
        (lambda: Dropout(0.5)([1, 2]), "x: expected float32 or float64"),
    ],
)
def test_bad_dtypes_are_named(call, words):
    """The argument, what was expected and what came."""
    with pytest.raises(TypeError, match=words):
        call()


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (Dense(2, 3), draw(T, N, 2)),
        (Embedding(V, 3), np.ones((T, N), int)),
        (Dropout(0.5), draw(T, N, 2)),
        (LastStep(), draw(T, N, 2)),
        (MeanOverTime(), draw(T, N, 2)),
    ],
)
def test_backward_wants_a_call_before_and_a_gradient_that_fits(layer, x):
    """A clear error names the class, or the gradient."""
    name = type(layer).__name__
    with pytest.raises(RuntimeError, match=f"{name}.backward: expected a forward"):
        layer.backward(x)
    y = layer(x)
    with pytest.raises(ShapeError, match=r"d\w+: expected shape"):
        layer.backward(y[:1, :2])
    with pytest.raises(TypeError, match=r"d\w+: expected float64"):
        layer.backward(y.astype("float32"))
    with pytest.raises(ValueError, match=r"d\w+: expected finite"):
        layer.backward(y * np.nan)
