"""The library with the ONNX edition."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import onnx
import pytest

import quantcfg
import quantcfg.caffe
import quantcfg.onnx
from quantcfg import QuantConfigError, QuantConfigWarning
from quantcfg.api import compile_files
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions import NAMES, edition_named
from quantcfg.project import settings_around
from quantcfg.source import Source
from tests.api.models import Model
from tests.onnx.models import WEIGHTS, conv, model, node, tensor

ANY: Any = quantcfg.onnx.create_quant_config
"""The function without argument types, to pass arguments of wrong types."""


@pytest.fixture
def onnx_file(tmp_path: Path) -> str:
    file = tmp_path / "net.onnx"
    nodes = (conv("conv1"), conv("conv2", weight="v"), node("MatMul", ["a", "m"], ["b"], name="fc"))
    content = model(*nodes, initializers=(*WEIGHTS, tensor("v", 8, 3, 1, 1)))
    file.write_bytes(content.SerializeToString())
    return str(file)


def test_a_path_may_be_bytes(onnx_file: str) -> None:
    read: Any = quantcfg.onnx.read_model
    assert [layer.name for layer in read(onnx_file.encode()).layers] == ["conv1", "conv2", "fc"]
    with pytest.raises(TypeError, match=r"expected str, bytes or .* object, not int"):
        read(3)


def test_the_schema_of_something_else_than_a_network_is_a_type_error() -> None:
    schema: Any = quantcfg.config_schema
    with pytest.raises(TypeError, match="network must be the result of read_model, not str"):
        schema("net.onnx")


def quantized(file: Path) -> dict[str, bool]:
    """Return which layers a configuration has, and whether they are quantized."""
    config = json.loads(file.read_text())
    return {name: value["quant_enable"] for name, value in config.items() if isinstance(value, dict)}


def codes(error: QuantConfigError) -> list[str]:
    return [diagnostic.code for diagnostic in error.diagnostics]


# --- create_quant_config


def test_the_module_has_the_functions_of_its_edition() -> None:
    assert quantcfg.onnx.__all__ == quantcfg.caffe.__all__
    for module in (quantcfg.onnx, quantcfg.caffe):
        assert all(getattr(module, name).__doc__ for name in module.__all__)


def test_the_signature_is_that_of_amct() -> None:
    parameters = inspect.signature(quantcfg.onnx.create_quant_config).parameters.values()
    assert [(each.name, each.default) for each in parameters] == [
        ("config_file", inspect.Parameter.empty),
        ("model_file", inspect.Parameter.empty),
        ("skip_layers", None),
        ("batch_num", 1),
        ("activation_offset", True),
        ("config_defination", None),
        ("updated_model", None),
    ]
    assert {each.kind for each in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_a_call_without_a_config_writes_the_file(onnx_file: str, tmp_path: Path) -> None:
    out = tmp_path / "results" / "config.json"
    assert ANY(str(out), onnx_file, ["conv1"], 2, False) is None
    config = json.loads(out.read_text())
    assert (config["batch_num"], config["activation_offset"]) == (2, False)
    assert quantized(out) == {"conv1": False, "conv2": True, "fc": True}


def test_a_call_with_a_config_writes_the_file_and_warns_of_ignored_arguments(
    onnx_file: str, tmp_path: Path
) -> None:
    out, config = tmp_path / "config.json", tmp_path / "quant.cfg"
    config.write_text('batch_num: 2 skip_layer_types: "MatMul"')
    with pytest.warns(QuantConfigWarning) as caught:
        quantcfg.onnx.create_quant_config(str(out), onnx_file, batch_num=7, config_defination=str(config))
    texts = [str(warning.message) for warning in caught]
    assert any("batch_num is ignored: the quant.cfg applies" in text for text in texts)
    assert {warning.filename for warning in caught} == {__file__}
    assert json.loads(out.read_text())["batch_num"] == 2
    assert quantized(out) == {"conv1": True, "conv2": True, "fc": False}


def test_a_file_that_is_replaced_is_a_warning(onnx_file: str, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    out.write_text("old")
    with pytest.warns(QuantConfigWarning) as caught:
        quantcfg.onnx.create_quant_config(str(out), onnx_file)
    assert "already existed and was replaced" in str(caught[-1].message)
    assert quantized(out)


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("config_file", Path("config.json")),
        ("model_file", b"net.onnx"),
        ("skip_layers", "conv1"),
        ("batch_num", True),
        ("activation_offset", 1),
        ("config_defination", 1),
        ("updated_model", Path("named.onnx")),
    ],
)
def test_a_wrong_type_is_a_type_error_that_names_the_argument(
    onnx_file: str, tmp_path: Path, argument: str, value: object
) -> None:
    out = tmp_path / "config.json"
    arguments = {"config_file": str(out), "model_file": onnx_file, argument: value}
    with pytest.raises(TypeError, match=rf"^create_quant_config: argument {argument} must be .*, not \w+$"):
        ANY(**arguments)
    assert not out.exists()


def test_an_error_is_raised_and_nothing_is_written(onnx_file: str, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    with pytest.raises(QuantConfigError) as caught:
        quantcfg.onnx.create_quant_config(str(out), onnx_file, ["nowhere"])
    assert "QC401" in codes(caught.value)
    with pytest.raises(QuantConfigError) as caught:
        quantcfg.onnx.create_quant_config(onnx_file, onnx_file)
    assert "QC503" in codes(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.onnx"]


# --- updated_model


@pytest.fixture
def unnamed(tmp_path: Path) -> str:
    """A model with an unnamed node and a repeated name."""
    file = tmp_path / "unnamed.onnx"
    nodes = (conv(""), conv("a", weight="v"), node("MatMul", ["x", "m"], ["y"], name="a"))
    content = model(*nodes, initializers=(*WEIGHTS, tensor("v", 8, 3, 1, 1)))
    file.write_bytes(content.SerializeToString())
    return str(file)


def test_the_updated_model_and_the_configuration_have_the_same_names(unnamed: str, tmp_path: Path) -> None:
    out, named = tmp_path / "a" / "config.json", tmp_path / "b" / "named.onnx"
    with pytest.raises(QuantConfigError) as caught:
        quantcfg.onnx.create_quant_config(str(out), unnamed)
    assert codes(caught.value) == ["QC330", "QC331"]
    before = Path(unnamed).read_bytes()
    quantcfg.onnx.create_quant_config(str(out), unnamed, ["a1"], updated_model=str(named))
    assert quantized(out) == {"Conv_0": True, "a": True, "a1": False}
    assert [each.name for each in onnx.load(named).graph.node] == ["Conv_0", "a", "a1"]
    assert [layer.name for layer in quantcfg.read_model(named).quantizable] == ["Conv_0", "a", "a1"]
    assert Path(unnamed).read_bytes() == before


def test_replaced_files_are_warnings(unnamed: str, tmp_path: Path) -> None:
    out, named = tmp_path / "config.json", tmp_path / "named.onnx"
    for file in (out, named):
        file.write_text("old")
    with pytest.warns(QuantConfigWarning) as caught:
        quantcfg.onnx.create_quant_config(str(out), unnamed, updated_model=str(named))
    assert [str(out) in str(caught[0].message), str(named) in str(caught[1].message)] == [True, True]
    assert len(caught) == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"skip_layers": ["nowhere"]}, "QC401"),
        ({"updated_model": "{}/config.json"}, "QC503"),
        ({"updated_model": "{}/./config.json"}, "QC502"),
        ({"updated_model": "{}/unnamed.onnx"}, "QC503"),
        ({"updated_model": ""}, "QC503"),
        ({"updated_model": "{}"}, "QC503"),
        ({"config_file": "{}/unnamed.onnx"}, "QC503"),
        ({"config_file": "{}/unnamed.onnx/config.json"}, "QC502"),
        ({"config_file": "{}/protected.json"}, "QC502"),
        ({"model_file": "{}/nowhere.onnx"}, "QC101"),
    ],
    ids=repr,
)
def test_both_files_are_written_or_none(
    unnamed: str, tmp_path: Path, arguments: dict[str, Any], code: str
) -> None:
    (tmp_path / "protected.json").write_text("old")
    (tmp_path / "protected.json").chmod(0o444)
    given: dict[str, Any] = {
        "config_file": "{}/config.json",
        "model_file": unnamed,
        "updated_model": "{}/named.onnx",
        **arguments,
    }
    for name in ("config_file", "model_file", "updated_model"):
        given[name] = given[name].replace("{}", str(tmp_path))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(QuantConfigError) as caught:
        ANY(**given)
    assert codes(caught.value) == [code]
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


# --- the edition of a model


def test_the_functions_of_an_edition_read_its_models_only(model: Model, onnx_file: str) -> None:
    is_model = "is an ONNX model, not a prototxt\n  = help: use quantcfg.onnx."
    with pytest.raises(QuantConfigError, match=f"{is_model}read_model$"):
        quantcfg.caffe.read_model(onnx_file)
    with pytest.raises(QuantConfigError, match=f"{is_model}create_quant_config$"):
        quantcfg.create_quant_config("config.json", onnx_file, model.caffemodel)
    with pytest.raises(QuantConfigError, match="is a prototxt, not an ONNX model"):
        quantcfg.onnx.read_model(model.prototxt)
    with pytest.raises(QuantConfigError, match="is a prototxt, not an ONNX model"):
        quantcfg.onnx.create_quant_config("config.json", model.prototxt)


def test_a_model_in_place_of_a_text_file_is_identified(model: Model, onnx_file: str) -> None:
    found = compile_files(model.prototxt, None, onnx_file).diagnostics
    message = f'"{onnx_file}" is an ONNX model, not a quant.cfg'
    assert [(each.code, each.message, each.help) for each in found] == [
        ("QC117", message, "pass it as the model")
    ]


def test_a_model_in_place_of_the_settings_is_called_what_it_is(onnx_file: str) -> None:
    Path(onnx_file).rename(Path(onnx_file).with_name("quantcfg.toml"))
    found: list[Diagnostic] = []
    settings_around(Source(onnx_file, ""), found.append)
    assert [each.message.partition('" ')[2] for each in found] == ["is an ONNX model, not TOML"]


def test_a_model_is_recognized_by_its_content(model: Model, onnx_file: str, tmp_path: Path) -> None:
    renamed = tmp_path / "net.bin"
    renamed.write_bytes(Path(onnx_file).read_bytes())
    for file in (onnx_file, renamed):
        network = quantcfg.read_model(file)
        assert network.edition.name == "onnx"
        assert [layer.name for layer in network.quantizable] == ["conv1", "conv2", "fc"]
        assert network.by_name["fc"].weight_shape == (16, 8)
    assert quantcfg.read_model(model.prototxt).edition.name == "caffe"


def test_an_onnx_model_has_no_weights_file(onnx_file: str, model: Model) -> None:
    with pytest.raises(QuantConfigError) as caught:
        quantcfg.read_model(onnx_file, model.caffemodel)
    assert codes(caught.value) == ["QC334"]


# --- functions that work without a network


def test_the_edition_decides_what_a_request_may_have() -> None:
    text = 'tensor_quantize { layer_name: "add" input_index: 0 }'
    assert quantcfg.check_text(text, edition="onnx") == ()
    assert [each.code for each in quantcfg.check_text(text)] != []


@pytest.mark.parametrize("name", NAMES)
def test_the_edition_decides_the_schema(name: str) -> None:
    assert quantcfg.config_schema(edition=name) == edition_named(name).schema.document


def test_the_network_decides_if_there_is_one(onnx_file: str) -> None:
    network = quantcfg.onnx.read_model(onnx_file)
    assert quantcfg.config_schema(network, edition="caffe") == quantcfg.config_schema(network)
    text = 'skip_layer_types: "MatMul"'
    assert quantcfg.check_text(text, network=network, edition="caffe") == ()


def test_deprecated_fields_are_those_of_the_edition() -> None:
    text = "conv_calibration_config { }"
    assert quantcfg.migrate_text(text, edition="caffe").ok
    assert not quantcfg.migrate_text(text, edition="onnx").ok


@pytest.mark.parametrize("edition", ["pytorch", "", None, 1, ["onnx"]])
def test_an_unknown_edition_is_an_error_that_names_those_there_are(edition: Any) -> None:
    (finding,) = quantcfg.check_text("", edition=edition)
    assert finding.code == "QC415"
    assert '"caffe" or "onnx"' in finding.message
    assert quantcfg.migrate_text("", edition=edition).diagnostics == (finding,)
    with pytest.raises(QuantConfigError) as caught:
        quantcfg.config_schema(edition=edition)
    assert caught.value.diagnostics == (finding,)


def test_edition_is_a_keyword_of_the_functions_that_work_without_a_network() -> None:
    for function in (quantcfg.check_text, quantcfg.config_schema, quantcfg.migrate_text):
        parameter = inspect.signature(function).parameters["edition"]
        assert (parameter.default, parameter.kind) == ("caffe", inspect.Parameter.KEYWORD_ONLY)


# --- all steps


def test_a_configuration_is_compiled_checked_explained_and_decompiled(onnx_file: str) -> None:
    network = quantcfg.onnx.read_model(onnx_file)
    request = 'override_layer_types { layer_type: "Conv" calibration_config { hfmg_quantize { } } }'
    formatted = quantcfg.format_text(request)
    assert formatted.text
    compilation = quantcfg.compile_config(network, config_text=formatted.text)
    assert compilation.text
    assert quantcfg.check_text(compilation.text, "config.json", network) == ()
    assert [each.layer.name for each in quantcfg.explain(compilation, "fc").layers] == ["fc"]
    decompilation = quantcfg.decompile(compilation.text, network)
    assert decompilation.text
    again = quantcfg.compile_config(network, config_text=decompilation.text)
    assert again.text == compilation.text
