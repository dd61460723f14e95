"""What is asked for: the content of a quant.cfg, or of the plain arguments, in one form."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from quantcfg import contracts
from quantcfg.diagnostics import Report, catalogue
from quantcfg.plan.float32 import shortest_decimal
from quantcfg.plan.settings import Origin, OriginKind, Setting, written
from quantcfg.source import Source, Span, argument_source, argument_span
from quantcfg.textproto import Binding, Path, bind, parse, tree


@dataclass(frozen=True, slots=True)
class Algorithm:
    """An algorithm that is asked for, by its field's name, and the parameters that are set."""

    name: str
    parameters: Mapping[str, Setting[Any]]
    origin: Origin


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Override:
    """What a layer, or a type of layers, gets in place of common_config."""

    target: Setting[str]
    calibration: Calibration

    @property
    def is_written(self) -> bool:
        """Whether it stands in the request as an override, rather than behind a deprecated field."""
        return self.target.origin.kind is OriginKind.WRITTEN


@dataclass(frozen=True, slots=True)
class NonUniform:
    """Where to find the layers for non-uniform quantization, and its parameters."""

    mapping_file: Setting[str]
    weight: Algorithm


@dataclass(frozen=True, slots=True)
class Request:
    """A quantization request (reference 2). A setting that is absent was not asked for."""

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


def request_from_arguments(skip_layers: Sequence[str], batch_num: int, activation_offset: bool) -> Request:
    """Return the request of the plain arguments of create_quant_config (reference 1)."""
    values = {"batch_num": batch_num, "activation_offset": activation_offset}
    return Request(
        settings={name: _argument(name, value) for name, value in values.items()},
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


def request_from_config(source: Source, report: Report) -> Request | None:
    """Return the request of a quant.cfg, or None after reporting that its syntax is wrong."""
    document = parse(source, report)
    if document is None:
        return None
    message = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig")()
    binding = bind(document, message, report)
    _check_finite(binding, message, (), report)
    return Request(
        settings=_scalars(binding, message, ()),
        skip_layers=_names(binding, "skip_layers"),
        skip_layer_types=_names(binding, "skip_layer_types"),
        skip_fusion_layers=_names(binding, "skip_fusion_layers"),
        non_uniform=_non_uniform(binding),
        common=_calibration(binding, message, "common_config"),
        type_overrides=tuple(_overrides(binding, "override_layer_types", "layer_type", "type")),
        layer_overrides=tuple(_overrides(binding, "override_layer_configs", "layer_name", "layer")),
        conv=_calibration(binding, message, "conv_calibration_config"),
        fc=_calibration(binding, message, "fc_calibration_config"),
    )


def _check_finite(binding: Binding, message: Any, path: Path, report: Report) -> None:
    """Report every number of a message that is not finite (reference U22)."""
    for descriptor, value in message.ListFields():
        field_path = (*path, descriptor.name)
        if descriptor.message_type is not None:
            items = enumerate(value) if descriptor.is_repeated else ((None, value),)
            for index, item in items:
                item_path = field_path if index is None else (*field_path, index)
                _check_finite(binding, item, item_path, report)
        elif isinstance(value, float) and not math.isfinite(value):
            span = binding.places[field_path].span
            report(catalogue.NOT_FINITE.at(span, field=descriptor.name, value=span.text))


def _names(binding: Binding, field: str) -> tuple[Setting[str], ...]:
    values = getattr(binding.message, field)
    return tuple(_setting(binding, value, (field, index)) for index, value in enumerate(values))


def _overrides(binding: Binding, field: str, target: str, kind: str) -> Iterator[Override]:
    """Yield the overrides that are complete; the binding has reported the others."""
    for index, message in enumerate(getattr(binding.message, field)):
        path, name = (field, index), getattr(message, target)
        level = f'the override of {kind} "{name}"'
        calibration = _calibration(binding, message, "calibration_config", path, level)
        if calibration and message.HasField(target):
            yield Override(_setting(binding, name, (*path, target)), calibration)


def _calibration(
    binding: Binding, parent: Any, field: str, path: Path = (), level: str | None = None
) -> Calibration | None:
    if not parent.HasField(field):
        return None
    message, path = getattr(parent, field), (*path, field)
    return Calibration(
        level or field,
        _algorithm(binding, message, message.WhichOneof("wts_quant_algo"), path),
        _algorithm(binding, message, message.WhichOneof("acts_quant_algo"), path),
        _origin(binding, path),
    )


def _algorithm(binding: Binding, parent: Any, field: str | None, path: Path) -> Algorithm | None:
    if field is None:
        return None
    path = (*path, field)
    return Algorithm(field, _scalars(binding, getattr(parent, field), path), _origin(binding, path))


def _non_uniform(binding: Binding) -> NonUniform | None:
    config, path, name = binding.message.nuq_config, ("nuq_config",), "nuq_quantize"
    if not config.HasField("mapping_file"):
        return None
    given = _algorithm(binding, config, name if config.HasField(name) else None, path)
    return NonUniform(
        _setting(binding, config.mapping_file, (*path, "mapping_file")),
        given or Algorithm(name, {}, _origin(binding, path)),
    )


def _scalars(binding: Binding, message: Any, path: Path) -> dict[str, Setting[Any]]:
    """Return the scalar fields of a message that are set; each float as its shortest decimal."""
    settings = {}
    for descriptor, value in message.ListFields():
        if descriptor.message_type is not None or descriptor.is_repeated:
            continue
        if not isinstance(value, float):
            settings[descriptor.name] = _setting(binding, value, (*path, descriptor.name))
        elif math.isfinite(value):
            decimal = shortest_decimal(value)
            settings[descriptor.name] = _setting(binding, decimal, (*path, descriptor.name))
    return settings


def _setting(binding: Binding, value: Any, path: Path) -> Setting[Any]:
    return Setting(value, _origin(binding, path))


def _origin(binding: Binding, path: Path) -> Origin:
    """Return the origin of a value: the value's place, or of a message the place of its name."""
    place = binding.places[path]
    span = place.name_span if isinstance(place.value, tree.Message) else place.span
    return Origin(OriginKind.WRITTEN, ".".join(map(str, path)), span)
