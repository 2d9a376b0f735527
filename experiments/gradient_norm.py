"""How the gradient shrinks or grows with the lag, before any training.

The loss reads the last hidden state alone. For each lag k the gradient by
the hidden state k steps earlier is divided by that at lag 0. Source of the
question: Bengio, Simard & Frasconi (1994); chrono initialisation: Tallec &
Ollivier (2018); identity: Le, Jaitly & Hinton (2015).
"""

import numpy as np

from lstm_lib import GRU, LSTM, RNN, initialisers
from lstm_lib.inspect import gradient_norms

QUESTION = "How much of the gradient of the last state is left k steps earlier?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "input_size": 8,
    "hidden_size": 64,
    "batch": 16,
    "steps": 200,
    "lags": [0, 1, 2, 5, 10, 20, 50, 100, 150],
}
QUICK = {"seeds": [0], "batch": 4, "steps": 120, "lags": [0, 10, 50, 100]}

NETWORKS = {
    "tanh": lambda D, H, rng: RNN(D, H, rng=rng),
    "tanh, orthogonal": lambda D, H, rng: initialisers.orthogonal(
        RNN(D, H, rng=rng), rng
    ),
    "ReLU, identity": lambda D, H, rng: initialisers.identity(
        RNN(D, H, nonlinearity="relu", rng=rng)
    ),
    "GRU": lambda D, H, rng: GRU(D, H, rng=rng),
    "LSTM, b_f = 0": lambda D, H, rng: LSTM(D, H, forget_bias=0, rng=rng),
    "LSTM, b_f = 1": lambda D, H, rng: LSTM(D, H, forget_bias=1, rng=rng),
    "LSTM, b_f = 3": lambda D, H, rng: LSTM(D, H, forget_bias=3, rng=rng),
    "LSTM, chrono 100": lambda D, H, rng: initialisers.chrono(
        LSTM(D, H, rng=rng), 100, rng
    ),
}


def conditions(settings):
    """One for each network."""
    return [{"network": name} for name in NETWORKS]


def measure(settings, seed, network):
    """Norm at each lag over that at lag 0, from a state warm after many steps."""
    rng = np.random.default_rng(seed)
    D, H, N = (settings[key] for key in ("input_size", "hidden_size", "batch"))
    T, lags = settings["steps"], settings["lags"]
    layer = NETWORKS[network](D, H, rng)
    x = rng.normal(size=(T, N, D))
    dh = rng.normal(size=(1, N, H))
    dstate = (dh, np.zeros_like(dh)) if len(layer.states) == 2 else dh
    norms = gradient_norms(layer, x, dstate=dstate)["h"][::-1]
    return {"lags": lags, "ratios": [float(f"{norms[k] / norms[0]:.3g}") for k in lags]}


def claims(results):
    """Geometric means over seeds."""

    def at(network, lag):
        logs = [
            np.log(max(r["ratios"][r["lags"].index(lag)], 1e-300))
            for r in results
            if r["network"] == network
        ]
        return np.exp(np.mean(logs))

    gru, b0, b1, b3 = "GRU", "LSTM, b_f = 0", "LSTM, b_f = 1", "LSTM, b_f = 3"
    return {
        "tanh, lag 50: less than 1e-9 is left": at("tanh", 50) < 1e-9,
        "GRU, lag 50: less than 1e-6 is left": at(gru, 50) < 1e-6,
        "LSTM, b_f = 0, lag 50: less than 1e-6 is left": at(b0, 50) < 1e-6,
        "b_f = 3 leaves 1e4 times more than 1 at lag 100": at(b3, 100)
        > 1e4 * at(b1, 100),
        "chrono, lag 100: more than 1e-4 is left": at("LSTM, chrono 100", 100) > 1e-4,
    }
