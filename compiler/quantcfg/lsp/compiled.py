"""The configuration that a quant.cfg compiles to."""

from __future__ import annotations

from quantcfg.diagnostics import has_errors
from quantcfg.diagnostics.words import counted
from quantcfg.lsp.document import Document
from quantcfg.output import config_of, text_of


def compiled(document: Document) -> str | None:
    """Return the JSON that a quant.cfg compiles to, None where it has errors or no model."""
    plan = document.plan
    if plan is None or document.network is None or has_errors(document.diagnostics):
        return None
    return text_of(config_of(plan))


def summary(document: Document) -> str | None:
    """Return in words what the JSON has, None where there is none."""
    plan = document.plan
    if plan is None or document.network is None or has_errors(document.diagnostics):
        return None
    quantized = sum(layer.enabled.value for layer in plan.layers)
    skipped = len(plan.layers) - quantized
    return f"{counted(quantized, 'layer')} quantized, {skipped} skipped"
