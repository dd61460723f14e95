"""The settings in docs/editors.md, as far as they can be tested without the editor."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from quantcfg.cli import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "editors.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "tinynet"
MODEL = ("--model", str(EXAMPLE / "deploy.prototxt"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A working directory with a schema and a configuration, as the page has them."""
    monkeypatch.chdir(tmp_path)
    assert main(["schema", *MODEL, "-o", "config.schema.json"]) == 0
    assert main(["compile", *MODEL, "--config", str(EXAMPLE / "quant.cfg"), "-o", "config.json"]) == 0


def test_the_settings_of_vs_code_are_json_and_name_the_schema_that_is_made() -> None:
    (settings,) = map(json.loads, re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE))
    (mapping,) = settings["json.schemas"]
    assert "config.json" in mapping["fileMatch"]
    assert Path(mapping["url"]).exists()


def test_check_jsonschema_takes_what_is_compiled_and_refuses_what_the_network_cannot_have() -> None:
    (shown,) = re.findall(r"^\$ check-jsonschema (.*)$", PAGE, re.MULTILINE)
    command = [sys.executable, "-m", "check_jsonschema", *shown.split()]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    Path("config.json").write_text('{"conv1": {}, "relu1": {}, "conv9": {}}', encoding="utf-8")
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "relu1" in refused.stdout
    assert "conv9" in refused.stdout


def test_the_settings_of_the_extension_are_those_of_its_manifest() -> None:
    manifest = json.loads((ROOT / "editors" / "vscode" / "package.json").read_text(encoding="utf-8"))
    listed = re.findall(r"^\| `(quantcfg\.\w+)` \|", PAGE, re.MULTILINE)
    assert listed == list(manifest["contributes"]["configuration"]["properties"])
