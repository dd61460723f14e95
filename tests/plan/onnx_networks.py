"""Generated ONNX networks.

What AMCT supports for a node is repeated here, beside the node, so that
neither the compiler nor the oracle answers for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto, helper

from quantcfg import Network
from tests.onnx import models
from tests.oracle.amct import OracleLayer

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn


@dataclass(frozen=True)
class Kind:
    """A node without its name: its type, its attributes, and what AMCT can do with it.

    That is by sections 4.2, 4.5, 6.1 and 6.5 of the reference for ONNX. `inputs` are
    those after the first one: "data" is variable, a number the rank of an
    initializer. `source` says what makes the weight, if it is not an initializer,
    and `on_the_left` that the first input is a constant.
    """

    type: str
    can: str = ""
    inputs: tuple[str | int, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    source: str = "Initializer"
    on_the_left: bool = False


# What AMCT can do with a node.
ALL = "quantize asymmetric non-uniform balancer"
UNIFORM = "quantize asymmetric balancer"
SYMMETRIC = "quantize balancer"
PLAIN = "quantize asymmetric"

_KINDS = (
    Kind("Conv", ALL, (4,)),
    Kind("Conv", ALL, (4, 1), {"kernel_shape": [3, 3], "dilations": [1, 1], "group": 1}),
    Kind("Conv", ALL, (4,), source="Constant"),
    Kind("Conv", ALL, (4,), source="Initializer and input"),
    Kind("Conv", UNIFORM, (4,), {"group": 4}),
    Kind("Conv", UNIFORM, (4,), {"dilations": [2, 1]}),
    Kind("Conv", SYMMETRIC, (5,)),
    Kind("Conv", "", (3,)),
    Kind("Conv", "", ("data",)),
    Kind("Conv", "", (4,), source="Identity"),
    Kind("Conv", "", (4,), source="ConstantOfShape"),
    Kind("ConvTranspose", UNIFORM, (4,)),
    Kind("ConvTranspose", UNIFORM, (4,), {"dilations": [2, 2], "group": 2}),
    Kind("ConvTranspose", "", (3,)),
    Kind("ConvTranspose", "", (5,)),
    Kind("ConvTranspose", "", ("data",)),
    Kind("Gemm", ALL, (2,)),
    Kind("Gemm", ALL, (2, 1), {"transB": 1, "alpha": 1.0, "beta": 1.0, "transA": 0}),
    Kind("Gemm", ALL, (2,), source="Constant"),
    Kind("Gemm", "", (2,), {"transA": 1}),
    Kind("Gemm", "", (2,), {"alpha": 0.5}),
    Kind("Gemm", "", (2, 1), {"beta": 0.0}),
    Kind("Gemm", "", ("data",)),
    Kind("MatMul", UNIFORM, (2,)),
    Kind("MatMul", PLAIN, (3,)),
    Kind("MatMul", "", (1,)),
    Kind("MatMul", "", (4,)),
    Kind("MatMul", "quantize", ("data",)),
    Kind("MatMul", "quantize", (2,), source="Transpose"),
    Kind("MatMul", "quantize", ("data",), on_the_left=True),
    Kind("AveragePool", PLAIN, (), {"kernel_shape": [2, 2]}),
    Kind("AveragePool", "", (), {"kernel_shape": [2]}),
    Kind("AveragePool", "", (), {"kernel_shape": [2, 2, 2]}),
    Kind("GlobalAveragePool"),
    Kind("MaxPool", "", (), {"kernel_shape": [2, 2]}),
    Kind("Add", "", ("data",)),
    Kind("Add", "", (1,)),
    Kind("Add", "", ("data",), on_the_left=True),
    Kind("BatchNormalization", "", (1, 1, 1, 1)),
    Kind("BatchNormalization", "", (1, 1, 1, 1), {"training_mode": 1}),
    Kind("Relu"),
)

_USUAL_KINDS = (
    *(kind for kind in _KINDS if kind.can),
    *(kind for kind in _KINDS * 2 if kind.type in ("MaxPool", "Add")),
)
_SHARED = (False,) * 8 + (True,)
_NAMES = (
    *("conv1", "conv10", "conv2", "Conv1", "Conv_104", "p2o.Conv.31", "resnet_model/conv2d/Conv2D"),
    *("/model/layers.0/self_attn/MatMul", "fc", "pool5", "_", "0"),
    *(
        "a name",
        'a "quoted" name',
        "back\\slash",
        "tab\t",
        "größe",
        "第一层",
        "\U0001f600",
        "\u2028",
        "e\u0301",
    ),
)
_RESERVED_NAMES = ("version", "batch_num", "tensor_quantize", "fakequant_precision_mode")


@dataclass(frozen=True)
class OnnxNetwork:
    """A model, and its named nodes as the oracle knows them."""

    nodes: tuple[_Node, ...]
    layers: tuple[OracleLayer, ...]

    def read(self) -> Network:
        network, found = models.read(_model(self.nodes))
        assert network is not None, found
        return network

    def write(self, file: Path) -> None:
        file.write_bytes(_model(self.nodes).SerializeToString())


@dataclass(frozen=True)
class _Node:
    kind: Kind
    name: str
    shared: bool

    @property
    def weight(self) -> str | None:
        """The name of the constant that is its weight, if it has one."""
        rank = next(iter(self.kind.inputs), None)
        if not isinstance(rank, int):
            return None
        is_shared = self.shared and self.kind.source == "Initializer" and "quantize" in self.kind.can
        return f"shared{rank}" if is_shared else f"{self.name} weight"


@st.composite
def onnx_networks(draw: DrawFn) -> OnnxNetwork:
    """A chain of nodes; some share a weight, some have no name."""
    names = st.sampled_from(_NAMES * 10 + _RESERVED_NAMES)
    nodes = [
        _Node(
            draw(st.sampled_from(_USUAL_KINDS) | st.sampled_from(_KINDS)),
            name,
            draw(st.sampled_from(_SHARED)),
        )
        for name in draw(st.lists(names, min_size=2, max_size=8, unique=True))
    ]
    nameless = [_Node(Kind("Relu"), "", shared=False)] * draw(st.sampled_from([0, 0, 1, 2]))
    return _network(nodes, nameless)


def network_of(kinds: Mapping[str, Kind]) -> OnnxNetwork:
    """Return a chain of nodes, by their names."""
    return _network([_Node(kind, name, shared=False) for name, kind in kinds.items()])


def _network(nodes: Sequence[_Node], nameless: Sequence[_Node] = ()) -> OnnxNetwork:
    return OnnxNetwork((*nodes, *nameless), tuple(_known(node, nodes) for node in nodes))


def _known(node: _Node, nodes: Sequence[_Node]) -> OracleLayer:
    can = node.kind.can.split()
    is_shared = any(other.weight == node.weight for other in nodes if other is not node and node.weight)
    return OracleLayer(
        node.name,
        node.kind.type,
        supported="quantize" in can,
        non_uniform="non-uniform" in can,
        asymmetric="asymmetric" in can or "quantize" not in can,
        balancer="balancer" in can and not is_shared,
        inputs=(not node.kind.on_the_left, *(each == "data" for each in node.kind.inputs)),
    )


# --- models


def _model(nodes: Sequence[_Node]) -> ModelProto:
    """Return a model; every node reads the node before it, and what is variable besides is the input."""
    initializers = {"constant": models.tensor("constant", 1, 1)}
    made: list[NodeProto] = []
    inputs = [models.value("data")]
    top = "data"
    for index, node in enumerate(nodes):
        first = "constant" if node.kind.on_the_left else top
        names = [first, *_inputs(node, initializers, made, inputs)]
        top = f"top{index}"
        made.append(helper.make_node(node.kind.type, names, [top], node.name, **node.kind.attributes))
    return models.model(*made, inputs=inputs, initializers=initializers.values())


def _inputs(
    node: _Node, initializers: dict[str, TensorProto], made: list[NodeProto], inputs: list[ValueInfoProto]
) -> Iterator[str]:
    """Yield the names of the inputs after the first one, and make what they need."""
    for position, rank in enumerate(node.kind.inputs):
        if not isinstance(rank, int):
            yield rank
            continue
        name = (node.weight or "") if position == 0 else f"{node.name} {position}"
        source = node.kind.source if position == 0 else "Initializer"
        if source == "Constant":
            made.append(helper.make_node("Constant", [], [name], value=models.tensor("", *[1] * rank)))
        elif source in ("ConstantOfShape", "Identity", "Transpose"):
            initializers[f"{name} before"] = models.tensor(f"{name} before", *[1] * rank)
            made.append(helper.make_node(source, [f"{name} before"], [name]))
        else:
            initializers[name] = models.tensor(name, *[1] * rank)
            if source == "Initializer and input":
                inputs.append(models.value(name, *[1] * rank))
        yield name
