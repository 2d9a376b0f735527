"""Where training gets its batches from.

A source of batches is anything with `source[step]`, a pure function of the
step: training that goes on from step 500 sees exactly what it would have
seen. Each source here draws from its own seed and the step or epoch alone.
"""

from typing import Any, NamedTuple

import numpy as np

from lstm_lib.validation import ShapeError, as_integers, as_lengths, positive


class Batch(NamedTuple):
    """What one training step reads.

    inputs: what the model is called with, time first. targets: what the loss
    compares with. lengths: (N,) true lengths of the inputs, None means all
    steps. target_lengths: (N,), where the loss wants them (CTC).
    carry: go on from the state the batch before ended in.
    """

    inputs: Any
    targets: Any
    lengths: Any = None
    target_lengths: Any = None
    carry: bool = False


class Drawn:
    """Batches that a function draws, without end.

    draw: a function from a numpy Generator to a Batch. seed: a number that
    fixes every batch.
    """

    def __init__(self, draw, seed):
        self.draw, self.seed = draw, _seed(seed)

    def __getitem__(self, step):
        """Return the batch of a step, 0, 1, 2, ..."""
        return self.draw(_generator(self.seed, _step(step)))


class Shuffled:
    """Epochs over examples, each in a new order, none twice in an epoch.

    examples: a sequence of anything. size: examples in a batch; the last one
    of an epoch holds the rest. collate: a function from a list of examples
    to a Batch. seed: a number that fixes every order. lengths: one for each
    example; batches are then cut from examples of similar length, so that
    little is padding, and come in a random order.
    `len()` is the number of batches in an epoch, and iterating gives the first.

    Of arrays, shuffle the indices:

    >>> x, y = np.ones((7, 5, 2)), np.arange(5)  # (T, N, D) and (N,)
    >>> batches = Shuffled(range(5), 2, lambda i: Batch(x[:, i], y[i]), seed=0)
    >>> [batch.inputs.shape for batch in batches]
    [(7, 2, 2), (7, 2, 2), (7, 1, 2)]
    """

    def __init__(self, examples, size, collate, *, seed, lengths=None):
        self.examples, self.size = examples, positive("size", size)
        self.collate, self.seed = collate, _seed(seed)
        count = len(examples)
        if not count:
            raise ValueError("examples: expected at least one, got none")
        self.lengths, self._epoch = lengths, (None, None)
        if lengths is not None:
            longest = np.max(lengths, initial=1)
            self.lengths = as_lengths("lengths", lengths, longest, count)

    def __len__(self):
        """Return the number of batches in an epoch."""
        return -(-len(self.examples) // self.size)

    def __getitem__(self, step):
        """Return the batch of a step; step len(self) begins the second epoch."""
        epoch, k = divmod(_step(step), len(self))
        if self._epoch[0] != epoch:
            self._epoch = epoch, self._order(_generator(self.seed, epoch))
        return self.collate([self.examples[i] for i in self._epoch[1][k]])

    def __iter__(self):
        """Go through the first epoch once."""
        return (self[k] for k in range(len(self)))

    def _order(self, rng):
        """The examples of each batch of an epoch."""
        count = len(self.examples)
        order = rng.permutation(count)
        if self.lengths is not None:
            # A tenth of noise, or each epoch would group the same examples.
            noisy = self.lengths[order] * rng.uniform(1, 1.1, count)
            order = order[np.argsort(noisy, kind="stable")]
        batches = [order[k : k + self.size] for k in range(0, count, self.size)]
        if self.lengths is not None:
            batches = [batches[k] for k in rng.permutation(len(batches))]
        return batches


class Windows:
    """A long sequence cut into parallel streams, read in windows of some steps.

    tokens: (L,) integers. size: N streams, each a run of the text. steps: T.
    The inputs are (T, N), the targets the same one step later; the last
    window of an epoch is shorter if T does not divide the streams. Every
    window but an epoch's first carries the state, which is truncated
    back-propagation through time. What does not fill the streams, fewer than
    N tokens at the end, is not read. `len()` is the number of windows in an
    epoch, and iterating gives the first.
    """

    def __init__(self, tokens, size, steps):
        tokens = as_integers("tokens", tokens).copy()
        size, self.steps = positive("size", size), positive("steps", steps)
        if tokens.ndim != 1 or len(tokens) <= size:
            raise ValueError(
                f"tokens: expected one sequence of more than {size} (size), "
                f"got shape {tokens.shape}"
            )
        length = (len(tokens) - 1) // size
        self.inputs = tokens[: length * size].reshape(size, length).T
        self.targets = tokens[1 : length * size + 1].reshape(size, length).T

    def __len__(self):
        """Return the number of windows in an epoch."""
        return -(-len(self.inputs) // self.steps)

    def __getitem__(self, step):
        """Return the batch of a step; step len(self) begins the second epoch."""
        k = _step(step) % len(self)
        window = slice(k * self.steps, (k + 1) * self.steps)
        inputs, targets = self.inputs[window].copy(), self.targets[window].copy()
        return Batch(inputs, targets, carry=k > 0)

    def __iter__(self):
        """Go through the first epoch once."""
        return (self[k] for k in range(len(self)))


def pad(sequences, value):
    """Sequences of unequal length as one array (T, N), and their lengths (N,).

    sequences: a list of lists or arrays, each (length,) or (length, D), none
    empty. value: what fills the steps beyond an end.
    Raises ValueError for an empty one, ShapeError where rows differ in shape.

    >>> tokens, lengths = pad([[1, 2, 3], [4]], 0)
    >>> tokens.T.tolist(), lengths.tolist()
    ([[1, 2, 3], [4, 0, 0]], [3, 1])
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    if not len(lengths) or lengths.min() < 1:
        raise ValueError("sequences: expected a list without empty ones")
    arrays = [np.asarray(sequence) for sequence in sequences]
    rows = {array.shape[1:] for array in arrays}
    if len(rows) > 1:
        raise ShapeError(f"sequences: expected rows of one shape, got {sorted(rows)}")
    shape = (lengths.max(), len(arrays), *arrays[0].shape[1:])
    padded = np.full(shape, value, np.result_type(*arrays, value))
    for n, array in enumerate(arrays):
        padded[: len(array), n] = array
    return padded, lengths


def _generator(seed, k):
    # The 1 keeps k = 0 from being default_rng(seed), which models are made with.
    return np.random.default_rng((seed, k, 1))


def _step(step):
    if not isinstance(step, (int, np.integer)) or step < 0:
        raise IndexError(f"step: expected 0, 1, 2, ..., got {step!r}")
    return int(step)


def _seed(seed):
    if not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ValueError(f"seed: expected a whole number from 0, got {seed!r}")
    return int(seed)
