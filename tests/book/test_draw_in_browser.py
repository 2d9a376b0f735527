"""Cell diagrams in real Chromium: no label over another, at three widths."""

import asyncio
import functools
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

from lstm_lib import GRU, LSTM, RNN, cells, draw

CHROMIUM = shutil.which("chromium")
CSS = Path(__file__).parents[2] / "book" / "_ext" / "computed_figures.css"
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: run `make system-deps` as root"
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
def diagrams():
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


def test_no_label_lies_on_another_or_on_a_wire(page):
    """Nor outside the figure; in every kind, with values and without."""
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
