"""Chapter 1: its formulas, its questions, and other right answers to its exercises."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from answers import numbers, right_names

from lstm_lib import (
    IGNORE,
    LSTM,
    Dense,
    Embedding,
    EncoderDecoder,
    LastStep,
    MeanOverTime,
    OneHot,
    draw,
    softmax_cross_entropy,
)
from lstm_lib.checks import check
from lstm_lib.checks.misconceptions.simple_rnn import CONFUSIONS
from lstm_lib.checks.references.sequences import last_outputs


@pytest.fixture
def chapter(live):
    """The names that the live cells of this chapter define."""
    return live("01_sequences")


# ---- sequences as arrays -------------------------------------------------------


def test_eq_one_hot(chapter):
    """Number by number, for every token of the two sentences."""
    tokens, x = chapter["tokens"], chapter["x"]
    T, N, K = 3, 2, 7
    assert tokens.shape == (T, N) and x.shape == (T, N, K)
    for t, n, j in itertools.product(range(T), range(N), range(K)):
        assert x[t, n, j] == (1 if j == tokens[t, n] else 0)


def test_eq_row_lookup(chapter):
    """W e_k sum by sum on columns, and the product of the code on rows."""
    rows, tokens = chapter["W"], chapter["tokens"]
    W = rows.T  # (H, K), as in the equation
    H, K = W.shape
    assert (H, K) == (4, 7)
    for k in range(K):
        e = [1.0 if j == k else 0.0 for j in range(K)]
        product = [sum(W[i, j] * e[j] for j in range(K)) for i in range(H)]
        assert product == list(W[:, k])
    in_code = chapter["x"] @ rows
    for t, n in np.ndindex(tokens.shape):
        assert list(in_code[t, n]) == list(W[:, tokens[t, n]])


# ---- bags ----------------------------------------------------------------------


def share(k, tokens):
    """The number k of the bag, by the formula: token by token."""
    return sum(1.0 if token == k else 0.0 for token in tokens) / len(tokens)


def test_eq_bag(chapter):
    """Counted word by word, as the cell and MeanOverTime have it."""
    words = chapter["task"].vocabulary  # the same for one sentence and for two
    for review, b in zip(chapter["pair"], chapter["bags"]):
        tokens = [words.index(word) for word in review.split()]
        for k in range(len(words)):
            assert math.isclose(b[k], share(k, tokens))
    tokens = np.array([[2, 0], [2, 1], [4, 1], [3, 3]])  # one comes twice
    means = MeanOverTime()(OneHot(5)(tokens), lengths=[4, 3])
    for n, length in enumerate((4, 3)):
        for k in range(5):
            assert math.isclose(means[n, k], share(k, tokens[:length, n]))


def test_eq_bag_order(chapter):
    """In every order of five tokens; what is no mean tells the orders apart."""
    tokens = [3, 0, 3, 1, 2]
    rows = np.random.default_rng(0).normal(size=(4, 6))  # any vectors will do
    means, firsts = [], set()
    for order in itertools.permutations(range(5)):
        shuffled = [tokens[k] for k in order]
        means.append(sum(rows[x] for x in shuffled) / 5)
        firsts.add(shuffled[0])
        assert chapter["bag"](shuffled) == chapter["bag"](tokens)
    assert np.allclose(means, means[0], rtol=1e-12) and len(firsts) > 1


def test_eq_best_accuracy(chapter):
    """No rule of all the rules there are does better, and one does as well."""
    rng = np.random.default_rng(5)
    views, labels = rng.integers(4, size=30), rng.integers(3, size=30)
    best = max(
        np.mean([rule[b] == k for b, k in zip(views, labels)])
        for rule in itertools.product(range(3), repeat=4)
    )
    P = np.zeros((4, 3))
    for b, k in zip(views, labels):
        P[b, k] += 1 / 30
    formula = sum(max(P[b, k] for k in range(3)) for b in range(4))
    assert math.isclose(formula, best)
    assert math.isclose(chapter["best_accuracy"](views, list(labels)), best)


def test_what_the_views_of_a_review_are_worth(chapter):
    """A bag is as often positive as negative; all 256 reviews were drawn."""
    texts, opinions = chapter["texts"], chapter["opinions"]
    assert len(texts) == 8 * 4 * 4 * 2
    total = Counter()
    for words, opinion in zip(texts, opinions):
        total[tuple(sorted(words))] += 1 if opinion else -1
    assert set(total.values()) == {0}


# ---- states ----------------------------------------------------------------------


def other_rule(h, x):
    """A rule that does not give the same in another order."""
    return 0.5 * h + x + h * x


def test_eq_recurrence(chapter):
    """Each state from the one before, by index."""
    x = [0.3, -1.2, 0.7, 2.0]
    h = {0: 0.9}
    for t in range(1, 5):
        h[t] = other_rule(h[t - 1], x[t - 1])
    assert chapter["run"](other_rule, 0.9, x) == [h[t] for t in range(1, 5)]


def test_eq_unfolded(chapter):
    """One inside the other; in another order it is another number."""
    F, h, (x1, x2, x3) = other_rule, 0.9, (0.3, -1.2, 0.7)
    unfolded = F(F(F(h, x1), x2), x3)
    assert chapter["run"](F, h, [x1, x2, x3])[-1] == unfolded
    assert unfolded != F(F(F(h, x3), x2), x1)


def test_eq_parity(chapter):
    """For every string of six bits, at every step."""
    assert [h + x - 2 * h * x for h in (0, 1) for x in (0, 1)] == [0, 1, 1, 0]
    for bits in itertools.product((0, 1), repeat=6):
        counted = [sum(bits[: t + 1]) % 2 for t in range(6)]
        assert chapter["run"](chapter["odd"], 0, bits) == counted


# ---- outputs one after the other -----------------------------------------------


def test_eq_chain_rule(chapter):
    """Of each name the product over its letters; by themselves they do not give it."""
    odds, belief = chapter["letter_odds"], chapter["belief"]
    for name, p in belief.items():
        given = [odds(s, begins=name[:s])[letter] for s, letter in enumerate(name)]
        assert math.isclose(math.prod(given), p)
        apart = [odds(s)[letter] for s, letter in enumerate(name)]
        assert not math.isclose(math.prod(apart), p, rel_tol=0.1)
    assert math.isclose(sum(belief.values()), 1)
    assert chapter["apart"] == ["s", "i", "v", "e", "."] and chapter["text"] == "six."


def test_no_tagger_from_left_to_right_has_more_than_300(chapter):
    """15 of the 75 sentences begin like another whose word is tagged otherwise."""
    language = chapter["language"]
    so_far = Counter()
    for words, form in language:
        for t in range(len(words)):
            so_far[words[: t + 1], form[t]] += 1
    likeliest = {}
    for (words, _), count in so_far.items():
        likeliest[words] = max(count, likeliest.get(words, 0))
    assert sum(likeliest.values()) == 300
    assert sum(len(words) for words, _ in language) == len(chapter["tags"]) == 315
    assert len({words for words, _ in language}) == 75


def test_a_state_is_never_absent(chapter):
    """And an input is, where the figure has an empty circle."""
    assert all((norms > 0.05).all() for norms in chapter["norms"].values())
    one_in, out = chapter["patterns"]["one-to-many"]
    assert one_in.count("-") == 5 and out.count("-") == 0


# ---- padding -----------------------------------------------------------------------


def test_eq_last_output():
    """One by one, as LastStep and the reference of the check have it."""
    T, N, H, lengths = 6, 4, 3, np.array([2, 6, 1, 5])
    h = np.random.default_rng(0).normal(size=(T, N, H))
    one_by_one = [[h[lengths[n] - 1][n][k] for k in range(H)] for n in range(N)]
    assert np.array_equal(LastStep()(h, lengths), one_by_one)
    assert np.array_equal(last_outputs(h, lengths), one_by_one)


def test_eq_masked_mean():
    """The loss with IGNORE is the mean over the true steps, and not over T N."""
    T, N, K, lengths = 5, 3, 4, (2, 5, 3)
    rng = np.random.default_rng(0)
    z, targets = rng.normal(size=(T, N, K)), rng.integers(K, size=(T, N))
    total = 0.0
    for n in range(N):
        for t in range(lengths[n]):
            powers = [math.exp(score) for score in z[t, n]]
            total -= math.log(powers[targets[t, n]] / sum(powers))
        targets[lengths[n] :, n] = IGNORE
    assert math.isclose(softmax_cross_entropy(z, targets)[0], total / sum(lengths))


def test_reviews_have_8_to_24_words(chapter):
    """And fill a sixth of the batch in the text with padding."""
    lengths = chapter["task"].sample(5000, rng=1).lengths
    assert (lengths.min(), lengths.max()) == (8, 24)
    assert math.isclose(chapter["after_end"].mean(), 1 / 6, abs_tol=0.01)


def test_the_state_at_the_end_does_not_know_the_padding(chapter):
    """The three printed lines, and the zeros."""
    n, end = chapter["n"], chapter["end"]
    assert np.allclose(chapter["alone"][-1, 0], chapter["padded"][end - 1, n])
    assert not np.allclose(chapter["alone"][-1, 0], chapter["padded"][-1, n], atol=0.03)
    assert not chapter["told"][-1, n].any()


# ---- questions ---------------------------------------------------------------------


def test_bag_of_two_symbols(chapter, questions):
    """By counting all orders, and all bags."""
    found = numbers(questions["01", "bag-of-two-symbols"])
    orders = ["".join(pair) for pair in itertools.product("XY", repeat=2)]
    best = chapter["best_accuracy"]
    assert found.pop("right") == best([chapter["bag"](o) for o in orders], orders)
    assert found.pop("0.25") == best([None] * 4, orders)
    bags = Counter(chapter["bag"](order) for order in orders)
    assert found.pop("0.5") == sum(c for c in bags.values() if c == 1) / 4
    assert found == {"bag-in-place-of-a-sequence": best(orders, orders)}


def test_fingers_of_a_melody(questions):
    """Each wrong choice is linked to the confusion that it is."""
    known = {c.id: c for c in CONFUSIONS}
    for option in questions["01", "fingers-of-a-melody"].options:
        chosen = option.text.replace(",", "")
        if option.right:
            assert chosen == "many-to-many aligned"
        else:
            confusion = known[option.misconception]
            assert (confusion.expected, confusion.chosen) == (
                "many-to-many aligned",
                chosen,
            )


def test_through_one_place(questions):
    """With the encoder's last state replaced, the source makes no difference."""
    rng = np.random.default_rng(0)
    model = EncoderDecoder(
        Embedding(7, 3, rng=rng),
        LSTM(3, 4, rng=rng),
        Embedding(6, 3, rng=rng),
        LSTM(3, 4, rng=rng),
        Dense(4, 6, rng=rng),
    )
    (one, *rest), (other, *others) = (
        model.start(rng.integers(7, size=(5, 2))) for _ in range(2)
    )
    tokens = np.array([1, 1])
    same = model.step(tokens, (one, *rest))[0], model.step(tokens, (one, *others))[0]
    assert np.array_equal(*same)
    assert not np.allclose(same[0], model.step(tokens, (other, *others))[0])
    words = "the small cat sees a bird".split(), "<bos> miru niki selin un dam".split()
    drawn = {w["name"] for w in draw.unroll(model, words=words).json()["wires"]}
    right = right_names(questions["01", "through-one-place"])
    assert right == {"decoder-l0-h-0", "decoder-l0-c-0"} and right <= drawn


def test_signs_of_forgotten_lengths(chapter, questions):
    """Read without lengths: alone and for the longest right, in a batch not."""
    layer, hot = chapter["layer"], chapter["hot"]
    tokens, lengths = chapter["batch"].inputs, chapter["batch"].lengths
    right = LastStep()(layer(hot(tokens))[0], lengths)
    batch = layer(hot(tokens))[0][-1]
    for n, length in enumerate(lengths):
        alone = layer(hot(tokens[:length, n : n + 1]))[0][-1, 0]
        assert np.allclose(alone, right[n])
        assert np.allclose(batch[n], right[n]) == (length == lengths.max())
    options = questions["01", "signs-of-forgotten-lengths"].options
    assert [option.right for option in options] == [True, True, False, False, True]


# ---- other right answers to the exercises --------------------------------------


def one_hot_by_loops(tokens, size):
    rows = []
    for step in tokens:
        rows.append([[int(token == k) for k in range(size)] for token in step])
    return rows


def one_hot_by_index(tokens, size):
    rows = np.zeros((*tokens.shape, size))
    t, n = np.indices(tokens.shape)
    rows[t, n, tokens] = 1
    return rows


def one_hot_flat(tokens, size):
    flat = np.zeros((tokens.size, size), "float32")
    flat[np.arange(tokens.size), tokens.reshape(-1)] = 1
    return flat.reshape(*tokens.shape, size)


def last_by_a_loop(y, lengths):
    return [y[length - 1, n] for n, length in enumerate(lengths)]


def last_by_take(y, lengths):
    return np.take_along_axis(y, (lengths - 1)[None, :, None], axis=0)[0]


def last_by_a_mask(y, lengths):
    at_end = np.arange(1, len(y) + 1)[:, None] == lengths
    return (y * at_end[..., None]).sum(axis=0)


def last_of_each_column(y, lengths):
    rows = [column[:length][-1] for column, length in zip(y.swapaxes(0, 1), lengths)]
    return np.stack(rows)


STYLES = {
    "rows of the identity": ("one_hot", lambda tokens, size: np.eye(size)[tokens]),
    "rows of an integer identity": (
        "one_hot",
        lambda tokens, size: np.eye(size, dtype=int)[tokens],
    ),
    "one hot by comparison": (
        "one_hot",
        lambda tokens, size: (tokens[..., None] == np.arange(size)).astype(float),
    ),
    "one hot by loops": ("one_hot", one_hot_by_loops),
    "one hot by index": ("one_hot", one_hot_by_index),
    "one hot, flat at first": ("one_hot", one_hot_flat),
    "the layer": ("one_hot", lambda tokens, size: OneHot(size)(tokens)),
    "two indices": (
        "last_outputs",
        lambda y, lengths: y[lengths - 1, np.arange(y.shape[1])],
    ),
    "last by a loop": ("last_outputs", last_by_a_loop),
    "last by take": ("last_outputs", last_by_take),
    "last by a mask": ("last_outputs", last_by_a_mask),
    "last of each column": ("last_outputs", last_of_each_column),
    "the layer of last steps": ("last_outputs", lambda y, n: LastStep()(y, n)),
}


@pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
@pytest.mark.parametrize("style", STYLES)
def test_other_right_answers_keep_all_points(style, hidden):
    """Whatever the style, the seed and the kind of case."""
    name, function = STYLES[style]
    for seed in (0, 7, 11):
        assert check(function, name, points=3, hidden=hidden, seed=seed) == 3.0


def test_truth_values_are_told_what_is_wanted(capsys):
    """The most natural slip of one_hot: the comparison itself."""
    earned = check(lambda tokens, size: tokens[..., None] == np.arange(size), "one_hot")
    assert earned == 0.0
    assert "should hold real numbers, but holds bool" in capsys.readouterr().out
