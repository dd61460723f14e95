"""Words of messages that several diagnostics put together."""

from __future__ import annotations

from collections.abc import Iterable

_MOST_NAMES = 5


def quoted(names: Iterable[str]) -> str:
    """Return names as a list in words: quoted, and counted where they are too many to show."""
    shown = [f'"{name}"' for name in names]
    if len(shown) > _MOST_NAMES:
        rest = len(shown) - _MOST_NAMES + 1
        shown[_MOST_NAMES - 1 :] = [f"{rest} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def boolean(value: bool) -> str:
    """Return a truth value as text formats write it."""
    return "true" if value else "false"
