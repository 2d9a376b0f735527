"""The folder of a course, read and written as nbgrader's configuration says."""

import fnmatch
import glob
import hashlib
import os
import re
import shutil
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.apps import NbGrader
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties
from nbgrader.utils import find_all_files, parse_utc
from traitlets import List, Unicode
from traitlets.config import LoggingConfigurable

from autograder.gradebook import Book
from autograder.grading import HIDDEN, HIDDEN_END, Assignment, released, with_limits
from autograder.normalise import read_folder
from autograder.sanitise import sanitise_name
from autograder.settings import Settings, SettingsError, read_settings

SETTINGS_FILE = "assignment.toml"
GIVEN = 32 * 2**20  # bytes of all files that an instructor gives
TIMESTAMP = "timestamp.txt"
FORMAT = "1"  # of what is written; another one has everything graded again


class CourseError(Exception):
    """A course that cannot be graded as it is; the text says what to do."""


class Course(LoggingConfigurable):
    """One course: its assignments, its submissions, its gradebook."""

    accept_missing = List(
        Unicode(), help="Layers of the sandbox that this machine may lack."
    ).tag(config=True)
    environment = List(
        Unicode(), help="Names of environment variables that test cells may read."
    ).tag(config=True)
    paths = List(
        Unicode(), help="Folders, within the course, that test cells import from."
    ).tag(config=True)

    def __init__(self, coursedir, **keywords):
        super().__init__(**keywords)
        self.folder = coursedir
        self.root = Path(coursedir.root)
        self.penalties = AssignLatePenalties(parent=self)
        self.penalties.init_plugin()
        marks = self.config.ClearHiddenTests
        begin, end = (marks.get(f"{w}_test_delimeter") for w in ("begin", "end"))
        self.hidden = begin if isinstance(begin, str) else HIDDEN
        self.hidden_end = end if isinstance(end, str) else HIDDEN_END

    def book(self):
        """The gradebook, open; close it."""
        late = self.penalties.plugin_inst.late_submission_penalty
        return Book(self.folder.db_url, self.folder.course_id, late)

    def path(self, step, student, assignment):
        """The folder of one step: "source", "submitted", "autograded"."""
        step = getattr(self.folder, f"{step}_directory")
        return Path(self.folder.format_path(step, student, assignment))

    # ---- what is there ---------------------------------------------------------

    def assignment(self, name, book, seconds=None, memory_mb=None):
        """An Assignment, from the gradebook and its source folder.

        Raises CourseError where nbgrader does not know it, or where its settings
        or notebooks cannot be read.
        """
        folder = self.path("source", ".", name)
        try:
            stored = book.notebooks(name)
        except MissingEntry:
            first = f"Run `nbgrader generate_assignment {name}` first."
            raise CourseError(f"{name} is not in the gradebook. {first}") from None
        settings = Settings()
        if (folder / SETTINGS_FILE).exists():
            try:
                settings = read_settings(folder / SETTINGS_FILE)
            except SettingsError as error:
                raise CourseError(str(error)) from None
        return Assignment(
            name,
            {key: _released(folder / f"{key}.ipynb", stored[key]) for key in stored},
            with_limits(settings, seconds, memory_mb),
            self._given(folder),
            {key: os.environ[key] for key in self.environment if key in os.environ},
            tuple(str(self.root / path) for path in self.paths),
            self.hidden,
            self.hidden_end,
        )

    def _given(self, folder):
        """The files beside the source notebooks, which submissions are run with."""
        ignored = [*self.folder.ignore, "*.ipynb", SETTINGS_FILE]
        paths = sorted(find_all_files(str(folder), ignored))
        size = sum(os.path.getsize(path) for path in paths)
        if size > GIVEN:
            expected = f"expected at most {GIVEN >> 20} MB of files"
            raise CourseError(f"{folder}: {expected}, got {size >> 20} MB.")
        return {
            Path(path).relative_to(folder).as_posix(): Path(path).read_bytes()
            for path in paths
        }

    def students(self, assignment, pattern="*", step="submitted"):
        """The ids of those who handed in, names that are no id, and what fits none.

        pattern: ids with commas between them, where * and ? stand for any.
        step: "autograded" for those who are graded.
        """
        directory = getattr(self.folder, f"{step}_directory")
        folder = self.folder.format_path(directory, "*", glob.escape(assignment))
        like = self.folder.format_path(
            re.escape(directory),
            f"(?P<student>[^{re.escape(os.sep)}]+)",
            re.escape(assignment),
            escape=True,
        )
        found = [re.fullmatch(like, path) for path in glob.glob(folder)]
        ids = sorted(match["student"] for match in found if match)
        excluded = self.folder.student_id_exclude.split(",")
        patterns = [part.strip() for part in pattern.split(",")]
        fitting = {p: {*fnmatch.filter(ids, p)} - {*excluded} for p in patterns}
        unmatched = [p for p in patterns if not fitting[p]]
        ids = sorted(set().union(*fitting.values()))
        good = [i for i in ids if sanitise_name(i) == i]
        return good, sorted(set(ids) - set(good)), unmatched

    def files(self, assignment, student):
        """What a student handed in, as `normalise` reads it.

        A folder that cannot be read is as an empty one, and the log says so; so
        is a link, which could lead to another student's.
        """
        folder = self.path("submitted", student, assignment.name)
        try:
            if folder.is_symlink():
                raise NotADirectoryError(None, "expected a folder, got a link")
            return read_folder(folder, assignment.settings)
        except OSError as error:
            self.log.error("%s: %s", folder, error.strerror)
            return {}

    def timestamp(self, assignment, student):
        """When it was handed in, as text and as a UTC datetime, or None twice."""
        return self.timestamp_in(self.path("submitted", student, assignment))

    def timestamp_in(self, folder):
        """When what lies in a folder was handed in."""
        path = Path(folder, TIMESTAMP)
        if path.is_symlink() or not path.is_file():
            return None, None
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read(100).strip()
            return (text, parse_utc(text)) if text else (None, None)
        except (OSError, ValueError, OverflowError):
            self.log.error("%s: no time that can be read; taken as in time", path)
            return None, None

    # ---- what is written -------------------------------------------------------

    def write(self, assignment, student, timestamp, result):
        """Write the graded notebooks of a submission, and its files, in one step."""
        folder = self.path("autograded", student, assignment)
        new, old = (
            folder.with_name(f".{folder.name}.{word}") for word in ("new", "old")
        )
        try:
            for path in (new, old):
                shutil.rmtree(path, ignore_errors=True)
            new.mkdir(parents=True)
            self.write_into(new, timestamp, result)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)
        except OSError as error:
            shutil.rmtree(new, ignore_errors=True)
            raise CourseError(f"{folder}: cannot write: {error.strerror}") from error
        shutil.rmtree(old, ignore_errors=True)

    def write_into(self, folder, timestamp, result):
        """Write them into a folder, with the rights that nbgrader gives."""
        texts = {f"{k}.ipynb": v.text.encode() for k, v in result.notebooks.items()}
        if timestamp:
            texts[TIMESTAMP] = timestamp.encode()
        for name, data in (result.files | texts).items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            path.chmod(0o664 if self.folder.groupshared else 0o444)
        if self.folder.groupshared:
            for path in (folder.parent, folder, *folder.rglob("*/")):
                path.chmod(path.stat().st_mode | 0o2770)


def _released(path, stored):
    """A Released notebook; without its source in the order of the gradebook."""
    if not path.exists():
        return released(nbformat.v4.new_notebook(), stored)
    try:
        return released(nbformat.read(path, 4), stored)
    except Exception as error:  # nbformat promises nothing for a broken notebook
        raise CourseError(f"{path}: {error}") from error


def fingerprint(job):
    """Of a job: the same bytes are graded to the same result."""
    return hashlib.sha256(FORMAT.encode() + job).hexdigest()


def open_course(folder):
    """The Course in a folder, configured by its nbgrader_config.py.

    Raises CourseError where there is none, or where its settings are wrong.
    """
    folder = Path(folder).resolve()
    if not (folder / "nbgrader_config.py").exists():
        raise CourseError(f"{folder}: expected a course, with its nbgrader_config.py")
    before = os.getcwd()
    os.chdir(folder)  # where nbgrader looks
    try:
        app = NbGrader(log_level="ERROR", raise_config_file_errors=True)
        app.initialize([], root=str(folder))
        return Course(CourseDirectory(parent=app), parent=app)
    except Exception as error:  # the settings are a program, and may raise anything
        path = folder / "nbgrader_config.py"
        raise CourseError(f"{path}: {type(error).__name__}: {error}") from error
    finally:
        os.chdir(before)


__all__ = ["Course", "CourseError", "fingerprint", "open_course"]
