"""Advice as JSON, described by schemas/advice.schema.json."""

from __future__ import annotations

import json
from typing import Any

from quantcfg.advice.report import Advice, Item, LayerReport
from quantcfg.network.cost_table import totals_entry

_VERSION = 1


def render(report: Advice) -> str:
    """Return the JSON of a report."""
    content = {
        "version": _VERSION,
        "model": report.model,
        "totals": totals_entry(report.totals),
        "layers": [_layer(layer) for layer in report.layers],
        "advice": [_item(item) for item in report.items],
        "notes": list(report.notes),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _layer(layer: LayerReport) -> dict[str, Any]:
    outputs, weights, simulated = layer.operation.outputs, layer.weights, layer.simulated
    return {
        "name": layer.name,
        "type": layer.operation.layer.type,
        "output_shape": outputs[0] if outputs else None,
        "parameters": layer.cost.parameters,
        "macs": layer.cost.macs,
        "quantized": layer.settings is not None,
        "weights": weights
        and {
            "channel_wise_db": weights.channel_wise_db,
            "per_tensor_db": weights.per_tensor_db,
            "gain_db": weights.gain_db,
            "range_ratio": weights.range_ratio,
            "dead_channels": weights.dead_channels,
        },
        "simulated": simulated
        and {"output_db": simulated.output_db, "share_of_error": simulated.share_of_error},
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "layers": item.layers,
        "field": item.field,
        "value": item.value,
        "kind": str(item.kind),
        "reason": item.reason,
    }
