"""Real networks, from public repositories."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from quantcfg import contracts
from quantcfg.diagnostics import Diagnostic, catalogue
from quantcfg.editions.caffe import MODEL
from quantcfg.editions.caffe.weights import read_weights
from quantcfg.editions.sources import read_source
from quantcfg.network import Network
from quantcfg.source import Source
from quantcfg.textproto import Dialect, bind, parse
from tests.networks import codes, network
from tests.shared import MODELS, files, needs_shared

Net: Any = contracts.message_class("caffe", "caffe.NetParameter")

# How many layers hold in phase TEST, and how many of them can be quantized.
COUNTS = {
    "caffenet/deploy": (24, 8),
    "caffenet/train_val": (25, 8),
    "cifar10_48_v0/train_val": (26, 9),
    "cifar10_quick_v1/deploy": (12, 7),
    "cifar10_quick_v1/train_val": (14, 7),
    "fcn8s_voc/deploy": (47, 21),
    "fcn8s_voc/train_val": (50, 21),
    "heartseg_3d_dsn/deploy": (36, 0),
    "lenet_mnist/deploy": (9, 4),
    "lenet_mnist/train_val": (10, 4),
    "lrcn_lstm/deploy": (22, 6),
    "mobilenet_v2/deploy": (208, 54),
    "mtcnn_det1/deploy": (10, 5),
    "resnet20_cifar/train_val": (96, 22),
    "resnet50/deploy": (228, 55),
    "siamese_mnist/deploy": (9, 5),
    "siamese_mnist/train_val": (19, 0),
    "squeezenet_v1.1/deploy": (67, 26),
    "squeezenet_v1.1/train_val": (69, 26),
    "ultraface_slim320/deploy": (96, 42),
    "wechat_sr/deploy": (25, 11),
    "yoloface_50k/deploy": (96, 24),
}
WITH_WEIGHTS = (
    "cifar10_quick_v1/deploy",
    "lenet_mnist/deploy",
    "mtcnn_det1/deploy",
    "resnet20_cifar/train_val",
    "ultraface_slim320/deploy",
    "wechat_sr/deploy",
    "yoloface_50k/deploy",
)
# Groups of the four patterns, by the type of the layer that takes in the others.
FUSED = {
    "mobilenet_v2/deploy": 53,
    "resnet20_cifar/train_val": 21,
    "resnet50/deploy": 53,
    "yoloface_50k/deploy": 23,
}

pytestmark = needs_shared


def path_of(model: str) -> Path:
    return MODELS / f"{model}.prototxt"


def weights_file(model: str) -> Path:
    return path_of(model).parent / "weights.caffemodel"


def source_of(path: Path) -> Source:
    found: list[Diagnostic] = []
    source = read_source(path, found.append, wanted="a prototxt")
    assert source is not None, found
    return source


def read(model: str, weights: Path | None = None) -> Network:
    found: list[Diagnostic] = []
    stored = read_weights(weights, found.append) if weights else None
    assert found == []
    return network(source_of(path_of(model)).text, stored)


def fully_parsed(path: Path) -> Any:
    return Net.FromString(path.read_bytes())


def test_every_model_has_its_counts_here() -> None:
    paths = files(MODELS, "*/*.prototxt")
    assert {f"{path.parent.name}/{path.stem}" for path in paths} == COUNTS.keys()
    weighted = {path.parent.name for path in files(MODELS, "*/*.caffemodel")}
    assert weighted == {model.partition("/")[0] for model in WITH_WEIGHTS}


@pytest.mark.parametrize("model", COUNTS)
def test_layers_and_quantizable_layers_are_as_many_as_they_should(model: str) -> None:
    layers = read(model).layers
    assert (len(layers), sum(layer.quantizable for layer in layers)) == COUNTS[model]


@pytest.mark.parametrize("model", COUNTS)
def test_a_real_model_has_only_the_expected_warnings(model: str) -> None:
    warnings = {
        "siamese_mnist/train_val": [catalogue.SHARED_PARAMETERS.code] * 5,
        # Its three poolings are 3-D, which is for a fork.
        "heartseg_3d_dsn/deploy": [catalogue.CANNOT_SET_UP.code] * 3,
    }
    assert codes(read(model).diagnostics) == warnings.get(model, [])


@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_the_weights_of_a_model_fit_it(model: str) -> None:
    assert read(model, weights_file(model)).diagnostics == ()


def test_a_v0_network_has_its_layers_under_the_names_of_today() -> None:
    model = read("cifar10_48_v0/train_val")
    types = Counter(layer.type for layer in model.layers)
    assert (types["Convolution"], types["InnerProduct"]) == (5, 4)
    assert all(layer.quantizable for layer in model.layers if layer.type in ("Convolution", "InnerProduct"))
    padding = {layer.layer.name for layer in _parsed_by_google("cifar10_48_v0/train_val").layers} - {
        layer.name for layer in model.layers
    }
    assert len(padding) == 4
    written = {top for layer in model.layers for top in layer.tops}
    assert all(bottom in written for layer in model.layers for bottom in layer.bottoms)


@pytest.mark.parametrize("model", COUNTS)
def test_a_prototxt_is_bound_as_google_binds_it(model: str) -> None:
    found: list[Diagnostic] = []
    document = parse(source_of(path_of(model)), found.append)
    assert document is not None, found
    binding = bind(document, MODEL.descriptor, found.append, Dialect(lenient=True))
    assert found == []
    assert Net(**binding.whole.content()) == _parsed_by_google(model)
    assert not binding.unknown_enums


def _parsed_by_google(model: str) -> Any:
    return text_format.Parse(path_of(model).read_text(encoding="utf-8"), Net(), allow_unknown_field=True)


@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_shapes_are_those_of_a_full_parse(model: str) -> None:
    found: list[Diagnostic] = []
    weights = read_weights(weights_file(model), found.append)
    assert weights is not None, found
    message = fully_parsed(weights_file(model))
    stored = {layer.name: layer for layer in (*message.layers, *message.layer) if layer.blobs}
    assert {name: list(layer.shapes) for name, layer in weights.layers.items()} == {
        name: [_shape(blob) for blob in layer.blobs] for name, layer in stored.items()
    }
    assert all(shape for layer in weights.layers.values() for shape in layer.shapes)


def _shape(blob: Any) -> tuple[int, ...]:
    return tuple(blob.shape.dim) or (blob.num, blob.channels, blob.height, blob.width)


@pytest.mark.parametrize("model", WITH_WEIGHTS)
def test_weights_change_nothing_about_what_is_quantizable(model: str) -> None:
    bare, weighted = read(model), read(model, weights_file(model))
    assert [layer.obstacle for layer in weighted.layers] == [layer.obstacle for layer in bare.layers]
    assert [layer.fusion for layer in weighted.layers] == [layer.fusion for layer in bare.layers]
    for layer in weighted.quantizable:
        assert (layer.weight_shape is None) == (layer.type == "Pooling")


@pytest.mark.parametrize("model", COUNTS)
def test_every_batch_norm_and_scale_around_a_convolution_is_folded(model: str) -> None:
    groups = {layer.fusion for layer in read(model).layers if layer.fusion}
    assert len(groups) == FUSED.get(model, 0)
    assert all(len(group) == 3 for group in groups)
