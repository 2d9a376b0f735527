"""What a check needs to know: cases, and the subject they belong to."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Case:
    """One input. An answer may be off by rtol times its largest value.

    data: what the subject's `observe` or `judge` needs beside the answer;
    students' functions are not given it.
    twin: other arguments to which the answer must be the same, for `judge`.
    """

    name: str
    arguments: tuple
    rtol: float = 1e-4
    data: tuple = ()
    twin: tuple = ()


@dataclass(frozen=True)
class Judgement:
    """What a subject's `judge` says of an answer.

    text: a sentence, whether it is right or not. measure: how good it is, for
    a table of a class: {"name": str, "value": float, or None where there is
    no valid answer, "beside": {name: float} to compare with}.
    """

    right: bool
    text: str
    measure: dict


@dataclass(frozen=True)
class Subject:
    """What a check needs to know about one function.

    returns: the names of what it returns, nested as it is returned.
    shapes: name to shape in letters, for messages.
    make_cases: (rng, hidden) -> list of Case.
    sections: name to section, for where that value alone is wrong; "twin" for
    where a case's twin has another answer.
    products: what to say where matrix sizes do not fit.
    part: the keyword by which the reference takes the student's own function.
    part_check: the check that this function has itself.
    part_reads: its first arguments, all of which a part that counts must use,
    unless its mistake is known.
    observe: (answer, *case.data) -> array or tuple of arrays, where not the
    answer counts but what it does, such as the trace of a unit with the
    answer's weights; the form and the shapes of the answer are compared first.
    observed: what that array is called, such as "`c` of your unit", or the
    names of those arrays, such as ("c", "h").
    judge: (answer or None, *case.data) -> Judgement, where many answers are
    right; form and shape are those of the reference's. Cases that share their
    arguments, the same tuple, share one call.
    twins_differ: what to say where a case's twin has another answer.
    """

    name: str
    reference: Callable
    arguments: tuple
    returns: str | tuple
    shapes: dict
    section: str
    make_cases: Callable
    sections: dict = field(default_factory=dict)
    products: str = ""
    part: str | None = None
    part_check: str = ""
    part_reads: tuple = ()
    observe: Callable | None = None
    observed: str | tuple = "what it does"
    judge: Callable | None = None
    twins_differ: str = ""

    def cases(self, hidden, seed):
        """The cases for a student (hidden=False) or for grading, from a seed."""
        own = zlib.crc32(self.name.encode())  # no two checks draw the same numbers
        return self.make_cases(np.random.default_rng([seed, own, int(hidden)]), hidden)
