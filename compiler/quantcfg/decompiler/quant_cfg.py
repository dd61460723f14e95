"""Print the chosen calibrations and the other settings as a quant.cfg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from quantcfg.contracts.config_schema import ASYMMETRIC, INPUT_INDEX, LAYER_NAME, TENSORS, field_of
from quantcfg.decompiler.shortest import Layout
from quantcfg.decompiler.wanted import Algorithm, Calibration
from quantcfg.network import MessageType
from quantcfg.source import Source
from quantcfg.textproto import parse
from quantcfg.textproto.printer import print_document


def print_layout(
    request: MessageType,
    settings: Mapping[str, Any],
    layout: Layout,
    order: Sequence[str],
    comments: Mapping[str, str],
    tensors: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the formatted text of a quant.cfg.

    request is the type of its message; settings are those of the whole network;
    order is the order of the layers; comments are for the overrides of types; tensors
    are those of the configuration. A number that a quant.cfg cannot represent is left out.
    """
    sections = [_printed(_settings(request.new(), settings))]
    if layout.common:
        sections.append(_printed(_common(request.new(), layout.common)))
    for layer_type, calibration in layout.by_type.items():
        override = _overrides(request.new(), "override_layer_types", "layer_type", {layer_type: calibration})
        sections.append(_comment(comments.get(layer_type)) + _printed(override))
    by_layer = {name: layout.by_layer[name] for name in order if name in layout.by_layer}
    sections.append(_printed(_overrides(request.new(), "override_layer_configs", "layer_name", by_layer)))
    sections.append(_printed(_tensors(request.new(), tensors, layout.tensors)))
    return "\n".join(filter(None, sections))


def _comment(text: str | None) -> str:
    return f"# {text}\n" if text else ""


def _printed(message: Any) -> str:
    from google.protobuf.text_format import MessageToString

    text = MessageToString(message, as_utf8=True)
    return print_document(parse(Source("decompiled", text), _unexpected))


def _unexpected(diagnostic: object) -> None:
    raise AssertionError(diagnostic)


def _settings(message: Any, settings: Mapping[str, Any]) -> Any:
    for name, value in settings.items():
        if isinstance(value, list):
            getattr(message, name).extend(value)
        else:
            with suppress(ValueError):
                setattr(message, name, _number(message, name, value))
    return message


def _number(message: Any, field: str, value: Any) -> Any:
    """Return the number of an enum value, or any other value as it is."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    return enum.values_by_name[value].number if enum else value


def _tensors(message: Any, tensors: Sequence[Mapping[str, Any]], calibrations: Sequence[Calibration]) -> Any:
    for tensor, calibration in zip(tensors, calibrations, strict=True):
        target = {key: tensor[key] for key in (LAYER_NAME, INPUT_INDEX)}
        _fill_activation(getattr(message, TENSORS).add(**target), calibration)
    return message


def _common(message: Any, calibration: Calibration) -> Any:
    _fill(message.common_config, calibration)
    return message


def _overrides(message: Any, field: str, target: str, calibrations: Mapping[str, Calibration]) -> Any:
    for name, calibration in calibrations.items():
        override = getattr(message, field).add(**{target: name})
        _fill(override.calibration_config, calibration)
    return message


def _fill(config: Any, calibration: Calibration) -> None:
    config.SetInParent()
    _fill_algorithm(config, calibration.weight, {})
    _fill_activation(config, calibration)
    if calibration.balancer is not None:
        _fill_balancer(config.dmq_balancer, calibration.balancer)


def _fill_balancer(message: Any, strength: float) -> None:
    message.SetInParent()
    (field,) = message.DESCRIPTOR.fields
    if strength != field.default_value:
        setattr(message, field.name, strength)


def _fill_activation(config: Any, calibration: Calibration) -> None:
    asymmetric = calibration.asymmetric
    _fill_algorithm(config, calibration.activation, {} if asymmetric is None else {ASYMMETRIC: asymmetric})


def _fill_algorithm(config: Any, algorithm: Algorithm, flag: Mapping[str, bool]) -> None:
    values = {**dict(algorithm.fields), **flag}
    if values or not algorithm.is_default:
        message = getattr(config, field_of(algorithm.name))
        message.SetInParent()
        for name, value in values.items():
            setattr(message, name, _number(message, name, value))
