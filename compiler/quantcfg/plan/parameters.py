"""The names and parameters of algorithms as settings of a plan."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from quantcfg.contracts.config_schema import ConfigSchema, Parameter, activation_name
from quantcfg.plan.settings import Leaf, Setting, default

if TYPE_CHECKING:
    from quantcfg.plan.request import Algorithm


def activation_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return what the configuration calls an activation algorithm (reference 3.3)."""
    return activation_name(algorithm.name) if algorithm else schema.default_activation


def weight_algorithm(algorithm: Algorithm | None, schema: ConfigSchema) -> str:
    """Return what the configuration calls a weight algorithm (reference 3.4)."""
    return algorithm.name if algorithm else schema.default_weight


def values_of(schema: ConfigSchema, name: str, given: Mapping[str, Setting[Any]]) -> dict[str, Leaf]:
    """Return the values of an algorithm by its name in the configuration, in output order.

    given holds them by field of quant.cfg; what is not in there has its default,
    and what is not a parameter of the algorithm is left out.
    """
    usual, ranges = _usual(schema, name)
    values: dict[str, Any] = {**usual, **given}
    for parameter, defaults in ranges:
        values[parameter.key] = tuple(map(values.pop, parameter.settings, defaults))
    return values if len(values) == len(usual) else {key: values[key] for key in usual}


@cache
def _usual(
    schema: ConfigSchema, name: str
) -> tuple[dict[str, Leaf], list[tuple[Parameter, tuple[Setting[Any], ...]]]]:
    """Return the default values of an algorithm, and its parameters that are ranges with theirs."""
    known = [(each, tuple(map(default, each.defaults))) for each in schema.parameters(name)]
    usual: dict[str, Leaf] = {
        each.key: defaults[0] if len(defaults) == 1 else defaults for each, defaults in known
    }
    return usual, [(each, defaults) for each, defaults in known if len(each.settings) > 1]
