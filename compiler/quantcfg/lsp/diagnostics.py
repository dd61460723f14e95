"""What is wrong with a text, its model included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from quantcfg.diagnostics import Diagnostic, has_errors, related
from quantcfg.lsp.document import Document, model_named
from quantcfg.provenance import words


def findings(document: Document) -> tuple[Diagnostic, ...]:
    """Return what "quantcfg check" says of a text, behind what keeps its model from being read."""
    if document.is_prototxt:
        return tuple(each for each in document.diagnostics if _is_in(document, each))
    return (*_of_model(document), *document.diagnostics)


def _is_in(document: Document, diagnostic: Diagnostic) -> bool:
    name = diagnostic.span.source.name if diagnostic.span else diagnostic.file
    return name == document.source.name


def _of_model(document: Document) -> Iterator[Diagnostic]:
    """Yield what is wrong with a model that cannot be read, where the text names it, or at its start."""
    model = document.model
    if model is None or model.network or not has_errors(model.diagnostics):
        return
    named = model_named(document)
    for each in model.diagnostics:
        of_weights = (each.span.source.name if each.span else each.file) == model.named.weights
        message = f"the {'weights' if of_weights else 'model'}{words.at(each.span)}: {each.message}"
        span = (named.weights_span if of_weights else named.span) if named else None
        place = related(each.span, "it is here")
        yield replace(each, message=message, span=span, related=place, fix=(), file=document.source.name)
