"""Which initial forget bias lets an LSTM learn across which lag.

The task is to name the first of four symbols after a lag of random ones.
Sources: Gers, Schmidhuber & Cummins (2000); Jozefowicz, Zaremba & Sutskever
(2015) for a bias of 1; Tallec & Ollivier (2018) for chrono initialisation.
"""

import numpy as np

from lstm_lib import LSTM, initialisers, tasks
from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = "Across which lag does an LSTM learn to recall, by its initial forget bias?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "lags": [20, 50, 100],
    "biases": [0, 1, 2, 3, "chrono"],
    "hidden_size": 32,
    "batch": 32,
    "steps": 2000,
    "learning_rate": 0.003,
    "clip": 1.0,
    "solved": 0.99,
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
    task, H = tasks.Recall(lag), settings["hidden_size"]
    f32 = {"dtype": np.float32, "rng": seed}
    layer = LSTM(task.num_symbols, H, **f32)
    if bias == "chrono":
        initialisers.chrono(layer, lag, seed)
    else:
        initialisers.forget_bias(layer, bias)
    one_hot = OneHot(task.num_symbols, dtype=np.float32)
    model = Sequential(one_hot, layer, LastStep(), Dense(H, task.output_size, **f32))
    test = task.sample(512, np.random.default_rng((seed, lag)))

    def unsolved(model):
        return task.score(predict(model, test), test) < settings["solved"]

    history = fit(
        model,
        task.batches(settings["batch"], seed),
        task.loss,
        Adam(settings["learning_rate"]),
        settings["steps"],
        clip=settings["clip"],
        validate=unsolved,
        every=25,
        until=0,
    )
    solved = history.best == 0
    score = task.score(predict(model, test), test)
    return {
        "solved": solved,
        "steps": len(history.losses) if solved else None,
        "score": round(score, 3),
    }


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
