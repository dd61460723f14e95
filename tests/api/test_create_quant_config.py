"""The drop-in for AMCT's function (reference 1)."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from quantcfg import QuantConfigError, QuantConfigWarning, create_quant_config
from tests.api.models import PROTOTXT, SHAPES, Model, write_model
from tests.networks import INPUT, layer

ANY: Any = create_quant_config
"""The function without argument types, to pass arguments of wrong types."""

CONFIG = 'batch_num: 2\nskip_layers: "fc"\n'
DEPRECATED = "conv_calibration_config { }"


def config_file(model: Model, text: str = CONFIG) -> str:
    file = model.folder / "quant.cfg"
    file.write_text(text)
    return str(file)


def quantized(file: Path) -> dict[str, bool]:
    """Return which layers a configuration has, and whether they are quantized."""
    config = json.loads(file.read_text())
    return {name: value["quant_enable"] for name, value in config.items() if isinstance(value, dict)}


# --- what AMCT's scripts do


def test_the_signature_is_that_of_amct() -> None:
    parameters = inspect.signature(create_quant_config).parameters.values()
    assert [(each.name, each.default) for each in parameters] == [
        ("config_file", inspect.Parameter.empty),
        ("model_file", inspect.Parameter.empty),
        ("weights_file", inspect.Parameter.empty),
        ("skip_layers", None),
        ("batch_num", 1),
        ("activation_offset", True),
        ("config_defination", None),
    ]
    assert {each.kind for each in parameters} == {inspect.Parameter.POSITIONAL_OR_KEYWORD}


def test_a_call_without_a_config_writes_the_file(model: Model, tmp_path: Path) -> None:
    out = tmp_path / "results" / "config.json"
    assert ANY(str(out), model.prototxt, model.caffemodel, [], 2) is None
    config = json.loads(out.read_text())
    assert (config["batch_num"], config["activation_offset"]) == (2, True)
    assert quantized(out) == {"conv1": True, "fc": True, "pool5": True}


def test_a_call_with_all_plain_arguments_writes_the_file(model: Model, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    create_quant_config(str(out), model.prototxt, model.caffemodel, ["fc"], 3, False)
    config = json.loads(out.read_text())
    assert (config["batch_num"], config["activation_offset"]) == (3, False)
    assert config["conv1"]["activation_quant_params"]["asymmetric"] is False
    assert quantized(out) == {"conv1": True, "fc": False, "pool5": True}


def test_a_call_with_a_config_writes_the_file_and_says_that_the_plain_argument_is_ignored(
    model: Model, tmp_path: Path
) -> None:
    out = tmp_path / "config.json"
    with pytest.warns(QuantConfigWarning, match="batch_num is ignored: the quant.cfg applies") as caught:
        create_quant_config(
            str(out),
            model.prototxt,
            model.caffemodel,
            [],
            7,
            config_defination=config_file(model),
        )
    assert len(caught) == 1
    assert json.loads(out.read_text())["batch_num"] == 2
    assert quantized(out) == {"conv1": True, "fc": False, "pool5": True}


WEIGHTS_OF_3D = {**SHAPES, "conv1": ((8, 3, 3, 3, 3), (8,))}


def test_the_filter_of_the_weights_file_counts_where_the_prototxt_leaves_it_open(tmp_path: Path) -> None:
    prototxt = layer("data", "HDF5Data", (), "data") + PROTOTXT.removesuffix(INPUT)
    model = write_model(tmp_path, prototxt, WEIGHTS_OF_3D)
    out = tmp_path / "config.json"
    create_quant_config(str(out), model.prototxt, model.caffemodel)
    assert quantized(out) == {"fc": True, "pool5": True}


def test_the_filter_of_the_prototxt_counts_where_it_is_known(tmp_path: Path) -> None:
    model = write_model(tmp_path, shapes=WEIGHTS_OF_3D)
    out = tmp_path / "config.json"
    with pytest.warns(QuantConfigWarning, match=r"8x3x3x3x3, but the prototxt needs 8x\?x3x3 \[QC313\]"):
        create_quant_config(str(out), model.prototxt, model.caffemodel)
    assert quantized(out) == {"conv1": True, "fc": True, "pool5": True}


# --- wrong types


WRONG_TYPES: dict[str, list[Any]] = {
    "config_file": [None, b"config.json", Path("config.json"), 1, ["config.json"]],
    "model_file": [None, b"deploy.prototxt", Path("deploy.prototxt"), 0],
    "weights_file": [None, b"weights.caffemodel", Path("weights.caffemodel"), True],
    "config_defination": [b"quant.cfg", Path("quant.cfg"), 1, False],
    "skip_layers": ["fc", ("fc",), {"fc"}, {"fc": 1}, [1], ["fc", None], [b"fc"], 0, {(1, 2): 3}],
    "batch_num": [True, False, 1.0, "1", None, [1], float("nan")],
    "activation_offset": [1, 0, None, "true", []],
}


@pytest.mark.parametrize(
    ("argument", "value"),
    [(argument, value) for argument, values in WRONG_TYPES.items() for value in values],
    ids=repr,
)
def test_a_wrong_type_is_a_type_error_that_names_the_argument(
    model: Model, tmp_path: Path, argument: str, value: object
) -> None:
    out = tmp_path / "config.json"
    arguments = {"config_file": str(out), "model_file": model.prototxt, "weights_file": model.caffemodel}
    with pytest.raises(TypeError, match=rf"^create_quant_config: argument {argument} must be .*, not \w+$"):
        ANY(**arguments | {argument: value})
    assert not out.exists()


def test_a_circular_list_is_a_type_error(model: Model) -> None:
    circular: list[Any] = []
    circular.append(circular)
    with pytest.raises(TypeError, match="argument skip_layers must be a list of strings, not list"):
        ANY("config.json", model.prototxt, model.caffemodel, circular)


def test_an_argument_that_is_missing_or_too_many_is_a_type_error(model: Model) -> None:
    with pytest.raises(TypeError):
        ANY("config.json", model.prototxt)
    with pytest.raises(TypeError):
        ANY("config.json", model.prototxt, model.caffemodel, config_definition="quant.cfg")


# --- errors


Damage = Callable[[Model], dict[str, Any]]

ERRORS: dict[str, tuple[Damage, list[str]]] = {
    "an unknown layer": (lambda _: {"skip_layers": ["nowhere"]}, ["QC401"]),
    "no batch": (lambda _: {"batch_num": 0}, ["QC501"]),
    "several": (
        lambda _: {"skip_layers": ["relu1", "fc", "fc"], "batch_num": -1},
        ["QC501", "QC402", "QC404"],
    ),
    "a wrong config": (
        lambda model: {"config_defination": config_file(model, "batch_num: 0\nskip_layers: 'a'")},
        ["QC501", "QC401"],
    ),
    "no config": (lambda _: {"config_defination": "nowhere/quant.cfg"}, ["QC101"]),
    "an empty name of a config": (lambda _: {"config_defination": ""}, ["QC101"]),
    "a config that is not text": (
        lambda model: {"config_defination": model.caffemodel},
        ["QC111"],
    ),
    "no model": (lambda _: {"model_file": "nowhere/deploy.prototxt"}, ["QC101"]),
    "no weights": (lambda _: {"weights_file": "nowhere/weights.caffemodel"}, ["QC101"]),
    "neither": (lambda _: {"model_file": "a", "weights_file": "b"}, ["QC101", "QC101"]),
    "a folder": (lambda model: {"model_file": str(model.folder)}, ["QC101"]),
    "a name with a null character": (lambda _: {"model_file": "a\0b"}, ["QC101"]),
    "weights that are none": (lambda model: {"weights_file": model.prototxt}, ["QC310"]),
    "everything": (
        lambda model: {
            "model_file": "nowhere",
            "weights_file": "nowhere",
            "config_defination": config_file(model, "version: 1"),
        },
        ["QC101", "QC101", "QC201"],
    ),
}


@pytest.mark.parametrize(("damage", "codes"), ERRORS.values(), ids=ERRORS)
@pytest.mark.parametrize("old", [None, "old"])
def test_an_error_is_raised_with_all_that_was_found_and_nothing_is_written(
    model: Model, tmp_path: Path, old: str | None, damage: Damage, codes: list[str]
) -> None:
    out = tmp_path / "results" / "config.json"
    if old:
        out.parent.mkdir()
        out.write_text(old)
    arguments = {"config_file": str(out), "model_file": model.prototxt, "weights_file": model.caffemodel}
    with pytest.raises(QuantConfigError) as caught:
        ANY(**arguments | damage(model))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == codes
    assert all(f"error[{code}]: " in str(caught.value) for code in codes)
    assert out.parent.exists() == bool(old)
    if old:
        assert {path.name: path.read_text() for path in out.parent.iterdir()} == {"config.json": old}


def test_the_error_is_a_value_error() -> None:
    assert issubclass(QuantConfigError, ValueError)


def test_warnings_are_in_the_error_but_not_in_its_text(model: Model, tmp_path: Path) -> None:
    config = config_file(model, f"{DEPRECATED} batch_num: 0")
    with pytest.raises(QuantConfigError) as caught:
        create_quant_config(
            str(tmp_path / "config.json"), model.prototxt, model.caffemodel, config_defination=config
        )
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["QC425", "QC501"]
    assert "QC425" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "QC503"),
        ("{}/", "QC503"),
        ("{}", "QC503"),
        ("{}/" + "a" * 255, "QC503"),
        ("{}/deploy.prototxt", "QC503"),
        ("{}/../model/weights.caffemodel", "QC503"),
        ("{}/quant.cfg", "QC503"),
        ("{}/deploy.prototxt/config.json", "QC502"),
        ("{}/a\0b", "QC502"),
        ("{}/" + "a" * 256 + "/config.json", "QC502"),
    ],
)
def test_a_name_that_the_output_cannot_have_is_an_error(model: Model, name: str, code: str) -> None:
    config = config_file(model)
    before = {path.name: path.read_bytes() for path in model.folder.iterdir()}
    with pytest.raises(QuantConfigError) as caught:
        create_quant_config(
            name.format(model.folder), model.prototxt, model.caffemodel, config_defination=config
        )
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == [code]
    assert {path.name: path.read_bytes() for path in model.folder.iterdir()} == before


# --- warnings


def test_warnings_are_python_warnings_that_point_to_the_caller(model: Model, tmp_path: Path) -> None:
    out, config = str(tmp_path / "config.json"), config_file(model, DEPRECATED)
    with pytest.warns(QuantConfigWarning) as caught:
        create_quant_config(out, model.prototxt, model.caffemodel, config_defination=config)
    (warning,) = caught
    assert str(warning.message) == f'{config}:1:1: "conv_calibration_config" is deprecated [QC425]'
    assert warning.filename == __file__
    assert "create_quant_config(out" in Path(__file__).read_text().splitlines()[warning.lineno - 1]


def test_a_file_that_is_replaced_is_a_warning(model: Model, tmp_path: Path) -> None:
    out = tmp_path / "config.json"
    out.write_text("old")
    with pytest.warns(QuantConfigWarning, match="already existed and was replaced") as caught:
        create_quant_config(str(out), model.prototxt, model.caffemodel)
    assert len(caught) == 1
    assert quantized(out)


@pytest.mark.parametrize(
    ("arguments", "ignored"),
    [
        ({}, []),
        ({"skip_layers": []}, []),
        ({"skip_layers": None, "batch_num": 1, "activation_offset": True}, []),
        ({"skip_layers": ["nowhere"]}, ["skip_layers"]),
        ({"batch_num": 0}, ["batch_num"]),
        (
            {"skip_layers": ["conv1"], "batch_num": 9, "activation_offset": False},
            ["activation_offset", "batch_num", "skip_layers"],
        ),
    ],
)
def test_plain_arguments_beside_a_config_have_no_effect_and_are_a_warning(
    model: Model,
    tmp_path: Path,
    arguments: dict[str, Any],
    ignored: list[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    alone, beside = tmp_path / "alone.json", tmp_path / "beside.json"
    files = (model.prototxt, model.caffemodel)
    create_quant_config(str(alone), *files, config_defination=config_file(model))
    assert not recwarn
    ANY(str(beside), *files, config_defination=config_file(model), **arguments)
    assert beside.read_text() == alone.read_text()
    assert [str(warning.message).partition(":")[0] for warning in recwarn] == [
        f"argument {name}" for name in ignored
    ]
