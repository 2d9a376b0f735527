"""Hostile submissions, by what they attack. See ../victim.py for the form."""
