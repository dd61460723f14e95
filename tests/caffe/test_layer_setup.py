"""The parameters with which Caffe cannot set up a layer, and the shapes that it requires."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from quantcfg import check_text
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.fixes import fixed
from quantcfg.editions.caffe.weights import Blob, WeightLayer, Weights
from quantcfg.network.network import Shape
from tests.networks import (
    batch_norm,
    blob,
    codes,
    conv,
    deconv,
    diagnose,
    inner_product,
    layer,
    net,
    network,
    pool,
    relu,
    scale,
    v0_layer,
    v1_layer,
)

PLANE = "input: 'data' input_shape { dim: [1, 6, 32, 32] }"
VOLUME = "input: 'data' input_shape { dim: [1, 6, 8, 32, 32] }"
CONV = "num_output: 8 kernel_size: 3"


def several(*layers: str) -> str:
    return "\n".join(layers)


def problems(text: str, source: str = PLANE) -> list[str]:
    """Return why Caffe cannot set up a layer of a prototxt without other diagnostics."""
    found = diagnose(net(source, text))
    assert {each.code for each in found} <= {catalogue.CANNOT_SET_UP.code}
    assert all(each.severity is Severity.WARNING for each in found)
    return [each.message.partition(": it ")[2] for each in found]


# What a layer must have


@pytest.mark.parametrize(
    ("text", "problem", "help"),
    [
        (layer("a", ""), "has no type", "add a type, such as Convolution"),
        (
            layer("a", "Deconvolution", deconvolution_param=CONV),
            "has no convolution_param",
            "add convolution_param { num_output: ... kernel_size: ... }",
        ),
        (
            conv("a", parameters="kernel_size: 3"),
            "has no num_output",
            "add num_output to its convolution_param",
        ),
        (
            layer("a", "InnerProduct"),
            "has no num_output",
            "add inner_product_param { num_output: ... }",
        ),
        (v1_layer("a", "CONVOLUTION"), "has no convolution_param", "add convolution_param"),
        (v0_layer("a", "innerproduct"), "has no num_output", "add inner_product_param"),
        (conv("a", parameters="num_output: 8"), "has no kernel_size", "add kernel_size"),
        (pool("a", parameters="pool: AVE"), "has no kernel_size", "add kernel_size"),
    ],
)
def test_a_layer_without_what_it_needs_is_a_warning_with_help(text: str, problem: str, help: str) -> None:
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.CANNOT_SET_UP.code, Severity.WARNING)
    assert warning.message.endswith(f": it {problem}")
    assert warning.help
    assert warning.help.startswith(help)


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (f"{CONV} group: 2", None),
        (f"{CONV} dilation: [1, 2] pad: 0 stride: [1, 1]", None),
        ("num_output: 8 kernel_h: 3 kernel_w: 1 pad_h: 1 stride_h: 2 stride_w: 1", None),
        ("num_output: 0 kernel_size: 3", "has num_output 0"),
        ("num_output: 4294967295 kernel_size: 3", "has num_output 4294967295"),
        ("num_output: 8 kernel_size: 0", "has a kernel of size 0"),
        ("num_output: 8 kernel_h: 3", "has only one of kernel_h and kernel_w"),
        ("num_output: 8 kernel_h: 3 kernel_w: 0", "has a kernel of size 0"),
        (f"{CONV} kernel_h: 3 kernel_w: 3", "has both kernel_size and kernel_h or kernel_w"),
        ("num_output: 8 kernel_size: [3, 3, 3]", "has 3 values of kernel_size, but 2 spatial axes"),
        (f"{CONV} stride: 0", "has stride 0"),
        (f"{CONV} stride: 1 stride_h: 1 stride_w: 1", "has both stride and stride_h"),
        (f"{CONV} pad: 1 pad_h: 1", "has both pad and pad_h"),
        (f"{CONV} pad: [1, 1, 1]", "has 3 values of pad, but 2 spatial axes"),
        (f"{CONV} dilation: 0", None),
        ("num_output: 8 axis: 3", None),
        ("num_output: 8 axis: 3 kernel_size: 0", None),
        (f"{CONV} axis: 99", "has axis 99, but its input has 4 axes"),
        (f"{CONV} dilation: [1, 1, 1]", "has 3 values of dilation, but 2 spatial axes"),
        (f"{CONV} group: 0", "has 0 groups"),
        (f"{CONV} group: 3", "has num_output 8, not a multiple of group 3"),
        (f"{CONV} group: 4", "has 6 input channels, not a multiple of group 4"),
        (f"{CONV} stride_h: 2", "has only one of stride_h and stride_w"),
        (f"{CONV} group: 5 axis: 2", "has num_output 8, not a multiple of group 5"),
        (f"{CONV} group: 4 axis: 2", None),
        (f"{CONV} axis: 4", "has axis 4, but its input has 4 axes"),
        (f"{CONV} axis: -5", "has axis -5, but its input has 4 axes"),
    ],
)
@pytest.mark.parametrize("layer_type", ["Convolution", "Deconvolution"])
def test_a_convolution_that_caffe_does_not_set_up_is_a_warning(
    layer_type: str, parameters: str, problem: str | None
) -> None:
    text = layer("a", layer_type, convolution_param=parameters)
    assert problems(text) == ([problem] if problem else [])


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        (CONV, None),
        ("num_output: 8 kernel_size: [3, 3, 3]", None),
        (f"{CONV} axis: 2", None),
        ("num_output: 8 kernel_h: 3 kernel_w: 3", "has kernel_h and kernel_w, but 3 spatial axes"),
        (f"{CONV} pad_h: 1 pad_w: 1", "has pad_h, but 3 spatial axes"),
        ("num_output: 8 kernel_size: [3, 3]", "has 2 values of kernel_size, but 3 spatial axes"),
    ],
)
def test_a_convolution_of_volumes_has_three_spatial_axes(parameters: str, problem: str | None) -> None:
    assert problems(conv("a", parameters=parameters), VOLUME) == ([problem] if problem else [])


def test_types_of_forks_may_change_the_rank() -> None:
    found = several(
        layer("flat", "Flatten"),
        layer("boxes", "DetectionOutput", ("flat", "flat", "flat")),
        layer("priors", "PriorBox", ("data", "data")),
        inner_product("a", "boxes", parameters="num_output: 8 axis: 3"),
    )
    assert problems(found) == []
    assert problems(several(found, inner_product("b", "priors", parameters="num_output: 8 axis: 3"))) == [
        "has axis 3, but its input has 3 axes"
    ]


def test_nothing_is_said_of_an_input_that_is_not_known() -> None:
    text = net(
        layer("x", "HDF5Data", (), "x"),
        conv("a", "x", parameters="num_output: 8 kernel_size: [3, 3, 3] group: 4 axis: 3"),
        pool("p", "x"),
    )
    assert diagnose(text) == []


@pytest.mark.parametrize(
    ("parameters", "problem"),
    [
        ("pool: AVE kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 1", None),
        ("pool: AVE global_pooling: true", None),
        ("pool: AVE global_pooling: true stride: 1 pad: 0", None),
        ("pool: AVE global_pooling: true kernel_size: 3", "has both global_pooling and a kernel size"),
        ("pool: AVE global_pooling: true pad: 1", "has both global_pooling and pad or stride"),
        ("pool: AVE global_pooling: true stride: 2", "has both global_pooling and pad or stride"),
        ("pool: AVE kernel_h: 2", "has only one of kernel_h and kernel_w"),
        ("pool: AVE kernel_size: 2 kernel_h: 2 kernel_w: 2", "has both kernel_size and kernel_h"),
        ("pool: AVE kernel_size: 2 kernel_h: 3", None),
        ("pool: AVE kernel_size: 2 stride_h: 2", "has only one of stride_h and stride_w"),
        ("pool: AVE kernel_size: 0", "has a kernel of size 0"),
        ("pool: AVE kernel_size: 2 pad_h: 1", "has only one of pad_h and pad_w"),
        ("pool: AVE kernel_size: 2 stride: 2 stride_h: 1 stride_w: 1", "has both stride and stride_h"),
        ("pool: AVE kernel_size: 2 stride: 0", "has stride 0"),
        ("pool: AVE kernel_size: 2 pad: 2", "has a pad that is not smaller than its kernel"),
        ("pool: STOCHASTIC kernel_size: 2 pad: 1", "has pad, which stochastic pooling does not support"),
    ],
)
def test_a_pooling_that_caffe_does_not_set_up_is_a_warning(parameters: str, problem: str | None) -> None:
    assert problems(pool("a", parameters=parameters)) == ([problem] if problem else [])


def test_caffe_pools_inputs_of_four_axes_only() -> None:
    assert problems(pool("a"), VOLUME) == ["needs an input with 4 axes, found 5"]
    assert problems(several(inner_product("a"), pool("b", "a"))) == ["needs an input with 4 axes, found 2"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (inner_product("a", parameters="num_output: 8 axis: 4"), "has axis 4, but its input has 4 axes"),
        (inner_product("a", parameters="num_output: 0"), "has num_output 0"),
        (conv("a", param=("", "", "")), "has 3 param messages, but 2 blobs"),
        (
            conv("a", param=("", ""), parameters=f"{CONV} bias_term: false"),
            "has 2 param messages, but 1 blob",
        ),
        (relu("a", "data", param="lr_mult: 1"), "has 1 param message, but 0 blobs"),
        (
            batch_norm("a", "data", param="lr_mult: 1"),
            "has lr_mult, but statistics are not learned",
        ),
        (
            batch_norm("a", "data", param=("lr_mult: 0", "")),
            "has lr_mult, but statistics are not learned",
        ),
        (batch_norm("a", "data", param=("lr_mult: 0", "lr_mult: 0")), None),
        (batch_norm("a", "data", param=("", "", "")), None),
        (batch_norm("a", "data", param=("", "", "", "")), "has 4 param messages, but 3 blobs"),
        (layer("a", "PReLU", param="lr_mult: 1"), None),
        (pool("a", "data", ("a", "b")), "has 2 tops, but only max pooling may have two"),
        (pool("a", "data", ("a", "b"), "pool: MAX kernel_size: 2"), None),
        (scale("a", "data", parameters="axis: 5"), "has axis 5, but its input has 4 axes"),
        (scale("a", "data", parameters="num_axes: 4"), "scales 4 axes from axis 1, but its input has 4 axes"),
        (scale("a", "data", parameters="num_axes: 3"), None),
        (scale("a", "data", parameters="num_axes: -1"), None),
        (scale("a", "data", parameters="num_axes: -2"), "has num_axes -2"),
        (layer("a", "Warp", param=("", "", "", "")), None),
    ],
)
def test_other_parameters_that_caffe_refuses_are_warnings(text: str, problem: str | None) -> None:
    assert problems(text) == ([problem] if problem else [])


def test_a_layer_that_caffe_cannot_set_up_stays_in_the_network() -> None:
    assert network(conv("a", parameters="kernel_size: 3")).by_name["a"].quantizable


@pytest.mark.parametrize(
    ("shapes", "problem"),
    [
        ("", None),
        ("shape { dim: [1, 3, 8, 8] }", None),
        ("shape { dim: [1, 3, 8, 8] } shape { dim: 1 }", None),
        ("shape { dim: [-1, 3, 8, 8] }", "has a dimension of -1"),
        ("shape { dim: 1 } shape { dim: 1 } shape { dim: 1 }", "has 3 shapes, but 2 tops"),
    ],
)
def test_an_input_has_sizes_and_one_shape_or_one_for_each_top(shapes: str, problem: str | None) -> None:
    text = layer("in", "Input", (), ("a", "b"), input_param=shapes)
    assert problems(text) == ([problem] if problem else [])


# Statistics of BatchNorm


def test_statistics_of_the_batch_are_a_warning_with_a_fix_and_a_reason_against_fusion() -> None:
    text = net(conv("a"), batch_norm("bn", "a", "a", "use_global_stats: false"), scale("sc", "a", "a"))
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.BATCH_STATISTICS.code, Severity.WARNING)
    assert warning.span
    assert warning.span.text == "false"
    reason = '"bn" cannot be folded: use_global_stats is false'
    assert [each.fusion_obstacle for each in network(text).layers] == [reason] * 3
    changed, _ = fixed(warning.span.source, [warning])
    assert diagnose(changed) == []
    assert [each.fusion_obstacle for each in network(changed).layers] == [None] * 3


@pytest.mark.parametrize("value", ["false", "False", "f", "0"])
@pytest.mark.parametrize("anchor", [conv, deconv, inner_product])
def test_statistics_of_the_batch_are_reported_however_they_are_written(
    anchor: Callable[[str], str], value: str
) -> None:
    text = net(anchor("a"), batch_norm("bn", "a", "a", f"use_global_stats: {value}"), scale("sc", "a", "a"))
    assert_batch_statistics(text, value, "a")


@pytest.mark.parametrize("value", ["false", "0", "f"])
def test_statistics_of_the_batch_before_a_convolution_are_reported(value: str) -> None:
    text = net(
        batch_norm("bn", "data", "b", f"use_global_stats: {value}"),
        scale("sc", "b"),
        conv("a", "sc"),
        layer("unknown", "MyLayer", "a"),
    )
    assert_batch_statistics(text, value, "a")


def assert_batch_statistics(text: str, value: str, anchor: str) -> None:
    """Check the warning, the reason against fusion, and that skipping the fusion names this reason."""
    (warning,) = diagnose(text)
    assert warning.code == catalogue.BATCH_STATISTICS.code
    assert warning.span
    assert warning.span.text == value
    reason = '"bn" cannot be folded: use_global_stats is false'
    read = network(text)
    assert {read.by_name[name].fusion_obstacle for name in ("bn", "sc", anchor)} == {reason}
    (skipped,) = [
        each
        for each in check_text(f'skip_fusion_layers: "{anchor}"', network=read)
        if each.code == catalogue.NO_FUSION_GROUP.code
    ]
    assert skipped.message == f'layer "{anchor}" has no fusion to skip: {reason}'
    changed, _ = fixed(warning.span.source, [warning])
    assert diagnose(changed) == []


def test_a_scale_along_another_axis_is_a_reason_against_fusion() -> None:
    text = net(conv("a"), batch_norm("bn", "a", "a"), scale("sc", "a", "a", "axis: 2 bias_term: true"))
    assert diagnose(text) == []
    assert network(text).by_name["a"].fusion_obstacle == (
        '"sc" cannot be folded: only scaling along the channels is supported, axis is 2'
    )


@pytest.mark.parametrize(
    "text",
    [
        net(conv("a"), batch_norm("bn", "a", "a", "use_global_stats: false")),
        net(conv("a"), relu("bn", "a", "a"), scale("sc", "a", "a")),
        net(batch_norm("bn", "data", "b", "use_global_stats: false"), scale("sc", "b"), relu("a", "sc")),
    ],
)
def test_layers_that_make_no_chain_have_no_reason_against_fusion(text: str) -> None:
    assert {each.fusion_obstacle for each in network(text).layers} == {None}


# Weights


def found_with(text: str, **layers: tuple[Blob, ...]) -> list[str]:
    """Return the diagnostics of weights with these blobs for each layer."""
    stored = {name: WeightLayer(name, "", blobs) for name, blobs in layers.items()}
    found = diagnose(net(PLANE, text), Weights("net.caffemodel", stored))
    assert {each.code for each in found} <= {catalogue.OTHER_WEIGHTS.code}
    return [each.message.partition(": ")[2] for each in found]


BIAS = blob((8,))
OLD_BIAS = blob((1, 1, 1, 8), is_legacy=True)


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        (conv("a"), blob((8, 6, 3, 3))),
        (conv("a"), blob((8, 6, 3, 3), is_legacy=True)),
        (conv("a", parameters=f"{CONV} group: 2"), blob((8, 3, 3, 3))),
        (conv("a", parameters="num_output: 8 kernel_h: 1 kernel_w: 7"), blob((8, 6, 1, 7))),
        (deconv("a"), blob((6, 8, 3, 3))),
        (deconv("a", parameters=f"{CONV} group: 2"), blob((6, 4, 3, 3))),
        (inner_product("a"), blob((8, 6144))),
        (inner_product("a"), blob((1, 1, 8, 6144), is_legacy=True)),
        (inner_product("a", parameters="num_output: 8 transpose: true"), blob((6144, 8))),
        (several(conv("a"), relu("r", "a"), conv("b", "r")), blob((8, 6, 3, 3))),
    ],
)
@pytest.mark.parametrize("bias", [BIAS, OLD_BIAS], ids=["today", "legacy"])
def test_weights_that_fit_are_taken_without_a_word(text: str, weight: Blob, bias: Blob) -> None:
    blobs = (weight, bias)
    layers = {"a": blobs}
    if 'name: "b"' in text:
        layers["b"] = (blob((8, 8, 3, 3)), bias)
    assert found_with(text, **layers) == []


@pytest.mark.parametrize(
    ("text", "shape", "asked"),
    [
        (conv("a"), (8, 6, 5, 5), "8x6x3x3"),
        (conv("a"), (8, 54), "8x6x3x3"),
        (conv("a"), (16, 6, 3, 3), "8x6x3x3"),
        (conv("a"), (8, 3, 3, 3), "8x6x3x3"),
        (conv("a", parameters=f"{CONV} group: 2"), (8, 6, 3, 3), "8x3x3x3"),
        (deconv("a"), (8, 6, 3, 3), "6x8x3x3"),
        (inner_product("a"), (10, 100), "8x?"),
        (inner_product("a"), (1, 1, 8, 100), "8x?"),
        (inner_product("a", parameters="num_output: 8 transpose: true"), (8, 6144), "?x8"),
    ],
)
def test_a_weight_of_another_shape_is_a_warning_and_the_prototxt_counts(
    text: str, shape: Shape, asked: str
) -> None:
    stored = "x".join(map(str, shape))
    assert found_with(text, a=(blob(shape), BIAS)) == [
        f'"a" has a weight of {stored}, but the prototxt needs {asked}'
    ]
    read = network(net(PLANE, text), Weights("net", {"a": WeightLayer("a", "", (blob(shape), BIAS))}))
    assert read.by_name["a"].quantizable or "transpose" in text


@pytest.mark.parametrize(
    ("shape", "fits"),
    [((1, 1, 8, 6), True), ((1, 8, 6), False), ((2, 1, 8, 6), False), ((1, 1, 6, 8), False)],
)
def test_a_legacy_shape_is_filled_up_with_ones_in_front(shape: Shape, fits: bool) -> None:
    found = found_with(inner_product("a"), a=(blob(shape, is_legacy=True), OLD_BIAS))
    assert (found == []) == fits


@pytest.mark.parametrize(
    ("text", "count", "asked", "help"),
    [
        (conv("a"), 1, 2, "write bias_term: false, or use the caffemodel of this network"),
        (conv("a", parameters=f"{CONV} bias_term: false"), 2, 1, "write bias_term: true, or use"),
        (inner_product("a"), 1, 2, "write bias_term: false, or use"),
        (batch_norm("a", "data"), 2, 3, "use the caffemodel of this network"),
        (relu("a", "data"), 1, 0, "use the caffemodel of this network"),
        (scale("a", "data"), 1, 2, "write bias_term: false, or use"),
    ],
)
def test_another_number_of_blobs_is_a_warning(text: str, count: int, asked: int, help: str) -> None:
    stored = Weights("net", {"a": WeightLayer("a", "", (blob((8, 6, 3, 3)), BIAS)[:count])})
    (warning,) = diagnose(net(PLANE, text), stored)
    assert warning.message.endswith(
        f'"a" has {count} blob{"s" * (count != 1)}, but the prototxt needs {asked}'
    )
    assert warning.help
    assert warning.help.startswith(help)


@pytest.mark.parametrize(
    ("weight", "reason"),
    [
        (Blob((8, 6, 3, 3), False, 431), '"a" has a weight of 8x6x3x3, but with 431 values'),
        (Blob((8, 6, 3, 3), False, None), '"a" has a weight of 8x6x3x3, but with 0 values'),
        (Blob(None, False, 432), '"a" has a weight of no dimensions, but the prototxt needs 8x6x3x3'),
    ],
)
def test_a_blob_with_other_numbers_than_its_shape_has_is_a_warning(weight: Blob, reason: str) -> None:
    assert found_with(conv("a"), a=(weight, BIAS)) == [reason]


def test_the_blobs_of_batch_norm_and_scale_have_the_channels_of_their_input() -> None:
    text = several(batch_norm("bn", "data"), scale("sc", "bn"))
    good = {"bn": (blob((6,)), blob((6,)), blob((1,))), "sc": (blob((6,)), blob((6,)))}
    assert found_with(text, **good) == []
    assert found_with(text, **good | {"bn": (blob((6,)), blob((8,)), blob((1,)))}) == [
        '"bn" has a variance of 8, but the prototxt needs 6'
    ]
    assert found_with(text, **good | {"sc": (blob((6,)), blob((8,)))}) == [
        '"sc" has a bias of 8, but the prototxt needs 6'
    ]


def test_the_only_blob_of_a_scale_with_two_inputs_is_the_bias() -> None:
    text = scale("sc", ("data", "data"))
    assert found_with(text, sc=(blob((6,)),)) == []
    assert found_with(text, sc=(blob((5,)),)) == ['"sc" has a bias of 5, but the prototxt needs 6']


def test_nothing_is_asked_of_blobs_by_what_is_missing_or_zero() -> None:
    for parameters in (
        "kernel_size: 3",
        "num_output: 0 kernel_size: 3",
        "num_output: 8",
        "num_output: 8 kernel_size: 0",
    ):
        stored = Weights("net", {"a": WeightLayer("a", "", (blob((8, 6, 3, 3)), BIAS))})
        found = diagnose(net(PLANE, conv("a", parameters=parameters)), stored)
        assert codes(found) == [catalogue.CANNOT_SET_UP.code]


def test_layers_that_do_not_fit_are_one_warning_and_the_first_is_explained() -> None:
    text = several(conv("a"), conv("b", "a"), conv("c", "b"))
    wrong = (blob((8, 6, 5, 5)), BIAS)
    (warning,) = diagnose(
        net(PLANE, text), Weights("net", {name: WeightLayer(name, "", wrong) for name in "abc"})
    )
    assert warning.message.startswith('weights in "net" do not match "a", "b" and "c": "a" has a weight of')
    assert warning.span
    assert warning.span.text == '"a"'


# Channels


@pytest.mark.parametrize(
    ("text", "channels"),
    [
        (relu("x", "data"), 6),
        (pool("x", "data"), 6),
        (layer("x", "Concat", ("data", "data")), 12),
        (layer("x", "Concat", ("data", "data"), concat_param="axis: 2"), 6),
        (layer("x", "Concat", ("data", "data"), concat_param="concat_dim: 1"), 12),
        (layer("x", "Concat", ("data", "data"), concat_param="axis: -3"), 12),
        (layer("x", "Slice", "data", ("x", "y")), 3),
        (layer("x", "Slice", "data", ("x", "y"), slice_param="slice_point: 4"), 4),
        (layer("x", "Slice", "data", ("y", "x"), slice_param="slice_point: 4"), 2),
        (layer("x", "Slice", "data", ("x", "y"), slice_param="axis: 2"), 6),
        (layer("x", "Slice", "data", ("x", "y"), slice_param="slice_dim: 1 slice_point: 1"), 1),
        (layer("x", "Crop", ("data", "data")), 6),
        (layer("x", "Reshape", reshape_param="shape { dim: [0, 0, 16, -1] }"), 6),
        (layer("x", "Reshape", reshape_param="shape { dim: [0, 3, 64, -1] }"), 3),
        (layer("x", "Reshape", reshape_param="shape { dim: [0, -1, 16, 16] }"), None),
        (layer("x", "Reshape", reshape_param="shape { dim: [8, 128] } axis: 2"), 6),
        (layer("x", "Reshape", reshape_param="shape { dim: [3, 2] } axis: 1 num_axes: 1"), 3),
        (layer("x", "Warp"), None),
        (layer("x", "Tile"), None),
    ],
)
def test_channels_come_through_layers(text: str, channels: int | None) -> None:
    """A filter of one channel more than there are does not fit; where they are not known, any fits."""
    reader = conv("reader", "x")
    rank = 5 if "num_axes" in text else 4
    shape = (8, 7 if channels is None else channels, *(3,) * (rank - 2))
    stored = {"reader": (blob(shape), BIAS)}
    assert found_with(several(text, reader), **stored) == []
    wrong = (8, shape[1] + 1, *shape[2:])
    assert (found_with(several(text, reader), reader=(blob(wrong), BIAS)) == []) == (channels is None)


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        (layer("x", "Warp"), 3),
        (layer("x", "Im2col"), 3),
        (layer("x", "Reshape", reshape_param="shape { dim: [0, 0, 0, -1] }"), 2),
        (layer("x", "Reshape", reshape_param="shape { dim: [0, 0, 0, 0, -1] }"), 3),
        (layer("x", "Reshape", reshape_param="shape { dim: -1 } axis: 2 num_axes: 2"), 2),
        (layer("x", "Reshape", reshape_param="shape { dim: [2, 4] } axis: -2 num_axes: 1"), 4),
        (layer("x", "Flatten", flatten_param="axis: 3 end_axis: 4"), 2),
        (layer("x", "Flatten", flatten_param="axis: 1 end_axis: 2"), 2),
        (inner_product("x", parameters="num_output: 8 axis: 3"), 2),
        (layer("x", "Reduction"), 2),
        (conv("x", parameters=f"{CONV} axis: 2"), 3),
    ],
)
def test_ranks_come_through_layers(text: str, axes: int) -> None:
    read = network(net(VOLUME, text, conv("reader", "x"))).by_name["reader"]
    assert read.attributes["spatial_axes"] == axes


def test_the_channels_behind_a_convolution_along_another_axis_are_not_known() -> None:
    text = several(conv("a", parameters="num_output: 3 kernel_size: 3 axis: 0"), conv("b", "a"))
    assert problems(several(text, conv("c", "a", parameters=f"{CONV} group: 4"))) == []


# Padding and rates of old versions


def test_the_pad_of_a_v0_padding_layer_is_that_of_the_layer_behind_it() -> None:
    text = net(v0_layer("pad", "padding", rest="pad: 9"), v0_layer("p", "pool", "pad", rest="kernelsize: 2"))
    assert [each.message for each in diagnose(text)] == [
        'Caffe cannot set up layer "p": it has a pad that is not smaller than its kernel'
    ]
    assert diagnose(text.replace("pad: 9", "pad: 1")) == []


@pytest.mark.parametrize(
    "text",
    [
        layer("r", "Reshape", "open", reshape_param="axis: 2147483647 shape { dim: 1 }"),
        layer("r", "Reshape", "open", reshape_param=f"shape {{ dim: {[1] * 100} }}"),
        inner_product("r", "open", parameters="num_output: 8 axis: 200000000"),
        layer("r", "Flatten", "open", flatten_param="axis: 2000000000"),
        conv("r", "open", parameters=f"num_output: 8 axis: 2000000000 kernel_size: {[3] * 9}"),
    ],
)
def test_of_a_blob_with_more_axes_than_caffe_has_nothing_is_known(text: str) -> None:
    source = layer("open", "HDF5Data", (), "open")
    read = network(net(source, text, conv("x", "r"))).by_name["x"]
    assert read.attributes["spatial_axes"] == 2


def test_an_axis_that_no_blob_has_is_a_warning() -> None:
    text = net(layer("open", "HDF5Data", (), "open"), conv("a", "open", parameters=f"{CONV} axis: 99"))
    assert [each.message.partition(": it ")[2] for each in diagnose(text)] == [
        "has axis 99, but a blob has at most 32 axes"
    ]


def test_the_names_of_params_that_caffe_drops_are_not_shared() -> None:
    params = tuple(f"name: '{name}' lr_mult: 0" for name in "mvs")
    text = several(batch_norm("a", "data", param=params), conv("c", "a"), batch_norm("b", "c", param=params))
    assert problems(text) == []


@pytest.mark.parametrize(
    "rates",
    [
        "blobs_lr: 1 blobs_lr: 2",
        "weight_decay: [1, 0]",
        "param: ['w', 'b']",
        "blob_share_mode: [STRICT, STRICT]",
    ],
)
def test_the_rates_of_an_old_layer_are_param_messages(rates: str) -> None:
    text = v1_layer("a", "CONVOLUTION", rest=f"{rates} convolution_param {{ {CONV} bias_term: false }}")
    (warning,) = diagnose(text)
    assert warning.message.endswith("it has 2 param messages, but 1 blob")
    assert diagnose(text.replace("bias_term: false", "")) == []


# Shared parameters


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (
            conv("a", param="name: 'w'"),
            conv("b", param="name: 'w'", parameters="num_output: 8 kernel_size: 5"),
            'parameter "w" has shape 8x6x5x5 in layer "b", but 8x6x3x3 in layer "a"',
        ),
        (
            conv("a", param="name: 'w'"),
            conv("b", param=("", "name: 'w'")),
            'parameter "w" has shape 8 in layer "b", but 8x6x3x3 in layer "a"',
        ),
        (
            inner_product("a", param="name: 'w'"),
            inner_product("b", param="name: 'w'", parameters="num_output: 9"),
            'parameter "w" has shape 9x? in layer "b", but 8x? in layer "a"',
        ),
        (
            conv("a", param=("name: 'w'", "name: 'w'")),
            conv("b"),
            'parameter "w" has shape 8 in layer "a", but 8x6x3x3 in layer "a"',
        ),
        (
            conv("a", param="name: 'w'"),
            conv(
                "b",
                param="name: 'w' share_mode: PERMISSIVE",
                parameters="num_output: 9 kernel_size: 3",
            ),
            'parameter "w" has shape 9x6x3x3 in layer "b", but 8x6x3x3 in layer "a"',
        ),
        (
            conv("a", param="name: 'w'"),
            conv(
                "b",
                param="name: 'w' share_mode: PERMISSIVE",
                parameters="num_output: 72 kernel_size: 1",
            ),
            None,
        ),
        (conv("a", param="name: 'w'"), conv("b", param="name: 'w'"), None),
        (conv("a", param="name: 'w'"), layer("b", "Embed", param="name: 'w'"), None),
    ],
)
def test_a_shared_parameter_of_two_shapes_is_a_warning(first: str, second: str, message: str | None) -> None:
    found = [each for each in diagnose(net(PLANE, first, second)) if each.code != "QC307"]
    assert [each.message for each in found] == ([message] if message else [])
    assert codes(found) == ([catalogue.SHARED_SHAPES.code] if message else [])


def test_a_v1_net_shares_permissively_by_blob_share_mode() -> None:
    text = net(
        "input: 'data' input_dim: [1, 6, 32, 32]",
        v1_layer("a", "CONVOLUTION", rest=f"param: 'w' convolution_param {{ {CONV} }}"),
        v1_layer(
            "b",
            "CONVOLUTION",
            rest="param: 'w' blob_share_mode: PERMISSIVE convolution_param { num_output: 72 kernel_size: 1 }",
        ),
    )
    assert codes(diagnose(text)) == [catalogue.SHARED_PARAMETERS.code]
    assert codes(diagnose(text.replace("PERMISSIVE", "STRICT"))) == ["QC325", "QC307"]
