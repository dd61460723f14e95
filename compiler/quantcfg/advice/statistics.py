"""What the weights alone say about quantizing a layer (reference, weights.md 4.1, 4.2)."""

from __future__ import annotations

import numpy as np

from quantcfg.advice.arq import are_tiny, extremes, factors, quantized
from quantcfg.frozen import frozen_value
from quantcfg.weights.arrays import Array

MOST_DB = 150.0
"""The value of an infinite ratio in dB."""

_ROW_VALUES = 2**18
"""About how many values are quantized at once, so that a large weight needs little memory."""


@frozen_value
class WeightStatistics:
    """The signal to quantization noise ratios of a weight, in dB, and the spread of its channels.

    range_ratio: the largest absolute value of a channel over the median of all
        channels, without dead ones. dead_channels: the number of channels whose factor
        AMCT sets to 1, because all their values are about 0.
    The ratios are None if all values are 0.
    """

    channel_wise_db: float | None
    per_tensor_db: float | None
    range_ratio: float | None
    dead_channels: int

    @property
    def gain_db(self) -> float | None:
        """What channel_wise gains."""
        if self.channel_wise_db is None or self.per_tensor_db is None:
            return None
        return self.channel_wise_db - self.per_tensor_db


def statistics_of(weight: Array) -> WeightStatistics | None:
    """Return the statistics of a weight with its output channels first, None if a value is not finite."""
    by_channel, single = (factors(weight, channel_wise=channel_wise) for channel_wise in (True, False))
    if not np.isfinite(single).all():
        return None
    signal = channel_error = tensor_error = 0.0
    step = max(1, _ROW_VALUES * len(weight) // weight.size)
    for start in range(0, len(weight), step):
        part = weight[start : start + step]
        signal += energy(part)
        channel_error += error_energy(part, quantized(part, by_channel[start : start + step]))
        tensor_error += error_energy(part, quantized(part, single))
    # In doubles, in which no ratio overflows.
    highest, lowest = extremes(weight, channel_wise=True)
    ranges = np.maximum(np.abs(highest), np.abs(lowest)).astype(np.float64)
    alive = ~are_tiny(weight)
    return WeightStatistics(
        decibels(channel_error / signal) if signal else None,
        decibels(tensor_error / signal) if signal else None,
        float(ranges.max() / np.median(ranges[alive])) if alive.any() else None,
        int(len(ranges) - alive.sum()),
    )


def is_finite(values: Array) -> bool:
    """Return whether all values are finite."""
    # The extremes, as NaN is one of them, and need no array.
    return not values.size or bool(np.isfinite([values.max(), values.min()]).all())


def energy(values: Array) -> float:
    """Return the sum of squares."""
    return float(np.square(values, dtype=np.float64).sum())


def error_energy(exact: Array, found: Array) -> float:
    """Return the sum of squared errors."""
    return float(np.square(np.subtract(exact, found, dtype=np.float64)).sum())


def decibels(nmse: float) -> float:
    """Return a normalized error in dB, at most MOST_DB; NaN stays NaN."""
    # Plus zero, as there is a negative one.
    return MOST_DB if nmse == 0 else float(np.minimum(MOST_DB, -10 * np.log10(nmse))) + 0.0
