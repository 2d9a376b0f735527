"""What is right: for each check a reference, and the inputs to compare on.

The references repeat `lstm_lib.cells` with one thing added: the part that a
student wrote in an earlier task can be passed in (`sigmoid=`, `step=`).
To add a check, write a reference and a function that makes its cases in the
module of its topic, and enter both in that module's SUBJECTS.
"""

from lstm_lib.checks.references import (
    attention,
    directions,
    forecasting,
    gradients,
    inspection,
    keras_layers,
    lstm,
    porting,
    sequences,
    simple_rnn,
    torch_layers,
    training_script,
    variants,
)

TOPICS = (
    *(sequences, simple_rnn, lstm, gradients, inspection),
    *(variants, directions, attention),
    *(torch_layers, keras_layers, porting, training_script),
    forecasting,
)
SUBJECTS = {subject.name: subject for topic in TOPICS for subject in topic.SUBJECTS}
