"""Variants of the LSTM, of equal size, on three tasks.

Each network gets as many hidden units as fit into the same number of
parameters, the same initialisation (forget bias 1 where there is a forget
gate with a bias), the same batches and the same number of steps.
Source of the question: Greff et al. (2017), A Search Space Odyssey, who find
that no variant improves on the vanilla LSTM by much and that the forget gate
and the output activation matter most.
"""

import numpy as np

from lstm_lib import GRU, LSTM, RNN, tasks
from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = "Which parts of the LSTM matter, at equal numbers of parameters?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4],
    "tasks": ["copy", "adding", "brackets"],
    "variants": [
        "LSTM",
        "peephole",
        "coupled",
        "no input gate",
        "no forget gate",
        "no output gate",
        "GRU",
        "tanh",
    ],
    "parameters": 5000,
    "batch": 32,
    "steps": 800,
    "learning_rate": 0.01,
    "clip": 1.0,
}
QUICK = {
    "seeds": [0],
    "tasks": ["adding"],
    "variants": ["LSTM", "no input gate", "tanh"],
}

TASKS = {
    "copy": lambda: tasks.Copy(10, length=3),
    "adding": lambda: tasks.Adding(30, dtype=np.float32),
    "brackets": lambda: tasks.Brackets(20, depth=4),
}
VARIANTS = {
    "LSTM": (LSTM, {"forget_bias": 1}),
    "peephole": (LSTM, {"forget_bias": 1, "peephole": True}),
    "coupled": (LSTM, {"forget_bias": 1, "coupled": True}),
    "no input gate": (LSTM, {"forget_bias": 1, "gates": "fo"}),
    "no forget gate": (LSTM, {"gates": "io"}),
    "no output gate": (LSTM, {"forget_bias": 1, "gates": "if"}),
    "GRU": (GRU, {}),
    "tanh": (RNN, {}),
}


def conditions(settings):
    """Every task with every variant."""
    return [
        {"task": task, "variant": variant}
        for task in settings["tasks"]
        for variant in settings["variants"]
    ]


def measure(settings, seed, task, variant):
    """Train, and score on a fresh sample."""
    task = TASKS[task]()
    D = getattr(task, "input_size", None) or task.num_symbols
    H = 1
    while _size(variant, D, H + 1) <= settings["parameters"]:
        H += 1
    kind, options = VARIANTS[variant]
    f32 = {"dtype": np.float32, "rng": seed}
    layers = [kind(D, H, **options, **f32), Dense(H, task.output_size, **f32)]
    if isinstance(task, tasks.Adding):
        layers.insert(1, LastStep())
    else:
        layers.insert(0, OneHot(D, dtype=np.float32))
    model = Sequential(*layers)
    history = fit(
        model,
        task.batches(settings["batch"], seed),
        task.loss,
        Adam(settings["learning_rate"]),
        settings["steps"],
        clip=settings["clip"],
    )
    test = task.sample(1000, np.random.default_rng((seed, 999)))
    return {
        "hidden_size": H,
        "score": round(task.score(predict(model, test), test), 3),
        "loss": float(f"{np.mean(history.losses[-50:]):.3g}"),
    }


def _size(variant, D, H):
    """The number of parameters of the recurrent layer."""
    kind, options = VARIANTS[variant]
    return sum(array.size for array in kind(D, H, **options).parameters.values())


def claims(results):
    """Medians over the seeds; what a quick run did not measure is left out."""
    found = {}
    for record in results:
        key = record["task"], record["variant"]
        found.setdefault(key, []).append(record["score"])
    median = {key: float(np.median(scores)) for key, scores in found.items()}
    claims = {
        "adding: the LSTM solves more than 0.7": median["adding", "LSTM"] > 0.7,
        "adding: without an input gate less than 0.2 is solved": median[
            "adding", "no input gate"
        ]
        < 0.2,
        "adding: the tanh network solves less than 0.2": median["adding", "tanh"] < 0.2,
    }
    if ("copy", "LSTM") in median:  # the full version
        claims |= {
            "copy: without a forget gate more is solved than with": median[
                "copy", "no forget gate"
            ]
            > median["copy", "LSTM"],
            "brackets: every variant with gates solves more than 0.9": all(
                score > 0.9
                for (task, variant), score in median.items()
                if task == "brackets" and variant != "tanh"
            ),
        }
    return claims
