"""Read text files as sources; a binary model in place of one is reported as what it is."""

from __future__ import annotations

import errno
import os
import sys

from quantcfg import limits
from quantcfg.diagnostics import Report, catalogue
from quantcfg.editions import edition_of_bytes
from quantcfg.files import SAMPLE, PathLike, is_special, read_bytes, reason, source_of
from quantcfg.source import Source


def read_source(path: PathLike, report: Report, *, wanted: str, help: str | None = None) -> Source | None:
    """Return a text file as a source, or None after reporting an error.

    wanted names the expected format in messages; help is for a binary model.
    """
    name = os.fspath(path)
    content = read_bytes(name, report)
    return None if content is None else _text(name, content, report, wanted, help)


def read_regular(path: PathLike, report: Report, *, wanted: str) -> Source | None:
    """Do as read_source, but refuse anything except a regular file, as reading a device may never end."""
    if is_special(path):
        report(catalogue.UNREADABLE_FILE.at(None, file=os.fspath(path), reason="not a regular file"))
        return None
    return read_source(path, report, wanted=wanted)


def read_standard_input(name: str, report: Report, *, wanted: str, help: str | None = None) -> Source | None:
    """Return standard input as a source, or None after reporting an error."""
    try:
        if sys.stdin is None:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        content = sys.stdin.buffer.read(limits.FILE_SIZE + 1)
    except OSError as error:
        report(catalogue.UNREADABLE_FILE.at(None, file=name, reason=reason(error)))
        return None
    if len(content) > limits.FILE_SIZE:
        report(catalogue.TOO_LARGE.at(None, file=name, limit=limits.FILE_SIZE))
        return None
    return _text(name, content, report, wanted, help)


def _text(name: str, content: bytes, report: Report, wanted: str, help: str | None) -> Source | None:
    edition = edition_of_bytes(content[:SAMPLE])
    if edition is None:
        return source_of(name, content, report, wanted=wanted)
    what = edition.words.model
    report(catalogue.OTHER_CONTENT.at(None, file=name, what=what, wanted=wanted, help=help))
    return None
