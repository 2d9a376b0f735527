"""Depth against width: LSTMs of one, two and three layers with equally many weights.

They predict the next character of a text, from little text and from much. Each
is trained at two learning rates, until the loss on a validation text has not
fallen for a while, and goes back to where that was least; the better of the two
is tested. With little text that ends most trainings, with much text the limit
of steps does, so a deep network may still be catching up. Each seed has its own
piece of the text and its own weights. Dropout acts between layers, so not in a
single one; it is tried where there is little text. The text is that of the
Python that runs this.
Source of the question: Pascanu et al. (2014), How to Construct Deep Recurrent
Neural Networks; dropout between layers: Zaremba, Sutskever & Vinyals (2014).
"""

from functools import cache

import numpy as np

from experiments._sizes import widest
from lstm_lib import LSTM, datasets
from lstm_lib.batches import Windows
from lstm_lib.evaluation import bits_per_character, evaluate_stream
from lstm_lib.feedforward import Dense, OneHot
from lstm_lib.losses import softmax_cross_entropy
from lstm_lib.models import Sequential
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = (
    "Do two or three layers predict text better than one wide one with as many "
    "parameters, from little text and from much?"
)
SETTINGS = {
    "seeds": [0, 1, 2, 3],
    "depths": [1, 2, 3],
    "examples": [16000, 256000],  # characters to learn from
    "dropouts": [0.0, 0.3],
    "score": "bits per character on the test text, less is better",
    "parameters": 20000,
    "batch": 32,
    "window": 20,
    "steps": 1200,
    "every": 75,
    "patience": 4,
    "learning_rates": [0.01, 0.02],
    "clip": 1.0,
}
QUICK = {
    "seeds": [0],
    "depths": [1, 2],
    "examples": [16000],
    "dropouts": [0.0],
    "steps": 600,
    "learning_rates": [0.02],
}


def conditions(settings):
    """Every depth with every amount of text; dropout with little, where it acts."""
    return [
        {"depth": depth, "examples": examples, "dropout": dropout}
        for examples in settings["examples"]
        for depth in settings["depths"]
        for dropout in settings["dropouts"]
        if not dropout or depth > 1 and examples == min(settings["examples"])
    ]


def measure(settings, seed, depth, examples, dropout):
    """Train until validation stops falling; bits per character of the test text."""
    train, validation, test = _text()
    validation = validation[:12000]
    start = np.random.default_rng((seed, examples)).integers(len(train) - examples)
    train = train[start : start + examples]
    V = int(max(part.max() for part in _text())) + 1

    def build(H):
        f32 = {"dtype": np.float32, "rng": seed}
        layer = LSTM(V, H, depth, dropout=dropout, forget_bias=1, **f32)
        return Sequential(OneHot(V, dtype=np.float32), layer, Dense(H, V, **f32))

    H = widest(build, settings["parameters"])
    tried = []
    for rate in settings["learning_rates"]:
        model = build(H)
        history = fit(
            model,
            Windows(train, settings["batch"], settings["window"]),
            softmax_cross_entropy,
            Adam(rate),
            settings["steps"],
            clip=settings["clip"],
            validate=lambda model: _bits(model, validation),
            every=settings["every"],
            patience=settings["patience"],
        )
        tried.append((history.best, rate, history.best_step, model))
    best, rate, steps, model = min(tried, key=lambda found: found[0])
    return {
        "hidden_size": H,
        "learning_rate": rate,
        "steps": steps,
        "score": round(_bits(model, test), 3),
        "train_score": round(_bits(model, train[:16000]), 3),
        "validation": {str(found[1]): round(found[0], 3) for found in tried},
    }


def _bits(model, tokens):
    """Cross-entropy per character, the text read as 50 streams."""
    return bits_per_character(evaluate_stream(model, tokens, size=50))


@cache
def _text():
    """Train, validation and test text as integers, small letters only."""
    text = datasets.technical_text(by="topic")
    parts = [part.lower() for part in (text.train, text.validation, text.test)]
    vocabulary = datasets.Vocabulary.of(parts[0], unknown="\ufffd")
    return [np.array(vocabulary.encode(part)) for part in parts]


def claims(results):
    """What holds with room to spare; a quick run measures the first one."""
    plain = [record for record in results if not record["dropout"]]
    test, train = (
        {(r["depth"], r["examples"], r["seed"]): r[key] for r in plain}
        for key in ("score", "train_score")
    )
    little, much = SETTINGS["examples"]
    seeds = sorted({record["seed"] for record in plain})

    def rises(depth, examples):
        """From one layer to more, seed by seed; above 0 is worse."""
        return [test[depth, examples, s] - test[1, examples, s] for s in seeds]

    found = {
        "little text: one or two layers are 0.5 bits worse on new text": all(
            test[k, little, s] - train[k, little, s] > 0.5
            for k in (1, 2)
            for s in seeds
        ),
    }
    if (1, much, 0) in test:  # the full version
        found |= {
            "sixteen times the text is worth 0.4 bits at every depth": all(
                test[k, little, s] - test[k, much, s] > 0.4
                for k in SETTINGS["depths"]
                for s in seeds
            ),
            "little text: three layers are worse than one with every seed": (
                min(rises(3, little)) > 0
            ),
            "much text: three layers are worse than one with every seed": (
                min(rises(3, much)) > 0
            ),
            "two layers and one: medians less than 0.1 bits apart": all(
                abs(np.median(rises(2, examples))) < 0.1 for examples in (little, much)
            ),
        }
    return found
