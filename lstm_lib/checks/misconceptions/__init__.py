"""What is wrong, and what it is called: the misconception bank.

Each entry is a wrong implementation that people really write. It takes what
the reference takes, the student's own part included, and returns what that
mistake returns. The sentence is read by the student: it says what the answer
equals, asks a question, and does not give the right line away.
To add one, write the function below its heading in the module of its topic;
its name becomes its id.
"""

# In the order of the course, which is the order of the bank.
from lstm_lib.checks.misconceptions import (  # isort: skip
    sequences,
    simple_rnn,
    lstm,
    gradients,
    inspection,
    variants,
    directions,
    attention,
    torch_layers,
    keras_layers,
    porting,
    training_script,
    forecasting,
)
from lstm_lib.checks.misconceptions.bank import BANK, Misconception

__all__ = ["BANK", "Misconception"]
__all__ += ["attention", "directions", "forecasting", "gradients", "inspection"]
__all__ += ["keras_layers", "lstm", "porting", "sequences", "simple_rnn"]
__all__ += ["torch_layers", "training_script", "variants"]
