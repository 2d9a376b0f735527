"""Recurrent networks in NumPy, written to be read.

`cells` holds one time step, one line per equation; `layers` holds whole
sequences, forward and backward, written for speed. The two are tested
equal to each other, to PyTorch and to Keras. Importing the package loads
NumPy at most: every public name is looked up on first use (PEP 562).
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
__all__ = list(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'lstm_lib' has no attribute {name!r}")
    return getattr(import_module(f"lstm_lib.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *__all__])
