"""`python -m autograder grade`: a class, one assignment.

One coordinator reads what was handed in, lets workers grade it, writes the
graded notebooks, and enters each result in one transaction over its one
connection. What is entered is not graded again, unless something of it has
changed; so a run that was stopped, however, is resumed by the same command.
"""

import contextlib
import os
import shutil
import sys
import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, wait

import filelock
from nbgrader.api import InvalidEntry
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from tqdm import tqdm

from autograder import doctor
from autograder.course import CourseError, fingerprint, open_course
from autograder.forkserver import ServerError
from autograder.grading import failed, grade, pack_job, read_result
from autograder.pool import Workers
from autograder.sandbox import SandboxError
from autograder.states import State

LOCK = ".autograder.lock"  # in the course's folder: one run at a time
AHEAD = 2  # jobs that wait for each worker
INTERRUPTED = 130  # the exit status after Ctrl-C


def main(
    assignment, course, students, workers, timeout, memory, regrade, accept_missing
):
    """Run the command. Returns its exit status."""
    try:
        course = open_course(course)
        accept = [*course.accept_missing, *accept_missing]
        with one_run(course.root), _naming(course.folder.db_url):
            run = Run(course, assignment, timeout, memory, accept)
            try:
                return run.grade(students, workers, regrade)
            finally:
                run.book.close()
    except (CourseError, SandboxError, ServerError, OSError) as error:
        print(f"autograder: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nautograder: stopped", file=sys.stderr)
        return INTERRUPTED


@contextlib.contextmanager
def _naming(db_url):
    """Say of an error of the database whose it is, without its password."""
    url = make_url(db_url).render_as_string(hide_password=True)
    try:
        yield
    except DBAPIError as error:
        raise CourseError(f"the gradebook {url}: {error.orig}") from error
    except InvalidEntry as error:  # what nbgrader makes of it
        raise CourseError(f"the gradebook {url}: {error}") from error


@contextlib.contextmanager
def one_run(root):
    """Wait until no other run grades this course."""
    lock = filelock.FileLock(root / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        print("Another run is grading this course; waiting for it.", flush=True)
        lock.acquire()
    except OSError as error:
        reason = error.strerror or error
        raise CourseError(f"{root}: expected a folder to write in: {reason}") from None
    try:
        yield
    finally:
        lock.release()


class Run:
    """One run over one assignment."""

    def __init__(self, course, assignment, seconds=None, memory_mb=None, accept=()):
        self.course, self.layers = course, _layers(accept)
        self.book = course.book()
        try:
            self.assignment = course.assignment(
                assignment, self.book, seconds, memory_mb
            )
        except BaseException:
            self.book.close()
            raise
        limit = self.assignment.settings.limits.seconds
        self.seconds = int(len(self.assignment.notebooks) * (2 * limit + 120))

    def grade(self, pattern="*", workers=1, regrade=False):
        """Grade those who match, print how it goes. Returns the exit status."""
        name = self.assignment.name
        students = self._students(pattern)
        done = {} if regrade else self.book.endings(name)
        started, progress, pool = time.monotonic(), Progress(students), Workers(workers)
        jobs, waiting = self._jobs(students, done, progress), {}
        try:
            for student, timestamp, job in jobs:
                future = pool.submit(grade, job, self.seconds)
                waiting[future] = student, timestamp, fingerprint(job)
                if len(waiting) >= workers * AHEAD:
                    self._enter_some(waiting, progress)
            while waiting:
                self._enter_some(waiting, progress)
        except KeyboardInterrupt:
            progress.close()
            print(f"\nStopped. {progress.entered} of {len(students)} are entered;")
            print("the same command goes on with the others.")
            return INTERRUPTED
        finally:
            progress.close()
            pool.stop()
        print(progress.summary(name, time.monotonic() - started))
        return int(progress.failed > 0)

    def _students(self, pattern):
        """Who is to be graded; prints who is not, and why."""
        name = self.assignment.name
        students, refused, unmatched = self.course.students(name, pattern)
        for student in refused:
            print(f"left out: {student!r} is not fit to be a student's id")
        if unmatched and (students or refused):
            print(f"left out: {', '.join(unmatched)}: handed in nothing")
        if not students:
            folder = self.course.path("submitted", pattern, name)
            raise CourseError(f"nothing handed in: expected {folder}")
        return students

    def _jobs(self, students, done, progress):
        """What has to be graded: student, timestamps, bytes."""
        for student in students:
            timestamp = self.course.timestamp(self.assignment.name, student)
            files = self.course.files(self.assignment, student)
            job = pack_job(self.assignment, student, files, self.layers)
            entered, state = done.get(student, (None, None))
            path = self.course.path("autograded", student, self.assignment.name)
            if entered == fingerprint(job) and path.exists():
                self.book.take_penalties(self.assignment.name, student, timestamp[1])
                progress.unchanged(student, state)
            else:
                yield student, timestamp, job

    def _enter_some(self, waiting, progress):
        """Wait for a result, then write and enter all that are there."""
        for future in wait(waiting, return_when=FIRST_COMPLETED).done:
            student, (text, moment), mark = waiting.pop(future)
            name = self.assignment.name
            try:
                result = read_result(future.result())
            except (SandboxError, ServerError):
                raise
            except Exception as error:
                progress.failure(student, error)
                told = "The grader could not grade this; your instructor sees why."
                # Without a mark: the same command tries it again.
                result, mark = failed(self.assignment, told), ""
            self.course.write(name, student, text, result)
            self.book.commit(name, student, moment, mark, result)
            progress.add(student, result)


def _layers(accept):
    """What to ask of the sandbox."""
    try:
        return doctor.layers_to_ask(accept)
    except ValueError as error:  # a name that is no layer
        raise CourseError(str(error)) from None


class _Bar(tqdm):
    """With submissions a minute, as few are graded in a second."""

    @property
    def format_dict(self):
        found = super().format_dict
        rate = (self.n - self.initial) / found["elapsed"] if found["elapsed"] else 0
        return found | {"a_minute": f"{60 * rate:.0f} a minute"}


BAR = "{n_fmt}/{total_fmt} |{bar}| {a_minute}, {remaining} left"


class Progress:
    """A bar where somebody watches, a line for each submission where nobody does."""

    def __init__(self, students):
        self.entered, self.fresh, self.failed = 0, 0, 0
        self._all = len(students)
        self._states, self._who = Counter(), {}
        self._width = max(map(len, students))
        self._bar = None
        if sys.stdout.isatty():
            columns, rows = shutil.get_terminal_size()  # 80, 24 where it is not known
            looks = {"bar_format": BAR, "smoothing": 0, "ncols": columns, "nrows": rows}
            self._bar = _Bar(total=self._all, file=sys.stdout, **looks)

    def unchanged(self, student, state):
        """One that was entered by an earlier run."""
        self._count(student, state)
        if self._bar is not None:
            self._bar.initial += 1  # it says nothing about how fast it goes
        self._say(f"{student:<{self._width}}  {state}, as before")

    def failure(self, student, error):
        """A submission on which the grader itself failed; for the instructor."""
        self.failed += 1
        text = f"{student}: the grader failed: {type(error).__name__}: {error}"
        if self._bar is None:
            print(text, file=sys.stderr, flush=True)
        else:
            self._bar.write(text, file=sys.stderr)

    def add(self, student, result):
        """One that was entered now."""
        self.fresh += 1
        self._count(student, result.state)
        scores = [v for g in result.notebooks.values() for v in g.scores.values()]
        points = f"{sum(filter(None, scores)):g} points"
        hand = " and more by hand" if None in scores else ""
        seconds = f"{result.seconds:.1f} s"
        message = f"  {result.message}" if result.message else ""
        self._say(
            f"{student:<{self._width}}  {result.state:<13} {points}{hand},"
            f" {seconds}{message}"
        )

    def _count(self, student, state):
        self.entered += 1
        self._states[state] += 1
        self._who.setdefault(state, []).append(student)

    def _say(self, text):
        if self._bar is None:
            digits = len(str(self._all))
            print(f"{self.entered:>{digits}}/{self._all}  {text}", flush=True)
        else:
            self._bar.update()

    def close(self):
        """End the bar."""
        if self._bar is not None:
            self._bar.close()

    def summary(self, name, seconds):
        """How many ended how, and who did not end well."""
        rate = f", {60 * self.fresh / seconds:.0f} a minute" if self.fresh else ""
        graded = f"{self.fresh} graded now, in {seconds:.0f} s{rate}"
        lines = ["", f"{name}: {self._all} submissions; {graded}"]
        for state in State:
            if number := self._states[state]:
                well = state in (State.GRADED, State.UNANSWERED)
                who = "" if well else "  " + _listed(self._who[state])
                lines.append(f"  {state:<14}{number:>5}{who}")
        if self.failed:
            again = "The same command tries again those on which the grader failed."
            lines.append(again)
        lines.append(f"Next: nbgrader generate_feedback {name}; nbgrader export")
        return "\n".join(lines)


def _listed(names):
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def default_workers():
    """As many as there are processors to use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
