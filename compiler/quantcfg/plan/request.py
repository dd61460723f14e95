"""What is asked for: the content of a quant.cfg, or of the plain arguments, in one form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from types import MappingProxyType
from typing import Any

from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.catalogue import limited
from quantcfg.network import ConfigSchema, Edition
from quantcfg.plan.float32 import shortest_decimal
from quantcfg.plan.parameters import unwritten
from quantcfg.plan.settings import Origin, OriginKind, Setting, written
from quantcfg.source import Argument, Source, Span, Spell, python_argument
from quantcfg.textproto import Binding, Bound, Given, Path, Place, bind, converter, parse, place_of, tree
from quantcfg.values import frozen_value, small_value

_BREAKS = (catalogue.SYNTAX.code, catalogue.UNEXPECTED_CHARACTER.code)
"""Mistakes behind which fields may stand in another message than they were meant to."""

_NONE: frozenset[str] = frozenset()
_NO_OTHERS: Mapping[str, Setting[Any]] = MappingProxyType({})
_WRITTEN = OriginKind.WRITTEN
_TYPE_OVERRIDES = ("override_layer_types", "layer_type", "type")
_LAYER_OVERRIDES = ("override_layer_configs", "layer_name", "layer")


@small_value
class Algorithm:
    """An algorithm that is asked for, by its field's name, and the parameters that are set.

    unread names those that are given, but badly: what they were meant to be is not known.
    earlier are those that would be asked for without this one, the next one first; their
    parameters are not known.
    """

    name: str
    parameters: Mapping[str, Setting[Any]]
    origin: Origin
    unread: frozenset[str] = _NONE
    earlier: tuple[Algorithm, ...] = ()


@small_value
class Calibration:
    """A CalibrationConfig: at most one algorithm for weights and one for activations.

    level says in words whose it is: "common_config", 'the override of type "Pooling"'.
    """

    level: str
    weight: Algorithm | None
    activation: Algorithm | None
    origin: Origin

    @property
    def span(self) -> Span | None:
        """Where it is written."""
        return self.origin.span


@small_value
class Override:
    """What a layer, or a type of layers, gets in place of common_config."""

    target: Setting[str]
    calibration: Calibration

    @property
    def is_written(self) -> bool:
        """Whether it stands in the request as an override, rather than behind a deprecated field."""
        return self.target.origin.kind is OriginKind.WRITTEN


@frozen_value
class NonUniform:
    """Where to find the layers for non-uniform quantization, and its parameters.

    mapping_file is None where it is missing, which has been reported.
    """

    mapping_file: Setting[str] | None
    weight: Algorithm


@frozen_value
class Request:
    """A quantization request (reference 2). A setting that is absent was not asked for.

    has_unread_overrides tells that there are overrides which could not be read,
    or name nothing: what they would have changed is not known. Without is_whole,
    what stands where in the text may not be what was meant.
    """

    settings: Mapping[str, Setting[Any]] = field(default_factory=dict)
    skip_layers: tuple[Setting[str], ...] = ()
    skip_layer_types: tuple[Setting[str], ...] = ()
    skip_fusion_layers: tuple[Setting[str], ...] = ()
    non_uniform: NonUniform | None = None
    common: Calibration | None = None
    type_overrides: tuple[Override, ...] = ()
    layer_overrides: tuple[Override, ...] = ()
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

    An argument that is as it is by default asks for nothing. spell returns how one is written.
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
    """Return the request of a quant.cfg, as far as it can be read, after reporting what is wrong with it."""
    wrong: list[Diagnostic] = []
    return request_from_tree(parse(source, wrong.append, wanted="a quant.cfg"), wrong, edition, report)


def request_from_tree(
    document: tree.Document, wrong: Sequence[Diagnostic], edition: Edition, report: Report
) -> Request:
    """Return the request of a quant.cfg by its tree, and by what its parser found wrong."""
    report = limited(report)
    for diagnostic in wrong:
        report(diagnostic)
    stranger = _model_field(document, edition)
    if stranger:
        span, what = document.span(stranger.name), edition.model_words
        help = "give it as the model"
        report(catalogue.ANOTHER_FORMAT.at(span, what=what, wanted="a quant.cfg", help=help))
        return Request()
    binding = bind(document, edition.request.new(), report, foreign=edition.foreign_fields)
    reading = _Reading(binding, edition.schema, set(binding.failed), report)
    return Request(
        settings=_scalars(reading, binding.whole, _message_origin(reading, binding.whole)),
        skip_layers=_names(binding, "skip_layers"),
        skip_layer_types=_names(binding, "skip_layer_types"),
        skip_fusion_layers=_names(binding, "skip_fusion_layers"),
        non_uniform=_non_uniform(reading),
        common=_calibration(reading, binding.whole, "common_config"),
        type_overrides=tuple(_overrides(reading, *_TYPE_OVERRIDES)),
        layer_overrides=tuple(_overrides(reading, *_LAYER_OVERRIDES)),
        conv=_calibration(reading, binding.whole, "conv_calibration_config"),
        fc=_calibration(reading, binding.whole, "fc_calibration_config"),
        has_unread_overrides=_has_unread_overrides(reading),
        is_whole=not any(each.code in _BREAKS for each in wrong),
    )


@frozen_value
class _Reading:
    """A binding, and the paths of all that was given, but badly: numbers that are not finite among them."""

    binding: Binding
    schema: ConfigSchema
    failed: set[Path]
    report: Report


def _model_field(document: tree.Document, edition: Edition) -> tree.Field | None:
    """Return the first list that only a model has, unless there are fields of a quant.cfg as well."""
    if any(field.text in edition.request.field_names for field in document.fields):
        return None
    lists = {field.name for field in edition.model.descriptor.fields if field.is_repeated}
    return next((field for field in document.fields if field.text in lists), None)


def _has_unread_overrides(reading: _Reading) -> bool:
    binding = reading.binding
    for overridden, target, _ in (_TYPE_OVERRIDES, _LAYER_OVERRIDES):
        if (overridden,) in reading.failed or not all(
            target in override.fields and "calibration_config" in override.fields
            for override in binding.whole.messages_of(overridden)
        ):
            return True
    return () in binding.damaged


def _names(binding: Binding, field: str) -> tuple[Setting[str], ...]:
    values, given = getattr(binding.message, field), binding.whole.given_items(field)
    items = enumerate(zip(values, given, strict=True))
    return tuple(
        Setting(value, _origin(each, (field, index), binding.document)) for index, (value, each) in items
    )


def _overrides(reading: _Reading, field: str, target: str, kind: str) -> Iterator[Override]:
    """Yield the overrides that are complete; the binding has reported the others."""
    for bound in reading.binding.whole.messages_of(field):
        name = getattr(bound.message, target)
        calibration = _calibration(reading, bound, "calibration_config", f'the override of {kind} "{name}"')
        if calibration and target in bound.fields:
            yield Override(_setting(reading.binding, bound, target), calibration)


def _calibration(
    reading: _Reading, parent: Bound, field: str, level: str | None = None
) -> Calibration | None:
    bound, level = parent.message_of(field), level or field
    if bound is None:
        return None
    message = bound.message
    return Calibration(
        level,
        _algorithm(reading, bound, message.WhichOneof("wts_quant_algo"), level),
        _algorithm(reading, bound, message.WhichOneof("acts_quant_algo"), level),
        _message_origin(reading, bound),
    )


def _algorithm(reading: _Reading, parent: Bound, field: str | None, level: str) -> Algorithm | None:
    bound = parent.message_of(field) if field else None
    if field is None or bound is None:
        return None
    origin = _message_origin(reading, bound, level)
    return Algorithm(
        field,
        _scalars(reading, bound, origin, unwritten(reading.schema, field)),
        origin,
        _unread(reading, bound),
        _earlier_algorithms(bound, parent.path, level) if isinstance(bound.given, Place) else (),
    )


def _unread(reading: _Reading, bound: Bound) -> frozenset[str]:
    """Return the fields of a message that are given, but badly."""
    if not reading.failed:
        return _NONE
    return frozenset(name for name in bound.known if (*bound.path, name) in reading.failed)


def _earlier_algorithms(bound: Bound, around: Path, level: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that would be asked for without the message of one."""
    names = ((each, each.field.text) for each in _earlier(bound.given))
    return tuple(
        Algorithm(name, {}, _origin(each, (*around, name), each.document, level)) for each, name in names
    )


def _non_uniform(reading: _Reading) -> NonUniform | None:
    binding, name = reading.binding, "nuq_quantize"
    config = binding.whole.message_of("nuq_config")
    if config is None:
        return None
    given = _algorithm(reading, config, name, "nuq_config")
    origins = [_origin(each, config.path, each.document) for each in _earlier(config.given)]
    unset = [Algorithm(name, {}, origin) for origin in (_message_origin(reading, config), *origins)]
    first, *others = [given, *given.earlier, *unset] if given else unset
    return NonUniform(
        _setting(binding, config, "mapping_file") if "mapping_file" in config.fields else None,
        Algorithm(first.name, first.parameters, first.origin, first.unread, tuple(others)),
    )


def _scalars(
    reading: _Reading, bound: Bound, origin: Origin, others: Mapping[str, Setting[Any]] = _NO_OTHERS
) -> dict[str, Setting[Any]]:
    """Return the scalar fields of a message that are set; each float as its shortest decimal.

    others are what they would be if nothing were written. A number that is not
    finite is reported (reference U22).
    """
    settings, message, failed = {}, bound.message, reading.failed
    for name, given in bound.fields.items():
        if isinstance(given, (Bound, list)):
            continue
        value = getattr(message, name)
        if isinstance(value, float):
            if not math.isfinite(value):
                span = place_of(given, reading.binding.document).span
                reading.report(catalogue.NOT_FINITE.at(span, field=name, value=span.text))
                failed.add((*bound.path, name))
            value = shortest_decimal(value)
        if not failed or (*bound.path, name) not in failed:
            behind = others.get(name)
            if isinstance(given, Place):
                behind = _lost(given, name, message, origin, behind)
            settings[name] = Setting(value, origin, behind, name, given)
    return settings


def _lost(
    given: Place, name: str, message: Any, origin: Origin, behind: Setting[Any] | None
) -> Setting[Any] | None:
    """Return what a scalar field would have without what gave it, of the values that it can have.

    behind is what it would have if nothing were written.
    """
    descriptor = message.DESCRIPTOR.fields_by_name[name]
    for earlier in reversed(_earlier(given)):
        holder = type(message)(**{name: converter(descriptor)(earlier.document, earlier.value, descriptor)})
        value = _decimal(getattr(holder, name))
        if not isinstance(value, float) or math.isfinite(value):
            behind = Setting(value, origin, behind, name, earlier)
    return behind


def _decimal(value: Any) -> Any:
    return shortest_decimal(value) if isinstance(value, float) else value


def _earlier(given: Given | None) -> list[Place]:
    """Return the places that would count one after the other without what gave a value."""
    places, earlier = list[Place](), given.earlier if isinstance(given, Place) else None
    while earlier:
        places.append(earlier)
        earlier = earlier.earlier
    return places


def _setting(binding: Binding, bound: Bound, name: str) -> Setting[Any]:
    origin = _origin(bound.given_to(name), (*bound.path, name), binding.document)
    return Setting(getattr(bound.message, name), origin)


def _message_origin(reading: _Reading, bound: Bound, level: str | None = None) -> Origin:
    return Origin(_WRITTEN, bound.path, bound.given, level, reading.binding.document)


def _origin(given: Given, path: Path, document: tree.Document, level: str | None = None) -> Origin:
    return Origin(_WRITTEN, path, given, level, document)
