"""What the weights of a network say for certain, and the statistics of the weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from quantcfg.advice.report import Item, Kind
from quantcfg.advice.statistics import WeightStatistics, is_finite, statistics_of
from quantcfg.contracts.config_schema import (
    CHANNEL_WISE,
    NON_UNIFORM,
    QUANT_ENABLE,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
)
from quantcfg.frozen import frozen_value
from quantcfg.weights.program import LayerWeights, Load, Step

LayerConfigs = Mapping[str, Mapping[str, Any]]
"""The objects of the quantized layers in a configuration, by name."""


@frozen_value
class WeightFacts:
    """The statistics of weights by layer, the layers whose weights are not finite, and other statements."""

    statistics: Mapping[str, WeightStatistics]
    not_finite: Sequence[Item]
    others: Sequence[Item]


def weight_facts(steps: Iterable[Step], load: Load, configs: LayerConfigs) -> WeightFacts:
    """Return what the weights of steps say."""
    found: dict[str, WeightStatistics] = {}
    not_finite: list[tuple[Step, str]] = []
    others: list[Item] = []
    for step in steps:
        weights = load(step)
        if wrong := _not_finite(weights):
            not_finite.append((step, f"its {wrong} not finite{_as_numbers(weights)}"))
            continue
        if step.operation.layer.quantizable and weights.weight is not None and weights.weight.size:
            statistics = statistics_of(weights.weight)
            if statistics:
                found[step.name] = statistics
                others += _zeros(step.name, statistics, configs.get(step.name), weights)
        if weights.padding is not None and weights.padding.any():
            folded = step.before[0].layer.type
            reason = f"folding the {folded} before it is not exact, because the convolution pads its input"
            others.append(Item((step.name,), Kind.EXACT, reason))
    return WeightFacts(found, list(_skips(not_finite, configs)), [*others, *_dead(found, configs)])


def _not_finite(weights: LayerWeights) -> str | None:
    """Return which values are not all finite, None if all are."""
    if all(each is None or is_finite(each) for each in (weights.weight, *weights.others)):
        return None if weights.bias is None or is_finite(weights.bias) else "bias is"
    return "weights are"


def _as_numbers(weights: LayerWeights) -> str:
    return " as 32-bit numbers" if weights.is_rounded else ""


def _skips(found: Sequence[tuple[Step, str]], configs: LayerConfigs) -> Iterator[Item]:
    """Yield the layers whose weights are not finite, and that AMCT must not quantize them."""
    # AMCT needs a layer that it quantizes.
    can_skip = not configs.keys() <= {step.name for step, _ in found}
    for step, what in found:
        reason = what
        if step.before or step.after:
            reason += " after folding"
        if step.name not in configs:
            yield Item((step.name,), Kind.EXACT, reason)
        elif can_skip:
            reason += ": AMCT refuses to quantize it"
            yield Item((step.name,), Kind.EXACT, reason, QUANT_ENABLE, value=False)
        else:
            reason += ": AMCT refuses to quantize it, and no other layer is left to quantize"
            yield Item((step.name,), Kind.EXACT, reason)


def _zeros(
    name: str, statistics: WeightStatistics, config: Mapping[str, Any] | None, weights: LayerWeights
) -> Iterator[Item]:
    """Yield that all weights of a layer become 0; this holds for one factor and for one of each channel."""
    channels = 0 if weights.weight is None else len(weights.weight)
    if _is_channel_wise(config) is not None and statistics.dead_channels == channels:
        lost = "so small that they are quantized to 0, which leaves only the bias"
        zero = f"0{_as_numbers(weights)}"
        reason = f"all its weights are {lost if statistics.per_tensor_db is not None else zero}"
        yield Item((name,), Kind.EXACT, reason)


def _dead(found: Mapping[str, WeightStatistics], configs: LayerConfigs) -> Iterator[Item]:
    """Yield the layers some of whose channels have such small values that ARQ makes them 0."""
    dead = {
        name: each.dead_channels
        for name, each in found.items()
        if each.dead_channels and each.range_ratio is not None and _is_channel_wise(configs.get(name))
    }
    if dead:
        count = sum(dead.values())
        them = "1 channel is" if count == 1 else f"{count} channels are"
        yield Item(tuple(dead), Kind.EXACT, f"{them} almost 0, and quantized to 0")


def _is_channel_wise(config: Mapping[str, Any] | None) -> bool | None:
    """Return whether ARQ gives each channel a factor, None if the weights are not quantized by ARQ."""
    parameters = (config or {}).get(WEIGHT_PARAMS, {})
    if not parameters or parameters.get(WEIGHT_ALGORITHM) == NON_UNIFORM:
        return None
    return bool(parameters.get(CHANNEL_WISE))
