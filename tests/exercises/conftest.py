"""What the tests of checks and assignments share."""

import sys
import types

import pytest

from lstm_lib import checks


@pytest.fixture(autouse=True)
def instructors_seed(monkeypatch):
    """What nbgrader_config.py sets for hidden cases."""
    monkeypatch.setenv(checks.SEED, "7")


@pytest.fixture
def notebook(monkeypatch):
    """What a check displays in a notebook: a list of MIME bundles."""
    shown = []
    fake = types.SimpleNamespace(
        get_ipython=lambda: object(),
        display=types.SimpleNamespace(
            display=lambda bundle, raw: shown.append(bundle) if raw else None
        ),
    )
    monkeypatch.setitem(sys.modules, "IPython", fake)
    return shown
