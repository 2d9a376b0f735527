"""The commands of the autograder: python -m autograder COMMAND."""

import argparse
import sys

from autograder import doctor


def main(arguments=None):
    """Run one command. Returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m autograder", description=__doc__)
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_doctor(commands)
    options = vars(parser.parse_args(arguments))
    return options.pop("run")(**options)


def _add_doctor(commands):
    text = "say what confines student code on this machine, and what is exposed"
    parser = commands.add_parser("doctor", help=text, description=text)
    parser.add_argument(
        "--json", action="store_true", dest="as_json", help="print it for programs"
    )
    parser.set_defaults(run=doctor.main)


if __name__ == "__main__":
    sys.exit(main())
