"""From what a student handed in to one clean notebook, or a message why not.

Bytes in, plain data out: `normalise` is a function of the submitted bytes and
of the released notebook, and never raises, whatever the bytes are. What it
returns is built anew. Of the student's file it holds the text of cells, their
order, their pictures, and nothing else: no outputs, tags, points or flags.

Every cell that is not the student's to write (tests, given code, tasks) comes
from the released notebook. That is the notebook as nbgrader stores it in the
gradebook: solutions cleared, hidden tests in place.
"""

import base64
import json
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import nbformat
from nbformat import v4
from nbformat.notebooknode import NotebookNode

from autograder.sanitise import PICTURES, sanitise_text
from autograder.settings import Settings
from autograder.states import State

CELLS = 2_000  # of one notebook
CELL_TEXT = 200_000  # characters of one cell
LISTS = 1_000_000  # objects and lists in its JSON, which take up to 232 bytes each
TEXTS = 4_000_000  # and texts, 60 bytes each
ENTRIES = 1_000  # files and folders of a submission
DEPTH = 6  # folders in folders
REMARKS = 20
PYTHON = {"name": "python3", "display_name": "Python 3", "language": "python"}
_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_OURS = {"timestamp.txt"}  # nbgrader's own, read elsewhere


class Malformed(Exception):
    """Says, in words for the student, why there is nothing to run."""


@dataclass(frozen=True)
class SourceCell:
    """One cell that nbgrader knows, as it was released.

    `fixed` cells are the instructor's; the others are written by the student.
    """

    grade_id: str
    cell_type: str  # code or markdown
    text: str
    points: float | None = None
    grade: bool = False
    solution: bool = False
    locked: bool = False
    task: bool = False
    checksum: str | None = None
    attachments: dict = field(default_factory=dict)

    @property
    def fixed(self):
        """Whether its text is the instructor's (nbgrader's is_locked, and tasks)."""
        return not self.solution and (self.grade or self.locked or self.task)


@dataclass(frozen=True)
class Normalised:
    """What `normalise` made of a submission.

    state: None where it is ready to run, else MALFORMED (then notebook is None)
    or UNANSWERED. message: what to tell the student about that state.
    files: name -> bytes. remarks: what was changed or left out, in words.
    """

    state: State | None
    message: str
    notebook: NotebookNode | None
    files: dict[str, bytes]
    remarks: list[str]


# ---- the released notebook ---------------------------------------------------


def source_cells(notebook):
    """The cells nbgrader knows of a released notebook, in order."""
    cells = []
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader", {})
        flags = {
            key: bool(meta.get(key)) for key in ("grade", "solution", "locked", "task")
        }
        if any(flags.values()):
            points = meta.get("points") if flags["grade"] or flags["task"] else None
            source = SourceCell(
                meta["grade_id"],
                cell.cell_type,
                cell.source,
                None if points is None else float(points),
                checksum=meta.get("checksum"),
                attachments=cell.get("attachments", {}),
                **flags,
            )
            cells.append(source)
    return cells


def gradebook_cells(notebook):
    """The same from the gradebook (an nbgrader.api.Notebook)."""
    grades = {cell.name: cell.max_score for cell in notebook.grade_cells}
    tasks = {cell.name: cell.max_score for cell in notebook.task_cells}
    solutions = {cell.name for cell in notebook.solution_cells}
    return [
        SourceCell(
            cell.name,
            cell.cell_type,
            cell.source or "",
            (grades | tasks).get(cell.name),
            grade=cell.name in grades,
            solution=cell.name in solutions,
            locked=cell.locked,
            task=cell.name in tasks,
            checksum=cell.checksum,
        )
        for cell in notebook.source_cells
    ]


# ---- one submission ----------------------------------------------------------


def normalise(files, source, name, settings=None, others=(), kernelspec=None, free=()):
    """Make one clean notebook of a submission.

    files: name -> bytes, or None for what is no plain file; as `read_folder`
    gives it. source: SourceCells in the released order. name: of the notebook,
    without .ipynb; others: of the assignment's other notebooks. free: the texts
    of the released cells that nbgrader does not know, such as headings.
    Returns Normalised; never raises on account of what `files` holds.
    """
    settings = settings or Settings()
    remarks = []
    kept = _permitted(files, settings, remarks)
    try:
        chosen = _choose(files, name, set(others), remarks)
        cells = _cells(_parse(files[chosen], settings.limits, remarks), remarks)
        if not source:
            raise Malformed("The released notebook has no cell that nbgrader knows.")
        notebook = _restored(cells, source, kernelspec or PYTHON, remarks)
    except Malformed as malformed:
        message = str(malformed)
        return Normalised(State.MALFORMED, message, None, kept, _few(remarks))
    state, message = None, ""
    if _unanswered(notebook, source, free):
        state = State.UNANSWERED
        message = "Every answer cell still holds the text it was released with."
    return Normalised(state, message, notebook, kept, _few(remarks))


def _few(remarks):
    more = len(remarks) - REMARKS
    return remarks[:REMARKS] + ([f"and {more} remarks more"] if more > 0 else [])


def shown(name):
    """A file's name or a cell's id, fit to stand in a sentence."""
    return sanitise_text(str(name), limit=80).replace("\n", " ")


# ---- files -------------------------------------------------------------------


def read_folder(folder, settings=None):
    """The submitted folder as files for `normalise`: name -> bytes, or None.

    Reads notebooks and permitted files, each at most one byte over its limit.
    Follows no links and opens nothing but plain files; what is left out is
    there as None. Raises OSError only where the folder itself can't be read.
    """
    settings = settings or Settings()
    files, folders = {}, [(os.fspath(folder), "", 0)]
    while folders and len(files) < ENTRIES:
        path, prefix, depth = folders.pop()
        try:
            with os.scandir(path) as entries:
                entries = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            if not depth:
                raise
            continue
        for entry in entries[: ENTRIES - len(files)]:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name.lower().endswith(".ipynb") or depth == DEPTH:
                    files[name] = None
                elif not _hidden(entry.name):
                    folders.append((entry.path, f"{name}/", depth + 1))
            else:
                files[name] = _read(entry.path, _wanted(name, settings))
    return files


def _wanted(name, settings):
    """How many bytes of a file are worth reading."""
    path = _inside(name)
    if path is None:
        return 0
    if path.name.lower().endswith(".ipynb"):
        return int(settings.limits.notebook_mb * 2**20)
    permitted = str(path) in settings.files
    return int(settings.limits.file_mb * 2**20) if permitted else 0


def _read(path, limit):
    """At most limit + 1 bytes of a plain file; None for anything else."""
    if not limit:
        return None
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):  # opening a device can act
            return None
        with open(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
            plain = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            return file.read(limit + 1) if plain else None
    except OSError:
        return None


def _hidden(name):
    return name.startswith(".") or name == "__MACOSX"


def _inside(name):
    r"""The path of a submitted name, with / for \ and :; None if it leads out."""
    name = re.sub(r"^\./", "", str(name).replace("\\", "/"))
    path = PurePosixPath(name.replace(":", "/"))
    outside = path.is_absolute() or ".." in path.parts or not path.parts
    drive = re.match(r"[A-Za-z]:", name)
    return None if outside or drive or re.search(r"[\0-\x1f\x7f]", name) else path


def _permitted(files, settings, remarks):
    """The files that the assignment lists, by exactly these names."""
    kept, left_out = {}, []
    limit = settings.limits.file_mb * 2**20
    for name, data in files.items():
        path = _inside(name)
        if path is not None and path.suffix.lower() == ".ipynb":
            continue
        if path is None or str(path) not in settings.files or data is None:
            if path is None or not (str(path) in _NOT_OURS or _hidden(path.name)):
                left_out.append(shown(name))
        elif len(data) > limit:
            size = f"larger than {settings.limits.file_mb:g} MB"
            remarks.append(f"The file {shown(name)} is {size} and was left out.")
        elif str(path) in kept:
            remarks.append(f"The file {shown(name)} is there twice; one was left out.")
        else:
            kept[str(path)] = bytes(data)
    if left_out:
        names = ", ".join(left_out[:5]) + (" …" if len(left_out) > 5 else "")
        remarks.append(f"Files that the assignment does not ask for: {names}.")
    return kept


def _choose(files, name, others, remarks):
    """The name of the file that is the notebook. Raises Malformed."""
    wanted = f"{name}.ipynb"
    paths = {file: _inside(file) for file in files}
    found = {
        file: path
        for file, path in paths.items()
        if path is not None
        and path.name.lower().endswith(".ipynb")
        and not any(_hidden(part) for part in path.parts)
        and path.name[:-6] not in others
    }
    like = re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)
    steps = (
        [file for file, path in found.items() if str(path) == wanted],
        [file for file, path in found.items() if path.name == wanted],
        [file for file, path in found.items() if path.name.lower() == wanted.lower()],
        [file for file, path in found.items() if like.search(path.name[:-6])],
        list(found),
    )
    candidates = next(filter(None, steps), [])
    if not candidates:
        broken = [shown(f) for f, path in paths.items() if path is None]
        hint = f" (found: {', '.join(broken[:3])})" if broken else ""
        raise Malformed(f"There is no notebook {wanted} among your files{hint}.")
    if len(candidates) > 1:
        names = ", ".join(shown(file) for file in sorted(candidates, key=str)[:5])
        raise Malformed(f"Which notebook is it? Hand in one, as {wanted}; got {names}.")
    chosen = candidates[0]
    if str(chosen) != wanted:
        remarks.append(f"The notebook {shown(chosen)} was taken as {wanted}.")
    ignored = [shown(file) for file in found if file != chosen]
    if ignored:
        remarks.append(f"Not graded: {', '.join(ignored[:5])}.")
    return chosen


# ---- from bytes to cells -----------------------------------------------------


def _parse(data, limits, remarks):
    """The JSON object of a notebook in format 4. Raises Malformed."""
    if data is None:
        raise Malformed("The notebook is a folder, a link or a device, not a file.")
    if len(data) > limits.notebook_mb * 2**20:
        clear = "Clear its outputs, save it, and hand it in again."
        raise Malformed(
            f"The notebook is larger than {limits.notebook_mb:g} MB. {clear}"
        )
    table = _json(_text(data, remarks))
    if not isinstance(table, dict):
        raise Malformed("The file is JSON, but not a notebook.")
    version = table.get("nbformat", 4 if "cells" in table else None)
    if type(version) is bool or version not in (1, 2, 3, 4):  # 4.0 is 4
        got = shown(repr(version)[:20])
        raise Malformed(f"Expected a notebook in format 4, got format {got}.")
    if version < 4:
        table = _converted(table, int(version))
        remarks.append(f"The notebook was converted from format {version:g}.")
    if not isinstance(table.get("cells"), list) or not table["cells"]:
        raise Malformed("The notebook has no cells.")
    _check_language(table.get("metadata"))
    return table


def _text(data, remarks):
    """The characters of the file. Raises Malformed for what is known as no notebook."""
    if not data.strip(b"\0 \t\r\n"):
        raise Malformed("The file is empty.")
    start = bytes(data[:512]).lstrip(b"\xef\xbb\xbf \t\r\n")
    for signs, kind in (
        (b"PK", "a zip archive; unpack it and hand in the notebook"),
        (b"%PDF", "a PDF; hand in the notebook"),
        (b"<", "a web page; download the notebook as .ipynb"),
        (b"\x1f\x8b", "a compressed file; unpack it and hand in the notebook"),
    ):
        if start.startswith(signs):
            raise Malformed(f"The file is {kind}.")
    encoding = json.detect_encoding(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        remarks.append("Some characters could not be read; the file is not UTF-8.")
    if text.count("[") + text.count("{") > LISTS or text.count('"') > 2 * TEXTS:
        clear = "Clear its outputs, save it, and hand it in again."
        raise Malformed(f"The notebook has too many parts to be read. {clear}")
    return text.removeprefix("\ufeff")


def _json(text):
    """Parse; of two equal keys the last counts, as in Jupyter. Raises Malformed."""
    try:
        return json.loads(text, parse_int=_number, strict=False)
    except RecursionError:
        raise Malformed(
            "The file holds lists in lists, deeper than a notebook."
        ) from None
    except ValueError as error:
        where = getattr(error, "lineno", None)
        where = f" (line {where})" if where else ""
        raise Malformed(
            f"The file is not a notebook: its JSON is broken{where}."
        ) from None


def _number(digits):
    return int(digits) if len(digits) < 20 else float("inf")  # Python limits their size


def _converted(table, version):
    """A notebook of an old format in format 4, by nbformat. Raises Malformed."""
    try:
        return nbformat.convert(nbformat.from_dict(table), 4)
    except Exception:  # nbformat promises nothing for a broken notebook
        raise Malformed(
            f"The notebook is in the old format {version} and could not be converted. "
            "Open it in Jupyter, save it, and hand it in again."
        ) from None


def _check_language(metadata):
    """Raise Malformed if the notebook says that it is not Python."""
    metadata = metadata if isinstance(metadata, dict) else {}
    for key, entry in (("language_info", "name"), ("kernelspec", "language")):
        part = metadata.get(key)
        language = part.get(entry) if isinstance(part, dict) else None
        if isinstance(language, str) and language.strip():
            if not re.match(r"(i?python|py)", language.strip(), re.IGNORECASE):
                raise Malformed(f"The notebook is for {shown(language)}, not Python.")
            return


@dataclass
class _Cell:
    """What is read of a student's cell."""

    kind: str
    text: str
    id: object
    grade_id: str | None
    attachments: dict


def _cells(table, remarks):
    """The student's cells. Raises Malformed."""
    if len(table["cells"]) > CELLS:
        raise Malformed(f"Expected at most {CELLS} cells, got {len(table['cells'])}.")
    cells = []
    for number, cell in enumerate(table["cells"], 1):
        if not isinstance(cell, dict):
            remarks.append(f"Cell {number} could not be read and was left out.")
            continue
        kind = cell.get("cell_type")
        if kind not in ("code", "markdown", "raw"):
            remarks.append(f"Cell {number} is of an unknown type; it is kept as text.")
            kind = "raw"
        text = _source(cell.get("source"), number, remarks)
        ours = _dict(_dict(cell.get("metadata")).get("nbgrader"))
        grade_id = ours.get("grade_id")
        grade_id = grade_id if isinstance(grade_id, str) else None
        attachments = _attachments(cell.get("attachments"), number, remarks)
        cells.append(_Cell(kind, text, cell.get("id"), grade_id, attachments))
    return cells


def _dict(value):
    return value if isinstance(value, dict) else {}


def _source(value, number, remarks):
    """The text of a cell, a string or a list of lines, without what no text holds."""
    lines = value if isinstance(value, list) else [value]
    if value is not None and not all(isinstance(line, str) for line in lines):
        remarks.append(f"Cell {number} holds something that is not text; left out.")
    text = "".join(line for line in lines if isinstance(line, str))
    if len(text) > CELL_TEXT:
        got = f"got {len(text):,}"
        raise Malformed(
            f"Cell {number}: expected at most {CELL_TEXT:,} characters, {got}."
        )
    if "\0" in text or re.search("[\ud800-\udfff]", text):
        remarks.append(f"Cell {number} held characters that no text has; replaced.")
        text = re.sub("[\0\ud800-\udfff]", "\ufffd", text)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _attachments(value, number, remarks):
    """The pictures of a Markdown cell: name -> MIME type -> base64."""
    kept = {}
    for name, bundle in _dict(value).items():
        for kind, data in _dict(bundle).items():
            data = "".join(data) if _lines(data) else data
            if kind in PICTURES and isinstance(data, str) and _base64(data):
                kept.setdefault(_source(name, number, []), {})[kind] = data
    if len(kept) != len(_dict(value)):
        remarks.append(f"Cell {number}: only pictures are kept of its attachments.")
    return kept


def _lines(value):
    return isinstance(value, list) and all(isinstance(line, str) for line in value)


def _base64(text):
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return b""


# ---- from cells to the notebook ----------------------------------------------


def _restored(cells, source, kernelspec, remarks):
    """The notebook: the student's cells in their order, the instructor's put back."""
    known = {cell.grade_id: cell for cell in source}
    order = [cell.grade_id for cell in source]
    placed, seen = [], Counter()  # pairs: a new cell, its grade id or None
    for cell in cells:
        ours = known.get(cell.grade_id)
        if ours is not None:
            seen[cell.grade_id] += 1
            if seen[cell.grade_id] > 1:
                ours = None
        text = cell.text if ours is None or not ours.fixed else ours.text
        kind = cell.kind if ours is None else ours.cell_type
        new = _new_cell(kind, text, cell.attachments if ours is None else {})
        if ours is not None:
            _take_over(new, ours, cell, remarks)
        placed.append((new, ours.grade_id if ours else None, cell.id))
    if not seen:
        raise Malformed(
            "No cell of this assignment is in the notebook. Hand in the notebook that "
            "was released, with your answers in its cells."
        )
    for grade_id, times in seen.items():
        if times > 1:
            counted = f"There are {times} cells {shown(grade_id)}"
            remarks.append(f"{counted}; the first counts, the others are yours alone.")
    placed = _in_order(placed, order, remarks)
    _put_back(placed, order, known, remarks)
    return _notebook(placed, kernelspec)


def _in_order(placed, order, remarks):
    """The cells of the assignment in the order they were released in.

    Given code behind the tests that need it would leave those to what a student
    calls by the same names. A student's own cells stay where they are.
    """
    ours = [entry for entry in placed if entry[1] is not None]
    ordered = sorted(ours, key=lambda entry: order.index(entry[1]))
    if [entry[1] for entry in ours] != [entry[1] for entry in ordered]:
        remarks.append("The cells of the assignment were moved; moved back.")
    rest = iter(ordered)
    return [entry if entry[1] is None else next(rest) for entry in placed]


def _new_cell(kind, text, attachments):
    if kind == "code":
        return v4.new_code_cell(text)
    if kind == "raw":
        return v4.new_raw_cell(text)
    new = v4.new_markdown_cell(text)
    if attachments:
        new.attachments = nbformat.from_dict(attachments)
    return new


def _take_over(new, ours, cell, remarks):
    """Give a cell the metadata of its source, and say what was changed."""
    new.metadata = _metadata(ours)
    pictures = ours.attachments if ours.fixed and ours.attachments else cell.attachments
    if new.cell_type == "markdown" and pictures:
        new.attachments = nbformat.from_dict(pictures)
    # A released test is shorter than its source where it hides a part, so a changed
    # test can't be told from an unchanged one here; only given cells can.
    if ours.fixed and not ours.grade and not _same(cell.text, ours.text):
        remarks.append(f"The given cell {shown(ours.grade_id)} was changed; restored.")
    if cell.kind != ours.cell_type:
        kinds = f"is {ours.cell_type}, not {cell.kind}"
        remarks.append(f"The cell {shown(ours.grade_id)} {kinds}; changed back.")


def _metadata(ours):
    """The metadata of a cell for nbgrader, version 3, from the source alone."""
    meta = {key: getattr(ours, key) for key in ("grade", "grade_id", "locked")}
    meta |= {"solution": ours.solution, "task": ours.task, "schema_version": 3}
    meta["cell_type"] = ours.cell_type
    if ours.checksum is not None:
        meta["checksum"] = ours.checksum
    if ours.points is not None:
        meta["points"] = ours.points
    fixed = {"deletable": False, "editable": False} if ours.fixed else {}
    return nbformat.from_dict({"nbgrader": meta} | fixed)


def _put_back(placed, order, known, remarks):
    """Insert the missing cells, each behind the nearest one before it that is there.

    A missing answer that gives no points itself is not put back: its released
    text could replace what the student defined elsewhere.
    """
    present = {grade_id for _, grade_id, _ in placed if grade_id is not None}
    for index, grade_id in enumerate(order):
        ours = known[grade_id]
        if grade_id in present:
            continue
        if not (ours.fixed or ours.grade):
            remarks.append(f"The answer cell {shown(grade_id)} is missing.")
            continue
        before = next((g for g in reversed(order[:index]) if g in present), None)
        places = [n for n, (_, g, _) in enumerate(placed) if g == before]
        where = 0 if before is None else places[0] + 1
        new = _new_cell(ours.cell_type, ours.text, ours.attachments)
        new.metadata = _metadata(ours)
        placed.insert(where, (new, grade_id, None))
        present.add(grade_id)
        remarks.append(f"The cell {shown(grade_id)} was missing and was put back.")


def _notebook(placed, kernelspec):
    """Number the cells that have no id of their own, and put them together."""
    wanted = [
        i if isinstance(i, str) and _CELL_ID.fullmatch(i) else None
        for _, _, i in placed
    ]
    used = set(wanted)
    for number, (new, _, _) in enumerate(placed):
        first = wanted[number] is not None and wanted[number] not in wanted[:number]
        fresh = f"cell-{number}"
        while fresh in used:
            fresh += "-"
        new.id = wanted[number] if first else fresh
        used.add(new.id)
    language = {"name": "python"}
    metadata = {"kernelspec": dict(kernelspec), "language_info": language}
    return v4.new_notebook(
        cells=[new for new, _, _ in placed],
        metadata=nbformat.from_dict(metadata),
    )


def _unanswered(notebook, source, free):
    """Whether no answer was changed, and, where tasks are set, no cell was added."""
    released = {cell.grade_id: cell.text for cell in source if cell.solution}
    tasks = any(cell.task for cell in source)
    given = {text.strip() for text in free} | {""}
    for cell in notebook.cells:
        ours = cell.metadata.get("nbgrader", {})
        if ours.get("solution"):
            if not _same(cell.source, released[ours["grade_id"]]):
                return False
        elif tasks and not ours and cell.source.strip() not in given:
            return False
    return bool(released) or tasks


def _same(one, other):
    """Whether two texts differ in nothing but space at the ends of lines."""
    lines = (
        [line.rstrip() for line in text.strip().splitlines()] for text in (one, other)
    )
    return next(lines) == next(lines)
