"""Read files as sources: size limit, encoding, and detection of unsuitable content."""

from __future__ import annotations

import os
import re
import stat
from typing import NamedTuple, Protocol

from quantcfg import limits
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.source import Source, Span

PathLike = str | os.PathLike[str]

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/self/fd/")
"""Prefixes of files that the process already has open; a shell may pass a pipe by such a name."""

SAMPLE = 4096
"""The number of bytes by which a file is recognized."""

_LONGEST_CHARACTER = 4
_MOST_CONTROLS = 0.1
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"} | {0x7F})
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = r"(?i)<(?:!|(?P<xml>\?xml\b)|/?[a-z][a-z0-9-]*[\s/>])"
_HTML = r"(?i)<(?:!doctype\s+)?html\b"
_POINTER = r"(?i)version\s++https?://(?:git-lfs|hawser)\b"
_CONTENT = re.compile(r"[^\s\ufeff]")
_STARTS = ("<", "v", "V")
"""First characters of markup and Git LFS pointers; only then are their patterns compiled."""


def read_bytes(
    name: str, report: Report, *, span: Span | None = None, help: str | None = None
) -> bytes | None:
    """Return the content of a file, or None after reporting an error.

    span is where another file names this one; such a file must be a regular file,
    for security.
    """
    try:
        if span and is_special(name):
            raise ValueError("not a regular file")
        with open(name, "rb", opener=open_descriptor) as file:
            content = file.read(limits.FILE_SIZE + 1)
    except (OSError, ValueError) as error:
        report(catalogue.UNREADABLE_FILE.at(span, file=name, reason=reason(error), help=help))
        return None
    if len(content) > limits.FILE_SIZE:
        report(catalogue.TOO_LARGE.at(span, file=name, limit=limits.FILE_SIZE, help=help))
        return None
    return content


def is_special(name: PathLike) -> bool:
    """Return whether a path is an open file of the process or exists but is not a regular file."""
    return _is_open_file(name) or (os.path.exists(name) and not os.path.isfile(name))


def _is_open_file(name: PathLike) -> bool:
    return os.fspath(name).startswith(_OPEN_FILES)


def open_descriptor(name: str, flags: int) -> int:
    """Open a file; an opener for open() that refuses named pipes, which may block forever.

    Raises:
        OSError: the file cannot be opened.
        ValueError: the file is a named pipe, or the name is invalid.

    """
    descriptor = os.open(name, flags | os.O_NONBLOCK)
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not _is_open_file(name):
        os.close(descriptor)
        raise ValueError("is a named pipe")
    os.set_blocking(descriptor, True)
    return descriptor


class Reader(Protocol):
    """A function that reads a file as a source, as read_source of quantcfg.editions.sources does."""

    def __call__(self, path: PathLike, report: Report, *, wanted: str) -> Source | None:
        """Return the source, or None after reporting an error."""


def source_of(name: str, content: bytes, report: Report, *, wanted: str) -> Source | None:
    """Return the content of a file as a source, or None after reporting that it is not text.

    If it is not UTF-8, an error is reported, and the likely encoding is used so
    that other errors can be reported as well.
    """
    if _is_binary(content[:SAMPLE]):
        report(catalogue.NOT_TEXT.at(None, file=name, help=f"expected {wanted}"))
        return None
    try:
        return Source(name, content.decode())
    except UnicodeDecodeError as error:
        encoding = _likely_encoding(content)
        text = content.decode(encoding, errors="ignore")
        source = Source(name, text)
        if other_content(text):
            return source
        offset = min(len(content[: error.start].decode(encoding, errors="ignore")), max(0, len(text) - 1))
        report(
            catalogue.NOT_UTF8.at(
                Span(source, offset, offset + 1),
                byte=content[error.start],
                offset=error.start,
                help=f"save the file as UTF-8 (it looks like {encoding})",
            )
        )
        return source


class OtherContent(NamedTuple):
    """What a file is instead of what is wanted, and the help, if there is one for every wanted format."""

    what: str
    help: str | None = None


EMPTY, HDF5, ZIP, TEXT = "empty", "an HDF5 file", "a ZIP archive", "a text file"
_MAGIC = {
    b"\x89HDF\r\n\x1a\n": OtherContent(HDF5),
    b"PK\x03\x04": OtherContent(ZIP, "extract the file from it"),
    b"\x1f\x8b": OtherContent("a gzip file", "decompress it"),
}


def known_content(start: bytes) -> OtherContent | None:
    """Return what a file of no edition is, by its first bytes, or None if it is not recognized."""
    if not start:
        return OtherContent(EMPTY)
    known = next((content for magic, content in _MAGIC.items() if start.startswith(magic)), None)
    return known or other_content(start.decode(errors="ignore"))


def other_content(text: str) -> OtherContent | None:
    """Detect a web page or a Git LFS pointer saved instead of a file.

    Neither text format nor JSON can start like these.
    """
    start = _CONTENT.search(text)
    if start is None or start[0] not in _STARTS:
        return None
    markup = re.compile(_MARKUP).match(text, start.start())
    if markup and markup["xml"] and not re.compile(_HTML).search(text, markup.end(), markup.end() + SAMPLE):
        return OtherContent("an XML file", "download the raw file")
    if markup:
        return OtherContent("a web page (HTML)", "download the raw file")
    is_pointer = re.compile(_POINTER).match(text, start.start())
    return OtherContent("a Git LFS pointer", 'run "git lfs pull"') if is_pointer else None


def has_other_content(source: Source, report: Report, *, wanted: str) -> bool:
    """Return whether a source is a web page or a Git LFS pointer, and report it.

    wanted names the expected format in messages.
    """
    other = other_content(source.text)
    if other:
        what, help = other
        report(catalogue.OTHER_CONTENT.at(None, file=source.name, what=what, wanted=wanted, help=help))
    return other is not None


def without_byte_order_mark(source: Source, report: Report) -> str:
    """Report byte order marks at the start, and return the text with spaces instead of them."""
    marks = len(source.text) - len(source.text.lstrip(_BYTE_ORDER_MARK))
    if marks:
        span = Span(source, 0, marks)
        report(catalogue.BYTE_ORDER_MARK.at(span, help="save the file without it", fix=[Edit(span, "")]))
    return " " * marks + source.text[marks:]


def _is_binary(sample: bytes) -> bool:
    """Return whether a sample has more control characters than text, or null bytes outside of UTF-8."""
    if sample.startswith(_UTF_16_MARKS):
        return False
    if len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_CONTROLS * len(sample):
        return True
    return b"\0" in sample and not looks_like_text(sample)


def has_controls(sample: bytes) -> bool:
    """Return whether the first bytes of a file have control characters, of which text has few or none."""
    return len(sample.translate(None, _CONTROLS)) < len(sample)


def start_of(name: PathLike) -> bytes:
    """Return the first bytes of a regular file, or nothing if it cannot be read."""
    try:
        if is_special(name):
            return b""
        with open(name, "rb", opener=open_descriptor) as file:
            return file.read(SAMPLE)
    except (OSError, ValueError):
        return b""


def looks_like_text(sample: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8, ignoring a truncated last character."""
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(sample) - _LONGEST_CHARACTER + 1
    return True


def is_plain_text(sample: bytes) -> bool:
    """Return whether the first bytes of a file are UTF-8 without control characters."""
    return looks_like_text(sample) and not has_controls(sample)


def _likely_encoding(content: bytes) -> str:
    """Return the likely encoding of text that is not UTF-8."""
    if content.startswith(_UTF_16_MARKS):
        return "UTF-16"
    try:
        content.decode("GB18030")
    except UnicodeDecodeError:
        return "Latin-1"
    return "GB18030"


def reason(error: OSError | ValueError) -> str:
    """Return the text of an error without the path, in lower case."""
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error)).lower()
