"""Mistakes in attention: what is compared, what adds up to 1, what is averaged."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.attention import (
    agreement,
    attention_backward,
    attention_scores,
    changed_weights,
    context_vector,
    masked_softmax,
    top_word_effect,
    word_attention,
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


# ---- word_attention ---------------------------------------------------------


def _answer(alpha, h, V, d):
    return context_vector(alpha, h) @ V + d, alpha


@misconception(
    "word_attention",
    "sec-word-attention",
    "There is no tanh between `h @ W + b` and `u`. Two matrices in a row are one: "
    "what could the network do with `W` then that it could not do with `u` alone?",
)
def tanh_left_out_of_word_scores(
    h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax
):
    return _answer(masked_softmax((h @ W + b) @ u, lengths), h, V, d)


@misconception(
    "word_attention",
    "sec-word-attention",
    "Your tanh stands around the finished score. How large can a score be then, and "
    "how unequal the weights of two words?",
)
def tanh_around_the_word_score(
    h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax
):
    return _answer(masked_softmax(np.tanh((h @ W + b) @ u), lengths), h, V, d)


@misconception(
    "word_attention",
    "sec-word-attention",
    "You add up the numbers that come out of the tanh, each as it is. Which vector "
    "says how much each of them counts?",
)
def word_vector_u_left_out(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    return _answer(masked_softmax(np.tanh(h @ W + b).sum(axis=-1), lengths), h, V, d)


@misconception(
    "word_attention",
    "sec-word-attention",
    "The bias `b` does not come into your scores. Where does it stand, inside the "
    "tanh or outside?",
)
def word_bias_left_out(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    return _answer(masked_softmax(np.tanh(h @ W) @ u, lengths), h, V, d)


@misconception(
    "word_attention",
    "sec-weighted-mean",
    "Your logits come from the plain mean of the true states. The weights are there, "
    "and nothing depends on them. What was to be averaged with `alpha`?",
)
def weights_for_show(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    _, alpha = word_attention(h, lengths, W, b, u, V, d, masked_softmax=masked_softmax)
    within = np.arange(len(h))[:, None] < lengths
    return _answer(within / lengths, h, V, d)[0], alpha


@misconception(
    "word_attention",
    "sec-weighted-mean",
    "Your logits come from each sentence's last state, as if there were no "
    "attention. Which vector is to be classified?",
)
def last_state_classified(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    _, alpha = word_attention(h, lengths, W, b, u, V, d, masked_softmax=masked_softmax)
    return h[lengths - 1, np.arange(len(lengths))] @ V + d, alpha


@misconception(
    "word_attention",
    "sec-weighted-mean",
    "Your logits come from the one state with the largest weight. It is a choice, and "
    "not a mean: through which weights could the others learn?",
)
def top_state_classified(h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax):
    _, alpha = word_attention(h, lengths, W, b, u, V, d, masked_softmax=masked_softmax)
    return h[alpha.argmax(axis=0), np.arange(len(lengths))] @ V + d, alpha


@misconception(
    "word_attention",
    "sec-weighted-mean",
    "The bias `d` has been added at every step, and the steps have been added up: it "
    "counts T times. How often should it count in one answer?",
)
def output_bias_at_every_step(
    h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax
):
    _, alpha = word_attention(h, lengths, W, b, u, V, d, masked_softmax=masked_softmax)
    return (alpha[..., None] * h @ V + d).sum(axis=0), alpha


@misconception(
    "word_attention",
    "sec-softmax",
    "Your logits have been through a softmax: each row adds up to 1. What does the "
    "word *logit* stand for, and who takes that softmax?",
)
def probabilities_for_logits(
    h, lengths, W, b, u, V, d, *, masked_softmax=masked_softmax
):
    logits, alpha = word_attention(
        h, lengths, W, b, u, V, d, masked_softmax=masked_softmax
    )
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True), alpha


@misconception(
    "word_attention",
    "sec-masked-softmax",
    "You weigh the states with the scores as they are. Which function stands between "
    "a score and a weight, and what do the weights of a sentence add up to?",
)
def words_weighed_by_their_scores(h, lengths, W, b, u, V, d):
    within = np.arange(len(h))[:, None] < lengths
    return _answer(np.tanh(h @ W + b) @ u * within, h, V, d)


@misconception(
    "word_attention",
    "sec-masked-softmax",
    "Your weights add up to 1 over the whole array. The lengths did not come in: what "
    "stands after a sentence's last word, and how much of the answer is it now?",
)
def padding_read_as_words(h, lengths, W, b, u, V, d):
    alpha = masked_softmax(np.tanh(h @ W + b) @ u, np.full(len(lengths), len(h)))
    return _answer(alpha, h, V, d)


@misconception(
    "word_attention",
    "sec-masked-softmax",
    "Your weights add up to 1 across the *sentences* of a step. Which axis of the "
    "scores (T, N) holds the words that compete?",
)
def sentences_compete_for_a_step(h, lengths, W, b, u, V, d):
    within = np.arange(len(h))[:, None] < lengths
    return _answer(_softmax_where(np.tanh(h @ W + b) @ u, within, axis=1), h, V, d)


# ---- agreement --------------------------------------------------------------


def _same(alphas):
    """The share (M, M) of sentences in which two networks have the same top."""
    top = alphas.argmax(axis=1)
    return np.mean(top[:, None] == top, axis=2)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You have compared each network with itself as well, and there it always agrees. "
    "How many pairs of *different* networks are there?",
)
def networks_compared_with_themselves(alphas, lengths):
    return _same(alphas).mean(), np.mean(1 / lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You count the sentences in which *all* networks have the same top word. What "
    "happens to that number when a network is added, however much each two agree?",
)
def all_networks_at_once(alphas, lengths):
    top = alphas.argmax(axis=1)
    return np.mean((top == top[0]).all(axis=0)), np.mean(1 / lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You compare the first network with each of the others, and no two of those. "
    "Which pairs are left out?",
)
def all_compared_with_the_first(alphas, lengths):
    return _same(alphas)[0, 1:].mean(), np.mean(1 / lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You compare each network with the next one only. How many pairs can be made of "
    "three networks?",
)
def neighbours_compared(alphas, lengths):
    return np.diagonal(_same(alphas), 1).mean(), np.mean(1 / lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You add up the shares of all pairs. By how many is this divided, so that it is "
    "a share again?",
)
def shares_of_pairs_added_up(alphas, lengths):
    same = _same(alphas)
    return same[np.tril_indices(len(same), -1)].sum(), np.mean(1 / lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "Your chance is one in T, the length of the array. Could a word drawn by chance "
    "lie in the padding?",
)
def chance_counts_the_padding(alphas, lengths):
    return agreement(alphas, lengths)[0], 1 / alphas.shape[1]


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "Your chance is one in the *mean* length. Two sentences of 2 and 10 words: what "
    "is the chance in each, and what is the mean of these two?",
)
def chance_of_the_mean_length(alphas, lengths):
    return agreement(alphas, lengths)[0], 1 / np.mean(lengths)


@misconception(
    "agreement",
    "sec-do-weights-explain",
    "You take the chance that two networks *both* hit one given word. Which words "
    "count as agreeing: one given word, or any, as long as it is the same?",
)
def chance_of_one_given_word(alphas, lengths):
    return agreement(alphas, lengths)[0], np.mean(1 / lengths**2)


# ---- changed_weights --------------------------------------------------------


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "Your uniform weights are 1/T at every step, padding and all. Over how many steps "
    "is a sentence's 1 to be shared out?",
)
def uniform_over_the_array(alpha, lengths):
    return np.full_like(alpha, 1 / len(alpha)), *changed_weights(alpha, lengths)[1:]


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "Your uniform weights are 1/T within each sentence. What do those of a short "
    "sentence add up to?",
)
def uniform_share_of_the_array(alpha, lengths):
    uniform, only, rest = changed_weights(alpha, lengths)
    return (uniform > 0) / len(alpha), only, rest


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "You leave the top step the weight that it had, and set the others to 0. What do "
    "the weights of a mean add up to?",
)
def top_keeps_its_own_weight(alpha, lengths):
    uniform, only, rest = changed_weights(alpha, lengths)
    return uniform, only * alpha, rest


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "You take the top weight away, and nobody gets it: what is left adds up to less "
    "than 1. By what must it be divided?",
)
def rest_left_as_it_is(alpha, lengths):
    uniform, only, _ = changed_weights(alpha, lengths)
    return uniform, only, alpha * (1 - only)


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "You give every other step the same part of the top weight. A step that had twice "
    "the weight of another: does it still have twice as much?",
)
def top_weight_shared_in_equal_parts(alpha, lengths):
    uniform, only, _ = changed_weights(alpha, lengths)
    part = alpha.max(axis=0) / (lengths - 1)
    return uniform, only, (alpha + part) * (uniform > 0) * (1 - only)


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "Without the top step, all your weights are equal. Which two changes do you make "
    "at once, and which of them would an effect be due to?",
)
def rest_made_uniform(alpha, lengths):
    uniform, only, _ = changed_weights(alpha, lengths)
    return uniform, only, (uniform > 0) * (1 - only) / (lengths - 1)


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "The other weights have been through a softmax once more, which makes them nearly "
    "equal. They are positive already. How do they become shares of 1?",
)
def rest_through_softmax_again(alpha, lengths):
    uniform, only, _ = changed_weights(alpha, lengths)
    return uniform, only, _softmax_where(alpha, (uniform > 0) & (only == 0))


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "Each *step* has a top sentence in your answer. Of which axis do you look for the "
    "largest weight, and what is it that a sentence has one of?",
)
def top_sentence_of_each_step(alpha, lengths):
    only = np.zeros_like(alpha)
    only[np.arange(len(alpha)), alpha.argmax(axis=1)] = 1
    rest = alpha * (1 - only)
    total = rest.sum(axis=0)
    rest = rest / np.where(total, total, 1)
    return changed_weights(alpha, lengths)[0], only, rest


@misconception(
    "changed_weights",
    "sec-do-weights-explain",
    "Only one sentence of the batch has changed: the one with the largest weight of "
    "all. Which axis does `argmax` need, so that each sentence finds its own?",
    right_on=("one sentence",),
)
def one_top_for_the_whole_batch(alpha, lengths):
    only, rest = np.zeros_like(alpha), alpha.copy()
    top = np.unravel_index(alpha.argmax(), alpha.shape)
    only[top], rest[top] = 1, 0
    return changed_weights(alpha, lengths)[0], only, rest / rest.sum(axis=0)


# ---- top_word_effect --------------------------------------------------------


def _means(effects, alpha, lengths):
    """Like top_word_effect, from effects (T, N) that are 0 past the end."""
    place = alpha.argmax(axis=0)
    top = effects[place, np.arange(len(lengths))]
    others = (effects.sum(axis=0) - top) / (lengths - 1)
    return top.mean(), others.mean(), np.mean(effects.argmax(axis=0) == place)


def _there(alpha, lengths):
    return np.arange(len(alpha))[:, None] < lengths


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "Your effects have a sign, so that a word that helps and one that harms cancel in "
    "a mean. How large is the effect of a word without which the right answer becomes "
    "*more* likely?",
)
def effects_that_cancel(p, p_without, alpha, lengths):
    return _means((p - p_without) * _there(alpha, lengths), alpha, lengths)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "You average the probabilities without the word, and not how far they are from "
    "the one with it. What is the effect of a word that changes nothing?",
)
def probabilities_for_effects(p, p_without, alpha, lengths):
    return _means(np.where(_there(alpha, lengths), p_without, 0), alpha, lengths)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "The padding counts among your other words. Which word is deleted there, and what "
    "does the table hold in its place?",
)
def padding_among_the_other_words(p, p_without, alpha, lengths):
    effects = np.abs(p - p_without)
    T = np.full(len(lengths), len(alpha))
    return _means(effects, alpha, T)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "The means are right, and the largest effect is looked for in the padding as "
    "well, where `p_without` is 0. How large an effect is that, and of which word?",
)
def largest_effect_in_the_padding(p, p_without, alpha, lengths):
    top, others, _ = top_word_effect(p, p_without, alpha, lengths)
    largest = np.abs(p - p_without).argmax(axis=0) == alpha.argmax(axis=0)
    return top, others, np.mean(largest)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "You divide the effects of the other words by T - 1, in short sentences as well. "
    "How many other words has a sentence of `lengths[n]` words?",
)
def effects_divided_by_the_array(p, p_without, alpha, lengths):
    top, _, largest = top_word_effect(p, p_without, alpha, lengths)
    effects = np.abs(p - p_without) * _there(alpha, lengths)
    T = np.full(len(lengths), len(alpha))
    return top, _means(effects, alpha, T)[1], largest


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "The top word is among your other words. If it has a large effect, what does it "
    "do to the number that it is compared with?",
)
def top_word_among_the_others(p, p_without, alpha, lengths):
    top, _, largest = top_word_effect(p, p_without, alpha, lengths)
    effects = np.abs(p - p_without) * _there(alpha, lengths)
    return top, np.mean(effects.sum(axis=0) / lengths), largest


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "All other words of the batch are in one mean, so that a long sentence counts "
    "more than a short one. Which mean comes first: over words, or over sentences?",
)
def long_sentences_count_more(p, p_without, alpha, lengths):
    top, _, largest = top_word_effect(p, p_without, alpha, lengths)
    effects = np.abs(p - p_without) * _there(alpha, lengths)
    others = effects.sum() - top * len(lengths)
    return top, others / (lengths - 1).sum(), largest


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "Your top word is the one with the largest *effect*. It beats all others then, in "
    "every sentence. Whose claim was to be tested?",
)
def top_word_by_its_effect(p, p_without, alpha, lengths):
    effects = np.abs(p - p_without) * _there(alpha, lengths)
    return _means(effects, effects, lengths)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "You square the effects. In which unit is your answer, if the probabilities are "
    "shares of 1?",
)
def effects_squared(p, p_without, alpha, lengths):
    effects = (p - p_without) ** 2 * _there(alpha, lengths)
    return _means(effects, alpha, lengths)


@misconception(
    "top_word_effect",
    "sec-do-weights-explain",
    "You average all effects with the weights of the attention. Which word is to be "
    "deleted, and how many of them?",
)
def effects_weighted_by_attention(p, p_without, alpha, lengths):
    _, others, largest = top_word_effect(p, p_without, alpha, lengths)
    effects = np.abs(p - p_without) * _there(alpha, lengths)
    return (alpha * effects).sum(axis=0).mean(), others, largest
