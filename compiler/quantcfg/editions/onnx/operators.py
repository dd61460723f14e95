"""What is known of the operators of ONNX, from a file that only shapes, costs and advice read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from quantcfg import contracts


def operators() -> Mapping[str, Mapping[str, Any]]:
    """Return the entries of the operators of ONNX, by type."""
    entries: dict[str, Mapping[str, Any]] = contracts.schema("onnx_operators.json")["operators"]
    return entries


def entry(node_type: str) -> Mapping[str, Any]:
    """Return what is known of a type; nothing for a type that is not an operator of ONNX."""
    return operators().get(node_type, {})


def output_rule(node_type: str) -> str:
    """Return the name of the rule for the output shapes of a type, empty if there is none."""
    rule: str = entry(node_type).get("output", "")
    return rule
