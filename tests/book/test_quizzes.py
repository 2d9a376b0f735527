"""Quizzes and progress on a small book of their own, and the chapters' questions."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import nbformat
import pytest
from axe import axe_findings
from playwright.sync_api import expect

from lstm_lib import draw, lstm_step

ROOT = Path(__file__).parents[2]
CHAPTERS = sorted(path.stem for path in ROOT.glob("notebooks/*.ipynb"))
CONF = """
extensions = ["myst_nb", "sphinx_design", "computed_figures", "quizzes"]
extensions += ["sphinx-mathjax-offline", "sphinx_book_theme"]
myst_enable_extensions = ["colon_fence", "dollarmath", "tasklist"]
html_theme = "sphinx_book_theme"
html_favicon = "favicon.svg"
html_context = {"default_mode": "auto"}
nb_execution_mode = "off"
exclude_patterns = ["_build"]
"""


def quiz(name, question, kind, *answers, title="Question"):
    """The text of a quiz."""
    head = [f"::::{{admonition}} {title}", ":class: quiz", f":name: {name}", ""]
    fold = ["", f":::{{dropdown}} {kind}", *answers, ":::", "::::", ""]
    return "\n".join([*head, question, *fold])


CHAPTER = {
    "half-open": quiz(
        "half-open",
        "A gate of $\\sigma(0)$ meets a memory of $-2$. What is *left* of it in `c`?",
        "One of these",
        "- [ ] $0$ → Only a gate of 0 lets *nothing* pass.",
        "- [x] $-1$ → A gate multiplies: $0.5 \\cdot (-2) = -1$.",
        "- [ ] `(1 - f) * c`, which is",
        "  long → A gate of 1",
        '  [keeps](#sec-soft "forget-gate-reversed") it.',
    ),
    "which-read": quiz(
        "which-read",
        "Which of these read $h_{t-1}$?",
        "Any of these",
        "- [x] the input gate → It does.",
        "- [x] the candidate $g$ → It reads $h$ too.",
        "- [ ] the memory → It meets gates only.",
    ),
    "half-life": quiz(
        "half-life",
        "The forget bias is 3. After how many steps is half of the memory left?",
        "A number",
        "- [x] 14.3 ± 0.1 → $\\log 0.5 / \\log\\sigma(3)$.",
        "- [ ] 2.2 → That is bias 1.",
        "- [ ] −5 → Can it be negative?",
        "- [ ] anything else → Solve $f^k = 0.5$.",
    ),
    "relative": quiz(
        "relative",
        "How many parameters has this layer, roughly?",
        "A number",
        "- [x] 8,320 ± 1 % → Four times 2,080.",
        "- [ ] anything else → Count one block first.",
    ),
    "in-order": quiz(
        "in-order",
        "In which order do these lines run?",
        "In this order",
        "1. `z = x @ W` → It needs `x`.",
        "2. `c = f * c + z` → It needs `z`.",
        "3. `h = tanh(c)` → It needs the *new* $c$.",
    ),
    "kept-wire": quiz(
        "kept-wire",
        "Which wire carries what is left of the old memory?",
        "A wire of small-cell",
        "- [x] kept → $f \\odot c_{t-1}$, yes.",
        "- [ ] c-previous → That is *before* the gate.",
        "- [ ] anything else → Follow the line on top.",
    ),
    "signed-box": quiz(
        "signed-box",
        "Which box can give a negative number?",
        "A node of small-cell",
        "- [x] candidate → Its $\\tanh$ has both signs.",
        "- [ ] anything else → Which function has both signs?",
    ),
}
ELSEWHERE = quiz(
    "elsewhere",
    "Which wire is $h_t$?",
    "A wire of small-cell in notebooks/04_chapter.ipynb",
    "- [x] h → Yes.",
    "- [ ] anything else → Look at the output gate.",
)


def notebook(*cells):
    """The text of a notebook: Markdown cells, and a figure where a cell is SVG."""
    made = []
    for cell in cells:
        if cell.startswith("<svg"):
            data = {"image/svg+xml": cell}
            output = nbformat.v4.new_output("display_data", data=data)
            hidden = {"tags": ["remove-input"]}
            cell = nbformat.v4.new_code_cell("draw", outputs=[output], metadata=hidden)
            made.append(cell)
        else:
            made.append(nbformat.v4.new_markdown_cell(cell))
    return nbformat.writes(nbformat.v4.new_notebook(cells=made))


def small_book():
    """Path -> text: a chapter of every kind, one without a quiz, and other pages."""
    figure = draw.cell(lstm_step).svg("small-cell")
    intro = "# 4. A chapter\n\n(sec-soft)=\n## Soft gates\n\nText with $x$."
    toc = "notebooks/04_chapter\nnotebooks/05_plain\nother\nelsewhere"
    return {
        "index.md": f"# Home\n\n```{{toctree}}\n{toc}\n```\n",
        "notebooks/04_chapter.ipynb": notebook(intro, figure, *CHAPTER.values()),
        "notebooks/05_plain.md": "# 5. A chapter without\n\nText.\n",
        "other.md": "# Other\n\n:::{admonition} Note\n:class: note\nPlain.\n:::\n",
        "elsewhere.md": f"# Elsewhere\n\n{ELSEWHERE}",
    }


def build(root, source, pages):
    """Write the pages and build them; returns the Sphinx run."""
    path = f"import sys; sys.path.insert(0, {str(root / 'book' / '_ext')!r})\n"
    for name, text in {"conf.py": path + CONF, **pages}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, "utf-8")
    shutil.copy(root / "book" / "favicon.svg", source)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    command += ["-b", "html", source, source / "_build" / "html"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(root, tmp_path_factory, serve):
    """The small book, served on this machine: its address and its folder."""
    source = tmp_path_factory.mktemp("quizzes")
    done = build(root, source, small_book())
    assert done.returncode == 0, done.stderr
    with serve(source / "_build" / "html") as address:
        yield address, source / "_build" / "html"


@pytest.fixture
def visit(site, browser):
    """Open a page; at the end nothing was said, or asked of another host."""
    contexts, asked, said = [], [], []

    def open_page(path="notebooks/04_chapter.html", context=None, script="", **options):
        if context is None:
            size = {"width": options.pop("width", 1280), "height": 900}
            context = browser.new_context(viewport=size, **options)
            context.add_init_script(script)
            contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda m: m.type in ("error", "warning") and said.append(m.text)
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(site[0] + path)
        if options.get("java_script_enabled", True):
            page.evaluate("window.MathJax?.startup?.promise")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert all(url.startswith((site[0], "data:", "blob:")) for url in asked)
    assert said == []


# ---- answers, by keyboard alone ----------------------------------------------


def reach(page, selector, key="Tab"):
    """Press Tab until the element is focused; its focus is visible."""
    for _ in range(120):
        page.keyboard.press(key)
        if page.evaluate("what => document.activeElement.matches(what)", selector):
            style = page.evaluate("({...getComputedStyle(document.activeElement)})")
            assert style["outlineStyle"] == "solid"
            assert float(style["outlineWidth"].removesuffix("px")) >= 2
            return
    raise AssertionError(f"{key} never reached {selector}")


def words(part):
    """Its text on one line."""
    return " ".join(part.inner_text().split())


def said(page, name):
    """What the quiz shows: its verdict, and the explanations beside the answers."""
    root = page.locator(f"#{name}")
    shown = [words(part) for part in root.locator(".quiz-feedback:visible").all()]
    verdict = root.locator(".quiz-verdict")
    heard = verdict.text_content()
    assert verdict.get_attribute("role") == "status"
    for feedback in root.locator(".quiz-feedback:visible").all():
        assert feedback.text_content().strip() in heard  # and announced
    return verdict.evaluate("p => p.firstChild?.data ?? ''").strip(), shown


def is_passed(page, name):
    """Whether the quiz says so."""
    return "answered" in page.locator(f"#{name} .quiz-passed").inner_text()


def expect_wrong(page, name, *explanations, verdict="Not yet."):
    """These explanations and no others; still open."""
    text, shown = said(page, name)
    assert text.startswith(verdict)
    assert len(shown) == len(explanations)
    for part, whole in zip(explanations, shown):
        assert part in whole
    assert not is_passed(page, name)


def expect_right(page, name, *explanations):
    """The right one's explanation, and the mark that stays."""
    text, shown = said(page, name)
    assert text == "Right."
    assert len(shown) == len(explanations)
    for part, whole in zip(explanations, shown):
        assert part in whole
    assert is_passed(page, name)


def test_one_of_these(visit):
    """Wrong, wrong again, and right."""
    page = visit()
    press = page.keyboard.press
    first = page.locator("#half-open input").first
    expect(first).to_have_accessible_description("")  # nothing is heard too early
    reach(page, "#half-open input")
    press("Enter")
    assert said(page, "half-open") == ("Choose an answer first.", [])
    press("Space")
    press("Enter")
    expect_wrong(page, "half-open", "No. Only a gate of 0 lets nothing pass.")
    expect(first).to_have_accessible_description(re.compile("Only a gate of 0"))
    other = page.locator("#half-open input").nth(1)
    expect(other).to_have_accessible_description("")
    press("ArrowUp")  # round to the last
    press("Enter")
    expect_wrong(page, "half-open", "No. A gate of 1 keeps it.")
    press("Enter")
    expect_wrong(page, "half-open", "No. A gate of 1 keeps it.")
    press("ArrowUp")
    press("Enter")
    expect_right(page, "half-open", "Right. A gate multiplies:")
    press("ArrowUp")
    press("Enter")
    assert said(page, "half-open")[0].startswith("Not yet.")
    assert is_passed(page, "half-open")  # a later trial takes nothing away


def test_any_of_these(visit):
    """A wrong one, a missing one, all."""
    page = visit()
    press = page.keyboard.press
    reach(page, "#which-read li:nth-child(3) input")
    press("Space")
    press("Enter")
    wrong = "No. It meets gates only."
    expect_wrong(page, "which-read", wrong, verdict="Not yet. 2 more to find.")
    press("Space")
    reach(page, "#which-read li:nth-child(2) input", "Shift+Tab")
    press("Space")
    press("Enter")
    partly = "Right. It reads"
    expect_wrong(page, "which-read", partly, verdict="Not yet. 1 more to find.")
    reach(page, "#which-read li:nth-child(1) input", "Shift+Tab")
    press("Space")
    press("Enter")
    expect_right(page, "which-read", "Right. It does.", "Right. It reads")


def type_number(page, name, text):
    """In place of what the field holds."""
    page.locator(f"#{name} input").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def test_a_number(visit):
    """Within an absolute tolerance, as people write numbers."""
    page = visit()
    task = page.locator("#half-life .quiz-task")
    expect(task).to_have_text("Type a number. An answer within 0.1 counts.")
    reach(page, "#half-life input")
    field = page.locator("#half-life input")
    expect(field).to_have_accessible_name("Your answer")
    expect(field).to_have_accessible_description(re.compile("^The forget bias is 3"))
    for text in ("fourteen", "14.3 steps", "1,2,3", "-", " "):
        type_number(page, "half-life", text)
        asked = "Type a number, for example 0.25."
        assert said(page, "half-life") == (asked, []), text
        expect(field).to_have_attribute("aria-invalid", "true")
    for text, wanted in {
        "2.2": "No. That is bias 1.",
        "2,2": "No. That is bias 1.",
        "-5": "No. Can it be negative?",
        "\u22125": "No. Can it be negative?",
        "14.41": "No. Solve",
        "1e3": "No. Solve",
    }.items():
        type_number(page, "half-life", text)
        expect_wrong(page, "half-life", wanted)
    for text in ("14.4", " 14,2 ", "+14.25", "1.43e1"):
        type_number(page, "half-life", text)
        expect_right(page, "half-life", "Right. ")


def test_a_number_within_per_cent(visit):
    """A relative tolerance; the comma of thousands is none of decimals."""
    page = visit()
    task = page.locator("#relative .quiz-task")
    assert "An answer within 1\u00a0% counts." in task.inner_text()
    for text in ("8404", "8236", "8.32", "8,32"):
        type_number(page, "relative", text)
        expect_wrong(page, "relative", "No. Count one block first.")
    for text in ("8320", "8,320", "8403", "8236.8"):
        type_number(page, "relative", text)
        expect_right(page, "relative", "Right. Four times 2,080.")


def test_in_this_order(visit):
    """Lines are moved up until each stands in its place, and that is announced."""
    page = visit()
    lines = page.locator("#in-order .quiz-text")
    right = ["z = x @ W", "c = f * c + z", "h = tanh(c)"]
    start = lines.all_inner_texts()
    assert sorted(start) == sorted(right)
    assert all(line != other for line, other in zip(start, right))
    reach(page, "#in-order .quiz-buttons button")
    page.keyboard.press("Enter")
    why = dict(zip(right, ["It needs x.", "It needs z.", "It needs the new"]))
    verdict = "Not yet. The first line is not in its place."
    expect_wrong(page, "in-order", "Too early. " + why[start[0]], verdict=verdict)

    for at, wanted in enumerate(right):
        now = lines.all_inner_texts().index(wanted)
        up = page.get_by_role("button", name=f"Up {wanted}", exact=True)
        up.focus()
        for place in range(now, at, -1):
            page.keyboard.press("Enter")
            expect(up).to_be_focused()
            heard = page.locator("#in-order [role=status]").first
            expect(heard).to_have_text(f"Place {place} of 3: {wanted}")
    assert lines.all_inner_texts() == right
    assert not page.locator("#in-order .quiz-feedback:visible").count()
    page.keyboard.press("Tab")
    reach(page, "#in-order .quiz-buttons button")
    page.keyboard.press("Enter")
    expect_right(page, "in-order", *(f"Right. {words}" for words in why.values()))


def choose(page, name, label):
    """With arrow keys, in the figure, as a screen reader names it."""
    reach(page, f"#{name} svg [role=radio]")
    focused = page.locator(f"#{name} svg [role=radio]:focus")
    for _ in range(30):
        if focused.get_attribute("aria-label") == label:
            page.keyboard.press("Space")
            expect(focused).to_have_attribute("aria-checked", "true")
            return
        page.keyboard.press("ArrowRight")
    raise AssertionError(f"no {label!r} in the figure")


@pytest.mark.parametrize(
    "name, wrong, why_not, other, right, why",
    [
        ("kept-wire", "c t−1", "That is before the gate.", "Follow the line on top.")
        + ("f t times c t−1", "yes."),
        ("signed-box", "the input gate i t", "Which function", "Which function")
        + ("the candidate g t, tanh", "has both signs."),
    ],
)
def test_a_wire_or_a_node(visit, name, wrong, why_not, other, right, why):
    """A named wrong one, any other, the right one; all have words."""
    page = visit()
    reach(page, f"#{name} .quiz-buttons button")
    page.keyboard.press("Enter")
    assert re.match("Choose a (wire|part) first.", said(page, name)[0])
    parts = page.locator(f"#{name} svg [role=radio]")
    assert parts.count() >= 9
    assert all(part.get_attribute("aria-label") for part in parts.all())
    page.locator("article h1").click()
    choose(page, name, wrong)
    page.keyboard.press("Enter")
    expect_wrong(page, name, why_not)
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect_wrong(page, name, other)
    page.locator("article h1").click()
    choose(page, name, right)
    chosen = page.locator(f"#{name} .quiz-chosen")
    assert chosen.text_content().startswith("Chosen: ")
    page.keyboard.press("Enter")
    expect_right(page, name, why)
    assert page.locator(f"#{name} svg [role=radio][tabindex='0']").count() == 1


def test_a_wire_by_pointer(visit):
    """Also by a thumb that misses it by a little; far from all, nothing happens."""
    page = visit(width=390, has_touch=True)
    svg = page.locator("#kept-wire svg")
    svg.scroll_into_view_if_needed()
    box = page.locator("#kept-wire [data-wire=kept] .quiz-halo").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.touchscreen.tap(x, y - 15)
    chosen = page.locator("#kept-wire [data-wire=kept]")
    expect(chosen).to_have_attribute("aria-checked", "true")
    page.locator("#kept-wire").get_by_role("button", name="Check").tap()
    expect_right(page, "kept-wire", "yes.")
    corner = svg.bounding_box()
    page.touchscreen.tap(corner["x"] + corner["width"] - 4, corner["y"] + 4)
    expect(chosen).to_have_attribute("aria-checked", "true")


def test_a_figure_of_another_notebook(visit):
    """A page without code asks about a chapter's figure, under an id of its own."""
    page = visit("elsewhere.html")
    choose(page, "elsewhere", "h t")
    page.keyboard.press("Enter")
    expect_right(page, "elsewhere", "Right. Yes.")
    page = visit()
    assert page.locator("[id=small-cell-title]").count() == 1
    assert page.locator("[id=kept-wire-figure-title]").count() == 1


def test_all_explanations_on_demand(visit):
    """After a first answer, one button shows them, and passes nothing."""
    page = visit()
    for name in CHAPTER:
        root = page.locator(f"#{name}")
        button = root.get_by_role("button", name="Show all explanations")
        expect(button).to_be_hidden()
        if name == "half-open":
            root.locator("label").first.click()
        elif name == "which-read":
            root.locator("label").last.click()
        elif root.locator("input").count():
            root.locator("input").fill("0.1")
        elif root.locator("svg").count():
            root.locator("[role=radio]").first.dispatch_event("click")
        root.get_by_role("button", name="Check").click()
        button.click()
        feedback = root.locator(".quiz-feedback")
        assert feedback.count() == root.locator(".quiz-options > li").count()
        assert all(part.is_visible() for part in feedback.all())
        assert not is_passed(page, name)
    order = page.locator("#in-order .quiz-text").all_inner_texts()
    assert order == ["z = x @ W", "c = f * c + z", "h = tanh(c)"]


# ---- how it reads ------------------------------------------------------------


def test_maths_code_and_emphasis(visit):
    """In the question, the answers and the explanations; also clicked on."""
    page = visit()
    root = page.locator("#half-open")
    assert "\\(" not in root.text_content()
    for place in (".quiz-question", "label", ".quiz-feedback"):
        assert root.locator(f"{place} mjx-container").count()
    assert root.locator(".quiz-question em, .quiz-question code").count() == 2
    root.locator("label mjx-container").nth(1).click()
    expect(root.locator("input").nth(1)).to_be_checked()
    link = root.locator(".quiz-feedback a")
    assert link.get_attribute("href").endswith("#sec-soft")


def test_typing_is_not_taken_by_shortcuts(visit):
    """The theme's own keys do nothing while a number is typed."""
    page = visit()
    field = page.locator("#half-life input")
    field.focus()
    for key in ("/", "ArrowLeft", "ArrowRight", "s", "?"):
        page.keyboard.press(key)
    assert page.url.endswith("04_chapter.html")
    expect(field).to_have_value("/s?")
    expect(field).to_be_focused()


@pytest.mark.parametrize("media", ["screen", "print"])
def test_without_javascript(visit, media):
    """Questions, and folded answers with explanations; unfolded on paper."""
    page = visit(java_script_enabled=False)
    page.emulate_media(media=media)
    assert not page.locator(".quiz :is(input, button)").count()
    for name in CHAPTER:
        root = page.locator(f"#{name}")
        expect(root.locator(".quiz-question")).to_be_visible()
        assert all(part.is_visible() for part in root.locator("summary").all())
        for feedback in root.locator(".quiz-feedback").all():
            assert feedback.is_visible() == (media == "print")
    fold = page.locator("#half-open details").nth(1)
    fold.locator("summary").click()
    assert words(fold.locator(".quiz-feedback")).startswith("Right. A gate")
    fold = page.locator("#in-order details")
    assert sorted(page.locator("#in-order .quiz-lines li").all_inner_texts()) == sorted(
        fold.locator(".quiz-text").all_text_contents()
    )


def test_print_shows_the_same(visit):
    """Each answer with its explanation, in the right order, and no control."""
    page = visit()
    page.emulate_media(media="print")
    assert not page.locator(".quiz :is(input, button):visible").count()
    assert not page.locator(".reading-progress:visible").count()
    for name in CHAPTER:
        for item in page.locator(f"#{name} .quiz-options > li").all():
            expect(item.locator(".quiz-text")).to_be_visible()
            expect(item.locator(".quiz-feedback")).to_be_visible()
    lines = page.locator("#in-order .quiz-text")
    tops = {line.inner_text(): line.bounding_box()["y"] for line in lines.all()}
    assert sorted(tops, key=tops.get) == ["z = x @ W", "c = f * c + z", "h = tanh(c)"]


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_it_fits(visit, width):
    """No sideways scrolling, and what is touched is large enough."""
    page = visit(width=width, has_touch=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    controls = ".quiz :is(label, button), .reading-progress :is(label, button)"
    for control in page.locator(f":is({controls}):visible").all():
        box = control.bounding_box()
        assert min(box["width"], box["height"]) >= 24


def axe_in_both_themes(page):
    """What axe finds in quizzes, progress and the sidebar."""
    found = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        found += axe_findings(page, ".quiz", ".reading-progress", "nav.bd-links")
    return found


def test_axe_finds_nothing(visit):
    """After wrong answers of all kinds, and with all explanations."""
    page = visit()
    page.check(".reading-progress input")
    for name in CHAPTER:
        root = page.locator(f"#{name}")
        if root.locator("label input").count():
            field = root.locator("input").first
            number = name in ("half-life", "relative")
            field.fill("1") if number else field.check()
        elif root.locator("svg").count():
            root.locator("[role=radio]").first.dispatch_event("click")
        root.get_by_role("button", name="Check").click()
    assert page.locator("[data-state=wrong] .quiz-feedback:visible").count() >= 5
    assert axe_in_both_themes(page) == []
    for button in page.get_by_role("button", name="Show all explanations").all():
        button.click()
    assert axe_in_both_themes(page) == []


def test_nothing_moves(visit):
    """No animation and no timer: a reader has all the time there is."""
    page = visit(script="setTimeout = setInterval = () => { window.timed = true; }")
    page.locator("#half-open label").first.click()
    page.locator("#half-open").get_by_role("button", name="Check").click()
    assert said(page, "half-open")[0].startswith("Not yet.")
    moving = "all => all.filter(e => e.getAnimations().length).length"
    assert page.locator(".quiz, .quiz *").evaluate_all(moving) == 0


# ---- progress ----------------------------------------------------------------

KEY = "quizzes:/"


def mark_of(page, title):
    """What stands beside a chapter in the sidebar: seen, and heard."""
    link = page.locator("nav.bd-links a", has_text=title)
    mark = link.locator(".reading-mark")
    if not mark.count():
        return None
    seen = mark.locator("[aria-hidden]").inner_text()
    return seen, mark.locator(".reading-spoken").text_content().strip()


def pass_one(page):
    """Answer the first question, and mark the page as read."""
    page.locator("#half-open label").nth(1).click()
    page.locator("#half-open").get_by_role("button", name="Check").click()
    page.get_by_label("Mark this page as read").check()


ONE_OF_SEVEN = ("✓ 1/7", "(read, 1 of 7 questions answered)")


def test_progress_lasts(visit):
    """Over a reload, on another chapter, and in another window at once."""
    page = visit()
    assert mark_of(page, "4. A chapter") is None
    other = visit("notebooks/05_plain.html", context=page.context)
    pass_one(page)
    count = page.locator(".reading-count")
    expect(count).to_have_text("1 of 7 questions answered.")
    assert mark_of(page, "4. A chapter") == ONE_OF_SEVEN
    expect(other.locator(".reading-mark")).to_have_count(1)
    assert mark_of(other, "4. A chapter") == ONE_OF_SEVEN
    other.get_by_label("Mark this page as read").check()
    assert mark_of(other, "5. A chapter") == ("✓", "(read)")
    page.reload()
    expect(page.get_by_label("Mark this page as read")).to_be_checked()
    assert is_passed(page, "half-open") and not is_passed(page, "which-read")
    assert mark_of(page, "4. A chapter") == ONE_OF_SEVEN
    assert mark_of(page, "5. A chapter") == ("✓", "(read)")
    page.get_by_label("Mark this page as read").uncheck()
    assert mark_of(page, "4. A chapter") == ("1/7", "(1 of 7 questions answered)")
    expect(other.locator(".reading-mark").first).to_contain_text("1/7")


def test_progress_is_small_and_says_nothing_else(visit):
    """One key, with the pages' names, the quizzes' names and ticks: no more."""
    page = visit()
    pass_one(page)
    keys = page.evaluate("Object.keys(localStorage)")
    assert [key for key in keys if key not in ("mode", "theme")] == [KEY]
    stored = json.loads(page.evaluate(f"localStorage.getItem('{KEY}')"))
    entry = {"read": True, "questions": 7, "passed": ["half-open"]}
    assert stored == {"version": 1, "pages": {"notebooks/04_chapter": entry}}
    assert page.context.cookies() == []


def test_progress_can_be_downloaded(visit):
    """As JSON, the same that is stored."""
    page = visit()
    pass_one(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a file").click()
    assert download.value.suggested_filename == "progress.json"
    found = json.loads(download.value.path().read_text("utf-8"))
    assert found == json.loads(page.evaluate(f"localStorage.getItem('{KEY}')"))


def test_progress_can_be_erased(visit):
    """After a question; every mark goes."""
    page = visit()
    pass_one(page)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.get_by_role("button", name="Erase").click()
    assert is_passed(page, "half-open")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Erase").click()
    assert not is_passed(page, "half-open") and not mark_of(page, "4. A chapter")
    expect(page.get_by_label("Mark this page as read")).not_to_be_checked()
    assert page.evaluate(f"localStorage.getItem('{KEY}')") is None


FULL = """
  const set = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    if (key.startsWith("quizzes")) throw new DOMException("full", "QuotaExceededError");
    return set.call(this, key, value);
  };
"""
FORBIDDEN = """
  const storage = localStorage;  // the theme's, which cannot do without
  Object.defineProperty(window, "localStorage", { get() {
    if (/_static.quizzes/.test(new Error().stack)) {
      throw new DOMException("denied", "SecurityError");
    }
    return storage;
  } });
"""


@pytest.mark.parametrize("script, at_once", [(FULL, False), (FORBIDDEN, True)])
def test_storage_full_or_forbidden(visit, script, at_once):
    """Said once; the page works, and remembers until it is left."""
    page = visit(script=script)
    note = page.locator(".reading-said")
    assert bool(note.inner_text()) == at_once
    pass_one(page)
    expect(note).to_contain_text("does not let the book keep your progress")
    assert note.inner_text().count("This browser") == 1
    assert is_passed(page, "half-open")
    assert mark_of(page, "4. A chapter") == ONE_OF_SEVEN
    page.reload()
    assert not is_passed(page, "half-open")


def test_stored_text_that_makes_no_sense(visit):
    """Is left out, and mended with the next change."""
    chapter = '{"pages": {"notebooks/04_chapter": %s}}'
    page = visit()
    for stored in (
        *("", "{", "7", "null", '{"pages": 3}', chapter % "null", chapter % '"x"'),
        chapter % '{"passed": "all", "read": "so", "questions": {}}',
        chapter % '{"passed": ["gone"], "questions": 1}',
    ):
        page.evaluate("([key, text]) => localStorage.setItem(key, text)", [KEY, stored])
        page.reload()
        expect(page.get_by_label("Mark this page as read")).not_to_be_checked()
        pass_one(page)
        assert mark_of(page, "4. A chapter") == ONE_OF_SEVEN, stored


# ---- what is loaded ----------------------------------------------------------


def test_other_pages_load_nothing(site):
    """A chapter without a quiz has progress; pages that are no chapters nothing."""
    loaded = {
        page: set(
            re.findall(r"quizzes/(\w+\.\w+)", (site[1] / page).read_text("utf-8"))
        )
        for page in ("other.html", "index.html", "notebooks/05_plain.html")
    }
    assert loaded["other.html"] == loaded["index.html"] == set()
    assert loaded["notebooks/05_plain.html"] == {"progress.js", "progress.css"}
    assert not (site[1] / "_static" / "quizzes.js").exists()  # loaded by every page


def test_everything_is_smaller_than_15_kB(site):
    """Scripts and styles, gzipped."""
    parts = [path.read_bytes() for path in (site[1] / "_static/quizzes").iterdir()]
    assert len(parts) == 4
    assert sum(len(gzip.compress(part)) for part in parts) < 15_000


def test_the_book_is_built_without_numpy(root):
    """What `make book` imports is the standard library, docutils and Sphinx."""
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['lstm_lib'] = None; "
        f"sys.path.insert(0, {str(root / 'book' / '_ext')!r}); import quizzes"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# ---- mistakes in a quiz's text -----------------------------------------------

OTHER = "- [ ] anything else → no"
NOTEBOOK = "../notebooks/04_chapter.ipynb"
one, number, wire = (
    partial(quiz, "bad", "What?", kind)
    for kind in ("One of these", "A number", f"A wire of small-cell in {NOTEBOOK}")
)
MISTAKES = {
    "no-right": (
        one("- [ ] a → b", "- [ ] c → d"),
        "one right answer, marked [x], got 0",
    ),
    "two-right": (
        one("- [x] a → b", "- [x] c → d"),
        "one right answer, marked [x], got 2",
    ),
    "none-of-any": (
        quiz("bad", "What?", "Any of these", "- [ ] a → b", "- [ ] c → d"),
        "expected a right answer, marked [x], got none",
    ),
    "unexplained": (
        one("- [x] a → b", "- [ ] c"),
        "'... → explanation' in '- [ ] c'",
    ),
    "empty-why": (
        one("- [x] a → b", "- [ ] c →"),
        "'... → explanation' in '- [ ] c →'",
    ),
    "single-answer": (one("- [x] a → b"), "at least 2 answers, got 1"),
    "same-twice": (
        one("- [x] a → b", "- [ ] a → c"),
        "each answer once, got 'a' twice",
    ),
    "no-mark": (
        one("- [x] a → b", "- c → d"),
        "an answer after '- [ ] ', got '- c → d'",
    ),
    "two-paragraphs": (
        one("- [x] a → b", "- [ ] c", "", "  more → d"),
        "one paragraph in 'c\\n\\nmore'",
    ),
    "no-question": (
        quiz("bad", "", "One of these", "- [x] a → b", "- [ ] c → d"),
        "a question before the answers",
    ),
    "no-answers": (
        "::::{admonition} Q\n:class: quiz\n:name: bad\n\nWhat?\n::::",
        "the answers between",
    ),
    "words-after": (
        one("- [x] a → b", "- [ ] c → d").replace("\n::::", "\nmore\n::::"),
        "after the answers, and nothing more",
    ),
    "no-kind": (
        quiz("bad", "What?", "Some of these", "- [x] a → b"),
        "one of One of these, Any of these, A number",
    ),
    "no-name": (
        one("- [x] a → b", "- [ ] c → d").replace(":name: bad\n", ""),
        "':name:' with letters",
    ),
    "no-number": (number("- [x] many → b", OTHER), "a number, like 0.73 ± 0.01"),
    "no-else": (
        number("- [x] 1 → b", "- [ ] 2 → c"),
        "'- [ ] anything else → ...' as the last answer",
    ),
    "too-near": (
        number("- [x] 1 ± 0.2 → b", "- [ ] 1.3 ± 0.2 → c", OTHER),
        "no wrong answer as near as '1.3 ± 0.2' to '1 ± 0.2'",
    ),
    "short-order": (
        quiz("bad", "What?", "In this order", "1. a → b", "2. c → d"),
        "at least 3 answers, got 2",
    ),
    "no-figure": (
        wire("- [x] kept → b", OTHER).replace("small-cell", "big-cell"),
        "a figure of 04_chapter.ipynb (small-cell), got 'big-cell'",
    ),
    "no-notebook": (
        wire("- [x] kept → b", OTHER).replace("04_chapter", "09_chapter"),
        "a notebook",
    ),
    "no-wire": (
        wire("- [x] belt → b", OTHER),
        "a wire of small-cell (c-previous, kept, c,",
    ),
    "wire-for-node": (
        wire("- [x] kept → b", OTHER).replace("A wire", "A node"),
        "a node of small-cell (forget, input, candidate,",
    ),
    "same-name": (
        CHAPTER["half-open"],
        "a new name; notebooks/04_chapter has a quiz of this one",
    ),
}


BAD_PAGES = {
    page: text.replace(":name: bad", f":name: {page}")
    for page, (text, _) in MISTAKES.items()
}


@pytest.fixture(scope="module")
def complaints(root, tmp_path_factory):
    """What one build says of all these mistakes, each on a page of its own."""
    source = tmp_path_factory.mktemp("mistakes")
    pages = {
        f"pages/{name}.md": f"---\norphan: true\n---\n# A page\n\n{text}\n"
        for name, text in BAD_PAGES.items()
    }
    done = build(root, source, small_book() | pages)
    assert done.returncode != 0
    return done.stderr


@pytest.mark.parametrize("page", MISTAKES)
def test_a_mistake_is_an_error(complaints, page):
    """That names the file, the quiz and what was expected."""
    lines = [line for line in complaints.splitlines() if f"pages/{page}.md" in line]
    assert len(lines) == 1, complaints
    name = re.search(":name: (.+)", BAD_PAGES[page])
    assert f"ERROR: quiz {name[1] if name else ''!r}: expected" in lines[0]
    assert MISTAKES[page][1] in lines[0]


def test_a_page_can_be_read_again(root, site):
    """A changed page does not meet its own quizzes of the build before."""
    done = build(root, site[1].parents[1], small_book())  # written anew: all changed
    assert done.returncode == 0, done.stderr


# ---- the chapters' questions -------------------------------------------------


@pytest.fixture(scope="module")
def book(html, serve):
    """The whole book, served on this machine."""
    with serve(html) as address:
        yield address


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_question_of_a_chapter(book, browser, chapter):
    """Can be passed; axe finds nothing in it."""
    page = browser.new_page()
    page.goto(f"{book}notebooks/{chapter}.html")
    page.evaluate("MathJax.startup.promise")
    asked = page.locator(".quiz").all()
    assert len(asked) >= 4
    for root in asked:
        items = root.locator(".quiz-options > li")
        kind = root.get_attribute("data-kind")
        right = root.locator(".quiz-options > li[data-right]")
        if kind in ("single", "multiple"):
            for item in right.all():
                item.locator("input").check()
        elif kind == "number":
            root.locator("input").fill(right.get_attribute("data-value"))
        elif kind == "order":
            for place in range(items.count()):  # the list's values are the places
                while items.nth(place).get_attribute("value") != str(place + 1):
                    line = root.locator(f"li[value='{place + 1}']")
                    line.get_by_role("button").first.click()
        else:
            name = right.first.get_attribute("data-name")
            root.locator(f"[data-{kind}={name}]").dispatch_event("click")
        root.get_by_role("button", name="Check").click()
        assert root.get_attribute("data-state") == "right"
    count = page.locator(".reading-count")
    expect(count).to_have_text(f"All {len(asked)} questions answered.")
    assert axe_in_both_themes(page) == []
    page.close()
