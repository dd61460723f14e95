"""Reading a model and naming nodes grow in proportion: twice the nodes, about twice the calls."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from onnx import ModelProto, NodeProto

from quantcfg.api import load_model, name_nodes
from tests.laws import TWICE, calls
from tests.onnx.models import batch_norm, conv, graph, model, node, tensor, value

pytestmark = pytest.mark.slow

FEW = 200


def branch(index: int) -> NodeProto:
    inner = graph(node("Relu", [f"c{index}_out"], ["r"]), initializers=[], inputs=[])
    return node("If", ["data"], [f"if{index}"], then_branch=inner)


def fused(index: int) -> list[NodeProto]:
    return [conv(f"c{index}"), batch_norm(f"b{index}", f"c{index}_out")]


MODELS: dict[str, Callable[[int], ModelProto]] = {
    "equal names": lambda count: model(*[conv("x", weight="data")] * count, *[conv("x")] * count),
    "no names": lambda count: model(*[conv("")] * count),
    "names in use": lambda count: model(
        *[conv(f"Conv_{i + count}") for i in range(count)], *[conv("")] * count
    ),
    "a weight of all": lambda count: model(*[conv(f"c{i}") for i in range(count)]),
    "weights of their own": lambda count: model(
        *[conv(f"c{i}", weight=f"w{i}") for i in range(count)],
        initializers=[tensor(f"w{i}", 8, 3, 3, 3) for i in range(count)],
    ),
    "fusion groups": lambda count: model(*[each for i in range(count) for each in fused(i)]),
    "subgraphs": lambda count: model(*[conv(f"c{i}") for i in range(count)], *map(branch, range(count))),
    "outputs": lambda count: model(
        *[conv(f"c{i}") for i in range(count)], outputs=[value(f"c{i}_out", 1) for i in range(count)]
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_work_grows_in_step_with_the_model(name: str, tmp_path: Path) -> None:
    def work(count: int) -> int:
        path = tmp_path / f"{count}.onnx"
        path.write_bytes(MODELS[name](count).SerializeToString())
        return calls(lambda: read_and_name(path))

    work(1)  # What is made once is made here.
    assert work(2 * FEW) < TWICE * work(FEW)


def read_and_name(path: Path) -> None:
    load_model(path, None, lambda _: None)
    made = name_nodes(path, "named.onnx", lambda _: None)
    assert made
    assert b"".join(made.content)
