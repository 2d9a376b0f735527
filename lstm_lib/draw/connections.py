"""Two layers side by side, with every connection drawn and counted."""

from lstm_lib.draw.layout import WIDTH, Diagram, Layout, in_words
from lstm_lib.feedforward import Dense
from lstm_lib.layers import GRU, LSTM, RNN
from lstm_lib.validation import ShapeError, positive

RECURRENT = RNN, LSTM, GRU
GATES = {"f": "forget", "i": "input", "g": "candidate", "o": "output"}
GATES |= {"r": "output", "z": "forget", "n": "candidate", "h": "ink"}
GATE_NAMES = {"f": "forget", "i": "input", "g": "candidate", "o": "output"}
GATE_NAMES |= {"r": "reset", "z": "update", "n": "new", "h": ""}


def network(model=LSTM, D=3, H=2, *, beside=None, sees_h=True):
    """Draw an ordinary layer and a gated one, with every connection counted.

    model: an RNN, LSTM or GRU layer without peepholes and inner bias, or its
    class. beside: what stands at its left, a layer or class, RNN or Dense.
    D, H: the sizes, for classes; a layer brings its own. None: RNN, or Dense
    if sees_h is False. sees_h: whether the gates see h, and not x alone.
    A gated layer of K blocks has K (D H + H^2 + H) connections, with the
    biases: exactly K times a simple RNN's. A Dense layer has D H + H, of which
    it is K times only while the gates see x alone. The counts are the sizes
    of the layers' parameter arrays. Of large layers some nodes are drawn.
    Returns a Diagram. Raises TypeError for what cannot be drawn, ShapeError
    or ValueError naming the argument.
    """
    if not isinstance(sees_h, bool):
        raise TypeError(f"sees_h: expected True or False, got {sees_h!r}")
    gated = _single("model", model, RECURRENT, D, H)
    D, H = gated.input_size, gated.hidden_size
    beside = (RNN if sees_h else Dense) if beside is None else beside
    plain = _single("beside", beside, (RNN, Dense), D, H)
    if isinstance(plain, RNN) and not sees_h:
        raise ValueError("beside: expected Dense where gates see x alone, got RNN")
    other = getattr(plain, "output_size", getattr(plain, "hidden_size", None))
    if (plain.input_size, other) != (D, H):
        raise ShapeError(
            f"beside: expected sizes {D} to {H} as the model's, got "
            f"{plain.input_size} to {other}"
        )
    panels = [
        _Panel("plain", plain, isinstance(plain, RNN)),
        _Panel("gated", gated, sees_h),
    ]
    layout = Layout("network", WIDTH, 0)
    room = WIDTH - 20 - 36 - 8 * (panels[1].blocks - 1)
    pitch = min(32, room / sum(panel.slots for panel in panels))
    widths = [panel.width(pitch) for panel in panels]
    spare = (WIDTH - sum(widths)) / 3
    for panel, left in zip(panels, (spare, 2 * spare + widths[0])):
        panel.draw(layout, left, pitch)
    said = _ratio(layout, *panels)
    layout.frame |= {"top": -226, "height": 226 + 92}
    alt = ". ".join([panel.words() for panel in panels] + [said])
    return Diagram(layout, f"{alt}.")


def _single(name, what, known, D, H):
    """A layer of one level in one direction, built if a class was given."""
    expected = " or ".join(kind.__name__ for kind in known)
    if isinstance(what, type) and what in known:
        D, H = positive("D", D), positive("H", H)
        what = what(D, H, rng=0, **({"reset_after": False} if what is GRU else {}))
    if not isinstance(what, known):
        raise TypeError(f"{name}: expected a layer or class, {expected}, got {what!r}")
    if set(what.parameters) - {"W", "b", "W_l0", "U_l0", "b_l0"}:
        raise ValueError(
            f"{name}: expected one layer in one direction with no parameters beside "
            f"W, U and b, got {', '.join(what.parameters)}"
        )
    return what


class _Panel:
    """One layer: sources below, units above, a line for each connection."""

    def __init__(self, name, layer, sees_h):
        self.name, self.layer, self.sees_h = name, layer, sees_h
        self.title = type(layer).__name__ + " layer"
        self.letters = getattr(layer, "block_names", "h")
        self.D = layer.input_size
        self.H = getattr(layer, "hidden_size", getattr(layer, "output_size", 0))
        sizes = {key[0]: array.size for key, array in layer.parameters.items()}
        self.sizes = {k: n for k, n in sizes.items() if sees_h or k != "U"}
        self.count = sum(self.sizes.values())
        self.sources = [("x", k, self.D) for k in _some(self.D)]
        if sees_h:
            self.sources += [("h", k, self.H) for k in _some(self.H)]
        if "b" in self.sizes:
            self.sources.append(("1", 1, 1))
        self.units = [(g, k, self.H) for g in self.letters for k in _some(self.H)]

    @property
    def blocks(self):
        return len(self.letters)

    @property
    def slots(self):
        return max(len(self.sources), len(self.units))

    def width(self, pitch):
        """Of the wider row, the spaces between gates counted."""
        apart = self._apart(pitch) * (self.blocks - 1)
        return max(len(self.sources) * pitch, len(self.units) * pitch + apart)

    def _apart(self, pitch):
        return max(8, 62 - pitch * len(_some(self.H))) if self.blocks > 1 else 0

    def draw(self, layout, left, pitch):
        """All of it, its left edge given."""
        middle = left + self.width(pitch) / 2
        low, high, size = 0, -150, pitch - 6
        ends = {"sources": self._spread(middle, pitch, self.sources)}
        ends["units"] = self._spread(middle, pitch, self.units, self._apart(pitch))
        for kind, y in ("units", high), ("sources", low):
            for (letter, k, last), x in ends[kind]:
                role = "ink" if kind == "sources" else GATES[letter]
                self._node(layout, kind, letter, k, last, x, y, size, role)
        for (letter, k, _), x in ends["units"]:
            if k is None:
                continue
            for (source, j, _), at in ends["sources"]:
                if j is not None:
                    one = (
                        f"{self.name}-{source}-{j}"
                        if source != "1"
                        else f"{self.name}-bias"
                    )
                    unit = f"{self.name}-{letter}-unit-{k}"
                    name = f"{one}-to-{letter}-{k}"
                    self._line(layout, name, one, unit, (at, low - size / 2),
                               (x, high + size / 2), GATES[letter])  # fmt: skip
        for letter in self.letters:
            xs = [x for (g, *_), x in ends["units"] if g == letter]
            node = layout.nodes[f"{self.name}-{letter}-unit-1"]
            if GATE_NAMES[letter]:
                layout.label(node, GATE_NAMES[letter], (xs[0] + xs[-1]) / 2,
                             high - size / 2 - 8, anchor="middle", style="note",
                             role=GATES[letter])  # fmt: skip
        name = layout.node(f"{self.name}-count", "none", middle, 46, 10, title="count")
        node = layout.nodes[name]
        layout.label(node, self.title, middle, -205, anchor="middle")
        layout.label(node, self.formula(), middle, 40, anchor="middle", style="note")
        total = f"= {self.arithmetic()}"
        layout.label(node, total, middle, 58, anchor="middle", style="note")

    def _spread(self, middle, pitch, items, apart=0):
        """Every item with its x, a gate's units together."""
        letters = [letter for letter, *_ in items]
        shift = [0.0]
        for before, after in zip(letters, letters[1:]):
            shift.append(shift[-1] + pitch + apart * (before != after))
        return [(i, round(middle + s - shift[-1] / 2, 2)) for i, s in zip(items, shift)]

    def _node(self, layout, kind, letter, k, last, x, y, size, role):
        unit = "-unit" if kind == "units" else ""
        if k is None:
            name = f"{self.name}-{letter}{unit}-elided"
            layout.node(name, "none", x, y, size, title=f"2 to {last - 1}")
            layout.label(layout.nodes[name], "…", x, y + 4, anchor="middle",
                         style="note", role="muted")  # fmt: skip
            return
        name = f"{self.name}-{letter}{unit}-{k}"
        title = f"{GATE_NAMES.get(letter, '')} {letter}_{k}".strip()
        text = f"*{letter}*_{{{k}}}"
        if letter == "1":
            name, text, title = f"{self.name}-bias", "1", "1, for the biases"
        elif last > 3 and k == last:
            text = f"*{letter}*_{{{'D' if letter == 'x' else 'H'}}}"
        layout.node(name, "circle", x, y, size, role=role, title=title)
        layout.label(layout.nodes[name], text, x, y + 4, anchor="middle", style="word",
                     role=role)  # fmt: skip

    def _line(self, layout, name, one, unit, start, end, role):
        """A straight wire: Layout's own turn at right angles."""
        layout.wire(name, f"{one}.top", start, arrow=False, weight=1.1, role=role)
        straight = {"points": [list(start), list(end)], "hops": [], "to": unit}
        layout.wires[name] |= straight

    def formula(self):
        """In letters."""
        terms = {"W": "*D* *H*", "U": "*H*²", "b": "*H*"}
        inner = " + ".join(terms[k] for k in self.sizes)
        return f"{self.blocks} ({inner})" if self.blocks > 1 else inner

    def arithmetic(self):
        """In numbers, from the arrays' sizes."""
        each = [f"{size // self.blocks:,}" for size in self.sizes.values()]
        inner = " + ".join(each)
        inner = f"{self.blocks} · ({inner})" if self.blocks > 1 else inner
        return f"{inner} = {self.count:,}"

    def words(self):
        """A sentence."""
        sees = _some_of(self.D, "input") + f", {self.H} of h" * self.sees_h
        sees += " and a bias" * ("b" in self.sizes)
        gates = in_words([GATE_NAMES[k] for k in self.letters if GATE_NAMES[k]])
        sets = f" in {self.blocks} sets, {gates}," if self.blocks > 1 else ""
        return (
            f"{self.title}: {_some_of(self.blocks * self.H, 'unit')}{sets} for {sees}: "
            f"{self.arithmetic()} connections"
        )


def _some_of(count, what):
    return f"{count} {what}{'s' * (count > 1)}"


def _some(count):
    """Numbers of the nodes to draw, None for those left out."""
    return list(range(1, count + 1)) if count <= 3 else [1, None, count]


def _ratio(layout, plain, gated):
    """How many times as many, and whether that holds for all sizes."""
    times, rest = divmod(gated.count, plain.count)
    ratio = f"{times}" if not rest else f"{gated.count / plain.count:.2f}"
    same = set(plain.sizes) == set(gated.sizes)
    if same:
        why = "exactly, for all sizes"
    elif gated.count > gated.blocks * plain.count:
        why = f"more than {gated.blocks}, as the gates see h too"
    else:
        why = "for these sizes"
    text = f"{gated.count:,} / {plain.count:,} = {ratio} times as many: {why}"
    layout.node("ratio", "none", WIDTH / 2, 76, WIDTH - 40, 18, title="comparison")
    layout.label(layout.nodes["ratio"], text, WIDTH / 2, 82, anchor="middle",
                 style="value")  # fmt: skip
    return text
