"""Mistakes in the gate, the step, the sequence and the count of an LSTM."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.lstm import (
    exact_sigmoid,
    gates,
    lstm_forward,
    lstm_step,
)

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
)
def sigmoid_overflows(z):
    return np.exp(z) / (1 + np.exp(z))


# ---- lstm_step: which gate does what ----------------------------------------


@misconception(
    "lstm_step",
    "sec-forget-gate",
    "Your `c` is exactly what you get when the input gate and the forget gate are "
    "exchanged: `i * c + f * g`. Which of the two should meet the old state?",
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
    "Your gate and its state meet in a matrix product, so that all units are added "
    "into one number. How many gates does a state of H numbers have?",
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


# ---- lstm_step: which squashing function, and on what ------------------------


@misconception(
    "lstm_step",
    "sec-output-equation",
    "Your `c` is right and your `h` is `o * c`. What keeps `h` between -1 and 1 when "
    "`c` has grown?",
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
)
def output_from_old_cell_state(x, h, c, *weights, sigmoid=exact_sigmoid):
    i, f, g, o = gates(x, h, *weights, sigmoid=sigmoid)
    return o * np.tanh(c), f * c + i * g


@misconception(
    "lstm_step",
    "sec-cell-update",
    "Your candidate `g` went through the sigmoid, so it is never negative, and the "
    "cell can only be written upwards. Which function gives both signs?",
)
def sigmoid_on_candidate(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    i, f, g, o = map(sigmoid, np.split(x @ W + h @ U + b, 4, axis=1))
    c = f * c + i * g
    return o * np.tanh(c), c


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


# ---- lstm_forward ------------------------------------------------------------


@misconception(
    "lstm_forward",
    "sec-memory-cell",
    "Every step of yours starts again from the first state. What should step t + 1 "
    "receive from step t?",
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
