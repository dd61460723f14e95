"""IFMR and HFMG (reference, weights.md 1.5, 1.6) against plain implementations."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from benchmarks.advice.networks import HFMG, IFMR
from quantcfg.advice import calibration
from quantcfg.advice.calibration import Hfmg, Ifmr, Quantizer, fit
from quantcfg.frozen import replace
from tests.laws import law

SEEDS = st.integers(0, 2**32 - 1)

ALGORITHMS = (IFMR, replace(IFMR, asymmetric=False), HFMG, replace(HFMG, asymmetric=False))


def sample(seed: int, *, positive: bool) -> Any:
    random = np.random.default_rng(seed)
    values = random.normal(random.normal(), random.uniform(0.1, 10), 500).astype(np.float32)
    return np.maximum(values, 0) if positive else values


def plain_ifmr(algorithm: Ifmr, values: Any) -> tuple[dict[float, float], float]:
    """Return the errors of the factors that IFMR tries, and the lower edge, in doubles."""
    ordered = np.sort(values.astype(np.float64))
    high = max(0.0, ordered[-max(1, len(values) - floor(algorithm.max_percentile * len(values)))])
    low = min(0.0, ordered[max(1, len(values) - floor(algorithm.min_percentile * len(values))) - 1])
    losses = {}
    start, end = map(Fraction, map(str, algorithm.search_range))
    ratio, step = start, Fraction(str(algorithm.search_step))
    while ratio < end:
        if algorithm.asymmetric:
            edges, scale = (low, float(ratio) * high), (float(ratio) * high - low) / 255
        else:
            most = float(ratio) * max(high, -low)
            edges, scale = (-most, most), most / (128 if high < -low else 127)
        scale = scale if scale >= 1.192092896e-7 else 1.0
        error = np.rint(values.clip(*edges) / scale) * scale - values
        losses[scale] = float((error**2).sum())
        ratio += step
    return losses, low


@law(SEEDS, st.booleans(), st.booleans(), st.sampled_from([0.999999, 0.99, 0.9]), examples=60)
def test_ifmr_finds_the_least_error(seed: int, positive: bool, asymmetric: bool, percentile: float) -> None:
    values = sample(seed, positive=positive)
    algorithm = Ifmr(percentile, percentile, (0.7, 1.3), 0.05, asymmetric)
    found, (losses, low) = fit(algorithm, [values]), plain_ifmr(algorithm, values)
    scale = min(losses, key=lambda each: abs(each - float(found.scale)))
    assert float(found.scale) == pytest.approx(scale, rel=1e-5)
    # Two factors may be about as good.
    assert losses[scale] <= min(losses.values()) * (1 + 1e-4)
    assert found.offset == (int(-np.rint(np.float32(low) / found.scale)) - 128 if asymmetric else 0)
    # Batches count together.
    assert fit(algorithm, [values[:100].reshape(10, 10), values[100:]]) == found


@pytest.mark.parametrize(
    ("search_range", "step", "count"),
    [
        ((0.7, 1.3), 0.01, 60),
        ((0.7, 1.3), 0.05, 12),
        ((0.7, 1.3), 0.1, 6),
        ((0.5, 1.2), 0.4, 2),
        ((1, 2), 1, 1),
    ],
)
def test_the_end_of_the_range_is_not_tried(
    search_range: tuple[float, float], step: float, count: int
) -> None:
    assert replace(IFMR, search_range=search_range, search_step=step).candidates == count
    # Values that a larger range would fit better.
    values = np.append(np.linspace(0, 1, 100), [10] * 30).astype(np.float32)
    algorithm = Ifmr(0.5, 1.0, search_range, step, asymmetric=True)
    scale = float(fit(algorithm, [values]).scale)
    most = float(np.sort(values)[-65])
    assert scale * 255 == pytest.approx(most * (search_range[0] + (count - 1) * step), rel=1e-5)


def test_ifmr_computed_in_parts_finds_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = sample(1, positive=False)
    whole = fit(IFMR, [values])
    monkeypatch.setattr(calibration, "RANGE_VALUES", 7)
    assert fit(IFMR, [values]) == whole


@pytest.mark.parametrize(
    "algorithm", [IFMR, replace(IFMR, asymmetric=False), HFMG, replace(HFMG, asymmetric=False)]
)
def test_values_that_are_all_zero_stay_zero(algorithm: Ifmr | Hfmg) -> None:
    values = np.zeros(10, np.float32)
    quantizer = fit(algorithm, [values])
    assert quantizer.scale == 1
    assert (quantizer(values) == 0).all()


EXTREMES = {
    "equal": [1e30, 1e30],
    "equal and negative": [-1e30],
    "neighbours": [1000, np.nextafter(np.float32(1000), np.float32(2000))],
    "the greatest float": [0, np.finfo(np.float32).max / 2],
    "tiny": [0, 1e-45],
}


@pytest.mark.parametrize(
    "algorithm", [IFMR, replace(IFMR, asymmetric=False), HFMG, replace(HFMG, asymmetric=False)]
)
@pytest.mark.parametrize("extremes", EXTREMES.values(), ids=EXTREMES)
def test_extreme_values_keep_their_size(algorithm: Ifmr | Hfmg, extremes: list[float]) -> None:
    values = np.array(extremes, np.float32)
    found = fit(algorithm, [values, values])(values)
    np.testing.assert_allclose(found, values, rtol=0.01, atol=1e-6)


def test_a_quantizer_rounds_to_its_256_codes() -> None:
    quantizer = Quantizer(np.float32(0.5), -128)
    values = np.array([-1, 0, 0.24, 0.26, 0.75, 127.5, 127.6, 500], np.float32)
    assert quantizer(values).tolist() == [0, 0, 0, 0.5, 1, 127.5, 127.5, 127.5]


def test_an_input_that_is_never_negative_loses_a_bit_when_symmetric() -> None:
    values = np.linspace(0, 1, 10_000).astype(np.float32)
    errors = [
        np.square(fit(replace(IFMR, asymmetric=each), [values])(values) - values).sum()
        for each in (True, False)
    ]
    assert errors[1] / errors[0] == pytest.approx(4, rel=0.05)


# --- HFMG


def plain_losses(counts: Any, ranges: list[tuple[int, int]]) -> list[float]:
    """Return the integral of the squared error over each bin, by summing many points of it."""
    losses = []
    for left, right in ranges:
        step = (right - left + 1) / 256
        points = np.arange(len(counts))[:, None] + (np.arange(1000) + 0.5) / 1000 - left
        codes = np.clip(np.floor(points / step), 0, 255)
        losses.append(float((((points - (codes + 0.5) * step) ** 2).mean(axis=1) * counts).sum()))
    return losses


def test_the_losses_of_ranges_are_integrals_of_the_squared_error() -> None:
    random = np.random.default_rng(0)
    counts = random.integers(0, 50, 512).astype(np.float64)
    histogram = calibration._Histogram(-1.0, 1.0, counts)
    ranges = [(0, 511), (10, 500), (100, 400), (0, 200), (300, 511)]
    found = calibration._range_losses(histogram, np.array(ranges))
    np.testing.assert_allclose(found, plain_losses(counts, ranges), rtol=1e-3)


def plain_ranges(counts: list[int]) -> list[tuple[int, int]]:
    """Return the ranges that HFMG searches, by counting bins one by one."""
    left, right, found = 0, len(counts) - 1, []
    step = max(-(-sum(counts) // 100_000), 1)
    while right - left > -(-len(counts) // 4):
        low, high, freed = left, right, 0
        while low < high and freed < step:
            freed += counts[low]
            low += 1
        freed = 0
        while low < high and freed < step:
            freed += counts[high]
            high -= 1
        if right - high >= low - left:
            right = high
        else:
            left = low
        found.append((left, right))
    return found


@law(st.lists(st.integers(0, 3), min_size=8, max_size=64), examples=200)
def test_the_ranges_are_those_found_bin_by_bin(counts: list[int]) -> None:
    found = calibration._search_ranges(np.array(counts, np.float64))
    assert found == (plain_ranges(counts) or [(0, len(counts) - 1)])


@law(SEEDS, st.booleans(), examples=30)
def test_hfmg_is_about_as_good_as_ifmr(seed: int, positive: bool) -> None:
    # HFMG takes values as uniform within a bin, which holds for many different ones only: a factor
    # that fits a few values exactly is found by IFMR alone (4.5: up to 9.9 dB).
    values = sample(seed, positive=False)
    values = np.abs(values) if positive else values
    batches = [values[:200], values[200:]]
    by_ifmr, by_hfmg = (fit(algorithm, batches) for algorithm in (IFMR, HFMG))
    errors = [float(np.square(quantizer(values) - values).sum()) for quantizer in (by_ifmr, by_hfmg)]
    assert errors[1] < 1.5 * errors[0]


def test_merged_histograms_keep_the_number_of_values() -> None:
    one, other = (
        calibration._histogram(np.array(each, np.float32), 16) for each in ([0, 1, 2, 3], [-8, 5, 5])
    )
    merged = calibration._merged(one, other)
    assert (merged.lowest, merged.highest) == (-8, 5)
    assert merged.counts.sum() == pytest.approx(7)
    single = calibration._histogram(np.array([2, 2], np.float32), 16)
    assert calibration._merged(one, single).counts.sum() == pytest.approx(6)
