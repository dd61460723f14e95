"""Models as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from quantcfg import contracts
from tests.networks import conv, inner_product, net, pool, relu

PROTOTXT = net(conv("conv1"), relu("relu1", "conv1"), pool("pool5", "relu1"), inner_product("fc", "pool5"))
SHAPES = {"conv1": ((8, 3, 3, 3), (8,)), "fc": ((8, 128), (8,))}
"""The shapes of the weight and the bias of each layer."""


@dataclass(frozen=True)
class Model:
    """The paths of the files of a model; all of them are in one directory."""

    folder: Path
    prototxt: str
    caffemodel: str


def write_model(
    folder: Path, prototxt: str = PROTOTXT, shapes: Mapping[str, Sequence[Sequence[int]]] = SHAPES
) -> Model:
    """Write a model whose weights are all 0; shapes are those of the blobs of each layer."""
    model, weights = folder / "deploy.prototxt", folder / "weights.caffemodel"
    model.write_text(prototxt)
    message: Any = contracts.message_class("caffe", "caffe.StoredNet")()
    for name, blobs in shapes.items():
        layer = message.layer.add(name=name.encode())
        for shape in blobs:
            blob = layer.blobs.add(data=[0] * prod(shape))
            blob.shape.dim.extend(shape)
    weights.write_bytes(message.SerializeToString())
    return Model(folder, str(model), str(weights))
