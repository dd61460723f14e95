"""The real requests for ONNX models, each for a network with the names that it mentions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from onnx import NodeProto

from quantcfg import Compilation, compile_config
from tests.onnx.models import conv, network, node, tensor
from tests.shared import CONFIGS, CONFIGS_ONNX, files, needs_shared

pytestmark = needs_shared

WEIGHTS = (tensor("m", 8, 8),)
TWO_REQUESTS = "modelzoo_yolov5_two_requests.cfg"
NUQ = CONFIGS / "samples_amct_onnx_nuq_conf_nuq_quant.cfg"


def compiled(text: str) -> Compilation:
    """Compile a request for a network of the nodes that it names, and one more."""
    names = [*dict.fromkeys(re.findall(r'"([^"/]+)"', text)), "fc"]
    nodes = [_node(name, f"{index}", f"{index + 1}") for index, name in enumerate(names)]
    weights = [tensor(f"w{index}", 8, 8, 3, 3) for index, _ in enumerate(names)]
    return compile_config(network(*nodes, initializers=(*WEIGHTS, *weights)), config_text=text)


def _node(name: str, data: str, out: str) -> NodeProto:
    if name == "fc":
        return node("Gemm", [data, "m"], [out], name=name)
    if "ConvTranspose" in name:
        return node("ConvTranspose", [data, f"w{data}"], [out], name=name)
    return conv(name, data, f"w{data}", out)


@pytest.mark.parametrize(
    "file",
    [file for file in files(CONFIGS_ONNX, "*.cfg") if file.name != TWO_REQUESTS],
    ids=lambda file: file.stem,
)
def test_a_real_request_is_compiled(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    compilation = compiled(text)
    assert compilation.config, compilation.diagnostics
    skipped = {
        key for key, body in compilation.config.items() if isinstance(body, dict) and not body["quant_enable"]
    }
    listed = [line for line in text.splitlines() if line.startswith("skip_layers")]
    assert skipped == set(re.findall(r'"([^"]+)"', "\n".join(listed)))
    assert compilation.config["joint_quant"] is ("joint_quant : true" in text)


def test_two_requests_in_one_file_are_refused_for_repeated_names() -> None:
    text = (CONFIGS_ONNX / TWO_REQUESTS).read_text(encoding="utf-8")
    errors = {each.code for each in compiled(text).diagnostics if each.severity == "error"}
    assert errors == {"QC404"}
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    assert len(parts) == 2
    assert all(compiled(part).ok for part in parts)


def test_a_request_with_a_mapping_file_is_refused_only_because_the_file_is_absent() -> None:
    compilation = compiled(NUQ.read_text(encoding="utf-8"))
    assert [each.code for each in compilation.diagnostics] == ["QC101"]
