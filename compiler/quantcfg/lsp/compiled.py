"""The configuration that a quant.cfg compiles to."""

from __future__ import annotations

import os

from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.phrases import counted
from quantcfg.lsp.document import Document


def compiled(document: Document) -> str | None:
    """Return the JSON that a quant.cfg compiles to, None where it has errors or no model."""
    compiled = document.compiled if document.is_request else None
    return compiled.configuration.text if compiled and compiled.ok else None


def title(document: Document) -> str | None:
    """Return what there is to show, and for which model, or why there is nothing; None for no quant.cfg."""
    plan = document.plan
    if plan is None:
        return None
    if document.model is None:
        return 'no model: name one by "# quantcfg-model: deploy.prototxt" at the top'
    model = os.path.basename(document.model.named.model)
    if document.network is None or has_errors(document.diagnostics):
        return f"for {model}: nothing to show while there are errors"
    quantized = sum(layer.enabled.value for layer in plan.layers)
    skipped = len(plan.layers) - quantized
    return f"show the compiled JSON for {model} ({counted(quantized, 'layer')} quantized, {skipped} skipped)"
