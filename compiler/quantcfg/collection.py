"""Python's collector of cyclic garbage, and when it has nothing to do."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the collector off for a while.

    A compile makes many values, and no cycles of them: to look for cycles again
    and again would take as long as the compile, and longer the larger it is.
    What is there in the end counts as old, and is not looked through as new.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            _make_old()
            gc.enable()


def _make_old() -> None:
    """Move all values to the oldest generation, but for a program that keeps frozen ones of its own."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()
