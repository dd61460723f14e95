"""The weights of ONNX models, as the onnx package reads them, and how they are folded."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, helper
from onnx.reference import ReferenceEvaluator

from quantcfg.api import load_model
from quantcfg.cli import main
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.onnx.layer_computation import COMPUTATION
from quantcfg.editions.onnx.layer_operations import read_operations
from quantcfg.network.operations import NeverNegative
from quantcfg.weights.layout import input_first
from tests.advice.onnx_nets import (
    Values,
    constants_of,
    expected_weight,
    net,
    net_of,
    random,
    read,
    tensor,
)
from tests.laws import law
from tests.onnx.models import model, node, value
from tests.onnx.test_operations import CASES
from tests.shared import MODELS_ONNX, files, needs_shared
from tests.wire import LENGTH, key, varint

SEEDS = st.integers(0, 2**32 - 1)


# --- real models


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_the_weights_of_a_model_are_those_of_the_onnx_package(path: Path) -> None:
    content = onnx.load(path)
    found = net_of(path)
    assert found.problems == []
    nodes = {each.name: each for each in content.graph.node}
    readers = {name: each for each in content.graph.node for name in each.input}
    constants = constants_of(content)
    weights = found.weights()
    assert weights.keys() == {layer.name for layer in found.network.quantizable}
    for layer in found.network.quantizable:
        proto, weight = nodes[layer.name], weights[layer.name].weight
        if len(proto.input) < 2 or proto.input[1] not in constants:
            assert weight is None
            continue
        bn = readers[proto.output[0]] if layer.fusion else None
        wanted = expected_weight(content, proto, bn)
        assert weight is not None
        np.testing.assert_allclose(weight.reshape(len(weight), -1), wanted, rtol=1e-5, atol=1e-12)


# --- folding


def computed(kind: str, weight: Values, bias: Values | None, data: Values, group: int) -> Values:
    """Return the output of a layer, whose groups run alone: the onnx package does not run some in groups."""
    outputs = []
    for part, filters in zip(np.split(data, group, axis=1), np.split(weight, group), strict=True):
        layer = node(kind, ["data", "w"], ["y"], pads=[1, 0, 1, 1])
        content = net(layer, constants={"w": filters}, shape=part.shape)
        found: Any = ReferenceEvaluator(content).run(None, {"data": part})
        outputs.append(found[0])
    output: Values = np.concatenate(outputs, axis=1)
    return output if bias is None else output + bias.reshape(1, -1, 1, 1)


@law(
    SEEDS, st.sampled_from(["Conv", "ConvTranspose"]), st.sampled_from([1, 2, 4]), st.booleans(), examples=30
)
def test_a_folded_normalization_computes_the_same(seed: int, kind: str, group: int, has_bias: bool) -> None:
    inputs, outputs = 4, 8
    first, second = (outputs, inputs) if kind == "Conv" else (inputs, outputs)
    weight, bias = random(seed, first, second // group, 3, 2), random(seed + 1, outputs)
    scale, shift, mean = (random(seed + index, outputs) for index in (2, 3, 4))
    variance = np.abs(random(seed + 5, outputs)) + np.float32(0.1)
    names = ["data", "w", "bias"] if has_bias else ["data", "w"]
    content = net(
        node(kind, names, ["x"], name="layer", group=group, pads=[1, 0, 1, 1]),
        node("BatchNormalization", ["x", "scale", "shift", "mean", "variance"], ["y"], epsilon=1e-3),
        constants={
            "w": weight,
            "bias": bias,
            "scale": scale,
            "shift": shift,
            "mean": mean,
            "variance": variance,
        },
        shape=(1, inputs, 7, 6),
    )
    folded = read(content).weights()["layer"]
    assert folded.weight is not None
    stored = input_first(folded.weight, group) if kind == "ConvTranspose" else folded.weight
    data = random(seed + 6, 1, inputs, 7, 6)
    before = computed(kind, weight, bias if has_bias else None, data, group)
    scale, shift, mean, variance = (each.reshape(1, -1, 1, 1) for each in (scale, shift, mean, variance))
    wanted = (before - mean) / np.sqrt(variance + np.float32(1e-3)) * scale + shift
    found = computed(kind, stored, folded.bias, data, group)
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_an_unnamed_normalization_is_the_one_that_reads_the_layer() -> None:
    constants = {"w": random(0, 4, 3, 1, 1), "one": np.ones(4, np.float32), "two": 2 * np.ones(4, np.float32)}
    nodes = [
        node("Conv", ["data", "w"], ["a"], name="first"),
        node("BatchNormalization", ["a", "one", "one", "one", "one"], ["b"], epsilon=0.0),
        node("Conv", ["data", "w"], ["c"], name="second"),
        node("BatchNormalization", ["c", "two", "one", "one", "one"], ["d"], epsilon=0.0),
        node("Add", ["b", "d"], ["sum"], name="sum"),
    ]
    weights = read(net(*nodes, constants=constants, shape=(1, 3, 4, 4))).weights()
    assert weights["first"].weight == pytest.approx(constants["w"])
    assert weights["second"].weight == pytest.approx(2 * constants["w"])


def test_nodes_that_are_not_in_order_are_read() -> None:
    """They are not fused then, which needs the order of the file."""
    constants = {"w": random(0, 4, 3, 1, 1), "v": random(1, 4, 4, 1, 1)}
    nodes = [
        node("Conv", ["a", "v"], ["b"], name="second"),
        node("Conv", ["data", "w"], ["a"], name="first"),
    ]
    weights = read(net(*nodes, constants=constants, shape=(1, 3, 4, 4))).weights()
    assert weights.keys() == {"first", "second"}


def test_nodes_that_read_one_another_are_read() -> None:
    constants = {"w": random(0, 3, 3, 1, 1)}
    nodes = [
        node("Conv", ["b", "w"], ["a"], name="layer"),
        node("Add", ["a", "data"], ["b"], name="add"),
    ]
    assert read(net(*nodes, constants=constants, shape=(1, 3, 4, 4))).problems == []


@pytest.mark.parametrize("count", [4, 5000])
def test_a_constant_may_be_a_list_of_floats(count: int) -> None:
    floats = np.linspace(1, 2, count, dtype=np.float32)
    constants = {"w": random(0, count, 3, 1, 1), "one": np.ones(count, np.float32)}
    content = net(
        node("Constant", [], ["scale"], value_floats=floats.tolist()),
        node("Conv", ["data", "w"], ["a"], name="layer"),
        node("BatchNormalization", ["a", "scale", "one", "one", "one"], ["b"], name="bn", epsilon=0.0),
        constants=constants,
        shape=(1, 3, 4, 4),
    )
    found = read(content)
    if count > 4096:
        assert "its values are in more than 4,096 pieces" in found.problems[0][1]
    else:
        weight = found.weights()["layer"].weight
        assert weight is not None
        assert weight == pytest.approx(constants["w"] * floats.reshape(-1, 1, 1, 1))


# --- layouts and storage

MATRIX = random(3, 6, 4)


@pytest.mark.parametrize(
    ("layer", "weight", "shape", "wanted"),
    [
        (node("Gemm", ["data", "w"], ["y"], name="a"), MATRIX, (1, 6), MATRIX.T),
        (node("Gemm", ["data", "w"], ["y"], name="a", transB=1), MATRIX, (1, 4), MATRIX),
        (node("MatMul", ["data", "w"], ["y"], name="a"), MATRIX, (1, 6), MATRIX.T),
        (
            node("MatMul", ["data", "w"], ["y"], name="a"),
            random(4, 2, 6, 4),
            (2, 1, 6),
            random(4, 2, 6, 4).transpose(2, 0, 1),
        ),
    ],
)
def test_a_matrix_gets_its_outputs_first(
    layer: NodeProto, weight: Values, shape: tuple[int, ...], wanted: Values
) -> None:
    found = read(net(layer, constants={"w": weight}, shape=shape)).weights()["a"].weight
    assert found is not None
    assert (found == wanted).all()


def as_fields(element: int) -> Callable[[Values], TensorProto]:
    """Return a function that stores values in the field of their type."""
    return lambda array: helper.make_tensor("w", element, array.shape, array.reshape(-1))


def as_raw(element: int) -> Callable[[Values], TensorProto]:
    def made(array: Values) -> TensorProto:
        dtype = helper.tensor_dtype_to_np_dtype(element)
        return tensor("w", array.astype(dtype))

    return made


NAMES = {number: name for name, number in TensorProto.DataType.items()}
STORAGES = {
    **{f"{NAMES[each]} fields": as_fields(each) for each in (1, 11, 10, 16)},
    **{f"{NAMES[each]} raw": as_raw(each) for each in (1, 11, 10)},
}


@pytest.mark.parametrize("store", STORAGES.values(), ids=STORAGES)
@pytest.mark.parametrize("is_constant", [False, True])
def test_values_are_read_however_they_are_stored(
    store: Callable[[Values], TensorProto], is_constant: bool
) -> None:
    stored = store(random(5, 6, 4) * 100)
    content = model_with(stored, is_constant=is_constant)
    wanted = onnx.numpy_helper.to_array(stored).astype(np.float32)
    found = read(content).weights()["a"].weight
    assert found is not None
    assert (found == wanted.T).all()


def test_a_bfloat16_is_read_from_raw_data() -> None:
    halves = (random(5, 6, 4).view(np.uint32) >> 16).astype("<u2")
    stored = TensorProto(name="w", dims=(6, 4), data_type=TensorProto.BFLOAT16, raw_data=halves.tobytes())
    found = read(model_with(stored)).weights()["a"].weight
    assert found is not None
    assert (found == (halves.astype(np.uint32) << 16).view(np.float32).T).all()


def model_with(stored: TensorProto, *, is_constant: bool = False) -> ModelProto:
    layer = node("MatMul", ["data", "w"], ["y"], name="a")
    data = [value("data", 1, 6)]
    if not is_constant:
        return model(layer, initializers=[stored], inputs=data)
    return model(node("Constant", [], ["w"], value=stored), layer, initializers=[], inputs=data)


# --- weights that cannot be used


def floats(*shape: int, **more: Any) -> TensorProto:
    return TensorProto(name="w", dims=shape, data_type=TensorProto.FLOAT, **more)


UNUSABLE: dict[str, tuple[TensorProto, str]] = {
    "INT8": (
        TensorProto(name="w", dims=(6, 4), data_type=TensorProto.INT8, raw_data=bytes(24)),
        "its values are INT8, which is not floating point",
    ),
    "floats in an INT32": (
        TensorProto(name="w", dims=(6, 4), data_type=TensorProto.INT32, float_data=[1] * 24),
        "its values are INT32, which is not floating point",
    ),
    "FLOAT8": (
        TensorProto(name="w", dims=(6, 4), data_type=TensorProto.FLOAT8E4M3FN, raw_data=bytes(24)),
        "its values are FLOAT8E4M3FN, which is not supported",
    ),
    "no values": (floats(6, 4), "its shape needs 24 values, but the model has 0"),
    "too few": (floats(6, 4, float_data=[1] * 23), "its shape needs 24 values, but the model has 23"),
    "half a value": (
        floats(6, 4, raw_data=bytes(95)),
        "its shape needs 96 bytes, but the model has 95",
    ),
    "too many": (floats(6, 4, raw_data=bytes(100)), "its shape needs 24 values, but the model has 25"),
    "values in another field": (
        floats(6, 4, double_data=[1] * 24),
        "its shape needs 24 values, but the model has 0",
    ),
    "huge": (floats(2**40, 2**40), f"its shape needs {2**80} values, but the model has 0"),
    "negative": (floats(-6, 4), "its shape is -6x4"),
    "half a float16": (
        TensorProto(name="w", dims=(6, 4), data_type=TensorProto.FLOAT16, int32_data=[1] * 23),
        "its shape needs 24 values, but the model has 23",
    ),
}


@pytest.mark.parametrize(("stored", "problem"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_weight_that_cannot_be_used_is_a_problem_of_its_layer(stored: TensorProto, problem: str) -> None:
    found = read(model_with(stored)).problems
    assert found == [("a", f"its weight cannot be used: {problem}")]


def test_a_sparse_weight_is_a_problem() -> None:
    sparse = onnx.SparseTensorProto(
        values=floats(1, float_data=[1.0]),
        indices=TensorProto(name="i", dims=(1,), data_type=TensorProto.INT64, int64_data=[0]),
        dims=(6, 4),
    )
    layer = node("MatMul", ["data", "w"], ["y"], name="a")
    content = model(layer, initializers=[], inputs=[value("data", 1, 6)])
    content.graph.sparse_initializer.append(sparse)
    problem = "its weight cannot be used: its values are not stored in a tensor"
    assert read(content).problems == [("a", problem)]


FOLDED = 'a parameter of "bn", which is folded into it,'
MISFIT = "it has a weight of 4x3x1x1 that does not fit"


@pytest.mark.parametrize(
    ("kind", "shapes", "attributes", "problem"),
    [
        ("Conv", ((4, 3, 1, 1), (4,), (3,)), {}, f"{FOLDED} has 3 values, but it has 4 output channels"),
        ("Conv", ((4, 3, 1, 1), (4,), ()), {}, f"{FOLDED} has 1 value, but it has 4 output channels"),
        ("Conv", ((1, 3, 1, 1), (1,), (4,)), {}, f"{FOLDED} has 4 values, but it has 1 output channel"),
        ("Conv", ((4, 3, 1, 1), (4,), (4,)), {"group": 3}, MISFIT),
        (
            "ConvTranspose",
            ((4, 3, 1, 1), (3,), (3,)),
            {"group": 0},
            "its group is 0, which is not a positive integer",
        ),
        *(
            (
                "Conv",
                ((4, 3, 1, 1), (4,), (4,)),
                {"group": group},
                f"its group is {stated} a positive integer",
            )
            for group, stated in ((-2, "-2, which is not"), (1.0, "1.0, which is not"), ("a", "not"))
        ),
    ],
)
def test_weights_that_do_not_fit_together_are_a_problem(
    kind: str, shapes: tuple[tuple[int, ...], ...], attributes: dict[str, Any], problem: str
) -> None:
    weight, bias, parameter = (random(0, *shape) for shape in shapes)
    content = net(
        node(kind, ["data", "w", "bias"], ["x"], name="a", **attributes),
        node("BatchNormalization", ["x", "p", "p", "p", "p"], ["y"], name="bn"),
        constants={"w": weight, "bias": bias, "p": parameter},
        shape=(1, 3, 4, 4),
    )
    assert read(content).problems == [("a", problem)]


BIASES: dict[str, tuple[Values, str]] = {
    "count": (np.ones(3, np.float32), "its bias has 3 values, but it has 4 output channels"),
    "type": (
        np.ones(4, np.int32),
        "its bias cannot be used: its values are INT32, which is not floating point",
    ),
}


@pytest.mark.parametrize(("bias", "problem"), BIASES.values(), ids=BIASES)
@pytest.mark.parametrize("is_folded", [False, True])
def test_a_layer_with_a_bad_bias_keeps_its_weight(bias: Values, problem: str, is_folded: bool) -> None:
    nodes = [
        node("Conv", ["data", "w", "bias"], ["x"], name="a"),
        node("BatchNormalization", ["x", "p", "p", "p", "p"], ["y"], name="bn", epsilon=0.0),
    ]
    constants = {"w": random(0, 4, 3, 1, 1), "bias": bias, "p": np.full(4, 4, np.float32)}
    found = read(net(*nodes[: 1 + is_folded], constants=constants, shape=(1, 3, 4, 4)))
    assert found.problems == []
    assert found.facts == [("a", problem)]
    weight = found.weights()["a"].weight
    assert weight is not None
    assert weight == pytest.approx(constants["w"] * (2 if is_folded else 1))


def test_a_bias_may_be_a_float() -> None:
    content = net(
        node("Constant", [], ["bias"], value_float=0.5),
        node("Gemm", ["data", "w", "bias"], ["y"], name="a"),
        constants={"w": MATRIX},
        shape=(1, 6),
    )
    found = read(content)
    assert found.facts == found.problems == []
    assert found.weights()["a"].bias == np.float32(0.5)


LARGE_AXIS = 2**62


@pytest.mark.parametrize(
    ("kind", "shape", "attributes"),
    [
        ("Conv", (LARGE_AXIS, 0, 1, 1), {}),
        ("Conv", (0, LARGE_AXIS, LARGE_AXIS, 1), {}),
        ("ConvTranspose", (0, 1, 1, 1), {"group": LARGE_AXIS}),
        ("MatMul", (0, LARGE_AXIS), {}),
        ("MatMul", (LARGE_AXIS, LARGE_AXIS, 0), {}),
        ("Gemm", (LARGE_AXIS, 0), {"transB": 1}),
    ],
)
def test_a_weight_that_no_array_can_have_does_not_fit(
    kind: str, shape: tuple[int, ...], attributes: dict[str, Any]
) -> None:
    layer = node(kind, ["data", "w"], ["y"], name="a", **attributes)
    found = read(model(layer, initializers=[floats(*shape)], inputs=[value("data", 1, 3, 8, 8)]))
    assert found.problems == [("a", f"it has a weight of {'x'.join(map(str, shape))} that does not fit")]


@pytest.mark.parametrize("is_made", [False, True])
def test_a_layer_that_reads_a_constant_has_weights(is_made: bool) -> None:
    data, weight = random(1, 1, 3, 4, 4), random(0, 4, 3, 1, 1)
    nodes = [
        node("Conv", ["constant", "w"], ["x"], name="a"),
        node("Add", ["x", "data"], ["y"], name="add"),
    ]
    if is_made:
        nodes.insert(0, node("Constant", [], ["constant"], value=tensor("", data)))
    constants = {"w": weight} if is_made else {"w": weight, "constant": data}
    found = read(net(*nodes, constants=constants, shape=(1, 4, 4, 4))).weights()["a"].weight
    assert found is not None
    assert (found == weight).all()


def test_the_size_of_a_shape_may_have_more_digits_than_python_converts() -> None:
    """Then the layer is named, and others are still read."""
    huge = TensorProto(name="huge", dims=[2**62] * 300, data_type=TensorProto.FLOAT, raw_data=bytes(4))
    nodes = [
        node("Conv", ["data", "w", "huge"], ["y"], name="a"),
        node("Conv", ["data", "w"], ["z"], name="b"),
        node("BatchNormalization", ["z", "huge", "huge", "huge", "huge"], ["t"], name="bn"),
        node("Conv", ["data", "w"], ["u"], name="c"),
    ]
    content = model(
        *nodes, initializers=[tensor("w", random(0, 4, 3, 1, 1)), huge], inputs=[value("data", 1, 3, 4, 4)]
    )
    found = read(content)
    problem = "cannot be used: its shape needs more than 10^30 values, but the model has 1"
    assert found.problems == [("b", f"{FOLDED} {problem}")]
    assert found.facts == [("a", f"its bias {problem}")]
    assert found.weights().keys() == {"a", "c"}


# --- external data


def external(tmp_path: Path, size: int = 96, shape: Sequence[int] = (6, 4), **entries: object) -> Path:
    """Write a model whose weight is in weights.bin, and return its path."""
    folder = tmp_path / "model"
    folder.mkdir()
    if size:
        (folder / "weights.bin").write_bytes(random(7, 6, 4).tobytes()[:size].ljust(size, b"\0"))
    stored = floats(*shape, data_location=TensorProto.EXTERNAL)
    for name, entry in ({"location": "weights.bin"} | entries).items():
        stored.external_data.add(key=name, value=str(entry))
    path = folder / "net.onnx"
    path.write_bytes(model_with(stored).SerializeToString())
    return path


def reported(path: Path) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    network = load_model(path, None, found.append)
    assert network
    assert found == []
    assert COMPUTATION.read(network, None, found.append) is None
    return found


def test_external_data_is_read_beside_the_model(tmp_path: Path) -> None:
    found = net_of(external(tmp_path)).weights()["a"].weight
    assert found is not None
    assert (found == random(7, 6, 4).T).all()


def test_external_data_has_an_offset(tmp_path: Path) -> None:
    path = external(tmp_path, 8, offset=2**31 + 4, length=96)
    # A file of more than 2 GB that takes no space.
    with (path.parent / "weights.bin").open("r+b") as file:
        file.seek(2**31 + 4)
        file.write(random(8, 6, 4).tobytes())
    found = net_of(path).weights()["a"].weight
    assert found is not None
    assert (found == random(8, 6, 4).T).all()


BAD_EXTERNAL: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({"size": 0}, 'cannot read "weights.bin": no such file or directory'),
    "too short": ({"size": 90}, '"weights.bin" has 90 bytes, but bytes 0 to 96 are needed'),
    "offset": ({"offset": 8}, '"weights.bin" has 96 bytes, but bytes 8 to 104 are needed'),
    "huge offset": (
        {"offset": 2**62},
        f'"weights.bin" has 96 bytes, but bytes {2**62} to {2**62 + 96} are needed',
    ),
    "length": ({"length": 92}, "its length is 92, but its shape needs 96 bytes"),
    "huge length": ({"length": 2**62}, f"its length is {2**62}, but its shape needs 96 bytes"),
    "negative": ({"offset": "-4"}, 'its offset is "-4", which is negative'),
    "hexadecimal": ({"offset": "0x10"}, 'its offset is "0x10", which is not a number'),
    "many digits": ({"length": "9" * 5000}, f'its length is "{"9" * 5000}", which is too large'),
    "many digits of an offset": ({"offset": 10**30}, f'its offset is "{10**30}", which is too large'),
    "huge sizes": (
        {"shape": [2**62] * 2},
        '"weights.bin" has 96 bytes, but more than 10^30 bytes are needed',
    ),
    "huge sizes and a length": (
        {"shape": [2**62] * 2, "length": 96},
        "its length is 96, but its shape needs more than 10^30 bytes",
    ),
    "no location": ({"location": ""}, "it has no location"),
    "outside": ({"location": "../weights.bin"}, '"../weights.bin" is outside of the directory of the model'),
    "absolute": ({"location": "/dev/null"}, '"/dev/null" is outside of the directory of the model'),
    "directory": ({"location": "."}, 'cannot read ".": not a regular file'),
    "no name": ({"location": "a\0b"}, 'cannot read "a\0b": embedded null byte'),
}


@pytest.mark.parametrize(("changes", "why"), BAD_EXTERNAL.values(), ids=BAD_EXTERNAL)
def test_bad_external_data_is_reported(changes: dict[str, Any], why: str, tmp_path: Path) -> None:
    path = external(tmp_path, **changes)
    (tmp_path / "weights.bin").write_bytes(bytes(96))
    (found,) = reported(path)
    assert found.code == "QC340"
    expected = f'external data of "w" cannot be used: {why}'
    assert expected.startswith(found.message.removesuffix("..."))
    assert found.span
    assert found.span.text == 'node 0, MatMul "a"'


def test_a_link_to_the_outside_is_outside(tmp_path: Path) -> None:
    path = external(tmp_path, size=0)
    (tmp_path / "secret").write_bytes(bytes(96))
    (path.parent / "weights.bin").symlink_to(tmp_path / "secret")
    assert "is outside of the directory" in reported(path)[0].message


def test_a_reason_is_reported_once(tmp_path: Path) -> None:
    path = external(tmp_path, size=0)
    content = onnx.load(path, load_external_data=False)
    content.graph.initializer.append(TensorProto.FromString(content.graph.initializer[0].SerializeToString()))
    content.graph.initializer[1].name = "v"
    content.graph.node.append(node("MatMul", ["data", "v"], ["z"], name="b"))
    path.write_bytes(content.SerializeToString())
    assert len(reported(path)) == 1


def test_only_the_advice_opens_external_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = external(tmp_path, size=0)
    assert main(["compile", "--model", str(path), "-o", str(tmp_path / "config.json")]) == 0
    assert main(["layers", "--model", str(path)]) == 0
    assert main(["advise", "--model", str(path)]) == 1
    assert 'error[QC340]: external data of "w" cannot be used' in capsys.readouterr().err


def test_a_model_that_changes_is_reported(tmp_path: Path) -> None:
    path = external(tmp_path)
    network = load_model(path, None, lambda _: None)
    assert network
    for content in (b"", b"\xff\xff", model(node("Relu", ["data"], ["y"])).SerializeToString()):
        found: list[Diagnostic] = []
        path.write_bytes(content)
        assert COMPUTATION.read(network, None, found.append) is None
        assert [each.code for each in found] == ["QC101"]
    path.unlink()
    assert COMPUTATION.read(network, None, found.append) is None


# --- signs


def _inputs(content: ModelProto, seed: int) -> dict[str, Values]:
    return {
        each.name: random(seed, *(size.dim_value for size in each.type.tensor_type.shape.dim))
        for each in content.graph.input
    }


def sign_of(content: ModelProto, tmp_path: Path) -> NeverNegative:
    path = tmp_path / "net.onnx"
    path.write_bytes(content.SerializeToString())
    network = load_model(path, None, lambda _: None)
    assert network
    return read_operations(network, {}).all[-1].never_negative


@pytest.mark.parametrize("name", CASES)
def test_an_output_that_is_never_negative_is_not(name: str, tmp_path: Path) -> None:
    content = ModelProto.FromString(CASES[name].SerializeToString())
    sign = sign_of(content, tmp_path)
    if sign is NeverNegative.UNKNOWN or any(
        each.type.tensor_type.elem_type != TensorProto.FLOAT for each in content.graph.input
    ):
        return
    del content.graph.output[:]
    content.graph.output.extend(
        helper.make_tensor_value_info(each, TensorProto.FLOAT, None) for each in content.graph.node[0].output
    )
    for seed in range(3):
        inputs = _inputs(content, seed)
        if sign is not NeverNegative.ALWAYS:
            inputs = {name: np.abs(each) for name, each in inputs.items()}
        try:
            outputs: Any = ReferenceEvaluator(content).run(None, inputs)
        except Exception:
            pytest.skip("the onnx package cannot run it")
        assert all((each >= 0).all() or not np.isfinite(each).all() for each in outputs)


def number(name: str, *values: float) -> TensorProto:
    return tensor(name, np.array(values, np.float32).reshape(() if len(values) == 1 else (-1,)))


def cropped(**attributes: Any) -> NodeProto:
    made = {"mode": "linear", "coordinate_transformation_mode": "tf_crop_and_resize", **attributes}
    return node("Resize", ["data", "roi"], ["y"], **made)


LOW, HIGH, NEGATIVE = number("low", 0), number("high", 6), number("negative", -1)


KEEPING = ("Clip", "Expand", "Gather", "PRelu", "Pad", "ReduceSum", "Reshape", "Resize", "Slice", "Tile")


@pytest.mark.parametrize("kind", [*KEEPING, "Squeeze", "Split", "Unsqueeze"])
@pytest.mark.parametrize("low", [-1, 0])
@pytest.mark.parametrize("is_made", [False, True])
def test_a_constant_first_input_has_a_sign(kind: str, low: int, is_made: bool, tmp_path: Path) -> None:
    """The sign of a shape or an index is not that of the output."""
    made = node(kind, ["first", "other"] if kind != "Clip" else ["first", "low"], ["y"])
    first = number("first", low, 2)
    nodes = [node("Constant", [], ["first"], value=first), made] if is_made else [made]
    content = model(*nodes, initializers=[number("low", -3), *([] if is_made else [first])])
    wanted = NeverNegative.UNKNOWN if low < 0 else NeverNegative.ALWAYS
    assert sign_of(content, tmp_path) is wanted


@pytest.mark.parametrize(
    ("made", "constants", "sign"),
    [
        (node("Relu", ["data"], ["y"]), [], NeverNegative.ALWAYS),
        (node("Sigmoid", ["data"], ["y"]), [], NeverNegative.ALWAYS),
        (node("Relu", ["data"], ["y"], domain="x"), [], NeverNegative.UNKNOWN),
        (node("Clip", ["data", "low", "high"], ["y"]), [LOW, HIGH], NeverNegative.ALWAYS),
        (node("Clip", ["data"], ["y"], min=0.0, max=6.0), [], NeverNegative.ALWAYS),
        (node("Clip", ["data", "", "high"], ["y"]), [HIGH], NeverNegative.IF_FIRST_INPUT),
        (node("Clip", ["data", "low", "negative"], ["y"]), [LOW, NEGATIVE], NeverNegative.UNKNOWN),
        (node("Clip", ["data", "other"], ["y"]), [], NeverNegative.UNKNOWN),
        (node("Add", ["data", "high"], ["y"]), [HIGH], NeverNegative.IF_ALL_INPUTS),
        (node("Add", ["data", "negative"], ["y"]), [NEGATIVE], NeverNegative.UNKNOWN),
        (node("Add", ["data", "w"], ["y"]), [tensor("w", np.ones((1, 200)))], NeverNegative.UNKNOWN),
        (node("Max", ["data", "low"], ["y"]), [LOW], NeverNegative.ALWAYS),
        (node("Max", ["data", "negative"], ["y"]), [NEGATIVE], NeverNegative.IF_ANY_INPUT),
        (node("Pad", ["data", "", "negative"], ["y"]), [NEGATIVE], NeverNegative.UNKNOWN),
        (node("Pad", ["data", "", "negative"], ["y"], mode="edge"), [NEGATIVE], NeverNegative.IF_FIRST_INPUT),
        (node("Resize", ["data"], ["y"], mode="cubic"), [], NeverNegative.UNKNOWN),
        (node("Resize", ["data"], ["y"], mode="linear"), [], NeverNegative.IF_FIRST_INPUT),
        (cropped(extrapolation_value=-5.0), [], NeverNegative.UNKNOWN),
        (cropped(extrapolation_value=5.0), [], NeverNegative.IF_FIRST_INPUT),
        (cropped(), [], NeverNegative.IF_FIRST_INPUT),
        (node("LRN", ["data"], ["y"], size=3), [], NeverNegative.IF_FIRST_INPUT),
        (node("LRN", ["data"], ["y"], size=3, bias=0.0), [], NeverNegative.UNKNOWN),
        (node("LRN", ["data"], ["y"], size=3, bias=-1.0), [], NeverNegative.UNKNOWN),
        (node("LRN", ["data"], ["y"], size=3, alpha=-1.0), [], NeverNegative.UNKNOWN),
        (node("LRN", ["data"], ["y"], size=3, bias="a"), [], NeverNegative.UNKNOWN),
        (node("Gather", ["data", "other"], ["y"]), [], NeverNegative.IF_FIRST_INPUT),
        (node("Gather", ["", "other"], ["y"]), [], NeverNegative.UNKNOWN),
        (node("Sub", ["data", "low"], ["y"]), [LOW], NeverNegative.UNKNOWN),
    ],
)
def test_the_sign_of_a_node(
    made: NodeProto, constants: list[TensorProto], sign: NeverNegative, tmp_path: Path
) -> None:
    content = model(made, initializers=constants, inputs=[value("data", 1, 200), value("other", 1)])
    assert sign_of(content, tmp_path) is sign


# --- large models

LARGE = 2**31


def test_a_weight_behind_two_gigabytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    content = model_with(tensor("w", random(9, 6, 4)))
    graph = content.graph.SerializeToString()
    content.ClearField("graph")
    table = TensorProto(name="table", dims=(LARGE // 4,), data_type=TensorProto.FLOAT).SerializeToString()
    table += key(9, LENGTH) + varint(LARGE)
    field = key(5, LENGTH) + varint(len(table) + LARGE) + table
    start = content.SerializeToString() + key(7, LENGTH) + varint(len(field) + LARGE + len(graph)) + field
    with path.open("wb") as file:
        file.write(start)
        file.seek(LARGE, os.SEEK_CUR)
        file.write(graph)
    found = net_of(path).weights()["a"].weight
    assert found is not None
    assert (found == random(9, 6, 4).T).all()
