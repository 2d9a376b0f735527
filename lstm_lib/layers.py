"""Whole sequences, forward and backward, written for speed.

All layers follow one plan. Forward: one matrix product for the inputs of all
time steps, then a loop that does only what depends on the step before.
Backward: the slopes of all gates at all steps at once, a loop that carries
the gradient from step to step, then one matrix product per weight matrix.

`_Layer` does what is common: parameters, checks, stacked layers, the two
directions, sequences of unequal length. Each subclass adds its one loop,
forward and backward, which sees one layer in one direction.
"""

import warnings
from numbers import Real

import numpy as np

from lstm_lib import initialisers
from lstm_lib.validation import (
    ShapeError,
    as_floats,
    as_lengths,
    boolean,
    expect_shapes,
    float_dtype,
    positive,
)


class _Layer:
    """What the layers share.

    A subclass gives the names of its state arrays and of the column blocks
    in its weights, one letter each, and the pair `_forward`, `_backward`:

    _forward(x, state, w, work) -> states, cache: x (T, N, D); state a list
    of (N, H); w one layer's parameters without suffix; states a tuple of
    (T + 1, N, H), the start first, the hidden state before the others.

    _backward(dy, dlast, ends, w, states, cache, work) -> dz, dfirst, grads:
    dz (blocks, T, N, H) by the pre-activations' input part; ends maps a
    time step to the examples whose sequence ends there.

    Inside, what a gate computes at one step is one run of memory, (N, H);
    strided, as columns of (N, 4H), it would take thrice as long. The loops keep
    a step's blocks together, (T, blocks, N, H); the matrix products over all
    steps want each block's steps together, (blocks, T, N, H).

    Large arrays that the caller never sees are taken from work, which keeps
    them from call to call: new memory costs more than the arithmetic in it.
    """

    states = ("h",)
    block_names = "h"

    def __init__(
        self,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        *,
        dtype=np.float64,
        rng=None,
    ):
        self.input_size = positive("input_size", input_size)
        self.hidden_size = positive("hidden_size", hidden_size)
        self.num_layers = positive("num_layers", num_layers)
        self.bias = boolean("bias", bias)
        self.batch_first = boolean("batch_first", batch_first)
        self.bidirectional = boolean("bidirectional", bidirectional)
        if not isinstance(dropout, Real) or not 0 <= dropout < 1:
            raise ValueError(f"dropout: expected a number in [0, 1), got {dropout!r}")
        if dropout and num_layers == 1:
            warnings.warn(
                "dropout acts between stacked layers; with num_layers=1 it does "
                "nothing",
                stacklevel=2,
            )
        self.dropout, self.dtype = dropout, float_dtype(dtype)
        self.training = True
        self._rng = np.random.default_rng(rng)
        bound = self.hidden_size**-0.5
        self.parameters = {
            key: self._rng.uniform(-bound, bound, shape).astype(self.dtype)
            for key, shape in self._shapes().items()
        }
        self.grads = {}
        self._cache = None
        runs = self.num_layers * self._directions
        self._work = [_Workspace(self.dtype) for _ in range(runs)]

    def __call__(self, x, state=None, lengths=None):
        """Run the layer over whole sequences.

        x: (T, N, D), or (N, T, D) if batch_first. state: the state before
        the first step, in the form the class describes; None means zeros.
        lengths: (N,) integers in 1..T, the true length of each sequence;
        None means T for all. What stands in x beyond a length is ignored.
        Returns y: (T, N, directions * H), the last layer's hidden state at
        every step, zero beyond a length, and the state after each
        sequence's last step. Both are the caller's own arrays.
        Raises ShapeError, TypeError or ValueError naming the argument.
        """
        x = as_floats("x", x, self.dtype)
        sizes = {"D": self.input_size, "H": self.hidden_size}
        axes = "N T D" if self.batch_first else "T N D"
        sizes = expect_shapes(sizes, x=(x, axes))
        if lengths is not None:
            lengths = as_lengths("lengths", lengths, sizes["T"], sizes["N"])
        start = self._unpack("state", self.states, state, sizes)
        weights = self._checked()
        order, mask = _order(lengths, sizes["T"]), _mask(lengths, sizes["T"], x.dtype)

        self._cache = None  # what it holds is about to be overwritten
        x = self._work[0].filled("x", x.swapaxes(0, 1) if self.batch_first else x)
        if mask is not None:
            x *= mask  # so that padding cannot overflow in a step nobody reads
        runs, last, drops = [], [], []
        for level in range(self.num_layers):
            if level and self.dropout and self.training:
                drops.append(self._draw_mask(x.shape))
                x = x * drops[-1]
            outputs = []
            for suffix in self._suffixes(level):
                backwards = suffix.endswith("_reverse")
                inputs = _reverse(x, order) if backwards else x
                k = len(runs)
                first = [part[k] for part in start]
                w, work = weights[suffix], self._work[k]
                states, cache = self._forward(inputs, first, w, work)
                y = states[0][1:]
                outputs.append(_reverse(y, order) if backwards else y)
                last.append([_at_end(part, lengths) for part in states])
                runs.append((inputs, states, cache))
            x = np.concatenate(outputs, axis=2)
            if mask is not None:
                x *= mask
        self._cache = (sizes, lengths, runs, drops)
        y = np.ascontiguousarray(x.swapaxes(0, 1)) if self.batch_first else x
        return y, self._pack(last)

    def backward(self, dy, dstate=None):
        """Back-propagate through the sequences of the last forward call.

        dy: gradient of the loss by y, in y's shape. dstate: gradient by the
        returned state, in the state's form; None means zeros. For truncated
        back-propagation through time, carry the state from call to call and
        leave dstate out.
        Returns dx in x's shape and the gradient by the initial state, and
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
        sizes, lengths, runs, drops = self._cache
        T, H = sizes["T"], self.hidden_size
        dy = as_floats("dy", dy, self.dtype)
        width = f"{self._directions}H" if self.bidirectional else "H"
        axes = f"N T {width}" if self.batch_first else f"T N {width}"
        expect_shapes(sizes, dy=(dy, axes))
        names = [f"d{name}" for name in self.states]
        dlast = self._unpack("dstate", names, dstate, sizes)
        weights = self._checked()
        order, mask = _order(lengths, T), _mask(lengths, T, self.dtype)
        ends = _ends(lengths, T)

        dy = dy.swapaxes(0, 1) if self.batch_first else dy
        if mask is not None:
            dy = dy * mask
        grads, first = {}, [None] * len(runs)
        for level in reversed(range(self.num_layers)):
            dx = None
            for side, suffix in enumerate(self._suffixes(level)):
                k = level * self._directions + side
                part = dy[:, :, side * H : (side + 1) * H]
                inputs, states, cache = runs[k]
                dz, first[k], own = self._backward(
                    _reverse(part, order) if side else part,
                    [d[k] for d in dlast],
                    ends,
                    weights[suffix],
                    states,
                    cache,
                    self._work[k],
                )
                own["W"] = _outer(inputs, dz)
                own["b"] = dz.sum(axis=(1, 2)).ravel()
                din = _back_through(dz, weights[suffix]["W"], self._work[k])
                dx = dx + _reverse(din, order) if side else din
                grads |= {f"{name}{suffix}": own[name] for name in weights[suffix]}
            dy = dx * drops[level - 1] if level and drops else dx
        self.grads = {key: grads[key] for key in self.parameters}
        dx = np.ascontiguousarray(dy.swapaxes(0, 1)) if self.batch_first else dy
        return dx, self._pack(first)

    def computed(self):
        """Everything the last forward call computed, by name.

        Returns a dict from "f_l0" and the like to new arrays (T, N, H): the
        gates and the candidate by their letters, and the states after each
        step. Time first, in the order of x; NaN beyond a length.
        Raises RuntimeError if no forward call came before.
        """
        if self._cache is None:
            raise RuntimeError("computed: expected a forward call before, got none")
        sizes, lengths, runs, _ = self._cache
        order, found = _order(lengths, sizes["T"]), {}
        suffixes = [s for k in range(self.num_layers) for s in self._suffixes(k)]
        for suffix, (_, states, cache), work in zip(suffixes, runs, self._work):
            arrays = self._gates(cache, work)
            arrays |= {name: part[1:] for name, part in zip(self.states, states)}
            for name, array in arrays.items():
                array = _reverse(array, order) if "reverse" in suffix else array
                found[name + suffix] = array = array.copy()
                if lengths is not None:
                    array[np.arange(sizes["T"])[:, None] >= lengths] = np.nan
        return found

    @property
    def blocks(self):
        """The number of column blocks in W, U and b."""
        return len(self.block_names)

    @property
    def _directions(self):
        return 2 if self.bidirectional else 1

    def _suffixes(self, level):
        return [f"_l{level}", f"_l{level}_reverse"][: self._directions]

    def _gates(self, cache, work):
        """Gate and candidate letters -> (T, N, H), from a run's cache."""
        return {}

    def _extra_shapes(self):
        """Shapes of one layer's parameters beside W, U and b, as strings."""
        return {}

    def _shapes(self, names=False):
        """Every parameter's shape: sizes as a tuple, or as names for a message."""
        H, shapes = self.hidden_size, {}
        width = f"{self.blocks}H" if self.blocks > 1 else "H"
        for level in range(self.num_layers):
            D = self.input_size if level == 0 else self._directions * H
            one = {"W": f"D {width}", "U": f"H {width}", "b": width}
            one |= self._extra_shapes()
            for suffix in self._suffixes(level):
                for name, shape in one.items():
                    if self.bias or name not in ("b", "bn"):
                        shapes[name + suffix] = (shape, D)
        if names:
            return shapes
        return {key: _sizes(shape, D, H) for key, (shape, D) in shapes.items()}

    def _checked(self):
        """The parameters by suffix, checked: a reader may have set them by hand."""
        weights = {}
        for key, (shape, D) in self._shapes(names=True).items():
            if key not in self.parameters:
                raise KeyError(f"parameters: expected a key {key!r}, got none")
            array = as_floats(key, self.parameters[key], self.dtype)
            expect_shapes({"D": D, "H": self.hidden_size}, **{key: (array, shape)})
            name, _, suffix = key.partition("_")
            weights.setdefault(f"_{suffix}", {})[name] = array
        return weights

    def _draw_mask(self, shape):
        """Zeros with probability `dropout`, else 1 / (1 - dropout)."""
        kept = self._rng.random(shape) >= self.dropout
        return kept.astype(self.dtype) / self.dtype.type(1 - self.dropout)

    def _unpack(self, argument, names, state, sizes):
        """Each part of a state as a new (layers * directions, N, H) array."""
        count = self.num_layers * self._directions
        if state is None:
            shape = count, sizes["N"], sizes["H"]
            return [np.zeros(shape, self.dtype) for _ in names]
        several = isinstance(state, (tuple, list))
        if several != (len(names) > 1) or several and len(state) != len(names):
            form = "a tuple ({}) of arrays" if len(names) > 1 else "one array {}"
            raise ShapeError(
                f"{argument}: expected {form.format(', '.join(names))} "
                f"({count}, N, H), got {_describe(state)}"
            )
        parts = state if several else (state,)
        parts = [as_floats(n, p, self.dtype) for n, p in zip(names, parts)]
        for name, part in zip(names, parts):
            expect_shapes(sizes, **{name: (part, f"{count} N H")})
        return [part.copy() for part in parts]

    def _pack(self, runs):
        """One list of (N, H) parts per run, as a state the caller owns."""
        parts = tuple(np.stack(part) for part in zip(*runs))
        return parts if len(parts) > 1 else parts[0]


# ---- checks of arguments -----------------------------------------------------


def _describe(value):
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return f"an array {shape}" if shape is not None else type(value).__name__


def _sizes(shape, D, H):
    """A shape such as "D 4H" in numbers."""
    sizes = []
    for axis in shape.split():
        count = int(axis.rstrip("DH") or 1)
        sizes.append(count * {"D": D, "H": H}.get(axis[-1], 1))
    return tuple(sizes)


# ---- sequences of unequal length ---------------------------------------------


def _mask(lengths, T, dtype):
    """(T, N, 1): 1 within a sequence, 0 beyond its end."""
    if lengths is None:
        return None
    return (np.arange(T)[:, None] < lengths)[:, :, None].astype(dtype)


def _order(lengths, T):
    """(T, N): where each step comes from when every sequence is turned round."""
    if lengths is None:
        return None
    t = np.arange(T)[:, None]
    return np.where(t < lengths, lengths - 1 - t, t)


def _reverse(array, order):
    """Turn each sequence of (T, N, K) round within its own length."""
    if order is None:
        return array[::-1]
    return np.take_along_axis(array, order[:, :, None], axis=0)


def _ends(lengths, T):
    """Time step -> the examples whose last step it is."""
    if lengths is None:
        return {T - 1: slice(None)}
    return {int(n) - 1: np.flatnonzero(lengths == n) for n in np.unique(lengths)}


def _at_end(states, lengths):
    """(N, H): each example's state after its own last step."""
    if lengths is None:
        return states[-1]
    return states[lengths, np.arange(len(lengths))]


class _Workspace(dict):
    """Arrays of one dtype by name, kept as long as their shape is asked for."""

    def __init__(self, dtype):
        self.dtype = dtype

    def __call__(self, name, *shape):
        """An array of this shape with any content, the last one if it fits."""
        if name not in self or self[name].shape != shape:
            self[name] = np.empty(shape, self.dtype)
        return self[name]

    def filled(self, name, array):
        """A copy of an array."""
        copy = self(name, *array.shape)
        copy[...] = array
        return copy


def _split(array, count):
    """A view of (M, count * H) as blocks (count, M, H)."""
    return array.reshape(len(array), count, -1).swapaxes(0, 1)


def _factor(matrices, scale=1):
    """The second factor of many small products, in the order OpenBLAS likes.

    Measured: float32 is fastest by rows, float64 by columns (a tenth to a fifth).
    """
    if matrices.dtype == np.float32:
        return np.multiply(matrices, scale, order="C")
    return np.multiply(matrices.swapaxes(-1, -2), scale, order="C").swapaxes(-1, -2)


def _project(x, w, scale, work):
    """Return x W + b at all time steps, blocks scaled: (T, blocks, N, H)."""
    (T, N, D), count = x.shape, len(scale)
    W = np.multiply(_split(w["W"], count), scale, order="C")
    products = work("by_block", count, T, N, W.shape[2])
    np.matmul(x.reshape(T * N, D), W, out=products.reshape(count, T * N, -1))
    z = work("z", T, *products[:, 0].shape)
    b = w["b"].reshape(count, 1, -1) * scale if "b" in w else 0
    return np.add(products.swapaxes(0, 1), b, out=z)


def _back_through(dz, W, work):
    """The gradient by what W multiplied: dz W^T, summed over the blocks."""
    count, T, N, H = dz.shape
    dz, back = dz.reshape(count, T * N, H), _split(W, count).swapaxes(1, 2)
    dx = dz[0] @ back[0]
    more = work("more", *dx.shape) if count > 1 else None
    for block, columns in zip(dz[1:], back[1:]):
        dx += np.matmul(block, columns, out=more)
    return dx.reshape(T, N, -1)


def _outer(a, dz):
    """Sum of the outer products of a (T, N, M) and dz's blocks: (M, count * H)."""
    count, T, N, H = dz.shape
    products = np.empty((a.shape[-1], count * H), a.dtype)
    a, dz = a.reshape(T * N, -1), dz.reshape(count, T * N, H)
    np.matmul(a.T, dz, out=_split(products, count))
    return products


# ---- the layers --------------------------------------------------------------


class RNN(_Layer):
    """A simple recurrent layer over whole sequences.

    input_size, hidden_size, num_layers, bias, batch_first, dropout,
    bidirectional: as in PyTorch's nn.RNN. Dropout acts between stacked
    layers while `training` is True.
    nonlinearity: "tanh" or "relu". dtype: float32 or float64.
    rng: a seed or numpy Generator for the initial weights, uniform in
    +-1/sqrt(H) as in PyTorch, and for dropout.
    parameters: for each layer and direction W_l0 (D, H), U_l0 (H, H),
    b_l0 (H,); the backward direction's have the suffix _reverse.
    The state is one array h, (num_layers * directions, N, H).
    Raises ValueError or TypeError naming the argument.
    Source: Elman (1990); the step is `cells.rnn_step`.
    """

    def __init__(self, *args, nonlinearity="tanh", **options):
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"nonlinearity: expected 'tanh' or 'relu', got {nonlinearity!r}"
            )
        self.nonlinearity = nonlinearity
        super().__init__(*args, **options)

    def _forward(self, x, state, w, work):
        T, N, H = len(x), *state[0].shape
        hs, product = work("hs", T + 1, N, H), work("product", N, H)
        hs[0], U = state[0], _factor(w["U"])
        z = np.matmul(x.reshape(T * N, -1), w["W"], out=hs[1:].reshape(T * N, H))
        if "b" in w:
            z += w["b"]
        for h, z in zip(hs, hs[1:]):
            z += np.matmul(h, U, out=product)
            if self.nonlinearity == "tanh":
                np.tanh(z, out=z)
            else:
                np.maximum(z, 0, out=z)
        return (hs,), None

    def _backward(self, dy, dlast, ends, w, states, cache, work):
        (hs,), (dh_last,) = states, dlast
        dz = work("dz", *dy.shape)
        if self.nonlinearity == "tanh":
            dz = _slope_of_tanh(hs[1:], dz)  # all steps at once
        else:
            np.greater(hs[1:], 0, out=dz)
        dh, back = np.zeros_like(dh_last), _factor(w["U"].T)
        for t in reversed(range(len(dz))):
            if t in ends:
                dh[ends[t]] += dh_last[ends[t]]
            dh += dy[t]
            dz[t] *= dh
            np.matmul(dz[t], back, out=dh)
        return dz[None], (dh,), {"U": _outer(hs[:-1], dz[None])}


class LSTM(_Layer):
    """A long short-term memory layer over whole sequences.

    input_size, hidden_size, num_layers, bias, batch_first, dropout,
    bidirectional: as in PyTorch's nn.LSTM. Dropout acts between stacked
    layers while `training` is True.
    peephole: input and forget gate also see c of the step before, the
    output gate the new c. coupled: i = 1 - f, no input gate of its own.
    gates: which gates there are, "ifo" without the ones left out, which
    stay open (1). activation: of the candidate, readout: of the cell state
    before the output gate, each "tanh" or "identity", which leaves it out;
    the states then have no bound. forget_bias: a number for the forget
    gate's block of the biases; None leaves it as drawn. dtype: float32 or
    float64.
    rng: a seed or numpy Generator for the initial weights, uniform in
    +-1/sqrt(H) as in PyTorch, and for dropout.
    parameters: for each layer and direction W_l0 (D, 4H), U_l0 (H, 4H),
    b_l0 (4H,), column blocks i | f | g | o without the gates left out
    (coupled: f | g | o), and p_l0 (3, H), the peepholes of i, f and o; the
    backward direction's have the suffix _reverse.
    The state is a tuple h, c of arrays (num_layers * directions, N, H).
    Raises ValueError or TypeError naming the argument.
    Source: Gers, Schmidhuber & Cummins (2000); peepholes: Gers &
    Schmidhuber (2000); coupled, and gates and activations left out: Greff et
    al. (2017).
    The steps are `cells.lstm_step`, `peephole_step`, `coupled_step` and
    `ablated_step`.
    """

    states = ("h", "c")

    def __init__(
        self,
        *args,
        peephole=False,
        coupled=False,
        gates="ifo",
        activation="tanh",
        readout="tanh",
        forget_bias=None,
        **options,
    ):
        self.peephole = boolean("peephole", peephole)
        self.coupled = boolean("coupled", coupled)
        if gates not in ("ifo", "fo", "io", "if", "i", "f", "o", ""):
            raise ValueError(
                f"gates: expected letters of 'ifo' in order, got {gates!r}"
            )
        if coupled and gates != "ifo":
            raise ValueError(
                f"gates: expected 'ifo' in a coupled layer, whose input gate is "
                f"1 - f, got {gates!r}"
            )
        for name, value in ("activation", activation), ("readout", readout):
            if value not in ("tanh", "identity"):
                raise ValueError(
                    f"{name}: expected 'tanh' or 'identity', got {value!r}"
                )
        self.gates, self.activation, self.readout = gates, activation, readout
        present = gates.replace("i", "") if coupled else gates
        self.block_names = "".join(name for name in "ifgo" if name in present + "g")
        super().__init__(*args, **options)
        if forget_bias is not None:
            initialisers.forget_bias(self, forget_bias)

    def _extra_shapes(self):
        count = self.blocks - 1
        return {"p": f"{count} H"} if self.peephole and count else {}

    def _peepholes(self, w):
        """Gate name -> its peephole weights (H,)."""
        rows = w.get("p", [])
        return dict(zip([name for name in self.block_names if name != "g"], rows))

    def _forward(self, x, state, w, work):
        T, N, H = len(x), *state[0].shape
        # sigmoid(z) = tanh(z/2)/2 + 1/2: one tanh serves all blocks if the
        # gates' columns are halved first. Halving is exact.
        halves = np.array([name == "g" or 0.5 for name in self.block_names], x.dtype)
        z = _project(x, w, halves[:, None, None], work)
        U = _factor(_split(w["U"], self.blocks), halves[:, None, None])
        peep = {name: p * x.dtype.type(0.5) for name, p in self._peepholes(w).items()}
        # As large as the gates: NumPy takes thrice as long to broadcast.
        scale = np.repeat(halves, N * H).reshape(z[0].shape)
        shift = 1 - scale
        end = self.blocks - ("o" in peep)  # o waits for the new c
        early, squashed_readout = [slice(0, end)], self.readout == "tanh"
        if self.activation == "identity":
            g = self.block_names.index("g")
            early = [slice(0, g), slice(g + 1, end)]
        early = [(part, scale[part], shift[part]) for part in early]

        product, written = work("product", *z[0].shape), work("written", N, H)
        hs, cs = work("hs", T + 1, N, H), work("cs", T + 1, N, H)
        read = work("read", T, N, H) if squashed_readout else cs[1:]
        (hs[0], cs[0]) = state
        blocks = self._all_blocks(z.swapaxes(0, 1), work)
        steps = zip(z, *blocks, hs, hs[1:], cs, cs[1:], read)
        for gates, i, f, g, o, h, new_h, c, new_c, read_c in steps:
            gates += np.matmul(h, U, out=product)
            if "i" in peep:
                i += peep["i"] * c
            if "f" in peep:
                f += peep["f"] * c
            for part, its_scale, its_shift in early:
                _squash(gates[part], its_scale, its_shift)
            if self.coupled:
                np.subtract(1, f, out=i)
            np.multiply(f, c, out=new_c)
            new_c += np.multiply(i, g, out=written)
            if "o" in peep:
                o += peep["o"] * new_c
                _squash(o, scale[-1], shift[-1])
            if squashed_readout:
                np.tanh(new_c, out=read_c)
            np.multiply(o, read_c, out=new_h)
        return (hs, cs), (z, read)

    def _gates(self, cache, work):
        z, _ = cache
        return dict(zip("ifgo", self._all_blocks(z.swapaxes(0, 1), work)))

    def _all_blocks(self, z, work):
        """i, f, g, o over all steps (T, N, H); a gate left out is 1."""
        block = dict(zip(self.block_names, z))
        if self.coupled:
            block["i"] = work("i", *z.shape[1:])
        left_open = np.broadcast_to(np.ones(1, z.dtype), z.shape[1:])
        return [block.get(name, left_open) for name in "ifgo"]

    def _backward(self, dy, dlast, ends, w, states, cache, work):
        (hs, cs), (dh_last, dc_last), (z, read) = states, dlast, cache
        inner = self.blocks - ("o" in self.block_names)
        i, f, g, o = self._all_blocks(z.swapaxes(0, 1), work)
        # d c / d pre-activation for i, f and g, d h / d pre-activation for o,
        # and d h / d c, all steps at once. The loop makes gradients of them.
        z = z.swapaxes(0, 1)
        dz = np.subtract(1, z, out=work("by_block", *z.shape))
        dz *= z
        d = dict(zip(self.block_names, dz))
        if self.activation == "tanh":
            _slope_of_tanh(g, d["g"])
            d["g"] *= i
        else:
            d["g"][...] = i
        if "i" in d:
            d["i"] *= g
        if "f" in d:
            d["f"] *= cs[:-1] - g if self.coupled else cs[:-1]
        if "o" in d:
            d["o"] *= read
        dh_dc = work("dh_dc", *read.shape)
        if self.readout == "tanh":
            _slope_of_tanh(read, dh_dc)
            dh_dc *= o
        else:
            dh_dc[...] = o
        peep = self._peepholes(w)
        back = _factor(_split(w["U"], self.blocks).swapaxes(1, 2))
        dh, dc = np.zeros_like(dh_last), np.zeros_like(dc_last)
        through_h, parts = work("written", *dc.shape), work("product", *z[:, 0].shape)
        steps = zip(range(len(dy)), dz.swapaxes(0, 1), f, dh_dc, dy)
        for t, now, f, dh_dc, dy in reversed([*steps]):
            if t in ends:
                dh[ends[t]] += dh_last[ends[t]]
                dc[ends[t]] += dc_last[ends[t]]
            dh += dy
            dc += np.multiply(dh, dh_dc, out=through_h)
            if "o" in d:
                now[-1] *= dh
            if "o" in peep:
                dc += now[-1] * peep["o"]
            for block in now[:inner]:
                block *= dc
            dc *= f
            if "i" in peep:
                dc += now[0] * peep["i"]
            if "f" in peep:
                dc += d["f"][t] * peep["f"]
            np.add.reduce(np.matmul(now, back, out=parts), axis=0, out=dh)
        grads = {"U": _outer(hs[:-1], dz)}
        if peep:
            seen = {"i": cs[:-1], "f": cs[:-1], "o": cs[1:]}
            grads["p"] = np.stack([(d[k] * seen[k]).sum((0, 1)) for k in peep])
        return dz, (dh, dc), grads


class GRU(_Layer):
    """A gated recurrent unit layer over whole sequences.

    input_size, hidden_size, num_layers, bias, batch_first, dropout,
    bidirectional: as in PyTorch's nn.GRU. Dropout acts between stacked
    layers while `training` is True.
    reset_after: True applies the reset gate to the product h U (PyTorch,
    Keras' default); False to h before it (the published form).
    dtype: float32 or float64. rng: a seed or numpy Generator for the initial
    weights, uniform in +-1/sqrt(H) as in PyTorch, and for dropout.
    parameters: for each layer and direction W_l0 (D, 3H), U_l0 (H, 3H),
    b_l0 (3H,), column blocks r | z | n, and with reset_after bn_l0 (H,), the
    bias inside the reset product; the backward direction's have the suffix
    _reverse. The update gate z keeps the old state.
    The state is one array h, (num_layers * directions, N, H).
    Raises ValueError or TypeError naming the argument.
    Source: Cho et al. (2014); reset_after as in PyTorch's nn.GRU. The step
    is `cells.gru_step`.
    """

    block_names = "rzn"

    def __init__(self, *args, reset_after=True, **options):
        self.reset_after = boolean("reset_after", reset_after)
        super().__init__(*args, **options)

    def _extra_shapes(self):
        return {"bn": "H"} if self.reset_after else {}

    def _gates(self, cache, work):
        return dict(zip(self.block_names, cache[0].swapaxes(0, 1)))

    def _forward(self, x, state, w, work):
        T, N, H = len(x), *state[0].shape
        scale = np.array([0.5, 0.5, 1], x.dtype)[:, None, None]  # as in the LSTM
        half = np.array(0.5, x.dtype)
        a = _project(x, w, scale, work)
        U = _factor(_split(w["U"], 3), scale)
        U_rz, U_n = U[:2], U[2]
        bn = np.broadcast_to(w.get("bn", half * 0), (N, H)).copy()  # as large as h
        products, product = work("products", 2, N, H), work("product", N, H)
        hs = work("hs", T + 1, N, H)
        # What the reset gate multiplies, or the result: h Un + bn, or r h.
        inner = work("inner", T, N, H)
        hs[0] = state[0]
        steps = zip(a[:, :2], *a.swapaxes(0, 1), inner, hs, hs[1:])
        for rz, r, z, n, inside, h, new in steps:
            rz += np.matmul(h, U_rz, out=products)
            _squash(rz, half, half)
            if self.reset_after:
                np.matmul(h, U_n, out=inside)
                inside += bn
                n += np.multiply(r, inside, out=product)
            else:
                np.multiply(r, h, out=inside)
                n += np.matmul(inside, U_n, out=product)
            np.tanh(n, out=n)
            np.subtract(h, n, out=new)
            new *= z
            new += n
        return (hs,), (a, inner)

    def _backward(self, dy, dlast, ends, w, states, cache, work):
        (hs,), (dh_last,), (a, inner) = states, dlast, cache
        r, z, n = a.swapaxes(0, 1)
        da = work("by_block", 3, *n.shape)  # by the input part of the pre-activations
        dr, dz, dn = da
        du_n = work("du_n", *n.shape)  # by the recurrent part, where n's differs
        # d h / d pre-activation of z and n; d r x / d pre-activation of r, where
        # x is what the gate multiplies. All steps at once.
        np.subtract(1, a[:, :2].swapaxes(0, 1), out=da[:2])
        _slope_of_tanh(n, dn)
        dn *= dz
        dz *= z
        dz *= np.subtract(hs[:-1], n, out=du_n)
        dr *= r
        dr *= inner if self.reset_after else hs[:-1]
        back = _factor(_split(w["U"], 3).swapaxes(1, 2))
        dh, through = np.zeros_like(dh_last), work("through", *dh_last.shape)
        now, parts = work("now", *a[0].shape), work("parts", *a[0, :2].shape)
        for t in reversed(range(len(dy))):
            if t in ends:
                dh[ends[t]] += dh_last[ends[t]]
            dh += dy[t]
            np.multiply(da[1:, t], dh, out=now[1:])
            dh *= z[t]
            if self.reset_after:
                np.multiply(dr[t], now[2], out=now[0])
                np.multiply(now[2], r[t], out=du_n[t])
                dh += np.matmul(du_n[t], back[2], out=through)
            else:
                du_n[t] = now[2]
                np.matmul(now[2], back[2], out=through)
                np.multiply(dr[t], through, out=now[0])
                through *= r[t]
                dh += through
            np.matmul(now[:2], back[:2], out=parts)
            dh += parts[0]
            dh += parts[1]
            da[:, t] = now
        multiplied = hs[:-1] if self.reset_after else inner
        halves = [_outer(hs[:-1], da[:2]), _outer(multiplied, du_n[None])]
        grads = {"U": np.concatenate(halves, axis=1)}
        if self.reset_after:
            grads["bn"] = du_n.sum(axis=(0, 1))
        return da, (dh,), grads


def _squash(z, scale, shift):
    """In place: sigmoid of 2z where scale is 1/2, tanh of z where it is 1."""
    np.tanh(z, out=z)
    z *= scale
    z += shift


def _slope_of_tanh(tanh, out):
    """1 - tanh^2, into out."""
    np.multiply(tanh, tanh, out=out)
    return np.subtract(1, out, out=out)
