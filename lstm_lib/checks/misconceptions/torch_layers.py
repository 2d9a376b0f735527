"""Mistakes about PyTorch's layers: shapes, counts, two biases, packed sequences."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.torch_layers import (
    last_of_packed,
    set_forget_bias,
    torch_lstm_shapes,
    torch_parameter_count,
)

# ---- torch_lstm_shapes ------------------------------------------------------

# Names of cases, by what is set in them.
ONE_DIRECTION = (
    "one layer, one direction",
    "three layers, batch first",
    "three layers, a projection",
)
TIME_FIRST = (
    "one layer, one direction",
    "two layers, both directions",
    "three layers, a projection",
    "both directions, stacked",
    "a projection, both directions",
)
BATCH_FIRST = "three layers, batch first", "batch first, both directions"
NO_PROJECTION = (
    "one layer, one direction",
    "two layers, both directions",
    "both directions, stacked",
    *BATCH_FIRST,
)


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your `h_n` and `c_n` begin with the batch, as if `batch_first` moved them too. "
    "Which tensors does this argument speak of, and how many sequences would a first "
    "axis of layers and directions make?",
    right_on=TIME_FIRST,
)
def batch_first_moves_the_states(T, N, D, H, L, both, batch_first, P):
    output, *states = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    if batch_first:
        states = [(N, first, width) for first, _, width in states]
    return output, *states


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your `output` is as wide with both directions as with one. Two layers of units "
    "have read the sequence: where do the numbers of the second go?",
    right_on=ONE_DIRECTION,
)
def output_not_doubled_by_directions(T, N, D, H, L, both, batch_first, P):
    output, *_ = torch_lstm_shapes(T, N, D, H, L, False, batch_first, P)
    return output, *torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)[1:]


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your states join the two directions in their last axis, as `output` does. In "
    "`h_n` each direction of each layer has a row of its own: along which axis?",
    right_on=ONE_DIRECTION,
)
def directions_joined_in_the_states(T, N, D, H, L, both, batch_first, P):
    output, h_n, c_n = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    d = 2 if both else 1
    return output, (L, N, d * h_n[2]), (L, N, d * H)


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your states are those of the last layer alone. To go on with the next piece of "
    "a sequence, which layers need a state to start from?",
    right_on=("one layer, one direction",),
)
def states_of_the_last_layer_alone(T, N, D, H, L, both, batch_first, P):
    output, *_ = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    return output, *torch_lstm_shapes(T, N, D, H, 1, both, batch_first, P)[1:]


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your `output` holds every layer side by side. Of how many layers does `output` "
    "show each step, and which part of the answer tells of the others?",
    right_on=("one layer, one direction",),
)
def output_of_all_layers(T, N, D, H, L, both, batch_first, P):
    output, *states = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    return (*output[:2], L * output[2]), *states


@misconception(
    "torch_lstm_shapes",
    "sec-projection",
    "Your `c_n` is as narrow as `h_n`. What does the projection multiply, the hidden "
    "state or the cell state?",
    right_on=NO_PROJECTION,
)
def cell_state_projected_too(T, N, D, H, L, both, batch_first, P):
    output, h_n, _ = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    return output, h_n, h_n


@misconception(
    "torch_lstm_shapes",
    "sec-projection",
    "Your `h_n` and `output` have `hidden_size` units a direction where a projection "
    "was asked for. Which of the two sizes has `h` after it?",
    right_on=NO_PROJECTION,
)
def hidden_state_not_projected(T, N, D, H, L, both, batch_first, P):
    return torch_lstm_shapes(T, N, D, H, L, both, batch_first, 0)


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your `output` begins with the batch although `batch_first` is False. What comes "
    "first in PyTorch's recurrent layers if nobody says otherwise?",
    right_on=BATCH_FIRST,
)
def batch_first_taken_as_the_default(T, N, D, H, L, both, batch_first, P):
    return torch_lstm_shapes(T, N, D, H, L, both, True, P)


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your `output` has no time axis, as if only the last step came out. Which of the "
    "three tensors is about the last step, and what does `output` add to it?",
)
def output_of_the_last_step_alone(T, N, D, H, L, both, batch_first, P):
    (*_, width), *states = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    return (N, width), *states


@misconception(
    "torch_lstm_shapes",
    "sec-torch-shapes",
    "Your states are (N, units), as in a single step. A layer of PyTorch may be "
    "several layers in two directions: which axis counts them, even when it is 1?",
)
def states_without_their_first_axis(T, N, D, H, L, both, batch_first, P):
    output, h_n, c_n = torch_lstm_shapes(T, N, D, H, L, both, batch_first, P)
    return output, h_n[1:], c_n[1:]


# ---- torch_parameter_count --------------------------------------------------

WITHOUT_BIASES = (
    "without biases",
    "stacked, without biases",
    "everything but biases",
)
NOT_PROJECTED = (
    "one layer",
    "three layers",
    "two layers, both directions",
    "without biases",
    "stacked, both directions",
    "stacked, without biases",
)


@misconception(
    "torch_parameter_count",
    "sec-two-biases",
    "Your count has one bias a block, as this course and Keras store it. How many "
    "vectors whose names begin with `bias` are in a `state_dict` of one layer?",
    right_on=WITHOUT_BIASES,
)
def torch_count_with_one_bias(D, H, L, bias, both, P):
    half = torch_parameter_count(D, H, L, False, both, P)
    return (half + torch_parameter_count(D, H, L, bias, both, P)) // 2


@misconception(
    "torch_parameter_count",
    "sec-two-biases",
    "Your count has no biases at all. What does `bias=True`, the default, add to each "
    "of the four blocks?",
    right_on=WITHOUT_BIASES,
)
def torch_count_without_biases(D, H, L, bias, both, P):
    return torch_parameter_count(D, H, L, False, both, P)


@misconception(
    "torch_parameter_count",
    "sec-two-biases",
    "With `bias=False` you still count one of the two biases. Is there a switch for "
    "each of them?",
    right_on=(
        "one layer",
        "three layers",
        "two layers, both directions",
        "a projection",
        "stacked, both directions",
        "everything",
    ),
)
def one_switch_for_one_bias(D, H, L, bias, both, P):
    count = torch_parameter_count(D, H, L, bias, both, P)
    return count if bias else torch_count_with_one_bias(D, H, L, True, both, P)


@misconception(
    "torch_parameter_count",
    "sec-seven-arguments",
    "All your layers have the size of the first. What does the second layer read: the "
    "input, or what the layer below says?",
    right_on=("one layer", "without biases", "a projection"),
)
def layers_all_as_the_first(D, H, L, bias, both, P):
    return L * torch_parameter_count(D, H, 1, bias, both, P)


@misconception(
    "torch_parameter_count",
    "sec-seven-arguments",
    "Your second layer reads one direction of the layer below. Both directions read "
    "what *both* below have said: how wide is that?",
    right_on=(
        "one layer",
        "three layers",
        "without biases",
        "a projection",
        "stacked, without biases",
    ),
)
def torch_layer_above_reads_one_direction(D, H, L, bias, both, P):
    return (1 + both) * torch_parameter_count(D, H, L, bias, False, P)


@misconception(
    "torch_parameter_count",
    "sec-seven-arguments",
    "The backward direction has no weights of its own in your count. Do the two "
    "directions share them?",
    right_on=(
        "one layer",
        "three layers",
        "without biases",
        "a projection",
        "stacked, without biases",
    ),
)
def directions_share_their_weights(D, H, L, bias, both, P):
    return torch_parameter_count(D, H, L, bias, both, P) // (1 + both)


@misconception(
    "torch_parameter_count",
    "sec-projection",
    "Your recurrent weights have the right size, but the matrix that projects is not "
    "counted. What turns the H numbers of a unit's output into P?",
    right_on=NOT_PROJECTED,
)
def projection_matrix_not_counted(D, H, L, bias, both, P):
    return torch_parameter_count(D, H, L, bias, both, P) - L * (1 + both) * H * P


@misconception(
    "torch_parameter_count",
    "sec-projection",
    "You have counted the matrix that projects, and left the recurrent weights as "
    "wide as without it. How many numbers does the next step read of `h`?",
    right_on=NOT_PROJECTED,
)
def recurrent_weights_not_narrowed(D, H, L, bias, both, P):
    return torch_parameter_count(D, H, L, bias, both, 0) + L * (1 + both) * H * P


@misconception(
    "torch_parameter_count",
    "sec-two-biases",
    "Your count has three blocks of rows, as a GRU has. How many blocks does an LSTM "
    "stack in `weight_ih_l0`?",
)
def torch_count_of_three_blocks(D, H, L, bias, both, P):
    projections = L * (1 + both) * H * P
    count = torch_parameter_count(D, H, L, bias, both, P) - projections
    return count * 3 // 4 + projections


# ---- set_forget_bias --------------------------------------------------------


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "The forget block of your sum is twice the value: both biases hold it. What does "
    "the gate see of two biases?",
)
def forget_bias_in_both(b_ih, b_hh, value):
    b_ih, b_hh = set_forget_bias(b_ih, b_hh, value)
    H = len(b_hh) // 4
    b_hh[H : 2 * H] = value
    return b_ih, b_hh


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "One of your biases holds the value, and the other what it was drawn as. The gate "
    "sees their sum: what has to stand in the second one?",
)
def forget_bias_in_one_of_two(b_ih, b_hh, value):
    return set_forget_bias(b_ih, b_hh, value)[0], b_hh.copy()


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "The value stands in the *first* block, the input gate's. In which order does "
    "PyTorch stack its four blocks?",
)
def forget_bias_in_the_first_block(b_ih, b_hh, value):
    return in_block(0, b_ih, b_hh, value)


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "The value stands in the *third* block. That is the forget gate's in ONNX, and "
    "the candidate's in PyTorch: which block is whose here?",
)
def forget_bias_in_the_third_block(b_ih, b_hh, value):
    return in_block(2, b_ih, b_hh, value)


def in_block(block, b_ih, b_hh, value):
    """The value in one of the four blocks of the sum."""
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    b_ih[block * H : (block + 1) * H] = value
    b_hh[block * H : (block + 1) * H] = 0
    return b_ih, b_hh


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "Every fourth number is set, as if the four gates of a unit stood side by side. "
    "How are the 4H numbers of a bias divided among the gates?",
)
def forget_bias_in_every_fourth_place(b_ih, b_hh, value):
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    b_ih[1::4], b_hh[1::4] = value, 0
    return b_ih, b_hh


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "The value stands in all four blocks. What happens to a memory if the input gate "
    "opens as wide as the forget gate?",
)
def forget_bias_in_all_blocks(b_ih, b_hh, value):
    return np.full_like(b_ih, value), np.zeros_like(b_hh)


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "The forget block is right, but the other three blocks have become zero. Which of "
    "the four does the task ask you to set?",
)
def other_blocks_cleared(b_ih, b_hh, value):
    H = len(b_ih) // 4
    b_ih = np.zeros_like(b_ih)
    b_ih[H : 2 * H] = value
    return b_ih, np.zeros_like(b_hh)


@misconception(
    "set_forget_bias",
    "sec-torch-forget-bias",
    "You have *added* the value to what was drawn. Where does the gate start then, "
    "and is it the same for all units?",
)
def value_added_to_the_forget_bias(b_ih, b_hh, value):
    b_ih, H = b_ih.copy(), len(b_ih) // 4
    b_ih[H : 2 * H] += value
    return b_ih, b_hh.copy()


# ---- last_of_packed ---------------------------------------------------------


@misconception(
    "last_of_packed",
    "sec-packed",
    "You return the last N rows of the data. These belong to the last *steps*: which "
    "sequences are still running there?",
)
def last_rows_of_the_data(data, batch_sizes):
    return data[-batch_sizes[0] :]


@misconception(
    "last_of_packed",
    "sec-packed",
    "Your answer is the last row of each *step*. Whose row is the last of a step, and "
    "how many steps are there for N sequences?",
)
def last_row_of_each_step(data, batch_sizes):
    return data[np.cumsum(batch_sizes) - 1]


@misconception(
    "last_of_packed",
    "sec-packed",
    "Your rows are where the sequences would end if they stood one after the other. "
    "In packed data, which row follows the first one: the same sequence's next step, "
    "or the next sequence's same step?",
)
def sequences_one_after_the_other(data, batch_sizes):
    return data[np.cumsum(lengths_of(batch_sizes)) - 1]


def lengths_of(batch_sizes):
    """The lengths of the sequences, (N,)."""
    return (batch_sizes[:, None] > np.arange(batch_sizes[0])).sum(axis=0)


@misconception(
    "last_of_packed",
    "sec-packed",
    "Your answer is the first row of each sequence. How much of it had the network "
    "read by then?",
)
def first_rows_of_the_data(data, batch_sizes):
    return data[: batch_sizes[0]]


@misconception(
    "last_of_packed",
    "sec-packed",
    "You return the rows of the last step alone. Only the longest sequences reach it: "
    "where did the others end?",
)
def rows_of_the_last_step(data, batch_sizes):
    return data[-batch_sizes[-1] :]


@misconception(
    "last_of_packed",
    "sec-packed",
    "You have read `batch_sizes` as lengths. It counts for each *step* how many "
    "sequences still run; how do you get from there to the length of one sequence?",
)
def batch_sizes_read_as_lengths(data, batch_sizes):
    N = batch_sizes[0]
    starts, places = np.cumsum(batch_sizes) - batch_sizes, np.arange(N)
    return data[starts[batch_sizes[:N] - 1] + places]


@misconception(
    "last_of_packed",
    "sec-packed",
    "Your rows are one step early: the last but one of each sequence. Counted from "
    "0, what is the number of the last step of a sequence of length 3?",
)
def one_step_before_the_end(data, batch_sizes):
    starts, places = np.cumsum(batch_sizes) - batch_sizes, np.arange(batch_sizes[0])
    return data[starts[lengths_of(batch_sizes) - 2] + places]


@misconception(
    "last_of_packed",
    "sec-packed",
    "Your rows are right, but in the opposite order. Which sequence comes first in "
    "packed data, the longest or the shortest?",
)
def shortest_sequence_first(data, batch_sizes):
    return last_of_packed(data, batch_sizes)[::-1]
