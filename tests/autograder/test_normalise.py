"""From submitted bytes to one clean notebook: what is kept, restored and refused."""

import base64
import json
import os
import re
import struct
import warnings
import zlib
from pathlib import Path

import nbformat
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat import v4
from submitted import STUB, TEST, as_files, cell, handed_in, nbgrader, released, source

from autograder.normalise import normalise, read_folder, source_cells
from autograder.settings import Limits, Settings
from autograder.states import State

SMALL = Settings(files=("data.csv",), limits=Limits(notebook_mb=1, file_mb=0.001))
PIXEL = base64.b64encode(
    b"\x89PNG\r\n\x1a\n"
    + b"".join(
        struct.pack(">I", len(data))
        + kind
        + data
        + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (
            (b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"\0\xff\0\0")),
            (b"IEND", b""),
        )
    )
).decode()


def run(table, name="ps.ipynb", **options):
    """Normalise a submission of one notebook."""
    return normalise(as_files(table, name), source(), "ps", SMALL, **options)


def run_bytes(data, name="ps.ipynb"):
    return normalise({name: data}, source(), "ps", SMALL)


def ids(notebook):
    """The grade ids of a notebook in order, None for the student's own cells."""
    return [c.metadata.get("nbgrader", {}).get("grade_id") for c in notebook.cells]


def assert_clean(result):
    """What holds of everything that normalise returns."""
    if result.notebook is None:
        assert result.state is State.MALFORMED and result.message
        return
    notebook = result.notebook
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    known = {c.grade_id: c for c in source()}
    seen = [grade_id for grade_id in ids(notebook) if grade_id]
    assert len(seen) == len(set(seen)) and set(seen) >= set(known) - {"double"}
    for new in notebook.cells:
        assert_clean_cell(new, known)
    nbformat.writes(notebook).encode()  # no lone surrogates


def assert_clean_cell(new, known):
    """No outputs, and no metadata but the source's own."""
    assert new.get("outputs", []) == [] and new.get("execution_count") is None
    assert "\0" not in new.source and "\r" not in new.source
    if not new.metadata:
        return
    assert set(new.metadata) <= {"nbgrader", "deletable", "editable"}
    meta = new.metadata.nbgrader
    ours = known[meta.grade_id]
    assert new.cell_type == meta.cell_type == ours.cell_type
    for flag in ("grade", "solution", "locked", "task", "checksum"):
        assert meta[flag] == getattr(ours, flag)
    assert meta.get("points") == ours.points
    if ours.fixed:
        assert new.source == ours.text


# ---- honest submissions ------------------------------------------------------


def test_an_honest_submission_is_ready_to_run():
    result = run(handed_in())
    assert (result.state, result.message, result.remarks) == (None, "", [])
    assert ids(result.notebook) == [
        None, "imports", "double", None, "test", "essay", "zero",
    ]  # fmt: skip
    texts = [c.source for c in result.notebook.cells]
    assert texts[2] == "def double(x):\n    return 2 * x"
    assert texts[3] == "double(5)"
    assert texts[4] == TEST  # the hidden part is back
    assert texts[5] == "Because $x + x = 2x$."
    assert_clean(result)


def test_the_same_bytes_give_the_same_notebook():
    table = handed_in()
    assert nbformat.writes(run(table).notebook) == nbformat.writes(run(table).notebook)


def test_an_untouched_release_is_unanswered_but_can_be_run():
    result = run(json.loads(json.dumps(released())))
    assert result.state is State.UNANSWERED and "released" in result.message
    assert_clean(result)
    spaces = json.loads(json.dumps(released()))
    cell(spaces, "double")["source"] = STUB.replace("\n", "  \r\n") + "\n\n"
    assert run(spaces).state is State.UNANSWERED


def test_an_answered_essay_alone_is_an_answer():
    table = json.loads(json.dumps(released()))
    cell(table, "essay")["source"] = "Because."
    assert run(table).state is None


def test_tasks_are_answered_by_added_cells():
    notebook = released()
    task = nbgrader("task", task=True, locked=True, points=4)
    notebook.cells = [v4.new_markdown_cell("Draw a cell.", metadata=task)]
    ours = source_cells(notebook)
    table = json.loads(json.dumps(notebook))
    assert normalise(as_files(table), ours, "ps").state is State.UNANSWERED
    table["cells"].append(json.loads(json.dumps(v4.new_code_cell("plot()"))))
    result = normalise(as_files(table), ours, "ps")
    assert result.state is None
    assert result.notebook.cells[0].metadata.nbgrader.points == 4


def test_gradebook_cells_say_the_same_as_the_notebook():
    class Row:
        def __init__(self, **values):
            self.__dict__ |= values

    from autograder.normalise import gradebook_cells

    ours = source()
    row = Row(
        source_cells=[
            Row(
                name=c.grade_id, cell_type=c.cell_type, source=c.text,
                locked=c.locked, checksum=c.checksum,
            )
            for c in ours
        ],
        grade_cells=[Row(name=c.grade_id, max_score=c.points) for c in ours if c.grade],
        solution_cells=[Row(name=c.grade_id) for c in ours if c.solution],
        task_cells=[],
    )  # fmt: skip
    assert gradebook_cells(row) == ours


def test_the_kernel_is_the_instructors():
    table = handed_in()
    table["metadata"]["kernelspec"] = {"name": "evil", "display_name": "x"}
    spec = {"name": "python3", "display_name": "P", "language": "python"}
    result = run(table, kernelspec=spec)
    assert result.notebook.metadata.kernelspec == spec


# ---- what is restored --------------------------------------------------------


def test_tests_and_given_code_come_from_the_source():
    table = handed_in()
    cell(table, "test")["source"] = "pass"
    cell(table, "imports")["source"] = "import math\nmath.sqrt = abs"
    result = run(table)
    assert_clean(result)
    assert "given cell imports was changed" in result.remarks[0]


def test_metadata_of_the_student_is_dropped():
    table = handed_in()
    table["metadata"] |= {
        "nbgrader": {"points": 99}, "celltoolbar": "x", "widgets": {"a": 1},
        "jupytext": {"text_representation": {}}, "title": "<script>",
    }  # fmt: skip
    cell(table, "zero")["metadata"]["nbgrader"] |= {"points": 99, "schema_version": 9}
    cell(table, "test")["metadata"]["nbgrader"] |= {
        "solution": True, "locked": False, "grade": "yes", "task": True,
    }  # fmt: skip
    double = cell(table, "double")
    double["metadata"] |= {
        "tags": ["skip-execution"],
        "scrolled": True,
        "slideshow": {},
    }
    double["metadata"]["nbgrader"] = {"grade_id": "double"}  # as in schema 0
    for other in table["cells"]:
        other["metadata"].setdefault("tags", ["raises-exception"])
    result = run(table)
    assert result.state is None
    assert_clean(result)


@pytest.mark.parametrize("version", [None, 0, 1, 2, 3, 4, -1, "3", [], 1e99])
def test_any_schema_version_is_read(version):
    table = handed_in()
    for other in table["cells"]:
        if "nbgrader" in other["metadata"]:
            other["metadata"]["nbgrader"]["schema_version"] = version
    assert run(table).remarks == []


def test_of_a_copied_cell_the_first_counts_and_the_copy_stays_as_a_free_cell():
    table = handed_in()
    copy = json.loads(json.dumps(cell(table, "double")))
    copy["source"] = "def double(x):\n    return x + x"
    table["cells"].append(copy)
    result = run(table)
    assert_clean(result)
    assert result.notebook.cells[2].source.endswith("2 * x")
    assert ids(result.notebook)[-1] is None
    assert result.notebook.cells[-1].source.endswith("x + x")
    assert result.remarks == [
        "There are 2 cells double; the first counts, the others are yours alone."
    ]


@pytest.mark.parametrize(
    "missing, order",
    [
        (["test"], [None, "imports", "double", "test", None, "essay", "zero"]),
        (["imports"], ["imports", None, "double", None, "test", "essay", "zero"]),
        (["zero"], [None, "imports", "double", None, "test", "essay", "zero"]),
        (["test", "essay"], [None, "imports", "double", "test", "essay", None, "zero"]),
        (["double"], [None, "imports", None, "test", "essay", "zero"]),
        (["double", "test"], [None, "imports", "test", None, "essay", "zero"]),
    ],
)
def test_missing_cells_are_put_back_where_they_belong(missing, order):
    table = handed_in()
    for grade_id in missing:
        table["cells"].remove(cell(table, grade_id))
    result = run(table)
    assert_clean(result)
    assert ids(result.notebook) == order
    assert len(result.remarks) == len(missing)
    assert all("missing" in remark for remark in result.remarks)


def test_cells_of_the_assignment_come_in_the_released_order():
    """Or given code behind a test leaves it to what a student calls by its names."""
    table = handed_in()
    table["cells"].reverse()
    result = run(table)
    assert ids(result.notebook) == [
        "imports", "double", "test", None, "essay", "zero", None,
    ]  # fmt: skip
    assert result.remarks == ["The cells of the assignment were moved; moved back."]


def test_a_changed_cell_type_is_changed_back():
    table = handed_in()
    double = cell(table, "double")
    double["cell_type"] = "markdown"
    del double["outputs"], double["execution_count"]
    result = run(table)
    assert_clean(result)
    assert "double is code, not markdown" in result.remarks[0]


def test_cell_ids_are_kept_once_and_made_where_they_are_missing():
    table = handed_in()
    before = [c["id"] for c in table["cells"]]
    table["cells"][1]["id"] = before[0]
    table["cells"][2]["id"] = "a b"
    table["cells"][3]["id"] = 7
    table["cells"][4]["id"] = "cell-1"  # which another one would be given
    del table["cells"][5]["id"]
    result = run(table)
    assert_clean(result)
    after = [c.id for c in result.notebook.cells]
    assert len(set(after)) == 7
    assert (after[0], after[4], after[6]) == (before[0], "cell-1", before[6])


def test_pictures_of_markdown_are_kept_and_nothing_else_is_attached():
    table = handed_in()
    cell(table, "essay")["attachments"] = {
        "a.png": {"image/png": PIXEL, "text/html": "<script>"},
        "b": {"application/javascript": "alert(1)"},
        "c": 3,
        "d": {"image/png": ["no base64 \ud800"]},
    }
    result = run(table)
    assert_clean(result)
    essay = next(c for c in result.notebook.cells if c.source.startswith("Because"))
    assert essay.attachments == {"a.png": {"image/png": PIXEL}}


# ---- broken cells ------------------------------------------------------------


@pytest.mark.parametrize(
    "text, kept",
    [
        (["a\n", "b"], "a\nb"),
        (["a", 3, None, "b"], "ab"),
        (3, ""),
        (None, ""),
        ({"a": 1}, ""),
        ("a\r\nb\rc", "a\nb\nc"),
        ("x\0y", "x\ufffdy"),
        ("x\ud800y", "x\ufffdy"),
    ],
)
def test_a_source_of_any_kind_is_read(text, kept):
    table = handed_in()
    table["cells"][4]["source"] = "unread"
    table["cells"][3]["source"] = text
    result = run(table)
    assert_clean(result)
    assert result.notebook.cells[3].source == kept


def test_cells_without_anything_are_read():
    table = handed_in()
    table["cells"] += [{}, 3, None, [], {"cell_type": "raw"}, {"metadata": 3}]
    table["cells"] += [
        {"cell_type": ["code"], "source": "x", "metadata": {"nbgrader": []}}
    ]
    table["cells"] += [
        {"cell_type": "code", "metadata": {"nbgrader": {"grade_id": value}}}
        for value in (3, None, ["double"], {}, True)
    ]
    result = run(table)
    assert_clean(result)
    assert len(result.notebook.cells) == 7 + 9
    assert any("could not be read" in remark for remark in result.remarks)


def test_many_remarks_are_cut():
    table = handed_in()
    table["cells"] += [3] * 100
    result = run(table)
    assert len(result.remarks) == 21 and result.remarks[-1] == "and 80 remarks more"


# ---- encodings and formats ---------------------------------------------------


def in_metadata(value):
    """A function that adds a value, as it stands, to the text of a notebook."""
    return lambda text: text.replace('"metadata"', f'"x": {value}, "metadata"').encode()


WRITTEN = {
    "byte order mark": lambda text: text.encode("utf-8-sig"),
    "utf-16": lambda text: text.encode("utf-16"),
    "utf-16 without mark": lambda text: text.encode("utf-16-be"),
    "utf-32": lambda text: text.encode("utf-32"),
    "windows": lambda text: text.replace("\n", "\r\n").encode(),
    "old mac": lambda text: text.replace("\n", "\r").encode(),
    "a key twice": lambda text: text.replace("{", '{"nbformat": "x", ', 1).encode(),
    "no number": in_metadata("[NaN, Infinity, -Infinity]"),
    "a huge float": in_metadata("1e999"),
    "a huge integer": in_metadata("9" * 9999),
    "4.0": lambda text: text.replace('"nbformat": 4', '"nbformat": 4.0').encode(),
    "no format": lambda text: text.replace('"nbformat": 4', '"n": 4').encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_other_ways_to_write_the_file_are_read(way):
    data = WRITTEN[way](json.dumps(handed_in(), indent=1, ensure_ascii=False))
    result = run_bytes(data)
    assert (result.state, result.remarks) == (None, [])
    assert_clean(result)


def test_bytes_that_are_no_utf8_are_replaced():
    data = json.dumps(handed_in()).replace("Because", "Weil Größe")
    result = run_bytes(
        data.replace("\\u00f6", "ö").replace("\\u00df", "ß").encode("latin-1")
    )
    assert_clean(result)
    assert "not UTF-8" in result.remarks[0]


@pytest.mark.parametrize("minor", range(6))
def test_formats_4_0_to_4_5_are_read(minor):
    table = handed_in()
    table["nbformat_minor"] = minor
    if minor < 5:
        for other in table["cells"]:
            del other["id"]
    result = run(table)
    assert (result.state, result.remarks) == (None, [])
    assert_clean(result)


def test_format_3_is_converted():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = nbformat.convert(nbformat.from_dict(handed_in()), 3)
    result = run(json.loads(json.dumps(old)))
    assert result.state is None
    assert "converted from format 3" in result.remarks[0]
    assert_clean(result)


def test_an_essay_in_a_format_3_heading_is_text():
    table = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "heading"}]}]}
    assert_clean(run(table))


@pytest.mark.parametrize(
    "language, message",
    [
        ({"kernelspec": {"language": "R", "name": "ir"}}, "is for R, not Python"),
        ({"language_info": {"name": "julia"}}, "is for julia, not Python"),
        ({"language_info": {"name": "<b>"}, "kernelspec": 3}, "is for <b>, not Python"),
        ({"language_info": {"name": "ipython"}}, ""),
        ({"language_info": {"name": 3}, "kernelspec": {"language": "Python 3"}}, ""),
        (3, ""),
    ],
)
def test_another_language_is_refused(language, message):
    result = run(handed_in() | {"metadata": language})
    assert message in result.message
    assert (result.state is State.MALFORMED) == bool(message)


NOT_A_NOTEBOOK = {
    "empty": (b"", "The file is empty."),
    "blank": (b" \r\n\0", "The file is empty."),
    "text": (b"import numpy", "its JSON is broken (line 1)"),
    "cut": (json.dumps(handed_in(), indent=1).encode()[:300], "is broken (line"),
    "two": (b"{}{}", "its JSON is broken"),
    "number": (b"3", "JSON, but not a notebook"),
    "list": (b"[]", "JSON, but not a notebook"),
    "dict": (b"{}", "in format 4, got format None"),
    "no cells": (b'{"nbformat": 4, "cells": []}', "has no cells"),
    "cells": (b'{"nbformat": 4, "cells": {"a": 1}}', "has no cells"),
    "new": (b'{"nbformat": 5, "cells": [{}]}', "got format 5"),
    "yes": (b'{"nbformat": true, "cells": [{}]}', "got format True"),
    "infinite": (b'{"nbformat": Infinity, "cells": [{}]}', "got format inf"),
    "broken 3": (b'{"nbformat": 3, "worksheets": 3}', "format 3 and could not be conv"),
    "empty 3": (b'{"nbformat": 3, "metadata": {}, "worksheets": []}', "has no cells"),
    "old": (b'{"nbformat": 1, "cells": 3}', "old format 1"),
    "deep": (b"[" * 10**6, "deeper than a notebook"),
    "deep 2": (b'{"a":' * 10**5, "deeper than a notebook"),
    "parts": (b"[" + b"{}," * 349_000 + b"{}]", "JSON, but not a notebook"),
    "zip": (b"PK\3\4" + b"x" * 99, "a zip archive"),
    "gzip": (b"\x1f\x8b" + b"x" * 99, "a compressed file"),
    "pdf": (b"%PDF-1.7", "a PDF"),
    "html": (b"\n<!doctype html><html>", "a web page"),
    "large": (b" " * (2**20 + 1), "larger than 1 MB"),
    "other": (b'{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "No cell of this"),
    "none": (None, "a folder, a link or a device"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_A_NOTEBOOK)
def test_what_is_no_notebook_is_told_in_words(name):
    data, message = NOT_A_NOTEBOOK[name]
    result = run_bytes(data)
    assert result.state is State.MALFORMED
    assert message in result.message
    assert result.notebook is None


def test_too_many_parts_are_refused_before_they_take_memory():
    roomy = Settings(limits=Limits(notebook_mb=50))
    for part in (b"[],", b'"",'):
        data = b"[" + part * 4_100_000 + b"0]"
        result = normalise({"ps.ipynb": data}, source(), "ps", roomy)
        assert "too many parts" in result.message


def test_too_much_text_and_too_many_cells_are_refused():
    table = handed_in()
    table["cells"][3]["source"] = "x" * 200_001
    assert (
        "Cell 4: expected at most 200,000 characters, got 200,001" in run(table).message
    )
    table["cells"][3]["source"] = ["x" * 100, "x" * 199_901]
    assert run(table).state is State.MALFORMED
    table["cells"] = [{}] * 2_001
    assert "at most 2000 cells, got 2001" in run(table).message


def test_a_source_without_cells_is_told():
    assert "released notebook" in normalise(as_files(handed_in()), [], "ps").message


# ---- which file --------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "ps (1).ipynb", "ps-copy.ipynb", "PS.IPYNB", "ps-Copy1.ipynb",
        "Copy of ps.ipynb", "ps_anna.ipynb", "solution.ipynb",
        "work/ps.ipynb", "work\\ps.ipynb",
        "disk:work:ps.ipynb", "./ps.ipynb", "<b>ps</b>.ipynb",
    ],
)  # fmt: skip
def test_a_single_notebook_may_have_another_name(name):
    result = run(handed_in(), name)
    assert result.state is None
    assert result.remarks == [f"The notebook {name} was taken as ps.ipynb."]


@pytest.mark.parametrize(
    "names, chosen",
    [
        (["ps.ipynb", "ps (1).ipynb", "old/ps.ipynb"], "ps.ipynb"),
        (["PS.ipynb", "notes.ipynb"], "PS.ipynb"),
        (["ps-copy.ipynb", "notes.ipynb", "maps.ipynb"], "ps-copy.ipynb"),
        (["x/ps.ipynb", "ps-copy.ipynb"], "x/ps.ipynb"),
        (["ps1.ipynb", "ps.ipynb", ".ipynb_checkpoints/ps.ipynb"], "ps.ipynb"),
        ([".ipynb_checkpoints/ps.ipynb", "y.ipynb", "__MACOSX/._ps.ipynb"], "y.ipynb"),
        (["other.ipynb", "y.ipynb"], "y.ipynb"),  # other: the assignment's second one
    ],
)
def test_of_several_the_one_with_the_right_name_is_taken(names, chosen):
    files = {name: b"3" for name in names} | as_files(handed_in(), chosen)
    result = normalise(files, source(), "ps", SMALL, others=["other"])
    assert result.state is None


@pytest.mark.parametrize(
    "names, message",
    [
        ([], "no notebook ps.ipynb among your files."),
        (["ps.py", "ps.ipynb.txt", "psipynb"], "no notebook ps.ipynb"),
        (["a.ipynb", "b.ipynb"], "Hand in one, as ps.ipynb; got a.ipynb, b.ipynb."),
        (["ps (1).ipynb", "ps-copy.ipynb"], "got ps (1).ipynb, ps-copy.ipynb."),
        (["x/ps.ipynb", "y/ps.ipynb"], "got x/ps.ipynb, y/ps.ipynb."),
        (["../ps.ipynb"], "(found: ../ps.ipynb)"),
        (["a/../ps.ipynb"], "no notebook"),
        (["/home/x/ps.ipynb"], "no notebook"),
        (["C:\\Users\\x\\ps.ipynb"], "no notebook"),
        (["..\\ps.ipynb"], "no notebook"),
        (["ps\n.ipynb"], "no notebook"),
        (["other.ipynb"], "no notebook"),
        (["\udcff\x1b]0;x\x07.ipynb", "b.ipynb"], ""),
    ],
)
def test_where_no_single_notebook_fits_the_student_is_told(names, message):
    files = {name: b"3" for name in names}
    result = normalise(files, source(), "ps", SMALL, others=["other"])
    assert result.state is State.MALFORMED
    assert message in result.message
    assert not re.search("[\x00-\x1f\ud800-\udfff]", result.message)


def test_only_listed_files_are_kept():
    data = {"data.csv": b"1,2", "x/data.csv": b"3", "Data.csv": b"4", "numpy.py": b""}
    data |= {"../data.csv": b"5", "/data.csv": b"6", "timestamp.txt": b"", ".x": b""}
    result = normalise(as_files(handed_in()) | data, source(), "ps", SMALL)
    assert result.files == {"data.csv": b"1,2"}
    (remark,) = result.remarks
    assert (
        "numpy.py" in remark and "../data.csv" in remark and "timestamp" not in remark
    )


def test_a_file_must_be_small_and_there_once():
    large = {"data.csv": b"x" * 1100}
    result = normalise(as_files(handed_in()) | large, source(), "ps", SMALL)
    assert result.files == {}
    assert "data.csv is larger than 0.001 MB" in result.remarks[0]
    twice = {"data.csv": b"1", ".\\data.csv": b"2"}
    result = normalise(as_files(handed_in()) | twice, source(), "ps", SMALL)
    assert result.files == {"data.csv": b"1"}
    assert "there twice" in result.remarks[0]


# ---- the folder --------------------------------------------------------------


def test_the_folder_is_read_without_following_anything(tmp_path):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "ps.ipynb").write_text("secret")
    folder = tmp_path / "submitted"
    (folder / "sub").mkdir(parents=True)
    (folder / "ps.ipynb").write_text("mine")
    (folder / "sub" / "data.csv").write_text("not listed there")
    (folder / "data.csv").symlink_to(secret / "ps.ipynb")
    (folder / "linked").symlink_to(secret)
    (folder / "link.ipynb").symlink_to(secret / "ps.ipynb")
    (folder / "folder.ipynb").mkdir()
    (folder / ".git").mkdir()
    (folder / ".git" / "x.ipynb").write_text("no")
    os.mkfifo(folder / "fifo.ipynb")
    (folder / "large.ipynb").write_bytes(b" " * (2**20 + 9))
    (folder / "big.bin").write_bytes(b" " * 9)
    files = read_folder(folder, SMALL)
    assert files.pop("large.ipynb") == b" " * (2**20 + 1)
    assert files == {
        "ps.ipynb": b"mine", "sub/data.csv": None, "data.csv": None, "linked": None,
        "link.ipynb": None, "folder.ipynb": None, "fifo.ipynb": None, "big.bin": None,
    }  # fmt: skip


@pytest.mark.skipif(os.getuid() != 0, reason="making a device needs root")
def test_devices_are_not_opened(tmp_path):
    try:
        os.mknod(tmp_path / "ps.ipynb", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
    except PermissionError:
        pytest.skip("this container may make no device")
    assert read_folder(tmp_path, SMALL) == {"ps.ipynb": None}
    result = normalise(read_folder(tmp_path), source(), "ps")
    assert "a folder, a link or a device" in result.message


def test_names_that_are_no_text_and_deep_or_many_folders_are_bearable(tmp_path):
    (tmp_path / os.fsdecode(b"\xff\xfe.ipynb")).write_text("3")
    deep = tmp_path
    for _ in range(40):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "ps.ipynb").write_text("3")
    for number in range(1200):
        (tmp_path / f"f{number}").touch()
    files = read_folder(tmp_path, SMALL)
    assert len(files) <= 1001
    result = normalise(files, source(), "ps", SMALL)
    json.dumps([result.message, result.remarks]).encode()
    "".join(result.remarks).encode()


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_folder(tmp_path / "nobody")


# ---- anything ----------------------------------------------------------------

FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck)
)
REAL = (
    Path(__file__).resolve().parents[2] / "exercises" / "source" / "ps1" / "ps1.ipynb"
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["nbgrader", "grade_id", "name", "image/png", "x"]), inner
        )
    ),
    max_leaves=6,
)


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_end_in_words(data):
    assert_clean(run_bytes(data))


@FUZZ
@given(ODD, st.sampled_from(["cells", "metadata", "nbformat", "worksheets"]))
def test_any_json_ends_in_words(value, key):
    table = handed_in()
    for nested in ({key: value}, {"nbformat": 3, key: value}, table | {key: value}):
        assert_clean(run_bytes(json.dumps(nested).encode("utf-8", "surrogatepass")))


@FUZZ
@given(st.data())
def test_any_change_to_cells_keeps_the_notebook_clean(data):
    table = handed_in()
    for _ in range(data.draw(st.integers(1, 4))):
        other = data.draw(st.sampled_from(table["cells"]))
        if not isinstance(other, dict):
            continue
        key = data.draw(
            st.sampled_from(["cell_type", "source", "metadata", "id", "attachments"])
        )
        if data.draw(st.booleans()) and isinstance(other.get("metadata"), dict):
            ours = other["metadata"].setdefault("nbgrader", {})
            if isinstance(ours, dict):
                known = st.sampled_from(["double", "test", "zero", "imports"])
                ours["grade_id"] = data.draw(known | ODD)
        else:
            other[key] = data.draw(ODD)
    order = data.draw(st.permutations(table["cells"]))
    table["cells"] = order[: data.draw(st.integers(0, len(order)))]
    assert_clean(run_bytes(json.dumps(table).encode("utf-8", "surrogatepass")))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 10**6), st.binary(max_size=4)), max_size=6))
def test_a_real_notebook_with_changed_bytes_never_raises(changes):
    data = bytearray(REAL.read_bytes())
    ours = source_cells(nbformat.read(REAL, 4))
    for place, new in changes:
        place %= len(data)
        data[place : place + len(new)] = new
    result = normalise({"ps1.ipynb": bytes(data)}, ours, "ps1")
    assert result.state in (None, State.UNANSWERED, State.MALFORMED)
    assert (result.notebook is None) == (result.state is State.MALFORMED)


@FUZZ
@given(st.dictionaries(st.text(max_size=20), st.none() | st.binary(max_size=9)))
def test_any_names_end_in_words(files):
    result = normalise(
        files | {"..ipynb": b"", "a/..ipynb": b""}, source(), "ps", SMALL
    )
    assert result.state is State.MALFORMED
    "".join([result.message, *result.remarks]).encode()
