"""What the student sees: one report as text, as HTML and as a verdict."""

import html
import re
import sys
from dataclasses import dataclass

VERDICT = "application/vnd.autograder.verdict+json"

# Where the sections are that messages link to; terms are in the glossary.
GLOSSARY = "book/glossary.html"
PAGES = {
    "notebooks/01_sequences.html": (
        "sec-sequence-arrays",
        "sec-order-matters",
        "sec-four-shapes",
        "sec-padding",
    ),
    "notebooks/02_simple_rnn.html": (
        "sec-rnn-step",
        "sec-unrolled",
        "sec-softmax",
        "sec-cross-entropy",
        "sec-perplexity",
    ),
    "notebooks/03_backpropagation_through_time.html": (
        "sec-bptt",
        "sec-truncated-bptt",
        "sec-clipping",
    ),
    "notebooks/04_gates.html": (
        "sec-memory-cell",
        "sec-soft-gates",
        "sec-hand-set-unit",
        "sec-tanh",
        "sec-leaky-gates",
        "sec-forget-gate",
        "sec-three-time-scales",
    ),
    "notebooks/05_lstm_equations.html": (
        "sec-forget-equation",
        "sec-input-equation",
        "sec-cell-update",
        "sec-output-equation",
        "sec-concatenation",
        "sec-one-product",
        "sec-elementwise",
        "sec-parameter-count",
    ),
    "notebooks/06_lstm_gradients.html": (
        "sec-two-consumers",
        "sec-step-backward",
        "sec-sequence-backward",
        "sec-product-of-forget-gates",
    ),
    "notebooks/07_watching_one_think.html": (
        "sec-counting-cell",
        "sec-ablation",
    ),
    "notebooks/08_variants.html": (
        "sec-peephole",
        "sec-coupled",
        "sec-gru",
        "sec-two-gru-forms",
        "sec-update-gate-convention",
        "sec-variant-parameters",
        "sec-search-space",
    ),
    "notebooks/09_directions_and_depth.html": (
        "sec-both-directions",
        "sec-reverse-within-lengths",
        "sec-last-step-no-summary",
        "sec-future-unavailable",
        "sec-stacked",
        "sec-depth-or-width",
        "sec-dropout-places",
    ),
    "notebooks/10_attention.html": (
        "sec-weighted-mean",
        "sec-masked-softmax",
        "sec-attention-gradient",
        "sec-word-attention",
        "sec-do-weights-explain",
        "sec-attention-scores",
        "sec-encoder-decoder",
        "sec-alignment",
        "sec-to-the-transformer",
    ),
    "notebooks/11_pytorch.html": (
        "sec-seven-arguments",
        "sec-torch-shapes",
        "sec-two-biases",
        "sec-torch-forget-bias",
        "sec-packed",
        "sec-carry-and-detach",
        "sec-projection",
        "sec-torch-training",
        "sec-torch-speed",
        "sec-torch-saving",
        "sec-onnx",
        "sec-gpu",
    ),
    "notebooks/12_keras.html": (
        "sec-keras-old-code",
        "sec-keras-summary",
        "sec-keras-outputs",
        "sec-pad-sequences",
        "sec-masking",
        "sec-stateful",
        "sec-keras-dropout",
        "sec-bag-of-words",
        "sec-early-stopping",
    ),
    "notebooks/13_three_ways.html": (
        "sec-equal-outputs",
        "sec-gate-orders",
        "sec-transposes-and-biases",
        "sec-gru-reset-after",
        "sec-defaults",
        "sec-batch-that-can-fail",
        "sec-careless-port",
    ),
}


def section_link(site, section):
    """The address of a section of the book, from its label."""
    pages = (page for page, sections in PAGES.items() if section in sections)
    page = GLOSSARY if section.startswith("term-") else next(pages)
    return f"{site}/{page}#{section}"


@dataclass(frozen=True)
class Report:
    """The outcomes of one check, in the three forms a notebook can show.

    notes: what is said beside the cases, and costs nothing.
    """

    check: str
    points: float
    outcomes: tuple
    site: str
    notes: tuple = ()

    @property
    def score(self):
        """The share of cases passed, in [0, 1]."""
        return sum(outcome.passed for outcome in self.outcomes) / len(self.outcomes)

    @property
    def earned(self):
        """The points earned; never above `points`, whatever the rounding."""
        return self.points * self.score

    def headline(self):
        """For example "lstm_step: 2 of 4 cases, 1.5 of 3 points."."""
        passed = sum(outcome.passed for outcome in self.outcomes)
        return (
            f"{self.check}: {passed} of {len(self.outcomes)} cases, "
            f"{self.earned:.3g} of {self.points:g} points."
        )

    def groups(self):
        """[(message, outcomes)]: cases that ended alike are said once.

        Alike means the same message but for its numbers; the numbers shown
        are then those of the first case.
        """
        groups = {}
        for outcome in self.outcomes:
            key = (outcome.passed, re.sub(r"\d[\d.e+-]*", "", outcome.message))
            groups.setdefault(key, []).append(outcome)
        for group in groups.values():
            first = group[0]
            alike = all(outcome.message == first.message for outcome in group)
            start = "" if alike else f"On {first.name}: "
            yield f"{start}{first.message}", group

    def text(self):
        """The report as plain text."""
        lines = [self.headline()]
        for message, group in self.groups():
            mark = "right" if group[0].passed else "wrong"
            lines.append(f"- {mark}: {_names(group)}")
            if message:
                lines.append(f"  {message}")
            if group[0].section:
                lines.append(f"  Read {section_link(self.site, group[0].section)}")
        lines += [f"- note: {note}" for note in self.notes]
        return "\n".join(lines)

    def html(self):
        """The report as HTML. Everything a student wrote is escaped."""
        items = "".join(self._item(*group) for group in self.groups())
        items += "".join(f"<li>note: {_markup(note)}</li>" for note in self.notes)
        return f"<p><strong>{_markup(self.headline())}</strong></p><ul>{items}</ul>"

    def _item(self, message, group):
        mark = "right" if group[0].passed else "wrong"
        item = f"{mark}: <em>{_names(group)}</em>"
        if message:
            item += f"<br>{_markup(message)}"
        if section := group[0].section:
            link = html.escape(section_link(self.site, section))
            title = section.partition("-")[2].replace("-", " ")
            item += f'<br>Read about it in the book: <a href="{link}">{title}</a>'
        return f"<li>{item}</li>"

    def verdict(self):
        """The report as data, for the autograder."""
        cases = [
            {
                "name": outcome.name,
                "passed": outcome.passed,
                "misconception": next((m.id for m in outcome.misconceptions), None),
                "mistake": next((m.sentence for m in outcome.misconceptions), None),
                "message": outcome.message,
                "section": outcome.section,
                "link": outcome.section and section_link(self.site, outcome.section),
            }
            for outcome in self.outcomes
        ]
        measures = [o.measure for o in self.outcomes if o.measure]
        return {
            "check": self.check,
            "points": self.points,
            "score": self.score,
            "cases": cases,
        } | ({"measure": measures[0]} if measures else {})


def _names(group):
    return ", ".join(outcome.name for outcome in group)


def _markup(text):
    """Escape for HTML, then turn `code` into <code>code</code>."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))


def show(report):
    """Display a report in a notebook, or print it where there is none."""
    ipython = sys.modules.get("IPython")
    if ipython is None or ipython.get_ipython() is None:
        print(report.text())
        return
    bundle = {
        "text/plain": report.text(),
        "text/html": report.html(),
        VERDICT: report.verdict(),
    }
    ipython.display.display(bundle, raw=True)
