"""The wheel of lstm_lib, built from this tree: for live cells and for students.

The same sources give the same bytes. It needs pip and the version of
setuptools that pyproject.toml names, and no network.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "_build" / "lstm_lib"
BESIDE = "pyproject.toml", "README.md", "LICENSE"  # what else goes into the wheel


def build_wheel(folder):
    """Build the wheel of lstm_lib from this tree. Returns its path."""
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "tree"  # setuptools writes beside what it builds
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "lstm_lib", tree / "lstm_lib", ignore=skip)
        for name in BESIDE:
            shutil.copy(ROOT / name, tree)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--no-index", "--wheel-dir", folder, tree]
        dated = os.environ | {"SOURCE_DATE_EPOCH": "315532800"}  # 1980, as in zip files
        subprocess.run(command, env=dated, check=True, capture_output=True)
    return next(Path(folder).glob("lstm_lib-*.whl"))


def current_wheel(cache=CACHE):
    """The wheel of the tree as it is, built only if lstm_lib has changed."""
    folder = Path(cache) / _digest_of_sources()[:16]
    if not folder.exists():
        shutil.rmtree(cache, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            build_wheel(Path(scratch) / "wheel")
            try:
                (Path(scratch) / "wheel").rename(folder)  # whole, or not at all
            except OSError:  # another build was quicker, with the same bytes
                if not folder.exists():
                    raise
    return next(folder.glob("lstm_lib-*.whl"))


def _digest_of_sources():
    """One sum over what the wheel is made of."""
    digest = hashlib.sha256()
    sources = [p for p in sorted((ROOT / "lstm_lib").rglob("*")) if p.is_file()]
    for path in [*sources, *(ROOT / name for name in BESIDE)]:
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return digest.hexdigest()
