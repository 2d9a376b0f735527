"""Chapter 12: its formulas against Keras, its checks, its questions, its switch."""

import hashlib
import io
import os
import sys
import tarfile

import numpy as np
import pytest
from answers import bank_function, numbers

from lstm_lib import datasets
from lstm_lib.checks import check
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.keras_layers import early_stopping, run_with_mask

os.environ["KERAS_BACKEND"] = "torch"
import keras
from keras import layers

CHAPTER = "12_keras"
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")  # in Keras


@pytest.fixture(scope="module")
def lived(live):
    """What the chapter's live cells define."""
    return live(CHAPTER)


@pytest.fixture(scope="module")
def sources(notebook):
    """Cell -> its code."""
    return {c.id: c.source for c in notebook(CHAPTER).cells}


@pytest.fixture(scope="module")
def printed(notebook):
    """Cell -> what it printed."""
    cells = notebook(CHAPTER).cells
    return {
        c.id: "".join(o.get("text", "") for o in c.outputs)
        for c in cells
        if c.cell_type == "code"
    }


def array(tensor):
    return tensor.detach().numpy()


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---- the formulas ----------------------------------------------------------------


def test_eq_keras_count(lived):
    """As Keras counts; with the cell's own numbers, and with other sizes."""
    for K, D, H in ((50, 3, 4), (lived["K"], lived["D"], lived["H"])):
        formula = K * D + 4 * (D * H + H**2 + H) + (H + 1)
        model = keras.Sequential(
            [
                keras.Input((7,)),
                layers.Embedding(K, D),
                layers.LSTM(H),
                layers.Dense(1),
            ]
        )
        assert model.count_params() == formula
    assert lived["embedding"] + lived["lstm"] + lived["dense"] == formula == 328_353


def test_eq_keras_gru_count():
    """With the second bias, and without."""
    D, H = 3, 5
    for after, biases in ((True, 2 * H), (False, H)):
        gru = layers.GRU(H, reset_after=after)
        gru.build((None, None, D))
        assert gru.count_params() == 3 * (D * H + H**2 + biases)


SEQUENCES = [[5, 8, 2], [3, 9, 4, 7, 1, 6, 2], [1, 2, 3, 4, 5], [7]]


def test_eq_pad_pre():
    """Row by row, short and long ones, as Keras's defaults give them."""
    M, rows = 5, keras.utils.pad_sequences(SEQUENCES, maxlen=5)
    for x, row in zip(SEQUENCES, rows):
        for t in range(1, M + 1):
            k = t + len(x) - M
            assert row[t - 1] == (x[k - 1] if k >= 1 else 0)


def test_eq_pad_post():
    """The same with both words at "post"."""
    M, both = 5, {"padding": "post", "truncating": "post"}
    rows = keras.utils.pad_sequences(SEQUENCES, maxlen=M, **both)
    for x, row in zip(SEQUENCES, rows):
        for t in range(1, M + 1):
            assert row[t - 1] == (x[t - 1] if t <= len(x) else 0)


def lstm_by_index(x, h, c, W, U, b):
    """One step of one example; x may have four versions, one for each block."""
    z = W.T @ x + U.T @ h + b
    i, f, g, o = np.split(z, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def test_eq_held_state():
    """Step by step, for h and for c, with a hole in the mask."""
    keras.utils.set_random_seed(0)
    layer = layers.LSTM(4, return_sequences=True, return_state=True)
    x = np.random.default_rng(0).normal(size=(2, 6, 3)).astype("f4")
    mask = np.array([[0, 1, 1, 0, 1, 0], [1, 1, 0, 1, 1, 1]], bool)
    y, h_n, c_n = (array(part) for part in layer(x, mask=mask))
    W, U, b = (array(w.value).astype(float) for w in layer.weights)
    for n in range(2):
        h, c = np.zeros(4), np.zeros(4)
        for t in range(6):
            m = float(mask[n, t])
            new_h, new_c = lstm_by_index(x[n, t], h, c, W, U, b)
            h, c = m * new_h + (1 - m) * h, m * new_c + (1 - m) * c
            assert np.allclose(y[n, t], h, atol=1e-6)
        assert np.allclose(h_n[n], h, atol=1e-6) and np.allclose(c_n[n], c, atol=1e-6)


def test_eq_keras_dropout(monkeypatch):
    """With the masks that Keras drew, in all four blocks; c is not masked."""
    keras.utils.set_random_seed(0)
    D, H, p, q = 5, 4, 0.4, 0.3
    layer = layers.LSTM(H, dropout=p, recurrent_dropout=q, return_sequences=True)
    layer.build((None, None, D))
    drawn, draw = [], layer.cell._create_dropout_mask

    def remember(step_input, rate):
        drawn.append(draw(step_input, rate))
        return drawn[-1]

    monkeypatch.setattr(layer.cell, "_create_dropout_mask", remember)
    x = np.random.default_rng(1).normal(size=(1, 6, D)).astype("f4")
    y = array(layer(x, training=True))[0]
    inputs, recurrent = ([array(m)[0] for m in masks] for masks in drawn)
    for masks, rate in ((inputs, p), (recurrent, q)):
        kept = np.unique(np.round(masks, 5))
        assert set(kept) <= {0.0, np.float32(np.round(1 / (1 - rate), 5))}
    W, U, b = (array(w.value).astype(float) for w in layer.weights)
    blocks = [np.split(part, 4, axis=-1) for part in (W, U, b)]
    h, c = np.zeros(H), np.zeros(H)
    for t in range(6):  # the same d and r at all steps
        z = []
        for k, (Wk, Uk, bk) in enumerate(zip(*blocks)):
            d, r = (inputs[k] > 0) * 1.0, (recurrent[k] > 0) * 1.0
            z.append(Wk.T @ (d * x[0, t] / (1 - p)) + Uk.T @ (r * h / (1 - q)) + bk)
        c = sigmoid(z[1]) * c + sigmoid(z[0]) * np.tanh(z[2])
        h = sigmoid(z[3]) * np.tanh(c)
        assert np.allclose(y[t], h, atol=1e-5)


def keras_stops(losses, patience):
    """(epochs, best) by Keras's own callback, in a training of nothing."""

    class Nothing:
        stop_training = False

    stopping = keras.callbacks.EarlyStopping(patience=patience, mode="min")
    stopping.set_model(Nothing())
    stopping.on_train_begin()
    for epoch, loss in enumerate(losses):
        stopping.on_epoch_end(epoch, {"val_loss": loss})
        if stopping.model.stop_training:
            return epoch + 1, stopping.best_epoch + 1
    return len(losses), stopping.best_epoch + 1


def some_losses(seed):
    """Twelve numbers that rise and fall, with ties."""
    return np.random.default_rng(seed).integers(40, 52, 12) / 100


def test_eq_early_stopping():
    """The first epoch at which the two minima say so is where Keras stops."""
    stopped = 0
    for seed in range(60):
        losses, p = [None, *some_losses(seed)], 1 + seed % 4
        found = 12
        for e in range(p + 1, 13):
            before = min(losses[j] for j in range(1, e - p + 1))
            if before <= min(losses[j] for j in range(e - p + 1, e + 1)):
                found, stopped = e, stopped + 1
                break
        assert keras_stops(losses[1:], p)[0] == found
    assert 20 < stopped


# ---- references of the checks, against Keras ---------------------------------------


@pytest.mark.parametrize("hidden", [False, True])
def test_references_are_what_keras_does(hidden):
    """Every case of the four checks, computed by Keras itself."""
    for case in SUBJECTS["pad_sequences"].cases(hidden, 3):
        sequences, maxlen, padding, truncating = case.arguments
        rows = keras.utils.pad_sequences(
            sequences, maxlen, padding=padding, truncating=truncating
        )
        assert np.array_equal(
            SUBJECTS["pad_sequences"].reference(*case.arguments), rows
        )
    for case in SUBJECTS["keras_parameter_counts"].cases(hidden, 3):
        K, D, H, G, M = case.arguments
        parts = (
            layers.Embedding(K, D),
            layers.LSTM(H, return_sequences=True),
            layers.GRU(G),
            layers.Dense(M),
        )
        keras.Sequential([keras.Input((None,)), *parts])
        counted = tuple(part.count_params() for part in parts)
        reference = SUBJECTS["keras_parameter_counts"].reference
        assert reference(*case.arguments) == counted
    for case in SUBJECTS["run_with_mask"].cases(hidden, 3):
        x, mask, h, *weights = case.arguments
        layer = layers.SimpleRNN(h.shape[1], return_sequences=True, return_state=True)
        layer.build((None, None, x.shape[2]))
        layer.set_weights(weights)
        y, last = layer(
            x.swapaxes(0, 1).astype("f4"),
            mask=mask.T.copy(),
            initial_state=[h.astype("f4")],
        )
        ours, ours_last = run_with_mask(*case.arguments)
        y, begun = array(y).swapaxes(0, 1), np.logical_or.accumulate(mask)
        assert np.allclose(y[begun], ours[begun], atol=1e-4)
        assert not y[~begun].any()  # of Keras's outputs; its state is held, as ours
        assert np.allclose(array(last), ours_last, atol=1e-4)
    for case in SUBJECTS["early_stopping"].cases(hidden, 3):
        assert early_stopping(*case.arguments) == keras_stops(*case.arguments)


def test_early_stopping_is_keras_s_on_many_runs():
    """With ties, for every patience."""
    for seed in range(200):
        losses, patience = list(some_losses(seed)), 1 + seed % 4
        assert early_stopping(losses, patience) == keras_stops(losses, patience)
        assert keras_stops(losses, 0) == keras_stops(losses, 1)  # as the text says


# ---- what the text says -------------------------------------------------------------


def test_stateful_layers(lived):
    """A size left open or wrong is an error; training needs the general loop."""
    with pytest.raises(ValueError, match="must be static"):
        keras.Sequential([keras.Input((None, 1)), layers.LSTM(2, stateful=True)])
    x, y = np.ones((2, 4, 1), "f4"), np.zeros((2, 2))
    for options, works in (({}, False), ({"use_cudnn": False}, True)):
        layer = layers.LSTM(2, stateful=True, **options)
        model = keras.Sequential([keras.Input(batch_shape=(2, None, 1)), layer])
        with pytest.raises(ValueError, match="batch size"):
            model(x[:1])
        model.compile("sgd", "mse")
        if not works:  # mend the text when Keras has mended this
            with pytest.raises(RuntimeError, match="inplace operation"):
                model.fit(x, y, batch_size=2, verbose=0)
            continue
        for epochs in (1, 2):  # neither an epoch nor predict clears the state
            model.fit(x, y, batch_size=2, epochs=epochs, verbose=0, shuffle=False)
            assert array(layer.states[0].value).any()
        model.predict(x, verbose=0, batch_size=2)
        assert array(layer.states[0].value).any()
        layer.reset_state()
        assert not array(layer.states[0].value).any()


def test_gru_counts_and_the_last_output():
    """The two numbers of the text; y[:, -1] is h."""
    for after, count in ((True, 6336), (False, 6240)):
        gru = layers.GRU(32, reset_after=after)
        gru.build((None, None, 32))
        assert gru.count_params() == count
    layer = layers.LSTM(4, return_sequences=True, return_state=True)
    y, h, _ = layer(np.random.default_rng(0).normal(size=(2, 5, 3)))
    assert np.array_equal(array(y)[:, -1], array(h))


def test_a_mask_handed_over_is_obeyed():
    """As the text offers where arithmetic has lost it."""
    keras.utils.set_random_seed(0)
    table, last = layers.Embedding(9, 4, mask_zero=True), layers.LSTM(3)
    ends = []
    for row in ([3, 5, 2], [3, 5, 2, 0, 0]):
        tokens = np.array([row])
        ends.append(array(last(2 * table(tokens), mask=table.compute_mask(tokens))))
    assert np.allclose(*ends, atol=1e-6)
    assert not np.allclose(ends[0], array(last(2 * table(tokens))), atol=1e-4)


def test_the_last_words_are_worth_more(lived):
    """All 256 reviews; the numbers of the text."""
    assert len(lived["opinions"]) == 256
    best = lived["best_accuracy"]
    assert best(lambda r: r[:3]) == 0.6875 and best(lambda r: r[-3:]) == 0.9375
    assert best(lambda r: ()) == 0.5


# ---- the questions ---------------------------------------------------------


def bank_answers(found, *arguments, of=lambda answer: answer):
    """Compare each number that is linked to the bank with what that mistake gives."""
    for id, value in found.items():
        assert of(bank_function(id)(*arguments)) == value, id


def test_count_keras_gru_model(questions):
    """By Keras; the wrong ones by the bank, whose LSTM is left out of the sum."""
    found = numbers(questions["12", "count-keras-gru-model"])
    parts = layers.Embedding(500, 8), layers.GRU(6), layers.Dense(1)
    keras.Sequential([keras.Input((None,)), *parts])
    assert found.pop("right") == sum(part.count_params() for part in parts)
    assert len(found) == 6
    bank_answers(found, 500, 8, 8, 6, 1, of=lambda a: a[0] + a[2] + a[3])


def test_pad_and_cut_by_default(questions):
    """Each option is what its reader computed."""
    sequences = [[6, 2], [4, 7, 1, 9]]
    for option in questions["12", "pad-and-cut-by-default"].options:
        if option.right:
            rows = keras.utils.pad_sequences(sequences, maxlen=3)
        else:
            wrong = bank_function(option.misconception)
            rows = wrong(sequences, 3, "pre", "pre")
        assert option.text == str(rows.tolist())


def test_held_at_a_masked_step(questions):
    """A linear unit with each rule of the bank, by hand."""
    found = numbers(questions["12", "held-at-a-masked-step"])
    inputs, mask = (4, 6, 8), (True, False, True)

    def run(rule):
        h = 0.0
        for x, m in zip(inputs, mask):
            h = rule(h, x, m)
        return h

    rules = {
        "right": lambda h, x, m: h / 2 + x if m else h,
        "mask-ignored": lambda h, x, m: h / 2 + x,
        "zeros-read-at-masked-steps": lambda h, x, m: h / 2 + x * m,
        "state-zeroed-at-masked-steps": lambda h, x, m: (h / 2 + x) * m,
        "mask-the-wrong-way-round": lambda h, x, m: h if m else h / 2 + x,
    }
    stopped = inputs[0]
    assert found.pop("stopped-at-the-first-masked-step") == stopped
    assert found == {name: run(rule) for name, rule in rules.items()}


def test_who_passes_the_mask(questions, printed):
    """As the chapter's own cell found."""
    verdicts = dict(
        line.split("mask ") for line in printed["keras-48"].splitlines() if line
    )
    verdicts = {name.strip(): verdict for name, verdict in verdicts.items()}
    keeps = [
        verdicts[name] == "kept"
        for name in ("Dropout", "LSTM, all steps", "x * 2", "Conv1D", "Dense")
    ]
    options = questions["12", "who-passes-the-mask"].options
    assert [option.right for option in options] == keeps


def test_epochs_until_the_stop(questions):
    """By Keras, and by each mistake of the bank."""
    losses = [0.70, 0.62, 0.66, 0.55, 0.58, 0.56, 0.57, 0.59, 0.50, 0.40]
    found = numbers(questions["12", "epochs-until-the-stop"])
    assert found.pop("right") == keras_stops(losses, 3)[0]
    assert len(found) == 5
    bank_answers(found, losses, 3, of=lambda answer: answer[0])


def test_who_remembers_through_padding(questions, printed):
    """The order of the question is the order that was measured."""
    left = {
        line.split()[0]: float(line.split()[-1])
        for line in printed["keras-40"].splitlines()
    }
    order = [o.text for o in questions["12", "who-remembers-through-padding"].options]
    assert [name.strip("`") for name in order] == sorted(left, key=left.get)[::-1]
    assert 0.73**40 < 2e-4 < left["LSTM"] < 5e-3  # "about a thousandth"


# ---- other right answers to the exercises -------------------------------------------


def pad_by_lists(sequences, maxlen, padding, truncating):
    rows = []
    for s in sequences:
        s = s[-maxlen:] if truncating == "pre" else s[:maxlen]
        zeros = [0] * (maxlen - len(s))
        rows.append(zeros + s if padding == "pre" else s + zeros)
    return rows


def count_by_arrays(K, D, H, G, M):
    lstm = [(D, 4 * H), (H, 4 * H), (4 * H,)]
    gru = [(H, 3 * G), (G, 3 * G), (2, 3 * G)]
    sizes = [(K, D)], lstm, gru, [(G, M), (M,)]
    return [sum(int(np.prod(shape)) for shape in shapes) for shapes in sizes]


def mask_by_multiplication(x, mask, h, W, U, b):
    y = []
    for x_t, m in zip(x, mask[..., None]):
        h = m * np.tanh(x_t @ W + h @ U + b) + (1 - m) * h
        y.append(h)
    return np.stack(y), h


def mask_by_index(x, mask, h, W, U, b):
    h, y = h.copy(), []
    for t in range(len(x)):
        rows = mask[t]
        h[rows] = np.tanh(x[t, rows] @ W + h[rows] @ U + b)
        y.append(h.copy())
    return y, h


def stop_by_waiting(losses, patience):
    best, best_epoch, wait = float("inf"), 0, 0
    for epoch, loss in enumerate(losses, start=1):
        wait += 1
        if loss < best:
            best, best_epoch, wait = loss, epoch, 0
        if wait >= patience:
            break
    return epoch, best_epoch


STYLES = {
    "pad by lists": ("pad_sequences", pad_by_lists),
    "Keras itself": (
        "pad_sequences",
        lambda s, m, p, t: keras.utils.pad_sequences(s, m, padding=p, truncating=t),
    ),
    "count by arrays": ("keras_parameter_counts", count_by_arrays),
    "mask by multiplication": ("run_with_mask", mask_by_multiplication),
    "mask by index": ("run_with_mask", mask_by_index),
    "stop by waiting": ("early_stopping", stop_by_waiting),
    "Keras's callback": ("early_stopping", keras_stops),
}


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize("style", STYLES)
def test_other_right_answers_keep_all_points(style, hidden):
    """Whatever the style, the seed and the kind of case."""
    name, function = STYLES[style]
    for seed in (0, 7, 11):
        assert check(function, name, points=3, hidden=hidden, seed=seed) == 3.0


# ---- the switch ---------------------------------------------------------------------


def test_imdb_is_off_and_would_work(sources, printed, tmp_path, monkeypatch):
    """A made archive of the same form, read by the chapter's own cells."""
    assert sources["keras-86"].startswith("DOWNLOAD_IMDB = False")
    assert "not asked for" in printed["keras-86"]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for k in range(6):
            for part in ("train", "test"):
                for kind, word in (("pos", "good"), ("neg", "bad")):
                    text = f"A {word} film.<br />Isn't it? " * (k + 1)
                    member = tarfile.TarInfo(f"aclImdb/{part}/{kind}/{k}_5.txt")
                    member.size = len(text.encode())
                    archive.addfile(member, io.BytesIO(text.encode()))
    remote = datasets._REMOTE["imdb_reviews"]
    (tmp_path / remote.file).write_bytes(buffer.getvalue())
    own = remote._replace(sha256=hashlib.sha256(buffer.getvalue()).hexdigest())
    monkeypatch.setitem(datasets._REMOTE, "imdb_reviews", own)
    monkeypatch.setenv("GATE_BY_GATE_DATA", str(tmp_path))
    names = {"keras": keras, "layers": layers, "np": np}
    names["pad"] = keras.utils.pad_sequences
    exec("import re\nfrom lstm_lib import tasks\ntask = tasks.Reviews()", names)
    for cell in ("keras-56", "keras-85"):
        exec(sources[cell], names)
    assert names["words_of"]("Isn't it?<br />YES") == ["isn't", "it", "yes"]
    (x, y), (x_stop, y_stop), (x_test, y_test) = names["imdb_arrays"](
        maxlen=12, validation=0.34
    )
    assert x.shape == (8, 12) and x_stop.shape == (4, 12) and x_test.shape == (12, 12)
    assert x[0, -5:].min() > 0 and not x[0, :7].any()  # 5 words behind 7 zeros
    assert sorted(y) == 4 * [0] + 4 * [1] and sorted(y_test) == 6 * [0] + 6 * [1]
    assert len(np.unique(x)) == 1 + 6  # padding; a, film, isn't, it, good, bad
    # The branch itself, on this archive, whose words are fewer.
    branch = sources["keras-86"].replace("IMDB = False", "IMDB = True")
    branch = branch.replace("words=10_000, D=32, H=32", "words=10_000, D=4, H=3")
    exec(branch.replace("imdb_arrays(", "imdb_arrays(12, validation=0.34, "), names)


def test_no_tensorflow_and_no_noise(printed):
    """Keras runs on PyTorch alone, and importing it prints nothing."""
    assert "tensorflow" not in sys.modules and keras.backend.backend() == "torch"
    assert printed["keras-03"] == ""
