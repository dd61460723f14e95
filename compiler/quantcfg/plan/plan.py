"""The plan: the effective value of each setting for each quantizable layer, and its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import MappingProxyType

from quantcfg.contracts.config_schema import BALANCER
from quantcfg.diagnostics import Report
from quantcfg.diagnostics.phrases import quoted
from quantcfg.frozen import frozen_value, small_value
from quantcfg.network import Layer, Network
from quantcfg.plan.request import Algorithm, Calibration, Request, Tensor
from quantcfg.plan.settings import Setting, Values, default

DEFINED_HERE = "the layer is defined here"

_NOTHING: Values = MappingProxyType({})
QUANTIZED = default(True)


@small_value
class LayerPlan:
    """The plan of one layer.

    levels are the calibrations in the request that apply to it, the effective one
    first; it replaces the others as a whole. selected is the weight algorithm of
    nuq_config if the mapping file selects the layer; weight is the effective one.
    activation_values and weight_values are the effective values, in output order.
    balancer is the strength of the balance step, None if there is none.
    """

    layer: Layer
    enabled: Setting[bool] = QUANTIZED
    levels: tuple[Calibration, ...] = ()
    weight: Algorithm | None = None
    selected: Algorithm | None = None
    activation_values: Values = _NOTHING
    weight_values: Values = _NOTHING
    balancer: Setting[float] | None = None

    @property
    def calibration(self) -> Calibration | None:
        """The effective calibration, or None if the request has none for the layer."""
        return self.levels[0] if self.levels else None

    @property
    def is_by_mapping(self) -> bool:
        """Whether the weight algorithm is that of nuq_config."""
        return self.weight is not None and self.weight is self.selected

    def filled(self, activation_values: Values, weight_values: Values) -> LayerPlan:
        """Return a copy with the effective values."""
        # Not replace(), which takes several times as long, and is noticeable for many layers.
        return LayerPlan(
            self.layer,
            self.enabled,
            self.levels,
            self.weight,
            self.selected,
            activation_values,
            weight_values,
            self.balancer,
        )


@small_value
class TensorPlan:
    """The plan of a quantized tensor: its request, its layer, and the effective values in output order.

    layer is None if it does not exist; the error is already reported.
    """

    tensor: Tensor
    layer: Layer | None = None
    activation_values: Values = _NOTHING


@frozen_value
class Plan:
    """The whole plan: the values for the network, its quantizable layers by name, and quantized tensors."""

    network: Network
    request: Request
    values: Values = _NOTHING
    layers: tuple[LayerPlan, ...] = ()
    tensors: tuple[TensorPlan, ...] = ()

    def __str__(self) -> str:
        return "\n".join(_lines(self))


Pass = Callable[[Plan, Report], Plan]
"""A lowering pass: it reports diagnostics and returns the plan with its part completed."""


def initial_plan(network: Network, request: Request) -> Plan:
    """Return the plan before any pass: the quantizable layers in output order (reference 3.2, U3)."""
    layers = sorted(network.quantizable, key=lambda layer: layer.name)
    return Plan(network, request, layers=tuple(LayerPlan(layer) for layer in layers))


def in_words(layers: Iterable[LayerPlan]) -> str:
    """Return the names of layers for a message."""
    plans = list(layers)
    assumed = [plan.layer.name for plan in plans if plan.layer.span is None]
    real = [plan.layer.name for plan in plans if plan.layer.span]
    return " and ".join([*assumed, *([quoted(real)] if real else [])])


def _lines(plan: Plan) -> Iterator[str]:
    yield from _values(plan.values, "")
    for each in plan.tensors:
        yield f"{each.tensor.what}: quantized"
        yield from _values(each.activation_values, "  ")
    for layer in plan.layers:
        enabled = "quantized" if layer.enabled.value else "skipped"
        level = layer.calibration.level if layer.calibration else "defaults"
        yield f"{layer.layer.name} ({layer.layer.type}): {enabled}; calibration from {level}"
        if layer.balancer:
            yield from _values({BALANCER: layer.balancer}, "  ")
        yield from _values(layer.activation_values, "  ")
        yield from _values(layer.weight_values, "  ")


def _values(values: Values, indent: str) -> Iterator[str]:
    for key, leaf in values.items():
        settings = leaf if isinstance(leaf, tuple) else (leaf,)
        shown = ", ".join(f"{setting.value} ({setting.origin.what})" for setting in settings)
        yield f"{indent}{key} = {shown}"
