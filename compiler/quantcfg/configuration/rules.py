"""The rules that AMCT reads a configuration by (reference 3.6), each found where it is broken.

They need no text: without places they tell that something is wrong, with places
also where.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quantcfg.caffe import Layer, Network, capabilities
from quantcfg.configuration.places import Path, Places
from quantcfg.diagnostics import Diagnostic, Edit, catalogue, related
from quantcfg.diagnostics.suggest import Suggestion, suggest
from quantcfg.diagnostics.words import boolean, counted, quoted
from quantcfg.output.validate import Failure, expected, failures
from quantcfg.plan import Origin, OriginKind, Setting, contract
from quantcfg.plan.checks import check_search
from quantcfg.plan.plan import DEFINED_HERE

_SCHEMA_KEY = "$schema"


def findings(
    config: Mapping[str, Any], network: Network | None, places: Places, *, is_whole: bool = True
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a configuration, and with its layers where the network is given.

    Without is_whole a part of the text could not be read: what is missing is no mistake then.
    """
    layers = {key: value for key, value in config.items() if key not in contract.global_defaults()}
    known: dict[str, Any] = {}
    for key in layers:
        unknown = _unknown_layer(key, layers[key], network, places)
        if unknown is None:
            known[key] = layers[key]
        else:
            yield unknown
    yield from _schema_findings({key: config[key] for key in config if key not in layers} | known, places)
    for key, value in known.items():
        yield from _layer_findings(key, value, network, places)
    if network:
        yield from _fusion_findings(config.get("skip_fusion_layers"), network, places)
    if is_whole:
        yield from _absences(layers, network, places)


# --- layers that are not there


def _unknown_layer(key: str, value: Any, network: Network | None, places: Places) -> Diagnostic | None:
    """Return what is wrong with a key that should be the name of a quantizable layer."""
    layer = network.by_name.get(key) if network else None
    if layer and layer.obstacle:
        return catalogue.UNQUANTIZABLE_LAYER.at(
            places.key((key,)),
            layer=key,
            reason=layer.obstacle,
            related=related(layer.span, DEFINED_HERE),
            help="leave it out",
            fix=places.removal((key,)),
        )
    span = places.key((key,))
    if key == _SCHEMA_KEY and not layer:
        help = "AMCT takes no such key: let the editor find the schema by the name of the file"
        return catalogue.NO_SUCH_LAYER.at(span, key=key, help=help, fix=places.removal((key,)))
    suggestion = _suggestion(key, network)
    if layer or (network is None and (isinstance(value, dict) or not suggestion.slip)):
        return None
    return catalogue.NO_SUCH_LAYER.at(span, key=key, help=suggestion.help, fix=_renaming(span, suggestion))


def _suggestion(key: str, network: Network | None) -> Suggestion:
    names = [layer.name for layer in network.quantizable] if network else []
    return suggest(key, [*names, *contract.global_defaults()])


def _renaming(span: Any, suggestion: Suggestion) -> list[Edit]:
    return [Edit(span, json.dumps(suggestion.slip))] if span and suggestion.slip else []


def _absences(layers: Mapping[str, Any], network: Network | None, places: Places) -> Iterator[Diagnostic]:
    """Yield that nothing is quantized, or that layers of the network are left out."""
    bodies = [body for key, body in layers.items() if key != _SCHEMA_KEY]
    enabled = [body for body in bodies if not isinstance(body, dict) or body.get("quant_enable", True)]
    if not enabled:
        help = "AMCT refuses a configuration without a layer to quantize"
        yield catalogue.NOTHING_ENABLED.at(places.value(()), help=help)
    listed = {
        *layers,
        *(_suggestion(key, network).slip for key in layers if network and key not in network.by_name),
    }
    unlisted = [layer.name for layer in network.quantizable if layer.name not in listed] if network else []
    if enabled and unlisted:
        them = "it" if len(unlisted) == 1 else "them"
        help = "a layer that is left out is not quantized"
        yield catalogue.UNLISTED_LAYERS.at(places.value(()), layers=quoted(unlisted), them=them, help=help)


def _unlisted(layers: Iterable[str], network: Network) -> list[str]:
    """Return the quantizable layers that are neither named nor meant by any name."""
    slips = (_suggestion(key, network).slip for key in layers if key not in network.by_name)
    listed = {*layers, *slips}
    return [layer.name for layer in network.quantizable if layer.name not in listed]


# --- what the JSON Schema finds


def _schema_findings(config: Mapping[str, Any], places: Places) -> Iterator[Diagnostic]:
    for failure in failures(config):
        if next(_infinite(failure.value, ()), None) is None:
            yield from _schema_finding(failure, places)
    for path in _infinite(config, ()):
        span = places.value(path)
        shown = span.text if span else ""
        yield catalogue.INVALID_VALUE.at(span, key=_key_of(path), expected="a finite number", value=shown)


def _schema_finding(failure: Failure, places: Places) -> Iterator[Diagnostic]:
    if failure.keyword == "additionalProperties":
        unknown = (key for key in failure.value if key not in failure.schema["properties"])
        yield from (_unknown_key(key, failure, places) for key in unknown)
    elif failure.keyword == "uniqueItems":
        yield from _repeated_items(failure, places)
    else:
        yield _invalid_value(failure, places)


def _unknown_key(key: str, failure: Failure, places: Places) -> Diagnostic:
    """Return what is wrong with a key that its object does not have."""
    path, properties = failure.path, failure.schema["properties"]
    span = places.key((*path, key))
    where = f'layer "{path[0]}"' if len(path) == 1 else f'"{path[-1]}" of layer "{path[0]}"'
    for selector in (contract.ACTIVATION_ALGORITHM, contract.WEIGHT_ALGORITHM):
        name = properties.get(selector, {}).get("default")
        other = contract.algorithm_of(key, selector) if name else None
        if other:
            return catalogue.OTHER_ALGORITHM.at(
                span,
                key=key,
                other=other,
                selector=selector,
                name=name,
                help=f"leave it out of {where}",
                fix=places.removal((*path, key)),
            )
    suggestion = suggest(key, properties)
    fix = _renaming(span, suggestion)
    return catalogue.UNKNOWN_KEY.at(span, key=key, where=where, help=suggestion.help, fix=fix)


def _repeated_items(failure: Failure, places: Places) -> Iterator[Diagnostic]:
    for index, item in enumerate(failure.value):
        first = failure.value.index(item)
        if first != index:
            place = related(places.value((*failure.path, first)), "named here first")
            span = places.value((*failure.path, index))
            yield catalogue.REPEATED_NAME.at(span, name=item, field=failure.path[-1], related=place)


def _invalid_value(failure: Failure, places: Places) -> Diagnostic:
    span = places.value(failure.path)
    help, meant = _meant(failure) if isinstance(failure.value, str) else (None, None)
    return catalogue.INVALID_VALUE.at(
        span,
        key=_key_of(failure.path),
        expected=expected(failure),
        value=_shown(failure.value),
        help=help,
        fix=[Edit(span, meant)] if span and meant is not None else [],
    )


def _meant(failure: Failure) -> tuple[str | None, str | None]:
    """Return what to do about a string that is no value of its key, and the JSON that was plainly meant."""
    if failure.keyword == "enum" and all(isinstance(value, str) for value in failure.limit):
        suggestion = suggest(failure.value, failure.limit)
        return suggestion.help, json.dumps(suggestion.slip) if suggestion.slip else None
    word = failure.value.lower()
    if failure.limit == "boolean" and word in (boolean(True), boolean(False)):
        return "write it without quotes", word
    return None, None


def _key_of(path: Path) -> str:
    """Return the key at the end of a path, or that of the list that it leads into."""
    return str(next(step for step in reversed(path) if isinstance(step, str)))


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
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _infinite(item, (*path, key))


# --- what no schema can say


def _layer_findings(key: str, body: Any, network: Network | None, places: Places) -> Iterator[Diagnostic]:
    if not isinstance(body, dict):
        return
    activation, weight = body.get("activation_quant_params", {}), body.get("weight_quant_params", {})
    if isinstance(activation, dict):
        yield from _search_findings(activation, (key, "activation_quant_params"), places)
    layer = network.by_name[key] if network else None
    if isinstance(weight, dict) and layer:
        yield from _weight_findings(weight, layer, (key, "weight_quant_params"), places)


def _search_findings(params: Mapping[str, Any], path: Path, places: Places) -> Iterator[Diagnostic]:
    """Yield what is wrong with a search range and its step, where each of them is in order by itself."""
    if params.get(contract.ACTIVATION_ALGORITHM, "ifmr") != "ifmr":
        return
    defaults = {parameter.key: parameter.defaults for parameter in contract.parameters("ifmr")}
    ends = params.get("search_range", list(defaults["search_range"]))
    step = params.get("search_step", *defaults["search_step"])
    if not contract.accepts("ifmr", "search_range", ends) or not contract.accepts(
        "ifmr", "search_step", step
    ):
        return
    if not all(math.isfinite(number) for number in (*ends, step)):
        return
    start, end = (
        _setting(number, (*path, "search_range", index), places) for index, number in enumerate(ends)
    )
    found: list[Diagnostic] = []
    check_search(start, end, _setting(step, (*path, "search_step"), places), found.append)
    yield from found


def _setting(number: Any, path: Path, places: Places) -> Setting[float]:
    return Setting(number, Origin(OriginKind.WRITTEN, _key_of(path), places.value(path)))


def _weight_findings(
    params: Mapping[str, Any], layer: Layer, path: Path, places: Places
) -> Iterator[Diagnostic]:
    """Yield what a layer of this type cannot have (reference 3.4, 5.5)."""
    if params.get(contract.CHANNEL_WISE) is True and not capabilities.channel_wise(layer.type):
        span = places.value((*path, contract.CHANNEL_WISE))
        fix = [Edit(span, boolean(False))] if span else []
        place = related(layer.span, DEFINED_HERE)
        yield catalogue.CHANNEL_WISE.at(
            span, type=layer.type, where="", related=place, help="write false", fix=fix
        )
    obstacle = capabilities.obstacle("non_uniform", layer.type, layer.attributes)
    if params.get(contract.WEIGHT_ALGORITHM) == "nuq_quantize" and obstacle:
        yield catalogue.NOT_NON_UNIFORM.at(
            places.value((*path, contract.WEIGHT_ALGORITHM)),
            layers=f'"{layer.name}"',
            type=layer.type,
            reason=obstacle,
            related=related(layer.span, DEFINED_HERE),
        )


def _fusion_findings(names: Any, network: Network, places: Places) -> Iterator[Diagnostic]:
    """Yield what is wrong with the layers that nothing is folded into (reference 4.6)."""
    fusible = capabilities.fusible_types()
    for index, name in enumerate(names if isinstance(names, list) else ()):
        span = places.value(("skip_fusion_layers", index))
        layer = network.by_name.get(name) if isinstance(name, str) else None
        if layer and layer.type not in fusible:
            place = related(layer.span, DEFINED_HERE)
            yield catalogue.NOT_FUSIBLE.at(span, layer=name, type=layer.type, related=place)
        elif layer is None and isinstance(name, str):
            suggestion = suggest(name, [each.name for each in network.layers if each.type in fusible])
            fix = _renaming(span, suggestion)
            yield catalogue.UNKNOWN_LAYER.at(span, name=name, help=suggestion.help, fix=fix)
