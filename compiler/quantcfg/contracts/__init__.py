"""Load the files of proto/, schemas/ and grammar/, each once.

The results are cached and shared: callers must not modify them.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from quantcfg.contracts.descriptors import Descriptors

if TYPE_CHECKING:
    from google.protobuf.descriptor_pool import DescriptorPool
    from google.protobuf.message import Message

_POOLS: dict[str, DescriptorPool] = {}


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
def descriptors(file: str) -> Descriptors:
    """Return the message types in a file of proto/, by full name."""
    return Descriptors(json.loads(_content("quantcfg.proto", f"{file}.json")))


@cache
def message_class(file: str, name: str) -> type[Message]:
    """Return the class of protobuf for a message in proto/, by the names of its file and its own.

    Each file has its own pool, so that it cannot conflict with another copy of
    the same schema in the process.
    """
    from google.protobuf.message_factory import GetMessageClass

    return GetMessageClass(_pool(file).FindMessageTypeByName(name))


def _content(package: str, name: str) -> bytes:
    """Return the content of a file in a package; importlib.resources and pkgutil take longer to load."""
    module: Any = import_module(package)
    content: bytes = module.__loader__.get_data(f"{module.__path__[0]}/{name}")
    return content


def _pool(file: str) -> DescriptorPool:
    if file not in _POOLS:
        from google.protobuf.descriptor_pool import DescriptorPool

        pool = DescriptorPool()
        pool.AddSerializedFile(_content("quantcfg.proto", f"{file}.binpb"))
        # The first of several threads sets it: in two pools, a message has two incompatible classes.
        _POOLS.setdefault(file, pool)
    return _POOLS[file]
