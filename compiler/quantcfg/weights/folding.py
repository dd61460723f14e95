"""Fold a normalization, and the scale after it, into a layer (reference, weights.md 1.3).

Both together compute y = factor * x + shift for each channel. A weight has its output
channels first, and its bias may be absent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quantcfg.frozen import frozen_value
from quantcfg.weights.arrays import Array

_Doubles = NDArray[np.float64]


@frozen_value
class ChannelMap:
    """What a normalization and its scale compute for each channel: factor * x + shift."""

    factor: _Doubles
    shift: _Doubles


def normalization(mean: Array, variance: Array, count: Array, eps: float) -> ChannelMap:
    """Return what a normalization computes.

    The stored mean and variance are sums, divided by count; a count of 0 makes both 0.
    """
    total = float(count.reshape(-1)[0])
    by = 1 / total if total else 0.0
    factor = 1 / np.sqrt(variance.astype(np.float64) * by + float(np.float32(eps)))
    return ChannelMap(factor, -mean.astype(np.float64) * by * factor)


def scaled(channels: ChannelMap, scale: Array, bias: Array | None) -> ChannelMap:
    """Return what a normalization and the scale after it compute."""
    shift = channels.shift * scale
    return ChannelMap(channels.factor * scale, shift if bias is None else shift + bias)


def folded_after(weight: Array, bias: Array | None, channels: ChannelMap) -> tuple[Array, Array]:
    """Fold a normalization into the layer before it."""
    new_weight = weight * channels.factor.reshape(-1, *(1,) * (weight.ndim - 1))
    start = 0.0 if bias is None else bias
    return new_weight.astype(np.float32), (start * channels.factor + channels.shift).astype(np.float32)


def folded_before(weight: Array, bias: Array | None, channels: ChannelMap, group: int) -> tuple[Array, Array]:
    """Fold a normalization into the convolution after it.

    The result equals the original only if the padding has the value that padding()
    returns, instead of 0.
    """
    outputs, inputs = len(weight) // group, weight.shape[1]
    grouped = weight.reshape(group, outputs, inputs, -1).astype(np.float64)
    new_weight = grouped * channels.factor.reshape(group, 1, inputs, 1)
    added = np.einsum("goik,gi->go", grouped, channels.shift.reshape(group, inputs)).reshape(-1)
    start = 0.0 if bias is None else bias
    return new_weight.reshape(weight.shape).astype(np.float32), (start + added).astype(np.float32)


def padding(channels: ChannelMap) -> Array:
    """Return the values with which a folded convolution must pad each channel to be exact.

    Without folding, the outputs of the normalization are padded with 0. A channel with
    factor 0 has no such value.
    """
    factor = np.where(channels.factor == 0, 1, channels.factor)
    return np.where(channels.factor == 0, 0, -channels.shift / factor).astype(np.float32)
