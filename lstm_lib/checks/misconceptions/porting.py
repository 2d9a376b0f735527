"""Mistakes in carrying weights from one framework to another."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.porting import (
    from_torch_weights,
    keras_gru_weights,
    packed_as_keras,
    reorder_gates,
    steps_that_agree,
    to_torch_weights,
)

# ---- reorder_gates -----------------------------------------------------------


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "Your blocks are moved the way back: from `new` to `old`. In which of the two "
    "orders are the blocks that you were given?",
)
def blocks_moved_the_way_back(array, old, new, axis):
    return reorder_gates(array, new, old, axis)


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "Your blocks stand where they stood. Every shape fits before and after, so what "
    "would tell you that nothing was moved?",
)
def blocks_left_in_place(array, old, new, axis):
    return array


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "You moved single rows or columns inside groups of neighbours, as if the gates of "
    "*one unit* stood side by side. How many neighbours belong to the same gate?",
)
def gates_of_a_unit_side_by_side(array, old, new, axis):
    units = np.split(array, array.shape[axis] // len(old), axis)
    return np.concatenate([reorder_gates(u, old, new, axis) for u in units], axis)


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "Your answer has one row or column for each gate. How many units has the layer, "
    "and so how wide is the block of a gate?",
)
def one_column_for_each_gate(array, old, new, axis):
    return np.take(array, [old.index(name) for name in new], axis)


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "You cut the *last* axis, whatever `axis` says. Which axis of PyTorch's "
    "`weight_ih` (4H, D) holds the gates?",
    right_on=(
        "weights in columns",
        "a bias of three blocks",
        "float32 numbers",
        "other weights in columns",
        "another bias",
    ),
)
def last_axis_always_cut(array, old, new, axis):
    return reorder_gates(array, old, new, -1)


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "You cut the *first* axis, whatever `axis` says. Which axis of this course's `W` "
    "(D, 4H) holds the gates?",
    right_on=(
        "weights in rows",
        "a bias of three blocks",
        "other weights in rows",
        "another bias",
    ),
)
def first_axis_always_cut(array, old, new, axis):
    return reorder_gates(array, old, new, 0)


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "Your blocks are the right ones, put together along the first axis. Along which "
    "one did you cut them?",
    right_on=(
        "weights in rows",
        "a bias of three blocks",
        "other weights in rows",
        "another bias",
    ),
)
def blocks_put_together_along_the_first_axis(array, old, new, axis):
    blocks = dict(zip(old, np.split(array, len(old), axis)))
    return np.concatenate([blocks[name] for name in new])


@misconception(
    "reorder_gates",
    "sec-gate-orders",
    "Your blocks stand in the reverse of the order they came in. Which letter of `new` "
    "comes first, and where does its block stand in `array`?",
)
def blocks_in_reverse(array, old, new, axis):
    return reorder_gates(array, old, old[::-1], axis)


# ---- to_torch_weights --------------------------------------------------------


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "Your bias acts twice: PyTorch adds `bias_ih` *and* `bias_hh`. What should the two "
    "add up to?",
)
def bias_in_both_of_torch(W, U, b):
    return W.T, U.T, b, b


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "Your matrices are *reshaped*: the shape is right, and the numbers were only read "
    "off in rows. Where does the weight from input d to column k belong?",
)
def reshaped_for_transposed(W, U, b):
    return W.reshape(W.shape[::-1]), U.reshape(U.shape[::-1]), b, 0 * b


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "You stacked the four blocks of `U` without turning them. Each is (H, H), so no "
    "shape complains: which axis of a block belongs to the old state?",
)
def recurrent_blocks_not_turned(W, U, b):
    return W.T, np.concatenate(np.split(U, 4, axis=1)), b, 0 * b


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "`U` is reshaped where `W` is transposed. Do the two need different treatment?",
)
def recurrent_weights_reshaped(W, U, b):
    return W.T, U.reshape(U.shape[::-1]), b, 0 * b


@misconception(
    "to_torch_weights",
    "sec-gate-orders",
    "You moved the blocks into ONNX's order i, o, f, g. In which order does *PyTorch* "
    "keep them, and what did the probe find?",
)
def torch_weights_in_the_order_of_onnx(W, U, b):
    return to_torch_weights(*(reorder_gates(a, "ifgo", "iofg", -1) for a in (W, U, b)))


@misconception(
    "to_torch_weights",
    "sec-gate-orders",
    "You moved the candidate behind the gates: i, f, o, g. In which order does PyTorch "
    "keep its four blocks?",
)
def torch_weights_with_candidate_last(W, U, b):
    return to_torch_weights(*(reorder_gates(a, "ifgo", "ifog", -1) for a in (W, U, b)))


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "Both of your biases are zero. Where did `b` go?",
)
def both_biases_of_torch_zero(W, U, b):
    return W.T, U.T, 0 * b, 0 * b


@misconception(
    "to_torch_weights",
    "sec-transposes-and-biases",
    "Each of your two biases is what the sum of the two should be, halved *twice*: a "
    "quarter each. How much of `b` do PyTorch's gates see?",
)
def a_quarter_in_each_bias(W, U, b):
    return W.T, U.T, b / 4, b / 4


# ---- keras_gru_weights -------------------------------------------------------


def rearranged(W, U, b):
    """From r, z, n to Keras' z, r, n."""
    return [reorder_gates(array, "rzn", "zrn", -1) for array in (W, U, b)]


def inside(b, bn):
    """A second bias that is bn in the last block."""
    return np.concatenate([0 * b[: -len(bn)], bn])


@misconception(
    "keras_gru_weights",
    "sec-gate-orders",
    "Your blocks are still in the order r, z, n, so Keras resets with your update gate "
    "and updates with your reset gate. What did the probe find in Keras?",
)
def keras_gru_in_the_order_of_torch(W, U, b, bn):
    return W, U, np.stack([b, inside(b, bn)])


@misconception(
    "keras_gru_weights",
    "sec-gate-orders",
    "You moved the blocks of `W`, and those of `U` stayed. How many arrays hold a "
    "block for every gate?",
)
def only_the_kernel_reordered(W, U, b, bn):
    return keras_gru_weights(W, U, b, bn)[0], U, np.stack([b, inside(b, bn)])


@misconception(
    "keras_gru_weights",
    "sec-gate-orders",
    "You moved the blocks of `W` and `U`, and those of `b` stayed. Which gate does the "
    "first block of a Keras bias belong to?",
)
def gru_bias_not_reordered(W, U, b, bn):
    kernel, recurrent_kernel, _ = rearranged(W, U, b)
    return kernel, recurrent_kernel, np.stack([b, inside(b, bn)])


@misconception(
    "keras_gru_weights",
    "sec-gru-reset-after",
    "Your `bn` stands in the first row, outside the reset product. What multiplies it "
    "in the equation for n?",
)
def inner_bias_put_outside(W, U, b, bn):
    kernel, recurrent_kernel, b = rearranged(W, U, b)
    return kernel, recurrent_kernel, np.stack([b + inside(b, bn), 0 * b])


@misconception(
    "keras_gru_weights",
    "sec-gru-reset-after",
    "Your `bn` is gone. Which of Keras' two rows is added inside the reset product?",
)
def inner_bias_dropped(W, U, b, bn):
    kernel, recurrent_kernel, b = rearranged(W, U, b)
    return kernel, recurrent_kernel, np.stack([b, 0 * b])


@misconception(
    "keras_gru_weights",
    "sec-gru-reset-after",
    "Your `bn` acts twice, inside the reset product and outside. How often does it "
    "stand in the equation?",
)
def inner_bias_inside_and_outside(W, U, b, bn):
    kernel, recurrent_kernel, b = rearranged(W, U, b)
    return kernel, recurrent_kernel, np.stack([b + inside(b, bn), inside(b, bn)])


@misconception(
    "keras_gru_weights",
    "sec-gru-reset-after",
    "Your two rows are exchanged. For z and r only their sum counts; for n, which row "
    "does the reset gate multiply?",
)
def rows_of_the_bias_exchanged(W, U, b, bn):
    kernel, recurrent_kernel, bias = keras_gru_weights(W, U, b, bn)
    return kernel, recurrent_kernel, bias[::-1]


@misconception(
    "keras_gru_weights",
    "sec-gru-reset-after",
    "Your `b` stands in both rows, so the gates see it twice. What should the two rows "
    "add up to for z and r?",
)
def gru_bias_in_both_rows(W, U, b, bn):
    kernel, recurrent_kernel, (b, second) = keras_gru_weights(W, U, b, bn)
    return kernel, recurrent_kernel, np.stack([b, b + second])


@misconception(
    "keras_gru_weights",
    "sec-update-gate-convention",
    "You turned the sign of the update gate, as one must where it *lets in*. What does "
    "an open update gate of Keras do with the old state?",
)
def update_gate_turned_without_need(W, U, b, bn):
    kernel, recurrent_kernel, bias = keras_gru_weights(W, U, b, bn)
    for array in (kernel, recurrent_kernel, bias):
        array[..., : len(bn)] *= -1
    return kernel, recurrent_kernel, bias


# ---- steps_that_agree --------------------------------------------------------

NO_STEP = ("no step", "no step, and longer")


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "You look for `other` below `y` only. How large is a difference of -0.5, and what "
    "must be taken of it before you compare?",
    right_on=NO_STEP,
)
def difference_with_its_sign(y, other, tolerance):
    differs = (y - other > tolerance).any(axis=(1, 2))
    return int(differs.argmax()) if differs.any() else len(y)


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "You count every step that agrees, also those after the first that does not. What "
    "do you want to know: how many, or how far?",
    right_on=NO_STEP,
)
def every_agreeing_step_counted(y, other, tolerance):
    return int((np.abs(y - other) <= tolerance).all(axis=(1, 2)).sum())


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "You compare the *mean* difference of a step. If one number of a hundred is wrong, "
    "what is left of it in a mean?",
    right_on=NO_STEP,
)
def mean_difference_of_a_step(y, other, tolerance):
    differs = np.abs(y - other).mean(axis=(1, 2)) > tolerance
    return int(differs.argmax()) if differs.any() else len(y)


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "You compare the first example alone. Can another one differ where it does not?",
    right_on=NO_STEP,
)
def first_example_compared_alone(y, other, tolerance):
    return steps_that_agree(y[:, :1], other[:, :1], tolerance)


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "You count the step that differs, too. If the very first step differs, how many "
    "agree?",
    right_on=NO_STEP,
)
def differing_step_counted(y, other, tolerance):
    return min(steps_that_agree(y, other, tolerance) + 1, len(y))


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "Where nothing differs you return 0: `argmax` of nothing but False is 0. How many "
    "steps agree then?",
    right_on=(
        "the third step",
        "a late step",
        "float32 numbers",
        "another step",
        "the first step",
    ),
)
def argmax_of_nothing(y, other, tolerance):
    return int((np.abs(y - other) > tolerance).any(axis=(1, 2)).argmax())


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "Your answer is the last step that differs. Two networks that parted may agree "
    "again by chance: which step tells where the mistake is?",
    right_on=NO_STEP,
)
def last_step_that_differs(y, other, tolerance):
    differs = (np.abs(y - other) > tolerance).any(axis=(1, 2))
    return int(np.flatnonzero(differs)[-1]) if differs.any() else len(y)


@misconception(
    "steps_that_agree",
    "sec-batch-that-can-fail",
    "A step of yours differs only if *every* number of it does. How many wrong numbers "
    "does it take to make a step wrong?",
    right_on=NO_STEP,
)
def all_numbers_must_differ(y, other, tolerance):
    differs = (np.abs(y - other) > tolerance).all(axis=(1, 2))
    return int(differs.argmax()) if differs.any() else len(y)


# ---- from_torch_weights ------------------------------------------------------


@misconception(
    "from_torch_weights",
    "sec-transposes-and-biases",
    "Your bias is `bias_ih` alone. PyTorch's gates see two biases: what becomes of the "
    "other one?",
)
def second_bias_of_torch_lost(weight_ih, weight_hh, bias_ih, bias_hh):
    return weight_ih.T, weight_hh.T, bias_ih


@misconception(
    "from_torch_weights",
    "sec-transposes-and-biases",
    "Your bias is the *mean* of the two. What do PyTorch's gates make of them?",
)
def mean_of_the_two_biases(weight_ih, weight_hh, bias_ih, bias_hh):
    return weight_ih.T, weight_hh.T, (bias_ih + bias_hh) / 2


@misconception(
    "from_torch_weights",
    "sec-transposes-and-biases",
    "Your biases stand one behind the other, 8H numbers. That is ONNX's form: how many "
    "has an LSTM of Keras?",
)
def biases_one_behind_the_other(weight_ih, weight_hh, bias_ih, bias_hh):
    return weight_ih.T, weight_hh.T, np.concatenate([bias_ih, bias_hh])


@misconception(
    "from_torch_weights",
    "sec-transposes-and-biases",
    "Your two kernels are *reshaped*: the shapes are right, and the numbers are where "
    "rows happened to break. Where does the weight from input d to unit j belong?",
)
def torch_weights_reshaped(weight_ih, weight_hh, bias_ih, bias_hh):
    kernels = (w.reshape(w.shape[::-1]) for w in (weight_ih, weight_hh))
    return *kernels, bias_ih + bias_hh


@misconception(
    "from_torch_weights",
    "sec-transposes-and-biases",
    "You set the four blocks of `weight_hh` side by side without turning them. Each is "
    "(H, H), so no shape complains: which axis of a block belongs to the old state?",
)
def blocks_side_by_side_not_turned(weight_ih, weight_hh, bias_ih, bias_hh):
    _, _, bias = from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh)
    return weight_ih.T, np.hstack(np.split(weight_hh, 4)), bias


@misconception(
    "from_torch_weights",
    "sec-gate-orders",
    "You have moved the candidate behind the output gate. In which order does Keras "
    "keep the blocks of an LSTM, and in which one PyTorch?",
)
def blocks_moved_without_need(weight_ih, weight_hh, bias_ih, bias_hh):
    arrays = from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh)
    return tuple(reorder_gates(array, "ifgo", "ifog", -1) for array in arrays)


# ---- packed_as_keras ---------------------------------------------------------


@misconception(
    "packed_as_keras",
    "sec-masking",
    "Behind the ends your outputs are zero, as PyTorch's `pad_packed_sequence` leaves "
    "them. What does a masked layer of Keras show at a step it does not read?",
)
def zeros_behind_the_ends(data, batch_sizes):
    y = packed_as_keras(data, batch_sizes)
    within = np.arange(len(batch_sizes)) < lengths_of(batch_sizes)[:, None]
    return y * within[:, :, None]


@misconception(
    "packed_as_keras",
    "sec-keras-outputs",
    "Your values are right, with time first. Which axis comes first in Keras?",
)
def packed_with_time_first(data, batch_sizes):
    return np.swapaxes(packed_as_keras(data, batch_sizes), 0, 1)


@misconception(
    "packed_as_keras",
    "sec-packed",
    "You have read the rows as if one *sequence* came after the other. In packed data, "
    "whose row stands behind the first one?",
)
def packed_read_sequence_by_sequence(data, batch_sizes):
    lengths = lengths_of(batch_sizes)
    starts = np.cumsum(lengths) - lengths
    steps = np.minimum(np.arange(len(batch_sizes)), lengths[:, None] - 1)
    return data[starts[:, None] + steps]


@misconception(
    "packed_as_keras",
    "sec-masking",
    "Behind the end of a sequence you show what the *longest* one says there. Whose "
    "state is held?",
)
def longest_sequence_for_all(data, batch_sizes):
    y = packed_as_keras(data, batch_sizes)
    within = np.arange(len(batch_sizes)) < lengths_of(batch_sizes)[:, None]
    return np.where(within[:, :, None], y, y[:1])


@misconception(
    "packed_as_keras",
    "sec-pad-sequences",
    "Your sequences stand at the right edge, with zeros in front. At which end is a "
    "packed batch padded?",
)
def packed_padded_in_front(data, batch_sizes):
    y, T = packed_as_keras(data, batch_sizes), len(batch_sizes)
    rows = [
        np.concatenate([0 * row[length:], row[:length]])
        for row, length in zip(y, lengths_of(batch_sizes))
    ]
    return np.stack(rows).reshape(-1, T, data.shape[1])


def lengths_of(batch_sizes):
    """The lengths of the sequences, (N,)."""
    return (batch_sizes[:, None] > np.arange(batch_sizes[0])).sum(axis=0)
