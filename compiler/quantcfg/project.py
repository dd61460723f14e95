"""The model and the edition of a file, if no option gives them.

A quant.cfg can name its model in comments at its top, "# quantcfg-model: FILE"
and "# quantcfg-weights: FILE". Otherwise they are read from quantcfg.toml in
the nearest parent directory.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from quantcfg import contracts, editions
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.editions.sources import read_source
from quantcfg.frozen import frozen_value, replace
from quantcfg.source import Source, Span

SETTINGS = "quantcfg.toml"

_TOP = re.compile(f"\ufeff*(?:(?:{contracts.terminal('WHITESPACE')})?{contracts.terminal('COMMENT')})*")
_NAMED = re.compile(r"#[ \t]*quantcfg-(?P<kind>[\w-]+):[ \t]*(?P<file>[^\n]*[^\s])")
_COMMENTS = ("model", "weights")
_FILES = ("model", "weights", "config")
_KEYS = (*_FILES, "edition")
_MOST_UNKNOWN = 10
"""How many unknown settings of a file are reported: each takes a search."""
_TOML_ERROR = re.compile(r"(?s)(?P<reason>.*?)(?: \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\))?")
_VALUE = r"""(?m)^[ \t]*["']?(?P<key>{key})["']?[ \t]*=[ \t]*(?P<value>"[^"\n]*"|'[^'\n]*'|[^#\n]*[^#\s])"""


@frozen_value
class Named:
    """The files of a model, and the spans that name them; config is the quant.cfg of its configurations."""

    model: str
    weights: str | None = None
    span: Span | None = None
    weights_span: Span | None = None
    config: str | None = None

    def located(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic; one about a whole file gets the span that names the file."""
        if diagnostic.span or diagnostic.file is None:
            return diagnostic
        span = {self.model: self.span, self.weights: self.weights_span}.get(diagnostic.file)
        if span is None:
            return diagnostic
        is_unreadable = diagnostic.code == catalogue.UNREADABLE_FILE.code
        help = _relative_help(span) if is_unreadable else diagnostic.help
        return replace(diagnostic, span=span, file=None, help=help)


def _relative_help(span: Span) -> str | None:
    """Return the help for a file that cannot be read, None if its path is absolute."""
    is_settings = os.path.basename(span.source.name) == SETTINGS
    is_absolute = os.path.isabs(span.text.strip("\"'"))
    return None if is_absolute else f"the path is relative to {SETTINGS if is_settings else 'the quant.cfg'}"


@frozen_value
class Settings:
    """The settings in a quantcfg.toml: a model and the name of an edition."""

    model: Named | None = None
    edition: str | None = None


def model_of(source: Source | None, report: Report) -> Named | None:
    """Return the model that a file or its quantcfg.toml names, None if neither does.

    Without a file, it is the quantcfg.toml of the working directory.
    """
    return (source and named_model(source)) or settings_around(source, report).model


def named_model(source: Source) -> Named | None:
    """Return the model that a file names in the comments at its top."""
    named = {each["kind"]: each for each in _comments(source)}
    if "model" not in named:
        return None
    files = {kind: _relative_to(source.name, each["file"]) for kind, each in named.items()}
    spans = {kind: Span(source, *each.span("file")) for kind, each in named.items()}
    return Named(files["model"], files.get("weights"), spans["model"], spans.get("weights"))


def check_comments(source: Source, report: Report) -> None:
    """Report comments at the top of a file that look like settings but are unknown."""
    unknown = (each for each in _comments(source) if each["kind"] not in _COMMENTS)
    for each in islice(unknown, _MOST_UNKNOWN):
        report(_unknown(Span(source, *each.span("kind")), "a quantcfg comment", each["kind"], _COMMENTS))


def _comments(source: Source) -> Iterator[re.Match[str]]:
    top = _TOP.match(source.text)
    return _NAMED.finditer(source.text, 0, top.end() if top else 0)


def settings_around(source: Source | None, report: Report) -> Settings:
    """Return the settings of the nearest quantcfg.toml above a file, without those reported as errors.

    Without a file, it is the nearest one to the working directory.
    """
    name = source.name if source else SETTINGS
    path = _settings_file(name)
    settings = read_source(path, report, wanted="TOML") if path else None
    if settings is None:
        return Settings()
    values = _parsed(settings, report)
    named, edition = named_by(values, settings.name, report, settings), _edition(values, settings, report)
    for key in islice((key for key in values if key not in _KEYS), _MOST_UNKNOWN):
        report(_unknown(_span(settings, key, "key"), SETTINGS, key, _KEYS))
    return Settings(named, edition)


def named_by(
    values: Mapping[str, Any], name: str, report: Report, source: Source | None = None
) -> Named | None:
    """Return the model that settings name; its paths are relative to the file name, which has source."""
    files = {
        key: _relative_to(name, file) for key in _FILES if (file := _string(values, key, report, source))
    }
    if "model" not in files:
        return None
    spans = {key: _span(source, key) for key in files}
    return Named(
        files["model"], files.get("weights"), spans["model"], spans.get("weights"), files.get("config")
    )


def _edition(values: Mapping[str, Any], source: Source, report: Report) -> str | None:
    name = _string(values, "edition", report, source)
    if name is None or name in editions.NAMES:
        return name
    help = f"use {alternatives(editions.NAMES)}"
    span = _span(source, "edition")
    report(catalogue.UNKNOWN_ENUM_VALUE.at(span, field="edition", value=f'"{name}"', help=help))
    return None


def _string(values: Mapping[str, Any], key: str, report: Report, source: Source | None) -> str | None:
    """Return a string setting, None if it is not set, or after reporting another type."""
    value = values.get(key)
    if value is None or isinstance(value, str):
        return value or None
    report(catalogue.WRONG_TYPE.at(_span(source, key), field=key, expected="a string", found=str(value)))
    return None


def _relative_to(name: str, file: str) -> str:
    """Return the path of a file that is named in another one, relative to its directory."""
    return os.path.normpath(os.path.join(os.path.dirname(name), file))


def _settings_file(name: str) -> str | None:
    """Return the path of the nearest quantcfg.toml above a file; it is relative if the name is."""
    try:
        paths = (os.path.join(each, SETTINGS) for each in _directories(os.path.abspath(name)))
        path = next((path for path in paths if os.path.isfile(path)), None)
        return path if path is None or os.path.isabs(name) else os.path.relpath(path)
    except OSError:  # The working directory was deleted.
        return None


def _directories(path: str) -> Iterator[str]:
    """Yield the parent directories of a path, nearest first."""
    while (parent := os.path.dirname(path)) != path:
        yield parent
        path = parent


def _parsed(source: Source, report: Report) -> Mapping[str, Any]:
    import tomllib

    try:
        return tomllib.loads(source.text)
    except RecursionError:
        report(catalogue.NOT_TOML.at(_character(source, 0), reason="nested too deep"))
    except ValueError as error:
        parts = _TOML_ERROR.fullmatch(str(error))
        assert parts
        line, column = int(parts["line"] or 0), int(parts["column"] or 0)
        offset = source.line_bounds(line)[0] + column - 1 if line else len(source.text)
        reason = parts["reason"][:1].lower() + parts["reason"][1:]
        report(catalogue.NOT_TOML.at(_character(source, offset), reason=reason))
    return {}


def _unknown(span: Span | None, owner: str, name: str, known: Sequence[str]) -> Diagnostic:
    help = suggest(name, known).help or f"use {alternatives(known)}"
    return catalogue.UNKNOWN_FIELD.at(span, message=owner, name=name, help=help)


def _span(source: Source | None, key: str, part: str = "value") -> Span | None:
    """Return the span of a setting's value or key, else the first character: tomllib has no locations."""
    if source is None:
        return None
    found = [each.span(part) for each in re.finditer(_VALUE.format(key=re.escape(key)), source.text)]
    return Span(source, *found[0]) if len(found) == 1 else _character(source, 0)


def _character(source: Source, offset: int) -> Span:
    start = min(offset, max(0, len(source.text) - 1))
    return Span(source, start, start + 1)
