"""Load the files of proto/, schemas/ and grammar/, each once.

The results are cached and shared: callers must not modify them.
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
_MESSAGE, _FIELD = (4,), (4, 2)
"""The field numbers in the paths of messages and of their fields, in descriptor.proto."""


@cache
def schema(name: str) -> dict[str, Any]:
    """Return the content of a JSON file in schemas/."""
    return cast("dict[str, Any]", json.loads(schema_text(name)))


def schema_text(name: str) -> str:
    """Return the text of a JSON file in schemas/."""
    return _content("quantcfg.schemas", name).decode()


@cache
def grammar(name: str) -> str:
    """Return the text of a file in grammar/."""
    return _content("quantcfg.grammar", name).decode()


@cache
def parse_table() -> dict[str, Any]:
    """Return the parse table that "make grammar" compiles from grammar/."""
    return cast("dict[str, Any]", json.loads(_content("quantcfg.grammar", "textproto.json")))


def terminal(name: str) -> str:
    """Return the pattern of a terminal, for use in any regular expression, verbose or not."""
    return f"(?-x:{parse_table()['terminals'][name]})"


@cache
def message_descriptor(file: str, name: str) -> Descriptor:
    """Return the descriptor of a message in proto/, by the names of its file and its own.

    Each file has its own pool, so that it cannot conflict with another copy of
    the same schema in the process.
    """
    # With two pools for one file, a message would have two incompatible classes.
    with _LOADING:
        pool = _pool(file)
    return pool.FindMessageTypeByName(name)


@cache
def message_class(file: str, name: str) -> type[Message]:
    """Return the class of a message in proto/."""
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(message_descriptor(file, name))


@cache
def comments(file: str) -> dict[str, str]:
    """Return the comments on messages and fields in a file of proto/, by full name."""
    from google.protobuf.descriptor_pb2 import FileDescriptorProto

    descriptor = FileDescriptorProto.FromString(_content("quantcfg.proto", f"{file}.binpb"))
    return {
        _full_name(descriptor, location.path): " ".join(location.leading_comments.split())
        for location in descriptor.source_code_info.location
        if location.leading_comments and tuple(location.path[::2]) in (_MESSAGE, _FIELD)
    }


def _full_name(descriptor: FileDescriptorProto, path: Sequence[int]) -> str:
    message = descriptor.message_type[path[1]]
    fields = [message.field[index].name for index in path[3:]]
    return ".".join([descriptor.package, message.name, *fields])


def _content(package: str, name: str) -> bytes:
    """Return a file of a package; pkgutil loads faster than importlib.resources."""
    content = get_data(package, name)
    assert content is not None
    return content


@cache
def _pool(file: str) -> DescriptorPool:
    from google.protobuf.descriptor_pool import DescriptorPool

    pool = DescriptorPool()
    pool.AddSerializedFile(_content("quantcfg.proto", f"{file}.binpb"))
    return pool
