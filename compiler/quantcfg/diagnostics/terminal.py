"""How a terminal displays text: width, alignment, control characters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from unicodedata import bidirectional, category, combining, east_asian_width

_REORDERING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def printable(text: str) -> str:
    """Replace control characters other than tabs, so that a terminal does not interpret them."""
    if _is_plain(text):
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(char) else char for char in text)


def spaces(text: str) -> str:
    """Return spaces as wide as the text; tabs are kept, so that a caret below lines up."""
    if _is_plain(text):
        return " " * len(text)
    return "".join("\t" if char == "\t" else " " * width(char) for char in text)


def width(text: str) -> int:
    """Return how many columns the text occupies."""
    return len(text) if _is_plain(text) else sum(_columns(char) for char in text)


def _is_plain(text: str) -> bool:
    """Return whether every character is one printable column wide."""
    return text.isascii() and text.isprintable()


def aligned(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows of equal length as lines with aligned columns."""
    table = [[printable(cell).replace("\t", " ") for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*table, strict=True)]
    return ["  ".join(map(_padded, row, widths)).rstrip() for row in table]


def _padded(cell: str, columns: int) -> str:
    return cell + " " * (columns - width(cell))


def _columns(char: str) -> int:
    if _is_control(char):
        return 1
    if combining(char) or category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if east_asian_width(char) in "WF" else 1


def _is_control(char: str) -> bool:
    """Return whether a terminal interprets or hides a character instead of displaying it."""
    return (
        (char != "\t" and category(char) == "Cc")
        or bidirectional(char) in _REORDERING
        or char == "\N{ZERO WIDTH NO-BREAK SPACE}"
    )


def wrapped(text: str, columns: int, first: str = "", following: str = "") -> list[str]:
    """Return text as lines, each after an indentation; a longer name stays whole."""
    from textwrap import wrap

    return wrap(
        text,
        columns,
        initial_indent=first,
        subsequent_indent=following,
        break_long_words=False,
        break_on_hyphens=False,
    )
