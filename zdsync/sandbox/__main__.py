"""Run the sandbox as a process: python -m zdsync.sandbox."""

import sys

from .server import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
