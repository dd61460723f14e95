"""A value, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from quantcfg.source import Span
from quantcfg.textproto import Place

T = TypeVar("T")


class OriginKind(StrEnum):
    """What gave a value."""

    WRITTEN = "written"
    """A text or an argument; its span is the place."""

    DEFAULT = "default"
    """The default of the schema."""

    LAYER_TYPE = "layer type"
    """What a layer of this type has unless something is written."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from; what names it in words, place is its field where it stands in a quant.cfg."""

    kind: OriginKind
    what: str
    span: Span | None = None
    place: Place | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value and its origin."""

    value: T
    origin: Origin

    @property
    def span(self) -> Span | None:
        """Where the value is written, if it is."""
        return self.origin.span


def default(value: T) -> Setting[T]:
    """Return a setting that is the default of the schema."""
    return Setting(value, Origin(OriginKind.DEFAULT, "default"))


def written(value: T, what: str, span: Span) -> Setting[T]:
    """Return a setting that stands in a text or an argument."""
    return Setting(value, Origin(OriginKind.WRITTEN, what, span))
