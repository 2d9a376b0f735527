"""How fast lstm_lib is beside PyTorch: CPU time, one thread, turn by turn.

    python -m benchmarks [--quick] [--json FILE]

Inference is the outputs of whole sequences; training adds the gradient of
every parameter, of x and of the initial state. Both give the same numbers,
which is checked before anything is timed. They take turns in one process, so
that what slows the machine slows both; a ratio below 1: lstm_lib is faster.
"""

import argparse
import json
import os
import platform
from itertools import product
from pathlib import Path
from time import process_time

# Two thread pools in one process fight. Read when the libraries load.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np
import torch

import lstm_lib

SHAPES = [(32, 32, 32, 32), (64, 16, 64, 128), (100, 32, 64, 256)]  # T, N, D, H
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array
TURN = 0.02  # seconds at least: short runs are repeated within a turn
HEADER = (
    "layer run        dtype       T   N   D    H    lstm_lib    PyTorch  ratio, IQR"
)
ROW = (
    "{layer:6}{run:11}{dtype:9}{T:4}{N:4}{D:4}{H:5}{ours:9.1f} ms{theirs:8.1f} ms"
    "{ratio:7.2f} [{q1:.2f}, {q3:.2f}]"
)


def rivals(layer, dtype, T, N, D, H):
    """The same work in both: {run: (lstm_lib's function, PyTorch's)}."""
    rng = np.random.default_rng(0)
    ours = getattr(lstm_lib, layer)(D, H, dtype=dtype, rng=rng)
    theirs = getattr(torch.nn, layer)(D, H, dtype=getattr(torch, dtype))
    W, U, b = ours.parameters.values()
    with torch.no_grad():  # lstm_lib has one bias, PyTorch two that it adds
        for target, array in zip(theirs.parameters(), (W.T, U.T, b, 0 * b)):
            target.copy_(torch.tensor(array))

    shapes = [(T, N, H), (T, N, D), *[(1, N, H)] * len(ours.states)]
    dy, x, *state = (rng.normal(size=shape).astype(dtype) for shape in shapes)
    inputs = [torch.tensor(array, requires_grad=True) for array in (x, *state)]
    x_torch, *state_torch = inputs
    dy_torch, wanted = torch.tensor(dy), [*inputs, *theirs.parameters()]
    if layer == "RNN":  # its state is one array, not a tuple
        (state,), (state_torch,) = state, state_torch

    def train():
        y, _ = ours(x, state)
        dx, dstate = ours.backward(dy)
        dstate = [dstate] if layer == "RNN" else dstate
        return [y, dx, *dstate, *ours.grads.values()]

    def infer_torch():
        with torch.inference_mode():
            return [theirs(x_torch, state_torch)[0]]

    def train_torch():
        y, _ = theirs(x_torch, state_torch)
        return [y.detach(), *torch.autograd.grad(y, wanted, dy_torch)]

    return {
        "inference": (lambda: [ours(x, state)[0]], infer_torch),
        "training": (train, train_torch),
    }


def check_equal(ours, theirs, rtol):
    """Outputs and gradients agree, PyTorch's matrices transposed."""
    for a, b in zip(ours, theirs):  # the gradient of a second bias stays over
        b = b.numpy().T if a.ndim == 2 else b.numpy()
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


def seconds(function, calls):
    start = process_time()
    for _ in range(calls):
        function()
    return (process_time() - start) / calls


def measure(pair, turns):
    """Medians of both times in ms, and the quartiles of their ratio."""
    calls = [max(1, round(TURN / seconds(function, 1))) for function in pair]
    times = np.array([[*map(seconds, pair, calls)] for _ in range(turns)])
    ours, theirs = 1e3 * np.median(times, axis=0)
    q1, ratio, q3 = np.quantile(times[:, 0] / times[:, 1], [0.25, 0.5, 0.75])
    return dict(ours=ours, theirs=theirs, ratio=ratio, q1=q1, q3=q3)


def main():
    parser = argparse.ArgumentParser("benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="3 turns, not 15")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    turns = 3 if options.quick else 15

    versions = {"Python": platform.python_version(), "NumPy": np.__version__}
    versions |= {"PyTorch": torch.__version__, "turns": turns}
    versions |= {"CPU": torch.backends.cpu.get_cpu_capability()}
    print(*(f"{name} {value}" for name, value in versions.items()), sep=", ")
    print(HEADER)
    rows = []
    for layer, dtype, shape in product(("RNN", "LSTM"), RTOL, SHAPES):
        for run, pair in rivals(layer, dtype, *shape).items():
            check_equal(*(function() for function in pair), RTOL[dtype])
            what = dict(layer=layer, run=run, dtype=dtype) | dict(zip("TNDH", shape))
            rows.append(what | measure(pair, turns))
            print(ROW.format(**rows[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "rows": rows}))


if __name__ == "__main__":
    main()
