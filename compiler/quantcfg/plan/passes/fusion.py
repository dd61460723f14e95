"""Resolve skip_fusion_layers (reference 4.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet

from quantcfg.contracts.config_schema import SKIP_FUSION
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.frozen import replace
from quantcfg.network import Layer, Network
from quantcfg.plan.passes.names import layers_named
from quantcfg.plan.plan import DEFINED_HERE, Plan
from quantcfg.plan.settings import Setting
from quantcfg.source import Span


def resolve_fusion(plan: Plan, report: Report) -> Plan:
    """Check skip_fusion_layers, and copy it to the plan."""
    names = plan.request.skip_fusion_layers
    # Several names from one string have its span; the string is reported already.
    at_span = Counter[Span | None](name.span for name in names if name.span)
    for name, layer in layers_named(names, plan.network):
        is_fusible = layer.type in plan.network.edition.layer_types.fusible and at_span[name.span] < 2
        if is_fusible and not layer.fusion and plan.network.is_complete:
            reason = f": {layer.fusion_obstacle}" if layer.fusion_obstacle else ""
            help = "remove it from the list"
            report(catalogue.NO_FUSION_GROUP.at(name.span, layer=layer.name, reason=reason, help=help))
    return take_fusion(plan, report)


def take_fusion(plan: Plan, report: Report) -> Plan:
    """Report layers of types that nothing can be folded into, and copy the list to the plan."""
    names, fusible = plan.request.skip_fusion_layers, plan.network.edition.layer_types.fusible
    listed = {name.value for name in names}
    for name, layer in layers_named(names, plan.network):
        if layer.type not in fusible:
            _report_not_fusible(name, layer, plan.network, listed, report)
    return replace(plan, values={**plan.values, SKIP_FUSION: names}) if names else plan


def _report_not_fusible(
    name: Setting[str], layer: Layer, network: Network, listed: AbstractSet[str], report: Report
) -> None:
    place, help = related(layer.span, DEFINED_HERE), _not_fusible_help(layer, network, listed)
    report(catalogue.NOT_FUSIBLE.at(name.span, layer=layer.name, type=layer.type, related=place, help=help))


def _not_fusible_help(layer: Layer, network: Network, listed: AbstractSet[str]) -> str:
    """Return the help for a layer that nothing is folded into: name the one that it is folded into."""
    target = network.folded_into(layer)
    return f'use "{target}"' if target and target not in listed else "remove it from the list"
