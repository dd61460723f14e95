"""Every value that nothing was written for (reference 3, 4.2 and 4.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache
from typing import Any

from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.phrases import boolean
from quantcfg.network import ConfigSchema, Edition, LayerTypes
from quantcfg.network.config_schema import ACTIVATION_ALGORITHM, ASYMMETRIC, CHANNEL_WISE, WEIGHT_ALGORITHM
from quantcfg.plan.parameters import activation_algorithm, values_of, weight_algorithm
from quantcfg.plan.plan import LayerPlan, Plan, in_words
from quantcfg.plan.request import Algorithm, Calibration, Request
from quantcfg.plan.settings import Leaf, Origin, OriginKind, Setting, Values, default, either
from quantcfg.values import frozen_value

_NameOf = Callable[[Algorithm | None, ConfigSchema], str]


def fill_defaults(plan: Plan, report: Report) -> Plan:
    """Fill in all values of the configuration, in output order."""
    given = {**plan.request.settings, **plan.values}
    schema = plan.network.edition.schema
    values = {key: _global(given.get(key), value) for key, value in schema.global_defaults.items()}
    flags = _flags(plan.request, schema)
    activation = {
        id(calibration): _activation_values(calibration, flags) for calibration in _calibrations(plan.layers)
    }
    keys = [_weight_key(layer) for layer in plan.layers]
    alike = dict(zip(keys, plan.layers, strict=True))
    weight = {key: _weight_values(layer, plan.network.edition) for key, layer in alike.items()}
    layers = tuple(
        layer.filled(activation[id(layer.calibration)], weight[key])
        for key, layer in zip(keys, plan.layers, strict=True)
    )
    _check_asymmetric(layers, report)
    return replace(plan, values=values, layers=layers)


def _global(given: Leaf | None, value: Any) -> Leaf:
    return either(given, default(value)) if isinstance(given, Setting) else given or default(value)


def _calibrations(layers: Iterable[LayerPlan]) -> Iterable[Calibration | None]:
    return {id(layer.calibration): layer.calibration for layer in layers}.values()


def _activation_values(calibration: Calibration | None, flags: _Flags) -> Values:
    algorithm = calibration.activation if calibration else None
    given = {
        **(algorithm.parameters if algorithm else {}),
        ACTIVATION_ALGORITHM: _named(activation_algorithm, flags.schema, algorithm),
        ASYMMETRIC: flags.of(algorithm),
    }
    return values_of(flags.schema, activation_algorithm(algorithm, flags.schema), given)


def _weight_key(layer: LayerPlan) -> tuple[int, int, str]:
    """Return what layers have in common that have the same weight values."""
    return id(layer.weight), id(layer.calibration), layer.layer.type


def _weight_values(layer: LayerPlan, edition: Edition) -> Values:
    algorithm, calibrated = layer.weight, layer.calibration.weight if layer.calibration else None
    other = None if calibrated is algorithm else calibrated
    given = {
        **(algorithm.parameters if algorithm else {}),
        WEIGHT_ALGORITHM: _named(weight_algorithm, edition.schema, algorithm, other),
        CHANNEL_WISE: _channel_wise(algorithm, layer.layer.type, edition.layer_types),
    }
    return values_of(edition.schema, weight_algorithm(algorithm, edition.schema), given)


def _named(
    name_of: _NameOf, schema: ConfigSchema, algorithm: Algorithm | None, other: Algorithm | None = None
) -> Setting[str]:
    """Return the name of an algorithm, with what would be named without it behind it: another one, first."""
    setting = _usual_name(name_of, schema)
    for last in (other, algorithm):
        for each in reversed((last, *last.earlier)) if last else ():
            setting = Setting(name_of(each, schema), each.origin, setting)
    return setting


@cache
def _usual_name(name_of: _NameOf, schema: ConfigSchema) -> Setting[str]:
    return default(name_of(None, schema))


def _channel_wise(algorithm: Algorithm | None, layer_type: str, types: LayerTypes) -> Setting[bool]:
    given = algorithm.parameters.get(CHANNEL_WISE) if algorithm else None
    return either(given, _usual_channel_wise(layer_type, types))


@cache
def _usual_channel_wise(layer_type: str, types: LayerTypes) -> Setting[bool]:
    origin = Origin(OriginKind.LAYER_TYPE, (f"default of {layer_type}",))
    return Setting(types.channel_wise(layer_type), origin)


@frozen_value
class _Flags:
    """Where asymmetric comes from if a layer's own algorithm does not set it.

    inherited is the flag of common_config, whose algorithm common is, with
    activation_offset behind it.
    """

    schema: ConfigSchema
    common: Algorithm | None
    inherited: Setting[bool]
    offset: Setting[bool]

    def of(self, algorithm: Algorithm | None) -> Setting[bool]:
        """Return the flag of the layer's own algorithm, else common_config's, else activation_offset.

        The flag of common_config counts only where the layer has the algorithm that
        common_config names (reference 4.4).
        """
        name, named = (activation_algorithm(each, self.schema) for each in (algorithm, self.common))
        counts = self.common is not None and name == named
        other = self.inherited if counts else self.offset
        return other if algorithm is self.common else either(_flag(algorithm), other)


def _flags(request: Request, schema: ConfigSchema) -> _Flags:
    common, key = request.common.activation if request.common else None, "activation_offset"
    offset = either(request.settings.get(key), default(schema.global_defaults[key], f"default of {key}"))
    return _Flags(schema, common, either(_flag(common), offset), offset)


def _flag(algorithm: Algorithm | None) -> Setting[bool] | None:
    return algorithm.parameters.get(ASYMMETRIC) if algorithm else None


def _check_asymmetric(layers: Iterable[LayerPlan], report: Report) -> None:
    """Report where the documentation promises another flag than AMCT gives (reference U12).

    By the documentation the flag comes from the nearest level that sets it.
    """
    surprised: dict[tuple[int, int], list[LayerPlan]] = defaultdict(list)
    for layer in layers:
        promised = _promised(layer)
        if promised and promised[1].value != _value(layer):
            surprised[id(layer.calibration), id(promised[0])].append(layer)
    for group in surprised.values():
        _report_surprise(group, report)


def _promised(layer: LayerPlan) -> tuple[Calibration, Setting[bool]] | None:
    for calibration in (layer.calibration, *layer.beaten):
        flag = _flag(calibration.activation) if calibration else None
        if calibration and flag:
            return calibration, flag
    return None


def _value(layer: LayerPlan) -> Any:
    setting = layer.activation_values[ASYMMETRIC]
    assert isinstance(setting, Setting)
    return setting.value


def _report_surprise(group: list[LayerPlan], report: Report) -> None:
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
            related=related(flag.span, "this flag does not count there"),
            help=f"set asymmetric in {chosen.level}",
        )
    )
