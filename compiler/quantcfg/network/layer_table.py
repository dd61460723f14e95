"""A table of the layers of a network."""

from __future__ import annotations

from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.diagnostics.terminal import aligned
from quantcfg.network.network import Layer, Network

_HEADINGS = ("name", "type", "quantizable", "weight", "fused")
_NO_NAME = "(no name)"


def layer_table(network: Network) -> str:
    """Return a table with a line of headings, and a line for each layer."""
    rows = (_row(layer, network.edition.layer_types) for layer in network.layers)
    columns = zip(_HEADINGS, *rows, strict=True)
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
    is_symmetric = types.has("asymmetric") and types.obstacle("asymmetric", layer.type, layer.attributes)
    return "yes, always symmetric" if is_symmetric else "yes"
