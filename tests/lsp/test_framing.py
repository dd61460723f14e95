"""Invalid framing of messages ends the server with one line, not with a traceback."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import suppress
from typing import NoReturn

import pytest
from hypothesis import strategies as st

from quantcfg import limits
from quantcfg.lsp.framing import MessageStream
from tests.laws import law

LIMIT = 64 * 2**20

WRONG = {
    "too large": (b"Content-Length: 99999999999", "Content-Length 99999999999 exceeds the limit of 67108864"),
    "one byte too large": (
        b"Content-Length: 67108865",
        "Content-Length 67108865 exceeds the limit of 67108864",
    ),
    "too many digits": (
        b"Content-Length: " + b"9" * 4000,
        f"Content-Length {'9' * 40}... exceeds the limit of 67108864",
    ),
    "negative": (b"Content-Length: -5", 'Content-Length must be a positive integer, not "-5"'),
    "zero": (b"Content-Length: 0", 'Content-Length must be a positive integer, not "0"'),
    "a word": (b"Content-Length: five", 'Content-Length must be a positive integer, not "five"'),
    "a fraction": (b"content-length: 2.0", 'Content-Length must be a positive integer, not "2.0"'),
    "nothing": (b"Content-Length:", 'Content-Length must be a positive integer, not ""'),
    "a control character": (b"Content-Length: \x1b[31m", 'must be a positive integer, not "\ufffd[31m"'),
    "no header": (b"hello", 'expected a header, found "hello"'),
    "a body": (b'{"jsonrpc": "2.0"}', 'expected a header, found "{"jsonrpc": "2.0"}"'),
    "a header without an end": (b"a" * 100_000, f'expected a header, found "{"a" * 40}..."'),
    "a message cut short": (b"Content-Length: 9\r\n\r\n{}", "expected a message of 9 bytes, found 6"),
}


def served(content: bytes) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quantcfg", "lsp"]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["too large", "a message cut short"])
def test_a_broken_frame_ends_the_server_with_one_line(name: str) -> None:
    content, said = WRONG[name]
    done = served(content + b"\r\n\r\n")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("quantcfg lsp: error: ")
    assert line.endswith(said)


@pytest.mark.slow
@pytest.mark.parametrize("body", [b"{]}", b"[1]", b"\xff\xfe\0", b"[" * 200_000, b"{}"], ids=len)
def test_a_message_that_cannot_be_read_is_reported_in_one_line_and_the_server_goes_on(body: bytes) -> None:
    ending = b'{"jsonrpc": "2.0", "method": "exit"}'
    frames = (b"Content-Length: %d\r\n\r\n%b" % (len(each), each) for each in (body, ending))
    done = served(b"".join(frames))
    assert "window/showMessage" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Unable to handle message: ")


# --- in this process


class BrokenError(Exception):
    """What ends the process, in these tests."""


def fail(wrong: str) -> NoReturn:
    raise BrokenError(wrong)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_with_a_frame_is_said(name: str) -> None:
    content, said = WRONG[name]
    with pytest.raises(BrokenError) as broken:
        read_message(MessageStream(io.BytesIO(content + b"\r\n\r\n"), fail))
    assert str(broken.value).endswith(said)


def read_message(stream: MessageStream) -> bytes:
    while stream.readline() != b"\r\n":
        pass
    return stream.read(9)


@pytest.mark.parametrize(
    "header",
    [b"Content-Length: 2\r\n", b"content-length:2\r\n", b"CONTENT-LENGTH: \t2 \r\n", b"Content-Length: 02\n"],
)
def test_a_length_reaches_pygls_as_it_expects_it(header: bytes) -> None:
    stream = MessageStream(io.BytesIO(header + b"Content-Type: x; charset=utf-8\r\n\r\n{}"), fail)
    assert stream.readline() == b"Content-Length: 2\r\n"
    assert stream.readline() == b"Content-Type: x; charset=utf-8\r\n"
    assert stream.readline() == b"\r\n"
    assert stream.read(2) == b"{}"
    assert stream.read(2) == stream.readline() == b""


def test_the_limit_is_read() -> None:
    assert limits.MESSAGE_SIZE == LIMIT
    header = b"Content-Length: %d\r\n" % LIMIT
    assert MessageStream(io.BytesIO(header), fail).readline() == header


@law(st.binary(max_size=100) | st.binary(max_size=20).map(lambda value: b"Content-Length:" + value + b"\r\n"))
def test_whatever_is_sent_is_a_header_or_an_end(content: bytes) -> None:
    said: list[str] = []

    def end(wrong: str) -> NoReturn:
        said.append(wrong)
        raise BrokenError

    with suppress(BrokenError):
        line = MessageStream(io.BytesIO(content), end).readline()
        assert not line.strip() or b":" in line
    assert [each for each in said if "\n" in each] == []
