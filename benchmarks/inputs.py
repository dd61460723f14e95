"""Generated inputs: networks, quant.cfg texts and weights files of any size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from quantcfg import contracts


def prototxt(blocks: int) -> str:
    """Return a chain of blocks of four layers: Convolution, BatchNorm, Scale and ReLU."""
    return "\n".join(_prototxt(blocks))


def _prototxt(blocks: int) -> Iterator[str]:
    yield 'name: "chain"\ninput: "data"\ninput_dim: 1\ninput_dim: 64\ninput_dim: 56\ninput_dim: 56'
    bottom = "data"
    for index in range(blocks):
        top = f"conv{index}"
        yield (
            f'layer {{\n  bottom: "{bottom}"\n  top: "{top}"\n  name: "{top}"\n  type: "Convolution"\n'
            "  convolution_param {\n    num_output: 64\n    kernel_size: 3\n    pad: 1\n    stride: 1\n"
            "    bias_term: false\n  }\n}"
        )
        for kind, parameters in (
            ("BatchNorm", "batch_norm_param {\n    use_global_stats: true\n  }"),
            ("Scale", "scale_param {\n    bias_term: true\n  }"),
            ("ReLU", ""),
        ):
            yield (
                f'layer {{\n  bottom: "{top}"\n  top: "{top}"\n  name: "{kind.lower()}{index}"\n'
                f'  type: "{kind}"\n  {parameters}\n}}'
            )
        bottom = top


def quant_cfg(overrides: int) -> str:
    """Return a quant.cfg with an override for each of so many convolutions."""
    return "batch_num: 2\n" + "".join(
        f'override_layer_configs {{\n  layer_name: "conv{index}"\n  calibration_config {{\n'
        "    arq_quantize {\n      channel_wise: true\n    }\n    ifmr_quantize {\n"
        f"      search_range_start: 0.7\n      search_range_end: 1.3\n      search_step: 0.0{1 + index % 9}\n"
        "    }\n  }\n}\n"
        for index in range(overrides)
    )


def write_weights(path: Path, blocks: int, values: int) -> None:
    """Write a caffemodel of so many convolutions, each with a blob of so many numbers."""
    net = contracts.message_class("caffe", "caffe.NetParameter")
    data = b"\x2a" + _varint(4 * values) + bytes(4 * values)
    with path.open("wb") as file:
        for index in range(blocks):
            shape = contracts.message_class("caffe", "caffe.BlobProto")(
                shape={"dim": [64, values // 64 // 9, 3, 3]}
            )
            layer = contracts.message_class("caffe", "caffe.LayerParameter")(
                name=f"conv{index}", type="Convolution"
            )
            blob = shape.SerializeToString() + data
            body = layer.SerializeToString() + b"\x3a" + _varint(len(blob)) + blob
            number = net.DESCRIPTOR.fields_by_name["layer"].number
            file.write(_varint(number << 3 | 2) + _varint(len(body)) + body)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
