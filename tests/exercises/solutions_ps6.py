"""Other right answers to problem set 6, and wrong ones that have no name.

STYLES: style -> answer cell -> source; each defines every answer. MUTANTS:
name -> (answer cell, source); the misconception bank holds the others.
"""

# ---- right -----------------------------------------------------------------------

LOOPS = {
    "torch-lstm-shapes-answer": """
def torch_lstm_shapes(
    T, N, input_size, hidden_size,
    num_layers=1, bidirectional=False, batch_first=False, proj_size=0,
):
    if proj_size > 0:
        numbers = proj_size
    else:
        numbers = hidden_size
    rows, columns = num_layers, numbers
    if bidirectional:
        rows, columns = 2 * rows, 2 * columns
    output = [T, N, columns]
    if batch_first:
        output[0], output[1] = output[1], output[0]
    return tuple(output), (rows, N, numbers), (rows, N, hidden_size)
""",
    "keras-lstm-shapes-answer": """
def keras_lstm_shapes(
    N, T, units, return_sequences=False, return_state=False, bidirectional=False
):
    output = [N]
    if return_sequences:
        output.append(T)
    output.append(units * 2 if bidirectional else units)
    shapes = [tuple(output)]
    if return_state:
        for direction in range(2 if bidirectional else 1):
            for state in "hc":
                shapes.append((N, units))
    return shapes
""",
    "torch-parameter-count-answer": """
def torch_parameter_count(
    input_size, hidden_size,
    num_layers=1, bias=True, bidirectional=False, proj_size=0,
):
    said = proj_size if proj_size else hidden_size
    total = 0
    for layer in range(num_layers):
        for direction in range(1 + bidirectional):
            if layer == 0:
                features = input_size
            else:
                features = said * (1 + bidirectional)
            for block in range(4):
                total += hidden_size * features
                total += hidden_size * said
                if bias:
                    total += hidden_size
                    total += hidden_size
            total += proj_size * hidden_size
    return total
""",
    "to-torch-weights-answer": """
def to_torch_weights(W, U, b):
    def turned(array):
        rows = []
        for k in range(array.shape[1]):
            rows.append([array[j, k] for j in range(array.shape[0])])
        return rows

    return turned(W), turned(U), list(b), [0.0] * len(b)
""",
    "from-torch-weights-answer": """
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    kernel = [list(column) for column in zip(*weight_ih)]
    recurrent_kernel = [list(column) for column in zip(*weight_hh)]
    return kernel, recurrent_kernel, [one + two for one, two in zip(bias_ih, bias_hh)]
""",
    "packed-as-keras-answer": """
def packed_as_keras(data, batch_sizes):
    sequences = [[] for n in range(batch_sizes[0])]
    rows = iter(data)
    for running in batch_sizes:
        for n, sequence in enumerate(sequences):
            sequence.append(next(rows) if n < running else sequence[-1])
    return sequences
""",
    "to-batch-first-answer": """
def to_batch_first(x):
    T, N, D = x.shape
    turned = np.empty((N, T, D), x.dtype)
    for t in range(T):
        for n in range(N):
            turned[n, t] = x[t, n]
    return turned
""",
    "in-order-answer": """
def in_order(x, lengths, labels, order):
    new_x, new_lengths, new_labels = [], [], []
    for n in order:
        new_x.append(x[n])
        new_lengths.append(lengths[n])
        new_labels.append(labels[n])
    return np.array(new_x), np.array(new_lengths), np.array(new_labels)
""",
    "read-in-batches-answer": """
def read_in_batches(x, weights, size):
    lstm = nn.LSTM(x.shape[2], weights[1].shape[1], batch_first=True)
    with torch.no_grad():
        for parameter, array in zip(lstm.parameters(), weights):
            parameter.copy_(torch.from_numpy(array))
        return [lstm(torch.from_numpy(row[None]))[0][0].numpy() for row in x]
""",
    "last-states-answer": """
def last_states(output, lengths):
    rows = []
    for n, length in enumerate(lengths):
        rows.append(output[n][length - 1])
    return np.stack(rows)
""",
    "train-steps-answer": """
def train_steps(W, b, h, labels, rate, steps):
    W, b = W.copy(), b.copy()
    for _ in range(steps):
        to_W, to_b = np.zeros_like(W), np.zeros_like(b)
        for state, label in zip(h, labels):
            scores = W @ state + b
            p = np.exp(scores - scores.max())
            p = p / p.sum()
            p[label] -= 1
            to_W += np.outer(p, state) / len(h)
            to_b += p / len(h)
        W -= rate * to_W
        b -= rate * to_b
    return W, b
""",
    "train-and-predict-answer": """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    lstm = nn.LSTM(x.shape[2], weights[1].shape[1])
    lstm.load_state_dict(dict(zip(lstm.state_dict(), map(torch.tensor, weights))))

    def summary(x, n, length):
        with torch.no_grad():
            output, (h, c) = lstm(torch.tensor(x[:length, n]))  # one, not a batch
        return h[0]

    h = torch.stack([summary(x, n, length) for n, length in enumerate(lengths)])
    new = torch.stack([summary(x_new, n, k) for n, k in enumerate(lengths_new)])
    W = torch.zeros(labels.max() + 1, h.shape[1], requires_grad=True)
    for _ in range(60):
        loss = nn.functional.cross_entropy(h @ W.T, torch.tensor(labels))
        (gradient,) = torch.autograd.grad(loss, W)
        W = (W - 4 * gradient).detach().requires_grad_()
    return [int(scores.argmax()) for scores in new @ W.T]
""",
}

# Asks PyTorch itself, and returns tensors.
TENSORS = {
    "torch-lstm-shapes-answer": """
def torch_lstm_shapes(
    T, N, input_size, hidden_size,
    num_layers=1, bidirectional=False, batch_first=False, proj_size=0,
):
    layer = nn.LSTM(
        input_size, hidden_size, num_layers, bidirectional=bidirectional,
        batch_first=batch_first, proj_size=proj_size,
    )
    x = torch.zeros((N, T, input_size) if batch_first else (T, N, input_size))
    output, states = layer(x)
    return output.shape, states[0].shape, states[1].shape
""",
    "keras-lstm-shapes-answer": """
def keras_lstm_shapes(
    N, T, units, return_sequences=False, return_state=False, bidirectional=False
):
    layer = nn.LSTM(1, units, bidirectional=bool(bidirectional), batch_first=True)
    y, (h, c) = layer(torch.zeros(N, T, 1))
    first = y if return_sequences else y[:, -1]
    states = [state for pair in zip(h, c) for state in pair]
    return [tuple(part.shape) for part in [first] + states * bool(return_state)]
""",
    "torch-parameter-count-answer": """
def torch_parameter_count(
    input_size, hidden_size,
    num_layers=1, bias=True, bidirectional=False, proj_size=0,
):
    layer = nn.LSTM(
        input_size, hidden_size, num_layers, bias=bias,
        bidirectional=bidirectional, proj_size=proj_size,
    )
    return sum(parameter.numel() for parameter in layer.parameters())
""",
    "to-torch-weights-answer": """
def to_torch_weights(W, U, b):
    half = torch.tensor(b) / 2
    return torch.tensor(W).T, torch.tensor(U).t().contiguous(), half, half.clone()
""",
    "from-torch-weights-answer": """
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    tensors = map(torch.tensor, (weight_ih, weight_hh, bias_ih, bias_hh))
    w, u, one, two = tensors
    return w.permute(1, 0), u.permute(1, 0), torch.add(one, two)
""",
    "packed-as-keras-answer": """
def packed_as_keras(data, batch_sizes):
    packed = nn.utils.rnn.PackedSequence(torch.tensor(data), torch.tensor(batch_sizes))
    y, lengths = nn.utils.rnn.pad_packed_sequence(packed, batch_first=True)
    steps = torch.arange(y.shape[1])
    held = torch.minimum(steps, lengths[:, None] - 1)
    return y.gather(1, held[:, :, None].expand(y.shape))
""",
    "to-batch-first-answer": """
def to_batch_first(x):
    return torch.tensor(x).permute(1, 0, 2)
""",
    "in-order-answer": """
def in_order(x, lengths, labels, order):
    order, arrays = torch.tensor(order), map(torch.tensor, (x, lengths, labels))
    return [array.index_select(0, order) for array in arrays]
""",
    "read-in-batches-answer": """
def read_in_batches(x, weights, size):
    weights = [torch.tensor(array) for array in weights]
    parts = torch.tensor(x).split(size)
    zeros = torch.zeros(1, size, weights[1].shape[1])
    state = zeros, zeros
    outputs = []
    for part in parts:
        arguments = part, state, weights, True, 1, 0.0, False, False, True
        outputs.append(torch.lstm(*arguments)[0])
    return torch.cat(outputs)
""",
    "last-states-answer": """
def last_states(output, lengths):
    output = torch.as_tensor(output)
    at = torch.as_tensor(lengths)[:, None, None] - 1
    return output.gather(1, at.expand(-1, 1, output.shape[2]))[:, 0]
""",
    "train-steps-answer": """
def train_steps(W, b, h, labels, rate, steps):
    W, b = (torch.tensor(array, requires_grad=True) for array in (W, b))
    h, labels = torch.tensor(h), torch.tensor(labels)
    for _ in range(steps):
        W.grad = b.grad = None
        nn.functional.cross_entropy(h @ W.T + b, labels).backward()
        with torch.no_grad():
            W -= rate * W.grad
            b -= rate * b.grad
    return W, b
""",
    "train-and-predict-answer": """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    order = np.arange(len(labels))[::-1].copy()
    batch, ends, targets = in_order(to_batch_first(x), lengths, labels, order)
    outputs = read_in_batches(np.asarray(batch), weights, 40)
    h = np.asarray(last_states(np.asarray(outputs), np.asarray(ends)))
    W = np.zeros((labels.max() + 1, h.shape[1]), "float32")
    W, b = train_steps(W, W[:, 0], h, np.asarray(targets), 4.0, 60)
    new = read_in_batches(np.asarray(to_batch_first(x_new)), weights, 40)
    new = torch.as_tensor(last_states(np.asarray(new), lengths_new))
    return (new @ torch.as_tensor(W).T + torch.as_tensor(b)).argmax(dim=1)
""",
}

# Other formulas for the same; packed sequences; a layer step by step.
OTHER_ALGEBRA = {
    "torch-lstm-shapes-answer": """
def torch_lstm_shapes(
    T, N, input_size, hidden_size,
    num_layers=1, bidirectional=False, batch_first=False, proj_size=0,
):
    d, R = 1 + bool(bidirectional), proj_size or hidden_size
    axes = sorted([(batch_first, T), (not batch_first, N)])
    states = np.array([num_layers * d, N, hidden_size])
    return [axes[0][1], axes[1][1], d * R], states - [0, 0, hidden_size - R], states
""",
    "keras-lstm-shapes-answer": """
def keras_lstm_shapes(
    N, T, units, return_sequences=False, return_state=False, bidirectional=False
):
    d = 2 ** bool(bidirectional)
    states = ((N, units),) * (d * 2 * return_state)
    return ((N,) + (T,) * return_sequences + (d * units,),) + states
""",
    "torch-parameter-count-answer": """
def torch_parameter_count(
    input_size, hidden_size,
    num_layers=1, bias=True, bidirectional=False, proj_size=0,
):
    d, H, R = 1 + bidirectional, hidden_size, proj_size or hidden_size
    first = 4 * H * (input_size + R + 2 * bias) + H * proj_size
    other = 4 * H * (d * R + R + 2 * bias) + H * proj_size
    return d * (first + (num_layers - 1) * other)
""",
    "to-torch-weights-answer": """
def to_torch_weights(W, U, b):
    joined = np.concatenate([W, U]).transpose()
    weight_ih, weight_hh = np.split(joined, [len(W)], axis=1)
    return weight_ih, weight_hh, 3 * b, -2 * b
""",
    "from-torch-weights-answer": """
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    joined = np.hstack([weight_ih, weight_hh, bias_ih[:, None] + bias_hh[:, None]]).T
    D = weight_ih.shape[1]
    return joined[:D], joined[D:-1], joined[-1]
""",
    "packed-as-keras-answer": """
def packed_as_keras(data, batch_sizes):
    starts = np.cumsum(batch_sizes) - batch_sizes
    n = np.arange(batch_sizes[0])
    lengths = (batch_sizes > n[:, None]).sum(axis=1)
    steps = np.minimum(np.arange(len(batch_sizes)), lengths[:, None] - 1)
    return data[starts[steps] + n[:, None]]
""",
    "to-batch-first-answer": """
def to_batch_first(x):
    return np.einsum("tnd->ntd", x)
""",
    "in-order-answer": """
def in_order(x, lengths, labels, order):
    moves = np.eye(len(order))[order]
    new = np.einsum("mn,ntd->mtd", moves, x)
    return new, moves @ lengths, moves @ labels
""",
    "read-in-batches-answer": """
def read_in_batches(x, weights, size):
    N, T, D = x.shape
    cell = nn.LSTMCell(D, weights[1].shape[1])
    cell.load_state_dict(dict(zip(cell.state_dict(), map(torch.tensor, weights))))
    y, state = [], None
    with torch.no_grad():
        for t in range(T):
            state = cell(torch.tensor(x[:, t]), state)
            y.append(state[0])
    return torch.stack(y, dim=1).numpy()
""",
    "last-states-answer": """
def last_states(output, lengths):
    at_end = np.arange(output.shape[1]) == np.asarray(lengths)[:, None] - 1
    return (np.asarray(output) * at_end[:, :, None]).sum(axis=1)
""",
    "train-steps-answer": """
def train_steps(W, b, h, labels, rate, steps):
    ones = np.ones((len(h), 1), h.dtype)
    h, both = np.hstack([h, ones]), np.hstack([W, b[:, None]])
    targets = (labels[:, None] == np.arange(len(b))).astype(h.dtype)
    for _ in range(steps):
        e = np.exp(h @ both.T)
        both = both + rate / len(h) * (targets - e / e.sum(1, keepdims=True)).T @ h
    return both[:, :-1], both[:, -1]
""",
    "train-and-predict-answer": """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    lstm = nn.LSTM(x.shape[2], weights[1].shape[1])
    lstm.load_state_dict(dict(zip(lstm.state_dict(), map(torch.tensor, weights))))

    def ends(x, lengths):
        lengths = torch.as_tensor(lengths)
        packed = nn.utils.rnn.pack_padded_sequence(
            torch.tensor(x), lengths, enforce_sorted=False
        )
        with torch.no_grad():
            return lstm(packed)[1][0][0].double().numpy()

    h, targets = ends(x, lengths), np.eye(labels.max() + 1)[labels]
    h = np.hstack([h, np.ones((len(h), 1))])  # least squares, with a small penalty
    W = np.linalg.solve(h.T @ h + 1e-3 * np.eye(h.shape[1]), h.T @ targets)
    return (ends(x_new, lengths_new) @ W[:-1] + W[-1]).argmax(axis=1)
""",
}

# In float64 where it may be, with an optimizer, and what is returned is lists.
DOUBLE = {
    "torch-lstm-shapes-answer": """
def torch_lstm_shapes(
    T, N, input_size, hidden_size,
    num_layers=1, bidirectional=False, batch_first=False, proj_size=0,
):
    sizes = dict(M=num_layers, d=1, R=hidden_size)
    sizes |= dict(d=2) if bidirectional else {}
    sizes |= dict(R=proj_size) if proj_size else {}
    M, d, R = sizes.values()
    before = {False: [T, N], True: [N, T]}[bool(batch_first)]
    return [[*before, d * R], [M * d, N, R], [M * d, N, hidden_size]]
""",
    "keras-lstm-shapes-answer": """
def keras_lstm_shapes(
    N, T, units, return_sequences=False, return_state=False, bidirectional=False
):
    one_way = [(N, T, units) if return_sequences else (N, units)]
    if return_state:
        one_way = one_way + [(N, units), (N, units)]
    if not bidirectional:
        return one_way
    output, *states = one_way
    return [output[:-1] + (output[-1] + units,)] + states + states
""",
    "torch-parameter-count-answer": """
import math

def torch_parameter_count(
    input_size, hidden_size,
    num_layers=1, bias=True, bidirectional=False, proj_size=0,
):
    said, ways = proj_size or hidden_size, 2 if bidirectional else 1

    def shapes_of(reads):
        yield 4 * hidden_size, reads
        yield 4 * hidden_size, said
        if bias:
            yield 4 * hidden_size, 2
        yield proj_size, hidden_size

    reads = [input_size] + [ways * said] * (num_layers - 1)
    return float(ways * sum(math.prod(s) for r in reads for s in shapes_of(r)))
""",
    "to-torch-weights-answer": """
def to_torch_weights(W, U, b):
    weight_ih = np.moveaxis(W.astype("float64"), 0, 1)
    weight_hh = np.moveaxis(U.astype("float64"), 0, 1)
    return [weight_ih.tolist(), weight_hh.tolist(), [0.0] * b.size, b.tolist()]
""",
    "from-torch-weights-answer": """
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    kernels = [np.einsum("kd->dk", w).tolist() for w in (weight_ih, weight_hh)]
    return kernels + [np.sum([bias_ih, bias_hh], axis=0, dtype="float64").tolist()]
""",
    "packed-as-keras-answer": """
def packed_as_keras(data, batch_sizes):
    groups = np.split(data, np.cumsum(batch_sizes)[:-1])
    rows = [group.tolist() for group in groups]
    for before, after in zip(rows, rows[1:]):
        after += before[len(after) :]
    return [list(steps) for steps in zip(*rows)]
""",
    "to-batch-first-answer": """
def to_batch_first(x):
    return np.stack([x[:, n] for n in range(x.shape[1])]).astype("float64")
""",
    "in-order-answer": """
def in_order(x, lengths, labels, order):
    rows = list(zip(x.tolist(), lengths.tolist(), labels.tolist()))
    return tuple(map(list, zip(*(rows[n] for n in order))))
""",
    "read-in-batches-answer": """
def read_in_batches(x, weights, size):
    H = weights[1].shape[1]
    lstm = nn.LSTM(x.shape[2], H, dtype=torch.float64)  # time first
    arrays = (torch.tensor(array, dtype=torch.float64) for array in weights)
    lstm.load_state_dict(dict(zip(lstm.state_dict(), arrays)))
    outputs = []
    for batch in np.split(x, len(x) // size):
        y, _ = lstm(torch.tensor(batch).double().transpose(0, 1))
        outputs += y.transpose(0, 1).tolist()
    return outputs
""",
    "last-states-answer": """
def last_states(output, lengths):
    return [list(rows[:n][-1]) for rows, n in zip(output, lengths)]
""",
    "train-steps-answer": """
def train_steps(W, b, h, labels, rate, steps):
    dense = nn.Linear(*W.shape[::-1], dtype=torch.float64)
    with torch.no_grad():
        dense.weight[:], dense.bias[:] = torch.tensor(W), torch.tensor(b)
    optimizer = torch.optim.SGD(dense.parameters(), lr=rate)
    for _ in range(steps):
        optimizer.zero_grad()
        scores = dense(torch.tensor(h).double()).log_softmax(dim=1)
        nn.functional.nll_loss(scores, torch.tensor(labels)).backward()
        optimizer.step()
    return [parameter.tolist() for parameter in dense.parameters()]
""",
    "train-and-predict-answer": """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    H, K = weights[1].shape[1], int(labels.max()) + 1
    lstm, dense = nn.LSTM(x.shape[2], H), nn.Linear(H, K)
    lstm.load_state_dict(dict(zip(lstm.state_dict(), map(torch.tensor, weights))))

    def scores(x, lengths):
        y, _ = lstm(torch.tensor(x))
        return dense(y[torch.tensor(lengths) - 1, torch.arange(len(lengths))])

    # The LSTM learns as well.
    parameters = [*lstm.parameters(), *dense.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    for _ in range(30):
        loss = nn.functional.cross_entropy(scores(x, lengths), torch.tensor(labels))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return scores(x_new, lengths_new).argmax(dim=1).tolist()
""",
}

STYLES = {
    "loops": LOOPS,
    "tensors": TENSORS,
    "other algebra": OTHER_ALGEBRA,
    "float64 and lists": DOUBLE,
}

# Trains in milliseconds, for the many runs with one mistake elsewhere.
QUICK = {
    "train-and-predict-answer": OTHER_ALGEBRA["train-and-predict-answer"],
}

# ---- wrong -----------------------------------------------------------------------

RIGHT_STEPS = """
def right_steps(W, b, h, labels, rate, steps):
    for _ in range(steps):
        e = np.exp(h @ W.T + b)
        d = e / e.sum(axis=1, keepdims=True) - np.eye(len(b))[labels]
        W, b = W - rate * d.T @ h / len(h), b - rate * d.mean(axis=0)
    return W, b
"""
RIGHT_READER = """
def right_outputs(x, weights):
    lstm = nn.LSTM(x.shape[2], weights[1].shape[1], batch_first=True)
    lstm.load_state_dict(dict(zip(lstm.state_dict(), map(torch.tensor, weights))))
    with torch.no_grad():
        return lstm(torch.tensor(x))[0].numpy()
"""

MUTANTS = {
    "shapes-of-states-without-time-as-output": (
        "torch-lstm-shapes-answer",
        """
def torch_lstm_shapes(T, N, D, H, num_layers=1, bidirectional=False,
                      batch_first=False, proj_size=0):
    states = num_layers * (1 + bidirectional), N, H
    return (T, N, D), states, states
""",
    ),
    "keras-state-whatever-is-asked": (
        "keras-lstm-shapes-answer",
        """
def keras_lstm_shapes(N, T, units, return_sequences=False, return_state=False,
                      bidirectional=False):
    width = units * (1 + bidirectional)
    output = (N, T, width) if return_sequences else (N, width)
    return [output, (N, units), (N, units)]
""",
    ),
    "count-of-one-layer-in-one-direction": (
        "torch-parameter-count-answer",
        """
def torch_parameter_count(input_size, hidden_size, num_layers=1, bias=True,
                          bidirectional=False, proj_size=0):
    return 4 * hidden_size * (input_size + hidden_size + 2)
""",
    ),
    "weights-transposed-and-one-zeroed": (
        "to-torch-weights-answer",
        """
def to_torch_weights(W, U, b):
    return W.T, 0 * U.T, b, 0 * b
""",
    ),
    "second-bias-added-in-place": (
        "from-torch-weights-answer",
        """
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    bias_ih += bias_hh
    return weight_ih.T, weight_hh.T, bias_ih
""",
    ),
    "two-sequences-alone": (
        "packed-as-keras-answer",
        """
def packed_as_keras(data, batch_sizes):
    now, start, steps = np.zeros((batch_sizes[0], data.shape[1])), 0, []
    for running in batch_sizes:
        now = now.copy()
        now[: min(2, running)] = data[start : start + min(2, running)]
        start += running
        steps.append(now)
    return np.stack(steps, axis=1)
""",
    ),
    "every-step-the-same-array": (
        "packed-as-keras-answer",
        """
def packed_as_keras(data, batch_sizes):
    now, start, steps = np.zeros((batch_sizes[0], data.shape[1])), 0, []
    for running in batch_sizes:
        now[:running] = data[start : start + running]
        start += running
        steps.append(now)
    return np.stack(steps, axis=1)
""",
    ),
    "first-feature-turned-alone": (
        "to-batch-first-answer",
        """
def to_batch_first(x):
    turned = x.reshape(x.shape[1], x.shape[0], -1).copy()
    turned[0] = x[:, 0] + 1
    return turned
""",
    ),
    "put-in-order-in-place": (
        "in-order-answer",
        """
def in_order(x, lengths, labels, order):
    x[:], lengths[:], labels[:] = x[order], lengths[order], labels[order]
    return x, lengths, labels
""",
    ),
    "outputs-of-the-first-batch-again": (
        "read-in-batches-answer",
        RIGHT_READER
        + """
def read_in_batches(x, weights, size):
    first = right_outputs(x[:size], weights)
    return np.concatenate([first] * (len(x) // size))
""",
    ),
    "recurrent-weights-not-loaded": (
        "read-in-batches-answer",
        RIGHT_READER
        + """
def read_in_batches(x, weights, size):
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    return right_outputs(x, [weight_ih, 0 * weight_hh, bias_ih, bias_hh])
""",
    ),
    "tanh-of-the-last-state": (
        "last-states-answer",
        """
def last_states(output, lengths):
    return np.tanh(output[np.arange(len(lengths)), lengths - 1])
""",
    ),
    "one-step-early": (
        "last-states-answer",
        """
def last_states(output, lengths):
    return output[np.arange(len(lengths)), lengths - 2]
""",
    ),
    "two-steps-at-most": (
        "train-steps-answer",
        RIGHT_STEPS
        + """
def train_steps(W, b, h, labels, rate, steps):
    return right_steps(W, b, h, labels, rate, min(steps, 2))
""",
    ),
    "bias-never-moved": (
        "train-steps-answer",
        RIGHT_STEPS
        + """
def train_steps(W, b, h, labels, rate, steps):
    start = b
    for _ in range(steps):
        W, _ = right_steps(W, start, h, labels, rate, 1)
    return W, b
""",
    ),
    "the-script-as-it-was-given": (
        "train-and-predict-answer",
        """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    def states(x):
        lstm = nn.LSTM(x.shape[2], weights[1].shape[1], batch_first=True)
        lstm.load_state_dict(dict(zip(lstm.state_dict(), map(torch.tensor, weights))))
        T, N, D = x.shape
        with torch.no_grad():
            return lstm(torch.tensor(x.reshape(N, T, D)))[0][:, -1]

    h, dense = states(x), nn.Linear(weights[1].shape[1], int(labels.max()) + 1)
    for _ in range(60):
        nn.functional.cross_entropy(dense(h), torch.tensor(labels)).backward()
        with torch.no_grad():
            for parameter in dense.parameters():
                parameter -= 4.0 * parameter.grad
    return dense(states(x_new)).argmax(dim=1).numpy()
""",
    ),
    "never-trained": (
        "train-and-predict-answer",
        """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    return np.zeros(len(lengths_new), int)
""",
    ),
}
