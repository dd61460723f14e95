"""Explanations of the values of a configuration."""

from __future__ import annotations

from typing import Any

from quantcfg.frozen import frozen_value
from quantcfg.network import Layer
from quantcfg.plan import Setting
from quantcfg.plan.request import Calibration

Path = tuple[str | int, ...]
"""The path of a value in the configuration, or in the object of its layer: keys, and indices of lists."""


@frozen_value
class Beaten:
    """An overridden setting of a level, and why it does not apply."""

    setting: Setting[Any]
    reason: str


@frozen_value
class Explanation:
    """Where a value comes from.

    chain starts with the effective setting; each later one would be effective without
    those before it. A very long chain is cut. beaten are the overridden settings of
    other levels, the nearest first. reason is the rule of AMCT that decides, None if
    the request itself does. field is the quant.cfg field of a parameter. owner is the
    object in a list that the value belongs to, such as "tensor_quantize[0]", or empty.
    """

    path: Path
    chain: tuple[Setting[Any], ...]
    beaten: tuple[Beaten, ...] = ()
    reason: str | None = None
    field: str | None = None
    owner: str = ""

    @property
    def value(self) -> Any:
        """The value in the configuration."""
        return self.chain[0].value

    @property
    def key(self) -> str:
        """The key of the value, without the keys of the objects around it."""
        return next(step for step in reversed(self.path) if isinstance(step, str))

    @property
    def name(self) -> str:
        """The key, with the index of an item of a list: "search_range[0]"."""
        index, owner = self.path[-1], f"{self.owner}." if self.owner else ""
        return f"{owner}{self.key}[{index}]" if isinstance(index, int) else f"{owner}{self.key}"


@frozen_value
class LayerExplanation:
    """Where the values of a layer come from; of one that is not quantizable, those of its quantized inputs.

    calibration is the effective one, and replaced are those that it replaces. fusion
    describes which layers are fused with the layer.
    """

    layer: Layer
    values: tuple[Explanation, ...] = ()
    calibration: Calibration | None = None
    replaced: tuple[Calibration, ...] = ()
    fusion: str | None = None


@frozen_value
class Provenance:
    """Where values come from: those of the whole network, and those of layers."""

    network: tuple[Explanation, ...] = ()
    layers: tuple[LayerExplanation, ...] = ()
