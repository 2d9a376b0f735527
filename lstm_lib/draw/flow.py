"""What a cell is made of, and what one step of it computes.

`describe` finds out what a layer or a step function does; `flow` computes
what every wire of its diagram carries. Nothing here knows about places.
"""

import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from lstm_lib import cells
from lstm_lib.cells import sigmoid
from lstm_lib.draw.layout import Diagram
from lstm_lib.layers import GRU, LSTM, RNN
from lstm_lib.validation import ShapeError, as_floats, expect_shapes

NAMES = {"f": "forget", "i": "input", "g": "candidate", "o": "output"}
NAMES |= {"r": "reset", "z": "update", "n": "new"}


@dataclass(frozen=True)
class Cell:
    """What there is to draw."""

    family: str  # "rnn", "lstm" or "gru"
    slug: str
    title: str
    blocks: str  # letters of the column blocks in W, in their order
    states: str  # letters of the state
    sees_h: bool = True
    peepholes: str = ""  # the gates that see c
    coupled: bool = False
    minimal: bool = False
    reset: str = ""  # a GRU's: "before" or "after" the product with U
    inner_bias: bool = False  # whether a GRU's reset gate also multiplies bn
    activation: object = np.tanh  # of the candidate
    readout: object = np.tanh


# ---- what there is to draw ---------------------------------------------------


def describe(what, parameters=None):
    """The cell, its parameters by letter, and how to run it: (cell, w, run)."""
    if isinstance(what, Diagram) and what.source is not None:
        return what.source, None, None
    if isinstance(what, (RNN, LSTM, GRU)):
        if parameters is not None:
            raise ValueError("parameters: expected None for a layer, which has its own")
        return _of_layer(what)
    options = {}
    if isinstance(what, partial) and not what.args:
        what, options = what.func, what.keywords
    name = getattr(what, "__name__", "")
    if getattr(cells, name, None) is not what or not name.endswith("_step"):
        raise TypeError(
            "what: expected an RNN, LSTM or GRU layer, or one of cells.rnn_step, "
            "lstm_step, peephole_step, coupled_step, ablated_step, gru_step, "
            f"minlstm_step and mingru_step, got {what!r}"
        )
    return _of_step(what, options, parameters)


def _of_layer(layer):
    w = {
        key.removesuffix("_l0"): array
        for key, array in layer.parameters.items()
        if key.endswith("_l0")
    }

    def run(x, *state):
        one = copy.copy(layer)  # its first layer, forward, with scratch of its own
        one.num_layers, one.bidirectional, one.batch_first = 1, False, False
        one.parameters = {f"{name}_l0": array for name, array in w.items()}
        one._cache, one._work = None, [type(layer._work[0])(layer.dtype)]
        state = [part[None] for part in state]
        _, state = one(x[None], tuple(state) if len(state) > 1 else state[0])
        return [part[0] for part in (state if isinstance(state, tuple) else [state])]

    if isinstance(layer, RNN):
        relu = layer.nonlinearity == "relu"
        found = _rnn(cells.relu if relu else np.tanh)
    elif isinstance(layer, GRU):
        found = _gru("after" if layer.reset_after else "before", layer.bias)
    else:
        gates = layer.block_names.replace("g", "")
        peepholes = gates if layer.peephole else ""
        found = _lstm(gates, peepholes, coupled=layer.coupled)
        kinds = {"tanh": np.tanh, "identity": _identity}
        found = _squashed(found, kinds[layer.activation], kinds[layer.readout])
    return found, w, run


def _of_step(step, options, parameters):
    letters = {"peephole_step": "W U b p", "gru_step": "W U b bn"}
    letters |= {"minlstm_step": "W b", "mingru_step": "W b"}
    letters = letters.get(step.__name__, "W U b").split()
    least = len(letters) - (step is cells.gru_step)
    w = None
    if parameters is not None:
        if not isinstance(parameters, (tuple, list)) or not (
            least <= len(parameters) <= len(letters)
        ):
            raise ValueError(
                f"parameters: expected a tuple ({', '.join(letters[:least])}), "
                f"got {parameters!r:.60}"
            )
        w = dict(zip(letters, parameters))
    if step is cells.gru_step:
        options = dict(options)
        bn = options.pop("bn", None)
        bn = bn if w is None or w.get("bn") is None else w["bn"]
        found = _gru("before" if bn is None else "after", True)
        if w is not None:
            w = {name: array for name, array in w.items() if name != "bn"}
            w |= {} if bn is None else {"bn": bn}
    elif step is cells.rnn_step:
        found = _rnn(options.get("activation", np.tanh))
    elif step is cells.minlstm_step:
        found = Cell("lstm", "minlstm", "minLSTM cell", "ifg", "c", False)
        found = replace(found, minimal=True, activation=_identity)
    elif step is cells.mingru_step:
        found = Cell("gru", "mingru", "minGRU cell", "zn", "h", False)
        found = replace(found, minimal=True, activation=_identity)
    else:
        coupled = step is cells.coupled_step
        gates = "fo" if coupled else options.get("gates", "ifo")
        peepholes = gates if step is cells.peephole_step else ""
        if gates != "".join(letter for letter in "ifo" if letter in gates):
            raise ValueError(
                f"gates: expected letters of 'ifo' in order, got {gates!r}"
            )
        found = _lstm(gates, peepholes, coupled=coupled)
        kinds = [options.get(k, np.tanh) for k in ("activation", "readout")]
        found = _squashed(found, *kinds)

    def run(x, *state):
        own = dict(w)
        extra = options | ({"bn": own.pop("bn")} if "bn" in own else {})
        new = step(x, *state, *own.values(), **extra)
        return list(new) if isinstance(new, tuple) else [new]

    return found, w, run


def _identity(z):
    return z


def _rnn(activation):
    return Cell("rnn", "rnn", "Simple recurrent cell", "h", "h", activation=activation)


def _gru(reset, bias):
    title, slug = f"GRU cell, reset {reset} the product", f"gru-reset-{reset}"
    biased = bias and reset == "after"
    return Cell("gru", slug, title, "rzn", "h", reset=reset, inner_bias=biased)


def _lstm(gates, peepholes, *, coupled=False):
    """gates: the boxes there are, in the order of "ifo"."""
    kind = "coupled " if coupled else ""
    kind += "peephole " if peepholes else ""
    missing = [NAMES[k] for k in "ifo" if k not in gates and not (coupled and k == "i")]
    slug = f"{kind}lstm".replace(" ", "-")
    title = f"{kind}LSTM cell"
    if missing:
        slug += "-no-" + "-".join(missing)
        title += f" without {' or '.join(missing)} gate"
    blocks = "".join(k for k in "ifgo" if k in gates + "g")
    title = title[0].upper() + title[1:]
    return Cell("lstm", slug, title, blocks, "hc", True, peepholes, coupled)


def _squashed(found, activation, readout):
    """An LSTM cell with these functions, and named by the tanh it leaves out."""
    slug, title = found.slug, found.title
    for function, name, what in (
        (activation, "candidate", "g_t"),
        (readout, "readout", "c_t"),
    ):
        if is_identity(function):
            slug += f"-linear-{name}"
            title += f"{' and' if 'without' in title else ''} without tanh of {what}"
    return replace(
        found, slug=slug, title=title, activation=activation, readout=readout
    )


def is_identity(function):
    """Whether a function is named as one that changes nothing."""
    return getattr(function, "__name__", "").strip("_") == "identity"


def staged(found, stage, x):
    if stage not in (1, 2, 3) or isinstance(stage, bool):
        raise ValueError(f"stage: expected 1, 2, 3 or None, got {stage!r}")
    if found.family != "lstm" or found.minimal:
        raise ValueError(f"stage: expected None but for an LSTM, got {stage}")
    gates = found.blocks.replace("g", "")
    shown = _lstm(gates, gates if stage == 3 else "", coupled=found.coupled)
    seen = "x", "x and h", "x, h and c"
    shown = replace(
        found,
        sees_h=stage > 1,
        peepholes=shown.peepholes,
        slug=f"{shown.slug.replace('peephole-', '')}-stage-{stage}",
        title=f"{shown.title.replace('Peephole ', '')} whose gates see "
        f"{seen[stage - 1]}",
    )
    same = (shown.sees_h, shown.peepholes) == (found.sees_h, found.peepholes)
    if x is not None and not same:
        raise ValueError(
            f"stage: expected None where values are shown, since {found.title} does "
            f"not compute stage {stage}, got {stage}"
        )
    return shown


# ---- what flows through it ---------------------------------------------------


def flow(found, x, state, w, run):
    """Wire name -> (N, H), or (N, D) for x: all that one step computes.

    The formulas are those of `cells`; the new state is computed by the layer
    or step itself, and a difference between the two is an error.
    """
    if w is None:
        raise ValueError(
            "parameters: expected the step function's (W, ...), got None; "
            "values need weights"
        )
    W = as_floats("W", w["W"])
    if W.ndim != 2 or W.shape[1] % len(found.blocks):
        raise ShapeError(f"W: expected shape (D, {len(found.blocks)}H), got {W.shape}")
    sizes = {"D": len(W), "H": W.shape[1] // len(found.blocks)}
    x = as_floats("x", x, W.dtype)
    single = x.ndim == 1
    x = x[None] if single else x
    expect_shapes(sizes, x=(x, "N D"))
    sizes["N"] = len(x)
    state = _state(found, state, single, sizes, W.dtype)
    s = dict(zip(found.states, state))
    K = len(found.blocks)
    expected = {"U": f"H {K}H", "b": f"{K}H", "p": f"{len(found.peepholes)} H"}
    expected |= {"bn": "H"}
    arrays = {name: as_floats(name, array, W.dtype) for name, array in w.items()}
    expect_shapes(
        sizes, **{n: (a, expected[n]) for n, a in arrays.items() if n in expected}
    )

    def by_block(array):
        return dict(zip(found.blocks, np.split(array, K, axis=-1)))

    inputs = by_block(x @ arrays["W"] + arrays.get("b", W.dtype.type(0)))
    values = {"x": x}
    if "h" in s:
        values["h-previous"] = s["h"]
    if "c" in s:
        values["c-previous"] = s["c"]
    products = by_block(s["h"] @ arrays["U"]) if found.sees_h else {}
    z = {k: inputs[k] + products[k] if products else inputs[k] for k in inputs}
    if found.family == "gru":
        values |= _flow_gru(found, s["h"], inputs, z, arrays)
    elif found.family == "lstm":
        values |= _flow_lstm(found, s["c"], z, arrays)
    else:
        values |= {"to-h": z["h"], "h": found.activation(z["h"])}
    for letter, own in zip(found.states, run(x, *state)):
        rtol = 1e-4 if W.dtype == np.float32 else 1e-9
        if not np.allclose(values[letter], own, rtol=rtol, atol=rtol):
            raise RuntimeError(f"{letter}: the drawing disagrees with what it draws")
        values[letter] = own  # the very numbers
    values["h-up"] = values["h-next"] = values.get("h", values.get("c"))
    seen = [s["h"], x] if found.sees_h else [x]
    values["inputs"] = np.concatenate(seen, axis=1)
    if found.family == "gru":
        values["h-to-gates"] = values["h-previous"]
    return values


def _state(found, state, single, sizes, dtype):
    """The state's parts, each (N, H)."""
    shape = sizes["N"], sizes["H"]
    if state is None:
        return [np.zeros(shape, dtype) for _ in found.states]
    if len(found.states) > 1:
        if not isinstance(state, (tuple, list)) or len(state) != 2:
            raise ShapeError(
                f"state: expected a tuple (h, c) of arrays, got {type(state).__name__}"
            )
    else:
        state = [state]
    parts = [as_floats(n, part, dtype) for n, part in zip(found.states, state)]
    parts = [part[None] if single and part.ndim == 1 else part for part in parts]
    for name, part in zip(found.states, parts):
        expect_shapes(sizes, **{name: (part, "N H")})
    return parts


def _flow_lstm(found, c, z, w):
    peep = dict(zip(found.peepholes, w.get("p", [])))
    values = {f"to-{NAMES[k]}": z[k] for k in z}
    gate = {
        k: sigmoid(z[k] + peep[k] * c if k in peep else z[k]) for k in "if" if k in z
    }
    values |= {k: gate[k] for k in gate}
    values["g"] = found.activation(z["g"])
    if found.minimal:
        values |= {k + "-scaled": gate[k] / (gate["f"] + gate["i"]) for k in "fi"}
        gate = {k: values[k + "-scaled"] for k in "fi"}
    if found.coupled:
        values["f-to-one-minus"] = gate["f"]
        values["i"] = gate["i"] = 1 - gate["f"]
    values["kept"] = gate["f"] * c if "f" in gate else c
    values["written"] = gate["i"] * values["g"] if "i" in gate else values["g"]
    values["c"] = new = values["kept"] + values["written"]
    for k in found.peepholes:
        values[f"peephole-{NAMES[k]}"] = new if k == "o" else c
    if found.minimal:
        return values
    values["c-to-readout"], values["tanh-c"] = new, found.readout(new)
    if "o" in z:
        values["o"] = sigmoid(z["o"] + peep["o"] * new if "o" in peep else z["o"])
    values["h"] = values.get("o", 1) * values["tanh-c"]
    return values


def _flow_gru(found, h, inputs, z, w):
    update = sigmoid(z["z"])
    values = {"to-update": z["z"], "z": update, "z-branch": update}
    if found.minimal:
        values |= {"to-new": z["n"], "n": z["n"], "one-minus-z": 1 - update}
        values |= {"kept": (1 - update) * h, "written": update * z["n"]}
    else:
        r, U = sigmoid(z["r"]), np.split(w["U"], 3, axis=1)[2]
        values |= {"to-reset": z["r"], "r": r, "to-new": inputs["n"]}
        if found.reset == "after":
            product = h @ U + w.get("bn", h.dtype.type(0))
            values |= {
                "h-to-product": h,
                "product": product,
                "reset-product": r * product,
            }
            inner = values["reset-product"]
        else:
            values |= {
                "h-to-reset": h,
                "reset-h": r * h,
                "product-of-reset": (r * h) @ U,
            }
            inner = values["product-of-reset"]
        values["n"] = np.tanh(inputs["n"] + inner)
        values["one-minus-z"] = 1 - update
        values |= {"kept": update * h, "written": (1 - update) * values["n"]}
    values["h"] = values["kept"] + values["written"]
    return values


def pick(found, arrays, unit, example):
    """One unit of one example; lists where a wire carries a whole vector."""
    N, H = arrays["kept" if "kept" in arrays else "h"].shape
    for name, index, count in ("unit", unit, H), ("example", example, N):
        whole = isinstance(index, (int, np.integer)) and not isinstance(index, bool)
        if not whole or not 0 <= index < count:
            raise ValueError(
                f"{name}: expected an integer in 0..{count - 1}, got {index!r}"
            )
    vectors = {"x", "inputs", "h-to-gates"}
    vectors |= {"h-previous"} if found.family != "gru" else set()
    values = {
        name: array[example].tolist()
        if name in vectors
        else float(array[example, unit])
        for name, array in arrays.items()
    }
    return values | {"which": (unit, H, example, N)}
