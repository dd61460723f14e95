"""Format any file in protobuf text format, such as a quant.cfg or a model."""

from __future__ import annotations

from quantcfg import limits
from quantcfg.compile import is_text_format
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.source import Source
from quantcfg.textproto import parse, tree
from quantcfg.textproto.printer import print_document


def format_source(source: Source, report: Report) -> str | None:
    """Return the formatted text, or None after reporting syntax errors."""
    if not is_text_format(source, report, wanted="protobuf text format"):
        return None
    found: list[Diagnostic] = []
    document = parse(source, found.append)
    if not has_errors(found) and (deep := _too_deep(document)):
        found.append(catalogue.TOO_DEEP.at(document.span(deep.name), limit=limits.NESTING))
    for diagnostic in found:
        report(diagnostic)
    return None if has_errors(found) else print_document(document)


def _too_deep(document: tree.Document) -> tree.Field | None:
    """Return the first field that is nested too deep; the file itself is level one."""
    pending = [(field, field.value, 1) for field in reversed(document.fields)]
    while pending:
        field, value, depth = pending.pop()
        if isinstance(value, tree.List):
            pending += [(field, item, depth) for item in reversed(value.items)]
        elif isinstance(value, tree.Message):
            if depth >= limits.NESTING:
                return field
            pending += [(inner, inner.value, depth + 1) for inner in reversed(value.fields)]
    return None
