"""Mistakes in forecasting: what stands in a window, who has seen the future."""

import numpy as np

from lstm_lib.checks.misconceptions.bank import misconception
from lstm_lib.checks.references.forecasting import (
    BLIND,
    NAIVE,
    mase,
    network,
    roll_out,
    seasonal_naive,
    split_windows,
    standardise,
    windows,
)

# ---- windows: which values stand where -----------------------------------------


def targets_from(shift, series, length, horizon):
    """Windows whose targets begin so many steps after the window's start."""
    starts = np.arange(len(series) - max(length, shift) - horizon + 1)[:, None]
    targets = series[starts + shift + np.arange(horizon)]
    return series[starts + np.arange(length)], targets


@misconception(
    "windows",
    "term-window",
    "Your first target is the *last value of its own window*: what is to be foretold "
    "has been read already. At which index does a window that starts at k end, and "
    "which is the first one after it?",
)
def target_inside_its_window(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs, np.concatenate([inputs[:, -1:], targets[:, :-1]], axis=1)


@misconception(
    "windows",
    "term-window",
    "Your targets begin one step late: between the end of a window and its first "
    "target one value is missing. Does the slice that ends at `k + length` hold the "
    "value at `k + length`?",
)
def targets_one_step_late(series, length, horizon):
    return targets_from(length + 1, series, length, horizon)


@misconception(
    "windows",
    "term-window",
    "The last window is missing. For a window of 3 and a horizon of 2, how many "
    "windows has a series of exactly 5 values, and how many does your `range` give?",
)
def last_window_missing(series, length, horizon):
    return windows(series[:-1], length, horizon)


@misconception(
    "windows",
    "term-window",
    "Each of your windows starts where the one before *ends*. Which starts in between "
    "have you left out, and how many examples does that cost?",
)
def windows_that_do_not_overlap(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs[::length], targets[::length]


@misconception(
    "windows",
    "term-window",
    "Your windows move on by a whole horizon at a time. How far is it from one "
    "start to the next in the task's example?",
)
def windows_a_horizon_apart(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs[::horizon], targets[::horizon]


@misconception(
    "windows",
    "term-window",
    "You give each window one target, the value `horizon` steps after it. What has "
    "become of the steps in between?",
)
def last_step_of_the_horizon_alone(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs, targets[:, -1]


@misconception(
    "windows",
    "term-window",
    "You give each window one target, the next value. How many steps are to be "
    "foretold from it?",
)
def next_value_alone(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs, targets[:, 0]


@misconception(
    "windows",
    "term-window",
    "Your last targets run over the end of the series: a slice there is shorter "
    "than the others, and no table can be made of them. What is the last start at "
    "which a window *and* its targets fit?",
)
def windows_that_run_over_the_end(series, length, horizon):
    starts = range(len(series) - length)
    inputs = np.array([series[k : k + length] for k in starts])
    ends = [k + length for k in starts]
    return inputs, np.array([series[k : k + horizon] for k in ends])


@misconception(
    "windows",
    "term-window",
    "Your targets are the window itself, one step on. That trains a network to say "
    "the next value at every step; what does this task ask for after the *last* one?",
)
def targets_are_the_window_one_step_on(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs, np.concatenate([inputs[:, 1:], targets[:, :1]], axis=1)


@misconception(
    "windows",
    "term-window",
    "Your targets begin where the window begins: they repeat it from its start. "
    "How far is it from the start of a window to its end?",
)
def targets_from_the_start_of_the_window(series, length, horizon):
    return targets_from(0, series, length, horizon)


@misconception(
    "windows",
    "term-window",
    "Inside your windows the newest value comes first. In which direction does a "
    "recurrent network read, and which value should it read last?",
)
def newest_value_first(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs[:, ::-1], targets


@misconception(
    "windows",
    "term-window",
    "Your windows are columns. Rows are examples in this course: which axis counts "
    "the windows?",
)
def windows_as_columns(series, length, horizon):
    inputs, targets = windows(series, length, horizon)
    return inputs.T, targets.T


# ---- split_windows: what may be learned from -----------------------------------


@misconception(
    "split_windows",
    "term-leak",
    "You cut all windows first and took the last ones for the test. The last windows "
    "to learn from then have **targets inside the test period**. Which should be cut "
    "first, the series or the windows?",
)
def last_training_targets_in_the_test_period(
    series, length, horizon, test, *, windows=windows
):
    inputs, targets = windows(series, length, horizon)
    held = test - horizon + 1
    return inputs[:-held], targets[:-held], inputs[-held:], targets[-held:]


@misconception(
    "split_windows",
    "term-leak",
    "Your test part holds `test` windows. The targets of the first of them begin "
    "*before* the test period. Is `test` a number of windows or of steps?",
)
def test_counted_in_windows(series, length, horizon, test, *, windows=windows):
    inputs, targets = windows(series, length, horizon)
    return inputs[:-test], targets[:-test], inputs[-test:], targets[-test:]


@misconception(
    "split_windows",
    "term-leak",
    "You shuffle the windows before you split them. Windows overlap: how much of each "
    "test window has then been learned from, and which of them lie in the future?",
    source="https://github.com/Y-debug-sys/Diffusion-TS/issues/67",
)
def windows_shuffled_before_the_split(
    series, length, horizon, test, *, windows=windows
):
    inputs, targets = windows(series, length, horizon)
    order = np.random.default_rng(0).permutation(len(inputs))
    inputs, targets = inputs[order], targets[order]
    held = test - horizon + 1
    return inputs[:-held], targets[:-held], inputs[-held:], targets[-held:]


@misconception(
    "split_windows",
    "term-leak",
    "No input of your test reaches back before the test period, so its first "
    "`length` steps are never forecast. Is it forbidden to *read* the past when the "
    "test begins?",
)
def first_test_steps_never_forecast(series, length, horizon, test, *, windows=windows):
    learn = windows(series[:-test], length, horizon)
    return *learn, *windows(series[-test:], length, horizon)


@misconception(
    "split_windows",
    "term-leak",
    "You test on the beginning of the series and learn from what came after. In which "
    "order will the two come, when the forecast is used?",
)
def test_period_at_the_beginning(series, length, horizon, test, *, windows=windows):
    learn = windows(series[test:], length, horizon)
    return *learn, *windows(series[: test + length], length, horizon)


@misconception(
    "split_windows",
    "term-leak",
    "Your test part is right, but you learn from the whole series, and the test "
    "period is in it. Where does the part to learn from have to end?",
)
def test_period_learned_from(series, length, horizon, test, *, windows=windows):
    learn = windows(series, length, horizon)
    return *learn, *windows(series[-test - length :], length, horizon)


@misconception(
    "split_windows",
    "term-leak",
    "The four arrays are right and stand in another order: the part to be tested on "
    "comes first. Which two does the task want first?",
)
def test_part_returned_first(series, length, horizon, test, *, windows=windows):
    learn = windows(series[:-test], length, horizon)
    return *windows(series[-test - length :], length, horizon), *learn


@misconception(
    "split_windows",
    "term-leak",
    "The four arrays are right; the two inputs come first and the two targets after "
    "them. In which order does the task want them?",
)
def inputs_first_then_targets(series, length, horizon, test, *, windows=windows):
    a, b, c, d = split_windows(series, length, horizon, test, windows=windows)
    return a, c, b, d


@misconception(
    "split_windows",
    "term-leak",
    "The first step of your test period is nobody's target: your test part begins "
    "one step late. What is the first target of a window that ends just before the "
    "test period?",
)
def test_part_one_step_late(series, length, horizon, test, *, windows=windows):
    learn = windows(series[:-test], length, horizon)
    return *learn, *windows(series[1 - test - length :], length, horizon)


# ---- standardise: whose mean ---------------------------------------------------


def with_statistics(of, train, test):
    """Both parts, by the mean and the deviation of something."""
    mean, deviation = of.mean(axis=0), of.std(axis=0)
    return (train - mean) / deviation, (test - mean) / deviation


@misconception(
    "standardise",
    "term-leak",
    "Your mean and deviation are those of *both parts together*. Could anybody have "
    "known them at the end of the training part?",
    source="https://github.com/mlpack/examples/issues/43",
)
def scaling_fitted_on_everything(train, test):
    return with_statistics(np.concatenate([train, test]), train, test)


@misconception(
    "standardise",
    "term-leak",
    "Your training part is right, but you fit the test part *by its own* mean and "
    "deviation. What has become of a level that rose in the test period?",
    source="https://github.com/remigenet/TKAN/issues/8",
)
def each_part_by_its_own_statistics(train, test):
    return standardise(train, train)[0], standardise(test, test)[0]


@misconception(
    "standardise",
    "term-leak",
    "Your mean and deviation are those of the *test* part. Which of the two parts is "
    "known when they are computed?",
)
def scaling_fitted_on_the_test_part(train, test):
    return with_statistics(test, train, test)


@misconception(
    "standardise",
    "term-leak",
    "You take one mean and one deviation for all series together. What becomes of a "
    "small series beside a large one, and which `axis` is time?",
)
def one_scale_for_all_series(train, test):
    mean, deviation = train.mean(), train.std()
    return (train - mean) / deviation, (test - mean) / deviation


@misconception(
    "standardise",
    "term-leak",
    "You compare the series with each other *at each step*: mean and deviation are "
    "along the rows. Which axis counts the steps of one series?",
)
def statistics_across_series(train, test):
    return tuple(
        (part - part.mean(axis=1, keepdims=True)) / part.std(axis=1, keepdims=True)
        for part in (train, test)
    )


@misconception(
    "standardise",
    "term-leak",
    "Your numbers are right for a scaling to the range from 0 to 1 of the training "
    "part. The task asks for another one: which mean and which deviation should the "
    "training part have afterwards?",
)
def range_in_place_of_deviation(train, test):
    low, high = train.min(axis=0), train.max(axis=0)
    return (train - low) / (high - low), (test - low) / (high - low)


@misconception(
    "standardise",
    "term-leak",
    "You divide by the variance. In which unit is it, if the series is in pieces a "
    "day?",
)
def divided_by_the_variance(train, test):
    mean, variance = train.mean(axis=0), train.var(axis=0)
    return (train - mean) / variance, (test - mean) / variance


@misconception(
    "standardise",
    "term-leak",
    "You divide by the deviation and leave the mean in. What should the mean of the "
    "training part be afterwards?",
)
def mean_left_in(train, test):
    return train / train.std(axis=0), test / train.std(axis=0)


@misconception(
    "standardise",
    "term-leak",
    "You subtract the mean and leave the size as it was. What should the deviation "
    "of the training part be afterwards?",
)
def size_left_as_it_was(train, test):
    return train - train.mean(axis=0), test - train.mean(axis=0)


@misconception(
    "standardise",
    "term-leak",
    "Your training part is right, and the test part is as it was. In which unit does "
    "the network expect what it reads?",
)
def test_part_left_as_it_was(train, test):
    return standardise(train, test)[0], test


# ---- seasonal_naive: which step of which season --------------------------------


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You repeat the very last value: that is the naive forecast, for a season of one "
    "step. Which value stood a whole season before the first step ahead?",
)
def last_value_for_a_season(history, season, horizon):
    return seasonal_naive(history, 1, horizon)


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You repeat the *first* season of the history, not the last one. Which end of "
    "the array is now?",
)
def first_season_repeated(history, season, horizon):
    return history[np.arange(horizon) % season]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your season is one step too long: `history[-season - 1]` is more than a season "
    "ago. How many values does `history[-season:]` hold?",
)
def season_one_step_too_long(history, season, horizon):
    return seasonal_naive(history, season + 1, horizon)


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your season is one step too short, so after each season your forecast runs "
    "ahead of the calendar by one more. What is `season - (season - 1)`?",
)
def season_one_step_too_short(history, season, horizon):
    return seasonal_naive(history, season - 1, horizon)


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You repeat the last `horizon` values. Do they begin at the same point of the "
    "season as the first step ahead?",
)
def last_horizon_for_a_season(history, season, horizon):
    return history[-horizon:]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You repeat the season *before* the last one. Is there a newer value for the "
    "same point of the season?",
)
def season_before_the_last(history, season, horizon):
    return seasonal_naive(history[:-season], season, horizon)


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You take the mean over all seasons of the history. That is a good idea, and "
    "another baseline: the seasonal naive forecast repeats one season. Which?",
)
def mean_over_all_seasons(history, season, horizon):
    ahead = len(history) + np.arange(horizon)
    t = np.arange(len(history)) % season
    return np.stack([history[t == k].mean(axis=0) for k in ahead % season])


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You walk through the last season *backwards*. In which order did its values come?",
)
def season_backwards(history, season, horizon):
    return history[-1 - np.arange(horizon) % season]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "You repeat the mean of the last season at every step. What is left of the "
    "season in that?",
)
def mean_of_the_last_season(history, season, horizon):
    return np.tile(history[-season:].mean(axis=0), (horizon, 1))


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your first season ahead is right; then you repeat its last value. Which value "
    "stands a season before the first step of the *second* season ahead?",
    right_on=("less than a season",),
)
def stops_after_one_season(history, season, horizon):
    return history[np.minimum(np.arange(horizon), season - 1) - season]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your first season ahead is right; then you go on with the *beginning* of the "
    "history. Which row is `history[-season + k]` when k has reached `season`?",
    right_on=("less than a season",),
)
def goes_on_with_the_beginning(history, season, horizon):
    return history[(np.arange(horizon) - season) % len(history)]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your forecast ends after one season: a slice is never longer than what it is "
    "cut from. What comes when the season is used up?",
    right_on=("less than a season",),
)
def forecast_ends_with_the_season(history, season, horizon):
    return history[-season:][:horizon]


@misconception(
    "seasonal_naive",
    "term-seasonal-naive-forecast",
    "Your forecasts are right, with series as rows and steps as columns. Time comes "
    "first in this course: which axis counts the steps?",
)
def steps_as_columns(history, season, horizon):
    return seasonal_naive(history, season, horizon).T


# ---- mase: what an error is measured in ----------------------------------------


def scale_of(history, season):
    """The mean absolute error of seasonal naive forecasts of the past, by series."""
    return np.abs(history[season:] - history[:-season]).mean(axis=0)


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You measure in the naive error of the *test period*. A forecast then looks "
    "better, the wilder the period happens to be on which it is judged. Which values "
    "are known before the test begins?",
)
def scaled_by_the_test_period(forecasts, truth, history, season):
    return mase(forecasts, truth, truth, season)


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You measure in the naive error of history and test period together. Which of "
    "the two is known before the test begins?",
)
def scaled_by_everything(forecasts, truth, history, season):
    return mase(forecasts, truth, np.concatenate([history, truth]), season)


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You measure in the error of the *one-step* naive forecast, whatever the season. "
    "How far apart are the two values whose difference the seasonal one takes?",
)
def one_step_scale_for_a_season(forecasts, truth, history, season):
    steps = np.abs(np.diff(history, axis=0)).mean(axis=0)
    return (np.abs(forecasts - truth) / steps).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "`np.diff(history, season)` takes differences of differences, `season` times over. "
    "Which two values should be subtracted from each other, and how often?",
)
def differences_of_a_higher_order(forecasts, truth, history, season):
    unit = np.abs(np.diff(history, season, axis=0)).mean(axis=0)
    return (np.abs(forecasts - truth) / unit).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You let errors above and below cancel. What does a forecast get from you that "
    "is 10 too high one day and 10 too low the next?",
)
def errors_cancel(forecasts, truth, history, season):
    return ((forecasts - truth) / scale_of(history, season)).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You take the *size* of the mean error, so that errors above and below cancel "
    "within each series. Which comes first, `abs` or `mean`?",
)
def size_of_the_mean_error(forecasts, truth, history, season):
    return (np.abs((forecasts - truth).mean(axis=0)) / scale_of(history, season)).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You square the errors and take a root at the end. Is that what the A in the "
    "name says, and how much does one large error weigh now?",
)
def squared_in_place_of_absolute(forecasts, truth, history, season):
    squares = ((forecasts - truth) ** 2).mean(axis=0)
    naive = ((history[season:] - history[:-season]) ** 2).mean(axis=0)
    return np.sqrt(squares / naive).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You add up all series before you divide, so that one large series decides. "
    "Which errors does each series have to be measured against?",
    right_on=("one series",),
)
def one_scale_for_all_errors(forecasts, truth, history, season):
    return np.abs(forecasts - truth).mean() / scale_of(history, season).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You divide each error by the true value: that is the mean absolute *percentage* "
    "error. What does it say of a day on which nothing was sold?",
)
def percentage_error(forecasts, truth, history, season):
    return (np.abs(forecasts - truth) / np.abs(truth)).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "Your answer is the mean absolute error, in the unit of the series. What does "
    "the S in the name stand for?",
)
def error_not_scaled(forecasts, truth, history, season):
    return np.abs(forecasts - truth).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "You measure in the standard deviation of the history. That is the error of "
    "which forecast, and is it the one that the task names?",
)
def scaled_by_the_deviation(forecasts, truth, history, season):
    return (np.abs(forecasts - truth) / history.std(axis=0)).mean()


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "Your fraction stands on its head. Should a better forecast have a larger or a "
    "smaller number?",
)
def fraction_on_its_head(forecasts, truth, history, season):
    return 1 / mase(forecasts, truth, history, season)


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "Your scale is a sum over the history divided by its *length*. How many pairs "
    "of values lie a season apart in it?",
)
def scale_divided_by_the_whole_length(forecasts, truth, history, season):
    pairs = len(history) - season
    return mase(forecasts, truth, history, season) * len(history) / pairs


@misconception(
    "mase",
    "term-mean-absolute-scaled-error",
    "Your answer is one number for each series. Each is right: what is missing at "
    "the end?",
)
def one_error_for_each_series(forecasts, truth, history, season):
    return np.abs(forecasts - truth).mean(axis=0) / scale_of(history, season)


# ---- roll_out: what the network reads after the origin ---------------------------


def read(series, stop, weights, h=None):
    """The last output and state after the steps before `stop`, and all outputs."""
    h = np.zeros((series.shape[1], len(weights[1]))) if h is None else h
    outputs = []
    for t in range(stop):
        y, h = network(series[t, :, None], h, weights)
        outputs.append(y)
    return y, h, outputs


def written(y, h, steps, weights):
    """The output y and those that follow when it reads them: (steps, N)."""
    forecasts = [y]
    while len(forecasts) < steps:
        y, h = network(y, h, weights)
        forecasts.append(y)
    return np.concatenate(forecasts, axis=1).T


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "After the origin your network goes on reading the **true** values. Those are "
    "one-step forecasts, each made a step before. What does the network have to read "
    "when nobody knows the truth?",
)
def recursion_fed_with_truths(series, origin, horizon, weights):
    _, _, outputs = read(series, origin + horizon - 1, weights)
    return np.concatenate(outputs[-horizon:], axis=1).T


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "After the origin your network goes on reading the **true** values, and what you "
    "keep begins one step late. What may it read at the origin, and for which step is "
    "the output that comes *before* that?",
)
def truths_read_and_one_step_late(series, origin, horizon, weights):
    _, _, outputs = read(series, origin + horizon, weights)
    return np.concatenate(outputs[-horizon:], axis=1).T


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "After the origin your network reads the last known value again and again. Which "
    "newer value has it got?",
)
def recursion_fed_with_the_last_known_value(series, origin, horizon, weights):
    y, h, _ = read(series, origin, weights)
    forecasts = [y]
    while len(forecasts) < horizon:
        y, h = network(series[origin - 1, :, None], h, weights)
        forecasts.append(y)
    return np.concatenate(forecasts, axis=1).T


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "At the origin you throw the state away and go on from zeros. What did the "
    "network read the past for?",
)
def state_thrown_away_at_the_origin(series, origin, horizon, weights):
    y, h, _ = read(series, origin, weights)
    return written(y, 0 * h, horizon, weights)


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "After the origin every step starts from the *same* state, that of the origin. "
    "Does your loop keep the `h` that `network` returns?",
)
def state_held_after_the_origin(series, origin, horizon, weights):
    y, h, _ = read(series, origin, weights)
    forecasts = [y]
    while len(forecasts) < horizon:
        y, _ = network(y, h, weights)
        forecasts.append(y)
    return np.concatenate(forecasts, axis=1).T


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "Your network reads the last known value *twice*: once at the end of the past, "
    "and once more for the first forecast. What had it put out after the first time?",
)
def last_known_value_read_twice(series, origin, horizon, weights):
    _, h, _ = read(series, origin, weights)
    y, h = network(series[origin - 1, :, None], h, weights)
    return written(y, h, horizon, weights)


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "Your forecasts begin one step too late: the first one is left out. For which "
    "step is the output that comes when the last known value has been read?",
)
def first_forecast_left_out(series, origin, horizon, weights):
    y, h, _ = read(series, origin, weights)
    return written(y, h, horizon + 1, weights)[1:]


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "You leave the last known value unread, so your forecasts begin one step too "
    "early. Does `series[:origin]` hold `series[origin - 1]`?",
)
def last_known_value_unread(series, origin, horizon, weights):
    return roll_out(series, origin - 1, horizon, weights)


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "Your network begins with the last known value alone, from a state of zeros. "
    "What could it have learned from the steps before?",
)
def past_not_read(series, origin, horizon, weights):
    return roll_out(series[origin - 1 :], 1, horizon, weights)


@misconception(
    "roll_out",
    "term-leak",
    "Your network reads the series to its *end*, beyond the origin, and then begins "
    "to forecast. What is known at the origin?",
)
def read_beyond_the_origin(series, origin, horizon, weights):
    return roll_out(series, len(series), horizon, weights)


@misconception(
    "roll_out",
    "term-recursive-forecast",
    "You return what the network put out *while it read the past*. For which steps "
    "were those outputs forecasts, and are those steps still to come?",
)
def outputs_over_the_past(series, origin, horizon, weights):
    _, _, outputs = read(series, origin, weights)
    return np.concatenate(outputs[-horizon:], axis=1).T


# ---- forecasts: what only looks like one -----------------------------------------


@misconception(
    "forecasts",
    "term-naive-forecast",
    "Your answer *is* the naive forecast: the last known value, again and again. "
    "Networks that were trained too little, or on levels alone, find it too, and "
    "their curves look fine, one step late. What could be learned from the season?",
    source="https://github.com/keras-team/keras/issues/2856",
    right_on=(BLIND,),
)
def persistence_dressed_up_as_skill(series, origin, horizon, season):
    return seasonal_naive(series[:origin], 1, horizon)


@misconception(
    "forecasts",
    "term-seasonal-naive-forecast",
    "Your answer *is* the seasonal naive forecast. It repeats one season with all its "
    "accidents and knows of no trend. What do the seasons before, and the last few "
    "values, tell beside?",
    right_on=(BLIND, NAIVE),
)
def baseline_handed_in(series, origin, horizon, season):
    return seasonal_naive(series[:origin], season, horizon)


@misconception(
    "forecasts",
    "term-leak",
    "You return the values that stand *after* the origin in `series`. Would you have "
    "them when the forecast is needed?",
)
def future_copied(series, origin, horizon, season):
    return series[origin : origin + horizon]


@misconception(
    "forecasts",
    "term-leak",
    "You repeat the last season of `series`. Its last season lies after the origin: "
    "where does what you know end?",
)
def last_season_of_the_whole_series(series, origin, horizon, season):
    return seasonal_naive(series, season, horizon)


@misconception(
    "forecasts",
    "term-leak",
    "You repeat the last value of `series`, `series[-1]`. It stands after the origin: "
    "where does what you know end?",
)
def last_value_of_the_whole_series(series, origin, horizon, season):
    return seasonal_naive(series, 1, horizon)


@misconception(
    "forecasts",
    "term-leak",
    "You repeat the mean of all of `series`, and what comes after the origin is in "
    "it. So would any number be that you compute before you cut: which have you?",
)
def mean_of_the_whole_series(series, origin, horizon, season):
    return np.tile(series.mean(axis=0), (horizon, 1))
