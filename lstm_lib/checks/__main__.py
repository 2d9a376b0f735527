"""`python -m lstm_lib.checks bank` prints the misconceptions as a table."""

import sys

from lstm_lib.checks.misconceptions.bank import table

USAGE = "usage: python -m lstm_lib.checks bank"

if sys.argv[1:] == ["bank"]:
    print(table())
else:
    sys.exit(USAGE)
