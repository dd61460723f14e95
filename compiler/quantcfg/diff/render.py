"""Render changes as text, with one line for all layers that have the same change."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    INPUT_INDEX,
    LAYER_NAME,
    QUANT_ENABLE,
    TENSORS,
    WEIGHT_ALGORITHM,
)
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diff.changes import Change
from quantcfg.network import ConfigSchema
from quantcfg.provenance.words import place

_SELECTORS = (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM)
_FEW = 3
"""Up to this number, layers are named instead of counted."""

Types = Mapping[str, str]
"""The type of each layer by name; empty if not known."""


def in_words(changes: Iterable[Change], types: Types, schema: ConfigSchema) -> Iterator[str]:
    """Yield a line for each change: of the network, of which layers are quantized, and of their values.

    types has all layers of both configurations.
    """
    becoming: dict[str, list[Change]] = defaultdict(list)
    values: dict[str, list[Change]] = defaultdict(list)
    for layer, group in groupby(changes, key=lambda change: change.layer):
        if layer is None:
            yield from (f"{line}{_locations([change])}" for change in group for line in _of_network(change))
            continue
        for change in (own := list(group)):
            if change.path in ((), (QUANT_ENABLE,)):
                becoming[_becomes(change)].append(change)
        for change, words in _of_values(own, schema):
            values[words].append(change)
    for words, alike in becoming.items():
        yield f"{_named(alike, types)} {'is' if len(alike) == 1 else 'are'} {words}{_locations(alike)}"
    for words, alike in values.items():
        yield f"{words} in {_named(alike, types)}{_locations(alike)}"


def _locations(changes: Sequence[Change]) -> str:
    """Return the locations of the changed values; of several, the first and the number of others."""
    sides = ([each.old_span for each in changes], [each.new_span for each in changes])
    known = [dict.fromkeys(filter(None, map(place, spans))) for spans in sides]
    shown = [f"{next(iter(each))}{f' and {len(each) - 1} more' * (len(each) > 1)}" for each in known if each]
    return f" ({' → '.join(shown)})" if shown else ""


def _of_network(change: Change) -> Iterator[str]:
    """Yield the changes of a key of the network; for a list, the removed and the added items."""
    first, *inner = change.path
    key, old, new = str(first), change.old, change.new
    if key == TENSORS:
        yield from _of_tensors(inner, change)
        return
    if not isinstance(old, list):
        yield f"{key}: {_shown(old)} → {_shown(new)}"
        return
    removed, added = [each for each in old if each not in new], [each for each in new if each not in old]
    if removed:
        yield f"{key}: removed {quoted(removed)}"
    if added:
        yield f"{key}: added {quoted(added)}"
    if not removed and not added:
        yield f"{key}: {_shown(old)} → {_shown(new)}"


def _of_tensors(inner: Sequence[str | int], change: Change) -> Iterator[str]:
    """Yield the changes of the quantized tensors: of one value, or of the tensors of a list."""
    if inner:
        yield f"{TENSORS}[{inner[0]}]: {inner[-1]}: {_shown(change.old)} → {_shown(change.new)}"
        return
    sides = (change.old, change.new)
    old, new = ({(each[LAYER_NAME], each[INPUT_INDEX]): each for each in side} for side in sides)
    for (name, index), body in (old | new).items():
        what = f'input {index} of "{name}"'
        if (name, index) not in new:
            yield f"{TENSORS}: removed {what}"
        elif (name, index) not in old:
            yield f"{TENSORS}: added {what}"
        elif old[name, index] != body:
            yield f"{TENSORS}: changed {what}"
    if [each for each in old if each in new] != [each for each in new if each in old]:
        yield f"{TENSORS}: other order"


def _becomes(change: Change) -> str:
    """Return whether a layer is now quantized, and listed."""
    if change.path:
        return "quantized now" if change.new else "no longer quantized"
    if change.new is None:
        was = "no longer quantized" if change.old[QUANT_ENABLE] else "was not quantized before"
        return f"omitted now, and {was}"
    return f"listed now, and {'quantized' if change.new[QUANT_ENABLE] else 'still not quantized'}"


def _of_values(changes: Sequence[Change], schema: ConfigSchema) -> Iterator[tuple[Change, str]]:
    """Yield the changes in the values of a layer; a new algorithm and its parameters are one change."""
    replaced = {change.path[0] for change in changes if change.path and change.path[-1] in _SELECTORS}
    for change in changes:
        if change.path in ((), (QUANT_ENABLE,)):
            continue
        if len(change.path) == 1:
            yield change, f"{change.path[0]}: {_shown(change.old)} → {_shown(change.new)}"
            continue
        parent, key = change.path
        if key in _SELECTORS:
            siblings = [each for each in changes if each.path[0] == parent]
            old = _with_parameters(
                change.old, {str(each.path[-1]): each.old for each in siblings if each.new is None}, schema
            )
            new = _with_parameters(
                change.new, {str(each.path[-1]): each.new for each in siblings if each.old is None}, schema
            )
            yield change, f"{key}: {old} → {new}"
        elif parent not in replaced or None not in (change.old, change.new):
            yield change, f"{key}: {_shown(change.old)} → {_shown(change.new)}"


def _with_parameters(name: str, given: Mapping[str, Any], schema: ConfigSchema) -> str:
    """Return an algorithm with the parameters that are not the default."""
    defaults = {parameter.key: parameter.default for parameter in schema.parameters(name)}
    changed = [f"{key} {_shown(value)}" for key, value in given.items() if defaults[key] not in (None, value)]
    return f"{name} with {' and '.join(changed)}" if changed else name


def _shown(value: Any) -> str:
    if value is None:
        return "omitted"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _named(changes: Iterable[Change], types: Types) -> str:
    """Return the layers of changes in words: a few by name, many as counts by type."""
    layers = [change.layer for change in changes if change.layer is not None]
    if len(layers) <= _FEW:
        return quoted(layers)
    if len(layers) == len(types):
        return f"all {len(layers)} layers"
    of_type: dict[str, list[str]] = defaultdict(list)
    for layer, layer_type in types.items():
        of_type[layer_type].append(layer)
    chosen = set(layers)
    words = (_of_type(layer_type, names, chosen) for layer_type, names in of_type.items())
    return " and ".join(filter(None, words))


def _of_type(layer_type: str, names: Sequence[str], chosen: AbstractSet[str]) -> str:
    """Return in words which layers of a type are chosen, "" for none."""
    noun = f"{layer_type} layers" if layer_type else "layers"
    inside = [name for name in names if name in chosen]
    outside = [name for name in names if name not in chosen]
    if len(inside) < 2:
        return quoted(inside) if inside else ""
    if not outside:
        return f"{len(names)} {noun}"
    which = f"all but {quoted(outside)}" if len(outside) <= _FEW < len(inside) else quoted(inside)
    return f"{len(inside)} of {len(names)} {noun} ({which})"
