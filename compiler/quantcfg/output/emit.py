"""Plan to configuration: the JSON value, and its text (reference 3)."""

from __future__ import annotations

import json
import marshal
import math
from collections.abc import Mapping
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from quantcfg.plan import LayerPlan, Plan, Setting, Values

Config = dict[str, Any]
Forms = Mapping[str, bytes]

_INDENT = 4 * " "
_MARSHAL_VERSION = 2
"""The last one in which no value is written as a reference to another one."""


def config_of(plan: Plan) -> Config:
    """Return the configuration: the network's keys, then an object for each layer.

    A layer that is named like one of these keys, an error by itself, is left out.
    """
    config = _plain(plan.values)
    layers = (layer for layer in plan.layers if layer.layer.name not in config)
    return config | {layer.layer.name: _body(layer) for layer in layers}


def _body(layer: LayerPlan) -> dict[str, Any]:
    return {
        key: value.value if isinstance(value, Setting) else _plain(value)
        for key, value in layer_values(layer).items()
    }


def text_of(config: Config, forms: Forms | None = None) -> str:
    """Return the exact content of the file: AMCT's layout, without a final newline (reference 3.5).

    forms are those of the configuration, where they are known.
    """
    # Layers share few distinct bodies: each is laid out once.
    forms = forms or forms_of(config)
    bodies = dict(zip(forms.values(), config.values(), strict=True))
    texts = {each: _text(body, "\n" + _INDENT) for each, body in bodies.items()}
    return _between("{}", [f"{quoted(key)}:{texts[each]}" for key, each in forms.items()], "\n")


def forms_of(config: Mapping[str, Any]) -> Forms:
    """Return for each key what two values have in common only if they have the same text.

    Unlike ==, it tells 1, 1.0 and True apart.
    """
    return {key: marshal.dumps(body, _MARSHAL_VERSION) for key, body in config.items()}


def _text(value: Any, end: str) -> str:
    """Return what json.dumps gives, which with an indent takes several times as long."""
    inner = end + _INDENT
    if isinstance(value, dict):
        members = [f"{quoted(key)}:{_text(item, inner)}" for key, item in value.items()]
        return _between("{}", members, end)
    if isinstance(value, list):
        return _between("[]", [_text(item, inner) for item in value], end)
    return _scalar(value)


def _between(brackets: str, items: list[str], end: str) -> str:
    """Return items between brackets, each on its line; end is the line end before the last bracket."""
    if not items:
        return brackets
    inner = end + _INDENT
    return f"{brackets[0]}{inner}{f',{inner}'.join(items)}{end}{brackets[1]}"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return json.dumps(value)


def layer_values(layer: LayerPlan) -> dict[str, Setting[bool] | Values]:
    """Return the values of a layer with their origins, in output order (reference 3.2)."""
    return {
        "quant_enable": layer.enabled,
        "activation_quant_params": layer.activation_values,
        "weight_quant_params": layer.weight_values,
    }


def _plain(values: Values) -> dict[str, Any]:
    """Return values without their origins."""
    return {
        key: [item.value for item in leaf] if isinstance(leaf, tuple) else leaf.value
        for key, leaf in values.items()
    }
