"""Generated syntax trees, texts for them, and messages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from random import Random
from string import ascii_letters, digits
from typing import TYPE_CHECKING, Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

from quantcfg.source import Source
from quantcfg.textproto import tree

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from hypothesis.strategies import DrawFn, SearchStrategy

# --- words, as the specification spells them

_WORD = r"[A-Za-z_][A-Za-z0-9_]{0,8}"
_TYPE_NAME = rf"{_WORD}(?:\.{_WORD}){{0,2}}"
_URL_CHAR = r"(?:[A-Za-z0-9_.~!$&()*+,;=-]|%[0-9A-Fa-f]{2})"
_DECIMAL = r"(?:0|[1-9][0-9]{0,20})"
_EXPONENT = r"[eE][+-]?[0-9]{1,4}"
_HEX = "[0-9A-Fa-f]"


def _matching(pattern: str) -> SearchStrategy[str]:
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


words = _matching(_WORD)
bracketed_names = _matching(rf"(?:{_URL_CHAR}{{1,8}}(?:/{_URL_CHAR}{{0,8}}){{0,2}}/)?{_TYPE_NAME}")
number_words = _matching(
    rf"-?(?:{_DECIMAL}[fF]?|0[0-7]{{1,24}}|0[xX]{_HEX}{{1,17}}|{_DECIMAL}{_EXPONENT}[fF]?"
    rf"|(?:{_DECIMAL}\.[0-9]{{0,9}}|\.[0-9]{{1,9}})(?:{_EXPONENT})?[fF]?)"
)
escapes = _matching(
    r"""\\[abfnrtv?\\'"]|\\[0-3][0-7]{2}|\\[0-7]{1,2}"""
    rf"|\\x{_HEX}{{1,2}}|\\u{_HEX}{{4}}|\\U000{_HEX}{{5}}|\\U0010{_HEX}{{4}}"
)


# --- syntax trees

_NAMES = ("a", "b", "_", "f", "e5", "x1", "nan", "inf", "true", "Some_Group", "a" * 40)
_BRACKETED_NAMES = ("a", "a.b.C_1", "type.googleapis.com/a.B", "0-x//%2F~!$&()*+,;=/_._", "a./b")
_NUMBERS = ("0", "7", "-1", "017", "-0xFf", "1.", "-.5", "1.5e3f", "0f", "2E-10", "1e+5F", "9" * 40)
_IDENTIFIERS = ("true", "-inf", "nan", "AVE", "f", "_", "e5", "-Infinity", "x1")
_ESCAPES = (r"\n", r"\\", r"\'", r"\"", r"\?", r"\0", r"\341\210\264", r"\x4", r"\u00e9", r"\U0010ffff")
_PLAIN_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\\\"'"), max_size=4)

names = st.builds(tree.Name, st.sampled_from(_NAMES)) | st.builds(
    tree.Name, st.sampled_from(_BRACKETED_NAMES), st.just(True)
)
numbers = st.builds(tree.Number, st.sampled_from(_NUMBERS))
identifiers = st.builds(tree.Identifier, st.sampled_from(_IDENTIFIERS))


@st.composite
def literals(draw: DrawFn) -> tree.Literal:
    quote, other = draw(st.sampled_from([('"', "'"), ("'", '"')]))
    inside = draw(st.sampled_from(("", other, *_ESCAPES)))
    return tree.Literal(f"{quote}{draw(_PLAIN_TEXTS)}{inside}{draw(_PLAIN_TEXTS)}{quote}")


strings = st.lists(literals(), min_size=1, max_size=2).map(tree.string_of)
scalars: SearchStrategy[tree.Scalar] = numbers | identifiers | strings


def _fields(values: SearchStrategy[tree.Value]) -> SearchStrategy[tuple[tree.Field, ...]]:
    return st.lists(st.builds(tree.field_of, names, values), max_size=3).map(tuple)


def _nested(values: SearchStrategy[tree.Value]) -> SearchStrategy[tree.Value]:
    messages = st.builds(tree.Message, _fields(values).map(list))
    return messages | st.builds(tree.List, st.lists(messages, max_size=3).map(tuple))


values: SearchStrategy[tree.Value] = st.recursive(
    scalars | st.builds(tree.List, st.lists(scalars, max_size=3).map(tuple)), _nested, max_leaves=6
)
documents = st.builds(tree.Document, st.just(Source("generated", "")), _fields(values))


# --- the same tree in other words


@st.composite
def noisy_texts(draw: DrawFn, documents: SearchStrategy[tree.Document]) -> tuple[tree.Document, str]:
    """A tree, and text for it with whitespace, comments, separators and brackets wherever allowed."""
    document = draw(documents)
    # One seed instead of a draw for every gap: a text has hundreds of them.
    random = Random(draw(st.integers(0, 2**32)))
    return document, noisy_text(document, random)


def noisy_text(document: tree.Document, random: Random) -> str:
    text = _gap(random)
    for token in _tokens(document.fields, random):
        # Two words, or a word and a number, would be one without a gap.
        merges = text[-1:] in _WORD_CHARACTERS and token[0] in _WORD_CHARACTERS
        text += (_gap(random, at_least=1) if merges else "") + token + _gap(random)
    return text + random.choice(["", "# the end"])


_WORD_CHARACTERS = frozenset(f"{ascii_letters}{digits}_.")
_BLANKS = [" ", "\t", "\n", "\v", "\f", "\r", "\r\n", "  ", '# {"[<\n', "#\n", "# \u2028 ü \\ \r\n"]


def _gap(random: Random, *, at_least: int = 0) -> str:
    count = max(at_least, random.choice((0, 0, 0, 1, 1, 3)))
    return "".join(random.choices(_BLANKS, k=count)) if count else ""


def _tokens(fields: Sequence[tree.Field], random: Random) -> Iterator[str]:
    for field in fields:
        yield _noisy_name(field.name, random)
        if _needs_colon(field.value) or random.random() < 0.5:
            yield ":"
        yield from _value_tokens(field.value, random)
        yield from random.choice([(), (",",), (";",)])


def _needs_colon(value: tree.Value) -> bool:
    if isinstance(value, tree.List):
        return any(not isinstance(item, tree.Message) for item in value.items)
    return not isinstance(value, tree.Message)


def _noisy_name(name: tree.Name, random: Random) -> str:
    if not name.bracketed:
        return name.text
    pieces = re.findall(r"%..|.", name.text)
    return f"[{_gap(random)}{''.join(piece + _gap(random) for piece in pieces)}]"


def _value_tokens(value: tree.Value, random: Random) -> Iterator[str]:
    if isinstance(value, tree.String):
        yield from (part.text for part in value.parts)
    elif isinstance(value, tree.Message):
        opening, closing = random.choice((("{", "}"), ("<", ">")))
        yield from (opening, *_tokens(value.fields, random), closing)
    elif isinstance(value, tree.List):
        yield "["
        for index, item in enumerate(value.items):
            if index:
                yield ","
            yield from _value_tokens(item, random)
        yield "]"
    elif not isinstance(value, tree.Missing):
        yield from ("-", value.text[1:]) if value.text.startswith("-") else (value.text,)


# --- texts that may be wrong

_PIECES = [*"\"'{}<>[]:;,-.#\n\\ x0", "a: 1", 'a: "x"', "b {", "[e] {}", '"y"', "# c", "1f", "\0", "ü"]


@st.composite
def damaged_texts(draw: DrawFn) -> str:
    """Text with tokens added and removed; it may still be valid."""
    _, text = draw(noisy_texts(documents))
    random = Random(draw(st.integers(0, 2**32)))
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(text))
        text = text[:at] + random.choice(["", *_PIECES]) + text[at + random.choice((0, 0, 1, 2)) :]
    return text


# --- messages

INTEGER_BOUNDS = {
    FieldDescriptor.TYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SINT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(2**31), 2**31 - 1),
    FieldDescriptor.TYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SINT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(2**63), 2**63 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_FIXED32: (0, 2**32 - 1),
    FieldDescriptor.TYPE_UINT64: (0, 2**64 - 1),
    FieldDescriptor.TYPE_FIXED64: (0, 2**64 - 1),
}
_SCALARS: dict[int, SearchStrategy[Any]] = {
    FieldDescriptor.TYPE_FLOAT: st.floats(width=32),
    FieldDescriptor.TYPE_DOUBLE: st.floats(),
    FieldDescriptor.TYPE_BOOL: st.booleans(),
    FieldDescriptor.TYPE_STRING: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    FieldDescriptor.TYPE_BYTES: st.binary(max_size=8),
    **{kind: st.sampled_from(bounds) | st.integers(*bounds) for kind, bounds in INTEGER_BOUNDS.items()},
}


@st.composite
def messages(draw: DrawFn, *message_types: type[Message]) -> Message:
    """A message of one of some types with any values in it, but without maps, extensions and Anys."""
    message: Message = draw(st.sampled_from(message_types))()
    _fill(draw, message, 3)
    return message


def _fill(draw: DrawFn, message: Any, levels: int) -> None:
    fields = bindable_fields(message.DESCRIPTOR)
    chosen = draw(st.lists(st.sampled_from(fields), max_size=4 if levels else 0))
    for field in [*chosen, *(field for field in fields if field.is_required)]:
        if field.is_repeated:
            _extend(draw, getattr(message, field.name), field, levels)
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            _fill(draw, getattr(message, field.name), levels - 1 if levels else 0)
        else:
            setattr(message, field.name, draw(_scalar_values(field)))


def _extend(draw: DrawFn, container: Any, field: FieldDescriptor, levels: int) -> None:
    for _ in range(draw(st.integers(0, 3))):
        if field.message_type:
            _fill(draw, container.add(), levels - 1 if levels else 0)
        else:
            container.append(draw(_scalar_values(field)))


def _scalar_values(field: FieldDescriptor) -> SearchStrategy[Any]:
    if field.enum_type:
        return st.sampled_from([value.number for value in field.enum_type.values])
    return _SCALARS[field.type]


def bindable_fields(descriptor: Descriptor) -> list[FieldDescriptor]:
    """Return the fields of a type that are neither maps nor Anys."""
    return [field for field in descriptor.fields if not is_map(field) and not is_any(field)]


def is_map(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def is_any(field: FieldDescriptor) -> bool:
    return bool(field.message_type and field.message_type.full_name == "google.protobuf.Any")
