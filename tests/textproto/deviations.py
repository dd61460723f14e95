"""Where this package and google's text_format part ways: every known way, and why.

docs/text-format.md has the same list, with the same names, for users.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tests.textproto.reading import CONFIG, EVERYTHING, read_by_google

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.message import Message

Stricter = Literal["we", "google", "neither"]


@dataclass(frozen=True)
class Deviation:
    """A kind of text that one of the two refuses, or that both read, but not alike.

    applies returns whether text has it, bound to that type of message. It may
    be wrong about a text that both refuse.
    """

    name: str
    stricter: Stricter
    reason: str
    example: str
    applies: Callable[[str, type[Message]], bool]
    message_type: type[Message] = EVERYTHING


_NAME = "[a-z_]*"
_QUOTED = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"|' + r"'[^'\\\n]*(?:\\.[^'\\\n]*)*'"
_COMMENT_OR_QUOTED = re.compile(rf"#[^\n]*|{_QUOTED}")


def _outside(pattern: str) -> Callable[[str, type[Message]], bool]:
    """Look for a pattern outside strings and comments."""
    compiled = re.compile(pattern)

    def applies(text: str, _: type[Message]) -> bool:
        bare = _COMMENT_OR_QUOTED.sub(lambda match: " " if match[0][0] == "#" else '""', text)
        return compiled.search(bare) is not None

    return applies


def _as_value_of(fields: str, pattern: str) -> Callable[[str, type[Message]], bool]:
    """Look for a pattern as a value, or in a list of values, of fields that go by such names."""
    return _outside(rf"(?:{fields})\s*:\s*(?:\[[^\]]*)?(?<![\w.]){pattern}(?![\w.])")


def _inside(pattern: str) -> Callable[[str, type[Message]], bool]:
    """Look for a pattern that is a whole character or escape sequence in a string."""
    compiled = re.compile(pattern, re.DOTALL)

    def applies(text: str, _: type[Message]) -> bool:
        quoted = (match[0][1:-1] for match in _COMMENT_OR_QUOTED.finditer(text) if match[0][0] != "#")
        pieces = (piece for body in quoted for piece in _ESCAPE_OR_CHARACTER.findall(body))
        return any(compiled.match(piece) for piece in pieces)

    return applies


_ESCAPE_OR_CHARACTER = re.compile(r"\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\.|[^\\]", re.DOTALL)


def _has_nul(text: str, _: type[Message]) -> bool:
    return "\0" in text


def _lacks_required_fields(text: str, message_type: type[Message]) -> bool:
    message = read_by_google(text, message_type)
    return message is not None and not message.IsInitialized()


def _is_deep(text: str, _: type[Message]) -> bool:
    return len(re.findall(r"[{<]", text)) >= 100


DEVIATIONS = (
    Deviation(
        "plus sign",
        "we",
        'spec, "Literals": the only sign is "-"',
        "one_int32: +5",
        _outside(r"[:,\[\s]\+[\w.]"),
    ),
    Deviation(
        "binary and Python octal numbers",
        "we",
        'spec, "Numeric Literals": a number is decimal, octal ("017") or hexadecimal ("0xF")',
        "one_int32: 0b101",
        _outside(r"(?<![\w.])0[bBoO]_?[0-7]"),
    ),
    Deviation(
        "underscores in numbers",
        "we",
        'spec, "Numeric Literals": a number has no "_"',
        "one_int32: 1_000",
        _outside(r"(?<![\w.])[\d.][\w.]*_\w"),
    ),
    Deviation(
        "digits of other scripts",
        "we",
        'spec, "Characters": a digit is one of 0 to 9',
        "one_int32: \N{ARABIC-INDIC DIGIT THREE}",
        _outside(r"[^\W0-9A-Za-z_]"),
    ),
    Deviation(
        "more than one f",
        "we",
        'spec, "Numeric Literals": one "f" or "F" may end a number',
        "one_float: 1.5ff",
        _outside(r"(?<![\w.])-?[\d.][\w.+-]*[fF]{2}(?!\w)"),
    ),
    Deviation(
        "f after inf and nan",
        "we",
        'spec, "Value Types": the words are inf, infinity and nan',
        "one_float: infinityf",
        _outside(r"(?i)(?<!\w)(?:inf|infinity|nan)f+(?!\w)"),
    ),
    Deviation(
        "minus zero for unsigned fields",
        "we",
        'spec, "Value Types": "Note that signed values (-0) are not valid."',
        "one_uint32: -0",
        _as_value_of(rf"{_NAME}(?:_uint|_fixed)(?:32|64)|{_NAME}num|num_{_NAME}", "-0[0xX]*"),
    ),
    Deviation(
        "long numbers for enums",
        "we",
        'spec, "Value Types": an enum takes integers of 32 bits; google drops what is above them',
        "one_color: 4294967297",
        _as_value_of(f"{_NAME}_color", "-?(?:0[xX][0-9A-Fa-f]{8,}|[1-9][0-9]{9,})"),
    ),
    Deviation(
        "other whitespace",
        "we",
        'spec, "Whitespace and Comments": blank, tab, line feed, vertical tab, form feed, carriage return',
        "one_int32:\N{NO-BREAK SPACE}5",
        _outside(r"[^\S \t\n\v\f\r]"),
    ),
    Deviation(
        "NUL characters",
        "we",
        'spec, "Characters": any character but NUL, even in strings and comments',
        "# \0\none_int32: 5",
        _has_nul,
    ),
    Deviation(
        "unknown escape sequences",
        "we",
        'spec, "String Literals": a backslash starts one of the listed escapes',
        r'one_string: "C:\Data\X41"',
        _inside(r"\\[^abfnrtv?\\'\"0-7xuU]"),
    ),
    Deviation(
        "missing required fields",
        "we",
        'spec, "Fields": "Fields marked required must be specified exactly once"; reference U21',
        "override_layer_configs { layer_name: 'conv1' }",
        _lacks_required_fields,
        CONFIG,
    ),
    Deviation(
        "deep nesting",
        "we",
        "messages may be nested 100 deep, the limit of protobuf's binary format",
        "recursive {" * 100 + "}" * 100,
        _is_deep,
    ),
    Deviation(
        "maps",
        "we",
        "no schema of this package has a map",
        'map_string_string { key: "a" }',
        _outside(r"(?<!\w)map_\w+\s*:?\s*[\[{<]"),
    ),
    Deviation(
        "extensions and Any types",
        "we",
        "no schema of this package has an extension or an Any",
        "[everything.extra_int32]: 5",
        _outside(r"\[[\s\w./%~!$&()*+,;=-]*\w\s*\]\s*[:{<]"),
    ),
    Deviation(
        "whitespace after the sign",
        "google",
        'spec, "Parsing Overview": whitespace and comments are allowed between the sign and the number',
        "one_int32: - 5",
        _outside(r"-\s+[\w.]"),
    ),
    Deviation(
        "other numbers for booleans",
        "google",
        'spec, "Value Types": "Any unsigned integer representation of 0 or 1 is permitted"',
        "one_bool: 01",
        _as_value_of(
            f"{_NAME}_bool|{_NAME}fusion|{_NAME}offset|{_NAME}quant|{_NAME}wise|asymmetric", "0[xX]?0*[01]"
        ),
    ),
    Deviation(
        "octal numbers for enums",
        "google",
        'spec, "Value Types": an enum takes any of the integer elements',
        "one_color: 02",
        _as_value_of(f"{_NAME}_color", "-?0[0-7]+"),
    ),
    Deviation(
        "reserved names",
        "google",
        'spec, "Fields": reserved fields "are simply ignored by text format"',
        "former_name: 5",
        _outside(r"(?<!\w)(?:reserved_field|former_name)(?!\w)"),
    ),
    Deviation(
        "empty lists without a colon",
        "google",
        'spec, "Fields": "[]" may be a list of messages, which needs no colon; we do not ask of what it is',
        "many_int32 []",
        _outside(r"(?<!\w)[A-Za-z_]\w*\s*\[\s*\]"),
    ),
    Deviation(
        "escaped question marks",
        "neither",
        r'spec, "String Literals": "\?" is a question mark; google keeps the backslash',
        r'one_string: "\?"',
        _inside(r"\\\?"),
    ),
    Deviation(
        "backslashes by code point",
        "neither",
        r'spec, "String Literals": "\u005c" is a backslash; for google it starts another escape sequence',
        r'one_string: "\u005cn"',
        _inside(r"(?i)\\u005c|\\U0000005c"),
    ),
)
