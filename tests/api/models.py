"""Models as files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantcfg import contracts
from tests.networks import conv, inner_product, net, pool, relu

PROTOTXT = net(conv("conv1"), relu("relu1", "conv1"), pool("pool5", "relu1"), inner_product("fc", "pool5"))
SHAPES = {"conv1": (8, 3, 3, 3), "fc": (8, 128)}


@dataclass(frozen=True)
class Model:
    """The paths of a model's files; all of them are in one folder."""

    folder: Path
    prototxt: str
    caffemodel: str


def write_model(
    folder: Path, prototxt: str = PROTOTXT, shapes: Mapping[str, Iterable[int]] = SHAPES
) -> Model:
    model, weights = folder / "deploy.prototxt", folder / "weights.caffemodel"
    model.write_text(prototxt)
    message: Any = contracts.message_class("caffe", "caffe.NetParameter")()
    for name, shape in shapes.items():
        message.layer.add(name=name).blobs.add().shape.dim.extend(shape)
    weights.write_bytes(message.SerializeToString())
    return Model(folder, str(model), str(weights))
