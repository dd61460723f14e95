"""What is advised for a network, and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from quantcfg.advice.statistics import WeightStatistics
from quantcfg.frozen import frozen_value, replace, small_value
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
    value; both are None if there is nothing to change. gains are the predicted gains in
    dB, by layer, if the statement rests on them.
    """

    layers: tuple[str, ...]
    kind: Kind
    statement: str
    field: str | None = None
    value: bool | None = None
    gains: tuple[float, ...] = ()

    @property
    def reason(self) -> str:
        """The statement, with the range of the gains."""
        return f"{self.statement}{gains_in_words(self.gains)}"

    def of_layer(self, name: str) -> Item:
        """Return what is advised for one layer."""
        index = self.layers.index(name)
        return replace(self, layers=(name,), gains=self.gains[index : index + 1])


def gains_in_words(gains: Sequence[float]) -> str:
    """Return the range of gains in parentheses; nothing if there are none."""
    shown = list(dict.fromkeys(f"{each:.1f}" for each in (min(gains), max(gains)))) if gains else []
    return f" (gain {' to '.join(shown)} dB)" if shown else ""


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

    notes explain why no simulation ran, or what it did not cover. simulated is the number of
    simulated layers and the number of layers to simulate; None without a simulation.
    """

    model: str
    totals: Totals
    layers: Sequence[LayerReport]
    items: Sequence[Item]
    notes: Sequence[str] = ()
    simulated: tuple[int, int] | None = None

    @property
    def is_cut_short(self) -> bool:
        """Whether a simulation ended before all layers were simulated."""
        return self.simulated is not None and self.simulated[0] < self.simulated[1]
