"""Only the advice loads numpy: other commands start without it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "compiler" / "quantcfg"
EXAMPLES = Path(__file__).parents[2] / "examples"
HEAVY = re.compile(r"^\s*(?:import|from) +(?:numpy|PIL)\b", re.MULTILINE)


def test_only_the_advice_imports_numpy() -> None:
    importing = {
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if HEAVY.search(path.read_text())
    }
    assert {path.parts[0] for path in importing} == {"advice", "editions", "weights"}
    assert {str(path) for path in importing if path.parts[0] == "editions"} == {
        "editions/caffe/execution.py",
        "editions/onnx/layer_weights.py",
    }


@pytest.mark.slow
@pytest.mark.parametrize("model", ["tinynet/deploy.prototxt", "tinyonnx/net.onnx"])
@pytest.mark.parametrize("command", ["compile", "layers"])
def test_no_other_command_loads_numpy(command: str, model: str) -> None:
    code = (
        "import sys\n"
        "from quantcfg.cli import main\n"
        f"assert main([{command!r}, '--model', {str(EXAMPLES / model)!r}]) == 0\n"
        "assert not {'numpy', 'tqdm'} & sys.modules.keys()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
