"""What the values of a layer ask for, in the terms of a quant.cfg."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ASYMMETRIC,
    CHANNEL_WISE,
    WEIGHT_ALGORITHM,
    Parameter,
)
from quantcfg.frozen import frozen_value
from quantcfg.network import ConfigSchema


@frozen_value
class Algorithm:
    """An algorithm as the configuration names it, and the fields that are not as they are by default.

    is_usual tells that a layer has it where none is named.
    """

    name: str
    is_usual: bool
    fields: tuple[tuple[str, Any], ...] = ()


@frozen_value
class Wanted:
    """What a layer is to have: its algorithms, and whether its activations have an offset."""

    activation: Algorithm
    asymmetric: bool
    weight: Algorithm


@frozen_value
class Calibration:
    """What a CalibrationConfig says; flag is what it says of asymmetric, None if nothing."""

    activation: Algorithm
    flag: bool | None
    weight: Algorithm

    @property
    def settings(self) -> int:
        """How many settings it has; a message with nothing in it is one."""
        activation = len(self.activation.fields) + (self.flag is not None)
        weight = len(self.weight.fields)
        return max(1, max(activation, not self.activation.is_usual) + max(weight, not self.weight.is_usual))


@frozen_value
class Inherited:
    """The flag that layers have which say nothing of asymmetric (reference 4.4).

    Those with the activation algorithm of common_config have its flag, if it has
    one; the others have activation_offset.
    """

    schema: ConfigSchema
    offset: bool
    name: str | None = None
    flag: bool | None = None

    def flag_of(self, name: str) -> bool:
        """Return the flag that a layer with an activation algorithm inherits."""
        return self.flag if self.flag is not None and name == self.name else self.offset


def wanted_by(body: Mapping[str, Any], is_channel_wise: bool, schema: ConfigSchema) -> Wanted:
    """Return what the complete values of a layer ask for; is_channel_wise is the default of its type."""
    activation, weight = body["activation_quant_params"], body["weight_quant_params"]
    usual = {CHANNEL_WISE: is_channel_wise}
    asymmetric = activation[ASYMMETRIC]
    return Wanted(
        _algorithm(activation, ACTIVATION_ALGORITHM, usual_activation(schema), {}, schema),
        asymmetric,
        _algorithm(weight, WEIGHT_ALGORITHM, usual_weight(schema), usual, schema),
    )


def _algorithm(
    values: Mapping[str, Any],
    selector: str,
    usual: Algorithm,
    special: Mapping[str, bool],
    schema: ConfigSchema,
) -> Algorithm:
    """Return the algorithm that is selected; special holds the defaults that the schema does not have."""
    name = values[selector]
    known = {selector: name, ASYMMETRIC: None, **special}
    fields = tuple(_unusual_fields(values, schema.parameters(name), known))
    return Algorithm(name, name == usual.name, fields)


def _unusual_fields(
    values: Mapping[str, Any], parameters: Iterable[Parameter], special: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for parameter in parameters:
        value = values[parameter.key]
        usual = special.get(parameter.key, parameter.default)
        if parameter.key != ASYMMETRIC and value != usual:
            defaults = dict(parameter.items(usual))
            yield from ((field, item) for field, item in parameter.items(value) if item != defaults[field])


def own_calibration(wanted: Wanted, inherited: Inherited) -> Calibration:
    """Return the shortest calibration by which a layer, or a type, has what it is to have."""
    is_inherited = inherited.flag_of(wanted.activation.name) == wanted.asymmetric
    return Calibration(wanted.activation, None if is_inherited else wanted.asymmetric, wanted.weight)


def given_by(common: Calibration | None, is_channel_wise: bool, inherited: Inherited) -> Wanted:
    """Return what a layer has that only common_config reaches, if there is one.

    is_channel_wise is the default of its type.
    """
    activation = common.activation if common else usual_activation(inherited.schema)
    weight = common.weight if common else usual_weight(inherited.schema)
    usual = (CHANNEL_WISE, is_channel_wise)
    fields = tuple(field for field in weight.fields if field != usual)
    asymmetric = inherited.flag_of(activation.name)
    return Wanted(activation, asymmetric, Algorithm(weight.name, weight.is_usual, fields))


def plain(inherited: Inherited) -> Wanted:
    """Return what a layer has whose calibration says nothing."""
    activation = usual_activation(inherited.schema)
    return Wanted(activation, inherited.flag_of(activation.name), usual_weight(inherited.schema))


def usual_activation(schema: ConfigSchema) -> Algorithm:
    """Return the activation algorithm of a layer for which none is named."""
    return Algorithm(schema.default_activation, True)


def usual_weight(schema: ConfigSchema) -> Algorithm:
    """Return the weight algorithm of a layer for which none is named."""
    return Algorithm(schema.default_weight, True)
