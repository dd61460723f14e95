"""Reads the files of proto/, schemas/ and grammar/, each once.

What they say is treated as constant: nobody writes to what these functions
return.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pkgutil import get_data
from threading import Lock
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor
    from google.protobuf.descriptor_pb2 import FileDescriptorProto
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_LOADING = Lock()
_NAMED = (2, 4)
"""How long the paths of messages and of their fields are, in the source information of a file."""


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a JSON file of schemas/."""
    return cast("dict[str, Any]", json.loads(schema_text(name)))


def schema_text(name: str) -> str:
    """Return the text of a JSON file of schemas/."""
    return _content("quantcfg.schemas", name).decode()


@cache
def grammar(name: str) -> str:
    """Return a file of grammar/."""
    return _content("quantcfg.grammar", name).decode()


@cache
def parse_table() -> dict[str, Any]:
    """Return the compiled form of grammar/."""
    return cast("dict[str, Any]", json.loads(_content("quantcfg.grammar", "textproto.json")))


def terminal(name: str) -> str:
    """Return the pattern of a terminal of the grammar, to be part of a regular expression, verbose or not."""
    return f"(?-x:{parse_table()['terminals'][name]})"


@cache
def message_descriptor(file: str, name: str) -> Descriptor:
    """Return the descriptor of a message of proto/, by the names of its file and its own.

    The descriptors live in a pool of their own, so that another copy of the same
    schema in the same process is in nobody's way.
    """
    # Two pools for one file would make two classes of one message, which do not mix.
    with _LOADING:
        pool = _pool(file)
    return pool.FindMessageTypeByName(name)


@cache
def message_class(file: str, name: str) -> type[Message]:
    """Return the class of a message of proto/."""
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(message_descriptor(file, name))


@cache
def comments(file: str) -> dict[str, str]:
    """Return what a file of proto/ says of its messages and fields, by their full names."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    descriptor = FileDescriptorProto.FromString(_content("quantcfg.proto", f"{file}.binpb"))
    return {
        _full_name(descriptor, location.path): " ".join(location.leading_comments.split())
        for location in descriptor.source_code_info.location
        if location.leading_comments and len(location.path) in _NAMED
    }


def _full_name(descriptor: FileDescriptorProto, path: Sequence[int]) -> str:
    message = descriptor.message_type[path[1]]
    fields = [message.field[index].name for index in path[3:]]
    return ".".join([descriptor.package, message.name, *fields])


def _content(package: str, name: str) -> bytes:
    """Return a file of a package, without importlib.resources, which takes longer to load."""
    content = get_data(package, name)
    assert content is not None
    return content


@cache
def _pool(file: str) -> DescriptorPool:
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    pool.AddSerializedFile(_content("quantcfg.proto", f"{file}.binpb"))
    return pool
