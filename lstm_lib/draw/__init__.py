"""Diagrams computed from the objects they show.

`cell` draws the inside of a recurrent cell, with the numbers that flow
through it if it is given some; `compare` shows what one cell changes in
another. `unroll` draws a model through time, `network` every connection of
two layers, `tensors` arrays as blocks. Each returns a `Diagram`, which
Jupyter displays:

>>> from lstm_lib import LSTM, draw
>>> layer = LSTM(1, 1, forget_bias=3.0, rng=0)
>>> diagram = draw.cell(layer, x=[0.5], state=([0.1], [1.2]))
>>> print(diagram.alt.partition(";")[0])
LSTM cell: forget gate 0.945 keeps c_{t-1} = 1.2
>>> diagram.json()["width"]
518

`layout` is the model that all diagrams share; nothing here needs Matplotlib.
"""

from lstm_lib.draw.cells import cell, compare
from lstm_lib.draw.connections import network
from lstm_lib.draw.layout import Diagram
from lstm_lib.draw.shapes import tensors
from lstm_lib.draw.unrolled import unroll

__all__ = ["Diagram", "cell", "compare", "network", "tensors", "unroll"]
