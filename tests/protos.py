"""Compiled .proto files: those of proto/, which "make proto" writes, and those that the tests bring along."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import as_file, files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_tools import protoc  # type: ignore[import-untyped]

from quantcfg.contracts.descriptors import Descriptor, Descriptors
from quantcfg.textproto.scalars import shortest_decimal


def compiled(proto: Path) -> Mapping[str, bytes]:
    """Return what "make proto" writes for a .proto file that imports none, by suffix."""
    (file,) = _descriptors(proto, "--include_source_info").file
    comments = dict(_comments(file))
    file.ClearField("source_code_info")
    types = pool(proto).FindFileByName(file.name).message_types_by_name.values()
    text = json.dumps(table(types, comments), indent=1, ensure_ascii=False) + "\n"
    return {".binpb": file.SerializeToString(), ".json": text.encode()}


def message_class(proto: Path, name: str) -> type[Message]:
    """Return the class of a message, such as (.../everything.proto, "everything.Everything")."""
    return GetMessageClass(pool(proto).FindMessageTypeByName(name))


def descriptor_of(message_type: type[Message]) -> Descriptor:
    """Return the message type of a class of protobuf as the compiler represents it."""
    return _represented(message_type.DESCRIPTOR)


@cache
def _represented(descriptor: Any) -> Descriptor:
    return Descriptors(table([descriptor]))[descriptor.full_name]


def table(roots: Iterable[Any], comments: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the table of message types, and of those in their fields, from descriptors of protobuf."""
    found: dict[str, Any] = {}
    waiting = list(roots)
    while waiting:
        message = waiting.pop(0)
        if message.full_name in found:
            continue
        waiting += [field.message_type for field in message.fields if field.message_type]
        proto = DescriptorProto()
        message.CopyToProto(proto)
        found[message.full_name] = _written(
            comment=(comments or {}).get(message.full_name, ""),
            reserved=list(proto.reserved_name),
            oneofs={oneof.name: [field.name for field in oneof.fields] for oneof in message.oneofs},
            fields={field.name: _field(field, comments or {}) for field in message.fields},
        )
    return found


def _field(field: Any, comments: Mapping[str, str]) -> dict[str, Any]:
    message, enum = field.message_type, field.enum_type
    default = field.default_value if field.has_default_value else None
    return _written(
        number=field.number,
        kind=_KINDS[field.type],
        message=message.full_name if message else None,
        enum=enum
        and _written(
            numbers={value.name: value.number for value in enum.values},
            is_closed=enum.is_closed,
        ),
        is_repeated=field.is_repeated,
        is_required=field.is_required,
        is_implicit=not field.is_repeated and not field.has_presence,
        is_map=bool(message and message.GetOptions().map_entry),
        is_deprecated=field.GetOptions().deprecated,
        comment=comments.get(field.full_name, ""),
    ) | ({} if default is None else {"declared": _shortest(field, default)})


def _shortest(field: Any, value: Any) -> Any:
    if field.enum_type:
        return field.enum_type.values_by_number[value].name
    return shortest_decimal(value) if field.type == field.TYPE_FLOAT else value


def _written(**entry: Any) -> dict[str, Any]:
    """Return an entry without what is empty or false."""
    return {name: value for name, value in entry.items() if value}


_KINDS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """Yield the comments on messages and fields, by full name."""
    for location in file.source_code_info.location:
        if location.leading_comments and tuple(location.path[::2]) in (_MESSAGE, _FIELD):
            message = file.message_type[location.path[1]]
            fields = [message.field[index].name for index in location.path[3:]]
            yield ".".join([file.package, message.name, *fields]), " ".join(location.leading_comments.split())


_MESSAGE, _FIELD = (4,), (4, 2)
"""The field numbers in the paths of messages and of their fields, in descriptor.proto."""


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
        for suffix, content in compiled(Path(name)).items():
            Path(name).with_suffix(suffix).write_bytes(content)
