"""How Caffe's layers compute with their weights."""

from __future__ import annotations

from quantcfg.diagnostics import Report
from quantcfg.editions.caffe.execution import obstacle, preprocessing, run_step
from quantcfg.editions.caffe.layer_weights import empty_statistics, folded_weights, weight_problems
from quantcfg.editions.caffe.stored_arrays import read_stored_arrays
from quantcfg.files import PathLike
from quantcfg.network import Network
from quantcfg.weights.arrays import WeightsFile, map_weights
from quantcfg.weights.computation import Computation, Runner


def _read(network: Network, weights: PathLike | None, report: Report) -> WeightsFile | None:  # noqa: ARG001
    assert weights is not None
    arrays = read_stored_arrays(weights, report)
    return None if arrays is None else map_weights(weights, arrays)


COMPUTATION = Computation(
    read=_read,
    folded=folded_weights,
    problems=weight_problems,
    facts=empty_statistics,
    runner=Runner(obstacle, run_step, preprocessing),
)
