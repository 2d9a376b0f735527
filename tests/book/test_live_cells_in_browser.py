"""Live cells in real Chromium: running, writing, keeping, and what can go wrong."""

import contextlib
import gzip
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
from axe import axe_findings
from live_book import (
    CDN,
    RUNTIME,
    STEP,
    book,
    notebooks_with_live_cells,
    run_cells,
    vendor,
    vendored,
)
from playwright.sync_api import expect

PATIENCE = 60_000  # milliseconds for Python to be there; two cores may be busy
__all__ = ["book", "vendor", "vendored"]  # fixtures


@pytest.fixture(scope="module")
def site(book, serve):
    """The small book, served on this machine."""
    with serve(book) as address:
        yield address


def test_other_pages_get_nothing_and_live_pages_little(book):
    """At most 25 kB more before a reader uses a cell, compressed."""
    assert "live" not in (book / "intro.html").read_text("utf-8")
    page = (book / "chapter.html").read_text("utf-8")
    folder = book / "_static" / "live_cells"
    names = [*folder.glob("*.js"), folder / "live_cells.css"]
    files = [path.read_bytes() for path in names if path.name != "editor.js"]
    start = page.index('<div class="live-cells"')
    files.append(page[start : page.index("</script></div>", start)].encode())
    assert sum(len(gzip.compress(data)) for data in files) < 25_000
    assert "editor.js" not in page


# ---- the cells in Chromium -------------------------------------------------------


class Live:
    """A page with live cells, as a reader has it."""

    def __init__(self, page):
        self.page = page

    def bar(self, n):
        return self.page.locator(".live-bar").nth(n - 1)

    def cell(self, n):
        return self.page.locator(".cell.tag_live").nth(n - 1)

    def button(self, name, n):
        return self.page.get_by_role("button", name=f"{name} cell {n}", exact=True)

    def says(self, n, text, timeout=PATIENCE):
        expect(self.bar(n).get_by_role("status")).to_contain_text(text, timeout=timeout)

    def run(self, n, says="Done"):
        self.button("Run", n).click()
        self.says(n, says)

    def check(self, n, says):
        self.button("Check", n).click()
        self.says(n, says)

    def write(self, n, text):
        """Replace a cell's code, as by pasting."""
        self.edit(n)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)
        assert self.code(n) == text

    def edit(self, n):
        """Put the cursor into a cell, opening it first."""
        for folded in self.cell(n).locator("details:not([open]) > summary").all():
            folded.click()
        if not self.page.locator(".live-editor").count():
            self.cell(n).locator(".live-still").press("Enter")
        else:
            self.cell(n).locator(".cm-scroller").press("Enter")
        expect(self.cell(n).locator(".cm-content")).to_be_focused()

    def code(self, n):
        lines = self.cell(n).locator(".cm-line").all_text_contents()
        return "\n".join(lines)

    def text(self, n):
        """What a cell's outputs say."""
        output = self.cell(n).locator(".cell_output")
        return output.inner_text() if output.count() else ""


@pytest.fixture(scope="module")
def opener(site, browser):
    """Opens the small book; at the end nothing was asked elsewhere."""
    contexts, asked = [], []

    def open_page(context=None, path="chapter.html", scripts=(), **options):
        if context is None:
            context = browser.new_context(**options)
            contexts.append(context)
        page = context.new_page()
        page.said = []
        for script in scripts:
            page.add_init_script(script)
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console",
            lambda m: m.type in ("error", "warning") and page.said.append(m.text),
        )
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(site + path)
        if options.get("java_script_enabled", True):
            expect(page.locator(".live-bar").first).to_be_visible()
        return Live(page)

    yield open_page
    for context in contexts:
        context.close()
    own = (site, "data:", f"blob:{site}", CDN)  # the CDN is one of the tests' own
    assert asked and all(url.startswith(own) for url in asked)


@pytest.fixture
def live(opener):
    """A page in a window of its own; its console has to stay silent."""
    live = opener()
    yield live
    assert live.page.said == []
    live.page.context.close()


@pytest.fixture(scope="module")
def started(opener):
    """One page whose Python is running, for the tests that need no new one."""
    live = opener()
    live.run(2)
    return live


@pytest.fixture
def running(started):
    """That page, with every cell as the book has it; silent, too."""
    for n in range(1, 6):
        if started.button("Reset", n).get_attribute("aria-disabled") == "false":
            started.button("Reset", n).click()
    yield started
    assert started.page.said == []


NUMBER = re.compile(r"-?\d+\.?\d*(?:e[+-]?\d+)?")


def alike(got, stored):
    """The same words, and numbers within a thousandth or a last digit shown."""
    ours, theirs = ([float(n) for n in NUMBER.findall(t)] for t in (got, stored))
    words = [NUMBER.sub("#", text).split() for text in (got, stored)]
    return words[0] == words[1] and np.allclose(ours, theirs, rtol=1e-3, atol=1e-9)


def test_all_cells_run_from_top_to_bottom(live):
    """One click on the last runs those above it, and the outputs are the stored."""
    asked = []
    live.page.on("request", lambda request: asked.append(request.url))
    bytes_shown = live.page.evaluate_handle(
        """() => {
          const seen = new Set();
          const hint = document.querySelector(".live-bar .hint");
          new MutationObserver(() => seen.add(hint.textContent)).observe(
            hint, {childList: true});
          return seen;
        }"""
    )
    stored = {n: live.text(n) for n in (2, 5)}
    words = live.cell(4).locator(".cell_output svg title").first
    assert words.text_content() == "A line."
    assert asked == []  # nothing before the first click
    live.run(5)
    assert {n: alike(live.text(n), stored[n]) for n in stored} == {2: True, 5: True}
    expect(live.cell(4).locator(".live-output figure.computed-figure")).to_be_visible()
    assert words.text_content() == "A line that rises."
    for n in range(1, 5):
        live.says(n, "Done")
    assert any(url.endswith("pyodide.asm.wasm") for url in asked)
    shown = live.page.evaluate("seen => [...seen]", bytes_shown)
    assert any(re.fullmatch(r"\d+\.\d of 16\.\d MB", text) for text in shown)
    live.button("Reset", 4).click()
    assert words.text_content() == "A line."


def test_a_cell_runs_again_where_what_it_stands_on_is_new(running):
    """A changed cell counts as not run, and so do the cells below it."""
    running.write(4, "double = z * 2")
    running.write(5, "double")
    running.run(5)
    running.write(2, 'z = np.arange(3.0)\nprint("new z")')
    running.run(5)
    assert "array([0., 2., 4.])" in running.text(5) and "new z" in running.text(2)
    running.write(2, "raise KeyError('z')")
    running.run(5, says="Not run, because cell 2 above failed")
    assert "KeyError" in running.text(2) and "array([0., 2., 4.])" in running.text(5)
    running.button("Reset", 2).click()
    running.run(5)
    assert "-20." in running.text(5)


def test_errors_and_prints_are_shown_as_in_jupyter(running):
    """A traceback with the reader's line, and text that stays in order."""
    running.write(2, "print('before')\nz = [1, 2][3]")
    running.run(2, says="ended with an error")
    text = running.text(2)
    assert text.index("before") < text.index("Cell 2, line 2")
    assert "IndexError: list index out of range" in text and "kernel" not in text
    running.write(2, "for k in range(3):\n    print(k, end='\\r')\nprint('end')")
    running.run(2)
    assert running.text(2).strip() == "end"


def test_html_of_a_reader_starts_no_script_and_shares_no_id(running):
    """Two figures of one name are on the page; a button of the theme stays alone."""
    running.write(
        2,
        "from IPython.display import HTML\nHTML('''<p id=\"main-content\">mine</p>"
        '<a href="#main-content">to it</a>'
        '<img src="data:," alt="" onerror="window.bad=1">'
        "<script>window.bad = 1</script><a href=\"javascript:window.bad=1\">x</a>''')",
    )
    running.run(2)
    mine = running.cell(2).locator(".live-output p")
    assert mine.text_content() == "mine" and mine.get_attribute("id") != "main-content"
    link = running.cell(2).locator(".live-output a").first
    assert link.get_attribute("href") == "#" + mine.get_attribute("id")
    running.cell(2).locator(".live-output a").nth(1).click()
    running.button("Reset", 2).click()
    running.write(5, "plot.show(fig, name='line', alt='The same figure.')")
    running.run(5)
    ids = running.page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))
    for n in (4, 5):  # its name is read out
        drawn = running.cell(n).locator(".cell_output svg[aria-labelledby]")
        words = drawn.evaluate(
            "svg => svg.querySelector('#' + svg.getAttribute('aria-labelledby'))"
            ".textContent"
        )
        assert words == {4: "A line that rises.", 5: "The same figure."}[n]
    assert running.page.evaluate("window.bad") is None


def test_a_wrong_answer_is_named_and_a_right_one_passes(running, site):
    """The check of the graded assignment, with links into this book."""
    running.check(3, "Not right yet")
    assert "Not answered yet" in running.text(3)
    running.write(3, STEP.format(update="i * c + f * g"))
    running.check(3, "Not right yet")
    assert "input gate and the forget gate are exchanged" in running.text(3)
    assert "0 of 1 points" in running.text(3)
    link = running.cell(3).locator(".live-output a").first.get_attribute("href")
    assert link.startswith(f"{site}notebooks/") and "#sec-forget-gate" in link
    running.write(3, STEP.format(update="f * c + i * g"))
    running.check(3, "Right: every case passed.")
    assert "1 of 1 points" in running.text(3)


def test_stop_ends_an_endless_loop_and_cells_run_again(running):
    """It says that state was lost; Python starts again, with the cells above."""
    running.run(2)
    running.write(5, "while True:\n    print('again and again')")
    running.button("Run", 5).click()
    expect(running.cell(5).locator(".live-output")).to_contain_text(
        "again", timeout=PATIENCE
    )
    running.button("Run", 2).click()
    running.says(2, "Waiting")
    running.button("Stop", 5).click()
    running.says(5, "Stopped. All that the cells had computed is lost")
    running.says(2, "Not run")
    expect(running.button("Stop", 5)).to_have_attribute("aria-disabled", "true")
    running.button("Reset", 5).click()
    running.run(5)
    assert "-20." in running.text(5)


def test_a_cell_that_ends_python_is_told_so(running):
    """The page lives on, and Python starts again."""
    running.run(2)
    running.write(5, "import os\nos._exit(3)")
    running.run(5, says="Python ended: Program terminated with exit(3). All that")
    running.button("Reset", 5).click()
    running.run(5)
    assert "-20." in running.text(5)


def test_after_activation_no_network_is_needed(running):
    """Not even to start Python again after Stop."""
    running.run(2)
    running.page.context.set_offline(True)
    try:
        running.write(5, "while True: pass")
        running.button("Run", 5).click()
        running.says(5, "Running")
        running.button("Stop", 5).click()
        running.says(5, "Stopped")
        running.write(2, "z = np.ones(2)\nprint('offline')")
        running.run(2)
        assert "offline" in running.text(2)
    finally:
        running.page.context.set_offline(False)


def test_every_key_typed_into_the_editor_is_the_editors(live):
    """The theme's "/" and Ctrl-K, arrows between chapters, and the rest."""
    page = live.page
    start = page.url
    live.edit(2)
    page.keyboard.press("Control+a")
    for key in ("a", "/", "b", "Shift+?", "Control+k", "ArrowLeft", "ArrowRight", "s"):
        page.keyboard.press(key)
        expect(live.cell(2).locator(".cm-content")).to_be_focused()
    assert page.url == start and live.code(2) == "a/b?s"
    assert page.locator(".search-button__wrapper.show").count() == 0
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")  # outside, it is the theme's again
    expect(page.locator("input#search-input").first).to_be_focused()


def test_the_editor_indents_undoes_and_lets_go(live):
    """Escape, and then Tab moves on: forwards to Run, and backwards away."""
    page = live.page
    live.write(2, "")
    page.keyboard.type("if z:\nprint([1, (2)])")
    assert live.code(2) == "if z:\n    print([1, (2)])"
    assert live.cell(2).locator(".cm-matchingBracket").count() == 2
    page.keyboard.press("Tab")
    expect(live.cell(2).locator(".cm-content")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    assert live.code(2).split("\n")[1].startswith("print(")
    page.keyboard.press("Control+z")
    assert live.code(2).split("\n")[1].startswith("    print(")
    frame = live.cell(2).locator(".cm-scroller")
    page.keyboard.press("Escape")
    expect(frame).to_be_focused()
    page.keyboard.press("Tab")
    expect(live.button("Run", 2)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(frame).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(live.button("Stop", 1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(live.cell(2).locator(".cm-content")).to_be_focused()


def test_shift_enter_runs_from_the_editor_and_from_the_code(running):
    """The focus stays where it was."""
    running.write(2, "print('by key')")
    running.page.keyboard.press("Shift+Enter")
    running.says(2, "Done")
    assert "by key" in running.text(2)
    expect(running.cell(2).locator(".cm-content")).to_be_focused()
    running.page.keyboard.press("Escape")
    running.page.keyboard.press("Shift+Enter")
    running.says(2, "Done")
    assert running.code(2) == "print('by key')"


def test_a_reload_keeps_what_was_written_and_reset_forgets_it(live):
    """Each cell for itself; the book's own text comes back."""
    page = live.page
    book = page.locator(".live-still pre").nth(1).text_content()
    live.write(2, "print('mine')")
    page.reload()
    expect(live.cell(2).locator(".cm-content")).to_have_text("print('mine')")
    expect(live.bar(2)).to_contain_text("Your version.")
    live.button("Reset", 2).click()
    assert live.code(2) == book.rstrip("\n")
    page.reload()
    expect(live.cell(2).locator(".live-still pre")).to_have_text(book)
    assert page.locator(".live-editor").count() == 0


def test_a_change_of_the_books_own_text_is_said(live):
    """The reader's text stays; Reset shows the new one."""
    page = live.page
    live.write(2, "print('mine')")
    page.wait_for_function("Object.keys(localStorage).some(k => k.startsWith('live-'))")
    page.evaluate(
        """() => {
          const key = Object.keys(localStorage).find(k => k.startsWith("live-"));
          const kept = JSON.parse(localStorage[key]);
          localStorage[key] = JSON.stringify({...kept, base: "print('older')"});
        }"""
    )
    page.goto(page.url)
    expect(live.bar(2)).to_contain_text("Your version of an older text")


# Of our own scripts alone: the theme's would fail too, and say so in the console.
FULL = """{
  const setItem = Storage.prototype.setItem;
  Storage.prototype.setItem = function (key, value) {
    if (key.startsWith('live-')) throw new DOMException('full', 'QuotaExceededError');
    setItem.call(this, key, value);
  };
}"""
FORBIDDEN = """{
  const storage = window.localStorage;
  Object.defineProperty(window, 'localStorage', {get() {
    const isOurs = new Error().stack.includes("live_cells");
    if (isOurs) throw new DOMException("no", "SecurityError");
    return storage;
  }});
}"""


@pytest.mark.parametrize("script", [FULL, FORBIDDEN], ids=["full", "forbidden"])
def test_storage_that_is_full_or_forbidden_is_said_once(opener, script):
    """Everything else works: writing, reset, the download."""
    live = opener(scripts=[script])
    live.write(2, "print('mine')")
    live.says(2, "Your changes cannot be kept")
    expect(live.page.locator(".live-cells .note")).to_contain_text("until you leave")
    live.write(1, "print('more')")
    live.page.wait_for_timeout(600)
    assert live.bar(1).get_by_role("status").text_content() == ""
    live.button("Reset", 2).click()
    assert "sigmoid" in live.code(2)
    with live.page.expect_download() as download:
        live.page.get_by_role("button", name="Download these cells").click()
    assert "more" in Path(download.value.path()).read_text()
    assert live.page.said == []
    live.page.context.close()


def test_the_download_is_a_notebook_that_runs(live, tmp_path):
    """Valid nbformat 4.5, with the reader's text, and a check for an exercise."""
    live.write(2, "z = np.ones(3)\nprint('naïve ✓')")
    live.write(3, STEP.format(update="f * c + i * g"))
    with live.page.expect_download() as download:
        live.page.get_by_role("button", name="Download these cells").click()
    assert download.value.suggested_filename == "chapter-live.ipynb"
    notebook = nbformat.read(download.value.path(), 4)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.cells[0].source.startswith("# A chapter that runs\n")
    code = [c.source for c in notebook.cells if c.cell_type == "code"]
    assert len(code) == 6 and code[1] == "z = np.ones(3)\nprint('naïve ✓')"
    shown = run_cells(*code)
    assert "lstm_step: 4 of 4 cases" in shown[3][0]["data"]["text/plain"]
    assert all(o["output_type"] != "error" for outputs in shown for o in outputs)


# ---- when Python cannot be loaded -------------------------------------------------


class Release:
    """Pyodide's CDN for a page: what it answers can be made to fail."""

    def __init__(self, page, folder):
        self.folder, self.fails = folder, {}
        page.route("**/python.json", self.send_settings)
        page.route(f"{CDN}**", self.send_file)

    def send_settings(self, route):
        answer = route.fetch()
        body = answer.text().replace('"pyodide/', f'"{CDN}')
        route.fulfill(response=answer, body=body)

    def send_file(self, route):
        name = route.request.url.split("/")[-1]
        fails = self.fails.get(name)
        headers = {"Access-Control-Allow-Origin": "*"}
        if fails == "unreachable":
            route.abort("connectionrefused")
        elif fails == "gone":
            route.fulfill(status=503, headers=headers, body="no")
        else:
            body = (self.folder / name).read_bytes()
            body = body if fails != "wrong" else body[:-1] + b"!"
            route.fulfill(status=200, headers=headers, body=body)


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
def test_a_failure_to_load_says_why_and_changes_nothing(opener, vendored, secure):
    """Not reachable, not there, not the right file; and then a later try works.

    Without https, a page cannot compute sums, and the browser compares them.
    """
    hide = "Object.defineProperty(Crypto.prototype, 'subtle', {get: () => undefined})"
    live = opener(scripts=[] if secure else [hide])
    cdn = Release(live.page, vendored)
    stored = live.text(2)
    wasm, numpy = "pyodide.asm.wasm", RUNTIME["files"][4]["name"]
    assert numpy.startswith("numpy")
    failures = [
        (wasm, "unreachable", "cdn.jsdelivr.net could not be reached"),
        (numpy, "gone", "it answered 503"),
        (
            numpy,
            "wrong",
            "checksum is wrong" if secure else "not the file it should be",
        ),
    ]
    for name, fails, said in failures[0 if secure else 2 :]:
        cdn.fails = {name: fails}
        live.button("Run", 2).click()
        live.says(1, said)
        live.says(1, "Press Run to try again")
        assert (
            live.text(2) == stored and not live.cell(2).locator(".live-output").count()
        )
    cdn.fails = {}
    live.run(2)
    assert alike(live.text(2), stored)
    matplotlib = RUNTIME["files"][-1]["name"]  # what fails later costs that cell only
    cdn.fails = {matplotlib: "unreachable"}
    live.button("Run", 4).click()
    live.says(4, "cdn.jsdelivr.net could not be reached")
    live.run(2)
    live.says(1, "Done")
    live.page.context.close()


def test_loading_can_be_stopped(opener, vendored):
    """While the files come; the next Run starts anew."""
    live = opener()
    waiting = []
    live.page.route("**/pyodide.asm.wasm", lambda route: waiting.append(route))
    live.button("Run", 1).click()
    live.says(1, "Loading Python")
    expect(live.bar(1).get_by_role("progressbar")).to_be_visible()
    live.button("Stop", 1).click()
    live.says(1, "Stopped.")
    expect(live.bar(1).get_by_role("progressbar")).to_be_hidden()
    live.page.unroute("**/pyodide.asm.wasm")
    live.run(1, says="Starting Python")
    live.page.context.close()


def test_an_editor_that_cannot_be_loaded_says_so(opener):
    """The code stays as it was, and a later try works."""
    live = opener()
    live.page.route("**/editor.js*", lambda route: route.abort())
    live.cell(1).locator(".live-still").press("Enter")
    live.says(1, "The editor could not be loaded")
    expect(live.cell(1).locator(".live-still")).to_be_visible()
    live.page.unroute("**/editor.js*")
    live.edit(1)
    live.page.context.close()


def test_without_javascript_the_page_is_a_page(opener, site):
    """Code and stored outputs, no button that does nothing."""
    live = opener(java_script_enabled=False)
    expect(live.cell(2)).to_contain_text("0.731")
    assert live.page.locator(".live-bar").count() == 0
    expect(live.page.locator("#live-cells")).to_be_hidden()
    live.page.context.close()


# ---- for everyone -----------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 820, 1440])
def test_the_page_fits(live, width):
    """No sideways scrolling; on touch screens buttons are large enough."""
    live.page.set_viewport_size({"width": width, "height": 900})
    live.write(2, "print('a long line' * 20)  " + "# and a long comment" * 10)
    assert live.page.evaluate("document.documentElement.scrollWidth") <= width
    heights = live.page.locator(".live-bar button").evaluate_all(
        "all => all.map(button => button.getBoundingClientRect().height)"
    )
    assert min(heights) >= 24  # WCAG 2.2, 2.5.8


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(running, theme):
    """With an editor open, outputs of every kind, a report and an error."""
    page = running.page
    page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
    running.check(3, "Not right yet")
    running.run(4)
    running.write(5, "import matplotlib.pyplot as plt\nplt.plot(z)\nplt.show()\n1 / 0")
    running.run(5, says="ended with an error")
    running.edit(2)
    assert axe_findings(page, ".live-cells", ".cell.tag_live") == []


def test_axe_finds_nothing_before_the_first_use(live):
    """As the page opens."""
    assert axe_findings(live.page, ".live-cells", ".cell.tag_live") == []


# ---- every page of the book ---------------------------------------------------------


def test_every_live_page_of_the_book_runs(html, serve, browser, vendored):
    """From the CDN this time, played by the test: no error, the stored outputs."""
    chapters = notebooks_with_live_cells()
    if not chapters:
        pytest.skip("no chapter has live cells yet")
    with serve(html) as address, contextlib.closing(browser.new_context()) as context:
        for path, cells in chapters.items():
            page, said = context.new_page(), []
            page.on("console", lambda m, s=said: m.type == "error" and s.append(m.text))
            page.on("pageerror", lambda error, s=said: s.append(str(error)))
            Release(page, vendored)
            page.goto(f"{address}notebooks/{path.stem}.html")
            for folded in page.locator(".admonition.dropdown .toggle-button").all():
                folded.click()
            live = Live(page)
            live.run(len(cells))
            for n, cell in enumerate(cells, 1):
                live.says(n, "Done")
                if "nbval-ignore-output" not in cell.metadata.tags:
                    stored = stored_text(cell)
                    assert alike(live.text(n), stored), (cell.id, live.text(n), stored)
            exercises = [
                n
                for n, cell in enumerate(cells, 1)
                if any(tag.startswith("exercise-") for tag in cell.metadata.tags)
            ]
            for n in exercises:
                live.check(n, "Not right yet")
            assert said == [], path.name
            page.close()


def stored_text(cell):
    """What a stored cell says in words; its pictures say nothing here."""
    said = []
    for output in cell.outputs:
        data = output.get("data", {})
        if output.output_type == "stream":
            said.append(output.text)
        elif "text/plain" in data and len(data) == 1:
            said.append(data["text/plain"])
    return "\n".join(said)
