"""Run measurements too long for a chapter and store their numbers.

    python -m experiments [NAME ...] [--quick] [--jobs N] [--out FOLDER]

An experiment is a module here with

QUESTION: what it asks, one sentence.
SETTINGS: a dict of everything that decides the result; "seeds" is a list.
QUICK: the settings that differ in the short version that CI runs.
conditions(settings): a list of dicts, what is compared.
measure(settings, seed, **condition): a dict of numbers, on one core.
claims(results): a dict from a sentence to whether the results bear it out.

Each condition is measured with each seed, in any order and on any number of
cores: nothing is shared. The file, results/NAME.json, holds the question, the
command, the versions, the settings and one record for each measurement. A
quick run is printed, and stored only with --out.
"""

import argparse
import json
import os
import platform
import sys
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from pathlib import Path

# Workers share the cores, so each uses one. Read when NumPy loads.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")

import numpy as np

HERE = Path(__file__).parent
RESULTS = HERE / "results"
NAMES = sorted(p.stem for p in HERE.glob("[!_]*.py"))


def run(name, *, quick=False, jobs=1):
    """Measure; return what is to be stored, a dict of plain data."""
    module = import_module(f"experiments.{name}")
    settings = module.SETTINGS | (module.QUICK if quick else {})
    work = [
        (name, settings, seed, condition)
        for condition in module.conditions(settings)
        for seed in settings["seeds"]
    ]
    with ProcessPoolExecutor(jobs) as pool:
        results = []
        for record in pool.map(_measure, work):
            results.append(record)
            print(*(f"{key} {value}" for key, value in record.items()), sep=", ")
            sys.stdout.flush()
    return {
        "name": name,
        "question": module.QUESTION,
        "command": f"python -m experiments {name}" + (" --quick" if quick else ""),
        "versions": {"Python": platform.python_version(), "NumPy": np.__version__},
        "settings": settings,
        "results": results,
    }


def claims(stored):
    """Whether each claim of an experiment holds in stored results."""
    module = import_module(f"experiments.{stored['name']}")
    return module.claims(stored["results"])


def _measure(job):
    name, settings, seed, condition = job
    module = import_module(f"experiments.{name}")
    try:
        measured = module.measure(settings, seed, **condition)
    except Exception as error:
        error.add_note(f"in {name}, {condition}, seed {seed}")
        raise
    return condition | {"seed": seed} | measured


def main(arguments=None):
    """Run what is named, or everything; exit with 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(
        "python -m experiments",
        description=__doc__.splitlines()[0],
        epilog=f"experiments: {', '.join(NAMES)}",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--quick", action="store_true", help="the short version")
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count(),
        metavar="N",
        help="cores, default all",
    )
    parser.add_argument("--out", type=Path, metavar="FOLDER", help=f"default {RESULTS}")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(NAMES)
    if unknown:
        parser.error(f"NAME: expected some of {', '.join(NAMES)}, got {unknown.pop()}")
    if options.jobs < 1:
        parser.error(f"--jobs: expected at least 1, got {options.jobs}")

    folder = options.out or (None if options.quick else RESULTS)
    if folder:  # before anything is measured
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            parser.error(f"--out: expected a folder to write to, got {error}")
    failed = False
    for name in options.names or NAMES:
        stored = run(name, quick=options.quick, jobs=options.jobs)
        for sentence, holds in claims(stored).items():
            print(f"{'holds' if holds else 'DOES NOT HOLD'}: {sentence}")
            failed |= not holds
        if folder:
            part = folder / f".{name}.json.part"
            part.write_text(json.dumps(stored, indent=1) + "\n")
            part.replace(folder / f"{name}.json")
            print(f"stored in {folder / name}.json")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
