"""A SARIF 2.1.0 log for code scanning."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby
from typing import Any
from urllib.parse import quote

from quantcfg.diagnostics.catalogue import Rule, rules, summary
from quantcfg.diagnostics.diagnostic import Diagnostic, Edit, Related
from quantcfg.source import Span

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render_all(diagnostics: Sequence[Diagnostic], *, color: bool = False) -> str:  # noqa: ARG001
    """Return the log of one run, also without diagnostics."""
    known = rules()
    used = [known[code] for code in sorted({diagnostic.code for diagnostic in diagnostics})]
    index = {rule.code: number for number, rule in enumerate(used)}
    driver = {
        "name": "quantcfg",
        "version": version("quantcfg"),
        "rules": [_rule(rule) for rule in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(diagnostic, index) for diagnostic in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "shortDescription": {"text": summary(rule.code)},
        "help": {"text": f'run "quantcfg rule {rule.code}" for details'},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(diagnostic: Diagnostic, index: Mapping[str, int]) -> dict[str, Any]:
    help = f"; {diagnostic.help}" if diagnostic.help else ""
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": index[diagnostic.code],
        "level": diagnostic.severity,
        "message": {"text": diagnostic.message + help},
        "locations": list(_locations(diagnostic)),
    }
    related = [_related(each) for each in diagnostic.related if each.span.source.is_file]
    if related:
        result["relatedLocations"] = related
    if diagnostic.fix:
        result["fixes"] = [{"artifactChanges": list(_changes(diagnostic.fix))}]
    return result


def _locations(diagnostic: Diagnostic) -> Iterator[dict[str, Any]]:
    if diagnostic.span and diagnostic.span.source.is_file:
        yield _location(diagnostic.span)
    elif diagnostic.file:
        yield {"physicalLocation": {"artifactLocation": _artifact(diagnostic.file)}}


def _related(related: Related) -> dict[str, Any]:
    return {**_location(related.span), "message": {"text": related.message}}


def _location(span: Span) -> dict[str, Any]:
    artifact = {"artifactLocation": _artifact(span.source.name)}
    if span.source.is_binary:
        return {"physicalLocation": artifact, "logicalLocations": [{"fullyQualifiedName": span.element}]}
    return {"physicalLocation": {**artifact, "region": _region(span)}}


def _changes(edits: Iterable[Edit]) -> Iterator[dict[str, Any]]:
    for name, group in groupby(edits, lambda edit: edit.span.source.name):
        yield {
            "artifactLocation": _artifact(name),
            "replacements": [
                {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
                for edit in group
            ],
        }


def _artifact(file: str) -> dict[str, str]:
    return {"uri": quote(os.fsencode(file))}


def _region(span: Span) -> dict[str, int]:
    (line, column), (end_line, end_column) = span.start_position, span.end_position
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}
