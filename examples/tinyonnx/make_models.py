"""Write the ONNX models of this example; requires the package onnx.

net.onnx is a small network whose weights are all 0. unnamed.onnx is the same network, as an exporter
writes it that gives nodes no names.
"""

from __future__ import annotations

from pathlib import Path

from onnx import ModelProto, NodeProto, TensorProto, helper

_SHAPES = {
    "conv1.weight": (4, 3, 3, 3),
    "bn1.scale": (4,),
    "bn1.bias": (4,),
    "bn1.mean": (4,),
    "bn1.var": (4,),
    "conv2.weight": (4, 4, 1, 1),
    "fc.weight": (10, 4),
    "fc.bias": (10,),
}
_SAME = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}


def network() -> ModelProto:
    """Return the network: a residual block, pooling, and a classifier."""
    nodes = [
        _node("Conv", "conv1", ["data", "conv1.weight"], **_SAME),
        _node("BatchNormalization", "bn1", ["conv1", "bn1.scale", "bn1.bias", "bn1.mean", "bn1.var"]),
        _node("Relu", "relu1", ["bn1"]),
        _node("Conv", "conv2", ["relu1", "conv2.weight"], kernel_shape=[1, 1]),
        _node("Add", "add", ["conv2", "relu1"]),
        _node("MaxPool", "pool1", ["add"], kernel_shape=[2, 2], strides=[2, 2]),
        _node("AveragePool", "pool2", ["pool1"], kernel_shape=[4, 4]),
        _node("Flatten", "flatten", ["pool2"]),
        _node("Gemm", "fc", ["flatten", "fc.weight", "fc.bias"], transB=1),
        _node("MatMul", "similarity", ["fc", "classes"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tinyonnx",
        [_value("data", 1, 3, 8, 8), _value("classes", 10, 10)],
        [_value("similarity", 1, 10)],
        [_tensor(name, shape) for name, shape in _SHAPES.items()],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 13)])


def without_names(model: ModelProto) -> ModelProto:
    """Return the same network with nodes that have no names."""
    unnamed = ModelProto.FromString(model.SerializeToString())
    for node in unnamed.graph.node:
        node.ClearField("name")
    return unnamed


def _node(op_type: str, name: str, inputs: list[str], **attributes: object) -> NodeProto:
    return helper.make_node(op_type, inputs, [name], name=name, **attributes)


def _tensor(name: str, shape: tuple[int, ...]) -> TensorProto:
    count = 1
    for size in shape:
        count *= size
    return helper.make_tensor(name, TensorProto.FLOAT, shape, bytes(4 * count), raw=True)


def _value(name: str, *shape: int) -> object:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


if __name__ == "__main__":
    folder = Path(__file__).parent
    (folder / "net.onnx").write_bytes(network().SerializeToString())
    (folder / "unnamed.onnx").write_bytes(without_names(network()).SerializeToString())
