"""One JSON document for programs; docs/checking.md describes it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from quantcfg.diagnostics.diagnostic import Diagnostic, Edit, Related
from quantcfg.source import Span

_VERSION = 1


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:  # noqa: ARG001
    """Return the document, also without diagnostics."""
    return json.dumps({"version": _VERSION, "diagnostics": [_entry(each) for each in diagnostics]}, indent=2)


def _entry(diagnostic: Diagnostic) -> dict[str, Any]:
    where = (
        place(diagnostic.span) if diagnostic.span else {"file": diagnostic.file, "start": None, "end": None}
    )
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity,
        "message": diagnostic.message,
        **where,
        "related": [_related(related) for related in diagnostic.related],
        "help": diagnostic.help,
        "fix": [_edit(edit) for edit in diagnostic.fix] or None,
    }


def _related(related: Related) -> dict[str, Any]:
    return {"message": related.message, **place(related.span)}


def _edit(edit: Edit) -> dict[str, Any]:
    return {**place(edit.span), "text": edit.text}


def place(span: Span) -> dict[str, Any]:
    """Return the location of a span: its start, end, and file, which is None for an argument.

    In a binary file, it is the file and the element.
    """
    if span.source.is_binary:
        return {"file": span.source.name, "start": None, "end": None, "element": span.element}
    return {
        "file": span.source.name if span.source.is_file else None,
        "start": _position(span.start_position),
        "end": _position(span.end_position),
    }


def _position(position: tuple[int, int]) -> dict[str, int]:
    line, column = position
    return {"line": line, "column": column}
