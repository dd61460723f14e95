"""Two configurations compared, value by value."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quantcfg.configuration import completed, leaves
from quantcfg.network import ConfigSchema
from quantcfg.values import frozen_value


@frozen_value
class Change:
    """A value that is not the same in both; None stands where there is none.

    layer is the layer that it belongs to, None for the whole network; path is
    where it is: a key of the network, or the keys below the layer's name. A
    layer that only one of them lists is one change, of all its values, with an
    empty path.
    """

    layer: str | None
    path: tuple[str, ...]
    old: Any
    new: Any


def difference(old: Mapping[str, Any], new: Mapping[str, Any], schema: ConfigSchema) -> tuple[Change, ...]:
    """Return what must change in a configuration to make it another: the network first, then layers by name.

    Both have all keys that they may have, as configuration.completed returns
    them, or a compile. Where nothing is returned, both are equal.
    """
    keys = schema.global_defaults
    changes = [Change(None, (key,), old[key], new[key]) for key in keys if old[key] != new[key]]
    for name in sorted((old.keys() | new.keys()) - keys.keys()):
        changes += _layer_changes(name, old.get(name), new.get(name))
    return tuple(changes)


def _layer_changes(name: str, old: Any, new: Any) -> Iterator[Change]:
    if old is None or new is None:
        yield Change(name, (), old, new)
        return
    before, after = dict(leaves(old)), dict(leaves(new))
    for path in (*before, *(path for path in after if path not in before)):
        if before.get(path) != after.get(path):
            yield Change(name, tuple(map(str, path)), before.get(path), after.get(path))


def applied(config: Mapping[str, Any], changes: Iterable[Change], schema: ConfigSchema) -> dict[str, Any]:
    """Return a configuration with changes made to it, in output order."""
    result = copy.deepcopy(dict(config))
    for change in changes:
        *parents, key = change.path if change.layer is None else (change.layer, *change.path)
        place = result
        for parent in parents:
            place = place.setdefault(parent, {})
        if change.new is None:
            del place[key]
        else:
            place[key] = copy.deepcopy(change.new)
    return completed(result, None, schema)
