"""Texts that a message takes, or nearly takes."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import strategies as st

from tests.textproto.strategies import INTEGER_BOUNDS, bindable_fields

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from hypothesis.strategies import DrawFn


def _each(values: str) -> list[str]:
    return values.split()


# What fields take, and what they hardly take, by the kind of the field.
_VALUES = {
    "integer": _each("0 1 7 017 0x1F 0X1f 65 2147483647"),
    "decimal": _each("0.5 1. .5 -.5e3 1e-4f 2F inf -Infinity nan 1e400 1e39 -0 3"),
    "boolean": _each("true false True False t f 0 1"),
    "string": _each(r"""'a' "b" '' "a"'b' "\n\x41\101\u00e9\\" "é€😀" '#'"""),
    "enum": _each("RED GREEN BLUE 0 1 2"),
}
_ODD_VALUES = {
    "integer": [
        *_each("-1 -0 00 08 +5 1_0 0b1 0o7 -0x0 0x 1-1 -0x80000000 2147483648 -2147483649"),
        *_each("4294967295 4294967296 9223372036854775808 18446744073709551615 18446744073709551616"),
        *("- 1", "1" * 5000, "\N{ARABIC-INDIC DIGIT THREE}"),
    ],
    "decimal": [
        *_each("1.5ff inff nanF +inf +.5 1_0.5 01.5 1.5.5 1e . -nan --1 infinit 1e+5x +012 1.. 1e5_0 nan0"),
        "- inf",
    ],
    "boolean": _each("TRUE 01 0x1 00 -1 -0 2 yes T +1 tru truee"),
    "string": [
        *_each(r"""'\q' '\?' '\xff' '\777' '\u005cn' '\ud800' '\x' '\8' '\U00110000' '\u12' '\X41' 'a"""),
        *('"', r"'\N{DIGIT ONE}'", r"'\xé'", "'\\é'", "'\\€'", "'a\tb\r'", "'\0'"),
    ],
    "enum": [*_each("t nan -1 01 00 0x2 9 PURPLE red -RED 4294967297 1.0"), "- 1"],
    "message": ["[{}, {}]", "[<>]", "{", "<}", "{}}", "[{},]", "[{} {}]", "[]"],
}
_KINDS = dict.fromkeys(INTEGER_BOUNDS, "integer") | {
    FieldDescriptor.TYPE_FLOAT: "decimal",
    FieldDescriptor.TYPE_DOUBLE: "decimal",
    FieldDescriptor.TYPE_BOOL: "boolean",
    FieldDescriptor.TYPE_STRING: "string",
    FieldDescriptor.TYPE_BYTES: "string",
    FieldDescriptor.TYPE_ENUM: "enum",
    FieldDescriptor.TYPE_MESSAGE: "message",
    FieldDescriptor.TYPE_GROUP: "message",
}
_FOREIGN_FIELDS = (
    *(
        "reserved_field: 5",
        "former_name {a: [1]}",
        "unknown: 5",
        "12: 5",
        "[]: 5",
        "one_int32",
        "Recursive {}",
    ),
    *("map_int32_int32 {key: 1}", 'any {type_url: "a/b"}', "any {[a.b/everything.Strict] {}}"),
    *("[everything.extra_int32]: 5", ":", "{}", "#"),
)
_INSERTED = "{}<>[]:;,.\"'\\#-+_ \n\t\r\v0179eExXfFabu%/\0\x1c\x85\xa0\u00e9\u0663\u2003\ufeff"
_NUMBER_CHARACTERS = "000111789xXeEfFbo..+--_ "
_STRING_CHARACTERS = "\\\\\\\\\\xuU001178afdDN{}'\"?\u00e9\u20ac\r\t "
_PIECE = re.compile(r"\w+|\s+|.", re.DOTALL)


@st.composite
def nearly_valid_texts(draw: DrawFn, *message_types: type[Message]) -> str:
    """Text that is mostly valid for one of some message types, with few errors or none."""
    message_type = draw(st.sampled_from(message_types))
    # One seed instead of a draw for every choice: it is quicker, and the texts are more varied.
    random = Random(draw(st.integers(0, 2**64)))
    descriptor = cast("Descriptor", message_type.DESCRIPTOR)
    text = _soup(descriptor, random, random.choice((0, 0.05, 0.2)), 3)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2))):
        text = _mutated(text, random)
    return text


def _soup(descriptor: Descriptor, random: Random, oddity: float, levels: int) -> str:
    required = [field for field in descriptor.fields if field.is_required and random.random() >= oddity]
    chosen = random.choices(bindable_fields(descriptor), k=random.choice((1, 2, 3)) if levels else 0)
    fields = [_field_text(field, random, oddity, levels) for field in (*required, *chosen)]
    if random.random() < oddity:
        fields.append(random.choice(_FOREIGN_FIELDS))
    return "".join(field + random.choice((" ", " ", "\n", ",", "; ", "#\n")) for field in fields)


def _field_text(field: FieldDescriptor, random: Random, oddity: float, levels: int) -> str:
    named_by_type = field.type == FieldDescriptor.TYPE_GROUP and random.random() < 0.5
    name = field.message_type.name if named_by_type and field.message_type else field.name
    count = random.choice((0, 1, 2)) if field.is_repeated and random.random() < 0.3 else None
    values = [_value_text(field, random, oddity, levels - 1) for _ in range(1 if count is None else count)]
    value = values[0] if count is None else f"[{', '.join(values)}]"
    optional_colon = field.message_type is not None and random.random() < 0.7
    return f"{name}{'' if optional_colon else ':'}{random.choice(('', ' '))}{value}"


def _value_text(field: FieldDescriptor, random: Random, oddity: float, levels: int) -> str:
    kind = _KINDS[field.type]
    if random.random() < oddity:
        return _odd_value_text(kind, random)
    if kind != "message" or field.message_type is None:
        return random.choice(_VALUES[kind])
    opening, closing = random.choice((("{", "}"), ("{", "}"), ("<", ">")))
    return f"{opening}{_soup(field.message_type, random, oddity, levels) if levels >= 0 else ''}{closing}"


def _odd_value_text(kind: str, random: Random) -> str:
    match random.choice(("odd", "odd", "of another kind", "number", "string")):
        case "odd":
            return random.choice(_ODD_VALUES[kind])
        case "of another kind":
            return random.choice(_VALUES[random.choice(list(_VALUES))])
        case "number":
            return "".join(random.choices(_NUMBER_CHARACTERS, k=random.randint(1, 6)))
        case _:
            return f'"{"".join(random.choices(_STRING_CHARACTERS, k=random.randint(1, 8)))}"'


def _mutated(text: str, random: Random) -> str:
    pieces = list(text) if random.random() < 0.6 else _PIECE.findall(text)
    at, other = random.randint(0, len(pieces)), random.randint(0, len(pieces))
    match random.choice(("delete", "double", "swap", "insert", "insert")):
        case "delete":
            del pieces[at : at + 1]
        case "double":
            pieces[at:at] = pieces[at : at + 1]
        case "swap":
            pieces[at : at + 1], pieces[other : other + 1] = pieces[other : other + 1], pieces[at : at + 1]
        case _:
            pieces.insert(at, random.choice(_INSERTED))
    return "".join(pieces)
