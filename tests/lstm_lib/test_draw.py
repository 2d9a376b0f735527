"""Cell diagrams: they show what runs, the same bytes each time, in words too."""

import doctest
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from functools import partial

import numpy as np
import pytest
from drawings import parts, text_of

from lstm_lib import GRU, LSTM, RNN, ShapeError, cells, draw, plot
from lstm_lib.draw import layout

N, D, H = 2, 3, 4
SVG = "{http://www.w3.org/2000/svg}"
STEPS = {  # column blocks, state, gates' names, and more parameters
    "rnn_step": (1, "h", (), {}),
    "lstm_step": (4, "hc", ("forget", "input", "candidate", "output"), {}),
    "peephole_step": (4, "hc", ("forget", "input", "candidate", "output"), {"p": 3}),
    "coupled_step": (3, "hc", ("forget", "candidate", "output"), {}),
    "gru_step": (3, "h", ("reset", "update", "new"), {}),
    "gru_step bn": (3, "h", ("reset", "update", "new"), {"bn": None}),
    "minlstm_step": (3, "c", ("forget", "input", "candidate"), {}),
    "mingru_step": (2, "h", ("update", "new"), {}),
}
LAYERS = {
    "rnn": (RNN, {}),
    "relu": (RNN, {"nonlinearity": "relu"}),
    "lstm": (LSTM, {}),
    "peephole": (LSTM, {"peephole": True}),
    "coupled": (LSTM, {"coupled": True}),
    "coupled peephole": (LSTM, {"coupled": True, "peephole": True}),
    "peephole without forget": (LSTM, {"gates": "io", "peephole": True}),
    "peephole without input": (LSTM, {"gates": "fo", "peephole": True}),
    **{f"gates {g}": (LSTM, {"gates": g}) for g in ("fo", "io", "if", "i", "")},
    "no activation": (LSTM, {"activation": "identity"}),
    "no readout": (LSTM, {"readout": "identity"}),
    "no readout, no gate": (LSTM, {"readout": "identity", "gates": "if"}),
    "no tanh": (
        LSTM,
        {"activation": "identity", "readout": "identity", "peephole": True},
    ),
    "gru": (GRU, {}),
    "gru before": (GRU, {"reset_after": False}),
    "without bias": (GRU, {"bias": False}),
    "two layers": (
        LSTM,
        {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.5},
    ),
}


def numbers(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng((seed, *shape)).normal(size=shape).astype(dtype)


def a_step(name):
    """A step function with its parameters and state: what, x, state, parameters."""
    blocks, states, _, more = STEPS[name]
    step = getattr(cells, name.split()[0])
    parameters = [numbers(D, blocks * H), numbers(H, blocks * H, seed=1)]
    parameters = parameters[: 1 if name.startswith("min") else 2]
    parameters += [numbers(blocks * H)]
    parameters += [numbers(*([rows] if rows else []), H) for rows in more.values()]
    state = tuple(numbers(N, H, seed=k) for k in range(len(states)))
    state = state if len(state) > 1 else state[0]
    return step, numbers(N, D), state, tuple(parameters)


def a_layer(name, dtype=np.float64):
    """A layer with an input and a state: what, x, state."""
    kind, options = LAYERS[name]
    layer = kind(D, H, rng=3, dtype=dtype, **options)
    state = tuple(numbers(N, H, seed=k, dtype=dtype) for k in range(2))
    return layer, numbers(N, D, dtype=dtype), state if kind is LSTM else state[0]


def every_diagram():
    """Name and diagram, each kind with values and without, and comparisons."""
    for name in LAYERS:
        layer, *arrays = a_layer(name)
        yield name, draw.cell(layer)
        yield f"{name} values", draw.cell(layer, *arrays, unit=1)
    for name in STEPS:
        step, x, state, parameters = a_step(name)
        yield name, draw.cell(step)
        yield f"{name} values", draw.cell(step, x, state, parameters=parameters)
    lstm = a_layer("lstm")[0]
    stages = [draw.cell(lstm, stage=stage) for stage in (1, 2, 3)]
    yield from zip(("stage 1", "stage 2", "stage 3"), stages)
    yield "stages compared", draw.compare(stages[0], stages[1])
    others = ("peephole", "coupled", "gates io", "gates if", "gates ")
    for name in (*others, "no activation", "no readout", "no tanh"):
        yield f"lstm to {name}", draw.compare(lstm, a_layer(name)[0])
    yield "lstm to min", draw.compare(lstm, cells.minlstm_step)
    yield "gru to min", draw.compare(a_layer("gru")[0], cells.mingru_step)
    yield "gru to gru", draw.compare(a_layer("gru before")[0], a_layer("gru")[0])


DIAGRAMS = dict(every_diagram())


def assert_values_are(diagram, expected):
    """Wire name -> number, bit for bit."""
    _, wires = parts(diagram)
    found = {name: wires[name]["value"] for name in expected}
    assert found == {name: float(value) for name, value in expected.items()}


@pytest.mark.parametrize("name", DIAGRAMS)
def test_svg_is_well_formed_and_named_as_the_json(name):
    """Quizzes and the gate explorer point at the same names in both."""
    diagram = DIAGRAMS[name]
    root = ElementTree.fromstring(diagram.svg("a-cell"))
    assert root.tag == f"{SVG}svg" and root.get("class") == "computed-figure"
    assert root.get("role") == "img" and root.get("aria-labelledby") == "a-cell-title"
    title = root.find(f"{SVG}title")
    assert title.get("id") == "a-cell-title" and title.text == diagram.alt
    for kind, named in zip(("node", "wire"), parts(diagram)):
        found = [g.get(f"data-{kind}") for g in root.iter(f"{SVG}g")]
        found = [one for one in found if one]
        assert sorted(found) == sorted(named) and len(set(found)) == len(found)
    for text in root.iter(f"{SVG}text"):
        assert float(text.get("font-size")) >= 12


@pytest.mark.parametrize("name", DIAGRAMS)
def test_the_json_alone_draws_the_same_picture(name):
    """What the page draws from is the description, not a second copy."""
    diagram = DIAGRAMS[name]
    again = json.loads(json.dumps(diagram.json(), allow_nan=False))
    assert layout.render(again, "name", diagram.alt) == diagram.svg("name")


def test_json_is_the_callers_own():
    """Changing it does not change the drawing."""
    diagram = DIAGRAMS["lstm"]
    before = diagram.svg()
    diagram.json()["nodes"][0]["labels"].clear()
    diagram.json()["wires"].clear()
    assert diagram.svg() == before


@pytest.mark.parametrize("name", STEPS)
def test_every_gate_and_wire_of_a_step_is_there(name):
    """Boxes by their names, a wire into each, and the states in and out."""
    _, states, gates, _ = STEPS[name]
    nodes, wires = parts(draw.cell(a_step(name)[0]))
    assert set(gates) <= set(nodes)
    for gate in gates:
        assert wires[f"to-{gate}"]["to"] == gate
        assert gate in text_of(nodes[gate])
    assert {"x", "h-up", *(f"{state}-previous" for state in states)} <= set(wires)
    assert ("inputs" in wires) == (name != "rnn_step")
    labels = {label for wire in wires.values() for label in text_of(wire)}
    assert {"xt", "ht", *(f"{state}t−1" for state in states)} <= labels
    letters = {gate: gate[0] for gate in gates} | {"candidate": "g", "update": "z"}
    assert {f"{letters[gate]}t" for gate in gates} <= labels


@pytest.mark.parametrize(
    ("name", "missing"),
    [("gates fo", "input write"), ("gates io", "forget keep")]
    + [("gates if", "output show"), ("coupled", "input")],
)
def test_a_gate_left_out_is_not_drawn(name, missing):
    """Nor what it multiplied."""
    nodes, _ = parts(draw.cell(a_layer(name)[0]))
    assert not set(missing.split()) & set(nodes)
    assert ("one-minus" in nodes) == (name == "coupled")


def test_peepholes_start_where_the_gates_look():
    """Input and forget gate at the old cell state, the output gate at the new."""
    nodes, wires = parts(DIAGRAMS["peephole"])
    start = {k: wires[f"peephole-{k}"]["points"][0] for k in ("forget", "output")}
    assert {y for _, y in start.values()} == {nodes["add"]["y"]}
    assert start["forget"][0] < nodes["keep"]["x"]
    assert start["output"][0] > nodes["add"]["x"]
    assert wires["peephole-input"]["points"][0][0] == start["forget"][0]


def test_both_forms_of_the_gru():
    """Where the reset gate stands against the product with U."""
    ends = {}
    for name in ("gru", "gru before"):
        _, wires = parts(DIAGRAMS[name])
        ends[name] = {(wire["from"], wire["to"]) for wire in wires.values()}
    assert ("product", "apply-reset") in ends["gru"]
    assert ("apply-reset", "new") in ends["gru"]
    assert ("apply-reset", "product") in ends["gru before"]
    assert ("product", "new") in ends["gru before"]


def test_a_bias_that_is_not_there_is_not_drawn():
    """The GRU's second bias, in the box and in the words."""
    for name, there in (("gru", True), ("without bias", False)):
        nodes, _ = parts(DIAGRAMS[name])
        assert (text_of(nodes["product"]) == ["Un, bn"]) == there
        assert ("b_n" in DIAGRAMS[name].alt) == there


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_the_stages_of_the_classic_picture(stage):
    """Gates see x, then h, then c."""
    _, wires = parts(DIAGRAMS[f"stage {stage}"])
    assert "x" in wires
    assert ("h-previous" in wires) == (stage >= 2)
    assert ("peephole-output" in wires) == (stage == 3)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_wires_cross_only_by_a_hop_and_no_node(name):
    """One hop for the output over the cell state, one more where it must be."""
    nodes, wires = parts(DIAGRAMS[name])
    hops = sum(len(w["hops"]) for w in wires.values() if w["status"] != "removed")
    assert hops <= 2
    for wire in wires.values():
        if wire["status"] == "removed":
            continue
        for start, end in zip(wire["points"], wire["points"][1:]):
            assert start[0] == end[0] or start[1] == end[1], "a slanted wire"
            assert abs(start[0] - end[0]) + abs(start[1] - end[1]) > 8, "a kink"
            for node in nodes.values():
                if node["shape"] == "frame" or node["status"] == "removed":
                    continue
                apart = any(
                    max(start[k], end[k]) <= node[c] - node[size] / 2
                    or min(start[k], end[k]) >= node[c] + node[size] / 2
                    for k, (c, size) in enumerate((("x", "width"), ("y", "height")))
                )
                assert apart, (wire["name"], node["name"])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", LAYERS)
def test_values_on_wires_are_the_layers(name, dtype):
    """Gates and states of every unit and example, as the layer computes them."""
    layer, x, state = a_layer(name, dtype)
    one = a_layer(name, dtype)[0]
    if name == "two layers":  # its first layer, forward in time
        one = LSTM(D, H, dtype=dtype)
        one.parameters = {key: layer.parameters[key] for key in one.parameters}
    several = isinstance(state, tuple)
    _, new = one(x[None], tuple(s[None] for s in state) if several else state[None])
    computed = {k.removesuffix("_l0"): v[0] for k, v in one.computed().items()}
    exact = dict(zip("hc", new if several else [new]))
    for example in range(N):
        for unit in range(H):
            _, wires = parts(draw.cell(layer, x, state, unit=unit, example=example))
            for key, array in computed.items():
                if key in wires:
                    np.testing.assert_allclose(
                        wires[key]["value"],
                        array[example, unit],
                        rtol=1e-12 if dtype == np.float64 else 2e-6,
                        atol=1e-12 if dtype == np.float64 else 1e-6,
                    )
            for key, array in exact.items():
                assert wires[key]["value"] == float(array[0, example, unit])


@pytest.mark.parametrize("name", STEPS)
def test_values_on_wires_are_the_steps(name):
    """The new state is the very number that the step returns."""
    step, x, state, parameters = a_step(name)
    old = state if isinstance(state, tuple) else (state,)
    if name == "gru_step bn":
        *first, bn = parameters
        new = step(x, *old, *first, bn=bn)
        assert draw.cell(partial(step, bn=bn)).svg("a") == draw.cell(
            step, parameters=parameters
        ).svg("a")
    else:
        new = step(x, *old, *parameters)
    new = new if isinstance(new, tuple) else (new,)
    for unit in range(H):
        diagram = draw.cell(step, x, state, parameters=parameters, unit=unit, example=1)
        expected = {f"{s}-previous": a[1, unit] for s, a in zip(STEPS[name][1], old)}
        if STEPS[name][1] != "h" or "gru" not in name:
            expected.pop("h-previous", None)  # a whole vector there
        expected |= {s: a[1, unit] for s, a in zip(STEPS[name][1], new)}
        assert_values_are(diagram, expected)


def test_what_flows_inside_an_lstm():
    """Every wire of one worked unit, to the last digit that is shown."""
    W, U, b = np.array([[1.0, 2, 3, 4]]), np.zeros((1, 4)), np.array([0.5, 0, 0, -1])
    x, h, c = np.array([0.5]), np.array([0.25]), np.array([-2.0])
    diagram = draw.cell(cells.lstm_step, x, (h, c), parameters=(W, U, b))
    i, f, g, o = cells.sigmoid(1.0), cells.sigmoid(1.0), np.tanh(1.5), cells.sigmoid(1)
    new = f * -2 + i * g
    expected = {"f": f, "i": i, "g": g, "o": o, "kept": f * -2, "written": i * g}
    expected |= {"c": new, "tanh-c": np.tanh(new), "h": o * np.tanh(new)}
    expected |= {"to-forget": 1.0, "to-candidate": 1.5, "c-previous": -2.0}
    nodes, wires = parts(diagram)
    for name, value in expected.items():
        assert wires[name]["value"] == pytest.approx(value, rel=1e-14)
    assert wires["x"]["value"] == [0.5] and wires["inputs"]["value"] == [0.25, 0.5]
    assert text_of(wires["f"]) == ["ft", "0.731"]
    assert text_of(wires["kept"]) == ["−1.46"]
    assert text_of(wires["h-previous"]) == ["ht−1", "0.25"]
    assert nodes["forget"]["level"] == [0, pytest.approx(f)]
    assert nodes["candidate"]["level"] == [0.5, pytest.approx(0.5 + g / 2)]
    assert diagram.alt == (
        "LSTM cell: forget gate 0.731 keeps c_{t-1} = -2; input gate 0.731 writes "
        "candidate g_t = 0.905; the sum is c_t = -0.8; output gate 0.731 shows "
        "tanh(c_t) = -0.664 as h_t = -0.486; all see x_t and h_{t-1}."
    )


def test_an_identity_is_drawn_as_one():
    """The lecture's unit worked by hand has no tanh."""

    def identity(z):
        return z

    unit = partial(cells.lstm_step, activation=identity, readout=identity)
    parameters = np.ones((1, 4)), np.ones((1, 4)), np.zeros(4)
    x, state = np.array([3.0]), (np.zeros(1), np.ones(1))
    nodes, wires = parts(draw.cell(unit, x, state, parameters=parameters))
    assert "linear" in text_of(nodes["candidate"]) + text_of(nodes["readout"])
    assert wires["g"]["value"] == 3.0
    assert wires["tanh-c"]["value"] == wires["c"]["value"]


@pytest.mark.parametrize(
    ("name", "boxes", "title"),
    [
        ("no activation", {"candidate"}, "LSTM cell without tanh of g_t"),
        ("no readout", {"readout"}, "LSTM cell without tanh of c_t"),
        (
            "no readout, no gate",
            {"readout"},
            "LSTM cell without output gate and without tanh of c_t",
        ),
        (
            "no tanh",
            {"candidate", "readout"},
            "Peephole LSTM cell without tanh of g_t and without tanh of c_t",
        ),
    ],
)
def test_a_layer_without_a_tanh_is_drawn_without(name, boxes, title):
    """In its boxes, its words and its values."""
    diagram = DIAGRAMS[f"{name} values"]
    nodes, wires = parts(diagram)
    linear = {n for n, node in nodes.items() if "linear" in text_of(node)}
    assert linear == boxes and diagram.alt.startswith(f"{title}: ")
    assert ("linear(c_t)" in diagram.alt) == ("readout" in boxes)
    read = "h" if name == "no readout, no gate" else "tanh-c"
    same = wires[read]["value"] == wires["c"]["value"]
    assert same == ("readout" in boxes)
    layer, x, state = a_layer(name)
    if "candidate" in boxes:
        W, U, b = (layer.parameters[f"{k}_l0"][..., 2 * H + 1] for k in "WUb")
        assert wires["g"]["value"] == pytest.approx(x[0] @ W + state[0][0] @ U + b)


def test_steps_and_layers_without_a_tanh_are_drawn_alike():
    """The same words and the same names of parts; a plain function has its own."""

    def identity(z):
        return z

    for name in ("activation", "readout"):
        layer = draw.cell(LSTM(1, 1, **{name: "identity"}))
        for step in (cells.lstm_step, cells.ablated_step):
            assert draw.cell(partial(step, **{name: identity})).svg() == layer.svg()
    halved = draw.cell(partial(cells.lstm_step, readout=lambda z: z / 2))
    assert "φ(c_t)" in halved.alt and "without" not in halved.alt


def test_compare_shows_the_tanh_that_is_gone():
    """The box that is now linear, and nothing else."""
    for name, box, what in (
        ("no activation", "candidate", "the candidate g_t, {}"),
        ("no readout", "readout", "{} of c_t"),
    ):
        diagram = DIAGRAMS[f"lstm to {name}"]
        nodes, wires = parts(diagram)
        changed = {n for n, item in {**nodes, **wires}.items() if item["status"]}
        assert changed == {box, "legend-added"}  # the old box is under the new one
        assert f"Added: {what.format('linear')}." in diagram.alt
        assert f"Removed: {what.format('tanh')}." in diagram.alt


def test_vectors_are_shown_up_to_three_numbers():
    """Of a longer one, their count; and which unit the numbers belong to."""
    nodes, wires = parts(DIAGRAMS["lstm values"])
    assert text_of(wires["x"])[1].count(",") == 2
    assert text_of(wires["h-previous"])[1] == "4 values"
    assert text_of(nodes["cell"]) == ["unit 1 of 4, example 0 of 2"]
    layer = LSTM(5, 1, rng=0)
    _, wires = parts(draw.cell(layer, np.ones(5)))
    assert text_of(wires["x"])[1] == "5 values"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.98, "0.98"), (-1.2345, "−1.23"), (12345.0, "1.23e4"), (-2e-7, "−2e−7")]
    + [(0.0, "0"), (-0.0, "0"), (1.0, "1"), (0.99996, "1"), (999.7, "1e3")],
)
def test_three_digits(value, shown):
    """A true minus sign, short exponents."""
    found = draw.cells._shown(value)
    assert found == shown or float(found.replace("−", "-")) == float(f"{value:.3g}")
    assert len(found) <= 8 and "-" not in found


def test_zeros_are_the_state_if_none_is_given():
    """As the layer has it."""
    layer, x, _ = a_layer("lstm")
    assert_values_are(draw.cell(layer, x), {"c-previous": 0.0, "kept": 0.0})


def test_large_inputs_saturate_quietly():
    """No overflow; warnings from lstm_lib are errors here."""
    for name in LAYERS:
        layer, x, state = a_layer(name)
        diagram = draw.cell(layer, x * 1e4, state)
        assert "nan" not in diagram.svg()


def test_drawing_leaves_the_layer_as_it_was():
    """Backward after it uses what the last forward call computed."""
    layer, x, state = a_layer("lstm")
    y, _ = layer(x[None])
    layer.backward(np.ones_like(y))
    before = {key: grad.copy() for key, grad in layer.grads.items()}
    draw.cell(layer, x * 2, state)
    layer.backward(np.ones_like(y))
    for key, grad in before.items():
        np.testing.assert_array_equal(layer.grads[key], grad)
    assert layer.training


def test_the_same_bytes_in_every_process():
    """No set order, date or random id gets into the file."""
    code = (
        "from lstm_lib import LSTM, GRU, draw\n"
        "print(draw.cell(LSTM(2, 3, peephole=True, rng=0), [[0.5, 1.0]]).svg())\n"
        "print(draw.compare(LSTM(1, 1), LSTM(1, 1, coupled=True)).svg())\n"
        "print(draw.cell(GRU(1, 1)).json())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONIOENCODING": "utf-8"},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert all(diagram.svg() == diagram.svg() for diagram in DIAGRAMS.values())


def test_importing_draw_loads_no_matplotlib():
    """Nor anything else that draws."""
    code = "import lstm_lib.draw, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_colour_has_a_fallback_and_a_dark_value(root):
    """One colour for each quantity, in diagrams and plots, on both pages."""
    svg = DIAGRAMS["lstm values"].svg()
    for role, color in plot.COLORS.items():
        assert svg.count(color) == svg.count(f"var(--figure-{role}, {color})")
    assert "var(--figure-forget, #b54200)" in svg
    css = (root / "book/_ext/computed_figures.css").read_text()
    dark = css[css.index('html[data-theme="dark"]') :]
    for role in plot.COLORS.keys() - {"paper", "ground"}:
        assert f"--figure-{role}: #" in dark, role


def test_compare_says_and_shows_what_is_added():
    """Peepholes drawn strong, the rest grey."""
    diagram = DIAGRAMS["lstm to peephole"]
    added = "the peephole from c_{t-1} to the input gate"
    assert added in diagram.alt and "Removed: nothing" in diagram.alt
    nodes, wires = parts(diagram)
    strong = {name for name, wire in wires.items() if wire["status"] == "added"}
    assert strong == {f"peephole-{k}" for k in ("input", "forget", "output")} | {
        "legend-added"
    }
    assert {node["status"] for node in nodes.values()} == {""}
    assert wires["f"]["role"] == "muted"


def test_compare_ghosts_what_is_removed():
    """Dashed, and not named among the wires that are there."""
    diagram = DIAGRAMS["lstm to coupled"]
    assert "Removed: the input gate i_t." in diagram.alt
    assert "Added: 1 - f_t as input gate." in diagram.alt
    nodes, wires = parts(diagram)
    assert nodes["input"]["status"] == wires["to-input"]["status"] == "removed"
    assert nodes["one-minus"]["status"] == "added"
    assert 'data-node="input" data-status="removed"' in diagram.svg()
    assert diagram.svg().count("stroke-dasharray") >= 3


def test_a_moved_part_is_both():
    """The product with U stands elsewhere in the two forms of the GRU."""
    nodes, _ = parts(DIAGRAMS["gru to gru"])
    assert nodes["product"]["status"] == "added"
    assert nodes["product-before"]["status"] == "removed"


def test_equal_cells_differ_in_nothing():
    """Weights are not compared."""
    diagram = draw.compare(LSTM(1, 1, rng=0), LSTM(2, 3, rng=1))
    assert diagram.alt.endswith("Added: nothing. Removed: nothing.")


# ---- out of it ---------------------------------------------------------------


def test_jupyter_shows_svg_and_words():
    """The display that plot.show gives."""
    diagram = DIAGRAMS["lstm"]
    bundle = diagram._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["image/svg+xml"] == diagram.svg("lstm")
    assert bundle["text/plain"] == diagram.alt


def test_show_displays_under_a_name(monkeypatch):
    """With the words given, or its own."""
    import IPython.display

    shown = []
    monkeypatch.setattr(
        IPython.display, "display", lambda bundle, raw: shown.append((bundle, raw))
    )
    DIAGRAMS["lstm"].show(name="my-cell", alt="A cell & its <gates>.")
    ((bundle, raw),) = shown
    assert raw and bundle["text/plain"] == "A cell & its <gates>."
    assert (
        '<title id="my-cell-title">A cell &amp; its &lt;gates&gt;.</title>'
        in (bundle["image/svg+xml"])
    )


@pytest.mark.parametrize(("name", "alt"), [("Bad name", "words"), ("name", " ")])
def test_a_drawing_needs_a_name_and_words(name, alt):
    """As a plot does."""
    with pytest.raises(ValueError, match="(name|alt): expected"):
        DIAGRAMS["lstm"].svg(name, alt)


def test_save_writes_the_svg(tmp_path):
    """Whole, and nothing beside it."""
    DIAGRAMS["lstm"].save(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").read_text("utf-8") == DIAGRAMS["lstm"].svg()
    assert os.listdir(tmp_path) == ["x.svg"]


def test_save_refuses_what_it_cannot_write(tmp_path, monkeypatch):
    """An unknown ending, or a PNG without Playwright; the old file stays."""
    with pytest.raises(ValueError, match=r"path: expected a name in .svg or .png"):
        DIAGRAMS["lstm"].save(tmp_path / "x.pdf")
    (tmp_path / "x.png").write_bytes(b"old")
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    with pytest.raises(RuntimeError, match="a PNG needs Playwright"):
        DIAGRAMS["lstm"].save(tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x.png"]


def test_the_example_of_the_module_gives_what_it_says():
    """The first lines a reader tries."""
    result = doctest.testmod(draw)
    assert result.attempted and not result.failed


# ---- refusals ----------------------------------------------------------------


@pytest.mark.parametrize("what", [None, 3, "LSTM", LSTM, cells.sigmoid, np.tanh])
def test_what_cannot_be_drawn_is_refused_with_what_can(what):
    """The message names the layers and the steps."""
    with pytest.raises(TypeError, match="what: expected an RNN, LSTM or GRU.*minlstm"):
        draw.cell(what)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.ones((N, D + 1))}, "x: expected shape"),
        ({"x": np.ones((1, N, D))}, "x: expected 2 axes"),
        ({"state": np.ones((N, H))}, "state: expected a tuple"),
        ({"state": (np.ones((N, H)), np.ones((N, H + 1)))}, "c: expected shape"),
        ({"state": (np.ones((N + 1, H)),) * 2}, "h: expected shape"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments, message):
    """ShapeError names the argument."""
    layer, x, _ = a_layer("lstm")
    with pytest.raises(ShapeError, match=message):
        draw.cell(layer, **({"x": x} | arguments))


@pytest.mark.parametrize("argument", ["unit", "example"])
@pytest.mark.parametrize("index", [-1, 4, 1.0, True])
def test_a_unit_or_example_that_is_not_there(argument, index):
    """ValueError says the range."""
    layer, x, state = a_layer("lstm")
    with pytest.raises(ValueError, match=rf"{argument}: expected an integer in 0\.\."):
        draw.cell(layer, x, state, **{argument: index})


def test_values_need_weights_and_an_input():
    """Each refusal names what is missing."""
    step, x, state, parameters = a_step("lstm_step")
    with pytest.raises(ValueError, match="parameters: expected the step function's"):
        draw.cell(step, x, state)
    with pytest.raises(ValueError, match=r"parameters: expected a tuple \(W, U, b\)"):
        draw.cell(step, x, state, parameters=parameters[:2])
    with pytest.raises(ValueError, match="x: expected values"):
        draw.cell(step, None, state, parameters=parameters)
    with pytest.raises(ShapeError, match="U: expected shape"):
        draw.cell(
            step, x, state, parameters=(parameters[0], parameters[1].T, parameters[2])
        )
    with pytest.raises(ValueError, match="parameters: expected None for a layer"):
        draw.cell(LSTM(D, H), parameters=parameters)


def test_a_stage_must_be_one_and_have_the_values():
    """An LSTM has three; one that it does not compute has no values."""
    with pytest.raises(ValueError, match="stage: expected 1, 2, 3 or None, got 4"):
        draw.cell(LSTM(D, H), stage=4)
    with pytest.raises(ValueError, match="stage: expected None but for an LSTM"):
        draw.cell(GRU(D, H), stage=1)
    layer, x, state = a_layer("lstm")
    with pytest.raises(ValueError, match="stage: expected None where values"):
        draw.cell(layer, x, state, stage=3)
    assert "0." in draw.cell(layer, x, state, stage=2).alt


def test_gates_of_an_ablated_step_are_checked():
    """Drawing needs no run, so it checks what the step would."""
    nodes, _ = parts(draw.cell(partial(cells.ablated_step, gates="io")))
    assert {"input", "output"} <= set(nodes) and "forget" not in nodes
    with pytest.raises(ValueError, match="gates: expected letters of 'ifo' in order"):
        draw.cell(partial(cells.ablated_step, gates="oi"))


def test_two_families_are_not_compared():
    """Their parts stand at other places."""
    with pytest.raises(ValueError, match="a, b: expected two cells of one family"):
        draw.compare(LSTM(1, 1), GRU(1, 1))
    with pytest.raises(TypeError, match="what: expected"):
        draw.compare(LSTM(1, 1), None)


def test_a_drawing_that_disagrees_is_not_shown(monkeypatch):
    """The new state is asked of the layer itself and compared."""
    layer, x, state = a_layer("lstm")
    monkeypatch.setattr(draw.flow, "sigmoid", lambda z: np.full_like(z, 0.5))
    with pytest.raises(RuntimeError, match="disagrees with what it draws"):
        draw.cell(layer, x, state)


# ---- the layout model --------------------------------------------------------


def two_boxes():
    """Box a at (20, 20), box b at (100, 60), both 20 wide."""
    drawing = layout.Layout("test", 200, 100)
    drawing.node("a", "box", 20, 20, 20)
    drawing.node("b", "box", 100, 60, 20)
    return drawing


def test_a_port_is_a_side_of_a_node_with_a_shift():
    """A point, and the direction a wire has there."""
    drawing = two_boxes()
    assert drawing.port("a.right") == ((30, 20), (1, 0))
    assert drawing.port("b.top-4") == ((96, 50), (0, -1))


def test_a_wire_turns_as_its_ports_want():
    """Into a top downwards, into a left side from the left."""
    drawing = two_boxes()
    drawing.wire("down", "a.right", "b.top")
    drawing.wire("side", "a.bottom", "b.left")
    assert drawing.wires["down"]["points"] == [[30, 20], [100, 20], [100, 50]]
    assert drawing.wires["side"]["points"] == [[20, 30], [20, 60], [90, 60]]
    assert drawing.wires["side"]["from"] == "a" and drawing.wires["side"]["to"] == "b"


def test_a_later_wire_hops_over_an_earlier_one():
    """In the middle of both; where they only touch, it does not."""
    drawing = two_boxes()
    drawing.wire("first", (0, 40), (200, None))
    drawing.wire("second", (50, 80), (None, 0))
    drawing.wire("touching", (70, 40), (None, 0), dot=True)
    assert drawing.wires["second"]["hops"] == [[50, 40]]
    assert drawing.wires["touching"]["hops"] == []
    path = {w["name"]: w["path"] for w in drawing.description()["wires"]}
    assert path["first"] == "M0 40L194 40"
    assert path["second"] == "M50 80L50 47A7 7 0 0 1 50 33L50 6"


@pytest.mark.parametrize("name", ["a", "Bad", "two words", ""])
def test_names_are_new_and_plain(name):
    """They become data- attributes."""
    with pytest.raises(ValueError, match="node: expected a new name"):
        two_boxes().node(name, "box", 0, 0, 10)


def test_an_unknown_option_is_refused():
    """A typing error would otherwise vanish in the data."""
    with pytest.raises(TypeError, match="expected some of"):
        two_boxes().wire("w", "a.right", "b.top", colour="red")
    with pytest.raises(KeyError):
        two_boxes().wire("w", "a.right", "c.top")
