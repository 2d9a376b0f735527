"""The built book: nothing broken, nothing missing, nothing shown by mistake."""

import re
from functools import cache
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from pybtex.database import parse_file

from lstm_lib import checks
from lstm_lib.checks.misconceptions import BANK
from lstm_lib.checks.report import section_link


@pytest.fixture(scope="module")
def pages(html):
    """Every page of the book, parsed, by its path."""
    found = {
        path: BeautifulSoup(path.read_text("utf-8"), "html.parser")
        for path in html.rglob("*.html")
        if "_static" not in path.parts
    }
    assert len(found) >= 8
    return found


def content(page):
    """What the author wrote, without the theme's bars."""
    return page.find("article") or page


def test_every_internal_link_leads_somewhere(html, pages):
    """The file exists, and so does the anchor in it."""

    @cache
    def anchors(path):
        return {tag["id"] for tag in pages[path].find_all(id=True)} | {"", "#"}

    broken = []
    for path, page in pages.items():
        for tag, attribute in (("a", "href"), ("link", "href"), ("script", "src")):
            for node in page.find_all(tag, **{attribute: True}):
                link = urlsplit(node[attribute])
                if link.scheme or link.netloc:
                    continue
                target = path
                if link.path:
                    target = (path.parent / unquote(link.path)).resolve()
                if not target.is_relative_to(html.resolve()) or not target.exists():
                    broken.append((path.name, node[attribute], "no such file"))
                elif target in pages and unquote(link.fragment) not in anchors(target):
                    broken.append((path.name, node[attribute], "no such anchor"))
    assert not broken


def test_every_picture_has_words(pages):
    """An alt text for images, a title for figures in the page."""
    silent = [
        (path.name, str(node)[:120])
        for path, page in pages.items()
        for node in content(page).find_all(["img", "svg"])
        if not (node.get("alt") or node.find("title"))
    ]
    assert not silent


def test_figures_are_in_the_page_and_named_once(pages):
    """As SVG text; two figures of one page never share an id."""
    count = 0
    for path, page in pages.items():
        figures = page.select("figure.computed-figure svg")
        count += len(figures)
        ids = [tag["id"] for figure in figures for tag in figure.find_all(id=True)]
        assert len(ids) == len(set(ids)), path.name
    assert count >= 4


def test_an_id_stands_once_on_a_page(pages):
    """In what the author wrote; links and labels depend on it."""
    written = {p: page for p, page in pages.items() if p.name != "search.html"}
    for path, page in written.items():
        ids = [tag["id"] for tag in content(page).find_all(id=True)]
        assert len(ids) == len(set(ids)), path.name


def test_no_traceback_is_shown(pages):
    """Nor a warning or an error box of the build."""
    for path, page in pages.items():
        text = content(page).get_text()
        assert "Traceback (most recent call last)" not in text, path.name
        assert not page.select(".system-message, .output.traceback, .output.stderr")


def test_every_section_a_check_names_is_in_the_book(html, pages, root):
    """A student's report links to it, on the site that _config.yml names."""
    config = yaml.safe_load((root / "_config.yml").read_text())
    assert checks.SITE == config["html"]["baseurl"]
    for entry in BANK:
        page, _, anchor = section_link("", entry.section).strip("/").partition("#")
        assert pages[html / page].find(id=anchor), entry.id


def test_every_source_is_cited_and_can_be_found(root):
    """By a DOI, an arXiv number, an address, or its place in PMLR."""
    sources = parse_file(root / "book" / "references.bib").entries
    files = [*root.glob("book/*.md"), *root.glob("notebooks/*.ipynb")]
    text = "\n".join(path.read_text("utf-8") for path in files)
    cited = ",".join(re.findall(r"\{cite:\w+\}`([^`]+)`", text)).split(",")
    assert sorted(sources) == sorted({key.strip() for key in cited})
    for key, source in sources.items():
        assert {"title", "year"} <= set(source.fields) and source.persons, key
        assert {"doi", "eprint", "url", "series", "isbn"} & set(source.fields), key
        assert re.fullmatch(r"10\.\d{4,}/\S+", source.fields.get("doi", "10.1000/x")), (
            key
        )


def test_equations_are_numbered_by_chapter(html, pages):
    """(4.1), (4.2), ...: a new one changes no other chapter; links say the same."""
    for path in (html / "notebooks").glob("*.html"):
        numbers = [tag.contents[0] for tag in pages[path].select(".eqno")]
        chapter = int(path.name[:2])
        assert numbers == [f"({chapter}.{n + 1})" for n in range(len(numbers))]
    page = pages[html / "notebooks" / "04_gates.html"]
    link = page.select_one('a.reference[href="#equation-eq-forgetting"]')
    assert link.text == "(4.6)"


def test_equations_need_no_other_site(html, pages):
    """MathJax is served with the book."""
    chapter = (html / "notebooks" / "04_gates.html").read_text("utf-8")
    source = re.search(r'src="([^"]*mathjax[^"]*)"', chapter)[1]
    assert not urlsplit(source).netloc
    assert (html / "notebooks" / source.partition("?")[0]).resolve().is_file()
