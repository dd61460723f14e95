"""python -m quantcfg."""

import sys

from quantcfg.cli import main

sys.exit(main())
