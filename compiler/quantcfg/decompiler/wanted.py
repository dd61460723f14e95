"""What the values of a layer ask for, in the terms of a quant.cfg."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from quantcfg.plan import contract
from quantcfg.values import frozen_value


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

    offset: bool
    name: str | None = None
    flag: bool | None = None

    def flag_of(self, name: str) -> bool:
        """Return the flag that a layer with an activation algorithm inherits."""
        return self.flag if self.flag is not None and name == self.name else self.offset


def wanted_by(body: Mapping[str, Any], is_channel_wise: bool) -> Wanted:
    """Return what the complete values of a layer ask for; is_channel_wise is the default of its type."""
    activation, weight = body["activation_quant_params"], body["weight_quant_params"]
    usual = {contract.CHANNEL_WISE: is_channel_wise}
    asymmetric = activation[contract.ASYMMETRIC]
    return Wanted(
        _algorithm(activation, contract.ACTIVATION_ALGORITHM, contract.activation_algorithm(None), {}),
        asymmetric,
        _algorithm(weight, contract.WEIGHT_ALGORITHM, contract.weight_algorithm(None), usual),
    )


def _algorithm(
    values: Mapping[str, Any], selector: str, usual_name: str, special: Mapping[str, bool]
) -> Algorithm:
    """Return the algorithm that is selected; special holds the defaults that the schema does not have."""
    name = values[selector]
    fields = tuple(_unusual_fields(values, name, {selector: name, contract.ASYMMETRIC: None, **special}))
    return Algorithm(name, name == usual_name, fields)


def _unusual_fields(
    values: Mapping[str, Any], name: str, special: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    for parameter in contract.parameters(name):
        value = values[parameter.key]
        usual = special.get(parameter.key, parameter.default)
        if parameter.key != contract.ASYMMETRIC and value != usual:
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
    activation = common.activation if common else usual_activation()
    weight = common.weight if common else usual_weight()
    usual = (contract.CHANNEL_WISE, is_channel_wise)
    fields = tuple(field for field in weight.fields if field != usual)
    asymmetric = inherited.flag_of(activation.name)
    return Wanted(activation, asymmetric, Algorithm(weight.name, weight.is_usual, fields))


def plain(inherited: Inherited) -> Wanted:
    """Return what a layer has whose calibration says nothing."""
    activation = usual_activation()
    return Wanted(activation, inherited.flag_of(activation.name), usual_weight())


def usual_activation() -> Algorithm:
    """Return the activation algorithm of a layer for which none is named."""
    return Algorithm(contract.activation_algorithm(None), True)


def usual_weight() -> Algorithm:
    """Return the weight algorithm of a layer for which none is named."""
    return Algorithm(contract.weight_algorithm(None), True)
