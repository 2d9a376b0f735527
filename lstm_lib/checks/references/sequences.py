"""Sequences as arrays: tokens as one-hot rows, and each sequence's own last step."""

import numpy as np

from lstm_lib.checks.subject import Case, Subject

# ---- one_hot ----------------------------------------------------------------


def one_hot(tokens, size):
    """Tokens (T, N), integers 0..size - 1 -> (T, N, size), a 1 in each row."""
    return np.eye(size)[tokens]


def tokens_and_size(rng, T, N, size, most=None):
    """Draw tokens (T, N) below `most`; 0 and the largest are among them."""
    tokens = rng.integers(0, most or size, (T, N))
    tokens.flat[:3] = rng.permutation([0, (most or size) - 1, 2])
    return tokens, size


def one_hot_cases(rng, hidden):
    """T, N and the number of symbols all different; not every symbol occurs."""
    if hidden:
        return [
            Case("many symbols", tokens_and_size(rng, 7, 4, 30, most=20)),
            Case("a long batch", tokens_and_size(rng, 12, 5, 9, most=8)),
            Case("one sequence", tokens_and_size(rng, 6, 1, 8, most=5)),
        ]
    return [
        Case("a small batch", tokens_and_size(rng, 4, 3, 6, most=5)),
        Case("every symbol occurs", tokens_and_size(rng, 3, 5, 4)),
        Case("one sequence", tokens_and_size(rng, 5, 1, 7, most=4)),
        Case("one step", tokens_and_size(rng, 1, 4, 5, most=4)),
    ]


# ---- last_outputs -----------------------------------------------------------


def last_outputs(y, lengths):
    """Outputs y (T, N, H), lengths (N,) -> each sequence's last output (N, H)."""
    return y[lengths - 1, np.arange(len(lengths))]


def outputs_and_lengths(rng, T, N, H, *, zeros=False, dtype="f8"):
    """Draw y (T, N, H), and lengths below T, of which the first is not the longest.

    zeros: beyond its length a sequence's outputs are zeros, as the layers of
    this course return them; and so is the last true output of the first, as a
    true output may be. Otherwise all are numbers like the others.
    """
    y = rng.normal(0.3, 1, (T, N, H))
    lengths = rng.integers(2, T - 1, N)
    lengths[:3] = rng.permutation([2, 3, T - 1])
    if lengths[0] == T - 1:
        lengths[:2] = lengths[1::-1]
    if zeros:
        y[np.arange(T)[:, None] >= lengths] = 0
        y[lengths[0] - 1, 0] = 0
    return y.astype(dtype), lengths


def last_outputs_cases(rng, hidden):
    """No sequence fills the array: some libraries pad to a fixed number of steps."""
    if hidden:
        return [
            Case("a larger batch", outputs_and_lengths(rng, 9, 6, 4)),
            Case("zeros after the end", outputs_and_lengths(rng, 14, 5, 3, zeros=True)),
            Case("few units", outputs_and_lengths(rng, 6, 7, 2)),
        ]
    return [
        Case("four sequences", outputs_and_lengths(rng, 6, 4, 3)),
        Case("zeros after the end", outputs_and_lengths(rng, 8, 5, 4, zeros=True)),
        Case("long sequences", outputs_and_lengths(rng, 30, 3, 5)),
        Case("float32 numbers", outputs_and_lengths(rng, 7, 5, 2, dtype="f4"), 1e-3),
    ]


SUBJECTS = (
    Subject(
        name="one_hot",
        reference=one_hot,
        arguments=("tokens", "size"),
        returns="rows",
        shapes={"rows": "(T, N, size)"},
        section="sec-sequence-arrays",
        make_cases=one_hot_cases,
    ),
    Subject(
        name="last_outputs",
        reference=last_outputs,
        arguments=("y", "lengths"),
        returns="last",
        shapes={"last": "(N, H)"},
        section="sec-padding",
        make_cases=last_outputs_cases,
    ),
)
