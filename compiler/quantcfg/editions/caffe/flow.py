"""Check the blobs between layers as Net::Init does (net.cpp, insert_splits.cpp, layer.hpp)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from quantcfg.diagnostics import Diagnostic, Related, Report, catalogue, related
from quantcfg.diagnostics.phrases import counted
from quantcfg.diagnostics.suggestions import suggest, worth_suggesting
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.editions.caffe.net_contents import Inputs
from quantcfg.network.network import Layer

_BlobState = tuple[str, int]
"""The name of a blob, and how many layers have written it so far."""


def check_flow(
    inputs: Inputs, layers: Sequence[Definition], absent: Sequence[Definition], report: Report
) -> None:
    """Report bottoms that no layer writes, and tops that two layers write.

    absent are the layers that are not in phase TEST.
    """
    missing = _missing_bottoms(inputs, layers)
    if missing:
        _report_missing(missing, inputs, layers, absent, report)
        # A layer with a misspelled bottom may still work in place.
        layers = [layer for layer in layers if missing.keys().isdisjoint(layer.bottoms)]
    _check_tops(inputs, layers, report)


def check_counts(layers: Iterable[Definition], report: Report) -> None:
    """Report layers with too many or too few bottoms or tops for their type."""
    for layer in layers:
        if problem := wrong_count(layer):
            message, help = problem
            report(catalogue.WRONG_BLOB_COUNT.at(layer.span, layer=layer.name, problem=message, help=help))


def _missing_bottoms(inputs: Inputs, layers: Sequence[Definition]) -> dict[str, tuple[int, int]]:
    """Return the blobs that are read before they are written, with the first layer and bottom to do so."""
    known = set(inputs.made)
    missing: dict[str, tuple[int, int]] = {}
    for position, layer in enumerate(layers):
        for index, blob in enumerate(layer.bottoms):
            if blob not in known:
                missing.setdefault(blob, (position, index))
        # If a layer has no top, its blob most likely has the name of the layer.
        known.update(layer.tops or (layer.name,))
    return missing


def _report_missing(
    missing: Mapping[str, tuple[int, int]],
    inputs: Inputs,
    layers: Sequence[Definition],
    absent: Sequence[Definition],
    report: Report,
) -> None:
    writers = {blob: position for position, layer in enumerate(layers) for blob in layer.tops}
    absent_writers = {blob: layer for layer in absent for blob in layer.tops}
    names = [*inputs.made, *writers]
    suggestible = set(worth_suggesting(missing, names))
    for blob, (position, index) in missing.items():
        help, source = f'add an Input layer with the top "{blob}"', None
        if blob in inputs.dropped:
            # The upgrade of a V0 net drops input_shape.
            shape = "four input_dim" if inputs.stop_upgrade else "input_shape { dim: ... }"
            help = f'add {shape} for input "{blob}"'
        elif writers.get(blob, -1) >= position:
            help = "move it after the layer that writes the blob"
            source = Related(layers[writers[blob]].span, "written here")
        elif blob in absent_writers:
            writer = absent_writers[blob]
            help = f'include layer "{writer.name}" in phase TEST' if writer.bottoms else help
            source = Related(writer.span, "written here, but this layer is not in phase TEST")
        elif blob in suggestible:
            earlier = (name for name in names if writers.get(name, -1) < position)
            help = suggest(blob, earlier).help or help
        layer, rule = layers[position], _unknown_bottom_rule(blob, inputs)
        span, related = layer.bottom_place(index).span, [source] if source else []
        report(rule.at(span, layer=layer.name, blob=blob, help=help, related=related))


def _unknown_bottom_rule(blob: str, inputs: Inputs) -> catalogue.Rule:
    # The upgrade of a V0 net knows a dropped input; the upgraded net does not.
    stops_upgrade = inputs.stop_upgrade and blob not in inputs.dropped
    return catalogue.UNKNOWN_BOTTOM_OF_V0 if stops_upgrade else catalogue.UNKNOWN_BOTTOM


def _check_tops(inputs: Inputs, layers: Sequence[Definition], report: Report) -> None:
    """Report tops that another layer has already written, unless the layer works in place.

    Caffe splits a blob with several readers, so no layer can change such a blob in place.
    """
    readers = _readers(inputs, layers)
    written = defaultdict(int, dict.fromkeys(inputs.made, 1))
    writers: dict[str, Definition] = {}
    for layer in layers:
        for index, blob in enumerate(layer.tops):
            version = written[blob]
            if version and not _is_in_place(layer, index):
                report(_written_again(layer, index, writers.get(blob), help="rename this top"))
            elif version and readers[blob, version] > 1:
                help = "rename this top: other layers read the blob too"
                report(_written_again(layer, index, writers.get(blob), help=help))
            written[blob] += 1
            writers[blob] = layer


def _readers(inputs: Inputs, layers: Sequence[Definition]) -> Mapping[_BlobState, int]:
    """Return the number of readers of each state of a blob."""
    written = defaultdict(int, dict.fromkeys(inputs.made, 1))
    readers: dict[_BlobState, int] = defaultdict(int)
    for layer in layers:
        for blob in layer.bottoms:
            readers[blob, written[blob]] += 1
        for blob in layer.tops:
            written[blob] += 1
    return readers


def _is_in_place(layer: Definition, index: int) -> bool:
    return index < len(layer.bottoms) and layer.bottoms[index] == layer.tops[index]


def _written_again(layer: Definition, index: int, writer: Definition | None, *, help: str) -> Diagnostic:
    place = related(writer.span if writer else None, "first written here")
    span = layer.top_place(index).span
    return catalogue.WRITTEN_AGAIN.at(
        span, layer=layer.name, blob=layer.tops[index], related=place, help=help
    )


def wrong_count(layer: Definition | Layer) -> tuple[str, str | None] | None:
    """Return the problem with the number of bottoms or tops, and the help; None if there is none."""
    bottoms, tops, must_match = caffe_types.bottoms_and_tops(layer.type)
    for noun, blobs, (low, high) in (("bottom", layer.bottoms, bottoms), ("top", layer.tops, tops)):
        if low and not blobs:
            return f"has no {noun}", f'add {noun}: "{layer.name if noun == "top" else "..."}"'
        if len(blobs) < low or (high is not None and len(blobs) > high):
            return f"has {counted(len(blobs), noun)}, but {layer.type} takes {_between(low, high)}", None
    if must_match and len(layer.tops) != len(layer.bottoms):
        there = f"{counted(len(layer.bottoms), 'bottom')} and {counted(len(layer.tops), 'top')}"
        return f"has {there}, but {layer.type} needs the same number of both", None
    return None


def _between(low: int, high: int | None) -> str:
    if high is None:
        return f"at least {low}"
    return str(low) if low == high else f"{low} to {high}"
