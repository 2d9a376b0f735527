"""Across which lag a plain recurrent network learns to recall, by its initial U.

The task is to name the first of four symbols after a lag of random ones.
Sources: Bengio, Simard & Frasconi (1994) for the question; orthogonal: Saxe,
McClelland & Ganguli (2014); identity with ReLU: Le, Jaitly & Hinton (2015).
"""

from experiments._recall import TRAINING, recall
from lstm_lib import RNN, initialisers

QUESTION = "Across which lag does a network without gates learn to recall, by its U?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "lags": [2, 5, 10, 20, 40, 80, 160],
    "networks": ["tanh, uniform", "tanh, orthogonal", "ReLU, identity"],
    "steps": 1000,
    **TRAINING,
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
    activation, start = network.lower().split(", ")

    def layer(D, H, **options):
        layer = RNN(D, H, nonlinearity=activation, **options)
        if start == "orthogonal":
            initialisers.orthogonal(layer, seed)
        elif start == "identity":
            initialisers.identity(layer)
        return layer

    return recall(lag, settings, seed, layer)


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
