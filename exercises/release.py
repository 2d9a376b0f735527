"""Pack every assignment for students: `python exercises/release.py [--to DIR]`.

Each psN.zip holds the notebook that nbgrader generates (no solution, no
hidden test), the files its assignment.toml names, the wheel of lstm_lib, a
requirements file and a README. The same sources give the same bytes.
"""

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import course

ROOT = course.HERE.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))  # the pages' Python has the same wheel

from lstm_lib_wheel import build_wheel  # noqa: E402

LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the first date a zip file can hold

README = """\
# {title}

You need Python 3.11 or newer. In this folder:

    python -m venv .venv
    source .venv/bin/activate        # on Windows: .venv\\Scripts\\activate
    pip install -r requirements.txt
    jupyter lab {name}.ipynb

Installing needs a network; the work itself does not. Plan {low} to {high} minutes.

Write your answers in place of `raise NotImplementedError()`. Under each task is a
check: run it as often as you like. It says what is right, what is wrong, and where
in the book to read about it. Save the notebook under its own name and hand in
that one file.
"""


def files_of(assignment, release, wheel):
    """What students get: file name -> bytes. release: nbgrader's folder of it."""
    settings = course.settings(assignment)
    low, high = settings["minutes"]
    title = settings["title"]
    readme = README.format(title=title, name=assignment, low=low, high=high)
    needs = [f"./{wheel.name}", "jupyterlab", *map(_pinned, settings["packages"])]
    files = {
        f"{assignment}.ipynb": (release / f"{assignment}.ipynb").read_bytes(),
        "README.md": readme.encode(),
        "requirements.txt": "\n".join([*needs, ""]).encode(),
        wheel.name: wheel.read_bytes(),
    }
    for name in settings["files"]:
        files[name] = (course.SOURCE / assignment / name).read_bytes()
    return files


def _pinned(package):
    """PyTorch by its version, which its CPU build needs; of others, what is newest."""
    if package != "torch":
        return package
    lines = (ROOT / "requirements.txt").read_text("utf-8").split("\n")
    return next(line for line in lines if line.startswith(f"{package}=="))


def pack(to):
    """Write one zip file for each assignment into the folder `to`; their paths."""
    to = Path(to)
    to.mkdir(parents=True, exist_ok=True)
    packed = []
    with tempfile.TemporaryDirectory() as scratch:
        wheel = build_wheel(scratch)
        folder = Path(scratch) / "course"
        course.make_course(folder)
        with course.environment(folder):
            nbgrader = course.open_course(folder)
            for assignment in course.assignments():
                course.release_assignment(nbgrader, assignment)
                files = files_of(assignment, folder / "release" / assignment, wheel)
                packed.append(_write_zip(to / f"{assignment}.zip", assignment, files))
    return packed


def _write_zip(path, folder, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted(files.items()):
            info = zipfile.ZipInfo(f"{folder}/{name}", LONG_AGO)
            file.writestr(info, content, zipfile.ZIP_DEFLATED)
    return path


def main():
    """Pack, and say what was written."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = ROOT / "_build" / "release"
    parser.add_argument("--to", type=Path, default=default, metavar="DIR")
    for path in pack(parser.parse_args().to):
        print(f"{path} ({path.stat().st_size / 1000:.0f} kB)")


if __name__ == "__main__":
    main()
