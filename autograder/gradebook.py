"""Writing results into nbgrader's gradebook: one transaction for a submission.

nbgrader's own functions commit after every step, so that a run that is killed
leaves half a submission behind. Here they work on savepoints inside one
transaction, which is committed once, together with the row of our own table
that says how the submission ended. What is not committed is graded again.
"""

import datetime
import os
import sys
import time
import warnings
from contextlib import contextmanager

from nbgrader.api import Assignment, Gradebook, SubmittedAssignment
from sqlalchemy import (
    Column,
    DateTime,
    Float,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
    inspect,
)
from sqlalchemy.exc import OperationalError, SAWarning
from sqlalchemy.orm import scoped_session, sessionmaker

from autograder.normalise import gradebook_cells
from autograder.states import State

PATIENCE = 60  # seconds to wait for a database that another program has locked

SUBMISSIONS = Table(
    "autograder_submission",
    MetaData(),
    Column("assignment", String(128), primary_key=True),
    Column("student", String(128), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(32), nullable=False),
    Column("message", Text, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("graded", DateTime, nullable=False),
)


def open_gradebook(db_url, course_id):
    """Nbgrader's gradebook, waiting for one that is locked or being made."""
    # nbgrader calls `alembic` when it makes one; it lies where this Python does.
    programs = os.path.dirname(sys.executable)
    if programs not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ.get("PATH", "")])
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return Gradebook(db_url, course_id)
        except Exception as error:
            # Two that make one gradebook at once: "table ... already exists".
            if time.monotonic() > give_up or not _passes(error):
                raise
            time.sleep(0.2)


def _passes(error):
    """Whether an error of the database goes away when another is done."""
    text = str(error).lower()
    words = ("locked", "already exists", "unique constraint", "no such table")
    return isinstance(error, Exception) and any(word in text for word in words)


def _engine(db_url):
    """An engine whose transactions are real ones in SQLite too.

    Python's driver would begin one only at the first change, after a savepoint,
    and commit in between. IMMEDIATE waits for a lock at the beginning, where
    nothing has been read that could change.
    """
    if not db_url.startswith("sqlite"):
        return create_engine(db_url)
    engine = create_engine(db_url, connect_args={"timeout": PATIENCE})

    @event.listens_for(engine, "connect")
    def leave_it_to_us(connection, record):
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def read_endings(engine, assignment):
    """Student -> the state and message with which a submission ended."""
    if not inspect(engine).has_table(SUBMISSIONS.name):
        return {}
    wanted = SUBMISSIONS.c.assignment == assignment
    with engine.connect() as connection:
        rows = connection.execute(SUBMISSIONS.select().where(wanted)).all()
    return {row.student: {"state": row.state, "message": row.message} for row in rows}


class Book:
    """The gradebook of a course, over one connection."""

    def __init__(self, db_url, course_id, late_penalty):
        """late_penalty: (student, score, seconds late) -> points to take, or None."""
        self._book = open_gradebook(db_url, course_id)
        self._book.engine.dispose()
        self._engine = _engine(db_url)
        self._late_penalty = late_penalty
        self._connection = self._engine.connect()
        SUBMISSIONS.create(self._engine, checkfirst=True)
        self._session(self._connection)

    def _session(self, connection):
        """Nbgrader's functions work on this connection; commits are savepoints."""
        self._book.db.remove()
        self._book.engine = self._engine
        self._book.db = scoped_session(
            sessionmaker(bind=connection, join_transaction_mode="create_savepoint")
        )

    def close(self):
        """Give the connection back."""
        self._book.db.remove()
        self._connection.close()
        self._engine.dispose()

    @contextmanager
    def transaction(self):
        """All or nothing."""
        outer = self._connection.begin()
        try:
            yield self._book
            self._book.db.flush()
            outer.commit()
        except BaseException:
            outer.rollback()
            raise
        finally:
            self._book.db.remove()

    # ---- what is known -----------------------------------------------------------

    def notebooks(self, assignment):
        """Name -> SourceCells in no order, of an assignment; MissingEntry if none."""
        with self.transaction() as book:
            found = book.find_assignment(assignment).notebooks
            return {notebook.name: gradebook_cells(notebook) for notebook in found}

    def endings(self, assignment):
        """Student -> (fingerprint, state) of the submissions that are done.

        What somebody has since removed from nbgrader's tables is not done.
        """
        wanted = SUBMISSIONS.c.assignment == assignment
        with self.transaction() as book:
            known = book.db.query(SubmittedAssignment.student_id).join(Assignment)
            known = {row[0] for row in known.filter(Assignment.name == assignment)}
            rows = self._connection.execute(SUBMISSIONS.select().where(wanted)).all()
        rows = [row for row in rows if row.student in known]
        return {row.student: (row.fingerprint, State(row.state)) for row in rows}

    # ---- one submission ----------------------------------------------------------

    def commit(self, assignment, student, timestamp, fingerprint, result):
        """Enter one grading.Result: student, submission, scores, penalty, ending.

        timestamp: when it was handed in, a UTC datetime; or None. fingerprint: of
        what was graded, see `endings`.
        """
        with self.transaction() as book, warnings.catch_warnings():
            # From inside nbgrader, about objects that it adds a moment later.
            warnings.simplefilter("ignore", SAWarning)
            book.update_or_create_student(student)
            submission = self._submission(book, assignment, student, timestamp)
            for notebook in submission.notebooks:
                with book.db.no_autoflush:
                    self._enter(notebook, result.notebooks[notebook.name])
                book.db.flush()
                book.db.expire_all()
                self._take_penalty(submission, notebook)
            row = {
                "assignment": assignment,
                "student": student,
                "fingerprint": fingerprint,
                "state": str(result.state),
                "message": result.message,
                "seconds": result.seconds,
                "graded": datetime.datetime.now(datetime.UTC).replace(tzinfo=None),
            }
            wanted = (SUBMISSIONS.c.assignment == assignment) & (
                SUBMISSIONS.c.student == student
            )
            book.db.execute(SUBMISSIONS.delete().where(wanted))
            book.db.execute(SUBMISSIONS.insert().values(**row))

    def take_penalties(self, assignment, student, timestamp):
        """Take them anew: the time, the due date or the rule may have changed."""
        with self.transaction() as book:
            submission = self._submission(book, assignment, student, timestamp)
            for notebook in submission.notebooks:
                self._take_penalty(submission, notebook)

    @staticmethod
    def _submission(book, assignment, student, timestamp):
        more = {"timestamp": timestamp} if timestamp else {}
        return book.update_or_create_submission(assignment, student, **more)

    def _enter(self, notebook, graded):
        """Scores and comments by cell, as nbgrader's SaveAutoGrades does."""
        known = notebook.notebook  # its cells at once, rather than one by one
        cells = [*known.grade_cells, *known.solution_cells, *known.task_cells]
        names = {cell.id: cell.name for cell in cells}
        for grade in notebook.grades:
            grade.auto_score = graded.scores.get(names[grade.cell_id], 0)
            seen = grade.manual_score is not None
            grade.needs_manual_grade = grade.auto_score is None or seen
        for comment in notebook.comments:
            blank = names[comment.cell_id] in graded.blank
            comment.auto_comment = "No response." if blank else None

    def _take_penalty(self, submission, notebook):
        """As nbgrader's AssignLatePenalties, with the course's plug-in."""
        notebook.late_submission_penalty = None
        late = submission.total_seconds_late
        if late > 0:
            points = self._late_penalty(submission.student_id, notebook.score, late)
            if points is not None:
                notebook.late_submission_penalty = min(max(points, 0), notebook.score)


__all__ = ["SUBMISSIONS", "Book", "OperationalError", "open_gradebook"]
