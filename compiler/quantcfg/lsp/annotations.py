"""Inlay hints, and the compiled JSON of a quant.cfg with its code lens."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.frozen import frozen_value
from quantcfg.lsp.document import Document
from quantcfg.lsp.reach import all_reached
from quantcfg.plan import LayerPlan, Plan


@frozen_value
class Hint:
    """A short text shown at an offset, with a longer tooltip."""

    offset: int
    text: str
    tooltip: str


def hints(document: Document, start: int, end: int) -> tuple[Hint, ...]:
    """Return the inlay hints of a quant.cfg between two offsets, in order."""
    plan = document.plan
    if plan is None or document.network is None:
        return ()
    found = (hint for hint in _hints(plan) if start <= hint.offset <= end)
    return tuple(sorted(found, key=lambda hint: hint.offset))


def _hints(plan: Plan) -> Iterator[Hint]:
    for each in all_reached(plan):
        yield _hint(each.name.end, each.layers)
    for layer_type in plan.request.skip_layer_types:
        if layer_type.span:
            layers = [layer for layer in plan.layers if layer.layer.type == layer_type.value]
            yield _hint(layer_type.span.end, layers)


def _hint(offset: int, layers: Sequence[LayerPlan]) -> Hint:
    names = quoted(layer.layer.name for layer in layers) if layers else "none"
    return Hint(offset, counted(len(layers), "layer"), names)


def compiled(document: Document) -> str | None:
    """Return the JSON that a quant.cfg compiles to, None if it has errors or no model."""
    result = document.compiled if document.is_request else None
    return result.configuration.text if result and result.ok else None


def title(document: Document) -> str | None:
    """Return the title of the code lens, None if the document is not a quant.cfg."""
    plan = document.plan
    if plan is None:
        return None
    if document.model is None:
        return 'no model: add "# quantcfg-model: FILE" at the top'
    model = os.path.basename(document.model.named.model)
    if document.network is None or has_errors(document.diagnostics):
        return f"no compiled JSON for {model}: fix the errors first"
    quantized = sum(layer.enabled.value for layer in plan.layers)
    skipped = len(plan.layers) - quantized
    return f"show the compiled JSON for {model} ({counted(quantized, 'layer')} quantized, {skipped} skipped)"
