"""The network as the compiler sees it: layers, what AMCT can do with each type, and fusion groups."""

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType, Words
from quantcfg.network.network import Layer, Network

__all__ = ["ConfigSchema", "Edition", "Layer", "LayerTypes", "MessageType", "Network", "Words"]
