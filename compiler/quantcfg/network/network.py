"""A network: the layers for inference, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from quantcfg.contracts.layer_types import Attributes
from quantcfg.diagnostics import Diagnostic
from quantcfg.frozen import Caching, frozen_value, small_value
from quantcfg.network.edition import Edition
from quantcfg.source import Span

Shape = tuple[int, ...]

INPUTS = "inputs"
"""The attribute with the number of inputs, for types whose inputs can be quantized by themselves."""

VARIABLE_INPUTS = "variable_inputs"
"""The attribute with the indices of those that are not constants."""

MISSING_INPUTS = "missing_inputs"
"""The attribute with the indices of those that are omitted, if there are any."""


@small_value
class Layer:
    """One layer.

    attributes: the values of its parameters, with defaults filled in.
    weight_shape: the shape of its first blob, if a weights file was read.
    obstacle: why the layer is not quantizable, None if it is.
    fusion: the names of all layers in its fusion group, in network order; may be empty.
    span: its name in the model file, None if the layer is assumed.
    title: a short reason ("max pooling") why it is not quantizable, although its type or
        parameters suggest it.
    fusion_obstacle: why it is not in a fusion group, although the layer types match one.
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
        """Whether AMCT can quantize this layer."""
        return self.obstacle is None

    def fused(self, group: tuple[str, ...], obstacle: str | None = None) -> Layer:
        """Return this layer with a fusion group, or with the reason why it has none."""
        # Not replace(), which takes several times as long, and is noticeable for many layers.
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
class Network(Caching):
    """The layers of a model for inference, and the diagnostics of reading it.

    is_complete is False if there is no model and the layers are assumed.
    """

    edition: Edition
    name: str
    layers: tuple[Layer, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    is_complete: bool = True

    @cached_property
    def by_name(self) -> Mapping[str, Layer]:
        """The layers by name, without those in repeated.

        One without a name cannot be named, unless it is quantizable.
        """
        return {name: each for name, (each, *others) in self._named.items() if not others}

    @cached_property
    def repeated(self) -> Mapping[str, Sequence[Layer]]:
        """The layers with the same name, by name: the name does not say which one is meant."""
        return {name: layers for name, layers in self._named.items() if len(layers) > 1}

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Layer]]:
        named: dict[str, list[Layer]] = {}
        for layer in self.layers:
            if layer.name or layer.quantizable:
                named.setdefault(layer.name, []).append(layer)
        return named

    def folded_into(self, layer: Layer) -> str | None:
        """Return the name of the layer that the fusion group of a layer becomes, None without a group."""
        members = (self.by_name.get(name) for name in layer.fusion)
        return next((each.name for each in members if each and each.quantizable), None)

    @cached_property
    def quantizable(self) -> tuple[Layer, ...]:
        """The layers that AMCT can quantize, in network order."""
        return tuple(layer for layer in self.layers if layer.quantizable)
