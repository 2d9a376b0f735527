"""Other right answers to problem set 4, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "peephole-step-answer": """
import math

def gate(total):
    return 0.5 + 0.5 * math.tanh(total / 2)

def total(x, h, W, U, b, n, k):
    from_x = sum(x[n, d] * W[d, k] for d in range(len(W)))
    return from_x + sum(h[n, j] * U[j, k] for j in range(len(U))) + b[k]

def peephole_step(x, h, c, W, U, b, p):
    N, H = h.shape
    new_h, new_c = np.zeros((N, H)), np.zeros((N, H))
    for n in range(N):
        for j in range(H):
            z = [total(x, h, W, U, b, n, block * H + j) for block in range(4)]
            i = gate(z[0] + p[0, j] * c[n, j])
            f = gate(z[1] + p[1, j] * c[n, j])
            new_c[n, j] = f * c[n, j] + i * math.tanh(z[2])
            o = gate(z[3] + p[2, j] * new_c[n, j])
            new_h[n, j] = o * math.tanh(new_c[n, j])
    return new_h, new_c
""",
    "coupled-step-answer": """
def coupled_step(x, h, c, W, U, b):
    N, H = h.shape
    new_h, new_c = [], []
    for n in range(N):
        z = [
            sum(x[n, d] * W[d, k] for d in range(x.shape[1]))
            + sum(h[n, j] * U[j, k] for j in range(H))
            + b[k]
            for k in range(3 * H)
        ]
        keep = [sigmoid(number) for number in z[:H]]
        offer = [np.tanh(number) for number in z[H : 2 * H]]
        show = [sigmoid(number) for number in z[2 * H :]]
        row = [k * old + (1 - k) * new for k, old, new in zip(keep, c[n], offer)]
        new_c.append(row)
        new_h.append([s * np.tanh(number) for s, number in zip(show, row)])
    return new_h, new_c
""",
    "gru-step-answer": """
def gru_step(x, h, W, U, b):
    N, H = h.shape
    answer = np.empty((N, H))
    for n in range(N):
        gates = []
        for k in range(2 * H):
            total = b[k]
            for d in range(x.shape[1]):
                total = total + x[n, d] * W[d, k]
            for j in range(H):
                total = total + h[n, j] * U[j, k]
            gates.append(float(sigmoid(total)))
        r, z = gates[:H], gates[H:]
        for j in range(H):
            column = 2 * H + j
            total = b[column]
            for d in range(x.shape[1]):
                total = total + x[n, d] * W[d, column]
            for k in range(H):
                total = total + r[k] * h[n, k] * U[k, column]
            answer[n, j] = (1 - z[j]) * np.tanh(total) + z[j] * h[n, j]
    return answer
""",
    "gru-step-after-answer": """
def gru_step_after(x, h, W, U, b, bn):
    H = len(bn)
    rows = []
    for x_n, h_n in zip(x, h):
        row = []
        for j in range(H):
            of_x = [sum(x_n * W[:, k * H + j]) + b[k * H + j] for k in range(3)]
            of_h = [sum(h_n * U[:, k * H + j]) for k in range(3)]
            r, z = sigmoid(of_x[0] + of_h[0]), sigmoid(of_x[1] + of_h[1])
            n = np.tanh(of_x[2] + r * (of_h[2] + bn[j]))
            row.append(n - z * n + z * h_n[j])
        rows.append(row)
    return rows
""",
    "gru-convention-answer": """
def gru_convention(W, U, b):
    H = U.shape[0]
    new_W, new_U, new_b = W.copy(), U.copy(), b.copy()
    for k in range(H, 2 * H):
        for d in range(W.shape[0]):
            new_W[d, k] = -W[d, k]
        for j in range(H):
            new_U[j, k] = -U[j, k]
        new_b[k] = -b[k]
    return new_W, new_U, new_b
""",
    "reverse-within-lengths-answer": """
def reverse_within_lengths(x, lengths):
    T, N, D = x.shape
    turned = [[None] * N for t in range(T)]
    for n in range(N):
        for t in range(T):
            source = lengths[n] - 1 - t if t < lengths[n] else t
            turned[t][n] = x[source, n].tolist()
    return turned
""",
    "bidirectional-forward-answer": """
def states_of_one(steps, weights):
    W, U, b = weights
    h, states = np.zeros(len(b)), []
    for step in steps:
        h = np.tanh(step @ W + h @ U + b)
        states.append(h)
    return states

def bidirectional_forward(x, lengths, forward, backward):
    T, N, _ = x.shape
    H = len(forward[2])
    y = np.zeros((T, N, 2 * H))
    for n in range(N):
        steps = x[: lengths[n], n]
        ahead = states_of_one(steps, forward)
        back = states_of_one(steps[::-1], backward)
        for t in range(lengths[n]):
            y[t, n, :H] = ahead[t]
            y[t, n, H:] = back[lengths[n] - 1 - t]
    return y
""",
    "stacked-forward-answer": """
def stacked_forward(x, h, layers):
    T, L = len(x), len(layers)
    now = [h[l] for l in range(L)]
    y = []
    for t in range(T):
        handed_up = x[t]
        for l in range(L):
            W, U, b = layers[l]
            now[l] = gru_step(handed_up, now[l], W, U, b)
            handed_up = now[l]
        y.append(handed_up)
    return y, now
""",
}

EINSUM = {
    "peephole-step-answer": """
def peephole_step(x, h, c, W, U, b, p):
    N, H = h.shape
    z = np.einsum("nd,dk->nk", x, W) + np.einsum("nj,jk->nk", h, U) + b
    i, f, g, o = np.moveaxis(z.reshape(N, 4, H), 1, 0)
    seen = np.einsum("kh,nh->knh", p[:2], c)
    i, f = sigmoid(np.stack([i, f]) + seen)
    new = np.einsum("nh,nh->nh", f, c) + np.einsum("nh,nh->nh", i, np.tanh(g))
    o = sigmoid(o + np.einsum("h,nh->nh", p[2], new))
    return np.stack([o * np.tanh(new), new])
""",
    "coupled-step-answer": """
def coupled_step(x, h, c, W, U, b):
    N, H = h.shape
    W, U, b = W.reshape(-1, 3, H), U.reshape(H, 3, H), b.reshape(3, 1, H)
    z = np.einsum("nd,dkh->knh", x, W) + np.einsum("nj,jkh->knh", h, U) + b
    f, o = sigmoid(z[[0, 2]])
    values = np.stack([c, np.tanh(z[1])])
    new = np.einsum("knh,knh->nh", np.stack([f, 1 - f]), values)
    return [o * np.tanh(new), new]
""",
    "gru-step-answer": """
def gru_step(x, h, W, U, b):
    N, H = h.shape
    of_x = np.einsum("nd,dkh->knh", x, W.reshape(-1, 3, H)) + b.reshape(3, 1, H)
    cube = U.reshape(H, 3, H)
    r, z = sigmoid(of_x[:2] + np.einsum("nj,jkh->knh", h, cube[:, :2]))
    n = np.tanh(of_x[2] + np.einsum("nj,nj,jh->nh", r, h, cube[:, 2]))
    return np.einsum("knh,knh->nh", np.stack([1 - z, z]), np.stack([n, h]))
""",
    "gru-step-after-answer": """
def gru_step_after(x, h, W, U, b, bn):
    H = h.shape[1]
    of_x = np.einsum("nd,dkh->knh", x, W.reshape(-1, 3, H)) + b.reshape(3, 1, H)
    of_h = np.einsum("nj,jkh->knh", h, U.reshape(H, 3, H))
    r, z = sigmoid(of_x[:2] + of_h[:2])
    n = np.tanh(of_x[2] + np.einsum("nh,nh->nh", r, of_h[2] + bn))
    return np.einsum("nh,nh->nh", 1 - z, n) + np.einsum("nh,nh->nh", z, h)
""",
    "gru-convention-answer": """
def gru_convention(W, U, b):
    signs = np.array([1.0, -1.0, 1.0])

    def changed(array):
        blocks = array.reshape(-1, 3, len(U))
        return np.einsum("k,akh->akh", signs, blocks).reshape(array.shape)

    return [changed(array) for array in (W, U, b)]
""",
    "reverse-within-lengths-answer": """
def reverse_within_lengths(x, lengths):
    T = len(x)
    t = np.arange(T)[:, None]
    source = np.where(t < lengths, lengths - 1 - t, t)
    moves = (source[:, :, None] == np.arange(T)).astype(x.dtype)
    return np.einsum("tns,snd->tnd", moves, x)
""",
    "bidirectional-forward-answer": """
def bidirectional_forward(x, lengths, forward, backward):
    t = np.arange(len(x))
    turned = np.asarray(reverse_within_lengths(x, lengths))
    back = np.asarray(reverse_within_lengths(read(turned, backward), lengths))
    within = (t[:, None] < np.asarray(lengths)).astype(float)
    both = np.stack([read(x, forward), back], axis=2)
    y = np.einsum("tn,tnkh->tnkh", within, both)
    return y.reshape(*y.shape[:2], -1)
""",
    "stacked-forward-answer": """
def stacked_forward(x, h, layers):
    T, (L, N, H) = len(x), h.shape
    states = np.zeros((T + 1, L, N, H))
    states[0] = h
    for t in range(T):
        inputs = x[t]
        for l, layer in enumerate(layers):
            states[t + 1, l] = gru_step(inputs, states[t, l], *layer)
            inputs = states[t + 1, l]
    return states[1:, -1], states[-1]
""",
}

# Other formulas for the same: mixtures as steps towards a goal, matrices joined.
OTHER_ALGEBRA = {
    "peephole-step-answer": """
def peephole_step(x, h, c, W, U, b, p):
    H = h.shape[1]
    zero = np.zeros((H, H))
    early = np.hstack([np.diag(p[0]), np.diag(p[1]), zero, zero])
    z = np.hstack([x, h, c]) @ np.vstack([W, U, early]) + b
    write, keep = sigmoid(z[:, :H]), sigmoid(z[:, H : 2 * H])
    memory = keep * c + write * np.tanh(z[:, 2 * H : 3 * H])
    show = sigmoid(z[:, 3 * H :] + memory @ np.diag(p[2]))
    return show * np.tanh(memory), memory
""",
    "coupled-step-answer": """
def coupled_step(x, h, c, W, U, b):
    H = c.shape[1]
    z = np.concatenate([h, x], axis=1) @ np.concatenate([U, W]) + b
    candidate = np.tanh(z[:, H:-H])
    c = candidate + (c - candidate) / (1 + np.exp(-z[:, :H]))
    return np.tanh(c) / (1 + np.exp(-z[:, -H:])), c
""",
    "gru-step-answer": """
def gru_step(x, h, W, U, b):
    H = h.shape[1]
    opened = sigmoid(np.hstack([x, h]) @ np.vstack([W, U])[:, : 2 * H] + b[: 2 * H])
    reset, keep = opened[:, :H], opened[:, H:]
    last = np.vstack([W, U])[:, 2 * H :]
    new = np.tanh(np.hstack([x, reset * h]) @ last + b[2 * H :])
    return new + keep * (h - new)
""",
    "gru-step-after-answer": """
def gru_step_after(x, h, W, U, b, bn):
    H = h.shape[1]
    second = np.concatenate([np.zeros(2 * H), bn])
    of_x, of_h = x @ W + b, h @ U + second
    gates = 1 / (1 + np.exp(-(of_x + of_h)[:, : 2 * H]))
    new = np.tanh(of_x[:, 2 * H :] + gates[:, :H] * of_h[:, 2 * H :])
    return h + (1 - gates[:, H:]) * (new - h)
""",
    "gru-convention-answer": """
def gru_convention(W, U, b):
    H = b.size // 3
    change = np.diag(np.repeat([1, -1, 1], H))
    return W @ change, U @ change, b @ change
""",
    "reverse-within-lengths-answer": """
def reverse_within_lengths(x, lengths):
    T, N, _ = x.shape
    t, n = np.mgrid[:T, :N]
    late = t >= lengths
    return x[late * t + ~late * (lengths - 1 - t), n]
""",
    "bidirectional-forward-answer": """
def bidirectional_forward(x, lengths, forward, backward):
    T, N, _ = x.shape
    H = len(forward[1])
    y = np.zeros((T, N, 2 * H))
    W, U, b = forward
    h = np.zeros((N, H))
    for t in range(T):
        h = np.tanh(x[t] @ W + h @ U + b) * (t < lengths)[:, None]
        y[t, :, :H] = h
    W, U, b = backward
    h = np.zeros((N, H))
    for t in range(T - 1, -1, -1):  # stays at zero until the sequence's own end
        h = np.tanh(x[t] @ W + h @ U + b) * (t < lengths)[:, None]
        y[t, :, H:] = h
    return y
""",
    "stacked-forward-answer": """
def stacked_forward(x, h, layers):
    if not layers:
        return x, []
    ahead = [h[0]]
    for x_t in x:
        ahead.append(gru_step(x_t, ahead[-1], *layers[0]))
    y, others = stacked_forward(np.array(ahead[1:]), h[1:], layers[1:])
    return y, [ahead[-1], *others]
""",
}

# In float32, and what is returned is lists and tuples.
SINGLE = {
    "peephole-step-answer": """
def as_single(*arrays):
    return [np.asarray(array, dtype=np.float32) for array in arrays]

def peephole_step(x, h, c, W, U, b, p):
    x, h, c, W, U, b, p = as_single(x, h, c, W, U, b, p)
    z = dict(zip("ifgo", np.split(x @ W + h @ U + b, 4, axis=-1)))
    peep = dict(zip("ifo", p))
    new = sigmoid(z["f"] + peep["f"] * c) * c
    new = new + sigmoid(z["i"] + peep["i"] * c) * np.tanh(z["g"])
    return (sigmoid(z["o"] + peep["o"] * new) * np.tanh(new)).tolist(), new.tolist()
""",
    "coupled-step-answer": """
def coupled_step(x, h, c, W, U, b):
    x, h, c, W, U, b = (array.astype("float32") for array in (x, h, c, W, U, b))
    f, g, o = (
        x @ W_k + h @ U_k + b_k
        for W_k, U_k, b_k in zip(np.hsplit(W, 3), np.hsplit(U, 3), np.split(b, 3))
    )
    new = sigmoid(f) * c + sigmoid(-f) * np.tanh(g)
    return tuple(map(list, (sigmoid(o) * np.tanh(new), new)))
""",
    "gru-step-answer": """
def gru_step(x, h, W, U, b):
    x, h, W, U, b = (np.float32(array) for array in (x, h, W, U, b))
    H = h.shape[-1]
    r, z, n = (slice(k * H, (k + 1) * H) for k in range(3))
    reset = sigmoid(x @ W[:, r] + h @ U[:, r] + b[r])
    update = sigmoid(x @ W[:, z] + h @ U[:, z] + b[z])
    new = np.tanh(x @ W[:, n] + np.matmul(np.multiply(reset, h), U[:, n]) + b[n])
    return np.multiply(update, h) + np.multiply(1 - update, new)
""",
    "gru-step-after-answer": """
def gru_step_after(x, h, W, U, b, bn):
    x, h, W, U, b, bn = (np.float32(array) for array in (x, h, W, U, b, bn))
    Wr, Wz, Wn = np.hsplit(W, 3)
    Ur, Uz, Un = np.hsplit(U, 3)
    br, bz, bx = np.split(b, 3)
    r = sigmoid(x @ Wr + h @ Ur + br)
    z = sigmoid(x @ Wz + h @ Uz + bz)
    n = np.tanh(x @ Wn + bx + r * (h @ Un) + r * bn)
    return ((1 - z) * n + z * h).tolist()
""",
    "gru-convention-answer": """
def gru_convention(W, U, b):
    def changed(array):
        r, z, n = np.split(np.float32(array), 3, axis=-1)
        return np.concatenate([r, -z, n], axis=-1).tolist()

    return list(map(changed, [W, U, b]))
""",
    "reverse-within-lengths-answer": """
def reverse_within_lengths(x, lengths):
    columns = []
    for steps, length in zip(np.swapaxes(x, 0, 1), lengths):
        order = [*range(length)][::-1] + [*range(length, len(steps))]
        columns.append(np.take(steps, order, axis=0).astype("float32"))
    return np.stack(columns, axis=1)
""",
    "bidirectional-forward-answer": """
def bidirectional_forward(x, lengths, forward, backward):
    x = np.float32(x)
    t = np.arange(len(x)).reshape(-1, 1, 1)
    ahead = read(x, [np.float32(array) for array in forward])
    turned = np.array(reverse_within_lengths(x, lengths), dtype="float32")
    back = read(turned, [np.float32(array) for array in backward])
    back = np.array(reverse_within_lengths(back, lengths))
    y = np.concatenate((ahead, back), axis=-1)
    return np.where(t < np.reshape(lengths, (1, -1, 1)), y, 0).tolist()
""",
    "stacked-forward-answer": """
def one_layer(inputs, state, weights):
    outputs = []
    for row in inputs:
        state = np.array(gru_step(row, state, *weights), dtype="float32")
        outputs += [state]
    return outputs

def stacked_forward(x, h, layers):
    every = [list(x)]
    for k in range(len(layers)):
        every.append(one_layer(every[k], np.float32(h[k]), layers[k]))
    return [every[-1], [outputs[-1] for outputs in every[1:]]]
""",
}

STYLES = {
    "loops": LOOPS,
    "einsum": EINSUM,
    "other algebra": OTHER_ALGEBRA,
    "float32 and lists": SINGLE,
}

# ---- wrong -----------------------------------------------------------------------

RIGHT_PEEPHOLE = """
def right_step(x, h, c, W, U, b, p):
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    new = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g)
    return sigmoid(o + p[2] * new) * np.tanh(new), new
"""
RIGHT_GRU = """
def right_gru(x, h, W, U, b):
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    Ur, Uz, Un = np.split(U, 3, axis=1)
    r, z = sigmoid(xr + h @ Ur), sigmoid(xz + h @ Uz)
    return (1 - z) * np.tanh(xn + (r * h) @ Un) + z * h
"""
RIGHT_STACK = """
def right_stack(x, h, layers):
    y, ends = x, []
    for state, layer in zip(h, layers):
        states = []
        for y_t in y:
            state = gru_step(y_t, state, *layer)
            states.append(state)
        y = np.stack(states)
        ends.append(state)
    return y, np.stack(ends)
"""

MUTANTS = {
    "peephole-sums-held-between-bounds": (
        "peephole-step-answer",
        """
def peephole_step(x, h, c, W, U, b, p):
    i, f, g, o = np.split(np.clip(x @ W + h @ U + b, -3, 3), 4, axis=1)
    new = sigmoid(f + p[1] * c) * c + sigmoid(i + p[0] * c) * np.tanh(g)
    return sigmoid(o + p[2] * new) * np.tanh(new), new
""",
    ),
    "peephole-cell-state-changed-in-place": (
        "peephole-step-answer",
        RIGHT_PEEPHOLE
        + """
def peephole_step(x, h, c, W, U, b, p):
    new_h, c[:] = right_step(x, h, c, W, U, b, p)
    return new_h, c
""",
    ),
    "peepholes-of-the-first-unit-for-all": (
        "peephole-step-answer",
        RIGHT_PEEPHOLE
        + """
def peephole_step(x, h, c, W, U, b, p):
    return right_step(x, h, c, W, U, b, p[:, :1])
""",
    ),
    "coupled-gate-all-or-nothing": (
        "coupled-step-answer",
        """
def coupled_step(x, h, c, W, U, b):
    f, g, o = np.split(x @ W + h @ U + b, 3, axis=1)
    new = np.where(f > 0, c, np.tanh(g))
    return sigmoid(o) * np.tanh(new), new
""",
    ),
    "coupled-cell-state-changed-in-place": (
        "coupled-step-answer",
        """
def coupled_step(x, h, c, W, U, b):
    f, g, o = np.split(x @ W + h @ U + b, 3, axis=1)
    c *= sigmoid(f)
    c += sigmoid(-f) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c
""",
    ),
    "gru-of-three-examples-at-most": (
        "gru-step-answer",
        RIGHT_GRU
        + """
def gru_step(x, h, W, U, b):
    answer = right_gru(x, h, W, U, b)
    answer[3:] = 0.5 * answer[3:] + 0.5 * h[3:]
    return answer
""",
    ),
    "gru-sums-held-between-bounds": (
        "gru-step-answer",
        """
def gru_step(x, h, W, U, b):
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    Ur, Uz, Un = np.split(U, 3, axis=1)
    r, z = sigmoid(np.clip([xr + h @ Ur, xz + h @ Uz], -1, 1))
    return (1 - z) * np.tanh(xn + (r * h) @ Un) + z * h
""",
    ),
    "second-bias-emptied": (
        "gru-step-after-answer",
        """
def gru_step_after(x, h, W, U, b, bn):
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    hr, hz, hn = np.split(h @ U, 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    hn += bn
    bn -= bn
    return (1 - z) * np.tanh(xn + r * hn) + z * h
""",
    ),
    "second-bias-in-the-gates-too": (
        "gru-step-after-answer",
        """
def gru_step_after(x, h, W, U, b, bn):
    xr, xz, xn = np.split(x @ W + b, 3, axis=1)
    hr, hz, hn = np.split(h @ U + np.tile(bn, 3), 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    return (1 - z) * np.tanh(xn + r * hn) + z * h
""",
    ),
    "weights-changed-in-place": (
        "gru-convention-answer",
        """
def gru_convention(W, U, b):
    H = len(U)
    for array in (W, U, b):
        array[..., H : 2 * H] *= -1
    return W, U, b
""",
    ),
    "update-gate-half-open": (
        "gru-convention-answer",
        """
def gru_convention(W, U, b):
    keep = np.repeat([1, 0, 1], len(U))
    return W * keep, U * keep, b * keep
""",
    ),
    "two-units-negated": (
        "gru-convention-answer",
        """
def gru_convention(W, U, b):
    sign = np.ones(3 * len(U))
    sign[len(U) : len(U) + 2] = -1
    return W * sign, U * sign, b * sign
""",
    ),
    "sequences-turned-in-place": (
        "reverse-within-lengths-answer",
        """
def reverse_within_lengths(x, lengths):
    for n, length in enumerate(lengths):
        x[:length, n] = x[:length, n][::-1].copy()
    return x
""",
    ),
    "three-steps-turned-at-most": (
        "reverse-within-lengths-answer",
        """
def reverse_within_lengths(x, lengths):
    turned = x.copy()
    for n, length in enumerate(np.minimum(lengths, 3)):
        turned[:length, n] = x[:length, n][::-1]
    return turned
""",
    ),
    "padding-cleared-in-place": (
        "bidirectional-forward-answer",
        """
def bidirectional_forward(x, lengths, forward, backward):
    within = (np.arange(len(x))[:, None] < lengths)[:, :, None]
    x *= within
    back = read(reverse_within_lengths(x, lengths), backward)
    back = reverse_within_lengths(back, lengths)
    return np.concatenate([read(x, forward), back], axis=2) * within
""",
    ),
    "last-steps-alone": (
        "bidirectional-forward-answer",
        """
def bidirectional_forward(x, lengths, forward, backward):
    back = read(reverse_within_lengths(x, lengths), backward)
    back = reverse_within_lengths(back, lengths)
    y = np.concatenate([read(x, forward), back], axis=2)
    return y * (np.arange(len(x))[:, None] == lengths - 1)[:, :, None]
""",
    ),
    "backward-state-of-the-next-step": (
        "bidirectional-forward-answer",
        """
def bidirectional_forward(x, lengths, forward, backward):
    within = (np.arange(len(x))[:, None] < lengths)[:, :, None]
    back = read(reverse_within_lengths(x, lengths), backward)
    back = reverse_within_lengths(back, lengths) * within
    back = np.concatenate([back[1:], 0 * back[:1]])
    return np.concatenate([read(x, forward) * within, back], axis=2)
""",
    ),
    "two-layers-at-most": (
        "stacked-forward-answer",
        RIGHT_STACK
        + """
def stacked_forward(x, h, layers):
    y, last = right_stack(x, h[:2], layers[:2])
    return y, np.concatenate([last, h[2:]])
""",
    ),
    "first-states-changed-in-place": (
        "stacked-forward-answer",
        RIGHT_STACK
        + """
def stacked_forward(x, h, layers):
    y, h[...] = right_stack(x, h, layers)
    return y, h
""",
    ),
    "layers-joined-by-tanh": (
        "stacked-forward-answer",
        """
def stacked_forward(x, h, layers):
    y, ends = x, []
    for state, layer in zip(h, layers):
        states = []
        for y_t in np.tanh(y):
            state = gru_step(y_t, state, *layer)
            states.append(state)
        y = np.stack(states)
        ends.append(state)
    return y, np.stack(ends)
""",
    ),
}
