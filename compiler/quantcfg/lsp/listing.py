"""A listing of the layers of a binary model, for editors, which cannot show the model itself."""

from __future__ import annotations

import os

from quantcfg.network import Network
from quantcfg.network.layer_table import layer_table
from quantcfg.source import Source, Span

_READ_ONLY = 0o444
_HEADINGS = 1
"""The number of lines above the first layer."""


def write_listing(path: str, network: Network) -> Source:
    """Write what "quantcfg layers" prints to a read-only file, and return it."""
    text = f"{layer_table(network)}\n"
    temporary = f"{path}.new"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(temporary, _READ_ONLY)
    os.replace(temporary, path)
    return Source(path, text)


def in_listing(listing: Source, span: Span) -> Span:
    """Return the line in a listing for a span of a binary model: both have a line for each layer."""
    line, _ = span.start_position
    return Span(listing, *listing.line_bounds(line + _HEADINGS))
