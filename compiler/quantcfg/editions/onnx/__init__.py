"""The ONNX edition as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quantcfg.diagnostics import Report
    from quantcfg.files import OtherContent, PathLike, Reader
    from quantcfg.network import NamedModel, Network
    from quantcfg.network.network import Shape
    from quantcfg.network.operations import Operations
    from quantcfg.weights.computation import Computation


def _read_model(model: PathLike, weights: PathLike | None, report: Report, *, read: Reader) -> Network | None:
    from quantcfg.editions.onnx.reader import read_model

    return read_model(model, weights, report, read=read)


def _read_operations(network: Network, given: Mapping[str, Shape]) -> Operations:
    from quantcfg.editions.onnx.layer_operations import read_operations

    return read_operations(network, given)


def _computation() -> Computation:
    from quantcfg.editions.onnx.layer_computation import COMPUTATION

    return COMPUTATION


def _name_nodes(model: PathLike, output: str | None, report: Report) -> NamedModel | None:
    from quantcfg.editions.onnx.name_nodes import name_nodes

    return name_nodes(model, output, report)


def _recognize(start: bytes) -> OtherContent | None:
    from quantcfg.editions.onnx.recognition import recognize

    return recognize(start)


ONNX = Edition(
    "onnx",
    words=Words(
        model="an ONNX model", network="an ONNX network", scope="the top-level graph", model_suffix=".onnx"
    ),
    request=MessageType("calibration_config_onnx", "amct_onnx.AMCTConfig"),
    layer_types=LayerTypes("onnx_layers.json"),
    schema=ConfigSchema("quant_config_onnx.schema.json"),
    read_model=_read_model,
    read_operations=_read_operations,
    recognize=_recognize,
    name_nodes=_name_nodes,
    computation=_computation,
)
