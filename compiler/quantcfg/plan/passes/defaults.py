"""Fill in the defaults (reference 3, 4.2 and 4.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ASYMMETRIC,
    CHANNEL_WISE,
    TENSORS,
    WEIGHT_ALGORITHM,
)
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.phrases import boolean
from quantcfg.frozen import replace
from quantcfg.network import ConfigSchema, Layer, LayerTypes
from quantcfg.plan.passes.activations import (
    bits_settings,
    depend_on_layer,
    flag_of,
    supports_int16,
    symmetric,
    symmetric_reason,
)
from quantcfg.plan.plan import LayerPlan, Plan, in_words
from quantcfg.plan.request import Algorithm, Calibration, Tensor
from quantcfg.plan.settings import (
    Leaf,
    Origin,
    OriginKind,
    Setting,
    Values,
    activation_algorithm,
    default,
    values_of,
    weight_algorithm,
)

_OFFSET = "activation_offset"

Settings = Mapping[str, Sequence[Setting[Any]]]
"""The settings that can give a value, by field, in order of precedence."""

_NameOf = Callable[[Algorithm | None, ConfigSchema], str]


def fill_defaults(plan: Plan, report: Report) -> Plan:
    """Fill in all values of the configuration, in output order."""
    types = plan.network.edition.layer_types
    keys = _activation_keys(plan.layers, types)
    activation = dict(zip(keys, plan.layers, strict=True))
    weight = {_weight_key(layer): layer for layer in plan.layers}
    activation_values = {key: _activation_values(layer, plan) for key, layer in activation.items()}
    weight_values = {key: _weight_values(layer, plan) for key, layer in weight.items()}
    layers = tuple(
        layer.filled(activation_values[key], weight_values[_weight_key(layer)])
        for key, layer in zip(keys, plan.layers, strict=True)
    )
    tensors = tuple(
        replace(each, activation_values=_values(each.tensor.activation, None, plan)) for each in plan.tensors
    )
    _check_asymmetric(layers, types, report)
    return replace(plan, values=_network_values(plan), layers=layers, tensors=tensors)


def _network_values(plan: Plan) -> Values:
    given: dict[str, Leaf] = {**plan.request.settings, **plan.values}
    schema, values = plan.network.edition.schema, dict[str, Leaf]()
    for key in schema.global_keys:
        if key == TENSORS and plan.tensors:
            continue
        if leaf := given.get(key):
            values[key] = leaf
        elif key in schema.global_defaults:
            values[key] = default(schema.global_defaults[key])
    return values


def _activation_keys(layers: Iterable[LayerPlan], types: LayerTypes) -> list[Hashable]:
    """Return a key for each layer that is the same for layers with the same activation values."""
    if not depend_on_layer(types):
        return [id(layer.calibration) for layer in layers]
    return [_activation_key(layer, types) for layer in layers]


def _activation_key(layer: LayerPlan, types: LayerTypes) -> Hashable:
    symmetric_type = layer.layer.type if symmetric_reason(layer.layer, types) else None
    bits_type = None if supports_int16(layer.layer, types) else layer.layer.type
    return id(layer.calibration), symmetric_type, bits_type


def _weight_key(layer: LayerPlan) -> tuple[int, str]:
    """Return a key that is the same for layers with the same weight values."""
    return id(layer.weight), layer.layer.type


def _activation_values(layer: LayerPlan, plan: Plan) -> Values:
    return _values(_activation(layer), layer.layer, plan)


def _values(algorithm: Algorithm | None, layer: Layer | None, plan: Plan) -> Values:
    """Return the values of an activation algorithm, for a layer or for a tensor."""
    schema = plan.network.edition.schema
    given = {
        **(algorithm.parameters if algorithm else {}),
        ACTIVATION_ALGORITHM: _named(activation_algorithm, algorithm, schema),
        ASYMMETRIC: _flags(algorithm, layer, plan)[0],
        **{field: settings[0] for field, settings in bits_settings(algorithm, layer, plan).items()},
    }
    return values_of(schema, activation_algorithm(algorithm, schema), given)


def _weight_values(layer: LayerPlan, plan: Plan) -> Values:
    algorithm, schema = layer.weight, plan.network.edition.schema
    given = {
        **(algorithm.parameters if algorithm else {}),
        WEIGHT_ALGORITHM: _named(weight_algorithm, algorithm, schema),
        CHANNEL_WISE: _channel_wise(layer, plan)[0],
    }
    return values_of(schema, weight_algorithm(algorithm, schema), given)


def activation_settings(layer: LayerPlan, plan: Plan) -> Settings:
    """Return the settings that can give the activation values of a layer."""
    return _settings(_activation(layer), layer.layer, plan)


def tensor_settings(tensor: Tensor, plan: Plan) -> Settings:
    """Return the settings that can give the values of a quantized tensor."""
    return _settings(tensor.activation, None, plan)


def _settings(algorithm: Algorithm | None, layer: Layer | None, plan: Plan) -> Settings:
    return {
        ACTIVATION_ALGORITHM: _names(activation_algorithm, [algorithm], plan),
        ASYMMETRIC: _flags(algorithm, layer, plan),
        **bits_settings(algorithm, layer, plan),
    }


def weight_settings(layer: LayerPlan, plan: Plan) -> Settings:
    """Return the settings that can give the weight values of a layer."""
    algorithms = [layer.weight]
    if layer.is_by_mapping and plan.request.non_uniform:
        own = layer.calibration.weight if layer.calibration else None
        algorithms = [*plan.request.non_uniform.algorithms, own]
    return {
        WEIGHT_ALGORITHM: _names(weight_algorithm, algorithms, plan),
        CHANNEL_WISE: _channel_wise(layer, plan),
    }


def _activation(layer: LayerPlan) -> Algorithm | None:
    return layer.levels[0].activation if layer.levels else None


def _names(name_of: _NameOf, algorithms: Iterable[Algorithm | None], plan: Plan) -> Sequence[Setting[str]]:
    """Return the names of algorithms, then of those that they replace in their field, then the default."""
    given = [each for algorithm in algorithms if algorithm for each in algorithm.history()]
    return [_named(name_of, each, plan.network.edition.schema) for each in (*given, None)]


def _named(name_of: _NameOf, algorithm: Algorithm | None, schema: ConfigSchema) -> Setting[str]:
    return (
        Setting(name_of(algorithm, schema), algorithm.origin) if algorithm else _default_name(name_of, schema)
    )


@cache
def _default_name(name_of: _NameOf, schema: ConfigSchema) -> Setting[str]:
    return default(name_of(None, schema))


def _flags(algorithm: Algorithm | None, layer: Layer | None, plan: Plan) -> Sequence[Setting[bool]]:
    """Return the settings that can give asymmetric, in order of precedence (reference 4.4).

    They are those of the layer's algorithm, of common_config, and activation_offset.
    That of common_config is used only if the layer has the same algorithm. A layer
    that is always symmetric ignores all of them, unless its own says so.
    """
    request, schema = plan.request, plan.network.edition.schema
    own = flag_of(algorithm)
    if layer and symmetric_reason(layer, plan.network.edition.layer_types):
        always = symmetric(layer.type)
        return [own, always] if own and not own.value else [always]
    common = request.common.activation if request.common else None
    inherited = flag_of(common) if common is not algorithm else None
    if inherited and activation_algorithm(algorithm, schema) != activation_algorithm(common, schema):
        inherited = None
    given = (own, inherited, request.settings.get(_OFFSET), _default_flag(schema))
    return [flag for flag in given if flag]


@cache
def _default_flag(schema: ConfigSchema) -> Setting[bool]:
    return default(schema.global_defaults[_OFFSET], f"default of {_OFFSET}")


def _channel_wise(layer: LayerPlan, plan: Plan) -> Sequence[Setting[bool]]:
    """Return the flag that is set, if it is, and the default of the layer type."""
    given = layer.weight.parameters.get(CHANNEL_WISE) if layer.weight else None
    unset = _default_channel_wise(layer.layer.type, plan.network.edition.layer_types)
    return [given, unset] if given else [unset]


@cache
def _default_channel_wise(layer_type: str, types: LayerTypes) -> Setting[bool]:
    origin = Origin(OriginKind.LAYER_TYPE, (f"default of {layer_type}",))
    return Setting(types.channel_wise(layer_type), origin)


def _check_asymmetric(layers: Iterable[LayerPlan], types: LayerTypes, report: Report) -> None:
    """Report where AMCT does not use the flag that its documentation promises (reference U12).

    According to the documentation the flag comes from the nearest level that sets it.
    """
    differing: dict[tuple[int, int], list[LayerPlan]] = defaultdict(list)
    for layer in layers:
        promised = _promised(layer)
        if promised and promised[1].value != _value(layer) and symmetric_reason(layer.layer, types) is None:
            differing[id(layer.calibration), id(promised[0])].append(layer)
    for group in differing.values():
        _report_asymmetric(group, report)


def _promised(layer: LayerPlan) -> tuple[Calibration, Setting[bool]] | None:
    for calibration in layer.levels:
        flag = flag_of(calibration.activation)
        if flag:
            return calibration, flag
    return None


def _value(layer: LayerPlan) -> Any:
    setting = layer.activation_values[ASYMMETRIC]
    assert isinstance(setting, Setting)
    return setting.value


def _report_asymmetric(group: list[LayerPlan], report: Report) -> None:
    chosen, promised = group[0].calibration, _promised(group[0])
    assert chosen
    assert promised
    level, flag = promised
    algorithm = chosen.activation
    report(
        catalogue.ASYMMETRIC_LOST.at(
            algorithm.origin.span if algorithm else chosen.span,
            value=boolean(_value(group[0])),
            layers=in_words(group),
            level=level.level,
            related=related(flag.span, "this flag is ignored"),
            help=f"set asymmetric in {chosen.level}",
        )
    )
