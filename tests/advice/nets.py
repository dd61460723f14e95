"""Networks with weights: the shared models, and small ones with random weights; and OpenCV's view of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np

from quantcfg import contracts
from quantcfg.advice.calibration import Hfmg, Ifmr
from quantcfg.advice.running import Executable, Values
from quantcfg.advice.simulation import LayerSettings, Settings
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe import MODEL
from quantcfg.editions.caffe.definitions import definitions
from quantcfg.editions.caffe.execution import run_step
from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.editions.caffe.layer_weights import folded_weights
from quantcfg.editions.caffe.net_contents import holds_in_test, stages
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.stored_arrays import read_stored_arrays
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.editions.sources import read_source
from quantcfg.frozen import frozen_value
from quantcfg.network import Network
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operations
from quantcfg.source import Source
from quantcfg.textproto import Dialect, bind, parse
from quantcfg.weights.arrays import Array, WeightsFile, map_weights
from quantcfg.weights.program import Load, Program, program_of
from tests.shared import MODELS

GIVEN: Mapping[str, Mapping[str, Shape]] = {
    "lenet_mnist/deploy": {"data": (1, 1, 28, 28)},
    "resnet20_cifar/train_val": {"Data1": (1, 3, 32, 32)},
}
"""Inputs that have no shape in the prototxt, or a batch."""


@frozen_value
class Net:
    """A network with weights, its program, and its prototxt in phase TEST."""

    text: str
    network: Network
    operations: Operations
    file: WeightsFile
    program: Program

    @property
    def load(self) -> Load:
        return partial(folded_weights, self.file)

    @property
    def executable(self) -> Executable:
        return Executable(self.program, self.load, run_step)

    @property
    def input_name(self) -> str:
        (name,) = self.program.inputs
        return name

    @property
    def input_shape(self) -> Shape:
        shape = self.operations.inputs[self.input_name]
        assert shape
        return shape

    def inputs(self, values: Array) -> Values:
        return {self.program.inputs[self.input_name]: values}

    def outputs(self, values: Array) -> dict[str, Array]:
        """Return the outputs of an unquantized run, by the layer that writes them."""
        *_, found = self.executable.run(self.inputs(values))
        writers = {
            value: step.after[-1].layer.name if step.after else step.name
            for step in self.program.steps
            for value in step.outputs
        }
        return {writers[value]: found[value] for value in self.program.outputs}


@cache
def shared_model(model: str) -> Net:
    path = MODELS / f"{model}.prototxt"
    source = read_source(path, lambda _: None, wanted="a prototxt")
    assert source
    return net_of(source, path.parent / "weights.caffemodel", GIVEN.get(model, {}))


def net_of(source: Source, weights: Path, given: Mapping[str, Shape]) -> Net:
    found: list[Diagnostic] = []
    network = read_network(source, read_weights(weights, found.append), found.append)
    arrays = read_stored_arrays(weights, found.append)
    assert network is not None, found
    assert arrays is not None, found
    operations = read_operations(network, given)
    text = in_test_phase(source, given) if given else source.text
    return Net(text, network, operations, map_weights(weights, arrays), program_of(operations))


def in_test_phase(source: Source, given: Mapping[str, Shape]) -> str:
    """Return a prototxt with only the layers of phase TEST, and with inputs for the data layers."""
    found: list[Diagnostic] = []
    document = parse(source, found.append)
    binding = bind(document, MODEL.descriptor, found.append, Dialect(lenient=True))
    set_stages = stages(binding, found.append)
    layers = [
        f"layer {each.whole.text}"
        for each in definitions(binding, found.append)
        if each.bottoms
        and holds_in_test(each, set_stages, found.append)
        and each.type not in ("Accuracy", "SoftmaxWithLoss")
    ]
    inputs = [f'input: "{name}" input_shape {{ dim: {list(shape)} }}' for name, shape in given.items()]
    return "\n".join([*inputs, *layers])


def small_net(layers: str, shape: Shape = (1, 6, 9, 11), seed: int = 0) -> Net:
    """Return a network with one input and random weights."""
    text = f'input: "data" input_shape {{ dim: {list(shape)} }}\n{layers}'
    random = np.random.default_rng(seed)
    return net_with(Source("net.prototxt", text), partial(_random_blob, random))


def net_with(source: Source, blob: Callable[[str, int, Shape], Array]) -> Net:
    """Return a network; its blobs depend on the layer type, their number and their shape."""
    network = read_network(source, None, lambda _: None)
    assert network
    blobs = {
        operation.layer.name: [
            blob(operation.layer.type, index, each) for index, each in enumerate(operation.blobs or ())
        ]
        for operation in read_operations(network, {}).all
    }
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.caffemodel")
        path.write_bytes(caffemodel(blobs, {layer.name: layer.type for layer in network.layers}))
        return net_of(source, path, {})


def _random_blob(random: np.random.Generator, layer_type: str, index: int, shape: Shape) -> Array:
    values = random.normal(0, 1, shape).astype(np.float32)
    if layer_type == "BatchNorm":
        # A variance is positive; the factor divides the statistics.
        return np.abs(values) + 1 if index else values
    return values


def caffemodel(blobs: Mapping[str, Sequence[Array]], types: Mapping[str, str]) -> bytes:
    """Return a caffemodel with these blobs."""
    net: Any = contracts.message_class("caffe", "caffe.StoredNet")()
    for name, arrays in blobs.items():
        layer = net.layer.add(name=name.encode(), type=types[name].encode())
        for array in arrays:
            blob = layer.blobs.add(data=array.reshape(-1).tolist())
            blob.shape.dim.extend(array.shape)
    content: bytes = net.SerializeToString()
    return content


def opencv(net: Net) -> Any:
    """Return the network in OpenCV.

    It does not fold layers, because it folds deconvolutions in groups wrongly.
    """
    text = np.frombuffer(net.text.encode(), np.uint8)
    network = cv2.dnn.readNetFromCaffe(text, np.array(net.file.data))
    network.enableFusion(False)
    return network


def opencv_outputs(net: Net, values: Array, names: Sequence[str]) -> dict[str, Array]:
    network = opencv(net)
    network.setInput(values, net.input_name)
    return dict(zip(names, network.forward(list(names)), strict=True))


def decibels_between(found: Array, wanted: Array) -> float:
    error = np.square(np.subtract(found, wanted, dtype=np.float64)).sum()
    signal = np.square(wanted, dtype=np.float64).sum()
    return float(10 * np.log10(signal / error)) if error else 300.0


def noise(shape: Shape, seed: int = 0) -> Array:
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(np.float32)


def default_settings(
    program: Program, *, activation: Ifmr | Hfmg | None, channel_wise: bool | None
) -> Settings:
    """Return the same settings for all layers that AMCT can quantize; some types have only one factor."""
    return {
        step.name: LayerSettings(activation, channel_wise and layer.type not in ("InnerProduct", "Pooling"))
        for step in program.steps
        if (layer := step.operation.layer).quantizable
    }
