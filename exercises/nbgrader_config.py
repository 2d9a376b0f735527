"""The nbgrader course "gate-by-gate": run nbgrader in the folder of this file.

What is not set here is nbgrader's default; the exchange is left to the
instructor's machine.
"""

import math
import os
import sys
from pathlib import Path

from nbgrader.plugins import BasePlugin
from nbgrader.preprocessors import OverwriteCells
from nbgrader.utils import is_grade

from autograder import plugin

c = get_config()  # noqa: F821, nbgrader defines it


class TenPercentADay(BasePlugin):
    """Take 10 % of the score for every day begun after the due date."""

    def late_submission_penalty(self, student_id, score, total_seconds_late):
        """Return the points to take away, between 0 and score."""
        days_begun = math.ceil(total_seconds_late / 86400)
        return min(score, 0.1 * days_begun * score)


class KeepEveryCheck(OverwriteCells):
    """Put back the checks a student deleted, at the end of the notebook.

    nbgrader puts them behind the cell before, and gives the whole submission
    up where that cell is gone too, or where a cell was copied.
    """

    def add_missing_grade_cells(self, nb, resources):
        """Return the notebook with every check in it, and the resources."""
        for cell in nb.cells:
            if cell.metadata.get("nbgrader") == {}:  # a copy, seen by DeduplicateIds
                del cell.metadata["nbgrader"]
        present = {c.metadata.nbgrader.grade_id for c in nb.cells if is_grade(c)}
        notebook = self.gradebook.find_notebook(self.notebook_id, self.assignment_id)
        solutions = {cell.name for cell in notebook.solution_cells}
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        for cell in notebook.source_cells:
            if cell.name in points and cell.name not in present:
                restored = self.missing_cell_transform(
                    cell, points[cell.name], is_solution=cell.name in solutions
                )
                nb.cells.append(restored)
        return nb, resources


# What the hidden tests draw their inputs from. It reaches them as a variable of
# the environment, which kernels inherit; no notebook holds it. The 1 is public:
# write a number of your own into seed.txt beside this file.
SEED_FILE = Path(__file__).resolve().with_name("seed.txt")
if "LSTM_LIB_CHECKS_SEED" not in os.environ:
    if not SEED_FILE.exists():
        said = "hidden tests draw from the seed 1, which students can read"
        print(f"No {SEED_FILE}: {said}. Write your own there.", file=sys.stderr)
    seed = SEED_FILE.read_text().strip() if SEED_FILE.exists() else "1"
    os.environ["LSTM_LIB_CHECKS_SEED"] = seed

c.CourseDirectory.course_id = "gate-by-gate"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)

c.AssignLatePenalties.plugin_class = TenPercentADay

# Student code runs in a sandbox and never meets a test. `python -m autograder
# doctor` says whether this machine can do that.
plugin.configure(c)
c.Course.environment = ["LSTM_LIB_CHECKS_SEED"]

# ---- for plain nbgrader: what follows counts where the two lines above are gone ----

# One cell may run for a minute; then it is interrupted, a check keeps what the
# cases before earned, and the next cell starts.
c.ExecutePreprocessor.timeout = 60
c.ExecutePreprocessor.kernel_name = "python3"

# Text on stderr costs nothing: nbgrader would give 0 where the check says right.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = ".*"

# A check that a student deleted is put back and scored like any other.
c.OverwriteCells.add_missing_cells = True
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    KeepEveryCheck,
    "nbgrader.preprocessors.CheckCellMetadata",
]
