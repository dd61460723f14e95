"""The configuration against its JSON Schema; what fails is reported where its value came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.output.emit import Config, layer_values
from quantcfg.plan import Plan, Setting

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]

_EXPECTED = {
    "exclusiveMinimum": "greater than {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "enum": "one of {}",
    "type": "of type {}",
}


def check_config(plan: Plan, config: Config, report: Report) -> None:
    """Validate the configuration of a plan; report each setting that the schema refuses, once."""
    reported = set()
    alike = _alike(config)
    distinct = {name: config[name] for name in alike}
    values = {**{layer.layer.name: layer_values(layer) for layer in plan.layers}, **plan.values}
    for error in _errors(distinct):
        first, *rest = error.absolute_path
        for name in alike[str(first)]:
            path = (name, *rest)
            setting = _setting_at(values, path)
            mistake = (id(setting), error.validator)
            if mistake not in reported:
                reported.add(mistake)
                report(_diagnostic(error, path, setting))


def schema_errors(config: Config) -> Iterator[ValidationError]:
    """Yield what the JSON Schema finds wrong with a configuration.

    Layers share few distinct bodies: each is validated once, for the first
    layer that has it.
    """
    yield from _errors({name: config[name] for name in _alike(config)})


def _errors(distinct: Config) -> Iterator[ValidationError]:
    from jsonschema import Draft7Validator

    yield from Draft7Validator(contracts.schema("quant_config.schema.json")).iter_errors(distinct)


def _alike(config: Config) -> dict[str, list[str]]:
    """Return the keys that have the same body, by the first of them; those of the network stand alone."""
    reserved = contracts.schema("quant_config.schema.json")["properties"]
    groups: dict[str, list[str]] = {}
    for name, value in config.items():
        groups.setdefault(name if name in reserved else json.dumps(value), []).append(name)
    return {names[0]: names for names in groups.values()}


def _setting_at(values: Mapping[str, Any], path: Path) -> Setting[Any] | None:
    """Return the setting whose value stands at a path of the configuration, if there is one."""
    value: Any = values
    for step in path:
        if isinstance(value, Mapping | tuple):
            value = value[step]  # type: ignore[index]
    return value if isinstance(value, Setting) else None


def _diagnostic(error: ValidationError, path: Path, setting: Setting[Any] | None) -> Diagnostic:
    limit = error.validator_value
    shown = ", ".join(map(str, limit)) if isinstance(limit, list) else limit
    expected = _EXPECTED.get(str(error.validator), f"valid by {error.validator} {{}}").format(shown)
    written = (
        setting.origin.what.removeprefix("argument ")
        if setting and setting.span
        else ".".join(map(str, path))
    )
    return catalogue.INVALID_VALUE.at(
        setting.span if setting else None,
        key=written.rsplit(".", 1)[-1],
        expected=expected,
        value=json.dumps(error.instance),
    )
