"""What grading costs: nbgrader as it comes, and the autograder in its sandbox.

    python -m benchmarks grading [--json FILE] [--class N] [--stock N] [--only NAME]

Three assignments: one with NumPy, one with NumPy and PyTorch, and the course's
ps2. Stock nbgrader and ours grade the same submissions, one after the other in
one run. CPU seconds are those of all processes; memory is the largest sum of
what all of them hold (PSS, shared pages counted once), less what the first
process holds, by the number of submissions graded at once.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import nbformat
import psutil
from nbformat import v4
from nbgrader.apps.api import NbGraderAPI
from traitlets.config import Config

from autograder.gradebook import open_gradebook

ROOT = Path(__file__).resolve().parent.parent
NUMPY = {
    "softmax": (
        """
def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)
""",
        "y = softmax(np.arange(6.0).reshape(2, 3))\nassert np.allclose(y.sum(1), 1)",
    ),
    "rnn": (
        """
def rnn(x, W, U, b):
    h = np.zeros((x.shape[1], U.shape[0]))
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U + b)
    return h
""",
        "x = np.ones((50, 4, 3))\nh = rnn(x, np.eye(3, 8), np.eye(8), np.zeros(8))\n"
        "assert h.shape == (4, 8)",
    ),
    "distance": (
        """
def distance(a, b):
    return np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1))
""",
        "assert np.allclose(distance(np.eye(3), np.eye(3)).diagonal(), 0)",
    ),
}
TORCH = NUMPY | {
    "fit": (
        """
def fit(x, y, steps=50):
    w = torch.zeros(x.shape[1], requires_grad=True)
    for _ in range(steps):
        loss = ((x @ w - y) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - 0.1 * gradient).detach().requires_grad_()
    return w.detach()
""",
        "x = torch.eye(4)\nw = fit(x, torch.ones(4), 200)\nassert w.shape == (4,)",
    ),
}


# ---- the course ----------------------------------------------------------------


def cell(kind, source, grade_id, **flags):
    """A cell that nbgrader knows."""
    made = v4.new_code_cell(source.strip())
    flags = dict.fromkeys(("grade", "solution", "locked", "task"), False) | flags
    made.metadata["nbgrader"] = flags | {"grade_id": grade_id, "schema_version": 3}
    return made


def notebook(imports, tasks):
    """The instructor's notebook: imports, then an answer and a test for each task."""
    cells = [cell("code", imports, "imports", locked=True)]
    for name, (answer, test) in tasks.items():
        head, _, body = answer.strip().partition("\n")
        marked = f"{head}\n    ### BEGIN SOLUTION\n{body}\n    ### END SOLUTION"
        cells.append(cell("code", marked, name, solution=True))
        flags = {"grade": True, "locked": True, "points": 2}
        cells.append(cell("code", test, f"{name}-test", **flags))
    made = v4.new_notebook(cells=cells)
    made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    return made


def make_course(folder, students):
    """A course folder with the submissions of so many students."""
    ps2 = ROOT / "exercises/source/ps2"
    permitted = 'title = "A"\npackages = ["numpy"{}]\n'.format
    sources = {
        "numpy": (notebook("import numpy as np", NUMPY), permitted("")),
        "torch": (
            notebook("import numpy as np\nimport torch", TORCH),
            permitted(', "torch"'),
        ),
        "ps2": (
            nbformat.read(ps2 / "ps2.ipynb", 4),
            (ps2 / "assignment.toml").read_text(),
        ),
    }
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.course_id = 'benchmark'\n"
        "c.ClearSolutions.code_stub = {'python': 'raise NotImplementedError()'}\n"
        "c.Course.environment = ['LSTM_LIB_CHECKS_SEED']\n"
    )
    config = Config()
    config.CourseDirectory.root = str(folder)
    config.CourseDirectory.course_id = "benchmark"
    config.NbGraderAPI.log_level = "ERROR"
    open_gradebook(f"sqlite:///{folder / 'gradebook.db'}", "benchmark").close()
    nbgrader = NbGraderAPI(config=config)
    for name, (made, settings) in sources.items():
        source = folder / "source" / name
        source.mkdir(parents=True)
        nbformat.write(made, source / f"{name}.ipynb")
        (source / "assignment.toml").write_text(settings)
        result = nbgrader.generate_assignment(name)
        if not result["success"]:
            raise SystemExit(result["log"])
        for number in range(students):
            hand_in(folder, name, made, f"student-{number:04}")
    return list(sources)


def hand_in(folder, name, made, student):
    """A right submission: the source, without the marks of its solutions."""
    release = nbformat.read(folder / "release" / name / f"{name}.ipynb", 4)
    answers = {
        c.metadata.nbgrader.grade_id: re.sub(r"\n *### .* SOLUTION", "", c.source)
        for c in made.cells
        if c.metadata.get("nbgrader", {}).get("solution")
    }
    for c in release.cells:
        grade_id = c.metadata.get("nbgrader", {}).get("grade_id")
        c.source = answers.get(grade_id, c.source)
    path = folder / "submitted" / student / name
    path.mkdir(parents=True)
    nbformat.write(release, path / f"{name}.ipynb")


# ---- one measurement -----------------------------------------------------------


def measure(command, folder, lines=None):
    """Run a command: seconds, CPU seconds of all its processes, peak memory in MB.

    lines: what marks a line of its output that says one submission is done; then
    also the CPU seconds of the command's own process between the first and last.
    """
    environment = os.environ | {
        "LSTM_LIB_CHECKS_SEED": "1",
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    memory = Memory(process.pid)
    memory.start()
    own = psutil.Process(process.pid)
    marks, output = [], []
    for line in process.stdout:
        output.append(line)
        if lines and re.match(lines, line):
            marks.append((time.monotonic() - started, sum(own.cpu_times()[:2])))
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    memory.stop()
    if process.returncode:
        raise SystemExit("".join(output))
    return {
        "seconds": time.monotonic() - started,
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory_mb": memory.peak / 2**20,
        "marks": marks,
    }


class Memory(threading.Thread):
    """The largest sum of memory that a process's descendants held."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.process, self.peak, self._done = psutil.Process(pid), 0, threading.Event()

    def run(self):
        """Look five times a second."""
        while not self._done.wait(0.2):
            total = 0
            for child in _descendants(self.process):
                try:
                    total += child.memory_full_info().pss
                except psutil.Error:
                    pass
            self.peak = max(self.peak, total)

    def stop(self):
        """Look no more."""
        self._done.set()
        self.join()


def _descendants(process):
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


# ---- the table -----------------------------------------------------------------


def stock(folder, name, number):
    """Nbgrader as it comes: one process, a kernel for each submission."""
    students = f"--CourseDirectory.student_id=student-000[0-{number - 1}]"
    command = [sys.executable, "-m", "nbgrader", "autograde", name, students]
    return measure([*command, "--force"], folder)


def ours(folder, name, workers):
    """The autograder, sandbox on."""
    command = [sys.executable, "-m", "autograder", "grade", name, "--regrade"]
    return measure([*command, "--workers", str(workers)], folder, r" *\d+/\d+ ")


def cells_alone(folder, name):
    """CPU seconds of the cells themselves, run once in one plain process."""
    path = folder / "submitted/student-0000" / name / f"{name}.ipynb"
    program = (
        "import sys, time, nbformat\n"
        f"cells = nbformat.read({str(path)!r}, 4).cells\n"
        "sources = [c.source for c in cells if c.cell_type == 'code']\n"
        "import numpy, contextlib\n"
        + ("import torch\ntorch.set_num_threads(1)\n" if name == "torch" else "")
        + ("import lstm_lib.checks\n" if name == "ps2" else "")
        + "names, start = {}, time.process_time()\n"
        "with contextlib.redirect_stdout(None):\n"
        "    for source in sources: exec(source, names)\n"
        "print(time.process_time() - start)"
    )
    environment = os.environ | {"LSTM_LIB_CHECKS_SEED": "1", "PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


def compare(folder, name, students, few):
    """The row of one assignment: dicts of figures, by who graded."""
    rows = {}
    plain = stock(folder, name, few)
    rows["stock"] = figures(plain, few, 1)
    floor = cells_alone(folder, name)
    for workers in (1, 2):
        taken = ours(folder, name, workers)
        row = figures(taken, students, workers)
        first, last = taken["marks"][0], taken["marks"][-1]
        # Between the first result and the last: a class is larger than this one.
        row["a_minute"] = 60 * (students - 1) / (last[0] - first[0])
        row["times_stock"] = row["a_minute"] / rows["stock"]["a_minute"]
        row["coordinator_ms"] = 1e3 * (last[1] - first[1]) / (students - 1)
        row["own_cells"] = floor / row["cpu"]
        rows[f"ours, {workers} worker{'s' * (workers > 1)}"] = row
    return rows


def figures(taken, submissions, at_once):
    """What a run cost a submission."""
    return {
        "a_minute": 60 * submissions / taken["seconds"],
        "cpu": taken["cpu"] / submissions,
        "memory_mb": taken["memory_mb"] / at_once,
    }


def main(arguments=None):
    """Print the table; with --json write it too."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks grading", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--class", type=int, default=50, dest="students", metavar="N")
    parser.add_argument("--stock", type=int, default=5, metavar="N", help="1 to 10")
    parser.add_argument("--only", metavar="NAME", help="numpy, torch or ps2")
    options = parser.parse_args(arguments)
    table = {}
    with tempfile.TemporaryDirectory() as folder:
        names = make_course(Path(folder), options.students)
        print(f"{'':8}{'':18}a minute  / stock  CPU s   MB  coordinator  own cells")
        for name in [n for n in names if options.only in (None, n)]:
            table[name] = compare(Path(folder), name, options.students, options.stock)
            for who, row in table[name].items():
                print(line(name, who, row), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(table, indent=1) + "\n")


def line(name, who, row):
    """A row as text."""
    text = f"{name:8}{who:18}{row['a_minute']:8.0f}"
    if "times_stock" in row:
        text += f"{row['times_stock']:8.1f} x"
    else:
        text += " " * 10
    text += f"{row['cpu']:7.2f}{row['memory_mb']:5.0f}"
    if "coordinator_ms" in row:
        text += f"{row['coordinator_ms']:10.1f} ms{row['own_cells']:10.0%}"
    return text
