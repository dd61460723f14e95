"""ONNX networks with weights: their steps, and what the onnx package says about them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.onnx.layer_computation import COMPUTATION
from quantcfg.editions.onnx.layer_operations import read_operations
from quantcfg.frozen import frozen_value
from quantcfg.network import Network
from quantcfg.weights.arrays import Array, WeightsFile
from quantcfg.weights.program import LayerWeights, Program, program_of
from tests.onnx.models import model

Values = NDArray[Any]


@frozen_value
class OnnxNet:
    """A network with weights and its program."""

    network: Network
    file: WeightsFile
    program: Program

    @property
    def problems(self) -> list[tuple[str, str]]:
        return [each for step in self.program.steps for each in COMPUTATION.problems(self.file, step)]

    @property
    def facts(self) -> list[tuple[str, str]]:
        return [each for step in self.program.steps for each in COMPUTATION.facts(self.file, step)]

    def weights(self) -> Mapping[str, LayerWeights]:
        """Return the folded weights of the quantizable layers."""
        wrong = {name for name, _ in self.problems}
        return {
            step.name: COMPUTATION.folded(self.file, step)
            for step in self.program.steps
            if step.operation.layer.quantizable and step.name not in wrong
        }


def net_of(path: Path) -> OnnxNet:
    found: list[Diagnostic] = []
    network = load_model(path, None, found.append)
    assert network, found
    file = COMPUTATION.read(network, None, found.append)
    assert file, found
    return OnnxNet(network, file, program_of(read_operations(network, {})))


def read(content: ModelProto) -> OnnxNet:
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        path.write_bytes(content.SerializeToString())
        return net_of(path)


def tensor(name: str, array: Values) -> TensorProto:
    return numpy_helper.from_array(np.ascontiguousarray(array), name)


def net(*nodes: NodeProto, constants: Mapping[str, Values], shape: tuple[int, ...]) -> ModelProto:
    """Return a model with the input data and the output of the last node."""
    inputs = [helper.make_tensor_value_info("data", TensorProto.FLOAT, shape)]
    outputs = [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, None)]
    tensors = [tensor(name, array) for name, array in constants.items()]
    return model(*nodes, initializers=tensors, inputs=inputs, outputs=outputs, opset=15)


def random(seed: int, *shape: int) -> Array:
    return np.random.default_rng(seed).normal(0, 1, shape).astype(np.float32)


# --- the oracle


def constants_of(content: ModelProto, folder: str = "") -> Mapping[str, Values]:
    made = {
        node.output[0]: numpy_helper.to_array(attribute.t)
        for node in content.graph.node
        for attribute in node.attribute
        if node.op_type == "Constant" and attribute.name == "value"
    }
    return made | {each.name: numpy_helper.to_array(each, folder) for each in content.graph.initializer}


def expected_weight(content: ModelProto, layer: NodeProto, bn: NodeProto | None) -> Values:
    """Return the weight of a node with a row for each output channel, in doubles."""
    constants = constants_of(content)
    weight = constants[layer.input[1]].astype(np.float64)
    attributes = {each.name: helper.get_attribute_value(each) for each in layer.attribute}
    if layer.op_type == "ConvTranspose":
        parts = np.split(weight, attributes.get("group", 1), axis=0)
        weight = np.concatenate([part.swapaxes(0, 1) for part in parts])
    elif layer.op_type == "MatMul" or (layer.op_type == "Gemm" and not attributes.get("transB")):
        weight = np.moveaxis(weight, -1, 0)
    rows = weight.reshape(len(weight), -1)
    if bn is None:
        return rows
    scale, _, _, variance = (constants[name].astype(np.float64) for name in bn.input[1:])
    eps = next((each.f for each in bn.attribute if each.name == "epsilon"), 1e-5)
    factor: Values = scale / np.sqrt(variance + eps)
    return rows * factor[:, None]
