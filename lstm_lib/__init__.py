"""Recurrent networks in NumPy, written to be read.

`cells` holds one time step, one line per equation; `layers` holds whole
sequences, forward and backward, written for speed. The two are tested
equal to each other, to PyTorch and to Keras. An experiment is ten lines:

>>> from lstm_lib import LSTM, Adam, Dense, LastStep, OneHot, Sequential
>>> from lstm_lib import fit, predict, tasks
>>> task = tasks.Recall(lag=5)
>>> model = Sequential(
...     OneHot(task.num_symbols),
...     LSTM(task.num_symbols, 16, forget_bias=2, rng=0),
...     LastStep(),
...     Dense(16, task.output_size, rng=0),
... )
>>> history = fit(model, task.batches(32, seed=0), task.loss, Adam(0.01), steps=100)
>>> test = task.sample(500, rng=1)
>>> task.score(predict(model, test), test)
1.0

Importing the package loads NumPy at most: every public name is looked up on
first use (PEP 562), and so are the modules `tasks`, `datasets`, `plot`.
"""

from importlib import import_module

_HOME = {
    "sigmoid": "cells",
    "rnn_step": "cells",
    "lstm_step": "cells",
    "peephole_step": "cells",
    "coupled_step": "cells",
    "ablated_step": "cells",
    "gru_step": "cells",
    "minlstm_step": "cells",
    "mingru_step": "cells",
    "relu": "cells",
    "RNN": "layers",
    "LSTM": "layers",
    "GRU": "layers",
    "Dense": "feedforward",
    "Embedding": "feedforward",
    "OneHot": "feedforward",
    "Dropout": "feedforward",
    "LastStep": "feedforward",
    "MeanOverTime": "feedforward",
    "Attention": "attention",
    "WordAttention": "attention",
    "Sequential": "models",
    "EncoderDecoder": "models",
    "predict": "models",
    "IGNORE": "losses",
    "softmax": "losses",
    "log_softmax": "losses",
    "softmax_cross_entropy": "losses",
    "binary_cross_entropy": "losses",
    "mse": "losses",
    "ctc_loss": "ctc",
    "ctc_decode": "ctc",
    "SGD": "optimizers",
    "RMSProp": "optimizers",
    "Adam": "optimizers",
    "clip_by_global_norm": "optimizers",
    "Batch": "batches",
    "Drawn": "batches",
    "Shuffled": "batches",
    "Windows": "batches",
    "pad": "batches",
    "fit": "training",
    "accuracy": "evaluation",
    "perplexity": "evaluation",
    "bits_per_character": "evaluation",
    "mase": "evaluation",
    "edit_distance": "evaluation",
    "phoneme_error_rate": "evaluation",
    "evaluate_stream": "evaluation",
    "NGram": "baselines",
    "generate": "sampling",
    "beam_search": "sampling",
    "summary": "inspect",
    "activations": "inspect",
    "gradient_norms": "inspect",
    "to_torch": "convert",
    "from_torch": "convert",
    "to_keras": "convert",
    "from_keras": "convert",
    "to_onnx": "convert",
    "from_onnx": "convert",
    "save": "convert",
    "load": "convert",
    "gradcheck": "gradients",
    "numerical_gradient": "gradients",
    "ShapeError": "validation",
}
_MODULES = ("checks", "datasets", "draw", "initialisers", "inspect", "plot", "tasks")
__all__ = list(_HOME)


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"lstm_lib.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'lstm_lib' has no attribute {name!r}")
    return getattr(import_module(f"lstm_lib.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
