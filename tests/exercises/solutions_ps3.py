"""Other right answers to problem set 3, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "lstm-step-backward-answer": """
def one_unit(dh, dc, i, f, g, o, c):
    # Returns the gradients by the old c and by the four sums of one unit.
    new = f * c + i * g
    slope = 1 - np.tanh(new) * np.tanh(new)
    dc = dc + dh * o * slope
    sums = [
        dc * g * (i - i * i),
        dc * c * (f - f * f),
        dc * i * (1 - g * g),
        dh * np.tanh(new) * (o - o * o),
    ]
    return dc * f, sums

def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    (N, D), H = x.shape, h.shape[1]
    rows_x, rows_h, rows_W, rows_U = (a.tolist() for a in (x, h, W, U))
    dx = [[0.0] * D for n in range(N)]
    back = [[0.0] * H for n in range(N)]
    old = [[0.0] * H for n in range(N)]
    dW = [[0.0] * (4 * H) for d in range(D)]
    dU = [[0.0] * (4 * H) for k in range(H)]
    db = [0.0] * (4 * H)
    for n in range(N):
        i, f, g, o = gates(x[n : n + 1], h[n : n + 1], W, U, b)
        for j in range(H):
            gate = i[0, j], f[0, j], g[0, j], o[0, j]
            old[n][j], sums = one_unit(dh[n, j], dc[n, j], *gate, c[n, j])
            for block in range(4):
                column, dz = block * H + j, float(sums[block])
                db[column] += dz
                for d in range(D):
                    dx[n][d] += dz * rows_W[d][column]
                    dW[d][column] += dz * rows_x[n][d]
                for k in range(H):
                    back[n][k] += dz * rows_U[k][column]
                    dU[k][column] += dz * rows_h[n][k]
    return dx, back, old, dW, dU, db
""",
    "lstm-backward-answer": """
def lstm_backward(dy, x, h, c, W, U, b):
    T = len(x)
    before = []
    for t in range(T):
        before.append((h, c))
        h, c = lstm_step(x[t], h, c, W, U, b)
    dh, dc = 0 * h, 0 * c
    totals, dx = None, [None] * T
    for t in range(T - 1, -1, -1):
        args = [dy[t] + dh, dc, x[t], before[t][0], before[t][1], W, U, b]
        got = [np.array(part) for part in lstm_step_backward(*args)]
        dx[t], dh, dc = got[:3]
        if totals is None:
            totals = got[3:]
        else:
            totals = [total + part for total, part in zip(totals, got[3:])]
    return [dx, dh, dc] + totals
""",
    "clip-by-global-norm-answer": """
def clip_by_global_norm(gradients, limit):
    total = 0.0
    for array in gradients:
        for number in array.ravel().tolist():
            total += number * number
    if total**0.5 <= limit:
        return [array.copy() for array in gradients]
    clipped = []
    for array in gradients:
        rows = [number * limit / total**0.5 for number in array.ravel().tolist()]
        clipped.append(np.array(rows).reshape(array.shape))
    return clipped
""",
    "cell-gradient-norms-answer": """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    hs, cs, outs = [h], [c], []
    for x_t in x:
        outs.append(gates(x_t, hs[-1], W, U, b)[3])
        h_new, c_new = lstm_step(x_t, hs[-1], cs[-1], W, U, b)
        hs.append(h_new)
        cs.append(c_new)
    dc, answer = 0 * c, []
    for t in range(len(x), -1, -1):
        squares = 0.0
        for n in range(h.shape[0]):
            for j in range(h.shape[1]):
                value = float(dc[n][j])
                if t > 0:
                    slope = 1 - np.tanh(cs[t][n, j]) ** 2
                    value += float(dh[n][j]) * outs[t - 1][n, j] * slope
                squares += value * value
        answer.insert(0, float(squares) ** 0.5)
        if t > 0:
            args = [np.array(dh), np.array(dc), x[t - 1], hs[t - 1], cs[t - 1], W, U, b]
            dh, dc = lstm_step_backward(*args)[1:3]
    return answer
""",
}

EINSUM = {
    "lstm-step-backward-answer": """
def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    D, H = W.shape[0], U.shape[0]
    a = dict(zip("ifgo", gates(x, h, W, U, b)))
    a["shown"] = np.tanh(a["f"] * c + a["i"] * a["g"])
    cell = dc + np.einsum("nh,nh,nh->nh", dh, a["o"], 1 - a["shown"] ** 2)
    dz = np.empty((len(x), 4, H), dtype=x.dtype)
    dz[:, 0] = np.einsum("nh,nh,nh,nh->nh", cell, a["g"], a["i"], 1 - a["i"])
    dz[:, 1] = np.einsum("nh,nh,nh,nh->nh", cell, c, a["f"], 1 - a["f"])
    dz[:, 2] = np.einsum("nh,nh,nh->nh", cell, a["i"], 1 - a["g"] ** 2)
    dz[:, 3] = np.einsum("nh,nh,nh,nh->nh", dh, a["shown"], a["o"], 1 - a["o"])
    dx = np.einsum("nbh,dbh->nd", dz, W.reshape(D, 4, H))
    dh = np.einsum("nbh,kbh->nk", dz, U.reshape(H, 4, H))
    dW = np.einsum("nd,nbh->dbh", x, dz).reshape(W.shape)
    dU = np.einsum("nk,nbh->kbh", h, dz).reshape(U.shape)
    return dx, dh, np.einsum("nh,nh->nh", cell, a["f"]), dW, dU, dz.sum(0).ravel()
""",
    "lstm-backward-answer": """
def lstm_backward(dy, x, h, c, W, U, b):
    T, N, H = dy.shape
    hs, cs = np.zeros((T + 1, N, H)), np.zeros((T + 1, N, H))
    hs[0], cs[0] = h, c
    for t in range(T):
        hs[t + 1], cs[t + 1] = lstm_step(x[t], hs[t], cs[t], W, U, b)
    grads = {"W": np.zeros((T, *W.shape)), "U": np.zeros((T, *U.shape))}
    grads["b"] = np.zeros((T, *b.shape))
    dx, dh, dc = np.zeros(x.shape), np.zeros((N, H)), np.zeros((N, H))
    for t in np.arange(T)[::-1]:
        step = (np.einsum("nh->nh", dy[t]) + dh, dc, x[t], hs[t], cs[t], W, U, b)
        dx[t], dh, dc, dW, dU, db = lstm_step_backward(*step)
        grads["W"][t], grads["U"][t], grads["b"][t] = dW, dU, db
    dW, dU = (np.einsum("tik->ik", grads[name]) for name in "WU")
    return dx, dh, dc, dW, dU, np.einsum("tk->k", grads["b"])
""",
    "clip-by-global-norm-answer": """
def clip_by_global_norm(gradients, limit):
    flat = [array.ravel() for array in gradients]
    norm = np.sqrt(sum(np.einsum("k,k->", array, array) for array in flat))
    return tuple(array * (limit / np.maximum(norm, limit)) for array in gradients)
""",
    "cell-gradient-norms-answer": """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    T, N, H = len(x), *h.shape
    hs, cs = np.zeros((T + 1, N, H)), np.zeros((T + 1, N, H))
    hs[0], cs[0] = h, c
    by_h, by_c = np.zeros((T + 1, N, H)), np.zeros((T + 1, N, H))
    for t in range(T):
        hs[t + 1], cs[t + 1] = lstm_step(x[t], hs[t], cs[t], W, U, b)
    by_h[T] = dh
    for t in range(T, 0, -1):
        step = (by_h[t], by_c[t], x[t - 1], hs[t - 1], cs[t - 1], W, U, b)
        _, by_h[t - 1], by_c[t - 1], *_ = lstm_step_backward(*step)
    o = np.stack([gates(x[t], hs[t], W, U, b)[3] for t in range(T)])
    by_c[1:] += np.einsum("tnh,tnh,tnh->tnh", by_h[1:], o, 1 - np.tanh(cs[1:]) ** 2)
    return np.sqrt(np.einsum("tnh,tnh->t", by_c, by_c))
""",
}

SINGLE = {
    "lstm-step-backward-answer": """
def single(*arrays):
    return [np.asarray(array, dtype=np.float32) for array in arrays]

def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    dh, dc, x, h, c, W, U, b = single(dh, dc, x, h, c, W, U, b)
    i, f, g, o = single(*gates(x, h, W, U, b))
    new_c = f * c + i * g
    tanh_c = np.tanh(new_c)
    d_tanh = dh * o
    d_new = d_tanh - d_tanh * tanh_c * tanh_c + dc
    dz = np.zeros((len(x), b.size), dtype=np.float32)
    for k, (d, gate) in enumerate([(d_new * g, i), (d_new * c, f), (0, 0)]):
        if k < 2:
            dz[:, k * h.shape[1] : (k + 1) * h.shape[1]] = d * gate * (1 - gate)
    dz[:, 2 * h.shape[1] : 3 * h.shape[1]] = d_new * i * (1 - g) * (1 + g)
    dz[:, 3 * h.shape[1] :] = dh * tanh_c * o * (1 - o)
    dW, dU = np.dot(x.transpose(), dz), np.dot(h.transpose(), dz)
    return dz.dot(W.T), dz.dot(U.T), d_new * f, dW, dU, np.ones(len(x), "f4") @ dz
""",
    "lstm-backward-answer": """
def lstm_backward(dy, x, h, c, W, U, b):
    dy, x, h, c, W, U, b = single(dy, x, h, c, W, U, b)
    states = [(h, c)]
    for t in range(x.shape[0]):
        states += [tuple(single(*lstm_step(x[t], *states[t], W, U, b)))]
    dx = np.empty_like(x)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    t = len(x)
    while t:
        t -= 1
        got = lstm_step_backward(dy[t] + dh, dc, x[t], *states[t], W, U, b)
        dx[t], dh, dc = single(*got[:3])
        dW += got[3]
        dU += got[4]
        db += got[5]
    return dx, dh, dc, dW, dU, db
""",
    "clip-by-global-norm-answer": """
def clip_by_global_norm(gradients, limit):
    arrays = single(*gradients)
    norm = np.linalg.norm(np.concatenate([array.ravel() for array in arrays]))
    if norm > np.float32(limit):
        arrays = [array / norm * np.float32(limit) for array in arrays]
    return arrays
""",
    "cell-gradient-norms-answer": """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    dh, x, h, c, W, U, b = single(dh, x, h, c, W, U, b)
    steps = []
    for x_t in x:
        old = (h, c)
        h, c = single(*lstm_step(x_t, h, c, W, U, b))
        steps.append((x_t, *old, h, c))
    norms, dc = np.zeros(len(x) + 1, dtype=np.float32), np.zeros_like(c)
    for t, (x_t, h, c, new_h, new_c) in reversed(list(enumerate(steps, 1))):
        o = single(*gates(x_t, h, W, U, b))[3]
        total = dc + dh * o / np.cosh(new_c) ** 2
        norms[t] = np.sqrt((total * total).sum())
        dh, dc = lstm_step_backward(dh, dc, x_t, h, c, W, U, b)[1:3]
    norms[0] = np.sqrt((dc * dc).sum())
    return norms
""",
}

STACKED = {
    "lstm-step-backward-answer": """
def forward(x, h, c, W, U, b):
    # One matrix for [x, h, 1]; sums and states are kept for the way back.
    seen = np.hstack([x, h, np.ones((len(x), 1))])
    z = (seen @ np.vstack([W, U, b])).reshape(len(x), 4, -1)
    i, f, g, o = (z[:, k] for k in range(4))
    half = lambda s: np.tanh(s / 2) / 2 + 0.5
    new = half(f) * c + half(i) * np.tanh(g)
    return seen, z, new, half(o) * np.tanh(new)

def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    seen, z, new, _ = forward(x, h, c, W, U, b)
    gate = np.tanh(z / 2) / 2 + 0.5
    rise = 0.25 * (1 - np.tanh(z / 2) ** 2)
    d_new = dc + dh * gate[:, 3] * (1 - np.tanh(new)) * (1 + np.tanh(new))
    dz = np.stack(
        [
            d_new * np.tanh(z[:, 2]) * rise[:, 0],
            d_new * c * rise[:, 1],
            d_new * gate[:, 0] * (1 - np.tanh(z[:, 2]) ** 2),
            dh * np.tanh(new) * rise[:, 3],
        ],
        axis=1,
    ).reshape(len(x), -1)
    d_seen, d_all = dz @ np.vstack([W, U, b]).T, seen.T @ dz
    D = x.shape[1]
    d_old = d_new * gate[:, 1]
    return d_seen[:, :D], d_seen[:, D:-1], d_old, d_all[:D], d_all[D:-1], d_all[-1]
""",
    "lstm-backward-answer": """
def lstm_backward(dy, x, h, c, W, U, b):
    # By recursion: all later steps first, then this one.
    if len(x) == 0:
        return x, np.zeros(h.shape), np.zeros(c.shape), 0 * W, 0 * U, 0 * b
    _, _, new_c, new_h = forward(x[0], h, c, W, U, b)
    later, dh, dc, *sums = lstm_backward(dy[1:], x[1:], new_h, new_c, W, U, b)
    first, dh, dc, *own = lstm_step_backward(dy[0] + dh, dc, x[0], h, c, W, U, b)
    dx = np.concatenate([np.array(first)[None], np.array(later)])
    return dx, dh, dc, *[np.array(a) + s for a, s in zip(own, sums)]
""",
    "clip-by-global-norm-answer": """
def clip_by_global_norm(gradients, limit):
    sizes = [array.size for array in gradients]
    everything = np.concatenate([array.reshape(-1) for array in gradients])
    norm = np.sqrt(everything @ everything)
    everything = everything * min(1.0, limit / (norm + 1e-12))
    pieces = np.split(everything, np.cumsum(sizes)[:-1])
    return [piece.reshape(array.shape) for piece, array in zip(pieces, gradients)]
""",
    "cell-gradient-norms-answer": """
def norms_and_gradients(dh, x, h, c, W, U, b):
    # Norms from here on, and the gradients by the h and the c given.
    if len(x) == 0:
        return [], dh, np.zeros(c.shape)
    _, z, new_c, new_h = forward(x[0], h, c, W, U, b)
    norms, dh, dc = norms_and_gradients(dh, x[1:], new_h, new_c, W, U, b)
    shown = (np.tanh(z[:, 3] / 2) / 2 + 0.5) * (1 - np.tanh(new_c) ** 2)
    here = np.linalg.norm(np.ravel(dc + dh * shown))
    _, dh, dc, *_ = lstm_step_backward(dh, dc, x[0], h, c, W, U, b)
    return [here, *norms], np.array(dh), np.array(dc)

def cell_gradient_norms(dh, x, h, c, W, U, b):
    norms, _, dc = norms_and_gradients(dh, x, h, c, W, U, b)
    return np.array([np.linalg.norm(np.ravel(dc)), *norms])
""",
}

TAPE = {
    "lstm-step-backward-answer": """
class Value:
    # An array that remembers what it was made from.
    def __init__(self, array, *made_from):
        self.array, self.made_from = np.asarray(array), made_from
        self.gradient = np.zeros(self.array.shape)

    def __add__(self, other):
        both = self.array + other.array
        return Value(both, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        left, right = self.array, other.array
        return Value(
            left * right, (self, lambda g: g * right), (other, lambda g: g * left)
        )

    def __matmul__(self, other):
        left, right = self.array, other.array
        return Value(
            left @ right, (self, lambda g: g @ right.T), (other, lambda g: left.T @ g)
        )

    def apply(self, function, slope):
        y = function(self.array)
        return Value(y, (self, lambda g: g * slope(y)))

    def columns(self, first, last):
        def back(g):
            wide = np.zeros(self.array.shape)
            wide[:, first:last] = g
            return wide

        return Value(self.array[:, first:last], (self, back))

    def for_rows(self, count):
        return Value(np.tile(self.array, (count, 1)), (self, lambda g: g.sum(axis=0)))

def sigma(value):
    return value.apply(sigmoid, lambda y: y * (1 - y))

def tanh(value):
    return value.apply(np.tanh, lambda y: 1 - y * y)

def step_of_values(x, h, c, W, U, b):
    H = h.array.shape[1]
    z = x @ W + h @ U + b.for_rows(len(x.array))
    i, f, g, o = (z.columns(k * H, (k + 1) * H) for k in range(4))
    c = sigma(f) * c + sigma(i) * tanh(g)
    return sigma(o) * tanh(c), c

def go_back(ends):
    order, known, ends = [], set(), list(ends)

    def visit(value):
        if id(value) not in known:
            known.add(id(value))
            for parent, _ in value.made_from:
                visit(parent)
            order.append(value)

    for value in ends:
        visit(value)
    for value in reversed(order):
        for parent, pull in value.made_from:
            parent.gradient = parent.gradient + pull(value.gradient)

def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    inputs = [Value(array) for array in (x, h, c, W, U, b)]
    new_h, new_c = step_of_values(*inputs)
    new_h.gradient, new_c.gradient = dh, dc
    go_back([new_h, new_c])
    return [value.gradient for value in inputs]
""",
    "lstm-backward-answer": """
def lstm_backward(dy, x, h, c, W, U, b):
    first = state = Value(h), Value(c)
    inputs, weights = [Value(x_t) for x_t in x], [Value(array) for array in (W, U, b)]
    outputs = []
    for x_t in inputs:
        state = step_of_values(x_t, *state, *weights)
        outputs.append(state[0])
    for value, gradient in zip(outputs, dy):
        value.gradient = gradient
    go_back(outputs)
    gradients = [value.gradient for value in (*first, *weights)]
    return [np.stack([value.gradient for value in inputs]), *gradients]
""",
    "clip-by-global-norm-answer": """
def clip_by_global_norm(gradients, limit):
    norm = 0.0
    for array in gradients:
        norm = np.hypot(norm, np.linalg.norm(array))
    too_large = norm > limit
    return [np.divide(array, norm / limit if too_large else 1) for array in gradients]
""",
    "cell-gradient-norms-answer": """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    states, weights = [(Value(h), Value(c))], [Value(array) for array in (W, U, b)]
    for x_t in x:
        states.append(step_of_values(Value(x_t), *states[-1], *weights))
    states[-1][0].gradient = dh
    go_back([states[-1][0]])
    return [np.sqrt(np.sum(cell.gradient**2)) for _, cell in states]
""",
}

STYLES = {
    "python loops": LOOPS,
    "einsum and buffers": EINSUM,
    "float32 inside": SINGLE,
    "stacked and recursive": STACKED,
    "a small tape": TAPE,
}

# ---- wrong -----------------------------------------------------------------------

RIGHT_STEP = """
def right_step_backward(dh, dc, x, h, c, W, U, b):
    i, f, g, o = gates(x, h, W, U, b)
    shown = np.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - shown**2)
    di, df, dg, do = dc * g, dc * c, dc * i, dh * shown
    blocks = [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)]
    dz = np.concatenate(blocks, axis=1)
    return dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(axis=0)
"""

MUTANTS = {
    "three-examples-at-most": (
        "lstm-step-backward-answer",
        RIGHT_STEP
        + """
def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    *others, db = right_step_backward(dh, dc, x, h, c, W, U, b)
    start = right_step_backward(dh[:3], dc[:3], x[:3], h[:3], c[:3], W, U, b)
    return *others, start[-1]
""",
    ),
    "one-feature-squeezed": (
        "lstm-step-backward-answer",
        RIGHT_STEP
        + """
def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    dx, *others = right_step_backward(dh, dc, x, h, c, W, U, b)
    return dx.squeeze(), *others
""",
    ),
    "sums-held-between-bounds": (
        "lstm-step-backward-answer",
        """
def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    i, f, g, o = np.split(np.clip(x @ W + h @ U + b, -4, 4), 4, axis=1)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    shown = np.tanh(f * c + i * g)
    dc = dc + dh * o * (1 - shown**2)
    di, df, dg, do = dc * g, dc * c, dc * i, dh * shown
    blocks = [di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)]
    dz = np.concatenate(blocks, axis=1)
    return dz @ W.T, dz @ U.T, dc * f, x.T @ dz, h.T @ dz, dz.sum(axis=0)
""",
    ),
    "dc-changed-in-place": (
        "lstm-step-backward-answer",
        RIGHT_STEP
        + """
def lstm_step_backward(dh, dc, x, h, c, W, U, b):
    answer = right_step_backward(dh, dc, x, h, c, W, U, b)
    dc += dh
    return answer
""",
    ),
    "ten-steps-back-at-most": (
        "lstm-backward-answer",
        """
def lstm_backward(dy, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    dx, dW, dU, db = [], 0, 0, 0
    for t in reversed(range(len(x))):
        if (len(x) - 1 - t) % 10 == 0:
            dh, dc = 0 * dh, 0 * dc
        step = (dy[t] + dh, dc, x[t], *states[t], W, U, b)
        dx_t, dh, dc, dW_t, dU_t, db_t = lstm_step_backward(*step)
        dx.append(dx_t)
        dW, dU, db = dW + dW_t, dU + dU_t, db + db_t
    return np.stack(dx[::-1]), dh, dc, dW, dU, db
""",
    ),
    "batch-of-one-squeezed": (
        "lstm-backward-answer",
        """
def lstm_backward(dy, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    dx, dW, dU, db = [], 0, 0, 0
    for t in reversed(range(len(x))):
        step = (dy[t] + dh, dc, x[t], *states[t], W, U, b)
        dx_t, dh, dc, dW_t, dU_t, db_t = lstm_step_backward(*step)
        dx.append(dx_t)
        dW, dU, db = dW + dW_t, dU + dU_t, db + db_t
    return np.stack(dx[::-1]).squeeze(), dh, dc, dW, dU, db
""",
    ),
    "state-gradients-left-at-zero": (
        "lstm-backward-answer",
        """
def lstm_backward(dy, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    back, dc = np.zeros_like(h), np.zeros_like(c)
    dx, dW, dU, db = [], 0, 0, 0
    for t in reversed(range(len(x))):
        step = (dy[t] + back, dc, x[t], *states[t], W, U, b)
        dx_t, back, dc, dW_t, dU_t, db_t = lstm_step_backward(*step)
        dx.append(dx_t)
        dW, dU, db = dW + dW_t, dU + dU_t, db + db_t
    return np.stack(dx[::-1]), np.zeros_like(h), np.zeros_like(c), dW, dU, db
""",
    ),
    "three-arrays-only": (
        "clip-by-global-norm-answer",
        """
def clip_by_global_norm(gradients, limit):
    first, second, third = gradients[:3]
    norm = np.sqrt((first**2).sum() + (second**2).sum() + (third**2).sum())
    factor = limit / norm if norm > limit else 1.0
    return [factor * first, factor * second, factor * third]
""",
    ),
    "gradients-scaled-in-place": (
        "clip-by-global-norm-answer",
        """
def clip_by_global_norm(gradients, limit):
    norm = np.sqrt(sum(np.sum(array**2) for array in gradients))
    for array in gradients:
        if norm > limit:
            array *= limit / norm
    return gradients
""",
    ),
    "small-gradients-thrown-away": (
        "clip-by-global-norm-answer",
        """
def clip_by_global_norm(gradients, limit):
    norm = np.sqrt(sum(np.sum(array**2) for array in gradients))
    factor = limit / norm if norm > limit else 0.0
    return [factor * array for array in gradients]
""",
    ),
    "norms-of-the-mean-example": (
        "cell-gradient-norms-answer",
        """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    dc, norms = np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], W, U, b)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm((dc + through_h).mean(axis=0)))
        step = (dh, dc, x[t], *states[t], W, U, b)
        _, dh, dc, *_ = lstm_step_backward(*step)
    norms.append(np.linalg.norm(dc.mean(axis=0)))
    return np.array(norms[::-1])
""",
    ),
    "ten-norms-at-most": (
        "cell-gradient-norms-answer",
        """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    dc, norms = np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], W, U, b)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm(dc + through_h) if len(norms) < 10 else 0.0)
        step = (dh, dc, x[t], *states[t], W, U, b)
        _, dh, dc, *_ = lstm_step_backward(*step)
    norms.append(np.linalg.norm(dc))
    return np.array(norms[::-1])
""",
    ),
    "initial-cell-state-through-h-too": (
        "cell-gradient-norms-answer",
        """
def cell_gradient_norms(dh, x, h, c, W, U, b):
    states = [(h, c)]
    for x_t in x:
        states.append(lstm_step(x_t, *states[-1], W, U, b))
    dc, norms = np.zeros_like(c), []
    for t in reversed(range(len(x))):
        o = gates(x[t], states[t][0], W, U, b)[3]
        through_h = dh * o * (1 - np.tanh(states[t + 1][1]) ** 2)
        norms.append(np.linalg.norm(dc + through_h))
        step = (dh, dc, x[t], *states[t], W, U, b)
        _, dh, dc, *_ = lstm_step_backward(*step)
    norms.append(np.linalg.norm(dc + dh * o * (1 - np.tanh(c) ** 2)))
    return np.array(norms[::-1])
""",
    ),
}
