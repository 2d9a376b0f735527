"""Chapter 10: its formulas and the numbers in its questions, computed again."""

import itertools
import math
import re

import numpy as np
import pytest
from answers import bank_function, numbers

from lstm_lib import Attention, WordAttention, numerical_gradient, predict, softmax
from lstm_lib.checks.references import SUBJECTS

CHAPTER = "10_attention"


@pytest.fixture(scope="module")
def lived(live):
    """What the chapter's live cells define."""
    return live(CHAPTER)


@pytest.fixture(scope="module")
def cell(notebook):
    """By a cell's id: the cell."""
    return {cell.id: cell for cell in notebook(CHAPTER).cells}.__getitem__


def defined(cell, names, *ids):
    """The names of live cells, and what some more cells add to them."""
    names = dict(names)
    for id in ids:
        exec(compile(cell(id).source, id, "exec"), names)
    return names


def printed(cell, id):
    """The numbers on each line that a cell prints."""
    lines = cell(id).outputs[0].text.splitlines()
    return [[float(n) for n in re.findall(r"-?\d+\.?\d*", line)] for line in lines]


def draw(*shape):
    return np.random.default_rng(shape).normal(size=shape)


def shares(scores):
    """A softmax of a list of numbers, as it stands in the formula."""
    powers = [math.exp(e - max(scores)) for e in scores]
    return [power / sum(powers) for power in powers]


def column(W, x):
    """W x for W (rows, columns) and x, number by number."""
    return [sum(W[i, j] * x[j] for j in range(W.shape[1])) for i in range(W.shape[0])]


# ---- the weighted mean and the softmax -------------------------------------------


def test_eq_context(lived, cell):
    """As printed, as the library's layer and as the check's reference."""
    h = lived["h"]
    ways = [0, 0, 1], [1 / 3] * 3, [0.5, 0.25, 0.25]
    for alpha, shown in zip(ways, printed(cell, "attention-04")):
        s = [sum(alpha[t] * h[t, k] for t in range(3)) for k in range(2)]
        assert shown == pytest.approx(s, abs=5e-3)
    T, N, H = 5, 3, 4
    states, layer = draw(T, N, H), WordAttention(H, 6, rng=0)
    found, alpha = layer(states), layer.weights
    again = SUBJECTS["context_vector"].reference(alpha, states)
    for n, k in itertools.product(range(N), range(H)):
        s = sum(alpha[t, n] * states[t, n, k] for t in range(T))
        assert found[n, k] == pytest.approx(s, rel=1e-12)
        assert again[n, k] == pytest.approx(s, rel=1e-12)


def masked(scores, lengths):
    """Weights by the formula, example by example."""
    weights = np.zeros(scores.shape)
    for n, length in enumerate(lengths):
        m = max(scores[t, n] for t in range(length))
        total = sum(math.exp(scores[j, n] - m) for j in range(length))
        for t in range(length):
            weights[t, n] = math.exp(scores[t, n] - m) / total
    return weights


def test_eq_masked_softmax(lived):
    """As the chapter's weights, the check's and those of the library's layer."""
    expected = masked(lived["scores"], lived["lengths"])
    assert np.allclose(lived["alone"], expected, rtol=1e-12, atol=0)
    scores, lengths = draw(7, 4) * [1, 800, 1, 800], [3, 7, 5, 2]
    found = SUBJECTS["masked_softmax"].reference(scores, np.array(lengths))
    assert np.allclose(found, masked(scores, lengths), rtol=1e-9, atol=0)
    one = np.ones((4, 1))  # a dot score of 1 x the key: the scores are the keys
    _, weights = Attention(1, 1, "dot")(one, scores[:, :, None], lengths)
    assert np.allclose(weights.T, masked(scores, lengths), rtol=1e-9, atol=0)


def test_what_shortcuts_do(lived, cell):
    """The shares that the text reads off."""
    kinds = lived["shortcuts"]
    sums = {k: (w * lived["within"]).sum(axis=0) for k, w in kinds.items()}
    assert sums["each alone"] == pytest.approx([1, 1, 1])
    assert round(float(sums["over all steps"][0]), 2) == 0.83
    assert sums["cleared after"] == pytest.approx(sums["over all steps"])
    assert shares([0] * 10)[0] * 8 == pytest.approx(0.8)
    assert len(printed(cell, "attention-08")) == len(kinds) == 5


# ---- the gradient -----------------------------------------------------------------


def test_eq_softmax_slope(lived):
    """By differences, and added up over j as in the text: the chapter's gradient."""
    e, g, h = (lived[name] for name in ("e", "g", "h"))
    alpha = shares(list(e))
    for t in range(3):
        raised = [e + d * (np.arange(3) == t) for d in (1e-6, -1e-6)]
        up, down = (shares(list(r)) for r in raised)
        total = 0.0
        for j in range(3):
            slope = alpha[j] * ((j == t) - alpha[t])
            assert (up[j] - down[j]) / 2e-6 == pytest.approx(slope, abs=1e-8)
            total += sum(g[k] * h[j, k] for k in range(2)) * slope
        assert lived["by_formula"][t] == pytest.approx(total, rel=1e-12)


def test_eq_score_gradient(lived):
    """As the chapter's cell, as the check's reference, and by differences."""

    def formula(g, alpha, h, t):
        s = [sum(alpha[j] * h[j, k] for j in range(len(h))) for k in range(len(g))]
        return alpha[t] * sum(g[k] * (h[t, k] - s[k]) for k in range(len(g)))

    for t in range(3):
        found = formula(lived["g"], shares(list(lived["e"])), lived["h"], t)
        assert lived["by_formula"][t] == pytest.approx(found, rel=1e-12)

    T, N, H = 5, 2, 3
    e, h, g = draw(T, N), draw(T, N, H), draw(N, H)
    by_differences = numerical_gradient(
        lambda: np.einsum("nh,tn,tnh->", g, softmax(e, axis=0), h), e
    )
    alpha = softmax(e, axis=0)
    found = SUBJECTS["attention_backward"].reference(g, alpha, h)
    for t, n in itertools.product(range(T), range(N)):
        expected = formula(g[n], alpha[:, n], h[:, n], t)
        assert found[t, n] == pytest.approx(expected, rel=1e-12)
        assert by_differences[t, n] == pytest.approx(expected, abs=1e-7)


# ---- words ------------------------------------------------------------------------


def theta_by_index(layer, state):
    """tanh(W h + b) of one state; W (A, H) is the code's, turned."""
    W, b = layer.parameters["W"].T, layer.parameters["b"]
    return [math.tanh(z + b[k]) for k, z in enumerate(column(W, state))]


def scores_up_to_a_constant(weights):
    """Logarithms of weights (T,), less the first: what a softmax keeps of scores."""
    return np.log(weights) - np.log(weights[0])


def test_eq_word_hidden():
    """Seen through a u that picks one unit of theta."""
    T, H, A = 6, 3, 4
    layer, h = WordAttention(H, A, rng=1), draw(T, 1, H)
    for k in range(A):
        layer.parameters["u"][:] = 2.0 * (np.arange(A) == k)
        layer(h)
        theta = np.array([theta_by_index(layer, h[t, 0])[k] for t in range(T)])
        found = scores_up_to_a_constant(layer.weights[:, 0])
        assert found == pytest.approx(2 * (theta - theta[0]), abs=1e-12)


def test_eq_word_score():
    """The library's weights are the softmax of these scores."""
    T, N, H, A = 6, 2, 3, 4
    layer, h = WordAttention(H, A, rng=1), draw(T, N, H)
    layer(h)
    u = layer.parameters["u"]
    for n in range(N):
        scores = [
            sum(u[k] * theta_by_index(layer, h[t, n])[k] for k in range(A))
            for t in range(T)
        ]
        assert layer.weights[:, n] == pytest.approx(shares(scores), rel=1e-12)


def test_eq_permuted_context(lived, cell):
    """The same weights at other steps, none in the padding; s' read off one-hots."""
    names = defined(cell, lived, "attention-38")
    T, lengths = 9, np.array([9, 5, 7])
    alpha = masked(draw(T, 3), lengths)
    changes = names["changed_weights"](alpha, lengths, np.random.default_rng(0))
    for n, length in enumerate(lengths):
        weights = changes["permuted"][:, n]
        context = sum(weights[t] * np.eye(T)[t] for t in range(T))  # h_t one-hot
        assert sorted(context[:length]) == sorted(alpha[:length, n])
        assert not context[length:].any()
        assert not np.allclose(context, alpha[:, n])
    for name, weights in changes.items():
        assert np.allclose(weights.sum(axis=0), 1), name
    order = np.argsort(alpha, axis=0)
    assert (changes["top only"].argmax(axis=0) == order[-1]).all()
    assert (changes["without top"].argmax(axis=0) == order[-2]).all()


def test_eq_leave_one_out(lived, cell):
    """Each word taken out of each review alone."""
    names = defined(cell, lived, "attention-42", "attention-43")
    model = lived["network"](5)
    model.parameters["2.u"][:] *= 30  # as sharp as a trained one's
    batch = lived["reviews"].sample(4, 3)
    found = names["effects"](model, batch)
    one = names["Batch"]
    for n, length in enumerate(batch.lengths):

        def right(tokens, n=n):
            alone = one(np.array(tokens)[:, None], batch.targets[n : n + 1])
            return shares(list(predict(model, alone)[0].astype(float)))[
                batch.targets[n]
            ]

        tokens = list(batch.inputs[:length, n])
        p = right(tokens)
        for t in range(length):
            effect = abs(p - right(tokens[:t] + tokens[t + 1 :]))
            assert found[t, n] == pytest.approx(effect, abs=1e-5)
        assert not found[length:, n].any()
    assert found.max() > 1e-4


# ---- queries and keys ---------------------------------------------------------------


def test_eq_additive_score():
    """As the check's reference, and as the library's weights."""
    S, N, Q, K, A = 6, 2, 3, 4, 5
    q, keys, layer = draw(N, Q), draw(S, N, K), Attention(Q, K, "additive", A, rng=2)
    Wq, Wk, v = (layer.parameters[name] for name in ("Wq", "Wk", "v"))
    found = SUBJECTS["attention_scores"].reference(q, keys, Wq, Wk, v)
    _, weights = layer(q, keys)
    for n in range(N):
        scores = []
        for s in range(S):
            asked, seen = column(Wq.T, q[n]), column(Wk.T, keys[s, n])
            inside = [math.tanh(asked[k] + seen[k]) for k in range(A)]
            scores.append(sum(v[k] * inside[k] for k in range(A)))
        assert found[:, n] == pytest.approx(scores, rel=1e-12)
        assert weights[n] == pytest.approx(shares(scores), rel=1e-12)


def test_without_tanh_the_query_does_not_count():
    """The text's reason for it."""
    q, keys, Wq, Wk, v = SUBJECTS["attention_scores"].cases(False, 0)[0].arguments
    wrong = bank_function("tanh-left-out-of-the-scores")
    one, other = (wrong(some, keys, Wq, Wk, v) for some in (q, -3 * q))
    assert not np.allclose(one, other)
    assert np.allclose(softmax(one, axis=0), softmax(other, axis=0), rtol=1e-12)


def test_eq_dot_score():
    """Both, as the library's weights."""
    S, N, Q, K = 5, 2, 3, 4
    q, keys = draw(N, Q), draw(S, N, K)
    layer = Attention(Q, K, "general", rng=2)
    _, weights = layer(q, keys)
    W = layer.parameters["W"]
    _, plain = Attention(Q, Q, "dot")(q, keys[:, :, :Q])
    for n in range(N):
        general = [
            sum(q[n, i] * c for i, c in enumerate(column(W, keys[s, n])))
            for s in range(S)
        ]
        dot = [sum(q[n, i] * keys[s, n, i] for i in range(Q)) for s in range(S)]
        assert weights[n] == pytest.approx(shares(general), rel=1e-12)
        assert plain[n] == pytest.approx(shares(dot), rel=1e-12)


def test_eq_dot_variance(cell):
    """Exactly, over all vectors of signs; and the sizes that the cell prints."""
    for d in (2, 3):
        signs = list(itertools.product((-1.0, 1.0), repeat=d))
        dots = [
            sum(a * b for a, b in zip(q, k)) for q, k in itertools.product(signs, signs)
        ]
        assert sum(dots) == 0
        assert sum(x * x for x in dots) / len(dots) == pytest.approx(d)
    for d, size, *_ in printed(cell, "attention-52")[::2]:
        assert size == pytest.approx(math.sqrt(d), rel=0.02)


def test_eq_decoder_output(lived, cell):
    """From the decoder's states and the encoder's, by the formula."""
    names = defined(cell, lived, "attention-55")
    model = names["translator"](0, 6, True)
    batch = names["translation"].sample(2, 4)
    logits = predict(model, batch)
    memory = model.start(batch.inputs[0], batch.lengths)
    states, _ = model.decoder(model.target(batch.inputs[1]), memory[0])
    V, a = model.parameters["output.W"].T, model.parameters["output.b"]
    for t, n in itertools.product(range(3), range(2)):
        h, keys = states[t, n], memory[1][: batch.lengths[n], n]
        alpha = shares([float(h @ key) for key in keys])
        s = sum(weight * key for weight, key in zip(alpha, keys))
        both = [*h, *s]  # [h; s]
        scores = [z + a[k] for k, z in enumerate(column(V, both))]
        expected = shares([float(z) for z in scores])
        assert softmax(logits[t, n]) == pytest.approx(expected, rel=1e-4)


# ---- self-attention -----------------------------------------------------------------


def test_eq_self_attention(lived):
    """Step by step, with columns."""
    T, D, d = 5, 3, 4
    x, matrices = draw(T, D), draw(3, D, d)
    q, k, v = ([column(W.T, x[t]) for t in range(T)] for W in matrices)
    found = lived["self_attention"](x, *matrices)
    for t in range(T):
        scores = [
            sum(q[t][i] * k[s][i] for i in range(d)) / math.sqrt(d) for s in range(T)
        ]
        alpha = shares(scores)
        y = [sum(alpha[s] * v[s][i] for s in range(T)) for i in range(d)]
        assert found[t] == pytest.approx(y, rel=1e-12)


def test_eq_multiplications(lived):
    """Counted product by product: (a, b) @ (b, c) takes a b c of them."""

    def product(a, b, c):
        return a * b * c

    for T, d in ((7, 5), (100, 64)):
        lstm = product(T, d, 4 * d) + T * product(1, d, 4 * d)
        projections = 3 * product(T, d, d)
        attending = projections + product(T, d, T) + product(T, T, d)
        assert lived["multiplications"](T, d) == (lstm, attending)
    at = lived["multiplications"](160, 64)  # T = 2.5 d
    assert at[0] == at[1]


# ---- questions ----------------------------------------------------------------------


def test_context_by_hand(questions):
    """Each wrong number is what its mistake gives."""
    found = numbers(questions["10", "context-by-hand"])
    h = np.array([6.0, 0, -3]).reshape(3, 1, 1)
    scores = np.log([[2.0], [3.0], [1.0]])
    alpha = masked(scores, [3])
    assert found.pop("right") == pytest.approx((alpha[:, :, None] * h).sum())
    length = np.array([3])
    for id, value in found.items():
        function = bank_function(id)
        if "weights-not" in id or "scores-as" in id:
            wrong = function(scores, length) * (3 if "not" in id else 1)
            answer = (wrong[:, :, None] * h).sum()
        else:
            answer = function(alpha, h).item()
        assert answer == pytest.approx(value, abs=5e-3), id
    assert len(found) == 5


def test_share_of_padding(questions):
    """Five words among twenty-five steps."""
    found = numbers(questions["10", "share-of-padding"])
    wrong = bank_function("padding-scored-zero")(np.zeros((25, 1)), np.array([5]))
    assert found["right"] == pytest.approx(wrong[:5].sum())
    assert found["0.04"] == pytest.approx(wrong[0, 0])


def test_lines_of_attention(notebook):
    """The lines of the question, run in their order, give the library's context."""
    cells = notebook(CHAPTER).cells
    text = next(c.source for c in cells if ":name: lines-of-attention" in c.source)
    lines = re.findall(r"^\d\. `(.+?)` →", text, re.M)
    S, N, Q, K, A = 6, 2, 3, 4, 5
    layer, lengths = Attention(Q, K, "additive", A, rng=2), np.array([6, 4])
    names = {"np": np, "q": draw(N, Q), "keys": draw(S, N, K), **layer.parameters}
    names["within"] = np.arange(S)[:, None] < lengths
    exec("\n".join(lines), names)
    context, weights = layer(names["q"], names["keys"], lengths)
    assert len(lines) == 6
    assert np.allclose(names["alpha"].T, weights, rtol=1e-12)
    assert np.allclose(names["context"], context, rtol=1e-12)
