"""The memory cell and the LSTM forward: rule, gate, step, sequence, count, units."""

import numpy as np

from lstm_lib.cells import sigmoid as exact_sigmoid
from lstm_lib.checks.subject import Case, Subject

# ---- memory_by_rule ---------------------------------------------------------


def memory_by_rule(sequence):
    """The rule of a memory cell: rows x1, x2, x3 (T, 3) -> memory, output (T,)."""
    memory, kept = 0.0, []
    for x1, x2, _ in sequence:
        memory = 0.0 if x2 == -1 else memory + x1 * (x2 == 1)
        kept.append(memory)
    kept = np.array(kept)
    return kept, np.where(sequence[:, 2] == 1, kept, 0.0)


# The first rows of every sequence, on which every mistake shows: two writes,
# values that must not come in, shown and not shown, cleared when not empty, once
# in the open and once unseen, with a look after it.
CONTROLS = [(1, 0), (1, 1), (0, 0), (0, 1), (0, 0), (-1, 1), (0, 1), (1, 1), (1, 0)]
CONTROLS += [(-1, 0), (0, 1)]


def controls(rng, rest, clear=0.15, show=0.5, first=CONTROLS):
    """x2 and x3 of a sequence, (len(first) + rest, 2): the first, then drawn ones."""
    x2 = rng.choice([1, 0, -1], rest, p=[0.35, 0.65 - clear, clear])
    x3 = rng.choice([1, 0], rest, p=[show, 1 - show])
    return np.vstack([first, np.stack([x2, x3], axis=1)])


def memory_by_rule_cases(rng, hidden):
    """Sequences that write, keep, show and clear, of several lengths."""

    def sequence(rest, low, high, **chances):
        signals = controls(rng, rest, **chances)
        return np.column_stack([rng.uniform(low, high, len(signals)), signals])

    if hidden:
        return [
            Case("a longer sequence", (sequence(51, 1, 5),)),
            Case("values of both signs", (sequence(8, -5, 3),)),
            Case("rarely cleared", (sequence(20, 1, 9, clear=0.0),)),
            Case("rarely shown", (sequence(14, -9, -1, show=0.1),)),
        ]
    return [
        Case("eleven steps", (sequence(0, 1, 5),)),
        Case("large values", (sequence(5, 100, 900),)),
        Case("negative values", (sequence(7, -5, -1),)),
        Case("float32 numbers", (sequence(3, 1, 5).astype("f4"),), 1e-3),
    ]


# ---- sigmoid ----------------------------------------------------------------


def sigmoid_cases(rng, hidden):
    """Several shapes, values far out on both sides, one float32 array."""
    if hidden:
        far, near = rng.uniform(-90, 90, 4), rng.uniform(1, 2, 3)
        wide = np.concatenate([[-900, 900], far, near])
        return [
            Case("an array with three axes", (rng.normal(0.3, 2, (2, 3, 5)),)),
            Case("very large and very small values", (wide,)),
        ]
    wide = np.array([[-800.0, -30.0, -1.5], [0.7, 40.0, 800.0]])
    return [
        Case("a vector", (rng.normal(0.3, 2, 7),)),
        Case("a matrix", (rng.normal(-0.4, 2, (3, 5)),)),
        Case("very large and very small values", (wide,)),
        Case("float32 numbers", (rng.normal(0.3, 2, (4, 3)).astype("f4"),), 1e-3),
    ]


# ---- lstm_step --------------------------------------------------------------


def gates(x, h, W, U, b, *, sigmoid=exact_sigmoid, order="ifgo"):
    """Gates i, f, o and candidate g, each (N, H), returned as i, f, g, o."""
    z = dict(zip(order, np.split(x @ W + h @ U + b, 4, axis=1)))
    return sigmoid(z["i"]), sigmoid(z["f"]), np.tanh(z["g"]), sigmoid(z["o"])


def lstm_step(x, h, c, W, U, b, *, sigmoid=exact_sigmoid):
    """One step: x (N, D), h and c (N, H), W (D, 4H), U (H, 4H), b (4H,) -> h, c."""
    i, f, g, o = gates(x, h, W, U, b, sigmoid=sigmoid)
    c = f * c + i * g
    return o * np.tanh(c), c


def lstm_arguments(rng, lead, N, D, H, spread=1.0, dtype="f8"):
    """Draw x (*lead, N, D), h, c, W, U, b; a large spread saturates gates.

    The blocks of b have different means, so that no two blocks look alike.
    """
    x = rng.normal(0.2, 1, (*lead, N, D))
    h, c = rng.uniform(-0.9, 0.9, (N, H)), rng.normal(0.5, 1.5, (N, H))
    W = rng.normal(0, spread * D**-0.5, (D, 4 * H))
    U = rng.normal(0, spread * H**-0.5, (H, 4 * H))
    b = np.repeat([-0.4, 0.9, 0.3, 0.6], H) + rng.normal(0, 0.3, 4 * H)
    return tuple(array.astype(dtype) for array in (x, h, c, W, U, b))


def lstm_step_cases(rng, hidden):
    """One step with N, D and H all different."""
    if hidden:
        return [
            Case("other sizes", lstm_arguments(rng, (), 7, 2, 6)),
            Case("saturated gates", lstm_arguments(rng, (), 5, 9, 8, spread=8)),
            Case("two units", lstm_arguments(rng, (), 4, 3, 2, spread=2)),
        ]
    return [
        Case("small values", lstm_arguments(rng, (), 3, 5, 4, spread=0.6)),
        Case("large values", lstm_arguments(rng, (), 4, 3, 6, spread=6)),
        Case("a batch of one example", lstm_arguments(rng, (), 1, 4, 3)),
        Case("float32 numbers", lstm_arguments(rng, (), 3, 2, 5, dtype="f4"), 1e-3),
    ]


# ---- lstm_forward -----------------------------------------------------------


def lstm_forward(x, h, c, W, U, b, *, step=lstm_step):
    """A whole sequence: x (T, N, D), h and c (N, H) -> y (T, N, H), (h, c)."""
    y = []
    for x_t in x:
        h, c = step(x_t, h, c, W, U, b)
        y.append(h)
    return np.stack(y), (h, c)


def lstm_forward_cases(rng, hidden):
    """Sequences of several steps, starting from a state that is not zero."""
    if hidden:
        return [
            Case("a longer sequence", lstm_arguments(rng, (40,), 5, 3, 7)),
            Case("saturated gates", lstm_arguments(rng, (8,), 4, 6, 5, spread=6)),
            Case("two steps", lstm_arguments(rng, (2,), 3, 4, 6)),
        ]
    return [
        Case("six steps", lstm_arguments(rng, (6,), 3, 5, 4)),
        Case("large values", lstm_arguments(rng, (7,), 4, 3, 5, spread=6)),
        Case("a batch of one example", lstm_arguments(rng, (9,), 1, 2, 3)),
        Case("float32 numbers", lstm_arguments(rng, (5,), 3, 4, 6, dtype="f4"), 1e-3),
    ]


# ---- lstm_parameter_count ---------------------------------------------------


def lstm_parameter_count(input_size, hidden_size):
    """The numbers in W, U and b together, with the one bias of this course."""
    return 4 * (input_size * hidden_size + hidden_size**2 + hidden_size)


def parameter_count_cases(rng, hidden):
    """Sizes for which no two wrong formulas agree."""
    if hidden:
        sizes = [rng.permutation(np.arange(6, 300))[:2].tolist() for _ in range(3)]
        return [Case(f"case {n}", tuple(pair), 0) for n, pair in enumerate(sizes, 1)]
    return [
        Case(f"D = {D}, H = {H}", (D, H), 0) for D, H in [(3, 5), (10, 4), (28, 64)]
    ]


# ---- units with weights set by hand -----------------------------------------

STRONG = 40.0  # the sigmoid of +-40 is 0 or 1 to the last digit


def unit_trace(weights, inputs):
    """Trace of c and of h, each (T,): one unit with weights W, U, b on inputs (T, D).

    The unit is the usual one, with tanh twice, and starts from zeros.
    """
    h, c, trace = np.zeros((1, 1)), np.zeros((1, 1)), []
    for x in inputs:
        h, c = lstm_step(x[None], h, c, *weights)
        trace.append((c.item(), h.item()))
    c, h = np.array(trace).T
    return c, h


def cell_of_unit(weights, inputs):
    """Trace of c (T,), for the tasks that leave h free."""
    return unit_trace(weights, inputs)[0]


def unit(inputs, i, f, g, o=None, U=None):
    """W (D, 4), U (1, 4), b (4,) from one row a gate: D weights, then the bias.

    o: open where it is not given. U: by default zeros.
    """
    rows = np.array([i, f, g, o or [0] * inputs + [STRONG]], float).T
    return rows[:inputs], np.array([U or [0, 0, 0, 0]], float), rows[inputs]


def unit_case(name, inputs, largest):
    """A case in which c may be off by 0.05; largest: the largest right |c|."""
    return Case(name, (), 0.05 / largest, (inputs.astype(float),))


def counter_unit():
    """Counts the steps at which both of its inputs are 1: i is their AND."""
    return unit(
        2,
        i=[2 * STRONG, 2 * STRONG, -3 * STRONG],
        f=[0, 0, STRONG],
        g=[0, 0, STRONG],
    )


def counter_cases(rng, hidden):
    """Two signals of zeros and ones: every pair of them, then drawn ones."""
    one, other, neither, pair = (1, 0), (0, 1), (0, 0), (1, 1)
    first = [other, pair, other, one, neither, pair, pair, one, neither]

    def case(name, rest, chance):
        both = np.vstack([first, rng.random((rest, 2)) < chance])
        return unit_case(name, both, both.all(axis=1).sum())

    if hidden:
        return [case("thirty steps", 21, 0.6), case("few ones", 20, 0.2)]
    return [
        case("nine steps", 0, 0.5),
        case("many ones", 5, 0.8),
        case("few ones", 8, 0.2),
    ]


def latch_unit():
    """Set by x1, cleared by x2: both drop the old c, and only x1 writes a 1."""
    return unit(
        2,
        i=[2 * STRONG, 0, -STRONG],
        f=[-2 * STRONG, -2 * STRONG, STRONG],
        g=[0, 0, STRONG],
    )


def latch_cases(rng, hidden):
    """Signals that set (1, 0), clear (0, 1) or rest (0, 0), never both."""
    rest, put, clear = (0, 0), (1, 0), (0, 1)
    first = [rest, clear, rest]  # a clear of an empty latch
    first += [put, rest, rest, put, put, rest, clear, rest, put, clear, rest]

    def drawn(name, more, chances):
        signals = rng.choice([rest, put, clear], more, p=chances)
        return unit_case(name, np.vstack([first, signals]), 1)

    def resting(name, rests):
        return unit_case(name, np.array([*first, put] + [rest] * rests), 1)

    if hidden:
        return [drawn("thirty steps", 16, [0.5, 0.3, 0.2]), resting("a long rest", 15)]
    return [
        drawn("fourteen steps", 0, [0.6, 0.2, 0.2]),
        resting("a long rest", 10),
        drawn("set and cleared often", 6, [0.2, 0.4, 0.4]),
    ]


def rule_unit():
    """The rule on x1, x2, x3: i and f read x2, g reads x1, o reads x3."""
    return unit(
        3,
        i=[0, 2 * STRONG, 0, -STRONG],
        f=[0, 2 * STRONG, 0, STRONG],
        g=[STRONG, 0, 0, 0],
        o=[0, 0, 2 * STRONG, -STRONG],
    )


# The first rows of every sequence: as CONTROLS, and a 0 is written into a memory
# that is not empty and was shown the step before, in the open and unseen.
RULE_ROWS = [(1, 1, 0), (1, 1, 1), (1, 0, 0), (-1, 0, 1), (-1, 0, 0), (-1, -1, 1)]
RULE_ROWS += [(1, 0, 1), (-1, 1, 1), (0, 1, 1), (0, 1, 0), (1, 1, 0), (1, 1, 0)]
RULE_ROWS += [(-1, -1, 0), (-1, 0, 1)]


def rule_cases(rng, hidden):
    """Sequences for the rule with x1 in {-1, 0, 1}; the memory stays within 4."""
    first = np.array(RULE_ROWS)

    def case(name, rest, **chances):
        signals = controls(rng, rest, first=first[:, 1:], **chances)
        drawn = rng.choice([-1, 1], rest) * (rng.random(rest) < 0.8)
        x1 = np.concatenate([rng.choice([-1, 1]) * first[:, 0], drawn])
        inputs, memory = np.column_stack([x1, signals]).astype(float), 0
        for row in inputs:  # turn a write that would take the memory too far
            row[0] *= -1 if row[1] == 1 and abs(memory + row[0]) > 4 else 1
            memory = 0 if row[1] == -1 else memory + row[0] * row[1]
        return Case(name, (), 0.01, (inputs,))  # c and h: 1 % of their largest

    if hidden:
        return [
            case("thirty steps", 16),
            case("rarely cleared", 12, clear=0.05),
        ]
    return [
        case("fourteen steps", 0),
        case("often cleared", 6, clear=0.3),
        case("rarely shown", 5, show=0.2),
    ]


_STEP_ARGUMENTS = ("x", "h", "c", "W", "U", "b")
_PRODUCTS = (
    " Here `{}` is (N, D), `W` (D, 4H), `h` (N, H), `U` (H, 4H): which two sizes "
    "must agree in `A @ B`?"
)
_WEIGHTS = {"W": "(D, 4H)", "U": "(H, 4H)", "b": "(4H,)"}
SUBJECTS = (
    Subject(
        name="memory_by_rule",
        reference=memory_by_rule,
        arguments=("sequence",),
        returns=("memory", "output"),
        shapes={"memory": "(T,)", "output": "(T,)"},
        section="sec-memory-cell",
        make_cases=memory_by_rule_cases,
    ),
    Subject(
        name="sigmoid",
        reference=exact_sigmoid,
        arguments=("z",),
        returns="the answer",
        shapes={},
        section="sec-soft-gates",
        make_cases=sigmoid_cases,
    ),
    Subject(
        name="lstm_step",
        reference=lstm_step,
        arguments=_STEP_ARGUMENTS,
        returns=("h", "c"),
        shapes={"h": "(N, H)", "c": "(N, H)"},
        section="sec-cell-update",
        make_cases=lstm_step_cases,
        sections={"h": "sec-output-equation"},
        products=_PRODUCTS.format("x"),
        part="sigmoid",
        part_check="sigmoid",
        part_reads=("z",),
    ),
    Subject(
        name="lstm_forward",
        reference=lstm_forward,
        arguments=_STEP_ARGUMENTS,
        returns=("y", ("h", "c")),
        shapes={"y": "(T, N, H)", "h": "(N, H)", "c": "(N, H)"},
        section="sec-memory-cell",
        make_cases=lstm_forward_cases,
        products=_PRODUCTS.format("x[t]"),
        part="step",
        part_check="lstm_step",
        part_reads=("x", "h", "c"),
    ),
    Subject(
        name="lstm_parameter_count",
        reference=lstm_parameter_count,
        arguments=("input_size", "hidden_size"),
        returns="the answer",
        shapes={},
        section="sec-parameter-count",
        make_cases=parameter_count_cases,
    ),
    Subject(
        name="counter_unit",
        reference=counter_unit,
        arguments=(),
        returns=("W", "U", "b"),
        shapes=_WEIGHTS,
        section="sec-hand-set-unit",
        make_cases=counter_cases,
        observe=cell_of_unit,
        observed="`c` of your unit",
    ),
    Subject(
        name="latch_unit",
        reference=latch_unit,
        arguments=(),
        returns=("W", "U", "b"),
        shapes=_WEIGHTS,
        section="sec-hand-set-unit",
        make_cases=latch_cases,
        observe=cell_of_unit,
        observed="`c` of your unit",
    ),
    Subject(
        name="rule_unit",
        reference=rule_unit,
        arguments=(),
        returns=("W", "U", "b"),
        shapes=_WEIGHTS,
        section="sec-hand-set-unit",
        make_cases=rule_cases,
        observe=unit_trace,
        observed=("c", "h"),
    ),
)
