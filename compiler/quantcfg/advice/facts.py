"""What the weights of a network say for certain, and the statistics of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from quantcfg.advice.report import Item, Kind
from quantcfg.advice.statistics import WeightStatistics, statistics_of
from quantcfg.contracts.config_schema import QUANT_ENABLE
from quantcfg.weights.program import LayerWeights, Load, Step


def weight_statistics(steps: Iterable[Step], load: Load) -> tuple[Mapping[str, WeightStatistics], list[Item]]:
    """Return the statistics of the weights, by layer, and what is to be said about them."""
    found: dict[str, WeightStatistics] = {}
    items: list[Item] = []
    for step in steps:
        weights = load(step)
        if not _is_finite(weights):
            reason = "its weights are not finite after folding: AMCT refuses to quantize it"
            items.append(Item((step.name,), Kind.EXACT, reason, QUANT_ENABLE, value=False))
            continue
        if step.operation.layer.quantizable and weights.weight is not None and weights.weight.size:
            statistics = statistics_of(weights.weight)
            if statistics:
                found[step.name] = statistics
        if weights.padding is not None and weights.padding.any():
            folded = step.before[0].layer.type
            reason = f"folding the {folded} before it is not exact, because the convolution pads its input"
            items.append(Item((step.name,), Kind.EXACT, reason))
    return found, [*items, *_dead(found)]


def _is_finite(weights: LayerWeights) -> bool:
    arrays = (weights.weight, weights.bias, *weights.others)
    return all(bool(np.isfinite(each).all()) for each in arrays if each is not None)


def _dead(found: Mapping[str, WeightStatistics]) -> Iterator[Item]:
    dead = {name: each.dead_channels for name, each in found.items() if each.dead_channels}
    if dead:
        count = sum(dead.values())
        them = "1 channel is" if count == 1 else f"{count} channels are"
        reason = f"{them} about 0, and quantized to 0, which loses nothing"
        yield Item(tuple(dead), Kind.EXACT, reason)
