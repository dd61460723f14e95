"""Which model a text is for.

A text names its model in a comment at its top, "# quantcfg-model: deploy.prototxt",
and likewise "# quantcfg-weights: net.caffemodel". Where it names none, the file
quantcfg.toml in the nearest folder around it does, and else the client.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from quantcfg.source import Source, Span
from quantcfg.values import frozen_value

SETTINGS = "quantcfg.toml"

_TOP = re.compile(r"(?:[ \t\v\f\r\n]*#[^\n]*\n?)*")
_NAMED = re.compile(r"#[ \t]*quantcfg-(?P<kind>model|weights):[ \t]*(?P<file>[^\n]*[^\s])")


@frozen_value
class Named:
    """The files of a model, and where a text names them; config is the quant.cfg of configurations for it."""

    model: str
    weights: str | None = None
    span: Span | None = None
    weights_span: Span | None = None
    config: str | None = None


class SettingsError(Exception):
    """A quantcfg.toml that cannot be used; the message says which and why."""


def model_for(source: Source, settings: Mapping[str, Any], root: str | None) -> Named | None:
    """Return the model that a text is for, None if nothing names one.

    settings are the client's, model, weights and config, relative to root.

    Raises:
        SettingsError: the quantcfg.toml that counts cannot be used.

    """
    folder = os.path.dirname(os.path.abspath(source.name))
    return (
        named_model(source)
        or _named_around(folder)
        or _named_by(settings, root or folder, "the settings of the editor")
    )


def named_model(source: Source) -> Named | None:
    """Return the model that a text names in the comments at its top."""
    top = _TOP.match(source.text)
    named = {each["kind"]: each for each in _NAMED.finditer(source.text, 0, top.end() if top else 0)}
    if "model" not in named:
        return None
    folder = os.path.dirname(os.path.abspath(source.name))
    files = {kind: os.path.normpath(os.path.join(folder, each["file"])) for kind, each in named.items()}
    spans = {kind: Span(source, *each.span("file")) for kind, each in named.items()}
    return Named(files["model"], files.get("weights"), spans["model"], spans.get("weights"))


def _named_around(folder: str) -> Named | None:
    """Return the model that the nearest quantcfg.toml names that names one."""
    for around in (Path(folder), *Path(folder).parents):
        path = around / SETTINGS
        if _is_file(path):
            try:
                settings = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError, RecursionError) as error:
                raise SettingsError(f"{path}: {error}") from error
            return _named_by(settings, str(around), str(path))
    return None


def _is_file(path: Path) -> bool:
    """Tell whether a path is that of a file; where that cannot be known, none can be read either."""
    try:
        return path.is_file()
    except OSError:
        return False


def _named_by(settings: Mapping[str, Any], folder: str, where: str) -> Named | None:
    """Return the model that settings name, relative to a folder; where says where they stand.

    Raises:
        SettingsError: one of them is no text.

    """
    files = {key: settings[key] for key in ("model", "weights", "config") if settings.get(key)}
    for key, value in files.items():
        if not isinstance(value, str):
            raise SettingsError(f"{where}: {key} is no string")
    if "model" not in files:
        return None
    paths = {key: os.path.normpath(os.path.join(folder, value)) for key, value in files.items()}
    return Named(paths["model"], paths.get("weights"), config=paths.get("config"))
