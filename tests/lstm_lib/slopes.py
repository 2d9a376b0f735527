"""Plumbing of the tests: gradients by hand against central differences."""

import numpy as np

from lstm_lib import numerical_gradient


def assert_gradients(loss, arrays, found, rtol=1e-7):
    """Each gradient found is the one by differences, in shape and in value.

    loss: a function of no arguments; arrays: name -> the float64 array it
    reads; found: name -> gradient. Differences count relative to the largest
    entry, or to 1e-3 of the largest of all, where one is nearly zero.
    """
    assert found.keys() == arrays.keys()
    expected = {name: numerical_gradient(loss, a) for name, a in arrays.items()}
    floor = 1e-3 * max(np.abs(g).max() for g in expected.values())
    for name, gradient in expected.items():
        assert found[name].shape == gradient.shape, name
        atol = rtol * max(np.abs(gradient).max(), floor)
        np.testing.assert_allclose(
            found[name], gradient, rtol=0, atol=atol, err_msg=name
        )
