"""What is asked for: the content of a quant.cfg, or of the plain arguments, in one form."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from quantcfg import contracts
from quantcfg.diagnostics import Report, catalogue
from quantcfg.plan.float32 import shortest_decimal
from quantcfg.plan.settings import Origin, OriginKind, Setting, written
from quantcfg.source import Source, Span, argument_source
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
    source = argument_source(name, value)
    return written(value, source.name, Span(source, 0, len(source.text)))


def _argument_items(name: str, values: Sequence[str]) -> Iterator[Setting[str]]:
    source = argument_source(name, list(values))
    end = 0
    for value in values:
        text = json.dumps(value, ensure_ascii=False)
        start = source.text.index(text, end)
        end = start + len(text)
        yield written(value, source.name, Span(source, start, end))


def request_from_config(source: Source, report: Report) -> Request | None:
    """Return the request of a quant.cfg, or None after reporting that its syntax is wrong."""
    document = parse(source, report)
    if document is None:
        return None
    message = contracts.message_class("calibration_config_caffe", "amct_caffe.AMCTConfig")()
    return _Reader(bind(document, message, report), report).request()


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the parts of an AMCTConfig, each value with its place."""

    binding: Binding
    report: Report

    def request(self) -> Request:
        config = self.binding.message
        return Request(
            settings=self.scalars(config, ()),
            skip_layers=self.names("skip_layers"),
            skip_layer_types=self.names("skip_layer_types"),
            skip_fusion_layers=self.names("skip_fusion_layers"),
            non_uniform=self.non_uniform(),
            common=self.calibration(config, "common_config"),
            type_overrides=self.overrides("override_layer_types", "layer_type", "type"),
            layer_overrides=self.overrides("override_layer_configs", "layer_name", "layer"),
            conv=self.calibration(config, "conv_calibration_config"),
            fc=self.calibration(config, "fc_calibration_config"),
        )

    def names(self, field: str) -> tuple[Setting[str], ...]:
        values = getattr(self.binding.message, field)
        return tuple(self.setting(value, (field, index)) for index, value in enumerate(values))

    def overrides(self, field: str, target: str, kind: str) -> tuple[Override, ...]:
        return tuple(
            override
            for index, message in enumerate(getattr(self.binding.message, field))
            if (override := self.override(message, (field, index), target, kind))
        )

    def override(self, message: Any, path: Path, target: str, kind: str) -> Override | None:
        """Return an override, or None if a part is missing, which the binding has reported."""
        name = getattr(message, target)
        level = f'the override of {kind} "{name}"'
        calibration = self.calibration(message, "calibration_config", path, level)
        if calibration is None or not message.HasField(target):
            return None
        return Override(self.setting(name, (*path, target)), calibration)

    def calibration(
        self, parent: Any, field: str, path: Path = (), level: str | None = None
    ) -> Calibration | None:
        if not parent.HasField(field):
            return None
        message, path = getattr(parent, field), (*path, field)
        return Calibration(
            level or field,
            self.algorithm(message, message.WhichOneof("wts_quant_algo"), path),
            self.algorithm(message, message.WhichOneof("acts_quant_algo"), path),
            self.origin(path),
        )

    def algorithm(self, parent: Any, field: str | None, path: Path) -> Algorithm | None:
        if field is None:
            return None
        path = (*path, field)
        return Algorithm(field, self.scalars(getattr(parent, field), path), self.origin(path))

    def non_uniform(self) -> NonUniform | None:
        config = self.binding.message
        if not config.HasField("nuq_config") or not config.nuq_config.HasField("mapping_file"):
            return None
        path, name = ("nuq_config",), "nuq_quantize"
        given = config.nuq_config.HasField(name)
        algorithm = self.algorithm(config.nuq_config, name if given else None, path)
        return NonUniform(
            self.setting(config.nuq_config.mapping_file, (*path, "mapping_file")),
            algorithm or Algorithm(name, {}, self.origin(path)),
        )

    def scalars(self, message: Any, path: Path) -> dict[str, Setting[Any]]:
        """Return the scalar fields of a message that are set; each float as its shortest decimal."""
        settings = {}
        for descriptor, value in message.ListFields():
            if descriptor.message_type is not None or descriptor.is_repeated:
                continue
            setting = self.setting(value, (*path, descriptor.name))
            if descriptor.cpp_type != descriptor.CPPTYPE_FLOAT:
                settings[descriptor.name] = setting
            elif math.isfinite(value):
                settings[descriptor.name] = replace(setting, value=shortest_decimal(value))
            else:
                written = setting.span.text if setting.span else value
                self.report(catalogue.NOT_FINITE.at(setting.span, field=descriptor.name, value=written))
        return settings

    def setting(self, value: Any, path: Path) -> Setting[Any]:
        return Setting(value, self.origin(path))

    def origin(self, path: Path) -> Origin:
        """Return the origin of a value: the value's place, or of a message the place of its name."""
        place = self.binding.places[path]
        span = place.name_span if isinstance(place.value, tree.Message) else place.span
        return Origin(OriginKind.WRITTEN, ".".join(map(str, path)), span)
