"""Attention: scores, their softmax over what is there, and the weighted mean."""

SUBJECTS = ()
