"""What students get: `make release`, opened and used as they would."""

import json
import re
import subprocess
import sys
import zipfile

import course
import nbformat
import pytest
import release
from submissions import reference

ASSIGNMENTS = course.assignments()
each_assignment = pytest.mark.parametrize("assignment", ASSIGNMENTS)

# Runs a notebook with lstm_lib from the wheel alone, and no way to a network.
STUDENT = """
import json, socket, sys

def refuse(*arguments, **keywords):
    raise OSError("this machine has no network")

socket.socket.connect = socket.getaddrinfo = refuse
sys.path.insert(0, sys.argv[1])
from lstm_lib import checks
assert checks.__file__.startswith(sys.argv[1]), checks.__file__
reports, names = {}, {"__name__": "__main__"}
for name, source in json.load(sys.stdin):
    shown = []
    checks.show = shown.append
    exec(source, names)
    reports |= {name: report.score for report in shown}
print(json.dumps(reports))
"""


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Assignment -> the folder its zip file unpacks to."""
    to = tmp_path_factory.mktemp("release")
    for path in release.pack(to):
        with zipfile.ZipFile(path) as file:
            file.extractall(to)
    return {assignment: to / assignment for assignment in ASSIGNMENTS}


@each_assignment
def test_a_pack_holds_what_is_needed_and_nothing_else(assignment, packs):
    settings = course.settings(assignment)
    names = {path.name for path in packs[assignment].iterdir()}
    wheel = next(name for name in names if name.endswith(".whl"))
    expected = {f"{assignment}.ipynb", "README.md", "requirements.txt", wheel}
    assert names == expected | set(settings["files"])
    needs = (packs[assignment] / "requirements.txt").read_text().split()
    assert needs[:2] == [f"./{wheel}", "jupyterlab"]
    assert [need.partition("==")[0] for need in needs[2:]] == settings["packages"]
    assert "torch" not in needs  # its CPU build is installed by its version
    readme = (packs[assignment] / "README.md").read_text()
    assert readme.startswith(f"# {settings['title']}\n")
    assert f"jupyter lab {assignment}.ipynb" in readme


@each_assignment
def test_a_pack_holds_no_solution_no_hidden_test_no_seed(assignment, packs):
    text = (packs[assignment] / f"{assignment}.ipynb").read_text("utf-8")
    for forbidden in ("BEGIN SOLUTION", "HIDDEN", "hidden=True", "seed"):
        assert forbidden not in text
    wheel = next(packs[assignment].glob("*.whl"))
    with zipfile.ZipFile(wheel) as file:
        names = file.namelist()
    assert not [name for name in names if re.search(r"exercises|tests|seed", name)]


@each_assignment
def test_the_work_can_be_done_with_the_wheel_and_no_network(assignment, packs):
    """The visible checks pass on right answers, in a Python that has only the pack."""
    notebook = nbformat.read(packs[assignment] / f"{assignment}.ipynb", 4)
    for name, source in reference(assignment).items():
        course.find_cell(notebook, name).source = source
    cells = [
        (cell.id, cell.source) for cell in notebook.cells if cell.cell_type == "code"
    ]
    wheel = next(packs[assignment].glob("*.whl"))
    ran = subprocess.run(
        [sys.executable, "-I", "-c", STUDENT, str(wheel)],
        input=json.dumps(cells), capture_output=True, text=True, cwd=packs[assignment],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    scores = json.loads(ran.stdout.strip().split("\n")[-1])
    assert scores and set(scores.values()) == {1.0}


def test_the_same_sources_give_the_same_bytes(packs, tmp_path):
    for again in release.pack(tmp_path):
        first = packs[again.stem].parent / again.name
        assert again.read_bytes() == first.read_bytes()
