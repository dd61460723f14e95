"""The calibration that the values of a layer need, in terms of a quant.cfg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    BALANCER,
    CHANNEL_WISE,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
    Parameter,
)
from quantcfg.frozen import frozen_value, replace
from quantcfg.network import ConfigSchema


@frozen_value
class Algorithm:
    """An algorithm: its name in the configuration, and the fields that differ from their defaults.

    is_default is whether layers have it if no algorithm is set.
    """

    name: str
    is_default: bool
    fields: tuple[tuple[str, Any], ...] = ()


@frozen_value
class Calibration:
    """The calibration that layers need, or the content of a CalibrationConfig.

    asymmetric is whether activations have an offset, None if a CalibrationConfig does not
    set it. balancer is the strength of the balance step, None if there is none.
    """

    activation: Algorithm
    asymmetric: bool | None
    weight: Algorithm
    balancer: float | None = None

    @property
    def activation_settings(self) -> int:
        """The number of its settings for activations."""
        activation = len(self.activation.fields) + (self.asymmetric is not None)
        return max(activation, not self.activation.is_default)

    @property
    def settings(self) -> int:
        """The number of its settings; an empty message counts as one."""
        weight = len(self.weight.fields)
        return max(
            1,
            self.activation_settings + max(weight, not self.weight.is_default) + (self.balancer is not None),
        )


@frozen_value
class Abilities:
    """What a layer supports; a calibration of several layers has no effect on one that does not support it.

    has_offset: its activations need not be symmetric. ignored_field is the field for
    the number of bits if it supports only the default, else None.
    """

    has_offset: bool = True
    has_balancer: bool = True
    ignored_field: str | None = None

    def given(self, wanted: Calibration) -> Calibration:
        """Return the calibration that the layer gets from one that other layers want."""
        if self is ALL:
            return wanted
        fields = tuple(each for each in wanted.activation.fields if each[0] != self.ignored_field)
        return replace(
            wanted,
            activation=replace(wanted.activation, fields=fields),
            asymmetric=wanted.asymmetric and self.has_offset,
            balancer=wanted.balancer if self.has_balancer else None,
        )


ALL = Abilities()
"""The abilities of a layer that supports everything."""


@frozen_value
class Inherited:
    """The flag of layers that do not set asymmetric (reference 4.4).

    Layers with the activation algorithm of common_config have its flag, if it is
    set; the others have activation_offset.
    """

    schema: ConfigSchema
    offset: bool
    name: str | None = None
    flag: bool | None = None

    def flag_of(self, name: str) -> bool:
        """Return the flag that a layer with this activation algorithm inherits."""
        return self.flag if self.flag is not None and name == self.name else self.offset


def wanted_by(body: Mapping[str, Any], is_channel_wise: bool, schema: ConfigSchema) -> Calibration:
    """Return the calibration that the values of a layer need; is_channel_wise is the default of its type."""
    activation, weight = body[ACTIVATION_PARAMS], body[WEIGHT_PARAMS]
    type_defaults = {CHANNEL_WISE: is_channel_wise}
    return Calibration(
        _algorithm(activation, ACTIVATION_ALGORITHM, default_activation_algorithm(schema), {}, schema),
        activation[ASYMMETRIC],
        _algorithm(weight, WEIGHT_ALGORITHM, default_weight_algorithm(schema), type_defaults, schema),
        body.get(BALANCER),
    )


def tensor_wanted_by(activation: Mapping[str, Any], schema: ConfigSchema) -> Calibration:
    """Return the calibration that the values of a quantized tensor need; it has no weights."""
    default = default_activation_algorithm(schema)
    algorithm = _algorithm(activation, ACTIVATION_ALGORITHM, default, {}, schema)
    return Calibration(algorithm, activation[ASYMMETRIC], default_weight_algorithm(schema))


def _algorithm(
    values: Mapping[str, Any],
    selector: str,
    default: Algorithm,
    type_defaults: Mapping[str, bool],
    schema: ConfigSchema,
) -> Algorithm:
    """Return the selected algorithm; type_defaults are the defaults that are not in the schema."""
    name = values[selector]
    known = {selector: name, ASYMMETRIC: None, **type_defaults}
    fields = tuple(_changed_fields(values, schema.parameters(name), known))
    return Algorithm(name, name == default.name, fields)


def _changed_fields(
    values: Mapping[str, Any], parameters: Iterable[Parameter], known: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for parameter in parameters:
        value = values[parameter.key]
        default = known.get(parameter.key, parameter.default)
        if parameter.key != ASYMMETRIC and value != default:
            defaults = dict(parameter.items(default))
            changed = ((field, item) for field, item in parameter.items(value) if item != defaults[field])
            yield from ((field, parameter.word(item)) for field, item in changed)


def own_calibration(wanted: Calibration, inherited: Inherited) -> Calibration:
    """Return the shortest calibration that results in the wanted values."""
    is_inherited = inherited.flag_of(wanted.activation.name) == wanted.asymmetric
    return replace(wanted, asymmetric=None) if is_inherited else wanted


def given_by(common: Calibration | None, is_channel_wise: bool, inherited: Inherited) -> Calibration:
    """Return the calibration of a layer without overrides; common is common_config, if it is set.

    is_channel_wise is the default of its type.
    """
    if common is None:
        return plain(inherited)
    default = (CHANNEL_WISE, is_channel_wise)
    weight = replace(common.weight, fields=tuple(each for each in common.weight.fields if each != default))
    return replace(common, asymmetric=inherited.flag_of(common.activation.name), weight=weight)


def plain(inherited: Inherited) -> Calibration:
    """Return the calibration of a layer whose override is empty."""
    activation = default_activation_algorithm(inherited.schema)
    flag = inherited.flag_of(activation.name)
    return Calibration(activation, flag, default_weight_algorithm(inherited.schema))


def default_activation_algorithm(schema: ConfigSchema) -> Algorithm:
    """Return the activation algorithm of layers for which none is set."""
    return Algorithm(schema.default_activation, True)


def default_weight_algorithm(schema: ConfigSchema) -> Algorithm:
    """Return the weight algorithm of layers for which none is set."""
    return Algorithm(schema.default_weight, True)
