"""Small tasks that ask one thing of a network each, drawn without end.

Every task has
- `sample(count, rng)`: a Batch of so many examples, time first; rng is a seed
  or numpy Generator;
- `batches(size, seed)`: a source of batches for training, `source[step]`;
- `loss`, the function to train with, as `training.fit` calls it;
- `score(outputs, batch)`: the fraction of examples wholly solved, 0 to 1, by
  the criterion the class states;
- `num_symbols` if its inputs are integers or `input_size` if they are floats,
  and `output_size`, the last axis of what the model returns.
Arguments out of range raise ValueError naming the argument, outputs of another
shape ShapeError. What solves a task and what fails is measured in
tests/lstm_lib/test_solved.py. All sentences are made up for the course.
"""

from numbers import Real

import numpy as np

from lstm_lib.batches import Batch, Drawn, pad
from lstm_lib.ctc import ctc_decode, ctc_loss
from lstm_lib.losses import IGNORE, binary_cross_entropy, mse, softmax_cross_entropy
from lstm_lib.validation import ShapeError, as_floats, as_integers, float_dtype


class _Task:
    """What the tasks share; as it stands, for those that name symbols."""

    loss = staticmethod(softmax_cross_entropy)

    def batches(self, size, seed):
        """A source of batches of `size` examples; step k is drawn from (seed, k)."""
        size = _whole("size", size, 1)
        return Drawn(lambda rng: self.sample(size, rng), seed)

    def score(self, outputs, batch):
        """The fraction of examples whose likeliest symbol is right wherever asked."""
        shape = *batch.targets.shape, self.output_size
        named = _outputs(outputs, shape).argmax(axis=-1)
        right = (named == batch.targets) | (batch.targets == IGNORE)
        return float(np.atleast_2d(right).all(axis=0).mean())


class Recall(_Task):
    """Name the first symbol after `lag` distractors.

    Inputs (lag + 1, N) integers: one of 0..symbols - 1, then `lag` times one
    of 4 other symbols, which mean nothing. Targets (N,).
    Whether an LSTM learns it depends on its first forget gates: at lag 20
    forget_bias=1 is enough and 0 is not; at lag 50 `chrono` is and 1 is not. A
    tanh network solves lag 20 from most seeds, so gates alone are not the
    cure. The last symbol says nothing.
    Source: in the spirit of Hochreiter & Schmidhuber (1997), experiment 2.
    """

    def __init__(self, lag, symbols=4):
        self.lag = _whole("lag", lag, 1)
        self.output_size = _whole("symbols", symbols, 2)
        self.num_symbols = self.output_size + 4

    def sample(self, count, rng=None):
        """Return a Batch of `count` sequences."""
        rng, count = np.random.default_rng(rng), _whole("count", count, 1)
        shape = self.lag + 1, count
        inputs = rng.integers(self.output_size, self.num_symbols, size=shape)
        inputs[0] = rng.integers(self.output_size, size=count)
        return Batch(inputs, inputs[0].copy())


class Copy(_Task):
    """Repeat `length` symbols, in order, `lag` steps after they ended.

    Inputs (2 * length + lag, N) integers: the symbols 0..symbols - 1, blanks
    (`symbols`), the sign to begin (`symbols` + 1) as the last of `lag` steps,
    and `length` more blanks. Targets of the same shape: IGNORE until the sign
    has been read, then the symbols. A sequence is solved when all are right.
    An LSTM or GRU solves it. A network without memory sees only blanks while
    it answers, and guesses.
    Source: Hochreiter & Schmidhuber (1997); this form: Arjovsky, Shah & Bengio
    (2016), who also ask for blanks where nothing is asked here.
    """

    def __init__(self, lag, length=5, symbols=8):
        self.lag, self.length = _whole("lag", lag, 1), _whole("length", length, 1)
        self.output_size = _whole("symbols", symbols, 2)
        self.num_symbols = self.output_size + 2

    def sample(self, count, rng=None):
        """Return a Batch of `count` sequences."""
        shown = self.length, _whole("count", count, 1)
        symbols = np.random.default_rng(rng).integers(self.output_size, size=shown)
        T = 2 * self.length + self.lag
        inputs = np.full((T, count), self.output_size)
        targets = np.full((T, count), IGNORE)
        inputs[: self.length] = targets[-self.length :] = symbols
        inputs[-self.length - 1] = self.output_size + 1
        return Batch(inputs, targets)


class Adding(_Task):
    """Add the two marked numbers among `steps`.

    Inputs (steps, N, 2): numbers uniform in [0, 1), and marks, 1 at one step
    of the first half and at one of the second, else 0. Targets (N, 1): the
    sum. An answer less than `tolerance` = 0.04 off is right. The loss is the
    mean squared error; always saying 1 has 1/6 and is right in 8 % of cases.
    dtype: of inputs and targets.
    A GRU solves it at 100 steps. What sees only the mean of the inputs does
    not, nor a tanh network, even at 30 steps.
    Source: Hochreiter & Schmidhuber (1997), experiment 4, with half this sum
    for a target, so that their 0.04 would be 0.08 here. Numbers in [0, 1) as
    in Le, Jaitly & Hinton (2015), one mark in each half as in Arjovsky, Shah &
    Bengio (2016).
    """

    loss = staticmethod(mse)
    input_size, output_size, tolerance = 2, 1, 0.04

    def __init__(self, steps, *, dtype=np.float64):
        self.steps, self.dtype = _whole("steps", steps, 2), float_dtype(dtype)

    def sample(self, count, rng=None):
        """Return a Batch of `count` sequences."""
        rng, count = np.random.default_rng(rng), _whole("count", count, 1)
        inputs = np.zeros((self.steps, count, 2), self.dtype)
        inputs[:, :, 0] = rng.random((self.steps, count))
        half = self.steps // 2
        for first, end in ((0, half), (half, self.steps)):
            inputs[rng.integers(first, end, size=count), np.arange(count), 1] = 1
        return Batch(inputs, inputs.prod(axis=2).sum(axis=0)[:, None])

    def score(self, outputs, batch):
        """The fraction of sums less than 0.04 off."""
        error = _outputs(outputs, batch.targets.shape) - batch.targets
        return float((np.abs(error) < self.tolerance).mean())


class TemporalOrder(_Task):
    """Say in which order the relevant symbols X and Y came, among distractors.

    Inputs (steps, N) integers: 0..3 are distractors, 4 is X, 5 is Y; one X or
    Y comes at a random step in each of `relevant` equal parts of the sequence.
    Targets (N,): which of the 2 ** relevant orders, read as a binary number.
    An LSTM solves it. Counting symbols tells XX from YY but not XY from YX, and
    so is right in (relevant + 1) of 2 ** relevant cases.
    Source: Hochreiter & Schmidhuber (1997), experiments 6a (two relevant
    symbols) and 6b (three).
    """

    num_symbols = 6

    def __init__(self, steps, relevant=2):
        self.relevant = _whole("relevant", relevant, 1)
        self.steps = _whole("steps", steps, self.relevant)
        self.output_size = 2**self.relevant

    def sample(self, count, rng=None):
        """Return a Batch of `count` sequences."""
        rng, count = np.random.default_rng(rng), _whole("count", count, 1)
        inputs = rng.integers(4, size=(self.steps, count))
        targets = np.zeros(count, int)
        ends = np.arange(self.relevant + 1) * self.steps // self.relevant
        for first, end in zip(ends, ends[1:]):
            is_y = rng.integers(2, size=count)
            inputs[rng.integers(first, end, size=count), np.arange(count)] = 4 + is_y
            targets = 2 * targets + is_y
        return Batch(inputs, targets)


class Reber(_Task):
    """Say which symbols may come next in a string of the Reber grammar.

    embedded: put each string between two equal symbols, T or P, which makes
    the last but one depend on the second: B T <string> T E. Inputs (T, N)
    integers, places in `symbols`, a string without its last symbol, padded
    with 0; lengths (N,). Targets (T, N, 7), in `dtype`: 1 for each symbol that
    may follow, else 0, and IGNORE beyond a length, which `loss` leaves out.
    A string is solved when the predicted set, the outputs above 0, is right
    at every step.
    An LSTM solves it and, trained by Adam through whole strings, so does a
    tanh network from most seeds. The previous symbol alone does not say what
    may follow: a network without memory solves none.
    Source: Reber (1967); as a prediction task Cleeremans, Servan-Schreiber &
    McClelland (1989); embedded: Fahlman (1991).
    """

    symbols = "BTPSXVE"
    num_symbols = output_size = 7
    # State -> the symbols that lead out of it, and where to; 7 is the end.
    _grammar = (
        {"B": 1}, {"T": 2, "P": 3}, {"S": 2, "X": 4}, {"T": 3, "V": 5},
        {"X": 3, "S": 6}, {"P": 4, "V": 6}, {"E": 7},
    )  # fmt: skip

    def __init__(self, embedded=True, *, dtype=np.float64):
        if not isinstance(embedded, (bool, np.bool_)):
            raise ValueError(f"embedded: expected True or False, got {embedded!r}")
        self.embedded, self.dtype = bool(embedded), float_dtype(dtype)

    def sample(self, count, rng=None):
        """Return a Batch of `count` strings."""
        rng = np.random.default_rng(rng)
        strings = [self._string(rng) for _ in range(_whole("count", count, 1))]
        place = {symbol: k for k, symbol in enumerate(self.symbols)}
        tokens = [[place[symbol] for symbol in string] for string, _ in strings]
        sets = [
            np.array([[s in may for s in self.symbols] for may in follow], self.dtype)
            for _, follow in strings
        ]
        inputs, lengths = pad([string[:-1] for string in tokens], 0)
        return Batch(inputs, pad(sets, IGNORE)[0], lengths)

    def _string(self, rng):
        """A string, and the symbols that may come after each of it but the last."""
        string, follow, state = "B", [], 1
        while state != 7:
            may = list(self._grammar[state])
            follow.append(may)
            string += may[rng.integers(len(may))]
            state = self._grammar[state][string[-1]]
        if not self.embedded:
            return string, follow
        outer = "TP"[rng.integers(2)]
        return f"B{outer}{string}{outer}E", ["TP", "B", *follow, outer, "E"]

    @staticmethod
    def loss(outputs, targets):
        """Binary cross-entropy, the mean over the symbols of all true steps."""
        outputs, asked = _outputs(outputs, targets.shape), targets[..., 0] != IGNORE
        value, gradient = binary_cross_entropy(outputs[asked], targets[asked])
        full = np.zeros_like(outputs)
        full[asked] = gradient
        return value, full

    def score(self, outputs, batch):
        """The fraction of strings whose set is right at every step."""
        may_follow = _outputs(outputs, batch.targets.shape) > 0
        right = (may_follow == batch.targets) | (batch.targets == IGNORE)
        return float(right.all(axis=(0, 2)).mean())

    def words(self, tokens):
        """Return the string that tokens (T,) stand for."""
        return _joined(tokens, self.symbols, "")


class Brackets(_Task):
    """Say which bracket closes the innermost open one, at every step.

    Inputs (length, N) integers, places in `symbols`: `pairs` opening brackets,
    then the closing ones in the same order; every string is balanced at its
    end and is `depth` deep somewhere. Targets (length, N): the kind, 0..pairs
    - 1, of the innermost bracket still open, or `pairs` where none is. A
    string is solved when every step is right. Draw from a second task of
    greater depth, or length, to see whether what was learned goes further.
    A GRU trained at depth 4 solves that depth, and next to no string of depth
    6. The last symbol alone does not say what a closing bracket leaves open.
    Source: strings of the bounded Dyck language, Hewitt et al. (2020).
    """

    def __init__(self, length, depth, pairs=2):
        self.pairs = _whole("pairs", pairs, 1, 4)
        self.length = _whole("length", length, 2)
        if length % 2:
            raise ValueError(f"length: expected an even number, got {length}")
        self.depth = _whole("depth", depth, 1, length // 2)
        self.symbols = "([{<"[:pairs] + ")]}>"[:pairs]
        self.num_symbols, self.output_size = 2 * pairs, pairs + 1

    def sample(self, count, rng=None):
        """Return a Batch of `count` strings."""
        rng, count = np.random.default_rng(rng), _whole("count", count, 1)
        # At `peak` the string must be `depth` deep, and at its end closed.
        spare = (self.length - 2 * self.depth) // 2
        peak = self.depth + 2 * rng.integers(spare + 1, size=count)
        height, n = np.zeros(count, int), np.arange(count)
        stack = np.full((self.depth + 1, count), self.pairs)  # row 0: none is open
        inputs, targets = np.empty((2, self.length, count), int)
        for t in range(self.length):
            left = np.where(t < peak, peak, self.length) - t
            aim = np.where(t < peak, self.depth, 0)
            opens = rng.random(count) < 0.5
            opens |= (height == 0) | (aim - height == left)
            opens &= (height < self.depth) & (height - aim < left)
            kind = np.where(opens, rng.integers(self.pairs, size=count), 0)
            inputs[t] = np.where(opens, kind, self.pairs + stack[height, n])
            height += np.where(opens, 1, -1)
            stack[height[opens], n[opens]] = kind[opens]
            targets[t] = stack[height, n]
        return Batch(inputs, targets)

    def words(self, tokens):
        """Return the string that tokens (T,) stand for."""
        return _joined(tokens, self.symbols, "")


class Parity(_Task):
    """Say after every bit whether the ones so far are odd in number.

    Inputs (steps, N) of 0 and 1, targets of the same shape; a sequence is
    solved when every step is right.
    An LSTM or GRU trained on 20 steps also solves 200: it takes one bit of
    memory. Without memory nothing solves it, since every bit decides.
    Source: an old test of what a network can represent, Minsky & Papert (1969).
    """

    num_symbols = output_size = 2

    def __init__(self, steps):
        self.steps = _whole("steps", steps, 1)

    def sample(self, count, rng=None):
        """Return a Batch of `count` sequences."""
        shape = self.steps, _whole("count", count, 1)
        inputs = np.random.default_rng(rng).integers(2, size=shape)
        return Batch(inputs, inputs.cumsum(axis=0) % 2)


class ReplacedFact(_Task):
    """Name the language of the country someone lives in now.

    "lena was born in germany . the summer was warm . later lena moved to
    france . lena speaks ?" Inputs (T, N) integers, padded with 0; lengths
    (N,). Targets (N,): places in `languages`. A person moves 1..moves times,
    to another country each time, with 0..fillers sentences after each; only
    the last country counts, so the network must replace what it had kept.
    An LSTM solves it. A bag of words knows the countries but not their order,
    and does little better than one in (moves made + 1).
    Source: after the example in Olah (2015), "Understanding LSTM Networks".
    """

    languages = "german french spanish italian polish swedish".split()
    _countries = "germany france spain italy poland sweden".split()
    _names = "lena omar mira jonas".split()
    _moves = "later {} moved to {}|then {} went to live in {}".split("|")
    _fillers = (
        "the summer was warm|the house had a small garden|"
        "a friend wrote many letters|it rained for a week|"
        "the train was late again|the neighbours had a dog"
    ).split("|")
    output_size = len(languages)

    def __init__(self, moves=2, fillers=2):
        self.moves = _whole("moves", moves, 1, len(self.languages) - 1)
        self.fillers = _whole("fillers", fillers, 0)
        self.vocabulary = _vocabulary(
            *self._names, *self._countries, *self._moves, *self._fillers,
            "was born in", "speaks ?", ".",
        )  # fmt: skip
        self.num_symbols = len(self.vocabulary)

    def sample(self, count, rng=None):
        """Return a Batch of `count` texts."""
        rng = np.random.default_rng(rng)
        drawn = [self._text(rng) for _ in range(_whole("count", count, 1))]
        texts, targets = zip(*drawn)
        return _batch_of_texts(texts, targets, self.vocabulary)

    def _text(self, rng):
        """A text and the place of its last country."""
        name = _one_of(self._names, rng)
        lived_in = rng.permutation(len(self._countries))
        lived_in = lived_in[: 2 + rng.integers(self.moves)]
        sentences = []
        for k, country in enumerate(lived_in):
            fact = _one_of(self._moves, rng) if k else "{} was born in {}"
            sentences.append(fact.format(name, self._countries[country]))
            for _ in range(rng.integers(self.fillers + 1)):
                sentences.append(_one_of(self._fillers, rng))
        return " . ".join([*sentences, f"{name} speaks ?"]), lived_in[-1]

    def words(self, tokens):
        """Return the text that tokens (T,) stand for, without padding."""
        return _joined(tokens, self.vocabulary)


class Translation(_Task):
    """Translate sentences into a made-up language with another word order.

    "today the cat never follows a red bird" becomes
    "miru selin rusa un nok ribun hodi": adjectives follow their noun, "a"
    follows both, "the" has no word, the verb comes last but for the adverb,
    which the source may begin with. A sentence has one translation.
    Inputs: (source (S, N), target_inputs (T, N)), integers padded with 0;
    lengths (N,) of the sources. The target's inputs begin with `bos`, its
    targets (T, N) end with `eos` and are padded with IGNORE. adjectives: at
    most so many before a noun. A sentence is solved when every word and the
    end are right, each given the right words before; greedy decoding then
    returns just that sentence.
    An encoder-decoder solves it. Word by word, in the source's order, is
    never right, and a decoder that does not see the source can only guess.
    Source: the task of Sutskever, Vinyals & Le (2014), in small.
    """

    _nouns = dict(cat="miru", dog="tavo", bird="selin", horse="karda", child="pelo")
    _adjectives = dict(red="rusa", small="niki", big="vetar", quick="sofi")
    _verbs = dict(sees="daman", finds="luget", follows="ribun", likes="ambor")
    _adverbs = dict(today="hodi", often="molta")
    _others = {"never": "nok", "a": "un", "the": ""}
    bos, eos = 1, 2

    def __init__(self, adjectives=1):
        self.adjectives = _whole("adjectives", adjectives, 0, len(self._adjectives))
        self.dictionary = (
            self._nouns | self._adjectives | self._verbs | self._adverbs | self._others
        )
        self.vocabulary = _vocabulary(*self.dictionary)
        target = _vocabulary(*self.dictionary.values())
        self.target_vocabulary = [target[0], "<bos>", "<eos>", *target[1:]]
        self.num_symbols = len(self.vocabulary)
        self.output_size = len(self.target_vocabulary)

    def sample(self, count, rng=None):
        """Return a Batch of `count` pairs of sentences."""
        rng = np.random.default_rng(rng)
        pairs = [self._pair(rng) for _ in range(_whole("count", count, 1))]
        source, lengths = pad([_indices(s, self.vocabulary) for s, _ in pairs], 0)
        written = [_indices(t, self.target_vocabulary) for _, t in pairs]
        inputs, _ = pad([[self.bos, *tokens] for tokens in written], 0)
        targets, _ = pad([[*tokens, self.eos] for tokens in written], IGNORE)
        return Batch((source, inputs), targets, lengths)

    def _pair(self, rng):
        """A sentence and its translation."""
        verb = _one_of(list(self._verbs), rng)
        adverb = ["", *self._adverbs][rng.integers(1 + len(self._adverbs))]
        never = ["", "never"][rng.integers(2)]
        subject, object_ = self._phrase(rng), self._phrase(rng)
        source = [adverb, *subject, never, verb, *object_]
        target = [*subject[::-1], *object_[::-1], never, verb, adverb]
        target = [self.dictionary.get(word, "") for word in target]
        return " ".join(filter(None, source)), " ".join(filter(None, target))

    def _phrase(self, rng):
        """Words such as ["the", "small", "cat"]; turned round, the other order."""
        count = rng.integers(self.adjectives + 1)
        chosen = rng.permutation(list(self._adjectives))[:count]
        noun = _one_of(list(self._nouns), rng)
        return [["a", "the"][rng.integers(2)], *map(str, chosen), noun]

    def words(self, tokens, *, target=False):
        """Return the sentence that tokens (T,) stand for.

        target: read them as words of the target language. Padding, `bos` and
        what comes from the first `eos` on are left out.
        """
        if not target:
            return _joined(tokens, self.vocabulary)
        text = _joined(tokens, self.target_vocabulary).partition("<eos>")[0]
        return text.replace("<bos>", "").strip()


class Reviews(_Task):
    """Say whether a film review is positive, where only word order tells.

    "good acting , but a dull film ." against "dull acting , but a good
    film ."; "it was not dull at all , it was good ." against "it was not good
    at all , it was dull ." Inputs (T, N) integers, padded with 0; lengths
    (N,). Targets (N,): 1 positive, 0 negative. A review has 1..sentences such
    sentences, all of the same opinion.
    Every sentence has one praising and one blaming word; exchanging the two
    turns its opinion, and both forms are equally likely. So each bag of words
    is as often positive as negative, and no classifier of bags can do better
    than chance, whatever it learns. The first or last opinion word does not
    tell either.
    An LSTM solves it, as does word attention over one in both directions.
    """

    output_size = 2
    _praise = "good clever moving funny".split()
    _blame = "bad dull clumsy boring".split()
    # {0} is the word that agrees with the opinion, {1} the other one.
    _sentences = (
        "{1} acting , but a {0} film .|a {0} film , although the music is {1} .|"
        "it was not {1} at all , it was {0} .|it is {0} , and not {1} at all .|"
        "i feared a {1} story and saw a {0} one .|"
        "they call it {1} , yet i found it {0} .|"
        "i found it {0} , though friends say it is {1} .|"
        "the end is so {0} that i forgot the {1} start ."
    ).split("|")

    def __init__(self, sentences=2):
        self.sentences = _whole("sentences", sentences, 1)
        self.vocabulary = _vocabulary(*self._sentences, *self._praise, *self._blame)
        self.num_symbols = len(self.vocabulary)

    def sample(self, count, rng=None):
        """Return a Batch of `count` reviews."""
        rng = np.random.default_rng(rng)
        targets = rng.integers(2, size=_whole("count", count, 1))
        texts = [self._text(positive, rng) for positive in targets]
        return _batch_of_texts(texts, targets, self.vocabulary)

    def _text(self, positive, rng):
        sentences = []
        for _ in range(1 + rng.integers(self.sentences)):
            opinion = _one_of(self._praise, rng), _one_of(self._blame, rng)
            form = _one_of(self._sentences, rng)
            sentences.append(form.format(*(opinion if positive else opinion[::-1])))
        return " ".join(sentences)

    def words(self, tokens):
        """Return the review that tokens (T,) stand for, without padding."""
        return _joined(tokens, self.vocabulary)


class SpeechFrames(_Task):
    """Name the phonemes of an utterance, whose times nobody tells (CTC).

    Inputs (T, N, 13) in `dtype`: frames that look like spectra of speech.
    A phoneme glides from one of a few spectra to another, so that a single
    frame belongs to several phonemes and only the course of time tells them
    apart. It lasts 4..7 frames and ends in a short dip, which parts a phoneme
    from its repetition; neighbouring frames blend (coarticulation), and
    `noise` is the standard deviation of what is added; the spectra's is 1.
    lengths (N,) in frames. Targets (N, S) integers 1..phonemes, padded with
    0, which is the blank; target_lengths (N,) in 1..length. The spectra follow
    from `seed`. An utterance is solved when best-path decoding returns its
    phonemes.
    An LSTM in both directions solves it. A network that sees one frame at a
    time solves less than half, short ones.
    Source: CTC is Graves, Fernández, Gomez & Schmidhuber (2006); the frames
    are made up.
    """

    loss = staticmethod(ctc_loss)
    input_size = 13

    def __init__(self, phonemes=6, length=4, noise=0.2, *, seed=0, dtype=np.float64):
        self.phonemes = _whole("phonemes", phonemes, 2)
        self.length = _whole("length", length, 1)
        if not isinstance(noise, Real) or not 0 <= noise < np.inf:
            raise ValueError(f"noise: expected a number from 0, got {noise!r}")
        self.noise, self.dtype = noise, float_dtype(dtype)
        self.output_size = self.phonemes + 1
        # The fewest spectra with enough ordered pairs, one for each phoneme.
        spectra = int(np.ceil(0.5 + np.sqrt(0.25 + self.phonemes)))
        glides = np.argwhere(~np.eye(spectra, dtype=bool))[: self.phonemes]
        rng = np.random.default_rng(_whole("seed", seed, 0))
        self.spectra = rng.normal(size=(spectra, self.input_size))
        self._glides = self.spectra[glides]  # (phonemes, 2, 13)

    def sample(self, count, rng=None):
        """Return a Batch of `count` utterances."""
        rng = np.random.default_rng(rng)
        spoken = [
            1 + rng.integers(self.phonemes, size=1 + rng.integers(self.length))
            for _ in range(_whole("count", count, 1))
        ]
        inputs, lengths = pad([self._frames(phonemes, rng) for phonemes in spoken], 0)
        targets, target_lengths = pad(spoken, 0)
        return Batch(inputs, targets.T.copy(), lengths, target_lengths)

    def _frames(self, phonemes, rng):
        parts = []
        for phoneme in phonemes:
            share = np.linspace(0, 1, rng.integers(4, 8))[:, None]
            start, end = self._glides[phoneme - 1]
            part = (1 - share) * start + share * end
            part[-1] *= 0.2  # the dip
            parts.append(part)
        frames = np.pad(np.concatenate(parts), ((1, 1), (0, 0)))
        frames = 0.25 * frames[:-2] + 0.5 * frames[1:-1] + 0.25 * frames[2:]
        return (frames + rng.normal(0, self.noise, frames.shape)).astype(self.dtype)

    def score(self, outputs, batch):
        """The fraction of utterances whose decoded phonemes are all right."""
        outputs = _outputs(outputs, (*batch.inputs.shape[:2], self.output_size))
        decoded = ctc_decode(outputs, batch.lengths)
        return float(np.mean([d == t for d, t in zip(decoded, self.spoken(batch))]))

    def spoken(self, batch):
        """The true phonemes of a batch as N lists, without padding."""
        rows = zip(batch.targets, batch.target_lengths)
        return [row[:length].tolist() for row, length in rows]


# ---- texts -------------------------------------------------------------------


def _vocabulary(*texts):
    """Padding as word 0, then the words of the texts in alphabetical order."""
    words = {word for text in texts for word in text.split()} - {"{}", "{0}", "{1}"}
    return ["<pad>", *sorted(words)]


def _indices(text, vocabulary):
    return [vocabulary.index(word) for word in text.split()]


def _batch_of_texts(texts, targets, vocabulary):
    """Texts of unequal length and one target each, as a Batch."""
    inputs, lengths = pad([_indices(text, vocabulary) for text in texts], 0)
    return Batch(inputs, np.array(targets), lengths)


def _joined(tokens, vocabulary, separator=" "):
    """The words that tokens (T,) stand for, padding left out."""
    tokens = as_integers("tokens", tokens, len(vocabulary))
    if tokens.ndim != 1:
        raise ShapeError(f"tokens: expected one sequence (T,), got {tokens.shape}")
    words = [vocabulary[k] for k in tokens]
    return separator.join(word for word in words if word != "<pad>")


def _one_of(items, rng):
    return items[rng.integers(len(items))]


# ---- checks of arguments -----------------------------------------------------


def _whole(name, number, least, most=None):
    """Return a whole number in least..most as an int, or raise ValueError."""
    whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
    if not whole or number < least or most is not None and number > most:
        wanted = (
            f"{least}..{most}" if most is not None else f"{least}, {least + 1}, ..."
        )
        raise ValueError(f"{name}: expected a whole number {wanted}, got {number!r}")
    return int(number)


def _outputs(outputs, shape):
    """Return a model's outputs as an array of the shape a task wants."""
    outputs = as_floats("outputs", outputs)
    if outputs.shape != tuple(shape):
        raise ShapeError(f"outputs: expected shape {shape}, got {outputs.shape}")
    return outputs
