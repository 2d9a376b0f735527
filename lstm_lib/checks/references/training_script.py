"""The parts of a training script, and the whole: an LSTM as it is, a trained read-out.

Arrays are float32, as PyTorch's layers want them if nobody says otherwise.
"""

import numpy as np

from lstm_lib.checks.references.lstm import lstm_forward
from lstm_lib.checks.subject import Case, Subject

RTOL = 1e-3  # of float32 numbers, in whatever order they are added

# ---- to_batch_first ---------------------------------------------------------


def to_batch_first(x):
    """Time first (T, N, D) -> batch first (N, T, D)."""
    return np.swapaxes(x, 0, 1)


def batch_first_cases(rng, hidden):
    """T, N and D all different."""
    if hidden:
        sizes = {"more steps": (11, 4, 3), "one feature": (5, 6, 1), "wide": (3, 2, 9)}
    else:
        sizes = {"small": (4, 3, 2), "more sequences": (3, 8, 5), "long": (9, 2, 4)}
    return [
        Case(name, (rng.normal(size=size).astype("f4"),), RTOL)
        for name, size in sizes.items()
    ]


# ---- in_order ---------------------------------------------------------------


def in_order(x, lengths, labels, order):
    """Sequences x (N, T, D), lengths and labels (N,): the n-th is the old order[n]."""
    return x[order], lengths[order], labels[order]


def order_cases(rng, hidden):
    """Orders that are not their own way back; all lengths and all labels differ."""

    def case(name, N, T, D):
        x = rng.normal(size=(N, T, D)).astype("f4")
        lengths, labels = rng.permutation(T)[:N] + 1, rng.permutation(3 * N)[:N]
        # In a circle of N nobody stays, and the way back is another one.
        circle = rng.permutation(N)
        order = np.empty(N, int)
        order[circle] = np.roll(circle, 1)
        return Case(name, (x, lengths, labels, order), RTOL)

    if hidden:
        return [case("more sequences", 9, 12, 4), case("others", 5, 6, 2)]
    return [case("four sequences", 4, 7, 3), case("six sequences", 6, 8, 2)]


# ---- read_in_batches --------------------------------------------------------


def read_in_batches(x, weights, size):
    """Outputs (N, T, H) of an LSTM for x (N, T, D), read by batches of `size`.

    weights: the four arrays of nn.LSTM. Each sequence starts from zeros.
    """
    return outputs(x, weights, size)


def outputs(x, weights, size, carry=False):
    """The same, or with the state of one batch carried to the next."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    zeros, parts = np.zeros((size, weight_hh.shape[1])), []
    h, c = zeros, zeros
    for start in range(0, len(x), size):
        batch = np.swapaxes(x[start : start + size], 0, 1)
        state = (h, c) if carry else (zeros, zeros)
        y, (h, c) = lstm_forward(
            batch, *state, weight_ih.T, weight_hh.T, bias_ih + bias_hh
        )
        parts.append(np.swapaxes(y, 0, 1))
    return np.concatenate(parts)


def torch_weights(rng, D, H, scale=1.0):
    """The four arrays of an nn.LSTM, drawn as PyTorch draws them."""
    bound = scale * H**-0.5
    shapes = (4 * H, D), (4 * H, H), (4 * H,), (4 * H,)
    return [rng.uniform(-bound, bound, shape).astype("f4") for shape in shapes]


def read_cases(rng, hidden):
    """Several full batches in each; no two of N, T, D, H and size are alike."""

    def case(name, N, T, D, H, size, scale=1.5):
        x = rng.normal(0.2, 1, (N, T, D)).astype("f4")
        return Case(name, (x, torch_weights(rng, D, H, scale), size), RTOL)

    if hidden:
        return [
            case("many batches", 10, 4, 3, 6, 2),
            case("longer sequences", 8, 20, 3, 5, 4),
            case("large weights", 9, 5, 2, 4, 3, scale=4),
        ]
    return [
        case("two batches", 6, 5, 2, 4, 3),
        case("three batches", 12, 7, 5, 3, 4),
        case("one at a time", 5, 6, 3, 4, 1),
    ]


# ---- last_states ------------------------------------------------------------


def last_states(output, lengths):
    """Of outputs (N, T, H), each sequence's at its own last step: (N, H)."""
    return output[np.arange(len(lengths)), lengths - 1]


def last_cases(rng, hidden):
    """Lengths from 2, all different but two; padding behind the longest, too."""

    def case(name, N, T, H):
        output = rng.uniform(-0.9, 0.9, (N, T, H)).astype("f4")
        lengths = 2 + rng.permutation(T - 3)[:N]
        lengths[-1] = lengths[0]
        return Case(name, (output, lengths), RTOL)

    if hidden:
        return [case("more sequences", 9, 14, 6), case("others", 5, 9, 3)]
    return [case("four sequences", 4, 8, 3), case("six sequences", 6, 11, 2)]


# ---- train_steps ------------------------------------------------------------


def train_steps(W, b, h, labels, rate, steps):
    """Gradient descent on the mean cross-entropy of h @ W.T + b -> new W, b.

    W: (K, H), b: (K,), h: (N, H), labels: (N,).
    """
    return descend(W, b, h, labels, rate, steps)


def descend(W, b, h, labels, rate, steps, by_scores=None, kept=0):
    """The same from other gradients by the scores, or with a share of old ones kept."""
    W, b, h = (array.astype("f8") for array in (W, b, h))
    by_scores, by_W, by_b = by_scores or cross_entropy_gradient, 0, 0
    for _ in range(steps):
        dz = by_scores(h @ W.T + b, np.eye(len(b))[labels])
        by_W, by_b = kept * by_W + dz.T @ h, kept * by_b + dz.sum(axis=0)
        W, b = W - rate * by_W, b - rate * by_b
    return W, b


def softmax(z):
    """Rows (N, K) -> probabilities."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy_gradient(z, targets):
    """Of the mean over the rows, by the scores z (N, K); targets are one-hot."""
    return (softmax(z) - targets) / len(z)


def steps_cases(rng, hidden):
    """Several steps in each, from weights that are not zero; every class occurs."""

    def case(name, N, H, K, steps, rate=0.7, scale=1.0):
        W, b = rng.normal(0, 0.5, (K, H)), rng.normal(0, 0.5, K)
        labels = rng.permutation(np.arange(N) % K)
        h = np.eye(K)[labels] @ rng.normal(0, scale, (K, H))
        h = h + rng.normal(0, 0.5, (N, H))
        W, b, h = (array.astype("f4") for array in (W, b, h))
        return Case(name, (W, b, h, labels, rate, steps), RTOL)

    if hidden:
        return [
            case("more steps", 14, 4, 3, 30, rate=0.4),
            case("more classes", 17, 5, 7, 6),
            case("large states", 12, 3, 4, 5, rate=0.2, scale=3),
        ]
    return [
        case("three steps", 9, 4, 3, 3),
        case("two classes", 10, 5, 2, 8),
        case("twenty steps", 13, 3, 4, 20, rate=0.5),
    ]


# ---- train_and_predict ------------------------------------------------------

BOUND = 0.85


def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    """Classes (M,) of new sequences, after training on N others.

    x: (T, N, D), x_new: (T, M, D), time first and padded with zeros.
    """
    h, h_new = (
        last_states(outputs(to_batch_first(batch), weights, batch.shape[1]), ends)
        for batch, ends in ((x, lengths), (x_new, lengths_new))
    )
    K = labels.max() + 1
    W, b = train_steps(np.zeros((K, h.shape[1])), np.zeros(K), h, labels, 4.0, 60)
    return (h_new @ W.T + b).argmax(axis=1)


def share_of_right_answers(predicted, labels):
    """No more than the bound, as more is not better here."""
    return np.minimum(np.mean(predicted == labels), BOUND)


def some_sequences(rng, N, T, kinds, noise=0.3):
    """x (T, N, D), lengths, and the kind of the last vector before the padding."""
    lengths = rng.integers(2, T - 1, N)
    drawn = rng.integers(len(kinds), size=(T, N))
    x = kinds[drawn] + rng.normal(0, noise, (T, N, kinds.shape[1]))
    x[np.arange(T)[:, None] >= lengths] = 0
    return x.astype("f4"), lengths, drawn[lengths - 1, np.arange(N)]


def whole_cases(rng, hidden):
    """The class is the kind of the last vector, of K kinds that the case draws."""

    def case(name, K, H=24, N=160, M=80, T=12):
        kinds = 3.0 * rng.permutation(np.eye(K + 1))[:K]
        weights = torch_weights(rng, K + 1, H)
        x, lengths, labels = some_sequences(rng, N, T, kinds)
        x_new, lengths_new, right = some_sequences(rng, M, T, kinds)
        arguments = x, lengths, labels, weights, x_new, lengths_new
        return Case(name, arguments, RTOL, (right,))

    if hidden:
        return [case("three classes", 3), case("other sequences", 4, H=28)]
    return [case("four classes", 4), case("five classes", 5)]


SUBJECTS = (
    Subject(
        name="to_batch_first",
        reference=to_batch_first,
        arguments=("x",),
        returns="x",
        shapes={"x": "(N, T, D)"},
        section="sec-four-shapes",
        make_cases=batch_first_cases,
    ),
    Subject(
        name="in_order",
        reference=in_order,
        arguments=("x", "lengths", "labels", "order"),
        returns=("x", "lengths", "labels"),
        shapes={"x": "(N, T, D)", "lengths": "(N,)", "labels": "(N,)"},
        section="sec-torch-training",
        make_cases=order_cases,
    ),
    Subject(
        name="read_in_batches",
        reference=read_in_batches,
        arguments=("x", "weights", "size"),
        returns="the output",
        shapes={"the output": "(N, T, H)"},
        section="sec-carry-and-detach",
        make_cases=read_cases,
    ),
    Subject(
        name="last_states",
        reference=last_states,
        arguments=("output", "lengths"),
        returns="last",
        shapes={"last": "(N, H)"},
        section="sec-packed",
        make_cases=last_cases,
    ),
    Subject(
        name="train_steps",
        reference=train_steps,
        arguments=("W", "b", "h", "labels", "rate", "steps"),
        returns=("W", "b"),
        shapes={"W": "(K, H)", "b": "(K,)"},
        section="sec-torch-training",
        make_cases=steps_cases,
    ),
    Subject(
        name="train_and_predict",
        reference=train_and_predict,
        arguments=("x", "lengths", "labels", "weights", "x_new", "lengths_new"),
        returns="classes",
        shapes={"classes": "(M,)"},
        section="sec-torch-training",
        make_cases=whole_cases,
        observe=share_of_right_answers,
        observed="the share of right answers on new sequences",
    ),
)
