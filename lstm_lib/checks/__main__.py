"""`python -m lstm_lib.checks bank` prints every misconception, in tables."""

import sys

from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.misconceptions.simple_rnn import CONFUSIONS

USAGE = "usage: python -m lstm_lib.checks bank"


def page():
    """The bank as a page of the book: a Markdown table for each check."""
    entries = *BANK, *CONFUSIONS
    lines = [
        "# The misconception bank",
        "",
        f"{len(entries)} wrong answers that the checks know by name. This page is what "
        "`python -m lstm_lib.checks bank` prints.",
    ]
    for check in dict.fromkeys(entry.check for entry in entries):
        lines += ["", f"## `{check}`", ""]
        lines += ["| id | what the student reads | and where |", "|---|---|---|"]
        lines += [_row(entry) for entry in entries if entry.check == check]
    return "\n".join(lines)


def _row(entry):
    sentence = entry.sentence.replace("|", r"\|")
    if source := getattr(entry, "source", ""):
        sentence += f" *Seen in: {source}.*"
    kind, _, title = entry.section.replace("-", " ").partition(" ")
    link = f"[{title}](#{entry.section})"
    if kind == "term":  # no label that Markdown could link to
        link = f'<a href="glossary.html#{entry.section}">{title}</a>'
    return f"| {entry.id} | {sentence} | {link} |"


if sys.argv[1:] == ["bank"]:
    print(page())
else:
    sys.exit(USAGE)
