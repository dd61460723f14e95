"""Render a provenance as JSON, version 1, as docs/explain.md describes it."""

from __future__ import annotations

import json
from typing import Any

from quantcfg.diagnostics.formats.json import place
from quantcfg.plan import Setting
from quantcfg.plan.request import Calibration
from quantcfg.provenance import words
from quantcfg.provenance.explanation import Explanation, LayerExplanation, Provenance
from quantcfg.source import Span

_VERSION = 1


def render(provenance: Provenance) -> str:
    """Return the document, with an entry for each layer."""
    document = {
        "version": _VERSION,
        "network": [_value(each) for each in provenance.network],
        "layers": [_layer(each) for each in provenance.layers],
    }
    return json.dumps(document, indent=2)


def _layer(layer: LayerExplanation) -> dict[str, Any]:
    return {
        "name": layer.layer.name,
        "type": layer.layer.type,
        "place": _place(layer.layer.span),
        "reason": layer.layer.obstacle,
        "fusion": layer.layer.fusion or None,
        "calibration": _calibration(layer.calibration) if layer.calibration else None,
        "replaced": [_calibration(each) for each in layer.replaced],
        "values": [_value(each) for each in layer.values],
    }


def _calibration(calibration: Calibration) -> dict[str, Any]:
    return {"level": calibration.level, "place": _place(calibration.span)}


def _value(explanation: Explanation) -> dict[str, Any]:
    key = explanation.key
    return {
        "path": explanation.path,
        "value": explanation.value,
        "reason": explanation.reason,
        "chain": [_setting(each, key) for each in explanation.chain],
        "beaten": [{**_setting(each.setting, key), "reason": each.reason} for each in explanation.beaten],
    }


def _setting(setting: Setting[Any], key: str) -> dict[str, Any]:
    return {
        "value": setting.value,
        "kind": setting.origin.kind,
        "given_by": words.given_by(setting.origin, key),
        "place": _place(setting.span),
    }


def _place(span: Span | None) -> dict[str, Any] | None:
    return place(span) if span else None
