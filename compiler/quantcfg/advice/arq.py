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
    return not_tiny(np.atleast_1d(_range_factors(*extremes(weight, channel_wise=channel_wise))))


def not_tiny(scales: Array) -> Array:
    """Return factors with 1 in place of those that are too small."""
    return np.where(scales < LEAST_FACTOR, np.float32(1), scales).astype(np.float32)


def are_tiny(weight: Array) -> NDArray[np.bool_]:
    """Return for each output channel whether its values are so small that all are quantized to 0."""
    return _range_factors(*extremes(weight, channel_wise=True)) < LEAST_FACTOR


def extremes(weight: Array, *, channel_wise: bool) -> tuple[Array, Array]:
    """Return the largest and the least value of each output channel, or of all.

    A weight may be a large view in another order, which is not copied.
    """
    axes = tuple(range(1 if channel_wise else 0, weight.ndim))
    return weight.max(axis=axes), weight.min(axis=axes)


def _range_factors(highest: Array, lowest: Array) -> Array:
    # Only the negative side has the code -128.
    steps = np.where(np.abs(lowest) > np.abs(highest), np.float32(-LOWEST), np.float32(HIGHEST))
    factors: Array = np.divide(np.maximum(np.abs(highest), np.abs(lowest)), steps)
    return factors


def codes(weight: Array, scales: Array) -> Array:
    """Return the codes of a weight, from -128 to 127; halves are rounded to even."""
    rounded: Array = np.rint(weight / _along(scales, weight))
    return np.clip(rounded, LOWEST, HIGHEST, out=rounded)


def quantized(weight: Array, scales: Array) -> Array:
    """Return a weight after quantization: its codes times their factors."""
    return codes(weight, scales) * _along(scales, weight)


def _along(scales: Array, weight: Array) -> Array:
    return scales.reshape(-1, *(1,) * (weight.ndim - 1))
