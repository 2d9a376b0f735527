"""Weights carried from one framework to another: orders, transposes, biases."""

SUBJECTS = ()
