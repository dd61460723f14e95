from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.models import Model, write_model


@pytest.fixture
def model(tmp_path: Path) -> Model:
    folder = tmp_path / "model"
    folder.mkdir()
    return write_model(folder)
