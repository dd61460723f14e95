"""Which nodes are layers that can be quantized, and which are fused (reference 5, 6.1, 6.2, 6.3, 14)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jsonschema import Draft7Validator
from onnx import NodeProto, SparseTensorProto, TensorProto, helper, numpy_helper
from referencing import Registry, Resource

from quantcfg import contracts
from quantcfg.contracts.layer_types import Feature
from quantcfg.editions import edition_named
from quantcfg.network.layer_table import layer_table
from tests.onnx.models import (
    FLOAT16,
    WEIGHTS,
    batch_norm,
    conv,
    diagnose,
    graph,
    layer,
    model,
    network,
    node,
    read,
    tensor,
    value,
)

TYPES = edition_named("onnx").layer_types
CONSTANT = "the weight must be a constant or an initializer, this one is {}"
SYMMETRIC = "a MatMul whose second input is {}, not a constant, is always symmetric"


def gemm(weight: str = "m", **attributes: Any) -> NodeProto:
    return node("Gemm", ["data", weight], ["fc_out"], name="fc", **attributes)


def matmul(first: str = "data", second: str = "m") -> NodeProto:
    return node("MatMul", [first, second], ["fc_out"], name="fc")


def deconv(weight: str = "w", **attributes: Any) -> NodeProto:
    return node("ConvTranspose", ["data", weight], ["up_out"], name="up", **attributes)


def pool(*kernel: int) -> NodeProto:
    return node("AveragePool", ["data"], ["pool_out"], name="pool", kernel_shape=kernel)


def ranked(rank: int) -> tuple[TensorProto]:
    return (tensor("w", *[3] * rank),)


# Conditions of 6.1, with the models of 6.2


@pytest.mark.parametrize(
    ("made", "rank", "reason", "title"),
    [
        (conv(), 4, None, None),
        (conv(), 5, None, None),
        (conv(), 3, "only 4-D and 5-D inputs are supported, this is a 1-D convolution", "1-D convolution"),
        (conv(), 6, "only 4-D and 5-D inputs are supported, this is a 4-D convolution", "4-D convolution"),
        (conv(), 0, "only 4-D and 5-D inputs are supported, this is a 0-D convolution", "0-D convolution"),
        (conv(group=3, dilations=[2, 2]), 4, None, None),
        (deconv(), 4, None, None),
        (deconv(), 3, "only 4-D inputs are supported, this is a 1-D deconvolution", "1-D deconvolution"),
        (deconv(), 5, "only 4-D inputs are supported, this is a 3-D deconvolution", "3-D deconvolution"),
        (gemm("w"), 2, None, None),
        (gemm("w", transB=1), 2, None, None),
        (gemm("w", transA=1), 2, "a transposed first input is not supported", "transposed input"),
        (gemm("w", alpha=0.1), 2, "alpha must be 1, this is 0.1", "alpha 0.1"),
        (gemm("w", alpha=1.0, beta=1.0), 2, None, None),
        (gemm("w", beta=0.0), 2, "beta must be 1, this is 0.0", "beta 0.0"),
        (matmul("data", "w"), 2, None, None),
        (matmul("data", "w"), 3, None, None),
        (
            matmul("data", "w"),
            1,
            "the constant must have rank 2 or 3, this one has rank 1",
            "constant of rank 1",
        ),
        (
            matmul("data", "w"),
            4,
            "the constant must have rank 2 or 3, this one has rank 4",
            "constant of rank 4",
        ),
        (pool(2, 2), 4, None, None),
        (pool(2), 4, "only 4-D inputs are supported, this one is 1-D pooling", "1-D pooling"),
        (pool(2, 2, 2), 4, "only 4-D inputs are supported, this one is 3-D pooling", "3-D pooling"),
        (
            node("AveragePool", ["data"], ["out"], name="p"),
            4,
            "kernel_shape is missing",
            "kernel_shape missing",
        ),
        (
            node("AveragePool", ["data"], ["out"], name="p", kernel_shape=2),
            4,
            "kernel_shape is missing",
            "kernel_shape missing",
        ),
        (gemm("w", alpha="1.0"), 2, "alpha must be 1, this is not a number", "alpha not a number"),
    ],
)
def test_a_condition_decides_and_says_why(
    made: NodeProto, rank: int, reason: str | None, title: str | None
) -> None:
    found = layer(made, initializers=ranked(rank))
    assert (found.obstacle, found.title) == (reason, title)


@pytest.mark.parametrize(
    "op_type", ["GlobalAveragePool", "LSTM", "GRU", "Relu", "QuantizeLinear", "QLinearConv"]
)
def test_another_type_is_never_quantized(op_type: str) -> None:
    found = layer(node(op_type, ["data", "w"], ["out"], name="x"))
    assert (found.obstacle, found.title) == (f"type {op_type} is not supported", None)


@pytest.mark.parametrize("op_type", ["MaxPool", "Add"])
def test_of_some_types_only_inputs_are_quantized(op_type: str) -> None:
    found = layer(node(op_type, ["data", "w"], ["out"], name="x"))
    assert (found.obstacle, found.title) == ("only its inputs can be quantized, by tensor_quantize", None)


def test_an_operator_of_another_domain_is_another_type() -> None:
    found = layer(node("Conv", ["data", "w"], ["out"], name="x", domain="com.example"))
    assert (found.type, found.obstacle) == ("com.example.Conv", "type com.example.Conv is not supported")
    assert layer(node("Conv", ["data", "w"], ["out"], name="x", domain="ai.onnx")).quantizable


# The weight


def constant(output: str = "k", **values: Any) -> NodeProto:
    return node("Constant", [], [output], **values)


def test_a_constant_is_a_weight_like_an_initializer() -> None:
    made = numpy_helper.from_array(np.zeros((8, 3, 3, 3), np.float32), "inner")
    found = layer(constant(value=made), conv(weight="k"))
    assert (found.quantizable, found.weight_shape, found.bottoms) == (True, (8, 3, 3, 3), ("data",))


def test_an_initializer_that_is_an_input_too_is_a_weight() -> None:
    found = layer(conv(), inputs=[value("data", 1, 3, 8, 8), value("w", 8, 3, 3, 3)])
    assert (found.quantizable, found.weight_shape) == (True, (8, 3, 3, 3))


def test_a_sparse_initializer_is_a_weight() -> None:
    sparse = SparseTensorProto(values=tensor("s", 1), indices=tensor("", 1), dims=[8, 3, 3, 3])
    found = layer(conv(weight="s"), sparse_initializer=[sparse])
    assert (found.quantizable, found.weight_shape) == (True, (8, 3, 3, 3))


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ({"value_float": 1.0}, ()),
        ({"value_int": 1}, ()),
        ({"value_floats": [1.0, 2.0]}, (2,)),
        ({"value_ints": [1, 2, 3]}, (3,)),
    ],
)
def test_a_constant_may_be_numbers(values: dict[str, Any], shape: tuple[int, ...]) -> None:
    found = layer(constant(**values), matmul("data", "k"))
    assert found.weight_shape == shape
    assert found.attributes["weight"] == "constant"
    assert found.attributes["weight_rank"] == len(shape)


def test_a_sparse_constant_has_a_shape() -> None:
    sparse = helper.make_sparse_tensor(
        numpy_helper.from_array(np.ones(1, np.float32), "v"),
        numpy_helper.from_array(np.zeros(1, np.int64)),
        [4, 5],
    )
    assert layer(constant(sparse_value=sparse), matmul("data", "k")).weight_shape == (4, 5)


@pytest.mark.parametrize(
    ("before", "weight", "kind"),
    [
        ([], "data", "a graph input"),
        ([node("ConstantOfShape", ["p"], ["k"])], "k", "an output of ConstantOfShape"),
        ([node("Identity", ["w"], ["k"])], "k", "an output of Identity"),
        ([node("Transpose", ["w"], ["k"])], "k", "an output of Transpose"),
        ([node("DequantizeLinear", ["w", "p"], ["k"])], "k", "an output of DequantizeLinear"),
        ([node("Custom", ["w"], ["k"], domain="a.b")], "k", "an output of a.b.Custom"),
        ([], "nowhere", "not defined"),
        ([], "", "missing"),
    ],
)
@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose", "Gemm"])
def test_any_other_weight_is_the_reason(
    op_type: str, before: list[NodeProto], weight: str, kind: str
) -> None:
    found = layer(*before, node(op_type, ["data", weight], ["out"], name="x"))
    assert (found.obstacle, found.title) == (CONSTANT.format(kind), f"weight is {kind}")
    assert found.weight_shape is None


def test_a_node_may_lack_its_weight() -> None:
    assert layer(node("Conv", ["data"], ["out"], name="x")).obstacle == CONSTANT.format("missing")


def test_two_variable_inputs_are_always_symmetric() -> None:
    found = layer(node("Relu", ["data"], ["r"]), matmul("data", "r"))
    assert found.quantizable
    assert found.bottoms == ("data", "r")
    obstacle = TYPES.obstacle(Feature.ASYMMETRIC, found.type, found.attributes)
    assert obstacle
    assert obstacle.reason == SYMMETRIC.format("an output of Relu")


@pytest.mark.parametrize("op_type", ["Transpose", "Identity", "Cast"])
def test_a_constant_behind_another_node_is_variable_for_a_matmul(op_type: str) -> None:
    found = layer(node(op_type, ["m"], ["t"]), matmul("data", "t"))
    assert (found.quantizable, found.attributes["weight"]) == (True, f"an output of {op_type}")
    assert "weight_rank" not in found.attributes
    reason = TYPES.reason(Feature.ASYMMETRIC, found.type, found.attributes)
    assert reason == SYMMETRIC.format(f"an output of {op_type}")


def test_the_table_says_which_nodes_are_always_symmetric() -> None:
    table = layer_table(network(matmul("data", "m"), node("MatMul", ["m", "data"], ["left"], name="left")))
    assert [line.partition("MatMul")[2].split()[:3] for line in table.splitlines()[1:]] == [
        ["yes", "16x8"],
        ["yes,", "always", "symmetric"],
    ]


def test_a_constant_on_the_left_of_a_matmul_is_not_a_weight() -> None:
    found = layer(matmul("m", "data"))
    assert found.quantizable
    assert (found.attributes["weight"], found.weight_shape) == ("a graph input", None)
    assert TYPES.reason(Feature.ASYMMETRIC, found.type, found.attributes) == SYMMETRIC.format("a graph input")


def test_a_conv_without_kernel_shape_is_known_by_its_weight() -> None:
    found = layer(conv())
    assert found.attributes == {
        "weight": "constant",
        "shared_weight": False,
        "spatial_axes": 2,
        "dilations": (1, 1),
        "group": 1,
    }


def test_attributes_have_the_defaults_of_onnx() -> None:
    expected = {
        "transA": 0,
        "transB": 0,
        "alpha": 1.0,
        "beta": 1.0,
        "weight": "constant",
        "shared_weight": False,
    }
    assert layer(gemm()).attributes == expected
    assert layer(batch_norm("bn", "data")).attributes == {"training_mode": 0, "parameters": "constant"}


def test_an_attribute_that_the_file_does_not_have_is_omitted() -> None:
    assert "spatial_axes" not in layer(node("AveragePool", ["data"], ["out"], name="pool")).attributes
    assert "spatial_axes" not in layer(conv(weight="data")).attributes


def test_an_attribute_of_a_wrong_type_does_no_harm() -> None:
    layer(node("AveragePool", ["data"], ["out"], name="pool", kernel_shape=3))
    layer(conv(dilations=2, group=[1, 2]))
    layer(gemm(alpha=[1, 2], transA="yes"))


# Shared weights


def test_a_shared_weight_is_a_warning() -> None:
    made = network(
        conv("a"),
        conv("b", "a_out"),
        conv("c", "b_out", weight="v"),
        initializers=[*WEIGHTS, tensor("v", 8, 8, 3, 3)],
    )
    assert [each.attributes["shared_weight"] for each in made.layers] == [True, True, False]
    assert all(each.quantizable for each in made.layers)
    (warning,) = made.diagnostics
    assert (warning.code, warning.message) == ("QC336", '"a" and "b" share a weight')


def test_another_reader_does_not_share_a_weight() -> None:
    assert diagnose(matmul(), node("Add", ["fc_out", "m"], ["out"], name="add")) == []


def test_layers_that_are_not_quantized_share_no_weight_that_matters() -> None:
    assert diagnose(conv("a", weight="p"), conv("b", weight="p")) == []


# Warnings


@pytest.mark.parametrize(
    ("opset", "warned"), [(9, True), (10, True), (11, False), (16, False), (17, True), (None, False)]
)
def test_an_opset_out_of_range_is_a_warning(opset: int | None, warned: bool) -> None:
    assert [each.code for each in diagnose(conv(), opset=opset)] == ["QC335"] * warned


@pytest.mark.parametrize(
    "parts",
    [
        {"inputs": [value("data", 1, 3, 8, 8, element=FLOAT16)]},
        {"inputs": [], "value_info": [value("pool_out", 1, element=FLOAT16)]},
        {"inputs": [], "initializers": [tensor("w", 8, 3, 3, 3, element=FLOAT16)]},
    ],
    ids=["input", "output", "weights"],
)
def test_average_pooling_of_float16_is_a_warning(parts: dict[str, Any]) -> None:
    found = diagnose(conv(data="other"), pool(2, 2), **parts)
    assert [(each.code, each.span and each.span.text) for each in found] == [
        ("QC337", 'node 1, AveragePool "pool"')
    ]


def test_other_average_pooling_has_no_warning() -> None:
    assert diagnose(pool(2, 2)) == diagnose(pool(2, 2), inputs=[]) == []
    weights = [tensor("w", 8, 3, 3, 3, element=FLOAT16)]
    assert diagnose(conv(), pool(2, 2), initializers=weights) == []


def test_weights_of_two_types_do_not_say_what_is_pooled() -> None:
    weights = [tensor("half", 8, 3, 3, 3, element=FLOAT16), tensor("w", 8, 3, 3, 3)]
    for first, second in (("half", "w"), ("w", "half")):
        nodes = (conv("a", weight=first), conv("b", weight=second), pool(2, 2))
        assert diagnose(*nodes, inputs=[], initializers=weights) == []


def test_a_dilated_deconvolution_is_a_warning() -> None:
    (warning,) = diagnose(deconv(dilations=[2, 2]))
    assert (warning.code, warning.message) == (
        "QC338",
        'AMCT may be unable to quantize dilated ConvTranspose: "up"',
    )
    assert diagnose(deconv(dilations=[1, 1])) == diagnose(conv(dilations=[2, 2])) == []


@pytest.mark.parametrize("op_type", ["AscendQuant", "AscendDequant", "AscendAntiQuant", "IFMR"])
def test_a_network_that_amct_has_processed_is_refused(op_type: str) -> None:
    (error,) = diagnose(conv(), node(op_type, ["conv_out"], ["out"], name="q"))
    assert error.code == "QC308"


def test_every_operator_of_the_domain_of_amct_is_refused() -> None:
    (error,) = diagnose(conv(), node("New", ["conv_out"], ["out"], name="q", domain="amct.customop"))
    assert error.message == ('layer "q" has type amct.customop.New: AMCT has already processed this network')


def test_a_layer_of_amct_without_a_name_is_refused() -> None:
    (error,) = diagnose(conv(), node("AscendQuant", ["conv_out"], ["out"]))
    assert error.message == "a layer has type AscendQuant: AMCT has already processed this network"


def test_operators_of_amct_in_subgraphs_and_functions_are_refused() -> None:
    quant = node("New", ["data"], ["q"], domain="amct.customop")
    deep = node("Loop", ["n"], ["d"], body=graph(quant, initializers=[], inputs=[]))
    holder = node("If", ["data"], ["o"], name="if", then_branch=graph(deep, initializers=[], inputs=[]))
    functions = [
        helper.make_function("own", name, ["x"], ["y"], [each], [])
        for name, each in (("Good", conv()), ("Bad", deep))
    ]
    found = diagnose(conv(), holder, functions=functions)
    what = ['a node in a subgraph of layer "if"', 'a node of the function "own.Bad"']
    after = "has type amct.customop.New: AMCT has already processed this network"
    assert [each.message for each in found] == [f"{each} {after}" for each in what]
    assert [each.span and each.span.element for each in found] == ['node 1, If "if"', None]
    assert found[1].file
    assert found[1].file.endswith("net.onnx")


def test_the_quantization_of_onnx_itself_is_accepted() -> None:
    assert diagnose(conv(), node("QuantizeLinear", ["conv_out", "p"], ["out"], name="q")) == []


# Names


def test_a_quantizable_node_without_a_name_is_an_error_that_proposes_one() -> None:
    (error,) = diagnose(node("Relu", ["data"], ["r"]), conv(""))
    assert (error.code, error.message) == ("QC330", "quantizable Conv node has no name")
    assert error.span
    assert error.span.location.endswith("net.onnx: node 1, Conv")
    assert error.help == 'name it "Conv_1", or run "quantcfg name-nodes net.onnx -o named.onnx"'


def test_a_proposed_name_is_not_in_use() -> None:
    (error,) = diagnose(conv("Conv_1", weight="data"), conv(""))
    assert error.help
    assert error.help.startswith('name it "Conv_11"')


def test_a_command_is_proposed_as_a_shell_reads_it() -> None:
    _, (error,) = read(model(conv("")), "my net.onnx")
    assert error.help
    assert "quantcfg name-nodes 'my net.onnx' -o" in error.help


@pytest.mark.parametrize("first", [conv("x"), node("Relu", ["data"], ["r"], name="x")], ids=["Conv", "Relu"])
def test_a_name_of_a_quantizable_node_is_unique(first: NodeProto) -> None:
    for nodes in ([first, conv("x", weight="v")], [conv("x", weight="v"), first]):
        (error,) = diagnose(*nodes, initializers=[*WEIGHTS, tensor("v", 8, 3, 3, 3)])
        assert (error.code, error.message) == ("QC331", 'duplicate node name "x"')
        assert error.help
        assert error.help.startswith('name it "x1"')
        assert [each.message for each in error.related] == ["first used here"]
        assert error.span
        assert error.span.text.startswith("node 1, ")


def test_names_of_other_nodes_do_not_matter() -> None:
    relus = [
        node("Relu", ["data"], [f"r{index}"], name=name) for index, name in enumerate(("x", "x", "", ""))
    ]
    assert diagnose(*relus, conv()) == []


def test_tensors_and_nodes_have_separate_names() -> None:
    assert (
        diagnose(conv("w"), conv("data", weight="v"), initializers=[*WEIGHTS, tensor("v", 8, 3, 3, 3)]) == []
    )


def test_a_line_break_in_a_name_does_not_break_the_list_of_nodes() -> None:
    (error,) = diagnose(node("Re\nlu", ["data"], ["r"], name="a\nb"), conv(""))
    assert error.span
    assert error.span.text == "node 1, Conv"


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [(["data"], "missing"), (["data", ""], "missing"), (["data", "undefined"], "not defined")],
)
def test_a_second_input_must_exist(inputs: list[str], kind: str) -> None:
    found = layer(node("MatMul", inputs, ["out"], name="fc"))
    assert (found.obstacle, found.title) == (f"the second input is {kind}", f"second input {kind}")
    assert layer(node("Conv", inputs, ["out"], name="c")).obstacle == CONSTANT.format(kind)


@pytest.mark.parametrize("op_type", ["Conv", "ConvTranspose", "Gemm", "MatMul"])
@pytest.mark.parametrize("values", [{"value_string": "a"}, {"value_strings": ["a", "b"]}, {}])
def test_a_constant_without_numbers_is_not_a_weight(op_type: str, values: dict[str, Any]) -> None:
    found = layer(constant(**values), node(op_type, ["data", "k"], ["out"], name="x"))
    assert found.obstacle
    assert found.obstacle.endswith("is a constant without numbers")


def test_layers_with_one_name_that_share_a_weight_are_shown_by_location() -> None:
    found = diagnose(conv("c"), conv("c", "c_out", out="d"))
    (message,) = (each.message for each in found if each.code == "QC336")
    assert message.startswith('node 0, Conv "c" and node 1, Conv "c" ')


def test_a_location_shows_the_start_of_a_long_name() -> None:
    (span,) = (each.span for each in network(conv("a" * 200_000)).layers)
    assert span
    assert span.text == f'node 0, Conv "{"a" * 200}..."'


def test_a_quantizable_node_whose_name_is_not_utf8_is_an_error() -> None:
    relus = (node("Relu", ["data"], [name], name=name) for name in ("axa", "aya"))
    content = model(*relus, conv("azy")).SerializeToString()
    for name in (b"axa", b"aya", b"azy"):
        content = content.replace(name, b"a\xff" + name[2:])
    made, (error,) = read(content)
    assert (made, error.code) == (None, "QC339")
    assert error.span
    assert error.span.element == "node 2, Conv"
    assert error.help == 'name it "Conv_2", or run "quantcfg name-nodes net.onnx -o named.onnx"'


# Subgraphs and functions


def branches(*reads: str) -> NodeProto:
    inner = [node("Relu", [name], [f"inner_{name}"]) for name in reads]
    deep = node("If", ["c"], ["d"], then_branch=graph(*inner, initializers=[], inputs=[]))
    return node("If", ["data"], ["if_out"], name="if", then_branch=graph(deep, conv("hidden"), inputs=[]))


def test_subgraphs_are_not_looked_into_and_the_reason_says_so() -> None:
    made = network(branches("data"))
    assert [each.name for each in made.layers] == ["if"]
    assert made.layers[0].obstacle == "type If is not supported, its subgraphs are not read"


def test_functions_are_not_looked_into_and_the_reason_says_so() -> None:
    function = helper.make_function("own", "Block", ["x"], ["y"], [conv("inner", data="x", out="y")], [])
    made = network(node("Block", ["data"], ["out"], name="block", domain="own"), functions=[function])
    assert [each.type for each in made.layers] == ["own.Block"]
    reason = "type own.Block is not supported, the nodes of the function are not read"
    assert made.layers[0].obstacle == reason


# Fusion groups


@pytest.mark.parametrize(
    "convolution", [conv("c", out="c"), node("ConvTranspose", ["data", "w"], ["c"], name="c")]
)
def test_a_batch_normalization_is_fused(convolution: NodeProto) -> None:
    made = network(convolution, batch_norm("bn", "c"), outputs=[value("bn_out")])
    assert [each.fusion for each in made.layers] == [("c", "bn")] * 2


def test_constants_do_not_prevent_fusion() -> None:
    made = numpy_helper.from_array(np.zeros(8, np.float32))
    nodes = [
        constant("k", value=made),
        conv("c"),
        node("BatchNormalization", ["c_out", "k", "k", "k", "k"], ["o"], name="bn"),
    ]
    assert network(*nodes).layers[-1].fusion == ("c", "bn")


def test_a_fused_node_without_a_name_is_listed_as_such() -> None:
    table = layer_table(network(conv("c"), batch_norm("", "c_out")))
    assert all(line.endswith("  c + (no name)") for line in table.splitlines()[1:])


@pytest.mark.parametrize(
    ("nodes", "parts"),
    [
        ([conv("c"), batch_norm("bn", "c_out"), node("Relu", ["c_out"], ["r"])], {}),
        ([conv("c"), batch_norm("bn", "c_out")], {"outputs": [value("c_out")]}),
        ([conv("c"), batch_norm("bn", "c_out"), branches("c_out")], {}),
        ([conv("c", weight="p"), batch_norm("bn", "c_out")], {}),
        ([conv("c", weight="data"), batch_norm("bn", "c_out")], {}),
        ([gemm(), batch_norm("bn", "fc_out")], {}),
        ([conv("c"), node("BatchNormalization", ["p", "c_out", "p", "p", "p"], ["o"], name="bn")], {}),
        ([conv("c"), node("Relu", ["c_out"], ["r"]), batch_norm("bn", "r")], {}),
        ([conv("c"), node("Mul", ["c_out", "p"], ["r"], name="mul")], {}),
    ],
    ids=[
        "two readers",
        "graph output",
        "read in a subgraph",
        "Conv of rank 1",
        "Conv with a variable weight",
        "Gemm",
        "read as a parameter",
        "not next to it",
        "Mul",
    ],
)
def test_other_nodes_are_not_fused(nodes: list[NodeProto], parts: dict[str, Any]) -> None:
    made = network(*nodes, **parts)
    assert [each.fusion for each in made.layers] == [()] * len(made.layers)


@pytest.mark.parametrize(
    "made",
    [batch_norm("bn", "c_out", training_mode=1), batch_norm("bn", "c_out", ["o", "mean", "variance"])],
    ids=["training_mode", "outputs"],
)
def test_a_batch_normalization_in_training_mode_is_not_fused_and_the_reason_says_so(made: NodeProto) -> None:
    layers = network(conv("c"), made).layers
    assert [each.fusion_obstacle for each in layers] == ['"bn" cannot be folded: training_mode is 1'] * 2


def test_outputs_without_a_name_are_not_used() -> None:
    assert layer(conv("c"), batch_norm("bn", "c_out", ["o", "", ""])).fusion == ("c", "bn")


def test_variable_parameters_prevent_fusion_and_the_reason_says_so() -> None:
    inputs = ["c_out", "p", "data", "p", "p"]
    found = layer(conv("c"), node("BatchNormalization", inputs, ["o"], name="bn"))
    assert (
        found.fusion_obstacle
        == '"bn" cannot be folded: its parameters must be constants, one is a graph input'
    )


def test_a_value_that_a_subgraph_defines_itself_is_not_read_from_around_it() -> None:
    inner = graph(node("Relu", ["c_out"], ["r"]), initializers=[], inputs=[value("c_out")])
    nodes = [conv("c"), batch_norm("bn", "c_out"), node("Loop", ["data"], ["l"], body=inner)]
    assert network(*nodes).layers[1].fusion == ("c", "bn")


# The contract


def test_the_operator_types_fit_their_schema() -> None:
    known = [contracts.schema(f"{name}_layers.schema.json") for name in ("caffe", "onnx")]
    registry: Any = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in known)
    Draft7Validator.check_schema(known[1])
    found = list(Draft7Validator(known[1], registry=registry).iter_errors(dict(TYPES.contract)))
    assert found == []


def test_the_schema_of_operator_types_refuses_an_unknown_key() -> None:
    known = [contracts.schema(f"{name}_layers.schema.json") for name in ("caffe", "onnx")]
    registry: Any = Registry().with_resources((each["$id"], Resource.from_contents(each)) for each in known)
    wrong = {**TYPES.contract, "layer_types": {"Conv": {"quantizable": {"property": {}}}}}
    assert not Draft7Validator(known[1], registry=registry).is_valid(wrong)
