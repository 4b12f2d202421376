"""`python -m simplyload` is the command `simplyload`."""

import sys

from simplyload.cli import main

sys.exit(main())
