"""Choose the calibration of each layer: its own, its type's, or the common one (reference 4.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from quantcfg.contracts.config_schema import ASYMMETRIC, CHANNEL_WISE, NON_UNIFORM
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Diagnostic, Report, catalogue, related
from quantcfg.frozen import replace
from quantcfg.network import ConfigSchema, Edition, Layer, LayerTypes, Network
from quantcfg.plan.assumed import assumed_layer
from quantcfg.plan.passes.activations import other_bits, supports_int16
from quantcfg.plan.passes.balancer import supports
from quantcfg.plan.plan import DEFINED_HERE, LayerPlan, Plan
from quantcfg.plan.request import Algorithm, Calibration, Override, Request
from quantcfg.plan.settings import activation_algorithm, weight_algorithm


def resolve_overrides(plan: Plan, report: Report) -> Plan:
    """Check the overrides, and choose the calibration of each layer."""
    request = plan.request
    by_name, by_type = _by_target(request.layer_overrides), _by_target(request.type_overrides)
    layers = tuple(_with_levels(layer, *_levels(layer, by_name, by_type, plan)) for layer in plan.layers)
    edition = plan.network.edition
    _check_layer_overrides(request.layer_overrides, plan.network, report)
    _check_type_overrides(request.type_overrides, layers, edition.layer_types, report)
    dropped = list(_dropped(layers, edition))
    for diagnostic in dropped:
        report(diagnostic)
    if not dropped:
        _check_common(request, layers, report)
    return replace(plan, layers=(*layers, *_without_target(plan)))


def _without_target(plan: Plan) -> Iterator[LayerPlan]:
    """Yield an assumed layer for each override with an unknown target, so that its values are checked."""
    types = plan.network.edition.layer_types
    for override in plan.request.type_overrides:
        if override.target.value not in types.quantizable:
            yield _assumed_plan(f"any layer of type {override.target.value}", types.most_capable, override)
    for override in plan.request.layer_overrides:
        if override.target.value not in plan.network.by_name:
            yield _assumed_plan(override.target.value, types.most_capable, override)


def _assumed_plan(name: str, layer_type: str, override: Override) -> LayerPlan:
    calibration = override.calibration
    return LayerPlan(assumed_layer(name, layer_type), levels=(calibration,), weight=calibration.weight)


def _by_target(overrides: Iterable[Override]) -> dict[str, Override]:
    return {override.target.value: override for override in overrides}


def _levels(
    layer: LayerPlan, by_name: Mapping[str, Override], by_type: Mapping[str, Override], plan: Plan
) -> tuple[Override | None, Override | None, Calibration | None]:
    """Return the override of a layer, that of its type, and the common calibration.

    The type of an assumed layer is not known, so what its own override replaces is not known either.
    """
    own, of_type = by_name.get(layer.layer.name), by_type.get(layer.layer.type)
    if own and not plan.network.is_complete:
        return own, None, None
    return own, of_type, plan.request.common


def _with_levels(
    plan: LayerPlan, own: Override | None, by_type: Override | None, common: Calibration | None
) -> LayerPlan:
    """Return a layer with the levels that apply to it.

    The types of fc_calibration_config never have the settings of
    conv_calibration_config, so that level ends the list.
    """
    overrides = [override for override in (own, by_type) if override]
    given = [override.calibration for override in overrides]
    if common and all(override.is_written for override in overrides):
        given.append(common)
    if not given:
        return plan
    return LayerPlan(plan.layer, plan.enabled, tuple(given), given[0].weight)


def _check_common(request: Request, layers: Sequence[LayerPlan], report: Report) -> None:
    """Report a common calibration that no layer uses, not even for its flag (reference 4.4).

    Without layers there is an error already, unless tensors are quantized.
    """
    common = request.common
    if common is None or any(layer.calibration is common for layer in layers):
        return
    if not layers and not request.tensors:
        return
    if common.activation is None or ASYMMETRIC not in common.activation.parameters:
        why = "every quantizable layer has an override" if layers else "there are no quantizable layers"
        help = f"remove it: {why}"
        report(catalogue.COMMON_UNUSED.at(common.span, level=common.level, help=help))


def _check_layer_overrides(overrides: Sequence[Override], network: Network, report: Report) -> None:
    for override in overrides:
        name, layer = override.target, network.by_name.get(override.target.value)
        if layer and layer.obstacle and not _is_refused(override.calibration, layer, network.edition):
            place = related(layer.span, DEFINED_HERE)
            report(
                catalogue.OVERRIDE_UNSUPPORTED.at(
                    name.span, layer=layer.name, reason=layer.obstacle, related=place, help="remove it"
                )
            )


def _is_refused(calibration: Calibration, layer: Layer, edition: Edition) -> bool:
    """Return whether the override of a layer is an error: it sets what the layer does not support."""
    has_balancer = calibration.balancer is not None and not supports(layer, edition.layer_types)
    has_bits = other_bits(calibration.activation, edition.schema) is not None
    return has_balancer or (has_bits and not supports_int16(layer, edition.layer_types))


def _check_type_overrides(
    overrides: Sequence[Override], layers: Sequence[LayerPlan], types: LayerTypes, report: Report
) -> None:
    used = {id(layer.calibration) for layer in layers}
    for override in _by_target(overrides).values():
        layer_type = override.target
        known = layer_type.value in types.quantizable
        if layers and known and id(override.calibration) not in used and override.is_written:
            existing = any(layer.layer.type == layer_type.value for layer in layers)
            reason = "every {} layer has an override of its own" if existing else "no {} layer is quantizable"
            report(catalogue.OVERRIDE_UNMATCHED.at(layer_type.span, reason=reason.format(layer_type.value)))


def _dropped(layers: Iterable[LayerPlan], edition: Edition) -> Iterator[Diagnostic]:
    """Yield a warning for each override that drops settings of the level that it replaces.

    An override replaces a level as a whole (reference 4.2), which is easily overlooked.
    Only settings that change a value are reported, once for each pair of levels.
    """
    seen = set()
    for layer in layers:
        if len(layer.levels) <= 1:
            continue
        chosen, lower = layer.levels[:2]
        pair = (id(chosen), id(lower))
        changes = [] if pair in seen else list(_changes(layer, edition))
        seen.add(pair)
        if changes:
            yield catalogue.OVERRIDE_DROPS.at(
                chosen.span,
                lower=lower.level,
                changes=", ".join(changes),
                related=related(lower.span, "replaced settings"),
                help="repeat the settings to keep in the override",
            )


def _changes(layer: LayerPlan, edition: Edition) -> Iterator[str]:
    chosen, lower = layer.levels[:2]
    schema, types = edition.schema, edition.layer_types
    is_channel_wise = types.channel_wise(layer.layer.type)
    yield from _dropped_parameters(
        chosen.activation, lower.activation, activation_algorithm, schema, is_channel_wise
    )
    if lower.balancer and not chosen.balancer and supports(layer.layer, types):
        yield "there is no balance step"
    if _supports(lower.weight, layer.layer, types):
        yield from _dropped_parameters(chosen.weight, lower.weight, weight_algorithm, schema, is_channel_wise)


def _supports(weight: Algorithm | None, layer: Layer, types: LayerTypes) -> bool:
    """Return whether a layer supports a weight algorithm: it cannot lose one that it does not support."""
    is_non_uniform = weight is not None and weight.name == NON_UNIFORM
    return not is_non_uniform or types.obstacle(Feature.NON_UNIFORM, layer.type, layer.attributes) is None


def _dropped_parameters(
    own: Algorithm | None,
    lower: Algorithm | None,
    name_of: Callable[[Algorithm | None, ConfigSchema], str],
    schema: ConfigSchema,
    is_channel_wise: bool,
) -> Iterator[str]:
    """Yield what changes without the algorithm of a lower level, unless the override names another one."""
    if lower is None or (own and own.name != lower.name):
        return
    name, lower_name = name_of(own, schema), name_of(lower, schema)
    if name != lower_name:
        yield f"the algorithm is {name}, not {lower_name}"
        return
    for parameter in schema.parameters(name):
        defaults = parameter.defaults or _type_default(parameter.key, is_channel_wise)
        for name, default in zip(parameter.settings, defaults, strict=False):
            dropped = lower.parameters.get(name)
            kept = own is not None and name in own.parameters
            if dropped and not kept and dropped.value != default:
                words = [parameter.word(value) for value in (default, dropped.value)]
                yield f"{name} is {_shown(words[0])}, not {_shown(words[1])}"


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _type_default(key: str, is_channel_wise: bool) -> tuple[bool, ...]:
    """Return the default that depends on the layer type, unless the type allows only one value."""
    return (True,) if key == CHANNEL_WISE and is_channel_wise else ()
