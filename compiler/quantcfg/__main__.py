"""python -m quantcfg, and the command quantcfg."""

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_GC_THRESHOLD = 100_000
"""How many new objects start a garbage collection; Python's default is 700."""


def run() -> int:
    """Run the command as a process of its own; return the exit status."""
    # An interruption ends the process wherever it comes, while modules are loaded and while a pipe is
    # waited for, as SIGTERM does. Only while a file is replaced are signals held back.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A command makes many values, few of them in cycles: with the default, a large compile takes half as
    # long again. With the collector off, a check of 500 files with errors takes three times the memory.
    gc.set_threshold(_GC_THRESHOLD)
    from quantcfg.cli import main

    status = main(guard=_signals_held)
    # All memory goes with the process: the interpreter need not look for cycles in it at its end.
    gc.freeze()
    return status


@contextmanager
def _signals_held() -> Iterator[None]:
    """Block the signals that end the process, so that it does not end while a file is replaced."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


if __name__ == "__main__":
    sys.exit(run())
