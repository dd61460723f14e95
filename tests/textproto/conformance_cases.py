"""The text-format inputs of protobuf's conformance suite, with the outcome it asks for.

Names are the suite's own, with its suffixes for variants;
names of fields and types are those of our .proto files. The suite's tests of
unknown fields are not here: their input is binary.

What is expected is written in another, plainer way than the input, and with
google's spelling, so that the two parsers do not share an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.textproto.reading import DELIMITED, EVERYTHING, IMPLICIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from google.protobuf.message import Message


@dataclass(frozen=True)
class Case:
    """An input, and its message as plain text; None if it must be rejected."""

    name: str
    text: str
    expected: str | None
    message_type: type[Message] = IMPLICIT


def _integers() -> Iterator[Case]:
    bounds = {
        "Int32": ("one_int32", -(2**31), 2**31 - 1),
        "Uint32": ("one_uint32", None, 2**32 - 1),
        "Int64": ("one_int64", -(2**63), 2**63 - 1),
        "Uint64": ("one_uint64", None, 2**64 - 1),
    }
    for suffix, spell in (("", str), ("Hex", _hexadecimal), ("Octal", _octal)):
        for kind, (field, low, high) in bounds.items():
            yield Case(f"{kind}FieldMaxValue{suffix}", f"{field}: {spell(high)}", f"{field}: {high}")
            yield Case(f"{kind}FieldTooLarge{suffix}", f"{field}: {spell(high + 1)}", None)
            if low is not None:
                yield Case(f"{kind}FieldMinValue{suffix}", f"{field}: {spell(low)}", f"{field}: {low}")
                yield Case(f"{kind}FieldTooSmall{suffix}", f"{field}: {spell(low - 1)}", None)


def _hexadecimal(number: int) -> str:
    return f"{'-' if number < 0 else ''}0x{abs(number):X}"


def _octal(number: int) -> str:
    return f"{'-' if number < 0 else ''}0{abs(number):o}"


def _floats() -> Iterator[Case]:
    literals = {
        "FloatField": ("3.192837", "one_float: 3.192837"),
        "FloatFieldZero": ("0", ""),
        "FloatFieldNegative": ("-3.192837", "one_float: -3.192837"),
        "FloatFieldWithVeryPreciseNumber": ("3.123456789123456789", "one_float: 3.1234567"),
        "FloatFieldMaxValue": ("3.4028235e+38", "one_float: 340282346638528859811704183484516925440.0"),
        "FloatFieldMinValue": ("1.17549e-38", "one_float: 0.0000000000000000000000000000000000000117549"),
        "FloatFieldWithInt32Max": ("4294967296", "one_float: 4294967296.0"),
        "FloatFieldLargerThanInt64": ("9223372036854775808", "one_float: 9223372036854775808.0"),
        "FloatFieldTooLarge": ("3.4028235e+39", "one_float: inf"),
        "FloatFieldTooSmall": ("1.17549e-39", "one_float: 0.00000000000000000000000000000000000000117549"),
        "FloatFieldLargerThanUint64": ("18446744073709551616", "one_float: 18446744073709551616.0"),
        "FloatFieldNegativeZero": ("-0", "one_float: -0.0"),
        "FloatFieldNoLeadingZero": (".123", "one_float: 0.123"),
        "FloatFieldNegativeNoLeadingZero": ("-.123", "one_float: -0.123"),
        "FloatFieldNoLeadingZeroWithExponent": (".123e2", "one_float: 12.3"),
    }
    for name, (literal, expected) in literals.items():
        yield Case(name, f"one_float: {literal}", expected)
        yield Case(f"{name}_f", f"one_float: {literal}f", expected)
        yield Case(f"{name}_F", f"one_float: {literal}F", expected)
    for word in ("nan", "NaN", "nAn"):
        yield Case(f"FloatFieldValue_{word}", f"one_float: {word}", "one_float: nan")
    for word in ("inf", "infinity", "INF", "INFINITY", "iNF", "inFINITY"):
        yield Case(f"FloatFieldValue_Pos{word}", f"one_float: {word}", "one_float: inf")
        yield Case(f"FloatFieldValue_Neg{word}", f"one_float: -{word}", "one_float: -inf")
    huge = 2**64
    yield from (
        Case("FloatFieldNoHex", "one_float: 0x1", None),
        Case("FloatFieldNoNegativeHex", "one_float: -0x1", None),
        Case("FloatFieldNoOctal", "one_float: 012", None),
        Case("FloatFieldNoNegativeOctal", "one_float: -012", None),
        Case("FloatFieldOverflowInfinity", "one_float: 1e50", "one_float: inf"),
        Case("FloatFieldOverflowNegativeInfinity", "one_float: -1e50", "one_float: -inf"),
        Case("FloatFieldOverflowInfinityHugeExponent", f"one_float: 1e{huge}", "one_float: inf"),
        Case("FloatFieldLargeNegativeExponentParsesAsZero", "one_float: 1e-50", ""),
        Case("NegFloatFieldLargeNegativeExponentParsesAsNegZero", "one_float: -1e-50", "one_float: -0.0"),
        Case("DoubleFieldOverflowInfinity", "one_double: 1e9999", "one_double: inf"),
        Case("DoubleFieldOverflowNegativeInfinity", "one_double: -1e9999", "one_double: -inf"),
        Case("DoubleFieldOverflowInfinityHugeExponent", f"one_double: 1e{huge}", "one_double: inf"),
        Case("DoubleFieldLargeNegativeExponentParsesAsZero", f"one_double: 1e-{huge}", ""),
        Case(
            "NegDoubleFieldLargeNegativeExponentParsesAsNegZero",
            f"one_double: -1e-{huge}",
            "one_double: -0.0",
        ),
    )


def _strings() -> Iterator[Case]:
    literals = {
        "Concat": ("'first' \"second\"\n'third'", '"firstsecondthird"'),
        "BasicEscapes": (
            r"""'\a\b\f\n\r\t\v\?\\\'\"'""",
            r'"\007\010\014\012\015\011\013?\134\047\042"',
        ),
        "OctalEscapes": (r"'\341\210\264'", '"\u1234"'),
        "HexEscapes": (r"'\xe1\x88\xb4'", '"\u1234"'),
        "ShortUnicodeEscape": (r"'\u1234'", '"\u1234"'),
        "LongUnicodeEscapes": (r"'\U00001234\U00010437'", '"\u1234\U00010437"'),
        "IncludesLF": ("'first line\nsecond line'", None),
        "LongUnicodeEscapeTooLarge": (r"'\U00110000'", None),
        "ShortUnicodeEscapeSurrogatePair": (r"'\ud801\udc37'", None),
        "ShortUnicodeEscapeSurrogateFirstOnly": (r"'\ud800'", None),
        "ShortUnicodeEscapeSurrogateSecondOnly": (r"'\udc00'", None),
        "LongUnicodeEscapeSurrogateFirstOnly": (r"'\U0000d800'", None),
        "LongUnicodeEscapeSurrogateSecondOnly": (r"'\U0000dc00'", None),
        "LongUnicodeEscapeSurrogatePair": (r"'\U0000d801\U00000dc37'", None),
        "UnicodeEscapeSurrogatePairLongShort": (r"'\U0000d801\udc37'", None),
        "UnicodeEscapeSurrogatePairShortLong": (r"'\ud801\U0000dc37'", None),
    }
    for kind, field in (("String", "one_string"), ("Bytes", "one_bytes")):
        for name, (literal, plain) in literals.items():
            expected = None if plain is None else f"{field}: {plain}"
            yield Case(f"StringLiteral{name}{kind}", f"{field}: {literal}", expected)
    yield from (
        Case("HelloWorld", "one_string: 'Hello, World!'", 'one_string: "Hello, World!"'),
        Case("StringFieldBadUTF8Octal", r"one_string: '\300'", None),
        Case("StringFieldBadUTF8Hex", r"one_string: '\xc0'", None),
        Case("BytesFieldBadUTF8Octal", r"one_bytes: '\300'", r'one_bytes: "\xc0"'),
        Case("BytesFieldBadUTF8Hex", r"one_bytes: '\xc0'", r'one_bytes: "\300"'),
    )


def _separators() -> Iterator[Case]:
    values = {
        "string": '"abc"',
        "bytes": '"abc"',
        "int32": "123",
        "bool": "true",
        "double": "1.23",
        "fixed32": "0x123",
    }
    for kind, value in values.items():
        one, many = f"one_{kind}: {value}", f"many_{kind}: [{value}]"
        twice = f"many_{kind}: {value} many_{kind}: {value}"
        for cardinality, field, plain in (("Single", one, one), ("Repeated", many, f"many_{kind}: {value}")):
            suffix = f"{cardinality}_{kind}"
            yield Case(f"FieldSeparatorCommaTopLevel{suffix}", f"{field},", plain)
            yield Case(f"FieldSeparatorSemiTopLevelSingle{suffix}", f"{field};", plain)
            yield Case(f"FieldSeparatorCommaTopLevelDuplicatesFails{suffix}", f"{field},,", None)
            yield Case(f"FieldSeparatorSemiTopLevelDuplicateFails{suffix}", f"{field};;", None)
        yield Case(f"ListSeparator_{kind}", f"many_{kind}: [{value},{value}]", twice)
        yield Case(f"ListSeparatorSemiFails_{kind}", f"many_{kind}: [{value};{value}]", None)
        if value.startswith('"'):
            name = f"ListSeparatorMissingIsOneValue_{kind}"
            yield Case(name, f"many_{kind}: [{value} {value}]", f'many_{kind}: "abcabc"')
        else:
            yield Case(f"ListSeparatorMissingFails_{kind}", f"many_{kind}: [{value} {value}]", None)
        yield Case(f"ListSeparatorDuplicateFails_{kind}", f"many_{kind}: [{value},,{value}]", None)
        yield Case(f"ListSeparatorSingleTrailingFails_{kind}", f"many_{kind}: [{value},]", None)
        yield Case(f"ListSeparatorTwoValuesTrailingFails_{kind}", f"many_{kind}: [{value},{value},]", None)
    nested = "one_nested { number: 123 }"
    yield from (
        Case("FieldSeparatorCommaNested", "one_nested: { number: 123, }", nested),
        Case("FieldSeparatorSemiNested", "one_nested: { number: 123; }", nested),
        Case("FieldSeparatorCommaNestedDuplicates", "one_nested: { number: 123,, }", None),
        Case("FieldSeparatorSemiNestedDuplicates", "one_nested: { number: 123;; }", None),
    )


def _reserved_fields() -> Iterator[Case]:
    values = {
        "Boolean": "true",
        "Integer": "-123",
        "Float": "0.123",
        "Enum": "ENUM_VALUE",
        "String": '"hello"',
        "Message": "{ a: 123 }",
        "MessageAngleBrackets": "< a: 123 >",
        "RepeatedInteger": "[-123, 456]",
        "RepeatedFloat": "[0.123, 1e-10] ",
        "RepeatedString": '["hello", "world"]',
    }
    for name, value in values.items():
        yield Case(f"ReservedFieldName.{name}", f"reserved_field: {value}", "")


def _enums() -> Iterator[Case]:
    known, unknown = "\n        one_color: 1\n        ", "\n        one_color: 42\n        "
    yield from (
        Case("ClosedEnumFieldByNumber.Open", known, "one_color: GREEN"),
        Case("ClosedEnumFieldWithUnknownNumber.Open", unknown, "one_color: 42"),
        Case("ClosedEnumFieldByNumber.Closed", known, "one_color: GREEN", EVERYTHING),
        Case("ClosedEnumFieldWithUnknownNumber.Closed", unknown, None, EVERYTHING),
    )


def _groups() -> Iterator[Case]:
    data, multi_word = "Data { group_int32: 1 }", "MultiWordGroup { group_int32: 1 }"
    extra, extra_type = "[everything.extragroup]", "[everything.ExtraGroup]"
    yield from (
        Case("GroupFieldNoColon", "Data { group_int32: 1 }", data, EVERYTHING),
        Case("GroupFieldWithColon", "Data: { group_int32: 1 }", data, EVERYTHING),
        Case("GroupFieldEmpty", "Data {}", "Data {\n}", EVERYTHING),
        Case("GroupFieldMultiWord", "MultiWordGroup { group_int32: 1 }", multi_word, EVERYTHING),
        Case("GroupFieldLowercased", "data { group_int32: 1 }", data, EVERYTHING),
        Case("GroupFieldLowercasedMultiWord", "multiwordgroup { group_int32: 1 }", multi_word, EVERYTHING),
        Case("GroupFieldExtension", f"{extra} {{ group_int32: 1 }}", f"{extra} <group_int32: 1>", EVERYTHING),
        Case("GroupFieldExtensionGroupName", f"{extra_type} {{ group_int32: 1 }}", None, EVERYTHING),
    )


def _delimited() -> Iterator[Case]:
    grouplike = "groupliketype { group_int32: 1 }"
    number = "[delimited.extension_int32]: 1"
    cases = {
        "GroupFieldNoColon": ("GroupLikeType { group_int32: 1 }", grouplike),
        "GroupFieldWithColon": ("GroupLikeType: { group_int32: 1 }", grouplike),
        "GroupFieldEmpty": ("GroupLikeType {}", "groupliketype {\n}"),
        "GroupFieldExtension": ("[delimited.groupliketype] { c: 1 }", "[delimited.groupliketype] <c: 1>"),
        "DelimitedFieldExtension": ("[delimited.delimited_ext] { c: 1 }", "[delimited.delimited_ext] <c: 1>"),
        "DelimitedFieldLowercased": ("groupliketype { group_int32: 1 }", grouplike),
        "DelimitedFieldLowercasedDifferent": (
            "delimited_field { group_int32: 1 }",
            "delimited_field: <group_int32: 1>",
        ),
        "DelimitedFieldExtensionMessageName": ("[delimited.GroupLikeType] { group_int32: 1 }", None),
        "ExtensionNameWithWhitespace": ("[delimi ted.exten\tsion_\nint32]: 1", number),
        "ExtensionNameWithComment": ("[delimited.exten # comment \nsion_int32]: 1", number),
    }
    for name, (text, expected) in cases.items():
        yield Case(f"Delimited.{name}", text, expected, DELIMITED)


def _anys() -> Iterator[Case]:
    def packed(name: str) -> str:
        return f"any: {{\n  [{name}]\n  {{\n    one_int32: 12345\n  }}\n}}\n"

    def unpacked(prefix: str) -> str:
        return rf'any {{ type_url: "{prefix}/implicit.Implicit" value: "\030\271`" }}'

    raw = 'any: {\n  type_url:\n  "type.googleapis.com/implicit.Implicit" value:\n  "\\b\\271`"\n}\n'
    raw_expected = r'any { type_url: "type.googleapis.com/implicit.Implicit" value: "\010\xb9\x60" }'
    cases = {
        "AnyField": (packed("type.googleapis.com/implicit.Implicit"), unpacked("type.googleapis.com")),
        "AnyFieldWithRawBytes": (raw, raw_expected),
        "AnyFieldWithInvalidType": (packed("type.googleapis.com/unknown"), None),
        "AnyWithCustomTypeUrlPrefix": (
            packed("non.default.domain/implicit.Implicit"),
            unpacked("non.default.domain"),
        ),
        "AnyWithSpecialCharactersInTypeUrlPrefix": (
            packed("non.default.domain/sub-path_0/~!$&()*+,;=/implicit.Implicit"),
            unpacked("non.default.domain/sub-path_0/~!$&()*+,;="),
        ),
        "AnyWithValidUrlPercentEscapeInTypeUrlPrefix": (
            packed("non.default.domain/%2F/implicit.Implicit"),
            unpacked("non.default.domain/%2F"),
        ),
        "AnyWithInvalidUrlPercentEscapeInTypeUrlPrefix": (
            packed("non.default.domain/%ZZ/implicit.Implicit"),
            None,
        ),
        "AnyWithWhitespaceInTypeUrl": (
            packed(" ty pe.go\nogleap\tis.com/\n    impl ici\nt.Impl\ticit "),
            unpacked("type.googleapis.com"),
        ),
        "AnyWithCommentsInTypeUrl": (
            packed("type.google # comment \napis.com/implicit.Impl # comment \nicit"),
            unpacked("type.googleapis.com"),
        ),
    }
    for name, (text, expected) in cases.items():
        yield Case(name, text, expected)


def _maps() -> Iterator[Case]:
    entries = {
        "AlphabeticallySortedMapStringKeys": ("map_string_string", ['"a"', '"b"', '"c"'], '"value"'),
        "AlphabeticallySortedMapIntKeys": ("map_int32_int32", ["1", "2", "3"], "0"),
        "AlphabeticallySortedMapBoolKeys": ("map_bool_bool", ["false", "true"], "false"),
    }
    for name, (field, keys, value) in entries.items():
        text = "".join(f"\n{field} {{\n  key: {key}\n  value: {value}\n}}" for key in keys)
        expected = " ".join(f"{field} <key: {key}, value: {value}>" for key in reversed(keys))
        yield Case(name, f"{text}\n", expected)
    first = 'map_string_nested {\n  key: "duplicate"\n  value: { number: 123 }\n}\n'
    last = 'map_string_nested {\n  key: "duplicate"\n  value: { back: {} }\n}\n'
    yield Case("DuplicateMapKey", first + last, last)


def performance_cases(repeats: int) -> list[Case]:
    """Return the cases in which one message is given again and again; in the suite, 50,000 times."""
    fields = {
        "Bool": "many_bool: true",
        "Double": "many_double: 123",
        "Int32": "many_uint32: 123",
        "Int64": "many_uint64: 123",
        "String": 'many_string: "foo"',
        "Bytes": 'many_bytes: "foo"',
    }
    return [
        Case(
            f"MergeMessageWithRepeatedField{kind}.{message_type.DESCRIPTOR.name}",
            f"recursive {{ {field} }}" * repeats,
            f"recursive {{ {f'{field} ' * repeats} }}",
            message_type,
        )
        for kind, field in fields.items()
        for message_type in (EVERYTHING, IMPLICIT)
    ]


CASES = (
    *_integers(),
    *_floats(),
    *_strings(),
    *_separators(),
    *_reserved_fields(),
    *_enums(),
    *_groups(),
    *_delimited(),
    *_anys(),
    *_maps(),
)

_MAPS = "maps are read, but none of our schemas has one to bind it to"
_EXTENSIONS = "names of extensions are read, but none of our schemas has an extension"
_ANYS = "names of Any types are read, but none of our schemas has an Any"

FAILURES = {
    "GroupFieldExtension": _EXTENSIONS,
    "Delimited.GroupFieldExtension": _EXTENSIONS,
    "Delimited.DelimitedFieldExtension": _EXTENSIONS,
    "Delimited.ExtensionNameWithWhitespace": _EXTENSIONS,
    "Delimited.ExtensionNameWithComment": _EXTENSIONS,
    "AnyField": _ANYS,
    "AnyWithCustomTypeUrlPrefix": _ANYS,
    "AnyWithSpecialCharactersInTypeUrlPrefix": _ANYS,
    "AnyWithValidUrlPercentEscapeInTypeUrlPrefix": _ANYS,
    "AnyWithWhitespaceInTypeUrl": _ANYS,
    "AnyWithCommentsInTypeUrl": _ANYS,
    "AlphabeticallySortedMapStringKeys": _MAPS,
    "AlphabeticallySortedMapIntKeys": _MAPS,
    "AlphabeticallySortedMapBoolKeys": _MAPS,
    "DuplicateMapKey": _MAPS,
}
"""The cases that are not met, all of them by design, and why."""
