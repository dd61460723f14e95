"""What a misspelt name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is most like this one, or None if none is near.

    A name that differs only in case is nearest of all.
    """
    names = list(known)
    same = [candidate for candidate in names if candidate.lower() == name.lower()]
    matches = same or get_close_matches(name, names, n=1)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the nearest known name as a help text, or None."""
    match = nearest(name, known)
    return None if match is None else f'did you mean "{match}"?'
