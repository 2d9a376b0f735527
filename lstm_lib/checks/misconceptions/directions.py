"""Mistakes about two directions, depth and dropout."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.directions import (
    bidirectional_forward,
    bidirectional_summary,
    read,
    reverse_within_lengths,
    stacked_forward,
    stacked_parameter_count,
    within,
)
from lstm_lib.checks.references.variants import gru_step

# ---- reverse_within_lengths -------------------------------------------------


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "You turn the whole array round, padding and all. What does the backward "
    "direction then read first, in every sequence that is shorter than the array?",
)
def padding_turned_to_the_front(x, lengths):
    return x[::-1]


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "You turn every sequence round within the length of the *longest*. Where does "
    "the padding of a shorter one go then?",
)
def turned_within_the_longest(x, lengths):
    return reverse_within_lengths(x, np.full(len(lengths), lengths.max()))


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "You turn every sequence round within the length of the *first*. What has "
    "`lengths[0]` to do with the others?",
)
def turned_within_the_first(x, lengths):
    return reverse_within_lengths(x, np.full(len(lengths), lengths[0]))


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "Your sequences begin with their first step of padding, and one true step of "
    "each is lost. Which step of a sequence of length 3 is its last, when the first "
    "is step 0?",
)
def turned_one_step_late(x, lengths):
    t = np.arange(len(x))[:, None]
    source = np.where(t < lengths, lengths - t, t)
    return np.take_along_axis(x, source[..., None], axis=0)


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "The true steps are right, and the padding is turned round as well. Which steps "
    "of the array does a sequence not own?",
    right_on=("zeros after the end",),
)
def padding_turned_round_too(x, lengths):
    t, T = np.arange(len(x))[:, None], len(x)
    source = np.where(t < lengths, lengths - 1 - t, T - 1 - t + lengths)
    return np.take_along_axis(x, source[..., None], axis=0)


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "The true steps are right, and you have cleared the padding. Who asked for that, "
    "and what does it hide when the padding is read by mistake?",
    right_on=("zeros after the end",),
)
def padding_cleared_while_turning(x, lengths):
    return within(reverse_within_lengths(x, lengths), lengths)


@misconception(
    "reverse_within_lengths",
    "sec-both-directions",
    "You have turned the *features* of each step round. Which axis of x is time?",
)
def features_turned_for_time(x, lengths):
    return x[:, :, ::-1]


@misconception(
    "reverse_within_lengths",
    "sec-both-directions",
    "You have turned the *batch* round: the last example came first. Which axis of x "
    "is time?",
)
def batch_turned_for_time(x, lengths):
    return x[:, ::-1]


@misconception(
    "reverse_within_lengths",
    "sec-reverse-within-lengths",
    "You give back what you were given. In which order should the steps of one "
    "sequence stand?",
)
def nothing_turned(x, lengths):
    return x


# ---- bidirectional_forward --------------------------------------------------


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Your backward states stand in the order in which they were *computed*: beside "
    "the forward state of the first word stands what was read of the last. Which two "
    "states belong to one word?",
)
def backward_states_left_turned(
    x, lengths, forward, backward, *, reverse_within_lengths=reverse_within_lengths
):
    back = read(reverse_within_lengths(x, lengths), backward)
    return within(np.concatenate([read(x, forward), back], axis=2), lengths)


@misconception(
    "bidirectional_forward",
    "sec-reverse-within-lengths",
    "Your backward direction begins with the padding. What is in its state when it "
    "comes to the last word of a short sequence?",
)
def backward_reads_the_padding(x, lengths, forward, backward):
    back = read(x[::-1], backward)[::-1]
    return within(np.concatenate([read(x, forward), back], axis=2), lengths)


@misconception(
    "bidirectional_forward",
    "sec-reverse-within-lengths",
    "Your backward direction begins with the padding, and its states are not turned "
    "back. What did it read first, and beside which word does that state stand?",
)
def whole_array_turned_and_left_so(x, lengths, forward, backward):
    both = read(x, forward), read(x[::-1], backward)
    return within(np.concatenate(both, axis=2), lengths)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Your second half has the backward direction's weights, and reads from the left "
    "like the first. What should it have seen when it comes to a word?",
)
def both_directions_read_forwards(x, lengths, forward, backward):
    both = read(x, forward), read(x, backward)
    return within(np.concatenate(both, axis=2), lengths)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Both directions of yours have the *same* weights. How many sets of weights were "
    "you given?",
)
def one_set_of_weights_for_both(x, lengths, forward, backward, **part):
    return bidirectional_forward(x, lengths, forward, forward, **part)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Each direction of yours has the other's weights. Which of the two arguments "
    "belongs to the one that reads from the left?",
)
def weights_of_the_directions_exchanged(x, lengths, forward, backward, **part):
    return bidirectional_forward(x, lengths, backward, forward, **part)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "You have added the two states together, so y has H columns. What can the next "
    "layer no longer tell apart?",
)
def directions_added(x, lengths, forward, backward, **part):
    y = bidirectional_forward(x, lengths, forward, backward, **part)
    ahead, back = np.split(y, 2, axis=2)
    return ahead + back


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Your states are right, with the two halves exchanged. Which direction comes first "
    "in y?",
)
def backward_half_first(x, lengths, forward, backward, **part):
    y = bidirectional_forward(x, lengths, forward, backward, **part)
    return np.concatenate(np.split(y, 2, axis=2)[::-1], axis=2)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "You put the backward states *after* the forward ones in time: y has 2T steps. "
    "How many states belong to one word, and along which axis do they lie?",
)
def directions_joined_along_time(x, lengths, forward, backward, **part):
    y = bidirectional_forward(x, lengths, forward, backward, **part)
    return np.concatenate(np.split(y, 2, axis=2), axis=0)


@misconception(
    "bidirectional_forward",
    "sec-both-directions",
    "Your backward direction starts in the state in which the forward one stopped. "
    "What should each of them know before it has read anything?",
)
def backward_starts_where_forward_ended(
    x, lengths, forward, backward, *, reverse_within_lengths=reverse_within_lengths
):
    ahead, (W, U, b) = read(x, forward), backward
    h, states = ahead[lengths - 1, np.arange(len(lengths))], []
    for x_t in reverse_within_lengths(x, lengths):
        h = np.tanh(x_t @ W + h @ U + b)
        states.append(h)
    back = reverse_within_lengths(np.stack(states), lengths)
    return within(np.concatenate([ahead, back], axis=2), lengths)


@misconception(
    "bidirectional_forward",
    "sec-reverse-within-lengths",
    "The true steps are right, and beyond each length you leave states that were "
    "computed from padding. What does the task ask for there?",
)
def states_left_beyond_the_end(
    x, lengths, forward, backward, *, reverse_within_lengths=reverse_within_lengths
):
    back = read(reverse_within_lengths(x, lengths), backward)
    back = reverse_within_lengths(back, lengths)
    return np.concatenate([read(x, forward), back], axis=2)


# ---- bidirectional_summary --------------------------------------------------


@misconception(
    "bidirectional_summary",
    "sec-last-step-no-summary",
    "You take the last step of the array for both directions. At which end does the "
    "backward direction *start*, and how many steps has it read there?",
    source="yunjey/pytorch-tutorial, issue 149",
)
def last_step_for_both_directions(y, lengths):
    return y[-1]


@misconception(
    "bidirectional_summary",
    "sec-last-step-no-summary",
    "You take each sequence's own last step, and for *both* directions. Of what use "
    "is that step to the direction that came from the right?",
)
def own_last_step_for_both_directions(y, lengths):
    return y[lengths - 1, np.arange(len(lengths))]


@misconception(
    "bidirectional_summary",
    "sec-last-step-no-summary",
    "You take step 0 for both directions. How much has the forward direction read "
    "there?",
)
def first_step_for_both_directions(y, lengths):
    return y[0]


@misconception(
    "bidirectional_summary",
    "sec-last-step-no-summary",
    "Each half of yours is where that direction has read *one* step: the forward one "
    "at the beginning, the backward one at the end. Where does each of them finish?",
)
def each_direction_at_its_start(y, lengths):
    H = y.shape[2] // 2
    back = y[lengths - 1, np.arange(len(lengths)), H:]
    return np.concatenate([y[0, :, :H], back], axis=1)


@misconception(
    "bidirectional_summary",
    "sec-reverse-within-lengths",
    "Your backward half is right. Your forward half is the last step of the array for "
    "everybody: what stands there in a sequence that ended earlier?",
)
def forward_half_from_the_padding(y, lengths):
    H = y.shape[2] // 2
    return np.concatenate([y[-1, :, :H], y[0, :, H:]], axis=1)


@misconception(
    "bidirectional_summary",
    "sec-both-directions",
    "Your two halves are right, the backward one first. Which direction comes first "
    "in y?",
)
def halves_of_the_summary_exchanged(y, lengths):
    return np.roll(bidirectional_summary(y, lengths), y.shape[2] // 2, axis=1)


@misconception(
    "bidirectional_summary",
    "sec-both-directions",
    "You take every second column for one direction, as if the two alternated. How "
    "were the two states of a step joined?",
    right_on=("one unit each way",),
)
def directions_taken_in_turns(y, lengths):
    last = y[lengths - 1, np.arange(len(lengths))].copy()
    last[:, 1::2] = y[0, :, 1::2]
    return last


@misconception(
    "bidirectional_summary",
    "sec-both-directions",
    "You have added the two halves together, so each summary has H numbers. What can "
    "the next layer no longer tell apart?",
)
def halves_of_the_summary_added(y, lengths):
    return sum(np.split(bidirectional_summary(y, lengths), 2, axis=1))


@misconception(
    "bidirectional_summary",
    "sec-last-step-no-summary",
    "Your answer is the mean over the true steps. That is a summary too, but not the "
    "one asked for: which one state of each direction has read everything?",
)
def mean_for_the_finished_states(y, lengths):
    return within(y, lengths).sum(axis=0) / lengths[:, None]


# ---- stacked_parameter_count ------------------------------------------------

ONE_LAYER = "one layer", "one layer in two ways"
ONE_WAY = "one layer", "two layers"


def count_by_layer(layer, D, H, layers, directions):
    """The sum of layer(its input size, H) over all layers and directions."""
    inputs = [D] + [directions * H] * (layers - 1)
    return sum(directions * layer(wide, H) for wide in inputs)


@misconception(
    "stacked_parameter_count",
    "sec-stacked",
    "Every layer of yours reads the D input features. What does the second layer read?",
    right_on=ONE_LAYER,
)
def every_layer_reads_the_input(D, H, layers, bidirectional):
    return layers * stacked_parameter_count(D, H, 1, bidirectional)


@misconception(
    "stacked_parameter_count",
    "sec-stacked",
    "Your upper layers read H numbers a step. How many does a layer with two "
    "directions hand up?",
    right_on=(*ONE_WAY, "one layer in two ways"),
)
def upper_layers_read_one_direction(D, H, layers, bidirectional):
    return (1 + bidirectional) * stacked_parameter_count(D, H, layers, False)


@misconception(
    "stacked_parameter_count",
    "sec-both-directions",
    "Your count is the same with one direction and with two. Do the two share their "
    "weights?",
    right_on=ONE_WAY,
)
def second_direction_not_counted(D, H, layers, bidirectional):
    return stacked_parameter_count(D, H, layers, False)


@misconception(
    "stacked_parameter_count",
    "sec-both-directions",
    "Your upper layers read 2H numbers, as they should, and have weights for one "
    "direction only. Do the two share their weights?",
    right_on=ONE_WAY,
)
def wide_input_for_one_direction(D, H, layers, bidirectional):
    return stacked_parameter_count(D, H, layers, bidirectional) // (1 + bidirectional)


@misconception(
    "stacked_parameter_count",
    "sec-stacked",
    "Your recurrent matrix has a row for each of the 2H numbers of a step. Whose "
    "state does one direction feed back to itself?",
    right_on=ONE_WAY,
)
def recurrent_weights_see_both_directions(D, H, layers, bidirectional):
    d = 1 + bidirectional
    return count_by_layer(lambda I, H: 4 * H * (I + d * H + 1), D, H, layers, d)


@misconception(
    "stacked_parameter_count",
    "sec-parameter-count",
    "Your layers have two biases a block, as PyTorch stores them. How many does `b` "
    "hold in this course?",
)
def stack_with_two_biases(D, H, layers, bidirectional):
    d = 1 + bidirectional
    return count_by_layer(lambda I, H: 4 * H * (I + H + 2), D, H, layers, d)


@misconception(
    "stacked_parameter_count",
    "sec-parameter-count",
    "Your layers have no biases. What does each of the four blocks add after its "
    "products?",
)
def stack_without_bias(D, H, layers, bidirectional):
    d = 1 + bidirectional
    return count_by_layer(lambda I, H: 4 * H * (I + H), D, H, layers, d)


@misconception(
    "stacked_parameter_count",
    "sec-parameter-count",
    "Your count is right for simple recurrent layers. How many blocks of that size "
    "does an LSTM have?",
)
def stack_of_one_block(D, H, layers, bidirectional):
    return stacked_parameter_count(D, H, layers, bidirectional) // 4


# ---- stacked_forward: what each layer reads, and where it starts ---------------


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Every layer of yours reads `x`. How many columns does `x` have, how many rows the "
    "second `W`, and whose numbers are they?",
)
def every_layer_of_the_stack_reads_x(x, h, layers, *, gru_step=gru_step):
    alone = [
        stacked_forward(x, state[None], [one], gru_step=gru_step)
        for state, one in zip(h, layers)
    ]
    return alone[-1][0], np.concatenate([end for _, end in alone])


@misconception(
    "stacked_forward",
    "sec-stacked",
    "All your layers use the weights of the first. How many sets of weights are in "
    "`layers`?",
)
def first_weights_for_every_layer(x, h, layers, *, gru_step=gru_step):
    return stacked_forward(x, h, [layers[0]] * len(h), gru_step=gru_step)


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your second layer starts in the state in which the first one *stopped*. Which "
    "state is it given, and what should it know before its first step?",
    source="https://github.com/salesforce/awd-lstm-lm/issues/116",
)
def upper_layer_starts_where_lower_stopped(x, h, layers, *, gru_step=gru_step):
    y, state, ends = x, h[0], []
    for parameters in layers:
        y, (state,) = stacked_forward(y, state[None], [parameters], gru_step=gru_step)
        ends.append(state)
    return y, np.stack(ends)


@misconception(
    "stacked_forward",
    "sec-stacked",
    "All your layers write into *one* state: each takes what the layer below has just "
    "made for its own past. How many states does a stack of L layers remember?",
    source="https://github.com/pclucas14/GansFallingShort/pull/2",
)
def one_state_for_all_layers(x, h, layers, *, gru_step=gru_step):
    state, y = h[0], []
    for x_t in x:
        inputs = x_t
        for parameters in layers:
            inputs = state = gru_step(inputs, state, *parameters)
        y.append(state)
    return np.stack(y), np.stack([state] * len(h))


@misconception(
    "stacked_forward",
    "sec-stacked",
    "All your layers start in `h[0]`. Whose first state is that?",
)
def first_layers_state_for_all(x, h, layers, *, gru_step=gru_step):
    return stacked_forward(x, np.stack([h[0]] * len(h)), layers, gru_step=gru_step)


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your layers start from zeros. What are you given in `h`?",
)
def stack_starts_from_zeros(x, h, layers, *, gru_step=gru_step):
    return stacked_forward(x, 0 * h, layers, gru_step=gru_step)


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your second layer reads what the first one had made *one step earlier*. When the "
    "layer above takes its step, has the layer below taken it already?",
)
def upper_layer_one_step_behind(x, h, layers, *, gru_step=gru_step):
    y = []
    for x_t in x:
        inputs = [x_t, *h[:-1]]
        new = [gru_step(*pair, *one) for *pair, one in zip(inputs, h, layers)]
        h = np.stack(new)
        y.append(h[-1])
    return np.stack(y), h


@misconception(
    "stacked_forward",
    "sec-unrolled",
    "Every step of yours starts from the states that you were given. What does one "
    "step hand to the next?",
)
def stack_forgets_after_each_step(x, h, layers, *, gru_step=gru_step):
    alone = [stacked_forward(x_t[None], h, layers, gru_step=gru_step) for x_t in x]
    return np.concatenate([y for y, _ in alone]), alone[-1][1]


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your last states are right, and your `y` is that of the layer at the bottom. "
    "Which layer do the others hand their work to?",
)
def outputs_of_the_bottom_layer(x, h, layers, *, gru_step=gru_step):
    _, ends = stacked_forward(x, h, layers, gru_step=gru_step)
    return stacked_forward(x, h[:1], layers[:1], gru_step=gru_step)[0], ends


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your `y` is right, and your last states stand with the top layer first. In which "
    "order do the layers stand in `h`?",
)
def last_states_from_top_to_bottom(x, h, layers, *, gru_step=gru_step):
    y, ends = stacked_forward(x, h, layers, gru_step=gru_step)
    return y, ends[::-1]


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your `y` is right, and you return the last state of the top layer alone. What "
    "would you need to read the sequence on from here?",
)
def last_state_of_the_top_layer_alone(x, h, layers, *, gru_step=gru_step):
    y, ends = stacked_forward(x, h, layers, gru_step=gru_step)
    return y, ends[-1]


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your `y` holds the outputs of all layers side by side. Whose outputs does the "
    "task ask for?",
)
def outputs_of_all_layers_side_by_side(x, h, layers, *, gru_step=gru_step):
    parts = [
        stacked_forward(x, h[:k], layers[:k], gru_step=gru_step)
        for k in range(1, len(h) + 1)
    ]
    return np.concatenate([y for y, _ in parts], axis=2), parts[-1][1]


@misconception(
    "stacked_forward",
    "sec-stacked",
    "Your `y` is right, and the states you return are the ones that you were given. "
    "Where is each layer after the last step?",
)
def first_states_of_the_stack_returned(x, h, layers, *, gru_step=gru_step):
    return stacked_forward(x, h, layers, gru_step=gru_step)[0], h
