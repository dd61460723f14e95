"""The costs of layers and networks (reference, weights.md 3.2)."""

from __future__ import annotations

import pytest

from quantcfg.editions.caffe.layer_operations import read_operations
from quantcfg.editions.caffe.reader import read_network
from quantcfg.editions.sources import read_source
from quantcfg.network import Network
from quantcfg.network.cost_table import unknown_shapes
from quantcfg.network.costs import Cost, Totals, costs_of, totals_of
from quantcfg.network.network import Shape
from quantcfg.network.operations import StoredArray
from quantcfg.source import Source
from tests.laws import TWICE, calls
from tests.networks import batch_norm, conv, inner_product, layer, pool, scale
from tests.shared import MODELS, needs_shared


def network_of(text: str) -> Network:
    network = read_network(Source("net.prototxt", text), None, lambda _: None)
    assert network
    return network


def costs(text: str, shape: Shape = (1, 6, 8, 8)) -> dict[str, Cost]:
    network = network_of(f'input: "data" input_shape {{ dim: {list(shape)} }}\n{text}')
    found = costs_of(network, read_operations(network, {}), None)
    return {each.name: cost for each, cost in zip(network.layers, found, strict=True)}


def test_a_quantized_layer_has_int8_weights_int32_biases_and_its_factors() -> None:
    found = costs("\n".join((conv("a", parameters="num_output: 8 kernel_size: 1"), inner_product("b"))))
    assert found["a"] == Cost(56, 8 * 6 * 64, 224, 48 + 4 * 8 + 4 * 8)
    assert found["b"] == Cost(3080, 3072, 12320, 3072 + 4 * 8 + 4)


def test_a_folded_layer_has_no_bytes_and_gives_its_target_a_bias() -> None:
    without_bias = conv("a", parameters="num_output: 8 kernel_size: 1 bias_term: false")
    found = costs("\n".join((without_bias, batch_norm("n", "a"), scale("s", "n"))))
    assert found["a"].int8_bytes == 48 + 4 * 8 + 4 * 8
    assert [found[name].int8_bytes for name in ("n", "s")] == [0, 0]
    assert [found[name].float_bytes for name in ("n", "s")] == [4 * 17, 4 * 16]


def test_other_layers_keep_their_bytes() -> None:
    found = costs("\n".join((pool("p"), layer("r", "PReLU", "p"))))
    assert found["p"] == Cost(0, 0, 0, 0)
    assert found["r"] == Cost(6, 0, 24, 24)


def test_stored_weights_count_where_the_model_does_not_determine_them() -> None:
    network = network_of("\n".join((layer("d", "Data", (), "data"), conv("a"), layer("w", "Wonder", "a"))))
    operations = read_operations(network, {})
    assert [cost.parameters for cost in costs_of(network, operations, None)] == [0, None, None]
    stored = {"a": (StoredArray((8, 3, 3, 3), "<f4", ()), StoredArray((8,), "<f4", ()))}
    found = costs_of(network, operations, stored)
    assert [cost.parameters for cost in found] == [0, 224, None]
    assert totals_of(network.layers, found).unknown == 2


@needs_shared
def test_the_totals_of_resnet50() -> None:
    source = read_source(MODELS / "resnet50" / "deploy.prototxt", lambda _: None, wanted="a prototxt")
    assert source
    network = network_of(source.text)
    found = totals_of(network.layers, costs_of(network, read_operations(network, {}), None))
    assert found == Totals(25610269, 3857973248, 102441076, 25719396, 25503976, 3857973248, 0)


# The values that the README of the models counts in the weights files.
PARAMETERS = {
    "cifar10_quick_v1/deploy": 145578,
    "lenet_mnist/deploy": 431080,
    "mtcnn_det1/deploy": 6632,
    "ultraface_slim320/deploy": 257916,
    "wechat_sr/deploy": 5301,
    "yoloface_50k/deploy": 11271,
}


def shared(name: str, *parameters: str) -> str:
    return conv(name, parameters="num_output: 8 kernel_size: 3").replace(
        "convolution_param",
        f"{' '.join(f'param {{ name: {each!r} }}' for each in parameters)} convolution_param",
    )


def test_a_parameter_that_layers_share_is_counted_for_the_first_of_them() -> None:
    found = costs("\n".join((shared("a", "w", "b"), shared("c", "w", "d"), shared("e", "w", "b"))))
    assert [cost.parameters for cost in found.values()] == [6 * 72 + 8, 8, 0]
    assert [cost.int8_bytes for cost in found.values()] == [4 * (6 * 72 + 8), 4 * 8, 0]


def test_a_type_without_weights_has_none_though_its_shapes_are_unknown() -> None:
    found = costs("\n".join((layer("x", "Wonder"), pool("p", "x"), layer("r", "ReLU", "p"))))
    assert [cost.parameters for cost in found.values()] == [None, 0, 0]


def test_the_causes_of_unknown_shapes_are_found_in_step_with_the_layers() -> None:
    def work(count: int) -> int:
        network = network_of("\n".join(layer(f"x{index}", "Wonder", "data") for index in range(count)))
        operations = read_operations(network, {}).all
        return calls(lambda: list(unknown_shapes(operations)))

    work(1)
    assert work(400) < TWICE * work(200)


@needs_shared
@pytest.mark.parametrize("model", PARAMETERS)
def test_the_parameters_of_a_model_are_the_values_in_its_weights(model: str) -> None:
    source = read_source(MODELS / f"{model}.prototxt", lambda _: None, wanted="a prototxt")
    assert source
    network = network_of(source.text)
    found = costs_of(network, read_operations(network, {}), None)
    assert totals_of(network.layers, found).parameters == PARAMETERS[model]
