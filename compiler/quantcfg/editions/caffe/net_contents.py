"""The inputs of a net outside its layers (UpgradeNetInput), and its layers in phase TEST (FilterNet)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.editions.caffe.definitions import Definition, version_of
from quantcfg.editions.caffe.shapes import Extent, extent_of
from quantcfg.frozen import small_value
from quantcfg.source import Span
from quantcfg.textproto import Binding, BoundMessage

_LEVEL = 0
_PHASES = ("TRAIN", "TEST")
_DIMENSIONS = 4
"""The number of input_dim values per input."""


@small_value
class Inputs:
    """The fields input, input_shape and input_dim of a net.

    made are the inputs that Caffe creates, with their extents. dropped are all inputs
    if there is no shape at all. stop_upgrade is whether, in this format version, the
    upgrade fails on a blob that no layer writes.
    """

    made: Mapping[str, Extent]
    dropped: Sequence[str]
    stop_upgrade: bool


def net_inputs(binding: Binding, report: Report) -> Inputs:
    """Return the inputs of a caffe.NetParameter; report missing shapes."""
    net, is_v0 = binding.whole, version_of(binding.whole) == 0
    # The upgrade of a V0 net drops input_shape.
    shapes = [] if is_v0 else [shape["dim"] for shape in net["input_shape"]]
    if not shapes and "input_dim" not in net:
        return Inputs({}, tuple(net["input"]), is_v0)
    _check_names(binding, report)
    extents = list(_extents(shapes, net["input_dim"]))
    if len(extents) < len(net["input"]):
        place, left = binding.place_at(("input", len(extents))), len(net["input_dim"]) % _DIMENSIONS
        assert place
        needed, found = ("an input_shape", "none") if shapes else (f"{_DIMENSIONS} input_dim", left)
        name = net["input"][len(extents)]
        report(catalogue.INPUT_WITHOUT_SHAPE.at(place.span, name=name, needed=needed, found=found))
        extents += [Extent()] * (len(net["input"]) - len(extents))
    return Inputs(dict(zip(net["input"], extents, strict=False)), (), is_v0)


def _check_names(binding: Binding, report: Report) -> None:
    """Report duplicate inputs: Caffe makes all inputs the tops of one layer."""
    seen: set[str] = set()
    for index, name in enumerate(binding.whole["input"]):
        if name in seen:
            place = binding.place_at(("input", index))
            assert place
            help = "rename this input"
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
    """Return the stages of the network state.

    Net(file, TEST) replaces the phase and level of the state and keeps its stages.
    The upgrade of a V0 net drops the state.
    """
    unknown = binding.unknown_enums.get(("state", "phase"))
    if unknown:
        report(_unknown_phase(unknown.span, "the network state"))
    return frozenset() if version_of(binding.whole) == 0 else frozenset(binding.whole["state"]["stage"])


def holds_in_test(layer: Definition, stages: frozenset[str], report: Report) -> bool:
    """Return whether a layer is in the network in phase TEST, at level 0.

    It is if one of its include rules matches, or if it has no include rules and none
    of its exclude rules matches. A layer with both kinds of rules is an error.
    """
    include, exclude = layer.parameter["include"], layer.parameter["exclude"]
    if "phase" in layer.unknown_enums:
        report(_unknown_phase(layer.unknown_word("phase").span, f'layer "{layer.name}"'))
        return True
    if include and exclude:
        firsts = [layer.binding.place_at((*layer.path, rules, 0)) for rules in ("include", "exclude")]
        related = [Related(first.name_span, f"{first.name_span.text} rule here") for first in firsts if first]
        report(catalogue.INCLUDE_AND_EXCLUDE.at(layer.span, layer=layer.name, related=related))
        return True
    if include:
        return any(_matches(rule, stages) for rule in include)
    return not any(_matches(rule, stages) for rule in exclude)


def _unknown_phase(span: Span, owner: str) -> Diagnostic:
    near = suggest(span.text, _PHASES).names
    help = f"use {' or '.join(near)}" if near else None
    return catalogue.UNKNOWN_PHASE.at(span, owner=owner, value=span.text, help=help)


def _matches(rule: BoundMessage, stages: frozenset[str]) -> bool:
    return not (
        ("phase" in rule and rule["phase"] != "TEST")
        or ("min_level" in rule and rule["min_level"] > _LEVEL)
        or ("max_level" in rule and rule["max_level"] < _LEVEL)
        or not stages.issuperset(rule["stage"])
        or not stages.isdisjoint(rule["not_stage"])
    )
