"""Mistakes in variants of the LSTM: what sees which state, and what keeps."""

import numpy as np

from lstm_lib.cells import sigmoid
from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.variants import (
    coupled_step,
    gru_convention,
    peephole_step,
)

# ---- peephole_step: which gate sees which cell state ---------------------------


def with_peepholes(x, h, c, W, U, b, p, *, early=None, late=None):
    """The step with other sums before i and f (early), or with another o (late)."""
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    early = early or (lambda i, f: (sigmoid(i + p[0] * c), sigmoid(f + p[1] * c)))
    late = late or (lambda o, new: sigmoid(o + p[2] * new))
    i, f = early(i, f)
    new = f * c + i * np.tanh(g)
    return late(o, new) * np.tanh(new), new


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your `c` is right, but your output gate sees the cell state of the step before. "
    "Which `c` does the output gate let out, and so which one should it look at?",
    source="https://github.com/KimUyen/ConvLSTM-Pytorch/issues/1",
)
def output_peephole_on_old_cell(x, h, c, W, U, b, p):
    return with_peepholes(
        x, h, c, W, U, b, p, late=lambda o, new: sigmoid(o + p[2] * c)
    )


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your answer is that of a plain LSTM. Which of the arguments have you not used?",
)
def peepholes_unused(x, h, c, W, U, b, p):
    return peephole_step(x, h, c, W, U, b, 0 * p)


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your input and forget gate see the cell state, and your output gate does not. "
    "What is the third row of `p` for?",
)
def output_peephole_missing(x, h, c, W, U, b, p):
    return peephole_step(x, h, c, W, U, b, p * [[1], [1], [0]])


@misconception(
    "peephole_step",
    "sec-peephole",
    "Only your output gate sees the cell state. Which two gates decide about the "
    "**old** cell state, and what would they like to know of it?",
)
def only_the_output_gate_peeps(x, h, c, W, U, b, p):
    return peephole_step(x, h, c, W, U, b, p * [[0], [0], [1]])


@misconception(
    "peephole_step",
    "sec-peephole",
    "You read the rows of `p` as forget, input, output. In which order do the gates "
    "stand in `W`, and so in `p`?",
)
def peepholes_of_i_and_f_exchanged(x, h, c, W, U, b, p):
    return peephole_step(x, h, c, W, U, b, p[[1, 0, 2]])


@misconception(
    "peephole_step",
    "sec-peephole",
    "The third row of your `p` acts on the candidate. Is the candidate a gate, and "
    "which gate is now left without a peephole?",
)
def candidate_peeps(x, h, c, W, U, b, p):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    new = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g + p[2] * c)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your output gate gets its peephole *after* the sigmoid, so it can leave the "
    "range from 0 to 1. Where does all that a gate sees have to be added up?",
    source="https://github.com/Lasagne/Lasagne/issues/448",
)
def output_peephole_after_the_sigmoid(x, h, c, W, U, b, p):
    return with_peepholes(
        x, h, c, W, U, b, p, late=lambda o, new: sigmoid(o) + p[2] * new
    )


@misconception(
    "peephole_step",
    "sec-peephole",
    "Each gate of yours sees the sum over the cell states of *all* units. How many "
    "weights has one unit's peephole, and which cell state do they belong to?",
)
def peephole_to_every_unit(x, h, c, W, U, b, p):
    def seen(row, state):
        return (p[row] * state).sum(axis=1, keepdims=True)

    return with_peepholes(
        x, h, c, W, U, b, p,
        early=lambda i, f: (sigmoid(i + seen(0, c)), sigmoid(f + seen(1, c))),
        late=lambda o, new: sigmoid(o + seen(2, new)),
    )  # fmt: skip


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your peepholes look at `h`. The gates see that one already, through `U`: which "
    "state can they not see, when the output gate is closed?",
)
def peepholes_on_hidden_state(x, h, c, W, U, b, p):
    return with_peepholes(
        x, h, c, W, U, b, p,
        early=lambda i, f: (sigmoid(i + p[0] * h), sigmoid(f + p[1] * h)),
        late=lambda o, new: sigmoid(o + p[2] * h),
    )  # fmt: skip


@misconception(
    "peephole_step",
    "sec-peephole",
    "Your peepholes look at `tanh(c)`. For a gate that is to open when a count "
    "reaches 20, what is the difference between `tanh(19)` and `tanh(20)`?",
)
def peepholes_on_tanh_of_cell(x, h, c, W, U, b, p):
    return with_peepholes(
        x, h, c, W, U, b, p,
        early=lambda i, f: tuple(
            sigmoid(z + row * np.tanh(c)) for z, row in zip((i, f), p)
        ),
        late=lambda o, new: sigmoid(o + p[2] * np.tanh(new)),
    )  # fmt: skip


# ---- coupled_step: one gate for two jobs ---------------------------------------


def coupled_blocks(x, h, W, U, b):
    """f, g, o before their activations."""
    return np.split(x @ W + h @ U + b, 3, axis=1)


@misconception(
    "coupled_step",
    "sec-coupled",
    "Your input gate *equals* your forget gate: `f * c + f * g`. If a unit keeps "
    "everything, how much should it write then?",
)
def input_gate_equals_forget_gate(x, h, c, *parameters):
    f, g, o = coupled_blocks(x, h, *parameters)
    new = sigmoid(f) * c + sigmoid(f) * np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "coupled_step",
    "sec-coupled",
    "Your gate lets the candidate in and takes itself off the old state: "
    "`(1 - f) * c + f * g`. What does a forget gate of 1 do in this course?",
)
def coupled_gate_lets_in(x, h, c, *parameters):
    f, g, o = coupled_blocks(x, h, *parameters)
    new = sigmoid(-f) * c + sigmoid(f) * np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "coupled_step",
    "sec-coupled",
    "You write the candidate whole: `f * c + g`. What has become of the room that "
    "the forget gate makes?",
)
def coupled_candidate_written_whole(x, h, c, *parameters):
    f, g, o = coupled_blocks(x, h, *parameters)
    new = sigmoid(f) * c + np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "coupled_step",
    "sec-coupled",
    "You subtract from 1 *inside* the sigmoid: `sigmoid(1 - z)`. Is that what is "
    "left of `sigmoid(z)` up to 1?",
)
def one_minus_inside_the_sigmoid(x, h, c, *parameters):
    f, g, o = coupled_blocks(x, h, *parameters)
    new = sigmoid(f) * c + sigmoid(1 - f) * np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "coupled_step",
    "sec-coupled",
    "You read the second block as the output gate and the third as the candidate. "
    "The blocks are those of the LSTM without the first: in which order?",
)
def coupled_candidate_and_output_exchanged(x, h, c, *parameters):
    f, o, g = coupled_blocks(x, h, *parameters)
    new = sigmoid(f) * c + sigmoid(-f) * np.tanh(g)
    return sigmoid(o) * np.tanh(new), new


@misconception(
    "coupled_step",
    "sec-coupled",
    "Your `c` is right and your `h` is `o * c`, without the `tanh`. Which lines does "
    "coupling change, and is the last one among them?",
)
def coupled_without_tanh_on_output(x, h, c, *parameters):
    _, new = coupled_step(x, h, c, *parameters)
    return sigmoid(coupled_blocks(x, h, *parameters)[2]) * new, new


@misconception(
    "coupled_step",
    "sec-coupled",
    "Your `c` is right, but your `h` shows the cell state of the step before. Which "
    "of the two is written first?",
)
def coupled_output_of_old_cell(x, h, c, *parameters):
    _, new = coupled_step(x, h, c, *parameters)
    return sigmoid(coupled_blocks(x, h, *parameters)[2]) * np.tanh(c), new


# ---- gru_step: what resets, what keeps -----------------------------------------


def gru_parts(x, h, W, U, b):
    """r, z, what x gives to the new value, and U of the new value."""
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    Ur, Uz, Un = np.split(U, 3, axis=1)
    return sigmoid(xr + h @ Ur), sigmoid(xz + h @ Uz), xn, Un


@misconception(
    "gru_step",
    "sec-update-gate-convention",
    "Your update gate lets the new value in: `(1 - z) * h + z * n`. Papers differ "
    "here. In this course, as in PyTorch and Keras, which of the two does `z` keep?",
    source="https://github.com/pytorch/pytorch/issues/20129",
)
def update_gate_lets_in(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * h + z * np.tanh(xn + (r * h) @ Un)


@misconception(
    "gru_step",
    "sec-two-gru-forms",
    "Your reset gate meets the *product*: `r * (h @ Un)`. That is PyTorch's form. In "
    "the published one, what does `r` meet before `Un` does?",
)
def reset_after_the_product(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + r * (h @ Un)) + z * h


@misconception(
    "gru_step",
    "sec-two-gru-forms",
    "Two things differ at once: your reset gate meets the *product*, and your update "
    "gate lets the new value in. Which of the two forms, and which of the two "
    "conventions, does the task ask for?",
)
def reset_after_and_update_lets_in(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * h + z * np.tanh(xn + r * (h @ Un))


@misconception(
    "gru_step",
    "sec-gru",
    "Your reset gate takes away from the input, too: `r * (x @ Wn + h @ Un)`. Which "
    "of the two should a network that starts over still read?",
)
def reset_on_the_input_too(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(r * (xn + h @ Un)) + z * h


@misconception(
    "gru_step",
    "sec-gru",
    "Your new value reads the whole old state. Which of the three blocks have you "
    "not used?",
)
def reset_gate_missing(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + h @ Un) + z * h


@misconception(
    "gru_step",
    "sec-gru",
    "Your reset gate resets when it is 1: the new value reads `(1 - r) * h`. What "
    "does a gate of 1 do to what it multiplies?",
)
def reset_gate_reversed(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + ((1 - r) * h) @ Un) + z * h


@misconception(
    "gru_step",
    "sec-gru",
    "What you keep has met the reset gate, too: `z * (r * h)`. Which gate decides "
    "what is kept, and what is the other one's part?",
)
def reset_state_kept(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + (r * h) @ Un) + z * r * h


@misconception(
    "gru_step",
    "sec-gru",
    "You read the blocks as z, r, n, as Keras and ONNX store them. In which order do "
    "they stand in this course?",
)
def update_block_before_reset(x, h, W, U, b):
    z, r, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + (r * h) @ Un) + z * h


@misconception(
    "gru_step",
    "sec-gru",
    "Your new value is added whole: `n + z * h`. An LSTM has a gate of its own for "
    "what is written: what takes its place here?",
)
def new_value_added_whole(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return np.tanh(xn + (r * h) @ Un) + z * h


@misconception(
    "gru_step",
    "sec-gru",
    "Your answer is only what is written: `(1 - z) * n`. What becomes of the old "
    "state?",
)
def gru_keeps_nothing(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + (r * h) @ Un)


@misconception(
    "gru_step",
    "sec-gru",
    "Your new value went through the sigmoid, so the state can only be pulled "
    "upwards. Which function gives both signs?",
)
def sigmoid_on_new_value(x, h, W, U, b):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * sigmoid(xn + (r * h) @ Un) + z * h


# ---- gru_convention: from "keeps" to "lets in" ---------------------------------


def signs_of(r, z, n):
    """A mistake that multiplies the three blocks by these."""

    def change(W, U, b):
        sign = np.repeat([r, z, n], len(U))
        return W * sign, U * sign, b * sign

    return change


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You changed the sign of *every* column. Do all three blocks belong to the gate "
    "whose meaning changes?",
)
def whole_gru_negated(W, U, b):
    return signs_of(-1, -1, -1)(W, U, b)


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You changed the sign of the first block, which is the reset gate's. In which "
    "order do r, z and n stand?",
)
def reset_block_negated(W, U, b):
    return signs_of(-1, 1, 1)(W, U, b)


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You changed the sign of the last block, that of the new value. Which of the "
    "three is the gate between old and new?",
)
def new_value_block_negated(W, U, b):
    return signs_of(1, 1, -1)(W, U, b)


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "Your `W` and `U` are right, and `b` is as it was. The gate is the sigmoid of a "
    "sum of three terms: how many of them must change?",
)
def bias_of_update_gate_forgotten(W, U, b):
    W, U, _ = gru_convention(W, U, b)
    return W, U, b


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "Your `W` and `b` are right, and `U` is as it was. Does the update gate see "
    "nothing but the input?",
)
def recurrent_part_of_update_gate_forgotten(W, U, b):
    W, _, b = gru_convention(W, U, b)
    return W, U, b


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "Your `b` is right, and `W` and `U` are as they were. A bias is one term of the "
    "gate's sum: what do the other two still say?",
)
def only_the_bias_negated(W, U, b):
    return W, U, gru_convention(W, U, b)[2]


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You took the update gate's *weights* from 1. It is the gate that must be taken "
    "from 1: what does that mean for the sum inside its sigmoid?",
)
def weights_taken_from_one(W, U, b):
    z = np.repeat([0, 1, 0], len(U))
    return tuple(np.where(z, 1 - array, array) for array in (W, U, b))


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You exchanged the columns of `z` and `n`. The two do different things, one a "
    "sigmoid and one a `tanh`: which of them has to change at all?",
)
def update_and_new_value_exchanged(W, U, b):
    def exchanged(array):
        r, z, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, n, z], axis=-1)

    return exchanged(W), exchanged(U), exchanged(b)


@misconception(
    "gru_convention",
    "sec-update-gate-convention",
    "You returned the weights as they were. With those, a gate that kept the old "
    "state now lets the new value in: are the outputs still the same?",
)
def convention_left_alone(W, U, b):
    return W, U, b


# ---- gru_step_after: where the second bias stands ------------------------------


def with_new_value(new_value):
    """A mistake in the new value alone: new_value(r, xn, hn, bn) -> n."""

    def step(x, h, W, U, b, bn):
        r, z, xn, Un = gru_parts(x, h, W, U, b)
        return (1 - z) * new_value(r, xn, h @ Un, bn) + z * h

    return step


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your reset gate still meets `h` *before* the product: `(r * h) @ Un`. That is "
    "the form of the task before. What does it meet in this one?",
    source="https://github.com/tracel-ai/burn/pull/2704",
)
def reset_still_before_the_product(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + (r * h) @ Un + bn) + z * h


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your second bias stands beside the product, where no gate can close it. What "
    "is inside the brackets that the reset gate multiplies?",
)
def second_bias_outside_the_reset(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(xn + r * hn + bn))(
        x, h, W, U, b, bn
    )


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your answer does not change with `bn`. What does the product with `h` add, "
    "when `h` is all zeros?",
)
def second_bias_unused(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(xn + r * hn))(x, h, W, U, b, bn)


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your reset gate meets `bn`, and not the product: `h @ Un + r * bn`. What is a "
    "network that starts over to leave out?",
)
def reset_on_the_second_bias_alone(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(xn + hn + r * bn))(
        x, h, W, U, b, bn
    )


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "You have exchanged the two biases of the new value: the last block of `b` "
    "meets the reset gate, and `bn` does not. Which of them belongs to the product "
    "with `h`?",
)
def biases_of_the_new_value_exchanged(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    inner = b[2 * len(U) :]
    return (1 - z) * np.tanh(xn - inner + bn + r * (h @ Un + inner)) + z * h


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Everything in your new value meets the reset gate, the input too. What should a "
    "network that starts over still read?",
)
def everything_reset_after_the_product(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(r * (xn + hn + bn)))(
        x, h, W, U, b, bn
    )


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your new value reads the whole product, whatever the reset gate says. Which of "
    "the three blocks have you not used?",
)
def no_reset_after_the_product(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(xn + hn + bn))(
        x, h, W, U, b, bn
    )


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your reset gate lets the product through when it is 0: `(1 - r)`. What does a "
    "gate of 1 do to what it multiplies?",
)
def reversed_reset_after_the_product(x, h, W, U, b, bn):
    return with_new_value(lambda r, xn, hn, bn: np.tanh(xn + (1 - r) * (hn + bn)))(
        x, h, W, U, b, bn
    )


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your reset gate acts twice, before the product and after it. In which of the two "
    "places does this form want it?",
)
def reset_before_and_after(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + r * ((r * h) @ Un + bn)) + z * h


@misconception(
    "gru_step_after",
    "sec-update-gate-convention",
    "Your new value is right, and your update gate lets it in: `(1 - z) * h + z * n`. "
    "What does `z` keep in this course?",
)
def update_lets_in_after_the_product(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * h + z * np.tanh(xn + r * (h @ Un + bn))


@misconception(
    "gru_step_after",
    "sec-gru",
    "Your first block is the update gate, as in Keras and ONNX. In which order do r, "
    "z and n stand in this course?",
)
def update_block_first_after_the_product(x, h, W, U, b, bn):
    z, r, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + r * (h @ Un + bn)) + z * h


@misconception(
    "gru_step_after",
    "sec-gru",
    "What you keep has met the reset gate, too: `z * (r * h)`. Which gate decides "
    "about what is kept?",
)
def reset_state_kept_after_the_product(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + r * (h @ Un + bn)) + z * r * h


@misconception(
    "gru_step_after",
    "sec-two-gru-forms",
    "Your answer is that of the published form, and `bn` plays no part. Two things are "
    "different here: where does the reset gate act, and on what?",
)
def published_form_without_second_bias(x, h, W, U, b, bn):
    r, z, xn, Un = gru_parts(x, h, W, U, b)
    return (1 - z) * np.tanh(xn + (r * h) @ Un) + z * h
