"""What a request names: whether it is there, and stands in its list once.

Where a name is misspelt and what was meant is plain, the passes behind this one
are given what was meant: they find what else is wrong, and nothing that only
follows from the slip.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from quantcfg.diagnostics import Edit, Report, catalogue, related
from quantcfg.diagnostics.catalogue import Rule
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diagnostics.suggestions import Suggestion, meant_by_several, suggest, worth_suggesting
from quantcfg.frozen import frozen_value
from quantcfg.network import Layer, Network
from quantcfg.plan.plan import Plan
from quantcfg.plan.request import Override
from quantcfg.plan.settings import Setting

if TYPE_CHECKING:
    from quantcfg.plan.passes.several import Several


@frozen_value
class Known:
    """The names that there are; find_likely finds those that make sense in a field, once."""

    field: str
    names: Collection[str]
    find_likely: Callable[[], Sequence[str]]
    rule: Rule
    help: str | None = None

    @property
    def likely(self) -> Sequence[str]:
        """The names that make sense in the field, and are suggested first."""
        return self.find_likely()

    @property
    def are_layers(self) -> bool:
        """Whether they are names of layers, not of types."""
        return self.rule is catalogue.UNKNOWN_LAYER

    @property
    def are_listed(self) -> bool:
        """Whether the field is a list of names; an override has one name."""
        return self.field.startswith("skip_")

    def suggestion(self, name: str) -> Suggestion:
        """Return what a name was meant to be: a slip is what it is, and else the likely names come first."""
        near = suggest(name, self.names)
        likely = Suggestion() if near.slip else suggest(name, self.likely)
        return likely if likely.names else near


def resolve_names(plan: Plan, report: Report) -> Plan:
    """Report names that nothing has and names that stand twice, and put what was meant in place of a slip."""
    request = plan.request
    known = known_names(plan.network)
    types, layers = known["layer_type"], known["layer_name"]
    type_overrides = _resolved_overrides(request.type_overrides, types, report)
    layer_overrides = _resolved_overrides(request.layer_overrides, layers, report)
    resolved = replace(
        request,
        skip_layer_types=_resolved(request.skip_layer_types, known["skip_layer_types"], report),
        skip_layers=_resolved(request.skip_layers, known["skip_layers"], report),
        skip_fusion_layers=_resolved(request.skip_fusion_layers, known["skip_fusion_layers"], report),
        type_overrides=type_overrides,
        layer_overrides=layer_overrides,
        has_unread_overrides=request.has_unread_overrides
        or any(override.target.value not in types.names for override in type_overrides)
        or any(override.target.value not in layers.names for override in layer_overrides),
    )
    return replace(plan, request=resolved)


def resolve_fusion_names(plan: Plan, report: Report) -> Plan:
    """Do so for the one list of names that a configuration has; AMCT checks only their types."""
    fusible = plan.network.edition.layer_types.fusible
    known = _layers("skip_fusion_layers", plan.network, lambda layer: layer.type in fusible)
    names = _resolved(plan.request.skip_fusion_layers, known, report)
    return replace(plan, request=replace(plan.request, skip_fusion_layers=names))


def known_names(network: Network) -> Mapping[str, Known]:
    """Return what is known of the names in a quant.cfg, by the field that holds one."""
    types = network.edition.layer_types
    quantizable, fusible = types.quantizable, types.fusible
    return {
        "skip_layer_types": _types("skip_layer_types", quantizable),
        "layer_type": _types("override_layer_types", quantizable),
        "skip_layers": _layers("skip_layers", network, lambda layer: layer.type in quantizable),
        "skip_fusion_layers": _layers(
            "skip_fusion_layers", network, lambda layer: layer.type in fusible and layer.fusion
        ),
        "layer_name": _layers("override_layer_configs", network, lambda layer: layer.quantizable),
    }


def layers_named(names: Iterable[Setting[str]], network: Network) -> Iterator[tuple[Setting[str], Layer]]:
    """Yield the names that are those of layers, and the layers."""
    for name in names:
        layer = network.by_name.get(name.value)
        if layer:
            yield name, layer


def _types(field: str, types: Sequence[str]) -> Known:
    help = f"the quantizable types are {quoted(types)}"
    return Known(field, types, lambda: types, catalogue.UNQUANTIZABLE_TYPE, help)


def _layers(field: str, network: Network, is_likely: Callable[[Layer], object]) -> Known:
    @cache
    def likely() -> Sequence[str]:
        return [layer.name for layer in network.layers if is_likely(layer)]

    return Known(field, network.by_name, likely, catalogue.UNKNOWN_LAYER)


def _resolved_overrides(overrides: Sequence[Override], known: Known, report: Report) -> tuple[Override, ...]:
    targets = [override.target for override in overrides]
    _check_repeats(targets, known.field, report)
    meant = _meant(targets, known, report)
    return tuple(
        override
        if meant[override.target.value] == (override.target.value,)
        else replace(override, target=Setting(meant[override.target.value][0], override.target.origin))
        for override in overrides
    )


def _resolved(names: Sequence[Setting[str]], known: Known, report: Report) -> tuple[Setting[str], ...]:
    """Return what was meant by the names of a list, each once."""
    _check_repeats(names, known.field, report, can_go=True)
    meant = _meant(names, known, report)
    settings = (
        Setting(each, name.origin) for name in reversed(names) for each in reversed(meant[name.value])
    )
    return tuple({setting.value: setting for setting in settings}.values())[::-1]


def _meant(names: Sequence[Setting[str]], known: Known, report: Report) -> dict[str, tuple[str, ...]]:
    """Return by name what was meant by it, after reporting the names that nothing has, each once.

    That is one name, or several where a string of a list holds several.
    """
    first: dict[str, Setting[str]] = {}
    for setting in names:
        first.setdefault(setting.value, setting)
    meant: dict[str, tuple[str, ...]] = {name: (name,) for name in first}
    unknown = [name for name in first if name not in known.names]
    if not unknown:
        return meant
    from quantcfg.plan.passes.several import several

    suggestions = {name: known.suggestion(name) for name in worth_suggesting(unknown, known.names)}
    likely = frozenset(known.likely)
    taken = {*first, *meant_by_several(suggestions.values())}
    for name in unknown:
        suggestion = suggestions.get(name, Suggestion())
        held = several(first[name], known.names, is_slip=suggestion.slip is not None)
        if held:
            can_be_fixed = held.can_all_be_in(likely, taken)
            taken.update(held.names if can_be_fixed else ())
            _report_several(first[name], held, known, report, can_be_fixed=can_be_fixed)
            if known.are_listed and all(each in known.names for each in held.names):
                meant[name] = held.names
            continue
        slip = suggestion.slip if suggestion.slip in likely else None
        can_be_put_in = slip is not None and slip not in taken
        _report_unknown(first[name], suggestion, known, report, can_be_put_in=can_be_put_in)
        if slip:
            meant[name] = (slip,)
            taken.add(slip)
    return meant


def _report_several(
    name: Setting[str], held: Several, known: Known, report: Report, *, can_be_fixed: bool
) -> None:
    from quantcfg.plan.passes.several import joined, separating_edits, separation_help

    place, span, fix = name.origin.place, name.span, list[Edit]()
    if span is None or not span.source.is_file:
        help = f"give {quoted(held.names)} as separate names"
    elif not known.are_listed:
        help = f"write one {known.field} per name: {quoted(held.names)}"
    else:
        help = separation_help(held)
        if can_be_fixed:
            fix = separating_edits(place, held) if place else [Edit(span, joined(held.names))]
    report(known.rule.at(name.span, name=name.value, help=help, fix=fix))


def _report_unknown(
    name: Setting[str], suggestion: Suggestion, known: Known, report: Report, *, can_be_put_in: bool
) -> None:
    fix = []
    if name.span and suggestion.slip and can_be_put_in and "\n" not in name.span.text:
        fix = [Edit(name.span, json.dumps(suggestion.slip, ensure_ascii=False))]
    help = suggestion.help or known.help
    report(known.rule.at(name.span, name=name.value, help=help, fix=fix))


def _check_repeats(
    names: Iterable[Setting[str]], field: str, report: Report, *, can_go: bool = False
) -> None:
    """Report the names that stand in a list again; can_go tells that nothing is lost without them."""
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
                    related=related(earlier.span, "named here first"),
                    help="leave one of them out" if can_go else "keep the one that is meant",
                    fix=removal(place) if place and can_go else (),
                )
            )
