"""A value, and where it came from."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from quantcfg.contracts.config_schema import ConfigSchema, Parameter, activation_name
from quantcfg.frozen import small_value
from quantcfg.source import Span
from quantcfg.textproto import Bound, BoundMessage, BoundScalar, Path, Place, place_of, replaced_by, tree

if TYPE_CHECKING:
    from quantcfg.plan.request import Algorithm

T = TypeVar("T")

Locate = Callable[[Path], Span | None]
"""Returns where the value at a path of a configuration is, when the location is shown."""


class OriginKind(StrEnum):
    """What gave a value."""

    WRITTEN = "written"
    """A text or an argument; its span is the place."""

    DEFAULT = "default"
    """The default of the schema."""

    LAYER_TYPE = "layer type"
    """What a layer of this type has unless something is written."""


@small_value
class Origin:
    """Where a value came from.

    path names it: of what stands in a quant.cfg it is the path, else it has one
    step, in words. where is the place of the text or argument, or the bound value
    of a quant.cfg, which is document; level says in whose part of that, such as
    "common_config".
    """

    kind: OriginKind
    path: Path
    where: Span | Bound | Locate | None = field(default=None, compare=False, repr=False)
    level: str | None = field(default=None, compare=False, repr=False)
    document: tree.Document | None = field(default=None, compare=False, repr=False)

    @property
    def what(self) -> str:
        """Its name in words; an option, such as --batch-num, speaks for itself."""
        name = ".".join(map(str, self.path))
        return f"argument {name}" if self.argument and not name.startswith("--") else name

    @property
    def argument(self) -> str | None:
        """The name of the argument, where it is one."""
        is_argument = isinstance(self.where, Span) and not self.where.source.is_file
        return str(self.path[0]) if is_argument else None

    @property
    def place(self) -> Place | None:
        """Its field, where it stands in a quant.cfg."""
        if self.document is None or not isinstance(self.where, BoundScalar | BoundMessage):
            return None
        return place_of(self.where, self.document)

    @property
    def span(self) -> Span | None:
        """Where it is written: the place of the value, or of a message that of its name."""
        if callable(self.where):
            return self.where(self.path)
        place = self.place
        if place is None:
            return self.where if isinstance(self.where, Span) else None
        return place.name_span if isinstance(place.value, tree.Message) else place.span

    def replaced(self) -> Iterator[Origin]:
        """Yield the origins that count, one after the other, without a field of a quant.cfg."""
        if isinstance(self.where, (BoundScalar, BoundMessage)):
            for each in replaced_by(self.where):
                yield Origin(self.kind, (*self.path[:-1], each.field.text), each, self.level, self.document)


@small_value
class Setting(Generic[T]):
    """A value and its origin.

    Of all values, few are asked for their origin, so it is made then: of a field in
    a message, source is the origin of the message, name that of the field and bound
    its value; of a key in a configuration, source is the origin of its object, and
    name the key. Without a name, source is the origin itself.
    """

    value: T
    source: Origin
    name: str | int | None = None
    bound: BoundScalar | None = field(default=None, compare=False, repr=False)

    @property
    def origin(self) -> Origin:
        """Where the value came from."""
        source = self.source
        if self.name is None:
            return source
        where = source.where if self.bound is None else self.bound
        return Origin(source.kind, (*source.path, self.name), where, source.level, source.document)

    @property
    def span(self) -> Span | None:
        """Where the value is written, if it is."""
        return self.origin.span

    def given(self) -> Iterator[Setting[T]]:
        """Yield this setting, and what its field has without it, where it is set several times."""
        yield self
        for earlier in replaced_by(self.bound) if self.bound else ():
            if isinstance(earlier, BoundScalar) and is_finite(earlier.value):
                yield Setting(earlier.value, self.source, self.name, earlier)


Leaf = Setting[Any] | tuple[Setting[Any], ...]
"""A value of the configuration; a list has an origin for each of its items."""

Values = Mapping[str, Leaf]


def is_finite(value: object) -> bool:
    """Tell whether a value is not an infinite number, nor NaN."""
    return not isinstance(value, float) or math.isfinite(value)


def default(value: T, what: str = "default") -> Setting[T]:
    """Return a setting that is the default of the schema."""
    return Setting(value, Origin(OriginKind.DEFAULT, (what,)))


def written(value: T, what: str, span: Span) -> Setting[T]:
    """Return a setting that stands in a text or an argument."""
    return Setting(value, Origin(OriginKind.WRITTEN, (what,), span))


def activation_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return what the configuration calls an activation algorithm (reference 3.3)."""
    return activation_name(algorithm.name) if algorithm else schema.default_activation


def weight_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return what the configuration calls a weight algorithm (reference 3.4)."""
    return algorithm.name if algorithm else schema.default_weight


def values_of(schema: ConfigSchema, name: str, given: Mapping[str, Setting[Any]]) -> dict[str, Leaf]:
    """Return the values of an algorithm by its name in the configuration, in output order.

    given holds them by field of quant.cfg; what is not in there has its default,
    and what is not a parameter of the algorithm is left out.
    """
    usual, ranges = _usual(schema, name)
    values: dict[str, Any] = {**usual, **given}
    for parameter, defaults in ranges:
        values[parameter.key] = tuple(map(values.pop, parameter.settings, defaults))
    return values if len(values) == len(usual) else {key: values[key] for key in usual}


@cache
def _usual(
    schema: ConfigSchema, name: str
) -> tuple[dict[str, Leaf], list[tuple[Parameter, tuple[Setting[Any], ...]]]]:
    """Return the default values of an algorithm, and its parameters that are ranges with theirs."""
    known = [(each, tuple(map(default, each.defaults))) for each in schema.parameters(name)]
    usual: dict[str, Leaf] = {
        each.key: defaults[0] if len(defaults) == 1 else defaults for each, defaults in known
    }
    return usual, [(each, defaults) for each, defaults in known if len(each.settings) > 1]
