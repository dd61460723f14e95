"""BatchNorm and Scale folded into a convolution compute the same (reference, weights.md 1.3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from quantcfg.weights.folding import folded_after, folded_before, normalization, padding, scaled
from tests.laws import law

SEEDS = st.integers(0, 2**32 - 1)


def convolved(values: Any, weight: Any, bias: Any, group: int) -> Any:
    """Return a convolution without padding, in doubles, by its definition."""
    outputs, inputs, height, width = weight.shape
    rows, columns = values.shape[1] - height + 1, values.shape[2] - width + 1
    found = np.zeros((outputs, rows, columns)) + bias[:, None, None]
    for output, row, column in np.ndindex(outputs, rows, columns):
        start = output // (outputs // group) * inputs
        window = values[start : start + inputs, row : row + height, column : column + width]
        found[output, row, column] += (window * weight[output]).sum()
    return found


def normalized(values: Any, mean: Any, variance: Any, count: float, gamma: Any, beta: Any) -> Any:
    by = 1 / count if count else 0
    inner = (values - (mean * by)[:, None, None]) / np.sqrt((variance * by)[:, None, None] + 1e-5)
    return inner * gamma[:, None, None] + beta[:, None, None]


def example(seed: int, channels: int, count: float) -> tuple[Any, ...]:
    """Return the statistics and scale of a BatchNorm; some channels are negative or 0."""
    random = np.random.default_rng(seed)
    gamma = random.normal(0, 1, channels) * (random.uniform(size=channels) > 0.2)
    statistics = random.normal(0, 1, channels) * count, random.uniform(0.1, 2, channels) * count
    return tuple(each.astype(np.float32) for each in (*statistics, gamma, random.normal(0, 1, channels)))


@law(SEEDS, st.sampled_from([1, 2]), st.sampled_from([1.0, 999.98]), st.booleans(), examples=40)
def test_folding_in_both_directions_keeps_the_output(
    seed: int, group: int, count: float, has_bias: bool
) -> None:
    random = np.random.default_rng(seed)
    weight = random.normal(0, 1, (4, 4 // group, 3, 2)).astype(np.float32)
    bias = random.normal(0, 1, 4).astype(np.float32) if has_bias else None
    start = np.zeros(4) if bias is None else bias
    values = random.normal(0, 1, (4, 5, 5))
    mean, variance, gamma, beta = example(seed, 4, count)
    channels = scaled(normalization(mean, variance, np.array([count], np.float32), 1e-5), gamma, beta)

    after = normalized(convolved(values, weight, start, group), mean, variance, count, gamma, beta)
    np.testing.assert_allclose(
        convolved(values, *folded_after(weight, bias, channels), group), after, rtol=1e-3, atol=1e-3
    )

    inner = normalized(values, mean, variance, count, gamma, beta)
    folded = folded_before(weight, bias, channels, group)
    np.testing.assert_allclose(
        convolved(values, *folded, group), convolved(inner, weight, start, group), rtol=1e-3, atol=1e-3
    )

    # With padding, the folded convolution needs other values than 0 at the border.
    pads = ((0, 0), (1, 1), (1, 1))
    alive = gamma != 0
    padded = np.pad(values, pads)
    inside = np.pad(np.ones_like(values), pads)
    padded = np.where(inside, padded, padding(channels)[:, None, None])
    if alive.all():
        wanted = convolved(np.pad(inner, pads), weight, start, group)
        np.testing.assert_allclose(convolved(padded, *folded, group), wanted, rtol=1e-3, atol=1e-3)


def test_statistics_that_were_never_taken_are_zero() -> None:
    """With the factor 0, Caffe divides by the square root of eps only."""
    zero = np.zeros(1, np.float32)
    channels = normalization(np.array([5.0], np.float32), np.array([9.0], np.float32), zero, 1e-5)
    assert channels.factor == pytest.approx(316.2, rel=1e-3)
    assert channels.shift == 0


def test_a_channel_that_scale_removes_has_no_padding() -> None:
    one = np.ones(2, np.float32)
    channels = scaled(normalization(one, one, one[:1], 1e-5), np.array([0.0, 2.0], np.float32), one)
    assert padding(channels)[0] == 0
    assert padding(channels)[1] == pytest.approx(0.5, rel=1e-4)
