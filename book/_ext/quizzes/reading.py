"""The text of a quiz, taken apart; the format is described in `__init__`.

Nothing here knows Sphinx. A mistake in a text raises QuizError, whose message
says what was expected.
"""

import html
import itertools
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

KINDS = {
    "One of these": "single",
    "Any of these": "multiple",
    "A number": "number",
    "In this order": "order",
    "A wire of FIGURE": "wire",
    "A node of FIGURE": "node",
}
ELSE = "anything else"  # the last answer of a number, a wire or a node
FENCE = re.compile(r"(:{3,})\{dropdown\} *(.*?) *")
FIGURE = re.compile(r"A (wire|node) of ([a-z][a-z0-9-]*)(?: in (\S+\.ipynb))?")
CHOICE = re.compile(r"- \[([ x])\] +(.+)")
LINE = re.compile(r"\d+[.)] +(.+)")
NUMBER = r"[-−]?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?"
WITHIN = re.compile(rf"({NUMBER})(?: *± *({NUMBER}) *(%?))?")
# A link to the section that explains a mistake, with the mistake's id as its title.
MISCONCEPTION = re.compile(r'\]\(#([\w-]+) "([\w-]+)"\)')


class QuizError(ValueError):
    """A mistake in the text of a quiz."""


@dataclass
class Option:
    """An answer: whether it is right, its words, why, and the line it begins at."""

    right: bool
    text: str
    why: str
    at: int
    misconception: str = ""  # an id of the bank
    section: str = ""  # where the link with that id leads
    value: float | None = None  # of a number, which is right to within
    tolerance: float = 0.0
    relative: bool = False  # ... that many per cent


@dataclass
class Quiz:
    """What one quiz says. figure: its name, and the notebook or ""."""

    kind: str
    question: list[str]
    figure: tuple[str, str] | None = None
    options: list[Option] = field(default_factory=list)


def read_quiz(lines):
    """A Quiz from the lines of its text, checked."""
    start = next((k for k, line in enumerate(lines) if FENCE.fullmatch(line)), None)
    if start is None:
        raise QuizError("expected the answers between ':::{dropdown} ...' and ':::'")
    colons, title = FENCE.fullmatch(lines[start]).groups()
    end = next((k for k, line in enumerate(lines) if line.strip() == colons), -1)
    if end < start or any(line.strip() for line in lines[end + 1 :]):
        raise QuizError(f"expected {colons!r} after the answers, and nothing more")
    if not any(line.strip() for line in lines[:start]):
        raise QuizError("expected a question before the answers")
    quiz = Quiz(*_kind(title, list(lines[:start])))
    quiz.options = list(_options(lines, start + 1, end, quiz.kind))
    _check(quiz)
    return quiz


def _kind(title, question):
    """What the words behind {dropdown} ask for: kind, question, figure."""
    if KINDS.get(title) in ("single", "multiple", "number", "order"):
        return KINDS[title], question
    found = FIGURE.fullmatch(title)
    if not found:
        kinds = ", ".join(KINDS)
        raise QuizError(f"expected one of {kinds} behind {{dropdown}}, got {title!r}")
    kind, name, path = found.groups()
    return kind, question, (name, path or "")


def _options(lines, start, end, kind):
    """The items of the list in lines[start:end]."""
    item, sample = (LINE, "1. ") if kind == "order" else (CHOICE, "- [ ] ")
    chunks = []
    for at in range(start, end):
        line = lines[at]
        if found := item.fullmatch(line.rstrip()):
            chunks.append((at, found, [found.groups()[-1]]))
        elif chunks and (line.startswith("  ") or not line.strip()):
            chunks[-1][2].append(line.strip())
        elif line.strip():
            raise QuizError(f"expected an answer after {sample!r}, got {line!r}")
    for at, found, chunk in chunks:
        text, _, why = "\n".join(chunk).partition("→")
        text, why = text.strip(), why.strip()
        if not text or not why:
            raise QuizError(f"expected '... → explanation' in {lines[at]!r}")
        section, named = (MISCONCEPTION.findall(why) or [("", "")])[0]
        why = MISCONCEPTION.sub(r"](#\1)", why)
        right = kind == "order" or found[1] == "x"
        yield Option(right, text, why, at, named, section)


def _check(quiz):
    """As many right answers as the kind wants, and none twice."""
    options, kind = quiz.options, quiz.kind
    right = sum(option.right for option in options)
    least = 3 if kind == "order" else 2
    if len(options) < least:
        raise QuizError(f"expected at least {least} answers, got {len(options)}")
    if right != 1 and kind in ("single", "number"):
        raise QuizError(f"expected one right answer, marked [x], got {right}")
    if not right:
        raise QuizError("expected a right answer, marked [x], got none")
    texts = [option.text for option in options]
    if twice := next((text for text in texts if texts.count(text) > 1), None):
        raise QuizError(f"expected each answer once, got {twice!r} twice")
    if kind in ("number", "wire", "node"):
        if texts[-1] != ELSE or options[-1].right:
            raise QuizError(f"expected '- [ ] {ELSE} → ...' as the last answer")
    if kind == "number":
        _read_numbers(options[:-1])


def _read_numbers(options):
    """Values and tolerances; a wrong number may leave its own out."""
    for option in options:
        found = WITHIN.fullmatch(option.text)
        if not found:
            raise QuizError(
                f"expected a number, like 0.73 ± 0.01 or 4e3 ± 5 %, got {option.text!r}"
            )
        value, tolerance, per_cent = found.groups()
        option.value = _number(value)
        option.tolerance, option.relative = _number(tolerance or "0"), per_cent == "%"
    key = next(option for option in options if option.right)
    for option in options:
        if "±" not in option.text:
            option.tolerance, option.relative = key.tolerance, key.relative
        if (
            not option.right
            and _low(option) <= _high(key)
            and _low(key) <= _high(option)
        ):
            raise QuizError(
                f"expected no wrong answer as near as {option.text!r} to {key.text!r}"
            )


def _number(text):
    """1,456 or −0.5, as the book writes them."""
    return float(text.replace(",", "").replace("−", "-"))


def _room(option):
    return option.tolerance * (abs(option.value) / 100 if option.relative else 1)


def _low(option):
    return option.value - _room(option)


def _high(option):
    return option.value + _room(option)


def shuffled(name, count):
    """An order of 0 ... count - 1 with none in its place, the same at each build."""
    for salt in itertools.count():
        keys = [sha256(f"{name} {salt} {k}".encode()).digest() for k in range(count)]
        order = sorted(range(count), key=keys.__getitem__)
        if all(order[k] != k for k in range(count)):
            return order


# ---- figures ------------------------------------------------------------------


def read_figure(path, name):
    """The SVG that a notebook stores under a name."""
    try:
        cells = json.loads(Path(path).read_text("utf-8"))["cells"]
    except OSError as error:
        raise QuizError(f"expected a notebook: {error}") from None
    figures = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            svg = "".join(output.get("data", {}).get("image/svg+xml", ""))
            if found := re.search(r'<title id="([a-z0-9-]+)-title">', svg):
                figures[found[1]] = svg
    if name not in figures:
        known = ", ".join(figures) or "none"
        raise QuizError(
            f"expected a figure of {Path(path).name} ({known}), got {name!r}"
        )
    return figures[name]


def titles(svg, kind):
    """The wires, or nodes, that have words: name -> words."""
    found = re.findall(rf'<g data-{kind}="([^"]+)"[^>]*><title>([^<]+)</title>', svg)
    return {name: html.unescape(words) for name, words in found}


def renamed(svg, name):
    """The figure under another name, as it stands on the page under its own."""
    return re.sub(
        r'(id|aria-labelledby)="[a-z0-9-]+-title"', rf'\1="{name}-title"', svg
    )


def words_html(words):
    """The words with the subscript of c_{t-1} as one."""
    text = html.escape(words.replace("*", ""))
    return re.sub(
        r"_(?:\{([^}]*)\}|(\w))",
        lambda found: f"<sub>{(found[1] or found[2]).replace('-', '−')}</sub>",
        text,
    )
