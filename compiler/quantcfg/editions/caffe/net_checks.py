"""What may be wrong with the layers of a network as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from quantcfg.diagnostics import Edit, Report, catalogue, related
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.network.network import Layer

_STATISTICS = "use_global_stats"


def check_amct_types(layers: Sequence[Definition], report: Report) -> None:
    """Report a network that AMCT has worked on before (reference 1)."""
    for layer in layers:
        if caffe_types.is_amct_type(layer.type):
            report(catalogue.ALREADY_QUANTIZED.at(layer.span, layer=layer.name, type=layer.type))


def check_statistics(layers: Sequence[Definition], report: Report) -> None:
    """Report BatchNorm layers that do not use the stored statistics, as AMCT asks (reference 5.3)."""
    for layer in layers:
        asks = _STATISTICS in CAFFE.layer_types.conditional_attributes(layer.type)
        if asks and layer.attributes().get(_STATISTICS) is False:
            place = layer.binding.place_at((*layer.path, "batch_norm_param", _STATISTICS))
            assert place
            fix = [Edit(place.span, "true")]
            help = "write use_global_stats: true, or remove it"
            report(catalogue.BATCH_STATISTICS.at(place.span, layer=layer.name, help=help, fix=fix))


def check_names(layers: Sequence[Layer], report: Report) -> None:
    """Report quantizable layers that their names do not tell apart: the output is keyed by name."""
    first: dict[str, Layer] = {}
    for layer in layers:
        if not layer.name:
            if layer.quantizable:
                report(catalogue.NAMELESS_LAYER.at(layer.span, type=layer.type))
            continue
        other = first.setdefault(layer.name, layer)
        if other is not layer and (layer.quantizable or other.quantizable):
            place = related(other.span, "the other one is here")
            report(catalogue.SAME_NAME.at(layer.span, layer=layer.name, related=place))
