"""What several test folders share."""

import os

# As the Makefile does: threads that wait for each other make small products slow.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import subprocess
import sys
from pathlib import Path

import pytest

from autograder import doctor

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _absl_closes_nothing():
    """Keep Keras's logging from closing the files that pytest captures output in.

    nbgrader closes all handlers of `logging`; that of absl closes what it wrote to,
    unless this is a stream of Python's own.
    """
    if "absl.logging" in sys.modules:
        handler = sys.modules["absl.logging"].get_absl_handler()
        handler.python_handler.stream = sys.__stderr__


@pytest.fixture(scope="session")
def root():
    """The repository's folder."""
    return ROOT


@pytest.fixture(scope="session")
def html(tmp_path_factory):
    """The book, built from nothing with warnings as errors, as `make book` does."""
    out = tmp_path_factory.mktemp("book")
    build = subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", "--path-output", out]
        + ["--warningiserror", "--nitpick", "--keep-going", ROOT],
        capture_output=True,
        text=True,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    return out / "_build" / "html"


@pytest.fixture(scope="session")
def all_layers():
    """Skip where the machine has not what the sandbox needs; the doctor says what."""
    found = doctor.available()
    missing = [s.layer for s in found if s.required and s.state == doctor.MISSING]
    if missing:
        pytest.skip(f"this machine lacks {', '.join(missing)}")
