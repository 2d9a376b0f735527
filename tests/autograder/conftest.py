"""Which user a test runs as."""

import os

import pytest
from confinement import ORDINARY


@pytest.fixture(params=["root", "ordinary"])
def uid(request):
    """The user a test runs as: 0, or an ordinary one."""
    if request.param == "ordinary":
        return ORDINARY if os.getuid() == 0 else os.getuid()
    if os.getuid() != 0:
        pytest.skip("this half of the test needs root")
    return 0


@pytest.fixture(scope="session")
def as_root():
    """Skip where the tests don't run as root."""
    if os.getuid() != 0:
        pytest.skip("needs root")
