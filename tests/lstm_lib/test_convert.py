"""Weights go to PyTorch, Keras, ONNX and files and back, and mean the same.

Sizes differ (T=5, N=2, D=3, H=4), so that a swapped axis fails.
"""

import json
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
from twins import RTOL, assert_close, parts

from lstm_lib import GRU, LSTM, RNN, ShapeError
from lstm_lib.convert import (
    from_keras,
    from_onnx,
    from_torch,
    load,
    save,
    to_keras,
    to_onnx,
    to_torch,
)

T, N, D, H = 5, 2, 3, 4
OPTIONS = {
    "rnn": (RNN, {}),
    "relu": (RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM, {}),
    "coupled": (LSTM, {"coupled": True}),
    "no input gate": (LSTM, {"gates": "fo"}),
    "no forget gate": (LSTM, {"gates": "io"}),
    "no output gate": (LSTM, {"gates": "if"}),
    "no gates": (LSTM, {"gates": ""}),
    "peephole": (LSTM, {"peephole": True}),
    "coupled peephole": (LSTM, {"coupled": True, "peephole": True}),
    "peephole, no forget gate": (LSTM, {"gates": "io", "peephole": True}),
    "no activation": (LSTM, {"activation": "identity"}),
    "no readout": (LSTM, {"readout": "identity"}),
    "no tanh": (LSTM, {"activation": "identity", "readout": "identity"}),
    "gru": (GRU, {}),
    "gru before": (GRU, {"reset_after": False}),
}
PEEPHOLES = [name for name, (_, options) in OPTIONS.items() if "peephole" in options]
LACKS = {  # and which option the message names
    "torch": {
        **dict.fromkeys(PEEPHOLES, "peephole"),
        "gru before": "reset_after",
        "no activation": "activation",
        "no readout": "readout",
        "no tanh": "activation",
    },
    "keras": {
        **dict.fromkeys(PEEPHOLES, "peephole"),
        "no activation": "readout",
        "no readout": "readout",
    },
    "onnx": {
        "no activation": "activation",
        "no readout": "readout",
        "no tanh": "activation",
    },
}
FORMATS = {
    "torch": (to_torch, from_torch),
    "keras": (to_keras, from_keras),
    "onnx": (to_onnx, from_onnx),
}
EXPRESSED = [(f, name) for f in FORMATS for name in OPTIONS if name not in LACKS[f]]
SHAPES = [
    {"num_layers": layers, "bidirectional": both, "bias": bias, "dtype": dtype}
    for layers in (1, 2)
    for both in (False, True)
    for bias in (True, False)
    for dtype in ("float32", "float64")
]


def build(name, rng=0, **arguments):
    kind, options = OPTIONS[name]
    return kind(D, H, **options, **arguments, rng=rng)


def grid(name):
    """A layer of every shape; without biases no gate can be left open."""
    gates = OPTIONS[name][1].get("gates", "ifo")
    for shape in SHAPES:
        if shape["bias"] or gates == "ifo":
            yield build(name, **shape)


def bits(layer):
    return {key: array.tobytes() for key, array in layer.parameters.items()}


def inputs(layer, seed=1):
    """Random x (T, N, D) and state, which is not zero."""
    rng = np.random.default_rng(seed)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    x, *start = (
        rng.normal(size=shape).astype(layer.dtype)
        for shape in [(T, N, D)] + [(count, N, H)] * len(layer.states)
    )
    return x, tuple(start)


def assert_same_function(layer, theirs):
    """theirs: a function of x and the parts of a state, giving y and a state."""
    x, start = inputs(layer)
    y, last = layer(x, start if len(start) > 1 else start[0])
    for mine, other in zip((y, *parts(last)), theirs(x, *start), strict=True):
        assert_close(mine, other, RTOL[layer.dtype.name])


# ---- the frameworks --------------------------------------------------------------


def torch_module(layer):
    import torch

    kind = getattr(torch.nn, type(layer).__name__)
    options = {"nonlinearity": layer.nonlinearity} if kind is torch.nn.RNN else {}
    for name in "num_layers", "bias", "bidirectional":
        options[name] = getattr(layer, name)
    return kind(D, H, dtype=getattr(torch, layer.dtype.name), **options)


def run_torch(module):
    import torch

    def run(*arrays):
        x, *start = map(torch.tensor, arrays)
        with torch.no_grad():
            y, last = module(x, tuple(start) if len(start) > 1 else start[0])
        return [part.numpy() for part in (y, *parts(last))]

    return run


def keras_model(layer):
    """A Sequential of as many Keras layers as the layer has stacked."""
    import keras

    kind = type(layer).__name__
    options = {"return_sequences": True, "use_bias": layer.bias}
    if kind == "RNN":
        kind, options["activation"] = "SimpleRNN", layer.nonlinearity
    if kind == "GRU":
        options["reset_after"] = layer.reset_after
    if kind == "LSTM":
        kinds = {"tanh": "tanh", "identity": "linear"}
        options["activation"] = kinds[layer.activation]
    model = keras.Sequential([keras.Input((T, D))])
    for _ in range(layer.num_layers):
        one = getattr(keras.layers, kind)(H, dtype=layer.dtype.name, **options)
        if layer.bidirectional:
            one = keras.layers.Bidirectional(one, dtype=layer.dtype.name)
        model.add(one)
    return model


def keras_output(model, x):
    import torch

    y = torch.tensor(x.swapaxes(0, 1))
    with torch.no_grad():
        for layer in model.layers:  # the Sequential itself casts to float32
            y = layer(y)
    return y.numpy().swapaxes(0, 1)


def run_onnx(nodes):
    """ONNX' reference evaluator, node after node."""
    from onnx import helper
    from onnx.reference import ReferenceEvaluator
    from onnx.reference.ops.op_rnn import RNN_14

    class RNN(RNN_14):  # the evaluator's own knows tanh only
        op_domain = ""

        def choose_act(self, name, alpha, beta):
            if name == "Relu":
                return lambda x: np.maximum(x, 0)
            return super().choose_act(name, alpha, beta)

    def run_node(node, x, start):
        count = 1 + len(start)
        states = dict(zip(("initial_h", "initial_c"), start))
        feeds = {"X": x, **node["inputs"], **states}
        slots = "X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"
        proto = helper.make_node(
            node["op_type"],
            [name if name in feeds else "" for name in slots[: 6 if count < 3 else 8]],
            ["Y", "Y_h", "Y_c"][:count],
            **node["attributes"],
        )
        number = helper.np_dtype_to_tensor_dtype(x.dtype)
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            [proto],
            "layer",
            [value(name, number, array.shape) for name, array in feeds.items()],
            [value(name, number, None) for name in proto.output],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
        return ReferenceEvaluator(model, new_ops=[RNN]).run(None, feeds)

    def run(x, *start):
        last = []
        for level, node in enumerate(nodes):
            n = len(node["inputs"]["W"])
            own = [part[level * n : (level + 1) * n] for part in start]
            y, *end = run_node(node, x, own)
            last.append(end)
            x = y.transpose(0, 2, 1, 3).reshape(T, N, n * H)
        return [x, *(np.concatenate(part) for part in zip(*last))]

    return run


# ---- writing and reading -----------------------------------------------------------


@pytest.mark.parametrize("format, name", EXPRESSED)
def test_out_and_back_gives_the_same_bits(format, name):
    write, read = FORMATS[format]
    for layer in grid(name):
        for array in layer.parameters.values():
            array.flat[:2] = -0.0, 1e-30
        other = build(name, rng=1, **shape_of(layer))
        kept = dict(other.parameters)
        assert bits(other) != bits(layer)
        assert read(other, write(layer)) is other
        assert bits(other) == bits(layer)
        assert all(other.parameters[key] is kept[key] for key in kept)


def shape_of(layer):
    return {key: getattr(layer, key) for key in SHAPES[0]}


@pytest.mark.parametrize("name", [n for f, n in EXPRESSED if f == "torch"])
def test_written_to_torch_it_is_the_same_function(name):
    for layer in grid(name):
        module = torch_module(layer)
        module.load_state_dict(to_torch(layer))
        assert_same_function(layer, run_torch(module))


@pytest.mark.parametrize("name", ["rnn", "relu", "lstm", "gru"])
def test_read_from_torch_it_is_the_same_function(name):
    import torch

    torch.manual_seed(0)
    for layer in grid(name):
        module = torch_module(layer)
        from_torch(layer, module.state_dict())
        assert_same_function(layer, run_torch(module))


KERAS_SHAPES = [
    {"num_layers": 1, "dtype": "float32"},
    {"num_layers": 2, "bidirectional": True, "dtype": "float64"},
    {"bidirectional": True, "bias": False, "dtype": "float64"},
]


@pytest.mark.parametrize("name", [n for f, n in EXPRESSED if f == "keras"])
def test_written_to_keras_it_is_the_same_function(name):
    for shape in KERAS_SHAPES:
        if shape.get("bias", True) or "gates" not in OPTIONS[name][1]:
            layer = build(name, **shape)
            model = keras_model(layer)
            model.set_weights(to_keras(layer))
            assert_keras_equal(layer, model)


@pytest.mark.parametrize("name", ["rnn", "relu", "lstm", "gru", "gru before"])
def test_read_from_keras_it_is_the_same_function(name):
    rng = np.random.default_rng(0)
    for shape in KERAS_SHAPES:
        layer = build(name, **shape)
        model = keras_model(layer)
        weights = [rng.normal(size=w.shape) / 2 for w in model.get_weights()]
        model.set_weights(weights)  # biases that are not zero
        from_keras(layer, model.get_weights())
        assert_keras_equal(layer, model)


def assert_keras_equal(layer, model):
    x, _ = inputs(layer)
    y, _ = layer(x)
    # On its torch backend Keras 3.15 multiplies in float32, but for the LSTM and
    # the GRU that resets after the product.
    exact = isinstance(layer, LSTM) or getattr(layer, "reset_after", False)
    rtol = RTOL[layer.dtype.name if exact else "float32"]
    assert_close(y, keras_output(model, x), rtol)


@pytest.mark.parametrize("name", [n for f, n in EXPRESSED if f == "onnx"])
def test_written_to_onnx_it_is_the_same_function(name):
    for layer in grid(name):
        assert_same_function(layer, run_onnx(to_onnx(layer)))


@pytest.mark.parametrize("name", ["rnn", "lstm", "peephole", "gru", "gru before"])
def test_read_from_onnx_it_is_the_same_function(name):
    rng = np.random.default_rng(0)
    for layer in grid(name):
        nodes = to_onnx(layer)
        for node in nodes:
            for array in node["inputs"].values():
                array[:] = rng.normal(size=array.shape) / 2  # both biases
        from_onnx(layer, nodes)
        assert_same_function(layer, run_onnx(nodes))


def test_onnx_attributes():
    def attributes(name, **options):
        return to_onnx(build(name, **options))[0]["attributes"]

    both = {"bidirectional": True}
    assert attributes("rnn") == {
        "hidden_size": H, "direction": "forward", "activations": ["Tanh"],
    }  # fmt: skip
    assert attributes("relu", **both)["activations"] == ["Relu", "Relu"]
    assert attributes("gru", **both)["direction"] == "bidirectional"
    assert attributes("gru")["linear_before_reset"] == 1
    assert attributes("gru before")["linear_before_reset"] == 0
    assert attributes("lstm")["input_forget"] == 0
    assert attributes("coupled")["input_forget"] == 1


def test_onnx_coupled_gates_mean_the_same_whichever_leads():
    inputs = to_onnx(build("coupled peephole"))[0]["inputs"]
    for name, blocks in {"W": 4, "R": 4, "P": 3}.items():
        i, _, f, *_ = np.split(inputs[name], blocks, axis=1)
        np.testing.assert_array_equal(i, -f)


def test_onnx_reads_what_a_protobuf_node_gives():
    layer = build("gru", bidirectional=True)
    node = to_onnx(layer)[0]
    node["attributes"] = {
        "direction": b"bidirectional",
        "activations": (b"Sigmoid", b"Tanh", b"Sigmoid", b"Tanh"),
        "linear_before_reset": 1,
        "layout": 1,
    }
    other = build("gru", bidirectional=True, rng=1)
    assert bits(from_onnx(other, [node])) == bits(layer)
    del node["attributes"]["activations"], node["attributes"]["layout"]
    assert bits(from_onnx(build("gru", bidirectional=True, rng=1), [node])) == bits(
        layer
    )


@pytest.mark.parametrize("format", FORMATS)
def test_what_is_written_is_the_callers_own(format):
    layer = LSTM(1, 1, rng=0)  # where a transpose could be a view
    before = bits(layer)
    written = FORMATS[format][0](layer)
    arrays = {
        "torch": lambda: written.values(),
        "keras": lambda: written,
        "onnx": lambda: written[0]["inputs"].values(),
    }
    for array in arrays[format]():
        array[...] = 7
    assert bits(layer) == before


def test_narrower_numbers_are_read_and_wider_refused():
    narrow, wide = (build("lstm", dtype=d, rng=d[-2] == "3") for d in RTOL)
    with pytest.raises(TypeError, match="weight_ih_l0: expected float32.*got float64"):
        from_torch(narrow, to_torch(wide))
    from_torch(wide, to_torch(narrow))
    for key, array in narrow.parameters.items():
        np.testing.assert_array_equal(wide.parameters[key], array)


# ---- refusals ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "format, name", [(f, n) for f in LACKS for n in sorted(LACKS[f])]
)
def test_a_format_refuses_what_it_cannot_express(format, name):
    write, read = FORMATS[format]
    layer = build(name)
    option = LACKS[format][name]
    with pytest.raises(ValueError, match=f"layer: expected {option}=.*got {option}="):
        write(layer)
    with pytest.raises(ValueError, match=f"layer: expected {option}=.*got {option}="):
        read(layer, {})


@pytest.mark.parametrize("format", FORMATS)
def test_a_gate_left_out_needs_a_bias(format):
    with pytest.raises(ValueError, match="layer: expected biases.*got bias=False"):
        FORMATS[format][0](build("no input gate", bias=False))


@pytest.mark.parametrize("format", FORMATS)
def test_not_a_layer(format):
    write, read = FORMATS[format]
    with pytest.raises(TypeError, match="layer: expected an RNN, LSTM or GRU"):
        write({})
    with pytest.raises(TypeError, match="layer: expected an RNN, LSTM or GRU"):
        read({}, {})


@pytest.mark.parametrize("read, match", [
    (from_torch, "state_dict: expected a dict, got object"),
    (from_keras, "weights: expected a list, got object"),
    (from_onnx, "nodes: expected a list, got object"),
])  # fmt: skip
def test_not_the_formats_data(read, match):
    assert_refused(build("lstm"), read, object(), match, TypeError)


def assert_refused(layer, read, source, match, error=ValueError):
    """Reading fails with this message and leaves the layer as it was."""
    before = bits(layer)
    with pytest.raises(error, match=match):
        read(layer, source)
    assert bits(layer) == before


@pytest.mark.parametrize("change, torch_key, keras_key, onnx_key", [
    ({"hidden_size": 5},
     r"weight_ih_l0: expected an array \(16, 3\), got an array \(20, 3\)",
     r"weights\[0\]: expected an array \(3, 16\), got an array \(3, 20\)",
     "hidden_size: expected 4, got 5"),
    ({"input_size": 2},
     r"weight_ih_l0: expected an array \(16, 3\), got an array \(16, 2\)",
     r"weights\[0\]: expected an array \(3, 16\), got an array \(2, 16\)",
     r"nodes\[0\] W: expected an array \(1, 16, 3\), got an array \(1, 16, 2\)"),
    ({"num_layers": 2},
     r"weight_ih_l1: expected none, got an array \(16, 4\)",
     r"weights\[3\]: expected none, got an array \(4, 16\)",
     r"len\(nodes\): expected 1, got 2"),
    ({"bias": False},
     r"bias_ih_l0: expected an array \(16,\), got none",
     r"weights\[2\]: expected an array \(16,\), got none",
     r"nodes\[0\] B: expected an array \(1, 32\), got none"),
    ({"bidirectional": True},
     r"weight_ih_l0_reverse: expected none, got an array \(16, 3\)",
     r"weights\[3\]: expected none, got an array \(3, 16\)",
     "direction: expected 'forward', got 'bidirectional'"),
])  # fmt: skip
def test_another_architecture_names_the_key(change, torch_key, keras_key, onnx_key):
    other = LSTM(**{"input_size": D, "hidden_size": H} | change, rng=1)
    layer = LSTM(D, H, rng=0)
    assert_refused(layer, from_torch, to_torch(other), torch_key, ShapeError)
    assert_refused(layer, from_keras, to_keras(other), keras_key, ShapeError)
    assert_refused(layer, from_onnx, to_onnx(other), onnx_key)


@pytest.mark.parametrize("name, attribute, value", [
    ("lstm", "input_forget", 1),
    ("lstm", "clip", 3.0),
    ("lstm", "direction", "reverse"),
    ("lstm", "activations", ["Sigmoid", "Relu", "Tanh"]),
    ("gru", "linear_before_reset", 0),
    ("rnn", "activations", ["Relu"]),
    ("rnn", "activation_alpha", [0.5]),
])  # fmt: skip
def test_onnx_attributes_that_change_the_function_are_refused(name, attribute, value):
    layer = build(name)
    nodes = to_onnx(build(name, rng=1))
    nodes[0]["attributes"][attribute] = value
    assert_refused(
        layer, from_onnx, nodes, rf"nodes\[0\] {attribute}: expected .*, got"
    )


def test_an_onnx_default_counts_where_an_attribute_is_missing():
    nodes = to_onnx(build("gru", rng=1))
    del nodes[0]["attributes"]["linear_before_reset"]
    assert_refused(
        build("gru"), from_onnx, nodes, "linear_before_reset: expected 1, got 0"
    )
    both = to_onnx(build("gru", bidirectional=True, rng=1))
    del both[0]["attributes"]["direction"]
    match = "direction: expected 'bidirectional', got 'forward'"
    assert_refused(build("gru", bidirectional=True), from_onnx, both, match)
    assert_refused(
        build("lstm"), from_onnx, nodes, "op_type: expected 'LSTM', got 'GRU'"
    )
    assert_refused(
        build("gru"), from_onnx, [{}], r"nodes\[0\] keys: expected .*, got \[\]"
    )
    assert_refused(
        build("gru"), from_onnx, [1], r"nodes\[0\]: expected a dict", TypeError
    )


def test_gates_that_no_longer_fit_are_refused():
    state = to_torch(build("lstm", rng=1))
    match = "W_l0: expected minus the block of f in the block of i"
    assert_refused(build("coupled"), from_torch, state, match)
    match = "W_l0: expected only 0 in the block of f"
    assert_refused(build("no forget gate"), from_torch, state, match)
    state = to_torch(build("no forget gate", rng=1))
    state["bias_ih_l0"][H : 2 * H] = 3
    match = "b_l0: expected only 40 in the block of f"
    assert_refused(build("no forget gate"), from_torch, state, match)


def test_the_last_key_is_read_before_the_first_is_written():
    state = to_torch(build("lstm", num_layers=2, rng=1))
    state["bias_hh_l1"][3] = np.nan
    match = r"bias_hh_l1: expected finite numbers, got nan at \(3,\)"
    assert_refused(build("lstm", num_layers=2), from_torch, state, match)


def test_a_layer_that_diverged_can_be_filled():
    layer = build("lstm")
    layer.parameters["W_l0"][:] = np.nan
    other = build("lstm", rng=1)
    assert bits(from_torch(layer, to_torch(other))) == bits(other)


# ---- files ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", OPTIONS)
def test_save_and_load(name, tmp_path):
    file = tmp_path / "layer.weights"  # the name is used as given
    use = {"batch_first": True}
    for shape in SHAPES:
        if shape["num_layers"] > 1:
            use["dropout"] = 0.25
        layer = build(name, **shape, **use)
        save(layer, file)
        new, other = load(file), build(name, **shape, rng=1)
        assert type(new) is type(layer)
        for key in [*shape, *use, *OPTIONS[name][1]]:
            assert getattr(new, key) == getattr(layer, key)
        assert load(file, other) is other and not other.batch_first
        assert bits(new) == bits(layer) == bits(other)
        assert [path.name for path in tmp_path.iterdir()] == ["layer.weights"]


def test_options_given_as_numpy_numbers_are_saved(tmp_path):
    save(LSTM(D, H, 2, dropout=np.float32(0.5)), tmp_path / "layer.npz")
    assert load(tmp_path / "layer.npz").dropout == 0.5


def test_the_same_layer_makes_the_same_file(tmp_path):
    for name in "ab":
        save(build("gru"), tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("name, change, key", [
    ("lstm", {"hidden_size": 5}, "hidden_size: expected 4, got 5"),
    ("lstm", {"num_layers": 2}, "num_layers: expected 1, got 2"),
    ("lstm", {"bias": False}, "bias: expected True, got False"),
    ("lstm", {"peephole": True}, "peephole: expected False, got True"),
    ("lstm", {"gates": "fo"}, "gates: expected 'ifo', got 'fo'"),
    ("lstm", {"readout": "identity"}, "readout: expected 'tanh', got 'identity'"),
    ("gru", {"reset_after": False}, "reset_after: expected True, got False"),
    ("rnn", {"nonlinearity": "relu"}, "nonlinearity: expected 'tanh', got 'relu'"),
])  # fmt: skip
def test_a_file_of_another_architecture_names_the_key(name, change, key, tmp_path):
    kind, file = OPTIONS[name][0], tmp_path / "layer.npz"
    save(kind(**{"input_size": D, "hidden_size": H} | change), file)
    assert_refused(kind(D, H, rng=0), lambda layer, file: load(file, layer), file, key)
    other = GRU(D, H) if kind is not GRU else RNN(D, H)
    match = f"class: expected '{type(other).__name__}', got '{kind.__name__}'"
    assert_refused(other, lambda layer, file: load(file, layer), file, match)


@pytest.mark.parametrize("layer", [None, LSTM(D, H, rng=0)], ids=["new", "given"])
def test_damaged_and_foreign_files_are_refused(layer, tmp_path):
    file = tmp_path / "layer.npz"
    save(build("lstm", rng=1), file)
    whole = file.read_bytes()
    before = bits(layer) if layer else None
    npy = tmp_path / "array.npy"
    np.save(npy, np.zeros(3))
    foreign = [whole[:n] for n in (0, 1, 10, len(whole) // 2, len(whole) - 1)]
    foreign += [b"text", pickle.dumps({"W_l0": np.zeros(3)}), npy.read_bytes()]
    middle = whole.index(b"U_l0") + 200  # one bit inside an array
    foreign += [whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]]
    for content in foreign:
        file.write_bytes(content)
        with pytest.raises(ValueError, match="expected a file written by lstm_lib's"):
            load(file, layer)
    assert layer is None or bits(layer) == before
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "nowhere.npz", layer)


class Evil:
    def __reduce__(self):
        return os.mkdir, ("unpickled",)


@pytest.mark.parametrize("key", ["configuration", "W_l0"])
def test_a_pickle_inside_is_refused(key, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    save(build("lstm"), "layer.npz")
    with np.load("layer.npz") as archive:
        arrays = dict(archive)
    np.savez("layer.npz", **arrays | {key: np.array([Evil()], dtype=object)})
    with pytest.raises(ValueError, match="expected a file written by") as refusal:
        load("layer.npz")
    assert "allow_pickle=False" in str(refusal.value.__cause__)
    assert not os.path.exists("unpickled")


@pytest.mark.parametrize("change", [
    {"hidden_size": 0},
    {"hidden_size": "4"},
    {"class": "object"},
    {"class": None},
    {"rng": 0},
    {"dropout": "much"},
])  # fmt: skip
def test_a_strange_configuration_is_refused(change, tmp_path):
    file = tmp_path / "layer.npz"
    save(build("lstm"), file)
    with np.load(file) as archive:
        arrays = dict(archive)
    stored = json.loads(arrays["configuration"].item()) | change
    np.savez(file, **arrays | {"configuration": json.dumps(stored)})
    with pytest.raises(ValueError, match="expected a file written by lstm_lib's"):
        load(file)


@pytest.mark.parametrize("step", ["savez", "replace"])
def test_a_save_that_fails_leaves_the_old_file(step, tmp_path, monkeypatch):
    file = tmp_path / "layer.npz"
    save(build("lstm"), file)
    before = file.read_bytes()

    def fail(handle, *_, **__):
        if step == "savez":
            handle.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np if step == "savez" else os, step, fail)
    with pytest.raises(OSError, match="disk full"):
        save(build("lstm", rng=1), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    layer = build("lstm")
    layer.parameters["U_l0"][0, 0] = np.inf
    with pytest.raises(ValueError, match="U_l0: expected finite numbers"):
        save(layer, tmp_path / "layer.npz")
    assert not list(tmp_path.iterdir())


def test_importing_convert_loads_no_framework():
    code = "import sys, lstm_lib.convert as _; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert not {"torch", "keras", "onnx"} & {*run.stdout.split()}
    assert run.returncode == 0, run.stderr
