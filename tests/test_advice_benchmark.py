"""The benchmark of advice: its inputs, its rankings and its page. No test depends on what it measures."""

from __future__ import annotations

import math
from itertools import pairwise
from statistics import fmean, pstdev

import numpy as np
import pytest

from benchmarks.advice import figures, measurements, networks, page, rankings
from benchmarks.advice.measurements import RANDOM
from benchmarks.advice.photographs import Part, photographs
from quantcfg.weights.arrays import Array
from tests.shared import MODELS, needs_shared

pytestmark = pytest.mark.slow

SMALL = "mtcnn_det1"


def test_the_sets_of_photographs_have_no_common_one() -> None:
    names = [name for part in Part for name in part.pictures]
    assert len(names) == len(set(names)) == 9


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 3, 20, 40), 15), ((1, 1, 28, 28), 15), ((1, 3, 120, 160), 3)]
)
def test_photographs_fit_an_input(shape: tuple[int, ...], count: int) -> None:
    pytest.importorskip("skimage")
    found = photographs(Part.TRUTH, shape)
    assert found.shape == (count, *shape[1:])
    assert found.dtype == np.float32
    assert 0 <= found.min() < 50
    assert 200 < found.max() <= 255


def test_the_bins_of_the_reference_have_no_gap_and_all_its_layers() -> None:
    assert all(one.below == other.least for one, other in pairwise(figures.BINS))
    assert (figures.BINS[0].least, figures.BINS[-1].below) == (-math.inf, math.inf)
    assert sum(each.layers for each in figures.BINS) == 513
    assert figures.CORRELATIONS.keys() == figures.IMPROVEMENTS.keys() == rankings.RANKINGS.keys()
    assert figures.RATIOS.keys() == figures.PREDICTED.keys() == networks.MODELS.keys()


@needs_shared
def test_the_models_are_those_with_weights() -> None:
    assert {path.parent.name for path in MODELS.glob("*/weights.caffemodel")} == networks.MODELS.keys()


@needs_shared
def test_rankings_without_images_follow_the_order_and_the_weights() -> None:
    network = networks.read(MODELS, SMALL)
    names = [*network.settings]
    scores = {name: rankings.RANKINGS[name](network) for name in ("position", "few parameters", "kurtosis")}
    assert all([*each] == names for each in scores.values())
    assert sorted(names, key=lambda name: -scores["position"][name]) == names
    sizes = {name: network.weight(name).size for name in names}
    assert max(scores["few parameters"], key=scores["few parameters"].__getitem__) == min(
        sizes, key=sizes.__getitem__
    )
    assert scores["kurtosis"]["conv1"] == pytest.approx(_excess(network.weight("conv1")))


def _excess(weight: Array) -> float:
    values = weight.reshape(-1).tolist()
    mean, deviation = fmean(values), pstdev(values)
    return fmean(((value - mean) / deviation) ** 4 for value in values) - 3


@needs_shared
def test_the_page_shows_a_network_in_each_table() -> None:
    pytest.importorskip("skimage")
    found = measurements.measure(networks.read(MODELS, SMALL))
    assert found.correlations.keys() == found.improvements.keys() == {RANDOM, *rankings.RANKINGS}
    assert all(-1 <= each <= 1 for each in found.correlations.values())
    assert len(found.gains) == found.layers == 5
    text = page.render([found], 60)
    assert text.count(f"| {SMALL} | ") == 4
    assert "It took 1.0 minutes." in text
