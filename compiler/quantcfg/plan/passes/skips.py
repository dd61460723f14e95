"""Resolve skip_layers and skip_layer_types (reference 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.frozen import replace
from quantcfg.network import Layer
from quantcfg.plan.passes.names import layers_named
from quantcfg.plan.plan import DEFINED_HERE, QUANTIZED, LayerPlan, Plan
from quantcfg.plan.request import Request
from quantcfg.plan.settings import Setting


def resolve_skips(plan: Plan, report: Report) -> Plan:
    """Check skip_layers and skip_layer_types, and disable the layers that they name."""
    request, types = plan.request, plan.network.edition.layer_types.quantizable
    _check_network(plan, report)
    for name, layer in layers_named(request.skip_layers, plan.network):
        _check_skipped_layer(name, layer, types, report)
    if plan.network.is_complete:
        _check_skipped_types(request.skip_layer_types, types, plan.layers, report)
    layers = _with_skips(plan.layers, request)
    _check_rest(layers, plan, report)
    return replace(plan, layers=layers)


def not_quantizable(plan: Plan) -> tuple[Layer, ...]:
    """Return the layers that look quantizable but are not, and that are not skipped."""
    request = plan.request
    skipped_types = {layer_type.value for layer_type in request.skip_layer_types}
    skipped = {name.value for name in request.skip_layers}
    return tuple(
        layer
        for layer in plan.network.layers
        if layer.title and layer.name not in skipped and layer.type not in skipped_types
    )


def _check_network(plan: Plan, report: Report) -> None:
    if not plan.network.is_complete:
        return
    if not plan.layers and not plan.request.tensors:
        file = plan.network.layers[0].span
        help = 'run "quantcfg layers" to see why'
        report(catalogue.NOTHING_QUANTIZABLE.at(None, file=file.source.name if file else "", help=help))
    reserved = plan.network.edition.schema.global_keys
    for layer in plan.network.quantizable:
        if layer.name in reserved:
            report(catalogue.RESERVED_NAME.at(layer.span, layer=layer.name, help="rename the layer"))


def _check_skipped_layer(name: Setting[str], layer: Layer, types: Sequence[str], report: Report) -> None:
    if layer.type not in types:
        report(
            catalogue.UNQUANTIZABLE_TYPE_OF_LAYER.at(
                name.span,
                layer=layer.name,
                type=layer.type,
                related=related(layer.span, DEFINED_HERE),
                help="remove it from the list",
            )
        )
    elif layer.obstacle:
        reason = f'layer "{layer.name}" is not quantizable: {layer.obstacle}'
        place = related(layer.span, DEFINED_HERE)
        report(catalogue.SKIP_UNMATCHED.at(name.span, reason=reason, related=place, help="remove it"))


def _check_skipped_types(
    skipped: Iterable[Setting[str]], types: Sequence[str], layers: Iterable[LayerPlan], report: Report
) -> None:
    existing = {layer.layer.type for layer in layers}
    for layer_type in skipped if existing else ():
        if layer_type.value in types and layer_type.value not in existing:
            reason = f"no {layer_type.value} layer is quantizable"
            report(catalogue.SKIP_UNMATCHED.at(layer_type.span, reason=reason, help="remove it"))


def skips(request: Request) -> Callable[[Layer], Iterator[Setting[bool]]]:
    """Return a function that yields the settings of quant_enable of a layer, in order of precedence."""
    by_name = {name.value: name for name in request.skip_layers}
    by_type = {layer_type.value: layer_type for layer_type in request.skip_layer_types}

    def of(layer: Layer) -> Iterator[Setting[bool]]:
        for skip in filter(None, (by_name.get(layer.name), by_type.get(layer.type))):
            yield Setting(False, skip.origin)
        yield QUANTIZED

    return of


def _with_skips(layers: Iterable[LayerPlan], request: Request) -> tuple[LayerPlan, ...]:
    if not request.skip_layers and not request.skip_layer_types:
        return tuple(layers)
    of = skips(request)
    return tuple(replace(plan, enabled=next(of(plan.layer))) for plan in layers)


def _check_rest(layers: tuple[LayerPlan, ...], plan: Plan, report: Report) -> None:
    skipped, types = plan.request.skip_layer_types, plan.network.edition.layer_types.quantizable
    if {layer_type.value for layer_type in skipped} >= set(types):
        report(catalogue.ALL_TYPES_SKIPPED.at(skipped[-1].span, help="remove at least one of them"))
    elif (
        plan.network.is_complete
        and layers
        and not plan.request.tensors
        and not any(layer.enabled.value for layer in layers)
    ):
        origin = layers[0].enabled.origin
        lists = origin.argument or "skip_layers and skip_layer_types"
        help = f"remove at least one layer from {lists}"
        report(catalogue.NOTHING_LEFT.at(origin.span, help=help))
