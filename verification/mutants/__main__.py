"""`python -m verification.mutants`: see `search`."""

import sys

from verification.mutants.search import main

if __name__ == "__main__":
    sys.exit(main())
