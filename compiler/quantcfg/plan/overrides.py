"""Which calibration each layer gets: its own, its type's, or the common one (reference 4.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from quantcfg.caffe import Network
from quantcfg.diagnostics import Report, catalogue
from quantcfg.plan.losses import report_losses
from quantcfg.plan.names import report_repeats, report_unknown_layer, report_unquantizable_type
from quantcfg.plan.plan import LayerPlan, Plan
from quantcfg.plan.request import Calibration, Override, Request
from quantcfg.plan.settings import OriginKind


def resolve_overrides(plan: Plan, report: Report) -> Plan:
    """Check what the overrides name, and choose the calibration of each layer."""
    request = plan.request
    layers = tuple(_with_calibration(layer, request) for layer in plan.layers)
    _check_layer_overrides(request.layer_overrides, plan.network, report)
    _check_type_overrides(request.type_overrides, layers, report)
    report_losses(layers, report)
    return replace(plan, layers=layers)


def _with_calibration(plan: LayerPlan, request: Request) -> LayerPlan:
    own = _of(plan.layer.name, request.layer_overrides)
    by_type = _of(plan.layer.type, request.type_overrides)
    levels = tuple(calibration for calibration in (own, by_type, request.common) if calibration)
    if not levels:
        return plan
    return replace(plan, calibration=levels[0], beaten=levels[1:], weight=levels[0].weight)


def _of(target: str, overrides: Iterable[Override]) -> Calibration | None:
    return next((override.calibration for override in overrides if override.target.value == target), None)


def _check_layer_overrides(overrides: Sequence[Override], network: Network, report: Report) -> None:
    report_repeats([override.target for override in overrides], "override_layer_configs", report)
    for override in overrides:
        name = override.target
        layer = network.by_name.get(name.value)
        if layer is None:
            report_unknown_layer(name, network, report)
        elif layer.obstacle:
            report(catalogue.OVERRIDE_UNSUPPORTED.at(name.span, layer=layer.name, reason=layer.obstacle))


def _check_type_overrides(overrides: Sequence[Override], layers: Sequence[LayerPlan], report: Report) -> None:
    report_repeats([override.target for override in overrides], "override_layer_types", report)
    used = {id(layer.calibration) for layer in layers}
    for override in overrides:
        layer_type = override.target
        quantizable = report_unquantizable_type(layer_type, report)
        if quantizable and id(override.calibration) not in used and _is_written(override):
            existing = any(layer.layer.type == layer_type.value for layer in layers)
            reason = "every {} layer has its own" if existing else "no {} layer can be quantized"
            report(catalogue.OVERRIDE_UNMATCHED.at(layer_type.span, reason=reason.format(layer_type.value)))


def _is_written(override: Override) -> bool:
    """Tell whether an override stands in the request, rather than behind a deprecated field."""
    return override.target.origin.kind is OriginKind.WRITTEN
