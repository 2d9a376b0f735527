"""What every assignment promises: fair points, named mistakes, a clean release."""

import json
import os
import re
import subprocess
import sys

import course
import pytest
from submissions import (
    entry_of,
    is_test,
    mutants,
    quick,
    reference,
    run,
    styles,
)

from lstm_lib import checks

ASSIGNMENTS = course.assignments()
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)


@pytest.fixture(scope="module")
def sources():
    """Assignment -> the instructor's notebook."""
    return {name: course.source(name) for name in ASSIGNMENTS}


def points(notebook):
    """Grade id of a test cell -> its points."""
    return {
        grade_id: cell.metadata.nbgrader.points
        for grade_id, cell in course.graded(notebook).items()
        if is_test(cell)
    }


def earned(reports):
    return {name: report.earned if report else 0.0 for name, report in reports.items()}


def built_on(function, notebook):
    """The test cells of functions that call this one."""
    cells = course.graded(notebook).items()
    return {name for name, cell in cells if f"built_on={function}" in cell.source}


def pairs(of):
    """(assignment, name) for each name that `of(assignment)` lists."""
    return [(name, item) for name in ASSIGNMENTS for item in of(name)]


# ---- right and blank -----------------------------------------------------------


@pytest.mark.parametrize("seed", ["1", "7", "31337"])
@each_assignment
def test_the_reference_earns_every_point(assignment, seed, sources, monkeypatch):
    monkeypatch.setenv(checks.SEED, seed)
    reports = run(sources[assignment], reference(assignment), monkeypatch)
    assert earned(reports) == points(sources[assignment])


@each_assignment
def test_a_blank_one_earns_nothing(assignment, sources, monkeypatch):
    reports = run(sources[assignment], {}, monkeypatch)
    assert set(earned(reports).values()) == {0.0}
    assert set(reports) == set(points(sources[assignment]))


@each_assignment
def test_there_are_four_styles_of_every_answer(assignment):
    answers = reference(assignment)
    for name, style in styles(assignment).items():
        assert set(style) == set(answers), name
    for cell, text in answers.items():
        texts = {text, *(style[cell].strip() for style in styles(assignment).values())}
        assert len(texts) >= 5, cell


@pytest.mark.parametrize("seed", ["1", "7", "31337"])
@pytest.mark.parametrize(("assignment", "style"), pairs(styles))
def test_every_style_earns_every_point(assignment, style, seed, sources, monkeypatch):
    monkeypatch.setenv(checks.SEED, seed)
    reports = run(sources[assignment], styles(assignment)[style], monkeypatch)
    assert earned(reports) == points(sources[assignment])


# ---- wrong -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def wrong_reports(sources):
    """A function of assignment and mutant that runs each at most once."""
    made = {}

    def reports(assignment, name, monkeypatch):
        if (assignment, name) not in made:
            cell, wrong = mutants(assignment)[name]
            answers = quick(assignment) | {cell: wrong}
            made[assignment, name] = run(sources[assignment], answers, monkeypatch)
        return made[assignment, name]

    return reports


@pytest.mark.parametrize(("assignment", "name"), pairs(mutants))
def test_each_mistake_loses_its_own_points_only(
    assignment, name, sources, wrong_reports, old_processor, monkeypatch
):
    """And is named, if it is in the bank."""
    reports = wrong_reports(assignment, name, monkeypatch)
    full, got = points(sources[assignment]), earned(reports)
    task = mutants(assignment)[name][0].removesuffix("-answer")
    own = {f"{task}-check", f"{task}-hidden"} & set(full)
    others = set(full) - own
    if any("raised" in outcome.message for outcome in reports[min(own)].outcomes):
        # What raises takes down what calls it, and nothing could be said of that.
        others -= built_on(task.replace("-", "_"), sources[assignment])
    assert {k: got[k] for k in others} == {k: full[k] for k in others}
    assert own and any(got[k] < full[k] for k in own)
    entry = entry_of(name)
    for outcome in entry and [o for k in own for o in reports[k].outcomes] or ():
        assert outcome.passed == (outcome.name in entry.right_on)
        named = {m.id for m in outcome.misconceptions}
        assert named == (set() if outcome.passed else {name})
        assert outcome.passed or entry.sentence in outcome.message


@each_assignment
def test_some_mutant_loses_every_case_of_every_check(
    assignment, sources, wrong_reports, monkeypatch
):
    """So that no point is given away: the cases no mutant fails are none."""
    kept = {}
    for mutant in mutants(assignment):
        for name, report in wrong_reports(assignment, mutant, monkeypatch).items():
            for outcome in report.outcomes if report else ():
                case = name, outcome.name
                kept[case] = kept.get(case, True) and outcome.passed
    assert {name for name, _ in kept} == set(points(sources[assignment]))
    assert [case for case, always in kept.items() if always] == []


# ---- the same everywhere ---------------------------------------------------------

ON_AN_OLD_PROCESSOR = """
import json, os
import course, submissions
from lstm_lib import checks

class Patch:
    setattr = staticmethod(setattr)

os.environ[checks.SEED] = "7"
scores = []
for name in course.assignments():
    notebook, right = course.source(name), submissions.quick(name)
    for mutant, (cell, wrong) in submissions.mutants(name).items():
        reports = submissions.run(notebook, right | {cell: wrong}, Patch)
        got = {k: r.earned if r else 0 for k, r in reports.items()}
        scores.append([name, mutant, got])
    for style, answers in submissions.styles(name).items():
        reports = submissions.run(notebook, answers, Patch)
        scores.append([name, None, {k: r.earned for k, r in reports.items()}])
print(json.dumps(scores))
"""


@pytest.fixture(scope="module")
def old_processor(root):
    """A second process with another processor's kernels, which round differently."""
    folders = [root, root / "exercises", root / "tests" / "exercises"]
    features = "X86_V3 X86_V4 AVX512_ICL AVX512_SPR"
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}
    env |= {"OPENBLAS_CORETYPE": "Prescott", "NPY_DISABLE_CPU_FEATURES": features}
    command = [sys.executable, "-W", "ignore", "-c", ON_AN_OLD_PROCESSOR]
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def test_scores_do_not_depend_on_the_processor(
    old_processor, sources, wrong_reports, monkeypatch
):
    scores = json.loads(old_processor.communicate()[0])
    assert len(scores) > 200
    for assignment, mutant, got in scores:
        if mutant is None:
            assert got == points(sources[assignment])
        else:
            reports = wrong_reports(assignment, mutant, monkeypatch)
            assert got == earned(reports), (assignment, mutant)


# ---- what the source promises --------------------------------------------------


@each_assignment
def test_assignment_toml_says_what_the_notebook_says(assignment, sources):
    settings = course.settings(assignment)
    cells = course.graded(sources[assignment]).values()
    assert settings["points"] == sum(cell.metadata.nbgrader.points for cell in cells)
    title = sources[assignment].cells[0].source.split("\n")[0]
    assert title == f"# {settings['title']}"
    assert 60 <= settings["minutes"][0] <= settings["minutes"][1] <= 120
    assert set(settings["limits"]) == {"seconds", "memory_mb"}
    for name in settings["files"]:
        assert (course.SOURCE / assignment / name).is_file()


@each_assignment
def test_answers_import_only_what_is_permitted(assignment, sources):
    settings = course.settings(assignment)
    permitted = {*settings["packages"], *settings["lstm_lib"], "lstm_lib", "math"}
    texts = [c.source for c in sources[assignment].cells if not is_test(c)]
    texts += [text for style in styles(assignment).values() for text in style.values()]
    for text in texts:
        for name in re.findall(r"^(?:from|import) ([\w.]+)", text, re.M):
            assert name in permitted, name


@each_assignment
def test_the_points_of_a_check_are_the_points_of_its_cell(assignment, sources):
    for cell in filter(is_test, course.graded(sources[assignment]).values()):
        stated = re.search(r"points=([\d.]+)", cell.source).group(1)
        assert float(stated) == cell.metadata.nbgrader.points
        assert re.search(r"^from lstm_lib.checks import check", cell.source, re.M)
        assert "seed" not in cell.source  # it comes from the instructor's setting


@each_assignment
def test_every_task_has_its_statement_and_three_hints(assignment, sources):
    ids = [cell.id for cell in sources[assignment].cells]
    for answer in reference(assignment):
        task = answer.removesuffix("-answer")
        parts = [f"{task}-{part}" for part in ("task", "hints", "answer", "check")]
        start = ids.index(parts[0])
        assert [k for k in ids[start:] if k in parts][:4] == parts
        hints = next(c for c in sources[assignment].cells if c.id == f"{task}-hints")
        assert hints.source.count("<details>") == 3


def test_settings_are_what_the_autograder_reads():
    """Every assignment.toml has the same keys, so that one reader does for all."""
    keys = {tuple(course.settings(name)) for name in ASSIGNMENTS}
    assert len(keys) == 1
