"""Configurations of the ONNX edition: what a check reports, and that nothing is lost on the way back."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from quantcfg import Severity, check_text, compile_config, config_schema, decompile, explain, migrate_text
from quantcfg.compile import check_source, compile_source
from quantcfg.diff import difference, in_words
from quantcfg.editions.caffe import CAFFE
from quantcfg.editions.onnx import ONNX
from quantcfg.source import Source
from tests.networks import conv as caffe_conv
from tests.networks import net
from tests.networks import network as caffe_network
from tests.plan.requests import for_all, for_layer, for_type
from tests.plan.test_onnx_rules import NETWORK, config, tensor_of

REQUESTS = {
    "nothing": "",
    "the precision": "fakequant_precision_mode: FORCE_FP16_QUANT",
    "tensors": tensor_of("max", 0, "hfmg_quantize { num_of_bins: 1024 }") + tensor_of("add", 1),
    "a flag of tensors": "activation_offset: false\n"
    + tensor_of("max", 0, "ifmr_quantize { asymmetric: true }")
    + tensor_of("add", 0, "ifmr_quantize { asymmetric: true }"),
    "nothing but tensors": 'skip_layer_types: ["AveragePool", "Conv", "Gemm"]\n'
    'skip_layers: ["mm_rank3", "mm_variable"]\n' + tensor_of("max"),
    "a balance step": for_all("dmq_balancer { }"),
    "a balance step of a type": for_type("Conv", "dmq_balancer { migration_strength: 0.25 }"),
    "a balance step of a layer": for_all("dmq_balancer { }") + for_layer("conv"),
    "16 bits": for_all("ifmr_quantize { dst_type: INT16 }"),
    "16 bits of a type": for_type("Gemm", "hfmg_quantize { dst_type: INT16 asymmetric: false }"),
    "no offsets": "activation_offset: false",
    "offsets of a type": "activation_offset: false\n"
    + for_type("MatMul", "ifmr_quantize { asymmetric: true }"),
    "offsets for all": "activation_offset: false\n" + for_all("ifmr_quantize { asymmetric: true }"),
}


def text_of(request: str) -> str:
    return json.dumps(config(request), indent=4)


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS)
def test_what_is_compiled_is_in_order_and_read_as_it_is(request_text: str) -> None:
    compilation = compile_config(NETWORK, config_text=request_text)
    assert compilation.text
    found = check_text(compilation.text, "config.json", NETWORK)
    assert [each for each in found if each.severity is Severity.ERROR] == []
    read = compile_source(Source("config.json", compilation.text), NETWORK, ONNX)
    assert read.configuration.text == compilation.text
    assert compilation.plan
    assert difference(compilation.plan, read.plan) == ()


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS)
def test_what_is_compiled_is_decompiled_to_no_more_settings(request_text: str) -> None:
    compilation = compile_config(NETWORK, config_text=request_text)
    made = decompile(compilation.text or "", NETWORK)
    assert made.text is not None, made.diagnostics
    assert compile_config(NETWORK, config_text=made.text).text == compilation.text
    written = ONNX.request.new()
    from google.protobuf import text_format

    text_format.Parse(request_text, written)
    assert made.settings <= _settings(written)


def _settings(message: Any) -> int:
    """Return the number of settings of a message; an empty message counts as one."""
    number = 0
    for field, value in message.ListFields():
        for each in value if field.is_repeated else [value]:
            number += max(1, _settings(each)) if field.message_type else 1
    return number


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS)
def test_every_value_is_explained_and_the_first_of_its_chain(request_text: str) -> None:
    compilation = compile_config(NETWORK, config_text=request_text)
    provenance = explain(compilation)
    whole = [each for each in provenance.network if each.path != ("tensor_quantize",) or each.value]
    values = [(each.path, each.value) for each in whole]
    values += [
        ((layer.layer.name, *each.path), each.value) for layer in provenance.layers for each in layer.values
    ]
    assert dict(values) == dict(_leaves(compilation.config, ()))


def _leaves(value: Any, path: tuple[str | int, ...]) -> Any:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    elif path != ("tensor_quantize",):
        yield path, value


def test_the_reasons_of_the_new_values_are_given() -> None:
    text = for_all("ifmr_quantize { dst_type: INT16 asymmetric: true } dmq_balancer { }")
    compilation = compile_config(NETWORK, config_text=text)

    def reason(layer: str, key: str) -> str | None:
        (found,) = explain(compilation, layer, key).layers
        return found.values[0].reason

    why = reason("mm_variable", "asymmetric")
    assert why
    assert why.startswith("a MatMul whose second input is ")
    assert why.endswith(", not a constant, is always symmetric")
    assert reason("pool", "num_bits") == "AveragePool layers support no other number of bits"
    (conv,) = explain(compilation, "conv", "dmq_balancer_param").layers
    assert conv.values[0].chain[0].origin.what == "common_config.dmq_balancer"
    (fc,) = explain(compilation, "fc", "dst_type").layers
    assert [each.value for each in fc.values[0].chain] == [16, 8]


# --- errors

ERRORS: dict[str, tuple[tuple[str | int, ...], Any, str]] = {
    "an unknown precision": (("fakequant_precision_mode",), "DEFAULT", "QC501"),
    "no list": (("tensor_quantize",), {}, "QC501"),
    "no object": (("tensor_quantize",), [5], "QC501"),
    "a tensor without a node": (("tensor_quantize",), [{"input_index": 0}], "QC206"),
    "an input as a float": (("tensor_quantize",), [{"layer_name": "max", "input_index": 0.0}], "QC501"),
    "an unknown node": (("tensor_quantize",), [{"layer_name": "x", "input_index": 0}], "QC401"),
    "another type": (("tensor_quantize",), [{"layer_name": "relu", "input_index": 0}], "QC442"),
    "another input": (("tensor_quantize",), [{"layer_name": "max", "input_index": 7}], "QC443"),
    "a tensor twice": (("tensor_quantize",), [{"layer_name": "max", "input_index": 0}] * 2, "QC444"),
    "an unknown key of a tensor": (
        ("tensor_quantize",),
        [{"layer_name": "max", "input_index": 0, "x": 1}],
        "QC512",
    ),
    "a value of a tensor": (
        ("tensor_quantize",),
        [{"layer_name": "max", "input_index": 0, "activation_quant_params": {"search_step": 0}}],
        "QC501",
    ),
    "an offset of a symmetric layer": (
        ("mm_variable", "activation_quant_params", "asymmetric"),
        True,
        "QC446",
    ),
    "an offset of a 3-D convolution": (("conv3", "activation_quant_params", "asymmetric"), True, "QC446"),
    "16 bits of a MatMul": (("mm_rank3", "activation_quant_params", "num_bits"), 16, "QC448"),
    "12 bits": (("conv", "activation_quant_params", "num_bits"), 12, "QC501"),
    "6 bits of a weight": (("conv", "weight_quant_params", "num_bits"), 6, "QC501"),
    "a balance step of a pooling": (("pool", "dmq_balancer_param"), 0.5, "QC440"),
    "a balance step out of its range": (("conv", "dmq_balancer_param"), 0.9, "QC501"),
}
BEYOND_A_SCHEMA = {"an input as a float", "a tensor twice"}


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    whole = copy.deepcopy(config(""))
    inner: Any = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return whole


@pytest.mark.parametrize(("path", "value", "code"), ERRORS.values(), ids=ERRORS)
def test_what_amct_rejects_is_an_error(path: tuple[str | int, ...], value: Any, code: str) -> None:
    found = check_text(json.dumps(changed(path, value)), "config.json", NETWORK)
    assert [each.code for each in found if each.severity is Severity.ERROR] == [code]


@pytest.mark.parametrize("validator", [Draft7Validator, Draft202012Validator])
def test_the_schema_of_the_network_is_one(validator: type[Draft7Validator]) -> None:
    validator.check_schema(config_schema(NETWORK))


@pytest.mark.parametrize("name", ERRORS)
def test_the_schema_of_the_network_rejects_it_too(name: str) -> None:
    path, value, _ = ERRORS[name]
    schema = config_schema(NETWORK)
    for validator in (Draft7Validator, Draft202012Validator):
        assert validator(schema).is_valid(changed(path, value)) is (name in BEYOND_A_SCHEMA)


@pytest.mark.parametrize("request_text", REQUESTS.values(), ids=REQUESTS)
def test_the_schema_of_the_network_accepts_what_is_compiled(request_text: str) -> None:
    assert Draft7Validator(config_schema(NETWORK)).is_valid(config(request_text))


def test_a_configuration_with_nothing_but_tensors_is_enabled() -> None:
    nothing: dict[str, Any] = {"tensor_quantize": []}
    assert [each.code for each in check_text(json.dumps(nothing), "config.json", NETWORK)] == ["QC516"]
    tensors = {"tensor_quantize": [{"layer_name": "max", "input_index": 0}]}
    assert [each.code for each in check_text(json.dumps(tensors), "config.json", NETWORK)] == ["QC517"]


def test_a_difference_names_the_tensors() -> None:
    old, new = (
        compile_config(NETWORK, config_text=text).plan
        for text in (
            tensor_of("max") + tensor_of("add", 0),
            tensor_of("add", 1) + tensor_of("max", 0, "ifmr_quantize { search_step: 0.02 }"),
        )
    )
    assert old
    assert new
    lines = [line.split(" (")[0] for line in in_words(difference(old, new), {}, ONNX.schema)]
    assert lines == [
        'tensor_quantize: changed input 0 of "max"',
        'tensor_quantize: removed input 0 of "add"',
        'tensor_quantize: added input 1 of "add"',
    ]


def test_a_difference_of_the_same_tensors_names_the_value() -> None:
    old, new = (
        compile_config(NETWORK, config_text=tensor_of("max", 0, f"ifmr_quantize {{ {value} }}")).plan
        for value in ("", "search_step: 0.02")
    )
    assert old
    assert new
    (change,) = difference(old, new)
    assert change.path == ("tensor_quantize", 0, "activation_quant_params", "search_step")
    (line,) = in_words([change], {}, ONNX.schema)
    assert line.startswith("tensor_quantize[0]: search_step: 0.01 → 0.02 (")


def test_16_bits_of_all_layers_are_one_warning() -> None:
    layers = {str(index): {"activation_quant_params": {"num_bits": 16}} for index in range(64)}
    text = json.dumps({"batch_num": 1, **layers})
    (found,) = check_source(Source("config.json", text), None, ONNX)
    assert found.code == "QC450"
    assert found.span
    assert found.span.start == text.index("16")
    assert [each.message for each in found.related] == ["and here"] * 4


def test_a_balance_step_in_a_configuration_is_removed_by_its_key() -> None:
    text = config("")
    text["pool"]["dmq_balancer_param"] = 0.5
    (found,) = check_source(Source("config.json", json.dumps(text)), NETWORK, ONNX)
    assert (found.code, found.help) == ("QC440", "remove dmq_balancer_param")


# --- files for another edition

OTHER = {
    "fields for ONNX": (CAFFE, tensor_of("x") + for_all("ifmr_quantize { dst_type: INT8 }")),
    "types for ONNX": (CAFFE, 'skip_layer_types: ["Conv", "MatMul"]'),
    "a configuration for ONNX": (CAFFE, '{"tensor_quantize": [], "a": {"dmq_balancer_param": 0.5}}'),
    "fields for Caffe": (ONNX, "conv_calibration_config { }\nfc_calibration_config { }"),
    "types for Caffe": (ONNX, for_type("Convolution") + 'skip_layer_types: "Pooling"'),
}


@pytest.mark.parametrize(("edition", "text"), OTHER.values(), ids=OTHER)
def test_without_a_model_a_file_for_another_edition_is_one_error(edition: Any, text: str) -> None:
    (found,) = check_source(Source("file", text), None, edition)
    other = ONNX if edition is CAFFE else CAFFE
    assert found.code == "QC451"
    assert f"this file is for {other.title}, not for {edition.title}" in found.message
    assert found.help
    assert f"--edition {other.name}" in found.help
    assert "QC451" not in [each.code for each in check_source(Source("file", text), None, other)]


@pytest.mark.parametrize("unknown", ["update_bn: true", 'skip_layer_types: "Linear"', "nonsense: 1"])
def test_with_a_name_of_neither_each_name_is_reported(unknown: str) -> None:
    found = check_source(Source("quant.cfg", f"conv_calibration_config {{ }}\n{unknown}"), None, ONNX)
    assert len(found) == 2
    assert "QC451" not in [each.code for each in found]


def test_a_name_of_the_other_edition_beside_a_misspelling_says_its_option() -> None:
    text = tensor_of("x") + "batchnum: 1\n" + for_all("dmq_balancer { }")
    helps = [each.help for each in check_source(Source("quant.cfg", text), None, CAFFE)]
    assert helps == [
        "use --edition onnx, or remove it: it is a field of AMCT for TensorFlow, AMCT for ONNX, ATC and AOE, "
        "not of AMCT for Caffe",
        'did you mean "batch_num"?',
        "use --edition onnx, or remove it: it is a field of AMCT for ONNX and AMCT for PyTorch, "
        "not of AMCT for Caffe",
    ]
    typed = check_source(Source("quant.cfg", 'skip_layer_types: ["Conv", "Foo"]'), None, CAFFE)
    assert [each.help for each in typed] == [
        'use --edition onnx, or use "Convolution" for Conv',
        'use "Convolution", "Deconvolution", "InnerProduct" or "Pooling"',
    ]


def test_each_name_of_the_other_edition_is_listed_with_its_first_place() -> None:
    text = for_type("Pooling") + 'skip_layer_types: "Convolution"\n' + for_type("Convolution")
    (found,) = check_source(Source("quant.cfg", text), None, ONNX)
    assert found.message.endswith(': it has "Pooling" and "Convolution"')
    assert found.span
    assert found.span.start == text.index('"Pooling"')
    assert [each.span.start for each in found.related] == [text.index('"Convolution"')]


def test_a_key_of_all_layers_is_shown_once() -> None:
    layers = {str(index): {"activation_quant_params": {"num_bits": 8}} for index in range(8)}
    text = json.dumps({"tensor_quantize": [], **layers})
    (found,) = check_source(Source("config.json", text), None, CAFFE)
    assert found.code == "QC451"
    assert [each.span.start for each in found.related] == [text.index('"num_bits"')]


@pytest.mark.parametrize(("edition", "other"), [(ONNX, CAFFE), (CAFFE, ONNX)])
def test_types_of_two_editions_are_one_error(edition: Any, other: Any) -> None:
    text = 'skip_layer_types: "Pooling"\n' + for_type("Gemm")
    (found,) = check_source(Source("quant.cfg", text), None, edition)
    assert found.code == "QC451"
    assert found.message.startswith(f"this file mixes types of {edition.title} and {other.title}: it has ")
    assert '"Pooling"' in found.message
    assert '"Gemm"' in found.message
    assert [each.message for each in found.related] == [f"a type of {edition.title}"]
    assert found.help
    assert found.help.endswith(f", or use --edition {other.name} and the types of {other.title}")


def test_a_caffe_request_for_an_onnx_model_is_one_error_that_says_what_to_use() -> None:
    text = "conv_calibration_config { }\nfc_calibration_config { }\n" + for_type("Pooling")
    (found,) = compile_config(NETWORK, config_text=text).diagnostics
    assert found.code == "QC451"
    assert found.message.startswith("this file is for AMCT for Caffe, not for AMCT for ONNX: it has ")
    assert found.help == (
        "use common_config for conv_calibration_config, override_layer_types for fc_calibration_config, "
        '"AveragePool" for Pooling'
    )
    (alone,) = compile_config(NETWORK, config_text="conv_calibration_config { }").diagnostics
    assert alone.code == "QC201"
    assert alone.help == (
        "use common_config: conv_calibration_config is a field of AMCT for Caffe, not of AMCT for ONNX"
    )
    mixed = compile_config(NETWORK, config_text=text + for_type("Gemm")).diagnostics
    assert [each.code for each in mixed] == ["QC201", "QC201", "QC403"]


@pytest.mark.parametrize(("edition", "text"), [OTHER["fields for ONNX"], OTHER["types for Caffe"]])
def test_a_file_for_another_edition_is_not_migrated(edition: Any, text: str) -> None:
    migration = migrate_text(text, edition=edition.name)
    assert migration.text is None
    assert [each.code for each in migration.diagnostics] == ["QC451"]


def test_a_key_of_several_editions_does_not_identify_the_edition() -> None:
    text = '{"a": {"activation_quant_params": {"num_bits": 8}}}'
    assert [each.code for each in check_source(Source("config.json", text), None, CAFFE)] == ["QC512"]


def test_a_layer_of_the_caffe_edition_may_have_the_name_of_a_key_of_another() -> None:
    layer = caffe_network(net(caffe_conv("tensor_quantize")))
    compilation = compile_config(layer, config_text=for_all("ifmr_quantize { search_step: 0.02 }"))
    assert compilation.config
    made = decompile(compilation.text or "", layer)
    assert made.text == "common_config {\n  ifmr_quantize {\n    search_step: 0.02\n  }\n}\n"
    wrong = {"tensor_quantize": {"activation_quant_params": {"x": 1}, "y": 2}}
    assert [each.code for each in check_text(json.dumps(wrong), "config.json", layer)] == ["QC512", "QC512"]


def test_with_a_model_the_fields_are_reported_one_by_one() -> None:
    text = "conv_calibration_config { }\nfc_calibration_config { }"
    assert [each.code for each in check_text(text, network=NETWORK)] == ["QC201", "QC201"]
