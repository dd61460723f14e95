"""Caffe networks: the layers of a prototxt and its weights, and what AMCT can do with them."""

from quantcfg.caffe.network import Layer, Network
from quantcfg.caffe.reader import read_network
from quantcfg.caffe.weights import Weights, read_weights

__all__ = ["Layer", "Network", "Weights", "read_network", "read_weights"]
