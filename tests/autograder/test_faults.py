"""Killed, locked out, out of disk: nothing is lost, nothing is graded twice."""

import os
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from contextlib import contextmanager

import classroom
import psutil
import pytest
from classroom import ASSIGNMENT, RIGHT, WRONG, entered, grade, hand_in

pytestmark = pytest.mark.usefixtures("all_layers")

KILLS = 50
STUDENTS = [f"student{number:02}" for number in range(12)]
TABLES = (
    *("student", "submitted_assignment", "submitted_notebook", "grade", "comment"),
    "autograder_submission",
)


def make_class(folder, students=STUDENTS):
    """A course and a class that hands in what ends in several ways."""
    classroom.make_course(folder)
    for number, student in enumerate(students):
        pause = "import time; time.sleep(0.2)\n"
        answers = WRONG if number % 4 == 3 else RIGHT
        when = classroom.LATE if number % 5 == 2 else None
        hand_in(
            folder, student, one=pause + answers["one"], two=answers["two"], when=when
        )
    if len(students) > 8:
        hand_in(folder, students[4], two="import os\nos._exit(0)")
        (classroom.submission(folder, students[7]) / "one.ipynb").unlink()
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What is entered where nothing happens, the rows of each table, the time."""
    folder = make_class(tmp_path_factory.mktemp("undisturbed") / "course")
    started = time.monotonic()
    grade(folder, "--workers", "2")
    return entered(folder), rows(folder), time.monotonic() - started


def rows(folder):
    """How many rows each table has that one submission or another fills."""
    with sqlite3.connect(folder / "gradebook.db") as book:
        count = "select count(*) from {}"
        return {t: book.execute(count.format(t)).fetchone()[0] for t in TABLES}


# ---- kill -9 -------------------------------------------------------------------


class Run:
    """A run of the command in the background; its lines go to a file."""

    def __init__(self, folder, *options):
        self.log = folder.with_suffix(".log")
        with open(self.log, "w") as file:
            self.process = classroom.start(folder, *options, out=file)

    def entered(self):
        """How many submissions it has told of."""
        return len(re.findall(r"^ *\d+/\d+  ", self.log.read_text(), re.MULTILINE))

    def has_told(self, number):
        """Whether it has told of so many."""
        return self.entered() >= number

    def wait_for(self, happens, *arguments):
        """Wait until it does, or the run has ended."""
        while not happens(*arguments) and self.process.poll() is None:
            time.sleep(0.02)

    def victim(self, kind):
        """The number of a "worker", "server" or "coordinator" that lives, or None."""
        if kind == "coordinator":
            return self.process.pid
        try:
            workers = psutil.Process(self.process.pid).children()
            workers = [w for w in workers if "spawn_main" in " ".join(w.cmdline())]
            servers = [s for w in workers for s in w.children()]
        except psutil.NoSuchProcess:
            return None
        found = workers if kind == "worker" else servers
        return random.choice(found).pid if found else None


def kill_often(folder, number, pace, choose):
    """Kill something again and again; always the same command goes on.

    Once all is graded another limit makes it start over. Returns what was killed.
    """
    killed, run, over = Counter(), None, 0
    while killed.total() < number:
        if run is None:
            run = Run(folder, "--workers", "2", "--memory", str(600 + over))
        kind = choose()
        run.wait_for(run.victim, kind)
        time.sleep(random.uniform(0, pace))
        victim, told = run.victim(kind), run.entered()
        if run.process.poll() is not None:
            over += run.process.returncode == 0  # else it could not grade one
            run = None
        elif victim is not None:
            os.kill(victim, signal.SIGKILL)
            killed[kind] += 1
            if kind == "coordinator":
                run.process.wait()
                run = None
            elif kind == "server":  # three in a row are given up
                run.wait_for(run.has_told, told + 1)
    if run is not None:
        run.process.wait()
    for _ in range(5):  # the grader may have failed on one, five times killed
        last = Run(folder, "--workers", "2", "--memory", str(600 + over))
        if last.process.wait() == 0:
            return killed
    raise AssertionError(last.log.read_text())


@pytest.fixture
def seed():
    """Of the random moments; a failure shows it."""
    number = int(os.environ.get("FAULT_SEED") or random.randrange(10**6))
    print(f"FAULT_SEED={number}")
    random.seed(number)
    return number


def test_killed_at_random_moments(tmp_path, seed, undisturbed):
    """Fifty times: workers, fork servers, the coordinator; the gradebook is the same.

    No row is there twice, no submission is missing, and no process is left.
    """
    found, counted, seconds = undisturbed
    folder = make_class(tmp_path / "course")
    kinds = ["worker"] * 5 + ["server"] * 5 + ["coordinator"]
    with classroom.no_orphans():
        killed = kill_often(folder, KILLS, seconds / 12, lambda: random.choice(kinds))
    assert set(killed) == set(kinds) and killed.total() == KILLS, killed
    assert entered(folder) == found
    assert rows(folder) == counted


# ---- the disk ------------------------------------------------------------------


@contextmanager
def mounted(*options):
    """Mount something, or skip; unmount it."""
    done = subprocess.run(["mount", *options], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", options[-1]], check=True)


@pytest.mark.usefixtures("as_root")
def test_a_full_disk(tmp_path, undisturbed):
    """It is said, what is entered is whole; with room the same command goes on."""
    disk = tmp_path / "disk"
    disk.mkdir()
    with mounted("-t", "tmpfs", "-o", "size=16m", "none", disk):
        folder = make_class(disk / "course")
        filler = disk / "filler"
        with open(filler, "wb") as file:
            room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            file.write(bytes(room - 2**17))
        text = grade(folder, "--workers", "1", status=1)
        assert re.search(r"autograder: .*(No space left|disk is full|disk I/O)", text)
        assert "Traceback" not in text
        before = entered(folder)
        assert before == {who: undisturbed[0][who] for who in before}
        assert len(before) < len(STUDENTS)
        filler.unlink()
        assert grade(folder, "--workers", "2").count("as before") == len(before)
        assert entered(folder) == undisturbed[0]


@pytest.mark.parametrize("what", [".", "gradebook.db"])
def test_what_is_read_only(what, tmp_path):
    """The course, or its gradebook alone: it is named, and nothing is graded."""
    folder = make_class(tmp_path / "course", ["ada"])
    with _read_only(folder / what):
        text = grade(folder, "--workers", "1", status=1)
    assert re.search(r"autograder: .*(Read-only|Permission|readonly)", text), text
    assert str(folder / what) in text and "Traceback" not in text
    assert entered(folder) == {}
    grade(folder, "--workers", "1")


@contextmanager
def _read_only(path):
    """Whoever runs this: root may write what nobody may."""
    if os.getuid() == 0:
        with mounted("--bind", path, path):
            subprocess.run(["mount", "-o", "remount,ro,bind", path], check=True)
            yield
        return
    mode = path.stat().st_mode
    path.chmod(mode & ~0o222)
    yield
    path.chmod(mode)


# ---- others at the same time ----------------------------------------------------


def test_a_database_that_is_locked_for_a_while(tmp_path):
    """By another program, in the middle of a run."""
    folder = make_class(tmp_path / "course", STUDENTS[:5])
    run = Run(folder, "--workers", "1")
    run.wait_for(run.entered)
    other = sqlite3.connect(folder / "gradebook.db", isolation_level=None, timeout=60)
    other.execute("begin immediate")
    before = run.entered()
    time.sleep(10)
    assert run.entered() <= before + 1  # one could be told of at that moment
    other.rollback()
    assert run.process.wait(120) == 0, run.log.read_text()
    assert list(classroom.states(entered(folder))) == STUDENTS[:5]


def test_twelve_runs_at_once(tmp_path):
    """They queue: one grades, eleven find it done, all end well."""
    folder = make_class(tmp_path / "course", STUDENTS[:3])
    texts = []
    runs = [
        threading.Thread(target=lambda: texts.append(grade(folder, "--workers", "1")))
        for _ in range(12)
    ]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert len(texts) == 12  # each with status 0, else there is none
    assert sum(text.count("points") for text in texts) == 3
    assert sum(text.count("as before") for text in texts) == 33
    assert rows(folder)["autograder_submission"] == 3
    assert ASSIGNMENT in texts[0]
