"""Sources of batches: pure functions of the step; everything read once an epoch."""

import numpy as np
import pytest

from lstm_lib import ShapeError
from lstm_lib.batches import Batch, Drawn, Shuffled, Windows, pad

COUNT, SIZE = 23, 4  # the last batch of an epoch holds 3


def padded(sequences):
    """What a chapter's collate does: inputs and their lengths."""
    inputs, lengths = pad(sequences, -1)
    return Batch(inputs, lengths, lengths)


def sequences(count=COUNT, seed=0):
    """Runs of 1 to 9 numbers; the first names the example."""
    lengths = np.random.default_rng(seed).integers(1, 10, count)
    return [[k] * n for k, n in enumerate(lengths)], lengths


def sources(seed=5):
    examples, lengths = sequences()
    return {
        "drawn": Drawn(lambda rng: Batch(rng.normal(size=(3, 2)), rng.normal()), seed),
        "shuffled": Shuffled(examples, SIZE, padded, seed=seed),
        "buckets": Shuffled(examples, SIZE, padded, seed=seed, lengths=lengths),
        "windows": Windows(np.arange(50), 3, 4),
    }


every_source = pytest.mark.parametrize("name", sources())


def assert_same_batch(one, two):
    assert one.carry == two.carry
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a, b)


@every_source
def test_a_batch_depends_on_its_step_alone(name):
    """Asked for in any order, twice, or of a source made anew."""
    source, steps = sources()[name], range(20)
    first = [source[step] for step in steps]
    for step in np.random.default_rng(0).permutation(20):
        assert_same_batch(source[step], first[step])
    fresh = sources()[name]
    for step in reversed(steps):
        assert_same_batch(fresh[step], first[step])


@every_source
def test_a_batch_is_the_callers_own(name):
    """Changing one changes no later one."""
    source = sources()[name]
    before = source[3]
    kept = [np.copy(part) if part is not None else None for part in before]
    before.inputs[...] = 99
    if isinstance(before.targets, np.ndarray):
        before.targets[...] = 99
    for part, expected in zip(source[3], kept):
        np.testing.assert_array_equal(part, expected)


@pytest.mark.parametrize("name", ["drawn", "shuffled", "buckets"])
def test_seeds_and_steps_differ(name):
    """Another seed or step, other batches."""
    one, two = sources(5)[name], sources(6)[name]
    assert any(not np.array_equal(one[k].inputs, two[k].inputs) for k in range(6))
    assert not np.array_equal(one[0].inputs, one[1].inputs)


@pytest.mark.parametrize("name", ["shuffled", "buckets"])
def test_every_example_comes_once_in_an_epoch(name):
    """In batches of the size, but for one with the rest; epochs differ."""
    source, orders = sources()[name], []
    assert len(source) == 6
    for epoch in range(3):
        batches = [source[epoch * 6 + k].inputs[0] for k in range(6)]
        orders.append(np.concatenate(batches).tolist())
        assert sorted(orders[-1]) == list(range(COUNT))
        assert sorted(len(batch) for batch in batches) == [3, 4, 4, 4, 4, 4]
    assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("size", [1, COUNT, 100])
def test_batches_of_one_and_of_everything(size):
    """Single examples; or the whole set, in another order each epoch."""
    source = Shuffled(list(range(COUNT)), size, list, seed=0)
    assert len(source) == -(-COUNT // size)
    epochs = [
        sum((source[e * len(source) + k] for k in range(len(source))), [])
        for e in range(2)
    ]
    assert epochs[0] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1]) == list(range(COUNT))


def test_buckets_leave_little_padding():
    """Of 400 sequences of 1 to 100 steps, under a tenth; shuffled, a third or more."""
    lengths = np.random.default_rng(0).integers(1, 101, 400)
    examples = [[0] * n for n in lengths]

    def padding(**options):
        source = Shuffled(examples, 16, padded, seed=0, **options)
        batches = [source[k] for k in range(len(source))]
        read = sum(batch.inputs.size for batch in batches)
        return 1 - lengths.sum() / read

    assert padding(lengths=lengths) < 0.1 and padding() > 1 / 3


def test_buckets_come_in_a_random_order():
    """Not from short to long, and not the same in two epochs."""
    lengths = np.arange(1, 41)
    source = Shuffled([[0] * n for n in lengths], 4, padded, seed=0, lengths=lengths)
    epochs = [[source[e * 10 + k].lengths.max() for k in range(10)] for e in range(2)]
    assert epochs[0] != epochs[1]
    for longest in epochs:
        assert longest != sorted(longest)


def test_equal_lengths_are_mixed_anew_each_epoch():
    """The order within a length is random, so the batches differ."""
    source = Shuffled(list(range(40)), 8, sorted, seed=0, lengths=[7] * 40)
    one, two = ([source[e * 5 + k] for k in range(5)] for e in range(2))
    assert sorted(one) != sorted(two)


@pytest.mark.parametrize(("L", "size", "steps"), [
    (50, 3, 4), (49, 3, 4), (50, 1, 7), (51, 5, 10), (6, 5, 3), (2, 1, 1), (41, 4, 5)
])  # fmt: skip
def test_windows_read_everything_once_and_in_order(L, size, steps):
    """Each target is the next input; every stream runs on across windows."""
    tokens = np.arange(L)
    source = Windows(tokens, size, steps)
    for epoch in range(2):
        batches = [source[epoch * len(source) + k] for k in range(len(source))]
        assert [b.carry for b in batches] == [False] + [True] * (len(source) - 1)
        assert all(b.inputs.shape == b.targets.shape for b in batches)
        assert all(b.inputs.shape == (steps, size) for b in batches[:-1])
        assert 1 <= len(batches[-1].inputs) <= steps
        inputs = np.concatenate([b.inputs for b in batches])
        targets = np.concatenate([b.targets for b in batches])
        np.testing.assert_array_equal(targets, inputs + 1)  # tokens count up
        np.testing.assert_array_equal(np.diff(inputs, axis=0), 1)
        read = inputs.T.ravel()
        np.testing.assert_array_equal(read, np.arange(len(read)))
        assert L - 1 - len(read) < size  # what is left does not fill the streams


def test_windows_keep_their_own_tokens():
    """And the integer type."""
    tokens = np.arange(20, dtype="uint8")
    source = Windows(tokens, 2, 3)
    before = source[1]
    tokens[...] = 0
    assert_same_batch(source[1], before)
    assert before.inputs.dtype == "uint8" and before.lengths is None


def test_pad_fills_beyond_each_end():
    """Time first; numbers and rows of numbers; the type of the sequences."""
    array, lengths = pad([[1, 2, 3], [4]], -100)
    np.testing.assert_array_equal(array, [[1, 4], [2, -100], [3, -100]])
    np.testing.assert_array_equal(lengths, [3, 1])
    rows, lengths = pad([np.ones((1, 2), "float32"), 2 * np.ones((3, 2), "float32")], 0)
    assert rows.shape == (3, 2, 2) and rows.dtype == "float32"
    np.testing.assert_array_equal(rows[:, 0, 0], [1, 0, 0])
    np.testing.assert_array_equal(rows[:, 1, 1], [2, 2, 2])


def test_pad_takes_the_type_that_holds_all():
    """A fraction in a later sequence is not cut off."""
    array, _ = pad([[1, 2], [0.5]], 0)
    np.testing.assert_array_equal(array, [[1, 0.5], [2, 0]])


def test_pad_names_what_does_not_fit():
    """Empty sequences, none at all, rows of different shapes."""
    for empty in ([], [[1], []]):
        with pytest.raises(ValueError, match="sequences: expected a list without"):
            pad(empty, 0)
    for rows in ([np.ones((2, 3)), np.ones((4, 1))], [np.ones((2, 3)), np.ones(3)]):
        with pytest.raises(ShapeError, match="sequences: expected rows of one shape"):
            pad(rows, 0)


@pytest.mark.parametrize("step", [-1, 0.5, "0", None])
@every_source
def test_a_step_is_a_whole_number_from_zero(name, step):
    """-1 is no last batch: there is none."""
    with pytest.raises(IndexError, match="step: expected 0, 1, 2, ..., got"):
        sources()[name][step]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Shuffled([], 2, list, seed=0), "examples: expected at least one"),
        (lambda: Shuffled([1], 0, list, seed=0), "size: expected a positive"),
        (lambda: Shuffled([1], 1, list, seed=-1), "seed: expected a whole number"),
        (lambda: Shuffled([1], 1, list, seed=None), "seed: .* got None"),
        (lambda: Shuffled([1], 1, list, seed=0, lengths=[0]), "lengths: expected"),
        (lambda: Shuffled([1], 1, list, seed=0, lengths=[1, 2]), "lengths: expected"),
        (lambda: Drawn(list, 0.5), "seed: expected a whole number from 0, got 0.5"),
        (lambda: Windows([1, 2, 3], 3, 1), r"tokens: expected .* more than 3 \(size\)"),
        (lambda: Windows([[1, 2]], 1, 1), "tokens: expected one sequence"),
        (lambda: Windows([1, 2], 0, 1), "size: expected a positive"),
        (lambda: Windows([1, 2], 1, 0), "steps: expected a positive"),
    ],
)
def test_what_cannot_be_made_is_named(make, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        make()


def test_windows_want_integers():
    """Text must be turned into symbols first."""
    for tokens in ("some text", [0.5, 1.5]):
        with pytest.raises(TypeError, match="tokens: expected integers"):
            Windows(tokens, 1, 1)


def test_pad_keeps_the_value_it_is_given():
    """Integers are padded with 0.5 or NaN as floats."""
    padded, _ = pad([[1, 2], [3]], 0.5)
    assert padded.tolist() == [[1, 3], [2, 0.5]]
    assert pad([np.ones(2, np.float32), np.ones(1, np.float32)], 0.0)[0].dtype == "f4"
