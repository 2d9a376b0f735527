"""Mistakes in a training script that raise no error."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.training_script import (
    cross_entropy_gradient,
    descend,
    outputs,
    softmax,
)

# ---- to_batch_first ---------------------------------------------------------


@misconception(
    "to_batch_first",
    "sec-four-shapes",
    "Your array has the right shape and was only *reshaped*: its numbers still stand "
    "in the old order. Whose steps follow each other in your first sequence?",
)
def axes_reshaped_for_exchanged(x):
    T, N, D = x.shape
    return x.reshape(N, T, D)


@misconception(
    "to_batch_first",
    "sec-four-shapes",
    "Your array is the one you were given. Which axis comes first in it, and which one "
    "does a layer with `batch_first=True` count as the first?",
)
def axes_left_as_they_were(x):
    return x


@misconception(
    "to_batch_first",
    "sec-four-shapes",
    "You have reversed *all* axes, so the features come first. Which two of the three "
    "have to change places?",
)
def all_axes_reversed(x):
    return x.T


@misconception(
    "to_batch_first",
    "sec-four-shapes",
    "You exchanged the last two axes. Which axis is time in what you were given?",
)
def last_two_axes_exchanged(x):
    return np.swapaxes(x, 1, 2)


# ---- in_order ---------------------------------------------------------------


@misconception(
    "in_order",
    "sec-torch-training",
    "Your `lengths` stand as they stood, while sequences and labels have moved. Where "
    "would the first sequence of the new order end?",
)
def lengths_left_in_the_old_order(x, lengths, labels, order):
    return x[order], lengths, labels[order]


@misconception(
    "in_order",
    "sec-torch-training",
    "Your `labels` stand as they stood, and the sequences have moved. What does a "
    "network learn from a label of another sequence?",
)
def labels_left_in_the_old_order(x, lengths, labels, order):
    return x[order], lengths[order], labels


@misconception(
    "in_order",
    "sec-torch-training",
    "Your sequences stand as they stood, and lengths and labels have moved. Which "
    "arrays have a row for each sequence?",
)
def sequences_left_in_the_old_order(x, lengths, labels, order):
    return x, lengths[order], labels[order]


@misconception(
    "in_order",
    "sec-torch-training",
    "You have read the order the other way: old sequence n went to place order[n]. "
    "Which sequence should stand in place n?",
)
def order_read_the_other_way(x, lengths, labels, order):
    back = np.argsort(order)
    return x[back], lengths[back], labels[back]


# ---- read_in_batches --------------------------------------------------------


@misconception(
    "read_in_batches",
    "sec-carry-and-detach",
    "Your first batch is right, and every other one starts from the state in which "
    "the one before has ended. Whose memory does its first sequence begin with?",
)
def state_of_other_sequences_carried(x, weights, size):
    return outputs(x, weights, size, carry=True)


@misconception(
    "read_in_batches",
    "sec-torch-shapes",
    "Your layer takes the sequences of a batch for *steps*, and the steps for "
    "sequences. Which axis is time for an `nn.LSTM` if nobody says otherwise?",
)
def sequences_read_as_steps(x, weights, size):
    parts = [x[start : start + size] for start in range(0, len(x), size)]
    turned = [
        np.swapaxes(outputs(np.swapaxes(part, 0, 1), weights, part.shape[1]), 0, 1)
        for part in parts
    ]
    return np.concatenate(turned)


@misconception(
    "read_in_batches",
    "sec-carry-and-detach",
    "Your layer starts from zeros at every *step*. What of its state must reach the "
    "next step of the same sequence?",
)
def every_step_from_zeros(x, weights, size):
    steps = [outputs(x[:, t : t + 1], weights, size) for t in range(x.shape[1])]
    return np.concatenate(steps, axis=1)


@misconception(
    "read_in_batches",
    "sec-torch-training",
    "You return the outputs of the last batch alone. How many sequences were to be "
    "read?",
)
def last_batch_alone(x, weights, size):
    return outputs(x, weights, size)[-size:]


@misconception(
    "read_in_batches",
    "sec-two-biases",
    "Your layer computes with one of its two biases only. What do PyTorch's gates add "
    "to the two products?",
)
def second_bias_never_loaded(x, weights, size):
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    return outputs(x, [weight_ih, weight_hh, bias_ih, 0 * bias_hh], size)


# ---- last_states ------------------------------------------------------------


@misconception(
    "last_states",
    "sec-packed",
    "You return the outputs of the last step of the *array*. What has the layer read "
    "there in a sequence that had ended long before?",
)
def output_behind_the_padding(output, lengths):
    return output[:, -1]


@misconception(
    "last_states",
    "sec-packed",
    "You take every sequence where the longest one ends. Is that the end of the others "
    "as well?",
)
def output_where_the_longest_ends(output, lengths):
    return output[:, lengths.max() - 1]


@misconception(
    "last_states",
    "sec-packed",
    "Your states are one step late: they come after a first step of padding. With "
    "steps counted from 0, which one is the last of a sequence of length 3?",
)
def one_step_into_the_padding(output, lengths):
    return output[np.arange(len(lengths)), lengths]


@misconception(
    "last_states",
    "sec-packed",
    "Your answer is the *mean* over all steps, those of the padding included. Which "
    "state has read the whole of a sequence?",
)
def mean_over_steps_and_padding(output, lengths):
    return output.mean(axis=1)


@misconception(
    "last_states",
    "sec-packed",
    "You have picked every sequence's end in *every* sequence, so there is an axis too "
    "many. How do you say that the n-th length belongs to the n-th sequence?",
)
def every_end_of_every_sequence(output, lengths):
    return output[:, lengths - 1]


# ---- train_steps ------------------------------------------------------------


@misconception(
    "train_steps",
    "sec-torch-training",
    "Each of your steps takes the gradients of all steps before it along. What does "
    "`backward` do with the numbers that it finds in `.grad`?",
)
def gradients_of_all_steps_piled_up(W, b, h, labels, rate, steps):
    return descend(W, b, h, labels, rate, steps, kept=1)


@misconception(
    "train_steps",
    "sec-torch-training",
    "Your weights have not moved at all. What is in `.grad` when your step reads it: "
    "where do you clear it, between which two lines?",
)
def gradient_cleared_too_early(W, b, h, labels, rate, steps):
    return W, b


@misconception(
    "train_steps",
    "sec-torch-training",
    "Your scores went through a softmax, and then through another one. What does "
    "`cross_entropy` do with the scores it is given?",
)
def softmax_before_cross_entropy(W, b, h, labels, rate, steps):
    def by_scores(z, targets):
        p = softmax(z)
        dp = cross_entropy_gradient(p, targets)
        return p * (dp - (dp * p).sum(axis=1, keepdims=True))

    return descend(W, b, h, labels, rate, steps, by_scores)


@misconception(
    "train_steps",
    "sec-torch-training",
    "Your weights climb: each step makes the loss larger. In which direction does a "
    "gradient point?",
)
def uphill_along_the_gradient(W, b, h, labels, rate, steps):
    return descend(W, b, h, labels, -rate, steps)


@misconception(
    "train_steps",
    "sec-torch-training",
    "Your `W` and `b` are what one single step gives. How many were asked for?",
)
def one_step_of_many(W, b, h, labels, rate, steps):
    return descend(W, b, h, labels, rate, 1)


@misconception(
    "train_steps",
    "sec-torch-training",
    "Your loss is the *sum* over the sequences, so each step is N times as long. What "
    "does `cross_entropy` return if nobody says otherwise?",
)
def loss_summed_over_sequences(W, b, h, labels, rate, steps):
    return descend(W, b, h, labels, rate * len(h), steps)
