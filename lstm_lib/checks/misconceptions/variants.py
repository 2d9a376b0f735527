"""Mistakes in variants of the LSTM: what sees which state, and what keeps."""
