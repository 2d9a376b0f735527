"""Problem set 3: are its references, its examples and its claims true?"""

import re

import course
import numpy as np
import pytest
from submissions import execute

import lstm_lib
from lstm_lib.checks import check
from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.references.gradients import (
    cell_gradient_norms,
    clip_by_global_norm,
    lstm_backward,
    lstm_step_backward,
)
from lstm_lib.checks.references.lstm import lstm_forward, lstm_step
from lstm_lib.checks.running import run_cases
from lstm_lib.gradients import numerical_gradient

NAMES = "lstm_step_backward", "lstm_backward", "clip_by_global_norm"
SEEDS = pytest.mark.parametrize("seed", [1, 7])


def cases(name, seed):
    """Every case of a check, visible and hidden, in float64."""
    found = SUBJECTS[name].cases(False, seed) + SUBJECTS[name].cases(True, seed)
    return [case for case in found if case.rtol < 1e-3]


def gradients_by(loss, arrays):
    """Numerical gradients of a loss that takes the arrays, by steps of their size."""
    arrays = [array.copy() for array in arrays]
    return [
        numerical_gradient(lambda: loss(*arrays), array, 1e-5 * array.std())
        for array in arrays
    ]


def assert_close(ours, theirs, rtol=1e-7):
    for one, other in zip(ours, theirs, strict=True):
        assert one.shape == other.shape
        np.testing.assert_allclose(one, other, atol=rtol * np.abs(other).max())


# ---- the references ----------------------------------------------------------------


@SEEDS
def test_the_step_has_the_gradients_that_differences_give(seed):
    for case in cases("lstm_step_backward", seed):
        dh, dc, *inputs = case.arguments

        def loss(*inputs):
            h, c = lstm_step(*inputs)
            return (dh * h).sum() + (dc * c).sum()  # noqa: B023, called at once

        assert_close(lstm_step_backward(dh, dc, *inputs), gradients_by(loss, inputs))


@SEEDS
def test_the_sequence_has_the_gradients_that_differences_give(seed):
    for case in cases("lstm_backward", seed)[:3]:
        dy, *inputs = case.arguments

        def loss(*inputs):
            return (dy * lstm_forward(*inputs)[0]).sum()  # noqa: B023, called at once

        assert_close(lstm_backward(dy, *inputs), gradients_by(loss, inputs))


@SEEDS
def test_the_sequence_has_the_gradients_of_the_layer(seed):
    for case in cases("lstm_backward", seed):
        dy, x, h, c, W, U, b = case.arguments
        layer = lstm_lib.LSTM(x.shape[2], h.shape[1], dtype="float64", rng=0)
        layer.parameters["W_l0"][...] = W
        layer.parameters["U_l0"][...] = U
        layer.parameters["b_l0"][...] = b
        layer(x, (h[None], c[None]))
        dx, (dh, dc) = layer.backward(dy)
        theirs = dx, dh[0], dc[0], *(layer.grads[f"{name}_l0"] for name in "WUb")
        assert_close(lstm_backward(*case.arguments), theirs, rtol=1e-10)


@SEEDS
def test_the_norms_are_those_of_gradients_by_each_cell_state(seed):
    """c_t is moved in the middle of the sequence; h_t moves with it."""
    for case in cases("cell_gradient_norms", seed):
        dh, x, h, c, *weights = case.arguments
        hidden, cells = [h], [c]
        for x_t in x:
            h, c = lstm_step(x_t, hidden[-1], cells[-1], *weights)
            hidden.append(h)
            cells.append(c)
        norms = cell_gradient_norms(*case.arguments)
        assert norms.shape == (len(x) + 1,)
        for t, cell in enumerate(cells):
            shown = hidden[t] / np.tanh(cell) if t else None  # o_t

            def loss(cell):
                h, c = (shown * np.tanh(cell) if t else hidden[0]), cell  # noqa: B023
                for x_t in x[t:]:  # noqa: B023
                    h, c = lstm_step(x_t, h, c, *weights)  # noqa: B023
                return (dh * h).sum()  # noqa: B023

            (numerical,) = gradients_by(loss, [cell])
            assert norms[t] == pytest.approx(np.linalg.norm(numerical), rel=1e-6)


@SEEDS
def test_clipping_keeps_the_direction_and_holds_the_limit(seed):
    for case in cases("clip_by_global_norm", seed):
        gradients, limit = case.arguments
        before = np.concatenate([array.ravel() for array in gradients])
        clipped = clip_by_global_norm(gradients, limit)
        after = np.concatenate([array.ravel() for array in clipped])
        norm = np.linalg.norm(before)
        assert np.linalg.norm(after) == pytest.approx(min(norm, limit))
        np.testing.assert_allclose(after * norm, before * min(norm, limit))


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_passes_the_cases_it_says_it_passes(seed, hidden):
    for entry in BANK:
        if entry.right_on:
            subject = SUBJECTS[entry.check]
            outcomes = run_cases(entry.function, subject, None, hidden, seed)
            passed = {outcome.name for outcome in outcomes if outcome.passed}
            names = {outcome.name for outcome in outcomes}
            assert passed == names & set(entry.right_on), entry.id


@pytest.mark.parametrize("eps", [1e-5, 1e-6])
def test_differences_pass_no_hidden_case(eps):
    def differences(loss, inputs):
        return [numerical_gradient(lambda: loss(*inputs), a, eps) for a in inputs]

    def step(dh, dc, *inputs):
        def loss(*inputs):
            h, c = lstm_step(*inputs)
            return (dh * h).sum() + (dc * c).sum()

        return differences(loss, inputs)

    def sequence(dy, *inputs):
        return differences(lambda *now: (dy * lstm_forward(*now)[0]).sum(), inputs)

    for name, function in (("lstm_step_backward", step), ("lstm_backward", sequence)):
        outcomes = run_cases(function, SUBJECTS[name], None, True, 7)
        assert not any(outcome.passed for outcome in outcomes)


def test_doing_nothing_earns_a_quarter_of_clipping():
    def unchanged(gradients, limit):
        return gradients

    for hidden in (False, True):
        points = check(unchanged, "clip_by_global_norm", 4, hidden=hidden)
        assert points == 1.0


# ---- one mistake costs its points once ----------------------------------------------


def drops_dc(dh, dc, *inputs):
    return lstm_step_backward(dh, 0 * dc, *inputs)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_step_that_drops_its_dc_costs_nothing_later(hidden, monkeypatch):
    monkeypatch.setenv("LSTM_LIB_CHECKS_SEED", "7")
    for name in ("lstm_backward", "cell_gradient_norms"):

        def unrolled(*arguments):
            reference = SUBJECTS[name].reference  # noqa: B023, called at once
            return reference(*arguments, step_backward=drops_dc)

        assert check(unrolled, name, 4, built_on=drops_dc, hidden=hidden) == 4.0
        assert check(unrolled, name, 4, hidden=hidden) == 0.0


def test_a_step_that_reads_nothing_makes_no_wrong_sequence_right(capsys):
    def echo(dh, dc, x, h, c, W, U, b):
        return 0 * x, dh, dc, 0 * W, 0 * U, 0 * b

    def no_forward_pass(dy, x, h, c, W, U, b):
        return 0 * x, dy.sum(axis=0), 0 * c, 0 * W, 0 * U, 0 * b

    assert check(no_forward_pass, "lstm_backward", 4, built_on=echo) == 0.0
    assert "was compared with that of a right one only" in capsys.readouterr().out


def test_a_clipped_array_is_called_by_its_place(capsys):
    def second_forgotten(gradients, limit):
        first, second, third = clip_by_global_norm(gradients, limit)
        return [first, gradients[1], third]

    check(second_forgotten, "clip_by_global_norm", 2)
    text = capsys.readouterr().out
    assert "`clipped[0]` and `clipped[2]` are right. `clipped[1]` differs" in text
    check(lambda gradients, limit: gradients[0], "clip_by_global_norm", 2)
    text = capsys.readouterr().out
    assert "`clipped[0], clipped[1], clipped[2]`, but you returned an array" in text


# ---- the notebook -------------------------------------------------------------------


@pytest.fixture(scope="module")
def notebook():
    return course.source("ps3")


def text_of(notebook, name):
    return next(cell.source for cell in notebook.cells if cell.id == name)


def digits(values):
    return ", ".join(f"{value:.3f}" for value in np.ravel(values))


UNIT = dict(
    W=np.array([[1, -1, 2, 0.5]]),
    U=np.array([[0, 2.0, -2, 1]]),
    b=np.array([0.0, 2, 0, -1]),
)
START = dict(h=np.array([[0.5]]), c=np.array([[-1.0]]))
SEQUENCE = np.array([[[1.0]], [[-1.0]]])


def test_the_example_of_the_step_is_true(notebook):
    text = text_of(notebook, "lstm-step-backward-task")
    one = np.ones((1, 1))
    dx, dh, dc, dW, dU, db = lstm_step_backward(one, one / 2, one, **START, **UNIT)
    np.testing.assert_array_equal(dW[0], db)
    assert f"| returned `dx`, `dh`, `dc` | {digits([dx, dh, dc])} |" in text
    assert f"| `dW`, the same as `db` | {digits(dW)} |" in text
    assert f"| `dU` | {digits(dU)} |" in text
    new_h, new_c = lstm_step(one, **START, **UNIT)
    assert f"| new `c`, new `h` | {digits([new_c, new_h])} |" in text


def test_the_example_of_the_sequence_is_true(notebook):
    dy = np.array([[[1.0]], [[2.0]]])
    dx, dh, dc, dW, _, db = lstm_backward(dy, SEQUENCE, **START, **UNIT)
    stated = (
        f"`dx` is {digits(dx)}; `dh` is {digits(dh)}; `dc` is {digits(dc)}; "
        f"`dW` is {digits(dW)}; and `db` is {digits(db)}."
    )
    assert stated in text_of(notebook, "lstm-backward-task")


def test_the_examples_of_clipping_and_of_norms_are_true(notebook):
    arrays = [np.array([3.0, 0]), np.array([[4.0]]), np.array([0, 12.0, 0])]
    clipped = clip_by_global_norm(arrays, 6.5)
    assert [array.tolist() for array in clipped] == [[1.5, 0], [[2]], [0, 6, 0]]
    assert "`[1.5, 0]`, `[[2]]` and `[0, 6, 0]`" in text_of(
        notebook, "clip-by-global-norm-task"
    )
    norms = cell_gradient_norms(np.ones((1, 1)), SEQUENCE, **START, **UNIT)
    text = text_of(notebook, "cell-gradient-norms-task")
    assert f"You return {digits(norms)}." in text


@pytest.fixture(scope="module")
def table(notebook):
    """The table that a right answer prints: row -> numbers at lags 0, 10, 20, 50."""
    names, printed = {}, []
    names["print"] = lambda *parts: printed.append(" ".join(parts))
    for name in ("imports", "given", "cell-gradient-norms-answer"):
        execute(text_of(notebook, name), names)
    names["lstm_step_backward"] = lstm_step_backward
    execute(text_of(notebook, "decay-table"), names)
    assert printed[0].split() == ["lag", "0", "10", "20", "50"]
    return {
        row[:18].strip(): [float(n) for n in row[18:].split()] for row in printed[1:]
    }


def test_the_table_shows_what_the_questions_ask_about(table):
    forget = {0: 0.5, 1: lstm_lib.sigmoid(1.0), 3: lstm_lib.sigmoid(3.0)}
    for bias, f in forget.items():
        for lag, measured in zip((10, 20, 50), table[f"forget bias {bias}"][1:]):
            assert 1.1 * f**lag < measured < 30 * f**lag
    assert table["forget bias 3"][3] > 0.25  # hardly shrinks
    assert table["forget bias 3, 5 U"][3] > 100  # explodes


def test_the_model_answer_quotes_the_table(table, notebook):
    answer = text_of(notebook, "explain-answer")
    assert "$2.7 \\cdot 10^{-6}$ at lag 20" in answer
    assert f"{table['forget bias 0'][2]:.1e}" == "2.7e-06"
    assert "the table says 0.58" in answer and "$2 \\cdot 10^{-14}$ and 0.38" in answer
    assert [f"{n:.2f}" for n in table["forget bias 3"][2:]] == ["0.58", "0.38"]
    assert f"{table['forget bias 0'][3]:.0e}" == "2e-14"
    assert "about 200 times at lag 50" in answer
    assert round(table["forget bias 3, 5 U"][3], -2) == 200
    f = float(lstm_lib.sigmoid(3.0))
    assert (f"{f:.3f}", f"{f**20:.2f}", f"{f**50:.3f}") == ("0.953", "0.38", "0.088")
    assert (f"{0.5**20:.1e}", f"{0.5**50:.1e}") == ("9.5e-07", "8.9e-16")


def test_the_rubric_says_what_earns_0_1_and_2_points(notebook):
    answer, task = (text_of(notebook, f"explain-{part}") for part in ("answer", "task"))
    assert re.search(r"\| question \| 2 points \| 1 point \| 0 points \|", answer)
    for question in (1, 2, 3):
        assert re.search(rf"^\| {question} \|", answer, re.M)
        assert re.search(rf"^{question}\. ", answer, re.M)
        assert re.search(
            rf"^{question}\. \*\*", text_of(notebook, "explain-task"), re.M
        )
    for mistake in ("Clipping cures vanishing", "f = 1 forgets"):
        assert mistake in answer


def test_a_table_without_an_answer_stops_nothing(notebook):
    names, printed = {}, []
    names["print"] = lambda *parts: printed.append(" ".join(parts))
    for name in ("imports", "given"):
        execute(text_of(notebook, name), names)

    def blank(*arguments):
        raise NotImplementedError()

    names["cell_gradient_norms"] = names["lstm_step_backward"] = blank
    execute(text_of(notebook, "decay-table"), names)
    execute(text_of(notebook, "gradient-check"), names)
    assert printed[1] == "No table yet: your function raised NotImplementedError"
    assert printed[2] == "lstm_step_backward is not answered yet."


def test_the_gradient_check_tells_right_from_wrong(notebook):
    for wrong, limits in ((False, (0, 1e-8)), (True, (1e-2, 1e2))):
        names, printed = {}, []
        names["print"] = printed.append
        for name in ("imports", "given"):
            execute(text_of(notebook, name), names)
        names["lstm_step_backward"] = drops_dc if wrong else lstm_step_backward
        execute(text_of(notebook, "gradient-check"), names)
        differences = [float(line.split()[-1]) for line in printed]
        assert [line.split()[0] for line in printed] == "dx dh dc dW dU db".split()
        assert all(limits[0] <= d <= limits[1] for d in differences)


def test_an_answer_of_a_wrong_shape_is_called_so(notebook):
    names, printed = {}, []
    names["print"] = lambda *parts: printed.append(" ".join(parts))
    for name in ("imports", "given"):
        execute(text_of(notebook, name), names)
    names["cell_gradient_norms"] = lambda *arguments: np.ones(60)
    execute(text_of(notebook, "decay-table"), names)
    assert printed[1:] == ["No table yet: shape (60,), not (T + 1,) = (61,)"]

    def kept_row(*arguments):
        *others, db = lstm_step_backward(*arguments)
        return *others, db[None]

    names["lstm_step_backward"] = kept_row
    execute(text_of(notebook, "gradient-check"), names)
    assert printed[-1] == "db has shape (1, 16), b has (16,)"
