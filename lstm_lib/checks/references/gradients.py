"""Backwards through the LSTM: step, sequence, clipping, decay."""

SUBJECTS = ()
