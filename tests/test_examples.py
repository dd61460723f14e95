"""The models of the examples are those that the scripts beside them write."""

from __future__ import annotations

import runpy
from pathlib import Path

import onnx

TINYONNX = Path(__file__).parents[1] / "examples" / "tinyonnx"


def test_the_onnx_models_are_written_by_their_script() -> None:
    script = runpy.run_path(str(TINYONNX / "make_models.py"))
    network = script["network"]()
    onnx.checker.check_model(network, full_check=True)
    assert onnx.load(TINYONNX / "net.onnx") == network
    assert onnx.load(TINYONNX / "unnamed.onnx") == script["without_names"](network)
