"""The rules of the lowering that only the ONNX edition has: what is compiled, what is reported, and where.

As in test_rules.py, the code of a diagnostic is written in a request before the place
that it is reported at.
"""

from __future__ import annotations

from typing import Any

import pytest

from quantcfg import Compilation, compile_config
from quantcfg.compile import check_source
from quantcfg.diagnostics import has_errors
from quantcfg.editions.onnx import ONNX
from quantcfg.network import Network
from quantcfg.source import Source
from tests.marks import unmarked
from tests.onnx.models import conv, network, node, tensor
from tests.plan.compiling import CONFIG, findings
from tests.plan.requests import for_all, for_layer, for_type

SHAPES = {"w": (8, 8, 3, 3), "w3": (8, 8, 3, 3, 3), "m": (8, 8), "n": (8, 8), "m3": (1, 8, 8)}
WEIGHTS = tuple(tensor(name, *shape) for name, shape in SHAPES.items())
NETWORK = network(
    conv("conv"),
    conv("conv3", weight="w3"),
    node("AveragePool", ["conv_out"], ["a"], name="pool", kernel_shape=[2, 2]),
    node("Gemm", ["a", "m"], ["b"], name="fc"),
    node("MatMul", ["b", "m3"], ["c"], name="mm_rank3"),
    node("MatMul", ["b", "c"], ["d"], name="mm_variable"),
    node("MaxPool", ["d"], ["e"], name="max", kernel_shape=[2, 2]),
    node("Add", ["e", "m"], ["f"], name="add_constant"),
    node("Add", ["e", "f"], ["g"], name="add"),
    node("Relu", ["g"], ["h"], name="relu"),
    node("Gemm", ["h", "n"], ["i"], name="fc_scaled", alpha=0.5),
    node("Relu", ["i"], ["j"]),
    initializers=WEIGHTS,
)


def compiled(text: str, against: Network = NETWORK) -> Compilation:
    return compile_config(against, config_text=text, config_name=CONFIG)


def config(text: str, against: Network = NETWORK) -> dict[str, Any]:
    """Return the configuration of a request that may be warned about."""
    compilation = compiled(text, against)
    assert compilation.config is not None, findings(compilation)
    return compilation.config


def tensor_of(name: str, index: int | str = 0, algorithm: str = "") -> str:
    return f'tensor_quantize {{ layer_name: "{name}" input_index: {index} {algorithm} }}\n'


# --- refused or warned about

RULES = {
    "a balance step of an unsupported type": for_type("AveragePool", "«QC440»dmq_balancer { }"),
    "its strength is written": for_type("AveragePool", "«QC440»dmq_balancer { migration_strength: 0.3 }"),
    "a balance step of an unsupported layer": for_layer("mm_variable", "«QC440»dmq_balancer { }"),
    "a layer that is not quantizable": for_layer("«QC421»fc_scaled", "ifmr_quantize { }"),
    "a balance step of a layer that is not quantizable": for_layer("fc_scaled", "«QC440»dmq_balancer { }"),
    "16 bits of another node": for_layer("relu", "ifmr_quantize { dst_type: «QC448»INT16 }"),
    "8 bits of another node": for_layer("«QC421»relu", "ifmr_quantize { dst_type: INT8 }"),
    "a constant of rank 3": for_layer("mm_rank3", "«QC440»dmq_balancer { }"),
    "a range of layers with and without offset": for_type(
        "Conv", "ifmr_quantize { search_range_end: «QC411»0.6 }"
    ),
    "a balance step for all layers": for_all("«QC441»«QC441»«QC441»dmq_balancer { }"),
    "its strength for all layers is written": for_all(
        "«QC441»«QC441»«QC441»dmq_balancer { migration_strength: 0.3 }"
    ),
    "a balance step of a type that some layers lack": for_type("MatMul", "«QC441»«QC441»dmq_balancer { }"),
    "a strength below the range": for_layer("conv", "dmq_balancer { migration_strength: «QC501»0.1 }"),
    "a strength above the range": for_layer("conv", "dmq_balancer { migration_strength: «QC501»0.81 }"),
    "a strength that is not a number": for_layer("conv", "dmq_balancer { migration_strength: «QC211»nan }"),
    "a tensor of another type": 'tensor_quantize { layer_name: «QC442»"relu" input_index: 0 }',
    "a tensor of a layer": 'tensor_quantize { layer_name: «QC442»"conv" input_index: 0 }',
    "a tensor of no node": 'tensor_quantize { layer_name: «QC401»"nowhere" input_index: 0 }',
    "an input that does not exist": 'tensor_quantize { layer_name: "max" input_index: «QC443»1 }',
    "an input that is a constant": 'tensor_quantize { layer_name: "add_constant" input_index: «QC443»1 }',
    "an input twice": tensor_of("max") + 'tensor_quantize { layer_name: «QC444»"max" input_index: 0 }',
    "two inputs": tensor_of("add") + 'tensor_quantize { layer_name: «QC445»"add" input_index: 1 }',
    "an absent input and another": 'tensor_quantize { layer_name: "add" input_index: «QC443»5 }\n'
    + tensor_of("add"),
    "inputs of a layer": 'tensor_quantize { layer_name: «QC442»"conv" input_index: 0 }\n'
    'tensor_quantize { layer_name: «QC442»"conv" input_index: 1 }',
    "a tensor without its node": "«QC206»tensor_quantize { input_index: 0 }",
    "a tensor without its input": '«QC206»tensor_quantize { layer_name: "max" }',
    "an input below zero": 'tensor_quantize { layer_name: "max" input_index: «QC203»-1 }',
    "a value of a tensor": tensor_of("max", 0, "ifmr_quantize { max_percentile: «QC501»0.5 }"),
    "a search of a tensor": tensor_of("max", 0, "ifmr_quantize { search_range_end: «QC411»0.5 }"),
    "an offset of a layer that is symmetric": for_layer(
        "mm_variable", "ifmr_quantize { asymmetric: «QC446»true }"
    ),
    "an offset of a convolution of three axes": for_layer(
        "conv3", "hfmg_quantize { asymmetric: «QC446»true }"
    ),
    "an offset of a type": for_type("MatMul", "ifmr_quantize { asymmetric: «QC447»true }"),
    "an offset for all layers": for_all("ifmr_quantize { asymmetric: true }"),
    "16 bits of an unsupported type": for_type("MatMul", "ifmr_quantize { dst_type: «QC448»INT16 }"),
    "16 bits of an unsupported layer": for_layer("pool", "hfmg_quantize { dst_type: «QC448»INT16 }"),
    "16 bits of a layer": for_layer("conv", "ifmr_quantize { dst_type: «QC450»INT16 }"),
    "16 bits of a tensor": tensor_of("max", 0, "ifmr_quantize { dst_type: «QC450»INT16 }"),
    "8 bits": for_all("ifmr_quantize { dst_type: INT8 }"),
    "other bits of a weight": for_all("arq_quantize { quant_bits: «QC501»6 }"),
    "8 bits of a weight": for_all("arq_quantize { quant_bits: 8 }"),
    "an unknown type of data": for_all("ifmr_quantize { dst_type: «QC204»INT4 }"),
    "an unknown precision": "fakequant_precision_mode: «QC204»DEFAULT",
    "channel_wise for all": for_all("arq_quantize { channel_wise: «QC409»true }"),
    "a node without a name is skipped": 'skip_layers: «QC401»""',
    "a tensor of a node without a name": 'tensor_quantize { layer_name: «QC401»"" input_index: 0 }',
    "an override of a node without a name": for_layer("«QC401»"),
    "a type of another edition": 'skip_layer_types: «QC403»"Convolution"',
    "types of another edition": 'skip_layer_types: «QC403»"Convolution"\n' + for_type("InnerProduct"),
    "types of two editions": 'skip_layer_types: [«QC403»"Convolution", «QC403»"Linear"]',
    "a type with tensors only": 'skip_layer_types: «QC403»"MaxPool"',
    "a layer with tensors only": 'skip_layers: «QC402»"max"',
    "a layer that nothing is folded into": 'skip_fusion_layers: «QC413»"fc"',
    "a convolution without a fusion": 'skip_fusion_layers: «QC427»"conv"',
    "a field of the Caffe edition": "«QC201»conv_calibration_config { }",
    "a field of the PyTorch edition": for_all("«QC201»ada_quantize { }"),
    "a field of TensorFlow": '«QC201»skip_approximation_layers: "x"',
}


@pytest.mark.parametrize("marked", RULES.values(), ids=RULES)
def test_what_is_reported(marked: str) -> None:
    text, expected = unmarked(marked)
    compilation = compiled(text)
    assert findings(compilation) == expected
    assert compilation.ok is not has_errors(compilation.diagnostics)


@pytest.mark.parametrize(("name", "what"), [("max", "input"), ("add_constant", "variable input")])
def test_an_input_that_cannot_be_quantized_is_missing_or_a_constant(name: str, what: str) -> None:
    (found,) = compiled(f'tensor_quantize {{ layer_name: "{name}" input_index: 1 }}').diagnostics
    assert (found.message, found.help) == (f'layer "{name}" has no {what} 1', "use input_index 0")


def test_a_flag_is_not_changed_where_a_syntax_error_may_have_moved_it() -> None:
    text, _ = unmarked(for_layer("mm_variable", "ifmr_quantize { asymmetric: true }"))
    for broken, is_fixable in ((text, True), (text + "}", False)):
        (found,) = [each for each in compiled(broken).diagnostics if each.code == "QC446"]
        assert bool(found.fix) is is_fixable


def test_without_a_model_a_skipped_layer_may_have_a_quantized_input() -> None:
    text = 'skip_layers: "a" tensor_quantize { layer_name: "a" input_index: 0 }'
    assert [each.code for each in check_source(Source("quant.cfg", text), None, ONNX)] == []


def test_16_bits_for_all_layers_are_8_for_those_without_them() -> None:
    text, _ = unmarked(for_all("ifmr_quantize { dst_type: INT16 }"))
    chips, lowered = compiled(text).diagnostics
    assert (chips.code, lowered.code) == ("QC450", "QC449")
    assert lowered.message.endswith(": MatMul and AveragePool do not support it")
    bits = {name: body["activation_quant_params"]["num_bits"] for name, body in layers(config(text)).items()}
    assert {name for name, number in bits.items() if number == 16} == {"conv", "conv3", "fc"}
    assert {*bits.values()} == {8, 16}


def test_every_type_of_another_edition_has_its_counterparts_in_the_help() -> None:
    (found,) = compiled('skip_layer_types: ["Convolution", "InnerProduct"]').diagnostics
    assert found.help == 'use "Conv" for Convolution, "Gemm" or "MatMul" for InnerProduct'
    assert found.message.endswith("AMCT for ONNX, but of AMCT for Caffe")


def test_the_help_for_bits_of_a_weight_names_who_has_them() -> None:
    (found,) = compiled(for_all("arq_quantize { quant_bits: 6 }")).diagnostics
    assert found.help
    assert "ATC" in found.help


@pytest.mark.parametrize(
    "marked",
    [
        'tensor_quantize { layer_name: «QC452»"same" input_index: 5 }',
        'skip_layers: «QC452»"same"',
        'skip_fusion_layers: «QC452»"same"',
        for_layer("«QC452»same"),
        'skip_layers: «QC401»"sam"',
    ],
)
def test_a_name_of_several_nodes_is_an_error_where_it_is_used(marked: str) -> None:
    nodes = [
        node(op_type, ["conv_out", "data"], [f"{op_type}_out"], name="same") for op_type in ("Add", "Mul")
    ]
    repeated = network(conv("conv"), *nodes)
    text, expected = unmarked(marked)
    found = compiled(text, repeated).diagnostics
    assert findings(compiled(text, repeated)) == expected
    if "QC452" in marked:
        assert [each.span.element for each in found[0].related] == [
            'node 1, Add "same"',
            'node 2, Mul "same"',
        ]
        assert found[0].help == 'give each node its own name with "quantcfg name-nodes"'


@pytest.mark.parametrize(
    ("inputs", "index", "what"),
    [
        (["data", ""], 1, "input"),
        (["data", "m"], 1, "variable input"),
    ],
)
def test_the_reason_why_an_input_cannot_be_quantized(inputs: list[str], index: int, what: str) -> None:
    against = network(conv(), node("Add", inputs, ["out"], name="add"))
    (found,) = compiled(tensor_of("add", index), against).diagnostics
    assert found.code == "QC443"
    assert found.message == f'layer "add" has no {what} {index}'


def test_the_help_for_a_node_without_a_name_says_how_to_name_it() -> None:
    against = network(conv(), node("Add", ["data", "conv_out"], ["out"]))
    (found,) = compiled(tensor_of(""), against).diagnostics
    assert (found.code, found.help) == ("QC401", 'give the nodes names with "quantcfg name-nodes"')


@pytest.mark.parametrize(
    ("text", "message", "help"),
    [
        (
            'fakequant_precision_mode: "FORCE_FP16_QUANT"',
            '"fakequant_precision_mode" must be FORCE_FP16_QUANT, not a string',
            "remove the quotes",
        ),
        (
            for_all("ifmr_quantize { dst_type: INT4 }"),
            'unknown value INT4 for "dst_type"',
            "use one of INT8, INT16",
        ),
    ],
)
def test_the_possible_values_of_an_enum_are_named(text: str, message: str, help: str) -> None:
    (found,) = compiled(text).diagnostics
    assert found.message == message
    assert found.help == help


def test_the_only_value_of_a_key_is_named() -> None:
    (found,) = check_source(Source("a.json", '{"fakequant_precision_mode": 5, "a": {}}'), None, ONNX)
    assert found.message == '"fakequant_precision_mode" must be FORCE_FP16_QUANT, not 5'


@pytest.mark.parametrize("layer_type", ["GlobalAveragePool", "MatMulInteger", "QLinearMatMul"])
@pytest.mark.parametrize("field", ['skip_layer_types: "{}"', for_type("{}").replace("{ }", "{{ }}")])
def test_a_type_that_is_never_quantized_is_not_misspelled(field: str, layer_type: str) -> None:
    found = check_source(Source(CONFIG, field.replace('"{}"', f'"{layer_type}"')), None, ONNX)
    assert [each.help for each in found] == [f"remove it: {layer_type} layers are never quantized"]


@pytest.mark.parametrize("misspelled", ["avgpool", "AvaragePool", "AvgPool2D"])
def test_a_misspelled_type_is_suggested(misspelled: str) -> None:
    (found,) = compiled(f'skip_layer_types: "{misspelled}"').diagnostics
    assert found.help == 'use "AveragePool"'


def test_layers_without_a_balance_step_are_grouped_by_the_reason() -> None:
    pools = (
        conv("conv"),
        *(node("AveragePool", ["conv_out"], [name], name=name, kernel_shape=[2, 2]) for name in ("p", "q")),
    )
    product = node("MatMul", ["p", "m3"], ["c"], name="mm_rank3")
    text = for_all("dmq_balancer { }")
    found = compiled(text, network(*pools, product, initializers=WEIGHTS)).diagnostics
    assert [(each.message.partition("apply to ")[2], each.help) for each in found] == [
        ('"mm_rank3": the constant must have rank 2, this one has rank 3', None),
        ('"p" and "q": type AveragePool is not supported', None),
    ]
    *_, unused = compiled(text, network(*pools[1:], product, initializers=WEIGHTS)).diagnostics
    assert unused.help == "remove dmq_balancer: no layer supports it"


@pytest.mark.parametrize("value", ["{ }", "{ migration_strength: 0.4 }"])
def test_a_balance_step_is_removed_as_a_whole(value: str) -> None:
    text = for_type("AveragePool", f"dmq_balancer {value}")
    (found,) = compiled(text).diagnostics
    assert found.span
    assert (found.span.text, found.help) == ("dmq_balancer", "remove dmq_balancer")
    assert compiled(text.replace(f"dmq_balancer {value}", "")).ok


def test_a_node_that_has_no_tensors_is_named_by_its_type() -> None:
    (found,) = compiled('tensor_quantize { layer_name: "conv" input_index: 0 }').diagnostics
    assert found.message == "tensor_quantize does not support Conv nodes"


# --- compiled


def layers(of: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in of.items() if key not in ONNX.schema.global_keys}


def test_the_keys_of_the_network_are_in_the_documented_order() -> None:
    keys = [key for key in config("fakequant_precision_mode: FORCE_FP16_QUANT") if key not in NETWORK.by_name]
    assert keys == list(ONNX.schema.global_keys)
    assert config("")["tensor_quantize"] == []
    assert "fakequant_precision_mode" not in config("")


@pytest.mark.parametrize("value", ["FORCE_FP16_QUANT", "1", "0x1"])
def test_the_precision_is_written_as_its_name(value: str) -> None:
    assert config(f"fakequant_precision_mode: {value}")["fakequant_precision_mode"] == "FORCE_FP16_QUANT"


def test_a_layer_has_its_bits_first_and_its_balance_step_second() -> None:
    body = config(for_layer("conv", "dmq_balancer { migration_strength: 0.3 }"))["conv"]
    assert list(body) == [
        "quant_enable",
        "dmq_balancer_param",
        "activation_quant_params",
        "weight_quant_params",
    ]
    assert body["dmq_balancer_param"] == 0.3
    assert next(iter(body["activation_quant_params"].items())) == ("num_bits", 8)
    assert list(body["weight_quant_params"].items()) == [
        ("num_bits", 8),
        ("wts_algo", "arq_quantize"),
        ("channel_wise", True),
    ]


def test_the_strength_of_a_balance_step_has_a_default() -> None:
    having = {
        name: body["dmq_balancer_param"]
        for name, body in layers(config(for_all("dmq_balancer { }"))).items()
        if "dmq_balancer_param" in body
    }
    assert having == {"conv3": 0.5, "conv": 0.5, "fc": 0.5}


def test_an_override_without_a_balance_step_has_none() -> None:
    text = for_all("dmq_balancer { }") + for_layer("fc") + for_type("AveragePool") + for_type("MatMul")
    assert "dmq_balancer_param" not in config(text)["fc"]
    assert "QC423" in [each.code for each in compiled(text).diagnostics]


@pytest.mark.parametrize(
    "text",
    [
        "",
        for_all("ifmr_quantize { asymmetric: true }"),
        for_type("MatMul", "ifmr_quantize { asymmetric: true }"),
        for_type("Conv", "hfmg_quantize { asymmetric: true }"),
        for_layer("mm_variable", "ifmr_quantize { asymmetric: false }"),
    ],
)
def test_a_layer_that_is_always_symmetric_has_no_offset(text: str) -> None:
    has_offset = {
        name: body["activation_quant_params"]["asymmetric"] for name, body in layers(config(text)).items()
    }
    assert {name for name, flag in has_offset.items() if not flag} == {"conv3", "mm_variable"}


def test_tensors_are_written_in_the_order_of_the_request() -> None:
    text = tensor_of("max", 0, "hfmg_quantize { num_of_bins: 1024 }") + tensor_of("add_constant")
    first, second = config(text)["tensor_quantize"]
    assert first == {
        "layer_name": "max",
        "input_index": 0,
        "activation_quant_params": {
            "num_bits": 8,
            "act_algo": "hfmg",
            "num_of_bins": 1024,
            "asymmetric": True,
        },
    }
    assert list(second) == list(first)
    assert second["layer_name"] == "add_constant"
    assert second["activation_quant_params"]["act_algo"] == "ifmr"


@pytest.mark.parametrize(
    ("text", "flag"),
    [
        ("", True),
        ("activation_offset: false", False),
        (for_all("ifmr_quantize { asymmetric: false }"), False),
        (for_all("hfmg_quantize { asymmetric: false }"), True),
    ],
)
def test_the_flag_of_a_tensor_is_that_of_common_config_if_the_algorithm_is_the_same(
    text: str, flag: bool
) -> None:
    (only,) = config(text + "\n" + tensor_of("max"))["tensor_quantize"]
    assert only["activation_quant_params"]["asymmetric"] is flag


EVERY_LAYER = 'skip_layers: ["conv", "conv3", "pool", "fc", "mm_rank3", "mm_variable"]\n'
EVERY_TYPE = 'skip_layer_types: ["AveragePool", "Conv", "ConvTranspose", "Gemm", "MatMul"]\n'


def test_with_a_tensor_every_layer_may_be_skipped_but_not_every_type() -> None:
    assert [each.code for each in compiled(EVERY_LAYER).diagnostics] == ["QC407"]
    assert config(EVERY_LAYER + tensor_of("max"))["tensor_quantize"]
    skipped = compiled(EVERY_TYPE + tensor_of("max"), NETWORK).diagnostics
    assert "QC405" in [each.code for each in skipped]


def test_with_a_tensor_no_layer_need_be_quantizable() -> None:
    alone = network(node("MaxPool", ["data"], ["e"], name="max", kernel_shape=[2, 2]))
    assert [each.code for each in compiled("", alone).diagnostics] == ["QC406"]
    assert list(layers(config(tensor_of("max"), alone))) == []
    unused = compiled(for_all("dmq_balancer { migration_strength: 9 }") + tensor_of("max"), alone)
    assert [each.code for each in unused.diagnostics] == ["QC430"]


def test_a_node_cannot_have_the_name_of_a_key() -> None:
    nodes = conv("tensor_quantize"), conv("fakequant_precision_mode", "tensor_quantize_out", "v")
    named = network(*nodes, initializers=[tensor("w", 8, 3, 3, 3), tensor("v", 8, 8, 3, 3)])
    assert [each.code for each in compiled("", named).diagnostics] == ["QC408", "QC408"]


def test_without_a_model_every_node_may_exist() -> None:
    text = for_layer("x", "ifmr_quantize { dst_type: INT8 } dmq_balancer { }") + tensor_of("y", 99)
    assert check_source(Source(CONFIG, text), None, ONNX) == ()
