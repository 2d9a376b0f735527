"""From letters to phonemes, with attention and without, by the word's length.

The networks have the same encoder, decoder, batches and steps; they differ in
what the output layer sees beside the decoder's state. They learn words of 3
to 8 letters and pronounce words of the test part, of 3 to 12 letters, by the
likeliest phoneme each time. Beside them two tables of the phonemes most
frequent for a letter. A word with several pronunciations is scored by the
nearest of them.
Sources of the question: Bahdanau, Cho & Bengio (2015) for the length; from
letters to phonemes, Yao & Zweig (2015) without attention, Toshniwal & Livescu
(2016) with it.
"""

from collections import Counter
from math import log

import numpy as np

from lstm_lib import LSTM, datasets
from lstm_lib.attention import Attention
from lstm_lib.batches import Batch, Shuffled, pad
from lstm_lib.evaluation import edit_distance, phoneme_error_rate
from lstm_lib.feedforward import Dense, Embedding
from lstm_lib.losses import IGNORE, softmax_cross_entropy
from lstm_lib.models import EncoderDecoder
from lstm_lib.optimizers import Adam
from lstm_lib.training import fit

QUESTION = "Does attention help to pronounce words, and words of which length?"
SETTINGS = {
    "seeds": [0, 1, 2],
    "models": [
        "no attention",
        "dot",
        "additive",
        "no attention, 3 x steps",
        "letter table",
        "context table",
    ],
    "trained": [3, 8],  # letters
    "every": 1,  # of these training words, each so many-th
    "tested": [3, 12],
    "words": 150,  # tested, of each length
    "embedding": 24,
    "hidden_size": 64,
    "batch": 64,
    "steps": 2000,
    "learning_rate": 0.003,
    "clip": 1.0,
    "context": 3,  # letters on either side, in the context table
    "aligned": ["knave", "wreck", "duplex", "eighty", "nightmare", "philippines"],
}
QUICK = {
    "seeds": [0],
    "models": ["no attention", "dot", "context table"],
    "every": 20,
    "words": 20,
    "steps": 90,
    "aligned": [],
}


def conditions(settings):
    """One for each model."""
    return [{"model": model} for model in settings["models"]]


def measure(settings, seed, model):
    """Learn, and pronounce words of the test part, drawn with the seed."""
    data = datasets.cmudict(stress=False)
    words = _words(data.train, *settings["trained"])
    words = dict(list(words.items())[:: settings["every"]])
    if model.endswith("table"):
        window = settings["context"] if model == "context table" else 0
        return _scores(_tables(words, window), data, settings, seed)
    kind, _, longer = model.partition(", ")
    network = _network(data, settings, seed, kind)
    fit(
        network,
        _batches(words, data, settings["batch"], seed),
        softmax_cross_entropy,
        Adam(settings["learning_rate"]),
        settings["steps"] * (3 if longer else 1),
        clip=settings["clip"],
    )
    parameters = sum(array.size for array in network.parameters.values())
    scores = _scores(lambda words: _read(network, data, words)[0], data, settings, seed)
    written = {}
    if seed == settings["seeds"][0]:
        written = {"written": [_align(network, data, w) for w in settings["aligned"]]}
    return {"parameters": parameters} | scores | written


def _scores(read, data, settings, seed):
    """Phoneme error rates by length, for lengths learned and for longer ones."""
    least, most = settings["tested"]
    lengths = list(range(least, most + 1))
    rng, pairs = np.random.default_rng((seed, 999)), {}
    for length in lengths:
        words = rng.permutation(list(_words(data.test, length, length)))
        words = words[: settings["words"]].tolist()
        pairs[length] = [
            (said, min(data.test[word], key=lambda true: edit_distance(said, true)))
            for word, said in zip(words, read(words))
        ]

    def error(*lengths):
        chosen = [pair for length in lengths for pair in pairs[length]]
        return round(phoneme_error_rate(*zip(*chosen)), 4)

    def right(length):
        exact = [said == list(true) for said, true in pairs[length]]
        return round(sum(exact) / len(exact), 4)

    known = [length for length in lengths if length <= settings["trained"][1]]
    return {
        "lengths": lengths,
        "errors": [error(length) for length in lengths],
        "right": [right(length) for length in lengths],
        "error": error(*lengths),
        "error_known": error(*known),
        "error_longer": error(*(n for n in lengths if n not in known)),
    }


def _words(part, least, most):
    """Words of so many letters, all of a to z."""
    return {
        word: spoken
        for word, spoken in part.items()
        if least <= len(word) <= most and word.isascii() and word.isalpha()
    }


def _network(data, settings, seed, kind):
    """Encoder and decoder; phoneme 0 stands before a word and ends it."""
    f32 = {"dtype": np.float32, "rng": np.random.default_rng(seed)}
    E, H = settings["embedding"], settings["hidden_size"]
    phonemes = len(data.phonemes) + 1
    seen = 2 * H if kind == "no attention" else 4 * H
    return EncoderDecoder(
        Embedding(len(data.letters), E, **f32),
        LSTM(E, H, bidirectional=True, **f32),
        Embedding(phonemes, E, **f32),
        LSTM(E, 2 * H, **f32),
        Dense(seen, phonemes, **f32),
        None if kind == "no attention" else Attention(2 * H, 2 * H, kind, **f32),
    )


def _batches(words, data, size, seed):
    """Batches of words of similar length, each with its first pronunciation."""
    pairs = [
        (data.letters.encode(word), data.phonemes.encode(spoken[0]) + 1)
        for word, spoken in words.items()
    ]

    def collate(pairs):
        source, lengths = pad([letters for letters, _ in pairs], 0)
        inputs, _ = pad([[0, *phonemes] for _, phonemes in pairs], 0)
        targets, _ = pad([[*phonemes, 0] for _, phonemes in pairs], IGNORE)
        return Batch((source, inputs), targets, lengths)

    lengths = [len(letters) for letters, _ in pairs]
    return Shuffled(pairs, size, collate, seed=seed, lengths=lengths)


def _read(network, data, words):
    """Phonemes of words of one length, and the weights (T, N, S) or None.

    At most two phonemes a letter are written.
    """
    source = np.array([data.letters.encode(word) for word in words]).T
    state = network.start(source)
    token, tokens, weights = np.zeros(len(words), int), [], []
    for _ in range(2 * len(source)):
        logits, state = network.step(token, state)
        token = logits.argmax(axis=1)
        tokens.append(token)
        weights.append(network.attention_weights)
    said = [row[: [*row, 0].index(0)] - 1 for row in np.array(tokens).T]
    weights = None if weights[0] is None else np.concatenate(weights)
    return [data.phonemes.decode(numbers) for numbers in said], weights


def _align(network, data, word):
    """What is written for a word, and what each phoneme looked at, the end too."""
    (said,), weights = _read(network, data, [word])
    written = {"word": word, "phonemes": said}
    if weights is not None:
        weights = weights[: len(said) + 1, 0].astype(float)
        written["weights"] = [[round(a, 3) for a in row.tolist()] for row in weights]
    return written


def _tables(words, window):
    """Read each letter by the phonemes most frequent for it and its neighbours.

    Counted are 0 to `window` neighbours on either side; the widest that
    was seen decides.
    """
    tables = {}
    for word, chunks in _chunks(words):
        for n in range(window + 1):
            for key, chunk in zip(_contexts(word, n), chunks):
                tables.setdefault(key, Counter())[chunk] += 1
    best = {key: max(found, key=found.get) for key, found in tables.items()}

    def read(words):
        return [
            [
                phoneme
                for keys in zip(*(_contexts(word, n) for n in range(window, -1, -1)))
                for phoneme in next(best[key] for key in keys if key in best)
            ]
            for word in words
        ]

    return read


def _contexts(word, n):
    """Each letter with n neighbours on either side."""
    padded = "." * n + word + "." * n
    return [padded[k : k + 2 * n + 1] for k in range(len(word))]


def _chunks(words, rounds=3):
    """Which of a word's phonemes each letter stands for: none, one or two.

    The likeliest cut, with the frequencies of the round before; the first
    counts words of as many letters as phonemes, one by one.
    """
    pairs = [
        (word, spoken[0])
        for word, spoken in words.items()
        if len(spoken[0]) <= 2 * len(word)
    ]
    cut = [(w, [(p,) for p in s]) for w, s in pairs if len(w) == len(s)]
    for _ in range(rounds):
        counts = Counter(pair for word, chunks in cut for pair in zip(word, chunks))
        totals = Counter(letter for word, _ in cut for letter in word)
        cost = {pair: log(totals[pair[0]] / n) for pair, n in counts.items()}
        cut = [(word, _cut(word, spoken, cost)) for word, spoken in pairs]
    return cut


def _cut(word, spoken, cost):
    """The cheapest way to deal the phonemes out to the letters, in order."""
    ways = {0: (0.0, ())}  # phonemes dealt -> cost, chunks
    for letter in word:
        longer = {}
        for done, (price, chunks) in ways.items():
            for end in range(done, min(done + 2, len(spoken)) + 1):
                chunk = spoken[done:end]
                total = price + cost.get((letter, chunk), 5 + 3 * len(chunk))
                if end not in longer or total < longer[end][0]:
                    longer[end] = total, (*chunks, chunk)
        ways = longer
    return ways[len(spoken)][1]


def claims(results):
    """For every seed: all models of one seed read the same words."""
    found = {(record["model"], record["seed"]): record for record in results}
    seeds = {record["seed"] for record in results}
    known, longer = "error_known", "error_longer"
    none, table, attention = "no attention", "context table", ["dot", "additive"]

    def ratios(model, other, part, other_part=None):
        """A model's errors over another's, one for each seed."""
        return [
            found[model, seed][part] / found[other, seed][other_part or part]
            for seed in seeds
        ]

    def gaps(model, *lengths):
        """The errors a phoneme that attention saves, on average over lengths."""
        at = [results[0]["lengths"].index(length) for length in lengths]
        errors = {key: np.array(r["errors"])[at].mean() for key, r in found.items()}
        return [errors[none, seed] - errors[model, seed] for seed in seeds]

    def grows(model):
        return ratios(model, model, longer, known)

    claims = {
        "3 to 8 letters: dot errs less than no attention": max(
            ratios("dot", none, known)
        )
        < 1,
        "9 to 12 letters: dot errs less than no attention": max(
            ratios("dot", none, longer)
        )
        < 1,
        "context table: at most a quarter more errors beyond 8 letters": max(
            grows(table)
        )
        < 1.25,
    }
    if ("additive", 0) not in found:
        return claims
    more = "no attention, 3 x steps"  # the full version
    return claims | {
        "no attention: errors more than double beyond 8 letters": min(grows(none)) > 2,
        "9 to 12 letters: attention makes at most 0.7 of the errors": all(
            max(ratios(model, none, longer)) < 0.7 for model in attention
        ),
        "9 to 12 letters: at most 0.8 of those without after 3 x steps": all(
            max(ratios(model, more, longer)) < 0.8 for model in attention
        ),
        "4 and 5 letters: attention saves less than 0.04": all(
            max(np.abs(gaps(model, 4, 5))) < 0.04 for model in attention
        ),
        "12 letters: attention saves more than 0.1": all(
            min(gaps(model, 12)) > 0.1 for model in attention
        ),
        "3 to 8 letters: attention errs less than the context table": all(
            max(ratios(model, table, known)) < 1 for model in attention
        ),
        "9 to 12 letters: the context table makes at most 0.85 of the errors": all(
            max(ratios(table, model, longer)) < 0.85 for model in attention
        ),
    }
