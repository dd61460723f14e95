"""A text in pieces, without a grammar: what can be said of it also where its syntax is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache

from quantcfg import limits
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.source import Source, Span
from quantcfg.values import small_value

_COMMENT = r"\#[^\n\0]*+"
_BLANKS = r"[ \t\n\v\f\r]++"
_STRING = r"""(?:"(?:[^"\\\n\0]|\\[^\n\0])*+"|'(?:[^'\\\n\0]|\\[^\n\0])*+')"""
_UNENDED = r"""["'][^\n]*+"""
_FIELD = rf"""(?:[A-Za-z_][A-Za-z0-9_]*+|\[[^\[\]\n"']*+\])(?:{_BLANKS}|{_COMMENT}\n)*+(?=[:{{<])"""
_WORD = r"[A-Za-z0-9_.]++"
_OPENING, _CLOSING = r"[{<\[(]", r"[}>\])]"
_OTHERS = r"""[^ \t\n\v\f\r\#"'A-Za-z0-9_.{}<>\[\]()]++"""

_PIECE = re.compile(
    rf"""
      (?P<comment>   {_COMMENT} )
    | (?P<blanks>    {_BLANKS} )
    | (?P<string>    {_STRING} )
    | (?P<unended>   {_UNENDED} )
    | (?P<field>     {_FIELD} )
    | (?P<word>      {_WORD} )
    | (?P<opening>   {_OPENING} )
    | (?P<closing>   {_CLOSING} )
    | (?P<other>     . )
    """,
    re.VERBOSE | re.DOTALL,
)
# A match costs as much in Python as many steps within a regular expression: the patterns below take
# many pieces at once, a thousand at most where it is to be known how far they go.
_MANY_PIECES = rf"(?: {_COMMENT} | {_BLANKS} | {_STRING} | {_UNENDED} | {_FIELD} | {_WORD} | . ){{1,1000}}+"
_NOTABLE = rf"""
    (?: {_COMMENT} | {_BLANKS} | {_STRING} | {_UNENDED} | (?!{_FIELD}){_WORD} | {_OTHERS} ){{0,1000}}+
    (?: (?P<field> {_FIELD} ) | (?P<opening> {_OPENING} ) | (?P<closing> {_CLOSING} ) )?
"""
_NAMELESS = rf"{_COMMENT} | {_BLANKS} | (?!{_STRING}){_UNENDED} | {_CLOSING} | {_OTHERS}"
_NO_NAMES, _NO_NAMES_OR_STRINGS = rf"(?: {_NAMELESS} | {_STRING} )*+", rf"(?: {_NAMELESS} )*+"
_HIDING_COMMENT = rf"""
    (?: [^\#"']++ | {_STRING} | {_UNENDED} | \#[^\n\0\r]*+(?!\r(?!\n)) )*+
    (?P<comment> {_COMMENT} )?
"""
_FIELD_ON_A_NEW_LINE = re.compile(r"\n[ \t\r]*+(?=[A-Za-z_][A-Za-z0-9_]*+[ \t]*+[:{<])")
_LONE_CARRIAGE_RETURN = re.compile(r"\r(?!\n)")
_BRACKET_OR_NOT = re.compile(
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
_FAR = 10_000
"""How far the end of a bracket is looked for, in characters."""


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern, compiled for its first use: most texts need none of them."""
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


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
    for piece in _compiled(_NOTABLE).finditer(text, offset):
        kind = piece.lastgroup
        start = piece.start(kind) if kind else piece.end()
        if depth and start - offset > _FAR:
            break
        if kind == "field" and depth == 0:
            return start
        if kind == "opening":
            depth += 1
        elif kind == "closing" and depth:
            depth -= 1
        elif kind == "closing" and text[start] in "}>":
            return start
        elif kind == "closing" and in_list:
            return piece.end()
    on_a_new_line = _FIELD_ON_A_NEW_LINE.search(text, offset) if depth else None
    return on_a_new_line.end() if on_a_new_line else len(text)


def holds_names(text: str, start: int, end: int, *, strings: bool) -> bool:
    """Tell whether between two offsets a field could stand: a name, in a string or not, or a bracket."""
    nameless = _compiled(_NO_NAMES_OR_STRINGS if strings else _NO_NAMES).match(text, start, end)
    return nameless is None or nameless.end() < end


def check_pieces(source: Source, report: Report) -> bool:
    """Report what is wrong with a text whatever its syntax is; tell whether it can be parsed."""
    if _LONE_CARRIAGE_RETURN.search(source.text):
        for comment in _hiding_comments(source):
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


def _hiding_comments(source: Source) -> Iterator[Span]:
    """Yield the comments with a carriage return that does not end a line."""
    for piece in _compiled(_HIDING_COMMENT).finditer(source.text):
        if piece["comment"]:
            yield Span(source, *piece.span("comment"))


def _long_pieces(source: Source) -> Iterator[Span]:
    # None of these pieces goes beyond its line, and lines are found in no time.
    if not _has_long_line(source.text):
        return
    for many in _compiled(_MANY_PIECES).finditer(source.text):
        if many.end() - many.start() > limits.TOKEN_LENGTH:
            yield from _long_pieces_between(source, *many.span())


def _long_pieces_between(source: Source, start: int, end: int) -> Iterator[Span]:
    for piece in _PIECE.finditer(source.text, start):
        if piece.start() >= end:
            break
        if len(piece[0]) > limits.TOKEN_LENGTH and piece.lastgroup in ("string", "unended", "field", "word"):
            yield Span(source, *piece.span())


def _has_long_line(text: str) -> bool:
    start = 0
    while len(text) - start > limits.TOKEN_LENGTH:
        start = text.rfind("\n", start, start + limits.TOKEN_LENGTH + 1) + 1
        if not start:
            return True
    return False


def nested_name(source: Source, depth: int) -> Span | None:
    """Return the name of the first message that is nested so deep, by its brackets; None without one."""
    opened = 0
    name = (0, 0)
    for piece in _PIECE.finditer(source.text):
        if piece.lastgroup == "field":
            name = piece.start(), piece.start() + len(piece[0].split(maxsplit=1)[0])
        elif piece.lastgroup == "opening" and piece[0] in "{<":
            opened += 1
            if opened == depth:
                return Span(source, *name)
        elif piece.lastgroup == "closing" and piece[0] in "}>":
            opened -= 1
    return None


def pieces(text: str, end: int) -> Iterator[re.Match[str]]:
    """Yield the pieces before an offset; the last one may be cut off there. lastgroup says what one is."""
    return _PIECE.finditer(text, 0, end)


# --- brackets and indentation


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
    for piece in _BRACKET_OR_NOT.finditer(text, 0, end):
        if piece.lastgroup == "indentation":
            indentation, start = len(piece[0].expandtabs()), piece.end()
        elif piece.lastgroup == "opening":
            yield _Bracket(piece[0], piece.start(), indentation, True)
        elif piece.lastgroup == "closing":
            yield _Bracket(piece[0], piece.start(), indentation if piece.start() == start else None, False)
