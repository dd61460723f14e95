"""Convert scalars to the type of their field (spec: "Value Types")."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any

from quantcfg.contracts.descriptors import EnumDescriptor, FieldDescriptor
from quantcfg.textproto import tree
from quantcfg.textproto.literals import floating, integer

INTEGER_RANGES = {
    **dict.fromkeys(("int32", "sint32", "sfixed32", "enum"), (-(2**31), 2**31 - 1)),
    **dict.fromkeys(("int64", "sint64", "sfixed64"), (-(2**63), 2**63 - 1)),
    **dict.fromkeys(("uint32", "fixed32"), (0, 2**32 - 1)),
    **dict.fromkeys(("uint64", "fixed64"), (0, 2**64 - 1)),
}
"""The smallest and the greatest integer of each kind of field."""

BOOLS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}
_WORDS = (tree.Number, tree.Identifier)
_MOST_KEPT = 1000
_FLOAT32 = struct.Struct("<f")
_MOST_DIGITS = 9

Converter = Callable[[tree.Value], Any]
"""Returns the value of a scalar, or None if the field does not accept it; refusals.py finds the reason."""


@cache
def converter(field: FieldDescriptor) -> Converter:
    """Return the function that converts values of a scalar field; a float becomes its shortest decimal."""
    if field.enum:
        return partial(_to_enum, enum=field.enum)
    if field.kind in INTEGER_RANGES:
        low, high = INTEGER_RANGES[field.kind]
        return partial(_to_integer, low=low, high=high)
    return _CONVERTERS[field.kind]


def _to_integer(value: tree.Value, *, low: int, high: int) -> int | None:
    number = integer(value) if isinstance(value, tree.Number) else None
    if number is None or not low <= number <= high:
        return None
    # Even "-0" is not an unsigned integer (spec: "Value Types").
    return None if low == 0 and value.text.startswith("-") else number  # type: ignore[union-attr]


def _to_float(value: tree.Value) -> float | None:
    return _single(value.text) if isinstance(value, _WORDS) else None


@lru_cache(_MOST_KEPT)
def _single(text: str) -> float | None:
    number = floating(text)
    return None if number is None else nearest_decimal(number)


def _to_double(value: tree.Value) -> float | None:
    return floating(value.text) if isinstance(value, _WORDS) else None


def _to_bool(value: tree.Value) -> bool | None:
    if isinstance(value, tree.Identifier):
        return BOOLS.get(value.text)
    number = _to_integer(value, low=0, high=1)
    return None if number is None else bool(number)


def _to_string(value: tree.Value) -> str | None:
    if not isinstance(value, tree.String):
        return None
    text = value.text
    if not value.further and text.isascii() and "\\" not in text:
        return text[1:-1]
    decoded = _to_bytes(value)
    try:
        return None if decoded is None else decoded.decode()
    except UnicodeDecodeError:
        return None


def _to_bytes(value: tree.Value) -> bytes | None:
    if not isinstance(value, tree.String):
        return None
    from quantcfg.textproto.literals import decode_string

    decoded = decode_string(value)
    return decoded if isinstance(decoded, bytes) else None


def _to_enum(value: tree.Value, *, enum: EnumDescriptor) -> int | None:
    if isinstance(value, tree.Identifier):
        return enum.numbers.get(value.text)
    low, high = INTEGER_RANGES["enum"]
    number = _to_integer(value, low=low, high=high)
    return None if number is None or (enum.is_closed and number not in enum.names) else number


_CONVERTERS: Mapping[str, Converter] = {
    "float": _to_float,
    "double": _to_double,
    "bool": _to_bool,
    "string": _to_string,
    "bytes": _to_bytes,
}


# --- the shortest decimal of a 32-bit float (reference 4.8)


def nearest_decimal(value: float) -> float:
    """Round a value to a 32-bit float and return its shortest decimal; out of range, return infinity."""
    rounded = _to_float32(value)
    return math.copysign(math.inf, value) if rounded is None else shortest_decimal(rounded)


def shortest_decimal(value: float) -> float:
    """Return the shortest decimal that rounds to a given 32-bit float.

    Example: 0.699999988079071, as protobuf returns it, becomes 0.7. Equal to
    float(str(numpy.float32(value))).
    """
    # 0.0 == -0.0, so the cache cannot distinguish them.
    return _shortest(value) if value and math.isfinite(value) else value


@lru_cache(_MOST_KEPT)
def _shortest(value: float) -> float:
    for digits in range(1, _MOST_DIGITS):
        near = f"{value:.{digits - 1}e}"
        # Floats below a power of two are closer together than those above it: the nearest decimal
        # may round to a float below while the next decimal up still rounds to the power itself.
        for decimal in (near, _next_up(near)):
            if _to_float32(float(decimal)) == value:
                return float(decimal)
    return float(f"{value:.{_MOST_DIGITS - 1}e}")


def _next_up(decimal: str) -> str:
    """Return the next decimal with the same number of digits, away from zero."""
    digits, exponent = decimal.split("e")
    fraction = len(digits.partition(".")[2])
    sign = "-" if digits.startswith("-") else ""
    step = int(digits.lstrip("-").replace(".", "")) + 1
    return f"{sign}{step}e{int(exponent) - fraction}"


def _to_float32(value: float) -> float | None:
    try:
        rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:
        return None
    return rounded
