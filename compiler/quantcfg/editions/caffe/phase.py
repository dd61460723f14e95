"""Which layers hold in phase TEST, at level 0, with the stages of the net's own state (Caffe's FilterNet)."""

from __future__ import annotations

from typing import Any

from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.editions.caffe.definitions import Definition, version_of
from quantcfg.source import Span
from quantcfg.textproto import Binding

_LEVEL = 0
_PHASES = ("TRAIN", "TEST")


def stages(binding: Binding, report: Report) -> frozenset[str]:
    """Return the stages that are set: Net(file, TEST) sets its own phase and level, but keeps the stages.

    The upgrade of a V0 net drops its state.
    """
    unknown = binding.unknown_enums.get(("state", "phase"))
    if unknown:
        report(_unknown_phase(unknown.span, "the state of the net"))
    return frozenset() if version_of(binding.message) == 0 else frozenset(binding.message.state.stage)


def holds_in_test(layer: Definition, stages: frozenset[str], report: Report) -> bool:
    """Tell whether a layer is part of the network in phase TEST.

    It is if one of its include rules is met, or if it has none and none of its
    exclude rules is met. Rules of both kinds are an error.
    """
    include, exclude = layer.parameter.include, layer.parameter.exclude
    if "phase" in layer.unknown_enums:
        report(_unknown_phase(layer.unknown_word("phase").span, f'layer "{layer.name}"'))
        return True
    if include and exclude:
        firsts = [layer.binding.place_at((*layer.path, rules, 0)) for rules in ("include", "exclude")]
        related = [Related(first.name_span, "a rule of this kind") for first in firsts if first]
        report(catalogue.INCLUDE_AND_EXCLUDE.at(layer.span, layer=layer.name, related=related))
        return True
    if include:
        return any(_is_met(rule, stages) for rule in include)
    return not any(_is_met(rule, stages) for rule in exclude)


def _unknown_phase(span: Span, owner: str) -> Diagnostic:
    help = suggest(span.text, _PHASES).help
    return catalogue.UNKNOWN_PHASE.at(span, owner=owner, value=span.text, help=help)


def _is_met(rule: Any, stages: frozenset[str]) -> bool:
    test = rule.DESCRIPTOR.fields_by_name["phase"].enum_type.values_by_name["TEST"].number
    return not (
        (rule.HasField("phase") and rule.phase != test)
        or (rule.HasField("min_level") and rule.min_level > _LEVEL)
        or (rule.HasField("max_level") and rule.max_level < _LEVEL)
        or not stages.issuperset(rule.stage)
        or not stages.isdisjoint(rule.not_stage)
    )
