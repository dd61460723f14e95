"""Choose the calibrations that need the fewest settings for all layers together.

An override costs the name of its target and the settings of its calibration. A
layer needs none if the override of its type, or else common_config, gives it the
right values. The cost of an override depends on common_config only by the inherited
flag. So the costs are computed once for each flag, and each common_config with that
flag is compared by the overrides that it saves: the work is linear in the layers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property

from quantcfg.decompiler.wanted import (
    ALL,
    Abilities,
    Calibration,
    Inherited,
    default_weight_algorithm,
    given_by,
    own_calibration,
    plain,
)
from quantcfg.frozen import Caching, frozen_value, replace
from quantcfg.network import ConfigSchema

Need = tuple[Abilities, Calibration]
"""What a layer supports, and the calibration that it needs."""


@frozen_value
class Group(Caching):
    """The layers of a type: their names by what they support and by the calibration that they need.

    is_channel_wise is the default of the type. uniform_only are the omitted layers
    that do not support non-uniform quantization.
    """

    is_channel_wise: bool
    layers: Mapping[Need, Sequence[str]]
    uniform_only: Sequence[str] = ()

    @cached_property
    def abilities(self) -> Collection[Abilities]:
        """The different things that its layers support."""
        return dict.fromkeys(abilities for abilities, _ in self.layers)


Groups = Mapping[str, Group]
"""The layers of a network by type."""

_TARGET = 1
"""The cost of the target of an override."""

_TENSOR_TARGET = 2
"""The cost of the target of a tensor: its layer and its input."""

_PLAIN = _TARGET + 1
"""The cost of an empty override, which excludes a layer from other calibrations."""


@frozen_value
class Layout:
    """The calibrations of a quant.cfg; those of tensors are in their order."""

    common: Calibration | None
    by_type: Mapping[str, Calibration]
    by_layer: Mapping[str, Calibration]
    tensors: Sequence[Calibration] = ()

    @property
    def settings(self) -> int:
        """The number of settings."""
        overrides = [*self.by_type.values(), *self.by_layer.values()]
        common = self.common.settings if self.common else 0
        overridden = sum(_TARGET + calibration.settings for calibration in overrides)
        return common + overridden + self.of_tensors

    @property
    def of_tensors(self) -> int:
        """The number of settings of the tensors."""
        return sum(_TENSOR_TARGET + calibration.activation_settings for calibration in self.tensors)


@frozen_value
class _Type:
    """The layers of a type, and the costs of their overrides for one inherited flag.

    costs holds the cost of the override of one layer by the calibration that it needs;
    apart is the sum for all layers. general is the best override of the type, and
    together is its cost with the overrides of layers that are still needed.
    """

    group: Group
    costs: Mapping[Need, int]
    apart: int
    general: Calibration | None = None
    together: int = 0

    def alone(self, base: Calibration) -> int:
        """Return the cost of the overrides of layers if the other layers have the calibration base."""
        needs = [(each, each.given(base)) for each in self.group.abilities]
        saved = sum(len(self.group.layers.get(need, ())) * self.costs.get(need, 0) for need in needs)
        kept_out = 0 if base.weight.is_default else len(self.group.uniform_only)
        return self.apart - saved + kept_out * _PLAIN

    def has_override(self, base: Calibration) -> bool:
        """Return whether an override of the type saves settings if common_config gives base."""
        return self.general is not None and self.together < self.alone(base)


def shortest_layout(
    groups: Groups, offset: bool, schema: ConfigSchema, tensors: Sequence[Calibration] = ()
) -> Layout:
    """Return the layout with the fewest settings; of equal ones, that with the fewest overrides of types.

    offset is activation_offset. tensors are the calibrations that quantized tensors need.
    """
    needs = dict.fromkeys(need for group in groups.values() for need in group.layers)
    distinct = [*needs, *((ALL, wanted) for wanted in dict.fromkeys(tensors))]
    layouts = (
        _best_layout(groups, distinct, tensors, inherited)
        for inherited in _inheritances(distinct, offset, schema)
    )
    return min(layouts, key=lambda each: each[0])[1]


def _inheritances(distinct: Sequence[Need], offset: bool, schema: ConfigSchema) -> Iterator[Inherited]:
    """Yield the possible inherited flags; one that repeats activation_offset is useless."""
    yield Inherited(schema, offset)
    names = (
        wanted.activation.name
        for abilities, wanted in distinct
        if abilities.has_offset and wanted.asymmetric != offset
    )
    for name in dict.fromkeys(names):
        yield Inherited(schema, offset, name, not offset)


def _best_layout(
    groups: Groups, distinct: Sequence[Need], tensors: Sequence[Calibration], inherited: Inherited
) -> tuple[tuple[int, int], Layout]:
    """Return the best layout with this inherited flag, and its cost."""
    types = {layer_type: _type(group, inherited) for layer_type, group in groups.items()}
    candidates = dict.fromkeys(_candidates(distinct, inherited))
    costed = ((_cost(common, types, inherited), common) for common in candidates)
    (settings, overrides), common = min(costed, key=lambda each: each[0])
    layout = _layout(common, types, inherited, [own_calibration(each, inherited) for each in tensors])
    return (settings + layout.of_tensors, overrides), layout


def _type(group: Group, inherited: Inherited) -> _Type:
    costs = {need: _cost_of(_free(need, inherited), inherited) for need in group.layers}
    known = _Type(group, costs, sum(len(names) * costs[need] for need, names in group.layers.items()))
    wanted = dict.fromkeys(_free(need, inherited) for need in group.layers)
    generals = [*wanted, *([plain(inherited)] if group.uniform_only else [])]
    costed = [(_cost_of(general, inherited) + known.alone(general), general) for general in generals]
    if not costed:
        return known
    together, general = min(costed, key=lambda each: each[0])
    return replace(known, general=general, together=together)


def _free(need: Need, inherited: Inherited) -> Calibration:
    """Return what a layer needs, with the inherited flag if it ignores the flag."""
    abilities, wanted = need
    if abilities.has_offset:
        return wanted
    return replace(wanted, asymmetric=inherited.flag_of(wanted.activation.name))


def _cost_of(wanted: Calibration, inherited: Inherited) -> int:
    return _TARGET + own_calibration(wanted, inherited).settings


def _candidates(distinct: Sequence[Need], inherited: Inherited) -> Iterator[Calibration | None]:
    """Yield the candidates for common_config: the calibration of a layer, the flag alone, or nothing."""
    if inherited.flag is None:
        yield None
    for wanted in (_free(need, inherited) for need in distinct):
        if inherited.name is not None and inherited.name != wanted.activation.name:
            continue
        if inherited.flag is not None:
            yield Calibration(
                replace(wanted.activation, fields=()),
                inherited.flag,
                default_weight_algorithm(inherited.schema),
            )
        if inherited.flag_of(wanted.activation.name) == wanted.asymmetric:
            yield replace(wanted, asymmetric=inherited.flag)


def _cost(common: Calibration | None, types: Mapping[str, _Type], inherited: Inherited) -> tuple[int, int]:
    """Return the number of settings with a common_config, and the number of overrides of types."""
    settings, overrides = (common.settings if common else 0), 0
    for known in types.values():
        base = given_by(common, known.group.is_channel_wise, inherited)
        if known.has_override(base):
            settings, overrides = settings + known.together, overrides + 1
        else:
            settings += known.alone(base)
    return settings, overrides


def _layout(
    common: Calibration | None,
    types: Mapping[str, _Type],
    inherited: Inherited,
    tensors: Sequence[Calibration],
) -> Layout:
    by_type: dict[str, Calibration] = {}
    by_layer: dict[str, Calibration] = {}
    for layer_type, known in types.items():
        base = given_by(common, known.group.is_channel_wise, inherited)
        if known.general is not None and known.has_override(base):
            base = known.general
            by_type[layer_type] = own_calibration(base, inherited)
        for need, names in known.group.layers.items():
            abilities, wanted = need
            if wanted != abilities.given(base):
                by_layer |= dict.fromkeys(names, own_calibration(_free(need, inherited), inherited))
        if not base.weight.is_default:
            by_layer |= dict.fromkeys(known.group.uniform_only, own_calibration(plain(inherited), inherited))
    return Layout(common, by_type, by_layer, tensors)
