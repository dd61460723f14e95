"""A network as the compiler sees it: the layers that count for inference, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from quantcfg.contracts.layer_types import Attributes
from quantcfg.diagnostics import Diagnostic
from quantcfg.frozen import Remembering, frozen_value
from quantcfg.network.edition import Edition
from quantcfg.source import Span

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer.

    attributes are the values of its parameter message, defaults filled in;
    weight_shape is that of its first blob, where a weights file was read;
    obstacle is why the layer is not quantizable, None if it is; fusion holds
    the names of the layers that become one with it, itself among them, in
    network order, and is empty where there are none; span is its name in the
    prototxt, None where the layer is only assumed; title says in a word or two why
    it is not quantizable ("max pooling"), although its type or its parameters are
    those of a layer that may be; fusion_obstacle is why it is in no fusion group,
    where its type and those beside it would make one.
    """

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    attributes: Attributes
    weight_shape: Shape | None
    obstacle: str | None
    fusion: tuple[str, ...]
    span: Span | None
    title: str | None = None
    fusion_obstacle: str | None = None

    @property
    def quantizable(self) -> bool:
        """Whether AMCT can quantize this layer (reference 5.1, 5.2)."""
        return self.obstacle is None

    def fused(self, group: tuple[str, ...], obstacle: str | None = None) -> Layer:
        """Return this layer as one of a fusion group, or with what keeps it out of one."""
        return Layer(
            self.name,
            self.type,
            self.bottoms,
            self.tops,
            self.attributes,
            self.weight_shape,
            self.obstacle,
            group,
            self.span,
            self.title,
            obstacle,
        )


@frozen_value
class Network(Remembering):
    """The layers of a model that count for inference, and what was reported when it was read.

    is_complete is False where there is no model: the layers are only assumed.
    """

    edition: Edition
    name: str
    layers: tuple[Layer, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    is_complete: bool = True

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """The layers by name."""
        return {layer.name: layer for layer in self.layers}

    @cached_property
    def quantizable(self) -> tuple[Layer, ...]:
        """The layers that AMCT can quantize, in network order."""
        return tuple(layer for layer in self.layers if layer.quantizable)
