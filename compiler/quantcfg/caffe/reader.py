"""Prototxt and weights to network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

from quantcfg import contracts, limits
from quantcfg.caffe import capabilities
from quantcfg.caffe.checks import check_layers, check_names, check_shapes, check_weights
from quantcfg.caffe.definitions import Definition, definitions
from quantcfg.caffe.fusion import with_fusion_groups
from quantcfg.caffe.network import Attribute, Layer, Network, Shape
from quantcfg.caffe.phase import holds_in_test
from quantcfg.caffe.sharing import sharing_groups
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.diagnostics.limited import limited
from quantcfg.diagnostics.words import quoted
from quantcfg.source import Source
from quantcfg.textproto import Binding, bind, parse

if TYPE_CHECKING:
    from quantcfg.caffe.weights import Weights

_RANK = 4
"""The rank of a blob of which nothing says otherwise: batch, channels, height, width."""


def read_network(source: Source, weights: Weights | None, report: Report) -> Network | None:
    """Return the network of a prototxt, or None after reporting why it cannot be read.

    Warnings are reported, and kept in the network as well: they hold for all
    that is made of it.
    """
    found: list[Diagnostic] = []
    network = _read(source, weights, limited(found.append))
    if not has_errors(found) and not network.layers:
        found.append(_no_layers(source, is_strange=not found))
    for diagnostic in found:
        report(diagnostic)
    if has_errors(found):
        return None
    return Network(network.name, network.layers, tuple(found))


def _no_layers(source: Source, *, is_strange: bool) -> Diagnostic:
    """Return that a text has no layers; where nothing else was said of its fields, it may be another file."""
    document = parse(source, lambda _: None)
    known = contracts.message_class("caffe", "caffe.NetParameter").DESCRIPTOR.fields_by_name
    strange = [field.name.text for field in document.fields if field.name.text not in known]
    help = f"it has {quoted(dict.fromkeys(strange))}: is it another file?" if strange and is_strange else None
    return catalogue.NO_LAYERS.at(None, file=source.name, help=help)


def _read(source: Source, weights: Weights | None, report: Report) -> Network:
    document = parse(source, report, wanted="a prototxt")
    net = contracts.message_class("caffe", "caffe.NetParameter")()
    binding = bind(document, net, report, lenient=True)
    if len(binding.message.layer) + len(binding.message.layers) > limits.LAYERS:
        report(catalogue.TOO_MANY_LAYERS.at(None, file=source.name, limit=limits.LAYERS))
        return Network(binding.message.name, ())
    layers = [layer for layer in definitions(binding, report) if holds_in_test(layer, report)]
    check_layers(layers, report)
    if weights and layers:
        check_weights(layers, weights, source, report)
    sharing = sharing_groups(layers)
    for group in sharing:
        report(group.warning())
    obstacles = {layer.path: group.obstacle(layer) for group in reversed(sharing) for layer in group.layers}
    ranks = _blob_ranks(binding, layers)
    read = [_layer(layer, weights, ranks, obstacles.get(layer.path)) for layer in layers]
    check_names(read, report)
    if weights:
        check_shapes(read, weights, report)
    return Network(binding.message.name, with_fusion_groups(read))


def _layer(
    definition: Definition, weights: Weights | None, ranks: Mapping[str, int], sharing: str | None
) -> Layer:
    shape = _weight_shape(definition, weights)
    attributes = definition.attributes()
    if "kernel_size" in attributes:
        attributes["filter_rank"] = _filter_rank(attributes, shape, definition.bottoms, ranks)
    obstacle = capabilities.obstacle("quantizable", definition.type, attributes)
    return Layer(
        definition.name,
        definition.type,
        definition.bottoms,
        definition.tops,
        attributes,
        shape,
        obstacle or sharing,
        (),
        definition.span,
    )


def _weight_shape(definition: Definition, weights: Weights | None) -> Shape | None:
    stored = weights.layers.get(definition.name) if weights else None
    return stored.shapes[0] if stored else None


def _filter_rank(
    attributes: Mapping[str, Attribute],
    shape: Shape | None,
    bottoms: Sequence[str],
    ranks: Mapping[str, int],
) -> int:
    """Return the number of dimensions of a filter: outputs, channels, the spatial ones (reference U24)."""
    if shape is not None:
        return len(shape)
    if "kernel_h" in attributes or "kernel_w" in attributes:
        return _RANK
    sizes = attributes["kernel_size"]
    assert isinstance(sizes, tuple)
    if len(sizes) > 1:
        return 2 + len(sizes)
    rank = ranks.get(bottoms[0], _RANK) if bottoms else _RANK
    axis = attributes["axis"]
    assert isinstance(axis, int)
    return 2 + rank - 1 - (axis if axis >= 0 else axis + rank)


def _blob_ranks(binding: Binding, layers: Sequence[Definition]) -> dict[str, int]:
    """Return the ranks of blobs; behind a layer that may change the rank it is the usual one."""
    net = binding.message
    ranks = dict.fromkeys(net.input, _RANK)
    ranks.update(zip(net.input, (len(shape.dim) for shape in net.input_shape), strict=False))
    for layer in layers:
        has_shapes = layer.parameter.HasField("input_param")
        shapes = [len(shape.dim) for shape in layer.parameter.input_param.shape] if has_shapes else ()
        if shapes:
            ranks.update(zip(layer.tops, cycle(shapes), strict=False))
        elif layer.bottoms and layer.bottoms[0] in ranks and capabilities.keeps_rank(layer.type):
            ranks.update(dict.fromkeys(layer.tops, ranks[layer.bottoms[0]]))
        else:
            ranks.update(dict.fromkeys(layer.tops, _RANK))
    return ranks
