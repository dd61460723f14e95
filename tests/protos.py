"""Compiled .proto files: those of proto/, which "make proto" writes, and those that the tests bring along."""

from __future__ import annotations

import sys
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc  # type: ignore[import-untyped]


def compiled(proto: Path) -> bytes:
    """Return the descriptor of a .proto file that imports none, with its comments, serialized."""
    (descriptor,) = _descriptors(proto, "--include_source_info").file
    return descriptor.SerializeToString()


def message_class(proto: Path, name: str) -> type[Message]:
    """Return the class of a message, such as (.../everything.proto, "everything.Everything")."""
    return GetMessageClass(pool(proto).FindMessageTypeByName(name))


@cache
def pool(proto: Path) -> DescriptorPool:
    """Return a private pool with what a .proto file defines and imports."""
    descriptors = DescriptorPool()
    for descriptor in _descriptors(proto, "--include_imports").file:
        descriptors.AddSerializedFile(descriptor.SerializeToString())
    return descriptors


def _descriptors(proto: Path, *options: str) -> FileDescriptorSet:
    with TemporaryDirectory() as folder, as_file(files("grpc_tools") / "_proto") as well_known:
        out = Path(folder, "descriptors")
        arguments = [f"-I{proto.parent}", f"-I{well_known}", *options, f"--descriptor_set_out={out}"]
        assert protoc.main(["protoc", *arguments, proto.name]) == 0
        return FileDescriptorSet.FromString(out.read_bytes())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).with_suffix(".binpb").write_bytes(compiled(Path(name)))
