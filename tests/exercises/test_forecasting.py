"""The check of a forecast: what it passes in, calls, measures and says."""

import numpy as np
import pytest

from lstm_lib import checks, evaluation
from lstm_lib.checks import check
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.forecasting import (
    FORECAST_CASES,
    forecasts,
    mase,
    seasonal_naive,
)

KINDS = pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])


@pytest.fixture
def judged(monkeypatch):
    """A function from a forecast to the verdict on it, with the text added."""
    shown = []
    monkeypatch.setattr(checks, "show", shown.append)

    def judged(function, hidden=False, seed=3):
        points = check(function, "forecasts", 4, hidden=hidden, seed=seed)
        report = shown.pop()
        assert points == report.earned
        return report.verdict() | {"text": report.text()}

    return judged


def right(verdict):
    return {case["name"] for case in verdict["cases"] if case["passed"]}


# ---- what is passed in -----------------------------------------------------------


@KINDS
@pytest.mark.parametrize("seed", range(3))
def test_the_true_future_is_in_no_argument(seed, hidden):
    """So that no memory, file or trick can find it."""
    (case, *others) = SUBJECTS["forecasts"].cases(hidden, seed)
    assert all(other.arguments is case.arguments for other in others)
    _, truth, history, season = case.data
    (series, origin, horizon, _), (twin, *_) = case.arguments, case.twin
    for one in (series, twin):
        np.testing.assert_array_equal(one[:origin], history)
        assert len(one) > origin + max(horizon, season)
        for n in range(truth.shape[1]):
            assert not np.isclose(one[:, n, None], truth[:, n], rtol=1e-9).any()
    assert not np.isclose(series[origin:], twin[origin:]).any()


def test_hidden_panels_have_another_season_and_horizon():
    (visible, *_), (hidden, *_) = (
        SUBJECTS["forecasts"].cases(kind, 0) for kind in (False, True)
    )
    assert not {*visible.arguments[1:]} & {*hidden.arguments[1:]}


# ---- calls -----------------------------------------------------------------------


def test_a_forecast_is_called_twice_for_all_its_cases(judged):
    """It may take seconds."""
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return forecasts(*arguments)

    assert right(judged(counted)) == set(FORECAST_CASES)
    assert len(calls) == 2


def test_a_forecast_that_draws_anew_hears_so(judged):
    """And is not said to have seen the future."""

    def draws(series, origin, horizon, season):
        noise = np.random.default_rng().normal(0, 1, (horizon, series.shape[1]))
        return forecasts(series, origin, horizon, season) + noise

    verdict = judged(draws)
    assert not right(verdict)
    assert "The same arguments gave two different answers" in verdict["text"]


# ---- the future --------------------------------------------------------------------


def scaled_by_all(series, origin, horizon, season):
    """Right, but for a scale that knows the future."""
    mean = series.mean(axis=0)
    answer = forecasts(series, origin, horizon, season)
    return mean + 0.98 * (answer - mean)


@KINDS
def test_a_forecast_that_reads_the_future_has_no_error(hidden, judged):
    verdict = judged(scaled_by_all, hidden)
    assert not right(verdict)
    assert verdict["measure"]["value"] is None
    assert "Your forecasts change when only the values *after*" in verdict["text"]
    assert "mean absolute scaled error is" not in verdict["text"]


def test_a_forecast_that_remembers_the_past_it_has_seen_gains_nothing(judged):
    """What it gives to the second of two calls is what it gave to the first."""
    seen = {}

    def remembers(series, origin, horizon, season):
        key = series[:origin].tobytes()
        return seen.setdefault(key, series[origin : origin + horizon].copy())

    assert right(judged(remembers)) <= {"blind to the future"}


# ---- what is measured --------------------------------------------------------------


@KINDS
def test_the_error_is_in_the_verdict_and_in_the_text(hidden, judged):
    verdict = judged(forecasts, hidden)
    (case, *_) = SUBJECTS["forecasts"].cases(hidden, 3)
    _, truth, history, season = case.data
    measure = verdict["measure"]
    expected = mase(forecasts(*case.arguments), truth, history, season)
    assert measure["value"] == pytest.approx(expected, abs=1e-4)
    assert list(measure["beside"]) == ["naive forecast", "seasonal naive forecast"]
    baseline = mase(seasonal_naive(history, season, len(truth)), truth, history, season)
    assert measure["beside"]["seasonal naive forecast"] == pytest.approx(
        baseline, abs=1e-4
    )
    told = f"Your mean absolute scaled error is {expected:.2f}"
    assert told in verdict["text"]


def test_other_checks_measure_nothing(judged, monkeypatch):
    shown = []
    monkeypatch.setattr(checks, "show", shown.append)
    check(seasonal_naive, "seasonal_naive")
    assert "measure" not in shown[0].verdict()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda *a: None, "Did you mean `return`?"),
        (lambda *a: forecasts(*a).T, "(horizon, N)"),
        (lambda *a: forecasts(*a) * np.nan, "NaN"),
        (lambda *a: forecasts(*a) + 0j, "complex"),
        (lambda *a: 1 / 0, "ZeroDivisionError"),
        (5, "Expected a function"),
    ],
    ids=["nothing", "transposed", "NaN", "complex", "raises", "no function"],
)
@KINDS
def test_what_is_no_forecast_earns_nothing_and_hears_why(answer, told, hidden, judged):
    verdict = judged(answer, hidden)
    assert not right(verdict) and verdict["measure"]["value"] is None
    assert told in verdict["text"]


def test_a_forecast_that_changes_its_series_hears_so(judged):
    def in_place(series, origin, horizon, season):
        answer = forecasts(series, origin, horizon, season)
        series[origin:] = 0
        return answer

    verdict = judged(in_place)
    assert not right(verdict) and "changed its argument `series`" in verdict["text"]


def test_an_answer_in_lists_is_as_good(judged):
    assert len(right(judged(lambda *a: forecasts(*a).tolist()))) == 4


def test_an_endless_forecast_is_interrupted_once(judged):
    """Every case needs it, so the others are not tried."""
    calls = []

    def endless(*arguments):
        calls.append(arguments)
        raise KeyboardInterrupt

    assert not right(judged(endless)) and len(calls) == 1


def test_the_error_of_a_panel_is_the_mean_of_the_library_s():
    """`evaluation.mase` measures one series."""
    for case in SUBJECTS["mase"].cases(hidden=False, seed=0):
        forecast, truth, history, season = (
            a.astype(float) if isinstance(a, np.ndarray) else a for a in case.arguments
        )
        each = [
            evaluation.mase(f, t, h, season)
            for f, t, h in zip(forecast.T, truth.T, history.T)
        ]
        assert mase(forecast, truth, history, season) == pytest.approx(np.mean(each))
