"""Message classes of the .proto files that the tests bring along."""

from __future__ import annotations

from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc  # type: ignore[import-untyped]


def message_class(proto: Path, name: str) -> type[Message]:
    """Return the class of a message, such as (.../everything.proto, "everything.Everything")."""
    return GetMessageClass(pool(proto).FindMessageTypeByName(name))


@cache
def pool(proto: Path) -> DescriptorPool:
    """Return a private pool with what a .proto file defines and imports."""
    descriptors = DescriptorPool()
    for descriptor in FileDescriptorSet.FromString(_compiled(proto)).file:
        descriptors.AddSerializedFile(descriptor.SerializeToString())
    return descriptors


def _compiled(proto: Path) -> bytes:
    with TemporaryDirectory() as folder, as_file(files("grpc_tools") / "_proto") as well_known:
        out = Path(folder, "descriptors")
        arguments = [
            f"-I{proto.parent}",
            f"-I{well_known}",
            "--include_imports",
            f"--descriptor_set_out={out}",
        ]
        assert protoc.main(["protoc", *arguments, proto.name]) == 0
        return out.read_bytes()
