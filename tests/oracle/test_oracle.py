"""The oracle agrees with the reference. Section numbers are those of the reference."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.oracle.amct import OracleLayer, Refused, dump, lower
from tests.oracle.reader import read

CONV = OracleLayer("conv1", "Convolution", supported=True, non_uniform=True)
DILATED = OracleLayer("conv2", "Convolution", supported=True, non_uniform=False)
DECONV = OracleLayer("up", "Deconvolution", supported=True, non_uniform=False)
FC = OracleLayer("fc", "InnerProduct", supported=True, non_uniform=True)
AVE = OracleLayer("pool5", "Pooling", supported=True, non_uniform=False)
MAX = OracleLayer("pool1", "Pooling", supported=False, non_uniform=False)
RELU = OracleLayer("relu1", "ReLU", supported=False, non_uniform=False)

NET = [CONV, RELU, MAX, DILATED, DECONV, AVE, FC]

IFMR = {
    "max_percentile": 0.999999,
    "min_percentile": 0.999999,
    "search_range": [0.7, 1.3],
    "search_step": 0.01,
    "act_algo": "ifmr",
    "asymmetric": True,
}
PER_CHANNEL = {"wts_algo": "arq_quantize", "channel_wise": True}
PER_LAYER = {"wts_algo": "arq_quantize", "channel_wise": False}


def compiled(
    config_text: str, layers: list[OracleLayer] = NET, mapping: Mapping[str, object] | None = None
) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(lower(layers, config_text=config_text, mapping=mapping))
    return values


def activation(
    config_text: str, layer: OracleLayer = CONV, layers: list[OracleLayer] = NET
) -> dict[str, Any]:
    values: dict[str, Any] = compiled(config_text, layers)[layer.name]["activation_quant_params"]
    return values


def weights(
    config_text: str, layer: OracleLayer = CONV, mapping: Mapping[str, object] | None = None
) -> dict[str, Any]:
    values: dict[str, Any] = compiled(config_text, mapping=mapping)[layer.name]["weight_quant_params"]
    return values


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason


def config_refusal(
    config_text: str, layers: list[OracleLayer] = NET, mapping: Mapping[str, object] | None = None
) -> str:
    return refusal(lambda: lower(layers, config_text=config_text, mapping=mapping))


def for_layer(calibration: str, name: str = CONV.name) -> str:
    return f'override_layer_configs {{ layer_name: "{name}" calibration_config {{ {calibration} }} }}\n'


def for_type(calibration: str, layer_type: str) -> str:
    return f'override_layer_types {{ layer_type: "{layer_type}" calibration_config {{ {calibration} }} }}\n'


def for_all(calibration: str) -> str:
    return f"common_config {{ {calibration} }}\n"


def fusion_result(*ops: tuple[list[str], dict[str, object]]) -> dict[str, object]:
    """The layout of the file that nuq_config names (5.5)."""
    return {
        "attr": [],
        "custom_version": "",
        "graph": [
            {
                "op": [
                    {
                        "name": names[0],
                        "type": "Conv2D",
                        "attr": [
                            {"key": "_datadump_original_op_names", "value": {"list": {"s": names}}},
                            *({"key": key, "value": value} for key, value in flags.items()),
                        ],
                    }
                    for names, flags in ops
                ]
            }
        ],
        "name": "net",
        "version": 2,
    }


FLAGGED: dict[str, object] = {"_fe_weight_compress": {"b": True}}
MAPPING_FILE = 'nuq_config { mapping_file: "net.json" }\n'


# Samples of section 6

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
    arq_quantize : { channel_wise : true }
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
S1_NET = [OracleLayer("conv_1", "Convolution", supported=True, non_uniform=True), FC]

S2 = """
activation_offset: true
batch_num: 2
nuq_config {
    mapping_file: "./src/nuq_files/resnet50_om_model.json"
    nuq_quantize { num_steps: 32 num_of_iteration: 0 }
}
common_config {
    ifmr_quantize {
        search_range_start: 0.7
        search_range_end: 1.3
        search_step: 0.01
        max_percentile: 0.999999
        min_percentile: 0.999999
    }
}
override_layer_types {
    layer_type: "Pooling"
    calibration_config {
        arq_quantize { channel_wise: false }
        ifmr_quantize {
            search_range_start: 0.7
            search_range_end: 1.3
            search_step: 0.01
            max_percentile: 0.999999
            min_percentile: 0.999999
        }
    }
}
"""

S5 = """
batch_num: 2
activation_offset: true
skip_layers: "conv1"
common_config { ifmr_quantize { search_step: 0.02 asymmetric: false } }
override_layer_types { layer_type: "InnerProduct" calibration_config { hfmg_quantize { num_of_bins: 2048 } } }
"""

S5_JSON = """\
{
    "version":1,
    "batch_num":2,
    "activation_offset":true,
    "joint_quant":false,
    "do_fusion":true,
    "skip_fusion_layers":[],
    "conv1":{
        "quant_enable":false,
        "activation_quant_params":{
            "max_percentile":0.999999,
            "min_percentile":0.999999,
            "search_range":[
                0.7,
                1.3
            ],
            "search_step":0.02,
            "act_algo":"ifmr",
            "asymmetric":false
        },
        "weight_quant_params":{
            "wts_algo":"arq_quantize",
            "channel_wise":true
        }
    },
    "fc":{
        "quant_enable":true,
        "activation_quant_params":{
            "act_algo":"hfmg",
            "num_of_bins":2048,
            "asymmetric":true
        },
        "weight_quant_params":{
            "wts_algo":"arq_quantize",
            "channel_wise":false
        }
    },
    "pool5":{
        "quant_enable":true,
        "activation_quant_params":{
            "max_percentile":0.999999,
            "min_percentile":0.999999,
            "search_range":[
                0.7,
                1.3
            ],
            "search_step":0.02,
            "act_algo":"ifmr",
            "asymmetric":false
        },
        "weight_quant_params":{
            "wts_algo":"arq_quantize",
            "channel_wise":false
        }
    }
}"""


def test_s1_is_accepted_without_pooling() -> None:
    values = compiled(S1, S1_NET)
    assert list(values) == [
        *("version", "batch_num", "activation_offset", "joint_quant", "do_fusion", "skip_fusion_layers"),
        *("conv_1", "fc"),
    ]
    assert values["batch_num"] == 2
    assert values["skip_fusion_layers"] == ["conv_1"]
    assert values["conv_1"] == {
        "quant_enable": False,
        "activation_quant_params": IFMR,
        "weight_quant_params": PER_CHANNEL,
    }
    assert values["fc"] == {
        "quant_enable": True,
        "activation_quant_params": IFMR | {"search_range": [0.8, 1.2], "search_step": 0.02},
        "weight_quant_params": PER_LAYER,
    }


def test_s1_is_refused_with_pooling() -> None:
    assert config_refusal(S1, [*S1_NET, AVE]) == "channel_wise"


def test_s2_quantizes_the_compressible_layers_non_uniformly() -> None:
    mapping = fusion_result(
        (["conv1", "conv1_dequant_layer", "fc_0_quant_layer"], FLAGGED),
        (["conv2", "conv2_dequant_layer"], FLAGGED),
        (["pool5"], FLAGGED),
        (["fc", "fc_dequant_layer"], {}),
        (["somewhere_else"], FLAGGED),
    )
    values = compiled(S2, mapping=mapping)
    assert values["conv1"] == {
        "quant_enable": True,
        "activation_quant_params": IFMR,
        "weight_quant_params": {"wts_algo": "nuq_quantize", "num_steps": 32, "num_of_iteration": 0},
    }
    assert values["conv2"]["weight_quant_params"] == PER_CHANNEL
    assert values["fc"]["weight_quant_params"] == PER_LAYER
    assert values["pool5"]["weight_quant_params"] == PER_LAYER


def test_s2_is_refused_without_the_file() -> None:
    assert config_refusal(S2) == "mapping_file"


def test_s3_quantizes_with_histograms() -> None:
    values = compiled(for_all("hfmg_quantize { num_of_bins: 4096 asymmetric: false }"))
    for layer in (CONV, DILATED, DECONV, AVE, FC):
        params = values[layer.name]["activation_quant_params"]
        assert list(params.items()) == [("act_algo", "hfmg"), ("num_of_bins", 4096), ("asymmetric", False)]


def test_s4_is_refused_with_an_inner_product() -> None:
    config_text = """
    batch_num: 2
    activation_offset: true
    common_config {
        arq_quantize { channel_wise: true }
        ifmr_quantize {
            search_range_start: 0.7
            search_range_end: 1.3
            search_step: 0.01
            max_percentile: 0.999999
            min_percentile: 0.999999
        }
    }
    """
    assert config_refusal(config_text, [CONV, FC]) == "channel_wise"
    assert compiled(config_text, [CONV])["conv1"]["weight_quant_params"] == PER_CHANNEL


def test_s5_byte_for_byte() -> None:
    assert lower([CONV, AVE, FC], config_text=S5) == S5_JSON


# The plain arguments (1)


def test_the_default_run_lists_all_supported_layers_by_name() -> None:
    values = json.loads(lower(NET))
    assert values == {
        "version": 1,
        "batch_num": 1,
        "activation_offset": True,
        "joint_quant": False,
        "do_fusion": True,
        "skip_fusion_layers": [],
    } | {
        layer.name: {
            "quant_enable": True,
            "activation_quant_params": IFMR,
            "weight_quant_params": channel_wise,
        }
        for layer, channel_wise in [
            (CONV, PER_CHANNEL),
            (DILATED, PER_CHANNEL),
            (FC, PER_LAYER),
            (AVE, PER_LAYER),
            (DECONV, PER_CHANNEL),
        ]
    }
    assert list(values)[6:] == ["conv1", "conv2", "fc", "pool5", "up"]


def test_an_empty_config_means_all_defaults() -> None:
    assert lower(NET, config_text="") == lower(NET)


def test_the_plain_arguments() -> None:
    values = json.loads(lower(NET, skip_layers=["fc"], batch_num=2**40, activation_offset=False))
    assert values["batch_num"] == 2**40
    assert values["activation_offset"] is False
    assert values["conv1"]["activation_quant_params"]["asymmetric"] is False
    assert [values[name]["quant_enable"] for name in ("conv1", "fc")] == [True, False]


def test_the_plain_arguments_have_no_effect_beside_a_config() -> None:
    given = lower(NET, config_text="", skip_layers=["nowhere"], batch_num=0, activation_offset=False)
    assert given == lower(NET)


def test_the_plain_arguments_are_checked() -> None:
    assert refusal(lambda: lower(NET, batch_num=0)) == "batch_num"
    assert refusal(lambda: lower(NET, batch_num=-1)) == "batch_num"
    assert refusal(lambda: lower(NET, batch_num=True)) == "batch_num"
    assert refusal(lambda: lower(NET, skip_layers=["fc", "fc"])) == "repeated"
    assert refusal(lambda: lower(NET, skip_layers=["nowhere"])) == "unknown_layer"
    assert refusal(lambda: lower(NET, skip_layers=["relu1"])) == "not_quantizable"
    assert refusal(lambda: lower([FC], skip_layers=["fc"])) == "nothing_enabled"


# Reading (2.9)


@pytest.mark.parametrize(
    "config_text",
    [
        "batch_num: ",
        "nonsense: 1",
        "1: 1",
        "batch_num: 1.0",
        "batch_num: -1",
        "batch_num: 4294967296",
        "activation_offset: TRUE",
        "common_config 1",
        "\ufeffbatch_num: 1",
        "version: 1",
        for_all("arq_quantize { quant_bits: 8 }"),
        for_all("ifmr_quantize { search_step: 0x1 }"),
    ],
)
def test_syntax_errors_are_refused(config_text: str) -> None:
    assert config_refusal(config_text) == "parse"


@pytest.mark.parametrize(
    "config_text",
    [
        "override_layer_types { calibration_config {} }",
        'override_layer_types { layer_type: "Pooling" }',
        "override_layer_configs { calibration_config {} }",
        'override_layer_configs { layer_name: "fc" }',
        "nuq_config {}",
    ],
)
def test_missing_fields_are_refused(config_text: str) -> None:
    assert config_refusal(config_text, mapping=fusion_result()) == "required"


def test_messages_given_twice_are_merged() -> None:
    assert compiled("batch_num: 2 batch_num: 3")["batch_num"] == 3
    params = activation(
        for_all("ifmr_quantize { search_step: 0.02 }") + for_all("ifmr_quantize { max_percentile: 1 }")
    )
    assert params == IFMR | {"search_step": 0.02, "max_percentile": 1.0}


def test_the_algorithm_written_last_wins() -> None:
    config_text = for_all(
        "ifmr_quantize { search_step: 0.02 } hfmg_quantize {} ifmr_quantize { max_percentile: 1 }"
    )
    assert activation(config_text) == IFMR | {"max_percentile": 1.0}


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("0.999999", "0.999999"),
        ("0.123456789", "0.12345679"),
        ("0.99999999", "1.0"),
        ("16777217", "16777216.0"),
        ("0.00001", "1e-05"),
        ("1e10", "10000000000.0"),
        ("0.02f", "0.02"),
    ],
)
def test_floats_are_written_as_the_shortest_decimal(written: str, expected: str) -> None:
    wide = f"search_range_start: 1e-6 search_range_end: {written}"
    step = "search_step: 1e-9"
    text = lower([CONV], config_text=for_all(f"ifmr_quantize {{ {wide} {step} }}"))
    assert f"                1e-06,\n                {expected}\n            ],\n" in text


# Rows of the error table (4.9)


@pytest.mark.parametrize(
    "config_text",
    [
        'skip_layers: "fc" skip_layers: "fc"',
        'skip_layer_types: ["Pooling", "Pooling"]',
        'skip_fusion_layers: ["fc", "conv1", "fc"]',
        for_layer("") + for_layer(""),
        for_type("", "Pooling") + for_type("", "Pooling"),
    ],
)
def test_repeats_are_refused(config_text: str) -> None:
    assert config_refusal(config_text) == "repeated"


def test_an_override_of_an_unknown_layer_is_refused() -> None:
    assert config_refusal(for_layer("", "nowhere")) == "unknown_layer"


def test_an_override_of_an_unsupported_layer_has_no_effect() -> None:
    config_text = for_layer("ifmr_quantize { search_step: 9 } nuq_quantize { num_steps: 9 }", "pool1")
    assert lower(NET, config_text=config_text) == lower(NET)
    assert lower(NET, config_text=for_layer("hfmg_quantize { num_of_bins: 1 }", "relu1")) == lower(NET)


@pytest.mark.parametrize("name", ["pool1", "relu1", "fc", "pool5"])
def test_a_layer_override_cannot_be_channel_wise_for_every_type(name: str) -> None:
    assert config_refusal(for_layer("arq_quantize { channel_wise: true }", name)) == "channel_wise"


@pytest.mark.parametrize("layer_type", ["ReLU", "BatchNorm", "", "convolution"])
def test_an_override_of_a_type_that_cannot_be_quantized_is_refused(layer_type: str) -> None:
    assert config_refusal(for_type("", layer_type)) == "not_quantizable"


def test_an_override_of_a_type_without_layers_has_no_effect() -> None:
    config_text = for_type("hfmg_quantize { num_of_bins: 1 }", "Deconvolution")
    assert lower([CONV], config_text=config_text) == lower([CONV])


@pytest.mark.parametrize("layer_type", ["InnerProduct", "Pooling"])
def test_a_type_override_cannot_be_channel_wise_for_every_type(layer_type: str) -> None:
    config_text = for_type("arq_quantize { channel_wise: true }", layer_type)
    assert config_refusal(config_text, [CONV]) == "channel_wise"


@pytest.mark.parametrize("skips", ["", 'skip_layers: "fc"', 'skip_layer_types: "InnerProduct"'])
def test_common_channel_wise_is_refused_for_an_inner_product(skips: str) -> None:
    config_text = for_all("arq_quantize { channel_wise: true }") + skips
    assert config_refusal(config_text, [CONV, FC]) == "channel_wise"
    assert weights(config_text + for_type("", "InnerProduct") + for_type("", "Pooling")) == PER_CHANNEL


def test_values_that_no_layer_uses_are_not_checked() -> None:
    config_text = for_all("ifmr_quantize { search_step: nan }") + for_type("", "Convolution")
    assert lower([CONV], config_text=config_text) == lower([CONV])


@pytest.mark.parametrize(
    ("config_text", "reason"),
    [
        ('skip_layers: "nowhere"', "unknown_layer"),
        ('skip_layers: "relu1"', "not_quantizable"),
        ('skip_layer_types: "ReLU"', "not_quantizable"),
        (
            'skip_layer_types: ["Convolution", "InnerProduct", "Deconvolution", "Pooling"]',
            "all_types_skipped",
        ),
        (
            'skip_layer_types: ["Convolution", "InnerProduct", "Deconvolution"] skip_layers: "pool5"',
            "nothing_enabled",
        ),
        ('skip_fusion_layers: "nowhere"', "unknown_layer"),
        ('skip_fusion_layers: "pool5"', "not_fusible"),
        ("batch_num: 0", "batch_num"),
    ],
)
def test_globals_that_are_refused(config_text: str, reason: str) -> None:
    assert config_refusal(config_text) == reason


def test_a_net_without_supported_layers_is_refused() -> None:
    assert config_refusal("", [MAX, RELU]) == "nothing_supported"
    assert config_refusal("", []) == "nothing_supported"


def test_a_supported_layer_must_not_be_called_like_a_global_key() -> None:
    named = OracleLayer("version", "Pooling", supported=True, non_uniform=False)
    assert config_refusal("", [CONV, named]) == "name_clash"
    unsupported = OracleLayer("version", "Pooling", supported=False, non_uniform=False)
    assert lower([CONV, unsupported]) == lower([CONV])


@pytest.mark.parametrize(
    "calibration",
    [
        "ifmr_quantize { search_range_start: 0 }",
        "ifmr_quantize { search_range_start: -0.1 }",
        "ifmr_quantize { search_range_start: 1e-50 }",
        "ifmr_quantize { search_range_start: 1.3 }",
        "ifmr_quantize { search_range_end: 0.5 }",
        "ifmr_quantize { search_step: 0 }",
        "ifmr_quantize { search_step: 0.7 }",
        "ifmr_quantize { max_percentile: 0.5 }",
        "ifmr_quantize { max_percentile: 0.50000001 }",
        "ifmr_quantize { min_percentile: 1.1 }",
        "ifmr_quantize { min_percentile: nan }",
        "ifmr_quantize { search_range_end: inf }",
        "ifmr_quantize { search_range_end: 1e39 }",
        "ifmr_quantize { search_step: nan }",
        "hfmg_quantize { num_of_bins: 4095 }",
        "nuq_quantize { num_steps: 31 }",
        "nuq_quantize { num_of_iteration: 6 }",
    ],
)
def test_values_out_of_range_are_refused(calibration: str) -> None:
    assert config_refusal(for_layer(calibration)) == "range"
    assert config_refusal(for_layer(calibration) + 'skip_layers: "conv1"') == "range"


@pytest.mark.parametrize(
    "calibration",
    [
        "ifmr_quantize { search_step: 0.6 }",
        "ifmr_quantize { search_range_start: 0.1 search_range_end: 0.3 search_step: 0.2 }",
        "ifmr_quantize { max_percentile: 1 min_percentile: 0.500001 }",
        "ifmr_quantize { max_percentile: 0.99999999 }",
        "hfmg_quantize { num_of_bins: 1024 }",
        "hfmg_quantize { num_of_bins: 8192 }",
        "nuq_quantize { num_steps: 16 num_of_iteration: 0 }",
        "nuq_quantize { num_steps: 32 num_of_iteration: 5 }",
    ],
)
def test_values_at_the_ends_of_their_ranges_are_accepted(calibration: str) -> None:
    assert lower(NET, config_text=for_layer(calibration))


# Lowering (4.2 to 4.7)


def test_layers_are_sorted_by_code_point() -> None:
    names = ["conv2", "conv10", "é", "conv1", "Z"]
    layers = [OracleLayer(name, "Convolution", supported=True, non_uniform=True) for name in names]
    text = lower(layers)
    assert list(json.loads(text))[6:] == ["Z", "conv1", "conv10", "conv2", "é"]
    assert '"\\u00e9":{' in text
    assert not text.endswith("\n")


def test_an_override_replaces_the_common_config() -> None:
    config_text = for_all("hfmg_quantize { num_of_bins: 2048 } arq_quantize { channel_wise: false }")
    config_text += for_layer("arq_quantize { channel_wise: true }")
    assert activation(config_text) == IFMR
    assert weights(config_text) == PER_CHANNEL
    assert activation(config_text, FC)["num_of_bins"] == 2048
    assert weights(config_text, DECONV) == PER_LAYER


def test_a_layer_override_comes_before_a_type_override() -> None:
    config_text = for_type("ifmr_quantize { search_step: 0.02 }", "Convolution")
    config_text += for_layer("ifmr_quantize { search_step: 0.03 }")
    assert activation(config_text)["search_step"] == 0.03
    assert activation(config_text, DILATED)["search_step"] == 0.02
    assert activation(config_text, DECONV)["search_step"] == 0.01


def test_an_algorithm_without_channel_wise_has_that_of_the_type() -> None:
    config_text = for_all("arq_quantize {}")
    assert weights(config_text) == PER_CHANNEL
    assert weights(config_text, FC) == PER_LAYER


def test_skips_work_as_a_union() -> None:
    values = compiled('skip_layers: ["conv1", "pool1"] skip_layer_types: "InnerProduct"')
    enabled = {name for name in list(values)[6:] if values[name]["quant_enable"]}
    assert enabled == {"conv2", "pool5", "up"}
    assert "pool1" not in values


@pytest.mark.parametrize(
    ("config_text", "expected"),
    [
        ("", True),
        ("activation_offset: false", False),
        (for_all("ifmr_quantize { asymmetric: false }"), False),
        # The type's flag is not seen from a layer override, that of common is.
        (for_type("ifmr_quantize { asymmetric: false }", "Convolution") + for_layer(""), True),
        (for_all("ifmr_quantize { asymmetric: false }") + for_layer(""), False),
        (
            for_all("ifmr_quantize { asymmetric: false }")
            + for_type("ifmr_quantize { asymmetric: true }", "Convolution")
            + for_layer("ifmr_quantize {}"),
            False,
        ),
        # Common speaks only for the algorithm that it names.
        (for_all("ifmr_quantize { asymmetric: false }") + for_layer("hfmg_quantize {}"), True),
        (for_all("hfmg_quantize { asymmetric: false }") + for_layer("hfmg_quantize {}"), False),
        (for_all("hfmg_quantize { asymmetric: false }") + for_layer(""), True),
        (for_all("arq_quantize {}") + for_layer("") + "activation_offset: false", False),
        (
            for_all("ifmr_quantize { asymmetric: false }") + for_layer("ifmr_quantize { asymmetric: true }"),
            True,
        ),
    ],
)
def test_asymmetric(config_text: str, expected: bool) -> None:
    assert activation(config_text)["asymmetric"] is expected


PAIR = """
conv_calibration_config {
    arq_quantize { channel_wise: true }
    ifmr_quantize { search_step: 0.02 asymmetric: false }
}
fc_calibration_config { ifmr_quantize { search_step: 0.03 } }
"""


def test_the_deprecated_pair() -> None:
    assert activation(PAIR) == IFMR | {"search_step": 0.02, "asymmetric": False}
    assert activation(PAIR, DECONV)["search_step"] == 0.02
    for layer in (FC, AVE):
        # conv's asymmetric is inherited as if conv were common.
        assert activation(PAIR, layer) == IFMR | {"search_step": 0.03, "asymmetric": False}
        assert weights(PAIR, layer) == PER_LAYER


def test_one_of_the_deprecated_pair() -> None:
    only_conv = "conv_calibration_config { hfmg_quantize {} arq_quantize { channel_wise: true } }"
    assert activation(only_conv)["act_algo"] == "hfmg"
    assert activation(only_conv, FC) == IFMR
    only_fc = "fc_calibration_config { hfmg_quantize {} }"
    assert activation(only_fc) == IFMR
    assert activation(only_fc, AVE)["act_algo"] == "hfmg"


def test_layer_overrides_leave_the_deprecated_pair_in_force() -> None:
    config_text = PAIR + for_layer("hfmg_quantize {}")
    assert activation(config_text)["act_algo"] == "hfmg"
    assert activation(config_text, DILATED)["search_step"] == 0.02


def test_the_deprecated_pair_is_ignored_beside_its_successors() -> None:
    invalid = "fc_calibration_config { arq_quantize { channel_wise: true } }"
    assert config_refusal(invalid, [CONV]) == "channel_wise"
    assert lower(NET, config_text=PAIR + invalid + for_all("")) == lower(NET)
    assert lower(NET, config_text=PAIR + invalid + for_type("", "Pooling")) == lower(NET)


def test_joint_quant_and_fusion_are_copied() -> None:
    values = compiled('joint_quant: true do_fusion: false skip_fusion_layers: ["up", "fc", "conv1"]')
    assert values["joint_quant"] is True
    assert values["do_fusion"] is False
    assert values["skip_fusion_layers"] == ["up", "fc", "conv1"]


# Non-uniform quantization (5.5, U5 to U8)

NON_UNIFORM = {"wts_algo": "nuq_quantize", "num_steps": 32, "num_of_iteration": 1}


@pytest.mark.parametrize("key", ["_fe_weight_compress", "fe_weight_compress"])
def test_both_spellings_of_the_flag_are_read(key: str) -> None:
    mapping = fusion_result((["conv1"], {key: {"b": True}}), (["fc"], {key: {"b": False}}))
    assert list(weights(MAPPING_FILE, CONV, mapping).items()) == list(NON_UNIFORM.items())
    assert weights(MAPPING_FILE, FC, mapping) == PER_LAYER


def test_an_override_comes_before_the_mapping() -> None:
    mapping = fusion_result((["conv1", "fc"], FLAGGED))
    assert weights(MAPPING_FILE + for_layer(""), CONV, mapping) == PER_CHANNEL
    assert weights(MAPPING_FILE + for_layer(""), FC, mapping) == NON_UNIFORM
    assert weights(MAPPING_FILE + for_type("", "Convolution"), CONV, mapping) == PER_CHANNEL
    assert weights(MAPPING_FILE + for_all("arq_quantize {}"), CONV, mapping) == NON_UNIFORM
    assert weights(MAPPING_FILE + PAIR, FC, mapping) == NON_UNIFORM
    common = for_all("arq_quantize { channel_wise: true }") + for_type("", "Pooling")
    assert weights(MAPPING_FILE + common, FC, mapping) == NON_UNIFORM


@pytest.mark.parametrize(
    "mapping", [{}, {"graph": []}, {"graph": [{"op": [{"attr": 1}]}]}, {"graph": {"op": []}}]
)
def test_a_mapping_without_the_layout_of_the_reference_is_refused(mapping: dict[str, object]) -> None:
    assert config_refusal(MAPPING_FILE, mapping=mapping) == "mapping"


def test_an_operator_without_attributes_selects_nothing() -> None:
    assert lower(NET, config_text=MAPPING_FILE, mapping={"graph": [{"op": [{}]}]}) == lower(NET)


def test_the_mapping_has_no_effect_without_nuq_config() -> None:
    assert lower(NET, mapping={}) == lower(NET, config_text="", mapping={}) == lower(NET)


def test_parameters_of_nuq_config_are_checked_where_they_are_used() -> None:
    config_text = 'nuq_config { mapping_file: "a" nuq_quantize { num_steps: 8 } }'
    assert lower(NET, config_text=config_text, mapping=fusion_result()) == lower(NET)
    assert config_refusal(config_text, mapping=fusion_result((["fc"], FLAGGED))) == "range"


def test_non_uniform_quantization_in_a_calibration_config() -> None:
    assert weights(for_layer("nuq_quantize {}")) == NON_UNIFORM
    assert weights(for_type("nuq_quantize { num_steps: 16 }", "InnerProduct"), FC)["num_steps"] == 16
    assert config_refusal(for_layer("nuq_quantize {}", DILATED.name)) == "non_uniform"
    assert config_refusal(for_type("nuq_quantize {}", "Pooling")) == "non_uniform"
    assert config_refusal(for_all("nuq_quantize {}")) == "non_uniform"
    assert compiled(for_all("nuq_quantize {}"), [CONV, FC])["fc"]["weight_quant_params"] == NON_UNIFORM


# Reading the JSON back (3.6)


@pytest.mark.parametrize(
    "config_text", ["", S5, PAIR, for_all("hfmg_quantize {}"), for_layer("nuq_quantize {}")]
)
def test_what_is_written_can_be_read(config_text: str) -> None:
    text = lower(NET, config_text=config_text)
    assert dump(read(text, NET)) == text


def test_missing_keys_are_filled_in() -> None:
    everything = json.loads(lower(NET, activation_offset=False))
    names = ("conv1", "conv2", "fc", "pool5", "up")
    given: dict[str, object] = {"activation_offset": False, **{name: {} for name in names}}
    assert read(json.dumps(given), NET) == everything


def test_layers_that_are_not_listed_are_left_out() -> None:
    values = read('{"fc": {"activation_quant_params": {"act_algo": "hfmg"}}}', NET)
    assert list(values)[6:] == ["fc"]
    assert values["fc"] == {
        "quant_enable": True,
        "activation_quant_params": {"act_algo": "hfmg", "num_of_bins": 4096, "asymmetric": True},
        "weight_quant_params": PER_LAYER,
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "parse"),
        ("{", "parse"),
        ("[" * 100_000, "parse"),
        ("[]", "wrong_type"),
        ('{"version": 1, "version": 1}', "repeated"),
        ('{"fc": {"quant_enable": true, "quant_enable": true}}', "repeated"),
        ('{"fc": {"weight_quant_params": {"wts_algo": 1, "wts_algo": 1}}}', "repeated"),
        ('{"version": 2}', "version"),
        ('{"version": true}', "wrong_type"),
        ('{"batch_num": 0}', "batch_num"),
        ('{"batch_num": 1.0}', "wrong_type"),
        ('{"joint_quant": 1}', "wrong_type"),
        ('{"do_fusion": null}', "wrong_type"),
        ('{"skip_fusion_layers": "fc"}', "wrong_type"),
        ('{"skip_fusion_layers": [1]}', "wrong_type"),
        ('{"skip_fusion_layers": ["fc", "fc"]}', "repeated"),
        ('{"skip_fusion_layers": ["pool5"]}', "not_fusible"),
        ('{"skip_fusion_layers": ["nowhere"]}', "unknown_layer"),
        ('{"nowhere": {}}', "unknown_layer"),
        ('{"relu1": {}}', "not_quantizable"),
        ('{"pool1": {}}', "not_quantizable"),
        ('{"fc": []}', "wrong_type"),
        ('{"fc": {"num_bits": 8}}', "unknown_key"),
        ('{"fc": {"quant_enable": 1}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": []}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": {"num_bits": 8}}}', "unknown_key"),
        ('{"fc": {"activation_quant_params": {"act_algo": "kl"}}}', "unknown_algorithm"),
        ('{"fc": {"activation_quant_params": {"act_algo": []}}}', "unknown_algorithm"),
        ('{"fc": {"activation_quant_params": {"act_algo": "ifmr", "num_of_bins": 4096}}}', "mixed"),
        ('{"fc": {"activation_quant_params": {"num_of_bins": 4096, "search_step": 0.01}}}', "mixed"),
        ('{"fc": {"activation_quant_params": {"num_of_bins": 4096.0}}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": {"act_algo": "hfmg", "search_step": 0.01}}}', "mixed"),
        ('{"fc": {"activation_quant_params": {"search_step": "0.01"}}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": {"search_step": 0.7}}}', "range"),
        ('{"fc": {"activation_quant_params": {"search_step": 1e999}}}', "range"),
        ('{"fc": {"activation_quant_params": {"search_step": NaN}}}', "parse"),
        ('{"fc": {"activation_quant_params": {"search_range": [1]}}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": {"search_range": [0.7, true]}}}', "wrong_type"),
        ('{"fc": {"activation_quant_params": {"search_range": [1, 1]}}}', "range"),
        ('{"fc": {"activation_quant_params": {"asymmetric": 1}}}', "wrong_type"),
        ('{"fc": {"weight_quant_params": {"channel_wise": true}}}', "channel_wise"),
        ('{"fc": {"weight_quant_params": {"num_steps": 32}}}', "mixed"),
        ('{"fc": {"weight_quant_params": {"wts_algo": "nuq_quantize", "channel_wise": false}}}', "mixed"),
        ('{"fc": {"weight_quant_params": {"wts_algo": "nuq_quantize", "num_steps": 31}}}', "range"),
        ('{"up": {"weight_quant_params": {"wts_algo": "nuq_quantize"}}}', "non_uniform"),
        ("{}", "nothing_enabled"),
        ('{"fc": {"quant_enable": false}}', "nothing_enabled"),
    ],
)
def test_what_a_reader_refuses(text: str, reason: str) -> None:
    assert refusal(lambda: read(text, NET)) == reason
