"""Run a benchmark: `layers` (with --json FILE), `drawing`, `live_cells`, `grading`."""

import sys
from importlib import import_module

NAMES = ("layers", "drawing", "live_cells", "grading")

if __name__ == "__main__":
    name, *options = sys.argv[1:] or ["layers"]
    if name not in NAMES:
        sys.exit(f"benchmark: expected one of {', '.join(NAMES)}, got {name!r}")
    import_module(f"benchmarks.{name}").main(options)
