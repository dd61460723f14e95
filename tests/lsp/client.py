"""A client of the language server: a process of it, and messages to and fro."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from typing import Any

_PATIENCE = 100
"""After how many seconds a server that does not answer is ended, and the test with it."""

UNIT = {"utf-8": 1, "utf-16": 2, "utf-32": 4}
"""How many bytes a unit has in which columns are counted."""

Message = dict[str, Any]

_ANSWERS = {"window/showDocument": {"success": True}}
"""What the client says to the server's own requests; to all others it is nothing."""


class Client:
    """A conversation with a server."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.seen: list[Message] = []
        self.number = 0
        self.capabilities: Message = {}
        self.opened: set[str] = set()

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        """Return the result of a request; what else arrives meanwhile is kept."""
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        answer = self._until(lambda each: each.get("id") == self.number and "method" not in each)
        assert "error" not in answer, answer
        return answer["result"]

    def diagnostics(self, uri: str, version: int) -> list[Message]:
        """Return the diagnostics of a version of a text."""

        def fits(each: Message) -> bool:
            params = each.get("params", {})
            is_published = each.get("method") == "textDocument/publishDiagnostics"
            return is_published and params["uri"] == uri and params.get("version") == version

        found: list[Message] = self._until(fits)["params"]["diagnostics"]
        return found

    def open(self, uri: str, text: str, version: int = 1, language: str = "quantcfg") -> None:
        self.opened.add(uri)
        item = {"uri": uri, "languageId": language, "version": version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def close(self, uri: str) -> None:
        self.opened.discard(uri)
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def edit(self, uri: str, version: int, text: str) -> None:
        """Say what a text is now: the server asks for whole texts."""
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text}]})

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def _until(self, fits: Callable[[Message], bool]) -> Message:
        for index, message in enumerate(self.seen):
            if fits(message):
                return self.seen.pop(index)
        with _patience(self.process):
            return self._next(fits)

    def _next(self, fits: Callable[[Message], bool]) -> Message:
        while True:
            message = self._receive()
            if "id" in message and "method" in message:
                self._send({"id": message["id"], "result": _ANSWERS.get(message["method"])})
            if fits(message):
                return message
            self.seen.append(message)

    def _receive(self) -> Message:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline()) != b"\r\n":
            assert line, "the server has ended"
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        message: Message = json.loads(self.process.stdout.read(length))
        return message


@contextmanager
def started(
    folder: Path,
    *,
    stderr: int | None = None,
    variables: Any = None,
    before: Callable[[], object] | None = None,
    **initial: Any,
) -> Iterator[Client]:
    """Start a server, and end it at last.

    variables are added to its environment; before is called in its process first.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "quantcfg", "lsp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={**os.environ, **(variables or {})},
        preexec_fn=before,
    ) as process:
        try:
            client = Client(process)
            capabilities = initial.pop("capabilities", {})
            client.capabilities = client.request(
                "initialize",
                {"processId": None, "rootUri": folder.as_uri(), "capabilities": capabilities, **initial},
            )["capabilities"]
            yield client
        finally:
            process.kill()


@contextmanager
def conversation(folder: Path, **initial: Any) -> Iterator[Client]:
    """Start a server, and end it by the protocol; it must write nothing to standard error."""
    with started(folder, stderr=subprocess.PIPE, **initial) as client:
        client.notify("initialized", {})
        yield client
        client.request("shutdown", None)
        client.notify("exit", None)
        assert client.process.wait(_PATIENCE) == 0
        assert client.process.stderr
        complaints = client.process.stderr.read().decode()
        assert complaints == "", complaints


@contextmanager
def _patience(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """End a server that does not answer."""
    watchdog = Timer(_PATIENCE, process.kill)
    watchdog.start()
    try:
        yield
    finally:
        watchdog.cancel()


def position(text: str, offset: int, encoding: str = "utf-16") -> Message:
    """Return the position of an offset, counted here in another way than the server does it."""
    *lines, last = text[:offset].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    codec = encoding if encoding == "utf-8" else f"{encoding}-le"
    return {"line": len(lines), "character": len(last.encode(codec)) // UNIT[encoding]}


def span(text: str, start: int, end: int, encoding: str = "utf-16") -> Message:
    """Return the range between two offsets."""
    return {"start": position(text, start, encoding), "end": position(text, end, encoding)}
