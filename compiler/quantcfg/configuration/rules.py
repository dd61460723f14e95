"""The rules that AMCT reads a configuration by (reference 3.6), each found where it is broken.

They need no text: without places they tell that something is wrong, with places
also where.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from functools import cached_property
from typing import Any

from quantcfg.configuration.places import Path, Places
from quantcfg.diagnostics import Diagnostic, Edit, catalogue, related
from quantcfg.diagnostics.suggest import (
    Suggestion,
    is_slip_of_any,
    meant_by_several,
    suggest,
    worth_suggesting,
)
from quantcfg.diagnostics.words import boolean, counted, quoted
from quantcfg.network import ConfigSchema, Edition, Network
from quantcfg.network.config_schema import ACTIVATION_ALGORITHM, CHANNEL_WISE, WEIGHT_ALGORITHM
from quantcfg.output import forms_of
from quantcfg.output.emit import Forms
from quantcfg.output.validate import Failure, expected, failures
from quantcfg.plan import Origin, OriginKind, Setting
from quantcfg.plan.checks import check_search
from quantcfg.plan.fusion import not_fusible_help
from quantcfg.plan.plan import DEFINED_HERE
from quantcfg.plan.several import Several, joined, separated, separation_help
from quantcfg.source import Span
from quantcfg.values import Remembering, frozen_value

_SCHEMA_KEY = "$schema"
_LARGEST_EXACT = 2**53
"""Up to here a double holds every integer."""

_LAYER_HELP = "a key that is no setting of the whole network is the name of a layer, and has an object"


@frozen_value
class Reading(Remembering):
    """A configuration of an edition to be checked, against a network where there is one.

    Without is_whole a part of the text could not be read; unsettled are the keys
    that stand twice with values that differ. What either of them may have meant
    is not known, and so what would follow from it is no mistake.
    """

    config: Mapping[str, Any]
    network: Network | None
    edition: Edition
    places: Places = field(default_factory=Places)
    is_whole: bool = True
    unsettled: AbstractSet[Path] = frozenset()

    @cached_property
    def layers(self) -> Mapping[str, Any]:
        """The keys that are not settings of the whole network, with their values."""
        settings = self.edition.schema.global_defaults
        return {key: value for key, value in self.config.items() if key not in settings}

    @cached_property
    def suggestions(self) -> Mapping[str, Suggestion]:
        """What those of them were meant to be that are not the name of a layer."""
        return _suggestions(self)

    @cached_property
    def names(self) -> Mapping[str, str | None]:
        """For each of them the layer that it is, or was meant to be."""
        return {key: _name_meant(key, self.suggestions.get(key), self) for key in self.layers}

    @cached_property
    def missing(self) -> Sequence[str]:
        """The quantizable layers that are not in the configuration."""
        listed = {*self.names.values(), *self.edition.schema.global_defaults}
        return [name for name in _quantizable(self.network) if name not in listed] if self.network else []


def findings(reading: Reading) -> Iterator[Diagnostic]:
    """Yield what is wrong with a configuration, and with its layers where the network is given."""
    config, layers, suggestions, names = reading.config, reading.layers, reading.suggestions, reading.names
    schema = reading.edition.schema
    taken = {*config, *meant_by_several(suggestions.values())}
    for key in layers:
        yield from _layer_that_is_none(key, names[key], suggestions.get(key, Suggestion()), taken, reading)
    known = {
        key: value
        for key, value in config.items()
        if names.get(key, key) is not None or _is_layer(value, schema)
    }
    forms = forms_of(known)
    yield from _schema_findings(known, forms, reading)
    wrong_searches = _forms_where(lambda body: _has_wrong_search(body, schema), known, forms)
    for key, name in names.items():
        if name is not None and isinstance(layers[key], dict):
            if forms[key] in wrong_searches:
                yield from _search_findings(layers[key], (key,), reading.places, schema)
            yield from _layer_findings(key, name, layers[key], reading)
    yield from _fusion_findings(reading)
    if reading.is_whole:
        yield from _absences(reading)


# --- layers that are not there


def _suggestions(reading: Reading) -> Mapping[str, Suggestion]:
    """Return what the keys were meant to be that are no layer's; of very many only the first ones."""
    keys, network, settings = reading.layers, reading.network, reading.edition.schema.global_defaults
    if network is None:
        return {key: suggest(key, settings) for key in keys if is_slip_of_any(key, settings)}
    unknown = [key for key in keys if key not in network.by_name]
    quantizable = [*_quantizable(network), *settings]
    missing = [name for name in quantizable if name not in reading.config]
    known = [*network.by_name, *settings]
    return {
        key: _suggestion(key, known, (missing, quantizable))
        for key in worth_suggesting(unknown, network.by_name)
    }


def _suggestion(key: str, known: Sequence[str], likely: Iterable[Sequence[str]]) -> Suggestion:
    """Return what a key was meant to be: a slip is what it is, and else what is likely comes first."""
    near = suggest(key, known)
    if near.slip or not near.names:
        return near
    return next((better for names in likely if (better := suggest(key, names)).names), near)


def _name_meant(key: str, suggestion: Suggestion | None, reading: Reading) -> str | None:
    """Return the name of the layer that a key is, or was meant to be; None if it is no layer's.

    Without a network every key is a layer's that does not plainly mean something else.
    """
    slip, network = suggestion.slip if suggestion else None, reading.network
    if network is None:
        return None if slip or _stranger(key, reading.edition) else key
    layer = network.by_name.get(key) or network.by_name.get(slip or "")
    return layer.name if layer and layer.quantizable else None


def _quantizable(network: Network) -> list[str]:
    return [layer.name for layer in network.quantizable]


def _stranger(key: str, edition: Edition) -> str | None:
    """Return what is to be said of a key that belongs elsewhere."""
    if key == _SCHEMA_KEY:
        return "AMCT takes no such key: let the editor find the schema by the name of the file"
    if key in edition.request.field_names:
        return f'"{key}" is a field of a quant.cfg: a configuration has the settings of each layer instead'
    return edition.foreign_fields.get(key) or _belonging(key, edition.schema)


def _belonging(key: str, schema: ConfigSchema) -> str | None:
    """Return in words where a key belongs that stands elsewhere."""
    home = schema.home_of(key)
    return f'"{key}" belongs in {home}' if home else None


def _layer_that_is_none(
    key: str, name: str | None, suggestion: Suggestion, taken: AbstractSet[str], reading: Reading
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a key that should be the name of a quantizable layer."""
    if key == name:
        return
    places = reading.places
    span = places.key((key,))
    layer = reading.network.by_name.get(key) if reading.network else None
    if layer:
        yield catalogue.UNQUANTIZABLE_LAYER.at(
            span,
            layer=key,
            reason=layer.obstacle,
            related=related(layer.span, DEFINED_HERE),
            help="leave it out",
        )
    elif stranger := _stranger(key, reading.edition):
        removal = places.removal((key,)) if key == _SCHEMA_KEY else ()
        yield catalogue.NO_SUCH_LAYER.at(span, key=key, help=stranger, fix=removal)
    else:
        is_layer = name is not None or suggestion.slip in reading.edition.schema.global_defaults
        fix = _renaming(span, suggestion, taken) if is_layer else []
        yield catalogue.NO_SUCH_LAYER.at(span, key=key, help=suggestion.help, fix=fix)


def _renaming(span: Span | None, suggestion: Suggestion, taken: Iterable[object]) -> list[Edit]:
    """Return the edit that puts in what was meant, unless that is there already."""
    if span is None or suggestion.slip is None or suggestion.slip in taken:
        return []
    return [Edit(span, json.dumps(suggestion.slip))]


def _absences(reading: Reading) -> Iterator[Diagnostic]:
    """Yield that nothing is quantized, or that layers of the network are left out."""
    place = reading.places.value(())
    if not any(_may_be_enabled(key, body, reading) for key, body in reading.layers.items()):
        help = "set quant_enable of at least one layer to true"
        yield catalogue.NOTHING_ENABLED.at(place, help=help)
        return
    if reading.missing:
        them = "it" if len(reading.missing) == 1 else "them"
        help = "a layer that is left out is not quantized"
        yield catalogue.UNLISTED_LAYERS.at(place, layers=quoted(reading.missing), them=them, help=help)


def _may_be_enabled(key: str, body: Any, reading: Reading) -> bool:
    if key == _SCHEMA_KEY:
        return False
    if {(key,), (key, "quant_enable")} & reading.unsettled or not isinstance(body, dict):
        return True
    return body.get("quant_enable", True) is not False


# --- what the JSON Schema finds


def _forms_where(holds: Callable[[Any], bool], config: Mapping[str, Any], forms: Forms) -> AbstractSet[bytes]:
    """Return the forms of values for which something holds; layers share few forms."""
    values = {form: config[key] for key, form in forms.items()}
    return {form for form, value in values.items() if holds(value)}


def _schema_findings(config: Mapping[str, Any], forms: Forms, reading: Reading) -> Iterator[Diagnostic]:
    for failure in failures(config, forms, reading.edition.schema):
        if next(_infinite(failure.value, ()), None) is None:
            yield from _schema_finding(failure, reading)
    infinite = _forms_where(_has_infinite, config, forms)
    for path in _infinite({key: value for key, value in config.items() if forms[key] in infinite}, ()):
        span = reading.places.value(path)
        shown = span.text if span else ""
        yield catalogue.INVALID_VALUE.at(span, key=_key_of(path), expected="a finite number", value=shown)


def _schema_finding(failure: Failure, reading: Reading) -> Iterator[Diagnostic]:
    if failure.keyword == "additionalProperties":
        for key in failure.value:
            if key not in failure.schema["properties"]:
                yield from _unknown_key(key, failure, reading)
    elif failure.keyword == "uniqueItems":
        yield from _repeated_items(failure, reading.places)
    else:
        yield _invalid_value(failure, reading.places)


def _unknown_key(key: str, failure: Failure, reading: Reading) -> Iterator[Diagnostic]:
    """Yield what is wrong with a key that its object does not have."""
    path, properties = failure.path, failure.schema["properties"]
    edition, schema = reading.edition, reading.edition.schema
    if not reading.is_whole and _is_layer(failure.value[key], schema):
        return  # What it stands in was not closed.
    span = reading.places.key((*path, key))
    where = f'layer "{path[0]}"' if len(path) == 1 else f'"{path[-1]}" of layer "{path[0]}"'
    for selector in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        name = properties.get(selector, {}).get("default")
        other = schema.algorithm_of(key, selector) if name else None
        if other:
            chosen = failure.value.get(selector, name)
            if chosen == name and (*path, selector) not in reading.unsettled:
                names = {"key": key, "other": other, "selector": selector, "name": name}
                help = _help_of_other(failure.value, selector, (name, other), where, schema)
                yield catalogue.OTHER_ALGORITHM.at(span, **names, help=help)
            return
    elsewhere = edition.foreign_fields.get(key) or _belonging(key, schema)
    suggestion = Suggestion() if elsewhere else suggest(key, properties)
    fix = _renaming(span, suggestion, failure.value)
    yield catalogue.UNKNOWN_KEY.at(span, key=key, where=where, help=elsewhere or suggestion.help, fix=fix)


def _help_of_other(
    params: Mapping[str, Any], selector: str, names: tuple[str, str], where: str, schema: ConfigSchema
) -> str:
    """Return what to do about a parameter of another algorithm than the one that params are read as.

    names are that one and the other.
    """
    name, other = names
    help = f'give {selector} as "{other}", or leave it out of {where}'
    if selector in params:
        return help
    own = next((key for key in params if schema.algorithm_of(key, selector) == name), None)
    if selector == ACTIVATION_ALGORITHM and own and name != schema.default_activation:
        return f'remove it, or {own}: without {selector}, {own} means "{name}"'
    return f"{help}; {selector} is left out, and that is its default"


def _is_layer(value: Any, schema: ConfigSchema) -> bool:
    return isinstance(value, dict) and not value.keys().isdisjoint(schema.layer_keys)


def _repeated_items(failure: Failure, places: Places) -> Iterator[Diagnostic]:
    first: dict[str, int] = {}
    for index, item in enumerate(failure.value):
        # An item that is no name is a mistake by itself.
        if isinstance(item, str) and first.setdefault(item, index) != index:
            place = related(places.value((*failure.path, first[item])), "named here first")
            span = places.value((*failure.path, index))
            field, help = failure.path[-1], "leave one of them out"
            yield catalogue.REPEATED_NAME.at(span, name=item, field=field, related=place, help=help)


def _invalid_value(failure: Failure, places: Places) -> Diagnostic:
    span = places.value(failure.path)
    help, meant = _meant(failure)
    if failure.keyword == "type" and failure.limit == "object" and len(failure.path) == 1:
        help = _LAYER_HELP
    return catalogue.INVALID_VALUE.at(
        span,
        key=_key_of(failure.path),
        expected=expected(failure),
        value=_shown(failure.value),
        help=help,
        fix=[Edit(span, meant)] if span and meant is not None else [],
    )


def _meant(failure: Failure) -> tuple[str | None, str | None]:
    """Return what to do about a value that its key cannot have, and the JSON that was plainly meant."""
    if isinstance(failure.value, float):
        return _meant_integer(failure)
    if not isinstance(failure.value, str):
        return None, None
    if failure.keyword == "enum" and all(isinstance(value, str) for value in failure.limit):
        suggestion = suggest(failure.value, failure.limit)
        return suggestion.help, json.dumps(suggestion.slip) if suggestion.slip else None
    word = failure.value.lower()
    if failure.limit == "boolean" and word in (boolean(True), boolean(False)):
        return "write it without quotes", word
    return None, None


def _meant_integer(failure: Failure) -> tuple[str | None, str | None]:
    if failure.limit != "integer" or not failure.value.is_integer() or abs(failure.value) > _LARGEST_EXACT:
        return None, None
    number = str(int(failure.value))
    return f"write {number}", number


def _key_of(path: Path) -> str:
    """Return the key at the end of a path, with the index where that is one of a list."""
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
    """Yield where in a value a number stands that is beyond any range."""
    if isinstance(value, int | float) and not _is_finite(value):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))


def _has_infinite(value: Any) -> bool:
    return next(_infinite(value, ()), None) is not None


def _is_finite(number: float) -> bool:
    """Tell whether a number is in the range of a double, as every number of Python's json is for others."""
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


# --- what no schema can say


def _layer_findings(key: str, name: str, body: Mapping[str, Any], reading: Reading) -> Iterator[Diagnostic]:
    weight = body.get("weight_quant_params", {})
    if isinstance(weight, dict) and reading.network:
        path = key, "weight_quant_params"
        yield from _weight_findings(weight, name, reading.network, path, reading.places)


def _has_wrong_search(body: Any, schema: ConfigSchema) -> bool:
    return isinstance(body, dict) and any(_search_findings(body, (), Places(), schema))


def _search_findings(
    body: Mapping[str, Any], path: Path, places: Places, schema: ConfigSchema
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a search range and its step, as far as each of them is in order by itself."""
    params, path = body.get("activation_quant_params", {}), (*path, "activation_quant_params")
    if not isinstance(params, dict):
        return
    named = params.get(ACTIVATION_ALGORITHM, "ifmr")
    if named != "ifmr" or schema.activation_algorithm_of(params) != "ifmr":
        return
    defaults = {parameter.key: parameter.defaults for parameter in schema.parameters("ifmr")}
    ends = params.get("search_range", list(defaults["search_range"]))
    step = params.get("search_step", *defaults["search_step"])
    if not schema.accepts_value("ifmr", "search_range", ends) or not all(map(_is_finite, ends)):
        return
    is_step = step is not None and schema.accepts_value("ifmr", "search_step", step) and _is_finite(step)
    start, end = (
        _setting(number, (*path, "search_range", index), places) for index, number in enumerate(ends)
    )
    found: list[Diagnostic] = []
    step = _setting(step, (*path, "search_step"), places) if is_step else None
    check_search(start, end, step, schema, found.append)
    yield from found


def _setting(number: Any, path: Path, places: Places) -> Setting[float]:
    return Setting(number, Origin(OriginKind.WRITTEN, (_key_of(path),), places.value(path)))


def _weight_findings(
    params: Mapping[str, Any], name: str, network: Network, path: Path, places: Places
) -> Iterator[Diagnostic]:
    """Yield what a layer of this type cannot have (reference 3.4, 5.5)."""
    layer, types = network.by_name[name], network.edition.layer_types
    place = related(layer.span, DEFINED_HERE)
    if params.get(CHANNEL_WISE) is True and not types.channel_wise(layer.type):
        span = places.value((*path, CHANNEL_WISE))
        fix = [Edit(span, boolean(False))] if span else []
        yield catalogue.CHANNEL_WISE.at(
            span, type=layer.type, where="", related=place, help="write false", fix=fix
        )
    obstacle = types.reason("non_uniform", layer.type, layer.attributes)
    if params.get(WEIGHT_ALGORITHM) == "nuq_quantize" and obstacle:
        yield catalogue.NOT_NON_UNIFORM.at(
            places.value((*path, WEIGHT_ALGORITHM)),
            layers=f'"{layer.name}"',
            type=layer.type,
            reason=obstacle,
            related=place,
            help="use arq_quantize",
        )


def _fusion_findings(reading: Reading) -> Iterator[Diagnostic]:
    """Yield what is wrong with the layers that nothing is folded into (reference 4.6)."""
    names, network = reading.config.get("skip_fusion_layers"), reading.network
    if not isinstance(names, list) or network is None:
        return
    fusible = network.edition.layer_types.fusible
    listed = dict.fromkeys(name for name in names if isinstance(name, str))
    unknown = [name for name in listed if name not in network.by_name]
    suggestions = {
        name: suggest(name, network.by_name) for name in worth_suggesting(unknown, network.by_name)
    }
    taken = {*listed, *meant_by_several(suggestions.values())}
    for index, name in enumerate(names):
        if not isinstance(name, str):
            continue
        span = reading.places.value(("skip_fusion_layers", index))
        layer = network.by_name.get(name)
        if layer and layer.type not in fusible:
            place = related(layer.span, DEFINED_HERE)
            help = not_fusible_help(layer, network, listed.keys())
            yield catalogue.NOT_FUSIBLE.at(span, layer=name, type=layer.type, related=place, help=help)
        elif layer is None:
            suggestion = suggestions.get(name, Suggestion())
            held = separated(name, network.by_name, is_slip=suggestion.slip is not None)
            if held:
                yield _several(name, Several(held), span, network, taken)
                taken.update(held)
                continue
            meant = network.by_name.get(suggestion.slip or "")
            fix = _renaming(span, suggestion, taken) if meant and meant.type in fusible else []
            yield catalogue.UNKNOWN_LAYER.at(span, name=name, help=suggestion.help, fix=fix)


def _several(
    name: str, held: Several, span: Span | None, network: Network, taken: AbstractSet[str]
) -> Diagnostic:
    """Return that a string holds several names; taken are names that a fix must not put in again."""
    fusible = network.edition.layer_types.fusible
    possible = [
        each for each in held.names if each in network.by_name and network.by_name[each].type in fusible
    ]
    fix = [Edit(span, joined(held.names))] if span and held.can_all_be_in({*possible}, taken) else []
    return catalogue.UNKNOWN_LAYER.at(span, name=name, help=separation_help(held), fix=fix)
