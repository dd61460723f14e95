"""What AMCT can do with a layer, as schemas/caffe_layers.json says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from quantcfg import contracts
from quantcfg.acceptance import Accepts, acceptor
from quantcfg.network.network import Attributes
from quantcfg.values import frozen_value

BlobCount = tuple[int, int | None]
"""At least and at most how many bottoms or tops a layer has; None is any number."""

_ANY: BlobCount = (0, None)
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@cache
def layer_types() -> dict[str, Any]:
    """Return what is known of each layer type."""
    types: dict[str, Any] = _contract()["layer_types"]
    return types


@cache
def quantizable_types() -> tuple[str, ...]:
    """Return the types of which layers may be quantizable (reference 5.1)."""
    return tuple(name for name, known in layer_types().items() if "quantizable" in known)


@cache
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
    known = layer_types().get(layer_type, {})
    return "quantizable" in known and known["blobs"] > 0


def blob_count(layer_type: str) -> int | None:
    """Return how many blobs a layer has beside that of its bias, None where its type does not say it."""
    count: int | None = layer_types().get(layer_type, {}).get("blobs")
    return count


def output_rule(layer_type: str) -> str | None:
    """Return how the output shapes of a type follow from its inputs, None where that is not known.

    The outputs of a type that is not known have the rank of the first input.
    """
    known = layer_types().get(layer_type)
    rule: str | None = "rank" if known is None else known.get("output")
    return rule


@cache
def channel_wise(layer_type: str) -> bool:
    """Tell whether a type may have, and has by default, a factor for each channel (reference 3.4)."""
    return bool(layer_types().get(layer_type, {}).get("channel_wise"))


def is_amct_type(layer_type: str) -> bool:
    """Tell whether only AMCT puts layers of this type into a network (reference 1)."""
    return layer_type in _contract()["amct_types"]


def v1_types() -> dict[str, str]:
    """Return the layer types of V1 prototxts, and what they are called today."""
    types: dict[str, str] = _contract()["v1_types"]
    return types


def v0_types() -> dict[str, str]:
    """Return the layer types of V0 prototxts, and what they are called today."""
    types: dict[str, str] = _contract()["v0_types"]
    return types


def v1_type(name: str) -> str:
    """Return what a layer type of a V1 prototxt is called today; a fork's type keeps its name."""
    return v1_types().get(name, name)


def v0_type(name: str) -> str:
    """Return what a layer type of a V0 prototxt is called today; a fork's type keeps its name."""
    return v0_types().get(name, name)


def blob_counts(layer_type: str) -> tuple[BlobCount, BlobCount, bool]:
    """Return how many bottoms and tops a layer of a type has, and whether it has as many of both."""
    known: Any = layer_types().get(layer_type, _NOTHING)
    return known.get("bottoms", _ANY), known.get("tops", _ANY), "as_many_tops" in known


@cache
def known_words(version: int) -> frozenset[str]:
    """Return the layer types of BVLC in a version of the format: 0, 1 or 2."""
    return frozenset((v0_types(), v1_types(), layer_types())[version])


def fork_words(name: str) -> Sequence[str]:
    """Return the words that only forks of Caffe have, of a list such as "fork_types"."""
    words: list[str] = _contract()[name]
    return words


@frozen_value
class Obstacle:
    """Why a layer does not meet a condition of its type, and what it is in a word or two ("max pooling").

    condition is the attribute that is not as it must be, empty where the type is the reason.
    """

    reason: str
    title: str
    condition: str = ""


def obstacle(kind: str, layer_type: str, attributes: Attributes) -> str | None:
    """Return why a layer does not meet a condition of its type, or None if it does.

    kind is "quantizable" (reference 5.1), "non_uniform" (5.5) or "foldable" (5.3).
    """
    found = described_obstacle(kind, layer_type, attributes)
    return found.reason if found else None


def described_obstacle(kind: str, layer_type: str, attributes: Attributes) -> Obstacle | None:
    """Return the same, with the title of the layer."""
    return _obstacle(kind, layer_type, tuple(sorted(attributes.items())))


@cache
def conditional_attributes(layer_type: str) -> frozenset[str]:
    """Return the attributes that a condition of a layer type asks about."""
    kinds = ("quantizable", "non_uniform", "foldable")
    return frozenset(name for kind in kinds for name in _conditions(kind, layer_type) or ())


@cache
def _obstacle(kind: str, layer_type: str, attributes: tuple[tuple[str, Any], ...]) -> Obstacle | None:
    conditions = _conditions(kind, layer_type)
    if conditions is None:
        return Obstacle(f"type {layer_type or '(none)'} is not supported", layer_type)
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in attributes}
    for attribute, condition in conditions.items():
        if attribute in values and not condition.accepts(values[attribute]):
            value = _shown(values[attribute])
            title = condition.title.format(value=value.lower())
            return Obstacle(condition.description.format(value=value), title, attribute)
    return None


@frozen_value
class _Condition:
    """What an attribute must be, and what is said of a layer where it is not."""

    accepts: Accepts
    description: str
    title: str


@cache
def _conditions(kind: str, layer_type: str) -> Mapping[str, _Condition] | None:
    """Return the conditions of a type by attribute, None if it never meets them."""
    condition = layer_types().get(layer_type, {}).get(kind)
    if condition is None:
        return None
    if "$ref" in condition:
        condition = _contract()["definitions"][condition["$ref"].rsplit("/", 1)[-1]]
    return {
        attribute: _Condition(acceptor(schema, _contract()), schema["description"], schema["title"])
        for attribute, schema in condition["properties"].items()
    }


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _contract() -> dict[str, Any]:
    return contracts.schema("caffe_layers.json")
