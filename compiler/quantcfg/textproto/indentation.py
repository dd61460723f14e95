"""Brackets and indentation: where the two disagree, which bracket is missing, or is one too many.

A closing bracket that starts its line is aligned with the line of its opening
one in all text that people or tools lay out. Where brackets do not match, the
first closing bracket that is not aligned shows the place better than the end
of the text does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from quantcfg import limits
from quantcfg.values import small_value

_PIECE = re.compile(
    r"""
      ^(?P<indentation> [ \t]*+ )
    | \#[^\n]*+
    | "(?:[^"\\\n]|\\.)*+"? | '(?:[^'\\\n]|\\.)*+'?
    | (?P<opening> [{<\[] )
    | (?P<closing> [}>\]] )
    """,
    re.VERBOSE | re.MULTILINE,
)
CLOSING = {"{": "}", "<": ">", "[": "]"}
"""The closing bracket of each opening one."""


@small_value
class _Bracket:
    """A bracket; indentation is that of its line, None for a closing bracket that does not start it."""

    text: str
    offset: int
    indentation: int | None
    is_opening: bool


def unclosed(text: str, end: int) -> tuple[Sequence[int], Sequence[int]]:
    """Return the opening brackets that an aligned closing one leaves open, and those open at an offset.

    Both are offsets, the innermost bracket of the first place first. Both are
    empty where indentation explains nothing: some closing bracket has no
    opening one then.
    """
    opened: list[_Bracket] = []
    missing: list[int] = []
    for bracket in _brackets(text, end):
        if bracket.is_opening:
            opened.append(bracket)
            continue
        depth = _depth(opened, bracket.indentation)
        if depth > len(opened) or CLOSING[opened[-depth].text] != bracket.text:
            return (), ()
        inner = opened[len(opened) - depth + 1 :]
        missing += [each.offset for each in reversed(inner)]
        del opened[-depth:]
    return missing, [each.offset for each in reversed(opened)]


def surplus(text: str, end: int) -> int | None:
    """Return the offset of the first closing bracket that is indented deeper than the line it closes.

    None where the brackets before end do not all match without such ones.
    """
    opened: list[_Bracket] = []
    found: int | None = None
    for bracket in _brackets(text, end):
        if bracket.is_opening:
            opened.append(bracket)
        elif not opened:
            return None
        elif (bracket.indentation or 0) > (opened[-1].indentation or 0):
            found = bracket.offset if found is None else found
        else:
            opened.pop()
    return None if opened else found


def _depth(opened: Sequence[_Bracket], indentation: int | None) -> int:
    """Return how many open brackets a closing one closes by its indentation: 1 where that says nothing."""
    if indentation is None:
        return 1
    for depth, bracket in enumerate(reversed(opened[-limits.NESTING :]), start=1):
        if (bracket.indentation or 0) <= indentation:
            return depth if bracket.indentation == indentation else 1
    return 1


def _brackets(text: str, end: int) -> Iterator[_Bracket]:
    """Yield the brackets before an offset that are not in strings or comments."""
    indentation, start = 0, 0
    for piece in _PIECE.finditer(text, 0, end):
        if piece.lastgroup == "indentation":
            indentation, start = len(piece[0].expandtabs()), piece.end()
        elif piece.lastgroup == "opening":
            yield _Bracket(piece[0], piece.start(), indentation, True)
        elif piece.lastgroup == "closing":
            yield _Bracket(piece[0], piece.start(), indentation if piece.start() == start else None, False)
