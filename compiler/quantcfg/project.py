"""Which model a file is for, and which edition, where no option names them.

A quant.cfg names its model in a comment at its top, "# quantcfg-model: deploy.prototxt",
and likewise "# quantcfg-weights: net.caffemodel". For files that name none, the
file quantcfg.toml in the nearest directory around them does.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from quantcfg import contracts, editions
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.phrases import alternatives
from quantcfg.files import read_source
from quantcfg.frozen import frozen_value
from quantcfg.source import Source, Span

SETTINGS = "quantcfg.toml"

_TOP = re.compile(f"(?:(?:{contracts.terminal('WHITESPACE')})?{contracts.terminal('COMMENT')})*")
_NAMED = re.compile(r"#[ \t]*quantcfg-(?P<kind>model|weights):[ \t]*(?P<file>[^\n]*[^\s])")
_TOML_ERROR = re.compile(r"(?s)(?P<reason>.*?)(?: \(at (?:line (?P<line>\d+), column (?P<column>\d+)|.*)\))?")
_VALUE = r"""(?m)^[ \t]*["']?{key}["']?[ \t]*=[ \t]*(?P<value>"[^"\n]*"|'[^'\n]*'|[^#\n]*[^#\s])"""


@frozen_value
class Named:
    """The files of a model, and where they are named; config is the quant.cfg of configurations for it."""

    model: str
    weights: str | None = None
    span: Span | None = None
    weights_span: Span | None = None
    config: str | None = None

    def located(self, diagnostic: Diagnostic) -> Diagnostic:
        """Return a diagnostic about one of the files as a whole at the place where this file is named."""
        if diagnostic.span or diagnostic.file is None:
            return diagnostic
        span = {self.model: self.span, self.weights: self.weights_span}.get(diagnostic.file)
        return replace(diagnostic, span=span, file=None) if span else diagnostic


@frozen_value
class Settings:
    """What a quantcfg.toml says: a model, and the name of an edition."""

    model: Named | None = None
    edition: str | None = None


def model_of(source: Source | None, report: Report) -> Named | None:
    """Return the model that a file or the settings around it name, None if they name none.

    Without a file, the settings around the working directory count.
    """
    return (source and named_model(source)) or settings_around(source, report).model


def named_model(source: Source) -> Named | None:
    """Return the model that a text names in the comments at its top."""
    top = _TOP.match(source.text)
    named = {each["kind"]: each for each in _NAMED.finditer(source.text, 0, top.end() if top else 0)}
    if "model" not in named:
        return None
    files = {kind: _beside(source.name, each["file"]) for kind, each in named.items()}
    spans = {kind: Span(source, *each.span("file")) for kind, each in named.items()}
    return Named(files["model"], files.get("weights"), spans["model"], spans.get("weights"))


def settings_around(source: Source | None, report: Report) -> Settings:
    """Return what the nearest quantcfg.toml around a file says, nothing of it that is reported as an error.

    Without a file, it is the nearest around the working directory.
    """
    name = source.name if source else SETTINGS
    path = _settings_file(name)
    settings = read_source(path, report, wanted="TOML") if path else None
    if settings is None:
        return Settings()
    values = _parsed(settings, report)
    return Settings(named_by(values, settings.name, report, settings), _edition(values, settings, report))


def named_by(
    values: Mapping[str, Any], name: str, report: Report, source: Source | None = None
) -> Named | None:
    """Return the model that settings name, relative to the file of a name; source is their text, if any."""
    keys = ("model", "weights", "config")
    files = {key: _beside(name, file) for key in keys if (file := _string(values, key, report, source))}
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
    """Return a setting that is a string, None if it is not set, or after reporting that it is no string."""
    value = values.get(key)
    if not value or isinstance(value, str):
        return value or None
    report(catalogue.WRONG_TYPE.at(_span(source, key), field=key, expected="a string", found=str(value)))
    return None


def _beside(name: str, file: str) -> str:
    """Return the path of a file that another one names, relative to the directory of that."""
    return os.path.normpath(os.path.join(os.path.dirname(name), file))


def _settings_file(name: str) -> str | None:
    """Return the path of the settings around a file, relative to the working directory if its name is."""
    try:
        paths = (os.path.join(each, SETTINGS) for each in _directories(os.path.abspath(name)))
        path = next((path for path in paths if os.path.isfile(path)), None)
        return path if path is None or os.path.isabs(name) else os.path.relpath(path)
    except OSError:  # The working directory is gone.
        return None


def _directories(path: str) -> Iterator[str]:
    """Yield the directories around a path, the nearest first."""
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


def _span(source: Source | None, key: str) -> Span | None:
    """Return where the value of a setting is, or the first character: tomllib has no locations."""
    if source is None:
        return None
    values = [each.span("value") for each in re.finditer(_VALUE.format(key=key), source.text)]
    return Span(source, *values[0]) if len(values) == 1 else _character(source, 0)


def _character(source: Source, offset: int) -> Span:
    start = min(offset, max(0, len(source.text) - 1))
    return Span(source, start, start + 1)
