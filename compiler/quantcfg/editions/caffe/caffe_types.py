"""Layer types of Caffe: their names in all format versions, their blobs and their parameters."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any

from quantcfg import contracts
from quantcfg.contracts.descriptors import EnumDescriptor
from quantcfg.contracts.layer_types import Feature
from quantcfg.editions.caffe import CAFFE

BlobCount = tuple[int, int | None]
"""The least and the greatest number of bottoms or tops of a layer; None means no limit."""

_ANY: BlobCount = (0, None)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_TYPES = CAFFE.layer_types


def parameter_field(layer_type: str) -> str | None:
    """Return the field with the parameters of a layer type, if it has one."""
    field: str | None = entry(layer_type).get("parameters")
    return field


def entry(layer_type: str) -> Mapping[str, Any]:
    """Return what is known of a type of BVLC Caffe or of a fork; nothing for other types."""
    known: Mapping[str, Any] = _TYPES.known.get(layer_type) or fork_types().get(layer_type, _NOTHING)
    return known


def fork_types() -> Mapping[str, Any]:
    """Return the layer types that only forks of Caffe have, and whose shapes are known."""
    types: dict[str, Any] = _TYPES.contract["fork_layer_types"]
    return types


def has_weights(layer_type: str) -> bool:
    """Return whether layers of a type have weights that AMCT quantizes."""
    known = _TYPES.known.get(layer_type, _NOTHING)
    return Feature.QUANTIZABLE in known and known["blobs"] > 0


def blob_count(layer_type: str) -> int | None:
    """Return the number of blobs without the bias, or None if the type does not determine it."""
    count: int | None = _TYPES.known.get(layer_type, _NOTHING).get("blobs")
    return count


def has_no_blobs(layer_type: str) -> bool:
    """Return whether layers of a type never have weights, also of a type of a fork."""
    return bool(entry(layer_type).get("blobs") == 0)


def is_weighted(layer_type: str) -> bool:
    """Return whether layers of a type are convolutions or inner products, also of a type of a fork."""
    return output_rule(layer_type) in ("convolution", "deconvolution", "inner_product")


def bottoms_and_tops(layer_type: str) -> tuple[BlobCount, BlobCount, bool]:
    """Return the allowed numbers of bottoms and tops of a type, and whether the two must be equal."""
    known = _TYPES.known.get(layer_type, _NOTHING)
    return known.get("bottoms", _ANY), known.get("tops", _ANY), "as_many_tops" in known


def may_have_any_tops(layer_type: str) -> bool:
    """Return whether layers of a type may have any number of tops, whatever their bottoms."""
    known = entry(layer_type)
    return None in known.get("tops", ()) and "as_many_tops" not in known


def output_rule(layer_type: str) -> str:
    """Return the name of the rule for the output shapes of a type, empty if there is none."""
    rule: str = entry(layer_type).get("output", "")
    return rule


def is_amct_type(layer_type: str) -> bool:
    """Return whether AMCT adds layers of this type when it quantizes a network (reference 1)."""
    return layer_type in _TYPES.contract["amct_types"]


def v1_types() -> Mapping[str, str]:
    """Return the V1 layer types and their current names."""
    types: dict[str, str] = _TYPES.contract["v1_types"]
    return types


def v0_types() -> Mapping[str, str]:
    """Return the V0 layer types and their current names."""
    types: dict[str, str] = _TYPES.contract["v0_types"]
    return types


def other_names(version: int) -> Mapping[str, str]:
    """Return the names of layer types in the other versions, with their words in V0 or V1."""
    own, other = (v0_types(), v1_types()) if version == 0 else (v1_types(), v0_types())
    words = {current: word for word, current in own.items() if current}
    return words | {word: words[current] for word, current in other.items() if current in words}


def v1_type(name: str) -> str:
    """Return the current name of a V1 layer type; an unknown type keeps its name."""
    return v1_types().get(name, name)


def v0_type(name: str) -> str:
    """Return the current name of a V0 layer type; an unknown type keeps its name."""
    return v0_types().get(name, name)


def enum(message: str, field: str) -> EnumDescriptor:
    """Return the enum of a field in caffe.proto."""
    found = contracts.descriptors("caffe")[f"caffe.{message}"].fields[field].enum
    assert found
    return found


@cache
def known_types(version: int) -> Collection[str]:
    """Return the layer types of BVLC Caffe in a format version: 0, 1 or 2."""
    return (v0_types(), v1_types(), _TYPES.known)[version].keys()


def fork_words(name: str) -> Sequence[str]:
    """Return the words that only forks of Caffe have, from a list such as "fork_types"."""
    words: list[str] = _TYPES.contract[name]
    return words
