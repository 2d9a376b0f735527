"""Which initial forget bias lets an LSTM learn across which lag.

The task is to name the first of four symbols after a lag of random ones.
Sources: Gers, Schmidhuber & Cummins (2000); Jozefowicz, Zaremba & Sutskever
(2015) for a bias of 1; Tallec & Ollivier (2018) for chrono initialisation.
"""

from experiments._recall import TRAINING, recall
from lstm_lib import LSTM, initialisers

QUESTION = "Across which lag does an LSTM learn to recall, by its initial forget bias?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "lags": [20, 50, 100],
    "biases": [0, 1, 2, 3, "chrono"],
    "steps": 2000,
    **TRAINING,
}
QUICK = {"seeds": [0], "lags": [20], "biases": [0, 3], "steps": 500}


def conditions(settings):
    """Every lag with every bias."""
    return [
        {"lag": lag, "bias": bias}
        for lag in settings["lags"]
        for bias in settings["biases"]
    ]


def measure(settings, seed, lag, bias):
    """Train until a fresh sample is recalled, or to the last step."""

    def layer(D, H, **options):
        layer = LSTM(D, H, **options)
        if bias == "chrono":
            return initialisers.chrono(layer, lag, seed)
        return initialisers.forget_bias(layer, bias)

    return recall(lag, settings, seed, layer)


def claims(results):
    """How many of the seeds solve the task, where the settings have them."""

    def seeds(lag, bias):
        return [r["solved"] for r in results if (r["lag"], r["bias"]) == (lag, bias)]

    found = {
        "lag 20: forget bias 0 fails with most seeds": sum(seeds(20, 0)) <= 2,
        "lag 20: forget bias 3 solves with every seed": all(seeds(20, 3)),
    }
    if seeds(50, 0):  # the full version
        found |= {
            "lag 20: forget bias 1 solves with most seeds": sum(seeds(20, 1)) >= 3,
            "lag 50: forget bias 1 fails with most seeds": sum(seeds(50, 1)) <= 2,
            "lag 50: forget bias 3 solves with every seed": all(seeds(50, 3)),
            "lag 100: chrono solves with every seed": all(seeds(100, "chrono")),
        }
    return found
