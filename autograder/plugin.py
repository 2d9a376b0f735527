"""What makes nbgrader grade by split execution, in the sandbox.

Two lines in nbgrader_config.py:

    from autograder import plugin
    plugin.configure(c)

Then `nbgrader autograde`, NbGraderAPI.autograde and the button of formgrader
do what `python -m autograder grade` does, one submission after another.
"""

import copy
import csv
import glob
import re
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.api import MissingEntry
from nbgrader.converters.base import NbGraderException
from nbgrader.plugins.export import ExportPlugin

from autograder import doctor
from autograder.course import Course, fingerprint
from autograder.gradebook import read_endings
from autograder.grading import grade, pack_job, read_result
from autograder.sandbox import SandboxError
from autograder.sanitise import sanitise_name


def configure(c):
    """Set what nbgrader has to know; `c` is the config of nbgrader_config.py."""
    c.Autograde.exporter_class = "autograder.plugin.SplitGrading"
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
        "autograder.feedback.ReadableReports",
    ]
    c.ExportApp.plugin_class = "autograder.plugin.ExportStates"


class SplitGrading(NotebookExporter):
    """Stands where nbgrader's Autograde converts notebooks.

    nbgrader converts each notebook twice, to clean it and to run it. Here the
    first conversion of a submission grades all of it and enters the result; the
    others hand out what was written.
    """

    def __init__(self, **keywords):
        super().__init__(**keywords)
        converter = self.parent
        self._own_hook = converter.pre_convert_hook
        converter.pre_convert_hook = self._expect_notebooks
        self.course = Course(converter.coursedir, parent=converter)
        # nbgrader would copy whatever lies in the submission, links followed.
        converter.coursedir = copy.copy(converter.coursedir)
        converter.coursedir.ignore = ["*"]
        converter.coursedir.get_existing_timestamp = self._timestamp
        self._choose_submissions(converter)
        self._last = None, None  # (assignment, student), its Result
        try:
            self.layers = doctor.layers_to_ask(self.course.accept_missing)
        except (SandboxError, ValueError) as error:
            flag, setting = (
                "--accept-missing LAYER",
                'c.Course.accept_missing = ["LAYER"]',
            )
            text = str(error).replace(flag, setting)
            self.log.error(text)
            raise NbGraderException(text) from None

    def _timestamp(self, folder):
        """As nbgrader reads it, but no link, no flood, and a wrong one is none."""
        return self.course.timestamp_in(folder)[1]

    def _choose_submissions(self, converter):
        """Also those without a notebook; none whose folder's name is no fit id."""
        folder = converter.coursedir
        if folder.notebook_id == "*":
            every = folder.format_path(
                folder.submitted_directory, folder.student_id, folder.assignment_id
            )
            for path in glob.glob(every):
                # Only its folder counts, see _expect_notebooks.
                converter.assignments.setdefault(path, [f"{path}/none.ipynb"])
        like = folder.format_path(
            folder.submitted_directory, "(?P<student>.*)", ".*", escape=True
        )
        for path in list(converter.assignments):
            student = re.match(like, path)["student"]
            if sanitise_name(student) != student:
                self.log.error("left out: %r is not fit to be a student's id", student)
                del converter.assignments[path]

    def _expect_notebooks(self, notebooks, **told):
        """Have nbgrader ask for the notebooks by their right names.

        Which file is which notebook is for the normaliser to find out.
        """
        if self._own_hook:
            self._own_hook(notebooks=notebooks, **told)
        folder = Path(notebooks[0]).parent
        assignment = self.parent.coursedir.assignment_id
        book = self.course.book()
        try:
            names = sorted(book.notebooks(assignment))
        except MissingEntry:  # nbgrader will say so
            return
        finally:
            book.close()
        notebooks[:] = [str(folder / f"{name}.ipynb") for name in names]

    def from_filename(self, filename, resources=None, **_):
        """Return the text of a graded notebook, and the resources."""
        told = resources["nbgrader"]
        key = told["assignment"], told["student"]
        if self._last[0] != key:
            self._last = key, self._grade(*key)
        resources["output_extension"] = ".ipynb"
        return self._last[1].notebooks[told["notebook"]].text, resources

    def _grade(self, name, student):
        """Grade a submission, enter the result and write its files."""
        book = self.course.book()
        try:
            assignment = self.course.assignment(name, book)
            files = self.course.files(assignment, student)
            job = pack_job(assignment, student, files, self.layers)
            result = read_result(grade(job))
            text, moment = self.course.timestamp(name, student)
            book.commit(name, student, moment, fingerprint(job), result)
        finally:
            book.close()
        folder = self.course.path("autograded", student, name)
        self.course.write_into(folder, text, result)
        return result


class ExportStates(ExportPlugin):
    """nbgrader's table of grades, with how each submission ended.

    So that "graded, and nothing was right" is told from "could not be graded".
    """

    COLUMNS = (
        *("assignment", "duedate", "timestamp", "student_id", "last_name"),
        *("first_name", "email", "raw_score", "late_submission_penalty", "score"),
        *("max_score", "state", "message"),
    )

    def export(self, gradebook):
        """Write it to the file `to`, grades.csv if that is empty."""
        with open(self.to or "grades.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, self.COLUMNS)
            table.writeheader()
            for assignment in gradebook.assignments:
                if self.assignment and assignment.name not in self.assignment:
                    continue
                endings = read_endings(gradebook.engine, assignment.name)
                for student in gradebook.students:
                    if not self.student or student.id in map(str, self.student):
                        row = _row(gradebook, assignment, student)
                        table.writerow(row | endings.get(student.id, {}))


def _row(gradebook, assignment, student):
    """What nbgrader knows of one student's submission; the state is known to us."""
    row = {
        "assignment": assignment.name,
        "duedate": assignment.duedate,
        "student_id": student.id,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "email": student.email,
        "max_score": assignment.max_score,
    }
    row |= dict.fromkeys(("raw_score", "late_submission_penalty", "score"), 0.0)
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return row | {"state": "not submitted"}
    penalty = submission.late_submission_penalty
    return row | {
        "timestamp": submission.timestamp,
        "raw_score": submission.score,
        "late_submission_penalty": penalty,
        "score": max(0.0, submission.score - penalty),
        "state": "entered by nbgrader alone",
    }
