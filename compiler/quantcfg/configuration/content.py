"""Check the content of a configuration: the layers, and the values by its JSON Schema (reference 3.6)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import Any

from quantcfg.configuration.places import Path, Places, is_in_list, object_in_words
from quantcfg.contracts.config_schema import ACTIVATION_ALGORITHM, QUANT_ENABLE, TENSORS, WEIGHT_ALGORITHM
from quantcfg.diagnostics import Diagnostic, Edit, Report, catalogue, related
from quantcfg.diagnostics.phrases import alternatives, boolean, counted, quoted
from quantcfg.diagnostics.suggestions import (
    Suggestion,
    is_slip_of_any,
    meant_by_several,
    suggest,
    suggest_likely,
    worth_suggesting,
)
from quantcfg.emit import Configuration
from quantcfg.emit.validate import Failure, expected, failures, help_of
from quantcfg.frozen import Caching, frozen_value
from quantcfg.network import ConfigSchema, Edition, Network
from quantcfg.plan.passes.names import ambiguous_name
from quantcfg.plan.plan import DEFINED_HERE
from quantcfg.source import Span

_SCHEMA_KEY = "$schema"
_LARGEST_EXACT = 2**53
"""The largest integer up to which a double represents all integers."""

_DEPTH = 3
"""The length of the path of a parameter: layer, section, parameter. That of a tensor has an index before."""

_NOT_ABOUT_VALUES = ("additionalProperties", "uniqueItems")
"""Keywords that can fail for an object or a list even if all its values are valid."""

_LAYER_HELP = "write an object: keys other than global settings are layer names"


@frozen_value
class Content(Caching):
    """The content of a configuration, and the network that it is for, if there is one.

    is_whole is False if a part of the text could not be read. unsettled are the
    duplicate keys with different values. Errors that may only follow from these two
    are not reported.
    """

    config: Mapping[str, Any]
    network: Network | None
    edition: Edition
    places: Places
    is_whole: bool
    unsettled: AbstractSet[Path]

    @property
    def tensors(self) -> Any:
        """The list of quantized tensors, or the invalid value in its place; empty if the edition has none."""
        return self.config.get(TENSORS, ()) if TENSORS in self.edition.schema.global_keys else ()

    @cached_property
    def layers(self) -> Mapping[str, Any]:
        """The keys that are not settings of the whole network, with their values."""
        settings = self.edition.schema.global_keys
        return {key: value for key, value in self.config.items() if key not in settings}

    @cached_property
    def suggestions(self) -> Mapping[str, Suggestion]:
        """Suggestions for those of them that are not layer names; of very many, only for the first ones."""
        keys, network, settings = self.layers, self.network, self.edition.schema.global_keys
        if network is None:
            return {key: suggest(key, settings) for key in keys if is_slip_of_any(key, settings)}
        unknown = [key for key in keys if key not in network.by_name and key not in network.repeated]
        quantizable = [*_quantizable(network), *settings]
        missing = [name for name in quantizable if name not in self.config]
        known = [*network.by_name, *settings]
        return {
            key: suggest_likely(key, known, missing, quantizable)
            for key in worth_suggesting(unknown, network.by_name)
        }

    @cached_property
    def names(self) -> Mapping[str, str | None]:
        """For each of them the layer that it names, after correction of misspellings."""
        return {key: _layer_name(key, self.suggestions.get(key), self) for key in self.layers}

    @cached_property
    def known(self) -> Configuration:
        """The part of it whose keys are settings or layers, or have the values of one."""
        names, schema = self.names, self.edition.schema
        return Configuration(
            {
                key: value
                for key, value in self.config.items()
                if names.get(key, key) is not None or _is_layer(value, schema)
            }
        )

    @cached_property
    def missing(self) -> Sequence[str]:
        """The quantizable layers that the configuration omits."""
        listed = {*self.names.values(), *self.edition.schema.global_keys}
        return [name for name in _quantizable(self.network) if name not in listed] if self.network else []


def check_content(content: Content, report: Report) -> AbstractSet[Path]:
    """Report errors in the keys and values of a configuration; return the paths of rejected values.

    A list of numbers is rejected as a whole.
    """
    suggestions, names = content.suggestions, content.names
    taken = {*content.config, *meant_by_several(suggestions.values())}
    for key in content.layers:
        for each in _invalid_layer(key, names[key], suggestions.get(key, Suggestion()), taken, content):
            report(each)
    rejected = set(_check_values(content.known, content, report))
    for each in _omissions(content) if content.is_whole else ():
        report(each)
    return {path[: _DEPTH + is_in_list(path)] for path in rejected}


# --- unknown layers


def _layer_name(key: str, suggestion: Suggestion | None, content: Content) -> str | None:
    """Return the layer that a key names, after correction; None if it is not a layer name.

    Without a network every key counts as a layer name unless it belongs elsewhere.
    """
    slip, network = suggestion.slip if suggestion else None, content.network
    if network is None:
        return None if slip or _help_if_misplaced(key, content.edition) else key
    layer = network.by_name.get(key) or network.by_name.get(slip or "")
    return layer.name if layer and layer.quantizable else None


def _quantizable(network: Network) -> list[str]:
    return [layer.name for layer in network.quantizable]


def _help_if_misplaced(key: str, edition: Edition) -> str | None:
    """Return the help for a key that belongs elsewhere, None if it does not."""
    if key == _SCHEMA_KEY:
        return 'AMCT rejects "$schema"; map the schema to the file name in the editor instead'
    if key in edition.request.descriptor.fields:
        return f'use the keys of each layer: "{key}" is a field of a quant.cfg'
    return _help_to_move(key, edition.schema) or edition.foreign_keys.get(key)


def _help_to_move(key: str, schema: ConfigSchema) -> str | None:
    home = schema.home_of(key)
    return f"move it to {home}" if home else None


def _invalid_layer(
    key: str, name: str | None, suggestion: Suggestion, taken: AbstractSet[str], content: Content
) -> Iterator[Diagnostic]:
    """Yield the error for a key that should be the name of a quantizable layer, if it is not."""
    if key == name:
        return
    places = content.places
    span = places.key((key,))
    network = content.network
    layer = network.by_name.get(key) if network else None
    if network and key in network.repeated:
        yield ambiguous_name(key, span, network.repeated[key])
    elif layer:
        yield catalogue.UNQUANTIZABLE_LAYER.at(
            span,
            layer=key,
            reason=layer.obstacle,
            related=related(layer.span, DEFINED_HERE),
            help="remove it",
        )
    elif help := _help_if_misplaced(key, content.edition):
        removal = places.removal((key,)) if key == _SCHEMA_KEY else ()
        yield catalogue.NO_SUCH_LAYER.at(span, key=key, help=help, fix=removal)
    else:
        is_layer = name is not None or suggestion.slip in content.edition.schema.global_keys
        fix = _renaming(span, suggestion, taken) if is_layer else []
        yield catalogue.NO_SUCH_LAYER.at(span, key=key, help=suggestion.help, fix=fix)


def _renaming(span: Span | None, suggestion: Suggestion, taken: Iterable[object]) -> list[Edit]:
    """Return the edit that corrects a misspelled name, unless the correct one is taken."""
    if span is None or suggestion.slip is None or suggestion.slip in taken:
        return []
    return [Edit(span, json.dumps(suggestion.slip))]


def _omissions(content: Content) -> Iterator[Diagnostic]:
    """Yield a diagnostic if nothing is quantized, or if layers of the network are omitted."""
    place = content.places.value(())
    is_enabled = any(_may_be_enabled(key, body, content) for key, body in content.layers.items())
    if not is_enabled and not content.tensors:
        help = "set quant_enable of at least one layer to true"
        yield catalogue.NOTHING_ENABLED.at(place, help=help)
        return
    if content.missing:
        them = "it" if len(content.missing) == 1 else "them"
        help = "omitted layers are not quantized"
        yield catalogue.UNLISTED_LAYERS.at(place, layers=quoted(content.missing), them=them, help=help)


def _may_be_enabled(key: str, body: Any, content: Content) -> bool:
    if key == _SCHEMA_KEY:
        return False
    if {(key,), (key, QUANT_ENABLE)} & content.unsettled or not isinstance(body, dict):
        return True
    return body.get(QUANT_ENABLE, True) is not False


# --- schema errors


def _check_values(configuration: Configuration, content: Content, report: Report) -> Iterator[Path]:
    """Report values that the schema rejects, and numbers that are not finite; yield their paths."""
    for failure in failures(configuration, content.edition.schema):
        if failure.keyword not in _NOT_ABOUT_VALUES:
            yield failure.path
        if next(_infinite(failure.value, ()), None) is None:
            for each in _schema_errors(failure, content):
                report(each)
    for keys in configuration.alike():
        paths = [*_infinite(configuration.config[keys[0]], ())]
        for path in ((key, *path) for key in keys for path in paths):
            yield path
            span = content.places.value(path)
            shown = span.text if span else ""
            report(
                catalogue.INVALID_VALUE.at(span, key=_key_of(path), expected="a finite number", value=shown)
            )


def _schema_errors(failure: Failure, content: Content) -> Iterator[Diagnostic]:
    if failure.keyword == "additionalProperties":
        for key in failure.value:
            if key not in failure.schema["properties"]:
                yield from _unknown_key(key, failure, content)
    elif failure.keyword == "required":
        for key in failure.limit:
            if key not in failure.value:
                place, message = content.places.value(failure.path), _key_of(failure.path)
                yield catalogue.MISSING_FIELD.at(place, field=key, message=message)
    elif failure.keyword != "uniqueItems":  # Repeated names are reported by a pass.
        yield _invalid_value(failure, content.places)


def _unknown_key(key: str, failure: Failure, content: Content) -> Iterator[Diagnostic]:
    """Yield the error for a key that its object does not have."""
    path, properties = failure.path, failure.schema["properties"]
    edition, schema = content.edition, content.edition.schema
    if not content.is_whole and _is_layer(failure.value[key], schema):
        return  # An object before it is not closed.
    span = content.places.key((*path, key))
    where = _owner(path)
    for selector in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        name = properties.get(selector, {}).get("default")
        other = schema.algorithm_of(key, selector) if name else None
        if other:
            chosen = failure.value.get(selector, name)
            if chosen == name and (*path, selector) not in content.unsettled:
                names = {"key": key, "other": other, "selector": selector, "name": name}
                help = _help_of_other(failure.value, selector, (name, other), schema)
                yield catalogue.OTHER_ALGORITHM.at(span, **names, help=help)
            return
    elsewhere = _help_to_move(key, schema) or edition.foreign_keys.get(key)
    suggestion = Suggestion() if elsewhere else suggest(key, properties)
    fix = _renaming(span, suggestion, failure.value)
    yield catalogue.UNKNOWN_KEY.at(span, key=key, where=where, help=elsewhere or suggestion.help, fix=fix)


def _owner(path: Path) -> str:
    """Return the name of an object in a message."""
    inner = path[1 + is_in_list(path) :]
    return f'"{inner[-1]}" of {object_in_words(path)}' if inner else object_in_words(path)


def _help_of_other(
    params: Mapping[str, Any], selector: str, names: tuple[str, str], schema: ConfigSchema
) -> str:
    """Return the help for a parameter of another algorithm.

    names are the algorithm that params belong to, and the other algorithm.
    """
    name, other = names
    help = f'remove it, or set {selector} to "{other}"'
    if selector in params:
        return help
    own = next((key for key in params if schema.algorithm_of(key, selector) == name), None)
    if selector == ACTIVATION_ALGORITHM and own and name != schema.default_activation:
        return f'remove it or {own}: without {selector}, {own} implies "{name}"'
    return f'{help} (the default is "{name}")'


def _is_layer(value: Any, schema: ConfigSchema) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(schema.layer_keys)


def _invalid_value(failure: Failure, places: Places) -> Diagnostic:
    span = places.value(failure.path)
    help, correction = _correction(failure)
    if failure.keyword == "type" and failure.limit == "object" and len(failure.path) == 1:
        help = _LAYER_HELP
    return catalogue.INVALID_VALUE.at(
        span,
        key=_key_of(failure.path),
        expected=expected(failure),
        value=_shown(failure.value),
        help=help or help_of(failure),
        fix=[Edit(span, correction)] if span and correction is not None else [],
    )


def _correction(failure: Failure) -> tuple[str | None, str | None]:
    """Return the help for an invalid value, and the JSON to replace it with, if that is clear."""
    if isinstance(failure.value, float):
        return _integer_correction(failure)
    if not isinstance(failure.value, str):
        return None, None
    if failure.keyword == "enum" and all(isinstance(value, str) for value in failure.limit):
        suggestion = suggest(failure.value, failure.limit)
        help = f"use {alternatives(suggestion.names)}" if suggestion.names else None
        return help, json.dumps(suggestion.slip) if suggestion.slip else None
    word = failure.value.lower()
    if failure.limit == "boolean" and word in (boolean(True), boolean(False)):
        return "remove the quotes", word
    return None, None


def _integer_correction(failure: Failure) -> tuple[str | None, str | None]:
    if failure.limit != "integer" or not failure.value.is_integer() or abs(failure.value) > _LARGEST_EXACT:
        return None, None
    number = str(int(failure.value))
    return f"write {number}", number


def _key_of(path: Path) -> str:
    """Return the last key of a path, with the index of an item of a list."""
    *_, parent, last = ("", *path)
    return f"{parent}[{last}]" if isinstance(last, int) else str(last)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    return (
        f"a list of {counted(len(value), 'item')}"
        if isinstance(value, list)
        else json.dumps(value, ensure_ascii=False)
    )


def _infinite(value: Any, path: Path) -> Iterator[Path]:
    """Yield the paths of the numbers in a value that are not finite."""
    if isinstance(value, int | float) and not _is_finite(value):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))


def _is_finite(number: float) -> bool:
    """Return whether a number is finite as a double; a Python int can be too large for one."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False
