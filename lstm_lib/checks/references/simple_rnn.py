"""The simple recurrent network: step, sequence, softmax, loss, backward."""

import numpy as np

from lstm_lib.checks.subject import Case, Subject

# ---- softmax ----------------------------------------------------------------


def log_softmax(z, axis=-1):
    """The logarithm of softmax(z), for scores however far apart."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def softmax(z):
    """Scores z (..., K) -> probabilities along the last axis."""
    return np.exp(log_softmax(z))


def far_rows(rng, K):
    """Scores (3, K): a row with both signs, a row far below 0, a row far above.

    exp overflows in the first and the last; the middle one is all zeros if
    the largest score of the whole array is subtracted.
    """
    z = rng.normal(0, 1, (3, K)) + [[0], [-1000], [1000]]
    z[0, :2] += 1000, -1000
    return z


def softmax_cases(rng, hidden):
    """One axis and more.

    No single row but the vector: for both a sum over the whole array is right.
    """
    if hidden:
        return [
            Case("four axes", (rng.normal(-0.5, 2, (2, 3, 5, 4)),)),
            Case("scores far from 0", (far_rows(rng, 7),)),
        ]
    return [
        Case("a vector", (rng.normal(0.2, 2, 6),)),
        Case("a matrix", (rng.normal(0.5, 2, (3, 5)),)),
        Case("three axes", (rng.normal(-0.3, 2, (2, 4, 3)),)),
        Case("scores far from 0", (far_rows(rng, 4),)),
        Case("float32 numbers", (rng.normal(0.4, 2, (5, 4)).astype("f4"),), 1e-3),
    ]


# ---- rnn_step ---------------------------------------------------------------


def rnn_step(x, h, W, U, b):
    """One step: x (N, D), h (N, H), W (D, H), U (H, H), b (H,) -> h (N, H)."""
    return np.tanh(x @ W + h @ U + b)


def rnn_arguments(rng, lead, N, D, H, spread=1.0, dtype="f8"):
    """Draw x (*lead, N, D), h, W, U, b; a large spread saturates units."""
    x, h = rng.normal(0.2, 1, (*lead, N, D)), rng.uniform(-0.9, 0.9, (N, H))
    W = rng.normal(0, spread * D**-0.5, (D, H))
    U = rng.normal(0, spread * H**-0.5, (H, H))
    b = rng.normal(0.4, 0.4, H)
    return tuple(array.astype(dtype) for array in (x, h, W, U, b))


def rnn_step_cases(rng, hidden):
    """One step with N, D and H all different."""
    if hidden:
        return [
            Case("other sizes", rnn_arguments(rng, (), 7, 2, 6)),
            Case("saturated units", rnn_arguments(rng, (), 5, 9, 8, spread=5)),
            Case("two units", rnn_arguments(rng, (), 6, 3, 2, spread=1.5)),
        ]
    return [
        Case("small values", rnn_arguments(rng, (), 3, 5, 4, spread=0.6)),
        Case("large values", rnn_arguments(rng, (), 4, 3, 6, spread=3)),
        Case("a batch of one example", rnn_arguments(rng, (), 1, 4, 5)),
        Case("float32 numbers", rnn_arguments(rng, (), 3, 2, 5, dtype="f4"), 1e-3),
    ]


# ---- rnn_forward ------------------------------------------------------------


def rnn_forward(x, h, W, U, b, *, rnn_step=rnn_step):
    """A whole sequence: x (T, N, D), h (N, H) -> y (T, N, H), h (N, H)."""
    y = []
    for x_t in x:
        h = np.asarray(rnn_step(x_t, h, W, U, b))  # a student may return a list
        y.append(h)
    return np.stack(y), h


def rnn_forward_cases(rng, hidden):
    """Sequences of several steps, starting from a state that is not zero."""
    if hidden:
        return [
            Case("a longer sequence", rnn_arguments(rng, (40,), 5, 3, 7)),
            Case("saturated units", rnn_arguments(rng, (11,), 4, 6, 5, spread=3)),
            Case("two steps", rnn_arguments(rng, (2,), 3, 4, 6)),
            Case("one step, one example", rnn_arguments(rng, (1,), 1, 3, 5)),
        ]
    return [
        Case("six steps", rnn_arguments(rng, (6,), 3, 5, 4)),
        Case("large values", rnn_arguments(rng, (7,), 4, 3, 5, spread=2.5)),
        Case("a batch of one example", rnn_arguments(rng, (9,), 1, 2, 4)),
        Case("float32 numbers", rnn_arguments(rng, (5,), 3, 4, 6, dtype="f4"), 1e-3),
    ]


# ---- cross_entropy and perplexity -------------------------------------------


def cross_entropy(z, targets):
    """The mean of -log softmax(z)[target] in nats: z (N, K), targets (N,)."""
    return -log_softmax(z)[np.arange(len(z)), targets].mean()


def perplexity(z, targets, *, cross_entropy=cross_entropy):
    """The exp of the mean loss: how many equally likely classes would be as hard."""
    return np.exp(cross_entropy(z, targets))


def scores_and_targets(rng, N, K, spread=1.0, dtype="f8"):
    """Draw scores (N, K) and targets (N,), of which the first is unlikely."""
    z = rng.normal(0.5, spread, (N, K)).astype(dtype)
    targets = rng.integers(0, K, N)
    targets[0] = z[0].argmin()
    return z, targets


def far_apart(rng, N, K):
    """Scores about 2000 apart in every row, with targets all over them.

    Every row has a level of its own: a row far below the largest score of the
    whole array is all zeros if that one is subtracted before exp.
    """
    z, targets = scores_and_targets(rng, N, K, spread=30)
    z += np.resize([[-2000], [0], [1000]], (N, 1))
    z += rng.permuted(np.tile(np.linspace(-1000, 1000, K), (N, 1)), axis=1)
    targets[:2] = z[0].argmin(), z[1].argmax()
    return z, targets


def cross_entropy_cases(rng, hidden):
    """More than one example: for one the sum would be right as well."""
    if hidden:
        return [
            Case("more classes", scores_and_targets(rng, 9, 23, spread=2)),
            Case("scores far apart", far_apart(rng, 5, 8)),
        ]
    return [
        Case("small scores", scores_and_targets(rng, 6, 4)),
        Case("large scores", scores_and_targets(rng, 5, 7, spread=4)),
        Case("scores far apart", far_apart(rng, 6, 5)),
        Case("float32 numbers", scores_and_targets(rng, 7, 3, 2, "f4"), 1e-3),
    ]


def perplexity_cases(rng, hidden):
    """Scores so close that the answer does not overflow."""
    if hidden:
        return [
            Case("more classes", scores_and_targets(rng, 8, 19, spread=2)),
            Case("large scores", scores_and_targets(rng, 7, 5, spread=6)),
        ]
    return [
        Case("small scores", scores_and_targets(rng, 5, 4)),
        Case("larger scores", scores_and_targets(rng, 6, 8, spread=3)),
        Case("float32 numbers", scores_and_targets(rng, 7, 6, 2, "f4"), 1e-3),
    ]


# ---- rnn_backward -----------------------------------------------------------


def rnn_backward(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    """Back-propagation through time: dy (T, N, H) -> dx, dh, dW, dU, db."""
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = through_time(dy, 1 - y**2, U)
    dx, dW, dU, db = collected(dz, x, before(h, y), W)
    return dx, dh, dW, dU, db


def before(h, y):
    """The hidden state (T, N, H) that each step was given."""
    return np.stack([h, *y[:-1]])


def through_time(dy, slope, U):
    """The gradients by the T pre-activations, (T, N, H), and by the first state."""
    dz, dh = np.empty_like(dy), np.zeros_like(dy[0])
    for t in reversed(range(len(dy))):
        dz[t] = (dy[t] + dh) * slope[t]  # by y, and by every later step
        dh = dz[t] @ U.T
    return dz, dh


def collected(dz, x, before, W):
    """The dx of every step, and dW, dU, db summed over steps and examples."""
    dW = np.einsum("tnd,tnh->dh", x, dz)
    dU = np.einsum("tnj,tnh->jh", before, dz)
    return dz @ W.T, dW, dU, dz.sum(axis=(0, 1))


def backward_arguments(rng, T, N, D, H, **keywords):
    """Draw dy (T, N, H) and the arguments of rnn_forward."""
    arguments = rnn_arguments(rng, (T,), N, D, H, **keywords)
    return rng.normal(0.2, 1, (T, N, H)).astype(arguments[0].dtype), *arguments


def rnn_backward_cases(rng, hidden):
    """Two steps and more, with T, N, D and H all different.

    No batch of one: there the mean over the batch would be right as well.
    """
    if hidden:
        return [
            Case("a longer sequence", backward_arguments(rng, 30, 4, 3, 7)),
            Case("saturated units", backward_arguments(rng, 7, 5, 6, 8, spread=2.5)),
            Case("two steps", backward_arguments(rng, 2, 6, 4, 5)),
        ]
    return [
        Case("three steps", backward_arguments(rng, 3, 2, 5, 4, spread=0.6)),
        Case("large values", backward_arguments(rng, 5, 4, 2, 6, spread=2)),
        Case("eight steps", backward_arguments(rng, 8, 3, 4, 5)),
        Case("float32 numbers", backward_arguments(rng, 6, 3, 2, 4, dtype="f4"), 1e-3),
    ]


# ---- the shapes of sequence problems -----------------------------------------

SHAPES = (
    "one-to-one",
    "one-to-many",
    "many-to-one",
    "many-to-many aligned",
    "many-to-many unaligned",
)
# None: judged when the work is graded, by answers that only the hidden test holds.
PROBLEM_SHAPES = {
    "part-of-speech tagging": "many-to-many aligned",
    "sentiment of a review": "many-to-one",
    "image captioning": "one-to-many",
    "translation": "many-to-many unaligned",
    "digit recognition": None,
    "speech to text": None,
    "melody from one note": None,
    "video frame labels": None,
}


_ARGUMENTS = ("x", "h", "W", "U", "b")
_SHAPES = {"y": "(T, N, H)", "h": "(N, H)"}
_PRODUCTS = (
    " Here `{}` is (N, D), `W` (D, H), `h` (N, H), `U` (H, H): which two sizes "
    "must agree in `A @ B`?"
)
SUBJECTS = (
    Subject(
        name="softmax",
        reference=softmax,
        arguments=("z",),
        returns="the answer",
        shapes={},
        section="sec-softmax",
        make_cases=softmax_cases,
    ),
    Subject(
        name="rnn_step",
        reference=rnn_step,
        arguments=_ARGUMENTS,
        returns="h",
        shapes=_SHAPES,
        section="sec-rnn-step",
        make_cases=rnn_step_cases,
        products=_PRODUCTS.format("x"),
    ),
    Subject(
        name="rnn_forward",
        reference=rnn_forward,
        arguments=_ARGUMENTS,
        returns=("y", "h"),
        shapes=_SHAPES,
        section="sec-unrolled",
        make_cases=rnn_forward_cases,
        products=_PRODUCTS.format("x[t]"),
        part="rnn_step",
        part_check="rnn_step",
        part_reads=("x", "h"),
    ),
    Subject(
        name="cross_entropy",
        reference=cross_entropy,
        arguments=("z", "targets"),
        returns="the answer",
        shapes={},
        section="sec-cross-entropy",
        make_cases=cross_entropy_cases,
    ),
    Subject(
        name="perplexity",
        reference=perplexity,
        arguments=("z", "targets"),
        returns="the answer",
        shapes={},
        section="sec-perplexity",
        make_cases=perplexity_cases,
        part="cross_entropy",
        part_check="cross_entropy",
        part_reads=("z",),
    ),
    Subject(
        name="rnn_backward",
        reference=rnn_backward,
        arguments=("dy", *_ARGUMENTS),
        returns=("dx", "dh", "dW", "dU", "db"),
        shapes={
            "dx": "(T, N, D)",
            "dh": "(N, H)",
            "dW": "(D, H)",
            "dU": "(H, H)",
            "db": "(H,)",
        },
        section="sec-bptt",
        make_cases=rnn_backward_cases,
        products=(
            " Here `dy[t]` and `dh` are (N, H), `x[t]` is (N, D), `W` (D, H), `U` "
            "(H, H): which shape should the product have, and which two sizes must "
            "agree in `A @ B`?"
        ),
        part="rnn_forward",
        part_check="rnn_forward",
        part_reads=("x",),  # how h is used is seen in dh and dU
    ),
)
