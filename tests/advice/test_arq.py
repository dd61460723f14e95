"""ARQ (reference, weights.md 1.1) against an independent implementation in exact arithmetic."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from quantcfg.advice.arq import codes, factors, quantized
from quantcfg.weights.layout import input_first, output_first
from tests.laws import law

CLOSE = 1e-5
"""Codes may differ where a weight in units of the factor is this close to a half."""

TINY = Fraction(1.192092896e-7)


def factor_of(row: list[float]) -> Fraction:
    """Return the factor of a row: min-max, and 1 for rows that are about 0."""
    highest, lowest = Fraction(max(row)), Fraction(min(row))
    steps = 128 if abs(lowest) > abs(highest) else 127
    factor = max(abs(highest), abs(lowest)) / steps
    return Fraction(1) if factor < TINY else factor


def code_of(weight: float, factor: Fraction) -> int:
    """Return the code of a weight; Python rounds fractions half to even."""
    return min(127, max(-128, round(Fraction(weight) / factor)))


def is_near_half(weight: float, factor: Fraction) -> bool:
    return abs(Fraction(weight) / factor % 1 - Fraction(1, 2)) < CLOSE


FLOATS = st.one_of(
    st.floats(-8, 8, width=32),
    st.floats(-(2.0**-17), 2.0**-17, width=32),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, 127.0, -128.0, 0.5, -1.5, 1e-30, 1e30, -1e30]),
)
WEIGHTS = arrays.arrays(np.float32, arrays.array_shapes(min_dims=2, max_dims=4, max_side=4), elements=FLOATS)


@law(WEIGHTS, st.booleans(), examples=300)
def test_arq_equals_the_exact_computation(weight: Any, channel_wise: bool) -> None:
    rows = weight.reshape(len(weight), -1).tolist()
    wanted = [factor_of(row) for row in rows] if channel_wise else [factor_of(weight.reshape(-1).tolist())]
    found = factors(weight, channel_wise=channel_wise)
    assert found.dtype == np.float32
    # Next to the least factor, the rounding of 32-bit floats decides.
    near_tiny = [abs(each / TINY - 1) < CLOSE for each in map(Fraction, map(float, found))]
    for factor, exact, is_near in zip(found, wanted, near_tiny, strict=True):
        assert is_near or float(factor) == pytest.approx(float(exact), rel=1e-6)
    each_row = wanted if channel_wise else wanted * len(rows)
    by_row = codes(weight, found).reshape(len(weight), -1)
    for row, factor, found_row in zip(rows, each_row, by_row.tolist(), strict=True):
        if any(near_tiny):
            continue
        for value, code in zip(row, found_row, strict=True):
            assert code == code_of(value, factor) or is_near_half(value, factor)


EDGES = {
    "all zero": ([0.0, 0.0], 1.0, [0, 0]),
    "tiny": ([1e-6, -1e-6], 1.0, [0, 0]),
    "the extreme is positive": ([127.0, -100.0], 1.0, [127, -100]),
    "the extreme is negative": ([-128.0, 100.0], 1.0, [-128, 100]),
    "equal extremes have no code -128": ([-127.0, 127.0], 1.0, [-127, 127]),
    "halves go to even": ([127.0, 0.5, 1.5, 2.5, -0.5, -1.5], 1.0, [127, 0, 2, 2, 0, -2]),
}


@pytest.mark.parametrize(("row", "factor", "wanted"), EDGES.values(), ids=EDGES)
def test_an_edge_case_has_its_factor_and_codes(row: list[float], factor: float, wanted: list[int]) -> None:
    weight = np.array([row], np.float32)
    found = factors(weight, channel_wise=True)
    assert found.tolist() == [factor]
    assert codes(weight, found).tolist() == [wanted]
    assert quantized(weight, found).tolist() == [[factor * code for code in wanted]]


def test_a_negative_scale_changes_the_factor() -> None:
    """Folding a negative gamma makes the negative extreme the positive one."""
    weight = np.array([[-128.0, 100.0]], np.float32)
    assert factors(weight, channel_wise=True) == 1
    assert factors(-weight, channel_wise=True) == pytest.approx(128 / 127)


@pytest.mark.parametrize(("group", "inputs", "outputs"), [(1, 3, 4), (2, 3, 2), (6, 1, 1), (3, 2, 4)])
def test_a_deconvolution_has_a_row_for_each_output_channel(group: int, inputs: int, outputs: int) -> None:
    """The kernel of input i and output o of group g is blob[g * inputs + i, o]."""
    blob = np.arange(group * inputs * outputs * 4, dtype=np.float32).reshape(group * inputs, outputs, 2, 2)
    weight = output_first(blob, group)
    assert weight.shape == (group * outputs, inputs, 2, 2)
    for each, row, column in product(range(group), range(inputs), range(outputs)):
        kernel = blob[each * inputs + row, column]
        assert (weight[each * outputs + column, row] == kernel).all()
    assert (input_first(weight, group) == blob).all()
