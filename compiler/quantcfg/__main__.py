"""python -m quantcfg, and the command quantcfg."""

import gc
import sys

from quantcfg.cli import main


def run() -> int:
    """Run the command as a process of its own; return the exit status."""
    status = main()
    # All memory goes with the process: the interpreter need not look for cycles in it at its end.
    gc.freeze()
    return status


if __name__ == "__main__":
    sys.exit(run())
