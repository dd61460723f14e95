"""Networks for tests: layers as prototxt text, and what becomes of such a text.

The layer functions write layers that AMCT can quantize, or fold, unless their
parameters say something else. Every keyword of theirs is a message of the layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.weights import Blob, WeightLayer, Weights
from quantcfg.network import Network
from quantcfg.network.network import Shape
from quantcfg.source import Source

Blobs = str | Sequence[str]
Messages = str | Sequence[str]

INPUT = 'input: "data" input_dim: [1, 0, 32, 32]'
"""The input of a net: four axes, with as many channels as the layers like."""


def network(text: str, weights: Weights | None = None) -> Network:
    """Return the network of a prototxt that must be valid."""
    found: list[Diagnostic] = []
    read = read_network(Source("net.prototxt", with_input(text)), weights, found.append)
    assert read is not None, found
    assert read.diagnostics == tuple(found)
    return read


def diagnose(text: str, weights: Weights | None = None) -> list[Diagnostic]:
    """Return the diagnostics of a prototxt, which may be valid."""
    found: list[Diagnostic] = []
    read = read_network(Source("net.prototxt", with_input(text)), weights, found.append)
    assert (read is None) == has_errors(found)
    return found


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    return [diagnostic.code for diagnostic in diagnostics]


def weights(shapes: Mapping[str, Shape | None]) -> Weights:
    """Return weights of which every layer has a weight of some shape, and a bias for eight outputs."""
    layers = {
        name: WeightLayer(name, "Convolution", (blob(shape), blob((8,)))) for name, shape in shapes.items()
    }
    return Weights("net.caffemodel", layers)


def blob(shape: Shape | None, *, is_legacy: bool = False) -> Blob:
    """Return a blob with as many numbers as its shape has."""
    return Blob(shape, is_legacy, prod(shape or ()))


def net(*layers: str) -> str:
    """Return the text of layers, with an input for the blob that the first ones read."""
    return with_input("\n".join(layers))


def with_input(text: str) -> str:
    """Return a prototxt with an input for the blob "data" at its end, if it reads but does not write it."""
    is_open = 'bottom: "data"' in text and not any(maker in text for maker in ('top: "data"', "input:"))
    return f"{text}\n{INPUT}" if is_open else text


def layer(
    name: str, layer_type: str, bottom: Blobs = "data", top: Blobs | None = None, **messages: Messages
) -> str:
    """Return a layer whose top has its own name, if nothing else is said."""
    return "\n".join(
        (
            "layer {",
            f'  name: "{name}"',
            f'  type: "{layer_type}"',
            *_blobs(bottom, name if top is None else top),
            *(f"  {field} {{ {text} }}" for field, texts in messages.items() for text in _each(texts)),
            "}",
        )
    )


def conv(
    name: str,
    bottom: Blobs = "data",
    top: Blobs | None = None,
    parameters: str = "num_output: 8 kernel_size: 3",
    **messages: Messages,
) -> str:
    return layer(name, "Convolution", bottom, top, convolution_param=parameters, **messages)


def deconv(
    name: str,
    bottom: Blobs = "data",
    top: Blobs | None = None,
    parameters: str = "num_output: 8 kernel_size: 3",
    **messages: Messages,
) -> str:
    return layer(name, "Deconvolution", bottom, top, convolution_param=parameters, **messages)


def inner_product(
    name: str,
    bottom: Blobs = "data",
    top: Blobs | None = None,
    parameters: str = "num_output: 8",
    **messages: Messages,
) -> str:
    return layer(name, "InnerProduct", bottom, top, inner_product_param=parameters, **messages)


def pool(
    name: str,
    bottom: Blobs = "data",
    top: Blobs | None = None,
    parameters: str = "pool: AVE kernel_size: 2",
    **messages: Messages,
) -> str:
    return layer(name, "Pooling", bottom, top, pooling_param=parameters, **messages)


def batch_norm(
    name: str, bottom: Blobs, top: Blobs | None = None, parameters: str = "", **messages: Messages
) -> str:
    return layer(name, "BatchNorm", bottom, top, batch_norm_param=parameters, **messages)


def scale(
    name: str,
    bottom: Blobs,
    top: Blobs | None = None,
    parameters: str = "bias_term: true",
    **messages: Messages,
) -> str:
    return layer(name, "Scale", bottom, top, scale_param=parameters, **messages)


def relu(name: str, bottom: Blobs, top: Blobs | None = None, **messages: Messages) -> str:
    return layer(name, "ReLU", bottom, top, **messages)


def v1_layer(
    name: str, layer_type: str, bottom: Blobs = "data", top: Blobs | None = None, rest: str = ""
) -> str:
    """Return a layer as V1 wrote it; rest is any more of its text."""
    return "\n".join(
        (
            "layers {",
            f'  name: "{name}"',
            f"  type: {layer_type}",
            *_blobs(bottom, name if top is None else top),
            f"  {rest}",
            "}",
        )
    )


def v0_layer(
    name: str, layer_type: str, bottom: Blobs = "data", top: Blobs | None = None, rest: str = ""
) -> str:
    """Return a layer as V0 wrote it; rest is any more of the text of the inner layer."""
    return "\n".join(
        (
            "layers {",
            f'  layer {{ name: "{name}" type: "{layer_type}" {rest} }}',
            *_blobs(bottom, name if top is None else top),
            "}",
        )
    )


def _blobs(bottom: Blobs, top: Blobs) -> list[str]:
    return [f'  bottom: "{blob}"' for blob in _each(bottom)] + [f'  top: "{blob}"' for blob in _each(top)]


def _each(values: str | Sequence[str]) -> Sequence[str]:
    return (values,) if isinstance(values, str) else values
