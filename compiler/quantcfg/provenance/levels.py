"""The overridden settings of a layer, and the rules that decide (reference 4.2, 4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ASYMMETRIC,
    CHANNEL_WISE,
    NUM_BITS,
    WEIGHT_ALGORITHM,
)
from quantcfg.frozen import frozen_value
from quantcfg.network import LayerTypes
from quantcfg.plan import LayerPlan, Origin, OriginKind, Plan, Setting
from quantcfg.plan.passes.activations import symmetric_reason
from quantcfg.plan.request import Algorithm, Calibration
from quantcfg.plan.settings import activation_algorithm
from quantcfg.provenance.explanation import Beaten


@frozen_value
class Level:
    """An overridden algorithm, by its name in the configuration, and why it is overridden.

    of_flag is why its flag asymmetric, which has its own rule, does not count either.
    """

    name: str
    algorithm: Algorithm
    reason: str
    of_flag: str = ""


def activation_levels(layer: LayerPlan, plan: Plan) -> Iterator[Level]:
    """Yield the activation algorithms of the levels that a layer's calibration replaces."""
    chosen, common = layer.calibration, plan.request.common
    schema = plan.network.edition.schema
    source = common.level if common else "common_config"
    for lower in layer.levels[1:]:
        if chosen and lower.activation:
            name, reason = activation_algorithm(lower.activation, schema), replacing(chosen, lower)
            of_flag = (
                f"applies only to layers with algorithm {name}"
                if lower is common
                else f"AMCT inherits asymmetric only from {source}"
            )
            yield Level(name, lower.activation, reason, of_flag)


def weight_levels(layer: LayerPlan, _: Plan) -> Iterator[Level]:
    """Yield the weight algorithms of the levels that a layer's calibration, or nuq_config, replaces."""
    chosen = layer.calibration
    if chosen is None:
        return
    by_mapping = layer.is_by_mapping
    if layer.selected and not by_mapping:
        yield Level(layer.selected.name, layer.selected, f"{chosen.level} takes precedence over nuq_config")
    for lower in layer.levels if by_mapping else layer.levels[1:]:
        if lower.weight:
            reason = (
                f"nuq_config takes precedence over {lower.level}" if by_mapping else replacing(chosen, lower)
            )
            yield Level(lower.weight.name, lower.weight, reason)


def overridden_balancers(layer: LayerPlan) -> Iterator[Beaten]:
    """Yield the balance steps of the levels that a layer's calibration replaces."""
    for lower in layer.levels[1:]:
        if layer.calibration and lower.balancer:
            yield Beaten(lower.balancer, replacing(layer.calibration, lower))


def replacing(chosen: Calibration, lower: Calibration) -> str:
    """Return in words that a calibration replaces another one (reference 4.2)."""
    return f"{chosen.level} replaces all of {lower.level}"


def overridden(
    field: str, name: str, chain: Sequence[Setting[Any]], levels: Iterable[Level]
) -> Iterator[Beaten]:
    """Yield the settings of levels for a field of an algorithm that are not in its chain."""
    paths = {setting.origin.path for setting in chain}
    for level in levels:
        setting = _setting(field, name, level)
        if setting and setting.origin.path not in paths:
            yield Beaten(setting, level.of_flag if field == ASYMMETRIC else level.reason)


def _setting(field: str, name: str, level: Level) -> Setting[Any] | None:
    if field in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        return Setting(level.name, level.algorithm.origin)
    is_shared = level.name == name or field == ASYMMETRIC
    return level.algorithm.parameters.get(field) if is_shared else None


def reason(key: str, origin: Origin, layer: LayerPlan, plan: Plan) -> str | None:
    """Return the rule that gives a value of a layer its origin, or None if the request itself does."""
    if key == ASYMMETRIC:
        return _of_flag(origin, layer, plan)
    if key == NUM_BITS and origin.kind is OriginKind.LAYER_TYPE:
        return f"{layer.layer.type} layers support no other number of bits"
    if key == CHANNEL_WISE and origin.kind is OriginKind.LAYER_TYPE:
        return _of_type(layer.layer.type, plan.network.edition.layer_types)
    if key == WEIGHT_ALGORITHM and layer.is_by_mapping:
        return "the mapping file of nuq_config selects this layer"
    return None


def _of_flag(origin: Origin, layer: LayerPlan, plan: Plan) -> str | None:
    """Return why asymmetric does not come from the calibration of the layer (reference 4.4)."""
    own = layer.calibration.activation if layer.calibration else None
    common = plan.request.common
    if origin.kind is OriginKind.LAYER_TYPE:
        return symmetric_reason(layer.layer, plan.network.edition.layer_types)
    if own and ASYMMETRIC in own.parameters:
        return None
    if common and origin.level == common.level:
        return f"not set for the layer, which has the algorithm of {common.level}"
    return "no setting closer to the layer applies"


def _of_type(layer_type: str, types: LayerTypes) -> str:
    """Return whether a type supports channel_wise (reference 3.4)."""
    verb = "support" if types.channel_wise(layer_type) else "do not support"
    return f"{layer_type} layers {verb} channel_wise"
