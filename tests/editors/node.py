"""Scripts for node, with the packages of tests/package.json and of the extension for VS Code at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
EXTENSION = HERE.parents[1] / ".venv" / "vscode"
"""Where "make" builds the extension for VS Code, with what that needs from npm."""

_PACKAGES = (HERE.parents[1] / ".venv" / "npm" / "node_modules", EXTENSION / "node_modules")


def need_npm() -> None:
    """Skip a test where npm has brought nothing, but not in CI."""
    is_here = shutil.which("node") and all(folder.exists() for folder in _PACKAGES)
    if not is_here and os.environ.get("CI") != "true":
        pytest.skip("npm was not here to bring the packages")


def run(script: str, given: Any) -> Any:
    """Return the output of a script in this directory for an input; both are JSON."""
    need_npm()
    done = subprocess.run(
        ["node", str(HERE / script)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env={**os.environ, "NODE_PATH": os.pathsep.join(map(str, _PACKAGES))},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
