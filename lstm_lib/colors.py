"""The colours of every figure; here, so that no figure needs another's library."""

# One colour for each quantity, everywhere in the book. The light-page values
# stand at least 4.5:1 against white; book/_ext/computed_figures.css has the dark ones.
COLORS = {
    "ink": "#24292f",
    "muted": "#6a737d",
    "input": "#00734c",
    "forget": "#b54200",
    "candidate": "#a03a78",
    "output": "#0062a3",
    # Signed numbers: violet and yellow, which no colour blindness confuses
    # and which belong to no gate.
    "positive": "#5146c4",
    "negative": "#8f6500",
    "paper": "#fffffe",  # behind a whole figure; in the book the page is seen
    "ground": "#fffffd",  # behind a node or a number, hides what runs there
}
