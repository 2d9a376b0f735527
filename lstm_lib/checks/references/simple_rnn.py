"""The simple recurrent network: step, sequence, softmax, loss, backward."""

SUBJECTS = ()
