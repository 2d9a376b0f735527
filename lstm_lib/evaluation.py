"""How good a model is, in the measures of each field.

All return Python numbers; none looks at what does not count.
"""

import math
from numbers import Real

import numpy as np

from lstm_lib.losses import IGNORE, counted_targets, log_softmax
from lstm_lib.validation import ShapeError, as_floats, as_integers, positive


def accuracy(outputs, targets, ignore_index=IGNORE):
    """The fraction of counted targets that have the largest output.

    outputs: (..., K), logits or probabilities; targets: (...), integers
    0..K-1; where one equals ignore_index, it does not count.
    Raises TypeError, ShapeError, or ValueError, also if no target counts.
    """
    outputs, targets, counted = counted_targets(
        "outputs", outputs, targets, ignore_index=ignore_index
    )
    return float((outputs.argmax(axis=-1) == targets)[counted].mean())


def perplexity(nats):
    """The exponential of a mean cross-entropy in nats.

    A model that hesitates among k equally likely tokens has perplexity k.

    Above about 709 nats it is infinite. Raises ValueError for less than 0.

    >>> round(perplexity(np.log(27)), 6)
    27.0
    """
    try:
        return math.exp(_nats(nats))
    except OverflowError:
        return math.inf


def bits_per_character(nats):
    """A mean cross-entropy in nats per character, in bits.

    Raises ValueError for less than 0.

    >>> bits_per_character(np.log(2))
    1.0
    """
    return _nats(nats) / math.log(2)


def mase(predictions, targets, history, season=1):
    """The mean absolute scaled error: below 1 beats the naive forecast.

    The mean absolute error, divided by that of the naive forecast on
    history, which repeats the value one season before.
    predictions, targets: the same shape. history: (L,), the series the
    forecast was made from, L > season. season: steps in a season, 1 for none.
    Raises TypeError, ShapeError or ValueError naming the argument;
    ValueError too where history repeats itself exactly.
    Source: Hyndman & Koehler (2006), who divide by one-step naive forecasts;
    seasonal ones as in Hyndman & Athanasopoulos, Forecasting: Principles
    and Practice.

    >>> history = np.array([1.0, 3.0, 1.0, 3.0])  # naive forecasts are 2 off
    >>> mase(np.array([2.0, 2.0]), np.array([1.0, 3.0]), history)
    0.5
    """
    predictions = as_floats("predictions", predictions)
    targets, history = as_floats("targets", targets), as_floats("history", history)
    if targets.shape != predictions.shape or not targets.size:
        raise ShapeError(
            f"targets: expected the shape of predictions, {predictions.shape}, "
            f"not empty, got {targets.shape}"
        )
    season = positive("season", season)
    if history.ndim != 1 or len(history) <= season:
        raise ShapeError(
            f"history: expected one axis of more than {season} (season), "
            f"got shape {history.shape}"
        )
    naive = np.abs(history[season:] - history[:-season]).mean(dtype=np.float64)
    if not naive:
        raise ValueError("history: expected a series that changes, got a repeating one")
    return float(np.abs(predictions - targets).mean(dtype=np.float64) / naive)


def edit_distance(a, b):
    """The least number of insertions, deletions and substitutions from a to b.

    a, b: sequences of anything that can be compared, such as strings or
    lists. Raises TypeError. Source: Levenshtein (1966).

    >>> edit_distance("kitten", "sitting")
    3
    """
    a, b = _sequence("a", a), _sequence("b", b)
    row = list(range(len(b) + 1))  # from a[:0] to every beginning of b
    for i, symbol in enumerate(a, 1):
        above, row = row, [i]
        for j, other in enumerate(b, 1):
            substituted = above[j - 1] + (symbol != other)
            row.append(min(substituted, above[j] + 1, row[j - 1] + 1))
    return row[-1]


def phoneme_error_rate(predicted, true):
    """All edits that turn the predicted sequences into the true, per true symbol.

    predicted, true: lists of sequences, one for each utterance. May exceed 1.
    Raises TypeError, or ValueError where their numbers differ or true is empty.

    >>> phoneme_error_rate([["K", "AE"]], [["K", "AE", "T", "S"]])
    0.5
    """
    predicted, true = _sequence("predicted", predicted), _sequence("true", true)
    if len(predicted) != len(true):
        raise ValueError(
            f"predicted: expected {len(true)} sequences, got {len(predicted)}"
        )
    length = sum(len(sequence) for sequence in true)
    if not length:
        raise ValueError("true: expected at least one symbol, got none")
    return sum(map(edit_distance, predicted, true)) / length


def evaluate_stream(model, tokens, *, size=1, steps=256):
    """The mean cross-entropy of a text in nats per token, context carried.

    model: as models.Sequential, model(inputs (T, N), state) -> logits
    (T, N, K), state. Dropout does not act.
    tokens: (L,) integers from 0, L > 1. Each but the first is predicted once.
    size: the text is cut in so many streams, read side by side; each begins
    without context, so that only size=1 gives the text's own value. steps:
    read at a time; it changes memory and time, not the result.
    Raises TypeError or ValueError naming the argument.
    """
    tokens = as_integers("tokens", tokens)
    if tokens.ndim != 1 or len(tokens) < 2 or tokens.min() < 0:
        raise ValueError(
            f"tokens: expected one sequence of at least 2 integers from 0, "
            f"got shape {tokens.shape}, least {tokens.min(initial=0)}"
        )
    for name, layer in getattr(model, "parts", {}).items():
        if getattr(layer, "bidirectional", False):
            raise ValueError(
                f"model: expected layers in one direction, which do not see the "
                f"tokens to predict, got a bidirectional layer {name}"
            )
    size, steps = positive("size", size), positive("steps", steps)
    count = len(tokens) - 1
    length = -(-count // size)
    inputs = np.full(size * length, tokens[0])  # a symbol the model knows
    targets = np.full(size * length, IGNORE)
    inputs[:count], targets[:count] = tokens[:-1], tokens[1:]
    inputs, targets = (a.reshape(size, length).T for a in (inputs, targets))

    total, state = 0.0, None
    with model.evaluating():
        for t in range(0, length, steps):
            logits, state = model(inputs[t : t + steps], state)
            logits, wanted, counted = counted_targets(
                "logits", logits, targets[t : t + steps]
            )
            log_p, wanted = log_softmax(logits[counted]), wanted[counted]
            total -= log_p[np.arange(len(wanted)), wanted].sum(dtype=np.float64)
    return float(total / count)


def _nats(nats):
    if not isinstance(nats, Real) or not nats >= 0:
        raise ValueError(f"nats: expected a number from 0, got {nats!r}")
    return float(nats)


def _sequence(name, sequence):
    """A list of the entries, so that arrays, tuples and strings are alike."""
    try:
        return sequence.tolist() if isinstance(sequence, np.ndarray) else [*sequence]
    except TypeError:
        raise TypeError(
            f"{name}: expected a sequence, got {type(sequence).__name__}"
        ) from None
