"""Settings that must stand before the first test module is imported."""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")  # Keras reads it at import

from hypothesis import settings

# Imports and a busy machine make single examples slow; the same examples
# are drawn at every run.
settings.register_profile(
    "course", max_examples=40, deadline=None, derandomize=True, database=None
)
settings.load_profile("course")
