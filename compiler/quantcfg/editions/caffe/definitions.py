"""The layers that a prototxt defines, in any version of the format.

V1 and V0 layers are upgraded as in Caffe (upgrade_proto.cpp), as far as
quantization needs it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache

from quantcfg import contracts
from quantcfg.contracts.descriptors import Descriptor, FieldDescriptor
from quantcfg.contracts.layer_types import Attribute
from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.frozen import replace, small_value
from quantcfg.source import Span
from quantcfg.textproto import Binding, Bound, BoundMessage, BoundScalar, Path, Place, place_of

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

_V0_NAMES = {
    "batch_size": "batchsize",
    "bias_term": "biasterm",
    "crop_size": "cropsize",
    "kernel_size": "kernelsize",
}
"""The fields of parameter messages that have another name in a V0 layer."""

_V0_WITH_PARAMETERS = ("conv", "innerproduct", "pool")
"""The V0 types with parameters in caffe.proto; the upgrade ignores those of im2col."""

_OLD_PARAMS = {"blobs_lr": "lr_mult", "param": "name", "blob_share_mode": "share_mode"}
"""The lists of V0 and V1 layers with a value per blob, and the fields of ParamSpec that replace them."""

PADDING = "padding"
"""The V0 layer type that the upgrade merges into the next layer."""
_V1_IN_V0_HELP = 'write it as "layers" with a "layer" inside, like the others, or write all as "layer"'
_PADDED = ("conv", "pool")
_V0_LAYER = "caffe.V1LayerParameter.layer"


@small_value
class Definition:
    """One layer definition: a caffe.LayerParameter, and where it is in the prototxt.

    type is the current name of the layer type, word the name as written in this
    format version (0, 1 or 2). bound is the message in the prototxt, from which
    parameter may have been upgraded; unknown_enums maps a field to the path of its
    value that is not in Caffe's enum.
    """

    version: int
    parameter: BoundMessage
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
        name: str = self.parameter["name"]
        return name

    @property
    def path(self) -> Path:
        """Its path in the binding."""
        return self.bound.path

    @property
    def whole(self) -> Span:
        """The span of its message."""
        return self.binding.document.span(self.bound.node)

    @property
    def span(self) -> Span:
        """The span of its name, or of the field name "layer" if it has none."""
        document, name = self.binding.document, self.bound.scalar("name")
        return document.span(name.node) if name else place_of(self.bound, document).name_span

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
        return caffe_types.v1_type(self.bound["type"]) if self.is_v1_in_v0 and "type" in self.bound else ""

    @property
    def params(self) -> Sequence[BoundMessage]:
        """Its param messages; Caffe drops those of a BatchNorm with one for each blob."""
        if "param" not in self.parameter:
            return ()
        params = self.parameter.messages("param")
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
            if parameter["name"]:
                place = self.binding.place_at((*path, "name")) or self.binding.place_at(path)
                assert place
                yield index, parameter["name"], place

    def attributes(self) -> dict[str, Attribute]:
        """Return the parameters that the conditions of its type need, with defaults filled in.

        Fields without a value and without a default are omitted.
        """
        field = caffe_types.parameter_field(self.type)
        names = CAFFE.layer_types.conditional_attributes(self.type)
        if field is None or not names:
            return {}
        unknown = {
            name: self.binding.unknown_enums[path].span.text
            for name, path in self.unknown_enums.items()
            if name in names
        }
        return _values(self.parameter[field], names) | unknown


def definitions(binding: Binding, report: Report) -> tuple[Definition, ...]:
    """Return the layers of a caffe.NetParameter in text order, upgraded to the current format."""
    net, version = binding.whole, version_of(binding.whole)
    if "layers" in net and "layer" in net:
        report(_mixed_versions(binding, version))
    name = "layer" if version == 2 else "layers"
    unknown = _unknown_enums(binding, name)
    upgrade = (_upgrade_v0, _upgrade_v1, _unchanged)[version]
    layers = [upgrade(binding, bound, unknown[index]) for index, bound in enumerate(net[name])]
    for layer in layers:
        if layer.is_v1_in_v0:
            what = f'name, type and parameters of layer "{layer.name}" are'
            report(catalogue.MIXED_V0.at(layer.span, what=what, help=_V1_IN_V0_HELP))
    return tuple(layers if version else _without_padding(layers, report))


def is_misplaced(field: FieldDescriptor, target: BoundMessage) -> bool:
    """Return whether a field is a layer in a V1 layer: V0 "layers" have no name or type of their own."""
    return field.full_name == _V0_LAYER and _is_v1(target)


def _is_v1(layers: BoundMessage) -> bool:
    return not layers.fields.keys().isdisjoint(("name", "type"))


def _mixed_versions(binding: Binding, version: int) -> Diagnostic:
    """Return the diagnostic for layers of two versions, at the first layer of the rarer form."""
    net = binding.whole
    if version == 0:
        rule, rare, help = catalogue.MIXED_V0, "layer", 'write it as "layers", like the other layers'
    elif len(net["layer"]) < len(net["layers"]):
        rule, rare, help = catalogue.MIXED_V1, "layer", 'write it as "layers", with an enum value as type'
    else:
        rule, rare, help = catalogue.MIXED_V1, "layers", 'write it as "layer", with a string as type'
    common = "layer" if rare == "layers" else "layers"
    place, other = binding.place_at((rare, 0)), binding.place_at((common, 0))
    assert place
    assert other
    others = [Related(other.name_span, f'first "{common}" here')]
    return rule.at(place.name_span, what='"layer" is', related=others, help=help)


def version_of(net: BoundMessage) -> int:
    """Return the format version of a caffe.NetParameter: 0, 1 or 2."""
    if any("layer" in layer for layer in net["layers"]):
        return 0
    return 1 if "layers" in net else 2


def _unchanged(binding: Binding, layer: BoundMessage, unknown: Mapping[str, Path]) -> Definition:
    kind = layer["type"]
    return Definition(2, layer, kind, kind, layer["bottom"], layer["top"], layer, binding, unknown)


def _upgrade_v1(binding: Binding, old: BoundMessage, unknown: Mapping[str, Path]) -> Definition:
    word = binding.unknown_enums[unknown["type"]].span.text if "type" in unknown else old["type"]
    kind, layer = caffe_types.v1_type(word), _upgraded(old)
    return Definition(1, layer, kind, word, old["bottom"], old["top"], old, binding, unknown)


def _upgrade_v0(binding: Binding, old: BoundMessage, unknown: Mapping[str, Path]) -> Definition:
    v0: BoundMessage = old["layer"]
    kind, layer = v0["type"], _upgraded(v0)
    if "name" in old and "name" not in v0:
        # The upgrade drops the name of a V1 layer, but messages need it.
        layer = replace(layer, fields={**layer.fields, "name": old.fields["name"]})
    if kind in _V0_WITH_PARAMETERS:
        field = _v0_parameter_field(kind)
        names = v0_names(layer[field].descriptor.fields)
        layer = _with(layer, field, {new: bound for new, name in names.items() if (bound := v0.scalar(name))})
    inner = old.message("layer") or old
    return Definition(0, layer, kind, kind, old["bottom"], old["top"], inner, binding, unknown)


def v0_names(fields: Iterable[str]) -> Mapping[str, str]:
    """Return the fields of a parameter message, with their names in a V0 layer."""
    return {name: _V0_NAMES.get(name, name) for name in fields}


def _v0_parameter_field(kind: str) -> str:
    field = caffe_types.parameter_field(caffe_types.v0_type(kind))
    assert field
    return field


def _upgraded(old: BoundMessage) -> BoundMessage:
    """Return a layer in the current format: the fields that are the same, and its param messages."""
    kept = {name: bound for name, bound in old.fields.items() if name in _kept_fields(old.descriptor)}
    columns = {new: old.items(name) for name, new in _OLD_PARAMS.items()}
    params: list[Bound] = [
        replace(
            old,
            descriptor=_descriptor("ParamSpec"),
            fields={name: column[index] for name, column in columns.items() if index < len(column)},
        )
        for index in range(max(len(old.items("weight_decay")), *map(len, columns.values())))
    ]
    return replace(old, descriptor=_descriptor("LayerParameter"), fields={**kept, "param": params})


@cache
def _kept_fields(old: Descriptor) -> Collection[str]:
    """Return the fields that are the same in an old format and in the current one."""
    kinds = {name: (each.kind, each.message) for name, each in _descriptor("LayerParameter").fields.items()}
    return {name for name, each in old.fields.items() if kinds.get(name) == (each.kind, each.message)}


def _with(layer: BoundMessage, field: str, values: Mapping[str, Bound]) -> BoundMessage:
    """Return a layer with values in the message of a field."""
    inner: BoundMessage = layer[field]
    known = inner.descriptor.fields
    if not values:
        return layer
    fields: dict[str, Bound | list[Bound]] = {
        name: [bound] if known[name].is_repeated else bound for name, bound in values.items()
    }
    return replace(layer, fields={**layer.fields, field: replace(inner, fields={**inner.fields, **fields})})


def _descriptor(name: str) -> Descriptor:
    return contracts.descriptors("caffe")[f"caffe.{name}"]


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
                layer = _padded(layer, padding.bound)
            else:
                misplaced[padding.path] = padding
        written_by.update(dict.fromkeys(layer.tops, layer))
        if layer.type != PADDING:
            bottoms = tuple(_unpadded(blob, paddings) for blob in layer.bottoms)
            yield replace(layer, type=caffe_types.v0_type(layer.type), bottoms=bottoms)
    for padding in misplaced.values():
        report(catalogue.MISPLACED_PADDING.at(padding.span, layer=padding.name))


def _pads(padding: Definition, layer: Definition) -> bool:
    """Return whether Caffe can merge a padding layer into the layer that reads it."""
    return layer.type in _PADDED and len(layer.bottoms) == len(padding.bottoms) == len(padding.tops) == 1


def _padded(layer: Definition, padding: BoundMessage) -> Definition:
    pad = padding.scalar("pad") or BoundScalar(0, padding.field, padding.node)
    return replace(layer, parameter=_with(layer.parameter, _v0_parameter_field(layer.type), {"pad": pad}))


def _unpadded(blob: str, paddings: Mapping[str, Definition]) -> str:
    """Return the input of the padding layer that wrote a blob, or the blob itself if there is none."""
    padding = paddings.get(blob)
    return padding.bottoms[0] if padding and padding.bottoms else blob


def _unknown_enums(binding: Binding, layers: str) -> Mapping[int, Mapping[str, Path]]:
    """Return the paths of unknown enum values in a list of layers, by layer and field."""
    paths: dict[int, dict[str, Path]] = defaultdict(dict)
    for path in binding.unknown_enums:
        if path[0] == layers:
            paths[int(path[1])][str(path[-1])] = path
    return paths


def _values(message: BoundMessage, names: frozenset[str]) -> dict[str, Attribute]:
    fields = _some_fields(message.descriptor, names)
    return {name: message[name] for name, has_default in fields if has_default or name in message}


@cache
def _some_fields(descriptor: Descriptor, names: frozenset[str]) -> Sequence[tuple[str, bool]]:
    """Return those of a message's fields that have one of some names, and whether they have a default."""
    return [
        (name, field.is_repeated or field.declared is not None)
        for name, field in descriptor.fields.items()
        if name in names
    ]
