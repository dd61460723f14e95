"""What is asked for: the content of a quant.cfg, or of the plain arguments, in one form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from typing import Any

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.plan.contract import global_defaults
from quantcfg.plan.float32 import shortest_decimal
from quantcfg.plan.settings import Origin, OriginKind, Setting, written
from quantcfg.source import Source, Span, argument_source, argument_span
from quantcfg.textproto import Binding, Path, Place, bind, convert, parse, tree
from quantcfg.values import frozen_value, small_value

_CONFIG = ("calibration_config_caffe", "amct_caffe.AMCTConfig")
_BREAKS = (catalogue.SYNTAX.code, catalogue.UNEXPECTED_CHARACTER.code)
"""Mistakes behind which fields may stand in another message than they were meant to."""

_NONE: frozenset[str] = frozenset()
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


def request_from_arguments(skip_layers: Sequence[str], batch_num: int, activation_offset: bool) -> Request:
    """Return the request of the plain arguments of create_quant_config (reference 1).

    An argument that is as it is by default asks for nothing.
    """
    values, defaults = {"batch_num": batch_num, "activation_offset": activation_offset}, global_defaults()
    return Request(
        settings={name: _argument(name, value) for name, value in values.items() if value != defaults[name]},
        skip_layers=tuple(_argument_items("skip_layers", skip_layers)),
    )


def _argument(name: str, value: Any) -> Setting[Any]:
    span = argument_span(name, value)
    return written(value, span.source.name, span)


def _argument_items(name: str, values: Sequence[str]) -> Iterator[Setting[str]]:
    source = argument_source(name, list(values))
    end = 0
    for value in values:
        text = repr(value)
        start = source.text.index(text, end)
        end = start + len(text)
        yield written(value, source.name, Span(source, start, end))


def request_from_config(source: Source, report: Report) -> Request:
    """Return the request of a quant.cfg, as far as it can be read, after reporting what is wrong with it."""
    wrong: list[Diagnostic] = []
    return request_from_tree(parse(source, wrong.append), wrong, report)


def request_from_tree(document: tree.Document, wrong: Sequence[Diagnostic], report: Report) -> Request:
    """Return the request of a quant.cfg by its tree, and by what its parser found wrong."""
    for diagnostic in wrong:
        report(diagnostic)
    stranger = _network_field(document)
    if stranger:
        span = document.span(stranger.name)
        help = "give it as the model"
        report(catalogue.ANOTHER_FORMAT.at(span, what="a Caffe network", wanted="a quant.cfg", help=help))
        return Request()
    message = contracts.message_class(*_CONFIG)()
    binding = bind(document, message, report, foreign=contracts.foreign_fields())
    reading = _Reading(binding, set(binding.failed), report)
    return Request(
        settings=_scalars(reading, message, ()),
        skip_layers=_names(binding, "skip_layers"),
        skip_layer_types=_names(binding, "skip_layer_types"),
        skip_fusion_layers=_names(binding, "skip_fusion_layers"),
        non_uniform=_non_uniform(reading),
        common=_calibration(reading, message, "common_config"),
        type_overrides=tuple(_overrides(reading, *_TYPE_OVERRIDES)),
        layer_overrides=tuple(_overrides(reading, *_LAYER_OVERRIDES)),
        conv=_calibration(reading, message, "conv_calibration_config"),
        fc=_calibration(reading, message, "fc_calibration_config"),
        has_unread_overrides=_has_unread_overrides(reading),
        is_whole=not any(each.code in _BREAKS for each in wrong),
    )


@frozen_value
class _Reading:
    """A binding, and the paths of all that was given, but badly: numbers that are not finite among them."""

    binding: Binding
    failed: set[Path]
    report: Report


def _network_field(document: tree.Document) -> tree.Field | None:
    """Return the first list that only a Caffe network has, unless there are fields of a quant.cfg as well."""
    network = contracts.message_class("caffe", "caffe.NetParameter").DESCRIPTOR.fields_by_name
    config = contracts.message_class(*_CONFIG).DESCRIPTOR.fields_by_name
    names = [field for field in document.fields if not field.name.bracketed]
    if any(field.name.text in config for field in names):
        return None
    lists = {name for name, known in network.items() if known.is_repeated}
    return next((field for field in names if field.name.text in lists), None)


def _has_unread_overrides(reading: _Reading) -> bool:
    binding = reading.binding
    for overridden, target, _ in (_TYPE_OVERRIDES, _LAYER_OVERRIDES):
        overrides = getattr(binding.message, overridden)
        if (overridden,) in reading.failed or not all(
            override.HasField(target) and override.HasField("calibration_config") for override in overrides
        ):
            return True
    return () in binding.damaged


def _names(binding: Binding, field: str) -> tuple[Setting[str], ...]:
    values = getattr(binding.message, field)
    return tuple(_setting(binding, value, (field, index)) for index, value in enumerate(values))


def _overrides(reading: _Reading, field: str, target: str, kind: str) -> Iterator[Override]:
    """Yield the overrides that are complete; the binding has reported the others."""
    binding = reading.binding
    for index, message in enumerate(getattr(binding.message, field)):
        name, path = getattr(message, target), (field, index)
        level = f'the override of {kind} "{name}"'
        calibration = _calibration(reading, message, "calibration_config", path, level)
        if calibration and message.HasField(target):
            yield Override(_setting(binding, name, (*path, target)), calibration)


def _calibration(
    reading: _Reading, parent: Any, field: str, around: Path = (), level: str | None = None
) -> Calibration | None:
    if not parent.HasField(field):
        return None
    message, path, level = getattr(parent, field), (*around, field), level or field
    return Calibration(
        level,
        _algorithm(reading, message, message.WhichOneof("wts_quant_algo"), path, level),
        _algorithm(reading, message, message.WhichOneof("acts_quant_algo"), path, level),
        _origin(reading.binding.places[path], path),
    )


def _algorithm(
    reading: _Reading, parent: Any, field: str | None, around: Path, level: str
) -> Algorithm | None:
    if field is None:
        return None
    path, message = (*around, field), getattr(parent, field)
    place = reading.binding.places[path]
    parameters = _scalars(reading, message, path, level)
    return Algorithm(
        field,
        parameters,
        _origin(place, path, level),
        _unread(reading, message, path),
        _earlier_algorithms(place, around, level) if place.earlier else (),
    )


def _unread(reading: _Reading, message: Any, path: Path) -> frozenset[str]:
    """Return the fields of a message that are given, but badly."""
    if not reading.failed:
        return _NONE
    return frozenset(name for name in message.DESCRIPTOR.fields_by_name if (*path, name) in reading.failed)


def _earlier_algorithms(place: Place, around: Path, level: str) -> tuple[Algorithm, ...]:
    """Return the algorithms that would be asked for without a place."""
    names = ((each, each.name.text) for each in _earlier(place))
    return tuple(Algorithm(name, {}, _origin(each, (*around, name), level)) for each, name in names)


def _non_uniform(reading: _Reading) -> NonUniform | None:
    binding, name, path = reading.binding, "nuq_quantize", ("nuq_config",)
    if not binding.message.HasField("nuq_config"):
        return None
    config = binding.message.nuq_config
    given = _algorithm(reading, config, name if config.HasField(name) else None, path, "nuq_config")
    last = binding.places[path]
    unset = [Algorithm(name, {}, _origin(place, path)) for place in (last, *_earlier(last))]
    first, *others = [given, *given.earlier, *unset] if given else unset
    return NonUniform(
        _setting(binding, config.mapping_file, (*path, "mapping_file"))
        if config.HasField("mapping_file")
        else None,
        Algorithm(first.name, first.parameters, first.origin, first.unread, tuple(others)),
    )


def _scalars(
    reading: _Reading, message: Any, around: Path, level: str | None = None
) -> dict[str, Setting[Any]]:
    """Return the scalar fields of a message that are set; each float as its shortest decimal.

    A number that is not finite is reported (reference U22).
    """
    settings = {}
    for name in filter(message.HasField, _scalar_names(message.DESCRIPTOR)):
        path, value = (*around, name), getattr(message, name)
        place = reading.binding.places[path]
        if isinstance(value, float) and not math.isfinite(value):
            reading.failed.add(path)
            reading.report(catalogue.NOT_FINITE.at(place.span, field=name, value=place.span.text))
        if path not in reading.failed:
            origin = _origin(place, path, level)
            behind = _lost(place, name, message, origin) if place.earlier else None
            settings[name] = Setting(_decimal(value), origin, behind)
    return settings


@cache
def _scalar_names(descriptor: Any) -> tuple[str, ...]:
    """Return the names of the scalar fields of a message type that are not lists, in order."""
    fields = sorted(descriptor.fields, key=lambda field: field.number)
    return tuple(field.name for field in fields if field.message_type is None and not field.is_repeated)


def _lost(place: Place, name: str, message: Any, origin: Origin) -> Setting[Any] | None:
    """Return what a scalar field would have without a place, of the values that it can have."""
    behind, descriptor = None, message.DESCRIPTOR.fields_by_name[name]
    for earlier in reversed(_earlier(place)):
        holder = type(message)(**{name: convert(earlier, descriptor)})
        value = _decimal(getattr(holder, name))
        if not isinstance(value, float) or math.isfinite(value):
            behind = Setting(value, _origin(earlier, origin.path, origin.level), behind)
    return behind


def _decimal(value: Any) -> Any:
    return shortest_decimal(value) if isinstance(value, float) else value


def _earlier(place: Place) -> list[Place]:
    """Return the places that would count one after the other without a place."""
    places, earlier = [], place.earlier
    while earlier:
        places.append(earlier)
        earlier = earlier.earlier
    return places


def _setting(binding: Binding, value: Any, path: Path) -> Setting[Any]:
    return Setting(value, _origin(binding.places[path], path))


def _origin(place: Place, path: Path, level: str | None = None) -> Origin:
    return Origin(OriginKind.WRITTEN, path, place, level)
