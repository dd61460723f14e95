from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import strategies as st

from quantcfg.textproto.scalars import shortest_decimal
from tests.laws import law

_SIGN = 1 << 31
_INFINITY = 0x7F800000
_MANTISSA_BITS = 23


def number(bits: int) -> float:
    """Return the 32-bit float of a bit pattern, as protobuf does."""
    value: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return value


def kept(written: str) -> float:
    """Return the 32-bit float nearest to a decimal, as protobuf does."""
    value: float = struct.unpack("<f", struct.pack("<f", float(written)))[0]
    return value


def by_numpy(value: float) -> float:
    return float(str(np.float32(value)))


def powers_of_two() -> Iterator[int]:
    """Yield the bit patterns of all that there are, the subnormal ones first."""
    yield from (1 << bit for bit in range(_MANTISSA_BITS))
    yield from range(1 << _MANTISSA_BITS, _INFINITY, 1 << _MANTISSA_BITS)


# repr distinguishes -0.0 from 0.0, and is the same for every nan.


@law(st.integers(0, 2**32 - 1), examples=750)
def test_every_float_has_the_decimal_that_numpy_gives_it(bits: int) -> None:
    assert repr(shortest_decimal(number(bits))) == repr(by_numpy(number(bits)))


@law(st.integers(0, (1 << _MANTISSA_BITS) - 1), examples=150)
def test_every_subnormal_float_has_the_decimal_that_numpy_gives_it(bits: int) -> None:
    assert repr(shortest_decimal(number(bits))) == repr(by_numpy(number(bits)))


@pytest.mark.parametrize("sign", [0, _SIGN], ids=["positive", "negative"])
@pytest.mark.parametrize("distance", range(-2, 3))
def test_powers_of_two_and_their_neighbours_have_the_decimals_that_numpy_gives_them(
    distance: int, sign: int
) -> None:
    # The gaps between floats change there, so the shortest decimal may lie on one side only.
    for power in powers_of_two():
        value = number(max(0, power + distance) | sign)
        assert repr(shortest_decimal(value)) == repr(by_numpy(value))


@law(st.decimals(min_value=0, max_value=9, places=6).map(str))
def test_a_decimal_of_few_digits_comes_back_as_it_was_written(decimal: str) -> None:
    assert shortest_decimal(kept(decimal)) == float(decimal)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.7", "0.7"),
        ("0.999999", "0.999999"),
        ("0.123456789", "0.12345679"),
        ("0.99999999", "1.0"),
        ("16777217", "16777216.0"),
        ("0.00001", "1e-05"),
        ("1e-50", "0.0"),
    ],
)
def test_the_examples_of_the_reference(written: str, expected: str) -> None:
    assert repr(shortest_decimal(kept(written))) == expected


@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_what_is_not_finite_stays_as_it_is(value: str) -> None:
    assert repr(shortest_decimal(float(value))) == value
