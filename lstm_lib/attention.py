"""Attention: weighted means over time, with weights that are learned.

`Attention` weighs the steps of one sequence for each query of another, as a
decoder does with its encoder. `WordAttention` weighs the steps of a sequence
by themselves and returns one summary of it.

As in `feedforward`, `parameters` and `grads` are dicts with the same keys,
and `backward` follows the last forward call. Where lengths are given, keys
beyond one weigh exactly 0, get no gradient and may hold any finite number.
"""

import numpy as np

from lstm_lib.feedforward import _Stateless
from lstm_lib.validation import (
    as_floats,
    as_lengths,
    expect_shapes,
    float_dtype,
    positive,
)


class Attention(_Stateless):
    """For each query, a mean of the keys weighted by how well they match.

    query_size Q, key_size K; the keys are also what is averaged. score, with
    rows q of the queries and k of the keys:
    "additive": v . tanh(q Wq + k Wk), attention_size A inside (None: K).
        It takes memory for T N S A numbers, which backward reads again.
    "dot": q . k, where Q = K; nothing to learn.
    "general": q W . k.
    dtype: float32 or float64. rng: a seed or numpy Generator for the initial
    weights, uniform in +-1/sqrt(rows) of each parameter.
    parameters: Wq (Q, A), Wk (K, A), v (A,); or W (Q, K); or none.
    Raises ValueError or TypeError naming the argument.
    Source: "additive" Bahdanau, Cho & Bengio (2015); "dot" and "general"
    Luong, Pham & Manning (2015).
    """

    def __init__(
        self,
        query_size,
        key_size,
        score="additive",
        attention_size=None,
        *,
        dtype=np.float64,
        rng=None,
    ):
        super().__init__()
        self.query_size = Q = positive("query_size", query_size)
        self.key_size = K = positive("key_size", key_size)
        if score not in ("additive", "dot", "general"):
            raise ValueError(
                f"score: expected 'additive', 'dot' or 'general', got {score!r}"
            )
        if score == "dot" and Q != K:
            raise ValueError(f"key_size: expected query_size = {Q} for 'dot', got {K}")
        if score != "additive" and attention_size is not None:
            raise ValueError(
                f"attention_size: expected None for {score!r}, got {attention_size!r}"
            )
        self.score, self.dtype = score, float_dtype(dtype)
        A = K if attention_size is None else positive("attention_size", attention_size)
        shapes = {
            "additive": {"Wq": (Q, A), "Wk": (K, A), "v": (A,)},
            "general": {"W": (Q, K)},
            "dot": {},
        }
        self.parameters = _uniform(shapes[score], self.dtype, rng)

    def __call__(self, query, keys, lengths=None):
        """Attend to the keys with every query.

        query: (T, N, Q), or (N, Q) for one step. keys: (S, N, K). lengths:
        (N,) integers in 1..S, how many keys each example has; None means S.
        Returns context (T, N, K) and weights (T, N, S), which sum to 1; or
        (N, K) and (N, S) for one step.
        Raises ShapeError, TypeError or ValueError naming the argument.
        """
        query = as_floats("query", query, self.dtype)
        keys = as_floats("keys", keys, self.dtype)
        rows = "N" if query.ndim == 2 else "T N"
        sizes = {"Q": self.query_size, "K": self.key_size}
        sizes = expect_shapes(sizes, query=(query, f"{rows} Q"), keys=(keys, "S N K"))
        within = _within(lengths, sizes["S"], sizes["N"])  # (N, S)

        q = _inside(query, rows).copy()
        k = np.where(within[:, :, None], keys.swapaxes(0, 1), 0)
        p = self.parameters
        if self.score == "additive":
            # (N, T, 1, A) + (N, 1, S, A)
            kept = np.tanh((q @ p["Wq"])[:, :, None] + (k @ p["Wk"])[:, None])
            scores = kept @ p["v"]
        else:
            kept = q @ p["W"] if self.score == "general" else q
            scores = kept @ k.mT
        weights = _softmax(scores, within[:, None])
        self._cache = sizes, rows, q, k, kept, weights
        return _outside(weights @ k, rows), _outside(weights, rows)

    def backward(self, dcontext, dweights=None):
        """Back-propagate through the last forward call.

        dcontext, dweights: gradients of the loss by context and weights, in
        their shapes; dweights None means zeros.
        Returns the gradients by query and keys, in their shapes; sets grads.
        Raises RuntimeError if no forward call came before, and ShapeError,
        TypeError or ValueError naming the argument.
        """
        sizes, rows, q, k, kept, weights = self._forwarded()
        dcontext = as_floats("dcontext", dcontext, self.dtype)
        expect_shapes(sizes, dcontext=(dcontext, f"{rows} K"))
        dc = _inside(dcontext, rows)
        da = dc @ k.mT
        if dweights is not None:
            dweights = as_floats("dweights", dweights, self.dtype)
            expect_shapes(sizes, dweights=(dweights, f"{rows} S"))
            da += _inside(dweights, rows)
        ds, dk = _softmax_slope(weights, da), weights.mT @ dc  # as values
        p = self.parameters
        if self.score == "additive":
            dz = ds[..., None] * p["v"] * (1 - kept * kept)
            dzq, dzk = dz.sum(axis=2), dz.sum(axis=1)
            dq = dzq @ p["Wq"].T
            dk += dzk @ p["Wk"].T
            self.grads = {
                "Wq": _outer(q, dzq),
                "Wk": _outer(k, dzk),
                "v": _outer(kept, ds[..., None])[:, 0],
            }
        else:
            dq = ds @ k
            dk += ds.mT @ kept  # as keys
            if self.score == "general":
                self.grads = {"W": _outer(q, dq)}
                dq = dq @ p["W"].T
        return _outside(dq, rows), dk.swapaxes(0, 1).copy()


class WordAttention(_Stateless):
    """One summary of a sequence: its steps, weighted by what they hold.

    input_size H, attention_size A (None: H). With rows h of the input:
    theta = tanh(h W + b), alpha the softmax over time of theta . u, and the
    summary sum alpha h. u, what a step is compared with, is learned too.
    dtype: float32 or float64. rng: a seed or numpy Generator for the initial
    weights, uniform in +-1/sqrt(H), for u in +-1/sqrt(A).
    parameters: W (H, A), b (A,), u (A,). weights: alpha (T, N) of the last
    call, None before the first.
    Source: Yang et al. (2016), word attention.
    """

    uses_lengths = True

    def __init__(self, input_size, attention_size=None, *, dtype=np.float64, rng=None):
        super().__init__()
        self.input_size = H = positive("input_size", input_size)
        A = H if attention_size is None else positive("attention_size", attention_size)
        self.dtype, self.weights = float_dtype(dtype), None
        shapes = {"W": (H, A), "b": (A,), "u": (A,)}
        self.parameters = _uniform(shapes, self.dtype, rng, b=H)

    def __call__(self, h, lengths=None):
        """h: (T, N, H); lengths: (N,), None means T. Returns (N, H)."""
        h = as_floats("h", h, self.dtype)
        sizes = expect_shapes({"H": self.input_size}, h=(h, "T N H"))
        within = _within(lengths, sizes["T"], sizes["N"])  # (N, T)

        h = np.where(within.T[:, :, None], h, 0)
        theta = np.tanh(h @ self.parameters["W"] + self.parameters["b"])
        alpha = _softmax((theta @ self.parameters["u"]).T, within).T
        self._cache, self.weights = (sizes, h, theta, alpha), alpha.copy()
        return np.einsum("tn,tnh->nh", alpha, h)

    def backward(self, ds):
        """ds: (N, H), gradient by the summary. Returns dh (T, N, H), sets grads."""
        sizes, h, theta, alpha = self._forwarded()
        ds = as_floats("ds", ds, self.dtype)
        expect_shapes(sizes, ds=(ds, "N H"))
        dscores = _softmax_slope(alpha.T, np.einsum("nh,tnh->nt", ds, h)).T
        dz = dscores[:, :, None] * self.parameters["u"] * (1 - theta * theta)
        self.grads = {
            "W": _outer(h, dz),
            "b": dz.sum(axis=(0, 1)),
            "u": _outer(theta, dscores[:, :, None])[:, 0],
        }
        return alpha[:, :, None] * ds + dz @ self.parameters["W"].T


def _uniform(shapes, dtype, rng, **fans):
    """Parameters uniform in +-1/sqrt(rows); fans: another number for a name."""
    rng, parameters = np.random.default_rng(rng), {}
    for name, shape in shapes.items():
        bound = fans.get(name, shape[0]) ** -0.5
        parameters[name] = rng.uniform(-bound, bound, shape).astype(dtype)
    return parameters


def _inside(array, rows):
    """(T, N, ...) or (N, ...) as (N, T, ...): one matrix for each example."""
    return array[:, None] if rows == "N" else array.swapaxes(0, 1)


def _outside(array, rows):
    """The way back, as the caller's own array."""
    return (array[:, 0] if rows == "N" else array.swapaxes(0, 1)).copy()


def _within(lengths, S, N):
    """(N, S): True at a sequence's own steps."""
    return np.arange(S) < as_lengths("lengths", lengths, S, N)[:, None]


def _softmax(scores, within):
    """Softmax over the last axis, exactly 0 where not within."""
    scores = np.where(within, scores, -np.inf)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))  # no overflow
    return weights / weights.sum(axis=-1, keepdims=True)


def _softmax_slope(weights, dweights):
    """The gradient by the scores, from the gradient by their softmax."""
    mean = (weights * dweights).sum(axis=-1, keepdims=True)
    return weights * (dweights - mean)


def _outer(inputs, outputs):
    """Sum over examples and steps of the outer products of the last axes."""
    rows = outputs.reshape(-1, outputs.shape[-1])
    return inputs.reshape(-1, inputs.shape[-1]).T @ rows
