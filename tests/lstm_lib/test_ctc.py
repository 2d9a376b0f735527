"""CTC: equal to PyTorch, to all paths listed one by one, and to differences."""

from itertools import groupby, product

import numpy as np
import pytest

from lstm_lib import ShapeError, numerical_gradient
from lstm_lib.ctc import ctc_decode, ctc_loss
from lstm_lib.losses import log_softmax

CASES = {  # T, K, lengths, targets without padding, blank
    "unequal lengths": (9, 5, [9, 6, 7], [[1, 2, 3, 4], [4, 1], [2, 3, 1]], 0),
    "repeated labels": (9, 4, [9, 7, 8], [[1, 1, 2, 2], [3, 3, 3], [1, 2, 1]], 0),
    "just enough steps": (6, 4, [6, 3, 4], [[1, 1, 2, 2], [3, 2, 1], [1, 2, 2]], 0),
    "another blank": (7, 4, [5, 7], [[0, 1, 1], [2, 0]], 3),
    "T=1, S=1": (1, 3, [1, 1], [[1], [2]], 0),
    "S=1": (5, 3, [5, 1, 2], [[1], [2], [2]], 0),
    "long": (60, 7, [60, 41], [[1, 2, 2, 3, 6, 5] * 3, [4, 4, 1] * 6], 0),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def problem(case, scale=1.0, dtype="float64"):
    """Logits and the other arguments; the padding is not a symbol at all."""
    T, K, lengths, targets, blank = case
    rng = np.random.default_rng(0)
    logits = scale * rng.normal(size=(T, len(targets), K))
    padded = np.full((len(targets), max(map(len, targets))), 99)
    for row, target in zip(padded, targets):
        row[: len(target)] = target
    return logits.astype(dtype), padded, lengths, [len(t) for t in targets], blank


def torch_loss(logits, targets, lengths, target_lengths, blank):
    """PyTorch's loss and gradient, in the dtype of the logits."""
    import torch

    leaf = torch.tensor(logits, requires_grad=True)
    targets = np.where(targets == 99, 0, targets)
    lengths, target_lengths = torch.tensor(lengths), torch.tensor(target_lengths)
    loss = torch.nn.functional.ctc_loss(
        leaf.log_softmax(2), torch.tensor(targets), lengths, target_lengths, blank
    )
    loss.backward()
    return loss.item(), leaf.grad.numpy()


def merged(path, blank):
    """The target a path leaves: repeats merged, then blanks dropped."""
    return [symbol for symbol, _ in groupby(path) if symbol != blank]


@every_case
@pytest.mark.parametrize("scale", [1.0, 10.0, 1e4])
def test_ctc_loss_equals_torch(case, scale):
    """Value and gradient, from soft logits to certain ones, right or wrong."""
    *arguments, blank = problem(case, scale)
    logits = arguments[0].copy()
    loss, gradient = ctc_loss(*arguments, blank=blank)
    expected, by_torch = torch_loss(*arguments, blank)
    assert type(loss) is float
    np.testing.assert_allclose(loss, expected, rtol=1e-10)
    # Log probabilities of 4e5 leave 1e-10; PyTorch's error is the larger one.
    atol = (1e-9 if scale == 1e4 else 1e-10) * np.abs(by_torch).max()
    np.testing.assert_allclose(gradient, by_torch, rtol=0, atol=atol)
    np.testing.assert_array_equal(arguments[0], logits)


@every_case
@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_ctc_loss_in_float32_is_as_good_as_float64(case, scale):
    """The sums lose nothing: only the last rounding is float32's."""
    logits, *arguments, blank = problem(case, scale, "float32")
    loss, gradient = ctc_loss(logits, *arguments, blank=blank)
    expected, exact = ctc_loss(logits.astype("float64"), *arguments, blank=blank)
    assert loss == expected and gradient.dtype == np.float32
    np.testing.assert_array_equal(gradient, exact.astype("float32"))
    if scale == 1.0:  # PyTorch's own float32 is 1.1e-5 off its float64
        _, by_torch = torch_loss(logits, *arguments, blank)
        atol = 2e-5 * np.abs(by_torch).max()
        np.testing.assert_allclose(gradient, by_torch, rtol=0, atol=atol)


@pytest.mark.parametrize("name", ["unequal lengths", "just enough steps", "S=1"])
def test_ctc_gradient_equals_central_differences(name):
    """Zero beyond a length, where the loss does not look."""
    logits, *arguments, blank = problem(CASES[name])

    def loss():
        return ctc_loss(logits, *arguments, blank=blank)[0]

    _, gradient = ctc_loss(logits, *arguments, blank=blank)
    np.testing.assert_allclose(gradient, numerical_gradient(loss, logits), atol=1e-9)
    for n, length in enumerate(arguments[1]):
        assert not gradient[length:, n].any() and gradient[:length, n].any()


@pytest.mark.parametrize("blank", [0, 2])
def test_ctc_loss_is_the_sum_over_all_paths(blank):
    """Every path of 5 steps through 3 symbols; all targets add up to 1."""
    T, K = 5, 3
    logits = np.random.default_rng(1).normal(size=(T, 1, K))
    log_p = log_softmax(logits)[:, 0]
    by_target = {}
    for path in product(range(K), repeat=T):
        p = np.exp(log_p[range(T), path].sum())
        left = tuple(merged(path, blank))
        by_target[left] = by_target.get(left, 0.0) + p
    nothing = by_target.pop(())
    total = nothing
    for target, p in by_target.items():
        loss, _ = ctc_loss(logits, [target], blank=blank)
        assert loss * len(target) == pytest.approx(-np.log(p), rel=1e-12)
        total += np.exp(-loss * len(target))
    assert total == pytest.approx(1, abs=1e-12)


def test_padding_has_no_say():
    """Neither logits beyond a length nor symbols beyond a target length."""
    logits, targets, lengths, target_lengths, _ = problem(CASES["unequal lengths"])
    loss, gradient = ctc_loss(logits, targets, lengths, target_lengths)
    logits[6:, 1], targets[1, 2:] = 1e4, -7
    other, changed = ctc_loss(logits, targets, lengths, target_lengths)
    assert loss == other
    np.testing.assert_array_equal(gradient, changed)


def test_bytes_will_do_for_symbols_and_lengths():
    """Also where their double is above 255; and all may be left out."""
    logits = np.random.default_rng(0).normal(size=(210, 2, 4))
    targets = np.tile([1, 2, 3], (2, 50))
    expected, _ = ctc_loss(logits, targets, [210, 210], [150, 150])
    in_bytes = [np.array(a, "uint8") for a in (targets, [210, 210], [150, 150])]
    assert ctc_loss(logits, *in_bytes)[0] == expected == ctc_loss(logits, targets)[0]


@pytest.mark.parametrize("blank", [0, 3])
def test_ctc_decode_merges_and_then_drops(blank):
    """As the definition says, path by path, within each length."""
    rng = np.random.default_rng(3)
    logits, lengths = rng.normal(size=(12, 5, 4)), [12, 1, 7, 9, 3]
    best = logits.argmax(axis=2)
    decoded = ctc_decode(logits, lengths, blank=blank)
    for n, length in enumerate(lengths):
        assert decoded[n] == merged(best[:length, n].tolist(), blank)
    assert ctc_decode(np.eye(3)[[[0], [1], [1], [0], [1], [2], [2]]]) == [[1, 1, 2]]
    assert ctc_decode(np.eye(3)[[[0], [0]]]) == [[]]


X = np.zeros((4, 2, 3))
Y = np.array([[1, 2], [2, 2]])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: ctc_loss(X, Y, [2, 2]),
            ValueError,
            "lengths: expected at least 3 steps for the target of example 1, got 2",
        ),
        (lambda: ctc_loss(X, 0 * Y), ValueError, "targets: expected no blank, got 0"),
        (lambda: ctc_loss(X, Y + 1), ValueError, "targets: .* 0..2, got 3"),
        (lambda: ctc_loss(X, -Y), ValueError, "targets: .* 0..2, got -"),
        (lambda: ctc_loss(X, Y, blank=3), ValueError, "blank: .* 0..2, got 3"),
        (lambda: ctc_loss(X, Y / 1), TypeError, "targets: expected integers"),
        (lambda: ctc_loss(X, Y[:1]), ShapeError, "targets: .*2, 2"),
        (lambda: ctc_loss(X, Y, [4, 5]), ValueError, "lengths: .* got 5"),
        (lambda: ctc_loss(X, Y, None, [0, 1]), ValueError, "target_lengths: .* got 0"),
        (lambda: ctc_loss(X[0], Y), ShapeError, "logits: expected 3 axes"),
        (lambda: ctc_loss(X * np.nan, Y), ValueError, "logits: expected finite"),
        (lambda: ctc_decode(X[0]), ShapeError, "logits: expected 3 axes"),
        (lambda: ctc_decode(X, [1]), ShapeError, "lengths"),
        (lambda: ctc_decode(X, blank=-1), ValueError, "blank: .* got -1"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    """The example too, where a target cannot fit."""
    with pytest.raises(error, match=words):
        call()
