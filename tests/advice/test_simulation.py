"""A simulation: the error at the outputs with one layer quantized (reference, weights.md 4.0)."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest

from benchmarks.advice.networks import HFMG, IFMR, MODELS
from quantcfg.advice.calibration import Hfmg, Ifmr
from quantcfg.advice.images import dead_leaves, preprocessed
from quantcfg.advice.running import Values
from quantcfg.advice.simulation import (
    available_bytes,
    layer_errors,
    memory_needed,
    network_error,
    network_errors,
)
from quantcfg.advice.statistics import decibels
from quantcfg.frozen import replace
from quantcfg.network.network import Shape
from quantcfg.weights.arrays import Array
from tests.advice.nets import Net, default_settings, noise, shared_model, small_net
from tests.caffe.test_models import WITH_WEIGHTS
from tests.networks import conv, deconv, inner_product, layer, pool
from tests.shared import needs_shared, small_first

ULTRAFACE = "ultraface_slim320/deploy"
SMALL = ("cifar10_quick_v1/deploy", "lenet_mnist/deploy")
BRANCHES = "\n".join(
    (
        conv("stem", parameters="num_output: 6 kernel_size: 3 pad: 1"),
        layer("relu", "ReLU", "stem", "stem"),
        conv("left", "stem", parameters="num_output: 6 kernel_size: 1"),
        layer("left_relu", "ReLU", "left", "left"),
        conv("right", "stem", parameters="num_output: 6 kernel_size: 3 pad: 1 group: 6"),
        layer("sum", "Eltwise", ("left", "right")),
        pool("pool", "sum", parameters="pool: AVE kernel_size: 2 stride: 2"),
        deconv("up", "pool", parameters="num_output: 4 kernel_size: 2 stride: 2 group: 2"),
        inner_product("first", "up"),
        inner_product("second", "pool"),
        layer("shown", "Softmax", "second"),
    )
)


def batch(net: Net, images: Array) -> list[Values]:
    return [net.inputs(images[index : index + 1]) for index in range(len(images))]


def generated(model: str, count: int = 2) -> tuple[Net, list[Values]]:
    net = shared_model(model)
    return net, prepared(model, net, dead_leaves(net.input_shape, count, 0))


def prepared(model: str, net: Net, images: Array) -> list[Values]:
    """Return the inputs of a model for images, with the mean and scale with which it was trained."""
    known = MODELS[model.partition("/")[0]]
    return batch(net, preprocessed(images, (known.mean,), known.scale))


def outputs_of(net: Net, images: Sequence[Values]) -> list[list[Array]]:
    runs = [list(net.executable.run(image))[-1] for image in images]
    return [[values[value] for value in net.program.outputs] for values in runs]


@pytest.mark.slow
@pytest.mark.parametrize(
    "activation", [None, replace(IFMR, search_step=0.1), replace(HFMG, num_of_bins=1024)]
)
@pytest.mark.parametrize("channel_wise", [None, False, True])
def test_the_error_of_a_layer_is_that_of_a_whole_run_with_only_it_quantized(
    activation: Ifmr | Hfmg | None, channel_wise: bool | None
) -> None:
    """Running a part of the network equals running all of it."""
    net = small_net(BRANCHES, (1, 3, 8, 10))
    images = batch(net, noise((3, 3, 8, 10)))
    settings = default_settings(net.program, activation=activation, channel_wise=channel_wise)
    assert list(settings) == ["stem", "left", "right", "pool", "up", "first", "second"]
    found = dict(layer_errors(net.executable, images, settings))
    assert list(found) == list(settings)
    for name, error in found.items():
        alone = network_error(net.executable, images, {name: settings[name]})
        assert error == pytest.approx(alone, rel=1e-6, abs=1e-15), name


def test_a_layer_that_is_excluded_is_not_quantized() -> None:
    net = small_net(BRANCHES, (1, 3, 8, 10))
    images = batch(net, noise((2, 3, 8, 10)))
    settings = default_settings(net.program, activation=replace(IFMR, search_step=0.1), channel_wise=True)
    excluded: list[Collection[str]] = [(), ("left", "up"), settings]
    found = list(network_errors(net.executable, images, settings, excluded))
    for names, error in zip(excluded, found, strict=True):
        others = {name: each for name, each in settings.items() if name not in names}
        assert error == network_error(net.executable, images, others)
    assert found[0] != found[1]
    assert found[2] == 0


def test_a_simulation_can_be_ended_before_each_step() -> None:
    net = small_net(conv("a"))
    events: list[str] = []

    def run_step(*arguments: Any) -> Any:
        events.append("step")
        return net.executable.run_step(*arguments)

    executable = replace(net.executable, run_step=run_step, check=lambda: events.append("check"))
    settings = default_settings(net.program, activation=None, channel_wise=True)
    list(layer_errors(executable, batch(net, noise((3, *net.input_shape[1:]))), settings))
    assert events == ["check", "step"] * 6


def test_a_simulation_does_not_change_the_unquantized_run() -> None:
    net = small_net(BRANCHES, (1, 3, 8, 10))
    images = batch(net, noise((2, 3, 8, 10)))
    before = outputs_of(net, images)
    list(
        layer_errors(
            net.executable,
            images,
            default_settings(net.program, activation=IFMR, channel_wise=True),
        )
    )
    for old, new in zip(before, outputs_of(net, images), strict=True):
        assert all((one == other).all() for one, other in zip(old, new, strict=True))


def test_outputs_are_compared_before_layers_that_only_arrange_or_score() -> None:
    text = "\n".join(
        (
            conv("a"),
            layer("p", "Permute", "a", permute_param="order: [0, 2, 3, 1]"),
            layer("f", "Flatten", "p"),
            layer("s", "Softmax", "f"),
            conv("b"),
            layer("c", "Concat", ("b", "b")),
            layer("l", "SoftmaxWithLoss", ("c", "data")),
            layer("d", "ReLU"),
            layer("box", "PriorBox", ("a", "data"), prior_box_param="min_size: 1"),
        )
    )
    net = small_net(text)
    names = {value: step.name for step in net.program.steps for value in step.outputs}
    assert {names[value] for value in net.program.outputs} == {"a", "c"}
    assert [step.name for step in net.program.steps] == ["a", "b", "c"]


def test_a_network_without_quantizable_layers_has_no_outputs() -> None:
    net = small_net(layer("d", "ReLU"))
    assert net.program.steps == ()
    assert list(layer_errors(net.executable, [], {})) == []


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("model", small_first(WITH_WEIGHTS, SMALL))
def test_the_memory_needed_is_said_about_right(model: str) -> None:
    net, images = generated(model)
    settings = default_settings(net.program, activation=replace(IFMR, search_step=0.2), channel_wise=True)
    tracemalloc.start()
    list(layer_errors(net.executable, images, settings))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    needed = memory_needed(net.program, settings, len(images))
    assert peak < needed < 2 * peak + 2**26


@needs_shared
@pytest.mark.deep
def test_ultraface_has_its_layer_188_first() -> None:
    net, images = generated(ULTRAFACE)
    settings = default_settings(net.program, activation=IFMR, channel_wise=True)
    errors = dict(layer_errors(net.executable, images, settings))
    assert len(errors) == 42
    worst, second = sorted(errors, key=errors.__getitem__, reverse=True)[:2]
    assert worst == "188"
    assert errors[worst] > 4 * errors[second]
    # Noise adds up: the sum of the errors predicts that of the quantized network.
    together = network_error(net.executable, images, settings)
    assert decibels(sum(errors.values())) == pytest.approx(decibels(together), abs=2.6)


# The output SQNR in the reference (4.1): weights in default mode, weights per tensor, activations only,
# and both. It was measured on nine photographs, of which scikit-image has most. The input of mtcnn_det1
# is 12 pixels wide: there, the choice of the crop decides.
MEASURED = {
    "cifar10_quick_v1/deploy": (37, 34, 37, 34),
    "resnet20_cifar/train_val": (34, 28, 34, 31),
    "ultraface_slim320/deploy": (17, 13, 25, 17),
    "yoloface_50k/deploy": (33, 22, 33, 30),
}
TOLERANCE = 6.0
"""In dB: the reference does not state which parts of which images it used."""


def photographs(shape: Shape) -> Array:
    """Return the middle of photographs, as large as an input, in blue, green and red."""
    data = pytest.importorskip("skimage.data")
    height, width = shape[2:]
    images = []
    for name in ("astronaut", "camera", "chelsea", "coffee", "coins", "retina", "rocket"):
        picture = getattr(data, name)().astype(np.float32)
        if picture.ndim == 2:
            picture = np.repeat(picture[:, :, None], 3, axis=2)
        top, left = (
            max(0, (size - wanted) // 2) for size, wanted in zip(picture.shape, (height, width), strict=False)
        )
        images.append(picture[top : top + height, left : left + width, ::-1].transpose(2, 0, 1))
    return np.array(images, np.float32)


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("model", small_first(MEASURED, SMALL))
def test_the_error_of_a_quantized_model_is_about_that_of_the_reference(model: str) -> None:
    net = shared_model(model)
    images = prepared(model, net, photographs(net.input_shape))
    modes: list[tuple[Ifmr | Hfmg | None, bool | None]] = [
        (None, True),
        (None, False),
        (IFMR, None),
        (IFMR, True),
    ]
    weighted = {step.name for step in net.program.steps if net.load(step).weight is not None}
    for (activation, channel_wise), wanted in zip(modes, MEASURED[model], strict=True):
        settings = default_settings(net.program, activation=activation, channel_wise=channel_wise)
        # The reference leaves average pooling in floating point.
        settings = {name: each for name, each in settings.items() if name in weighted}
        found = decibels(network_error(net.executable, images, settings))
        assert found == pytest.approx(wanted, abs=TOLERANCE), (activation, channel_wise)


_SIMULATION = """
from benchmarks.advice.networks import IFMR
from quantcfg.advice.simulation import layer_errors
from tests.advice.nets import default_settings
from tests.advice.test_simulation import generated
net, images = generated("mtcnn_det1/deploy")
settings = default_settings(net.program, activation=IFMR, channel_wise=True)
for name, error in layer_errors(net.executable, images, settings):
    print(name, error)
"""


@needs_shared
@pytest.mark.slow
def test_the_number_of_threads_changes_errors_by_less_than_a_thousandth() -> None:
    """A matrix product may be summed in another order; dB values then agree to 0.01."""
    runs = []
    for threads in ("1", "2"):
        variables = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", _SIMULATION]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | variables)
        runs.append([line.split() for line in done.stdout.splitlines()])
    for (name, one), (other_name, other) in zip(*runs, strict=True):
        assert name == other_name
        assert float(one) == pytest.approx(float(other), rel=1e-3)


def test_values_that_overflow_have_no_error() -> None:
    power = layer("p", "Power", "a", power_param="power: 99 scale: 1e30")
    text = "\n".join((conv("a"), power, conv("b", "p")))
    net = small_net(text)
    settings = default_settings(net.program, activation=IFMR, channel_wise=True)
    images = batch(net, noise(net.input_shape))
    errors = dict(layer_errors(net.executable, images, settings))
    assert list(errors) == ["a", "b"]
    assert np.isnan([*errors.values()]).all()
    assert np.isnan(network_error(net.executable, images, settings))


def test_the_available_memory_is_read_from_the_system() -> None:
    found = available_bytes()
    assert found is None or found > 2**20
