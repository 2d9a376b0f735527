"""Mistakes about two directions, depth and dropout."""
