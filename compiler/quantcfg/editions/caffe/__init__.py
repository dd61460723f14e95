"""The Caffe edition as a value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from quantcfg.diagnostics import Report
    from quantcfg.files import OtherContent, PathLike, Reader
    from quantcfg.network import Network
    from quantcfg.network.network import Shape
    from quantcfg.network.operations import Operations, StoredWeights
    from quantcfg.weights.computation import Computation


def _read_model(model: PathLike, weights: PathLike | None, report: Report, *, read: Reader) -> Network | None:
    from quantcfg.editions.caffe.reader import read_model

    return read_model(model, weights, report, read=read)


def _recognize(start: bytes) -> OtherContent | None:
    from quantcfg.editions.caffe.recognition import recognize

    return recognize(start)


def _read_operations(network: Network, given: Mapping[str, Shape]) -> Operations:
    from quantcfg.editions.caffe.layer_operations import read_operations

    return read_operations(network, given)


def _read_arrays(weights: PathLike, report: Report) -> StoredWeights | None:
    from quantcfg.editions.caffe.stored_arrays import read_stored_arrays

    return read_stored_arrays(weights, report)


def _computation() -> Computation:
    from quantcfg.editions.caffe.layer_computation import COMPUTATION

    return COMPUTATION


MODEL = MessageType("caffe", "caffe.NetParameter")
"""The message of a prototxt."""

CAFFE = Edition(
    "caffe",
    words=Words(
        model="a prototxt",
        network="a Caffe network",
        scope="phase TEST",
        model_suffix=".prototxt",
        weights_suffix=".caffemodel",
        language="prototxt",
    ),
    request=MessageType("calibration_config_caffe", "amct_caffe.AMCTConfig"),
    model=MODEL,
    layer_types=LayerTypes("caffe_layers.json"),
    schema=ConfigSchema("quant_config.schema.json"),
    read_model=_read_model,
    recognize=_recognize,
    read_operations=_read_operations,
    computation=_computation,
    read_arrays=_read_arrays,
)
