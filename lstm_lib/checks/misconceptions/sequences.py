"""Mistakes: Sequences as arrays, tokens as one-hot rows, each one's own last step."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.sequences import last_outputs, one_hot

# ---- one_hot ----------------------------------------------------------------


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your rows are as long as the largest token of this batch needs. Which number of "
    "columns will the next batch need, and who told your function how many symbols "
    "there are?",
    right_on=("every symbol occurs",),
)
def rows_as_long_as_the_largest_token(tokens, size):
    return one_hot(tokens, tokens.max() + 1)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your 1 stands one place too far to the left, and symbol 0 has wrapped round to "
    "the last column. With which number does Python count its first column?",
)
def symbols_counted_from_one(tokens, size):
    return one_hot(tokens - 1, size)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your rows hold the token's *number* where the 1 should be. Is symbol 4 twice as "
    "much as symbol 2, and what is left of symbol 0?",
)
def number_in_place_of_the_one(tokens, size):
    return one_hot(tokens, size) * tokens[..., None]


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "You return one number for each token. Which symbols lie close together then, "
    "only because of the order in which they were listed?",
)
def token_as_one_number(tokens, size):
    return tokens[..., None] * 1.0


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Every row of yours has a 1 for *every* token of the batch: `rows[:, :, tokens]` "
    "means all of them at every place. How do you name the one that belongs to step "
    "t of example n?",
)
def every_token_in_every_row(tokens, size):
    rows = np.zeros((*tokens.shape, size))
    rows[:, :, tokens] = 1
    return rows


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Symbol 0 has a row of zeros, and the others stand one place to the left. Zeros "
    "mean that nothing is read: does your symbol 0 mean nothing, too?",
)
def symbol_zero_left_out(tokens, size):
    return one_hot(tokens, size + 1)[..., 1:] * np.ones(size)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your rows are right, but the batch is the first axis: (N, T, size). Which axis "
    "of a sequence is time in this course?",
)
def rows_with_batch_before_time(tokens, size):
    return one_hot(tokens.T, size)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your rows are right, but they stand in one long list. Which of them belong to "
    "the first time step, and which axis should say so?",
)
def rows_in_one_long_list(tokens, size):
    return one_hot(tokens.ravel(), size)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Your symbols lie along the first axis, (size, T, N). Along which axis do the "
    "numbers of *one* step of one example lie?",
)
def symbols_along_the_first_axis(tokens, size):
    return np.moveaxis(one_hot(tokens, size), -1, 0)


@misconception(
    "one_hot",
    "sec-order-matters",
    "You have added the rows of a sequence together, which is a bag: it knows how "
    "often each token came. What has become of *when* it came?",
)
def bag_in_place_of_a_sequence(tokens, size):
    return one_hot(tokens, size).sum(axis=0)


@misconception(
    "one_hot",
    "sec-sequence-arrays",
    "Every column up to the token's is 1. How many symbols does a row name then, and "
    "how many should it?",
)
def ones_up_to_the_token(tokens, size):
    return (np.arange(size) <= tokens[..., None]) * 1.0


# ---- last_outputs -----------------------------------------------------------


@misconception(
    "last_outputs",
    "sec-padding",
    "You take the last step of the array for everybody. For a sequence that ended "
    "earlier, what stands there?",
)
def last_step_of_the_array(y, lengths):
    return y[-1]


@misconception(
    "last_outputs",
    "sec-padding",
    "You are one step late: a sequence of length 3 has the steps 0, 1 and 2. Which "
    "of them is its last?",
)
def one_step_past_the_end(y, lengths):
    return y[lengths, np.arange(len(lengths))]


@misconception(
    "last_outputs",
    "sec-padding",
    "You take the step at which the *longest* sequence ends, for everybody. Does "
    "each sequence end there?",
)
def end_of_the_longest(y, lengths):
    return y[lengths.max() - 1]


@misconception(
    "last_outputs",
    "sec-padding",
    "You take the step at which the *first* sequence ends, for everybody. What has "
    "`lengths[0]` to do with the others?",
)
def end_of_the_first(y, lengths):
    return y[lengths[0] - 1]


@misconception(
    "last_outputs",
    "sec-padding",
    "`y[lengths - 1]` has N rows for each of N sequences: the last step of the first "
    "sequence, for *all* examples, and so on. Which second index picks the example "
    "that the length belongs to?",
)
def every_length_for_every_example(y, lengths):
    return y[lengths - 1]


@misconception(
    "last_outputs",
    "sec-padding",
    "You count the lengths from the end of the array. At which end does a sequence "
    "begin, and at which is the padding?",
)
def lengths_counted_from_the_end(y, lengths):
    return y[-lengths, np.arange(len(lengths))]


@misconception(
    "last_outputs",
    "sec-four-shapes",
    "Your answer is the *first* output. How much of the sequence has the network "
    "read by then?",
)
def first_output_for_last(y, lengths):
    return y[0]


@misconception(
    "last_outputs",
    "sec-padding",
    "Your answer is the mean over the true steps. That is a way to sum a sequence "
    "up, but not the one asked for: which single step has seen all the others?",
)
def mean_of_the_true_steps(y, lengths):
    within = np.arange(len(y))[:, None] < lengths
    return np.einsum("tn,tnh->nh", within / lengths, y)


@misconception(
    "last_outputs",
    "sec-padding",
    "Your answer is the mean over all steps of the array, the padding among them. "
    "How does it change when somebody pads the batch further?",
)
def mean_with_the_padding(y, lengths):
    return y.mean(axis=0)


@misconception(
    "last_outputs",
    "sec-padding",
    "Your answer is the largest output of each unit over all steps. Which step does "
    "it come from, and could that one be padding?",
)
def largest_over_time(y, lengths):
    return y.max(axis=0)


@misconception(
    "last_outputs",
    "sec-padding",
    "You take the last row that is not zero. Only some layers write zeros after the "
    "end, and a true output may be zero too. Which argument says where the end is?",
)
def last_row_that_is_not_zero(y, lengths):
    ends = [np.flatnonzero(row.any(axis=1))[-1] for row in y.swapaxes(0, 1)]
    return y[ends, np.arange(len(lengths))]


@misconception(
    "last_outputs",
    "sec-padding",
    "You have cleared the padding and kept every step. The task asks for one row for "
    "each sequence: which of its steps?",
)
def padding_cleared_and_all_steps_kept(y, lengths):
    return y * (np.arange(len(y))[:, None] < lengths)[..., None]


@misconception(
    "last_outputs",
    "sec-padding",
    "Your numbers are right, with units as rows and examples as columns. Rows are "
    "examples in this course: which axis comes first?",
)
def examples_as_columns(y, lengths):
    return last_outputs(y, lengths).T
