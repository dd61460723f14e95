"""ARQ: how AMCT quantizes weights to 8 bits (reference, weights.md 1.1).

A weight has its output channels first, and a factor belongs to all of it or to one
channel. ARQ is symmetric and uses the range of the values; it does not search.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantcfg.weights.arrays import Array

LEAST_FACTOR = np.float32(1.192092896e-7)
"""Below this factor (FLT_EPSILON), AMCT uses 1, which quantizes the values to 0."""

LOWEST, HIGHEST = -128, 127


def factors(weight: Array, *, channel_wise: bool) -> Array:
    """Return the factor of each output channel, or the only one."""
    found = _range_factors(_rows(weight) if channel_wise else weight.reshape(1, -1))
    return np.where(found < LEAST_FACTOR, np.float32(1), found).astype(np.float32)


def are_tiny(weight: Array) -> NDArray[np.bool_]:
    """Return for each output channel whether its values are so small that all are quantized to 0."""
    return _range_factors(_rows(weight)) < LEAST_FACTOR


def _range_factors(rows: Array) -> Array:
    highest, lowest = rows.max(axis=1), rows.min(axis=1)
    # Only the negative side has the code -128.
    steps = np.where(np.abs(lowest) > np.abs(highest), np.float32(-LOWEST), np.float32(HIGHEST))
    factors: Array = np.maximum(np.abs(highest), np.abs(lowest)) / steps
    return factors


def codes(weight: Array, scales: Array) -> Array:
    """Return the codes of a weight, from -128 to 127; halves are rounded to even."""
    rounded: Array = np.rint(weight / _along(scales, weight))
    return np.clip(rounded, LOWEST, HIGHEST, out=rounded)


def quantized(weight: Array, scales: Array) -> Array:
    """Return what a weight is after quantization: its codes times their factors."""
    return codes(weight, scales) * _along(scales, weight)


def _rows(weight: Array) -> Array:
    return weight.reshape(len(weight), -1)


def _along(scales: Array, weight: Array) -> Array:
    return scales.reshape(-1, *(1,) * (weight.ndim - 1))
