"""Chapter 9: its formulas and the numbers in its questions, computed again."""

import copy
import itertools
import math

import numpy as np
import pytest
from answers import bank_function, numbers

from lstm_lib import LSTM, RNN
from lstm_lib.checks.references import SUBJECTS

CHAPTER = "09_directions_and_depth"
T, N, D, H = 7, 3, 4, 5
LENGTHS = np.array([4, 7, 2])


@pytest.fixture(scope="module")
def lived(live):
    """What the chapter's live cells define."""
    return live(CHAPTER)


@pytest.fixture
def x():
    return np.random.default_rng(3).normal(size=(T, N, D))


def printed(notebook, cell):
    """What a cell printed."""
    cells = notebook(CHAPTER).cells
    return next(c.outputs[0].text for c in cells if c.id == cell)


def unit_by_unit(W, U, b, x, h):
    """tanh(W x + U h + b), columns and indices: W (H, D), U (H, H)."""
    return np.array(
        [
            math.tanh(
                sum(W[j, d] * x[d] for d in range(len(x)))
                + sum(U[j, k] * h[k] for k in range(len(h)))
                + b[j]
            )
            for j in range(len(h))
        ]
    )


def columns(layer, suffix):
    """W, U and b of one direction as the equations have them."""
    W, U, b = (layer.parameters[name + suffix] for name in "WUb")
    return W.T, U.T, b


# ---- the equations -------------------------------------------------------------


def test_eq_forward_direction(lived):
    """As the chapter's `read`, and the left half of the layer."""
    x, (W, U, b) = lived["x"], lived["forward"]
    read, layer = lived["read"](x, lived["forward"]), rnn_of(lived)(x)[0]
    size = len(U)
    for n in range(x.shape[1]):
        h = np.zeros(size)
        for t in range(len(x)):
            h = unit_by_unit(W.T, U.T, b, x[t, n], h)
            np.testing.assert_allclose(read[t, n], h, rtol=1e-12)
            np.testing.assert_allclose(layer[t, n, :size], h, rtol=1e-12)


def test_eq_backward_direction(lived):
    """As `read` on the turned sequence, turned back, and the layer's right half."""
    x, (W, U, b) = lived["x"], lived["backward"]
    read = lived["read"](x[::-1], lived["backward"])[::-1]
    layer, size = rnn_of(lived)(x)[0], len(U)
    for n in range(x.shape[1]):
        h = np.zeros(size)
        for t in range(len(x), 0, -1):  # the equation's t, from 1
            h = unit_by_unit(W.T, U.T, b, x[t - 1, n], h)
            np.testing.assert_allclose(read[t - 1, n], h, rtol=1e-12)
            np.testing.assert_allclose(layer[t - 1, n, size:], h, rtol=1e-12)


def rnn_of(lived):
    """A layer with the chapter's two sets of weights."""
    (W, U, b), back = lived["forward"], lived["backward"]
    layer = RNN(*W.shape, bidirectional=True)
    layer.parameters |= {"W_l0": W, "U_l0": U, "b_l0": b}
    layer.parameters |= {f"{k}_l0_reverse": a for k, a in zip("WUb", back)}
    return layer


def test_eq_both_states(lived):
    """Number by number: the first H of a step, then the others."""
    x, layer = lived["x"], rnn_of(lived)
    y, size = layer(x)[0], layer.hidden_size
    found = layer.computed()
    for t, n, j in itertools.product(range(len(x)), range(x.shape[1]), range(size)):
        assert y[t, n, j] == found["h_l0"][t, n, j]
        assert y[t, n, size + j] == found["h_l0_reverse"][t, n, j]


def test_eq_turned(x, lived):
    """Read in the order x', a layer in one direction is the layer's backward half."""
    layer = RNN(D, H, bidirectional=True, rng=1)
    y = layer(x, lengths=LENGTHS)[0]
    check = SUBJECTS["reverse_within_lengths"].reference(x, LENGTHS)
    for n, size in enumerate(LENGTHS):
        row = {t: x[t - 1, n] for t in range(1, T + 1)}  # the equation's x_t
        turned = [row[size + 1 - t] if t <= size else row[t] for t in range(1, T + 1)]
        np.testing.assert_array_equal(check[:, n], turned)
        h, states = np.zeros(H), []
        for x_t in turned[:size]:
            h = unit_by_unit(*columns(layer, "_l0_reverse"), x_t, h)
            states.append(h)
        np.testing.assert_allclose(y[:size, n, H:], states[::-1], rtol=1e-12)


def test_eq_summary(x):
    """As the states that a layer returns beside y, and as the check's answer."""
    layer = LSTM(D, H, bidirectional=True, rng=2)
    y, (h, _) = layer(x, lengths=LENGTHS)
    check = SUBJECTS["bidirectional_summary"].reference(y, LENGTHS)
    for n, size in enumerate(LENGTHS):
        s = [y[size - 1, n, j] for j in range(H)] + [y[0, n, H + j] for j in range(H)]
        np.testing.assert_array_equal(np.concatenate([h[0, n], h[1, n]]), s)
        np.testing.assert_array_equal(check[n], s)


def test_eq_waiting(lived):
    """Counted in drawn sentences: where is the word that decides?"""
    rng, distances = np.random.default_rng(5), []
    verbs = set(lived["choices"][2])
    for _ in range(4000):
        words, _ = lived["sentence"](rng)
        second = words[3:].index("the") if "the" in words[3:] else len(words)
        verb = next((k for k, w in enumerate(words[3:]) if w in verbs), len(words))
        deciding = 3 + min(second, verb)
        distances += [deciding - 1, deciding - 2]
    for k in range(12):
        share = sum(g <= k for g in distances) / len(distances)
        assert lived["ceiling"](k) == pytest.approx(1 / 2 + share / 2, abs=0.02)
    assert lived["ceiling"](0) == 0.5 and lived["ceiling"](9) == 1


def test_eq_leak(x):
    """The backward state at t + 1 holds x_{t + 1}, and the one at t reads it."""
    layer = RNN(D, H, bidirectional=True, rng=4)
    y = layer(x)[0]
    weights = columns(layer, "_l0_reverse")
    for t, n in itertools.product(range(1, T - 1), range(N)):
        inner = unit_by_unit(*weights, x[t, n], y[t + 1, n, H:])
        np.testing.assert_allclose(y[t, n, H:], inner, rtol=1e-12)
        h = unit_by_unit(*weights, x[t - 1, n], inner)
        np.testing.assert_allclose(y[t - 1, n, H:], h, rtol=1e-12)


def every_sentence(lived):
    first, second, verbs, things = lived["choices"]
    for a, b, aside in itertools.product(first, second, lived["asides"]):
        for last in [[verb] for verb in verbs] + [["the", thing] for thing in things]:
            yield ("the", a, b, *aside.split(), *last, ".")


def test_eq_loss_floor(lived):
    """What one who knows the generator needs, word by word, over all sentences."""
    sentences = list(every_sentence(lived))
    assert len(sentences) == len(set(sentences)) == 960
    drawn = {tuple(lived["sentence"](np.random.default_rng(k))[0]) for k in range(500)}
    assert drawn <= set(sentences)
    begins = {}
    for words in sentences:
        for k in range(1, len(words) + 1):
            begins[words[:k]] = begins.get(words[:k], 0) + 1
    nats = [
        sum(
            -math.log(begins[words[: k + 1]] / begins[words[:k]])
            for k in range(1, len(words))
        )
        for words in sentences
    ]
    assert np.mean(nats) == pytest.approx(math.log(960), rel=1e-12)
    predicted = 2 * np.mean([len(words) for words in sentences]) - 1  # not the first
    assert lived["floor"] == pytest.approx(2 * math.log(960) / predicted, rel=0.02)
    assert lived["floor"] == 2 * math.log(960) / lived["unseen"].lengths.mean()


def test_eq_second_layer(x):
    """Forward above: reads both states of a step, 2H numbers."""
    layer = RNN(D, H, 2, bidirectional=True, rng=6)
    layer(x)
    found = layer.computed()
    for n in range(N):
        h = np.zeros(H)
        for t in range(T):
            both = [*found["h_l0"][t, n], *found["h_l0_reverse"][t, n]]
            h = unit_by_unit(*columns(layer, "_l1"), both, h)
            np.testing.assert_allclose(found["h_l1"][t, n], h, rtol=1e-12)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("M", [1, 2, 4])
def test_eq_stack_count(M, both):
    """As many numbers as the layers hold."""
    d = 2 if both else 1
    P = 4 * d * H * ((D + H + 1) + (M - 1) * (d * H + H + 1))
    held = LSTM(D, H, M, bidirectional=both).parameters
    assert P == sum(array.size for array in held.values())
    assert P == SUBJECTS["stacked_parameter_count"].reference(D, H, M, both)


def test_eq_dropout(x):
    """What the upper layer of a stack reads, number by number."""
    p, stack = 0.3, LSTM(D, H, num_layers=2, dropout=0.3, rng=7)
    mask = copy.deepcopy(stack._rng).random((T, N, H)) >= p
    assert 0.55 < mask.mean() < 0.85
    y = stack(x)[0]
    h, dropped = stack.computed()["h_l0"], np.zeros((T, N, H))
    for t, n, j in np.argwhere(mask):
        dropped[t, n, j] = 1 / (1 - p) * h[t, n, j]
    upper = LSTM(H, H)
    for name in "WUb":
        upper.parameters[f"{name}_l0"] = stack.parameters[f"{name}_l1"]
    np.testing.assert_allclose(upper(dropped)[0], y, rtol=1e-12)


def test_eq_masked_memory(lived):
    """The chapter's cells after 40 steps, each a product of its own masks."""
    p, c = lived["p"], lived["c"]
    rng = np.random.default_rng(0)
    m = np.stack([rng.random(len(c)) >= p for _ in range(40)]).astype(float)
    survivor = int(c.argmax())
    for cell in (survivor, 0, 1, 77):
        held = 1.0
        for j in range(40):
            held = held * m[j, cell] / (1 - p)
        assert c[cell] == pytest.approx(held, rel=1e-9)
    assert c[survivor] > 1e4


def test_eq_memory_left(notebook):
    """As printed: the formula, and the count within four standard deviations."""
    lines = printed(notebook, "directions-63").splitlines()
    for line, k in zip(lines, (1, 5, 10, 20, 40), strict=True):
        share = 0.75**k
        count = int(line.split(":")[1].split()[0].replace(",", ""))
        formula = float(
            line.split("formula")[1].split()[0].rstrip(",").replace(",", "")
        )
        assert formula == pytest.approx(1e5 * share, abs=0.051)
        assert abs(count - 1e5 * share) <= 4 * math.sqrt(1e5 * share * (1 - share))


# ---- the questions -------------------------------------------------------------


def test_two_layers_counted(questions):
    found = numbers(questions["09", "count-two-ways-two-layers"])
    sizes = 10, 6, 2, True
    assert found.pop("right") == SUBJECTS["stacked_parameter_count"].reference(*sizes)
    assert len(found) == 4
    for id, value in found.items():
        assert bank_function(id)(*sizes) == value, id


def test_the_first_step_mirrors_the_last(questions, x):
    """y[0]: the backward half moves with every input, the forward half with x_1."""
    layer = LSTM(D, H, bidirectional=True, rng=8)
    changed = x.copy()
    changed[1:] += 1
    moved = np.abs(layer(changed)[0] - layer(x)[0])[0]
    assert moved[:, :H].max() == 0 and moved[:, H:].min() > 0
    options = questions["09", "which-half-has-read-what"].options
    assert [option.right for option in options] == [False, True, False, False]


def test_order_of_last_states(questions, x):
    """Each row of h_n is the state of its layer and direction at its own end."""
    torch = pytest.importorskip("torch")
    theirs = torch.nn.LSTM(D, H, num_layers=2, bidirectional=True, dtype=torch.float64)
    ours = LSTM(D, H, 2, bidirectional=True)
    for k, direction in itertools.product(range(2), ("", "_reverse")):
        weights = (getattr(theirs, f"{n}_l{k}{direction}") for n in
                   ("weight_ih", "weight_hh", "bias_ih", "bias_hh"))  # fmt: skip
        W, U, b, second = (w.detach().numpy() for w in weights)
        suffix = f"_l{k}{direction}"
        ours.parameters[f"W{suffix}"] = W.T.copy()
        ours.parameters[f"U{suffix}"] = U.T.copy()
        ours.parameters[f"b{suffix}"] = b + second
    ours(x)
    found = ours.computed()
    h_n = theirs(torch.tensor(x))[1][0].detach().numpy()
    options = questions["09", "order-of-last-states"].options
    for row, option in zip(h_n, options, strict=True):
        layer, direction = option.text.split(", ")
        name = f"h_l{int(layer[-1]) - 1}"
        wanted = (
            found[name][-1] if direction == "forward" else found[f"{name}_reverse"][0]
        )
        np.testing.assert_allclose(row, wanted, atol=1e-10)


def test_memory_under_dropout(questions):
    found = numbers(questions["09", "memory-under-dropout"])
    assert found["right"] == pytest.approx(100 * 0.8**10, abs=0.1)
    assert found["80"] == pytest.approx(100 * 0.8)
    assert found["20"] == pytest.approx(100 * 0.2)
