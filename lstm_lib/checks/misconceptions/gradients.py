"""Mistakes on the way back through an LSTM: step, sequence, clipping, decay."""

from types import SimpleNamespace

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.gradients import (
    cell_gradient_norms,
    clip_by_global_norm,
    gates,
    lstm_backward,
    lstm_step_backward,
    states_of,
)

# ---- lstm_step_backward: pieces that a mistake exchanges ----------------------


def total(s):
    """The gradient by the new cell state."""
    return s.dc + s.dh * s.o * (1 - s.shown**2)


def by_gates(s):
    """The gradients by i, f, g and o."""
    return s.total * s.g, s.total * s.c, s.total * s.i, s.dh * s.shown


def slopes(s):
    """The slopes of i, f, g and o, by what went into them."""
    return s.i * (1 - s.i), s.f * (1 - s.f), 1 - s.g**2, s.o * (1 - s.o)


def old_cell(s):
    """The gradient by the old cell state."""
    return s.total * s.f


def of_weights(s):
    """dW, dU and db."""
    return s.x.T @ s.dz, s.h.T @ s.dz, s.dz.sum(axis=0)


def step(
    arguments,
    *,
    total=total,
    by=by_gates,
    slopes=slopes,
    order="ifgo",
    old=old_cell,
    weights=of_weights,
):
    """The right lstm_step_backward, but for the pieces that are given."""
    dh, dc, x, h, c, W, U, b = arguments
    i, f, g, o = gates(x, h, W, U, b)
    new = f * c + i * g
    s = SimpleNamespace(dh=dh, dc=dc, x=x, h=h, c=c, i=i, f=f, g=g, o=o, new=new)
    s.shown = np.tanh(new)
    s.total = total(s)
    blocks = dict(zip("ifgo", (d * slope for d, slope in zip(by(s), slopes(s)))))
    s.dz = np.hstack([blocks[name] for name in order])
    return s.dz @ W.T, s.dz @ U.T, old(s), *weights(s)


# ---- lstm_step_backward: the two ways out of the cell state --------------------


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your gradient by the new `c` comes through `h` alone: the `dc` that you were "
    "given has no part in it. How many places read the new `c`?",
    source="https://github.com/apache/mxnet/issues/4057",
)
def incoming_dc_dropped(dh, dc, *arguments):
    return lstm_step_backward(dh, 0 * dc, *arguments)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your gradient by the new `c` is the `dc` that you were given, and nothing is "
    "added to it. Which output of the step reads the new `c`?",
)
def dh_does_not_reach_the_cell(*arguments):
    return step(arguments, total=lambda s: s.dc)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your gradient by the new `c` is `dc + dh * o`. What stands between `c` and `h` "
    "besides the output gate?",
)
def read_out_slope_missing(*arguments):
    return step(arguments, total=lambda s: s.dc + s.dh * s.o)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your read-out has the slope `1 - c**2`, which is below zero where `c` is large. "
    "Can a curve that rises everywhere have such a slope?",
)
def read_out_slope_of_c_itself(*arguments):
    return step(arguments, total=lambda s: s.dc + s.dh * s.o * (1 - s.new**2))


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your gradient by the new `c` leaves the output gate out: `dc + dh * (1 - "
    "tanh(c)**2)`. How much of the cell does `h` show?",
)
def output_gate_left_out_of_dc(*arguments):
    return step(arguments, total=lambda s: s.dc + s.dh * (1 - s.shown**2))


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your read-out is taken at the `c` that goes into the step. Which `c` does `h` "
    "show, the old one or the new one?",
)
def read_out_of_the_old_cell_state(*arguments):
    def early(s):
        s.shown = np.tanh(s.c)
        return total(s)

    return step(arguments, total=early)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "Your gradient by the output gate is `dh * c`. What multiplies `o` in the equation "
    "for `h`?",
)
def output_gate_times_c_itself(*arguments):
    return step(arguments, by=lambda s: (*by_gates(s)[:3], s.dh * s.new))


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "The `dc` you return is the gradient by the **new** cell state. What does the old "
    "one meet on its way into the step?",
)
def forget_gate_missing_on_dc(*arguments):
    return step(arguments, old=lambda s: s.total)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "The `dc` you return is `f` times the `dc` you were given. Which part of the "
    "gradient by the new `c` is missing there?",
)
def only_incoming_dc_goes_back(*arguments):
    return step(arguments, old=lambda s: s.dc * s.f)


# ---- lstm_step_backward: the gates ---------------------------------------------


def without_slope(name):
    """Slopes with the one of this block left out."""
    place = "ifgo".index(name)
    return lambda s: [1 if k == place else d for k, d in enumerate(slopes(s))]


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "The slope of the sigmoid is missing on the input gate. What lies between the sum "
    "`x @ W + h @ U + b` and `i`?",
)
def slope_missing_on_input_gate(*arguments):
    return step(arguments, slopes=without_slope("i"))


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "The slope of the sigmoid is missing on the forget gate. What lies between the sum "
    "`x @ W + h @ U + b` and `f`?",
)
def slope_missing_on_forget_gate(*arguments):
    return step(arguments, slopes=without_slope("f"))


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "The slope of `tanh` is missing on the candidate. What lies between the sum "
    "`x @ W + h @ U + b` and `g`?",
)
def slope_missing_on_candidate(*arguments):
    return step(arguments, slopes=without_slope("g"))


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "The slope of the sigmoid is missing on the output gate. What lies between the sum "
    "`x @ W + h @ U + b` and `o`?",
)
def slope_missing_on_output_gate(*arguments):
    return step(arguments, slopes=without_slope("o"))


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your gradients by `i`, `f`, `g` and `o` go into the matrix products as they are. "
    "What lies between those products and a gate?",
)
def all_slopes_missing(*arguments):
    return step(arguments, slopes=lambda s: (1, 1, 1, 1))


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your slopes apply the sigmoid or `tanh` a second time, to a gate that has been "
    "through it. Is your slope a formula in the sum `z` or in the gate itself?",
    source="https://github.com/arunmallya/arunmallya.github.io/issues/6",
)
def slopes_squashed_twice(*arguments):
    def twice(s):
        i, f, o = (1 / (1 + np.exp(-gate)) for gate in (s.i, s.f, s.o))
        return i * (1 - i), f * (1 - f), 1 - np.tanh(s.g) ** 2, o * (1 - o)

    return step(arguments, slopes=twice)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your candidate has the slope `g * (1 - g)`. Of which function is that the slope, "
    "and which one made `g`?",
)
def sigmoid_slope_on_candidate(*arguments):
    def wrong(s):
        i, f, _, o = slopes(s)
        return i, f, s.g * (1 - s.g), o

    return step(arguments, slopes=wrong)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your three gates have slopes such as `1 - i**2`. Of which function is that the "
    "slope, and which one made `i`?",
)
def tanh_slope_on_gates(*arguments):
    return step(arguments, slopes=lambda s: [1 - a**2 for a in (s.i, s.f, s.g, s.o)])


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your gradient by the forget gate is the gradient by the new `c` times the new "
    "`c`. What does `f` multiply in the step?",
)
def forget_gate_times_the_new_cell_state(*arguments):
    def wrong(s):
        i, _, g, o = by_gates(s)
        return i, s.total * s.new, g, o

    return step(arguments, by=wrong)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your gradient by the candidate does not see the input gate. If `i` is closed, can "
    "a change of `g` reach the cell?",
)
def input_gate_missing_on_candidate(*arguments):
    def wrong(s):
        i, f, _, o = by_gates(s)
        return i, f, s.total, o

    return step(arguments, by=wrong)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "In the product `i * g` your two gradients are exchanged: the one by `i` holds "
    "`i`, the one by `g` holds `g`. If `g` is 0, can `i` change the cell?",
)
def input_gate_and_candidate_exchanged(*arguments):
    def wrong(s):
        g, f, i, o = by_gates(s)
        return i, f, g, o

    return step(arguments, by=wrong)


# ---- lstm_step_backward: the blocks and the products ---------------------------


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your four blocks stand in the order i, f, o, g. In which order do the columns of "
    "`W`, `U` and `b` stand?",
)
def blocks_put_together_as_ifog(*arguments):
    return step(arguments, order="ifog")


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your four blocks stand in the order f, i, g, o, as equations are often written. "
    "In which order do the columns of `W`, `U` and `b` stand?",
)
def blocks_put_together_as_figo(*arguments):
    return step(arguments, order="figo")


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your four blocks stand in the order i, o, f, g of the ONNX format. In which order "
    "do the columns of `W`, `U` and `b` stand?",
)
def blocks_put_together_as_iofg(*arguments):
    return step(arguments, order="iofg")


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your `dW`, `dU` and `db` keep one gradient for each example. All examples use the "
    "same weights: what becomes of their gradients?",
)
def gradients_of_each_example(*arguments):
    def kept_apart(s):
        of_W, of_U = (a[:, :, None] * s.dz[:, None, :] for a in (s.x, s.h))
        return of_W, of_U, s.dz

    return step(arguments, weights=kept_apart)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your `dW`, `dU` and `db` are divided by the number of examples. Where in this "
    "task is the loss a mean?",
    right_on=("one example",),
)
def gradients_averaged_over_batch(*arguments):
    return step(arguments, weights=lambda s: [d / len(s.x) for d in of_weights(s)])


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your `db` is a mean over the examples, while your `dW` and `dU` are sums. Does "
    "the bias belong to fewer examples than the weights?",
    right_on=("one example",),
)
def bias_gradient_averaged_over_batch(*arguments):
    def mean(s):
        dW, dU, db = of_weights(s)
        return dW, dU, db / len(s.x)

    return step(arguments, weights=mean)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your `dU` is built with the `h` that comes out of the step. Which `h` does `U` "
    "multiply?",
)
def recurrent_weights_meet_the_new_h(*arguments):
    def late(s):
        dW, _, db = of_weights(s)
        return dW, (s.o * s.shown).T @ s.dz, db

    return step(arguments, weights=late)


@misconception(
    "lstm_step_backward",
    "sec-step-backward",
    "Your `dW` and `dU` are turned: one row for each column of `W`, as PyTorch keeps "
    "its weights. Which shape must the gradient by an array have?",
)
def weight_gradients_transposed(*arguments):
    def turned(s):
        dW, dU, db = of_weights(s)
        return dW.T, dU.T, db

    return step(arguments, weights=turned)


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "The `dh` you return still holds the `dh` that you were given. Is there a path "
    "from the old `h` to the new one around the four blocks?",
)
def dh_added_to_dh(dh, *arguments):
    dx, back, *rest = lstm_step_backward(dh, *arguments)
    return dx, back + dh, *rest


@misconception(
    "lstm_step_backward",
    "sec-two-consumers",
    "All six values are right, but you return `dc` before `dh`. In which order does "
    "the task ask for them?",
)
def dh_and_dc_exchanged(*arguments):
    dx, dh, dc, *rest = lstm_step_backward(*arguments)
    return dx, dc, dh, *rest


# ---- lstm_backward -------------------------------------------------------------


def walk(arguments, step_backward, *, order=None, states=None, seen=None, kept=None):
    """The loop of lstm_backward, but for the pieces that are given.

    order: the steps, as they are visited; states: of each step, before it.
    seen: carried dh, dc -> what the step is given of them. kept: carried and
    returned pairs -> the pair that is carried on. Returns dx in order of time,
    the last pair carried, and dW, dU and db of every turn.
    """
    dy, x, *start = arguments
    h, c, *weights = start
    states = states or states_of(x, *start)
    dx, grads, carried = [None] * len(x), [], (np.zeros_like(h), np.zeros_like(c))
    for t in order or reversed(range(len(x))):
        dh, dc = seen(*carried) if seen else carried
        dx[t], dh, dc, *grad = step_backward(dy[t] + dh, dc, x[t], *states[t], *weights)
        carried = kept(carried, (dh, dc)) if kept else (dh, dc)
        grads.append(grad)
    return np.stack(dx), *carried, grads


def summed(walked):
    """The answer of lstm_backward, from what walk returns."""
    *first, grads = walked
    return *first, *(sum(parts) for parts in zip(*grads))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Only the last step of `dy` has entered. Which steps of the sequence does the loss "
    "read?",
)
def loss_at_the_last_step_only(dy, *rest, step_backward=lstm_step_backward):
    last = np.zeros_like(dy)
    last[-1] = dy[-1]
    return lstm_backward(last, *rest, step_backward=step_backward)


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "You carry `dc` back from step to step, but not `dh`. Who reads `h[t]` besides the "
    "loss?",
)
def dh_not_carried_back(*arguments, step_backward=lstm_step_backward):
    return summed(walk(arguments, step_backward, seen=lambda dh, dc: (0 * dh, dc)))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "You carry `dh` back from step to step, but not `dc`. Along which of the two "
    "states does an LSTM remember?",
)
def dc_not_carried_back(*arguments, step_backward=lstm_step_backward):
    return summed(walk(arguments, step_backward, seen=lambda dh, dc: (dh, 0 * dc)))


@misconception(
    "lstm_backward",
    "sec-truncated-bptt",
    "Nothing goes back from a step to the step before: each of yours knows only its "
    "own `dy[t]`. What should step t receive from step t + 1?",
    source="https://github.com/CaptainE/RNN-LSTM-in-numpy/issues/1",
)
def cut_after_every_step(*arguments, step_backward=lstm_step_backward):
    return summed(walk(arguments, step_backward, seen=lambda dh, dc: (0 * dh, 0 * dc)))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "You add what a step returns to the `dh` and `dc` that it received. Once a step "
    "has used what it received, is it still to be handed on?",
)
def carried_gradients_pile_up(*arguments, step_backward=lstm_step_backward):
    def kept(carried, returned):
        return carried[0] + returned[0], carried[1] + returned[1]

    return summed(walk(arguments, step_backward, kept=kept))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Your `dW`, `dU` and `db` are those of the first time step alone. How many steps "
    "use these weights?",
)
def gradients_overwritten_at_each_step(*arguments, step_backward=lstm_step_backward):
    *first, grads = walk(arguments, step_backward)
    return *first, *grads[-1]


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Your `dW`, `dU` and `db` are divided by the number of steps. Where in this task "
    "is the loss a mean?",
)
def step_gradients_averaged_over_time(*arguments, step_backward=lstm_step_backward):
    answer = lstm_backward(*arguments, step_backward=step_backward)
    return *answer[:3], *(grad / len(arguments[0]) for grad in answer[3:])


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "You visit the steps in the order of the forward pass. Which step must be done "
    "before step t can know all of its `dh`?",
)
def gradients_carried_forward_in_time(*arguments, step_backward=lstm_step_backward):
    order = range(len(arguments[0]))
    return summed(walk(arguments, step_backward, order=order))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Your `dx` has the last time step first. In which order did you collect it, and in "
    "which order is `x`?",
)
def dx_in_the_order_of_the_loop(*arguments, step_backward=lstm_step_backward):
    dx, *rest = lstm_backward(*arguments, step_backward=step_backward)
    return dx[::-1], *rest


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Each of your backward steps gets the states **after** its step. Which states went "
    "into it?",
)
def states_one_step_late(*arguments, step_backward=lstm_step_backward):
    states = states_of(*arguments[1:])[1:]
    return summed(walk(arguments, step_backward, states=states))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Every backward step of yours gets the first `h` and `c`. Which states did the "
    "forward pass have when it came to step t?",
)
def first_states_at_every_step(*arguments, step_backward=lstm_step_backward):
    states = [arguments[2:4]] * len(arguments[0])
    return summed(walk(arguments, step_backward, states=states))


@misconception(
    "lstm_backward",
    "sec-sequence-backward",
    "Your forward pass starts from zeros. Where do the `h` and `c` that the caller "
    "passes in come into it?",
)
def forward_pass_from_zeros(dy, x, h, c, *weights, step_backward=lstm_step_backward):
    return lstm_backward(dy, x, 0 * h, 0 * c, *weights, step_backward=step_backward)


# ---- clip_by_global_norm -------------------------------------------------------

# Cases on which a mistake makes no difference: a call tries one branch of the `if`.
BELOW = ("below the limit", "a limit above the norm", "zeros only")
ABOVE = (
    "above the limit",
    "one large array",
    "float32 numbers",
    "many arrays",
    "huge numbers",
    "a small limit",
    "two arrays",
    "equal norms",
    "small numbers",
)


def scaled(gradients, limit, norm):
    """All arrays by one factor, from a norm that may be a wrong one."""
    factor = limit / norm if norm > limit else 1.0
    return tuple(factor * array for array in gradients)


def norms_of(gradients):
    """The norm of each array."""
    return [np.sqrt(np.sum(np.square(array))) for array in gradients]


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "You clip each array on its own. What does that do to the direction of the step, "
    "when one array is scaled and another is not?",
    source="https://github.com/carpedm20/MemN2N-tensorflow/issues/19",
    right_on=BELOW,
)
def each_array_clipped_alone(gradients, limit):
    return tuple(clip_by_global_norm([array], limit)[0] for array in gradients)


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "You clip every number to plus or minus the limit. Does a step that is clipped so "
    "still point the same way?",
    source="https://github.com/Happy-Algorithms-League/hal-cgp/pull/210",
    right_on=BELOW,
)
def every_number_clipped(gradients, limit):
    return tuple(np.clip(array, -limit, limit) for array in gradients)


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "Your norm is the sum of all squares. How long is an arrow with the sides 3 and 4?",
    right_on=("zeros only",),
)
def squared_norm(gradients, limit):
    return scaled(gradients, limit, sum(norm**2 for norm in norms_of(gradients)))


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "Your global norm adds up the norms of the arrays. How long is an arrow with the "
    "sides 3 and 4?",
    right_on=("zeros only",),
)
def sum_of_norms(gradients, limit):
    return scaled(gradients, limit, sum(norms_of(gradients)))


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "Your factor comes from the largest of the arrays' norms. What do the other arrays "
    "add to the length of the whole?",
    right_on=BELOW,
)
def largest_of_the_norms(gradients, limit):
    return scaled(gradients, limit, max(norms_of(gradients)))


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "Where the norm is too large you scale it to 1. To which length does the task ask "
    "you to scale?",
    right_on=BELOW,
)
def scaled_to_length_one(gradients, limit):
    norm = np.linalg.norm(norms_of(gradients))
    return tuple(array / norm if norm > limit else array for array in gradients)


@misconception(
    "clip_by_global_norm",
    "sec-clipping",
    "You scale always, so that a small gradient becomes a large one, and zeros become "
    "NaN. When is there something to clip?",
    right_on=ABOVE,
)
def always_scaled(gradients, limit):
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = limit / np.linalg.norm(norms_of(gradients))
        return tuple(factor * array for array in gradients)


# ---- cell_gradient_norms -------------------------------------------------------


def norms_with(arguments, step_backward, *, entry=None, carry=None):
    """cell_gradient_norms, but for the pieces that are given.

    entry: (dh, dc, through_h) at one c -> the norm. carry: dh, dc -> what the
    step before receives.
    """
    dh, x, h, c, *weights = arguments
    states, dc, norms = states_of(x, h, c, *weights), np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], *weights)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(entry(dh, dc, through_h))
        _, dh, dc, *_ = step_backward(dh, dc, x[t], *states[t], *weights)
        dh, dc = carry(dh, dc) if carry else (dh, dc)
    norms.append(entry(dh, dc, np.zeros_like(dc)))
    return np.array(norms[::-1])


def norm_of_both(dh, dc, through_h):
    """The norm of the whole gradient by one c."""
    return np.linalg.norm(dc + through_h)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your gradient goes back along the cell state alone, times `f` at each step. Who "
    "else reads `c[t]`, and hands it to all gates of the next step?",
)
def along_the_cell_state_alone(*arguments, step_backward=lstm_step_backward):
    def carry(dh, dc):
        return 0 * dh, dc

    return norms_with(arguments, step_backward, entry=norm_of_both, carry=carry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your gradient goes back through `h` alone: the `dc` of one step does not reach "
    "the step before. Where is the direct path from `c[t]` to `c[t + 1]`?",
)
def through_the_hidden_state_alone(*arguments, step_backward=lstm_step_backward):
    def carry(dh, dc):
        return dh, 0 * dc

    return norms_with(arguments, step_backward, entry=norm_of_both, carry=carry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your entries are the norms of the `dc` that the steps return. Does the loss hear "
    "of `c[t]` only through the next cell state?",
)
def read_out_of_each_cell_state_missing(*arguments, step_backward=lstm_step_backward):
    def entry(dh, dc, through_h):
        return np.linalg.norm(dc)

    return norms_with(arguments, step_backward, entry=entry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "You add the part through `h[t]`, and hand the sum on as `dc` to a step that adds "
    "the same part again. What do `dh` and `dc` mean to a backward step?",
)
def read_out_counted_twice(*arguments, step_backward=lstm_step_backward):
    dh, x, h, c, *weights = arguments
    states, dc, norms = states_of(x, h, c, *weights), np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], *weights)[3]
        dc = dc + dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm(dc))
        _, dh, dc, *_ = step_backward(dh, dc, x[t], *states[t], *weights)
    return np.array([*norms, np.linalg.norm(dc)][::-1])


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your entries are the norms of the gradient by the hidden states. Which state does "
    "the task ask about?",
)
def norms_by_the_hidden_state(*arguments, step_backward=lstm_step_backward):
    def entry(dh, dc, through_h):
        return np.linalg.norm(dh)

    return norms_with(arguments, step_backward, entry=entry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your answer has T entries: the last cell state is not among them. How many cell "
    "states does a sequence of T steps have, with the first one?",
)
def last_cell_state_missing(*arguments, step_backward=lstm_step_backward):
    return cell_gradient_norms(*arguments, step_backward=step_backward)[:-1]


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your answer has T entries: the cell state before the first step is not among "
    "them. How many cell states does a sequence of T steps have, with the first one?",
)
def first_cell_state_missing(*arguments, step_backward=lstm_step_backward):
    return cell_gradient_norms(*arguments, step_backward=step_backward)[1:]


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your numbers are right, with the last time step first. At which end of the answer "
    "does the entry for t = 0 belong?",
)
def norms_in_the_order_of_the_loop(*arguments, step_backward=lstm_step_backward):
    return cell_gradient_norms(*arguments, step_backward=step_backward)[::-1]


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your norms are divided by the last of them. Does the task ask for the norms, or "
    "for how they compare with lag 0?",
)
def norms_relative_to_the_last(*arguments, step_backward=lstm_step_backward):
    norms = cell_gradient_norms(*arguments, step_backward=step_backward)
    return norms / norms[-1]


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your entries are sums of squares. What is still to be done to make a norm of such "
    "a sum?",
)
def squares_instead_of_norms(*arguments, step_backward=lstm_step_backward):
    return cell_gradient_norms(*arguments, step_backward=step_backward) ** 2


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your answer has a row for each time and a column for each example. Over what does "
    "the task take the norm?",
)
def norm_of_each_example(*arguments, step_backward=lstm_step_backward):
    def entry(dh, dc, through_h):
        return np.linalg.norm(dc + through_h, axis=1)

    return norms_with(arguments, step_backward, entry=entry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "You add `dh` at every step. Which hidden states does this loss read?",
)
def loss_at_every_step(dh, *rest, step_backward=lstm_step_backward):
    def carry(back, dc):
        return back + dh, dc

    return norms_with((dh, *rest), step_backward, entry=norm_of_both, carry=carry)


@misconception(
    "cell_gradient_norms",
    "sec-product-of-forget-gates",
    "Your last entry is the norm of `dh` itself, as if the loss read `c[T]`. What "
    "stands between the last cell state and the last `h`?",
)
def loss_on_the_cell_state(dh, x, h, c, *weights, step_backward=lstm_step_backward):
    states, dc, dh, norms = states_of(x, h, c, *weights), dh, 0 * dh, []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], *weights)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm(dc + through_h))
        _, dh, dc, *_ = step_backward(dh, dc, x[t], *states[t], *weights)
    return np.array([*norms, np.linalg.norm(dc)][::-1])
