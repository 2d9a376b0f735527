"""The long measurements: their claims hold, stored and in short."""

import json
import re
import subprocess
import sys

import pytest

from experiments import variants
from experiments.__main__ import NAMES, RESULTS, claims, main, run
from experiments._sizes import widest
from lstm_lib.feedforward import Dense


@pytest.mark.parametrize("name", NAMES)
def test_the_short_version_bears_the_claims_out(name):
    """What CI can measure of each experiment points the same way."""
    found = claims(run(name, quick=True))
    assert found and all(found.values()), found


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_results_bear_the_claims_out(name):
    """With the recipe beside them: command, versions, settings, every seed."""
    stored = json.loads((RESULTS / f"{name}.json").read_text())
    assert stored["command"] == f"python -m experiments {name}"
    assert stored["versions"].keys() == {"Python", "NumPy"}
    seeds = stored["settings"]["seeds"]
    assert len(seeds) >= 3
    assert {record["seed"] for record in stored["results"]} == set(seeds)
    found = claims(stored)
    assert found and all(found.values()), found


def test_the_widest_that_fits():
    """A dense layer of 3 inputs and H outputs has 4 H parameters."""

    def build(H):
        return Dense(3, H)

    assert [widest(build, budget) for budget in (23, 24, 25)] == [5, 6, 6]


@pytest.mark.parametrize("variant", variants.VARIANTS)
@pytest.mark.parametrize("task", variants.TASKS)
def test_variants_fill_the_same_number_of_parameters(task, variant):
    """All but a unit's worth, whatever a unit has."""
    budget = variants.SETTINGS["parameters"]
    H = widest(lambda H: variants.build(task, variant, H, 0), budget)
    model = variants.build(task, variant, H, 0)
    count = sum(array.size for array in model.parameters.values())
    assert 0.93 * budget < count <= budget


def test_a_verdict_takes_every_seed():
    """Pairs of one seed are compared, and a tie decides nothing."""
    scores = {
        "LSTM": [0.1, 0.5, 0.9],
        "coupled": [0.2, 0.6, 0.91],
        "GRU": [0.2, 0.5, 1.0],
        "tanh": [0.0, 0.4, 0.7],
        "peephole": [0.9, 0.1, 0.5],
    }
    records = [
        {"task": "copy", "variant": variant, "seed": seed, "score": score}
        for variant, of_seeds in scores.items()
        for seed, score in reversed([*enumerate(of_seeds)])
    ]
    assert variants.compared(records) == {
        ("copy", "coupled"): (0.01, 0.1, "better"),
        ("copy", "GRU"): (0.0, 0.1, "not decided"),
        ("copy", "tanh"): (-0.2, -0.1, "worse"),
        ("copy", "peephole"): (-0.4, 0.8, "not decided"),
    }


def test_results_do_not_depend_on_the_number_of_cores():
    """Each measurement is a function of its condition and seed."""
    once, again = (run("gradient_norm", quick=True, jobs=n) for n in (1, 2))
    assert once == again


def test_the_command_stores_one_file(root, tmp_path):
    """As the README says, from the top folder; a quick run only where told."""
    command = [sys.executable, "-m", "experiments", "gradient_norm", "--quick"]
    ran = subprocess.run(
        [*command, "--out", tmp_path], cwd=root, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert "holds: " in ran.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["gradient_norm.json"]
    stored = json.loads((tmp_path / "gradient_norm.json").read_text())
    assert stored["name"] == "gradient_norm" and stored["settings"]["seeds"] == [0]


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["forget"], "expected some of .*forget_bias, .* got forget"),
        (["--jobs", "0"], "--jobs: expected at least 1, got 0"),
    ],
)
def test_wrong_arguments_are_named(arguments, message, capsys):
    """Before anything is measured."""
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_a_folder_that_cannot_be_written_is_named_first(tmp_path, capsys):
    """Before minutes of measuring."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit):
        main(["gradient_norm", "--quick", "--out", str(tmp_path / "file")])
    assert "--out: expected a folder to write to" in capsys.readouterr().err
