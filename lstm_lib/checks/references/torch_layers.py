"""What PyTorch's layers return and hold: shapes, counts, two biases."""

import numpy as np

from lstm_lib.checks.subject import Case, Subject

# ---- torch_lstm_shapes ------------------------------------------------------


def torch_lstm_shapes(
    T,
    N,
    input_size,
    hidden_size,
    num_layers=1,
    bidirectional=False,
    batch_first=False,
    proj_size=0,
):
    """The shapes of output, h_n and c_n of nn.LSTM for a batch of N sequences."""
    directions = 2 if bidirectional else 1
    width = proj_size or hidden_size
    axes = (N, T) if batch_first else (T, N)
    output = (*axes, directions * width)
    h_n = num_layers * directions, N, width
    c_n = num_layers * directions, N, hidden_size
    return output, h_n, c_n


def sizes(rng, count):
    """Different sizes from 7 to 29, the largest last, as plain integers."""
    return sorted(rng.permutation(np.arange(7, 30))[:count].tolist())


def shapes_cases(rng, hidden):
    """T, N, D, H, the layers and the projection all different."""

    def case(name, layers, bidirectional, batch_first, projected=False):
        P, *rest, H = sizes(rng, 5)
        T, N, D = rng.permutation(rest).tolist()
        options = layers, bidirectional, batch_first, P * projected
        return Case(name, (T, N, D, H, *options), 0)

    if hidden:
        return [
            case("both directions, stacked", 3, True, False),
            case("batch first, both directions", 3, True, True),
            case("a projection, both directions", 3, True, False, True),
        ]
    return [
        case("one layer, one direction", 1, False, False),
        case("two layers, both directions", 2, True, False),
        case("three layers, batch first", 3, False, True),
        case("three layers, a projection", 3, False, False, True),
    ]


# ---- torch_parameter_count --------------------------------------------------


def torch_parameter_count(
    input_size,
    hidden_size,
    num_layers=1,
    bias=True,
    bidirectional=False,
    proj_size=0,
):
    """The number of parameters of nn.LSTM, with the two biases of PyTorch."""
    directions = 2 if bidirectional else 1
    width, total = proj_size or hidden_size, 0
    for layer in range(num_layers):
        reads = directions * width if layer else input_size
        one = 4 * hidden_size * (reads + width + 2 * bool(bias))
        total += directions * (one + hidden_size * proj_size)
    return total


def torch_count_cases(rng, hidden):
    """Sizes for which no two wrong formulas agree."""

    def case(name, *options, projected=False):
        P, H = sizes(rng, 2)
        D = 31 + 2 * int(rng.integers(15))  # odd: not what two directions say
        return Case(name, (D, H, *options, P * projected), 0)

    if hidden:
        return [
            case("stacked, both directions", 4, True, True),
            case("stacked, without biases", 3, False, False),
            case("everything but biases", 3, False, True, projected=True),
            case("everything", 2, True, True, projected=True),
        ]
    return [
        case("one layer", 1, True, False),
        case("three layers", 3, True, False),
        case("two layers, both directions", 2, True, True),
        case("without biases", 1, False, False),
        case("a projection", 1, True, False, projected=True),
    ]


# ---- set_forget_bias --------------------------------------------------------


def set_forget_bias(b_ih, b_hh, value):
    """Two biases (4H,) and a number -> two whose sum's forget block is the number.

    The blocks are i, f, g, o; the other three stay as they are.
    """
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    H = len(b_ih) // 4
    b_ih[H : 2 * H] = value
    b_hh[H : 2 * H] = 0
    return b_ih, b_hh


def sum_of_biases(biases):
    """What the gates see of the two, (4H,)."""
    return np.add(*biases)  # lists, too


def forget_bias_cases(rng, hidden):
    """Biases as PyTorch draws them, and others."""

    def biases(H, value, scale=None, dtype="f8"):
        scale = scale or H**-0.5
        drawn = rng.uniform(0.2, 1, (2, 4 * H)) * rng.choice([-1, 1], (2, 4 * H))
        b_ih, b_hh = (scale * drawn).astype(dtype)
        return b_ih, b_hh, value

    if hidden:
        return [
            Case("many units", biases(25, 3.0)),
            Case("large biases", biases(6, 1.5, scale=4.0)),
            Case("a negative value", biases(9, -1.0)),
        ]
    return [
        Case("three units, 1", biases(3, 1.0)),
        Case("five units, 2.5", biases(5, 2.5)),
        Case("large biases", biases(4, 2.0, scale=3.0)),
        Case("float32 numbers", biases(7, 1.0, dtype="f4"), 1e-3),
    ]


# ---- last_of_packed ---------------------------------------------------------


def last_of_packed(data, batch_sizes):
    """Packed outputs (sum of lengths, H), batch_sizes (T,) -> last rows (N, H).

    The N sequences stand from the longest to the shortest.
    """
    starts = np.cumsum(batch_sizes) - batch_sizes
    places = np.arange(batch_sizes[0])
    lengths = (batch_sizes[:, None] > places).sum(axis=0)
    return data[starts[lengths - 1] + places]


def packed(rng, lengths, H, dtype="f8"):
    """Random packed outputs of sequences of these lengths, the longest first."""
    lengths = np.array(lengths)
    batch_sizes = (np.arange(lengths[0])[:, None] < lengths).sum(axis=1)
    return rng.normal(0.3, 1, (lengths.sum(), H)).astype(dtype), batch_sizes


def last_of_packed_cases(rng, hidden):
    """More steps than sequences, and no two sequences of one length in most."""
    if hidden:
        lengths = 3 + rng.permutation(np.arange(12))[:5]
        return [
            Case("a larger batch", packed(rng, [11, 9, 8, 6, 4, 3], 5)),
            Case("drawn lengths", packed(rng, np.sort(lengths)[::-1], 4)),
            Case("two as long", packed(rng, [8, 8, 5, 4], 3)),
        ]
    return [
        Case("four sequences", packed(rng, [7, 5, 3, 2], 3)),
        Case("five sequences", packed(rng, [9, 8, 6, 4, 3], 2)),
        Case("two as long", packed(rng, [6, 4, 4], 5)),
        Case("float32 numbers", packed(rng, [10, 7, 4, 3], 6, "f4"), 1e-3),
    ]


SUBJECTS = (
    Subject(
        name="torch_lstm_shapes",
        reference=torch_lstm_shapes,
        arguments=(
            "T",
            "N",
            "input_size",
            "hidden_size",
            "num_layers",
            "bidirectional",
            "batch_first",
            "proj_size",
        ),
        returns=("output", "h_n", "c_n"),
        shapes={},
        section="sec-torch-shapes",
        make_cases=shapes_cases,
    ),
    Subject(
        name="torch_parameter_count",
        reference=torch_parameter_count,
        arguments=(
            "input_size",
            "hidden_size",
            "num_layers",
            "bias",
            "bidirectional",
            "proj_size",
        ),
        returns="the answer",
        shapes={},
        section="sec-two-biases",
        make_cases=torch_count_cases,
    ),
    Subject(
        name="set_forget_bias",
        reference=set_forget_bias,
        arguments=("b_ih", "b_hh", "value"),
        returns=("b_ih", "b_hh"),
        shapes={"b_ih": "(4H,)", "b_hh": "(4H,)"},
        section="sec-torch-forget-bias",
        make_cases=forget_bias_cases,
        observe=sum_of_biases,
        observed="the sum of your two biases",
    ),
    Subject(
        name="last_of_packed",
        reference=last_of_packed,
        arguments=("data", "batch_sizes"),
        returns="last",
        shapes={"last": "(N, H)"},
        section="sec-packed",
        make_cases=last_of_packed_cases,
    ),
)
