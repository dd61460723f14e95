"""The calibrations that need the fewest settings, all layers together.

An override costs the name of its target and the settings of its calibration. A
layer needs none if its type's override, or else common_config, gives it all
that it is to have. What an override costs depends on common_config in one way
only: by the flag that is inherited from it. So for each such flag the costs of
overrides are worked out once, and each common_config that has it is weighed by
the overrides that it saves: the work grows in step with the layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from quantcfg.decompiler.wanted import (
    Calibration,
    Inherited,
    Wanted,
    given_by,
    own_calibration,
    plain,
    usual_weight,
)
from quantcfg.frozen import frozen_value
from quantcfg.network import ConfigSchema


@frozen_value
class Group:
    """The layers of a type: their names by what they are to have.

    is_channel_wise is what layers of the type are by default.
    barred are the names of those that may have anything but non-uniform
    quantization.
    """

    is_channel_wise: bool
    layers: Mapping[Wanted, Sequence[str]]
    barred: Sequence[str] = ()


Groups = Mapping[str, Group]
"""The layers of a network by their type."""

_TARGET = 1
"""What it costs to name the target of an override."""

_PLAIN = _TARGET + 1
"""What it costs to keep a layer out of a calibration, by an override that says nothing."""


@frozen_value
class Layout:
    """Which calibrations a quant.cfg has, and for what."""

    common: Calibration | None
    by_type: Mapping[str, Calibration]
    by_layer: Mapping[str, Calibration]

    @property
    def settings(self) -> int:
        """How many settings that is."""
        overrides = [*self.by_type.values(), *self.by_layer.values()]
        common = self.common.settings if self.common else 0
        return common + sum(_TARGET + calibration.settings for calibration in overrides)


@frozen_value
class _Type:
    """The layers of a type, and what overrides for them cost, by one inherited flag.

    costs is what the override of one layer costs, by what it is to have, and
    apart what those of all layers cost. general is what an override of the
    type had best give, and together what it costs with those that it leaves.
    """

    group: Group
    costs: Mapping[Wanted, int]
    apart: int
    general: Wanted | None = None
    together: int = 0

    def alone(self, reached: Wanted) -> int:
        """Return what the overrides of layers cost, where all layers are reached by the same."""
        saved = len(self.group.layers.get(reached, ())) * self.costs.get(reached, 0)
        kept_out = 0 if reached.weight.is_usual else len(self.group.barred)
        return self.apart - saved + kept_out * _PLAIN

    def has_override(self, reached: Wanted) -> bool:
        """Tell whether an override of the type pays, where common_config gives what reached says."""
        return self.general is not None and self.together < self.alone(reached)


def shortest_layout(groups: Groups, offset: bool, schema: ConfigSchema) -> Layout:
    """Return the layout with the fewest settings; of several such, one with few overrides of types.

    offset is activation_offset.
    """
    distinct = list(dict.fromkeys(wanted for group in groups.values() for wanted in group.layers))
    layouts = (
        _best_layout(groups, distinct, inherited) for inherited in _inheritances(distinct, offset, schema)
    )
    return min(layouts, key=lambda each: each[0])[1]


def _inheritances(distinct: Sequence[Wanted], offset: bool, schema: ConfigSchema) -> Iterator[Inherited]:
    """Yield what there may be to inherit; to repeat activation_offset would be in vain."""
    yield Inherited(schema, offset)
    names = (wanted.activation.name for wanted in distinct if wanted.asymmetric != offset)
    for name in dict.fromkeys(names):
        yield Inherited(schema, offset, name, not offset)


def _best_layout(
    groups: Groups, distinct: Sequence[Wanted], inherited: Inherited
) -> tuple[tuple[int, int], Layout]:
    """Return the best layout from which this is inherited, and its cost."""
    types = {layer_type: _type(group, inherited) for layer_type, group in groups.items()}
    candidates = dict.fromkeys(_candidates(distinct, inherited))
    weighed = ((_cost(common, types, inherited), common) for common in candidates)
    cost, common = min(weighed, key=lambda each: each[0])
    return cost, _layout(common, types, inherited)


def _type(group: Group, inherited: Inherited) -> _Type:
    costs = {wanted: _cost_of(wanted, inherited) for wanted in group.layers}
    known = _Type(group, costs, sum(len(names) * costs[wanted] for wanted, names in group.layers.items()))
    generals = [*group.layers, *([plain(inherited)] if group.barred else [])]
    weighed = [(_cost_of(general, inherited) + known.alone(general), general) for general in generals]
    if not weighed:
        return known
    together, general = min(weighed, key=lambda each: each[0])
    return replace(known, general=general, together=together)


def _cost_of(wanted: Wanted, inherited: Inherited) -> int:
    return _TARGET + own_calibration(wanted, inherited).settings


def _candidates(distinct: Sequence[Wanted], inherited: Inherited) -> Iterator[Calibration | None]:
    """Yield what common_config may be: something that a layer is to have, or the flag alone, or nothing."""
    if inherited.flag is None:
        yield None
    for wanted in distinct:
        if inherited.name is not None and inherited.name != wanted.activation.name:
            continue
        if inherited.flag is not None:
            yield Calibration(
                replace(wanted.activation, fields=()), inherited.flag, usual_weight(inherited.schema)
            )
        if inherited.flag_of(wanted.activation.name) == wanted.asymmetric:
            yield Calibration(wanted.activation, inherited.flag, wanted.weight)


def _cost(common: Calibration | None, types: Mapping[str, _Type], inherited: Inherited) -> tuple[int, int]:
    """Return how many settings there are with a common_config, and how many overrides of types."""
    settings, overrides = (common.settings if common else 0), 0
    for known in types.values():
        reached = given_by(common, known.group.is_channel_wise, inherited)
        if known.has_override(reached):
            settings, overrides = settings + known.together, overrides + 1
        else:
            settings += known.alone(reached)
    return settings, overrides


def _layout(common: Calibration | None, types: Mapping[str, _Type], inherited: Inherited) -> Layout:
    by_type: dict[str, Calibration] = {}
    by_layer: dict[str, Calibration] = {}
    for layer_type, known in types.items():
        reached = given_by(common, known.group.is_channel_wise, inherited)
        if known.general is not None and known.has_override(reached):
            reached = known.general
            by_type[layer_type] = own_calibration(reached, inherited)
        for wanted, names in known.group.layers.items():
            if wanted != reached:
                by_layer |= dict.fromkeys(names, own_calibration(wanted, inherited))
        if not reached.weight.is_usual:
            by_layer |= dict.fromkeys(known.group.barred, own_calibration(plain(inherited), inherited))
    return Layout(common, by_type, by_layer)
