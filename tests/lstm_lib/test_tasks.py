"""The tasks' generators: what they draw is what their docstrings say."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from lstm_lib.feedforward import Dense, LastStep, OneHot
from lstm_lib.layers import GRU
from lstm_lib.losses import IGNORE
from lstm_lib.models import Sequential
from lstm_lib.optimizers import Adam
from lstm_lib.tasks import (
    Adding,
    Brackets,
    Copy,
    Parity,
    Reber,
    Recall,
    ReplacedFact,
    Reviews,
    SpeechFrames,
    TemporalOrder,
    Translation,
)
from lstm_lib.training import fit
from lstm_lib.validation import ShapeError

N = 40
TASKS = [
    Recall(7, symbols=3), Copy(4, 3, symbols=5), Adding(9), TemporalOrder(10),
    Reber(), Reber(embedded=False), Brackets(14, 3), Parity(6), ReplacedFact(),
    Translation(), Reviews(), SpeechFrames(),
]  # fmt: skip
every_task = pytest.mark.parametrize("task", TASKS, ids=lambda t: type(t).__name__)


def arrays(batch):
    """Every array of a batch, flat."""
    parts = [batch.inputs, batch.targets, batch.lengths, batch.target_lengths]
    parts[:1] = batch.inputs if isinstance(batch.inputs, tuple) else parts[:1]
    return [part for part in parts if part is not None]


def assert_same_batch(one, two):
    """Array by array, to the last bit."""
    for a, b in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(a, b)


def differ(one, two):
    """Whether any array of two batches differs."""
    pairs = zip(arrays(one), arrays(two))
    return any(a.shape != b.shape or (a != b).any() for a, b in pairs)


def perfect(task, batch):
    """Outputs that solve every example."""
    if isinstance(task, Adding):
        return batch.targets.copy()
    if isinstance(task, Reber):
        return batch.targets - 0.5
    if isinstance(task, SpeechFrames):
        best = np.zeros(batch.inputs.shape[:2], int)
        for n, phonemes in enumerate(task.spoken(batch)):
            best[: 2 * len(phonemes) : 2, n] = phonemes  # with a blank after each
        return np.eye(task.output_size)[best]
    return np.eye(task.output_size)[np.maximum(batch.targets, 0)]


def texts(task, batch):
    """The inputs of each example as a list of words or symbols."""
    inputs = batch.inputs[0] if isinstance(batch.inputs, tuple) else batch.inputs
    T, count = inputs.shape
    lengths = [T] * count if batch.lengths is None else batch.lengths
    return [task.words(inputs[:length, n]) for n, length in enumerate(lengths)]


# ---- what all tasks promise ----------------------------------------------------


@every_task
def test_the_same_seed_draws_the_same_examples(task):
    """From a seed, from its generator, and not from another seed."""
    one = task.sample(N, 5)
    assert_same_batch(one, task.sample(N, 5))
    assert_same_batch(one, task.sample(N, np.random.default_rng(5)))
    assert differ(one, task.sample(N, 6))


@every_task
def test_a_generator_goes_on(task):
    """Two draws from one generator are two samples."""
    rng = np.random.default_rng(5)
    assert differ(task.sample(N, rng), task.sample(N, rng))


@every_task
def test_batches_depend_on_seed_and_step_alone(task):
    """In any order of asking."""
    source, again = task.batches(4, 3), task.batches(4, 3)
    later, first = source[7], source[0]
    assert_same_batch(first, again[0])
    assert_same_batch(later, again[7])
    assert differ(first, later) and differ(first, task.batches(4, 4)[0])


@every_task
def test_inputs_are_what_the_sizes_say(task):
    """N examples, time first; symbols of 0..num_symbols - 1, or floats."""
    batch = task.sample(N, 1)
    inputs = batch.inputs[0] if isinstance(task, Translation) else batch.inputs
    assert inputs.shape[1] == N and not batch.carry
    if hasattr(task, "input_size"):
        assert inputs.shape[2] == task.input_size and inputs.dtype == np.float64
    else:
        assert inputs.dtype.kind == "i" and inputs.min() >= 0
        everything = task.sample(2000, 2).inputs
        everything = everything[0] if isinstance(task, Translation) else everything
        unread = isinstance(task, Reber) and not task.embedded  # E is only a target
        assert everything.max() == task.num_symbols - 1 - unread
    if batch.lengths is not None:
        assert batch.lengths.shape == (N,) and batch.lengths.max() == len(inputs)
        beyond = np.arange(len(inputs))[:, None] >= batch.lengths
        assert beyond.any() and not inputs[beyond].any()


@every_task
def test_perfect_outputs_score_one_and_random_ones_little(task):
    """The criterion counts examples, and padding is no excuse."""
    batch = task.sample(N, 1)
    outputs = perfect(task, batch)
    assert task.score(outputs, batch) == 1.0
    noise = np.random.default_rng(0).normal(size=outputs.shape)
    assert task.score(noise, batch) < 0.7


@every_task
def test_one_wrong_example_costs_its_share(task):
    """Spoiling one of N leaves (N - 1) / N, whatever the number of its steps."""
    batch = task.sample(N, 1)
    outputs = perfect(task, batch)
    example = outputs[3] if outputs.ndim == 2 else outputs[:, 3]
    example[...] = 5.0 - example if isinstance(task, Adding) else -example
    assert task.score(outputs, batch) == pytest.approx((N - 1) / N)


@every_task
def test_perfect_outputs_have_a_small_loss(task):
    """The loss rewards what the score rewards, and fits into `fit`."""
    batch = task.sample(N, 1)
    extra = () if batch.target_lengths is None else batch[2:4]
    good, bad = 20 * perfect(task, batch), -20 * perfect(task, batch)
    if isinstance(task, Adding):
        good = good / 20
    value, gradient = task.loss(good, batch.targets, *extra)
    assert value < 0.01 < task.loss(bad, batch.targets, *extra)[0]
    assert gradient.shape == good.shape and gradient.dtype == good.dtype


@pytest.mark.parametrize(
    "task",
    [Adding(5, dtype="float32"), Reber(dtype="float32"), SpeechFrames(dtype="float32")],
    ids=lambda t: type(t).__name__,
)
def test_float32_tasks_train_float32_models(task):
    """Inputs, targets and gradient are of the dtype asked for."""
    batch = task.sample(6, 0)
    floats = [a for a in arrays(batch) if a.dtype.kind == "f"]
    assert floats and all(a.dtype == np.float32 for a in floats)
    every = not isinstance(task, Adding)
    size = getattr(task, "input_size", task.output_size)
    layers = [] if hasattr(task, "input_size") else [OneHot(size, dtype="float32")]
    layers.append(GRU(size, 3, dtype="float32", rng=0))
    layers += [] if every else [LastStep()]
    model = Sequential(*layers, Dense(3, task.output_size, dtype="float32", rng=1))
    history = fit(model, task.batches(6, 0), task.loss, Adam(), 2)
    assert len(history.losses) == 2


# ---- each task by itself -------------------------------------------------------


def test_recall_asks_for_the_first_symbol():
    """The rest are distractors, of which every kind occurs."""
    inputs, targets, *_ = Recall(7, symbols=3).sample(500, 0)
    assert inputs.shape == (8, 500)
    np.testing.assert_array_equal(inputs[0], targets)
    assert set(targets) == {0, 1, 2} and set(inputs[1:].ravel()) == {3, 4, 5, 6}


def test_copy_asks_for_the_symbols_after_the_sign():
    """Shown, lag - 1 blanks, the sign, and blanks to answer in."""
    inputs, targets, *_ = Copy(4, 3, symbols=5).sample(N, 0)
    assert inputs.shape == targets.shape == (10, N)
    assert inputs[:3].max() < 5
    assert (inputs[3:6] == 5).all() and (inputs[6] == 6).all()
    assert (inputs[7:] == 5).all() and (targets[:7] == IGNORE).all()
    np.testing.assert_array_equal(targets[7:], inputs[:3])


@pytest.mark.parametrize("steps", [2, 9])
def test_adding_marks_one_number_in_each_half(steps):
    """The target is their sum."""
    inputs, targets, *_ = Adding(steps).sample(500, 0)
    numbers, marks = inputs[:, :, 0], inputs[:, :, 1]
    assert set(marks.ravel()) <= {0, 1}
    assert (marks[: steps // 2].sum(axis=0) == 1).all()
    assert (marks[steps // 2 :].sum(axis=0) == 1).all()
    assert (marks.sum(axis=1) > 0).all()  # every step gets its turn
    np.testing.assert_allclose(
        targets[:, 0], [numbers[marks[:, n] == 1, n].sum() for n in range(500)]
    )
    assert 0 <= numbers.min() and numbers.max() < 1


def test_adding_by_saying_one():
    """Mean squared error 1/6 and right in 8 % of cases, as the docstring says."""
    task = Adding(10)
    batch = task.sample(20_000, 0)
    ones = np.ones((20_000, 1))
    assert abs(task.loss(ones, batch.targets)[0] - 1 / 6) < 0.01
    assert abs(task.score(ones, batch) - 0.08) < 0.01


@pytest.mark.parametrize("relevant", [1, 2, 3])
def test_temporal_order_reads_as_a_binary_number(relevant):
    """X is 0, Y is 1, the first is the highest digit; every order occurs."""
    inputs, targets, *_ = TemporalOrder(10, relevant).sample(400, 0)
    for column, target in zip(inputs.T, targets):
        order = column[column >= 4] - 4
        assert len(order) == relevant
        assert int("".join(map(str, order)), 2) == target
    assert set(targets) == set(range(2**relevant))


# The grammar a second time, as a regular expression.
LOOP = "(T*VPX)*T*V(V|PS)"
STRING = f"B(TS*X(S|X{LOOP})|P{LOOP})E"


@pytest.mark.parametrize("embedded", [False, True])
def test_reber_strings_are_in_the_language(embedded):
    """And short and long, through every edge."""
    task = Reber(embedded)
    batch = task.sample(500, 0)
    pattern = f"BT{STRING}TE|BP{STRING}PE" if embedded else STRING
    strings = [text + "E" for text in texts(task, batch)]  # the last is only asked for
    assert all(re.fullmatch(pattern, string) for string in strings)
    assert len(set(strings)) > 50 and max(map(len, strings)) > 20


@pytest.mark.parametrize("embedded", [False, True])
def test_reber_targets_are_what_other_strings_do(embedded):
    """After a prefix, the set holds the symbols that follow it in the language."""
    task, seen, told = Reber(embedded), defaultdict(Counter), {}
    batch = task.sample(4000, 0)
    for n, text in enumerate(texts(task, batch)):
        for t in range(len(text)):
            seen[text[: t + 1]][(text + "E")[t + 1]] += 1
            told[text[: t + 1]] = {
                task.symbols[k] for k in batch.targets[t, n].nonzero()[0]
            }
        assert (batch.targets[len(text) :, n] == IGNORE).all()
    assert all(set(followers) <= told[prefix] for prefix, followers in seen.items())
    often = {prefix: set(f) for prefix, f in seen.items() if f.total() > 30}
    assert len(often) > 30 and all(told[prefix] == f for prefix, f in often.items())


def test_reber_loss_leaves_padding_out():
    """Outputs beyond a length change nothing and get no gradient."""
    task = Reber()
    batch = task.sample(N, 0)
    outputs = np.random.default_rng(0).normal(size=batch.targets.shape)
    value, gradient = task.loss(outputs, batch.targets)
    beyond = np.arange(len(outputs))[:, None] >= batch.lengths
    outputs[beyond] = 1e4
    again, _ = task.loss(outputs, batch.targets)
    with pytest.raises(ShapeError, match="outputs: expected shape"):
        task.loss(outputs[1:], batch.targets)
    assert again == value and not gradient[beyond].any() and gradient[~beyond].all()


@pytest.mark.parametrize(
    ("length", "depth", "pairs"), [(14, 3, 2), (8, 4, 3), (6, 1, 1)]
)
def test_brackets_are_what_a_stack_says(length, depth, pairs):
    """Balanced, exactly `depth` deep somewhere; the target is the innermost."""
    task = Brackets(length, depth, pairs)
    batch = task.sample(N, 0)
    for n, text in enumerate(texts(task, batch)):
        stack, deepest = [], 0
        for symbol, target in zip(text, batch.targets[:, n]):
            if symbol in "([{<":
                stack.append("([{<".index(symbol))
            else:
                assert ")]}>"[stack.pop()] == symbol
            assert target == (stack[-1] if stack else pairs)
            deepest = max(deepest, len(stack))
        assert not stack and deepest == depth


def test_parity_is_the_number_of_ones_so_far():
    """Counted bit by bit."""
    inputs, targets, *_ = Parity(6).sample(N, 0)
    for t in range(6):
        np.testing.assert_array_equal(targets[t], inputs[: t + 1].sum(axis=0) % 2)


def test_replaced_fact_asks_for_the_last_country():
    """Countries differ, and a bag of them does not tell which is the last."""
    task = ReplacedFact(moves=3, fillers=1)
    batch, bags = task.sample(3000, 0), defaultdict(set)
    countries = dict(zip("germany france spain italy poland sweden".split(), range(6)))
    for text, target in zip(texts(task, batch), batch.targets):
        places = [countries[word] for word in text.split() if word in countries]
        assert 2 <= len(places) == len(set(places)) <= 4
        assert places[-1] == target
        name = text.split()[0]
        assert text.endswith(f" . {name} speaks ?")
        bags[frozenset(places)].add(target)
    assert all(bags[bag] == bag for bag in bags if len(bag) < 4)


def translate(text):
    """The rules a second time, as a reader would apply them."""
    words = dict(
        cat="miru", dog="tavo", bird="selin", horse="karda", child="pelo", red="rusa",
        small="niki", big="vetar", quick="sofi", sees="daman", finds="luget",
        follows="ribun", likes="ambor", today="hodi", often="molta", never="nok",
        a="un",
    )  # fmt: skip
    adverb = re.match("(today |often )?", text)[0]
    pattern = (
        r"(a|the) (.*?)(\w+) (never )?(sees|finds|follows|likes) (a|the) (.*?)(\w+)"
    )
    one, some, noun, never, verb, two, others, thing = re.fullmatch(
        pattern, text[len(adverb) :]
    ).groups("")
    order = [noun, *some.split()[::-1], one, thing, *others.split()[::-1], two]
    order += [never.strip(), verb, adverb.strip()]
    return " ".join(words[word] for word in order if word in words)


@pytest.mark.parametrize("adjectives", [0, 1, 2])
def test_translation_follows_its_rules(adjectives):
    """Checked against the rules written a second time."""
    task = Translation(adjectives)
    batch = task.sample(300, 0)
    for n, text in enumerate(texts(task, batch)):
        assert task.words(batch.inputs[1][:, n], target=True) == translate(text)


def test_translation_of_one_sentence_by_hand():
    """The example of the class's docstring."""
    assert "today the cat never follows a red bird" in Translation.__doc__
    wanted = "miru selin rusa un nok ribun hodi"
    assert translate("today the cat never follows a red bird") == wanted
    assert wanted in Translation.__doc__.replace("\n    ", " ")


def test_translation_targets_are_its_inputs_one_step_later():
    """First bos, last eos, then padding; source and target differ in length."""
    task = Translation()
    (source, inputs), targets, lengths, *_ = task.sample(300, 0)
    assert (inputs[0] == task.bos).all() and inputs.max() == task.output_size - 1
    counted = targets != IGNORE
    ends = counted.sum(axis=0)
    np.testing.assert_array_equal(targets[ends - 1, np.arange(300)], task.eos)
    more = counted[1:]
    np.testing.assert_array_equal(targets[:-1][more], inputs[1:][more])
    assert (targets == task.eos).sum() == 300 and len(set(ends - lengths)) > 2
    text = task.words(np.array([task.bos, 5, task.eos, 6]), target=True)
    assert text == task.target_vocabulary[5]


def test_reviews_no_bag_of_words_tells_the_opinion():
    """Each bag is as often positive as negative, within chance."""
    task = Reviews(sentences=1)
    batch, bags = task.sample(20_000, 0), defaultdict(list)
    for text, positive in zip(texts(task, batch), batch.targets):
        bags[frozenset(Counter(text.split()).items())].append(positive)
    assert len(bags) == 8 * 4 * 4
    for votes in bags.values():
        assert abs(np.mean(votes) - 0.5) < 5 * 0.5 / len(votes) ** 0.5


def test_reviews_of_opposite_opinion_differ_by_order():
    """The same words, exchanged: the text itself decides, without a contradiction."""
    task, told = Reviews(sentences=1), {}
    batch = task.sample(5000, 0)
    for text, positive in zip(texts(task, batch), batch.targets):
        assert told.setdefault(text, positive) == positive
    assert told["good acting , but a bad film ."] == 0
    assert told["bad acting , but a good film ."] == 1
    assert told["it was not dull at all , it was clever ."] == 1
    assert told["it was not clever at all , it was dull ."] == 0


@pytest.mark.parametrize("which", [0, -1])
def test_reviews_first_and_last_opinion_word_do_not_tell(which):
    """In half of the forms the first one agrees with the opinion, in half the last."""
    task = Reviews()
    batch = task.sample(5000, 0)
    praise, blame = "good clever moving funny", "bad dull clumsy boring"
    opinions = (praise + " " + blame).split()
    words = [[w for w in t.split() if w in opinions][which] for t in texts(task, batch)]
    agrees = np.array([word in praise for word in words]) == batch.targets
    assert abs(agrees.mean() - 0.5) < 0.04


def test_speech_frames_last_four_to_seven_per_phoneme():
    """And every phoneme occurs, also twice in a row."""
    task = SpeechFrames(phonemes=5, length=4)
    batch = task.sample(500, 0)
    assert batch.inputs.shape == (batch.lengths.max(), 500, 13)
    assert batch.targets.shape == (500, 4)
    per_phoneme = batch.lengths / batch.target_lengths
    assert per_phoneme.min() >= 4 and per_phoneme.max() <= 7
    spoken = task.spoken(batch)
    assert {p for phonemes in spoken for p in phonemes} == {1, 2, 3, 4, 5}
    assert {len(phonemes) for phonemes in spoken} == {1, 2, 3, 4}
    assert any(a == b for phonemes in spoken for a, b in zip(phonemes, phonemes[1:]))


def test_speech_frames_glide_between_shared_spectra():
    """Six phonemes from three spectra: begin near one, end near another."""
    task = SpeechFrames(length=1, noise=0)
    assert task.spectra.shape == (3, 13)
    batch, ends = task.sample(300, 0), {}
    for n in np.flatnonzero(batch.lengths == 7):  # slow enough to see both ends
        frames, phoneme = batch.inputs[:7, n], int(batch.targets[n, 0])
        near = [np.corrcoef(f, s)[0, 1] for f in frames[[0, 5]] for s in task.spectra]
        pair = int(np.argmax(near[:3])), int(np.argmax(near[3:]))
        assert ends.setdefault(phoneme, pair) == pair
    assert len(set(ends.values())) == 6 and all(a != b for a, b in ends.values())


def test_speech_frames_dip_between_repetitions():
    """Louder, softer, louder: what tells a phoneme twice from a long one."""
    task = SpeechFrames(phonemes=2, length=2, noise=0)
    batch = task.sample(300, 0)
    for n in np.flatnonzero((np.diff(batch.targets) == 0).ravel()):
        size = np.linalg.norm(batch.inputs[: batch.lengths[n], n], axis=1)
        dip = 3 + np.argmin(size[3:-1])
        assert size[dip] < 0.7 * min(size[:dip].max(), size[dip:].max())


def test_speech_frames_noise_has_its_size():
    """The same utterances with and without; spectra come from the seed."""
    clean, noisy = (SpeechFrames(noise=noise).sample(N, 0) for noise in (0, 0.3))
    within = np.arange(len(clean.inputs))[:, None] < clean.lengths
    first = (noisy.inputs - clean.inputs)[: clean.lengths[0], 0]
    assert within.any() and abs(first.std() / 0.3 - 1) < 0.2
    assert (SpeechFrames(seed=1).spectra != SpeechFrames().spectra).any()


# ---- errors --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Recall(0), "lag: expected a whole number 1, 2, ..., got 0"),
        (lambda: Recall(5, symbols=1), "symbols: expected a whole number 2, 3"),
        (lambda: Copy(1.5), "lag: expected .* got 1.5"),
        (lambda: Copy(3, length=0), "length: .* got 0"),
        (lambda: Adding(1), "steps: expected a whole number 2, 3, ..., got 1"),
        (lambda: TemporalOrder(2, 3), "steps: expected a whole number 3, 4, .* got 2"),
        (lambda: TemporalOrder(9, True), "relevant: .* got True"),
        (lambda: Reber("yes"), "embedded: expected True or False, got 'yes'"),
        (lambda: Brackets(7, 2), "length: expected an even number, got 7"),
        (lambda: Brackets(8, 5), r"depth: expected a whole number 1\.\.4, got 5"),
        (lambda: Brackets(8, 2, pairs=5), r"pairs: expected a whole number 1\.\.4"),
        (lambda: Parity(None), "steps: expected .* got None"),
        (lambda: ReplacedFact(moves=6), r"moves: expected a whole number 1\.\.5"),
        (lambda: ReplacedFact(fillers=-1), "fillers: .* 0, 1, ..., got -1"),
        (lambda: Translation(5), r"adjectives: expected a whole number 0\.\.4, got 5"),
        (lambda: Reviews(0), "sentences: .* got 0"),
        (lambda: SpeechFrames(1), "phonemes: .* got 1"),
        (lambda: SpeechFrames(length=0), "length: .* got 0"),
        (lambda: SpeechFrames(noise=-1), "noise: expected a number from 0, got -1"),
        (lambda: SpeechFrames(noise=np.nan), "noise: .* got nan"),
        (
            lambda: SpeechFrames(seed=-1),
            "seed: expected a whole number 0, 1, .* got -1",
        ),
    ],
)
def test_what_cannot_be_built_is_named(call, words):
    """The argument, what was expected and what came."""
    with pytest.raises(ValueError, match=words):
        call()


@every_task
def test_count_size_and_seed_are_checked(task):
    """At sampling and when a source is made."""
    with pytest.raises(ValueError, match="count: expected a whole number 1"):
        task.sample(0)
    with pytest.raises(ValueError, match="size: expected a whole number 1"):
        task.batches(0, 1)
    with pytest.raises(ValueError, match="seed: expected"):
        task.batches(3, -1)


@every_task
def test_outputs_of_another_shape_are_named(task):
    """Also the transposed ones, which might broadcast."""
    batch = task.sample(N, 1)
    outputs = perfect(task, batch)
    with pytest.raises(ShapeError, match="outputs: expected shape"):
        task.score(outputs[..., 0], batch)
    with pytest.raises(ShapeError, match="outputs: expected shape"):
        task.score(outputs.swapaxes(0, 1), batch)


def test_floats_of_another_dtype_are_refused():
    """float16 is no dtype of the library."""
    for kind in (Adding, SpeechFrames, Reber):
        with pytest.raises(TypeError, match="dtype: expected float32 or float64"):
            kind(5, dtype="float16") if kind is Adding else kind(dtype="float16")


@pytest.mark.parametrize("task", [Reber(), Brackets(8, 2), ReplacedFact(), Reviews()])
def test_words_wants_one_sequence_of_symbols(task):
    """A batch, or a number beyond the vocabulary, is refused."""
    with pytest.raises(ShapeError, match="tokens: expected one sequence"):
        task.words(np.zeros((3, 2), int))
    with pytest.raises(ValueError, match="tokens: expected integers in 0"):
        task.words([0, 99])
