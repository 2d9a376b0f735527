"""The demonstration class on a sample of it; plain nbgrader and what it gives up."""

import contextlib
import copy
import csv
import io
import json
import re
import statistics

import course as exercises
import demo_answers
import demo_class
import nbformat
import numpy as np
import pytest
from nbgrader.api import Gradebook
from submissions import reference, run
from traitlets.config.loader import PyFileConfigLoader

from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.references import SUBJECTS

SETS, NUMBER = ["ps2", "ps3"], 6  # ps3 has a part that is graded by hand
TOTAL = exercises.settings("ps2")["points"]


# ---- the class -------------------------------------------------------------------


@pytest.fixture(scope="module")
def sample(tmp_path_factory, all_layers):
    """A sample of the class, graded: the folder, the Graded, what was printed."""
    folder = tmp_path_factory.mktemp("demo") / "course"
    options = ["--course", str(folder), "--class", str(NUMBER), "--workers", "1"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        # An endless loop takes a minute; tests/autograder has one.
        patch.setattr(demo_answers, "RARE", ("reads files", "broken file"))
        graded = demo_class.main([*options, "--assignments", *SETS])
    found = {(one.assignment, one.student): one for one in graded}
    return folder, found, printed.getvalue()


@pytest.fixture(scope="module")
def made(sample):
    """The class made a second time: (set, student) -> demo_answers.Submission."""
    folder, _, _ = sample
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_answers, "RARE", ("reads files", "broken file"))
        for name in SETS:
            release = nbformat.read(folder / "release" / name / f"{name}.ipynb", 4)
            ones = demo_answers.hand_in(name, release, NUMBER, SETS, folder)
            found |= {(name, student): one for student, one in ones.items()}
    return found


@pytest.fixture(scope="module")
def scores(sample):
    """What the gradebook has: (set, student) -> (score, penalty)."""
    with Gradebook(f"sqlite:///{sample[0] / 'gradebook.db'}", "gate-by-gate") as book:
        return {
            (name, one.student_id): (one.score, one.late_submission_penalty)
            for name in SETS
            for one in book.assignment_submissions(name)
        }


def table(printed, title):
    """The rows of one table of the summary, split at two spaces or more."""
    text = printed.split(f"{title}\n{'-' * len(title)}\n")[1]
    lines = re.search(r"(?m)^(set|student) .*\n((.+\n)+)", text)[2]
    return [re.split(r"  +", line) for line in lines.strip().split("\n")]


def test_the_same_class_is_made_each_time(sample, made):
    folder, found, _ = sample
    assert made.keys() == found.keys()
    for (name, student), one in made.items():
        path = folder / "submitted" / student / name / f"{name}.ipynb"
        text = path.read_text("utf-8")
        if isinstance(one.notebook, str):
            assert one.notebook == text
        else:
            assert json.loads(text) == json.loads(nbformat.writes(one.notebook))


def test_each_submission_gets_what_it_is_worth(sample, made):
    _, found, _ = sample
    kinds = {one.kind for one in made.values()}
    accidents = {"blank", "syntax error", "reads files", "broken file"}
    assert kinds >= {"right", "mistakes", *accidents}
    for key, one in made.items():
        got = found[key]
        cells = exercises.graded(exercises.source(key[0])).values()
        ours = [cell.metadata.nbgrader for cell in cells]
        full = sum(cell.points for cell in ours if not cell.solution)
        states = {"blank": "unanswered", "broken file": "malformed"}
        assert got.state == states.get(one.kind, "graded"), key
        if one.kind in ("right", "deleted test"):
            assert got.points == full and not got.mistakes, key
        elif one.kind in ("mistakes", "half done", "syntax error"):
            assert 0 < got.points < full, key
        else:
            assert got.points == 0, key
        assert {name for _, name in got.mistakes} == set(one.mistakes), key
        assert bool(got.looks) == (one.kind in (*accidents, "deleted test")), key


def test_who_reads_files_finds_none(sample, made):
    folder, found, _ = sample
    key = next(key for key, one in made.items() if one.kind == "reads files")
    assert re.match("(FileNotFound|Permission)Error in .*-answer", *found[key].looks)
    path = folder / "autograded" / key[1] / key[0] / f"{key[0]}.ipynb"
    text = path.read_text("utf-8")
    assert str(folder / "source") in text  # what was tried
    assert "BEGIN SOLUTION" not in text


def test_the_summary_has_the_gradebook_s_numbers(sample, made, scores):
    _, _, printed = sample
    assert max(map(len, printed.split("\n"))) <= demo_class.WIDTH
    assert f"{len(scores)} submissions of {NUMBER} students" in printed
    for name, row in zip(SETS, table(printed, "The sets")):
        here = [score - late for key, (score, late) in scores.items() if name in key]
        late_ones = sum(late > 0 for key, (_, late) in scores.items() if name in key)
        mean, median = statistics.mean(here), statistics.median(here)
        expected = [name, f"{len(here)} of {NUMBER}", str(late_ones)]
        assert [row[0], *row[2:4]] == expected
        assert row[5:7] == [f"{mean:.1f}", f"{median:.1f}"]
    for student, *points, total in table(printed, "The students"):
        own = [scores.get((name, student), (0, 0)) for name in SETS]
        assert float(total) == pytest.approx(sum(s - late for s, late in own), abs=0.06)
        for text, (name, (score, late)) in zip(points, zip(SETS, own)):
            shown = re.match(r"[\d.]+", text)
            assert bool(shown) == ((name, student) in scores)
            if shown:
                assert float(shown[0]) == pytest.approx(score - late, abs=0.06)


def test_who_is_late_pays(made, scores):
    for (name, student), one in made.items():
        score, penalty = scores[name, student]
        assert (penalty > 0) == (one.handed_in > demo_answers.due(name) and score > 0)


def test_the_summary_says_who_needs_a_look_and_what_waits(sample, made):
    _, found, printed = sample
    for (name, student), one in found.items():
        if one.looks:
            assert re.search(rf"(?m)^{student}  {name} +[\d.]+  {one.state} ", printed)
    for check, name in {key for one in found.values() for key in one.mistakes}:
        assert f"{check}: {name.replace('-', ' ')}" in printed
    waiting = [one for one in found.values() if one.by_hand]
    assert waiting and {one.assignment for one in waiting} == {"ps3"}
    assert f"{len(waiting)} answers to ps3 are in words and wait" in printed


def test_the_export_accounts_for_everyone(sample, scores):
    folder, found, _ = sample
    with open(folder / "grades.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    rows = {(line["assignment"], line["student_id"]): line for line in lines}
    assert len(rows) == NUMBER * len(SETS)
    for key, row in rows.items():
        if key in scores:
            assert float(row["score"]) == pytest.approx(found[key].score)
            assert row["state"] == found[key].state
        else:
            assert row["state"] == "not submitted"


def test_everyone_gets_feedback_without_the_hidden_tests(sample):
    folder, found, _ = sample
    for name, student in found:
        page = folder / "feedback" / student / name / f"{name}.html"
        text = page.read_text(encoding="utf-8")
        assert "BEGIN HIDDEN" not in text  # nor in a traceback
        assert "seed" not in text


def test_feedback_says_what_is_wrong_and_where_to_read(sample):
    folder, found, _ = sample
    for (name, student), one in found.items():
        page = folder / "feedback" / student / name / f"{name}.html"
        text = page.read_text(encoding="utf-8")
        assert ("Read about it in the book" in text) == bool(one.mistakes)


# ---- what students write -----------------------------------------------------------


@pytest.mark.parametrize("entry", BANK[::9], ids=lambda entry: entry.id)
def test_a_mistake_written_out_is_the_mistake(entry):
    text = demo_answers.written_out(entry, ["numpy", "torch", "keras"])
    assert "lstm_lib" not in text
    names = {"np": np}
    exec(compile(text, entry.id, "exec"), names)
    outcomes = []
    for function in (names[entry.check], entry.function):
        arguments = copy.deepcopy(SUBJECTS[entry.check].cases(False, 0)[0].arguments)
        try:
            outcomes.append(repr(function(*arguments)))
        except Exception as error:
            outcomes.append(repr(error))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("assignment", ["ps1", "ps2", "ps3", "ps4"])
def test_an_own_style_keeps_every_point(assignment, monkeypatch):
    answers = {
        name: demo_answers._with_own_names(text)
        for name, text in reference(assignment).items()
    }
    assert any("my_" in text for text in answers.values())
    for report in run(exercises.source(assignment), answers, monkeypatch).values():
        assert report.earned == report.points


# ---- the command -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ("--assignments", "ps99", "expected some of ps1, .*got ps99"),
        ("--class", "0", "expected a number from 1 to 999, got 0"),
        ("--class", "many", "got many"),
        ("--workers", "-1", "got -1"),
    ],
)
def test_a_wrong_option_is_told(option, value, expected, capsys):
    with pytest.raises(SystemExit):
        demo_class.main([f"{option}={value}"])
    assert re.search(expected, capsys.readouterr().err)


def test_after_ctrl_c_the_course_can_be_opened(sample, scores, monkeypatch, capsys):
    folder, _, _ = sample

    def interrupted(progress, text):
        if text.startswith("1 of"):
            raise KeyboardInterrupt

    def grade_only(folder, *_):
        with exercises.environment(folder):
            demo_class.grade(folder, "ps2", 1, [])

    monkeypatch.setattr(demo_class.Progress, "say", interrupted)
    monkeypatch.setattr(demo_class, "run", grade_only)
    with pytest.raises(SystemExit) as ended:
        demo_class.main(["--course", str(folder)])
    assert ended.value.code == demo_class.INTERRUPTED
    assert "is a course that you can open" in capsys.readouterr().out
    with exercises.environment(folder):
        nbgrader = exercises.open_course(folder)
        rows = [exercises.read_row(nbgrader, *key) for key in scores]
    assert [row["total"] for row in rows] == [s - late for s, late in scores.values()]


def test_what_the_autograder_refuses_is_told(tmp_path):
    with pytest.raises(SystemExit, match="(?s)expected a course.*ps2 was not graded"):
        demo_class.grade(tmp_path, "ps2", 1, [])


def test_the_guide_shows_what_the_demonstration_prints(root):
    """Its tables, whose numbers are of a run of the whole class."""
    guide = (root / "book" / "instructors.md").read_text("utf-8")
    shown = guide.split("make grade-demo")[1].split("```text\n")[1].split("```")[0]
    for line in ("The sets", "The mistakes made most often", "Who needs a look"):
        assert f"\n{line}\n{'-' * len(line)}\n" in f"\n{shown}"
    names = [line[:3] for line in shown.split("\n") if re.match(r"ps\d  \w", line)]
    assert names == exercises.assignments()


# ---- submissions that nbgrader gives up by itself ------------------------------------


def copied_cell(notebook):
    """A check pasted a second time, as happens by accident."""
    cell = exercises.find_cell(notebook, "sigmoid-check")
    notebook.cells.insert(3, copy.deepcopy(cell))
    notebook.cells[3].id = "pasted"
    return notebook


def deleted_task(notebook):
    """An answer and both of its checks deleted."""
    for name in ("answer", "check", "hidden"):
        notebook.cells.remove(
            exercises.find_cell(notebook, f"lstm-parameter-count-{name}")
        )
    return notebook


def stopped_kernel(notebook):
    """An answer that ends the Python process."""
    cell = exercises.find_cell(notebook, "sigmoid-answer")
    cell.source = "import os\n\n\ndef sigmoid(z):\n    os._exit(1)"
    return notebook


def writes_to_stderr(notebook):
    """A right answer that writes where no redirection in Python reaches."""
    cell = exercises.find_cell(notebook, "sigmoid-answer")
    lines = ["    print('saved', file=saved)", "    os.write(2, b'raw')"]
    start = ["import os, sys", "saved = sys.stderr", "def sigmoid(z):", *lines]
    cell.source = "\n".join([*start, "    return 0.5 * np.tanh(0.5 * z) + 0.5"])
    return notebook


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The folder of a course that plain nbgrader grades."""
    folder = tmp_path_factory.mktemp("plain") / "course"
    exercises.make_course(folder)
    return folder


def test_a_broken_submission_costs_only_itself(course):
    with exercises.environment(course):
        nbgrader = exercises.open_course(course)
        release = exercises.release_assignment(nbgrader, "ps2")
    right = exercises.solved("ps2", release)
    broken = {
        "all-correct": right,
        "copied-cell": copied_cell(copy.deepcopy(right)),
        "deleted-task": deleted_task(copy.deepcopy(right)),
        "stopped-kernel": stopped_kernel(copy.deepcopy(right)),
        "writes-to-stderr": writes_to_stderr(copy.deepcopy(right)),
        "no-notebook": "{not a notebook",
    }
    with exercises.environment(course):
        nbgrader = exercises.open_course(course)
        for student, notebook in broken.items():
            exercises.hand_in(course, "ps2", student, notebook)
        rows = exercises.grade(nbgrader, "ps2", [*broken, "never-handed-in"])
        exported = {row["student_id"]: row for row in exercises.export(nbgrader)}
    outcome = {row["student"]: (row["status"], row["total"]) for row in rows}
    assert outcome == {
        "all-correct": ("graded", TOTAL),
        "copied-cell": ("graded", TOTAL),
        "deleted-task": ("graded", TOTAL - 3),
        "stopped-kernel": ("not graded", None),
        "writes-to-stderr": ("graded", TOTAL),
        "no-notebook": ("not graded", None),
        "never-handed-in": ("not graded", None),
    }
    reasons = {row["student"]: row["remark"] for row in rows}
    assert reasons["stopped-kernel"] == "its code stopped the Python process"
    assert reasons["no-notebook"] == "the file is not a notebook"
    assert reasons["never-handed-in"] == "no notebook was handed in"
    assert set(exported) == set(outcome)
    assert float(exported["all-correct"]["score"]) == TOTAL


# ---- the configuration and the script --------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "penalty"), [(1, 1.7), (86400, 1.7), (86401, 3.4), (10**7, 17)]
)
def test_late_penalty_is_ten_percent_a_day_begun_and_at_most_all(seconds, penalty):
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(exercises.HERE))
    plugin = loader.load_config().AssignLatePenalties.plugin_class()
    assert plugin.late_submission_penalty("x", 17, seconds) == pytest.approx(penalty)


def test_the_course_lies_where_its_configuration_lies():
    loader = PyFileConfigLoader("nbgrader_config.py", path=str(exercises.HERE))
    course = loader.load_config().CourseDirectory
    assert (course.course_id, course.root) == ("gate-by-gate", str(exercises.HERE))


def test_the_demo_wipes_no_folder_that_it_did_not_make(tmp_path):
    precious = tmp_path / "thesis.txt"
    precious.write_text("do not delete")
    with pytest.raises(SystemExit, match="not made by this course"):
        demo_class.main(["--course", str(tmp_path)])
    assert precious.read_text() == "do not delete"
