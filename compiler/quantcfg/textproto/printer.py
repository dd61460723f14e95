"""Print a syntax tree in the canonical layout, with the comments of its source.

One field per line, indented by two spaces per level; messages use braces. A list
is on one line if it fits, otherwise one item per line. Consecutive blank lines
become one. Names and values are not changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from quantcfg.frozen import small_value
from quantcfg.source import Span
from quantcfg.textproto import tree
from quantcfg.textproto.trivia import COMMENT, SPACES, comments_between, line_end

_WIDTH = 80
_INDENT = "  "
_BEFORE_COMMENT = "  "
_TRIVIA = re.compile(rf"(?P<comment>{COMMENT.pattern})|(?P<line_end>\n)|(?P<mark>[^{SPACES}])")

_Item = tree.Value | tree.Literal


@small_value
class _Line:
    """An output line; a trailing comment goes to the end of the previous line, unless that has one."""

    level: int
    text: str
    is_comment: bool = False
    is_trailing: bool = False


_BLANK = _Line(0, "")


def print_document(document: tree.Document) -> str:
    """Return the canonical text of a document; it parses back to an equal tree.

    Line endings are those of the first line of the source. The tree must not be
    nested deeper than limits.NESTING.
    """
    text = document.source.text
    lines = _joined(_fields(document, document.fields, 0, len(text), 0))
    end = line_end(text)
    return "".join(f"{line}{end}" for line in lines)


def _joined(lines: Iterable[_Line]) -> list[str]:
    joined: list[str] = []
    takes_comment = False
    for line in lines:
        if line.is_trailing and takes_comment:
            joined[-1] += _BEFORE_COMMENT + line.text
        else:
            joined.append(_INDENT * line.level + line.text)
        takes_comment = not line.is_comment
    return joined


def _fields(
    document: tree.Document, fields: Iterable[tree.Field], start: int, end: int, level: int
) -> Iterator[_Line]:
    """Yield the lines of the fields and comments between two offsets."""
    is_first = True
    for field in fields:
        yield from _trivia(document, start, field.start, level, is_first=is_first)
        yield from _field(document, field, level)
        start, is_first = field.end, False
    yield from _trivia(document, start, end, level, is_first=is_first, is_last=True)


def _field(document: tree.Document, field: tree.Field, level: int) -> Iterator[_Line]:
    """Yield the lines of a field; comments before its value are moved before the field."""
    yield from _comments(document, field.start, field.value.start, level)
    name = field.text
    colon = " " if isinstance(field.value, tree.Message) else ": "
    yield from _value(document, field.value, level, name + colon)


def _value(
    document: tree.Document, value: _Item, level: int, prefix: str = "", suffix: str = ""
) -> Iterator[_Line]:
    """Yield the lines of a value, with a prefix on the first line and a suffix on the last.

    A comment between a sign and its number is moved before the value.
    """
    inline = _inline(document, value)
    if isinstance(value, tree.Number | tree.Identifier):
        yield from _comments(document, value.start, value.end, level)
    if inline is not None and not (_is_divisible(value) and _is_long(f"{prefix}{inline}{suffix}", level)):
        yield _Line(level, f"{prefix}{inline}{suffix}")
    elif isinstance(value, tree.Message):
        yield _Line(level, f"{prefix}{{")
        yield from _fields(document, value.fields, value.start + 1, value.end - 1, level + 1)
        yield _Line(level, f"}}{suffix}")
    elif isinstance(value, tree.List):
        yield _Line(level, f"{prefix}[")
        yield from _items(document, value.items, value.start + 1, value.end - 1, level + 1, ",", "")
        yield _Line(level, f"]{suffix}")
    elif isinstance(value, tree.String):
        if prefix:
            yield _Line(level, prefix.rstrip())
        inner = level + 1 if prefix else level
        yield from _items(document, value.parts, value.start, value.end, inner, "", suffix)


def _is_divisible(value: _Item) -> bool:
    """Return whether a value can be split into several lines."""
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
    suffix: str,
) -> Iterator[_Line]:
    """Yield the lines of items, one item per line; suffix follows the last one."""
    for index, item in enumerate(items):
        yield from _trivia(document, start, item.start, level, is_first=index == 0)
        is_last = index + 1 == len(items)
        yield from _value(document, item, level, suffix=suffix if is_last else separator)
        start = item.end
    yield from _trivia(document, start, end, level, is_first=not items, is_last=True)


def _inline(document: tree.Document, value: _Item) -> str | None:
    """Return a value on one line, or None if that is not possible."""
    match value:
        case tree.Message(fields=fields):
            return None if fields or _is_commented(document, value, ()) else "{}"
        case tree.List(items=items):
            inline = [_inline(document, item) for item in items]
            is_broken = None in inline or _is_commented(document, value, items)
            return None if is_broken else f"[{', '.join(filter(None, inline))}]"
        case tree.String():
            parts = value.parts
            return None if _is_commented(document, value, parts) else " ".join(part.text for part in parts)
        case tree.Missing():
            return ""
        case _:
            return value.text


def _is_commented(document: tree.Document, value: tree.Value, items: Sequence[_Item]) -> bool:
    """Return whether a value has comments between its items, or within items that are numbers or words."""
    text = document.source.text
    ends = [value.start, *(item.end for item in items)]
    starts = [*(item.start for item in items), value.end]
    return any(COMMENT.search(text, end, start) for end, start in zip(ends, starts, strict=True)) or any(
        COMMENT.search(text, item.start, item.end)
        for item in items
        if isinstance(item, tree.Number | tree.Identifier)
    )


def _comments(document: tree.Document, start: int, end: int, level: int) -> Iterator[_Line]:
    """Yield the comments between two offsets, one per line."""
    for comment in comments_between(Span(document.source, start, end)):
        yield _Line(level, comment, is_comment=True)


def _trivia(
    document: tree.Document, start: int, end: int, level: int, *, is_first: bool, is_last: bool = False
) -> Iterator[_Line]:
    """Yield the comments and blank lines between two offsets, without blank lines next to a bracket."""
    line_ends = 0 if start else 1
    for match in _TRIVIA.finditer(document.source.text, start, end):
        if match.lastgroup == "line_end":
            line_ends += 1
            continue
        if match.lastgroup == "comment":
            is_trailing = line_ends == 0
            if line_ends > 1 and not is_first:
                yield _BLANK
            yield _Line(level, match[0].rstrip(SPACES), is_comment=True, is_trailing=is_trailing)
            is_first = is_first and is_trailing
        line_ends = 0
    if line_ends > 1 and not is_first and not is_last:
        yield _BLANK
