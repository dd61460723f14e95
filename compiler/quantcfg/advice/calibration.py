"""IFMR and HFMG: how AMCT finds the factor and offset of a layer input (reference, weights.md 1.5, 1.6)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import reduce
from math import ceil, floor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quantcfg.advice.arq import HIGHEST, LEAST_FACTOR, LOWEST, not_tiny
from quantcfg.frozen import frozen_value
from quantcfg.weights.arrays import Array

_STEPS = HIGHEST - LOWEST
RANGE_VALUES = 2**15
"""The number of values searched at once: they stay in the processor's cache."""

_STEP_DIVISOR = 100_000
_MIN_BIN_RATIO = 4
_RANGES_AT_ONCE = 64

_LARGE = 1e15
"""Sums of squares of larger values may overflow in single precision."""

_Doubles = NDArray[np.float64]

Check = Callable[[], None]
"""Called again and again during work that takes long; raises an exception to end it."""


def no_check() -> None:
    """Do nothing."""


@frozen_value
class Quantizer:
    """A factor and an offset: a value x has the code round(x / scale) + offset."""

    scale: np.float32
    offset: int

    def __call__(self, values: Array) -> Array:
        """Return what values are after quantization."""
        shifted = np.divide(values, self.scale)
        np.rint(shifted, out=shifted)
        np.clip(shifted, LOWEST - self.offset, HIGHEST - self.offset, out=shifted)
        return np.multiply(shifted, self.scale, out=shifted)


@frozen_value
class Ifmr:
    """The parameters of IFMR, with the names of the configuration."""

    max_percentile: float
    min_percentile: float
    search_range: tuple[float, float]
    search_step: float
    asymmetric: bool

    @property
    def candidates(self) -> int:
        """The number of ratios that are tried: from the start of the range, in steps, below its end."""
        # In decimals, as (1.3 - 0.7) / 0.01 is above 60 in doubles.
        start, end, step = (Decimal(str(each)) for each in (*self.search_range, self.search_step))
        return ceil((end - start) / step)


@frozen_value
class Hfmg:
    """The parameters of HFMG."""

    num_of_bins: int
    asymmetric: bool


def fit(algorithm: Ifmr | Hfmg, batches: Sequence[Array], check: Check = no_check) -> Quantizer:
    """Return the quantizer that an algorithm finds for the values of all batches."""
    if isinstance(algorithm, Hfmg):
        return _fit_hfmg(algorithm, batches, check)
    return _fit_ifmr(algorithm, batches, check)


# --- IFMR


def _fit_ifmr(algorithm: Ifmr, batches: Sequence[Array], check: Check) -> Quantizer:
    values = [batch.reshape(-1) for batch in batches]
    highest = max(np.float32(0), _largest(values, _rank(values, algorithm.max_percentile)))
    lowest = min(np.float32(0), _smallest(values, _rank(values, algorithm.min_percentile)))
    ratios = (algorithm.search_range[0] + algorithm.search_step * np.arange(algorithm.candidates)).astype(
        np.float32
    )
    if algorithm.asymmetric:
        # Only the upper edge moves.
        edges = ratios * highest
        scales = not_tiny((edges - lowest) / np.float32(_STEPS))
        best = _least_loss(values, scales, np.full_like(edges, lowest), edges, check)
        return Quantizer(scales[best], int(-np.rint(lowest / scales[best])) + LOWEST)
    edges = ratios * max(highest, -lowest)
    scales = not_tiny(edges / np.float32(-LOWEST if highest < -lowest else HIGHEST))
    best = _least_loss(values, scales, -edges, edges, check)
    return Quantizer(scales[best], 0)


def _rank(batches: Sequence[Array], percentile: float) -> int:
    """Return the rank of the value at a percentile, counted from the extreme, which is 1."""
    count = sum(map(len, batches))
    return 1 if 1 - percentile < LEAST_FACTOR else max(1, count - floor(percentile * count))


def _largest(batches: Sequence[Array], rank: int) -> np.float32:
    """Return the value with this rank, counted from the largest one."""
    tops = np.concatenate(
        [np.partition(batch, -rank)[-rank:] if rank < len(batch) else batch for batch in batches]
    )
    return np.float32(np.partition(tops, -rank)[-rank])


def _smallest(batches: Sequence[Array], rank: int) -> np.float32:
    """Return the value with this rank, counted from the smallest one."""
    ends = np.concatenate(
        [np.partition(batch, rank)[:rank] if rank < len(batch) else batch for batch in batches]
    )
    return np.float32(np.partition(ends, rank - 1)[rank - 1])


def _least_loss(batches: Sequence[Array], scales: Array, lowest: Array, highest: Array, check: Check) -> int:
    """Return the index of the range with the least squared error; a range that overflows has none."""
    is_large = any(max(batch.max(), -batch.min()) > _LARGE for batch in batches)
    precision = np.float64 if is_large else np.float32
    losses = []
    for each in zip(scales, lowest, highest, strict=True):
        check()
        losses.append(_loss(batches, *each, precision=precision))
    return int(np.argmin(np.nan_to_num(losses, nan=np.inf)))


def _loss(
    batches: Sequence[Array],
    scale: np.float32,
    lowest: np.float32,
    highest: np.float32,
    *,
    precision: type[np.floating[Any]],
) -> float:
    """Return the sum of squared errors of clipping and rounding."""
    total = 0.0
    room = np.empty(RANGE_VALUES, np.float32)
    chunks = (
        batch[start : start + RANGE_VALUES]
        for batch in batches
        for start in range(0, len(batch), RANGE_VALUES)
    )
    for chunk in chunks:
        error = np.clip(chunk, lowest, highest, out=room[: len(chunk)])
        np.divide(error, scale, out=error)
        np.rint(error, out=error)
        np.multiply(error, scale, out=error)
        np.subtract(error, chunk, out=error)
        total += float(np.square(error, dtype=precision).sum())
    return total


# --- HFMG


@frozen_value
class _Histogram:
    """Counts of values in bins of equal width between two edges."""

    lowest: float
    highest: float
    counts: _Doubles

    @property
    def width(self) -> float:
        """The width of a bin."""
        return (self.highest - self.lowest) / len(self.counts)


def _fit_hfmg(algorithm: Hfmg, batches: Sequence[Array], check: Check) -> Quantizer:
    histogram = reduce(_merged, (_histogram(batch, algorithm.num_of_bins) for batch in batches))
    if histogram.width <= 0:
        return _from_range(histogram.lowest, histogram.highest, algorithm)
    left, right = _best_range(histogram, check)
    lowest = histogram.lowest + left * histogram.width
    return _from_range(lowest, histogram.lowest + (right + 1) * histogram.width, algorithm)


def _histogram(values: Array, bins: int) -> _Histogram:
    # In doubles, in which the edges of all bins differ.
    lowest, highest = np.float64(values.min()), np.float64(values.max())
    counts = np.zeros(bins)
    if highest > lowest:
        counts[:] = np.histogram(values, bins, (lowest, highest))[0]
    else:
        counts[0] = values.size
    return _Histogram(float(lowest), float(highest), counts)


def _merged(one: _Histogram, other: _Histogram) -> _Histogram:
    """Merge histograms; the values in a bin count as uniformly distributed."""
    lowest, highest = min(one.lowest, other.lowest), max(one.highest, other.highest)
    edges = np.linspace(lowest, highest, len(one.counts) + 1)
    return _Histogram(lowest, highest, _binned_again(one, edges) + _binned_again(other, edges))


def _binned_again(histogram: _Histogram, edges: _Doubles) -> _Doubles:
    if histogram.highest <= histogram.lowest:
        # All values are equal.
        position = np.searchsorted(edges, histogram.lowest, side="right") - 1
        counts = np.zeros(len(edges) - 1)
        counts[min(int(position), len(counts) - 1)] = histogram.counts.sum()
        return counts
    own = np.linspace(histogram.lowest, histogram.highest, len(histogram.counts) + 1)
    below = np.concatenate([[0.0], np.cumsum(histogram.counts)])
    return np.diff(np.interp(edges, own, below))


def _best_range(histogram: _Histogram, check: Check) -> tuple[int, int]:
    """Return the first and the last bin of the range with the least error."""
    ranges = np.array(_search_ranges(histogram.counts))
    losses = []
    for start in range(0, len(ranges), _RANGES_AT_ONCE):
        check()
        losses.append(_range_losses(histogram, ranges[start : start + _RANGES_AT_ONCE]))
    left, right = ranges[np.argmin(np.concatenate(losses))]
    return int(left), int(right)


def _search_ranges(counts: _Doubles) -> list[tuple[int, int]]:
    """Return ranges of bins, each smaller than the one before, until a quarter of the bins is left.

    Each time, about as many values leave at either end; the end that frees more bins moves.
    """
    below = np.concatenate([[0.0], np.cumsum(counts)])
    step = max(ceil(below[-1] / _STEP_DIVISOR), 1)
    left, right = 0, len(counts) - 1
    ranges = []
    while right - left > ceil(len(counts) / _MIN_BIN_RATIO):
        new_left = min(int(np.searchsorted(below, below[left] + step)), right)
        new_right = max(int(np.searchsorted(below, below[right + 1] - step, side="right")) - 2, new_left)
        if right - new_right >= new_left - left:
            right = new_right
        else:
            left = new_left
        ranges.append((left, right))
    return ranges or [(left, right)]


def _range_losses(histogram: _Histogram, ranges: NDArray[np.int64]) -> _Doubles:
    """Return the integral of the squared error for 256 steps between the edges of each range."""
    left, right = (ranges[:, side][:, None].astype(np.float64) for side in range(2))
    # In units of bins: a step is a part of a bin, or several bins.
    step = (right - left + 1) / (_STEPS + 1)
    integrals = _integral(np.arange(len(histogram.counts) + 1) - left, step)
    return np.diff(integrals, axis=1) @ histogram.counts


def _integral(ends: _Doubles, step: _Doubles) -> _Doubles:
    """Return the integral of the squared error from 0 to each end; outside the range, of the nearest step."""
    index = np.clip(np.floor(ends / step), 0, _STEPS)
    distance = ends - (index + 0.5) * step
    # A power of 3 takes several times as long as two products.
    return index * (step**3 / 12) + (distance * distance * distance + (step / 2) ** 3) / 3


def _from_range(lowest: float, highest: float, algorithm: Hfmg) -> Quantizer:
    low, high = np.float32(min(lowest, 0)), np.float32(max(highest, 0))
    if algorithm.asymmetric:
        (scale,) = not_tiny(np.array([(high - low) / np.float32(_STEPS)]))
        return Quantizer(scale, int(-np.rint(low / scale)) + LOWEST)
    (scale,) = not_tiny(np.array([max(high, -low) / np.float32(-LOWEST if high < -low else HIGHEST)]))
    return Quantizer(scale, 0)
