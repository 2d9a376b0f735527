"""Training to recall the first of four symbols: what two experiments share."""

import numpy as np

from lstm_lib import tasks
from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

TRAINING = {
    "hidden_size": 32,
    "batch": 32,
    "learning_rate": 0.003,
    "clip": 1.0,
    "solved": 0.99,
}


def recall(lag, settings, seed, make_layer):
    """Train until a fresh sample is recalled, or to the last step.

    make_layer: a function of the sizes D and H, with dtype and rng as keywords.
    Returns whether it was solved, after how many steps, and the last score.
    """
    task, H = tasks.Recall(lag), settings["hidden_size"]
    f32 = {"dtype": np.float32, "rng": seed}
    layer = make_layer(task.num_symbols, H, **f32)
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
