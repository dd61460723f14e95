"""Output formats for diagnostics, one module each.

Every module has render_all(diagnostics, color), which returns the output without a final newline.
Only the formats for terminals use color.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from quantcfg.diagnostics.diagnostic import Diagnostic

FORMATS = ("text", "concise", "json", "sarif", "github")
DOCUMENTS = ("json", "sarif")
"""The formats that print one document, and nothing before or after it."""


def render_all(name: str, diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Return diagnostics in a format, whose module is imported on first use."""
    if not diagnostics and name not in DOCUMENTS:
        return ""
    rendered: str = import_module(f"{__name__}.{name}").render_all(diagnostics, color=color)
    return rendered
