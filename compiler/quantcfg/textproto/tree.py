"""The syntax tree of a document in protobuf text format.

Nodes store their offsets in the source, so the tree is lossless: comments,
whitespace and separators are the gaps between nodes (trivia.py). Comparison
ignores offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from quantcfg.frozen import field, frozen_value, small_value
from quantcfg.source import Source, Span


def _number() -> int:
    return field(default=0, compare=False, repr=False)


class _Located:
    """A node that stores its offset and length.

    A length needs less memory than a second offset, as Python shares small integers.
    """

    __slots__ = ()

    start: int
    length: int

    @property
    def end(self) -> int:
        """The offset after the node."""
        return self.start + self.length


@small_value
class Name(_Located):
    """The name of a field, or, in brackets, of an extension or an Any type.

    The text of a bracketed name has no brackets, whitespace or comments.
    """

    text: str
    bracketed: bool = False
    start: int = _number()
    length: int = _number()


@small_value
class Literal(_Located):
    """One quoted literal of a string, with its quotes and escapes."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class String(_Located):
    """One or more adjacent quoted literals that form one string.

    text is the first literal, with its quotes and escapes, and further are the others.
    The first is stored inline, as one more node per string would cost time.
    """

    text: str
    start: int = _number()
    length: int = _number()
    further: tuple[Literal, ...] = ()

    @property
    def parts(self) -> tuple[Literal, ...]:
        """All literals."""
        return (Literal(self.text, self.start, len(self.text)), *self.further)


@small_value
class Number(_Located):
    """A number as written, without space after its sign: "-0x1F", "1.5e3f"."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class Identifier(_Located):
    """An identifier, without space after its sign: "true", "AVE", "-inf"."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class Missing(_Located):
    """The position of a value that could not be parsed; the error is already reported."""

    start: int = _number()
    length: int = _number()


@small_value
class List(_Located):
    """A list in brackets: all scalars, or all messages."""

    items: tuple[Value, ...]
    start: int = _number()
    length: int = _number()


@small_value
class Message(_Located):
    """Fields in braces or angle brackets; is_closed is whether the closing bracket was found."""

    fields: list[Field]
    start: int = _number()
    length: int = _number()
    is_closed: bool = field(default=True, compare=False, repr=False)


@small_value
class Field:
    """A field name and its value.

    text is the name, including the brackets of a bracketed one, or empty if the
    field could not be parsed. The name is stored inline, as one more node per
    field would cost time. lead is the distance from the start of the name to the
    value; name_length is its length in the source, or 0 if that is len(text).
    """

    text: str
    value: Value
    lead: int = _number()
    name_length: int = _number()

    @property
    def name(self) -> Name:
        """The name as a node."""
        bracketed = self.text.startswith("[")
        text = self.text[1:-1] if bracketed else self.text
        return Name(text, bracketed, self.start, self.name_length or len(self.text))

    @property
    def start(self) -> int:
        """The offset of the name."""
        return self.value.start - self.lead

    @property
    def end(self) -> int:
        """The offset after the value."""
        return self.value.end


Scalar = String | Number | Identifier
Value = Scalar | List | Message | Missing
Leaf = Name | Literal | Number | Identifier
Node = Name | Literal | Value | Field


@frozen_value
class Document:
    """A parsed document.

    closes_early is whether it has an extra closing bracket: the fields after it
    may belong to a message that seems to end before them.
    """

    source: Source = field(compare=False, repr=False)
    fields: tuple[Field, ...]
    closes_early: bool = field(default=False, compare=False, repr=False)

    def span(self, node: Node) -> Span:
        """Return the span of a node."""
        return Span(self.source, node.start, node.end)


def string_of(parts: Sequence[Literal]) -> String:
    """Return a string of adjacent literals."""
    first, *further = parts
    return String(first.text, first.start, parts[-1].end - first.start, tuple(further))


def field_of(name: Name, value: Value) -> Field:
    """Return a field with the given name and value."""
    text = f"[{name.text}]" if name.bracketed else name.text
    return Field(text, value, value.start - name.start, name.length)


def children(node: Node) -> Sequence[Node]:
    """Return the child nodes, in source order."""
    match node:
        case Field():
            return (node.name, node.value)
        case Message():
            return node.fields
        case List():
            return node.items
        case String():
            return node.parts
        case _:
            return ()


def leaves(nodes: Iterable[Node]) -> Iterator[Leaf]:
    """Yield the nodes without children below some nodes, in source order."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf):
            yield node
        else:
            waiting.extend(reversed(children(node)))
