"""Attention: gradients by differences, equal to torch, blind beyond a length.

Sizes differ (T=4, S=5, N=3, Q=2, K=6, A=7), so that a swapped axis fails.
"""

import numpy as np
import pytest
from slopes import assert_gradients
from twins import RTOL, assert_close

from lstm_lib import ShapeError
from lstm_lib.attention import Attention, WordAttention

T, S, N, Q, K, A = 4, 5, 3, 2, 6, 7
LENGTHS = [2, 5, 1]
SCORES = ["additive", "dot", "general"]
every_score = pytest.mark.parametrize("score", SCORES)
with_and_without = pytest.mark.parametrize("lengths", [None, LENGTHS])
one_and_many = pytest.mark.parametrize("steps", [(), (T,)], ids=["one", "many"])
both_dtypes = pytest.mark.parametrize("dtype", RTOL)


def attention_of(score, dtype="float64", sizes=(Q, K, A)):
    Q, K, A = sizes
    Q, A = (K if score == "dot" else Q), (A if score == "additive" else None)
    return Attention(Q, K, score, A, dtype=dtype, rng=1)


def problem(attention, steps, S=S, N=N):
    """Random query, keys, dcontext and dweights; steps is () or (T,)."""
    rng, Q, K = np.random.default_rng(0), attention.query_size, attention.key_size
    shapes = (*steps, N, Q), (S, N, K), (*steps, N, K), (*steps, N, S)
    return [rng.normal(size=shape).astype(attention.dtype) for shape in shapes]


def results(attention, query, keys, dcontext, dweights, lengths=None):
    context, weights = attention(query, keys, lengths)
    dquery, dkeys = attention.backward(dcontext, dweights)
    out = dict(context=context, weights=weights, dquery=dquery, dkeys=dkeys)
    return out | attention.grads


def torch_results(attention, query, keys, dcontext, dweights, lengths=None):
    """The same formulas in torch, one query at a time, its softmax and autograd."""
    import torch

    p = {
        k: torch.tensor(a, requires_grad=True) for k, a in attention.parameters.items()
    }
    query, keys = (torch.tensor(a, requires_grad=True) for a in (query, keys))
    beyond = torch.arange(len(keys))[:, None] >= torch.tensor(
        [len(keys)] * keys.shape[1] if lengths is None else lengths
    )
    contexts, rows = [], []
    for q in query if query.ndim == 3 else query[None]:
        if attention.score == "additive":
            score = torch.tanh(q @ p["Wq"] + keys @ p["Wk"]) @ p["v"]
        else:
            score = ((q @ p["W"] if p else q) * keys).sum(-1)
        alpha = torch.softmax(score.masked_fill(beyond, -torch.inf), dim=0)
        contexts.append((alpha[:, :, None] * keys).sum(0))
        rows.append(alpha.T)
    context, weights = torch.stack(contexts), torch.stack(rows)
    if query.ndim == 2:
        context, weights = context[0], weights[0]
    found = torch.autograd.grad(
        [context, weights],
        [query, keys, *p.values()],
        [torch.tensor(dcontext), torch.tensor(dweights)],
    )
    names = ["context", "weights", "dquery", "dkeys", *p]
    return {
        name: array.detach().numpy()
        for name, array in zip(names, [context, weights, *found])
    }


def assert_same(ours, theirs, rtol):
    assert ours.keys() == theirs.keys()
    for name in ours:
        assert_close(ours[name], theirs[name], rtol)


# Gradients and twins


@every_score
@one_and_many
@with_and_without
def test_every_gradient_is_the_one_by_differences(score, steps, lengths):
    """By query, keys and every parameter, through context and weights."""
    attention = attention_of(score)
    query, keys, dcontext, dweights = problem(attention, steps)

    def loss():
        context, weights = attention(query, keys, lengths)
        return (context * dcontext).sum() + (weights * dweights).sum()

    loss()
    dquery, dkeys = attention.backward(dcontext, dweights)
    found = {"query": dquery, "keys": dkeys, **attention.grads}
    assert_gradients(
        loss, {"query": query, "keys": keys, **attention.parameters}, found
    )


@every_score
@one_and_many
@with_and_without
@both_dtypes
def test_outputs_and_every_gradient_equal_torch(score, steps, lengths, dtype):
    """torch.softmax with masked_fill, and autograd."""
    attention = attention_of(score, dtype)
    given = problem(attention, steps)
    assert_same(
        results(attention, *given, lengths=lengths),
        torch_results(attention, *given, lengths=lengths),
        RTOL[dtype],
    )


@every_score
@pytest.mark.parametrize(
    ("steps", "S", "N"), [((), 1, 1), ((1,), 1, 1), ((1,), 5, 3), ((4,), 1, 3)]
)
def test_sizes_of_one_equal_torch(score, steps, S, N):
    """One example, one key, one step, one feature inside."""
    attention = attention_of(score, sizes=(1, 1, 1))
    given = problem(attention, steps, S, N)
    ours, theirs = results(attention, *given), torch_results(attention, *given)
    for name, array in theirs.items():  # with one key a score has no gradient
        np.testing.assert_allclose(ours[name], array, rtol=1e-10, atol=1e-15)


@both_dtypes
def test_dot_is_torchs_scaled_dot_product_attention_unscaled(dtype):
    """With scale=1 and the mask of the keys."""
    import torch

    attention = attention_of("dot", dtype)
    query, keys, *_ = problem(attention, (T,))
    q, k = (torch.tensor(array.transpose(1, 0, 2)) for array in (query, keys))
    within = torch.arange(S) < torch.tensor(LENGTHS)[:, None]
    expected = torch.nn.functional.scaled_dot_product_attention(
        q, k, k, attn_mask=within[:, None], scale=1.0
    )
    context, _ = attention(query, keys, LENGTHS)
    assert_close(context, expected.numpy().transpose(1, 0, 2), RTOL[dtype])


@every_score
def test_a_sequence_of_queries_is_its_queries_one_by_one(score):
    """(T, N, Q) in one call, or T calls with (N, Q)."""
    attention = attention_of(score)
    query, keys, *_ = problem(attention, (T,))
    context, weights = attention(query, keys, LENGTHS)
    for t in range(T):
        one, row = attention(query[t], keys, LENGTHS)
        assert_close(one, context[t], 1e-14)
        assert_close(row, weights[t], 1e-14)


@every_score
def test_without_dweights_they_are_zeros(score):
    """The usual case: the loss sees the context only."""
    attention = attention_of(score)
    query, keys, dcontext, dweights = problem(attention, (T,))
    given = query, keys, dcontext
    assert_same(
        results(attention, *given, None), results(attention, *given, 0 * dweights), 0
    )


# What the weights are


@every_score
@one_and_many
@both_dtypes
def test_weights_sum_to_one_and_are_zero_beyond_a_length(score, steps, dtype):
    """Exactly zero; and one key alone weighs exactly one."""
    attention = attention_of(score, dtype)
    query, keys, *_ = problem(attention, steps)
    _, weights = attention(query, keys, LENGTHS)
    assert weights.shape == (*steps, N, S) and (weights >= 0).all()
    assert (weights[..., np.arange(S) >= np.array(LENGTHS)[:, None]] == 0).all()
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=0, atol=4 * eps)
    np.testing.assert_array_equal(weights[..., LENGTHS.index(1), 0], 1)


@every_score
@both_dtypes
def test_keys_beyond_a_length_change_nothing(score, dtype):
    """1e4 or the largest number there is: the same bits, and no gradient."""
    attention = attention_of(score, dtype)
    query, keys, *gradients = problem(attention, (T,))
    before = results(attention, query, keys, *gradients, lengths=LENGTHS)
    beyond = np.arange(S)[:, None] >= np.array(LENGTHS)
    for huge in (1e4, -1e4, np.finfo(dtype).max):
        keys[beyond] = huge
        after = results(attention, query, keys, *gradients, lengths=LENGTHS)
        for name in before:
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert not before["dkeys"][beyond].any()


@every_score
def test_more_padding_changes_nothing(score):
    """The same example in a longer batch."""
    attention = attention_of(score)
    query, keys, dcontext, dweights = problem(attention, (T,))
    before = results(attention, query, keys, dcontext, dweights, LENGTHS)
    longer = np.concatenate([keys, np.ones((2, N, K))])
    dlonger = np.concatenate([dweights, np.ones((T, N, 2))], axis=-1)
    after = results(attention, query, longer, dcontext, dlonger, LENGTHS)
    after["weights"], after["dkeys"] = after["weights"][..., :S], after["dkeys"][:S]
    assert_same(after, before, 1e-13)


@every_score
def test_permuting_the_examples_permutes_the_results(score):
    """No example sees another; the parameters' gradients stay."""
    attention, order = attention_of(score), [2, 0, 1]
    given = problem(attention, (T,))
    before = results(attention, *given, lengths=LENGTHS)
    moved = [array[:, order] for array in given]
    after = results(attention, *moved, lengths=[LENGTHS[n] for n in order])
    for name in ("context", "weights", "dquery", "dkeys"):
        before[name] = before[name][:, order]
    assert_same(after, before, 1e-13)


@every_score
def test_equal_keys_weigh_the_same_and_their_mean_is_the_key(score):
    """Whatever the query."""
    attention = attention_of(score)
    query, keys, *_ = problem(attention, (T,))
    keys[:] = keys[0]
    context, weights = attention(query, keys)
    np.testing.assert_allclose(weights, 1 / S, rtol=1e-14)
    np.testing.assert_allclose(context, np.broadcast_to(keys[0], (T, N, K)))


@every_score
@both_dtypes
def test_inputs_of_1e4_are_finite_both_ways(score, dtype):
    """Scores of 1e9 saturate the softmax without a warning."""
    attention = attention_of(score, dtype)
    query, keys, dcontext, dweights = problem(attention, (T,))
    given = [np.sign(array) * 1e4 for array in (query, keys, dcontext)]
    given = [array.astype(dtype) for array in given]
    for array in results(attention, *given, dweights, lengths=LENGTHS).values():
        assert np.isfinite(array).all() and array.dtype == dtype


# Whose arrays they are


@every_score
@one_and_many
def test_arrays_stay_whose_they_are(score, steps):
    """Nothing given changes; changing what was given or returned changes nothing."""
    attention = attention_of(score)
    given = problem(attention, steps)
    expected = results(attention, *given, lengths=LENGTHS)
    query, keys, dcontext, dweights = given
    for array in given:
        array.flags.writeable = False
    query, keys = query.copy(), keys.copy()
    outputs = attention(query, keys, LENGTHS)
    query[...], keys[...] = 9, 9
    for array in outputs:
        array[...] = 9
    for _ in range(2):  # backward may be called again
        dquery, dkeys = attention.backward(dcontext, dweights)
        assert_close(dquery, expected["dquery"], 0)
        assert_close(dkeys, expected["dkeys"], 0)
        for name, array in attention.grads.items():
            assert_close(array, expected[name], 0)
        dquery[...], dkeys[...] = 9, 9


def test_a_failed_call_leaves_the_one_before():
    """Backward belongs to the last forward call that returned."""
    attention = attention_of("dot")
    given = problem(attention, (T,))
    expected = results(attention, *given)
    with pytest.raises(ShapeError):
        attention(given[0][0], given[1][:, :2])
    assert_close(attention.backward(*given[2:])[0], expected["dquery"], 0)


@every_score
def test_initial_weights_come_from_the_seed(score):
    """Uniform in +-1/sqrt(rows); dot has none."""
    one, two = (Attention(50, 50, score, rng=3) for _ in range(2))
    for key, array in one.parameters.items():
        np.testing.assert_array_equal(array, two.parameters[key])
        assert 0.9 * 50**-0.5 < np.abs(array).max() <= 50**-0.5
    keys = {"additive": ["Wq", "Wk", "v"], "general": ["W"], "dot": []}
    assert list(one.parameters) == keys[score]
    assert Attention(Q, K).parameters["v"].shape == (K,)  # attention_size: key_size


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((2, 3, "dot"), "key_size: expected query_size = 2 for 'dot', got 3"),
        ((2, 2, "concat"), "score: expected 'additive', .* got 'concat'"),
        ((0, 2), "query_size: expected a positive"),
        ((2, 2.0), "key_size: expected a positive"),
        ((2, 2, "additive", 0), "attention_size: expected a positive"),
        ((2, 2, "general", 4), "attention_size: expected None for 'general', got 4"),
    ],
)
def test_what_cannot_be_made_is_named(arguments, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        Attention(*arguments)


def test_what_does_not_fit_is_named():
    """In the call and in backward, which needs a call before it."""
    attention = attention_of("additive")
    query, keys, dcontext, dweights = problem(attention, (T,))
    with pytest.raises(RuntimeError, match="Attention.backward: expected a forward"):
        attention.backward(dcontext)
    for bad, words in [
        ((query[:, :2], keys), r"keys: expected shape \(S, N, K\) = \(5, 2, 6\), got"),
        ((query[..., :1], keys), r"query: expected shape \(T, N, Q\)"),
        ((query[0, 0], keys), "query: expected 3 axes"),
        ((query, keys[0]), "keys: expected 3 axes"),
        ((query, keys, [1, 2]), "lengths: expected shape"),
    ]:
        with pytest.raises(ShapeError, match=words):
            attention(*bad)
    for bad, words in [
        ([0, 1, 2], "lengths: expected integers in 1..5"),
        ([6, 1, 2], "lengths: expected integers in 1..5, got 6"),
    ]:
        with pytest.raises(ValueError, match=words):
            attention(query, keys, bad)
    with pytest.raises(TypeError, match="query: expected float64 numbers, got float32"):
        attention(query.astype("float32"), keys)
    with pytest.raises(ValueError, match="keys: expected finite"):
        attention(query, keys * np.nan)
    attention(query, keys)
    for bad, words in [
        ((dcontext[0],), "dcontext: expected 3 axes"),
        ((dcontext[:2],), "dcontext: expected shape"),
        ((dcontext, dweights[..., :2]), "dweights: expected shape"),
    ]:
        with pytest.raises(ShapeError, match=words):
            attention.backward(*bad)


# Words


def word_results(layer, h, ds, lengths=None):
    s = layer(h, lengths)
    return {"s": s, "weights": layer.weights, "dh": layer.backward(ds), **layer.grads}


def word_problem(dtype="float64", T=T, N=N, H=K, A=A):
    rng, layer = np.random.default_rng(0), WordAttention(H, A, dtype=dtype, rng=1)
    return layer, *(rng.normal(size=s).astype(dtype) for s in ((T, N, H), (N, H)))


@pytest.mark.parametrize("lengths", [None, [2, 4, 1]])
def test_word_attentions_gradients_are_those_by_differences(lengths):
    """By the input and every parameter."""
    layer, h, ds = word_problem()
    found = word_results(layer, h, ds, lengths)
    found["h"] = found.pop("dh")
    arrays = {"h": h, **layer.parameters}
    assert_gradients(
        lambda: (layer(h, lengths) * ds).sum(),
        arrays,
        {name: found[name] for name in arrays},
    )


@both_dtypes
@pytest.mark.parametrize("lengths", [None, [2, 4, 1]])
@pytest.mark.parametrize("sizes", [(4, 3, 6, 7), (4, 3, 1, 1)])
def test_word_attention_equals_torch(dtype, lengths, sizes):
    """Yang et al.'s three lines, torch.softmax and autograd."""
    import torch

    layer, h, ds = word_problem(dtype, *sizes)
    p = {k: torch.tensor(a, requires_grad=True) for k, a in layer.parameters.items()}
    x = torch.tensor(h, requires_grad=True)
    score = torch.tanh(x @ p["W"] + p["b"]) @ p["u"]
    if lengths is not None:
        beyond = torch.arange(len(h))[:, None] >= torch.tensor(lengths)
        score = score.masked_fill(beyond, -torch.inf)
    alpha = torch.softmax(score, dim=0)
    s = (alpha[:, :, None] * x).sum(0)
    found = torch.autograd.grad(s, [x, *p.values()], torch.tensor(ds))
    theirs = dict(zip(["s", "weights", "dh", *p], [s, alpha, *found]))
    theirs = {name: array.detach().numpy() for name, array in theirs.items()}
    assert_same(word_results(layer, h, ds, lengths), theirs, RTOL[dtype])


@pytest.mark.parametrize(("T", "N"), [(1, 1), (1, 3), (4, 1)])
def test_word_attention_over_one_step_is_that_step(T, N):
    """And its gradient all goes there."""
    layer, h, ds = word_problem(T=T, N=N)
    found = word_results(layer, h, ds, [1] * N)
    np.testing.assert_array_equal(found["s"], h[0])
    np.testing.assert_array_equal(found["dh"][0], ds)
    assert not found["dh"][1:].any() and (found["weights"][0] == 1).all()


@both_dtypes
def test_word_attention_is_blind_beyond_a_length(dtype):
    """Weights exactly 0, the same bits whatever stands there, no gradient."""
    layer, h, ds = word_problem(dtype)
    lengths, beyond = [2, 4, 1], np.arange(T)[:, None] >= np.array([2, 4, 1])
    before = word_results(layer, h, ds, lengths)
    for huge in (1e4, np.finfo(dtype).max):
        h[beyond] = huge
        after = word_results(layer, h, ds, lengths)
        for name in before:
            np.testing.assert_array_equal(after[name], before[name], err_msg=name)
    assert not before["weights"][beyond].any() and not before["dh"][beyond].any()
    np.testing.assert_allclose(before["weights"].sum(axis=0), 1, rtol=1e-6)


def test_word_attention_permutes_with_its_examples():
    """No example sees another."""
    layer, h, ds = word_problem()
    order, lengths = [2, 0, 1], np.array([2, 4, 1])
    before = word_results(layer, h, ds, lengths)
    after = word_results(layer, h[:, order], ds[order], lengths[order])
    before["s"] = before["s"][order]
    for name in ("weights", "dh"):
        before[name] = before[name][:, order]
    assert_same(after, before, 1e-13)


def test_word_attention_with_inputs_of_1e4():
    """Finite both ways in float32, without a warning."""
    layer, h, ds = word_problem("float32")
    found = word_results(layer, np.sign(h) * np.float32(1e4), ds, [2, 4, 1])
    assert all(np.isfinite(a).all() for a in found.values())


def test_word_attentions_arrays_stay_whose_they_are():
    """Changing what was given or returned changes nothing later."""
    layer, h, ds = word_problem()
    expected = word_results(layer, h, ds)
    h.flags.writeable = ds.flags.writeable = False
    given = h.copy()
    layer(given)[...] = 9
    given[...] = 9
    layer.weights[...] = 9
    for _ in range(2):
        dh = layer.backward(ds)
        assert_close(dh, expected["dh"], 0)
        assert_close(layer.grads["W"], expected["W"], 0)
        dh[...] = 9


def test_word_attention_starts_random_from_its_seed():
    """U too: were it zero, every word would weigh the same at the start."""
    one, two = (WordAttention(K, rng=2) for _ in range(2))
    assert {key: a.shape for key, a in one.parameters.items()} == {
        "W": (K, K), "b": (K,), "u": (K,)
    }  # fmt: skip
    for key, array in one.parameters.items():
        assert array.any()
        np.testing.assert_array_equal(array, two.parameters[key])
    assert one.uses_lengths and one.weights is None


def test_word_attention_names_what_does_not_fit():
    """In the call and in backward, which needs a call before it."""
    layer, h, ds = word_problem()
    with pytest.raises(RuntimeError, match="WordAttention.backward: expected a forw"):
        layer.backward(ds)
    with pytest.raises(ShapeError, match=r"h: expected shape \(T, N, H\)"):
        layer(h[..., :2])
    with pytest.raises(ShapeError, match="h: expected 3 axes"):
        layer(h[0])
    with pytest.raises(ValueError, match="lengths: expected integers in 1..4"):
        layer(h, [5, 1, 1])
    with pytest.raises(TypeError, match="h: expected float64"):
        layer(h.astype(int))
    layer(h)
    with pytest.raises(ShapeError, match="ds: expected shape"):
        layer.backward(ds[:2])
    with pytest.raises(ValueError, match="attention_size: expected a positive"):
        WordAttention(K, -1)
