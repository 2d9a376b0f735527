"""Nodes, ports and wires: the model that every diagram is laid out in.

A `Layout` collects nodes at fixed places and wires that run at right angles
from port to port. `description` is all of it as plain data; `render` makes
SVG of that data and of nothing else, so that a page which reads the same
data as JSON can draw the same picture.

Lengths are in SVG user units. One unit is a pixel where nothing scales the
figure, so 13 units stay readable when a phone shows 460 units in 350 pixels.
"""

import json
import math
import re
from pathlib import Path

from lstm_lib import colors

WIDTH = 518  # of every diagram, so that a page may mix them
CORNER, HOP, ARROW = 9, 7, 8  # radius of a corner and of a hop, length of a head
SIZES = {"name": 16, "value": 13.5, "symbol": 18, "word": 12, "note": 12}
_SIDES = {"left": (-1, 0), "right": (1, 0), "top": (0, -1), "bottom": (0, 1)}


class Layout:
    """A drawing in the making.

    kind: a short name of what is drawn. width, height: the visible part;
    left, top: the coordinates of its corner.
    """

    def __init__(self, kind, width, height, *, left=0, top=0):
        self.kind = kind
        self.frame = {"left": left, "top": top, "width": width, "height": height}
        self.nodes, self.wires = {}, {}

    def node(self, name, shape, x, y, width, height=None, **options):
        """Add a node whose centre is (x, y).

        name: unique among the nodes. shape: "box", "circle", "frame" (a box
        that others stand in) or "none" (labels alone).
        role: a key of colors.COLORS. title: what it is, in words. level: a pair, the
        part of the height that is filled, from 0 at the bottom to 1. mark: "⊙"
        or "+" drawn inside a circle.
        Returns name.
        """
        _expect_new("node", name, self.nodes)
        node = {"name": name, "shape": shape, "x": x, "y": y, "width": width}
        node |= {"height": width if height is None else height, "role": "ink"}
        node |= {"title": "", "level": None, "mark": "", "status": "", "labels": []}
        self.nodes[name] = node | _known(options, node)
        return name

    def wire(self, name, *route, **options):
        """Add a wire along a route, turning at right angles.

        name: unique among the wires. route: ports "node.side" or
        "node.side+8", 8 units right of or below the side's middle; points
        (x, y); or (x, None) and (None, y), straight on to that x or y. A
        corner between two points is put where the port's direction wants it.
        Where the wire crosses an earlier one, it hops over it.
        role, title: as for nodes. arrow: whether it ends in a head. dot:
        whether it branches off another wire. weight: the line's width. value:
        the number it carries.
        Returns name.
        """
        _expect_new("wire", name, self.wires)
        points = self._points(route)
        hops = [p for wire in self.wires.values() for p in _crossings(points, wire)]
        ends = {"from": _owner(route[0]), "to": _owner(route[-1])}
        wire = {"name": name, **ends, "points": points, "hops": hops, "role": "ink"}
        wire |= {"title": "", "arrow": True, "dot": False, "weight": 1.8}
        wire |= {"value": None, "status": "", "labels": []}
        self.wires[name] = wire | _known(options, wire)
        return name

    def label(self, item, text, x, y, *, anchor="start", style="name", role="ink"):
        """Write text beside a node or wire, an entry of `nodes` or `wires`.

        text: plain, or with variables and subscripts as in "*c*_{t-1}".
        (x, y): the baseline's start, "middle" or "end". style: a key of SIZES.
        """
        runs = _runs(text)
        place = {"x": x, "y": y, "anchor": anchor, "style": style, "role": role}
        item["labels"].append(place | {"runs": runs})

    def port(self, place):
        """The point of a port such as "forget.top+8", and its direction."""
        name, side, shift = re.fullmatch(
            r"([\w-]+)\.([a-z]+)([+-][\d.]+)?", place
        ).groups()
        node, (dx, dy) = self.nodes[name], _SIDES[side]
        shift = float(shift or 0)
        x = node["x"] + dx * node["width"] / 2 + shift * abs(dy)
        y = node["y"] + dy * node["height"] / 2 + shift * abs(dx)
        return (x, y), (dx, dy)

    def description(self):
        """The whole drawing as plain data, ready for JSON."""
        parts = {"nodes": self.nodes.values(), "wires": self.wires.values()}
        parts = {name: [dict(part) for part in some] for name, some in parts.items()}
        for wire in parts["wires"]:
            wire["path"], wire["head"] = _path(wire), _head(wire)
        return {"kind": self.kind, **self.frame, **parts}

    def _points(self, route):
        points, along = [], None
        for place in route:
            if isinstance(place, str):
                point, along = self.port(place)
            else:
                x, y = place
                point = (points[-1][0] if x is None else x,) + (
                    (points[-1][1] if y is None else y),
                )
                along = along if not points else None
            if points and point[0] != points[-1][0] and point[1] != points[-1][1]:
                # Enter a port along its direction; leave a point sideways.
                upright = along is not None and along[0] == 0
                x, y = points[-1]
                points.append((point[0], y) if upright else (x, point[1]))
            if point not in points[-1:]:
                points.append(point)
        return [list(point) for point in points]


class Diagram:
    """A drawing: as SVG, JSON, a file or in Jupyter, and `alt` in words.

    source: what it was made from, for functions that read a diagram again.
    """

    def __init__(self, layout, alt, source=None):
        self._layout, self.alt, self.source = layout, alt, source

    def json(self):
        """The layout as a dict of plain data, for json.dumps.

        "nodes" and "wires" have the names that the SVG carries as data-node
        and data-wire. Lengths are in user units, values unrounded.
        """
        description = self._layout.description() | {"alt": self.alt}
        return json.loads(json.dumps(description))  # the caller's own

    def svg(self, name=None, alt=None):
        """The text of an SVG element, the same bytes at each call.

        name: a short identifier, unique in the page; None: the kind of cell.
        alt: words for those who cannot see it; None: `self.alt`.
        Raises ValueError if the name has other characters than a-z, 0-9 and
        the hyphen, or if alt is empty.
        """
        name, alt = name or self._layout.kind, self.alt if alt is None else alt
        if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
            raise ValueError(f"name: expected letters a-z, digits, '-', got {name!r}")
        if not alt.strip():
            raise ValueError("alt: expected a sentence that says what is drawn")
        return render(self._layout.description(), name, alt)

    def show(self, *, name=None, alt=None):
        """Display the drawing in Jupyter; name and alt as in `svg`."""
        from IPython.display import display

        bundle = {"image/svg+xml": self.svg(name, alt), "text/plain": alt or self.alt}
        display(bundle, raw=True)

    def save(self, path):
        """Write the drawing to a file that ends in .svg or .png.

        A PNG has four pixels per unit and is made by Chromium, through Playwright.
        Raises ValueError for another ending, RuntimeError where Playwright or
        Chromium is missing; the file is then left as it was.
        """
        path = Path(path)
        if path.suffix not in (".svg", ".png"):
            raise ValueError(f"path: expected a name in .svg or .png, got {path.name}")
        svg = self.svg()
        data = svg.encode() if path.suffix == ".svg" else _png(svg)
        part = path.with_name(path.name + ".part")
        try:
            part.write_bytes(data)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"image/svg+xml": self.svg(), "text/plain": self.alt}


# ---- from data to SVG --------------------------------------------------------


def render(description, name, alt):
    """SVG of what `Layout.description` returned, before or after JSON."""
    d = description
    box = " ".join(_number(d[key]) for key in ("left", "top", "width", "height"))
    size = f'width="{_number(d["width"])}" height="{_number(d["height"])}"'
    ground = f'x="{_number(d["left"])}" y="{_number(d["top"])}"'
    frames = [node for node in d["nodes"] if node["shape"] == "frame"]
    others = [node for node in d["nodes"] if node["shape"] != "frame"]

    def only(items, gone):
        return [item for item in items if (item["status"] == "removed") == gone]

    lines = [
        f'<svg class="computed-figure" role="img" aria-labelledby="{name}-title" '
        f'xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {size} '
        'style="font-family: var(--figure-font, sans-serif)">',
        f'<title id="{name}-title">{_escape(alt)}</title>',
        f'<rect {ground} {size} style="fill: {_color("paper")}"/>',
        *map(_node, frames),
        *map(_wire, only(d["wires"], True)),  # what is gone lies under the rest
        *map(_node, only(others, True)),
        *map(_wire, only(d["wires"], False)),
        *map(_node, only(others, False)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _node(node):
    x, y, w, h = (node[key] for key in ("x", "y", "width", "height"))
    color, status = _color(node["role"]), node["status"]
    ghost = status == "removed"
    weight = {"box": 2, "circle": 1.8, "frame": 1.2, "none": 0}[node["shape"]]
    line = f"stroke: {color}; stroke-width: {weight + (status == 'added')}"
    line += "; stroke-dasharray: 4 3" if ghost else ""
    parts = []
    if node["shape"] == "circle":
        circle = f'<circle cx="{_number(x)}" cy="{_number(y)}" r="{{}}" style="{{}}"/>'
        if status == "added":
            parts.append(circle.format(_number(w / 2 + 5), _glow(node["role"])))
        parts.append(circle.format(_number(w / 2), f"fill: {_color('ground')}; {line}"))
        if node["mark"] == "⊙":
            parts.append(circle.format(2.6, f"fill: {color}"))
        elif node["mark"] == "+":
            d = f"M{_number(x - 6)} {_number(y)}h12M{_number(x)} {_number(y - 6)}v12"
            parts.append(f'<path d="{d}" style="{line}"/>')
    elif node["shape"] != "none":
        frame = node["shape"] == "frame"
        radius = 16 if frame else 8
        if status == "added":
            parts.append(_rect(x, y, w + 10, h + 10, radius + 5, _glow(node["role"])))
        fill = f"fill: {_color('ink')}; fill-opacity: 0.03"
        ground = fill if frame else f"fill: {_color('ground')}"
        parts.append(_rect(x, y, w, h, radius, f"{ground}; stroke: none"))
        if node["level"] is not None:
            parts.append(_filled(node))
        parts.append(_rect(x, y, w, h, radius, f"fill: none; {line}"))
    return _group("node", node, parts)


def _filled(node):
    """How full a box is: a tint between two heights and marks at the level."""
    x, y, w, h = (node[key] for key in ("x", "y", "width", "height"))
    start, end = node["level"]
    low, high = sorted((start, end))
    left, bottom, inset = x - w / 2, y + h / 2, 3
    room, usable = w - 2 * inset, h - 2 * inset
    y_of = [bottom - inset - usable * part for part in (high, low, end)]
    tint = (
        f'<rect x="{_number(left + inset)}" y="{_number(y_of[0])}" '
        f'width="{_number(room)}" height="{_number(y_of[1] - y_of[0])}" rx="4" '
        f'style="fill: {_color(node["role"])}; fill-opacity: 0.24"/>'
    )
    level = _number(y_of[2])  # marked at both edges, clear of the words between
    d = f"M{_number(left)} {level}h5M{_number(left + w)} {level}h-5"
    style = f"stroke: {_color(node['role'])}; stroke-width: 3"
    return tint + f'<path d="{d}" style="{style}"/>'


def _wire(wire):
    color, weight = _color(wire["role"]), wire["weight"]
    ghost, added = (wire["status"] == status for status in ("removed", "added"))
    line = f"fill: none; stroke: {color}; stroke-width: {weight + added}"
    line += "; stroke-dasharray: 4 3" if ghost else ""
    parts = []
    if added:
        glow = f"fill: none; stroke: {color}; stroke-width: 11; stroke-opacity: 0.16"
        parts.append(f'<path d="{wire["path"]}" style="{glow}"/>')
    parts.append(f'<path d="{wire["path"]}" style="{line}"/>')
    if wire["head"]:
        parts.append(f'<path d="{wire["head"]}" style="fill: {color}"/>')
    if wire["dot"]:
        x, y = map(_number, wire["points"][0])
        parts.append(f'<circle cx="{x}" cy="{y}" r="3.6" style="fill: {color}"/>')
    return _group("wire", wire, parts)


def _group(what, item, parts):
    parts = parts + [_text(label) for label in item["labels"]]
    status = f' data-status="{item["status"]}"' if item["status"] else ""
    title = f"<title>{_escape(item['title'])}</title>" if item["title"] else ""
    return f'<g data-{what}="{item["name"]}"{status}>{title}{"".join(parts)}</g>'


def _text(label):
    size, spans, drop = SIZES[label["style"]], [], 0
    for text, kind in label["runs"]:
        attributes = ""
        if kind == "variable":
            attributes += ' font-style="italic"'
        if kind == "subscript":
            attributes += f' font-size="{_number(size * 0.72)}"'
        shift = (4 if kind == "subscript" else 0) - drop
        drop += shift
        attributes += f' dy="{shift}"' if shift else ""
        text = _escape(text)
        spans.append(f"<tspan{attributes}>{text}</tspan>" if attributes else text)
    style = f"fill: {_color(label['role'])}"
    if label["anchor"] != "start":
        style += f"; text-anchor: {label['anchor']}"
    if label["style"] == "value":
        style += "; font-variant-numeric: tabular-nums"
    return (
        f'<text x="{_number(label["x"])}" y="{_number(label["y"])}" '
        f'font-size="{_number(size)}" data-text="{label["style"]}" '
        f'style="{style}">{"".join(spans)}</text>'
    )


def _rect(x, y, width, height, radius, style):
    return (
        f'<rect x="{_number(x - width / 2)}" y="{_number(y - height / 2)}" '
        f'width="{_number(width)}" height="{_number(height)}" rx="{radius}" '
        f'style="{style}"/>'
    )


def _glow(role):
    return f"fill: {_color(role)}; fill-opacity: 0.16"


def _color(role):
    return f"var(--figure-{role}, {colors.COLORS[role]})"


def _number(value):
    return f"{round(value, 2):g}"


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# ---- geometry ----------------------------------------------------------------


def _path(wire):
    """The points as SVG path data, corners rounded, hops where wires cross."""
    points, hops = wire["points"], wire["hops"]
    d = "M" + _pair(points[0])
    for k, (start, end) in enumerate(zip(points, points[1:])):
        dx, dy, length = _direction(start, end)
        on = [hop for hop in hops if _between(hop, start, end)]
        for x, y in sorted(on, key=lambda hop: math.dist(hop, start)):
            before, after = ((x + s * HOP * dx, y + s * HOP * dy) for s in (-1, 1))
            sweep = 1 if dx > 0 or dy < 0 else 0  # over a line, or to its left
            d += f"L{_pair(before)}A{HOP} {HOP} 0 0 {sweep} {_pair(after)}"
        if k + 2 == len(points):
            inset = ARROW - 2 if wire["arrow"] else 0  # the head covers the rest
            d += "L" + _pair((end[0] - inset * dx, end[1] - inset * dy))
            break
        nx, ny, onward = _direction(end, points[k + 2])
        r = min(CORNER, length / 2, onward / 2)
        d += f"L{_pair((end[0] - r * dx, end[1] - r * dy))}"
        d += f"Q{_pair(end)} {_pair((end[0] + r * nx, end[1] + r * ny))}"
    return d


def _head(wire):
    """The arrow's head as SVG path data, its tip at the last point."""
    if not wire["arrow"]:
        return ""
    start, (x, y) = wire["points"][-2:]
    dx, dy, _ = _direction(start, (x, y))
    back, half = (x - ARROW * dx, y - ARROW * dy), ARROW * 0.45
    sides = [(back[0] + s * half * dy, back[1] - s * half * dx) for s in (1, -1)]
    return f"M{_pair((x, y))}L{_pair(sides[0])}L{_pair(sides[1])}Z"


def _crossings(points, wire):
    """Where straight runs of two wires cross, ends not counted."""
    found, other = [], wire["points"]
    for a, b in zip(points, points[1:]):
        for p, q in zip(other, other[1:]):
            if (a[0] == b[0]) == (p[0] == q[0]):
                continue  # parallel
            place = (a[0], p[1]) if a[0] == b[0] else (p[0], a[1])
            if _between(place, a, b) and _between(place, p, q):
                found.append(list(place))
    return found


def _between(place, start, end):
    """Whether a point lies on a straight run, away from its ends."""
    (x, y), (x0, y0), (x1, y1) = place, start, end
    if x0 == x1:
        return x == x0 and min(y0, y1) < y < max(y0, y1)
    return y == y0 and min(x0, x1) < x < max(x0, x1)


def _direction(start, end):
    length = math.dist(start, end) or 1.0
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length, length


def _pair(point):
    return f"{_number(point[0])} {_number(point[1])}"


# ---- small things ------------------------------------------------------------


def _runs(text):
    """Pieces of a label: ("c", "variable"), ("t−1", "subscript")."""
    pieces = re.findall(r"\*(.+?)\*|_\{(.+?)\}|([^*_]+)", text)
    kinds = "variable", "subscript", "plain"
    return [
        [piece.replace("-", "−"), kind]
        for found in pieces
        for piece, kind in zip(found, kinds)
        if piece
    ]


def _owner(place):
    return place.partition(".")[0] if isinstance(place, str) else None


def _expect_new(what, name, known):
    if name in known or not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"{what}: expected a new name in a-z, 0-9, '-', got {name!r}")


def _known(options, item):
    strange = sorted(set(options) - set(item))
    if strange:
        raise TypeError(f"options: expected some of {sorted(item)}, got {strange}")
    return options


def _png(svg):
    """The SVG as PNG bytes, four pixels a unit, as Chromium shows it on white."""
    import shutil
    from concurrent.futures import ThreadPoolExecutor

    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise RuntimeError(
            "save: a PNG needs Playwright (pip install playwright) and Chromium; "
            "an .svg needs neither"
        ) from None
    programs = "chromium", "chromium-browser", "google-chrome"
    program = next(filter(None, map(shutil.which, programs)), None)

    def shoot():
        with sync_playwright() as playwright:
            try:
                browser = playwright.chromium.launch(executable_path=program)
            except Exception as error:
                first = str(error).strip().partition("\n")[0]
                raise RuntimeError(
                    "save: a PNG needs Chromium, which could not be started; an "
                    f".svg does not ({first})"
                ) from None
            try:
                page = browser.new_page(device_scale_factor=4)
                page.set_content(f"<style>svg {{ display: block }}</style>{svg}")
                return page.locator("svg").screenshot()
            finally:
                browser.close()

    # In a thread of its own: Jupyter's has an event loop, where Playwright refuses.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(shoot).result()


def in_words(words):
    """Words as in a sentence: a, b and c."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"
