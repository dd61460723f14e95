"""The statistics of the weights of real models are those of the reference (weights.md 4.1)."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from quantcfg.advice import statistics
from quantcfg.advice.statistics import MOST_DB, WeightStatistics, decibels, statistics_of
from quantcfg.weights.arrays import Array
from tests.advice.nets import shared_model
from tests.shared import needs_shared

# The least, median and greatest ratio in dB with channel_wise and without it, the median and
# greatest gain, and the median and greatest range ratio.
TABLE = {
    "lenet_mnist/deploy": ((43, 44, 47), (38, 41, 44), (3.7, 5.1), (1.6, 2)),
    "cifar10_quick_v1/deploy": ((41, 42, 45), (37, 40, 42), (2.5, 5.4), (1.4, 2)),
    "resnet20_cifar/train_val": ((40, 42, 45), (34, 38, 43), (4.2, 11.3), (1.8, 5)),
    "mtcnn_det1/deploy": ((41, 42, 46), (37, 41, 46), (3.5, 4.9), (1.6, 2)),
    "wechat_sr/deploy": ((39, 46, 47), (31, 38, 47), (5.7, 11.5), (2.6, 6)),
    "ultraface_slim320/deploy": ((35, 45, 50), (28, 37, 42), (7.2, 18.0), (2.7, 71)),
    "yoloface_50k/deploy": ((43, 46, 50), (35, 40, 46), (5.7, 14.4), (2.3, 12)),
}


def finite_statistics(weight: Array) -> WeightStatistics:
    found = statistics_of(weight)
    assert found
    return found


@needs_shared
@pytest.mark.parametrize("model", TABLE)
def test_the_statistics_of_a_model_are_those_of_the_reference(model: str) -> None:
    net = shared_model(model)
    weights = [net.load(step).weight for step in net.program.steps if step.operation.layer.quantizable]
    found = [finite_statistics(weight) for weight in weights if weight is not None]
    by_channel, single, gains, ratios = (
        np.array([value for value in column if value is not None and value < MOST_DB])
        for column in (
            [each.channel_wise_db for each in found],
            [each.per_tensor_db for each in found],
            [each.gain_db for each in found],
            [each.range_ratio for each in found],
        )
    )
    wanted = TABLE[model]
    for values, (least, middle, most) in ((by_channel, wanted[0]), (single, wanted[1])):
        assert (values.min(), np.median(values), values.max()) == pytest.approx(
            (least, middle, most), abs=0.75
        )
    assert (np.median(gains), gains.max()) == pytest.approx(wanted[2], abs=0.06)
    assert (np.median(ratios), ratios.max()) == pytest.approx(wanted[3], abs=0.5)


def test_a_weight_that_is_exactly_representable_has_the_greatest_ratio() -> None:
    weight = np.array([[127.0, -3.0], [254.0, 2.0]], np.float32)
    found = finite_statistics(weight)
    assert found.channel_wise_db == MOST_DB
    assert found.per_tensor_db is not None
    assert found.per_tensor_db < MOST_DB
    assert found.range_ratio == pytest.approx(254 / 190.5)
    assert found.dead_channels == 0


def test_dead_channels_count_and_do_not_spread_the_range() -> None:
    found = finite_statistics(np.array([[1.0, 2.0], [0.0, 0.0], [1e-6, 0.0], [2.0, 1.0]], np.float32))
    assert found.dead_channels == 2
    assert found.range_ratio == 1


def test_a_weight_that_is_all_zero_has_no_ratios() -> None:
    found = finite_statistics(np.zeros((2, 3), np.float32))
    assert (found.channel_wise_db, found.per_tensor_db, found.gain_db, found.range_ratio) == (None,) * 4
    assert found.dead_channels == 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_has_no_statistics(value: float) -> None:
    assert statistics_of(np.array([[1, 2], [3, value]], np.float32)) is None


def test_a_large_weight_has_the_statistics_of_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are computed a few rows at a time."""
    weight = np.random.default_rng(0).normal(0, 1, (16, 3, 3, 3)).astype(np.float32)
    at_once = finite_statistics(weight)
    monkeypatch.setattr(statistics, "_ROW_VALUES", 60)
    in_parts = finite_statistics(weight)
    assert in_parts.channel_wise_db == pytest.approx(at_once.channel_wise_db)
    assert in_parts.per_tensor_db == pytest.approx(at_once.per_tensor_db)


def test_decibels_of_errors() -> None:
    assert decibels(0.01) == pytest.approx(20)
    assert decibels(0.0) == MOST_DB
    assert decibels(1e-20) == MOST_DB
    assert np.isnan(decibels(float("nan")))


def test_a_weight_in_another_order_is_not_copied() -> None:
    stored = np.random.default_rng(0).normal(0, 1, (4, 512, 2048)).astype(np.float32)
    tracemalloc.start()
    found = finite_statistics(np.moveaxis(stored, -1, 0)).gain_db
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < stored.nbytes / 2
    assert found == pytest.approx(finite_statistics(np.ascontiguousarray(np.moveaxis(stored, -1, 0))).gain_db)
