"""The network that a request is checked against where no model is given.

It has what the request speaks of, and allows all that some network could: what
is wrong for it is wrong for every network.
"""

from __future__ import annotations

from quantcfg.caffe import Layer, Network, capabilities
from quantcfg.plan.request import Request


def assumed_network(request: Request) -> Network:
    """Return a network with a layer for each name in a request, each overridden type, and the rest."""
    named = [
        *request.skip_layers,
        *request.skip_fusion_layers,
        *(override.target for override in request.layer_overrides),
    ]
    any_type = _most_capable_type()
    layers = {name.value: _layer(name.value, any_type) for name in named}
    layers["every layer"] = _layer("every layer", any_type)
    for override in request.type_overrides:
        layer_type = override.target.value
        if layer_type in capabilities.quantizable_types():
            layers[f"every {layer_type} layer"] = _layer(f"every {layer_type} layer", layer_type)
    return Network("", tuple(layers.values()), is_complete=False)


def _layer(name: str, layer_type: str) -> Layer:
    return Layer(name, layer_type, (), (), {}, None, None, (), None)


def _most_capable_type() -> str:
    """Return a type that may have everything that some type may have."""
    return next(
        layer_type
        for layer_type in capabilities.fusible_types()
        if capabilities.channel_wise(layer_type)
        and capabilities.obstacle("non_uniform", layer_type, {}) is None
    )
