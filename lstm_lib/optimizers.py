"""Optimisers: from gradients to a step, as in torch.optim.

`optimizer.step(model.parameters, model.grads)` changes the parameters in
place. `learning_rate` may be changed between steps. `state` (a flat dict,
"m.KEY" or "v.KEY" -> array) and `steps` (an int) are all there is to save;
set both to go on where another optimiser stopped. A step replaces the
arrays in `state` and never changes them.

>>> parameters, grads = {"w": np.array([1.0])}, {"w": np.array([4.0])}
>>> SGD(learning_rate=0.1).step(parameters, grads)
>>> parameters["w"].tolist()
[0.6]
"""

import math
from numbers import Real

import numpy as np

from lstm_lib.validation import ShapeError, as_floats


class _Optimizer:
    """What they share.

    A subclass names its running averages and gives
    _direction(gradient, *averages) -> direction, new averages: the step is
    the learning rate times the direction, downhill.
    """

    averages = ()

    def __init__(self, learning_rate):
        self.learning_rate = _number("learning_rate", learning_rate)
        self.state, self.steps = {}, 0

    def step(self, parameters, grads):
        """Move every parameter once, in place.

        parameters: a dict of float arrays; grads: same keys, shapes, dtypes.
        Nothing is changed if an argument is wrong: TypeError, ShapeError or
        ValueError (also for a gradient that is not finite) names it.
        """
        rate = _number("learning_rate", self.learning_rate)
        if self.state and not self.steps:
            raise ValueError("steps: expected the steps that made the state, got 0")
        if parameters.keys() != grads.keys():
            raise ValueError(
                f"grads: expected the keys of parameters, got "
                f"{sorted(parameters.keys() ^ grads.keys())} in one of them only"
            )
        checked = {
            key: self._checked(key, parameters[key], grads[key]) for key in grads
        }
        self.steps += 1
        for key, arrays in checked.items():
            direction, averages = self._direction(*arrays)
            parameters[key] -= rate * direction
            for name, average in zip(self.averages, averages):
                self.state[f"{name}.{key}"] = average

    def _checked(self, key, parameter, gradient):
        """One parameter's gradient and running averages, zeros at first."""
        name = f"parameters[{key!r}]"
        if not isinstance(parameter, np.ndarray):
            raise TypeError(
                f"{name}: expected an array to change, got {type(parameter).__name__}"
            )
        as_floats(name, parameter)
        arrays = {f"grads[{key!r}]": gradient}
        for average in (f"{name}.{key}" for name in self.averages):
            kept = self.state.get(average)
            kept = np.zeros_like(parameter) if kept is None else kept
            arrays[f"state[{average!r}]"] = kept
        for name, array in arrays.items():
            arrays[name] = as_floats(name, array, parameter.dtype)
            if arrays[name].shape != parameter.shape:
                raise ShapeError(
                    f"{name}: expected shape {parameter.shape}, got {np.shape(array)}"
                )
        return arrays.values()


class SGD(_Optimizer):
    """Gradient descent, with momentum if above 0.

    m = momentum m + gradient; the direction is m.
    Source: Polyak (1964), in PyTorch's form, the rate outside of m.
    """

    def __init__(self, learning_rate=0.01, momentum=0.0):
        super().__init__(learning_rate)
        self.momentum = _number("momentum", momentum, below=1)
        self.averages = ("m",) if momentum else ()

    def _direction(self, gradient, m=0.0):
        m = self.momentum * m + gradient
        return m, (m,)


class RMSProp(_Optimizer):
    """Each gradient divided by the root of its own running mean square v.

    decay: PyTorch's alpha. Source: Tieleman & Hinton (2012), lecture 6.5.
    """

    averages = ("v",)

    def __init__(self, learning_rate=0.01, decay=0.99, eps=1e-8):
        super().__init__(learning_rate)
        self.decay = _number("decay", decay, below=1)
        self.eps = _number("eps", eps)

    def _direction(self, gradient, v):
        v = self.decay * v + (1 - self.decay) * gradient**2
        return gradient / (np.sqrt(v) + self.eps), (v,)


class Adam(_Optimizer):
    """The running mean m divided by the root of the running mean square v.

    Both start at zero; dividing by 1 - beta**steps makes up for it.
    Source: Kingma & Ba (2015).
    """

    averages = ("m", "v")

    def __init__(self, learning_rate=0.001, beta1=0.9, beta2=0.999, eps=1e-8):
        super().__init__(learning_rate)
        self.beta1 = _number("beta1", beta1, below=1)
        self.beta2 = _number("beta2", beta2, below=1)
        self.eps = _number("eps", eps)

    def _direction(self, gradient, m, v):
        m = self.beta1 * m + (1 - self.beta1) * gradient
        v = self.beta2 * v + (1 - self.beta2) * gradient**2
        mean = m / (1 - self.beta1**self.steps)
        spread = np.sqrt(v / (1 - self.beta2**self.steps))
        return mean / (spread + self.eps), (m, v)


def clip_by_global_norm(grads, max_norm):
    """Scale all gradients in place, by one factor, so that their norm fits.

    grads: a dict of float arrays. max_norm: a positive number; np.inf only
    measures. Where the root of the sum of all squares is above max_norm,
    each array is multiplied by max_norm / norm.
    Returns the norm before, a float.
    Raises ValueError naming the key of a gradient that is not finite (then
    nothing is scaled), TypeError or ValueError for other wrong arguments.
    Source: Pascanu, Mikolov & Bengio (2013).
    """
    if not isinstance(max_norm, Real) or not max_norm > 0:
        raise ValueError(f"max_norm: expected a positive number, got {max_norm!r}")
    for key, array in grads.items():
        as_floats(f"grads[{key!r}]", array)
    largest = max((float(np.abs(array).max()) for array in grads.values()), default=0.0)
    if not largest:
        return 0.0
    # Relative to the largest entry, since the square of 1e200 overflows.
    squares = (np.square(array / largest).sum() for array in grads.values())
    norm = largest * math.sqrt(sum(map(float, squares)))
    if norm > max_norm:
        for array in grads.values():
            array *= max_norm / norm
    return norm


def _number(name, value, below=math.inf):
    """Return `value` as a float if it is in [0, below), or raise ValueError."""
    if not isinstance(value, Real) or not 0 <= value < below:
        raise ValueError(f"{name}: expected a number in [0, {below}), got {value!r}")
    return float(value)
