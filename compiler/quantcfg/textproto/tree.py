"""The syntax tree of a text in protobuf text format.

A node knows where it stands in its source, and that is all it needs to be
lossless: comments, blanks and separators are in the gaps between the nodes
(trivia.py).
Two trees are equal if they say the same, wherever it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from quantcfg.frozen import frozen_value, small_value
from quantcfg.source import Source, Span


def _number() -> int:
    return field(default=0, compare=False, repr=False)


class _Piece:
    """What stands in one piece.

    A length takes no memory where a second offset would: of each small number
    Python keeps one object.
    """

    __slots__ = ()

    start: int
    length: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + self.length


@small_value
class Name(_Piece):
    """The name of a field: plain, or in brackets as that of an extension or an Any type.

    Of a bracketed name, text is what the brackets hold, without blanks and comments.
    """

    text: str
    bracketed: bool = False
    start: int = _number()
    length: int = _number()


@small_value
class Literal(_Piece):
    """One quoted piece of a string, quotes and escapes as written."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class String:
    """One or more quoted pieces that stand for one string."""

    parts: tuple[Literal, ...]

    @property
    def start(self) -> int:
        """Where the first piece starts."""
        return self.parts[0].start

    @property
    def end(self) -> int:
        """Where the last piece ends."""
        return self.parts[-1].end


@small_value
class Number(_Piece):
    """A number as written, its sign put close: "-0x1F", "1.5e3f"."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class Identifier(_Piece):
    """A word, its sign put close: "true", "AVE", "-inf"."""

    text: str
    start: int = _number()
    length: int = _number()


@small_value
class Missing(_Piece):
    """Where a value should be and none can be read; what is wrong there has been reported."""

    start: int = _number()
    length: int = _number()


@small_value
class List(_Piece):
    """A list in brackets: all scalars, or all messages."""

    items: tuple[Value, ...]
    start: int = _number()
    length: int = _number()


@small_value
class Message(_Piece):
    """Fields in braces or angle brackets; without is_closed, the bracket that ends them was not found."""

    fields: tuple[Field, ...]
    start: int = _number()
    length: int = _number()
    is_closed: bool = field(default=True, compare=False, repr=False)


@small_value
class Field:
    """A name and its value. A name without text stands where no field could be read.

    The text is that of the name, in brackets if they are a part of it. A node more
    for each name would take its time. lead is how far before the value the name
    starts, and name_length how long it is, 0 where it is as long as its text.
    """

    text: str
    value: Value
    lead: int = _number()
    name_length: int = _number()

    @property
    def name(self) -> Name:
        """Its name."""
        bracketed = self.text.startswith("[")
        text = self.text[1:-1] if bracketed else self.text
        return Name(text, bracketed, self.start, self.name_length or len(self.text))

    @property
    def start(self) -> int:
        """Where its name starts."""
        return self.value.start - self.lead

    @property
    def end(self) -> int:
        """Where its value ends."""
        return self.value.end


Scalar = String | Number | Identifier
Value = Scalar | List | Message | Missing
Leaf = Name | Literal | Number | Identifier
Node = Name | Literal | Value | Field


@frozen_value
class Document:
    """A whole text: the fields of its one message.

    closes_early tells that the text has a closing bracket too many: fields
    behind it may belong into a message that seems to have ended before them.
    """

    source: Source = field(compare=False, repr=False)
    fields: tuple[Field, ...]
    closes_early: bool = field(default=False, compare=False, repr=False)

    def span(self, node: Node) -> Span:
        """Return where a node of this document stands."""
        return Span(self.source, node.start, node.end)


def field_of(name: Name, value: Value) -> Field:
    """Return the field of a name and a value."""
    text = f"[{name.text}]" if name.bracketed else name.text
    return Field(text, value, value.start - name.start, name.length)


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes that a node is made of, in the order of the text."""
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
    """Yield the names and values in some nodes that have no parts, in the order of the text."""
    waiting = list(nodes)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf):
            yield node
        else:
            waiting.extend(reversed(children(node)))
