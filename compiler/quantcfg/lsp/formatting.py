"""The edits that put a text into the canonical layout."""

from __future__ import annotations

from quantcfg.diagnostics import Edit
from quantcfg.formatting import format_source
from quantcfg.lsp.document import Document
from quantcfg.lsp.edits import difference


def layout(document: Document) -> tuple[Edit, ...]:
    """Return the edit that lays out a quant.cfg or a prototxt; none where nothing changes, or nothing can."""
    text = None if document.is_configuration else format_source(document.source, lambda _: None)
    return () if text is None else difference(document.source, text)
