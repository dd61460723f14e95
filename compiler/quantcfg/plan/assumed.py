"""The network that a request is checked against when no model is given.

It has a layer for everything that the request names, of the most capable type
possible. What is an error for this network is an error for every network.
"""

from __future__ import annotations

from quantcfg.diagnostics.suggestions import suggest
from quantcfg.network import Edition, Layer, Network
from quantcfg.plan.request import Request

ANY_SELECTED_LAYER = "any layer of the mapping file"


def assumed_network(request: Request, edition: Edition) -> Network:
    """Return a network with a layer for each name in a request, each overridden type, and one more."""
    named = [
        *request.skip_layers,
        *request.skip_fusion_layers,
        *(override.target for override in request.layer_overrides),
    ]
    any_type, known = edition.layer_types.most_capable, edition.layer_types.quantizable
    types = {name.value: any_type for name in named} | {"any layer": any_type}
    if request.non_uniform:
        types[ANY_SELECTED_LAYER] = any_type
    for override in request.type_overrides:
        layer_type = override.target.value
        meant = layer_type if layer_type in known else suggest(layer_type, known).slip
        if meant:
            types[f"any {meant} layer"] = meant
    layers = tuple(assumed_layer(name, layer_type) for name, layer_type in types.items())
    of_tensors = dict.fromkeys(tensor.layer.value for tensor in request.tensors)
    nodes = tuple(_assumed_node(name, edition) for name in of_tensors if name not in types)
    return Network(edition, "", (*layers, *nodes), is_complete=False)


def _assumed_node(name: str, edition: Edition) -> Layer:
    """Return a layer that is not quantizable, but whose inputs can be quantized."""
    layer_type = edition.layer_types.tensor_types[0]
    return Layer(name, layer_type, (), (), {}, None, "only its inputs are quantized", (), None)


def assumed_layer(name: str, layer_type: str) -> Layer:
    """Return a layer without attributes, which meets every condition of its type."""
    return Layer(name, layer_type, (), (), {}, None, None, (), None)
