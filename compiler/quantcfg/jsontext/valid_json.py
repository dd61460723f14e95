"""The fast path: Python's json parses valid values; nodes are created on first use."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, partial
from itertools import chain
from typing import Any

from quantcfg import limits
from quantcfg.jsontext.json_tokens import STRING, WHITESPACE, Token, token_at
from quantcfg.jsontext.json_tree import Array, Member, Object, Scalar, Unread, Value

_HALF = limits.TOKEN_LENGTH // 2
_LONG = re.compile(rf'"(?:[^"\\]|\\.){{{_HALF - 1},}}+"|[-+.0-9eE]{{{_HALF},}}')
"""Finds strings and numbers that may exceed the length limit; an escape counts as one character here."""

_QUOTE = re.compile(r'(?<!\\)"')

_KEY = re.compile(rf"[ \t\n\r,]*+({STRING}){WHITESPACE}:{WHITESPACE}")
_ITEM = re.compile(r"[ \t\n\r,]*+(?!])")

_PLAIN = r"""(?: [\w.+-]++ | "\w*+" | \[[\w.+\-", ]*+\] | \{\} )"""
_OPTIONAL_KEY = r"""(?: "\w*+" [ ]?:[ ]? )?+"""
_LINES = re.compile(
    rf"""
    (?P<indent> [ \t]*+ ) [{{[] \r?\n (?= (?P=indent) (?P<step> [ \t]++ ) )
    (?:
      (?P<outer> [ \t]* ) (?P=step) (?: [\]}}] | {_OPTIONAL_KEY} {_PLAIN} ) ,? \r?\n
      (?= (?P=outer) (?: (?P=step) [^\s\]}}] | [\]}}] ) )
    |
      (?P<before> [ \t]* ) (?P=step) {_OPTIONAL_KEY} [{{[] \r?\n
      (?= (?P=before) (?P=step) (?P=step) [^\s\]}}] )
    )*+
    (?P=indent) [\]}}]
    """,
    re.VERBOSE,
)
"""An object or list with one member or item per line, indented by one step per open bracket."""


class CachedText:
    """Text with its tokens and its valid objects and lists, which are cached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._valid = cache(partial(_valid_value, text))
        self._is_tidy = cache(_is_tidy)
        self._tokens: dict[int, Token] = {}

    def token_at(self, offset: int, before: Token | None) -> Token:
        """Return the next token at or after an offset; before is the token before it, if any."""
        if offset not in self._tokens:
            self._tokens[offset] = token_at(self._text, offset, before)
        return self._tokens[offset]

    def value_at(self, start: int, depth: int, indentation: str | None) -> Value | None:
        """Return the value at an offset, or None if it may contain an error.

        depth is the number of open brackets, including its own. indentation is that
        of its line if the parser uses indentation, which must then agree with the
        brackets.
        """
        value = self._valid(start, depth)
        if value is None or indentation is None:
            return value
        return value if self._is_tidy(indentation, self._text[start : value.end]) else None


def _valid_value(text: str, start: int, depth: int) -> Value | None:
    try:
        value, end, is_distinct = _decoded(text, start)
        every = value if is_distinct else json.loads(text[start:end], object_pairs_hook=_values)
    except (ValueError, RecursionError):
        return None
    if _has_long_block(text, start, end) and _LONG.search(text, start, end):
        return None
    if _is_deep(every, limits.NESTING - depth + 1):
        return None
    return _node(text, start, value, end, is_distinct)


def _has_long_block(text: str, start: int, end: int) -> bool:
    """Return whether a block of _HALF characters has no unescaped quote, as in a token that is too long."""
    return any(not _QUOTE.search(text, at, at + _HALF) for at in range(start, end - _HALF, _HALF))


def _is_tidy(indentation: str, value: str) -> bool:
    """Return whether the indentation of a valid value agrees with its brackets."""
    return "\n" not in value or bool(_LINES.fullmatch(indentation + value))


def _is_deep(value: Any, limit: int) -> bool:
    """Return whether an object or list is nested deeper than a limit."""
    level = [value]
    for _ in range(limit):
        items = chain.from_iterable(each.values() if type(each) is dict else each for each in level)
        level = [item for item in items if type(item) in (dict, list)]
        if not level:
            return False
    return True


def _decoded(text: str, start: int) -> tuple[Any, int, bool]:
    """Return the value at an offset, its end, and whether it has no duplicate keys."""
    try:
        return *_DISTINCT.raw_decode(text, start), True
    except _RepeatedError:
        return *_ANY.raw_decode(text, start), False


class _RepeatedError(Exception):
    """An object has a duplicate key."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RepeatedError
    return members


def _values(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [value for _, value in pairs]


def _refuse(word: str) -> None:
    raise ValueError(word)


_DISTINCT = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse)
_ANY = json.JSONDecoder(parse_constant=_refuse)


def _node(text: str, start: int, value: Any, end: int, is_distinct: bool) -> Value:
    """Return the node of a value that json has parsed."""
    if isinstance(value, list):
        return Array(Unread(partial(_items, text, start + 1), value, is_distinct), start, end)
    if isinstance(value, dict):
        return Object(Unread(partial(_members, text, start + 1), value, is_distinct), start, end)
    return Scalar(value, start, end)


def _members(text: str, at: int) -> Iterator[Member]:
    while match := _KEY.match(text, at):
        quoted, start = match[1], match.end()
        key = json.loads(quoted) if "\\" in quoted else quoted[1:-1]
        value, at, is_distinct = _decoded(text, start)
        yield Member(key, *match.span(1), _node(text, start, value, at, is_distinct))


def _items(text: str, at: int) -> Iterator[Value]:
    while match := _ITEM.match(text, at):
        value, at, is_distinct = _decoded(text, match.end())
        yield _node(text, match.end(), value, at, is_distinct)
