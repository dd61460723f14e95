"""Which layers nothing is folded into (reference 4.6)."""

from __future__ import annotations

from dataclasses import replace

from quantcfg.caffe import Layer, capabilities
from quantcfg.diagnostics import Report, catalogue
from quantcfg.plan.names import distinct, known_layers
from quantcfg.plan.plan import Plan


def resolve_fusion(plan: Plan, report: Report) -> Plan:
    """Check skip_fusion_layers, and take it over as it is written."""
    names = distinct(plan.request.skip_fusion_layers, "skip_fusion_layers", report)
    for name, layer in known_layers(names, plan.network, report):
        if layer.type not in capabilities.fusible_types():
            help = _help(layer, plan)
            report(catalogue.NOT_FUSIBLE.at(name.span, layer=layer.name, type=layer.type, help=help))
        elif not layer.fusion:
            report(catalogue.NO_FUSION_GROUP.at(name.span, layer=layer.name, help="remove it from the list"))
    return replace(plan, values={**plan.values, "skip_fusion_layers": names})


def _help(layer: Layer, plan: Plan) -> str:
    """Name the layer that this one is folded into."""
    targets = [name for name in layer.fusion if plan.network.by_name[name].quantizable]
    return f'name "{targets[0]}" instead' if targets else "remove it from the list"
