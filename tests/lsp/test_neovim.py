"""Neovim, with the lines of docs/editors.md in its init.lua, edits requests for real models."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.shared import MODELS, MODELS_ONNX, needs_shared

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
PAGE = (HERE.parents[1] / "docs" / "editors.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Session:
    """A request for a model, with a name that is begun and one that is misspelt.

    definitions is the name of the file that a name leads to, defined the line there.
    """

    model: Path
    begun: str
    completed: str
    other: str
    misspelt: str
    fix: str
    definitions: str
    defined: str

    @property
    def request(self) -> str:
        return f"""\
# quantcfg-model: {self.model.name}
batch_num:   2
# 🦊
skip_layers: "{self.begun}"  # 🦊
skip_layers: ["{self.other}", '{self.misspelt}']
"""

    @property
    def after_completion(self) -> str:
        return self.request.replace(f'"{self.begun}"', f'"{self.completed}"')

    @property
    def after_fix(self) -> str:
        return self.after_completion.replace(f"'{self.misspelt}'", f'"{self.fix}"')

    @property
    def formatted(self) -> str:
        return self.after_fix.replace(":   2", ": 2")


RESNET = Session(
    model=MODELS / "resnet50" / "deploy.prototxt",
    begun="res2a",
    completed="res2a_branch1",
    other="fc1000",
    misspelt="cnov1",
    fix="conv1",
    definitions="deploy.prototxt",
    defined='name: "res2a_branch1"',
)
PPOCR = Session(
    model=MODELS_ONNX / "ppocr_det.onnx",
    begun="p2o.ConvTranspose",
    completed="p2o.ConvTranspose.2",
    other="p2o.Conv.0",
    misspelt="p2o.Convv.1",
    fix="p2o.Conv.1",
    definitions="ppocr_det.onnx.txt",
    defined="p2o.ConvTranspose.2  ConvTranspose  yes  24x1x2x2",
)

needs_neovim = pytest.mark.skipif(
    shutil.which("nvim") is None and os.environ.get("CI") != "true", reason="Neovim is not here"
)


@pytest.fixture(scope="module", params=[RESNET, PPOCR], ids=lambda session: session.model.name)
def session(request: pytest.FixtureRequest) -> Session:
    given: Session = request.param
    return given


@pytest.fixture(scope="module")
def done(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what came of a session in Neovim."""
    folder = tmp_path_factory.mktemp("neovim")
    shutil.copy(session.model, folder)
    (folder / "quant.cfg").write_text(session.request, encoding="utf-8")
    snippets = re.findall(r"^```lua\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    (snippet,) = (each for each in snippets if '"quantcfg", "lsp"' in each)
    (folder / "init.lua").write_text(snippet, encoding="utf-8")
    result = folder / "result.json"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    names = json.dumps(asdict(session), default=str)
    environment = {**os.environ, "PATH": path, "RESULT": str(result), "NAMES": names, "HOME": str(folder)}
    homes = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    ended = subprocess.run(
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
    assert result.exists(), ended.stdout + ended.stderr
    found = json.loads(result.read_text(encoding="utf-8"))
    assert "problem" not in found, found
    return {**found, "file": (folder / "quant.cfg").read_text(encoding="utf-8")}


@needs_neovim
@needs_shared
def test_errors_are_shown(done: Any, session: Session) -> None:
    code = {RESNET: "QC402", PPOCR: "QC401"}[session]
    column = session.request.splitlines()[4].index("'")
    assert done["diagnostics"] == [[code, 3, 13], ["QC401", 4, column]]


@needs_neovim
@needs_shared
def test_the_name_of_a_layer_is_completed(done: Any, session: Session) -> None:
    assert done["completed"] == session.after_completion.splitlines()


@needs_neovim
@needs_shared
def test_hover_says_what_a_field_means(done: Any) -> None:
    assert done["hover"].startswith(
        "**batch_num**: an integer; at least 1; default 1\n\nNumber of calibration batches"
    )


@needs_neovim
@needs_shared
def test_a_quick_fix_corrects_an_error(done: Any, session: Session) -> None:
    assert done["title"] == f"replace '{session.misspelt}' with \"{session.fix}\""
    assert done["fixed"] == session.after_fix.splitlines()


@needs_neovim
@needs_shared
def test_a_file_is_formatted(done: Any, session: Session) -> None:
    assert done["formatted"] == session.formatted.splitlines()
    assert done["file"] == session.formatted


@needs_neovim
@needs_shared
def test_a_layer_is_found_where_it_is_defined(done: Any, session: Session) -> None:
    assert re.sub(" {2,}", "  ", done["defined"].strip()) == session.defined
