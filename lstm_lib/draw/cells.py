"""The inside of a recurrent cell, drawn from the layer or the step itself.

`_draw_rnn`, `_draw_lstm` and `_draw_gru` lay one family out, each variant at
the same places, so that `compare` can lay two of them on each other. What is
drawn, and the numbers, come from `flow`.
"""

from types import SimpleNamespace

from lstm_lib.draw.flow import NAMES, describe, flow, is_identity, pick, staged
from lstm_lib.draw.layout import WIDTH, Diagram, Layout

MARGIN = 66  # beside the cell, for the states' names
ROLES = {"f": "forget", "i": "input", "g": "candidate", "o": "output"}
ROLES |= {"r": "output", "z": "forget", "n": "candidate"}


def cell(
    what,
    x=None,
    state=None,
    *,
    parameters=None,
    unit=0,
    example=0,
    stage=None,
):
    """Draw the inside of a recurrent cell.

    what: a layer (RNN, LSTM, GRU; of several its first, forward in time) or
    a step function of `cells`, plain or as a functools.partial with options.
    x: (N, D) or (D,), state: (N, H) or (H,), an LSTM's as a tuple (h, c);
    None means zeros. With x given, each wire shows its value for one unit of
    one example, to three digits, and each gate is filled as far as it is
    open. Of a whole vector on a wire, up to three numbers are shown.
    parameters: a step function's own, in its order: (W, U, b), with p or bn
    after them, or (W, b).
    stage: of an LSTM, 1 draws gates that see x, 2 also h_{t-1}, 3 also the
    cell state; None draws what the layer does.
    Returns a Diagram. Raises TypeError for what cannot be drawn, ShapeError
    or ValueError naming the argument.
    """
    found, w, run = describe(what, parameters)
    if stage is not None:
        found = staged(found, stage, x)
    values = {}
    if x is not None:
        arrays = flow(found, x, state, w, run)
        values = pick(found, arrays, unit, example)
    elif state is not None:
        raise ValueError("x: expected values where a state is given, got None")
    return Diagram(_draw(found, values), _words(found, values), found)


def compare(a, b):
    """Draw cell b with what differs from cell a highlighted.

    a, b: as `what` in `cell`, or Diagrams that `cell` returned (their values
    are not shown); both of one family, which minimal cells belong to too.
    What b adds is drawn strong, what it lacks dashed, what both have grey.
    Returns a Diagram whose `alt` says the differences in words.
    Raises TypeError for what cannot be drawn, ValueError for two families.
    """
    a, b = (describe(what)[0] for what in (a, b))
    if a.family != b.family:
        raise ValueError(
            f"a, b: expected two cells of one family, got {a.title} and {b.title}"
        )
    before, after = (_draw(found, {}, wide=True) for found in (a, b))
    after.kind = f"{b.slug}-against-{a.slug}"
    changes = {"added": [], "removed": []}
    for kind in "nodes", "wires":
        old, new = getattr(before, kind), getattr(after, kind)
        same = {name for name in old if name in new and _alike(old[name], new[name])}
        gone = {name: old[name] for name in old if name not in same}
        for name, item in new.items():
            _restyle(item, "" if name in same else "added")
        changes["added"] += [item for name, item in new.items() if name not in same]
        changes["removed"] += gone.values()
        for name, item in gone.items():
            if name in new and _same_place(item, new[name]):
                continue  # the new one would hide it
            _restyle(item, "removed")
            item["name"] = f"{name}-before" if name in new else name
            new[item["name"]] = item
    said = {kind: _mentions(items) for kind, items in changes.items()}
    _legend(after)
    alt = f"What changes from {_inside(a.title)} to {_inside(b.title)}."
    alt += f" Added: {'; '.join(said['added']) or 'nothing'}."
    alt += f" Removed: {'; '.join(said['removed']) or 'nothing'}."
    return Diagram(after, alt)


# ---- the pictures ------------------------------------------------------------


def _draw(found, values, wide=False):
    """Lay a cell out; wide: with room for all that its family has."""
    draw = {"rnn": _draw_rnn, "lstm": _draw_lstm, "gru": _draw_gru}[found.family]
    return draw(found, values, wide)


class _Pen(Layout):
    """A layout of a cell, whose wires know their values."""

    def __init__(self, found, height, left, right, values):
        middle = (left + right) / 2
        super().__init__(found.slug, WIDTH, height, left=middle - WIDTH / 2)
        self.start, self.end = left - MARGIN + 6, right + MARGIN - 6
        self.values = values

    def signal(
        self, name, *route, text="", at=None, side="start", gap=18, above=False,
        **options,
    ):  # fmt: skip
        """A wire with its name at a place and its value gap units below.

        gap: None puts the value in the name's line, 0 leaves it out. above: the
        place is above a line, and the name comes down to it if it has no value.
        """
        value = self.values.get(name)
        wire = self.wires[self.wire(name, *route, value=value, **options)]
        if at is None:
            return
        (x, y), numbered = at, value is not None and gap != 0
        if text:
            lower = gap if above and not numbered else 0
            role = options.get("role", "ink")
            self.label(wire, text, x, y + lower, anchor=side, role=role)
        if numbered:
            beside = 12 if text.startswith(("*f", "*i")) else 16  # narrow letters
            place = (x + beside, y) if gap is None else (x, y + gap * bool(text))
            room = 3 if gap is None else 1
            role, style = "ink" if text else "muted", "value"
            if isinstance(value, list) and len(value) > room:
                style = "note"
            shown = _shown(value, room)
            self.label(wire, shown, *place, anchor=side, style=style, role=role)

    def gate(self, letter, x, y, symbol, role=None):
        """A box with what it computes, its name, and how far open it is."""
        role, value = role or ROLES[letter], self.values.get(letter)
        name, level = NAMES[letter], None
        is_gate = symbol == "σ"
        if value is not None:
            part = value if is_gate else 0.5 + value / 2
            level = [0 if is_gate else 0.5, min(max(part, 0), 1)]
        title = f"the {name} gate {letter}_t"
        if not is_gate:
            what = {"g": "candidate", "n": "new value"}[letter]
            title = f"the {what} {letter}_t, {symbol}"
        self.node(name, "box", x, y, 66, 54, role=role, title=title, level=level)
        node = self.nodes[name]
        self.label(node, symbol, x, y + 1, anchor="middle", style="symbol")
        self.label(node, name, x, y + 18, anchor="middle", style="word")

    def operator(self, name, x, y, mark, title):
        """A circle: ⊙, + or words such as 1−."""
        if mark in "⊙+":
            self.node(name, "circle", x, y, 22, title=title, mark=mark)
        else:
            self.node(name, "circle", x, y, 28, title=title)
            self.label(self.nodes[name], mark, x, y + 5, anchor="middle", style="value")

    def function(self, name, x, y, text, title, width=48):
        """A small box: a function without weights, or a matrix."""
        self.node(name, "box", x, y, width, 26, role="muted", title=title)
        self.label(self.nodes[name], text, x, y + 5, anchor="middle", style="value")

    def boundary(self, top, bottom, left, right, which):
        """The cell itself, and which unit the numbers belong to."""
        x, y = (left + right) / 2, (top + bottom) / 2
        self.node("cell", "frame", x, y, right - left, bottom - top, role="muted")
        if which and which[1] * which[3] > 1:
            unit, H, example, N = which
            note = f"unit {unit} of {H}, " * (H > 1)
            note += f"example {example} of {N}" * (N > 1)
            place = {"anchor": "end", "style": "note", "role": "muted"}
            cell = self.nodes["cell"]
            self.label(cell, note.rstrip(", "), right, bottom + 18, **place)

    def taps(self, columns, rail, start):
        """From the rail to each box above it; the last one ends the rail."""
        seen = "x_t and h_{t-1}" if "h-previous" in self.wires else "x_t"
        *inner, last = columns
        if inner:
            start, begin = inner[-1][1], start
            self.signal("inputs", (begin, rail), (start, None), arrow=False)
        for name, x in columns:
            route = [(x, rail)] if (name, x) != last else [(start, rail), (x, None)]
            self.signal(
                f"to-{name}", *route, f"{name}.bottom", dot=bool(inner),
                at=(x + 7, rail - 19), title=f"{seen} to the {name} box",
            )  # fmt: skip


def _draw_rnn(found, values, wide):
    left, right, rail, y, x = 132, 346, 214, 140, 246
    pen = _Pen(found, 280, left, right, values)
    pen.boundary(34, 238, left, right, values.get("which"))
    name = _name(found.activation)
    value = values.get("h")
    level = None if value is None else [0.5, min(max(0.5 + value / 2, 0), 1)]
    title = f"the new hidden state, {name} of W x_t + U h_{{t-1}} + b"
    pen.node("h", "box", x, y, 66, 54, role="candidate", title=title, level=level)
    pen.label(pen.nodes["h"], name, x, y + 6, anchor="middle", style="symbol")
    _inputs(pen, found, rail, left + 22, left + 42, 274)
    pen.signal("to-h", (left + 42, rail), (x, None), "h.bottom", at=(x + 7, rail - 19))
    pen.signal("h", "h.top", (x, 74), arrow=False, title="h_t")
    pen.signal("h-up", (x, 74), (None, 6), dot=True, **_up(x))
    pen.signal(
        "h-next", (x, 74), (right - 32, None), (None, rail), (pen.end, None),
        at=(right + 8, rail - 10), text="*h*_{t}", gap=30, title="h_t to the next step",
    )  # fmt: skip
    return pen


def _inputs(pen, found, rail, x, join, bottom):
    """The inputs: x from below and, where the gates see it, h from the left."""
    if found.sees_h and found.family != "gru":
        pen.signal(
            "h-previous", (pen.start, rail), (join, None), arrow=False,
            at=(pen.start, rail - 10), text="*h*_{t-1}", gap=30,
            title="h_{t-1} to the gates",
        )  # fmt: skip
    pen.signal(
        "x", (x, bottom), (x, rail), (join, None), arrow=False,
        at=(x + 8, bottom - 3), text="*x*_{t}", gap=None, title="x_t to the gates",
    )  # fmt: skip


# Where the parts stand: rows from the top, columns by the gate's letter. Each
# variant leaves out, and moves nothing.
LSTM_PLACES = SimpleNamespace(
    top=64, middle=140, gates=230, rail=302, f=106, i=180, g=254, o=354,
    left=52, right=438, bottom=326,
)  # fmt: skip


def _draw_lstm(found, values, wide):
    p = LSTM_PLACES
    right = 340 if found.minimal and not wide else p.right
    pen = _Pen(found, p.bottom + 46, p.left, right, values)
    pen.boundary(34, p.bottom, p.left, right, values.get("which"))
    columns = [(k, getattr(p, k)) for k in "figo" if k in found.blocks]
    _lstm_nodes(pen, found, p, columns)  # first: wires are strung between them
    _lstm_line(pen, found, p, right)
    _inputs(pen, found, p.rail, p.left + 20, p.left + 36, p.bottom + 40)
    pen.taps([(NAMES[k], x) for k, x in columns], p.rail, p.left + 36)
    _lstm_gates_to_line(pen, found, p)
    if found.minimal:
        up = right - 40
        pen.signal("h-up", (up, p.top), (None, 6), dot=True, **_up(up))
    else:
        _lstm_output(pen, found, p)
        _lstm_peepholes(pen, found, p)
    return pen


def _lstm_nodes(pen, found, p, columns):
    """The gates' boxes, and what is done with the cell state."""
    f, i, g, o, top, middle, gates = p.f, p.i, p.g, p.o, p.top, p.middle, p.gates
    has = found.blocks
    for letter, x in columns:
        symbol = "σ" if letter != "g" else _name(found.activation)
        pen.gate(letter, x, gates, symbol)
    if "f" in has:
        pen.operator("keep", f, top, "⊙", "f_t ⊙ c_{t-1}, what is kept")
    if found.coupled:
        pen.operator("one-minus", i, middle, "1−", "1 - f_t as input gate")
    if "i" in has or found.coupled:
        pen.operator("write", g, middle, "⊙", "i_t ⊙ g_t, what is written")
    pen.operator("add", g, top, "+", "the sum c_t")
    if found.minimal:
        text = "÷ (*f*_{t} + *i*_{t})"
        title = "f_t and i_t divided by their sum"
        pen.function("scale", (f + i) / 2, 166, text, title, i - f + 48)
    else:
        read = _name(found.readout)
        pen.function("readout", o, 104, read, f"{read} of c_t")
        if "o" in has:
            pen.operator("show", o, 150, "⊙", f"o_t ⊙ {read}(c_t), what is shown")


def _lstm_line(pen, found, p, right):
    """The cell state, across the top."""
    f, top, has = p.f, p.top, found.blocks
    line = {"weight": 3.2}
    first = "keep.left" if "f" in has else "add.left"
    pen.signal(
        "c-previous", (pen.start, top), first, at=(pen.start, top - 10),
        text="*c*_{t-1}", gap=30, title="c_{t-1}", **line,
    )  # fmt: skip
    if "f" in has:
        pen.signal(
            "kept", "keep.right", "add.left", at=(f + 18, top - 9),
            title="f_t ⊙ c_{t-1}", **line,
        )  # fmt: skip
    pen.signal(
        "c", "add.right", (pen.end, top), at=(right + 8, top - 10),
        text="*c*_{t}", gap=30, title="c_t", **line,
    )  # fmt: skip


def _lstm_gates_to_line(pen, found, p):
    """What the forget gate keeps of the line, and what is written to it."""
    f, i, g, middle, has = p.f, p.i, p.g, p.middle, found.blocks
    if found.minimal:
        for letter, x, shift in ("f", f, "-37"), ("i", i, "+37"):
            pen.signal(
                letter, f"{NAMES[letter]}.top", f"scale.bottom{shift}",
                at=(x + 7, 196), text=f"*{letter}*_{{t}}", gap=None,
                role=ROLES[letter], title=f"{letter}_t",
            )  # fmt: skip
        keeps, writes = "scale.top-37", "scale.top+37"
    else:
        keeps, writes = "forget.top", "input.top"
    prime, scaled = ("′", "-scaled") if found.minimal else ("", "")
    if "f" in has:
        pen.signal(
            "f" + scaled, keeps, "keep.bottom", at=(f + 8, 98),
            text=f"*f*{prime}_{{t}}", role="forget", title="f_t to c_{t-1}",
        )  # fmt: skip
    if found.coupled:
        pen.signal(
            "f-to-one-minus", (f, middle), "one-minus.left", dot=True, role="forget",
            title="f_t to 1 - f_t",
        )  # fmt: skip
        writes = "one-minus.right"
    if "i" in has or found.coupled:
        pen.signal(
            "i" + scaled, writes, "write.left", above=True,
            at=(i + 22 if found.coupled else i + 6, middle - 25),
            text=f"*i*{prime}_{{t}}", role="input", title="i_t to the candidate",
        )  # fmt: skip
        pen.signal(
            "written", "write.top", "add.bottom", at=(g + 8, 108), title="i_t g_t"
        )
        goal = "write.bottom"
    else:
        goal = "add.bottom"
    side = {"at": (g - 8, 174), "side": "end"}
    if found.minimal:  # i_t stands at the left
        side = {"at": (g + 8, 174)}
    pen.signal(
        "g", "candidate.top", goal, text="*g*_{t}", role="candidate", title="g_t",
        **side,
    )  # fmt: skip


def _lstm_output(pen, found, p):
    """From the line through the output gate to h, above and to the next step."""
    o, top, rail, right, has = p.o, p.top, p.rail, p.right, found.blocks
    pen.signal(
        "c-to-readout", (o, top), "readout.top", dot=True, title="c_t to the output"
    )
    out = right - 28
    if "o" in has:
        pen.signal("tanh-c", "readout.bottom", "show.top", at=(o + 7, 132))
        pen.signal(
            "o", "output.top", "show.bottom", at=(o + 8, 179), text="*o*_{t}",
            role="output", title="o_t",
        )  # fmt: skip
    begin = ["show.right"] if "o" in has else ["readout.bottom", (None, 150)]
    pen.signal("h", *begin, (out, None), arrow=False, title="h_t")
    pen.signal("h-up", (out, 150), (None, 6), dot=True, **_up(out))
    pen.signal(
        "h-next", (out, 150), (None, rail), (pen.end, None), at=(right + 8, rail - 10),
        text="*h*_{t}", gap=30, title="h_t to the next step",
    )  # fmt: skip


def _lstm_peepholes(pen, found, p):
    """From the line to the gates that see it."""
    top, i, has = p.top, p.i, found.blocks
    for letter in found.peepholes:
        name = NAMES[letter]
        split = 176 if "f" in has else top
        route = {
            "f": [(82, top), "forget.top-24"],
            "i": [(82, split), (None, 176), (i - 24, None), "input.top-24"],
            "o": [(311, top), (None, 180), "output.top-24"],
        }[letter]
        seen = "c_t" if letter == "o" else "c_{t-1}"
        title = f"the peephole from {seen} to the {name} gate"
        pen.signal(f"peephole-{name}", *route, dot=True, role="muted", title=title)


GRU_PLACES = SimpleNamespace(
    top=64, middle=132, reset=166, gates=246, rail=312, below=338,
    r=126, z=214, u=290, n=380, left=52, right=438, bottom=360,
)  # fmt: skip


def _draw_gru(found, values, wide):
    p, plain = GRU_PLACES, found.minimal
    left, bottom = (150, 336) if plain and not wide else (p.left, p.bottom)
    pen = _Pen(found, bottom + 46, left, p.right, values)
    pen.boundary(34, bottom, left, p.right, values.get("which"))
    kept = "(1 - z_t) ⊙ h_{t-1}" if plain else "z_t ⊙ h_{t-1}"
    new = "z_t ⊙ n_t" if plain else "(1 - z_t) ⊙ n_t"
    _gru_nodes(pen, found, p, kept, new)
    _gru_line(pen, p, kept)
    _gru_inputs(pen, found, p, left, bottom)
    _gru_old_state_to_reset(pen, found, p)
    _gru_update(pen, found, p)
    _gru_reset_to_new_value(pen, found, p)
    pen.signal("n", "new.top", "write.bottom", at=(p.n + 8, 178), text="*n*_{t}",
               role="candidate", title="n_t")  # fmt: skip
    pen.signal("written", "write.top", "add.bottom", at=(p.n + 8, 103), title=new)
    return pen


def _gru_nodes(pen, found, p, kept, new):
    """The gates' boxes, and what is done with the hidden state."""
    r, z, u, n, plain = p.r, p.z, p.u, p.n, found.minimal
    top, middle, reset, gates = p.top, p.middle, p.reset, p.gates
    if not plain:
        pen.gate("r", r, gates, "σ")
    pen.gate("z", z, gates, "σ", "input" if plain else None)
    pen.gate("n", n, gates, _name(found.activation))
    pen.operator("keep", z, top, "⊙", f"{kept}, what is kept")
    pen.operator("write", n, middle, "⊙", f"{new}, what is written")
    pen.operator("add", n, top, "+", "the sum h_t")
    where = (z, 102) if plain else (z + 74, middle)
    pen.operator("one-minus", *where, "1−", f"1 - z_t {'keeps' if plain else 'writes'}")
    if found.reset:
        inside = {"before": "h_{t-1}", "after": "the product"}[found.reset]
        pen.operator("apply-reset", r, reset, "⊙", f"r_t ⊙ {inside}")
    if found.reset == "after":
        bias, name = (" + b_n", ", *b*_{n}") if found.inner_bias else ("", "")
        title = f"the product U_n h_{{t-1}}{bias}, which r_t multiplies"
        pen.function("product", r, 110, f"*U*_{{n}}{name}", title, 58)
    elif found.reset:
        title = "the product of U_n with r_t ⊙ h_{t-1}"
        pen.function("product", u, 206, "*U*_{n}", title, 40)


def _gru_line(pen, p, kept):
    """The hidden state, across the top."""
    top, right, z = p.top, p.right, p.z
    line = {"weight": 3.2}
    pen.signal(
        "h-previous", (pen.start, top), "keep.left", at=(pen.start, top - 10),
        text="*h*_{t-1}", gap=30, title="h_{t-1}", **line,
    )  # fmt: skip
    pen.signal(
        "kept", "keep.right", "add.left", at=(z + 18, top - 9), title=kept, **line
    )
    pen.signal(
        "h", "add.right", (pen.end, top), at=(right + 8, top - 10),
        text="*h*_{t}", gap=30, title="h_t", **line,
    )  # fmt: skip
    pen.signal("h-up", (right - 16, top), (None, 6), dot=True, **_up(right - 16))


def _gru_inputs(pen, found, p, left, bottom):
    """x, and the h that the gates see, to the boxes."""
    r, z, n, plain = p.r, p.z, p.n, found.minimal
    top, rail, below, gates = p.top, p.rail, p.below, p.gates
    x, join = left + 40, left + 54
    if not plain:
        pen.signal(
            "h-to-gates", (left + 18, top), (None, rail), (join, None), dot=True,
            arrow=False, title="h_{t-1} to the gates",
        )  # fmt: skip
    _inputs(pen, found, rail, x, join, bottom + 40)
    if plain:
        pen.taps([("update", z), ("new", n)], rail, join)
    else:
        pen.taps([("reset", r), ("update", z)], rail, join)
        pen.signal(
            "to-new", (x, below), (n, None), "new.bottom", dot=True,
            at=(n + 7, gates + 53), title="x_t to the new value",
        )  # fmt: skip


def _gru_old_state_to_reset(pen, found, p):
    """What the reset gate multiplies: h, or the product with it."""
    r, top = p.r, p.top
    if found.reset == "after":
        title = "h_{t-1} to the product"
        pen.signal("h-to-product", (r, top), "product.top", dot=True, title=title)
        pen.signal("product", "product.bottom", "apply-reset.top", at=(r + 7, 143))
    elif found.reset:
        title = "h_{t-1} to r_t"
        pen.signal("h-to-reset", (r, top), "apply-reset.top", dot=True, title=title)
    if found.reset:
        pen.signal(
            "r", "reset.top", "apply-reset.bottom", at=(r + 8, 196), text="*r*_{t}",
            role=ROLES["r"], title="r_t",
        )  # fmt: skip


def _gru_update(pen, found, p):
    """The update gate to one product, 1 - z to the other."""
    z, middle, plain = p.z, p.middle, found.minimal
    role = "input" if plain else "forget"
    if plain:
        pen.signal("z", "update.top", "one-minus.bottom", at=(z + 8, 178),
                   text="*z*_{t}", role=role, title="z_t")  # fmt: skip
        pen.signal("one-minus-z", "one-minus.top", "keep.bottom")
        pen.signal("z-branch", (z, middle), "write.left", dot=True, role=role,
                   title="z_t to the new value")  # fmt: skip
    else:
        pen.signal("z", "update.top", "keep.bottom", at=(z + 8, 196), text="*z*_{t}",
                   role=role, title="z_t")  # fmt: skip
        pen.signal("z-branch", (z, middle), "one-minus.left", dot=True, role=role,
                   title="z_t to 1 - z_t")  # fmt: skip
        pen.signal(
            "one-minus-z", "one-minus.right", "write.left", at=(z + 92, middle - 8)
        )


def _gru_reset_to_new_value(pen, found, p):
    """What the reset gate let through, to the new value's box."""
    z, u, reset, gates = p.z, p.u, p.reset, p.gates
    if found.reset == "after":
        pen.signal(
            "reset-product", "apply-reset.right", (u - 28, None), (None, gates),
            "new.left", at=(z + 12, reset - 7),
        )  # fmt: skip
    elif found.reset:
        pen.signal(
            "reset-h", "apply-reset.right", (u, None), "product.top",
            at=(z + 12, reset - 7),
        )  # fmt: skip
        pen.signal(
            "product-of-reset", "product.bottom", (None, gates), "new.left",
            at=(u + 23, 211),  # beside the box, as below it "new" is near
        )  # fmt: skip


def _up(x):
    """How the output above is marked; its value stands at the right."""
    return {"at": (x + 8, 22), "text": "*h*_{t}", "gap": 0, "title": "h_t, the output"}


def _name(function):
    """A function as written in a box."""
    if is_identity(function):
        return "linear"
    name = getattr(function, "__name__", "")
    return name if name.isidentifier() and len(name) < 7 else "φ"


def _shown(value, room=1):
    """Three digits, with a true minus sign; of more than room numbers their count."""
    if isinstance(value, list):
        if len(value) > room:
            return f"{len(value)} values"
        numbers = ", ".join(map(_shown, value))
        return f"({numbers})" if len(value) > 1 else numbers
    if value and not 1e-3 <= abs(value) < 1e4:
        mantissa, _, exponent = f"{value:.2e}".partition("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    return f"{value:.3g}".replace("-", "−")


# ---- in words ----------------------------------------------------------------


def _words(found, values):
    """The text alternative: what the cell does, with its numbers if it has some."""

    def is_(name, wire):
        return f"{name} = {values[wire]:.3g}" if values else name

    def gate(letter, wire=None):
        name = f"{NAMES[letter]} gate"
        return f"{name} {values[wire or letter]:.3g}" if values else f"the {name}"

    if found.family == "rnn":
        inner = is_("W x_t + U h_{t-1} + b", "to-h")
        parts = [f"{_name(found.activation)} of {inner} gives {is_('h_t', 'h')}"]
    elif found.family == "gru":
        parts = _words_gru(found, is_, gate)
    else:
        parts = _words_lstm(found, is_, gate)
    if values and values["which"][1] * values["which"][3] > 1:
        unit, H, example, N = values["which"]
        parts.append(f"shown is unit {unit} of {H} in example {example} of {N}")
    return f"{found.title}: {'; '.join(parts)}."


def _words_lstm(found, is_, gate):
    has, scaled = found.blocks, "-scaled" if found.minimal else ""
    old, g = is_("c_{t-1}", "c-previous"), is_("candidate g_t", "g")
    keeps = gate("f", "f" + scaled) if "f" in has else ""
    writes = gate("i", "i" + scaled) if "i" in has else ""
    if found.coupled:
        writes = is_("1 - f_t", "i")
    parts = ["f_t and i_t are divided by their sum"] * found.minimal
    parts += [f"{keeps} keeps {old}" if keeps else f"{old} is kept whole"]
    parts += [f"{writes} writes {g}" if writes else f"{g} is written whole"]
    parts += [f"the sum is {is_('c_t', 'c')}"]
    if found.minimal:
        parts.append("which is also h_t")
    else:
        read = is_(f"{_name(found.readout)}(c_t)", "tanh-c")
        shown = f"{gate('o')} shows {read}" if "o" in has else f"{read} is shown whole"
        parts.append(f"{shown} as {is_('h_t', 'h')}")
    parts.append(f"all see x_t{' and h_{t-1}' * found.sees_h}")
    for letter in found.peepholes:
        seen = "c_t" if letter == "o" else "c_{t-1}"
        parts.append(f"the {NAMES[letter]} gate also sees {seen}")
    return parts


def _words_gru(found, is_, gate):
    old, rest = is_("h_{t-1}", "h-previous"), is_("1 - z_t", "one-minus-z")
    if found.minimal:
        parts = [
            f"{gate('z')} writes {is_('new value n_t', 'n')}",
            f"{rest} keeps {old}",
        ]
        return [*parts, f"the sum is {is_('h_t', 'h')}", "both see x_t"]
    reset = old
    if found.reset == "after":
        bias = " + b_n" if found.inner_bias else ""
        reset = is_(f"U_n h_{{t-1}}{bias}", "product")
    return [
        f"{gate('r')} multiplies {reset} on its way to {is_('new value n_t', 'n')}",
        f"{gate('z')} keeps {old}",
        f"{rest} writes n_t",
        f"the sum is {is_('h_t', 'h')}",
    ]


# ---- two cells ---------------------------------------------------------------


def _same_place(one, other):
    return all(one[key] == other[key] for key in ("x", "y", "width", "height"))


def _alike(one, other):
    """Whether an item is the same in both cells: wires by name alone."""
    if "shape" not in one:
        return True
    return _same_place(one, other) and one["labels"] == other["labels"]


def _restyle(item, status):
    """Grey for what both have; what is gone is dashed, its wires unnamed."""
    item["status"] = status
    if status != "added":
        item["role"] = "muted"
        item["labels"] = [label | {"role": "muted"} for label in item["labels"]]
    elif item["role"] == "muted":
        item["role"] = "ink"
    if status == "removed" and "shape" not in item:
        item["labels"] = []


def _mentions(items):
    """Words for the changes: nodes, and wires that no changed node explains."""
    nodes = {item["name"] for item in items if "shape" in item}
    return [
        item["title"]
        for item in items
        if item["title"] and ("shape" in item or not {item["from"], item["to"]} & nodes)
    ]


def _inside(title):
    """A title inside a sentence: "peephole LSTM cell"."""
    small = title.startswith(("Simple", "Coupled", "Peephole"))
    return title[0].lower() + title[1:] if small else title


def _legend(layout):
    """Below the cell: how added and removed parts are drawn, where there are some."""
    items = [*layout.nodes.values(), *layout.wires.values()]
    drawn = {item["status"] for item in items}
    cell_node = layout.nodes["cell"]
    y = cell_node["y"] + cell_node["height"] / 2 + 30
    x = cell_node["x"] + cell_node["width"] / 2
    for kind in [kind for kind in ("removed", "added") if kind in drawn]:
        x -= 96
        layout.wire(f"legend-{kind}", (x, y - 4), (x + 30, None), arrow=False)
        wire = layout.wires[f"legend-{kind}"]
        wire |= {"status": kind, "role": "ink" if kind == "added" else "muted"}
        layout.label(wire, kind, x + 37, y, style="note")
