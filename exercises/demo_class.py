"""A demonstration: a made-up class hands in every problem set, and is graded.

    python exercises/demo_class.py [--class 40] [--assignments ps1 ps2]

It makes a course folder, hands out each set, hands in for the class, has all of
it graded by `python -m autograder grade` in its sandbox, writes feedback and
grades.csv, and prints a summary. The same class is made each time.
"""

import argparse
import html
import re
import signal
import statistics
import subprocess
import sys
import textwrap
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import course
import demo_answers

ROOT = course.HERE.parent
WIDTH = 100  # columns of the summary
MOST = 8  # mistakes in the list of those that were made most often
LISTED = re.compile(r" *(\d+)/(\d+)  ")  # a line of the autograder: one is entered
INTERRUPTED = 130  # the exit status after Ctrl-C


# ---- what was found ------------------------------------------------------------


@dataclass(frozen=True)
class Graded:
    """One graded submission, from the gradebook and the graded notebook.

    state: how it ended, as grades.csv says. points: of the checks, before the
    penalty for being late. by_hand: how many answers wait for a person.
    mistakes: pairs of a check and a misconception's id. looks: why a person
    should look at it, one line each.
    """

    assignment: str
    student: str
    state: str
    points: float
    penalty: float
    by_hand: int
    mistakes: frozenset
    looks: tuple

    @property
    def score(self):
        """What the gradebook gives until a person adds points."""
        return self.points - self.penalty


def read_graded(nbgrader, assignment, exported, sentences):
    """The Graded submissions of a set. exported: the rows of grades.csv.

    Adds to sentences what each mistake is: (check, id) -> sentence.
    """
    found = []
    for line in exported:
        if line["assignment"] == assignment and line["state"] != "not submitted":
            student = line["student_id"]
            row = course.read_row(nbgrader, assignment, student)
            mistakes, looks = _read_notebook(nbgrader, assignment, student, sentences)
            if line["state"] != "graded":
                looks = [line["message"] or "every answer is as it was handed out"]
            found.append(
                Graded(
                    assignment,
                    student,
                    line["state"],
                    row["total"] + row["late"],
                    row["late"],
                    len(row["by_hand"]),
                    frozenset(mistakes),
                    tuple(looks),
                )
            )
    return found


def _read_notebook(nbgrader, assignment, student, sentences):
    """What the checks named, and what else a person should know, of one notebook."""
    mistakes, errors, notes = [], [], []
    for cell in course.graded_notebook(nbgrader, assignment, student).cells:
        ours = cell.metadata.get("nbgrader", {})
        name = ours.get("grade_id")
        is_answer = ours.get("solution")  # errors elsewhere follow from wrong answers
        for output in cell.get("outputs", []):
            if output.output_type == "error" and is_answer and not _is_open(output):
                said = output.evalue.partition(" (<ipython-input")[0]
                errors.append(f"{output.ename} in {name}: {said}")
            verdict = output.get("data", {}).get(course.VERDICT, {"cases": []})
            for case in verdict["cases"]:
                if case["message"].startswith("Interrupted"):
                    errors.append(f"{name} took too long and was stopped")
                if case["misconception"]:
                    key = verdict["check"], case["misconception"]
                    sentences[key] = case["mistake"]
                    mistakes.append(key)
        if cell.get("id") == "autograder-note":
            items = re.findall(r"<li>(.*?)</li>", cell.source, re.S)
            notes += [re.sub("<.*?>", "", html.unescape(item)) for item in items]
    return mistakes, [*errors[:1], *notes]  # later errors follow from the first


def _is_open(output):
    """Whether this error says only that nothing was answered."""
    return output.ename == "NotImplementedError"


# ---- the summary -----------------------------------------------------------------


def print_summary(graded, sets, sentences, folder):
    """graded: of all sets. sets: name -> what is known of a set, see `about`."""
    students = sorted({one.student for one in graded})
    number = len(graded)
    print(f"\n{number} submissions of {len(students)} students are graded.")
    _print_sets(graded, sets)
    _print_mistakes(graded, sentences)
    _print_looks(graded, folder)
    _print_students(graded, sets, students)
    _print_places(graded, sets, folder)


def _title(text, *lines):
    print(f"\n{text}\n{'-' * len(text)}")
    for line in lines:
        print(textwrap.fill(line, WIDTH))
    if lines:
        print()


def print_table(rows, right=()):
    """Columns with two spaces between; a long text in the last one is folded.

    right: the numbers of the columns that are set to the right.
    """
    *widths, last = (max(map(len, column)) for column in zip(*rows))
    place = sum(widths) + 2 * len(widths)
    for *row, text in rows:
        cells = [
            cell.rjust(width) if k in right else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths))
        ]
        if len(row) in right:
            text = text.rjust(last)
        lines = textwrap.wrap(text, WIDTH - place, drop_whitespace=False) or [""]
        print("  ".join([*cells, lines[0]]).rstrip())
        for line in lines[1:]:
            print(" " * place + line.strip())


def _print_sets(graded, sets):
    _title(
        "The sets",
        "Points are those that the checks give, less 10 % for each day late. Mean and "
        "median are of those who handed in. Nobody has graded by hand yet.",
    )
    rows = [("set", "", "handed in", "late", "points", "mean", "median", "a minute")]
    for name, about in sets.items():
        scores = [one.score for one in graded if one.assignment == name]
        late = sum(one.penalty > 0 for one in graded if one.assignment == name)
        rows.append(
            (
                name,
                about["title"],
                f"{len(scores)} of {about['students']}",
                str(late),
                f"{about['points']:g}",
                f"{statistics.mean(scores):.1f}" if scores else "-",
                f"{statistics.median(scores):.1f}" if scores else "-",
                f"{60 * len(scores) / about['seconds']:.0f}",
            )
        )
    print_table(rows, right=range(2, 8))


def _print_mistakes(graded, sentences):
    made = Counter((one.assignment, *key) for one in graded for key in one.mistakes)
    if not made:
        return
    _title(
        "The mistakes made most often",
        f"The checks recognised {len(made)} different mistakes. Each has a name for "
        "you, and a sentence for the student:",
    )
    ranked = sorted(made.items(), key=lambda pair: (-pair[1], pair[0]))
    for (name, check, mistake), number in ranked[:MOST]:
        print(f"{number:4} x  {name} {check}: {mistake.replace('-', ' ')}")
        said = " ".join(sentences[check, mistake].split())
        print(textwrap.indent(textwrap.fill(said, WIDTH - 8), 8 * " "))


def _print_looks(graded, folder):
    looks = [one for one in graded if one.looks]
    if not looks:
        return
    _title(
        "Who needs a look",
        "None of these kept others from being graded. What could be run was graded.",
    )
    rows = [("student", "set", "points", "state", "what was found")]
    for one in looks:
        said = " ".join("; ".join(one.looks).split())
        said = said.replace(str(folder), str(_near(folder)))
        rows.append((one.student, one.assignment, f"{one.points:g}", one.state, said))
    print_table(rows, right=(2,))


def _print_students(graded, sets, students):
    _title(
        "The students", "L: late, the penalty is taken. !: see above. -: not handed in."
    )
    by_key = {(one.student, one.assignment): one for one in graded}
    rows = [("student", *sets, "sum")]
    for student in students:
        ones = [by_key.get((student, name)) for name in sets]
        total = sum(one.score for one in ones if one)
        rows.append((student, *map(_points, ones), f"{total:.1f}"))
    print_table(rows, right=range(1, len(sets) + 2))


def _points(one):
    if one is None:
        return "-  "
    marks = ("L" if one.penalty else "") + ("!" if one.looks else "")
    return f"{one.score:.1f}{marks:<2}"


def _print_places(graded, sets, folder):
    _title("Where to look next", f"All of it is an nbgrader course in {_near(folder)}:")
    first = next((one for one in graded if one.mistakes), graded[0])
    own = f"{first.student}/{first.assignment}/{first.assignment}"
    by_hand = Counter(one.assignment for one in graded if one.by_hand)
    rows = [
        ("grades.csv", "every score, penalty and state, for a spreadsheet"),
        (f"feedback/{own}.html", "what a student gets back; open it in a browser"),
        (f"autograded/{own}.ipynb", "the same notebook for you, hidden tests included"),
        ("gradebook.db", "nbgrader's gradebook"),
    ]
    print_table([(f"  {path}", what) for path, what in rows])
    for name, number in by_hand.items():
        each = f"{sets[name]['by_hand']:g} points each"
        print(f"\n{number} answers to {name} are in words and wait for you, {each}.")
    if by_hand:
        print("To grade them start jupyter lab in that folder: Nbgrader, Formgrader.")


def _near(folder):
    """A folder as it is called from here."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


# ---- making and grading the class ------------------------------------------------


class Progress:
    """A line that counts up where somebody watches; its end alone where nobody does."""

    def __init__(self, what):
        self._what, self._watched = what, sys.stdout.isatty()
        self.started = time.monotonic()
        self.say("")

    @property
    def seconds(self):
        return time.monotonic() - self.started

    def say(self, text):
        if self._watched:
            print(f"\r\033[K  {self._what} {text}", end="", flush=True)

    def done(self, text):
        start = "\r\033[K" if self._watched else ""
        print(f"{start}  {self._what} {text}, {self.seconds:.0f} s", flush=True)


def make_class(nbgrader, folder, names, number):
    """Hand out and hand in: set -> student -> demo_answers.Submission."""
    made = {}
    for name in names:
        progress = Progress(f"{name}:")
        progress.say("is handed out and handed in")
        due = demo_answers.as_text(demo_answers.due(name))
        release = course.release_assignment(nbgrader, name, due)
        made[name] = demo_answers.hand_in(name, release, number, names, folder)
        for student, one in made[name].items():
            when = demo_answers.as_text(one.handed_in)
            course.hand_in(folder, name, student, one.notebook, when)
        with nbgrader.gradebook as gradebook:
            for student in demo_answers.students(number):
                gradebook.update_or_create_student(student)
        progress.done(f"handed out; {len(made[name])} of {number} handed in")
    return made


def grade(folder, name, workers, accept_missing):
    """Have the autograder grade a set; the seconds that it took."""
    command = [sys.executable, "-m", "autograder", "grade", name]
    command += ["--course", str(folder), "--workers", str(workers)]
    for layer in accept_missing:
        command += ["--accept-missing", layer]
    progress = Progress(f"{name}:")
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # Ctrl-C comes to us, and is told once
    )
    told, entered = [], 0
    try:
        for line in process.stdout:
            if found := LISTED.match(line):
                entered = int(found[1])
                progress.say(f"{entered} of {found[2]} graded")
            else:
                told.append(line)
        status = process.wait()
    except BaseException:
        process.send_signal(signal.SIGINT)
        process.communicate()
        raise
    finally:
        process.stdout.close()
    if status:
        said = "".join(told).strip()
        raise SystemExit(f"\n{said}\n{name} was not graded to the end, see above.")
    progress.done(f"{entered} graded")
    return progress.seconds


def write_feedback(nbgrader, name, students):
    """The pages that students get back."""
    progress = Progress(f"{name}:")
    for number, student in enumerate(students, 1):
        result = nbgrader.generate_feedback(name, student)
        if not result["success"]:
            raise SystemExit(f"generate_feedback failed:\n{result.get('log')}")
        progress.say(f"{number} of {len(students)} pages of feedback")
    progress.done(f"{len(students)} pages of feedback")


def about(name, number, seconds):
    """What the summary needs of a set besides what was handed in."""
    cells = course.graded(course.source(name)).values()
    ours = [cell.metadata.nbgrader for cell in cells]
    return {
        "title": course.settings(name)["title"].rpartition(": ")[2],
        "students": number,
        "points": sum(one.points for one in ours if not one.solution),
        "by_hand": sum(one.points for one in ours if one.solution),
        "seconds": seconds,
    }


def run(folder, names, number, workers, accept_missing):
    """Make and grade the class: (Graded submissions, sets, sentences)."""
    course.make_course(folder)
    (folder / course.SEED_FILE).write_text("1\n")  # the same class, whoever runs it
    with course.environment(folder):
        nbgrader = course.open_course(folder)
        print(f"A made-up class of {number} hands in {', '.join(names)}.", flush=True)
        made = make_class(nbgrader, folder, names, number)
        print("The autograder grades, all students' code in a sandbox.", flush=True)
        sets = {}
        for name in names:
            seconds = grade(folder, name, workers, accept_missing)
            sets[name] = about(name, number, seconds)
        print("nbgrader writes the feedback.", flush=True)
        for name in names:
            write_feedback(nbgrader, name, made[name])
        exported = course.export(nbgrader)
        graded, sentences = [], {}
        for name in names:
            graded += read_graded(nbgrader, name, exported, sentences)
    expected = {(name, student) for name in names for student in made[name]}
    missing = expected - {(one.assignment, one.student) for one in graded}
    if missing:
        raise SystemExit(f"Not in grades.csv: {sorted(missing)}")
    return graded, sets, sentences


# ---- the command -----------------------------------------------------------------


def main(arguments=None):
    """Run the demonstration; returns the Graded submissions."""
    options = _options(arguments)
    folder = options.course.resolve()
    try:
        graded, sets, sentences = run(
            folder,
            options.assignments,
            options.number,
            options.workers,
            options.accept_missing,
        )
    except KeyboardInterrupt:
        print(f"\nStopped. {_near(folder)} is a course that you can open: what was")
        print("graded until now is in its gradebook.")
        raise SystemExit(INTERRUPTED) from None
    print_summary(graded, sets, sentences, folder)
    return graded


def _options(arguments):
    known = course.assignments()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    default = ROOT / "_build" / "grade-demo"
    add("--course", type=Path, default=default, metavar="DIR", help="made anew")
    add("--class", type=_class, default=40, dest="number", metavar="N", help="students")
    add("--assignments", nargs="+", default=known, metavar="PS", help=", ".join(known))
    add("--workers", type=_class, default=2, metavar="N", help="processes that grade")
    add(
        "--accept-missing",
        action="append",
        default=[],
        metavar="LAYER",
        help="grade"
        " though the sandbox lacks this layer; see `python -m autograder doctor`",
    )
    options = parser.parse_args(arguments)
    for name in options.assignments:
        if name not in known:
            parser.error(
                f"--assignments: expected some of {', '.join(known)}, got {name}"
            )
    options.assignments = sorted(set(options.assignments))
    return options


def _class(text):
    number = int(text) if text.isdecimal() else 0
    if not 1 <= number <= 999:
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 999, got {text}")
    return number


if __name__ == "__main__":
    main()
