"""The training loop: batch, loss, gradient, step, and nothing hidden."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lstm_lib import files
from lstm_lib.batches import Batch
from lstm_lib.models import describe
from lstm_lib.optimizers import clip_by_global_norm
from lstm_lib.validation import positive


@dataclass
class History:
    """What happened in training.

    losses: the loss of each step, before its update. norms: the global
    gradient norm of each step before clipping, if `clip` was given.
    validations: pairs (steps done, value). best_step: the steps done at the
    least of these values, None without any. stopped: whether patience or
    until ended training early.
    """

    losses: list = field(default_factory=list)
    norms: list = field(default_factory=list)
    validations: list = field(default_factory=list)
    best_step: int | None = None
    stopped: bool = False

    @property
    def best(self):
        """The least validation value."""
        return min((value for _, value in self.validations), default=np.inf)


def fit(
    model,
    batches,
    loss,
    optimizer,
    steps,
    *,
    clip=None,
    validate=None,
    every=100,
    patience=None,
    until=None,
    checkpoint=None,
    resume=False,
    progress=False,
):
    """Train a model in place for a number of steps.

    model: a `Sequential`, `EncoderDecoder` or anything with their methods.
    batches: a source of batches (see `batches`). A batch with `carry` starts
    from the state the one before ended in, with no gradient through it:
    truncated back-propagation through time.
    loss: a function (outputs, targets) -> (number, gradient by outputs); for
    batches with target_lengths, (outputs, targets, lengths, target_lengths).
    optimizer: of `optimizers`. steps: counted from the very first one, so not
    less than those a checkpoint has behind it.
    clip: the largest global norm of the gradients, None for no limit.
    validate: a function of the model that returns a number, less is better,
    called without dropout every `every` steps and at the end. patience: stop
    after that many validations in a row without a new best, and give the
    model the parameters of the best. until: stop as soon as a validation gives
    this number or less.
    checkpoint: a file, replaced in one step every `every` steps and at the
    end. resume: go on from that file if it exists. Model, optimizer and source
    must have been made with the same arguments; the result then has the same
    bits as training that was never interrupted. (A first run that ends where
    `every` does not divide adds one validation, at its end.)
    progress: show a bar (needs tqdm).
    Returns a History. Raises ValueError or TypeError naming the argument,
    FileExistsError for a checkpoint that resume=False would overwrite, and
    FloatingPointError when the loss is not finite (ValueError where a layer
    notices first).
    """
    steps, every = positive("steps", steps), positive("every", every)
    if patience is not None:
        positive("patience", patience)
    if validate is None and (patience is not None or until is not None):
        raise ValueError("validate: expected a function with patience or until")
    if resume and checkpoint is None:
        raise ValueError("checkpoint: expected a file to resume from, got None")
    run = _Run(model, optimizer)
    if checkpoint is not None and _is_there(checkpoint, resume):
        run.load(checkpoint, steps)
    history = run.history
    history.stopped = run.stops(patience, until)

    for step in _bar(range(len(history.losses), steps), history, steps, progress):
        if history.stopped:
            break
        run.step(batches[step], loss, clip)
        if (step + 1) % every == 0 or step + 1 == steps:
            if validate is not None:
                run.validate(validate, step + 1, keep_best=patience is not None)
                history.stopped = run.stops(patience, until)
            if checkpoint is not None:
                run.save(checkpoint)
    if patience is not None:
        run.restore_best()
    return history


class _Run:
    """All that has to survive an interruption."""

    def __init__(self, model, optimizer):
        self.model, self.optimizer = model, optimizer
        self.history, self.state, self.best = History(), None, {}

    def step(self, batch, loss, clip):
        """One update; an error says at which step, and what may help."""
        if not isinstance(batch, Batch):
            got = type(batch).__name__
            raise TypeError(f"batches: expected a source of Batch, got {got}")
        step = len(self.history.losses)
        try:
            self._update(batch, loss, clip)
        except (ValueError, FloatingPointError) as error:
            error.add_note(
                f"at step {step}; if numbers are no longer finite, lower the "
                f"learning rate, or clip the gradients"
            )
            raise

    def _update(self, batch, loss, clip):
        """From the batch to the parameters."""
        model, history = self.model, self.history
        start = self.state if batch.carry else None
        outputs, self.state = model(batch.inputs, start, batch.lengths)
        extra = () if batch.target_lengths is None else batch[2:4]
        value, gradient = loss(outputs, batch.targets, *extra)
        value = float(value)
        if not np.isfinite(value):
            raise FloatingPointError(f"loss: expected a finite number, got {value}")
        model.backward(gradient)
        grads = model.grads
        if clip is not None:
            history.norms.append(clip_by_global_norm(grads, clip))
        self.optimizer.step(model.parameters, grads)
        history.losses.append(value)

    def stops(self, patience, until):
        """Whether the validations so far end training."""
        values, best = self.history.validations, self.history.best_step or 0
        if until is not None and any(value <= until for _, value in values):
            return True
        return patience is not None and sum(at > best for at, _ in values) >= patience

    def validate(self, function, done, keep_best):
        with self.model.evaluating():
            value = float(function(self.model))
        if np.isnan(value):
            raise FloatingPointError(f"validate: expected a number, got nan at {done}")
        history = self.history
        if value < history.best:
            history.best_step = done
            if keep_best:
                parameters = self.model.parameters.items()
                self.best = {key: array.copy() for key, array in parameters}
        history.validations.append((done, value))

    def restore_best(self):
        """Give the model the parameters of its best validation, if there was one."""
        for key, array in self.best.items():
            self.model.parameters[key][...] = array

    def save(self, file):
        state, leaves = _flatten(self.state)
        groups = {
            "model": self.model.parameters,
            "optimizer": self.optimizer.state,
            "best": self.best,
            "state": leaves,
        }
        arrays = {
            f"{g}/{k}": a for g, group in groups.items() for k, a in group.items()
        }
        description = {
            "history": asdict(self.history),
            "optimizer": type(self.optimizer).__name__,
            "optimizer_steps": self.optimizer.steps,
            "learning_rate": self.optimizer.learning_rate,
            "model": describe(self.model),
            "generators": [r.bit_generator.state for r in self._generators()],
            "state": state,
        }
        files.write(file, description, arrays)

    def load(self, file, steps):
        description, arrays = files.read(file, "lstm_lib's fit")
        groups = {"model": {}, "optimizer": {}, "best": {}, "state": {}}
        try:
            for name, array in arrays.items():
                group, _, key = name.partition("/")
                groups[group][key] = array
            history = History(**description["history"])
            generators = description["generators"]
            state = _restore(description["state"], groups["state"])
            optimizer_steps = description["optimizer_steps"]
            rate = description["learning_rate"]
            theirs = {"optimizer": description["optimizer"], **description["model"]}
        except (KeyError, TypeError) as error:
            raise files.foreign(file, "lstm_lib's fit", error) from error
        kind = {"optimizer": type(self.optimizer).__name__}
        mine, saved = self.model.parameters, groups["model"]
        for key in dict.fromkeys([*mine, *saved]):
            expected, got = (
                f"{a[key].dtype} {a[key].shape}" if key in a else "none"
                for a in (mine, saved)
            )
            if expected != got:
                raise ValueError(f"{file}: {key}: expected {expected}, got {got}")
        files.expect_same(file, kind | describe(self.model), theirs)
        done = len(history.losses)
        if steps < done:
            raise ValueError(
                f"steps: expected at least the {done} done in {file}, got {steps}"
            )
        if len(generators) != len(self._generators()):
            raise ValueError(f"{file}: expected the same layers with dropout")
        for key, array in mine.items():
            array[...] = saved[key]
        for rng, kept in zip(self._generators(), generators):
            rng.bit_generator.state = kept
        history.validations = [tuple(pair) for pair in history.validations]
        self.optimizer.state, self.optimizer.steps = (
            groups["optimizer"],
            optimizer_steps,
        )
        self.optimizer.learning_rate = rate
        self.history, self.state, self.best = history, state, groups["best"]

    def _generators(self):
        """Generators that draw during training: dropout's."""
        parts = getattr(self.model, "parts", {"": self.model}).values()
        return [part._rng for part in parts if hasattr(part, "_rng")]


def _is_there(checkpoint, resume):
    """Whether there is a file to resume from; refuse one that must not be lost."""
    path = Path(checkpoint)
    if not path.absolute().parent.is_dir():
        raise FileNotFoundError(
            f"checkpoint: expected a file in an existing folder, got {checkpoint}"
        )
    if path.is_dir():
        raise IsADirectoryError(f"checkpoint: expected a file, got {checkpoint}")
    if path.exists() and not resume:
        raise FileExistsError(
            f"checkpoint: expected a new file, got {checkpoint}; pass "
            f"resume=True to go on from it, or delete it"
        )
    return path.exists()


def _flatten(state):
    """A nest of lists and tuples as plain data, its arrays in a dict beside it."""
    leaves = {}

    def plain(part):
        if part is None:
            return None
        if isinstance(part, (list, tuple)):
            return {"kind": type(part).__name__, "parts": [plain(p) for p in part]}
        key = str(len(leaves))
        leaves[key] = np.asarray(part)
        return key

    return plain(state), leaves


def _restore(plain, leaves):
    if isinstance(plain, dict):
        parts = [_restore(part, leaves) for part in plain["parts"]]
        return tuple(parts) if plain["kind"] == "tuple" else parts
    return None if plain is None else leaves[plain]


def _bar(steps, history, total, wanted):
    """The steps, with a bar that shows the last loss if one is wanted."""
    if not wanted:
        yield from steps
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, initial=steps.start, unit="step") as bar:
        for step in steps:
            yield step
            bar.update()
            if history.losses:
                bar.set_postfix(loss=f"{history.losses[-1]:.3f}", refresh=False)
