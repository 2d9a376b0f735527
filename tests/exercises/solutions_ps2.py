"""Other right answers to problem set 2, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "memory-by-rule-answer": """
def memory_by_rule(sequence):
    memory, output = [0.0], []
    for t in range(len(sequence)):
        value, write, show = sequence[t].tolist()
        new = {1: memory[-1] + value, 0: memory[-1], -1: 0.0}[int(write)]
        memory.append(new)
        output.append(new * show)
    return memory[1:], output
""",
    "sigmoid-answer": """
import math

def one_sigmoid(number):
    if number < 0:
        return 1 - one_sigmoid(-number)
    return 1 / (1 + math.exp(-number))

def sigmoid(z):
    return np.array([one_sigmoid(float(n)) for n in z.ravel()]).reshape(z.shape)
""",
    "lstm-step-answer": """
def lstm_step(x, h, c, W, U, b):
    N, H = h.shape
    new_h, new_c = [], []
    for n in range(N):
        z = [
            sum(x[n, d] * W[d, k] for d in range(x.shape[1]))
            + sum(h[n, j] * U[j, k] for j in range(H))
            + b[k]
            for k in range(4 * H)
        ]
        row_h, row_c = [], []
        for j in range(H):
            i, f, o = sigmoid(np.array([z[j], z[H + j], z[3 * H + j]]))
            cell = f * c[n, j] + i * np.tanh(z[2 * H + j])
            row_c.append(cell)
            row_h.append(o * np.tanh(cell))
        new_h.append(row_h)
        new_c.append(row_c)
    return new_h, new_c
""",
    "lstm-forward-answer": """
def lstm_forward(x, h, c, W, U, b):
    y = []
    for t in range(x.shape[0]):
        h, c = lstm_step(x[t], np.array(h), np.array(c), W, U, b)
        y += [h]
    return y, [h, c]
""",
    "lstm-parameter-count-answer": """
def lstm_parameter_count(input_size, hidden_size):
    count = 0
    for block in "ifgo":
        for unit in range(hidden_size):
            count += input_size + hidden_size + 1
    return count
""",
    "counter-unit-answer": """
def counter_unit():
    W = [[20.0, 0.0, 0.0, 0.0], [20.0, 0.0, 0.0, 0.0]]
    return W, [[0.0, 0.0, 0.0, 0.0]], [-30.0, 10.0, 10.0, 10.0]
""",
    "latch-unit-answer": """
def latch_unit():
    # Nothing is written while h says that a 1 is there.
    W = [[30, 0, 0, 0], [0, -30, 0, 0]]
    U = [[-40, 0, 0, 0]]
    b = [-15, 15, 15, 15]
    return W, U, b
""",
    "rule-unit-answer": """
def rule_unit():
    W = [[0, 0, 20, 0], [30, 30, 0, 0], [0, 0, 0, 30]]
    return W, [[0, 0, 0, 0]], [-15, 15, 0, -15]
""",
}

EINSUM = {
    "memory-by-rule-answer": """
def memory_by_rule(sequence):
    x1, x2, x3 = sequence.T
    total = np.cumsum(np.where(x2 == 1, x1, 0), dtype=float)
    last = np.maximum.accumulate(np.where(x2 == -1, np.arange(len(x2)), -1))
    memory = total - np.where(last < 0, 0.0, total[last])
    return memory, np.einsum("t,t->t", memory, x3)
""",
    "sigmoid-answer": """
def sigmoid(z):
    small = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + small), small / (1 + small))
""",
    "lstm-step-answer": """
def lstm_step(x, h, c, W, U, b):
    N, H = h.shape
    z = np.einsum("nd,dk->nk", x, W) + np.einsum("nj,jk->nk", h, U)
    i, f, g, o = np.moveaxis((z + b).reshape(N, 4, H), 1, 0)
    squash = {"gate": sigmoid, "value": np.tanh}
    cell = np.einsum("nh,nh->nh", squash["gate"](f), c)
    cell = cell + np.einsum("nh,nh->nh", squash["gate"](i), squash["value"](g))
    return np.stack([squash["gate"](o) * squash["value"](cell), cell])
""",
    "lstm-forward-answer": """
def lstm_forward(x, h, c, W, U, b):
    T, N, H = len(x), *h.shape
    states = np.zeros((T + 1, 2, N, H))
    states[0] = h, c
    for t in range(T):
        states[t + 1] = lstm_step(x[t], *states[t], W, U, b)
    return states[1:, 0], tuple(states[-1])
""",
    "lstm-parameter-count-answer": """
def lstm_parameter_count(input_size, hidden_size):
    D, H = input_size, hidden_size
    return int(np.prod([4, H, D]) + np.prod([4, H, H]) + np.prod([4, H]))
""",
    "counter-unit-answer": """
def counter_unit():
    # A product: x1 opens the input gate, and the candidate offers x2.
    x1, x2 = np.eye(2)
    i, f, g, o = np.eye(4)
    W = np.einsum("d,k->dk", x1, 20 * i) + np.einsum("d,k->dk", x2, 50 * g)
    return W, np.zeros((1, 4)), -10 * i + 20 * f
""",
    "latch-unit-answer": """
def latch_unit():
    # The input gate stands open; the candidate offers what x1 says.
    x1, x2 = np.eye(2)
    i, f, g, o = np.eye(4)
    W = np.einsum("d,k->dk", x1 + x2, -40 * f) + np.einsum("d,k->dk", x1, 10 * g)
    return W, np.zeros((1, 4)), 20 * i + 20 * f
""",
    "rule-unit-answer": """
def rule_unit():
    x1, x2, x3 = np.eye(3)
    i, f, g, o = np.eye(4)
    W = np.einsum("d,k->dk", x2, 1000 * (i + f))
    W = W + np.einsum("d,k->dk", x1, 1000 * g) + np.einsum("d,k->dk", x3, 1000 * o)
    return W, np.zeros((1, 4)), 500 * (f - i - o)
""",
}

FLOAT32 = {
    "memory-by-rule-answer": """
def memory_by_rule(sequence):
    table = np.zeros((len(sequence), 2), dtype=np.float32)
    held = np.float32(0)
    for row, (x1, x2, x3) in zip(table, sequence.astype(np.float32)):
        held = (x2 != -1) * held + (x2 == 1) * x1
        row[:] = held, held if x3 == 1 else 0
    return table[:, 0], table[:, 1]
""",
    "sigmoid-answer": """
def sigmoid(z):
    z = np.clip(z, -80, 80).astype(np.float32)
    return 1 / (1 + np.exp(-z))
""",
    "lstm-step-answer": """
def lstm_step(x, h, c, W, U, b):
    x, h, c, W, U, b = (np.asarray(a, dtype=np.float32) for a in (x, h, c, W, U, b))
    z = np.hstack([h, x]) @ np.vstack([U, W]) + b
    H = h.shape[1]
    gates = sigmoid(z)
    c = gates[:, H:2*H] * c + gates[:, :H] * np.tanh(z[:, 2*H:3*H])
    return (gates[:, 3*H:] * np.tanh(c)).astype(np.float32), c.astype(np.float32)
""",
    "lstm-forward-answer": """
def lstm_forward(x, h, c, W, U, b):
    y = np.empty((len(x),) + h.shape, dtype=np.float32)
    for t, x_t in enumerate(x.astype(np.float32)):
        y[t], c = h, c = lstm_step(x_t, h, c, W, U, b)
    return y, (h, c)
""",
    "lstm-parameter-count-answer": """
def lstm_parameter_count(input_size, hidden_size):
    W = np.empty((input_size, 4 * hidden_size), dtype=np.float32)
    U = np.empty((hidden_size, 4 * hidden_size), dtype=np.float32)
    b = np.empty(4 * hidden_size, dtype=np.float32)
    return W.size + U.size + b.size
""",
    "counter-unit-answer": """
def counter_unit():
    # Smallest sums that are safe: 10 and -10.
    W = np.zeros((2, 4), dtype=np.float32)
    W[:, 0] = 20
    return W, np.zeros((1, 4), np.float32), np.array([-30, 10, 10, 0], np.float32)
""",
    "latch-unit-answer": """
def latch_unit():
    # The memory is in h: c is written anew at every step, 1 if h says so.
    W = np.zeros((2, 4), dtype=np.float32)
    U = np.zeros((1, 4), dtype=np.float32)
    b = np.array([-20, -20, 20, 20], dtype=np.float32)
    W[:, 0] = 40, -80
    U[0, 0] = 60
    return W, U, b
""",
    "rule-unit-answer": """
def rule_unit():
    # Smallest sums that are safe: 10 and -10.
    W = np.zeros((3, 4), dtype=np.float32)
    W[1, 0] = W[1, 1] = W[2, 3] = 20
    W[0, 2] = 10
    return W, np.zeros((1, 4), np.float32), np.array([-10, 10, 0, -10], np.float32)
""",
}

HELPERS = {
    "memory-by-rule-answer": """
def held_at(sequence):
    if len(sequence) == 0:
        return 0.0
    x1, x2, _ = sequence[-1]
    if x2 < 0:
        return 0.0
    return held_at(sequence[:-1]) + x1 * x2

def memory_by_rule(sequence):
    ends = range(1, len(sequence) + 1)
    memory = np.array([held_at(sequence[:end]) for end in ends])
    shown = sequence[:, 2] == 1
    output = np.zeros(len(memory))
    output[shown] = memory[shown]
    return memory, output
""",
    "sigmoid-answer": """
def sigmoid(z):
    return np.exp(-np.logaddexp(0, -z))
""",
    "lstm-step-answer": """
def total(block, x, h, W, U, b):
    H = h.shape[1]
    columns = slice(block * H, (block + 1) * H)
    return np.dot(x, W[:, columns]) + np.dot(h, U[:, columns]) + b[columns]

def lstm_step(x, h, c, W, U, b):
    weights = x, h, W, U, b
    keep, write, show = (sigmoid(total(block, *weights)) for block in (1, 0, 3))
    c = c.copy()
    c *= keep
    c += write * np.tanh(total(2, *weights))
    return [show * np.tanh(c), c]
""",
    "lstm-forward-answer": """
def lstm_forward(x, h, c, W, U, b):
    if len(x) == 0:
        return np.empty((0,) + h.shape), (h, c)
    first, rest = x[0], x[1:]
    h, c = lstm_step(first, h, c, W, U, b)
    y, last = lstm_forward(rest, h, c, W, U, b)
    return np.concatenate([np.asarray(h)[None], y]), last
""",
    "lstm-parameter-count-answer": """
def size(rows, columns):
    return rows * columns

def lstm_parameter_count(input_size, hidden_size):
    columns = 4 * hidden_size
    return sum(size(rows, columns) for rows in (input_size, hidden_size, 1)) * 1.0
""",
    "counter-unit-answer": """
def columns(inputs, **gates):
    W, b = np.zeros((inputs, 4)), np.zeros(4)
    for name, (*weights, bias) in gates.items():
        W[:, "ifgo".index(name)] = weights
        b["ifgo".index(name)] = bias
    return W, np.zeros((1, 4)), b

def counter_unit():
    # Both signals open the forget gate further; the candidate is 1 at both.
    return columns(2, i=(400, 400, -600), f=(5, 5, 50), g=(20, 20, 0))
""",
    "latch-unit-answer": """
def latch_unit():
    # The candidate is 1 for a set and -1 else; the input gate opens for a set only.
    return columns(2, i=(90, -30, -45), f=(-90, -70, 30), g=(40, 0, -20), o=(0, 0, -9))
""",
    "rule-unit-answer": """
def rule_unit():
    gates = {"i": (0, 60, 0, -20), "f": (0, 25, 0, 12), "o": (0, 0, 40, -25)}
    return columns(3, g=(12, 0, 0, 0), **gates)
""",
}

TABLES = {
    "memory-by-rule-answer": """
def memory_by_rule(sequence):
    # memory = M @ written, where M[t, s] is 1 if s is not after t nor cleared by t.
    x1, x2, x3 = sequence[:, 0], sequence[:, 1], sequence[:, 2]
    clears = np.cumsum(x2 == -1)
    M = np.tril(clears[:, None] == clears[None, :])
    memory = M @ np.where(x2 == 1, x1, 0.0)
    return memory, np.where(x3 > 0, memory, 0)
""",
    "sigmoid-answer": """
@np.vectorize
def sigmoid(z):
    return 0.5 + 0.5 * np.tanh(z / 2)
""",
    "lstm-step-answer": """
def lstm_step(x, h, c, W, U, b):
    # Half the gates' columns: then one tanh serves all four blocks.
    half = np.repeat([0.5, 0.5, 1.0, 0.5], h.shape[1])
    t = np.tanh((x @ W + h @ U + b) * half)
    i, f, g, o = np.hsplit(t, 4)
    c = ((1 + f) * c + (1 + i) * g) / 2
    return (1 + o) / 2 * np.tanh(c), c
""",
    "lstm-forward-answer": """
def states(x, h, c, W, U, b):
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        yield h, c

def lstm_forward(*arguments):
    hs, cs = zip(*states(*arguments))
    return np.array(hs), np.array([hs[-1], cs[-1]])
""",
    "lstm-parameter-count-answer": """
lstm_parameter_count = lambda input_size, hidden_size: np.int64(
    4 * hidden_size * (input_size + 1) + (2 * hidden_size) ** 2
)
""",
    "counter-unit-answer": """
def counter_unit():
    # x2 opens the input gate; the candidate offers 1 at x1 = 1 and 0 at x1 = 0.
    W = np.array([[0, 0, 30, 0], [2000, 0, 0, 0]], dtype=int)
    return W, np.zeros((1, 4), dtype=int), np.array([-1000, 1000, 0, -1000])
""",
    "latch-unit-answer": """
def latch_unit():
    # Set only from empty, and drop the old value when cleared; infinitely open gates.
    W = np.array([[1e4, 0, 0, 0], [0, -1e4, 0, 0]])
    U = np.array([[-2e4, 0, 0, 0]])
    return W, U, np.array([-5e3, 5e3, np.inf, np.inf])
""",
    "rule-unit-answer": """
def rule_unit():
    signal = {"i": "x2", "f": "x2", "g": "x1", "o": "x3"}
    bias = {"i": -50, "f": 50, "g": 0, "o": -50}
    W = [[100 * (signal[gate] == x) for gate in "ifgo"] for x in ("x1", "x2", "x3")]
    return W, [[0] * 4], list(bias.values())
""",
}

STYLES = {
    "loops": LOOPS,
    "einsum": EINSUM,
    "float32": FLOAT32,
    "helpers": HELPERS,
    "tables": TABLES,
}

# ---- wrong -----------------------------------------------------------------------

STEP = """
def right_step(x, h, c, W, U, b):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c

def lstm_step(x, h, c, W, U, b):
"""
FORWARD = """
def right_forward(x, h, c, W, U, b):
    y = []
    for x_t in x:
        h, c = lstm_step(x_t, h, c, W, U, b)
        y.append(h)
    return np.stack(y), (h, c)

def lstm_forward(x, h, c, W, U, b):
"""
RULE = """
def by_rule(sequence):
    memory = [0.0]
    for x1, x2, _ in sequence:
        memory.append(0.0 if x2 == -1 else memory[-1] + x1 * (x2 == 1))
    memory = np.array(memory[1:])
    return memory, memory * sequence[:, 2]

def memory_by_rule(sequence):
"""

MUTANTS = {
    "memory-of-whole-numbers": (
        "memory-by-rule-answer",
        RULE + "    return [part.astype(int) for part in by_rule(sequence)]",
    ),
    "memory-never-negative": (
        "memory-by-rule-answer",
        RULE + "    return [np.maximum(part, 0) for part in by_rule(sequence)]",
    ),
    "memory-cleared-only-when-shown": (
        "memory-by-rule-answer",
        """
def memory_by_rule(sequence):
    held, memory, output = 0.0, [], []
    for x1, x2, x3 in sequence:
        if x2 == 1:
            held += x1
        elif x2 == -1 and x3 == 1:
            held = 0.0
        memory.append(held)
        output.append(held if x3 == 1 else 0.0)
    return np.array(memory), np.array(output)
""",
    ),
    "memory-of-ten-steps": (
        "memory-by-rule-answer",
        RULE
        + """    memory, output = by_rule(sequence)
    late = np.arange(len(memory)) >= 10
    return np.where(late, 0, memory), np.where(late, 0, output)""",
    ),
    "memory-of-a-table-of-nine-rows": (
        "memory-by-rule-answer",
        RULE + "    return by_rule(sequence[:9])",
    ),
    "sigmoid-of-a-matrix-only": (
        "sigmoid-answer",
        """
def sigmoid(z):
    rows, columns = z.shape
    return 0.5 * np.tanh(z.reshape(rows, columns) / 2) + 0.5
""",
    ),
    "sigmoid-that-makes-a-vector-a-matrix": (
        "sigmoid-answer",
        "def sigmoid(z):\n    return 0.5 * np.tanh(np.atleast_2d(z) / 2) + 0.5",
    ),
    "sigmoid-with-math-exp": (
        "sigmoid-answer",
        """
import math

def sigmoid(z):
    return np.array([1 / (1 + math.exp(-n)) for n in z.ravel()]).reshape(z.shape)
""",
    ),
    "sigmoid-in-straight-lines": (
        "sigmoid-answer",
        "def sigmoid(z):\n    return np.clip(z / 4 + 0.5, 0, 1)",
    ),
    "sigmoid-turned-to-half-precision": (
        "sigmoid-answer",
        "def sigmoid(z):\n    return (0.5 * np.tanh(z / 2) + 0.5).astype(np.float16)",
    ),
    "step-for-many-examples": (
        "lstm-step-answer",
        STEP
        + """    h, c = right_step(x, h, c, W, U, b)
    return h.squeeze(), c.squeeze()""",
    ),
    "step-for-one-example": (
        "lstm-step-answer",
        STEP + "    return right_step(x, h, c.mean(axis=0) + 0 * c, W, U, b)",
    ),
    "step-with-clipped-sums": (
        "lstm-step-answer",
        STEP
        + """    i, f, g, o = np.split(np.clip(x @ W + h @ U + b, -1, 1), 4, axis=1)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c""",
    ),
    "step-with-a-clipped-memory": (
        "lstm-step-answer",
        STEP
        + """    h, c = right_step(x, h, c, W, U, b)
    return h, np.clip(c, -1, 1)""",
    ),
    "step-in-place": (
        "lstm-step-answer",
        STEP
        + """    h, c[...] = right_step(x, h, c, W, U, b)
    return h, c""",
    ),
    "forward-of-ten-steps": (
        "lstm-forward-answer",
        FORWARD + "    return right_forward(x[:10], h, c, W, U, b)",
    ),
    "forward-of-many-examples": (
        "lstm-forward-answer",
        FORWARD
        + """    y, state = right_forward(x, h, c, W, U, b)
    return y.squeeze(), state""",
    ),
    "forward-that-skips-the-first-step": (
        "lstm-forward-answer",
        FORWARD
        + """    y, state = right_forward(x[1:], h, c, W, U, b)
    return np.concatenate([h[None], y]), state""",
    ),
    "forward-in-one-buffer": (
        "lstm-forward-answer",
        FORWARD
        + """    y, state = [], np.zeros((2, *h.shape))
    for x_t in x:
        h, c = state[...] = lstm_step(x_t, h, c, W, U, b)
        y.append(state[0])
    return np.stack(y), (h, c)""",
    ),
    "count-for-a-small-layer": (
        "lstm-parameter-count-answer",
        """
def lstm_parameter_count(input_size, hidden_size):
    return 4 * hidden_size * (input_size + min(hidden_size, 4) + 1)
""",
    ),
    "count-of-numbers-and-names": (
        "lstm-parameter-count-answer",
        """
def lstm_parameter_count(input_size, hidden_size):
    return 4 * hidden_size * (input_size + hidden_size + 1) + 3
""",
    ),
    "counter-that-leaks": (
        "counter-unit-answer",
        """
def counter_unit():
    W = np.zeros((2, 4))
    W[:, 0] = 8
    return W, np.zeros((1, 4)), np.array([-12.0, 4, 4, 4])
""",
    ),
    "counter-that-leaks-in-the-long-run": (
        "counter-unit-answer",
        """
def counter_unit():
    W = np.zeros((2, 4))
    W[:, 0] = 20
    return W, np.zeros((1, 4)), np.array([-30.0, 5, 10, 10])
""",
    ),
    "counter-of-at-most-two": (
        "counter-unit-answer",
        """
def counter_unit():
    W, U = np.zeros((2, 4)), np.zeros((1, 4))
    W[:, 0], U[0, 0] = 200, -210
    return W, U, np.array([-300.0, 50, 50, 50])
""",
    ),
    "counter-that-is-a-vector": (
        "counter-unit-answer",
        """
def counter_unit():
    return [[20, 0, 0, 0], [20, 0, 0, 0]], [0, 0, 0, 0], [-30, 10, 10, 10]
""",
    ),
    "latch-that-leaks": (
        "latch-unit-answer",
        """
def latch_unit():
    W = np.array([[8.0, -8, 0, 0], [0, -8, 0, 0]])
    return W, np.zeros((1, 4)), np.array([-4.0, 4, 4, 4])
""",
    ),
    "latch-that-leaks-in-the-long-run": (
        "latch-unit-answer",
        """
def latch_unit():
    W = np.array([[20.0, -20, 0, 0], [0, -20, 0, 0]])
    return W, np.zeros((1, 4)), np.array([-10.0, 5, 10, 10])
""",
    ),
    "latch-set-by-a-clear": (
        "latch-unit-answer",
        """
def latch_unit():
    W = np.array([[20.0, 0, 0, 0], [20, -20, 0, 0]])
    return W, np.array([[-40.0, 0, 0, 0]]), np.array([-10.0, 10, 10, 10])
""",
    ),
    "latch-that-reads-a-closed-h": (
        "latch-unit-answer",
        """
def latch_unit():
    W = np.array([[20.0, 0, 0, 0], [0, -20, 0, 0]])
    return W, np.array([[-40.0, 0, 0, 0]]), np.array([-10.0, 10, 10, -10])
""",
    ),
    "rule-that-leaks": (
        "rule-unit-answer",
        """
def rule_unit():
    W = np.array([[0, 0, 4.0, 0], [8, 8, 0, 0], [0, 0, 0, 8]])
    return W, np.zeros((1, 4)), np.array([-4.0, 4, 0, -4])
""",
    ),
    "rule-of-the-chapter": (
        "rule-unit-answer",
        """
def rule_unit():
    W = np.array([[0, 0, 0.1, 0], [100, 100, 0, 0], [0, 0, 0, 100]])
    return W, np.zeros((1, 4)), np.array([-10.0, 10, 0, -10])
""",
    ),
    "rule-that-offers-what-was-shown": (
        "rule-unit-answer",
        """
def rule_unit():
    W = np.array([[0, 0, 10.0, 0], [20, 20, 0, 0], [0, 0, 0, 20]])
    return W, np.array([[0, 0, 5.0, 0]]), np.array([-10.0, 10, 0, -10])
""",
    ),
    "rule-that-offers-x3": (
        "rule-unit-answer",
        """
def rule_unit():
    W = np.array([[0, 0, 10.0, 0], [20, 20, 0, 0], [0, 0, 5, 20]])
    return W, np.zeros((1, 4)), np.array([-10.0, 10, 0, -10])
""",
    ),
}
