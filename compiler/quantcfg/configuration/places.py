"""Where the keys and the values of a configuration stand in its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property

from quantcfg.diagnostics import Edit
from quantcfg.frozen import Remembering, frozen_value
from quantcfg.jsontext import Array, Member, Object, Value, keyed, parse, removal
from quantcfg.source import Source, Span

Path = tuple[str | int, ...]
"""Where a value is in a configuration: keys, and indices of lists."""


@frozen_value
class Places(Remembering):
    """The places of a text by path; without a text there are none, and every question is answered by None.

    Of keys that are repeated, the last one counts.
    """

    source: Source | None = None
    tree: Value | None = None

    def value(self, path: Path) -> Span | None:
        """Return where a value stands."""
        node = self.node(path)
        return Span(self.source, node.start, node.end) if self.source and node else None

    def key(self, path: Path) -> Span | None:
        """Return where the key of a value stands; where it is an item of a list, the item."""
        member = self._member(path)
        if member is None or self.source is None:
            return self.value(path)
        key = member[1].key
        return Span(self.source, key.start, key.end)

    def removal(self, path: Path) -> tuple[Edit, ...]:
        """Return the edits that take a key and its value out of the text."""
        member = self._member(path)
        return (removal(self.source, *member),) if member and self.source else ()

    def node(self, path: Path) -> Value | None:
        """Return the node of a value."""
        if not path or self.tree is None:
            return self.tree
        member = self._member(path)
        if member:
            return member[1].value
        parent, step = self.node(path[:-1]), path[-1]
        if isinstance(parent, Array) and isinstance(step, int) and step < len(parent.items):
            return parent.items[step]
        return None

    def all(self) -> Iterator[tuple[Path, Value, Member | None]]:
        """Yield all values with their paths, and the member that each is the value of, if it is of one."""
        if self.tree:
            yield from _nodes(self.tree, (), None)

    def _member(self, path: Path) -> tuple[Object, Member] | None:
        parent = self.node(path[:-1]) if path else None
        if not isinstance(parent, Object):
            return None
        member = self._members(path[:-1]).get(str(path[-1]))
        return (parent, member) if member else None

    @cached_property
    def _members(self) -> Callable[[Path], Mapping[str, Member]]:
        """The members of the object at a path by key, which may be many: they are read once."""

        def members(path: Path) -> Mapping[str, Member]:
            node = self.node(path)
            return dict(keyed(node)) if isinstance(node, Object) else {}

        return cache(members)


def places_in(source: Source) -> Places:
    """Return the places in a text; syntax errors are ignored."""
    return Places(source, parse(source, lambda _: None))


def _nodes(value: Value, path: Path, member: Member | None) -> Iterator[tuple[Path, Value, Member | None]]:
    yield path, value, member
    if isinstance(value, Object):
        for key, member in dict(keyed(value)).items():
            yield from _nodes(member.value, (*path, key), member)
    elif isinstance(value, Array):
        for index, item in enumerate(value.items):
            yield from _nodes(item, (*path, index), None)
