"""Attention: scores, their softmax over what is there, and the weighted mean."""

import numpy as np

from lstm_lib.checks.subject import Case, Subject

# ---- context_vector ---------------------------------------------------------


def context_vector(alpha, h):
    """Weights alpha (T, N), states h (T, N, H) -> the weighted means (N, H)."""
    return np.einsum("tn,tnh->nh", alpha, h)


def weights_and_states(rng, T, N, H, *, sharp=1.0, padded=0, scale=1.0, dtype="f8"):
    """Draw alpha (T, N), which adds up to 1 over time, and h (T, N, H).

    sharp: how unequal the weights are. padded: so many steps at the end of every
    second example weigh 0; the states there are numbers like the others.
    """
    alpha = np.exp(sharp * rng.normal(size=(T, N)))
    alpha[T - padded :, ::2] = 0
    alpha /= alpha.sum(axis=0)
    h = rng.normal(0.4, scale, (T, N, H))
    return alpha.astype(dtype), h.astype(dtype)


def context_vector_cases(rng, hidden):
    """T, N and H all different; the weights add up to 1 over time alone."""
    if hidden:
        return [
            Case("a longer sequence", weights_and_states(rng, 13, 4, 6)),
            Case("sharp weights", weights_and_states(rng, 8, 5, 3, sharp=3)),
            Case("weights of 0", weights_and_states(rng, 9, 6, 2, padded=4)),
        ]
    return [
        Case("a small batch", weights_and_states(rng, 5, 3, 4)),
        Case("weights of 0", weights_and_states(rng, 7, 4, 5, padded=3)),
        Case("large states", weights_and_states(rng, 6, 2, 3, scale=50)),
        Case("one example", weights_and_states(rng, 4, 1, 6)),
        Case("float32 numbers", weights_and_states(rng, 8, 5, 3, dtype="f4"), 1e-3),
    ]


# ---- masked_softmax ---------------------------------------------------------


def masked_softmax(scores, lengths):
    """Scores (T, N), lengths (N,) -> weights (T, N), 0 past each example's end."""
    within = np.arange(len(scores))[:, None] < lengths
    scores = np.where(within, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)


def scores_and_lengths(rng, T, N, *, scale=1.0, past=1.0, shift=0.0, dtype="f8"):
    """Draw scores (T, N), and lengths below T, of which the first is not the longest.

    past: the size of the numbers past an example's end. shift: another number is
    added to each example's scores, up to this size.
    """
    lengths = rng.integers(2, T - 1, N)
    lengths[:3] = rng.permutation([2, 3, T - 2])[:N]
    within = np.arange(T)[:, None] < lengths
    scores = rng.normal(0.5, scale, (T, N)) + shift * np.linspace(-1, 1, N)
    scores = np.where(within, scores, past * rng.uniform(0.5, 1.5, (T, N)))
    return scores.astype(dtype), lengths


def masked_softmax_cases(rng, hidden):
    """No example fills the array, and something stands past every end."""
    if hidden:
        return [
            Case("more examples", scores_and_lengths(rng, 9, 6)),
            Case("large scores", scores_and_lengths(rng, 8, 5, scale=3, shift=2000)),
            Case(
                "larger numbers past the end", scores_and_lengths(rng, 7, 4, past=4000)
            ),
        ]
    return [
        Case("a small batch", scores_and_lengths(rng, 6, 4)),
        Case("long sequences", scores_and_lengths(rng, 30, 3, scale=2)),
        Case("large scores", scores_and_lengths(rng, 7, 5, scale=3, shift=3000)),
        Case("larger numbers past the end", scores_and_lengths(rng, 8, 3, past=3000)),
        Case("one example", scores_and_lengths(rng, 5, 1)),
        Case("float32 numbers", scores_and_lengths(rng, 8, 6, dtype="f4"), 1e-3),
    ]


# ---- attention_scores -------------------------------------------------------


def attention_scores(q, keys, Wq, Wk, v):
    """Additive scores: q (N, Q), keys (S, N, K), Wq (Q, A), Wk (K, A), v (A,).

    Returns (S, N), one number for each key of each example.
    """
    return np.tanh(q @ Wq + keys @ Wk) @ v


def query_and_keys(rng, S, N, Q, K, A, *, scale=1.0, dtype="f8"):
    """Draw q, keys, Wq, Wk and v; scale: the size of the two matrices."""
    shapes = (N, Q), (S, N, K), (Q, A), (K, A), (A,)
    sizes = 1.0, 1.0, scale / Q**0.5, scale / K**0.5, 1.0
    return tuple(
        rng.normal(0.3, 1, shape).astype(dtype) * np.dtype(dtype).type(size)
        for shape, size in zip(shapes, sizes)
    )


def attention_scores_cases(rng, hidden):
    """All five sizes differ, so that no matrix fits in another's place."""
    if hidden:
        return [
            Case("more keys", query_and_keys(rng, 11, 4, 3, 6, 5)),
            Case("saturated", query_and_keys(rng, 5, 6, 4, 3, 7, scale=8)),
            Case("a larger query", query_and_keys(rng, 4, 3, 8, 2, 5)),
        ]
    return [
        Case("a small batch", query_and_keys(rng, 5, 3, 4, 2, 6)),
        Case("large weights", query_and_keys(rng, 6, 2, 3, 5, 4, scale=4)),
        Case("small weights", query_and_keys(rng, 3, 4, 5, 6, 2, scale=0.3)),
        Case("one example", query_and_keys(rng, 7, 1, 2, 4, 3)),
        Case("float32 numbers", query_and_keys(rng, 4, 5, 6, 3, 7, dtype="f4"), 1e-3),
    ]


# ---- attention_backward -----------------------------------------------------


def attention_backward(dcontext, alpha, h):
    """The gradient by the scores, from the gradient by the context.

    dcontext (N, H), weights alpha (T, N), states h (T, N, H) -> (T, N).
    """
    dalpha = np.einsum("nh,tnh->tn", dcontext, h)
    return alpha * (dalpha - (alpha * dalpha).sum(axis=0))


def gradient_and_weights(rng, T, N, H, **options):
    """Draw dcontext (N, H), alpha (T, N) and h (T, N, H)."""
    alpha, h = weights_and_states(rng, T, N, H, **options)
    return rng.normal(0.5, 1, (N, H)).astype(h.dtype), alpha, h


def attention_backward_cases(rng, hidden):
    """T, N and H all different."""
    if hidden:
        return [
            Case("a longer sequence", gradient_and_weights(rng, 12, 4, 5)),
            Case("sharp weights", gradient_and_weights(rng, 6, 5, 3, sharp=3)),
            Case("weights of 0", gradient_and_weights(rng, 9, 3, 7, padded=4)),
        ]
    return [
        Case("a small batch", gradient_and_weights(rng, 5, 3, 4)),
        Case("weights of 0", gradient_and_weights(rng, 7, 4, 2, padded=3)),
        Case("large states", gradient_and_weights(rng, 4, 6, 3, scale=30)),
        Case("one example", gradient_and_weights(rng, 6, 1, 5)),
        Case("float32 numbers", gradient_and_weights(rng, 8, 5, 3, dtype="f4"), 1e-3),
    ]


SUBJECTS = (
    Subject(
        name="context_vector",
        reference=context_vector,
        arguments=("alpha", "h"),
        returns="context",
        shapes={"context": "(N, H)"},
        section="sec-weighted-mean",
        make_cases=context_vector_cases,
    ),
    Subject(
        name="masked_softmax",
        reference=masked_softmax,
        arguments=("scores", "lengths"),
        returns="alpha",
        shapes={"alpha": "(T, N)"},
        section="sec-masked-softmax",
        make_cases=masked_softmax_cases,
    ),
    Subject(
        name="attention_backward",
        reference=attention_backward,
        arguments=("dcontext", "alpha", "h"),
        returns="dscores",
        shapes={"dscores": "(T, N)"},
        section="sec-attention-gradient",
        make_cases=attention_backward_cases,
    ),
    Subject(
        name="attention_scores",
        reference=attention_scores,
        arguments=("q", "keys", "Wq", "Wk", "v"),
        returns="scores",
        shapes={"scores": "(S, N)"},
        section="sec-attention-scores",
        make_cases=attention_scores_cases,
        products=" `q` is (N, Q) and meets `Wq`, `keys` are (S, N, K) and meet `Wk`.",
    ),
)
