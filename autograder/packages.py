"""Which files Python and the permitted packages consist of: what a sandbox may read.

Everything else in site-packages stays unreadable, so the lists name the folders
of single packages, never the folder that holds them all.
"""

import glob
import importlib.metadata as metadata
import os
import sysconfig
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

# Packages of any Python live in folders with these names, inside the library's.
PACKAGE_FOLDERS = ("site-packages", "dist-packages")

SYSTEM = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/fontconfig"),
    *("/etc/fonts", "/var/cache/fontconfig"),
    *("/usr/share/zoneinfo", "/etc/localtime", "/etc/ld.so.cache"),
    "/sys/devices/system/cpu",  # how many processors: BLAS and os.cpu_count ask
)


def python_files():
    """The standard library and the system's shared libraries and fonts, as paths."""
    library = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    paths = [path for folder in library for path in _without_packages(folder)]
    paths += glob.glob(os.path.join(sysconfig.get_config_var("LIBDIR"), "*.so*"))
    here = sysconfig.get_config_var("MULTIARCH") or "none"
    for folder in (f"/usr/lib/{here}", f"/lib/{here}", "/usr/lib64", "/lib64"):
        paths += _without_packages(folder)
    return sorted(path for path in {*paths, *SYSTEM} if os.path.exists(path))


def _without_packages(folder):
    """The folder; or what is in it, if packages are there too, without those."""
    if not os.path.isdir(folder):
        return []
    names = os.listdir(folder)
    kept = [
        name
        for name in names
        if name not in PACKAGE_FOLDERS and not name.startswith("python")
    ]
    if len(kept) == len(names):
        return [folder]
    return [os.path.join(folder, name) for name in kept]


def listed_folders(readable):
    """The folders of modules and packages that hold some of these paths.

    An import lists them, so their names must be readable where files are not.
    """
    library = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return {
        folder
        for folder in {os.path.dirname(path) for path in readable}
        if folder in library or os.path.basename(folder) in PACKAGE_FOLDERS
    }


def package_files(names):
    """The files and folders of distributions and of all they require, as paths.

    names: as pip knows them, `scikit-learn` rather than `sklearn`.
    Raises LookupError for a name that isn't installed.
    """
    wanted = _with_requirements(names)
    others = [d for d in metadata.distributions() if _name(d) not in wanted]
    shared = {file.parts[0] for d in others for file in _files(d)}
    paths = set()
    for distribution in wanted.values():
        for file in _files(distribution):
            # A folder with files of others (`google`, `__pycache__`) is not given
            # as a whole.
            part = file if file.parts[0] in shared else file.parts[0]
            paths.add(str(distribution.locate_file(part)))
    return sorted(path for path in paths if os.path.exists(path))


def _name(distribution):
    return canonicalize_name(distribution.metadata["Name"])


def _with_requirements(names):
    """Canonical name -> distribution, for these and what they require, and so on."""
    found, waiting = {}, list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            raise LookupError(
                f"packages: {name!r} is not installed for this Python."
            ) from None
        for text in found[name].requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _files(distribution):
    """Its files, relative to the folder of packages. Scripts outside are left out."""
    files = distribution.files
    if files is None:  # a system's package without RECORD: names are all there is
        names = (distribution.read_text("top_level.txt") or "").split()
        return [Path(name) for top in names for name in (top, f"{top}.py")]
    return [file for file in files if file.parts[0] not in ("..", "/")]


# ---- what the autograder itself needs in a child ---------------------------------

# IPython runs the cells, matplotlib-inline shows pictures, msgpack passes data.
OURS = ("ipython", "matplotlib-inline", "msgpack", "numpy")
# What these import late, when reading a new file may no longer be allowed.
LATE = (
    *("IPython.core.completer", "IPython.core.magics", "IPython.utils.capture"),
    *("pygments.lexers.python", "pygments.formatters.terminal256"),
    *("pygments.formatters.terminal", "pygments.styles.default", "stack_data"),
    *("executing", "unittest.mock", "copy", "inspect", "linecache", "decimal"),
)


def own_files():
    """The folder of this package: a student's process imports `student`, `shell`."""
    return [os.path.dirname(os.path.abspath(__file__))]


def all_packages():
    """The folders in which packages are installed, whole: for judges."""
    return sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def import_names(distributions):
    """The modules by which distributions are imported: scikit-learn is sklearn."""
    wanted = {canonicalize_name(name) for name in distributions}
    return sorted(
        module
        for module, owners in metadata.packages_distributions().items()
        if wanted & {canonicalize_name(owner) for owner in owners}
        and module.isidentifier()
        and not module.startswith("_")
    )
