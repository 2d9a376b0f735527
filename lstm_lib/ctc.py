"""Connectionist temporal classification: targets without their times.

A path names one symbol, or the blank, for every time step. Merging repeats
and then dropping blanks leaves the target; many paths leave the same one.
Source: Graves, Fernández, Gomez & Schmidhuber (2006).
"""

import numpy as np

from lstm_lib.losses import log_softmax
from lstm_lib.validation import as_floats, as_integers, as_lengths, expect_shapes


def ctc_loss(logits, targets, lengths=None, target_lengths=None, *, blank=0):
    """-log of the summed probability of all paths that leave the target.

    logits: (T, N, K), before any softmax. targets: (N, S), integers 0..K-1
    other than blank; what stands beyond a target length is ignored.
    lengths: (N,) in 1..T; target_lengths: (N,) in 1..S; None means all.
    Returns the mean over the examples of loss / target length (PyTorch's
    "mean"), a float, and the gradient by the logits (T, N, K), zero beyond a
    length. Sums are taken in float64, whatever the dtype.
    Raises TypeError, ShapeError or ValueError naming the argument; ValueError
    naming the example where a target cannot fit into its time steps.
    """
    logits, targets = as_floats("logits", logits), as_integers("targets", targets)
    targets = targets.astype(int)  # bytes have no -1 and no 300
    sizes = expect_shapes(logits=(logits, "T N K"), targets=(targets, "N S"))
    T, N, K, S = (sizes[letter] for letter in "TNKS")
    lengths = as_lengths("lengths", lengths, T, N).astype(int)
    target_lengths = as_lengths("target_lengths", target_lengths, S, N).astype(int)
    as_integers("blank", blank, K)
    targets = np.where(np.arange(S) < target_lengths[:, None], targets, -1)
    _check_targets(targets, lengths, target_lengths, blank, K)

    # Blanks may stand before, between and after the symbols: 2S + 1 places.
    places = 2 * target_lengths + 1
    labels = np.full((N, 2 * S + 1), blank, int)
    labels[:, 1::2] = np.where(targets < 0, blank, targets)
    log_p = log_softmax(logits.astype(np.float64))
    emitted = np.take_along_axis(log_p, labels[None], axis=2)

    # What comes after a place is what comes before it, read from the end.
    n, t = np.arange(N)[:, None], _reversal(lengths, T).T[:, :, None]
    s = _reversal(places, labels.shape[1])
    before = _log_prefixes(emitted, labels)
    after = _log_prefixes(emitted[t, n, s], labels[n, s])[t, n, s]
    # A path ends in the last symbol or in the blank after it.
    ends = before[lengths[:, None] - 1, n, places[:, None] - [1, 2]]
    total = np.logaddexp(ends[:, 0], ends[:, 1])

    within = np.arange(T)[:, None] < lengths
    there = within[:, :, None] & (np.arange(labels.shape[1]) < places[:, None])
    log_share = np.where(there, before + after - emitted - total[:, None], -np.inf)
    symbols = np.eye(K)[labels]  # (N, 2S + 1, K): adds up the places of a symbol
    expected = (np.exp(log_share).swapaxes(0, 1) @ symbols).swapaxes(0, 1)
    gradient = (np.exp(log_p) - expected) * within[:, :, None]
    gradient /= N * target_lengths[:, None]
    return float(-(total / target_lengths).mean()), gradient.astype(logits.dtype)


def ctc_decode(logits, lengths=None, *, blank=0):
    """Best-path decoding: the likeliest symbol of each step, then merged.

    logits: (T, N, K), or log probabilities. lengths: (N,) in 1..T, None
    means T. Returns N lists of symbols, without repeats and blanks. It is the
    target of the best path, which need not be the most probable target.
    Raises TypeError, ShapeError or ValueError naming the argument.

    >>> path = np.array([1, 1, 0, 1, 2, 2, 0])
    >>> ctc_decode(np.eye(3)[path][:, None])
    [[1, 1, 2]]
    """
    logits = as_floats("logits", logits)
    sizes = expect_shapes(logits=(logits, "T N K"))
    lengths = as_lengths("lengths", lengths, sizes["T"], sizes["N"])
    as_integers("blank", blank, sizes["K"])
    best = logits.argmax(axis=2)
    new = np.vstack([np.ones_like(best[:1], bool), best[1:] != best[:-1]])
    kept = new & (best != blank) & (np.arange(len(best))[:, None] < lengths)
    return [best[kept[:, n], n].tolist() for n in range(sizes["N"])]


def _check_targets(targets, lengths, target_lengths, blank, K):
    """targets: -1 beyond a length. Every target needs a step for each symbol."""
    inside = np.arange(targets.shape[1]) < target_lengths[:, None]
    as_integers("targets", targets[inside], K)
    if (targets == blank).any():
        raise ValueError(f"targets: expected no blank, got {blank}")
    # ... and one for the blank that keeps two equal symbols apart.
    equal = (targets[:, 1:] == targets[:, :-1]) & inside[:, 1:]
    needed = target_lengths + equal.sum(axis=1)
    if (needed > lengths).any():
        n = int(np.argmax(needed > lengths))
        raise ValueError(
            f"lengths: expected at least {needed[n]} steps for the target of "
            f"example {n}, got {lengths[n]}"
        )


def _log_prefixes(emitted, labels):
    """Logarithm of the summed probability of the beginnings that reach each place.

    emitted: (T, N, P) log probability of each place's label; labels: (N, P).
    Returns (T, N, P): step t at place s, its own emission included.
    """
    T, N, P = emitted.shape
    # From two places before, over a blank, unless the two labels are equal, as
    # a symbol and its repetition are, and all blanks.
    skips = np.zeros((N, P), bool)
    skips[:, 2:] = labels[:, 2:] != labels[:, :-2]
    total = np.full((T, N, P + 2), -np.inf)  # two more places, never reached
    total[0, :, 2:4] = emitted[0, :, :2]
    for t in range(1, T):
        stay, move, skip = (total[t - 1, :, 2 - k : P + 2 - k] for k in range(3))
        ways = np.logaddexp(stay, move)
        ways = np.logaddexp(ways, np.where(skips, skip, -np.inf))
        total[t, :, 2:] = ways + emitted[t]
    return total[:, :, 2:]


def _reversal(lengths, size):
    """(N, size) indices that read the first `length` entries backwards."""
    k = np.arange(size)
    return np.where(k < lengths[:, None], lengths[:, None] - 1 - k, k)
