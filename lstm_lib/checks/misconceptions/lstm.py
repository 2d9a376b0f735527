"""Mistakes in the memory cell and the LSTM: rule, gate, step, sequence, units."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.lstm import (
    STRONG,
    exact_sigmoid,
    gates,
    lstm_forward,
    lstm_step,
    memory_by_rule,
    unit,
)

# ---- memory_by_rule: what enters, stays and leaves -----------------------------


def by_other_rule(sequence, update, shown=lambda before, memory, x1, x3: memory):
    """The loop with another update; shown says what comes out where x3 is 1."""
    memory, kept, output = 0.0, [], []
    for x1, x2, x3 in sequence:
        before, memory = memory, update(memory, x1, x2, x3)
        kept.append(memory)
        output.append(shown(before, memory, x1, x3) if x3 == 1 else 0.0)
    return np.array(kept), np.array(output)


def rule(memory, x1, x2, x3):
    """The right update."""
    return 0.0 if x2 == -1 else memory + x1 * (x2 == 1)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "A write of yours replaces the memory: it holds the newest value only. What does "
    "the rule do with the value that is already there?",
)
def memory_replaced(sequence):
    return by_other_rule(
        sequence, lambda m, x1, x2, x3: x1 if x2 == 1 else rule(m, x1, x2, x3)
    )


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is empty at every step with x2 = 0, as it is with x2 = -1. Which of "
    "the two means that nothing happens?",
)
def memory_cleared_at_zero(sequence):
    return by_other_rule(sequence, lambda m, x1, x2, x3: m + x1 if x2 == 1 else 0.0)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory takes x1 in at x2 = 0 too. At which x2 does a value enter?",
)
def memory_written_at_zero(sequence):
    return by_other_rule(sequence, lambda m, x1, x2, x3: 0.0 if x2 == -1 else m + x1)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is never cleared. What should be left after a step with x2 = -1?",
)
def memory_never_cleared(sequence):
    return by_other_rule(sequence, lambda m, x1, x2, x3: m + x1 * (x2 == 1))


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "At x2 = -1 you take x1 away from the memory: `memory + x1 * x2`. What should be "
    "left of the memory at that step?",
)
def memory_subtracted(sequence):
    return by_other_rule(sequence, lambda m, x1, x2, x3: m + x1 * x2)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "At x2 = -1 your memory becomes x1. It is cleared, and then? Is anything written "
    "at that step?",
)
def memory_cleared_and_written(sequence):
    return by_other_rule(
        sequence, lambda m, x1, x2, x3: x1 if x2 == -1 else m + x1 * x2
    )


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is written and cleared by the third column, and shown by the "
    "second. Which of the two is x2?",
)
def controls_exchanged(sequence):
    return memory_by_rule(sequence[:, [0, 2, 1]])


# ---- memory_by_rule: what is shown, and what that does to the memory -----------


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is right, but your output shows what it held before the step. Which "
    "comes first in a step, the change or the look?",
)
def shown_before_the_update(sequence):
    return by_other_rule(sequence, rule, lambda before, memory, x1, x3: before)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is right, but your output is the memory at every step. What is x3 "
    "for?",
)
def always_shown(sequence):
    memory, _ = memory_by_rule(sequence)
    return memory, memory


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is right, but while nothing is shown your output stays at the last "
    "value shown. What should come out at x3 = 0?",
)
def output_held(sequence):
    memory, output = memory_by_rule(sequence)
    for t in range(1, len(output)):
        if sequence[t, 2] != 1:
            output[t] = output[t - 1]
    return memory, output


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is right, but your output shows x1, the value on offer. What should "
    "be shown?",
)
def input_shown(sequence):
    return by_other_rule(sequence, rule, lambda before, memory, x1, x3: x1)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is 0 at every step with x3 = 0, and what it held is lost: the next "
    "step starts from the output. Does looking away change what a memory holds?",
)
def output_carried_as_memory(sequence):
    return by_other_rule(
        sequence, lambda m, x1, x2, x3: rule(m, x1, x2, x3) * (x3 == 1)
    )


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is lost after a step that does not show it. Which value should the "
    "next step start from, the memory or the output?",
)
def memory_lost_when_not_shown(sequence):
    shown, kept, output = 0.0, [], []
    for x1, x2, x3 in sequence:
        kept.append(rule(shown, x1, x2, x3))
        shown = kept[-1] * (x3 == 1)
        output.append(shown)
    return np.array(kept), np.array(output)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your memory is empty after it was shown. Does x3 ask to show the memory, or to "
    "take it out?",
)
def memory_lost_when_shown(sequence):
    held, kept, output = 0.0, [], []
    for x1, x2, x3 in sequence:
        held = rule(held, x1, x2, x3)
        kept.append(held)
        output.append(held * (x3 == 1))
        held = held * (x3 != 1)
    return np.array(kept), np.array(output)


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Both values are right, in the wrong order: you return `output, memory`. Which "
    "one does the task ask for first?",
)
def memory_and_output_exchanged(sequence):
    return memory_by_rule(sequence)[::-1]


@misconception(
    "memory_by_rule",
    "sec-memory-cell",
    "Your numbers are right, in one table of shape (T, 2), as the chapter prints "
    "them. How many arrays does the task ask for?",
)
def memory_and_output_in_one_table(sequence):
    return np.stack(memory_by_rule(sequence), axis=1)


# ---- sigmoid ----------------------------------------------------------------


@misconception(
    "sigmoid",
    "sec-soft-gates",
    "Your answer is `tanh(z)`, which lies between -1 and 1. Between which two "
    "numbers must a gate lie?",
)
def tanh_for_sigmoid(z):
    return np.tanh(z)


@misconception(
    "sigmoid",
    "sec-soft-gates",
    "Your answer is `sigmoid(-z)`: it falls where it should rise. Look at the sign "
    "inside the exponential. What should come out when z is large?",
)
def sigmoid_of_minus_z(z):
    return exact_sigmoid(-z)


@misconception(
    "sigmoid",
    "sec-soft-gates",
    "Your answer is `0.5 * tanh(z) + 0.5`. That curve is twice too steep: what must "
    "happen to z before `tanh` sees it?",
)
def sigmoid_too_steep(z):
    return 0.5 * np.tanh(z) + 0.5


@misconception(
    "sigmoid",
    "sec-soft-gates",
    "Your formula is right on paper, but for large z it divides infinity by infinity "
    "and gives NaN. Which form has an exponential only below the line?",
    right_on=("a vector", "a matrix", "an array with three axes", "float32 numbers"),
)
def sigmoid_overflows(z):
    return np.exp(z) / (1 + np.exp(z))


# ---- lstm_step: which gate does what ----------------------------------------


@misconception(
    "lstm_step",
    "sec-forget-gate",
    "Your `c` is exactly what you get when the input gate and the forget gate are "
    "exchanged: `i * c + f * g`. Which of the two should meet the old state?",
    source="https://github.com/NX-AI/xlstm/issues/98",
)
def forget_and_input_swapped(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = i * c + f * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-forget-gate",
    "Your forget gate forgets when it is 1: your `c` uses `(1 - f) * c`. What should "
    "happen to the old state when the gate is fully open?",
)
def forget_gate_reversed(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = (1 - f) * c + i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-elementwise",
    "Your gate and its state meet in a matrix product, which adds up over the units. "
    "With which one number of the state should the gate of a unit meet?",
)
def gate_times_state_as_matrix_product(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f @ c.T + i @ g.T  # fits o below only for a batch of one
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-forget-gate",
    "Your old state is kept whole: `c + i * g`. Which gate have you not used?",
)
def forget_gate_missing(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = c + i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-forget-gate",
    "Your new `c` is only what is written: `i * g`. What becomes of the old state?",
)
def old_state_dropped(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-cell-update",
    "Your forget gate meets the old hidden state: `f * h + i * g`. Which of the two "
    "states is the memory?",
)
def forget_gate_on_hidden_state(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * h + i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `c` is right and your `h` is `tanh(c)`. What decides how much of the cell "
    "is shown?",
)
def output_gate_missing(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * c + i * g
    return np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-cell-update",
    "Your candidate is written whole: `f * c + g`. Which gate have you not used?",
)
def input_gate_missing(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * c + g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-cell-update",
    "Your input gate is tied to the forget gate: `f * c + (1 - f) * g`. That is a "
    "variant with three blocks. What is the first block for?",
)
def input_gate_coupled(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * c + (1 - f) * g
    return o * np.tanh(c), c


# ---- lstm_step: which squashing function, and on what ------------------------


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `c` is right and your `h` is `o * c`. What keeps `h` between -1 and 1 when "
    "`c` has grown?",
    source="https://github.com/nicodjimenez/lstm/issues/47",
)
def tanh_missing_on_output(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * c + i * g
    return o * c, c


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `c` is right and your `h` is `o * sigmoid(c)`, which is never negative. "
    "Which function keeps the sign of `c`?",
)
def sigmoid_on_output(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    c = f * c + i * g
    return o * sigmoid(c), c


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `h` is right, but the `c` you return has gone through `tanh`. What would "
    "that do to the memory, step after step?",
)
def tanh_on_returned_cell_state(x, h, c, *weights, sigmoid=exact_sigmoid):
    h, c = lstm_step(x, h, c, *weights, sigmoid=sigmoid)
    return h, np.tanh(c)


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `c` is right, but your `h` looks at the cell state of the step before. "
    "Which comes first, the new `c` or the new `h`?",
    source="https://github.com/borelien/entailment-neural-attention-lstm-tf/issues/3",
)
def output_from_old_cell_state(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    return o * np.tanh(c), f * c + i * g


@misconception(
    "lstm_step",
    "sec-cell-update",
    "Your candidate `g` went through the sigmoid, so it is never negative, and the "
    "cell can only be written upwards. Which function gives both signs?",
    source="https://github.com/carpedm20/pixel-rnn-tensorflow/issues/18",
)
def sigmoid_on_candidate(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    i, f, g, o = map(sigmoid, np.split(x @ W + h @ U + b, 4, axis=1))
    c = f * c + i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-soft-gates",
    "Your gates went through `tanh` and your candidate through the sigmoid. Which of "
    "the two gives numbers between 0 and 1, and who needs them?",
)
def sigmoid_and_tanh_exchanged(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c = np.tanh(f) * c + np.tanh(i) * sigmoid(g)
    return np.tanh(o) * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-soft-gates",
    "All four of your blocks went through `tanh`, so a gate of yours can be negative. "
    "Between which two numbers must a gate lie?",
)
def tanh_on_all_gates(x, h, c, *weights, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, *weights, sigmoid=np.tanh)


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Both values are right, in the wrong order: you return `c, h`. Which one does "
    "the task ask for first?",
    source="https://github.com/microsoft/nni/issues/2839",
)
def h_and_c_exchanged(x, h, c, *weights, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, *weights, sigmoid=sigmoid)[::-1]


# ---- lstm_step: reading the blocks of W, U and b -----------------------------


def step_with_order(order, x, h, c, weights, sigmoid):
    """The right step on weights whose blocks are read in another order."""
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid, order=order)
    c = f * c + i * g
    return o * np.tanh(c), c


@misconception(
    "lstm_step",
    "sec-one-product",
    "You read the third block as the output gate and the fourth as the candidate. "
    "In which order does this course keep its four blocks?",
)
def candidate_and_output_swapped(x, h, c, *weights, sigmoid=exact_sigmoid):
    return step_with_order("ifog", x, h, c, weights, sigmoid)


@misconception(
    "lstm_step",
    "sec-one-product",
    "You read the blocks in the order of the ONNX format: i, o, f, g. In which order "
    "does this course keep them?",
    source="https://github.com/CrispStrobe/CrispASR/pull/106",
)
def onnx_block_order(x, h, c, *weights, sigmoid=exact_sigmoid):
    return step_with_order("iofg", x, h, c, weights, sigmoid)


@misconception(
    "lstm_step",
    "sec-one-product",
    "You read the blocks in the order of TensorFlow 1: i, g, f, o. In which order "
    "does this course keep them?",
)
def tensorflow_1_block_order(x, h, c, *weights, sigmoid=exact_sigmoid):
    return step_with_order("igfo", x, h, c, weights, sigmoid)


@misconception(
    "lstm_step",
    "sec-one-product",
    "You read the blocks in the order o, i, f, g. In which order does this course "
    "keep them?",
)
def output_block_first(x, h, c, *weights, sigmoid=exact_sigmoid):
    return step_with_order("oifg", x, h, c, weights, sigmoid)


# ---- lstm_step: the sum before the gates -------------------------------------


@misconception(
    "lstm_step",
    "sec-one-product",
    "Your answer is what you get without the bias. Which of the arguments have you "
    "not used?",
)
def bias_dropped(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, W, U, 0 * b, sigmoid=sigmoid)


@misconception(
    "lstm_step",
    "sec-one-product",
    "Your answer is what you get when the bias is added twice, once with `x` and once "
    "with `h`. How many biases does the cell have here?",
    source="https://github.com/lisa-lab/DeepLearningTutorials/issues/81",
)
def bias_added_twice(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, W, U, 2 * b, sigmoid=sigmoid)


@misconception(
    "lstm_step",
    "sec-concatenation",
    "Your gates see `x` only. What else should a gate look at before it decides?",
)
def recurrent_term_dropped(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, W, 0 * U, b, sigmoid=sigmoid)


@misconception(
    "lstm_step",
    "sec-concatenation",
    "Your gates see `h` only: their sums are `h @ U + b`. Where does the input of the "
    "step come in?",
)
def input_term_dropped(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    return lstm_step(x, h, c, 0 * W, U, b, sigmoid=sigmoid)


@misconception(
    "lstm_step",
    "sec-concatenation",
    "You put `h` before `x`, but `W` above `U`. Which rows of the tall matrix does "
    "each column of the wide one meet?",
)
def concatenated_in_two_orders(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    hx, WU = np.hstack([h, x]), np.vstack([W, U])
    D = len(W)
    return lstm_step(hx[:, :D], hx[:, D:], c, WU[:D], WU[D:], b, sigmoid=sigmoid)


# ---- lstm_forward ------------------------------------------------------------


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Every step of yours starts again from the first state. What should step t + 1 "
    "receive from step t?",
    source="https://github.com/ChenRocks/fast_abs_rl/issues/14",
)
def state_not_carried(x, h, c, *weights, step=lstm_step):
    steps = [step(x_t, h, c, *weights) for x_t in x]
    return np.stack([h for h, _ in steps]), steps[-1]


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "You carry `h` from step to step, but every step starts from the first `c`. "
    "Which of the two states is the memory?",
)
def cell_state_not_carried(x, h, c, *weights, step=lstm_step):
    first, y = c, []
    for x_t in x:
        h, c = step(x_t, h, first, *weights)
        y.append(h)
    return np.stack(y), (h, c)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your sequence starts from zeros. Where do the `h` and `c` that the caller passes "
    "in come into your loop?",
)
def initial_state_ignored(x, h, c, *weights, step=lstm_step):
    return lstm_forward(x, 0 * h, 0 * c, *weights, step=step)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your `y` is only the last hidden state. How many time steps should `y` have?",
)
def only_last_output(x, h, c, *weights, step=lstm_step):
    _, (h, c) = lstm_forward(x, h, c, *weights, step=step)
    return h, (h, c)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "You return only the last `h` and `c`. Where are the outputs of the steps before?",
)
def only_last_state(x, h, c, *weights, step=lstm_step):
    return lstm_forward(x, h, c, *weights, step=step)[1]


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your numbers are right, but `y` has the batch first: (N, T, H). Which axis is "
    "time in this course?",
)
def batch_before_time(x, h, c, *weights, step=lstm_step):
    y, state = lstm_forward(x, h, c, *weights, step=step)
    return y.swapaxes(0, 1), state


@misconception(
    "lstm_forward",
    "sec-output-equation",
    "Your `y` collects the cell state of every step. Which of the two states does the "
    "cell show to the world outside?",
)
def cell_states_as_output(x, h, c, *weights, step=lstm_step):
    y = []
    for x_t in x:
        h, c = step(x_t, h, c, *weights)
        y.append(c)
    return np.stack(y), (h, c)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your `y` is right, but the state you return is the one that you were given. "
    "Which state would the next piece of the sequence need?",
)
def first_state_returned(x, h, c, *weights, step=lstm_step):
    return lstm_forward(x, h, c, *weights, step=step)[0], (h, c)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your numbers are right, but the state you return is `(c, h)`. In which order "
    "does the task ask for the two?",
)
def state_exchanged(x, h, c, *weights, step=lstm_step):
    y, (h, c) = lstm_forward(x, h, c, *weights, step=step)
    return y, (c, h)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your `y` starts with the `h` you were given, and its last output is missing. "
    "When in a turn of the loop should `h` be collected?",
)
def output_before_step(x, h, c, *weights, step=lstm_step):
    y, state = lstm_forward(x, h, c, *weights, step=step)
    return np.stack([h, *y[:-1]]), state


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "You read the sequence from its end. Which step does the state you are given "
    "belong to?",
)
def time_reversed(x, h, c, *weights, step=lstm_step):
    return lstm_forward(x[::-1], h, c, *weights, step=step)


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "You read the sequence from its end and put `y` back in order. What can an "
    "output then know of the steps before it?",
)
def time_reversed_there_and_back(x, h, c, *weights, step=lstm_step):
    y, state = lstm_forward(x[::-1], h, c, *weights, step=step)
    return y[::-1], state


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Your states are right, but `y` has the last output first. At which end of the "
    "list does a new output go?",
)
def outputs_reversed(x, h, c, *weights, step=lstm_step):
    y, state = lstm_forward(x, h, c, *weights, step=step)
    return y[::-1], state


# ---- lstm_parameter_count ----------------------------------------------------


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count has no biases. What does each of the four blocks add after its "
    "products?",
)
def count_without_bias(D, H):
    return 4 * (D * H + H * H)


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count has two biases a block, as PyTorch stores them. How many does `b` "
    "hold in this course?",
)
def count_with_two_biases(D, H):
    return 4 * (D * H + H * H + 2 * H)


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count leaves the recurrent weights out. Which matrix multiplies `h`?",
)
def count_without_recurrent_weights(D, H):
    return 4 * (D * H + H)


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count is right for one block. How many blocks of that size does an LSTM "
    "have?",
)
def count_of_one_block(D, H):
    return D * H + H * H + H


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count is right for a cell with the two sizes exchanged. What does U "
    "multiply, and so how large is it?",
)
def count_with_sizes_exchanged(D, H):
    return 4 * (D * H + D * D + D)


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count has one bias for each block. How long is `b`?",
)
def count_with_one_bias_a_block(D, H):
    return 4 * (D * H + H * H + 1)


@misconception(
    "lstm_parameter_count",
    "sec-parameter-count",
    "Your count has three blocks. Three are gates; what else has weights of its own?",
)
def count_of_three_blocks(D, H):
    return 3 * (D * H + H * H + H)


# ---- units: the right rows, of which each mistake changes one or two ------------

COUNTER = dict(inputs=2, i=[2, 2, -3], f=[0, 0, 1], g=[0, 0, 1])
LATCH = dict(inputs=2, i=[2, 0, -1], f=[-2, -2, 1], g=[0, 0, 1])
RULE = dict(inputs=3, i=[0, 2, 0, -1], f=[0, 2, 0, 1], g=[1, 0, 0, 0], o=[0, 0, 2, -1])


def like(right, **rows):
    """W, U, b with some rows changed; all are given as multiples of STRONG."""
    rows = right | rows
    inputs = rows.pop("inputs")
    return unit(inputs, **{k: [STRONG * w for w in row] for k, row in rows.items()})


# ---- counter_unit --------------------------------------------------------------


@misconception(
    "counter_unit",
    "sec-hand-set-unit",
    "Your unit counts the ones of x1, whatever x2 is. Which pairs of inputs should "
    "open the input gate?",
)
def counts_first_input():
    return like(COUNTER, i=[2, 0, -1])


@misconception(
    "counter_unit",
    "sec-hand-set-unit",
    "Your unit counts the ones of x2, whatever x1 is. Which pairs of inputs should "
    "open the input gate?",
)
def counts_second_input():
    return like(COUNTER, i=[0, 2, -1])


@misconception(
    "counter_unit",
    "sec-hand-set-unit",
    "Your unit counts a step as soon as one of its inputs is 1. Add up the input "
    "gate's weights and bias for the pair 1, 0: on which side of 0 is the sum?",
)
def counts_either_input():
    return like(COUNTER, i=[2, 2, -1])


@misconception(
    "counter_unit",
    "sec-soft-gates",
    "Your unit counts half a step when only one of its inputs is 1. What is the sum "
    "before the input gate for the pair 1, 0, and what is the sigmoid of it?",
)
def counts_half_for_one_input():
    return like(COUNTER, i=[1, 1, -1])


@misconception(
    "counter_unit",
    "sec-soft-gates",
    "Your unit counts half a step when both of its inputs are 1. What is the sum "
    "before the input gate for the pair 1, 1, and what is the sigmoid of it?",
)
def counts_half_for_the_pair():
    return like(COUNTER, i=[1, 1, -2])


@misconception(
    "counter_unit",
    "sec-hand-set-unit",
    "Your unit counts every step. What is the sum before the input gate when both "
    "inputs are 0?",
)
def counts_every_step():
    return like(COUNTER, i=[0, 0, 1])


@misconception(
    "counter_unit",
    "sec-forget-gate",
    "Your unit holds 1 for one step and then drops it: its forget gate is closed. "
    "Which value of that gate keeps?",
)
def counter_forgets_at_once():
    return like(COUNTER, f=[0, 0, -1])


@misconception(
    "counter_unit",
    "sec-forget-gate",
    "Your unit keeps its count only while it counts, as if the forget gate read what "
    "the input gate reads. Where should it stand at a step that is not counted?",
)
def counter_keeps_only_while_counting():
    return like(COUNTER, f=[2, 2, -3])


@misconception(
    "counter_unit",
    "sec-forget-gate",
    "Your count halves at every step. What is the sum before your forget gate, and "
    "what is the sigmoid of it?",
)
def counter_halves():
    return like(COUNTER, f=[0, 0, 0])


@misconception(
    "counter_unit",
    "sec-forget-gate",
    "Your count fades by a quarter at every step, as it does with a forget bias of "
    "1. How much does a gate of sigmoid(1) keep over five steps?",
)
def counter_forget_bias_of_one():
    return like(COUNTER, f=[0, 0, 1 / STRONG])


@misconception(
    "counter_unit",
    "sec-tanh",
    "Your unit adds 0.76 where it should add 1. What does `tanh` make of the 1 that "
    "your candidate offers?",
)
def counter_offers_tanh_of_one():
    return like(COUNTER, g=[0, 0, 1 / STRONG])


@misconception(
    "counter_unit",
    "sec-hand-set-unit",
    "Your `c` is 0 at every step: the candidate offers nothing. What should there "
    "be to add when the input gate opens?",
)
def counter_offers_nothing():
    return like(COUNTER, g=[0, 0, 0])


@misconception(
    "counter_unit",
    "sec-one-product",
    "Your counter does what a right one does with its first two columns exchanged. In "
    "which order does this course keep the columns?",
)
def counter_columns_exchanged():
    return like(COUNTER, i=[0, 0, 1], f=[2, 2, -3])


@misconception(
    "counter_unit",
    "sec-leaky-gates",
    "Your gates are half open: their sums are only 1 or -1. How far from 0 must a "
    "sum be for a gate that leaks less than 1 in 10,000?",
)
def counter_with_soft_gates():
    return like(COUNTER, i=[2 / STRONG, 2 / STRONG, -3 / STRONG], f=[0, 0, 1 / STRONG])


# ---- latch_unit ----------------------------------------------------------------


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "Your latch counts: `c` grows by 1 each time it is set. What must happen to the "
    "old `c` when a 1 is written over it?",
)
def latch_counts():
    return like(LATCH, f=[0, -2, 1])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "Your latch is never cleared. Which gate must react to x2, and in which direction?",
)
def latch_never_cleared():
    return like(LATCH, f=[-2, 0, 1])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "Your latch is set by x2 and cleared by x1. Which row of `W` belongs to which "
    "input?",
)
def latch_signals_exchanged():
    return like(LATCH, i=[0, 2, -1])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "A clear of yours takes 1 away: `c` is the number of sets less the number of "
    "clears. What should a clear leave when the latch was set twice?",
)
def latch_clear_subtracts():
    return like(LATCH, i=[2, 2, -1], f=[0, 0, 1], g=[1, -1, 0])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "A clear of yours writes -1 into the memory. What is `c` to be after a clear, "
    "and which gate decides whether anything is written then?",
)
def latch_clear_writes_minus_one():
    return like(LATCH, i=[2, 2, -1], g=[1, -1, 0])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "Your latch writes at rest, when both inputs are 0. What is the sum before the "
    "input gate then?",
)
def latch_writes_at_rest():
    return like(LATCH, i=[2, -2, 1])


@misconception(
    "latch_unit",
    "sec-forget-gate",
    "Your `c` is 1 at the step that sets it and 0 right after: the forget gate is "
    "closed at rest. Which value of that gate keeps?",
)
def latch_forgets_at_once():
    return like(LATCH, f=[0, 0, -1])


@misconception(
    "latch_unit",
    "sec-forget-gate",
    "Your forget gate opens for x2 and is closed without it. Does a forget gate at 1 "
    "forget or keep?",
)
def latch_forget_gate_reversed():
    return like(LATCH, f=[0, 2, -1])


@misconception(
    "latch_unit",
    "sec-forget-gate",
    "Your forget gate opens for a set and for a clear, and is closed at rest. At which "
    "of the three should the old `c` stay?",
)
def latch_forget_gate_closed_at_rest_only():
    return like(LATCH, f=[2, 2, -1])


@misconception(
    "latch_unit",
    "sec-forget-gate",
    "At rest your `c` halves at every step. What is the sum before the forget gate "
    "when both inputs are 0, and what is the sigmoid of it?",
)
def latch_halves():
    return like(LATCH, f=[-2, -2, 0])


@misconception(
    "latch_unit",
    "sec-forget-gate",
    "At rest your `c` fades by a quarter at every step, as it does with a forget "
    "bias of 1. How much does a gate of sigmoid(1) keep over five steps?",
)
def latch_forget_bias_of_one():
    return like(LATCH, f=[-2, -2, 1 / STRONG])


@misconception(
    "latch_unit",
    "sec-tanh",
    "Your latch holds 0.76 where it should hold 1. What does `tanh` make of the 1 "
    "that your candidate offers?",
)
def latch_offers_tanh_of_one():
    return like(LATCH, g=[0, 0, 1 / STRONG])


@misconception(
    "latch_unit",
    "sec-hand-set-unit",
    "Your `c` is 0 at every step: the candidate offers nothing. What should there "
    "be to write when the input gate opens?",
)
def latch_offers_nothing():
    return like(LATCH, g=[0, 0, 0])


@misconception(
    "latch_unit",
    "sec-one-product",
    "Your latch does what a right one does with its first two columns exchanged. In "
    "which order does this course keep the columns?",
)
def latch_columns_exchanged():
    return like(LATCH, i=[-2, -2, 1], f=[2, 0, -1])


# ---- rule_unit -----------------------------------------------------------------


@misconception(
    "rule_unit",
    "sec-tanh",
    "Your unit adds 0.76 for an x1 of 1. What does `tanh` make of 1, and how large "
    "must its argument be for the answer to be almost 1?",
)
def rule_writes_tanh_of_one():
    return like(RULE, g=[1 / STRONG, 0, 0, 0])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your `c` is 0 at every step: the candidate offers nothing. Which input should "
    "it read?",
)
def rule_offers_nothing():
    return like(RULE, g=[0, 0, 0, 0])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your unit writes 1 when x1 is 0: the candidate has a bias. What should it offer "
    "at x1 = 0?",
)
def rule_bias_on_the_candidate():
    return like(RULE, g=[2, 0, 0, 1])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your unit writes at x2 = 0 too. On which side of 0 is the sum before the input "
    "gate at x2 = 0?",
)
def rule_writes_at_zero():
    return like(RULE, i=[0, 2, 0, 1])


@misconception(
    "rule_unit",
    "sec-soft-gates",
    "At x2 = 0 your unit writes half of x1. What is the sigmoid of 0, and what does "
    "the bias of the input gate do about it?",
)
def rule_writes_half_at_zero():
    return like(RULE, i=[0, 2, 0, 0])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your input gate opens for x1 = 1, whatever x2 is. Which input says that a "
    "value is to be written?",
)
def rule_input_gate_reads_value():
    return like(RULE, i=[2, 0, 0, -1])


@misconception(
    "rule_unit",
    "sec-forget-gate",
    "At x2 = 0 your memory is lost: the forget gate is closed. Where should it "
    "stand when nothing happens?",
)
def rule_forgets_at_zero():
    return like(RULE, f=[0, 2, 0, -1])


@misconception(
    "rule_unit",
    "sec-forget-gate",
    "At x2 = 0 your memory halves. What is the sigmoid of 0, and what does the bias "
    "of the forget gate do about it?",
)
def rule_halves_at_zero():
    return like(RULE, f=[0, 2, 0, 0])


@misconception(
    "rule_unit",
    "sec-forget-gate",
    "At x2 = 0 your memory fades by a quarter, as it does with a forget bias of 1. "
    "How much does a gate of sigmoid(1) keep over five steps?",
)
def rule_forget_bias_of_one():
    return like(RULE, f=[0, 2, 0, 1 / STRONG])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your memory is never cleared. Which gate must react to x2 = -1, and in which "
    "direction?",
)
def rule_never_cleared():
    return like(RULE, f=[0, 0, 0, 1])


@misconception(
    "rule_unit",
    "sec-forget-gate",
    "Your forget gate reads x2 with the wrong sign: a write drops what was there, "
    "and a clear keeps it. At which x2 should the gate close?",
)
def rule_drops_at_a_write():
    return like(RULE, f=[0, -2, 0, 1])


@misconception(
    "rule_unit",
    "sec-forget-gate",
    "Your forget gate opens for x2 = -1 only: a clear keeps the memory, and all else "
    "drops it. Does a forget gate at 1 forget or keep?",
)
def rule_forget_gate_reversed():
    return like(RULE, f=[0, -2, 0, -1])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your `c` is right, but your unit shows it at every step. Which input says when "
    "to show?",
)
def rule_always_shown():
    return like(RULE, o=[0, 0, 0, 1])


@misconception(
    "rule_unit",
    "sec-soft-gates",
    "Your `c` is right, but your `h` is half of `tanh(c)` at every step. What is the "
    "sum before your output gate, and what is the sigmoid of it?",
)
def rule_half_shown():
    return like(RULE, o=[0, 0, 0, 0])


@misconception(
    "rule_unit",
    "sec-soft-gates",
    "Your `c` is right, but at x3 = 0 your unit shows half of `tanh(c)`. What is "
    "the sum before the output gate at x3 = 0, and what could a bias do about it?",
)
def rule_half_shown_at_zero():
    return like(RULE, o=[0, 0, 2, 0])


@misconception(
    "rule_unit",
    "sec-hand-set-unit",
    "Your input and forget gate read x3, and your output gate reads x2. Which of "
    "the two inputs writes and clears?",
)
def rule_controls_exchanged():
    return like(RULE, i=[0, 0, 2, -1], f=[0, 0, 2, 1], o=[0, 2, 0, -1])


@misconception(
    "rule_unit",
    "sec-one-product",
    "Your unit does what a right one does with its first two columns exchanged, those "
    "of i and f. In which order does this course keep the columns?",
)
def rule_first_columns_exchanged():
    return like(RULE, i=[0, 2, 0, 1], f=[0, 2, 0, -1])


@misconception(
    "rule_unit",
    "sec-one-product",
    "Your unit does what a right one does with its last two columns exchanged, those "
    "of g and o. In which order does this course keep the columns?",
)
def rule_last_columns_exchanged():
    return like(RULE, g=[0, 0, 2, -1], o=[1, 0, 0, 0])


@misconception(
    "rule_unit",
    "sec-leaky-gates",
    "Your gates are soft: weights of 10 with biases of 1 or -1. What is each gate "
    "at x2 = 0, and what is left of a memory after five such steps?",
)
def rule_with_soft_gates():
    return like(
        RULE,
        i=[0, 10 / STRONG, 0, -1 / STRONG],
        f=[0, 10 / STRONG, 0, 1 / STRONG],
        o=[0, 0, 10 / STRONG, -1 / STRONG],
    )
