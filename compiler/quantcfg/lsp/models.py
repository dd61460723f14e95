"""Find the model of a document, and read it again when its files change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic, Report, in_order
from quantcfg.editions.sources import read_regular
from quantcfg.files import Reader
from quantcfg.frozen import frozen_value, replace
from quantcfg.network import Network
from quantcfg.project import SETTINGS, Named, model_of, named_by
from quantcfg.source import Source


@frozen_value
class Model:
    """A model as it was read; network is None if it could not be, stamp is the state of its files."""

    named: Named
    network: Network | None
    diagnostics: tuple[Diagnostic, ...]
    stamp: tuple[object, ...] = ()


def model_for(source: Source, settings: Mapping[str, Any], root: str | None, report: Report) -> Named | None:
    """Return the model of a document; None if nothing names one, or after reporting an error.

    settings are those of the client: model, weights and config, relative to root.
    They are used if neither the document nor a quantcfg.toml names a model.
    """
    found: list[Diagnostic] = []
    path = os.path.abspath(source.name)
    named = model_of(Source(path, source.text), found.append)
    if named is None and not found:
        named = named_by(settings, os.path.join(root or os.path.dirname(path), SETTINGS), found.append)
    for diagnostic in found:
        report(diagnostic)
    return None if found else named


def read_model(named: Named, opened: Mapping[str, str], earlier: Model | None) -> Model:
    """Return the current state of a model; the earlier one if nothing has changed.

    opened maps paths to the text of open documents, which is used instead of the files.
    """
    named = replace(named, span=None, weights_span=None, config=None)
    text = opened.get(named.model)
    stamp = (text if text is not None else _stamp(named.model), named.weights and _stamp(named.weights))
    if earlier and earlier.named == named and earlier.stamp == stamp:
        return earlier
    found: list[Diagnostic] = []
    read = read_regular if text is None else _reader_of(text)
    network = load_model(named.model, named.weights, found.append, read=read)
    return Model(named, network, in_order(found), stamp)


def _reader_of(text: str) -> Reader:
    """Return a reader that returns the same text for every file."""
    return lambda path, report, *, wanted: Source(os.fspath(path), text)  # noqa: ARG005


def _stamp(path: str) -> object:
    """Return a value that changes when the file does."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
