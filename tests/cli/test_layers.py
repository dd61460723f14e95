"""The command layers: output shapes and costs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from quantcfg.cli import main
from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.network import Network
from quantcfg.network.cost_table import amount
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operations
from tests.advice.nets import caffemodel
from tests.networks import conv, deconv, inner_product, layer

Captured = pytest.CaptureFixture[str]

MODEL = ("layers", "--model", "deploy.prototxt")
TWO_INPUTS = 'input: "a" input: "b" input_dim: [1, 3, 8, 8, 1, 0, 8, 8]\n'


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(*layers: str, inputs: str = 'input: "data" input_shape { dim: [1, 3, 8, 8] }') -> None:
    Path("deploy.prototxt").write_text("\n".join((inputs, *layers)))


def entries(capsys: Captured, *arguments: str) -> dict[str, Any]:
    assert main([*MODEL, "--format", "json", *arguments]) == 0
    layers = json.loads(capsys.readouterr().out)["layers"]
    return {each["name"]: each for each in layers}


def lines_below(capsys: Captured, *arguments: str) -> list[str]:
    assert main([*MODEL, *arguments]) == 0
    return capsys.readouterr().err.splitlines()


def last_line(capsys: Captured, *arguments: str) -> str:
    assert main([*MODEL, *arguments]) == 0
    return capsys.readouterr().out.splitlines()[-1]


def usage_error(capsys: Captured, *arguments: str) -> str:
    with pytest.raises(SystemExit) as exited:
        main([*arguments])
    assert exited.value.code == 2
    return capsys.readouterr().err.splitlines()[-1].partition("error: ")[2]


def test_an_unknown_type_says_why_the_shapes_after_it_are_unknown_and_what_helps(capsys: Captured) -> None:
    write(conv("conv"), layer("strange", "Wonder", "conv"), conv("after", "strange"))
    lines = lines_below(capsys)
    helped = "pass its shape, such as --input strange=1,3,224,224"
    assert [line for line in lines if "unknown:" in line] == [
        f'the output shape of "strange" is unknown: its type Wonder is unknown; {helped}'
    ]
    assert last_line(capsys).endswith("without 2 layers of unknown cost")
    found = entries(capsys)
    assert found["strange"]["output_shapes"] == [None]
    assert found["after"]["unknown_shape"] == {
        "reason": 'the shape of its input "strange" is unknown',
        "help": helped,
    }
    given = entries(capsys, "--input", "strange=1,8,4,4")
    assert given["after"]["output_shapes"] == [[1, 8, 2, 2]]
    assert given["after"]["unknown_shape"] is None


def test_at_most_five_causes_of_unknown_shapes_are_shown(capsys: Captured) -> None:
    write(*(layer(f"strange{index}", f"Wonder{index}", "data") for index in range(8)))
    lines = lines_below(capsys)
    assert len(lines) == 6
    assert lines[-1] == "3 more causes of unknown shapes"


def test_layers_with_the_same_help_are_causes_of_their_own(capsys: Captured) -> None:
    large = "num_output: 8 kernel_size: 99"
    write(conv("one", parameters=large), conv("after", "one"), conv("two", parameters=large))
    assert [line.split('"')[1] for line in lines_below(capsys)] == ["one", "two"]


def test_a_given_shape_replaces_that_of_an_input(capsys: Captured) -> None:
    write(conv("conv"))
    assert entries(capsys, "--input", "2,3,9,9")["conv"]["output_shapes"] == [[2, 8, 7, 7]]
    assert entries(capsys, "--input", "data=2,3,9,9")["conv"]["output_shapes"] == [[2, 8, 7, 7]]


LABELLED = layer("images", "Data", (), ("a", "label"), data_param="batch_size: 8")


def test_the_only_input_of_unknown_shape_needs_no_name(capsys: Captured) -> None:
    write(LABELLED, conv("conv", "a"), inputs="")
    assert entries(capsys, "--input", "2,3,9,9")["conv"]["output_shapes"] == [[2, 8, 7, 7]]
    write(LABELLED, conv("conv", "a"), inputs='input: "b"')
    error = usage_error(capsys, *MODEL, "--input", "2,3,9,9")
    assert error == '--input needs a name, as the inputs of unknown shape are "b" and "a"'
    write(conv("conv", "a"), inputs='input: "a" input: "b" input_dim: [1, 3, 8, 8, 1, 3, 8, 8]')
    error = usage_error(capsys, *MODEL, "--input", "2,3,9,9")
    assert error == '--input needs a name, as the inputs are "a" and "b"'


def test_advise_takes_the_shape_of_an_unnamed_input(capsys: Captured) -> None:
    write(LABELLED, conv("conv", "a"), inputs="")
    stored = {"conv": [np.ones((8, 3, 3, 3), np.float32), np.ones(8, np.float32)]}
    Path("net.caffemodel").write_bytes(caffemodel(stored, {"conv": "Convolution"}))
    arguments = ("--weights", "net.caffemodel", "--input", "2,3,9,9", "--format", "json")
    assert main(["advise", *MODEL[1:], *arguments]) == 0
    shapes = {each["name"]: each["output_shape"] for each in json.loads(capsys.readouterr().out)["layers"]}
    assert shapes["conv"] == [2, 8, 7, 7]


def test_a_model_is_read_once_if_all_shapes_have_names(
    capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Mapping[str, Shape]] = []

    def recording(network: Network, shapes: Mapping[str, Shape]) -> Operations:
        given.append(shapes)
        return read_operations(network, shapes)

    monkeypatch.setattr("quantcfg.editions.caffe.layer_operations.read_operations", recording)
    write(conv("conv"))
    entries(capsys, "--input", "data=1,3,8,8")
    assert given == [{"data": (1, 3, 8, 8)}]
    entries(capsys, "--input", "1,3,8,8")
    assert given[1:] == [{}, {"data": (1, 3, 8, 8)}]


def test_the_last_line_has_the_shares_of_what_can_be_quantized(capsys: Captured) -> None:
    dilated = deconv("dilated", "conv", parameters="num_output: 8 kernel_size: 1 dilation: 2")
    write(conv("conv"), dilated, inner_product("fc", "dilated"))
    shares = "81.4 % of MACs, 97.2 % of weights"
    sizes = "2.61 k weights, 10.4 kB in float, about 2.91 kB in int8"
    assert last_line(capsys) == f"3 layers in phase TEST, 2 quantizable: {shares}; {sizes}"
    assert lines_below(capsys) == []


def test_the_weights_file_has_the_parameters_that_the_shapes_do_not_determine(capsys: Captured) -> None:
    write(conv("conv"), layer("relu", "ReLU", "conv"), inner_product("fc", "relu"), inputs='input: "data"')
    blobs = {"conv": [(8, 3, 3, 3), (8,)], "fc": [(8, 32), (8,)]}
    stored = {name: [np.zeros(shape, np.float32) for shape in shapes] for name, shapes in blobs.items()}
    Path("net.caffemodel").write_bytes(caffemodel(stored, {"conv": "Convolution", "fc": "InnerProduct"}))
    assert [each["parameters"] for each in entries(capsys).values()] == [None, 0, None]
    found = entries(capsys, "--weights", "net.caffemodel")
    assert [each["parameters"] for each in found.values()] == [224, 0, 264]


def test_json_has_a_version_and_nothing_around_it(capsys: Captured) -> None:
    write(conv("conv"))
    assert main([*MODEL, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert (list(json.loads(out)), err) == (["version", "layers", "totals"], "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("c=1,3,8,8", '--input names "c": not an input or a blob of unknown shape'),
        ("conv=1,3,8,8", '--input names "conv": not an input or a blob of unknown shape'),
        ("a=1,3,0,8", "argument --input: a=1,3,0,8 is not a shape, such as data=1,3,224,224"),
        ("a=1,x", "argument --input: a=1,x is not a shape, such as data=1,3,224,224"),
        ("a=", "argument --input: a= is not a shape, such as data=1,3,224,224"),
        ("\x1b=", "argument --input: \N{REPLACEMENT CHARACTER}= is not a shape, such as data=1,3,224,224"),
        ("a=" + "9" * 5000, "argument --input: "),
    ],
)
def test_a_shape_that_cannot_be_used_is_a_usage_error(given: str, expected: str, capsys: Captured) -> None:
    write(conv("conv", "a"), layer("sum", "Concat", ("conv", "b")), inputs=TWO_INPUTS)
    assert usage_error(capsys, *MODEL, "--input", given).startswith(expected)


@pytest.mark.parametrize("shape", ["1,3,99999,99999", ",".join(["1"] * 33), "1" + "0" * 30])
def test_a_shape_that_is_too_large_is_a_usage_error(shape: str, capsys: Captured) -> None:
    write(conv("conv"))
    said = f"argument --input: {shape} is too large: a shape has at most 32 axes and 2,147,483,647 values"
    assert usage_error(capsys, *MODEL, "--input", shape) == said


def test_two_shapes_of_an_input_are_a_usage_error(capsys: Captured) -> None:
    write(conv("conv"))
    shapes = ("--input", "1,3,8,8", "--input", "data=1,3,9,9")
    assert usage_error(capsys, *MODEL, *shapes) == '--input gives two shapes for "data"'


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        (0, "", "0"),
        (999, "", "999"),
        (999, "B", "999 B"),
        (1000, "", "1 k"),
        (1234, "", "1.23 k"),
        (9996, "", "10 k"),
        (99_960, "", "100 k"),
        (999_499, "B", "999 kB"),
        (999_500, "B", "1 MB"),
        (25_610_269, "", "25.6 M"),
        (102_441_076, "B", "102 MB"),
        (3_857_973_248, "", "3.86 G"),
        (10**18, "", "1000 P"),
    ],
)
def test_an_amount_has_three_digits(number: int, unit: str, shown: str) -> None:
    assert amount(number, unit) == shown
