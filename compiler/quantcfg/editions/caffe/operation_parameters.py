"""Read the parameters of layers that their shapes depend on."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.descriptors import Descriptor
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.textproto import Binding, BoundMessage, Dialect, bind

Parameters = ChainMap[str, Any]
"""The values of a message: the first map has those that are written, the second one the defaults."""

_NOTHING: Mapping[str, Any] = MappingProxyType({})

_FIELDS = {
    "ArgMax": "argmax_param",
    "Bias": "bias_param",
    "Clip": "clip_param",
    "ConvolutionDepthwise": "convolution_param",
    "Data": "data_param",
    "DepthwiseConvolution": "convolution_param",
    "DummyData": "dummy_data_param",
    "ELU": "elu_param",
    "Eltwise": "eltwise_param",
    "Embed": "embed_param",
    "Exp": "exp_param",
    "Im2col": "convolution_param",
    "ImageData": "image_data_param",
    "LRN": "lrn_param",
    "LSTM": "recurrent_param",
    "Log": "log_param",
    "MVN": "mvn_param",
    "MemoryData": "memory_data_param",
    "Normalize": "norm_param",
    "PReLU": "prelu_param",
    "Parameter": "parameter_param",
    "Permute": "permute_param",
    "Power": "power_param",
    "PriorBox": "prior_box_param",
    "RNN": "recurrent_param",
    "ReLU": "relu_param",
    "Reduction": "reduction_param",
    "Reorg": "reorg_param",
    "SPP": "spp_param",
    "ShuffleChannel": "shuffle_channel_param",
    "Softmax": "softmax_param",
    "Swish": "swish_param",
    "Threshold": "threshold_param",
    "Tile": "tile_param",
    "Upsample": "upsample_param",
}
"""The field with the parameters of a layer type, beside the types that have one in the layer type file."""

_V0_NAMES = {"batch_size": "batchsize", "crop_size": "cropsize"}
_TRANSFORM = "transform_param"


def additional_layers(binding: Binding) -> Sequence[BoundMessage]:
    """Return the layers of a prototxt as caffe_operations.Layer, in text order.

    Invalid values are unset, as if the field were not written.
    """
    net = bind(binding.document, _descriptor("Net"), lambda _: None, Dialect(lenient=True)).whole
    return net.messages("layer") or net.messages("layers")


def parameters_of(layer: Definition, additional: BoundMessage) -> Parameters:
    """Return the parameters of a layer; data layers include those of transform_param.

    additional is its message of caffe_operations.
    """
    field = caffe_types.parameter_field(layer.type) or _FIELDS.get(layer.type)
    fields = [name for name in (field, _TRANSFORM if not layer.bottoms else None) if name]
    found = [_values(message, name) for name in fields for message in (layer.parameter, additional)]
    if v0 := additional.message("layer"):
        found += [_upgraded(v0, name) for name in fields]
    written, defaults = zip(*found, strict=True) if found else ((), ())
    return ChainMap({}, _merged(written), _merged(defaults))


def is_written(parameters: Parameters, field: str) -> bool:
    """Return whether the prototxt has a value for a field."""
    return field in parameters.maps[1]


def _merged(maps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for each in maps for name, value in each.items()}


_Values = tuple[Mapping[str, Any], Mapping[str, Any]]
"""The written values of a message, and its defaults."""


def _values(layer: BoundMessage, field: str) -> _Values:
    """Return the values of a message field of a layer; both are empty if the layer has no such field."""
    known = layer.descriptor.fields.get(field)
    if known is None or known.message is None:
        return _NOTHING, _NOTHING
    return _written(layer[field]), _defaults(known.message)


def _upgraded(v0: BoundMessage, field: str) -> _Values:
    """Return the values of a V0 layer that the upgrade moves into a message field."""
    known = _descriptor("Layer").fields.get(field)
    message = known.message if known else None
    written = _written(v0)
    pairs = [(name, _V0_NAMES.get(name, name)) for name in message.fields] if message else []
    return {name: written[old] for name, old in pairs if old in written}, _NOTHING


def _written(message: BoundMessage) -> dict[str, Any]:
    """Return the values of a message without their nodes: tuples, mappings and scalars."""
    return {name: _plain(message[name]) for name in message.fields}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return _written(value) if isinstance(value, BoundMessage) else value


@cache
def _defaults(descriptor: Descriptor) -> Mapping[str, Any]:
    fields = descriptor.fields.items()
    return MappingProxyType({name: () if field.is_repeated else field.declared for name, field in fields})


def _descriptor(name: str) -> Descriptor:
    return contracts.descriptors("caffe_operations")[f"caffe_operations.{name}"]
