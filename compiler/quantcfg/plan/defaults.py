"""Every value that nothing was written for (reference 3, 4.2 and 4.4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from quantcfg.caffe import capabilities
from quantcfg.diagnostics import Report, catalogue, related
from quantcfg.diagnostics.words import boolean
from quantcfg.plan import contract
from quantcfg.plan.plan import LayerPlan, Plan, Values, in_words
from quantcfg.plan.request import Algorithm, Calibration
from quantcfg.plan.settings import Origin, OriginKind, Setting, default


def fill_defaults(plan: Plan, report: Report) -> Plan:
    """Fill in all values of the configuration, in output order."""
    given = {**plan.request.settings, **plan.values}
    values = {key: given.get(key) or default(value) for key, value in contract.global_defaults().items()}
    plan = replace(plan, values=values)
    activation_values = {
        id(calibration): _activation_values(calibration, plan) for calibration in _calibrations(plan.layers)
    }
    layers = tuple(
        replace(
            layer,
            activation_values=activation_values[id(layer.calibration)],
            weight_values=_weight_values(layer.weight, layer.layer.type),
        )
        for layer in plan.layers
    )
    _check_asymmetric(layers, report)
    return replace(plan, layers=layers)


def _calibrations(layers: Iterable[LayerPlan]) -> Iterable[Calibration | None]:
    return {id(layer.calibration): layer.calibration for layer in layers}.values()


def _activation_values(calibration: Calibration | None, plan: Plan) -> Values:
    algorithm = calibration.activation if calibration else None
    name = contract.activation_algorithm(algorithm)
    special: dict[str, Setting[Any]] = {
        contract.ACTIVATION_ALGORITHM: _algorithm_setting(name, algorithm),
        contract.ASYMMETRIC: _asymmetric(algorithm, plan),
    }
    return _values(name, algorithm, special)


def _weight_values(algorithm: Algorithm | None, layer_type: str) -> Values:
    name = contract.weight_algorithm(algorithm)
    special: dict[str, Setting[Any]] = {
        contract.WEIGHT_ALGORITHM: _algorithm_setting(name, algorithm),
        contract.CHANNEL_WISE: _channel_wise(algorithm, layer_type),
    }
    return _values(name, algorithm, special)


def _values(name: str, algorithm: Algorithm | None, special: Mapping[str, Setting[Any]]) -> Values:
    """Return the values of an algorithm in output order; special holds those with rules of their own."""
    return {
        parameter.key: special.get(parameter.key) or parameter.value(algorithm)
        for parameter in contract.parameters(name)
    }


def _algorithm_setting(name: str, algorithm: Algorithm | None) -> Setting[str]:
    return Setting(name, algorithm.origin) if algorithm else default(name)


def _channel_wise(algorithm: Algorithm | None, layer_type: str) -> Setting[bool]:
    given = algorithm.parameters.get(contract.CHANNEL_WISE) if algorithm else None
    origin = Origin(OriginKind.LAYER_TYPE, f"default of {layer_type}")
    return given or Setting(capabilities.channel_wise(layer_type), origin)


def _asymmetric(algorithm: Algorithm | None, plan: Plan) -> Setting[bool]:
    """Return the flag of the layer's own algorithm, else common_config's, else activation_offset.

    The flag of common_config counts only where the layer has the algorithm that
    common_config names (reference 4.4).
    """
    common = plan.request.common.activation if plan.request.common else None
    own = _flag(algorithm)
    if (
        own is None
        and common
        and contract.activation_algorithm(algorithm) == contract.activation_algorithm(common)
    ):
        own = _flag(common)
    offset = plan.values["activation_offset"]
    assert isinstance(offset, Setting)
    return own or offset


def _flag(algorithm: Algorithm | None) -> Setting[bool] | None:
    return algorithm.parameters.get(contract.ASYMMETRIC) if algorithm else None


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
    setting = layer.activation_values[contract.ASYMMETRIC]
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
