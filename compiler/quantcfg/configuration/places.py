"""Where the keys and the values of a configuration stand in its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from quantcfg.diagnostics import Edit
from quantcfg.jsontext import Array, Member, Object, Value, keyed, parse, removal
from quantcfg.source import Source, Span
from quantcfg.values import frozen_value

Path = tuple[str | int, ...]
"""Where a value is in a configuration: keys, and indices of lists."""


@frozen_value
class Places:
    """The places of a text by path; without a text there are none, and every question is answered by None."""

    source: Source | None = None
    values: Mapping[Path, Value] = field(default_factory=dict)
    members: Mapping[Path, tuple[Object, Member]] = field(default_factory=dict)

    def value(self, path: Path) -> Span | None:
        """Return where a value stands."""
        node = self.values.get(path)
        return Span(self.source, node.start, node.end) if self.source and node else None

    def key(self, path: Path) -> Span | None:
        """Return where the key of a value stands; where it is an item of a list, the item."""
        if path not in self.members or self.source is None:
            return self.value(path)
        key = self.members[path][1].key
        return Span(self.source, key.start, key.end)

    def removal(self, path: Path) -> tuple[Edit, ...]:
        """Return the edits that take a key and its value out of the text."""
        if path not in self.members or self.source is None:
            return ()
        return (removal(self.source, *self.members[path]),)


def places_in(source: Source) -> Places:
    """Return the places in a text; what is wrong with it is passed over."""
    return places_of(source, parse(source, lambda _: None))


def places_of(source: Source, tree: Value) -> Places:
    """Return the places in a syntax tree; of keys that stand twice, the last one's."""
    values: dict[Path, Value] = {}
    members: dict[Path, tuple[Object, Member]] = {}
    for path, value, member in _nodes(tree, ()):
        values[path] = value
        if member:
            members[path] = member
    return Places(source, values, members)


def _nodes(value: Value, path: Path) -> Iterator[tuple[Path, Value, tuple[Object, Member] | None]]:
    yield path, value, None
    if isinstance(value, Object):
        for key, member in keyed(value):
            inner = (*path, key)
            for each in _nodes(member.value, inner):
                yield (*each[:2], (value, member)) if each[0] == inner else each
    elif isinstance(value, Array):
        for index, item in enumerate(value.items):
            yield from _nodes(item, (*path, index))
