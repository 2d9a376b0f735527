"""The pages in real Chromium: phone and desk, light and dark, no network."""

import re
from pathlib import Path

import pytest
from axe import axe_findings

ROOT = Path(__file__).parents[2]
PAGES = [f"notebooks/{path.stem}.html" for path in ROOT.glob("notebooks/*.ipynb")]
PAGES += [f"book/{path.stem}.html" for path in ROOT.glob("book/*.md")]


@pytest.fixture(scope="module")
def site(html, serve):
    """The book, served on this machine."""
    with serve(html) as address:
        yield address


@pytest.fixture(params=sorted(PAGES))
def visit(request, site, browser):
    """Open the page in a window; returns it with what it asked and said."""
    windows = []

    def open_window(width, theme):
        window = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=theme
        )
        windows.append(window)
        asked, said = [], []
        window.on("request", lambda r: asked.append(r.url))
        window.on("console", lambda m: m.type == "error" and said.append(m.text))
        window.on("pageerror", lambda e: said.append(str(e)))
        window.goto(site + request.param)
        window.wait_for_function("!window.MathJax || window.MathJax.startup.promise")
        return window, asked, said

    yield open_window
    for window in windows:
        window.close()


def luminance(color):
    """Relative luminance of a CSS rgb() color (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", color)[:3]]
    linear = [
        p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear))


def contrast(one, other):
    """Contrast ratio of two colors (WCAG 2.2)."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("width", [390, 1024, 1440])
def test_page_fits_asks_nobody_and_reports_no_error(visit, site, width):
    """No sideways scrolling, no request to another host, a silent console."""
    window, asked, said = visit(width, "light")
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    assert asked and all(url.startswith((site, "data:", "blob:")) for url in asked)
    assert said == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_figure_text_can_be_read(visit, theme):
    """Contrast of at least 4.5 to 1 against the page, in both themes."""
    window, *_ = visit(1440, theme)
    ground = window.evaluate("getComputedStyle(document.body).backgroundColor")
    fills = window.evaluate(
        "[...document.querySelectorAll('figure.computed-figure text')]"
        ".map(text => [text.textContent, getComputedStyle(text).fill])"
    )
    figures = window.locator("figure.computed-figure").count()
    assert bool(fills) == bool(figures)
    weak = [(t, f) for t, f in fills if contrast(f, ground) < 4.5]
    assert not weak, (ground, weak)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_whole_page(visit, theme):
    """Theme, prose, live cells, quizzes and figures."""
    window, _, _ = visit(1440, theme)
    assert axe_findings(window) == []
