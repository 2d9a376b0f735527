"""What students get back: readable reports, and nothing of a hidden test."""

from html import escape

from nbformat import v4
from nbgrader.preprocessors import ClearHiddenTests

from autograder.grading import VERDICT


class ReadableReports(ClearHiddenTests):
    """In feedback, take hidden tests away, and say what came of them.

    Of a hidden test stays how many of its cases passed, which mistakes were
    recognised and where the book explains them. Its text, its inputs, what it
    printed and the text of its errors could all hold what it expects.
    """

    def preprocess_cell(self, cell, resources, cell_index):
        """Return the cell as students may see it, and the resources."""
        if self.begin_test_delimeter not in cell.source:
            return cell, resources
        cell, resources = super().preprocess_cell(cell, resources, cell_index)
        if cell.cell_type == "code":
            cell.outputs = [self._report(cell)]
        return cell, resources

    def _report(self, cell):
        """One output that says how a hidden test ended."""
        verdicts = [
            o.data[VERDICT] for o in cell.outputs if VERDICT in o.get("data", {})
        ]
        errors = [o.ename for o in cell.outputs if o.output_type == "error"]
        if verdicts:
            parts = [_verdict(verdict) for verdict in verdicts]
        elif errors:
            parts = [f"<p>Hidden test: it ended with {escape(errors[0])}.</p>"]
        else:
            score, points = (cell.metadata.nbgrader.get(k) for k in ("score", "points"))
            parts = [f"<p>Hidden test: {score:g} of {points:g} points.</p>"]
        return v4.new_output("display_data", {"text/html": "\n".join(parts)})


def _verdict(verdict):
    """The report of a check, without the names of its cases and what they held."""
    cases = verdict["cases"]
    passed = sum(case["passed"] for case in cases)
    earned = verdict["points"] * verdict["score"]
    lines = [
        f"<p><strong>{escape(verdict['check'])}, hidden cases: {passed} of "
        f"{len(cases)}, {earned:.3g} of {verdict['points']:g} points.</strong></p>"
    ]
    items = dict.fromkeys(_mistake(case) for case in cases if case["misconception"])
    if items:
        lines.append(f"<ul>{''.join(items)}</ul>")
    return "\n".join(lines)


def _mistake(case):
    """A recognised mistake, in the words of the check, and where to read on."""
    link = case.get("link")
    more = f' <a href="{escape(link)}">Read about it in the book.</a>' if link else ""
    return f"<li>{escape(case['message'])}{more}</li>"
