"""Mistakes about PyTorch's layers."""
