"""Matplotlib figures that follow the page: light and dark, phone and desk.

`figure` opens a figure in the book's style and `show` displays it as SVG with
a text alternative. Colours and fonts are CSS variables with fallbacks: inside
the book they follow the reader's theme, elsewhere they show as given here.
"""

import io
import re

import matplotlib
from matplotlib.figure import Figure

# One colour for each quantity, everywhere in the book. The light-page values
# stand at least 4.5:1 against white; book/_ext/computed_figures.css has the dark ones.
COLORS = {
    "ink": "#24292f",
    "muted": "#6a737d",
    "input": "#00734c",
    "forget": "#b54200",
    "candidate": "#a03a78",
    "output": "#0062a3",
    "paper": "#fffffe",
}
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


def show(fig, *, name, alt):
    """Display a figure as SVG with a text alternative.

    name: a short identifier, unique in the book, by which another page can
    show the same figure. alt: what the figure says, in words.
    Raises ValueError if either is empty or the name has other characters
    than a-z, 0-9 and the hyphen.
    """
    from IPython.display import display

    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise ValueError(f"name: expected letters a-z, digits, '-', got {name!r}")
    if not alt.strip():
        raise ValueError("alt: expected a sentence that says what the figure shows")
    svg = to_svg(fig, name=name, alt=alt)
    display({"image/svg+xml": svg, "text/plain": alt}, raw=True)


def to_svg(fig, *, name, alt):
    """The figure as the text of an SVG element, the same bytes at each call."""
    buffer = io.StringIO()
    with matplotlib.rc_context(STYLE):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # Several figures share a page, so every id carries the figure's name.
    svg = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"'DejaVu Sans'[^;\"]*", "var(--figure-font, sans-serif)", svg)
    for label, color in COLORS.items():
        svg = svg.replace(color, f"var(--figure-{label}, {color})")
    title = f'<title id="{name}-title">{_escape(alt)}</title>'
    head = f'<svg class="computed-figure" role="img" aria-labelledby="{name}-title"'
    return re.sub(r"<svg([^>]*)>", rf"{head}\1>\n {title}", svg, count=1)


def _escape(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
