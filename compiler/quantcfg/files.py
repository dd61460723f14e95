"""Files as sources."""

from __future__ import annotations

import os

from quantcfg.diagnostics import Report, catalogue
from quantcfg.source import Source, Span

PathLike = str | os.PathLike[str]


def read_bytes(
    name: str, report: Report, *, span: Span | None = None, help: str | None = None
) -> bytes | None:
    """Return the content of a file, or None after reporting why there is none; span is where it is named."""
    try:
        with open(name, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:
        report(catalogue.UNREADABLE_FILE.at(span, file=name, reason=reason(error), help=help))
        return None


def read_source(path: PathLike, report: Report) -> Source | None:
    """Return a text file as a source, or None after reporting why it cannot be read."""
    name = os.fspath(path)
    content = read_bytes(name, report)
    if content is None:
        return None
    try:
        return Source(name, content.decode())
    except UnicodeDecodeError as error:
        source = Source(name, content.decode(errors="replace"))
        offset = len(content[: error.start].decode())
        report(
            catalogue.NOT_UTF8.at(
                Span(source, offset, offset + 1),
                byte=content[error.start],
                offset=error.start,
                help="save the file as UTF-8",
            )
        )
        return None


def reason(error: OSError | ValueError) -> str:
    """Return what the system says of an error, without the path."""
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error)).lower()
