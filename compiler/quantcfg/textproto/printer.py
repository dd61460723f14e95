"""Syntax tree to text, in the one canonical layout; the comments of its source stay where they belong.

A field has a line of its own, two blanks for each level, and the brackets of a
message are braces. A list stands on one line if it fits there, and else has a
line for each item. Where there are blank lines, one is kept. Names and values
stay as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.trivia import BLANKS, COMMENT, comments_between, line_end

_WIDTH = 80
_INDENT = "  "
_BEFORE_COMMENT = "  "
_TRIVIA = re.compile(rf"(?P<comment>{COMMENT.pattern})|(?P<line_end>\n)|(?P<mark>[^{BLANKS}])")

_Item = tree.Value | tree.Literal


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a text; a comment that is_behind belongs on the line before, if that has none yet."""

    level: int
    text: str
    is_comment: bool = False
    is_behind: bool = False


_BLANK = _Line(0, "")


def print_document(document: tree.Document) -> str:
    """Return the canonical text of a tree, with the comments of its source; it parses back to an equal tree.

    Lines end as the first one of the source does. A tree that was built without
    a source is printed as it is. It must not be nested deeper than limits.NESTING.
    """
    text = document.source.text
    lines = _joined(_fields(document, document.fields, 0, len(text), 0))
    end = line_end(text)
    return "".join(f"{line}{end}" for line in lines)


def _joined(lines: Iterable[_Line]) -> list[str]:
    joined: list[str] = []
    takes_comment = False
    for line in lines:
        if line.is_behind and takes_comment:
            joined[-1] += _BEFORE_COMMENT + line.text
        else:
            joined.append(_INDENT * line.level + line.text)
        takes_comment = not line.is_comment
    return joined


def _fields(
    document: tree.Document, fields: Iterable[tree.Field], start: int, end: int, level: int
) -> Iterator[_Line]:
    """Yield the lines of the fields between two offsets, and of the comments around them."""
    is_first = True
    for field in fields:
        yield from _trivia(document, start, field.start, level, is_first=is_first)
        yield from _field(document, field, level)
        start, is_first = field.end, False
    yield from _trivia(document, start, end, level, is_first=is_first, is_last=True)


def _field(document: tree.Document, field: tree.Field, level: int) -> Iterator[_Line]:
    """Yield the lines of a field; comments in its name, and between that and the value, go before it."""
    yield from _comments(document, field.start, field.value.start, level)
    name = field.text
    colon = " " if isinstance(field.value, tree.Message) else ": "
    yield from _value(document, field.value, level, name + colon)


def _value(
    document: tree.Document, value: _Item, level: int, before: str = "", behind: str = ""
) -> Iterator[_Line]:
    """Yield the lines of a value, with what stands before it on its first line and behind it on its last.

    A comment between a sign and its number goes before it.
    """
    inline = _inline(document, value)
    if isinstance(value, tree.Number | tree.Identifier):
        yield from _comments(document, value.start, value.end, level)
    if inline is not None and not (_is_divisible(value) and _is_long(f"{before}{inline}{behind}", level)):
        yield _Line(level, f"{before}{inline}{behind}")
    elif isinstance(value, tree.Message):
        yield _Line(level, f"{before}{{")
        yield from _fields(document, value.fields, value.start + 1, value.end - 1, level + 1)
        yield _Line(level, f"}}{behind}")
    elif isinstance(value, tree.List):
        yield _Line(level, f"{before}[")
        yield from _items(document, value.items, value.start + 1, value.end - 1, level + 1, ",", "")
        yield _Line(level, f"]{behind}")
    elif isinstance(value, tree.String):
        if before:
            yield _Line(level, before.rstrip())
        inner = level + 1 if before else level
        yield from _items(document, value.parts, value.start, value.end, inner, "", behind)


def _is_divisible(value: _Item) -> bool:
    """Tell whether a value can have several lines."""
    return len(tree.children(value)) > isinstance(value, tree.String)


def _is_long(text: str, level: int) -> bool:
    return len(_INDENT) * level + len(text) > _WIDTH


def _items(
    document: tree.Document,
    items: Sequence[_Item],
    start: int,
    end: int,
    level: int,
    separator: str,
    behind: str,
) -> Iterator[_Line]:
    """Yield the lines of items, each on its own; behind stands behind the last one."""
    for index, item in enumerate(items):
        yield from _trivia(document, start, item.start, level, is_first=index == 0)
        is_last = index + 1 == len(items)
        yield from _value(document, item, level, behind=behind if is_last else separator)
        start = item.end
    yield from _trivia(document, start, end, level, is_first=not items, is_last=True)


def _inline(document: tree.Document, value: _Item) -> str | None:
    """Return a value as it stands on one line, or None if it cannot."""
    match value:
        case tree.Message(fields=fields):
            return None if fields or _is_commented(document, value, ()) else "{}"
        case tree.List(items=items):
            inline = [_inline(document, item) for item in items]
            is_broken = None in inline or _is_commented(document, value, items)
            return None if is_broken else f"[{', '.join(filter(None, inline))}]"
        case tree.String(parts=parts):
            return None if _is_commented(document, value, parts) else " ".join(part.text for part in parts)
        case tree.Missing():
            return ""
        case _:
            return value.text


def _is_commented(document: tree.Document, value: tree.Value, items: Sequence[_Item]) -> bool:
    """Tell whether there are comments in a value, outside of its items and in those that are numbers."""
    text = document.source.text
    ends = [value.start, *(item.end for item in items)]
    starts = [*(item.start for item in items), value.end]
    return any(COMMENT.search(text, end, start) for end, start in zip(ends, starts, strict=True)) or any(
        COMMENT.search(text, item.start, item.end)
        for item in items
        if isinstance(item, tree.Number | tree.Identifier)
    )


def _comments(document: tree.Document, start: int, end: int, level: int) -> Iterator[_Line]:
    """Yield the comments between two offsets, each on its own line."""
    for comment in comments_between(Span(document.source, start, end)):
        yield _Line(level, comment, is_comment=True)


def _trivia(
    document: tree.Document, start: int, end: int, level: int, *, is_first: bool, is_last: bool = False
) -> Iterator[_Line]:
    """Yield the comments and blank lines between two offsets, no blank ones at the ends of a bracket."""
    line_ends = 0 if start else 1
    for piece in _TRIVIA.finditer(document.source.text, start, end):
        if piece.lastgroup == "line_end":
            line_ends += 1
            continue
        if piece.lastgroup == "comment":
            is_behind = line_ends == 0
            if line_ends > 1 and not is_first:
                yield _BLANK
            yield _Line(level, piece[0].rstrip(BLANKS), is_comment=True, is_behind=is_behind)
            is_first = is_first and is_behind
        line_ends = 0
    if line_ends > 1 and not is_first and not is_last:
        yield _BLANK
