"""Read a JSON configuration as a plan; omitted values have AMCT's defaults (reference 3.6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any

from quantcfg.configuration.content import Content, check_content
from quantcfg.configuration.duplicates import check_duplicates, find_duplicates
from quantcfg.configuration.places import Path, Places
from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ACTIVATION_PARAMS,
    BALANCER,
    INPUT_INDEX,
    LAYER_NAME,
    QUANT_ENABLE,
    SKIP_FUSION,
    TENSORS,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
    field_of,
)
from quantcfg.diagnostics import Diagnostic, Report, catalogue, has_errors
from quantcfg.diagnostics.catalogue import limited
from quantcfg.frozen import frozen_value, replace
from quantcfg.jsontext import Object, parse, plain
from quantcfg.network import ConfigSchema, Edition, Network
from quantcfg.plan import LayerPlan, Origin, OriginKind, Plan, Request, Setting, assumed_network, complete
from quantcfg.plan.plan import QUANTIZED
from quantcfg.plan.request import Algorithm, Calibration, Override, Tensor
from quantcfg.source import Source, Span

_TARGET = {LAYER_NAME, INPUT_INDEX}
"""The keys that say which tensor is quantized."""


def read_configuration(
    source: Source, network: Network | None, edition: Edition, report: Report
) -> Callable[[], Plan]:
    """Report what AMCT would reject in a configuration, and return a function that makes its plan.

    A value that AMCT rejects is replaced by its default. A layer that the configuration
    omits is not in the plan; a misspelled key is read as the correct one. Without a
    network, every key may be a layer.
    """
    syntax_errors: list[Diagnostic] = []
    tree = parse(source, syntax_errors.append, wanted="a JSON configuration")
    report = limited(report)
    for diagnostic in syntax_errors:
        report(diagnostic)
    is_whole = not has_errors(syntax_errors)
    if not isinstance(tree, Object):
        if is_whole:
            span = Span(source, tree.start, tree.start + 1)
            report(catalogue.JSON_SYNTAX.at(span, expected='"{"', found=f'"{span.text}"'))
        return lambda: Plan(network or Network(edition, "", (), is_complete=False), Request())
    places = Places(source, tree)
    duplicates, unsettled = find_duplicates(tree, source.text)
    content = Content(plain(tree), network, edition, places, is_whole, unsettled)
    check_duplicates(source, duplicates, content, report)
    rejected = check_content(content, report)
    values = _Values(content, rejected)
    _check(values, report)
    return partial(_plan, values, lambda _: None)


def _check(values: _Values, report: Report) -> None:
    """Report the diagnostics of the passes; of identical layers only one is checked."""
    found: list[Diagnostic] = []
    complete(_initial_plan(values, _distinct(values.content)), limited(found.append))
    if found:
        _plan(values, report)


def _plan(values: _Values, report: Report) -> Plan:
    plan = complete(_initial_plan(values, values.content.names), report)
    return plan if values.content.network else _without_assumptions(plan)


def _distinct(content: Content) -> Collection[str]:
    """Return one key for each combination of a body and a kind of layer."""
    layers = content.network.by_name if content.network else {}
    distinct: dict[object, str] = {}
    for keys in content.known.alike():
        for key in keys:
            layer = layers.get(content.names.get(key) or "")
            kind = (layer.type, tuple(layer.attributes.items())) if layer else None
            distinct.setdefault((keys[0], kind), key)
    return distinct.values()


@frozen_value
class _Values:
    """The values of a configuration, and the paths of those that were rejected."""

    content: Content
    rejected: AbstractSet[Path]

    @property
    def schema(self) -> ConfigSchema:
        """The schema of its edition."""
        return self.content.edition.schema

    def origin(self, path: Path) -> Origin:
        """Return the origin of the value at a path."""
        return Origin(OriginKind.WRITTEN, path, self.content.places.value)

    def key_origin(self, path: Path) -> Origin:
        """Return the origin of all that is under a key."""
        return Origin(OriginKind.WRITTEN, path, self.content.places.key)

    def rejected_in(self, path: Path) -> AbstractSet[object]:
        """Return the keys of an object whose values were rejected."""
        return {each[-1] for each in self.rejected if each[:-1] == path} if self.rejected else frozenset()


def _number_like(default: Any, value: Any) -> Any:
    """Return a value with the type of number that its default has: JSON knows only one."""
    return value if default is None else type(default)(value)


def _initial_plan(values: _Values, keys: Iterable[str]) -> Plan:
    """Return the plan of the layers with these keys, without the values that they omit."""
    content = values.content
    overrides = [
        Override(
            Setting(name, values.key_origin((key,))),
            _calibration(values, key, content.layers[key]),
        )
        for key in keys
        if (name := content.names.get(key)) is not None and isinstance(content.layers[key], dict)
    ]
    request = Request(
        settings=dict(_settings(values)),
        skip_fusion_layers=tuple(_fusion_names(values)),
        layer_overrides=tuple(overrides),
        tensors=tuple(_tensors(values)),
    )
    network = content.network or assumed_network(request, content.edition)
    layers = [_layer(values, override, network) for override in overrides]
    return Plan(network, request, layers=tuple(sorted(layers, key=lambda each: each.layer.name)))


def _without_assumptions(plan: Plan) -> Plan:
    """Return a plan without the values that depend on layer types, which are not known."""

    def known(layer: LayerPlan) -> LayerPlan:
        weight = {
            key: leaf
            for key, leaf in layer.weight_values.items()
            if isinstance(leaf, tuple) or leaf.origin.kind is not OriginKind.LAYER_TYPE
        }
        return layer.filled(layer.activation_values, weight)

    return replace(plan, layers=tuple(map(known, plan.layers)))


def _settings(values: _Values) -> Iterator[tuple[str, Setting[Any]]]:
    for key, known in values.schema.global_keys.items():
        default, given = known.get("default"), values.content.config.get(key)
        is_read_apart = isinstance(default, list) and given != []
        if given is not None and (key,) not in values.rejected and not is_read_apart:
            yield key, Setting(_number_like(default, given), values.origin((key,)))


def _fusion_names(values: _Values) -> Iterator[Setting[str]]:
    names = values.content.config.get(SKIP_FUSION)
    for index, name in enumerate(names if isinstance(names, list) else ()):
        if isinstance(name, str):
            yield Setting(name, values.origin((SKIP_FUSION, index)))


def _tensors(values: _Values) -> Iterator[Tensor]:
    """Yield the quantized tensors whose node and input are known."""
    listed = values.content.tensors
    for index, body in enumerate(listed if isinstance(listed, list) else ()):
        path = (TENSORS, index)
        if not isinstance(body, dict) or not body.keys() - values.rejected_in(path) >= _TARGET:
            continue
        source, activation = values.origin(path), _activation(values, path, body)
        yield Tensor(
            Setting(body[LAYER_NAME], source, LAYER_NAME),
            Setting(int(body[INPUT_INDEX]), source, INPUT_INDEX),
            activation,
            values.key_origin(path),
        )


def _layer(values: _Values, override: Override, network: Network) -> LayerPlan:
    layer, calibration = network.by_name[override.target.value], override.calibration
    (key,) = calibration.origin.path
    enabled = values.content.layers[str(key)].get(QUANT_ENABLE)
    given = Setting(enabled, values.origin((key, QUANT_ENABLE))) if isinstance(enabled, bool) else QUANTIZED
    return LayerPlan(layer, given, (calibration,), calibration.weight)


def _calibration(values: _Values, key: str, body: Mapping[str, Any]) -> Calibration:
    weight = _object(body.get(WEIGHT_PARAMS))
    name = values.schema.default_weight
    if (key, WEIGHT_PARAMS, WEIGHT_ALGORITHM) not in values.rejected:
        name = weight.get(WEIGHT_ALGORITHM, name)
    return Calibration(
        "the configuration",
        _algorithm(values, (key, WEIGHT_PARAMS), weight, name),
        _activation(values, (key,), body),
        values.key_origin((key,)),
        _balancers(values, key, body),
    )


def _balancers(values: _Values, key: str, body: Mapping[str, Any]) -> tuple[Setting[float], ...]:
    strength = body.get(BALANCER)
    if strength is None or BALANCER not in values.schema.layer_keys or (key, BALANCER) in values.rejected:
        return ()
    return (Setting(float(strength), values.origin((key,)), BALANCER),)


def _activation(values: _Values, path: Path, body: Mapping[str, Any]) -> Algorithm | None:
    """Return the activation algorithm of a layer or of a tensor."""
    params, inner = _object(body.get(ACTIVATION_PARAMS)), (*path, ACTIVATION_PARAMS)
    if (*inner, ACTIVATION_ALGORITHM) in values.rejected:
        params = {}  # The algorithm that the other parameters belong to is not known.
    return _algorithm(values, inner, params, values.schema.activation_algorithm_of(params))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _algorithm(values: _Values, path: Path, params: Mapping[str, Any], name: str) -> Algorithm | None:
    """Return the algorithm with this name in the configuration, and the parameters that are set."""
    if not params:
        return None
    known, source = values.schema.parameters_by_key(name), values.origin(path)
    rejected = values.rejected_in(path)
    given: dict[str, Setting[Any]] = {}
    for key, value in params.items():
        if key in rejected:
            continue
        parameter = known.get(key)
        if parameter is None or len(parameter.settings) == 1:
            name_of_field = parameter.settings[0] if parameter else key
            given[name_of_field] = Setting(_number_like(parameter and parameter.default, value), source, key)
        else:
            items = values.origin((*path, key))
            for index, (field, item) in enumerate(parameter.items(value)):
                given[field] = Setting(_number_like(parameter.defaults[index], item), items, index)
    origin = _origin_of_name(values, path, params, name)
    return Algorithm(field_of(name), given, origin, frozenset(map(str, rejected)))


def _origin_of_name(values: _Values, path: Path, params: Mapping[str, Any], name: str) -> Origin:
    """Return the origin of an algorithm: its key, the parameter that implies it, or the default."""
    schema = values.schema
    for key in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        if key in params:
            return values.origin((*path, key))
    if name in (schema.default_activation, schema.default_weight):
        return Origin(OriginKind.DEFAULT, ("default",))
    implying = next(key for key in params if schema.algorithm_of(key, ACTIVATION_ALGORITHM) == name)
    return values.origin((*path, implying))
