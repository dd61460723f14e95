"""The Caffe edition as a value."""

from __future__ import annotations

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType

CAFFE = Edition(
    "caffe",
    title="AMCT for Caffe",
    request=MessageType("calibration_config_caffe", "amct_caffe.AMCTConfig"),
    model=MessageType("caffe", "caffe.NetParameter"),
    model_words="a Caffe network",
    layer_types=LayerTypes("caffe_layers.json"),
    schema=ConfigSchema("quant_config.schema.json"),
    foreign="foreign_fields.json",
)
