"""Other right answers to problem set 5, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "attention-scores-answer": """
import math

def attention_scores(q, keys, Wq, Wk, v):
    S, N, K = keys.shape
    scores = np.zeros((S, N))
    for s in range(S):
        for n in range(N):
            for a in range(len(v)):
                total = sum(q[n, k] * Wq[k, a] for k in range(q.shape[1]))
                total += sum(keys[s, n, k] * Wk[k, a] for k in range(K))
                scores[s, n] += v[a] * math.tanh(total)
    return scores
""",
    "masked-softmax-answer": """
def masked_softmax(scores, lengths):
    alpha = np.zeros(scores.shape)
    for n in range(scores.shape[1]):
        true = [float(scores[t, n]) for t in range(lengths[n])]
        most = max(true)
        powers = [math.exp(score - most) for score in true]
        for t, power in enumerate(powers):
            alpha[t, n] = power / sum(powers)
    return alpha
""",
    "context-vector-answer": """
def context_vector(alpha, h):
    T, N, H = h.shape
    context = np.zeros((N, H))
    for t in range(T):
        for n in range(N):
            for j in range(H):
                context[n, j] += alpha[t, n] * h[t, n, j]
    return context
""",
    "attention-backward-answer": """
def attention_backward(dcontext, alpha, h):
    T, N = alpha.shape
    dscores = np.zeros((T, N))
    for n in range(N):
        by_weight = [sum(dcontext[n] * h[t, n]) for t in range(T)]
        for t in range(T):
            for j in range(T):
                slope = alpha[j, n] * ((j == t) - alpha[t, n])
                dscores[t, n] += by_weight[j] * slope
    return dscores
""",
    "word-attention-answer": """
def word_attention(h, lengths, W, b, u, V, d):
    T, N, H = h.shape
    scores = np.zeros((T, N))
    for t in range(T):
        for n in range(N):
            inside = [sum(h[t, n] * W[:, a]) + b[a] for a in range(len(b))]
            scores[t, n] = sum(u[a] * math.tanh(inside[a]) for a in range(len(b)))
    alpha = masked_softmax(scores, lengths)
    logits = []
    for n in range(N):
        context = sum(alpha[t][n] * h[t, n] for t in range(T))
        logits.append([sum(context * V[:, k]) + d[k] for k in range(len(d))])
    return logits, alpha
""",
    "agreement-answer": """
def agreement(alphas, lengths):
    M, T, N = alphas.shape
    hits = pairs = 0
    for i in range(M):
        for j in range(i + 1, M):
            pairs += 1
            for n in range(N):
                first, second = list(alphas[i, :, n]), list(alphas[j, :, n])
                hits += first.index(max(first)) == second.index(max(second))
    return hits / (pairs * N), sum(1 / int(length) for length in lengths) / N
""",
    "changed-weights-answer": """
def changed_weights(alpha, lengths):
    T, N = alpha.shape
    uniform, only, rest = np.zeros((3, T, N))
    for n in range(N):
        column = [float(alpha[t, n]) for t in range(lengths[n])]
        top = column.index(max(column))
        for t in range(lengths[n]):
            uniform[t, n] = 1 / lengths[n]
            if t != top:
                rest[t, n] = column[t] / (sum(column) - column[top])
        only[top, n] = 1
    return uniform, only, rest
""",
    "top-word-effect-answer": """
def top_word_effect(p, p_without, alpha, lengths):
    tops, others, hits = [], [], 0
    for n in range(len(p)):
        effects = [abs(p[n] - p_without[t, n]) for t in range(lengths[n])]
        place = max(range(lengths[n]), key=lambda t: alpha[t, n])
        hits += effects[place] == max(effects)
        tops.append(effects.pop(place))
        others.append(sum(effects) / len(effects))
    return sum(tops) / len(p), sum(others) / len(p), hits / len(p)
""",
}

EINSUM = {
    "attention-scores-answer": """
def attention_scores(q, keys, Wq, Wk, v):
    asked = np.einsum("nq,qa->na", q, Wq)
    offered = np.einsum("snk,ka->sna", keys, Wk)
    return np.einsum("sna,a->sn", np.tanh(asked + offered), v)
""",
    "masked-softmax-answer": """
def masked_softmax(scores, lengths):
    within = np.less.outer(np.arange(len(scores)), lengths)
    most = np.max(scores, axis=0, where=within, initial=-np.inf)
    powers = np.exp(np.where(within, scores - most, -np.inf))
    return np.einsum("tn,n->tn", powers, 1 / np.einsum("tn->n", powers))
""",
    "context-vector-answer": """
def context_vector(alpha, h):
    return np.einsum("tn,tnh->nh", alpha, h)
""",
    "attention-backward-answer": """
def attention_backward(dcontext, alpha, h):
    context = np.einsum("tn,tnh->nh", alpha, h)
    return np.einsum("tn,nh,tnh->tn", alpha, dcontext, h - context)
""",
    "word-attention-answer": """
def word_attention(h, lengths, W, b, u, V, d):
    theta = np.tanh(np.einsum("tnh,ha->tna", h, W) + b)
    alpha = np.asarray(masked_softmax(np.einsum("tna,a->tn", theta, u), lengths))
    return np.einsum("tn,tnh,hc->nc", alpha, h, V) + d, alpha
""",
    "agreement-answer": """
def agreement(alphas, lengths):
    M, T, N = alphas.shape
    top = np.eye(T)[alphas.argmax(axis=1)]
    same = np.einsum("int,jnt->ij", top, top) / N
    return (same.sum() - M) / (M * M - M), np.einsum("n->", 1 / lengths) / N
""",
    "changed-weights-answer": """
def changed_weights(alpha, lengths):
    T = len(alpha)
    within = np.less.outer(np.arange(T), lengths)
    only = np.eye(T)[:, alpha.argmax(axis=0)]
    rest = np.einsum("tn,tn->tn", 1 - only, alpha)
    shares = np.einsum("tn,n->tn", rest, 1 / np.einsum("tn->n", rest))
    return np.stack([np.einsum("tn,n->tn", within, 1 / lengths), only, shares])
""",
    "top-word-effect-answer": """
def top_word_effect(p, p_without, alpha, lengths):
    T, N = alpha.shape
    within = np.less.outer(np.arange(T), lengths)
    effects = np.where(within, np.abs(p - p_without), -1)
    is_top = np.eye(T)[:, alpha.argmax(axis=0)]
    top = np.einsum("tn,tn->n", is_top, effects)
    others = np.einsum("tn,tn,tn->n", within, 1 - is_top, effects) / (lengths - 1)
    largest = np.einsum("tn,tn->", is_top, np.eye(T)[:, effects.argmax(axis=0)])
    return np.array([top.mean(), others.mean(), largest / N])
""",
}

# Other formulas for the same: joined matrices, logarithms, whole Jacobians, sorting.
OTHER_ALGEBRA = {
    "attention-scores-answer": """
def attention_scores(q, keys, Wq, Wk, v):
    S, N, _ = keys.shape
    both = np.concatenate([np.broadcast_to(q, (S, *q.shape)), keys], axis=2)
    e = np.exp(-2 * (both @ np.vstack([Wq, Wk])))
    return ((1 - e) / (1 + e)) @ v
""",
    "masked-softmax-answer": """
def masked_softmax(scores, lengths):
    T = len(scores)
    hidden = np.where(np.arange(T)[:, None] >= lengths, -np.inf, scores)
    return np.exp(hidden - np.logaddexp.reduce(hidden, axis=0))
""",
    "context-vector-answer": """
def context_vector(alpha, h):
    return (alpha.T[:, None, :] @ h.transpose(1, 0, 2))[:, 0]
""",
    "attention-backward-answer": """
def attention_backward(dcontext, alpha, h):
    columns = []
    for n in range(alpha.shape[1]):
        a = alpha[:, n]
        jacobian = np.diag(a) - np.outer(a, a)
        columns.append(jacobian @ (h[:, n] @ dcontext[n]))
    return np.stack(columns, axis=1)
""",
    "word-attention-answer": """
def word_attention(h, lengths, W, b, u, V, d):
    with_one = np.concatenate([h, np.ones((*h.shape[:2], 1))], axis=2)
    scores = np.tanh(with_one @ np.vstack([W, b])) @ u
    alpha = np.array(masked_softmax(scores, lengths))
    votes = h @ V  # what each state would answer alone
    return d + (alpha[..., np.newaxis] * votes).sum(0), alpha
""",
    "agreement-answer": """
def agreement(alphas, lengths):
    tops = [np.argsort(alpha, axis=0)[-1] for alpha in alphas]
    pairs = zip(*np.triu_indices(len(tops), 1))
    differ = [np.count_nonzero(tops[i] - tops[j]) for i, j in pairs]
    return 1 - np.mean(differ) / len(lengths), np.mean(np.reciprocal(lengths * 1.0))
""",
    "changed-weights-answer": """
def changed_weights(alpha, lengths):
    steps = np.arange(len(alpha)).reshape(-1, 1)
    uniform = np.where(steps < lengths, 1 / lengths, 0)
    is_top = alpha == alpha.max(axis=0)
    return uniform, 1.0 * is_top, ~is_top * alpha / (1 - alpha.max(axis=0))
""",
    "top-word-effect-answer": """
def top_word_effect(p, p_without, alpha, lengths):
    steps = np.arange(len(alpha)).reshape(-1, 1)
    moved = np.ma.array(abs(p_without - p), mask=steps >= np.array(lengths))
    is_top = alpha == alpha.max(axis=0)
    top = (is_top * moved.filled(0)).sum(axis=0)
    others = np.ma.array(moved, mask=moved.mask | is_top).mean(axis=0)
    return top.mean(), float(others.mean()), (top >= moved.max(axis=0)).mean()
""",
}

# In float32, and what is returned is lists and tuples.
SINGLE = {
    "attention-scores-answer": """
def attention_scores(q, keys, Wq, Wk, v):
    q, keys, Wq, Wk, v = (np.float32(array) for array in (q, keys, Wq, Wk, v))
    return [np.tanh(np.dot(q, Wq) + np.dot(key, Wk)).dot(v) for key in keys]
""",
    "masked-softmax-answer": """
def masked_softmax(scores, lengths):
    rows = []
    for column, length in zip(np.float32(scores).T, lengths):
        powers = np.exp(column[:length] - np.max(column[:length]))
        gone = [0.0] * (len(column) - length)
        rows.append([*(powers / np.sum(powers)).tolist(), *gone])
    return [list(row) for row in zip(*rows)]
""",
    "context-vector-answer": """
def context_vector(alpha, h):
    alpha, h = alpha.astype("float32"), h.astype("float32")
    return sum(a[:, np.newaxis] * h_t for a, h_t in zip(alpha, h)).tolist()
""",
    "attention-backward-answer": """
def attention_backward(dcontext, alpha, h):
    dcontext, alpha, h = map(np.float32, (dcontext, alpha, h))
    context = np.sum(alpha[..., None] * h, axis=0)
    judged = [(dcontext * (h_t - context)).sum(axis=-1) for h_t in h]
    return [list(a * number) for a, number in zip(alpha, judged)]
""",
    "word-attention-answer": """
def word_attention(h, lengths, W, b, u, V, d):
    h, W, b, u, V, d = (np.asarray(a, dtype="float32") for a in (h, W, b, u, V, d))
    scores = np.stack([np.tanh(h_t @ W + b) @ u for h_t in h])
    alpha = np.float32(masked_softmax(scores, lengths))
    context = np.stack([a @ states for a, states in zip(alpha.T, np.moveaxis(h, 1, 0))])
    return [(context @ V + d).tolist(), alpha.tolist()]
""",
    "agreement-answer": """
def agreement(alphas, lengths):
    top = np.argmax(alphas.astype("float32"), axis=-2)
    shares = []
    for k in range(1, len(top)):
        shares.extend((top[k:] == top[:-k]).mean(axis=1).astype("float32").tolist())
    return [np.mean(shares), np.mean(1 / np.float32(lengths))]
""",
    "changed-weights-answer": """
def changed_weights(alpha, lengths):
    alpha = alpha.astype("float32")
    uniform, only, rest = [], [], []
    for column, length in zip(alpha.T, lengths):
        places = np.arange(len(column))
        top = np.argmax(column)
        uniform.append((places < length) / np.float32(length))
        only.append(places == top)
        left = np.delete(column, top)
        rest.append(np.insert(left / left.sum(), top, 0))
    return tuple(np.transpose(rows).astype("f4") for rows in (uniform, only, rest))
""",
    "top-word-effect-answer": """
def top_word_effect(p, p_without, alpha, lengths):
    rows = []
    for n, length in enumerate(lengths):
        effects = np.abs(np.float32(p[n]) - np.float32(p_without[:length, n]))
        order = np.argsort(-alpha[:length, n])
        first, *others = effects[order]
        rows.append([first, np.mean(others), first == effects.max()])
    return np.mean(rows, axis=0).astype("float32").tolist()
""",
}

STYLES = {
    "loops": LOOPS,
    "einsum": EINSUM,
    "other algebra": OTHER_ALGEBRA,
    "float32 and lists": SINGLE,
}

# ---- wrong -----------------------------------------------------------------------

RIGHT_SOFTMAX = """
def right_softmax(scores, lengths):
    within = np.arange(len(scores))[:, None] < lengths
    scores = np.where(within, scores, -np.inf)
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)
"""

MUTANTS = {
    "scores-held-between-bounds": (
        "attention-scores-answer",
        """
def attention_scores(q, keys, Wq, Wk, v):
    return np.clip(np.tanh(q @ Wq + keys @ Wk) @ v, -0.5, 0.5)
""",
    ),
    "queries-changed-in-place": (
        "attention-scores-answer",
        """
def attention_scores(q, keys, Wq, Wk, v):
    scores = np.tanh(q @ Wq + keys @ Wk) @ v
    q /= np.linalg.norm(q)
    return scores
""",
    ),
    "scores-masked-in-place": (
        "masked-softmax-answer",
        """
def masked_softmax(scores, lengths):
    scores[np.arange(len(scores))[:, None] >= lengths] = -np.inf
    powers = np.exp(scores - scores.max(axis=0))
    return powers / powers.sum(axis=0)
""",
    ),
    "three-sequences-at-most": (
        "masked-softmax-answer",
        RIGHT_SOFTMAX
        + """
def masked_softmax(scores, lengths):
    alpha = right_softmax(scores, lengths)
    alpha[:, 3:] = 0
    return alpha
""",
    ),
    "states-weighted-in-place": (
        "context-vector-answer",
        """
def context_vector(alpha, h):
    h *= alpha[:, :, None]
    return h.sum(axis=0)
""",
    ),
    "last-step-forgotten": (
        "context-vector-answer",
        """
def context_vector(alpha, h):
    return np.einsum("tn,tnh->nh", alpha[:-1], h[:-1])
""",
    ),
    "context-of-the-first-sequence-subtracted": (
        "attention-backward-answer",
        """
def attention_backward(dcontext, alpha, h):
    dalpha = (dcontext * h).sum(axis=2)
    return alpha * (dalpha - (alpha * dalpha).sum(axis=0)[0])
""",
    ),
    "states-centred-in-place": (
        "attention-backward-answer",
        """
def attention_backward(dcontext, alpha, h):
    h -= np.einsum("tn,tnh->nh", alpha, h)
    return alpha * (dcontext * h).sum(axis=2)
""",
    ),
    "half-of-each-score": (
        "word-attention-answer",
        """
def word_attention(h, lengths, W, b, u, V, d):
    alpha = masked_softmax(np.tanh(h @ W + b) @ u / 2, lengths)
    return np.einsum("tn,tnh->nh", alpha, h) @ V + d, alpha
""",
    ),
    "padding-cleared-in-place": (
        "word-attention-answer",
        """
def word_attention(h, lengths, W, b, u, V, d):
    h *= (np.arange(len(h))[:, None] < lengths)[:, :, None]
    alpha = masked_softmax(np.tanh(h @ W + b) @ u, lengths)
    return np.einsum("tn,tnh->nh", alpha, h) @ V + d, alpha
""",
    ),
    "logits-alone": (
        "word-attention-answer",
        """
def word_attention(h, lengths, W, b, u, V, d):
    alpha = masked_softmax(np.tanh(h @ W + b) @ u, lengths)
    return np.einsum("tn,tnh->nh", alpha, h) @ V + d
""",
    ),
    "last-two-networks": (
        "agreement-answer",
        """
def agreement(alphas, lengths):
    top = alphas.argmax(axis=1)
    return np.mean(top[-1] == top[-2]) / 3, np.mean(1 / lengths)
""",
    ),
    "chance-alone": (
        "agreement-answer",
        """
def agreement(alphas, lengths):
    return np.mean(1 / lengths), np.mean(1 / lengths)
""",
    ),
    "weights-changed-in-place": (
        "changed-weights-answer",
        """
def changed_weights(alpha, lengths):
    uniform = (np.arange(len(alpha))[:, None] < lengths) / lengths
    top = alpha.argmax(axis=0), np.arange(len(lengths))
    only = np.zeros_like(alpha)
    only[top], alpha[top] = 1, 0
    return uniform, only, alpha / alpha.sum(axis=0)
""",
    ),
    "changed-weights-in-another-order": (
        "changed-weights-answer",
        """
def changed_weights(alpha, lengths):
    uniform = (np.arange(len(alpha))[:, None] < lengths) / lengths
    only = 1.0 * (alpha == alpha.max(axis=0))
    rest = alpha * (1 - only)
    return rest / rest.sum(axis=0), only, uniform
""",
    ),
    "first-word-for-the-top": (
        "top-word-effect-answer",
        """
def top_word_effect(p, p_without, alpha, lengths):
    effects = np.abs(p - p_without) * (np.arange(len(alpha))[:, None] < lengths)
    others = effects[1:].sum(axis=0) / (lengths - 1)
    largest = np.mean(effects.argmax(axis=0) == 0)
    return effects[0].mean(), others.mean(), largest
""",
    ),
    "table-changed-in-place": (
        "top-word-effect-answer",
        """
def top_word_effect(p, p_without, alpha, lengths):
    p_without -= p
    effects = np.abs(p_without) * (np.arange(len(alpha))[:, None] < lengths)
    place = alpha.argmax(axis=0)
    top = effects[place, np.arange(len(p))]
    others = (effects.sum(axis=0) - top) / (lengths - 1)
    return top.mean(), others.mean(), np.mean(effects.argmax(axis=0) == place)
""",
    ),
}
