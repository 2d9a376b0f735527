"""Whole sequences, forward and backward, written for speed.

Both layers follow one plan. Forward: one matrix product for the inputs of
all time steps, then a loop that does only what depends on the step before.
Backward: the slopes of all gates at all steps at once, a loop that carries
the gradient from step to step, then one matrix product per weight matrix.
"""

from numbers import Real

import numpy as np

from lstm_lib.validation import ShapeError, as_floats, expect_shapes


class _Layer:
    """What the two layers share: their parameters and the checks of a call.

    A subclass gives the number of column blocks in its weights, the names of
    its state arrays, and `_forward` and `_backward`, which see checked arrays.
    """

    blocks = 1
    states = ("h",)

    def __init__(self, input_size, hidden_size, *, dtype=np.float64, rng=None):
        for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
            whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool)
            if not whole or size < 1:
                raise ValueError(f"{name}: expected a positive integer, got {size!r}")
        self.input_size, self.hidden_size = input_size, hidden_size
        if dtype not in (np.float32, np.float64, "float32", "float64"):
            raise TypeError(f"dtype: expected float32 or float64, got {dtype}")
        self.dtype = np.dtype(dtype)
        width, bound = self.blocks * hidden_size, hidden_size**-0.5
        shapes = {"W": (input_size, width), "U": (hidden_size, width), "b": (width,)}
        rng = np.random.default_rng(rng)
        self.parameters = {
            f"{name}_l0": rng.uniform(-bound, bound, shape).astype(self.dtype)
            for name, shape in shapes.items()
        }
        self.grads = {}
        self._cache = None

    def __call__(self, x, state=None):
        """Run the layer over whole sequences.

        x: (T, N, D). state: the state before the first step, in the form the
        class describes; None means zeros.
        Returns y: (T, N, H), the hidden state at every step, and the state
        after the last one. Both are the caller's own arrays.
        Raises ShapeError, TypeError or ValueError naming the argument.
        """
        x = as_floats("x", x, self.dtype)
        sizes = {"D": self.input_size, "H": self.hidden_size}
        sizes = expect_shapes(sizes, x=(x, "T N D"))
        start = self._unpack("state", self.states, state, sizes)
        hs, last, *rest = self._forward(x, *start, **self._arrays(sizes))
        # Copies, so that what the caller does to x or y cannot reach backward.
        self._cache = (x.copy(), hs, *rest)
        return hs[1:].copy(), self._pack(last)

    def backward(self, dy, dstate=None):
        """Back-propagate through the sequence of the last forward call.

        dy: (T, N, H), gradient of the loss by y. dstate: gradient by the
        returned state, in the state's form; None means zeros.
        Returns dx: (T, N, D) and the gradient by the initial state, and
        sets `grads`, a dict with the keys of `parameters` (overwritten at
        each call). Change the parameters only after the backward call.
        Raises RuntimeError if no forward call came before, and ShapeError,
        TypeError or ValueError naming the argument.
        """
        if self._cache is None:
            raise RuntimeError(
                f"{type(self).__name__}.backward: expected a forward call before, "
                f"got none; run y, state = layer(x) first"
            )
        x, hs, *rest = self._cache
        sizes = dict(zip("TNDH", (*x.shape, self.hidden_size)))
        dy = as_floats("dy", dy, self.dtype)
        expect_shapes(sizes, dy=(dy, "T N H"))
        names = [f"d{name}" for name in self.states]
        end = self._unpack("dstate", names, dstate, sizes)
        arrays = self._arrays(sizes)
        dz, first = self._backward(dy, *end, arrays["U"], hs, *rest)
        dz, steps = dz.reshape(len(x) * sizes["N"], -1), sizes["T"] * sizes["N"]
        self.grads = {
            "W_l0": x.reshape(steps, -1).T @ dz,
            "U_l0": hs[:-1].reshape(steps, -1).T @ dz,
            "b_l0": dz.sum(axis=0),
        }
        return (dz @ arrays["W"].T).reshape(x.shape), self._pack(first)

    def _arrays(self, sizes):
        """W, U and b, checked: a reader may have set them by hand."""
        width = f"{self.blocks}H" if self.blocks > 1 else "H"
        shapes = {"W": f"D {width}", "U": f"H {width}", "b": width}
        arrays = {}
        for name, shape in shapes.items():
            key = f"{name}_l0"
            if key not in self.parameters:
                raise KeyError(f"parameters: expected a key {key!r}, got none")
            arrays[name] = as_floats(key, self.parameters[key], self.dtype)
            expect_shapes(sizes, **{key: (arrays[name], shape)})
        return arrays

    def _unpack(self, argument, names, state, sizes):
        """Each part of a state as a new (N, H) array."""
        if state is None:
            shape = sizes["N"], sizes["H"]
            return [np.zeros(shape, self.dtype) for _ in names]
        several = isinstance(state, (tuple, list))
        if several != (len(names) > 1) or several and len(state) != len(names):
            form = "a tuple ({}) of arrays" if len(names) > 1 else "one array {}"
            raise ShapeError(
                f"{argument}: expected {form.format(', '.join(names))} (1, N, H), "
                f"got {_describe(state)}"
            )
        parts = state if several else (state,)
        parts = [as_floats(n, p, self.dtype) for n, p in zip(names, parts)]
        for name, part in zip(names, parts):
            expect_shapes(sizes, **{name: (part, "1 N H")})
        return [part[0].copy() for part in parts]

    def _pack(self, parts):
        """(N, H) arrays as a state: one array (1, N, H), or a tuple of them."""
        parts = tuple(part[None].copy() for part in parts)
        return parts if len(parts) > 1 else parts[0]


def _describe(value):
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"an array {shape}" if shape is not None else type(value).__name__


class RNN(_Layer):
    """A simple recurrent layer, tanh, over whole sequences.

    input_size: D; hidden_size: H; dtype: float32 or float64.
    rng: a seed or numpy Generator for the initial weights, uniform in
    +-1/sqrt(H) as in PyTorch's nn.RNN.
    Raises ValueError or TypeError naming the argument.
    parameters: W_l0 (D, H), U_l0 (H, H), b_l0 (H,). The state is h (1, N, H).
    Source: Elman (1990); the step is `cells.rnn_step`.
    """

    def _forward(self, x, h, W, U, b):
        T, N, D = x.shape
        hs = np.empty((T + 1, N, len(U)), x.dtype)
        product = np.empty_like(h)
        np.matmul(x.reshape(T * N, D), W, out=hs[1:].reshape(T * N, -1))
        hs[1:] += b
        hs[0] = h
        for t in range(T):
            h = hs[t + 1]
            h += np.matmul(hs[t], U, out=product)
            np.tanh(h, out=h)
        return hs, (h,)

    def _backward(self, dy, dh, U, hs):
        dz = 1 - hs[1:] ** 2  # slope of tanh, all steps at once
        back = np.ascontiguousarray(U.T)
        for t in reversed(range(len(dz))):
            dh += dy[t]
            dz[t] *= dh
            np.matmul(dz[t], back, out=dh)
        return dz, (dh,)


class LSTM(_Layer):
    """A long short-term memory layer over whole sequences.

    input_size: D; hidden_size: H; dtype: float32 or float64.
    forget_bias: a number for the forget gate's block of the bias; None
    leaves it as drawn.
    rng: a seed or numpy Generator for the initial weights, uniform in
    +-1/sqrt(H) as in PyTorch's nn.LSTM.
    Raises ValueError or TypeError naming the argument.
    parameters: W_l0 (D, 4H), U_l0 (H, 4H), b_l0 (4H,), column blocks
    i | f | g | o. The state is a tuple h, c, both (1, N, H).
    Source: Gers, Schmidhuber & Cummins (2000); the step is `cells.lstm_step`.
    """

    blocks = 4
    states = ("h", "c")

    def __init__(self, input_size, hidden_size, *, forget_bias=None, **options):
        super().__init__(input_size, hidden_size, **options)
        if forget_bias is not None:
            if not isinstance(forget_bias, Real) or not np.isfinite(forget_bias):
                raise ValueError(
                    f"forget_bias: expected a finite number or None, "
                    f"got {forget_bias!r}"
                )
            self.parameters["b_l0"][hidden_size : 2 * hidden_size] = forget_bias

    def _forward(self, x, h, c, W, U, b):
        T, N, D = x.shape
        H = len(U)
        # sigmoid(z) = tanh(z/2)/2 + 1/2: one tanh serves all four blocks if
        # the gates' columns are halved first. Halving is exact.
        scale = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), H)
        shift = 1 - scale
        z = (x.reshape(T * N, D) @ (W * scale) + b * scale).reshape(T, N, 4 * H)
        U = U * scale
        i, f, g, o = np.moveaxis(z.reshape(T, N, 4, H), 2, 0)
        hs, cs, tanh_c = (np.empty((n, N, H), x.dtype) for n in (T + 1, T + 1, T))
        product, written = np.empty((N, 4 * H), x.dtype), np.empty_like(c)
        hs[0], cs[0] = h, c
        for t in range(T):
            gates, c = z[t], cs[t + 1]
            gates += np.matmul(hs[t], U, out=product)
            np.tanh(gates, out=gates)
            gates *= scale
            gates += shift
            np.multiply(f[t], cs[t], out=c)
            c += np.multiply(i[t], g[t], out=written)
            np.tanh(c, out=tanh_c[t])
            np.multiply(o[t], tanh_c[t], out=hs[t + 1])
        return hs, (hs[T], cs[T]), z, cs, tanh_c

    def _backward(self, dy, dh, dc, U, hs, z, cs, tanh_c):
        T, N, H = dy.shape
        gates = z.reshape(T, N, 4, H)
        i, f, g, o = np.moveaxis(gates, 2, 0)
        # d c / d pre-activation for i, f and g, d h / d pre-activation for o,
        # and d h / d c, all steps at once.
        dz = gates * (1 - gates)
        dz[:, :, 0] *= g
        dz[:, :, 1] *= cs[:-1]
        dz[:, :, 2] = (1 - g**2) * i
        dz[:, :, 3] *= tanh_c
        dh_dc = o * (1 - tanh_c**2)
        back, product = np.ascontiguousarray(U.T), np.empty_like(dc)
        for t in reversed(range(T)):
            dh += dy[t]
            dc += np.multiply(dh, dh_dc[t], out=product)
            dz[t, :, :3] *= dc[:, None]
            dz[t, :, 3] *= dh
            dc *= f[t]
            np.matmul(dz[t].reshape(N, 4 * H), back, out=dh)
        return dz, (dh, dc)
