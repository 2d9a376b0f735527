"""What an assignment permits, as its assignment.toml says.

    title = "Problem set 1"
    packages = ["numpy"]                  # preloaded, and readable
    lstm_lib = ["lstm_lib.gradients"]     # of a package named here, only these modules
    files = ["rainfall.csv"]              # kept of what comes with the notebook

    [limits]
    seconds = 60

Only `title` must be there. `minutes`, `points` and `chapters` are for people.
"""

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path, PurePosixPath

_FOR_PEOPLE = {"minutes", "points", "chapters"}
_MODULE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class SettingsError(ValueError):
    """An assignment.toml that says something else than expected."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use."""

    seconds: float = 60  # wall-clock time of all cells, in each of the two runs
    cell_seconds: float = 20  # of one cell, which is then interrupted
    memory_mb: float = 1024  # of one process
    notebook_mb: float = 20  # the submitted notebook, its old outputs included
    file_mb: float = 10  # each other file

    @property
    def one_cell(self):
        """Seconds for one cell, never more than for all."""
        return min(self.cell_seconds, self.seconds)


@dataclass(frozen=True)
class Settings:
    """What one assignment permits; everything else is out of reach.

    modules: package -> the modules of it that may be imported.
    """

    title: str = ""
    packages: tuple[str, ...] = ()
    modules: dict[str, tuple[str, ...]] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    limits: Limits = Limits()


def read_settings(path):
    """Read an assignment.toml.

    Raises SettingsError, naming file, key, expected and got.
    """
    path = Path(path)
    try:
        return parse_settings(path.read_text("utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:  # bytes that are no UTF-8, and SettingsError
        raise SettingsError(f"{path}: {error}") from error


def parse_settings(text):
    """Settings from the text of an assignment.toml. Raises SettingsError."""
    try:
        table = tomllib.loads(text.replace("\r\n", "\n"))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(f"not TOML: {error}") from error
    title = table.pop("title", None)
    if not isinstance(title, str) or not title.strip():
        raise SettingsError(f"title: expected a text, got {_shown(title)}")
    packages = _names(table.pop("packages", []), "packages")
    files = _files(table.pop("files", []))
    limits = _limits(table.pop("limits", {}))
    rest = {key: value for key, value in table.items() if key not in _FOR_PEOPLE}
    modules = {key: _modules(key, value) for key, value in rest.items()}
    return Settings(title, packages, modules, files, limits)


def _modules(package, value):
    """The permitted modules of one package, which is the key they stand under."""
    names = value if isinstance(value, list) else None
    if names is None or not _MODULE.fullmatch(package):
        known = "title, packages, files, limits, or a package with a list of modules"
        raise SettingsError(f"{package}: expected one of {known}")
    names = _names(names, package)
    for name in names:
        if name.split(".")[0] != package:
            expected = f"expected modules of {package}"
            raise SettingsError(f"{package}: {expected}, got {name!r}")
    return names


def _texts(value, key):
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise SettingsError(f"{key}: expected a list of texts, got {_shown(value)}")
    return tuple(dict.fromkeys(value))


def _names(value, key):
    names = _texts(value, key)
    for name in names:
        if not _MODULE.fullmatch(name):
            expected = "expected names as in an import"
            raise SettingsError(f"{key}: {expected}, got {name!r}")
    return names


def _files(value):
    names = _texts(value, "files")
    for name in names:
        path = PurePosixPath(name)
        outside = path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", name)
        if outside or str(path) != name or name == "." or name.endswith(".ipynb"):
            expected = "expected names inside the folder, with / and no notebook"
            raise SettingsError(f"files: {expected}, got {name!r}")
    return names


def _limits(value):
    if not isinstance(value, dict):
        raise SettingsError(f"limits: expected a table, got {_shown(value)}")
    known = [field.name for field in fields(Limits)]
    for key, number in value.items():
        if key not in known:
            expected = f"expected one of {', '.join(known)}"
            raise SettingsError(f"limits.{key}: {expected}")
        if type(number) not in (int, float) or not 0 < number < float("inf"):
            expected = "expected a number above 0"
            raise SettingsError(f"limits.{key}: {expected}, got {_shown(number)}")
    return Limits(**value)


def _shown(value):
    return "nothing" if value is None else repr(value)[:80]
