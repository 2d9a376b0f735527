"""Layers put together: one after the other, or an encoder and a decoder.

A model has what a layer has, `parameters`, `grads`, a call and `backward`,
so that optimizers and `training.fit` need to know nothing else about it.
"""

from contextlib import contextmanager

import numpy as np

from lstm_lib.feedforward import LastStep
from lstm_lib.validation import ShapeError


class _Model:
    """What models share: named parts and their parameters under one roof."""

    def __init__(self, parts):
        self.parts = parts
        for name, layer in parts.items():
            if not callable(layer) or not hasattr(layer, "parameters"):
                raise TypeError(f"{name}: expected a layer, got {_class(layer)}")
            if hasattr(layer, "parts"):
                raise TypeError(f"{name}: expected a layer, got a {_class(layer)}")
            if getattr(layer, "batch_first", False):
                raise ValueError(f"{name}: expected batch_first=False, got True")
        seen = {}
        for name, layer in parts.items():
            other = seen.setdefault(id(layer), name)
            if other != name:  # it keeps what backward needs from one call alone
                raise ValueError(f"{name}: expected a layer of its own, got {other}'s")
        dtypes = {n: p.dtype for n, p in parts.items() if hasattr(p, "dtype")}
        if len(set(dtypes.values())) > 1:
            found = ", ".join(f"{name} {dtype}" for name, dtype in dtypes.items())
            raise TypeError(f"layers: expected one dtype, got {found}")

    @property
    def parameters(self):
        """Every layer's own arrays, as "part.name"."""
        return self._gather("parameters")

    @property
    def grads(self):
        """The gradients of the last backward call, with the keys of parameters."""
        return self._gather("grads")

    @property
    def training(self):
        """Whether dropout acts."""
        return any(getattr(layer, "training", False) for layer in self.parts.values())

    @training.setter
    def training(self, on):
        for layer in self.parts.values():
            layer.training = bool(on)

    @contextmanager
    def evaluating(self):
        """Within the with-block, dropout does not act."""
        before = {p: getattr(p, "training", True) for p in self.parts.values()}
        self.training = False
        try:
            yield self
        finally:
            for layer, on in before.items():
                layer.training = on

    def _gather(self, kind):
        return {
            f"{name}.{key}": array
            for name, layer in self.parts.items()
            for key, array in getattr(layer, kind).items()
        }


class Sequential(_Model):
    """Layers one after the other.

    layers: recurrent layers, those of `feedforward` and `attention.WordAttention`,
    time first, of one dtype. `parameters` has keys such as "0.W_l0", the
    layer's position and the name within it.
    Raises TypeError or ValueError naming the layer.
    """

    def __init__(self, *layers):
        if not layers:
            raise ValueError("layers: expected at least one, got none")
        super().__init__({str(k): layer for k, layer in enumerate(layers)})
        directions = 1
        for name, layer in self.parts.items():
            if _is_recurrent(layer):
                directions = 1 + layer.bidirectional
            elif isinstance(layer, LastStep) and layer.bidirectional > directions - 1:
                raise ValueError(
                    f"{name}: expected LastStep(bidirectional=False) after a layer in "
                    f"one direction, got True"
                )

    @property
    def layers(self):
        """The layers in order."""
        return list(self.parts.values())

    def __call__(self, x, state=None, lengths=None):
        """Run whole sequences.

        x: (T, N, D) numbers or (T, N) integers, what the first layer takes.
        state: what an earlier call returned, to go on from there; None means
        zeros. lengths: (N,) true lengths, None means T.
        Returns the last layer's output and the state, a list with one entry
        for each recurrent layer.
        """
        recurrent = [layer for layer in self.layers if _is_recurrent(layer)]
        state = [None] * len(recurrent) if state is None else state
        if not isinstance(state, list) or len(state) != len(recurrent):
            raise ShapeError(
                f"state: expected a list of {len(recurrent)}, one for each "
                f"recurrent layer, got {_class(state)}"
            )
        before, after = iter(state), []
        for name, layer in self.parts.items():
            try:
                if _is_recurrent(layer):
                    x, last = layer(x, next(before), lengths)
                    after.append(last)
                elif getattr(layer, "uses_lengths", False):
                    x = layer(x, lengths)
                else:
                    x = layer(x)
            except (TypeError, ValueError) as error:
                error.add_note(f"in layer {name}, {_class(layer)}")
                raise
        return x, after

    def backward(self, dy):
        """Back-propagate through the last call.

        dy: gradient of the loss by the output. Sets every layer's grads;
        returns the gradient by x, None if x was integers.
        """
        for layer in reversed(self.layers):
            if _is_recurrent(layer):
                dy, _ = layer.backward(dy)
            else:
                dy = layer.backward(dy)
        return dy

    def step(self, tokens, state=None):
        """One time step, to generate with; dropout does not act.

        tokens: (N,) integers, or (N, D). Returns outputs (N, K) and the state.
        """
        _expect_one_direction(self, "step")
        with self.evaluating():
            y, state = self(np.asarray(tokens)[None], state)
        if np.shape(y)[:2] != (1, len(tokens)):
            raise ValueError(
                "step: expected a model with an output at every step, got one that "
                "sums a sequence up"
            )
        return y[0], state


class EncoderDecoder(_Model):
    """One recurrent layer reads a sequence, another writes one.

    source, target: Embedding or OneHot. encoder, decoder: recurrent layers of
    one family and depth. The decoder starts in the encoder's last state; a
    bidirectional encoder's two directions are concatenated, so the decoder's
    hidden_size is then twice the encoder's. attention: an `Attention` from
    the decoder's outputs (queries) to the encoder's (keys), or None.
    output: Dense, from the decoder's output, followed by the context if
    there is attention, to the target symbols.
    Raises TypeError or ValueError naming the part.
    Source: Sutskever, Vinyals & Le (2014); with attention, the global form
    of Luong, Pham & Manning (2015), where the context does not enter the
    decoder, without their tanh layer before the output.
    """

    def __init__(self, source, encoder, target, decoder, output, attention=None):
        parts = {"source": source, "encoder": encoder}
        parts |= {"target": target, "decoder": decoder}
        parts |= {"attention": attention} if attention is not None else {}
        super().__init__(parts | {"output": output})
        self.source, self.encoder, self.target = source, encoder, target
        self.decoder, self.output, self.attention = decoder, output, attention
        self.attention_weights = None

        for name in ("encoder", "decoder"):
            if not _is_recurrent(parts[name]):
                raise TypeError(
                    f"{name}: expected a recurrent layer, got {_class(parts[name])}"
                )
        memory = encoder.hidden_size * (1 + encoder.bidirectional)
        for name in ("source", "target"):
            if not hasattr(parts[name], "output_size"):
                got = _class(parts[name])
                raise TypeError(f"{name}: expected an Embedding or OneHot, got {got}")
        features = decoder.hidden_size + (memory if attention is not None else 0)
        keys = getattr(attention, "key_size", memory)
        queries = getattr(attention, "query_size", decoder.hidden_size)
        for argument, expected, got in [
            ("decoder: class", type(encoder).__name__, type(decoder).__name__),
            ("decoder: bidirectional", False, decoder.bidirectional),
            ("decoder: num_layers", encoder.num_layers, decoder.num_layers),
            ("decoder: hidden_size", memory, decoder.hidden_size),
            ("encoder: input_size", source.output_size, encoder.input_size),
            ("decoder: input_size", target.output_size, decoder.input_size),
            ("attention: key_size", memory, keys),
            ("attention: query_size", decoder.hidden_size, queries),
            ("output: input_size", features, output.input_size),
        ]:
            if expected != got:
                raise ValueError(f"{argument}: expected {expected}, got {got}")

    def __call__(self, inputs, state=None, lengths=None):
        """Score every target symbol given those before it (teacher forcing).

        inputs: a pair, the source (S, N) and the target's inputs (T, N), both
        integers. state: None, as the decoder starts where the encoder ends.
        lengths: (N,) true lengths of the sources, None means S.
        Returns logits (T, N, V) and the state, to call `step` with.
        With attention, `attention_weights` is then (T, N, S).
        """
        if state is not None:
            raise ValueError("state: expected None, the encoder sets it, got a state")
        if not isinstance(inputs, (tuple, list)) or len(inputs) != 2:
            raise ShapeError(
                f"inputs: expected a pair (source, target inputs), got {_class(inputs)}"
            )
        source, target = inputs
        return self._decode(target, self._start(source, lengths))

    def start(self, source, lengths=None):
        """Read the sources (S, N); return the state that `step` starts from.

        Dropout does not act, here and in `step`.
        """
        with self.evaluating():
            return self._start(source, lengths)

    def _start(self, source, lengths):
        memory, last = self.encoder(self.source(source), None, lengths)
        if lengths is not None:
            lengths = np.array(lengths)
        return self._bridge(last), memory, lengths

    def step(self, tokens, state):
        """One step of the decoder: tokens (N,) -> logits (N, V), state."""
        if state is None:
            raise ValueError("state: expected what start(source) returned, got None")
        with self.evaluating():
            logits, state = self._decode(np.asarray(tokens)[None], state)
        return logits[0], state

    def backward(self, dlogits):
        """Back-propagate through the last call; sets every part's grads."""
        dfeatures = self.output.backward(dlogits)
        H = self.decoder.hidden_size
        dh, dmemory = dfeatures[:, :, :H], 0
        if self.attention is not None:
            dqueries, dmemory = self.attention.backward(dfeatures[:, :, H:])
            dh = dh + dqueries
        dwords, dstart = self.decoder.backward(dh)
        self.target.backward(dwords)
        dmemory = np.zeros(self._memory_shape, self.decoder.dtype) + dmemory
        dwords, _ = self.encoder.backward(dmemory, self._bridge(dstart, back=True))
        self.source.backward(dwords)

    def _decode(self, target, state):
        start, memory, lengths = state
        h, last = self.decoder(self.target(target), start)
        self._memory_shape = memory.shape
        features = h
        if self.attention is not None:
            context, weights = self.attention(h, memory, lengths)
            self.attention_weights = weights
            features = np.concatenate([h, context], axis=2)
        return self.output(features), (last, memory, lengths)

    def _bridge(self, state, back=False):
        """Directions side by side, (2 L, N, H) -> (L, N, 2 H), or back."""
        if not self.encoder.bidirectional:
            return state
        if isinstance(state, tuple):
            return tuple(self._bridge(part, back) for part in state)
        L, H = self.encoder.num_layers, self.encoder.hidden_size
        N = state.shape[1]
        if back:
            halves = state.reshape(L, N, 2, H).swapaxes(1, 2)
            return halves.reshape(2 * L, N, H)
        return state.reshape(L, 2, N, H).swapaxes(1, 2).reshape(L, N, 2 * H)


def describe(model):
    """What decides a model's function beside its weights' values, as plain data.

    model: a model or a layer. Returns a dict from "part.option" to the option.
    """
    options = ("nonlinearity", "peephole", "coupled", "gates", "reset_after")
    options += ("activation", "readout", "score", "padding_idx")
    found = {}
    for name, layer in getattr(model, "parts", {"layer": model}).items():
        found[f"{name}.class"] = _class(layer)
        for option in options:
            if hasattr(layer, option):
                found[f"{name}.{option}"] = getattr(layer, option)
    return found


def predict(model, batch):
    """The model's outputs for a batch, without dropout and from a zero state."""
    with model.evaluating():
        return model(batch.inputs, lengths=batch.lengths)[0]


def _expect_one_direction(model, name):
    """Raise ValueError for a layer that reads what is to be predicted."""
    for part, layer in model.parts.items():
        if getattr(layer, "bidirectional", False) and _is_recurrent(layer):
            raise ValueError(
                f"{name}: expected layers in one direction, which do not see what "
                f"comes next, got a bidirectional {_class(layer)}, layer {part}"
            )


def _is_recurrent(layer):
    return hasattr(layer, "states")


def _class(value):
    return type(value).__name__
