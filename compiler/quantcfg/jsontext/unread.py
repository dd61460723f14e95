"""Members and items of a JSON text that are read when someone asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

_Node = TypeVar("_Node")


class Unread(Sequence[_Node], Generic[_Node]):
    """The members of an object, or the items of a list, read on first use.

    plain is what json makes of the object or list; is_distinct tells that no key
    is repeated in it.
    """

    __slots__ = ("_nodes", "_read", "_start", "_text", "is_distinct", "plain")

    def __init__(
        self,
        text: str,
        start: int,
        plain: Any,
        is_distinct: bool,
        read: Callable[[str, int], Iterator[_Node]],
    ) -> None:
        self._text = text
        self._start = start
        self._read = read
        self._nodes: tuple[_Node, ...] | None = None
        self.plain = plain
        self.is_distinct = is_distinct

    @property
    def nodes(self) -> tuple[_Node, ...]:
        """The members or items."""
        if self._nodes is None:
            self._nodes = tuple(self._read(self._text, self._start + 1))
        return self._nodes

    def __len__(self) -> int:
        return len(self.nodes)

    @overload
    def __getitem__(self, index: int) -> _Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[_Node, ...]: ...
    def __getitem__(self, index: int | slice) -> _Node | tuple[_Node, ...]:
        return self.nodes[index]

    def __iter__(self) -> Iterator[_Node]:
        return iter(self.nodes)

    def __eq__(self, other: object) -> bool:
        return self.nodes == (other.nodes if isinstance(other, Unread) else other)

    def __hash__(self) -> int:
        return hash(self.nodes)
