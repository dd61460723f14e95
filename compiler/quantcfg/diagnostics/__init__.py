"""Diagnostics: the value, the catalogue of all there are, and their renderings."""

from quantcfg.diagnostics.diagnostic import (
    Diagnostic,
    Edit,
    Related,
    Report,
    Severity,
    has_errors,
    in_order,
    related,
)

__all__ = ["Diagnostic", "Edit", "Related", "Report", "Severity", "has_errors", "in_order", "related"]
