"""Attacks by the notebook's JSON: tags, points, ids, outputs, order, size."""

import copy

from victim import attack


def cell(table, name):
    """The cell with this grade id."""
    return next(
        c
        for c in table["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def graded_cells(table):
    """The cells that give points."""
    return [c for c in table["cells"] if c["metadata"].get("nbgrader", {}).get("grade")]


def skipped(table):
    for one in graded_cells(table):
        one["metadata"]["tags"] = ["skip-execution", "raises-exception"]


def scored(table):
    for one in graded_cells(table):
        one["outputs"] = [
            {
                "output_type": "execute_result",
                "data": {"text/plain": "1.0"},
                "metadata": {},
                "execution_count": 1,
            }
        ]
        one["metadata"]["nbgrader"] |= {"score": 1.0, "points": 1000, "locked": False}


def emptied(table):
    for one in graded_cells(table):
        one["source"] = "1.0"


def called_solutions(table):
    for one in graded_cells(table):
        one["metadata"]["nbgrader"] |= {"solution": True, "grade": False}
        one["source"] = "1.0"


def written_as_text(table):
    for one in graded_cells(table):
        one["cell_type"] = "markdown"
        del one["outputs"], one["execution_count"]


def without_tests(table):
    table["cells"] = [c for c in table["cells"] if c not in graded_cells(table)]


def with_a_second_test(table):
    for one in graded_cells(table):
        again = copy.deepcopy(one)
        again["source"] = "1.0"
        table["cells"].insert(0, again)


def answers_claim_tests(table):
    answer = cell(table, "double")
    for name in ("test-double", "imports", "test-scale"):
        other = copy.deepcopy(answer)
        other["metadata"]["nbgrader"]["grade_id"] = name
        table["cells"].append(other)


def look_alikes(table):
    for name in ("test-double", "test-scale"):
        twin = copy.deepcopy(cell(table, name))
        odd = name.replace("e", "\u0435") + "\u200b"
        twin["metadata"]["nbgrader"] |= {"grade_id": odd, "points": 50}
        twin["source"] = "1.0"
        table["cells"].append(twin)


def given_code_last(table):
    given = cell(table, "imports")
    table["cells"].remove(given)
    table["cells"].append(given)


def graded_cells_first(table):
    table["cells"].sort(key=lambda c: c not in graded_cells(table))


def without_answers(table):
    answers = ("double", "scale", "counter", "parity", "softmax")
    table["cells"] = [
        c
        for c in table["cells"]
        if c["metadata"].get("nbgrader", {}).get("grade_id") not in answers
    ]


def changed_inputs(table):
    cell(table, "imports")["source"] = "class np: testing = array = print"


def flagged(table):
    table["metadata"] |= {"autograder": {"state": "graded", "score": 10}}
    table["metadata"]["kernelspec"] = {"name": "bash", "display_name": "sh"}
    for one in table["cells"]:
        one["metadata"] |= {"score": 9, "verdict": {"passed": True}, "trusted": True}
        one["metadata"].get("nbgrader", {})["remove"] = True


def nested(table):
    return b'{"cells": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def huge(table):
    return b'{"cells": [' + b'"x",' * 6_000_000 + b'""]}'


def many(table):
    one = {"cell_type": "code", "source": "1", "metadata": {}, "outputs": []}
    table["cells"] += [one] * 3000


def no_notebook(table):
    return b"\x80\x04\x95print\x94"


def odd_types(table):
    for one, value in zip(table["cells"], (None, 3, [3], {"a": 1}, "x")):
        one["source"] = value
        one["metadata"]["nbgrader"]["grade_id"] = value
    table["cells"] += [None, 7, [], {"cell_type": ["code"]}]


def twice_keyed(table):
    return b'{"cells": [], "cells": [{"cell_type": "code", "source": "1"}]}'


# np.array works, so that what the test gives in is made; nothing is compared.
FAKE = """
import numpy
class np:
    array = staticmethod(numpy.array)
    class testing:
        assert_allclose = staticmethod(lambda *a, **k: None)
check = lambda *a, **k: 1.0
"""

ATTACKS = [
    attack("tags its test cells to be skipped", change=skipped),
    attack("brings scores, points and outputs with its test cells", change=scored),
    attack("writes its own text into the test cells", change=emptied),
    attack("calls test cells solutions", change=called_solutions),
    attack("makes text of the test cells", change=written_as_text),
    attack("leaves the test cells out", change=without_tests),
    attack("puts easier tests with the same ids first", change=with_a_second_test),
    attack("gives answers the ids of tests and given code", change=answers_claim_tests),
    attack("adds tests whose ids look like the real ones", change=look_alikes),
    attack(
        "moves the given imports behind the tests, and brings its own",
        change=given_code_last,
        first=FAKE,
    ),
    attack("moves the tests before the answers", change=graded_cells_first),
    attack(
        "leaves its answers out, so that no name is the student's",
        change=without_answers,
        first=FAKE,
        ends="unanswered",
    ),
    attack("changes the given code", change=changed_inputs),
    attack("claims a state, a score, a kernel and trust", change=flagged),
    attack("nests lists 200,000 deep", change=nested, ends="malformed"),
    attack("holds six million texts", change=huge, ends="malformed"),
    attack("holds three thousand cells", change=many, ends="malformed"),
    attack("is no notebook but a pickle", change=no_notebook, ends="malformed"),
    attack("has texts and ids of other types", change=odd_types),
    attack("has two lists of cells", change=twice_keyed, ends="malformed"),
]
