from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import quantcfg.textproto
from quantcfg.diagnostics import Severity, catalogue, in_order
from quantcfg.diagnostics.formats.text import render
from tests.textproto.reading import CONFIG, ENDLESS, EVERYTHING, IMPLICIT, STRICT, parsed, read, same

if TYPE_CHECKING:
    from google.protobuf.message import Message

ROOM = Path(quantcfg.textproto.__file__).parent

Position = tuple[int, int]


@dataclass(frozen=True)
class Case:
    """Text and its diagnostic: code, start, end, and a part of the message."""

    text: str
    code: str
    start: Position
    end: Position
    message: str = ""
    help: str | None = None
    message_type: type[Message] = EVERYTHING


def on_line_1(text: str, code: str, start: int, end: int, message: str, help: str | None = None) -> Case:
    return Case(text, code, (1, start), (1, end), message, help)


AFTER_NAME = 'write ":" and a value, or "{" and fields, after the field name'
OCTAL = "octal numbers use digits 0 to 7"
IN_QUOTES = "put it in quotes if it is a name"
JSON = "write protobuf text format, not JSON"
CONFIGURATION = 'this is a JSON configuration: "quantcfg check" checks it, "quantcfg decompile" converts it'
LINE_ENDINGS = "save the file with LF or CRLF line endings"
TWO_STRINGS = 'write "," between them if they are two strings'
CLOSING_QUOTE = r"add the closing {}, or write \n for a line break"
NEEDS_COLON = 'write ":" between the field name and its value'
NO_COMMA = "remove the comma before it"
ONE_SEPARATOR = 'remove it: one ";" or "," ends a field'
COLORS = "use one of RED, GREEN, BLUE, ULTRAVIOLET, t, nan"

SYNTAX = (
    on_line_1("\ufeffone_int32: 5", "QC103", 1, 2, "byte order mark", "save the file without it"),
    on_line_1("one_int32 5", "QC104", 11, 12, 'expected ":" or "{", found "5"', NEEDS_COLON),
    on_line_1("one_int32", "QC104", 10, 10, 'expected ":" or "{", found the end of the file', AFTER_NAME),
    on_line_1("one_int32: ", "QC104", 11, 11, "expected a value, found the end of the file"),
    Case("one_int32:\n# c\n\n", "QC104", (2, 4), (2, 4), "expected a value, found the end of the file"),
    on_line_1("one_int32: -", "QC104", 13, 13, "expected a number, found the end of the file"),
    on_line_1('one_int32: -"a"', "QC104", 13, 16, 'expected a number, found "a"'),
    on_line_1("one_int32: 5 }", "QC104", 14, 15, 'expected a field name or the end of the file, found "}"'),
    on_line_1(": 5", "QC104", 1, 2, 'expected a field name or the end of the file, found ":"'),
    on_line_1("{}", "QC104", 1, 2, 'expected a field name or the end of the file, found "{"', JSON),
    on_line_1('{"a": {"b": 1}}', "QC104", 1, 2, 'found "{"', JSON),
    on_line_1('{"version": 1}', "QC104", 1, 2, 'found "{"', CONFIGURATION),
    on_line_1("7: 5", "QC104", 1, 2, 'expected a field name or the end of the file, found "7"'),
    on_line_1("one_int32: 5;;", "QC104", 14, 15, 'found ";"', ONE_SEPARATOR),
    on_line_1("one_int32: 5,,", "QC104", 14, 15, 'found ","', ONE_SEPARATOR),
    on_line_1("one_nested {", "QC104", 13, 13, 'expected a field name or "}", found the end of the file'),
    on_line_1("one_nested { number: 5 >", "QC104", 24, 25, 'expected a field name or "}", found ">"'),
    on_line_1("one_nested < number: 5 ", "QC104", 23, 23, 'expected a field name or ">"'),
    on_line_1("many_int32: [1, 2", "QC104", 18, 18, 'expected "," or "]", found the end of the file'),
    on_line_1("many_int32: [1 2]", "QC104", 16, 17, 'expected "," or "]", found "2"'),
    on_line_1("many_int32: [1,]", "QC104", 16, 17, 'expected a value, found "]"', NO_COMMA),
    on_line_1("many_nested: [{},]", "QC104", 18, 19, 'expected "{", found "]"', NO_COMMA),
    on_line_1(
        "one_int32:\none_bool: true", "QC104", 11, 11, 'expected a value, found the next field, "one_bool"'
    ),
    on_line_1("many_int32: [1;2]", "QC104", 15, 16, 'found ";"', 'write "," between the values of a list'),
    on_line_1("many_int32: [[1]]", "QC104", 14, 15, 'expected a value or "]", found "["'),
    on_line_1("many_int32: [1, {}]", "QC104", 17, 18, 'expected a value, found "{"'),
    on_line_1("many_nested: [{}, 1]", "QC104", 19, 20, 'expected "{", found "1"'),
    on_line_1("many_int32 [1]", "QC104", 13, 14, 'found "1"', 'write ":" before the list'),
    on_line_1(
        "one_bool: t # a\rone_int32: 5",
        "QC115",
        13,
        29,
        "does not end this comment",
        "save the file with LF or CRLF line endings",
    ),
    on_line_1("one_int32 = 5", "QC105", 11, 12, '"=" is not allowed here', "write :"),
    on_line_1("one_int32: +5", "QC105", 12, 13, '"+" is not allowed here', "remove it"),
    on_line_1("one_string: \u201ca\u201d", "QC105", 13, 14, "LEFT DOUBLE QUOTATION MARK", 'write "'),
    on_line_1("one_string: \u2018a\u2019", "QC105", 13, 14, "LEFT SINGLE QUOTATION MARK", "write '"),
    on_line_1("one_int32:\u00a05", "QC105", 11, 12, "NO-BREAK SPACE", "write an ordinary space"),
    on_line_1("one_int32\uff1a 5", "QC105", 10, 11, "FULLWIDTH COLON", "write :"),
    on_line_1("one_int32: \u0663", "QC105", 12, 13, "U+0663 (ARABIC-INDIC DIGIT THREE)"),
    on_line_1("\ufeff\ufeff", "QC103", 1, 3, "byte order mark", "save the file without it"),
    on_line_1(" \ufeff", "QC105", 2, 3, "U+FEFF (ZERO WIDTH NO-BREAK SPACE)", "remove it"),
    on_line_1("\x1b", "QC105", 1, 2, "character U+001B is not allowed here"),
    on_line_1("\0", "QC105", 1, 2, "character U+0000 is not allowed here"),
    on_line_1("# \0", "QC105", 3, 4, "character U+0000 is not allowed here"),
    on_line_1('one_string: "a\0b"', "QC105", 15, 16, "character U+0000 is not allowed here"),
    on_line_1("one_string: 'a\\\0'", "QC105", 16, 17, "character U+0000 is not allowed here"),
    on_line_1(
        "one_string: 'a",
        "QC106",
        13,
        15,
        "unterminated string",
        r"add the closing ', or write \n for a line break",
    ),
    on_line_1('one_string: "a\nb"', "QC106", 13, 15, "unterminated string", r"write \n for a line break"),
    on_line_1(
        'one_string: "a\\',
        "QC106",
        13,
        16,
        "unterminated string",
        r'add the closing ", or write \n for a line break',
    ),
    on_line_1("one_int32: 08", "QC107", 12, 14, 'invalid number "08"', OCTAL),
    on_line_1("one_int32: -0x", "QC107", 13, 15, 'invalid number "0x"'),
    on_line_1("one_int32: 10one_bool: t", "QC107", 12, 22, 'invalid number "10one_bool"', IN_QUOTES),
    on_line_1("one_float: 1.2.3", "QC107", 12, 17, 'invalid number "1.2.3"'),
    on_line_1("one_float: 1e+5x", "QC107", 12, 17, 'invalid number "1e+5x"', IN_QUOTES),
    on_line_1("one_int32: 1_000", "QC107", 12, 17, 'invalid number "1_000"', "write 1000"),
    on_line_1("one_int32: 0b101", "QC107", 12, 17, 'invalid number "0b101"', "write 5"),
    on_line_1(
        "many_string: ['a' 'b']",
        "QC213",
        15,
        22,
        "are joined",
        'write "," between them if they are two strings',
    ),
    on_line_1("[a.b: 5", "QC109", 1, 8, '"[a.b: 5" is not a valid extension or Any type name'),
    on_line_1("[]: 5", "QC109", 1, 3, '"[]" is not a valid extension or Any type name'),
    on_line_1("one_nested { [a.]: 5 }", "QC109", 14, 18, '"[a.]" is not a valid extension or Any type name'),
    on_line_1("[a/%zz/b]: 5", "QC109", 1, 10, '"[a/%zz/b]" is not a valid extension or Any type name'),
    on_line_1("[5]: 5", "QC109", 1, 4, '"[5]" is not a valid extension or Any type name'),
)

BINDING = (
    on_line_1(
        r"one_string: 'a\q'", "QC108", 15, 17, r'invalid escape sequence "\q"', r"write \\ for a backslash"
    ),
    on_line_1(
        r"one_string: 'a' 'b\ud800'",
        "QC108",
        19,
        25,
        r'invalid escape sequence "\ud800"',
        r"write \\ for a backslash",
    ),
    on_line_1(
        r"one_string: '\u12'", "QC108", 14, 16, r'invalid escape sequence "\u"', r"write \\ for a backslash"
    ),
    on_line_1(
        r"one_string: '\U00110000'", "QC108", 14, 24, "invalid escape sequence", r"write \\ for a backslash"
    ),
    on_line_1(
        r"one_string: '\X41'", "QC108", 14, 16, r'invalid escape sequence "\X"', r"write \\ for a backslash"
    ),
    on_line_1(
        r"one_bytes: '\400'", "QC108", 13, 17, r'invalid escape sequence "\400"', r"write \\ for a backslash"
    ),
    on_line_1("x: 5", "QC201", 1, 2, 'the top level has no field "x"'),
    on_line_1("one_in32: 5", "QC201", 1, 9, '"one_in32"', 'did you mean "one_int32"?'),
    on_line_1("ONE_INT32: 5", "QC201", 1, 10, '"ONE_INT32"', 'did you mean "one_int32"?'),
    on_line_1(
        "one_nested { nmber: 5 }",
        "QC201",
        14,
        19,
        'one_nested has no field "nmber"',
        'did you mean "number"?',
    ),
    on_line_1("DATA {}", "QC201", 1, 5, '"DATA"', 'did you mean "data"?'),
    on_line_1("one_int32: 'a'", "QC202", 12, 15, "must be an integer, not a string"),
    on_line_1("one_int32: 1.5", "QC202", 12, 15, '"one_int32" must be an integer, not 1.5'),
    on_line_1("one_int32: true", "QC202", 12, 16, '"one_int32" must be an integer, not true'),
    on_line_1("one_int32: {}", "QC202", 12, 14, '"one_int32" must be an integer, not a message'),
    on_line_1("many_int32: [1, x]", "QC202", 17, 18, '"many_int32" must be an integer, not x'),
    on_line_1("many_int32: [{}]", "QC202", 14, 16, '"many_int32" must be an integer, not a message'),
    Case("one_int32: -\n five", "QC202", (1, 12), (2, 6), '"one_int32" must be an integer, not -five'),
    on_line_1("one_float: 0x1", "QC202", 12, 15, '"one_float" must be a decimal number, not 0x1'),
    on_line_1("one_double: 012", "QC202", 13, 16, '"one_double" must be a decimal number, not 012'),
    on_line_1("one_float: infinityf", "QC202", 12, 21, "must be a decimal number, not infinityf"),
    on_line_1("one_float: -nanf", "QC202", 12, 17, "must be a decimal number, not -nanf"),
    on_line_1("one_float: '1'", "QC202", 12, 15, "must be a decimal number", "remove the quotes"),
    on_line_1("one_bool: TRUE", "QC202", 11, 15, '"one_bool" must be true or false, not TRUE', "write true"),
    on_line_1("one_bool: no", "QC202", 11, 13, '"one_bool" must be true or false, not no', "write false"),
    on_line_1("one_bool: 2", "QC202", 11, 12, '"one_bool" must be true or false, not 2'),
    on_line_1("one_bool: -0", "QC202", 11, 13, '"one_bool" must be true or false, not -0'),
    on_line_1("one_bool: 1.0", "QC202", 11, 14, '"one_bool" must be true or false, not 1.0'),
    on_line_1("one_string: abc", "QC202", 13, 16, "not abc", 'put it in quotes: "abc"'),
    on_line_1("one_string: 5", "QC202", 13, 14, '"one_string" must be a string in quotes, not 5'),
    on_line_1("one_bytes: {}", "QC202", 12, 14, '"one_bytes" must be a string in quotes, not a message'),
    on_line_1("one_nested: 'a'", "QC202", 13, 16, '"one_nested" must be a message in braces, not a string'),
    on_line_1("Data: 'a'", "QC202", 7, 10, '"data" must be a message in braces, not a string'),
    on_line_1("one_nested: [{}]", "QC202", 13, 17, '"one_nested" must be a message in braces, not a list'),
    on_line_1("one_nested []", "QC202", 12, 14, '"one_nested" must be a message in braces, not a list'),
    on_line_1("one_color: 'RED'", "QC202", 12, 17, "not a string", "remove the quotes"),
    on_line_1("one_color: {}", "QC202", 12, 14, "must be one of RED, GREEN, BLUE, ULTRAVIOLET, t, nan, not"),
    on_line_1(
        "one_int32: 2147483648", "QC203", 12, 22, "must be between -2147483648 and 2147483647, not 2147483648"
    ),
    on_line_1("one_int64: -0x8000000000000001", "QC203", 12, 31, "not -0x8000000000000001"),
    on_line_1("one_uint32: -0", "QC203", 13, 15, '"one_uint32" must be between 0 and 4294967295, not -0'),
    on_line_1(
        "many_fixed64: [1, - 1]", "QC203", 19, 22, "must be between 0 and 18446744073709551615, not -1"
    ),
    on_line_1("one_color: PURPLE", "QC204", 12, 18, 'unknown value PURPLE for "one_color"', COLORS),
    on_line_1("one_color: red", "QC204", 12, 15, 'unknown value red for "one_color"', "use RED"),
    on_line_1("one_color: 9", "QC204", 12, 13, 'unknown value 9 for "one_color"', COLORS),
    on_line_1(
        "many_color: [1, 4294967296]", "QC204", 17, 27, 'unknown value 4294967296 for "many_color"', COLORS
    ),
    on_line_1("one_color: -RED", "QC204", 12, 16, 'unknown value -RED for "one_color"', "use RED"),
    on_line_1("one_int32: [1]", "QC205", 12, 15, '"one_int32" must be a single value, not a list'),
    on_line_1("one_string: []", "QC205", 13, 15, '"one_string" must be a single value, not a list'),
    on_line_1("strict { name: 'a' }", "QC206", 1, 7, 'required field "limits" is missing from strict'),
    on_line_1("one_int32: 1 one_int32: 2", "QC207", 14, 23, '"one_int32" is set more than once'),
    on_line_1(
        "one_nested {number: 1} one_nested {number: 1}", "QC207", 36, 42, '"number" is set more than once'
    ),
    on_line_1("chosen_int32: 1 chosen_string: 'a'", "QC208", 17, 30, 'replaces "chosen_int32"'),
    on_line_1("chosen_nested {} chosen_int32: 1", "QC208", 18, 30, 'replaces "chosen_nested"'),
    on_line_1("chosen_int32: 1 chosen_nested {}", "QC208", 17, 30, 'replaces "chosen_int32"'),
    on_line_1("map_int32_int32 {}", "QC209", 1, 16, "a map field is not supported"),
    on_line_1("[everything.extra_int32]: 5", "QC209", 1, 25, "an extension or Any type name"),
    on_line_1("any { [a/b] {} }", "QC209", 7, 12, "an extension or Any type name"),
    on_line_1(r"one_string: '\xff'", "QC210", 13, 19, 'the value of "one_string" is not valid UTF-8'),
    on_line_1(
        r"many_string: ['a', '\377']", "QC210", 20, 26, 'the value of "many_string" is not valid UTF-8'
    ),
    on_line_1("one_string: '\ud800'", "QC210", 13, 16, 'the value of "one_string" is not valid UTF-8'),
    on_line_1(
        "one_int32: 4096.0", "QC202", 12, 18, '"one_int32" must be an integer, not 4096.0', "write 4096"
    ),
    Case("", "QC206", (1, 1), (1, 1), '"next" is missing from the top level', message_type=ENDLESS),
    Case("one_color: 2147483648", "QC203", (1, 12), (1, 22), "2147483647", message_type=IMPLICIT),
)
WARNINGS = ("QC207", "QC208", "QC213", "QC115")


@pytest.mark.parametrize("case", [*SYNTAX, *BINDING], ids=lambda case: repr(case.text[:40]))
def test_an_error_has_one_diagnostic_with_a_code_and_a_span(case: Case) -> None:
    (diagnostic,) = read(case.text, case.message_type).diagnostics
    assert diagnostic.span
    assert diagnostic.code == case.code
    assert (diagnostic.span.start_position, diagnostic.span.end_position) == (case.start, case.end)
    assert case.message in diagnostic.message
    assert diagnostic.help == case.help
    assert (diagnostic.severity is Severity.WARNING) == (case.code in WARNINGS)


def test_every_code_of_parsing_and_binding_has_a_case() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in ROOM.glob("*.py"))
    rules = [getattr(catalogue, name) for name in re.findall(r"catalogue\.([A-Z0-9_]+)", sources)]
    codes = {case.code for case in (*SYNTAX, *BINDING)}
    elsewhere = (
        catalogue.TOO_DEEP,
        catalogue.TOO_LONG,
        catalogue.TOO_MANY_ERRORS,
        catalogue.NEARLY_A_FIELD,
        catalogue.GIVEN_TWICE,
    )
    assert {rule.code for rule in (*rules, catalogue.BYTE_ORDER_MARK)} == codes | {
        rule.code for rule in elsewhere
    }


def test_a_long_word_is_cut_short_in_a_message() -> None:
    diagnostic = read(f"one_int32 {'a' * 50}", EVERYTHING).diagnostics[0]
    assert f'found "{"a" * 40}..."' in diagnostic.message


def test_every_opened_bracket_that_is_not_closed_is_pointed_at() -> None:
    cases = {
        "one_nested {": ((1, 12), 'this "{" is never closed'),
        "one_nested <\n number: 5 }": ((1, 12), 'this "<" is never closed'),
        "many_int32: [1": ((1, 13), 'this "[" is never closed'),
        "one_nested { back { }": ((1, 12), 'this "{" is never closed'),
    }
    for text, expected in cases.items():
        (related,) = read(text, EVERYTHING).diagnostics[0].related
        assert (related.span.start_position, related.message) == expected


def test_no_bracket_is_pointed_at_where_its_own_one_closes() -> None:
    for text in (
        "one_nested { number: }",
        "many_int32: [1, ]",
        "one_nested < number >",
        "}",
        "one_nested {} }",
    ):
        assert read(text, EVERYTHING).diagnostics[0].related == ()


def test_a_value_that_is_lost_is_pointed_at() -> None:
    again = read("one_int32: 1\none_int32: 2", EVERYTHING).diagnostics[0]
    assert [(related.span.text, related.message) for related in again.related] == [
        ("1", "this value is overridden")
    ]
    replaced = read("chosen_nested {}\nchosen_int32: 2", EVERYTHING).diagnostics[0]
    assert [(related.span.text, related.message) for related in replaced.related] == [
        ("chosen_nested", '"chosen_nested" is set here')
    ]


def found(text: str, message_type: type[Message]) -> list[tuple[str, Position, str]]:
    """Return the code, the place and the quoted words of every diagnostic, in the order of the text."""
    diagnostics = in_order(read(text, message_type).diagnostics)
    return [
        (
            diagnostic.code,
            diagnostic.span.start_position,
            ", ".join(re.findall('"(.*?)"', diagnostic.message)),
        )
        for diagnostic in diagnostics
        if diagnostic.span
    ]


def test_several_errors_are_all_reported() -> None:
    text = (
        "one_int32: x\nmany_color: [RED, PINK]\none_nested {\n  nmber: 1\n}\none_uint32: -1\none_bool: maybe"
    )
    assert found(text, EVERYTHING) == [
        ("QC202", (1, 12), "one_int32"),
        ("QC204", (2, 19), "many_color"),
        ("QC201", (4, 3), "nmber"),
        ("QC203", (6, 13), "one_uint32"),
        ("QC202", (7, 11), "one_bool"),
    ]


def test_valid_fields_next_to_errors_are_bound() -> None:
    message = read("one_int32: x one_bool: true many_int32: [1, y, 3] one_string: 'a'", EVERYTHING).message
    assert same(message, read("one_bool: true many_int32: [1, 3] one_string: 'a'", EVERYTHING).message)


def test_required_fields_are_missed_at_the_message_that_lacks_them() -> None:
    text = """
        strict { limits {} }
        stricts { name: "a" inner { name: "b" } limits { low: 1 high: 2 } }
        stricts: [{ name: "c", limits { low: 1 } }]
    """
    assert found(text, EVERYTHING) == [
        ("QC206", (2, 9), "name"),
        ("QC206", (2, 18), "low"),
        ("QC206", (2, 18), "high"),
        ("QC206", (3, 29), "limits"),
        ("QC206", (4, 32), "high"),
    ]


def test_required_fields_of_the_configuration_are_missed() -> None:
    text = "nuq_config {}\noverride_layer_types { layer_type: 'Convolution' }\noverride_layer_configs {}"
    assert found(text, CONFIG) == [
        ("QC206", (1, 1), "mapping_file"),
        ("QC206", (2, 1), "calibration_config"),
        ("QC206", (3, 1), "layer_name"),
        ("QC206", (3, 1), "calibration_config"),
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nme: 'a' limits {low: 1 high: 2}", "QC201"),
        ("name: 5 limits {low: 1 high: 2}", "QC202"),
        ("name: '\\q' limits {low: 1 high: 2}", "QC108"),
        ("name: ['a'] limits {low: 1 high: 2}", "QC205"),
        ("name: 'a' limits: 5", "QC202"),
        ("name: 'a' limits: [{}]", "QC202"),
        ("name: 'a' limit {low: 1 high: 2}", "QC201"),
        ("name: 'a' limits {low: 1 high: 1e9}", "QC202"),
        ("name: 'a' limits {low: 1 hihg: 2}", "QC201"),
    ],
)
def test_a_required_field_that_is_given_badly_is_not_missed_as_well(text: str, code: str) -> None:
    assert read(text, STRICT).codes == [code]


def test_an_invalid_message_does_not_set_its_oneof() -> None:
    assert read("chosen_int32: 1 chosen_nested: 5", EVERYTHING).codes == ["QC202"]


def test_a_name_far_from_all_others_has_no_suggestion() -> None:
    (diagnostic,) = read("quantization: 5", EVERYTHING).diagnostics
    assert diagnostic.help is None


# --- texts that are meant to break things

DEEP = 10_000


def deeply_nested(levels: int) -> str:
    return "recursive {" * levels + "}" * levels


def test_text_may_be_nested_as_deep_as_a_message() -> None:
    assert read(deeply_nested(99), EVERYTHING).codes == []
    (too_deep,) = read(deeply_nested(100), EVERYTHING).diagnostics
    assert too_deep.span
    assert (too_deep.code, too_deep.span.start) == ("QC110", 99 * len("recursive {"))


def test_what_is_too_deep_is_not_missed_as_well() -> None:
    assert read("next {" * 100 + "}" * 100, ENDLESS).codes == ["QC110"]


@pytest.mark.slow
def test_text_that_is_nested_far_too_deep_is_an_error() -> None:
    parsed(deeply_nested(DEEP))
    assert read(deeply_nested(DEEP), EVERYTHING).codes == ["QC110"]
    assert read("recursive {" * DEEP, EVERYTHING).codes == ["QC104", "QC110"]
    assert read("recursive <" * DEEP + "}", EVERYTHING).codes == ["QC104", "QC104", "QC110"]
    assert read("[" * DEEP, EVERYTHING).codes == ["QC109"]
    for deeper in ("recursive {", "recursive: [<", "recursive { x: 1 "):
        (too_deep,) = read(deeper * 20 * DEEP, EVERYTHING).diagnostics
        assert too_deep.span
        assert (too_deep.code, too_deep.span.text) == ("QC110", "recursive")
        assert too_deep.span.start == 99 * len(deeper)
    assert read("many_int32: " + "[" * DEEP, EVERYTHING).codes == ["QC104"]


MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("before", "repeated", "after", "codes"),
    [
        ("", "a", "", ["QC104"]),
        ("", "a", ": 5", ["QC201"]),
        ("one_int32: ", "a", "", ["QC202"]),
        ("one_color: ", "a", "", ["QC204"]),
        ("one_int32: ", "1", "", ["QC203"]),
        ("one_int32: 0x", "1", "", ["QC203"]),
        ("one_int32: 0", "1", "", ["QC203"]),
        ("one_color: ", "1", "", ["QC204"]),
        ("one_float: ", "1", "", []),
        ("one_float: 1e", "1", "", []),
        ("one_float: 0.", "1", "", []),
        ("one_float: ", "1", "x", ["QC107"]),
        ("one_string: '", "a", "'", []),
        ("one_string: '", "a", "", ["QC106"]),
        ("one_string: '", r"\n", "", ["QC106"]),
        ("one_string: ", f"'{'a' * 97}' ", "", []),
        ("[", "a", "]: 5", ["QC209"]),
        ("#", "a", "", []),
        ("", " ", "", []),
        ("", "\n", "", []),
        ("", "$", "", ["QC105"]),
    ],
)
@pytest.mark.slow
def test_a_megabyte_of_the_same_is_read_or_refused(
    before: str, repeated: str, after: str, codes: list[str]
) -> None:
    reading = read(f"{before}{repeated * (MEGABYTE // len(repeated))}{after}", EVERYTHING)
    assert reading.codes == codes
    assert all(len(diagnostic.message) < 200 for diagnostic in reading.diagnostics)


@pytest.mark.slow
@pytest.mark.parametrize("repeated", ["a", "a.", "a/", "%20", " ", "a #", "a #\n", "a/ #\n", "[", "[a"])
def test_a_bracketed_name_that_does_not_end_is_refused_in_linear_time(repeated: str) -> None:
    assert read("[" + repeated * (MEGABYTE // 10 // len(repeated)), EVERYTHING).codes == ["QC109"]


def test_a_number_of_ten_thousand_digits_is_out_of_range() -> None:
    (diagnostic,) = read(f"one_int64: -{'9' * 10_000}", EVERYTHING).diagnostics
    assert diagnostic.code == "QC203"
    assert (
        read(f"one_double: -{'9' * 10_000}", EVERYTHING).message
        == read("one_double: -inf", EVERYTHING).message
    )


def test_only_a_line_feed_ends_a_line() -> None:
    assert read("one_int32: 5 # a\rone_int32: x", EVERYTHING).codes == ["QC115"]
    assert found("one_bool: t\rone_int32: x\r", EVERYTHING) == [("QC202", (1, 24), "one_int32")]
    assert found("one_bool: t\r\none_int32: x\r\n", EVERYTHING) == [("QC202", (2, 12), "one_int32")]
    assert found("one_string: 'a\r\n'", EVERYTHING) == [("QC106", (1, 13), "")]


def test_every_diagnostic_of_the_table_can_be_rendered() -> None:
    for case in (*SYNTAX, *BINDING):
        for diagnostic in read(case.text, case.message_type).diagnostics:
            assert diagnostic.code in render(diagnostic)
