"""Chapter 11: its formulas and the numbers in its questions, computed again."""

import itertools
import logging
import math
import re
import warnings

import numpy as np
import pytest
import torch
from answers import bank_function, numbers
from onnx.reference import ReferenceEvaluator
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from lstm_lib.checks import check
from lstm_lib.checks.references.torch_layers import (
    last_of_packed,
    set_forget_bias,
    torch_lstm_shapes,
    torch_parameter_count,
)

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def quiet():
    """Without PyTorch's notes about fast paths and lone dropout."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def printed(notebook, cell):
    """What a cell of the chapter prints."""
    cells = notebook("11_pytorch").cells
    return next(c.outputs[0].text for c in cells if c.id == cell)


def logistic(z):
    return 1 / (1 + math.exp(-z))


def arrays(layer):
    """Name -> array of a layer's parameters."""
    return {name: p.detach().numpy() for name, p in layer.named_parameters()}


# ---- formulas ------------------------------------------------------------------


def test_eq_torch_init():
    """Every parameter fills the range and no more, whatever D is."""
    for D, H in ((3, 100), (200, 100), (7, 400)):
        layer = nn.LSTM(D, H, proj_size=H // 2)
        limit = 1 / math.sqrt(H)
        for name, values in arrays(layer).items():
            assert np.abs(values).max() <= limit, name
            assert np.abs(values).max() > 0.97 * limit, name
            assert abs(values.mean()) < 0.15 * limit, name
            assert values.std() == pytest.approx(limit / math.sqrt(3), rel=0.1), name


def steps_by_hand(weights, x, H, project=None):
    """The last h and c of a sequence x (T, D), number by number, from zero states."""
    R = H if project is None else len(project)
    h, c = [0.0] * R, [0.0] * H
    for x_t in x:
        z = []
        for j in range(4 * H):
            total = weights["bias_ih_l0"][j] + weights["bias_hh_l0"][j]
            for k in range(len(x_t)):
                total += weights["weight_ih_l0"][j, k] * x_t[k]
            for k in range(R):
                total += weights["weight_hh_l0"][j, k] * h[k]
            z.append(total)
        shown = []
        for j in range(H):
            i, f, g, o = (z[block * H + j] for block in range(4))
            c[j] = logistic(f) * c[j] + logistic(i) * math.tanh(g)
            shown.append(logistic(o) * math.tanh(c[j]))
        h = shown
        if project is not None:
            h = [sum(project[p, j] * shown[j] for j in range(H)) for p in range(R)]
    return h, c


def test_eq_two_biases():
    """The blocks, the transposes and both biases, as nn.LSTM has them."""
    layer = nn.LSTM(5, 3, dtype=torch.float64)
    x = torch.randn(4, 5, dtype=torch.float64)
    _, (h_n, c_n) = layer(x)
    h, c = steps_by_hand(arrays(layer), x.numpy(), 3)
    assert np.allclose(h_n[0].detach(), h, rtol=1e-10)
    assert np.allclose(c_n[0].detach(), c, rtol=1e-10)


def test_eq_bias_step():
    """Two biases against one, whose slope is a central difference."""
    torch.manual_seed(3)
    layer, x = nn.LSTM(5, 3, dtype=torch.float64), torch.randn(4, 2, 5).double()

    def loss():
        return layer(x)[0].square().mean()

    eta, slope = 0.1, np.empty(12)
    for j in range(12):
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                layer.bias_ih_l0[j] += sign * 1e-5
                values.append(loss().item())
                layer.bias_ih_l0[j] -= sign * 1e-5
        slope[j] = (values[0] - values[1]) / 2e-5
    before = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().numpy()
    optimizer = torch.optim.SGD(layer.parameters(), lr=eta)
    loss().backward()
    optimizer.step()
    after = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().numpy()
    assert np.allclose(after - before, -2 * eta * slope, rtol=1e-5, atol=1e-12)


def test_eq_torch_count(notebook):
    """As nn.LSTM counts itself, and as the chapter prints it."""
    settings = itertools.product(
        (5, 9), (8,), (1, 2, 3), (True, False), (True, False), (0, 6)
    )
    for D, H, L, bias, both, P in settings:
        layer = nn.LSTM(
            D, H, num_layers=L, bias=bias, bidirectional=both, proj_size=P
        )  # fmt: skip
        d, R = 2 if both else 1, P or H
        n = 0
        for level in range(1, L + 1):
            reads = D if level == 1 else d * R
            n += d * (4 * H * (reads + R + (2 if bias else 0)) + H * P)
        assert n == sum(p.numel() for p in layer.parameters())
        assert n == torch_parameter_count(D, H, L, bias, both, P)
    rows = printed(notebook, "pytorch-06").splitlines()
    options = {
        "nothing": {}, "input_size=9": {"input_size": 9}, "bias=False": {"bias": False},
        "hidden_size=10": {"hidden_size": 10}, "num_layers=2": {"num_layers": 2},
        "batch_first=True": {}, "num_layers=2, dropout=0.5": {"num_layers": 2},
        "bidirectional=True": {"bidirectional": True}, "proj_size=6": {"proj_size": 6},
    }  # fmt: skip
    base = {"input_size": 5, "hidden_size": 8}
    for row in rows[1:]:
        changed, count = re.match(r"(.*?)\s+\(.*\) +(\d+)$", row).groups()
        assert int(count) == torch_parameter_count(**base | options.pop(changed))
    assert not options


def test_eq_packed_row(live):
    """As pack_padded_sequence lays them out; the live cell counts the same."""
    names = live("11_pytorch")
    lengths = names["lengths"]
    x = torch.randn(7, 4, 3)
    packed = pack_padded_sequence(x, torch.tensor(lengths))
    counts = packed.batch_sizes.tolist()
    assert counts == names["batch_sizes"].tolist()
    places = {}
    for n, length in enumerate(lengths):
        for t in range(length):
            r = n + sum(counts[s] for s in range(t))
            assert torch.equal(packed.data[r], x[t, n])
            assert r == names["starts"][t] + n
            places[r] = t, n
    assert sorted(places) == list(range(17))


def test_eq_detached_gradient():
    """Slopes of the second piece's loss with its first state held, and with not."""
    torch.manual_seed(5)
    layer = nn.LSTM(2, 3, dtype=torch.float64)
    pieces = torch.randn(2, 4, 1, 2, dtype=torch.float64)

    def second_loss(state):
        return layer(pieces[1], state)[0].square().sum()

    _, state = layer(pieces[0])
    held = tuple(part.detach() for part in state)
    second_loss(held).backward()
    for weights in layer.parameters():
        slopes = {"held": [], "not held": []}
        for index in np.ndindex(*weights.shape):
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    weights[index] += sign * 1e-6
                    fresh = layer(pieces[0])[1]
                    values.append([second_loss(s).item() for s in (held, fresh)])
                    weights[index] -= sign * 1e-6
            for name, one, other in zip(slopes, *values):
                slopes[name].append((one - other) / 2e-6)
        gradient = weights.grad.flatten()
        assert np.allclose(gradient, slopes["held"], rtol=1e-5, atol=1e-7)
        assert not np.allclose(gradient, slopes["not held"], rtol=0.01, atol=1e-7)


def test_eq_torch_projection():
    """The new h by its matrix, c without it, and the narrower U at the next step."""
    layer = nn.LSTM(5, 4, proj_size=3, dtype=torch.float64)
    x = torch.randn(6, 5, dtype=torch.float64)
    _, (h_n, c_n) = layer(x)
    weights = arrays(layer)
    h, c = steps_by_hand(weights, x.numpy(), 4, project=weights["weight_hr_l0"])
    assert np.allclose(h_n[0].detach(), h, rtol=1e-10)
    assert np.allclose(c_n[0].detach(), c, rtol=1e-10)


# ---- the references against PyTorch ----------------------------------------------


def test_shapes_are_those_of_torch():
    settings = itertools.product((1, 2, 3), (False, True), (False, True), (0, 2))
    for L, both, batch_first, P in settings:
        layer = nn.LSTM(
            5, 4, num_layers=L, bidirectional=both, batch_first=batch_first, proj_size=P
        )  # fmt: skip
        x = torch.zeros((3, 7, 5) if batch_first else (7, 3, 5))
        output, states = layer(x)
        shapes = tuple(tuple(part.shape) for part in (output, *states))
        assert shapes == torch_lstm_shapes(7, 3, 5, 4, L, both, batch_first, P)


def test_the_forget_gate_starts_at_the_value():
    """In both directions of a layer: zero input, zero state, an open input gate."""
    for seed, value in itertools.product(range(3), (-1.0, 1.0, 2.5)):
        torch.manual_seed(seed)
        layer = nn.LSTM(3, 4, dtype=torch.float64)
        biases = (layer.bias_ih_l0.detach(), layer.bias_hh_l0.detach())
        drawn = [b.numpy().copy() for b in biases]
        new = set_forget_bias(*drawn, value)
        assert np.array_equal(drawn[0], biases[0])  # arguments stay
        for b, values in zip(biases, new):
            b.copy_(torch.tensor(values))
        c = torch.full((1, 1, 4), 1000.0, dtype=torch.float64)
        zero = torch.zeros(1, 1, 3, dtype=torch.float64)
        _, (_, c_n) = layer(zero, (torch.zeros_like(c), c))
        assert np.allclose(c_n.detach() / 1000, logistic(value), atol=1.1e-3)
        others = np.r_[0:4, 8:16]
        assert np.allclose(sum(new)[others], sum(drawn)[others])


def test_ends_of_packed_are_h_n():
    for lengths in ([7, 5, 3, 2], [6, 6, 4], [9], [3, 3, 3, 1, 1]):
        layer, x = nn.LSTM(5, 4), torch.randn(lengths[0], len(lengths), 5)
        packed, (h_n, _) = layer(pack_padded_sequence(x, torch.tensor(lengths)))
        data = packed.data.detach().numpy()
        found = last_of_packed(data, packed.batch_sizes.numpy())
        assert np.array_equal(found, h_n[0].detach().numpy())


def test_biases_may_be_lists():
    """One bias that holds the whole sum, beside zeros, as plain numbers."""

    def answer(b_ih, b_hh, value):
        H = len(b_ih) // 4
        total = (b_ih + b_hh).tolist()
        total[H : 2 * H] = H * [value]
        return total, 4 * H * [0.0]

    assert check(answer, "set_forget_bias") == 1


# ---- what the text says ----------------------------------------------------------


def test_the_newer_exporter_cannot_leave_the_steps_free(monkeypatch):
    """When it can, the chapter's section on ONNX has to change."""
    monkeypatch.setattr(logging.getLogger("torch"), "level", logging.ERROR)
    model, x = nn.LSTM(3, 4).eval(), torch.randn(5, 2, 3)
    try:
        exported = torch.onnx.export(
            model, (x,), dynamic_shapes=({0: "T"},), verbose=False
        )
    except RuntimeError as error:
        assert "inferred a static shape of 5" in str(error)
        return
    session = ReferenceEvaluator(exported.model_proto)
    name = exported.model_proto.graph.input[0].name
    same = session.run(None, {name: x.numpy()})[0]
    assert np.allclose(same, model(x)[0].detach(), atol=1e-5)
    with pytest.raises(ValueError, match="cannot reshape"):
        session.run(None, {name: np.zeros((7, 2, 3), "f4")})


def test_adam_moves_both_biases_alike():
    """So the sum moves twice as far as each."""
    layer, x = nn.LSTM(5, 3), torch.randn(4, 2, 5)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.01)
    old = arrays(layer)["bias_ih_l0"].copy(), arrays(layer)["bias_hh_l0"].copy()
    for _ in range(5):
        optimizer.zero_grad()
        layer(x)[0].square().mean().backward()
        optimizer.step()
    moved = [
        new - before
        for new, before in zip(
            (layer.bias_ih_l0, layer.bias_hh_l0), map(torch.tensor, old)
        )
    ]
    assert torch.allclose(*moved, atol=1e-7) and moved[0].abs().max() > 0.01


def test_a_projection_saves_below_four_fifths():
    """As the exercise says, for any D."""
    for D, H in ((30, 100), (3, 45)):
        plain = torch_parameter_count(D, H)
        for P in range(1, H):
            saves = torch_parameter_count(D, H, 1, True, False, P) < plain
            assert saves == (P < 0.8 * H)


# ---- questions -------------------------------------------------------------------


def test_numbers_in_questions(questions):
    """Computed by the reference, the bank, and the logistic function."""
    found = numbers(questions["11", "torch-count-stacked"])
    sizes = 9, 6, 2, True, True, 0
    assert found.pop("right") == torch_parameter_count(*sizes)
    layer = nn.LSTM(9, 6, num_layers=2, bidirectional=True)
    assert torch_parameter_count(*sizes) == sum(p.numel() for p in layer.parameters())
    assert len(found) == 5
    for id, value in found.items():
        assert bank_function(id)(*sizes) == value, id

    found = numbers(questions["11", "torch-forget-loop"])
    assert found["right"] == pytest.approx(logistic(1 + 1), abs=5e-4)
    assert found["forget-bias-in-both"] == pytest.approx(logistic(1), abs=5e-4)
    assert found["0.5"] == logistic(0)
    assert found["forget-gate-reversed"] == pytest.approx(1 - logistic(2), abs=5e-4)


def test_shape_of_h_n(questions):
    """Each choice is what its reader computed; the last is the output."""
    arguments = 11, 5, 9, 6, 2, True, True, 0
    options = questions["11", "torch-h-n-batch-first"].options
    for option in options:
        shape = tuple(map(int, re.findall(r"\d+", option.text)))
        id = option.misconception
        if id:
            assert bank_function(id)(*arguments)[1] == shape, id
        elif option.right:
            layer = nn.LSTM(9, 6, num_layers=2, batch_first=True, bidirectional=True)
            assert tuple(layer(torch.zeros(5, 11, 9))[1][0].shape) == shape
        else:
            assert torch_lstm_shapes(*arguments)[0] == shape
    assert [option.right for option in options] == [True] + 4 * [False]


def test_what_a_state_dict_holds(questions):
    layer = nn.LSTM(9, 6, num_layers=2, dropout=0.3)
    shapes = {name: tuple(p.shape) for name, p in layer.state_dict().items()}
    for option in questions["11", "torch-state-dict"].options:
        name = re.search(r"`((?:weight|bias)\w+)`", option.text)
        assert option.right == bool(name)
        if name:
            assert name[1] in shapes
            shape = re.search(r"\((\d+), (\d+)\)", option.text)
            assert not shape or shapes[name[1]] == tuple(map(int, shape.groups()))
    assert len(shapes) == 8  # nothing else: two layers of four


def test_order_of_a_training_step(questions, notebook):
    """As the lines stand in the chapter's own loop."""
    loop = next(c.source for c in notebook("11_pytorch").cells if c.id == "pytorch-60")
    options = questions["11", "torch-training-step"].options
    names = [re.search(r"(\w+)\(", option.text)[1] for option in options]
    assert len(names) == 6
    after = loop[loop.index("for _") :]
    places = [after.index(f"{name}(") for name in names]
    assert places == sorted(places)
