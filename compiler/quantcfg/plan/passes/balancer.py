"""Choose the layers with a balance step (ONNX reference 4.2, U22)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.frozen import replace
from quantcfg.network import Layer, LayerTypes
from quantcfg.plan.plan import DEFINED_HERE, LayerPlan, Plan, in_words
from quantcfg.plan.request import Calibration, Override
from quantcfg.plan.settings import Setting
from quantcfg.source import Span


def resolve_balancer(plan: Plan, report: Report) -> Plan:
    """Give each layer the balance step of its calibration, if it supports one."""
    if not plan.network.edition.layer_types.has(Feature.BALANCER):
        return plan
    refused = set(_check_overrides(plan, report))
    types = plan.network.edition.layer_types
    without: dict[tuple[int, str], list[LayerPlan]] = defaultdict(list)
    layers: list[LayerPlan] = []
    for layer in plan.layers:
        calibration = layer.calibration
        if calibration is None or calibration.balancer is None:
            layers.append(layer)
            continue
        reason = reason_without(layer.layer, types)
        layers.append(layer if reason else replace(layer, balancer=calibration.balancer))
        if reason and id(calibration) not in refused:
            without[id(calibration), reason].append(layer)
    having = {id(layer.calibration) for layer in layers if layer.balancer}
    for (calibration_id, reason), group in without.items():
        _report_without(group, reason, calibration_id in having, report)
    return replace(plan, layers=tuple(layers))


def supports(layer: Layer, types: LayerTypes) -> bool:
    """Return whether a layer can have a balance step."""
    return reason_without(layer, types) is None


def reason_without(layer: Layer, types: LayerTypes) -> str | None:
    """Return why a layer cannot have a balance step, None if it can or the edition has none."""
    if not types.has(Feature.BALANCER):
        return None
    return layer.obstacle or types.reason(Feature.BALANCER, layer.type, layer.attributes)


def _check_overrides(plan: Plan, report: Report) -> Iterator[int]:
    """Report overrides for types or layers without a balance step; yield the ids of their calibrations.

    An override of a type is an error only if no layer of the type could have one.
    """
    types = plan.network.edition.layer_types
    for override in plan.request.type_overrides:
        name = override.target.value
        if name in types.quantizable and types.obstacle(Feature.BALANCER, name, {}):
            yield from _refused(override, f"{name} layers", "", (), report)
    for override in plan.request.layer_overrides:
        layer = plan.network.by_name.get(override.target.value)
        reason = reason_without(layer, types) if layer else None
        if layer and reason:
            yield from _refused(override, f'layer "{layer.name}"', f": {reason}", [layer], report)


def _refused(
    override: Override, what: str, reason: str, layers: Sequence[Layer], report: Report
) -> Iterator[int]:
    calibration = override.calibration
    if calibration.balancer:
        place = [each for layer in layers for each in related(layer.span, DEFINED_HERE)]
        span, help = _to_remove(calibration.balancer)
        report(catalogue.NO_BALANCER.at(span, what=what, reason=reason, related=place, help=help))
        yield id(calibration)


def _to_remove(balancer: Setting[float]) -> tuple[Span | None, str]:
    """Return what requests a balance step, and the help to remove it: the message, not only its value."""
    origin = balancer.source if balancer.source.place else balancer.origin
    return origin.span, f"remove {origin.path[-1]}"


def _report_without(group: Sequence[LayerPlan], reason: str, is_used: bool, report: Report) -> None:
    """Warn about layers that lack, for one reason, the balance step of common_config or of their type."""
    calibration = group[0].calibration
    assert isinstance(calibration, Calibration)
    assert calibration.balancer
    span, help = _to_remove(calibration.balancer)
    report(
        catalogue.BALANCER_DROPPED.at(
            span,
            level=calibration.level,
            layers=in_words(group),
            reason=reason,
            help=None if is_used else f"{help}: no layer supports it",
        )
    )
