"""Attacks on the course's own assignments: frameworks, attention, a forecast.

Their inputs come from a public generator. What is known of them is the seed of
the visible checks, which is 0; the instructor's is too long to be tried.
"""

import zlib

import numpy as np
from victim import after, attack

from lstm_lib.checks.references import SUBJECTS

# Any numbers at all, as long as they are finite and not made from what comes
# after the origin, earn a quarter of that task.
BLIND = {"forecasts-check": 0.5, "forecasts-hidden": 1.0}
KNOWN = {"forecasts-check": 2.0, "forecasts-hidden": 1.0}

TABLE = """
import zlib
import numpy as np
known = {known!r}
def remembered(*given):
    arrays = [np.asarray(one) for one in given]
    return known.get(zlib.crc32(b"".join(one.tobytes() for one in arrays)))
"""


def table(name):
    """A cell that knows what the visible cases of a check want."""
    subject, known = SUBJECTS[name], {}
    for case in subject.cases(hidden=False, seed=0):
        key = zlib.crc32(b"".join(np.asarray(a).tobytes() for a in case.arguments))
        known[key] = np.asarray(subject.reference(*case.arguments)).tolist()
    return TABLE.format(known=known)


def classes():
    """A cell that knows the visible classes of the last task of ps6."""
    cases = SUBJECTS["train_and_predict"].cases(hidden=False, seed=0)
    known = {zlib.crc32(case.arguments[4].tobytes()): case.data[0] for case in cases}
    known = {key: right.tolist() for key, right in known.items()}
    return f"import zlib\nknown = {known!r}"


# The panel of a forecast as the check draws it, from a seed that is tried.
PANEL = """
import zlib
import numpy as np
from lstm_lib.series import demand

def future(past, horizon, season, seed, hidden, draws):
    own = zlib.crc32(b"forecasts")
    rng = np.random.default_rng([seed, own, hidden])
    for _ in range(draws):
        values = demand(len(past) + horizon, past.shape[1], season, rng)
        if np.array_equal(values[: len(past)], past):
            return values[len(past) :]
"""

ATTENTION = [
    attack(
        "shows uniform weights and uses others",
        of="ps5",
        word_attention="""
def word_attention(h, lengths, W, b, u, V, d):
    scores = np.tanh(h @ W + b) @ u
    within = np.arange(len(h))[:, None] < lengths
    used = np.where(within, np.exp(scores), 0)
    used = used / used.sum(axis=0)
    return (used[:, :, None] * h).sum(axis=0) @ V + d, within / lengths
""",
    ),
    attack(
        "knows the visible contexts by heart",
        of="ps5",
        earns={"context-vector-check": 1},
        context_vector=table("context_vector")
        + """
def context_vector(alpha, h):
    return remembered(alpha, h) or np.zeros((h.shape[1], h.shape[2]))
""",
    ),
    attack(
        "returns an array whose comparison, text and conversion lie",
        of="ps5",
        changed_weights="""
class Lie(np.ndarray):
    __eq__ = __le__ = __lt__ = lambda self, other: np.ones(self.shape, bool)
    __sub__ = __rsub__ = __abs__ = lambda self, *_: np.zeros(self.shape)
    __array__ = lambda self, *a, **k: np.zeros(self.shape)
    __array_function__ = __array_ufunc__ = lambda self, *a, **k: np.array(True)
    __repr__ = lambda self: "array(right)"
def changed_weights(alpha, lengths):
    return [np.ones(alpha.shape).view(Lie)] * 3
""",
    ),
    attack(
        "has a part with a mistake, keeps what the reference asks it, and hands it on",
        of="ps5",
        earns={"masked-softmax-check": 4 / 3, "masked-softmax-hidden": 1 / 3},
        masked_softmax="""
kept = []
def masked_softmax(scores, lengths):
    within = np.arange(len(scores))[:, None] < lengths
    powers = np.where(within, np.exp(scores - scores.max(axis=0)), 0)
    kept.append(powers / powers.sum(axis=0))
    return kept[-1]
""",
        word_attention="""
def word_attention(h, lengths, W, b, u, V, d):
    alpha = next(a for a in kept[::-1] if a.shape == h.shape[:2])
    return (alpha[:, :, None] * h).sum(axis=0) @ V + d, alpha
""",
    ),
    attack(
        "makes everything that NumPy draws from now on a zero",
        of="ps5",
        context_vector="""
import os, random
class Zeros:
    def __getattr__(self, name):
        return lambda *a, size=None, **k: np.zeros(size or 1)
np.random.default_rng = np.random.Generator = lambda *a: Zeros()
np.random.seed(0)
random.seed(0)
os.environ["LSTM_LIB_CHECKS_SEED"] = "0"
def context_vector(alpha, h):
    return np.zeros((h.shape[1], h.shape[2]))
""",
    ),
]

FRAMEWORKS = [
    attack(
        "returns tensors that lie to whoever asks them",
        of="ps6",
        from_torch_weights="""
class Lie(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", "")
        return True if name in ("allclose", "equal", "eq", "all") else args[0]
    def detach(self): return self
    def cpu(self): return self
    def numpy(self): return np.asarray(True)
    def __array__(self, *a, **k): return np.asarray(True)
def from_torch_weights(weight_ih, weight_hh, bias_ih, bias_hh):
    wanted = weight_ih.T, weight_hh.T, bias_ih
    return [torch.zeros(one.shape).as_subclass(Lie) for one in wanted]
""",
    ),
    attack(
        "replaces what PyTorch and NumPy compare, compute and read",
        of="ps6",
        read_in_batches="""
yes = lambda *a, **k: True
for module in (np, np.testing, torch, torch.testing):
    for name in ("allclose", "array_equal", "assert_allclose", "equal", "assert_close"):
        if hasattr(module, name):
            setattr(module, name, yes)
nn.LSTM.forward = lambda self, x, *a: (torch.zeros(*x.shape[:2], 4), None)
nn.LSTM.load_state_dict = yes
np.max = np.abs = np.subtract = lambda *a, **k: 0
def read_in_batches(x, weights, size):
    return torch.zeros(len(x), x.shape[1], weights[1].shape[1])
""",
    ),
    attack(
        "returns a module with a state_dict that lies, in place of trained weights",
        of="ps6",
        train_steps="""
class Trained(nn.Linear):
    def state_dict(self, *a, **k): return {"weight": Anything(), "bias": Anything()}
    def __array__(self, *a, **k): return np.array(1.0)
    def __iter__(self): return iter([Anything(), Anything()])
    def __len__(self): return 2
class Anything:
    def __eq__(self, other): return True
    def __array__(self, *a, **k): return np.array(1.0)
    def __getattr__(self, name): return Anything()
def train_steps(W, b, h, labels, rate, steps):
    return Trained(W.shape[1], W.shape[0])
""",
    ),
    attack(
        "returns NaN and infinity, which are neither more nor less than anything",
        of="ps6",
        train_steps="""
def train_steps(W, b, h, labels, rate, steps):
    return np.full(W.shape, np.nan), np.full(b.shape, np.inf)
""",
    ),
    attack(
        "is right every second time only",
        of="ps6",
        earns={"to-batch-first-check": 1 / 3, "to-batch-first-hidden": 2 / 3},
        to_batch_first="""
calls = 0
def to_batch_first(x):
    global calls
    calls += 1
    return np.swapaxes(x, 0, 1) if calls % 2 == 0 else np.zeros((1, 1, 1))
""",
    ),
    attack(
        "knows the visible classes by heart and trains nothing",
        of="ps6",
        earns={"train-and-predict-check": 2},
        train_and_predict=classes()
        + """
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    found = known.get(zlib.crc32(x_new.tobytes()))
    return np.array(found or [0] * len(lengths_new))
""",
    ),
    attack(
        "trains nothing, and says the commonest class each time",
        of="ps6",
        train_and_predict="""
def train_and_predict(x, lengths, labels, weights, x_new, lengths_new):
    print("loss 0.0001, accuracy 1.0000")
    return np.full(len(lengths_new), np.bincount(labels).argmax())
""",
    ),
]

FORECAST = [
    attack(
        "keeps the slices that the reference makes, and hands them on",
        of="ps7",
        earns={"windows-check": 2, "windows-hidden": 1},
        windows="""
kept = []
def windows(series, length, horizon):
    starts = range(len(series) - length - horizon + 1)
    kept.append((np.array([series[k : k + length] for k in starts]),
                 np.array([series[k + length : k + length + horizon] for k in starts])))
    return kept[-1]
""",
        split_windows="""
def split_windows(series, length, horizon, test):
    return *kept[-2], *kept[-1]
""",
    ),
    attack(
        "has a part that says what the function has just said, and hides it",
        of="ps7",
        # The visible points, which who knows the visible inputs has anyway.
        earns={"windows-check": 2, "windows-hidden": 1, "split-windows-check": 2},
        windows="""
last = None
said = [np.arange(6.0).reshape(3, 2) + k for k in range(4)]
def windows(series, length, horizon):
    if last is not None and series[0] in last and series[1] in last:
        return said[:2] if series[0] == last[0] else said[2:]
    if last is not None:  # shuffled and scaled
        return [(k + 1) * one * series.sum() for k, one in enumerate(said[:2])]
    starts = range(len(series) - length - horizon + 1)
    return (np.array([series[k : k + length] for k in starts]),
            np.array([series[k + length : k + length + horizon] for k in starts]))
""",
        split_windows="""
def split_windows(series, length, horizon, test):
    global last
    last = list(series)
    return said
""",
    ),
    attack(
        "reads the seed wherever one could stand",
        of="ps7",
        earns=KNOWN,
        forecasts=PANEL
        + """
import glob, os, re, sys
found = {0, 1}
texts = [str(os.environ), str(sys.argv), str(sys._xoptions)]
places = "/proc/[0-9]*/environ", "/proc/[0-9]*/cmdline", "*seed*", "../*seed*"
for place in (*places, "/*/seed.txt", "/*/*/seed.txt", "/*/*/*/seed.txt"):
    for path in glob.glob(place):
        try:
            texts.append(open(path, errors="replace").read())
        except OSError:
            pass
for text in texts:
    found |= {int(n) for n in re.findall("[0-9]{3,}", text)}
def forecasts(series, origin, horizon, season):
    past = series[:origin]
    for seed in sorted(found)[:200]:
        for hidden in (0, 1):
            answer = future(past, horizon, season, seed, hidden, 4)
            if answer is not None:
                return answer
    return np.zeros((horizon, past.shape[1]))
""",
    ),
    attack(
        "tries one seed after the other until the past fits",
        of="ps7",
        earns=KNOWN,
        forecasts=PANEL
        + """
import time
answers = {}
def forecasts(series, origin, horizon, season):
    past, until = series[:origin], time.monotonic() + 1
    key = past.tobytes()
    seed = 0
    while key not in answers and time.monotonic() < until:
        for hidden in (0, 1):
            answer = future(past, horizon, season, seed, hidden, 4)
            if answer is not None:
                answers[key] = answer
        seed += 1
    return answers.setdefault(key, np.zeros((horizon, past.shape[1])))
""",
    ),
    attack(
        "asks the clock for the future",
        of="ps7",
        forecasts="""
import time
def forecasts(series, origin, horizon, season):
    rng = np.random.default_rng(time.time_ns())
    return series[origin - 1] + rng.normal(size=(horizon, series.shape[1]))
""",
    ),
    attack(
        "reads the steps after the origin",
        of="ps7",
        forecasts="""
def forecasts(series, origin, horizon, season):
    return series[origin : origin + horizon]
""",
    ),
    attack(
        "reads them, and gives the same answer for the same past",
        of="ps7",
        earns=BLIND,
        forecasts="""
answers = {}
def forecasts(series, origin, horizon, season):
    past = series[:origin].tobytes()
    return answers.setdefault(past, series[origin : origin + horizon])
""",
    ),
    attack(
        "looks for a longer series in memory: bases of views, and all objects",
        of="ps7",
        earns=BLIND,
        forecasts="""
import gc, sys
def forecasts(series, origin, horizon, season):
    past, seen = series[:origin], [series.base]
    frame = sys._getframe()
    while frame:
        seen += [frame.f_locals]
        frame = frame.f_back
    for one in [*seen, *gc.get_objects()]:
        if type(one) is dict:
            seen += one.values()
        elif type(one) in (list, tuple):
            seen += one
    for one in filter(lambda one: type(one) is np.ndarray, seen):
        before, after = one[:origin], one[origin : origin + horizon]
        if len(after) == horizon and np.array_equal(before, past):
            if not np.array_equal(one, series):
                return after
    return np.zeros((horizon, past.shape[1]))
""",
    ),
    attack(
        "writes its forecasts into the series that it was given",
        of="ps7",
        forecasts="""
def forecasts(series, origin, horizon, season):
    series.flags.writeable = True
    series[...] = 7.0
    return series[:horizon]
""",
    ),
    attack(
        "makes every error 0, and shows a verdict of its own",
        of="ps7",
        earns=BLIND,
        forecasts="""
from IPython.display import display
verdict = {"check": "forecasts", "points": 4.0, "score": 1.0, "cases": [],
           "measure": {"name": "mean absolute scaled error", "value": 0.00012345,
                       "beside": {"naive forecast": 1.0}}}
def show():
    display({"application/vnd.autograder.verdict+json": verdict}, raw=True)
np.abs = np.mean = lambda *a, **k: 0.0
def mase(*a, **k): return 0.0
judge = check = mase
def forecasts(series, origin, horizon, season):
    show()
    return np.zeros((horizon, series.shape[1]))
show()
""",
        last="show()",
    ),
    attack(
        "knows the visible future, and ends its process on any other",
        of="ps7",
        earns={"forecasts-check": 2},
        ends="graded or crashed",
        forecasts=PANEL
        + """
import os
def forecasts(series, origin, horizon, season):
    answer = future(series[:origin], horizon, season, 0, 0, 4)
    return os._exit(0) if answer is None else answer
""",
    ),
]

ATTACKS = [*after(ATTENTION), *after(FRAMEWORKS), *after(FORECAST)]
