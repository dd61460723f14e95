"""The functions of the Caffe edition: AMCT's create_quant_config, and read_model."""

from quantcfg.api import create_quant_config, read_model

__all__ = ["create_quant_config", "read_model"]
