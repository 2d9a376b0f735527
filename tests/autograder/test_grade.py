"""`python -m autograder grade`: what it prints, enters, skips and refuses."""

import contextlib
import os
import re
import shutil
import signal
import sqlite3
import stat

import classroom
import nbformat
import pytest
from classroom import ASSIGNMENT, FINE, RIGHT, WRONG, entered, grade, hand_in

from autograder.__main__ import main
from autograder.course import open_course

pytestmark = pytest.mark.usefixtures("all_layers")

STUBBORN = """
while True:
    try:
        while True:
            pass
    except KeyboardInterrupt:
        pass
"""
GROWS = "rows = []\nwhile True:\n    rows.append(bytearray(2**20))"
LISTED = re.compile(r" *(\d+)/(\d+)  (\S+) +(.*?)  +(.*)")


@pytest.fixture
def folder(tmp_path):
    """A course in which nobody has handed in."""
    return classroom.make_course(tmp_path / "course")


@pytest.fixture
def run(folder, capsys):
    """Run the command within this process: exit status, and what it printed."""

    def run(*options, course=folder, assignment=ASSIGNMENT):
        capsys.readouterr()
        arguments = ["grade", assignment, "--course", str(course), "--workers", "1"]
        status = main([*arguments, *options])
        return status, "".join(capsys.readouterr())

    return run


# ---- a class with all that can happen ----------------------------------------------


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory):
    """A course whose class hands in what it likes."""
    folder = classroom.make_course(tmp_path_factory.mktemp("class") / "course")
    submission = classroom.submission
    hand_in(folder, "ada")
    hand_in(folder, "bob", **WRONG)
    hand_in(folder, "late", when=classroom.LATE)
    for student, when in (
        ("no-time", "yesterday"),
        ("in-time", "2026-03-02 12:00 UTC"),
    ):
        hand_in(folder, student, when=when)
    hand_in(folder, "half", names=["one"])
    hand_in(folder, "misnamed", names=["one"])
    path = submission(folder, "misnamed")
    (path / "one.ipynb").rename(path / "my homework.ipynb")
    release = folder / "release" / ASSIGNMENT
    shutil.copytree(release, submission(folder, "blank"))
    hand_in(folder, "broken")
    (submission(folder, "broken") / "one.ipynb").write_text("{not json")
    hand_in(folder, "loops", one=RIGHT["one"] + "\n" + STUBBORN)
    hand_in(folder, "grows", one=RIGHT["one"] + "\n" + GROWS)
    hand_in(folder, "stops", two="import os\nos._exit(0)")
    hand_in(
        folder, "own-file", two="def total(x):\n    return int(open('own.txt').read())"
    )
    (submission(folder, "own-file") / "own.txt").write_text("6")
    (submission(folder, "own-file") / "data.txt").write_text("7 8 9")
    hand_in(folder, "pipe")
    os.mkfifo(submission(folder, "pipe") / "own.txt")
    hand_in(folder, "huge")
    with open(submission(folder, "huge") / "own.txt", "wb") as file:
        file.truncate(2**40)
    (folder / "submitted" / "link").mkdir()
    submission(folder, "link").symlink_to(submission(folder, "ada"))
    (folder / "submitted" / "no-folder").mkdir()
    submission(folder, "no-folder").write_text("a file")
    hand_in(folder, "<b>bold")
    return folder


ENDS = {
    "graded": {
        *(
            "ada",
            "bob",
            "late",
            "no-time",
            "in-time",
            "grows",
            "own-file",
            "pipe",
            "huge",
        ),
    },
    "unanswered": {"blank"},
    "malformed": {"half", "misnamed", "broken", "link", "no-folder"},
    "timed out": {"loops"},
    "crashed": {"stops"},
}
EARNED = {
    **{"bob": 0, "half": 5, "misnamed": 5, "blank": 0, "broken": 3},
    **{"loops": 3, "stops": 5, "link": 0, "no-folder": 0},
}


@pytest.fixture(scope="module")
def graded(class_folder):
    """What was printed when the class was graded, nobody watching."""
    with classroom.no_orphans():
        options = "--workers", "2", "--timeout", "4", "--memory", "400"
        return grade(class_folder, *options)


@pytest.fixture(scope="module")
def found(class_folder, graded):
    """What was entered of the class."""
    return entered(class_folder)


def test_each_submission_ends_in_a_state_of_its_own(found):
    """And costs none of the others anything."""
    expected = {student: state for state, who in ENDS.items() for student in who}
    assert classroom.states(found) == expected
    assert classroom.points(found) == dict.fromkeys(expected, FINE) | EARNED


def test_the_limits_on_the_command_line_hold(found):
    """Those of time and of memory reach the sandbox."""
    assert "all of them 4." in found["loops"]["ending"]["message"]
    assert b"MemoryError" in found["grows"]["files"]["one.ipynb"]


def test_being_late_costs_what_the_course_says(found):
    """In each notebook, as nbgrader counts; a time nobody can read is in time."""
    penalties = {student: one["penalty"] for student, one in found.items()}
    assert penalties == dict.fromkeys(found, 0) | {"late": 4}


def test_one_line_for_each_submission(graded, found):
    """Where nobody watches: a number, who, how it ended, points, time, and why."""
    lines = [LISTED.fullmatch(line) for line in graded.split("\n\nps1:")[0].split("\n")]
    lines = [line.groups() for line in lines if line]
    assert [(int(n), int(all_)) for n, all_, *_ in lines] == [
        (n + 1, len(found)) for n in range(len(found))
    ]
    assert {who: state for _, _, who, state, _ in lines} == classroom.states(found)
    by_who = {who: rest for _, _, who, _, rest in lines}
    assert re.fullmatch(r"8 points and more by hand, \d+\.\d s", by_who["ada"])
    assert by_who["loops"].endswith(
        "Your code was stopped: a cell may take 4 seconds, all of them 4. "
        "What was earned until then counts."
    )


def test_the_summary_tells_the_states_apart(graded):
    """In a fixed order, with the names of those who need to be looked at."""
    summary = graded.split("\n\nps1: ")[1].split("\n")
    assert re.fullmatch(
        r"17 submissions; 17 graded now, in \d+ s, \d+ a minute", summary[0]
    )
    assert [line[2:16].strip() for line in summary[1:6]] == list(ENDS)
    assert summary[1].split() == ["graded", "9"]
    assert summary[3].split("  ")[-1] == "broken, half, link, misnamed, no-folder"
    assert (
        summary[6] == f"Next: nbgrader generate_feedback {ASSIGNMENT}; nbgrader export"
    )


def test_a_name_that_is_no_fit_id_is_left_out(graded, class_folder):
    """It is said, and nothing is entered or written."""
    assert "left out: '<b>bold' is not fit to be a student's id" in graded
    assert not (class_folder / "autograded" / "<b>bold").exists()


def test_a_folder_that_cannot_be_read_is_named(graded):
    """To the instructor; a link could lead to another student's work."""
    assert re.search(r"submitted/link/ps1: expected a folder, got a link", graded)
    assert re.search(r"submitted/no-folder/ps1: Not a directory", graded)


def test_only_what_belongs_there_is_kept(found, class_folder):
    """The instructor's files as they are, permitted ones within their size."""
    kept = {"one.ipynb", "two.ipynb", "data.txt"}
    assert set(found["ada"]["files"]) == kept == set(found["pipe"]["files"])
    assert set(found["own-file"]["files"]) == kept | {"own.txt"}
    assert found["own-file"]["files"]["data.txt"] == b"1 2 3\n"
    assert set(found["late"]["files"]) == kept | {"timestamp.txt"}
    path = class_folder / "autograded" / "ada" / ASSIGNMENT / "one.ipynb"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444  # as nbgrader gives
    nbformat.validate(nbformat.read(path, 4))


# ---- again ---------------------------------------------------------------------------


def fresh(text):
    """Who was graded now."""
    lines = [LISTED.fullmatch(line) for line in text.split("\n")]
    return {line[3] for line in lines if line and "as before" not in line[0]}


def lines(text):
    """The lines of single submissions."""
    return [line for line in text.split("\n") if re.match(r" *\d+/", line)]


def test_only_what_has_changed_is_graded_again(folder, run):
    """A file, the instructor's files, a limit: each counts; --regrade takes all."""
    hand_in(folder, "ada")
    hand_in(folder, "bob", **WRONG)
    assert fresh(run()[1]) == {"ada", "bob"}
    before = entered(folder)
    status, text = run()
    assert status == 0 and fresh(text) == set()
    assert lines(text) == ["1/2  ada  graded, as before", "2/2  bob  graded, as before"]
    assert "ps1: 2 submissions; 0 graded now" in text

    hand_in(folder, "bob")
    assert fresh(run()[1]) == {"bob"}
    assert entered(folder)["ada"] == before["ada"] and points_of(folder, "bob") == FINE
    data = folder / "source" / ASSIGNMENT / "data.txt"
    data.write_text("1 1 5")
    assert fresh(run("--students", "a*")[1]) == {"ada"}
    assert points_of(folder, "ada") == 5  # 7 is not 6
    data.write_text("1 2 3\n")
    assert fresh(run("--students", "bob")[1]) == set()  # again as it was graded
    assert fresh(run("--memory", "500")[1]) == {"ada", "bob"}
    assert fresh(run("--memory", "500", "--regrade", "--students", "ada")[1]) == {"ada"}
    shutil.rmtree(folder / "autograded" / "bob")
    assert fresh(run("--memory", "500")[1]) == {"bob"}


def points_of(folder, student):
    return classroom.points(entered(folder))[student]


def test_what_is_late_is_found_out_again(folder, run):
    """Another due date changes the penalty of what is not graded again."""
    hand_in(folder, "ada", when=classroom.LATE)
    run()
    assert entered(folder)["ada"]["penalty"] == 4
    with classroom.course.environment(folder):
        with classroom.open_api(folder).gradebook as book:
            book.update_or_create_assignment(ASSIGNMENT, duedate="2026-03-03 18:00 UTC")
    assert fresh(run()[1]) == set()
    assert entered(folder)["ada"]["penalty"] == 2


def test_what_was_removed_from_the_gradebook_is_graded_again(folder, run):
    """With nbgrader's own command, that knows nothing of our table."""
    hand_in(folder, "ada")
    run()
    with classroom.course.environment(folder):
        with classroom.open_api(folder).gradebook as book:
            book.remove_student("ada")
    assert fresh(run()[1]) == {"ada"}
    assert points_of(folder, "ada") == FINE


def test_what_the_grader_failed_on_is_tried_again(folder, run, monkeypatch):
    """It ends in a state of its own, is no student's fault, and is not done."""
    hand_in(folder, "ada")
    with monkeypatch.context() as patch:
        patch.setattr("autograder.coordinator.grade", fails)
        status, text = run()
    assert status == 1
    assert "ada: the grader failed: ZeroDivisionError" in text
    assert classroom.states(entered(folder)) == {"ada": "crashed"}
    assert run()[0] == 0 and points_of(folder, "ada") == FINE


def fails(job):
    """Stand where `grade` does, with an error of the grader's own."""
    return 1 / 0


# ---- Ctrl-C ------------------------------------------------------------------------


def test_ctrl_c_leaves_a_consistent_gradebook(folder):
    """What is entered is whole, nothing lives on, the same command goes on."""
    for number in range(6):
        slow = f"import time; time.sleep(0.5)\n{RIGHT['one']}"
        hand_in(folder, f"student{number}", one=slow)
    with classroom.no_orphans():
        process = classroom.start(folder, "--workers", "2")
        while not process.stdout.readline().strip().startswith("2/6"):
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert re.search(r"Stopped\. [2-5] of 6 are entered;", text)
    assert "Traceback" not in text
    done = entered(folder)
    assert 2 <= len(done) < 6
    assert set(classroom.points(done).values()) == {FINE}
    text = grade(folder, "--workers", "2")
    assert text.count("as before") == len(done)
    assert set(classroom.points(entered(folder)).values()) == {FINE}


def test_ctrl_c_while_waiting_for_another_run(folder):
    """It ends as well, without a traceback."""
    hand_in(folder, "ada")
    from autograder.coordinator import one_run

    with one_run(folder):
        process = classroom.start(folder)
        assert "Another run is grading this course" in process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        text, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in text


# ---- where somebody watches ---------------------------------------------------------


def test_a_terminal_shows_a_bar(folder):
    """How many of all, how many a minute, how long it still takes; no lines."""
    hand_in(folder, "ada")
    master, slave = os.openpty()
    process = classroom.start(folder, out=slave)
    os.close(slave)
    text = b""
    with contextlib.suppress(OSError):  # the other side is closed
        while part := os.read(master, 2**16):
            text += part
    assert process.wait(60) == 0
    text = text.decode()
    assert re.search(r"1/1 \|.+\| \d+ a minute, 00:00 left", text)
    assert "points" not in text and "ps1: 1 submissions; 1 graded now" in text


# ---- what is refused ---------------------------------------------------------------


def test_usage(run, capsys):
    """A wrong option is told before anything is opened."""
    for options, expected in (
        (["--workers", "0"], "--workers: expected a whole number above 0, got 0"),
        (["--timeout", "1e3"], "--timeout: expected a whole number above 0, got 1e3"),
        (
            ["--accept-missing", "x"],
            "--accept-missing: expected all, or one of pid-namespace",
        ),
    ):
        with pytest.raises(SystemExit) as caught:
            run(*options)
        assert caught.value.code == 2
        assert expected in capsys.readouterr().err


def test_what_is_not_there_is_named(folder, run, tmp_path):
    """Course, assignment, submissions, students: expected and got."""
    nowhere = tmp_path / "nowhere"
    assert run(course=nowhere) == (
        1,
        f"autograder: {nowhere}: expected a course, with its nbgrader_config.py\n",
    )
    status, text = run(assignment="ps9")
    assert status == 1 and "ps9 is not in the gradebook" in text
    status, text = run()
    assert status == 1 and f"expected {folder}/submitted/*/ps1" in text
    hand_in(folder, "ada")
    status, text = run("--students", "zed")
    assert status == 1 and f"expected {folder}/submitted/zed/ps1" in text
    status, text = run("--students", "ada, zed")
    assert status == 0 and "left out: zed: handed in nothing" in text
    assert fresh(text) == {"ada"}


MISTAKES = {
    "source/ps1/assignment.toml": ("title = 3", "title: expected a text, got 3"),
    "source/ps1/one.ipynb": ("{", "one.ipynb: "),
    "nbgrader_config.py": ("c.Course.accept_missing = (", "SyntaxError"),
    "gradebook.db": ("not a database, but long enough", "file is not a database"),
}


@pytest.mark.parametrize("path", MISTAKES)
def test_a_file_that_is_wrong_is_named(path, folder, run):
    """And what is wrong with it; nothing is graded."""
    hand_in(folder, "ada")
    text, expected = MISTAKES[path]
    (folder / path).write_text(text)
    status, printed = run()
    assert status == 1
    assert printed.startswith("autograder: ") and "Traceback" not in printed
    assert path.rpartition("/")[2] in printed and expected in printed
    assert not (folder / "autograded").exists()


def test_a_gradebook_of_another_version_is_named(folder, run):
    """The error of the database, and whose it is."""
    hand_in(folder, "ada")
    with sqlite3.connect(folder / "gradebook.db") as book:
        book.execute("alter table grade rename column auto_score to points")
    status, printed = run()
    assert status == 1 and "gradebook.db" in printed and "auto_score" in printed


def test_a_wrong_setting_is_named(folder, run):
    """One of the course's own, by the name it has there."""
    with open(folder / "nbgrader_config.py", "a") as file:
        file.write("\nc.Course.accept_missing = 3\n")
    status, printed = run()
    assert status == 1 and "accept_missing" in printed and "list" in printed


def test_a_course_without_a_root_lies_where_it_is_found(folder):
    """Not where the command was started."""
    path = folder / "nbgrader_config.py"
    text = path.read_text().replace("c.CourseDirectory.root", "nowhere")
    path.write_text(text)
    assert open_course(folder).root == folder


def test_what_cannot_be_written_is_not_half_written(folder, run):
    """The course's folder for graded work is a file."""
    hand_in(folder, "ada")
    (folder / "autograded").write_text("in the way")
    status, printed = run()
    assert status == 1
    assert f"{folder}/autograded/ada/ps1: cannot write: " in printed
    assert entered(folder) == {}
