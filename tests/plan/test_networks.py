"""The compiler agrees with the generators on what AMCT supports for a layer."""

from __future__ import annotations

from tests.editions import GeneratedNetwork
from tests.laws import law_of_editions
from tests.oracle.amct import OracleLayer
from tests.plan.layers import layers_of


@law_of_editions(lambda edition: edition.networks)
def test_a_layer_can_be_quantized_as_its_kind_says(generated: GeneratedNetwork) -> None:
    found = {layer.name: layer for layer in layers_of(generated.read())}
    for layer in generated.layers:
        assert abilities(found[layer.name]) == abilities(layer)


def abilities(layer: OracleLayer) -> tuple[object, ...]:
    """Return what is known of a layer; what else it could have does not matter if it is not quantized."""
    can = layer.supported
    more = (layer.non_uniform, layer.asymmetric, layer.balancer)
    return (layer.type, can, *(more if can else ()))
