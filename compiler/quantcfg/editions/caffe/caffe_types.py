"""What Caffe knows of layer types: their names of all versions, their blobs and their parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from quantcfg.editions.caffe import CAFFE

BlobCount = tuple[int, int | None]
"""At least and at most how many bottoms or tops a layer has; None is any number."""

_ANY: BlobCount = (0, None)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_TYPES = CAFFE.layer_types


def parameter_field(layer_type: str) -> str | None:
    """Return the field of caffe.LayerParameter that holds the parameters of a layer type."""
    field: str | None = _TYPES.known.get(layer_type, _NOTHING).get("parameters")
    return field


def has_weights(layer_type: str) -> bool:
    """Return whether a layer of this type needs blobs to be quantized."""
    known = _TYPES.known.get(layer_type, _NOTHING)
    return "quantizable" in known and known["blobs"] > 0


def blob_count(layer_type: str) -> int | None:
    """Return how many blobs a layer has beside that of its bias, None where its type does not say it."""
    count: int | None = _TYPES.known.get(layer_type, _NOTHING).get("blobs")
    return count


def blob_counts(layer_type: str) -> tuple[BlobCount, BlobCount, bool]:
    """Return how many bottoms and tops a layer of a type has, and whether it has as many of both."""
    known = _TYPES.known.get(layer_type, _NOTHING)
    return known.get("bottoms", _ANY), known.get("tops", _ANY), "as_many_tops" in known


def output_rule(layer_type: str) -> str | None:
    """Return how the output shapes of a type follow from its inputs, None where that is not known.

    The outputs of a type that is not known have the rank of the first input.
    """
    known = _TYPES.known.get(layer_type)
    rule: str | None = "rank" if known is None else known.get("output")
    return rule


def is_amct_type(layer_type: str) -> bool:
    """Return whether only AMCT puts layers of this type into a network (reference 1)."""
    return layer_type in _TYPES.contract["amct_types"]


def v1_types() -> Mapping[str, str]:
    """Return the layer types of V1 prototxts, and what they are called today."""
    types: dict[str, str] = _TYPES.contract["v1_types"]
    return types


def v0_types() -> Mapping[str, str]:
    """Return the layer types of V0 prototxts, and what they are called today."""
    types: dict[str, str] = _TYPES.contract["v0_types"]
    return types


def v1_type(name: str) -> str:
    """Return what a layer type of a V1 prototxt is called today; a fork's type keeps its name."""
    return v1_types().get(name, name)


def v0_type(name: str) -> str:
    """Return what a layer type of a V0 prototxt is called today; a fork's type keeps its name."""
    return v0_types().get(name, name)


@cache
def known_words(version: int) -> Collection[str]:
    """Return the layer types of BVLC in a version of the format: 0, 1 or 2."""
    return (v0_types(), v1_types(), _TYPES.known)[version].keys()


def fork_words(name: str) -> Sequence[str]:
    """Return the words that only forks of Caffe have, of a list such as "fork_types"."""
    words: list[str] = _TYPES.contract[name]
    return words
