"""Files as sources: what is read, how much of it, and as what encoding."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from typing import Protocol

from quantcfg import limits
from quantcfg.diagnostics import Edit, Report, catalogue
from quantcfg.source import Source, Span

PathLike = str | os.PathLike[str]

_BYTE_ORDER_MARK = "\N{ZERO WIDTH NO-BREAK SPACE}"
_OPEN_FILES = ("/dev/std", "/dev/fd/", "/proc/self/fd/")
"""What the names of files start with that the process has open already; shells name pipes so."""

_SAMPLE = 4096
_LONGEST_CHARACTER = 4
_MOST_STRANGE = 0.1
_CONTROLS = bytes({*range(32)} - {*b"\t\n\v\f\r\x1b"} | {0x7F})
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_MARKUP = (
    r"(?i)<(?:!|(?P<xml>\?xml\b)"
    r"|(?:html|head|body|title|meta|link|script|style|div|p|pre|table|center|h1)[\s/>])"
)
_HTML = r"(?i)<(?:!doctype\s+)?html\b"
_POINTER = r"(?i)version\s++https?://(?:git-lfs|hawser)\b"
_CONTENT = re.compile(r"[^\s\ufeff]")
_STARTS = ("<", "v", "V")
"""What markup and a Git LFS pointer start with: their patterns are compiled for such text alone."""


def read_bytes(
    name: str, report: Report, *, span: Span | None = None, help: str | None = None
) -> bytes | None:
    """Return the content of a file, or None after reporting why there is none.

    span is where a text names it: then it must be a regular file, since a text
    has no say in what else is read.
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
    """Tell whether a name is that of an open file, or of something that is not a regular file."""
    return _is_open_file(name) or (os.path.exists(name) and not os.path.isfile(name))


def _is_open_file(name: PathLike) -> bool:
    return os.fspath(name).startswith(_OPEN_FILES)


def open_descriptor(name: str, flags: int) -> int:
    """Open a file, but not a named pipe: a writer to it may never come.

    It is an opener for open().

    Raises:
        OSError: the file cannot be opened.
        ValueError: it is a named pipe, or the name is invalid.

    """
    descriptor = os.open(name, flags | os.O_NONBLOCK)
    if stat.S_ISFIFO(os.fstat(descriptor).st_mode) and not _is_open_file(name):
        os.close(descriptor)
        raise ValueError("it is a pipe with a name")
    os.set_blocking(descriptor, True)
    return descriptor


class Reader(Protocol):
    """A function that reads a file as a source, as read_source does."""

    def __call__(self, path: PathLike, report: Report, *, wanted: str) -> Source | None:
        """Return the source, or None after reporting why it cannot be read."""


def read_source(path: PathLike, report: Report, *, wanted: str) -> Source | None:
    """Return a text file as a source, or None after reporting why it cannot be read.

    wanted says in words what the file should be.
    """
    name = os.fspath(path)
    content = read_bytes(name, report)
    return None if content is None else source_of(name, content, report, wanted=wanted)


def read_regular(path: PathLike, report: Report, *, wanted: str) -> Source | None:
    """Do what read_source does, for a file that a text names: a device may never end, so it is not read."""
    if is_special(path):
        report(catalogue.UNREADABLE_FILE.at(None, file=os.fspath(path), reason="not a regular file"))
        return None
    return read_source(path, report, wanted=wanted)


def read_standard_input(name: str, report: Report, *, wanted: str) -> Source | None:
    """Return standard input as a source, or None after reporting why it cannot be read."""
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
    return source_of(name, content, report, wanted=wanted)


def source_of(name: str, content: bytes, report: Report, *, wanted: str) -> Source | None:
    """Return the content of a file as a source, or None after reporting that it is no text.

    A text that is not UTF-8, an error, is read as what it seems to be, so that
    the other mistakes in it can be found.
    """
    if _is_binary(content[:_SAMPLE]):
        report(catalogue.NOT_TEXT.at(None, file=name, help=f"{wanted} is wanted here"))
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
                help=f"it may be {encoding}: save the file as UTF-8",
            )
        )
        return source


def other_content(text: str) -> tuple[str, str] | None:
    """Return what a download often leaves in place of a file, and the help; None for any other content.

    Neither text format nor JSON can start like a web page or a Git LFS pointer.
    """
    start = _CONTENT.search(text)
    if start is None or start[0] not in _STARTS:
        return None
    markup = re.compile(_MARKUP).match(text, start.start())
    if markup and markup["xml"] and not re.compile(_HTML).search(text, markup.end(), markup.end() + _SAMPLE):
        return "an XML file", "download the raw file"
    if markup:
        return "a web page (HTML)", "download the raw file"
    is_pointer = re.compile(_POINTER).match(text, start.start())
    return ("a Git LFS pointer", 'run "git lfs pull"') if is_pointer else None


def has_other_content(source: Source, report: Report, *, wanted: str) -> bool:
    """Tell whether a source holds a web page or a Git LFS pointer, after reporting it.

    wanted says in words what the source should be.
    """
    other = other_content(source.text)
    if other:
        what, help = other
        report(catalogue.OTHER_CONTENT.at(None, file=source.name, what=what, wanted=wanted, help=help))
    return other is not None


def without_byte_order_mark(source: Source, report: Report) -> str:
    """Return a text with blanks in place of the byte order marks at its start, after reporting them."""
    marks = len(source.text) - len(source.text.lstrip(_BYTE_ORDER_MARK))
    if marks:
        span = Span(source, 0, marks)
        report(catalogue.BYTE_ORDER_MARK.at(span, help="save the file without it", fix=[Edit(span, "")]))
    return " " * marks + source.text[marks:]


def _is_binary(sample: bytes) -> bool:
    """Tell whether some bytes have more controls than a text would have by mistake, or nulls in no text."""
    if sample.startswith(_UTF_16_MARKS):
        return False
    if len(sample) - len(sample.translate(None, _CONTROLS)) > _MOST_STRANGE * len(sample):
        return True
    return b"\0" in sample and not looks_like_text(sample)


def looks_like_text(sample: bytes) -> bool:
    """Tell whether the first bytes of a file are UTF-8, but for a character that is cut off at the end."""
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(sample) - _LONGEST_CHARACTER + 1
    return True


def _likely_encoding(content: bytes) -> str:
    """Return the encoding that text seems to be in that is not UTF-8."""
    if content.startswith(_UTF_16_MARKS):
        return "UTF-16"
    try:
        content.decode("GB18030")
    except UnicodeDecodeError:
        return "Latin-1"
    return "GB18030"


def reason(error: OSError | ValueError) -> str:
    """Return what the system says of an error, without the path."""
    text = error.strerror if isinstance(error, OSError) else None
    return (text or str(error)).lower()
