"""The promises of the tasks in which weights are set by hand."""

import re
from itertools import combinations

import course
import numpy as np
import pytest

from lstm_lib import checks, sigmoid
from lstm_lib.checks.comparing import compare, freeze
from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.lstm import memory_by_rule, unit, unit_trace
from lstm_lib.checks.running import run_cases

UNITS = ("counter_unit", "latch_unit", "rule_unit")
KINDS = pytest.mark.parametrize("hidden", [False, True], ids=["visible", "hidden"])


def earns(weights, name, hidden, seed):
    """The share of cases that a unit with these weights passes."""
    outcomes = run_cases(lambda: weights, SUBJECTS[name], None, hidden, seed)
    return np.mean([outcome.passed for outcome in outcomes])


def told(weights, name, capsys, **keywords):
    """What a student with these weights reads."""
    capsys.readouterr()
    assert checks.check(lambda: weights, name, points=2, **keywords) == 0.0
    return capsys.readouterr().out


# ---- right, whatever the design --------------------------------------------------

# Rows of i, f, g, o and of U, as `unit` takes them, at the smallest safe sums.
COUNTERS = {
    "the pair opens i": dict(i=[20, 20, -30], f=[0, 0, 10], g=[0, 0, 10]),
    "x1 opens i, g is x2": dict(i=[20, 0, -10], f=[0, 0, 10], g=[0, 10, 0]),
    "x2 opens i, g is x1": dict(i=[0, 20, -10], f=[0, 0, 10], g=[10, 0, 0]),
    "uneven weights": dict(i=[20, 25, -35], f=[5, -3, 13], g=[10, 10, 0]),
    "closed output": dict(i=[20, 20, -30], f=[0, 0, 10], g=[0, 0, 10], o=[0, 0, -10]),
}
LATCHES = {
    "drops the old value": dict(i=[20, 0, -10], f=[-20, -20, 10], g=[0, 0, 10]),
    "g is x1": dict(i=[0, 0, 10], f=[-20, -20, 10], g=[10, 0, 0]),
    "writes if h is empty": dict(
        i=[20, 0, -10], f=[0, -20, 10], g=[0, 0, 10], U=[-27, 0, 0, 0]
    ),
    "writes x1 if h is empty": dict(
        i=[20, -20, -10], f=[0, -20, 10], g=[10, 0, 0], U=[-40, 0, 0, 0]
    ),
    "the memory is in h": dict(
        i=[40, -60, -20], f=[0, 0, -10], g=[0, 0, 10], U=[60, 0, 0, 0]
    ),
    "offers 1 or -1": dict(i=[20, 0, -10], f=[-20, -20, 10], g=[20, 0, -10]),
}
RULES = {
    "one input a gate": dict(
        i=[0, 20, 0, -10], f=[0, 20, 0, 10], g=[10, 0, 0, 0], o=[0, 0, 20, -10]
    ),
    "unlike weights": dict(
        i=[0, 30, 0, -12], f=[0, 50, 0, 20], g=[15, 0, 0, 0], o=[0, 0, 25, -15]
    ),
    "gates that see more": dict(
        i=[1, 25, 1, -13], f=[1, 27, -1, 13], g=[10, 0, 0, 0], o=[1, 1, 25, -13]
    ),
    "reads h": dict(
        i=[0, 30, 0, -15], f=[0, 30, 0, 15], g=[10, 0, 0, 0], o=[0, 0, 30, -15],
        U=[2, 2, 0, 2],
    ),
}  # fmt: skip
DESIGNS = [
    (name, style, rows)
    for name, designs in zip(UNITS, (COUNTERS, LATCHES, RULES))
    for style, rows in designs.items()
]


@KINDS
@pytest.mark.parametrize("strength", [1, 2, 5, 100])
@pytest.mark.parametrize(("name", "style", "rows"), DESIGNS)
def test_every_right_design_keeps_all_points(name, style, rows, strength, hidden):
    inputs = 3 if name == "rule_unit" else 2
    rows = {gate: [strength * w for w in row] for gate, row in rows.items()}
    for seed in range(5):
        assert earns(unit(inputs, **rows), name, hidden, seed) == 1.0


@KINDS
@pytest.mark.parametrize("name", UNITS)
def test_numbers_may_be_of_any_kind(name, hidden):
    W, U, b = SUBJECTS[name].reference()
    for kind in (np.float16, np.float32, np.int64):
        assert earns([part.astype(kind) for part in (W, U, b)], name, hidden, 0) == 1.0
    assert earns((W.tolist(), U.tolist(), b.tolist()), name, hidden, 0) == 1.0
    b[np.all(W == 0, axis=0) & (b > 0)] = np.inf  # the gates that no input turns
    assert earns((W, U, b), name, hidden, 0) == 1.0


# ---- wrong -----------------------------------------------------------------------

BOOK = dict(i=[0, 100, 0, -10], f=[0, 100, 0, 10], g=[1, 0, 0, 0], o=[0, 0, 100, -10])
WRONG = [
    ("counter_unit", dict(i=[20, 20, -30], f=[0, 0, 10], g=[0, 0, -10])),
    ("counter_unit", dict(i=[0, 20, -10], f=[0, 0, 10], g=[0, 0, 1])),  # chapter 04
    ("counter_unit", dict(i=[20, 0, -10], f=[0, 0, 10], g=[0, 0, 1], U=[-20, 0, 0, 0])),
    ("latch_unit", dict(i=[20, 0, -10], f=[0, 0, 10], g=[0, 0, 1], U=[-20, 0, 0, 0])),
    ("latch_unit", dict(i=[20, 0, -10], f=[0, 0, 10], g=[0, 0, 10], U=[-30, 0, 0, 0])),
    ("latch_unit", dict(i=[0, 20, -10], f=[0, -20, 10], g=[0, 0, 10])),
    (
        "latch_unit",  # a clear writes 1 while the latch is empty
        dict(i=[20, 20, -10], f=[0, -20, 10], g=[0, 0, 10], U=[-40, 0, 0, 0]),
    ),
    ("rule_unit", BOOK),
    ("rule_unit", BOOK | dict(g=[0.1, 0, 0, 0])),
    ("rule_unit", BOOK | dict(g=[0, 0, 0, 10])),
]
# Designs that offer something where x1 is 0.
SAFE = dict(i=[0, 20, 0, -10], f=[0, 20, 0, 10], g=[10, 0, 0, 0], o=[0, 0, 20, -10])
for sign in (-1, 1):
    WRONG += [
        ("rule_unit", SAFE | dict(g=[10, 0, 0, 5 * sign])),
        ("rule_unit", SAFE | dict(g=[10, 5 * sign, 0, 0])),
        ("rule_unit", SAFE | dict(g=[10, 0, 5 * sign, 0])),
        ("rule_unit", SAFE | dict(g=[10, 0, -5 * sign, 5 * sign])),
        *(("rule_unit", SAFE | dict(U=[0, 0, sign * u, 0])) for u in (5, 10, 20, 40)),
    ]


@KINDS
@pytest.mark.parametrize(("name", "rows"), WRONG)
def test_a_wrong_design_loses_every_case(name, rows, hidden):
    for seed in range(5):
        weights = unit(3 if name == "rule_unit" else 2, **rows)
        assert earns(weights, name, hidden, seed) == 0.0


@KINDS
@pytest.mark.parametrize("scale", [0, 1, 10, 100])
@pytest.mark.parametrize("name", UNITS)
def test_weights_drawn_by_chance_earn_nothing(name, scale, hidden):
    shapes = [part.shape for part in SUBJECTS[name].reference()]
    for seed in range(5):
        rng = np.random.default_rng(seed)
        weights = [rng.normal(0, scale, shape) for shape in shapes]
        assert earns(weights, name, hidden, seed) == 0.0


@pytest.mark.parametrize("name", UNITS)
def test_gates_that_leak_more_than_allowed_show_it(name):
    """Sums of 4 lose every hidden case; the task promises that 10 is enough."""
    right = next(rows for unit_name, _, rows in DESIGNS if unit_name == name)
    rows = {gate: [0.4 * w for w in row] for gate, row in right.items()}
    for seed in range(5):
        assert earns(unit(len(rows["g"]) - 1, **rows), name, True, seed) == 0.0


# ---- the bank --------------------------------------------------------------------


@KINDS
@pytest.mark.parametrize("name", UNITS)
def test_any_two_mistakes_do_something_else_in_some_case(name, hidden):
    """Their weights always differ; what counts is what the units do."""
    subject = SUBJECTS[name]
    entries = [entry for entry in BANK if entry.check == name]
    for seed in range(2):
        cases = subject.cases(hidden, seed)
        for one, other in combinations(entries, 2):
            assert not all(alike(one, other, subject, case) for case in cases), (
                one.id,
                other.id,
            )


def alike(one, other, subject, case):
    seen = freeze(subject.observe(one.function(), *case.data))
    wanted = subject.observe(other.function(), *case.data)
    findings = compare(seen, wanted, subject.observed, case.rtol)
    return not any(finding.fault for finding in findings)


RECOGNISED = {
    "counts-half-for-one-input": dict(i=[18, 18, -18], f=[3, 3, 50], g=[9, 9, 9]),
    "latch-counts": dict(i=[99, 0, -40], f=[5, -90, 30], g=[0, 0, 12]),
    "latch-forgets-at-once": dict(i=[0, 0, 20], f=[0, 0, -20], g=[20, 0, 0]),
    "rule-always-shown": dict(
        i=[0, 25, 0, -12], f=[0, 20, 0, 11], g=[50, 0, 0, 0], o=[0, 9, 0, 30]
    ),
}


@KINDS
@pytest.mark.parametrize("mistake", RECOGNISED)
def test_a_mistake_is_named_whatever_the_weights(mistake, hidden, capsys):
    """The bank holds one set of weights; what the unit does is what is recognised."""
    entry = next(entry for entry in BANK if entry.id == mistake)
    weights = unit(3 if entry.check == "rule_unit" else 2, **RECOGNISED[mistake])
    text = told(weights, entry.check, capsys, hidden=hidden, seed=3)
    assert entry.sentence in text


# ---- messages --------------------------------------------------------------------


def test_a_nameless_mistake_hears_what_is_off_and_by_how_much(capsys):
    text = told(unit(2, i=[20, 20, -30], f=[0, 0, 10], g=[0, 0, -10]), UNITS[0], capsys)
    assert re.search(
        r"`c` of your unit differs by up to \d\S*, where 0.05 is allowed", text
    )
    weights = unit(3, **BOOK | dict(g=[10, 0, 0, 0], o=[0, 0, 2, -1]))
    text = told(weights, "rule_unit", capsys)
    assert "`c` is right. `h` differs by up to" in text


def test_shapes_are_asked_for_before_the_unit_runs(capsys):
    W, U, b = unit(2, i=[20, 20, -30], f=[0, 0, 10], g=[0, 0, 10])
    text = told((W, U[0], b), "counter_unit", capsys)
    assert "\n  `U` should have shape (H, 4H) = (1, 4), but you returned" in text
    assert "differs" not in text and "right." not in text  # there is no right W or b
    text = told((W.T, U, b), "counter_unit", capsys)
    assert "`W` should have shape (D, 4H) = (2, 4)" in text
    assert "the values `W, U, b`" in told((W, b), "counter_unit", capsys)
    assert "Did you mean `return`?" in told(None, "counter_unit", capsys)


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e308])
@pytest.mark.parametrize("name", UNITS)
def test_weights_without_measure_stop_nothing(name, number, capsys):
    parts = [np.full(part.shape, number) for part in SUBJECTS[name].reference()]
    for hidden in (False, True):
        assert earns(parts, name, hidden, 0) == 0.0
    told(parts, name, capsys)


# ---- what the tasks say ----------------------------------------------------------


def statement(cell):
    """The text of a Markdown cell of problem set 2."""
    return next(c.source for c in course.source("ps2").cells if c.id == cell)


def rows_of(text):
    """The rows of numbers of the table in a text."""
    rows = [line.strip("| ").split(" | ") for line in text.split("\n") if "|" in line]
    return [row for row in rows if re.fullmatch(r"-?[\d.]+", row[-1])]


def test_the_example_of_the_rule_is_true():
    table = np.array(rows_of(statement("memory-by-rule-task")), float)[:, 1:]
    np.testing.assert_array_equal(
        np.column_stack(memory_by_rule(table[:, :3])), table[:, 3:]
    )


@pytest.mark.parametrize("name", UNITS)
def test_the_examples_of_the_units_are_true(name):
    rows = rows_of(statement(f"{name.replace('_', '-')}-task"))
    table = np.array([row[1:] for row in rows], float)[1:]  # without step numbers
    inputs = 3 if name == "rule_unit" else 2
    c, h = unit_trace(SUBJECTS[name].reference(), table[:inputs].T)
    np.testing.assert_allclose(c, table[inputs], atol=1e-9)
    if name == "rule_unit":
        np.testing.assert_allclose(h.round(3) + 0.0, table[inputs + 1], atol=1e-9)


def test_the_numbers_on_leaks_are_true():
    lines = [line for line in statement("units").split("\n") if line.endswith("% |")]
    for line in lines:
        total, gate, left = (float(n) for n in re.findall(r"[\d.]+", line))
        assert f"{sigmoid(total):.{len(str(gate)) - 2}f}" == str(gate)
        digits = 1 if left % 1 else 0
        assert round(100 * sigmoid(total).item() ** 30, digits) == left
    assert len(lines) == 3


def test_the_example_of_a_unit_is_true():
    source = next(c.source for c in course.source("ps2").cells if c.id == "run-unit")
    names = {"np": np}
    exec(source, names)
    c, h = unit_trace(names["copy_unit"](), np.array([(0, 1), (1, 0), (1, 1)], float))
    assert c.round(3).tolist() == [0, 1, 1]
    assert h.round(3).tolist() == [0, 0.762, 0.762]
    assert "`c` = 0, 1, 1 and `h` = 0, 0.762, 0.762" in statement("units")


def test_sequences_are_no_longer_than_promised():
    for name in UNITS:
        for hidden in (False, True):
            lengths = [len(c.data[0]) for c in SUBJECTS[name].cases(hidden, seed=3)]
            assert max(lengths) <= 30
            assert hidden == (30 in lengths)
