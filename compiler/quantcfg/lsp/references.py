"""All that touches a layer: the settings that it has its values from, or would have without others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantcfg.lsp.definition import layers_at
from quantcfg.lsp.document import Document
from quantcfg.lsp.reach import explanation
from quantcfg.network import Layer
from quantcfg.plan import Plan
from quantcfg.source import Span


def references(
    document: Document, offset: int, requests: Iterable[Document], *, with_definition: bool
) -> tuple[Span, ...]:
    """Return the places in quant.cfg files that touch the layer, or the layers of the type, at an offset.

    with_definition adds where the layers are in the prototxt.
    """
    touched = layers_at(document, offset)
    defined = [layer.span for layer in touched if layer.span] if with_definition else []
    return (*defined, *(span for each in requests if each.plan for span in _touching(each.plan, touched)))


def _touching(plan: Plan, layers: Iterable[Layer]) -> Iterator[Span]:
    """Yield the places in the order of the text, each once."""
    found = {span for layer in layers for span in _of_layer(plan, layer)}
    yield from sorted(found, key=lambda span: (span.start, span.end))


def _of_layer(plan: Plan, layer: Layer) -> Iterator[Span]:
    request = plan.request
    for override in (*request.layer_overrides, *request.type_overrides):
        if override.target.span and override.target.value in (layer.name, layer.type):
            yield override.target.span
    for name in (*request.skip_fusion_layers, *request.skip_layers, *request.skip_layer_types):
        if name.span and name.value in (layer.name, layer.type):
            yield name.span
    for each in explanation(plan, layer.name).layers:
        given = [setting for value in each.values for setting in value.chain]
        given += [beaten.setting for value in each.values for beaten in value.beaten]
        calibrations = [each.calibration] if each.calibration else []
        yield from (span for setting in given if (span := setting.span))
        yield from (span for level in (*calibrations, *each.replaced) if (span := level.span))
