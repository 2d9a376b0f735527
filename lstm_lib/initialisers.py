"""Initial weights other than the uniform ones a layer starts with.

Each function fills the parameters of an RNN, LSTM or GRU in place and returns
the layer: `layer = chrono(LSTM(1, 64), longest=100, rng=0)`. What it does not
name stays as it is.
"""

from numbers import Real

import numpy as np


def uniform(layer, rng=None):
    """Fill every parameter uniformly in +-1/sqrt(H), as a new layer is.

    rng: a seed or numpy Generator. Source: PyTorch's nn.LSTM.
    """
    bound = layer.hidden_size**-0.5
    rng = np.random.default_rng(rng)
    for array in layer.parameters.values():
        array[...] = rng.uniform(-bound, bound, array.shape)
    return layer


def glorot(layer, rng=None):
    """Fill each block of W uniformly in +-sqrt(6 / (D + H)), and b with zeros.

    The variance suits a block's own D inputs and H outputs; Keras takes the
    fused matrix, D and 4H. rng: a seed or numpy Generator.
    Source: Glorot & Bengio (2010).
    """
    rng = np.random.default_rng(rng)
    for key, array in layer.parameters.items():
        if key.startswith("W_"):
            bound = np.sqrt(6 / (len(array) + layer.hidden_size))
            array[...] = rng.uniform(-bound, bound, array.shape)
        elif key.startswith(("b_", "bn_")):
            array[...] = 0
    return layer


def orthogonal(layer, rng=None, *, gain=1.0):
    """Fill each H x H block of U with gain times a random orthogonal matrix.

    rng: a seed or numpy Generator. Source: Saxe, McClelland & Ganguli (2014).
    """
    rng, H = np.random.default_rng(rng), layer.hidden_size
    for array in _recurrent(layer):
        for k in range(0, array.shape[1], H):
            q, r = np.linalg.qr(rng.normal(size=(H, H)))
            array[:, k : k + H] = gain * q * np.sign(np.diag(r))  # uniform, not only q
    return layer


def identity(layer, *, scale=1.0):
    """Fill each H x H block of U with scale times the identity, b with zeros.

    With nonlinearity="relu" this is the IRNN.
    Source: Le, Jaitly & Hinton (2015).
    """
    H = layer.hidden_size
    for array in _recurrent(layer):
        array[...] = np.tile(scale * np.eye(H), array.shape[1] // H)
    for key, array in layer.parameters.items():
        if key.startswith(("b_", "bn_")):
            array[...] = 0
    return layer


def forget_bias(layer, value):
    """Fill the bias of the gate that keeps with a number.

    That is f in an LSTM and z in a GRU, in every layer and direction.
    Raises ValueError if the value is not finite or the layer has no such bias.
    """
    if not isinstance(value, Real) or not np.isfinite(value):
        raise ValueError(f"forget_bias: expected a finite number, got {value!r}")
    if abs(value) > np.finfo(layer.dtype).max:
        raise ValueError(f"forget_bias: expected a {layer.dtype} number, got {value}")
    for bias in _blocks(layer, "forget_bias", _keeping(layer)):
        bias[...] = value
    return layer


def chrono(layer, longest, rng=None):
    """Fill the biases so that the units' memories spread up to a longest lag.

    The gate that keeps gets log u, u uniform in 1..longest - 1 for each
    unit; an LSTM's input gate, where there is one, gets minus that.
    longest: a number of steps, above 2. rng: a seed or numpy Generator.
    Raises ValueError naming the argument.
    Source: Tallec & Ollivier (2018).
    """
    if not isinstance(longest, Real) or not 2 < longest < np.inf:
        raise ValueError(f"longest: expected a number above 2, got {longest!r}")
    rng = np.random.default_rng(rng)
    keeps = _blocks(layer, "chrono", _keeping(layer))
    writes = _blocks(layer, "chrono", "i") if "i" in layer.block_names else []
    for bias in keeps:
        bias[...] = np.log(rng.uniform(1, longest - 1, len(bias)))
    for bias, kept in zip(writes, keeps):
        bias[...] = -kept
    return layer


def _keeping(layer):
    """The block that keeps the old state: f of an LSTM, z of a GRU."""
    return "z" if "z" in layer.block_names else "f"


def _recurrent(layer):
    return [array for key, array in layer.parameters.items() if key.startswith("U_")]


def _blocks(layer, argument, name):
    """One block of each bias, as views (H,) into the parameters."""
    biases = [array for key, array in layer.parameters.items() if key[:2] == "b_"]
    if not biases or name not in layer.block_names:
        raise ValueError(
            f"{argument}: expected a layer with biases and a gate {name!r}, got "
            f"{type(layer).__name__} with blocks {layer.block_names!r}, "
            f"bias={layer.bias}"
        )
    k = layer.block_names.index(name) * layer.hidden_size
    return [array[k : k + layer.hidden_size] for array in biases]
