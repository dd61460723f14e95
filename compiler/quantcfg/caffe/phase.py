"""Which layers hold in phase TEST, at level 0, with no stage set (Caffe's FilterNet)."""

from __future__ import annotations

from typing import Any

from quantcfg.caffe.definitions import Definition
from quantcfg.diagnostics import Related, Report, catalogue
from quantcfg.diagnostics.suggest import suggest

_LEVEL = 0
_PHASES = ("TRAIN", "TEST")


def holds_in_test(layer: Definition, report: Report) -> bool:
    """Tell whether a layer is part of the network in phase TEST.

    It is if one of its include rules is met, or if it has none and none of its
    exclude rules is met. Rules of both kinds are an error.
    """
    include, exclude = layer.parameter.include, layer.parameter.exclude
    if "phase" in layer.unknown_enums:
        span = layer.unknown_word("phase").span
        help = suggest(span.text, _PHASES).help
        report(catalogue.UNKNOWN_PHASE.at(span, layer=layer.name, value=span.text, help=help))
        return True
    if include and exclude:
        firsts = [layer.binding.place_at((*layer.path, rules, 0)) for rules in ("include", "exclude")]
        related = [Related(first.name_span, "a rule of this kind") for first in firsts if first]
        report(catalogue.INCLUDE_AND_EXCLUDE.at(layer.span, layer=layer.name, related=related))
        return True
    if include:
        return any(_is_met(rule) for rule in include)
    return not any(_is_met(rule) for rule in exclude)


def _is_met(rule: Any) -> bool:
    test = rule.DESCRIPTOR.fields_by_name["phase"].enum_type.values_by_name["TEST"].number
    return not (
        (rule.HasField("phase") and rule.phase != test)
        or (rule.HasField("min_level") and rule.min_level > _LEVEL)
        or (rule.HasField("max_level") and rule.max_level < _LEVEL)
        or rule.stage
    )
