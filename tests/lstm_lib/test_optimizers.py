"""Optimisers: PyTorch's, step for step, and resumed to the last bit."""

import numpy as np
import pytest

from lstm_lib import ShapeError
from lstm_lib.optimizers import SGD, Adam, RMSProp, clip_by_global_norm

SHAPES = {"0.W": (3, 4), "0.b": (4,), "1.E": (2, 3, 2)}
RTOL = {"float32": 1e-5, "float64": 1e-10}  # of the largest entry of an array
PAIRS = {  # ours, PyTorch's name, its arguments
    "sgd": (lambda: SGD(0.1), "SGD", {"lr": 0.1}),
    "momentum": (lambda: SGD(0.1, 0.9), "SGD", {"lr": 0.1, "momentum": 0.9}),
    "rmsprop": (lambda: RMSProp(0.02, 0.9), "RMSprop", {"lr": 0.02, "alpha": 0.9}),
    "rmsprop as it comes": (RMSProp, "RMSprop", {}),
    "adam": (
        lambda: Adam(0.03, 0.8, 0.95, 1e-6),
        "Adam",
        {"lr": 0.03, "betas": (0.8, 0.95), "eps": 1e-6},
    ),
    "adam as it comes": (Adam, "Adam", {}),
}
every_pair = pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
every_optimizer = pytest.mark.parametrize(
    "make", [pair[0] for pair in PAIRS.values()], ids=PAIRS
)


def draw(seed, dtype="float64"):
    """One array for each shape; the sizes of the entries span six decades."""
    rng = np.random.default_rng(seed)
    return {
        key: (rng.normal(size=s) * 10 ** rng.uniform(-3, 3, s)).astype(dtype)
        for key, s in SHAPES.items()
    }


def copies(arrays):
    return {key: array.copy() for key, array in arrays.items()}


def assert_same_bits(ours, theirs):
    assert ours.keys() == theirs.keys()
    for key, array in ours.items():
        np.testing.assert_array_equal(array, theirs[key], err_msg=key)


@every_pair
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_50_steps_equal_torch(pair, dtype):
    """Compared after each, with the rate cut to a tenth midway."""
    import torch

    make, name, options = pair
    ours, parameters = make(), draw(0, dtype)
    twins = {key: torch.tensor(array) for key, array in parameters.items()}
    theirs = getattr(torch.optim, name)(twins.values(), **options)
    mine = list(parameters.values())
    for step in range(50):
        if step == 25:
            ours.learning_rate /= 10
            theirs.param_groups[0]["lr"] /= 10
        grads = draw(step + 1, dtype)
        kept = copies(grads)
        ours.step(parameters, grads)
        assert_same_bits(grads, kept)
        for key, twin in twins.items():
            twin.grad = torch.tensor(grads[key])
        theirs.step()
        for key, twin in twins.items():
            atol = RTOL[dtype] * np.abs(twin.numpy()).max()
            np.testing.assert_allclose(parameters[key], twin, rtol=0, atol=atol)
    assert ours.steps == 50
    assert all(a is b for a, b in zip(mine, parameters.values()))
    assert {array.dtype.name for array in [*mine, *ours.state.values()]} == {dtype}


@every_optimizer
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_saved_and_restored_gives_the_same_bits(make, dtype):
    """Twice from one save, which the steps after it leave alone."""
    first, parameters = make(), draw(0, dtype)
    assert first.state == {} and first.steps == 0
    for step in range(7):
        first.step(parameters, draw(step, dtype))
    saved, at, steps = dict(first.state), copies(parameters), first.steps
    runs = []
    for optimizer, arrays in [(first, parameters), (make(), copies(at)), (make(), at)]:
        if optimizer is not first:
            optimizer.state, optimizer.steps = dict(saved), steps
        for step in range(7, 12):
            optimizer.step(arrays, draw(step, dtype))
        runs.append((arrays, optimizer.state))
    for arrays, state in runs[1:]:
        assert_same_bits(arrays, runs[0][0])
        assert_same_bits(state, runs[0][1])


def test_the_state_is_a_flat_dict():
    """Keys are "m." and "v." and the parameter's own key; plain descent has none."""
    grads = draw(1)
    expected = {SGD(): "", SGD(momentum=0.5): "m", RMSProp(): "v", Adam(): "mv"}
    for optimizer, letters in expected.items():
        optimizer.step(draw(0), grads)
        names = {f"{letter}.{key}" for letter in letters for key in SHAPES}
        assert optimizer.state.keys() == names


def test_a_rate_from_a_schedule_keeps_the_dtype():
    """np.cos gives a float64, which would make float32 arrays wider."""
    optimizer, parameters = Adam(beta2=np.float64(0.99)), draw(0, "float32")
    optimizer.learning_rate = np.float64(0.1) * np.cos(0.3)
    optimizer.step(parameters, draw(1, "float32"))
    assert all(array.dtype == np.float32 for array in optimizer.state.values())


@every_optimizer
@pytest.mark.parametrize(
    ("spoil", "error", "words"),
    [
        (lambda p, g: g.update({"0.b": g["0.b"] * np.nan}), ValueError, r"\['0.b'\]"),
        (lambda p, g: g.update({"0.b": g["0.b"][:1]}), ShapeError, r"grads\['0.b'\]"),
        (lambda p, g: g.update({"0.b": g["0.b"].astype("f4")}), TypeError, "float64"),
        (lambda p, g: g.pop("0.b"), ValueError, r"keys of parameters, got \['0.b'\]"),
        (lambda p, g: g.clear(), ValueError, "grads: expected the keys"),
        (lambda p, g: p.update({"0.b": [1.0]}), TypeError, r"\['0.b'\]: .* got list"),
    ],
)
def test_a_wrong_argument_changes_nothing(make, spoil, error, words):
    """Not even the parameters that come before it."""
    optimizer, parameters, grads = make(), draw(0), draw(1)
    spoil(parameters, grads)
    before = {key: np.copy(array) for key, array in parameters.items()}
    with pytest.raises(error, match=words):
        optimizer.step(parameters, grads)
    assert_same_bits(parameters, before)
    assert optimizer.steps == 0 and not optimizer.state


def test_a_state_that_does_not_fit_is_named():
    """Of other sizes, or restored without its number of steps."""
    optimizer = Adam()
    optimizer.step(draw(0), draw(1))
    optimizer.state["v.0.W"] = np.zeros((1, 4))
    with pytest.raises(ShapeError, match=r"state\['v.0.W'\]: .*\(3, 4\)"):
        optimizer.step(draw(0), draw(1))
    other = Adam()
    other.state = optimizer.state
    with pytest.raises(ValueError, match="steps: expected"):
        other.step(draw(0), draw(1))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SGD(-0.1), "learning_rate: expected a number"),
        (lambda: SGD("0.1"), "learning_rate: expected a number"),
        (lambda: SGD(0.1, 1.0), r"momentum: expected a number in \[0, 1\), got 1.0"),
        (lambda: RMSProp(decay=1.5), "decay: expected"),
        (lambda: RMSProp(eps=-1), "eps: expected"),
        (lambda: Adam(np.inf), "learning_rate: .* got inf"),
        (lambda: Adam(beta1=1), "beta1: expected"),
        (lambda: Adam(beta2=np.nan), "beta2: expected"),
        (lambda: clip_by_global_norm({}, 0), "max_norm: expected a positive"),
        (lambda: clip_by_global_norm({}, np.nan), "max_norm: expected a positive"),
    ],
)
def test_wrong_numbers_are_named(call, words):
    """The argument, its range and what came."""
    with pytest.raises(ValueError, match=words):
        call()


def test_a_wrong_rate_is_noticed_at_the_next_step():
    """It may be set to anything between steps."""
    optimizer = SGD()
    optimizer.learning_rate = -1.0
    with pytest.raises(ValueError, match="learning_rate: .* got -1.0"):
        optimizer.step(draw(0), draw(1))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("max_norm", [0.5, 1e9, np.inf])
def test_clipping_equals_torch(dtype, max_norm):
    """The norm, and the direction; PyTorch adds 1e-6 to the divisor."""
    import torch

    grads = draw(0, dtype)
    twins = {key: torch.tensor(0 * array) for key, array in grads.items()}
    for key, twin in twins.items():
        twin.grad = torch.tensor(grads[key])
    before, arrays = copies(grads), list(grads.values())
    norm = clip_by_global_norm(grads, max_norm)
    theirs = torch.nn.utils.clip_grad_norm_(twins.values(), max_norm).item()
    assert type(norm) is float and norm == pytest.approx(theirs, rel=RTOL[dtype])
    assert all(a is b and a.dtype == dtype for a, b in zip(arrays, grads.values()))
    if max_norm > norm:
        assert_same_bits(grads, before)
        return
    for key, array in grads.items():
        np.testing.assert_allclose(array, twins[key].grad, rtol=1e-5)
        exact = before[key] * (max_norm / norm)
        np.testing.assert_allclose(array, exact, rtol=RTOL[dtype])
    assert clip_by_global_norm(grads, np.inf) == pytest.approx(max_norm)


def test_exploded_gradients_are_clipped_too():
    """Their squares would overflow."""
    grads = {"U": np.array([3e200, 0.0]), "b": np.array([-4e200])}
    assert clip_by_global_norm(grads, 10.0) == pytest.approx(5e200)
    np.testing.assert_allclose(grads["U"], [6, 0], rtol=1e-15)
    np.testing.assert_allclose(grads["b"], [-8], rtol=1e-15)
    assert clip_by_global_norm({"b": np.zeros(3)}, 1.0) == 0.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_gradients_that_are_not_finite_are_named(bad):
    """And the others are not scaled."""
    grads = {"U": np.full(3, 9.0), "b": np.array([1.0, bad])}
    with pytest.raises(ValueError, match=r"grads\['b'\]: expected finite"):
        clip_by_global_norm(grads, 1.0)
    np.testing.assert_array_equal(grads["U"], 9.0)
