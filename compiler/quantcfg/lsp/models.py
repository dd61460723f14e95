"""The networks of models, read again when they change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

from quantcfg.api import load_model
from quantcfg.diagnostics import Diagnostic, catalogue, in_order
from quantcfg.files import Reader, is_special, read_source
from quantcfg.network import Network
from quantcfg.project import Named
from quantcfg.source import Source
from quantcfg.values import frozen_value


@frozen_value
class Model:
    """What was read of a model, and the state its files had; network is None where they cannot be read."""

    named: Named
    network: Network | None
    diagnostics: tuple[Diagnostic, ...]
    stamp: tuple[object, ...] = ()


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
