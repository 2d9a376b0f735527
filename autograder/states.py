"""How a submission can end."""

from enum import StrEnum


class State(StrEnum):
    """The end state of a submission; only a graded one has a score.

    So an export can tell "graded, and nothing was right" from "not graded".
    """

    GRADED = "graded"
    UNANSWERED = "unanswered"  # every answer is still the released text
    MALFORMED = "malformed"  # no notebook that could be run was found
    TIMED_OUT = "timed out"  # stopped at the limit of wall-clock time
    OUT_OF_MEMORY = "out of memory"  # stopped at the limit of memory
    CRASHED = "crashed"  # the student's process ended by itself, or was broken off
