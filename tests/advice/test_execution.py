"""Networks run in numpy as in Caffe: OpenCV computes the same, on networks with and without folded layers."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from quantcfg.advice.rules import _is_positive
from quantcfg.editions.caffe import execution
from quantcfg.editions.caffe.execution import obstacle
from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.editions.caffe.layer_weights import folded_weights, weight_problems
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.caffe.stored_arrays import read_stored_arrays
from quantcfg.editions.sources import read_source
from quantcfg.network.network import Shape
from quantcfg.source import Source
from quantcfg.weights.arrays import Array, map_weights, weights_of
from quantcfg.weights.program import program_of
from tests.advice.nets import (
    caffemodel,
    decibels_between,
    net_with,
    noise,
    opencv,
    opencv_outputs,
    shared_model,
    small_net,
)
from tests.caffe.test_models import WITH_WEIGHTS
from tests.laws import law
from tests.networks import conv, deconv, inner_product, layer, pool, scale
from tests.shared import MODELS, needs_shared

AGREES = 100
"""The least ratio of signal to error, in dB, of two computations in 32-bit floats."""


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_an_unquantized_run_of_a_model_has_the_outputs_of_opencv(model: str) -> None:
    net = shared_model(model)
    values = noise(net.input_shape)
    found = net.outputs(values)
    assert found
    for name, wanted in opencv_outputs(net, values, list(found)).items():
        assert decibels_between(found[name].reshape(wanted.shape), wanted) > AGREES, name


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("model", ["mobilenet_v2", pytest.param("squeezenet_v1.1", marks=pytest.mark.deep)])
def test_a_model_without_weights_has_the_outputs_of_opencv_with_random_ones(model: str) -> None:
    random = np.random.default_rng(0)

    def blob(layer_type: str, index: int, shape: Shape) -> Array:
        # Values keep their size from layer to layer.
        spread = (2 / max(1, prod(shape[1:]))) ** 0.5 if len(shape) > 1 else 0.1
        center = (
            1 if layer_type in ("BatchNorm", "Scale") and (index > 0) == (layer_type == "BatchNorm") else 0
        )
        return (center + random.normal(0, spread, shape)).astype(np.float32)

    source = read_source(MODELS / model / "deploy.prototxt", lambda _: None, wanted="a prototxt")
    assert source
    net = net_with(source, blob)
    values = noise(net.input_shape)
    found = net.outputs(values)
    for name, wanted in opencv_outputs(net, values, list(found)).items():
        assert np.ptp(wanted) > 0
        assert decibels_between(found[name].reshape(wanted.shape), wanted) > AGREES, name


@needs_shared
@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_the_shapes_of_a_model_are_those_of_opencv(model: str) -> None:
    net = shared_model(model)
    network = opencv(net)
    numbers, _, outputs = network.getLayersShapes(list(net.input_shape))
    names = dict(
        zip(
            (int(network.getLayerId(name)) for name in network.getLayerNames()),
            network.getLayerNames(),
            strict=True,
        )
    )
    shapes = {
        names[number]: [tuple(map(int, shape)) for shape in each]
        for number, each in zip(numbers, outputs, strict=True)
        if number in names
    }
    compared = [each for each in net.operations.all if each.layer.name in shapes]
    others = {each.layer.type for each in net.operations.all} - {each.layer.type for each in compared}
    # OpenCV makes no layers of inputs; the test leaves losses out of its network.
    assert others <= {"Accuracy", "Data", "Input", "SoftmaxWithLoss"}
    for operation in compared:
        assert list(operation.outputs) == shapes[operation.layer.name][: len(operation.outputs)], (
            operation.layer.name
        )


# --- layer types


def chain(*makers: Callable[[str, str], str]) -> str:
    """Return layers that read one another."""
    names = ["data", *(f"layer{index}" for index in range(len(makers)))]
    return "\n".join(make(name, bottom) for make, (bottom, name) in zip(makers, pairwise(names), strict=True))


def of(layer_type: str, **messages: str) -> Callable[[str, str], str]:
    return lambda name, bottom: layer(name, layer_type, bottom, **messages)


def convolved(parameters: str) -> Callable[[str, str], str]:
    return lambda name, bottom: conv(name, bottom, parameters=parameters)


def deconvolved(parameters: str) -> Callable[[str, str], str]:
    return lambda name, bottom: deconv(name, bottom, parameters=parameters)


def pooled(parameters: str) -> Callable[[str, str], str]:
    return lambda name, bottom: pool(name, bottom, parameters=parameters)


def scaled(parameters: str = "bias_term: true") -> Callable[[str, str], str]:
    return lambda name, bottom: scale(name, bottom, parameters=parameters)


NORMALIZED = of("BatchNorm", batch_norm_param="eps: 0.01")
POINTWISE = convolved("num_output: 4 kernel_size: 1")
"""A quantizable layer, without which a network has no outputs to compare."""

CHAINS = {
    "a convolution": chain(convolved("num_output: 8 kernel_size: 3")),
    "sides": chain(
        convolved("num_output: 8 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 2 pad_w: 1")
    ),
    "dilation": chain(convolved("num_output: 8 kernel_size: 3 dilation: 2 pad: 2 bias_term: false")),
    "groups": chain(convolved("num_output: 8 kernel_size: 3 group: 2 stride: 2 pad: 1")),
    "depthwise": chain(convolved("num_output: 6 kernel_size: 3 group: 6 stride: 2 pad: 1")),
    "depthwise with a multiplier": chain(convolved("num_output: 12 kernel_size: 3 group: 6 dilation: 2")),
    "a deconvolution": chain(deconvolved("num_output: 5 kernel_size: 4 stride: 2 pad: 1")),
    "a deconvolution in groups": chain(deconvolved("num_output: 8 kernel_size: 3 stride: 2 group: 2")),
    "a depthwise deconvolution": chain(
        deconvolved("num_output: 6 kernel_size: 4 stride: 2 group: 6 bias_term: false")
    ),
    "an inner product": chain(lambda name, bottom: inner_product(name, bottom)),
    "a normalized convolution": chain(convolved("num_output: 8 kernel_size: 3"), NORMALIZED, scaled()),
    "a normalized deconvolution": chain(
        deconvolved("num_output: 8 kernel_size: 3 group: 2"), NORMALIZED, scaled("")
    ),
    "a normalized inner product": chain(
        lambda name, bottom: inner_product(name, bottom), NORMALIZED, scaled()
    ),
    "a normalized input": chain(NORMALIZED, scaled(), convolved("num_output: 8 kernel_size: 3 group: 2")),
    "a normalized and padded input": chain(
        NORMALIZED, scaled(), convolved("num_output: 8 kernel_size: 3 pad: 1")
    ),
    "a batch norm of its own": chain(POINTWISE, of("ReLU"), NORMALIZED),
    "a scale of its own": chain(POINTWISE, of("ReLU"), scaled()),
    "max pooling": chain(POINTWISE, pooled("pool: MAX kernel_size: 3 stride: 2")),
    "padded max pooling": chain(POINTWISE, pooled("pool: MAX kernel_size: 2 stride: 2 pad: 1")),
    "average pooling": chain(pooled("pool: AVE kernel_size: 3 stride: 2")),
    "padded average pooling": chain(pooled("pool: AVE kernel_size: 3 stride: 2 pad: 1")),
    "global pooling": chain(POINTWISE, pooled("pool: AVE global_pooling: true")),
    "pooling of sides": chain(
        pooled("pool: AVE kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0")
    ),
    "ReLU": chain(POINTWISE, of("ReLU")),
    "leaky ReLU": chain(POINTWISE, of("ReLU", relu_param="negative_slope: 0.1")),
    "PReLU": chain(POINTWISE, of("PReLU")),
    "ELU": chain(POINTWISE, of("ELU", elu_param="alpha: 0.5")),
    "Sigmoid": chain(POINTWISE, of("Sigmoid")),
    "TanH": chain(POINTWISE, of("TanH")),
    "AbsVal": chain(POINTWISE, of("AbsVal")),
    "BNLL": chain(POINTWISE, of("BNLL")),
    "Power": chain(POINTWISE, of("AbsVal"), of("Power", power_param="power: 1.5 scale: 2 shift: 0.5")),
    "Dropout": chain(POINTWISE, of("Dropout")),
    "LRN": chain(POINTWISE, of("LRN", lrn_param="local_size: 3 alpha: 0.5 beta: 0.75")),
    "LRN in a channel": chain(
        POINTWISE, of("LRN", lrn_param="local_size: 3 alpha: 0.5 norm_region: WITHIN_CHANNEL")
    ),
    "MVN": chain(POINTWISE, of("MVN")),
    "Softmax": chain(POINTWISE, of("Softmax"), POINTWISE),
    "Normalize": chain(POINTWISE, of("Normalize", norm_param="across_spatial: false channel_shared: false")),
    "Permute": chain(POINTWISE, of("Permute", permute_param="order: [0, 2, 3, 1]"), POINTWISE),
    "Flatten": chain(POINTWISE, of("Flatten"), lambda name, bottom: inner_product(name, bottom)),
    "Reshape": chain(of("Reshape", reshape_param="shape { dim: [0, 2, -1, 11] }"), POINTWISE),
    "Split": chain(of("Split"), POINTWISE),
    "Concat": "\n".join((conv("a"), conv("b"), layer("c", "Concat", ("a", "b")))),
    "Concat of rows": "\n".join(
        (conv("a"), conv("b"), layer("c", "Concat", ("a", "b"), concat_param="axis: 2"))
    ),
    "Slice": "\n".join(
        (layer("s", "Slice", top=("x", "y"), slice_param="slice_point: 2"), conv("a", "x"), conv("b", "y"))
    ),
    "Eltwise": "\n".join((conv("a"), conv("b"), layer("c", "Eltwise", ("a", "b")))),
    "Eltwise with coefficients": "\n".join(
        (conv("a"), conv("b"), layer("c", "Eltwise", ("a", "b"), eltwise_param="coeff: [1, -0.5]"))
    ),
    "Eltwise product": "\n".join(
        (conv("a"), conv("b"), layer("c", "Eltwise", ("a", "b"), eltwise_param="operation: PROD"))
    ),
    "Eltwise maximum": "\n".join(
        (conv("a"), conv("b"), layer("c", "Eltwise", ("a", "b"), eltwise_param="operation: MAX"))
    ),
    "Crop": "\n".join(
        (
            deconv("a", parameters="num_output: 4 kernel_size: 4 stride: 2"),
            POINTWISE("b", "data"),
            layer("c", "Crop", ("a", "b"), crop_param="axis: 2 offset: [3, 4]"),
        )
    ),
    "in place": "\n".join(
        (conv("a"), layer("r", "ReLU", "a", "a"), conv("b", "a"), layer("q", "ReLU", "b", "b"))
    ),
}


@pytest.mark.parametrize("layers", CHAINS.values(), ids=CHAINS)
def test_a_layer_computes_what_it_computes_in_opencv(layers: str) -> None:
    net = small_net(layers)
    assert not any(map(obstacle, net.program.steps))
    assert not any(list(weight_problems(net.file, step)) for step in net.program.steps)
    values = noise(net.input_shape)
    found = net.outputs(values)
    assert found
    for name, wanted in opencv_outputs(net, values, list(found)).items():
        assert found[name].size == wanted.size
        assert decibels_between(found[name].reshape(wanted.shape), wanted) > AGREES, name


# --- what OpenCV cannot read, or computes otherwise


def before_and_after(rule: Callable[[str, str], str], shape: Shape = (1, 4, 5, 6)) -> tuple[Array, Array]:
    """Return the input and the output of a layer after a convolution."""
    net = small_net(chain(POINTWISE, rule), shape)
    before, _ = list(map(dict, net.executable.run(net.inputs(noise(shape)))))[1:]
    (values,) = before.values()
    (found,) = net.outputs(noise(shape)).values()
    return values, found


def check(rule: Callable[[str, str], str], wanted: Callable[[Any], Any]) -> None:
    values, found = before_and_after(rule)
    np.testing.assert_allclose(found, np.asarray(wanted(values.astype(np.float64))), rtol=1e-4, atol=1e-5)


PADS = ((0, 0), (1, 1), (0, 0), (0, 0))
SIDES = ((0, 0), (0, 0), (1, 1), (1, 1))
PARTS = (slice(4), slice(4, None))

ELEMENTWISE: dict[str, tuple[Callable[[str, str], str], Callable[[Any], Any]]] = {
    "Clip": (of("Clip", clip_param="min: -0.5 max: 0.7"), lambda x: x.clip(-0.5, 0.7)),
    "Exp": (of("Exp", exp_param="scale: 0.5 shift: 1"), lambda x: np.exp(0.5 * x + 1)),
    "Exp of base 2": (of("Exp", exp_param="base: 2"), lambda x: 2**x),
    "Log": (of("Log", log_param="base: 10 scale: 0 shift: 100"), lambda x: 0 * x + 2),
    "ReLU6": (of("ReLU6"), lambda x: x.clip(0, 6)),
    "Swish": (of("Swish", swish_param="beta: 2"), lambda x: x / (1 + np.exp(-2 * x))),
    "Threshold": (of("Threshold", threshold_param="threshold: 0.3"), lambda x: x > 0.3),
    "MVN": (
        of("MVN", mvn_param="eps: 0.5"),
        lambda x: (x - mean(x)) / (mean((x - mean(x)) ** 2) ** 0.5 + 0.5),
    ),
    "batch statistics": (
        of("BatchNorm", batch_norm_param="use_global_stats: false eps: 0.5"),
        lambda x: (x - mean(x)) / (mean((x - mean(x)) ** 2) + 0.5) ** 0.5,
    ),
    "LRN": (
        of("LRN", lrn_param="local_size: 3 alpha: 0.6 beta: 2 k: 3"),
        lambda x: x / (3 + 0.2 * (x**2 + np.pad(x**2, PADS)[:, :-2] + np.pad(x**2, PADS)[:, 2:])) ** 2,
    ),
    "Tile": (of("Tile", tile_param="axis: 1 tiles: 2"), lambda x: np.concatenate([x, x], axis=1)),
    "Upsample": (of("Upsample", upsample_param="scale: 2"), lambda x: np.kron(x, np.ones((2, 2)))),
    "ShuffleChannel": (of("ShuffleChannel", shuffle_channel_param="group: 2"), lambda x: x[:, [0, 2, 1, 3]]),
    "Reduction": (
        of("Reduction", reduction_param="operation: SUMSQ axis: 1 coeff: 2"),
        lambda x: 2 * (x**2).sum(axis=(1, 2, 3)),
    ),
    "a mean": (of("Reduction", reduction_param="operation: MEAN axis: -1"), lambda x: x.mean(axis=3)),
}


def mean(values: Any) -> Any:
    return values.mean(axis=(2, 3), keepdims=True)


@pytest.mark.parametrize(("rule", "wanted"), ELEMENTWISE.values(), ids=ELEMENTWISE)
def test_a_layer_computes_its_formula(rule: Callable[[str, str], str], wanted: Callable[[Any], Any]) -> None:
    check(rule, wanted)


def test_a_window_of_average_pooling_that_begins_outside_the_input_is_finite() -> None:
    _, found = before_and_after(pooled("pool: AVE kernel_size: 1 stride: 4"), (1, 4, 7, 7))
    assert found.shape == (1, 4, 3, 3)
    assert np.isfinite(found).all()


WEIGHTED: dict[str, tuple[Callable[[str, str], str], Callable[[Any, Array, Array], Any]]] = {
    "Bias": (of("Bias", bias_param="axis: 2"), lambda x, b, _: x + b[:, None]),
    "Scale of an axis": (scaled("axis: -1"), lambda x, w, _: x * w),
    "Scale of several axes": (
        scaled("axis: 1 num_axes: 2 bias_term: true"),
        lambda x, w, b: x * w[:, :, None] + b[:, :, None],
    ),
    "PReLU with one slope": (
        of("PReLU", prelu_param="channel_shared: true"),
        lambda x, w, _: np.where(x > 0, x, w * x),
    ),
}


@pytest.mark.parametrize(("rule", "wanted"), WEIGHTED.values(), ids=WEIGHTED)
def test_a_layer_with_weights_computes_its_formula(
    rule: Callable[[str, str], str], wanted: Callable[[Any, Array, Array], Any]
) -> None:
    net = small_net(chain(POINTWISE, rule), (1, 4, 5, 6))
    _, before, after = map(dict, net.executable.run(net.inputs(noise((1, 4, 5, 6)))))
    (values,), (found,) = before.values(), after.values()
    arrays = [*net.load(net.program.steps[1]).others, np.zeros(1, np.float32)][:2]
    np.testing.assert_allclose(found, wanted(values.astype(np.float64), *arrays), rtol=1e-4, atol=1e-5)


INNER_PRODUCTS = {
    "of an axis": ("num_output: 5 axis: 2", (1, 4, 5)),
    "of the last axis": ("num_output: 5 axis: -1", (1, 4, 5, 5)),
    "stored with its inputs first": ("num_output: 5 transpose: true", (1, 5)),
}


@pytest.mark.parametrize(("parameters", "shape"), INNER_PRODUCTS.values(), ids=INNER_PRODUCTS)
def test_an_inner_product_computes_its_sums(parameters: str, shape: Shape) -> None:
    net = small_net(
        "\n".join((POINTWISE("a", "data"), inner_product("b", "a", parameters=parameters))), (1, 4, 5, 6)
    )
    _, before, after = map(dict, net.executable.run(net.inputs(noise((1, 4, 5, 6)))))
    (values,), (found,) = before.values(), after.values()
    weight, bias = weights_of(net.file, net.operations.all[-1])
    rows = values.reshape(*shape[:-1], -1)
    assert found.shape == shape
    wanted = np.dot(rows, weight if "transpose" in parameters else weight.T) + bias
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("layer_type", ["ConvolutionDepthwise", "DepthwiseConvolution"])
def test_a_depthwise_convolution_of_a_fork_is_a_convolution(layer_type: str) -> None:
    parameters = "num_output: 4 kernel_size: 3 pad: 1 group: 4"
    of_fork = small_net(chain(POINTWISE, of(layer_type, convolution_param=parameters)))
    of_caffe = small_net(chain(POINTWISE, convolved(parameters)))
    values = noise(of_caffe.input_shape)
    (found,), (wanted,) = of_fork.outputs(values).values(), of_caffe.outputs(values).values()
    np.testing.assert_array_equal(found, wanted)


def test_axpy_scales_each_channel_and_adds() -> None:
    layers = (pool("s", parameters="pool: AVE global_pooling: true"), POINTWISE("x", "data"))
    net = small_net("\n".join((*layers, POINTWISE("t", "s"), layer("a", "Axpy", ("t", "x", "x")))))
    *_, before, after = map(dict, net.executable.run(net.inputs(noise(net.input_shape))))
    (found,) = after.values()
    factor, values = (before[value] for value in net.program.steps[-1].inputs[:2])
    assert factor.shape == (1, 4, 1, 1)
    np.testing.assert_allclose(found, factor * values + values, rtol=1e-5)


@pytest.mark.parametrize("group", [1, 3])
def test_a_kernel_that_is_larger_than_its_input_sees_zeros_outside(group: int) -> None:
    """The size of the output is 1, as Caffe rounds toward zero (reference, weights.md 3.1)."""
    net = small_net(
        convolved(f"num_output: 3 kernel_size: 3 stride: 2 group: {group}")("a", "data"), (1, 3, 2, 5)
    )
    values = noise(net.input_shape)
    (found,) = net.outputs(values).values()
    weights = net.load(net.program.steps[0])
    assert weights.weight is not None
    assert weights.bias is not None
    assert found.shape == (1, 3, 1, 2)
    for output, column in np.ndindex(3, 2):
        channels = slice(output, output + 1) if group == 3 else slice(None)
        window = values[0, channels, :, 2 * column : 2 * column + 3]
        wanted = (window * weights.weight[output][:, :2]).sum() + weights.bias[output]
        assert found[0, output, 0, column] == pytest.approx(wanted, abs=1e-5)


def test_a_kernel_that_is_larger_than_its_input_on_one_side_sees_zeros_there() -> None:
    parameters = "num_output: 3 kernel_h: 5 kernel_w: 3 stride_h: 2 stride_w: 1"
    layers = (convolved(parameters)("a", "data"), inner_product("b", "a"))
    net = small_net("\n".join(layers), (1, 2, 4, 5))
    values = noise(net.input_shape)
    _, before, _ = map(dict, net.executable.run(net.inputs(values)))
    (found,) = before.values()
    weights = net.load(net.program.steps[0])
    assert weights.weight is not None
    assert weights.bias is not None
    assert found.shape == (1, 3, 1, 3)
    for output, column in np.ndindex(3, 3):
        window = values[0, :, :, column : column + 3]
        wanted = (window * weights.weight[output][:, :4]).sum() + weights.bias[output]
        assert found[0, output, 0, column] == pytest.approx(wanted, abs=1e-5)


def test_a_convolution_in_three_dimensions_computes_its_sums() -> None:
    parameters = "num_output: 2 kernel_size: [2, 3, 2] stride: [1, 2, 1] pad: [1, 0, 0] group: 2"
    net = small_net("\n".join((conv("a", parameters=parameters), inner_product("b", "a"))), (1, 4, 3, 5, 4))
    values = noise(net.input_shape)
    _, before, _ = map(dict, net.executable.run(net.inputs(values)))
    (found,) = before.values()
    weights = folded_weights(net.file, net.program.steps[0])
    assert weights.weight is not None
    assert weights.bias is not None
    padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (0, 0), (0, 0)))[0]
    assert found.shape == (1, 2, 4, 2, 3)
    for output, depth, row, column in np.ndindex(2, 4, 2, 3):
        window = padded[
            2 * output : 2 * output + 2, depth : depth + 2, 2 * row : 2 * row + 3, column : column + 2
        ]
        wanted = (window * weights.weight[output]).sum() + weights.bias[output]
        assert found[0, output, depth, row, column] == pytest.approx(wanted, abs=1e-4)


def test_a_large_convolution_computed_in_parts_equals_one_computed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    net = small_net(chain(convolved("num_output: 8 kernel_size: 3 group: 2 pad: 1")))
    values = noise(net.input_shape)
    (at_once,) = net.outputs(values).values()
    monkeypatch.setattr(execution, "_COLUMN_VALUES", 1)
    (in_parts,) = net.outputs(values).values()
    assert decibels_between(in_parts, at_once) > AGREES


UNSUPPORTED = {
    "an unknown type": (chain(POINTWISE, of("Wonder")), "its type Wonder is unknown"),
    "a type without arithmetic": (
        chain(POINTWISE, of("Reorg", reorg_param="stride: 1"), POINTWISE),
        "type Reorg is not supported",
    ),
    "a size of upsampling": (
        chain(POINTWISE, of("Upsample", upsample_param="upsample_h: 20 upsample_w: 21"), POINTWISE),
        "upsample_h and upsample_w are not supported",
    ),
    "a second output": (
        "\n".join((conv("a"), layer("p", "Pooling", "a", ("b", "c"), pooling_param="kernel_size: 2"))),
        "a second output is not supported",
    ),
}


@pytest.mark.parametrize(("layers", "reason"), UNSUPPORTED.values(), ids=UNSUPPORTED)
def test_a_layer_that_cannot_be_run_is_named_with_the_reason(layers: str, reason: str) -> None:
    assert next(filter(None, map(obstacle, small_net(layers).program.steps))) == reason


def test_weights_that_do_not_fit_are_named(tmp_path: Path) -> None:
    source = Source(
        "net.prototxt", f'input: "data" input_shape {{ dim: [1, 6, 9, 11] }}\n{conv("a")}\n{conv("b")}'
    )
    path = tmp_path / "net.caffemodel"
    blobs = {"a": [np.zeros((8, 6, 3, 2), np.float32), np.zeros(8, np.float32)]}
    path.write_bytes(caffemodel(blobs, {"a": "Convolution"}))
    network = read_network(source, None, lambda _: None)
    arrays = read_stored_arrays(path, lambda _: None)
    assert network is not None
    assert arrays is not None
    program = program_of(read_operations(network, {}))
    file = map_weights(path, arrays)
    assert [each for step in program.steps for each in weight_problems(file, step)] == [
        ("a", "its weights do not fit: it has a blob of 288 values, but needs 432"),
        ("b", "its weights do not fit: the file has none for this layer"),
    ]


NUMBER = re.compile(r'(?<![\w".])\d+(?![\w".])')
CHANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 7)), max_size=2)


@law(st.sampled_from(list(CHAINS)), CHANGES, examples=60)
def test_a_net_that_is_supported_runs_with_the_shapes_of_its_rules(
    case: str, changes: list[tuple[int, int]]
) -> None:
    text = CHAINS[case]
    for index, size in changes:
        numbers = list(NUMBER.finditer(text))
        changed = numbers[index % len(numbers)] if numbers else None
        text = f"{text[: changed.start()]}{size}{text[changed.end() :]}" if changed else text
    source = Source("net.prototxt", f'input: "data" input_shape {{ dim: [1, 6, 9, 11] }}\n{text}')
    network = read_network(source, None, lambda _: None)
    assert network
    program = program_of(read_operations(network, {}))
    if any(map(obstacle, program.steps)) or not program.steps:
        return
    net = small_net(text)
    *_, found = net.executable.run(net.inputs(noise((1, 6, 9, 11))))
    shapes = {
        value: shape
        for step in net.program.steps
        for value, shape in zip(step.outputs, (step.after[-1:] or (step.operation,))[0].outputs, strict=True)
    }
    assert {value: found[value].shape for value in net.program.outputs} == {
        value: shapes[value] for value in net.program.outputs
    }


ODD_SIGNS = (
    layer("a", "LRN", lrn_param="k: -9 beta: 1"),
    layer("a", "LRN", lrn_param="alpha: -9 beta: 1"),
    layer("a", "ReLU", relu_param="negative_slope: 0.5"),
    layer("a", "Clip", clip_param="min: -1 max: 1"),
    layer("a", "Eltwise", ("data", "data"), eltwise_param="coeff: [1, -2]"),
)


@pytest.mark.parametrize("layers", [*CHAINS.values(), *ODD_SIGNS])
@pytest.mark.parametrize(
    "values", [noise((1, 6, 9, 11)), np.abs(noise((1, 6, 9, 11)))], ids=["any", "positive"]
)
def test_an_output_that_is_never_negative_is_not(layers: str, values: Array) -> None:
    net = small_net("\n".join((layers, inner_product("last", re.findall(r'top: "(.*?)"', layers)[-1]))))
    runs = list(map(dict, net.executable.run(net.inputs(values))))
    for step, before, after in zip(net.program.steps, runs, runs[1:], strict=False):
        signs = [bool((before[value] >= 0).all()) for value in step.inputs]
        if not step.after and _is_positive(step.operation, signs):
            assert all((after[value] >= 0).all() for value in step.outputs if value in after), step.name
