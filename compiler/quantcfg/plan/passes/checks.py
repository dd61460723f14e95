"""Check what a JSON Schema cannot express: rules between values, and rules of layer types.

The ranges of single values are in the JSON Schema, which is applied to the output.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from quantcfg.contracts.config_schema import CHANNEL_WISE, NON_UNIFORM
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, related
from quantcfg.diagnostics.phrases import boolean, listed
from quantcfg.network import ConfigSchema, Layer
from quantcfg.plan.passes.activations import check_activations
from quantcfg.plan.plan import DEFINED_HERE, LayerPlan, Plan, in_words
from quantcfg.plan.request import Algorithm
from quantcfg.plan.settings import Setting, Values

_CACHE_SIZE = 1000


def check_values(plan: Plan, report: Report) -> Plan:
    """Check the values of a plan, and return it unchanged."""
    _check_override_flags(plan, report)
    _check_common_flag(plan, report)
    _check_non_uniform(plan, report)
    check_activations(plan, report)
    schema = plan.network.edition.schema
    for layer in {id(layer.activation_values): layer for layer in plan.layers}.values():
        activation = layer.calibration.activation if layer.calibration else None
        _check_search(layer.activation_values, activation, schema, report)
    for tensor in plan.tensors:
        _check_search(tensor.activation_values, tensor.tensor.activation, schema, report)
    return plan


def _check_override_flags(plan: Plan, report: Report) -> None:
    """Report channel_wise in overrides for types that do not support it, even in unused ones."""
    known = plan.network.edition.layer_types
    flags: dict[int, tuple[Setting[bool], dict[str, Layer | None]]] = {}
    for layer_type, layer, weight in _overridden(plan):
        flag = weight.parameters.get(CHANNEL_WISE) if weight else None
        if flag and flag.value is True and not known.channel_wise(layer_type):
            flags.setdefault(id(flag), (flag, {}))[1][layer_type] = layer
    for flag, types in flags.values():
        report(
            catalogue.CHANNEL_WISE.at(
                flag.span,
                type=listed([*types]),
                where="",
                related=[
                    place for layer in types.values() if layer for place in related(layer.span, DEFINED_HERE)
                ],
                help="set it to false",
                fix=[Edit(flag.span, boolean(False))] if flag.span and plan.request.is_whole else [],
            )
        )


def _overridden(plan: Plan) -> Iterator[tuple[str, Layer | None, Algorithm | None]]:
    """Yield the layer type, the layer and the weight algorithm of every override with a valid target."""
    types = plan.network.edition.layer_types.quantizable
    for override in plan.request.type_overrides:
        if override.target.value in types:
            yield override.target.value, None, override.calibration.weight
    for override in plan.request.layer_overrides:
        layer = plan.network.by_name.get(override.target.value)
        if layer:
            yield layer.type, layer, override.calibration.weight


def _check_common_flag(plan: Plan, report: Report) -> None:
    """Report channel_wise of common_config if a layer that uses it does not support it (reference U14)."""
    common, types = plan.request.common, plan.network.edition.layer_types
    if plan.request.has_unread_overrides:
        return
    unsupported: dict[str, list[LayerPlan]] = defaultdict(list)
    for layer in plan.layers:
        flag = layer.weight_values.get(CHANNEL_WISE)
        given = isinstance(flag, Setting) and flag.value and not types.channel_wise(layer.layer.type)
        if given and layer.calibration is common:
            unsupported[layer.layer.type].append(layer)
    if not unsupported:
        return
    layers = [layer for group in unsupported.values() for layer in group]
    flag = layers[0].weight_values[CHANNEL_WISE]
    assert isinstance(flag, Setting)
    report(
        catalogue.CHANNEL_WISE.at(
            flag.span,
            type=listed([*unsupported]),
            where=f": {in_words(layers)}",
            related=[
                place
                for group in unsupported.values()
                for place in related(group[0].layer.span, "applies to this layer")
            ],
            help="remove channel_wise; the default is true where it is supported",
        )
    )


def _check_non_uniform(plan: Plan, report: Report) -> None:
    """Report non-uniform quantization of layers that do not support it (reference 5.5, U6)."""
    types = plan.network.edition.layer_types
    unsupported: dict[tuple[int, str, str], list[LayerPlan]] = defaultdict(list)
    for layer in plan.layers:
        weight, kind = layer.weight, layer.layer
        if weight is None or weight.name != NON_UNIFORM:
            continue
        if layer.calibration is plan.request.common and plan.request.has_unread_overrides:
            continue
        obstacle = types.obstacle(Feature.NON_UNIFORM, kind.type, kind.attributes)
        if obstacle:
            # Layers that fail the same condition are reported together.
            unsupported[id(weight), kind.type, obstacle.condition].append(layer)
    for (_, layer_type, _), group in unsupported.items():
        layer = group[0]
        assert layer.weight
        report(
            catalogue.NOT_NON_UNIFORM.at(
                layer.weight.origin.span,
                layers=in_words(group),
                type=layer_type,
                reason=types.reason(Feature.NON_UNIFORM, layer_type, layer.layer.attributes),
                related=related(layer.layer.span, "applies to this layer"),
                help=_non_uniform_help(layer, plan),
            )
        )


def _non_uniform_help(layer: LayerPlan, plan: Plan) -> str:
    is_common = layer.calibration is plan.request.common
    return "override these layers or their type with arq_quantize" if is_common else "use arq_quantize"


def _check_search(values: Values, algorithm: Algorithm | None, schema: ConfigSchema, report: Report) -> None:
    """Report a search range that is not increasing, and a step that is longer than it (reference 3.3)."""
    search_range, step = values.get("search_range"), values.get("search_step")
    if not isinstance(search_range, tuple) or not isinstance(step, Setting):
        return
    unread = algorithm.unread if algorithm else frozenset()
    if any(name.startswith("search_range") for name in unread):
        return
    start, end = search_range
    width = _width(start.value, end.value)
    if width <= 0:
        # The schema reports an end that is itself out of range.
        if schema.accepts_value("ifmr", "search_range", [start.value, end.value]):
            report(_empty_range(start, end))
    elif "search_step" not in unread and _decimal(step.value) > width:
        default = "" if step.span else f" (the default is {step.value})"
        report(
            catalogue.LONG_STEP.at(
                step.span or start.span or end.span,
                step=step.value,
                start=start.value,
                end=end.value,
                help=f"set search_step to at most {float(width)}{default}",
            )
        )


@lru_cache(_CACHE_SIZE)
def _width(start: float, end: float) -> Decimal:
    return _decimal(end) - _decimal(start)


@lru_cache(_CACHE_SIZE)
def _decimal(value: float) -> Decimal:
    return Decimal(str(value))


def _empty_range(start: Setting[float], end: Setting[float]) -> Diagnostic:
    both = start.span and end.span
    return catalogue.EMPTY_RANGE.at(
        start.span or end.span,
        start=start.value,
        end=end.value,
        related=related(end.span, "the end is set here") if both else (),
        help="make the start less than the end" if both else "set both ends: the other one has its default",
    )
