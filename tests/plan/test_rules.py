"""Every rule of the lowering: what is reported, and where.

In the text of a request, the code of a diagnostic is written before the place that
it is reported at. What is reported elsewhere is listed beside the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from quantcfg import Compilation, Severity, compile_config
from quantcfg.diagnostics import catalogue
from tests.marks import unmarked
from tests.networks import batch_norm, conv, deconv, inner_product, net, network, pool, relu, scale
from tests.plan.compiling import compiled, findings
from tests.plan.requests import for_all, for_every_type, for_layer, for_type, mapping_of

NET = net(
    conv("conv1"),
    batch_norm("bn1", "conv1"),
    scale("scale1", "bn1"),
    relu("relu1", "scale1"),
    conv("conv2", "relu1", parameters="num_output: 8 kernel_size: 3 dilation: 2"),
    pool("pool1", "conv2", parameters="pool: MAX kernel_size: 2"),
    deconv("up", "pool1"),
    pool("pool5", "up"),
    inner_product("fc", "pool5"),
)
SMALL_NET = net(conv("conv1"), inner_product("fc", "conv1"))


def check(prototxt: str, marked: str, elsewhere: Iterable[str] = ()) -> Compilation:
    text, expected = unmarked(marked)
    compilation = compiled(prototxt, text)
    assert findings(compilation) == [*elsewhere, *expected]
    errors = any(diagnostic.severity is Severity.ERROR for diagnostic in compilation.diagnostics)
    assert compilation.ok != errors
    return compilation


# --- refused (reference 4.9)

NAMES = {
    "a layer skipped twice": 'skip_layers: "fc"\nskip_layers: «QC404»"fc"',
    "a layer skipped three times": 'skip_layers: ["fc", «QC404»"fc", "up", «QC404»"fc"]',
    "a type skipped twice": 'skip_layer_types: ["Pooling", «QC404»"Pooling"]',
    "a layer without fusion twice": 'skip_fusion_layers: ["conv1", «QC404»"conv1"]',
    "two overrides of a layer": for_layer("fc") + for_layer("«QC404»fc"),
    "two overrides of a type": for_type("Pooling") + for_type("«QC404»Pooling"),
    "an unknown name twice": 'skip_layers: [«QC401»"nowhere", «QC404»"nowhere"]',
    "an unknown type twice": for_type("«QC403»Conv") + for_type("«QC404»Conv"),
    "an unknown layer is skipped": 'skip_layers: «QC401»"nowhere"',
    "an unknown layer has an override": for_layer(
        "«QC401»nowhere", "hfmg_quantize { num_of_bins: «QC501»1 }"
    ),
    "an unknown layer is without fusion": 'skip_fusion_layers: «QC401»"nowhere"',
    "an empty name": 'skip_layers: «QC401»""',
    "a skipped layer of another type": 'skip_layers: "fc"\n\tskip_layers: «QC402»"relu1"',
    "a skipped type that is another": 'skip_layer_types: «QC403»"ReLU"',
    "an override of another type": for_type("«QC403»ReLU", "arq_quantize { channel_wise: true }"),
    "a type in the wrong case": for_type("«QC403»convolution"),
    "a layer without fusion of another type": 'skip_fusion_layers: [«QC413»"pool5", «QC413»"bn1"]',
    "every type is skipped": (
        'skip_layer_types: ["Pooling", "Convolution", "InnerProduct", «QC405»"Deconvolution"]'
    ),
    "every layer is skipped": 'skip_layers: ["up", «QC407»"conv1", "conv2", "pool5", "fc"]',
    "every layer is skipped by name or type": (
        'skip_layers: ["up", "fc"] skip_layer_types: ["Pooling", «QC407»"Convolution"]'
    ),
    "wrong names in every list": (
        'skip_layers: «QC401»"a" skip_layer_types: «QC403»"b" skip_fusion_layers: «QC401»"c"\n'
        + for_type("«QC403»d")
        + for_layer("«QC401»e")
    ),
}

CHANNEL_WISE = "arq_quantize { channel_wise: «QC409»true }"

FLAGS = {
    "for InnerProduct": for_type("InnerProduct", CHANNEL_WISE),
    "for Pooling": for_type("Pooling", CHANNEL_WISE),
    "for a layer of InnerProduct": for_layer("fc", CHANNEL_WISE),
    "for a layer of AVE Pooling": for_layer("pool5", CHANNEL_WISE),
    "for a layer that is not supported": for_layer("«QC421»pool1", CHANNEL_WISE),
    "for a layer that is never quantized": for_layer("«QC421»relu1", CHANNEL_WISE),
    "for all": for_all("arq_quantize { channel_wise: «QC409»true }"),
    "for all, Pooling by type": for_all(CHANNEL_WISE) + for_type("Pooling"),
    "for all, the layers skipped": (
        for_all("arq_quantize { channel_wise: «QC409»true }")
        + 'skip_layers: "fc" skip_layer_types: "Pooling"'
    ),
    "in fc_calibration_config": f"«QC425»fc_calibration_config {{ {CHANNEL_WISE} }}",
}

IFMR = "ifmr_quantize {{ {} }}"

VALUES = {
    "no batch": "batch_num: «QC501»0",
    "a start of zero": "ifmr_quantize { search_range_start: «QC501»0 }",
    "a start below zero": "ifmr_quantize { search_range_start: «QC501»-0.1 }",
    "a start that rounds to zero": "ifmr_quantize { search_range_start: «QC501»1e-50 }",
    "a start beyond the end": "ifmr_quantize { search_range_start: «QC411»1.4 }",
    "a start at the end": "ifmr_quantize { search_range_start: «QC411»1.3 }",
    "an end below the start": "ifmr_quantize { search_range_end: «QC411»0.5 }",
    "an end below zero": "ifmr_quantize { search_range_end: «QC501»-1 }",
    "both ends below zero": ("ifmr_quantize { search_range_start: «QC501»-1 search_range_end: «QC501»-2 }"),
    "a falling range": "ifmr_quantize { search_range_end: 1 search_range_start: «QC411»2 search_step: 3 }",
    "a step of zero": "ifmr_quantize { search_step: «QC501»0 }",
    "a step below zero": "ifmr_quantize { search_step: «QC501»-0.01 }",
    "a step longer than the range": "ifmr_quantize { search_step: «QC412»0.7 }",
    "a range shorter than the step": "ifmr_quantize { search_range_start: «QC412»1.295 }",
    "an end too near for the step": "ifmr_quantize { search_range_end: «QC412»0.705 }",
    "a percentile of a half": "ifmr_quantize { max_percentile: «QC501»0.5 }",
    "a percentile that rounds to a half": "ifmr_quantize { max_percentile: «QC501»0.50000001 }",
    "a percentile above one": "ifmr_quantize { min_percentile: «QC501»1.1 }",
    "both percentiles": "ifmr_quantize { max_percentile: «QC501»0 min_percentile: «QC501»2 }",
    "an odd number of bins": "hfmg_quantize { num_of_bins: «QC501»4095 }",
    "no bins": "hfmg_quantize { num_of_bins: «QC501»0 }",
}

NON_UNIFORM = {
    "too few steps": for_layer("conv1", "nuq_quantize { num_steps: «QC501»8 }"),
    "too many rounds": for_layer("fc", "nuq_quantize { num_of_iteration: «QC501»6 }"),
    "a layer with dilation": for_layer("conv2", "«QC410»nuq_quantize { }"),
    "a type without it": for_type("Deconvolution", "hfmg_quantize { } «QC410»nuq_quantize { }"),
    "all layers of which some can have it": for_all("«QC410»«QC410»«QC410»nuq_quantize { }"),
    "a skipped layer": 'skip_layers: "pool5"\n' + for_layer("pool5", "«QC410»nuq_quantize { }"),
}

SYNTAX = {
    "no value": "batch_num:«QC104»",
    "an unknown field": "batch_num: 2\n«QC201»version: 1",
    "a wrong type": "activation_offset: «QC202»TRUE",
    "a fraction": "batch_num: «QC202»1.0",
    "too large a number": "batch_num: «QC203»4294967296",
    "an override without its type": "«QC206»override_layer_types { calibration_config { } }",
    "an override without its values": '«QC206»override_layer_configs { layer_name: "fc" }',
    "non-uniform quantization without its file": "«QC206»nuq_config { }",
    "non-uniform quantization without its file, but with a wrong value": (
        "«QC206»nuq_config { nuq_quantize { num_steps: «QC501»8 } }"
    ),
    "no number": for_all("ifmr_quantize { search_step: «QC211»nan }"),
    "no number where none is used": for_layer("«QC421»relu1", "ifmr_quantize { search_step: «QC211»-inf }"),
    "a number beyond all floats": for_all("ifmr_quantize { search_range_end: «QC211»1e39 }"),
    "a number beyond all floats behind a point": for_all("ifmr_quantize { search_range_end: «QC211»1.E39 }"),
    "the least number beyond all floats, without an exponent": for_all(
        f"ifmr_quantize {{ search_range_end: «QC211»{2**128} }}"
    ),
}


@pytest.mark.parametrize("marked", [*NAMES.values(), *FLAGS.values()], ids=[*NAMES, *FLAGS])
def test_wrong_names_and_flags_are_errors_each_at_its_place(marked: str) -> None:
    assert not check(NET, marked).ok


@pytest.mark.parametrize("marked", [*NON_UNIFORM.values(), *SYNTAX.values()], ids=[*NON_UNIFORM, *SYNTAX])
def test_wrong_algorithms_and_fields_are_errors_each_at_its_place(marked: str) -> None:
    assert not check(NET, marked).ok


@pytest.mark.parametrize("marked", VALUES.values(), ids=VALUES)
def test_a_value_out_of_range_is_an_error_where_it_is_written_however_many_layers_have_it(
    marked: str,
) -> None:
    wraps = [for_all, lambda text: for_type("Convolution", text), lambda text: for_layer("fc", text)]
    for wrap in wraps if "quantize" in marked else [str]:
        assert not check(NET, wrap(marked)).ok


@pytest.mark.parametrize("name", ["version", "batch_num", "skip_fusion_layers"])
def test_a_quantizable_layer_cannot_be_named_like_a_key_of_the_configuration(name: str) -> None:
    check(net(conv("conv1"), pool(name, "conv1")), "", ["QC408 9:9 of net.prototxt"])
    check(net(conv("conv1"), relu(name, "conv1")), "")


@pytest.mark.parametrize("config_text", ["", for_all("hfmg_quantize { }"), "do_fusion: false"])
def test_a_network_needs_a_layer_that_can_be_quantized(config_text: str) -> None:
    check(
        net(relu("relu1", "data"), pool("pool1", parameters="pool: MAX kernel_size: 2")),
        config_text,
        ["QC406"],
    )


# --- accepted, with or without a warning

ACCEPTED = {
    "nothing": "",
    "the largest step": for_all("ifmr_quantize { search_step: 0.6 }"),
    "the bounds of percentiles": for_all("ifmr_quantize { max_percentile: 1 min_percentile: 0.500001 }"),
    "a percentile that rounds to one": for_all("ifmr_quantize { max_percentile: 0.99999999 }"),
    "channel_wise for all but the types without it": (
        for_all("arq_quantize { channel_wise: true }") + for_type("InnerProduct") + for_type("Pooling")
    ),
    "a common flag that overrides take": (
        for_all("hfmg_quantize { asymmetric: false }") + for_every_type("hfmg_quantize { }")
    ),
}

IGNORED = {
    "a skipped layer that is not supported": 'skip_layers: «QC432»"pool1"',
    "an override of a layer that is not supported": (
        for_layer("«QC421»pool1", "ifmr_quantize { search_step: 9 } nuq_quantize { num_steps: 9 }")
    ),
    "an override of a layer that is never quantized": for_layer(
        "«QC421»relu1", "hfmg_quantize { num_of_bins: 1 }"
    ),
    "wrong values that no layer uses": (
        f"«QC430»{for_all('hfmg_quantize { num_of_bins: 1 }')}"
        + for_every_type("hfmg_quantize { num_of_bins: 1024 }")
    ),
    "an override of a type beside one of each of its layers": (
        for_type("«QC422»Pooling", "hfmg_quantize { num_of_bins: 1 }")
        + for_layer("pool5", "ifmr_quantize { }")
    ),
    "a layer without fusion that has none": 'skip_fusion_layers: ["conv1", «QC427»"fc"]',
    "a deprecated field": "«QC425»conv_calibration_config { ifmr_quantize { } }",
    "the deprecated pair": (
        "«QC425»fc_calibration_config { hfmg_quantize { } }\n"
        "«QC425»conv_calibration_config { hfmg_quantize { num_of_bins: 1024 asymmetric: false } }"
    ),
    "the deprecated pair beside an override of a layer": (
        "«QC425»conv_calibration_config { hfmg_quantize { } }\n" + for_layer("conv1", "hfmg_quantize { }")
    ),
    "the deprecated pair beside common_config": (
        "common_config { }\n«QC426»fc_calibration_config { arq_quantize { channel_wise: true } }"
    ),
    "the deprecated pair beside an override of a type": (
        "«QC426»conv_calibration_config { hfmg_quantize { num_of_bins: 1 } }\n" + for_type("Pooling")
    ),
    "a value that is set again": "batch_num: 2\n«QC207»batch_num: 3",
    "an algorithm in place of another": for_all("ifmr_quantize { } «QC208»hfmg_quantize { }"),
}

COMMON = "ifmr_quantize { search_step: 0.02 } arq_quantize { channel_wise: false }"

DROPPED = {
    "all of common_config": for_all(COMMON) + for_layer("conv1", mark="«QC423»"),
    "by a type": for_all(COMMON) + for_type("Convolution", mark="«QC423»"),
    "by a layer and its type": (
        for_all(COMMON)
        + for_type("Convolution", mark="«QC423»")
        + for_layer("up", "hfmg_quantize { }", "«QC423»")
    ),
    "of the type": (
        for_type("Convolution", "hfmg_quantize { }") + for_layer("conv1", "arq_quantize { }", "«QC423»")
    ),
    "a value that is not repeated": (
        for_all(COMMON)
        + for_layer(
            "conv1", "ifmr_quantize { max_percentile: 1 } arq_quantize { channel_wise: false }", "«QC423»"
        )
    ),
    "the algorithm of weights": (
        for_type("«QC422»InnerProduct", "nuq_quantize { }") + for_layer("fc", "ifmr_quantize { }", "«QC423»")
    ),
    "of conv_calibration_config": (
        "«QC425»conv_calibration_config { hfmg_quantize { } }\n"
        + for_layer("conv1", "arq_quantize { }", "«QC423»")
    ),
}

KEPT = {
    "everything is repeated": for_all(COMMON) + for_layer("conv1", COMMON),
    "another algorithm is named": (
        for_all("ifmr_quantize { search_step: 0.02 }") + for_layer("conv1", "hfmg_quantize { }")
    ),
    "another value is given": (
        for_all("ifmr_quantize { search_step: 0.02 }")
        + for_layer("conv1", "ifmr_quantize { search_step: 0.03 }")
    ),
    "what is lost is the default": (
        for_all("ifmr_quantize { search_step: 0.01 } arq_quantize { channel_wise: true }")
        + for_type("InnerProduct")
        + for_type("Pooling")
        + for_type("Deconvolution")
    ),
    "the type leaves no choice": (
        for_all("arq_quantize { channel_wise: false }") + for_type("InnerProduct", "hfmg_quantize { }")
    ),
}

ASYMMETRIC = {
    "of the type, for a layer without the flag": (
        for_type("Convolution", "ifmr_quantize { asymmetric: false }")
        + for_layer("conv1", "«QC424»ifmr_quantize { }")
    ),
    "of the type, for a layer without an algorithm": (
        for_type("Convolution", "ifmr_quantize { asymmetric: false }") + for_layer("conv1", mark="«QC424»")
    ),
    "of common_config, for another algorithm": (
        for_all("ifmr_quantize { asymmetric: false }") + for_layer("fc", "«QC424»hfmg_quantize { }")
    ),
}

ASYMMETRIC_KEPT = {
    "of common_config, for the same algorithm": (
        for_all("ifmr_quantize { asymmetric: false }") + for_layer("fc", "ifmr_quantize { }")
    ),
    "of common_config, for no algorithm": for_all("ifmr_quantize { asymmetric: false }")
    + for_type("Pooling"),
    "what AMCT gives is the same": (
        for_all("ifmr_quantize { asymmetric: true }") + for_layer("fc", "hfmg_quantize { }")
    ),
    "the layer has the flag": (
        for_all("ifmr_quantize { asymmetric: false }") + for_layer("fc", "hfmg_quantize { asymmetric: true }")
    ),
    "of conv_calibration_config, which does not speak of InnerProduct": (
        "«QC425»conv_calibration_config { ifmr_quantize { asymmetric: false } }\n"
        "«QC425»fc_calibration_config { hfmg_quantize { } }"
    ),
}


@pytest.mark.parametrize("marked", [*ACCEPTED.values(), *KEPT.values()], ids=[*ACCEPTED, *KEPT])
def test_what_is_in_order_is_accepted_without_a_word(marked: str) -> None:
    assert check(NET, marked).ok


@pytest.mark.parametrize("marked", [*IGNORED.values()], ids=[*IGNORED])
def test_what_has_no_effect_or_is_deprecated_is_a_warning(marked: str) -> None:
    assert check(NET, marked).ok


def test_a_skipped_type_that_is_not_there_is_a_warning() -> None:
    assert check(SMALL_NET, 'skip_layer_types: «QC432»"Pooling"').ok


@pytest.mark.parametrize("marked", DROPPED.values(), ids=DROPPED)
def test_an_override_that_drops_a_lower_setting_is_a_warning(marked: str) -> None:
    assert check(NET, marked).ok


@pytest.mark.parametrize(
    "marked", [*ASYMMETRIC.values(), *ASYMMETRIC_KEPT.values()], ids=[*ASYMMETRIC, *ASYMMETRIC_KEPT]
)
def test_a_flag_that_does_not_come_down_as_documented_is_a_warning(marked: str) -> None:
    assert check(NET, marked).ok


@pytest.mark.parametrize("layer_type", ["Deconvolution", "Pooling"])
def test_an_override_of_a_type_without_layers_is_a_warning_and_its_values_do_not_count(
    layer_type: str,
) -> None:
    marked = for_type(f"«QC422»{layer_type}", "hfmg_quantize { num_of_bins: 1 }")
    assert check(SMALL_NET, marked).ok


def test_channel_wise_of_an_override_counts_without_layers_too() -> None:
    check(SMALL_NET, for_type("«QC422»Pooling", CHANNEL_WISE))


def test_a_network_without_layers_that_take_common_channel_wise_is_accepted() -> None:
    assert check(net(conv("conv1"), deconv("up", "conv1")), for_all("arq_quantize { channel_wise: true }")).ok


# --- the documented sample (reference 6, S1)

S1 = """
# the documented sample
batch_num : 2
activation_offset : true
joint_quant : false
skip_layers : "conv_1"
skip_layer_types : "Convolution"
do_fusion : true
skip_fusion_layers : "conv_1"
common_config : {
    arq_quantize : { channel_wise : «flag»true }
    ifmr_quantize : {
        search_range_start : 0.7
        search_range_end : 1.3
        search_step : 0.01
        max_percentile : 0.999999
        min_percentile : 0.999999
    }
}
override_layer_types : {
    layer_type : "InnerProduct"
    calibration_config : {
        arq_quantize : { channel_wise : false }
        ifmr_quantize : {
            search_range_start : 0.8
            search_range_end : 1.2
            search_step : 0.02
            max_percentile : 0.999999
            min_percentile : 0.999999
        }
    }
}
"""
S1_NET = net(
    conv("conv_1"), batch_norm("bn_1", "conv_1"), scale("scale_1", "bn_1"), inner_product("fc", "scale_1")
)
S1_NET_WITH_POOLING = net(S1_NET, pool("pool", "scale_1"))


def test_the_documented_sample_is_accepted_without_pooling() -> None:
    compilation = check(S1_NET, S1.replace("«flag»", ""))
    assert compilation.config
    assert [name for name, value in compilation.config.items() if isinstance(value, dict)] == ["conv_1", "fc"]


def test_the_documented_sample_is_refused_with_pooling_until_it_is_changed_as_the_help_says() -> None:
    compilation = check(S1_NET_WITH_POOLING, S1.replace("«flag»", "«QC409»"))
    (error,) = compilation.diagnostics
    assert '"pool"' in error.message
    assert error.help == "remove channel_wise; the default is true where it is supported"
    assert check(S1_NET_WITH_POOLING, S1.replace("channel_wise : «flag»true", "")).ok


HELP = "remove channel_wise; the default is true where it is supported"


@pytest.mark.parametrize(
    ("request_text", "said", "noted"),
    [
        (
            for_all(CHANNEL_WISE),
            'InnerProduct and Pooling layers: "fc_a", "fc_b", "pool_a" and "pool_b"',
            ['"fc_a"', '"pool_a"'],
        ),
        (
            for_all(CHANNEL_WISE) + 'skip_layers: "fc_a" skip_layer_types: "Pooling"',
            'InnerProduct and Pooling layers: "fc_a", "fc_b", "pool_a" and "pool_b"',
            ['"fc_a"', '"pool_a"'],
        ),
        (
            for_all(CHANNEL_WISE) + for_layer("fc_a") + for_layer("pool_b"),
            'InnerProduct and Pooling layers: "fc_b" and "pool_a"',
            ['"fc_b"', '"pool_a"'],
        ),
        (
            for_all(CHANNEL_WISE) + for_type("InnerProduct"),
            'Pooling layers: "pool_a" and "pool_b"',
            ['"pool_a"'],
        ),
    ],
)
def test_a_common_flag_is_reported_once_with_a_layer_of_each_type(
    request_text: str, said: str, noted: list[str]
) -> None:
    network = net(
        conv("conv1"),
        inner_product("fc_a", "conv1"),
        pool("pool_a", "conv1"),
        inner_product("fc_b", "conv1"),
        pool("pool_b", "conv1"),
    )
    compilation = check(network, request_text)
    (error,) = compilation.diagnostics
    assert error.message == f"channel_wise cannot be true for {said}"
    assert error.help == HELP
    assert [each.span.text for each in error.related] == noted
    assert {each.message for each in error.related} == {"applies to this layer"}
    assert check(network, request_text.replace("channel_wise: «QC409»true", "")).ok


@pytest.mark.parametrize(
    ("marked", "types"),
    [
        (
            "«QC425»fc_calibration_config { arq_quantize { channel_wise: «QC409»true } }",
            "InnerProduct and Pooling",
        ),
        (
            "«QC425»conv_calibration_config { arq_quantize { channel_wise: true } }\n"
            "«QC425»fc_calibration_config { arq_quantize { channel_wise: «QC409»true } }",
            "InnerProduct and Pooling",
        ),
        (for_type("Pooling", CHANNEL_WISE), "Pooling"),
        (for_layer("fc", CHANNEL_WISE), "InnerProduct"),
    ],
)
def test_a_flag_of_overrides_names_all_of_their_types(marked: str, types: str) -> None:
    network = net(conv("conv1"), inner_product("fc", "conv1"), pool("pool5", "conv1"))
    *_, error = check(network, marked).diagnostics
    assert error.message == f"channel_wise cannot be true for {types} layers"
    assert error.help == "set it to false"


# --- the mapping file (reference 5.5)


def check_mapping(content: str | None, folder: Path, mark: str, request: str = "") -> Compilation:
    file = folder / "mapping.json"
    if content is not None:
        file.write_text(content)
    return check(NET, f'nuq_config {{ mapping_file: {mark}"{file}" }}\n{request}')


@pytest.mark.parametrize("layers", [("conv1",), ("fc", "fc_dequant_layer"), ("pool5", "conv2", "conv1")])
def test_a_mapping_that_selects_a_layer_is_accepted_without_a_word(
    layers: Sequence[str], tmp_path: Path
) -> None:
    assert check_mapping(json.dumps(mapping_of(*layers)), tmp_path, "").ok


@pytest.mark.parametrize("layers", [(), ("nowhere",), ("pool5", "conv2", "up"), ("conv1_dequant_layer",)])
def test_a_mapping_that_selects_no_layer_is_a_warning(layers: Sequence[str], tmp_path: Path) -> None:
    assert check_mapping(json.dumps(mapping_of(*layers)), tmp_path, "«QC429»").ok


def test_a_mapping_that_selects_only_layers_with_an_override_is_a_warning(tmp_path: Path) -> None:
    content = json.dumps(mapping_of("conv1"))
    compilation = check_mapping(content, tmp_path, "«QC429»", for_layer("conv1", "ifmr_quantize { }"))
    assert compilation.ok
    assert compilation.diagnostics[0].help == "remove the overrides of the layers that it selects"


def test_a_mapping_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (error,) = check_mapping(None, tmp_path, "«QC101»").diagnostics
    assert "no such file" in error.message
    assert error.help is None
    overrides = for_type("Convolution", "hfmg_quantize { }") + for_type("InnerProduct", "hfmg_quantize { }")
    assert not check_mapping(None, tmp_path, "«QC101»", overrides).ok
    relative = compiled(NET, 'nuq_config { mapping_file: "nowhere/mapping.json" }').diagnostics[0]
    assert relative.help == "the path is relative to the working directory"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "not json",
        "\u00ff",
        "[" * 100_000,
        "null",
        "[]",
        "{}",
        '{"graph": []}',
        '{"graph": {}}',
        '{"graph": [0]}',
        '{"graph": [{"op": 0}]}',
        '{"graph": [{"op": [{"attr": [{}]}]}]}',
        '{"graph": [{"op": [{"attr": [{"key": "_fe_weight_compress", "value": true}]}]}]}',
    ],
)
def test_a_mapping_file_without_the_layout_of_the_reference_is_an_error(content: str, tmp_path: Path) -> None:
    (tmp_path / "mapping.json").write_bytes(content.encode("latin-1"))
    (error,) = check_mapping(None, tmp_path, "«QC414»").diagnostics
    assert ("invalid JSON" in error.message) != ("no operator graph" in error.message)


# --- the plain arguments


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"skip_layers": ["fc", "nowhere"]}, "QC401 1:8 of argument skip_layers"),
        ({"skip_layers": ["relu1"]}, "QC402 1:2 of argument skip_layers"),
        ({"skip_layers": ["fc", "up", "fc"]}, "QC404 1:14 of argument skip_layers"),
        (
            {"skip_layers": ["conv1", "conv2", "fc", "pool5", "up"]},
            "QC407 1:2 of argument skip_layers",
        ),
        ({"skip_layers": ("fc",)}, "QC415 1:1 of argument skip_layers"),
        ({"skip_layers": [1]}, "QC415 1:1 of argument skip_layers"),
        ({"skip_layers": "fc"}, "QC415 1:1 of argument skip_layers"),
        ({"batch_num": 0}, "QC501 1:1 of argument batch_num"),
        ({"batch_num": -1}, "QC501 1:1 of argument batch_num"),
        ({"batch_num": True}, "QC415 1:1 of argument batch_num"),
        ({"batch_num": 1.0}, "QC415 1:1 of argument batch_num"),
        ({"batch_num": None}, "QC415 1:1 of argument batch_num"),
        ({"activation_offset": 1}, "QC415 1:1 of argument activation_offset"),
        ({"activation_offset": "true"}, "QC415 1:1 of argument activation_offset"),
    ],
)
def test_wrong_arguments_are_errors_each_at_its_place(arguments: dict[str, Any], expected: str) -> None:
    assert findings(compile_config(network(NET), **arguments)) == [expected]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"skip_layers": ["nowhere"]}, ["QC428 1:1 of argument skip_layers"]),
        ({"batch_num": 0}, ["QC428 1:1 of argument batch_num"]),
        ({"activation_offset": False}, ["QC428 1:1 of argument activation_offset"]),
        ({"skip_layers": [], "batch_num": 1, "activation_offset": True}, []),
        ({"skip_layers": None}, []),
    ],
)
def test_arguments_beside_a_config_are_ignored_with_a_warning(
    arguments: dict[str, Any], expected: list[str]
) -> None:
    compilation = compile_config(network(NET), config_text="", **arguments)
    assert findings(compilation) == expected
    assert compilation.text == compile_config(network(NET)).text


def test_arguments_of_a_wrong_type_are_errors_beside_a_config_too() -> None:
    wrong: Any = ["fc", 1]
    compilation = compile_config(network(NET), config_text="", skip_layers=wrong)
    assert findings(compilation) == ["QC415 1:1 of argument skip_layers"]


# --- what the help says


@pytest.mark.parametrize(
    ("config_text", "help"),
    [
        ('skip_layers: "Conv1"', 'did you mean "conv1"?'),
        ('skip_layers: "poool5"', 'did you mean "pool5"?'),
        ('skip_layers: "nothing like it"', '"quantcfg layers" lists the layers'),
        ('skip_layers: "relu1"', "remove it from the list"),
        ('skip_layer_types: "convolution"', 'use "Convolution"'),
        ('skip_layer_types: "InnerProducts"', 'use "InnerProduct"'),
        (
            'skip_layer_types: "ReLU"',
            'use "Convolution", "Deconvolution", "InnerProduct" or "Pooling"',
        ),
        (for_layer("cnov1"), 'did you mean "conv1"?'),
        (for_type("Deconv"), 'use "Deconvolution"'),
        ('skip_fusion_layers: "bn1"', 'use "conv1"'),
        ('skip_fusion_layers: "relu1"', "remove it from the list"),
        ('skip_fusion_layers: "fc"', "remove it from the list"),
        ("batchnum: 1", 'did you mean "batch_num"?'),
        (for_layer("fc", "arq_quantize { channel_wise: true }"), "set it to false"),
        (for_layer("fc", "ifmr_quantize { search_step: 1 }"), "set search_step to at most 0.6"),
        (
            for_layer("fc", "ifmr_quantize { search_range_end: 0.5 }"),
            "set both ends: the other one has its default",
        ),
        (
            for_layer("fc", "ifmr_quantize { search_range_start: 2 search_range_end: 1 }"),
            "make the start less than the end",
        ),
        (
            for_layer("fc", "ifmr_quantize { search_range_start: 1.295 }"),
            "set search_step to at most 0.005 (the default is 0.01)",
        ),
        (
            for_layer("fc", "ifmr_quantize { max_percentile: 0.50000001 }"),
            "as a 32-bit float it is 0.5",
        ),
        (
            "conv_calibration_config { }",
            'use common_config, which also applies to InnerProduct and Pooling, or run "quantcfg migrate"',
        ),
        (
            "fc_calibration_config { }",
            'use override_layer_types for InnerProduct and Pooling, or run "quantcfg migrate"',
        ),
        (
            for_type("Convolution", "hfmg_quantize { }") + for_layer("conv1"),
            "repeat the settings to keep in the override",
        ),
        (
            for_all("ifmr_quantize { asymmetric: false }") + for_layer("fc", "hfmg_quantize { }"),
            'set asymmetric in the override of layer "fc"',
        ),
        (for_layer("conv2", "nuq_quantize { }"), "use arq_quantize"),
        (
            for_all("nuq_quantize { }")
            + for_type("Pooling", "arq_quantize { }")
            + for_type("Deconvolution", "arq_quantize { }"),
            "override these layers or their type with arq_quantize",
        ),
    ],
)
def test_the_help_says_what_to_do(config_text: str, help: str | None) -> None:
    (diagnostic,) = compiled(NET, config_text).diagnostics
    assert diagnostic.help == help


@pytest.mark.parametrize(
    ("config_text", "message"),
    [
        (
            for_all(COMMON) + for_layer("conv1"),
            "this override drops settings of common_config: "
            "search_step is 0.01, not 0.02, channel_wise is true, not false",
        ),
        (
            for_type("Convolution", "hfmg_quantize { }") + for_layer("conv1", "arq_quantize { }"),
            'this override drops settings of the override of type "Convolution": '
            "the algorithm is ifmr, not hfmg",
        ),
        (
            for_all("ifmr_quantize { asymmetric: false }") + for_layer("fc", "hfmg_quantize { }"),
            'asymmetric is true for "fc": AMCT does not inherit it from common_config',
        ),
        (
            for_layer("fc", "hfmg_quantize { num_of_bins: 1 }"),
            '"num_of_bins" must be one of 1024, 2048, 4096, 8192, not 1',
        ),
        (
            for_layer("fc", "ifmr_quantize { max_percentile: 0.5 }"),
            '"max_percentile" must be greater than 0.5, not 0.5',
        ),
        (
            for_layer("fc", "ifmr_quantize { search_range_start: -1 }"),
            '"search_range_start" must be greater than 0, not -1',
        ),
        ("batch_num: 0", '"batch_num" must be at least 1, not 0'),
        (
            for_layer("«QC421»pool1"),
            'override has no effect: layer "pool1" is not quantizable: '
            "only average pooling is supported, this is MAX",
        ),
    ],
)
def test_the_message_says_what_is_wrong(config_text: str, message: str) -> None:
    (diagnostic,) = compiled(NET, unmarked(config_text)[0]).diagnostics
    assert diagnostic.message == message


def test_layers_with_different_reasons_are_reported_apart() -> None:
    text = net(
        conv("a", parameters="num_output: 8 kernel_size: 3 dilation: 2"),
        conv("b", parameters="num_output: 8 kernel_size: 3 group: 2"),
        conv("c", parameters="num_output: 8 kernel_size: 3 dilation: 2"),
    )
    messages = [diagnostic.message for diagnostic in compiled(text, for_all("nuq_quantize { }")).diagnostics]
    assert messages == [
        'nuq_quantize is not supported for "a" and "c" (Convolution): '
        "only dilation 1 is supported, this is 2",
        'nuq_quantize is not supported for "b" (Convolution): only one group is supported, this has 2',
    ]


# --- the tables


OF_MIGRATION = catalogue.NOT_MIGRATED


def test_every_rule_of_the_lowering_is_in_a_table() -> None:
    of_lowering = {
        rule.code
        for rule in vars(catalogue).values()
        if isinstance(rule, catalogue.Rule) and rule.code.startswith("QC4") and rule is not OF_MIGRATION
    }
    folder = Path(__file__).parents[1]
    files = ("plan/test_rules.py", "plan/test_onnx_rules.py", "configuration/test_onnx_configurations.py")
    text = "".join((folder / file).read_text(encoding="utf-8") for file in files)
    assert of_lowering == set(re.findall("QC4[0-9]{2}", text))


@pytest.mark.slow
def test_many_names_that_no_layer_has_are_all_reported_though_not_all_explained() -> None:
    layers = net(*(conv(f"res{index}_branch2a") for index in range(200)))
    names = ", ".join(f'"res{index}_brunch2a"' for index in range(400))
    compilation = compile_config(network(layers), config_text=f"skip_layers: [{names}]")
    assert [finding.code for finding in compilation.diagnostics] == ["QC401"] * 400
    helps = [finding.help or "" for finding in compilation.diagnostics]
    explained = [help for help in helps if help.startswith("did you mean")]
    assert 0 < len(explained) < 400
    assert explained[0] == 'did you mean "res0_branch2a"?'
