"""What is advised for a network, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from quantcfg.advice.statistics import WeightStatistics
from quantcfg.frozen import frozen_value, small_value
from quantcfg.network.costs import Cost, Totals
from quantcfg.network.operations import Operation


class Kind(StrEnum):
    """How a statement is known."""

    EXACT = "exact"
    """Computed from the model and the weights."""

    PREDICTED = "predicted"
    """Predicted from the weights."""

    SIMULATED = "simulated"
    """Seen in a simulation."""

    RULE = "rule"
    """A rule of thumb of AMCT."""


@small_value
class Item:
    """One piece of advice.

    field is the key of the configuration to change in these layers, and value its new
    value; both are None if there is nothing to change.
    """

    layers: tuple[str, ...]
    kind: Kind
    reason: str
    field: str | None = None
    value: bool | None = None


@small_value
class Simulated:
    """The output with only one layer quantized: its SQNR in dB, and the layer's share of the error.

    output_db is None if a value is not finite, share_of_error if the simulation did not finish.
    """

    output_db: float | None
    share_of_error: float | None


@frozen_value
class LayerReport:
    """A layer: what it computes and costs, how it is quantized, and what is known about that.

    settings is its object in the configuration, None if it is not quantized.
    """

    operation: Operation
    cost: Cost
    settings: dict[str, Any] | None
    weights: WeightStatistics | None = None
    simulated: Simulated | None = None

    @property
    def name(self) -> str:
        """The name of the layer."""
        return self.operation.layer.name


@frozen_value
class Advice:
    """The layers in network order, their totals, and the advice, most important first.

    notes say why there is no simulation, or what it does not cover.
    """

    model: str
    totals: Totals
    layers: Sequence[LayerReport]
    items: Sequence[Item]
    notes: Sequence[str] = ()
