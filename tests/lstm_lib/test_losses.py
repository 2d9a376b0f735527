"""Losses: values and gradients as in PyTorch, and as differences say."""

import numpy as np
import pytest

from lstm_lib import ShapeError, numerical_gradient
from lstm_lib.losses import (
    IGNORE,
    binary_cross_entropy,
    log_softmax,
    mse,
    softmax,
    softmax_cross_entropy,
)

T, N, K = 5, 3, 4
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array
EXTREME = [0.0, 1e4, -1e4, 1.0]
every_dtype = pytest.mark.parametrize("dtype", ["float32", "float64"])
every_size = pytest.mark.parametrize("scale", [1.0, 30.0, "extreme"])


def draw(scale, dtype, shape=(T, N, K), seed=0):
    """Random numbers; "extreme": each one of 0, 1 and +-10000."""
    rng = np.random.default_rng(seed)
    if scale == "extreme":
        return rng.choice(EXTREME, size=shape).astype(dtype)
    return (scale * rng.normal(size=shape)).astype(dtype)


def assert_close(ours, theirs, dtype):
    """Equal relative to the largest entry, dtype and shape included."""
    theirs = np.asarray(theirs)
    assert ours.dtype == theirs.dtype == dtype and ours.shape == theirs.shape
    atol = RTOL[dtype] * np.abs(theirs).max()
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=atol)


def assert_equals_torch(ours, theirs, first, second):
    """Loss and gradient by the first argument. theirs: PyTorch's function."""
    import torch

    kept, dtype = first.copy(), first.dtype.name
    loss, gradient = ours(first, second)
    leaf = torch.tensor(first, requires_grad=True)
    expected = theirs(leaf, torch.tensor(second))
    expected.backward()
    assert type(loss) is float
    np.testing.assert_allclose(loss, expected.item(), rtol=RTOL[dtype])
    assert_close(gradient, leaf.grad.numpy(), dtype)
    np.testing.assert_array_equal(first, kept)  # the argument is left alone


def assert_equals_differences(loss, array):
    """Central differences; array: float64, moved in place."""
    numeric = numerical_gradient(lambda: loss(array)[0], array)
    np.testing.assert_allclose(loss(array)[1], numeric, rtol=0, atol=1e-9)


@every_dtype
@every_size
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_equals_torch(scale, dtype, axis):
    """Along any axis, logarithm or not, however large the logits."""
    import torch

    z = draw(scale, dtype)
    assert_close(softmax(z, axis), torch.tensor(z).softmax(axis), dtype)
    assert_close(log_softmax(z, axis), torch.tensor(z).log_softmax(axis), dtype)


@every_dtype
@every_size
@pytest.mark.parametrize("ignored", [0, 4])
def test_softmax_cross_entropy_equals_torch(scale, dtype, ignored):
    """The mean over what counts; padding has no gradient."""
    from torch.nn import functional

    targets = np.random.default_rng(1).integers(K, size=(T, N))
    targets.flat[2 : 2 + ignored] = IGNORE

    def theirs(logits, targets):
        return functional.cross_entropy(logits.reshape(-1, K), targets.reshape(-1))

    logits = draw(scale, dtype)
    assert_equals_torch(softmax_cross_entropy, theirs, logits, targets)
    _, gradient = softmax_cross_entropy(logits, targets)
    assert not gradient[targets == IGNORE].any()


@every_dtype
@every_size
@pytest.mark.parametrize("soft", [False, True])
def test_binary_cross_entropy_equals_torch(scale, dtype, soft):
    """With logits, for targets 0, 1 and between."""
    from torch.nn.functional import binary_cross_entropy_with_logits

    targets = np.random.default_rng(1).random((T, N, K))
    targets = (targets if soft else targets.round()).astype(dtype)
    theirs = binary_cross_entropy_with_logits
    assert_equals_torch(binary_cross_entropy, theirs, draw(scale, dtype), targets)


@every_dtype
@every_size
def test_mse_equals_torch(scale, dtype):
    """Also where the squares are large."""
    from torch.nn.functional import mse_loss

    assert_equals_torch(mse, mse_loss, draw(scale, dtype), draw(1.0, dtype, seed=1))


def test_gradients_equal_central_differences():
    """All three, with an ignored symbol of the caller's own choice."""
    rng = np.random.default_rng(2)
    targets, soft = rng.integers(K, size=(T, N)), rng.random((T, N, K))
    assert (targets == 3).any()
    for loss in (
        lambda z: softmax_cross_entropy(z, targets, ignore_index=3),
        lambda z: binary_cross_entropy(z, soft),
        lambda z: mse(z, soft),
    ):
        assert_equals_differences(loss, draw(1.0, "float64"))


def test_cross_entropy_of_a_uniform_guess_is_log_k():
    """The number every training curve of a classifier starts near."""
    logits = np.zeros((N, K))
    loss, gradient = softmax_cross_entropy(logits, [0, 1, 3])
    assert loss == pytest.approx(np.log(K), abs=1e-15)
    np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-16)
    assert softmax_cross_entropy(logits[0], 2)[0] == loss  # one example, no axis
    assert binary_cross_entropy(logits, logits > 0)[0] == pytest.approx(np.log(2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda z: softmax_cross_entropy(z, [[0]]), ShapeError, r"targets: .*\(5, 3\)"),
        (lambda z: softmax_cross_entropy(z, z[..., 0]), TypeError, "targets: .*float"),
        (
            lambda z: softmax_cross_entropy(z, np.full((T, N), K)),
            ValueError,
            r"targets: expected integers in 0\.\.3, got 4",
        ),
        (
            lambda z: softmax_cross_entropy(z, np.full((T, N), IGNORE)),
            ValueError,
            "targets: expected one that counts, got none",
        ),
        (
            lambda z: softmax_cross_entropy(
                z, np.zeros((T, N), int), ignore_index=None
            ),
            TypeError,
            "ignore_index: expected integers",
        ),
        (
            lambda z: softmax_cross_entropy(z * np.nan, np.zeros((T, N), int)),
            ValueError,
            "logits: expected finite",
        ),
        (lambda z: softmax_cross_entropy(1.0, 0), ShapeError, "logits: .*K"),
        (lambda z: softmax(z.astype(int)), TypeError, "z: expected float32 or"),
        (lambda z: log_softmax(z[:0]), ShapeError, "z: expected no empty axis"),
        (
            lambda z: binary_cross_entropy(z, np.full(z.shape, 2)),
            ValueError,
            r"targets: expected numbers in \[0, 1\], got 2",
        ),
        (lambda z: binary_cross_entropy(z, z[0] > 0), ShapeError, "shape of logits"),
        (lambda z: mse(z, z[:, :, :1]), ShapeError, "targets: .* shape of predictions"),
        (lambda z: mse(z, z.astype("f4")), TypeError, "targets: expected float64"),
        (lambda z: mse(z[:0], z[:0]), ShapeError, "not empty"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    """(N,) against (N, 1) would broadcast and train on nonsense."""
    with pytest.raises(error, match=words):
        call(draw(1.0, "float64"))
