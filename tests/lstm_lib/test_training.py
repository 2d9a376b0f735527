"""The training loop: it learns, stops, goes on, and loses nothing."""

import numpy as np
import pytest

from lstm_lib import LSTM
from lstm_lib.batches import Batch, Drawn, Windows
from lstm_lib.convert import load, save
from lstm_lib.feedforward import Dense, Dropout, Embedding, LastStep, OneHot
from lstm_lib.losses import mse, softmax_cross_entropy
from lstm_lib.models import Sequential, predict
from lstm_lib.optimizers import SGD, Adam
from lstm_lib.training import fit

TOKENS = np.tile([0, 3, 1, 4, 2], 60)


def language_model(rng=0, hidden=6):
    """Dropout inside, so that resuming has a generator to restore."""
    return Sequential(
        Embedding(5, 3, rng=rng),
        LSTM(3, hidden, 2, dropout=0.2, rng=rng),
        Dropout(0.1, rng=rng),
        Dense(hidden, 5, rng=rng),
    )


def train(model, steps, optimizer=None, tokens=TOKENS, **options):
    """Truncated back-propagation through a text of three streams."""
    batches = Windows(tokens, 3, 7)
    optimizer = optimizer or Adam(0.02)
    return fit(model, batches, softmax_cross_entropy, optimizer, steps, **options)


def validation(model):
    batch = Windows(TOKENS, 1, 40)[0]
    return softmax_cross_entropy(predict(model, batch), batch.targets)[0]


def assert_same_bits(ours, theirs):
    assert ours.parameters.keys() == theirs.parameters.keys()
    for key, array in ours.parameters.items():
        np.testing.assert_array_equal(array, theirs.parameters[key], err_msg=key)


def test_training_learns_a_repeating_text():
    """The loss falls from that of a guess, log 5, to nearly nothing."""
    model = language_model()
    history = train(model, 250, clip=1.0)
    assert history.losses[0] > 0.9 * np.log(5)
    assert validation(model) < 0.1
    assert len(history.norms) == len(history.losses) == 250


def test_carry_goes_on_from_the_last_state():
    """Two windows that carry give the outputs of one long window."""
    seen = []
    model = Sequential(OneHot(5), LSTM(5, 4, rng=0), Dense(4, 5, rng=0))

    def loss(outputs, targets):
        seen.append(outputs)
        return softmax_cross_entropy(outputs, targets)

    fit(model, Windows(TOKENS, 2, 6), loss, SGD(1e-30), 3)
    expected, _ = model(Windows(TOKENS, 2, 18)[0].inputs)
    np.testing.assert_allclose(np.concatenate(seen), expected, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [Adam, lambda rate: SGD(rate, momentum=0.9)])
@pytest.mark.parametrize("stop", [20, 35])
def test_resumed_training_has_the_bits_of_an_uninterrupted_one(
    tmp_path, stop, optimizer
):
    """Parameters, optimizer, dropout's generators, carried state and history."""
    file = tmp_path / "run.npz"
    whole, half, resumed = language_model(), language_model(), language_model(rng=9)
    options = {"validate": validation, "every": 5, "patience": 50, "clip": 1.0}
    expected = train(whole, 60, optimizer(0.02), **options)
    train(half, stop, optimizer(0.02), checkpoint=file, **options)
    resumed_history = train(
        resumed, 60, optimizer(0.02), checkpoint=file, resume=True, **options
    )
    assert_same_bits(resumed, whole)
    assert resumed_history == expected


def test_a_run_killed_between_checkpoints_goes_on_from_the_last(tmp_path):
    """An exception in step 13 loses steps 10 to 12, and nothing else."""
    file, batches = tmp_path / "run.npz", Windows(TOKENS, 3, 7)

    class Interrupted:
        def __getitem__(self, step):
            if step == 13:
                raise KeyboardInterrupt
            return batches[step]

    options = {"every": 5, "checkpoint": file}
    with pytest.raises(KeyboardInterrupt):
        fit(
            language_model(),
            Interrupted(),
            softmax_cross_entropy,
            Adam(),
            30,
            **options,
        )
    resumed, whole = language_model(rng=3), language_model()
    history = train(resumed, 30, Adam(), resume=True, **options)
    train(whole, 30, Adam())
    assert len(history.losses) == 30
    assert_same_bits(resumed, whole)


def test_resume_without_a_file_starts_from_the_beginning(tmp_path):
    """So that one command serves the first run and all later ones."""
    file = tmp_path / "run.npz"
    first, plain = language_model(), language_model()
    train(first, 6, checkpoint=file, resume=True)
    train(plain, 6)
    assert_same_bits(first, plain)
    assert file.exists()


def test_a_checkpoint_is_not_overwritten_unasked(tmp_path):
    """A forgotten resume=True must not cost an hour of training."""
    file = tmp_path / "run.npz"
    train(language_model(), 3, checkpoint=file)
    before = file.read_bytes()
    with pytest.raises(
        FileExistsError, match="checkpoint: expected a new file.*resume"
    ):
        train(language_model(), 3, checkpoint=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    "other, match",
    [
        (lambda: language_model(hidden=5), r"1\.W_l0: expected float64 \(3, 20\)"),
        (
            lambda: Sequential(OneHot(5), Dense(5, 5, rng=0)),
            r"1\.W: expected .* got none",
        ),
    ],
)
def test_a_checkpoint_of_another_model_is_refused(tmp_path, other, match):
    """By the first key that differs, with nothing changed."""
    file, model = tmp_path / "run.npz", other()
    train(language_model(), 3, checkpoint=file)
    before = {key: array.copy() for key, array in model.parameters.items()}
    with pytest.raises(ValueError, match=match):
        train(model, 6, checkpoint=file, resume=True)
    for key, array in model.parameters.items():
        np.testing.assert_array_equal(array, before[key])


def test_a_foreign_checkpoint_is_refused(tmp_path):
    """Noise, and a layer's own file."""
    file = tmp_path / "run.npz"
    file.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="expected a file written by lstm_lib's fit"):
        train(language_model(), 6, checkpoint=file, resume=True)
    save(LSTM(3, 4), file)
    with pytest.raises(ValueError, match="expected a file written by lstm_lib's fit"):
        train(language_model(), 6, checkpoint=file, resume=True)


def test_early_stopping_gives_the_best_parameters_back():
    """The validation values are told, so the best step is known: the third."""
    told, seen = iter([5.0, 4.0, 3.0, 3.5, 3.0, 3.2, 9.9]), []

    def validate(model):
        seen.append({key: array.copy() for key, array in model.parameters.items()})
        return next(told)

    model = language_model()
    history = train(model, 100, validate=validate, every=4, patience=3)
    assert history.stopped and history.best_step == 12 and history.best == 3.0
    assert len(history.losses) == 24
    for key, array in model.parameters.items():
        np.testing.assert_array_equal(array, seen[2][key])


def test_until_stops_as_soon_as_it_is_reached():
    """To count the steps a task needs."""
    told = iter([0.9, 0.5, 0.2, 0.1])
    options = {"validate": lambda model: next(told), "every": 5, "until": 0.2}
    history = train(language_model(), 100, **options)
    assert history.stopped and len(history.losses) == history.best_step == 15


def test_validation_without_patience_keeps_the_last_parameters():
    """And the values are in the history, at every=… and at the end."""
    model = language_model()
    history = train(model, 7, validate=validation, every=3)
    assert [step for step, _ in history.validations] == [3, 6, 7]
    assert history.validations[-1][1] == validation(model)
    assert not history.stopped


def test_dropout_acts_in_training_and_not_in_validation():
    """Two validations of one model agree, two training losses do not."""
    model, values = language_model(), []

    def validate(model):
        values.extend([validation(model), validation(model)])
        return values[-1]

    train(model, 2, validate=validate)
    assert values[0] == values[1]
    assert model.training and all(layer.training for layer in model.layers)


def test_a_loss_that_is_not_finite_stops_training():
    """With the step and what to do about it in a note."""
    batches = Drawn(lambda rng: Batch(np.ones((3, 2, 1)), np.ones((2, 1))), 0)
    model = Sequential(LSTM(1, 3, rng=0), LastStep(), Dense(3, 1, rng=0))
    with pytest.raises(FloatingPointError, match="loss: .* got inf") as raised:
        fit(model, batches, lambda y, t: (np.inf, y), SGD(), 5)
    assert "at step 0" in raised.value.__notes__[0]


def test_lengths_reach_the_loss_when_it_needs_them():
    """CTC is told both lengths; other losses only the targets."""
    told = []

    def loss(outputs, targets, lengths, target_lengths):
        told.append((lengths, target_lengths))
        return mse(outputs, np.zeros_like(outputs))

    batch = Batch(np.ones((4, 2, 1)), np.ones((2, 3)), [4, 2], [3, 1])
    fit(Sequential(LSTM(1, 3, rng=0)), [batch], loss, SGD(), 1)
    assert told == [([4, 2], [3, 1])]


def test_progress_shows_a_bar(capfd):
    """With the steps and the loss; without it nothing is printed."""
    train(language_model(), 3, progress=True)
    assert "3/3" in capfd.readouterr().err
    train(language_model(), 3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "options, error, match",
    [
        ({"steps": 0}, ValueError, "steps: expected a positive integer, got 0"),
        ({"every": 0}, ValueError, "every: expected a positive integer"),
        ({"patience": 2}, ValueError, "validate: expected a function"),
        ({"patience": 0, "validate": validation}, ValueError, "patience: expected"),
        ({"until": 0.1}, ValueError, "validate: expected a function"),
        ({"resume": True}, ValueError, "checkpoint: expected a file"),
    ],
)
def test_wrong_options_are_refused(options, error, match):
    """Before the first step."""
    with pytest.raises(error, match=match):
        train(language_model(), **{"steps": 3} | options)


def test_a_model_is_saved_and_loaded(tmp_path):
    """Weights exactly; into a model made with the same layers only."""
    model, other, file = language_model(), language_model(rng=1), tmp_path / "m.npz"
    save(model, file)
    assert load(file, other) is other
    assert_same_bits(other, model)
    with pytest.raises(ValueError, match="expected the Sequential to fill"):
        load(file)
    with pytest.raises(ValueError, match="class: expected 'LSTM', got 'Sequential'"):
        load(file, LSTM(3, 4))
    with pytest.raises(ValueError, match=r"1\.W_l0: expected an array \(3, 20\)"):
        load(file, language_model(hidden=5))


def test_a_learning_rate_lowered_on_the_way_is_resumed(tmp_path):
    """Here by the validation function, as a schedule would."""
    file, models = tmp_path / "run.npz", [language_model() for _ in range(2)]

    def halve(optimizer):
        def validate(model):
            optimizer.learning_rate /= 2
            return validation(model)

        return {"validate": validate, "every": 5}

    whole, first, second = Adam(0.02), Adam(0.02), Adam(0.02)
    train(models[0], 20, whole, **halve(whole))
    train(models[1], 10, first, checkpoint=file, **halve(first))
    train(models[1], 20, second, checkpoint=file, resume=True, **halve(second))
    assert second.learning_rate == whole.learning_rate
    assert_same_bits(*models)


def test_a_resumed_run_asks_anew_whether_to_stop(tmp_path):
    """Stopped at 0.5, it goes on when 0.2 is wanted; not below the steps done."""
    file, told = tmp_path / "run.npz", iter([0.9, 0.5, 0.4, 0.1])
    options = {"validate": lambda model: next(told), "every": 5, "checkpoint": file}
    assert len(train(language_model(), 50, until=0.5, **options).losses) == 10
    options["resume"] = True
    assert len(train(language_model(), 50, until=0.2, **options).losses) == 20
    with pytest.raises(ValueError, match="steps: expected at least the 20 done"):
        train(language_model(), 15, **options)


@pytest.mark.parametrize(
    "optimizer, change, match",
    [
        (SGD(0.02), {}, "optimizer: expected 'SGD', got 'Adam'"),
        (
            Adam(0.02),
            {"coupled": True, "gates": "ifo"},
            "1.coupled: expected True, got False",
        ),
        (
            Adam(0.02),
            {"activation": "identity"},
            "1.activation: expected 'identity', got 'tanh'",
        ),
        (
            Adam(0.02),
            {"readout": "identity"},
            "1.readout: expected 'identity', got 'tanh'",
        ),
    ],
)
def test_another_optimizer_or_option_is_refused(tmp_path, optimizer, change, match):
    """Even where all shapes are the same."""
    file, options = tmp_path / "run.npz", {"gates": "fo"} | change
    layers = OneHot(5), LSTM(5, 4, rng=0, **options), Dense(4, 5, rng=0)
    first = OneHot(5), LSTM(5, 4, gates="fo", rng=0), Dense(4, 5, rng=0)
    train(Sequential(*first), 3, Adam(0.02), checkpoint=file)
    save(Sequential(*first), tmp_path / "model.npz")
    with pytest.raises(ValueError, match=match):
        train(Sequential(*layers), 6, optimizer, checkpoint=file, resume=True)
    if change:
        with pytest.raises(ValueError, match=match):
            load(tmp_path / "model.npz", Sequential(*layers))


def test_a_validation_that_is_no_number_stops_training():
    """Else no later value could be better than the first."""
    with pytest.raises(
        FloatingPointError, match="validate: expected a number, got nan"
    ):
        train(language_model(), 9, validate=lambda model: np.nan, every=3)


def test_a_checkpoint_needs_a_folder_before_the_first_step(tmp_path):
    """Not only when it is first written."""
    with pytest.raises(
        FileNotFoundError, match="checkpoint: expected .* existing folder"
    ):
        train(language_model(), 3, checkpoint=tmp_path / "no" / "run.npz")
    with pytest.raises(IsADirectoryError, match="checkpoint: expected a file"):
        train(language_model(), 3, checkpoint=tmp_path, resume=True)


def test_batches_of_another_kind_are_named():
    """A pair looks like a batch, and is none."""
    with pytest.raises(
        TypeError, match="batches: expected a source of Batch, got tuple"
    ):
        fit(language_model(), [(TOKENS, TOKENS)], softmax_cross_entropy, Adam(), 1)


def test_numbers_that_grow_beyond_bounds_are_told_with_the_step():
    """A layer notices before the loss does; the advice is the same."""
    layer = LSTM(1, 3, rng=0)
    batches = Drawn(lambda rng: Batch(np.ones((3, 2, 1)), np.ones((2, 1))), 0)
    model = Sequential(layer, LastStep(), Dense(3, 1, rng=0))

    def loss(outputs, targets):
        layer.parameters["W_l0"][...] = np.inf
        return mse(outputs, targets)

    with pytest.raises(ValueError, match="W_l0: expected finite") as raised:
        fit(model, batches, loss, SGD(1e-9), 5)
    notes = " ".join(raised.value.__notes__)
    assert "at step 0" in notes and "lower the learning rate" in notes
