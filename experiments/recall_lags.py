"""Across which lag a plain recurrent network learns to recall, by its initial U.

The task is to name the first of four symbols after a lag of random ones.
Sources: Bengio, Simard & Frasconi (1994) for the question; orthogonal: Saxe,
McClelland & Ganguli (2014); identity with ReLU: Le, Jaitly & Hinton (2015).
"""

import numpy as np

from lstm_lib import RNN, initialisers, tasks
from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = "Across which lag does a network without gates learn to recall, by its U?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "lags": [2, 5, 10, 20, 40, 80, 160],
    "networks": ["tanh, uniform", "tanh, orthogonal", "ReLU, identity"],
    "hidden_size": 32,
    "batch": 32,
    "steps": 1000,
    "learning_rate": 0.003,
    "clip": 1.0,
    "solved": 0.99,
}
QUICK = {"seeds": [0], "lags": [5, 40], "steps": 300}


def conditions(settings):
    """Every lag with every network."""
    return [
        {"lag": lag, "network": network}
        for lag in settings["lags"]
        for network in settings["networks"]
    ]


def measure(settings, seed, lag, network):
    """Train until a fresh sample is recalled, or to the last step."""
    task, H = tasks.Recall(lag), settings["hidden_size"]
    activation, start = network.lower().split(", ")
    f32 = {"dtype": np.float32, "rng": seed}
    layer = RNN(task.num_symbols, H, nonlinearity=activation, **f32)
    if start == "orthogonal":
        initialisers.orthogonal(layer, seed)
    elif start == "identity":
        initialisers.identity(layer)
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
    uniform, orthogonal, identity = SETTINGS["networks"]

    def share(network, *lags):
        solved = [
            r["solved"] for r in results if r["network"] == network and r["lag"] in lags
        ]
        return sum(solved) / len(solved) if solved else None

    found = {
        f"lag 5: {network} solves with every seed": share(network, 5) == 1
        for network in SETTINGS["networks"]
    }
    found |= {
        "lag 40: tanh, uniform fails with most seeds": share(uniform, 40) <= 0.4,
        "lag 40: tanh, orthogonal solves with most seeds": share(orthogonal, 40) >= 0.6,
        "lag 40: ReLU, identity solves with most seeds": share(identity, 40) >= 0.6,
    }
    if share(uniform, 80) is not None:  # the full version
        far = 40, 80, 160
        found |= {
            "lags 40 to 160: tanh, uniform solves few": share(uniform, *far) <= 0.3,
            "lags 40 and 80: orthogonal solves half": share(orthogonal, 40, 80) >= 0.5,
            "lags 40 and 80: identity solves most": share(identity, 40, 80) >= 0.8,
            "lag 160: ReLU, identity fails with most seeds": share(identity, 160)
            <= 0.4,
        }
    return found
