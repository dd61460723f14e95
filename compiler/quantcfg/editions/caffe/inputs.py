"""The inputs of a net that are not layers: input with input_shape or input_dim (UpgradeNetInput)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from quantcfg.diagnostics import Report, catalogue
from quantcfg.editions.caffe.definitions import version_of
from quantcfg.editions.caffe.shapes import Extent, extent_of
from quantcfg.frozen import small_value
from quantcfg.textproto import Binding

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
