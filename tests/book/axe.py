"""axe-core, which looks for what keeps people out of a page.

Its text is fetched from npm once, checked against the sum below and kept in
`_build/axe`; MPL-2.0, used in tests alone.
"""

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import pytest

PACKAGE = "axe-core@4.14.1"
SHA256 = "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
KEPT = Path(__file__).parents[2] / "_build" / "axe" / "axe.min.js"


def axe_source():
    """The script that defines `axe` in a page; a skip where npm is missing."""
    if not KEPT.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.skip("needs npm for axe-core: run `make system-deps` as root")
        KEPT.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=KEPT.parent) as folder:
            part = Path(folder) / KEPT.name
            part.write_bytes(_fetch(npm, Path(folder)))
            os.replace(part, KEPT)
    return KEPT.read_text("utf-8")


def axe_findings(page, *where):
    """What axe finds in a page, or in the parts that CSS selectors name.

    One line for each place; [] is what a test asks for.
    """
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(axe_source())
    context = {"include": [[selector] for selector in where or ("body",)]}
    found = page.evaluate("where => axe.run(where)", context)["violations"]
    return [
        f"{rule['id']}: {' '.join(map(str, node['target']))}: {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def _fetch(npm, folder):
    """The bytes of axe.min.js, from the package whose checksum is known."""
    command = [npm, "pack", PACKAGE, "--silent", "--ignore-scripts"]
    command += ["--cache", folder / "cache"]  # and nothing in a maintainer's home
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    packed = list(folder.glob("*.tgz"))
    if done.returncode or len(packed) != 1:
        raise RuntimeError(f"npm pack {PACKAGE}: {done.stdout}{done.stderr}")
    got = hashlib.sha256(packed[0].read_bytes()).hexdigest()
    if got != SHA256:
        raise RuntimeError(f"{PACKAGE}: expected the checksum {SHA256}, got {got}")
    with tarfile.open(packed[0]) as archive:
        return archive.extractfile("package/axe.min.js").read()
