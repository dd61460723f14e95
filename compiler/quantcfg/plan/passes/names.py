"""Check that the names in a request exist, and that no list repeats one.

If only one correction of a misspelled name is plausible, later passes use the corrected
name: they report other errors, but not the consequences of the misspelling.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from quantcfg.contracts.config_schema import SKIP_FUSION, TENSORS
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, related
from quantcfg.diagnostics.catalogue import Rule
from quantcfg.diagnostics.phrases import alternatives, quoted
from quantcfg.diagnostics.suggestions import (
    Suggestion,
    meant_by_several,
    suggest,
    suggest_likely,
    worth_suggesting,
)
from quantcfg.frozen import frozen_value, replace
from quantcfg.network import Layer, LayerTypes, Network
from quantcfg.plan.passes.foreign_types import check_types
from quantcfg.plan.plan import Plan
from quantcfg.plan.request import Override, Tensor
from quantcfg.plan.settings import Setting

if TYPE_CHECKING:
    from quantcfg.plan.passes.several import Several
    from quantcfg.source import Span

LIST_LAYERS = '"quantcfg layers" lists the layers'
_SHOWN_LAYERS = 5
"""The number of layers that the error for an ambiguous name shows."""


@frozen_value
class Known:
    """The names that a field may hold.

    find_likely returns those that make sense in it, and is cached. find_valid returns those that are
    not an error, if these are more. foreign are names that are invalid, but reported by another check.
    repeated are the layers of names that several layers have. help_for_unnamed is for an empty name.
    others are names that exist, but can never be in the field: they are not misspelled, even if they
    are similar to one that can.
    """

    field: str
    names: Collection[str]
    find_likely: Callable[[], Sequence[str]]
    rule: Rule
    find_valid: Callable[[], Sequence[str]] | None = None
    foreign: Collection[str] = ()
    repeated: Mapping[str, Sequence[Layer]] = MappingProxyType({})
    help_for_unnamed: str = LIST_LAYERS
    others: Collection[str] = ()

    @property
    def valid(self) -> Sequence[str]:
        """The names that are not an error in the field."""
        return (self.find_valid or self.find_likely)()

    @property
    def likely(self) -> Sequence[str]:
        """The names that make sense in the field; they are suggested first."""
        return self.find_likely()

    @property
    def are_layers(self) -> bool:
        """Whether these are names of layers rather than layer types."""
        return self.rule is catalogue.UNKNOWN_LAYER

    def unknown(self, name: Setting[str], help: str, fix: Iterable[Edit]) -> Diagnostic:
        """Return the error for an unknown name."""
        if self.are_layers:
            return self.rule.at(name.span, name=name.value, help=help, fix=fix)
        names, what = f'"{name.value}" is', "a quantizable layer type"
        return self.rule.at(name.span, names=names, what=what, help=help, fix=fix)

    @property
    def are_listed(self) -> bool:
        """Whether the field is a list of names; an override has a single name."""
        return self.field.startswith("skip_")

    def suggestion(self, name: str) -> Suggestion:
        """Return suggestions for an unknown name."""
        if self.are_layers:
            return suggest_likely(name, self.names, self.likely)
        return _suggested_type(name, self.names)


def _suggested_type(name: str, types: Collection[str]) -> Suggestion:
    """Return suggestions for a layer type, if need be by its letters in lower case."""
    lower = {each.lower(): each for each in types}
    names = (lower[each] for each in suggest(name.lower(), lower).names)
    found = suggest(name, types)
    return found if found.names else Suggestion(tuple(names))


def resolve_names(plan: Plan, report: Report) -> Plan:
    """Report unknown and repeated names, and correct clear misspellings."""
    request = plan.request
    check_types(request, plan.network.edition, report)
    known = known_names(plan.network)
    types, layers = known["layer_type"], known["layer_name"]
    type_overrides = _resolved_overrides(request.type_overrides, types, report)
    layer_overrides = _resolved_overrides(request.layer_overrides, layers, report)
    resolved = replace(
        request,
        skip_layer_types=_resolved(request.skip_layer_types, known["skip_layer_types"], report),
        skip_layers=_resolved(request.skip_layers, known["skip_layers"], report),
        skip_fusion_layers=_resolved(request.skip_fusion_layers, known[SKIP_FUSION], report),
        type_overrides=type_overrides,
        layer_overrides=layer_overrides,
        tensors=_resolved_tensors(request.tensors, known[TENSORS], report),
        has_unread_overrides=request.has_unread_overrides
        or any(override.target.value not in types.names for override in type_overrides)
        or any(override.target.value not in layers.names for override in layer_overrides),
    )
    return replace(plan, request=resolved)


def resolve_remaining_names(plan: Plan, report: Report) -> Plan:
    """Resolve the names in the values of a configuration; AMCT checks only the layer types."""
    fusible = plan.network.edition.layer_types.fusible
    known = _layers(SKIP_FUSION, plan.network, lambda layer: layer.type in fusible)
    names = _resolved(plan.request.skip_fusion_layers, known, report)
    tensors = _resolved_tensors(plan.request.tensors, known_names(plan.network)[TENSORS], report)
    return replace(plan, request=replace(plan.request, skip_fusion_layers=names, tensors=tensors))


def known_names(network: Network) -> Mapping[str, Known]:
    """Return the valid names for each field of a quant.cfg that holds names."""
    types = network.edition.layer_types
    quantizable, fusible = types.quantizable, types.fusible
    foreign = {name for names in network.edition.foreign_types.values() for name in names}
    return {
        "skip_layer_types": _types("skip_layer_types", types, foreign),
        "layer_type": _types("override_layer_types", types, foreign),
        "skip_layers": _layers("skip_layers", network, lambda layer: layer.type in quantizable),
        SKIP_FUSION: replace(
            _layers(SKIP_FUSION, network, lambda layer: layer.type in fusible and layer.fusion),
            find_valid=lambda: [layer.name for layer in network.layers if layer.type in fusible],
        ),
        TENSORS: _layers(TENSORS, network, lambda layer: layer.type in types.tensor_types),
        "layer_name": _layers("override_layer_configs", network, lambda layer: layer.quantizable),
    }


def layers_named(names: Iterable[Setting[str]], network: Network) -> Iterator[tuple[Setting[str], Layer]]:
    """Yield the names of existing layers, with the layers."""
    for name in names:
        layer = network.by_name.get(name.value)
        if layer:
            yield name, layer


def ambiguous_name(name: str, span: Span | None, layers: Sequence[Layer]) -> Diagnostic:
    """Return the error for a name that several layers have."""
    places = [place for layer in layers[:_SHOWN_LAYERS] for place in related(layer.span, "one of them")]
    help = 'give each node its own name with "quantcfg name-nodes"'
    return catalogue.AMBIGUOUS_NAME.at(span, name=name, number=len(layers), related=places, help=help)


def _types(field: str, types: LayerTypes, foreign: Collection[str]) -> Known:
    names, others = types.quantizable, {*types.known, *types.tensor_types}
    return Known(field, names, lambda: names, catalogue.UNQUANTIZABLE_TYPE, foreign=foreign, others=others)


def _layers(field: str, network: Network, is_likely: Callable[[Layer], object]) -> Known:
    @cache
    def likely() -> Sequence[str]:
        layers = (layer for layer in network.layers if is_likely(layer))
        return [layer.name for layer in layers if layer.name not in network.repeated]

    can_be_named = network.edition.name_nodes and not all(layer.name for layer in network.layers)
    return Known(
        field,
        network.by_name,
        likely,
        catalogue.UNKNOWN_LAYER,
        repeated=network.repeated,
        help_for_unnamed='give the nodes names with "quantcfg name-nodes"' if can_be_named else LIST_LAYERS,
    )


def _resolved_overrides(overrides: Sequence[Override], known: Known, report: Report) -> tuple[Override, ...]:
    targets = [override.target for override in overrides]
    _check_repeats(targets, known.field, report)
    resolved = zip(overrides, _resolved_targets(targets, known, report), strict=True)
    return tuple(
        override if override.target is name else replace(override, target=name) for override, name in resolved
    )


def _resolved_tensors(tensors: Sequence[Tensor], known: Known, report: Report) -> tuple[Tensor, ...]:
    targets = [tensor.layer for tensor in tensors]
    resolved = zip(tensors, _resolved_targets(targets, known, report), strict=True)
    return tuple(tensor if tensor.layer is name else replace(tensor, layer=name) for tensor, name in resolved)


def _resolved_targets(names: Sequence[Setting[str]], known: Known, report: Report) -> Iterator[Setting[str]]:
    """Yield each name, corrected if it is misspelled."""
    corrected = _corrected(names, known, report)
    for name in names:
        meant = corrected[name.value][0]
        yield name if meant == name.value else Setting(meant, name.origin)


def _resolved(names: Sequence[Setting[str]], known: Known, report: Report) -> tuple[Setting[str], ...]:
    """Return the corrected names of a list, without repetitions."""
    _check_repeats(names, known.field, report, is_removable=True)
    corrected = _corrected(names, known, report)
    settings = (
        Setting(each, name.origin) for name in reversed(names) for each in reversed(corrected[name.value])
    )
    return tuple({setting.value: setting for setting in settings}.values())[::-1]


def _corrected(names: Sequence[Setting[str]], known: Known, report: Report) -> dict[str, tuple[str, ...]]:
    """Return the corrections of each name, after reporting each unknown name once.

    There are several if a string of a list holds several names.
    """
    first: dict[str, Setting[str]] = {}
    for setting in names:
        first.setdefault(setting.value, setting)
    corrected: dict[str, tuple[str, ...]] = {name: (name,) for name in first}
    unknown = [name for name in first if name not in known.names and name not in known.foreign]
    for name in filter(known.repeated.__contains__, unknown):
        report(ambiguous_name(name, first[name].span, known.repeated[name]))
    unknown = [name for name in unknown if name not in known.repeated]
    if not unknown:
        return corrected
    from quantcfg.plan.passes.several import several

    suggestions = {name: known.suggestion(name) for name in worth_suggesting(unknown, known.names)}
    likely, valid = frozenset(known.likely), frozenset(known.valid)
    taken = {*first, *meant_by_several(suggestions.values())}
    for name in unknown:
        suggestion = suggestions.get(name, Suggestion())
        held = several(first[name], known.names, is_slip=suggestion.slip is not None)
        if held:
            is_fixable = held.can_all_be_in(valid, taken)
            taken.update(held.names if is_fixable else ())
            _report_several(first[name], held, known, report, is_fixable=is_fixable)
            if known.are_listed and all(each in known.names for each in held.names):
                corrected[name] = held.names
            continue
        slip = suggestion.slip if suggestion.slip in likely else None
        is_fixable = slip is not None and slip not in taken
        _report_unknown(first[name], suggestion, known, report, is_fixable=is_fixable)
        if slip:
            corrected[name] = (slip,)
            taken.add(slip)
    return corrected


def _report_several(
    name: Setting[str], held: Several, known: Known, report: Report, *, is_fixable: bool
) -> None:
    from quantcfg.plan.passes.several import joined, separating_edits, separation_help

    place, span, fix = name.origin.place, name.span, list[Edit]()
    if span is None or not span.source.is_file:
        help = f"pass {quoted(held.names)} as separate names"
    elif not known.are_listed:
        help = f"write one {known.field} per name: {quoted(held.names)}"
    else:
        help = separation_help(held)
        if is_fixable:
            fix = separating_edits(place, held) if place else [Edit(span, joined(held.names))]
    report(known.unknown(name, help, fix))


def _report_unknown(
    name: Setting[str], suggestion: Suggestion, known: Known, report: Report, *, is_fixable: bool
) -> None:
    fix = []
    if name.span and suggestion.slip and is_fixable and "\n" not in name.span.text:
        fix = [Edit(name.span, json.dumps(suggestion.slip, ensure_ascii=False))]
    if known.are_layers:
        help = suggestion.help or (LIST_LAYERS if name.value else known.help_for_unnamed)
    elif suggestion.names and name.value in known.others:
        help = f"remove it: {name.value} layers are never quantized"
    else:
        help = f"use {alternatives(suggestion.names or known.names)}"
    report(known.unknown(name, help, fix))


def _check_repeats(
    names: Iterable[Setting[str]], field: str, report: Report, *, is_removable: bool = False
) -> None:
    """Report repeated names; is_removable is whether a repetition can be removed without loss."""
    first: dict[str, Setting[str]] = {}
    for name in names:
        earlier = first.setdefault(name.value, name)
        if earlier is not name:
            from quantcfg.textproto.edits import removal

            place = name.origin.place
            report(
                catalogue.REPEATED_NAME.at(
                    name.span,
                    name=name.value,
                    field=name.origin.argument or field,
                    related=related(earlier.span, "first named here"),
                    help="remove one of them" if is_removable else "remove the wrong one",
                    fix=removal(place) if place and is_removable else (),
                )
            )
