"""Which layers can be quantized: reference 5.1, 5.2 and 5.5, and the layer type file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft7Validator

from quantcfg import contracts
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.editions.caffe import (
    CAFFE,
    caffe_types,
    execution,
    operation_parameters,
    output_shapes,
    shapes,
    signs,
)
from quantcfg.network.network import Shape
from tests.networks import (
    batch_norm,
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
    v1_layer,
    weights,
)

PLANE = "only 2-D convolutions are supported, this one is"
DILATION = "only dilation 1 is supported"
GROUP = "only one group is supported"
TRANSPOSED = "a transposed weight is not supported"
AXIS = "only axis 1 is supported"
AVERAGE = "only average pooling is supported"
GLOBAL = "global pooling is not supported"

CONVOLUTIONS = {"Convolution": conv, "Deconvolution": deconv}


def obstacle(text: str, name: str = "x", shape: Shape | None = None) -> str | None:
    """Return why a layer is not quantizable, with a weight of some shape if there is one."""
    return network(text, weights({name: shape}) if shape is not None else None).by_name[name].obstacle


def non_uniform_obstacle(text: str) -> str | None:
    read = network(text).by_name["x"]
    return CAFFE.layer_types.reason(Feature.NON_UNIFORM, read.type, read.attributes)


# Uniform quantization (5.1)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("", None),
        ("transpose: false", None),
        ("transpose: true", TRANSPOSED),
        ("axis: 1", None),
        ("axis: 2", f"{AXIS}, this is 2"),
        ("axis: 0", f"{AXIS}, this is 0"),
        ("axis: -1", f"{AXIS}, this is -1"),
        ("transpose: true axis: 2", TRANSPOSED),
        ("bias_term: false", None),
    ],
)
def test_an_inner_product_must_be_on_axis_1_and_not_transposed(parameters: str, reason: str | None) -> None:
    assert obstacle(inner_product("x", parameters=parameters)) == reason


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ("pool: AVE", None),
        ("", f"{AVERAGE}, this is MAX"),
        ("pool: MAX", f"{AVERAGE}, this is MAX"),
        ("pool: STOCHASTIC", f"{AVERAGE}, this is STOCHASTIC"),
        ("pool: AVE global_pooling: false", None),
        ("pool: AVE global_pooling: true", GLOBAL),
        ("pool: MAX global_pooling: true", f"{AVERAGE}, this is MAX"),
        ("pool: AVE kernel_size: 7", None),
        ("pool: AVE kernel_h: 1 kernel_w: 7", None),
    ],
)
def test_a_pooling_must_be_average_and_not_global(parameters: str, reason: str | None) -> None:
    assert obstacle(pool("x", parameters=parameters)) == reason


@pytest.mark.parametrize(
    ("parameters", "rank"),
    [
        ("", 4),
        ("kernel_size: 3", 4),
        ("kernel_size: 3 kernel_size: 5", 4),
        ("kernel_size: [3, 5]", 4),
        ("kernel_size: [3, 3, 3]", 5),
        ("kernel_size: 3 kernel_size: 3 kernel_size: 3", 5),
        ("kernel_size: [3, 3, 3, 3]", 6),
        ("kernel_h: 3 kernel_w: 5", 4),
        ("kernel_h: 3", 4),
        ("kernel_w: 3", 4),
    ],
)
@pytest.mark.parametrize("layer_type", CONVOLUTIONS)
def test_the_filter_of_a_convolution_must_have_4_dimensions(
    layer_type: str, parameters: str, rank: int
) -> None:
    text = CONVOLUTIONS[layer_type]("x", parameters=parameters)
    assert obstacle(text) == (None if rank == 4 else f"{PLANE} {rank - 2}-D")


@pytest.mark.parametrize("group", [1, 2, 64])
@pytest.mark.parametrize("layer_type", CONVOLUTIONS)
def test_a_convolution_may_have_any_group(layer_type: str, group: int) -> None:
    assert obstacle(CONVOLUTIONS[layer_type]("x", parameters=f"kernel_size: 3 group: {group}")) is None


DILATIONS = [
    ("", None),
    ("dilation: 1", None),
    ("dilation: 1 dilation: 1", None),
    ("dilation: [1, 1]", None),
    ("dilation: 2", f"{DILATION}, this is 2"),
    ("dilation: [1, 2]", f"{DILATION}, this is 1, 2"),
    ("dilation: [2, 1]", f"{DILATION}, this is 2, 1"),
    ("dilation: [4, 4]", f"{DILATION}, this is 4, 4"),
]


@pytest.mark.parametrize(("dilation", "reason"), DILATIONS)
def test_a_deconvolution_must_have_dilation_1(dilation: str, reason: str | None) -> None:
    assert obstacle(deconv("x", parameters=f"kernel_size: 3 {dilation}")) == reason


@pytest.mark.parametrize("dilation", [dilation for dilation, _ in DILATIONS])
def test_a_convolution_may_have_any_dilation(dilation: str) -> None:
    assert obstacle(conv("x", parameters=f"kernel_size: 3 {dilation}")) is None


@pytest.mark.parametrize(
    "layer_type",
    ["Input", "ReLU", "BatchNorm", "Scale", "Eltwise", "LSTM", "PReLU", "Softmax", "ConvolutionDepthwise"],
)
def test_any_other_type_is_not_quantizable(layer_type: str) -> None:
    assert obstacle(layer("x", layer_type)) == f"type {layer_type} is not supported"


def test_four_types_are_quantizable_and_three_of_them_take_in_others() -> None:
    assert set(CAFFE.layer_types.quantizable) == {
        "Convolution",
        "Deconvolution",
        "InnerProduct",
        "Pooling",
    }
    assert set(CAFFE.layer_types.fusible) == {"Convolution", "Deconvolution", "InnerProduct"}


@pytest.mark.parametrize(
    ("layer_type", "channel_wise", "has_weights"),
    [
        ("Convolution", True, True),
        ("Deconvolution", True, True),
        ("InnerProduct", False, True),
        ("Pooling", False, False),
        ("ReLU", False, False),
    ],
)
def test_a_type_has_factors_for_each_channel_and_weights_or_not(
    layer_type: str, channel_wise: bool, has_weights: bool
) -> None:
    assert CAFFE.layer_types.channel_wise(layer_type) == channel_wise
    assert caffe_types.has_weights(layer_type) == has_weights


def test_the_network_lists_its_quantizable_layers_in_order() -> None:
    read = network(net(conv("z"), relu("r", "z"), pool("a", "r"), inner_product("m", "a")))
    assert [each.name for each in read.quantizable] == ["z", "a", "m"]


# Non-uniform quantization (5.5)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (conv("x"), None),
        (conv("x", parameters="kernel_size: 3 group: 1 dilation: 1"), None),
        (conv("x", parameters="kernel_size: 3 group: 2"), f"{GROUP}, this has 2"),
        (conv("x", parameters="kernel_size: 3 dilation: [1, 2]"), f"{DILATION}, this is 1, 2"),
        (conv("x", parameters="kernel_size: [3, 3, 3]"), f"{PLANE} 3-D"),
        (inner_product("x"), None),
        (inner_product("x", parameters="transpose: true"), TRANSPOSED),
        (inner_product("x", parameters="axis: 2"), f"{AXIS}, this is 2"),
        (deconv("x"), "type Deconvolution is not supported"),
        (pool("x"), "type Pooling is not supported"),
        (relu("x", "data"), "type ReLU is not supported"),
    ],
)
def test_non_uniform_quantization_asks_for_more(text: str, reason: str | None) -> None:
    assert non_uniform_obstacle(text) == reason


# The rank of a filter


INPUTS = {
    "input_shape": "input: 'data' input_shape {{ {} }}",
    "Input layer": "layer {{ name: 'data' type: 'Input' top: 'data' input_param {{ shape {{ {} }} }} }}",
}


@pytest.mark.parametrize(
    ("dimensions", "rank"),
    [
        ("dim: 1 dim: 3 dim: 32 dim: 32", 4),
        ("dim: [1, 3, 16, 32, 32]", 5),
        ("dim: 1 dim: 3 dim: 32", 3),
    ],
    ids=["2D", "3D", "1D"],
)
@pytest.mark.parametrize("form", INPUTS)
def test_one_kernel_size_is_for_all_spatial_axes(form: str, dimensions: str, rank: int) -> None:
    text = net(
        INPUTS[form].format(dimensions), relu("r", "data", top="data"), pool("p", "data"), conv("x", "p")
    )
    assert network(text).by_name["x"].attributes["spatial_axes"] == rank - 2


@pytest.mark.parametrize(
    "parameters", ["kernel_size: [3, 3]", "kernel_h: 3 kernel_w: 3", "kernel_h: 3", "kernel_w: 3"]
)
def test_several_kernel_sizes_count_more_than_the_input(parameters: str) -> None:
    text = net(INPUTS["input_shape"].format("dim: [1, 3, 16, 32, 32]"), conv("x", parameters=parameters))
    assert obstacle(text) is None


def test_a_rank_comes_through_several_layers() -> None:
    text = net(
        INPUTS["Input layer"].format("dim: [1, 1, 64, 64, 64]"),
        conv("c1"),
        batch_norm("bn", "c1", top="c1"),
        scale("sc", "c1", top="c1"),
        relu("r", "c1"),
        layer("cat", "Concat", ("r", "data")),
        deconv("x", "cat"),
        conv("y", "x"),
    )
    ranks = {each.name: each.attributes.get("spatial_axes") for each in network(text).layers}
    assert ranks["x"] == ranks["y"] == 3
    assert obstacle(text, "y") == f"{PLANE} 3-D"


@pytest.mark.parametrize("layer_type", ["PoolingND", "Pooling3D", "Permute", "convolution"])
@pytest.mark.parametrize("dims", [[1, 3, 8, 8], [1, 3, 8, 8, 8], [1, 3, 8]])
def test_a_rank_comes_through_a_layer_of_an_unknown_type(layer_type: str, dims: list[int]) -> None:
    text = net(
        f"input: 'in' input_shape {{ dim: {dims} }}",
        layer("a", layer_type, "in", ("a", "mask")),
        layer("b", layer_type, "a"),
        conv("x", "b"),
        deconv("y", "mask"),
    )
    read = network(text).by_name
    assert [read[name].attributes["spatial_axes"] for name in "xy"] == [len(dims) - 2] * 2
    assert [read[name].quantizable for name in "xy"] == [len(dims) == 4] * 2


@pytest.mark.parametrize("layer_type", ["POOLING3D", "UNPOOLING", "WARP", "99"])
@pytest.mark.parametrize("dims", [[1, 3, 8, 8], [1, 3, 8, 8, 8]])
def test_a_rank_comes_through_a_v1_layer_of_an_unknown_type(layer_type: str, dims: list[int]) -> None:
    text = net(
        f"input: 'in' input_shape {{ dim: {dims} }}",
        v1_layer("a", layer_type, "in"),
        v1_layer("x", "CONVOLUTION", "a", rest="convolution_param { num_output: 8 kernel_size: 3 }"),
    )
    read = network(text).by_name["x"]
    assert read.title == (None if len(dims) == 4 else "3-D convolution")


@pytest.mark.parametrize(
    ("bottoms", "rank"), [(("deep", "flat"), 5), (("flat", "deep"), 4), (("open", "deep"), 4)]
)
@pytest.mark.parametrize("layer_type", ["Scale", "Concat", "Eltwise"])
def test_the_first_input_decides_the_rank_of_the_output(
    layer_type: str, bottoms: tuple[str, str], rank: int
) -> None:
    text = net(
        "input: 'deep' input_shape { dim: [1, 3, 8, 8, 8] }",
        "input: 'flat' input_shape { dim: [1, 3, 8, 8] }",
        layer("open", "HDF5Data", (), "open"),
        layer("both", layer_type, bottoms, "out"),
        conv("x", "out"),
    )
    assert network(text).by_name["x"].attributes["spatial_axes"] == rank - 2


@pytest.mark.parametrize(("bottoms", "rank"), [(("deep", "flat"), 5), (("flat", "deep"), 4)])
def test_the_first_input_decides_the_rank_of_a_filter(bottoms: tuple[str, str], rank: int) -> None:
    text = net(
        "input: 'deep' input_shape { dim: [1, 3, 8, 8, 8] }",
        "input: 'flat' input_shape { dim: [1, 3, 8, 8] }",
        conv("x", bottoms, ("x", "y")),
    )
    assert network(text).by_name["x"].attributes["spatial_axes"] == rank - 2


@pytest.mark.parametrize(
    ("shapes", "ranks"),
    [
        ("shape { dim: [1, 3, 8, 8, 8] }", [5, 5]),
        ("shape { dim: [1, 3, 8, 8, 8] } shape { dim: [1, 3, 8, 8] }", [5, 4]),
        ("", [4, 4]),
    ],
    ids=["one for all", "one for each", "none"],
)
def test_an_input_layer_has_a_shape_for_each_top_or_one_for_all(shapes: str, ranks: list[int]) -> None:
    text = net(layer("in", "Input", (), ("a", "b"), input_param=shapes), conv("x", "a"), conv("y", "b"))
    read = network(text)
    assert [read.by_name[name].attributes["spatial_axes"] for name in "xy"] == [rank - 2 for rank in ranks]


def test_each_input_of_the_network_has_its_own_shape() -> None:
    text = net(
        "input: 'a' input_shape { dim: [1, 3, 8, 8] }",
        "input: 'b' input_shape { dim: [1, 3, 8, 8, 8] }",
        "input: 'c' input_shape { dim: [1, 3, 8, 8] }",
        *(conv(f"conv_{name}", name) for name in "abc"),
    )
    assert [each.attributes["spatial_axes"] for each in network(text).layers] == [2, 3, 2]


@pytest.mark.parametrize(
    "text",
    [
        net("input: 'data' input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8", conv("x")),
        net(layer("data", "Data", (), "data"), conv("x")),
        conv("x", "nowhere"),
        conv("x", ()),
    ],
    ids=["input_dim", "a data layer", "no writer", "no bottom"],
)
def test_an_input_of_which_nothing_is_said_has_4_dimensions(text: str) -> None:
    assert obstacle(text) is None


@pytest.mark.parametrize(
    ("parameters", "bottom", "shape", "reason"),
    [
        ("kernel_size: 3", "open", (8, 3, 3, 3), None),
        ("kernel_size: 3", "open", (8, 3, 3, 3, 3), f"{PLANE} 3-D"),
        ("kernel_size: 3", "open", (), None),
        ("kernel_size: 3", "open", (8,), None),
        ("kernel_size: 3", "open", (8, 27), None),
        ("kernel_size: 3", "open", (8, 3, 3), f"{PLANE} 1-D"),
        ("kernel_size: 3", "data", (8, 3, 3, 3, 3), None),
        ("kernel_size: 3", "data", (8, 27), None),
        ("kernel_size: [3, 3, 3]", "open", (8, 3, 3, 3), f"{PLANE} 3-D"),
        ("kernel_h: 3 kernel_w: 3", "open", (8, 3, 3), None),
    ],
)
@pytest.mark.parametrize("layer_type", CONVOLUTIONS)
def test_the_weights_decide_the_rank_only_where_the_prototxt_leaves_it_open(
    layer_type: str, parameters: str, bottom: str, shape: Shape, reason: str | None
) -> None:
    text = net(
        layer("open", "HDF5Data", (), "open"),
        CONVOLUTIONS[layer_type]("x", bottom, parameters=f"num_output: 8 {parameters}"),
    )
    assert obstacle(text, shape=shape) == reason


@pytest.mark.parametrize("dims", [[8], [8, 3], [8, 3, 3]])
def test_an_axis_that_the_input_does_not_have_says_nothing_of_the_rank(dims: list[int]) -> None:
    text = net(
        f"input: 'in' input_shape {{ dim: {dims} }}",
        conv("x", "in", parameters="num_output: 8 kernel_size: 3 axis: 3"),
    )
    assert obstacle(text) is None
    assert codes(diagnose(text)) == [catalogue.CANNOT_SET_UP.code]


@pytest.mark.parametrize("rank", range(6))
def test_weights_without_a_spatial_axis_do_not_fit_and_leave_the_layer_in(rank: int) -> None:
    text = net(
        layer("open", "Python", (), "open"), conv("x", "open", parameters="num_output: 8 kernel_size: 3")
    )
    stored = weights({"x": (8, 3, 3, 3, 3)[:rank]})
    assert codes(diagnose(text, stored)) == ([catalogue.OTHER_WEIGHTS.code] if rank < 3 else [])
    read = network(text, stored).by_name["x"]
    assert read.attributes["spatial_axes"] == (2 if rank < 3 else rank - 2)
    assert read.title == (f"{rank - 2}-D convolution" if rank in (3, 5) else None)


def test_the_prototxt_decides_the_rank_of_a_weight_without_shape() -> None:
    text = net(conv("x", parameters="kernel_size: [3, 3, 3]"), conv("y"))
    read = network(text, weights({"x": None, "y": None}))
    assert [each.quantizable for each in read.layers] == [False, True]
    assert [each.weight_shape for each in read.layers] == [None, None]


@pytest.mark.parametrize("shape", [(64, 1024), (1, 1, 64, 1024), (64,), ()])
def test_the_rank_of_an_inner_product_does_not_matter(shape: Shape) -> None:
    read = network(inner_product("x"), weights({"x": shape})).by_name["x"]
    assert read.quantizable
    assert read.weight_shape == shape


# Shared parameters (5.2)


def test_layers_that_share_parameters_are_not_quantizable() -> None:
    text = net(
        conv("a", param=("name: 'w'", "name: 'b'")),
        conv("b", param=("name: 'w'", "name: 'b'")),
        conv("c"),
    )
    (warning,) = diagnose(text)
    assert (warning.code, warning.severity) == (catalogue.SHARED_PARAMETERS.code, Severity.WARNING)
    assert warning.message == '"a" and "b" are not quantized because they share parameters'
    assert warning.span
    assert warning.span.start == text.index("'w'")
    assert [related.span.start for related in warning.related] == [text.rindex("'w'")]
    assert obstacle(text, "a") == 'it shares parameters with "b"'
    assert obstacle(text, "b") == 'it shares parameters with "a"'
    assert obstacle(text, "c") is None


def test_layers_of_a_v1_network_share_parameters_by_their_names_alone() -> None:
    text = net(
        v1_layer("a", "INNER_PRODUCT", rest="param: 'w' param: 'b' inner_product_param { num_output: 8 }"),
        v1_layer("b", "INNER_PRODUCT", rest="param: ['w', 'b'] inner_product_param { num_output: 8 }"),
        v1_layer("c", "INNER_PRODUCT", rest="param: 'own' inner_product_param { num_output: 8 }"),
    )
    assert codes(diagnose(text)) == [catalogue.SHARED_PARAMETERS.code]
    assert [each.quantizable for each in network(text).layers] == [False, False, True]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("name: 'w'", ""), ("name: 'w'", "")),
        (("", "name: 'b'"), ("", "name: 'b'")),
        (("name: 'w'", "name: 'b'"), ("name: 'w'", "name: 'b2'")),
    ],
    ids=["the weight", "the bias", "one of two"],
)
def test_one_shared_parameter_is_enough(first: tuple[str, str], second: tuple[str, str]) -> None:
    text = net(conv("a", param=first), conv("b", param=second))
    assert codes(diagnose(text)) == [catalogue.SHARED_PARAMETERS.code]
    assert [each.quantizable for each in network(text).layers] == [False, False]


def test_the_whole_group_is_named() -> None:
    text = net(*(conv(name, param="name: 'w'") for name in "abc"))
    (warning,) = diagnose(text)
    assert warning.message == '"a", "b" and "c" are not quantized because they share parameters'
    assert len(warning.related) == 2
    assert obstacle(text, "b") == 'it shares parameters with "a" and "c"'


def test_groups_are_reported_each() -> None:
    text = net(
        conv("a", param="name: 'w1'"),
        conv("b", param=("name: 'w1'", "name: 'b'")),
        conv("c", param=("", "name: 'b'")),
    )
    assert [warning.message.split(" are not quantized")[0] for warning in diagnose(text)] == [
        '"a" and "b"',
        '"b" and "c"',
    ]
    assert not network(text).quantizable


@pytest.mark.parametrize(
    "text",
    [
        net(conv("a", param="name: 'w'"), conv("b", param="name: 'v'")),
        net(conv("a", param="name: ''"), conv("b", param="name: ''")),
        net(conv("a", param="lr_mult: 1"), conv("b", param="lr_mult: 1")),
        net(conv("a", param="name: 'w'"), conv("b", param="name: 'w'", include="phase: TRAIN")),
    ],
    ids=["other names", "empty names", "no names", "with a layer of phase TRAIN"],
)
def test_a_layer_that_shares_with_no_other_is_quantizable(text: str) -> None:
    assert not diagnose(text)
    assert network(text).by_name["a"].quantizable


def test_layers_that_are_never_quantized_may_share_without_a_word() -> None:
    text = net(conv("c"), scale("a", "c", param="name: 'w'"), scale("b", "a", param="name: 'w'"))
    assert not diagnose(text)
    assert network(text).by_name["a"].obstacle == "type Scale is not supported"


def test_a_layer_that_shares_with_one_of_another_type_is_not_quantizable() -> None:
    text = net(conv("a", param="name: 'w'"), layer("b", "Embed", "a", param="name: 'w'"))
    assert codes(diagnose(text)) == [catalogue.SHARED_PARAMETERS.code]
    assert obstacle(text, "a") == 'it shares parameters with "b"'
    assert obstacle(text, "b") == "type Embed is not supported"


def test_a_condition_that_is_not_met_is_the_first_reason() -> None:
    text = net(
        inner_product("x", param="name: 'w'", parameters="axis: 2"), inner_product("y", param="name: 'w'")
    )
    assert obstacle(text) == f"{AXIS}, this is 2"


# The capability file


CAPABILITIES: dict[str, Any] = contracts.schema("caffe_layers.json")
KINDS = ("quantizable", "non_uniform", "foldable")


def conditions() -> list[tuple[str, str]]:
    return [
        (layer_type, kind)
        for layer_type, known in CAPABILITIES["layer_types"].items()
        for kind in KINDS
        if kind in known
    ]


def test_the_capability_file_fits_its_schema() -> None:
    schema = contracts.schema("caffe_layers.schema.json")
    Draft7Validator.check_schema(schema)
    Draft7Validator(schema).validate(CAPABILITIES)
    assert files("quantcfg.schemas").joinpath(CAPABILITIES["$schema"]).is_file()


def test_the_capability_file_says_nothing_twice() -> None:
    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len(dict(pairs)) == len(pairs), pairs
        return dict(pairs)

    text = files("quantcfg.schemas").joinpath("caffe_layers.json").read_text(encoding="utf-8")
    assert json.loads(text, object_pairs_hook=distinct) == CAPABILITIES


@pytest.mark.parametrize("layer_type", [*CAPABILITIES["layer_types"], *CAPABILITIES["fork_layer_types"]])
def test_the_parameters_of_a_type_are_a_message_of_a_layer(layer_type: str) -> None:
    layers = [("caffe", "caffe.LayerParameter"), ("caffe_operations", "caffe_operations.Layer")]
    fields = [contracts.message_class(*layer).DESCRIPTOR.fields_by_name for layer in layers]
    name = caffe_types.parameter_field(layer_type)
    assert name is None or [each[name].message_type for each in fields if name in each]


def test_the_types_of_forks_are_not_those_of_bvlc_caffe() -> None:
    assert CAPABILITIES["layer_types"].keys().isdisjoint(CAPABILITIES["fork_layer_types"])


@pytest.mark.parametrize(
    ("key", "functions"),
    [("output", {**output_shapes._RULES, **shapes._RULES}), ("never_negative", signs._RULES)],
)
def test_every_rule_is_one_that_the_meta_schema_knows_and_a_type_uses_and_has_a_function(
    key: str, functions: Mapping[str, object]
) -> None:
    types = {**CAPABILITIES["layer_types"], **CAPABILITIES["fork_layer_types"]}
    meta_schema = contracts.schema("caffe_layers.schema.json")
    rules = set(meta_schema["definitions"]["layer_type"]["properties"][key]["enum"])
    assert {known[key] for known in types.values() if key in known} == rules == functions.keys()


def test_rules_for_some_outputs_are_named_after_them() -> None:
    rules = output_shapes._RULES.keys()
    assert operation_parameters._NORMALIZED.keys() <= rules
    assert execution._OBSTACLES.keys() <= rules


@pytest.mark.parametrize(("layer_type", "kind"), conditions())
def test_a_condition_is_a_schema_on_attributes_that_there_are(layer_type: str, kind: str) -> None:
    known = CAPABILITIES["layer_types"][layer_type]
    condition = known[kind]
    if "$ref" in condition:
        prefix, _, name = condition["$ref"].rpartition("/")
        assert prefix == "#/definitions"
        condition = CAPABILITIES["definitions"][name]
    Draft7Validator.check_schema(condition)
    fields = contracts.message_class("caffe", "caffe.LayerParameter").DESCRIPTOR.fields_by_name
    parameters = fields[known["parameters"]].message_type
    assert parameters is not None
    attributes = set(parameters.fields_by_name)
    if "kernel_size" in attributes:
        attributes.add("spatial_axes")
    assert condition["properties"].keys() <= attributes


def test_every_definition_is_used() -> None:
    used = {
        CAPABILITIES["layer_types"][layer_type][kind].get("$ref", "").rpartition("/")[2]
        for layer_type, kind in conditions()
    }
    assert used - {""} == CAPABILITIES["definitions"].keys()


def test_fusion_patterns_are_of_types_that_can_be_fused_around_one_that_takes_them_in() -> None:
    types = CAPABILITIES["layer_types"]
    for pattern in CAPABILITIES["fusion_patterns"]:
        assert sum("quantizable" in types[layer_type] for layer_type in pattern["layers"]) == 1
        assert (
            sum("foldable" in types[layer_type] for layer_type in pattern["layers"])
            == len(pattern["layers"]) - 1
        )


DECODER = net(
    layer("z", "Input", (), "z", input_param="shape { dim: 64 dim: 100 }"),
    inner_product("fc", "z"),
    layer("shaped", "Reshape", "fc", reshape_param="shape { dim: 0 dim: 256 dim: 4 dim: 4 }"),
    deconv("up", "shaped", parameters="num_output: 8 kernel_size: 4"),
)


def test_the_rank_of_the_input_says_nothing_behind_a_layer_that_changes_it() -> None:
    assert network(DECODER).by_name["up"].quantizable


def test_of_a_large_sharing_group_only_some_are_named() -> None:
    group = [conv(f"conv{index}", param='name: "w"') for index in range(400)]
    (finding,) = diagnose(net(*group))
    assert finding.code == "QC307"
    assert len(finding.related) < 10
    assert network(net(*group)).by_name["conv7"].obstacle == (
        'it shares parameters with "conv0", "conv1", "conv2", "conv3" and "conv4" and 394 more'
    )


@pytest.mark.parametrize(
    ("dims", "axis", "rank"),
    [([1, 3, 8, 8, 8], 2, 4), ([1, 3, 8, 8, 8], -3, 4), ([1, 3, 8, 8], 2, 3), ([1, 3, 8, 8], 1, 4)],
)
def test_the_spatial_dimensions_are_those_behind_the_axis(dims: list[int], axis: int, rank: int) -> None:
    text = net(
        layer("data", "Input", (), "data", input_param=f"shape {{ dim: {dims} }}"),
        conv("conv", parameters=f"kernel_size: 3 axis: {axis}"),
    )
    found = network(text).by_name["conv"]
    assert found.attributes["spatial_axes"] == rank - 2
    assert found.quantizable == (rank == 4)


def test_the_reason_names_the_first_group_that_a_layer_shares_with() -> None:
    text = net(
        conv("a", param=['name: "w"', 'name: "b"']),
        conv("b", param='name: "w"'),
        conv("c", param='name: "b"'),
    )
    assert network(text).by_name["a"].obstacle == 'it shares parameters with "b"'
