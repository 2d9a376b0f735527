"""The set-up commands: what they list, and what they say when they cannot run."""

import os
import re
import subprocess

import pytest


def make(root, *arguments):
    """Run make as from a shell, even where make runs the tests."""
    env = {name: v for name, v in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", *map(str, arguments)]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True)


def test_help_lists_every_target(root):
    """Each public target has a line in `make help` and in the README."""
    targets = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.M)[1]
    listed = make(root, "help").stdout
    readme = (root / "README.md").read_text()
    for target in targets.split():
        assert f"make {target} " in listed, target
        assert f"`make {target}`" in readme, target


@pytest.mark.parametrize("target", ["book", "test"])
@pytest.mark.parametrize("version", [None, "3.10.9"])
def test_a_missing_or_old_python_gets_one_clear_line(root, tmp_path, target, version):
    """No traceback, and nothing half-made is left behind."""
    python = tmp_path / "python3"
    if version:  # an old Python: says its version and fails every test of it
        python.write_text(
            f'#!/bin/sh\n[ "$1" = -V ] && echo Python {version}\nexit 1\n'
        )
        python.chmod(0o755)
    run = make(root, target, f"PYTHON={python}", f"VENV={tmp_path / 'venv'}")
    said = [line for line in run.stderr.splitlines() if not line.startswith("make:")]
    assert run.returncode != 0
    assert len(said) == 1 and "Python 3.11 or newer is needed" in said[0]
    assert (f"Python {version}" if version else "was not found") in said[0]
    assert not (tmp_path / "venv").exists()


def test_serve_before_book_says_what_to_run(root, tmp_path):
    """In a folder without a built book."""
    run = make(tmp_path, "-f", root / "Makefile", "serve")
    assert run.returncode != 0 and "run 'make book' first" in run.stderr
