"""How fast lstm_lib is beside PyTorch and Keras: CPU time, one thread.

    python -m benchmarks layers [--quick] [--json FILE]

Inference is the outputs of whole sequences; training adds the gradient of
every parameter and of x. The numbers of lstm_lib and PyTorch are compared
before anything is timed. All take turns in one process, so that what slows
the machine slows each; a ratio below 1: lstm_lib is faster. "products" are
the matrix products that a step cannot do without, "memory" is how much
resident memory a first training step adds, each in a process of its own.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from itertools import product
from pathlib import Path
from time import process_time

# Two thread pools in one process fight. Read when the libraries load.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
os.environ["KERAS_BACKEND"] = "torch"

import keras
import numpy as np
import torch

import lstm_lib

LAYERS = ("RNN", "GRU", "LSTM")
SHAPES = [  # T, N, D, H
    (32, 32, 32, 32),
    (64, 16, 64, 128),
    (100, 32, 64, 256),
    (35, 20, 650, 650),
    (500, 32, 32, 32),
]
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array
TURN = 0.01  # seconds at least: short runs are repeated within a turn
HEADER = (
    "layer dtype      T   N   D   H  run        ms  ours/PyTorch, IQR"
    "  Keras/PyTorch  ours/products  memory"
)
ROW = (
    "{layer:5} {dtype:8}{T:4}{N:4}{D:4}{H:4}  {run:9}{ms:6.1f}"
    "{ratio:6.2f} [{q1:.2f}, {q3:.2f}]{keras:15.1f}{products:15.2f}{memory:>8}"
)


class Rivals:
    """One layer, three times: `ours`, `theirs` (PyTorch's) and Keras'."""

    def __init__(self, layer, dtype, T, N, D, H):
        rng = np.random.default_rng(0)
        self.ours = getattr(lstm_lib, layer)(D, H, dtype=dtype, rng=rng)
        self.theirs = getattr(torch.nn, layer)(D, H, dtype=getattr(torch, dtype))
        self.theirs.load_state_dict(lstm_lib.to_torch(self.ours))
        kind = getattr(keras.layers, "SimpleRNN" if layer == "RNN" else layer)
        self.keras = kind(H, return_sequences=True, dtype=dtype)
        self.x = rng.normal(size=(T, N, D)).astype(dtype)
        self.dy = rng.normal(size=(T, N, H)).astype(dtype)
        self.x_torch = torch.tensor(self.x, requires_grad=True)
        self.dy_torch = torch.tensor(self.dy)
        self.keras.build((None, T, D))

    def train(self):
        y, _ = self.ours(self.x)
        return [y, self.ours.backward(self.dy)[0]]

    def train_torch(self):
        y, _ = self.theirs(self.x_torch)
        wanted = [self.x_torch, *self.theirs.parameters()]
        return [y.detach(), torch.autograd.grad(y, wanted, self.dy_torch)[0]]

    def train_keras(self):
        y = self.keras(self.x_torch.swapaxes(0, 1))
        wanted = [v.value for v in self.keras.trainable_variables]
        torch.autograd.grad(y, wanted, self.dy_torch.swapaxes(0, 1))

    def infer(self):
        return [self.ours(self.x)[0]]

    def infer_torch(self):
        with torch.inference_mode():
            return [self.theirs(self.x_torch)[0]]

    def infer_keras(self):
        with torch.inference_mode():
            self.keras(self.x_torch.swapaxes(0, 1))

    def products(self, training):
        """A function that does the step's matrix products, and nothing else."""
        W, U = (self.ours.parameters[key] for key in ("W_l0", "U_l0"))
        x, h = self.x.reshape(-1, W.shape[0]), self.dy
        dz = np.ones((*h.shape[:2], U.shape[1]), x.dtype)
        z, dh = np.empty_like(dz), np.empty_like(h)

        def run():
            np.matmul(x, W, out=z.reshape(-1, W.shape[1]))
            for t in range(len(h)):
                np.matmul(h[t], U, out=z[t])
            if training:
                for t in range(len(h)):
                    np.matmul(dz[t], U.T, out=dh[t])
                flat = dz.reshape(len(x), -1)
                return x.T @ flat, h.reshape(len(x), -1).T @ flat, flat @ W.T

        return run


def check_equal(ours, theirs, rtol):
    """Outputs and gradients agree, or nothing is timed."""
    for a, b in zip(ours, theirs):
        b = b.numpy()
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


def seconds(function, calls):
    start = process_time()
    for _ in range(calls):
        function()
    return (process_time() - start) / calls


def measure(functions, turns):
    """Median ms of the first, and its ratio to each of the others, quartiles."""
    for function in functions:
        function()
    calls = [max(1, round(TURN / seconds(function, 1))) for function in functions]
    times = np.array([[*map(seconds, functions, calls)] for _ in range(turns)])
    ratios = times[:, :1] / times[:, 1:]
    return 1e3 * np.median(times[:, 0]), np.quantile(ratios, [0.25, 0.5, 0.75], axis=0)


def resident_kilobytes():
    """The most memory this process has held at once (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0])


def print_memory(side, layer, dtype, *shape):
    """In a process of its own: what a first training step adds, in kB."""
    rivals = Rivals(layer, dtype, *map(int, shape))
    warm = Rivals(layer, dtype, 2, 2, 2, 2)  # libraries load their kernels
    step = {"ours": "train", "theirs": "train_torch"}[side]
    getattr(warm, step)()
    before = resident_kilobytes()
    getattr(rivals, step)()
    print(resident_kilobytes() - before)


def import_milliseconds(code):
    """How long a new process takes to import, the best of five."""
    timed = (
        f"from time import perf_counter as t; s = t(); {code}; print(1e3 * (t() - s))"
    )
    runs = (
        subprocess.run([sys.executable, "-c", timed], capture_output=True, check=True)
        for _ in range(5)
    )
    return min(float(run.stdout) for run in runs)


def memory_ratio(layer, dtype, shape):
    """Ours over PyTorch's."""
    if not Path("/proc/self/status").exists():
        return None
    added = []
    for side in ("ours", "theirs"):
        command = [sys.executable, "-m", "benchmarks", "layers", "--memory", side]
        command += [layer, dtype, *map(str, shape)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        added.append(int(run.stdout.split()[-1]))
    return round(added[0] / max(added[1], 1), 2)


def rows(turns, with_memory):
    """Every row of the table, as it is measured."""
    for layer, dtype, shape in product(LAYERS, RTOL, SHAPES):
        rivals = Rivals(layer, dtype, *shape)
        for run in ("infer", "train"):
            ours, theirs, kerass = (
                getattr(rivals, run + side) for side in ("", "_torch", "_keras")
            )
            check_equal(ours(), theirs(), RTOL[dtype])
            products = rivals.products(training=run == "train")
            ms, quartiles = measure([ours, theirs, kerass, products], turns)
            (q1, *_), (ratio, to_keras, to_products), (q3, *_) = quartiles
            memory = ""
            if run == "train" and with_memory:
                memory = memory_ratio(layer, dtype, shape)
            yield dict(
                layer=layer, dtype=dtype, **dict(zip("TNDH", shape)), run=run, ms=ms,
                ratio=ratio, q1=q1, q3=q3, keras=1 / to_keras * ratio,
                products=to_products, memory=memory,
            )  # fmt: skip


def main(arguments=None):
    """Print the table; keep every number in a file if asked to."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks layers", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--quick", action="store_true", help="3 turns, no memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep all numbers")
    parser.add_argument("--memory", nargs=7, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    if options.memory:
        return print_memory(*options.memory)

    versions = {"Python": platform.python_version(), "NumPy": np.__version__}
    versions |= {"PyTorch": torch.__version__, "Keras": keras.__version__}
    versions |= {"CPU": torch.backends.cpu.get_cpu_capability()}
    print(*(f"{name} {value}" for name, value in versions.items()), sep=", ")
    added = import_milliseconds("import numpy; s = t(); import lstm_lib")
    layers = import_milliseconds("import numpy; s = t(); from lstm_lib import LSTM")
    print(
        f"import lstm_lib adds {added:.0f} ms to import numpy, its LSTM {layers:.0f} ms"
    )
    print(HEADER)
    measured = []
    for row in rows(3 if options.quick else 15, with_memory=not options.quick):
        print(ROW.format(**row), flush=True)
        measured.append(row)
    if options.json:
        options.json.write_text(json.dumps({"versions": versions, "rows": measured}))


if __name__ == "__main__":
    main()
