"""What students wrote, in the real pages of nbgrader, in a real browser.

Each attack is shown twice by nbgrader's own templates in Chromium: as it is,
where it must do what it tries (so the test can fail), and sanitised, where
nothing may run, nothing may be asked of another machine and nothing may be
drawn over its neighbours. Honest outputs must look as they did.
"""

import base64
import copy
import io
import shutil
import warnings
from functools import cache
from pathlib import Path

import pytest
import sphinx
from attacks import ATTACKS, PNG, RUN, display
from nbconvert.exporters import HTMLExporter
from nbformat import v4
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.server_extensions.formgrader import handlers
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import TimeoutError, sync_playwright
from traitlets.config import Config

from autograder import sanitise
from autograder.sanitise import (
    sanitise_cell,
    sanitise_markdown,
    sanitise_name,
    sanitise_svg,
)

CHROMIUM = shutil.which("chromium")
HOST = "http://grader.test/"
STATIC = Path(handlers.static_path)
MATHJAX = Path(sphinx.__file__).parents[1] / "sphinx-mathjax-offline/static/mathjax"
SET_UP = """
window.MathJax = {
  tex: {inlineMath: [["$", "$"]], processEscapes: true},
  startup: {
    pageReady: () =>
      MathJax.startup.defaultPageReady().then(() => window.typeset = true)
  }
};
"""
TRY_EVERYTHING = """
() => {
  for (const element of document.querySelectorAll("*")) {
    if (/^https?:|^mailto:/.test(element.href || "")) continue;
    for (const kind of ["mouseover", "focus", "click"])
      element.dispatchEvent(new MouseEvent(kind, {bubbles: true}));
  }
}
"""


# ---- the pages ---------------------------------------------------------------


@cache
def exporter(page):
    """The exporter of nbgrader for feedback, or for the page to grade by hand."""
    if page == "feedback":
        converter = GenerateFeedback(coursedir=CourseDirectory())
        return HTMLExporter(config=converter.config)
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    return HTMLExporter(config=config)


def page_of(cells, page="feedback", student="ann"):
    """The page of a graded notebook, with an honest cell before and after."""
    if page == "bare":
        return "<!doctype html><body>" + cells[0].outputs[0].data["text/html"]
    before = v4.new_markdown_cell("The cell *before* is honest.")
    after = v4.new_markdown_cell("The cell *after* is honest.")
    notebook = v4.new_notebook(cells=[before, *copy.deepcopy(cells), after])
    score = {"score": 1, "max_score": 2, "late_penalty": 0, "notebook": "ps"}
    names = {"submission_id": "1", "notebook_id": "ps", "assignment_id": "ps"}
    where = {"index": 0, "total": 2, "base_url": "", "notebook_path": "ps"}
    resources = {"nbgrader": score, "student": student} | names | where
    body, _ = exporter(page).from_notebook_node(notebook, resources)
    return body


class Visitor:
    """A browser that notes what pages do.

    pages: path -> HTML, served by a host of ours. ran: path -> what that page,
    or a frame in it, asked for or did.
    """

    def __init__(self, browser):
        self.context = browser.new_context(viewport={"width": 1000, "height": 2500})
        self.page, self.pages, self.ran, self.formulas = None, {}, {}, set()

    def visit(self, path, pages, formulas, until):
        """Open one of the pages in a new tab: what an old one still does is no matter.

        formulas: the pages that MathJax is given to.
        """
        if self.page:
            self.page.close()
        self.pages, self.formulas, self.ran = pages, set(formulas), {}
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.page.add_init_script(SET_UP)
        self.page.route("**/*", self.answer)
        self.page.on("dialog", self.dialog)
        self.page.goto(HOST + path, wait_until=until)

    def dialog(self, dialog):
        self.note(self.page.main_frame, "a dialog")
        dialog.dismiss()

    def note(self, frame, what):
        """Note it under the page of ours that the frame stands in."""
        self.ran.setdefault(self.path_of(frame), []).append(what)

    def path_of(self, frame):
        """Which of our pages a frame is, or stands in."""
        while frame.parent_frame and not frame.name.startswith("page/"):
            frame = frame.parent_frame
        return frame.name or "page/"

    def answer(self, route):
        """Serve the pages and what the templates load; note everything else."""
        url = route.request.url.split("?")[0]
        path = url.removeprefix(HOST)
        static = STATIC / path.removeprefix("formgrader/static/")
        if path in self.pages:
            svg = self.pages[path].startswith("<svg")
            kind = "image/svg+xml" if svg else "text/html; charset=utf-8"
            route.fulfill(body=self.pages[path], content_type=kind)
        elif path.startswith("formgrader/static/") and static.is_file():
            route.fulfill(path=static)
        elif "/mathjax/2.7.7/" in url and self.path_of(route.request.frame) in (
            self.formulas
        ):  # MathJax 3 in the place of the CDN's 2: it draws the same, and is at hand
            name = url.split("/mathjax/2.7.7/")[1]
            name = "tex-chtml-full.js" if name == "latest.js" else name
            route.fulfill(path=MATHJAX / name)
        elif "cdnjs.cloudflare.com" in url:
            route.abort()
        elif path in KNOWN:
            route.fulfill(body="[]", content_type="application/json")
        else:
            self.note(route.request.frame, url)
            route.abort()

    def open(self, html, *, mathjax=False):
        """Open a page and touch everything on it; return what it did."""
        formulas = ["page/"] if mathjax else []
        self.visit("page/", {"page/": html}, formulas, "load")
        self.touch(self.page.main_frame)
        self.page.wait_for_timeout(20)
        return sum(self.ran.values(), [])

    def open_all(self, pages, formulas):
        """Open many pages, each in a frame of its own; return name -> what it did.

        formulas: the names of those that MathJax is given to.
        """
        pages = {f"page/{name}": html for name, html in pages.items()}
        frames = "".join(f'<iframe name="{n}" src="/{n}"></iframe>' for n in pages)
        formulas = [f"page/{name}" for name in formulas]
        self.visit("all", pages | {"all": frames}, formulas, "commit")
        self.wait_until(lambda: len(self.frames("about:blank", "")) == 0)
        for frame in self.page.main_frame.child_frames:
            self.touch(frame)
        self.page.wait_for_timeout(1_000)
        return {int(name[5:]): self.ran.get(name, []) for name in pages}

    def frames(self, *urls):
        """The frames that are at one of these addresses."""
        return [f for f in self.page.main_frame.child_frames if f.url in urls]

    def wait_until(self, ready):
        """Wait, at most half a minute, and at least until all frames are there."""
        for _ in range(300):
            self.page.wait_for_timeout(100)
            if len(self.page.main_frame.child_frames) > len(RUNS) - 1 and ready():
                return

    def touch(self, frame):
        """Click on, and move over, everything, once the page is there."""
        try:
            if not frame.url.startswith(HOST):
                return  # it left for elsewhere, which was noted
            frame.wait_for_function(
                "() => document.readyState !== 'loading'", polling=100
            )
            if self.path_of(frame) in self.formulas:
                frame.wait_for_function("() => window.typeset", polling=100)
            frame.evaluate(TRY_EVERYTHING)
        except Exception as error:
            self.note(frame, f"broken: {error}")

    def pictures(self, *selectors):
        """What is seen at each of these elements."""
        shot = self.page.screenshot(animations="disabled")
        whole = Image.open(io.BytesIO(shot)).convert("RGB")
        boxes = [self.page.locator(s).first.bounding_box() for s in selectors]
        corners = [
            (b["x"], b["y"], b["x"] + b["width"], b["y"] + b["height"]) for b in boxes
        ]
        return [whole.crop([round(corner) for corner in box]) for box in corners]


KNOWN = {"favicon.ico"} | {
    f"formgrader/api/{name}" for name in ("grades", "comments", "submission/1")
}


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: run `make system-deps` as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visitor(browser):
    return Visitor(browser)


def sanitised(cells):
    return [sanitise_cell(copy.deepcopy(cell)) for cell in cells]


# ---- attacks -----------------------------------------------------------------

RUNS = [attack for attack in ATTACKS if attack.does == "runs"]
COVERS = [attack for attack in ATTACKS if attack.does == "covers"]


FORMULAS = [n for n, attack in enumerate(RUNS) if "$" in str(attack.cells)]


@pytest.fixture(scope="module")
def as_it_is(visitor):
    """What each attack does where it is shown as it is: name -> list."""
    pages = {n: page_of(a.cells, a.page) for n, a in enumerate(RUNS)}
    return visitor.open_all(pages, FORMULAS)


@pytest.fixture(scope="module")
def when_sanitised(visitor):
    pages = {n: page_of(sanitised(a.cells), a.page) for n, a in enumerate(RUNS)}
    return visitor.open_all(pages, FORMULAS)


@pytest.mark.parametrize("n", range(len(RUNS)), ids=lambda n: RUNS[n].name)
def test_no_script_runs_and_nothing_is_loaded(as_it_is, when_sanitised, n):
    assert as_it_is[n], "the attack does nothing: it proves nothing"
    assert when_sanitised[n] == []


@pytest.mark.parametrize("page", ["feedback", "formgrade"])
def test_all_attacks_together_do_nothing(visitor, page):
    cells = [cell for attack in ATTACKS for cell in sanitised(attack.cells)]
    assert visitor.open(page_of(cells, page), mathjax=True) == []


def surroundings(visitor):
    """What is seen of the page around a student's cell: sizes and mean colours."""
    pictures = visitor.pictures("h4", "em >> text=before", "em >> text=after")
    return [(p.size, ImageStat.Stat(p).mean) for p in pictures]


def assert_as_before(now, honest):
    """Up to what a shift by a part of a pixel changes."""
    for (size, colour), (honest_size, honest_colour) in zip(now, honest, strict=True):
        assert size == pytest.approx(honest_size, abs=1)
        assert colour == pytest.approx(honest_colour, abs=4)


@pytest.fixture(scope="module")
def honest_surroundings(visitor):
    visitor.open(page_of([v4.new_markdown_cell("x")]))
    return surroundings(visitor)


@pytest.mark.parametrize("attack", COVERS, ids=lambda attack: attack.name)
def test_nothing_is_drawn_outside_of_its_place(visitor, honest_surroundings, attack):
    mathjax = "$" in str(attack.cells)
    visitor.open(page_of(attack.cells), mathjax=mathjax)
    with pytest.raises((AssertionError, TimeoutError)):
        assert_as_before(surroundings(visitor), honest_surroundings)
    visitor.open(page_of(sanitised(attack.cells)), mathjax=mathjax)
    assert_as_before(surroundings(visitor), honest_surroundings)


def test_a_students_name_runs_nothing(visitor):
    name = f"<img src=x onerror='{RUN}'>"
    assert visitor.open(page_of([], "formgrade", student=name))
    assert not visitor.open(page_of([], "formgrade", student=sanitise_name(name)))


SVG_ATTACKS = {
    "script": f"<script>{RUN}</script>",
    "handler": f'<rect width="9" height="9" onclick="{RUN}" onload="{RUN}"/>',
    "foreign object": '<foreignObject width="9" height="9"><img '
    'xmlns="http://www.w3.org/1999/xhtml" src="http://evil.test/x"/></foreignObject>',
    "image": '<image href="http://evil.test/x" width="9" height="9"/>',
    "xlink image": '<image xlink:href="http://evil.test/x" width="9" height="9"/>',
    "use": '<use href="http://evil.test/x#a"/><image href="http://evil.test/y"/>',
    "import": "<style>@import url(http://evil.test/x);</style>",
    "font": "<style>@font-face {font-family: a; src: url(http://evil.test/x)}"
    "text {font-family: a}</style><text y='9'>a</text>",
    "escaped address": '<rect width="9" height="9" '
    r'style="fill: \75 rl(http://evil.test/x#a); mask-image: url(http://evil.test/y)"/>',
    "animated link": '<a><text y="9">x</text><set attributeName="href" '
    'to="javascript:alert(1)"/></a>',
}


@pytest.mark.parametrize("name", SVG_ATTACKS)
def test_a_drawing_opened_by_itself_does_nothing(visitor, name):
    """Where a browser permits most: as a document, not as an image."""
    space = (
        'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    )
    svg = f'<svg {space} width="90" height="90">{SVG_ATTACKS[name]}</svg>'
    assert visitor.open(svg), "the attack does nothing: it proves nothing"
    assert not visitor.open(sanitise_svg(svg))


# ---- honest outputs ----------------------------------------------------------


def html_of(value):
    return v4.new_code_cell("show", outputs=[display({"text/html": value})])


def a_figure():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(4, 3))
    axes.plot([1, 3, 2], marker="o", label="<a> & $\\alpha$")
    axes.bar([0, 1], [1, 2], hatch="/", alpha=0.5)
    axes.imshow([[0, 1], [2, 3]], extent=(0, 1, 0, 1))
    axes.legend()
    return figure


def figure_as(kind):
    file = io.BytesIO()
    a_figure().savefig(file, format=kind)
    return file.getvalue()


def a_frame():
    import pandas as pd

    return pd.DataFrame({"word": ["a <b>", "c"], "p": [0.5, -1.0]}, index=["x", "y"])


def a_styled_frame():
    style = a_frame().style.set_properties(color="red", subset=["p"])
    style = style.bar(subset=["p"], color="#d65f5f").set_caption("A caption")
    style = style.set_table_styles([{"selector": "th", "props": "font-style: italic"}])
    return style.format(escape="html")._repr_html_()


def a_summary():
    import statsmodels.api as sm

    model = sm.OLS([1.0, 2.0, 4.0], sm.add_constant([1.0, 2.0, 3.0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit().summary2()._repr_html_()


def an_error():
    from IPython.core.ultratb import VerboseTB

    try:
        {}["<key>"]
    except KeyError as error:
        lines = VerboseTB(theme_name="linux").structured_traceback(
            type(error), error, error.__traceback__
        )
        return v4.new_output("error", ename="KeyError", evalue="x", traceback=lines)


MARKDOWN = """
# A heading

Some *words*, `a <b> c`, "quotes" & a [link](https://example.org/a?b=c&d=e), $x < y$.

| a | b |
|:--|--:|
| 1 | 2 |

- [x] done
- [ ] not done

> quoted

```python
def f(x):

    return x < 3  # a comment
```

$$
\\begin{aligned} a &= b \\\\ c &= \\frac{1}{2} \\end{aligned}
$$
"""

HONEST = {
    "frame": lambda: html_of(a_frame()._repr_html_()),
    "styled frame": lambda: html_of(a_styled_frame()),
    "summary": lambda: html_of(a_summary()),
    "svg": lambda: v4.new_code_cell(
        "x", outputs=[display({"image/svg+xml": figure_as("svg").decode()})]
    ),
    "svg in html": lambda: html_of(
        f'<p>a</p><svg xmlns="{sanitise._SVG}" width="90" height="50">'
        '<rect width="40" height="20" style="fill: var(--x, red)"/><text x="9" y="40">'
        "a&lt;&nbsp;b</text></svg><p>c</p>"
    ),
    "png": lambda: v4.new_code_cell(
        "x",
        outputs=[
            display(
                {"image/png": base64.b64encode(figure_as("png")).decode()},
                {"image/png": {"width": 300, "height": 200}},
            )
        ],
    ),
    "picture in html": lambda: html_of(
        f'<img src="data:image/png;base64,{PNG}" width=9>'
    ),
    "error": lambda: v4.new_code_cell("x", outputs=[an_error()]),
    "streams": lambda: v4.new_code_cell(
        "x",
        outputs=[
            v4.new_output("stream", text="a\x1b[31mred\x1b[0m <b> ü 漢字\n\ttab\n"),
            v4.new_output("stream", name="stderr", text="\x1b[1;38;5;34mwarned\x1b[0m"),
        ],
    ),
    "latex": lambda: v4.new_code_cell(
        "x",
        outputs=[display({"text/latex": r"$\displaystyle \frac{1}{2} < x \& y$"})],
    ),
    "markdown output": lambda: v4.new_code_cell(
        "x", outputs=[display({"text/markdown": "**b** $x^2$"})]
    ),
    "markdown": lambda: v4.new_markdown_cell(MARKDOWN),
    "markdown with html": lambda: v4.new_markdown_cell(
        MARKDOWN + '\n\na<br>b <span style="color: red">c</span> <sub>d</sub>'
    ),
    "attachment": lambda: v4.new_markdown_cell(
        "![a dot](attachment:a.png)", attachments={"a.png": {"image/png": PNG}}
    ),
    "details": lambda: html_of("<details open><summary>a</summary>b</details>"),
}


def cropped(picture):
    """What is not the background: a box changes margins, which may shift the rest."""
    ground = Image.new("RGB", picture.size, picture.getpixel((0, 0)))
    return picture.crop(ImageChops.difference(picture, ground).getbbox())


@pytest.mark.parametrize("name", HONEST)
def test_honest_cells_look_as_before(visitor, name):
    cell = HONEST[name]()
    mathjax = "$" in str(cell)
    where = ".output_subarea, .text_cell_render"
    pictures = []
    for shown in (cell, *sanitised([cell])):
        assert visitor.open(page_of([shown]), mathjax=mathjax) == []
        place = visitor.page.locator(where)
        middle = range(1, place.count() - 1)
        assert list(middle)
        for index in middle:
            picture = place.nth(index).screenshot()
            pictures.append(cropped(Image.open(io.BytesIO(picture)).convert("RGB")))
    half = len(pictures) // 2
    for before, after in zip(pictures[:half], pictures[half:], strict=True):
        assert_alike(before, after)


def assert_alike(before, after):
    """Equal pixels; a few pixels of height may differ where margins no longer join."""
    assert before.width == after.width
    if before.height == after.height:
        assert ImageChops.difference(before, after).getbbox() is None
    else:
        assert abs(before.height - after.height) <= 20


def test_plain_markdown_stays_as_it_was_written():
    assert sanitise_markdown(MARKDOWN) == MARKDOWN
    assert sanitise_markdown("") == ""
