"""What a student wrote, made safe for the browser of a grader or a student.

Nothing that is shown may run a script, ask another machine for anything (that
would tell a stranger who reads what, and when) or cover what is not its own.
All is built from lists of what is allowed:

- HTML by nh3 (the Rust library ammonia: a browser's parser, then lists of tags
  and attributes; bleach, its elder, gets security fixes only);
- CSS by tinycss2: properties and functions from a list, no addresses;
- SVG becomes an image, in which browsers run and load nothing, of shapes, text
  and gradients only;
- pictures are PNG, JPEG or GIF by their own first bytes;
- Markdown is rendered as nbconvert does it. Where the result is plain, it stays
  as the student wrote it; otherwise it becomes a block of clean HTML;
- each piece stands in a box that what it holds cannot leave (`contain`).

What is cut is said in its place.
"""

import base64
import binascii
import hashlib
import io
import re
import xml.etree.ElementTree as ET
from html import escape, unescape

import imagesize
import nh3
import tinycss2
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbformat import from_dict, v4

TEXT = 100_000  # characters of one text
LINE = 1_000  # characters of a line of code
HTML = 1_000_000  # characters of HTML or SVG
PICTURE = 8 * 2**20  # bytes of a picture, in base64
PIXELS = 50_000_000  # and what it takes to show it
STYLES = 100_000  # characters of all style sheets in it
LOOSE_TAGS = 5_000  # in HTML whose tags are not closed in order
OUTPUTS = 200  # of one cell
CELL = 16 * 2**20  # characters of all outputs of a cell
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
_BOX = '<div style="contain:content;overflow:auto">{}</div>'


# ---- text --------------------------------------------------------------------

_COLOUR = r"\x1b\[[\d;]{0,40}m"
_CONTROLS = (
    r"\x1b\][^\x07\x1b]{0,1000}(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b\[[0-?]{0,40}[ -/]*[@-~]"  # moves of the cursor
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
    r"|[\u202a-\u202e\u2066-\u2069]"  # turn the direction of what follows
)
_PLAIN = re.compile(_CONTROLS)
_COLOURED = re.compile(f"({_COLOUR})|{_CONTROLS}")


def sanitise_text(text, *, colours=False, limit=TEXT):
    """Plain text without control characters; still to be escaped for HTML.

    colours: keep what sets the colour on a terminal. limit: in characters; the
    rest is cut, which the text then says.
    """
    text = text if isinstance(text, str) else str(type(text).__name__)
    cut = len(text) - limit
    text = text[:limit]
    text = re.sub("[\ud800-\udfff]", "\ufffd", text)
    if colours:
        text = _COLOURED.sub(lambda match: match[1] or "", text)
    else:
        text = _PLAIN.sub("", text)
    return text + (f"\n[{cut:,} characters more were cut]" if cut > 0 else "")


def sanitise_code(text):
    """Code that is coloured in bearable time, as it looked.

    Pygments takes time in the square of a line's length, and of lines of spaces.
    """
    text = re.sub(r"^[ \t]+$", "", text, flags=re.MULTILINE)
    lines = text.split("\n")
    return "\n".join(
        f"{line[:LINE]} [{len(line) - LINE:,} characters more were cut]"
        if len(line) > LINE
        else line
        for line in lines
    )


def sanitise_name(text):
    """A name for one line, harmless even in a page that forgets to escape it."""
    text = " ".join(sanitise_text(text, limit=200).split())
    return text.translate(str.maketrans("<>&\"'`", "‹›＆”’’"))


# ---- CSS ---------------------------------------------------------------------

_PROPERTIES = set(
    "color background background-color background-image opacity visibility display"
    " font font-family font-size font-style font-variant font-weight line-height"
    " letter-spacing word-spacing text-align text-align-last text-anchor"
    " text-decoration text-indent text-transform text-overflow text-wrap"
    " vertical-align white-space word-break overflow-wrap hyphens tab-size"
    " list-style list-style-type caption-side table-layout empty-cells"
    " border-collapse border-spacing border-radius float clear"
    " width height min-width min-height max-width max-height box-sizing overflow"
    " overflow-x overflow-y padding margin gap flex flex-wrap flex-direction"
    " align-items justify-content grid-template-columns column-count"
    " fill fill-opacity fill-rule stroke stroke-dasharray stroke-dashoffset"
    " stroke-linecap stroke-linejoin stroke-miterlimit stroke-opacity stroke-width"
    " stop-color stop-opacity clip-path clip-rule marker marker-start marker-mid"
    " marker-end paint-order vector-effect dominant-baseline alignment-baseline"
    " baseline-shift shape-rendering text-rendering image-rendering"
    " color-interpolation transform transform-origin font-stretch".split()
)
_PROPERTIES |= {
    f"{box}-{side}"
    for box in ("padding", "margin", "border")
    for side in ("top", "right", "bottom", "left", "color", "style", "width")
}
_PROPERTIES |= {
    f"border-{side}-{what}"
    for side in ("top", "right", "bottom", "left")
    for what in ("color", "style", "width")
} | {"border", "margin-inline", "padding-inline"}
_FUNCTIONS = set(
    "rgb rgba hsl hsla calc min max clamp var color-mix linear-gradient"
    " repeating-linear-gradient radial-gradient matrix translate translatex"
    " translatey scale scalex scaley rotate skewx skewy minmax repeat".split()
)
_PARTS = {"ident", "number", "percentage", "dimension", "hash", "whitespace", "string"}
_SELECTOR = re.compile(r"[\w.#*:\[][\w\s.#*:>\[\]=\"'()+~-]{0,200}", re.ASCII)
_LOCAL = re.compile(r"#[\w.:-]{1,100}", re.ASCII)


def _safe_value(tokens):
    """Whether a value of CSS is made of allowed parts: no addresses, no giants."""
    for token in tokens:
        kind = token.type
        if kind == "function" and token.lower_name == "url":
            arguments = [part for part in token.arguments if part.type != "whitespace"]
            if len(arguments) != 1 or not _LOCAL.fullmatch(
                getattr(arguments[0], "value", "")
            ):
                return False
        elif kind == "function":
            if token.lower_name not in _FUNCTIONS or not _safe_value(token.arguments):
                return False
        elif kind == "() block":
            if not _safe_value(token.content):
                return False
        elif kind == "url":
            if not _LOCAL.fullmatch(token.value):
                return False
        elif kind == "literal":
            if token.value not in {",", "/", "+", "-", "*", "!", "."}:
                return False
        elif kind not in _PARTS:
            return False
        if kind in ("number", "dimension") and not abs(token.value) <= 100_000:
            return False
    return True


def _declarations(text):
    """The allowed declarations of a style attribute or a rule, as CSS."""
    kept = []
    for part in tinycss2.parse_blocks_contents(text):
        if part.type != "declaration" or not _safe_value(part.value):
            continue
        own = re.fullmatch(r"--[\w-]{1,50}", part.name, re.ASCII)
        if not own and part.lower_name not in _PROPERTIES:
            continue
        value = tinycss2.serialize(part.value).strip()
        shrinks = part.lower_name.startswith(("margin", "text-indent"))
        if "<" in value or (shrinks and "-" in value):
            continue  # a negative margin draws over the neighbour
        important = " !important" if part.important else ""
        kept.append(f"{part.name if own else part.lower_name}:{value}{important}")
    return ";".join(kept)


def _style(text):
    """A style attribute, cleaned; None if nothing is left."""
    if len(text) > 10_000:
        return None
    return _declarations(text) or None


def _stylesheet(text, scope, rename):
    """The rules of a <style>, each for elements inside `scope` only.

    rename: a function that gives the new name of a class or id.
    """
    kept = []
    for rule in tinycss2.parse_stylesheet(text, skip_comments=True):
        if rule.type != "qualified-rule":
            continue  # @import, @font-face, @media
        selectors = []
        for selector in tinycss2.serialize(rule.prelude).split(","):
            selector = selector.strip()
            if _SELECTOR.fullmatch(selector) and selector.count("(") == selector.count(
                ")"
            ):
                selector = re.sub(
                    r"([.#])([A-Za-z_][\w-]*)",
                    lambda m: m[1] + rename(*m.groups()),
                    selector,
                )
                selectors.append(f"{scope} {selector}".strip())
        declarations = _declarations(rule.content)
        if selectors and declarations:
            kept.append(f"{','.join(selectors)}{{{declarations}}}")
    return "\n".join(kept)


# ---- pictures ----------------------------------------------------------------

_SIGNS = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
}


def sanitise_picture(kind, data):
    """A picture as base64, if it is what it says and of a bearable size, else None.

    kind: a MIME type of PICTURES. data: base64; for SVG its text.
    """
    if not isinstance(data, str) or len(data) > PICTURE:
        return None
    if kind == "image/svg+xml":
        svg = sanitise_svg(data)
        return svg and base64.b64encode(svg.encode()).decode()
    try:
        raw = base64.b64decode("".join(data.split()), validate=True)
    except (ValueError, binascii.Error):
        return None
    if not raw.startswith(_SIGNS[kind]):
        return None
    try:
        width, height = imagesize.get(io.BytesIO(raw))
    except Exception:  # it reads what a student wrote
        return None
    if width < 1 or height < 1 or width * height > PIXELS:
        return None
    return base64.b64encode(raw).decode()


def _picture_address(address):
    """A data: address of a picture, cleaned; None for any other address."""
    match = re.fullmatch(
        r"\s*data:(image/[a-z+]+)(?:;charset=[\w-]+)?(;base64)?,(.*)",
        address,
        re.IGNORECASE | re.DOTALL,
    )
    if not match or len(address) > 2 * PICTURE:
        return None
    kind, data = match[1].lower().replace("jpg", "jpeg"), match[3]
    if kind not in PICTURES:
        return None
    if kind == "image/svg+xml":
        if not match[2]:
            return None
        data = base64.b64decode("".join(data.split())).decode("utf-8", "replace")
    clean = sanitise_picture(kind, data)
    return clean and f"data:{kind};base64,{clean}"


# ---- SVG ---------------------------------------------------------------------

_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_SHAPES = set("path rect circle ellipse line polyline polygon text image".split())
_ELEMENTS = _SHAPES | set(
    "svg g defs symbol use clipPath marker linearGradient radialGradient stop tspan"
    " pattern title desc style".split()
)
_ATTRIBUTES = set(
    "id class style d x y x1 y1 x2 y2 cx cy r rx ry fx fy dx dy points transform width"
    " height viewBox preserveAspectRatio offset gradientUnits gradientTransform"
    " spreadMethod clipPathUnits patternUnits patternContentUnits patternTransform"
    " markerWidth markerHeight markerUnits refX refY orient rotate textLength"
    " lengthAdjust pathLength version fill stroke opacity role".split()
) | {name for name in _PROPERTIES if "-" in name and not name.startswith("border")}
_ELEMENT_LIMIT = 50_000  # in one SVG


def sanitise_svg(text):
    """An SVG drawing without script, links and addresses; None if it is none."""
    if len(text) > 4 * HTML:
        return None
    text = re.sub("[\ud800-\udfff]", "\ufffd", text).lstrip("\ufeff \t\r\n")
    text = re.sub(r"^<\?xml[^>]{0,200}\?>\s*", "", text)
    text = re.sub(r"^(<!--.{0,5000}?-->\s*){0,5}", "", text, flags=re.DOTALL)
    text = re.sub(r"^<!DOCTYPE[^>\[]{0,300}>", "", text)
    if "xlink:" in text and "xmlns:xlink" not in text:  # as HTML permits
        text = re.sub("<svg", f'<svg xmlns:xlink="{_XLINK}"', text, count=1)
    text = re.sub(r"&(?!amp;|lt;|gt;|quot;|apos;)\w{2,30};", _character, text)
    try:
        root = _parse_xml(text)
        if _local(root.tag) != "svg":
            return None
        new = _svg_element(root, inner=False)
        new.attrib |= {"xmlns": _SVG, "xmlns:xlink": _XLINK}
        _check_uses(new)
        return ET.tostring(new, encoding="unicode")
    except (ET.ParseError, ValueError, RecursionError, LookupError):
        return None


def _character(match):
    """An entity of HTML as its character, to be read as XML."""
    return escape(unescape(match[0])) if unescape(match[0]) != match[0] else ""


class _Tree(ET.TreeBuilder):
    """Builds elements, and stops at a tree too deep or too large."""

    depth = count = 0

    def start(self, tag, attrs):
        self.depth, self.count = self.depth + 1, self.count + 1
        if self.depth > 100 or self.count > _ELEMENT_LIMIT:
            raise ValueError("too deep or too large")
        return super().start(tag, attrs)

    def end(self, tag):
        self.depth -= 1
        return super().end(tag)


def _parse_xml(text):
    """Parse XML that has no document type, and so defines no entities."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise ValueError("a document type")
    parser = ET.XMLParser(target=_Tree())
    parser.feed(text)
    return parser.close()


def _local(name):
    """The name of an element or attribute of SVG; '' for other namespaces."""
    space, _, local = name.rpartition("}")
    return local if space in ("", "{" + _SVG) else ""


def _svg_element(old, inner):
    """A copy of an element with what is allowed of it.

    inner: whether it is part of a pattern, marker or clip path. There nothing
    may refer to another one: ten that use ten that use ten … would take hours.
    """
    name = _local(old.tag)
    new = ET.Element(name)
    inner = inner or name in ("pattern", "marker", "clipPath")
    for key, value in old.attrib.items():
        is_link = key in ("href", f"{{{_XLINK}}}href")
        kept = _link(name, value) if is_link else _svg_value(_local(key), value, inner)
        if kept is not None:
            new.set("xlink:href" if is_link else key.rpartition("}")[2], kept)
    if name == "style":
        sheet = "".join(old.itertext())[:STYLES]
        new.text = _stylesheet(sheet, "", lambda _, name: name)
        return new
    new.text = old.text
    for child in old:
        if _local(child.tag) in _ELEMENTS:
            child_copy = _svg_element(child, inner)
            child_copy.tail = child.tail
            new.append(child_copy)
    return new


def _link(name, value):
    """Where <use> and <image> may point: into the drawing, or at a picture in it."""
    if name == "image" and not value.lstrip().lower().startswith("data:image/svg"):
        return _picture_address(value)
    return value if name == "use" and _LOCAL.fullmatch(value) else None


def _svg_value(name, value, inner):
    """The value of an attribute, cleaned; None if it is not allowed."""
    if name == "style":
        value = _style(value)
        return None if value is None or (inner and "url(" in value) else value
    if name not in _ATTRIBUTES:
        return None
    if "(" in value or "\\" in value:
        parts = tinycss2.parse_component_value_list(value[:10_000])
        if len(value) > 10_000 or not _safe_value(parts) or (inner and "url" in value):
            return None
    return value


def _check_uses(root):
    """Let <use> show single shapes only, not groups that use groups that …"""
    names = {}
    for element in root.iter():
        names.setdefault(element.get("id"), element.tag)
    for element in root.iter("use"):
        if names.get(element.get("xlink:href", "")[1:]) not in _SHAPES:
            element.attrib.pop("xlink:href", None)


# ---- HTML --------------------------------------------------------------------

_TAGS = (nh3.ALLOWED_TAGS - {"area", "map"}) | {"font", "tfoot", "big", "label"}
_WITH_CONTENT = set(
    "script style title noscript noembed noframes template iframe object embed applet"
    " textarea select math svg audio video canvas frameset xmp plaintext".split()
)
_HTML_ATTRIBUTES = {
    "*": set("class id style title lang dir role aria-label align valign".split()),
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "font": {"color", "face", "size"},
    "table": {"border", "width", "cellpadding", "cellspacing"},
    "td": {"colspan", "rowspan", "width", "height", "bgcolor", "headers", "scope"},
    "th": {"colspan", "rowspan", "width", "height", "bgcolor", "headers", "scope"},
    "col": {"span", "width"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "details": {"open"},
}
_NUMBERS = set(
    "width height border cellpadding cellspacing colspan rowspan span".split()
)
# Classes that pages style: pandas, statsmodels, nbconvert's colours of code.
# All others, and all ids, get a prefix, so that they touch nothing of the page.
_CLASS = re.compile(r"dataframe|simpletable|highlight|[a-z]{1,2}\d?", re.ASCII)


def _rename(sign, name):
    return name if sign == "." and _CLASS.fullmatch(name) else f"s-{name}"


def sanitise_html(text):
    """HTML of an output, clean and in a box of its own."""
    return _BOX.format(_html(text))


def _html(text):
    """HTML with allowed tags, attributes and styles only."""
    cut = len(text) - HTML
    text = re.sub("[\0\ud800-\udfff]", "\ufffd", text[:HTML])
    if text.count("<") > LOOSE_TAGS and not _well_nested(text):
        return "<p>[HTML is not shown: it has too many tags that are not closed]</p>"
    styles = re.findall(r"<style[^>]{0,200}>(.*?)</style", text, re.DOTALL | re.I)
    clean = nh3.clean(
        _svg_as_pictures(text),
        tags=_TAGS,
        clean_content_tags=_WITH_CONTENT,
        attributes=_HTML_ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )
    clean = _tame_tex(clean)
    if re.search(r"<img(?![^>]* src=)", clean):
        clean += "<p>[A picture is not shown: it lies elsewhere, or is none.]</p>"
    if cut > 0:
        clean += f"<p>[{cut:,} characters more were cut]</p>"
    return _with_styles(clean, styles)


_TAG = re.compile(
    r"<(/?)([a-z][a-z0-9]*)"
    r"(?:\s+[\w:-]+(?:=(?:\"[^\"<>]*\"|'[^'<>]*'|[\w#%.-]+))?)*\s*(/?)>",
    re.IGNORECASE | re.ASCII,
)
_VOID = {"br", "hr", "img", "col", "wbr", "input"}


def _well_nested(text):
    """Whether each tag is closed in order, in bearable depth.

    An HTML parser takes time in the square of the depth, and what closes a tag
    is told only by parsing; where it is plain to see, any length is fine.
    """
    text = re.sub(r"<style[^<>]{0,200}>[^<]*</style>", "", text)
    stack, ends = [], 0
    for tag in _TAG.finditer(text):
        ends += 1
        closes, name = tag[1], tag[2].lower()
        if name in _WITH_CONTENT:
            return False
        if closes:
            if not stack or stack.pop() != name:
                return False
        elif name not in _VOID:
            stack.append(name)
            if len(stack) > 200:
                return False
    return not stack and ends == text.count("<")


def _with_styles(clean, styles):
    """Put the rules of the text's own style sheets before it, for it alone."""
    name = "s-" + hashlib.sha256(clean.encode()).hexdigest()[:12]
    sheet = "\n".join(styles)
    try:
        rules = _stylesheet(sheet, f"#{name}", _rename) if len(sheet) < STYLES else ""
    except RecursionError:
        rules = ""
    if not rules:
        return clean
    return f'<div id="{name}"><style>\n{rules}\n</style>{clean}</div>'


def _svg_as_pictures(text):
    """Each <svg> as an image of it."""
    parts, depth, start, end = [], 0, 0, 0
    for tag in re.finditer(r"<(/?)svg(?=[\s/>])[^<>]{0,2000}>", text, re.IGNORECASE):
        if tag[1] and depth:
            depth -= 1
            if depth == 0:
                data = base64.b64encode(text[start : tag.end()].encode()).decode()
                parts.append(f'<img src="data:image/svg+xml;base64,{data}">')
                end = tag.end()
        elif not tag[1] and not tag[0].endswith("/>"):
            if depth == 0:
                start = tag.start()
                parts.append(text[end:start])
                end = start
            depth += 1
    return "".join(parts) + text[end:]


def _attribute(tag, name, value):
    """The value of an attribute, cleaned, or None."""
    try:
        return _attribute_value(tag, name, value)
    except Exception:  # nh3 would keep the value as it was
        return None


def _attribute_value(tag, name, value):
    if name == "style":
        return _style(value)
    if name == "id":
        return f"s-{value[:100]}" if re.fullmatch(r"[\w.:-]+", value) else None
    if name == "class":
        names = re.findall(r"[\w-]+", value[:500], re.ASCII)
        return " ".join(_rename(".", name) for name in names) or None
    if name == "src":
        return _picture_address(value)
    if name == "href":
        if _LOCAL.fullmatch(value):
            return f"#s-{value[1:]}"
        return value if re.match(r"(https?://|mailto:)", value, re.I) else None
    if name in _NUMBERS:
        return value if re.fullmatch(r"\d{1,4}(\.\d+)?(px|%|em)?", value) else None
    return value[:1000]


# ---- mathematics -------------------------------------------------------------

# Macros of MathJax that set addresses, styles, names of the page or options, load
# extensions, or leave TeX; and (below) those that move or draw outside of their place.
_TEX = re.compile(
    r"\\(?=(?:href|url|class|cssId|style|data|bbox|require|autoload|unicode|csname"
    r"|includegraphics|mmlToken|setOptions|texttip|mathtip|toggle|Tooltip"
    r")(?![A-Za-z]))"
)
_MOVES = re.compile(
    r"\\(?:kern|mkern|hskip|mskip|hspace|mspace|raise|lower|raisebox|moveleft"
    r"|moveright|rule|Rule|Space|smash|[lrc]lap|math[lrc]lap|\\\s*\[\s*-)"
)


def _tame_tex(text):
    r"""Break the dangerous macros: \href reads the same, but TeX does not know it."""
    return _TEX.sub("\\\\\u2060", text)


# ---- Markdown ----------------------------------------------------------------


_LANGUAGES = {"python", "py", "python3", "ipython", "ipython3"}


class _Renderer(IPythonRenderer):
    """Renders as nbconvert does, and notes in `plain` whether all of it is harmless."""

    def __init__(self, attachments):
        super().__init__(
            escape=False, exclude_anchor_links=True, attachments=attachments
        )
        self.plain = True

    def block_html(self, html):
        self.plain = False
        return super().block_html(html)

    def inline_html(self, html):
        self.plain = False
        return super().inline_html(html)

    def block_code(self, code, info=None):
        """Code, coloured if it is Python.

        Of other languages some take very long to colour, and mermaid's diagrams
        nbconvert writes into the page as they are.
        """
        clean, language = sanitise_code(code), (info or "").strip().split(None, 1)
        if clean != code or (language and language[0].lower() not in _LANGUAGES):
            self.plain = False
        if language and language[0].lower() in _LANGUAGES:
            return super().block_code(clean, "python")
        return f"<pre><code>{escape(clean)}</code></pre>"

    def link(self, text, url, title=None):
        if not re.match(r"(https?://|mailto:|#)", url):
            self.plain = False
        return super().link(text, url, title)

    def _embed_image_or_attachment(self, src):
        """The picture as data; a missing attachment must not stop the rendering."""
        bundle = self.attachments.get(src.removeprefix("attachment:"))
        if not src.startswith("attachment:") or not bundle:
            self.plain = False
            return src
        return super()._embed_image_or_attachment(src)


_CHECKBOX = re.compile(r'<input class="task-list-item-checkbox"[^>]*?( checked)?/>')


def sanitise_markdown(text, attachments=None):
    """Markdown that shows the same, as far as it is safe.

    Text without HTML, foreign pictures and the like is returned as it is. Other
    text becomes a block of HTML (which Markdown hands on unchanged).
    attachments: cleaned ones, from `sanitise_attachments`.
    """
    clean = sanitise_text(text)
    if not _is_simple(clean):
        return _block(f"<pre>{_tame_tex(escape(clean))}</pre>")
    renderer = _Renderer(attachments or {})
    try:
        html = MarkdownWithMath(renderer=renderer).render(clean)
    except (RecursionError, ValueError, LookupError):
        return _block(f"<pre>{_tame_tex(escape(clean))}</pre>")
    if renderer.plain and not _TEX.search(clean) and not _MOVES.search(clean):
        return clean
    html = _CHECKBOX.sub(lambda box: "☑ " if box[1] else "☐ ", html)
    return _block(_html(html))


def _block(html):
    """A block of HTML in Markdown: it ends at an empty line, so it may hold none."""
    return re.sub(r"\n(?=[ \t]*\n)", "&#10;", _BOX.format(html))


def _is_simple(text):
    """Whether rendering takes a bearable time, whatever the text tries."""
    # The expressions for \begin{…} and \\[…\\] look from each to the end of the text.
    formulas = len(re.findall(r"\\\\[\[(]|\\begin\{", text))
    return len(text) <= 50_000 and formulas <= 200


def sanitise_attachments(attachments):
    """The pictures of a cell that are what they say: name -> {type: base64}."""
    kept = {}
    for name, bundle in (attachments or {}).items():
        for kind, data in bundle.items():
            address = _picture_address(f"data:{kind};base64,{data}")
            if address:
                kept.setdefault(name, {})[kind] = address.partition(",")[2]
    return kept


# ---- outputs -----------------------------------------------------------------


def sanitise_outputs(outputs):
    """The outputs of a code cell, built anew of what may be shown.

    outputs: a list of dicts as in a notebook, of any content. Never raises.
    """
    kept, room = [], CELL
    for output in outputs[:OUTPUTS]:
        try:
            new = _output(output)
        except Exception as error:  # whatever a student's process sent
            new = _note(f"[an output could not be read: {type(error).__name__}]")
        if new is None:
            continue
        room -= len(str(new))
        if room < 0:
            kept.append(_note("[more outputs were cut: too much in one cell]"))
            return kept
        kept.append(new)
    if len(outputs) > OUTPUTS:
        kept.append(_note(f"[{len(outputs) - OUTPUTS:,} outputs more were cut]"))
    return kept


def _note(text):
    return v4.new_output("stream", name="stderr", text=text + "\n")


def _output(output):
    """One output, or None if nothing of it may be shown."""
    kind = output["output_type"]
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        text = sanitise_text(_joined(output["text"]), colours=True)
        return v4.new_output("stream", name=name, text=text)
    if kind == "error":
        lines = "\n".join(_joined(line) for line in output.get("traceback", [])[:1000])
        return v4.new_output(
            "error",
            ename=sanitise_text(output.get("ename", ""), limit=200),
            evalue=sanitise_text(output.get("evalue", ""), limit=10_000),
            traceback=sanitise_text(lines, colours=True).split("\n"),
        )
    if kind not in ("display_data", "execute_result"):
        return None
    data = _data(output["data"])
    new = v4.new_output(kind, data=data, metadata=_sizes(output.get("metadata"), data))
    count = output.get("execution_count")
    if kind == "execute_result":
        new.execution_count = count if type(count) is int else None
    return new


def _joined(text):
    """A text, which notebooks may hold as a list of lines."""
    return "".join(text) if isinstance(text, list) else text


def _data(bundle):
    """The allowed representations of a displayed object, cleaned."""
    data = {}
    for kind, value in bundle.items():
        value = _joined(value)
        if not isinstance(value, str):
            continue
        if kind == "text/plain":
            data[kind] = sanitise_text(value, colours=True)
        elif kind == "text/html":
            data[kind] = sanitise_html(value)
        elif kind == "text/markdown":
            data[kind] = sanitise_markdown(value)
        elif kind == "image/svg+xml":
            data[kind] = sanitise_svg(value)
        elif kind in PICTURES:
            data[kind] = sanitise_picture(kind, value)
    data = {kind: value for kind, value in data.items() if value is not None}
    latex = _joined(bundle.get("text/latex"))
    if isinstance(latex, str) and not data.keys() & _BEFORE_LATEX:
        # As HTML, in a box: formulas can draw far outside of their place.
        tame = _tame_tex(escape(sanitise_text(latex), quote=False))
        data["text/html"] = _BOX.format(tame)
    if not data:
        kinds = sanitise_text(", ".join(map(str, bundle)), limit=200)
        data["text/plain"] = f"[not shown: {kinds}]"
    return data


_BEFORE_LATEX = {"text/html", "text/markdown", "image/svg+xml"}  # shown rather than it


def _sizes(metadata, data):
    """How large a picture is to be shown."""
    kept = {}
    for kind in data.keys() & set(PICTURES):
        given = metadata.get(kind) if isinstance(metadata, dict) else None
        given = given if isinstance(given, dict) else {}
        sizes = {
            side: given[side]
            for side in ("width", "height")
            if type(given.get(side)) in (int, float) and 0 < given[side] < 10_000
        }
        if given.get("needs_background") in ("light", "dark"):
            sizes["needs_background"] = given["needs_background"]
        if sizes:
            kept[kind] = sizes
    return kept


# ---- cells -------------------------------------------------------------------


def sanitise_cell(cell):
    """Clean, in place, what a student's cell shows; return the cell.

    The text of code is kept, but for lines no one writes: pages escape it.
    """
    if cell.cell_type == "code":
        cell.source = sanitise_code(cell.source)
        cell.outputs = sanitise_outputs(cell.outputs)
    elif cell.cell_type == "markdown":
        pictures = sanitise_attachments(cell.pop("attachments", {}))
        cell.source = sanitise_markdown(cell.source, pictures)
        if pictures:
            cell.attachments = from_dict(pictures)
    else:
        cell.source = escape(sanitise_text(cell.source))
    return cell
