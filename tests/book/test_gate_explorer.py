"""The gate explorer: its arithmetic, its drawing and its controls, in Chromium."""

import gzip
import importlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

from lstm_lib.cells import gru_step, lstm_step

FOLDER = Path(__file__).parents[2] / "book" / "_ext" / "gate_explorer"
CONF = """
extensions = ["myst_nb", "computed_figures", "gate_explorer", "sphinx_book_theme"]
html_theme = "sphinx_book_theme"
html_favicon = "favicon.svg"
html_context = {"default_mode": "auto"}
nb_execution_mode = "off"
"""
PAGE = """# A chapter

Text before it.

```{gate-explorer}
Choose what the unit should do, then *move* a number.
```

Text after it.
"""
COUNT = 200  # random states for each kind of cell


@pytest.fixture(scope="module")
def describe():
    """The maintainers' script, as a module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(FOLDER)
        return importlib.import_module("describe")


@pytest.fixture(scope="module")
def presets():
    return json.loads((FOLDER / "presets.json").read_text("utf-8"))


def build(root, source, pages):
    """Build a small book with the extension; returns the Sphinx run."""
    source.mkdir()
    path = f"import sys; sys.path.insert(0, {str(root / 'book' / '_ext')!r})\n"
    (source / "conf.py").write_text(path + CONF)
    shutil.copy(root / "book" / "favicon.svg", source)
    for name, text in pages.items():
        (source / f"{name}.md").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"]
    command += ["-b", "html", source, source / "_build"]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture(scope="module")
def site(root, tmp_path_factory, serve):
    """A book of two pages, the explorer on one, served on this machine."""
    source = tmp_path_factory.mktemp("explorer") / "book"
    toc = "\n```{toctree}\nother\n```\n"
    done = build(root, source, {"index": PAGE + toc, "other": "# Another chapter\n"})
    assert done.returncode == 0, done.stderr
    with serve(source / "_build") as address:
        yield address, source / "_build"


@pytest.fixture
def visit(site, browser):
    """Open the explorer's page; at the end nothing was said or asked elsewhere."""
    contexts, asked, said = [], [], []

    def open_page(hash="", width=1280, height=900, **options):
        context = browser.new_context(
            viewport={"width": width, "height": height}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console",
            lambda m: m.type in ("error", "warning") and said.append(m.text),
        )
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(site[0] + "index.html" + hash)
        if options.get("java_script_enabled", True):
            page.wait_for_selector(".gate-explorer.is-live")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert all(url.startswith((site[0], "data:", "blob:")) for url in asked)
    assert said == []


# ---- what is checked in -------------------------------------------------------


def test_drawings_are_those_of_draw(describe):
    """Generating drawings.json and the figures again gives the same bytes."""
    for name, text in describe.files().items():
        stored = (FOLDER / name).read_text("utf-8")
        assert stored == text, f"{name}: run python book/_ext/gate_explorer/describe.py"


def test_the_book_is_built_without_numpy(root):
    """What `make book` imports is the standard library, docutils and Sphinx."""
    code = (
        "import sys; sys.modules['numpy'] = sys.modules['lstm_lib'] = None; "
        f"sys.path.insert(0, {str(root / 'book' / '_ext')!r}); "
        "import gate_explorer; assert len(gate_explorer.page_html()) > 10_000"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_is_smaller_than_60_kB(site):
    """Scripts, style and what the directive writes into the page, gzipped."""
    page = (site[1] / "index.html").read_text("utf-8")
    start = page.index('<div class="gate-explorer"')
    html = page[start : page.index("</script></div>", start)]
    parts = [html.encode()]
    parts += [p.read_bytes() for p in (site[1] / "_static/gate_explorer").iterdir()]
    assert len(parts) == 5
    assert sum(len(gzip.compress(part)) for part in parts) < 60_000


def test_other_pages_load_nothing(site):
    """The assets are asked for by the page with an explorer alone."""
    asked = [
        "gate_explorer" in (site[1] / f"{name}.html").read_text("utf-8")
        for name in ("index", "other")
    ]
    assert asked == [True, False]


def test_a_second_explorer_on_a_page_is_an_error(root, tmp_path):
    """Two would share their ids."""
    done = build(root, tmp_path / "book", {"index": PAGE + PAGE.partition("\n")[2]})
    assert done.returncode != 0
    assert "expected at most one on a page" in done.stderr


# ---- arithmetic and drawing ---------------------------------------------------


def random_settings(kind, linear=False, seed=0):
    """COUNT random presets with one step each, as presets.json has them."""
    rng = np.random.default_rng([seed, len(kind), linear])
    letters = "ifgo" if kind == "lstm" else "rzn"
    for k in range(COUNT):
        D, scale = 1 + 2 * (k % 2), (0.3, 1.0, 5.0)[k % 3]
        draws = rng.normal(scale=scale, size=(len(letters), D + 3)).tolist()
        gates = {
            letter: {"W": row[:D], "U": row[D], "b": row[D + 1], "bn": row[D + 2]}
            for letter, row in zip(letters, draws)
        }
        h, c, *x = rng.normal(scale=scale, size=2 + D).tolist()
        yield {"gates": gates, "linear": linear, "x": [x], "h": h, "c": c}


def python_trace(describe, kind, setting):
    """(h, c) or (h,) of each step, computed by lstm_lib.cells."""
    step, (W, U, b) = describe.arguments(kind, setting)
    assert getattr(step, "func", step) is (lstm_step if kind == "lstm" else gru_step)
    start = [setting.get(name, 0) for name in ("hc" if kind == "lstm" else "h")]
    state = [np.array([[value]], float) for value in start]
    trace = []
    for x in setting["x"]:
        state = step(np.array([x], float), *state, W, U, b)
        state = list(state) if kind == "lstm" else [state]
        trace.append([part.item() for part in state])
    return np.array(trace)


@pytest.mark.parametrize("kind, linear", [("lstm", 0), ("lstm", 1), ("gru", 0)])
def test_arithmetic_equals_cells(visit, describe, kind, linear):
    """The new states of COUNT random steps, to 1e-12."""
    settings = list(random_settings(kind, bool(linear)))
    found = visit().evaluate(
        """async ([kind, settings]) => {
          const cells = await import("./_static/gate_explorer/arithmetic.js");
          return settings.map((s) => cells.run(kind, s)[0])
                         .map((v) => kind === "gru" ? [v.h] : [v.h, v.c]);
        }""",
        [kind, settings],
    )
    wanted = [python_trace(describe, kind, setting)[0] for setting in settings]
    assert len(found) == COUNT
    np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind, linear", [("lstm", 0), ("lstm", 1), ("gru", 0)])
def test_drawing_equals_python_byte_for_byte(visit, describe, kind, linear):
    """Shapes, names, numbers and words; and each wire's value to 1e-12."""
    settings = list(random_settings(kind, bool(linear), seed=1))[:60]
    found = visit().evaluate(
        """async ([kind, name, settings]) => {
          const base = "./_static/gate_explorer/";
          const { run } = await import(base + "arithmetic.js");
          const { fill, svg } = await import(base + "drawing.js");
          const data = document.querySelector("#gate-explorer script").textContent;
          const drawing = JSON.parse(data).drawings[name];
          return settings.map((setting) => {
            const d = fill(drawing, run(kind, setting)[0]);
            return [svg(d, "same"), d.wires.map(({name, value}) => [name, value])];
          });
        }""",
        [kind, kind + "-linear" * linear, settings],
    )
    for setting, (svg, wires) in zip(settings, found):
        diagram = describe.diagram(kind, setting)
        wanted = diagram.svg("same")
        for zero, bare in ((">−0<", ">0<"), (" -0;", " 0;")):  # no sign in the page
            wanted = wanted.replace(zero, bare)
        assert svg.split("\n") == wanted.split("\n")
        for (name, value), wire in zip(wires, diagram.json()["wires"], strict=True):
            assert name == wire["name"]
            np.testing.assert_allclose(value, wire["value"], rtol=1e-12, atol=1e-12)


def test_numbers_are_written_as_python_writes_them(visit):
    """Three digits, also just between two numbers and at the changes of form."""
    numbers = [0, 1, -1, 0.125, 1.125, 1.375, 2.625, 9.995, 99.95, 999.5, 0.001, 5e-4]
    numbers += [123.5, 122.5, 1e-5, 4.5397868702e-05, -0.000123456, 0.0625, 1 / 3]
    found = visit().evaluate(
        """async (numbers) => {
          const d = await import("./_static/gate_explorer/drawing.js");
          return numbers.map(d.general);
        }""",
        numbers,
    )
    assert found == [f"{number:.3g}" for number in numbers]


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_names_agree_in_json_and_both_pictures(visit, kind):
    """data-node and data-wire of the static and of the live figure."""
    page = visit()
    page.get_by_role("tab", name=kind.upper()).click()
    read = """svg => ["node", "wire"].map(what =>
        [...svg.querySelectorAll(`[data-${what}]`)].map(g => g.dataset[what]).sort())"""
    live = page.locator(".picture svg").evaluate(read)
    static = page.locator(f".static svg[aria-labelledby$={kind}-title]").evaluate(read)
    drawing = json.loads((FOLDER / "drawings.json").read_text("utf-8"))[kind]
    named = [sorted(p["name"] for p in drawing[what]) for what in ("nodes", "wires")]
    assert live == static == named
    assert sum(map(len, named)) > 25


@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_the_first_picture_is_the_static_one(visit, kind):
    """Nothing changes in the figure when the script takes over, but its id."""
    page = visit()
    page.get_by_role("tab", name=kind.upper()).click()
    read = "svg => [...svg.children].slice(1).map(g => g.outerHTML)"
    live = page.locator(".picture svg").evaluate(read)
    static = page.locator(f".static svg[aria-labelledby$={kind}-title]").evaluate(read)
    assert live == static


# ---- controls -----------------------------------------------------------------


def labels(page):
    """Wire -> the texts beside it in the live figure."""
    return page.locator(".picture").evaluate(
        """picture => Object.fromEntries(
             [...picture.querySelectorAll("[data-wire]")].map(g =>
               [g.dataset.wire, [...g.querySelectorAll("text")].map(t => t.textContent)]
             ))"""
    )


def expected_labels(diagram):
    return {
        wire["name"]: ["".join(p for p, _ in label["runs"]) for label in wire["labels"]]
        for wire in diagram.json()["wires"]
    }


def row(page, name):
    """The numbers of one line of the timeline, unrounded."""
    cells = page.locator(f"tr[data-row={name}] td[data-value]")
    return cells.evaluate_all("all => all.map(td => Number(td.dataset.value))")


def test_picture_follows_every_control(visit, describe, presets):
    """After a change its numbers are those lstm_lib draws."""
    page, setting = visit(), json.loads(json.dumps(presets["lstm"][0]))
    changes = {
        "Input x of this step": ("x", 1.7),
        "Hidden state h before the first step": ("h", -0.4),
        "Cell state c before the first step": ("c", 3.3),
    }
    for letter, title in {
        "f": "Forget gate", "i": "Input gate", "g": "Candidate", "o": "Output gate",
    }.items():  # fmt: skip
        changes[f"{title} weight W of input x"] = (letter, "W", -0.7)
        changes[f"{title} weight U of h"] = (letter, "U", 1.3)
        changes[f"{title} bias b"] = (letter, "b", 0.35)
    for name, (key, *rest) in changes.items():
        page.get_by_label(name, exact=True).fill(str(rest[-1]))
        if key == "x":
            setting["x"][0] = [rest[0]]
        elif len(rest) == 1:
            setting[key] = rest[0]
        else:
            value = [rest[1]] if rest[0] == "W" else rest[1]
            setting["gates"][key] = setting["gates"][key] | {rest[0]: value}
        diagram = describe.diagram("lstm", setting)
        assert labels(page) == expected_labels(diagram), name
        assert page.locator(".picture title").first.text_content() == diagram.alt
    np.testing.assert_allclose(
        np.transpose([row(page, "h"), row(page, "c")]),
        python_trace(describe, "lstm", setting), rtol=1e-12, atol=1e-12,
    )  # fmt: skip


def all_presets():
    """(kind, name) of each; a fixture comes too late for parametrize."""
    found = json.loads((FOLDER / "presets.json").read_text("utf-8"))
    return [(kind, preset["name"]) for kind in found for preset in found[kind]]


@pytest.mark.parametrize("kind, name", all_presets())
def test_preset_runs_as_in_lstm_lib(visit, describe, presets, kind, name):
    """Every step of its timeline, and the picture of its last step."""
    page = visit()
    page.get_by_role("tab", name=kind.upper()).click()
    button = page.locator(f"[data-preset={name}]")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    setting = next(p for p in presets[kind] if p["name"] == name)
    expect(page.locator(".note")).to_have_text(setting["note"])
    wanted = python_trace(describe, kind, setting)
    found = [row(page, state) for state in "hc"[: wanted.shape[1]]]
    np.testing.assert_allclose(np.transpose(found), wanted, rtol=1e-12, atol=1e-12)

    last = len(setting["x"])
    page.get_by_role("button", name=f"Step {last}", exact=True).click()
    h, *c = wanted[-2]
    diagram = describe.diagram(kind, setting, setting["x"][-1], h, *c)
    assert labels(page) == expected_labels(diagram)


CLAIMS = {
    "keep": lambda x, h, c: np.allclose(c, 1.2, atol=2e-3),
    "write": lambda x, h, c: np.allclose(c, np.tanh(x), atol=2e-3),
    "clear": lambda x, h, c: np.allclose(c, [2, 2, 2, 0, 0, 0], atol=2e-3),
    "read": lambda x, h, c: np.allclose(h, np.tanh(0.8) * (x == 1), atol=2e-3),
    "count": lambda x, h, c: np.allclose(c, np.cumsum(x == 1), atol=2e-3),
    "latch": lambda x, h, c: np.allclose(h, np.maximum.accumulate(x == 1), atol=2e-3),
    "bias-0": lambda x, h, c: np.allclose(c, 0.5 ** np.arange(1, 11)),
    "bias-1": lambda x, h, c: c[1] > 0.5 > c[2],  # half-life 2.2
    "bias-2": lambda x, h, c: c[4] > 0.5 > c[5],  # 5.5
    "bias-3": lambda x, h, c: np.isclose(c[9], 0.5 ** (10 / 14.26), rtol=1e-3),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_preset_does_what_it_says(describe, presets, name):
    """An LSTM's, by lstm_lib: keep keeps, latch latches, and so on."""
    setting = next(p for p in presets["lstm"] if p["name"] == name)
    x = np.array(setting["x"])[:, 0]
    assert CLAIMS[name](x, *python_trace(describe, "lstm", setting).T)


def test_rule_preset_follows_the_rule(describe, presets):
    """Memory 3, 7, 7, 7, 0, and 7 shown at step 4 alone, as in chapter 4."""
    setting = next(p for p in presets["lstm"] if p["name"] == "rule")
    h, c = python_trace(describe, "lstm", setting).T
    np.testing.assert_allclose(c, [3, 7, 7, 7, 0], atol=1e-3)
    np.testing.assert_allclose(h, [0, 0, 0, 7, 0], atol=1e-3)


def test_gru_presets_do_what_they_say(describe, presets):
    """Keep, write, average, reset and latch."""
    named = {p["name"]: p for p in presets["gru"]}
    x = {name: np.array(p["x"])[:, 0] for name, p in named.items()}
    h = {name: python_trace(describe, "gru", p)[:, 0] for name, p in named.items()}
    np.testing.assert_allclose(h["keep"], 0.6, atol=2e-3)
    np.testing.assert_allclose(h["write"], np.tanh(x["write"]), atol=2e-3)
    before = np.append(0, h["average"][:-1])
    np.testing.assert_allclose(h["average"], (before + np.tanh(x["average"])) / 2)
    assert (h["reset"][:3] > 0.5).all() and (abs(h["reset"][3:]) < 1e-3).all()
    latched = np.maximum.accumulate(x["latch"] == 1)
    np.testing.assert_allclose(h["latch"], latched, atol=2e-3)


def test_a_typed_sequence_is_followed(visit, describe, presets):
    """And one that cannot be read is answered, with the last good one kept."""
    page = visit()
    page.click("[data-preset=count]")
    field = page.get_by_label(re.compile("^Inputs x"))
    field.fill("3 4, 0 1 −2")
    setting = next(p for p in presets["lstm"] if p["name"] == "count")
    setting = setting | {"x": [[3], [4], [0], [1], [-2]]}
    wanted = python_trace(describe, "lstm", setting)
    np.testing.assert_allclose(row(page, "c"), wanted[:, 1], rtol=1e-12)
    for text in ("3 four", "", "1e9", "Infinity", "1 " * 61):
        field.fill(text)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.locator(".problem")).not_to_be_empty()
        assert len(row(page, "c")) == 5
    page.click("[data-preset=rule]")
    expect(page.locator(".problem")).to_be_empty()
    assert field.input_value() == "3 1 0, 4 1 0, 2 0 0, 1 0 1, 3 -1 0"
    field.fill("(5, 1, 0) (1, 0, 1)")
    np.testing.assert_allclose(row(page, "h"), [0, 5], atol=1e-3)
    field.fill("5 1 0, 1 0")
    expect(page.locator(".problem")).to_have_text(
        "Three numbers for each step, please."
    )


def test_everything_works_from_the_keyboard(visit):
    """Tabs, presets, sliders, numbers, the scrubber and the steps."""
    page = visit()
    press = page.keyboard.press
    page.get_by_role("tab", name="LSTM").focus()
    press("ArrowRight")
    expect(page.get_by_role("tab", name="GRU")).to_be_focused()
    expect(page.get_by_role("tab", name="GRU")).to_have_attribute(
        "aria-selected", "true"
    )
    press("Home")
    expect(page.get_by_role("tab", name="LSTM")).to_be_focused()

    page.locator("[data-preset=keep]").focus()
    press("Enter")
    assert row(page, "c")[0] == pytest.approx(1.2, abs=1e-2)

    slider = page.get_by_label("Forget gate bias b, slider")
    slider.focus()
    press("ArrowLeft")
    number = page.get_by_label("Forget gate bias b", exact=True)
    assert number.input_value() == "9.9"
    number.focus()
    press("ArrowUp")
    press("Shift+ArrowDown")
    assert (number.input_value(), slider.input_value()) == ("9", "9")
    expect(slider).to_be_visible()

    page.get_by_role("slider", name="Step", exact=True).focus()
    press("ArrowRight")
    expect(page.locator(".position")).to_have_text("2 of 6")
    press("End")
    expect(page.locator(".position")).to_have_text("6 of 6")
    step = page.get_by_role("button", name="Step 3", exact=True)
    step.focus()
    press("Space")
    expect(page.locator(".position")).to_have_text("3 of 6")
    expect(page.locator("[data-step='3']")).to_be_focused()


@pytest.mark.parametrize("kind, name", [("lstm", "rule"), ("gru", "average")])
def test_a_link_brings_the_state_back(visit, site, kind, name):
    """Every number, the step and the tab, in a browser that knows nothing."""

    def state(page):
        kinds = "input[type=number], input[type=text]"
        numbers = page.locator(f".live :is({kinds})").evaluate_all(
            "all => all.map(input => [input.id, input.value])"
        )
        return numbers, labels(page), page.locator(".position").text_content()

    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("tab", name=kind.upper()).click()
    page.click(f"[data-preset={name}]")
    for box in page.locator(".numbers input[type=number]").all()[::2]:
        box.fill(f"{float(box.input_value()) + 0.123456789:.9f}")
    page.get_by_label("Next step").click()
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator(".share")).to_have_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link == page.url and link.startswith(site[0] + "index.html#explorer=" + kind)
    again = visit("#" + link.partition("#")[2])
    assert state(again) == state(page)
    expect(again.get_by_role("tab", name=kind.upper())).to_have_attribute(
        "aria-selected", "true"
    )


@pytest.mark.parametrize(
    "hash",
    ["", "lstm", "lstm&x=1", "rnn&x=1", "__proto__&x=1", "lstm&x=<img src=x>", "%E0%A4"]
    + ["lstm&size=1&x=1e999&step=1&h=0&c=0&i=0,0,0&f=0,0,0&g=0,0,0&o=0,0,0"]
    + ["lstm&size=3&x=1,2&step=1&h=0&c=0&i=0,0,0&f=0,0,0&g=0,0,0&o=0,0,0"]
    + ["lstm&size=1&x=1&step=1&h=0&c=0&i=0,0&f=0,0,0&g=0,0,0&o=0,0,0"],
)
def test_a_broken_link_shows_the_start(visit, hash):
    """And says nothing in the console."""
    page = visit("#explorer=" + hash)
    expect(page.locator("[data-preset=soft]")).to_have_attribute("aria-pressed", "true")


# ---- for everyone -------------------------------------------------------------


def test_without_javascript_the_static_figures_stand(visit):
    """Both of them, with words, and no dead control."""
    page = visit(java_script_enabled=False)
    assert page.locator(".static svg").count() == 2
    for figure in page.locator(".static svg").all():
        expect(figure).to_be_visible()
        assert "gate" in figure.locator("title").first.text_content()
    assert page.locator(".gate-explorer :is(button, input)").count() == 0


def test_print_shows_the_static_figures(visit):
    """And not the controls."""
    page = visit()
    expect(page.locator(".static")).to_be_hidden()
    page.emulate_media(media="print")
    expect(page.locator(".live")).to_be_hidden()
    for figure in page.locator(".static svg").all():
        expect(figure).to_be_visible()


def test_play_walks_and_stops_at_the_end(visit):
    """One step after another; Pause holds it."""
    page = visit()
    page.clock.install()
    page.reload()
    page.wait_for_selector(".is-live")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(2500)
    expect(page.locator(".position")).to_have_text("3 of 6")
    page.get_by_role("button", name="Pause").click()
    page.clock.run_for(5000)
    expect(page.locator(".position")).to_have_text("3 of 6")
    page.get_by_role("button", name="Play").click()
    page.clock.run_for(9000)
    expect(page.locator(".position")).to_have_text("6 of 6")
    expect(page.get_by_role("button", name="Play")).to_be_visible()


def test_reduced_motion_is_respected(visit):
    """Nothing moves by itself: the button goes to the end at once."""
    page = visit(reduced_motion="reduce")
    page.get_by_role("button", name="To the end").click()
    expect(page.locator(".position")).to_have_text("6 of 6")
    moving = page.locator(".gate-explorer *").evaluate_all(
        "all => all.filter(e => e.getAnimations().length).length"
    )
    assert moving == 0


def test_a_drag_is_announced_once(visit):
    """In words, after it, in a polite live region."""
    page = visit()
    spoken = page.locator(".spoken")
    expect(spoken).to_have_attribute("aria-live", "polite")
    page.evaluate(
        """() => {
          window.heard = [];
          new MutationObserver(() => heard.push(document.querySelector(".spoken")
            .textContent)).observe(document.querySelector(".spoken"),
            {childList: true, characterData: true, subtree: true});
        }"""
    )
    slider = page.get_by_label("Forget gate bias b, slider")
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    middle = place["y"] + place["height"] / 2
    page.mouse.move(place["x"] + place["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(place["x"] + 2, middle, steps=25)
    page.mouse.up()
    page.wait_for_function("heard.length > 0")
    page.wait_for_timeout(800)
    heard = page.evaluate("heard")
    assert len(heard) == 1
    assert re.fullmatch(
        r"Step 1 of 6: x 0\.5; f \S+, i 0\.634, g 0\.501, o 0\.679; new c \S+, h \S+\.",
        heard[0],
    )


@pytest.mark.parametrize("kind, name", [("lstm", "rule"), ("gru", "soft")])
def test_every_control_has_a_name_of_its_own(visit, kind, name):
    """Inputs, sliders and buttons; groups have legends; ids stand once."""
    page = visit()
    page.get_by_role("tab", name=kind.upper()).click()
    page.click(f"[data-preset={name}]")
    names = page.locator(".live :is(input, button)").evaluate_all(
        "all => all.map(e => e.ariaLabel || e.labels?.[0]?.ariaLabel ||"
        " e.labels?.[0]?.textContent || e.textContent)"
    )
    assert all(names) and len(names) == len(set(names)), names
    bare = page.locator(".live fieldset:not(:has(> legend))").count()
    ids = page.locator("[id]").evaluate_all("all => all.map(e => e.id)")
    assert bare == 0 and len(ids) == len(set(ids))


def test_focus_can_be_seen(visit):
    """An outline on each kind of control that the keyboard reaches."""
    page = visit()
    page.get_by_role("tab", name="LSTM").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        inside, width = page.evaluate(
            """() => { const e = document.activeElement;
                 return [Boolean(e.closest(".live")),
                         parseFloat(getComputedStyle(e).outlineWidth)]; }"""
        )
        if not inside:
            break
        assert width >= 2


@pytest.mark.parametrize("width, height", [(390, 844), (1280, 640)])
def test_the_figure_covers_no_focused_control(visit, width, height):
    """It stays in sight; what Tab reaches comes out below it (WCAG 2.2, 2.4.11)."""
    page = visit(width=width, height=height, reduced_motion="reduce")
    page.get_by_role("tab", name="LSTM").focus()
    seen = []
    for key in ["Tab"] * 50 + ["Shift+Tab"] * 48:
        page.keyboard.press(key)
        seen += page.evaluate(
            """() => {
              const e = document.activeElement, box = e.getBoundingClientRect();
              if (!e.closest(".live")) return [];
              const f = document.querySelector(".live figure").getBoundingClientRect();
              const clear = box.bottom <= f.top + 1 || box.top >= f.bottom - 1;
              const inside = box.top >= 0 && box.top + 24 <= innerHeight;
              return [[clear && inside, e.ariaLabel ?? e.id, box.top, f.bottom]];
            }"""
        )
    assert len(seen) > 80 and not [stop for stop in seen if not stop[0]]


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("kind, name", [("lstm", "rule"), ("gru", "soft")])
def test_it_fits(visit, width, kind, name):
    """No sideways scrolling, and buttons and sliders large enough to touch."""
    page = visit(width=width, has_touch=True)
    page.get_by_role("tab", name=kind.upper()).tap()
    page.locator(f"[data-preset={name}]").tap()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    inner = page.locator(".live").evaluate("e => e.scrollWidth - e.clientWidth")
    assert inner <= 0
    sizes = page.locator(".live :is(button, input)").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(r => [r.width, r.height])"
    )
    assert np.min(sizes) >= 24


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(visit, theme):
    """Contrast of at least 4.5 to 1 with what is behind it (WCAG 2.2)."""
    page = visit(color_scheme=theme)
    pairs = page.evaluate(
        """() => [...document.querySelectorAll(".live *")]
          .filter(e => e.tagName !== "title" &&
            [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
          .map(e => {
            let back = e;
            const clear = (c) => c === "rgba(0, 0, 0, 0)" || c === "transparent";
            while (back && clear(getComputedStyle(back).backgroundColor))
              back = back.parentElement;
            const own = getComputedStyle(e);
            const ink = e.closest("svg") ? own.fill : own.color;
            return [e.textContent, ink, getComputedStyle(back ?? document.body)
              .backgroundColor];
          })"""
    )

    def luminance(color):
        parts = [float(part) / 255 for part in re.findall(r"[\d.]+", color)[:3]]
        linear = [
            p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
        ]
        return np.dot([0.2126, 0.7152, 0.0722], linear)

    assert len(pairs) > 80
    for text, ink, ground in pairs:
        dark, light = sorted([luminance(ink), luminance(ground)])
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ink, ground)
