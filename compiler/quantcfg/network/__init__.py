"""The network as the compiler sees it: layers, what AMCT can do with each type, and fusion groups."""

from quantcfg.network.network import Layer, Network

__all__ = ["Layer", "Network"]
