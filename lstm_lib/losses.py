"""Loss functions: one number, and its gradient by the first argument.

Each takes what a network puts out and what was wanted, and returns the loss
as a Python float and the gradient as a new array, ready for `backward`. All
are means, so that the gradient's size does not depend on the batch's.
"""

import numpy as np

from lstm_lib.validation import ShapeError, as_floats, as_integers

IGNORE = -100  # a target that does not count, as in PyTorch


def softmax(z, axis=-1):
    """Probabilities exp(z) / sum(exp(z)) along an axis, in z's shape and dtype.

    Raises TypeError, ValueError or ShapeError naming the argument.
    """
    p = np.exp(_shifted(z, axis))
    return p / p.sum(axis=axis, keepdims=True)


def log_softmax(z, axis=-1):
    """The logarithm of softmax(z), finite where a probability underflows to 0.

    Raises TypeError, ValueError or ShapeError naming the argument.
    """
    z = _shifted(z, axis)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def softmax_cross_entropy(logits, targets, *, ignore_index=IGNORE):
    """The mean of -log p(target) in nats, p = softmax(logits).

    logits: (..., K), before any softmax. targets: (...), integers 0..K-1;
    where one equals ignore_index, it does not count (padding).
    Returns the loss and its gradient by the logits, (..., K): (p - one-hot)
    divided by the number of counted targets, 0 where none counts.
    Raises TypeError, ShapeError, or ValueError, also if no target counts.

    >>> logits = np.array([[0.0, 0.0], [5.0, -5.0]])
    >>> loss, gradient = softmax_cross_entropy(logits, [1, IGNORE])
    >>> round(loss, 4), gradient.tolist()
    (0.6931, [[0.5, -0.5], [0.0, 0.0]])
    """
    logits, targets, counted = counted_targets(
        "logits", logits, targets, ignore_index=ignore_index
    )
    log_p, targets = log_softmax(logits[counted]), targets[counted]
    rows = np.arange(len(targets))
    loss = -log_p[rows, targets].mean(dtype=np.float64)
    error = np.exp(log_p)
    error[rows, targets] -= 1
    gradient = np.zeros_like(logits)
    gradient[counted] = error / len(targets)
    return float(loss), gradient


def binary_cross_entropy(logits, targets):
    """The mean of -y log p - (1 - y) log(1 - p) in nats, p = sigmoid(logits).

    logits: any shape, before any sigmoid. targets y: the same shape, in
    [0, 1]; floats of the same dtype, integers or booleans.
    Returns the loss and its gradient by the logits, (p - y) / size.
    Raises TypeError, ShapeError or ValueError naming the argument.
    """
    logits, targets = _pair("logits", logits, targets)
    if targets.min() < 0 or targets.max() > 1:
        bad = targets[(targets < 0) | (targets > 1)][0]
        raise ValueError(f"targets: expected numbers in [0, 1], got {bad}")
    small = np.exp(-np.abs(logits))  # in (0, 1]: cannot overflow
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(small)
    p = np.where(logits >= 0, 1, small) / (1 + small)
    return float(losses.mean(dtype=np.float64)), (p - targets) / logits.size


def mse(predictions, targets):
    """The mean of the squared differences over all entries.

    predictions, targets: the same shape; targets of predictions' dtype,
    integers or booleans.
    Returns the loss and its gradient by the predictions, in their shape.
    Raises TypeError, ShapeError or ValueError naming the argument.
    """
    predictions, targets = _pair("predictions", predictions, targets)
    error = predictions - targets
    loss = np.square(error, dtype=np.float64).mean()
    return float(loss), error * (2 / error.size)


def counted_targets(name, outputs, targets, *, ignore_index=IGNORE):
    """Outputs (..., K), targets (...) and a mask (...) of the targets that count.

    name: of the outputs, for the errors: TypeError, ShapeError, ValueError.
    """
    outputs, targets = as_floats(name, outputs), as_integers("targets", targets)
    if outputs.ndim < 1 or not outputs.shape[-1]:
        raise ShapeError(f"{name}: expected shape (..., K), got {outputs.shape}")
    if targets.shape != outputs.shape[:-1]:
        raise ShapeError(
            f"targets: expected shape {outputs.shape[:-1]}, as {name} "
            f"{outputs.shape} without its last axis, got {targets.shape}"
        )
    counted = targets != as_integers("ignore_index", ignore_index)
    if not counted.any():
        raise ValueError("targets: expected one that counts, got none")
    as_integers("targets", targets[counted], outputs.shape[-1])
    return outputs, targets, counted


def _shifted(z, axis):
    """Return z less its maximum along an axis: exp then cannot overflow."""
    z = as_floats("z", z)
    if not z.size:
        raise ShapeError(f"z: expected no empty axis, got {z.shape}")
    return z - z.max(axis=axis, keepdims=True)


def _pair(name, outputs, targets):
    """Outputs and targets of one shape and one float dtype."""
    outputs, targets = as_floats(name, outputs), np.asarray(targets)
    if targets.dtype.kind in "biu":
        targets = targets.astype(outputs.dtype)
    targets = as_floats("targets", targets, outputs.dtype)
    if targets.shape != outputs.shape or not outputs.size:
        raise ShapeError(
            f"targets: expected the shape of {name}, {outputs.shape}, not empty, "
            f"got {targets.shape}"
        )
    return outputs, targets
