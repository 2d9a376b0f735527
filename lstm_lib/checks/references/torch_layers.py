"""What PyTorch's layers return and hold: shapes, counts, two biases."""

SUBJECTS = ()
