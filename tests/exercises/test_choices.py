"""The promises of check_choices: fair points, kind words, no trust."""

import json

import numpy as np
import pytest

from lstm_lib import checks
from lstm_lib.checks import check_choices
from lstm_lib.checks.choices import CHOICES
from lstm_lib.checks.misconceptions.simple_rnn import CONFUSIONS
from lstm_lib.checks.references.simple_rnn import PROBLEM_SHAPES, SHAPES
from lstm_lib.checks.report import VERDICT

JUDGED = {name: shape for name, shape in PROBLEM_SHAPES.items() if shape}
LATER = [name for name, shape in PROBLEM_SHAPES.items() if not shape]
# What the hidden test of the assignment knows, and lstm_lib does not.
HIDDEN = dict(zip(LATER, ["one-to-one", SHAPES[4], "one-to-many", SHAPES[3]]))
RIGHT = {**JUDGED, **HIDDEN}


def report_on(capsys, answers, points=2, **keywords):
    """Check outside a notebook: the points and the text it printed."""
    capsys.readouterr()
    earned = check_choices(answers, "problem_shapes", points, **keywords)
    printed = capsys.readouterr()
    assert printed.err == ""
    assert type(earned) is float
    return earned, printed.out


# ---- points ----------------------------------------------------------------------


def test_right_choices_earn_every_point(capsys):
    points, text = report_on(capsys, RIGHT)
    assert points == 2.0
    assert text.startswith("problem_shapes: 4 of 4 cases, 2 of 2 points.")
    assert report_on(capsys, RIGHT, expected=HIDDEN)[0] == 2.0


def test_every_application_is_a_case_of_its_own(capsys):
    for name, shape in JUDGED.items():
        wrong = next(other for other in SHAPES if other != shape)
        assert report_on(capsys, RIGHT | {name: wrong})[0] == 1.5
    assert report_on(capsys, {name: JUDGED[name] for name in [*JUDGED][:3]})[0] == 1.5


def test_the_answers_judged_later_cost_nothing_here(capsys):
    for value in (None, "one-to-one", "no such shape", 7):
        answers = RIGHT | dict.fromkeys(LATER, value)
        assert report_on(capsys, answers)[0] == 2.0


def test_the_answers_judged_later_are_nowhere_in_the_package():
    assert [*PROBLEM_SHAPES.values()].count(None) == len(LATER) == 4
    assert set(CHOICES["problem_shapes"].expected.values()) == {None, *JUDGED.values()}


def test_one_name_for_all_earns_its_share_and_no_more(capsys):
    for shape in SHAPES:
        share = [*JUDGED.values()].count(shape) / 4
        assert report_on(capsys, dict.fromkeys(RIGHT, shape), 4)[0] == 4 * share


# ---- what is said ----------------------------------------------------------------


@pytest.mark.parametrize("confusion", CONFUSIONS, ids=lambda c: c.id)
def test_each_confusion_has_a_sentence_that_asks(confusion):
    assert confusion.sentence.endswith((".", "?")) and "?" in confusion.sentence
    assert confusion.expected not in confusion.sentence
    assert confusion.check in CHOICES


def test_every_wrong_choice_is_a_confusion():
    pairs = {(c.expected, c.chosen) for c in CONFUSIONS}
    assert pairs == {(a, b) for a in SHAPES for b in SHAPES if a != b}
    assert len({c.id for c in CONFUSIONS}) == len(CONFUSIONS) == 20


def test_a_visible_wrong_choice_hears_its_sentence(capsys):
    for name, shape in JUDGED.items():
        for confusion in (c for c in CONFUSIONS if c.expected == shape):
            _, text = report_on(capsys, RIGHT | {name: confusion.chosen})
            assert confusion.sentence in text
            assert "#sec-four-shapes" in text


def test_a_hidden_wrong_choice_hears_only_that_it_is_wrong(capsys):
    """Whatever is right and whatever was chosen, the words are the same."""
    texts = set()
    for confusion in CONFUSIONS:
        _, text = report_on(
            capsys,
            {LATER[0]: confusion.chosen},
            expected={LATER[0]: confusion.expected},
        )
        assert "This choice is wrong." in text
        assert not [c for c in CONFUSIONS if c.sentence in text]
        texts.add(text)
    assert len(texts) == 1


def test_a_note_says_which_answers_are_judged_later(capsys):
    _, text = report_on(capsys, RIGHT)
    assert f"note: {', '.join(LATER)}: Answered; judged when your work" in text
    _, text = report_on(capsys, RIGHT | {LATER[1]: None})
    assert f"note: {LATER[1]}: Not answered yet." in text


def test_blank_answers_are_said_to_be_blank(capsys):
    points, text = report_on(capsys, dict.fromkeys(RIGHT))
    assert points == 0.0
    assert "Not answered yet." in text
    assert report_on(capsys, dict.fromkeys(RIGHT), expected=HIDDEN)[0] == 0.0


MISSPELT = {
    "one to one": "Did you mean `one-to-one`?",
    "Many-to-One": "Did you mean `many-to-one`?",
    "1-to-many": "Did you mean `one-to-many`?",
    "many-to-many": "Did you mean `many-to-many aligned` or `many-to-many unaligned`?",
    "many_to_many_unalined": "`many-to-many unaligned`",
    "seq2seq": "The names are `one-to-one`, `one-to-many`, `many-to-one`",
    "": "The names are `one-to-one`",
}


@pytest.mark.parametrize("written", MISSPELT)
def test_a_misspelt_name_is_asked_about(written, capsys):
    name = [*JUDGED][0]
    points, text = report_on(capsys, RIGHT | {name: written})
    assert points == 1.5
    assert "is none of the names." in text
    assert MISSPELT[written] in text
    _, text = report_on(capsys, RIGHT | {LATER[0]: written})
    assert f"note: {LATER[0]}: " in text and MISSPELT[written] in text


def test_a_missing_key_and_a_strange_one_are_named(capsys):
    answers = RIGHT | {"transaltion": RIGHT["translation"]}
    del answers["translation"]
    points, text = report_on(capsys, answers)
    assert points == 1.5
    assert "There is no entry with this name." in text
    assert "`transaltion` is none of the applications." in text


def test_a_value_that_is_no_text_is_told_so(capsys):
    for value in (3, ["one-to-one"], RIGHT, b"one-to-one", np.zeros(2)):
        _, text = report_on(capsys, RIGHT | {"translation": value})
        assert "Write one name, as text in quotes: `one-to-one`" in text


@pytest.mark.parametrize("answers", [None, [], "one-to-one", 5, set(), [("a", "b")]])
def test_what_is_no_dict_is_told_so(answers, capsys):
    for keywords in ({}, {"expected": HIDDEN}):
        points, text = report_on(capsys, answers, **keywords)
        assert points == 0.0
        assert "Expected a dict from application to shape" in text


# ---- hostile dicts ---------------------------------------------------------------


def refuse(*arguments, **keywords):
    raise SystemExit("this is the student's own code")


class LyingDict(dict):
    """Right answers to whoever asks politely."""

    def get(self, *arguments):
        return refuse()

    __getitem__ = __contains__ = __iter__ = __len__ = __eq__ = get
    keys = values = items = copy = __bool__ = __repr__ = __missing__ = get


class FakeDict:
    """Says that it is a dict, and is none."""

    __class__ = dict

    def __iter__(self):
        while True:
            yield "translation"

    keys = items = __iter__

    def __getitem__(self, key):
        return RIGHT[key]


class LyingText(str):
    """Equal to everything, and dangerous to touch."""

    def __eq__(self, other):
        return True

    def __hash__(self):
        return hash("translation")

    __str__ = __repr__ = __len__ = __iter__ = lower = strip = encode = refuse
    __getitem__ = __format__ = __contains__ = isprintable = refuse


class LyingType(type):
    """A type whose very name raises."""

    @property
    def __name__(self):
        refuse()

    __instancecheck__ = __subclasscheck__ = __eq__ = refuse
    __hash__ = type.__hash__


class Unhashable(metaclass=LyingType):
    __eq__ = __bool__ = __str__ = __repr__ = __iter__ = refuse

    def __hash__(self):
        return 5


def endless():
    while True:
        yield "one-to-one"


def unlucky_key():
    """A key whose hash worked once."""
    key, answers = LyingText("sentiment of a review"), {}
    answers[key] = "one-to-one"
    return answers


HOSTILE = {
    "a dict that raises": (LyingDict(dict.fromkeys(RIGHT, "one-to-one")), 0.0),
    "a dict that raises, but is right": (LyingDict(RIGHT), 2.0),
    "no dict at all": (FakeDict(), 0.0),
    "values that equal everything": (dict.fromkeys(RIGHT, LyingText("x")), 0.0),
    "values that hide a right name": (
        {name: LyingText(shape) for name, shape in RIGHT.items()},
        2.0,
    ),
    "keys that equal everything": (unlucky_key(), 0.0),
    "keys of another kind": ({Unhashable(): "x", 3: "x", (): "x", None: "x"}, 0.0),
    "values of another kind": (dict.fromkeys(RIGHT, Unhashable()), 0.0),
    "endless values": (dict.fromkeys(RIGHT, endless()), 0.0),
    "an endless generator": (endless(), 0.0),
    "a dict in itself": (RIGHT | {"translation": RIGHT}, 1.5),
    "very long text": (RIGHT | {"translation": "many-to-many aligned" * 10**6}, 1.5),
    "markup": (RIGHT | {"translation": "<script>alert(1)</script>"}, 1.5),
    "text that no file can hold": (
        RIGHT | {"translation": "\ud800\x00`\u202e", "\ud800": "x"},
        1.5,
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_choices_earn_what_they_hold_and_stop_nothing(kind, capsys, notebook):
    answers, share = HOSTILE[kind]
    assert check_choices(answers, "problem_shapes", 2) == share
    check_choices(answers, "problem_shapes", 2, expected=HIDDEN)
    for bundle in notebook:
        assert "<script>" not in bundle["text/html"]
        assert len(bundle["text/plain"]) < 2000
        json.dumps(bundle, ensure_ascii=False).encode()  # what a kernel does with it


def test_choices_stay_as_they_are(capsys):
    answers = RIGHT | {"translation": None, "mine": 1}
    before = dict(answers)
    report_on(capsys, answers)
    assert answers == before


# ---- what comes back, and what is shown ------------------------------------------


def test_a_notebook_gets_text_html_and_a_verdict(notebook):
    check_choices(RIGHT | {"translation": SHAPES[3]}, "problem_shapes", points=2)
    (bundle,) = notebook
    assert set(bundle) == {"text/plain", "text/html", VERDICT}
    assert "<li>note: " in bundle["text/html"]
    verdict = bundle[VERDICT]
    assert (verdict["check"], verdict["score"]) == ("problem_shapes", 0.75)
    cases = {case["name"]: case for case in verdict["cases"]}
    assert set(cases) == set(JUDGED)
    for name, case in cases.items():
        assert (
            " ".join(case) == "name passed misconception mistake message section link"
        )
        assert case["passed"] == (name != "translation")
    assert cases["translation"]["misconception"] == "aligned-for-unaligned"


def test_links_lead_to_the_site_that_is_set(capsys, monkeypatch):
    monkeypatch.setattr(checks, "SITE", "https://example.org/book")
    _, text = report_on(capsys, RIGHT | {"translation": SHAPES[3]})
    assert (
        "https://example.org/book/notebooks/01_sequences.html#sec-four-shapes" in text
    )


@pytest.mark.parametrize(
    ("keywords", "argument"),
    [
        ({"name": "problem_shape"}, "name"),
        ({"points": 0}, "points"),
        ({"points": float("inf")}, "points"),
        ({"expected": {}}, "expected"),
        ({"expected": {"translatoin": "one-to-one"}}, "expected"),
        ({"expected": {"translation": "one to one"}}, "expected"),
    ],
)
def test_an_instructor_s_mistake_is_an_error_that_names_the_argument(
    keywords, argument
):
    with pytest.raises(ValueError, match=f"^{argument}: expected .*, got "):
        check_choices(RIGHT, **{"name": "problem_shapes"} | keywords)
