"""The shapes and costs of layers as columns of a table, as JSON, and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from quantcfg.diagnostics.phrases import counted, percentage
from quantcfg.network.costs import Cost, Totals
from quantcfg.network.network import Layer, Shape
from quantcfg.network.operations import Operation, Unknown

_UNKNOWN = "?"
_PREFIXES = ("", "k", "M", "G", "T", "P")
_STEP = 1000
_MOST_CAUSES = 5


def cost_columns(operations: Sequence[Operation], costs: Sequence[Cost]) -> list[list[str]]:
    """Return the columns with the output shapes, parameters and MACs of layers, each with its heading."""
    return [
        ["shape", *(", ".join(map(_size, each.outputs)) for each in operations)],
        ["parameters", *(_count(cost.parameters) for cost in costs)],
        ["MACs", *(_count(cost.macs) for cost in costs)],
    ]


def _size(shape: Shape | None) -> str:
    return _UNKNOWN if shape is None else "x".join(map(str, shape)) or "scalar"


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else amount(number) if number else ""


def amount(number: int, unit: str = "") -> str:
    """Return a number with at most three digits, such as "25.6 M" or "102 MB"."""
    value, index = float(f"{number:.3g}"), 0
    while value >= _STEP and index < len(_PREFIXES) - 1:
        value, index = value / _STEP, index + 1
    return f"{value:.4g} {_PREFIXES[index]}{unit}".rstrip()


def totals_in_words(totals: Totals) -> str:
    """Return what the layers of a network cost, and how much of it can be quantized."""
    shares = [
        f"{percentage(part, whole)} of {what}"
        for part, whole, what in (
            (totals.quantizable_macs, totals.macs, "MACs"),
            (totals.quantizable_parameters, totals.parameters, "weights"),
        )
        if whole
    ]
    weights = "1 weight" if totals.parameters == 1 else f"{amount(totals.parameters)} weights"
    sizes = (
        f"{weights}, {amount(totals.float_bytes, 'B')} in float, "
        f"about {amount(totals.int8_bytes, 'B')} in int8"
    )
    missing = f"without {counted(totals.unknown, 'layer')} of unknown cost" if totals.unknown else ""
    return "; ".join(filter(None, (", ".join(shares), sizes if totals.parameters else "", missing)))


def unknown_shapes(operations: Sequence[Operation]) -> Iterator[str]:
    """Yield why shapes are unknown and what helps, at the first layer of each cause."""
    causes: list[tuple[str, Unknown]] = []
    helps: set[str | None] = set()
    for each in operations:
        # A layer with an unknown input has the help of the layer where this begins.
        if each.unknown and (each.unknown.help not in helps or None not in each.inputs):
            causes.append((_name(each.layer), each.unknown))
            helps.add(each.unknown.help)
    for name, unknown in causes[:_MOST_CAUSES]:
        help = f"; {unknown.help}" if unknown.help else ""
        yield f"the output shape of {name} is unknown: {unknown.reason}{help}"
    if len(causes) > _MOST_CAUSES:
        yield f"{counted(len(causes) - _MOST_CAUSES, 'more cause')} of unknown shapes"


def _name(layer: Layer) -> str:
    """Return the name of a layer in quotes; for one without a name, its location."""
    return layer.span.text if layer.span and not layer.name else f'"{layer.name}"'


def cost_entry(operation: Operation, cost: Cost) -> dict[str, Any]:
    """Return the shapes and the cost of a layer for JSON."""
    unknown = operation.unknown
    return {
        "output_shapes": operation.outputs,
        "parameters": cost.parameters,
        "macs": cost.macs,
        "float_bytes": cost.float_bytes,
        "int8_bytes": cost.int8_bytes,
        "unknown_shape": {"reason": unknown.reason, "help": unknown.help} if unknown else None,
    }


def totals_entry(totals: Totals) -> dict[str, int]:
    """Return the sums of a network for JSON."""
    return {name: getattr(totals, name) for name in Totals.__match_args__}
