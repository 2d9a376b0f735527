"""Arrays as blocks, for tables of shapes."""

import math
import re

from lstm_lib.draw.layout import WIDTH, Diagram, Layout
from lstm_lib.validation import ShapeError, positive

AXIS_ROLES = "output", "forget", "input", "candidate", "ink", "muted"


def tensors(*items):
    """Draw shapes as blocks, equal axes in equal lengths, colours and letters.

    items: (label, shape or array, names of the axes), as in
    ("x", (5, 3, 4), ("T", "N", "D")), of up to three axes; the first of three
    is drawn as a stack. A string between two of them, such as "→", "+" or
    "@", is written there; a row that is full goes on in the next.
    Returns a Diagram. Raises TypeError for what cannot be drawn, ShapeError
    where names do not fit a shape or an axis has two sizes, ValueError for
    more than three axes.
    """
    blocks, sizes, roles = [], {}, {}
    for item in items:
        blocks.append(item if isinstance(item, str) else _block(item, sizes))
    if not any(isinstance(block, dict) for block in blocks):
        raise ValueError("items: expected at least one (label, shape, axes), got none")
    for name in sizes:
        roles[name] = AXIS_ROLES[len(roles) % len(AXIS_ROLES)]
    rows, room = [[]], WIDTH - 16
    for block in blocks:
        width = 30 if isinstance(block, str) else block["width"]
        used = sum(other for _, other in rows[-1])
        if rows[-1] and used + width > room:
            sign = rows[-1].pop() if isinstance(rows[-1][-1][0], str) else None
            rows.append([sign] if sign else [])
        rows[-1].append((block, width))
    layout, y, names = Layout("tensors", WIDTH, 0), 0, {}
    for row in rows:
        tall = max((b["height"] for b, _ in row if isinstance(b, dict)), default=30)
        x = (WIDTH - sum(width for _, width in row)) / 2
        for block, width in row:
            where = x + width / 2, y + 34 + tall / 2
            if isinstance(block, str):
                k = sum(name.startswith("sign-") for name in layout.nodes)
                name = layout.node(f"sign-{k + 1}", "none", *where, 24)
                layout.label(layout.nodes[name], _bare(block), where[0], where[1] + 6,
                             anchor="middle", style="symbol")  # fmt: skip
            else:
                _draw_block(layout, block, *where, roles, names)
            x += width
        y += tall + 34 + 34
    layout.frame |= {"top": -4, "height": y + 8}
    said = [b if isinstance(b, str) else _said(b) for b in blocks]
    return Diagram(layout, f"Shapes: {'; '.join(said)}.")


def _block(item, sizes):
    """One tensor as a dict; sizes of the axes known so far are extended."""
    if not isinstance(item, (tuple, list)) or len(item) != 3:
        raise TypeError(f"items: expected (label, shape, axes), got {item!r:.60}")
    label, shape, axes = item
    if not isinstance(label, str) or isinstance(axes, str):
        raise TypeError(
            f"items: expected a label and a tuple of axis names, got {item!r:.60}"
        )
    if not isinstance(shape, (tuple, list)):
        if not hasattr(shape, "shape"):
            raise TypeError(f"{label}: expected a shape or an array, got {shape!r:.60}")
        shape = shape.shape
    shape = [positive(label, size) for size in shape]
    if len(shape) > 3:
        raise ValueError(f"{label}: expected up to three axes, got {len(shape)}")
    if len(axes) != len(shape):
        raise ShapeError(
            f"{label}: expected {len(shape)} axis names for shape {tuple(shape)}, got "
            f"{tuple(axes)}"
        )
    for name, size in zip(axes, shape):
        if sizes.setdefault(name, size) != size:
            raise ShapeError(
                f"{label}: expected {name} = {sizes[name]} as before, got {size}"
            )
    block = {"label": label, "shape": tuple(shape), "axes": tuple(axes)}
    *_, h, w = [None, None, *map(_length, shape)]
    cards = min(shape[0], 5) if len(shape) == 3 else 1
    block |= {"w": w or 14, "h": h or 14, "cards": cards}
    side = 40 if len(shape) > 1 else 0
    block["width"] = max(block["w"] + 7 * (cards - 1) + side + 30, 70)
    block["height"] = block["h"] + 7 * (cards - 1)
    return block


def _length(size):
    """An axis in units: by its logarithm, so that 512 fits beside 3."""
    return round(min(20 + 15 * math.log2(size), 110), 2)


def _draw_block(layout, block, x, y, roles, names):
    slug = "".join(c if c.isascii() and c.isalnum() else "-" for c in block["label"])
    slug = f"tensor-{slug.lower()}".strip("-")
    names[slug] = names.get(slug, 0) + 1
    slug += f"-{names[slug]}" if names[slug] > 1 else ""
    w, h, cards, axes = (block[key] for key in ("w", "h", "cards", "axes"))
    back = 7 * (cards - 1)
    side = 40 if len(axes) > 1 else 0
    x, y = x - back / 2 + side / 2, y + back / 2
    for k in reversed(range(cards)):
        name = slug if k == 0 else f"{slug}-slice-{k + 1}"
        title = _said(block) if k == 0 else ""
        layout.node(name, "box", x + 7 * k, y - 7 * k, w, h, role="muted", title=title)
    node = layout.nodes[slug]
    layout.label(node, _variable(block["label"]), x + back / 2, y - h / 2 - back - 12,
                 anchor="middle")  # fmt: skip
    left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
    edges = [
        ((left, bottom + 8), (right, bottom + 8), (x, bottom + 24), "middle"),
        ((left - 8, top), (left - 8, bottom), (left - 14, y + 4), "end"),
        ((left - 8, top - 3), (left - 8 + back, top - 3 - back),
         (left - 14 + back / 2, top - 4 - back / 2), "end"),
    ]  # fmt: skip
    for axis, size, (start, end, at, anchor) in zip(
        reversed(axes), reversed(block["shape"]), edges
    ):
        name = f"{slug}-axis-{len(axes) - axes.index(axis)}"
        role = roles[axis]
        layout.wire(name, start, (start[0], start[1] + 1), arrow=False, weight=3,
                    role=role, value=size, title=f"{axis} = {size}")  # fmt: skip
        layout.wires[name]["points"] = [list(start), list(end)]
        layout.label(layout.wires[name], f"{_variable(axis)} = {size}", *at,
                     anchor=anchor, style="note", role=role)  # fmt: skip


def _said(block):
    shape = ", ".join(f"{n} = {k}" for n, k in zip(block["axes"], block["shape"]))
    return f"{block['label']} ({shape or 'a number'})"


def _bare(text):
    return text.replace("*", "∗").replace("_", " ")


def _variable(text):
    """A name as a label: its letters italic, numbers upright."""
    pieces = re.findall(r"[^\W\d_]+|[^a-zA-Z]+", _bare(text))
    return "".join(f"*{p}*" if p.isalpha() and len(p) == 1 else p for p in pieces)
