"""Chapter 3: its formulas and the numbers in its questions, computed again."""

import json
import re

import numpy as np
import pytest
from answers import bank_function, numbers, right_names

from lstm_lib import (
    RNN,
    SGD,
    Dense,
    LastStep,
    OneHot,
    Sequential,
    clip_by_global_norm,
    numerical_gradient,
)
from lstm_lib.losses import softmax_cross_entropy
from lstm_lib.tasks import Recall

NAME = "03_backpropagation_through_time"
CLOSE = {"rel": 1e-6, "abs": 1e-9}


@pytest.fixture
def page(live):
    """What the live cells of the chapter define."""
    return live(NAME)


@pytest.fixture
def printed(notebook):
    """By a cell's id: what it printed."""
    cells = {cell.id: cell for cell in notebook(NAME).cells}
    return lambda id: "".join(out.get("text", "") for out in cells[id].outputs)


# ---- one unit, three steps ---------------------------------------------------


class Unit:
    """The chapter's unit, with a weight of its own for each use of u and b."""

    w, b, h_0 = 0.5, 0.1, 0.4
    x, wanted = (1.0, -0.5, 0.8), (0.0, 1.0, -1.0)

    def losses(self, u, b=(0.0, 0.0, 0.0)):
        h, found = self.h_0, []
        for x, y, weight, bias in zip(self.x, self.wanted, u, b):
            h = np.tanh(self.w * x + weight * h + self.b + bias)
            found.append(0.5 * (h - y) ** 2)
        return np.array(found)

    def slopes(self):
        """slopes[t, k]: of the loss at t by the use of u at k, by differences."""
        u, found = np.full(3, 0.9), np.zeros((3, 3))
        for k in range(3):
            step = 1e-5 * np.eye(3)[k]
            found[:, k] = (self.losses(u + step) - self.losses(u - step)) / 2e-5
        return found


def test_eq_three_steps(page):
    """Each of the six terms is the slope of one loss by one use of u."""
    h, e, s, u = (page["states"](0.9, Unit.x), page["e"], page["s"], 0.9)
    by_formula = {
        (1, 1): e[1] * s[1] * h[0],
        (2, 2): e[2] * s[2] * h[1],
        (2, 1): e[2] * s[2] * u * s[1] * h[0],
        (3, 3): e[3] * s[3] * h[2],
        (3, 2): e[3] * s[3] * u * s[2] * h[1],
        (3, 1): e[3] * s[3] * u * s[2] * u * s[1] * h[0],
    }
    numerically = Unit().slopes()
    for (t, k), value in by_formula.items():
        assert value == pytest.approx(numerically[t - 1, k - 1], **CLOSE)
        assert page["terms"][t, k] == pytest.approx(value, rel=1e-12)
    assert sum(by_formula.values()) == pytest.approx(page["slope"], rel=1e-8)


def test_eq_total_derivative(page):
    """The recursion gives the slope of h_t when every use of u moves."""
    u = 0.9
    low, high = (page["states"](u + d, Unit.x) for d in (-1e-5, 1e-5))
    h, total = page["states"](u, Unit.x), 0.0
    for t in (1, 2, 3):
        slope = 1 - h[t] ** 2
        total = slope * h[t - 1] + slope * u * total
        assert total == pytest.approx((high[t] - low[t]) / 2e-5, **CLOSE)
        assert page["total_h"][t] == pytest.approx(total, rel=1e-12)


def test_eq_one_total(page):
    """Both sums are the slope; none and two total factors are not."""
    e, by_use, by_h = page["e"], page["immediate"], page["total_h"]
    by_L = page["total_L"][:4]
    right = Unit().slopes().sum()
    assert e @ by_h == pytest.approx(right, **CLOSE)
    assert by_L @ by_use == pytest.approx(right, **CLOSE)
    assert round(e @ by_use, 3) == 0.218  # in the text
    times = [[t - k + 1 for k in range(4)] for t in range(4)]
    assert by_L @ by_h == pytest.approx((times * page["terms"]).sum(), rel=1e-12)


def test_six_steps_have_the_same_sum_by_rows_and_columns(page):
    """What the figure shows, and the number of paths at T = 100."""
    rng = np.random.default_rng(4)
    h = page["states"](0.9, rng.normal(size=6))
    e = h - rng.normal(size=7)
    terms = page["paths"](h, e)
    assert terms.sum(axis=0).sum() == pytest.approx(terms.sum(axis=1).sum())
    assert np.count_nonzero(terms) == 6 * 7 // 2
    assert 100 * 101 // 2 == 5050
    said = {(5, 5): -1.27, (2, 1): 0.60, (2, 2): 0.23}
    assert {place: round(terms[place], 2) for place in said} == said
    assert terms.sum().round(2) == -0.81
    assert np.count_nonzero(abs(terms[1:, 1:][np.tri(6) > 0]) < 0.1) > 21 / 2


def test_one_factor_too_many_loses_more_than_half(page):
    """As the text says of the formula with a factor too many."""
    assert 0 < page["too_many"] < 0.5 * page["terms"].sum()


# ---- a layer, index by index -------------------------------------------------


class Network:
    """As the equations write it: one example, column vectors, matrices (out, in)."""

    def __init__(self, page, n):
        get = page.__getitem__
        self.W, self.U, self.V = (get(k).T.copy() for k in "WUV")
        self.b, self.a, self.x = get("b"), get("a"), get("x")[:, n]
        self.targets, self.h_0 = get("targets")[:, n], get("start")[n]

    def run(self):
        h, y = [self.h_0], [None]
        for x in self.x:
            z = [
                sum(self.W[i, d] * x[d] for d in range(len(x)))
                + sum(self.U[i, j] * h[-1][j] for j in range(len(self.h_0)))
                + self.b[i]
                for i in range(len(self.h_0))
            ]
            h.append(np.tanh(z))
            o = [
                sum(self.V[k, i] * h[-1][i] for i in range(len(self.h_0))) + self.a[k]
                for k in range(len(self.a))
            ]
            y.append(np.exp(o) / np.exp(o).sum())
        return np.array(h), y

    def loss(self):
        _, y = self.run()
        return sum(-np.log(y[t][self.targets[t - 1]]) for t in range(1, len(y)))

    def backward(self):
        """delta, dh and dz of each step t = 1..T, each formula as it is printed."""
        h, y = self.run()
        T, H, K = len(self.x), len(self.h_0), len(self.a)
        delta = np.zeros((T + 2, K))
        dh, dz = np.zeros((T + 2, H)), np.zeros((T + 2, H))
        for t in range(T, 0, -1):
            for k in range(K):
                delta[t, k] = y[t][k] - (k == self.targets[t - 1])
            for i in range(H):
                dh[t, i] = sum(delta[t, k] * self.V[k, i] for k in range(K)) + sum(
                    dz[t + 1, j] * self.U[j, i] for j in range(H)
                )
                dz[t, i] = dh[t, i] * (1 - h[t, i] ** 2)
        return h, delta, dh, dz


@pytest.fixture
def networks(page):
    """One for each example of the batch."""
    return [Network(page, n) for n in range(page["N"])]


def test_sizes_all_differ(page):
    """So that a wrong index cannot pass."""
    assert len({page[k] for k in "TNDHK"}) == 5
    assert np.abs(page["start"]).min() > 0


def test_eq_bptt_network(page, networks):
    """The states, with sums written out, are those of the code."""
    for n, network in enumerate(networks):
        assert np.allclose(network.run()[0], page["h"][:, n], rtol=1e-12)


def test_eq_bptt_loss(page, networks):
    """The probabilities and the loss, summed over steps and examples."""
    for n, network in enumerate(networks):
        assert np.allclose(network.run()[1][1:], page["p"][:, n], rtol=1e-12)
    total = sum(network.loss() for network in networks)
    assert page["summed_loss"]() == pytest.approx(total, rel=1e-12)


def test_eq_bptt_scores(page, networks):
    """The gradient by a score is what differences of -log softmax give."""
    for n, network in enumerate(networks):
        delta = network.backward()[1]
        for t in range(1, page["T"] + 1):
            h, target = page["h"][t, n], page["targets"][t - 1, n]
            o = network.V @ h + network.a

            def loss(o=o, target=target):
                return np.log(np.exp(o).sum()) - o[target]

            assert np.allclose(delta[t], numerical_gradient(loss, o), atol=1e-8)
        assert np.allclose(delta[1:-1], page["delta"][:, n], rtol=1e-10)


def moved(network, t, shift, *, before_tanh):
    """The loss when h_t, or the pre-activation of step t, is moved by a vector."""
    h, total = network.h_0, 0.0
    for step, (x, target) in enumerate(zip(network.x, network.targets), 1):
        z = network.W @ x + network.U @ h + network.b
        z = z + shift if before_tanh and step == t else z
        h = np.tanh(z)
        h = h + shift if not before_tanh and step == t else h
        o = network.V @ h + network.a
        total += np.log(np.exp(o).sum()) - o[target]
    return total


@pytest.mark.parametrize("before_tanh", [False, True])
def test_eq_bptt_state(page, networks, before_tanh):
    """The total gradient by h_t, and by z_t: later losses are in it."""
    for network in networks:
        _, _, dh, dz = network.backward()
        for t in range(1, page["T"] + 1):
            shift = np.zeros(page["H"])
            numerically = numerical_gradient(
                lambda network=network, t=t, shift=shift: moved(
                    network, t, shift, before_tanh=before_tanh
                ),
                shift,
            )
            assert np.allclose((dz if before_tanh else dh)[t], numerically, atol=1e-8)


def test_eq_bptt_preactivation(page, networks):
    """The dz as printed is the dz of the code (test_eq_bptt_state compares it)."""
    for n, network in enumerate(networks):
        h, _, dh, dz = network.backward()
        for t in range(1, page["T"] + 1):
            for i in range(page["H"]):
                assert dz[t, i] == dh[t, i] * (1 - h[t, i] ** 2)
                assert page["dz"][t - 1, n, i] == pytest.approx(dz[t, i], rel=1e-9)


def test_eq_bptt_weights(page, networks):
    """Sums over t, with the index of each factor as printed, summed over examples."""
    T, H, D, K = (page[k] for k in "THDK")
    total = {key: 0.0 for key in "UWbVa"}
    for network in networks:
        h, delta, _, dz = network.backward()
        x, steps = [None, *network.x], range(1, T + 1)
        formula = {
            "U": [
                [sum(dz[t, i] * h[t - 1, j] for t in steps) for j in range(H)]
                for i in range(H)
            ],
            "W": [
                [sum(dz[t, i] * x[t][d] for t in steps) for d in range(D)]
                for i in range(H)
            ],
            "b": [sum(dz[t, i] for t in steps) for i in range(H)],
            "V": [
                [sum(delta[t, k] * h[t, i] for t in steps) for i in range(H)]
                for k in range(K)
            ],
            "a": [sum(delta[t, k] for t in steps) for k in range(K)],
        }
        for key, value in formula.items():
            theirs = numerical_gradient(network.loss, getattr(network, key))
            assert np.allclose(value, theirs, atol=1e-7), key
            total[key] = total[key] + np.array(value)
    for key, value in total.items():
        assert np.allclose(value.T, page["grads"][key], rtol=1e-9), key


def test_eq_bptt_inputs(page, networks):
    """By x_t and by the first state."""
    T, H, D = (page[k] for k in "THD")
    dx, dh_0 = page["ours"]["x"], page["ours"]["h_0"]
    for n, network in enumerate(networks):
        dz, W, U = network.backward()[3], network.W, network.U
        for t in range(1, T + 1):
            for d in range(D):
                value = sum(dz[t, i] * W[i, d] for i in range(H))
                assert dx[t - 1, n, d] == pytest.approx(value, rel=1e-9)
        first = [sum(dz[1, i] * U[i, j] for i in range(H)) for j in range(H)]
        assert np.allclose(dh_0[n], first, rtol=1e-9)
        network.h_0 = network.h_0.copy()
        numerically = numerical_gradient(network.loss, network.h_0)
        assert np.allclose(first, numerically, atol=1e-8)


# ---- truncation --------------------------------------------------------------


def test_a_window_goes_back_exactly_cut_steps(page):
    """The paths whose use of U lies less than `cut` steps before their loss."""
    layer, x, dy = page["stream"]("orthogonal", 0, T=9, N=2, H=5, gap=3)
    y, _ = layer(x)
    h = np.concatenate([np.zeros((1, 2, 5)), y])
    U = layer.parameters["U_l0"]
    for cut in (1, 2, 4, 9):
        wanted, pieces = np.zeros((5, 5)), np.zeros((5, 5))
        for t in range(1, 10):
            dh = dy[t - 1]
            for k in range(t, 0, -1):
                dz = dh * (1 - h[k] ** 2)
                same_piece = (t - 1) // cut == (k - 1) // cut
                wanted += h[k - 1].T @ dz * (t - k < cut)
                pieces += h[k - 1].T @ dz * same_piece
                dh = dz @ U.T
        assert np.allclose(page["in_windows"](layer, x, dy, cut), wanted)
        assert np.allclose(page["in_pieces"](layer, x, dy, cut), pieces)


def test_what_the_text_says_of_truncation(printed):
    """The rows of the printed table."""
    rows = re.findall(r"^(\w+) +(in_\w+)((?: +\d\.\d\d)+)$", printed("bptt-31"), re.M)
    lost = {(a, b): [float(v) for v in values.split()] for a, b, values in rows}
    cuts = [1, 5, 10, 20, 30, 60]
    at = {key: dict(zip(cuts, row)) for key, row in lost.items()}
    assert len(at) == 4
    for kind in ("uniform", "orthogonal"):
        assert at[kind, "in_windows"][20] < 0.5 * at[kind, "in_pieces"][20]
    assert at["uniform", "in_windows"][10] < 0.01
    assert at["orthogonal", "in_windows"][10] == 0.16
    reach = [(t - 1) % 20 + 1 for t in range(1, 61)]
    assert np.mean(np.array(reach) <= 10) == 0.5


# ---- Jacobians ---------------------------------------------------------------


@pytest.fixture
def small():
    """A layer, an input (T, 1, D) and its states h_0 .. h_T."""
    layer = RNN(2, 4, rng=1)
    x = np.random.default_rng(2).normal(size=(6, 1, 2))
    return layer, x, np.concatenate([np.zeros((1, 4)), layer(x)[0][:, 0]])


def test_eq_step_jacobian(page, small):
    """Entry by entry, against differences of one step."""
    layer, x, h = small
    U, J = layer.parameters["U_l0"].T, page["step_jacobians"](layer, x)
    for t in range(1, 7):
        old = h[t - 1].copy()
        for i in range(4):
            row = numerical_gradient(
                lambda t=t, i=i, old=old: layer(x[t - 1 : t], old[None, None])[0][
                    0, 0, i
                ],
                old,
            )
            formula = [(1 - h[t, i] ** 2) * U[i, j] for j in range(4)]
            assert np.allclose(row, formula, atol=1e-9)
            assert np.allclose(J[t - 1, i], formula, rtol=1e-12)


def test_the_way_back_multiplies_by_the_transposed_jacobian(page):
    """What step t hands to h_(t-1): the slope, then the transpose of U."""
    h, U, dz = page["h"], page["U"].T, page["dz"]
    for t in range(1, page["T"] + 1):
        for n in range(page["N"]):
            J = np.diag(1 - h[t, n] ** 2) @ U
            total = dz[t - 1, n] / (1 - h[t, n] ** 2)
            handed = page["back"][n] if t == 1 else U.T @ dz[t - 1, n]
            assert np.allclose(J.T @ total, handed, rtol=1e-9)


def test_radius_and_norm_of_uniform_weights():
    """Of 20 seeds with 64 units: between the numbers of the text."""
    for seed in range(20):
        U = RNN(8, 64, rng=seed).parameters["U_l0"]
        assert 0.55 < max(abs(np.linalg.eigvals(U))) < 0.75
        assert 1.05 < np.linalg.norm(U, 2) < 1.25


def test_eq_jacobian_product(page, small):
    """T - t factors, the latest on the left; in another order it is not."""
    layer, x, h = small
    J = page["step_jacobians"](layer, x)
    start = h[2].copy()
    rows = [
        numerical_gradient(
            lambda i=i: layer(x[2:], start[None, None])[0][-1, 0, i], start
        )
        for i in range(4)
    ]
    product = np.eye(4)
    for k in range(6, 2, -1):  # J_6 J_5 J_4 J_3
        product = product @ J[k - 1]
    assert np.allclose(rows, product, atol=1e-9)
    assert not np.allclose(rows, J[2] @ J[3] @ J[4] @ J[5], atol=1e-5)


def test_eq_jacobian_bound(page, small):
    """Product, norms one by one, power of the norm: in this order."""
    layer, x, _ = small
    layer.parameters["U_l0"] *= 2
    J = page["step_jacobians"](layer, x)
    norm = np.linalg.norm(np.linalg.multi_dot(J[::-1]), 2)
    each = np.prod([np.linalg.norm(j, 2) for j in J])
    power = np.linalg.svd(layer.parameters["U_l0"])[1].max() ** 6
    assert norm < each < power
    assert norm > 1e-3 * power  # not true by being tiny


def test_predicted_from_the_bound(printed, questions):
    """The question's numbers are those of the table below it."""
    row = re.search(r"^uniform +(.+)$", printed("bptt-37"), re.M)[1].split()
    radius, norm, bound, each, product = map(float, row)
    quiz = questions["03", "predict-from-bound"]
    (right,) = right_names(quiz)
    assert right == "less than a millionth of the bound"
    assert product < 1e-6 * bound and product < 1e-8
    assert norm == pytest.approx(1.15, abs=0.02) and bound == 1000 and each == 80
    assert 0.55 < radius < 0.75


# ---- clipping ----------------------------------------------------------------


def test_eq_global_norm(page):
    """One factor for all arrays, and none below the limit."""
    arrays = [np.array([[3.0, -1.0], [0.5, 2.0]]), np.array([4.0, -6.0, 1.0])]
    norm = sum(float(v) ** 2 for a in arrays for v in a.ravel()) ** 0.5
    for limit in (0.5 * norm, 2 * norm):
        clipped = {k: a.copy() for k, a in enumerate(arrays)}
        page["clip_in_place"](clipped, limit)
        factor = min(1, limit / norm)
        for k, array in enumerate(arrays):
            assert np.allclose(clipped[k], factor * array, rtol=1e-12)
    three_four = {"a": np.array([3.0]), "b": np.array([4.0])}
    assert page["clip_in_place"](three_four, 1.0) == pytest.approx(5)
    assert three_four["a"].item() == pytest.approx(0.6)
    assert three_four["b"].item() == pytest.approx(0.8)


def test_clipping_turns_only_where_arrays_are_clipped_alone(printed):
    """The three angles as printed."""
    angles = [float(v) for v in re.findall(r"([\d.]+) degrees", printed("bptt-49a"))]
    assert angles[0] == 0 and [int(v) for v in angles[1:]] == [25, 25]


def test_one_limit_for_all_makes_steps_of_one_length():
    """A limit of 1e-6 and a rate of 0.3e6: the step has length 0.3."""
    task = Recall(5)
    model = Sequential(OneHot(8), RNN(8, 6, rng=0), LastStep(), Dense(6, 4, rng=0))
    batch = task.sample(16, 0)
    model.backward(softmax_cross_entropy(model(batch.inputs)[0], batch.targets)[1])
    before = {key: array.copy() for key, array in model.parameters.items()}
    clip_by_global_norm(model.grads, 1e-6)
    SGD(0.3e6).step(model.parameters, model.grads)
    squares = [((model.parameters[k] - a) ** 2).sum() for k, a in before.items()]
    assert sum(squares) ** 0.5 == pytest.approx(0.3)


# ---- the questions at the end ------------------------------------------------


def test_two_steps_by_hand(questions):
    """Each wrong number is what that misconception returns."""
    h_0, h_1, h_2, u = 0.5, 0.6, 0.8, 0.5
    x = np.array([np.arctanh(h_1) - u * h_0, np.arctanh(h_2) - u * h_1])
    dy = np.full((2, 1, 1), 2.0)
    arguments = x[:, None, None], np.full((1, 1), h_0), np.eye(1), u * np.eye(1)
    arguments = *arguments, np.zeros(1)
    dz_2 = 2 * (1 - h_2**2)
    dz_1 = (2 + u * dz_2) * (1 - h_1**2)
    quiz = questions["03", "two-steps-by-hand"]
    assert dz_2 * h_1 + dz_1 * h_0 == pytest.approx(numbers(quiz)["right"], abs=5e-4)
    ids = {
        option.misconception
        or re.search(r'#sec-bptt "([\w-]+)"', option.why)[1]: option.value
        for option in quiz.options
        if option.value is not None and not option.right
    }
    assert len(ids) == 4
    for id, value in ids.items():
        dU = bank_function(id)(dy, *arguments)[3].item()
        assert dU == pytest.approx(value, abs=5e-4), id


def test_clipped_first_number(questions):
    """Each wrong number is what that misconception returns."""
    found = numbers(questions["03", "clipped-first-number"])
    arrays = [np.array([6.0, 4.5]), np.array([10.0])]
    assert 6 * 5 / np.sqrt(36 + 20.25 + 100) == pytest.approx(found.pop("right"))
    assert len(found) == 5
    for id, value in found.items():
        first = bank_function(id)([a.copy() for a in arrays], 5.0)[0][0]
        assert first == pytest.approx(value, abs=5e-4), id


def test_far_symbol_cut(page):
    """In pieces of 10, the row that only step 1 reads has gradient 0; whole, not."""
    layer = RNN(4, 6, rng=0)
    symbols = np.r_[3, np.random.default_rng(0).integers(3, size=29)]
    x = np.eye(4)[symbols][:, None]
    dy = np.zeros((30, 1, 6))
    dy[-1] = 1.0
    total, state = np.zeros((4, 6)), None
    for start in range(0, 30, 10):
        _, state = layer(x[start : start + 10], state)
        layer.backward(dy[start : start + 10])
        total += layer.grads["W_l0"]
    layer(x)
    layer.backward(dy)
    assert (total[3] == 0).all() and np.abs(layer.grads["W_l0"][3]).min() > 0


def test_lines_of_the_way_back(questions):
    """In this order they give the gradient by the first state."""
    options = questions["03", "lines-of-the-way-back"].options
    lines = [option.text.strip("`").strip() for option in options]
    assert [line.split()[0] for line in lines] == ["back", "for", "dh", "dz", "back"]
    rng, layer = np.random.default_rng(0), RNN(2, 3, rng=0)
    x, dy, start = (rng.normal(size=s) for s in ((4, 5, 2), (4, 5, 3), (1, 5, 3)))
    y, _ = layer(x, start)
    names = {"np": np, "h": start[0], "y": y, "dy": dy, "U": layer.parameters["U_l0"]}
    exec("\n".join([*lines[:2], *("    " + line for line in lines[2:])]), names)
    assert np.allclose(names["back"], layer.backward(dy)[1][0])


# ---- what the text says of trained networks ----------------------------------


def test_shares_in_the_text_are_those_stored(root):
    """Of the recall experiment: where each start breaks."""
    stored = json.loads((root / "experiments/results/recall_lags.json").read_text())
    share = {}
    for record in stored["results"]:
        key = record["network"], record["lag"]
        share[key] = share.get(key, 0) + record["solved"]
    assert share["tanh, uniform", 5] == 5 and share["tanh, uniform", 160] == 0
    assert share["tanh, uniform", 10] == share["tanh, uniform", 20] == 3
    assert share["tanh, uniform", 40] == 0 and share["tanh, uniform", 80] == 1
    assert share["tanh, orthogonal", 80] == 3 > share["tanh, orthogonal", 160] == 2
    assert all(share["ReLU, identity", lag] == 5 for lag in (2, 5, 10, 20, 40, 80))
    assert share["ReLU, identity", 160] == 1


def test_what_is_left_by_start(printed):
    """Over fifty and a hundred steps, as the text says."""
    rows = re.findall(
        r"^(.+?) +lag 50: .* lag 100: (\S+) to (\S+)$", printed("bptt-61"), re.M
    )
    left = {name: (float(low), float(high)) for name, low, high in rows}
    assert len(left) == 4
    assert 0.35 < left["ReLU, identity"][0] <= left["ReLU, identity"][1] < 0.65
    assert left["ReLU, orthogonal"][1] < 1e-9
