"""Layers without memory: what stands before and after a recurrent layer.

All take sequences with time first, (T, N, ...), or single steps, (N, ...).
As in `layers`, `parameters` and `grads` are dicts with the same keys, and
`backward` follows the last forward call.
"""

from numbers import Real

import numpy as np

from lstm_lib.validation import (
    ShapeError,
    as_floats,
    as_integers,
    as_lengths,
    boolean,
    expect_shapes,
    float_dtype,
    positive,
)


class _Stateless:
    """What these layers share: nothing to carry, and perhaps nothing to learn."""

    training = True

    def __init__(self):
        self.parameters, self.grads, self._cache = {}, {}, None

    def _forwarded(self):
        """What the last forward call kept for this backward call."""
        if self._cache is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward: expected a forward call before, "
                f"got none"
            )
        return self._cache


class Dense(_Stateless):
    """A fully connected layer, y = activation(x W + b), on the last axis.

    input_size D, output_size M. activation: None, "tanh" or "relu".
    dtype: float32 or float64. rng: a seed or numpy Generator for the initial
    weights, uniform in +-1/sqrt(D) as in PyTorch's nn.Linear.
    parameters: W (D, M), b (M,) unless bias=False.
    """

    def __init__(
        self,
        input_size,
        output_size,
        bias=True,
        *,
        activation=None,
        dtype=np.float64,
        rng=None,
    ):
        super().__init__()
        self.input_size = positive("input_size", input_size)
        self.output_size = positive("output_size", output_size)
        if activation not in (None, "tanh", "relu"):
            raise ValueError(
                f"activation: expected None, 'tanh' or 'relu', got {activation!r}"
            )
        self.activation, self.dtype = activation, float_dtype(dtype)
        self.bias = boolean("bias", bias)
        rng, bound = np.random.default_rng(rng), self.input_size**-0.5
        shapes = {"W": (self.input_size, self.output_size)}
        if bias:
            shapes["b"] = (self.output_size,)
        self.parameters = {
            key: rng.uniform(-bound, bound, shape).astype(self.dtype)
            for key, shape in shapes.items()
        }

    def __call__(self, x):
        """x: (..., D). Returns (..., M)."""
        x = as_floats("x", x, self.dtype)
        if x.ndim < 1 or x.shape[-1] != self.input_size:
            raise ShapeError(
                f"x: expected a last axis of {self.input_size}, got shape {x.shape}"
            )
        y = x @ self.parameters["W"]
        if self.bias:
            y += self.parameters["b"]
        if self.activation == "tanh":
            np.tanh(y, out=y)
        elif self.activation == "relu":
            np.maximum(y, 0, out=y)
        self._cache = x.copy(), y if self.activation is None else y.copy()
        return y

    def backward(self, dy):
        """dy: gradient by y, in its shape. Returns the gradient by x, sets grads."""
        x, y = self._forwarded()
        dz = _gradient("dy", dy, y)
        if self.activation == "tanh":
            dz = dz * (1 - y * y)
        elif self.activation == "relu":
            dz = dz * (y > 0)
        rows = dz.reshape(-1, self.output_size)
        self.grads = {"W": x.reshape(-1, self.input_size).T @ rows}
        if self.bias:
            self.grads["b"] = rows.sum(axis=0)
        return dz @ self.parameters["W"].T


class Embedding(_Stateless):
    """A table with one learned row for each symbol.

    num_embeddings V symbols, embedding_dim E. padding_idx: a symbol whose
    row is zero and gets no gradient. dtype: float32 or float64. rng: a seed
    or numpy Generator for the rows, standard normal as in PyTorch.
    parameters: E (V, E).
    """

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        *,
        padding_idx=None,
        dtype=np.float64,
        rng=None,
    ):
        super().__init__()
        self.num_embeddings = positive("num_embeddings", num_embeddings)
        self.embedding_dim = positive("embedding_dim", embedding_dim)
        if padding_idx is not None:
            as_integers("padding_idx", padding_idx, self.num_embeddings)
            if np.ndim(padding_idx):
                raise ValueError(f"padding_idx: expected one symbol, got {padding_idx}")
        self.padding_idx, self.dtype = padding_idx, float_dtype(dtype)
        shape = self.num_embeddings, self.embedding_dim
        rows = np.random.default_rng(rng).normal(size=shape).astype(self.dtype)
        if padding_idx is not None:
            rows[padding_idx] = 0
        self.parameters = {"E": rows}

    @property
    def output_size(self):
        """The size of a row."""
        return self.embedding_dim

    def __call__(self, tokens):
        """tokens: integers 0..V-1, any shape. Returns (*tokens.shape, E)."""
        tokens = as_integers("tokens", tokens, self.num_embeddings)
        self._cache = tokens.copy(), tokens.shape
        return self.parameters["E"][tokens]

    def backward(self, dy):
        """dy: gradient by the rows. Sets grads; returns None, tokens have none."""
        tokens, shape = self._forwarded()
        dy = as_floats("dy", dy, self.dtype)
        _expect_same("dy", dy, (*shape, self.embedding_dim))
        total = np.zeros_like(self.parameters["E"])
        np.add.at(total, tokens.ravel(), dy.reshape(-1, self.embedding_dim))
        if self.padding_idx is not None:
            total[self.padding_idx] = 0
        self.grads = {"E": total}


class OneHot(_Stateless):
    """Each symbol as a row of zeros with a single 1; nothing to learn.

    size: the number of symbols. dtype: float32 or float64.

    >>> OneHot(3)([2, 0]).tolist()
    [[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    """

    def __init__(self, size, *, dtype=np.float64):
        super().__init__()
        self.size, self.dtype = positive("size", size), float_dtype(dtype)

    @property
    def output_size(self):
        """The size of a row."""
        return self.size

    def __call__(self, tokens):
        """tokens: integers 0..size-1, any shape. Returns (*tokens.shape, size)."""
        tokens = as_integers("tokens", tokens, self.size)
        rows = np.zeros((*tokens.shape, self.size), self.dtype)
        np.put_along_axis(rows, tokens[..., None], 1, axis=-1)
        return rows

    def backward(self, dy):
        """Return None: tokens have no gradient."""


class Dropout(_Stateless):
    """Zeros with probability p while `training`, the rest scaled by 1 / (1 - p).

    locked: draw one mask for all steps of a sequence, instead of one a step.
    rng: a seed or numpy Generator.
    Source: Srivastava et al. (2014); locked: Gal & Ghahramani (2016).
    """

    def __init__(self, p, *, locked=False, rng=None):
        super().__init__()
        if not isinstance(p, Real) or not 0 <= p < 1:
            raise ValueError(f"p: expected a number in [0, 1), got {p!r}")
        self.p, self.locked = p, boolean("locked", locked)
        self._rng = np.random.default_rng(rng)

    def __call__(self, x):
        """x: (T, N, D) or, unless locked, any shape. Returns x's shape."""
        x = as_floats("x", x)
        if self.locked:
            expect_shapes(x=(x, "T N D"))
        if not self.training or not self.p:
            self._cache = x, np.ones((), x.dtype)
            return x.copy()
        shape = (1, *x.shape[1:]) if self.locked else x.shape
        mask = (self._rng.random(shape) >= self.p).astype(x.dtype)
        mask /= x.dtype.type(1 - self.p)
        self._cache = x, mask
        return x * mask

    def backward(self, dy):
        """dy: gradient by y. Returns the gradient by x."""
        x, mask = self._forwarded()
        return _gradient("dy", dy, x) * mask


class LastStep(_Stateless):
    """From the outputs at every step, each sequence's own last one.

    bidirectional: the second half of the features belongs to the backward
    direction, whose last step is step 0.
    """

    uses_lengths = True

    def __init__(self, bidirectional=False):
        super().__init__()
        self.bidirectional = boolean("bidirectional", bidirectional)

    def __call__(self, y, lengths=None):
        """y: (T, N, K); lengths: (N,), None means T. Returns (N, K)."""
        y = as_floats("y", y)
        sizes = expect_shapes(y=(y, "T N K"))
        if self.bidirectional and y.shape[2] % 2:
            raise ShapeError(
                f"y: expected an even last axis, forward and backward halves, "
                f"got {y.shape}"
            )
        lengths = as_lengths("lengths", lengths, sizes["T"], sizes["N"])
        self._cache = y, lengths
        last = y[lengths - 1, np.arange(y.shape[1])]
        if self.bidirectional:
            half = y.shape[2] // 2
            last[:, half:] = y[0, :, half:]
        return last

    def backward(self, dlast):
        """dlast: (N, K). Returns the gradient by y, (T, N, K)."""
        y, lengths = self._forwarded()
        dlast, dy = _gradient("dlast", dlast, y[0]), np.zeros_like(y)
        forward = y.shape[2] // 2 if self.bidirectional else y.shape[2]
        dy[lengths - 1, np.arange(y.shape[1]), :forward] = dlast[:, :forward]
        dy[0, :, forward:] = dlast[:, forward:]
        return dy


class MeanOverTime(_Stateless):
    """The mean of the outputs over each sequence's own steps."""

    uses_lengths = True

    def __call__(self, y, lengths=None):
        """y: (T, N, K); lengths: (N,), None means T. Returns (N, K)."""
        y = as_floats("y", y)
        sizes = expect_shapes(y=(y, "T N K"))
        lengths = as_lengths("lengths", lengths, sizes["T"], sizes["N"])
        within = np.arange(sizes["T"])[:, None] < lengths
        share = (within / lengths).astype(y.dtype)
        self._cache = y, share
        return np.einsum("tn,tnk->nk", share, y)

    def backward(self, dmean):
        """dmean: (N, K). Returns the gradient by y, (T, N, K)."""
        y, share = self._forwarded()
        return share[:, :, None] * _gradient("dmean", dmean, y[0])


def _gradient(name, array, like):
    array = as_floats(name, array, like.dtype)
    _expect_same(name, array, like.shape)
    return array


def _expect_same(name, array, shape):
    if array.shape != shape:
        raise ShapeError(f"{name}: expected shape {shape}, got {array.shape}")
