"""The ONNX edition as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType, Words

if TYPE_CHECKING:
    from quantcfg.diagnostics import Report
    from quantcfg.files import OtherContent, PathLike, Reader
    from quantcfg.network import NamedModel, Network


def _read_model(model: PathLike, weights: PathLike | None, report: Report, *, read: Reader) -> Network | None:
    from quantcfg.editions.onnx.reader import read_model

    return read_model(model, weights, report, read=read)


def _name_nodes(model: PathLike, output: str | None, report: Report) -> NamedModel | None:
    from quantcfg.editions.onnx.name_nodes import name_nodes

    return name_nodes(model, output, report)


def _recognize(start: bytes) -> OtherContent | None:
    from quantcfg.editions.onnx.content import recognize

    return recognize(start)


ONNX = Edition(
    "onnx",
    words=Words(
        model="an ONNX model", network="an ONNX network", scope="the top graph", model_suffix=".onnx"
    ),
    request=MessageType("calibration_config_onnx", "amct_onnx.AMCTConfig"),
    layer_types=LayerTypes("onnx_layers.json"),
    schema=ConfigSchema("quant_config_onnx.schema.json"),
    read_model=_read_model,
    recognize=_recognize,
    name_nodes=_name_nodes,
)
