"""The Caffe edition: the layers of a prototxt, of all its versions, and the weights of a caffemodel."""

from quantcfg.editions.caffe.reader import read_network

__all__ = ["read_network"]
