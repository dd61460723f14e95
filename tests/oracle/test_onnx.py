"""The oracle agrees with the reference for ONNX. Section numbers are those of that reference."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.oracle.amct import ONNX, OracleLayer, Refused, dump, lower
from tests.oracle.reader import read
from tests.plan.requests import for_all, for_layer, for_type, mapping_of

CONV = OracleLayer("conv1", "Conv", supported=True, non_uniform=True, balancer=True)
SHARING = OracleLayer("conv2", "Conv", supported=True, non_uniform=True)
CONV_3D = OracleLayer("cube", "Conv", supported=True, non_uniform=False, asymmetric=False, balancer=True)
CONV_1D = OracleLayer("line", "Conv", supported=False, non_uniform=False)
GEMM = OracleLayer("fc", "Gemm", supported=True, non_uniform=True, balancer=True)
MATMUL = OracleLayer("mul", "MatMul", supported=True, non_uniform=False, balancer=True)
VARIABLE = OracleLayer("product", "MatMul", supported=True, non_uniform=False, asymmetric=False)
DECONV = OracleLayer("up", "ConvTranspose", supported=True, non_uniform=False, balancer=True)
AVE = OracleLayer("pool5", "AveragePool", supported=True, non_uniform=False)
MAX = OracleLayer("pool1", "MaxPool", supported=False, non_uniform=False, inputs=(True,))
ADD = OracleLayer("sum", "Add", supported=False, non_uniform=False, inputs=(True, True))
BIAS = OracleLayer("bias", "Add", supported=False, non_uniform=False, inputs=(True, False))
RELU = OracleLayer("relu1", "Relu", supported=False, non_uniform=False, inputs=(True,))

NET = [CONV, RELU, MAX, SHARING, CONV_3D, CONV_1D, DECONV, ADD, BIAS, AVE, MATMUL, VARIABLE, GEMM]
SUPPORTED = [layer for layer in NET if layer.supported]

IFMR = {
    "num_bits": 8,
    "max_percentile": 0.999999,
    "min_percentile": 0.999999,
    "search_range": [0.7, 1.3],
    "search_step": 0.01,
    "act_algo": "ifmr",
    "asymmetric": True,
}
HFMG = {"num_bits": 8, "act_algo": "hfmg", "num_of_bins": 4096, "asymmetric": True}
PER_CHANNEL = {"num_bits": 8, "wts_algo": "arq_quantize", "channel_wise": True}
PER_LAYER = {"num_bits": 8, "wts_algo": "arq_quantize", "channel_wise": False}
NON_UNIFORM = {"num_bits": 8, "wts_algo": "nuq_quantize", "num_steps": 32, "num_of_iteration": 1}


def compiled(config_text: str, layers: list[OracleLayer] = NET, mapping: Any = None) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(lower(layers, ONNX, config_text=config_text, mapping=mapping))
    return values


def activation(config_text: str, layer: OracleLayer = CONV) -> dict[str, Any]:
    values: dict[str, Any] = compiled(config_text)[layer.name]["activation_quant_params"]
    return values


def weights(config_text: str, layer: OracleLayer = CONV, mapping: Any = None) -> dict[str, Any]:
    values: dict[str, Any] = compiled(config_text, mapping=mapping)[layer.name]["weight_quant_params"]
    return values


def tensors(config_text: str, layers: list[OracleLayer] = NET) -> list[dict[str, Any]]:
    values: list[dict[str, Any]] = compiled(config_text, layers)["tensor_quantize"]
    return values


def balancers(config_text: str, layers: list[OracleLayer] = NET) -> dict[str, float]:
    values = compiled(config_text, layers)
    names = [layer.name for layer in layers if "dmq_balancer_param" in values.get(layer.name, {})]
    return {name: values[name]["dmq_balancer_param"] for name in names}


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        call()
    return caught.value.reason


def config_refusal(config_text: str, layers: list[OracleLayer] = NET) -> str:
    return refusal(lambda: lower(layers, ONNX, config_text=config_text))


def tensor(name: str = ADD.name, index: int = 0, algorithm: str = "") -> str:
    return f'tensor_quantize {{ layer_name: "{name}" input_index: {index} {algorithm} }}\n'


def in_order(values: dict[str, Any]) -> list[tuple[str, Any]]:
    return list(values.items())


# The schema of the request (2)


@pytest.mark.parametrize(
    "config_text",
    [
        "conv_calibration_config {}",
        "fc_calibration_config {}",
        "version: 1",
        "enable_auto_nuq: true",
        'skip_approximation_layers: "conv1"',
        for_all("ada_quantize {}"),  # U4
        for_all("ifmr_quantize { dst_type: INT4 }"),
        for_all("ifmr_quantize { dst_type: 0 }"),
        "fakequant_precision_mode: DEFAULT",
        "fakequant_precision_mode: 0",
        tensor(index=-1),
        tensor() + "tensor_quantize { arq_quantize {} }",
    ],
)
def test_fields_and_values_that_onnx_does_not_have(config_text: str) -> None:
    assert config_refusal(config_text) == "parse"


@pytest.mark.parametrize("fields", ["", 'layer_name: "sum"', "input_index: 0", "ifmr_quantize {}"])
def test_a_tensor_needs_a_node_and_an_input(fields: str) -> None:
    # 4.1
    assert config_refusal(f"tensor_quantize {{ {fields} }}") == "required"


# The configuration (3)


def test_the_keys_are_in_the_order_of_section_3() -> None:
    config_text = "fakequant_precision_mode: FORCE_FP16_QUANT joint_quant: true\n"
    values = compiled(config_text + tensor() + for_all("dmq_balancer {}"), [CONV, ADD])
    assert list(values) == [
        *("version", "batch_num", "activation_offset", "joint_quant", "do_fusion"),
        *("fakequant_precision_mode", "skip_fusion_layers", "tensor_quantize", "conv1"),
    ]
    assert list(values["tensor_quantize"][0]) == ["layer_name", "input_index", "activation_quant_params"]
    assert list(values["conv1"]) == [
        *("quant_enable", "dmq_balancer_param", "activation_quant_params", "weight_quant_params")
    ]


def test_the_parameters_are_in_the_order_of_the_documents() -> None:
    # 3.3, U6
    assert in_order(activation("")) == in_order(IFMR)
    assert in_order(activation(for_all("hfmg_quantize {}"))) == in_order(HFMG)
    assert in_order(weights("")) == in_order(PER_CHANNEL)
    assert in_order(weights(for_layer("conv1", "nuq_quantize {}"))) == in_order(NON_UNIFORM)


def test_the_default_run() -> None:
    # 3.1, U2, U3, 4.4, 4.5
    values = json.loads(lower(NET, ONNX))
    assert values == {
        "version": 1,
        "batch_num": 1,
        "activation_offset": True,
        "joint_quant": False,
        "do_fusion": True,
        "skip_fusion_layers": [],
        "tensor_quantize": [],
    } | {
        layer.name: {
            "quant_enable": True,
            "activation_quant_params": IFMR | {"asymmetric": layer not in (CONV_3D, VARIABLE)},
            "weight_quant_params": PER_CHANNEL if layer in (CONV, SHARING, CONV_3D, DECONV) else PER_LAYER,
        }
        for layer in SUPPORTED
    }
    assert list(values)[7:] == sorted(layer.name for layer in SUPPORTED)


def test_the_plain_arguments() -> None:
    # 1
    values = json.loads(lower(NET, ONNX, skip_layers=["fc"], batch_num=2, activation_offset=False))
    assert (values["batch_num"], values["fc"]["quant_enable"]) == (2, False)
    assert values["conv1"]["activation_quant_params"]["asymmetric"] is False
    given = lower(NET, ONNX, config_text="", skip_layers=["x"], batch_num=0, activation_offset=False)
    assert given == lower(NET, ONNX)


# Quantized tensors (4.1)


def test_a_tensor_has_ifmr_unless_hfmg_is_named() -> None:
    assert tensors(tensor()) == [{"layer_name": "sum", "input_index": 0, "activation_quant_params": IFMR}]
    (hfmg,) = tensors(tensor(algorithm="hfmg_quantize { num_of_bins: 1024 }"))
    assert in_order(hfmg["activation_quant_params"]) == in_order(HFMG | {"num_of_bins": 1024})
    (ifmr,) = tensors(tensor(algorithm="ifmr_quantize { search_step: 0.02 dst_type: INT16 }"))
    assert ifmr["activation_quant_params"] == IFMR | {"search_step": 0.02, "num_bits": 16}


def test_common_config_gives_a_tensor_only_its_flag() -> None:
    common = for_all("hfmg_quantize { num_of_bins: 1024 } dmq_balancer {}")
    assert tensors(common + tensor())[0]["activation_quant_params"] == IFMR


@pytest.mark.parametrize(
    ("config_text", "algorithm", "expected"),
    [
        ("", "", True),
        ("activation_offset: false", "", False),
        ("activation_offset: false", "ifmr_quantize { asymmetric: true }", True),
        (for_all("ifmr_quantize { asymmetric: false }"), "", False),
        (for_all("ifmr_quantize { asymmetric: false }"), "ifmr_quantize { asymmetric: true }", True),
        (for_all("ifmr_quantize { asymmetric: false }"), "hfmg_quantize {}", True),
        (for_all("hfmg_quantize { asymmetric: false }"), "hfmg_quantize {}", False),
        (for_all("hfmg_quantize { asymmetric: false }"), "", True),
    ],
)
def test_the_flag_of_a_tensor(config_text: str, algorithm: str, expected: bool) -> None:
    (entry,) = tensors(f"{config_text}\n{tensor(algorithm=algorithm)}")
    assert entry["activation_quant_params"]["asymmetric"] is expected


def test_tensors_are_in_the_order_of_the_request() -> None:
    # 3.2; both inputs of an Add: U20
    found = tensors(tensor("sum", 1) + tensor("pool1") + tensor("sum", 0) + tensor("bias"))
    assert [(entry["layer_name"], entry["input_index"]) for entry in found] == [
        *(("sum", 1), ("pool1", 0), ("sum", 0), ("bias", 0))
    ]


@pytest.mark.parametrize(
    ("config_text", "reason"),
    [
        (tensor("nowhere"), "unknown_layer"),
        (tensor("conv1"), "not_a_tensor"),
        (tensor("relu1"), "not_a_tensor"),
        (tensor("pool1", 1), "tensor_input"),
        (tensor("sum", 2), "tensor_input"),
        (tensor("bias", 1), "tensor_input"),
        (tensor() + tensor("pool1") + tensor(), "repeated"),
        (tensor(algorithm="ifmr_quantize { search_step: 0.7 }"), "range"),
        (tensor(algorithm="hfmg_quantize { num_of_bins: 1 }"), "range"),
    ],
)
def test_tensors_that_are_refused(config_text: str, reason: str) -> None:
    # U18
    assert config_refusal(config_text) == reason


def test_a_tensor_is_enough() -> None:
    skips = 'skip_layer_types: "Conv" '
    assert config_refusal(skips, [CONV, ADD]) == "nothing_enabled"
    assert compiled(skips + tensor(), [CONV, ADD])["conv1"]["quant_enable"] is False
    assert config_refusal("", [RELU, ADD]) == "nothing_supported"
    assert list(compiled(tensor(), [RELU, ADD]))[-1] == "tensor_quantize"


def test_to_skip_all_types_is_an_error_beside_a_tensor() -> None:
    skips = 'skip_layer_types: ["Conv", "Gemm", "MatMul", "ConvTranspose", "AveragePool"]'
    assert config_refusal(skips + tensor()) == "all_types_skipped"


# The balancer (4.2)


def test_the_balancer_of_common_config_reaches_the_layers_that_can_have_it() -> None:
    assert balancers(for_all("dmq_balancer {}")) == dict.fromkeys(["conv1", "cube", "up", "mul", "fc"], 0.5)
    assert balancers(for_all("dmq_balancer { migration_strength: 0.8 }"), [AVE, VARIABLE]) == {}


def test_the_balancer_of_a_type_reaches_the_layers_that_can_have_it() -> None:
    # U22
    config_text = for_type("MatMul", "dmq_balancer {}") + for_type("Conv", "dmq_balancer {}")
    assert set(balancers(config_text)) == {"mul", "conv1", "cube"}


def test_an_override_without_a_balancer_has_none() -> None:
    config_text = for_all("dmq_balancer {}") + for_layer("conv1") + for_type("Gemm")
    assert set(balancers(config_text)) == {"cube", "up", "mul"}


@pytest.mark.parametrize("name", ["pool5", "product", "conv2", "relu1", "line", "sum"])
def test_a_layer_without_a_balancer_cannot_be_given_one(name: str) -> None:
    assert config_refusal(for_layer(name, "dmq_balancer {}")) == "balancer"


def test_a_type_without_a_balancer_cannot_be_given_one() -> None:
    assert config_refusal(for_type("AveragePool", "dmq_balancer {}"), [CONV]) == "balancer"


@pytest.mark.parametrize(
    ("strength", "expected"),
    [
        *(("0.2", 0.2), ("0.8", 0.8), ("0.25", 0.25), ("0.800000001", 0.8)),
        *(("0.19", None), ("0.81", None), ("0", None), ("-0.5", None), ("nan", None)),
    ],
)
def test_the_strength_is_checked_as_it_is_written(strength: str, expected: float | None) -> None:
    config_text = for_all(f"dmq_balancer {{ migration_strength: {strength} }}")
    if expected is None:
        assert config_refusal(config_text) == "range"
    else:
        assert set(balancers(config_text).values()) == {expected}
    assert balancers(config_text, [AVE]) == {}


# fakequant_precision_mode, dst_type, quant_bits (4.3)


@pytest.mark.parametrize("value", ["FORCE_FP16_QUANT", "1"])
def test_the_precision_mode_is_a_string(value: str) -> None:
    # By its number: U28
    assert compiled(f"fakequant_precision_mode: {value}")["fakequant_precision_mode"] == "FORCE_FP16_QUANT"


@pytest.mark.parametrize("algorithm", ["ifmr_quantize", "hfmg_quantize"])
def test_int16_of_common_config_is_int8_where_there_is_no_int16(algorithm: str) -> None:
    config_text = for_all(f"{algorithm} {{ dst_type: INT16 }}")
    for layer in SUPPORTED:
        bits = 8 if layer.type in ("MatMul", "AveragePool") else 16
        assert activation(config_text, layer)["num_bits"] == bits
    for value in ("INT8", "1"):
        assert activation(for_all(f"{algorithm} {{ dst_type: {value} }}"))["num_bits"] == 8


@pytest.mark.parametrize("algorithm", ["ifmr_quantize", "hfmg_quantize"])
@pytest.mark.parametrize("layer", [MATMUL, VARIABLE, AVE])
def test_int16_in_an_override_needs_a_type_that_has_it(algorithm: str, layer: OracleLayer) -> None:
    int16 = f"{algorithm} {{ dst_type: INT16 }}"
    assert config_refusal(for_layer(layer.name, int16)) == "int16"
    assert config_refusal(for_type(layer.type, int16), [CONV]) == "int16"
    assert activation(for_layer("fc", int16), GEMM)["num_bits"] == 16
    assert activation(for_type("ConvTranspose", int16), DECONV)["num_bits"] == 16


@pytest.mark.parametrize("bits", [0, 4, 6, 7, 16])
def test_weights_have_8_bits(bits: int) -> None:
    # U5
    for config_text in (for_all, lambda text: for_layer("conv1", text), lambda text: for_type("Conv", text)):
        assert config_refusal(config_text(f"arq_quantize {{ quant_bits: {bits} }}")) == "range"
        assert weights(config_text("arq_quantize { quant_bits: 8 }")) == PER_CHANNEL


# channel_wise (4.4)


@pytest.mark.parametrize("layer", [GEMM, MATMUL, VARIABLE, AVE])
def test_channel_wise_is_for_convolutions(layer: OracleLayer) -> None:
    wise = "arq_quantize { channel_wise: true }"
    assert config_refusal(for_layer(layer.name, wise)) == "channel_wise"
    assert config_refusal(for_type(layer.type, wise), [CONV]) == "channel_wise"
    assert config_refusal(for_all(wise), [CONV, layer]) == "channel_wise"
    assert compiled(for_all(wise) + for_type(layer.type), [CONV, DECONV, layer])


# Layers that can only be symmetric (4.5)


@pytest.mark.parametrize("layer", [VARIABLE, CONV_3D])
@pytest.mark.parametrize(
    "config_text",
    [
        "",
        "activation_offset: true",
        for_all("ifmr_quantize { asymmetric: true }"),
        for_all("hfmg_quantize { asymmetric: true }"),
        for_type("MatMul", "ifmr_quantize { asymmetric: true }")
        + for_type("Conv", "hfmg_quantize { asymmetric: true }"),
    ],
)
def test_a_symmetric_layer_is_symmetric_whatever_is_requested(layer: OracleLayer, config_text: str) -> None:
    # Conv with a 3-D kernel: U9
    assert activation(config_text, layer)["asymmetric"] is False
    assert activation(config_text, CONV)["asymmetric"] is True


@pytest.mark.parametrize("layer", [VARIABLE, CONV_3D])
@pytest.mark.parametrize("algorithm", ["ifmr_quantize", "hfmg_quantize"])
def test_a_symmetric_layer_cannot_be_made_asymmetric(layer: OracleLayer, algorithm: str) -> None:
    assert config_refusal(for_layer(layer.name, f"{algorithm} {{ asymmetric: true }}")) == "symmetric"
    assert compiled(for_layer(layer.name, f"{algorithm} {{ asymmetric: false }}"))
    assert compiled(for_layer(layer.name, f"{algorithm} {{ }}"))


# Further errors (4.6)


@pytest.mark.parametrize("layer_type", ["Convolution", "Conv2d", "Linear", "MaxPool", "Add", "InnerProduct"])
def test_types_that_cannot_be_quantized(layer_type: str) -> None:
    assert config_refusal(for_type(layer_type)) == "not_quantizable"
    assert config_refusal(f'skip_layer_types: "{layer_type}"') == "not_quantizable"


@pytest.mark.parametrize(
    ("config_text", "reason"),
    [
        ('skip_layers: "pool1"', "not_quantizable"),
        ('skip_layers: "sum"', "not_quantizable"),
        ('skip_layers: "conv1" skip_layers: "conv1"', "repeated"),
        ('skip_fusion_layers: "fc"', "not_fusible"),
        ('skip_fusion_layers: "relu1"', "not_fusible"),
        ('skip_fusion_layers: "nowhere"', "unknown_layer"),
    ],
)
def test_names_that_are_refused(config_text: str, reason: str) -> None:
    assert config_refusal(config_text) == reason


def test_names_that_are_accepted() -> None:
    # A type is enough: 6.1, U14, U21
    assert compiled('skip_layers: "line"') == compiled("")
    names = ["line", "up", "conv1"]
    assert compiled(f"skip_fusion_layers: {json.dumps(names)}")["skip_fusion_layers"] == names


@pytest.mark.parametrize("key", ["batch_num", "tensor_quantize", "fakequant_precision_mode"])
def test_a_layer_must_not_be_called_like_a_global_key(key: str) -> None:
    named = OracleLayer(key, "Conv", supported=True, non_uniform=True)
    assert config_refusal("", [CONV, named]) == "name_clash"


def test_an_override_of_a_node_that_is_not_a_layer_has_no_effect() -> None:
    # U21
    for name in ("line", "pool1"):
        assert compiled(for_layer(name, "hfmg_quantize { num_of_bins: 1 }")) == compiled("")


# Non-uniform quantization (6.5, U29)


def test_the_mapping_selects_layers_by_their_names() -> None:
    request = 'nuq_config { mapping_file: "net.json" }'
    mapping = mapping_of("conv1", "up", "fc", "BatchNormalization_314")
    assert weights(request, CONV, mapping) == NON_UNIFORM
    assert weights(request, GEMM, mapping) == NON_UNIFORM
    assert weights(request, DECONV, mapping) == PER_CHANNEL
    assert config_refusal(for_layer("up", "nuq_quantize {}")) == "non_uniform"


# Reading (3.4)


@pytest.mark.parametrize(
    "config_text",
    [
        "",
        tensor() + for_all("dmq_balancer {} hfmg_quantize { dst_type: INT16 }"),
        "fakequant_precision_mode: FORCE_FP16_QUANT " + for_layer("conv1", "nuq_quantize {}"),
    ],
)
def test_what_is_written_can_be_read(config_text: str) -> None:
    text = lower(NET, ONNX, config_text=config_text)
    assert dump(read(text, NET, ONNX)) == text


def test_missing_keys_are_filled_in() -> None:
    given: dict[str, object] = {layer.name: {} for layer in SUPPORTED}
    assert read(json.dumps(given), NET, ONNX) == json.loads(lower(NET, ONNX))


def test_a_configuration_of_tensors_alone_can_be_read() -> None:
    (entry,) = read('{"tensor_quantize": [{"layer_name": "sum", "input_index": 1}]}', NET, ONNX)[
        "tensor_quantize"
    ]
    assert entry == {"layer_name": "sum", "input_index": 1, "activation_quant_params": IFMR}


def _activation(params: str, name: str = "conv1") -> str:
    return f'{{"{name}": {{"activation_quant_params": {{{params}}}}}}}'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"tensor_quantize": []}', "nothing_enabled"),
        ('{"tensor_quantize": {}}', "wrong_type"),
        ('{"tensor_quantize": [1]}', "wrong_type"),
        ('{"tensor_quantize": [{"layer_name": "sum"}]}', "required"),
        ('{"tensor_quantize": [{"input_index": 1}]}', "required"),
        ('{"tensor_quantize": [{"layer_name": "sum", "input_index": true}]}', "wrong_type"),
        ('{"tensor_quantize": [{"layer_name": "sum", "input_index": 2}]}', "tensor_input"),
        ('{"tensor_quantize": [{"layer_name": "sum", "input_index": -1}]}', "tensor_input"),
        ('{"tensor_quantize": [{"layer_name": "fc", "input_index": 0}]}', "not_a_tensor"),
        (
            '{"tensor_quantize": [{"layer_name": "sum", "input_index": 0, "quant_enable": true}]}',
            "unknown_key",
        ),
        ('{"fakequant_precision_mode": "FP32", "fc": {}}', "range"),
        ('{"fakequant_precision_mode": 1, "fc": {}}', "wrong_type"),
        (_activation('"asymmetric": true', "product"), "symmetric"),
        (_activation('"asymmetric": true', "cube"), "symmetric"),
        (_activation('"num_bits": 16', "mul"), "int16"),
        (_activation('"num_bits": 4'), "range"),
        (_activation('"num_bits": 8.0'), "wrong_type"),
        ('{"conv1": {"weight_quant_params": {"num_bits": 6}}}', "range"),
        ('{"conv1": {"dmq_balancer_param": 0.9}}', "range"),
        ('{"conv1": {"dmq_balancer_param": "0.5"}}', "wrong_type"),
        ('{"line": {}}', "not_quantizable"),
        ('{"nowhere": {}}', "unknown_layer"),
    ],
)
def test_what_a_reader_refuses(text: str, reason: str) -> None:
    assert refusal(lambda: read(text, NET, ONNX)) == reason
