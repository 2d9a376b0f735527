"""What every figure of the book shares: colours, style, SVG and HTML for a page.

Colours and fonts become CSS variables with fallbacks: inside the book they
follow the reader's theme, elsewhere they show as given here.
"""

import io
import re
from html import escape

import matplotlib
import numpy as np
from matplotlib.collections import QuadMesh
from matplotlib.colors import ListedColormap, to_hex
from matplotlib.figure import Figure

from lstm_lib.colors import COLORS

STYLE = {
    "font.size": 11,
    "svg.fonttype": "none",
    "svg.hashsalt": "gate-by-gate",
    "figure.facecolor": COLORS["paper"],
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "legend.frameon": False,
    "lines.linewidth": 2,
    "grid.color": COLORS["muted"],
    "grid.alpha": 0.25,
} | dict.fromkeys(
    ("text.color", "axes.edgecolor", "axes.labelcolor", "axes.titlecolor",
     "xtick.color", "ytick.color"),
    COLORS["ink"],
)  # fmt: skip


def figure(rows=1, columns=1, *, width=5.4, height=3.0, **options):
    """A figure and its axes in the book's style.

    width and height in inches; 5.4 keeps 11-point text readable on a phone.
    options go to Matplotlib's `Figure.subplots`. Returns figure, axes.
    """
    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(width, height), layout="constrained")
        return fig, fig.subplots(rows, columns, **options)


def show(fig, *, name, alt=None):
    """Display a figure as SVG, or coloured text as HTML, with a text alternative.

    name: a short identifier, unique in the book, by which another page can
    show the same figure. alt: what the figure says, in words; None takes
    `fig.alt`, which the functions of `plot` write.
    Raises ValueError if either is empty or the name has other characters
    than a-z, 0-9 and the hyphen.
    """
    from IPython.display import display

    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"name: expected letters a-z, digits, '-', got {name!r}")
    alt = getattr(fig, "alt", "") if alt is None else alt
    if not alt.strip():
        raise ValueError("alt: expected a sentence that says what the figure shows")
    if isinstance(fig, Html):
        data = {"text/html": fig.to_html(name=name, alt=alt)}
    else:
        data = {"image/svg+xml": to_svg(fig, name=name, alt=alt)}
    display(data | {"text/plain": alt}, raw=True)


def to_svg(fig, *, name, alt):
    """The figure as the text of an SVG element, the same bytes at each call."""
    # The layout starts from where it left the axes the last time: put them back.
    places = [(ax, kind, ax.get_position(kind == "original"))
              for ax in fig.axes for kind in ("original", "active")]  # fmt: skip
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    for ax, kind, place in places:
        ax._set_position(place, which=kind)
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # Several figures share a page, so every id carries the figure's name.
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--figure-font, sans-serif)", svg)
    for label, color in COLORS.items():
        svg = svg.replace(color, f"var(--figure-{label}, {color})")
    title = f'<title id="{name}-title">{escape(alt, quote=False)}</title>'
    head = f'<svg class="computed-figure" role="img" aria-labelledby="{name}-title"'
    return re.sub(r"<svg([^>]*)>", rf"{head}\1>\n {title}", svg, count=1)


# ---- shades ------------------------------------------------------------------
# A number is shown by how opaque its colour is. What is near 0 lets the page
# through, so that one figure serves light and dark pages.

STEPS = 20  # of opacity
SMALL = 9  # points


def shades(color):
    """Map 0..1 to a colour of COLORS, from transparent to opaque."""
    rows = [(*_rgb(color), k / STEPS) for k in range(STEPS + 1)]
    return ListedColormap(rows).with_extremes(bad="none")


def signed_shades():
    """Map -1..1 to two colours, transparent at 0."""
    rows = [(*_rgb("negative"), k / STEPS) for k in range(STEPS, 0, -1)]
    rows += [(*_rgb("positive"), k / STEPS) for k in range(STEPS + 1)]
    return ListedColormap(rows).with_extremes(bad="none")


def _rgb(color):
    return matplotlib.colors.to_rgb(COLORS[color])


class Cells(QuadMesh):
    """A grid of shaded cells, row 0 on top, centres at whole numbers.

    ax: axes to draw into, whose limits become the grid's. values: (rows,
    columns), NaN for a cell left out. shades: a map for values from low to
    high. `get_array` returns the values.

    Matplotlib would write 150 bytes of SVG for each cell. This writes one
    path for each shade, in which a run of cells takes 10 to 15 bytes.
    """

    def __init__(self, ax, values, shades, low, high):
        rows, columns = values.shape
        edges = np.meshgrid(np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5)
        values = np.ma.masked_invalid(values)
        half = (high - low) / (shades.N - 1) / 2  # so that a shade is the nearest one
        limits = low - half, high + half
        super().__init__(np.dstack(edges), array=values, cmap=shades, clim=limits)
        ax.add_collection(self, autolim=False)
        ax.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
        for spine in ax.spines.values():
            spine.set(visible=True, color=COLORS["muted"], linewidth=0.6)

    def draw(self, renderer):
        """Draw as any renderer can, or write compact SVG."""
        if not hasattr(renderer, "writer"):
            return super().draw(renderer)
        rows, columns = self.get_array().shape
        corners = [(-0.5, -0.5), (columns - 0.5, rows - 0.5)]
        (x0, y0), (x1, y1) = self.get_transform().transform(corners)
        scale = f"{(x1 - x0) / columns:.4f} 0 0 {(y0 - y1) / rows:.4f}"
        place = f"matrix({scale} {x0:.3f} {renderer.height - y0:.3f})"
        sharp = {"class": "cells", "shape-rendering": "crispEdges"}
        renderer.writer.start("g", transform=place, attrib=sharp)
        for color, path in self._by_color().items():
            style = f"fill: {to_hex(color)}; fill-opacity: {color[3]:g}"
            renderer.writer.element("path", d=path, style=style)
        renderer.writer.end("g")

    def _by_color(self):
        """Color -> SVG path of its cells, a cell 1 by 1, all but transparent ones."""
        colors, paths = self.to_rgba(self.get_array()).tolist(), {}
        for y, row in enumerate(colors):
            ends = [k for k in range(1, len(row)) if row[k] != row[k - 1]]
            for x, end in zip([0, *ends], [*ends, len(row)]):
                run = f"M{x} {y}h{end - x}v1h{x - end}z"
                if row[x][3]:
                    paths[tuple(row[x])] = paths.get(tuple(row[x]), "") + run
        return dict(sorted(paths.items()))


# ---- labels and scales -------------------------------------------------------


def label_columns(ax, words, width, *, counted=False):
    """Write words along the x axis; where all do not fit, every so many.

    width: of the axes, in inches. counted: the words are step numbers.
    """
    pitch, upright, size = _fit(words, width)
    if counted:
        size, upright = 10, True
        longest = 0.65 * size * len(words[-1]) + 4
        every = next(k for k in (1, 2, 5, 10, 20, 50, 100, 1000) if k * pitch > longest)
        ax.set_xlabel("step", fontsize=size)
        ax.xaxis.set_label_position("top")
    else:
        every = int(np.ceil((0.6 if upright else 1.1) * size / pitch))
    if every > 1:
        ax.tick_params(axis="x", length=3)
    shown = range(every - 1 if counted else 0, len(words), every)
    ax.set_xticks(shown, [words[k] for k in shown], fontsize=size, parse_math=False,
                  rotation=0 if upright else 90)  # fmt: skip


def _fit(words, width):
    """Points for a column, whether words fit in it upright, and their size."""
    pitch, longest = 72 * width / len(words), max(map(len, words))
    if longest < 2:
        return pitch, True, 10 if pitch > 7 else 8
    size = 10 if pitch > 12 else SMALL
    return pitch, 0.65 * size * longest + 3 < pitch, size


def height_of(words, width):
    """Inches that the words take along an axis."""
    _, upright, size = _fit(words, width)
    return 0.25 if upright else 0.1 + 0.62 * size / 72 * max(map(len, words))


def draw_scales(ax, scales):
    """Keys to the shades, side by side: (map, low, high, words) each."""
    ax.axis("off")
    for k, (map_, low, high, words) in enumerate(scales):
        key = ax.inset_axes([0.36 * k, 0.45, 0.28, 0.3])
        values = np.linspace(low, high, 1 + STEPS * (1 if low == 0 else 2))
        Cells(key, values[None], map_, low, high)
        ticks = [0, len(values) - 1] if low == 0 else [0, STEPS, 2 * STEPS]
        labels = [f"{values[t]:.3g}".replace("-", "−") for t in ticks]
        key.set_xticks(ticks, labels, fontsize=SMALL)
        key.set_yticks([])
        key.tick_params(length=0)
        key.set_title(words, fontsize=SMALL, loc="left", pad=2)


# ---- text --------------------------------------------------------------------

# At 55 % opacity the page's text still stands 4.5:1 against what is behind it,
# in both themes.
_FULL = 55
_CSS = f"""
.computed-text {{margin: 1rem 0; padding: .3rem;
 color: var(--figure-ink, {COLORS["ink"]});
 background: var(--figure-paper, {COLORS["paper"]})}}
.computed-text p {{margin: .3rem 0; overflow-wrap: anywhere}}
.computed-text .marked {{white-space: pre-wrap; line-height: 1.7}}
.computed-text .characters {{font-family: ui-monospace, monospace}}
.computed-text span {{print-color-adjust: exact; -webkit-print-color-adjust: exact;
 background: color-mix(in srgb, var(--c) var(--a), transparent)}}
.computed-text .p {{--c: var(--figure-positive, {COLORS["positive"]})}}
.computed-text .n {{--c: var(--figure-negative, {COLORS["negative"]})}}
.computed-text figcaption {{color: inherit; text-align: start}}
.computed-text figcaption span {{padding: .1rem .5rem}}
"""


class Html:
    """Words or characters, each shaded by a number, for `show` or a notebook.

    marked: pairs (text, number). limit: the size of number that is shaded
    fully. separator: stands between the pairs. title: words for the scale.
    alt: the whole in words.
    """

    def __init__(self, marked, limit, separator, title, alt):
        self.marked, self.limit, self.separator = marked, limit, separator
        self.title, self.alt = title, alt

    def to_html(self, *, name=None, alt=None):
        """The text as an HTML element, the same bytes at each call.

        The numbers stand in the titles of the words, which a pointer shows,
        and once more in a list that opens.
        """
        texts = [text for text, _ in self.marked]
        spans = [self._span(text.replace("\n", "↵\n"), v) for text, v in self.marked]
        listed = [
            f"{escape(visible(t))}\N{NO-BREAK SPACE}{number(v)}" for t, v in self.marked
        ]
        low = -self.limit if any(v < 0 for _, v in self.marked) else 0
        scale = [self._span(number(v), v) for v in np.linspace(low, self.limit, 5)]
        kind = "marked characters" if all(len(t) == 1 for t in texts) else "marked"
        read = escape(self.separator.join(texts))
        label = escape(self.alt if alt is None else alt)
        own = f' id="{name}"' if name else ""
        return (
            f'<figure class="computed-text"{own} aria-label="{label}">'
            f"<style>{_CSS}</style>\n"
            f'<p class="{kind}" role="img" aria-label="{read}">'
            f"{escape(self.separator).join(spans)}</p>\n"
            f"<figcaption>{escape(self.title)} {''.join(scale)}</figcaption>\n"
            f"<details><summary>The numbers</summary><p>{' · '.join(listed)}</p>"
            f"</details></figure>"
        )

    def _span(self, text, value):
        opacity = min(abs(value) / self.limit, 1) * _FULL
        return (
            f'<span class="{"n" if value < 0 else "p"}" style="--a:{opacity:.0f}%" '
            f'title="{number(value)}">{escape(text)}</span>'
        )

    def _repr_html_(self):
        return self.to_html()

    def __repr__(self):
        return self.alt


def visible(token):
    """A word, a number or a character as a label; white space as a sign for it."""
    if isinstance(token, float | np.floating):
        return f"{token:.2g}".replace("-", "−")
    text = str(token)
    for sign, stands_for in {" ": "␣", "\n": "↵", "\t": "⇥"}.items():
        text = text.replace(sign, stands_for)
    return re.sub(r"[\x00-\x1f]", "·", text)  # what XML does not allow


def number(value):
    """Two decimals, with a minus sign that is read as one."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
