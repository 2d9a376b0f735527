"""The promises of lstm_lib.checks: fair points, named mistakes, no surprises."""

import json
import logging
import subprocess
import sys
import warnings

import numpy as np
import pytest
from IPython.core.error import StdinNotImplementedError
from nbgrader.utils import get_partial_grade

import lstm_lib
from lstm_lib import checks
from lstm_lib.checks import check
from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.lstm import gates, lstm_forward, lstm_step
from lstm_lib.checks.references.simple_rnn import rnn_forward
from lstm_lib.checks.references.torch_layers import torch_lstm_shapes
from lstm_lib.checks.report import PAGES, VERDICT, Report
from lstm_lib.checks.running import Outcome, run_cases

NAMES = tuple(SUBJECTS)


KINDS = pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])
ENTRIES = {entry.id: entry for entry in BANK}
SWAPPED = ENTRIES["forget-and-input-swapped"].function


def report_on(capsys, *arguments, **keywords):
    """Run a check outside a notebook: the points and the text it printed."""
    capsys.readouterr()
    points = check(*arguments, **keywords)
    printed = capsys.readouterr()
    assert printed.err == ""  # any text on stderr would make nbgrader give 0
    return points, printed.out


def wrong_step(change):
    """A right lstm_step whose answer goes through change(h, c)."""
    return lambda *arguments: change(*lstm_step(*arguments))


# ---- right answers --------------------------------------------------------------


def sigmoid_by_cases(z):
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))


def step_on_concatenation(x, h, c, W, U, b):
    z = np.concatenate([x, h], axis=1) @ np.vstack([W, U]) + b
    H = h.shape[1]
    keep = sigmoid_by_cases(z[:, H : 2 * H])
    write = sigmoid_by_cases(z[:, :H]) * np.tanh(z[:, 2 * H : 3 * H])
    c = keep * c + write
    return sigmoid_by_cases(z[:, 3 * H :]) * np.tanh(c), c


def step_in_lists(x, h, c, W, U, b):
    examples = zip(x[:, None], h[:, None], c[:, None])
    rows = [lstm_step(*example, W, U, b) for example in examples]
    return [h[0].tolist() for h, _ in rows], [c[0].tolist() for _, c in rows]


def forward_into_a_buffer(x, h, c, W, U, b):
    y = np.empty((len(x), *h.shape))
    for t in range(len(x)):
        h, c = y[t], c = lstm_step(x[t], h, c, W, U, b)
    return y, [h, c]


RIGHT = {
    "exact": ("sigmoid", lstm_lib.sigmoid),
    "sigmoid by cases": ("sigmoid", sigmoid_by_cases),
    "sigmoid in float32": ("sigmoid", lambda z: sigmoid_by_cases(z).astype("f4")),
    "the step of the book": ("lstm_step", lstm_lib.lstm_step),
    "step on [x, h]": ("lstm_step", step_on_concatenation),
    "step with lists": ("lstm_step", step_in_lists),
    "step stacked": ("lstm_step", lambda *a: np.stack(lstm_step(*a))),
    "forward in a buffer": ("lstm_forward", forward_into_a_buffer),
    "forward with a list": (
        "lstm_forward",
        lambda *a: (list(lstm_forward(*a)[0]), lstm_forward(*a)[1]),
    ),
    "count as a float": ("lstm_parameter_count", lambda D, H: 4.0 * H * (D + H + 1)),
}


@KINDS
@pytest.mark.parametrize("style", RIGHT)
def test_every_right_style_keeps_all_points(style, hidden):
    name, function = RIGHT[style]
    assert check(function, name, points=3, hidden=hidden) == 3.0


@KINDS
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", NAMES)
def test_the_reference_keeps_all_points_for_every_seed(name, seed, hidden):
    assert check(SUBJECTS[name].reference, name, 2, hidden=hidden, seed=seed) == 2.0


def test_our_references_are_the_book_s_cell():
    for case in SUBJECTS["lstm_step"].cases(hidden=True, seed=1):
        ours, theirs = lstm_step(*case.arguments), lstm_lib.lstm_step(*case.arguments)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_a_seed_gives_the_same_inputs_and_another_seed_others():
    first, again, other = (SUBJECTS["sigmoid"].cases(True, s) for s in (5, 5, 6))
    np.testing.assert_array_equal(first[0].arguments[0], again[0].arguments[0])
    assert not np.array_equal(first[0].arguments[0], other[0].arguments[0])


# ---- wrong answers --------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("entry", BANK, ids=lambda entry: entry.id)
def test_each_misconception_is_named_and_loses_points(entry, seed, hidden, capsys):
    points, text = report_on(
        capsys, entry.function, entry.check, points=4, hidden=hidden, seed=seed
    )
    cases = SUBJECTS[entry.check].cases(hidden, seed)
    right = sum(case.name in entry.right_on for case in cases)
    assert points == 4 * right / len(cases)
    assert entry.sentence in text
    assert f"#{entry.section}" in text
    others = [other for other in BANK if other.sentence in text]
    assert others == [entry]


def test_the_book_s_page_lists_the_bank(root):
    page = subprocess.run(
        [sys.executable, "-m", "lstm_lib.checks", "bank"],
        capture_output=True,
        text=True,
    )
    stored = (root / "book" / "misconceptions.md").read_text("utf-8")
    assert stored == page.stdout, (
        "run: python -m lstm_lib.checks bank > book/misconceptions.md"
    )
    assert len(BANK) >= 60
    for entry in BANK:
        assert entry.sentence.replace("|", "\\|") in page.stdout


def test_every_misconception_has_a_section_that_pages_know():
    known = {section for sections in PAGES.values() for section in sections}
    used = {thing.section for thing in [*BANK, *SUBJECTS.values()]}
    assert {section for section in used if not section.startswith("term-")} <= known
    assert len(ENTRIES) == len(BANK)


BAD_ANSWERS = {
    "NaN": (lambda h, c: (h * np.nan, c), "NaN"),
    "one NaN": (lambda h, c: (h, np.where(c == c.max(), np.nan, c)), "NaN"),
    "complex": (lambda h, c: (h + 0j, c), "complex"),
    "objects": (lambda h, c: (h.astype(object), c), "object"),
    "text": (lambda h, c: (h.astype(str), c), "real numbers"),
    "transposed": (lambda h, c: (h.T, c.T), "(N, H)"),
    "one more axis": (lambda h, c: (h[None], c), "(N, H)"),
    "empty": (lambda h, c: (h[:0], c), "(N, H)"),
    "one number": (lambda h, c: (h.mean(), c.mean()), "(N, H)"),
    "h alone": (lambda h, c: h, "h, c"),
    "three values": (lambda h, c: (h, c, c), "h, c"),
    "nothing": (lambda h, c: None, "nothing (None). Did you mean `return`?"),
    "a dict": (lambda h, c: {"h": h, "c": c}, "of type dict, which is not an array"),
    "a generator": (
        lambda h, c: (part for part in (h, c)),
        "where you meant `return`?",
    ),
    "ragged": (lambda h, c: ([[1.0], [1.0, 2.0]], c), "h"),
    "a little off": (lambda h, c: (h * (1 + 1e-3), c), "differs"),
    "h wrong": (lambda h, c: (0.9 * h, c), "`c` is right"),
}


@pytest.mark.parametrize("kind", BAD_ANSWERS)
def test_an_answer_of_the_wrong_kind_earns_nothing_and_hears_why(kind, capsys):
    change, expected = BAD_ANSWERS[kind]
    points, text = report_on(capsys, wrong_step(change), "lstm_step", 3)
    assert points == 0.0
    assert expected in text


BAD_COUNTS = {
    "nothing": (None, "should be one number, but you returned nothing (None). Did you"),
    "an array": (np.zeros(2), "should be one number, but you returned an array"),
    "a dict": ({}, "of type dict"),
}


@pytest.mark.parametrize("kind", BAD_COUNTS)
def test_a_count_that_is_no_number_hears_what_it_is(kind, capsys):
    answer, expected = BAD_COUNTS[kind]
    points, text = report_on(capsys, lambda D, H: answer, "lstm_parameter_count", 3)
    assert points == 0.0
    assert expected in text


@KINDS
@pytest.mark.parametrize("off", [-1, 1, 0.001])
def test_a_count_must_be_exact(off, hidden):
    def nearly(D, H):
        return 4 * H * (D + H + 1) + off

    assert check(nearly, "lstm_parameter_count", 3, hidden=hidden) == 0.0


def test_outputs_alone_are_one_value_whatever_their_length(capsys):
    points, text = report_on(
        capsys, lambda *a: lstm_forward(*a)[0], "lstm_forward", 3, hidden=True
    )
    assert points == 0.0
    assert "wrong: a longer sequence, saturated gates, two steps" in text
    assert "should be the values `y, (h, c)`, but you returned an array" in text


@pytest.mark.parametrize(
    ("change", "section"),
    [
        (lambda h, c: (0.9 * h, c), "sec-output-equation"),
        (lambda h, c: (0.9 * h, 0.9 * c), "sec-cell-update"),
        (lambda h, c: (h, 0.9 * c), "sec-cell-update"),
    ],
    ids=["h", "both", "c"],
)
def test_the_link_leads_to_the_equation_that_is_wrong(change, section, capsys):
    assert f"#{section}" in report_on(capsys, wrong_step(change), "lstm_step", 3)[1]


BLOCK_LAYOUTS = {
    "unit by unit": lambda z: np.moveaxis(z.reshape(len(z), -1, 4), -1, 0),
    "four first": lambda z: z.reshape(4, len(z), -1),
}


@pytest.mark.parametrize("layout", BLOCK_LAYOUTS)
def test_no_hidden_case_accepts_another_layout_of_the_blocks(layout):
    def step(x, h, c, W, U, b):
        i, f, g, o = BLOCK_LAYOUTS[layout](x @ W + h @ U + b)
        c = sigmoid_by_cases(f) * c + sigmoid_by_cases(i) * np.tanh(g)
        return sigmoid_by_cases(o) * np.tanh(c), c

    assert check(step, "lstm_step", 3, hidden=True) == 0.0


@KINDS
@pytest.mark.parametrize("name", NAMES)
def test_any_two_misconceptions_differ_on_some_case(name, hidden):
    def answers(entry):
        texts = []
        for case in SUBJECTS[name].cases(hidden, seed=0):
            try:
                with np.errstate(all="ignore"):
                    texts.append(repr(entry.function(*case.arguments)))
            except ValueError as error:
                texts.append(repr(error))
        return tuple(texts)

    entries = [entry for entry in BANK if entry.check == name]
    assert len({answers(entry) for entry in entries}) == len(entries)


def test_what_is_wrong_is_said_where_no_mistake_fits_every_case(capsys):
    """Another mistake for a batch of one than for many: neither is named."""

    def step(x, h, c, W, U, b):
        entry = "forget-and-input-swapped" if len(x) > 1 else "tanh-missing-on-output"
        return ENTRIES[entry].function(x, h, c, W, U, b)

    _, text = report_on(capsys, step, "lstm_step", 3)
    reports = text.split("- wrong: ")[1:]
    assert len(reports) == 2 and all("differs by up to" in said for said in reports)
    assert not any(entry.sentence in text for entry in BANK)


def test_of_numbers_no_shape_is_praised(capsys):
    """Where an answer is made of plain numbers, one of them is too large."""

    def shapes(*arguments):
        output, h_n, c_n = torch_lstm_shapes(*arguments)
        return output, h_n, (*c_n[:2], 999)

    _, text = report_on(capsys, shapes, "torch_lstm_shapes", 3)
    assert "`c_n[2]` is too large" in text and "Shapes are right" not in text


def test_no_message_shows_an_expected_value(capsys):
    def noisy(x, h, c, W, U, b):
        h, c = lstm_step(x, h, c, W, U, b)
        expected.extend(f"{value:.4f}" for value in [*h.flat, *c.flat])
        return h + 0.5, c - 0.25

    expected = []
    _, text = report_on(capsys, noisy, "lstm_step", 3)
    assert not [value for value in expected if value in text]
    _, text = report_on(capsys, lambda D, H: 4 * D * H, "lstm_parameter_count", 3)
    assert "too small" in text
    assert "differs" not in text  # the difference of one number gives it away


def test_partial_credit_is_the_share_of_cases_passed():
    def right_for_many(x, h, c, W, U, b):
        return lstm_step(x, h, c, W, U, b) if len(x) > 1 else (h, c)

    assert check(right_for_many, "lstm_step", points=4) == 3.0


# ---- code that misbehaves -------------------------------------------------------


def test_changed_arguments_are_reported_and_lose_the_case(capsys):
    def in_place(x, h, c, W, U, b):
        i, f, g, o = gates(x, h, W, U, b)
        c *= f
        c += i * g
        return o * np.tanh(c), c

    points, text = report_on(capsys, in_place, "lstm_step", 3)
    assert points == 0.0
    assert "changed its argument `c`" in text


def test_a_changed_argument_cannot_change_what_is_expected(capsys):
    def zero_everything(x, h, c, W, U, b):
        for array in (x, h, c, W, U, b):
            array[...] = 0
        return h, c

    points, text = report_on(capsys, zero_everything, "lstm_step", 3)
    assert points == 0.0
    assert "`x` and `h` and `c` and `W`" in text


class RefusesText(Exception):
    def __str__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("bad \ud800 <b>"),
        RefusesText(),
        SystemExit(3),
        RecursionError("deep"),
        KeyboardInterrupt(),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_check_never_raises_what_the_student_raises(error, capsys):
    def raising(*arguments):
        raise error

    points, text = report_on(capsys, raising, "lstm_step", 3)
    assert points == 0.0
    interrupted = isinstance(error, KeyboardInterrupt)
    assert ("Interrupted" if interrupted else type(error).__name__) in text
    text.encode()  # what a kernel does with it


def test_an_exception_shows_its_text_and_the_line_of_the_student(capsys):
    def too_wide(x, h, c, W, U, b):
        return np.split(x @ W, 7, axis=1)

    _, text = report_on(capsys, too_wide, "lstm_step", 3)
    assert "ValueError: array split does not result in an equal division" in text
    assert "`return np.split(x @ W, 7, axis=1)`" in text


@pytest.mark.parametrize("product", [np.matmul, np.dot], ids=["matmul", "dot"])
def test_sizes_that_do_not_fit_come_with_the_sizes_to_compare(product, capsys):
    def swapped(x, h, c, W, U, b):
        return product(h, W), product(x, U)

    for name in ("lstm_step", "lstm_forward"):
        _, text = report_on(capsys, swapped, name, 3)
        assert "which two sizes must agree in `A @ B`?" in text


def blank(*arguments):
    raise NotImplementedError()


@KINDS
def test_the_function_that_is_not_answered_is_the_one_named(hidden, capsys):
    def calls_blank(*arguments):
        return blank(*arguments)

    for name in NAMES:
        _, text = report_on(capsys, calls_blank, name, 3, hidden=hidden)
        assert "Your `blank`, which this function calls, is not answered yet." in text
        _, text = report_on(capsys, blank, name, 3, hidden=hidden)
        assert "Not answered yet: the function raises NotImplementedError." in text


@KINDS
def test_input_is_not_taken_for_a_missing_answer(hidden, capsys):
    def asks(*arguments):
        raise StdinNotImplementedError("raw_input was called")

    _, text = report_on(capsys, asks, "sigmoid", 3, hidden=hidden)
    assert "Not answered yet" not in text
    assert "`input()`, which nobody can answer" in text


def test_hidden_cases_show_neither_exception_text_nor_prints(capsys):
    def tell(z):
        print("secret", z)
        raise ValueError(f"secret {z}")

    _, text = report_on(capsys, tell, "sigmoid", 3, hidden=True)
    assert "ValueError" in text
    assert "secret" not in text


def test_warnings_logs_and_stderr_cost_nothing(capsys):
    def loud(z):
        print("debugging", file=sys.stderr)
        warnings.warn("careful", stacklevel=1)
        logging.warning("careful")
        return 1 / (1 + np.exp(-z))  # overflows for very small z

    points, text = report_on(capsys, loud, "sigmoid", 3)  # checks stderr
    assert points == 3.0
    assert "overflow" in text


def test_a_log_handler_made_before_the_check_costs_nothing(capsys):
    logger, handler = logging.getLogger("student"), logging.StreamHandler(sys.stderr)

    def logged(z):
        logger.warning("careful")
        return sigmoid_by_cases(z)

    logger.addHandler(handler)
    try:
        assert report_on(capsys, logged, "sigmoid", 3)[0] == 3.0
        logged(np.zeros(1))
        assert "careful" in capsys.readouterr().err  # logging is on again
    finally:
        logger.removeHandler(handler)


class FakeTuple:
    __class__ = tuple

    def __len__(self):
        return 2

    def __iter__(self):
        while True:
            yield self


class EndlessList(list):
    def __iter__(self):
        while True:
            yield 1.0


class RaisingArray:
    def __array__(self, *arguments, **keywords):
        raise SystemExit("no array")


class AlwaysEqual(np.ndarray):
    def __eq__(self, other):
        return True

    def __array_ufunc__(self, *arguments, **keywords):
        return np.zeros(())


def contains_itself(*arguments):
    answer = []
    answer.append(answer)
    return answer


@pytest.mark.parametrize(
    "answer",
    [
        lambda *a: FakeTuple(),
        lambda *a: EndlessList([1.0, 2.0]),
        lambda *a: RaisingArray(),
        lambda *a: (RaisingArray(), RaisingArray()),
        contains_itself,
        lambda x, h, *a: (h.view(AlwaysEqual), h.view(AlwaysEqual)),
        lambda *a: (np.broadcast_to(0.0, (10**6, 10**6)),) * 2,
        lambda *a: (yield),
        lambda *a: (np.float64(1e308) * np.ones(3),) * 2,
        lambda x, h, *a: (h + 1e308, -1e308 - h),
        "not a function",
    ],
    ids=range(11),
)
def test_hostile_answers_earn_nothing_and_stop_nothing(answer, capsys):
    assert report_on(capsys, answer, "lstm_step", 3)[0] == 0.0


class Proxy:
    """What a judge holds in place of a function: it can be called, and no more."""

    def __init__(self, function):
        object.__setattr__(self, "_function", function)

    def __call__(self, *arguments):
        return object.__getattribute__(self, "_function")(*arguments)

    def refuse(self, *arguments):
        raise TypeError("a proxy can only be called")

    __eq__ = __bool__ = __len__ = __iter__ = __hash__ = __repr__ = __str__ = refuse
    __getattribute__ = refuse


@KINDS
def test_a_proxy_is_checked_as_the_function_itself(hidden, capsys):
    step = Proxy(lambda *a: [array.copy() for array in lstm_step(*a)])
    forward = Proxy(lambda *a: lstm_forward(*a, step=step))
    assert check(step, "lstm_step", 3, hidden=hidden) == 3.0
    assert check(forward, "lstm_forward", 3, hidden=hidden, built_on=step) == 3.0
    wrong = Proxy(SWAPPED)
    points, text = report_on(capsys, wrong, "lstm_step", 3, hidden=hidden)
    assert points == 0.0
    assert ENTRIES["forget-and-input-swapped"].sentence in text


# In a browser Python has no threads, sockets or databases, and no IPython.
IN_A_BROWSER = """
import sys
for name in ("IPython", "multiprocessing", "ssl", "sqlite3", "lzma", "fcntl", "curses"):
    sys.modules[name] = None
from lstm_lib.checks import check
from lstm_lib.checks.references.lstm import lstm_step
assert check(lstm_step, "lstm_step", points=3) == 3.0
ours = {name.split(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)
print(sorted(name for name in ours if not name.startswith("_")))
"""


def test_checks_need_numpy_alone():
    """And no part of Python that Pyodide leaves out."""
    command = [sys.executable, "-c", IN_A_BROWSER]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    loaded = set(eval(ran.stdout.strip().split("\n")[-1]))
    assert {"lstm_lib", "numpy"} <= loaded
    assert not loaded & {"matplotlib", "torch", "keras", "pandas", "scipy"}


# ---- built on the student's own function -----------------------------------------


def unrolled(step):
    """The right lstm_forward, calling a given step."""
    return lambda *arguments: lstm_forward(*arguments, step=step)


@KINDS
def test_one_mistake_costs_its_points_once(hidden):
    forward = unrolled(SWAPPED)
    assert check(forward, "lstm_forward", 3, hidden=hidden) == 0.0
    assert check(forward, "lstm_forward", 3, hidden=hidden, built_on=SWAPPED) == 3.0
    too_steep = ENTRIES["sigmoid-too-steep"].function

    def step(*arguments):
        return lstm_step(*arguments, sigmoid=too_steep)

    assert check(step, "lstm_step", 3, hidden=hidden, built_on=too_steep) == 3.0


def test_a_step_that_changes_its_arguments_is_charged_once():
    def in_place(x, h, c, *weights):
        h, c[...] = lstm_step(x, h, c, *weights)
        return h, c

    forward = unrolled(in_place)
    assert check(forward, "lstm_forward", 3, built_on=in_place) == 3.0
    assert check(forward, "lstm_forward", 3) == 0.0


def test_a_step_that_changes_its_arguments_is_named_as_the_cause(capsys):
    def in_place(x, h, c, *weights):
        h[...], c[...] = lstm_step(x, h, c, *weights)
        return h, c

    _, text = report_on(
        capsys, unrolled(in_place), "lstm_forward", 3, built_on=in_place
    )
    assert (
        "Your own lstm_step writes into its arguments, and so changes earlier outputs"
        in text
    )


@KINDS
@pytest.mark.parametrize("unused", ["x", "c"])
def test_a_step_that_ignores_an_argument_makes_no_wrong_forward_right(
    unused, hidden, capsys
):
    def step(*arguments):
        arguments = [a / a if k == unused else a for k, a in zip("xhcWUb", arguments)]
        return lstm_step(*arguments)

    def not_carried(x, h, c, *weights):
        steps, start = [], (h, c)
        for x_t in x:
            h, c = step(x_t, *start, *weights)
            start = {"x": (h, c), "c": (h, start[1])}[unused]
            steps.append(h)
        return np.stack(steps), (h, c)

    points, text = report_on(
        capsys, not_carried, "lstm_forward", 3, built_on=step, hidden=hidden
    )
    assert points == 0.0
    assert f"Your own lstm_step makes no use of `{unused}`" in text
    forward = unrolled(step)  # right, but nobody can tell: it is not blamed
    _, text = report_on(capsys, forward, "lstm_forward", 3, built_on=step)
    assert f"Your own lstm_step makes no use of `{unused}`" in text
    assert not [entry for entry in BANK if entry.sentence in text]


@KINDS
def test_a_step_whose_mistake_is_known_counts_though_it_ignores_an_argument(hidden):
    """It has cost its points already, and was not made up to fool a check."""
    for name in ("recurrent-term-dropped", "forget-gate-on-hidden-state"):
        step = ENTRIES[name].function
        forward = unrolled(step)
        assert check(forward, "lstm_forward", 3, hidden=hidden, built_on=step) == 3.0


def test_a_constant_sigmoid_makes_no_wrong_step_right():
    def half(z):
        return 0 * z + 0.5

    def swapped(*arguments):
        return SWAPPED(*arguments, sigmoid=half)

    assert check(swapped, "lstm_step", 3, built_on=half) == 0.0


def test_a_second_mistake_is_still_named(capsys):
    def forward(*arguments):
        return ENTRIES["state-not-carried"].function(*arguments, step=SWAPPED)

    points, text = report_on(capsys, forward, "lstm_forward", 3, built_on=SWAPPED)
    assert points == 0.0
    assert ENTRIES["state-not-carried"].sentence in text


@pytest.mark.parametrize(
    "step",
    [
        lambda x, h, c, *weights: (0 * h, 0 * c),
        lambda x, h, c, *weights: (h, c),
        lambda x, h, c, *weights: (h * np.nan, c),
        lambda *arguments: None,
        5,
    ],
    ids=["zeros", "unchanged", "NaN", "None", "no function"],
)
def test_an_empty_step_makes_no_forward_right(step):
    assert check(unrolled(step), "lstm_forward", 3, built_on=step) == 0.0


# Parts made up so that a trivial answer is right for them: all zeros where they are
# called as they are, something else where they are tried.
def fooling_forward(x, h, W, U, b):
    y = np.ones((len(x), *h.shape)) * (x.mean() < 0.9)
    return y, y[-1]


def fooling_signs(x, h, W, U, b):
    y = np.sign(rnn_forward(x, h, W, U, b)[0])
    return y, y[-1]


def fooling_step(x, h, c, *weights):
    small = x.flat[0] > x.flat[-1]
    return (0 * h, 0 * c) if small else (h, c)


def counting():
    calls = []

    def cross_entropy(z, targets):
        calls.append(1)
        return float(len(calls) % 2)

    return cross_entropy


FOOLED = {
    "flat": ("rnn_backward", lambda dy, *a: [0 * v for v in a], fooling_forward),
    "signs": ("rnn_backward", lambda dy, *a: [0 * v for v in a], fooling_signs),
    "zeros": (
        "lstm_forward",
        lambda x, h, c, *w: (np.zeros((len(x), *h.shape)), (0 * h, 0 * c)),
        fooling_step,
    ),
    "counts": ("perplexity", lambda z, targets: 1.0, counting()),
    "means": ("perplexity", lambda z, targets: 1.0, lambda z, t: float(z.mean() > 1)),
    "two": ("perplexity", lambda z, targets: 1.0, lambda z, t: float(z[0, 0] > 0)),
}


@KINDS
@pytest.mark.parametrize("trick", FOOLED)
def test_no_part_makes_a_trivial_answer_right(trick, hidden):
    name, answer, part = FOOLED[trick]
    assert check(answer, name, 3, built_on=part, hidden=hidden) == 0.0


def test_a_mistake_is_named_only_if_it_fits_all_that_failed(capsys):
    """Here the first case would fit an entry, and the others do not."""

    def step(x, h, c, *weights):
        if x.shape == (3, 5):
            return SWAPPED(x, h, c, *weights)
        return 0.5 * h, 0.5 * c

    _, text = report_on(capsys, step, "lstm_step", 3)
    assert not [entry for entry in BANK if entry.sentence in text]


@pytest.mark.parametrize("put", [lambda g: g.tolist(), lambda g: None, lambda g: 3.0])
def test_a_list_of_arguments_may_be_filled_with_anything(put, capsys):
    def clip(gradients, limit):
        for k, gradient in enumerate(gradients):
            gradients[k] = put(gradient)
        return gradients

    points, text = report_on(capsys, clip, "clip_by_global_norm", 3)
    assert points < 3
    assert "changed its argument `gradients`" in text


def test_another_dtype_is_a_changed_argument(capsys):
    def sigmoid(z):
        answer = sigmoid_by_cases(z)
        z.dtype = "S8" if z.itemsize == 8 else "S4"
        return answer

    points, text = report_on(capsys, sigmoid, "sigmoid", 3)
    assert points == 0.0
    assert "changed its argument `z`" in text


class Nameless(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")


class Refuses(Exception, metaclass=Nameless):
    def __str__(self):
        raise SystemExit("no text")


@KINDS
def test_an_exception_may_refuse_its_name_and_its_text(hidden):
    def raising(z):
        raise Refuses

    assert check(raising, "sigmoid", 3, hidden=hidden) == 0.0
    assert check(Refuses(), "sigmoid", 3, hidden=hidden) == 0.0


def test_hidden_cases_show_no_made_up_name_and_no_made_up_shape(capsys):
    def named(z):
        raise type(f"Seen{z.size}", (Exception,), {})

    _, text = report_on(capsys, named, "sigmoid", 3, hidden=True)
    assert "Seen" not in text and "an exception" in text
    _, text = report_on(
        capsys, lambda z: np.zeros((4321, 0)), "sigmoid", 3, hidden=True
    )
    assert "4321" not in text and "another shape" in text


# ---- what comes back, and what is shown -------------------------------------------


@pytest.mark.parametrize("points", [1, 2, 3.0, 0.1, 0.7, 7, np.float64(5)])
def test_nbgrader_reads_every_possible_score_as_it_is(points):
    for total in range(1, 9):
        for passed in range(total + 1):
            outcomes = tuple(Outcome("case", k < passed) for k in range(total))
            earned = Report("lstm_step", float(points), outcomes, "").earned
            assert type(earned) is float
            output = {"data": {"text/plain": repr(earned)}}
            assert get_partial_grade(output, float(points)) == earned
            assert (earned == points) == (passed == total)


def test_check_returns_a_plain_float():
    assert type(check(lstm_step, "lstm_step", points=np.float64(3))) is float
    assert type(check(None, "lstm_step", points=3)) is float


@pytest.mark.parametrize(
    ("keywords", "argument"),
    [
        ({"name": "lstm_stop"}, "name"),
        ({"points": 0}, "points"),
        ({"points": "3"}, "points"),
        ({"points": float("nan")}, "points"),
        ({"seed": -1}, "seed"),
        ({"name": "sigmoid", "built_on": lstm_step}, "built_on"),
    ],
)
def test_an_instructor_s_mistake_is_an_error_that_names_the_argument(
    keywords, argument
):
    with pytest.raises(ValueError, match=f"^{argument}: expected .*, got "):
        check(lstm_step, **{"name": "lstm_step"} | keywords)


def test_a_notebook_gets_text_html_and_a_verdict(notebook):
    check(SWAPPED, "lstm_step", points=3)
    (bundle,) = notebook
    assert set(bundle) == {"text/plain", "text/html", VERDICT}
    verdict = json.loads(json.dumps(bundle[VERDICT]))
    assert (verdict["check"], verdict["points"], verdict["score"]) == (
        "lstm_step",
        3,
        0,
    )
    assert len(verdict["cases"]) == 4
    for case in verdict["cases"]:
        assert (
            " ".join(case) == "name passed misconception mistake message section link"
        )
        assert case["passed"] is False
        assert case["misconception"] == "forget-and-input-swapped"
        assert case["section"] == "sec-forget-gate"
        assert case["link"].endswith("#sec-forget-gate")


def test_the_verdict_of_a_right_answer_has_no_misconception(notebook):
    check(lstm_step, "lstm_step", points=3)
    cases = notebook[0][VERDICT]["cases"]
    assert notebook[0][VERDICT]["score"] == 1.0
    assert {case["passed"] for case in cases} == {True}
    assert {case["misconception"] for case in cases} == {None}


def test_what_a_student_wrote_is_escaped_in_html(notebook):
    def attack(*arguments):
        raise ValueError("<script>alert(1)</script>")

    check(attack, "lstm_step", points=3)
    assert "<script>" not in notebook[0]["text/html"]
    assert "&lt;script&gt;" in notebook[0]["text/html"]


def test_links_lead_to_the_site_that_is_set(notebook, monkeypatch):
    monkeypatch.setattr(checks, "SITE", "https://example.org/book")
    check(SWAPPED, "lstm_step", points=3)
    address = "https://example.org/book/notebooks/04_gates.html#sec-forget-gate"
    assert f'href="{address}"' in notebook[0]["text/html"]
    assert address in notebook[0]["text/plain"]


def test_after_an_interruption_the_function_is_not_called_again():
    calls = []

    def endless(z):
        calls.append(z)
        raise KeyboardInterrupt

    outcomes = run_cases(endless, SUBJECTS["sigmoid"], None, False, 0)
    assert len(calls) == 1
    assert not any(outcome.passed for outcome in outcomes)
