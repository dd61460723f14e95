"""Only the advice loads numpy: other commands start without it."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "compiler" / "quantcfg"
HEAVY = re.compile(r"^\s*(?:import|from) +(?:numpy|PIL)\b", re.MULTILINE)


def test_only_the_advice_imports_numpy() -> None:
    importing = {
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if HEAVY.search(path.read_text())
    }
    assert {path.parts[0] for path in importing} == {"advice", "editions", "weights"}
    assert {str(path) for path in importing if path.parts[0] == "editions"} == {"editions/caffe/execution.py"}
