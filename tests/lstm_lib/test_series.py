"""Made-up series: the same for a seed, with a season, and wrong arguments named."""

import numpy as np
import pytest

from lstm_lib.series import demand


def test_a_seed_gives_the_same_series_and_another_seed_others():
    first, again, other = (demand(50, 4, 7, rng=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, again)
    assert first.shape == (50, 4) and not np.isclose(first, other).any()


def test_a_generator_goes_on():
    rng = np.random.default_rng(0)
    assert not np.isclose(demand(20, 2, 5, rng), demand(20, 2, 5, rng)).any()


@pytest.mark.parametrize("season", [5, 12])
def test_what_lies_a_season_apart_is_alike(season):
    """More so than what lies half a season apart."""
    series = demand(40 * season, 20, season, rng=1)
    half = season // 2
    apart, across = (
        np.abs(series[m:] - series[:-m]).mean(axis=0) for m in (season, half)
    )
    assert (apart < 0.7 * across).all()


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [({"steps": 0}, "steps"), ({"count": 1.5}, "count"), ({"season": 2}, "season")],
)
def test_a_wrong_argument_is_named(wrong, argument):
    with pytest.raises((TypeError, ValueError), match=f"^{argument}: expected"):
        demand(**{"steps": 10, "count": 2, "season": 4} | wrong)
