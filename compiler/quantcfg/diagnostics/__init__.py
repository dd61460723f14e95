"""Diagnostics: their type, the catalogue of all codes, fixes and output formats."""

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
