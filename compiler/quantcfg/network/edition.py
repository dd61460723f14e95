"""An edition of AMCT: everything that differs between frameworks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from quantcfg import contracts
from quantcfg.contracts import foreign
from quantcfg.contracts.config_schema import ConfigSchema
from quantcfg.contracts.layer_types import LayerTypes
from quantcfg.diagnostics.phrases import listed
from quantcfg.frozen import Caching, frozen_value

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from quantcfg.contracts.descriptors import Descriptor
    from quantcfg.diagnostics import Report
    from quantcfg.files import OtherContent, PathLike, Reader
    from quantcfg.network.network import Network, Shape
    from quantcfg.network.operations import Operations, StoredWeights
    from quantcfg.weights.computation import Computation

    OperationsReader = Callable[[Network, Mapping[str, Shape]], Operations]
    ArraysReader = Callable[[PathLike, Report], StoredWeights | None]

_REMOVE = "remove it: it "


@frozen_value
class MessageType:
    """A message type in proto/: the name of the file and of the message."""

    file: str
    name: str

    @property
    def descriptor(self) -> Descriptor:
        """The descriptor of the message."""
        return contracts.descriptors(self.file)[self.name]

    def new(self) -> Message:
        """Return a new, empty message of protobuf."""
        return contracts.message_class(self.file, self.name)()


@frozen_value
class Words:
    """The terms for the files of an edition in messages and editors.

    model says what a model file is ("a prototxt"), network what it contains
    ("a Caffe network"), and scope which part of it has the layers ("phase TEST"). The
    suffixes are those of their names; language is what editors call the language of a
    model. An edition without weights files, or whose models are not text, has no suffix or
    language for them.
    """

    model: str
    network: str
    scope: str
    model_suffix: str
    weights_suffix: str | None = None
    language: str | None = None

    @property
    def is_text(self) -> bool:
        """Whether models are text."""
        return self.language is not None


class ModelReader(Protocol):
    """A function that reads a model and its weights."""

    def __call__(
        self, model: PathLike, weights: PathLike | None, report: Report, *, read: Reader
    ) -> Network | None:
        """Return the network, or None after reporting why it cannot be read; read reads text files."""


@frozen_value
class NamedModel:
    """A model whose nodes have unique names.

    content is that of the file, in pieces. names are the new names, by the position of the
    node. read_network returns the network, or None after reporting why it cannot be read.
    """

    content: Iterable[bytes]
    names: Mapping[int, str]
    read_network: Callable[[Report], Network | None]


class ModelNamer(Protocol):
    """A function that gives the nodes of a model unique names."""

    def __call__(self, model: PathLike, output: str | None, report: Report) -> NamedModel | None:
        """Return the model to write to a file, or None after reporting why that is not possible."""


@frozen_value
class Edition(Caching):
    """An edition: its name, its contracts, and how it reads models.

    request is the message of a quant.cfg, and model that of a model in text format, if any.
    schema is that of configurations. recognize returns what a file of the edition is by its
    first bytes, None for any other file. name_nodes is for models whose nodes need no names.
    read_operations returns what the layers compute, with given shapes of inputs and of other
    blobs whose shapes are unknown. computation returns how layers compute with their weights,
    which is loaded on use. read_arrays returns where the arrays of a weights file are, or None
    after reporting an error; it is None if the weights are in the model.
    """

    name: str
    words: Words
    request: MessageType
    layer_types: LayerTypes
    schema: ConfigSchema
    read_model: ModelReader
    read_operations: OperationsReader
    recognize: Callable[[bytes], OtherContent | None]
    computation: Callable[[], Computation]
    model: MessageType | None = None
    name_nodes: ModelNamer | None = None
    read_arrays: ArraysReader | None = None

    def is_model(self, start: bytes) -> bool:
        """Return whether a file with these first bytes is a binary model of the edition."""
        found = None if self.words.is_text else self.recognize(start)
        return found is not None and found.what == self.words.model

    @cached_property
    def title(self) -> str:
        """Its name in messages."""
        return foreign.title(self.name)

    @cached_property
    def foreign_types(self) -> Mapping[str, Mapping[str, Sequence[str]]]:
        """The layer types of other editions, by edition, with the corresponding own types."""
        known = self.layer_types.known
        return {
            other: {name: own for name, own in types.items() if name not in known}
            for other, types in foreign.corresponding_types(self.name).items()
        }

    @cached_property
    def foreign_fields(self) -> Mapping[str, str]:
        """The help for each quant.cfg field that only other editions have (reference 2.1)."""
        return {
            name: f"use {instead}: {name} {help.removeprefix(_REMOVE)}"
            if (instead := foreign.replacement(name))
            else help
            for name, help in self.foreign_keys.items()
        }

    @cached_property
    def foreign_keys(self) -> Mapping[str, str]:
        """The help for each of these names as a key of a configuration."""
        own = foreign.fields_of(self.name)
        return {
            name: f"{_REMOVE}is a field of {listed(owners)}, not of {self.title}"
            for name, owners in foreign.owners().items()
            if name not in own
        }
