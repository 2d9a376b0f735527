"""Mistakes in attention: what is compared, what adds up to 1, what is averaged."""
