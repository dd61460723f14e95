"""An edition of AMCT: what differs from one framework to the next, as a value."""

from __future__ import annotations

from quantcfg.network.layer_types import LayerTypes
from quantcfg.values import frozen_value


@frozen_value
class Edition:
    """An edition: its name, and what it can do with layer types."""

    name: str
    layer_types: LayerTypes
