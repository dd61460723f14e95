"""The syntax tree of JSON: the values that Python's json returns, with their offsets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from quantcfg.diagnostics import Edit
from quantcfg.frozen import small_value
from quantcfg.source import Source, Span

_Node = TypeVar("_Node")


@small_value
class Scalar:
    """A string, a number, true, false or null."""

    value: Any
    start: int
    end: int


@small_value
class Missing:
    """The position of a value that could not be parsed; the error is already reported."""

    start: int
    end: int


@small_value
class Member:
    """A key and its value in an object.

    text is the key, or None if it could not be parsed. The key is stored inline, as
    one more node per member would cost time.
    """

    text: str | None
    start: int
    key_end: int
    value: Value

    @property
    def key(self) -> Scalar | Missing:
        """The key as a node."""
        if self.text is None:
            return Missing(self.start, self.key_end)
        return Scalar(self.text, self.start, self.key_end)


@small_value
class Object:
    """Members in braces; duplicate keys are kept."""

    members: Sequence[Member]
    start: int
    end: int


@small_value
class Array:
    """Values in brackets."""

    items: Sequence[Value]
    start: int
    end: int


Value = Scalar | Missing | Object | Array


class Unread(Sequence[_Node]):
    """The members of an object or the items of a list, created on first use.

    plain is the value that json returns for the object or list. is_distinct is
    whether there are no duplicate keys in it, at any depth.
    """

    def __init__(self, read: Callable[[], Iterable[_Node]], plain: Any, is_distinct: bool) -> None:
        self.plain, self.is_distinct = plain, is_distinct
        self._read = read

    @cached_property
    def _nodes(self) -> Sequence[_Node]:
        # The garbage collector scans a growing list faster than a growing tuple.
        return [*self._read()]

    def __len__(self) -> int:
        return len(self._nodes)

    def __getitem__(self, index: Any) -> Any:
        return self._nodes[index]

    def __iter__(self) -> Iterator[_Node]:
        return iter(self._nodes)


def member_of(key: Scalar | Missing, value: Value) -> Member:
    """Return a member with the given key and value."""
    return Member(key.value if isinstance(key, Scalar) else None, key.start, key.end, value)


def plain(value: Value) -> Any:
    """Return the value that Python's json would return, without members whose key or value is missing.

    Of members with the same key, the last one is used.
    """
    nodes = _nodes(value)
    if isinstance(nodes, Unread):
        return nodes.plain
    if isinstance(value, Object):
        return {key: plain(member.value) for key, member in keyed(value) if is_whole(member.value)}
    if isinstance(value, Array):
        return [plain(item) for item in value.items]
    assert isinstance(value, Scalar)
    return value.value


def _nodes(value: Value) -> Sequence[Member] | Sequence[Value] | None:
    if isinstance(value, Object):
        return value.members
    return value.items if isinstance(value, Array) else None


def keyed(value: Object) -> Iterator[tuple[str, Member]]:
    """Yield each member whose key is valid, with its key."""
    for member in value.members:
        if member.text is not None:
            yield member.text, member


def is_whole(value: Value) -> bool:
    """Return whether a value, and each item of it if it is a list, could be parsed."""
    if isinstance(value, Array):
        return all(is_whole(item) for item in value.items)
    return not isinstance(value, Missing)


def is_distinct(value: Value) -> bool:
    """Return whether a value is known to have no duplicate keys, without creating its nodes."""
    nodes = _nodes(value)
    return nodes is None or (isinstance(nodes, Unread) and nodes.is_distinct)


def removal(source: Source, parent: Object, member: Member) -> Edit:
    """Return the edit that removes a member and one comma from its object."""
    index = bisect_left(parent.members, member.start, key=lambda each: each.start)
    start, end = member.start, member.value.end
    if index + 1 < len(parent.members):
        end = parent.members[index + 1].start
    elif index:
        start = parent.members[index - 1].value.end
    return Edit(Span(source, start, end), "")
