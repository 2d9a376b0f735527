"""assignment.toml: what is read, and what each mistake is told."""

import tomllib
from pathlib import Path

import pytest

from autograder.settings import Limits, SettingsError, parse_settings, read_settings

EXERCISES = Path(__file__).resolve().parents[2] / "exercises" / "source"


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*/assignment.toml")), ids=str)
def test_reads_the_real_assignments(path):
    settings = read_settings(path)
    written = tomllib.loads(path.read_text("utf-8"))
    assert settings.title.startswith("Problem set")
    assert settings.packages == tuple(written["packages"])
    assert settings.modules == {"lstm_lib": tuple(written["lstm_lib"])}
    assert settings.limits.seconds == written["limits"]["seconds"]
    assert settings.limits.memory_mb == written["limits"]["memory_mb"]


def test_reads_every_key():
    settings = parse_settings(
        'title = "A"\nminutes = [1, 2]\npackages = ["numpy", "scipy.stats", "numpy"]\n'
        'tools = ["tools.plots"]\nfiles = ["data/rain.csv"]\n'
        "[limits]\nseconds = 1.5\ncell_seconds = 1\nnotebook_mb = 2\n"
    )
    assert settings.packages == ("numpy", "scipy.stats")
    assert settings.modules == {"tools": ("tools.plots",)}
    assert settings.files == ("data/rain.csv",)
    assert settings.limits == Limits(seconds=1.5, cell_seconds=1, notebook_mb=2)


def test_without_limits_the_defaults_hold():
    assert parse_settings('title = "A"').limits == Limits()


MISTAKES = {
    "": "title: expected a text, got nothing",
    "title = 1": "title: expected a text, got 1",
    'title = " "': "title: expected a text, got ' '",
    "title = ": "not TOML: Invalid value (at end of document)",
    'title = "A"\npackages = "numpy"': "packages: expected a list of texts, got",
    'title = "A"\npackages = [1]': "packages: expected a list of texts, got [1]",
    'title = "A"\npackages = ["os; x"]': "packages: expected names as in an import",
    'title = "A"\npackages = ["a.."]': "packages: expected names as in an import",
    'title = "A"\npackage = ["numpy"]': "package: expected modules of package, got",
    'title = "A"\nsecond = 3': "second: expected one of title, packages, files, limits",
    'title = "A"\nlimits = 3': "limits: expected a table, got 3",
    'title = "A"\nlimits.secs = 3': "limits.secs: expected one of seconds, cell",
    'title = "A"\nlimits.seconds = 0': "limits.seconds: expected a number above 0",
    'title = "A"\nlimits.seconds = true': "limits.seconds: expected a number above 0",
    'title = "A"\nlimits.seconds = nan': "limits.seconds: expected a number above 0",
    'title = "A"\nlimits.seconds = inf': "limits.seconds: expected a number above 0",
    'title = "A"\nlimits.seconds = "9"': "limits.seconds: expected a number above 0",
}
NAMES = ("../x", "/etc/passwd", "a\\\\b", "C:/x", "./a", "a//b", ".", "", "ps.ipynb")
MISTAKES |= {f'title = "A"\nfiles = ["{name}"]': "files: expected" for name in NAMES}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_named(text):
    with pytest.raises(SettingsError) as caught:
        parse_settings(text)
    assert MISTAKES[text] in str(caught.value)


def test_an_error_names_the_file(tmp_path):
    path = tmp_path / "assignment.toml"
    with pytest.raises(SettingsError, match="assignment.toml: No such file"):
        read_settings(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="assignment.toml: .*utf-8"):
        read_settings(path)
    path.write_text("title = 3")
    with pytest.raises(SettingsError, match="assignment.toml: title: expected a text"):
        read_settings(path)


def test_windows_lines_and_a_byte_order_mark_are_read(tmp_path):
    path = tmp_path / "assignment.toml"
    path.write_bytes('\ufefftitle = "A"\r\nfiles = []\r\n'.encode())
    assert read_settings(path).title == "A"
