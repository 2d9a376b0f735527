"""The doctor believes no layer that it has not attacked."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest
from confinement import ORDINARY, in_child

from autograder import doctor, kernel, sandbox
from autograder.__main__ import main
from autograder.doctor import ACTIVE, FAILING, MISSING, TOGETHER

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
needs_all = pytest.mark.skipif(
    sys.platform != "linux" or bool(doctor.lacking(doctor.available())),
    reason="this machine lacks a layer, `python -m autograder doctor` says which",
)


def states():
    """Layer -> state, as the doctor finds them."""
    return {status.layer: status.state for status in doctor.available()}


def does_nothing(*_):
    return 0


def is_not_there(*_):
    raise OSError(errno.ENOSYS, "Function not implemented")


# What puts each layer on: with it gone the attack must succeed.
PUT_ON = {
    "pid-namespace": (sandbox, "_leave_namespaces"),
    "mount-namespace": (sandbox, "_private_files"),
    "net-namespace": (sandbox, "_leave_namespaces"),
    "ipc-namespace": (sandbox, "_leave_namespaces"),
    "private-uid": (sandbox, "_become"),
    "no-privileges": (kernel, "drop_capabilities"),
    "landlock": (kernel, "landlock"),
    "seccomp": (kernel, "seccomp"),
    "rlimits": (sandbox, "_limit"),
}


@needs_all
def test_all_required_layers_are_active_here():
    found = states()
    assert list(found) == [*sandbox.LAYERS, TOGETHER]
    assert {found[layer] for layer in sandbox.required_layers()} == {ACTIVE}
    assert found[TOGETHER] == ACTIVE


@needs_all
def test_an_ordinary_user_has_all_but_a_private_uid():
    found = in_child(lambda: [vars(s) for s in doctor.available()], ORDINARY)
    lacking = {s["layer"] for s in found if s["required"] and s["state"] != ACTIVE}
    assert lacking <= {TOGETHER}  # where this Python is in another user's home
    (uid,) = [s for s in found if s["layer"] == "private-uid"]
    assert (uid["state"], uid["required"]) == (MISSING, False)


@needs_all
@pytest.mark.parametrize("layer", PUT_ON)
def test_a_layer_that_does_nothing_is_failing(layer, monkeypatch, as_root, capsys):
    monkeypatch.setattr(*PUT_ON[layer], does_nothing)
    assert states()[layer] == FAILING
    assert main(["doctor"]) == 1
    shown = capsys.readouterr().out
    assert "Not ready:" in shown and "(tried: it " in shown


@needs_all
def test_a_clock_that_does_nothing_is_failing(monkeypatch):
    monkeypatch.setitem(doctor.ATTACKS, "wall-clock", lambda victim: "lived on")
    assert states()["wall-clock"] == FAILING


@linux
@pytest.mark.parametrize("layer", ["landlock", "seccomp", "mount-namespace"])
def test_what_the_kernel_lacks_is_missing(layer, monkeypatch, as_root, capsys):
    module, name = PUT_ON[layer]
    monkeypatch.setattr(module, name, is_not_there)
    assert states()[layer] == MISSING
    assert main(["doctor", "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    (row,) = [row for row in answer["layers"] if row["layer"] == layer]
    assert not answer["ready"] and row["state"] == MISSING
    assert doctor.EXPOSES[layer] in row["sentence"]
    assert "Function not implemented" in row["reason"]
    main(["doctor"])
    assert doctor.HELPS[layer][:30] in " ".join(capsys.readouterr().out.split())


@linux
def test_layers_that_exclude_each_other_are_found(monkeypatch):
    monkeypatch.setattr(sandbox, "_limit", lambda plan: is_not_there())
    assert states()[TOGETHER] == ACTIVE  # what is missing is left out
    monkeypatch.setattr(doctor, "_work_as_usual", lambda: "MemoryError: ")
    assert states()[TOGETHER] == FAILING


@needs_all
def test_missing_layers_are_left_out_only_by_name(monkeypatch, as_root):
    assert doctor.layers_to_ask() >= sandbox.required_layers()
    monkeypatch.setattr(kernel, "landlock", is_not_there)
    monkeypatch.setattr(kernel, "seccomp", does_nothing)
    with pytest.raises(sandbox.SandboxError) as caught:
        doctor.layers_to_ask(["landlock"])
    assert "- seccomp, failing: " in str(caught.value)
    assert "- landlock" not in str(caught.value)
    left = doctor.layers_to_ask(["landlock", "seccomp"])
    assert sandbox.required_layers() - left == {"landlock", "seccomp"}


@needs_all
def test_to_accept_a_layer_that_is_there_changes_nothing():
    assert "landlock" in doctor.layers_to_ask(["landlock"])


def test_unknown_layers_are_an_error():
    with pytest.raises(ValueError, match="accept_missing: .*'sekkomp'.*; known: pid-"):
        doctor.layers_to_ask(["sekkomp"])


@needs_all
def test_the_command_is_readable_and_ends_with_a_verdict():
    command = [sys.executable, "-m", "autograder", "doctor"]
    folder = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[-1] == "Ready: every layer that grading requires is active."
    assert all(len(line) < 80 for line in lines)
    for layer in sandbox.LAYERS:
        assert any(line.split()[:1] == [layer] for line in lines)


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_told_what_is_missing(platform):
    """Import everything anew as if on that system, which lacks these modules."""
    code = f"""
import os, sys, psutil, tempfile, socket
sys.platform = {platform!r}
sys.modules["fcntl"] = None
if sys.platform == "win32":
    sys.modules["resource"] = None
    for name in ("fork", "geteuid", "getuid", "pidfd_open"):
        delattr(os, name)
from autograder.__main__ import main
from autograder import doctor
from autograder.sandbox import SandboxError
assert main(["doctor"]) == 1
try:
    doctor.layers_to_ask()
except SandboxError as error:
    assert "only Linux has it" in str(error)
    print("refused")
print(doctor.layers_to_ask(doctor.LAYERS))
"""
    folder = Path(__file__).parents[2]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert f"only Linux has it; this is {platform}" in shown and "Not ready" in shown
    assert shown.endswith("refused frozenset()")
