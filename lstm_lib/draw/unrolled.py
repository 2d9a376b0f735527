"""A model through time: its layers upwards, its steps to the right."""

import copy
import math
from dataclasses import dataclass, replace

import numpy as np

from lstm_lib import inspect
from lstm_lib.attention import WordAttention
from lstm_lib.draw.layout import WIDTH, Diagram, Layout, in_words
from lstm_lib.feedforward import (
    Dense,
    Dropout,
    Embedding,
    LastStep,
    MeanOverTime,
    OneHot,
)
from lstm_lib.layers import GRU, LSTM, RNN
from lstm_lib.models import EncoderDecoder, Sequential
from lstm_lib.validation import ShapeError, as_lengths, positive

BOX, LOW, LOW_WIDE, RISE = 44, 30, 44, 30  # heights, a width, between rows
RECURRENT = RNN, LSTM, GRU
PER_STEP = {
    Embedding: ("embed", "embedding"),
    OneHot: ("one-hot", "one-hot rows"),
    Dense: ("dense", "dense layer"),
    Dropout: ("drop", "dropout"),
}
POOLS = {
    LastStep: ("last", "the last step"),
    MeanOverTime: ("mean over time", "the mean over time"),
    WordAttention: ("attention: a weighted mean over time", "attention over time"),
}


def unroll(
    model,
    x=None,
    *,
    steps=None,
    lengths=None,
    words=None,
    inputs="all",
    show=None,
):
    """Draw a model through time.

    model: an RNN, LSTM or GRU layer, a Sequential with one or more, or an
    EncoderDecoder. x: what the model is called with, or None for a drawing
    without numbers. steps: how many, where neither x nor words say it (3);
    more than six are drawn as the first three and the last two, each
    sequence of an EncoderDecoder as the first and the last few.
    lengths: (N,) true lengths; steps beyond the first example's are grey, in
    an EncoderDecoder's source left out.
    words: a word for each step, written under the inputs. For an
    EncoderDecoder steps and words are pairs, source and target.
    inputs: "first" draws an input at the first step only (one-to-many); if x
    is given too, it must be zero later.
    show: "values" writes the norm of each state on its arrow, over examples
    and units; "gradients" the norm of the gradient by that state of the last
    output, its entries summed (`inspect.gradient_norms`), as thickness too.
    Returns a Diagram. Raises TypeError for what cannot be drawn, ShapeError
    or ValueError naming the argument.
    """
    if not isinstance(model, (*RECURRENT, Sequential, EncoderDecoder)):
        raise TypeError(
            "model: expected an RNN, LSTM or GRU layer, a Sequential with one, or an "
            f"EncoderDecoder, got {type(model).__name__}"
        )
    for name, value, known in [
        ("show", show, (None, "values", "gradients")),
        ("inputs", inputs, ("all", "first")),
    ]:
        if not any(value is one or value == one for one in known):
            expected = ", ".join(map(repr, known[:-1])) + f" or {known[-1]!r}"
            raise ValueError(f"{name}: expected {expected}, got {value!r}")
    if show and x is None:
        raise ValueError(f"x: expected the model's input for show={show!r}, got None")
    two = isinstance(model, EncoderDecoder)
    plan = _plan(model)
    if inputs == "first":
        _expect_first(model, plan, x)
    pairs = [_pair_of(two, n, v) for n, v in (("steps", steps), ("words", words))]
    pairs.append(_pair_of(two, "x", x))
    counts = [_count(model, *one) for one in zip(*pairs)]
    length = counts[0]
    if lengths is not None:
        N = np.shape(pairs[2][0])[_batch_axis(model)] if x is not None else None
        N = len(np.atleast_1d(lengths)) if N is None else N
        length = int(as_lengths("lengths", lengths, counts[0], N)[0])
        if show == "gradients":
            raise ValueError("lengths: expected None for show='gradients', got some")
    numbers = _numbers(model, plan, x, lengths, show)
    pen = _Unrolled(plan, counts, length, pairs[1], inputs, numbers, show)
    return Diagram(pen.layout, _unrolled_words(pen))


# ---- what there is to draw ---------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """One layer, as it stands in an unrolled drawing."""

    key: str  # its name in the model, "" for a bare layer
    name: str  # the beginning of its nodes' names
    kind: str  # "step", "recurrent", "pool" or "one", after a pool
    layer: object
    text: str  # in its boxes
    title: str

    def rows(self):
        """Per level the names of its one or two rows of boxes."""
        directions = ("", "-reverse")[: 1 + self.layer.bidirectional]
        return [
            [f"{self.name}-l{level}{direction}" for direction in directions]
            for level in range(self.layer.num_layers)
        ]

    @property
    def letters(self):
        """The states it carries, the one drawn above first."""
        return self.layer.states[::-1]


def _plan(model):
    """The strands of parts, bottom to top: one, or two of an encoder-decoder."""
    if isinstance(model, EncoderDecoder):
        parts = {n: _part(n, n, layer) for n, layer in model.parts.items()}
        for name in "encoder", "decoder":
            title = f"{name}'s {parts[name].title}"
            parts[name] = replace(parts[name], title=title)
        return [
            [parts["source"], parts["encoder"]],
            [parts["target"], parts["decoder"], parts["output"]],
        ]
    if not isinstance(model, Sequential):
        return [[_part("", type(model).__name__.lower(), model)]]
    found, pooled = [], False
    for position, layer in model.parts.items():
        part = _part(position, f"{type(layer).__name__.lower()}-{position}", layer)
        if pooled:
            if part.kind != "step":
                raise TypeError(
                    f"model: expected layers on one vector after {pooled}, got "
                    f"{type(layer).__name__} as layer {position}"
                )
            part = replace(part, kind="one")
        elif part.kind == "pool":
            pooled = type(layer).__name__
        found.append(part)
    if not any(part.kind == "recurrent" for part in found):
        got = ", ".join(type(layer).__name__ for layer in model.layers)
        raise TypeError(f"model: expected a recurrent layer in it, got {got}")
    return [found]


def _part(key, name, layer):
    if isinstance(layer, RECURRENT):
        text = type(layer).__name__
        return _Part(key, name, "recurrent", layer, text, f"{text} layer")
    for kind, known in ("step", PER_STEP), ("pool", POOLS):
        if type(layer) in known:
            return _Part(key, name, kind, layer, *known[type(layer)])
    if hasattr(layer, "key_size"):
        return _Part(key, name, "attention", layer, "attend", "attention")
    able = ", ".join(kind.__name__ for kind in (*RECURRENT, *PER_STEP, *POOLS))
    raise TypeError(
        f"model: expected layers among {able}, got {type(layer).__name__} as {name}"
    )


def _pair_of(two, name, value):
    """The value for each sequence: a list of one or two."""
    if value is None:
        return [None] * (1 + two)
    if not two:
        return [value]
    if name == "steps" and not isinstance(value, (tuple, list)):
        return [value, value]
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ShapeError(f"{name}: expected a pair (source, target), got {value!r:.60}")
    return list(value)


def _batch_axis(model):
    return 0 if getattr(model, "batch_first", False) else 1


def _count(model, steps, words, x):
    """How many steps a sequence has; what says it must agree."""
    found = {}
    if x is not None:
        if np.ndim(x) < 2:
            raise ShapeError(
                f"x: expected axes for time and examples, got {np.shape(x)}"
            )
        found["x"] = np.shape(x)[1 - _batch_axis(model)]
    if words is not None:
        if isinstance(words, str) or not all(isinstance(w, str) for w in words):
            raise TypeError(f"words: expected a list of strings, got {words!r:.60}")
        found["words"] = len(words)
    if steps is not None:
        found["steps"] = positive("steps", steps)
    count = next(iter(found.values()), 3)
    for name, other in found.items():
        if other != count:
            raise ShapeError(f"{name}: expected {count} steps as in x, got {other}")
    if not count:
        raise ShapeError(f"{next(iter(found))}: expected at least one step, got none")
    return int(count)


def _expect_first(model, plan, x):
    """Raise ValueError where the later inputs cannot be absent."""
    reads = type(plan[0][0].layer)
    layers = [part.layer for part in plan[0] if part.kind == "recurrent"]
    if len(plan) > 1 or reads in (Embedding, OneHot):
        raise ValueError(
            "inputs: expected 'all' for a model that reads symbols, got 'first'"
        )
    if any(layer.bidirectional for layer in layers):
        raise ValueError(
            "inputs: expected 'all' for a bidirectional layer, got 'first'"
        )
    if x is not None and np.any(
        np.moveaxis(np.asarray(x), 1 - _batch_axis(model), 0)[1:]
    ):
        raise ValueError("x: expected zeros after the first step for inputs='first'")


# ---- the numbers on its arrows -----------------------------------------------


def _numbers(model, plan, x, lengths, show):
    """Row -> state -> (T + 1,): entry k is on the arrow after k steps.

    Runs the model whenever x is given, so that the model itself says if x
    does not fit; on a copy, whose caches nobody needs.
    """
    if x is None:
        return {}
    model = copy.deepcopy(model)
    for part in getattr(model, "parts", {"": model}).values():
        part.training = False
    model(x, lengths=lengths)
    if show == "values":
        return _norms(model, plan, x, lengths)
    if show == "gradients":
        return _gradients(model, plan, x)
    return {}


def _norms(model, plan, x, lengths):
    """Norms of the states of the first example; NaN beyond its length."""
    found = {}
    for part in _recurrent(plan):
        layer = getattr(model, "parts", {"": model})[part.key]
        computed, start = layer.computed(), None
        if part.name == "decoder":  # it goes on where the encoder ends
            start = model.start(x[0], lengths)[0]
            start = dict(zip(layer.states, start if len(layer.states) > 1 else [start]))
        for level, names in enumerate(part.rows()):
            for name in names:
                found[name] = {}
                suffix = name.removeprefix(part.name).replace("-", "_")
                for letter in part.letters:
                    norms = np.linalg.norm(computed[letter + suffix][:, 0], axis=1)
                    first = np.linalg.norm(start[letter][level, 0]) if start else 0.0
                    ends = [[first], norms]
                    if name.endswith("-reverse"):
                        ends = [norms, [first]]
                    found[name][letter] = np.concatenate(ends)
    return found


def _gradients(model, plan, x):
    """Norms of the last output's gradient by the states, over all examples."""
    for part in _recurrent(plan):
        if part.layer.bidirectional or part.layer.num_layers > 1:
            raise ValueError(
                "show: expected None or 'values' for a layer in two directions or "
                "with num_layers > 1 (stack layers in a Sequential), got 'gradients'"
            )
    if isinstance(model, EncoderDecoder):
        norms = _gradients_of_pair(model, *x)
    else:
        norms, seen, y = {}, {}, x
        layers = getattr(model, "parts", {"": model})
        for name, layer in layers.items():
            seen[name] = y
            y = layer(y)[0] if isinstance(layer, RECURRENT) else layer(y)
        dy = _last_alone(model, plan, y)
        for name, layer in reversed(layers.items()):
            if isinstance(layer, RECURRENT):
                norms[name] = inspect.gradient_norms(layer, seen[name], dy)
                dy = layer.backward(dy)[0]
            else:
                dy = layer.backward(dy)
    parts = {part.key: part for part in _recurrent(plan)}
    return {f"{part.name}-l0": norms[key] for key, part in parts.items()}


def _last_alone(model, plan, y):
    """The gradient of the sum of the last output by all outputs."""
    dy = np.zeros_like(y)
    if any(part.kind == "pool" for part in plan[0]):
        dy[...] = 1
    else:
        np.moveaxis(dy, 1 - _batch_axis(model), 0)[-1] = 1
    return dy


def _gradients_of_pair(model, source, target):
    """As EncoderDecoder.backward, with the norms on the way."""
    read, words = model.source(source), model.target(target)
    start, memory, _ = model.start(source)
    logits, _ = model((source, target))
    dlogits = np.zeros_like(logits)
    dlogits[-1] = 1
    dfeatures = model.output.backward(dlogits)
    H = model.decoder.hidden_size
    dh, dmemory = dfeatures[:, :, :H], np.zeros_like(memory)
    if model.attention is not None:
        dqueries, dmemory = model.attention.backward(dfeatures[:, :, H:])
        dh = dh + dqueries
    norms = {"decoder": inspect.gradient_norms(model.decoder, words, dh, state=start)}
    _, dstart = model.decoder.backward(dh)
    norms["encoder"] = inspect.gradient_norms(model.encoder, read, dmemory, dstart)
    return norms


def _recurrent(plan):
    return [part for strand in plan for part in strand if part.kind == "recurrent"]


# ---- through time ------------------------------------------------------------


class _Strand:
    """One sequence's columns while they are drawn, from the bottom up."""

    def __init__(self, parts, columns, count, length, words, letter):
        self.parts, self.columns, self.count = parts, columns, count
        self.length, self.words, self.letter = length, words, letter
        self.drawn = self.steps  # as a pool leaves one column
        self.feet = {}  # step -> where its next wire begins
        self.pair = {}  # step -> the two directions' wires, not yet joined

    @property
    def steps(self):
        return [(t, x) for t, x in self.columns if t]

    def role(self, t):
        return "ink" if t <= self.length else "muted"


class _Unrolled:
    """Lays an unrolled model out; y = 0 is where the inputs' wires begin."""

    def __init__(self, plan, counts, length, words, inputs, numbers, show):
        self.plan, self.inputs, self.numbers, self.show = plan, inputs, numbers, show
        self.length = length
        layers = [part.layer for part in _recurrent(plan)]
        kind = "encoder-decoder" if len(plan) > 1 else type(layers[0]).__name__.lower()
        self.layout = Layout(f"unrolled-{kind}", WIDTH, 0)
        two = any(part.layer.bidirectional for part in _recurrent(plan))
        most = (3, 2) if len(plan) == 1 else (1, 1) if show or two else (2, 1)
        lengths = [min(length, count) for count in counts]
        if len(plan) > 1:  # the decoder goes on where the source ends
            counts = [length, counts[1]]
            lengths = counts
        slots = [_slots(n, *most, end) for n, end in zip(counts, lengths)]
        places, self.box = _places([len(some) for some in slots], show or two)
        self.side, self.digits = self.box / 2 + 9, 2 if two else 3
        tall = show and any(len(layer.states) > 1 for layer in layers)
        tall = tall and sum(layer.num_layers * (1 + layer.bidirectional)
                            for layer in layers) > len(plan)  # fmt: skip
        self.rise = 52 if tall else RISE  # room for a name above a number
        letters = "x" if len(plan) == 1 else "xy"
        self.strands = [
            _Strand(parts, list(zip(*both)), count, whole, said, letter)
            for parts, both, count, whole, said, letter in zip(
                plan, zip(slots, places), counts, lengths, words, letters
            )
        ]
        self.scale = _Scale(numbers) if show == "gradients" else None
        self.attention = len(plan) > 1 and plan[1][-1].layer.input_size > (
            plan[1][1].layer.hidden_size
        )
        self._inputs()
        y = -RISE
        if len(plan) > 1:
            self._pair(y)
        else:
            for part in plan[0]:
                y = self._stack(self.strands[0], part, y)
            self._outputs(self.strands[0], y)
        self._finish()

    # -- one strand, bottom to top --

    def _stack(self, strand, part, y):
        """Draw one part above y; return the y that the next one may use."""
        if part.kind == "recurrent":
            y -= self.rise - RISE
            for level, names in enumerate(part.rows()):
                y = self._level(strand, part, level, names, y - BOX / 2)
                y -= self.rise
            return y + self.rise - RISE
        if part.kind == "pool":
            return self._pool(strand, part, y)
        for t, x in strand.steps:
            if t in strand.feet:
                self._step_box(strand, part, t, x, y)
        self._dots(strand, part.name, y - LOW / 2)
        return y - LOW - RISE

    def _step_box(self, strand, part, t, x, y):
        one = part.kind == "one"
        name = part.name if one else f"{part.name}-step-{t}"
        title = part.title if one else f"{part.title}, step {t}"
        self._box(name, x, y - LOW / 2, LOW_WIDE, LOW, part.text, title, "muted")
        self._rise(strand, t, f"to-{name}", f"{name}.bottom")
        strand.feet[t] = [f"{name}.top"]

    def _pool(self, strand, part, y):
        """Many steps to one: LastStep a box above the last, others above all."""
        last, x = [c for c in strand.steps if c[0] <= strand.length][-1]
        first, left = strand.steps[0]
        name = part.name
        if isinstance(part.layer, LastStep):
            both = part.layer.bidirectional and first != last
            feet = {t: (foot, foot) for t, foot in strand.feet.items()} | strand.pair
            self._box(
                name, x, y - LOW / 2, LOW_WIDE, LOW, part.text, part.title, "muted"
            )
            if both:  # each direction's own last step
                strand.pair = {}
                self.layout.wire(
                    f"to-{name}", *feet[last][0], (None, y + 15), (x - 9, None),
                    f"{name}.bottom-9", title=f"forward, after step {last}",
                )  # fmt: skip
                self.layout.wire(
                    f"to-{name}-reverse", *feet[first][1], (None, y - LOW / 2),
                    f"{name}.left", title="backward, after step 1",
                )  # fmt: skip
            else:
                self._rise(strand, last, f"to-{name}", f"{name}.bottom")
            strand.feet = {last: [f"{name}.top"]}
            strand.columns = [(last, x)]
            return y - LOW - RISE
        own = [(t, at) for t, at in strand.steps if t <= strand.length]
        middle = (left + own[-1][1]) / 2
        width = max(own[-1][1] - left + self.box, 220)
        self._box(name, middle, y - LOW / 2, width, LOW, part.text, part.title, "muted")
        for t, at in own:
            shift = f"{at - middle:+.6g}"
            self._rise(strand, t, f"to-{name}-{t}", f"{name}.bottom{shift}")
        strand.feet = {last: [f"{name}.top"]}
        strand.columns = [(last, middle)]
        return y - LOW - RISE

    def _outputs(self, strand, y):
        """The wires that leave at the top, with the outputs' names."""
        parts = strand.parts
        letter = "h" if parts[-1].kind == "recurrent" else "y"
        one = any(part.kind == "pool" for part in parts)
        top = y
        for t, x in strand.steps:
            name = letter if one else f"{letter}-{t}-out"
            text = f"*{letter}*" + ("" if one else f"_{{{t}}}")
            wire = self._rise(strand, t, name, (x, top), title=f"output {text}")
            role = strand.role(t)
            self.layout.label(wire, text, x, top - 8, anchor="middle", role=role)
        if not one:
            self._dots(strand, "outputs", top - 13)

    def _inputs(self):
        for strand in self.strands:
            for t, x in strand.steps:
                if self.inputs == "first" and t > 1:
                    continue
                strand.feet[t] = [(x, 0)]
                letter = strand.letter
                step = t if letter == "x" else t - 1  # the symbol before
                node = self.layout.node(
                    f"input-{letter}-{t}", "none", x, 12, self.box, 24,
                    title=f"input of step {t}",
                )  # fmt: skip
                node, role = self.layout.nodes[node], strand.role(t)
                self.layout.label(
                    node, f"*{letter}*_{{{step}}}", x, 17, anchor="middle", role=role
                )
                if strand.words is not None:
                    word = strand.words[t - 1]
                    node["title"] += f": {word}"
                    node["height"] = 44
                    self.layout.label(
                        node, _plain(word, self.pitch), x, 38, anchor="middle",
                        style="word", role=role,
                    )  # fmt: skip
            if self.inputs == "all":
                self._dots(strand, f"inputs-{strand.letter}", 12)

    @property
    def pitch(self):
        """From column to column, at the narrowest."""
        places = sorted(x for strand in self.strands for _, x in strand.columns)
        return min([b - a for a, b in zip(places, places[1:])], default=WIDTH)

    def _level(self, strand, part, level, names, cy, start=None, end=True):
        """One or two rows of recurrent boxes, the lower at cy; its upper edge."""
        forward, *backward = names
        self._row(strand, part, forward, cy, level, False, start, end)
        self._climb(strand, forward)
        if not backward:
            for t, _ in strand.steps:
                strand.feet[t] = [f"{forward}-step-{t}.top"]
            return cy - BOX / 2
        gap = 10 + self.rise
        upper, half = cy - BOX - gap, cy - (BOX + gap) / 2
        self._row(strand, part, backward[0], upper, level, True, start, end)
        pair = {}
        for t, x in strand.steps:
            low, high = (f"{name}-step-{t}" for name in names)
            role = strand.role(t)
            if t in strand.feet:
                self.layout.wire(
                    f"to-{high}", (x, cy + BOX / 2 + 16), (x + self.side, None),
                    (None, half), (x + 8, None), f"{high}.bottom+8", dot=True,
                    role=role, title=f"the same input, to {backward[0]}",
                )  # fmt: skip
            pair[t] = (
                [f"{low}.top-8", (None, half), (x - self.side, None)],
                [f"{high}.top"],
            )
            strand.feet[t] = None
        strand.pair = pair
        return upper - BOX / 2

    def _climb(self, strand, row):
        for t, _ in strand.steps:
            if t in strand.feet:
                self._rise(strand, t, f"to-{row}-step-{t}", f"{row}-step-{t}.bottom")

    def _rise(self, strand, t, name, goal, **options):
        """A wire from the top of a step's column, directions joined first."""
        route = self._joined(strand, t, name)
        self.layout.wire(name, *route, goal, role=strand.role(t), **options)
        return self.layout.wires[name]

    def _joined(self, strand, t, name):
        """How the wire from a step's column begins; the directions meet first."""
        if t not in strand.pair:
            return strand.feet[t]
        low, high = strand.pair.pop(t)
        top = self.layout.port(high[0])[0][1] - 14
        self.layout.wire(
            f"{name}-forward", *low, (None, top), (dict(strand.steps)[t], None),
            arrow=False, role=strand.role(t), title="the forward direction's h",
        )  # fmt: skip
        return high

    def _row(self, strand, part, row, cy, level, reverse, start, end):
        """Boxes in a row, and the states that go from each to the next."""
        text = part.text
        for t, x in strand.steps:
            direction = ", backward" if reverse else ""
            levels = part.layer.num_layers
            where = f", level {level + 1} of {levels}" if levels > 1 else ""
            title = f"{part.title}{where}{direction}, step {t}"
            role = strand.role(t)
            self._box(f"{row}-step-{t}", x, cy, self.box, BOX, text, title, role)
        self._dots(strand, row, cy)
        both = part.layer.bidirectional
        for k, letter in enumerate(part.letters):
            shift = (0,) if len(part.letters) == 1 else (-9, 9)
            self._state(strand, row, letter, cy, shift[k], reverse, both, start, end)

    def _state(self, strand, row, letter, cy, shift, reverse, both, start, end):
        """One state's arrows, between all columns, in the direction of reading."""
        half, y, columns = self.box / 2, cy + shift, strand.columns
        for (t, x), (u, v) in zip(columns, columns[1:]):
            k = t if t else u - 1
            a = f"{row}-step-{t}.right{shift:+g}" if t else (x + 11, y)
            b = f"{row}-step-{u}.left{shift:+g}" if u else (v - 11, y)
            gap = [x + (half if t else 12), v - (half if u else 12)]
            if both and not reverse:
                gap[0] = max(gap[0], x + self.side + 1)
            if both and reverse:
                gap[1] = min(gap[1], v - self.side - 1)
            route = (b, a) if reverse else (a, b)
            self._carry(strand, row, letter, k, route, sum(gap) / 2, y, shift)
        (first, left), (last, right) = columns[0], columns[-1]
        reach = min(42, left - half - 4, WIDTH - right - half - 4)
        out = left - half - reach, right + half + reach
        ends = {
            0: ((out[0], y), f"{row}-step-{first}.left{shift:+g}", out[0]),
            strand.count: (f"{row}-step-{last}.right{shift:+g}", (out[1], y), out[1]),
        }
        for k, (a, b, edge) in ends.items():
            final = (k == 0) == reverse
            if (final and not end) or (not final and start == "none"):
                continue
            free = reach - 10 * (both and (k == 0) == reverse)  # of the way past
            middle = edge + (free / 2 if k == 0 else -free / 2)
            joins = k == 0 and start
            if joins:
                a, before = f"{start}.right{shift:+g}", self.layout.nodes[start]["x"]
                middle = (before + left) / 2
            route = (b, a) if reverse else (a, b)
            wire = self._carry(strand, row, letter, k, route, middle, y, shift)
            if not joins:
                self._name_state(wire, letter, k + reverse, edge, y, shift)

    def _carry(self, strand, row, letter, k, route, middle, y, shift):
        """A wire with a state, and its number."""
        value = self.numbers.get(row, {}).get(letter)
        value = None if value is None or np.isnan(value[k]) else float(value[k])
        k += row.endswith("-reverse")  # named by the step that computed it
        name = f"{row}-{letter}-{k}"
        beyond = k > strand.length + row.endswith("-reverse")
        style = {"role": "muted" if beyond else "ink", "value": value}
        if self.scale and value is not None:
            style["weight"] = self.scale.weight(value)
            style["role"] = "ink" if value else "muted"
        self.layout.wire(name, *route, title=f"{letter}_{k}", **style)
        wire = self.layout.wires[name]
        if value is not None and middle is not None:
            self.layout.label(
                wire, _short(value, self.digits), middle, y + (15 if shift > 0 else -6),
                anchor="middle", style="note", role="ink" if value else "muted",
            )  # fmt: skip
        return wire

    def _name_state(self, wire, letter, k, edge, y, shift):
        """h_0 or h_T, beyond the number where there is one."""
        far = 16 if wire["labels"] else 0
        y += 17 + far if shift > 0 else -(10 + far)
        anchor = "start" if edge < WIDTH / 2 else "end"
        self.layout.label(wire, f"*{letter}*_{{{k}}}", edge, y, anchor=anchor)

    # -- an encoder and a decoder --

    def _pair(self, y):
        source, target = self.strands
        (read, encoder), (write, decoder, output) = self.plan
        self._stack(source, read, y)
        y = self._stack(target, write, y)
        two = encoder.layer.bidirectional
        y -= 24 * two
        rows = zip(encoder.rows(), decoder.rows())
        last, first = source.steps[-1][0], target.steps[0][0]
        for level, (lower, upper) in enumerate(rows):
            cy = y - BOX / 2
            top = self._level(source, encoder, level, lower, cy, "none", False)
            start = f"{lower[0]}-step-{last}"
            self._level(target, decoder, level, upper, cy, start)
            if two:
                x = source.steps[0][1] - self.box / 2 - 24
                between = target.steps[0][1] - self.box / 2 - 15
                self.layout.wire(
                    f"{upper[0]}-reverse-0", f"{lower[1]}-step-1.left", (x, None),
                    (None, cy + BOX / 2 + 30), (between, None), (None, cy + 16),
                    f"{upper[0]}-step-{first}.left+16",
                    title="the backward direction's last state, beside the forward one",
                )  # fmt: skip
            more = level + 1 < encoder.layer.num_layers
            y = top - (self.rise + 24 * two if more else RISE)
        split = y - 4
        if self.attention:
            y = self._attend(source, target, y + 12, y - 20)
        for t, x in target.steps:
            self._step_box(target, output, t, x, y)
        if self.attention:
            self._queries_past(target, split, y)
        self._dots(target, output.name, y - LOW / 2)
        self._outputs(target, y - LOW - RISE)

    def _attend(self, source, target, rail, floor):
        """Every decoder step looks at the encoder's outputs, which a rail brings."""
        last = target.steps[-1]
        for t, x in target.steps:
            name = f"attention-step-{t}"
            title = f"attention, step {t}: a weighted mean of the source's h"
            self._box(name, x, floor - LOW / 2, LOW_WIDE, LOW, "attend", title, "muted")
        (t, x), *others = source.steps
        start = self._joined(source, t, "memory")
        self.layout.wire(
            "memory", *start, (None, rail), (last[1] - 9, None),
            f"attention-step-{last[0]}.bottom-9",
            title="the encoder's outputs, to every decoder step",
        )  # fmt: skip
        for t, x in others:
            route = self._joined(source, t, f"memory-{t}")
            self.layout.wire(
                f"memory-{t}", *route, (x, rail), arrow=False,
                title=f"the encoder's output at step {t}",
            )  # fmt: skip
        for t, x in target.steps[:-1]:
            self.layout.wire(
                f"memory-to-{t}", (x - 9, rail), f"attention-step-{t}.bottom-9",
                dot=True, title=f"the encoder's outputs, to step {t}",
            )  # fmt: skip
        for t, _ in target.steps:
            box = target.feet[t][0].partition(".")[0]
            self.layout.wire(
                f"query-{t}", f"{box}.top+6", f"attention-step-{t}.bottom+6",
                title=f"h_{t}, the query",
            )  # fmt: skip
        for t, _ in target.steps:
            target.feet[t] = [f"attention-step-{t}.top"]
        wire = self.layout.wires["memory"]
        x = source.steps[0][1] + 12
        self.layout.label(wire, "the encoder's outputs", x, rail - 8, style="note")
        return floor - LOW - RISE

    def _queries_past(self, target, y, bottom):
        """The decoder's own h to the dense layer, beside the context."""
        for t, x in target.steps:
            self.layout.wire(
                f"past-attention-{t}", (x + 6, y), (x + self.box / 2 + 7, None),
                (None, bottom + 12), (x + 11, None), f"output-step-{t}.bottom+11",
                dot=True, title=f"h_{t}, past the attention",
            )  # fmt: skip

    # -- small things --

    def _box(self, name, x, y, width, height, text, title, role="ink"):
        self.layout.node(name, "box", x, y, width, height, role=role, title=title)
        beyond = role == "muted" and height == BOX
        self.layout.label(
            self.layout.nodes[name], text, x, y + 4.5, anchor="middle", style="word",
            role="muted" if beyond else "ink",
        )  # fmt: skip

    def _dots(self, strand, name, y):
        columns, gaps = strand.columns, 0
        for (before, _), (t, x), (after, _) in zip(columns, columns[1:], columns[2:]):
            if not t:
                gaps += 1
                title = f"steps {before + 1} to {after - 1}"
                place = f"{name}-elided" + (f"-{gaps}" if gaps > 1 else "")
                self.layout.node(place, "none", x, y, 20, title=title)
                self.layout.label(
                    self.layout.nodes[place], "…", x, y + 5, anchor="middle",
                    role="muted",
                )  # fmt: skip

    def _finish(self):
        """Set the frame around what was drawn; the legend goes below."""
        low = 46 if any(s.words is not None for s in self.strands) else 26
        if len(self.strands) > 1:
            for strand, text in zip(self.strands, ("source", "target, a step late")):
                x = (strand.drawn[0][1] + strand.drawn[-1][1]) / 2
                name = text.partition(",")[0]
                node = self.layout.nodes[
                    self.layout.node(name, "none", x, low + 12, 110, 16)
                ]
                place = {"anchor": "middle", "style": "note", "role": "muted"}
                self.layout.label(node, text, x, low + 16, **place)
            low += 22
        if self.scale:
            low = _legend(self.layout, self.scale, low)
        tops = [label["y"] - 18 for wire in self.layout.wires.values()
                for label in wire["labels"]]  # fmt: skip
        tops += [n["y"] - n["height"] / 2 for n in self.layout.nodes.values()]
        top = min(tops) - 8
        self.layout.frame |= {"top": top, "height": low + 8 - top}


class _Scale:
    """Thickness by the logarithm of a number, 1 to 5 units over the decades."""

    def __init__(self, numbers):
        every = [v for row in numbers.values() for some in row.values() for v in some]
        every = [float(v) for v in every if v > 0]
        self.high = max(every, default=1.0)
        low = min(every, default=1.0)
        self.decades = max(1.0, math.log10(self.high / low))

    def weight(self, value):
        """The line's width; 1 for zero."""
        if value <= 0:
            return 1
        return round(5 - 4 * math.log10(self.high / value) / self.decades, 2)

    def samples(self):
        """Three numbers over the range, high first."""
        return [self.high / 10 ** (self.decades * part) for part in (0, 0.5, 1)]


def _legend(layout, scale, y):
    """How thick an arrow of which number is; returns its lower edge."""
    layout.node("legend", "none", WIDTH / 2, y + 22, WIDTH - 40, 20)
    node = layout.nodes["legend"]
    layout.label(node, "gradient norm, log scale:", 20, y + 26, style="note")
    for k, value in enumerate(scale.samples()):
        x = 178 + 112 * k
        layout.wire(f"legend-{k + 1}", (x, y + 22), (x + 44, None), value=value,
                    weight=scale.weight(value))  # fmt: skip
        wire = layout.wires[f"legend-{k + 1}"]
        layout.label(wire, _short(value), x + 50, y + 26, style="note")
    return y + 34


def _slots(count, first, last, length):
    """Steps to draw, the one a sequence ends at among them; None for a gap."""
    if count <= first + last + 1:
        return list(range(1, count + 1))
    shown = {*range(1, first + 1), *range(count - last + 1, count + 1)}
    if length not in shown:
        shown = {1, 2, length, count}
    slots = []
    for t in sorted(shown):
        slots += [None, t] if slots and t > slots[-1] + 1 else [t]
    return slots


def _places(counts, narrow):
    """The x of every slot of each sequence, and how wide a recurrent box is."""
    total, gap = sum(counts), 20 * (len(counts) - 1)
    pitch = min(100, (WIDTH - 128 - gap) / max(total - 1, 1))
    if total > 6:
        pitch = (WIDTH - 96 - gap) / (total - 1)
    left = (WIDTH - pitch * (total - 1) - gap) / 2
    places, k = [], 0
    for number, count in enumerate(counts):
        places.append([left + pitch * (k + j) + gap * number for j in range(count)])
        k += count
    return [[round(x, 2) for x in some] for some in places], 38 if narrow else 44


def _plain(word, room):
    """A word as a label: cut to the room, without the marks of markup."""
    word = word.replace("*", "∗").replace("_", "＿") if set(word) & set("*_") else word
    most = max(2, int(room / 7))
    return word if len(word) <= most else word[: most - 1] + "…"


def _short(value, digits=3):
    """A norm in at most six characters."""
    if value == 0 or 0.01 <= value < 999.5:
        return f"{value:.{digits if value >= 0.1 else 2}g}"
    decimals = 1 if 1e-9 < value < 1e9 else 0
    mantissa, _, exponent = f"{value:.{decimals}e}".partition("e")
    return f"{mantissa}e{int(exponent)}".replace("-", "−")


def _unrolled_words(pen):
    """The text alternative."""
    two, said = len(pen.strands) > 1, []
    for strand, reads in zip(pen.strands, ("The source", "The target")):
        steps = [str(t) for t, _ in strand.drawn]
        who = f"{reads}, " if two else f"{_kind(pen)} unrolled over "
        some = f"{strand.count} step{'s' * (strand.count > 1)}"
        if len(steps) < strand.count:
            some += f", of which {in_words(steps)} are drawn"
        layers = [_described(part) for part in strand.parts]
        said.append(f"{who}{some}: from the bottom {in_words(layers)}")
    if two:
        bridge = "The decoder starts in the encoder's last state"
        if pen.plan[0][1].layer.bidirectional:
            bridge += ", both directions side by side"
        said.append(bridge)
        if pen.attention:
            said.append(
                "At every target step attention weighs all outputs of the encoder, and "
                "the dense layer sees h and this mean"
            )
    elif pen.inputs == "first":
        said.append("Only the first step has an input")
    if not two:
        pool = any(part.kind == "pool" for part in pen.plan[0])
        said.append("One output for the sequence" if pool else "One output a step")
    if pen.length < pen.strands[0].count:
        said.append(f"Steps after {pen.length} are padding")
    if pen.strands[0].words is not None:
        words = [" ".join(strand.words) for strand in pen.strands if strand.words]
        said.append(f"It reads: {'; then: '.join(words)}")
    if pen.show:
        what = {"values": "Norms of the states", "gradients": "Gradient norms"}
        rows = [
            _row_in_words(pen.layout, row, letter)
            for row, states in pen.numbers.items()
            for letter in sorted(states, reverse=True)
        ]
        said.append(f"{what[pen.show]}, {'; '.join(rows)}")
    return ". ".join(said) + "."


def _row_in_words(layout, row, letter):
    """The numbers on one state's arrows, by step."""
    title = layout.nodes[f"{row}-step-1"]["title"].removesuffix(", step 1")
    values = {
        int(name.rpartition("-")[2]): wire["value"]
        for name, wire in layout.wires.items()
        if name.startswith(f"{row}-{letter}-") and wire["value"] is not None
    }
    said = [f"{_short(value)} after step {k}" for k, value in sorted(values.items())]
    return f"{letter} of the {title}: {', '.join(said)}"


def _kind(pen):
    return type(_recurrent(pen.plan)[0].layer).__name__


def _described(part):
    """A part inside a sentence, with what goes from step to step."""
    title = part.title
    if part.kind == "recurrent":
        layer = part.layer
        if layer.bidirectional:
            title = title.replace(part.text, f"bidirectional {part.text}")
        levels = f" of {layer.num_layers} levels" if layer.num_layers > 1 else ""
        carried = in_words(list(layer.states))
        title += f"{levels} that carries {carried} from step to step"
    if isinstance(part.layer, (Dense, Embedding, *RECURRENT)):
        article = "an" if title[0] in "eLR" else "a"
        article = "the" if "'s " in title else article
        title = f"{article} {title}"
    return title
