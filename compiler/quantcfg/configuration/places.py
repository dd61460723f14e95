"""The spans of the keys and values of a configuration in its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, cached_property

from quantcfg.diagnostics import Edit
from quantcfg.frozen import Caching, frozen_value
from quantcfg.jsontext import Array, Member, Object, Value, keyed, parse, removal
from quantcfg.source import Source, Span

Path = tuple[str | int, ...]
"""The path of a value in a configuration: keys, and indices of lists."""


def is_in_list(path: Path) -> bool:
    """Return whether a path leads into an object of a list, such as a quantized tensor."""
    return len(path) > 1 and isinstance(path[1], int)


def object_in_words(path: Path) -> str:
    """Return the layer, or the object of a list, that a path leads into, as messages name it."""
    return f"{path[0]}[{path[1]}]" if is_in_list(path) else f'layer "{path[0]}"'


@frozen_value
class Places(Caching):
    """The spans in a source by path. Of duplicate keys, the last one is used."""

    source: Source
    tree: Value

    def value(self, path: Path) -> Span | None:
        """Return the span of a value."""
        node = self.node(path)
        return Span(self.source, node.start, node.end) if node else None

    def key(self, path: Path) -> Span | None:
        """Return the span of the key of a value, or of the value if it is an item of a list."""
        member = self._member(path)
        if member is None:
            return self.value(path)
        key = member[1].key
        return Span(self.source, key.start, key.end)

    def removal(self, path: Path) -> tuple[Edit, ...]:
        """Return the edits that remove a key and its value."""
        member = self._member(path)
        return (removal(self.source, *member),) if member else ()

    def node(self, path: Path) -> Value | None:
        """Return the syntax tree of a value."""
        if not path:
            return self.tree
        member = self._member(path)
        if member:
            return member[1].value
        parent, step = self.node(path[:-1]), path[-1]
        if isinstance(parent, Array) and isinstance(step, int) and step < len(parent.items):
            return parent.items[step]
        return None

    def all(self) -> Iterator[tuple[Path, Value, Member | None]]:
        """Yield all values with their paths, and with their members if they are in an object."""
        yield from _nodes(self.tree, (), None)

    def _member(self, path: Path) -> tuple[Object, Member] | None:
        parent = self.node(path[:-1]) if path else None
        if not isinstance(parent, Object):
            return None
        member = self._members(path[:-1]).get(str(path[-1]))
        return (parent, member) if member else None

    @cached_property
    def _members(self) -> Callable[[Path], Mapping[str, Member]]:
        """A cached function that returns the members of the object at a path, by key."""

        def members(path: Path) -> Mapping[str, Member]:
            node = self.node(path)
            return dict(keyed(node)) if isinstance(node, Object) else {}

        return cache(members)


def places_in(source: Source) -> Places:
    """Parse a JSON source and index its spans; syntax errors are ignored."""
    return Places(source, parse(source, lambda _: None))


def _nodes(value: Value, path: Path, member: Member | None) -> Iterator[tuple[Path, Value, Member | None]]:
    yield path, value, member
    if isinstance(value, Object):
        for key, member in dict(keyed(value)).items():
            yield from _nodes(member.value, (*path, key), member)
    elif isinstance(value, Array):
        for index, item in enumerate(value.items):
            yield from _nodes(item, (*path, index), None)
