"""A layer's weights in PyTorch's, Keras' and ONNX' form, and in a file.

Each format writes the same numbers in its own way: rows or columns, its own
order of the gates, one bias or two. `to_...` writes what a layer holds;
`from_...` fills a layer, in place, with what a format holds:

    twin = torch.nn.LSTM(3, 4, dtype=torch.float64)
    layer = from_torch(LSTM(3, 4), twin.state_dict())
    twin.load_state_dict(to_torch(layer))

Out and back gives the same bits. Reading preserves the function: of two
biases that are only ever added, a layer here keeps the sum, and writing puts
that into the first and zeros into the second.

Two options of `LSTM` are written as an ordinary LSTM that computes the same:
a coupled input gate as minus the forget gate's weights, since sigmoid(-z) is
1 - sigmoid(z), and a gate left out as zero weights and a bias of 40, where
sigmoid is exactly 1. They read back as long as that holds: training elsewhere
leaves the open gate open, but does not keep the coupled gates coupled.

What does not fit is refused by name, and then nothing has changed.
"""

import copy
from collections.abc import Mapping, Sequence

import numpy as np

from lstm_lib import files
from lstm_lib.layers import GRU, LSTM, RNN
from lstm_lib.models import describe
from lstm_lib.validation import ShapeError, as_floats

# Column blocks in our letters; g is the others' c, n their h. PyTorch's order
# is ours.
_BLOCKS = {"RNN": "h", "LSTM": "ifgo", "GRU": "rzn"}
_KERAS_BLOCKS = _BLOCKS | {"GRU": "zrn"}
_ONNX_BLOCKS = _BLOCKS | {"GRU": "zrn", "LSTM": "iofg"}

# The ONNX operators' attributes where a node does not say otherwise.
_ONNX_DEFAULTS = {
    "RNN": {"activations": ["Tanh"]},
    "LSTM": {"activations": ["Sigmoid", "Tanh", "Tanh"], "input_forget": 0},
    "GRU": {"activations": ["Sigmoid", "Tanh"], "linear_before_reset": 0},
}

_CLASSES = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
# What a file says about a layer, beside its weights.
_SIZES = ("input_size", "hidden_size", "num_layers", "bias", "bidirectional")
_OPTIONS = {
    "RNN": ("nonlinearity",),
    "LSTM": ("peephole", "coupled", "gates", "activation", "readout"),
    "GRU": ("reset_after",),
}
_USE = ("batch_first", "dropout")  # how it is called: may differ in a layer filled


# ---- PyTorch -------------------------------------------------------------------


def to_torch(layer):
    """The layer's weights as a state_dict of PyTorch's RNN, LSTM or GRU.

    Returns a dict of new CPU tensors of the layer's dtype, K blocks of H
    rows: weight_ih_l0 (KH, D), weight_hh_l0 (KH, H), bias_ih_l0 (KH,) and
    bias_hh_l0 (KH,), the last zero but for the n block of a GRU; then with
    the suffix _reverse, and the further layers.
    Raises ValueError for what PyTorch lacks: peepholes, reset_after=False,
    an LSTM's tanh left out, a gate left out without biases.
    Source: docs.pytorch.org, torch.nn.RNN, LSTM and GRU, "Variables".
    """
    import torch

    return {key: torch.tensor(array) for key, array in _torch_arrays(layer).items()}


def from_torch(layer, state_dict):
    """Fill a layer with a state_dict of PyTorch's RNN, LSTM or GRU.

    state_dict: keys and shapes as `to_torch` gives them, tensors or arrays,
    of the layer's dtype or a narrower one. It does not say which
    nonlinearity an nn.RNN has.
    Returns the layer. Raises ShapeError naming the key that differs,
    TypeError for another dtype, ValueError as `to_torch` does.
    """
    template, runs = _torch_arrays(_blank(layer)), {}
    _expect_type("state_dict", Mapping, state_dict)
    found = _match(template, state_dict, layer.dtype)
    for suffix in _suffixes(layer):
        run = {"W": found[f"weight_ih{suffix}"].T, "U": found[f"weight_hh{suffix}"].T}
        if layer.bias:
            biases = found[f"bias_ih{suffix}"], found[f"bias_hh{suffix}"]
            run["b"] = np.stack(biases)
        runs[suffix] = run
    return _fill(layer, _collect(layer, runs, _BLOCKS))


def _torch_arrays(layer):
    reason = f"PyTorch's {_kind(layer)} has nothing else"
    tanh = {"activation": "tanh", "readout": "tanh"}
    _refuse(layer, reason, peephole=False, reset_after=True, **tanh)
    arrays = {}
    for suffix, run in _export(layer, _BLOCKS).items():
        arrays[f"weight_ih{suffix}"] = run["W"].T
        arrays[f"weight_hh{suffix}"] = run["U"].T
        if layer.bias:
            arrays[f"bias_ih{suffix}"], arrays[f"bias_hh{suffix}"] = run["b"]
    return arrays


# ---- Keras ---------------------------------------------------------------------


def to_keras(layer):
    """The layer's weights as get_weights() of Keras' SimpleRNN, LSTM or GRU.

    Returns a list of new arrays: kernel (D, KH), recurrent_kernel (H, KH)
    and bias (KH,), for a GRU with reset_after (2, 3H); of a bidirectional
    layer the forward, then the backward direction's, as in Bidirectional;
    of stacked layers one after the other, as in a Sequential of them. An
    LSTM's activation and readout are one in Keras, activation="linear" where
    both are the identity.
    Raises ValueError for what Keras lacks: peepholes, one of these two left
    out alone, a gate left out without biases.
    Source: keras.io, SimpleRNN, LSTM, GRU and Bidirectional layer.
    """
    reason = f"Keras' {_kind(layer)} has nothing else"
    _refuse(layer, reason, peephole=False)
    if isinstance(layer, LSTM):
        _refuse(layer, "Keras' LSTM has one for both", readout=layer.activation)
    weights = []
    for run in _export(layer, _KERAS_BLOCKS).values():
        weights += [run["W"], run["U"]]
        if layer.bias:
            weights.append(run["b"] if _two_biases(layer) else run["b"][0])
    return weights


def from_keras(layer, weights):
    """Fill a layer with get_weights() of Keras' SimpleRNN, LSTM or GRU.

    weights: a list as `to_keras` gives it, of the layer's dtype or a
    narrower one. It does not say which activations a Keras layer has.
    Returns the layer. Raises ShapeError naming the entry that differs,
    TypeError for another dtype, ValueError as `to_keras` does.
    """
    template, runs = to_keras(_blank(layer)), {}
    _expect_type("weights", Sequence, weights)
    mine, theirs = (
        {f"weights[{k}]": array for k, array in enumerate(arrays)}
        for arrays in (template, weights)
    )
    found = iter(_match(mine, theirs, layer.dtype).values())
    for suffix in _suffixes(layer):
        run = {"W": next(found), "U": next(found)}
        if layer.bias:
            b = next(found)
            run["b"] = b if _two_biases(layer) else np.stack([b, np.zeros_like(b)])
        runs[suffix] = run
    return _fill(layer, _collect(layer, runs, _KERAS_BLOCKS))


# ---- ONNX ----------------------------------------------------------------------


def to_onnx(layer):
    """The layer's weights as nodes of the ONNX operator RNN, LSTM or GRU.

    Returns a list with one dict for each stacked layer:
    - "op_type": "RNN", "LSTM" or "GRU";
    - "attributes": hidden_size, direction ("forward" or "bidirectional"),
      activations, and linear_before_reset (GRU) or input_forget (LSTM);
    - "inputs": new arrays W (directions, KH, D), R (directions, KH, H), with
      biases B (directions, 2KH), with peepholes P (directions, 3H).
    A node's output Y is (T, directions, N, H), the next one's input X
    (T, N, directions * H).
    Raises ValueError for a gate left out without biases, and for an LSTM's
    tanh left out, which this function does not write.
    Source: onnx.ai, Operators, RNN, GRU and LSTM, since version 7. The page
    does not say which of two coupled gates leads; a coupled layer is written
    so that both readings, and none, compute the same.
    """
    _refuse(layer, "to_onnx writes nothing else", activation="tanh", readout="tanh")
    runs = list(_export(layer, _ONNX_BLOCKS).values())
    nodes = []
    for level in range(layer.num_layers):
        pair = runs[level * layer._directions :][: layer._directions]
        inputs = {
            "W": [run["W"].T for run in pair],
            "R": [run["U"].T for run in pair],
            "B": [run["b"].reshape(-1) for run in pair if "b" in run],
            "P": [run["p"] for run in pair if "p" in run],
        }
        node = {
            "op_type": _kind(layer),
            "attributes": _onnx_attributes(layer),
            "inputs": {key: np.stack(rows) for key, rows in inputs.items() if rows},
        }
        nodes.append(node)
    return nodes


def from_onnx(layer, nodes):
    """Fill a layer with nodes of the ONNX operator RNN, LSTM or GRU.

    nodes: a list as `to_onnx` gives it, one for each stacked layer, arrays
    of the layer's dtype or a narrower one. An attribute not given has the
    operator's default; `layout` moves no weights and is not looked at.
    Returns the layer. Raises ShapeError naming the input that differs,
    TypeError for another dtype, ValueError naming the attribute that
    differs, or as `to_onnx` does.
    """
    template, runs = to_onnx(_blank(layer)), {}
    _expect_type("nodes", Sequence, nodes)
    _expect("len(nodes)", len(template), len(nodes))
    for level, (mine, theirs) in enumerate(zip(template, nodes)):
        name = f"nodes[{level}]"
        _expect_type(name, Mapping, theirs)
        _expect(f"{name} keys", sorted(mine), sorted(theirs))
        _expect(f"{name} op_type", mine["op_type"], theirs["op_type"])
        _match_attributes(name, layer, theirs["attributes"])
        found = _match(mine["inputs"], theirs["inputs"], layer.dtype, f"{name} ")
        for side, suffix in enumerate(layer._suffixes(level)):
            run = {"W": found["W"][side].T, "U": found["R"][side].T}
            if "B" in found:
                run["b"] = found["B"][side].reshape(2, -1)
            if "P" in found:
                run["p"] = found["P"][side]
            runs[suffix] = run
    return _fill(layer, _collect(layer, runs, _ONNX_BLOCKS))


def _onnx_attributes(layer):
    attributes = {
        "hidden_size": layer.hidden_size,
        "direction": "bidirectional" if layer.bidirectional else "forward",
        **_ONNX_DEFAULTS[_kind(layer)],
    }
    if hasattr(layer, "nonlinearity"):
        attributes["activations"] = [layer.nonlinearity.capitalize()]
    if hasattr(layer, "coupled"):
        attributes["input_forget"] = int(layer.coupled)
    if hasattr(layer, "reset_after"):
        attributes["linear_before_reset"] = int(layer.reset_after)
    attributes["activations"] = attributes["activations"] * layer._directions
    return attributes


def _match_attributes(name, layer, theirs):
    """Refuse a node that computes something else than the layer."""
    mine = _onnx_attributes(layer)
    default = {**mine, "direction": "forward", **_ONNX_DEFAULTS[_kind(layer)]}
    default["activations"] = default["activations"] * layer._directions
    for key in dict.fromkeys([*mine, *theirs]):
        if key != "layout":
            got = _text(theirs.get(key, default.get(key)))
            _expect(f"{name} {key}", mine.get(key), got)


def _text(value):
    """An attribute as plain data: onnx gives text as bytes."""
    if isinstance(value, (list, tuple)):
        return [_text(item) for item in value]
    return value.decode() if isinstance(value, bytes) else value


# ---- Files ---------------------------------------------------------------------


def save(layer, file):
    """Write a layer's constructor arguments and weights, or a model's weights.

    layer: an RNN, LSTM or GRU, or a model of `models`. file: a path, used as
    given; the format is NumPy's .npz, without pickles: the arrays of
    `parameters` and `configuration`, a text in JSON. forget_bias and rng,
    which only made the first weights, are not kept. A file of that name is
    replaced in one step, when the new one is complete.
    Raises OSError if that fails, ValueError for weights that are not finite.
    """
    if hasattr(layer, "parts"):
        arrays = {key: as_floats(key, array) for key, array in layer.parameters.items()}
        files.write(file, {"class": type(layer).__name__} | describe(layer), arrays)
    else:
        configuration = _configuration(layer)
        layer._checked()
        arrays = {key: layer.parameters[key] for key in layer._shapes()}
        files.write(file, configuration, arrays)


def load(file, layer=None):
    """Read a layer or a model from a file that `save` wrote.

    file: a path. layer: a layer to fill, in place, of the same architecture
    and of the file's dtype or a wider one; None makes a new one. A model has
    to be given, as the file has its weights alone.
    Returns the layer. Raises FileNotFoundError; ValueError for a file that
    is damaged, holds pickles or is something else, and naming the first
    entry that differs from the layer's, with what was expected and got.
    """
    writer = "lstm_lib's save"
    stored, arrays = files.read(file, writer)
    if layer is None and stored.get("class") in ("Sequential", "EncoderDecoder"):
        raise ValueError(
            f"layer: expected the {stored['class']} to fill, since {file} holds its "
            f"weights alone, got None"
        )
    if layer is None:
        try:
            options = {key: stored[key] for key in stored if key != "class"}
            layer = _CLASSES[stored["class"]](**options)
            _expect("configuration", _configuration(layer), stored)
        except Exception as error:  # there are many ways to be no such file
            raise files.foreign(file, writer, error) from error
    if hasattr(layer, "parts"):
        _expect(f"{file}: class", type(layer).__name__, stored.get("class"))
        files.expect_same(file, describe(layer), stored)
        template = layer.parameters
        dtype = next((array.dtype for array in template.values()), None)
    else:
        mine = _configuration(layer)
        for key in dict.fromkeys([*mine, *stored]):
            if key not in (*_USE, "dtype"):
                _expect(f"{file}: {key}", mine.get(key), stored.get(key))
        template, dtype = _blank(layer).parameters, layer.dtype
    return _fill(layer, _match(template, arrays, dtype, f"{file}: "))


def _configuration(layer):
    """The constructor's arguments as plain data."""
    kind = _kind(layer)
    names = (*_SIZES, *_USE, *_OPTIONS[kind])
    values = {name: getattr(layer, name) for name in names}
    return {"class": kind, **values, "dtype": layer.dtype.name}


# ---- What the formats share ----------------------------------------------------

_OPEN = 40.0  # sigmoid(40) is exactly 1, in float32 and float64


def _export(layer, blocks):
    """Suffix -> one layer's weights in one direction, new arrays.

    W (D, KH), U (H, KH), with biases b (2, KH), the input's and the recurrent
    one, with peepholes p (3H,); column blocks in the format's order.
    """
    order, runs = blocks[_kind(layer)], {}
    if not layer.bias and getattr(layer, "gates", "ifo") != "ifo":
        raise ValueError(
            f"layer: expected biases, which keep the gates open that "
            f"gates={layer.gates!r} leaves out, got bias=False"
        )
    for suffix, w in layer._checked().items():
        run = {name: _write(layer, w[name], order) for name in ("W", "U")}
        if "b" in w:
            b = _write(layer, w["b"], order, _OPEN)
            run["b"] = np.stack([b, np.zeros_like(b)])
        if "bn" in w:  # n stands last in every order
            run["b"][1, -layer.hidden_size :] = w["bn"]
        if "p" in w:
            run["p"] = _write(layer, w["p"].reshape(-1), order.replace("g", ""))
        runs[suffix] = run
    return runs


def _collect(layer, runs, blocks):
    """The layer's parameters from what `_export` gives."""
    order, H, parameters = blocks[_kind(layer)], layer.hidden_size, {}
    for suffix, run in runs.items():
        own = {f"{k}{suffix}": _read(layer, k + suffix, run[k], order) for k in "WU"}
        if "b" in run:
            first, second = run["b"]
            if _two_biases(layer):
                own[f"bn{suffix}"] = second[-H:]
                second = np.append(second[:-H], np.zeros_like(second[-H:]))
            # No sum where it would turn a bias of -0.0 into 0.0.
            b = np.where(second == 0, first, first + second)
            own[f"b{suffix}"] = _read(layer, f"b{suffix}", b, order, _OPEN)
        if "p" in run:
            p = _read(layer, f"p{suffix}", run["p"], order.replace("g", ""))
            own[f"p{suffix}"] = p.reshape(-1, H)
        parameters |= own
    return parameters


def _write(layer, array, order, left_out=0.0):
    """The layer's blocks, and those it has no weights for, in another order."""
    ours = [name for name in layer.block_names if name in order]
    blocks = dict(zip(ours, np.split(array, len(ours), axis=-1)))
    for name in order:
        if name not in blocks and layer.coupled:
            blocks[name] = -blocks["f"]
        elif name not in blocks:
            blocks[name] = np.full_like(blocks[ours[0]], left_out)
    return np.concatenate([blocks[name] for name in order], axis=-1)


def _read(layer, key, array, order, left_out=0.0):
    """The layer's blocks of a format's array, if the others are as written."""
    theirs = dict(zip(order, np.split(array, len(order), axis=-1)))
    ours = [theirs[name] for name in layer.block_names if name in order]
    ours = np.concatenate(ours, axis=-1)
    if not np.array_equal(_write(layer, ours, order, left_out), array):
        rule = "minus the block of f" if layer.coupled else f"only {left_out:g}"
        gates = [name for name in order if name not in layer.block_names]
        raise ValueError(
            f"{key}: expected {rule} in the block of {', '.join(gates)}, which the "
            f"layer has no weights for, got others"
        )
    return ours


def _kind(layer):
    for kind, cls in _CLASSES.items():
        if isinstance(layer, cls):
            return kind
    got = type(layer).__name__
    raise TypeError(f"layer: expected an RNN, LSTM or GRU of lstm_lib, got {got}")


def _two_biases(layer):
    """Whether the second bias is more than a part of a sum."""
    return getattr(layer, "reset_after", False)


def _suffixes(layer):
    return [s for level in range(layer.num_layers) for s in layer._suffixes(level)]


def _refuse(layer, reason, **only):
    """Refuse a layer with an option the format does not have."""
    _kind(layer)
    for option, value in only.items():
        got = getattr(layer, option, value)
        if got != value:
            raise ValueError(
                f"layer: expected {option}={value!r}, since {reason}, "
                f"got {option}={got!r}"
            )


def _expect(name, expected, got):
    if expected != got:
        raise ValueError(f"{name}: expected {expected!r}, got {got!r}")


def _expect_type(name, kind, value):
    if not isinstance(value, kind):
        expected = {Mapping: "a dict", Sequence: "a list"}[kind]
        raise TypeError(f"{name}: expected {expected}, got {type(value).__name__}")


def _blank(layer):
    """A layer of the same architecture, all zeros: the template of a format."""
    _kind(layer)
    blank = copy.copy(layer)
    blank.parameters = {
        key: np.zeros(shape, layer.dtype) for key, shape in layer._shapes().items()
    }
    return blank


def _match(template, theirs, dtype, where=""):
    """New arrays of one dtype, if keys and shapes are the template's."""
    theirs = {key: _array(value) for key, value in theirs.items()}
    for key in dict.fromkeys([*template, *theirs]):
        expected, got = (
            f"an array {arrays[key].shape}" if key in arrays else "none"
            for arrays in (template, theirs)
        )
        if expected != got:
            raise ShapeError(f"{where}{key}: expected {expected}, got {got}")
    found = {}
    for key in template:
        array = theirs[key]
        if array.dtype.kind == "f" and np.can_cast(array.dtype, dtype):
            array = array.astype(dtype)
        found[key] = as_floats(where + key, array, dtype)
    return found


def _array(value):
    """A tensor or array as an array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    return np.asarray(value)


def _fill(layer, parameters):
    for key, array in parameters.items():
        layer.parameters[key][...] = array
    return layer
