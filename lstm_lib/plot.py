"""Matplotlib figures that follow the page: light and dark, phone and desk.

`figure` opens a figure in the book's style and `show` displays it as SVG with
a text alternative; see `page` for how.

`heatmaps`, `gradient_by_lag`, `losses`, `attention` and `colored_text` draw
what a model computed and how it learned. Each returns a figure to change
further or to show, `colored_text` a piece of HTML. Its attribute `alt` says
in words and numbers what it shows; `show` uses it if given no better words.
"""

import re
import textwrap
from numbers import Real

import matplotlib
import numpy as np
from matplotlib.ticker import LogFormatter

from lstm_lib.page import (
    COLORS,
    SMALL,
    STYLE,
    Cells,
    Html,
    draw_scales,
    figure,
    height_of,
    label_columns,
    number,
    shades,
    show,
    signed_shades,
    to_svg,
    visible,
)
from lstm_lib.validation import (
    ShapeError,
    as_floats,
    as_integers,
    expect_shapes,
    positive,
)

__all__ = ["COLORS", "STYLE", "figure", "show", "to_svg"]
__all__ += ["attention", "colored_text", "gradient_by_lag", "heatmaps", "losses"]

# ---- what a recurrent layer computes -----------------------------------------

# What the letters of `inspect.activations` stand for, and their colours. A
# GRU's z keeps the old state, as a forget gate does.
NAMES = {
    "i": ("input gate", "input"),
    "f": ("forget gate", "forget"),
    "o": ("output gate", "output"),
    "r": ("reset gate", "output"),
    "z": ("update gate", "forget"),
    "g": ("candidate", "candidate"),
    "n": ("new value", "candidate"),
    "c": ("cell state", "ink"),
    "h": ("hidden state", "ink"),
}

NUMBERED = 4, 12  # units and steps, at most, whose cells have room for a number


class _Panel:
    """One heatmap: values (units, steps) and how to draw them."""

    def __init__(self, name, values, units, of):
        self.name, self.values, self.units, self.of = name, values, units, of
        self.letter = re.sub(r"^.*\.|_l\d+(_reverse)?$", "", name)
        self.words, self.color = NAMES.get(self.letter, ("", "ink"))
        largest = float(np.max(abs(values), where=~np.isnan(values), initial=0))
        # Gates share a scale, what stays within 1 another, and the rest a third.
        self.kind = 0 if self.words.endswith("gate") else 1 if largest <= 1 else 2
        self.limit = max(largest, 1.0)


@matplotlib.rc_context(STYLE)
def heatmaps(activations, inputs=None, *, names=None, units=None, example=0):
    """Gates, candidate and states over one sequence, under its inputs.

    activations: a dict name -> (T, N, H), what `inspect.activations` returns;
    a step with NaN is padding, and hatched. inputs: T words or numbers, or
    only those before the padding; None counts the steps from 1. names: which
    arrays, None for all. units: which units, None for the first 12. example:
    which of the N.
    Gates are shaded from 0 to 1, each in its own colour; all else around 0,
    up to 1 or, where it goes beyond, up to the largest number. A few units
    over a few steps have their numbers written in.
    Raises ShapeError, TypeError or ValueError naming the argument.
    """
    panels = _panels(activations, names, units, example)
    padding = np.any([np.isnan(panel.values).any(axis=0) for panel in panels], axis=0)
    words = _words_of_steps(inputs, padding)
    limits = {}
    for panel in panels:
        limits[panel.kind] = max(panel.limit, limits.get(panel.kind, 0))
    sizes = [max(0.11 * len(panel.units), 0.5) for panel in panels]
    height = 0.8 + sum(sizes) + 0.07 * len(sizes) + height_of(words, 4.3)
    fig, axes = figure(len(sizes) + 1, height=height, height_ratios=[*sizes, 0.45])
    fig.get_layout_engine().set(h_pad=0.02)
    for ax, panel in zip(axes, panels):
        alone = sum(panel.letter == other.letter for other in panels) == 1
        _draw_panel(ax, panel, limits[panel.kind], alone)
        for start, end in _stretches(padding):
            ax.axvspan(start - 0.5, end - 0.5, fill=False, hatch="////", lw=0,
                       ec=COLORS["muted"])  # fmt: skip
    for start, end in _stretches(np.array([not word for word in words])):
        wide = 4.3 * 72 * (end - start) / len(words) > 45  # points
        axes[0].annotate("padding", ((start + end - 1) / 2, 1), (0, 3),
                         ("data", "axes fraction"), "offset points", ha="center",
                         va="bottom", fontsize=SMALL,
                         rotation=0 if wide else 90)  # fmt: skip
    _beside(axes[0], "unit", 1, (-4, 3), fontsize=SMALL)
    axes[0].xaxis.tick_top()
    label_columns(axes[0], words, 4.3, counted=inputs is None)
    scales = []
    for kind, limit in sorted(limits.items()):
        letters = dict.fromkeys(panel.letter for panel in panels if panel.kind == kind)
        signed = signed_shades(), -limit, limit, ", ".join(letters)
        scales.append(signed if kind else (shades("ink"), 0, 1, "gates"))
    draw_scales(axes[-1], scales)
    fig.alt = _alt_of_heatmaps(panels, len(words), int(padding.sum()))
    return fig


def _panels(activations, names, units, example):
    """What to draw, gates first; checked."""
    panels, sizes = [], {}
    for name in activations if names is None else names:
        if name not in activations:
            known = ", ".join(activations)
            raise ValueError(f"names: expected some of {known}, got {name!r}")
        array = np.asarray(activations[name], dtype=float)
        sizes = expect_shapes(sizes, **{name: (array, "T N H")})
        H = sizes.pop("H")  # layers may differ in it
        n = int(as_integers("example", example, sizes["N"]))
        rows = range(min(H, 12)) if units is None else units
        rows = as_integers("units", rows, H)
        expect_shapes(units=(rows, "K"))
        values = array[:, n, rows].T
        if np.isinf(values).any() or np.isnan(values).all():
            raise ValueError(f"{name}: expected finite numbers before the padding")
        panels.append(_Panel(name, values, rows, H))
    if not panels:
        raise ValueError("activations: expected at least one array, got none")
    return sorted(panels, key=lambda panel: panel.kind)


def _words_of_steps(inputs, padding):
    """A label for each step, empty in the padding if there is no word for it."""
    T, real = len(padding), int((~padding).sum())
    words = list(range(1, T + 1) if inputs is None else inputs)
    if len(words) not in (T, real) or any(np.ndim(word) for word in words):
        wanted = f"{T}" if real == T else f"{T}, or {real} before the padding"
        got = len(words) if np.ndim(inputs) < 2 else np.shape(inputs)
        raise ShapeError(f"inputs: expected words or numbers, {wanted}, got {got}")
    words = [visible(word) for word in words]
    if len(words) < T:
        words = iter(words)
        words = ["" if padded else next(words) for padded in padding]
    return words


def _stretches(mask):
    """Pairs (start, end) of the stretches where mask is True."""
    steps = np.diff(mask.astype(int), prepend=0, append=0)
    return zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1))


def _draw_panel(ax, panel, limit, alone):
    """alone: no other panel has its letter."""
    signed = panel.kind > 0
    map_ = signed_shades() if signed else shades(panel.color)
    Cells(ax, panel.values, map_, -limit if signed else 0, limit)
    count, color = len(panel.units), COLORS[panel.color]
    rows = range(count) if count < 5 else [0, count - 1]
    ax.set_yticks(rows, [str(panel.units[k]) for k in rows], fontsize=SMALL)
    ax.set_xticks([])
    ax.tick_params(length=0)
    if count <= NUMBERED[0] and panel.values.shape[1] <= NUMBERED[1]:
        for (row, step), value in np.ndenumerate(panel.values):
            if not np.isnan(value):
                _write_number(ax, step, row, value)
    # Two texts, as a browser's font would shift lines that one text aligns.
    _beside(ax, panel.words, 0.5, (-22, 7), color=color)
    _beside(ax, panel.letter if alone else panel.name, 0.5, (-22, -7), color=color)


def _write_number(ax, x, y, value):
    """On the page's own colour, as the shade may be dark or light."""
    box = dict(boxstyle="round,pad=0.15", fc=COLORS["ground"], lw=0)
    ax.text(x, y, number(value), ha="center", va="center", fontsize=SMALL, bbox=box)


def _beside(ax, text, height, offset, **options):
    """Text that ends left of the axes. offset: in points."""
    ax.annotate(text, (0, height), offset, "axes fraction", "offset points",
                ha="right", va="bottom" if height == 1 else "center",
                **options)  # fmt: skip


def _alt_of_heatmaps(panels, T, padded):
    steps = f"{T} steps, the last {padded} of them padding" if padded else f"{T} steps"
    says = []
    for panel in panels:
        own = panel.values[~np.isnan(panel.values)]
        low, high, mean = number(own.min()), number(own.max()), number(own.mean())
        name = f"{panel.words} {panel.name}".strip()
        says.append(f"{name} {low} to {high}, mean {mean}")
    units = f"{len(panels[0].units)} of {panels[0].of} units"
    return f"Heatmaps of {units} over {steps}: {'; '.join(says)}."


# ---- several runs ------------------------------------------------------------

LINES = [  # told apart without colour, too
    ("output", "-"),
    ("forget", "--"),
    ("input", "-."),
    ("candidate", ":"),
    ("positive", (0, (6, 1))),
    ("negative", (0, (3, 1, 1, 1, 1, 1))),
    ("ink", (0, (1, 1))),
    ("muted", (0, (6, 3))),
]
WIDTH = 17  # letters in a line of a label


@matplotlib.rc_context(STYLE)
def gradient_by_lag(runs, lags, *, floor=1e-16, ylabel="gradient norm"):
    """Gradient norm against lag on a logarithmic axis, by run.

    runs: a dict name -> list over seeds of norms (K,), or one (K,); 8 names
    at most. lags: (K,), increasing. The line is the median over seeds, the
    band goes from the least to the largest. floor: what is smaller than this
    share of the largest median is below the axis.
    Raises ShapeError, TypeError or ValueError naming the argument.
    """
    lags, curves = _increasing("lags", lags), _curves(runs)
    for name, curve in curves.items():
        if curve.shape[1] != len(lags):
            raise ShapeError(
                f"runs[{name!r}]: expected {len(lags)} norms, one for each lag, "
                f"got {curve.shape[1]}"
            )
        if curve.min() < 0:
            raise ValueError(
                f"runs[{name!r}]: expected norms from 0, got {curve.min():g}"
            )
    everything = np.concatenate(list(curves.values()))
    medians = [np.median(curve, axis=0) for curve in curves.values()]
    if not np.any(medians):
        raise ValueError("runs: expected a norm above 0, got none")
    bottom = max(np.max(medians) * floor, everything[everything > 0].min())
    fig, ax = figure(height=_height_for_labels(curves))
    ax.set(yscale="log", xlabel="lag, in steps", ylabel=ylabel,
           xlim=(lags[0], lags[-1]),
           ylim=(bottom / 2, 2 * everything.max()))  # fmt: skip
    ax.grid(True)
    _draw_runs(ax, lags, {k: np.maximum(c, 1e-300) for k, c in curves.items()})
    middle, says = len(lags) // 2, []
    for name, median in zip(curves, medians):
        at = (f"{median[k]:.2g} at lag {lags[k]:g}" for k in (0, middle, -1))
        says.append(f"{name}: {', '.join(at)}")
    fig.alt = (
        f"{ylabel[:1].upper()}{ylabel[1:]} against lag on a logarithmic axis, "
        f"median over {_seeds(curves)}. {'; '.join(says)}."
    )
    return fig


@matplotlib.rc_context(STYLE)
def losses(runs, baseline=None, *, steps=None, smooth=None, log=False, ylabel="loss"):
    """Loss curves with a band over seeds, and the baseline to beat.

    runs: a dict name -> list over seeds of losses (T,) or `training.History`,
    or one of these; 8 names at most. The line is the median over seeds, the
    band goes from the least to the largest. baseline: a number, or a dict
    from label to number. steps: (T,), for losses not taken at every step.
    smooth: average each curve over so many steps up to each; None takes what
    the width of the figure can show, and 1 with `steps`. log: a logarithmic
    axis.
    Raises ShapeError, TypeError or ValueError naming the argument.
    """
    curves = _curves(runs)
    T = max(curve.shape[1] for curve in curves.values())
    for name, curve in curves.items():
        if curve.shape[1] != T:
            raise ShapeError(
                f"runs[{name!r}]: expected {T} losses as in other runs, got "
                f"{curve.shape[1]}"
            )
    x = np.arange(1, T + 1) if steps is None else _increasing("steps", steps)
    if len(x) != T:
        raise ShapeError(f"steps: expected {T}, one for each loss, got {len(x)}")
    if smooth is None:
        smooth = max(T // 100, 1) if steps is None else 1
    smooth = min(positive("smooth", smooth), T)
    # 200 points are enough, but none is left out that no mean has counted.
    shown = np.arange(T)[:: -max(min(smooth // 2, T // 200), 1)][::-1]
    smoothed = {name: _smoothed(c, smooth)[:, shown] for name, c in curves.items()}
    levels = baseline if isinstance(baseline, dict) else {"baseline": baseline}
    levels = {} if baseline is None else levels
    for name, level in levels.items():
        if not isinstance(level, Real) or not np.isfinite(level):
            raise ValueError(f"baseline: expected a number, got {level!r} for {name!r}")
    least = min(map(np.min, [*curves.values(), *levels.values()]))
    if log and least <= 0:
        raise ValueError(f"log: expected losses above 0 for True, got {least:g}")

    label = ylabel if smooth == 1 else f"{ylabel}, mean of {smooth} steps"
    fig, ax = figure(height=_height_for_labels([*curves, *levels]))
    ax.set(xlabel="step", ylabel=label, xlim=(x[0], x[-1]))
    ax.grid(True)
    if log:
        ax.set_yscale("log")
        ax.yaxis.set_major_formatter(LogFormatter())
        ax.yaxis.set_minor_formatter(LogFormatter())
    for level in levels.values():
        ax.axhline(level, color=COLORS["ink"], lw=1, ls=(0, (4, 2)))
    _draw_runs(ax, x[shown], smoothed, levels)
    says = []
    for name, curve in smoothed.items():
        first, last = np.median(curve[:, [0, -1]], axis=0)
        says.append(f"{name}: {first:.3g} at first, {last:.3g} at the end")
    says += [f"{name}: {level:.3g} throughout" for name, level in levels.items()]
    fig.alt = (
        f"{label[:1].upper()}{label[1:]}, over {x[-1]:g} steps, median over "
        f"{_seeds(curves)}. {'; '.join(says)}."
    )
    return fig


def _curves(runs):
    """Name -> (seeds, steps), checked."""
    if not isinstance(runs, dict) or not 1 <= len(runs) <= len(LINES):
        got = len(runs) if isinstance(runs, dict) else type(runs).__name__
        raise ValueError(f"runs: expected a dict of 1..{len(LINES)} names, got {got}")
    curves = {}
    for name, run in runs.items():
        label, run = f"runs[{name!r}]", getattr(run, "losses", run)
        if not isinstance(run, list | tuple | np.ndarray):
            got = type(run).__name__
            raise TypeError(f"{label}: expected a list over seeds, got {got}")
        rows = [np.asarray(getattr(row, "losses", row), float) for row in run]
        rows = [np.array(rows)] if rows and rows[0].ndim == 0 else rows
        shapes = dict.fromkeys(row.shape for row in rows)
        if len(shapes) != 1 or rows[0].ndim != 1 or rows[0].size < 2:
            got = " and ".join(map(str, shapes)) or "none"
            raise ShapeError(
                f"{label}: expected runs of one shape (T,), T from 2, got {got}"
            )
        curves[name] = as_floats(label, np.array(rows))
    return curves


def _increasing(name, values):
    values = as_floats(name, np.asarray(values, dtype=float))
    if values.ndim != 1 or len(values) < 2 or (np.diff(values) <= 0).any():
        raise ValueError(f"{name}: expected at least 2 increasing numbers")
    return values


def _smoothed(curve, count):
    """Means over the last `count` steps, at the start over those there are."""
    total = np.cumsum(np.pad(curve, ((0, 0), (1, 0))), axis=1)
    ends = np.arange(1, curve.shape[1] + 1)
    starts = np.maximum(ends - count, 0)
    return (total[:, ends] - total[:, starts]) / (ends - starts)


def _seeds(curves):
    counts = sorted({len(curve) for curve in curves.values()})
    return f"{' or '.join(map(str, counts))} seed{'s' * (counts != [1])}"


def _draw_runs(ax, x, curves, levels=()):
    """Medians, bands, and at each end its name, instead of a legend."""
    ends = []
    for (name, curve), (color, dashes) in zip(curves.items(), LINES):
        median, color = np.median(curve, axis=0), COLORS[color]
        ax.plot(x, median, color=color, ls=dashes, lw=1.6)
        if len(curve) > 1:
            ax.fill_between(x, curve.min(axis=0), curve.max(axis=0), color=color,
                            alpha=0.15, lw=0)  # fmt: skip
        ends.append((name, color, x, median))
    ax.set_ylim(ax.get_ylim())
    for name, level in dict(levels).items():
        ends.append((name, COLORS["ink"], x, np.full(len(x), level)))
    to_axes = ax.transScale + ax.transLimits
    points = [_end_in_axes(to_axes.transform(np.c_[x, y])) for _, _, x, y in ends]
    names = [textwrap.fill(name, WIDTH) for name, *_ in ends]
    # Heights of the labels as parts of the axes', which fill 0.8 of the figure.
    line = 1.3 * SMALL / (72 * 0.8 * ax.figure.get_figheight())
    heights = np.array([line * (1 + name.count("\n")) for name in names])
    # Of those that leave at the bottom, who stays longest is labelled highest.
    wanted = np.array([y if y > 0 else 0.01 * (x - 1) for x, y in points])
    places = _spread(wanted, heights)
    for name, (_, color, *_), point, place in zip(names, ends, points, places):
        ax.annotate(name, point, (1.05, place), "axes fraction", "axes fraction",
                    color=color, fontsize=SMALL, va="center", linespacing=1.1,
                    annotation_clip=False,
                    arrowprops=dict(arrowstyle="-", color=color, lw=0.7, shrinkA=1,
                                    shrinkB=0, relpos=(0, 0.5)))  # fmt: skip


def _end_in_axes(points):
    """Where a curve ends: at its last point, or where it first leaves at the bottom."""
    outside = np.flatnonzero(points[:, 1] < 0)
    if not outside.size:
        return points[-1]
    k = outside[0]
    if k == 0:
        return points[0][0], 0.0
    (x0, y0), (x1, y1) = points[k - 1], points[k]
    return x0 + (x1 - x0) * y0 / (y0 - y1), 0.0


def _spread(wanted, heights):
    """Centres of labels in 0..1, none over another, as near as can be to wanted."""
    order = np.argsort(wanted, kind="stable")
    centres = np.cumsum(heights[order]) - heights[order] / 2
    groups = []  # [sum, count] of those that touch: pool adjacent violators
    for shift in wanted[order] - centres:
        groups.append([shift, 1])
        while len(groups) > 1 and np.divide(*groups[-2]) > np.divide(*groups[-1]):
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    shifts = np.concatenate([np.full(n, total / n) for total, n in groups])
    places = np.empty(len(wanted))
    places[order] = centres + np.clip(shifts, 0, max(1 - heights.sum(), 0))
    return places


def _height_for_labels(names):
    lines = sum(len(textwrap.wrap(name, WIDTH)) for name in names)
    return max(3.2, 1.3 * lines * SMALL / 72 / 0.8 + 0.2)


# ---- words -------------------------------------------------------------------


@matplotlib.rc_context(STYLE)
def attention(weights, source, target=None):
    """Attention weights over words: bars for one query, shades for several.

    weights: (S,), such as `WordAttention.weights[:, n]`, or with target (T, S),
    such as `EncoderDecoder.attention_weights[:, n]`. source: S words or
    numbers. target: T of them. Weights of padding must be cut off before.
    Raises ShapeError, TypeError or ValueError naming the argument.
    """
    weights = as_floats("weights", weights)
    source = [visible(word) for word in source]
    shape = (len(source),)
    if target is not None:
        target = [visible(word) for word in target]
        shape = len(target), len(source)
    if weights.shape != shape or not weights.size:
        raise ShapeError(f"weights: expected shape {shape}, got {weights.shape}")
    if weights.min() < 0 or (abs(weights.sum(axis=-1) - 1) > 1e-3).any():
        least, sums = weights.min(), np.atleast_1d(weights.sum(axis=-1))
        raise ValueError(
            f"weights: expected numbers from 0 that sum to 1 over the source, got "
            f"least {least:.3g}, sums {sums.min():.3g} to {sums.max():.3g}"
        )
    draw = _draw_weights if target is None else _draw_alignment
    return draw(weights, source, target)


def _draw_weights(weights, source, _):
    fig, ax = figure(height=2.1 + height_of(source, 4.8))
    ax.bar(range(len(source)), weights, width=0.8, color=COLORS["positive"])
    ax.set(xlim=(-0.6, len(source) - 0.4), ylim=(0, 1.2 * weights.max()),
           ylabel="attention weight")  # fmt: skip
    ax.tick_params(axis="x", length=0)
    narrow = len(source) > 13
    for k, weight in enumerate(weights):
        if weight > 0.1 * weights.max():
            ax.annotate(number(weight), (k, weight), (0, 2), "data", "offset points",
                        ha="center", va="bottom", fontsize=SMALL,
                        rotation=90 if narrow else 0)  # fmt: skip
    label_columns(ax, source, 4.8)
    order = np.argsort(-weights, kind="stable")[:5]
    says = (f"“{source[k]}” {number(weights[k])}" for k in order)
    fig.alt = (
        f"Attention weights over {len(source)} words, the largest first: "
        f"{', '.join(says)}."
    )
    return fig


def _draw_alignment(weights, source, target):
    rows = 0.24 * len(target)
    height = 0.75 + rows + height_of(source, 4.2)
    fig, (ax, scale) = figure(2, height=height, height_ratios=[rows, 0.45])
    Cells(ax, weights, shades("positive"), 0, weights.max())
    ax.set_yticks(range(len(target)), target, fontsize=10, parse_math=False)
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    label_columns(ax, source, 4.2)
    draw_scales(scale, [(shades("positive"), 0, weights.max(), "attention weight")])
    says = []
    for word, row in zip(target, weights):
        k = row.argmax()
        says.append(f"“{word}” to “{source[k]}” {number(row[k])}")
    fig.alt = f"Attention weights, the largest for each word: {', '.join(says)}."
    return fig


def colored_text(tokens, values, *, title="", limit=None, separator=None):
    """A text, each word or character shaded by a number, as HTML.

    tokens: a string, whose characters are shaded, or a list of strings.
    values: (T,), such as one unit's `activations["h_l0"][:, n, unit]`. title:
    says what the numbers are. limit: the size that is shaded fully, None for
    1 or the largest. separator: between tokens, None for a space between
    words and nothing between characters.
    Returns what `show` and a notebook display. The numbers appear under the
    pointer and in a list that opens.
    Raises ShapeError, TypeError or ValueError naming the argument.
    """
    tokens = list(tokens)
    for token in tokens:
        if not isinstance(token, str) or not token:
            raise TypeError(f"tokens: expected words or characters, got {token!r}")
    values = as_floats("values", values)
    if values.shape != (len(tokens),) or not tokens:
        raise ShapeError(
            f"values: expected shape ({len(tokens)},), one for each token, got "
            f"{values.shape}"
        )
    largest = float(abs(values).max())
    limit = max(largest, 1.0) if limit is None else limit
    if not limit > 0:
        raise ValueError(f"limit: expected a number above 0, got {limit!r}")
    if separator is None:
        separator = "" if all(len(token) == 1 for token in tokens) else " "
    low, high = tokens[values.argmin()], tokens[values.argmax()]
    alt = (
        f"{title or 'A text'}: {len(tokens)} pieces shaded from "
        f"{number(values.min())} at “{visible(low)}” to {number(values.max())} at "
        f"“{visible(high)}”."
    )
    return Html(list(zip(tokens, values.tolist())), limit, separator, title, alt)
