"""Advice as a table and a list, within 100 columns where names allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from quantcfg.advice.report import Advice, Item, LayerReport
from quantcfg.contracts.config_schema import (
    CHANNEL_WISE,
    NON_UNIFORM,
    QUANT_ENABLE,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
)
from quantcfg.diagnostics.phrases import boolean, percentage, quoted
from quantcfg.diagnostics.terminal import aligned, printable, width, wrapped

_COLUMNS = 100
_NAME_COLUMNS = 20
_MOST_ITEMS = 10
_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_Key = Callable[[LayerReport, int], Any]

SIMULATED = ("output", "share")
"""The columns that need a simulation."""

_KEYS: dict[str, _Key] = {
    "layer": lambda layer, _: layer.name,
    "type": lambda layer, _: layer.operation.layer.type,
    "MACs": lambda layer, total: _part(layer.cost.macs, total),
    "mode": lambda layer, _: _mode(layer),
    "channel": lambda layer, _: layer.weights and layer.weights.channel_wise_db,
    "tensor": lambda layer, _: layer.weights and layer.weights.per_tensor_db,
    "gain": lambda layer, _: layer.weights and layer.weights.gain_db,
    "range": lambda layer, _: layer.weights and layer.weights.range_ratio,
    "output": lambda layer, _: layer.simulated and layer.simulated.output_db,
    "share": lambda layer, _: layer.simulated and layer.simulated.share_of_error,
}

COLUMNS = tuple(_KEYS)
"""The columns of the table."""


def render(report: Advice, sort: str | None = None) -> str:
    """Return the table of the quantizable layers, and the advice below it.

    The layers are in network order, or sorted by a column: numbers from the largest, and
    for output from the smallest, the layer that hurts most.
    """
    layers = [layer for layer in report.layers if layer.operation.layer.quantizable]
    total = sum(layer.cost.macs or 0 for layer in report.layers)
    if sort:
        layers.sort(key=lambda layer: _order(sort, _KEYS[sort](layer, total)))
    is_simulated = any(layer.simulated for layer in layers)
    names = [name for name in COLUMNS if is_simulated or name not in SIMULATED]
    rows = [[_cell(name, _KEYS[name](layer, total)) for name in names] for layer in layers]
    return "\n".join([*aligned([names, *rows]), "", *_advice(report.items)])


def _order(column: str, value: float | str | None) -> tuple[bool, float | str]:
    if isinstance(value, str) or value is None:
        return value is None, value or ""
    return False, value if column == "output" else -value


def _part(part: int | None, total: int) -> float | None:
    return part / total if part is not None and total else None


def _mode(layer: LayerReport) -> str:
    """Return how the weights are quantized, empty for a layer without weights."""
    if layer.settings is None:
        return "skip"
    parameters = layer.settings.get(WEIGHT_PARAMS)
    if parameters is None:
        return ""
    if parameters[WEIGHT_ALGORITHM] == NON_UNIFORM:
        return "nuq"
    return "channel" if parameters.get(CHANNEL_WISE) else "tensor"


def _cell(column: str, value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _shortened(value) if column == "layer" else value
    return percentage(value, 1) if column in ("MACs", "share") else f"{value:z.1f}"


def _shortened(name: str) -> str:
    """Return the end of a long name, which says more than its start."""
    shown = printable(name)
    if width(shown) <= _NAME_COLUMNS:
        return shown
    while width(shown) >= _NAME_COLUMNS:
        shown = shown[1:]
    return _ELLIPSIS + shown


def _advice(items: Sequence[Item]) -> Iterator[str]:
    if not items:
        yield "no changes advised"
    for item in items[: _MOST_ITEMS if len(items) <= _MOST_ITEMS else _MOST_ITEMS - 1]:
        yield from _lines(item)
    if len(items) > _MOST_ITEMS:
        yield f"{len(items) - _MOST_ITEMS + 1} more in the JSON format"


def _lines(item: Item) -> list[str]:
    line = printable(f"{item.kind}: {_change(item)} {quoted(item.layers)}: {item.reason}")
    return wrapped(line, _COLUMNS, following="  ")


def _change(item: Item) -> str:
    if item.field is None or item.value is None:
        return "see"
    if item.field == QUANT_ENABLE and not item.value:
        return "skip"
    return f"{item.field} {boolean(item.value)} for"


def notes(report: Advice) -> list[str]:
    """Return the notes as lines."""
    return [line for note in report.notes for line in wrapped(printable(note), _COLUMNS)]
