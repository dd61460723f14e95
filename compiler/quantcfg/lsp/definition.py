"""Where the thing is defined that a text names at an offset."""

from __future__ import annotations

from quantcfg.configuration import places_in
from quantcfg.lsp.document import Document, fields_at, model_named, string_at, text_of
from quantcfg.network import Layer, Network
from quantcfg.plan.names import known_names
from quantcfg.source import Source, Span
from quantcfg.values import frozen_value


@frozen_value
class Name:
    """The name of a layer, or of a type of layers, and where it stands."""

    text: str
    is_layer: bool
    span: Span


def definitions(document: Document, offset: int) -> tuple[Span, ...]:
    """Return where the layer at an offset is in its prototxt; of a type, where all its layers are.

    Of the comment that names the model, it is the start of that.
    """
    named, model = model_named(document), document.model
    if named and named.span and model and named.span.start <= offset <= named.span.end:
        return (Span(Source(model.named.model, ""), 0, 0),)
    return tuple(layer.span for layer in layers_at(document, offset) if layer.span)


def layers_at(document: Document, offset: int) -> tuple[Layer, ...]:
    """Return the layer whose name stands at an offset, or all layers of the type."""
    name, network = name_at(document, offset), document.network
    if network is None or name is None:
        return ()
    layers = network.layers
    return tuple(each for each in layers if name.text == (each.name if name.is_layer else each.type))


def name_at(document: Document, offset: int) -> Name | None:
    """Return the name of a layer, or of a type, that stands at an offset."""
    network = document.network
    if network is None:
        return None
    if document.is_request:
        return _name_in_request(document, network, offset)
    if document.is_prototxt:
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
    known = known_names(network).get(fields[-1].name.text) if fields else None
    text = text_of(string) if string else None
    if string is None or known is None or text is None:
        return None
    return Name(text, known.are_layers, document.span(string))
