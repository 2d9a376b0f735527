"""Mistakes: The simple recurrent network: step, sequence, softmax, loss, backward."""

from dataclasses import dataclass

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.simple_rnn import (
    before,
    collected,
    cross_entropy,
    log_softmax,
    rnn_backward,
    rnn_forward,
    rnn_step,
    softmax,
    through_time,
)

# ---- softmax ----------------------------------------------------------------

NEAR_0 = ("a vector", "a matrix", "three axes", "float32 numbers", "four axes")


@misconception(
    "softmax",
    "sec-softmax",
    "Your numbers add up to 1 down the first axis. Which axis holds the classes that "
    "compete with each other?",
    right_on=("a vector",),
)
def softmax_over_first_axis(z):
    return np.exp(log_softmax(z, axis=0))


@misconception(
    "softmax",
    "sec-softmax",
    "Your numbers add up to 1 over the whole array. How many examples are in it, and "
    "what should the probabilities of each of them add up to?",
    right_on=("a vector",),
)
def softmax_over_everything(z):
    return np.exp(log_softmax(z, axis=None))


@misconception(
    "softmax",
    "sec-softmax",
    "Your numbers add up to 1 down the first axis, and `exp` of a large score is "
    "infinity. Which axis holds the classes, and what may be subtracted from a row "
    "before `exp`?",
    right_on=("a vector",),
)
def softmax_over_first_axis_overflows(z):
    return np.exp(z) / np.exp(z).sum(axis=0)


@misconception(
    "softmax",
    "sec-softmax",
    "Your numbers add up to 1 over the whole array, and `exp` of a large score is "
    "infinity. Over which axis is the sum, and what may be subtracted from a row "
    "before `exp`?",
    right_on=("a vector",),
)
def softmax_over_everything_overflows(z):
    return np.exp(z) / np.exp(z).sum()


@misconception(
    "softmax",
    "sec-softmax",
    "Your formula is right on paper, but `exp` of a large score is infinity and of a "
    "low one 0, and neither can be divided by itself. Softmax does not change when "
    "the same number is subtracted from a whole row. Which number would help?",
    right_on=NEAR_0,
)
def softmax_overflows(z):
    return np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "You subtract the largest score of the whole array. What is left of a row that "
    "lies 2000 below it?",
    right_on=NEAR_0,
)
def softmax_less_one_maximum_for_all(z):
    z = np.exp(z - z.max())
    return z / z.sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "You subtract the mean of each row before `exp`. How large can a score of the row "
    "still be then, and what is the largest that you want `exp` to see?",
    right_on=NEAR_0,
)
def softmax_less_the_mean(z):
    z = np.exp(z - z.mean(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "You subtract the smallest score of each row before `exp`. Which signs have the "
    "numbers that are left, and which should they have so that nothing overflows?",
    right_on=NEAR_0,
)
def softmax_less_the_minimum(z):
    z = np.exp(z - z.min(axis=-1, keepdims=True))
    return z / z.sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "You subtract the largest score above the line but not below it. What do the "
    "numbers of a row add up to then?",
)
def softmax_shifted_above_the_line_only(z):
    shifted = z - z.max(axis=-1, keepdims=True)
    return np.exp(shifted) / np.exp(z).sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "You divide the scores by their sum. What does a negative score become, and "
    "which function makes every score positive first?",
)
def scores_divided_by_their_sum(z):
    return z / z.sum(axis=-1, keepdims=True)


@misconception(
    "softmax",
    "sec-softmax",
    "Your answer is the sigmoid of each score alone. What should the numbers of a "
    "row add up to?",
)
def sigmoid_for_softmax(z):
    return 0.5 * np.tanh(0.5 * z) + 0.5


@misconception(
    "softmax",
    "sec-softmax",
    "Your answer is `exp(z)` with the largest score subtracted, and nothing more. "
    "What do the numbers of a row add up to, and what should they?",
)
def softmax_not_divided(z):
    return np.exp(z - z.max(axis=-1, keepdims=True))


@misconception(
    "softmax",
    "sec-softmax",
    "Your answer has a 1 for the highest score and 0 for the others. What would a "
    "*soft* maximum leave for the second highest?",
)
def one_hot_of_the_maximum(z):
    return (z == z.max(axis=-1, keepdims=True)).astype(float)


@misconception(
    "softmax",
    "sec-softmax",
    "Your answer is the logarithm of the softmax. Can a probability be negative?",
)
def logarithm_of_softmax(z):
    return log_softmax(z)


@misconception(
    "softmax",
    "sec-softmax",
    "A sum or a maximum along an axis loses that axis, and then it no longer fits "
    "the array it came from. Which argument of `sum` and `max` keeps it, with length "
    "1?",
    right_on=("a vector",),
)
def softmax_without_keepdims(z):
    return np.exp(z) / np.exp(z).sum(axis=-1)


# ---- rnn_step ---------------------------------------------------------------


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your `h` went through the sigmoid, so it is never negative. Which function of "
    "this network gives both signs?",
)
def sigmoid_on_hidden_state(x, h, W, U, b):
    return 0.5 * np.tanh(0.5 * (x @ W + h @ U + b)) + 0.5


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your answer is the sum before the activation. What keeps `h` between -1 and 1?",
)
def tanh_missing(x, h, W, U, b):
    return x @ W + h @ U + b


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your negative sums became 0, which is the rectifier. Which activation does the "
    "task ask for?",
)
def relu_for_tanh(x, h, W, U, b):
    return np.maximum(x @ W + h @ U + b, 0)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your `h` is what you get without the bias. Which of the arguments have you not "
    "used?",
)
def rnn_bias_dropped(x, h, W, U, b):
    return rnn_step(x, h, W, U, 0 * b)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your `h` is what you get when the bias is added twice, once with `x` and once "
    "with `h`. How many biases does a unit have here?",
)
def rnn_bias_added_twice(x, h, W, U, b):
    return rnn_step(x, h, W, U, 2 * b)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your bias comes after `tanh`. Is it part of the sum, or added to the state?",
)
def bias_after_tanh(x, h, W, U, b):
    return np.tanh(x @ W + h @ U) + b


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your `h` depends on `x` only. What else should a recurrent unit look at?",
)
def rnn_recurrent_term_dropped(x, h, W, U, b):
    return rnn_step(x, h, W, 0 * U, b)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your answer is `tanh` of the input term alone: neither the old state nor the bias "
    "is in it. How many terms does the sum in the equation have?",
)
def rnn_input_term_alone(x, h, W, U, b):
    return rnn_step(x, h, W, 0 * U, 0 * b)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your `U` is transposed. Rows are examples in this course: in `h @ U`, which axis "
    "of `U` belongs to the old state?",
)
def rnn_recurrent_weights_transposed(x, h, W, U, b):
    return rnn_step(x, h, W, U.T, b)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your input and your old state go through a `tanh` each, and are added after it. "
    "What is added first in this network?",
)
def tanh_of_each_part(x, h, W, U, b):
    return np.tanh(x @ W + b) + np.tanh(h @ U)


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "Your recurrent term is outside `tanh`. Which sum should `tanh` see?",
)
def recurrent_term_after_tanh(x, h, W, U, b):
    return np.tanh(x @ W + b) + h @ U


@misconception(
    "rnn_step",
    "sec-rnn-step",
    "You add the new value to the old state. In a simple recurrent network, what is "
    "left of the old state beside what passes through `U`?",
)
def old_state_added(x, h, W, U, b):
    return h + rnn_step(x, h, W, U, b)


# ---- rnn_forward ------------------------------------------------------------

ONE_STEP = ("one step, one example",)


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Every step of yours starts again from the first `h`. What should step t + 1 "
    "receive from step t?",
    right_on=ONE_STEP,
)
def hidden_state_not_carried(x, h, *weights, rnn_step=rnn_step):
    y = np.stack([rnn_step(x_t, h, *weights) for x_t in x])
    return y, y[-1]


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your sequence starts from zeros. Where does the `h` that the caller passes in "
    "come into your loop?",
)
def first_hidden_state_ignored(x, h, *weights, rnn_step=rnn_step):
    return rnn_forward(x, 0 * h, *weights, rnn_step=rnn_step)


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Every step of yours reads the first input. What should change from turn to turn "
    "of the loop beside `h`?",
    right_on=ONE_STEP,
)
def first_input_at_every_step(x, h, *weights, rnn_step=rnn_step):
    return rnn_forward([x[0]] * len(x), h, *weights, rnn_step=rnn_step)


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your `y` is the last hidden state alone. How many time steps should `y` have?",
)
def last_hidden_state_as_y(x, h, *weights, rnn_step=rnn_step):
    _, h = rnn_forward(x, h, *weights, rnn_step=rnn_step)
    return h, h


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Both values are right, in the wrong order: you return `h, y`. Which one does "
    "the task ask for first?",
)
def y_and_h_exchanged(x, h, *weights, rnn_step=rnn_step):
    return rnn_forward(x, h, *weights, rnn_step=rnn_step)[::-1]


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your numbers are right, but your `y` has the batch first: (N, T, H). Which axis "
    "of `y` should be time?",
    right_on=ONE_STEP,
)
def y_with_batch_before_time(x, h, *weights, rnn_step=rnn_step):
    y, h = rnn_forward(x, h, *weights, rnn_step=rnn_step)
    return y.swapaxes(0, 1), h


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your `y` is right, but the `h` you return is the one that you were given. Which "
    "state would the next piece of the sequence need?",
)
def given_hidden_state_returned(x, h, *weights, rnn_step=rnn_step):
    return rnn_forward(x, h, *weights, rnn_step=rnn_step)[0], h


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your `y` starts with the `h` you were given, and its last state is missing. When "
    "in a turn of the loop should `h` be collected?",
)
def state_collected_before_step(x, h, *weights, rnn_step=rnn_step):
    y, last = rnn_forward(x, h, *weights, rnn_step=rnn_step)
    return before(h, y), last


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your first input is never read: your `y[0]` is the `h` you were given. At which "
    "number does the first time step start?",
)
def first_step_skipped(x, h, *weights, rnn_step=rnn_step):
    y = [h]
    for x_t in x[1:]:
        y.append(np.asarray(rnn_step(x_t, y[-1], *weights)))
    return np.stack(y), y[-1]


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "You read this sequence from its end. Which step does the `h` you are given come "
    "before?",
    right_on=ONE_STEP,
)
def sequence_read_backwards(x, h, *weights, rnn_step=rnn_step):
    return rnn_forward(x[::-1], h, *weights, rnn_step=rnn_step)


@misconception(
    "rnn_forward",
    "sec-unrolled",
    "Your states are right, but `y` has the last one first. At which end of the list "
    "does a new state go?",
    right_on=ONE_STEP,
)
def states_in_reverse_order(x, h, *weights, rnn_step=rnn_step):
    y, h = rnn_forward(x, h, *weights, rnn_step=rnn_step)
    return y[::-1], h


# ---- cross_entropy ----------------------------------------------------------

NOT_FAR_APART = ("small scores", "large scores", "float32 numbers", "more classes")


def log_p_of_target(z, targets, axis=-1):
    """The log softmax(z) of each example's target, (N,)."""
    return log_softmax(z, axis)[np.arange(len(z)), targets]


def p_of_target(z, targets):
    """The softmax(z) of each example's target, (N,)."""
    return softmax(z)[np.arange(len(z)), targets]


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss is in bits: it uses the logarithm with base 2. In which unit does the "
    "task ask for it?",
)
def loss_in_bits(z, targets):
    return cross_entropy(z, targets) / np.log(2)


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss is the sum over the examples. What should happen to it when the same "
    "batch is given twice?",
)
def loss_summed_over_examples(z, targets):
    return len(z) * cross_entropy(z, targets)


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss has the right size and the wrong sign. Is the logarithm of a "
    "probability positive or negative, and which should a loss be?",
)
def loss_with_wrong_sign(z, targets):
    return -cross_entropy(z, targets)


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "You take the mean over all N * K entries. How many targets are there to take "
    "the mean over?",
)
def loss_divided_by_classes_too(z, targets):
    return cross_entropy(z, targets) / z.shape[1]


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "You return the loss of every example. The task asks for one number: how are the "
    "losses of a batch brought together?",
)
def loss_of_each_example(z, targets):
    return -log_p_of_target(z, targets)


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your answer is minus the mean *probability* of the targets. Which function of "
    "the probability is missing?",
)
def logarithm_missing(z, targets):
    return -p_of_target(z, targets).mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "You take the logarithm of the mean probability. Which comes first, the "
    "logarithm or the mean?",
)
def logarithm_of_the_mean(z, targets):
    return -np.log(p_of_target(z, targets).mean())


@misconception(
    "cross_entropy",
    "sec-softmax",
    "Your answer is minus the mean *score* of the targets. What turns the scores of a "
    "row into probabilities?",
)
def softmax_missing(z, targets):
    return -z[np.arange(len(z)), targets].mean()


@misconception(
    "cross_entropy",
    "sec-softmax",
    "You took the softmax of a softmax. Which of the two sees scores, and what does "
    "the other one see?",
)
def softmax_taken_twice(z, targets):
    return cross_entropy(softmax(z), targets)


@misconception(
    "cross_entropy",
    "sec-softmax",
    "Your probabilities add up to 1 over the examples. Over which axis of `z` do the "
    "classes compete?",
)
def softmax_over_the_examples(z, targets):
    return -log_p_of_target(z, targets, axis=0).mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "You index with `[:, targets]`, which takes the classes of *all* targets from "
    "every row. Print the shape of it: how many numbers should there be?",
)
def every_target_of_every_row(z, targets):
    return -log_softmax(z)[:, targets].mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss looks at the class with the highest score in each row. Which class "
    "should it look at, even where the network is wrong?",
)
def best_class_for_target(z, targets):
    return cross_entropy(z, z.argmax(axis=1))


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your answer is the entropy of the prediction: it does not depend on the targets. "
    "Which class was it in truth?",
)
def entropy_of_the_prediction(z, targets):
    log_p = log_softmax(z)
    return -(np.exp(log_p) * log_p).sum(axis=1).mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss is infinite where the scores are far apart: a probability was rounded "
    "to 0 before its logarithm was taken. Write log(exp(z) / sum(exp(z))) as a "
    "difference: which logarithm is then left, and what keeps `exp` small in it?",
    source="https://github.com/summerlvsong/Aggregation-Cross-Entropy/issues/2",
    right_on=NOT_FAR_APART,
)
def infinite_loss_for_far_apart_scores(z, targets):
    return -np.log(p_of_target(z, targets)).mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss is NaN where the scores are far apart: in some row the sum of `exp` is "
    "infinity, or was rounded to 0. Which number, subtracted from a row before `exp`, "
    "lets the sum lie between 1 and K?",
    right_on=NOT_FAR_APART,
)
def exp_of_far_apart_scores(z, targets):
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(z)), targets]).mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "Your loss is minus infinity: you subtract the largest score of the whole array. "
    "What is the sum of `exp` in a row that lies 2000 below it, and what is the "
    "logarithm of that?",
    right_on=NOT_FAR_APART,
)
def loss_less_one_maximum_for_all(z, targets):
    z = z - z.max()
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(z)), targets].mean()


@misconception(
    "cross_entropy",
    "sec-cross-entropy",
    "You add 1e-12 to the probabilities, so no loss of yours is above 27.6. How large "
    "should it be where the target's score lies 1000 below the best?",
    right_on=NOT_FAR_APART,
)
def tiny_number_added(z, targets):
    return -np.log(p_of_target(z, targets) + 1e-12).mean()


# ---- perplexity -------------------------------------------------------------


@misconception(
    "perplexity",
    "sec-perplexity",
    "Your answer is 2 to the power of the loss. With which base was the logarithm of "
    "the loss taken?",
    source="https://github.com/pytorch/pytorch/pull/6427",
)
def perplexity_with_base_2(z, targets, *, cross_entropy=cross_entropy):
    return 2 ** cross_entropy(z, targets)


@misconception(
    "perplexity",
    "sec-perplexity",
    "Your answer is the cross-entropy itself. Which function undoes its logarithm?",
)
def perplexity_not_raised(z, targets, *, cross_entropy=cross_entropy):
    return cross_entropy(z, targets)


@misconception(
    "perplexity",
    "sec-perplexity",
    "You take `exp` of each example's loss and then the mean. Which comes first in "
    "the definition?",
    source="https://github.com/magenta/magenta/pull/239",
)
def mean_of_perplexities(z, targets, *, cross_entropy=cross_entropy):
    return np.exp(-log_p_of_target(z, targets)).mean()


@misconception(
    "perplexity",
    "sec-perplexity",
    "Your answer is below 1: it is the (geometric) mean probability of the targets. "
    "Should a better network have a higher or a lower perplexity?",
)
def perplexity_upside_down(z, targets, *, cross_entropy=cross_entropy):
    return np.exp(-cross_entropy(z, targets))


@misconception(
    "perplexity",
    "sec-perplexity",
    "Your answer is `exp` of the *summed* loss, so it grows with the batch. What "
    "should be in the exponent?",
)
def perplexity_of_the_sum(z, targets, *, cross_entropy=cross_entropy):
    return np.exp(len(z) * cross_entropy(z, targets))


# ---- rnn_backward: what flows back -------------------------------------------


def from_gradients(dz, dh, x, h, y, W):
    """dx, dh, dW, dU, db from the gradients by the pre-activations."""
    dx, dW, dU, db = collected(dz, x, before(h, y), W)
    return dx, dh, dW, dU, db


def with_slope(slope, dy, x, h, y, W, U):
    """The right answer with another slope (T, N, H) of the activation."""
    dz, dh = through_time(dy, slope, U)
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your gradient stops after one step: every step hears of its own `dy[t]` only. "
    "How does the loss at a later step depend on this step's `h`?",
)
def later_steps_forgotten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz = dy * (1 - y**2)
    return from_gradients(dz, dz[0] @ U.T, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Only the last step's `dy` reaches your gradients. What flows into an earlier "
    "step, besides what comes back from the step after it?",
)
def only_the_last_dy(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    dy = np.concatenate([0 * dy[:-1], dy[-1:]])
    return rnn_backward(dy, x, h, W, U, b, rnn_forward=rnn_forward)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Every step of yours reads the last `dy`. Which part of `dy` belongs to step t?",
)
def last_dy_at_every_step(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    dy = np.stack([dy[-1]] * len(dy))
    return rnn_backward(dy, x, h, W, U, b, rnn_forward=rnn_forward)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your loop ends before the first step: `dx[0]` is 0. Which numbers does "
    "`range(T - 1, 0, -1)` give?",
)
def first_step_forgotten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, _ = right_parts(dy, x, h, W, U, b, rnn_forward)
    dz[0] = 0
    dh = dz[1] @ U.T
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dh` grows from turn to turn of the loop: what one step handed back stays "
    "in it for all earlier steps. Through what must it pass at every step?",
)
def dh_piles_up(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = np.empty_like(dy), np.zeros_like(h)
    for t in reversed(range(len(dy))):
        dz[t] = (dy[t] + dh) * (1 - y[t] ** 2)
        dh = dh + dz[t] @ U.T
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your loop goes forwards: each step receives a gradient from the step before it. "
    "From which step does the gradient by `h` come?",
)
def backward_loop_forwards(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = through_time(dy[::-1], 1 - y[::-1] ** 2, U)
    return from_gradients(dz[::-1], dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Going back through the recurrent weights you multiply by `U`, as in the forward "
    "pass. If state j feeds unit k with the weight `U[j, k]`, which way does the "
    "gradient of k travel?",
)
def recurrent_weights_not_transposed(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = through_time(dy, 1 - y**2, U.T)
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "The gradient that you hand to the step before does not pass through the slope of "
    "`tanh`. The old `h` acts on the new one through `U` *and* through what else?",
)
def slope_missing_on_the_way_back(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    flow, dh = through_time(dy, np.ones_like(y), U)
    return from_gradients(flow * (1 - y**2), dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dh` is the gradient by the state *after* the first step. Which state does "
    "the task ask for, and what lies between the two?",
)
def dh_one_step_short(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, _ = through_time(dy, 1 - y**2, U)
    dh = dy[0] + dz[1] @ U.T
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your gradients start from a state of zeros. Which `h` did the forward pass of "
    "this sequence start from?",
)
def backward_from_a_zero_state(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    return rnn_backward(dy, x, 0 * h, W, U, b, rnn_forward=rnn_forward)


# ---- rnn_backward: the slope of tanh ------------------------------------------


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your gradients do not contain the slope of `tanh`. By what is a small change of "
    "the sum multiplied on its way to `h`?",
)
def slope_missing(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return with_slope(np.ones_like(y), dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your slope is `1 - z**2` with the pre-activation z, which is negative for large "
    "z. Of which quantity is the square taken?",
    source="https://discuss.pytorch.org/t/"
    "pytorch-autograd-not-matching-with-computed-derivatives/187917",
)
def slope_from_the_pre_activation(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    z = x @ W + before(h, y) @ U + b
    return with_slope(1 - z**2, dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your slope is `1 - tanh(h)**2`, but `h` has been through `tanh` already. What "
    "is the slope in terms of `h` itself?",
)
def slope_with_tanh_twice(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return with_slope(1 - np.tanh(y) ** 2, dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your slope is `h * (1 - h)`. That belongs to another activation: which one, and "
    "which does this network use?",
)
def slope_of_the_sigmoid(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return with_slope(y * (1 - y), dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your slope is `1 - h`. Put h = -1 into it, where `tanh` is flat: what should "
    "come out?",
)
def slope_without_the_square(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return with_slope(1 - y, dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your slope at step t uses the state that step t was *given*. Which state came "
    "out of the `tanh` of this step?",
)
def slope_of_the_step_before(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return with_slope(1 - before(h, y) ** 2, dy, x, h, y, W, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dy[t]` goes through the slope, but what comes back from later steps does "
    "not. Where should the bracket close?",
)
def slope_on_dy_only(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = through_time(dy * (1 - y**2), np.ones_like(y), U)
    return from_gradients(dz, dh, x, h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "What comes back from later steps goes through the slope, but your `dy[t]` does "
    "not. Both are gradients by the same `h`: does one of them get round `tanh`?",
)
def slope_on_dh_only(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    dz, dh = np.empty_like(dy), np.zeros_like(h)
    for t in reversed(range(len(dy))):
        dz[t] = dy[t] + dh * (1 - y[t] ** 2)
        dh = dz[t] @ U.T
    return from_gradients(dz, dh, x, h, y, W)


# ---- rnn_backward: the sums ----------------------------------------------------


def right_parts(dy, x, h, W, U, b, rnn_forward):
    """y, dz and dh as they should be."""
    y = np.asarray(rnn_forward(x, h, W, U, b)[0])
    return y, *through_time(dy, 1 - y**2, U)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dU` pairs each step with the state that it *produced*. Which state did `U` "
    "multiply at that step?",
    source="https://github.com/VikParuchuri/zero_to_gpt/issues/9",
)
def dU_with_the_new_state(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, dW, dU, db = collected(dz, x, y, W)
    return dx, dh, dW, dU, db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dU` leaves the first step out. Which state did `U` multiply there?",
)
def dU_without_the_first_step(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return from_gradients(dz, dh, x, 0 * h, y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dU` pairs the first step with the *last* state. What does Python read for "
    "`y[t - 1]` when t is 0?",
)
def dU_wraps_around(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return from_gradients(dz, dh, x, y[-1], y, W)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dU` is transposed. Which axis of `U` belongs to the old state, and which "
    "to the new one?",
)
def dU_transposed(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, _, dW, dU, db = from_gradients(dz, dh, x, h, y, W)
    return dx, dh, dW, dU.T, db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dW`, `dU` and `db` hold what the first time step alone gives. How often is "
    "each weight used in a sequence of T steps?",
)
def gradients_overwritten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    _, dW, dU, db = collected(dz[:1], x[:1], h[None], W)
    return dz @ W.T, dh, dW, dU, db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `db` holds what the first time step alone gives, though `dW` and `dU` are "
    "sums over the steps. How is it made different from them in your loop?",
)
def db_overwritten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return *from_gradients(dz, dh, x, h, y, W)[:-1], dz[0].sum(axis=0)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dW` holds what the first time step alone gives, though `dU` and `db` are "
    "sums over the steps. How is it made different from them in your loop?",
)
def dW_overwritten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, dh, _, dU, db = from_gradients(dz, dh, x, h, y, W)
    return dx, dh, x[0].T @ dz[0], dU, db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dU` holds what the first time step alone gives, though `dW` and `db` are "
    "sums over the steps. How is it made different from them in your loop?",
)
def dU_overwritten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, dh, dW, _, db = from_gradients(dz, dh, x, h, y, W)
    return dx, dh, dW, h.T @ dz[0], db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dx` is that of the first time step alone. How many inputs did the sequence "
    "have, and where is the gradient of each kept in your loop?",
)
def dx_overwritten(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, *others = from_gradients(dz, dh, x, h, y, W)
    return dx[0], *others


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dW`, `dU` and `db` are divided by the number of examples. The loss is "
    "given by `dy`: who has taken a mean, if there was one?",
)
def gradients_averaged_over_the_batch(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, dh, *sums = from_gradients(dz, dh, x, h, y, W)
    return dx, dh, *(gradient / len(h) for gradient in sums)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dW`, `dU` and `db` are divided by the number of steps. Is the change of a "
    "weight that is used T times a mean or a sum?",
)
def gradients_averaged_over_time(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, dh, *sums = from_gradients(dz, dh, x, h, y, W)
    return dx, dh, *(gradient / len(dy) for gradient in sums)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `db` has a row for every example. All examples share one `b`: what happens "
    "to their gradients?",
)
def db_not_summed_over_the_batch(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return *from_gradients(dz, dh, x, h, y, W)[:-1], dz.sum(axis=0)


@misconception(
    "rnn_backward",
    "sec-bptt",
    "You add an array with a row for every example to one of shape (H,), as `db` has. "
    "All examples share one `b`: what happens to their gradients first?",
)
def every_row_added_to_db(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    db = np.zeros_like(b)
    db += dz[-1]  # raises
    return *from_gradients(dz, dh, x, h, y, W)[:-1], db


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `db` is summed over the units and has one number for each example. How "
    "many biases are there, and what do the examples share?",
)
def db_summed_over_the_units(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return *from_gradients(dz, dh, x, h, y, W)[:-1], dz.sum(axis=(0, 2))


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dx` went through `U`, so it has H columns. Which weights did `x` meet on "
    "its way in?",
)
def dx_through_the_recurrent_weights(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    return dz @ U.T, *from_gradients(dz, dh, x, h, y, W)[1:]


@misconception(
    "rnn_backward",
    "sec-bptt",
    "Your `dx` has the last step first. In which order did your loop visit the steps, "
    "and where should `dx[0]` go?",
)
def dx_in_reverse_order(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    y, dz, dh = right_parts(dy, x, h, W, U, b, rnn_forward)
    dx, *others = from_gradients(dz, dh, x, h, y, W)
    return dx[::-1], *others


@misconception(
    "rnn_backward",
    "sec-bptt",
    "All five gradients are right, in the order `dx, dW, dU, db, dh`. Which order "
    "does the task ask for?",
)
def dh_returned_last(dy, x, h, W, U, b, *, rnn_forward=rnn_forward):
    dx, dh, *sums = rnn_backward(dy, x, h, W, U, b, rnn_forward=rnn_forward)
    return dx, *sums, dh


# ---- the shapes of sequence problems -----------------------------------------


@dataclass(frozen=True)
class Confusion:
    """One shape of a sequence problem taken for another.

    sentence: what the student reads where the check may say more than "wrong".
    """

    id: str
    check: str
    expected: str
    chosen: str
    section: str
    sentence: str


def _confusions(expected, sentences):
    """The confusions with one right shape, from chosen shape to sentence."""
    for chosen, sentence in sentences.items():
        short = (name.removeprefix("many-to-many ") for name in (chosen, expected))
        yield Confusion(
            "-for-".join(short),
            "problem_shapes",
            expected,
            chosen,
            "sec-four-shapes",
            sentence,
        )


_ONE_IN = "You say that the network reads one thing. Of how many parts is its input?"
_ONE_OUT = "You say that it gives one answer. How many answers are wanted for it?"
_MANY_IN = (
    "You say that the network reads a sequence. What comes in: parts, one after "
    "another, or one thing at once?"
)
_MANY_OUT = (
    "You say that it gives a sequence of answers. What would the second answer be "
    "about?"
)
CONFUSIONS = (
    *_confusions(
        "one-to-one",
        {
            "one-to-many": _MANY_OUT,
            "many-to-one": _MANY_IN,
            "many-to-many aligned": (
                "You have an answer for every time step. Is there a second time step "
                "here?"
            ),
            "many-to-many unaligned": (
                "You have a sequence on both sides. Is anything here that has a length?"
            ),
        },
    ),
    *_confusions(
        "one-to-many",
        {
            "one-to-one": _ONE_OUT,
            "many-to-one": (
                "Say aloud what goes in, and then what comes out. Which of the two is "
                "a sequence?"
            ),
            "many-to-many aligned": (
                "You have an input for every answer. What new input would the network "
                "get at the second step?"
            ),
            "many-to-many unaligned": (
                "You have sequences of two lengths. The answer has one; does the "
                "input have one too?"
            ),
        },
    ),
    *_confusions(
        "many-to-one",
        {
            "one-to-one": _ONE_IN,
            "one-to-many": (
                "Say aloud what goes in, and then what comes out. Which of the two is "
                "a sequence?"
            ),
            "many-to-many aligned": (
                "You have an answer at every time step. After which step can the "
                "question be answered?"
            ),
            "many-to-many unaligned": (
                "You have a sequence of answers. How many answers does somebody who "
                "asks this wait for?"
            ),
        },
    ),
    *_confusions(
        "many-to-many aligned",
        {
            "one-to-one": (
                "You have a single step. Is each part of the input understood without "
                "the parts around it?"
            ),
            "one-to-many": _ONE_IN,
            "many-to-one": _ONE_OUT,
            "many-to-many unaligned": (
                "You say that the two lengths may differ. Take an input of six parts: "
                "can you say how many answers there will be?"
            ),
        },
    ),
    *_confusions(
        "many-to-many unaligned",
        {
            "one-to-one": (
                "You have a single step. Does either side have a length that changes "
                "from example to example?"
            ),
            "one-to-many": _ONE_IN,
            "many-to-one": _ONE_OUT,
            "many-to-many aligned": (
                "You have one answer for each part of the input. Must the two lengths "
                "be equal, and does the third answer belong to the third part?"
            ),
        },
    ),
)
