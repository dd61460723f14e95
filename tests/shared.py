"""The material beside the repository: real models and configs, and the reference.

A checkout has it or not. Tests that need it carry the mark, and are skipped
where it is absent; in CI they fail there instead, so that nobody takes their
silence for success.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[1].parent / "shared"
MODELS = SHARED / "models"
MODELS_ONNX = SHARED / "models_onnx"
CASES = SHARED / "cases"
CONFIGS = SHARED / "configs"
CONFIGS_ONNX = SHARED / "configs_onnx"
REFERENCE = SHARED / "reference"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir() and os.environ.get("CI") != "true", reason="the shared material is not here"
)


def files(folder: Path, pattern: str) -> list[Path]:
    """Return the files that fit a pattern; where there are none, one that is missing, so a test fails."""
    return sorted(folder.glob(pattern)) or [folder / pattern]
