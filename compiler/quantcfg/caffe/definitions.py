"""The layers that a prototxt defines, whatever version of the format it is written in.

V1 and V0 layers are upgraded the way Caffe does it (upgrade_proto.cpp), as far
as quantization looks at them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.caffe import capabilities
from quantcfg.caffe.network import Attribute
from quantcfg.diagnostics import Report, catalogue
from quantcfg.source import Span
from quantcfg.textproto import Binding, Bound, Path, Place, place_of
from quantcfg.values import frozen_value, small_value

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_PADDING = "padding"
_PADDED = ("conv", "pool")


@small_value
class Definition:
    """One layer as it is defined: a caffe.LayerParameter and what the text says beside it.

    bound is its message in the text; unknown_enums are the paths of the words that
    stand where Caffe's enum has no such value, by field.
    """

    parameter: Any
    type: str
    bottoms: tuple[str, ...]
    bound: Bound
    binding: Binding
    unknown_enums: Mapping[str, Path]

    @property
    def name(self) -> str:
        """The name of the layer; may be empty."""
        name: str = self.parameter.name
        return name

    @property
    def tops(self) -> tuple[str, ...]:
        """The blobs that the layer writes."""
        return tuple(self.parameter.top)

    @property
    def path(self) -> Path:
        """Where it is in the binding."""
        return self.bound.path

    @property
    def span(self) -> Span:
        """Where its name stands, or the word that opens it."""
        document = self.binding.document
        if "name" in self.bound.fields:
            return place_of(self.bound.given_to("name"), document).span
        assert self.bound.given
        return place_of(self.bound.given, document).name_span

    def unknown_word(self, field: str) -> Place:
        """Return where the unknown enum word of a field stands."""
        return self.binding.unknown_enums[self.unknown_enums[field]]

    def shared_parameters(self) -> Iterator[tuple[str, Place]]:
        """Yield the names that the layer gives to its parameters, and where."""
        for index, parameter in enumerate(self.parameter.param):
            path = (*self.path, "param", index)
            if parameter.name:
                place = self.binding.place_at((*path, "name")) or self.binding.place_at(path)
                assert place
                yield parameter.name, place

    def attributes(self) -> dict[str, Attribute]:
        """Return the values of its parameter message, defaults filled in.

        A field that has no default and is not set is left out.
        """
        field = capabilities.parameter_field(self.type)
        if field is None:
            return {}
        message = getattr(self.parameter, field)
        unknown = {
            name: self.binding.unknown_enums[path].span.text
            for name, path in self.unknown_enums.items()
            if name in message.DESCRIPTOR.fields_by_name
        }
        return _values(message) | unknown


def definitions(binding: Binding, report: Report) -> tuple[Definition, ...]:
    """Return the layers of a caffe.NetParameter, in the order of the text, in today's form."""
    net, whole = binding.message, binding.whole
    if net.layers and net.layer:
        first = binding.place_at(("layer", 0))
        report(catalogue.MIXED_VERSIONS.at(first.name_span if first else None))
    unknown = _unknown_enums(binding, "layers" if net.layers else "layer")
    if any(layer.HasField("layer") for layer in net.layers):
        return _upgrade_v0(binding, unknown, report)
    if net.layers:
        layers = enumerate(whole.messages_of("layers"))
        return tuple(_upgrade_v1(binding, bound, unknown[index]) for index, bound in layers)
    return tuple(
        Definition(
            bound.message, bound.message.type, tuple(bound.message.bottom), bound, binding, unknown[index]
        )
        for index, bound in enumerate(whole.messages_of("layer"))
    )


def _upgrade_v1(binding: Binding, bound: Bound, unknown: Mapping[str, Path]) -> Definition:
    old = bound.message
    layer = _new_layer(old.name, old.top)
    for name in ("include", "exclude"):
        getattr(layer, name).extend(getattr(old, name))
    for name in ("convolution_param", "inner_product_param", "pooling_param"):
        if old.HasField(name):
            getattr(layer, name).CopyFrom(getattr(old, name))
    for name in old.param:
        layer.param.add(name=name)
    types = old.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_number
    type_name = (
        binding.unknown_enums[unknown["type"]].span.text if "type" in unknown else types[old.type].name
    )
    return Definition(layer, capabilities.v1_type(type_name), tuple(old.bottom), bound, binding, unknown)


def _upgrade_v0(
    binding: Binding, unknown: Mapping[int, Mapping[str, Path]], report: Report
) -> tuple[Definition, ...]:
    layers = [
        Definition(
            _upgraded_v0_layer(bound.message),
            bound.message.layer.type,
            tuple(bound.message.bottom),
            bound.message_of("layer") or bound,
            binding,
            unknown[index],
        )
        for index, bound in enumerate(binding.whole.messages_of("layers"))
    ]
    return tuple(
        replace(layer, type=capabilities.v0_type(layer.type)) for layer in _without_padding(layers, report)
    )


def _upgraded_v0_layer(old: Any) -> Any:
    layer, v0 = _new_layer(old.layer.name, old.top), old.layer
    parameters = {"conv": layer.convolution_param, "innerproduct": layer.inner_product_param}.get(v0.type)
    if parameters is not None and v0.HasField("num_output"):
        parameters.num_output = v0.num_output
    if v0.type == "conv":
        layer.convolution_param.group = v0.group
        if v0.HasField("kernelsize"):
            layer.convolution_param.kernel_size.append(v0.kernelsize)
    elif v0.type == "pool":
        layer.pooling_param.pool = v0.pool
    return layer


def _without_padding(layers: Sequence[Definition], report: Report) -> Iterator[Definition]:
    """Yield the layers without the padding layers, which become a part of the layer behind them."""
    written_by: dict[str, Definition] = {}
    misplaced: dict[Path, Definition] = {}
    for layer in layers:
        paddings = {
            blob: written_by[blob]
            for blob in layer.bottoms
            if blob in written_by and written_by[blob].type == _PADDING
        }
        misplaced.update(
            (padding.path, padding) for padding in paddings.values() if not _pads(padding, layer)
        )
        written_by.update(dict.fromkeys(layer.tops, layer))
        if layer.type != _PADDING:
            yield replace(layer, bottoms=tuple(_unpadded(blob, paddings) for blob in layer.bottoms))
    for padding in misplaced.values():
        report(catalogue.MISPLACED_PADDING.at(padding.span, layer=padding.name))


def _pads(padding: Definition, layer: Definition) -> bool:
    """Tell whether a padding layer can become a part of the layer behind it, as Caffe asks."""
    return layer.type in _PADDED and len(layer.bottoms) == len(padding.bottoms) == len(padding.tops) == 1


def _unpadded(blob: str, paddings: Mapping[str, Definition]) -> str:
    """Return the blob that a padding layer made this one from, or the blob itself if none did."""
    padding = paddings.get(blob)
    return padding.bottoms[0] if padding and padding.bottoms else blob


def _new_layer(name: str, tops: Sequence[str]) -> Any:
    return contracts.message_class("caffe", "caffe.LayerParameter")(name=name, top=tops)


def _unknown_enums(binding: Binding, layers: str) -> Mapping[int, Mapping[str, Path]]:
    """Return the paths of the unknown enum words in a layer list, by layer and field."""
    paths: dict[int, dict[str, Path]] = defaultdict(dict)
    for path in binding.unknown_enums:
        if path[0] == layers:
            paths[int(path[1])][str(path[-1])] = path
    return paths


def _values(message: Any) -> dict[str, Attribute]:
    values: dict[str, Attribute] = {}
    for field in _value_fields(message.DESCRIPTOR):
        if field.is_repeated:
            values[field.name] = tuple(getattr(message, field.name))
        elif field.has_default or message.HasField(field.name):
            value = getattr(message, field.name)
            values[field.name] = field.words[value] if field.words else value
    return values


@frozen_value
class _ValueField:
    """A field that is no message; words are those of its enum, by number."""

    name: str
    is_repeated: bool
    has_default: bool
    words: Mapping[int, str]


@cache
def _value_fields(descriptor: Descriptor) -> tuple[_ValueField, ...]:
    return tuple(
        _ValueField(
            field.name,
            field.is_repeated,
            field.has_default_value,
            {value.number: value.name for value in field.enum_type.values} if field.enum_type else {},
        )
        for field in descriptor.fields
        if field.message_type is None
    )
