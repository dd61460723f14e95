"""What not every edition of AMCT has: fields of a quant.cfg, keys of a configuration, and layer types.

An edition is given by its name. Only some of the editions that are mentioned can be compiled for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from typing import Any

from quantcfg import contracts

_NAMES, _TYPES = "foreign_fields.json", "foreign_types.json"


def title(owner: str) -> str:
    """Return the name of an edition in messages; any other owner of a field is written as it is."""
    return str(_titles().get(owner, owner))


@cache
def owners() -> Mapping[str, Sequence[str]]:
    """Return the names in messages of those that have a field, by field."""
    return {name: [*map(title, known["owners"])] for name, known in _fields().items()}


@cache
def fields_of(edition: str) -> AbstractSet[str]:
    """Return the fields of an edition that not every edition has."""
    return {name for name, known in _fields().items() if edition in known["owners"]}


@cache
def keys_of(edition: str) -> AbstractSet[str]:
    """Return the keys of an edition that not every edition has."""
    return {name for name, editions in contracts.schema(_NAMES)["keys"].items() if edition in editions}


@cache
def fields_elsewhere() -> AbstractSet[str]:
    """Return the fields that no edition has for which this package compiles."""
    return {name for name, known in _fields().items() if _titles().keys().isdisjoint(known["owners"])}


@cache
def editions() -> Sequence[str]:
    """Return the editions that have fields or keys that others do not."""
    listed = [*(known["owners"] for known in _fields().values()), *contracts.schema(_NAMES)["keys"].values()]
    return [*dict.fromkeys(name for names in listed for name in names if name in _titles())]


def replacement(field: str) -> str | None:
    """Return the field that editions without a field have instead, None if there is none."""
    instead: str | None = _fields().get(field, {}).get("instead")
    return instead


def types_of(edition: str) -> Collection[str]:
    """Return the layer types of an edition that have counterparts in another edition."""
    return [name for row in _rows() for name in row.get(edition, ())]


def corresponding_types(edition: str) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Return the layer types of each other edition, with the types of this one that correspond to them."""
    own = [row for row in _rows() if edition in row]
    others = [name for name in _titles() if name != edition]
    return {other: {name: row[edition] for row in own for name in row.get(other, ())} for other in others}


def _fields() -> Mapping[str, Any]:
    fields: Mapping[str, Any] = contracts.schema(_NAMES)["fields"]
    return fields


def _titles() -> Mapping[str, str]:
    titles: Mapping[str, str] = contracts.schema(_TYPES)["editions"]
    return titles


def _rows() -> Sequence[Mapping[str, Sequence[str]]]:
    rows: Sequence[Mapping[str, Sequence[str]]] = contracts.schema(_TYPES)["rows"]
    return rows
