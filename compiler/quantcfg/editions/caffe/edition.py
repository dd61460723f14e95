"""The Caffe edition as a value."""

from __future__ import annotations

from quantcfg.network.edition import Edition
from quantcfg.network.layer_types import LayerTypes

CAFFE = Edition("caffe", LayerTypes("caffe_layers.json"))
