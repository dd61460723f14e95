"""The ONNX edition as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.files import has_controls
from quantcfg.network.edition import Edition, MessageType, Words

if TYPE_CHECKING:
    from quantcfg.diagnostics import Report
    from quantcfg.files import PathLike, Reader
    from quantcfg.network import NamedModel, Network


def _read_model(model: PathLike, weights: PathLike | None, report: Report, *, read: Reader) -> Network | None:
    from quantcfg.editions.onnx.reader import read_model

    return read_model(model, weights, report, read=read)


def _name_nodes(model: PathLike, output: str | None, report: Report) -> NamedModel | None:
    from quantcfg.editions.onnx.name_nodes import name_nodes

    return name_nodes(model, output, report)


def _is_model(start: bytes) -> bool:
    if not has_controls(start):
        return False
    from quantcfg.editions.onnx.content import is_model

    return is_model(start)


ONNX = Edition(
    "onnx",
    title="AMCT for ONNX",
    words=Words(
        model="an ONNX model", network="an ONNX network", scope="the top graph", model_suffix=".onnx"
    ),
    request=MessageType("calibration_config_onnx", "amct_onnx.AMCTConfig"),
    layer_types=LayerTypes("onnx_layers.json"),
    schema=ConfigSchema("quant_config_onnx.schema.json"),
    foreign="foreign_fields.json",
    read_model=_read_model,
    is_model=_is_model,
    name_nodes=_name_nodes,
)
