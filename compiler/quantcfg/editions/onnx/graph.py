"""The top-level graph of an ONNX model: which values are constants, and where the other values come from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cache, cached_property

from quantcfg.editions.onnx import ONNX
from quantcfg.editions.onnx.onnx_file import CONSTANT, Constant, Node, OnnxFile
from quantcfg.frozen import Caching, frozen_value
from quantcfg.network.network import Shape


@frozen_value
class Graph(Caching):
    """The top-level graph of a file."""

    file: OnnxFile

    @cached_property
    def constants(self) -> Mapping[str, Constant]:
        """The initializers, also those that are inputs as well, and the outputs of Constant nodes."""
        made = {
            output: node.constant
            for node in self.file.nodes
            if node.type == CONSTANT
            for output in node.outputs[:1]
        }
        return {**{name: each or Constant(None, 0) for name, each in made.items()}, **self.file.initializers}

    @cached_property
    def producers(self) -> Mapping[str, Node]:
        """The node that writes each value."""
        return {output: node for node in self.file.nodes for output in node.outputs if output}

    @cached_property
    def read_elsewhere(self) -> frozenset[str]:
        """The values that are outputs of the graph, or read inside subgraphs (U25)."""
        return self.file.outputs.union(*(node.outer_reads for node in self.file.nodes))

    @cached_property
    def _weight_readers(self) -> Mapping[str, int]:
        """How many nodes have each value as their weight."""
        return Counter(name for node in self.file.nodes if (name := weight_of(node)))

    @cached_property
    def weight_element(self) -> int | None:
        """The number of the element type of all weights, None if it is not the same for all."""
        found = {self.constants[name].element for name in self._weight_readers if name in self.constants}
        return found.pop() if len(found) == 1 else None

    def is_shared(self, weight: str) -> bool:
        """Return whether a weight is a constant used as weight by several nodes (U23)."""
        return weight in self.constants and self._weight_readers[weight] > 1

    def shape(self, value: str) -> Shape | None:
        """Return the shape of a constant, None if it is not known."""
        return self.constants[value].shape if value in self.constants else None

    def kind(self, value: str) -> str:
        """Return "constant", or the kind of value."""
        if value in self.constants:
            return "a constant without numbers" if self.constants[value].shape is None else "constant"
        if value in self.producers:
            return f"an output of {self.producers[value].type}"
        if value in self.file.inputs:
            return "a graph input"
        return "not defined" if value else "missing"


def weight_of(node: Node) -> str | None:
    """Return the value that is the weight of a node, "" if it is missing, None if its type has none."""
    index = _weight_inputs().get(node.type)
    return None if index is None else input_of(node, index)


@cache
def _weight_inputs() -> Mapping[str, int]:
    known = ONNX.layer_types.known.items()
    return {name: each["weight_input"] for name, each in known if "weight_input" in each}


def input_of(node: Node, index: int) -> str:
    """Return an input of a node, or "" if it is missing."""
    return node.inputs[index] if index < len(node.inputs) else ""
