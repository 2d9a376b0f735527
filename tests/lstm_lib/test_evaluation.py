"""Measures: against numbers worked by hand, and other ways to compute them."""

import math

import numpy as np
import pytest

from lstm_lib import LSTM, RNN, ShapeError
from lstm_lib.evaluation import (
    accuracy,
    bits_per_character,
    edit_distance,
    evaluate_stream,
    mase,
    perplexity,
    phoneme_error_rate,
)
from lstm_lib.feedforward import Dense, Dropout, Embedding
from lstm_lib.losses import IGNORE, softmax_cross_entropy
from lstm_lib.models import Sequential

V = 7


def model(kind=LSTM):
    return Sequential(
        Embedding(V, 3, rng=0),
        Dropout(0.5, rng=1),
        kind(3, 5, 2, dropout=0.5, rng=2),
        Dense(5, V, rng=3),
    )


def text(length):
    return np.random.default_rng(length).integers(V, size=length)


def unbroken(network, tokens):
    """The sum of -log p over a text read in one call, without dropout."""
    with network.evaluating():
        logits, _ = network(tokens[:-1, None])
    return softmax_cross_entropy(logits, tokens[1:, None])[0] * (len(tokens) - 1)


@pytest.mark.parametrize("kind", [RNN, LSTM])
@pytest.mark.parametrize("length", [2, 12, 41])
@pytest.mark.parametrize("steps", [1, 4, 7, 256])
def test_evaluate_stream_is_one_unbroken_pass(kind, length, steps):
    """However the text is cut in windows."""
    network, tokens = model(kind), text(length)
    nats = evaluate_stream(network, tokens, steps=steps)
    assert nats * (length - 1) == pytest.approx(unbroken(network, tokens), rel=1e-12)


@pytest.mark.parametrize("length", [2, 5, 12, 41])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 50])
@pytest.mark.parametrize("steps", [1, 4, 256])
def test_evaluate_stream_predicts_each_token_but_the_first_once(length, size, steps):
    """The streams are unbroken passes over pieces that overlap by one token."""
    network, tokens = model(), text(length)
    nats = evaluate_stream(network, tokens.astype("uint8"), size=size, steps=steps)
    run = -(-(length - 1) // size)
    pieces = [tokens[k : k + run + 1] for k in range(0, length - 1, run)]
    assert sum(len(piece) - 1 for piece in pieces) == length - 1
    expected = sum(unbroken(network, piece) for piece in pieces)
    assert nats * (length - 1) == pytest.approx(expected, rel=1e-12)


def test_evaluate_stream_gives_the_model_its_mode_back():
    """Each layer's own, after an error too."""
    network = model()
    network.layers[1].training = False
    evaluate_stream(network, text(9))
    with pytest.raises(ValueError, match="tokens: .* got 7"):
        evaluate_stream(network, [0, V, 0])
    assert [layer.training for layer in network.layers[1:3]] == [False, True]


def test_accuracy_counts_what_counts():
    """Two of three right, the padding left out."""
    outputs = np.array([[3.0, 1, 2], [0, 1, 0], [0, 0, 5], [9, 9, 9]])
    assert accuracy(outputs, [0, 0, 2, IGNORE]) == pytest.approx(2 / 3)
    assert accuracy(outputs, [0, 0, 2, 0], ignore_index=0) == 1.0
    assert accuracy(outputs[:, None], [[0], [1], [2], [1]]) == 0.75


def test_nats_in_other_words():
    """A uniform guess among k has perplexity k and log2 k bits."""
    assert perplexity(math.log(50)) == pytest.approx(50)
    assert bits_per_character(math.log(8)) == pytest.approx(3)
    assert perplexity(0) == 1.0 and perplexity(1e4) == math.inf
    assert perplexity(np.float32(1)) == pytest.approx(math.e)


def test_mase_of_series_worked_by_hand():
    """Steps of 1, 3, 2 and 2 in history: mean 2; seasonal ones of 4, 1, 4: 3."""
    history = np.array([10.0, 11, 14, 12, 10])
    predictions, targets = np.array([9.0, 12, 13]), np.array([12.0, 12, 10])
    assert mase(predictions, targets, history) == pytest.approx(2 / 2)
    assert mase(predictions, targets, history, 2) == pytest.approx(2 / 3)
    far = mase(1e4 * predictions, 1e4 * targets, 1e4 * history)
    assert far == pytest.approx(1)  # has no unit


def test_mase_of_the_naive_forecast_on_its_own_history_is_one():
    """Whatever the season, and in float32 too."""
    history = np.random.default_rng(0).normal(size=60).cumsum().astype("float32")
    for season in (1, 4, 12):
        naive, after = history[:-season], history[season:]
        assert mase(naive, after, history, season) == pytest.approx(1, rel=1e-6)


def distance_by_definition(a, b):
    """Try all three edits at the first symbol."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return distance_by_definition(a[1:], b[1:])
    choices = (a[1:], b), (a, b[1:]), (a[1:], b[1:])
    return 1 + min(distance_by_definition(*pair) for pair in choices)


def test_edit_distance_equals_its_definition():
    """On words of up to six symbols, either way round."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        a, b = (rng.integers(3, size=rng.integers(7)).tolist() for _ in range(2))
        assert edit_distance(a, b) == distance_by_definition(a, b)
        assert edit_distance(b, a) == edit_distance(np.array(a), tuple(b))


def test_edit_distance_of_known_words():
    """Levenshtein's textbook pair; nothing; symbols of any kind."""
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("", "abc") == 3 and edit_distance([], []) == 0
    assert edit_distance(["sil", "ah"], ["ah", "sil"]) == 2


def test_phoneme_error_rate_weighs_by_length():
    """1 + 2 edits over 4 + 2 symbols, not the mean of 1/4 and 2/2."""
    predicted, true = [[1, 2, 3], [5, 6]], [[1, 2, 3, 4], [7, 8]]
    assert phoneme_error_rate(predicted, true) == 0.5
    assert phoneme_error_rate([[1, 2, 3]], [[4]]) == 3.0
    assert phoneme_error_rate([[], [1]], [[], [1]]) == 0.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: accuracy(np.ones((2, 3)), [0]), ShapeError, "targets: .* as outputs"),
        (lambda: accuracy(np.ones((1, 3)), [IGNORE]), ValueError, "targets: .* none"),
        (lambda: perplexity(-0.1), ValueError, "nats: .* got -0.1"),
        (lambda: perplexity(np.nan), ValueError, "nats: .* got nan"),
        (lambda: bits_per_character("1"), ValueError, "nats: expected a number"),
        (lambda: mase(X, X[:2], X), ShapeError, "targets: expected the shape of"),
        (lambda: mase(X, X, X, 3), ShapeError, "history: .* more than 3"),
        (lambda: mase(X, X, X[:, None]), ShapeError, "history: expected one axis"),
        (lambda: mase(X, X, 0 * X), ValueError, "history: expected a series that"),
        (lambda: mase(X, X, X, 0), ValueError, "season: expected a positive"),
        (lambda: mase([1, 2], X, X), TypeError, "predictions: expected float"),
        (lambda: edit_distance("a", 3), TypeError, "b: expected a sequence, got int"),
        (lambda: phoneme_error_rate([[1]], []), ValueError, "predicted: expected 0"),
        (lambda: phoneme_error_rate([[1]], [[]]), ValueError, "true: expected at"),
        (lambda: phoneme_error_rate(1, [[1]]), TypeError, "predicted: .* got int"),
        (lambda: evaluate_stream(model(), [1]), ValueError, "tokens: .* at least 2"),
        (lambda: evaluate_stream(model(), [1, -1]), ValueError, "tokens: .* least -1"),
        (lambda: evaluate_stream(model(), [0.5, 1]), TypeError, "tokens: expected int"),
        (lambda: evaluate_stream(model(), [1, 2], size=0), ValueError, "size: "),
        (lambda: evaluate_stream(model(), [1, 2], steps=0), ValueError, "steps: "),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    """The argument, what was expected and what came."""
    with pytest.raises(error, match=words):
        call()


X = np.array([1.0, 2.0, 4.0])
