"""Names that BVLC Caffe does not have: misspellings, and names of forks."""

from __future__ import annotations

import re

import pytest

from quantcfg import contracts
from quantcfg.diagnostics import Severity, catalogue
from quantcfg.diagnostics.fixes import fixed
from quantcfg.editions.caffe.definitions import OPEN_ENUMS
from tests.networks import conv, diagnose, inner_product, layer, net, network, pool, relu, v0_layer, v1_layer

LAYERS = contracts.schema("caffe_layers.json")


def v1_pool(word: str) -> str:
    return v1_layer("x", "POOLING", rest=f"pooling_param {{ pool: {word} kernel_size: 2 }}")


def v0_pool(word: str) -> str:
    return v0_layer("x", "pool", rest=f"pool: {word} kernelsize: 2")


SLIPS = [
    (pool("x", parameters="pool: AVG kernel_size: 2"), "AVG", "AVE"),
    (pool("x", parameters="pool: ave kernel_size: 2"), "ave", "AVE"),
    (pool("x", parameters="pool: Max kernel_size: 2"), "Max", "MAX"),
    (pool("x", parameters="pool: STOCASTIC kernel_size: 2"), "STOCASTIC", "STOCHASTIC"),
    (v1_pool("AVEE"), "AVEE", "AVE"),
    (v0_pool("AV"), "AV", "AVE"),
    (v1_layer("x", "CONVOLUTON"), "CONVOLUTON", "CONVOLUTION"),
    (v1_layer("x", "InnerProduct"), "InnerProduct", "INNER_PRODUCT"),
    (v1_layer("x", "relu"), "relu", "RELU"),
    (v0_layer("x", "convv"), "convv", "conv"),
    (v0_layer("x", "inner_product"), "inner_product", "innerproduct"),
    (v0_layer("x", "Pool"), "Pool", "pool"),
    (v0_layer("x", "paddign"), "paddign", "padding"),
    (v0_layer("x", "convolution"), "convolution", "conv"),
    (v0_layer("x", "pooling"), "pooling", "pool"),
    (v0_layer("x", "INNER_PRODUCT"), "INNER_PRODUCT", "innerproduct"),
    (v0_layer("x", "SoftmaxWithLoss"), "SoftmaxWithLoss", "softmax_loss"),
    (v1_layer("x", "conv"), "conv", "CONVOLUTION"),
    (v1_layer("x", "Pool"), "Pool", "POOLING"),
    (v1_layer("x", "Deconvoluton"), "Deconvoluton", "DECONVOLUTION"),
    (v1_layer("x", "SoftmaxWithLoss"), "SoftmaxWithLoss", "SOFTMAX_LOSS"),
]


@pytest.mark.parametrize(("text", "word", "meant"), SLIPS)
def test_what_looks_like_a_slip_in_a_closed_set_is_an_error_with_a_fix(
    text: str, word: str, meant: str
) -> None:
    (error,) = diagnose(net(text))
    assert (error.code, error.severity) == (catalogue.UNKNOWN_WORD.code, Severity.ERROR)
    assert error.span
    assert error.span.text.strip('"') == word
    assert error.help == f"use {meant}"
    changed, _ = fixed(error.span.source, [error])
    assert catalogue.UNKNOWN_WORD.code not in [each.code for each in diagnose(changed)]


@pytest.mark.parametrize(
    ("layer_type", "meant"),
    [
        ("CONVOLUTION", "Convolution"),
        ("convolution", "Convolution"),
        ("Convoluton", "Convolution"),
        ("Inner_Product", "InnerProduct"),
        ("INNER_PRODUCT", "InnerProduct"),
        ("SOFTMAX_LOSS", "SoftmaxWithLoss"),
        ("Relu", "ReLU"),
        ("Poolng", "Pooling"),
        ("EltWise", "Eltwise"),
        ("DeConvolution", "Deconvolution"),
    ],
)
def test_what_looks_like_a_slip_of_a_type_of_today_is_a_warning_with_a_fix(
    layer_type: str, meant: str
) -> None:
    (warning,) = diagnose(layer("x", layer_type))
    assert (warning.code, warning.severity) == (catalogue.FORK_WORD.code, Severity.WARNING)
    assert warning.help == f"use {meant}"
    assert warning.span
    assert warning.span.text == f'"{layer_type}"'
    changed, _ = fixed(warning.span.source, [warning])
    assert f'type: "{meant}"' in changed


def test_a_type_that_may_be_two_others_has_no_fix() -> None:
    (warning,) = diagnose(layer("x", "XReLU"))
    assert warning.help == "use PReLU or ReLU"
    assert warning.fix == ()


@pytest.mark.parametrize(
    "text",
    [
        pool("x", parameters="pool: WARPED kernel_size: 2"),
        pool("x", parameters="pool: 7 kernel_size: 2"),
        v1_pool("WARPED"),
        v0_pool("WARPED"),
        v1_layer("x", "WARP"),
        v1_layer("x", "99"),
        v0_layer("x", "maxout"),
    ],
)
def test_any_other_word_in_a_closed_set_is_a_warning(text: str) -> None:
    (warning,) = diagnose(net(text))
    assert (warning.code, warning.severity) == (catalogue.FORK_WORD.code, Severity.WARNING)
    assert warning.help == "ignore this warning if your fork of Caffe has it"
    assert warning.fix == ()


TO_LAYER = 'change every "layers" to "layer": "layers" have no type'


@pytest.mark.parametrize(
    ("text", "help", "meant"),
    [
        (v1_layer("x", "INPUT"), f"use input and input_dim, or {TO_LAYER} Input", None),
        (v1_layer("x", "Input", ()), f"use input and input_dim, or {TO_LAYER} Input", None),
        (v1_layer("x", "BATCHNORM"), f"{TO_LAYER} BatchNorm", None),
        (v1_layer("x", "SCALE"), f"{TO_LAYER} Scale", None),
        (v1_layer("x", "Elu"), f"{TO_LAYER} ELU", None),
        (v1_layer("x", "ReLU6"), "use RELU6", "RELU6"),
        (v0_layer("x", "ReLU6"), "use relu6", '"relu6"'),
        (v1_pool("min"), "use MIN", "MIN"),
        (v1_pool("AVERAGE"), "use AVE, or ignore this warning if your fork of Caffe has it", None),
        (v0_pool("average"), "use AVE, or ignore this warning if your fork of Caffe has it", None),
        (pool("x", parameters="pool: MAXIMUM kernel_size: 2"), "use MAX, or ignore this warning", None),
    ],
)
def test_the_help_for_another_word_names_what_may_be_meant(text: str, help: str, meant: str | None) -> None:
    (warning,) = diagnose(net(text))
    assert (warning.code, warning.severity) == (catalogue.FORK_WORD.code, Severity.WARNING)
    assert warning.help
    assert warning.help.startswith(help)
    assert [edit.text for edit in warning.fix] == ([meant] if meant else [])


@pytest.mark.parametrize(
    ("word", "title"),
    [
        ("AVERAGE", "AVERAGE pooling, not AVE"),
        ("average", "average pooling, not AVE"),
        ("foo", "foo pooling, not AVE"),
        ("7", "7 pooling, not AVE"),
        ("MIN", "min pooling"),
        ("MAX", "max pooling"),
        ("AVE", None),
    ],
)
def test_the_summary_shows_an_unknown_pooling_method_as_it_is_written(word: str, title: str | None) -> None:
    for text in (pool("x", parameters=f"pool: {word} kernel_size: 2"), v1_pool(word), v0_pool(word)):
        assert network(net(text)).by_name["x"].title == title


@pytest.mark.parametrize(
    "text",
    [
        *(layer("x", name) for name in LAYERS["fork_types"]),
        *(v1_layer("x", name) for name in LAYERS["fork_v1_types"]),
        *(v0_layer("x", name) for name in LAYERS["fork_v0_types"]),
        *(pool("x", parameters=f"pool: {word} kernel_size: 2") for word in LAYERS["fork_pool_methods"]),
        *(v1_pool(word) for word in LAYERS["fork_pool_methods"]),
        *(v0_pool(word) for word in LAYERS["fork_pool_methods"]),
        layer("x", "Permute"),
        layer("x", "DetectionOutput"),
        layer("x", "ConvolutionDepthwise"),
    ],
)
def test_the_known_words_of_forks_and_other_types_of_today_are_silent(text: str) -> None:
    assert diagnose(net(text)) == []


@pytest.mark.parametrize("key", ["fork_types", "fork_v1_types", "fork_v0_types", "fork_pool_methods"])
def test_a_word_of_forks_is_not_one_of_bvlc(key: str) -> None:
    known = {
        "fork_types": LAYERS["layer_types"],
        "fork_v1_types": LAYERS["v1_types"],
        "fork_v0_types": LAYERS["v0_types"],
        "fork_pool_methods": ("MAX", "AVE", "STOCHASTIC"),
    }
    assert set(LAYERS[key]).isdisjoint(known[key])


def test_types_of_today_are_looked_at_in_phase_test_and_closed_sets_everywhere() -> None:
    absent = "phase: TRAIN"
    text = net(conv("a"), layer("b", "Relu", "a", include=absent), pool("c", "a", include=absent))
    assert diagnose(text) == []
    assert [each.code for each in diagnose(text.replace("pool: AVE", "pool: AVG"))] == ["QC317"]


def test_a_pooling_by_a_method_of_forks_is_not_quantizable() -> None:
    (read,) = network(pool("x", parameters="pool: MIN kernel_size: 2")).layers
    assert read.obstacle == "only average pooling is supported, this is MIN"
    assert read.title == "min pooling"


def v1_shared(mode: str) -> str:
    return v1_layer("x", "RELU", rest=f"param: ['w', 'b'] blob_share_mode: {mode}")


@pytest.mark.parametrize(
    ("text", "word", "help", "meant"),
    [
        (conv("x", param="name: 'w' share_mode: PERMISIVE"), "PERMISIVE", "use PERMISSIVE", "PERMISSIVE"),
        (conv("x", param="share_mode: Strict"), "Strict", "use STRICT", "STRICT"),
        (conv("x", param="share_mode: LOOSE"), "LOOSE", "use one of STRICT, PERMISSIVE", None),
        (conv("x", param="share_mode: 2"), "2", "use one of STRICT, PERMISSIVE", None),
        (v1_shared("PERMISIVE"), "PERMISIVE", "use PERMISSIVE", "PERMISSIVE"),
        (v1_shared("[STRICT, STRCT]"), "STRCT", "use STRICT", "STRICT"),
        (v1_shared("STRICT blob_share_mode: loose"), "loose", "use one of STRICT, PERMISSIVE", None),
    ],
)
def test_an_unknown_word_that_no_fork_has_is_an_error(
    text: str, word: str, help: str, meant: str | None
) -> None:
    (error,) = diagnose(net(text))
    assert (error.code, error.severity) == (catalogue.UNKNOWN_ENUM_VALUE.code, Severity.ERROR)
    assert error.help == help
    assert error.span
    assert error.span.text == word
    assert [edit.text for edit in error.fix] == ([meant] if meant else [])


def test_each_enum_of_a_prototxt_is_closed_or_its_words_are_checked() -> None:
    net_type = contracts.message_class("caffe", "caffe.NetParameter").DESCRIPTOR
    waiting, fields = [net_type], {}
    while waiting:
        for each in waiting.pop().fields:
            if each.full_name not in fields:
                fields[each.full_name] = each
                waiting += [each.message_type] if each.message_type else []
    enums = {name for name, each in fields.items() if each.enum_type}
    closed = {"caffe.ParamSpec.share_mode", "caffe.V1LayerParameter.blob_share_mode"}
    assert enums - OPEN_ENUMS == closed
    assert enums >= OPEN_ENUMS


@pytest.mark.parametrize(
    ("text", "number", "help"),
    [
        (pool("x", parameters="pool: 2.5 kernel_size: 2"), "2.5", None),
        (pool("x", parameters="pool: 1.0 kernel_size: 2"), "1.0", "write 1"),
        (pool("x", parameters="pool: 7.0 kernel_size: 2"), "7.0", None),
        (v1_pool("1e0"), "1e0", "write 1"),
        (v0_pool("0.5"), "0.5", None),
        (v1_layer("x", "3.5"), "3.5", None),
        (conv("x", param="share_mode: 0.5"), "0.5", None),
        (relu("x", "data", include="phase: 1.5"), "1.5", None),
        ("state { phase: 0.1 }" + relu("x", "data"), "0.1", None),
    ],
)
def test_a_decimal_number_is_not_a_word(text: str, number: str, help: str | None) -> None:
    (error,) = diagnose(net(text))
    assert (error.code, error.help) == (catalogue.WRONG_TYPE.code, help)
    assert error.span
    assert error.span.text == number


def test_an_unknown_word_that_is_set_again_is_still_an_error() -> None:
    text = net(pool("x", parameters="pool: AVG pool: AVE kernel_size: 2"))
    assert [(each.code, each.span and each.span.text) for each in diagnose(text)] == [("QC317", "AVG")]


# Values of another version of the format


@pytest.mark.parametrize(
    ("text", "help", "meant"),
    [
        (
            "layer { name: 'x' type: CONVOLUTION }",
            'write "Convolution": the type of a "layer" is a string',
            '"Convolution"',
        ),
        (
            "layer { name: 'x' type: SOFTMAX_LOSS }",
            'write "SoftmaxWithLoss": the type of a "layer" is a string',
            '"SoftmaxWithLoss"',
        ),
        ("layer { name: 'x' type: Convolution }", 'put it in quotes: "Convolution"', '"Convolution"'),
        ("layers { name: 'x' type: 'CONVOLUTION' }", "remove the quotes", "CONVOLUTION"),
        (
            "layers { name: 'x' type: 'InnerProduct' }",
            'write INNER_PRODUCT: the type of "layers" is an enum value',
            "INNER_PRODUCT",
        ),
        *(
            (
                f"layers {{ name: 'x' type: '{name}' }}",
                'write CONVOLUTION: the type of "layers" is an enum value',
                "CONVOLUTION",
            )
            for name in ("convolution", "Convoluton", "conv", "Conv", "CONVOLUTON")
        ),
        (
            "layers { name: 'x' type: 'ReLU6' }",
            'write RELU6: the type of "layers" is an enum value',
            "RELU6",
        ),
        ("layers { name: 'x' type: 'PRELU' }", "remove the quotes", "PRELU"),
        (
            "layers { name: 'x' type: 'batch_norm' }",
            'change every "layers" to "layer": "layers" have no type BatchNorm',
            None,
        ),
        *(
            (
                f"layers {{ layer {{ name: 'x' type: {name} }} }}",
                'write "conv": the type of a V0 "layer" is a string',
                '"conv"',
            )
            for name in ("CONVOLUTION", "Convolution", "CONVOLUTON", "convolution")
        ),
        ("layers { layer { name: 'x' type: conv } }", 'put it in quotes: "conv"', '"conv"'),
        (
            "layers { name: 'x' type: 'Input' }",
            'use input and input_dim, or change every "layers" to "layer": "layers" have no type Input',
            None,
        ),
        (
            "layers { name: 'x' type: 'BatchNorm' }",
            'change every "layers" to "layer": "layers" have no type BatchNorm',
            None,
        ),
        (
            "layers { name: 'x' type: RELU param { lr_mult: 1 } }",
            'use blobs_lr and weight_decay, or change every "layers" to "layer": "layers" have no param',
            None,
        ),
        ("layer { name: 'x' type: 'ReLU' param: 'w' }", 'write param { name: "..." }', None),
    ],
)
def test_a_value_of_the_other_version_is_an_error_that_says_so(
    text: str, help: str, meant: str | None
) -> None:
    (error,) = diagnose(text)
    assert error.code == catalogue.WRONG_TYPE.code
    assert error.help == help
    assert [edit.text for edit in error.fix] == ([meant] if meant else [])


# Fields that are given twice


@pytest.mark.parametrize(
    ("text", "field", "help"),
    [
        (
            "layer { name: 'a' type: 'ReLU' bottom: 'data' top: 'a' name: 'b' type: 'ReLU' }",
            "name",
            'check for a missing "}" before it',
        ),
        ("layer { type: 'ReLU' name: 'a' name: 'b' }", "name", "remove one of them"),
        ("layer { name: 'a' type: 'ReLU' type: 'ReLU' }", "type", "remove one of them"),
        (
            conv("a", parameters="num_output: 8 kernel_size: 3 bias_term: true bias_term: true"),
            "bias_term",
            "remove one of them",
        ),
        (
            layer("a", "Convolution", convolution_param=("num_output: 8", "kernel_size: 3")),
            "convolution_param",
            "remove one of them",
        ),
        (
            layer("a", "Convolution", convolution_param=("num_output: 8 group: 1", "group: 1 num_output: 8")),
            "convolution_param",
            "remove one of them",
        ),
        (
            layer("a", "Reshape", reshape_param=("shape { dim: 1 }", "shape { dim: 1 } axis: 0 axis: 0")),
            "reshape_param",
            "remove one of them",
        ),
        (
            v1_layer(
                "a", "POOLING", rest="pooling_param { pool: AVE } pooling_param { pool: AVE pool: AVE }"
            ),
            "pooling_param",
            "remove one of them",
        ),
        (
            "state { level: 1 } layer { name: 'a' type: 'ReLU' } state { level: 1 }",
            "state",
            "remove one of them",
        ),
        ("name: 'a' name: 'b'", "name", "remove one of them"),
        (
            "layer { name: 'a' type: 'ReLU' include { phase: TEST phase: TEST } }",
            "phase",
            'check for a missing "}" before it',
        ),
        ("state { phase: TEST } layer { name: 'a' type: 'ReLU' } state { }", "state", "remove one of them"),
    ],
)
def test_a_field_that_is_given_twice_is_an_error_as_for_parse_of_cpp(
    text: str, field: str, help: str
) -> None:
    found = [each for each in diagnose(text) if each.code != catalogue.NO_LAYERS.code]
    (error,) = found
    assert (error.code, error.severity) == (catalogue.GIVEN_TWICE.code, Severity.ERROR)
    assert error.message == f'"{field}" is set twice'
    assert error.span
    assert error.span.start == text.rindex(f"{field}") - (0 if text[text.rindex(field) - 1] in " \n" else 1)
    assert error.help == help
    assert [each.span.text for each in error.related] == [field]


def test_what_a_missing_brace_puts_into_the_wrong_layer_is_one_error() -> None:
    text = net(conv("a").removesuffix("}"), conv("b", "a").partition("\n")[2])
    (error,) = diagnose(text)
    assert error.code == catalogue.GIVEN_TWICE.code
    assert error.span
    assert error.span.start == text.rindex("name")


# Messages inside another one, whose "}" is missing

V1_CONV = "convolution_param { num_output: 8 kernel_size: 3 }"
NESTED = conv("lost", "a")


def v1_conv(name: str, bottom: str = "data", rest: str = "") -> str:
    return v1_layer(name, "CONVOLUTION", bottom, rest=f"{V1_CONV} {rest}")


@pytest.mark.parametrize(
    ("text", "message", "field"),
    [
        (conv("a").removesuffix("}") + NESTED + "}", "layer", "layer"),
        (conv("a", parameters=f"num_output: 8 kernel_size: 3 {NESTED}"), "convolution_param", "layer"),
        (
            conv("a", parameters=f"num_output: 8 weight_filler {{ {NESTED} {NESTED} }}"),
            "weight_filler",
            "layer",
        ),
        (conv("a", parameters=f"my_param {{ other {{ }} filler {{ {NESTED} }} }}"), "filler", "layer"),
        (
            conv("a", include=f"phase: TEST {NESTED} {NESTED} input_shape {{ }} phase: TEST phase: TEST"),
            "include",
            "layer",
        ),
        (conv("a", parameters="num_output: 8 pooling_param { }"), "convolution_param", "pooling_param"),
        (conv("a", param="name: 'w' param { name: 'b' } name: 'b'"), "param", "param"),
        (relu("a", "data", propagate=NESTED), "propagate", "layer"),
        (relu("a", "data").removesuffix("}") + "state { phase: TEST } }", "layer", "state"),
        (v1_conv("a", rest=v1_conv("lost", "a")), "layers", "layers"),
        (v1_conv("a", rest=f"pooling_param {{ {v1_conv('lost', 'a')} }}"), "pooling_param", "layers"),
        (v1_conv("a", rest=NESTED), "layers", "layer"),
        (v1_layer("a", "BN", rest=NESTED), "layers", "layer"),
        (v0_layer("a", "conv", rest="layer { name: 'lost' type: 'conv' }"), "layer", "layer"),
        (v0_layer("a", "conv", rest=v0_layer("lost", "conv", "a")), "layer", "layers"),
        (v0_layer("a", "conv").removesuffix("}") + v0_layer("lost", "conv", "a") + "}", "layers", "layers"),
    ],
)
def test_a_message_inside_another_is_one_error(text: str, message: str, field: str) -> None:
    text = net(text)
    (error,) = diagnose(text)
    assert (error.code, error.severity) == (catalogue.UNKNOWN_FIELD.code, Severity.ERROR)
    assert error.message == f'{message} has no field "{field}"'
    assert (error.help, error.fix) == ('check for a missing "}" before it', ())
    assert error.span
    assert error.span.text == field
    start = next(re.finditer(rf"\b{message} {{", text)).end()
    assert error.span.start == next(re.compile(rf"\b{field} {{").finditer(text, start)).start()


@pytest.mark.parametrize(
    "text",
    [
        v0_layer("a", "conv", rest="num_output: 8 kernelsize: 3"),
        conv(
            "a", parameters="num_output: 8 kernel_size: 3 weight_filler { type: 'xavier' shape { dim: 1 } }"
        ),
        layer("a", "Python", python_param="module: 'm' layer: 'Lost'"),
        layer("a", "Recurrent", my_param="param { name: 'w' } pooling_param { } my_param { }"),
    ],
    ids=["a V0 layer", "unknown messages", "a string", "messages of a layer in an unknown message"],
)
def test_other_messages_inside_another_are_in_order(text: str) -> None:
    assert diagnose(net(text)) == []


def test_fields_that_may_be_given_twice_or_are_not_known_are_in_order() -> None:
    text = "debug_info: true debug_info: false " + inner_product("x").replace(
        "}\n}", "bias_filler { } bias_filler { } }\n  propagate_down: true propagate_down: true\n}"
    )
    assert diagnose(text) == []
