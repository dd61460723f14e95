"""Compare two plans, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quantcfg.contracts.config_schema import TENSORS
from quantcfg.emit.emit import (
    Path,
    PlanPath,
    layer_body,
    layer_values,
    leaves,
    tensor_body,
    tensor_values,
    value_of,
)
from quantcfg.frozen import frozen_value, replace
from quantcfg.plan import LayerPlan, Leaf, OriginKind, Plan
from quantcfg.source import Span


@frozen_value
class Change:
    """A value that differs between two plans; None on the side that does not have it.

    layer is the name of its layer, None for the whole network. path is the key of
    the network, or the keys below the layer name. A layer that only one side lists
    is a single change of all its values, with an empty path. The spans are where the
    values are written, None for a default.
    """

    layer: str | None
    path: PlanPath
    old: Any
    new: Any
    old_span: Span | None = None
    new_span: Span | None = None


def difference(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Return the changes from old to new: those of the network first, then layers by name.

    If there are none, the configurations of both plans are equal.
    """
    changes = [*_changes(None, *(dict(_network_leaves(plan)) for plan in (old, new)))]
    changes += _tensor_changes(old, new)
    before, after = ({layer.layer.name: layer for layer in plan.layers} for plan in (old, new))
    for name in sorted(before.keys() | after.keys()):
        changes += _layer_changes(name, before.get(name), after.get(name))
    return tuple(changes)


def _network_leaves(plan: Plan) -> Iterator[tuple[Path, Leaf]]:
    """Yield the values of the network, without the list of tensors, which are compared one by one."""
    return ((path, leaf) for path, leaf in leaves(plan.values) if path != (TENSORS,))


def _tensor_changes(old: Plan, new: Plan) -> Iterator[Change]:
    """Yield the changes of the quantized tensors: by value if both plans have the same ones, else all."""
    if [each.tensor.what for each in old.tensors] == [each.tensor.what for each in new.tensors]:
        for index, both in enumerate(zip(old.tensors, new.tensors, strict=True)):
            for change in _changes(None, *(dict(leaves(tensor_values(each))) for each in both)):
                yield replace(change, path=(TENSORS, index, *change.path))
        return
    before, after = ([tensor_body(each) for each in plan.tensors] for plan in (old, new))
    spans = (next((each.tensor.layer.span for each in plan.tensors), None) for plan in (old, new))
    yield Change(None, (TENSORS,), before, after, *spans)


def _layer_changes(name: str, old: LayerPlan | None, new: LayerPlan | None) -> Iterator[Change]:
    if old and new:
        yield from _changes(name, *(dict(leaves(layer_values(layer))) for layer in (old, new)))
        return
    was, becomes = (layer_body(layer) if layer else None for layer in (old, new))
    spans = (layer.calibration.span if layer and layer.calibration else None for layer in (old, new))
    yield Change(name, (), was, becomes, *spans)


def _changes(layer: str | None, before: Mapping[Path, Leaf], after: Mapping[Path, Leaf]) -> Iterator[Change]:
    for path in (*before, *(path for path in after if path not in before)):
        both = [values.get(path) for values in (before, after)]
        old, new = map(_value, both)
        if old != new:
            yield Change(layer, path, old, new, *map(_span, both))


def _value(leaf: Leaf | None) -> Any:
    return None if leaf is None else value_of(leaf)


def _span(leaf: Leaf | None) -> Span | None:
    """Return the span of a value, None for a default; for a list, that of the first written item."""
    settings = leaf if isinstance(leaf, tuple) else [leaf] if leaf else []
    written = (setting.span for setting in settings if setting.origin.kind is OriginKind.WRITTEN)
    return next(written, None)
