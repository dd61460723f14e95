"""Neovim, with the lines of docs/editors.md in its init.lua, edits a request for ResNet-50."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.shared import MODELS, needs_shared

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "editors.md").read_text(encoding="utf-8")
REQUEST = """\
# quantcfg-model: deploy.prototxt
batch_num:   2
# 🦊
skip_layers: "res2a"  # 🦊
skip_layers: ["fc1000", 'cnov1']
"""
COMPLETED = REQUEST.replace('"res2a"', '"res2a_branch1"')
FIXED = COMPLETED.replace("'cnov1'", '"conv1"')
FORMATTED = FIXED.replace(":   2", ": 2")

needs_neovim = pytest.mark.skipif(
    shutil.which("nvim") is None and os.environ.get("CI") != "true", reason="Neovim is not here"
)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what came of a session in Neovim."""
    folder = tmp_path_factory.mktemp("neovim")
    shutil.copy(MODELS / "resnet50" / "deploy.prototxt", folder)
    (folder / "quant.cfg").write_text(REQUEST, encoding="utf-8")
    snippets = re.findall(r"^```lua\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (snippet,) = (each for each in snippets if '"quantcfg", "lsp"' in each)
    (folder / "init.lua").write_text(snippet, encoding="utf-8")
    result = folder / "result.json"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "RESULT": str(result), "HOME": str(folder)}
    homes = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    session = subprocess.run(
        [
            "nvim",
            "--headless",
            "-n",
            "-i",
            "NONE",
            "-u",
            "init.lua",
            "quant.cfg",
            "-c",
            f"luafile {HERE / 'neovim.lua'}",
        ],
        cwd=folder,
        env={**environment, **homes},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.exists(), session.stdout + session.stderr
    found = json.loads(result.read_text(encoding="utf-8"))
    assert "problem" not in found, found
    return {**found, "file": (folder / "quant.cfg").read_text(encoding="utf-8")}


@needs_neovim
@needs_shared
def test_mistakes_are_shown(done: Any) -> None:
    assert done["diagnostics"] == [["QC402", 3, 13], ["QC401", 4, 24]]


@needs_neovim
@needs_shared
def test_the_name_of_a_layer_is_completed(done: Any) -> None:
    assert done["completed"] == COMPLETED.splitlines()


@needs_neovim
@needs_shared
def test_hover_says_what_a_field_means(done: Any) -> None:
    assert done["hover"].startswith(
        "**batch_num**: an integer; at least 1; default 1\n\nNumber of calibration batches"
    )


@needs_neovim
@needs_shared
def test_a_quick_fix_mends_a_mistake(done: Any) -> None:
    assert done["title"] == "replace 'cnov1' with \"conv1\""
    assert done["fixed"] == FIXED.splitlines()


@needs_neovim
@needs_shared
def test_a_text_is_laid_out(done: Any) -> None:
    assert done["formatted"] == FORMATTED.splitlines()
    assert done["file"] == FORMATTED


@needs_neovim
@needs_shared
def test_a_layer_is_found_in_the_prototxt(done: Any) -> None:
    assert done["defined"].strip() == 'name: "res2a_branch1"'
