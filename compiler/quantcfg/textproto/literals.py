"""What the scalars of a text stand for, but for strings with escapes (escapes.py)."""

from __future__ import annotations

import re
from functools import lru_cache

from quantcfg.textproto.tree import Number, String

_MOST_DIGITS = 100
_MOST_KEPT = 1000
_LONGEST_QUOTE = 40
_FLOAT_WORDS = ("inf", "infinity", "nan")
_RADIX = re.compile(r"0x|0[0-7]+$")


def plain_text(string: String) -> str | None:
    """Return what a string of ASCII characters without escapes says; None if it is another one."""
    text = string.parts[0].text
    is_plain = len(string.parts) == 1 and text.isascii() and "\\" not in text
    return text[1:-1] if is_plain else None


def integer(number: Number) -> int | None:
    """Return the value of a decimal, octal or hexadecimal number, or None if it is no integer."""
    digits = number.text.removeprefix("-").lower()
    if digits.startswith("0x"):
        magnitude = int(digits, 16)
    elif not digits.isdigit():
        return None
    elif digits.startswith("0"):
        magnitude = int(digits, 8)
    else:
        # int() refuses thousands of digits; this many are beyond any range already.
        magnitude = int(digits[:_MOST_DIGITS])
    return -magnitude if number.text.startswith("-") else magnitude


@lru_cache(_MOST_KEPT)
def floating(text: str) -> float | None:
    """Return the value of a decimal number, "inf" or "nan", or None if it is something else.

    Octal and hexadecimal numbers are no floating point numbers (spec: "Value Types").
    """
    digits = text.removeprefix("-").lower()
    if digits in _FLOAT_WORDS:
        return float(text)
    if digits[0] not in ".0123456789" or _RADIX.match(digits):
        return None
    return float(text.rstrip("fF"))


def quotable(text: str) -> str:
    """Return a word as a message can quote it: cut short if it is very long."""
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}..."
