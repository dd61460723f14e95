"""The layers that a prototxt defines, in any version of the format.

V1 and V0 layers are upgraded as in Caffe (upgrade_proto.cpp), as far as
quantization needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.contracts.layer_types import Attribute
from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.frozen import frozen_value, replace, small_value
from quantcfg.source import Span
from quantcfg.textproto import Binding, BoundMessage, Path, Place, place_of

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor, FieldDescriptor

OPEN_ENUMS = frozenset(
    (
        "caffe.V1LayerParameter.type",
        "caffe.PoolingParameter.pool",
        "caffe.V0LayerParameter.pool",
        "caffe.NetState.phase",
        "caffe.NetStateRule.phase",
    )
)
"""The enum fields whose unknown values are checked after binding, as some are words of Caffe forks."""

_V0_OUTPUTS = {"num_output": "num_output", "biasterm": "bias_term"}
_V0_SIZES = {"kernelsize": "kernel_size", "stride": "stride", "pad": "pad"}
PADDING = "padding"
"""The V0 layer type that the upgrade merges into the next layer."""
_V1_IN_V0_HELP = 'write it as "layers" with a "layer" inside, like the others, or write all as "layer"'
_PADDED = ("conv", "pool")
_V0_LAYER = "caffe.V1LayerParameter.layer"


@small_value
class Definition:
    """One layer definition: a caffe.LayerParameter, and where it is in the prototxt.

    type is the current name of the layer type, word the name as written in this
    format version (0, 1 or 2). bound is the bound message; unknown_enums maps a field
    to the path of its value that is not in Caffe's enum.
    """

    version: int
    parameter: Any
    type: str
    word: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    bound: BoundMessage
    binding: Binding
    unknown_enums: Mapping[str, Path]

    @property
    def name(self) -> str:
        """The name of the layer, which may be empty."""
        name: str = self.parameter.name
        return name

    @property
    def path(self) -> Path:
        """Its path in the binding."""
        return self.bound.path

    @property
    def whole(self) -> Span:
        """The span of its message."""
        return place_of(self.bound, self.binding.document).span

    @property
    def span(self) -> Span:
        """The span of its name, or of the field name "layer" if it has none."""
        document, name = self.binding.document, self.bound.scalar("name")
        return place_of(name, document).span if name else place_of(self.bound, document).name_span

    def bottom_place(self, index: int) -> Place:
        """Return the place of a bottom."""
        return self._blob_place("bottom", index)

    def top_place(self, index: int) -> Place:
        """Return the place of a top."""
        return self._blob_place("top", index)

    def _blob_place(self, field: str, index: int) -> Place:
        # A V0 layer has its blobs beside the message with its name.
        place = self.binding.place_at((*self.path[:2], field, index))
        assert place
        return place

    @property
    def word_span(self) -> Span:
        """The span of its type, or of its name if it has no type."""
        place = self.binding.place_at((*self.path, "type"))
        if "type" in self.unknown_enums:
            place = self.unknown_word("type")
        return place.span if place else self.span

    def unknown_word(self, field: str) -> Place:
        """Return the place of a value that is not in the enum of a field."""
        return self.binding.unknown_enums[self.unknown_enums[field]]

    @property
    def has_known_type(self) -> bool:
        """Whether BVLC Caffe has its type as written, or no type is written."""
        return not self.word or self.word in caffe_types.known_types(self.version)

    @property
    def is_v1_in_v0(self) -> bool:
        """Whether it has the V1 form in a V0 network: the upgrade drops its name, type and parameters."""
        return self.version == 0 and self.bound.field.text == "layers" and _is_v1(self.bound)

    @property
    def dropped_type(self) -> str:
        """The current name of the type that the upgrade drops, or an empty string."""
        number = self.bound.scalar("type") if self.is_v1_in_v0 else None
        types = self.bound.descriptor.enum_types_by_name.get("LayerType")
        return caffe_types.v1_type(types.values_by_number[number.value].name) if number and types else ""

    @property
    def params(self) -> Sequence[Any]:
        """Its param messages; Caffe drops those of a BatchNorm with one for each blob."""
        params: Sequence[Any] = self.parameter.param
        is_dropped = self.type == "BatchNorm" and len(params) == caffe_types.blob_count(self.type)
        return () if is_dropped else params

    @property
    def is_name_lost(self) -> bool:
        """Whether its name is written, but is invalid."""
        return (*self.path, "name") in self.binding.failed

    def shared_parameters(self) -> Iterator[tuple[int, str, Place]]:
        """Yield the index, name and place of each parameter that has a name."""
        for index, parameter in enumerate(self.params):
            path = (*self.path, "param", index)
            if parameter.name:
                place = self.binding.place_at((*path, "name")) or self.binding.place_at(path)
                assert place
                yield index, parameter.name, place

    def attributes(self) -> dict[str, Attribute]:
        """Return the parameters that the conditions of its type need, with defaults filled in.

        Fields without a value and without a default are omitted.
        """
        field = caffe_types.parameter_field(self.type)
        if field is None:
            return {}
        names = CAFFE.layer_types.conditional_attributes(self.type)
        unknown = {
            name: self.binding.unknown_enums[path].span.text
            for name, path in self.unknown_enums.items()
            if name in names
        }
        return _values(getattr(self.parameter, field), names) | unknown


def definitions(binding: Binding, report: Report) -> tuple[Definition, ...]:
    """Return the layers of a caffe.NetParameter in text order, upgraded to the current format."""
    net, version = binding.message, version_of(binding.message)
    if net.layers and net.layer:
        report(_mixed_versions(binding, version))
    unknown = _unknown_enums(binding, "layer" if version == 2 else "layers")
    if version == 0:
        return _upgrade_v0(binding, unknown, report)
    upgrade = _upgrade_v1 if version == 1 else _unchanged
    messages, bounds = (net.layer, "layer") if version == 2 else (net.layers, "layers")
    layers = zip(messages, binding.whole.messages(bounds), strict=True)
    return tuple(upgrade(binding, *each, unknown[index]) for index, each in enumerate(layers))


def is_misplaced(field: FieldDescriptor, target: BoundMessage) -> bool:
    """Return whether a field is a layer in a V1 layer: V0 "layers" have no name or type of their own."""
    return field.full_name == _V0_LAYER and _is_v1(target)


def _is_v1(layers: BoundMessage) -> bool:
    return not layers.fields.keys().isdisjoint(("name", "type"))


def _mixed_versions(binding: Binding, version: int) -> Diagnostic:
    """Return the diagnostic for layers of two versions, at the first layer of the rarer form."""
    net = binding.message
    if version == 0:
        rule, rare, help = catalogue.MIXED_V0, "layer", 'write it as "layers", like the other layers'
    elif len(net.layer) < len(net.layers):
        rule, rare, help = catalogue.MIXED_V1, "layer", 'write it as "layers", with an enum value as type'
    else:
        rule, rare, help = catalogue.MIXED_V1, "layers", 'write it as "layer", with a string as type'
    common = "layer" if rare == "layers" else "layers"
    place, other = binding.place_at((rare, 0)), binding.place_at((common, 0))
    assert place
    assert other
    others = [Related(other.name_span, f'first "{common}" here')]
    return rule.at(place.name_span, what='"layer" is', related=others, help=help)


def version_of(net: Any) -> int:
    """Return the format version of a caffe.NetParameter: 0, 1 or 2."""
    if any(layer.HasField("layer") for layer in net.layers):
        return 0
    return 1 if net.layers else 2


def _unchanged(binding: Binding, layer: Any, bound: BoundMessage, unknown: Mapping[str, Path]) -> Definition:
    blobs = tuple(layer.bottom), tuple(layer.top)
    return Definition(2, layer, layer.type, layer.type, *blobs, bound, binding, unknown)


def _upgrade_v1(binding: Binding, old: Any, bound: BoundMessage, unknown: Mapping[str, Path]) -> Definition:
    layer = _new_layer(old.name, old.top)
    for name in ("include", "exclude"):
        getattr(layer, name).extend(getattr(old, name))
    for name in _v1_parameters():
        if old.HasField(name):
            getattr(layer, name).CopyFrom(getattr(old, name))
    _add_params(layer, old)
    for name, parameter in zip(old.param, layer.param, strict=False):
        parameter.name = name
    for mode, parameter in zip(old.blob_share_mode, layer.param, strict=False):
        parameter.share_mode = mode
    types = old.DESCRIPTOR.enum_types_by_name["LayerType"].values_by_number
    word = binding.unknown_enums[unknown["type"]].span.text if "type" in unknown else types[old.type].name
    blobs = tuple(old.bottom), tuple(old.top)
    return Definition(1, layer, caffe_types.v1_type(word), word, *blobs, bound, binding, unknown)


@cache
def _v1_parameters() -> tuple[str, ...]:
    """Return the parameter messages that V1 layers and current layers share."""
    old, new = (
        contracts.message_class("caffe", f"caffe.{name}").DESCRIPTOR
        for name in ("V1LayerParameter", "LayerParameter")
    )
    return tuple(
        field.name
        for field in old.fields
        if field.message_type and not field.is_repeated and field.name in new.fields_by_name
    )


def _add_params(layer: Any, old: Any) -> None:
    """Add a param message for each blob that has a learning rate, decay or name in the old layer."""
    rates = list(old.blobs_lr)
    of_v1 = (len(getattr(old, field, ())) for field in ("param", "blob_share_mode"))
    for index in range(max(len(rates), len(old.weight_decay), *of_v1)):
        layer.param.add(**({"lr_mult": rates[index]} if index < len(rates) else {}))


def _upgrade_v0(
    binding: Binding, unknown: Mapping[int, Mapping[str, Path]], report: Report
) -> tuple[Definition, ...]:
    layers = [
        Definition(
            0,
            _upgraded_v0_layer(old),
            old.layer.type,
            old.layer.type,
            tuple(old.bottom),
            tuple(old.top),
            bound.message("layer") or bound,
            binding,
            unknown[index],
        )
        for index, (old, bound) in enumerate(
            zip(binding.message.layers, binding.whole.messages("layers"), strict=True)
        )
    ]
    for layer in layers:
        if layer.is_v1_in_v0:
            what = f'name, type and parameters of layer "{layer.name}" are'
            report(catalogue.MIXED_V0.at(layer.span, what=what, help=_V1_IN_V0_HELP))
    return tuple(
        replace(layer, type=caffe_types.v0_type(layer.type)) for layer in _without_padding(layers, report)
    )


def _upgraded_v0_layer(old: Any) -> Any:
    # The upgrade drops the name of a V1 layer, but messages need it.
    layer, v0 = _new_layer(old.layer.name or old.name, old.top), old.layer
    if v0.type == "innerproduct":
        _copy(v0, _V0_OUTPUTS, layer.inner_product_param)
    elif v0.type == "conv":
        _copy(v0, {**_V0_OUTPUTS, "group": "group"}, layer.convolution_param)
        for old_name, name in _V0_SIZES.items():
            if v0.HasField(old_name):
                getattr(layer.convolution_param, name).append(getattr(v0, old_name))
    elif v0.type == "pool":
        _copy(v0, {**_V0_SIZES, "pool": "pool"}, layer.pooling_param)
    _add_params(layer, v0)
    return layer


def _copy(old: Any, names: Mapping[str, str], new: Any) -> None:
    """Copy the fields that are set, under their new names."""
    for old_name, name in names.items():
        if old.HasField(old_name):
            setattr(new, name, getattr(old, old_name))


def _without_padding(layers: Sequence[Definition], report: Report) -> Iterator[Definition]:
    """Merge padding layers into the layers that read them; yield the other layers."""
    written_by: dict[str, Definition] = {}
    misplaced: dict[Path, Definition] = {}
    for layer in layers:
        paddings = {
            blob: written_by[blob]
            for blob in layer.bottoms
            if blob in written_by and written_by[blob].type == PADDING
        }
        for padding in paddings.values():
            if _pads(padding, layer):
                pad = padding.bound.scalar("pad")
                _set_pad(layer, pad.value if pad else 0)
            else:
                misplaced[padding.path] = padding
        written_by.update(dict.fromkeys(layer.tops, layer))
        if layer.type != PADDING:
            yield replace(layer, bottoms=tuple(_unpadded(blob, paddings) for blob in layer.bottoms))
    for padding in misplaced.values():
        report(catalogue.MISPLACED_PADDING.at(padding.span, layer=padding.name))


def _pads(padding: Definition, layer: Definition) -> bool:
    """Return whether Caffe can merge a padding layer into the layer that reads it."""
    return layer.type in _PADDED and len(layer.bottoms) == len(padding.bottoms) == len(padding.tops) == 1


def _set_pad(layer: Definition, pad: int) -> None:
    if layer.type == "pool":
        layer.parameter.pooling_param.pad = pad
    else:
        layer.parameter.convolution_param.pad[:] = [pad]


def _unpadded(blob: str, paddings: Mapping[str, Definition]) -> str:
    """Return the input of the padding layer that wrote a blob, or the blob itself if there is none."""
    padding = paddings.get(blob)
    return padding.bottoms[0] if padding and padding.bottoms else blob


def _new_layer(name: str, tops: Sequence[str]) -> Any:
    return contracts.message_class("caffe", "caffe.LayerParameter")(name=name, top=tops)


def _unknown_enums(binding: Binding, layers: str) -> Mapping[int, Mapping[str, Path]]:
    """Return the paths of unknown enum values in a list of layers, by layer and field."""
    paths: dict[int, dict[str, Path]] = defaultdict(dict)
    for path in binding.unknown_enums:
        if path[0] == layers:
            paths[int(path[1])][str(path[-1])] = path
    return paths


def _values(message: Any, names: AbstractSet[str]) -> dict[str, Attribute]:
    values: dict[str, Attribute] = {}
    for field in _value_fields(message.DESCRIPTOR, names):
        if field.is_repeated:
            values[field.name] = tuple(getattr(message, field.name))
        elif field.has_default or message.HasField(field.name):
            value = getattr(message, field.name)
            values[field.name] = field.words[value] if field.words else value
    return values


@frozen_value
class _ValueField:
    """A scalar or enum field; words are the names of the enum values, by number."""

    name: str
    is_repeated: bool
    has_default: bool
    words: Mapping[int, str]


@cache
def _value_fields(descriptor: Descriptor, names: AbstractSet[str]) -> tuple[_ValueField, ...]:
    return tuple(
        _ValueField(
            field.name,
            field.is_repeated,
            field.has_default_value,
            {value.number: value.name for value in field.enum_type.values} if field.enum_type else {},
        )
        for field in descriptor.fields
        if field.name in names
    )
