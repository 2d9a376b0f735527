"""Helpers that run code behind chosen layers of the sandbox, as root or not."""

import contextlib
import json
import os
import signal
import traceback

import pytest

from autograder import packages, sandbox

ORDINARY = 65533  # a user id that owns nothing
PYTHON = tuple(packages.python_files())


def in_child(function, uid=None):
    """Call function() in a forked child, as that user. Returns what it returns.

    The value travels as JSON. An exception there fails the test here.
    """
    receive, send = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(receive)
        try:
            if uid is not None:
                become(uid)
            answer = {"value": function()}
        except BaseException:
            answer = {"error": traceback.format_exc()}
        os.write(send, json.dumps(answer).encode())
        os._exit(0)
    os.close(send)
    with open(receive, "rb") as file:
        text = file.read()
    os.waitpid(pid, 0)
    answer = json.loads(text)
    if "error" in answer:
        pytest.fail(answer["error"])
    return answer["value"]


def become(uid):
    """Drop to an ordinary user for good."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    sandbox._resolved.cache_clear()  # this user can read less


def behind(layers, act, *, readable=PYTHON, limits=None, keep=(), **options):
    """Call act() behind these layers only. Returns its ending and its outcome.

    The outcome is what act() returned, or {"error": name of the exception,
    "text": …}, or None if it did not come to an end by itself.
    """
    receive, send = os.pipe()

    def work():
        try:
            outcome = act()
        except Exception as error:
            outcome = {"error": type(error).__name__, "text": str(error)}
        os.write(send, json.dumps(outcome).encode())

    plan = sandbox.Plan(
        layers=frozenset(layers),
        readable=tuple(readable),
        limits=limits or sandbox.Limits(seconds=20, cpu_seconds=10),
        keep=(send, *keep),
        **options,
    )
    confined = sandbox.spawn(plan, work)
    os.close(send)
    with open(receive, "rb") as file:
        text = file.read()  # until nobody is left who could write
    return vars(confined.wait()), json.loads(text) if text else None


@contextlib.contextmanager
def sibling():
    """A process of the same user that does nothing: yields its number."""
    pid = os.fork()
    if pid == 0:
        sandbox.kernel.prctl(sandbox.kernel.PR_SET_DUMPABLE, 1)
        signal.pause()
        os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
