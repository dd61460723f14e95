"""The formats in which diagnostics are shown, one module for each.

Every module has render_all(diagnostics, color) -> str: all of them as one
text, without a final newline; empty where there is nothing to say. color is
for a terminal, and means nothing to most formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

from quantcfg.diagnostics.diagnostic import Diagnostic

FORMATS = ("text", "concise", "json", "sarif", "github")
DOCUMENTS = ("json", "sarif")
"""The formats that are one document: nothing may stand before or behind it."""


def render_all(name: str, diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Return diagnostics in the format of that name, which is loaded only if there is something to say."""
    if not diagnostics and name not in DOCUMENTS:
        return ""
    rendered: str = import_module(f"{__name__}.{name}").render_all(diagnostics, color=color)
    return rendered
