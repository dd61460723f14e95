"""What AMCT can do with a layer, as schemas/caffe_layers.json says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from quantcfg import contracts
from quantcfg.acceptance import Accepts, acceptor
from quantcfg.caffe.network import Attributes


def layer_types() -> dict[str, Any]:
    """Return what is known of each layer type."""
    types: dict[str, Any] = _contract()["layer_types"]
    return types


def quantizable_types() -> tuple[str, ...]:
    """Return the types of which layers may be quantizable (reference 5.1)."""
    return tuple(name for name, known in layer_types().items() if "quantizable" in known)


def fusible_types() -> tuple[str, ...]:
    """Return the quantizable types that others are folded into (reference 5.3, U17)."""
    folded_into = {name for pattern in fusion_patterns() for name in pattern}
    return tuple(name for name in quantizable_types() if name in folded_into)


def fusion_patterns() -> tuple[tuple[str, ...], ...]:
    """Return the chains of layer types that become one layer (reference 5.3)."""
    return tuple(tuple(pattern["layers"]) for pattern in _contract()["fusion_patterns"])


def parameter_field(layer_type: str) -> str | None:
    """Return the field of caffe.LayerParameter that holds the parameters of a layer type."""
    field: str | None = layer_types().get(layer_type, {}).get("parameters")
    return field


def has_weights(layer_type: str) -> bool:
    """Tell whether a layer of this type needs blobs to be quantized."""
    return bool(layer_types().get(layer_type, {}).get("has_weights"))


@cache
def channel_wise(layer_type: str) -> bool:
    """Tell whether a type may have, and has by default, a factor for each channel (reference 3.4)."""
    return bool(layer_types().get(layer_type, {}).get("channel_wise"))


def keeps_rank(layer_type: str) -> bool:
    """Tell whether the outputs of a layer of this type have as many dimensions as its first input."""
    return layer_type in _contract()["rank_keeping_types"]


def is_amct_type(layer_type: str) -> bool:
    """Tell whether only AMCT puts layers of this type into a network (reference 1)."""
    return layer_type in _contract()["amct_types"]


def v1_type(name: str) -> str:
    """Return what a layer type of a V1 prototxt is called today; a fork's type keeps its name."""
    return str(_contract()["v1_types"].get(name, name))


def v0_type(name: str) -> str:
    """Return what a layer type of a V0 prototxt is called today; a fork's type keeps its name."""
    return str(_contract()["v0_types"].get(name, name))


def obstacle(kind: str, layer_type: str, attributes: Attributes) -> str | None:
    """Return why a layer does not meet a condition of its type, or None if it does.

    kind is "quantizable" (reference 5.1), "non_uniform" (5.5) or "foldable" (5.3).
    """
    return _obstacle(kind, layer_type, tuple(sorted(attributes.items())))


@cache
def _obstacle(kind: str, layer_type: str, attributes: tuple[tuple[str, Any], ...]) -> str | None:
    conditions = _conditions(kind, layer_type)
    if conditions is None:
        return f"type {layer_type or '(none)'} is not supported"
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in attributes}
    for attribute, (accepts, description) in conditions.items():
        if attribute in values and not accepts(values[attribute]):
            value = values[attribute]
            is_flag = isinstance(value, bool)
            return description if is_flag else f"{description} ({attribute} is {_shown(value)})"
    return None


@cache
def _conditions(kind: str, layer_type: str) -> Mapping[str, tuple[Accepts, str]] | None:
    """Return what each attribute must be, and the reason to show where it is not; None if it never can be."""
    condition = layer_types().get(layer_type, {}).get(kind)
    if condition is None:
        return None
    if "$ref" in condition:
        condition = _contract()["definitions"][condition["$ref"].rsplit("/", 1)[-1]]
    return {
        attribute: (acceptor(schema, _contract()), schema["description"])
        for attribute, schema in condition["properties"].items()
    }


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _contract() -> dict[str, Any]:
    return contracts.schema("caffe_layers.json")
