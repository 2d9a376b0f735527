"""What students get back: readable reports, and nothing of a hidden test."""

import builtins
import math
import re
from html import escape
from urllib.parse import quote

from nbformat import v4
from nbgrader.preprocessors import ClearHiddenTests
from traitlets import List

from autograder.grading import VERDICT, without_hidden
from autograder.leaderboard import measure_in

STREAM = 120  # lines of what one cell printed; of longer ones both ends stay
_NOT_RUN = "Not run to its end: Python had ended before, or the time was over."
_ENDS = {
    "AssertionError": "Not passed: a result is not what it should be.",
    "NotImplementedError": "Not passed: something here is not answered yet.",
    "NameError": "Not passed: a name that it needs is not defined.",
    "MemoryError": "Not passed: it used too much memory.",
    "KeyboardInterrupt": "Not passed: it took too long.",
    "CellTimeoutError": _NOT_RUN,
    "DeadKernelError": _NOT_RUN,
    "StudentGone": _NOT_RUN,
}
# Of nbgrader's page: on a telephone, points fell out of a heading of fixed height.
_STYLE = """
div.panel.nbgrader_cell .panel-heading { height: auto; overflow: hidden }
div.input_area, div.output_subarea { min-width: 0; overflow-x: auto }
"""


class ReadableReports(ClearHiddenTests):
    """In feedback, take hidden tests away, and say what came of them.

    Of a hidden test stays how many of its cases passed, which mistakes were
    recognised and where the book explains them. Its text, its inputs, what it
    printed and the text of its errors could all hold what it expects.
    """

    # nbconvert sets it for every preprocessor, and nbgrader forgets to take it.
    display_data_priority = List(config=True)

    def preprocess(self, nb, resources):
        """Return the notebook as students may see it, and the resources."""
        nb, resources = super().preprocess(nb, resources)
        if "inlining" in resources:  # styles are there already
            resources["inlining"]["css"].append(_STYLE)
        losses = [loss for loss in map(_loss, nb.cells) if loss]
        if losses:
            lines = f"<p><strong>Where points were lost</strong></p>{_list(losses)}"
            cell = v4.new_markdown_cell(lines, id="autograder-losses")
            ours = nb.cells[0].get("id") == "autograder-note"
            nb.cells.insert(1 if ours else 0, cell)
        return nb, resources

    def preprocess_cell(self, cell, resources, cell_index):
        """Return the cell as students may see it, and the resources."""
        if _is_instructors(cell) and self.begin_test_delimeter in cell.source:
            marks = self.begin_test_delimeter, self.end_test_delimeter
            cell.source = without_hidden(cell.source, *marks)
            cell.pop("attachments", None)
            if cell.cell_type == "code":
                cell.outputs = _outcome(cell)
        elif cell.cell_type == "code":
            if _is_test(cell):
                cell.outputs = _without_number(cell.outputs)
            cell.outputs = list(map(_short, cell.outputs))
        return cell, resources


def _is_instructors(cell):
    """Whether the instructor wrote it: students write answers and free cells."""
    ours = cell.metadata.get("nbgrader")
    return bool(ours) and not ours.get("solution")


def _is_test(cell):
    ours = cell.metadata.get("nbgrader", {})
    return cell.cell_type == "code" and _is_instructors(cell) and ours.get("grade")


# ---- points --------------------------------------------------------------------


def _points(cell):
    """What the gradebook has for a test: points earned, points to earn."""
    ours = cell.metadata.nbgrader
    return tuple(float(ours.get(key) or 0) for key in ("score", "points"))


def _loss(cell):
    """A link to a test that took points, and how many; "" for all else."""
    if not _is_test(cell):
        return ""
    earned, points = _points(cell)
    if earned >= points:
        return ""
    name = cell.metadata.nbgrader.grade_id
    link = f'<a href="#{quote(name)}">{escape(name)}</a>'
    return f"{link}: {_of(earned, points)}"


def _of(earned, points):
    return f"{earned:.3g} of {points:g} points"


# ---- what is shown ---------------------------------------------------------------


def _without_number(outputs):
    """The outputs of a visible check: its report has said the points it returns."""
    if not any(map(_verdict_in, outputs)):
        return outputs
    return [o for o in outputs if o.output_type != "execute_result"]


def _short(output):
    """An output; of a very long print both ends, and of a missing run a sentence."""
    if output.output_type == "stream":
        lines = output.text.split("\n")
        if len(lines) > STREAM:
            cut = f"[{len(lines) - STREAM:,} lines are left out here]"
            ends = *lines[: STREAM // 2], cut, *lines[-STREAM // 2 :]
            output.text = "\n".join(ends)
    elif output.output_type == "error" and _ENDS.get(output.ename) == _NOT_RUN:
        return _shown(f"<p>{_NOT_RUN}</p>")
    return output


# ---- hidden tests --------------------------------------------------------------


def _outcome(cell):
    """One output that says how a hidden test ended; none for a cell without points."""
    if not _is_test(cell):
        return []
    reports = [_report(v) for v in filter(None, map(_verdict_in, cell.outputs))]
    errors = [o.ename for o in cell.outputs if o.output_type == "error"]
    earned, points = _points(cell)
    if errors:
        reports.append(f"<p>{_told(errors[0])} {_of(earned, points)}.</p>")
    elif not reports:
        passed = "Passed:" if earned >= points else "Not all passed:"
        reports.append(f"<p>{passed} {_of(earned, points)}.</p>")
    return [_shown("<p><strong>Hidden test</strong></p>" + "".join(reports))]


def _told(name):
    """How a test ended, from an error's name, which a student may have made up."""
    kind = getattr(builtins, name, None)
    known = isinstance(kind, type) and issubclass(kind, Exception)
    ended = f"Not passed: it ended with {name if known else 'an error'}."
    return _ENDS.get(name, ended)


def _verdict_in(output):
    """The verdict of a check in an output, if it is one that can be read."""
    verdict = output.get("data", {}).get(VERDICT)
    try:
        cases = [(bool(c["passed"]), c["misconception"]) for c in verdict["cases"]]
        numbers = float(verdict["points"]), float(verdict["score"])
        return verdict if cases and all(map(math.isfinite, numbers)) else None
    except (KeyError, TypeError, ValueError):
        return None


def _report(verdict):
    """The report of a check, without the names of its cases and what they held."""
    cases = verdict["cases"]
    passed = sum(bool(case["passed"]) for case in cases)
    points = float(verdict["points"])
    earned = _of(points * float(verdict["score"]), points)
    headline = f"{verdict['check']}: {passed} of {len(cases)} hidden cases, {earned}."
    items = [_mistake(case) for case in cases if case["misconception"]]
    items.append(_measured(verdict))
    return f"<p>{_markup(headline)}</p>{_list(dict.fromkeys(filter(None, items)))}"


def _measured(verdict):
    """What a check measured, and what it is to be compared with; "" for most."""
    measure = measure_in(verdict)
    if measure is None or measure.value is None:
        return ""
    beside = "".join(f"; {name} {value:.3f}" for name, value in measure.beside.items())
    return _markup(f"Measured: {measure.name} {measure.value:.3f}{beside}.")


def _mistake(case):
    """A recognised mistake in the words of the bank, and where to read on.

    Not the message: that also tells shapes and by how much an answer differs.
    """
    parts = [_markup(str(case["mistake"]))] if case.get("mistake") else []
    link, section = str(case.get("link") or ""), str(case.get("section") or "")
    if re.match("https?://", link):
        title = section.partition("-")[2].replace("-", " ") or "here"
        link = f'<a href="{escape(link)}">{escape(title)}</a>'
        parts.append(f"Read about it in the book: {link}")
    return "<br>".join(parts)


def _markup(text):
    """Escape for HTML, then turn `code` into <code>code</code>."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))


def _list(items):
    return f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" if items else ""


def _shown(html):
    """An output that shows this HTML."""
    return v4.new_output("display_data", {"text/html": html})
