"""Validate a configuration against its JSON Schema; errors point at the origin of the value."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from quantcfg.contracts.config_schema import QUANT_CFG, TENSORS
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.emit.emit import Configuration, layer_values, tensor_values
from quantcfg.frozen import frozen_value, replace
from quantcfg.network import ConfigSchema
from quantcfg.plan import Plan, Setting

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

Path = tuple[str | int, ...]


@frozen_value
class Failure:
    """A value that the schema rejects: its path, the keyword with its argument, and the value."""

    path: Path
    keyword: str
    limit: Any
    value: Any
    schema: Mapping[str, Any]


_EXPECTED = {
    "const": "{}",
    "exclusiveMinimum": "greater than {}",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "enum": "one of {}",
    "minItems": "a list of at least {} items",
    "maxItems": "a list of at most {} items",
}

_OF_TYPE = {
    "boolean": "true or false",
    "number": "a number",
    "integer": "an integer",
    "string": "a string",
    "array": "a list",
    "object": "an object",
}


def validate(plan: Plan, configuration: Configuration, report: Report) -> None:
    """Validate the configuration of a plan; report each setting that the schema rejects once."""
    found = list(failures(configuration, plan.network.edition.schema))
    if not found:
        return
    reported = set()
    values: dict[str, Any] = {
        **{layer.layer.name: layer_values(layer) for layer in plan.layers},
        **plan.values,
    }
    if plan.tensors:
        values[TENSORS] = tuple(map(tensor_values, plan.tensors))
    for failure in found:
        setting = _setting_at(values, failure.path)
        key = (setting.origin.path if setting else None, failure.keyword)
        if key not in reported:
            reported.add(key)
            report(_diagnostic(failure, setting))


def failures(configuration: Configuration, schema: ConfigSchema) -> Iterator[Failure]:
    """Yield the failures of a configuration for every layer; equal bodies are validated once."""
    alike = {keys[0]: keys for keys in configuration.alike(apart=schema.global_keys)}
    distinct = {key: configuration.config[key] for key in alike}
    found = [_failure(error) for error in _distinct(schema_errors(distinct, schema))]
    rejected = {failure.path for failure in found}
    found += (failure for failure in _floats(distinct, schema.integer_keys) if failure.path not in rejected)
    for failure in found:
        first, *rest = failure.path
        for name in alike[str(first)]:
            yield replace(failure, path=(name, *rest))


def _failure(error: ValidationError) -> Failure:
    keyword, schema = str(error.validator), error.schema
    return Failure(tuple(error.absolute_path), keyword, error.validator_value, error.instance, schema)  # type: ignore[arg-type]


def _floats(values: Any, integer_keys: AbstractSet[object], path: Path = ()) -> Iterator[Failure]:
    """Yield the integers that are written as 1.0: JSON Schema accepts them, but AMCT requires an int."""
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        if isinstance(value, dict | list):
            yield from _floats(value, integer_keys, (*path, key))
        elif isinstance(value, float) and key in integer_keys:
            yield Failure((*path, key), "type", "integer", value, {})


def _distinct(errors: Iterable[ValidationError]) -> list[ValidationError]:
    """Return errors without duplicates; for a value of the wrong type, only the type error."""
    found = {(*error.absolute_path, error.validator, str(error.validator_value)): error for error in errors}
    mistyped = {tuple(error.absolute_path) for error in found.values() if error.validator == "type"}
    return [
        error
        for error in found.values()
        if error.validator == "type" or tuple(error.absolute_path) not in mistyped
    ]


def schema_errors(config: Mapping[str, Any], schema: ConfigSchema) -> Iterator[ValidationError]:
    """Yield the errors that the JSON Schema gives for a configuration."""
    if schema.accepts(config):
        return
    from jsonschema import Draft7Validator

    yield from Draft7Validator(schema.document).iter_errors(config)


def _setting_at(values: Mapping[str, Any], path: Path) -> Setting[Any] | None:
    """Return the setting at a path of the configuration, if there is one."""
    value: Any = values
    for step in path:
        if isinstance(value, Mapping | tuple):
            value = value[step]  # type: ignore[index]
    return value if isinstance(value, Setting) else None


def expected(failure: Failure) -> str:
    """Return in words which values the schema allows in place of a failed one."""
    return _in_words(failure.keyword, failure.limit)


def help_of(failure: Failure) -> str | None:
    """Return the help that the schema has for values that it does not allow."""
    help: str | None = failure.schema.get(QUANT_CFG, {}).get("help")
    return help


def allowed(schema: Mapping[str, Any]) -> str:
    """Return in words which values a schema allows, apart from their type; "" for any value."""
    return " and ".join(
        _in_words(keyword, limit) for keyword, limit in schema.items() if keyword in _EXPECTED
    )


def _in_words(keyword: str, limit: Any) -> str:
    if keyword == "type":
        return _OF_TYPE[limit]
    if keyword == "enum" and len(limit) == 1:
        keyword = "const"
    shown = ", ".join(map(str, limit)) if isinstance(limit, list) else limit
    return _EXPECTED.get(keyword, f"valid by {keyword} {{}}").format(shown)


def _diagnostic(failure: Failure, setting: Setting[Any] | None) -> Diagnostic:
    span = setting.span if setting else None
    key = (setting.origin.argument or setting.origin.what) if setting and span else str(failure.path[-1])
    value = json.dumps(failure.value)
    written = span.text if span and isinstance(failure.value, float) else value
    return catalogue.INVALID_VALUE.at(
        span,
        key=key.rpartition(".")[2],
        expected=expected(failure),
        value=written,
        help=f"as a 32-bit float it is {value}" if _is_rounded(written, failure.value) else help_of(failure),
    )


def _is_rounded(written: str, value: Any) -> bool:
    """Return whether a number differs from the number that is written."""
    if not isinstance(value, float):
        return False
    try:
        return float(written.rstrip("fF")) != value
    except ValueError:
        return False
