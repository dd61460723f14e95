"""A text in pieces, without a grammar: what can be said of it also where its syntax is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

from quantcfg import limits
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.source import Source, Span

_PIECE = re.compile(
    r"""
      (?P<comment>   \#[^\n\0]*+ )
    | (?P<blanks>    [ \t\n\v\f\r]++ )
    | (?P<string>    "(?:[^"\\\n\0]|\\[^\n\0])*+" | '(?:[^'\\\n\0]|\\[^\n\0])*+' )
    | (?P<unended>   ["'][^\n]*+ )
    | (?P<field>     (?:[A-Za-z_][A-Za-z0-9_]*+|\[[^\[\]\n"']*+\])
                     (?:[ \t\n\v\f\r]|\#[^\n\0]*+\n)*+ (?=[:{<]) )
    | (?P<word>      [A-Za-z0-9_.]++ )
    | (?P<opening>   [{<\[(] )
    | (?P<closing>   [}>\])] )
    | (?P<other>     . )
    """,
    re.VERBOSE | re.DOTALL,
)
_FIELD_ON_A_NEW_LINE = re.compile(r"\n[ \t\r]*+(?=[A-Za-z_][A-Za-z0-9_]*+[ \t]*+[:{<])")
_LONE_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")
_FAR = 10_000
"""How far the end of a bracket is looked for, in characters."""


def starts_field(text: str, offset: int) -> bool:
    """Tell whether a name stands at an offset, and what only stands behind the name of a field."""
    piece = _PIECE.match(text, offset)
    return piece is not None and piece.lastgroup == "field"


def next_field(text: str, offset: int, *, in_list: bool) -> int:
    """Return where to read on behind a field that cannot be read: at the next field, or at a closing bracket.

    What is in brackets behind the offset belongs to the lost field, as far as
    the brackets match. in_list tells that a list is open at the offset.
    """
    depth = 0
    for piece in _PIECE.finditer(text, offset):
        kind, char = piece.lastgroup, piece[0]
        if depth and piece.start() - offset > _FAR:
            break
        if kind == "field" and depth == 0:
            return piece.start()
        if kind == "opening":
            depth += 1
        elif kind == "closing" and depth:
            depth -= 1
        elif kind == "closing" and char in "}>":
            return piece.start()
        elif kind == "closing" and in_list:
            return piece.end()
    on_a_new_line = _FIELD_ON_A_NEW_LINE.search(text, offset) if depth else None
    return on_a_new_line.end() if on_a_new_line else len(text)


def holds_names(text: str, start: int, end: int, *, strings: bool) -> bool:
    """Tell whether between two offsets a field could stand: a name, in a string or not, or a bracket."""
    kinds = ("field", "word", "opening", *(("string",) if strings else ()))
    return any(piece.lastgroup in kinds for piece in _PIECE.finditer(text, start, end))


def check_pieces(source: Source, report: Report) -> bool:
    """Report what is wrong with a text whatever its syntax is; tell whether it can be parsed."""
    if _LONE_CARRIAGE_RETURN.search(source.text):
        for comment in _comments(source):
            _check_comment(comment, report)
    for span in _long_pieces(source):
        length = span.end - span.start
        report(catalogue.TOO_LONG.at(span, length=length, limit=limits.TOKEN_LENGTH))
        return False
    return True


def _check_comment(comment: Span, report: Report) -> None:
    """Report a comment that hides what was meant to be the next line."""
    returns = [comment.start + lone.start() for lone in _LONE_CARRIAGE_RETURN.finditer(comment.text)]
    hidden = (line.strip() for line in comment.text.split("\r")[1:])
    if any(line and not line.startswith("#") for line in hidden):
        edits = [Edit(Span(comment.source, at, at + 1), "\n") for at in returns]
        help = "save the file with ordinary line ends"
        report(catalogue.CARRIAGE_RETURN.at(comment, help=help, fix=edits))


def _comments(source: Source) -> Iterator[Span]:
    for piece in _PIECE.finditer(source.text):
        if piece.lastgroup == "comment":
            yield Span(source, *piece.span())


def _long_pieces(source: Source) -> Iterator[Span]:
    # None of these pieces goes beyond its line, and lines are found in no time.
    if not _has_long_line(source.text):
        return
    for piece in _PIECE.finditer(source.text):
        if len(piece[0]) > limits.TOKEN_LENGTH and piece.lastgroup in ("string", "unended", "field", "word"):
            yield Span(source, *piece.span())


def _has_long_line(text: str) -> bool:
    start = 0
    while len(text) - start > limits.TOKEN_LENGTH:
        start = text.rfind("\n", start, start + limits.TOKEN_LENGTH + 1) + 1
        if not start:
            return True
    return False


def pieces(text: str, end: int) -> Iterator[re.Match[str]]:
    """Yield the pieces before an offset; the last one may be cut off there. lastgroup says what one is."""
    return _PIECE.finditer(text, 0, end)
