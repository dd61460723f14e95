"""Phrases that messages have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MAX_NAMES = 5


def quoted(names: Iterable[str]) -> str:
    """Return names in quotes as an English list, shortened to "3 more" if there are many."""
    return few(f'"{name}"' for name in names)


def few(words: Iterable[str]) -> str:
    """Return words as an English list, shortened to "3 more" if there are many."""
    shown = [*words]
    if len(shown) > _MAX_NAMES:
        rest = len(shown) - _MAX_NAMES + 1
        shown[_MAX_NAMES - 1 :] = [f"{rest} more"]
    return listed(shown)


def alternatives(names: Iterable[str]) -> str:
    """Return names in quotes as an English list with "or"."""
    return listed([f'"{name}"' for name in names], "or")


def listed(words: Sequence[str], last: str = "and") -> str:
    """Return all words as an English list, without quotes; last is the word before the last one."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def boolean(value: bool) -> str:
    """Return "true" or "false"."""
    return "true" if value else "false"


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, such as "2 errors"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def percentage(part: float, whole: float) -> str:
    """Return a share; it is 100 % only if it is all, and 0 % only if it is none."""
    share = 100 * part / whole if whole else 0.0
    shown = f"{share:.1f}".removesuffix(".0") if part in (0, whole) else f"{min(99.9, max(0.1, share)):.1f}"
    return f"{shown} %"
