"""Mistakes about Keras's layers: padding, counts, masks, early stopping."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.keras_layers import (
    early_stopping,
    keras_lstm_shapes,
    keras_parameter_counts,
    pad_sequences,
    run_with_mask,
)

OTHER = {"pre": "post", "post": "pre"}
FRONT, BEHIND = "both in front", "both behind"
MIXED = "padding in front, cutting behind", "padding behind, cutting in front"

# ---- pad_sequences --------------------------------------------------------------


# Those that are right on some cases come first: the first that fits is named.


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "You pad and cut in front, whatever is asked. That is what Keras does if nobody "
    "says anything; which two arguments say something else?",
    right_on=(FRONT,),
)
def keras_defaults_whatever_is_asked(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, "pre", "pre")


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "You cut at the end where you pad. That is right only where both words agree; "
    "which argument says where to cut?",
    right_on=(FRONT, BEHIND),
)
def cut_where_it_is_padded(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, padding, padding)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "You pad at the end where you cut. That is right only where both words agree; "
    "which argument says where to pad?",
    right_on=(FRONT, BEHIND),
)
def padded_where_it_is_cut(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, truncating, truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "You pad behind, whatever `padding` says. Where does Keras put the zeros if nobody "
    "says anything?",
    right_on=(BEHIND, MIXED[1]),
)
def always_padded_behind(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, "post", truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Your long sequences always keep their first tokens, as a slice `[:maxlen]` does. "
    "Which tokens are kept when the cut is in front?",
    right_on=(BEHIND, MIXED[0]),
)
def always_cut_behind(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, padding, "post")


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Your padding stands at the wrong end: you read `padding` as the end at which the "
    '*tokens* stand. What is it that `"pre"` puts in front?',
)
def padding_side_exchanged(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, OTHER[padding], truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Your long sequences lose the wrong end: you read `truncating` as the end that is "
    "*kept*. Which end does it name?",
)
def truncation_side_exchanged(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, padding, OTHER[truncating])


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Padding and cutting are both at the end that was not asked for. What does each of "
    "the two words name: what is added and removed, or what stays?",
)
def both_sides_exchanged(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, OTHER[padding], OTHER[truncating])


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Your array is as wide as the longest sequence, so nothing is ever cut. Which "
    "argument says how wide it is?",
)
def as_wide_as_the_longest(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, max(map(len, sequences)), padding, truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Sequences longer than `maxlen` are missing from your array. They were to be cut, "
    "not left out: which review does row 3 belong to now?",
)
def long_sequences_left_out(sequences, maxlen, padding, truncating):
    short = [s for s in sequences if len(s) <= maxlen]
    return pad_sequences(short, maxlen, padding, truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "You cut one token too many from the long sequences, and a zero stands in its "
    "place. How many tokens has a slice `s[-maxlen + 1:]` or `s[:maxlen - 1]`?",
)
def one_token_too_many_cut(sequences, maxlen, padding, truncating):
    cut = [
        (s[1 - maxlen :] if truncating == "pre" else s[: maxlen - 1])
        if len(s) > maxlen
        else s
        for s in sequences
    ]
    return pad_sequences(cut, maxlen, padding, truncating)


@misconception(
    "pad_sequences",
    "sec-pad-sequences",
    "Your numbers are right, with time as rows. That is this course's layout; which "
    "axis comes first in Keras?",
)
def padded_with_time_first(sequences, maxlen, padding, truncating):
    return pad_sequences(sequences, maxlen, padding, truncating).T


# ---- keras_parameter_counts -------------------------------------------------------


def counted(K, D, H, G, M, **changed):
    """The right counts, with some replaced."""
    names = "embedding", "lstm", "gru", "dense"
    right = dict(zip(names, keras_parameter_counts(K, D, H, G, M)))
    return tuple((right | changed).values())


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your Embedding has a bias. It is a table of which one row is looked up: what "
    "would be added to the row, and to which one?",
)
def embedding_with_a_bias(K, D, H, G, M):
    return counted(K, D, H, G, M, embedding=K * D + D)


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your Embedding has one number for each word. How many numbers does the LSTM get "
    "to read for a word?",
)
def one_number_for_each_word(K, D, H, G, M):
    return counted(K, D, H, G, M, embedding=K)


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your LSTM reads one-hot words: its input has `K` numbers. What stands between the "
    "words and the LSTM?",
)
def lstm_reads_one_hot_words(K, D, H, G, M):
    return counted(K, D, H, G, M, lstm=4 * (K * H + H * H + H))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your LSTM has two biases a block, as PyTorch stores them. How many does Keras "
    "keep for an LSTM?",
)
def keras_lstm_with_two_biases(K, D, H, G, M):
    return counted(K, D, H, G, M, lstm=4 * (D * H + H * H + 2 * H))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your LSTM has three blocks. Three are gates; which fourth thing has weights, too?",
)
def keras_lstm_of_three_blocks(K, D, H, G, M):
    return counted(K, D, H, G, M, lstm=3 * (D * H + H * H + H))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your GRU has one bias a block, which is the form without `reset_after`. What does "
    "Keras set `reset_after` to, if nobody says?",
)
def keras_gru_with_one_bias(K, D, H, G, M):
    return counted(K, D, H, G, M, gru=3 * (H * G + G * G + G))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your GRU has a second bias for its new value alone, as the layer of this course "
    "stores it. How large is the second bias in Keras?",
)
def keras_gru_counted_as_in_this_course(K, D, H, G, M):
    return counted(K, D, H, G, M, gru=3 * (H * G + G * G + G) + G)


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your GRU has four blocks. An LSTM has: which of its gates does a GRU do without?",
)
def keras_gru_of_four_blocks(K, D, H, G, M):
    return counted(K, D, H, G, M, gru=4 * (H * G + G * G + 2 * G))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your GRU reads the Embedding. Which layer stands before it, and how many numbers "
    "does that one give at each step?",
)
def gru_reads_the_embedding(K, D, H, G, M):
    return counted(K, D, H, G, M, gru=3 * (D * G + G * G + 2 * G))


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your Dense layer has no bias. What does it add after its product?",
)
def keras_dense_without_bias(K, D, H, G, M):
    return counted(K, D, H, G, M, dense=G * M)


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Your Dense layer reads the LSTM. Which layer stands before it?",
)
def dense_reads_the_lstm(K, D, H, G, M):
    return counted(K, D, H, G, M, dense=H * M + M)


@misconception(
    "keras_parameter_counts",
    "sec-keras-summary",
    "Neither of your recurrent layers has weights for its own last state. What makes "
    "them recurrent?",
)
def no_recurrent_kernels(K, D, H, G, M):
    lstm, gru = 4 * (D * H + H), 3 * (H * G + 2 * G)
    return counted(K, D, H, G, M, lstm=lstm, gru=gru)


# ---- run_with_mask ----------------------------------------------------------------


def masked_run(x, mask, h, W, U, b, rule):
    """Outputs and h, by a rule (t, new, h, mask (N, 1)) -> output, h."""
    outputs = []
    for t in range(len(x)):
        new = np.tanh(x[t] @ W + h @ U + b)
        output, h = rule(t, new, h, mask[t][:, None])
        outputs.append(output)
    return np.stack(outputs), h


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your layer reads the masked steps like all others. What is the mask for, if the "
    "state moves on at a step that means nothing?",
)
def mask_ignored(x, mask, h, W, U, b):
    return run_with_mask(x, np.ones_like(mask), h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "At a masked step your state becomes zero, and all that was read before is gone. "
    "Should a step that means nothing clear the memory, or leave it alone?",
)
def state_zeroed_at_masked_steps(x, mask, h, W, U, b):
    return masked_run(x, mask, h, W, U, b, lambda t, new, h, m: (m * new, m * new))


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your masked steps read a row of zeros. That is still a step: what do `U` and `b` "
    "do to the state meanwhile?",
)
def zeros_read_at_masked_steps(x, mask, h, W, U, b):
    return run_with_mask(x * mask[..., None], np.ones_like(mask), h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your mask is the wrong way round: you stand still at the true steps and read the "
    "padding. What does `True` mean in a mask of Keras?",
)
def mask_the_wrong_way_round(x, mask, h, W, U, b):
    return run_with_mask(x, ~mask, h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your state is held, but your output at a masked step is zero. PyTorch and this "
    "course do so for lengths; what does Keras repeat there?",
)
def zero_output_at_masked_steps(x, mask, h, W, U, b):
    rule = lambda t, new, h, m: (m * new, np.where(m, new, h))  # noqa: E731
    return masked_run(x, mask, h, W, U, b, rule)


@misconception(
    "run_with_mask",
    "sec-masking",
    "You repeat the output at a masked step, but the state moves on behind it. What "
    "does the next true step read: the output you show, or the state?",
)
def output_held_and_state_moved(x, mask, h, W, U, b):
    shown = h

    def rule(t, new, h, m):
        nonlocal shown
        shown = np.where(m, new, shown)
        return shown, new

    return masked_run(x, mask, h, W, U, b, rule)


@misconception(
    "run_with_mask",
    "sec-masking",
    "At a masked step your state goes back to the first one you were given. Which "
    "state is to be held: that of the start, or that of the step before?",
    right_on=("masked in front", "float32 numbers"),
)
def back_to_the_first_state(x, mask, h, W, U, b):
    def rule(t, new, state, m):
        state = np.where(m, new, h)
        return state, state

    return masked_run(x, mask, h, W, U, b, rule)


@misconception(
    "run_with_mask",
    "sec-masking",
    "You stop at a sequence's first masked step. That is right for padding behind; "
    "what is left to read when the padding comes first?",
    right_on=("masked behind",),
)
def stopped_at_the_first_masked_step(x, mask, h, W, U, b):
    return run_with_mask(x, np.logical_and.accumulate(mask, axis=0), h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "All your sequences stand still where the *first* one does. Which column of the "
    "mask belongs to which sequence?",
    right_on=("one sequence",),
)
def mask_of_the_first_sequence(x, mask, h, W, U, b):
    return run_with_mask(x, np.repeat(mask[:, :1], x.shape[1], axis=1), h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your whole batch stands still as soon as one sequence does. Must the others wait?",
    right_on=("one sequence",),
)
def whole_batch_waits(x, mask, h, W, U, b):
    alike = np.repeat(mask.all(axis=1, keepdims=True), x.shape[1], axis=1)
    return run_with_mask(x, alike, h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your mask is one step late: step t obeys the entry of step t - 1. Which entry "
    "says whether x[t] means anything?",
)
def mask_one_step_late(x, mask, h, W, U, b):
    late = np.concatenate([np.ones_like(mask[:1]), mask[:-1]])
    return run_with_mask(x, late, h, W, U, b)


@misconception(
    "run_with_mask",
    "sec-masking",
    "Your run starts from zeros. What was the argument `h` for?",
)
def masked_run_from_zeros(x, mask, h, W, U, b):
    return run_with_mask(x, mask, np.zeros_like(h), W, U, b)


# ---- early_stopping ---------------------------------------------------------------

NEVER = "it never stops"


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You stop at the first epoch that is no better. How many such epochs in a row does "
    "the patience allow?",
)
def no_patience_at_all(losses, patience):
    return early_stopping(losses, 1)


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You run one epoch too many: you stop when *more* than `patience` epochs were no "
    "better. At which count does Keras stop?",
    right_on=(NEVER,),
)
def one_epoch_too_patient(losses, patience):
    return early_stopping(losses, patience + 1)


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You count every epoch that was no better since training began. What does an epoch "
    "with a new lowest loss do to the count?",
)
def patience_never_renewed(losses, patience):
    best, worse = 0, 0
    for epoch in range(1, len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        else:
            worse += 1
            if worse == patience:
                return epoch + 1, best + 1
    return len(losses), best + 1


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You compare each epoch with the one *before*. An epoch can be better than the "
    "last and still worse than the best: with which one does the patience compare?",
    right_on=(NEVER,),
)
def compared_with_the_epoch_before(losses, patience):
    since = 0
    for epoch in range(1, len(losses)):
        since = 0 if losses[epoch] < losses[epoch - 1] else since + 1
        if since == patience:
            return epoch + 1, int(np.argmin(losses[: epoch + 1])) + 1
    return len(losses), int(np.argmin(losses)) + 1


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "Your best epoch is the last one that was run. Those are the weights that training "
    "leaves behind; which epoch had the lowest loss?",
)
def last_epoch_as_the_best(losses, patience):
    epochs, _ = early_stopping(losses, patience)
    return epochs, epochs


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "Your best epoch is the best of the whole list, and comes after training ended. "
    "Which losses does a run that stopped ever see?",
    right_on=(NEVER,),
)
def best_of_epochs_never_run(losses, patience):
    return early_stopping(losses, patience)[0], int(np.argmin(losses)) + 1


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You train through the whole list and look for the best epoch afterwards. When "
    "does the patience end?",
    right_on=(NEVER,),
)
def never_stopped_early(losses, patience):
    return len(losses), int(np.argmin(losses)) + 1


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "A loss that only equals the best one starts your patience anew. Is it an "
    "improvement?",
    right_on=("better epochs come too late", NEVER),
)
def tie_as_an_improvement(losses, patience):
    eased = [loss - 1e-9 * epoch for epoch, loss in enumerate(losses)]
    return early_stopping(eased, patience)


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You found the right epochs and counted them from 0. Which number does the first "
    "epoch have in this task?",
)
def best_epoch_counted_from_zero(losses, patience):
    epochs, best = early_stopping(losses, patience)
    return epochs, best - 1


@misconception(
    "early_stopping",
    "sec-early-stopping",
    "You stop as if a *higher* number were better, which is right for an accuracy. "
    "What do these numbers measure?",
)
def highest_loss_as_the_best(losses, patience):
    return early_stopping([-loss for loss in losses], patience)


# ---- keras_lstm_shapes ----------------------------------------------------------

# Names of cases, by what is asked for in them.
LAST_ALONE = "the last output"
EVERY_STEP = "every step", "both directions, every step"
LAST_OUTPUT = (
    LAST_ALONE,
    "both directions, and the states",
    "the last output and the states",
)
KERAS_ONE_WAY = (
    LAST_ALONE,
    "every step",
    "every step and the states",
    "the last output and the states",
)


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "Your first array has all steps where nobody asked for them. What does "
    "`return_sequences=False`, the default, leave of the time axis?",
    right_on=(
        *EVERY_STEP,
        "every step and the states",
        "both directions, every step and the states",
    ),
)
def keras_gives_every_step(N, T, units, sequences, state, both):
    return keras_lstm_shapes(N, T, units, True, state, both)


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "Your time axis comes first, as in PyTorch and in this course. Which axis is first "
    "in what Keras reads and gives back?",
    right_on=LAST_OUTPUT,
)
def keras_with_time_first(N, T, units, sequences, state, both):
    output, *states = keras_lstm_shapes(N, T, units, sequences, state, both)
    return (T, N, output[-1]) if sequences else output, *states


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "With `return_state` you give back one state a direction, which is right for a "
    "GRU. What else does an LSTM carry from step to step?",
    right_on=(LAST_ALONE, *EVERY_STEP),
)
def keras_cell_state_left_out(N, T, units, sequences, state, both):
    output, *states = keras_lstm_shapes(N, T, units, sequences, state, both)
    return output, *states[::2]


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "Your states begin with an axis for layers, as in PyTorch. How many layers is one "
    "`LSTM` of Keras?",
    right_on=(LAST_ALONE, *EVERY_STEP),
)
def keras_states_with_a_layer_axis(N, T, units, sequences, state, both):
    output, *states = keras_lstm_shapes(N, T, units, sequences, state, both)
    return output, *[(1, *shape) for shape in states]


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "With two directions your first array is as wide as with one. How does "
    "`Bidirectional` put the two outputs together, if nobody says otherwise?",
    right_on=KERAS_ONE_WAY,
)
def keras_directions_not_joined(N, T, units, sequences, state, both):
    output, *states = keras_lstm_shapes(N, T, units, sequences, state, both)
    return (*output[:-1], units), *states


@misconception(
    "keras_lstm_shapes",
    "sec-keras-outputs",
    "Your states of both directions are joined like the outputs. `Bidirectional` gives "
    "those of each direction for itself: how many arrays are they in all?",
    right_on=(*KERAS_ONE_WAY, "both directions, every step"),
)
def keras_states_joined(N, T, units, sequences, state, both):
    output, *states = keras_lstm_shapes(N, T, units, sequences, state, both)
    return output, *([(N, 2 * units)] * 2 if both and state else states)
