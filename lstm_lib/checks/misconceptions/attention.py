"""Mistakes in attention: what is compared, what adds up to 1, what is averaged."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.attention import (
    attention_backward,
    attention_scores,
    context_vector,
)

# ---- context_vector ---------------------------------------------------------


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "One number is left for each example: you have added up the units too. A weight "
    "times a state is a scalar times a vector. Over which axis are these vectors "
    "added?",
)
def states_weighted_by_a_dot_product(alpha, h):
    return np.einsum("tn,tnh->n", alpha, h)


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "Every state is weighted, and none is added: your answer still has a time axis. "
    "How many vectors should be left of a sequence?",
)
def weighted_states_not_added(alpha, h):
    return alpha[..., None] * h


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "You take the mean of the weighted states, which divides by T once more. What do "
    "the weights of an example add up to already?",
)
def mean_of_the_weighted_states(alpha, h):
    return (alpha[..., None] * h).mean(axis=0)


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "Your answer is the plain mean over time, in which every step counts alike. Where "
    "did `alpha` go?",
)
def every_step_counts_alike(alpha, h):
    return h.mean(axis=0)


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "You add over the examples, so that one example's context holds the states of "
    "the others. Which axis is time?",
)
def weighted_states_added_over_the_batch(alpha, h):
    return np.einsum("tn,tnh->th", alpha, h)


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "You return the one state that has the largest weight. What becomes of the "
    "others, and which slope has a choice like that?",
)
def state_of_the_largest_weight(alpha, h):
    return h[alpha.argmax(axis=0), np.arange(alpha.shape[1])]


@misconception(
    "context_vector",
    "sec-masked-softmax",
    "You send `alpha` through a softmax, and it has been through one. What do the "
    "weights add up to before, and how equal are they after?",
)
def weights_through_softmax_twice(alpha, h):
    powers = np.exp(alpha)
    return context_vector(powers / powers.sum(axis=0), h)


@misconception(
    "context_vector",
    "sec-weighted-mean",
    "Every example's weights have met *every* example's states: your answer has two "
    "axes of length N. Which index should the two arrays share beside time?",
)
def weights_of_all_on_states_of_all(alpha, h):
    return np.einsum("tm,tnh->mnh", alpha, h)


# ---- masked_softmax ---------------------------------------------------------


def _within(scores, lengths):
    return np.arange(len(scores))[:, None] < lengths


def _softmax_where(scores, within, axis=0):
    """Exactly 0 where not within; 0 as well where nothing is."""
    scores = np.where(within, scores, -np.inf)
    most = scores.max(axis=axis, keepdims=True)
    powers = np.exp(scores - np.where(np.isfinite(most), most, 0))
    total = powers.sum(axis=axis, keepdims=True)
    return powers / np.where(total, total, 1)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Your weights add up to 1 across the *examples* of a step. Do the words of one "
    "review compete with each other, or with those of other reviews?",
)
def weights_over_the_batch(scores, lengths):
    return _softmax_where(scores, _within(scores, lengths), axis=1)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Your weights add up to 1 over the array's full length, so that the padding takes "
    "its share. What stands after the end of an example, and who chose it?",
)
def padding_takes_its_share(scores, lengths):
    return _softmax_where(scores, np.ones_like(scores, bool))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You give the padding a score of 0. What does `exp` make of a score of 0, and "
    "which score would it make 0 of?",
)
def padding_scored_zero(scores, lengths):
    return _softmax_where(scores * _within(scores, lengths), np.ones_like(scores, bool))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You clear the padding after the softmax: its weights are gone, and so is their "
    "share. What do the others add up to now?",
)
def padding_cleared_after_the_softmax(scores, lengths):
    return padding_takes_its_share(scores, lengths) * _within(scores, lengths)


def _shares(powers, axis=0):
    """Powers divided by their sum, however large they are."""
    return powers / powers.sum(axis=axis, keepdims=True)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You give the padding a score of 0, and `exp` of a large score is infinity. What "
    "does `exp` make of a score of 0, and which number may be subtracted from all "
    "scores of an example before it?",
)
def padding_scored_zero_and_overflow(scores, lengths):
    return _shares(np.exp(scores * _within(scores, lengths)))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "The padding takes its share, and `exp` of a large score is infinity. Which steps "
    "of an example belong in its sum, and which number may be subtracted from their "
    "scores before `exp`?",
)
def padding_takes_its_share_and_overflow(scores, lengths):
    return _shares(np.exp(scores))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You clear the padding after the division, which leaves too little for the true "
    "steps, and `exp` of a large score is infinity. What if the mask came between "
    "`exp` and the sum, and the largest score of each example off before both?",
)
def padding_cleared_late_and_overflow(scores, lengths):
    return _shares(np.exp(scores)) * _within(scores, lengths)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Your weights add up to 1 across the examples of a step, and `exp` of a large "
    "score is infinity. Along which axis do the steps of one example lie, and what "
    "may be subtracted from their scores before `exp`?",
)
def weights_over_the_batch_and_overflow(scores, lengths):
    powers = np.where(_within(scores, lengths), np.exp(scores), 0)
    total = powers.sum(axis=1, keepdims=True)
    return powers / np.where(total, total, 1)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Your weights are the scores themselves, which may be negative and add up to "
    "anything. Which function makes shares of them?",
)
def scores_as_weights(scores, lengths):
    return np.where(_within(scores, lengths), scores, 0)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You divide the scores by their sum. What is the weight of a negative score then, "
    "and which function makes every score positive first?",
)
def weights_divided_without_exp(scores, lengths):
    scores = scores_as_weights(scores, lengths)
    return scores / scores.sum(axis=0)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You stop at `exp`: your weights are positive and add up to anything. By what is "
    "each example's column divided?",
)
def weights_not_divided(scores, lengths):
    within = _within(scores, lengths)
    scores = np.where(within, scores, -np.inf)
    return np.exp(scores - scores.max(axis=0))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "All your weights together add up to 1. How many examples share this 1, and how "
    "much should each of them have?",
    right_on=("one example",),
)
def one_share_for_the_whole_batch(scores, lengths):
    within = _within(scores, lengths)
    return _softmax_where(scores, within, axis=(0, 1))


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Each step has a sigmoid of its own, and none knows of the others. What should "
    "happen to the other weights when one score rises?",
)
def sigmoid_at_every_step(scores, lengths):
    squashed = np.exp(-np.logaddexp(0, -scores))
    return np.where(_within(scores, lengths), squashed, 0)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "One step of the padding has got in: `<=` lets step `lengths` through. With which "
    "number does the first step begin?",
)
def one_step_of_padding_let_in(scores, lengths):
    return _softmax_where(scores, np.arange(len(scores))[:, None] <= lengths)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You mask the beginning of each example and weigh its padding. At which end does "
    "a batch of this course have its padding?",
)
def beginning_masked_for_the_end(scores, lengths):
    T = len(scores)
    return _softmax_where(scores, np.arange(T)[:, None] >= T - lengths)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "The largest score has all the weight. What slope has a choice between all and "
    "nothing, and what would a *soft* maximum leave for the others?",
)
def all_weight_on_the_largest_score(scores, lengths):
    scores = np.where(_within(scores, lengths), scores, -np.inf)
    return (scores == scores.max(axis=0)) * 1.0


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "Right for small scores; for large ones `exp` is infinity, or 0 everywhere. Which "
    "number may be subtracted from all scores of an example, and changes nothing?",
    right_on=(
        "a small batch",
        "long sequences",
        "larger numbers past the end",
        "one example",
        "float32 numbers",
        "more examples",
    ),
)
def weights_overflow(scores, lengths):
    powers = np.where(_within(scores, lengths), np.exp(scores), 0)
    return powers / powers.sum(axis=0)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You subtract one number from the whole batch. What is left of an example whose "
    "scores lie 2000 below it?",
    right_on=(
        "a small batch",
        "long sequences",
        "larger numbers past the end",
        "one example",
        "float32 numbers",
        "more examples",
    ),
)
def one_maximum_for_the_batch(scores, lengths):
    scores = np.where(_within(scores, lengths), scores, -np.inf)
    powers = np.exp(scores - scores.max())
    return powers / powers.sum(axis=0)


@misconception(
    "masked_softmax",
    "sec-masked-softmax",
    "You look for the largest score before you mask. What is left of the true scores "
    "when the padding holds a number 2000 above them?",
    right_on=(
        "a small batch",
        "long sequences",
        "one example",
        "float32 numbers",
        "more examples",
    ),
)
def maximum_taken_from_the_padding(scores, lengths):
    powers = np.exp(scores - scores.max(axis=0)) * _within(scores, lengths)
    return powers / powers.sum(axis=0)


# ---- attention_scores -------------------------------------------------------


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "There is no tanh between the sum and `v`. The query then adds the same number to "
    "all scores of an example. What does a softmax make of that?",
)
def tanh_left_out_of_the_scores(q, keys, Wq, Wk, v):
    return (q @ Wq + keys @ Wk) @ v


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Your tanh stands behind `v`, around the finished score, which can then never "
    "leave (-1, 1). Which vector should go through it?",
)
def tanh_around_the_score(q, keys, Wq, Wk, v):
    return np.tanh((q @ Wq + keys @ Wk) @ v)


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Query and key go through a tanh each before they are added. A sum of two parts "
    "that never meet cannot say how well they *match*. Where should they meet?",
)
def query_and_key_squashed_alone(q, keys, Wq, Wk, v):
    return (np.tanh(q @ Wq) + np.tanh(keys @ Wk)) @ v


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Your scores do not depend on the query. Who is asking, and could two questions "
    "get different answers?",
)
def query_left_out_of_the_scores(q, keys, Wq, Wk, v):
    return np.tanh(keys @ Wk) @ v


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "You multiply the two inside the tanh, unit by unit. What does the name of the "
    "*additive* score say?",
)
def query_times_key_inside(q, keys, Wq, Wk, v):
    return np.tanh((q @ Wq) * (keys @ Wk)) @ v


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "You add up the numbers inside without `v`. Which of them should count for, and "
    "which against, and who learns it?",
)
def vector_v_left_out(q, keys, Wq, Wk, v):
    return np.tanh(q @ Wq + keys @ Wk).sum(axis=-1)


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Your numbers add up to 1 over the keys: they have been through the softmax. Which "
    "step of the three is asked for here?",
)
def weights_in_place_of_scores(q, keys, Wq, Wk, v):
    scores = attention_scores(q, keys, Wq, Wk, v)
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Your squashing function is the sigmoid. Which of the two has both signs?",
)
def sigmoid_inside_the_scores(q, keys, Wq, Wk, v):
    return (0.5 + 0.5 * np.tanh((q @ Wq + keys @ Wk) / 2)) @ v


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "You divide by the root of the number of units inside. Which of the two scores "
    "needs that, the one with a tanh or the dot product?",
)
def additive_scores_divided_by_a_root(q, keys, Wq, Wk, v):
    return attention_scores(q, keys, Wq, Wk, v) / len(v) ** 0.5


@misconception(
    "attention_scores",
    "sec-attention-scores",
    "Your numbers are right, with examples as rows: (N, S). Which axis of the keys is "
    "time in this course?",
)
def scores_with_examples_first(q, keys, Wq, Wk, v):
    return attention_scores(q, keys, Wq, Wk, v).T


# ---- attention_backward -----------------------------------------------------


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "Your answer is the gradient by the *weights*. Which function lies between the "
    "scores and the weights, and what is its slope?",
)
def gradient_stops_at_the_weights(dcontext, alpha, h):
    return np.einsum("nh,tnh->tn", dcontext, h)


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "You use the slope of a sigmoid, `alpha * (1 - alpha)`. When one score rises, what "
    "happens to the *other* weights, and where is that in your gradient?",
)
def softmax_slope_of_a_sigmoid(dcontext, alpha, h):
    return alpha * (1 - alpha) * np.einsum("nh,tnh->tn", dcontext, h)


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "Your gradients do not add up to 0 over time. What happens to the weights when all "
    "scores of an example rise by the same number, and what must be subtracted?",
)
def softmax_mean_not_subtracted(dcontext, alpha, h):
    return alpha * np.einsum("nh,tnh->tn", dcontext, h)


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "You compare each state with the *plain* mean of the states. Which mean of them "
    "did the forward pass return?",
)
def plain_mean_subtracted(dcontext, alpha, h):
    dalpha = np.einsum("nh,tnh->tn", dcontext, h)
    return alpha * (dalpha - dalpha.mean(axis=0))


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "You subtract the sum over time, as if every step had the weight 1. With which "
    "weights was the context made?",
)
def unweighted_sum_subtracted(dcontext, alpha, h):
    dalpha = np.einsum("nh,tnh->tn", dcontext, h)
    return alpha * (dalpha - dalpha.sum(axis=0))


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "The factor `alpha` is missing in front. How much can the context change through "
    "a step that weighs 0?",
)
def weight_left_out_in_front(dcontext, alpha, h):
    dalpha = np.einsum("nh,tnh->tn", dcontext, h)
    return dalpha - (alpha * dalpha).sum(axis=0)


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "Your signs are reversed: a state that would help gets a lower score in the next "
    "step up. Which comes first, the step's own part or the mean?",
)
def attention_gradient_reversed(dcontext, alpha, h):
    return -attention_backward(dcontext, alpha, h)


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "You subtract a sum over the examples. Whose scores compete with each other?",
)
def mean_over_the_batch_subtracted(dcontext, alpha, h):
    dalpha = np.einsum("nh,tnh->tn", dcontext, h)
    return alpha * (dalpha - (alpha * dalpha).sum(axis=1, keepdims=True))


@misconception(
    "attention_backward",
    "sec-attention-gradient",
    "Your answer is the gradient by the *states*, through the mean alone. What is it "
    "that each step has one of, and that decides its weight?",
)
def gradient_by_the_states(dcontext, alpha, h):
    return alpha[..., None] * dcontext
