"""The commands of the autograder: python -m autograder COMMAND."""

import argparse
import sys


def main(arguments=None):
    """Run one command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograder", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_doctor(commands)
    _add_grade(commands)
    _add_leaderboard(commands)
    options = vars(parser.parse_args(arguments))
    return options.pop("run")(**options)


def _add_doctor(commands):
    text = "say what confines student code on this machine, and what is exposed"
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print it for programs"
    )
    parser.set_defaults(run=_doctor)


def _doctor(**options):
    from autograder import doctor

    return doctor.main(**options)


def _add_grade(commands):
    text = "grade what was handed in for an assignment; again, it goes on"
    parser = commands.add_parser("grade", help=text, description=text)
    add = parser.add_argument
    add("assignment", metavar="ASSIGNMENT", help="its name, such as ps1")
    add("--course", default=".", metavar="DIR", help="the course's folder (here)")
    add("--students", default="*", metavar="IDS", help="some: ada,bob or a*")
    add("--workers", type=_positive, metavar="N", help="processes (one a processor)")
    add("--timeout", type=_positive, metavar="S", help="seconds for a notebook's cells")
    add("--memory", type=_positive, metavar="MB", help="memory of a student's process")
    add("--regrade", action="store_true", help="also what has not changed")
    add(
        "--accept-missing",
        action="append",
        type=_layer,
        default=[],
        metavar="LAYER",
        help="grade though this layer of the sandbox is missing (see doctor)",
    )
    parser.set_defaults(run=_grade)


def _grade(workers, **options):
    from autograder import coordinator

    return coordinator.main(workers=workers or coordinator.default_workers(), **options)


def _add_leaderboard(commands):
    text = "print the class in the order of what a check measured, with baselines"
    parser = commands.add_parser("leaderboard", help=text, description=text)
    add = parser.add_argument
    add("assignment", metavar="ASSIGNMENT", help="its name, such as ps7")
    add("--course", default=".", metavar="DIR", help="the course's folder (here)")
    add("--anonymous", action="store_true", help="without the students' names")
    parser.set_defaults(run=_leaderboard)


def _leaderboard(**options):
    from autograder import leaderboard

    return leaderboard.main(**options)


def _positive(text):
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text}")
    return number


def _layer(text):
    from autograder.sandbox import LAYERS

    if text not in (*LAYERS, "all"):
        expected = f"expected all, or one of {', '.join(LAYERS)}"
        raise argparse.ArgumentTypeError(f"{expected}; got {text}")
    return text


if __name__ == "__main__":
    sys.exit(main())
