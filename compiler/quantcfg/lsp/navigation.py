"""Go to definition and find references, for layer names and layer types."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from quantcfg.configuration import places_in
from quantcfg.frozen import frozen_value
from quantcfg.lsp.document import Document, fields_at, model_named, path_of, string_at, text_of
from quantcfg.lsp.fields import known_at
from quantcfg.lsp.models import Model
from quantcfg.lsp.reach import explanation
from quantcfg.network import Layer, Network
from quantcfg.plan import Plan
from quantcfg.source import Source, Span


@frozen_value
class Name:
    """A layer name or a layer type in a document, with its span."""

    text: str
    is_layer: bool
    span: Span


def definitions(document: Document, offset: int) -> tuple[Span, ...]:
    """Return the span of the layer named at an offset, or of all layers of the layer type there.

    In the comment that names the model, it is the start of the model.
    """
    named, model = model_named(document), document.model
    if named and named.span and model and named.span.start <= offset <= named.span.end:
        return (_start(model),)
    return tuple(layer.span for layer in layers_at(document, offset) if layer.span)


def _start(model: Model) -> Span:
    """Return the start of a model; of a binary one, it is the first layer."""
    first = next(iter(model.network.layers if model.network else ()), None)
    is_binary = first and first.span and first.span.source.is_binary
    return first.span if first and first.span and is_binary else Span(Source(model.named.model, ""), 0, 0)


def layers_at(document: Document, offset: int) -> tuple[Layer, ...]:
    """Return the layer named at an offset, or all layers of the layer type there."""
    name, network = name_at(document, offset), document.network
    if network is None or name is None:
        return ()
    layers = network.layers
    return tuple(each for each in layers if name.text == (each.name if name.is_layer else each.type))


def name_at(document: Document, offset: int) -> Name | None:
    """Return the layer name or layer type at an offset."""
    network = document.network
    if network is None:
        return None
    if document.is_request:
        return _name_in_request(document, network, offset)
    if document.is_model:
        spans = [(layer.name, layer.span) for layer in network.layers]
    else:
        spans = [
            (str(path[0]), Span(document.source, member.key.start, member.key.end))
            for path, _, member in places_in(document.source).all()
            if member and len(path) == 1
        ]
    names = (Name(name, True, span) for name, span in spans if span and span.start <= offset <= span.end)
    return next(names, None)


def _name_in_request(document: Document, network: Network, offset: int) -> Name | None:
    string, fields = string_at(document, offset), fields_at(document, offset)
    known = known_at(network, path_of(fields))
    text = text_of(string) if string else None
    if string is None or known is None or text is None:
        return None
    return Name(text, known.are_layers, document.span(string))


def references(
    document: Document, offset: int, requests: Iterable[Document], *, with_definition: bool
) -> tuple[Span, ...]:
    """Return the spans in requests that affect the layer at an offset, or the layers of its type.

    with_definition adds the definitions of the layers.
    """
    layers = layers_at(document, offset)
    defined = [layer.span for layer in layers if layer.span] if with_definition else []
    return (*defined, *(span for each in requests if each.plan for span in _affecting(each.plan, layers)))


def _affecting(plan: Plan, layers: Iterable[Layer]) -> Iterator[Span]:
    """Yield the spans in order, without duplicates."""
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
    for tensor in request.tensors:
        if tensor.layer.span and tensor.layer.value == layer.name:
            yield tensor.layer.span
    for each in explanation(plan, layer.name).layers:
        given = [setting for value in each.values for setting in value.chain]
        given += [beaten.setting for value in each.values for beaten in value.beaten]
        calibrations = [each.calibration] if each.calibration else []
        yield from (span for setting in given if (span := setting.span))
        yield from (span for level in (*calibrations, *each.replaced) if (span := level.span))
