"""ONNX models for tests, made with onnx.helper, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.network import Layer, Network

FLOAT, FLOAT16 = TensorProto.FLOAT, TensorProto.FLOAT16

node = helper.make_node


def conv(
    name: str = "conv", data: str = "data", weight: str = "w", out: str = "", **attributes: Any
) -> NodeProto:
    return node("Conv", [data, weight], [out or f"{name}_out"], name=name, **attributes)


def batch_norm(name: str, data: str, outputs: Sequence[str] = (), **attributes: Any) -> NodeProto:
    inputs = [data, "p", "p", "p", "p"]
    return node("BatchNormalization", inputs, outputs or [f"{name}_out"], name=name, **attributes)


def tensor(name: str, *shape: int, element: int = FLOAT) -> TensorProto:
    """Return a tensor; its data is missing, which only matters to what reads it."""
    return TensorProto(name=name, dims=shape, data_type=element)


def value(name: str, *shape: int, element: int = FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, element, shape or None)


WEIGHTS = (tensor("w", 8, 3, 3, 3), tensor("p", 8), tensor("m", 16, 8))
"""Initializers of most models: a filter, a parameter of a BatchNormalization, and a matrix."""


def graph(
    *nodes: NodeProto,
    initializers: Iterable[TensorProto] = WEIGHTS,
    inputs: Iterable[ValueInfoProto] = (value("data", 1, 3, 8, 8),),
    outputs: Iterable[ValueInfoProto] = (),
    name: str = "net",
    **more: Any,
) -> GraphProto:
    return GraphProto(name=name, node=nodes, initializer=initializers, input=inputs, output=outputs, **more)


def model(
    *nodes: NodeProto, opset: int | None = 13, functions: Sequence[Any] = (), **parts: Any
) -> ModelProto:
    opsets = [] if opset is None else [helper.make_opsetid("", opset)]
    return ModelProto(ir_version=8, opset_import=opsets, graph=graph(*nodes, **parts), functions=functions)


def read(content: ModelProto | bytes, name: str = "net.onnx") -> tuple[Network | None, list[Diagnostic]]:
    """Return the network of a model and what is reported, with the name of its file alone."""
    with TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        found: list[Diagnostic] = []
        network = load_model(path, None, found.append)
    assert (network is None) == has_errors(found)
    return network, found


def network(*nodes: NodeProto, **parts: Any) -> Network:
    """Return the network of a model that must be in order."""
    made, found = read(model(*nodes, **parts))
    assert made is not None, found
    assert made.diagnostics == tuple(found)
    return made


def diagnose(*nodes: NodeProto, **parts: Any) -> list[Diagnostic]:
    return read(model(*nodes, **parts))[1]


def layer(*nodes: NodeProto, **parts: Any) -> Layer:
    """Return the layer of the last of some nodes."""
    return network(*nodes, **parts).layers[-1]
