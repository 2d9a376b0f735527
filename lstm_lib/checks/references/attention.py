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


# ---- word_attention ---------------------------------------------------------


def word_attention(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    """States h (T, N, H) of the words -> logits (N, C) and weights (T, N).

    W (H, A), b (A,), u (A,): of the attention; V (H, C), d (C,): of the answer.
    masked_softmax: the student's own, to see what is right given a mistake in it.
    """
    alpha = masked_softmax(np.tanh(h @ W + b) @ u, lengths)
    return context_vector(alpha, h) @ V + d, alpha


def states_and_classifier(rng, T, N, H, A, C, *, scale=1.0, dtype="f8"):
    """Draw all arguments of word_attention; something stands past every end.

    scale: how far the tanh of the attention is from its middle.
    """
    lengths = rng.integers(2, T - 1, N)
    lengths[:3] = rng.permutation([2, 3, T - 2])[:N]
    shapes = (T, N, H), (H, A), (A,), (A,), (H, C), (C,)
    sizes = 1.0, scale / H**0.5, 0.5, 1.0, 1.0, 1.0
    h, *weights = (
        (size * rng.normal(0.3, 1, shape)).astype(dtype)
        for shape, size in zip(shapes, sizes)
    )
    return h, lengths, *weights


def word_attention_cases(rng, hidden):
    """All sizes differ; no example fills the array."""
    if hidden:
        return [
            Case("longer sentences", states_and_classifier(rng, 21, 4, 6, 5, 3)),
            Case("large weights", states_and_classifier(rng, 8, 5, 6, 7, 2, scale=3)),
            Case("more classes", states_and_classifier(rng, 7, 3, 4, 2, 6)),
        ]
    single = states_and_classifier(rng, 9, 4, 7, 6, 5, dtype="f4")
    return [
        Case("a small batch", states_and_classifier(rng, 6, 4, 3, 5, 2)),
        Case("small weights", states_and_classifier(rng, 8, 3, 5, 4, 2, scale=0.3)),
        Case("one sentence", states_and_classifier(rng, 7, 1, 4, 3, 2)),
        Case("float32 numbers", single, 1e-3),
    ]


# ---- agreement --------------------------------------------------------------


def agreement(alphas, lengths):
    """Weights alphas (M, T, N) of M networks, lengths (N,) -> two shares.

    In what share of the sentences two networks have the same top word, mean over
    all pairs of networks; and what that would be for words drawn by chance.
    """
    top = alphas.argmax(axis=1)
    pairs = [np.mean(top[i] == top[j]) for i in range(len(top)) for j in range(i)]
    return np.mean(pairs), np.mean(1 / lengths)


def weights_of_networks(rng, M, T, N, *, liked=0.6, sharp=1.0, dtype="f8"):
    """Draw alphas (M, T, N) and lengths (N,) from 2 to T, not all alike.

    liked: how often a network's top word is the one that the others like too.
    Drawn again until the pairs of networks to be counted make a difference.
    """
    while True:
        lengths = rng.permutation([2, T, *rng.integers(2, T + 1, N - 2)])
        alphas = np.exp(sharp * rng.normal(size=(M, T, N)))
        alphas *= np.arange(T)[:, None] < lengths
        likes = rng.random((M, N)) < liked
        own, shared = rng.integers(lengths, size=(M, N)), rng.integers(lengths)
        place = np.where(likes, shared, own)
        network, sentence = np.indices((M, N))
        alphas[network, place, sentence] += alphas.max(axis=1)
        alphas = (alphas / alphas.sum(axis=1, keepdims=True)).astype(dtype)
        if _pairs_matter(alphas.argmax(axis=1)):
            return alphas, lengths


def _pairs_matter(top):
    """Whether some, all, and all at once of the networks agree in other shares."""
    same = np.mean(top[:, None] == top, axis=2)
    shares = [
        same[np.tril_indices(len(top), -1)].mean(),
        same[0, 1:].mean(),
        np.diagonal(same, 1).mean(),
        np.mean((top == top[0]).all(axis=0)),
    ]
    return np.diff(np.sort(shares)).min() > 0.01 and max(shares) < 1


def agreement_cases(rng, hidden):
    """Three networks at least: of two there is one pair only."""
    if hidden:
        return [
            Case("six networks", weights_of_networks(rng, 6, 9, 12)),
            Case("longer sentences", weights_of_networks(rng, 3, 25, 14)),
            Case("nearly alike", weights_of_networks(rng, 4, 7, 30, liked=0.9)),
        ]
    single = weights_of_networks(rng, 3, 6, 11, dtype="f4")
    return [
        Case("three networks", weights_of_networks(rng, 3, 8, 10)),
        Case("five networks", weights_of_networks(rng, 5, 7, 13)),
        Case("little in common", weights_of_networks(rng, 4, 6, 15, liked=0.2)),
        Case("float32 numbers", single, 1e-3),
    ]


# ---- changed_weights --------------------------------------------------------


def changed_weights(alpha, lengths):
    """Weights alpha (T, N), lengths (N,) -> three other weights (T, N).

    Uniform over the true steps; the top step alone; all steps but the top one,
    whose weight the others share in proportion.
    """
    N, within = len(lengths), np.arange(len(alpha))[:, None] < lengths
    only, rest = np.zeros_like(alpha), alpha.copy()
    top = alpha.argmax(axis=0), np.arange(N)
    only[top], rest[top] = 1, 0
    return within / lengths, only, rest / rest.sum(axis=0)


def weights_and_lengths(rng, T, N, *, sharp=1.0, dtype="f8"):
    """Draw weights (T, N) that add up to 1 within lengths from 3 to T - 1."""
    lengths = rng.integers(3, T, N)
    lengths[:2] = rng.permutation([3, T - 1])[:N]
    alpha = np.exp(sharp * rng.normal(size=(T, N)))
    alpha *= np.arange(T)[:, None] < lengths
    return (alpha / alpha.sum(axis=0)).astype(dtype), lengths


def changed_weights_cases(rng, hidden):
    """Three true steps at least, so that two are left without the top."""
    if hidden:
        return [
            Case("longer sentences", weights_and_lengths(rng, 18, 5)),
            Case("sharp weights", weights_and_lengths(rng, 7, 4, sharp=3)),
            Case("more sentences", weights_and_lengths(rng, 6, 9)),
        ]
    return [
        Case("a small batch", weights_and_lengths(rng, 6, 4)),
        Case("nearly even weights", weights_and_lengths(rng, 8, 3, sharp=0.2)),
        Case("one sentence", weights_and_lengths(rng, 7, 1)),
        Case("float32 numbers", weights_and_lengths(rng, 5, 6, dtype="f4"), 1e-3),
    ]


# ---- top_word_effect --------------------------------------------------------


def top_word_effect(p, p_without, alpha, lengths):
    """What it does to the answer to delete the word with the largest weight.

    p (N,): probability of the right answer. p_without (T, N): the same without
    word t. alpha (T, N), lengths (N,). Returns three numbers: the mean effect of
    the top word, that of the other words, and the share of the sentences in
    which no word has a larger effect than the top word.
    """
    N, within = len(lengths), np.arange(len(alpha))[:, None] < lengths
    effects = np.abs(p - p_without) * within
    place = alpha.argmax(axis=0)
    top = effects[place, np.arange(N)]
    others = (effects.sum(axis=0) - top) / (lengths - 1)
    return top.mean(), others.mean(), np.mean(effects.argmax(axis=0) == place)


def answers_without_words(rng, T, N, *, liked=0.5, change=0.5, dtype="f8"):
    """Draw p (N,), p_without (T, N), alpha (T, N), and lengths (N,) from 3 to T.

    liked: the share of the sentences whose top word has the largest effect; in
    the others it has hardly any. A word counts for less in a longer sentence.
    change: the size of the effects. Past a sentence's end p_without is 0.
    """
    lengths = rng.permutation([3, T, *rng.integers(3, T + 1, N - 2)])
    within = np.arange(T)[:, None] < lengths
    alpha = np.where(within, np.exp(rng.normal(size=(T, N))), 0)
    falls = rng.uniform(0.05, 0.6, (T, N)) * rng.choice([1, 1, -0.4], (T, N))
    most = (lengths < T) & ((rng.random(N) < liked) | (lengths == 3))
    top = alpha.argmax(axis=0), np.arange(N)
    falls[top] = np.where(most, rng.uniform(0.65, 0.9, N), 0.01)
    falls *= 1 - 0.6 * lengths / T
    p = rng.uniform(0.6, 0.85, N)
    p_without = np.where(within, p - change * falls, 0)
    numbers = p, p_without, alpha / alpha.sum(axis=0)
    return *(array.astype(dtype) for array in numbers), lengths


def top_word_effect_cases(rng, hidden):
    """Some words help the right answer and some harm it; lengths differ."""
    if hidden:
        return [
            Case("longer sentences", answers_without_words(rng, 20, 8)),
            Case("more sentences", answers_without_words(rng, 6, 25, liked=0.3)),
            Case("small effects", answers_without_words(rng, 7, 9, change=0.05)),
        ]
    single = answers_without_words(rng, 9, 8, dtype="f4")
    return [
        Case("a small batch", answers_without_words(rng, 7, 6)),
        Case("the top word matters", answers_without_words(rng, 8, 10, liked=0.8)),
        Case("other words matter", answers_without_words(rng, 6, 9, liked=0.1)),
        Case("float32 numbers", single, 1e-3),
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
    Subject(
        name="word_attention",
        reference=word_attention,
        arguments=("h", "lengths", "W", "b", "u", "V", "d"),
        returns=("logits", "alpha"),
        shapes={"logits": "(N, C)", "alpha": "(T, N)"},
        section="sec-word-attention",
        make_cases=word_attention_cases,
        sections={"logits": "sec-weighted-mean"},
        products=" `W` is (H, A) and meets the states; `V` is (H, C) and meets their "
        "weighted mean.",
        part="masked_softmax",
        part_check="masked_softmax",
        part_reads=("scores",),
    ),
    Subject(
        name="agreement",
        reference=agreement,
        arguments=("alphas", "lengths"),
        returns=("same", "chance"),
        shapes={},
        section="sec-do-weights-explain",
        make_cases=agreement_cases,
    ),
    Subject(
        name="changed_weights",
        reference=changed_weights,
        arguments=("alpha", "lengths"),
        returns=("uniform", "only", "rest"),
        shapes={"uniform": "(T, N)", "only": "(T, N)", "rest": "(T, N)"},
        section="sec-do-weights-explain",
        make_cases=changed_weights_cases,
    ),
    Subject(
        name="top_word_effect",
        reference=top_word_effect,
        arguments=("p", "p_without", "alpha", "lengths"),
        returns=("top", "others", "largest"),
        shapes={},
        section="sec-do-weights-explain",
        make_cases=top_word_effect_cases,
    ),
)
