"""What is not a message is reported in one line, and never with a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest


def served(content: bytes) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "quantcfg", "lsp"]
    done = subprocess.run(command, input=content, capture_output=True, check=False, timeout=60)
    return subprocess.CompletedProcess(command, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("body", [b"{]}", b"[1]", b"\xff\xfe\0", b"[" * 200_000, b"{}"], ids=len)
def test_a_message_that_cannot_be_read_is_reported_in_one_line_and_the_server_goes_on(body: bytes) -> None:
    ending = b'{"jsonrpc": "2.0", "method": "exit"}'
    frames = (b"Content-Length: %d\r\n\r\n%b" % (len(each), each) for each in (body, ending))
    done = served(b"".join(frames))
    assert "window/showMessage" in done.stdout
    (line,) = done.stderr.splitlines()
    assert line.startswith("Unable to handle message: ")


@pytest.mark.parametrize("content", [b"", b"Content-Length: 9\r\n\r\n{}", b"hello\r\n\r\n"], ids=len)
def test_the_end_of_the_input_ends_the_server(content: bytes) -> None:
    done = served(content)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
