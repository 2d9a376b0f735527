"""Text, outputs, sizes and times: what needs no browser to be seen.

The attacks themselves are in test_sanitise_in_browser.py.
"""

import base64
import copy
import re

import nbformat
import pytest
from attacks import JPEG, PNG, RUN, display
from nbconvert.filters.highlight import Highlight2HTML
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbformat import v4

from autograder.sanitise import (
    sanitise_cell,
    sanitise_code,
    sanitise_html,
    sanitise_markdown,
    sanitise_name,
    sanitise_outputs,
    sanitise_svg,
    sanitise_text,
)

# ---- text --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text, clean",
    [
        ("a\tb\nc\rd", "a\tb\nc\rd"),
        ("a\x00\x07\x08b\x9b", "ab"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;javascript:alert(1)\x07x\x1b]8;;\x1b\\", "x"),
        ("\x1b[2J\x1b[1;1Hx\x1b[?25l", "x"),
        ("\x1b[31;<xmp>mx", "mp>mx"),  # as terminals read it
        ("abc\u202ecba\u2066", "abccba"),
        ("x\ud800", "x\ufffd"),
        (3, "int"),
    ],
)
def test_text_holds_no_control_characters(text, clean):
    assert sanitise_text(text) == clean


def test_colours_are_kept_where_they_are_wanted_and_nothing_else():
    text = "\x1b[1;31mred\x1b[0m\x1b[2K\x1b[31\x1b]0;title\x07"
    assert sanitise_text(text, colours=True) == "\x1b[1;31mred\x1b[0m[31"


def test_what_is_cut_is_said():
    assert (
        sanitise_text("x" * 30, limit=10)
        == "x" * 10 + "\n[20 characters more were cut]"
    )
    html = sanitise_html("<p>" + "x" * 1_000_100)
    assert "[103 characters more were cut]" in html and len(html) < 1_001_000


def test_a_name_is_one_line_without_signs_of_html():
    assert sanitise_name('<b>"A&B\n') == "‹b›”A＆B"
    assert len(sanitise_name("x" * 9999)) < 300


# ---- outputs -----------------------------------------------------------------


def test_only_known_types_are_kept():
    data = {
        "text/plain": "a plot", "application/javascript": RUN,
        "text/vnd.mermaid": "</pre>",
        "application/vnd.plotly.v1+json": {"data": []}, "application/json": {},
        "application/vnd.autograder.verdict+json": {"score": 9},
        "application/vnd.jupyter.widget-view+json": {}, "application/pdf": "x",
        "application/vnd.vega.v5+json": {}, "TEXT/HTML": RUN, "image/webp": "x",
    }  # fmt: skip
    (output,) = sanitise_outputs([display(data)])
    assert output.data == {"text/plain": "a plot"}
    del data["text/plain"]
    (output,) = sanitise_outputs([display(data)])
    assert output.data["text/plain"].startswith("[not shown: application/javascript, ")


def test_metadata_is_sizes_of_pictures_only():
    given = {
        "width": 30,
        "height": "1 onload=x",
        "needs_background": "light",
        "alt": "x",
    }
    metadata = {"image/png": given, "text/html": {"isolated": True}, "filenames": {}}
    (output,) = sanitise_outputs([display({"image/png": PNG}, metadata)])
    assert output.metadata == {"image/png": {"width": 30, "needs_background": "light"}}
    (output,) = sanitise_outputs([display({"image/png": PNG}, {"image/png": 3})])
    assert output.metadata == {}


@pytest.mark.parametrize(
    "kind, data, kept",
    [
        ("image/png", PNG, True),
        ("image/png", PNG[:40] + "\n" + PNG[40:], True),
        ("image/jpeg", JPEG, True),
        ("image/jpeg", PNG, False),
        ("image/png", base64.b64encode(b"<svg onload=x>").decode(), False),
        ("image/png", '"><script>', False),
        ("image/png", base64.b64encode(b"\x89PNG\r\n\x1a\n").decode(), False),
        ("image/gif", base64.b64encode(b"GIF89a\xff\xff\xff\xff;").decode(), False),
        ("image/gif", base64.b64encode(b"GIF89a\x01\0\x01\0;").decode(), True),
        ("image/svg+xml", "<svg/>", True),
        ("image/svg+xml", "<html/>", False),
    ],
)
def test_a_picture_is_what_it_says_and_of_bearable_size(kind, data, kept):
    (output,) = sanitise_outputs([display({kind: data, "text/plain": "a picture"})])
    assert (kind in output.data) == kept


BROKEN = [
    None, 3, [], {}, {"output_type": "stream"}, {"output_type": "stream", "text": 3},
    {"output_type": "error", "traceback": 3}, {"output_type": "error", "ename": {}},
    {"output_type": "display_data"}, {"output_type": "display_data", "data": []},
    {"output_type": "display_data", "data": {"text/html": [3]}},
    {"output_type": "display_data", "data": {3: "x", "image/png": {}}, "metadata": 3},
    {"output_type": "execute_result", "data": {}, "execution_count": "x"},
    {"output_type": "stream", "name": "<b>", "text": ["a", "\ud800"]},
    {"output_type": ["display_data"]}, {"output_type": "pyout", "text": "x"},
]  # fmt: skip


def test_broken_outputs_end_in_a_notebook_that_is_valid():
    outputs = sanitise_outputs(copy.deepcopy(BROKEN))
    notebook = v4.new_notebook(cells=[v4.new_code_cell("", outputs=outputs)])
    nbformat.validate(notebook)
    nbformat.writes(notebook).encode()
    assert "could not be read" in outputs[0].text


def test_floods_are_cut_with_a_note():
    stream = v4.new_output("stream", text="x" * 200_000)
    outputs = sanitise_outputs([stream] * 1_000)
    assert len(str(outputs)) < 20 * 2**20
    assert "cut" in outputs[-1].text
    outputs = sanitise_outputs([v4.new_output("stream", text="x")] * 1_000)
    assert len(outputs) == 201 and "800 outputs more were cut" in outputs[-1].text


# ---- shape, size and time ----------------------------------------------------

HARD = {
    "deep": "<div>" * 100_000,
    "closed by others": "<div><table></div></table>" * 30_000,
    "hidden in a comment": "<div><!--</div>-->" * 50_000,
    "formatting": "<p><b><i>" * 50_000,
    "links": "<a href=#>" * 90_000,
    "svg": "<svg>" * 100_000 + "</svg>" * 100_000,
    "open svg": "<svg " * 150_000,
    "styles": "<style>" * 100_000,
    "css": "<style>" + "(" * 900_000 + "</style>",
    "rules": "<style>" + "a{b:c}" * 100_000 + "</style>",
    "style attribute": "<b style='" + "(" * 9_000 + "'>",
    "tags": "<" * 900_000,
    "attributes": "<b " + "a=b " * 200_000,
}


@pytest.mark.parametrize("name", HARD)
def test_hard_html_ends_soon_and_small(name):
    """It took minutes for some of these before; then this test times out."""
    assert len(sanitise_html(HARD[name])) < 4_000_000


def test_large_honest_tables_are_shown():
    row = "<tr>" + "<td>1</td>" * 20 + "</tr>"
    assert sanitise_html(f"<table>{row * 500}</table>").count("<td>") == 10_000


@pytest.mark.parametrize(
    "part",
    [
        "\\begin{a}",
        "\\\\[",
        "\\\\(",
        "$$ ",
        "[",
        "![",
        "[a](",
        "*a_ ",
        "  - a\n",
        "> ",
        "`",
    ],
)
def test_hard_markdown_ends_soon(part):
    for size in (49_000, 300_000):
        clean = sanitise_markdown(part * (size // len(part)))
        assert len(clean) < 1_100_000


@pytest.mark.parametrize(
    "part", ["   \n", "a.", "(", "x = 1 \n", "%%html\n", "\\", "?"]
)
def test_hard_code_is_coloured_soon(part):
    """Uncut, the first takes 50 minutes."""
    code = (part * 200_000)[:200_000]
    cell = sanitise_cell(v4.new_code_cell(code))
    assert len(Highlight2HTML()(cell.source)) < 10_000_000
    fenced = sanitise_markdown(f"```python\n{code[:40_000]}\n```")
    assert len(markdown2html_mistune(fenced)) < 5_000_000


def test_code_looks_as_it_was():
    code = "def f(x):\n    \n\treturn 'ä'  \n"
    assert sanitise_code(code) == "def f(x):\n\n\treturn 'ä'  \n"
    assert sanitise_code("x" * 1_200) == "x" * 1_000 + " [200 characters more were cut]"
    shown = sanitise_markdown("```haskell\nf <a>\n```")
    assert "<pre><code>f &lt;a&gt;\n</code></pre>" in shown
    assert sanitise_markdown("```\nf <a>\n```") == "```\nf <a>\n```"


@pytest.mark.parametrize(
    "svg",
    [
        '<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
        "<svg>" + "<g>" * 500 + "</g>" * 500 + "</svg>",
        "<svg>" + "<g/>" * 60_000 + "</svg>",
        "<svg><g></svg>",
        "",
        "\0",
        "<?xml version='1.0' encoding='utf-7'?><svg/>" * 2,
    ],
)
def test_hard_drawings_are_refused(svg):
    assert sanitise_svg(svg) is None


def test_a_drawing_may_repeat_shapes_but_not_groups():
    bomb = (
        '<svg xmlns:xlink="http://www.w3.org/1999/xlink"><g id="a0"><rect id="r"/></g>'
    )
    for level in range(9):
        bomb += f'<g id="a{level + 1}">' + f'<use href="#a{level}"/>' * 10 + "</g>"
    bomb += (
        '<use xlink:href="#r"/><script><path id="a8"/></script><use href="#a8"/></svg>'
    )
    clean = sanitise_svg(bomb)
    assert re.findall('href="(.*?)"', clean.partition(">")[2]) == ["#r"]


def test_patterns_hold_no_patterns():
    part = '<pattern id="b"><rect fill="url(#a)" style="fill: url(#a)"/></pattern>'
    clean = sanitise_svg(f'<svg><rect fill="url(#b)"/>{part}</svg>')
    assert clean.count("url(") == 1


def test_ids_and_classes_meet_nothing_of_the_page():
    html = '<p id="test" class="navbar-fixed-top modal dataframe" name="x">a</p>'
    html += '<b id="h4">b</b>'  # a short class stays as it is, an id never does
    html += "<style>.modal {color: red} #test, #h4, x ~ y {color: blue}</style>"
    html += "<style>~ p {color: red} body {position: fixed} @import 'x';</style>"
    clean = sanitise_html(html)
    assert '<p id="s-test" class="s-navbar-fixed-top s-modal dataframe">' in clean
    assert '<b id="s-h4">' in clean
    name = re.search('<div id="(.*?)">', clean)[1]
    rules = re.search("(?s)<style>(.*?)</style>", clean)[1].strip().split("\n")
    assert rules == [
        f"#{name} .s-modal{{color:red}}",
        f"#{name} #s-test,#{name} #s-h4,#{name} x ~ y{{color:blue}}",
    ]
