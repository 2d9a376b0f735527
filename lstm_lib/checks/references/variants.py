"""Variants of the gate: peepholes, coupled gates, the GRU in both published forms."""

SUBJECTS = ()
