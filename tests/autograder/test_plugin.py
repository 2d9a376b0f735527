"""Two lines in nbgrader_config.py: nbgrader itself grades split, in the sandbox."""

import csv
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import classroom
import pytest
from classroom import ASSIGNMENT, FINE, RIGHT, WRONG, entered, hand_in
from nbgrader.api import Gradebook

from autograder import doctor

pytestmark = pytest.mark.usefixtures("all_layers")

SECRET = "### BEGIN HIDDEN TESTS"
# A student's own words on a notebook's page, with a script in them.
SCRIPT = "<script>alert('essay')</script> Because."


def _make_class(folder):
    """A class on which the ways to grade have to agree."""
    classroom.make_course(folder)
    hand_in(folder, "ada", essay=SCRIPT)
    hand_in(folder, "bob", essay="YOUR ANSWER HERE", **WRONG)
    hand_in(folder, "late", when=classroom.LATE, two=WRONG["two"])
    hand_in(folder, "half", names=["one"])
    hand_in(folder, "stops", two="import os\nos._exit(0)")
    hand_in(folder, "links")
    for name, target in (
        ("zero.bin", "/dev/zero"),
        ("own.txt", folder / "gradebook.db"),
        ("timestamp.txt", "/dev/zero"),
    ):
        (classroom.submission(folder, "links") / name).symlink_to(target)
    empty = classroom.submission(folder, "empty")
    empty.mkdir(parents=True)
    (empty / "readme.txt").write_text("I could not finish.")
    return folder


@pytest.fixture(scope="module")
def by_us(tmp_path_factory):
    """What `python -m autograder grade` enters."""
    folder = _make_class(tmp_path_factory.mktemp("ours") / "course")
    classroom.grade(folder, "--workers", "1")
    return entered(folder)


def nbgrader(folder, *arguments, status=0):
    """Run a command of nbgrader's in the course's folder; what it printed."""
    environment = dict(os.environ, PYTHONPATH=str(classroom.ROOT))
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same class, graded by the real `nbgrader autograde`."""
    folder = _make_class(tmp_path_factory.mktemp("plugin") / "course")
    with classroom.no_orphans():
        nbgrader(folder, "autograde", ASSIGNMENT)
    return folder


@pytest.fixture
def api(folder):
    """The interface to it that formgrader uses."""
    with classroom.course.environment(folder):
        yield classroom.open_api(folder)


STUDENTS = ["ada", "bob", "late", "half", "stops", "links", "empty"]


@pytest.mark.parametrize("student", STUDENTS)
def test_the_command_autograde_enters_the_same(student, folder, by_us):
    """Scores, comments, penalty, state, notebooks and files."""
    assert entered(folder)[student] == by_us[student]


def test_it_is_not_nothing(by_us):
    """So that the two do not agree on an empty class."""
    assert classroom.points(by_us) == {
        **{"ada": FINE, "bob": 0, "late": 5, "half": 5, "stops": 5, "links": FINE},
        "empty": 0,
    }
    assert classroom.states(by_us)["stops"] == "crashed"
    assert classroom.states(by_us)["empty"] == "malformed"
    assert by_us["late"]["penalty"] == 2 and by_us["bob"]["comments"]["essay"]


@pytest.mark.parametrize("student", ["bob", "links"])
def test_the_interface_of_formgrader_enters_the_same(student, api, folder, by_us):
    """Again, after changing what is there."""
    with api.gradebook as book:
        book.find_grade("test-one", "one", ASSIGNMENT, student).auto_score = 1.5
        book.db.commit()
    done = api.autograde(ASSIGNMENT, student)
    assert done["success"], done
    assert entered(folder)[student] == by_us[student]


@pytest.fixture
def formgrader(folder, tmp_path):
    """A Jupyter server with formgrader: ask(path) posts to it, returns the answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = {"port": port, "port_retries": 0, "open_browser": False}
    options |= {"token": "secret", "root_dir": str(folder), "allow_root": True}
    options |= {"jpserver_extensions": {"nbgrader.server_extensions.formgrader": True}}
    settings = json.dumps({"ServerApp": options})
    (tmp_path / "jupyter_server_config.json").write_text(settings)
    private = {
        f"JUPYTER_{name}_DIR": tmp_path for name in ("CONFIG", "RUNTIME", "DATA")
    }
    paths = {"PYTHONPATH": classroom.ROOT, "PATH": Path(sys.executable).parent}
    paths["PATH"] = f"{paths['PATH']}{os.pathsep}{os.environ['PATH']}"
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "server"],
        cwd=folder,
        env=os.environ | {name: str(path) for name, path in (private | paths).items()},
        stderr=subprocess.DEVNULL,
    )

    def ask(path):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/formgrader/api/{path}",
            method="POST",
            headers={"Authorization": "token secret"},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    try:
        _wait_for(port, server)
        yield ask
    finally:
        server.terminate()
        server.wait(60)


def _wait_for(port, server):
    """Wait until it listens."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the Jupyter server did not start")


def test_the_button_of_formgrader_enters_the_same(folder, formgrader, by_us):
    """The real handler, as its page calls it; what the server started ends with it."""
    shutil.rmtree(folder / "autograded" / "ada")
    done = formgrader(f"submission/{ASSIGNMENT}/ada/autograde")
    assert done["success"], done
    assert entered(folder)["ada"] == by_us["ada"]


def test_a_score_given_by_hand_stays(api, folder):
    """When it is graded again, and in what is exported."""
    with api.gradebook as book:
        grade = book.find_grade("essay", "one", ASSIGNMENT, "late")
        grade.manual_score, grade.extra_credit = 1.5, 0.25
        grade.needs_manual_grade = False
        comment = book.find_comment("essay", "one", ASSIGNMENT, "late")
        comment.manual_comment = "Well said."
        book.db.commit()
    assert api.autograde(ASSIGNMENT, "late")["success"]
    found = entered(folder)["late"]
    assert found["scores"]["essay"] == 1.75
    assert found["comments"]["essay"] == "Well said."
    assert "essay" in found["by hand"]  # as nbgrader: to be looked at again


def test_a_wrong_file_name_of_the_only_notebook(tmp_path):
    """The notebook is found, by each way to grade."""
    folder = classroom.make_course(tmp_path / "course")
    with classroom.course.environment(folder):
        api = classroom.open_api(folder)
        with api.gradebook as book:
            book.remove_notebook("two", ASSIGNMENT)
        hand_in(folder, "ada", names=["one"])
        path = classroom.submission(folder, "ada")
        (path / "one.ipynb").rename(path / "one (final).ipynb")
        assert api.autograde(ASSIGNMENT, "ada")["success"]
    assert classroom.points(entered(folder)) == {"ada": 5}


def test_a_link_is_copied_nowhere(folder):
    """Neither to the graded files nor to feedback; nor is what it leads to."""
    names = {"one.ipynb", "two.ipynb", "data.txt"}
    path = folder / "autograded" / "links" / ASSIGNMENT
    assert {entry.name for entry in path.iterdir()} == names
    nbgrader(folder, "generate_feedback", ASSIGNMENT, "--student", "links")
    path = folder / "feedback" / "links" / ASSIGNMENT
    assert {entry.name for entry in path.iterdir()} == {
        *("one.html", "two.html", "data.txt")
    }


def test_feedback_shows_scores_and_no_hidden_test(api, folder):
    """The command of nbgrader, with our reports, and nothing that runs."""
    done = api.generate_feedback(ASSIGNMENT, "ada")
    assert done["success"], done
    text = (folder / "feedback" / "ada" / ASSIGNMENT / "one.html").read_text()
    assert "double(2) == 4" in re.sub(r"<[^>]*>", "", text)
    assert "double(3)" not in re.sub(r"<[^>]*>", "", text)
    assert "alert('essay')" not in text and "alert(&#39;essay" not in text


def test_export_tells_a_zero_from_what_was_not_graded(folder):
    """A state and a message beside nbgrader's columns."""
    nbgrader(folder, "export")
    with open(folder / "grades.csv", newline="") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert {who: row["state"] for who, row in rows.items()} == {
        **{"ada": "graded", "bob": "graded", "late": "graded", "links": "graded"},
        **{"half": "malformed", "stops": "crashed", "empty": "malformed"},
    }
    assert rows["bob"]["score"] == "0.0" and rows["bob"]["message"] == ""
    assert rows["stops"]["message"].startswith("two: Your code ended")
    assert float(rows["late"]["late_submission_penalty"]) == 2


def test_nbgraders_other_commands_are_not_disturbed(api, folder):
    """What is told to one converter is not told to the next."""
    assert api.autograde(ASSIGNMENT, "bob")["success"]
    assert api.coursedir.ignore == type(api.coursedir)().ignore
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}", "small") as book:
        before = [n.name for n in book.find_assignment(ASSIGNMENT).notebooks]
    shutil.rmtree(folder / "release" / ASSIGNMENT)
    done = api.generate_assignment(ASSIGNMENT)
    assert done["success"], done
    made = {path.name for path in (folder / "release" / ASSIGNMENT).iterdir()}
    assert {f"{name}.ipynb" for name in before} | {"data.txt"} <= made


def test_the_courses_own_hook_is_called(folder):
    """One that its configuration sets for autograde."""
    with classroom.course.environment(folder):
        api, called = classroom.open_api(folder), []
        api.config.Autograde.pre_convert_hook = lambda **told: called.append(told)
        assert api.autograde(ASSIGNMENT, "bob")["success"]
    assert [told["student"] for told in called] == ["bob"]


def test_a_machine_that_lacks_a_layer_is_refused(api, folder, monkeypatch, by_us):
    """With what it exposes and what accepts it; nothing is touched."""
    found = [
        status
        if status.layer != "landlock"
        else doctor.Status("landlock", doctor.MISSING, True, "this kernel has none")
        for status in doctor.available()
    ]
    monkeypatch.setattr(doctor, "available", lambda: found)
    before = entered(folder)["bob"]
    done = api.autograde(ASSIGNMENT, "bob")
    assert not done["success"]
    assert "landlock, missing: " in done["log"]
    assert 'c.Course.accept_missing = ["LAYER"]' in done["log"]
    assert entered(folder)["bob"] == before
    api.config.Course.accept_missing = ["landlock"]
    assert api.autograde(ASSIGNMENT, "bob")["success"]
    assert entered(folder)["bob"]["scores"] == by_us["bob"]["scores"]


def test_a_name_that_is_no_fit_id_is_left_out(folder, api):
    """It is said, and no folder or row of that name is made."""
    hand_in(folder, "<b>bold", **RIGHT)
    done = api.autograde(ASSIGNMENT, "<b>bold")
    assert "is not fit to be a student's id" in done["log"]
    assert not (folder / "autograded" / "<b>bold").exists()
    assert "<b>bold" not in entered(folder)
