"""The fast path for text that Python's json reads: a node of its tree is read when someone asks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from quantcfg import limits
from quantcfg.jsontext.json_tree import Array, Member, Object, Scalar, Value
from quantcfg.jsontext.unread import Unread

_BLANKS = re.compile(r"[ \t\n\r]*+")
_HALF = limits.TOKEN_LENGTH // 2
_LONG = re.compile(rf'"(?:[^"\\]|\\.){{{_HALF - 1},}}+"|[-+.0-9eE]{{{_HALF},}}')
"""Strings of so many characters, of which an escape is two, and numbers."""

_KEY = re.compile(r'[ \t\n\r,]*+("(?:[^"\\]|\\.)*+")[ \t\n\r]*+:[ \t\n\r]*+')
_ITEM = re.compile(r"[ \t\n\r,]*+")


def valid_tree(text: str) -> Value | None:
    """Return the tree of a text in which parse() finds nothing wrong, or None if it may find something."""
    start = _after_blanks(text, 0)
    try:
        value, end, is_distinct = decoded(text, start)
        every = value if is_distinct else json.loads(text, object_pairs_hook=_values)
    except (ValueError, RecursionError):
        return None
    if _after_blanks(text, end) < len(text) or _is_deep(every, limits.NESTING) or _may_have_long_token(text):
        return None
    return node_at(text, start, value, end, is_distinct)


def _after_blanks(text: str, at: int) -> int:
    match = _BLANKS.match(text, at)
    assert match
    return match.end()


def _may_have_long_token(text: str) -> bool:
    """Tell whether a string or a number may be longer than a token may be."""
    limit = limits.TOKEN_LENGTH
    return len(text) > limit and any(len(match[0]) > limit for match in _LONG.finditer(text))


def _is_deep(value: Any, limit: int) -> bool:
    """Tell whether objects and lists are nested deeper than a limit."""
    if not isinstance(value, dict | list):
        return False
    items = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_is_deep(item, limit - 1) for item in items if isinstance(item, dict | list))


def decoded(text: str, start: int) -> tuple[Any, int, bool]:
    """Return the value at an offset, where it ends, and whether no key is repeated in it."""
    try:
        return *_DISTINCT.raw_decode(text, start), True
    except _RepeatedError:
        return *_ANY.raw_decode(text, start), False


class _RepeatedError(Exception):
    """A key is repeated in an object."""


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RepeatedError
    return members


def _values(pairs: list[tuple[str, Any]]) -> list[Any]:
    return [value for _, value in pairs]


def _refused(word: str) -> None:
    raise ValueError(word)


_DISTINCT = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refused)
_ANY = json.JSONDecoder(parse_constant=_refused)


def node_at(text: str, start: int, value: Any, end: int, is_distinct: bool) -> Value:
    """Return the node of a value that json has read."""
    if not isinstance(value, dict | list):
        return Scalar(value, start, end)
    if isinstance(value, list):
        return Array(Unread(text, start, value, is_distinct, _items), start, end)
    return Object(Unread(text, start, value, is_distinct, _members), start, end)


def _members(text: str, at: int) -> Iterator[Member]:
    while match := _KEY.match(text, at):
        key = Scalar(_string(match[1]), *match.span(1))
        start = match.end()
        value, at, is_distinct = decoded(text, start)
        yield Member(key, node_at(text, start, value, at, is_distinct))


def _string(quoted: str) -> Any:
    return json.loads(quoted) if "\\" in quoted else quoted[1:-1]


def _items(text: str, at: int) -> Iterator[Value]:
    while text[start := _start_of_item(text, at)] != "]":
        value, at, is_distinct = decoded(text, start)
        yield node_at(text, start, value, at, is_distinct)


def _start_of_item(text: str, at: int) -> int:
    match = _ITEM.match(text, at)
    assert match
    return match.end()
