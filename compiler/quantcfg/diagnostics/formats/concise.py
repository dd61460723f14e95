"""One line per diagnostic, as compilers print them, for people and for editors."""

from __future__ import annotations

from collections.abc import Sequence

from quantcfg.diagnostics.diagnostic import Diagnostic
from quantcfg.diagnostics.formats import text


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:
    """Return a line for each diagnostic: the first line of the text format."""
    return "\n".join(text.render_heading(diagnostic, color=color) for diagnostic in diagnostics)
