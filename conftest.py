"""How tests are shared out where several processes run them (pytest-xdist)."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep each file's tests together, as they share courses, pages and kernels.

    All that start sandboxes stay in one process: some look for what is left over.
    """
    for item in items:
        folder = item.path.parent.name
        group = folder if folder == "autograder" else item.path.stem
        item.add_marker(pytest.mark.xdist_group(group))
