"""Both directions: sequences turned round within their lengths, and their summaries."""

import numpy as np

from lstm_lib.checks.references.simple_rnn import rnn_step
from lstm_lib.checks.references.variants import gru_step, weights
from lstm_lib.checks.subject import Case, Subject

# ---- reverse_within_lengths -------------------------------------------------


def reverse_within_lengths(x, lengths):
    """Each sequence of x (T, N, D) turned round; its padding stays where it is."""
    t = np.arange(len(x))[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    return np.take_along_axis(np.asarray(x), source[..., None], axis=0)


def sizes_within(rng, T, N):
    """Draw lengths (N,) from 2 to T - 1; with three or more, both ends occur."""
    lengths = rng.integers(2, T, N)
    if N > 2:
        lengths[:3] = rng.permutation([2, 3, T - 1])
    if N > 2 and lengths[0] == T - 1:  # the first is not the longest
        lengths[:2] = lengths[1::-1]
    return lengths


def padded_inputs(rng, T, N, D, *, zeros=False, dtype="f8"):
    """Draw x (T, N, D) and lengths below T; zeros: what lies beyond is 0."""
    x, lengths = rng.normal(0.3, 1, (T, N, D)), sizes_within(rng, T, N)
    if zeros:
        x[np.arange(T)[:, None] >= lengths] = 0
    return x.astype(dtype), lengths


def reverse_cases(rng, hidden):
    """What stands in the padding is not always zero, so that it can be followed."""
    if hidden:
        return [
            Case("a larger batch", padded_inputs(rng, 9, 6, 4)),
            Case("zeros after the end", padded_inputs(rng, 13, 4, 3, zeros=True)),
            Case("two features", padded_inputs(rng, 7, 5, 2)),
        ]
    return [
        Case("four sequences", padded_inputs(rng, 6, 4, 3)),
        Case("zeros after the end", padded_inputs(rng, 8, 5, 4, zeros=True)),
        Case("long sequences", padded_inputs(rng, 30, 3, 5)),
        Case("float32 numbers", padded_inputs(rng, 7, 5, 2, dtype="f4"), 1e-3),
    ]


# ---- bidirectional_forward --------------------------------------------------


def read(x, weights):
    """All states (T, N, H) of a simple recurrent layer that starts from zeros."""
    W, U, b = weights
    h, states = np.zeros((x.shape[1], len(U)), x.dtype), []
    for x_t in x:
        h = rnn_step(x_t, h, W, U, b)
        states.append(h)
    return np.stack(states)


def within(y, lengths):
    """States y (T, N, K) with zeros beyond each length."""
    return y * (np.arange(len(y))[:, None] < lengths)[..., None]


def bidirectional_forward(
    x, lengths, forward, backward, *, reverse_within_lengths=reverse_within_lengths
):
    """Inputs x (T, N, D), weights [W, U, b] of both directions -> y (T, N, 2H)."""
    ahead = read(x, forward)
    back = read(reverse_within_lengths(x, lengths), backward)
    back = reverse_within_lengths(back, lengths)
    return within(np.concatenate([ahead, back], axis=2), lengths)


def direction_weights(rng, D, H, spread, dtype):
    W = rng.normal(0, spread * D**-0.5, (D, H))
    U = rng.normal(0, spread * H**-0.5, (H, H))
    return [array.astype(dtype) for array in (W, U, rng.normal(0.4, 0.4, H))]


def forward_arguments(rng, T, N, D, H, *, spread=1.0, zeros=False, dtype="f8"):
    """Draw padded inputs and the weights of two directions, which differ."""
    x, lengths = padded_inputs(rng, T, N, D, zeros=zeros, dtype=dtype)
    both = [direction_weights(rng, D, H, spread, dtype) for _ in range(2)]
    return x, lengths, *both


def bidirectional_forward_cases(rng, hidden):
    """T, N, D and H all different; padding holds zeros only where that is said."""
    if hidden:
        return [
            Case("a longer batch", forward_arguments(rng, 20, 6, 3, 5)),
            Case("saturated units", forward_arguments(rng, 9, 4, 6, 3, spread=4)),
            Case("zeros after the end", forward_arguments(rng, 7, 5, 2, 4, zeros=True)),
        ]
    return [
        Case("small values", forward_arguments(rng, 6, 4, 3, 5, spread=0.6)),
        Case("large values", forward_arguments(rng, 8, 3, 5, 4, spread=3)),
        Case("zeros after the end", forward_arguments(rng, 9, 5, 2, 3, zeros=True)),
        Case("a batch of one sequence", forward_arguments(rng, 7, 1, 4, 2)),
        Case("float32 numbers", forward_arguments(rng, 6, 3, 4, 2, dtype="f4"), 1e-3),
    ]


# ---- bidirectional_summary --------------------------------------------------


def bidirectional_summary(y, lengths):
    """Outputs y (T, N, 2H) -> (N, 2H): each direction after it has read everything."""
    H = y.shape[2] // 2
    ahead = y[lengths - 1, np.arange(len(lengths)), :H]
    return np.concatenate([ahead, y[0, :, H:]], axis=1)


def summary_cases(rng, hidden):
    """No sequence fills the array; the width 2H is even and differs from T and N."""
    if hidden:
        return [
            Case("a larger batch", padded_inputs(rng, 9, 7, 6)),
            Case("zeros after the end", padded_inputs(rng, 14, 5, 4, zeros=True)),
            Case("one unit each way", padded_inputs(rng, 6, 5, 2)),
        ]
    return [
        Case("four sequences", padded_inputs(rng, 7, 4, 6)),
        Case("zeros after the end", padded_inputs(rng, 9, 5, 8, zeros=True)),
        Case("long sequences", padded_inputs(rng, 30, 3, 4)),
        Case("float32 numbers", padded_inputs(rng, 7, 5, 4, dtype="f4"), 1e-3),
    ]


# ---- stacked_parameter_count ------------------------------------------------


def stacked_parameter_count(input_size, hidden_size, num_layers, bidirectional):
    """The numbers in a stack of LSTM layers, one bias a block."""
    directions, count = 1 + bidirectional, 0
    for _ in range(num_layers):
        count += directions * 4 * hidden_size * (input_size + hidden_size + 1)
        input_size = directions * hidden_size
    return count


def stacked_count_cases(rng, hidden):
    """Sizes for which no two wrong formulas agree; D is neither H nor 2H."""
    if hidden:
        sizes = [rng.permutation(np.arange(20, 300))[:2].tolist() for _ in range(3)]
        sizes = [(D, H + (H in (D, D // 2))) for D, H in sizes]
        forms = (
            ("two layers", 2, False),
            ("two ways", 2, True),
            ("four layers", 4, True),
        )
        return [
            Case(name, (*pair, *rest), 0) for pair, (name, *rest) in zip(sizes, forms)
        ]
    return [
        Case("one layer", (3, 5, 1, False), 0),
        Case("one layer in two ways", (4, 7, 1, True), 0),
        Case("two layers", (10, 6, 2, False), 0),
        Case("two layers in two ways", (13, 8, 2, True), 0),
        Case("three layers in two ways", (28, 16, 3, True), 0),
    ]


# ---- stacked_forward --------------------------------------------------------


def stacked_forward(x, h, layers, *, gru_step=gru_step):
    """A stack of GRUs: x (T, N, D), h (L, N, H), L [W, U, b] -> y (T, N, H), h."""
    y, ends = x, []
    for state, parameters in zip(h, layers):
        states = []
        for y_t in y:
            state = np.asarray(gru_step(y_t, state, *parameters))
            states.append(state)
        y = np.stack(states)
        ends.append(state)
    return y, np.stack(ends)


def stack_arguments(rng, L, T, N, D, H, *, spread=1.0, dtype="f8"):
    """Draw x, the first state of each layer, and the layers' weights."""
    x = rng.normal(0.2, 1, (T, N, D)).astype(dtype)
    h = rng.uniform(-0.9, 0.9, (L, N, H)).astype(dtype)
    inputs = [D] + [H] * (L - 1)
    layers = [
        [array.astype(dtype) for array in weights(rng, "rzn", size, H, spread)]
        for size in inputs
    ]
    return x, h, layers


def stacked_forward_cases(rng, hidden):
    """Two layers and more, with L, T, N, D and H all different."""
    if hidden:
        return [
            Case("a longer sequence", stack_arguments(rng, 2, 25, 5, 3, 7)),
            Case("four layers", stack_arguments(rng, 4, 5, 3, 2, 6)),
            Case("saturated gates", stack_arguments(rng, 2, 6, 4, 8, 5, spread=5)),
        ]
    return [
        Case("two layers", stack_arguments(rng, 2, 5, 3, 6, 4)),
        Case("three layers", stack_arguments(rng, 3, 6, 4, 2, 5)),
        Case("large values", stack_arguments(rng, 2, 4, 5, 3, 6, spread=3)),
        Case("a batch of one sequence", stack_arguments(rng, 2, 7, 1, 5, 3)),
        Case("float32 numbers", stack_arguments(rng, 3, 4, 2, 6, 5, dtype="f4"), 1e-3),
    ]


SUBJECTS = (
    Subject(
        name="reverse_within_lengths",
        reference=reverse_within_lengths,
        arguments=("x", "lengths"),
        returns="turned",
        shapes={"turned": "(T, N, D)"},
        section="sec-reverse-within-lengths",
        make_cases=reverse_cases,
    ),
    Subject(
        name="bidirectional_forward",
        reference=bidirectional_forward,
        arguments=("x", "lengths", "forward", "backward"),
        returns="y",
        shapes={"y": "(T, N, 2H)"},
        section="sec-both-directions",
        make_cases=bidirectional_forward_cases,
        part="reverse_within_lengths",
        part_check="reverse_within_lengths",
        part_reads=("x",),
    ),
    Subject(
        name="bidirectional_summary",
        reference=bidirectional_summary,
        arguments=("y", "lengths"),
        returns="summary",
        shapes={"summary": "(N, 2H)"},
        section="sec-last-step-no-summary",
        make_cases=summary_cases,
    ),
    Subject(
        name="stacked_parameter_count",
        reference=stacked_parameter_count,
        arguments=("input_size", "hidden_size", "num_layers", "bidirectional"),
        returns="the answer",
        shapes={},
        section="sec-stacked",
        make_cases=stacked_count_cases,
    ),
    Subject(
        name="stacked_forward",
        reference=stacked_forward,
        arguments=("x", "h", "layers"),
        returns=("y", "h"),
        shapes={"y": "(T, N, H)", "h": "(L, N, H)"},
        section="sec-stacked",
        make_cases=stacked_forward_cases,
        products=(
            " Here `x[t]` is (N, D), the first `W` (D, 3H), every other `W` (H, 3H), "
            "`h[l]` (N, H), `U` (H, 3H): which two sizes must agree in `A @ B`?"
        ),
        part="gru_step",
        part_check="gru_step",
        part_reads=("x", "h"),
    ),
)
