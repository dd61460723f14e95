"""Why the values of a configuration are what they are: the values that say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quantcfg.network import Layer
from quantcfg.plan import Setting
from quantcfg.plan.request import Calibration

Path = tuple[str | int, ...]
"""Where a value stands in the configuration, or in the object of its layer: keys, and indices of lists."""


@dataclass(frozen=True, slots=True)
class Beaten:
    """What a level that was not chosen says of a value, and why that does not count."""

    setting: Setting[Any]
    reason: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a value is what it is.

    chain starts with the setting that gave it; each one behind that is what
    would, if the origins of those before it were taken away; a very long chain
    is cut. beaten is what
    other levels say of it, the nearest first. reason says why, where that is a
    rule of AMCT rather than what is written.
    """

    path: Path
    chain: tuple[Setting[Any], ...]
    beaten: tuple[Beaten, ...] = ()
    reason: str | None = None

    @property
    def value(self) -> Any:
        """The value that stands in the configuration."""
        return self.chain[0].value

    @property
    def key(self) -> str:
        """The key that has the value, without that of the object around it."""
        return next(step for step in reversed(self.path) if isinstance(step, str))

    @property
    def name(self) -> str:
        """The key, with the index of an item of a list: "search_range[0]"."""
        index = self.path[-1]
        return f"{self.key}[{index}]" if isinstance(index, int) else self.key


@dataclass(frozen=True, slots=True)
class LayerExplanation:
    """Why the values of a layer are what they are; a layer that is not quantizable has none.

    calibration is what was chosen for it, and replaced what that took the place
    of. fusion says in words what becomes one with the layer.
    """

    layer: Layer
    values: tuple[Explanation, ...] = ()
    calibration: Calibration | None = None
    replaced: tuple[Calibration, ...] = ()
    fusion: str | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Why values are what they are: those of the whole network, and those of layers."""

    network: tuple[Explanation, ...] = ()
    layers: tuple[LayerExplanation, ...] = ()
