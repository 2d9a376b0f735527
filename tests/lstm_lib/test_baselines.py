"""Models that count, and a network that must beat them."""

import numpy as np
import pytest

from lstm_lib import (
    LSTM,
    Adam,
    Dense,
    Embedding,
    Sequential,
    Windows,
    evaluate_stream,
    fit,
    perplexity,
    softmax_cross_entropy,
)
from lstm_lib.baselines import NGram
from lstm_lib.datasets import technical_text

TOKENS = np.random.default_rng(0).integers(4, size=200)  # symbol 4 never occurs


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("context", [(), (2,), (0, 3), (4, 4), (1, 4, 2)])
def test_probabilities_sum_to_one(order, context):
    """After contexts seen and never seen; an unseen symbol gets its share."""
    model = NGram(TOKENS, order, 5)
    p = [model.probability(symbol, context) for symbol in range(5)]
    assert min(p) > 0
    assert sum(p) == pytest.approx(1, abs=1e-12)


def test_a_bigram_by_hand():
    """After 0 came 1 twice and 2 once: two kinds in three, so 2/5 go lower."""
    model = NGram([0, 1, 0, 1, 0, 2], 2, 3)
    # Unigram: six seen, three kinds, 3/9 shared equally.
    one = (2 + 3 / 3) / 9
    assert model.probability(1, (0,)) == pytest.approx((2 + 2 * one) / 5)
    two = (1 + 3 / 3) / 9
    assert model.nats([0, 2]) == pytest.approx(-np.log((1 + 2 * two) / 5))


def test_a_higher_order_pays_where_the_past_decides():
    """A repeating text: a unigram cannot know it, a trigram can."""
    tokens = np.tile([0, 0, 1], 100)
    nats = [NGram(tokens, order, 2).nats(tokens) for order in (1, 2, 3)]
    assert nats[0] > 0.6 > nats[1] > 0.4 > 0.02 > nats[2]


def test_wrong_arguments_are_named():
    """Order, alphabet and symbols."""
    with pytest.raises(ValueError, match="order: expected a positive integer"):
        NGram(TOKENS, 0, 5)
    with pytest.raises(ValueError, match=r"tokens: expected integers in 0\.\.2, got 3"):
        NGram(TOKENS, 2, 3)
    with pytest.raises(ValueError, match="tokens: expected"):
        NGram(TOKENS, 2, 5).nats([1, 7])
    for wrong in ([1], np.array([], int), [[1, 2]]):
        with pytest.raises(ValueError, match="tokens: expected one sequence"):
            NGram(TOKENS, 2, 5).nats(wrong)
    with pytest.raises(ValueError, match="symbol: expected integers"):
        NGram(TOKENS, 2, 5).probability(7, (0,))


def test_a_character_model_beats_the_trigram():
    """On Python's help: 350 steps, about ten seconds; the trigram is near 6."""
    data = technical_text()
    V, encode = len(data.vocabulary), data.vocabulary.encode
    train, test = encode(data.train), encode(data.test)
    options = {"dtype": "float32", "rng": 0}
    model = Sequential(
        Embedding(V, 32, **options), LSTM(32, 128, **options), Dense(128, V, **options)
    )
    batches = Windows(train, size=32, steps=64)
    fit(model, batches, softmax_cross_entropy, Adam(0.01), 350, clip=1.0)
    ours = perplexity(evaluate_stream(model, test, size=8))
    trigram = perplexity(NGram(train, 3, V).nats(test))
    assert ours < 0.9 * trigram, (ours, trigram)
