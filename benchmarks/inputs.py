"""Generate networks, requests, configurations and weights of any size."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from quantcfg import contracts

_RAW_DATA = 9
"""The number of the field with the values of an ONNX tensor, which quantcfg does not declare."""

_DATA = 5
"""The number of the field with the values of a Caffe blob."""

RESNET_152 = 670
"""The number of layers of ResNet-152."""

_CHANNELS = 64
_HEAD = """\
name: "chain"
input: "data"
input_dim: 1
input_dim: {channels}
input_dim: 56
input_dim: 56
"""
_LAYER = """\
layer {{
  bottom: "{bottom}"
  top: "{top}"
  name: "{name}"
  type: "{kind}"
{parameters}}}
"""
_PARAMETERS = {
    "Convolution": (
        "  convolution_param {{\n    num_output: {channels}\n    kernel_size: 3\n    pad: 1\n    stride: 1\n"
        "    bias_term: false\n  }}\n"
    ),
    "BatchNorm": "  batch_norm_param {{\n    use_global_stats: true\n  }}\n",
    "Scale": "  scale_param {{\n    bias_term: true\n  }}\n",
    "ReLU": "",
}
_OVERRIDE = """\
override_layer_configs {{
  layer_name: "{name}"
  calibration_config {{
    arq_quantize {{ channel_wise: true }}
    ifmr_quantize {{ search_range_start: 0.7 search_range_end: 1.3 search_step: 0.0{step} }}
  }}
}}
"""


def prototxt(layers: int, channels: int = _CHANNELS) -> str:
    """Return a chain of layers that repeats Convolution, BatchNorm, Scale and ReLU."""
    return "".join(_prototxt(layers, channels))


def _prototxt(layers: int, channels: int) -> Iterator[str]:
    yield _HEAD.format(channels=channels)
    bottom = top = "data"
    for name, kind in _chain(layers):
        if kind == "Convolution":
            bottom, top = top, name
        parameters = _PARAMETERS[kind].format(channels=channels)
        yield _LAYER.format(bottom=bottom, top=top, name=name, kind=kind, parameters=parameters)
        bottom = top


def _chain(layers: int) -> Iterator[tuple[str, str]]:
    """Yield the name and the type of each layer."""
    for index in range(layers):
        block, position = divmod(index, len(_PARAMETERS))
        name, kind = _convolution(block), list(_PARAMETERS)[position]
        yield name if kind == "Convolution" else f"{name}_{kind.lower()}", kind


def _convolution(index: int) -> str:
    return f"res{index}_conv"


def quant_cfg(overrides: int) -> str:
    """Return a request with an override for each of the first convolutions."""
    written = (_OVERRIDE.format(name=_convolution(index), step=1 + index % 9) for index in range(overrides))
    return "batch_num: 2\n" + "".join(written)


def convolutions(count: int) -> str:
    """Return a network of quantizable convolutions only."""
    parameters = _PARAMETERS["Convolution"].format(channels=_CHANNELS)
    names = ["data", *map(_convolution, range(count))]
    return _HEAD.format(channels=_CHANNELS) + "".join(
        _LAYER.format(bottom=bottom, top=top, name=top, kind="Convolution", parameters=parameters)
        for bottom, top in pairwise(names)
    )


def kilobytes(text: str) -> str:
    """Return the size of text as words."""
    return f"{round(len(text) / 1000)} KB"


def with_wrong_value(config: str, number: int) -> str:
    """Return a configuration with one wrong value; number selects the layer and the value."""
    values = json.loads(config)
    layers = [body for body in values.values() if isinstance(body, dict)]
    layers[number % len(layers)]["activation_quant_params"]["search_step"] = -number
    return json.dumps(values, indent=4)


def write_weights(path: Path, layers: int, size: int) -> None:
    """Write a caffemodel of convolutions with a total size of about size bytes."""
    values = size // 4 // layers
    blob = _blob((64, values // 64 // 9, 3, 3), bytes(4 * values))
    _write_layers(path, ((_convolution(index), "Convolution", [blob]) for index in range(layers)))


def write_random_weights(path: Path, layers: int, channels: int) -> None:
    """Write a caffemodel with random weights for a prototxt."""
    random = np.random.default_rng(0)
    _write_layers(
        path, ((name, kind, _random_blobs(kind, channels, random)) for name, kind in _chain(layers))
    )


def _random_blobs(kind: str, channels: int, random: np.random.Generator) -> Iterator[bytes]:
    shapes: dict[str, list[tuple[int, ...]]] = {
        "Convolution": [(channels, channels, 3, 3)],
        "BatchNorm": [(channels,), (channels,), (1,)],
        "Scale": [(channels,), (channels,)],
    }
    for shape in shapes.get(kind, ()):
        values = random.standard_normal(shape, np.float32)
        # A variance is positive.
        yield _blob(shape, (np.abs(values) + 1 if kind == "BatchNorm" else values).tobytes())


def _blob(shape: Sequence[int], values: bytes) -> bytes:
    blob_proto = contracts.message_class("caffe", "caffe.BlobProto")
    head = bytes([_DATA << 3 | 2]) + _varint(len(values))
    return bytes(blob_proto(shape={"dim": shape}).SerializeToString()) + head + values


def _write_layers(path: Path, layers: Iterable[tuple[str, str, Iterable[bytes]]]) -> None:
    net, parameter = (
        contracts.message_class("caffe", f"caffe.{name}") for name in ("NetParameter", "LayerParameter")
    )
    number = net.DESCRIPTOR.fields_by_name["layer"].number
    with path.open("wb") as file:
        for name, kind, blobs in layers:
            parts = (b"\x3a" + _varint(len(blob)) + blob for blob in blobs)
            body = b"".join((parameter(name=name, type=kind).SerializeToString(), *parts))
            file.write(_varint(number << 3 | 2) + _varint(len(body)) + body)


def write_onnx(path: Path, nodes: int, size: int = 0) -> None:
    """Write an ONNX model of Conv nodes in a chain; the data of their weights, size bytes, is a hole."""
    model, graph, node, tensor = (
        contracts.message_class("onnx", f"onnx.{name}")
        for name in ("ModelProto", "GraphProto", "NodeProto", "TensorProto")
    )
    names = ["data", *map(_convolution, range(nodes))]
    parts: list[tuple[bytes, int]] = []
    for data, name in pairwise(each.encode() for each in names):
        conv = node(name=name, op_type=b"Conv", input=[data, name + b"_w"], output=[name]).SerializeToString()
        parts.append((_head(graph, "node", len(conv)) + conv, 0))
        values = size // nodes
        weight = tensor(name=name + b"_w", data_type=1, dims=[64, 64, 3, 3]).SerializeToString()
        weight += bytes([_RAW_DATA << 3 | 2]) + _varint(values)
        parts.append((_head(graph, "initializer", len(weight) + values) + weight, values))
    with path.open("wb") as file:
        version = model.DESCRIPTOR.fields_by_name["ir_version"].number
        length = sum(len(head) + values for head, values in parts)
        file.write(_varint(version << 3) + _varint(8) + _head(model, "graph", length))
        for head, values in parts:
            file.write(head)
            file.seek(values, os.SEEK_CUR)
        file.truncate()


def _head(message: Any, field: str, length: int) -> bytes:
    """Return what is written before the content of a field."""
    return _varint(message.DESCRIPTOR.fields_by_name[field].number << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
