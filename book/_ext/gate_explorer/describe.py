"""Draw the explorer's cells: write drawings.json and the two static figures.

The book is built without NumPy, so what the page needs of `lstm_lib.draw` is
checked in beside this file. After a change of `draw` or of presets.json:

    python book/_ext/gate_explorer/describe.py
"""

import json
from functools import partial
from pathlib import Path

import numpy as np

from lstm_lib import draw
from lstm_lib.cells import gru_step, lstm_step

HERE = Path(__file__).parent
BLOCKS = {"lstm": "ifgo", "gru": "rzn"}


def identity(z):
    """For a unit worked by hand."""
    return z


def arguments(kind, setting):
    """A preset's step function, W (D, K), U (1, K) and b (K,)."""
    size = len(setting["x"][0])
    gates = [setting["gates"].get(letter, {}) for letter in BLOCKS[kind]]
    W = np.array([gate.get("W", [0] * size) for gate in gates], float).T
    U, b = (np.array([gate.get(key, 0) for gate in gates], float) for key in "Ub")
    if kind == "gru":
        bn = np.array([gates[2].get("bn", 0)], float)
        return partial(gru_step, bn=bn), (W, U[None], b)
    linear = {"activation": identity, "readout": identity}
    step = partial(lstm_step, **linear) if setting.get("linear") else lstm_step
    return step, (W, U[None], b)


def diagram(kind, setting, x=None, h=None, c=None):
    """draw.cell of a preset; its own first input and state if none are given."""
    step, parameters = arguments(kind, setting)
    x = np.array(setting["x"][0] if x is None else x, float)
    h = np.array([setting.get("h", 0) if h is None else h], float)
    c = np.array([setting.get("c", 0) if c is None else c], float)
    state = (h, c) if kind == "lstm" else h
    return draw.cell(step, x, state, parameters=parameters)


def drawing(kind, linear=False):
    """A layout description without numbers.

    Its `words` name the wire where its number belongs: "forget gate <f> keeps".
    """
    size = {"W": [0.83], "U": -0.57}
    gates = {k: size | {"b": 0.37 * n} for n, k in enumerate(BLOCKS[kind], 1)}
    setting = {"gates": gates, "x": [[0.29]], "linear": linear}
    found = diagram(kind, setting, h=0.61, c=0.45).json()
    words = found.pop("alt")
    numbers = {}
    for wire in found["wires"]:
        if isinstance(wire["value"], float):
            numbers.setdefault(f"{wire['value']:.3g}", wire["name"])
        elif len(wire["value"]) == 1:
            numbers.setdefault(f"{wire['value'][0]:.3g}", wire["name"])
    pieces = []
    for piece in words.split(" "):
        bare = piece.rstrip(";.")
        end = piece[len(bare) :]
        pieces.append(f"<{numbers[bare]}>{end}" if bare in numbers else piece)
    for wire in found["wires"]:  # numbers differ in the last digit between processors
        wire["value"] = None
        for label in wire["labels"]:
            if label["style"] == "value":
                label["runs"] = []
    for node in found["nodes"]:
        if node["level"]:
            node["level"] = [node["level"][0]] * 2
    return found | {"words": " ".join(pieces)}


def files():
    """File name -> text."""
    presets = json.loads((HERE / "presets.json").read_text("utf-8"))
    drawings = {
        "lstm": drawing("lstm"),
        "lstm-linear": drawing("lstm", linear=True),
        "gru": drawing("gru"),
    }
    text = json.dumps(drawings, ensure_ascii=False, separators=(",", ":"))
    text = text.replace('{"name"', '\n{"name"')  # a part a line, for reading diffs
    svg = {
        f"{kind}.svg": diagram(kind, presets[kind][0]).svg(f"gate-explorer-{kind}")
        for kind in BLOCKS
    }
    return {"drawings.json": text + "\n"} | svg


if __name__ == "__main__":
    for name, text in files().items():
        (HERE / name).write_text(text, "utf-8", newline="\n")
