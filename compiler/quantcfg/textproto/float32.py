"""The shortest decimal of a 32-bit float (reference 4.8)."""

from __future__ import annotations

import math
import struct
from functools import lru_cache

_FLOAT32 = struct.Struct("<f")
_MOST_DIGITS = 9
_MOST_KEPT = 1000


def nearest_decimal(value: float) -> float:
    """Return the shortest decimal of the 32-bit float that is nearest to a value; it may be infinite."""
    rounded = _to_float32(value)
    return math.copysign(math.inf, value) if rounded is None else shortest_decimal(rounded)


def shortest_decimal(value: float) -> float:
    """Return the double whose decimal is the shortest that names a 32-bit float.

    value is a float that 32 bits hold, as protobuf gives it: 0.699999988079071
    becomes 0.7. It agrees with float(str(numpy.float32(value))).
    """
    # Zero is the one number that is equal to another, -0.0, and could not be told from it.
    return _shortest(value) if value and math.isfinite(value) else value


@lru_cache(_MOST_KEPT)
def _shortest(value: float) -> float:
    for digits in range(1, _MOST_DIGITS):
        near = f"{value:.{digits - 1}e}"
        # Beside a power of two the floats below are closer than those above: the nearest decimal
        # may name one of them while the next decimal up still names the power itself.
        for decimal in (near, _next_up(near)):
            if _to_float32(float(decimal)) == value:
                return float(decimal)
    return float(f"{value:.{_MOST_DIGITS - 1}e}")


def _next_up(decimal: str) -> str:
    """Return the decimal of as many digits that is next, away from zero."""
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
