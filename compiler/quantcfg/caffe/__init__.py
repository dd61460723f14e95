"""Caffe networks: the layers of a prototxt and its weights, and what AMCT can do with them."""

from quantcfg.caffe.network import Layer, Network
from quantcfg.caffe.reader import read_network

__all__ = ["Layer", "Network", "read_network"]
