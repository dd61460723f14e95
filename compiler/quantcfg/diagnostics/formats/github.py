"""Workflow commands for GitHub Actions, which annotate the lines of a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from quantcfg.diagnostics.diagnostic import Diagnostic, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_IN_MESSAGES = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:  # noqa: ARG001
    """Return a workflow command for each diagnostic."""
    return "\n".join(_command(diagnostic) for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    properties = {"title": f"quantcfg {diagnostic.code}", **_location(diagnostic)}
    shown = ",".join(f"{name}={_escaped(value, _IN_PROPERTIES)}" for name, value in properties.items())
    element = diagnostic.span.element if diagnostic.span else None
    message = "; ".join(filter(None, (element, diagnostic.message, diagnostic.help)))
    return f"::{_COMMANDS[diagnostic.severity]} {shown}::{_escaped(message, _IN_MESSAGES)}"


def _location(diagnostic: Diagnostic) -> dict[str, object]:
    span = diagnostic.span
    if span is None:
        return {"file": diagnostic.file} if diagnostic.file else {}
    if not span.source.is_file:
        return {}
    if span.source.is_binary:
        return {"file": span.source.name}
    (line, column), (end_line, end_column) = span.start_position, span.end_position
    location = {"file": span.source.name, "line": line, "endLine": end_line}
    # GitHub accepts columns only within one line; the end column is inclusive.
    return location | ({"col": column, "endColumn": max(column, end_column - 1)} if line == end_line else {})


def _escaped(value: object, escapes: Mapping[str, str]) -> str:
    return "".join(escapes.get(char, char) for char in str(value))
