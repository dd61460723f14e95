"""What is read of an ONNX file is what the onnx package reads, whatever its encoding."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any
from unittest.mock import patch

import onnx
import pytest
from hypothesis import strategies as st
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, SparseTensorProto, TensorProto, helper

from quantcfg import contracts, limits, wire
from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic
from quantcfg.editions.onnx.onnx_file import Constant, OnnxFile, read_onnx
from tests.laws import TWICE, calls, law
from tests.onnx.models import FLOAT, WEIGHTS, conv, graph, model, node, read, tensor, value
from tests.protos import descriptor_of
from tests.shared import MODELS_ONNX, files, needs_shared
from tests.wire import (
    GROUP_END,
    GROUP_START,
    HIGHEST_NUMBER,
    encoded,
    group_field,
    key,
    length_field,
    number_field,
    varint,
)

# Field numbers of ONNX.
GRAPH, NODE, ATTRIBUTE, SUBGRAPH = 7, 1, 5, 6
UNKNOWN = (99, 150, 2000, HIGHEST_NUMBER)

CHUNKS = (2**16, 0, 64)
"""How much of a file protobuf is given at once: all of a small message, nothing, or a part."""


def parse(content: bytes) -> OnnxFile:
    """Read a file with the fast and the slow path, which must agree."""
    made = []
    for chunk in CHUNKS:
        with patch.object(wire, "_CHUNK", chunk):
            made.append(read_onnx(content))
    assert all(each == made[0] for each in made)
    return made[0]


def facts_of(made: Constant) -> Constant:
    """Return a tensor as the oracle describes it: whether its data is external is a fact of the file."""
    return Constant(made.shape, made.element)


def facts(made: OnnxFile) -> dict[str, Any]:
    return {
        "name": made.name,
        "nodes": [(each.name, each.type, each.inputs, each.outputs) for each in made.nodes],
        "attributes": [each.attributes for each in made.nodes],
        "constants": [each.constant and facts_of(each.constant) for each in made.nodes],
        "has subgraphs": [each.has_subgraph for each in made.nodes],
        "initializers": {name: facts_of(each) for name, each in made.initializers.items()},
        "inputs": made.inputs,
        "outputs": made.outputs,
        "opset": made.opset,
        "functions": frozenset(made.functions),
        "external": made.has_external_data,
    }


# The oracle


def expected(content: ModelProto) -> dict[str, Any]:
    top = content.graph
    opsets = [each.version for each in content.opset_import if each.domain in ("", "ai.onnx")]
    dense = {each.name: Constant(tuple(each.dims), each.data_type) for each in top.initializer}
    sparse = {each.values.name: sparse_constant(each) for each in top.sparse_initializer}
    return {
        "name": top.name,
        "nodes": [
            (each.name, qualified(each.domain, each.op_type), tuple(each.input), tuple(each.output))
            for each in top.node
        ],
        "attributes": [dict(numbers(each)) for each in top.node],
        "constants": [constant(each) for each in top.node],
        "has subgraphs": [any(True for _ in subgraphs(each)) for each in top.node],
        "initializers": {**dense, **sparse},
        "inputs": frozenset(each.name for each in top.input),
        "outputs": frozenset(each.name for each in top.output),
        "opset": opsets[-1] if opsets else None,
        "functions": frozenset(qualified(each.domain, each.name) for each in content.functions),
        "external": any(each.data_location == TensorProto.EXTERNAL for each in tensors(content)),
    }


def qualified(domain: str, op_type: str) -> str:
    return op_type if domain in ("", "ai.onnx") else f"{domain}.{op_type}"


def numbers(made: NodeProto) -> Iterator[tuple[str, Any]]:
    for each in made.attribute:
        if each.type in (AttributeProto.INT, AttributeProto.FLOAT):
            yield each.name, helper.get_attribute_value(each)
        elif each.type == AttributeProto.INTS:
            yield each.name, tuple(each.ints)


def constant(made: NodeProto) -> Constant | None:
    if qualified(made.domain, made.op_type) != "Constant":
        return None
    for each in made.attribute:
        found = helper.get_attribute_value(each)
        if each.name == "value":
            return Constant(tuple(found.dims), found.data_type)
        if each.name == "sparse_value":
            return sparse_constant(found)
        element = TensorProto.INT64 if "int" in each.name else TensorProto.FLOAT
        if each.name in ("value_int", "value_float"):
            return Constant((), element)
        if each.name in ("value_ints", "value_floats"):
            return Constant((len(found),), element)
    return None


def sparse_constant(made: SparseTensorProto) -> Constant:
    return Constant(tuple(made.dims), made.values.data_type)


def subgraphs(made: NodeProto) -> Iterator[GraphProto]:
    for each in made.attribute:
        if each.HasField("g"):
            yield each.g
        yield from each.graphs


def tensors(message: Any) -> Iterator[TensorProto]:
    """Yield all tensors in a message, however deep."""
    if isinstance(message, TensorProto):
        yield message
    for field, found in message.ListFields():
        if field.message_type:
            for each in found if field.is_repeated else (found,):
                yield from tensors(each)


@pytest.mark.slow
@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_a_real_model_is_read_as_the_onnx_package_does(path: Path) -> None:
    content = path.read_bytes()
    assert facts(parse(content)) == expected(onnx.load_model_from_string(content))


NAMES = st.sampled_from(["", "a", "b", "w", "x/y:0", "\u5377", "c" * 200])
TYPES = st.sampled_from(["Conv", "Constant", "If", "", "Relu"])
DOMAINS = st.sampled_from(["", "", "ai.onnx", "com.example"])
SHAPES = st.lists(st.integers(0, 2**40), max_size=5)
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
ELEMENTS = st.sampled_from([FLOAT, TensorProto.FLOAT16, TensorProto.INT64])
TENSORS = st.builds(
    TensorProto,
    name=NAMES,
    dims=SHAPES,
    data_type=ELEMENTS,
    raw_data=st.binary(max_size=300),
    data_location=st.sampled_from([TensorProto.DEFAULT] * 4 + [TensorProto.EXTERNAL]),
)
SPARSE = st.builds(SparseTensorProto, values=TENSORS, indices=TENSORS, dims=SHAPES)
VALUES = st.builds(value, NAMES, st.integers(1, 9), element=ELEMENTS)
CONSTANT_NAMES = (
    "value",
    "sparse_value",
    *(f"value_{each}" for each in ("int", "ints", "float", "floats", "string")),
)


@st.composite
def attributes(draw: st.DrawFn, graphs: st.SearchStrategy[GraphProto]) -> AttributeProto:
    name = draw(st.sampled_from(["dilations", "alpha", *CONSTANT_NAMES]))
    special = {
        "value": TENSORS,
        "sparse_value": SPARSE,
        "value_int": INTEGERS,
        "value_ints": st.lists(INTEGERS, min_size=1, max_size=4),
        "value_float": FLOATS,
        "value_floats": st.lists(FLOATS, min_size=1, max_size=4),
        "value_string": st.text("ab", max_size=3),
    }
    any_value = st.one_of(INTEGERS, FLOATS, st.lists(INTEGERS, min_size=1), TENSORS, graphs)
    return helper.make_attribute(name, draw(special.get(name, any_value)))


def nodes(graphs: st.SearchStrategy[GraphProto]) -> st.SearchStrategy[NodeProto]:
    return st.builds(
        NodeProto,
        name=NAMES,
        op_type=TYPES,
        domain=DOMAINS,
        input=st.lists(NAMES, max_size=3),
        output=st.lists(NAMES, max_size=3),
        attribute=st.lists(attributes(graphs), max_size=3),
        doc_string=st.text(max_size=20),
    )


def graphs_of(inner: st.SearchStrategy[GraphProto]) -> st.SearchStrategy[GraphProto]:
    return st.builds(
        GraphProto,
        name=NAMES,
        node=st.lists(nodes(inner), max_size=4),
        initializer=st.lists(TENSORS, max_size=3),
        sparse_initializer=st.lists(SPARSE, max_size=2),
        input=st.lists(VALUES, max_size=2),
        output=st.lists(VALUES, max_size=2),
        value_info=st.lists(VALUES, max_size=2),
    )


GRAPHS = graphs_of(graphs_of(graphs_of(st.just(GraphProto()))))
MODELS = st.builds(
    ModelProto,
    ir_version=st.integers(1, 12),
    producer_name=st.text(max_size=9),
    graph=GRAPHS,
    opset_import=st.lists(st.builds(helper.make_opsetid, DOMAINS, st.integers(1, 30)), max_size=3),
    functions=st.lists(
        st.builds(onnx.FunctionProto, name=NAMES, domain=DOMAINS, node=st.lists(nodes(GRAPHS), max_size=2)),
        max_size=2,
    ),
)


def same_facts(content: ModelProto, random: Random) -> None:
    assert facts(parse(content.SerializeToString())) == expected(content)
    assert facts(parse(encoded(content, random, UNKNOWN))) == expected(content)


test_a_generated_model_is_read_as_the_onnx_package_does = law(MODELS, st.randoms(), examples=50)(same_facts)


def test_the_fields_that_are_read_have_the_numbers_and_types_of_onnx() -> None:
    types = contracts.descriptors("onnx")
    for name in types.table:
        if name == "onnx.Skipped":
            continue
        whole = descriptor_of(attrgetter(name.removeprefix("onnx."))(onnx)).fields
        for field in types[name].fields.values():
            assert field.number == whole[field.name].number, field.full_name
            assert field.is_repeated == whole[field.name].is_repeated, field.full_name
            assert wire._wire(field) == wire._wire(whole[field.name]), field.full_name


@pytest.mark.parametrize(
    ("message", "field", "whole"),
    [
        ("AttributeProto", "type", AttributeProto.AttributeType),
        ("TensorProto", "data_type", TensorProto.DataType),
        ("TensorProto", "data_location", TensorProto.DataLocation),
    ],
)
def test_the_enums_have_the_numbers_of_onnx(message: str, field: str, whole: Any) -> None:
    enum = contracts.descriptors("onnx")[f"onnx.{message}"].fields[field].enum
    assert enum
    known = {name: number for name, number in whole.items() if name in enum.numbers}
    assert known
    assert known == {name: number for name, number in enum.numbers.items() if name in whole.keys()}  # noqa: SIM118


# Encodings


def test_a_graph_in_two_pieces_is_one_graph() -> None:
    first, second = (model(conv(name), name="").SerializeToString() for name in ("a", "b"))
    assert [each.name for each in parse(first + second).nodes] == ["a", "b"]


def test_an_attribute_without_a_type_has_the_value_that_is_there() -> None:
    # As the first version of ONNX writes it.
    made = node("Gemm", ["data", "m"], ["out"])
    values: dict[str, Any] = {
        "alpha": {"f": 0.5},
        "transA": {"i": 1},
        "k": {"ints": [1, 2]},
        "s": {"s": b"x"},
    }
    made.attribute.extend(AttributeProto(name=name, **each) for name, each in values.items())
    (found,) = parse(model(made).SerializeToString()).nodes
    assert found.attributes == {"alpha": 0.5, "transA": 1, "k": (1, 2)}


def test_a_name_that_is_not_utf8_does_no_harm() -> None:
    made = length_field(3, b"\xff") + length_field(4, b"Relu")
    (found,) = parse(length_field(GRAPH, length_field(NODE, made))).nodes
    assert (found.name, found.is_misnamed) == ("", True)


def test_values_whose_names_are_not_utf8_are_different_values() -> None:
    made = model(conv(weight="w1"), conv("d", weight="w2"), initializers=[tensor("w1", 8, 3, 3, 3)])
    content = made.SerializeToString().replace(b"w1", b"w\xfe").replace(b"w2", b"w\xff")
    first, second = parse(content).nodes
    assert [name in parse(content).initializers for name in (first.inputs[1], second.inputs[1])] == [
        True,
        False,
    ]


def test_large_messages_are_read_like_small_ones() -> None:
    large = tensor("large", 2**20)
    large.raw_data = bytes(2**20)
    made = node("Constant", [], ["k"], name="constant", value=large)
    content = model(made, conv(), initializers=[*WEIGHTS, large]).SerializeToString()
    assert read_onnx(content) == parse(content)
    assert read_onnx(content).nodes[0].constant == Constant((2**20,), FLOAT)


# Damage and limits


def damaged(content: bytes) -> int:
    """Return the offset at which a file is malformed, by the error."""
    network, (error,) = read(content)
    assert network is None
    assert error.code == "QC332", error
    return int(error.message.rpartition(" ")[2])


def test_an_error_has_its_offset() -> None:
    content = model(conv()).SerializeToString()
    start = content.index(b"conv") - 2
    wrong = content[:start] + b"\x1f" + content[start + 1 :]
    assert damaged(wrong) == start


def in_attribute(content: bytes) -> bytes:
    return length_field(GRAPH, length_field(NODE, length_field(ATTRIBUTE, content)))


@pytest.mark.parametrize(
    "content",
    [
        number_field(1, 8) + key(GRAPH, 6),
        number_field(1, 8) + key(0, 0),
        number_field(1, 8) + b"\x80" * 11,
        number_field(1, 8) + key(GRAPH, 2) + varint(2**40),
        number_field(1, 8) + key(3, GROUP_END),
        number_field(1, 8) + key(3, GROUP_START) + key(4, GROUP_END),
        number_field(1, 8) + in_attribute(b"\x0b"),
        number_field(1, 8) + in_attribute(length_field(8, b"\x80")),
        number_field(1, 8) + length_field(8, b"\x12\xff"),
    ],
)
def test_a_malformed_file_has_an_error_within_it(content: bytes) -> None:
    assert 0 <= damaged(content) <= len(content)


def nested(levels: int, padding: int = 0) -> bytes:
    """Return a model of If nodes inside one another."""
    inner = length_field(99, bytes(padding))
    for _ in range(levels):
        attribute = length_field(ATTRIBUTE, length_field(SUBGRAPH, inner))
        inner = length_field(NODE, length_field(4, b"If") + attribute)
    return number_field(1, 8) + length_field(GRAPH, inner)


@pytest.mark.parametrize("padding", [0, 2**17])
@pytest.mark.parametrize(("levels", "codes"), [(30, []), (40, ["QC110"]), (5_000, ["QC110"])])
def test_nesting_has_a_limit(levels: int, codes: list[str], padding: int) -> None:
    assert [each.code for each in read(nested(levels, padding))[1]] == codes


def test_unknown_groups_may_be_nested_deep() -> None:
    content = b""
    for _ in range(5_000):
        content = group_field(150, content)
    made = length_field(NODE, length_field(4, b"Relu") + content)
    assert [each.type for each in parse(number_field(1, 8) + length_field(GRAPH, made)).nodes] == ["Relu"]


@pytest.mark.slow
@pytest.mark.parametrize(("count", "codes"), [(limits.LAYERS, []), (limits.LAYERS + 1, ["QC315"])])
def test_the_number_of_nodes_has_a_limit(count: int, codes: list[str]) -> None:
    content = number_field(1, 8) + length_field(GRAPH, length_field(NODE, length_field(4, b"Relu")) * count)
    assert [each.code for each in read(content)[1]] == codes


def test_a_file_that_is_missing_is_an_error() -> None:
    found: list[Diagnostic] = []
    assert load_model("nowhere.onnx", None, found.append) is None
    assert [each.code for each in found] == ["QC101"]


# Size


LARGE = 2 * 2**30 + 12_345

_MEASURE = """
import resource, sys
from quantcfg.api import load_model
load_model(sys.argv[1], None, print)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
network = load_model(sys.argv[2], None, print)
assert len(network.quantizable) == 1
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def write_large(path: Path) -> None:
    """Write a model with a weight of 2 GB, as a sparse file."""
    head = model(conv(), initializers=[]).SerializeToString()
    dims = tensor("w", 8, 3, 3, 3).SerializeToString()
    content = dims + key(9, 2) + varint(LARGE)
    weight = key(5, 2) + varint(len(content) + LARGE) + content
    start = head + key(GRAPH, 2) + varint(len(weight) + LARGE) + weight
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + LARGE)


@pytest.mark.slow
def test_a_model_of_two_gigabytes_takes_no_more_work_and_memory_than_a_small_one(tmp_path: Path) -> None:
    small, large = tmp_path / "small.onnx", tmp_path / "large.onnx"
    small.write_bytes(model(conv()).SerializeToString())
    write_large(large)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, small, large], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 16 * 2**10  # In kilobytes.

    def work(path: Path) -> int:
        return calls(lambda: load_model(path, None, lambda _: None))

    work(small)
    assert work(large) < TWICE * work(small)


def test_external_data_is_not_opened() -> None:
    external = tensor("w", 8, 3, 3, 3)
    external.data_location = TensorProto.EXTERNAL
    external.external_data.add(key="location", value="/dev/null/nowhere")
    made, found = read(model(conv(), initializers=[external]))
    assert made
    assert [layer.weight_shape for layer in made.layers] == [(8, 3, 3, 3)]
    assert found == []


@pytest.mark.parametrize("part", ["values", "indices"])
def test_external_data_may_be_that_of_a_sparse_tensor_in_a_subgraph(part: str) -> None:
    sparse = SparseTensorProto()
    getattr(sparse, part).data_location = TensorProto.EXTERNAL
    branch = graph(conv(), initializers=[], sparse_initializer=[sparse])
    made = model(node("If", ["data"], ["out"], then_branch=branch))
    assert parse(made.SerializeToString()).has_external_data
