"""Made-up series to forecast: nobody can look their future up."""

import numpy as np

from lstm_lib.validation import positive


def demand(steps, count, season, rng=None):
    """Draw what `count` shops sell, step by step: (steps, count), time first.

    Each shop has its own level, size and straight trend. All share the shape of
    a season of that many steps, and the way in which what is left moves: a
    high lasts, a low passes sooner, so that tomorrow depends on today, and not
    in a straight line. All of that is drawn anew at each call.
    rng: a seed or numpy Generator. Raises ValueError naming the argument.

    >>> demand(steps=100, count=3, season=12, rng=0).shape
    (100, 3)
    """
    steps, count = positive("steps", steps), positive("count", count)
    season = positive("season", season)
    if season < 3:
        raise ValueError(f"season: expected at least 3 steps, got {season}")
    rng = np.random.default_rng(rng)
    level = np.exp(rng.uniform(np.log(20), np.log(200), count))
    size = level * rng.uniform(0.05, 0.12, count)
    strength = rng.uniform(2.2, 3.0, count)
    trend = rng.choice([-1, 1], count) * rng.uniform(0.5, 1.5, count) / 100
    t = np.arange(steps)[:, None]
    shape = _shape(season, rng)[t % season]
    return level + size * (strength * shape + trend * t + _rest(steps, count, rng))


def _shape(season, rng):
    """One season: a wave and a smaller, faster one, of mean 0 and deviation 1."""
    turn = 2 * np.pi * (np.arange(season) / season + rng.uniform())
    wave = np.sin(turn) + rng.uniform(0.3, 0.5) * np.sin(2 * turn + rng.uniform(0, 6))
    return (wave - wave.mean()) / wave.std()


def _rest(steps, count, rng):
    """What is neither level, trend nor season, (steps, count)."""
    high, low = rng.uniform(0.88, 0.93), rng.uniform(0.5, 0.65)
    x, rest = np.zeros(count), np.empty((steps, count))
    for t in range(-50, steps):  # the first fifty are forgotten
        x = np.where(x > 0, high, low) * x + rng.normal(0, 0.5, count)
        if t >= 0:
            rest[t] = x
    return rest
