"""Diagrams in real Chromium: no label over another, at three widths."""

import asyncio
import functools
import struct

import numpy as np
import pytest

from lstm_lib import (
    GRU,
    LSTM,
    RNN,
    Attention,
    Dense,
    Embedding,
    EncoderDecoder,
    LastStep,
    MeanOverTime,
    Sequential,
    WordAttention,
    cells,
    draw,
)

CELLS = {
    "rnn": RNN(3, 4, nonlinearity="relu", rng=0),
    "lstm": LSTM(3, 4, rng=0),
    "peephole": LSTM(3, 4, peephole=True, rng=0),
    "coupled": LSTM(3, 4, coupled=True, peephole=True, rng=0),
    "no-input": LSTM(3, 4, gates="fo", peephole=True, rng=0),
    "no-forget": LSTM(3, 4, gates="io", peephole=True, rng=0),
    "no-output": LSTM(3, 4, gates="if", peephole=True, rng=0),
    "no-gates": LSTM(3, 4, gates="", rng=0),
    "gru-after": GRU(3, 4, rng=0),
    "gru-before": GRU(3, 4, reset_after=False, rng=0),
    "minlstm": cells.minlstm_step,
    "mingru": cells.mingru_step,
}


def with_values(what):
    """The cell with long negative numbers: the widest labels there are."""
    x, old = np.full((2, 3), -0.0123), np.full((2, 4), -0.0234)
    if what is cells.minlstm_step or what is cells.mingru_step:
        blocks = 3 if what is cells.minlstm_step else 2
        parameters = np.full((3, 4 * blocks), 0.1), np.full(4 * blocks, -0.01)
        return draw.cell(what, x, old, parameters=parameters)
    for key, array in what.parameters.items():
        array[...] = -0.0456 if key[0] in "bp" else 0.01
    state = (old, old) if isinstance(what, LSTM) else old
    return draw.cell(what, x, state, unit=3, example=1)


@functools.cache
def cell_diagrams():
    """Name -> SVG: every kind with values and without, and comparisons."""
    lstm, found = CELLS["lstm"], {}
    for name, what in CELLS.items():
        found[name] = draw.cell(what)
        found[f"{name}-values"] = with_values(what)
    for name in ("peephole", "coupled", "no-forget", "no-output", "minlstm"):
        found[f"lstm-to-{name}"] = draw.compare(lstm, CELLS[name])
    found["gru-to-gru"] = draw.compare(CELLS["gru-before"], CELLS["gru-after"])
    found["gru-to-mingru"] = draw.compare(CELLS["gru-after"], CELLS["mingru"])
    for stage in (1, 2, 3):
        found[f"stage-{stage}"] = draw.cell(lstm, stage=stage)
    return {name: diagram.svg(name) for name, diagram in found.items()}


def pair(kind=LSTM, bidirectional=False, attention=True, levels=1):
    """An encoder-decoder."""
    H = 8 if bidirectional else 4
    options = {"num_layers": levels, "rng": 1}
    return EncoderDecoder(
        Embedding(20, 5, rng=0),
        kind(5, 4, bidirectional=bidirectional, **options),
        Embedding(30, 6, rng=2),
        kind(6, H, **options),
        Dense(H * (1 + attention), 30, rng=4),
        Attention(H, H, rng=5) if attention else None,
    )


def text_model(kind=LSTM, *end, **options):
    """Symbols, one recurrent layer, and what comes after it."""
    return Sequential(Embedding(20, 5, rng=0), kind(5, 4, rng=1, **options), *end)


@functools.cache
def network_diagrams():
    """Name -> SVG: every kind of network, with and without numbers."""
    rng, unroll, found = np.random.default_rng(0), draw.unroll, {}
    both = {"bidirectional": True}
    numbers, tokens = rng.normal(size=(30, 1, 3)), rng.integers(0, 20, (30, 1))
    words = "extraordinarily", "a", "b_c*", "of", "interdisciplinarity", "g", "h"
    for kind in RNN, LSTM, GRU:
        name, layer = kind.__name__.lower(), kind(3, 4, rng=0)
        found[name] = unroll(layer)
        found[f"{name}-one"] = unroll(layer, numbers[:1], show="values")
        found[f"{name}-first"] = unroll(Sequential(layer, Dense(4, 2)), inputs="first")
        found[f"{name}-gradients"] = unroll(layer, numbers, show="gradients")
        found[f"{name}-words"] = unroll(text_model(kind), words=words)
        found[f"{name}-both"] = unroll(
            text_model(kind, WordAttention(8), num_layers=2, **both),
            tokens[:9],
            show="values",
        )
        for end in LastStep(True), MeanOverTime():
            model = text_model(kind, end, Dense(8, 1), **both)
            label = type(end).__name__.lower()
            found[f"{name}-{label}"] = unroll(model, steps=9, lengths=[6])
            found[f"{name}-{label}-values"] = unroll(model, tokens, show="values")
        sizes = tokens[:6], tokens[:7]
        found[f"{name}-pair-gradients"] = unroll(pair(kind), sizes, show="gradients")
        for attention in (False, True):
            plain, mixed = (pair(kind, b, attention, 2) for b in (False, True))
            label = f"{name}-pair{'-attention' * attention}"
            found[label] = unroll(plain, steps=(4, 12))
            found[f"{label}-both"] = unroll(mixed, steps=3)
            found[f"{label}-values"] = unroll(plain, sizes, show="values")
            found[f"{label}-both-values"] = unroll(mixed, sizes, show="values")
        stack = text_model(kind, LSTM(4, 4, rng=0), LastStep(), Dense(4, 1))
        found[f"{name}-stack"] = unroll(stack, tokens, show="gradients")
    for k, (D, H) in enumerate([(1, 1), (3, 2), (3, 3), (128, 256)]):
        for kind in LSTM, GRU:
            found[f"network-{k}-{kind.__name__.lower()}"] = draw.network(kind, D, H)
    found["network-dense"] = draw.network(beside=Dense)
    found["network-x-alone"] = draw.network(sees_h=False)
    x, h = ("x", (5, 3, 4), "TND"), ("h", (3, 100), ("N", "H"))
    x = ("x", (5, 3, 4), ("T", "N", "D"))
    W, b = ("W_xh", (4, 400), ("D", "4H")), ("b", (400,), ("4H",))
    loss = ("loss", (), ())
    found["tensors"] = draw.tensors(x, "@", W, "+", b, "→", h, "+", h, h, loss)
    return {name: diagram.svg(name) for name, diagram in found.items()}


@pytest.fixture(params=[1440, 768, 390])
def width(request):
    """A desk, a tablet and a phone."""
    return request.param


@pytest.fixture(params=[cell_diagrams, network_diagrams])
def drawn(request, browser, width, root):
    """The page, all diagrams under each other as in the book, and their names."""
    diagrams = request.param()
    window = browser.new_page(viewport={"width": width, "height": 900})
    css = (root / "book" / "_ext" / "computed_figures.css").read_text("utf-8")
    figures = "".join(
        f'<figure class="computed-figure">{svg}</figure>' for svg in diagrams.values()
    )
    style = f"<style>{css} body {{ margin: 20px }}</style>"
    window.set_content(f'<html data-theme="light">{style}{figures}')
    yield window, list(diagrams)
    window.close()


# Boxes of the glyphs themselves, a little less than the line they stand on.
FIND = """figure => {
  const shrink = ({left, top, right, bottom, height}) =>
    [left + 0.5, top + height / 5, right - 0.5, bottom - height / 5];
  const overlap = (a, b) =>
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
  const svg = figure.querySelector('svg'), found = [];
  const name = text => text.closest('g').dataset.wire || text.closest('g').dataset.node;
  const texts = [...svg.querySelectorAll('text')].map(text => ({
    text, box: shrink(text.getBoundingClientRect()),
    says: name(text) + ': ' + text.textContent,
  }));
  const whole = svg.getBoundingClientRect();
  texts.forEach((one, k) => {
    const [left, top, right, bottom] = one.box;
    if (left < whole.left || top < whole.top || right > whole.right
        || bottom > whole.bottom) found.push('outside: ' + one.says);
    for (const other of texts.slice(k + 1))
      if (overlap(one.box, other.box)) found.push(one.says + ' | ' + other.says);
  });
  for (const group of svg.querySelectorAll('g[data-node]:not([data-node=cell])')) {
    const box = group.querySelector('rect, circle');
    if (!box) continue;
    const {left, top, right, bottom} = box.getBoundingClientRect();
    for (const {text, box, says} of texts)
      if (text.closest('g') !== group && overlap(box, [left, top, right, bottom]))
        found.push('node ' + group.dataset.node + ' meets ' + says);
      else if (text.closest('g') === group && overlap(box, [left, top, right, bottom])
               && (box[0] < left || box[2] > right))
        found.push('wider than its node: ' + says);
  }
  const scale = svg.getScreenCTM();
  for (const group of svg.querySelectorAll('g[data-wire]:not([data-status=removed])')) {
    const path = group.querySelector('path'), length = path.getTotalLength();
    for (let s = 0; s <= length; s += 2) {
      const point = path.getPointAtLength(s).matrixTransform(scale);
      const dot = [point.x, point.y, point.x, point.y];
      for (const {text, box, says} of texts)
        if (!text.closest('[data-status=removed]') && overlap(box, dot)) {
          found.push(group.dataset.wire + ' runs through ' + says);
          s = length;
        }
    }
  }
  return found;
}"""


def test_no_label_lies_on_another_or_on_a_wire(drawn):
    """Nor on a node, nor outside the figure; with numbers and without."""
    page, names = drawn
    figures = page.locator("figure").element_handles()
    assert len(figures) == len(names)
    found = {n: figure.evaluate(FIND) for n, figure in zip(names, figures)}
    assert not {name: pairs for name, pairs in found.items() if pairs}


def test_figures_fit_and_their_text_is_large_enough(drawn, width):
    """No sideways scrolling; on a phone the smallest text has 8 pixels."""
    page, _ = drawn
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        """[...document.querySelectorAll('text')].map(text =>
            parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
    )
    assert min(sizes) >= 8


def test_png_is_the_drawing_at_four_pixels_a_unit(browser, tmp_path):
    """Not blank; and made where an event loop runs already, as in Jupyter."""
    assert asyncio.get_running_loop()  # Playwright's, for the fixture
    diagram = draw.cell(CELLS["lstm"])
    diagram.save(tmp_path / "x.png")
    data = (tmp_path / "x.png").read_bytes()
    assert data.startswith(b"\x89PNG") and len(data) > 20_000
    size = struct.unpack(">II", data[16:24])
    assert size == (4 * diagram.json()["width"], 4 * diagram.json()["height"])
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]
