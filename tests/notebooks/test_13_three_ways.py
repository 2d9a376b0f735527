"""Chapter 13: its formulas, its probes and its numbers, computed again.

The probes are the chapter's own cells, run here on other sizes. They ask the real
libraries, so a test fails on the day a library changes what it does.
"""

import copy
import math
import os
import re

import numpy as np
import pytest
from answers import bank_function, numbers

from lstm_lib import GRU, LSTM, gru_step, to_onnx
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.porting import outputs_in_keras, outputs_in_torch

CHAPTER = "13_three_ways"
NOT_RUN = {"06", "07", "15", "17", "18", "78", "79", "81", "82", "83", "85"}  # training


@pytest.fixture(scope="module")
def names(notebook):
    """What the chapter's cells define that train and draw nothing."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    # As the chapter finds it: a layer of other tests has fixed Keras's precision.
    keras.config.set_dtype_policy("float64")
    names = {"__name__": "__main__"}
    for cell in notebook(CHAPTER).cells:
        tags, number = cell.metadata.get("tags", []), cell.id.split("-")[-1]
        skip = any(tag.startswith(("exercise", "hide", "remove")) for tag in tags)
        if cell.cell_type == "code" and not skip and int(number) <= 61:
            if number == "61":  # the function alone
                cell = copy.deepcopy(cell)
                cell.source = cell.source.partition("\nall_ports")[0]
            if number not in NOT_RUN:
                exec(compile(cell.source, cell.id, "exec"), names)
    yield names
    keras.config.set_floatx("float32")  # as other tests find it
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="module")
def boxes(names):
    """The four libraries' boxes."""
    return names["boxes"]


def printed(notebook, number):
    """What the cell of this number prints, in the stored notebook."""
    cells = {cell.id: cell for cell in notebook(CHAPTER).cells}
    outputs = cells[f"three-ways-{number}"].outputs
    return "".join(output.get("text", "") for output in outputs)


def logistic(z):
    return 1 / (1 + math.exp(-z))


# ---- formulas ------------------------------------------------------------------


def test_eq_largest_difference(live):
    """As `difference`, number by number; the two outputs are not exchangeable."""
    rng = np.random.default_rng(0)
    y, other = rng.normal(size=(2, 3, 2, 4))
    top = bottom = 0.0
    for t in range(3):
        for n in range(2):
            for j in range(4):
                top = max(top, abs(y[t, n, j] - other[t, n, j]))
                bottom = max(bottom, abs(y[t, n, j]))
    found = live(CHAPTER)["difference"](y, other)
    assert found == pytest.approx(top / bottom, rel=1e-12)
    assert found != pytest.approx(live(CHAPTER)["difference"](other, y), rel=1e-3)


def test_eq_reorder(live):
    """As `entries`, for places that are not their own way back."""
    places, H = [2, 0, 3, 1], 3
    b = np.random.default_rng(1).normal(size=4 * H)
    moved = b[live(CHAPTER)["entries"](places, H)]
    for k in range(4):
        for j in range(H):
            assert moved[k * H + j] == b[places[k] * H + j]


def test_eq_torch_sum(names):
    """As `torch_lstm`, and as PyTorch's own layer with two biases."""
    torch = names["torch"]
    T, N, D, H = 3, 2, 4, 5
    rng = np.random.default_rng(2)
    shapes = (4 * H, D), (4 * H, H), (4 * H,), (4 * H,)
    W, U, b, b_2 = arrays = [rng.normal(size=shape) for shape in shapes]
    x, h, c = (rng.normal(size=s) for s in ((T, N, D), (N, H), (N, H)))
    y = names["torch_lstm"](*arrays, x, h, c)
    layer = torch.nn.LSTM(D, H, dtype=torch.float64)
    layer.load_state_dict(dict(zip(layer.state_dict(), map(torch.tensor, arrays))))
    theirs, _ = layer(torch.tensor(x), tuple(torch.tensor(a)[None] for a in (h, c)))
    assert np.allclose(y, theirs.detach().numpy(), rtol=1e-10)
    for n in range(N):
        for j in range(H):
            z = []
            for row in (j, H + j, 2 * H + j, 3 * H + j):
                z.append(sum(W[row, d] * x[0, n, d] for d in range(D)) + b[row])
                z[-1] += sum(U[row, k] * h[n, k] for k in range(H)) + b_2[row]
            i, f, o = logistic(z[0]), logistic(z[1]), logistic(z[3])
            expected = o * math.tanh(f * c[n, j] + i * math.tanh(z[2]))
            assert y[0, n, j] == pytest.approx(expected, rel=1e-10)


def test_eq_two_resets():
    """As `gru_step` with and without the inner bias."""
    N, D, H = 2, 3, 4
    rng = np.random.default_rng(3)
    shapes = (N, D), (N, H), (D, 3 * H), (H, 3 * H), (3 * H,), (H,)
    x, h, W, U, b, bn = (rng.normal(size=shape) for shape in shapes)
    before, after = gru_step(x, h, W, U, b), gru_step(x, h, W, U, b, bn=bn)

    def product(matrix, block, j, column):  # the equation's matrix: rows are units
        rows = matrix.T[block * H + j]
        return sum(rows[k] * column[k] for k in range(len(column)))

    for n in range(N):
        r, z = (
            [
                logistic(product(W, g, j, x[n]) + product(U, g, j, h[n]) + b[g * H + j])
                for j in range(H)
            ]
            for g in (0, 1)
        )
        for j in range(H):
            own = product(W, 2, j, x[n]) + b[2 * H + j]
            reset = [r[k] * h[n, k] for k in range(H)]
            inside = math.tanh(own + product(U, 2, j, reset))
            outside = math.tanh(own + r[j] * (product(U, 2, j, h[n]) + bn[j]))
            for new, step in ((inside, before), (outside, after)):
                expected = z[j] * h[n, j] + (1 - z[j]) * new
                assert step[n, j] == pytest.approx(expected, rel=1e-10)


def test_eq_start_bounds(boxes):
    """The largest starting weight of a big layer comes near its bound."""
    D, H = 60, 90
    W = {k: np.abs(next(iter(boxes[k]("LSTM", D, H)[0].values()))).max() for k in boxes}
    assert 0.99 < W["PyTorch"] / (1 / math.sqrt(H)) <= 1
    assert 0.99 < W["Keras"] / math.sqrt(6 / (D + 4 * H)) <= 1
    assert 0.99 < W["lstm_lib"] / (1 / math.sqrt(H)) <= 1 and W["ONNX"] == 0


def test_eq_rounding(notebook):
    """Of many numbers none is rounded by more, and one nearly by as much."""
    rng = np.random.default_rng(4)
    a = rng.uniform(1, 2, 10_000)
    error = np.abs(a.astype("f4").astype(float) - a) / a
    assert 0.9 * 2**-24 < error.max() <= 2**-24
    thirds = rng.integers(1, 2**53, 2000)
    exact = [abs(int(float(int(m)) * 1) * 3 - int(float(3 * int(m)))) for m in thirds]
    error = max(e / (3 * int(m)) for e, m in zip(exact, thirds))
    assert 0.5 * 2**-53 < error <= 2**-53
    for power, line in zip((24, 53), printed(notebook, "57").splitlines()):
        assert f"rounds by {2.0**-power:.1e}, equal sums: False" in line


# ---- probes --------------------------------------------------------------------

ORDERS = {
    "lstm_lib": ("ifgo", "rzn"),
    "PyTorch": ("ifgo", "rzn"),
    "Keras": ("ifgo", "zrn"),
    "ONNX": ("iofg", "zrn"),
}


@pytest.mark.parametrize("library", ORDERS)
def test_gate_orders(library, names, boxes, notebook):
    """Probed with another number of units, and as printed."""
    found = [names["gate_order"](boxes[library], kind, H=3) for kind in ("LSTM", "GRU")]
    assert tuple(found) == ORDERS[library]
    assert re.search(rf"{library} +{found[0]} {found[1]}\n", printed(notebook, "29"))


def test_the_probe_sees_every_order(names):
    """Also of a library that does not exist, and an update gate that lets in."""
    start, run = names["numpy_box"]("LSTM", 3, 2)
    order = names["entries"]([3, 1, 0, 2], 2)  # o, f, i, g

    def other(kind, D, H):
        back = np.argsort(order)
        return start, lambda arrays, *rest: run([a[..., back] for a in arrays], *rest)

    assert names["gate_order"](other, "LSTM") == "ofig"
    assert names["name_of"]("GRU", 0.0, 0.0) == "?"


def test_shapes(boxes, notebook):
    """Probed for other sizes, and printed for D = 3 and H = 5."""
    D, H = 2, 7
    expected = {
        ("lstm_lib", "LSTM"): [(D, 4 * H), (H, 4 * H), (4 * H,)],
        ("PyTorch", "LSTM"): [(4 * H, D), (4 * H, H), (4 * H,), (4 * H,)],
        ("Keras", "LSTM"): [(D, 4 * H), (H, 4 * H), (4 * H,)],
        ("ONNX", "LSTM"): [(1, 4 * H, D), (1, 4 * H, H), (1, 8 * H)],
        ("lstm_lib", "GRU"): [(D, 3 * H), (H, 3 * H), (3 * H,), (H,)],
        ("PyTorch", "GRU"): [(3 * H, D), (3 * H, H), (3 * H,), (3 * H,)],
        ("Keras", "GRU"): [(D, 3 * H), (H, 3 * H), (2, 3 * H)],
        ("ONNX", "GRU"): [(1, 3 * H, D), (1, 3 * H, H), (1, 6 * H)],
    }
    for (library, kind), shapes in expected.items():
        start, _ = boxes[library](kind, D, H)
        assert [tuple(array.shape) for array in start.values()] == shapes, library
    biases = {}
    for line in printed(notebook, "35").splitlines():
        library, kind, *rest = line.split(maxsplit=2)
        shapes = re.findall(r"\([\d, ]+\)", rest[0])[2:]
        counts = [np.prod([int(n) for n in re.findall(r"\d+", s)]) for s in shapes]
        biases[library, kind] = sum(counts)
    lstm = {library: biases[library, "LSTM"] for library in boxes}
    assert lstm == {"lstm_lib": 20, "PyTorch": 40, "Keras": 20, "ONNX": 40}


def test_the_notation_page_says_what_the_probes_find(root, boxes, names):
    """Its table of other libraries: orders, input weights, biases, the GRU."""
    text = (root / "book" / "notation.md").read_text("utf-8")
    rows = {}
    for line in text.partition("## Other libraries")[2].splitlines():
        if line.startswith("|"):
            first, *rest = (part.strip() for part in line.strip("|").split("|"))
            rows[first] = rest
    D, H = 3, 5
    for place, library in enumerate(["lstm_lib", "PyTorch", "Keras", "ONNX"]):
        start = boxes[library]("LSTM", D, H)[0]
        W, _, *biases = start.values()
        order = rows["gate order"][place].replace(", ", "").replace("c", "g")
        assert order == names["gate_order"](boxes[library], "LSTM"), library
        shape = re.search(r"\(.+\)", rows["input weights"][place])[0]
        shape = re.sub(r"(\d)H", r"\1*H", shape)
        assert eval(shape, {"D": D, "H": H}) == W.shape, library
        count = {"one": 1, "two": 2}[rows["biases"][place].partition(",")[0]]
        assert count == sum(b.size for b in biases) / (4 * H), library
        order = rows["GRU's order"][place].replace(", ", "")
        assert order == names["gate_order"](boxes[library], "GRU"), library
        form = rows["GRU resets, unless told otherwise"][place].split()[0]
        assert form == ("before" if library == "ONNX" else "after")  # probed below


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
@pytest.mark.parametrize("library", ["PyTorch", "ONNX"])
def test_of_two_biases_the_sum_counts(library, kind, boxes):
    """Moved from one to the other: the same, but where r stands between them.

    That is in block n of PyTorch's GRU; ONNX's default resets before.
    """
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 2, 3))
    state = rng.normal(size=(2 if kind == "LSTM" else 1, 2, 5))
    start, run = boxes[library](kind, 3, 5)
    W, U, *biases = [rng.normal(size=array.shape) for array in start.values()]
    first, second = np.concatenate([np.ravel(b) for b in biases]).reshape(2, -1)

    def last(*pair):
        joined = [np.concatenate(pair)[None]]
        return np.array(
            run([W, U, *(pair if library == "PyTorch" else joined)], x, *state)
        )

    own, moved = last(first, second), last(first + second, 0 * second)
    between = (library, kind) == ("PyTorch", "GRU")
    assert np.allclose(own, moved, rtol=1e-10) != between
    part = second.copy()
    part[10:15] *= not between  # leave the second bias of n where it is
    assert np.allclose(own, last(first + part, second - part), rtol=1e-10)


def test_default_form_of_the_gru(notebook, boxes, names):
    """After the product, but for ONNX; as printed."""
    found = {}
    for line in printed(notebook, "46").splitlines():
        library, (before, after) = line.split()[0], re.findall(r"\d\.\d+", line)
        found[library] = float(before) == 0, float(after) == 0
        assert {float(before), float(after)} == {0, 0.03}
    assert found == {
        library: (library == "ONNX", library != "ONNX") for library in boxes
    }
    # With other weights, and by units that read each other.
    after = GRU(2, 4, rng=9)
    after.parameters["bn_l0"][:] = 0
    before = GRU(2, 4, reset_after=False)
    before.parameters.update({k: after.parameters[k] for k in before.parameters})
    rng = np.random.default_rng(6)
    x, h = rng.normal(size=(5, 3, 2)), rng.normal(size=(3, 4))
    for library, box in boxes.items():
        (last,) = box("GRU", 2, 4)[1](names["writers"][library](after), x, h)
        form = before if library == "ONNX" else after
        assert np.allclose(last, form(x, h[None])[1][0], rtol=1e-10), library


def test_starts(names, boxes):
    """Keras: orthogonal, forget bias 1; PyTorch and this course: neither."""
    said = {library: names["start_of"](box, 70, 110) for library, box in boxes.items()}
    assert "1/sqrt(H)" in said["PyTorch"] and "False" in said["PyTorch"]
    assert "Glorot" in said["Keras"] and "True" in said["Keras"]
    assert [text[-3:] for text in said.values()] == ["0.5", "0.5", "0.7", "0.5"]
    bias = boxes["Keras"]("LSTM", 4, 6)[0]["bias"]
    assert bias.tolist() == [0] * 6 + [1] * 6 + [0] * 12
    assert (boxes["Keras"]("GRU", 4, 6)[0]["bias"] == 0).all()
    assert (logistic(1) / 0.5) ** 20 == pytest.approx(2000, rel=0.02)


def test_functions_of_keras_gates():
    """Probed, not asked for: a forget gate at bias 1, a candidate at bias 1."""
    import keras

    layer = keras.layers.LSTM(1, return_state=True, dtype="float64")
    layer.build((None, None, 1))
    for block, expected in ((1, 2 * logistic(1)), (2, 1 + 0.5 * math.tanh(1))):
        bias = np.zeros(4)
        bias[block] = 1
        layer.set_weights([np.zeros((1, 4)), np.zeros((1, 4)), bias])
        state = [np.zeros((1, 1)), np.full((1, 1), 2.0)]
        *_, c = layer(np.zeros((1, 1, 1)), initial_state=state)
        assert c.detach().numpy().item() == pytest.approx(expected, rel=1e-6)


def test_precision_of_keras_in_float64(notebook):
    """The two layers that the text names, and no other."""
    lines = printed(notebook, "67").splitlines()
    low = [line.split("  ")[0] for line in lines if line.endswith("False")]
    assert low == ["GRU, reset before", "simple RNN"] and len(lines) == 7


def test_tf32_is_permitted(names):
    """As the text says, whether or not there is a graphics card."""
    assert names["torch"].backends.cudnn.allow_tf32 is True


# ---- references of the checks, against the real libraries -------------------------


@pytest.mark.parametrize("hidden", [False, True])
def test_torch_computes_what_the_check_says(hidden, names):
    """With the reference's arrays, PyTorch itself is the layer of this course."""
    torch = names["torch"]
    subject = SUBJECTS["to_torch_weights"]
    for case in subject.cases(hidden, seed=3):
        arrays = [np.array(a, float) for a in subject.reference(*case.arguments)]
        x, h, c = (np.array(a, float) for a in case.data)
        net = torch.nn.LSTM(x.shape[2], h.shape[1], dtype=torch.float64)
        net.load_state_dict(dict(zip(net.state_dict(), map(torch.tensor, arrays))))
        y, (_, c_n) = net(torch.tensor(x), tuple(torch.tensor(a)[None] for a in (h, c)))
        ours = LSTM(x.shape[2], h.shape[1])
        for key, array in zip(ours.parameters, case.arguments):
            ours.parameters[key] = array.astype(float)
        mine, (_, c_mine) = ours(x, (h[None], c[None]))
        observed = outputs_in_torch(arrays, x, h, c)
        for theirs in ((y.detach().numpy(), c_n[0].detach().numpy()), observed):
            assert np.allclose(theirs[0], mine, rtol=1e-8)
            assert np.allclose(theirs[1], c_mine[0], rtol=1e-8)


@pytest.mark.parametrize("hidden", [False, True])
def test_keras_computes_what_the_check_says(hidden, names):
    """With the reference's arrays, Keras itself is the GRU of this course."""
    keras, torch = names["keras"], names["torch"]
    subject = SUBJECTS["keras_gru_weights"]
    for case in subject.cases(hidden, seed=3):
        arrays = [np.array(a, float) for a in subject.reference(*case.arguments)]
        x, h = (np.array(a, float) for a in case.data)
        layer = keras.layers.GRU(h.shape[1], return_sequences=True, dtype="float64")
        layer.build((None, None, x.shape[2]))
        layer.set_weights(arrays)
        y = layer(torch.tensor(x.swapaxes(0, 1)), initial_state=torch.tensor(h))
        ours = GRU(x.shape[2], h.shape[1])
        for key, array in zip(("W_l0", "U_l0", "b_l0", "bn_l0"), case.arguments):
            ours.parameters[key] = array.astype(float)
        mine, _ = ours(x, h[None])
        assert np.allclose(y.detach().numpy().swapaxes(0, 1), mine, rtol=1e-6)
        assert np.allclose(outputs_in_keras(arrays, x, h), mine, rtol=1e-8)


def test_reordering_makes_the_forms_of_onnx():
    """The reference, against what the converter writes for ONNX."""
    reorder = SUBJECTS["reorder_gates"].reference
    layer = LSTM(3, 5, rng=1)
    inputs = to_onnx(layer)[0]["inputs"]
    assert (reorder(layer.parameters["W_l0"].T, "ifgo", "iofg", 0) == inputs["W"]).all()
    assert (reorder(layer.parameters["U_l0"], "ifgo", "iofg", 1).T == inputs["R"]).all()
    back = reorder(inputs["B"][0, :20], "iofg", "ifgo", 0)
    assert (back == layer.parameters["b_l0"]).all()


# ---- what the chapter says of mistakes ----------------------------------------------


def test_the_ports(names):
    """The right one is right, the wrong ones fit and are far off, on another layer."""
    layer = LSTM(27, 48, rng=11)
    x = np.eye(27)[np.random.default_rng(7).integers(0, 27, (12, 3))]
    ports = names["ports"](*layer.parameters.values())
    off = [
        names["difference"](layer(x)[0], names["in_port"](a, x)) for a in ports.values()
    ]
    assert off[0] < 1e-13 and min(off[1:]) > 0.05 and len(off) == 5


def test_which_batch_catches_what(notebook):
    """As the text and the question read the stored table."""
    head, *rows = printed(notebook, "72").splitlines()
    batches = re.split(r"\s{2,}", head.strip())
    assert batches == ["one step", "no biases", "zero state", "all of it"]
    missed = {}
    for row in rows:
        name, *found = re.split(r"\s{2,}", row.strip())
        missed[name] = [b for b, word in zip(batches, found) if word == "MISSED"]
    assert missed == {
        "bias twice": ["no biases"],
        "U not turned": ["one step"],
        "reshaped": [],
        "ONNX's order": [],
        "h, c exchanged": ["one step", "zero state"],
    }


def test_missed_by_one_step(questions):
    """What is right in the question is what the table says of one step."""
    options = questions["13", "missed-by-one-step"].options
    assert [option.right for option in options] == [True, True, False, False]
    assert "not turned" in options[0].text and "exchanged" in options[1].text


def test_where_they_part(notebook):
    """Only the unturned blocks agree at the first step."""
    first = {}
    for line in printed(notebook, "74").splitlines():
        name, values = re.match(r"(.+?) +\[(.+)\]", line).groups()
        first[name] = float(values.split()[0])
    assert first.pop("right") == 0 and first.pop("U not turned") == 0
    assert len(first) == 3 and min(first.values()) > 0.05


def test_differences_in_order(questions, names):
    """The four ports of the question, on a layer trained no further than its start."""
    torch = names["torch"]
    layer = LSTM(27, 48, rng=12)
    x = np.eye(27)[np.random.default_rng(8).integers(0, 27, (24, 5))]
    y, _ = layer(x)
    ports = names["ports"](*layer.parameters.values())
    computed = [
        names["in_port"](ports["right"], x),
        names["in_torch"](layer, x, torch.float32),
        names["in_port"](ports["bias twice"], x),
        names["in_port"](ports["ONNX's order"], x),
    ]
    off = [names["difference"](y, other) for other in computed]
    assert off == sorted(off) and off[1] < 1e-6 and off[2] > 0.05
    options = questions["13", "differences-in-order"].options
    for option, word in zip(options, ("float64", "float32", "both biases", "ONNX")):
        assert word in option.text
    assert len(options) == 4


def test_forget_bias_in_both(questions):
    """Each number is the gate that those two biases make."""
    H = 2
    W, U, b = np.zeros((3, 4 * H)), np.zeros((H, 4 * H)), np.zeros(4 * H)
    b[H : 2 * H] = 1
    found = numbers(questions["13", "forget-bias-in-both"])

    def gate(arrays):
        return logistic(arrays[2][H] + arrays[3][H])

    assert found.pop("right") == pytest.approx(gate((W, U, b, b)), abs=5e-4)
    assert found.pop("both-biases-of-torch-zero") == pytest.approx(
        gate(bank_function("both-biases-of-torch-zero")(W, U, b)), abs=5e-4
    )
    right = SUBJECTS["to_torch_weights"].reference(W, U, b)
    assert found.pop("bias-in-both-of-torch") == pytest.approx(gate(right), abs=5e-4)
    assert not found


def test_twice_leads_home(questions):
    """By the places of each move."""
    options = questions["13", "twice-leads-home"].options
    for option in options:
        old, new = re.match(r"From (.+) to (.+)\.", option.text).groups()
        old, new = old.split(", "), new.split(", ")
        places = np.array([old.index(letter) for letter in new])
        assert option.right == (places[places] == range(len(old))).all()
    assert len(options) == 3


def test_predict_careless_port(notebook, questions):
    """In the stored run the wrong order ends below a fresh start, in every seed."""
    after = {}
    for line in printed(notebook, "83").splitlines():
        kind, name = line[:5].strip(), line[5:18].strip()
        values = [float(n) for n in re.findall(r"\d\.\d+", line)]
        after[kind, name] = values[3:]
    assert len(after) == 9
    order, scratch = after["LSTM", "ONNX's order"], after["LSTM", "from scratch"]
    assert order[2] < scratch[1]
    right = [
        o.text for o in questions["13", "predict-careless-port"].options if o.right
    ]
    assert right == ["Lower."]
