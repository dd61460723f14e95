"""What a net has in phase TEST: its inputs that are not layers (UpgradeNetInput), and its layers (FilterNet).

The inputs are input with input_shape or input_dim. The layers are those that hold
in phase TEST, at level 0, with the stages of the net's own state.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.editions.caffe.definitions import Definition, version_of
from quantcfg.editions.caffe.shapes import Extent, extent_of
from quantcfg.frozen import small_value
from quantcfg.source import Span
from quantcfg.textproto import Binding

_LEVEL = 0
_PHASES = ("TRAIN", "TEST")
_DIMENSIONS = 4
"""How many input_dim an input has."""


@small_value
class Inputs:
    """The inputs that Caffe makes, with what is known of their shapes, and those that it drops.

    It drops those for which no shape is given at all. stop_upgrade tells that in
    this version of the format a blob without a source stops the upgrade.
    """

    made: Mapping[str, Extent]
    dropped: Sequence[str]
    stop_upgrade: bool


def net_inputs(binding: Binding, report: Report) -> Inputs:
    """Return the inputs of a caffe.NetParameter, after reporting shapes that are too few."""
    net, is_v0 = binding.message, version_of(binding.message) == 0
    # The upgrade of a V0 net drops input_shape.
    shapes = [] if is_v0 else [shape.dim for shape in net.input_shape]
    if not shapes and not net.input_dim:
        return Inputs({}, tuple(net.input), is_v0)
    _check_names(binding, report)
    extents = list(_extents(shapes, net.input_dim))
    if len(extents) < len(net.input):
        place, left = binding.place_at(("input", len(extents))), len(net.input_dim) % _DIMENSIONS
        assert place
        needed, found = ("an input_shape", "none") if shapes else (f"{_DIMENSIONS} input_dim", left)
        name = net.input[len(extents)]
        report(catalogue.INPUT_WITHOUT_SHAPE.at(place.span, name=name, needed=needed, found=found))
        extents += [Extent()] * (len(net.input) - len(extents))
    return Inputs(dict(zip(net.input, extents, strict=False)), (), is_v0)


def _check_names(binding: Binding, report: Report) -> None:
    """Report an input that is named again: Caffe makes all of them the tops of one layer."""
    seen: set[str] = set()
    for index, name in enumerate(binding.message.input):
        if name in seen:
            place = binding.place_at(("input", index))
            assert place
            help = "give it another name"
            report(catalogue.WRITTEN_AGAIN.at(place.span, layer="input", blob=name, help=help))
        seen.add(name)


def _extents(shapes: Sequence[Sequence[int]], dimensions: Sequence[int]) -> Iterator[Extent]:
    if shapes:
        yield from map(extent_of, shapes)
        return
    for start in range(0, len(dimensions) - _DIMENSIONS + 1, _DIMENSIONS):
        yield extent_of(dimensions[start : start + _DIMENSIONS])


# --- phase


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
