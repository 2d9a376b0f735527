"""Variants of the LSTM, of equal size, on three tasks.

A small version of Greff et al. (2017), A Search Space Odyssey. Each network has
as many hidden units as fit into the same number of parameters, output layer
included; the same first forget bias where there is a forget gate; the same
batches and number of steps. From each seed it is trained once at each learning
rate, and the training that does best on a validation sample is scored on a
test sample: a variant does not suffer from another's learning rate. Training is
short, so a score says how far a network has come by then, not how far it can. Most
networks do better at the greater of the two rates; a third might suit some more.

The LSTM that all are compared with has no peepholes, as in PyTorch and Keras.
The "vanilla" LSTM of the paper has them, so its variant NP is our LSTM.
"""

import numpy as np

from experiments._sizes import widest
from lstm_lib import GRU, LSTM, RNN, tasks
from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = "Which parts of the LSTM matter, at equal numbers of parameters?"
SETTINGS = {
    "seeds": [0, 1, 2, 3, 4, 5, 6, 7],
    "tasks": ["copy", "adding", "brackets"],
    "variants": [
        "LSTM",
        "peephole",
        "coupled",
        "no input gate",
        "no forget gate",
        "no output gate",
        "no candidate activation",
        "no output activation",
        "GRU",
        "tanh",
    ],
    "parameters": 5000,
    "batch": 32,
    "steps": {"copy": 500, "adding": 400, "brackets": 400},
    "learning_rates": [0.01, 0.03],
    "clip": 1.0,
}
QUICK = {
    "seeds": [0],
    "tasks": ["adding"],
    "variants": ["no input gate", "GRU"],
}

TASKS = {
    "copy": lambda: tasks.Copy(10, length=3),
    "adding": lambda: tasks.Adding(30, dtype=np.float32),
    "brackets": lambda: tasks.Brackets(20, depth=8, pairs=3),
}
VARIANTS = {
    "LSTM": (LSTM, {"forget_bias": 1}),
    "peephole": (LSTM, {"forget_bias": 1, "peephole": True}),
    "coupled": (LSTM, {"forget_bias": 1, "coupled": True}),
    "no input gate": (LSTM, {"forget_bias": 1, "gates": "fo"}),
    "no forget gate": (LSTM, {"gates": "io"}),
    "no output gate": (LSTM, {"forget_bias": 1, "gates": "if"}),
    "no candidate activation": (LSTM, {"forget_bias": 1, "activation": "identity"}),
    "no output activation": (LSTM, {"forget_bias": 1, "readout": "identity"}),
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
    """Train at each learning rate; test the one that validates best."""
    H = widest(lambda H: build(task, variant, H, seed), settings["parameters"])
    asked, steps = TASKS[task](), settings["steps"][task]
    unseen, test = (
        asked.sample(1000, np.random.default_rng((seed, k))) for k in (998, 999)
    )
    models, validation = {}, {}
    for rate in settings["learning_rates"]:
        models[rate] = model = build(task, variant, H, seed)
        fit(
            model,
            asked.batches(settings["batch"], seed),
            asked.loss,
            Adam(rate),
            steps,
            clip=settings["clip"],
        )
        validation[rate] = asked.score(predict(model, unseen), unseen)
    best = max(validation, key=validation.get)
    return {
        "hidden_size": H,
        "learning_rate": best,
        "score": round(asked.score(predict(models[best], test), test), 3),
        "validation": {str(rate): round(v, 3) for rate, v in validation.items()},
    }


def build(task, variant, H, seed):
    """A model for a task, its recurrent layer of H units."""
    task, (kind, options) = TASKS[task](), VARIANTS[variant]
    D = getattr(task, "input_size", None) or task.num_symbols
    f32 = {"dtype": np.float32, "rng": seed}
    layers = [kind(D, H, **options, **f32), Dense(H, task.output_size, **f32)]
    if isinstance(task, tasks.Adding):
        layers.insert(1, LastStep())
    else:
        layers.insert(0, OneHot(D, dtype=np.float32))
    return Sequential(*layers)


def compared(results):
    """Each variant with the LSTM: (task, variant) -> (least, greatest, verdict).

    The differences in score are taken seed by seed. The least and the greatest
    of eight enclose the median difference with a probability of 1 - 2 / 2**8,
    or 99.2 %, whatever the distribution. The verdict is "better" or "worse"
    where all differences agree, else "not decided". Eight was settled on after
    results of the first task had been seen, so the probability is a rough one.
    """
    scores = {}
    for record in results:
        of_seeds = scores.setdefault((record["task"], record["variant"]), {})
        of_seeds[record["seed"]] = record["score"]
    found = {}
    for (task, variant), of_seeds in scores.items():
        base = scores.get((task, "LSTM"), {})
        if variant != "LSTM" and len(base) > 2:
            differences = [round(of_seeds[seed] - base[seed], 3) for seed in base]
            least, greatest = min(differences), max(differences)
            verdict = "better" if least > 0 else "worse" if greatest < 0 else None
            found[task, variant] = least, greatest, verdict or "not decided"
    return found


def claims(results):
    """What holds with room to spare; a quick run measures the first two."""
    scores = {}
    for record in results:
        key = record["task"], record["variant"]
        scores.setdefault(key, []).append(record["score"])
    least, most = ({key: f(of) for key, of in scores.items()} for f in (min, max))
    found = {
        "adding: without an input gate less than 0.2 is solved": (
            most["adding", "no input gate"] < 0.2
        ),
        "adding: the GRU solves more than 0.9 with every seed": (
            least["adding", "GRU"] > 0.9
        ),
    }
    if ("copy", "LSTM") in scores:  # the full version
        middle = {key: float(np.median(of)) for key, of in scores.items()}
        verdicts = {key: verdict for key, (*_, verdict) in compared(results).items()}
        wins = [variant for (_, variant), said in verdicts.items() if said == "better"]
        found |= {
            "adding: tanh solves less than 0.2": most["adding", "tanh"] < 0.2,
            "copy: without an input gate less than 0.4 is solved": (
                most["copy", "no input gate"] < 0.4
            ),
            "copy: coupled, or without a forget gate, the median is above the LSTM's": (
                min(middle["copy", "coupled"], middle["copy", "no forget gate"])
                > middle["copy", "LSTM"] + 0.05
            ),
            "the GRU is better than the LSTM at adding and worse at brackets": (
                verdicts["adding", "GRU"],
                verdicts["brackets", "GRU"],
            )
            == ("better", "worse"),
            "brackets: every variant with gates has a median above tanh's best": all(
                middle["brackets", variant] > most["brackets", "tanh"] + 0.1
                for variant in VARIANTS
                if variant != "tanh"
            ),
            "no variant is better than the LSTM on two tasks": (
                len(wins) == len(set(wins))
            ),
            "most comparisons with the LSTM are not decided": (
                [*verdicts.values()].count("not decided") > len(verdicts) / 2
            ),
        }
    return found
