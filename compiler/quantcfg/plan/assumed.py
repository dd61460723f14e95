"""The network that a request is checked against where no model is given.

It has what the request speaks of, and allows all that some network could: what
is wrong for it is wrong for every network that the request can be meant for.
"""

from __future__ import annotations

from quantcfg.diagnostics.suggest import suggest
from quantcfg.network import Layer, Network, capabilities
from quantcfg.plan.request import Request

ANY_SELECTED_LAYER = "any layer of the mapping file"


def assumed_network(request: Request) -> Network:
    """Return a network with a layer for each name in a request, each overridden type, and the rest."""
    named = [
        *request.skip_layers,
        *request.skip_fusion_layers,
        *(override.target for override in request.layer_overrides),
    ]
    any_type = _most_capable_type()
    types = {name.value: any_type for name in named} | {"any layer": any_type}
    if request.non_uniform:
        types[ANY_SELECTED_LAYER] = any_type
    known = capabilities.quantizable_types()
    for override in request.type_overrides:
        layer_type = override.target.value
        meant = layer_type if layer_type in known else suggest(layer_type, known).slip
        if meant:
            types[f"any {meant} layer"] = meant
    layers = tuple(_layer(name, layer_type) for name, layer_type in types.items())
    return Network("", layers, is_complete=False)


def assumed_layer(name: str) -> Layer:
    """Return a layer that may have all that some layer may have."""
    return _layer(name, _most_capable_type())


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
