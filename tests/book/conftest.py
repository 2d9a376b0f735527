"""What the tests in real Chromium share."""

import functools
import http.server
import shutil
import threading
from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = shutil.which("chromium")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Python's file server without its log."""

    def log_message(self, *args):
        pass


@pytest.fixture(scope="session")
def serve():
    """A context manager that serves a folder on this machine, as its address."""

    @contextmanager
    def serving(folder):
        handler = functools.partial(Quiet, directory=folder)
        with http.server.ThreadingHTTPServer(("localhost", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://localhost:{server.server_port}/"
            server.shutdown()

    return serving


@pytest.fixture(scope="module")
def browser():
    """One Chromium for the module."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: run `make system-deps` as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()
