"""The layers of a network as the oracle knows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from quantcfg.contracts.layer_types import Feature
from quantcfg.network import Layer, Network
from tests.oracle.amct import OracleLayer


def layers_of(
    model: Network, inputs: Mapping[str, tuple[bool, ...]] = MappingProxyType({})
) -> tuple[OracleLayer, ...]:
    """Return the layers of a network for the oracle, as the compiler describes them.

    Those without a name of their own are left out.
    """

    types = model.edition.layer_types
    kinds = {kind for known in types.known.values() for kind in known}

    def can(kind: str, layer: Layer) -> bool:
        return types.obstacle(Feature(kind), layer.type, layer.attributes) is None

    names = Counter(layer.name for layer in model.layers)
    return tuple(
        OracleLayer(
            layer.name,
            layer.type,
            supported=layer.quantizable,
            non_uniform=can("non_uniform", layer),
            asymmetric="asymmetric" not in kinds or not layer.quantizable or can("asymmetric", layer),
            balancer=layer.quantizable and can("balancer", layer),
            inputs=inputs.get(layer.name, ()),
        )
        for layer in model.layers
        if layer.name and names[layer.name] == 1
    )
