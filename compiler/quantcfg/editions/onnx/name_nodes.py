"""Give the nodes of an ONNX model unique names, and leave every other byte as it is.

Only the names and the lengths of the messages around them are replaced. The rest
is copied from the file in pieces, so a large file takes no more memory than a small one.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from quantcfg import contracts
from quantcfg.diagnostics import Report, catalogue
from quantcfg.editions.onnx.onnx_file import Element, OnnxFile, elements
from quantcfg.editions.onnx.reader import network_of, read_file
from quantcfg.editions.onnx.unique_names import new_names
from quantcfg.files import PathLike
from quantcfg.frozen import replace
from quantcfg.network.edition import NamedModel
from quantcfg.wire import LENGTH, Bytes, MalformedError, encoded, mapped

_PIECE = 2**20
"""The number of bytes that are copied at once."""


_CHANGED = "the model has changed"
"""Why a file that could be read before cannot be copied."""


class _Edit(NamedTuple):
    """Bytes of a file between two offsets, and what replaces them."""

    start: int
    end: int
    content: bytes

    @property
    def growth(self) -> int:
        return len(self.content) - (self.end - self.start)


def name_nodes(model: PathLike, output: str | None, report: Report) -> NamedModel | None:
    """Return a model with unique names, or None after reporting an error.

    output is the file that it will be written to, None for standard output.
    """
    name = os.fspath(model)
    before = _stamp(name)
    content = read_file(name, report)
    if content is None:
        return None
    if content.has_external_data and (output is None or _directory(output) != _directory(name)):
        reason = "must be in the directory of the model, which has external data"
        if output is None:
            reason = "a model with external data must be a file in the directory of this data"
        report(catalogue.BAD_OUTPUT_NAME.at(None, file=output or "-", reason=reason))
        return None
    names = new_names(content.nodes)
    try:
        with mapped(name) as data:
            edits = _edits(data, names)
    except (OSError, ValueError, MalformedError):
        report(catalogue.UNREADABLE_FILE.at(None, file=name, reason=_CHANGED))
        return None
    return NamedModel(
        _copied(name, edits, before), names, partial(network_of, name, _renamed(content, names))
    )


def _directory(name: str) -> str:
    return os.path.dirname(os.path.realpath(name))


def _renamed(content: OnnxFile, names: Mapping[int, str]) -> OnnxFile:
    nodes = enumerate(content.nodes)
    changed = (replace(node, name=names.get(position, node.name)) for position, node in nodes)
    return replace(content, nodes=tuple(changed))


def _edits(data: Bytes, names: Mapping[int, str]) -> Sequence[_Edit]:
    """Return the edits that give some nodes of the top-level graph new names, by offset."""
    edits: list[_Edit] = []
    position = 0
    for graph in elements(data, "ModelProto"):
        if graph.name != "graph":
            continue
        inner: list[_Edit] = []
        for part in elements(data, "GraphProto", graph):
            if part.name == "node":
                inner += _renaming(data, part, names[position]) if position in names else []
                position += 1
        edits += _resized(data, graph, inner)
    return edits


def _renaming(data: Bytes, node: Element, name: str) -> list[_Edit]:
    """Return the edits that rename a node: if a field is there twice, the last one counts."""
    content = encoded(len(name.encode())) + name.encode()
    earlier = [each for each in elements(data, "NodeProto", node) if each.name == "name"]
    if earlier:
        edit = _Edit(_length_start(data, earlier[-1].start), earlier[-1].end, content)
    else:
        number = contracts.descriptors("onnx")["onnx.NodeProto"].fields["name"].number
        edit = _Edit(node.end, node.end, encoded(number << 3 | LENGTH) + content)
    return _resized(data, node, [edit])


def _resized(data: Bytes, message: Element, edits: Sequence[_Edit]) -> list[_Edit]:
    """Return the edits of a message, with an edit of its length before them."""
    if not edits:
        return []
    length = message.end - message.start + sum(edit.growth for edit in edits)
    return [_Edit(_length_start(data, message.start), message.start, encoded(length)), *edits]


def _length_start(data: Bytes, content: int) -> int:
    """Return the offset of the length in front of a content; the field number before it ends below 0x80."""
    start = content - 1
    while data[start - 1] >= 0x80:
        start -= 1
    return start


def _copied(name: str, edits: Iterable[_Edit], before: tuple[int, ...] | None) -> Iterator[bytes]:
    """Yield the content of a file with edits.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has changed since the edits were made.

    """
    if _stamp(name) != before:
        raise ValueError(_CHANGED)
    with open(name, "rb") as file:
        start = 0
        for edit in edits:
            yield from _range(file, start, edit.start)
            yield edit.content
            start = edit.end
        yield from _range(file, start, os.fstat(file.fileno()).st_size)


def _range(file: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    file.seek(start)
    while start < end and (piece := file.read(min(_PIECE, end - start))):
        yield piece
        start += len(piece)


def _stamp(name: str) -> tuple[int, ...] | None:
    """Return a value that changes when the file does."""
    try:
        status = os.stat(name)
    except (OSError, ValueError):
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns
