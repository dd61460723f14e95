"""Check the message headers on standard input before pygls reads the messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO, NoReturn

from quantcfg import limits
from quantcfg.diagnostics.terminal import printable

_HEADER = re.compile(rb"([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*\r?\n")
_LENGTH = re.compile(rb"0*(\d{1,18})")
_LONGEST_HEADER = 4096
_LONGEST_SHOWN = 40


class MessageStream:
    """The input stream for pygls; fail ends the process if the client breaks the protocol.

    On its own, pygls prints a traceback for a length that is too large, and waits
    forever after a header that it does not know.
    """

    def __init__(self, stream: BinaryIO, fail: Callable[[str], NoReturn]) -> None:
        self._stream = stream
        self._fail = fail

    def readline(self) -> bytes:
        """Return a header line, with the content length as pygls expects it."""
        line = self._stream.readline(_LONGEST_HEADER)
        if not line.strip():
            return line
        header = _HEADER.fullmatch(line)
        if header is None:
            self._fail(f'expected a header, found "{_shown(line)}"')
        name, value = header.groups()
        return b"Content-Length: %d\r\n" % self._length(value) if name.lower() == b"content-length" else line

    def read(self, length: int) -> bytes:
        """Return a message of length bytes, or nothing at the end of the stream."""
        content = self._stream.read(length)
        if 0 < len(content) < length:
            self._fail(f"expected a message of {length} bytes, found {len(content)}")
        return content

    def _length(self, value: bytes) -> int:
        length = _LENGTH.fullmatch(value)
        number = int(length[1]) if length else 0
        if value.isdigit() and (length is None or number > limits.MESSAGE_SIZE):
            self._fail(f"Content-Length {_shown(value)} exceeds the limit of {limits.MESSAGE_SIZE}")
        if not number:
            self._fail(f'Content-Length must be a positive integer, not "{_shown(value)}"')
        return number


def _shown(text: bytes) -> str:
    """Return bytes as printable text, shortened."""
    shown = printable(text.strip().decode("ascii", "replace"))
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
