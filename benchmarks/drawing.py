"""How long a diagram takes, from the layer to the SVG, with its values.

    python -m benchmarks drawing

CPU time, one thread, the median of 31. Beside it stands the time of the one
step whose numbers are drawn, as a ratio that holds on any machine.
"""

import argparse
from statistics import median
from time import process_time

import numpy as np

from lstm_lib import GRU, LSTM, RNN, draw

LAYERS = {
    "RNN": RNN(3, 4, rng=0),
    "GRU": GRU(3, 4, rng=0),
    "LSTM": LSTM(3, 4, rng=0),
    "LSTM with peepholes": LSTM(3, 4, peephole=True, rng=0),
    "LSTM of 512 units": LSTM(256, 512, rng=0),
}


def milliseconds(function, *arguments):
    times = []
    for _ in range(31):
        start = process_time()
        function(*arguments)
        times.append(process_time() - start)
    return 1e3 * median(times)


def main(arguments=None):
    """Print a row for each layer."""
    argparse.ArgumentParser(
        "python -m benchmarks drawing", description=__doc__.splitlines()[0]
    ).parse_args(arguments)
    print(f"{'':20} drawing, ms   of the step's time")
    for name, layer in LAYERS.items():
        x = np.ones((1, layer.input_size))
        drawing = milliseconds(lambda *what: draw.cell(*what).svg(), layer, x)
        step = milliseconds(layer, x[None])
        print(f"{name:20} {drawing:11.1f} {drawing / step:15.0f} x")
