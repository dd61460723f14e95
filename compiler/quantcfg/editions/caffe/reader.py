"""Read a prototxt, and optionally weights, into a network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from quantcfg import limits
from quantcfg.contracts.layer_types import Feature, Obstacle
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.diagnostics.catalogue import limited
from quantcfg.diagnostics.phrases import quoted
from quantcfg.editions.caffe import CAFFE, MODEL, caffe_types
from quantcfg.editions.caffe.definitions import OPEN_ENUMS, Definition, definitions, is_misplaced
from quantcfg.editions.caffe.flow import check_counts, check_flow
from quantcfg.editions.caffe.layer_setup import check_setup
from quantcfg.editions.caffe.net_checks import (
    check_amct_types,
    check_names,
    check_shared_shapes,
    check_statistics,
    sharing_groups,
)
from quantcfg.editions.caffe.net_contents import holds_in_test, net_inputs, stages
from quantcfg.editions.caffe.shapes import (
    Extent,
    Parameters,
    input_extents,
    is_convolution,
    parameter_shapes,
    spatial_axes,
)
from quantcfg.network.fusion_groups import with_fusion_groups
from quantcfg.network.network import Layer, Network, Shape
from quantcfg.source import Source
from quantcfg.textproto import Binding, Dialect, bind, parse

if TYPE_CHECKING:
    from quantcfg.contracts.descriptors import FieldDescriptor
    from quantcfg.editions.caffe.weights import Weights
    from quantcfg.files import PathLike, Reader
    from quantcfg.textproto.binder import Hint
    from quantcfg.textproto.tree import Value


def read_model(model: PathLike, weights: PathLike | None, report: Report, *, read: Reader) -> Network | None:
    """Return the network of a prototxt and its weights, or None after reporting why they cannot be read.

    read is the function that reads the prototxt.
    """
    found: list[Diagnostic] = []
    source = read(model, found.append, wanted=CAFFE.words.model)
    shapes = None
    if weights is not None:
        from quantcfg.editions.caffe.weights import read_weights

        shapes = read_weights(weights, found.append)
    network = read_network(source, shapes, found.append) if source else None
    for diagnostic in found:
        report(diagnostic)
    return None if has_errors(found) else network


def read_network(source: Source, weights: Weights | None, report: Report) -> Network | None:
    """Return the network of a prototxt, or None after reporting why it cannot be read.

    Warnings are reported, and kept in the network as well: they hold for all
    that is made of it.
    """
    found: list[Diagnostic] = []
    network = _read(source, weights, found)
    if not has_errors(found) and not network.layers:
        found.append(_no_layers(source, is_strange=not found))
    for diagnostic in found:
        report(diagnostic)
    if has_errors(found):
        return None
    return Network(CAFFE, network.name, network.layers, tuple(found))


def _no_layers(source: Source, *, is_strange: bool) -> Diagnostic:
    """Return the diagnostic for a file without layers, which may not be a prototxt at all."""
    document = parse(source, lambda _: None)
    known = MODEL.descriptor.fields
    unknown = [field.name.text for field in document.fields if field.name.text not in known]
    help = None
    if is_strange and any(name in CAFFE.request.descriptor.fields for name in unknown):
        help = "this is a quant.cfg: pass it with --config"
    elif is_strange and unknown:
        help = f"check the file name: found {quoted(dict.fromkeys(unknown))} instead"
    return catalogue.NO_LAYERS.at(None, file=source.name, help=help)


def _read(source: Source, weights: Weights | None, found: list[Diagnostic]) -> Network:
    report = limited(found.append)
    binding = bound_net(source, report)
    name, net = binding.whole["name"], binding.whole
    if len(net["layer"]) + len(net["layers"]) > limits.LAYERS:
        report(catalogue.TOO_MANY_LAYERS.at(None, file=source.name, limit=limits.LAYERS))
        return Network(CAFFE, name, ())
    layers, inputs = definitions(binding, report), net_inputs(binding, report)
    set_stages = stages(binding, report)
    present = [layer for layer in layers if holds_in_test(layer, set_stages, report)]
    kept = {layer.path for layer in present}
    absent = [layer for layer in layers if layer.path not in kept]
    unknown = [layer for layer in layers if layer.unknown_enums or not layer.has_known_type]
    if unknown:
        from quantcfg.editions.caffe.vocabulary import check_vocabulary

        check_vocabulary(unknown, lambda layer: layer.path in kept, report)
    check_amct_types(present, report)
    bottoms = input_extents(inputs.made, present)
    parameters = [_parameters(*each, weights) for each in zip(present, bottoms, strict=True)]
    if not has_errors(found):
        # Caffe does not set up what it cannot read, and later checks would only repeat these errors.
        check_statistics(present, report)
        sound, is_whole = _without_misspelt(parameters, found, binding)
        if is_whole:
            check_flow(inputs, present, absent, report)
        check_counts([each.layer for each in sound], report)
        check_setup(sound, report)
        check_shared_shapes(sound, report)
        if weights and present:
            from quantcfg.editions.caffe.weight_checks import check_weights

            check_weights(parameters, weights, source, report)
    read = _layers(parameters, weights, report)
    check_names([layer for layer, each in zip(read, present, strict=True) if not each.is_name_lost], report)
    return Network(CAFFE, name, with_fusion_groups(read, CAFFE.layer_types))


def bound_net(source: Source, report: Report) -> Binding:
    """Return the values of a prototxt."""
    document = parse(source, report, wanted="a prototxt")
    dialect = Dialect(
        lenient=True, hint=_hint, refuse_repeated=True, misplaced=is_misplaced, open_enums=OPEN_ENUMS
    )
    return bind(document, MODEL.descriptor, report, dialect)


def _without_misspelt(
    parameters: Sequence[Parameters], found: Iterable[Diagnostic], binding: Binding
) -> tuple[Sequence[Parameters], bool]:
    """Return the layers without misspelled fields, and whether none of these fields may be a layer."""
    if all(each.code != catalogue.NEARLY_A_FIELD.code for each in found):
        return parameters, True
    from quantcfg.editions.caffe.vocabulary import misspelt_fields

    misspelt = misspelt_fields(found, binding)
    return [each for each in parameters if not misspelt.are_in(each.layer)], not misspelt.are_between_layers


def _hint(field: FieldDescriptor, value: Value) -> Hint | None:
    from quantcfg.editions.caffe.vocabulary import hint

    return hint(field, value)


def _parameters(layer: Definition, bottoms: Sequence[Extent], weights: Weights | None) -> Parameters:
    stored = _weight_shape(layer, weights)
    axes = spatial_axes(layer, bottoms, stored) if is_convolution(layer) else None
    return Parameters(layer, bottoms, axes, parameter_shapes(layer, bottoms, axes))


def _layers(parameters: Sequence[Parameters], weights: Weights | None, report: Report) -> list[Layer]:
    """Return the layers of the network; report those that share parameters."""
    sharing = sharing_groups([each.layer for each in parameters])
    for group in sharing:
        report(group.warning())
    shared = {layer.path: group.obstacle(layer) for group in reversed(sharing) for layer in group.layers}
    return [_layer(each, weights, shared.get(each.layer.path)) for each in parameters]


def _layer(parameters: Parameters, weights: Weights | None, sharing: str | None) -> Layer:
    definition = parameters.layer
    attributes = definition.attributes()
    if parameters.spatial_axes is not None:
        attributes["spatial_axes"] = parameters.spatial_axes
    obstacle = CAFFE.layer_types.obstacle(Feature.QUANTIZABLE, definition.type, attributes)
    title = _title(definition, obstacle, is_shared=sharing is not None)
    return Layer(
        definition.name,
        definition.type,
        definition.bottoms,
        definition.tops,
        attributes,
        _weight_shape(definition, weights),
        obstacle.reason if obstacle else sharing,
        (),
        definition.span,
        title,
    )


def _title(definition: Definition, obstacle: Obstacle | None, *, is_shared: bool) -> str | None:
    """Return a short reason why a layer that looks quantizable is not."""
    if obstacle and obstacle.condition in definition.unknown_enums:
        word = definition.unknown_word(obstacle.condition).span.text
        if word not in caffe_types.fork_words("fork_pool_methods"):
            return f"{word} pooling, not AVE"
    if definition.type in CAFFE.layer_types.quantizable:
        return obstacle.title if obstacle else "shared parameters" if is_shared else None
    if definition.dropped_type in CAFFE.layer_types.quantizable:
        return "V1 layer in a V0 network"
    if definition.type in CAFFE.layer_types.known:
        return None
    fields = map(caffe_types.parameter_field, CAFFE.layer_types.quantizable)
    if any(field in definition.parameter for field in fields if field):
        return f"type {definition.type}" if definition.type else "no type"
    return None


def _weight_shape(definition: Definition, weights: Weights | None) -> Shape | None:
    stored = weights.layers.get(definition.name) if weights else None
    return stored.shapes[0] if stored else None
