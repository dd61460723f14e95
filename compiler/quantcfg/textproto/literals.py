"""The values of number and string literals (spec: "Value Types", "String Literals")."""

from __future__ import annotations

import re
from functools import lru_cache

from quantcfg.textproto.tree import Literal, Number, String

_MOST_DIGITS = 100
_MOST_KEPT = 1000
_LONGEST_QUOTE = 40
_FLOAT_WORDS = ("inf", "infinity", "nan")
_ESCAPE = r"""(?xs)
    \\(?:
        (?P<simple> [abfnrtv?\\'"])
      | (?P<octal>  [0-7]{1,3})
      | x (?P<hex>  [0-9A-Fa-f]{1,2})
      | u (?P<short> [0-9A-Fa-f]{4})
      | U (?P<long>  [0-9A-Fa-f]{8})
      | (?P<wrong> .)
    )"""
"""An escape of a string; compiled on first use, as most files have none."""

_SIMPLE = dict(zip("abfnrtv?\\'\"", b"\a\b\f\n\r\t\v?\\'\"", strict=True))
_WRITTEN_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\0": "\\000"}


def integer(number: Number) -> int | None:
    """Return the value of a decimal, octal or hexadecimal integer, or None if it is not an integer."""
    digits = number.text.removeprefix("-").lower()
    if digits.startswith("0x"):
        magnitude = int(digits, 16)
    elif not digits.isdigit():
        return None
    elif digits.startswith("0"):
        magnitude = int(digits, 8)
    else:
        # int() rejects thousands of digits; this many are out of every range already.
        magnitude = int(digits[:_MOST_DIGITS])
    return -magnitude if number.text.startswith("-") else magnitude


@lru_cache(_MOST_KEPT)
def floating(text: str) -> float | None:
    """Return the value of a decimal number, "inf" or "nan", or None for anything else.

    Octal and hexadecimal numbers are not floating point numbers (spec: "Value Types").
    """
    digits = text.removeprefix("-").lower()
    if digits in _FLOAT_WORDS:
        return float(text)
    is_octal = digits.startswith("0") and digits[1:].isdigit()
    if digits[0] not in ".0123456789" or is_octal or digits.startswith("0x"):
        return None
    return float(text.rstrip("fF"))


def decode_string(string: String) -> bytes | Literal:
    """Return the bytes of a string, or its first invalid escape sequence.

    Spec: "String Literals". Surrogates and code points above U+10FFFF are
    invalid, and an octal escape is one byte.
    """
    if not string.further and "\\" not in string.text:
        return _encoded(string.text[1:-1])
    decoded = bytearray()
    for part in string.parts:
        body = part.text[1:-1]
        if "\\" not in body:
            decoded += _encoded(body)
            continue
        end = 0
        for escape in re.finditer(_ESCAPE, body):
            value = _unescape(escape)
            if value is None:
                return Literal(escape[0], part.start + 1 + escape.start(), len(escape[0]))
            decoded += _encoded(body[end : escape.start()]) + value
            end = escape.end()
        decoded += _encoded(body[end:])
    return bytes(decoded)


def _encoded(plain: str) -> bytes:
    # An unescaped surrogate passes here; the binder rejects it.
    return plain.encode(errors="surrogatepass")


def _unescape(escape: re.Match[str]) -> bytes | None:
    """Return the bytes of an escape sequence, or None if it is invalid."""
    kind = escape.lastgroup
    assert kind
    digits = escape[kind]
    if kind == "simple":
        return bytes([_SIMPLE[digits]])
    if kind == "wrong":
        return None
    if kind in ("octal", "hex"):
        value = int(digits, 8 if kind == "octal" else 16)
        return bytes([value]) if value <= 0xFF else None
    value = int(digits, 16)
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        return None
    return chr(value).encode()


def encode_string(value: str) -> str:
    """Return a string as one quoted literal."""
    return '"' + "".join(_WRITTEN_ESCAPES.get(char, char) for char in value) + '"'


def quotable(text: str) -> str:
    """Shorten a long word for a message."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
