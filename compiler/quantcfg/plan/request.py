"""The request: the content of a quant.cfg, or of the plain arguments, in one form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from quantcfg.contracts.config_schema import (
    BALANCER,
    INPUT_INDEX,
    LAYER_NAME,
    NON_UNIFORM,
    SKIP_FUSION,
    TENSORS,
    ConfigSchema,
)
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.catalogue import limited
from quantcfg.frozen import frozen_value, replace, small_value
from quantcfg.network import Edition
from quantcfg.plan.settings import Origin, OriginKind, Setting, is_finite, written
from quantcfg.source import Argument, Source, Span, Spell, python_argument
from quantcfg.textproto import (
    Binding,
    Bound,
    BoundMessage,
    BoundScalar,
    Dialect,
    Path,
    bind,
    parse,
    place_of,
    tree,
)

if TYPE_CHECKING:
    from quantcfg.contracts.descriptors import Descriptor

_BREAKS = (catalogue.SYNTAX.code, catalogue.UNEXPECTED_CHARACTER.code)
"""Errors after which fields may be attributed to the wrong message."""

_NONE: frozenset[str] = frozenset()
_WRITTEN = OriginKind.WRITTEN
_TYPE_OVERRIDES = ("override_layer_types", "layer_type", "type")
_LAYER_OVERRIDES = ("override_layer_configs", "layer_name", "layer")


@small_value
class Algorithm:
    """A requested algorithm: the name of its field, and the parameters that are set.

    unread names the parameters that have invalid values.
    """

    name: str
    parameters: Mapping[str, Setting[Any]]
    origin: Origin
    unread: frozenset[str] = _NONE

    def history(self) -> Iterator[Algorithm]:
        """Yield this algorithm, then those that it replaces in its field, the latest first.

        The parameters of the replaced ones are not known.
        """
        yield self
        for origin in self.origin.replaced():
            name = str(origin.path[-1])
            yield Algorithm(self.name if name == self.origin.path[-1] else name, {}, origin)


@small_value
class Calibration:
    """A CalibrationConfig: at most one algorithm for weights and one for activations.

    level is its name in messages: "common_config", 'the override of type "A"'.
    balancers are the settings that can give the strength of the balance step, in order
    of precedence; without any there is no balance step.
    """

    level: str
    weight: Algorithm | None
    activation: Algorithm | None
    origin: Origin
    balancers: tuple[Setting[float], ...] = ()

    @property
    def balancer(self) -> Setting[float] | None:
        """The strength of the balance step, None if there is none."""
        return self.balancers[0] if self.balancers else None

    @property
    def span(self) -> Span | None:
        """Its span, None if it is not written."""
        return self.origin.span


@small_value
class Override:
    """A calibration of a layer, or of a layer type, instead of common_config."""

    target: Setting[str]
    calibration: Calibration

    @property
    def is_written(self) -> bool:
        """Whether it is written as an override, not as a deprecated field."""
        return self.target.origin.kind is OriginKind.WRITTEN


@small_value
class Tensor:
    """An input of a layer that is quantized by itself: the name of the layer, and the index of the input."""

    layer: Setting[str]
    index: Setting[int]
    activation: Algorithm | None
    origin: Origin

    @property
    def what(self) -> str:
        """Its name in messages."""
        return f'input {self.index.value} of "{self.layer.value}"'


@frozen_value
class NonUniform:
    """The mapping file that selects layers for non-uniform quantization, and the algorithm.

    mapping_file is None if it is missing; the error is already reported. The first of
    algorithms is effective; the last one is that of nuq_config without nuq_quantize.
    """

    mapping_file: Setting[str] | None
    algorithms: tuple[Algorithm, ...]

    @property
    def weight(self) -> Algorithm:
        """The effective algorithm."""
        return self.algorithms[0]


@frozen_value
class Request:
    """A quantization request (reference 2); settings that are not set are absent.

    has_unread_overrides: some overrides are invalid or have an unknown target, so
    what they would change is not known. is_whole is False if fields may be
    attributed to the wrong message after a syntax error.
    """

    settings: Mapping[str, Setting[Any]] = MappingProxyType({})
    skip_layers: tuple[Setting[str], ...] = ()
    skip_layer_types: tuple[Setting[str], ...] = ()
    skip_fusion_layers: tuple[Setting[str], ...] = ()
    non_uniform: NonUniform | None = None
    common: Calibration | None = None
    type_overrides: tuple[Override, ...] = ()
    layer_overrides: tuple[Override, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    conv: Calibration | None = None
    fc: Calibration | None = None
    has_unread_overrides: bool = False
    is_whole: bool = True


def request_from_arguments(
    skip_layers: Sequence[str],
    batch_num: int,
    activation_offset: bool,
    edition: Edition,
    spell: Spell = python_argument,
) -> Request:
    """Return the request of the plain arguments of create_quant_config (reference 1).

    An argument that equals its default is not set. spell returns an argument as it is written.
    """
    values = {"batch_num": batch_num, "activation_offset": activation_offset}
    defaults = edition.schema.global_defaults
    skipped = spell("skip_layers", list(skip_layers))
    return Request(
        settings={
            name: _argument(spell(name, value), value)
            for name, value in values.items()
            if value != defaults[name]
        },
        skip_layers=tuple(
            written(value, skipped.name, span)
            for value, span in zip(skip_layers, skipped.items(), strict=True)
        ),
    )


def _argument(spelled: Argument, value: Any) -> Setting[Any]:
    return written(value, spelled.name, spelled.span)


def request_from_config(source: Source, edition: Edition, report: Report) -> Request:
    """Parse a quant.cfg; report errors and keep the valid fields."""
    found: list[Diagnostic] = []
    return request_from_tree(parse(source, found.append, wanted="a quant.cfg"), found, edition, report)


def request_from_tree(
    document: tree.Document, syntax_errors: Sequence[Diagnostic], edition: Edition, report: Report
) -> Request:
    """Return the request of a parsed quant.cfg; syntax_errors are the diagnostics of its parser."""
    report = limited(report)
    for diagnostic in syntax_errors:
        report(diagnostic)
    model_field = _model_field(document, edition)
    if model_field:
        span, what = document.span(model_field.name), edition.words.network
        help = "pass it with --model"
        report(catalogue.ANOTHER_FORMAT.at(span, what=what, wanted="a quant.cfg", help=help))
        return Request()
    binding = bind(document, edition.request.descriptor, report, Dialect(foreign=edition.foreign_fields))
    reading = _Reading(binding, edition.schema, set(binding.failed), report)
    return Request(
        settings=_scalars(reading, binding.whole, _origin(reading, binding.whole, ())),
        skip_layers=_names(reading, "skip_layers"),
        skip_layer_types=_names(reading, "skip_layer_types"),
        skip_fusion_layers=_names(reading, SKIP_FUSION),
        non_uniform=_non_uniform(reading),
        common=_calibration(reading, binding.whole, "common_config"),
        type_overrides=tuple(_overrides(reading, *_TYPE_OVERRIDES)),
        layer_overrides=tuple(_overrides(reading, *_LAYER_OVERRIDES)),
        tensors=tuple(_tensors(reading)),
        conv=_calibration(reading, binding.whole, "conv_calibration_config"),
        fc=_calibration(reading, binding.whole, "fc_calibration_config"),
        has_unread_overrides=_has_unread_overrides(reading),
        is_whole=not any(each.code in _BREAKS for each in syntax_errors),
    )


@frozen_value
class _Reading:
    """A binding, and the paths of invalid values, including numbers that are not finite."""

    binding: Binding
    schema: ConfigSchema
    failed: set[Path]
    report: Report


def _model_field(document: tree.Document, edition: Edition) -> tree.Field | None:
    """Return the first list that only a model has, unless there are fields of a quant.cfg too."""
    known = edition.request.descriptor.fields
    if edition.model is None or any(field.text in known for field in document.fields):
        return None
    lists = {name for name, field in edition.model.descriptor.fields.items() if field.is_repeated}
    return next((field for field in document.fields if field.text in lists), None)


def _has_unread_overrides(reading: _Reading) -> bool:
    binding = reading.binding
    for overridden, target, _ in (_TYPE_OVERRIDES, _LAYER_OVERRIDES):
        if (overridden,) in reading.failed or not all(
            target in override.fields and "calibration_config" in override.fields
            for override in binding.whole.messages(overridden)
        ):
            return True
    return () in binding.broken


def _names(reading: _Reading, field: str) -> tuple[Setting[str], ...]:
    return tuple(
        Setting(each.value, _origin(reading, each, (field, index)))
        for index, each in enumerate(reading.binding.whole.items(field))
        if isinstance(each, BoundScalar)
    )


def _overrides(reading: _Reading, field: str, target: str, kind: str) -> Iterator[Override]:
    """Yield the complete overrides; the binder has reported the others."""
    for bound in reading.binding.whole.messages(field):
        name = bound.scalar(target)
        level = f'the override of {kind} "{name.value if name else ""}"'
        calibration = _calibration(reading, bound, "calibration_config", level)
        if calibration and name:
            yield Override(Setting(name.value, _origin(reading, name, (*bound.path, target))), calibration)


def _calibration(
    reading: _Reading, parent: BoundMessage, field: str, level: str | None = None
) -> Calibration | None:
    bound, level = parent.message(field), level or field
    if bound is None:
        return None
    return Calibration(
        level,
        _algorithm(reading, bound, bound.chosen("wts_quant_algo"), level),
        _algorithm(reading, bound, bound.chosen("acts_quant_algo"), level),
        _origin(reading, bound, bound.path),
        _balancers(reading, bound, level),
    )


def _balancers(reading: _Reading, calibration: BoundMessage, level: str) -> tuple[Setting[float], ...]:
    """Return the strength of the balance step if it is set, and the default that the message gives it."""
    for path, key in reading.schema.layer_fields.items():
        name, field = path.split(".")
        bound = calibration.message(name)
        if bound and key == BALANCER:
            origin = _origin(reading, bound, bound.path, level)
            given = _scalars(reading, bound, origin).get(field)
            default = bound.descriptor.fields[field].default
            unset = [Setting(default, each) for each in (origin, *origin.replaced())]
            return (given, *unset) if given else tuple(unset)
    return ()


def _tensors(reading: _Reading) -> Iterator[Tensor]:
    """Yield the complete quantized tensors; the binder has reported the others."""
    for bound in reading.binding.whole.messages(TENSORS):
        name, index = bound.scalar(LAYER_NAME), bound.scalar(INPUT_INDEX)
        if name and index:
            origin = _origin(reading, bound, bound.path)
            tensor = Tensor(
                Setting(name.value, origin, LAYER_NAME, name),
                Setting(index.value, origin, INPUT_INDEX, index),
                None,
                origin,
            )
            field = bound.chosen("acts_quant_algo")
            yield replace(tensor, activation=_algorithm(reading, bound, field, tensor.what))


def _algorithm(reading: _Reading, parent: BoundMessage, field: str | None, level: str) -> Algorithm | None:
    bound = parent.message(field) if field else None
    if field is None or bound is None:
        return None
    origin = _origin(reading, bound, bound.path, level)
    return Algorithm(field, _scalars(reading, bound, origin), origin, _unread(reading, bound))


def _unread(reading: _Reading, bound: BoundMessage) -> frozenset[str]:
    """Return the fields of a message that have invalid values."""
    if not reading.failed:
        return _NONE
    names = bound.descriptor.fields
    return frozenset(name for name in names if (*bound.path, name) in reading.failed)


def _non_uniform(reading: _Reading) -> NonUniform | None:
    config, name = reading.binding.whole.message("nuq_config"), NON_UNIFORM
    if config is None:
        return None
    file, given = config.scalar("mapping_file"), _algorithm(reading, config, name, "nuq_config")
    alone = Algorithm(name, {}, _origin(reading, config, config.path))
    return NonUniform(
        Setting(file.value, _origin(reading, file, (*config.path, "mapping_file"))) if file else None,
        (given, alone) if given else (alone,),
    )


def _scalars(reading: _Reading, message: BoundMessage, origin: Origin) -> dict[str, Setting[Any]]:
    """Return the scalar fields of a message; report numbers that are not finite (reference U22)."""
    settings, failed = {}, reading.failed
    enums = _meanings(message.descriptor, reading.schema)
    for name, bound in message.fields.items():
        if not isinstance(bound, BoundScalar):
            continue
        if not is_finite(bound.value):
            span = place_of(bound, reading.binding.document).span
            reading.report(catalogue.NOT_FINITE.at(span, field=name, value=span.text))
            failed.add((*message.path, name))
        if not failed or (*message.path, name) not in failed:
            meanings = enums.get(name) if enums else None
            value = bound.value if meanings is None else meanings[bound.value]
            settings[name] = Setting(value, origin, name, bound, meanings)
    return settings


@cache
def _meanings(message: Descriptor, schema: ConfigSchema) -> Mapping[str, Mapping[int, Any]]:
    """Return the values of the configuration for the enum fields of a message, by number.

    They are those that the schema has for the words, or else the words themselves.
    """
    meanings = {}
    for known in message.fields.values():
        if known.enum:
            parameter = schema.parameter_of_field(known.name)
            values = parameter.values if parameter else {}
            names = known.enum.names.items()
            meanings[known.name] = {number: values.get(name, name) for number, name in names}
    return meanings


def _origin(reading: _Reading, bound: Bound, path: Path, level: str | None = None) -> Origin:
    return Origin(_WRITTEN, path, bound, level, reading.binding.document)
