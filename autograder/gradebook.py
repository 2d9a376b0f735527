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
from contextlib import contextmanager

from nbgrader.api import Gradebook
from nbgrader.utils import (
    compute_checksum,
    determine_grade,
    is_grade,
    is_solution,
    is_task,
)
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
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import scoped_session, sessionmaker

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

    def source(self, assignment):
        """Name -> nbgrader's Notebook, of an assignment; MissingEntry if none."""
        return {n.name: n for n in self._book.find_assignment(assignment).notebooks}

    def endings(self, assignment):
        """Student -> (fingerprint, state) of the submissions that are done."""
        wanted = SUBMISSIONS.c.assignment == assignment
        with self.transaction():
            rows = self._connection.execute(SUBMISSIONS.select().where(wanted))
            return {row.student: (row.fingerprint, State(row.state)) for row in rows}

    # ---- one submission ----------------------------------------------------------

    def commit(self, assignment, student, timestamp, result):
        """Enter one result: student, submission, scores, penalty, ending."""
        with self.transaction() as book:
            book.update_or_create_student(student)
            more = {"timestamp": timestamp} if timestamp else {}
            submission = book.update_or_create_submission(assignment, student, **more)
            for notebook in submission.notebooks:
                cells = result.notebooks.get(notebook.name)
                self._enter(notebook, cells)
                book.db.flush()
                book.db.expire_all()
                self._take_penalty(submission, notebook)
            row = {
                "assignment": assignment,
                "student": student,
                "fingerprint": result.fingerprint,
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

    def _enter(self, notebook, cells):
        """Scores and comments by cell, as nbgrader's SaveAutoGrades; 0 if none."""
        found = {c.metadata.nbgrader.grade_id: c for c in cells or ()}
        for grade in notebook.grades:
            cell = found.get(grade.name)
            score = determine_grade(cell)[0] if cell and is_grade(cell) else 0
            grade.auto_score = score
            seen = grade.manual_score is not None
            grade.needs_manual_grade = bool(cell) and (score is None or seen)
        for comment in notebook.comments:
            cell = found.get(comment.name)
            empty = cell is None or (
                (is_solution(cell) or is_task(cell))
                and not is_task(cell)
                and cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
            )
            comment.auto_comment = "No response." if empty else None

    def _take_penalty(self, submission, notebook):
        """As nbgrader's AssignLatePenalties, with the course's plug-in."""
        notebook.late_submission_penalty = None
        late = submission.total_seconds_late
        if late > 0:
            points = self._late_penalty(submission.student_id, notebook.score, late)
            if points is not None:
                notebook.late_submission_penalty = min(max(points, 0), notebook.score)


__all__ = ["SUBMISSIONS", "Book", "OperationalError", "open_gradebook"]
