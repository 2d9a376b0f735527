"""Mistakes about Keras's layers."""
