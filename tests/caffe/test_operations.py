"""The shapes and costs of layers by Caffe's rules (reference, weights.md 3.1, 3.2), computed by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import strategies as st

from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.caffe import CAFFE, caffe_types
from quantcfg.editions.caffe.definitions import definitions
from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.editions.caffe.net_contents import holds_in_test, net_inputs, stages
from quantcfg.editions.caffe.reader import bound_net, read_network
from quantcfg.editions.caffe.shapes import Extent, input_extents, whole_extent
from quantcfg.editions.sources import read_source
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, Operations
from quantcfg.source import Source
from tests.caffe.random_nets import network as random_net
from tests.laws import law
from tests.networks import batch_norm, conv, deconv, inner_product, layer, pool, scale
from tests.shared import MODELS, needs_shared


def ignore(_: object) -> None:
    """Report nothing."""


def operations(text: str, given: Mapping[str, Shape] | None = None) -> Operations:
    network = read_network(Source("net.prototxt", text), None, lambda _: None)
    assert network
    return read_operations(network, given or {})


def net_text(layers: str, *shapes: Shape) -> str:
    """Return layers with the inputs data, b and c, as far as they have shapes."""
    names = ["data", "b", "c"][: len(shapes)]
    inputs = " ".join(f'input: "{name}"' for name in names)
    sizes = " ".join(f"input_shape {{ dim: {list(shape)} }}" for shape in shapes)
    return f"{inputs} {sizes}\n{layers}"


def last(layers: str, *shapes: Shape) -> Operation:
    """Return the operation of the last layer of a net."""
    return operations(net_text(layers, *shapes)).all[-1]


IMAGE = (2, 6, 9, 11)

SHAPES: dict[str, tuple[str, list[Shape], list[Shape]]] = {
    "a convolution": (conv("a"), [IMAGE], [(2, 8, 7, 9)]),
    "a dilated convolution": (
        conv("a", parameters="num_output: 8 kernel_size: 3 dilation: 2 pad: 1 stride: 2"),
        [IMAGE],
        [(2, 8, 4, 5)],
    ),
    "division goes toward zero": (
        conv("a", parameters="num_output: 8 kernel_size: 3 stride: 2"),
        [(1, 3, 2, 5)],
        [(1, 8, 1, 2)],
    ),
    "sides": (
        conv(
            "a", parameters="num_output: 8 kernel_h: 1 kernel_w: 5 stride_h: 2 stride_w: 1 pad_h: 0 pad_w: 2"
        ),
        [IMAGE],
        [(2, 8, 5, 11)],
    ),
    "three dimensions": (
        conv("a", parameters="num_output: 8 kernel_size: [1, 2, 3]"),
        [(1, 3, 4, 5, 6)],
        [(1, 8, 4, 4, 4)],
    ),
    "an axis": (conv("a", parameters="num_output: 8 kernel_size: 3 axis: 2"), [(2, 3, 4, 9)], [(2, 3, 8, 7)]),
    "several bottoms": (
        conv("a", ("data", "b"), ("x", "y")),
        [IMAGE, (2, 6, 5, 5)],
        [(2, 8, 7, 9), (2, 8, 3, 3)],
    ),
    "a deconvolution": (
        deconv("a", parameters="num_output: 8 kernel_size: 4 stride: 2 pad: 1 dilation: 2"),
        [IMAGE],
        [(2, 8, 21, 25)],
    ),
    "a depthwise convolution of a fork": (
        layer("a", "DepthwiseConvolution", convolution_param="num_output: 6 kernel_size: 3 group: 6"),
        [IMAGE],
        [(2, 6, 7, 9)],
    ),
    "pooling rounds up": (pool("a", parameters="kernel_size: 3 stride: 2"), [(1, 3, 8, 9)], [(1, 3, 4, 4)]),
    "pooling rounds down": (
        pool("a", parameters="kernel_size: 3 stride: 2 round_mode: FLOOR"),
        [(1, 3, 8, 9)],
        [(1, 3, 3, 4)],
    ),
    "a padded window must start inside": (
        pool("a", parameters="kernel_size: 2 stride: 2 pad: 1"),
        [(1, 3, 5, 6)],
        [(1, 3, 3, 4)],
    ),
    "a padded window that would start outside": (
        pool("a", parameters="kernel_size: 2 stride: 4 pad: 1"),
        [(1, 3, 7, 8)],
        [(1, 3, 2, 3)],
    ),
    "padding of one side checks both": (
        pool("a", parameters="kernel_h: 1 kernel_w: 2 stride: 4 pad_h: 0 pad_w: 1"),
        [(1, 3, 6, 8)],
        [(1, 3, 2, 3)],
    ),
    "without padding, a window may start outside": (
        pool("a", parameters="kernel_size: 1 stride: 4"),
        [(1, 3, 7, 8)],
        [(1, 3, 3, 3)],
    ),
    "global pooling": (pool("a", parameters="pool: AVE global_pooling: true"), [IMAGE], [(2, 6, 1, 1)]),
    "an inner product": (inner_product("a"), [IMAGE], [(2, 8)]),
    "an inner product of an axis": (
        inner_product("a", parameters="num_output: 8 axis: -1"),
        [IMAGE],
        [(2, 6, 9, 8)],
    ),
    "Concat": (layer("a", "Concat", ("data", "b")), [IMAGE, (2, 1, 9, 11)], [(2, 7, 9, 11)]),
    "Concat by the old field": (
        layer("a", "Concat", ("data", "b"), concat_param="concat_dim: 2 axis: 1"),
        [IMAGE, (2, 6, 1, 11)],
        [(2, 6, 10, 11)],
    ),
    "Eltwise": (layer("a", "Eltwise", ("data", "b")), [IMAGE, IMAGE], [IMAGE]),
    "Crop": (layer("a", "Crop", ("data", "b")), [IMAGE, (1, 1, 5, 7)], [(2, 6, 5, 7)]),
    "Crop of an axis": (
        layer("a", "Crop", ("data", "b"), crop_param="axis: -3 offset: 1"),
        [IMAGE, (1, 2, 5, 7)],
        [(2, 2, 5, 7)],
    ),
    "Reshape": (layer("a", "Reshape", reshape_param="shape { dim: [0, -1, 3] }"), [IMAGE], [(2, 198, 3)]),
    "Reshape of axes": (
        layer("a", "Reshape", reshape_param="shape { dim: [3, 2] } axis: 1 num_axes: 1"),
        [IMAGE],
        [(2, 3, 2, 9, 11)],
    ),
    "Reshape at the end": (
        layer("a", "Reshape", reshape_param="shape { dim: [1, 1] } axis: -1 num_axes: 0"),
        [IMAGE],
        [(*IMAGE, 1, 1)],
    ),
    "Flatten": (layer("a", "Flatten"), [IMAGE], [(2, 594)]),
    "Flatten of axes": (layer("a", "Flatten", flatten_param="axis: 1 end_axis: 2"), [IMAGE], [(2, 54, 11)]),
    "Slice": (layer("a", "Slice", top=("x", "y")), [IMAGE], [(2, 3, 9, 11)] * 2),
    "Slice at points": (
        layer("a", "Slice", top=("x", "y", "z"), slice_param="axis: -1 slice_point: [2, 7]"),
        [IMAGE],
        [(2, 6, 9, 2), (2, 6, 9, 5), (2, 6, 9, 4)],
    ),
    "Reduction": (layer("a", "Reduction", reduction_param="axis: 2"), [IMAGE], [(2, 6)]),
    "Tile": (layer("a", "Tile", tile_param="axis: 2 tiles: 3"), [IMAGE], [(2, 6, 27, 11)]),
    "ArgMax": (layer("a", "ArgMax", argmax_param="top_k: 3 out_max_val: true"), [(2, 10)], [(2, 2, 3)]),
    "ArgMax of an axis": (layer("a", "ArgMax", argmax_param="axis: 1"), [IMAGE], [(2, 1, 9, 11)]),
    "Embed": (layer("a", "Embed", embed_param="num_output: 5 input_dim: 9"), [(3, 4)], [(3, 4, 5)]),
    "LSTM": (
        layer("a", "LSTM", ("data", "b"), recurrent_param="num_output: 5"),
        [(7, 2, 9), (7, 2)],
        [(7, 2, 5)],
    ),
    "SPP": (layer("a", "SPP", spp_param="pyramid_height: 3"), [IMAGE], [(2, 6 * 21)]),
    "BatchReindex": (layer("a", "BatchReindex", ("data", "b")), [IMAGE, (5,)], [(5, 6, 9, 11)]),
    "Im2col": (layer("a", "Im2col", convolution_param="kernel_size: 3"), [IMAGE], [(2, 54, 7, 9)]),
    "Softmax": (layer("a", "Softmax"), [IMAGE], [IMAGE]),
    "a loss": (layer("a", "SoftmaxWithLoss", ("data", "b")), [(2, 5), (2,)], [()]),
    "Silence": (layer("a", "Silence", top=()), [IMAGE], []),
    "Permute": (layer("a", "Permute", permute_param="order: [0, 2]"), [IMAGE], [(2, 9, 6, 11)]),
    "PriorBox": (
        layer(
            "a", "PriorBox", ("data", "b"), prior_box_param="min_size: 1 max_size: 2 aspect_ratio: [2, 3, 1]"
        ),
        [IMAGE, (1, 3, 300, 300)],
        [(1, 2, 9 * 11 * 6 * 4)],
    ),
    "PriorBox without flip": (
        layer("a", "PriorBox", ("data", "b"), prior_box_param="min_size: [1, 2] aspect_ratio: 2 flip: false"),
        [IMAGE, (1, 3, 300, 300)],
        [(1, 2, 9 * 11 * 4 * 4)],
    ),
    "DetectionOutput": (layer("a", "DetectionOutput", ("data", "b", "c")), [(1, 8)] * 3, [(1, 1, 1, 7)]),
    "Normalize": (layer("a", "Normalize"), [IMAGE], [IMAGE]),
    "Axpy": (layer("a", "Axpy", ("data", "b", "c")), [(2, 6, 1, 1), IMAGE, IMAGE], [IMAGE]),
    "Upsample": (layer("a", "Upsample", upsample_param="scale: 3"), [IMAGE], [(2, 6, 27, 33)]),
    "Upsample to a size": (
        layer("a", "Upsample", ("data", "b"), upsample_param="scale: 2 upsample_h: 17 upsample_w: 22"),
        [IMAGE, IMAGE],
        [(2, 6, 17, 22)],
    ),
    "Reorg": (layer("a", "Reorg", reorg_param="stride: 2"), [(2, 6, 8, 10)], [(2, 24, 4, 5)]),
    "Reorg backwards": (
        layer("a", "Reorg", reorg_param="stride: 2 reverse: true"),
        [(2, 8, 4, 5)],
        [(2, 2, 8, 10)],
    ),
    "inputs of a layer": (
        layer("a", "Input", (), ("x", "y"), input_param="shape { dim: [1, 2] } shape { dim: 3 }"),
        [],
        [(1, 2), (3,)],
    ),
    "one shape for all inputs": (
        layer("a", "Input", (), ("x", "y"), input_param="shape { dim: 3 }"),
        [],
        [(3,)] * 2,
    ),
    "data in memory": (
        layer(
            "a",
            "MemoryData",
            (),
            ("x", "y"),
            memory_data_param="batch_size: 4 channels: 3 height: 8 width: 9",
        ),
        [],
        [(4, 3, 8, 9), (4,)],
    ),
    "image files": (
        layer("a", "ImageData", (), ("x", "y"), image_data_param="batch_size: 4 new_height: 8 new_width: 9"),
        [],
        [(4, 3, 8, 9), (4,)],
    ),
    "cropped image files": (
        layer(
            "a",
            "ImageData",
            (),
            ("x", "y"),
            image_data_param="is_color: false",
            transform_param="crop_size: 7",
        ),
        [],
        [(1, 1, 7, 7), (1,)],
    ),
    "dummy data": (
        layer("a", "DummyData", (), "x", dummy_data_param="num: 1 channels: 2 height: 3 width: 4"),
        [],
        [(1, 2, 3, 4)],
    ),
    "a parameter": (layer("a", "Parameter", (), "x", parameter_param="shape { dim: [5, 2] }"), [], [(5, 2)]),
}


@pytest.mark.parametrize(("text", "inputs", "outputs"), SHAPES.values(), ids=SHAPES)
def test_a_layer_has_the_outputs_of_its_rule(text: str, inputs: list[Shape], outputs: list[Shape]) -> None:
    operation = last(text, *inputs)
    assert operation.unknown is None
    assert list(operation.outputs) == outputs


UNKNOWN: dict[str, tuple[str, list[Shape], str]] = {
    "an unknown type": (layer("a", "Wonder"), [IMAGE], "its type Wonder is unknown"),
    "a layer in Python": (
        layer("a", "Python"),
        [IMAGE],
        "the prototxt does not determine the output of type Python",
    ),
    "a kernel that does not fit": (conv("a"), [(1, 3, 2, 2)], "its output has the size 1x8x0x0"),
    "groups that do not divide": (
        conv("a", parameters="num_output: 8 kernel_size: 1 group: 4"),
        [IMAGE],
        "it has 6 input channels, not a multiple of group 4",
    ),
    "outputs that do not divide": (
        conv("a", parameters="num_output: 8 kernel_size: 1 group: 3"),
        [IMAGE],
        "it has num_output 8, not a multiple of group 3",
    ),
    "pooling in three dimensions": (pool("a"), [(1, 3, 4, 5, 6)], "it needs an input with 4 axes, found 5"),
    "an axis that is not there": (
        inner_product("a", parameters="num_output: 8 axis: 3"),
        [(2, 3)],
        "it has axis 3, but its input has 2 axes",
    ),
    "inputs that differ": (
        layer("a", "Eltwise", ("data", "b")),
        [IMAGE, (2, 1, 9, 11)],
        "its inputs differ: 2x6x9x11, 2x1x9x11",
    ),
    "parts that do not divide": (
        layer("a", "Slice", top=("x", "y", "z", "w")),
        [IMAGE],
        "6 does not divide into 4 equal parts",
    ),
    "a reshape that loses values": (
        layer("a", "Reshape", reshape_param="shape { dim: [2, 5] }"),
        [IMAGE],
        "2x6x9x11 does not reshape to 2x5",
    ),
    "a crop outside": (
        layer("a", "Crop", ("data", "b"), crop_param="offset: 6"),
        [IMAGE, (1, 1, 5, 5)],
        "crop exceeds input size",
    ),
    "statistics of a number": (
        layer("l", "SoftmaxWithLoss", ("data", "b")) + batch_norm("a", "l"),
        [(2, 5), (2,)],
        "it does not fit its input",
    ),
    "too many values": (
        layer("a", "Tile", tile_param="tiles: 2147483647"),
        [IMAGE],
        "its output has more than 2147483647 values",
    ),
    "an upsampling to the size of a mask": (
        layer("a", "Upsample", ("data", "b")),
        [IMAGE, IMAGE],
        "its size depends on another layer",
    ),
    "the greatest value of a scalar": (
        layer("r", "Reduction") + layer("a", "ArgMax", "r"),
        [IMAGE],
        "its input has no axes",
    ),
    "a parameter of negative sizes": (
        layer("a", "Parameter", (), parameter_param="shape { dim: [-2, -3] }"),
        [],
        "its shape is -2x-3",
    ),
    "huge pyramids": (
        layer("a", "SPP", spp_param="pyramid_height: 4000000000"),
        [IMAGE],
        "its pyramid has 4000000000 levels",
    ),
    "data in a file": (
        layer("a", "Data", (), ("x", "y"), data_param="batch_size: 4", transform_param="crop_size: 227"),
        [],
        'the prototxt does not have the shape of "x"',
    ),
}


@pytest.mark.parametrize(("text", "inputs", "reason"), UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_output_has_a_reason_and_a_help(text: str, inputs: list[Shape], reason: str) -> None:
    operation = last(text, *inputs)
    assert operation.unknown
    assert operation.unknown.reason == reason
    passes = f"pass its shape, such as --input {operation.layer.tops[0]}=1,3,224,224"
    is_undetermined = any(word in reason for word in ("type", "another layer", "prototxt"))
    assert operation.unknown.help == (passes if is_undetermined else CHECK)


@pytest.mark.parametrize(
    "text",
    [
        conv("a", parameters="num_output: 8 kernel_size: [1, 2, 3]"),
        conv("a", parameters="num_output: 8"),
        conv("a", parameters="num_output: 8 kernel_size: 3 axis: 4"),
        deconv("a", parameters="num_output: 8 kernel_size: 3 group: 5"),
        inner_product("a", parameters="axis: 1"),
        pool("a", parameters="kernel_size: 0"),
        scale("a", "data", parameters="axis: 9"),
    ],
)
def test_a_layer_that_caffe_cannot_set_up_has_the_words_of_the_check_as_reason(text: str) -> None:
    found: list[Diagnostic] = []
    network = read_network(Source("net.prototxt", net_text(text, IMAGE)), None, found.append)
    assert network
    (operation,) = read_operations(network, {}).all
    assert operation.unknown
    assert found[0].message == f'Caffe cannot set up layer "a": {operation.unknown.reason}'


CHECK = "check its parameters and the sizes of its inputs"


def test_a_layer_after_an_unknown_output_names_it_with_the_help_of_its_cause() -> None:
    text = "\n".join((layer("a", "Wonder"), layer("r", "ReLU", "a"), conv("c", "r")))
    operation = last(text, IMAGE)
    assert operation.unknown
    assert operation.unknown.reason == 'the shape of its input "r" is unknown'
    assert operation.unknown.help == "pass its shape, such as --input a=1,3,224,224"


# --- shapes from outside


def test_a_given_shape_replaces_that_of_an_input_and_fills_unknown_ones() -> None:
    text = "\n".join(
        (
            'input: "data" input_shape { dim: [1, 3, 9, 9] }',
            layer("in", "Input", (), "b", input_param="shape { dim: [1, 3, 9, 9] }"),
            layer("w", "Wonder", ("data", "b")),
            conv("c", "w"),
        )
    )
    given = {"data": (2, 3, 4, 4), "b": (2, 3, 5, 5), "w": (2, 6, 7, 7), "c": (1, 1), "nothing": (1,)}
    found = operations(text, given)
    assert found.inputs == {"data": (2, 3, 4, 4), "b": (2, 3, 5, 5)}
    assert found.all[-1].outputs == ((2, 8, 5, 5),)
    assert found.unused == ("c", "nothing")


def test_labels_have_as_many_values_as_the_given_batch() -> None:
    text = layer("a", "Data", (), ("data", "label"), data_param="batch_size: 4")
    found = operations(f"{text}\n{conv('c')}", {"data": (7, 3, 9, 9)})
    assert found.inputs == {"data": (7, 3, 9, 9), "label": (7,)}
    assert found.all[-1].outputs == ((7, 8, 7, 7),)


def test_older_formats_have_the_same_shapes() -> None:
    v1 = """
        input: "data" input_dim: [2, 6, 9, 11]
        layers { name: "n" type: LRN bottom: "data" top: "n" lrn_param { local_size: 3 } }
        layers { name: "p" type: POOLING bottom: "n" top: "p" pooling_param { kernel_size: 3 stride: 2 } }
    """
    found = operations(v1)
    assert found.all[-1].outputs == ((2, 6, 4, 5),)
    assert found.all[0].parameters["local_size"] == 3
    v0 = """
        input: "data" input_dim: [2, 6, 9, 11]
        layers { layer { name: "pad" type: "padding" pad: 1 } bottom: "data" top: "pad" }
        layers { layer { name: "c" type: "conv" num_output: 8 kernelsize: 3 } bottom: "pad" top: "c" }
        layers { layer { name: "n" type: "lrn" local_size: 3 alpha: 0.5 } bottom: "c" top: "n" }
    """
    found = operations(v0)
    assert [each.outputs for each in found.all] == [((2, 8, 9, 11),)] * 2
    assert (found.all[1].parameters["local_size"], found.all[1].parameters["alpha"]) == (3, 0.5)
    assert found.all[1].parameters["beta"] == 0.75
    old = """
        input: "data" input: "b" input_dim: [2, 6, 9, 11, 2, 6, 1, 11]
        layers { layer { name: "c" type: "concat" concat_dim: 2 } bottom: "data" bottom: "b" top: "c" }
    """
    assert operations(old).all[0].outputs == ((2, 6, 10, 11),)


def test_a_fork_may_give_a_field_another_meaning() -> None:
    """Only the shape of the layer suffers; the file is read as before."""
    operation = last(layer("a", "Upsample", upsample_param='scale: "big" method: { }'), IMAGE)
    assert operation.unknown is None
    assert operation.outputs == ((2, 6, 18, 22),)


# --- weights and costs

COSTS: dict[str, tuple[str, list[Shape], list[Shape], int]] = {
    "a convolution": (
        conv("a", parameters="num_output: 8 kernel_size: 3 group: 2"),
        [IMAGE],
        [(8, 3, 3, 3), (8,)],
        2 * 8 * 7 * 9 * 27,
    ),
    "dilation": (
        conv("a", parameters="num_output: 8 kernel_size: 3 dilation: 2 bias_term: false"),
        [IMAGE],
        [(8, 6, 3, 3)],
        2 * 8 * 5 * 7 * 54,
    ),
    "a deconvolution": (
        deconv("a", parameters="num_output: 8 kernel_size: 4 stride: 2 group: 2"),
        [IMAGE],
        [(6, 4, 4, 4), (8,)],
        2 * 6 * 9 * 11 * 64,
    ),
    "an inner product": (inner_product("a"), [IMAGE], [(8, 594), (8,)], 2 * 594 * 8),
    "an inner product of an axis": (
        inner_product("a", parameters="num_output: 8 axis: 2"),
        [IMAGE],
        [(8, 99), (8,)],
        2 * 6 * 99 * 8,
    ),
    "a transposed inner product": (
        inner_product("a", parameters="num_output: 8 transpose: true"),
        [IMAGE],
        [(594, 8), (8,)],
        2 * 594 * 8,
    ),
    "BatchNorm": (layer("a", "BatchNorm"), [IMAGE], [(6,), (6,), (1,)], 0),
    "Scale": (scale("a", "data"), [IMAGE], [(6,), (6,)], 0),
    "Scale of several axes": (scale("a", "data", parameters="num_axes: -1"), [IMAGE], [(6, 9, 11)], 0),
    "Scale by a second input": (
        scale("a", ("data", "b"), parameters="bias_term: true axis: 0"),
        [IMAGE, (2, 6)],
        [(2, 6)],
        0,
    ),
    "Bias": (layer("a", "Bias"), [IMAGE], [(6,)], 0),
    "PReLU": (layer("a", "PReLU"), [IMAGE], [(6,)], 0),
    "a shared PReLU": (layer("a", "PReLU", prelu_param="channel_shared: true"), [IMAGE], [(1,)], 0),
    "Embed": (layer("a", "Embed", embed_param="num_output: 5 input_dim: 9"), [(3, 4)], [(9, 5), (5,)], 0),
    "LSTM": (
        layer("a", "LSTM", ("data", "b"), recurrent_param="num_output: 5"),
        [(7, 2, 9), (7, 2)],
        [(20, 9), (20,), (20, 5)],
        0,
    ),
    "pooling": (pool("a"), [IMAGE], [], 0),
    "Normalize": (layer("a", "Normalize", norm_param="channel_shared: false"), [IMAGE], [(6,)], 0),
}


@pytest.mark.parametrize(("text", "inputs", "blobs", "macs"), COSTS.values(), ids=COSTS)
def test_a_layer_has_its_weights_and_multiply_accumulates(
    text: str, inputs: list[Shape], blobs: list[Shape], macs: int
) -> None:
    operation = last(text, *inputs)
    assert operation.blobs is not None
    assert list(operation.blobs) == blobs
    assert operation.macs == macs


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", sorted(MODELS.glob("*/deploy.prototxt")), ids=lambda path: path.parent.name)
def test_all_shapes_of_a_deploy_net_follow_from_its_text(path: Path) -> None:
    source = read_source(str(path), lambda _: None, wanted="a prototxt")
    assert source
    found = operations(source.text)
    unknown = [each.layer.name for each in found.all if each.unknown]
    # This net pools in three dimensions, which only a fork can.
    first = {"heartseg_3d_dsn": ["pool1"]}.get(path.parent.name, [])
    assert unknown[:1] == first


def test_the_edition_reads_operations() -> None:
    network = read_network(
        Source("net.prototxt", f'input: "data" input_shape {{ dim: {list(IMAGE)} }}\n{conv("a")}'),
        None,
        lambda _: None,
    )
    assert network
    assert CAFFE.read_operations(network, {}).all[0].outputs == ((2, 8, 7, 9),)


NUMBER = re.compile(r'(?<![\w".])\d+(?![\w".])')
SIZES = st.sampled_from([0, 1, 2, 3, 7, -1, -2, 100_000, 2**31 - 1, 2**32 - 1])


def changed_net(case: str, changes: Sequence[tuple[int, int]]) -> str:
    """Return a net of the tables above with some other numbers."""
    layers, inputs, *_ = SHAPES.get(case) or UNKNOWN[case]
    text = net_text(layers, *inputs)
    for index, size in changes:
        numbers = list(NUMBER.finditer(text))
        if numbers:
            changed = numbers[index % len(numbers)]
            text = f"{text[: changed.start()]}{size}{text[changed.end() :]}"
    return text


CHANGED_NETS = st.builds(
    changed_net,
    st.sampled_from([*SHAPES, *UNKNOWN]),
    st.lists(st.tuples(st.integers(0, 30), SIZES), max_size=3),
)
RANDOM_NETS = st.builds(
    lambda seed, count: random_net(Random(seed), count), st.integers(0, 2**32 - 1), st.integers(1, 6)
)


@law(CHANGED_NETS, examples=200)
def test_any_numbers_give_shapes_or_a_reason(text: str) -> None:
    network = read_network(Source("net.prototxt", text), None, lambda _: None)
    for operation in read_operations(network, {}).all if network else ():
        sizes = [size for shape in operation.outputs for size in shape or ()]
        assert (operation.unknown is not None) == (None in operation.outputs)
        assert all(size > 0 for size in sizes)


def extents(source: Source) -> dict[str, Extent]:
    """Return what a compile infers of the inputs of layers; of a blob that is written in place, the last."""
    binding = bound_net(source, ignore)
    set_stages = stages(binding, ignore)
    present = [each for each in definitions(binding, ignore) if holds_in_test(each, set_stages, ignore)]
    bottoms = input_extents(net_inputs(binding, ignore).made, present)
    pairs = zip(present, bottoms, strict=True)
    return {blob: extent for each, found in pairs for blob, extent in zip(each.bottoms, found, strict=True)}


@law(st.one_of(CHANGED_NETS, RANDOM_NETS), examples=400)
def test_the_ranks_and_channels_of_a_compile_are_those_of_the_shapes(text: str) -> None:
    blobs = dict.fromkeys(re.findall(r'top: "(\w+)"', text))
    source = Source("net.prototxt", f"{text}\n{layer('read_all', 'Silence', list(blobs), ())}")
    network = read_network(source, None, ignore)
    if network is None:
        return
    last = read_operations(network, {}).all[-1]
    inferred = extents(source)
    for blob, shape in zip(last.layer.bottoms, last.inputs, strict=True):
        if shape is not None:
            whole, found = whole_extent(shape), inferred[blob]
            assert found.rank in (None, whole.rank), blob
            assert found.channels in (None, whole.channels), blob


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*sorted(caffe_types.known_types(2)), *caffe_types.fork_types()])
@pytest.mark.parametrize("tops", [(), ("a",), ("a", "b", "c", "d")])
@pytest.mark.parametrize("bottoms", [(), ("data",), ("data",) * 4])
def test_any_number_of_bottoms_and_tops_has_shapes_or_a_reason(
    kind: str, bottoms: Sequence[str], tops: Sequence[str]
) -> None:
    network = read_network(
        Source(
            "net.prototxt",
            f'input: "data" input_shape {{ dim: [1, 3, 8, 8] }}\n{layer("x", kind, bottoms, tops)}',
        ),
        None,
        lambda _: None,
    )
    if network:
        (found,) = read_operations(network, {}).all
        assert len(found.outputs) == len(tops)
        assert None not in found.outputs or found.unknown
