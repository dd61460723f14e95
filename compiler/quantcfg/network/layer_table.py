"""A table of the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence

from quantcfg.contracts.layer_types import Feature, LayerTypes
from quantcfg.diagnostics.terminal import aligned
from quantcfg.network.network import Layer, Network

_HEADINGS = ("name", "type", "quantizable", "weight", "fused")
_NO_NAME = "(no name)"
_MORE_AT = 2


def layer_table(network: Network, more: Sequence[Sequence[str]] = ()) -> str:
    """Return a table with a line of headings, and a line for each layer.

    more are further columns, each with its heading. Empty columns are omitted.
    """
    rows = (_row(layer, network.edition.layer_types) for layer in network.layers)
    columns: list[Sequence[str]] = list(zip(_HEADINGS, *rows, strict=True))
    columns[_MORE_AT:_MORE_AT] = more
    shown = [column for column in columns if any(column[1:])]
    return "\n".join(aligned(zip(*shown, strict=True)))


def _row(layer: Layer, types: LayerTypes) -> tuple[str, ...]:
    return (
        layer.name or _NO_NAME,
        layer.type,
        _quantizable(layer, types),
        "" if layer.weight_shape is None else "x".join(map(str, layer.weight_shape)),
        f"no: {layer.fusion_obstacle}"
        if layer.fusion_obstacle
        else " + ".join(each or _NO_NAME for each in layer.fusion),
    )


def _quantizable(layer: Layer, types: LayerTypes) -> str:
    if layer.obstacle:
        return f"no: {layer.obstacle}"
    feature = Feature.ASYMMETRIC
    is_symmetric = types.has(feature) and types.obstacle(feature, layer.type, layer.attributes)
    return "yes, always symmetric" if is_symmetric else "yes"
