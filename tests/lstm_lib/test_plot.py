"""Figures: the same bytes twice, words for each, colours of the page, true numbers."""

import io
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from lstm_lib import LSTM, page, plot
from lstm_lib.inspect import activations
from lstm_lib.training import History

SVG = "{http://www.w3.org/2000/svg}"


def draw(name="lag", alt="A line that falls < 1 & stays."):
    fig, ax = plot.figure()
    ax.plot([0, 1], [1, 0], color=plot.COLORS["forget"])
    ax.set_title("cₜ")
    return plot.to_svg(fig, name=name, alt=alt)


def svg_of(fig):
    return plot.to_svg(fig, name="name", alt=fig.alt)


def texts(fig):
    """All the text in a figure, as a reader finds it in the page."""
    root = ElementTree.fromstring(svg_of(fig))
    return ["".join(node.itertext()).strip() for node in root.iter(f"{SVG}text")]


def cells(fig):
    """Each grid of cells in the SVG as dicts (row, column) -> (color, opacity)."""
    grids = []
    for group in ElementTree.fromstring(svg_of(fig)).iter(f"{SVG}g"):
        if group.get("class") == "cells":
            grids.append({})
            right, *_, down, _, _ = re.findall(r"[-\d.]+", group.get("transform"))
            assert float(right) > 0 and float(down) > 0  # row 0 is on top
            for path in group:
                style = r"fill: var\(--figure-(\w+), #\w+\); fill-opacity: ([\d.]+)"
                color, opacity = re.fullmatch(style, path.get("style")).groups()
                for x, y, n in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path.get("d")):
                    for column in range(int(x), int(x) + int(n)):
                        assert (int(y), column) not in grids[-1]
                        grids[-1][int(y), column] = color, float(opacity)
    return grids


def assert_shades(grid, values, limit, positive="positive", negative="negative"):
    """Every cell has its value's colour and opacity; NaN has no cell."""
    assert set(grid) <= set(np.ndindex(values.shape))
    for place, value in np.ndenumerate(values):
        color, opacity = grid.get(place, ("", 0))
        assert abs(opacity - abs(np.nan_to_num(value)) / limit) <= 0.026
        assert color in ("", positive if value > 0 else negative)


def contrast(one, other):
    """Contrast ratio of two colours (WCAG 2.2)."""

    def luminance(color):
        parts = np.array(color) / 255
        low, high = parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4
        return np.dot(np.where(parts <= 0.04045, low, high), [0.2126, 0.7152, 0.0722])

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def rgb(name):
    return np.array(list(bytes.fromhex(plot.COLORS[name][1:])))


# ---- every figure ------------------------------------------------------------


def test_the_same_figure_is_the_same_text():
    """No date, no random id."""
    assert draw() == draw()


def test_the_text_alternative_is_escaped_and_linked():
    """A screen reader finds it by the figure's label."""
    svg = draw()
    assert 'role="img" aria-labelledby="lag-title"' in svg
    assert '<title id="lag-title">A line that falls &lt; 1 &amp; stays.</title>' in svg


def test_colours_follow_the_page_and_have_a_fallback():
    """A CSS variable, and the light colour where there is no page."""
    svg = draw()
    assert f"var(--figure-forget, {plot.COLORS['forget']})" in svg
    assert svg.count(plot.COLORS["forget"]) == svg.count("var(--figure-forget, ")
    assert "cₜ</text>" in svg  # text stays text


def test_ids_of_two_figures_differ():
    """Two figures may stand on one page."""
    assert 'id="lag-figure_1"' in draw()
    assert 'id="other-figure_1"' in draw(name="other")


@pytest.mark.parametrize(("name", "alt"), [("Bad name", "words"), ("name", " ")])
def test_a_figure_needs_a_name_and_words(name, alt):
    """Both are said before anything is shown."""
    with pytest.raises(ValueError, match="(name|alt): expected"):
        plot.show(plot.figure()[0], name=name, alt=alt)


def test_colours_can_be_read_on_white():
    """At least 4.5:1; and so can ink on the deepest shade behind a text."""
    for name in plot.COLORS.keys() - {"paper", "ground"}:
        assert contrast(rgb(name), [255] * 3) >= 4.5
    for name in ("positive", "negative"):
        ground = 0.55 * rgb(name) + 0.45 * 255
        assert contrast(rgb("ink"), ground) >= 4.5


FIGURES = {
    "heatmaps": lambda: plot.heatmaps({"f_l0": np.full((4, 2, 3), 0.3)}),
    "gradient_by_lag": lambda: plot.gradient_by_lag({"a": [[1, 0.1]]}, [0, 5]),
    "losses": lambda: plot.losses({"a": [[2.0, 1.0, 0.5]]}, 1.5),
    "bars": lambda: plot.attention(np.array([0.2, 0.8]), ["a", "b"]),
    "alignment": lambda: plot.attention(np.eye(2), ["a", "b"], ["c", "d"]),
}


@pytest.mark.parametrize("kind", FIGURES)
def test_a_drawn_figure_is_the_same_twice(kind):
    """From new data, and when it is shown again."""
    fig = FIGURES[kind]()
    assert svg_of(fig) == svg_of(fig) == svg_of(FIGURES[kind]())


@pytest.mark.parametrize("kind", FIGURES)
def test_every_colour_of_a_drawn_figure_follows_the_page(kind):
    """No colour is left as Matplotlib chose it, black least of all."""
    bare = re.sub(r"var\(--figure-\w+, #\w{6}\)", "", svg_of(FIGURES[kind]()))
    assert not re.findall(r"(?:fill|stroke): #\w+", bare)


def test_words_that_a_figure_has_are_used_by_show(monkeypatch):
    """And better ones take their place."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    fig = plot.attention(np.array([0.25, 0.75]), ["not", "bad"])
    plot.show(fig, name="one")
    plot.show(fig, name="two", alt="Mine.")
    assert [data["text/plain"] for data in shown] == [fig.alt, "Mine."]
    assert all(data["image/svg+xml"].startswith("<svg") for data in shown)
    assert "“bad” 0.75, “not” 0.25" in fig.alt


# ---- heatmaps ----------------------------------------------------------------


@pytest.fixture
def computed():
    """A small LSTM's activations, T 5, N 2, H 3; the first example ends at 4."""
    layer, rng = LSTM(2, 3, rng=0), np.random.default_rng(1)
    layer.parameters["W_l0"] *= 4
    layer.parameters["b_l0"][3:6] += 3  # forget gates open: c grows
    found = activations(layer, 3 * rng.normal(size=(5, 2, 2)), lengths=[4, 5])
    found["c_l0"] *= 2
    return found


def test_heatmap_cells_are_the_activations(computed):
    """Gates first, in their own colours from 0 to 1; the rest around 0."""
    fig = plot.heatmaps(computed, example=1)
    *grids, gates, signed, larger = cells(fig)
    names = ["i_l0", "f_l0", "o_l0", "g_l0", "h_l0", "c_l0"]
    colors = ["input", "forget", "output"] + 3 * ["positive"]
    limit = abs(computed["c_l0"][:, 1]).max()
    assert limit > 1 and len(grids) == 6
    for grid, name, color in zip(grids, names, colors):
        values = computed[name][:, 1].T
        assert_shades(grid, values, limit if name[0] == "c" else 1, color)
    assert_shades(gates, np.linspace([0], [1], 21, axis=1), 1, "ink")
    assert_shades(signed, np.linspace([-1], [1], 41, axis=1), 1)
    assert len(larger) == 40 and f"{limit:.3g}" in texts(fig)


def test_heatmaps_name_gates_inputs_and_units(computed):
    """Words over the columns, as they are."""
    words = ["<pad>", "&", "$x$", " ", "\n"]
    fig = plot.heatmaps(computed, words, names=["f_l0", "c_l0"], units=[2, 0])
    expected = {"forget gate", "f", "cell state", "c", "<pad>", "&", "$x$", "␣", "↵"}
    assert expected | {"unit", "2", "0"} <= set(texts(fig))
    for grid, name in zip(cells(fig), ("f_l0", "c_l0")):
        assert set(grid) <= set(np.ndindex(2, 4))  # 2 units; step 5 is padding
        assert {y for y, _ in grid} == {0, 1}, name
    low, high = computed["f_l0"][:4, 0, [0, 2]].min(), computed["f_l0"][:4, 0].max()
    assert f"forget gate f_l0 {low:.2f} to " in fig.alt and f"{high:.2f}" in fig.alt


def test_padding_is_hatched_and_empty(computed):
    """NaN gets no shade, and no word if none is left for it."""
    fig = plot.heatmaps(computed, [1.25, -2, 3, 4], names=["i_l0"])
    grid, _ = cells(fig)
    assert {x for _, x in grid} <= {0, 1, 2, 3}
    assert {"1.2", "-2", "padding"} <= set(texts(fig))
    assert "<pattern" in svg_of(fig) and "the last 1 of them padding" in fig.alt
    assert "<pattern" not in svg_of(plot.heatmaps(computed, example=1))


def test_layers_are_told_apart_and_steps_counted():
    """Two forget gates carry their whole names; long sequences, every so many."""
    gates = np.full((40, 1, 2), 0.5)
    fig = plot.heatmaps({"1.f_l0": gates, "2.f_l0": gates})
    assert {"1.f_l0", "2.f_l0", "step", "40"} <= set(texts(fig))
    assert "39" not in texts(fig)


def test_many_cells_take_few_bytes():
    """12 000 different ones stay under 200 kB, constant ones under 25 kB."""
    noise = {"f_l0": np.random.default_rng(0).random((1000, 1, 12))}
    assert len(svg_of(plot.heatmaps(noise))) < 200_000
    assert len(svg_of(plot.heatmaps({"f_l0": np.ones((1000, 1, 12))}))) < 25_000


def test_few_cells_carry_their_numbers():
    """Shade and number; more units or steps have no room for them."""
    small = {"i": np.full((5, 1, 1), 0.25), "c": np.full((5, 1, 1), -7.0)}
    written = texts(plot.heatmaps(small))
    assert written.count("0.25") == 5 and written.count("−7.00") == 5
    for shape in ((13, 1, 1), (5, 1, 5)):
        assert "0.25" not in texts(plot.heatmaps({"i": np.full(shape, 0.25)}))


def test_heatmaps_are_pixels_where_svg_is_not_wanted():
    """In a file, and in a notebook that shows the figure itself."""
    fig = plot.heatmaps({"f_l0": np.ones((4, 1, 3))})
    fig.savefig(file := io.BytesIO(), format="png")
    pixels = np.rint(255 * imread(io.BytesIO(file.getvalue()))[..., :3])
    assert (pixels == rgb("forget")).all(axis=2).mean() > 0.2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activations": {}}, "activations: expected at least one"),
        ({"activations": {"f": np.ones((4, 2))}}, "f: expected 3 axes"),
        ({"activations": {"f": np.full((2, 1, 1), np.nan)}}, "f: expected finite"),
        ({"names": ["q"]}, "names: expected some of f_l0.* got 'q'"),
        ({"units": [3]}, r"units: expected integers in 0\.\.2, got 3"),
        ({"units": []}, "units: expected "),
        ({"example": 2}, r"example: expected integers in 0\.\.1, got 2"),
        ({"inputs": ["a"]}, "inputs: expected words or numbers, 4, got 1"),
        ({"inputs": np.ones((4, 2))}, r"inputs: expected .* got \(4, 2\)"),
    ],
)
def test_heatmaps_say_what_they_cannot_draw(change, message):
    """The argument, what was expected, what came."""
    arguments = {"activations": {"f_l0": np.ones((4, 2, 3))}} | change
    with pytest.raises((ValueError, TypeError), match=message):
        plot.heatmaps(**arguments)


# ---- runs --------------------------------------------------------------------


def test_gradient_by_lag_draws_median_and_range():
    """A logarithmic axis; what is below the floor leaves the axes."""
    three = np.array([[1, 1e-2, 1e-9], [1, 1e-3, 1e-30], [1, 1e-4, 0]])
    fig = plot.gradient_by_lag({"one": np.ones(3), "three": three}, [0, 10, 50])
    ax = fig.axes[0]
    assert ax.get_yscale() == "log" and ax.get_xlim() == (0, 50)
    assert ax.lines[0].get_ydata().tolist() == [1, 1, 1]
    assert np.allclose(ax.lines[1].get_ydata(), [1, 1e-3, 1e-30])
    (band,) = ax.collections  # one seed has none
    vertices = band.get_paths()[0].vertices
    assert {1e-2, 1e-4} <= set(vertices[vertices[:, 0] == 10][:, 1])
    assert 1e-17 < ax.get_ylim()[0] < 1e-16
    assert {"one", "three"} <= set(texts(fig))  # labels, in place of a legend
    assert "three: 1 at lag 0, 0.001 at lag 10, 1e-30 at lag 50" in fig.alt


def test_labels_stand_clear_of_each_other():
    """In the order of the curves, moved no more than needed."""
    wanted, heights = np.array([0.5, 0.9, 0.5, 0.1]), np.full(4, 0.1)
    places = plot._spread(wanted, heights)
    assert places.tolist() == pytest.approx([0.45, 0.9, 0.55, 0.1])
    crowded = plot._spread(np.zeros(8), np.full(8, 0.1))
    assert crowded.tolist() == pytest.approx(np.arange(0.05, 0.8, 0.1))


def test_losses_are_averaged_over_the_steps_before():
    """The last step is always there; the label says how many were averaged."""
    values = np.random.default_rng(0).random((3, 1000)) + 0.5
    runs = {"A": [History(losses=row.tolist()) for row in values], "B": values[0]}
    fig = plot.losses(runs, {"chance": 1.25}, smooth=50)
    line = {line.get_linestyle(): line for line in fig.axes[0].lines}["-"]
    x, y = line.get_data()
    assert x[-1] == 1000 and len(x) <= 200 and (np.diff(x) == 5).all()
    means = values[:, 1000 - 50 :].mean(axis=1)
    assert y[-1] == pytest.approx(np.median(means))
    first = int(x[0])  # fewer than 50 steps so far
    assert y[0] == pytest.approx(np.median(values[:, :first].mean(axis=1)))
    assert {"A", "B", "chance", "loss, mean of 50 steps"} <= set(texts(fig))
    assert [1.25, 1.25] in [list(line.get_ydata()) for line in fig.axes[0].lines]
    assert "chance: 1.25 throughout" in fig.alt


def test_validation_losses_stand_at_their_steps():
    """Nothing is averaged; a logarithmic axis on request."""
    run = [2.0, 1.0, 0.5]
    ax = plot.losses({"A": run}, steps=[100, 200, 300], log=True).axes[0]
    assert ax.lines[0].get_xdata().tolist() == [100, 200, 300]
    assert ax.lines[0].get_ydata() == pytest.approx(run)
    assert ax.get_yscale() == "log" and ax.get_ylabel() == "loss"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plot.losses({}), r"runs: expected a dict of 1\.\.8 names, got 0"),
        (lambda: plot.losses([1.0]), "runs: expected a dict .* got list"),
        (lambda: plot.losses({"a": 1.0}), r"runs\['a'\]: expected a list .* float"),
        (lambda: plot.losses({"a": []}), r"runs\['a'\]: expected runs .* got none"),
        (
            lambda: plot.losses({"a": [[1.0, 2.0], [1.0]]}),
            r"runs\['a'\]: expected .* got \(2,\) and \(1,\)",
        ),
        (lambda: plot.losses({"a": [1, 2], "b": [1, 2, 3]}), r"'a'\]: expected 3"),
        (lambda: plot.losses({"a": [1, np.nan]}), r"'a'\]: expected finite"),
        (lambda: plot.losses({"a": [1, 2]}, "x"), "baseline: expected a number"),
        (lambda: plot.losses({"a": [1, 2]}, steps=[3]), "steps: expected at least 2"),
        (lambda: plot.losses({"a": [1, 2]}, steps=[3, 4, 5]), "steps: expected 2"),
        (lambda: plot.losses({"a": [1, 2]}, smooth=0), "smooth: expected a positive"),
        (lambda: plot.losses({"a": [0, 2]}, log=True), "log: expected losses above 0"),
        (lambda: plot.gradient_by_lag({"a": [1, 2]}, [0, 1, 2]), "expected 3 norms"),
        (lambda: plot.gradient_by_lag({"a": [1, 2]}, [1, 0]), "lags: expected .* incr"),
        (lambda: plot.gradient_by_lag({"a": [1, -2]}, [0, 1]), "norms from 0, got -2"),
        (lambda: plot.gradient_by_lag({"a": [0, 0]}, [0, 1]), "a norm above 0"),
    ],
)
def test_runs_that_cannot_be_drawn(call, message):
    """The argument, what was expected, what came."""
    with pytest.raises((ValueError, TypeError), match=message):
        call()


# ---- words -------------------------------------------------------------------


def test_attention_of_one_query_is_bars():
    """One for each word, the large ones with their numbers."""
    weights = np.array([0.03, 0.9, 0.07], dtype="float32")
    fig = plot.attention(weights, ["not", "good", "<eos>"])
    heights = [bar.get_height() for bar in fig.axes[0].patches]
    assert heights == pytest.approx(weights.tolist())
    assert {"not", "good", "<eos>", "0.90"} <= set(texts(fig))
    assert "0.03" not in texts(fig)


def test_attention_of_several_queries_is_an_alignment():
    """Targets down, sources across, shaded up to the largest weight."""
    weights = np.array([[0.5, 0.5, 0], [0.1, 0.2, 0.7]])
    fig = plot.attention(weights, ["the", "red", "cat"], ["miru", "rusa"])
    grid, scale = cells(fig)
    assert_shades(grid, weights, 0.7)
    assert len(scale) == 20
    assert {"the", "red", "cat", "miru", "rusa", "0.7"} <= set(texts(fig))
    assert "“rusa” to “cat” 0.70" in fig.alt


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(3) / 3, r"weights: expected shape \(2,\), got \(3,\)"),
        (np.array([0.5, 0.4]), "sum to 1 over the source, got least 0.4, sums 0.9"),
        (np.array([1.5, -0.5]), "weights: expected numbers from 0"),
        (np.array([1, 0]), "weights: expected float32 or float64"),
    ],
)
def test_weights_that_are_none(weights, message):
    """Logits, weights with padding, weights of another sentence."""
    with pytest.raises((ValueError, TypeError), match=message):
        plot.attention(weights, ["a", "b"])


class Spans(HTMLParser):
    """(attributes, text) of each element span, and all ids and labels."""

    def __init__(self, html):
        super().__init__()
        self.spans, self.labels, self.text, self.open = [], [], "", False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        """Keep spans and what they say of themselves."""
        self.open = tag == "span"
        self.labels.append(dict(attributes).get("aria-label"))
        if self.open:
            self.spans.append([dict(attributes), ""])

    def handle_endtag(self, tag):
        """What follows is outside."""
        self.open = False

    def handle_data(self, data):
        """Text belongs to the open span, and to the whole."""
        self.text += data
        if self.open:
            self.spans[-1][1] += data


def test_coloured_text_is_shaded_by_its_numbers():
    """As shade, in the title and in the list; nothing in it is markup."""
    text, values = '<b>&"\n ', np.array([-2.0, -1, 0, 0.5, 1, 1.5, 2])
    html = plot.colored_text(text, values, title="cell <3>")
    found = Spans(html.to_html())
    spans, scale = found.spans[:7], found.spans[7:]
    assert [span[1] for span in spans] == [*text[:-2], "↵\n", " "]
    assert [s[0]["title"] for s in spans[:4]] == ["−2.00", "−1.00", "0.00", "0.50"]
    shades = [int(s[0]["style"][4:-1]) for s in spans]
    assert shades == pytest.approx(abs(values) / 2 * 55, abs=0.51)
    assert [s[0]["class"] for s in spans] == list("nnppppp")
    assert [s[1] for s in scale] == ["−2.00", "−1.00", "0.00", "1.00", "2.00"]
    numbers = '<\xa0−2.00 · b\xa0−1.00 · >\xa00.00 · &\xa00.50 · "\xa01.00 · ↵\xa01.50'
    assert f"{numbers} · ␣\xa02.00" in found.text and "cell <3>" in found.text
    assert text in found.labels and html.alt in found.labels
    assert html._repr_html_() == html.to_html() == html.to_html(alt=html.alt)


def test_words_are_parted_and_a_gate_has_one_side():
    """Spaces between words; the scale of a gate begins at 0."""
    html = plot.colored_text(["a", "cat"], np.array([0.25, 0.5]), limit=0.5)
    found = Spans(html.to_html())
    assert found.labels.count("a cat") == 1 and "</span> <span" in html.to_html()
    assert [s[0]["style"] for s in found.spans[:2]] == ["--a:28%", "--a:55%"]
    assert [s[1] for s in found.spans[2:]] == ["0.00", "0.12", "0.25", "0.38", "0.50"]


def test_coloured_text_is_shown_with_its_name(monkeypatch):
    """As HTML, with its words for who does not see it."""
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    plot.show(plot.colored_text("ab", np.array([0.1, 0.9])), name="unit-3")
    (data,) = shown
    assert data["text/html"].startswith('<figure class="computed-text" id="unit-3"')
    assert data["text/plain"] == (
        "A text: 2 pieces shaded from 0.10 at “a” to 0.90 at “b”."
    )
    assert all(f"var(--figure-{c}, " in data["text/html"] for c in ("ink", "positive"))


@pytest.mark.parametrize(
    ("tokens", "options", "message"),
    [
        ("abc", {}, r"values: expected shape \(3,\), one for each token, got \(2,\)"),
        ([1, 2], {}, "tokens: expected words or characters, got 1"),
        (["a", ""], {}, "tokens: expected words or characters, got ''"),
        ("ab", {"limit": 0}, "limit: expected a number above 0, got 0"),
    ],
)
def test_text_that_cannot_be_coloured(tokens, options, message):
    """The argument, what was expected, what came."""
    with pytest.raises((ValueError, TypeError), match=message):
        plot.colored_text(tokens, np.ones(2), **options)


def test_signs_stand_for_white_space_and_control_characters():
    """A label is never empty, and never breaks the SVG."""
    assert page.visible(" \t\n") == "␣⇥↵" and page.visible("a\x0cb") == "a·b"
    assert page.visible(np.float32(-0.123)) == "−0.12" and page.visible(7) == "7"
    assert page.number(-0.001) == "0.00" and page.number(-1.5) == "−1.50"
