"""Check that weights fit the network, as CopyTrainedLayersFrom does in Caffe (net.cpp, blob.cpp)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import TYPE_CHECKING

from quantcfg.diagnostics import Report, catalogue
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.definitions import Definition
from quantcfg.editions.caffe.shapes import Expected, Parameters, PartialShape, may_be_equal, shown
from quantcfg.source import Source

if TYPE_CHECKING:
    from quantcfg.editions.caffe.weights import Blob, WeightLayer, Weights

_LEGACY_RANK = 4


def check_weights(parameters: Sequence[Parameters], weights: Weights, source: Source, report: Report) -> None:
    """Report weights for another network, layers without weights, and blobs that do not fit."""
    weighted = [each.layer for each in parameters if caffe_types.has_weights(each.layer.type)]
    if weighted and not any(each.layer.name in weights.layers for each in parameters):
        report(catalogue.FOREIGN_WEIGHTS.at(None, file=weights.file, model=source.name))
        return
    without = [layer for layer in weighted if layer.name not in weights.layers]
    if without:
        names = quoted(layer.name for layer in without)
        report(catalogue.WITHOUT_WEIGHTS.at(without[0].span, file=weights.file, layers=names))
    _check_fit(parameters, weights, report)


def _check_fit(parameters: Sequence[Parameters], weights: Weights, report: Report) -> None:
    # Caffe copies weights to the first layer with a name.
    first = {each.layer.name: each for each in reversed(parameters)}
    misfits = [
        (each.layer, misfit)
        for name, each in reversed(first.items())
        if name in weights.layers and (misfit := _misfit(each, weights.layers[name]))
    ]
    if misfits:
        layer, (reason, help) = misfits[0]
        names = quoted(layer.name for layer, _ in misfits)
        report(
            catalogue.OTHER_WEIGHTS.at(
                layer.span, file=weights.file, layers=names, layer=layer.name, reason=reason, help=help
            )
        )


def _misfit(parameters: Parameters, stored: WeightLayer) -> tuple[str, str] | None:
    """Return why stored blobs do not fit a layer, and the help; None if they fit."""
    if parameters.shapes is None:
        return None
    if len(stored.blobs) != len(parameters.shapes):
        reason = f"has {counted(len(stored.blobs), 'blob')}, but the prototxt needs {len(parameters.shapes)}"
        return reason, _bias_help(parameters.layer, len(stored.blobs) - len(parameters.shapes))
    return next(((reason, _OTHER_FILE) for reason in _blob_problems(parameters.shapes, stored)), None)


def _bias_help(layer: Definition, excess: int) -> str:
    """Return the help for excess or missing blobs; a single one may be the bias."""
    field = layer.parameter.descriptor.fields.get(caffe_types.parameter_field(layer.type) or "")
    has_bias = field is not None and field.message is not None and "bias_term" in field.message.fields
    if not has_bias or abs(excess) != 1:
        return _OTHER_FILE
    return f"write bias_term: {'true' if excess > 0 else 'false'}, or {_OTHER_FILE}"


_OTHER_FILE = "use the caffemodel of this network"


def _blob_problems(expected: Sequence[Expected], stored: WeightLayer) -> Iterator[str]:
    for (name, shape), blob in zip(expected, stored.blobs, strict=True):
        found = f"has a {name} of {shown(blob.shape or ())}"
        if shape is not None and not _fits(blob, shape):
            yield f"{found}, but the prototxt needs {shown(shape)}"
        elif (blob.data_length or 0) != prod(blob.shape or ()):
            yield f"{found}, but with {counted(blob.data_length or 0, 'value')}"


def _fits(blob: Blob, shape: PartialShape) -> bool:
    """Return whether a blob has a shape, as ShapeEquals does: legacy shapes are padded with ones in front."""
    if blob.is_legacy:
        shape = (1,) * (_LEGACY_RANK - len(shape)) + shape
    return may_be_equal(blob.shape or (), shape)
