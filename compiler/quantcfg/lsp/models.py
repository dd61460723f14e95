"""Which model a text is for, and the networks of models, read again when they change.

A text names its model in a comment at its top, "# quantcfg-model: deploy.prototxt",
and likewise "# quantcfg-weights: net.caffemodel". Where it names none, the file
quantcfg.toml in the nearest folder around it does, and else the client.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic, catalogue, in_order
from quantcfg.files import Reader, is_special, read_source
from quantcfg.network import Network
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


@frozen_value
class Model:
    """What was read of a model, and the state its files had; network is None where they cannot be read."""

    named: Named
    network: Network | None
    diagnostics: tuple[Diagnostic, ...]
    stamp: tuple[object, ...] = ()


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


def read_model(named: Named, opened: Mapping[str, str], earlier: Model | None) -> Model:
    """Return a model as it is now: the earlier one, where nothing has changed since.

    opened holds the texts of files that are open, by path: they count, not the files.
    """
    named = replace(named, span=None, weights_span=None, config=None)
    text = opened.get(named.model)
    stamp = (text if text is not None else _stamp(named.model), named.weights and _stamp(named.weights))
    if earlier and earlier.named == named and earlier.stamp == stamp:
        return earlier
    found: list[Diagnostic] = []
    if text is None and is_special(named.model):
        # A device may never end; it may even be the server's own standard input.
        reason = "not a regular file"
        found.append(catalogue.UNREADABLE_FILE.at(None, file=named.model, reason=reason))
        return Model(named, None, tuple(found), stamp)
    read = read_source if text is None else _reader_of(text)
    network = load_model(named.model, named.weights, found.append, read=read)
    return Model(named, network, in_order(found), stamp)


def _reader_of(text: str) -> Reader:
    """Return a reader that takes a text for the content of every file."""
    return lambda path, report, *, wanted: Source(os.fspath(path), text)  # noqa: ARG005


def _stamp(path: str) -> object:
    """Return what changes with a file."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
