"""What students get back: it reads well, and holds nothing of a hidden test."""

import base64
import html
import json
import re

import course
import nbformat
import pytest
from attacks import ATTACKS, PNG, RUN
from classroom import ASSIGNMENT, CONFIG, grade, open_api
from nbformat import v4
from submitted import nbgrader
from test_sanitise_in_browser import browser, exporter, visitor  # noqa: F401
from traitlets.config import Config

from autograder.feedback import ReadableReports
from autograder.grading import VERDICT
from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.references import SUBJECTS
from lstm_lib.checks.report import Report
from lstm_lib.checks.running import run_cases

# ---- single cells ----------------------------------------------------------------

BEGIN, END = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
HIDDEN = f"# Other values.\n{BEGIN}\nassert f(486114861) == 7\n{END}"


def graded_cell(source, *outputs, score=0.0, points=3.0, **more):
    """A test cell as it is in a graded notebook, its points entered."""
    meta = nbgrader("f-test", grade=True, locked=True, score=score, points=points)
    cell = v4.new_code_cell(source, metadata=meta, **more)
    cell.outputs = [nbformat.from_dict(output) for output in outputs]
    return cell


def error(name, text="486114861"):
    lines = [f"{name}: assert f(486114861) == 7", text]
    return v4.new_output("error", ename=name, evalue=text, traceback=lines)


def verdict(*cases, points=3.0):
    score = sum(case["passed"] for case in cases) / len(cases)
    table = {"check": "f_step", "points": points, "score": score, "cases": list(cases)}
    data = {VERDICT: table, "text/plain": "486114861", "text/html": "486114861"}
    return v4.new_output("display_data", data)


def case(passed, **more):
    told = {"name": "x = 486114861", "message": "off by 486114861", "section": None}
    return {"passed": passed, "misconception": None, "link": None, **told, **more}


KNOWN = {
    "misconception": "gates-exchanged",
    "mistake": "Your `c` is what you get with two gates exchanged.",
    "section": "term-forget-gate",
    "link": "https://book.test/glossary.html#term-forget-gate",
}


def shown(*cells, **options):
    """The cells as they are in feedback, those that were inserted left out."""
    config = Config({"ClearHiddenTests": options})
    notebook = v4.new_notebook(cells=list(cells))
    notebook, _ = ReadableReports(config=config).preprocess(notebook, {})
    return [c for c in notebook.cells if c.id != "autograder-losses"]


def text_of(cell):
    """What a cell shows, as plain text."""
    parts = [o.data["text/html"] if "data" in o else o.text for o in cell.outputs]
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", " ", " ".join(parts))).strip()


OUTCOMES = {
    "passed": ([], 3.0, "Hidden test Passed: 3 of 3 points."),
    "partial credit": (
        [v4.new_output("execute_result", {"text/plain": "1.5"})],
        1.5,
        "Hidden test Not all passed: 1.5 of 3 points.",
    ),
    "assertion": (
        [error("AssertionError")],
        0.0,
        "Hidden test Not passed: a result is not what it should be. 0 of 3 points.",
    ),
    "built-in error": (
        [error("ZeroDivisionError")],
        0.0,
        "Hidden test Not passed: it ended with ZeroDivisionError. 0 of 3 points.",
    ),
    "made-up error": (
        [error("Saw486114861")],
        0.0,
        "Hidden test Not passed: it ended with an error. 0 of 3 points.",
    ),
    "print": (
        [v4.new_output("stream", text="486114861")],
        3.0,
        "Hidden test Passed: 3 of 3 points.",
    ),
    "verdict": (
        [verdict(case(True), case(False))],
        1.5,
        "Hidden test f_step: 1 of 2 hidden cases, 1.5 of 3 points.",
    ),
    "recognised mistake": (
        [verdict(case(True), case(False, **KNOWN), case(False, **KNOWN))],
        1.0,
        "Hidden test f_step: 1 of 3 hidden cases, 1 of 3 points. Your c is what you"
        " get with two gates exchanged. Read about it in the book: forget gate",
    ),
    "verdict that is none": (
        [v4.new_output("display_data", {VERDICT: {"cases": 486114861}})],
        0.0,
        "Hidden test Not all passed: 0 of 3 points.",
    ),
}


@pytest.mark.parametrize("name", OUTCOMES)
def test_a_hidden_test_leaves_its_outcome_and_no_more(name):
    outputs, score, told = OUTCOMES[name]
    (cell,) = shown(graded_cell(HIDDEN, *outputs, score=score))
    assert text_of(cell) == told
    assert cell.source == "# Other values."
    assert "486114861" not in json.dumps(cell)


def test_the_marks_of_hidden_tests_are_those_of_the_course():
    source = "assert f(1) == 2\n# KEEP\nassert f(486114861) == 7\n# SHOW\nassert f(2)"
    marks = {"begin_test_delimeter": "KEEP", "end_test_delimeter": "SHOW"}
    (cell,) = shown(graded_cell(source, error("AssertionError")), **marks)
    assert cell.source == "assert f(1) == 2\nassert f(2)"
    assert "486114861" not in json.dumps(cell)


@pytest.mark.parametrize("extra", [BEGIN, f"{BEGIN}\n{BEGIN}\n{END}"])
def test_a_region_that_is_not_as_it_should_be_stays_hidden(extra):
    """There nbgrader raises, and the class gets no feedback."""
    (cell,) = shown(graded_cell(f"assert f(1)\n{extra}\nassert f(486114861)"))
    assert ("486114861" in cell.source) == (END in extra)
    assert cell.source.startswith("assert f(1)")


def test_what_a_student_writes_is_no_region():
    """Not even a mark without an end, which nbgrader would raise at."""
    answer = v4.new_code_cell(BEGIN, metadata=nbgrader("f", solution=True))
    essay = nbgrader("essay", solution=True, grade=True, points=2)
    cells = answer, v4.new_markdown_cell(BEGIN, metadata=essay), v4.new_code_cell(BEGIN)
    assert [cell.source for cell in shown(*cells)] == [BEGIN] * 3


@pytest.mark.parametrize("kind", ["task", "locked", "code"])
def test_a_region_may_stand_in_any_cell_of_the_instructors(kind):
    flag = {"locked": True} if kind == "code" else {kind: True, "points": 3}
    new = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
    (cell,) = shown(new(HIDDEN, metadata=nbgrader("given", **flag)))
    assert cell.source == "# Other values."


def test_a_visible_check_shows_its_report_alone():
    """The number that it returns is in nbgrader's heading and in the report."""
    number = v4.new_output("execute_result", {"text/plain": "1.5"})
    (cell,) = shown(graded_cell("check(f)", verdict(case(True)), number))
    assert [o.output_type for o in cell.outputs] == ["display_data"]
    assert "486114861" in text_of(cell)  # it is no secret there
    (cell,) = shown(graded_cell("0.5 + 1", number))
    assert cell.outputs == [number]


@pytest.mark.parametrize("name", ["StudentGone", "DeadKernelError", "CellTimeoutError"])
def test_where_nothing_ran_no_traceback_tells_of_the_grader(name):
    (cell,) = shown(graded_cell("assert f(1) == 2", error(name, "in autograder/judge")))
    assert text_of(cell).startswith("Not run to its end")
    kept = error("TypeError", "f() takes 0 arguments")
    (cell,) = shown(graded_cell("assert f(1) == 2", kept))
    assert cell.outputs == [kept]


def test_of_very_long_prints_both_ends_stay():
    lines = [f"line {k}" for k in range(5_000)]
    cell = v4.new_code_cell("...", outputs=[v4.new_output("stream", text="")])
    cell.outputs[0].text = "\n".join(lines)
    (cell,) = shown(cell)
    first, *_, last = cell.outputs[0].text.split("\n")
    assert (first, last) == ("line 0", "line 4999")
    assert "[4,880 lines are left out here]" in cell.outputs[0].text
    short = v4.new_code_cell("...", outputs=[v4.new_output("stream", text="a\nb\n")])
    assert shown(short)[0].outputs[0].text == "a\nb\n"


def test_the_page_begins_with_where_points_were_lost():
    lost, kept = graded_cell(HIDDEN, score=1.5), graded_cell("pass", score=3.0)
    lost.metadata.nbgrader.grade_id = "the <b> test"
    note = v4.new_markdown_cell("About this submission", id="autograder-note")
    notebook = v4.new_notebook(cells=[note, lost, kept])
    notebook, _ = ReadableReports().preprocess(notebook, {})
    ids = [cell.id for cell in notebook.cells]
    assert ids[:2] == ["autograder-note", "autograder-losses"]
    (item,) = re.findall("<li>(.*?)</li>", notebook.cells[1].source)
    link = '<a href="#the%20%3Cb%3E%20test">the &lt;b&gt; test</a>'
    assert item == f"{link}: 1.5 of 3 points"
    notebook, _ = ReadableReports().preprocess(v4.new_notebook(cells=[kept]), {})
    assert [c.id for c in notebook.cells] == [kept.id]


def test_no_link_leads_elsewhere_than_to_a_page():
    known = KNOWN | {"link": "javascript:alert(1)", "mistake": "<script>a</script>"}
    (cell,) = shown(graded_cell(HIDDEN, verdict(case(False, **known))))
    assert "javascript" not in str(cell.outputs)
    assert "<script>" not in str(cell.outputs)


# ---- the bank --------------------------------------------------------------------


def hidden_report(entry, seed=3):
    """What a student with this mistake reads of the hidden cases of its check."""
    subject = SUBJECTS[entry.check]
    outcomes = run_cases(entry.function, subject, None, True, seed)
    report = Report(entry.check, 3.0, tuple(outcomes), "https://book.test")
    output = v4.new_output("display_data", {VERDICT: report.verdict()})
    (cell,) = shown(graded_cell(HIDDEN, output))
    return cell.outputs[0].data["text/html"]


@pytest.mark.parametrize("check", SUBJECTS)
def test_a_recognised_mistake_tells_nothing_of_the_hidden_inputs(check):
    """Its text is a sentence of the bank, whatever the inputs are drawn from."""
    for entry in BANK:
        if entry.check == check:
            (item,) = re.findall("<li>(.*?)<br>", hidden_report(entry))
            text = html.unescape(re.sub("</?code>", "`", item))
            assert text in {other.sentence for other in BANK}


# ---- a class ---------------------------------------------------------------------

SECRETS = (486114861, 972229722, "quokka", "zirconium")
MARKS = """
c.ClearHiddenTests.begin_test_delimeter = "SECRET ON"
c.ClearHiddenTests.end_test_delimeter = "SECRET OFF"
c.ClearHiddenTests.enforce_metadata = False
from autograder import plugin
plugin.configure(c)
"""
SETTINGS = """
title = "Doubling"
packages = ["numpy", "matplotlib"]
[limits]
seconds = 20
cell_seconds = 1
"""
TESTS = {
    "plain": "assert double(2) == 4",
    "hidden": """
# Other values.
# SECRET ON
print("quokka", double(486114861))
assert double(486114861) == 972229722, f"zirconium: {double(486114861)}"
# SECRET OFF
""",
    "parts": f"""
assert double(3) == 6
# SECRET ON
import base64
from IPython.display import display
picture = base64.b64decode("{PNG}") + b"quokka"
display({{"image/png": base64.b64encode(picture).decode()}}, raw=True)
display({{"text/html": "<!-- zirconium -->"}}, raw=True)
1.0 + (double(486114861) == 972229722)
# SECRET OFF
""",
    "verdict": f"""
# SECRET ON
from IPython.display import display
right = double(486114861) == 972229722
case = {{"name": "quokka", "passed": right, "misconception": None}}
case |= {{"message": "off by 972229722", "link": "javascript:'zirconium'"}}
verdict = {{"check": "double", "points": 2, "score": int(right), "cases": [case]}}
display({{"{VERDICT}": verdict, "text/html": "zirconium"}}, raw=True)
2.0 * right
# SECRET OFF
""",
    "later": "print(double(5))",
    "latest": "assert double(7) == 14, double(7)",
}
GIVEN = "unit = 'given'\n# SECRET ON\nkey = 'zirconium'\n# SECRET OFF"


def source():
    """The instructor's notebooks: name -> notebook."""
    code, text = v4.new_code_cell, v4.new_markdown_cell
    answer = "### BEGIN SOLUTION\ndef double(x):\n    return 2 * x\n### END SOLUTION"
    tests = [
        code(source.strip(), metadata=nbgrader(n, grade=True, locked=True, points=2))
        for n, source in TESTS.items()
    ]
    hint = "Double it.\n# SECRET ON\nThe quokka of zirconium.\n# SECRET OFF"
    cells = [
        text(hint, metadata=nbgrader("hint", locked=True)),
        code(GIVEN, metadata=nbgrader("given", locked=True)),
        code(answer, metadata=nbgrader("double", solution=True)),
        *tests,
        text("Why?", metadata=nbgrader("why", grade=True, solution=True, points=2)),
        code("pass", metadata=nbgrader("end", solution=True)),
    ]
    second = [
        code(answer, metadata=nbgrader("double", solution=True)),
        code(tests[1].source, metadata=tests[1].metadata),
    ]
    notebooks = {"one": v4.new_notebook(cells=cells)}
    notebooks["two"] = v4.new_notebook(cells=second)
    for name, notebook in notebooks.items():
        for number, cell in enumerate(notebook.cells):
            cell.id = f"{name}-{number}"
    return notebooks


LOOK = "print(seen, In, Out, {k: str(v) for k, v in globals().items()})\nseen"
# name -> the answer, and the student's last cell
CLASS = {
    "right": ("def double(x): return 2 * x", ""),
    "wrong": ("def double(x): return x ** 2", ""),
    "blank": (None, None),
    "raising": ("def double(x): raise ValueError(f'saw {x}')", ""),
    "slow": ("def double(x):\n    while x > 9: pass\n    return 2 * x", ""),
    "ending": ("import os\ndef double(x): os._exit(3) if x > 9 else 0", ""),
    "printing": (
        "seen = []\ndef double(x):\n    print(x)\n    seen.append(x)\n    return 2 * x",
        LOOK,
    ),
    "plotting": (
        "seen = []\ndef double(x): seen.append(x)",
        "import matplotlib.pyplot as plt\nplt.title(f'{seen}')\nplt.plot(seen)",
    ),
    "remembering": (  # until a test is shown
        "seen = []\ndef double(x):\n    seen.append(x)\n"
        "    if x == 5: raise ValueError(f'{seen}')\n"
        "    return f'{seen}' if x == 7 else 2 * x",
        "",
    ),
}


def attacker():
    """Cells of a student's: every attack on the browser of who reads them."""
    made = "from IPython.display import display\n"
    cells = []
    for attack in ATTACKS:
        for cell in attack.cells:
            if cell.cell_type == "markdown":
                cells.append(cell)
            for output in cell.get("outputs", []):
                data, metadata = dict(output.data), dict(output.metadata)
                call = f"display({data!r}, metadata={metadata!r}, raw=True)"
                cells.append(v4.new_code_cell(made + call))
    script = f"<script>{RUN}</script><img src=data:, onerror={RUN}>"
    cells.append(v4.new_code_cell(f"print({script!r})\n{script!r}"))
    cells.append(v4.new_code_cell(f"raise type({script!r}, (KeyError,), {{}})"))
    cells.append(v4.new_code_cell(f"raise ValueError({script!r})"))
    return [v4.new_markdown_cell(c.source) if c.cell_type == "markdown" else
            v4.new_code_cell(c.source) for c in cells]  # fmt: skip


@pytest.fixture(scope="module")
def course_folder(tmp_path_factory, all_layers):
    """A course in which a class was graded, and feedback was generated."""
    folder = tmp_path_factory.mktemp("feedback")
    path = folder / "source" / ASSIGNMENT
    path.mkdir(parents=True)
    (folder / "nbgrader_config.py").write_text(CONFIG + MARKS)
    (path / "assignment.toml").write_text(SETTINGS)
    for name, notebook in source().items():
        nbformat.write(notebook, path / f"{name}.ipynb")
    with course.environment(folder):
        api = open_api(folder)
        assert api.generate_assignment(ASSIGNMENT)["success"]
        for student, (answer, last) in CLASS.items():
            hand_in(folder, student, answer, last)
        hand_in(folder, "attacker", CLASS["right"][0], "", attacker())
        bad = folder / "submitted" / "attacker" / ASSIGNMENT
        (bad / f"<img src=data: onerror={RUN.replace('/', '')}>.py").write_text("")
        hand_in(folder, "broken", None, None)
        (folder / "submitted" / "broken" / ASSIGNMENT / "one.ipynb").write_text("{")
        grade(folder, "--workers", "1")
        told = api.generate_feedback(ASSIGNMENT)
        assert told["success"], told
    return folder


def hand_in(folder, student, answer, last, more=()):
    """Write a submission: its answer, the source of its last cell, and more cells.

    Some hand in one notebook only, which takes less time.
    """
    path = folder / "submitted" / student / ASSIGNMENT
    path.mkdir(parents=True)
    for name in ("one", "two") if student in ("right", "blank") else ("one",):
        released = folder / "release" / ASSIGNMENT / f"{name}.ipynb"
        notebook = nbformat.read(released, 4)
        for cell in notebook.cells:
            grade_id = cell.metadata.get("nbgrader", {}).get("grade_id")
            if grade_id == "double" and answer:
                cell.source = answer
            if grade_id == "end" and last is not None:
                cell.source = last
        if name == "one":
            notebook.cells += more
        (path / f"{name}.ipynb").write_text(json.dumps(notebook))


def page(folder, student, name="one"):
    """A page of feedback."""
    path = folder / "feedback" / student / ASSIGNMENT / f"{name}.html"
    return path.read_text("utf-8")


def secrets_in(data):
    """The secrets in bytes, also where they are escaped, or inside of pictures."""
    text = data.decode("utf-8", "replace")
    blobs = re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text)
    inner = b"".join(base64.b64decode(b + "=" * (-len(b) % 4)) for b in blobs)
    plain = re.sub(r"\\u(\w{4})|%(\w\w)", _character, html.unescape(text))
    everything = "\n".join([text, plain, inner.decode("latin-1")]).lower()
    everything = re.sub("(?<=[0-9])[,_ ](?=[0-9])", "", everything)
    wanted = [str(secret) for secret in SECRETS]
    wanted += [f"{secret:x}" for secret in SECRETS if isinstance(secret, int)]
    return [secret for secret in wanted if secret in everything]


def _character(match):
    try:
        return chr(int(match[1] or match[2], 16))
    except ValueError:
        return match[0]


def files(folder, step, student):
    paths = sorted((folder / step / student).rglob("*"))
    return {path: path.read_bytes() for path in paths if path.is_file()}


@pytest.mark.parametrize("student", [*CLASS, "attacker", "broken"])
def test_no_byte_of_feedback_holds_anything_of_a_hidden_test(course_folder, student):
    """Whatever the answer does; the grader's own copies do hold it."""
    if student != "broken":
        graded = files(course_folder, "autograded", student)
        assert set(sum(map(secrets_in, graded.values()), [])) >= {"quokka", "486114861"}
    given = files(course_folder, "feedback", student)
    assert {path.name for path in given} >= {"one.html", "two.html"}
    assert {path: secrets_in(data) for path, data in given.items()} == {
        path: [] for path in given
    }


def test_the_search_for_secrets_finds_them():
    inside = base64.b64encode(b"\x89PNG the quokka is here").decode()
    escaped = "48&#54;114861 \\u0071uokka %7airconium 972,229,722"
    assert secrets_in(inside.encode()) == ["quokka"]
    assert secrets_in(escaped.encode()) == [str(secret) for secret in SECRETS]


def words(text):
    """The text of a page as it is read."""
    text = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", text)
    return " ".join(html.unescape(text).split())


def test_students_read_what_became_of_their_submission(course_folder):
    told = {student: words(page(course_folder, student)) for student in CLASS}
    assert "Where points were lost" not in told["right"]
    assert "Hidden test Passed: 2 of 2 points." in told["right"]
    assert "hidden : 0 of 2 points" in told["wrong"]
    wrong = "Not passed: a result is not what it should be. 0 of 2 points."
    assert wrong in told["wrong"]
    assert "double: 0 of 1 hidden cases, 0 of 2 points." in told["wrong"]
    assert "Not passed: it ended with ValueError. 0 of 2 points." in told["raising"]
    assert "Not passed: it took too long. 0 of 2 points." in told["slow"]
    assert "Nothing was answered." in told["blank"]
    assert "Your code ended the Python process" in told["ending"]
    broken = words(page(course_folder, "broken"))
    assert "This notebook could not be graded." in broken
    assert "no judgement of your work" in broken
    assert "onerror=fetch" in words(page(course_folder, "attacker"))  # as text only


def test_no_traceback_shows_the_grader(course_folder):
    """A student whose function raised in a visible test reads the own line."""
    told = words(page(course_folder, "raising")).replace(" ", "")
    assert "judge.py" not in told
    assert "ValueError:saw2Indouble,line1:defdouble(x):raiseValueError" in told


# ---- in a browser ----------------------------------------------------------------


def test_feedback_runs_nothing_of_a_student(course_folder, visitor):  # noqa: F811
    assert visitor.open(page(course_folder, "attacker")) == []


def test_formgrader_shows_the_graded_notebook_and_runs_nothing(
    course_folder,
    visitor,  # noqa: F811
):
    path = course_folder / "autograded" / "attacker" / ASSIGNMENT / "one.ipynb"
    names = {"submission_id": "1", "notebook_id": "one", "assignment_id": ASSIGNMENT}
    where = {"index": 0, "total": 2, "base_url": "", "notebook_path": "one"}
    resources = {"nbgrader": {}, "student": "attacker"} | names | where
    made = exporter("formgrade")
    text, _ = made.from_notebook_node(nbformat.read(path, 4), resources)
    assert visitor.open(text) == []
    told = words(text)
    assert "Files that the assignment does not ask for" in told
    code = told.replace(" ", "")
    assert "defdouble(x):return2*x" in code
    assert "assertdouble(486114861)==972229722" in code  # graders see it all


def test_points_are_in_sight_on_a_telephone(course_folder, visitor):  # noqa: F811
    assert visitor.open(page(course_folder, "wrong")) == []
    visitor.page.set_viewport_size({"width": 390, "height": 800})
    headings = visitor.page.locator(".nbgrader_cell .panel-heading")
    assert headings.count() > len(TESTS)
    for heading in headings.all():
        points = heading.locator(".pull-right").bounding_box()
        around = heading.bounding_box()
        assert around["x"] <= points["x"] and around["y"] <= points["y"]
        end = points["y"] + points["height"]
        assert end <= around["y"] + around["height"]
