"""`python -m zdsync` is `zdsync`."""

import sys

from zdsync.cli import main

sys.exit(main())
