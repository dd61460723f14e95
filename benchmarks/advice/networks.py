"""The networks, as `quantcfg advise` reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from quantcfg.advice.calibration import Ifmr
from quantcfg.advice.images import preprocessed
from quantcfg.advice.outcome import hfmg_of, ifmr_of
from quantcfg.advice.running import Executable, Values
from quantcfg.advice.simulation import LayerSettings, Settings
from quantcfg.api import load_model
from quantcfg.contracts.config_schema import ASYMMETRIC
from quantcfg.editions.caffe import CAFFE
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array
from quantcfg.weights.program import program_of

_WEIGHTS = "weights.caffemodel"


def _defaults(algorithm: str) -> Mapping[str, Any]:
    return {each.key: each.default for each in CAFFE.schema.parameters(algorithm)} | {ASYMMETRIC: True}


IFMR, HFMG = ifmr_of(_defaults("ifmr")), hfmg_of(_defaults("hfmg"))
"""The algorithms for the inputs of layers, with the default parameters."""


@dataclass(frozen=True, slots=True)
class Model:
    """A prototxt, the shapes that it does not give, and the preprocessing of its images, about."""

    prototxt: str
    mean: float
    scale: float
    inputs: tuple[tuple[str, Shape], ...] = ()


MODELS: Mapping[str, Model] = {
    "cifar10_quick_v1": Model("deploy", 120, 1),
    "lenet_mnist": Model("deploy", 0, 1 / 256, (("data", (1, 1, 28, 28)),)),
    "mtcnn_det1": Model("deploy", 127.5, 1 / 128),
    "resnet20_cifar": Model("train_val", 120, 1, (("Data1", (1, 3, 32, 32)),)),
    "ultraface_slim320": Model("deploy", 127, 1 / 128),
    "wechat_sr": Model("deploy", 0, 1 / 255),
    "yoloface_50k": Model("deploy", 0, 1 / 255),
}


@dataclass(frozen=True, slots=True)
class Network:
    """A network with weights, and AMCT's default settings of its layers with weights.

    by_channel: the layers that can have a factor for each channel.
    """

    name: str
    model: Model
    executable: Executable
    shape: Shape
    settings: Settings
    by_channel: Sequence[str]

    def values(self, images: Array) -> list[Values]:
        """Return the input of the network for each image, whose values are from 0 to 255."""
        (number,) = self.executable.program.inputs.values()
        prepared = preprocessed(images, (self.model.mean,), self.model.scale)
        return [{number: prepared[index : index + 1]} for index in range(len(prepared))]

    def weight(self, name: str) -> Array:
        """Return the folded weight of a layer, its output channels first."""
        (step,) = (step for step in self.executable.program.steps if step.name == name)
        weight = self.executable.load(step).weight
        assert weight is not None
        return weight

    def with_settings(self, activation: Ifmr | None, *, channel_wise: bool | None) -> Settings:
        """Return other settings for the same layers; layers that can have only one factor have one."""
        return {
            name: LayerSettings(activation, channel_wise and name in self.by_channel)
            for name in self.settings
        }


def read(models: Path, name: str) -> Network:
    """Read a network from a directory of models."""
    model = MODELS[name]
    prototxt, weights = (models / name / file for file in (f"{model.prototxt}.prototxt", _WEIGHTS))
    network = load_model(prototxt, weights, print)
    assert network
    computation = network.edition.computation()
    file = computation.read(network, weights, print)
    operations = network.edition.read_operations(network, dict(model.inputs))
    assert file is not None
    program = program_of(operations)
    assert computation.runner
    assert not any(map(computation.runner.obstacle, program.steps))
    load = partial(computation.folded, file)
    # The reference leaves average pooling, which has no weights, in floating point.
    weighted = [
        step for step in program.steps if step.operation.layer.quantizable and load(step).weight is not None
    ]
    can = [
        step.name for step in weighted if network.edition.layer_types.channel_wise(step.operation.layer.type)
    ]
    settings = {step.name: LayerSettings(IFMR, step.name in can) for step in weighted}
    (blob,) = program.inputs
    shape = operations.inputs[blob]
    assert shape
    return Network(name, model, Executable(program, load, computation.runner.run_step), shape, settings, can)
