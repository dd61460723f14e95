"""One text turned into another by an edit that leaves alone what they have in common."""

from __future__ import annotations

from quantcfg.diagnostics import Edit
from quantcfg.source import Source, Span


def difference(source: Source, text: str) -> tuple[Edit, ...]:
    """Return one edit from the first to the last character that differs; none where nothing does."""
    before = source.text
    if text == before:
        return ()
    start = _common(before, text)
    end = _common(before[start:][::-1], text[start:][::-1])
    return (Edit(Span(source, start, len(before) - end), text[start : len(text) - end]),)


def _common(one: str, other: str) -> int:
    """Return how many characters two texts start with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))
