"""What Keras's layers do: padding, counts, masks, and when training ends."""

import numpy as np

from lstm_lib.checks.subject import Case, Subject

# ---- pad_sequences ------------------------------------------------------------

IN_FRONT, BEHIND = ("pre", "pre"), ("post", "post")
PAD_IN_FRONT, PAD_BEHIND = ("pre", "post"), ("post", "pre")  # cut at the other end


def pad_sequences(sequences, maxlen, padding, truncating):
    """Lists of tokens -> (N, maxlen), cut or filled with 0 at the named ends."""
    rows = np.zeros((len(sequences), maxlen), dtype=np.int64)
    for row, sequence in zip(rows, sequences):
        start = max(len(sequence) - maxlen, 0) if truncating == "pre" else 0
        kept = sequence[start : start + maxlen]
        first = maxlen - len(kept) if padding == "pre" else 0
        row[first : first + len(kept)] = kept
    return rows


def some_sequences(rng, N, maxlen, ends):
    """Draw N lists: shorter, as long as maxlen, and by two or more longer."""
    lengths = rng.integers(1, 2 * maxlen, N)
    lengths[:4] = rng.permutation([maxlen - 2, maxlen, maxlen + 2, 2 * maxlen + 1])
    sequences = [rng.permutation(np.arange(1, 90))[:n].tolist() for n in lengths]
    return sequences, maxlen, *ends


def pad_cases(rng, hidden):
    """Every pair of ends; the longest sequence is longer than maxlen."""
    sizes = (
        ((7, 4), (5, 6), (6, 8), (9, 5)) if hidden else ((4, 5), (5, 3), (6, 4), (7, 6))
    )
    names = {
        "both in front": IN_FRONT,
        "both behind": BEHIND,
        "padding in front, cutting behind": PAD_IN_FRONT,
        "padding behind, cutting in front": PAD_BEHIND,
    }
    return [
        Case(name, some_sequences(rng, *size, ends))
        for size, (name, ends) in zip(sizes, names.items())
    ]


# ---- keras_parameter_counts -----------------------------------------------------


def keras_parameter_counts(K, D, H, G, M):
    """Of Embedding(K, D), LSTM(H), GRU(G) and Dense(M), each on the one before."""
    embedding = K * D
    lstm = 4 * (D * H + H * H + H)
    gru = 3 * (H * G + G * G + 2 * G)
    return embedding, lstm, gru, G * M + M


def count_cases(rng, hidden):
    """All five sizes differ."""
    sizes = {
        "a small model": (50, 3, 4, 5, 2),
        "the reviews' words": (10_000, 32, 48, 24, 3),
        "more units than inputs": (70, 2, 9, 6, 4),
        "one output": (200, 8, 7, 5, 1),
    }
    if hidden:
        sizes = {
            "many units": (5000, 20, 64, 40, 10),
            "narrow": (30, 6, 2, 3, 4),
            "drawn": tuple(int(k) for k in rng.permutation(np.arange(3, 20))[:5]),
        }
    return [Case(name, some, 1e-9) for name, some in sizes.items()]


# ---- run_with_mask --------------------------------------------------------------


def run_with_mask(x, mask, h, W, U, b):
    """A simple RNN that stands still where mask (T, N) is False -> y (T, N, H), h."""
    y = np.empty((len(x), *h.shape))
    for t in range(len(x)):
        h = np.where(mask[t][:, None], np.tanh(x[t] @ W + h @ U + b), h)
        y[t] = h
    return y, h


def masked_batch(rng, T, N, D, H, kind, *, scale=1.0, dtype="f8"):
    """Draw x, mask, h, W, U, b; kind: where the masked steps are."""
    steps, lengths = np.arange(T)[:, None], rng.integers(2, T - 1, N)
    lengths[:2] = rng.permutation([2, T - 2])[: len(lengths[:2])]
    if kind == "front":
        mask = steps >= T - lengths
    elif kind == "behind":
        mask = steps < lengths
    else:  # a hole within, at another place in each sequence
        mask = (steps + np.arange(N)) % 3 != 1
    arrays = rng.normal(size=(T, N, D)), rng.normal(0, 0.6, (N, H))
    weights = [rng.normal(0, scale, s) for s in ((D, H), (H, H), (H,))]
    x, h, *weights = (a.astype(dtype) for a in (*arrays, *weights))
    return x, mask, h, *weights


def mask_cases(rng, hidden):
    """Masked steps in front, behind and between; a batch of one."""
    if hidden:
        return [
            Case("masked in front", masked_batch(rng, 8, 5, 2, 4, "front")),
            Case("masked behind", masked_batch(rng, 9, 4, 3, 5, "behind")),
            Case("large weights", masked_batch(rng, 12, 3, 4, 2, "holes", scale=3)),
        ]
    return [
        Case("masked in front", masked_batch(rng, 6, 4, 3, 5, "front")),
        Case("masked behind", masked_batch(rng, 7, 3, 2, 4, "behind")),
        Case("holes within", masked_batch(rng, 7, 5, 4, 3, "holes")),
        Case("one sequence", masked_batch(rng, 5, 1, 2, 3, "holes")),
        Case(
            "float32 numbers", masked_batch(rng, 6, 3, 4, 2, "front", dtype="f4"), 1e-3
        ),
    ]


# ---- early_stopping -------------------------------------------------------------


def early_stopping(losses, patience):
    """Validation losses by epoch -> how many epochs are run, and which was best."""
    best, since = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch and not loss < losses[best]:
            since += 1
            if since == patience:
                return epoch + 1, best + 1
        else:
            best, since = epoch, 0
    return len(losses), best + 1


def stopping_cases(rng, hidden):
    """A rise and a fall before the best; better ones after the stop; a tie."""
    losses = [0.70, 0.62, 0.66, 0.64, 0.55, 0.58, 0.57, 0.60, 0.63, 0.65, 0.50, 0.40]
    tie = [0.69, 0.60, 0.64, 0.52, 0.52, 0.56, 0.54, 0.53, 0.58, 0.45]
    never = [0.80, 0.71, 0.75, 0.73, 0.60, 0.66, 0.52, 0.48, 0.50]
    shift = 0.01 * rng.integers(1, 9)
    if hidden:
        losses, tie, never = [0.9, *losses], [0.9, 0.8, *tie], [*never, 0.41, 0.45]
    cases = {
        "better epochs come too late": (losses, 3),
        "a tie": (tie, 4),
        "it never stops": (never, 3),
    }
    return [
        Case(name, ([round(v + shift, 2) for v in some], patience), 1e-9)
        for name, (some, patience) in cases.items()
    ]


# ---- keras_lstm_shapes ----------------------------------------------------------


def keras_lstm_shapes(
    N, T, units, return_sequences=False, return_state=False, bidirectional=False
):
    """The shapes of all arrays that Keras' LSTM gives back for N sequences.

    bidirectional: the layer is wrapped in Bidirectional.
    """
    directions = 2 if bidirectional else 1
    width = directions * units
    output = (N, T, width) if return_sequences else (N, width)
    return output, *[(N, units)] * (2 * directions * return_state)


def keras_shapes_cases(rng, hidden):
    """N, T and the units all different."""

    def case(name, *switches):
        sizes = rng.permutation(np.arange(7, 30))[:3].tolist()
        return Case(name, (*sizes, *switches), 0)

    if hidden:
        return [
            case("the last output and the states", False, True, False),
            case("both directions, every step", True, False, True),
            case("both directions, every step and the states", True, True, True),
        ]
    return [
        case("the last output", False, False, False),
        case("every step", True, False, False),
        case("every step and the states", True, True, False),
        case("both directions, and the states", False, True, True),
    ]


SUBJECTS = (
    Subject(
        name="pad_sequences",
        reference=pad_sequences,
        arguments=("sequences", "maxlen", "padding", "truncating"),
        returns="rows",
        shapes={"rows": "(N, maxlen)"},
        section="sec-pad-sequences",
        make_cases=pad_cases,
    ),
    Subject(
        name="keras_parameter_counts",
        reference=keras_parameter_counts,
        arguments=("K", "D", "H", "G", "M"),
        returns=("embedding", "lstm", "gru", "dense"),
        shapes={},
        section="sec-keras-summary",
        make_cases=count_cases,
    ),
    Subject(
        name="run_with_mask",
        reference=run_with_mask,
        arguments=("x", "mask", "h", "W", "U", "b"),
        returns=("y", "h"),
        shapes={"y": "(T, N, H)", "h": "(N, H)"},
        section="sec-masking",
        make_cases=mask_cases,
    ),
    Subject(
        name="early_stopping",
        reference=early_stopping,
        arguments=("losses", "patience"),
        returns=("epochs", "best"),
        shapes={},
        section="sec-early-stopping",
        make_cases=stopping_cases,
    ),
    Subject(
        name="keras_lstm_shapes",
        reference=keras_lstm_shapes,
        arguments=(
            "N",
            "T",
            "units",
            "return_sequences",
            "return_state",
            "bidirectional",
        ),
        returns="shape",
        shapes={},
        section="sec-keras-outputs",
        make_cases=keras_shapes_cases,
    ),
)
