"""The material beside the repository: real models and configs, and the reference.

A checkout has it or not. Tests that need it carry the mark, and are skipped
where it is absent; in CI they fail there instead, so that nobody takes their
silence for success.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

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


def small_first(models: Iterable[str], small: Collection[str]) -> list[ParameterSet]:
    """Return models as parameters of a test; those that are not small are for the deep run."""
    return [pytest.param(each, marks=() if each in small else pytest.mark.deep) for each in models]


def files(folder: Path, pattern: str) -> list[Path]:
    """Return the files that fit a pattern; where there are none, one that is missing, so a test fails."""
    return sorted(folder.glob(pattern)) or [folder / pattern]
