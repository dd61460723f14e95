"""A configuration as AMCT takes it: what is left out has its default (reference 3.6)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from quantcfg.configuration.check import check_configuration
from quantcfg.configuration.places import Path
from quantcfg.diagnostics import Diagnostic, Report, has_errors
from quantcfg.network import ConfigSchema, Edition, Network
from quantcfg.network.config_schema import ASYMMETRIC, CHANNEL_WISE, WEIGHT_ALGORITHM, Parameter
from quantcfg.source import Source


def read_configuration(
    source: Source, network: Network | None, edition: Edition, report: Report
) -> dict[str, Any] | None:
    """Return the configuration of a text as it stands there, or None after reporting errors."""
    found: list[Diagnostic] = []
    check_configuration(source, network, edition, found.append)
    for diagnostic in found:
        report(diagnostic)
    if has_errors(found):
        return None
    config: dict[str, Any] = json.loads(source.text)
    return config


def completed(config: Mapping[str, Any], network: Network | None, schema: ConfigSchema) -> dict[str, Any]:
    """Return a configuration that is in order with all keys it may have, in output order.

    Layers that it leaves out, which are not quantized, are not put in. Without a
    network the type of a layer is not known, and nor what channel_wise is where
    it is left out.
    """
    defaults = schema.global_defaults
    values = {key: _like(default, config.get(key, default)) for key, default in defaults.items()}
    names = sorted(config.keys() - defaults.keys())
    offset = values["activation_offset"]
    return values | {
        name: _layer(config[name], _type_defaults(name, network), offset, schema) for name in names
    }


def _type_defaults(name: str, network: Network | None) -> Mapping[str, bool]:
    """Return the defaults that depend on the type of a layer, none where that is not known."""
    if network is None:
        return {}
    is_channel_wise = network.edition.layer_types.channel_wise(network.by_name[name].type)
    return {CHANNEL_WISE: is_channel_wise}


def _layer(
    body: Mapping[str, Any], type_defaults: Mapping[str, bool], offset: bool, schema: ConfigSchema
) -> dict[str, Any]:
    activation, weight = (body.get(f"{part}_quant_params", {}) for part in ("activation", "weight"))
    of_activation = schema.parameters(schema.activation_algorithm_of(activation))
    of_weight = schema.parameters(weight.get(WEIGHT_ALGORITHM, schema.default_weight))
    return {
        "quant_enable": body.get("quant_enable", True),
        "activation_quant_params": _parameters(of_activation, activation, {ASYMMETRIC: offset}),
        "weight_quant_params": _parameters(of_weight, weight, type_defaults),
    }


def _parameters(
    parameters: Sequence[Parameter], given: Mapping[str, Any], special: Mapping[str, bool]
) -> dict[str, Any]:
    """Return the parameters of an algorithm; special holds the defaults that the schema does not have."""
    usual = {each.key: special.get(each.key, each.default) for each in parameters}
    present = {key: default for key, default in usual.items() if key in given or default is not None}
    return {key: _like(default, given.get(key, default)) for key, default in present.items()}


def _like(default: Any, value: Any) -> Any:
    """Return a value with the type of number that its default has: JSON knows only one."""
    if isinstance(value, list):
        return [_like(item, each) for item, each in zip(default, value, strict=True)] if default else value
    return value if default is None else type(default)(value)


def leaves(config: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield the values of a configuration by path; a list is one value."""
    for key, value in config.items():
        if isinstance(value, dict):
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value
