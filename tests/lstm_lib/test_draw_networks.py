"""Network diagrams: every step, layer and connection, with the library's numbers."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from drawings import parts, text_of

from lstm_lib import (
    GRU,
    LSTM,
    RNN,
    Attention,
    Dense,
    Dropout,
    Embedding,
    EncoderDecoder,
    LastStep,
    MeanOverTime,
    OneHot,
    Sequential,
    ShapeError,
    WordAttention,
    inspect,
)
from lstm_lib.draw import layout, network, tensors, unroll

N, T, D, H, V, K = 2, 7, 3, 4, 11, 5
SVG = "{http://www.w3.org/2000/svg}"


def numbers(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def symbols(*shape):
    return np.random.default_rng(shape).integers(0, V, shape)


def reader(*layers, kind=LSTM, **options):
    """Symbols, a recurrent layer, and what follows."""
    return Sequential(Embedding(V, D, rng=0), kind(D, H, rng=1, **options), *layers)


def pair(kind=LSTM, *, bidirectional=False, attention=True, levels=1):
    """An encoder-decoder."""
    M = H * (1 + bidirectional)
    return EncoderDecoder(
        Embedding(V, D, rng=0),
        kind(D, H, levels, bidirectional=bidirectional, rng=1),
        OneHot(V),
        kind(V, M, levels, rng=2),
        Dense(M * (1 + attention), V, rng=3),
        Attention(M, M, rng=4) if attention else None,
    )


def every_diagram():
    """Name and diagram, of every kind."""
    for kind in RNN, LSTM, GRU:
        name, layer = kind.__name__, kind(D, H, rng=0)
        yield name, unroll(layer)
        yield f"{name} values", unroll(layer, numbers(T, N, D), show="values")
        yield f"{name} gradients", unroll(layer, numbers(T, N, D), show="gradients")
        yield f"{name} network", network(kind)
    ends = LastStep(), MeanOverTime(), WordAttention(H, rng=0)
    for end in ends:
        model = reader(end, Dense(H, K, rng=0))
        yield type(end).__name__, unroll(model, steps=3, lengths=[2])
    both = reader(Dropout(0.5), LastStep(True), bidirectional=True, num_layers=2)
    yield "both directions", unroll(both, symbols(T, N), show="values")
    yield "one to many", unroll(Sequential(RNN(D, H), Dense(H, K)), inputs="first")
    words = "a b_c *d* <e> & f g".split()
    yield "words", unroll(reader(Dense(H, V)), words=words)
    for attention in (False, True):
        model, x = pair(attention=attention), (symbols(T, N), symbols(4, N))
        yield f"pair {attention}", unroll(model)
        yield f"pair {attention} values", unroll(model, x, show="values")
        yield f"pair {attention} gradients", unroll(model, x, show="gradients")
        mixed = pair(bidirectional=True, attention=attention, levels=2)
        yield f"pair {attention} both", unroll(mixed, x, lengths=[3, T], show="values")
    yield "network large", network(LSTM, 100, 200)
    yield "network dense", network(LSTM, beside=Dense)
    yield "network x alone", network(sees_h=False)
    yield "tensors", tensors(("x", (T, N, D), "T N D".split()), "→", ("h", (H,), ["H"]))


DIAGRAMS = dict(every_diagram())


def values_of(diagram, row):
    """Number on the wire after each step: (row, letter) wires' values by step."""
    found = {}
    for name, wire in parts(diagram)[1].items():
        if name.startswith(f"{row}-"):
            found[int(name.rpartition("-")[2])] = wire["value"]
    return found


@pytest.mark.parametrize("name", DIAGRAMS)
def test_svg_is_well_formed_and_named_as_the_json(name):
    """Valid XML, one group for each node and wire, nothing smaller than 12 units."""
    diagram = DIAGRAMS[name]
    root = ElementTree.fromstring(diagram.svg("a-network"))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == diagram.alt
    for kind, named in zip(("node", "wire"), parts(diagram)):
        found = [g.get(f"data-{kind}") for g in root.iter(f"{SVG}g")]
        assert sorted(one for one in found if one) == sorted(named)
    assert all(float(text.get("font-size")) >= 12 for text in root.iter(f"{SVG}text"))
    assert diagram.json()["width"] == 518


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_json_alone_draws_the_same_picture(name):
    """All is in the description, straight lines too."""
    diagram = DIAGRAMS[name]
    again = json.loads(json.dumps(diagram.json(), allow_nan=False))
    assert layout.render(again, "name", diagram.alt) == diagram.svg("name")


def test_the_same_bytes_in_another_process():
    """Whatever the seed of Python's hashes."""
    program = (
        "import sys; sys.path[:0] = sys.argv[1:]; import test_draw_networks as t, "
        "hashlib; print(hashlib.sha256(''.join(d.svg('x') + d.alt for d in "
        "t.DIAGRAMS.values()).encode()).hexdigest())"
    )
    here = __file__.rpartition("/")[0]
    found = set()
    for seed in "1", "2":
        run = subprocess.run(
            [sys.executable, "-c", program, here],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": "1"},
            text=True,
            cwd=here.partition("/tests")[0],
        )
        found.add(run.stdout)
    assert len(found) == 1 and found != {""}


# ---- structure ---------------------------------------------------------------


def test_every_step_and_arrow_of_a_layer_is_there():
    """x_t into each box, h out of it, and each state from box to box."""
    nodes, wires = parts(unroll(LSTM(D, H), steps=4))
    for t in range(1, 5):
        assert {f"lstm-l0-step-{t}", f"input-x-{t}"} <= set(nodes)
        assert wires[f"to-lstm-l0-step-{t}"]["to"] == f"lstm-l0-step-{t}"
        assert wires[f"h-{t}-out"]["from"] == f"lstm-l0-step-{t}"
    for letter in "hc":
        for t in range(1, 4):
            wire = wires[f"lstm-l0-{letter}-{t}"]
            ends = wire["from"], wire["to"]
            assert ends == (f"lstm-l0-step-{t}", f"lstm-l0-step-{t + 1}")
        assert text_of(wires[f"lstm-l0-{letter}-0"]) == [f"{letter}0"]
        assert text_of(wires[f"lstm-l0-{letter}-4"]) == [f"{letter}4"]
    assert not any(name.startswith("rnn") for name in wires)
    assert len(wires) == 4 + 4 + 2 * 5


def test_every_layer_of_a_stack_is_there_in_order():
    """Bottom to top, as in the model; levels of one layer too."""
    model = Sequential(
        Embedding(V, D), LSTM(D, H, 2), Dropout(0.1), GRU(H, K), Dense(K, V)
    )
    nodes, wires = parts(unroll(model, steps=2))
    order = "embedding-0", "lstm-1-l0", "lstm-1-l1", "dropout-2", "gru-3-l0", "dense-4"
    for t in (1, 2):
        heights = [nodes[f"{part}-step-{t}"]["y"] for part in order]
        assert heights == sorted(heights, reverse=True)
        for low, high in zip(order, order[1:]):
            wire = wires[f"to-{high}-step-{t}"]
            assert (wire["from"], wire["to"]) == (f"{low}-step-{t}", f"{high}-step-{t}")
    assert "gru-3-l0-c-1" not in wires and "lstm-1-l1-c-1" in wires


def test_backward_rows_run_backward():
    """From the last step to the first; both directions see every input."""
    model = reader(Dense(2 * H, K), bidirectional=True)
    nodes, wires = parts(unroll(model, steps=3))
    for t in (2, 3):
        wire = wires[f"lstm-1-l0-reverse-h-{t}"]
        assert wire["from"] == f"lstm-1-l0-reverse-step-{t}"
        assert wire["to"] == f"lstm-1-l0-reverse-step-{t - 1}"
        assert wire["points"][0][0] > wire["points"][-1][0]
    for t in (1, 2, 3):
        branch = wires[f"to-lstm-1-l0-reverse-step-{t}"]
        assert branch["dot"] and branch["to"] == f"lstm-1-l0-reverse-step-{t}"
        out = wires[f"to-dense-2-step-{t}"], wires[f"to-dense-2-step-{t}-forward"]
        starts = [wire["from"] for wire in out]
        assert starts == [f"lstm-1-l0{end}-step-{t}" for end in ("-reverse", "")]
        assert out[1]["points"][-1][0] == out[0]["points"][0][0]


@pytest.mark.parametrize("end", [LastStep(), MeanOverTime(), WordAttention(H)])
def test_many_to_one_takes_the_steps_that_count(end):
    """The last own step alone, or all within the length; one output."""
    diagram = unroll(reader(end, Dense(H, 1)), steps=5, lengths=[3])
    nodes, wires = parts(diagram)
    name = f"{type(end).__name__.lower()}-2"
    steps = [3] if isinstance(end, LastStep) else [1, 2, 3]
    into = [wire["from"] for wire in wires.values() if wire["to"] == name]
    assert into == [f"lstm-1-l0-step-{t}" for t in steps]
    assert wires["to-dense-3"]["from"] == name and wires["y"]["from"] == "dense-3"
    assert nodes["lstm-1-l0-step-4"]["role"] == "muted"
    assert nodes["lstm-1-l0-step-3"]["role"] == "ink"
    assert "y-1-out" not in wires
    assert "One output for the sequence. Steps after 3 are padding" in diagram.alt


def test_last_step_of_both_directions():
    """The backward direction's last step is the first of the sequence."""
    _, wires = parts(unroll(reader(LastStep(True), bidirectional=True), steps=4))
    assert wires["to-laststep-2"]["from"] == "lstm-1-l0-step-4"
    assert wires["to-laststep-2-reverse"]["from"] == "lstm-1-l0-reverse-step-1"


def test_one_to_many_has_one_input():
    """Later inputs are absent, the states are not."""
    diagram = unroll(Sequential(GRU(D, H), Dense(H, K)), steps=4, inputs="first")
    nodes, wires = parts(diagram)
    assert [n for n in nodes if n.startswith("input")] == ["input-x-1"]
    assert [n for n in wires if n.startswith("to-gru")] == ["to-gru-0-l0-step-1"]
    assert {f"gru-0-l0-h-{t}" for t in range(5)} < set(wires)
    assert {f"y-{t}-out" for t in range(1, 5)} < set(wires)
    assert "Only the first step has an input" in diagram.alt


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_decoder_starts_where_the_encoder_ends(bidirectional, levels):
    """At every level; from both directions if there are two."""
    model = pair(bidirectional=bidirectional, levels=levels)
    _, wires = parts(unroll(model, steps=(3, 2)))
    for level in range(levels):
        for letter in "hc":
            wire = wires[f"decoder-l{level}-{letter}-0"]
            assert wire["from"] == f"encoder-l{level}-step-3"
            assert wire["to"] == f"decoder-l{level}-step-1"
        name = f"decoder-l{level}-reverse-0"
        assert (name in wires) == bidirectional
        if bidirectional:
            assert wires[name]["from"] == f"encoder-l{level}-reverse-step-1"
            assert wires[name]["to"] == f"decoder-l{level}-step-1"


def test_attention_sees_every_source_step_at_every_target_step():
    """Memory and query in, context and the query's own way on to Dense."""
    nodes, wires = parts(unroll(pair(), steps=(3, 4)))
    rail = wires["memory"]
    assert (rail["from"], rail["to"]) == ("encoder-l0-step-1", "attention-step-4")
    for t in (2, 3):
        assert wires[f"memory-{t}"]["from"] == f"encoder-l0-step-{t}"
        assert wires[f"memory-{t}"]["points"][-1][1] == rail["points"][1][1]
    for t in range(1, 5):
        assert wires[f"query-{t}"]["from"] == f"decoder-l0-step-{t}"
        assert wires[f"query-{t}"]["to"] == f"attention-step-{t}"
        assert wires[f"to-output-step-{t}"]["from"] == f"attention-step-{t}"
        assert wires[f"past-attention-{t}"]["to"] == f"output-step-{t}"
    for t in (1, 2, 3):
        assert wires[f"memory-to-{t}"]["to"] == f"attention-step-{t}"
    nodes, wires = parts(unroll(pair(attention=False)))
    assert "memory" not in wires and "attention-step-1" not in nodes


@pytest.mark.parametrize("T", [1, 6, 7, 400])
def test_long_sequences_are_elided(T):
    """The first three and the last two, with their own numbers."""
    diagram = unroll(reader(Dense(H, V)), steps=T)
    nodes, wires = parts(diagram)
    drawn = [t for t in range(1, T + 1) if f"lstm-1-l0-step-{t}" in nodes]
    if T <= 6:
        assert drawn == list(range(1, T + 1))
        assert not any("elided" in name for name in nodes)
        return
    assert drawn == [1, 2, 3, T - 1, T]
    assert f"of which 1, 2, 3, {T - 1} and {T} are drawn" in diagram.alt
    assert text_of(nodes[f"input-x-{T}"]) == [f"x{T}"]
    assert text_of(nodes["lstm-1-l0-elided"]) == ["…"]
    assert nodes["lstm-1-l0-elided"]["title"] == f"steps 4 to {T - 2}"
    steps = [int(n.rpartition("-")[2]) for n in wires if n.startswith("lstm-1-l0-h-")]
    assert sorted(steps) == sorted({0, 1, 2, 3, T - 2, T - 1, T})


def test_where_a_sequence_ends_is_never_elided():
    """Two gaps then; of a source, padding is left out."""
    diagram = unroll(reader(LastStep()), steps=20, lengths=[11, 20])
    nodes, wires = parts(diagram)
    drawn = [t for t in range(1, 21) if f"lstm-1-l0-step-{t}" in nodes]
    assert drawn == [1, 2, 11, 20]
    assert wires["to-laststep-2"]["from"] == "lstm-1-l0-step-11"
    assert nodes["lstm-1-l0-elided"]["title"] == "steps 3 to 10"
    assert nodes["lstm-1-l0-elided-2"]["title"] == "steps 12 to 19"
    _, wires = parts(unroll(pair(), steps=(9, 2), lengths=[3, 9]))
    assert wires["decoder-l0-h-0"]["from"] == "encoder-l0-step-3"


def test_words_stand_under_their_steps():
    """Whole in the title, shortened in the label where they are long."""
    words = ["a", "very", "incomprehensibilities", "*odd*", "b_c", "<e>"]
    diagram = unroll(reader(), words=words)
    nodes, _ = parts(diagram)
    for t, word in enumerate(words, 1):
        assert nodes[f"input-x-{t}"]["title"].endswith(f": {word}")
    assert text_of(nodes["input-x-2"]) == ["x2", "very"]
    assert text_of(nodes["input-x-3"])[1].endswith("…")
    assert f"It reads: {' '.join(words)}" in diagram.alt
    both = unroll(pair(), words=(["I"], ["<s>", "ich"]))
    assert "It reads: I; then: <s> ich" in both.alt
    assert text_of(parts(both)[0]["input-y-2"]) == ["y1", "ich"]


# ---- numbers -----------------------------------------------------------------


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
def test_values_are_the_norms_of_the_states(kind):
    """Of the first example, each on the arrow that leaves its step."""
    model, x = reader(Dense(H, V), kind=kind), symbols(5, N)
    diagram, computed = unroll(model, x, show="values"), inspect.activations(model, x)
    row = f"{kind.__name__.lower()}-1-l0"
    for letter in model.layers[1].states:
        norms = np.linalg.norm(computed[f"1.{letter}_l0"][:, 0], axis=1)
        assert values_of(diagram, f"{row}-{letter}") == dict(enumerate([0, *norms]))


def test_values_of_both_directions_and_lengths():
    """A backward arrow carries what its step computed; padding carries none."""
    model, x = reader(bidirectional=True, num_layers=2), symbols(5, N)
    diagram = unroll(model, x, lengths=[4, 5], show="values")
    computed = inspect.activations(model, x, lengths=[4, 5])
    norms = np.linalg.norm(computed["1.c_l1_reverse"][:, 0], axis=1)
    found = values_of(diagram, "lstm-1-l1-reverse-c")
    assert found == {1: norms[0], 2: norms[1], 3: norms[2], 4: norms[3], 5: None, 6: 0}


def test_values_of_a_decoder_begin_with_the_bridged_state():
    """Both directions of the encoder side by side."""
    model, x = pair(bidirectional=True), (symbols(3, N), symbols(2, N))
    h, _ = model.start(x[0])[0]
    diagram = unroll(model, x, show="values")
    assert values_of(diagram, "decoder-l0-h")[0] == np.linalg.norm(h[0, 0])


@pytest.mark.parametrize("kind", [RNN, LSTM, GRU])
@pytest.mark.parametrize("batch_first", [False, True])
def test_gradients_are_those_of_inspect(batch_first, kind):
    """Of the last output's sum, by each state."""
    layer = kind(D, H, batch_first=batch_first, rng=0)
    x = numbers(N, 5, D) if batch_first else numbers(5, N, D)
    dy = np.zeros((5, N, H))
    dy[-1] = 1
    dy = dy.swapaxes(0, 1) if batch_first else dy
    norms = inspect.gradient_norms(layer, x, dy)
    diagram = unroll(layer, x, show="gradients")
    for letter in layer.states:
        found = values_of(diagram, f"{kind.__name__.lower()}-l0-{letter}")
        assert found == dict(enumerate(norms[letter]))


def test_gradients_through_a_stack_agree_with_its_own_backward():
    """The lower layer's first number is its gradient by the initial state."""
    model = reader(GRU(H, K, rng=2), LastStep(), Dense(K, 3, rng=3))
    x = symbols(5, N)
    diagram = unroll(model, x, show="gradients")
    y, _ = model(x)
    model.backward(np.ones_like(y))
    dy = np.zeros((5, N, K))
    dy[-1] = model.layers[4].parameters["W"].sum(axis=1)
    hidden = model.layers[1](model.layers[0](x))[0]
    dlow, dh = model.layers[2].backward(dy)
    top = values_of(diagram, "gru-2-l0-h")
    np.testing.assert_allclose(top[0], np.linalg.norm(dh), rtol=1e-12)
    assert hidden.shape == dlow.shape
    _, (dh, dc) = model.layers[1].backward(dlow)
    for letter, expected in ("h", dh), ("c", dc):
        found = values_of(diagram, f"lstm-1-l0-{letter}")[0]
        np.testing.assert_allclose(found, np.linalg.norm(expected), rtol=1e-12)


@pytest.mark.parametrize("attention", [False, True])
def test_gradients_of_an_encoder_decoder(attention):
    """What leaves the decoder's start enters the encoder's end; then back to h_0."""
    model, x = pair(attention=attention), (symbols(3, N), symbols(2, N))
    diagram = unroll(model, x, show="gradients")
    logits, _ = model(x)
    dlogits = np.zeros_like(logits)
    dlogits[-1] = 1
    given, found = {}, {}
    for name in "decoder", "encoder":
        layer = model.parts[name]

        def backward(*arguments, layer=layer, name=name):
            given[name] = arguments
            found[name] = type(layer).backward(layer, *arguments)
            return found[name]

        layer.backward = backward
    model.backward(dlogits)
    del model.decoder.backward, model.encoder.backward
    wires = parts(diagram)[1]
    norms = inspect.gradient_norms(
        model.encoder, model.source(x[0]), given["encoder"][0], given["encoder"][1]
    )
    for letter, dstart in zip("hc", found["decoder"][1]):
        first = wires[f"decoder-l0-{letter}-0"]["value"]
        np.testing.assert_allclose(first, np.linalg.norm(dstart), rtol=1e-12)
        row = values_of(diagram, f"encoder-l0-{letter}")
        assert list(row) == [1, 2]
        np.testing.assert_allclose(list(row.values()), norms[letter][1:3], rtol=1e-12)


def test_thickness_is_logarithmic_and_has_a_legend():
    """Equal ratios, equal steps in width; the legend's arrows are on the scale."""
    _, wires = parts(unroll(LSTM(D, H, rng=0), numbers(20, 1, D), show="gradients"))
    some = [w for w in wires.values() if w["value"]]
    thickness = np.array([wire["weight"] for wire in some])
    logs = np.log([wire["value"] for wire in some])
    slope, at = np.polyfit(logs, thickness, 1)
    np.testing.assert_allclose(thickness, slope * logs + at, atol=0.02)
    assert slope > 0 and thickness.min() >= 1 and thickness.max() <= 5
    legend = [wires[f"legend-{k}"] for k in (1, 2, 3)]
    assert [wire["weight"] for wire in legend] == [5, 3, 1]
    assert all(len(text_of(wire)) == 1 for wire in legend)
    assert wires["lstm-l0-c-20"]["weight"] == 1  # no gradient there
    assert text_of(wires["lstm-l0-c-20"]) == ["0", "c20"]


def test_the_model_is_left_as_it_was():
    """A drawing between forward and backward changes no gradient."""
    model, x = reader(Dropout(0.5, rng=0), Dense(H, V, rng=1)), symbols(5, N)
    y, _ = model(x)
    model.backward(np.ones_like(y))
    before = {key: array.copy() for key, array in model.grads.items()}
    for show in "values", "gradients":
        unroll(model, symbols(3, N), show=show)
    model.backward(np.ones_like(y))
    assert model.training
    for key, array in model.grads.items():
        np.testing.assert_array_equal(array, before[key])


# ---- connections -------------------------------------------------------------


@pytest.mark.parametrize("size", [(3, 2), (1, 3), (2, 1)])
@pytest.mark.parametrize("kind", [LSTM, GRU, RNN])
@pytest.mark.parametrize("bias", [True, False])
def test_every_connection_is_drawn_and_counted(bias, kind, size):
    """As many lines as the layers have parameters, and the same number in words."""
    options = {"reset_after": False} if kind is GRU else {}
    gated = kind(*size, bias=bias, **options)
    plain = RNN(*size, bias=bias)
    diagram = network(gated, beside=plain)
    nodes, wires = parts(diagram)
    counts = {}
    for name, layer in ("plain", plain), ("gated", gated):
        counts[name] = sum(array.size for array in layer.parameters.values())
        lines = [wire for wire in wires if wire.startswith(f"{name}-")]
        assert len(lines) == counts[name]
        ends = {(wires[line]["from"], wires[line]["to"]) for line in lines}
        assert len(ends) == counts[name]
        assert text_of(nodes[f"{name}-count"])[2].endswith(f"= {counts[name]:,}")
        assert f"= {counts[name]:,} connections" in diagram.alt
    assert counts["gated"] == gated.blocks * counts["plain"]
    ratio = f"{gated.blocks} times as many: exactly, for all sizes"
    assert ratio in diagram.alt and ratio in text_of(nodes["ratio"])[0]


def test_four_times_a_plain_layer_only_while_gates_see_x_alone():
    """4 (D H + H) against D H + H; with h 4 (D H + H^2 + H)."""
    D, H = 3, 2
    alone, seeing = network(LSTM, D, H, sees_h=False), network(LSTM, D, H, beside=Dense)
    assert "32 / 8 = 4 times as many: exactly" in alone.alt
    assert "48 / 8 = 6 times as many: more than 4, as the gates see h" in seeing.alt
    layer, dense = LSTM(D, H), Dense(D, H)
    arrays = {key[0]: array.size for key, array in layer.parameters.items()}
    assert arrays["W"] + arrays["b"] == 4 * (D * H + H) == 32
    assert sum(array.size for array in dense.parameters.values()) == 8
    _, wires = parts(alone)
    assert sum(wire.startswith("gated-") for wire in wires) == 32
    assert not any("gated-h-" in wire for wire in wires)


def test_large_layers_keep_their_counts():
    """Some nodes are left out, the numbers are not."""
    layer = LSTM(28, 64)
    diagram = network(layer)
    nodes, wires = parts(diagram)
    total = sum(array.size for array in layer.parameters.values())
    assert f"= {total:,} connections" in diagram.alt
    assert len(nodes) < 50 and len(wires) < 80
    assert text_of(nodes["gated-x-elided"]) == ["…"]


# ---- shapes ------------------------------------------------------------------


def test_equal_axes_have_equal_colours_lengths_and_letters():
    """In every block they stand in."""
    x, W = np.zeros((5, 3, 4)), np.zeros((4, 24))
    diagram = tensors(("x", x, ("T", "N", "D")), "@", ("W", W, ("D", "4H")))
    nodes, wires = parts(diagram)
    one, other = wires["tensor-x-axis-1"], wires["tensor-w-axis-2"]
    assert text_of(one) == text_of(other) == ["D = 4"] and one["role"] == other["role"]

    def length(wire):
        (x0, y0), (x1, y1) = wire["points"]
        return round(np.hypot(x1 - x0, y1 - y0), 6)

    assert length(one) == length(other)
    roles = {wires[f"tensor-x-axis-{k}"]["role"] for k in (1, 2, 3)}
    assert len(roles) == 3
    assert [wires[f"tensor-x-axis-{k}"]["value"] for k in (3, 2, 1)] == [5, 3, 4]
    assert sum(name.startswith("tensor-x") for name in nodes) == 5  # one a step
    assert text_of(nodes["sign-1"]) == ["@"]
    assert diagram.alt == "Shapes: x (T = 5, N = 3, D = 4); @; W (D = 4, 4H = 24)."


def test_tensors_go_on_in_the_next_row():
    """A sign goes with what follows it; one name may come twice."""
    h = ("h", (3, 200), ("N", "H"))
    nodes, _ = parts(tensors(h, "+", h, "+", h, "→", h))
    rows = {node["y"] for name, node in nodes.items()}
    assert len(rows) > 1 and {"tensor-h", "tensor-h-2", "tensor-h-4"} < set(nodes)
    assert nodes["sign-3"]["y"] == nodes["tensor-h-4"]["y"]
    assert all(0 < n["x"] - n["width"] / 2 for n in nodes.values())
    assert all(n["x"] + n["width"] / 2 < 518 for n in nodes.values())


# ---- in words, errors, speed -------------------------------------------------


def test_alt_says_what_is_drawn():
    """Steps, layers, what they carry, what comes out."""
    model = reader(LastStep(True), Dense(2 * H, 1), bidirectional=True)
    assert unroll(model, steps=4).alt == (
        "LSTM unrolled over 4 steps: from the bottom an embedding, a bidirectional "
        "LSTM layer that carries h and c from step to step, the last step and a dense "
        "layer. "
        "One output for the sequence."
    )
    said = unroll(pair(bidirectional=True), steps=(9, 2)).alt
    assert said.startswith("The source, 9 steps, of which 1 and 9 are drawn: from")
    assert "both directions side by side" in said and "attention weighs all" in said
    assert "and the encoder's bidirectional LSTM layer that carries h and c" in said
    x = numbers(2, 1, D)
    said = unroll(RNN(D, H, rng=0), x, show="gradients").alt
    _, wires = parts(unroll(RNN(D, H, rng=0), x, show="gradients"))
    shown = text_of(wires["rnn-l0-h-0"])[0]
    assert f"Gradient norms, h of the RNN layer: {shown} after step 0, " in said


@pytest.mark.parametrize(
    "error, message, call",
    [
        (TypeError, "model: expected an RNN, LSTM or GRU", lambda: unroll(Dense(D, H))),
        (TypeError, "recurrent layer", lambda: unroll(Sequential(Dense(D, H)))),
        (ValueError, "show: ", lambda: unroll(LSTM(D, H), show="norms")),
        (ValueError, "inputs: ", lambda: unroll(LSTM(D, H), inputs="last")),
        (ValueError, "inputs: ", lambda: unroll(reader(), inputs="first")),
        (ValueError, "inputs: ", lambda: unroll(pair(), inputs="first")),
        (ValueError, "x: ", lambda: unroll(LSTM(D, H), show="values")),
        (
            ValueError,
            "x: expected zeros",
            lambda: unroll(LSTM(D, H), numbers(4, N, D), inputs="first"),
        ),
        (ShapeError, "x: ", lambda: unroll(LSTM(D, H), numbers(4, N, D + 1))),
        (ShapeError, "x: ", lambda: unroll(LSTM(D, H), numbers(4))),
        (ShapeError, "x: ", lambda: unroll(pair(), symbols(4, N))),
        (ShapeError, "words: ", lambda: unroll(reader(), symbols(4, N), words=["a"])),
        (TypeError, "words: ", lambda: unroll(reader(), words="abc")),
        (ShapeError, "words: ", lambda: unroll(reader(), words=[])),
        (ShapeError, "steps: ", lambda: unroll(reader(), words=["a"], steps=2)),
        (ValueError, "steps: ", lambda: unroll(reader(), steps=0)),
        (ValueError, "lengths: ", lambda: unroll(reader(), steps=3, lengths=[4])),
        (
            ValueError,
            "lengths: ",
            lambda: unroll(reader(), symbols(3, 1), lengths=[2], show="gradients"),
        ),
        (
            ValueError,
            "show: ",
            lambda: unroll(reader(bidirectional=True), symbols(3, 1), show="gradients"),
        ),
        (TypeError, "model: ", lambda: network(Dense)),
        (TypeError, "beside: ", lambda: network(beside=LSTM)),
        (ValueError, "model: ", lambda: network(LSTM(D, H, peephole=True))),
        (ValueError, "model: ", lambda: network(LSTM(D, H, num_layers=2))),
        (ValueError, "D: ", lambda: network(D=0)),
        (ValueError, "beside: ", lambda: network(beside=RNN, sees_h=False)),
        (ShapeError, "beside: ", lambda: network(beside=RNN(D, H + 1))),
        (TypeError, "sees_h: ", lambda: network(sees_h=1)),
        (ValueError, "items: ", lambda: tensors()),
        (TypeError, "items: ", lambda: tensors(("x", (2, 3)))),
        (TypeError, "x: ", lambda: tensors(("x", 3, ("N",)))),
        (ShapeError, "x: ", lambda: tensors(("x", (2, 3), ("N",)))),
        (ValueError, "x: ", lambda: tensors(("x", (2, 3, 4, 5), tuple("abcd")))),
        (ValueError, "x: ", lambda: tensors(("x", (0,), ("N",)))),
        (
            ShapeError,
            "h: expected N = 2",
            lambda: tensors(("x", (2,), ("N",)), ("h", (3,), ("N",))),
        ),
    ],
)
def test_errors_name_the_argument(error, message, call):
    """And say what is expected."""
    with pytest.raises(error, match=message):
        call()
