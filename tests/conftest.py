from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the expected files of tests/golden anew"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Leave out the deep tests, unless the command line says which ones to take."""
    config.option.markexpr = config.option.markexpr or "not deep"
