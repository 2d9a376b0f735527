"""Figures: the same bytes twice, words for each, colours of the page."""

import pytest

from lstm_lib import plot


def draw(name="lag", alt="A line that falls < 1 & stays."):
    fig, ax = plot.figure()
    ax.plot([0, 1], [1, 0], color=plot.COLORS["forget"])
    ax.set_title("cₜ")
    return plot.to_svg(fig, name=name, alt=alt)


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
