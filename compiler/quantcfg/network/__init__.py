"""The network: its edition, its layers and its fusion groups."""

from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.network.edition import Edition, MessageType, NamedModel, Words
from quantcfg.network.network import Layer, Network

__all__ = ["ConfigSchema", "Edition", "Layer", "LayerTypes", "MessageType", "NamedModel", "Network", "Words"]
