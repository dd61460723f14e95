"""Words of messages that several diagnostics put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MOST_NAMES = 5


def quoted(names: Iterable[str]) -> str:
    """Return names as a list in words: quoted, and counted where they are too many to show."""
    shown = [f'"{name}"' for name in names]
    if len(shown) > _MOST_NAMES:
        rest = len(shown) - _MOST_NAMES + 1
        shown[_MOST_NAMES - 1 :] = [f"{rest} more"]
    return _joined(shown, "and")


def alternatives(names: Iterable[str]) -> str:
    """Return names, one of which is meant, as a list in words."""
    return _joined([f'"{name}"' for name in names], "or")


def listed(words: Sequence[str]) -> str:
    """Return words as a list, all of them and without quotes."""
    return _joined(words, "and")


def _joined(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def boolean(value: bool) -> str:
    """Return a truth value as text formats write it."""
    return "true" if value else "false"


def counted(number: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
