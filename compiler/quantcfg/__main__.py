"""python -m quantcfg, and the command quantcfg."""

import gc
import sys

_BY_SIGNAL = 128
"""What is added to the number of a signal for the exit status of who ends by it."""


def run() -> int:
    """Run the command as a process of its own; return the exit status."""
    try:
        # An interruption that comes while this is loaded is answered as any other.
        import signal

        from quantcfg.cli import main

        signal.signal(signal.SIGTERM, _end)
        status = main()
    except KeyboardInterrupt:
        status = _BY_SIGNAL + 2  # As SIGINT is numbered everywhere.
    # All memory goes with the process: the interpreter need not look for cycles in it at its end.
    gc.freeze()
    return status


def _end(number: int, frame: object) -> None:  # noqa: ARG001
    """End as an interruption does: what is half done is cleared away."""
    raise SystemExit(_BY_SIGNAL + number)


if __name__ == "__main__":
    sys.exit(run())
