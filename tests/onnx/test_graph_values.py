"""What is read of the values of a graph: declared sizes, and the numbers of small tensors only."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper, numpy_helper

from quantcfg.editions.onnx import graph_values
from quantcfg.editions.onnx.graph_values import read_graph_values
from quantcfg.editions.onnx.known_numbers import MOST_NUMBERS, Numbers
from tests.laws import law
from tests.onnx.models import FLOAT, graph, model, node
from tests.shared import MODELS_ONNX, files, needs_shared
from tests.wire import length_field

RELU = node("Relu", ["x"], ["y"])


def numbers_of(*tensors: TensorProto) -> dict[str, Numbers]:
    return dict(read_graph_values(model(RELU, initializers=tensors).SerializeToString()).numbers)


ARRAYS = st.builds(
    lambda values, kind: np.array(values, kind),
    st.lists(st.integers(-1000, 1000), max_size=8),
    st.sampled_from((np.int64, np.int32, np.float32)),
)


@law(ARRAYS, st.booleans())
def test_the_numbers_of_a_tensor_are_those_that_onnx_reads(array: Any, is_raw: bool) -> None:
    element = helper.np_dtype_to_tensor_dtype(array.dtype)
    data = array.tobytes() if is_raw else array
    found = numbers_of(helper.make_tensor("t", element, array.shape, data, raw=is_raw))
    assert found == {"t": Numbers(array.shape, tuple(array.tolist()))}


UNREAD = {
    "too many": numpy_helper.from_array(np.zeros(MOST_NUMBERS + 1, np.int64), "t"),
    "other element type": numpy_helper.from_array(np.zeros(2, np.float16), "t"),
    "data missing": TensorProto(name="t", dims=[2], data_type=FLOAT),
    "data too short": TensorProto(name="t", dims=[2], data_type=FLOAT, raw_data=bytes(4)),
    "negative size": TensorProto(name="t", dims=[-2], data_type=FLOAT, raw_data=bytes(8)),
    "not finite": helper.make_tensor("t", FLOAT, [1], [float("inf")]),
    "too many axes": TensorProto(name="t", dims=[1] * 65, data_type=FLOAT, raw_data=bytes(4)),
}


@pytest.mark.parametrize("name", UNREAD)
def test_other_tensors_have_no_numbers(name: str) -> None:
    assert numbers_of(UNREAD[name]) == {}


def test_the_data_of_large_tensors_is_not_parsed() -> None:
    large = numpy_helper.from_array(np.zeros(10_000, np.float32), "large")
    constant = node("Constant", [], ["c"], value=large)
    with patch.object(graph_values, "stored_numbers") as stored:
        read_graph_values(model(RELU, constant, initializers=[large]).SerializeToString())
    assert all(not call.args[0].raw_data for call in stored.call_args_list)


def test_sizes_are_those_of_inputs_outputs_and_other_values() -> None:
    x = helper.make_tensor_value_info("x", FLOAT, ["batch", 3])
    y, z = (
        helper.make_tensor_value_info(name, FLOAT, sizes) for name, sizes in (("y", [2, -1, 0]), ("z", []))
    )
    unknown = helper.make_empty_tensor_value_info("u")
    content = model(RELU, initializers=[], inputs=[x, unknown], outputs=[y], value_info=[z])
    found = read_graph_values(content.SerializeToString())
    assert found.inputs == ("x", "u")
    assert found.sizes == {"x": (None, 3), "y": (2, None, None), "z": ()}


def test_attributes_are_strings_lists_of_floats_and_tensors() -> None:
    tensor = numpy_helper.from_array(np.array([3], np.int64))
    made = node("Wonder", ["x"], ["y"], text="SAME", factors=[0.5], value=tensor, axis=1)
    (found,) = read_graph_values(model(made).SerializeToString()).attributes
    assert found == {"text": "SAME", "factors": (0.5,), "value": Numbers((1,), (3,))}


def test_what_is_invalid_is_missing() -> None:
    """A tensor whose name is fine and whose sizes are not a list of numbers: onnx.proto reads no data."""
    broken = length_field(5, length_field(8, b"t") + length_field(7, b"\x80"))
    content = ModelProto(ir_version=8, graph=graph(RELU)).SerializeToString() + length_field(7, broken)
    assert "t" not in read_graph_values(content).numbers


@needs_shared
@pytest.mark.parametrize("path", files(MODELS_ONNX, "*.onnx"), ids=lambda path: path.stem)
def test_the_small_tensors_of_a_real_model_are_those_that_onnx_reads(path: Path) -> None:
    tensors = {each.name: numpy_helper.to_array(each) for each in onnx.load(path).graph.initializer}
    small = {
        name: array
        for name, array in tensors.items()
        if array.dtype in (np.float32, np.int64) and array.size <= MOST_NUMBERS and np.isfinite(array).all()
    }
    found = read_graph_values(path.read_bytes()).numbers
    assert {name: each.values for name, each in found.items() if name in small} == {
        name: tuple(array.ravel().tolist()) for name, array in small.items()
    }
