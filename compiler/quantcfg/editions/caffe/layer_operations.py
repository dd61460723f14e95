"""The operations of a Caffe network: parameters, shapes and costs of its layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from types import MappingProxyType

from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition, definitions, version_of
from quantcfg.editions.caffe.flow import wrong_count
from quantcfg.editions.caffe.layer_setup import setup_problem
from quantcfg.editions.caffe.net_contents import holds_in_test, stages
from quantcfg.editions.caffe.operation_parameters import (
    CHECK,
    Parameters,
    Written,
    additional_layers,
    normalized,
    parameters_of,
)
from quantcfg.editions.caffe.output_shapes import (
    MAX_COUNT,
    blob_shapes,
    filters_of,
    multiply_accumulates,
    output_shapes,
)
from quantcfg.editions.caffe.reader import bound_net
from quantcfg.editions.caffe.shapes import MAX_AXES, whole_extent
from quantcfg.editions.caffe.signs import never_negative
from quantcfg.network import Layer, Network
from quantcfg.network.network import Shape
from quantcfg.network.operations import Compared, Operation, Operations, Unknown, UnknownShapeError
from quantcfg.source import Source
from quantcfg.textproto import Binding, BoundMessage

_INPUT_DIMENSIONS = 4
_LABELLED = ("Data", "ImageData", "MemoryData")
"""The types whose second top is a label for each image."""

_Shapes = Sequence[Shape | None]


def read_operations(network: Network, given: Mapping[str, Shape]) -> Operations:
    """Return the operations of a network that was read from a prototxt.

    given are shapes of inputs, and of other blobs whose shapes are unknown.
    """
    binding = bound_net(_source(network), _ignore)
    additional = additional_layers(binding)
    blobs: dict[str, Shape | Unknown | None] = dict(_net_inputs(binding.whole, given))
    settable = set(blobs)
    inputs = list(blobs.items())
    found = []
    seen: set[str] = set()
    for layer, definition in zip(network.layers, _present(binding), strict=True):
        written = parameters_of(definition, additional[int(definition.path[1])])
        bottoms = [blobs.get(blob) for blob in layer.bottoms]
        operation = _operation(layer, definition, written, bottoms, given, _shared(definition, seen))
        found.append(operation)
        tops = list(zip(layer.tops, operation.outputs, strict=True))
        settable |= {blob for blob, shape in tops if not layer.bottoms or shape in (None, given.get(blob))}
        blobs |= {blob: operation.unknown if shape is None else shape for blob, shape in tops}
        is_inner = layer.bottoms or operation.is_constant
        inputs += [] if is_inner else [(blob, blobs[blob]) for blob in layer.tops]
    known = {blob: None if isinstance(shape, Unknown) else shape for blob, shape in inputs}
    return Operations(tuple(found), known, tuple(blob for blob in given if blob not in settable))


def _source(network: Network) -> Source:
    span = network.layers[0].span
    assert span
    return span.source


def _ignore(_: object) -> None:
    """Report nothing: everything was reported when the network was read."""


def _present(binding: Binding) -> Iterator[Definition]:
    set_stages = stages(binding, _ignore)
    return (layer for layer in definitions(binding, _ignore) if holds_in_test(layer, set_stages, _ignore))


def _net_inputs(net: BoundMessage, given: Mapping[str, Shape]) -> Iterator[tuple[str, Shape | Unknown]]:
    """Yield the inputs of a net outside its layers, and their shapes."""
    shapes = [] if version_of(net) == 0 else [shape["dim"] for shape in net["input_shape"]]
    sizes = net["input_dim"]
    starts = range(0, len(sizes) - _INPUT_DIMENSIONS + 1, _INPUT_DIMENSIONS)
    shapes = shapes or [sizes[start : start + _INPUT_DIMENSIONS] for start in starts]
    for index, name in enumerate(net["input"]):
        shape = given.get(name) or (shapes[index] if index < len(shapes) else ())
        yield name, shape if _is_size(shape) else _unknown_input(name)


def _is_size(shape: Shape) -> bool:
    return 0 < len(shape) <= MAX_AXES and min(shape) > 0 and prod(shape) <= MAX_COUNT


def _unknown_input(name: str) -> Unknown:
    return Unknown(f'the prototxt does not have the shape of "{name}"', _help(name))


def _help(name: str) -> str:
    return f"pass its shape, such as --input {name}=1,3,224,224"


def _shared(definition: Definition, seen: set[str]) -> frozenset[int]:
    """Return the indices of parameters that earlier layers name too, and add its names to those seen."""
    shared = set()
    for index, name, _ in definition.shared_parameters():
        if name in seen:
            shared.add(index)
        seen.add(name)
    return frozenset(shared)


def _operation(
    layer: Layer,
    definition: Definition,
    written: Written,
    bottoms: Sequence[Shape | Unknown | None],
    given: Mapping[str, Shape],
    shared: frozenset[int],
) -> Operation:
    known = [bottom for bottom in bottoms if isinstance(bottom, tuple)]
    parameters: Parameters = MappingProxyType(dict(written))
    extents = [whole_extent(bottom) for bottom in known]
    unknown = None
    blobs: Sequence[Shape] | None = () if caffe_types.has_no_blobs(layer.type) else None
    outputs: _Shapes = [None] * len(layer.tops)
    try:
        if len(known) < len(bottoms):
            raise UnknownShapeError(*_unknown_bottom(layer, bottoms))
        if wrong := wrong_count(layer):
            raise UnknownShapeError(f"it {wrong[0]}", wrong[1])
        if not bottoms and layer.type in caffe_types.fork_types():
            raise UnknownShapeError("it has no bottom")
        parameters = normalized(definition, written, known)
        blobs = blob_shapes(definition, parameters, known)
        outputs = output_shapes(layer.type, parameters, known, len(layer.tops))
    except UnknownShapeError as error:
        # The checks report this problem, too.
        problem = setup_problem(definition, extents) if known and len(known) == len(bottoms) else None
        unknown = Unknown(problem, CHECK) if problem else error.unknown
    known_type = caffe_types.entry(layer.type)
    inferred, outputs = outputs, _with_given(layer, outputs, given)
    replaced = [blob for blob, shape in zip(layer.tops, inferred, strict=True) if shape is None]
    missing = [blob for blob, shape in zip(layer.tops, outputs, strict=True) if shape is None]
    return Operation(
        layer,
        parameters,
        tuple(bottom if isinstance(bottom, tuple) else None for bottom in bottoms),
        tuple(outputs),
        None if blobs is None else tuple(blobs),
        filters_of(layer.type, parameters),
        multiply_accumulates(layer.type, known, outputs, blobs),
        _with_help(unknown or _unknown_input(missing[0]), missing[0]) if missing else None,
        shared=shared,
        never_negative=never_negative(layer.type, parameters),
        compared=Compared(known_type.get("compared", Compared.OUTPUTS)),
        reads_shapes=known_type.get("reads_shapes", False),
        is_constant=not layer.bottoms and known_type.get("constant", False),
        without_given=unknown or _unknown_input(replaced[0]) if replaced and not missing else None,
    )


def _unknown_bottom(layer: Layer, bottoms: Sequence[Shape | Unknown | None]) -> tuple[str, str | None]:
    """Return why a layer has an unknown bottom, with the help for the layer where this begins."""
    index = next(index for index, bottom in enumerate(bottoms) if not isinstance(bottom, tuple))
    name, bottom = layer.bottoms[index], bottoms[index]
    if bottom is None:
        return f'no layer writes its input "{name}"', f'correct the name "{name}", or add an input "{name}"'
    assert isinstance(bottom, Unknown)
    return f'the shape of its input "{name}" is unknown', bottom.help


def _with_given(layer: Layer, outputs: _Shapes, given: Mapping[str, Shape]) -> _Shapes:
    """Return the shapes of the tops of a layer; shapes from the caller are used where they are needed."""
    filled = [
        given.get(blob, shape) if shape is None or not layer.bottoms else shape
        for blob, shape in zip(layer.tops, outputs, strict=True)
    ]
    if layer.type in _LABELLED and layer.tops[1:2] and layer.tops[0] in given and layer.tops[1] not in given:
        filled[1] = given[layer.tops[0]][:1]
    return filled


def _with_help(unknown: Unknown, blob: str) -> Unknown:
    return unknown if unknown.help else Unknown(unknown.reason, _help(blob))
