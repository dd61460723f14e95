"""What AMCT supports for each layer type of an edition, from a file in schemas/."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.acceptance import Accepts, acceptor
from quantcfg.contracts.config_schema import TENSORS
from quantcfg.frozen import Caching, frozen_value

Attribute = bool | int | float | str | tuple[int, ...]
Attributes = Mapping[str, Attribute]


class Feature(StrEnum):
    """What a layer type may support under conditions; the values are keys of its entry in the file."""

    QUANTIZABLE = "quantizable"
    NON_UNIFORM = "non_uniform"
    FOLDABLE = "foldable"
    ASYMMETRIC = "asymmetric"
    BALANCER = "balancer"
    INT16 = "int16"


_OPTIONAL = (Feature.ASYMMETRIC, Feature.BALANCER, Feature.INT16)
"""Features that not every edition has: in the others, no type has conditions for them."""

_CACHE_SIZE = 4096
"""Enough for most networks: layers of one type have few different attributes."""


@frozen_value
class Obstacle:
    """Why a layer is not supported, and a short title ("max pooling").

    condition is the attribute that is not supported, or empty if the type is not.
    """

    reason: str
    title: str
    condition: str = ""


@frozen_value
class LayerTypes(Caching):
    """The layer types of an edition; file is the name of their file in schemas/."""

    file: str

    # There is one for each edition, and it is a key of many caches.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    @property
    def contract(self) -> Mapping[str, Any]:
        """The content of the file."""
        return contracts.schema(self.file)

    @cached_property
    def known(self) -> Mapping[str, Any]:
        """The entry of each layer type."""
        known: dict[str, Any] = self.contract["layer_types"]
        return known

    @cached_property
    def quantizable(self) -> tuple[str, ...]:
        """The quantizable layer types (reference 5.1)."""
        return tuple(name for name, known in self.known.items() if Feature.QUANTIZABLE in known)

    @cached_property
    def fusible(self) -> tuple[str, ...]:
        """The quantizable types that take part in fusion (reference 5.3, U17)."""
        folded_into = {name for pattern in self.fusion_patterns for name in pattern}
        return tuple(name for name in self.quantizable if name in folded_into)

    @cached_property
    def fusion_patterns(self) -> tuple[tuple[str, ...], ...]:
        """The sequences of layer types that are fused (reference 5.3)."""
        return tuple(tuple(pattern["layers"]) for pattern in self.contract["fusion_patterns"])

    @property
    def tensor_types(self) -> tuple[str, ...]:
        """The types whose inputs can be quantized by themselves; none in some editions."""
        return tuple(self.contract.get("tensor_types", ()))

    @cached_property
    def most_capable(self) -> str:
        """A type that supports every setting that any type supports."""
        return next(
            name
            for name in self.fusible
            if self.channel_wise(name)
            and self.obstacle(Feature.NON_UNIFORM, name, {}) is None
            and not any(self.obstacle(feature, name, {}) for feature in _OPTIONAL if self.has(feature))
        )

    def has(self, feature: Feature) -> bool:
        """Return whether the edition has a feature: some type has conditions for it."""
        return feature in self._features

    @cached_property
    def _features(self) -> frozenset[str]:
        return frozenset(feature for known in self.known.values() for feature in Feature if feature in known)

    def channel_wise(self, layer_type: str) -> bool:
        """Return whether a type supports channel_wise, which is then on by default (reference 3.4)."""
        return bool(self.known.get(layer_type, {}).get("channel_wise"))

    def channel_wise_as(self, layer_type: str) -> str | None:
        """Return the channel_wise type that can compute the same as another type, None if there is none."""
        found: str | None = self.known.get(layer_type, {}).get("channel_wise_as")
        return found

    def conditional_attributes(self, layer_type: str) -> frozenset[str]:
        """Return the attributes that the conditions of a layer type depend on."""
        return _conditional_attributes(self, layer_type) if layer_type in self.known else frozenset()

    def obstacle(self, feature: Feature, layer_type: str, attributes: Attributes) -> Obstacle | None:
        """Return why a layer is not supported, or None if it is.

        The conditions are those of reference 5.1 (quantizable), 5.5 (non-uniform) and 5.3 (foldable).
        """
        return _obstacle(self, feature, layer_type, tuple(sorted(attributes.items())))

    def reason(self, feature: Feature, layer_type: str, attributes: Attributes) -> str | None:
        """Return only the reason of the obstacle, or None."""
        found = self.obstacle(feature, layer_type, attributes)
        return found.reason if found else None


@cache
def _conditional_attributes(types: LayerTypes, layer_type: str) -> frozenset[str]:
    return frozenset(name for feature in Feature for name in _conditions(types, feature, layer_type) or ())


@lru_cache(_CACHE_SIZE)
def _obstacle(
    types: LayerTypes, feature: Feature, layer_type: str, attributes: tuple[tuple[str, Any], ...]
) -> Obstacle | None:
    conditions = _conditions(types, feature, layer_type) if layer_type in types.known else None
    if conditions is None:
        if feature == Feature.QUANTIZABLE and layer_type in types.tensor_types:
            return Obstacle(f"only its inputs can be quantized, by {TENSORS}", layer_type)
        return Obstacle(f"type {layer_type or '(none)'} is not supported", layer_type)
    values = {name: list(value) if isinstance(value, tuple) else value for name, value in attributes}
    for attribute, condition in conditions.items():
        if attribute in values and not condition.accepts(values[attribute]):
            value = _shown(values[attribute])
            title = condition.title.format(value=value.lower() if value.isupper() else value)
            return Obstacle(condition.description.format(value=value), title, attribute)
    return None


@frozen_value
class _Condition:
    """The allowed values of an attribute, and the reason and title if it has another one."""

    accepts: Accepts
    description: str
    title: str


@cache
def _conditions(types: LayerTypes, feature: Feature, layer_type: str) -> Mapping[str, _Condition] | None:
    """Return the conditions of a known type by attribute, or None if the type is never supported."""
    condition = types.known[layer_type].get(feature)
    if condition is None:
        return None
    if "$ref" in condition:
        condition = types.contract["definitions"][condition["$ref"].rsplit("/", 1)[-1]]
    return {
        attribute: _Condition(acceptor(schema, types.contract), schema["description"], schema["title"])
        for attribute, schema in condition["properties"].items()
    }


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
