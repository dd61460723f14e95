"""Which layers have outputs that are never negative."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from quantcfg.editions.caffe import caffe_types
from quantcfg.editions.caffe.operation_parameters import Parameters
from quantcfg.network.operations import NeverNegative


def never_negative(layer_type: str, parameters: Parameters) -> NeverNegative:
    """Return when the outputs of a layer are never negative."""
    rule = caffe_types.entry(layer_type).get("never_negative")
    return _RULES[rule](parameters) if rule else NeverNegative.UNKNOWN


def _clip(parameters: Parameters) -> NeverNegative:
    return NeverNegative.ALWAYS if (parameters["min"] or 0) >= 0 else NeverNegative.UNKNOWN


def _eltwise(parameters: Parameters) -> NeverNegative:
    if parameters["operation"] == "MAX":
        return NeverNegative.IF_ANY_INPUT
    is_positive = all(each >= 0 for each in parameters["coeff"])
    return NeverNegative.IF_ALL_INPUTS if is_positive else NeverNegative.UNKNOWN


def _lrn(parameters: Parameters) -> NeverNegative:
    """Values are divided by a power of k + alpha * a sum of squares."""
    is_positive = parameters["k"] > 0 and parameters["alpha"] >= 0
    return NeverNegative.IF_ALL_INPUTS if is_positive else NeverNegative.UNKNOWN


def _relu(parameters: Parameters) -> NeverNegative:
    return NeverNegative.UNKNOWN if parameters["negative_slope"] else NeverNegative.ALWAYS


_RULES: Mapping[str, Callable[[Parameters], NeverNegative]] = {
    "always": lambda _: NeverNegative.ALWAYS,
    "clip": _clip,
    "eltwise": _eltwise,
    "if_all_inputs": lambda _: NeverNegative.IF_ALL_INPUTS,
    "lrn": _lrn,
    "relu": _relu,
}
