"""Network diagrams in real Chromium: no label over another, at three widths."""

import functools
import shutil
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

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
    draw,
)

CHROMIUM = shutil.which("chromium")
CSS = Path(__file__).parents[2] / "book" / "_ext" / "computed_figures.css"
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: run `make system-deps` as root"
)


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
def diagrams():
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


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(params=[1440, 768, 390])
def page(request, browser):
    """All diagrams under each other, as the book's pages show them."""
    window = browser.new_page(viewport={"width": request.param, "height": 900})
    figures = "".join(
        f'<figure class="computed-figure">{svg}</figure>' for svg in diagrams().values()
    )
    style = f"<style>{CSS.read_text('utf-8')} body {{ margin: 20px }}</style>"
    window.set_content(f'<html data-theme="light">{style}{figures}')
    yield window
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
  for (const group of svg.querySelectorAll('g[data-node]')) {
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
  for (const group of svg.querySelectorAll('g[data-wire]')) {
    const path = group.querySelector('path'), length = path.getTotalLength();
    for (let s = 0; s <= length; s += 2) {
      const point = path.getPointAtLength(s).matrixTransform(scale);
      const dot = [point.x, point.y, point.x, point.y];
      for (const {text, box, says} of texts)
        if (overlap(box, dot)) {
          found.push(group.dataset.wire + ' runs through ' + says);
          s = length;
        }
    }
  }
  return found;
}"""


def test_no_label_lies_on_another_or_on_a_wire(page):
    """Nor outside the figure or its own node; in every kind of network."""
    figures = page.locator("figure").element_handles()
    assert len(figures) == len(diagrams())
    found = {n: figure.evaluate(FIND) for n, figure in zip(diagrams(), figures)}
    assert not {name: pairs for name, pairs in found.items() if pairs}


def test_figures_fit_and_their_text_is_large_enough(page):
    """No sideways scrolling; on a phone the smallest text has 8 pixels."""
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        """[...document.querySelectorAll('text')].map(text =>
            parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a)"""
    )
    assert min(sizes) >= 8
