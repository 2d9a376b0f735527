"""Mistakes in carrying weights from one framework to another."""
