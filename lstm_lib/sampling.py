"""Text out of a model, one token after another.

`step` is a model's own: step(tokens (N,), state) -> outputs (N, K), state.
The outputs are logits (log probabilities will do as well).
"""

from numbers import Real

import numpy as np

from lstm_lib.losses import log_softmax, softmax
from lstm_lib.validation import (
    ShapeError,
    as_floats,
    as_integers,
    expect_shapes,
    positive,
)


def generate(
    step,
    start,
    count,
    *,
    state=None,
    temperature=1.0,
    top_k=None,
    stop=None,
    rng=None,
):
    """Draw up to count tokens, each given all before it.

    start: a token, or a list of tokens to read first. state: before start.
    temperature: divides the logits; 0 takes the likeliest token each time.
    top_k: draw among the k likeliest only. stop: a token that ends the text;
    it is then the last. rng: a seed or numpy Generator.
    Returns the new tokens, a list of ints.
    Raises TypeError, ShapeError or ValueError naming the argument.
    """
    count = positive("count", count)
    top_k = None if top_k is None else positive("top_k", top_k)
    if not isinstance(temperature, Real) or not 0 <= temperature < np.inf:
        raise ValueError(f"temperature: expected a number from 0, got {temperature!r}")
    rng, made = np.random.default_rng(rng), []
    outputs, state = _read(step, start, state, stop)
    while True:
        best = np.argsort(-outputs[0], kind="stable")[: top_k if temperature else 1]
        odds = outputs[0, best] - outputs[0, best[0]]
        made.append(int(rng.choice(best, p=softmax(odds / (temperature or 1)))))
        if made[-1] == stop or len(made) == count:
            return made
        outputs, state = _advance(step, made[-1:], state)


def beam_search(step, start, count, *, state=None, width=5, stop=None, alpha=0.0):
    """Find tokens of high joint probability, keeping the `width` best so far.

    start: a token, or a list of tokens to read first. count: the most new
    tokens. state: before start, of one sequence; arrays of it in lists,
    tuples and dicts, with N on axis 1, or on axis 0 where it is the only axis.
    stop: a token that ends a hypothesis, which is then kept aside; it is
    the last of its tokens. alpha: rank by log probability / length**alpha;
    0 favours short texts, 1 takes the mean.
    Returns up to `width` pairs (new tokens, log probability), best first, the
    ended and, of the length count, the others. With width=1 it is the greedy
    choice; with more it is mostly, not always, at least as probable.
    Raises TypeError, ShapeError or ValueError naming the argument.
    Source: Sutskever, Vinyals & Le (2014).
    """
    count, width = positive("count", count), positive("width", width)
    if not isinstance(alpha, Real) or not 0 <= alpha < np.inf:
        raise ValueError(f"alpha: expected a number from 0, got {alpha!r}")

    def rank(hypothesis):
        made, score = hypothesis
        return -score / len(made) ** alpha

    outputs, state = _read(step, start, state, stop)
    alive, ended = [([], 0.0)], []
    while True:
        scores = log_softmax(outputs) + [[score] for _, score in alive]
        best = np.argsort(-scores, axis=None, kind="stable")[:width]
        rows, tokens = np.unravel_index(best, scores.shape)
        grown = [
            ([*alive[row][0], int(token)], float(scores[row, token]))
            for row, token in zip(rows, tokens)
        ]
        going = np.array([made[-1] != stop for made, _ in grown])
        ended += [each for each, goes in zip(grown, going) if not goes]
        ended = sorted(ended, key=rank)[:width]
        alive = [each for each, goes in zip(grown, going) if goes]
        if not alive or len(alive[0][0]) == count:
            return sorted(ended + alive, key=rank)[:width]
        # Log probabilities only fall: no hypothesis can still do better.
        if len(ended) == width and rank(ended[-1]) <= -alive[0][1] / count**alpha:
            return ended
        state = _pick(state, rows[going], len(scores))
        outputs, state = _advance(step, tokens[going], state)


def _read(step, start, state, stop):
    """Let the model read the first tokens; check stop against its outputs."""
    start = np.atleast_1d(as_integers("start", start))
    if start.ndim != 1 or not start.size:
        raise ShapeError(f"start: expected a token or a list, got shape {start.shape}")
    for token in start:
        outputs, state = _advance(step, [token], state)
    if stop is not None:
        as_integers("stop", stop, outputs.shape[1])
    return outputs, state


def _advance(step, tokens, state):
    outputs, state = step(np.array(tokens), state)
    outputs = as_floats("outputs", outputs).astype(np.float64)
    expect_shapes({"N": len(tokens)}, outputs=(outputs, "N K"))
    return outputs, state


def _pick(state, rows, count):
    """The state of some of the sequences, in the order of rows, repeats too."""
    if isinstance(state, dict):
        return {key: _pick(part, rows, count) for key, part in state.items()}
    if isinstance(state, (list, tuple)):
        return type(state)(_pick(part, rows, count) for part in state)
    if not isinstance(state, np.ndarray):
        if state is None:
            return None
        raise TypeError(
            f"state: expected arrays in lists, tuples and dicts, got "
            f"{type(state).__name__}"
        )
    axis = min(1, state.ndim - 1)
    if state.ndim < 1 or state.shape[axis] != count:
        raise ShapeError(
            f"state: expected {count} on axis {max(axis, 0)} (N), got {state.shape}"
        )
    return state.take(rows, axis=axis)
