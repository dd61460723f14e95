"""Unique names for the nodes of a graph (reference 5, U7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from quantcfg.editions.onnx.onnx_file import Node


def new_names(nodes: Sequence[Node]) -> Mapping[int, str]:
    """Return the new names of unnamed nodes and of all but the first with the same name, by position.

    An unnamed node is named after its operator and position. If a name is in
    use, 1, 2, ... is appended.
    """
    used = {node.name for node in nodes}
    seen = {""}
    appended = Counter[str]()
    changed = {}
    for position, node in enumerate(nodes):
        if node.name not in seen:
            seen.add(node.name)
            continue
        name = new = node.name or f"{node.op_type}_{position}"
        while new in used:
            appended[name] += 1
            new = f"{name}{appended[name]}"
        used.add(new)
        changed[position] = new
    return changed
