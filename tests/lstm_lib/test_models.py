"""Layers put together: every gradient by differences, one call or many steps.

Sizes differ (T=4, S=5, N=3, V=6, E=2, H=3), so that a swapped axis fails.
"""

import copy

import numpy as np
import pytest
from slopes import assert_gradients
from twins import LAYERS, as_state, assert_close, parts

from lstm_lib import GRU, LSTM, RNN, ShapeError
from lstm_lib.attention import Attention, WordAttention
from lstm_lib.batches import Batch
from lstm_lib.evaluation import evaluate_stream
from lstm_lib.feedforward import (
    Dense,
    Dropout,
    Embedding,
    LastStep,
    MeanOverTime,
    OneHot,
)
from lstm_lib.models import EncoderDecoder, Sequential, predict
from lstm_lib.sampling import beam_search

T, S, N, V, E, H, K = 4, 5, 3, 6, 2, 3, 7
LENGTHS = [2, 5, 1]
with_and_without = pytest.mark.parametrize("lengths", [None, LENGTHS])
both_dtypes = pytest.mark.parametrize("dtype", ["float32", "float64"])


def tokens(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, V, shape)


def assert_model_gradients(model, x, lengths=None, *, by_x=False, dropout=False):
    """Every parameter's gradient, and x's where asked for.

    dropout: each loss is a fresh copy's, so that it draws the same masks.
    """
    fresh = copy.deepcopy if dropout else lambda same: same
    run = fresh(model)
    y, _ = run(x, None, lengths)
    dy = np.random.default_rng(1).normal(size=y.shape)
    dx, arrays, found = run.backward(dy), dict(model.parameters), dict(run.grads)
    if by_x:
        arrays["x"], found["x"] = x, dx
    assert_gradients(
        lambda: (fresh(model)(x, None, lengths)[0] * dy).sum(),
        arrays,
        found,
        rtol=1e-6,
    )


# Sequential


def classifier(*, kind=LSTM, summary="last", dtype="float64", dropout=0.0, rng=0):
    """Embedding, dropout, two bidirectional layers, a summary, an output."""
    summaries = {
        "last": LastStep(bidirectional=True),
        "mean": MeanOverTime(),
        "words": WordAttention(2 * H, 2, dtype=dtype, rng=rng),
    }
    options = dict(dtype=dtype, rng=rng)
    return Sequential(
        Embedding(V, E, padding_idx=0, **options),
        Dropout(dropout, rng=rng),
        kind(E, H, 2, dropout=dropout, bidirectional=True, **options),
        summaries[summary],
        Dense(2 * H, K, **options),
    )


def generator(kind=LSTM, dtype="float64", rng=0):
    """One symbol after another: two recurrent layers with a dense one between."""
    return Sequential(
        OneHot(V, dtype=dtype),
        kind(V, H, 2, dtype=dtype, rng=rng),
        Dense(H, E, activation="tanh", dtype=dtype, rng=rng),
        kind(E, H, dtype=dtype, rng=rng),
        Dense(H, V, dtype=dtype, rng=rng),
    )


@pytest.mark.parametrize(
    ("summary", "lengths"),
    [("last", [2, 4, 1]), ("mean", [2, 4, 1]), ("words", [2, 4, 1]), ("words", None)],
)
def test_a_classifiers_gradients_are_those_by_differences(summary, lengths):
    """With dropout acting, in the layer and between the layers."""
    model = classifier(summary=summary, dropout=0.3)
    x = tokens(T, N)
    x[x == 0] = 1  # padding's own row has no gradient, by design
    model.parameters["0.E"][0] = 0
    assert_model_gradients(model, x, lengths, dropout=True)


@pytest.mark.parametrize("kind", LAYERS)
def test_gradients_reach_numbers_at_the_input(kind):
    """A model that begins with a recurrent layer returns dx."""
    model = Sequential(
        kind(E, H, bidirectional=True, rng=0),
        Dropout(0.4, locked=True, rng=1),
        kind(2 * H, H, rng=2),
        Dense(H, K, activation="relu", rng=3),
    )
    x = np.random.default_rng(0).normal(size=(T, N, E))
    assert_model_gradients(model, x, [2, 4, 1], by_x=True, dropout=True)


def test_integers_at_the_input_have_no_gradient():
    """Backward returns None."""
    model = classifier()
    y, _ = model(tokens(S, N))
    assert model.backward(y) is None


def test_parameters_are_the_layers_own_arrays_by_position():
    """Updates in place act; grads have the same keys."""
    model = classifier(summary="words")
    lstm = model.layers[2]
    keys = ["0.E"] + [f"2.{key}" for key in lstm.parameters]
    keys += ["3.W", "3.b", "3.u", "4.W", "4.b"]
    assert list(model.parameters) == keys and not model.grads
    assert model.parameters["2.W_l1_reverse"] is lstm.parameters["W_l1_reverse"]
    before, _ = model(tokens(S, N))
    model.backward(np.ones_like(before))
    assert list(model.grads) == keys
    model.parameters["4.b"] += 1
    np.testing.assert_allclose(model(tokens(S, N))[0], before + 1, rtol=1e-12)


@pytest.mark.parametrize("kind", LAYERS)
def test_the_state_carries_one_long_pass(kind):
    """Windows with the state handed on equal the whole; steps do too."""
    model, x = generator(kind), tokens(9, N)
    whole, last = model(x)
    assert isinstance(last, list) and len(last) == 2
    state, pieces = None, []
    for window in (x[:4], x[4:5], x[5:]):
        y, state = model(window, state)
        pieces.append(y)
    assert_close(np.concatenate(pieces), whole, 1e-13)
    stepped, rows = None, []
    for row in x:
        y, stepped = model.step(row, stepped)
        assert y.shape == (N, V)
        rows.append(y)
    assert_close(np.stack(rows), whole, 1e-13)
    for ours in (state, stepped):
        for one, other in zip(ours, last):
            for a, b in zip(parts(one), parts(other)):
                assert_close(a, b, 1e-13)


def test_a_state_given_is_not_changed():
    """Nor is one returned, by a later call."""
    model = generator()
    _, state = model(tokens(T, N))
    before = copy.deepcopy(state)
    model(tokens(T, N, seed=1), state)
    model.step(tokens(N), state)
    for one, other in zip(state, before):
        for a, b in zip(one, other):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("summary", ["last", "mean", "words"])
def test_symbols_beyond_a_length_change_nothing(summary):
    """The same bits, outputs and gradients; and longer padding, the same values."""
    model, x = classifier(summary=summary), tokens(S, N)
    dy = np.random.default_rng(1).normal(size=(N, K))

    def results(x):
        y, _ = model(x, lengths=LENGTHS)
        model.backward(dy)
        return {"y": y, **model.grads}

    before = results(x)
    other = np.where(np.arange(S)[:, None] < np.array(LENGTHS), x, (x + 1) % V)
    for name, array in results(other).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    for name, array in results(np.concatenate([x, tokens(2, N)])).items():
        np.testing.assert_allclose(array, before[name], rtol=1e-9, atol=1e-13)


def test_dropout_acts_while_training_only():
    """`training` reaches every layer; `predict` is without it and puts it back."""
    model, x = classifier(dropout=0.5), tokens(S, N)
    assert model.training and (model(x)[0] != model(x)[0]).any()
    expected = predict(model, Batch(x, None, LENGTHS))
    assert model.training and all(layer.training for layer in model.layers)
    model.layers[1].training = False
    with pytest.raises(ZeroDivisionError), model.evaluating():
        assert not model.training
        np.testing.assert_array_equal(model(x, lengths=LENGTHS)[0], expected)
        raise ZeroDivisionError
    assert [layer.training for layer in model.layers] == [True, False, True, True, True]
    model.training = False
    assert not model.training and not any(layer.training for layer in model.layers)
    np.testing.assert_array_equal(model(x, lengths=LENGTHS)[0], expected)


@both_dtypes
@pytest.mark.parametrize("summary", ["last", "mean", "words"])
def test_sequential_keeps_the_dtype(summary, dtype):
    """One example of one step too."""
    model = classifier(summary=summary, dtype=dtype, dropout=0.3)
    y, state = model(tokens(1, 1), lengths=[1])
    model.backward(y)
    assert y.shape == (1, K)
    for array in (y, *parts(state[0]), *model.grads.values()):
        assert array.dtype == dtype


def test_a_model_of_one_dense_layer_needs_no_time():
    """Nothing recurrent: the state is an empty list."""
    model = Sequential(Dense(E, K, rng=0))
    y, state = model(np.ones((N, E)))
    assert y.shape == (N, K) and state == []
    assert model.backward(y).shape == (N, E)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Sequential(), ValueError, "layers: expected at least one, got none"),
        (lambda: Sequential(np.tanh), TypeError, "0: expected a layer, got ufunc"),
        (lambda: Sequential(Dense(2, 2), LSTM), TypeError, "1: expected a layer"),
        (
            lambda: Sequential(LSTM(2, 3, batch_first=True)),
            ValueError,
            "0: expected batch_first=False, got True",
        ),
        (
            lambda: Sequential(Dense(2, 3), Dense(3, 2, dtype="float32")),
            TypeError,
            "layers: expected one dtype, got 0 float64, 1 float32",
        ),
    ],
)
def test_what_is_no_sequence_of_layers_is_named(make, error, words):
    """The layer by its position, what was expected and what came."""
    with pytest.raises(error, match=words):
        make()


def test_a_state_that_does_not_fit_is_named():
    """A list with an entry for each recurrent layer; of the right sizes."""
    model = generator()
    for wrong in ([], [None], (None, None), np.zeros((1, N, H))):
        with pytest.raises(ShapeError, match="state: expected a list of 2"):
            model(tokens(T, N), wrong)
    _, state = model(tokens(T, N))
    with pytest.raises(ShapeError, match="h: expected shape"):
        model(tokens(T, N + 1), state)
    with pytest.raises(RuntimeError, match="Dense.backward: expected a forward call"):
        generator().backward(np.ones((T, N, V)))


def test_one_layer_may_not_stand_twice():
    """Its gradient would be silently wrong."""
    layer = Dense(E, E, rng=0)
    with pytest.raises(ValueError, match="0|1"):
        Sequential(layer, layer)


def test_step_wants_an_output_at_every_step():
    """A classifier has none: (N, K) in, (K,) out would be nonsense."""
    with pytest.raises(ValueError):
        classifier().step(tokens(N))


# EncoderDecoder


def translator(
    kind=LSTM,
    *,
    bidirectional=False,
    score=None,
    num_layers=1,
    dtype="float64",
    one_hot=False,
):
    """Small, with every size its own; the encoder's outputs have size `memory`."""
    options, memory = dict(dtype=dtype), H * (1 + bidirectional)
    attention = None
    if score:
        attention = Attention(memory, memory, score, rng=5, **options)
    width = V if one_hot else E
    return EncoderDecoder(
        OneHot(V, **options) if one_hot else Embedding(V, E, rng=1, **options),
        kind(width, H, num_layers, bidirectional=bidirectional, rng=2, **options),
        Embedding(V + 1, E + 1, rng=3, **options),
        kind(E + 1, memory, num_layers, rng=4, **options),
        Dense(memory * (1 + bool(score)), V + 1, rng=6, **options),
        attention,
    )


def pair():
    return tokens(S, N), tokens(T, N, seed=1)


EVERY = [
    dict(kind=kind, bidirectional=bidirectional, score=score)
    for kind in LAYERS
    for bidirectional in (False, True)
    for score in (None, "additive")
] + [
    dict(score="dot"),
    dict(score="general", bidirectional=True, num_layers=2),
    dict(kind=GRU, num_layers=2, bidirectional=True, one_hot=True),
]


def called(options):
    """A short name of a case."""
    return "-".join(str(getattr(v, "__name__", v)) for v in options.values())


every_translator = pytest.mark.parametrize("options", EVERY, ids=called)
some_translators = pytest.mark.parametrize(
    "options", [dict(kind=GRU), dict(kind=RNN, score="dot"), *EVERY[-2:]], ids=called
)


@pytest.mark.parametrize(
    ("options", "lengths"),
    [(options, [2, 4, 1]) for options in EVERY] + [(dict(score="dot"), None)],
    ids=lambda case: called(case) if isinstance(case, dict) else str(case),
)
def test_every_parameters_gradient_is_the_one_by_differences(options, lengths):
    """Through output, attention, decoder, the bridge of states, encoder, symbols."""
    inputs = tokens(4, N), tokens(2, N, seed=1)
    assert_model_gradients(translator(**options), inputs, lengths)


@every_translator
@with_and_without
def test_logits_are_those_of_the_parts_put_together(options, lengths):
    """The decoder starts in the encoder's last state, directions side by side."""
    model = translator(**options)
    source, target = pair()
    logits, state = model((source, target), lengths=lengths)

    memory, last = model.encoder(model.source(source), None, lengths)
    if model.encoder.bidirectional:
        last = as_state([
            np.stack([np.concatenate(part[k : k + 2], axis=1) for k in levels])
            for part in parts(last)
            for levels in [range(0, len(part), 2)]
        ])  # fmt: skip
    h, _ = model.decoder(model.target(target), last)
    if model.attention is not None:
        context, weights = model.attention(h, memory, lengths)
        h = np.concatenate([h, context], axis=2)
        np.testing.assert_array_equal(model.attention_weights, weights)
        assert weights.shape == (T, N, S)
    np.testing.assert_array_equal(logits, model.output(h))
    assert logits.shape == (T, N, V + 1)


@every_translator
@with_and_without
def test_start_and_step_decode_what_teacher_forcing_scores(options, lengths):
    """One symbol at a time, the same logits; and on from the state of a call."""
    model = translator(**options)
    source, target = pair()
    logits, end = model((source, target), lengths=lengths)
    state = model.start(source, lengths)
    for t in range(T):
        row, state = model.step(target[t], state)
        assert_close(row, logits[t], 1e-13)
    assert_close(model.step(target[0], end)[0], model.step(target[0], state)[0], 1e-13)


@some_translators
def test_source_symbols_beyond_a_length_change_nothing(options):
    """The same bits whatever stands there; the same values with more padding."""
    model = translator(**options)
    source, target = pair()
    dlogits = np.random.default_rng(1).normal(size=(T, N, V + 1))

    def results(source):
        logits, _ = model((source, target), lengths=LENGTHS)
        model.backward(dlogits)
        return {"logits": logits, **model.grads}

    before = results(source)
    within = np.arange(S)[:, None] < np.array(LENGTHS)
    for name, array in results(np.where(within, source, (source + 1) % V)).items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    for name, array in results(np.concatenate([source, tokens(2, N)])).items():
        np.testing.assert_allclose(array, before[name], rtol=1e-9, atol=1e-13)


@some_translators
def test_examples_do_not_see_each_other(options):
    """A permutation of the examples permutes the logits; alone, the same."""
    model, order = translator(**options), [2, 0, 1]
    source, target = pair()
    logits, _ = model((source, target), lengths=LENGTHS)
    lengths = [LENGTHS[n] for n in order]
    moved, _ = model((source[:, order], target[:, order]), lengths=lengths)
    assert_close(moved, logits[:, order], 1e-13)
    for n, length in enumerate(LENGTHS):
        alone, _ = model((source[:length, [n]], target[:, [n]]))
        assert_close(alone, logits[:, [n]], 1e-13)


@some_translators
def test_a_states_arrays_carry_the_examples_on_axis_1(options):
    """What beam search relies on; lengths (N,) have them on axis 0."""
    model, order = translator(**options), [2, 0, 0, 1]
    source, target = pair()

    def picked(state):
        if isinstance(state, tuple):
            return tuple(picked(part) for part in state)
        return state.take(order, axis=min(1, state.ndim - 1))

    state = model.start(source, np.array(LENGTHS))
    expected, _ = model.step(target[0], state)
    moved, _ = model.step(target[0][order], picked(state))
    assert_close(moved, expected[order], 1e-13)


@pytest.mark.parametrize("lengths", [None, np.array([4])])
def test_beam_search_reads_a_models_state(lengths):
    """Its best text scores as teacher forcing says."""
    model = translator(score="dot")
    source = tokens(S, 1)
    found = beam_search(model.step, 0, 3, state=model.start(source, lengths), width=4)
    text, score = found[0]
    logits, _ = model((source, np.array([[0, *text[:-1]]]).T), lengths=lengths)
    logits = logits[:, 0]
    logs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert abs(logs[range(3), text].sum() - score) < 1e-12


def test_lengths_in_a_list_are_kept_as_an_array():
    """Everywhere else a list will do; beam search picks from arrays."""
    model = translator(score="dot")
    state = model.start(tokens(S, 1), [4])
    assert len(beam_search(model.step, 0, 3, state=state, width=4)) == 4


@both_dtypes
def test_encoder_decoder_keeps_the_dtype(dtype):
    """One example, one source symbol and one target symbol too."""
    for score in (None, "additive"):
        model = translator(score=score, bidirectional=True, dtype=dtype)
        logits, state = model((tokens(1, 1), tokens(1, 1)), lengths=[1])
        assert model.backward(logits) is None
        for array in (logits, *state[0], *model.grads.values()):
            assert array.dtype == dtype


def test_its_parameters_are_the_parts_own_arrays_by_name():
    """In the order source, encoder, target, decoder, attention, output."""
    model = translator(score="additive")
    names = [key.split(".")[0] for key in model.parameters]
    assert list(dict.fromkeys(names)) == [
        "source", "encoder", "target", "decoder", "attention", "output"
    ]  # fmt: skip
    assert model.parameters["decoder.W_l0"] is model.decoder.parameters["W_l0"]
    logits, _ = model(pair())
    model.backward(logits)
    assert model.grads.keys() == model.parameters.keys()


def build(source=None, encoder=None, target=None, decoder=None, output=None, a=None):
    """A translator with one part exchanged."""
    return EncoderDecoder(
        source or Embedding(V, E),
        encoder or LSTM(E, H),
        target or Embedding(V, E),
        decoder or LSTM(E, H),
        output or Dense(H, V),
        a,
    )


@pytest.mark.parametrize(
    ("exchange", "error", "words"),
    [
        ({"encoder": Dense(E, H)}, TypeError, "encoder: expected a recurrent layer"),
        ({"decoder": Dense(E, H)}, TypeError, "decoder: expected a recurrent layer"),
        ({"decoder": GRU(E, H)}, ValueError, "decoder: class: expected LSTM, got GRU"),
        ({"decoder": LSTM(E, H, 2)}, ValueError, "decoder: num_layers: expected 1"),
        ({"decoder": LSTM(E, K)}, ValueError, "decoder: hidden_size: expected 3, got"),
        ({"encoder": LSTM(E, H, bidirectional=True)}, ValueError, "hidden_size: .* 6"),
        (
            {"decoder": LSTM(E, H, bidirectional=True)},
            ValueError,
            "decoder: bidirectional: expected False, got True",
        ),
        ({"encoder": LSTM(K, H)}, ValueError, "encoder: input_size: expected 2, got 7"),
        ({"decoder": LSTM(K, H)}, ValueError, "decoder: input_size: expected 2, got 7"),
        ({"output": Dense(K, V)}, ValueError, "output: input_size: expected 3, got 7"),
        ({"a": Attention(H, H)}, ValueError, "output: input_size: expected 6, got 3"),
        ({"a": Attention(H, K)}, ValueError, "attention: key_size: expected 3, got 7"),
        ({"a": Attention(K, H)}, ValueError, "attention: query_size: expected 3"),
        ({"target": "words"}, TypeError, "target: expected a layer, got str"),
        (
            {"encoder": LSTM(E, H, batch_first=True)},
            ValueError,
            "encoder: expected batch_first=False",
        ),
        (
            {"output": Dense(H, V, dtype="float32")},
            TypeError,
            "layers: expected one dtype, got .*output float32",
        ),
    ],
)
def test_parts_that_do_not_fit_are_named(exchange, error, words):
    """The part, what was expected and what came."""
    with pytest.raises(error, match=words):
        build(**exchange)


def test_inputs_that_do_not_fit_are_named():
    """A pair of integers for one batch, and no state."""
    model, (source, target) = build(), pair()
    with pytest.raises(ShapeError, match=r"inputs: expected a pair .* got ndarray"):
        model(source)
    with pytest.raises(ValueError, match="state: expected None"):
        model((source, target), model.start(source))
    with pytest.raises(ShapeError):
        model((source, target[:, :1]))
    with pytest.raises(TypeError, match="tokens: expected integers"):
        model((source, target * 0.5))
    with pytest.raises(ValueError, match="lengths: expected integers in 1..5"):
        model((source, target), lengths=[1, 2, 6])
    with pytest.raises(RuntimeError, match="backward: expected a forward call"):
        build().backward(np.ones((T, N, V)))


def test_source_and_target_may_not_be_one_layer():
    """Tied symbols would be silently wrong where S = T."""
    symbols = Embedding(V, E)
    with pytest.raises(ValueError, match="source|target"):
        build(source=symbols, target=symbols)


def test_a_source_that_makes_no_rows_is_named():
    """Embedding or OneHot, nothing else."""
    with pytest.raises(TypeError, match="source: expected"):
        build(source=Dropout(0.5))


def test_generation_is_without_dropout_and_in_one_direction():
    """The mode for training is on again afterwards."""
    layers = Embedding(V, E, rng=0), Dropout(0.5, rng=0), GRU(E, H, rng=0)
    model = Sequential(*layers, Dense(H, V, rng=0))
    once, twice = (model.step(tokens(N))[0] for _ in range(2))
    np.testing.assert_array_equal(once, twice)
    assert all(layer.training for layer in model.layers)
    both = Sequential(Embedding(V, E), GRU(E, H, bidirectional=True), Dense(2 * H, V))
    with pytest.raises(ValueError, match="step: expected layers in one direction"):
        both.step(tokens(N))
    with pytest.raises(ValueError, match="model: expected layers in one direction"):
        evaluate_stream(both, np.arange(5) % V)


def test_last_step_in_two_directions_needs_two():
    """Else half of the features would be those of the first step."""
    with pytest.raises(ValueError, match=r"1: expected LastStep\(bidirectional=False"):
        Sequential(GRU(E, H), LastStep(bidirectional=True))
