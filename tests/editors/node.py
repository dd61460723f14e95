"""Scripts for node, with the packages of tests/package.json at hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / ".venv" / "npm" / "node_modules"


def run(script: str, given: Any) -> Any:
    """Return what a script of this folder answers to what is given; both are JSON.

    Without npm the test is skipped, but not in CI.
    """
    if (shutil.which("node") is None or not PACKAGES.exists()) and os.environ.get("CI") != "true":
        pytest.skip("npm was not here to bring the packages")
    done = subprocess.run(
        ["node", str(HERE / script)],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
        env={**os.environ, "NODE_PATH": str(PACKAGES)},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
