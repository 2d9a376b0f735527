"""Mistakes: Looking inside a trained layer: units that follow a feature, ablation."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.inspection import UP, correlations, lstm_without_unit
from lstm_lib.checks.references.lstm import lstm_forward, lstm_step

# ---- best_unit --------------------------------------------------------------


@misconception(
    "best_unit",
    "sec-counting-cell",
    "You take the largest correlation, sign and all. What does a cell do that counts "
    "downwards, and can a network not read it as well?",
    right_on=(UP,),
)
def largest_correlation_with_its_sign(c, feature):
    r = correlations(c, feature)
    return r.argmax(), r.max()


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Your unit is right, but your correlation has lost its sign. Does this unit rise "
    "or fall with the feature?",
    right_on=(UP,),
)
def sign_of_the_correlation_lost(c, feature):
    r = correlations(c, feature)
    return np.abs(r).argmax(), np.abs(r).max()


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Your unit is right, and your number is the square of its correlation. What does "
    "a square not tell?",
)
def correlation_squared(c, feature):
    r = correlations(c, feature)
    return np.abs(r).argmax(), np.max(r**2)


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Your number is a covariance, so the unit with the widest swing wins. What must a "
    "covariance be divided by, so that doubling a unit changes nothing?",
)
def covariance_for_correlation(c, feature):
    centred = c - c.mean(axis=(0, 1))
    shared = np.einsum("tnh,tn->h", centred, feature - feature.mean()) / feature.size
    unit = np.abs(shared).argmax()
    return unit, shared[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "You have not taken the means away, so a unit that only *stands* at a large value "
    "seems to follow the feature. What would your number be for a unit that never "
    "moves?",
)
def means_not_taken_away(c, feature):
    shared = np.einsum("tnh,tn->h", c, feature)
    r = shared / np.sqrt((c**2).sum(axis=(0, 1)) * (feature**2).sum())
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "You average over the examples first and correlate two mean curves. What is left "
    "of two examples of which one opens a bracket where the other closes it?",
)
def correlation_of_mean_curves(c, feature):
    r = correlations(c.mean(axis=1, keepdims=True), feature.mean(axis=1)[:, None])
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Your number is the mean of one correlation for each example. Whose mean is taken "
    "away when all steps of all examples are one long list of pairs?",
)
def mean_of_correlations(c, feature):
    each = [correlations(c[:, [n]], feature[:, [n]]) for n in range(c.shape[1])]
    r = np.mean(each, axis=0)
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Only the first example has entered your correlation. Which axis of `c` holds the "
    "examples?",
)
def first_example_alone(c, feature):
    r = correlations(c[:, :1], feature[:, :1])
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Only the last time step has entered your correlation. At which steps does the "
    "feature have a value?",
)
def last_step_alone(c, feature):
    r = correlations(c[-1:], feature[-1:])
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "You compare each state with the feature of the step *after* it. `c[t]` is the "
    "state after reading step t: which `feature` belongs to it?",
)
def feature_one_step_late(c, feature):
    r = correlations(c[:-1], feature[1:])
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "You take the unit that moves most, whatever it follows. Does the size of a swing "
    "say what it goes along with?",
)
def unit_that_moves_most(c, feature):
    unit = c.std(axis=(0, 1)).argmax()
    return unit, correlations(c, feature)[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "A unit that never moves has a standard deviation of 0, and 0 / 0 is NaN, which "
    "`argmax` then takes for the largest. How well does such a unit follow anything?",
    right_on=(
        UP,
        "eight units",
        "more examples",
        "float32 numbers",
        "a longer sequence",
        "many units",
    ),
)
def still_unit_wins(c, feature):
    c = c - c.mean(axis=(0, 1))
    feature = feature - feature.mean()
    shared = np.einsum("tnh,tn->h", c, feature)
    still = np.ptp(c, axis=(0, 1)) == 0
    size = np.sqrt((c**2).sum(axis=(0, 1)) * (feature**2).sum())
    r = np.where(still, np.nan, shared / np.where(still, 1, size))
    unit = np.abs(r).argmax()
    return unit, r[unit]


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Both values are right, in the wrong order: you return the correlation first. "
    "Which one does the task ask for first?",
)
def correlation_returned_first(c, feature):
    r = correlations(c, feature)
    unit = np.abs(r).argmax()
    return r[unit], unit


@misconception(
    "best_unit",
    "sec-counting-cell",
    "Your units are counted from 1. Which unit is `c[:, :, 0]`?",
)
def units_counted_from_one(c, feature):
    r = correlations(c, feature)
    unit = np.abs(r).argmax()
    return unit + 1, r[unit]


# ---- lstm_without_unit ------------------------------------------------------


def heard(h, unit):
    """1 for each unit that is heard, 0 for the one that is not."""
    return np.arange(h.shape[1]) != unit


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "The unit is silent in your `y`, but the next step still hears it. Who reads `h` "
    "beside the layer that comes after?",
)
def silent_in_y_alone(x, h, c, W, U, b, unit):
    y, _ = lstm_forward(x, h, c, W, U, b)
    return y * heard(h, unit)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "The next step does not hear the unit, but your `y` still shows it. Who reads `y`?",
)
def silent_in_the_recurrence_alone(x, h, c, W, U, b, unit):
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h * heard(h, unit), c, W, U, b)
        y.append(h)
    return np.stack(y)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "From the second step on all is right. What does the first step hear of the unit, "
    "when the caller passes an `h` that is not zero?",
)
def first_hidden_state_still_heard(x, h, c, W, U, b, unit):
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        h = h * heard(h, unit)
        y.append(h)
    return np.stack(y)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You empty the unit's cell before each step, and the unit still shows what it "
    "writes there. Which of the two states did the task ask to silence?",
)
def cell_state_emptied_instead(x, h, c, W, U, b, unit):
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c * heard(c, unit), W, U, b)
        y.append(h)
    return np.stack(y)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You count the units from 1. Which unit is `h[:, 0]`?",
)
def unit_before_silenced(x, h, c, W, U, b, unit):
    return lstm_without_unit(x, h, c, W, U, b, unit - 1)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You silence one *example*, with all its units. Which axis of `h` (N, H) counts "
    "the units?",
)
def example_silenced_instead(x, h, c, W, U, b, unit):
    rows = (np.arange(len(h)) != unit)[:, None]
    y, h = [], h * rows
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        h = h * rows
        y.append(h)
    return np.stack(y)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You take away one feature of the *input*: a row of `W`. Which matrix carries what "
    "one unit says to the others?",
)
def input_feature_silenced(x, h, c, W, U, b, unit):
    W[unit] = 0
    return lstm_forward(x, h, c, W, U, b)[0]


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You set a *column* of `U` to 0, which takes away what one unit hears in one of "
    "its gates. Which axis of `U` belongs to the unit that speaks?",
)
def column_of_U_for_row(x, h, c, W, U, b, unit):
    U[:, unit] = 0
    return lstm_forward(x, h, c, W, U, b)[0] * heard(h, unit)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You silence the unit at the last step alone. At how many steps is it heard?",
)
def silent_at_the_last_step_alone(x, h, c, W, U, b, unit):
    y, _ = lstm_forward(x, h, c, W, U, b)
    y[-1] *= heard(h, unit)
    return y


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You silence every unit *but* this one. Which factor does the unit that goes get, "
    "and which one do the others?",
)
def all_others_silenced(x, h, c, W, U, b, unit):
    y, h = [], h * ~heard(h, unit)
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        h = h * ~heard(h, unit)
        y.append(h)
    return np.stack(y)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "The unit has left your `y`, which has H - 1 columns. With what value does the "
    "next layer read a unit that says nothing?",
)
def unit_removed_from_y(x, h, c, W, U, b, unit):
    return np.delete(lstm_without_unit(x, h, c, W, U, b, unit), unit, axis=2)


@misconception(
    "lstm_without_unit",
    "sec-ablation",
    "You silence the unit at every step, and give back the last hidden state alone. "
    "How many time steps has `y`?",
)
def last_state_without_unit(x, h, c, W, U, b, unit):
    return lstm_without_unit(x, h, c, W, U, b, unit)[-1]
