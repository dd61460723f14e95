"""Values and their origins."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from quantcfg.contracts.config_schema import ConfigSchema, Parameter, activation_name
from quantcfg.frozen import field, small_value
from quantcfg.source import Span
from quantcfg.textproto import Bound, BoundMessage, BoundScalar, Path, Place, place_of, replaced_by, tree

if TYPE_CHECKING:
    from quantcfg.plan.request import Algorithm

T = TypeVar("T")

Locate = Callable[[Path], Span | None]
"""Returns where the value at a path of a configuration is, when the location is shown."""


class OriginKind(StrEnum):
    """The kind of origin of a value."""

    WRITTEN = "written"
    """Written in a file or an argument."""

    DEFAULT = "default"
    """The default in the schema."""

    LAYER_TYPE = "layer type"
    """The default of the layer type."""


@small_value
class Origin:
    """Where a value comes from.

    path is the path in the file, or a single name such as "default". where is a
    span, a function that returns it, or a bound value of the quant.cfg whose syntax
    tree is document. level is the part of the request, such as "common_config".
    """

    kind: OriginKind
    path: Path
    where: Span | Bound | Locate | None = field(default=None, compare=False, repr=False)
    level: str | None = field(default=None, compare=False, repr=False)
    document: tree.Document | None = field(default=None, compare=False, repr=False)

    @property
    def what(self) -> str:
        """Its name in messages; an option such as --batch-num is not called an argument."""
        name = ".".join(map(str, self.path))
        return f"argument {name}" if self.argument and not name.startswith("--") else name

    @property
    def argument(self) -> str | None:
        """The name of the argument, None if it is not one."""
        is_argument = isinstance(self.where, Span) and not self.where.source.is_file
        return str(self.path[0]) if is_argument else None

    @property
    def place(self) -> Place | None:
        """Its field in the quant.cfg, None if it is not from one."""
        if self.document is None or not isinstance(self.where, BoundScalar | BoundMessage):
            return None
        return place_of(self.where, self.document)

    @property
    def span(self) -> Span | None:
        """The span of the value, or of the field name if it is a message; None if it is not written."""
        if callable(self.where):
            return self.where(self.path)
        place = self.place
        if place is None:
            return self.where if isinstance(self.where, Span) else None
        return place.name_span if isinstance(place.value, tree.Message) else place.span

    def replaced(self) -> Iterator[Origin]:
        """Yield the origins that this one replaces in its field of a quant.cfg, the latest first."""
        if isinstance(self.where, (BoundScalar, BoundMessage)):
            for each in replaced_by(self.where):
                yield Origin(self.kind, (*self.path[:-1], each.field.text), each, self.level, self.document)


@small_value
class Setting(Generic[T]):
    """A value and its origin.

    Few origins are needed, so they are created on demand. For a field of a message,
    source is the origin of the message, name that of the field and bound its value.
    For a key of a configuration, source is the origin of its object, and name the
    key. Without a name, source is the origin itself. For an enum, meanings are the
    values of the configuration by number.
    """

    value: T
    source: Origin
    name: str | int | None = None
    bound: BoundScalar | None = field(default=None, compare=False, repr=False)
    meanings: Mapping[int, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def origin(self) -> Origin:
        """Where the value comes from."""
        source = self.source
        if self.name is None:
            return source
        where = source.where if self.bound is None else self.bound
        return Origin(source.kind, (*source.path, self.name), where, source.level, source.document)

    @property
    def span(self) -> Span | None:
        """The span of the value, None if it is not written."""
        return self.origin.span

    def history(self) -> Iterator[Setting[T]]:
        """Yield this setting, then the earlier values of its field, the latest first."""
        yield self
        for earlier in replaced_by(self.bound) if self.bound else ():
            if isinstance(earlier, BoundScalar) and is_finite(earlier.value):
                value = earlier.value if self.meanings is None else self.meanings[earlier.value]
                yield Setting(value, self.source, self.name, earlier, self.meanings)


Leaf = Setting[Any] | tuple[Setting[Any], ...]
"""A value of the configuration; each item of a list has its own origin."""

Values = Mapping[str, Leaf]


def is_finite(value: object) -> bool:
    """Return whether a value is not an infinite number or NaN."""
    return not isinstance(value, float) or math.isfinite(value)


def default(value: T, what: str = "default") -> Setting[T]:
    """Return a setting that is the default of the schema."""
    return Setting(value, Origin(OriginKind.DEFAULT, (what,)))


def written(value: T, what: str, span: Span) -> Setting[T]:
    """Return a setting that is written in a file or an argument."""
    return Setting(value, Origin(OriginKind.WRITTEN, (what,), span))


def activation_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return the name of an activation algorithm in the configuration (reference 3.3)."""
    return activation_name(algorithm.name) if algorithm else schema.default_activation


def weight_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return the name of a weight algorithm in the configuration (reference 3.4)."""
    return algorithm.name if algorithm else schema.default_weight


def values_of(schema: ConfigSchema, name: str, given: Mapping[str, Setting[Any]]) -> dict[str, Leaf]:
    """Return the values of an algorithm in output order; name is its name in the configuration.

    given holds values by field of quant.cfg. Other parameters have their defaults,
    and fields that are not parameters of the algorithm are dropped.
    """
    complete, ranges, renamed = _defaults(schema, name)
    values: dict[str, Any] = {**complete, **given}
    for parameter, defaults in ranges:
        values[parameter.key] = tuple(map(values.pop, parameter.settings, defaults))
    for written_as, key in renamed:
        if written_as in values:
            values[key] = values.pop(written_as)
    return values if len(values) == len(complete) else {key: values[key] for key in complete}


@cache
def _defaults(
    schema: ConfigSchema, name: str
) -> tuple[dict[str, Leaf], list[tuple[Parameter, tuple[Setting[Any], ...]]], list[tuple[str, str]]]:
    """Return the default values of an algorithm, its ranges with their defaults, and the renamed fields.

    A renamed field sets a key of another name.
    """
    known = [(each, tuple(map(default, each.defaults))) for each in schema.parameters(name)]
    values: dict[str, Leaf] = {
        each.key: defaults[0] if len(defaults) == 1 else defaults for each, defaults in known
    }
    ranges = [(each, defaults) for each, defaults in known if len(each.settings) > 1]
    alone = [(each.settings[0], each.key) for each, _ in known if len(each.settings) == 1]
    return values, ranges, [(name, key) for name, key in alone if name != key]
