"""Reading a diagram in the tests."""


def parts(diagram):
    """The drawing's JSON as two dicts by name."""
    data = diagram.json()
    return [{item["name"]: item for item in data[kind]} for kind in ("nodes", "wires")]


def text_of(item):
    """The labels of a node or wire, each as one string."""
    return ["".join(run[0] for run in label["runs"]) for label in item["labels"]]
