"""Quizzes that explain themselves, and how far a reader has come.

A quiz is an admonition of the class `quiz` with a name of its own, unique in
the book. It ends in a folded list of answers, each with its explanation:

    ::::{admonition} Question
    :class: quiz
    :name: half-open-gate

    A gate of 0.5 meets a memory of −2. What is left of it?

    :::{dropdown} One of these
    - [ ] 0 → Only a gate of 0 lets nothing pass.
    - [x] −1 → A gate multiplies: $0.5 × (−2) = −1$.
    - [ ] 2.5 → A gate is never added. See [gates](#sec-gates "gate-added").
    :::
    ::::

JupyterLab and GitHub show just that: a box with a folded list, a list with ticks.
The words behind `{dropdown}` say what is asked for:

- `One of these`: one answer is right. `Any of these`: each may be.
- `A number`: `14.3 ± 0.1` or `14.3 ± 1 %`. Wrong numbers may be named too;
  the last answer is `anything else`.
- `In this order`: a numbered list, right from top to bottom, shown shuffled.
- `A wire of FIGURE`, `A node of FIGURE`: answers are names from the figure's
  `data-wire` or `data-node`, then `anything else`. FIGURE is stored in this
  notebook, or say `FIGURE in OTHER.ipynb`.

A link's title in an explanation, as "gate-added" above, is the id of an entry in
the misconception bank; a test asks that it exists. quizzes.js and progress.js
make of the page's lists what can be answered. Only pages with a quiz load them;
chapters without one load progress.js alone.
"""

import html
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst.directives.admonitions import Admonition
from docutils.statemachine import StringList
from page_assets import copy_before_writing
from sphinx.util.docutils import SphinxDirective

from .reading import (
    QuizError,
    read_figure,
    read_quiz,
    renamed,
    shuffled,
    titles,
    words_html,
)

HERE = Path(__file__).parent
FOLDER = "quizzes"  # in _static; what lies beside it goes into every page
ASSETS = "quizzes.js", "quizzes.css", "progress.js", "progress.css"
TASKS = {
    "single": "Choose one.",
    "multiple": "Choose all that are right.",
    "number": "Type a number.",
    "order": "Put these in order.",
    "wire": "Choose a wire in the figure.",
    "node": "Choose a part of the figure.",
}


class Tag(nodes.General, nodes.Element):
    """An HTML element with attributes of its own."""


def tag(name, *children, **attributes):
    """A Tag; class_="a" and data_kind="b" are its class and data-kind."""
    named = {key.rstrip("_").replace("_", "-"): v for key, v in attributes.items()}
    parts = [nodes.Text(part) if isinstance(part, str) else part for part in children]
    return Tag("", *parts, tag=name, html=named)


def raw(text):
    """HTML as it is."""
    return nodes.raw("", text, format="html")


def visit_tag(translator, node):
    """Write the start; ids, which links lead to, come first."""
    pairs = {**({"id": node["ids"][0]} if node["ids"] else {}), **node["html"]}
    written = (f' {name}="{html.escape(str(value))}"' for name, value in pairs.items())
    translator.body.append(f"<{node['tag']}{''.join(written)}>")


def depart_tag(translator, node):
    """Write the end."""
    translator.body.append(f"</{node['tag']}>\n")


def ignore(translator, node):
    """For what is not HTML: the children alone."""


class QuizOrAdmonition(Admonition, SphinxDirective):
    """An admonition, or a quiz where its class says so."""

    def run(self):
        if "quiz" not in self.options.get("class", []):
            return super().run()
        name = self.options.get("name", "")
        try:
            return self.quiz(name)
        except QuizError as error:
            raise self.error(f"quiz {name!r}: {error}") from None

    def quiz(self, name):
        """The nodes of a quiz, which are readable as they are."""
        self.claim(name)
        quiz = read_quiz(list(self.content))
        words, figure = self.figure(quiz, name) if quiz.figure else ({}, [])
        title, messages = self.state.inline_text(self.arguments[0], self.lineno)
        question = tag("div", class_="quiz-question", id=f"{name}-question")
        self.parse(quiz.question, 0, question)
        root = tag("div", class_="quiz", data_kind=quiz.kind)
        self.add_name(root)
        root += tag("p", tag("span", *title), class_="quiz-title")
        root += [question, tag("p", task(quiz), class_="quiz-task", id=f"{name}-task")]
        root += figure
        items = [self.item(quiz, option, words) for option in quiz.options]
        if quiz.kind in ("single", "multiple"):
            root += tag("ul", *items, class_="quiz-options")
        else:
            root += self.folded(quiz, name, items)
        return [root, *messages]

    def claim(self, name):
        """Progress is kept by the name, so it is the book's only one."""
        if not name or name != nodes.make_id(name):
            raise QuizError("expected ':name:' with letters a-z, digits and hyphens")
        names = quiz_names(self.env)
        if name in names:
            raise QuizError(
                f"expected a new name; {names[name]} has a quiz of this one"
            )
        names[name] = self.env.docname

    def figure(self, quiz, name):
        """The words of what can be chosen, and the figure with an id of its own."""
        figure, notebook = quiz.figure
        page = Path(self.env.doc2path(self.env.docname))
        path = page.parent / notebook if notebook else page
        self.env.note_dependency(str(path))
        svg = read_figure(path, figure)
        words = titles(svg, quiz.kind)
        for option in quiz.options[:-1]:
            if option.text not in words:
                known = ", ".join(words) or "none has words"
                raise QuizError(
                    f"expected a {quiz.kind} of {figure} ({known}), got {option.text!r}"
                )
        svg = renamed(svg, f"{name}-figure")
        return words, [raw(f'<figure class="computed-figure">{svg}</figure>')]

    def item(self, quiz, option, words):
        """One answer: its words, and folded or beside it why."""
        marks = {"data_right": ""} if option.right else {}
        if option.misconception:
            marks["data_misconception"] = option.misconception
        if option.value is not None:
            marks["data_value"] = option.value
            marks["data_relative" if option.relative else "data_within"] = (
                option.tolerance
            )
        if words and option.text in words:
            marks["data_name"] = option.text
            text = [raw(words_html(words[option.text]))]
        elif quiz.kind in ("number", "wire", "node"):
            text = [nodes.Text(option.text.capitalize())]
        else:
            text = self.inline(option)
        why = tag("div", class_="quiz-why")
        self.parse(option.why.splitlines(), option.at, why)
        sign = "" if quiz.kind == "order" else "Right. " if option.right else "No. "
        sign = tag("span", sign, class_="quiz-mark")
        feedback = tag("div", sign, why, class_="quiz-feedback")
        if quiz.kind in ("single", "multiple"):
            return tag("li", tag("details", tag("summary", *text), feedback), **marks)
        return tag("li", tag("span", *text, class_="quiz-text"), feedback, **marks)

    def folded(self, quiz, name, items):
        """The answers behind one fold; lines to be ordered are shown before it."""
        order = quiz.kind == "order"
        listed = tag("ol" if order else "ul", *items, class_="quiz-options")
        fold = tag("details", tag("summary", "Answer"), listed, class_="quiz-answer")
        if not order:
            return [fold]
        start = shuffled(name, len(items))
        listed["html"]["data-start"] = " ".join(map(str, start))
        lines = [tag("li", *self.inline(quiz.options[k])) for k in start]
        return [tag("ul", *lines, class_="quiz-lines"), fold]

    def inline(self, option):
        """The words of an answer, which are one paragraph."""
        found = nodes.Element()
        self.parse(option.text.splitlines(), option.at, found)
        if len(found) != 1 or not isinstance(found[0], nodes.paragraph):
            raise QuizError(f"expected one paragraph in {option.text!r}")
        return found[0].children

    def parse(self, lines, at, node):
        """Parse Markdown that stands `at` lines down in the quiz."""
        self.state.nested_parse(StringList(lines, ""), self.content_offset + at, node)


def task(quiz):
    """What to do, in one short sentence or two."""
    key = next((option for option in quiz.options if option.right), None)
    if quiz.kind == "number" and key.tolerance:
        unit = "\N{NO-BREAK SPACE}%" if key.relative else ""
        return f"{TASKS['number']} An answer within {key.tolerance:g}{unit} counts."
    return TASKS[quiz.kind]


# ---- the book ------------------------------------------------------------------


def quiz_names(env):
    """Name -> page, of every quiz that was read."""
    if not hasattr(env, "quiz_names"):
        env.quiz_names = {}
    return env.quiz_names


def forget_page(app, env, docname):
    """Before a page is read again."""
    names = quiz_names(env)
    for name in [name for name, page in names.items() if page == docname]:
        del names[name]


def merge_pages(app, env, docnames, other):
    """After pages were read by several processes."""
    quiz_names(env).update(quiz_names(other))


def add_assets(app, pagename, templatename, context, doctree):
    """To pages with a quiz, and the half of it to chapters without."""
    quiz = doctree and any(
        n["html"].get("class") == "quiz" for n in doctree.findall(Tag)
    )
    if quiz:
        app.add_css_file(f"{FOLDER}/quizzes.css")
        app.add_js_file(f"{FOLDER}/quizzes.js", type="module")  # imports progress.js
    elif doctree and pagename.startswith(app.config.quizzes_chapters):
        app.add_js_file(f"{FOLDER}/progress.js", type="module")
    else:
        return
    app.add_css_file(f"{FOLDER}/progress.css")


def setup(app):
    app.add_config_value("quizzes_chapters", "notebooks/", "html")
    app.add_node(
        Tag, html=(visit_tag, depart_tag), text=(ignore, ignore), latex=(ignore, ignore)
    )
    app.add_directive("admonition", QuizOrAdmonition, override=True)
    app.connect("env-purge-doc", forget_page)
    app.connect("env-merge-info", merge_pages)
    copy_before_writing(app, HERE, ASSETS, FOLDER)
    app.connect("html-page-context", add_assets)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
