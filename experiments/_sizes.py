"""Networks of one size: what two experiments share."""


def widest(build, parameters):
    """The largest H for which build(H) has at most so many parameters.

    build: a function from a number of hidden units to a model.
    """
    H = 1
    while _count(build(H + 1)) <= parameters:
        H += 1
    return H


def _count(model):
    return sum(array.size for array in model.parameters.values())
