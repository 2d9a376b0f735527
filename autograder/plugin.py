"""What makes nbgrader grade by split execution, in the sandbox.

Two lines in nbgrader_config.py:

    from autograder import plugin
    plugin.configure(c)

Then `nbgrader autograde`, NbGraderAPI.autograde and the button of formgrader
do what `python -m autograder grade` does, one submission after another.
"""

import copy
import csv
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbgrader.api import MissingEntry
from nbgrader.plugins.export import ExportPlugin

from autograder import doctor
from autograder.course import Course, fingerprint
from autograder.gradebook import read_endings
from autograder.grading import grade, pack_job, read_result


def configure(c):
    """Set what nbgrader has to know; `c` is the config of nbgrader_config.py."""
    c.Autograde.exporter_class = "autograder.plugin.SplitGrading"
    c.GenerateFeedback.preprocessors = [
        "nbgrader.preprocessors.GetGrades",
        "autograder.feedback.ReadableReports",
        "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
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
        converter.pre_convert_hook = self._expect_notebooks
        # nbgrader would copy whatever lies in the submission, links followed.
        converter.coursedir = copy.copy(converter.coursedir)
        converter.coursedir.ignore = ["*"]
        self.course = Course(converter.coursedir, parent=converter)
        self._graded = {}  # (assignment, student) -> Result

    def _expect_notebooks(self, notebooks, **_):
        """Have nbgrader ask for the notebooks by their right names.

        Which file is which notebook is for the normaliser to find out.
        """
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
        if key not in self._graded:
            self._graded[key] = self._grade(*key)
        resources["output_extension"] = ".ipynb"
        return self._graded[key].notebooks[told["notebook"]].text, resources

    def _grade(self, name, student):
        """Grade a submission, enter the result and write its files."""
        layers = doctor.layers_to_ask(self.course.accept_missing)
        book = self.course.book()
        try:
            assignment = self.course.assignment(name, book)
            files = self.course.files(assignment, student)
            job = pack_job(assignment, student, files, layers)
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
