"""Arrays with a description, in one NumPy file without pickles."""

import json
import os
from pathlib import Path

import numpy as np


def write(file, description, arrays):
    """Write a dict as JSON and a dict of arrays to a .npz file.

    file: a path, used as given. A file of that name is replaced in one step,
    when the new one is complete. Raises OSError if that fails.
    """
    text = json.dumps(description, default=np.generic.item)
    path = Path(file)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(part, "wb") as handle:
            np.savez(handle, configuration=text, **arrays)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def read(file, writer):
    """Return the description and the arrays that `write` put into a file.

    writer: what should have written it, for the message. Raises
    FileNotFoundError, ValueError for a damaged file or another one.
    """
    with open(file, "rb") as handle:
        try:
            with np.load(handle, allow_pickle=False) as archive:
                arrays = dict(archive)
            return dict(json.loads(arrays.pop("configuration").item())), arrays
        except Exception as error:  # there are many ways to be no such file
            raise foreign(file, writer, error) from error


def expect_same(file, mine, theirs):
    """Refuse a file whose description differs from mine, by the first entry.

    mine: a dict; theirs: the file's, which may say more.
    """
    for key, expected in mine.items():
        got = theirs.get(key)
        if expected != got:
            raise ValueError(f"{file}: {key}: expected {expected!r}, got {got!r}")


def foreign(file, writer, error):
    """The error for a file that something else wrote."""
    return ValueError(
        f"{file}: expected a file written by {writer}, got a damaged or a foreign "
        f"one ({type(error).__name__})"
    )
