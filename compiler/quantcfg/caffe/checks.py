"""What may be wrong with the layers of a network as a whole, and with its weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from quantcfg.caffe import capabilities
from quantcfg.caffe.definitions import Definition
from quantcfg.caffe.network import Layer
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.words import quoted
from quantcfg.source import Source

if TYPE_CHECKING:
    from quantcfg.caffe.weights import Weights


def check_layers(layers: Sequence[Definition], report: Report) -> None:
    """Report a network that AMCT has worked on before (reference 1)."""
    for layer in layers:
        if capabilities.is_amct_type(layer.type):
            report(catalogue.ALREADY_QUANTIZED.at(layer.span, layer=layer.name, type=layer.type))


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


def check_weights(layers: Sequence[Definition], weights: Weights, source: Source, report: Report) -> None:
    """Report weights of another network, and layers that the weights file leaves out."""
    weighted = any(capabilities.has_weights(layer.type) for layer in layers)
    if weighted and not any(layer.name in weights.layers for layer in layers):
        report(catalogue.FOREIGN_WEIGHTS.at(None, file=weights.file, model=source.name))
        return
    without = [
        layer for layer in layers if capabilities.has_weights(layer.type) and layer.name not in weights.layers
    ]
    if without:
        names = quoted(layer.name for layer in without)
        report(catalogue.WITHOUT_WEIGHTS.at(without[0].span, file=weights.file, layers=names))


def check_shapes(layers: Sequence[Layer], weights: Weights, report: Report) -> None:
    """Report weights that are too large or too small for their layers; Caffe would not load them."""
    misfits = [layer for layer in layers if not _fits(layer)]
    if misfits:
        first = misfits[0]
        assert first.weight_shape
        report(
            catalogue.OTHER_WEIGHTS.at(
                first.span,
                file=weights.file,
                layers=quoted(layer.name for layer in misfits),
                layer=first.name,
                shape="x".join(map(str, first.weight_shape)),
                outputs=first.attributes["num_output"],
                help="is this the caffemodel of this network?",
            )
        )


def _fits(layer: Layer) -> bool:
    """Tell whether the number of outputs, or of outputs in a group, is a dimension of the weight."""
    outputs, group = layer.attributes.get("num_output"), layer.attributes.get("group", 1)
    if not layer.weight_shape or not isinstance(outputs, int) or not isinstance(group, int):
        return True
    return any(outputs in (size, size * group) for size in layer.weight_shape)
